"""What a bridge moves, and why in words: groups of inputs, the state of a valuation, and sentences about their change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zhirong.kernel.text import Bilingual
from zhirong.valuation.assumptions import levels_of
from zhirong.valuation.background import Background
from zhirong.valuation.subject import Subject
from zhirong.valuation.types import Assumption

__all__ = ["GROUPS", "State", "reason_of"]

GROUPS: Mapping[str, Bilingual] = {
    "time": Bilingual("时间推移与剩余期限", "Passage of time, remaining life"),
    "events": Bilingual("缴费与法律事件", "Fees and legal events"),
    "revenue": Bilingual("收入证据", "Revenue evidence"),
    "validity": Bilingual("稳定性证据", "Validity evidence"),
    "technology": Bilingual("技术变动", "Technology movement"),
    "deals": Bilingual("交易与许可费率证据", "Deals and royalty evidence"),
    "parameters": Bilingual("参数更新", "Parameters changed"),
}
"""Groups of inputs that move together, in the order in which steps are shown."""


_EVENTS_ZH: Mapping[str, str] = {
    "annuity_paid": "缴纳年费",
    "transferred": "转让",
    "licensed": "许可",
    "pledged": "质押",
    "pledge_released": "质押解除",
    "litigated": "诉讼",
    "invalidation_requested": "无效宣告请求",
    "maintained": "维持有效",
    "partially_invalidated": "部分无效",
    "invalidated": "全部无效",
    "opposition_filed": "异议",
    "opposition_rejected": "异议驳回",
    "lapsed": "未缴年费终止",
    "expired": "期满",
    "surrendered": "放弃",
    "ended": "失效",
    "restored": "恢复",
    "insured": "投保",
    "awarded": "获奖",
    "preserved": "保全",
    "preservation_released": "保全解除",
}


@dataclass(frozen=True, slots=True)
class State:
    """Everything a valuation at one date rests on."""

    background: Background
    subject: Subject
    assumptions: Mapping[str, Assumption]
    life_factor: float


def _median(assumption: Assumption | None) -> float | None:
    return None if assumption is None else float(levels_of(assumption, np.array([0.5]))[0])


def _number(value: float | None, form: str) -> tuple[str, str]:
    if value is None:
        return "未知", "unknown"
    text = f"{value:{form}}"
    return text, text


def _went(
    zh: str, en: str, pair: Sequence[float | None], form: str, unit: tuple[str, str] = ("", "")
) -> Bilingual | None:
    """Return that a figure went from one value to another; None where it did not visibly."""
    a, b = (_number(value, form) for value in pair)
    if a == b:
        return None
    blank = "" if unit[0] else " "
    return Bilingual(
        f"{zh}由 {a[0]}{unit[0]}{blank}变为 {b[0]}{unit[0]}", f"{en} went from {a[1]}{unit[1]} to {b[1]}{unit[1]}"
    )


def reason_of(group: str, old: State, new: State) -> Bilingual:
    """Return why a group's move changed the value, in words."""
    said = [text for text in _REASONS[group](old, new) if text is not None]
    if not said:
        label = GROUPS[group]
        said = [Bilingual(f"{label.zh}的输入有细微变化", f"inputs of {label.en.lower()} changed slightly")]
    return Bilingual("；".join(t.zh for t in said), "; ".join(t.en for t in said))


def _time(old: State, new: State) -> list[Bilingual | None]:
    left = [s.subject.legal_life_years for s in (old, new)]
    return [_went("剩余法定期限", "the legal life left", left, ".1f", (" 年", " years"))]


def _events(old: State, new: State) -> list[Bilingual | None]:
    a, b = old.subject, new.subject
    found: list[Bilingual | None] = []
    if b.is_alive is False and a.is_alive is not False:
        ended = str(b.ended_by)
        found.append(Bilingual(f"权利已终止（{_EVENTS_ZH.get(ended, ended)}）", f"the right has ended ({ended})"))
    if a.paid_to_year != b.paid_to_year and b.paid_to_year is not None:
        zh, en = (
            ("未知", "unknown") if a.paid_to_year is None else (f"第 {a.paid_to_year} 年", f"year {a.paid_to_year}")
        )
        found.append(
            Bilingual(f"年费缴至由{zh}变为第 {b.paid_to_year} 年", f"fees paid went from {en} to year {b.paid_to_year}")
        )
    new_events = {k: n - a.event_counts.get(k, 0) for k, n in b.event_counts.items() if n > a.event_counts.get(k, 0)}
    if new_events:
        zh = "、".join(f"{_EVENTS_ZH.get(k, k)} {n} 次" for k, n in sorted(new_events.items()))
        en = ", ".join(f"{k.replace('_', ' ')} {n}" for k, n in sorted(new_events.items()))
        found.append(Bilingual(f"新增法律事件：{zh}", f"new legal events: {en}"))
    lives = [s.assumptions.get("economic_life") for s in (old, new)]
    if all(x is not None and "scale" in x.parameters for x in lives):
        scales = [x.parameters["scale"] for x in lives if x is not None]
        found.append(
            _went("失效数据拟合的寿命尺度", "the scale of lives fitted to lapses", scales, ".2f", (" 年", " years"))
        )
    return found


def _of_assumption(name: str, zh: str, en: str, form: str) -> Callable[[State, State], Bilingual | None]:
    return lambda old, new: _went(zh, en, [_median(s.assumptions.get(name)) for s in (old, new)], form)


_REVENUE = _of_assumption("attributable_revenue", "可归属收入中位数（元）", "median attributable revenue (CNY)", ",.0f")
_COST = _of_assumption("development_cost", "重置成本中位数（元）", "median cost of development (CNY)", ",.0f")
_VALID = _of_assumption("validity", "权利稳定概率中位数", "the median probability that the right stands", ".3f")
_GROWTH = _of_assumption("growth", "收入增长率中位数", "median growth of revenue", ".3f")
_ROYALTY = _of_assumption("royalty_rate", "许可费率中位数", "the median royalty rate", ".4f")
_DISCOUNT = _of_assumption("discount_rate", "折现率中位数", "the median discount rate", ".4f")


def _technology(old: State, new: State) -> list[Bilingual | None]:
    factors = [s.life_factor for s in (old, new)]
    return [
        _GROWTH(old, new),
        _went(
            "被更快增长小类引用对寿命尺度的系数",
            "the factor on lives for citations from faster-growing classes",
            factors,
            ".3f",
        ),
    ]


def _validity(old: State, new: State) -> list[Bilingual | None]:
    cases = [float(s.background.movement.law_ever.cases) for s in (old, new)]
    return [
        _VALID(old, new),
        _went("库内已决案件", "decided cases in the store", cases, ",.0f"),
    ]


def _parameters(old: State, new: State) -> list[Bilingual | None]:
    found = [_DISCOUNT(old, new)]
    listed = []
    for path in new.background.book:
        before, after = (
            next((p for p in reversed(s.background.book.series(path)) if p.effective_from <= s.background.as_of), None)
            if path in s.background.book
            else None
            for s in (old, new)
        )
        if before is not None and after is not None and before.value != after.value:
            listed.append(path)
    if listed:
        few = ", ".join(listed[:4]) + (" …" if len(listed) > 4 else "")
        found.append(Bilingual(f"参数有新值：{few}", f"parameters have new values: {few}"))
    return found


_REASONS: Mapping[str, Callable[[State, State], list[Bilingual | None]]] = {
    "time": _time,
    "events": _events,
    "revenue": lambda old, new: [_REVENUE(old, new), _COST(old, new)],
    "validity": _validity,
    "technology": _technology,
    "deals": lambda old, new: [_ROYALTY(old, new)],
    "parameters": _parameters,
}
