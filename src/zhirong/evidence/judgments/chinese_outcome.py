"""What the operative part of a Chinese judgment means for the patent."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Operative", "Outcome", "decide", "read_basis", "reread_outcome"]


@dataclass(frozen=True, slots=True)
class Operative:
    """An operative part and where it starts in the normal form."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome, its place, and which operative part the money is to be read from."""

    value: str | None
    start: int = 0
    end: int = 0
    confidence: float = 0.0
    award_from: Literal["own", "first"] = "own"
    doubts: list[tuple[str, str]] = field(default_factory=list)


_STOP = re.compile(r"停止[^。;]{0,40}?(?:侵害|侵犯|侵权|制造|生产|使用|销售|许诺销售|进口)|销毁")
_PAY = re.compile(r"赔偿[^。;\n]{0,60}?(?:损失|开支|费用|[\d一二三四五六七八九十壹贰叁肆伍陆柒捌玖拾佰百千万]+元)")
_NEGATED = re.compile(r"(?:驳回|撤销|不予)[^。;\n]{0,40}$")
_DISMISS_ALL = re.compile(r"驳回[^。;\n]{0,60}?(?:全部|的)?诉讼请求")
_DISMISS_REST = re.compile(r"驳回[^。;\n]{0,60}?(?:其他|其余|其它)[^。;\n]{0,10}诉讼请求")
_NOT_INFRINGED = re.compile(
    r"(?:并?未|没有|不)落入[^。;\n]{0,30}?保护范围|不构成(?:对[^。;\n]{0,30}?的?)?(?:专利)?侵(?:权|害|犯)|未(?:构成)?侵(?:害|犯)|"
    r"(?:现有技术|现有设计|先用权)抗辩(?:主张)?(?:成立|应予支持)|不侵(?:害|犯)"
)
_INVALID_ALL = re.compile(r"宣告[^。;\n]{0,60}?(?:专利权)?全部无效")
_INVALID_PART = re.compile(
    r"宣告[^。;\n]{0,60}?(?:专利权)?部分无效|宣告[^。;\n]{0,60}?权利要求[\d、,和至~-]+[^。;\n]{0,8}无效[^。;\n]{0,60}(?:继续)?维持"
)
_MAINTAINED = re.compile(r"维持[^。;\n]{0,60}?(?:专利权)?(?:继续)?有效")
_SIMPLE = (
    (
        re.compile(
            r"(?:准许|准予|同意)[^。;\n]{0,40}?撤(?:回(?:起诉|诉讼|对[^。;\n]{0,20}?(?:起诉|请求)|无效宣告请求)|诉)"
        ),
        "withdrawn",
        0.96,
    ),
    (re.compile(r"按(?:自动)?撤(?:诉|回起诉)处理"), "withdrawn", 0.95),
    (re.compile(r"驳回[^。;\n]{0,40}?(?:的)?起诉"), "dismissed", 0.96),
)


def decide(
    operative: Operative | None,
    *,
    first: Operative | None,
    cause: str | None,
    is_appeal: bool,
    reasons: tuple[str, int],
) -> Outcome:
    """Return the outcome for the patent.

    Parameters
    ----------
    operative, first : Operative or None
        This court's operative part; the earlier court's as stated in this text.
    cause : str or None
        Cause of the case.
    is_appeal : bool
        Second instance or retrial.
    reasons : tuple
        本院认为 up to the operative part, and its start.
    """
    if operative is None:
        return Outcome(None)
    if re.search(r"发回[^。;\n]{0,20}重审|重新(?:作出|审理)", operative.text):
        return Outcome(None, doubts=[("remanded", "sent back or to be decided anew; the outcome is open")])
    if is_appeal:
        return _appeal(operative, first, cause, reasons)
    return _own(operative, cause, reasons)


def _own(operative: Operative, cause: str | None, reasons: tuple[str, int]) -> Outcome:
    if cause == "validity":
        return _validity(operative, reasons)
    text, base = operative.text, operative.start
    for pattern, value, confidence in _SIMPLE:
        if match := pattern.search(text):
            return Outcome(value, base + match.start(), base + match.end(), confidence)
    if match := re.search(r"(?:自愿)?达成(?:如下)?(?:调解|和解)?协议|当事人自行和解", text):
        return Outcome("settled", base + match.start(), base + match.end(), 0.9)
    rest = _DISMISS_REST.search(text)
    everything = _DISMISS_ALL.search(text)
    if cause == "declaratory" and (match := re.search(r"确认[^。;\n]{0,80}?(?:不|未)(?:侵害|侵犯|构成侵)", text)):
        return Outcome("not_infringed", base + match.start(), base + match.end(), 0.95)
    for pattern, confidence in ((_STOP, 0.96), (_PAY, 0.93)):
        for match in pattern.finditer(text):
            if _NEGATED.search(text[: match.start()]):
                continue
            if cause in {"infringement", None}:
                return Outcome(
                    "infringed", base + match.start(), base + match.end(), confidence - 0.2 * (cause is None)
                )
    if everything and not rest and cause in {"infringement", None}:
        return _dismissed(operative, everything, reasons)
    if everything and not rest:
        return Outcome("dismissed", base + everything.start(), base + everything.end(), 0.85)
    return Outcome(None, doubts=[("outcome", "the operative part has none of the known forms")])


def _dismissed(operative: Operative, order: re.Match[str], reasons: tuple[str, int]) -> Outcome:
    """All claims dismissed: not infringed where the court's own reasons say so, else only dismissed."""
    text, base = reasons
    finding = None
    for match in _NOT_INFRINGED.finditer(text):
        clause = re.split(r"[。;\n]", text[: match.start()])[-1]
        if not re.search(r"(?:辩称|主张|认为其|抗辩称|上诉称)[^,]*$", clause) and not re.search(
            r"难以|不能(?:证明|认定)|并非|没有证据", clause[-12:]
        ):
            finding = match
    if finding is not None:
        return Outcome("not_infringed", base + finding.start(), base + finding.end(), 0.92)
    return Outcome("dismissed", operative.start + order.start(), operative.start + order.end(), 0.85)


def _validity(operative: Operative, reasons: tuple[str, int]) -> Outcome:
    direct = _direct_validity(operative.text, operative.start, 0.97)
    if direct is not None and not re.search(r"撤销[^。;\n]{0,60}?决定", operative.text):
        return direct
    if match := re.search(r"撤销[^。;\n]{0,60}?(?:审查)?决定", operative.text):
        del match
        return Outcome(None, doubts=[("decision_revoked", "the decision on validity was revoked; the outcome is open")])
    if _DISMISS_ALL.search(operative.text) or re.search(r"驳回[^。;\n]{0,30}上诉", operative.text):
        return _stated_decision(reasons)
    for pattern, value, confidence in _SIMPLE:
        if match := pattern.search(operative.text):
            return Outcome(value, operative.start + match.start(), operative.start + match.end(), confidence)
    return Outcome(None, doubts=[("outcome", "the operative part has none of the known forms")])


def _direct_validity(text: str, base: int, confidence: float) -> Outcome | None:
    for pattern, value in (
        (_INVALID_PART, "partially_invalidated"),
        (_INVALID_ALL, "invalidated"),
        (_MAINTAINED, "maintained"),
    ):
        if match := pattern.search(text):
            return Outcome(value, base + match.start(), base + match.end(), confidence)
    return None


def _stated_decision(body: tuple[str, int]) -> Outcome:
    """Read the office's decision, which the court left standing."""
    text, base = body
    found = _direct_validity(text, base, 0.88)
    if found is None:
        return Outcome(None, doubts=[("decision_unknown", "the decision that stands is not stated in this text")])
    return found


def _appeal(operative: Operative, first: Operative | None, cause: str | None, reasons: tuple[str, int]) -> Outcome:
    text, base = operative.text, operative.start
    if re.search(r"撤销[^。;\n]{0,60}?(?:审查)?决定", text) and cause == "validity":
        return Outcome(None, doubts=[("decision_revoked", "the decision on validity was revoked; the outcome is open")])
    upheld = re.search(
        r"驳回[^。;\n]{0,30}?上诉|维持(?:原判|一审判决|原审判决|[^。;\n]{0,40}?判决(?:$|[。;\n]))|撤回上诉", text
    )
    revoked = re.search(r"撤销[^。;\n]{0,60}?(?:判决|裁定)", text)
    if upheld and not revoked:
        return _upheld(operative, first, cause, reasons)
    own = _own(operative, cause, reasons)
    if own.value is not None and own.value != "dismissed":
        return own
    changed = re.search(r"变更[^。;\n]{0,60}?(?:判决|第[一二三四五六七八九十]+项)", text)
    if (changed or re.search(r"维持[^。;\n]{0,60}?第", text)) and first is not None:
        earlier = _own(first, cause, reasons)
        if earlier.value is not None:
            return earlier
    if own.value is not None:
        return own
    return Outcome(
        None, base, base + 1, 0.0, doubts=[("appeal", "the appeal's operative part has none of the known forms")]
    )


def _upheld(operative: Operative, first: Operative | None, cause: str | None, reasons: tuple[str, int]) -> Outcome:
    if first is None:
        if cause == "validity":
            return _stated_decision(reasons)
        return Outcome(None, doubts=[("first_result_unknown", "the judgment that stands is not stated in this text")])
    earlier = _own(first, cause, reasons)
    return Outcome(
        earlier.value, earlier.start, earlier.end, max(earlier.confidence - 0.03, 0.0), "first", earlier.doubts
    )


_BASIS: tuple[tuple[str, str, float], ...] = (
    (
        r"(?:按照|依照|根据|以)?双方(?:的)?(?:约定|协议)[^。;]{0,20}?(?:赔偿|数额|标准)[^。;]{0,20}|约定的赔偿(?:数额|金额|标准|方法)",
        "agreed_amount",
        0.85,
    ),
    (
        r"许可使用费的(?:合理)?(?:倍数|[\d一二两三四五1-5](?:\.\d)?倍)[^。;]{0,16}(?:确定|计算|为)?|参照[^。;]{0,20}许可(?:使用)?费[^。;]{0,10}(?:倍数|确定|计算)",
        "licence_multiple",
        0.88,
    ),
    (
        r"(?:以|按照?|根据|依据)[^。;]{0,30}?(?:侵权(?:人)?|被告)[^。;]{0,16}?(?:获利|获得的利益|利益)[^。;]{0,20}?(?:确定|计算|作为)",
        "defendant_profit",
        0.88,
    ),
    (r"(?:以|按照?|根据|依据)[^。;]{0,30}?(?:实际损失)[^。;]{0,20}?(?:确定|计算|作为)", "plaintiff_loss", 0.88),
    (
        r"法定赔偿[^。;]{0,10}|酌情(?:确定|判定|予以|支持)?|(?:予以|综合)?酌定|专利法第(?:六十五|七十一)条第二款",
        "statutory",
        0.9,
    ),
)
_CANNOT = re.compile(
    r"难以|无法|不能|未(?:能|提交|提供|举证)|均?(?:没有|无)(?:证据|充分证据)|缺乏|不足以|不予(?:采纳|支持)"
)


def read_basis(text: str) -> tuple[str, int, int, float] | None:
    """Return basis, start, end and confidence; a basis that the court could not apply does not count."""
    for pattern, value, confidence in _BASIS:
        for match in re.finditer(pattern, text):
            begin = max(text.rfind(mark, 0, match.start()) for mark in "。;,\n") + 1
            stop = min((i for i in (text.find(mark, match.end()) for mark in "。;,\n") if i >= 0), default=len(text))
            if value != "statutory" and _CANNOT.search(text[begin:stop]):
                continue
            return value, match.start(), match.end(), confidence
    return None


def reread_outcome(text: str) -> str | None:
    """Return the outcome that a span alone names."""
    for pattern, value, _ in _SIMPLE:
        if pattern.search(text):
            return value
    validity = _direct_validity(text, 0, 1.0)
    if validity is not None:
        return validity.value
    if _NOT_INFRINGED.search(text) or re.search(r"确认.*(?:不|未)(?:侵害|侵犯|构成侵)", text):
        return "not_infringed"
    if re.search(r"达成|和解", text):
        return "settled"
    if _DISMISS_ALL.search(text):
        return "dismissed"
    return "infringed" if _STOP.search(text) or _PAY.search(text) else None
