"""Families computed on import: by hand, against a naive union, idempotent, and giving way to stated ones."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_importing import JsonRows, patent, rows_file, table

from zhirong.evidence import formats, importing
from zhirong.evidence.own_families import SOURCE_ID, own_families
from zhirong.tables import CANONICAL, Engine, Store, conform, connect


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "READERS", {**formats.READERS, "test-rows": JsonRows()})


def priority(patent_id: str, number: str, kind: str = "paris") -> dict:
    return {"table": "priorities", "patent_id": patent_id, "application_number": number, "kind": kind}


def member(family_id: str, member_id: str) -> dict:
    return {"table": "families", "family_id": family_id, "member_id": member_id, "office": member_id[:2],
            "family_kind": "docdb"}  # fmt: skip


def groups(store: Path, source: str | None = SOURCE_ID) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in table(store, "families"):
        if source is None or row["source_id"] == source:
            found.setdefault(row["family_id"], set()).add(row["member_id"])
    return found


def family_of(store: Path) -> dict[str, str | None]:
    return {row["patent_id"]: row["family_id"] for row in table(store, "patents")}


WORLD = [
    patent("CN100", application_number="CN201310123456.2"),
    patent("US1", application_number="US14000001"),
    patent("US2", application_number="US15000002"),
    patent("US3", application_number="US15000003"),
    patent("EP9", application_number="EP14123456"),
    patent("JP7"),
    patent("US8", family_id="docdb:5"),
    priority("US1", "CN201310123456"),
    priority("US2", "US14000001", "continuation"),
    priority("US3", "US14000001", "continuation_in_part"),
    priority("EP9", "CN 201310123456 A"),
    priority("JP7", "CN201310123456"),
    priority("JP7", "KR20130001"),
    priority("US8", "CN201310123456"),
    member("docdb:5", "US8"),
]


def test_families_by_hand_and_a_second_import_changes_nothing(tmp_path: Path) -> None:
    store = tmp_path / "store"
    file = rows_file(tmp_path / "a.jsonl", *WORLD)
    importing.import_files("test-rows", [file], store)
    # JP7 claims one application more, US3 has matter of its own, US8 has a family of its source.
    assert groups(store) == {"own:CN100": {"CN100", "US1", "US2", "EP9"}}
    assert family_of(store) == {
        "CN100": "own:CN100", "EP9": "own:CN100", "JP7": None, "US1": "own:CN100", "US2": "own:CN100", "US3": None,
        "US8": "docdb:5",
    }  # fmt: skip
    (record,) = [s for s in Store.open(store).manifest.sources if s.source_id == SOURCE_ID]
    assert (record.format, record.rows_read) == ("computed", 7)
    before = Store.open(store).fingerprints()
    importing.import_files("test-rows", [file], store)
    assert Store.open(store).fingerprints() == before
    assert len(Store.open(store).manifest.sources) == 2


def test_a_stated_family_takes_its_patent_out_and_a_vanished_claim_ends_the_family(tmp_path: Path) -> None:
    store = tmp_path / "store"
    first = rows_file(tmp_path / "a.jsonl", *[row for row in WORLD if row["table"] != "priorities"])
    claims = rows_file(tmp_path / "b.jsonl", *[row for row in WORLD if row["table"] == "priorities"])
    importing.import_files("test-rows", [first, claims], store)
    stated = rows_file(tmp_path / "c.jsonl", patent("CN100", family_id="docdb:6"), member("docdb:6", "EP9"))
    importing.import_files("test-rows", [stated], store)
    assert groups(store) == {"own:US1": {"US1", "US2"}}
    found = family_of(store)
    assert (found["CN100"], found["EP9"], found["US1"], found["US2"]) == ("docdb:6", None, "own:US1", "own:US1")
    more = rows_file(tmp_path / "d.jsonl", patent("US1", family_id="docdb:7"))
    importing.import_files("test-rows", [more], store)
    assert groups(store) == {}
    assert groups(store, None) == {"docdb:5": {"US8"}, "docdb:6": {"EP9"}}
    assert family_of(store)["US2"] is None
    assert SOURCE_ID not in {source.source_id for source in Store.open(store).manifest.sources}


def test_without_priorities_no_table_is_made(tmp_path: Path) -> None:
    importing.import_files("test-rows", [rows_file(tmp_path / "a.jsonl", patent("US1"))], tmp_path / "store")
    assert set(Store.open(tmp_path / "store").manifest.tables) == {"patents"}


def test_priorities_follow_the_grant_that_absorbs_an_application(tmp_path: Path) -> None:
    store = tmp_path / "store"
    rows = [
        patent("US20010000001", application_number="US09000001", publication_date="2001-01-04"),
        priority("US20010000001", "DE1"),
        patent("US6000001", application_number="US09000001", grant_date="2003-01-07"),
        patent("EP1"), priority("EP1", "DE1"),
    ]  # fmt: skip
    importing.import_files("test-rows", [rows_file(tmp_path / "a.jsonl", *rows)], store)
    assert {row["patent_id"] for row in table(store, "priorities")} == {"EP1", "US6000001"}
    assert groups(store) == {"own:EP1": {"EP1", "US6000001"}}


def test_a_store_written_before_the_columns_keeps_working(tmp_path: Path) -> None:
    store = tmp_path / "store"
    importing.import_files("test-rows", [rows_file(tmp_path / "a.jsonl", patent("US1", claim_count=4))], store)
    old = pq.read_table(store / "patents.parquet").drop_columns(["term_extension_days"])
    pq.write_table(old, store / "patents.parquet")
    with connect("duckdb") as engine:
        (row,) = engine.to_arrow(Store.open(store).read(engine, "patents")).to_pylist()
    assert (row["claim_count"], row["term_extension_days"]) == (4, None)
    importing.import_files("test-rows", [rows_file(tmp_path / "b.jsonl", patent("US1", term_extension_days=0))], store)
    (row,) = table(store, "patents")
    assert (row["claim_count"], row["term_extension_days"]) == (4, 0)


IDS = [f"US{i}" for i in range(7)]


@pytest.fixture(scope="module")
def engine() -> Engine:
    with connect("duckdb") as opened:
        yield opened


@settings(max_examples=40, deadline=None)
@given(
    ties=st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from(["DE1", "DE2", "US100", "US101"])), unique=True),
    covered=st.sets(st.sampled_from(IDS)),
)
def test_against_a_naive_union(engine: Engine, ties: list[tuple[str, str]], covered: set[str]) -> None:
    patents = [
        {"patent_id": i, "office": "US", "application_number": f"US{100 + n}", "source_id": "s",
         "family_id": "docdb:1" if i in covered else None}
        for n, i in enumerate(IDS)
    ]  # fmt: skip
    claims = [{"patent_id": p, "application_number": a, "source_id": "s"} for p, a in ties]
    made = {
        name: engine.facts(conform(rows, CANONICAL[name]))
        for name, rows in (("patents", patents), ("priorities", claims))
    }
    rows = own_families(engine, made["patents"], made["priorities"], None).rows
    number = {i: f"US{100 + n}" for n, i in enumerate(IDS)}

    def roots(application: str, seen: frozenset[str]) -> frozenset[str]:
        owner = next((i for i, own in number.items() if own == application), None)
        above = {a for p, a in ties if p == owner and a != application}
        if not above:
            return frozenset({application})
        return frozenset().union(*(roots(a, seen | {application}) for a in above - seen), frozenset())

    naive: dict[frozenset[str], set[str]] = {}
    ring = any(number[p] == "US100" and a == "US101" for p, a in ties) and ("US1", "US100") in ties
    if ring:
        return
    for i in IDS:
        if i not in covered:
            naive.setdefault(roots(number[i], frozenset()), set()).add(i)
    got: dict[str, set[str]] = {}
    for row in rows:
        got.setdefault(row["family_id"], set()).add(row["member_id"])
    assert sorted(map(sorted, got.values())) == sorted(sorted(g) for g in naive.values() if len(g) > 1)
    assert all(family == f"own:{min(ids)}" for family, ids in got.items())
    assert json.dumps(rows, default=str) == json.dumps(
        sorted(rows, key=lambda r: (r["family_id"], r["member_id"])), default=str
    )
