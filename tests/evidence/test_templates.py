"""Templates: written, documented, filled and read back; every filled value is made up."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from list_output import ListOutput

from zhirong.evidence.reading import ReadOptions
from zhirong.evidence.template_reader import TemplateReader, template_of
from zhirong.evidence.templates import FIELDS_SHEET, list_templates, template_named, write_template
from zhirong.kernel.errors import DomainError, UnknownNameError
from zhirong.kernel.findings import Severity
from zhirong.tables import schema_of

READER = TemplateReader()
EVIDENCE = [template.name for template in list_templates() if template.table]


def read(path: Path) -> ListOutput:
    out = ListOutput()
    READER.read(path, out, ReadOptions())
    return out


def filled(path: Path, name: str, *rows: dict[str, str], lang: str = "zh") -> Path:
    """Write a template and fill it by column name."""
    template = template_named(name)
    write_template(name, path, lang)  # type: ignore[arg-type]
    cells = [[row.get(c.column.name, "") for c in template.asked] for row in rows]
    if path.suffix == ".csv":
        with path.open("a", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows(cells)
    else:
        book = openpyxl.load_workbook(path)
        for row in cells:
            book.worksheets[0].append(row)
        book.save(path)
    return path


def example(name: str) -> dict[str, str]:
    return {c.column.name: c.example for c in template_named(name).asked}


def test_every_column_of_a_table_is_asked_for_or_derived() -> None:
    for name in EVIDENCE:
        template = template_named(name)
        assert template.table is not None
        wanted = set(schema_of(template.table).names) - {"source_id"}
        assert {c.column.name for c in template.columns} == wanted, name
        assert all(c.head.zh and c.meaning.zh and c.meaning.en for c in template.asked)
        for column in template.asked:
            assert set(column.labels) <= set(column.column.allowed), (name, column.column.name)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
@pytest.mark.parametrize("name", EVIDENCE)
def test_the_examples_read_back_without_a_finding(tmp_path: Path, name: str, suffix: str, lang: str) -> None:
    path = filled(tmp_path / f"x{suffix}", name, example(name), lang=lang)
    assert READER.accepts(path, path.read_bytes()[:65536])
    out = read(path)
    assert not list(out.log)
    table = template_named(name).table
    assert table is not None
    assert len(out.rows[table]) == 1
    asked = [c.column.name for c in template_named(name).asked if c.example]
    assert all(out.rows[table][0][column] is not None for column in asked)


def test_csv_has_a_mark_and_stars_and_excel_a_second_sheet(tmp_path: Path) -> None:
    write_template("deals", tmp_path / "deals.csv", "zh")
    data = (tmp_path / "deals.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    assert "专利号*" in data.decode("utf-8-sig")
    write_template("deals", tmp_path / "deals.xlsx", "en")
    book = openpyxl.load_workbook(tmp_path / "deals.xlsx")
    assert book.sheetnames == ["deals", FIELDS_SHEET]
    fields = list(book[FIELDS_SHEET].values)
    assert len(fields) == 1 + len(template_named("deals").asked)
    assert "字段" in fields[0]
    assert "meaning" in fields[0]
    first = (tmp_path / "deals.xlsx").read_bytes()
    write_template("deals", tmp_path / "deals.xlsx", "en")
    assert (tmp_path / "deals.xlsx").read_bytes() == first
    with pytest.raises(DomainError, match=r"csv or \.xlsx"):
        write_template("deals", tmp_path / "deals.pdf", "en")
    with pytest.raises(UnknownNameError, match="deals"):
        write_template("deal", tmp_path / "x.csv", "en")


def test_values_are_converted_as_documented(tmp_path: Path) -> None:
    base = example("deals")
    path = filled(
        tmp_path / "x.csv", "deals",
        base | {"deal_id": "1", "price": "50万元", "royalty_rate": "5%", "currency": "", "deal_type": "licence"},
        base | {"deal_id": "2", "price": "USD 3,000", "royalty_rate": "0.05", "currency": "", "deal_date": "2024年3月1日"},
        base | {"deal_id": "3", "price": "USD 3000", "currency": "CNY"},
        base | {"deal_id": "4", "royalty_rate": "5"},
    )  # fmt: skip
    out = read(path)
    rows = out.by("deals", "deal_id")
    assert (rows["1"]["price"], rows["1"]["royalty_rate"], rows["1"]["currency"]) == (500_000.0, 0.05, "CNY")
    assert rows["1"]["deal_type"] == "licence"
    assert (rows["2"]["price"], rows["2"]["currency"], rows["2"]["deal_date"]) == (3000.0, "USD", date(2024, 3, 1))
    assert rows["3"]["price"] is None
    assert rows["4"]["royalty_rate"] is None
    assert [(f.rule, f.row, f.field) for f in out.log] == [
        ("template.currency", 4, "price"), ("template.cell", 5, "royalty_rate"),
    ]  # fmt: skip
    parties = out.by("parties", "party_id")
    assert parties[rows["1"]["seller_id"]]["name"] == "示例科技有限公司"


def test_bad_cells_and_missing_ones(tmp_path: Path) -> None:
    base = example("appraisals")
    path = filled(
        tmp_path / "x.csv", "appraisals",
        base | {"opinion_id": "1", "score": "101", "purpose": "玩", "value": "=1+1", "opinion_date": "2024-02-30"},
        base | {"opinion_id": "2", "score": "about 5", "patent_id": "no patent"},
        base | {"opinion_id": "3", "value_low": "-5", "currency": "yuan"},
    )  # fmt: skip
    out = read(path)
    rows = out.by("opinions", "opinion_id")
    assert set(rows) == {"2", "3"}, "without a date the first is refused"
    assert rows["2"]["score"] is rows["2"]["patent_id"] is None
    assert rows["3"]["value_low"] is None, "negative, and of no known currency"
    assert (out.records, out.refused) == (3, 1)
    found = {(f.row, f.field): f.rule for f in out.log}
    assert found[(2, "value")] == "field.formula"
    assert found[(2, "purpose")] == found[(2, "score")] == found[(3, "patent_id")] == "template.cell"
    assert found[(2, "opinion_date")] in {"template.cell", "template.required"}
    assert "allowed" in next(f.message for f in out.log if f.field == "purpose")


def test_impossible_amounts_shares_and_counts_are_left_unknown_and_named(tmp_path: Path) -> None:
    base = example("deals")
    path = filled(
        tmp_path / "x.csv", "deals",
        base | {"deal_id": "1", "price": "-500000"},
        base | {"deal_id": "2", "royalty_rate": "150%"},
        base | {"deal_id": "3", "patent_count": "0", "term_years": "-1"},
        base | {"deal_id": "4", "price": "3000", "currency": "美元"},
        base | {"deal_id": "5", "price": "3000", "currency": "贝壳"},
        base | {"deal_id": "4", "price": "4000", "currency": "USD"},
    )  # fmt: skip
    out = read(path)
    rows = {row["deal_id"]: row for row in reversed(out.rows["deals"])}
    assert rows["1"]["price"] is None
    assert rows["2"]["royalty_rate"] is None
    assert rows["3"]["patent_count"] is rows["3"]["term_years"] is None
    assert (rows["4"]["price"], rows["4"]["currency"]) == (3000.0, "USD")
    assert rows["5"]["price"] is rows["5"]["currency"] is None, "3000 of an unknown currency are not 3000 yuan"
    assert [(f.rule, f.row, f.field) for f in out.log] == [
        ("template.cell", 2, "price"), ("template.cell", 3, "royalty_rate"), ("template.cell", 4, "patent_count"),
        ("template.cell", 4, "term_years"), ("template.cell", 6, "currency"), ("template.repeated", 7, "deal_id"),
    ]  # fmt: skip
    assert "as row 5" in list(out.log)[-1].message


def test_losses_are_negative_and_growth_may_exceed_one(tmp_path: Path) -> None:
    base = example("firm_years")
    out = read(filled(tmp_path / "x.csv", "firm_years", base | {"net_income": "-3000000", "employee_count": "-1"}))
    row = next(iter(out.rows["firm_years"]))
    assert row["net_income"] == -3_000_000
    assert row["employee_count"] is None


def test_formulas_in_a_workbook_are_refused(tmp_path: Path) -> None:
    path = filled(tmp_path / "x.xlsx", "firm_years", example("firm_years"))
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    at = [c.column.name for c in template_named("firm_years").asked].index("revenue") + 1
    sheet.cell(2, at).value = "=SUM(1,2)"
    book.save(path)
    out = read(path)
    assert out.rows["firm_years"][0]["revenue"] is None
    assert out.rules() == {"sheet.formula"}


def test_commands_inputs_and_strangers_are_refused_whole(tmp_path: Path) -> None:
    path = filled(tmp_path / "x.csv", "portfolio", {"patent_id": "CN101234567B"})
    out = read(path)
    assert [(f.rule, f.severity) for f in out.log] == [("template.not_evidence", Severity.FATAL)]
    other = tmp_path / "y.csv"
    other.write_text("a,b\n1,2\n")
    assert not READER.accepts(other, other.read_bytes())
    assert read(other).rules() == {"template.unknown"}
    other.write_bytes(b"PK\x03\x04 broken")
    assert read(other).log.count(severity=Severity.FATAL) == 1
    other.write_bytes(b"")
    assert read(other).log.count(severity=Severity.FATAL) == 1


def test_heads_are_recognised_in_any_order_with_strangers() -> None:
    assert template_of(["地区代码", "年度", "变量", "数值"]).name == "region_years"  # type: ignore[union-attr]
    assert template_of(["name*", "Firm_ID", "remark"]).name == "firms"  # type: ignore[union-attr]
    assert template_of(["申请号", "公开（公告）号", "申请日"]) is None
    assert template_of([]) is None


def test_terms_published_before_their_deal_are_known_at_the_deal(tmp_path: Path) -> None:
    row = example("deals") | {"deal_date": "2023-05-01", "published_date": "2022-05-01"}
    out = read(filled(tmp_path / "x.csv", "deals", row))
    (found,) = out.log
    assert (found.rule, found.field, found.value) == ("template.date_order", "published_date", "2022-05-01")
    assert out.rows["deals"][0]["published_date"] is None
    assert out.rows["deals"][0]["deal_date"] == date(2023, 5, 1)
