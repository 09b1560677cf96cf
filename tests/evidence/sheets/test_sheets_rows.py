"""Rows of tables: identifiers, dates, parties, classes, events, records, messy layouts."""

from __future__ import annotations

import contextlib
import csv
import io
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhirong.evidence.numerals import chinese_number
from zhirong.evidence.sheets.converters import CONVERTERS, Cell, money
from zhirong.evidence.sheets.encoding import detect_encoding
from zhirong.kernel.errors import DomainError
from zhirong.kernel.findings import Severity
from zhirong.kernel.identifiers import cn_check_digit

COMMON = {"extends": "cn_common"}


def _table(*rows: list[str]) -> str:
    stream = io.StringIO()
    csv.writer(stream).writerows(rows)
    return stream.getvalue()


# identifiers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        "CN202019999006.7",
        "202019999006.7",
        "2020199990067",
        "ZL202019999006.7",
        "ＺＬ２０２０１９９９９００６．７",
        " 202019999006 ",
    ],
)
def test_application_numbers_in_every_spelling_are_one(read_sheet, written):
    row = read_sheet(_table(["申请号", "标题"], [written, "泵"]), mapping=COMMON).one("patents")
    # Without a publication number the canonical application number is the identifier; its point tells them apart.
    assert row["patent_id"] == row["application_number"] == "CN202019999006.7"
    assert row["right_type"] == "invention"


def test_patent_id_comes_from_the_grant_and_the_application_keeps_its_own(read_sheet):
    row = read_sheet(
        _table(["申请号", "公开号", "授权公告号"], ["CN99999001.1", "CN1329838A", "CN1123456C"]), mapping=COMMON
    ).one("patents")
    assert (row["patent_id"], row["earlier_publication_id"]) == ("CN1123456", "CN1329838")
    assert (row["publication_number"], row["kind_code"]) == ("CN1123456C", "C")


def test_a_wrong_check_digit_is_found_and_the_row_kept_by_its_publication(read_sheet):
    kept = read_sheet(_table(["申请号", "公开号"], ["202019999006.8", "CN112345678A"]), mapping=COMMON)
    row = kept.one("patents")
    assert (row["patent_id"], row.get("application_number")) == ("CN112345678", None)
    (finding,) = kept.of("cn.check_digit")
    assert (finding.row, finding.field, finding.value) == (2, "申请号", "202019999006.8")
    assert "should be 7" in finding.message


def test_a_wrong_check_digit_alone_refuses_the_row_and_only_it(read_sheet):
    kept = read_sheet(_table(["申请号"], ["202019999006.8"], ["202019999006.7"]), mapping=COMMON)
    assert (kept.records, kept.refused, len(kept.rows["patents"])) == (2, 1, 1)
    assert {"cn.check_digit", "sheet.no_identifier"} <= kept.rules


def test_foreign_rows_keep_their_office(read_sheet):
    kept = read_sheet(_table(["公开号", "申请号"], ["US7272630B2", "US10/123456"], ["EP1234567A1", ""]), mapping=COMMON)
    assert [(row["patent_id"], row["office"]) for row in kept.rows["patents"]] == [
        ("US7272630", "US"),
        ("EP1234567", "EP"),
    ]
    assert kept.rows["patents"][0]["application_number"] == "US10123456"


def test_the_number_is_believed_about_the_kind_of_right(read_sheet):
    kept = read_sheet(_table(["申请号", "专利类型"], ["201629999002.8", "发明专利"]), mapping=COMMON)
    assert kept.one("patents")["right_type"] == "utility_model"
    assert kept.of("sheet.right_type")


@given(st.from_regex(r"(19|20)[0-9]{2}[123][0-9]{7}", fullmatch=True), st.sampled_from("0123456789X"))
def test_only_the_due_check_digit_passes(digits, stated):
    convert = CONVERTERS["application_number"]
    if stated == cn_check_digit(digits):
        assert convert(f"ZL{digits}.{stated}", Cell()) == f"CN{digits}.{stated}"
    else:
        with pytest.raises(DomainError, match="check digit"):
            convert(f"ZL{digits}.{stated}", Cell())


# values ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written", ["2020-05-01", "2020/5/1", "2020.05.01", "20200501", "2020年5月1日", "２０２０－０５－０１"]
)
def test_dates_in_every_spelling_are_one(read_sheet, written):
    row = read_sheet(_table(["申请号", "申请日"], ["202019999006.7", written]), mapping=COMMON).one("patents")
    assert row["filing_date"] == date(2020, 5, 1)


@pytest.mark.parametrize(
    ("written", "amount", "currency"),
    [
        ("50万元", 500_000, "CNY"), ("￥1,200.50", 1200.5, "CNY"), ("人民币壹佰万元整", 1_000_000, "CNY"),
        ("人民币五十万元", 500_000, "CNY"), ("1.2亿元", 120_000_000, "CNY"), ("3000美元", 3000, "USD"),
        ("USD 3000", 3000, "USD"), ("五十万零三千元", 503_000, "CNY"), ("500", 500, "CNY"),
    ],
)  # fmt: skip
def test_amounts(written, amount, currency):
    assert money(written, Cell()) == (amount, currency)


def test_a_unit_in_the_head_scales_bare_numbers(read_sheet):
    heads = ["申请号", "转让执行日", "转让人", "受让人", "转让金额（万元）"]
    kept = read_sheet(_table(heads, ["202019999006.7", "2021-01-05", "甲公司", "乙公司", "35"]), mapping=COMMON)
    (event,) = [row for row in kept.rows["legal_events"] if row["event_kind"] == "transferred"]
    assert (event["amount"], event["currency"]) == (350_000, "CNY")


@given(st.integers(0, 999_999_999))
def test_chinese_numerals_round_trip(number):
    assert chinese_number(_in_chinese(number)) == number


def _in_chinese(number: int) -> str:
    """Write a number by the textbook rule: independent of the reader."""
    digits = "零一二三四五六七八九"

    def section(value: int) -> str:
        text, pending = "", False
        for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
            digit, value = divmod(value, unit)
            if digit:
                text += ("零" if pending and text else "") + digits[digit] + name
                pending = False
            else:
                pending = True
        return text

    high, low = divmod(number, 10**8)
    middle, low = divmod(low, 10**4)
    parts = (section(high) + "亿") if high else ""
    if middle:
        parts += ("零" if parts and middle < 1000 else "") + section(middle) + "万"
    if low:
        parts += ("零" if parts and low < 1000 else "") + section(low)
    return parts or "零"


@pytest.mark.parametrize(
    ("status", "ours"),
    [
        ("授权", "in_force"), ("有效", "in_force"), ("实质审查", "pending"), ("未缴年费", "lapsed"), ("期限届满", "expired"),
        ("撤回", "withdrawn"), ("驳回", "refused"), ("放弃", "surrendered"), ("全部无效", "invalidated"), ("失效", "ended"),
        ("授权 | 权利转移", "in_force"),
    ],
)  # fmt: skip
def test_legal_status_is_translated_or_stays_unknown(read_sheet, status, ours):
    kept = read_sheet(_table(["申请号", "当前法律状态"], ["202019999006.7", status]), mapping=COMMON)
    assert kept.one("patents").get("legal_status") == ours


@pytest.mark.parametrize("name", sorted(CONVERTERS))
@given(
    text=st.text(min_size=1, max_size=60)
    | st.from_regex(r"[0-9A-Z元万亿.,/年月日;（()）:：\-+%]{1,40}", fullmatch=True)
)
def test_any_text_converts_or_is_refused_and_nothing_else_is_raised(name, text):
    for cell in (Cell(), Cell(office="CN", is_workbook=True)):
        with contextlib.suppress(DomainError):
            CONVERTERS[name](text, cell)


def test_an_unknown_status_is_a_finding_not_a_guess(read_sheet):
    kept = read_sheet(_table(["申请号", "法律状态"], ["202019999006.7", "天晓得"]), mapping=COMMON)
    assert kept.one("patents").get("legal_status") is None
    assert kept.of("sheet.legal_status")[0].value == "天晓得"


# other tables ---------------------------------------------------------------------------------------------------


def test_lists_become_rows_of_their_tables(read_sheet):
    heads = [
        "公开号",
        "申请日",
        "公开日",
        "申请人",
        "发明人",
        "主分类号",
        "IPC",
        "引证专利",
        "被引证专利",
        "简单同族",
        "省市代码",
    ]
    row = ["CN112345678A", "2020-05-01", "2021-02-01", "甲有限公司；乙大学", "张某;李某", "H04L 9/32",
           "H04L 9/32;G06F 16/35;bad", "US7272630B2;CN105123456A", "CN113000001A", "US20210000001A1; CN112345678A",
           "广东;44"]  # fmt: skip
    kept = read_sheet(_table(heads, row), mapping=COMMON)
    roles = [(r["role"], r["sequence"]) for r in kept.rows["patent_parties"]]
    assert roles == [("applicant", 1), ("applicant", 2), ("inventor", 1), ("inventor", 2)]
    assert {r["name"]: r["party_type"] for r in kept.rows["parties"]}["乙大学"] == "university"
    symbols = [(r["symbol"], r["sequence"]) for r in kept.rows["classifications"]]
    assert symbols == [("H04L9/32", 1), ("G06F16/35", 2)]
    assert kept.of("sheet.class_symbol")[0].value == "bad"
    pairs = {(r["citing_id"], r["cited_id"]) for r in kept.rows["citations"]}
    assert pairs == {("CN112345678", "US7272630"), ("CN112345678", "CN105123456"), ("CN113000001", "CN112345678")}
    assert {r["member_id"] for r in kept.rows["families"]} == {"CN112345678", "US20210000001"}
    assert len({r["family_id"] for r in kept.rows["families"]}) == 1


def test_a_primary_class_alone_is_a_class(read_sheet):
    kept = read_sheet(_table(["公开号", "主分类号"], ["CN112345678A", "H04L 9/32"]), mapping=COMMON)
    assert kept.one("classifications")["symbol"] == "H04L9/32"


def test_transfers_in_one_cell_are_matched_by_position(read_sheet):
    heads = ["公开号", "转让执行日", "转让人", "受让人"]
    row = ["CN112345678A", "2020-01-01;2021-06-30", "甲公司;乙公司", "乙公司;丙公司"]
    kept = read_sheet(_table(heads, row), mapping=COMMON)
    names = {r["party_id"]: r["name"] for r in kept.rows["parties"]}
    moves = [
        (r["event_date"].year, names[r["counterparty_id"]], names[r["party_id"]]) for r in kept.rows["legal_events"]
    ]
    assert moves == [(2020, "甲公司", "乙公司"), (2021, "乙公司", "丙公司")]


def test_lists_that_do_not_match_stay_unknown(read_sheet):
    heads = ["公开号", "转让执行日", "转让人", "受让人"]
    row = ["CN112345678A", "2020-01-01;2021-06-30", "甲;乙;丙", "丁公司"]
    kept = read_sheet(_table(heads, row), mapping=COMMON)
    assert all(r.get("counterparty_id") is None for r in kept.rows["legal_events"])
    assert kept.of("sheet.misaligned")


def test_validity_decisions_become_their_own_events(read_sheet):
    heads = ["公开号", "无效请求日", "无效决定日", "无效结论"]
    kept = read_sheet(_table(heads, ["CN112345678B", "2022-01-10", "2022-08-15", "部分无效"]), mapping=COMMON)
    assert kept.kinds == {"invalidation_requested": 1, "partially_invalidated": 1}


def test_a_flag_without_a_date_makes_no_event_but_a_finding(read_sheet):
    kept = read_sheet(_table(["公开号", "是否质押", "转让次数"], ["CN112345678B", "是", "0"]), mapping=COMMON)
    assert not kept.rows["legal_events"]
    assert [f.field for f in kept.of("sheet.flag_without_date")] == ["是否质押"]


def test_a_status_with_its_date_becomes_the_event_it_names(read_sheet):
    heads = ["公开号", "申请日", "法律状态", "法律状态公告日"]
    kept = read_sheet(_table(heads, ["CN112345678B", "2010-01-01", "未缴年费", "2019-05-05"]), mapping=COMMON)
    assert kept.kinds["lapsed"] == 1
    row = kept.one("patents")
    assert (row["legal_status"], row["legal_status_date"]) == ("lapsed", date(2019, 5, 5))


def test_an_end_at_full_term_is_expiry(read_sheet):
    heads = ["申请号", "申请日", "权利终止日"]
    kept = read_sheet(_table(heads, ["201629999002.8", "2006-01-02", "2016-01-02"]), mapping=COMMON)
    assert kept.kinds["expired"] == 1
    assert kept.one("patents")["legal_status"] == "expired"


def test_publication_of_a_grant_is_its_grant_date(read_sheet):
    kept = read_sheet(_table(["公开(公告)号", "公开(公告)日"], ["CN112345678B", "2022-03-04"]), mapping=COMMON)
    row = kept.one("patents")
    assert (row["grant_date"], row.get("publication_date")) == (date(2022, 3, 4), None)


def test_claims_and_abstract_are_taken_apart(read_sheet):
    text = "1.一种泵，包括壳体。\n2.根据权利要求1所述的泵，其特征在于，还包括叶轮。"
    kept = read_sheet(
        _table(["公开号", "权利要求书", "摘要"], ["CN112345678A", text, "本发明公开了一种泵。"]), mapping=COMMON
    )
    claims = [(r["claim_number"], r["is_independent"], r["parent_number"]) for r in kept.rows["claims"]]
    assert claims == [(1, True, None), (2, False, 1)]
    assert kept.one("texts")["language"] == "zh"


def test_deals_of_a_mapping_carry_price_and_parties(read_sheet):
    mapping = COMMON | {
        "records": [{
            "to": "deals", "values": {"deal_type": "sale", "evidence_grade": "stated"},
            "fields": {
                "deal_date": {"heads": ["成交日"]}, "price": {"heads": ["成交价"], "unit": "万元"},
                "seller_id": {"heads": ["卖方"]}, "buyer_id": {"heads": ["买方"]},
            },
        }]
    }  # fmt: skip
    table = _table(
        ["公开号", "成交日", "成交价", "卖方", "买方"], ["CN112345678B", "2022-01-01", "12.5", "甲公司", "乙公司"]
    )
    deal = read_sheet(table, mapping=mapping).one("deals")
    assert (deal["price"], deal["currency"], deal["deal_type"]) == (125_000, "CNY", "sale")


# layout ---------------------------------------------------------------------------------------------------------


def test_titles_above_totals_below_and_repeated_heads_are_no_records(read_sheet):
    table = _table(
        ["专利清单", "", ""], ["导出日期：2024-01-01", "", ""], ["申请号", "标题", "权利要求数"],
        ["202019999006.7", "泵", "5"], ["申请号", "标题", "权利要求数"], ["201519999001.3", "阀", "3"], ["", "", ""],
        ["合计", "", "8"],
    )  # fmt: skip
    kept = read_sheet(table, mapping=COMMON)
    assert [row["title"] for row in kept.rows["patents"]] == ["泵", "阀"]
    assert (kept.records, kept.refused) == (2, 0)
    assert {"sheet.totals_row", "sheet.repeated_header"} <= kept.rules


def test_two_rows_of_merged_heads(read_sheet):
    table = _table(["申请号", "当事人", ""], ["", "申请人", "发明人"], ["202019999006.7", "甲公司", "张某"])
    kept = read_sheet(table, mapping=COMMON)
    assert kept.one("patents")["patent_id"] == "CN202019999006.7"
    assert {row["role"] for row in kept.rows["patent_parties"]} == {"applicant", "inventor"}


def test_repeated_and_unknown_heads_are_told(read_sheet):
    kept = read_sheet(
        _table(["申请号", "标题", "标题", "心情", ""], ["202019999006.7", "泵", "阀", "好", ""]), mapping=COMMON
    )
    assert kept.one("patents")["title"] == "泵"
    assert kept.of("sheet.duplicate_head")[0].field == "标题"
    assert [f.field for f in kept.of("sheet.unmapped_head")] == ["心情"]


def test_every_column_that_is_left_out_is_told_once(read_sheet):
    heads = ["申请号", "独立权利要求数", "首权字数", "国民经济行业分类", "心情", "心情", "标题"]
    rows = [
        ["202019999006.7", "2", "180", "C3851", "好", "坏", "泵"],
        ["202019999007.5", "1", "90", "C38", "", "", "阀"],
    ]
    kept = read_sheet(_table(heads, *rows), mapping=COMMON)
    assert [f.field for f in kept.of("sheet.ignored_head")] == ["独立权利要求数", "首权字数", "国民经济行业分类"]
    assert [f.field for f in kept.of("sheet.unmapped_head")] == ["心情"]
    assert {f.severity for f in kept.of("sheet.ignored_head")} == {Severity.INFO}


def test_without_a_mapping_the_best_shipped_one_is_named(read_sheet):
    kept = read_sheet(_table(["申请号", "标题", "申请日"], ["202019999006.7", "泵", "2020-01-02"]))
    assert len(kept.rows["patents"]) == 1
    assert kept.of("sheet.mapping_chosen")


def test_a_table_without_known_heads_is_refused_with_advice(read_sheet):
    kept = read_sheet("a,b\n1,2\n")
    assert not kept.rows
    assert "--propose" in kept.of("sheet.no_header")[0].message


# encodings ------------------------------------------------------------------------------------------------------

TEXT = "申请号,标题\n202019999006.7,一种自吸泵及其控制方法\n201519999001.3,龘㐀𠮷阀\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings_give_the_same_rows(read_sheet, encoding):
    kept = read_sheet(TEXT.encode(encoding), mapping=COMMON)
    assert [row["title"] for row in kept.rows["patents"]] == ["一种自吸泵及其控制方法", "龘㐀𠮷阀"]
    assert not kept.of("sheet.encoding")


def test_bad_bytes_touch_only_their_row(read_sheet):
    content = TEXT.encode() + "202119999009.5,坏".encode() + b"\xff\xfe" + "字\n".encode()
    kept = read_sheet(content, mapping=COMMON)
    assert len(kept.rows["patents"]) == 3
    assert "at byte" in kept.of("sheet.encoding")[0].message
    assert [f.row for f in kept.of("sheet.encoding_row")] == [4]


def test_a_tab_separated_file_and_semicolons(read_sheet):
    for delimiter in ("\t", ";", "|"):
        kept = read_sheet(TEXT.replace(",", delimiter), mapping=COMMON)
        assert len(kept.rows["patents"]) == 2


@given(st.text(alphabet="中文专利申请abc,;\n", min_size=1, max_size=200))
def test_utf8_is_always_recognised(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("enc") / "a.csv"
    path.write_bytes(text.encode())
    assert detect_encoding(path).name == "utf-8"
    assert detect_encoding(path).is_strict


def test_a_filing_date_years_off_its_number_is_left_unknown(read_sheet):
    number = f"201810000001.{cn_check_digit('201810000001')}"
    for text, kept in (("2018-01-05", True), ("2016-07-01", True), ("1800-01-01", False), ("2028-01-05", False)):
        found = read_sheet(_table(["申请号", "申请日"], [number, text]), mapping=COMMON)
        assert ("filing_date" in {k for k, v in found.one("patents").items() if v is not None}) is kept, text
        assert bool(found.of("sheet.filing_year")) is not kept


def test_a_finding_made_before_the_patent_is_known_names_it(read_sheet):
    kept = read_sheet(_table(["申请日", "申请号"], ["2018-13-45", "202019999006.7"]), mapping=COMMON)
    (finding,) = kept.of("sheet.date")
    assert finding.record_id == kept.one("patents")["patent_id"]
