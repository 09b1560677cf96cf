"""Families computed on a store, for patents that no source gives one: from stated priorities and continuity.

The rows are computed anew whenever patents, priorities or families change, carry the source `zhirong:families`, and give way
as soon as a source states a family. A patent that a source covers is never regrouped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import ibis

from zhirong.evidence.applications import application_key
from zhirong.evidence.families import build_families
from zhirong.kernel.provenance import fingerprint
from zhirong.tables import Engine, SourceRecord

__all__ = ["SOURCE_ID", "OwnFamilies", "own_families", "source_record"]

SOURCE_ID = "zhirong:families"
VERSION = "1"
_PATENT_COLUMNS = (
    "patent_id", "office", "application_number", "kind_code", "filing_date", "publication_date", "grant_date",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class OwnFamilies:
    """Computed families.

    Parameters
    ----------
    rows : list of dict
        Rows of `families` with their source, ordered by family and member.
    tie_count : int
        Ties that were looked at.
    """

    rows: list[dict[str, Any]]
    tie_count: int


def own_families(
    engine: Engine, patents: ibis.Table, priorities: ibis.Table, families: ibis.Table | None
) -> OwnFamilies:
    """Compute the families of the patents that no source covers.

    Parameters
    ----------
    engine : Engine
        Local engine.
    patents, priorities : ibis.Table
        Merged tables.
    families : ibis.Table or None
        Merged table; its rows of the source `zhirong:families` are ignored.

    Returns
    -------
    OwnFamilies
        Families of two or more uncovered members. Ties of covered patents are followed too, so that a chain does not
        break at one of them.

    Notes
    -----
    Simple families by the DOCDB rule (see `build_families`). A continuation in part discloses matter of its own, which
    counts as one more earliest application, so it is not in the family of its parent.
    Memory grows with the patents that have ties, not with the store.
    """
    tied = priorities.select("patent_id", "application_number", "kind")
    ties = [(r["patent_id"], application_key(r["application_number"]) or r["application_number"], r["kind"])
            for r in _rows(engine, tied)]  # fmt: skip
    if not ties:
        return OwnFamilies([], 0)
    claiming, claimed = {patent for patent, _, _ in ties}, {number for _, number, _ in ties}
    known = {row["patent_id"]: row for row in _concerned(engine, patents, claiming, claimed)}
    covered = _covered(engine, patents, families)
    found = build_families(known.values(), _ties(ties, known))
    return OwnFamilies(list(_uncovered(found, covered)), len(ties))


def source_record(found: OwnFamilies) -> SourceRecord:
    """Return the source record of computed families."""
    return SourceRecord(
        source_id=SOURCE_ID, file="computed from stated priorities", byte_count=0, format="computed",
        sha256=fingerprint([[row["family_id"], row["member_id"]] for row in found.rows]), reader_version=VERSION,
        rows_read=found.tie_count, rows_refused=0,
    )  # fmt: skip


def _rows(engine: Engine, table: ibis.Table) -> Iterator[Mapping[str, Any]]:
    for batch in engine.batches(table):
        yield from batch.to_pylist()


def _concerned(engine: Engine, patents: ibis.Table, claiming: set[str], claimed: set[str]) -> Iterator[dict[str, Any]]:
    """Yield the patents that claim, and those whose application is claimed, with their number in comparable form."""
    for row in _rows(engine, patents.select(*_PATENT_COLUMNS)):
        key = application_key(row["application_number"], office=row["office"])
        if row["patent_id"] in claiming or key in claimed:
            yield {**row, "application_number": key}


def _ties(ties: Iterable[tuple[str, str, str | None]], known: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str]]:
    made = []
    for patent, number, kind in ties:
        if patent in known:
            made.append((patent, number))
            if kind == "continuation_in_part":
                made.append((patent, f"new matter of {known[patent]['application_number'] or patent}"))
    return made


def _covered(engine: Engine, patents: ibis.Table, families: ibis.Table | None) -> set[str]:
    """Return the patents with a family stated by a source."""
    stated = patents.filter(patents.family_id.notnull())
    if families is None:
        return {row["patent_id"] for row in _rows(engine, stated.select("patent_id"))}
    computed = families.filter(families.source_id == SOURCE_ID).select(family_id="family_id").distinct()
    listed = families.filter(families.source_id != SOURCE_ID).select(patent_id="member_id").distinct()
    both = stated.anti_join(computed, "family_id").select("patent_id").union(listed, distinct=True)
    return {row["patent_id"] for row in _rows(engine, both)}


def _uncovered(rows: Iterable[Mapping[str, Any]], covered: set[str]) -> Iterator[dict[str, Any]]:
    members: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["member_id"] not in covered:
            members.setdefault(row["family_id"], []).append(row)
    named = {f"own:{group[0]['member_id']}": group for group in members.values() if len(group) > 1}
    for family_id in sorted(named):
        for row in named[family_id]:
            yield {**row, "family_id": family_id, "source_id": SOURCE_ID}
