"""Decided cases of a store at a date, counted and fitted: how often rights survive a challenge and suits are won."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import ibis
import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.identifiers import ClassSymbol
from zhirong.numerics.levels import probability_levels
from zhirong.numerics.nested_rates import NestedRates, fit_nested_rates
from zhirong.numerics.streams import stream_key
from zhirong.params import field_of
from zhirong.valuation.knowledge import Knowledge

__all__ = ["CaseEvidence", "case_evidence", "claim_types", "last_decisions", "node_levels"]

Floats = NDArray[np.float64]
LEVELS = ("court", "field", "claim_type")
_OUTCOMES: Mapping[str, tuple[str, ...]] = {
    "validity": ("maintained", "partially_invalidated", "invalidated"),
    "infringement": ("infringed", "not_infringed"),
}
_TABLE_DRAWS = 8_192


@dataclass(frozen=True, slots=True)
class CaseEvidence:
    """Decided cases of a store at a date, and the rates fitted to them.

    Parameters
    ----------
    as_of : date
        No decision that was not known by then is in it.
    survives, wins : NestedRates
        By court, field and kind of claim: not wholly invalidated when challenged; infringed when sued upon.
    survives_anywhere, wins_anywhere : NestedRates
        By field and kind of claim, for a right whose court is not known.
    partial : (float, float)
        Partial invalidations, and survivors in all.
    is_synthetic : bool
        The store is of the sample generator.
    """

    as_of: date
    survives: NestedRates
    wins: NestedRates
    survives_anywhere: NestedRates
    wins_anywhere: NestedRates
    partial: tuple[float, float]
    is_synthetic: bool
    _tables: dict[tuple[str, tuple[Any, ...]], Floats] = field(default_factory=dict, repr=False, compare=False)

    def table(self, name: str, rates: NestedRates, cell: tuple[Any, ...]) -> Floats:
        """Return quantiles of the rate of a cell; computed once for all rights of the cell."""
        if (name, cell) not in self._tables:
            self._tables[name, cell] = np.sort(
                rates.draws(cell, node_levels(0, "scenario/table", _TABLE_DRAWS, len(cell) + 1))
            )
        return self._tables[name, cell]


def node_levels(seed: int, name: str, count: int, columns: int) -> Floats:
    """Return probability levels of a named stream, shape (count, columns)."""
    return probability_levels(stream_key(seed, name), count, columns=columns)


def claim_types(known: Knowledge, patent_ids: Sequence[str]) -> dict[str, str]:
    """Return the kind of the first independent claim of patents; those whose claims are not known are left out."""
    wanted = sorted(set(patent_ids))
    claims = known.tables["claims"].filter(lambda t: t.is_independent & t.category.notnull())
    claims = known.engine.among(claims, "patent_id", wanted)
    rows = known.engine.to_arrow(claims.select("patent_id", "claim_number", "category")).to_pylist()
    found: dict[str, str] = {}
    for row in sorted(rows, key=lambda r: (r["patent_id"], r["claim_number"])):
        found.setdefault(row["patent_id"], row["category"])
    return found


def case_evidence(known: Knowledge) -> CaseEvidence:
    """Count the decided cases that a store knew at the date, and fit the chains; once for a store and a day.

    Notes
    -----
    Of the decisions between the same two parties on one right the last counts, so that an appeal takes the place of what it reviews;
    a row that does not name both stands for itself. A decision without a court, field or kind of claim is in the groups above it, and
    in a group of its own called unknown.
    """
    book, as_of = known.book, known.as_of
    rows = {cause: _counted(known, outcomes) for cause, outcomes in _OUTCOMES.items()}
    prior = tuple(float(v) for v in book.at("valuation.validity_survival_prior", as_of).value)
    won_prior = tuple(float(v) for v in book.at("scenario.prior.infringement", as_of).value)
    survives = [(key, counts.get("maintained", 0) + counts.get("partially_invalidated", 0), sum(counts.values()))
                for key, counts in rows["validity"]]  # fmt: skip
    wins = [(key, counts.get("infringed", 0), sum(counts.values())) for key, counts in rows["infringement"]]
    partial = float(sum(counts.get("partially_invalidated", 0) for _, counts in rows["validity"]))
    alive = float(sum(n for _, n, _ in survives))
    return CaseEvidence(
        as_of,
        _chain(survives, prior, LEVELS),
        _chain(wins, won_prior, LEVELS),
        _chain(survives, prior, LEVELS[1:]),
        _chain(wins, won_prior, LEVELS[1:]),
        (partial, alive),
        known.store.manifest.is_synthetic,
    )


def _chain(
    rows: Sequence[tuple[tuple[Any, ...], int, int]], prior: tuple[float, ...], names: Sequence[str]
) -> NestedRates:
    drop = len(LEVELS) - len(names)
    return fit_nested_rates(
        names, [key[drop:] for key, _, _ in rows], np.array([w for _, w, _ in rows], np.float64),
        np.array([n for _, _, n in rows], np.float64), prior=(prior[0], prior[1]),
    )  # fmt: skip


def _counted(known: Knowledge, outcomes: Sequence[str]) -> list[tuple[tuple[Any, ...], dict[str, int]]]:
    """Return outcomes counted by court, field and kind of the first independent claim, in the order of the keys."""
    tables = known.tables
    cases = last_decisions(tables["cases"].filter(lambda t: t.outcome.isin(list(outcomes))))
    classes = tables["classifications"].filter(lambda t: t.sequence == 1).group_by("patent_id")
    first = classes.aggregate(subclass=lambda t: t.subclass.min(), main_group=lambda t: t.main_group.min())
    chosen = tables["claims"].filter(lambda t: t.is_independent & t.category.notnull())
    numbers = chosen.group_by("patent_id").aggregate(claim_number=lambda t: t.claim_number.min())
    kinds = chosen.inner_join(numbers, ["patent_id", "claim_number"]).select("patent_id", "category")
    joined = cases.left_join(first, "patent_id").drop("patent_id_right").left_join(kinds, "patent_id")
    counted = joined.group_by(["court", "subclass", "main_group", "category", "outcome"]).aggregate(
        n=lambda t: t.count()
    )
    found: dict[tuple[Any, ...], dict[str, int]] = {}
    for row in known.engine.to_arrow(counted).to_pylist():
        field = field_of(ClassSymbol(row["subclass"], row["main_group"])) if row["subclass"] else None
        key = (row["court"] or "unknown", field or 0, row["category"] or "unknown")
        mine = found.setdefault(key, {})
        mine[row["outcome"]] = mine.get(row["outcome"], 0) + int(row["n"])
    return sorted(found.items(), key=lambda item: item[0])


def last_decisions(cases: ibis.Table) -> ibis.Table:
    """Keep, of the decisions between two parties on one right, the last: an appeal takes the place of what it reviews.

    A row that does not name both stands for itself.
    """
    known = cases.plaintiff.notnull() & cases.defendant.notnull()
    # On appeal the parties may be named the other way round.
    first, second = ibis.least(cases.plaintiff, cases.defendant), ibis.greatest(cases.plaintiff, cases.defendant)
    named = cases.mutate(
        _one=ibis.ifelse(known, first, cases.case_id), _two=ibis.ifelse(known, second, ibis.literal(""))
    )
    order = [named.decided_date.desc(nulls_first=False), ibis.asc(named.case_id)]
    ranked = named.mutate(_rank=ibis.row_number().over(group_by=["patent_id", "_one", "_two"], order_by=order))
    return ranked.filter(ranked._rank == 0).drop("_rank", "_one", "_two")
