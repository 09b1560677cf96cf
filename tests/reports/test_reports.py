"""Reports: both languages, self-contained page, embedded Chinese, equal numbers, escaping, missing parts, determinism."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import openpyxl
import pypdf
import pytest
from lxml import html as lxml_html
from report_cases import make_score, make_valuation

from zhirong.kernel.errors import DomainError, UnknownNameError
from zhirong.kernel.findings import Finding, Severity
from zhirong.kernel.text import Bilingual
from zhirong.params import load
from zhirong.reports import build_document, render, render_portfolio
from zhirong.reports.paper import pdf_bytes
from zhirong.reports.web import html_page
from zhirong.reports.workbook import sheets_of, workbook_bytes
from zhirong.valuation.dependence import depend
from zhirong.valuation.engine import PortfolioValuation
from zhirong.valuation.types import QUANTILE_LEVELS, Valuation

NASTY = (
    "<script>alert(1)</script> #let x = 1; *b* $y$ `c` @ref =1+1 \u05e9\u05dc\u05d5\u05dd &amp; " + "很长的名称" * 40
)
UNKNOWN = {"zh": "未知", "en": "unknown"}


def _bare() -> Valuation:
    return make_valuation(
        methods=tuple(replace(m, fan=None) for m in make_valuation().methods),
        contributions=(),
        assumptions=(),
        facts={"title": None, "remaining_life_years": None},
        findings=(),
        unknown=(),
    )


def _ended() -> Valuation:
    nothing = dict.fromkeys(QUANTILE_LEVELS, 0.0)
    return make_valuation(quantiles=nothing, mean=0.0, sd=0.0, methods=(), contributions=())


def _text(page: str) -> str:
    tree = lxml_html.fromstring(page.encode())
    return " ".join(tree.xpath("//body//text()"))


def _pdf_text(data: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages)


class _Balance(HTMLParser):
    """Every element that opens closes, in order."""

    void = frozenset({"meta", "link", "br", "col", "img"})

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for key, value in attrs if key == "id" and value]
        if tag not in self.void:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag


@pytest.fixture(scope="module", params=["zh", "en"])
def lang(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def document(lang: str) -> object:
    return build_document(make_valuation(), lang=lang, score=make_score())


@pytest.fixture(scope="module")
def page(document: object) -> str:
    return html_page(document)


@pytest.fixture(scope="module")
def paper(document: object) -> bytes:
    return pdf_bytes(document)


def test_page_is_well_formed_and_loads_nothing(page: str) -> None:
    balance = _Balance()
    balance.feed(page)
    assert balance.stack == []
    assert len(balance.ids) == len(set(balance.ids))
    tree = lxml_html.fromstring(page.encode())
    loads = tree.xpath("//@src") + tree.xpath("//link/@href") + tree.xpath("//a/@href") + tree.xpath("//@srcset")
    assert loads
    assert all(address.startswith("#") for address in loads)
    assert tree.xpath("//script") == []
    urls = re.findall(r"url\(([^)]*)\)", page)
    assert urls
    assert all(u.startswith(("data:font/woff;base64,", "#")) for u in urls)
    assert "@import" not in page


def test_page_is_accessible(page: str, lang: str) -> None:
    tree = lxml_html.fromstring(page.encode())
    assert tree.get("lang") == {"zh": "zh-CN", "en": "en"}[lang]
    levels = [int(e.tag[1]) for e in tree.iter("h1", "h2", "h3")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    assert all(svg.get("aria-label") and svg.get("role") == "img" for svg in tree.iter("svg"))
    for table in tree.iter("table"):
        assert table.find("caption") is not None
        assert all(th.get("scope") == "col" for th in table.xpath("./thead//th"))
        assert all(th.get("scope") == "row" for th in table.xpath("./tbody//th"))


def test_summary_comes_first_and_holds_the_interval(page: str, lang: str) -> None:
    tree = lxml_html.fromstring(page.encode())
    first = tree.xpath("//main/section")[0]
    assert first.get("id") == "summary"
    text = " ".join(first.itertext()).replace("\u00a0", " ")
    assert ("420 – 1,700 万元" if lang == "zh" else "CNY 4.2 – 17 million") in text
    assert ("3 级" if lang == "zh" else "Grade 3") in text
    lists = first.xpath(".//ul")
    assert [len(ul.findall("li")) for ul in lists][:2] == [3, 3]
    anchors = [s.get("id") for s in tree.xpath("//main/section")]
    assert anchors[:9] == [
        "summary",
        "dimensions",
        "cohort",
        "methods",
        "comparables",
        "cash-flows",
        "drivers",
        "assumptions",
        "facts",
    ]
    assert anchors[-2:] == ["findings", "provenance"]


def test_unverified_numbers_and_refused_methods_are_visible(page: str, lang: str) -> None:
    text = _text(page)
    for words in {
        "zh": ("未核对", "假设", "不适用", "少于所需"),
        "en": ("recalled", "assumed", "not admissible", "are needed"),
    }[lang]:
        assert words in text


def test_synthetic_data_is_said_on_every_page(page: str, paper: bytes, lang: str) -> None:
    words = {"zh": "合成数据", "en": "Synthetic data"}[lang]
    assert words in _text(page)
    pages = pypdf.PdfReader(io.BytesIO(paper)).pages
    assert len(pages) >= 3
    assert all(words in p.extract_text() for p in pages)
    real = build_document(make_valuation(is_synthetic=False), lang=lang)
    assert real.banner == ""
    assert words not in _pdf_text(pdf_bytes(real))


def test_pdf_embeds_its_font_and_its_chinese_can_be_selected(paper: bytes, lang: str) -> None:
    text = _pdf_text(paper)
    assert "一种用于动力电池的热管理方法及系统" in text.replace("\n", "")
    assert ({"zh": "专利价值评估报告", "en": "Patent valuation report"}[lang]) in text
    assert ({"zh": "许可费节省法", "en": "Relief from royalty"}[lang]) in text
    fonts = {}
    for sheet in pypdf.PdfReader(io.BytesIO(paper)).pages:
        for font in sheet["/Resources"].get("/Font", {}).values():
            fonts[font.get_object()["/BaseFont"]] = font.get_object()["/DescendantFonts"][0].get_object()
    assert fonts
    assert all(any(key.startswith("/FontFile") for key in f["/FontDescriptor"].get_object()) for f in fonts.values())
    assert any("NotoSansSC" in name for name in fonts)


def test_same_record_same_bytes(document: object, page: str, paper: bytes, lang: str) -> None:
    again = build_document(make_valuation(), lang=lang, score=make_score())
    assert again == document
    assert html_page(again) == page
    assert pdf_bytes(again) == paper
    sheets = sheets_of(make_valuation(), lang=lang, score=make_score())
    assert workbook_bytes(sheets, title="t") == workbook_bytes(sheets, title="t")


def test_workbook_reads_back_equal_numbers(tmp_path: Path, lang: str) -> None:
    value, scored = make_valuation(), make_score()
    path = render(value, lang=lang, out=tmp_path, score=scored, forms=["xlsx"]).xlsx
    book = openpyxl.load_workbook(path)
    assert len(book.sheetnames) == 10
    cells = {ws.title: [[c.value for c in row] for row in ws.iter_rows()] for ws in book}
    sheets = list(cells.values())
    numbers = [v for row in sheets[0] for v in row if isinstance(v, int | float)]
    assert all(any(n == pytest.approx(q, rel=1e-14) for n in numbers) for q in value.quantiles.values())
    for m in value.methods:
        row = next(r for r in sheets[1] if r[0] == m.label.in_(lang))
        assert row[3 : 3 + len(QUANTILE_LEVELS)] == pytest.approx([m.quantiles[q] for q in QUANTILE_LEVELS], rel=1e-14)
    fan = value.methods[0].fan
    assert fan is not None
    years = [r[1] for r in sheets[3] if isinstance(r[1], int | float)]
    assert years == list(fan.years)
    unknown = next(r for r in sheets[7] if r[0] == "oecd.claims_bwd")
    assert unknown[3] == UNKNOWN[lang]
    assert all(c.data_type != "f" for ws in book for row in ws.iter_rows() for c in row)
    formats = {c.number_format for row in book.worksheets[1].iter_rows() for c in row if c.data_type == "n"}
    assert {"#,##0", "0.0%"} <= formats


def test_missing_parts_say_unknown_and_never_zero(lang: str) -> None:
    document = build_document(_bare(), lang=lang)
    text = _text(html_page(document))
    assert document.summary.grade == UNKNOWN[lang]
    assert UNKNOWN[lang] in text
    facts = next(s for s in document.sections if s.anchor == "facts").blocks[0]
    assert [value for _, value in facts.items] == [UNKNOWN[lang]] * 2
    assert not any(
        b.kind == "chart"
        for s in document.sections
        if s.anchor in {"dimensions", "cohort", "cash-flows", "drivers"}
        for b in s.blocks
    )
    assert len(pdf_bytes(document)) > 10_000
    assert workbook_bytes(sheets_of(_bare(), lang=lang), title="t")


def test_a_right_without_value_is_drawn(lang: str) -> None:
    document = build_document(_ended(), lang=lang, score=make_score())
    assert not re.search(r"\b(nan|inf)\b", _text(html_page(document)).casefold())
    assert pdf_bytes(document).startswith(b"%PDF")


def test_nasty_text_is_text(tmp_path: Path, lang: str) -> None:
    value = make_valuation(
        subject_id=NASTY,
        facts={"title": NASTY, NASTY: [NASTY, None, True]},
        unknown=(Bilingual(NASTY, NASTY),),
        findings=(Finding("x", Severity.ERROR, "=cmd|' /C calc'!A0", NASTY, 1, "+f", "@SUM(1)"),),
        methods=tuple(replace(m, label=Bilingual(NASTY, NASTY)) for m in make_valuation().methods),
    )
    files = render(value, lang=lang, out=tmp_path, score=make_score())
    assert files.html is not None
    assert files.pdf is not None
    tree = lxml_html.fromstring(files.html.read_bytes())
    assert tree.xpath("//script") == []
    assert NASTY in " ".join(tree.xpath("//dd//text()"))
    text = _pdf_text(files.pdf.read_bytes()).replace("\n", "").replace("\u200b", "")
    assert "#let x = 1; *b* $y$" in text
    book = openpyxl.load_workbook(files.xlsx)
    cells = [c for ws in book for row in ws.iter_rows() for c in row]
    assert "=cmd|' /C calc'!A0" in [c.value for c in cells]
    assert all(c.data_type != "f" and c.hyperlink is None for c in cells)


def test_control_characters_do_not_break_a_workbook(lang: str) -> None:
    sheets = sheets_of(make_valuation(subject_id="a\x00b\x0bc\ufffe" + "x" * 40_000), lang=lang)
    book = openpyxl.load_workbook(io.BytesIO(workbook_bytes(sheets, title="a\x00b")))
    assert any(str(row[1].value).startswith("a\ufffdb\ufffdc\ufffd") for row in book.worksheets[0].iter_rows())


def test_portfolio_states_its_dependence(tmp_path: Path, lang: str) -> None:
    one = make_valuation()
    values = tuple(
        replace(one, subject_id=f"CN{i}", quantiles={q: v * (i + 1) for q, v in one.quantiles.items()})
        for i in range(9)
    )
    total = {q: 45 * v for q, v in one.quantiles.items()}
    refused = Finding("valuation.refused", Severity.ERROR, "CN404", "CN404 is not in the store", record_id="CN404")
    levels = np.exp(15 + np.linspace(-2, 2, 400))
    drawn = [replace(v, draws=levels * (i + 1)) for i, v in enumerate(values)]
    shares = load().at("portfolio.common_shares", one.as_of)
    dependence = depend(drawn, {}, shares, draws=2_000, seed=1)
    named = PortfolioValuation("组合 A", values, dict.fromkeys(total, 4e8), total, dependence, (refused,))
    files = render_portfolio(named, lang=lang, out=tmp_path, scores={"CN1": make_score()})
    assert files.html is not None
    text = _text(files.html.read_text("utf-8"))
    assert {"zh": "相互独立", "en": "independent"}[lang] in text
    assert {"zh": "同涨同跌", "en": "moving together"}[lang] in text
    assert {"zh": "1 件专利未能估值", "en": "1 patents have no value"}[lang] in text
    assert "CN404 is not in the store" in text
    book = openpyxl.load_workbook(files.xlsx)
    assert [c.value for c in book.worksheets[0][4]][0:1] == [{"zh": "按共同因素", "en": "common factors"}[lang]]
    assert {"zh": "占损失", "en": "Of the shortfall"}[lang] in text
    assert {"zh": "专利之间共有什么", "en": "What the patents share"}[lang] in text
    assert dependence.patents[0].patent_id in text
    loose = render_portfolio(values, lang=lang, out=tmp_path, name="loose", forms=["html"])
    assert loose.html is not None
    assert loose.pdf is None
    assert {"zh": "不给出合计", "en": "No total"}[lang] in _text(loose.html.read_text("utf-8"))


def test_misuse_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="language"):
        render(make_valuation(), lang="fr", out=tmp_path)  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="report form"):
        render(make_valuation(), lang="en", out=tmp_path, forms=["docx"])
    with pytest.raises(DomainError, match="at least one"):
        render_portfolio([], lang="en", out=tmp_path)
    with pytest.raises(DomainError, match="currency"):
        render_portfolio([make_valuation(), make_valuation(currency="USD")], lang="en", out=tmp_path)


def test_a_yes_or_no_that_all_share_is_no_strength(lang: str) -> None:
    scored = make_score()
    common = replace(scored.readings[0], id="legal.is_pledged", value=0.0, percentile=50.0, score=100.0, direction=-1)
    document = build_document(make_valuation(), lang=lang, score=replace(scored, readings=(common,)))
    assert "100%" not in " ".join(document.summary.lists[0].items)
