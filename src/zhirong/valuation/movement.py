"""Technology movement and law movement at a date: covariates of growth, life and validity.

Technology: growth of a class against all classes, its stage and bursts, and the share of citations to it that come from
classes that grow faster. Law: how validity tests and infringement suits ended in a dated window, by court and by field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import ibis
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from zhirong.indicators import Context
from zhirong.indicators.catalogue import Evidence
from zhirong.kernel.dates import add_years
from zhirong.kernel.errors import ConvergenceError
from zhirong.kernel.provenance import Grade, Source
from zhirong.numerics.betabinomial import BetaRate, shrunk_rates
from zhirong.numerics.bursts import Burst, find_bursts
from zhirong.numerics.scurve import CurveFit, fit_s_curve
from zhirong.numerics.substitution import Substitution, fit_fisher_pry
from zhirong.params import ParameterBook
from zhirong.valuation.assumptions import spread
from zhirong.valuation.background import Background
from zhirong.valuation.flows import class_citations, class_years, last_whole_year, with_frames
from zhirong.valuation.inputs import Used
from zhirong.valuation.subject import Subject
from zhirong.valuation.types import Assumption, Distribution

__all__ = [
    "ClassMovement",
    "LawMovement",
    "Movement",
    "law_movement",
    "movement_at",
    "movement_of",
    "outcomes",
    "with_movement",
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
class ClassMovement:
    """How a class moves at a date.

    Parameters
    ----------
    main_class : str
        Subclass of IPC or CPC.
    publications : int
        In the years of `GROWTH_YEARS`.
    excess_growth, excess_growth_se : float or None
        Yearly growth (log points) above that of all classes, and its standard error; None with fewer than 10 publications.
    curve : CurveFit or None
        Growth curve over all years.
    bursts : tuple of Burst
        Of the share of all publications; positions count from `first_year`.
    first_year, last_year : int
        Of the series.
    citations : int
        Citations to the class from other classes and itself in the years of `CITATION_YEARS`.
    newer_share : float or None
        Share of these from classes that grow faster; None without citations.
    substitution : Substitution or None
        Fisher-Pry curve of that share.
    """

    main_class: str
    publications: int
    excess_growth: float | None
    excess_growth_se: float | None
    curve: CurveFit | None
    bursts: tuple[Burst, ...]
    first_year: int
    last_year: int
    citations: int
    newer_share: float | None
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
    """Technology and law at a date, ready to be laid over the assumptions of any patent of the store."""

    as_of: date
    classes: Mapping[str, ClassMovement]
    newer_share_of_all: float | None
    law: LawMovement


def movement_of(background: Background, *, classes: Sequence[str] | None = None) -> Movement:
    """Return how technology and law move at the date of a background; see `movement_at`."""
    context = Context(background.as_of, background.engine)
    return movement_at(with_frames(background.tables, context), context, background.book, classes=classes)


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
        Classes wanted; all where not given.

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
    moved = {c: _class_movement(c, years[c], whole, growth, flows.get(c, {}), last) for c in wanted}
    recent = [v for flow in flows.values() for y, v in flow.items() if y > last - CITATION_YEARS]
    total = sum(n for _, n in recent)
    window = int(book.value("movement.law_window_years", context.as_of))
    return Movement(
        as_of=context.as_of,
        classes=moved,
        newer_share_of_all=sum(new for new, _ in recent) / total if total else None,
        law=law_movement(outcomes(evidence), context, window_years=window),
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


def _class_movement(
    name: str, series: Mapping[int, int], whole: Mapping[int, int], growth: Mapping[str, tuple[float, float, int]],
    flow: Mapping[int, tuple[int, int]], last: int,
) -> ClassMovement:  # fmt: skip
    first = min(series)
    counts = np.array([series.get(y, 0) for y in range(first, last + 1)], np.float64)
    totals = np.array([whole.get(y, 0) for y in range(first, last + 1)], np.float64)
    rate, error, seen = growth[name]
    base, base_error, _ = _growth(whole, last)
    recent = [v for y, v in flow.items() if y > last - CITATION_YEARS]
    all_ = sum(n for _, n in recent)
    span = np.array(sorted(flow), np.float64)
    try:
        shift = fit_fisher_pry(
            span, np.array([flow[int(y)][0] for y in span], float), np.array([flow[int(y)][1] for y in span], float)
        )
    except ConvergenceError:
        shift = None
    return ClassMovement(
        main_class=name,
        publications=seen,
        excess_growth=rate - base if seen >= _FEW else None,
        excess_growth_se=float(np.hypot(error, base_error)) if seen >= _FEW else None,
        curve=fit_s_curve(counts, first_year=float(first)),
        bursts=find_bursts(counts, totals).bursts if totals.sum() > counts.sum() else (),
        first_year=first,
        last_year=last,
        citations=all_,
        newer_share=sum(new for new, _ in recent) / all_ if all_ else None,
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


def law_movement(table: ibis.Table, context: Context, *, window_years: int) -> LawMovement:
    """Return rates of the window that ends at the date, by field and by court.

    Parameters
    ----------
    table : ibis.Table
        `outcomes`.
    context : Context
        Date and engine.
    window_years : int
        Length of the window.
    """
    start = add_years(context.as_of, -window_years)
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


def with_movement(
    movement: Movement, background: Background, subject: Subject, assumptions: Mapping[str, Assumption], used: Used
) -> dict[str, Assumption]:
    """Return the assumptions with growth, life and validity moved by what the date knows of technology and law.

    Assumptions whose covariate is unknown stay as they are. Each that moves says by what in its source.

    Parameters
    ----------
    movement : Movement
        At the same date.
    background, subject, assumptions, used
        As in `default_assumptions`.
    """
    found = dict(assumptions)
    mine = movement.classes.get((subject.class_symbol or "")[:4])
    if mine is not None and "growth" in found and found["growth"].distribution is Distribution.NORMAL:
        found["growth"] = _moved_growth(found["growth"], mine, used)
    if mine is not None and "economic_life" in found:
        found["economic_life"] = _moved_life(found["economic_life"], mine, movement, used)
    rate = movement.law.validity_by_field.get(str(subject.field or "unknown"))
    if rate is not None and "validity" in found:
        found["validity"] = _moved_validity(found["validity"], rate, movement.law, subject, used)
    return found


def _moved_growth(base: Assumption, mine: ClassMovement, used: Used) -> Assumption:
    """Weigh the prior of growth with the class's excess growth by precision (normal prior, normal evidence)."""
    if mine.excess_growth is None or mine.excess_growth_se is None:
        return base
    share = float(used.at("movement.growth_pass_through").value)
    noise = float(used.at("movement.growth_transfer_sd").value)
    mean, sd = base.parameters["mean"], base.parameters["sd"]
    seen, seen_sd = mean + share * mine.excess_growth, float(np.hypot(share * mine.excess_growth_se, noise))
    weight = sd**2 / (sd**2 + seen_sd**2)
    moved = {"mean": mean + weight * (seen - mean), "sd": float(sd * np.sqrt(1 - weight))}
    text = f"{mine.main_class}: {100 * mine.excess_growth:+.1f} % (± {100 * mine.excess_growth_se:.1f}), n = {mine.publications}"
    return _resourced(
        base, moved,
        f"Prior of growth weighed with the growth of the class above all classes, a year ({text})",
        f"增长先验与该小类相对全部小类的年超额增长按精度加权（{text}）",
    )  # fmt: skip


def _moved_life(base: Assumption, mine: ClassMovement, movement: Movement, used: Used) -> Assumption:
    """Scale the life by the excess share of citations from faster-growing classes, drawn to the store's share."""
    every = movement.newer_share_of_all
    if mine.newer_share is None or every is None or base.distribution is not Distribution.WEIBULL_RESIDUAL:
        return base
    prior = float(used.at("movement.substitution_prior_citations").value)
    share = (prior * every + mine.citations * mine.newer_share) / (prior + mine.citations)
    factor = float(np.exp(float(used.at("movement.substitution_life").value) * (share - every)))
    text = f"{mine.main_class}: {100 * share:.1f} % ({100 * every:.1f} %), n = {mine.citations}"
    return _resourced(
        base, {**base.parameters, "scale": base.parameters["scale"] * factor},
        f"{base.source.title}; scale times {factor:.3f} for citations from faster-growing classes against all ({text})",
        f"{base.source.title_in('zh')}；因被更快增长小类引用的份额（对比全库），尺度乘以 {factor:.3f}（{text}）",
    )  # fmt: skip


def _moved_validity(base: Assumption, rate: BetaRate, law: LawMovement, subject: Subject, used: Used) -> Assumption:
    """Put the rate of the field in the window, with its uncertainty, in the place of the rate of all time."""
    tested = used.at("valuation.validity_tested_share")
    prior = used.at("valuation.validity_survival_prior").value
    a, b = float(prior[0]) + rate.a, float(prior[1]) + rate.b
    survive, sd = a / (a + b), float(np.sqrt(a * b / ((a + b) ** 2 * (a + b + 1))))
    assert tested.low is not None, "the share tested has a range"
    assert tested.high is not None, "the share tested has a range"
    share = float(tested.value)
    share_sd = (tested.high - tested.low) / (2 * float(stats.norm.ppf(0.95)))
    mean = 1 - share * (1 - survive)
    total = mean * (1 - mean) / ((share_sd * (1 - survive)) ** 2 + (share * sd) ** 2) - 1
    text = f"{law.from_date} – {law.to_date}, beta({a:.1f}, {b:.1f}), n = {rate.cases:g}"
    return _resourced(
        base, {"a": mean * total, "b": (1 - mean) * total},
        f"1 - chance of a test x chance of losing it; survival in field {subject.field} over the window, shrunk ({text})",
        f"1－受检验概率×检验落败概率；第 {subject.field} 领域在窗口期内的检验存活率（已收缩，{text}）",
    )  # fmt: skip


def _resourced(base: Assumption, parameters: Mapping[str, float], title: str, title_zh: str) -> Assumption:
    grade = Grade.SYNTHETIC if base.source.grade is Grade.SYNTHETIC else Grade.ASSUMED
    source = Source(title, grade, note=base.source.note, title_zh=title_zh, note_zh=base.source.note_zh)
    made = spread(base.name, base.distribution, parameters, source, low=base.low, high=base.high)
    return replace(made, label=base.label, unit=base.unit)
