"""The first page: interval, grade, three strengths, three risks, what is unknown.

Strengths and risks are read from the record by fixed rules, never written by hand: places in the cohort, remaining life,
the input that moves the value most, the width of the interval, the share of unverified inputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zhirong.indicators.scoring.types import IndicatorReading, PatentScore
from zhirong.kernel.provenance import Grade
from zhirong.kernel.text import Language
from zhirong.reports.blocks import Bullets, Chart, Facts, Summary
from zhirong.reports.canvas import both
from zhirong.reports.charts import value_bar
from zhirong.reports.formats import Scale, format_date, format_number, format_percent, money_scale
from zhirong.reports.quantities import fact_value, indicator_name, reading_value
from zhirong.reports.texts import say, word
from zhirong.valuation.types import Valuation

__all__ = ["build_summary", "value_scale"]

STRONG, WEAK = 60.0, 40.0
"""Share of the cohort (0-100) that a strength is at least better than, and a risk at most."""
SHORT_LIFE_YEARS = 5.0
WIDE_RATIO = 4.0
"""Upper over lower end of the 80 % interval from which the spread itself is named as a risk."""
UNVERIFIED = (Grade.RECALLED, Grade.ASSUMED)
UNKNOWN_SHOWN = 4


def value_scale(valuation: Valuation, lang: Language) -> Scale:
    """Return the scale for the amounts of a valuation: resolution from its 90 % interval, unit from its median."""
    q = valuation.quantiles
    return money_scale([q[0.05], q[0.95]], valuation.currency, lang, typical=q[0.5])


def build_summary(
    valuation: Valuation, *, lang: Language, score: PatentScore | None, readings: Sequence[IndicatorReading]
) -> Summary:
    """Return the first page of a report.

    Parameters
    ----------
    valuation : Valuation
        The record.
    lang : str
        zh or en.
    score : PatentScore or None
        None shows the grade as unknown.
    readings : sequence of IndicatorReading
        Indicators with their places in the cohort; may be empty.

    Returns
    -------
    Summary
    """
    scale, q = value_scale(valuation, lang), valuation.quantiles
    strengths = list(_strengths(valuation, readings, lang))[:3]
    risks = list(_risks(valuation, readings, scale, lang))[:3]
    grade, grade_note = _grade(score, lang)
    if valuation.facts.get("is_alive") is False:
        grade, grade_note = say("summary.grade_ended", lang), say("summary.grade_ended_note", lang)
    return Summary(
        value_label=say("summary.value", lang),
        value=scale.interval(q[0.1], q[0.9]),
        value_note=say("summary.value_note", lang, median=scale.money(q[0.5]), wide=scale.interval(q[0.05], q[0.95])),
        grade_label=say("summary.grade", lang),
        grade=grade,
        grade_note=grade_note,
        facts=_facts(valuation, lang),
        lists=(
            Bullets(say("summary.strengths", lang), _padded(strengths, say("summary.none_strength", lang)), "good"),
            Bullets(say("summary.risks", lang), _padded(risks, say("summary.none_risk", lang)), "warning"),
            Bullets(say("summary.unknown", lang), _unknown(valuation, readings, lang), "muted"),
        ),
        charts=(_value_chart(valuation, scale, lang),),
    )


def _value_chart(valuation: Valuation, scale: Scale, lang: Language) -> Chart:
    q = valuation.quantiles
    alt = say("summary.value_chart", lang) + ": " + "; ".join(f"{100 * p:g}% {scale.money(q[p])}" for p in sorted(q))
    return both(
        "value",
        lambda width, name: value_bar(name, q, scale=scale, width=width, alt=alt),
        alt,
        say("summary.value_chart", lang),
    )


def _padded(items: list[str], rest: str) -> tuple[str, ...]:
    return tuple(items) if len(items) == 3 else (*items, rest)


def _grade(score: PatentScore | None, lang: Language) -> tuple[str, str]:
    if score is None or score.grade is None or score.total is None:
        return say("word.unknown", lang), say("summary.no_score", lang)
    unknown = say("word.unknown", lang)
    note = say(
        "summary.grade_note", lang, total=f"{score.total:.0f}",
        low=f"{score.low:.0f}" if score.low is not None else unknown,
        high=f"{score.high:.0f}" if score.high is not None else unknown,
        coverage=f"{score.coverage:.0%}", confidence=f"{score.confidence:.0%}",
    )  # fmt: skip
    if score.grade_best != score.grade_worst:
        separator = "；" if lang == "zh" else "; "
        note += separator + say("summary.grade_range", lang, best=score.grade_best, worst=score.grade_worst)
    return say("summary.grade_value", lang, grade=score.grade), note


def _facts(valuation: Valuation, lang: Language) -> Facts:
    count = len(valuation.patent_ids)
    subject = valuation.subject_id
    if count > 1:
        subject += " · " + say("portfolio.count", lang, count=count)
    items = [
        (say("summary.subject", lang), subject),
        (say("summary.name", lang), fact_value(valuation.facts.get("title"), lang)),
        (say("summary.as_of", lang), format_date(valuation.as_of, lang)),
        (say("summary.purpose", lang), word("purpose", str(valuation.purpose), lang)),
        (say("summary.standard", lang), word("standard", str(valuation.standard_of_value), lang)),
        (say("summary.currency", lang), valuation.currency),
    ]
    return Facts(tuple(items))


def _standing(reading: IndicatorReading) -> float | None:
    """Return the share of the cohort, 0-100, that the reading is better than; a score on a fixed range says nothing of it."""
    if reading.percentile is None or reading.direction == 0:
        return None
    return reading.percentile if reading.direction > 0 else 100.0 - reading.percentile


def _strengths(valuation: Valuation, readings: Sequence[IndicatorReading], lang: Language) -> Iterator[str]:
    places = [(standing, r) for r in readings if (standing := _standing(r)) is not None]
    for standing, reading in sorted(places, key=lambda place: (-place[0], place[1].id)):
        if standing >= STRONG:
            yield _place("strength.percentile", reading, standing / 100, lang)
    methods = [m for m in valuation.methods if m.weight > 0]
    for i, one in enumerate(methods):
        for other in methods[i + 1 :]:
            a, b = one.quantiles, other.quantiles
            if a[0.25] <= b[0.75] and b[0.25] <= a[0.75]:
                yield say("strength.agreement", lang, a=one.label.in_(lang), b=other.label.in_(lang))


def _risks(valuation: Valuation, readings: Sequence[IndicatorReading], scale: Scale, lang: Language) -> Iterator[str]:
    life = valuation.facts.get("remaining_life_years")
    if isinstance(life, int | float) and not isinstance(life, bool) and life < SHORT_LIFE_YEARS:
        yield say("risk.life", lang, years=format_number(life, significant=2))
    places = [(standing, r) for r in readings if (standing := _standing(r)) is not None and standing <= WEAK]
    weak = sorted(places, key=lambda place: (place[0], place[1].id))
    weak_lines = [_place("risk.percentile", r, 1 - standing / 100, lang) for standing, r in weak]
    yield from weak_lines[:1]
    if valuation.contributions:
        widest = max(valuation.contributions, key=lambda c: abs(c.value_high - c.value_low))
        low, high = sorted((widest.value_low, widest.value_high))
        yield say("risk.driver", lang, name=widest.label.in_(lang), low=scale.money(low), high=scale.money(high))
    low, high = valuation.quantiles[0.1], valuation.quantiles[0.9]
    if low > 0 and high / low >= WIDE_RATIO:
        yield say("risk.spread", lang, ratio=format_number(high / low, significant=2))
    unverified = sum(a.source.grade in UNVERIFIED for a in valuation.assumptions)
    if unverified * 3 >= len(valuation.assumptions) > 0:
        yield say("risk.assumed", lang, share=format_percent(unverified / len(valuation.assumptions)))
    yield from weak_lines[1:]


def _place(key: str, reading: IndicatorReading, share: float, lang: Language) -> str:
    return say(
        key, lang, name=indicator_name(reading.id, lang), value=reading_value(reading, lang),
        share=f"{100 * share:.0f}%",
    )  # fmt: skip


def _unknown(valuation: Valuation, readings: Sequence[IndicatorReading], lang: Language) -> tuple[str, ...]:
    items = [text.in_(lang) for text in valuation.unknown]
    missing = [indicator_name(r.id, lang) for r in readings if r.value is None]
    if missing:
        joined = ("、" if lang == "zh" else ", ").join(missing[:3])
        more = ("等" if lang == "zh" else "…") if len(missing) > 3 else ""
        label = f"{say('indicators.title', lang)} ({len(missing)})" if lang == "en" else f"指标（{len(missing)} 项）"
        items.append(f"{label}{'：' if lang == 'zh' else ': '}{joined}{more}")
    if not items:
        return (say("summary.none_unknown", lang),)
    if len(items) > UNKNOWN_SHOWN:
        rest = say("summary.more", lang, count=len(items) - UNKNOWN_SHOWN + 1)
        return (*items[: UNKNOWN_SHOWN - 1], rest)
    return tuple(items)
