"""A fitted model: predictions with intervals, contributions that sum, draws; kept as a folder of JSON and text."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.errors import DomainError, NotAdmissibleError, StoreError
from zhirong.kernel.provenance import fingerprint
from zhirong.numerics.streams import stream_key
from zhirong.valuation.learning.boosting import Booster, Trees
from zhirong.valuation.learning.card import ModelCard
from zhirong.valuation.learning.conformal import Shifts, VennAbers, quantile_function
from zhirong.valuation.learning.design import Design, groups_of
from zhirong.valuation.learning.domain import Domain, Verdict
from zhirong.valuation.learning.features import FeatureTable
from zhirong.valuation.learning.labels import LabelKind, Target
from zhirong.valuation.learning.textual import Encoder

__all__ = ["FORMAT_VERSION", "LearnedModel", "Prediction", "learned_draws"]

Floats = NDArray[np.float64]
Context = Mapping[str, float | NDArray[np.float64]]
FORMAT_VERSION = 1
_MODEL = "model.json"


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model says of one patent.

    Attributes
    ----------
    patent_id : str
        Patent.
    quantiles : Mapping of float to float
        Of the target: natural logarithm of CNY by level. Empty for an event.
    probability : tuple of float or None
        Of an event: lower, calibrated and upper probability. None for an amount.
    contributions : Mapping of str to float
        Contributions to the median log amount, or to the log odds of an event before calibration; ``(mean)`` is the mean
        prediction, ``(conformal)`` what calibration adds. They sum to `explained`.
    explained : float
        The median log amount, or the log odds before calibration.
    verdict : Verdict
        Whether the patent is like those the model learned from.
    """

    patent_id: str
    quantiles: Mapping[float, float]
    probability: tuple[float, float, float] | None
    contributions: Mapping[str, float]
    explained: float
    verdict: Verdict

    @property
    def amounts_cny(self) -> dict[float, float]:
        """Return quantiles in CNY."""
        return {level: float(np.exp(q)) for level, q in self.quantiles.items()}


@dataclass(frozen=True, slots=True)
class LearnedModel:
    """A fitted model.

    Attributes
    ----------
    kind : LabelKind
        What it predicts.
    as_of : date
        Nothing later entered; it values no earlier day.
    design : Design
        Its columns.
    trees : Trees
        Its trees.
    calibration : Shifts or VennAbers
        Of an amount or of an event.
    group_by : str
        Dimension of `groups_of` with shifts of its own, empty for none.
    domain : Domain
        Where it may be used.
    card : ModelCard
        What it was made from and how well it does.
    """

    kind: LabelKind
    as_of: date
    design: Design
    trees: Trees
    calibration: Shifts | VennAbers
    group_by: str
    domain: Domain
    card: ModelCard

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything but the card's prose: equal models predict equally."""
        return fingerprint(self._plain() | {"trees": [b.text() for b in self.trees.boosters]})

    def predict(
        self, table: FeatureTable, *, context: Context | None = None, encoder: Encoder | None = None
    ) -> list[Prediction]:
        """Return predictions of each row of a table of features.

        Parameters
        ----------
        table : FeatureTable
            Features, from `features_at`.
        context : Mapping of str to float, optional
            Facts of the deal or opinion that is asked about, such as ``is_auction``; 0 where not given.
        encoder : Encoder, optional
            Needed where the model was fitted with sentence vectors.
        """
        if not len(table.patent_id):
            return []
        x, unseen = self.design.matrix(table, context, encoder)
        verdicts = self.domain.judge(x, unseen)
        parts = self.trees.contributions(x)
        names = [*self.design.names, "(mean)"]
        raw = self.trees.predict(x)
        if isinstance(self.calibration, VennAbers):
            return self._events(table, raw[:, 0], parts, names, verdicts)
        groups = self._groups(table)
        moved = self.calibration.apply(raw, groups)
        shifts = moved[:, self.trees.centre] - parts.sum(axis=1)
        out = []
        for row, verdict in enumerate(verdicts):
            median = moved[row, self.trees.centre]
            quantiles = median + verdict.widening * (moved[row] - median)
            contributions = dict(zip(names, parts[row].tolist(), strict=True)) | {"(conformal)": float(shifts[row])}
            levels = dict(zip(self.trees.levels, quantiles.tolist(), strict=True))
            out.append(Prediction(str(table.patent_id[row]), levels, None, contributions, float(median), verdict))
        return out

    def _events(
        self, table: FeatureTable, odds: Floats, parts: Floats, names: list[str], verdicts: list[Verdict]
    ) -> list[Prediction]:
        assert isinstance(self.calibration, VennAbers), "an event has probabilities"
        low, high = self.calibration.interval(odds)
        middle = self.calibration.probability(odds)
        out = []
        for row, verdict in enumerate(verdicts):
            wide = verdict.widening
            bounds = (
                float(max(0.0, middle[row] - wide * (middle[row] - low[row]))), float(middle[row]),
                float(min(1.0, middle[row] + wide * (high[row] - middle[row]))),
            )  # fmt: skip
            contributions = dict(zip(names, parts[row].tolist(), strict=True))
            out.append(Prediction(str(table.patent_id[row]), {}, bounds, contributions, float(odds[row]), verdict))
        return out

    def _groups(self, table: FeatureTable) -> list[str | None]:
        return groups_of(table)[self.group_by] if self.group_by else [None] * len(table.patent_id)

    def _plain(self) -> dict[str, Any]:
        c = self.calibration
        calibration: dict[str, Any]
        if isinstance(c, Shifts):
            by_group = {g: s.tolist() for g, s in sorted(c.by_group.items())}
            calibration = {"shifts": c.pooled.tolist(), "by_group": by_group, "count": c.count}
        else:
            calibration = {"edges": c.edges.tolist(), "low": c.low.tolist(), "high": c.high.tolist()}
        return {
            "format_version": FORMAT_VERSION, "kind": str(self.kind), "as_of": self.as_of.isoformat(),
            "design": self.design.to_dict(), "levels": list(self.trees.levels), "middle": self.trees.middle,
            "scale": self.trees.scale,
            "boosters": [{"start": b.start, "tree_count": b.tree_count} for b in self.trees.boosters],
            "calibration": calibration, "group_by": self.group_by, "domain": self.domain.to_dict(),
        }  # fmt: skip

    def save(self, out: Path) -> None:
        """Write the model as a folder: `model.json`, `trees-<n>.txt`, `card.json`, `card.zh.md`, `card.en.md`.

        Raises
        ------
        StoreError
            When `out` is a folder with something else in it.
        """
        if out.exists() and not (out / _MODEL).is_file() and (not out.is_dir() or any(out.iterdir())):
            raise StoreError(f"{out} holds other files, not a model; it was left alone")
        staging = out.with_name(f".{out.name}.new")
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(parents=True)
        plain = self._plain() | {"fingerprint": self.fingerprint}
        (staging / _MODEL).write_text(json.dumps(plain, ensure_ascii=False, indent=1, allow_nan=False) + "\n", "utf-8")
        for i, booster in enumerate(self.trees.boosters):
            (staging / f"trees-{i}.txt").write_text(booster.text(), "utf-8")
        card = json.dumps(self.card.to_dict(), ensure_ascii=False, indent=1, allow_nan=False)
        (staging / "card.json").write_text(card + "\n", "utf-8")
        for lang in ("zh", "en"):
            (staging / f"card.{lang}.md").write_text(self.card.to_markdown(lang), "utf-8")
        if out.exists():
            shutil.rmtree(out)
        staging.rename(out)

    @classmethod
    def load(cls, folder: Path) -> LearnedModel:
        """Read a model.

        Raises
        ------
        StoreError
            When there is none, or its files do not match its fingerprint.
        """
        if not (folder / _MODEL).is_file():
            raise StoreError(f"no model at {folder}; make one with `zhirong learn`")
        try:
            plain = json.loads((folder / _MODEL).read_text("utf-8"))
            if plain["format_version"] != FORMAT_VERSION:
                raise StoreError(
                    f"{folder}: format version {plain['format_version']}, this release reads {FORMAT_VERSION}"
                )
            model = cls._from_plain(plain, folder)
        except (KeyError, TypeError, ValueError, OSError) as err:
            if isinstance(err, StoreError):
                raise
            raise StoreError(f"{folder}: damaged model ({err})") from err
        if model.fingerprint != plain["fingerprint"]:
            raise StoreError(f"{folder}: the model was changed after it was written")
        return model

    @classmethod
    def _from_plain(cls, plain: Mapping[str, Any], folder: Path) -> LearnedModel:
        c, levels = plain["calibration"], tuple(plain["levels"])
        calibration: Shifts | VennAbers
        if "shifts" in c:
            by_group = {g: np.array(s) for g, s in c["by_group"].items()}
            calibration = Shifts(levels, np.array(c["shifts"]), by_group, c["count"])
        else:
            calibration = VennAbers(np.array(c["edges"]), np.array(c["low"]), np.array(c["high"]))
        boosters = tuple(
            Booster.read((folder / f"trees-{i}.txt").read_text("utf-8"), b["start"], b["tree_count"])
            for i, b in enumerate(plain["boosters"])
        )
        return cls(
            LabelKind(plain["kind"]), date.fromisoformat(plain["as_of"]), Design.from_dict(plain["design"]),
            Trees(levels, boosters, plain["middle"], plain["scale"]), calibration, plain["group_by"],
            Domain.from_dict(plain["domain"]), ModelCard.from_dict(json.loads((folder / "card.json").read_text("utf-8"))),
        )  # fmt: skip


def learned_draws(
    model: LearnedModel,
    table: FeatureTable,
    patent_id: str,
    *,
    as_of: date,
    seed: int,
    count: int,
    context: Context | None = None,
    encoder: Encoder | None = None,
) -> Floats:
    """Return draws of a patent's value in CNY from the conformal predictive distribution.

    Parameters
    ----------
    model : LearnedModel
        A model of amounts.
    table : FeatureTable
        Features that hold the patent, as known at `as_of` (`features_at`).
    patent_id : str
        Patent.
    as_of : date
        Day of the valuation.
    seed : int
        With the patent's name it makes the stream; draws do not depend on other patents or on threads.
    count : int
        Draws, at least 1.
    context, encoder
        See `LearnedModel.predict`.

    Returns
    -------
    ndarray, shape (count,)
        CNY, positive.

    Raises
    ------
    NotAdmissibleError
        For a model of an event, a day before the model's, features from after the day, a patent without features, or one
        that is unlike those the model learned from.
    """
    if model.kind.target is not Target.LOG_CNY:
        raise NotAdmissibleError(f"a model of {model.kind} gives a probability, not a value")
    if as_of < model.as_of:
        raise NotAdmissibleError(f"the model knows facts up to {model.as_of} and cannot value {as_of}")
    if count < 1:
        raise DomainError(f"draws {count} is not allowed; allowed: 1 or more")
    rows = np.flatnonzero(table.patent_id == patent_id)
    if not len(rows):
        raise NotAdmissibleError(f"no features of {patent_id} at {as_of}: it was not public")
    if (table.known_by[rows] > np.datetime64(as_of, "D")).any():
        raise NotAdmissibleError(f"features of {patent_id} are later than {as_of}")
    prediction = model.predict(table.take(rows[:1]), context=context, encoder=encoder)[0]
    if not prediction.verdict.is_inside:
        raise NotAdmissibleError(
            f"{patent_id} is unlike the patents the model learned from: {prediction.verdict.reason}"
        )
    rng = np.random.Generator(np.random.Philox(key=stream_key(seed, f"learned/{model.kind}/{patent_id}")))
    quantiles = np.array(list(prediction.quantiles.values()))
    u = np.asarray((rng.integers(0, 2**53, count) + 0.5) / 2.0**53, np.float64)
    return np.asarray(np.exp(quantile_function(model.trees.levels, quantiles, u)), np.float64)
