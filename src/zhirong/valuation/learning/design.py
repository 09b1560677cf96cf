"""From feature tables to the matrix a model was fitted on: columns, codes, context and text in one fixed order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.errors import DomainError, UnknownNameError
from zhirong.valuation.learning.features import FeatureTable, recoded
from zhirong.valuation.learning.textual import Encoder, TextReduction

__all__ = ["Design", "groups_of"]

Floats = NDArray[np.float64]
_AGE_BANDS = ((5.0, "0-5"), (10.0, "5-10"), (15.0, "10-15"), (np.inf, "15+"))
_OWNER_BANDS = ((1.5, "1"), (9.5, "2-9"), (99.5, "10-99"), (np.inf, "100+"))


@dataclass(frozen=True, slots=True)
class Design:
    """Columns of a model.

    Attributes
    ----------
    features : tuple of str
        Columns of the feature table.
    levels : Mapping of str to tuple of str
        Categories of the training rows, in order of code.
    context : tuple of str
        Facts of the deal or the opinion, 0 where a user states none.
    text : TextReduction or None
        Text features.
    """

    features: tuple[str, ...]
    levels: Mapping[str, tuple[str, ...]]
    context: tuple[str, ...]
    text: TextReduction | None

    @property
    def names(self) -> tuple[str, ...]:
        """Columns in order."""
        text = self.text.names if self.text is not None else ()
        return (*self.features, *(f"context.{c}" for c in self.context), *text)

    @property
    def categorical(self) -> list[int]:
        """Places of categories."""
        return [i for i, name in enumerate(self.features) if name in self.levels]

    @property
    def ordered(self) -> NDArray[np.int64]:
        """Places of features with an order; context is the user's to state and text has no distance worth the name."""
        return np.array([i for i, name in enumerate(self.features) if name not in self.levels], np.int64)

    def monotone(self, signs: Mapping[str, int]) -> list[int]:
        """Return the constraint of each column; categories have none."""
        return [0 if name in self.levels else signs.get(name, 0) for name in self.names]

    def matrix(
        self,
        table: FeatureTable,
        context: Mapping[str, NDArray[np.float64] | float] | None = None,
        encoder: Encoder | None = None,
    ) -> tuple[Floats, dict[str, NDArray[np.bool_]]]:
        """Return the matrix, shape (n, columns), and by category the rows whose level training never met.

        Raises
        ------
        UnknownNameError
            For a context that the model does not know.
        DomainError
            When a feature is missing from the table, or texts are wanted and the table holds none.
        """
        given = dict(context or {})
        if wrong := set(given) - set(self.context):
            raise UnknownNameError("context", sorted(wrong)[0], self.context)
        if missing := [name for name in self.features if name not in table.names]:
            raise DomainError(f"the table of features lacks {', '.join(missing)}")
        n = len(table.patent_id)
        columns: list[Floats] = []
        unseen: dict[str, NDArray[np.bool_]] = {}
        for name in self.features:
            column = table.column(name)
            if name in self.levels:
                column, unseen[name] = recoded(column, table.levels.get(name, ()), self.levels[name])
            columns.append(column)
        columns += [np.broadcast_to(np.asarray(given.get(c, 0.0), np.float64), (n,)) for c in self.context]
        x = np.column_stack(columns) if columns else np.zeros((n, 0))
        if self.text is not None:
            if not table.texts and n:
                raise DomainError("the model uses texts and the table of features holds none")
            x = np.hstack([x, self.text.apply(table.texts, encoder)])
        return x, unseen

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "features": list(self.features), "levels": {k: list(v) for k, v in self.levels.items()},
            "context": list(self.context), "text": self.text.to_dict() if self.text is not None else None,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Design:
        """Return what `to_dict` gave."""
        return cls(
            tuple(plain["features"]), {k: tuple(v) for k, v in plain["levels"].items()}, tuple(plain["context"]),
            TextReduction.from_dict(plain["text"]) if plain["text"] is not None else None,
        )  # fmt: skip


def groups_of(table: FeatureTable) -> dict[str, list[str | None]]:
    """Return the field, the age band and the size band of the owner of each row; None where unknown."""
    return {
        "field": table.category("oecd.technology_field") if "oecd.technology_field" in table.levels else
        [None] * len(table.patent_id),
        "age": _bands(table.column("legal.age"), _AGE_BANDS),
        "owner_size": _bands(table.column("owner.stock"), _OWNER_BANDS),
    }  # fmt: skip


def _bands(values: Floats, bands: Sequence[tuple[float, str]]) -> list[str | None]:
    return [None if np.isnan(v) else next(name for end, name in bands if v < end) for v in values]
