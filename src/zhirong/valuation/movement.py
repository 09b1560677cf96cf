"""Technology movement and law movement at a date: covariates of growth, life and validity.

Technology: growth of a class against all classes, its stage and bursts, and the share of citations to it that come from
classes that grow faster. Law: how validity tests and infringement suits ended in a dated window, by court and by field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import ibis
import numpy as np
from numpy.typing import NDArray

from zhirong.indicators import Context
from zhirong.indicators.catalogue import Evidence
from zhirong.kernel.dates import add_years
from zhirong.kernel.errors import ConvergenceError
from zhirong.numerics.betabinomial import BetaRate, shrunk_rates
from zhirong.numerics.bursts import Burst, find_bursts
from zhirong.numerics.scurve import CurveFit, fit_s_curve
from zhirong.numerics.substitution import Substitution, fit_fisher_pry
from zhirong.params import ParameterBook
from zhirong.valuation.flows import FRAMES_MOVED, class_citations, class_years, last_whole_year, with_frames
from zhirong.valuation.knowledge import Knowledge

__all__ = [
    "ClassMovement",
    "ClassPace",
    "LawMovement",
    "Movement",
    "law_movement",
    "movement_at",
    "movement_of",
    "outcomes",
]

Floats = NDArray[np.float64]
GROWTH_YEARS = 6
CITATION_YEARS = 5
_FASTER_Z = 1.2816
"""One-sided 90 %: a class grows faster when the difference of the logarithms of growth is that many standard errors."""
_FEW = 10
VALIDITY, INFRINGEMENT = "validity", "infringement"
_WON = {"maintained": 1.0, "partially_invalidated": 0.5, "invalidated": 0.0, "infringed": 1.0, "not_infringed": 0.0}


@dataclass(frozen=True, slots=True)
class ClassPace:
    """How fast a class grows at a date, and how far newer ones build on it.

    Parameters
    ----------
    main_class : str
        Subclass of IPC or CPC.
    publications : int
        In the years of `GROWTH_YEARS`.
    excess_growth, excess_growth_se : float or None
        Yearly growth (log points) above that of all classes, and its standard error; None with fewer than 10 publications.
    citations : int
        Citations to the class from other classes and itself in the years of `CITATION_YEARS`.
    newer_share : float or None
        Share of these from classes that grow faster; None without citations.
    """

    main_class: str
    publications: int
    excess_growth: float | None
    excess_growth_se: float | None
    citations: int
    newer_share: float | None


@dataclass(frozen=True, slots=True)
class ClassMovement(ClassPace):
    """How a class moves at a date: its pace, and the curves fitted to its years.

    Parameters
    ----------
    curve : CurveFit or None
        Growth curve over all years.
    bursts : tuple of Burst
        Of the share of all publications; positions count from `first_year`.
    first_year, last_year : int
        Of the series.
    substitution : Substitution or None
        Fisher-Pry curve of the share of citations from faster-growing classes.
    """

    curve: CurveFit | None
    bursts: tuple[Burst, ...]
    first_year: int
    last_year: int
    substitution: Substitution | None


@dataclass(frozen=True, slots=True)
class LawMovement:
    """Outcomes of a window, for the patent owner.

    Parameters
    ----------
    from_date, to_date : date
        The window, both days inside; decided and published by the last.
    validity_by_field, validity_by_court, infringement_by_field, infringement_by_court : Mapping of str to BetaRate
        Rate of surviving a validity test (partial invalidation counts half), and of infringement being found. Fields are
        numbers of WIPO as text, ``unknown`` where a patent has none; courts are as written.
    cases : int
        Decided cases in the window.
    """

    from_date: date
    to_date: date
    validity_by_field: Mapping[str, BetaRate]
    validity_by_court: Mapping[str, BetaRate]
    infringement_by_field: Mapping[str, BetaRate]
    infringement_by_court: Mapping[str, BetaRate]
    cases: int


@dataclass(frozen=True, slots=True)
class Movement:
    """Technology and law at a date, ready to be laid over the assumptions of any patent of the store; `law_ever` has no window."""

    as_of: date
    paces: Mapping[str, ClassPace]
    classes: Mapping[str, ClassMovement]
    newer_share_of_all: float | None
    law: LawMovement
    law_ever: LawMovement


def movement_of(known: Knowledge, *, classes: Sequence[str] = ()) -> Movement:
    """Return how technology and law move at the date of what is known, with curves of the classes named; see `movement_at`."""
    context = Context(known.as_of, known.engine)
    return movement_at(with_frames(known.tables, context, FRAMES_MOVED), context, known.book, classes=classes)


def movement_at(
    evidence: Evidence, context: Context, book: ParameterBook, *, classes: Sequence[str] | None = None
) -> Movement:
    """Return how technology and law move at a date.

    Parameters
    ----------
    evidence, context : Mapping, Context
        Evidence cut at the date, with the frames of `flows.with_frames`.
    book : ParameterBook
        Parameters: the length of the window of court outcomes.
    classes : sequence of str, optional
        Classes whose curves are fitted; all where not given.

    Returns
    -------
    Movement
    """
    engine, last = context.engine, last_whole_year(context.as_of)
    years = _by_class(engine.to_arrow(class_years(evidence, context)).to_pylist(), last)
    cites = engine.to_arrow(class_citations(evidence, context, from_year=last - 2 * CITATION_YEARS + 1)).to_pylist()
    cites = [r for r in cites if r["year"] <= last]
    growth = {name: _growth(series, last) for name, series in years.items()}
    whole: dict[int, int] = {}
    for series in years.values():
        for year, n in series.items():
            whole[year] = whole.get(year, 0) + n
    flows = _flows(cites, growth)
    wanted = list(years) if classes is None else [c for c in classes if c in years]
    paces = {c: _pace(c, growth, _growth(whole, last), flows.get(c, {}), last) for c in years}
    moved = {c: _class_movement(paces[c], years[c], whole, flows.get(c, {}), last) for c in wanted}
    recent = [v for flow in flows.values() for y, v in flow.items() if y > last - CITATION_YEARS]
    total = sum(n for _, n in recent)
    window = int(book.value("movement.law_window_years", context.as_of))
    decided = outcomes(evidence)
    return Movement(
        as_of=context.as_of,
        paces=paces,
        classes=moved,
        newer_share_of_all=sum(new for new, _ in recent) / total if total else None,
        law=law_movement(decided, context, window_years=window),
        law_ever=law_movement(decided, context, window_years=None),
    )


def _by_class(rows: Sequence[Mapping[str, Any]], last: int) -> dict[str, dict[int, int]]:
    found: dict[str, dict[int, int]] = {}
    for r in rows:
        if r["published_year"] <= last:
            found.setdefault(r["main_class"], {})[int(r["published_year"])] = int(r["patents"])
    return dict(sorted(found.items()))


def _growth(series: Mapping[int, int], last: int) -> tuple[float, float, int]:
    """Return yearly log growth of publications, its standard error, and how many there were.

    The halves of the window are compared: ``ln((now + 1/2)/(before + 1/2))`` over the years between their middles, with
    the variance of two Poisson counts.
    """
    half = GROWTH_YEARS // 2
    now = sum(series.get(y, 0) for y in range(last - half + 1, last + 1))
    before = sum(series.get(y, 0) for y in range(last - GROWTH_YEARS + 1, last - half + 1))
    rate = float(np.log((now + 0.5) / (before + 0.5))) / half
    return rate, float(np.sqrt(1 / (now + 0.5) + 1 / (before + 0.5))) / half, now + before


def _flows(
    cites: Sequence[Mapping[str, Any]], growth: Mapping[str, tuple[float, float, int]]
) -> dict[str, dict[int, tuple[int, int]]]:
    """Return, for each cited class and year, citations from faster-growing classes and citations in all."""
    found: dict[str, dict[int, tuple[int, int]]] = {}
    for r in cites:
        mine, theirs = growth.get(r["cited_class"]), growth.get(r["citing_class"])
        if mine is None or theirs is None:
            continue
        known = min(mine[2], theirs[2]) >= _FEW
        is_faster = known and theirs[0] - mine[0] > _FASTER_Z * float(np.hypot(mine[1], theirs[1]))
        new, all_ = found.setdefault(r["cited_class"], {}).get(r["year"], (0, 0))
        n = int(r["citations"])
        found[r["cited_class"]][int(r["year"])] = (new + (n if is_faster else 0), all_ + n)
    return found


def _pace(
    name: str, growth: Mapping[str, tuple[float, float, int]], whole: tuple[float, float, int],
    flow: Mapping[int, tuple[int, int]], last: int,
) -> ClassPace:  # fmt: skip
    rate, error, seen = growth[name]
    base, base_error, _ = whole
    recent = [v for y, v in flow.items() if y > last - CITATION_YEARS]
    all_ = sum(n for _, n in recent)
    return ClassPace(
        main_class=name,
        publications=seen,
        excess_growth=rate - base if seen >= _FEW else None,
        excess_growth_se=float(np.hypot(error, base_error)) if seen >= _FEW else None,
        citations=all_,
        newer_share=sum(new for new, _ in recent) / all_ if all_ else None,
    )


def _class_movement(
    pace: ClassPace, series: Mapping[int, int], whole: Mapping[int, int], flow: Mapping[int, tuple[int, int]], last: int
) -> ClassMovement:
    first = min(series)
    counts = np.array([series.get(y, 0) for y in range(first, last + 1)], np.float64)
    totals = np.array([whole.get(y, 0) for y in range(first, last + 1)], np.float64)
    span = np.array(sorted(flow), np.float64)
    try:
        shift = fit_fisher_pry(
            span, np.array([flow[int(y)][0] for y in span], float), np.array([flow[int(y)][1] for y in span], float)
        )
    except ConvergenceError:
        shift = None
    return ClassMovement(
        **{f.name: getattr(pace, f.name) for f in fields(ClassPace)},
        curve=fit_s_curve(counts, first_year=float(first)),
        bursts=find_bursts(counts, totals).bursts if totals.sum() > counts.sum() else (),
        first_year=first,
        last_year=last,
        substitution=shift,
    )


def outcomes(evidence: Mapping[str, ibis.Table]) -> ibis.Table:
    """Return decided cases: ``court``, ``technology_field``, ``outcome``, ``decided_date``, ``cases``; NULL is unknown.

    `evidence` holds the frame ``@fields`` and is cut at the date, so that a decision published later is not in it.
    """
    cases = evidence["cases"]
    cases = cases.filter(cases.outcome.isin(list(_WON)) & cases.decided_date.notnull())
    fields = evidence["@fields"].select(_patent="patent_id", technology_field="technology_field")
    t = cases.left_join(fields, [cases.patent_id == fields._patent])
    return t.group_by(["court", "technology_field", "outcome", "decided_date"]).aggregate(cases=t.count())


def law_movement(table: ibis.Table, context: Context, *, window_years: int | None) -> LawMovement:
    """Return rates of the window that ends at the date, by field and by court.

    Parameters
    ----------
    table : ibis.Table
        `outcomes`.
    context : Context
        Date and engine.
    window_years : int or None
        Length of the window; None for everything known.
    """
    start = date.min if window_years is None else add_years(context.as_of, -window_years)
    chosen = table.filter((table.decided_date > start) & (table.decided_date <= context.as_of))
    rows = context.engine.to_arrow(chosen).to_pylist()
    found: dict[tuple[str, str], dict[str, tuple[float, float]]] = {}
    for r in rows:
        kind = VALIDITY if r["outcome"] in {"maintained", "partially_invalidated", "invalidated"} else INFRINGEMENT
        won = _WON[r["outcome"]]
        keys = {"field": str(r["technology_field"] or "unknown"), "court": str(r["court"] or "unknown")}
        for by, key in keys.items():
            a, b = found.setdefault((kind, by), {}).get(key, (0.0, 0.0))
            found[kind, by][key] = (a + won * r["cases"], b + (1 - won) * r["cases"])

    def rates(kind: str, by: str) -> dict[str, BetaRate]:
        return shrunk_rates(dict(sorted(found.get((kind, by), {}).items())))

    return LawMovement(
        from_date=start,
        to_date=context.as_of,
        validity_by_field=rates(VALIDITY, "field"),
        validity_by_court=rates(VALIDITY, "court"),
        infringement_by_field=rates(INFRINGEMENT, "field"),
        infringement_by_court=rates(INFRINGEMENT, "court"),
        cases=sum(int(r["cases"]) for r in rows),
    )
