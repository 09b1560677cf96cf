"""Values in Chinese legal text: amounts, dates, claims, patent numbers. Each reader works on a span alone too."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from zhirong.evidence.numerals import CHINESE_NUMERALS, chinese_number
from zhirong.kernel.errors import DomainError, IdentifierError
from zhirong.kernel.identifiers import cn_application_number

__all__ = ["AMOUNT", "DATE", "Award", "amount", "award", "claims", "find_patents", "read_date"]

_CURRENCY = {"美元": "USD", "欧元": "EUR", "日元": "JPY", "港元": "HKD", "港币": "HKD", "英镑": "GBP"}
AMOUNT = re.compile(
    r"(?P<pre>人民币|美元|RMB|CNY|¥)?(?<![\d.])"
    r"(?:(?P<digits>\d[\d,]*(?:\.\d+)?)(?P<scale>亿|千万|百万|万|千)?|(?P<han>[" + CHINESE_NUMERALS + r"]{1,24}))"
    r"(?P<post>美元|欧元|日元|港元|港币|英镑|元|圆)(?:人民币)?整?"
)
_SCALE = {None: 1, "千": 10**3, "万": 10**4, "百万": 10**6, "千万": 10**7, "亿": 10**8}
_YEAR = r"(?P<year>(?:19|20)\d{2}|[一二][〇零○O0九一二三四五六七八]{3})"
DATE = re.compile(
    _YEAR + r"年(?P<month>\d{1,2}|[一二三四五六七八九十]{1,2})月(?P<day>\d{1,2}|[一二三四五六七八九十]{1,3})日"
)
_PATENT = re.compile(
    r"(?:ZL|CN|专利号|申请号)?[为是:\"“第]*(?:ZL|CN)?(?P<number>\d{12}\.?[\dX]|(?<!\d)\d{8}\.[\dX])(?!\d)"
)
_COST = re.compile(
    r"合理(?:的)?(?:维权)?(?:开支|费用|支出|成本)|律师费|公证费|维权(?:费用|开支|支出|成本|合理)|制止侵权"
)
_LOSS = re.compile(r"经济损失|损失|赔偿(?:金|款|数额|额)?|许可(?:使用)?费|使用费|报酬|奖励")
_OTHER = re.compile(r"受理费|保全费|鉴定费|诉讼费|罚款|利息|加倍|违约金|保证金|担保|注册资本|单价|售价|销售额|购买")


def amount(match: re.Match[str]) -> tuple[float, str] | None:
    """Return the amount in major units and its currency; None where the numerals make no number."""
    if match["digits"]:
        number = float(match["digits"].replace(",", "")) * _SCALE[match["scale"]]
    else:
        try:
            number = float(chinese_number(match["han"]))
        except DomainError:
            return None
    currency = _CURRENCY.get(match["post"]) or _CURRENCY.get(match["pre"] or "") or "CNY"
    return round(number, 2), currency


def read_date(text: str) -> date | None:
    """Return the first date of a text in Arabic or Chinese numerals."""
    match = DATE.search(text)
    if match is None:
        return None
    groups = match.group("year", "month", "day")
    parts = [int(p) if p.isascii() else chinese_number(p.replace("0", "〇")) for p in groups]
    try:
        return date(*parts)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Award:
    """Amounts of a passage about damages, in major units."""

    damages: float | None
    costs: float | None
    total: float | None
    """Damages and costs together, where they are not told apart."""
    currency: str | None
    end: int
    """End of the last amount that was used."""
    start: int


def award(text: str) -> Award:
    """Read the damages and costs of a passage that orders or claims payment.

    Several sums for several defendants add up; sums that say for how much of another sum somebody is jointly liable,
    court fees and sums of the facts do not count. Damages and costs in one sum are kept as `total`.
    """
    damages: list[float] = []
    costs: list[float] = []
    totals: list[float] = []
    grand: float | None = None
    currency: str | None = None
    start = end = before = 0
    within = False
    for match in AMOUNT.finditer(text):
        lead = re.split(r"[。\n]", text[before : match.start()])[-1]
        after = text[match.end() : match.end() + 16]
        before = match.end()
        value = amount(match)
        if value is None or _is_other(lead, after):
            continue
        has_cost, has_loss = bool(_COST.search(lead)), bool(_LOSS.search(lead))
        if re.search(r"(?:以上|上述|两项|前述|各项)(?:款项)?(?:共计|合计|总计|总额)|^[,;、(]*(?:共计|合计|总计)", lead):
            grand = value[0]
        elif has_cost and re.search(r"其中|[(](?:已)?(?:含|包括|包含)", lead) and damages and not has_loss:
            costs.append(value[0])
            within = True
        elif has_cost and (has_loss_before_cost := _loss_then_cost(lead)) and has_loss_before_cost:
            totals.append(value[0])
        elif has_cost:
            costs.append(value[0])
        elif has_loss:
            damages.append(value[0])
        else:
            continue
        start = start if currency else match.start()
        currency, end = currency or value[1], match.end()
    paid = sum(damages) if damages else None
    if within and paid is not None:
        paid -= sum(costs)
    if totals or (grand is not None and not damages and not costs):
        whole = sum(totals) + sum(damages) + sum(costs) if totals else grand
        return Award(None, None, whole, currency, end, start)
    return Award(paid, sum(costs) if costs else None, None, currency, end, start)


def _is_other(lead: str, after: str) -> bool:
    tail = lead[-24:]
    if _OTHER.search(tail) and not re.search(r"经济损失|合理", tail):
        return True
    return bool(re.match(r"(?:的)?(?:范围内|限额内|以内)|(?:部分)?(?:的)?承担连带", after)) or bool(
        re.search(r"(?:其中|上述|前述)(?:款项|债务|赔偿|金额)?(?:中)?的?$", tail) and "连带" in after
    )


def _loss_then_cost(lead: str) -> bool:
    """Say whether losses and costs are named together before one sum (经济损失及合理开支共计)."""
    loss, cost = re.search(r"经济损失|损失|赔偿(?:金|款)", lead), _COST.search(lead)
    if loss is None or cost is None:
        return False
    joined = re.search(r"损失(?:以?及|和|与|、|\()", lead)
    only_cost = re.search(r"为制止侵权(?:行为)?(?:所)?(?:支付|支出)的?合理", lead)
    return joined is not None or only_cost is None


def claims(text: str) -> str | None:
    """Return claim numbers named in a phrase, ``1,2,3``; ranges are written out; None when there are none."""
    match = re.search(r"权利要求(?:书)?(?:第)?((?:\d{1,3}(?:项)?(?:[-~—至到、,和及与]|以及)?)+)", text)
    if match is None:
        return None
    numbers: set[int] = set()
    for first, last in re.findall(r"(\d{1,3})(?:项)?(?:[-~—至到](\d{1,3}))?", match[1]):
        a, b = int(first), int(last or first)
        if 0 < a <= b <= 300:
            numbers.update(range(a, b + 1))
    return ",".join(str(n) for n in sorted(numbers)) or None


def find_patents(text: str) -> list[tuple[int, int, str, str | None]]:
    """Return (start, end, text, canonical number or None when the check digit does not fit) of each mention."""
    found: list[tuple[int, int, str, str | None]] = []
    for match in _PATENT.finditer(text):
        lead = text[max(0, match.start() - 6) : match.start("number")]
        if len(match["number"]) == 13 and "." not in match["number"] and not re.search(r"ZL|CN|号|专利", lead):
            continue
        try:
            canonical: str | None = cn_application_number(match["number"])
        except IdentifierError:
            canonical = None
        found.append((match.start("number"), match.end("number"), match["number"], canonical))
    return found
