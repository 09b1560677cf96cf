"""Texts exist in both languages; numbers show no more digits than the interval bears; charts are bytes of the data."""

from __future__ import annotations

import ast
import re
import string
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from zhirong.indicators import CATALOGUE
from zhirong.kernel.errors import UnknownNameError
from zhirong.params import load
from zhirong.reports import charts
from zhirong.reports.canvas import fitted, text_width
from zhirong.reports.formats import NO_BREAK, format_date, format_number, format_percent, money_scale
from zhirong.reports.quantities import fact_value, quantity
from zhirong.reports.texts import RULES_ZH, TEXTS, say

SOURCE = Path(charts.__file__).parent


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_name_the_same_fields() -> None:
    assert len(TEXTS) > 150
    for key, text in TEXTS.items():
        assert _fields(text.zh) == _fields(text.en), key
        assert key.startswith("unit.") or re.search(r"[\u4e00-\u9fff]|^\W+\{", text.zh), key


def test_every_key_in_the_code_exists() -> None:
    keys = set()
    for path in SOURCE.glob("*.py"):
        keys |= set(re.findall(r'say\(\s*"([\w.]+)"', path.read_text("utf-8")))
    assert len(keys) > 60
    assert keys <= set(TEXTS)
    with pytest.raises(UnknownNameError, match=r"report\.title"):
        say("report.titel", "en")


@pytest.mark.parametrize(
    ("low", "high", "zh", "en"),
    [
        (412_345.0, 3_098_765.0, "41 – 310 万元", "CNY 0.41 – 3.1 million"),
        (1.2e8, 9.87e8, "1.2 – 9.9 亿元", "CNY 120 – 990 million"),
        (12_345.0, 3.0e7, "1.2 – 3,000 万元", "CNY 12,000 – CNY 30 million"),
        (812.0, 2_345.0, "810 – 2,300 元", "CNY 810 – 2,300"),
        (-4.0e6, 6.0e6, "−400 – 600 万元", "CNY −4.0 – 6.0 million"),
        (0.0, 0.0, "0 – 0 元", "CNY 0 – 0"),
    ],
)
def test_intervals_have_the_digits_that_their_width_bears(low: float, high: float, zh: str, en: str) -> None:
    for lang, expected in (("zh", zh), ("en", en)):
        scale = money_scale([low, high], "CNY", lang)  # type: ignore[arg-type]
        assert scale.interval(low, high).replace(NO_BREAK, " ") == expected


@given(st.floats(1, 1e12), st.floats(1.1, 1e4))
def test_an_amount_is_never_shown_as_zero_and_is_near(low: float, ratio: float) -> None:
    scale = money_scale([low, low * ratio], "CNY", "en")
    for amount in (low, low * ratio):
        shown = scale.money(amount).replace(NO_BREAK, " ").removeprefix("CNY ").replace(",", "")
        number, _, unit = shown.partition(" ")
        value = float(number) * {"": 1, "million": 1e6, "billion": 1e9}[unit]
        assert value == pytest.approx(amount, rel=0.06)


def test_numbers_percentages_dates_and_quantities() -> None:
    assert [format_number(x) for x in (0, 4, 1410, 5.2, 0.012345, -3.0, 1234567.8)] == [
        "0", "4", "1,410", "5.2", "0.0123", "−3", "1,230,000",
    ]  # fmt: skip
    assert format_percent(0.0523) == "5.2%"
    assert format_date(date(2024, 6, 3), "zh") == "2024年6月3日"
    assert format_date(date(2024, 6, 3), "en") == "3 June 2024"
    assert quantity(0.15, "fraction a year", "zh") == "每年 15%"
    assert quantity(None, "CNY", "en") == "unknown"
    assert quantity(1.0, "boolean", "zh") == "是"
    assert quantity(5.2e7, "CNY", "zh").replace(NO_BREAK, " ") == "5,200 万元"
    assert fact_value([1, None, "2020-01-31"], "en") == "1, unknown, 31 January 2020"
    assert fact_value({"zh": "甲", "en": "A"}, "zh") == "甲"
    assert fact_value(False, "en") == "no"


@given(st.text(max_size=80), st.integers(4, 20))
def test_fitted_text_keeps_its_width_and_lines(text: str, ems: int) -> None:
    rows = fitted(text, ems).split("\n")
    assert len(rows) <= 2
    assert all(text_width(row) <= ems + 1 for row in rows)


def test_charts_are_well_formed_equal_and_without_a_mark_for_unknown() -> None:
    rows = [charts.Strip("<b>&", None, "x"), charts.Strip("b", 40.0, "1")]

    def paint(some: list[charts.Strip]) -> str:
        return charts.strips("s", some, unknown="unknown", ends=("low", "high"), alt='a "b" <c>')

    svg = paint(rows)
    assert svg == paint(rows)
    root = etree.fromstring(svg.encode())
    texts = [t.text for t in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "unknown" in texts
    assert "<b>&" in texts
    assert "Noto Sans SC" in svg
    assert "date" not in svg
    marks = len(root.findall(".//{http://www.w3.org/2000/svg}use"))
    both = etree.fromstring(paint([charts.Strip("a", 20.0, "x"), rows[1]]).encode())
    assert len(both.findall(".//{http://www.w3.org/2000/svg}use")) == marks + 1


def test_radar_with_every_axis_unknown_and_fan_of_one_year_are_drawn() -> None:
    axes = [charts.RadarAxis(name, None) for name in "abc"]
    assert charts.radar("r", axes, unknown="unknown", alt="x").count("unknown") == 3
    scale = money_scale([0.0, 5.0], "CNY", "en")
    fan = charts.fan("f", [1.0], {0.05: [1.0], 0.5: [2.0], 0.95: [5.0]}, scale=scale, labels=("x", "y", {}), alt="x")
    assert fan.startswith("<svg")


ROOT = Path(__file__).resolve().parents[2]


def _rules_in_code() -> set[str]:
    """Every dotted literal of the readers and the valuation that belongs to a family of findings."""
    families = {rule.split(".")[0] for rule in RULES_ZH}
    names = set()
    for folder in ("evidence", "valuation"):
        for path in (ROOT / "src" / "zhirong" / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and node.args:
                    texts = [a.value for a in node.args[:2] if isinstance(a, ast.Constant) and isinstance(a.value, str)]
                    names |= {t for t in texts if re.fullmatch(r"[a-z_]+\.[a-z_]+", t) and t.split(".")[0] in families}
    return names - {"valuation.weights"}


def test_every_rule_of_a_finding_has_a_chinese_meaning() -> None:
    rules = {rule for rule in _rules_in_code() if rule not in load() and rule not in CATALOGUE}
    assert len(rules) > 60
    assert not rules - RULES_ZH.keys()
    assert all(re.search(r"[\u4e00-\u9fff]", text) for text in RULES_ZH.values())
