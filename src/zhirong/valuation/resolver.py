"""Which methods may be used, which not, and why, in words."""

from __future__ import annotations

from zhirong.kernel.text import Bilingual
from zhirong.valuation.assumptions import KNOWN
from zhirong.valuation.types import Admissibility

__all__ = ["REASON_NOT_ASKED", "admitted", "refused"]

_EXTRA = {
    "legal_life_years": Bilingual("剩余法定期限未知（缺申请日）", "legal life left is unknown (no filing date)"),
    "filing_date": Bilingual("申请日未知", "the filing date is unknown"),
}

REASON_NOT_ASKED: dict[str, Bilingual] = {
    "market": Bilingual(
        "可比交易的筛选与选择性偏差修正尚未实现，不以未修正的成交价估值",
        "comparable deals are not adjusted for selection yet, and prices of sold lots alone would mislead",
    ),
    "option": Bilingual(
        "缺少项目完工成本与放弃决策的数据", "no data on cost to completion and on decisions to abandon"
    ),
    "event_study": Bilingual("缺少授权日前后的股价数据", "no share prices around the day of grant"),
}
"""Methods that are named and refused, with the reason."""


def admitted(method: str, zh: str, en: str) -> Admissibility:
    """Return that a method may be used, and on what it rests."""
    return Admissibility(method, True, (Bilingual(zh, en),))


def refused(method: str, message: str) -> Admissibility:
    """Return that a method may not be used; `message` is a reason or names what is missing, joined by commas."""
    names = message.split(", ")
    if all(name in KNOWN or name in _EXTRA for name in names):
        labels = [_EXTRA.get(name) or KNOWN[name][0] for name in names]
        zh, en = "、".join(label.zh for label in labels), ", ".join(label.en for label in labels)
        return Admissibility(method, False, (Bilingual(f"缺少：{zh}", f"missing: {en}"),))
    return Admissibility(method, False, (Bilingual(f"不可用：{message}", message),))
