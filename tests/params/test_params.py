"""Parameters: dated, sourced, never guessed; every shipped file is whole; facts are what their sources say."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from zhirong.kernel.errors import ParameterError
from zhirong.kernel.identifiers import parse_class_symbol
from zhirong.kernel.provenance import Grade
from zhirong.params import field_of, gbt42748, load, parameters_page, wipo35, wipo35_fields

DAY = date(2024, 6, 30)


def test_every_shipped_value_has_a_source_unit_and_label() -> None:
    book = load()
    assert len(book) > 40
    for path in book:
        for value in book.series(path):
            assert value.source.title
            assert value.unit
            assert value.label.zh != value.label.en
            assert not value.is_overridden


def test_a_value_is_asked_for_at_a_date_and_never_guessed() -> None:
    book = load()
    assert book.value("fees.us.maintenance", date(2025, 1, 18))[0] == [3.5, 2000]
    assert book.value("fees.us.maintenance", date(2025, 1, 19))[0] == [3.5, 2150]
    with pytest.raises(ParameterError, match="not declared for 1999-01-01; declared: 2008-10-02"):
        book.at("fees.us.maintenance", date(1999, 1, 1))
    with pytest.raises(ParameterError, match=r"did you mean: fees\.us\.maintenance"):
        book.at("fees.us.maintenence", DAY)
    assert book.at("terms.cn.design", date(2021, 5, 31)).value == 10
    assert book.at("terms.cn.design", date(2021, 6, 1)).value == 15
    assert "fees.cn.invention.annuity" in book.paths("fees.cn")
    assert book.at("fees.cn.invention.annuity", DAY).version == "fees.cn.invention.annuity@2001-03-01"


@pytest.mark.golden
def test_fee_tables_equal_the_reference() -> None:
    # Reference oracles fees.cn_invention, fees.cn_utility, fees.us_large: recalled there, and labelled so here.
    book = load()
    assert book.value("fees.cn.invention.annuity", DAY) == [
        [1, 3, 900], [4, 6, 1200], [7, 9, 2000], [10, 12, 4000], [13, 15, 6000], [16, 20, 8000],
    ]  # fmt: skip
    assert book.value("fees.cn.utility_model.annuity", DAY) == [[1, 3, 600], [4, 5, 900], [6, 8, 1200], [9, 10, 2000]]
    assert book.value("fees.us.maintenance", date(2025, 6, 1)) == [[3.5, 2150], [7.5, 4040], [11.5, 8280]]
    assert book.at("fees.cn.invention.annuity", DAY).source.grade is Grade.RECALLED


ENTRY = "label: {zh: 甲, en: a}, unit: CNY, jurisdiction: CN"


def test_a_users_file_replaces_paths_and_is_flagged(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        f"tax.cn.corporate: {{{ENTRY}, values: [{{from: 2020-01-01, value: 0.2, source: {{title: t, grade: stated}}}}]}}",
        "utf-8",
    )
    book = load(mine)
    assert book.value("tax.cn.corporate", DAY) == 0.2
    assert book.at("tax.cn.corporate", DAY).version.endswith("*")
    assert load().value("tax.cn.corporate", DAY) == 0.25


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "should be a mapping"),
        ("a: [", "not YAML"),
        ("a: 1", "mine.yaml: a: should be a mapping"),
        (f"a: {{{ENTRY}}}", "key 'values' is missing"),
        (f"a: {{{ENTRY}, values: []}}", "at least one value"),
        (f"a: {{{ENTRY}, values: [], colour: red}}", "key 'colour' is not allowed"),
        (f"a: {{{ENTRY}, values: [{{from: 2020-01-01, value: 1}}]}}", "key 'source' is missing"),
        (f"a: {{{ENTRY}, values: [{{from: soon, value: 1, source: {{title: t, grade: stated}}}}]}}", "not a date"),
        (
            f"a: {{{ENTRY}, values: [{{from: 2020-01-01, value: 1, source: {{title: t, grade: sure}}}}]}}",
            "allowed: official",
        ),
        (
            f"a: {{{ENTRY}, values: [{{from: 2020-01-01, value: 1, low: 2, high: 1, source: {{title: t, grade: stated}}}}]}}",
            "above high",
        ),
        (
            f"a: {{{ENTRY}, values: [{{from: 2020-01-01, value: 1, low: x, source: {{title: t, grade: stated}}}}]}}",
            "not a number",
        ),
        (
            f"a: {{{ENTRY}, values: [{{from: 2020-01-01, value: 1, source: &s {{title: t, grade: stated}}}}, "
            "{from: 2019-01-01, value: 1, source: *s}]}",
            "must rise",
        ),
        (
            f"a: {{{ENTRY}, values: [{{from: 2020-01-01, to: 2019-01-01, value: 1, source: {{title: t, grade: stated}}}}]}}",
            "is before",
        ),
    ],
)
def test_a_malformed_file_is_refused_by_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(text, "utf-8")
    with pytest.raises(ParameterError, match=message):
        load(mine)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("symbol", "field"),
    [("H04N 7/00", 2), ("H04N 1/00", 3), ("H04N 21/00", 4), ("G01N 33/00", 11), ("G01N 21/00", 10), ("A61K 8/00", 14),
     ("A61K 31/00", 16), ("B01D 53/00", 24), ("B01D 15/00", 23), ("C13B 10/00", 18), ("E01F 8/00", 24), ("G06Q 10/00", 7)],
)  # fmt: skip
def test_fields_of_classes_equal_the_concordance(symbol: str, field: int) -> None:
    # Reference oracles wipo35.*: a public 2019-vintage copy of the WIPO concordance.
    assert field_of(parse_class_symbol(symbol)) == field


def test_facts_are_whole() -> None:
    assert set(wipo35()["field"].to_pylist()) == set(range(1, 36))
    assert wipo35_fields().num_rows == 35
    assert field_of(parse_class_symbol("A99A")) is None
    items = gbt42748()
    assert len(items) == 27
    assert len({i["level2"] for i in items}) == 14
    assert [sum(i["level1"] == level for i in items) for level in ("legal", "technical", "economic")] == [7, 10, 10]


def test_the_page_shows_every_path() -> None:
    page = parameters_page()
    assert all(f"`{path}`" in page for path in load())
