"""The investor report and its command: what must be said is said, in both languages and in every form."""

from __future__ import annotations

import io
import json
import re
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner

from zhirong.cli.finance_securitise import securitise
from zhirong.finance.securitisation.investor_report import InvestorReport, investor_report, stated_values
from zhirong.finance.securitisation.library import deal_names, load_deal
from zhirong.kernel.errors import DomainError, UnknownNameError
from zhirong.kernel.provenance import Grade
from zhirong.kernel.text import LANGUAGES
from zhirong.params import load
from zhirong.reports.deal_report import deal_document, render_deal
from zhirong.reports.deal_sheets import deal_sheets

DAY = date(2024, 6, 30)


@pytest.fixture(scope="module")
def report() -> InvestorReport:
    return investor_report(load_deal("licence_back_2019"), rate=0.025, book=load(), as_of=DAY, paths=1_000)


def texts(value: object) -> list[str]:
    """Every text of a document."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, tuple | list):
        return [text for item in value for text in texts(item)]
    if hasattr(value, "__dataclass_fields__"):
        return [text for name in value.__dataclass_fields__ for text in texts(getattr(value, name))]
    return []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_report_shows_both_cases_intervals_and_grades(report: InvestorReport, lang: str) -> None:
    document = deal_document(report, lang)  # type: ignore[arg-type]
    words = [text for text in texts(document) if "<svg" not in text]
    whole = "\n".join(words)
    senior = report.alone.tranches[0]
    assert f"{100 * senior.loss_probability.value:.2f}%" in whole
    assert f"{senior.price.low:.2f} – {senior.price.high:.2f}" in whole
    assert ("假设" if lang == "zh" else "assumed") in whole
    assert ("仅凭结构" if lang == "zh" else "The structure alone") in whole
    assert document.banner
    han = [text for text in words if re.search("[一-鿿]", text)]
    if lang == "en":
        assert han == []
    assert {section.anchor for section in document.sections} == {"results", "triggers", "cash", "capital", "values"}


def test_published_and_assumed_values_are_told_apart(report: InvestorReport) -> None:
    grades = {item.path: item.source.grade for item in report.values}
    assert grades["tranches.A.coupon"] is Grade.PUBLISHED
    assert grades["pool.assets[0].count"] is Grade.PUBLISHED
    assert grades["guarantor"] is Grade.RECALLED
    assert grades["pool.recovery.mean"] is Grade.ASSUMED
    assert grades["guarantor_default"] is Grade.ASSUMED
    assert grades["pool.assets[0].credit.annual_pd"] is Grade.ASSUMED
    for name in deal_names():
        assert all(item.label.zh and item.value.en for item in stated_values(load_deal(name)))


def test_expected_cash_adds_up(report: InvestorReport) -> None:
    assert len(report.cash) == 25 - 1
    notes = report.deal.notes
    senior = sum(line.principal[0] for line in report.cash)
    assert senior == pytest.approx(
        report.deal.tranches[0].balance * (1 - report.with_support.tranches[0].expected_loss.value)
    )
    assert report.cash[-1].balances[0] == pytest.approx(report.deal.tranches[0].balance - senior, abs=1e-3)
    assert report.cash[0].pool < notes


def test_the_same_run_gives_the_same_bytes(report: InvestorReport, tmp_path: Path) -> None:
    again = investor_report(load_deal("licence_back_2019"), rate=0.025, book=load(), as_of=DAY, paths=1_000)
    first = render_deal(report, lang="zh", out=tmp_path / "a", forms=("html", "xlsx"))
    second = render_deal(again, lang="zh", out=tmp_path / "b", forms=("html", "xlsx"))
    for one, two in zip(first.paths, second.paths, strict=True):
        assert one.read_bytes() == two.read_bytes()
    assert report.provenance.fingerprint() == again.provenance.fingerprint()
    book = openpyxl.load_workbook(io.BytesIO(first.xlsx.read_bytes()))  # type: ignore[union-attr]
    assert len(book.sheetnames) == len(deal_sheets(report, "zh")) == 3
    assert book.worksheets[0].max_row >= 5


def test_the_pdf_has_text_and_unknown_languages_are_refused(report: InvestorReport, tmp_path: Path) -> None:
    from pypdf import PdfReader

    files = render_deal(report, lang="en", out=tmp_path, forms=("pdf",), name="deal of/../x")
    assert files.pdf is not None
    assert files.pdf.parent == tmp_path
    assert "Guangzhou" in PdfReader(files.pdf).pages[0].extract_text()
    with pytest.raises(UnknownNameError):
        render_deal(report, lang="fr", out=tmp_path)  # type: ignore[arg-type]


def run(*arguments: str) -> tuple[str, str]:
    done = CliRunner().invoke(securitise, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout, done.stderr


def test_the_command_prices_a_shipped_deal_and_writes_its_report(tmp_path: Path) -> None:
    out, said = run(
        "lease_2019", "--as-of", "2024-06-30", "--paths", "500", "--format", "json", "--out", str(tmp_path / "r")
    )
    rows = json.loads(out)
    assert [(row["class"], row["support"]) for row in rows] == [("A", True), ("S", True), ("A", False), ("S", False)]
    assert rows[0]["price_low"] < rows[0]["price"] < rows[0]["price_high"]
    assert rows[0]["loss_probability"] <= rows[2]["loss_probability"]
    assert {path.name for path in (tmp_path / "r").iterdir()} == {"deal.html", "deal.pdf", "deal.xlsx"}
    assert "3 files" in said
    out, _ = run("--list", "--as-of", "2024-06-30", "--format", "json", "--lang", "zh")
    assert {row["deal"] for row in json.loads(out)} == set(deal_names())
    out, _ = run("lease_2019", "--as-of", "2024-06-30", "--paths", "200", "--lang", "zh")
    assert "优先级" in out


def test_the_command_sizes_classes() -> None:
    out, said = run("lease_2019", "--as-of", "2024-06-30", "--paths", "2000", "--size", "A=0.01", "--format", "json")
    assert "A: " in said
    alone = next(row for row in json.loads(out) if row["class"] == "A" and not row["support"])
    assert alone["expected_loss"] <= 0.01 + 1e-9
    _, said = run("lease_2019", "--as-of", "2024-06-30", "--paths", "500", "--size", "A=BB", "--equity-cost", "0.12")
    assert "A: " in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name a deal file"),
        (("lease_2019", "--size", "A"), "CLASS=TARGET"),
        (("lease_2019", "--size", "A=ZZZ"), "loss target"),
        (("lease_2019", "--size", "A=7"), "expected_loss"),
        (("missing.yaml",), "No such file"),
        (("lease_1919",), "no deal named"),
    ],
)
def test_bad_arguments_of_the_command_are_named(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises((DomainError, UnknownNameError), match=said):
        CliRunner().invoke(securitise, [*arguments, "--as-of", "2024-06-30", "--paths", "200"], catch_exceptions=False)


def test_a_faulty_file_is_told_with_every_fault(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("id: x\nclosing: 2024-01-01\n", "utf-8")
    with pytest.raises(DomainError, match=r"(?s)bad\.yaml.*first_payment.*waterfall"):
        CliRunner().invoke(securitise, [str(file), "--as-of", "2024-06-30"], catch_exceptions=False)
