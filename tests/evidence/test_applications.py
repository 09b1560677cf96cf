"""Application numbers in comparable form: spellings of one application meet, different ones never do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhirong.evidence.applications import application_key
from zhirong.kernel.identifiers import cn_application_number


@pytest.mark.parametrize(
    ("key", "spellings"),
    [
        ("CN200310102344.5", ["CN200310102344.5", "CN 200310102344 A", "CN-200310102344-A", "ZL200310102344.5",
                              "CN2003101023445"]),
        ("US16523162", ["US16523162", "16/523,162", "US-16523162-A", "US201916523162"]),
        ("US62829858", ["62/829,858", "US-201962829858-P"]),
        ("PCTUS2021041988", ["PCT/US2021/041988", "PCT/US2021/41988", "US-2021041988-W"]),
        ("PCTUS1998012345", ["PCT/US98/12345", "WO-PCT/US1998/012345"]),
        ("EP99203729", ["EP19990203729", "EP 99203729 A", "EP-99203729-A"]),
        ("JP2004123456", ["JP2004-123456", "JP 2004123456 A"]),
    ],
)  # fmt: skip
def test_spellings_of_one_application_meet(key: str, spellings: list[str]) -> None:
    office = key[:2] if not key.startswith("PCT") else None
    assert {application_key(text.replace("ZL", "CN"), office=office) for text in spellings} == {key}


@pytest.mark.parametrize("text", [None, "", "  ", "none", "12/345,678"])
def test_what_names_no_application_is_unknown(text: str | None) -> None:
    assert application_key(text) is None


def test_a_check_digit_that_does_not_fit_is_not_mended() -> None:
    assert application_key("CN200310102344.4") == "CN2003101023444"


def test_an_international_application_needs_its_mark() -> None:
    assert application_key("US2021041988") == "US2021041988", "ten digits of a national number"
    assert application_key("US2021041988", office="WO") == "PCTUS2021041988"


@given(st.from_regex(r"20[0-2][0-9][123][0-9]{7}", fullmatch=True))
def test_a_chinese_number_ends_in_its_check_digit(digits: str) -> None:
    due = cn_application_number(digits)
    assert application_key(digits, office="CN") == application_key(f"CN{digits}A") == application_key(due) == due


@given(st.integers(1, 10**8 - 1), st.integers(1, 10**8 - 1))
def test_different_numbers_stay_different(a: int, b: int) -> None:
    assert (application_key(f"{a:08d}", office="US") == application_key(f"{b:08d}", office="US")) == (a == b)
