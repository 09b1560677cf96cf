"""Excel workbooks: values as written, formulas, macros, links, bombs, torn files; hostile CSV."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import openpyxl
import pytest
import xlsxwriter
import xlwt

from zhirong.evidence.formats import detect, reader_named
from zhirong.evidence.reading import Limits, ReadOptions
from zhirong.evidence.sheets import SheetReader
from zhirong.evidence.sheets.workbook import excel_date
from zhirong.kernel.findings import Severity

COMMON = {"extends": "cn_common"}
HEADS = ["申请号", "标题", "申请日", "权利要求数"]
ROW = ["202019999006.7", "泵", date(2020, 5, 1), 7]


def _xlsx(fill: Callable[[openpyxl.Workbook], object]) -> bytes:
    book = openpyxl.Workbook()
    fill(book)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _simple(book: openpyxl.Workbook) -> None:
    book.active.append(HEADS)
    book.active.append(ROW)


def _edit(content: bytes, changes: Mapping[str, Callable[[bytes], bytes] | bytes | None]) -> bytes:
    """Rewrite parts of a workbook; None drops a part, bytes add one."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            change: Any = changes.get(name, lambda data: data)
            if change is not None:
                new.writestr(name, change(old.read(name)))
        for name, data in changes.items():
            if isinstance(data, bytes) and name not in old.namelist():
                new.writestr(name, data)
    return stream.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def _shared() -> bytes:
    """A workbook whose texts lie in the part of shared strings."""
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, HEADS[:2])
    sheet.write_row(1, 0, ROW[:2])
    book.close()
    return stream.getvalue()


def test_shared_strings_are_read_without_their_phonetics(read_sheet):
    def speak(data: bytes) -> bytes:
        return data.replace("<t>泵</t>".encode(), "<t>泵</t><rPh sb='0' eb='1'><t>beng</t></rPh>".encode())

    content = _edit(_shared(), {"xl/sharedStrings.xml": speak})
    assert read_sheet(content, "a.xlsx", COMMON).one("patents")["title"] == "泵"


def test_dates_numbers_and_text_come_as_written(read_sheet):
    row = read_sheet(_xlsx(_simple), "a.xlsx", COMMON).one("patents")
    assert (row["filing_date"], row["claim_count"], row["title"]) == (date(2020, 5, 1), 7, "泵")


def test_inline_strings_and_chinese_date_formats(read_sheet):
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"constant_memory": True})
    sheet = book.add_worksheet()
    chinese = book.add_format({"num_format": 'yyyy"年"m"月"d"日"'})
    sheet.write_row(0, 0, HEADS)
    sheet.write(1, 0, ROW[0])
    sheet.write(1, 1, "泵")
    sheet.write_datetime(1, 2, ROW[2], chinese)
    sheet.write(1, 3, 7)
    book.close()
    row = read_sheet(stream.getvalue(), "a.xlsx", COMMON).one("patents")
    assert (row["filing_date"], row["claim_count"]) == (date(2020, 5, 1), 7)


def test_date_serials_without_a_format_and_numbers_as_text(read_sheet):
    def fill(book: openpyxl.Workbook) -> None:
        book.active.append(HEADS)
        book.active.append(["202019999006.7", "泵", 43952, "7"])

    row = read_sheet(_xlsx(fill), "a.xlsx", COMMON).one("patents")
    assert (row["filing_date"], row["claim_count"]) == (date(2020, 5, 1), 7)


def test_the_1904_calendar(read_sheet):
    def to_1904(data: bytes) -> bytes:
        return data.replace(b"<workbookPr/>", b'<workbookPr date1904="1"/>')

    content = _edit(_xlsx(_simple), {"xl/workbook.xml": to_1904})
    assert read_sheet(content, "a.xlsx", COMMON).one("patents")["filing_date"] == date(2024, 5, 2)
    assert excel_date(0, epoch_1904=True) == date(1904, 1, 1)
    assert excel_date(36526) == date(2000, 1, 1)


def test_application_numbers_that_excel_made_numbers_are_found_by_their_check_digit(read_sheet):
    def fill(book: openpyxl.Workbook) -> None:
        book.active.append(["申请号", "标题"])
        book.active.append([202019999006.7, "泵"])

    assert read_sheet(_xlsx(fill), "a.xlsx", COMMON).one("patents")["patent_id"] == "CN202019999006.7"


def test_a_formula_is_refused_unless_its_stored_result_is_asked_for(read_sheet):
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, HEADS)
    sheet.write_row(1, 0, ["202019999006.7"])
    sheet.write_formula(1, 1, '=cmd|" /C calc"!A0', None, "泵")
    sheet.write_formula(1, 3, "=3+4", None, 7)
    book.close()
    refused = read_sheet(stream.getvalue(), "a.xlsx", COMMON)
    assert refused.one("patents").get("claim_count") is None
    assert refused.one("patents").get("title") is None
    assert [f.field for f in refused.of("sheet.formula")] == ["B2", "D2"]
    used = read_sheet(stream.getvalue(), "a.xlsx", COMMON | {"formulas": "use_cached"})
    assert (used.one("patents")["claim_count"], used.one("patents")["title"]) == (7, "泵")


def test_error_cells_stay_unknown(read_sheet):
    def fill(book: openpyxl.Workbook) -> None:
        _simple(book)
        book.active["D2"] = "#N/A"

    kept = read_sheet(_xlsx(fill), "a.xlsx", COMMON)
    assert kept.one("patents").get("claim_count") is None
    assert kept.of("sheet.error_cell")


def test_several_sheets_and_hidden_ones(read_sheet):
    def fill(book: openpyxl.Workbook) -> None:
        _simple(book)
        other = book.create_sheet("第二页")
        other.append(["某公司专利清单"])
        other.append(["申请号", "标题"])
        other.append(["201519999001.3", "阀"])
        notes = book.create_sheet("说明")
        notes.append(["只是说明"])
        hidden = book.create_sheet("隐藏")
        hidden.append(["申请号"])
        hidden.append(["201629999002.8"])
        hidden.sheet_state = "hidden"

    content = _xlsx(fill)
    kept = read_sheet(content, "a.xlsx", COMMON)
    assert [row["title"] for row in kept.rows["patents"]] == ["泵", "阀"]
    assert kept.of("sheet.hidden")[0].value == "隐藏"
    assert kept.of("sheet.no_header_in_sheet")[0].value == "说明"
    named = read_sheet(content, "a.xlsx", COMMON | {"sheets": ["隐藏"]})
    assert [row["patent_id"] for row in named.rows["patents"]] == ["CN201629999002.8"]


def test_merged_heads_and_an_empty_column(read_sheet):
    def fill(book: openpyxl.Workbook) -> None:
        sheet = book.active
        sheet["A1"], sheet["C1"] = "申请号", "人员"
        sheet["C2"], sheet["D2"] = "申请人", "发明人"
        sheet.merge_cells("A1:A2")
        sheet.merge_cells("C1:D1")
        for cell, value in {"A3": "202019999006.7", "C3": "甲公司", "D3": "张某"}.items():
            sheet[cell] = value

    kept = read_sheet(_xlsx(fill), "a.xlsx", COMMON)
    assert {row["role"] for row in kept.rows["patent_parties"]} == {"applicant", "inventor"}


def test_macros_and_links_are_ignored_with_a_finding(read_sheet):
    content = _edit(
        _xlsx(_simple),
        {"xl/vbaProject.bin": b"\xd0\xcf", "xl/externalLinks/externalLink1.xml": b"<externalLink/>"},
    )
    kept = read_sheet(content, "a.xlsm", COMMON)
    assert len(kept.rows["patents"]) == 1
    assert {"sheet.macro", "sheet.external_link"} <= kept.rules


@pytest.mark.parametrize("part", ["xl/workbook.xml", SHEET, "xl/sharedStrings.xml", "xl/styles.xml"])
def test_entities_are_refused_in_every_part(read_sheet, part):
    def bomb(data: bytes) -> bytes:
        body = data.split(b"?>", 1)[1] if data.startswith(b"<?xml") else data
        return b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + body

    kept = read_sheet(_edit(_shared(), {part: bomb}), "a.xlsx", COMMON)
    assert not kept.rows["patents"]
    assert "document type" in kept.of("sheet.hostile")[0].message


def test_a_part_that_unpacks_to_too_much_is_refused(read_sheet):
    def inflate(data: bytes) -> bytes:
        return data.replace(b"</sheetData>", b" " * 8_000_000 + b"</sheetData>")

    kept = read_sheet(_edit(_xlsx(_simple), {SHEET: inflate}), "a.xlsx", COMMON)
    assert "times its size" in kept.of("sheet.hostile")[0].message


def test_one_row_may_not_fill_the_memory(read_sheet):
    noise = "".join(chr(0x4E00 + i * 7919 % 20000) for i in range(600_000))

    def fill(book: openpyxl.Workbook) -> None:
        _simple(book)

    def swell(data: bytes) -> bytes:
        cell = f'<row r="3"><c r="A3" t="inlineStr"><is><t>{noise}</t></is></c></row></sheetData>'
        return data.replace(b"</sheetData>", cell.encode())

    kept = read_sheet(_edit(_xlsx(fill), {SHEET: swell}), "a.xlsx", COMMON, Limits(text_chars=1_000_000))
    assert "one row" in kept.of("sheet.hostile")[0].message


@pytest.mark.parametrize("keep", [10, 200, 0.5, 0.9])
def test_torn_workbooks_are_refused(read_sheet, keep):
    content = _xlsx(_simple)
    cut = content[: int(len(content) * keep) if isinstance(keep, float) else keep]
    kept = read_sheet(cut, "a.xlsx", COMMON)
    assert kept.rules == {"sheet.damaged"}
    assert not kept.rows["patents"]


def test_an_archive_that_is_no_workbook_is_refused(read_sheet):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("../../evil", "x")
    assert read_sheet(stream.getvalue(), "a.xlsx", COMMON).rules == {"sheet.damaged"}


def _xls() -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("一")
    for i, head in enumerate(HEADS):
        sheet.write(1, i, head)
    style = xlwt.easyxf(num_format_str="YYYY-MM-DD")
    for i, value in enumerate(ROW):
        sheet.write(2, i, value, style) if isinstance(value, date) else sheet.write(2, i, value)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def test_old_workbooks_are_read(read_sheet):
    kept = read_sheet(_xls(), "a.xls", COMMON)
    row = kept.one("patents")
    assert (row["patent_id"], row["filing_date"], row["claim_count"]) == ("CN202019999006.7", date(2020, 5, 1), 7)
    assert kept.of("sheet.formula_unseen")


def test_a_torn_old_workbook_is_refused(read_sheet):
    assert "sheet.damaged" in read_sheet(_xls()[:1500], "a.xls", COMMON).rules


def test_a_text_table_named_xls_is_read_as_what_it_is(read_sheet):
    kept = read_sheet("申请号\t标题\n202019999006.7\t泵\n".encode("gb18030"), "a.xls", COMMON)
    assert kept.one("patents")["title"] == "泵"


# hostile CSV ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", ['=cmd|"/C calc"!A0', "+HYPERLINK(1)", "-2+3+cmd|x", "@SUM(A1)"])
def test_active_text_is_kept_as_text_and_flagged(read_sheet, cell):
    stream = io.StringIO()
    csv.writer(stream).writerows([["申请号", "标题"], ["202019999006.7", cell]])
    kept = read_sheet(stream.getvalue(), mapping=COMMON)
    assert kept.one("patents")["title"] == cell
    assert kept.of("sheet.formula_like")[0].field == "标题"


def test_numbers_dashes_and_forced_text_are_not_active(read_sheet):
    kept = read_sheet('申请号,标题,权利要求数\n="202019999006.7",-,+5\n', mapping=COMMON)
    assert kept.one("patents")["claim_count"] == 5
    assert not kept.of("sheet.formula_like")


def test_a_cell_of_a_million_characters_is_left_unknown(read_sheet):
    kept = read_sheet("申请号,标题\n202019999006.7," + "长" * 1_000_000 + "\n201519999001.3,阀\n", mapping=COMMON)
    assert [row.get("title") for row in kept.rows["patents"]] == [None, "阀"]
    assert "1000000 characters" in kept.of("sheet.field_too_long")[0].message


def test_a_lost_quotation_mark_costs_one_record(read_sheet):
    rows = "".join(f'不是号码,"题{i}"\n' for i in range(3))
    good = "202019999006.7,泵\n" * 12_000
    kept = read_sheet('申请号,标题\n202019999006.7,"没有结束\n' + good + rows, mapping=COMMON)
    assert len(kept.rows["patents"]) == 12_000
    assert kept.of("sheet.unclosed_quote")[0].row == 2


def test_zero_bytes_and_ragged_rows_stop_nothing(read_sheet):
    kept = read_sheet("申请号,标题\n202019999006.7\n201519999001.3,阀,多,余\n\x00,\x00\n".encode(), mapping=COMMON)
    assert len(kept.rows["patents"]) == 2
    assert kept.of("sheet.row_width")


def test_an_empty_file_is_refused(read_sheet):
    assert read_sheet(b"", mapping=COMMON).rules == {"sheet.damaged"}


def test_progress_is_told_and_ends_at_the_total(tmp_path, kept):
    path = tmp_path / "a.csv"
    path.write_text("申请号,标题\n" + "202019999006.7,泵\n" * 3000, encoding="utf-8")
    calls: list[tuple[int, int, int]] = []
    SheetReader().read(path, kept, ReadOptions(mapping=COMMON, progress=lambda *call: calls.append(call)))
    assert len(calls) > 3
    assert calls == sorted(calls)
    assert calls[-1][0] == calls[-1][1] == path.stat().st_size


def test_the_reader_is_found_by_name_alias_and_content(tmp_path):
    assert all(isinstance(reader_named(name), SheetReader) for name in ("sheet", "xlsx", "xls", "csv"))
    path = tmp_path / "a.csv"
    content = "申请号,标题,申请日\n".encode("gb18030")
    path.write_bytes(content)
    assert isinstance(detect(path, content), SheetReader)
    assert not SheetReader().accepts(tmp_path / "b.csv", b"name,age\n1,2\n")


COMMA_HEADS = "申请号,标题,申请人,IPC\n"


def _line(number: int, title: str) -> str:
    return f"{number},{title},合成示例有限公司,H04L9/32\n"


def test_one_lost_quotation_mark_costs_one_row(read_sheet):
    rows = [_line(202019999006, "泵"), _line(201519999001, '"阀'), _line(201519999002, "缸"), _line(201519999003, "盖")]
    kept = read_sheet(COMMA_HEADS + "".join(rows), mapping=COMMON)
    assert [row["title"] for row in kept.rows["patents"]] == ["泵", "缸", "盖"]
    (found,) = kept.of("sheet.unclosed_quote")
    assert (found.row, found.severity) == (3, Severity.ERROR)
    assert kept.refused == 1


def test_a_lost_mark_that_meets_the_next_quoted_cell_costs_one_row(read_sheet):
    rows = [
        _line(202019999006, '"泵'),
        _line(201519999001, "阀"),
        _line(201519999002, '"缸"'),
        _line(201519999003, "盖"),
    ]
    kept = read_sheet(COMMA_HEADS + "".join(rows), mapping=COMMON)
    assert [row["title"] for row in kept.rows["patents"]] == ["阀", "缸", "盖"]
    assert [found.row for found in kept.of("sheet.unclosed_quote")] == [2]


def test_a_cell_of_several_lines_with_delimiters_is_believed(read_sheet):
    kept = read_sheet(COMMA_HEADS + '202019999006,"一种泵\n甲,乙,丙,丁",合成示例有限公司,H04L9/32\n', mapping=COMMON)
    assert not kept.of("sheet.unclosed_quote")
    assert len(kept.rows["patents"]) == 1


def test_a_file_cut_inside_its_last_row_is_told_and_a_whole_one_is_not(read_sheet):
    whole = COMMA_HEADS + _line(202019999006, "泵") + _line(201519999001, "阀").rstrip("\n")
    assert not read_sheet(whole, mapping=COMMON).of("sheet.cut_off")
    kept = read_sheet(whole[: -len(",H04L9/32")], mapping=COMMON)
    assert [found.row for found in kept.of("sheet.cut_off")] == [3]
    assert len(kept.rows["patents"]) == 2


def test_heads_without_rows_are_told(read_sheet):
    (found,) = read_sheet(COMMA_HEADS, mapping=COMMON).of("sheet.no_rows")
    assert (found.severity, found.row) == (Severity.WARNING, 1)


@pytest.mark.parametrize("codec", ["utf-8", "gb18030", "utf-8-sig"])
def test_a_web_table_named_xls_is_read_as_its_table(read_sheet, codec):
    page = (
        f'<html><head><meta charset="{codec}"><script>alert(1)</script></head><body><table>'
        "<tr><td colspan=2>合成数据导出</td></tr>"
        "<tr><th>申请号</th><th>标题</th><th>申请人</th></tr>"
        "<tr><td>202019999006</td><td>一种<b>泵</b>&amp;阀</td><td>甲示例公司<br>乙示例公司</td></tr>"
        "<tr><td>201519999001</td><td>缸</td><td></td></tr></table></body></html>"
    )
    kept = read_sheet(page.encode(codec), name="导出.xls", mapping=COMMON)
    assert [row["title"] for row in kept.rows["patents"]] == ["一种泵&阀", "缸"]
    assert len({row["name"] for row in kept.rows["parties"]}) == 2


def test_a_web_page_without_a_table_is_refused_by_name(read_sheet):
    kept = read_sheet(b"<!DOCTYPE html><html><body>log in first</body></html>", name="x.xls", mapping=COMMON)
    (found,) = kept.of("sheet.damaged")
    assert "web page without a table" in found.message
