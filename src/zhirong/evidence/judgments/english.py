"""Judgments of US and UK courts and decisions of the Patent Trial and Appeal Board.

The disposition decides: the part from the last CONCLUSION, ORDER, "it is ordered", "we affirm" or "judgment is
entered" on. Allegations, requests, quoted holdings of other courts and prior art never become results.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from zhirong.evidence.judgments.english_values import AMOUNT, DATE, PATENT, amount, claims, patents_of, read_date
from zhirong.evidence.judgments.normal import NormalText, normalise
from zhirong.evidence.judgments.result import Doubt, Extracted, JudgmentReading

__all__ = ["read_english", "reread_english"]

_COURTS = re.compile(
    r"(?:IN THE\s+)?(?P<court>UNITED\s+STATES\s+DISTRICT\s+COURT(?:\s+FOR\s+THE)?\s+(?:[A-Z]+\s+)?DISTRICT\s+OF\s+"
    r"[A-Z]+(?:\s+[A-Z]+)?(?=\n|\s{2}|,|$)|"
    r"(?:UNITED\s+STATES\s+)?COURT\s+OF\s+APPEALS\s+FOR\s+THE\s+FEDERAL\s+CIRCUIT|"
    r"(?:BEFORE THE\s+)?PATENT\s+TRIAL\s+AND\s+APPEAL\s+BOARD|HIGH\s+COURT\s+OF\s+JUSTICE|COURT\s+OF\s+APPEAL\b|"
    r"(?:UK\s+)?SUPREME\s+COURT|INTELLECTUAL\s+PROPERTY\s+ENTERPRISE\s+COURT)",
    re.IGNORECASE,
)
_CASE = re.compile(
    r"(?P<neutral>\[(?:19|20)\d\d\]\s+(?:EWHC\s+\d+\s+\((?:Pat|IPEC|Ch)\)|EWCA\s+Civ\s+\d+|UKSC\s+\d+))|"
    r"(?P<ptab>(?:IPR|PGR|CBM)\s?20\d\d-\d{5})|"
    r"(?:Case|Civil\s+Action|Civ\.|Action|Appeal|Claim)?\s*(?:Nos?\.?|Number)\s*:?\s*"
    r"(?P<number>\d{1,2}:\d\d-(?:cv|CV)-\d{3,6}(?:-[A-Z]{2,4}(?:-[A-Z]{2,4})?)?|\d{2}-\d{3,4}|HP-\d{4}-\d{6}|"
    r"C-\d\d-\d{4,5}(?:\s[A-Z]{2,3})?)"
)
_TITLE = re.compile(
    r"\b(?:FINAL\s+JUDGMENT|JUDGMENT|OPINION|MEMORANDUM|FINAL\s+WRITTEN\s+DECISION|ORDER|FINDINGS\s+OF\s+FACT|"
    r"APPROVED\s+JUDGMENT|DECISION)\b",
    re.IGNORECASE,
)
_DISPOSITION = re.compile(
    r"(?:^|\n)\s*(?:[IVX]+\.\s*)?(?:CONCLUSIONS?|ORDER|DISPOSITION|SUMMARY OF CONCLUSIONS|OVERALL CONCLUSION)\s*\n|"
    r"IT\s+IS\s+(?:HEREBY\s+|THEREFORE\s+|SO\s+)*(?:ORDERED|ADJUDGED)|(?:it|It)\s+is\s+(?:hereby\s+)?(?:ordered|ORDERED)|"
    r"(?:For\s+(?:the|these)\s+(?:foregoing\s+)?reasons)|(?:Accordingly|Therefore),?\s+(?:we|the\s+[Cc]ourt|I)\b|"
    r"\bI\s+(?:therefore\s+)?conclude\s+that\b"
)
_BOUND = r"(?:(?<=[.;\n])|^)"
_ROLES = (
    ("plaintiff", r"Plaintiffs?(?:[-/\s]*(?:Appell(?:ants?|ees?)|Cross-Appellants?))?|Claimants?|Petitioners?"),
    ("defendant", r"Defendants?(?:[-/\s]*(?:Appell(?:ants?|ees?)|Cross-Appellants?))?|Patent\s+Owners?|Respondents?"),
)
_PASSING = re.compile(
    r"prior\s+art|anticipated\s+by|cited\s+(?:in|by)|disclosed\s+in|reference|in\s+view\s+of|obvious\s+over|"
    r"unrelated|another\s+case|discussed\s+in|background",
    re.IGNORECASE,
)
_AT_ISSUE = re.compile(
    r"infring|assert|patents?[-\s]in[-\s]suit|the\s+patent|inter\s+partes\s+review|challeng|entitled|owner|proprietor|"
    r"titled|validity|revo|collectively",
    re.IGNORECASE,
)
_NEGATION = re.compile(r"\b(?:not|never|no|fail(?:s|ed)?\s+to|without|neither|nor|rejects?|denie[sd])\b", re.IGNORECASE)
_OUTCOMES: tuple[tuple[str, str, float], ...] = (
    ((r"(?:dismiss\w*[^.]{0,80}?pursuant\s+to\s+(?:a|the|their)?\s*(?:settlement|stipulat\w+)|"
     r"parties\s+have\s+(?:settled|reached\s+a\s+settlement)[^.]{0,80}?dismiss\w*|settlement\s+agreement[^.]{0,60}?dismiss\w*)"),
     "settled", 0.93),
    (r"voluntar(?:y|ily)\s+dismiss\w*|notice\s+of\s+(?:voluntary\s+dismissal|discontinuance)|claim\s+is\s+discontinued",
     "withdrawn", 0.93),
    ((r"(?:do|does|did|has|have)\s+not\s+(?:literally\s+|directly\s+)?infringed?\b|not\s+infringed?\b|"
     r"(?:judgment|finding)\s+of\s+non-?infringement|non-?infringement\s+is\s+(?:granted|entered)|"
     r"declar\w+\s+of\s+non-?infringement|claim\s+for\s+infringement\s+(?:is\s+dismissed|fails)"), "not_infringed", 0.92),
    ((r"(?:some|claims?\s+[\d,\s–-]+(?:and\s+\d+\s+)?)[^.]{0,60}?(?:unpatentable|invalid)[^.]{0,80}?(?:claims?\s+[\d,\s–and-]+"
     r"[^.]{0,40}?(?:not\s+(?:been\s+)?(?:shown|proved|proven)[^.]{0,40}?(?:unpatentable|invalid)|(?:are|is)\s+(?:valid|not\s+invalid)))"),
     "partially_invalidated", 0.9),
    ((r"(?:has|have)\s+(?:not|failed\s+to)\s+(?:shown?|demonstrated?|proved?n?|established?)[^.]{0,100}?(?:unpatentable|invalid)|"
     r"(?:is|are)\s+not\s+(?:invalid|unpatentable)|(?:patent|claims?)[^.;]{0,40}?(?:is|are)\s+valid\b(?!\s+and\s+(?:was\s+|has\s+been\s+)?infring)"),
     "maintained", 0.9),
    ((r"(?:is|are|were)\s+(?:held\s+|found\s+|determined\s+to\s+be\s+|hereby\s+)?(?:invalid|unpatentable)|"
     r"(?:is|shall\s+be|be)\s+revoked|order\s+for\s+revocation|has\s+(?:shown|demonstrated)[^.]{0,100}?unpatentable"),
     "invalidated", 0.9),
    ((r"(?:has\s+|have\s+)?infring(?:ed|es)\b|judgment\s+of\s+infringement|(?:patent|claims?)[^.;]{0,40}?(?:was|were|is|are)\s+"
     r"infringed|valid\s+and\s+(?:was\s+|has\s+been\s+)?infringed"), "infringed", 0.92),
    (r"(?:complaint|action|claims?|petition|appeal)\s+(?:is|are)\s+(?:hereby\s+)?(?:dismissed|denied)", "dismissed", 0.85),
)  # fmt: skip
_BASES: tuple[tuple[str, str, float], ...] = (
    (r"reasonable\s+royalt(?:y|ies)", "reasonable_royalty", 0.92),
    (r"lost\s+profits", "plaintiff_loss", 0.92),
    (r"account\s+of\s+profits|infringer'?s\s+profits|disgorgement", "defendant_profit", 0.9),
    (r"(?:stipulated|agreed)\s+(?:damages|sum|amount)", "agreed_amount", 0.88),
)


@dataclass(slots=True)
class _Text:
    normal: NormalText
    doubts: list[Doubt]

    @property
    def text(self) -> str:
        return self.normal.text

    def made(self, value: object, start: int, end: int, confidence: float) -> Extracted[object]:
        return Extracted(value, *self.normal.span(start, end), confidence)

    def doubt(self, rule: str, field: str, message: str, value: str | None = None) -> None:
        self.doubts.append(Doubt(f"judgment.{rule}", field, message, value))


def read_english(text: str) -> JudgmentReading:
    """Read an English judgment, order or decision; see `zhirong.evidence.judgments.read_judgment`."""
    source = _Text(normalise(text, is_chinese=False), [])
    head = source.text[:2500]
    court, case = _COURTS.search(head), _CASE.search(head)
    if court is None or case is None or not _TITLE.search(head):
        source.doubt("not_a_judgment", "is_judgment", "no court with a case number and a title; nothing was read")
        return JudgmentReading("en", is_judgment=False, doubts=tuple(source.doubts))
    number = next(name for name in ("neutral", "ptab", "number") if case[name])
    instance = _instance(court["court"], case[0])
    disposition = _disposition(source)
    outcome = _outcome(source, disposition, instance=instance)
    money = _money(source, disposition, str(outcome.value) if outcome else None)
    plaintiffs, defendants = _party(source, "plaintiff"), _party(source, "defendant")
    cause = _cause(source, case[0])
    values: dict[str, object] = {
        "court": source.made(_court_name(court["court"]), court.start("court"), court.end("court"), 0.96),
        "jurisdiction": _jurisdiction(court["court"]),
        "case_number": source.made(" ".join(case[number].split()), case.start(number), case.end(number), 0.96),
        "instance": source.made(instance, court.start("court"), court.end("court"), 0.9),
        "filed_date": _filed(source), "decided_date": _decided(source), "cause": cause, "outcome": outcome,
        "plaintiffs": plaintiffs, "defendants": defendants, "patents": _patents(source),
        "claim_numbers": _claims(source), "damages_claimed": _claimed(source), **money,
    }  # fmt: skip
    for name in ("decided_date", "cause", "outcome"):
        if values[name] is None and not any(d.field == name for d in source.doubts):
            source.doubt("unknown", name, f"the text does not settle {name}; it was left unknown")
    if not values["patents"]:
        source.doubt("no_patent", "patents", "no patent number at issue could be read")
    return JudgmentReading("en", is_judgment=True, doubts=tuple(source.doubts), **values)  # type: ignore[arg-type]


def _court_name(text: str) -> str:
    return " ".join(text.split())


def _jurisdiction(court: str) -> str:
    american = re.search(r"united\s+states|district|federal|patent\s+trial", court, re.IGNORECASE)
    return "US" if american else "GB"


def _instance(court: str, case: str) -> str:
    if re.search(r"trial\s+and\s+appeal\s+board", court, re.IGNORECASE):
        return "administrative"
    return "second" if re.search(r"court\s+of\s+appeal|supreme", court, re.IGNORECASE) else "first"


def _disposition(source: _Text) -> tuple[int, str] | None:
    """Return the last disposition and its start; None with a doubt where there is none."""
    found = [
        m for m in _DISPOSITION.finditer(source.text) if m.start() > 200 and not _is_quoted(source.text, m.start())
    ]
    if not found:
        source.doubt(
            "no_operative_part", "outcome", "no disposition (CONCLUSION, ORDERED …); the outcome was left unknown"
        )
        return None
    first = found[-1]
    for match in reversed(found):
        if first.start() - match.start() < 1500:
            first = match
    return first.start(), source.text[first.start() :]


def _is_quoted(text: str, at: int) -> bool:
    before = text[:at]
    lead = before[before.rfind("\n", 0, max(at - 1, 0)) + 1 :]
    return lead.count("“") > lead.count("”") or lead.count('"') % 2 == 1


def _sentences(start: int, text: str) -> list[tuple[int, str]]:
    found, at = [], 0
    for piece in re.split(r"(?<=[.;])\s+(?=[A-Z(\d])|\n", text):
        at = text.index(piece, at)
        found.append((start + at, piece))
        at += len(piece)
    return found


def _match_outcome(text: str) -> tuple[str, int, int, float] | None:
    """Return the outcome that a sentence names; the patterns stand in order of particularity."""
    for pattern, value, confidence in _OUTCOMES:
        for match in re.finditer(pattern, text, re.IGNORECASE):
            lead = text[max(0, match.start() - 40) : match.start()]
            if value in {"infringed", "invalidated"} and _NEGATION.search(lead.rsplit(",", 1)[-1]):
                continue
            if re.search(
                r"\b(?:alleg|contend|argu|assert(?:s|ed)\s+that|request|seek|claims\s+that|if|whether)\w*\b[^.]{0,60}$",
                lead,
                re.I,
            ):
                continue
            return value, match.start(), match.end(), confidence
    return None


def _outcome(source: _Text, disposition: tuple[int, str] | None, *, instance: str) -> Extracted[object] | None:
    if disposition is None:
        return None
    start, text = disposition
    if instance == "second":
        return _appeal(source, start, text)
    best: tuple[str, int, int, float] | None = None
    for at, sentence in _sentences(start, text):
        found = _match_outcome(sentence)
        if found is None:
            continue
        value, a, b, confidence = found
        if best is None or _rank(value) < _rank(best[0]):
            best = value, at + a, at + b, confidence
    if best is None:
        return None
    return source.made(*best)


_RANK = (
    "settled", "withdrawn", "invalidated", "partially_invalidated", "not_infringed", "infringed", "maintained", "dismissed",
)  # fmt: skip
"""Where a disposition names several: an invalid claim is not infringed for the patent's owner; valid and infringed is
infringed."""


def _rank(value: str) -> int:
    return _RANK.index(value)


def _appeal(source: _Text, start: int, text: str) -> Extracted[object] | None:
    remand = re.search(r"\b(?:vacat\w+|remand\w*)\b", text, re.IGNORECASE)
    affirm = re.search(r"\baffirm(?:ed|s)?\b|appeal\s+is\s+dismissed|dismiss\s+the\s+appeal", text, re.IGNORECASE)
    reverse = re.search(r"\brevers(?:e|ed|es)\b|allow\s+the\s+appeal|appeal\s+is\s+allowed", text, re.IGNORECASE)
    if remand or (affirm and reverse):
        source.doubt("remanded", "outcome", "vacated, remanded or affirmed in part; the outcome is open")
        return None
    if affirm is None and reverse is None:
        source.doubt("appeal", "outcome", "the disposition neither affirms nor reverses")
        return None
    earlier = _first_result(source, start)
    if earlier is None:
        source.doubt("first_result_unknown", "outcome", "the judgment under appeal is not stated in this text")
        return None
    if reverse is not None:
        source.doubt(
            "reversed", "outcome", "reversed; what follows for the patent is taken only where the text says it"
        )
        own = _match_outcome(text)
        return source.made(own[0], start + own[1], start + own[2], 0.8) if own and own[0] != earlier[0] else None
    return source.made(earlier[0], earlier[1], earlier[2], 0.87)


def _first_result(source: _Text, stop: int) -> tuple[str, int, int] | None:
    for at, sentence in _sentences(0, source.text[:stop]):
        if not re.search(
            r"(?:district\s+court|trial\s+court|jury|judge|Board|court\s+below)\b[^.]{0,40}?"
            r"(?:found|held|entered|concluded|determined|granted|ruled)",
            sentence, re.IGNORECASE,
        ):  # fmt: skip
            continue
        found = _match_outcome(sentence)
        if found is not None:
            return found[0], at + found[1], at + found[2]
    return None


def _cause(source: _Text, case: str) -> Extracted[object] | None:
    head = source.text[:4000]
    for pattern, value in (
        (r"inter\s+partes\s+review|post-?grant\s+review|petition\s+for\s+review", "validity"),
        (r"declaratory\s+judgment\s+of\s+non-?infringement|declaration\s+of\s+non-?infringement", "declaratory"),
        (r"(?:action|claim|suit|case)\s+for\s+(?:the\s+)?(?:patent\s+)?infringement|patent\s+infringement|infring(?:es|ed|ing|ement)\b",
         "infringement"),
        (r"(?:action|claim|petition)\s+for\s+(?:the\s+)?revocation", "validity"),
        (r"breach\s+of\s+(?:the\s+|a\s+)?(?:patent\s+)?licen[cs]e|royalties\s+due\s+under", "licence_contract"),
        (r"inventorship|ownership\s+of\s+the\s+patent|entitlement", "ownership"),
    ):  # fmt: skip
        match = re.search(pattern, head, re.IGNORECASE)
        if match is not None:
            return source.made(value, match.start(), match.end(), 0.88)
    return None


def _party(source: _Text, side: str) -> tuple[Extracted[object], ...]:
    roles = dict(_ROLES)[side]
    match = re.search(
        rf"(?:^|\n|v\.\s*|BETWEEN:?\s*|and\s*\n)(?P<names>[^\n]{{2,200}}?),?\s*\n?\s*(?:{roles})\b[.,]?(?=\s|$)",
        source.text[:2500],
    )
    if match is None:
        source.doubt("parties", f"{side}s", f"no {side} in the form of a caption")
        return ()
    found: list[Extracted[object]] = []
    for name in re.finditer(r"[^;]+?(?=\s+and\s+(?=[A-Z(])|;|$)", match["names"]):
        text = re.sub(r"^(?:and|v\.|BETWEEN:?|\(\d\))\s+", "", name[0].strip(" ,;"))
        text = re.sub(r"^\(\d\)\s*", "", text).strip(" ,")
        if not text or not text[0].isupper():
            continue
        at = match.start("names") + match["names"].index(text)
        found.append(source.made(text, at, at + len(text), 0.88))
    return tuple(found)


def _patents(source: _Text) -> tuple[Extracted[object], ...]:
    named: dict[str, tuple[int, int]] = {}
    passing: set[str] = set()
    for match in PATENT.finditer(source.text):
        lead = re.split(r"(?<=[a-z\d)])\.\s|\n\n", source.text[max(0, match.start() - 90) : match.start()])[-1]
        tail = re.split(r"\.\s|\n\n", source.text[match.end() : match.end() + 90])[0]
        is_passing = (
            _PASSING.search(lead) is not None or re.match(r"\s*\((?:“|\")?[A-Z][a-z]+(?:”|\")?\)", tail) is not None
        )
        for _, end, patent_id in patents_of(match):
            if not is_passing and _AT_ISSUE.search(lead + tail):
                named.setdefault(patent_id, (match.start(), end))
            else:
                passing.add(patent_id)
    for patent_id in sorted(passing - set(named)):
        source.doubt("patent_in_passing", "patents", "mentioned, but not as a patent at issue; left out", patent_id)
    return tuple(source.made(patent_id, a, b, 0.92) for patent_id, (a, b) in named.items())


def _claims(source: _Text) -> Extracted[object] | None:
    match = re.search(
        r"(?:asserts?|asserted|challenges?|infringes|infringement\s+of|infringed|review\s+of|relies\s+on)\s+(?:only\s+)?"
        r"(?P<claims>claims?\s+\d{1,3}(?:\s?[-–]\s?\d{1,3}|\s+(?:to|through)\s+\d{1,3}|,\s*(?:and\s+)?\d{1,3}|\s+and\s+\d{1,3})*)",
        source.text, re.IGNORECASE,
    )  # fmt: skip
    value = claims(match["claims"]) if match else None
    return source.made(value, match.start("claims"), match.end("claims"), 0.85) if match and value else None


def _filed(source: _Text) -> Extracted[object] | None:
    for match in DATE.finditer(source.text):
        lead = source.text[max(0, match.start() - 60) : match.start()]
        if re.search(r"(?:filed\s+(?:this|the)?\s*(?:action|suit|complaint|petition|claim)[^.]{0,30}?|"
                     r"(?:complaint|petition|claim\s+form)\s+(?:was\s+)?(?:filed|issued)\s+)on\s+$", lead, re.I):  # fmt: skip
            day = read_date(match[0])
            if day:
                return source.made(day, match.start(), match.end(), 0.88)
    return None


def _decided(source: _Text) -> Extracted[object] | None:
    for match in DATE.finditer(source.text):
        lead = source.text[max(0, match.start() - 40) : match.start()]
        if re.search(
            r"(?:Dated?|Decided|Entered|Signed|handed\s+down|Date\s+of\s+judgment|SIGNED\s+this|Issued)[^.\n]{0,24}$",
            lead,
            re.I,
        ):
            day = read_date(match[0])
            if day:
                return source.made(day, match.start(), match.end(), 0.93)
    return None


def _claimed(source: _Text) -> Extracted[object] | None:
    for match in AMOUNT.finditer(source.text):
        lead = re.split(r"(?<=[a-z\d)])\.\s|\n\n", source.text[max(0, match.start() - 120) : match.start()])[-1]
        if re.search(r"\b(?:seeks?|sought|requests?|requested|claims|claimed|demands?)\b", lead, re.I) and re.search(
            r"damages|royalt|compensation|profits", lead + source.text[match.end() : match.end() + 40], re.I
        ):
            value, _ = amount(match)
            return source.made(value, match.start(), match.end(), 0.85)
    return None


def _money(
    source: _Text, disposition: tuple[int, str] | None, outcome: str | None
) -> dict[str, Extracted[object] | str | None]:
    """Return damages and costs of the disposition; where it has none, nothing is awarded by this text."""
    if disposition is None or outcome in {None, "withdrawn", "not_infringed", "invalidated", "dismissed", "maintained"}:
        return {}
    out: dict[str, Extracted[object] | str | None] = {}
    damages: list[tuple[re.Match[str], int]] = []
    for at, sentence in _sentences(*disposition):
        for match in AMOUNT.finditer(sentence):
            lead = sentence[: match.start()]
            around = lead[-110:] + sentence[match.end() : match.end() + 50]
            if _NEGATION.search(lead[-30:]) or re.search(r"\b(?:sought|seeks|requested|demand)\b", lead, re.I):
                continue
            if re.search(
                r"attorneys?'?’?s?\s+fees|\bcosts\b|expenses",
                around[:110] + sentence[match.end() : match.end() + 40],
                re.I,
            ) and not re.search(r"damages|royalt", lead[-40:] + sentence[match.end() : match.end() + 30], re.I):
                value, currency = amount(match)
                out.setdefault("costs_awarded", source.made(value, at + match.start(), at + match.end(), 0.85))
            elif re.search(r"damages|royalt|compensat|profits|award|recover", around, re.I) and not re.search(
                r"interest\b[^,]*$|per\s+unit", lead[-25:], re.I
            ):
                damages.append((match, at))
    if len(damages) == 1:
        match, at = damages[0]
        value, currency = amount(match)
        out["damages_awarded"] = source.made(value, at + match.start(), at + match.end(), 0.9)
        out["currency"] = currency
        out["damages_basis"] = _basis(source, disposition)
    elif len({amount(m)[0] for m, _ in damages}) == 1:
        match, at = damages[0]
        value, currency = amount(match)
        out["damages_awarded"] = source.made(value, at + match.start(), at + match.end(), 0.88)
        out |= {"currency": currency, "damages_basis": _basis(source, disposition)}
    elif damages:
        source.doubt("two_amounts", "damages_awarded", "the disposition names several sums; none was chosen",
                     " | ".join(m[0] for m, _ in damages))  # fmt: skip
    return out


def _basis(source: _Text, disposition: tuple[int, str]) -> Extracted[object] | None:
    start, text = disposition
    for base, passage in ((start, text), (0, source.text[:start])):
        found = [
            (match, value, confidence)
            for pattern, value, confidence in _BASES
            for match in re.finditer(pattern, passage, re.IGNORECASE)
            if not _NEGATION.search(passage[max(0, match.start() - 60) : match.start()].rsplit(".", 1)[-1])
        ]
        if len({value for _, value, _ in found}) == 1:
            match, value, confidence = found[0]
            return source.made(value, base + match.start(), base + match.end(), confidence if base else 0.75)
        if found:
            break
    source.doubt("basis", "damages_basis", "the text names no single basis of the damages")
    return None


def reread_english(field: str, span: str) -> object:
    """Return the value of a span alone; see `zhirong.evidence.judgments.reread`."""
    text = normalise(span, is_chinese=False).text
    if field in {"court", "plaintiffs", "defendants", "case_number"}:
        return " ".join(text.split()) if field in {"court", "case_number"} else text
    if field == "instance":
        return _instance(text, "")
    if field in {"filed_date", "decided_date"}:
        return read_date(text)
    if field == "cause":
        made = _cause(_Text(NormalText(text, tuple(range(len(text)))), []), "")
        return made.value if made else None
    if field == "outcome":
        found = _match_outcome(text)
        return found[0] if found else None
    if field == "claim_numbers":
        return claims(text)
    if field == "patents":
        return _one_patent(text)
    if field == "damages_basis":
        return next((value for pattern, value, _ in _BASES if re.search(pattern, text, re.IGNORECASE)), None)
    match = AMOUNT.search(text)
    return amount(match)[0] if match else None


def _one_patent(text: str) -> str | None:
    """Return the last number of a mention: the span of a list runs from its head to the number meant."""
    match = PATENT.search(text)
    found = patents_of(match) if match else []
    return found[-1][2] if found else None
