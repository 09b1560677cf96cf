"""Technology and law at a date laid over the assumptions of a patent: growth, life and validity, each saying by what it moved."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from zhirong.kernel.provenance import Grade, Source
from zhirong.numerics.betabinomial import BetaRate
from zhirong.valuation.assumptions import spread
from zhirong.valuation.movement import ClassPace, LawMovement, Movement
from zhirong.valuation.subject import Subject
from zhirong.valuation.types import Assumption, Distribution
from zhirong.valuation.used import Used

__all__ = ["LifeFactor", "life_factor", "with_movement"]

_SURE = 0.999
"""Largest mean of a chance that is moved."""


def with_movement(
    movement: Movement, subject: Subject, assumptions: Mapping[str, Assumption], used: Used, *, tested: float
) -> dict[str, Assumption]:
    """Return the assumptions with growth, life and validity moved by what the date knows of technology and law.

    Assumptions whose covariate is unknown stay as they are. Each that moves says by what in its source.

    Parameters
    ----------
    movement : Movement
        At the same date.
    subject, assumptions, used
        As in `default_assumptions`.
    tested : float
        Chance that validity is tested in the life left, 0 to 1.
    """
    found = dict(assumptions)
    mine = movement.paces.get((subject.class_symbol or "")[:4])
    if mine is not None and "growth" in found and found["growth"].distribution is Distribution.NORMAL:
        found["growth"] = _moved_growth(found["growth"], mine, used)
    if "economic_life" in found:
        found["economic_life"] = _moved_life(found["economic_life"], life_factor(movement, subject, used))
    field = str(subject.field or "unknown")
    now, ever = (law.validity_by_field.get(field) for law in (movement.law, movement.law_ever))
    if now is not None and ever is not None and "validity" in found:
        found["validity"] = _moved_validity(found["validity"], now, ever, movement.law, subject, tested)
    return found


@dataclass(frozen=True, slots=True)
class LifeFactor:
    """By what the scale of lives of a class is multiplied, and the figures behind it."""

    factor: float
    text: str


def life_factor(movement: Movement, subject: Subject, used: Used) -> LifeFactor | None:
    """Return the factor on lives for citations from faster-growing classes; None where the class has no citations.

    Notes
    -----
    ``exp(b (s - s0))``: s the share of citations to the class that come from classes that grow faster, drawn to the store's
    share s0 by `movement.substitution_prior_citations`, b `movement.substitution_life`.
    """
    mine, every = movement.paces.get((subject.class_symbol or "")[:4]), movement.newer_share_of_all
    if mine is None or mine.newer_share is None or every is None:
        return None
    prior = float(used.at("movement.substitution_prior_citations").value)
    share = (prior * every + mine.citations * mine.newer_share) / (prior + mine.citations)
    factor = math.exp(float(used.at("movement.substitution_life").value) * (share - every))
    text = f"{mine.main_class}: {100 * share:.1f} % ({100 * every:.1f} %), n = {mine.citations}"
    return LifeFactor(factor, text)


def _moved_growth(base: Assumption, mine: ClassPace, used: Used) -> Assumption:
    """Weigh the prior of growth with the class's excess growth by precision (normal prior, normal evidence)."""
    if mine.excess_growth is None or mine.excess_growth_se is None:
        return base
    share = float(used.at("movement.growth_pass_through").value)
    noise = float(used.at("movement.growth_transfer_sd").value)
    mean, sd = base.parameters["mean"], base.parameters["sd"]
    seen, seen_sd = mean + share * mine.excess_growth, math.hypot(share * mine.excess_growth_se, noise)
    weight = sd**2 / (sd**2 + seen_sd**2)
    moved = {"mean": mean + weight * (seen - mean), "sd": sd * math.sqrt(1 - weight)}
    text = f"{mine.main_class}: {100 * mine.excess_growth:+.1f} % (± {100 * mine.excess_growth_se:.1f}), n = {mine.publications}"
    return _resourced(
        base, moved,
        f"Prior of growth weighed with the growth of the class above all classes, a year ({text})",
        f"增长先验与该小类相对全部小类的年超额增长按精度加权（{text}）",
    )  # fmt: skip


def _moved_life(base: Assumption, moved: LifeFactor | None) -> Assumption:
    if moved is None or base.distribution is not Distribution.WEIBULL_RESIDUAL:
        return base
    return _resourced(
        base, {**base.parameters, "scale": base.parameters["scale"] * moved.factor},
        f"{base.source.title}; scale times {moved.factor:.3f} for citations from faster-growing classes against all ({moved.text})",
        f"{base.source.title_in('zh')}；因被更快增长小类引用的份额（对比全库），尺度乘以 {moved.factor:.3f}（{moved.text}）",
    )  # fmt: skip


def _moved_validity(
    base: Assumption, now: BetaRate, ever: BetaRate, law: LawMovement, subject: Subject, tested: float
) -> Assumption:
    """Scale the mean by what recent tests of the field say against all of them; what is not known of it stays as wide."""
    recent, past = now.a / (now.a + now.b), ever.a / (ever.a + ever.b)
    factor = (1 - tested * (1 - recent)) / (1 - tested * (1 - past))
    a, b = base.parameters["a"], base.parameters["b"]
    mean = min(a / (a + b) * factor, _SURE)
    text = f"{recent:.0%} / {past:.0%}, {law.from_date} – {law.to_date}, n = {now.cases:g} / {ever.cases:g}"
    where = subject.field or "?"
    return _resourced(
        base, {"a": mean * (a + b), "b": (1 - mean) * (a + b)},
        f"{base.source.title}; times {factor:.3f} for the tests survived of late in field {where}, against ever ({text})",
        f"{base.source.title_in('zh')}；因第 {where} 领域近期检验存活率（对比历来），乘以 {factor:.3f}（{text}）",
    )  # fmt: skip


def _resourced(base: Assumption, parameters: Mapping[str, float], title: str, title_zh: str) -> Assumption:
    grade = Grade.SYNTHETIC if base.source.grade is Grade.SYNTHETIC else Grade.ASSUMED
    source = Source(title, grade, note=base.source.note, title_zh=title_zh, note_zh=base.source.note_zh)
    made = spread(base.name, base.distribution, parameters, source, low=base.low, high=base.high)
    return replace(made, label=base.label, unit=base.unit)
