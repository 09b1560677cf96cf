"""Growth, leaders, entrants, white spots and dependence: from the small tables of a landscape to figures with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
from scipy import stats

from zhirong.numerics.bursts import find_bursts
from zhirong.numerics.cooccurrence import bridges, difference_interval, pair_tests, proportion_interval
from zhirong.numerics.scurve import fit_s_curve, stage_of
from zhirong.numerics.streams import stream_key
from zhirong.valuation.flows import last_whole_year
from zhirong.valuation.navigation.types import (
    Concentration,
    Dependence,
    Entrant,
    Estimate,
    Growth,
    Holder,
    WhiteSpot,
    WhiteSpots,
)

__all__ = [
    "concentration_of",
    "dependence_of",
    "entrants_of",
    "growth_of",
    "holders_of",
    "share",
    "white_spots_of",
]

LEVEL = 0.9
TREND_YEARS = 3
RESAMPLES = 2_000
UNSEEN = 0.5
"""Rights put down to owners that the store has not seen, in the interval of concentration."""
Rows = Sequence[Mapping[str, Any]]


def share(part: float, whole: float) -> Estimate:
    """Return a share with its Wilson interval; unknown where the whole is nothing."""
    if whole <= 0:
        return Estimate(None, None, None, 0.0, LEVEL)
    part = min(part, whole)  # shares of co-owners are sums of fractions
    low, high = proportion_interval(part, whole, level=LEVEL)
    return Estimate(part / whole, low, high, whole, LEVEL)


def growth_of(yearly: Rows, every: Mapping[int, int], as_of: date) -> Growth:
    """Return growth by year.

    Parameters
    ----------
    yearly : rows
        ``published_year`` (None for undated) and ``patents`` of the landscape.
    every : Mapping of int to int
        Publications of the whole store by year: the base of bursts.
    as_of : date
        The year of the date counts only when it is over.
    """
    counts = {r["published_year"]: int(r["patents"]) for r in yearly}
    undated = counts.pop(None, 0)
    last = last_whole_year(as_of)
    partial = (as_of.year, counts.get(as_of.year, 0)) if last < as_of.year else None
    whole = [y for y in counts if y <= last]
    if not whole:
        return Growth((), (), undated, partial, None, None, None, None, Estimate(None, None, None, 0.0, LEVEL), ())
    years = range(min(whole), last + 1)
    series = np.array([counts.get(y, 0) for y in years], np.float64)
    curve = fit_s_curve(series, first_year=float(years[0]), level=LEVEL)
    known = curve is not None and curve.is_identified
    totals = np.array([max(every.get(y, 0), counts.get(y, 0)) for y in years], np.float64)
    is_part = totals.sum() > series.sum()
    found = find_bursts(series, totals if is_part else None)
    return Growth(
        years=tuple(years),
        counts=tuple(int(n) for n in series),
        undated=undated,
        partial=partial,
        curve=curve,
        stage=stage_of(curve.maturity) if curve is not None and known else None,
        stage_low=stage_of(curve.maturity_low) if curve is not None else None,
        stage_high=stage_of(curve.maturity_high) if curve is not None else None,
        trend=_trend(series),
        bursts=found.bursts,
    )


def _trend(series: np.ndarray[Any, Any]) -> Estimate:
    """Ratio of the last years to those before, with the exact interval of a ratio of Poisson means (Clopper-Pearson)."""
    if series.size < 2 * TREND_YEARS:
        return Estimate(None, None, None, float(series.sum()), LEVEL)
    now, before = float(series[-TREND_YEARS:].sum()), float(series[-2 * TREND_YEARS : -TREND_YEARS].sum())
    if before == 0:
        return Estimate(None, None, None, now, LEVEL)
    tail = (1 - LEVEL) / 2
    low = float(stats.beta.ppf(tail, now, before + 1)) if now else 0.0
    high = float(stats.beta.ppf(1 - tail, now + 1, before))
    return Estimate(now / before, low / (1 - low), high / (1 - high), now + before, LEVEL)


def holders_of(rows: Rows, names: Mapping[str, str], *, shown: int) -> tuple[Holder, ...]:
    """Return the owners with most rights in force (ties: most patents, then the name), and how their share moved."""
    rights = sum(r["in_force"] for r in rows)
    recent, before = sum(r["recent"] for r in rows), sum(r["before"] for r in rows)
    best = sorted(rows, key=lambda r: (-r["in_force"], -r["patents"], str(r["owner_id"])))[:shown]
    return tuple(
        Holder(
            owner_id=r["owner_id"],
            name=names.get(r["owner_id"], r["owner_id"]),
            country=r["country"],
            patents=int(r["patents"]),
            in_force=float(r["in_force"]),
            share=share(float(r["in_force"]), rights),
            movement=_movement(float(r["recent"]), recent, float(r["before"]), before),
            recent=float(r["recent"]),
            before=float(r["before"]),
        )
        for r in best
    )


def _movement(a: float, n: float, b: float, m: float) -> Estimate:
    if n <= 0 or m <= 0:
        return Estimate(None, None, None, n + m, LEVEL)
    a, b = min(a, n), min(b, m)  # shares of co-owners are sums of fractions
    low, high = difference_interval(a, n, b, m, level=LEVEL)
    return Estimate(a / n - b / m, low, high, n + m, LEVEL)


def concentration_of(rows: Rows, *, unowned: int, status_unknown: int, seed: int) -> Concentration:
    """Return concentration of rights in force, with the interval of a field of which the store is a sample.

    Notes
    -----
    Shares are drawn from a Dirichlet distribution whose weights are the rights of each owner, and half a right for owners that
    the store has not seen (taken as many and small). Draws make squared shares too large by ``(1 - HHI) / (n + 1)``, which is
    taken off. One owner of two rights thus has an interval, and a wide one.
    """
    held = np.sort(np.array([r["in_force"] for r in rows if r["in_force"] > 0], np.float64))[::-1]
    rights = float(held.sum())
    if rights <= 0:
        nothing = Estimate(None, None, None, 0.0, LEVEL)
        return Concentration(nothing, nothing, 0, 0.0, unowned, status_unknown)
    shares = held / rights
    rng = np.random.default_rng(stream_key(seed, "navigation/concentration"))
    drawn = rng.dirichlet([*held, UNSEEN], RESAMPLES)[:, :-1]
    raw = (drawn**2).sum(axis=1)
    hhi = np.clip((raw - 1 / (rights + 1)) * (rights + 1) / rights, 0, 1)
    cr4 = drawn[:, :4].sum(axis=1)
    tail = (1 - LEVEL) / 2

    def estimate(value: float, draws: np.ndarray[Any, Any]) -> Estimate:
        low, high = np.quantile(draws, [tail, 1 - tail])
        return Estimate(value, min(float(low), value), max(float(high), value), rights, LEVEL)

    return Concentration(
        hhi=estimate(float((shares**2).sum()), hhi),
        cr4=estimate(float(shares[:4].sum()), cr4),
        owners=held.size,
        rights=rights,
        unowned=unowned,
        status_unknown=status_unknown,
    )


def entrants_of(rows: Rows, names: Mapping[str, str], *, recent_from: int) -> tuple[Entrant, ...]:
    """Return owners that published here first in the recent window, those with most patents first."""
    new = [r for r in rows if r["first_year"] is not None and r["first_year"] >= recent_from]
    new.sort(key=lambda r: (-r["patents"], r["first_year"], str(r["owner_id"])))
    return tuple(
        Entrant(
            r["owner_id"],
            names.get(r["owner_id"], r["owner_id"]),
            r["country"],
            int(r["first_year"]),
            int(r["patents"]),
        )
        for r in new
    )


def white_spots_of(
    names: Sequence[str], pairs: Rows, documents: int, *, threshold: float = 0.05, shown: int = 15
) -> WhiteSpots:
    """Return the matrix of some classes and the pairs that meet significantly less often than chance.

    Parameters
    ----------
    names : sequence of str
        Subclasses of the matrix, in the order to be shown.
    pairs : rows
        ``first``, ``second``, ``patents`` among them; rows of a class with itself give its size.
    documents : int
        All patents that have at least two classes.
    """
    place = {name: k for k, name in enumerate(names)}
    both = np.zeros((len(names), len(names)), np.int64)
    for r in pairs:
        i, j = place[r["first"]], place[r["second"]]
        both[i, j] = both[j, i] = int(r["patents"])
    size = np.diag(both).copy()
    tests = pair_tests(both, size, documents, level=LEVEL)
    between = bridges(tests, len(names))
    gaps = np.flatnonzero((tests.q_low <= threshold) & (tests.ratio < 1))
    order = sorted(gaps.tolist(), key=lambda k: (-int(between[k]), float(tests.q_low[k]), -float(tests.expected[k])))
    spots = tuple(
        WhiteSpot(
            first=names[tests.first[k]],
            second=names[tests.second[k]],
            observed=int(tests.observed[k]),
            expected=float(tests.expected[k]),
            ratio=Estimate(
                float(tests.ratio[k]), float(tests.ratio_low[k]), float(tests.ratio_high[k]),
                float(tests.expected[k]), LEVEL,
            ),
            q=float(tests.q_low[k]),
            bridges=int(between[k]),
        )
        for k in order[:shown]
    )  # fmt: skip
    expected = size[:, None] * size[None, :] / max(documents, 1)
    return WhiteSpots(
        classes=tuple(names),
        sizes=tuple(size.tolist()),
        observed=tuple(tuple(row) for row in both.tolist()),
        expected=tuple(tuple(row) for row in expected.tolist()),
        documents=documents,
        spots=spots,
        pairs=tests.observed.size,
        zero_pairs=int((tests.observed == 0).sum()),
        testable_pairs=int(tests.is_testable.sum()),
        gaps=int(gaps.size),
        threshold=threshold,
    )


def dependence_of(home: str, rights: Rows, cites: Rows) -> Dependence:
    """Return dependence on foreign holders from the rows of `rights_by_country` and `adverse_citations`."""
    by = {r["country"]: float(r["rights"]) for r in rights}
    unknown = by.pop(None, 0.0)
    known, foreign = sum(by.values()), sum(n for country, n in by.items() if country != home)
    whole = known + unknown

    def cited(adverse_only: bool) -> tuple[int, int, int]:
        chosen = [r for r in cites if r["is_adverse"] or not adverse_only]
        missing = sum(int(r["citations"]) for r in chosen if r["cited_country"] is None)
        away = sum(int(r["citations"]) for r in chosen if r["cited_country"] not in (None, home))
        return away, sum(int(r["citations"]) for r in chosen) - missing, missing

    away, placed, missing = cited(True)
    all_away, all_placed, _ = cited(False)
    return Dependence(
        home=home,
        by_country=dict(sorted(by.items(), key=lambda item: (-item[1], item[0]))),
        unknown=unknown,
        rights=share(foreign, known),
        rights_low=foreign / whole if whole else None,
        rights_high=(foreign + unknown) / whole if whole else None,
        citations=share(away, placed),
        all_citations=share(all_away, all_placed),
        adverse=placed + missing,
        adverse_unknown=missing,
        uncategorised=sum(int(r["citations"]) for r in cites if r["is_adverse"] is None),
    )
