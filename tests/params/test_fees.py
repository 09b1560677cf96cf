"""Fee schedules: whole, dated without gaps, sourced, and equal to amounts that were read in a source."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest

from zhirong.kernel.provenance import Grade
from zhirong.numerics.renewal import fee_schedule
from zhirong.params import load
from zhirong.valuation.renewals import annuity_fees

OFFICES = ("cn", "ep", "de", "jp", "kr")


def test_every_office_has_a_schedule_whose_dates_join_and_whose_fees_do_not_fall() -> None:
    book = load()
    for path in [f"fees.{office}.invention.annuity" for office in OFFICES] + ["fees.us.maintenance"]:
        series = book.series(path)
        for earlier, later in itertools.pairwise(series):
            assert earlier.effective_to == later.effective_from - timedelta(days=1), path
        assert series[-1].effective_to is None
        for parameter in series:
            fees = [row[1] if path.endswith("maintenance") else row[2] for row in parameter.value]
            assert fees == sorted(fees), path
            if path.endswith("annuity"):
                for (_, last, *_), (first, *_) in itertools.pairwise(parameter.value):
                    assert first == last + 1
                assert parameter.value[-1][1] == 20


@pytest.mark.golden
def test_amounts_read_in_the_sources() -> None:
    book, day = load(), date(2025, 6, 30)
    # EPO Official Journal 2022, A77.
    assert fee_schedule(book.value("fees.de.invention.annuity", day), 20)[2:].tolist() == [
        70, 70, 100, 150, 210, 280, 350, 430, 540, 680, 830, 980, 1130, 1310, 1490, 1670, 1840, 2030,
    ]  # fmt: skip
    assert book.at("fees.de.invention.annuity", day).source.grade is Grade.OFFICIAL
    # Yuasa and Hara: 59,400 and 4,600 a claim from year 10 since April 2022; 55,400 and 4,300 before.
    assert annuity_fees(book, "JP", "invention", day, claims=5)[9] == 59_400 + 5 * 4_600
    assert annuity_fees(book, "JP", "invention", date(2022, 3, 31), claims=5)[9] == 55_400 + 5 * 4_300
    # A renewal service's example before the cut of 2023: year 4 with 11 claims, 282,000 won.
    assert annuity_fees(book, "KR", "invention", date(2023, 7, 31), claims=11)[3] == 282_000
    assert annuity_fees(book, "KR", "invention", date(2023, 8, 1), claims=11)[3] == 36_000 + 11 * 20_000
    # Valet Patent Services, before and after 1 April 2020.
    assert annuity_fees(book, "EP", "invention", date(2020, 3, 31))[[2, 9]].tolist() == [470, 1575]
    assert annuity_fees(book, "EP", "invention", date(2020, 4, 1))[[2, 9]].tolist() == [490, 1640]


def test_an_unknown_number_of_claims_is_the_typical_one_and_matters_only_where_it_is_charged() -> None:
    book, day = load(), date(2024, 6, 30)
    typical = book.value("fees.typical_claim_count", day)
    unknown, known = (annuity_fees(book, "KR", "invention", day, claims=n) for n in (None, typical))
    assert (unknown == known).all()
    plain, many = (annuity_fees(book, "CN", "invention", day, claims=n) for n in (None, 40))
    assert (plain == many).all()
