"""Damages and reasonable costs apart: in one sum, beside each other, changed on appeal, or not stated at all.

Courts, parties and numbers are made up.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_judgment_reader import Kept

from zhirong.evidence.judgments import JudgmentReader, read_judgment, reread
from zhirong.evidence.reading import ReadOptions

FIRST = """江城市中级人民法院
民事判决书
（2019）江01民初601号
原告：松岭仪器有限公司。
被告：竹溪仪表有限公司。
原告松岭仪器有限公司与被告竹溪仪表有限公司侵害发明专利权纠纷一案，本院于2019年1月7日立案。涉案专利号为ZL201519999001.3的发明专利。
原告提出诉讼请求：判令被告赔偿经济损失200万元及合理开支20万元。
本院认为，被告构成侵权。{reasons}判决如下：
一、被告竹溪仪表有限公司立即停止销售侵害涉案专利权的产品；
二、{order}；
三、驳回原告的其他诉讼请求。
案件受理费24400元，由被告负担。
审判长 柳某
二〇一九年十二月三十日
"""

APPEAL = """北江省高级人民法院
民事判决书
（2020）北民终88号
上诉人（原审被告）：竹溪仪表有限公司。
被上诉人（原审原告）：松岭仪器有限公司。
上诉人竹溪仪表有限公司因与被上诉人松岭仪器有限公司侵害发明专利权纠纷一案，不服江城市中级人民法院（2019）江01民初601号民事判决，向本院提起上诉。本院于2020年3月2日立案。涉案专利号为ZL201519999001.3的发明专利。
一审法院判决：一、竹溪仪表有限公司停止侵权；二、竹溪仪表有限公司赔偿松岭仪器有限公司经济损失45万元及合理开支8万元；三、驳回其他诉讼请求。
本院认为，侵权成立，{reasons}判决如下：
{order}
二审案件受理费9300元，由竹溪仪表有限公司负担。
审判长 杜某
二〇二〇年九月十日
"""

PAYS = "被告竹溪仪表有限公司于本判决生效之日起十日内赔偿原告松岭仪器有限公司"
SEPARATE = [
    ("经济损失45万元及为制止侵权所支付的合理开支8万元", 450_000, 80_000),
    ("经济损失450,000元、合理维权费用80,000.50元", 450_000, 80_000.5),
    ("经济损失人民币四十五万元和合理费用人民币八万元", 450_000, 80_000),
    ("经济损失53万元（其中包含合理开支8万元）", 450_000, 80_000),
    ("经济损失45万元、律师费5万元、公证费3万元", 450_000, 80_000),
    ("经济损失45万元及合理开支8万元，以上共计53万元", 450_000, 80_000),
    ("经济损失450000元，并支付原告为制止侵权行为的合理支出80000元", 450_000, 80_000),
]


def _both(text: str) -> tuple[float | None, float | None]:
    reading = read_judgment(text)
    for name in ("damages_awarded", "costs_awarded", "total_awarded"):
        one = getattr(reading, name)
        if one is not None:
            assert reread(name, text[one.start : one.end], language="zh") == one.value or name != "total_awarded"
            assert 0 < one.confidence < 1
    damages, costs = reading.damages_awarded, reading.costs_awarded
    return damages.value if damages else None, costs.value if costs else None


@pytest.mark.parametrize(("sums", "damages", "costs"), SEPARATE)
def test_costs_beside_the_damages(sums: str, damages: float, costs: float) -> None:
    assert _both(FIRST.format(reasons="", order=PAYS + sums)) == (damages, costs)


@pytest.mark.parametrize(
    "sums",
    [
        "经济损失及合理开支共计53万元",
        "经济损失（含合理费用）53万元",
        "经济损失以及为制止侵权所支付的合理开支合计人民币530000元",
    ],
)
def test_one_sum_leaves_both_unknown(sums: str) -> None:
    text = FIRST.format(reasons="", order=PAYS + sums)
    assert _both(text) == (None, None)
    reading = read_judgment(text)
    assert reading.total_awarded is not None
    assert reading.total_awarded.value == 530_000
    assert "judgment.damages_with_costs" in {doubt.rule for doubt in reading.doubts}


def test_one_sum_is_divided_where_the_reasons_divide_it() -> None:
    reasons = "本院酌情确定经济损失为45万元，合理开支为8万元。"
    assert _both(FIRST.format(reasons=reasons, order=PAYS + "经济损失及合理开支共计53万元")) == (450_000, 80_000)


def test_a_division_that_does_not_add_up_is_not_taken() -> None:
    reasons = "本院酌情确定经济损失为45万元，合理开支为9万元。"
    assert _both(FIRST.format(reasons=reasons, order=PAYS + "经济损失及合理开支共计53万元")) == (None, None)


def test_costs_not_stated_are_unknown_and_never_zero() -> None:
    assert _both(FIRST.format(reasons="", order=PAYS + "经济损失45万元")) == (450_000, None)


def test_costs_alone() -> None:
    assert _both(FIRST.format(reasons="", order=PAYS.replace("赔偿", "支付") + "合理开支8万元")) == (None, 80_000)


def test_court_fees_are_no_costs() -> None:
    order = PAYS + "经济损失45万元。案件受理费24400元、保全费5000元由被告负担"
    assert _both(FIRST.format(reasons="", order=order)) == (450_000, None)


def test_an_appeal_that_changes_the_sums() -> None:
    order = (
        "一、维持江城市中级人民法院（2019）江01民初601号民事判决第一项；\n"
        "二、变更江城市中级人民法院（2019）江01民初601号民事判决第二项为：竹溪仪表有限公司赔偿松岭仪器有限公司经济损失30万元"
        "及合理开支5万元；\n三、驳回松岭仪器有限公司的其他诉讼请求。"
    )
    assert _both(APPEAL.format(reasons="原审赔偿数额过高。", order=order)) == (300_000, 50_000)


def test_an_appeal_that_changes_damages_alone() -> None:
    order = (
        "一、撤销江城市中级人民法院（2019）江01民初601号民事判决第二项；\n"
        "二、竹溪仪表有限公司赔偿松岭仪器有限公司经济损失30万元；\n三、驳回其他上诉请求。"
    )
    assert _both(APPEAL.format(reasons="合理开支8万元缺乏票据。", order=order)) == (300_000, None)


def test_an_appeal_that_is_dismissed_keeps_the_first_sums() -> None:
    assert _both(APPEAL.format(reasons="", order="驳回上诉，维持原判。")) == (450_000, 80_000)


def test_english_fees_are_costs_and_court_costs_are_not_damages() -> None:
    text = (
        "UNITED STATES DISTRICT COURT\nDISTRICT OF EASTLAND\nCase No. 1:19-cv-00601\nPINE RIDGE INSTRUMENTS INC., Plaintiff, v. "
        "BROOK METERS LLC, Defendant.\nJUDGMENT\nThis is an action for infringement of U.S. Patent No. 9,999,001. "
        "IT IS ORDERED AND ADJUDGED that Defendant has infringed claim 1 of the '001 patent. Plaintiff is "
        "awarded damages in the amount of $450,000. Plaintiff is awarded attorneys' fees of $80,000. "
        "Dated: December 30, 2019\n"
    )  # fmt: skip
    reading = read_judgment(text)
    assert reading.damages_awarded is not None
    assert reading.costs_awarded is not None
    assert (reading.damages_awarded.value, reading.costs_awarded.value) == (450_000, 80_000)


def test_the_row_holds_costs_with_span_and_confidence(tmp_path: Path) -> None:
    path = tmp_path / "judgment.txt"
    text = FIRST.format(reasons="", order=PAYS + SEPARATE[0][0])
    path.write_text(text, "utf-8")
    out = Kept()
    JudgmentReader().read(path, out, ReadOptions())
    (row,) = out.rows["cases"]
    assert (row["damages_awarded"], row["costs_awarded"], row["currency"]) == (450_000, 80_000, "CNY")
    start, end, confidence = json.loads(row["spans"])["costs_awarded"]
    assert reread("costs_awarded", text[start:end], language="zh") == 80_000
    assert 0.5 < confidence < 1
