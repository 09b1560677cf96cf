"""Lives predicted at a date and lived since."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhirong.indicators import evidence_at
from zhirong.kernel.errors import ConvergenceError, DomainError
from zhirong.kernel.identifiers import ClassSymbol
from zhirong.kernel.text import Bilingual
from zhirong.numerics.calibration import (
    CalibrationLine,
    brier_score,
    calibration_line,
    paired_difference,
    reliability,
)
from zhirong.numerics.lifetimes import fit_piecewise
from zhirong.numerics.survival import KaplanMeier, WeibullFit, fit_weibull, kaplan_meier
from zhirong.params import ParameterBook, field_of
from zhirong.tables import Engine, Store
from zhirong.valuation.background import prepare
from zhirong.valuation.calibration.types import GroupHazard, GroupShare, LifeCheck

__all__ = ["check_lives", "hazards_by_group"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_ENDS = ("lapsed", "expired", "surrendered", "invalidated")
_YEAR_DAYS = 365.25
_RIGHTS_MIN, _ENDS_MIN, _WATCHED_MIN = 100, 20, 30


@dataclass(frozen=True, slots=True)
class _Lives:
    filing: Floats
    grant: Floats
    end: Floats
    field: NDArray[np.int64]
    group: NDArray[np.str_]


def check_lives(
    store: Store,
    engine: Engine,
    *,
    book: ParameterBook,
    cuts: Sequence[date],
    years: Sequence[float] = (1.0, 3.0),
    last: date | None = None,
    right_type: str = "invention",
    groups: Mapping[str, str] | None = None,
    group_labels: Mapping[str, Bilingual] | None = None,
    progress: Callable[[int, int, int], None] = lambda done, total, records: None,
) -> tuple[LifeCheck, ...]:
    """Let the engine fit survival at each cut, and compare with what happened within each horizon.

    Parameters
    ----------
    store, engine
        Evidence.
    book : ParameterBook
        Parameters; the fit is the one that `prepare` gives a valuation at the cut.
    cuts : sequence of date
        Dates of fitting.
    years : sequence of float
        Horizons.
    last : date, optional
        Day until which ends are recorded; horizons beyond it are left out. The latest end in the store where not given.
    right_type : str
        Rights to check.
    groups : Mapping of str to str, optional
        Publication number to a group that the engine does not know of; predictions are summed up by it.
    group_labels : Mapping of str to Bilingual, optional
        What a reader sees for each group.
    progress : callable
        Told cuts done, cuts in all, and checks so far.

    Returns
    -------
    tuple of LifeCheck
        One for each cut and horizon with at least 100 rights in force and 20 ends known at the cut.
    """
    lives = _read(store, engine, right_type, groups or {})
    until = _day(last) if last else float(np.nanmax(lives.end, initial=-np.inf))
    found: list[LifeCheck] = []
    for done, cut in enumerate(cuts, 1):
        horizons = [h for h in years if _day(cut) + h * _YEAR_DAYS <= until]
        at = _state(lives, _day(cut))
        if horizons and at is not None:
            fits = prepare(store, engine, as_of=cut, book=book).survival
            found += [
                _check(lives, at, cut, h, fits, right_type, group_labels or {}) for h in horizons if right_type in fits
            ]
        progress(done, len(cuts), len(found))
    return tuple(found)


def hazards_by_group(
    store: Store,
    engine: Engine,
    *,
    groups: Mapping[str, str],
    group_labels: Mapping[str, Bilingual],
    last: date | None = None,
    right_type: str = "invention",
) -> tuple[GroupHazard, ...]:
    """Return ends a year at risk by age in each group; see `check_lives` for the parameters."""
    lives = _read(store, engine, right_type, groups)
    until = _day(last) if last else float(np.nanmax(lives.end, initial=-np.inf))
    found = []
    for name, label in group_labels.items():
        mine = (lives.group == name) & (lives.grant >= lives.filing) & (lives.grant < until)
        ended = mine & (lives.end <= until)
        stop = np.where(ended, lives.end, until)
        mine &= stop > lives.grant
        if mine.sum() < _RIGHTS_MIN:
            continue
        fit = fit_piecewise(
            ((stop - lives.filing) / _YEAR_DAYS)[mine], ended[mine], [float(age) for age in range(21)],
            entry=((lives.grant - lives.filing) / _YEAR_DAYS)[mine],
        )  # fmt: skip
        seen = fit.exposure_years >= 50
        found.append(GroupHazard(label, *(tuple(a[seen].tolist()) for a in (fit.cuts, fit.hazard, fit.low, fit.high))))
    return tuple(found)


def _day(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def _read(store: Store, engine: Engine, right_type: str, groups: Mapping[str, str]) -> _Lives:
    tables = evidence_at(store.read_all(engine), date(9999, 1, 1))
    events = tables["legal_events"]
    ends = (
        events.filter(events.event_kind.isin(_ENDS)).group_by("patent_id").aggregate(end=lambda t: t.event_date.min())
    )
    covered = events.filter(events.event_kind.isin(_ENDS)).select("source_id").distinct()
    classes = tables["classifications"].filter(lambda t: t.sequence == 1)
    first = classes.group_by("patent_id").aggregate(
        subclass=lambda t: t.subclass.min(), main_group=lambda t: t.main_group.min()
    )
    patents = tables["patents"]
    patents = patents.filter(
        patents.grant_date.notnull() & patents.filing_date.notnull()
        & (patents.right_type.isnull() | (patents.right_type == right_type))
    ).semi_join(covered, "source_id")  # fmt: skip
    joined = patents.left_join(ends, "patent_id").drop("patent_id_right").left_join(first, "patent_id")
    rows = engine.to_arrow(
        joined.order_by("patent_id").select(
            "publication_number", "filing_date", "grant_date", "end", "subclass", "main_group"
        )
    )

    def days(name: str) -> Floats:
        column = rows[name].cast("int32").to_pandas()
        return np.asarray(column.to_numpy(np.float64, na_value=np.nan), np.float64)

    field = [
        (field_of(ClassSymbol(s, m)) or 0) if s else 0
        for s, m in zip(rows["subclass"].to_pylist(), rows["main_group"].to_pylist(), strict=True)
    ]
    group = [groups.get(str(name), "") for name in rows["publication_number"].to_pylist()]
    return _Lives(
        days("filing_date"), days("grant_date"), days("end"), np.array(field, np.int64), np.array(group, np.str_)
    )


@dataclass(frozen=True, slots=True)
class _State:
    """What is known at a cut: who is in force, how old, and the two answers that the engine is compared with."""

    day: int
    alive: Bools
    age: Floats
    weibull: WeibullFit
    curve: KaplanMeier
    by_group: Mapping[str, WeibullFit]
    watched_to: float


def _state(lives: _Lives, day: int) -> _State | None:
    granted = (lives.grant <= day) & (lives.grant >= lives.filing)
    ended = granted & (lives.end <= day)
    alive = granted & ~ended
    stop = np.where(ended, lives.end, day)
    usable = granted & (stop > lives.grant)
    if alive.sum() < _RIGHTS_MIN or (usable & ended).sum() < _ENDS_MIN:
        return None
    time = ((stop - lives.filing) / _YEAR_DAYS)[usable]
    entry = ((lives.grant - lives.filing) / _YEAR_DAYS)[usable]
    try:
        weibull = fit_weibull(time, ended[usable], entry=entry)
    except (DomainError, ConvergenceError):
        return None
    group = lives.group[usable]
    by_group: dict[str, WeibullFit] = {}
    for name in np.unique(group):
        mine = group == name
        try:
            by_group[str(name)] = fit_weibull(time[mine], ended[usable][mine], entry=entry[mine])
        except (DomainError, ConvergenceError):
            by_group[str(name)] = weibull
    ages = np.arange(0.0, 26.0, 0.25)
    watched = ((entry[:, None] < ages) & (time[:, None] >= ages)).sum(axis=0)
    enough = np.flatnonzero(watched >= _WATCHED_MIN)
    return _State(
        day, alive, (day - lives.filing[alive]) / _YEAR_DAYS, weibull,
        kaplan_meier(time, ended[usable], entry=entry), by_group, float(ages[enough[-1]]) if enough.size else 0.0,
    )  # fmt: skip


def _check(
    lives: _Lives, at: _State, cut: date, horizon: float, fits: Mapping[str, WeibullFit], right: str,
    labels: Mapping[str, Bilingual],
) -> LifeCheck:  # fmt: skip
    age, field = at.age, lives.field[at.alive]
    happened = (lives.end[at.alive] <= at.day + horizon * _YEAR_DAYS).astype(np.float64)
    ours = np.empty(age.size)
    for name in np.unique(field):
        mine = field == name
        ours[mine] = _ending(fits.get(f"{right}:{name}", fits[right]), age[mine], horizon)
    at_age, at_end = _at(at.curve, age), _at(at.curve, age + horizon)
    predicted = {
        "engine": ours,
        "weibull": _ending(at.weibull, age, horizon),
        "kaplan_meier": np.clip(1 - at_end / np.maximum(at_age, 1e-12), 0.0, 1.0),
        "constant": np.full(age.size, _last_share(lives, at.day, horizon, float(ours.mean()))),
    }
    group = lives.group[at.alive]
    if any(group):
        predicted["by_group"] = np.empty(age.size)
        for name in np.unique(group):
            mine = group == name
            predicted["by_group"][mine] = _ending(at.by_group.get(str(name), at.weibull), age[mine], horizon)
    gain = {
        name: paired_difference((p - happened) ** 2, (ours - happened) ** 2)
        for name, p in predicted.items()
        if name != "engine"
    }
    return LifeCheck(
        cut, horizon, int(age.size), int(happened.sum()),
        {name: brier_score(p, happened) for name, p in predicted.items()}, gain, _line(ours, happened),
        _line(predicted["kaplan_meier"], happened), reliability(ours, happened), float(ours.mean()),
        float((age + horizon > at.watched_to).mean()),
        tuple(
            GroupShare(labels.get(str(name), Bilingual(str(name), str(name))), int(mine.sum()), float(ours[mine].mean()),
                       float(happened[mine].mean()))
            for name in np.unique(group) if name for mine in [group == name]
        ),
    )  # fmt: skip


def _ending(fit: WeibullFit, age: Floats, horizon: float) -> Floats:
    return np.asarray(1 - fit.survival(age + horizon) / fit.survival(age), np.float64)


def _last_share(lives: _Lives, day: int, horizon: float, fallback: float) -> float:
    """Return the share of rights in force one horizon before the cut that had ended by the cut."""
    before = day - horizon * _YEAR_DAYS
    exposed = (lives.grant <= before) & ~(lives.end <= before)
    return float((lives.end[exposed] <= day).mean()) if exposed.any() else fallback


def _line(predicted: Floats, happened: Floats) -> CalibrationLine | None:
    try:
        return calibration_line(predicted, happened)
    except (DomainError, ConvergenceError, np.linalg.LinAlgError):
        return None


def _at(curve: KaplanMeier, ages: Floats) -> Floats:
    """Return the curve at ages: the step before each; beyond its end the last step."""
    steps: Any = np.concatenate([[1.0], curve.survival])
    return np.asarray(steps[np.searchsorted(curve.times, ages, side="right")], np.float64)
