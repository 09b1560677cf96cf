"""Numbers in every spelling lead to one patent; several are listed, unknown ones named with close ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from zhirong.evidence.resolving import resolve_patent, resolve_patents
from zhirong.kernel.errors import DomainError, UnknownNameError
from zhirong.tables import Rewrite, Store

ROWS = [
    {"patent_id": "CN101234567", "office": "CN", "publication_number": "CN101234567B",
     "application_number": "CN200310102344.5", "earlier_publication_id": "CN101000001"},
    {"patent_id": "CN201310123456.2", "office": "CN", "application_number": "CN201310123456.2"},
    {"patent_id": "US7272630", "office": "US", "publication_number": "US7272630B2", "application_number": "US10123456"},
    {"patent_id": "EP7272630", "office": "EP", "publication_number": "EP7272630A1"},
    {"patent_id": "JPH0512345", "office": "JP"},
    {"patent_id": "odd id-1", "office": "US"},
]  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    path = tmp_path_factory.mktemp("resolving") / "store"
    with Rewrite.begin(path) as new, new.sink("patents") as sink:
        sink.write_rows([row | {"source_id": "s"} for row in sorted(ROWS, key=lambda r: r["patent_id"])])
    return Store.open(path)


@pytest.mark.parametrize(
    ("patent", "spellings"),
    [
        ("CN101234567", ["CN101234567", "CN101234567B", "cn 101234567 b", "CN101234567A", "CN101000001A",
                         "CN200310102344.5", "CN2003101023445", "200310102344.5", "2003101023445", "200310102344",
                         "ZL200310102344.5", "ZL 2003 1 0102344.5", "CNZL200310102344.5"]),
        ("CN201310123456.2", ["CN201310123456.2", "CN2013101234562", "ZL201310123456.2", "201310123456", " 2013101234562 "]),
        ("US7272630", ["US7272630", "US 7,272,630 B2", "US-7272630-B2", "US07272630", "US10/123,456"]),
        ("EP7272630", ["EP7272630", "EP7272630A1"]),
        ("JPH0512345", ["JPH0512345", "jp h05-12345"]),
        ("odd id-1", ["odd id-1", "ODD ID-1"]),
    ],
)  # fmt: skip
def test_every_spelling_names_the_patent(store: Store, patent: str, spellings: list[str]) -> None:
    assert {spelling: resolve_patent(store, spelling) for spelling in spellings} == dict.fromkeys(spellings, patent)
    assert resolve_patents(store, spellings) == dict.fromkeys(spellings, patent)


def test_a_number_of_two_offices_is_ambiguous(store: Store) -> None:
    with pytest.raises(DomainError, match=r"'7272630' names 2 patents: EP7272630, US7272630"):
        resolve_patent(store, "7272630")


def test_an_unknown_number_names_close_ones(store: Store) -> None:
    with pytest.raises(UnknownNameError, match="CN101234567"):
        resolve_patent(store, "CN101234568")
    with pytest.raises(UnknownNameError, match="US7272630"):
        resolve_patent(store, "US7272631")
    with pytest.raises(UnknownNameError):
        resolve_patent(store, "  ")


def test_a_wrong_check_digit_names_no_other_application(store: Store) -> None:
    with pytest.raises(UnknownNameError):
        resolve_patent(store, "CN201310123456.7")


def test_callers_that_refuse_one_by_one_get_unknown_numbers_back(store: Store) -> None:
    asked = ["US7272630B2", "US1", "US7272630"]
    assert list(resolve_patents(store, asked, unknown_pass=True).values()) == ["US7272630", "US1", "US7272630"]


def test_an_empty_store_knows_nothing(tmp_path: Path) -> None:
    with Rewrite.begin(tmp_path / "s"):
        pass
    with pytest.raises(UnknownNameError):
        resolve_patent(Store.open(tmp_path / "s"), "US1")
