"""The kernel: money, dates, identifiers, errors, findings, provenance, text."""

from __future__ import annotations

import calendar
import math
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhirong.kernel import errors
from zhirong.kernel.dates import DayCount, add_months, add_years, parse_date, whole_years, year_fraction
from zhirong.kernel.errors import (
    DomainError,
    IdentifierError,
    MissingExtraError,
    UnknownNameError,
    ZhirongError,
    suggest,
)
from zhirong.kernel.findings import Finding, FindingLog, Severity
from zhirong.kernel.identifiers import (
    PatentNumber,
    RightType,
    cn_application_number,
    cn_check_digit,
    cn_right_type,
    parse_class_symbol,
    parse_patent_number,
)
from zhirong.kernel.money import CURRENCIES, Money, Rounding
from zhirong.kernel.provenance import Grade, Provenance, Source, canonical_json, fingerprint, fingerprint_file
from zhirong.kernel.text import Bilingual, casefold_nfkc, detect_language

days = st.dates(date(1900, 1, 1), date(2100, 12, 31))


# money


@given(st.integers(-(10**15), 10**15), st.lists(st.integers(0, 50), min_size=1, max_size=8).filter(any))
def test_a_split_loses_nothing_and_is_fair(minor: int, weights: list[int]) -> None:
    shares = Money(minor, "CNY").split(weights)
    assert sum(s.minor for s in shares) == minor
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share.minor - minor * weight / sum(weights)) < 1


def test_money_is_exact_and_says_its_currency() -> None:
    assert Money.of("0.10", "CNY") + Money.of("0.20", "CNY") == Money.of("0.30", "CNY")
    assert Money.of(5, "JPY").minor == 5
    assert str(Money.of("1234567.5", "USD")) == "1,234,567.50 USD"
    assert (Money.of("3", "CNY") - Money.of("5", "CNY")).minor == -200
    assert -Money(3, "CNY") == Money(-3, "CNY")
    assert 3 * Money(2, "CNY") == Money(6, "CNY")
    assert Money(1, "CNY") < Money(2, "CNY") <= Money(2, "CNY")
    assert Money(-5, "CNY").split([1, 1])[0].minor == -2


def test_rounding_is_named() -> None:
    assert Money.from_float(0.125, "USD").minor == 12
    assert Money.from_float(0.125, "USD", rounding=Rounding.HALF_UP).minor == 13
    assert Money.from_float(0.129, "USD", rounding=Rounding.DOWN).minor == 12
    assert Money(101, "CNY").scaled("0.5").minor == 50
    assert Money(101, "CNY").scaled(Decimal("0.5"), rounding=Rounding.HALF_UP).minor == 51
    assert Money.of("12.34", "CNY").to_float() == 12.34


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Money(1.5, "CNY"), lambda: Money(True, "CNY"), lambda: Money.of("0.001", "CNY"), lambda: Money.of("x", "CNY"),
        lambda: Money.from_float(math.nan, "CNY"), lambda: Money.from_float(math.inf, "CNY"), lambda: Money.of("NaN", "CNY"),
        lambda: Money(1, "CNY") + Money(1, "USD"), lambda: Money(1, "CNY") < Money(1, "USD"), lambda: Money(1, "CNY") * 1.5,
        lambda: Money(1, "CNY").split([]), lambda: Money(1, "CNY").split([-1, 2]), lambda: Money(1, "CNY").split([0]),
    ],
)  # fmt: skip
def test_impossible_money_is_refused(wrong) -> None:
    with pytest.raises(DomainError):
        wrong()


def test_unknown_currencies_suggest_close_ones() -> None:
    with pytest.raises(UnknownNameError, match="CNY"):
        Money(1, "CNX")
    assert CURRENCIES["BHD"] == 3


# dates


@given(days, days)
def test_whole_years_equal_a_count_of_anniversaries(a: date, b: date) -> None:
    start, end = min(a, b), max(a, b)
    count = 0
    while add_years(start, count + 1) <= end:
        count += 1
    assert whole_years(start, end) == count
    assert whole_years(end, start) == -count


@given(days, st.integers(-600, 600))
def test_months_keep_the_day_where_it_exists(day: date, months: int) -> None:
    moved = add_months(day, months)
    assert (moved.year * 12 + moved.month) - (day.year * 12 + day.month) == months
    assert moved.day == min(day.day, calendar.monthrange(moved.year, moved.month)[1])


def test_leap_days_complete_years_on_the_28th() -> None:
    assert whole_years(date(2000, 2, 29), date(2001, 2, 28)) == 1
    assert whole_years(date(2000, 2, 29), date(2004, 2, 28)) == 3
    assert whole_years(date(2019, 12, 31), date(2020, 2, 29)) == 0


@pytest.mark.parametrize(
    "text", ["2024-03-01", "2024/3/1", "2024.03.01", "20240301", "2024年3月1日", " 2024-03-01T10:00:00 "]
)
def test_office_forms_of_dates_are_read(text: str) -> None:
    assert parse_date(text) == date(2024, 3, 1)


def test_blank_and_zero_dates_are_unknown_and_wrong_ones_refused() -> None:
    assert [parse_date(t) for t in ("", " ", "0", "-", "00000000", "0000-00-00")] == [None] * 6
    assert parse_date("20101100", default_day=1) == date(2010, 11, 1)
    assert parse_date("20100000", default_day=1) == date(2010, 1, 1)
    for text in ("20101100", "2024-13-01", "2024-02-30", "yesterday", "01/02/2024"):
        with pytest.raises(DomainError, match="not a date"):
            parse_date(text)


@pytest.mark.golden
def test_day_counts_equal_published_examples() -> None:
    # ISDA memorandum "EMU and market conventions" (1998), section 4: 1 Nov 2003 to 1 May 2004, actual/actual (ISDA) 61/365 + 121/366.
    start, end = date(2003, 11, 1), date(2004, 5, 1)
    assert year_fraction(start, end, DayCount.ACT_ACT) == pytest.approx(61 / 365 + 121 / 366, abs=1e-12)
    assert year_fraction(start, end, DayCount.ACT_365F) == 182 / 365
    assert year_fraction(start, end, DayCount.ACT_360) == 182 / 360
    assert year_fraction(date(2007, 1, 31), date(2007, 3, 31), DayCount.THIRTY_360) == 60 / 360
    assert year_fraction(date(2007, 1, 30), date(2007, 3, 31), DayCount.THIRTY_E_360) == 60 / 360
    assert year_fraction(date(2007, 1, 15), date(2007, 3, 31), DayCount.THIRTY_360) == 76 / 360
    with pytest.raises(DomainError, match="before start"):
        year_fraction(end, start)


@given(days, st.integers(0, 4000))
def test_actual_actual_adds_up(start: date, span: int) -> None:
    end = start + timedelta(days=span)
    middle = start + timedelta(days=span // 2)
    whole = year_fraction(start, end, DayCount.ACT_ACT)
    parts = year_fraction(start, middle, DayCount.ACT_ACT) + year_fraction(middle, end, DayCount.ACT_ACT)
    assert whole == pytest.approx(parts, abs=1e-12)


# identifiers


@pytest.mark.parametrize(
    ("text", "patent_id", "right"),
    [
        ("US 7,272,630 B2", "US7272630", RightType.INVENTION), ("US-7272630-B2", "US7272630", RightType.INVENTION),
        ("US07272630", "US7272630", RightType.INVENTION), ("USD0435854", "USD435854", RightType.DESIGN),
        ("US-2005004437-A1", "US20050004437", RightType.INVENTION), ("US2005/0004437 A1", "US20050004437", RightType.INVENTION),
        ("USRE039123E1", "USRE39123", RightType.REISSUE), ("USPP012345P2", "USPP12345", RightType.PLANT),
        ("CN101234567B", "CN101234567", RightType.INVENTION), ("CN201234567U", "CN201234567", RightType.UTILITY_MODEL),
        ("CN-301234567-S", "CN301234567", RightType.DESIGN), ("EP 1 234 567 B1", "EP1234567", RightType.INVENTION),
        ("WO2005/012345A1", "WO2005012345", RightType.INVENTION), ("JPH0512345A", "JPH05012345", RightType.INVENTION),
        ("JP2005123456A", "JP2005123456", RightType.INVENTION), ("DE20201234567U1", "DE20201234567", RightType.UTILITY_MODEL),
        ("USH001234H", "USH1234", RightType.OTHER),
    ],
)  # fmt: skip
def test_numbers_in_their_usual_spellings(text: str, patent_id: str, right: RightType) -> None:
    number = parse_patent_number(text)
    assert number.patent_id == patent_id
    assert number.right_type is right
    assert parse_patent_number(number.publication_number).patent_id == patent_id, "the canonical form reads back"


def test_numbers_take_the_office_of_the_file_and_refuse_what_is_none() -> None:
    assert parse_patent_number("7272630", office="US", kind="B2") == PatentNumber("US", "7272630", "B2")
    for wrong in ("7272630", "US", "US000", "USABC", "hello world", "US12345678901234567"):
        with pytest.raises(IdentifierError):
            parse_patent_number(wrong)


@pytest.mark.golden
def test_chinese_check_digit() -> None:
    # ZC 0006-2003, annex: 200310102344 has the check digit 5.
    assert cn_check_digit("200310102344") == "5"
    assert cn_application_number("ZL 200310102344.5") == "CN200310102344.5"
    assert cn_application_number("CN2003101023445") == "CN200310102344.5"
    assert cn_application_number("200310102344") == "CN200310102344.5"


@given(st.from_regex(r"\A(19|20)[0-9]{2}[12389][0-9]{7}\Z"), st.integers(0, 11), st.integers(1, 9))
def test_one_wrong_digit_is_always_caught(digits: str, place: int, shift: int) -> None:
    whole = f"{digits}.{cn_check_digit(digits)}"
    assert cn_application_number(whole) == f"CN{whole}"
    assert cn_right_type(f"CN{whole}") in RightType
    if place != 4:
        wrong = digits[:place] + str((int(digits[place]) + shift) % 10) + digits[place + 1 :]
        with pytest.raises(IdentifierError, match="check digit"):
            cn_application_number(f"{wrong}.{cn_check_digit(digits)}")


@pytest.mark.parametrize("text", ["US١٢٣٤٥٦٧", "EP๑๒๓๔๕๖", "CN19001000000٠", "JPH٠١٢٣٤٥٦"])
def test_digits_of_other_scripts_are_no_patent_number(text: str) -> None:
    with pytest.raises(IdentifierError):
        parse_patent_number(text)


def test_wrong_chinese_numbers_name_what_is_wrong() -> None:
    with pytest.raises(IdentifierError, match="kind digit 5"):
        cn_application_number("200350102344")
    with pytest.raises(IdentifierError, match="12 or 8 digits"):
        cn_application_number("2003")
    with pytest.raises(IdentifierError, match="8 or 12"):
        cn_check_digit("123")
    assert cn_right_type("CN200320102344.X") is RightType.UTILITY_MODEL
    assert cn_right_type(cn_application_number("03123456")) is RightType.INVENTION


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("H04L 9/32", "H04L9/32"), ("H04L0009320000", "H04L9/32"), ("A01B0001020000", "A01B1/02"), ("h04l", "H04L"),
        ("G06F017/60", "G06F17/60"), ("H04L 9/32 (2006.01) I", "H04L9/32"), ("Y02E10/50", "Y02E10/50"), ("A01B0001000000", "A01B1/00"),
    ],
)  # fmt: skip
def test_class_symbols(text: str, symbol: str) -> None:
    assert str(parse_class_symbol(text)) == symbol


def test_other_things_are_no_class_symbols() -> None:
    for wrong in ("", "H04", "Z99Z1/00", "H04L9", "9/32"):
        with pytest.raises(IdentifierError):
            parse_class_symbol(wrong)


# errors, findings, provenance, text


def test_every_error_has_a_code_of_its_own_and_a_builtin_parent() -> None:
    leaves = [getattr(errors, name) for name in errors.__all__ if name not in ("ZhirongError", "suggest")]
    assert len({leaf.code for leaf in leaves}) == len(leaves)
    for leaf in leaves:
        assert issubclass(leaf, ZhirongError)
        assert any(base.__module__ == "builtins" and base is not Exception for base in leaf.__mro__[1:-3])


def test_messages_suggest() -> None:
    assert (
        str(UnknownNameError("table", "claim", ["claims", "deals"])) == "no table named 'claim'; did you mean: claims?"
    )
    assert suggest("zzz", ["a", "b"]) == "; known: a, b"
    assert suggest("zzz", [f"name{i}" for i in range(30)]) == ""
    assert "zhirong[spark]" in str(MissingExtraError("pyspark", "spark"))


def test_findings_are_counted_for_ever_and_kept_up_to_a_limit() -> None:
    log = FindingLog(keep_per_rule=2)
    log.extend(Finding("a.b", Severity.WARNING, "f.csv", "odd", row=i, field="x", value="v" * 500) for i in range(1, 6))
    log.add(Finding("c.d", Severity.ERROR, "f.csv", "bad"))
    assert (len(log), len(list(log))) == (6, 3)
    assert log.count(rule="a.b") == 5
    assert log.count(severity=Severity.ERROR) == 1
    assert log.summary()[0] == {"source": "f.csv", "rule": "a.b", "severity": "warning", "count": 5}
    first = next(iter(log))
    assert len(first.value or "") == 120
    assert str(first).startswith("warning: f.csv, row 1, field x: odd (value 'v")
    assert first.as_dict()["severity"] == "warning"


def test_equal_values_have_equal_fingerprints(tmp_path: Path) -> None:
    source = Source("Law", Grade.OFFICIAL, dated=date(2024, 1, 1))
    assert canonical_json({"b": 1, "a": date(2024, 1, 2)}) == '{"a":"2024-01-02","b":1}'
    assert fingerprint({"a": 1, "b": source}) == fingerprint({"b": source, "a": 1})
    assert fingerprint(1) != fingerprint("1")
    with pytest.raises(ValueError, match="Out of range"):
        canonical_json(math.nan)
    with pytest.raises(TypeError):
        canonical_json(object())
    file = tmp_path / "f"
    file.write_bytes(b"abc")
    assert fingerprint_file(file) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    record = Provenance("0.1.0", date(2024, 1, 1), data={"b": "2", "a": "1"}, seed=3)
    assert list(record.as_dict()["data"]) == ["a", "b"]
    assert len(record.fingerprint()) == 64


def test_text_in_two_languages() -> None:
    pair = Bilingual("专利", "patent")
    assert (pair.in_("zh"), pair.in_("en")) == ("专利", "patent")
    with pytest.raises(AssertionError):
        Bilingual("", "patent")
    assert casefold_nfkc("  ＡＢＣ　Straße ") == "abc strasse"
    assert [detect_language(t) for t in ("一种device", "a device", "", "123")] == ["zh", "en", "en", "en"]
