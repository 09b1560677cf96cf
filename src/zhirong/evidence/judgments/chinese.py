"""Chinese judgments (裁判文书) and invalidation decisions, section by section.

The operative part decides: the last 判决如下 / 裁定如下 before the signatures. What the parties claim, what an earlier
court held and what a text merely quotes never becomes the result, save where the operative part upholds it
(驳回上诉，维持原判); then the first result is read from where this text states it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from zhirong.evidence.judgments.chinese_outcome import Operative, decide, read_basis, reread_outcome
from zhirong.evidence.judgments.chinese_values import (
    AMOUNT,
    DATE,
    Award,
    award,
    claims,
    find_patents,
    read_date,
)
from zhirong.evidence.judgments.normal import NormalText, normalise
from zhirong.evidence.judgments.result import Doubt, Extracted, JudgmentReading

__all__ = ["CAUSES", "read_chinese", "reread_chinese"]

_TITLE = re.compile(
    r"(?:民事|行政|刑事)(?:附带民事)?(?:判决书|裁定书|调解书)|无效宣告(?:请求)?审查决定书|^(?:判决书|裁定书|调解书)$",
    re.MULTILINE,
)
_COURT = re.compile(
    r"^(?:中华人民共和国)?(?P<court>[一-龥]{0,24}(?:人民法院|知识产权法院|互联网法院)|国家知识产权局(?:专利局)?(?:专利复审委员会|专利复审和无效审理部)?)$",
    re.MULTILINE,
)
_CASE = re.compile(r"[(〔\[](?:19|20)\d{2}[)〕\]][一-龥0-9]{2,16}?第?\d{1,6}号(?:之[一二三四五六七八九十])?")
_DECISION = re.compile(
    r"(?:决定号:?第?|第)(?P<number>\d{4,6})号(?=无效宣告|决定|[)\n]|$)|决定号:?第?(?P<other>\d{4,6})", re.MULTILINE
)
_ROLE = (
    r"(?:再审申请人|被申请人|上诉人|被上诉人|原告|被告|无效宣告请求人|无效请求人|请求人|专利权人|第三人|原审原告|原审被告|一审被告|"
    r"一审原告)"
)
_PARTY = re.compile(
    rf"^(?P<role>{_ROLE})(?P<number>[一二三四五六七八九十]|\d)?(?:\((?P<was>[^)]{{2,20}})\))?(?P<colon>:)?(?P<name>[^,。;:\n(]{{2,60}})",
    re.MULTILINE,
)
_NOT_A_NAME = re.compile(
    r"[诉因系]|与(?:被|上|原)|一案|向本院|^(?:与|不服|提出|认为|请求|辩称|述称|于|对|的|未|主张|享有)|诉讼|上诉|没有|应"
)
CAUSES: tuple[tuple[str, str], ...] = (
    (r"确认不侵害(?:发明|实用新型|外观设计)?专利权(?:纠纷)?", "declaratory"),
    (r"专利(?:实施|使用)?许可(?:使用)?合同纠纷", "licence_contract"),
    (
        r"职务发明创造?(?:发明人、设计人)?(?:奖励|报酬)[^。,]{0,8}纠纷|(?:发明人|设计人)[^。,]{0,12}(?:奖励|报酬)纠纷",
        "remuneration",
    ),
    (r"专利(?:申请)?权权属(?:、侵权)?纠纷|专利申请权纠纷|专利权归属", "ownership"),
    (r"专利权?无效(?:宣告)?(?:请求)?(?:行政)?(?:纠纷|一案)|无效宣告(?:请求)?(?:行政纠纷|审查决定)", "validity"),
    (
        r"侵(?:害|犯)(?:了)?(?:原告)?(?:发明|实用新型|外观设计)?专利(?:权)?(?:纠纷|一案)?|专利(?:权)?侵权纠纷",
        "infringement",
    ),
    (r"专利申请驳回复审(?:行政)?纠纷|假冒专利|专利代理合同纠纷|专利权转让合同纠纷|临时保护期使用费", "other"),
)
"""Phrases of the cause of action and our word, the more particular first."""
_REASONS = re.compile(r"(?:本院|本庭|合议组|本院经审查)(?:经审查)?认为")
_SIGNED = re.compile(r"^(?:审判长|代理审判员|审判员|人民陪审员|法官助理|书记员|合议组组长|主审员|参审员)", re.MULTILINE)
_ORDER = re.compile(
    r"(?:判决|裁定|决定|协议)如下:?|达成(?:如下|以下)(?:调解|和解)?协议:?|(?<=[、\n])(?:审查)?决定:?(?=\n)|作出如下(?:审查)?决定:?|决定如下:?"
)
_FIRST = re.compile(r"(?:一审|原审)(?:法院|判决)?[^。]{0,60}?(?:判决|裁定|判令)(?:如下)?:")
_CLAIMED = re.compile(
    r"(?:诉讼请求(?:为)?|(?:向(?:本院|一审法院|原审法院)?(?:提出|提起)(?:诉讼请求|诉讼,?(?:请求)?|请求))|请求(?:法院)?(?:依法)?判令|起诉请求)[::]?"
)
_CLAIMED_END = re.compile(
    r"达成如下|(?:判决|裁定)如下|审理过程中|辩称|答辩|事实(?:和|与)理由|本院(?:经审理)?(?:认定|查明)|(?:一审|原审)法院(?:经审理)?(?:认定|查明|判决|认为)|本院认为|未(?:作|到庭)"
)
_PASSING = re.compile(
    r"对比文件|对比设计|证据\d|附件\d|现有技术|现有设计|参考文献|另案|在先申请|背景技术|引用了|公知常识|抵触申请|优先权文件"
)
_AT_ISSUE = re.compile(r"涉案专利|本专利|诉争专利|名称为|专利权人|发明专利|实用新型专利|外观设计专利|专利号")


@dataclass(slots=True)
class _Text:
    normal: NormalText
    doubts: list[Doubt]

    @property
    def text(self) -> str:
        return self.normal.text

    def made(self, value: object, start: int, end: int, confidence: float) -> Extracted[object]:
        a, b = self.normal.span(start, end)
        return Extracted(value, a, b, confidence)

    def doubt(self, rule: str, field: str, message: str, value: str | None = None) -> None:
        self.doubts.append(Doubt(f"judgment.{rule}", field, message, value))


def read_chinese(text: str) -> JudgmentReading:
    """Read a Chinese judgment, order or decision; see `zhirong.evidence.judgments.read_judgment`."""
    source = _Text(normalise(text, is_chinese=True), [])
    case = _case_number(source)
    if not _is_judgment(source.text, has_number=case is not None):
        source.doubt("not_a_judgment", "is_judgment", "no title of a judgment with an operative part; nothing was read")
        return JudgmentReading("zh", is_judgment=False, doubts=tuple(source.doubts))
    operative = _operative(source)
    instance = _instance(source, case)
    cause = _cause(source)
    first = _first_result(source)
    outcome = decide(
        operative, first=first, cause=str(cause.value) if cause else None,
        is_appeal=instance is not None and instance.value in {"second", "retrial"},
        reasons=_reasons(source, operative),
    )  # fmt: skip
    for rule, message in outcome.doubts:
        source.doubt(rule, "outcome", message)
    plaintiffs, defendants = _parties(source, cause=str(cause.value) if cause else None)
    money = _money(source, operative if outcome.award_from == "own" else first, outcome.value)
    claimed = _claimed(source)
    basis = _basis(source, operative, has_award=money.get("damages_awarded") or money.get("total_awarded"))
    values: dict[str, object] = {
        "court": _court(source), "case_number": case, "instance": instance, "cause": cause,
        "filed_date": _filed(source), "decided_date": _decided(source, operative),
        "outcome": source.made(outcome.value, outcome.start, outcome.end, outcome.confidence) if outcome.value else None,
        "plaintiffs": plaintiffs, "defendants": defendants, "patents": _patents(source, cause is not None),
        "claim_numbers": _claims(source), "damages_claimed": claimed[0] if claimed else None,
        "damages_basis": basis, "currency": money.pop("currency", None) or (claimed[1] if claimed else None), **money,
    }  # fmt: skip
    _report_missing(source, values)
    return JudgmentReading("zh", is_judgment=True, jurisdiction="CN", doubts=tuple(source.doubts), **values)  # type: ignore[arg-type]


def _report_missing(source: _Text, values: dict[str, object]) -> None:
    for name in ("court", "case_number", "decided_date", "cause", "outcome"):
        if values[name] is None and not any(d.field == name for d in source.doubts):
            source.doubt("unknown", name, f"the text does not settle {name}; it was left unknown")
    if not values["patents"]:
        source.doubt("no_patent", "patents", "no patent number at issue could be read")


def _is_judgment(text: str, *, has_number: bool) -> bool:
    head = text[:600]
    title = _TITLE.search(head) is not None
    order = (
        re.search(r"(?:判决|裁定)如下|作出如下(?:审查)?决定|达成如下协议|决定如下|(?:[、\n])(?:审查)?决定:?\n", text)
        is not None
    )
    contract = re.search(r"合同编号|甲方[::(]|本合同自", text[:1500]) is not None and not has_number
    return not contract and ((title and (has_number or order)) or (has_number and order))


def _court(source: _Text) -> Extracted[object] | None:
    match = _COURT.search(source.text[:800]) or _COURT.search(source.text)
    if match is None:
        return None
    start = match.start("court")
    return source.made(match["court"], start, match.end("court"), 0.98 if start < 800 else 0.7)


def _case_number(source: _Text) -> Extracted[object] | None:
    match = _CASE.search(source.text[:600])
    if match is not None:
        return source.made(match[0].replace("〔", "(").replace("〕", ")"), match.start(), match.end(), 0.97)
    decision = _DECISION.search(source.text[:600]) if "无效宣告" in source.text[:600] else None
    if decision is None:
        return None
    name = "number" if decision["number"] else "other"
    return source.made(decision[name], decision.start(name), decision.end(name), 0.9)


def _instance(source: _Text, case: Extracted[object] | None) -> Extracted[object] | None:
    if case is None:
        return None
    match = _CASE.search(source.text[:600])
    if match is None:
        decision = _DECISION.search(source.text[:600])
        assert decision is not None
        return source.made("administrative", decision.start(), decision.end(), 0.9)
    for pattern, value in ((r"[民行]终", "second"), (r"[民行](?:再|申|监|提)", "retrial"), (r"[民行]初", "first")):
        if re.search(pattern, match[0]):
            return source.made(value, match.start(), match.end(), 0.97)
    source.doubt("instance", "instance", "the case number does not tell the instance", match[0])
    return None


def _cause(source: _Text) -> Extracted[object] | None:
    """Return the cause: what is named first in the head; else first anywhere."""
    limit = _REASONS.search(source.text)
    head = source.text[: limit.start()] if limit else source.text
    for part, confidence in ((head[:1500], 0.95), (head, 0.75)):
        found = [(m.start(), i, m) for i, (pattern, _) in enumerate(CAUSES) if (m := re.search(pattern, part))]
        if found:
            _, index, match = min(found, key=lambda item: (item[0], item[1]))
            return source.made(CAUSES[index][1], match.start(), match.end(), confidence)
    return None


def _operative(source: _Text) -> Operative | None:
    """Return the operative part: after the last order before the first signature that follows an order."""
    text = source.text
    orders = [m for m in _ORDER.finditer(text) if not _quoted(text, m.start())]
    if not orders:
        source.doubt("no_operative_part", "outcome", "no operative part (判决如下 …); the outcome was left unknown")
        return None
    signed = next((s.start() for s in _SIGNED.finditer(text) if s.start() > orders[0].start()), len(text))
    match = [m for m in orders if m.start() < signed][-1]
    end = re.search(
        r"如(?:果)?未按|如不服|(?:一审|二审|本案)?案件受理费|本判决为终审|本裁定为终审", text[match.end() : signed]
    )
    stop = match.end() + end.start() if end else signed
    return Operative(text[match.start() : stop], match.start())


def _quoted(text: str, at: int) -> bool:
    """Say whether an order belongs to an earlier court (一审法院判决如下, 另案判决如下)."""
    lead = re.split(r"[。\n]", text[max(0, at - 80) : at])[-1]
    return re.search(r"一审|原审|另案|该案|[(〔](?:19|20)\d{2}[)〕].{2,20}号|曾", lead) is not None


def _first_result(source: _Text) -> Operative | None:
    """Return what an earlier court ordered, where this text states it."""
    match = _FIRST.search(source.text)
    if match is None:
        return None
    rest = source.text[match.end() : match.end() + 2000]
    end = re.search(r"(?:一审)?案件受理费|\n(?!\s*[一二三四五六七八九十\d]+[、.])|不服|上诉请求|如未按", rest)
    return Operative(rest[: end.start()] if end and end.start() > 0 else rest, match.end())


def _reasons(source: _Text, operative: Operative | None) -> tuple[str, int]:
    stop = operative.start if operative else len(source.text)
    starts = [m.start() for m in _REASONS.finditer(source.text) if m.start() < stop]
    return (source.text[starts[0] : stop], starts[0]) if starts else ("", stop)


def _parties(
    source: _Text, *, cause: str | None
) -> tuple[tuple[Extracted[object], ...], tuple[Extracted[object], ...]]:
    sides: dict[str, list[Extracted[object]]] = {"plaintiff": [], "defendant": []}
    seen: set[tuple[str, str]] = set()
    matches = list(_PARTY.finditer(source.text[:6000]))
    listed = [match for match in matches if match["colon"]]
    for match in listed or matches:
        side, confidence = _side(match["role"], match["was"] or "")
        name = match["name"].strip()
        if side is None or not re.search("[一-龥A-Za-z]", name) or (not listed and _NOT_A_NAME.search(name)):
            continue
        if (side, name) in seen:
            continue
        seen.add((side, name))
        at = match.start("name") + match["name"].index(name)
        sides[side].append(source.made(name, at, at + len(name), confidence))
    if not sides["plaintiff"] and not sides["defendant"]:
        source.doubt("parties", "plaintiffs", "no parties in the form of a judgment's head")
    return tuple(sides["plaintiff"]), tuple(sides["defendant"])


def _side(role: str, was: str) -> tuple[str | None, float]:
    """Return the side in the first instance: 上诉人 may have been either."""
    for text, confidence in ((was, 0.95), (role, 0.95)):
        if re.search(r"(?:^|审|本诉)原告|无效宣告请求人|^无效请求人|^请求人", text):
            return "plaintiff", confidence
        if re.search(r"(?:^|审|本诉)被告|^专利权人", text):
            return "defendant", confidence
        if "第三人" in text:
            return None, 0.0
    return None, 0.0


def _patents(source: _Text, is_patent_case: bool) -> tuple[Extracted[object], ...]:
    """Return the patents at issue: named as such at least once, and not only as prior art or another case's."""
    mentions: dict[str, list[tuple[int, int, bool]]] = {}
    for start, end, raw, canonical in find_patents(source.text):
        lead = source.text[max(0, start - 60) : start]
        lead = re.split(r"[。;\n]", lead)[-1]
        passing = _PASSING.search(lead) is not None
        if canonical is None:
            if not passing:
                source.doubt(
                    "check_digit", "patents", "a patent number whose check digit does not fit was left out", raw
                )
            continue
        around = lead + source.text[end : end + 30]
        mentions.setdefault(canonical, []).append((start, end, not passing and bool(_AT_ISSUE.search(around))))
    found = []
    for canonical, places in mentions.items():
        named = [place for place in places if place[2]]
        if named and is_patent_case:
            found.append(source.made(canonical, named[0][0], named[0][1], 0.95))
        else:
            source.doubt("patent_in_passing", "patents", "mentioned, but not as a patent at issue; left out", canonical)
    return tuple(found)


def _claims(source: _Text) -> Extracted[object] | None:
    pattern = (
        r"(?:请求保护|主张(?:以|保护)?|以|依据|明确(?:以|主张|其)?|据以主张)[^。,;]{0,24}?(?P<claims>权利要求(?:第)?\d[\d、,项和及与至到~—-]*)"
        r"[^。;]{0,20}?(?:作为|保护范围|保护|为准|为依据|主张|[,。;])"
    )
    limit = _REASONS.search(source.text)
    for match in re.finditer(pattern, source.text[: limit.start()] if limit else source.text):
        value = claims(match["claims"])
        if value is not None:
            return source.made(value, match.start("claims"), match.end("claims"), 0.85)
    return None


def _filed(source: _Text) -> Extracted[object] | None:
    for match in DATE.finditer(source.text):
        after = source.text[match.end() : match.end() + 14]
        lead = source.text[max(0, match.start() - 12) : match.start()]
        if re.match(r"(?:立案|受理|向本院(?:提起|起诉)|起诉|提出无效|提起诉讼)", after) and "一审" not in lead:
            day = read_date(match[0])
            if day is not None:
                return source.made(day, match.start(), match.end(), 0.9)
    return None


def _decided(source: _Text, operative: Operative | None) -> Extracted[object] | None:
    labelled = re.search(
        r"(?:决定日|判决日期|裁判日期)(?:为)?:?(?=" + DATE.pattern.replace("?P<", "?P<_") + ")", source.text
    )
    if labelled:
        match = DATE.match(source.text, labelled.end())
        day = read_date(match[0]) if match else None
        if match and day:
            return source.made(day, match.start(), match.end(), 0.97)
    after = operative.start + len(operative.text) if operative else len(source.text) * 2 // 3
    lines = [m for m in DATE.finditer(source.text, after) if source.text[m.start() - 1 : m.start()] == "\n"]
    match = lines[0] if lines else None
    day = read_date(match[0]) if match else None
    if match is None or day is None:
        return None
    signed = _SIGNED.search(source.text, after) is not None
    return source.made(day, match.start(), match.end(), 0.97 if signed else 0.75)


def _money(source: _Text, part: Operative | None, outcome: str | None) -> dict[str, Extracted[object] | str | None]:
    """Return what was awarded; nothing where the outcome gives no ground for an award."""
    if part is None or outcome in {"withdrawn", "dismissed", "not_infringed", None}:
        return {}
    at = re.search(r"赔偿|支付|给付", part.text)
    if at is None:
        return {}
    read = award(part.text[at.start() :])
    if read.currency is None:
        return {}
    place = part.start + at.start(), part.start + at.start() + read.end
    out: dict[str, Extracted[object] | str | None] = {"currency": read.currency}
    if read.total is not None:
        out["total_awarded"] = source.made(read.total, *place, 0.9)
        split = _breakdown(source, read)
        if split is None:
            source.doubt("damages_with_costs", "damages_awarded",
                         "damages and costs are given in one sum; see total_awarded", f"{read.total:.2f}")  # fmt: skip
        else:
            out |= split
        return out
    if read.damages is not None:
        out["damages_awarded"] = source.made(read.damages, *place, 0.95)
    if read.costs is not None:
        out["costs_awarded"] = source.made(read.costs, *place, 0.93)
    return out


def _breakdown(source: _Text, whole: Award) -> dict[str, Extracted[object] | str | None] | None:
    """Find in the reasons a division of the sum into damages and costs that adds up to it."""
    for begin in _REASONS.finditer(source.text):
        for sentence in re.finditer(r"[^。\n]+", source.text[begin.start() :]):
            if not re.search(r"确定|酌定|支持", sentence[0]) or len(AMOUNT.findall(sentence[0])) < 2:
                continue
            part = award(sentence[0])
            if part.damages is None or part.costs is None or part.damages + part.costs != whole.total:
                continue
            start = begin.start() + sentence.start()
            place = start, start + part.end
            return {
                "damages_awarded": source.made(part.damages, *place, 0.85),
                "costs_awarded": source.made(part.costs, *place, 0.85),
            }
    return None


def _claim_passages(source: _Text) -> Iterator[tuple[int, str]]:
    for match in _CLAIMED.finditer(source.text):
        rest = source.text[match.end() : match.end() + 1500]
        end = _CLAIMED_END.search(rest)
        yield match.end(), rest[: end.start()] if end else rest[:600]


def _claimed(source: _Text) -> tuple[Extracted[object], str] | None:
    """Return the damages claimed; a later change of the claim (变更诉讼请求) takes its place."""
    changed = re.search(r"(?:变更|增加|减少)(?:诉讼请求|赔偿(?:数额|金额|请求))[^。]{0,60}?", source.text)
    best: tuple[int, Award] | None = None
    for start, passage in _claim_passages(source):
        at = re.search(r"赔偿|支付", passage)
        if at is None:
            continue
        read = award(passage[at.start() :])
        if read.currency is not None:
            best = start + at.start(), read
            break
    if changed is not None:
        rest = source.text[changed.start() : changed.start() + 200].split("。")[0]
        read = award(rest)
        if read.currency is not None:
            best = changed.start(), read
            source.doubt("claim_changed", "damages_claimed", "the claim was changed; the changed sum was taken")
    if best is None:
        return None
    start, read = best
    value = read.damages if read.damages is not None else read.total
    if value is None:
        return None
    confidence = 0.9 if read.damages is not None else 0.75
    return source.made(value, start, start + read.end, confidence), str(read.currency)


def _basis(source: _Text, operative: Operative | None, *, has_award: object) -> Extracted[object] | None:
    if not has_award:
        return None
    reasons, start = _reasons(source, operative)
    first = re.search(r"(?:一审|原审)法院认为", source.text)
    parts = [(reasons, start)]
    if first is not None and first.start() < start:
        parts.append((source.text[first.start() : start], first.start()))
    for text, at in parts:
        found = read_basis(text)
        if found is not None:
            value, a, b, confidence = found
            return source.made(value, at + a, at + b, confidence)
    source.doubt("basis", "damages_basis", "the reasons do not say how the damages were found")
    return None


def reread_chinese(field: str, span: str) -> object:
    """Return the value of a span alone; see `zhirong.evidence.judgments.reread`."""
    text = normalise(span, is_chinese=True).text
    if field in {"court", "plaintiffs", "defendants"}:
        return text
    if field == "case_number":
        return text.replace("〔", "(").replace("〕", ")")
    if field == "instance":
        found = [v for p, v in ((r"[民行]终", "second"), (r"[民行](?:再|申|监|提)", "retrial"), (r"[民行]初", "first"))
                 if re.search(p, text)]  # fmt: skip
        return found[0] if found else "administrative" if _DECISION.search(text) else None
    if field in {"filed_date", "decided_date"}:
        return read_date(text)
    if field == "cause":
        return next((value for pattern, value in CAUSES if re.match(pattern, text)), None)
    if field == "outcome":
        return reread_outcome(text)
    if field == "claim_numbers":
        return claims(text)
    if field == "patents":
        return next((canonical for _, _, _, canonical in find_patents(f"专利号{text}")), None)
    if field == "damages_basis":
        found_basis = read_basis(text)
        return found_basis[0] if found_basis else None
    read = award(text)
    if field == "damages_claimed":
        return read.damages if read.damages is not None else read.total
    return {"damages_awarded": read.damages, "costs_awarded": read.costs, "total_awarded": read.total}[field]
