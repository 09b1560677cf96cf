"""Merging new rows into a store, and making one patent of an application and its grant.

Everything is one Ibis expression per table on the local engine, so that a store of a hundred million citations merges in
bounded memory. Rules:

- rows of a source that is imported again are dropped first, save in `patents` and `parties`, whose rows gather facts from
  several sources;
- `patents`, `priorities`, `families`, `citations`, `classifications`: rows of one key become one; for each column the latest import that
  knows the value wins, so a sparse source never blanks what a fuller one said;
- every other table: the latest import of a key wins as a whole row;
- `publication_date` is the earliest known, because that is when a patent became known.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import ibis

from zhirong.evidence.staging import SEQUENCE
from zhirong.tables import Engine, TableSchema, completed

__all__ = ["ALIASED", "aliases_of", "contradictions", "merge_table", "repoint"]

_GATHERED = {"patents", "parties"}
_BY_COLUMN = {"patents", "priorities", "families", "citations", "classifications"}
_EARLIEST = {"publication_date", "priority_date"}
_TOLD_ONCE = ("title", "filing_date", "application_number")
"""What a source that names a patent twice should say alike."""

ALIASED: dict[str, tuple[str, ...]] = {
    "priorities": ("patent_id",),
    "classifications": ("patent_id",),
    "claims": ("patent_id",),
    "texts": ("patent_id",),
    "citations": ("citing_id", "cited_id"),
    "nonpatent_citations": ("patent_id",),
    "patent_parties": ("patent_id",),
    "legal_events": ("patent_id",),
    "assignments": ("patent_id",),
    "deals": ("patent_id",),
    "cases": ("patent_id",),
    "opinions": ("patent_id",),
}
"""Columns that hold a `patent_id` and follow it when an application and its grant become one patent."""


def merge_table(
    engine: Engine, schema: TableSchema, old: Path | None, new: Path | None, *, replaced: Collection[str]
) -> ibis.Table:
    """Return the merged rows of one table, in order of its key.

    Parameters
    ----------
    engine : Engine
        Local engine.
    schema : TableSchema
        The table.
    old, new : Path or None
        Old table file, and part file with the column `_sequence`; not both None.
    replaced : collection of str
        Sources that are imported again.

    Returns
    -------
    ibis.Table
        Columns of the schema, unique by its key, ordered by it.
    """
    branches = []
    if old is not None:
        kept = completed(engine.read(old), schema)
        if replaced and schema.name not in _GATHERED:
            kept = kept.filter(kept.source_id.notin(sorted(replaced)))
        branches.append(kept.select(*schema.names, **{SEQUENCE: ibis.literal(-1, "int64")}))
    if new is not None:
        branches.append(engine.read(new).select(*schema.names, SEQUENCE))
    assert branches, "nothing to merge"
    rows = branches[0] if len(branches) == 1 else ibis.union(*branches)
    merged = _gather(rows, schema) if schema.name in _BY_COLUMN else _latest(rows, schema)
    return merged.order_by([ibis.asc(merged[name], nulls_first=True) for name in schema.key])


def contradictions(patents: ibis.Table) -> ibis.Table:
    """Return patents of which one source says two things, before they are merged.

    Parameters
    ----------
    patents : ibis.Table
        Rows of `patents` as read, several for one patent allowed.

    Returns
    -------
    ibis.Table
        ``source_id``, ``patent_id``, ``column`` (title, filing_date or application_number), ``one`` and ``other`` as text,
        ``rows``: how often the source names the patent.
    """
    found = []
    for name in _TOLD_ONCE:
        groups = patents.group_by("source_id", "patent_id").aggregate(
            one=patents[name].min().cast("string"), other=patents[name].max().cast("string"), rows=patents.count()
        )
        differing = groups.filter(groups.one != groups.other)
        found.append(differing.mutate(column=ibis.literal(name)))
    return ibis.union(*found).order_by("source_id", "patent_id", "column")


def _latest(rows: ibis.Table, schema: TableSchema) -> ibis.Table:
    rank = ibis.row_number().over(group_by=list(schema.key), order_by=ibis.desc(rows[SEQUENCE], nulls_first=False))
    return rows.mutate(_rank=rank).filter(lambda t: t._rank == 0).select(*schema.names)


def _gather(rows: ibis.Table, schema: TableSchema) -> ibis.Table:
    columns = {}
    for name in schema.names:
        if name in schema.key:
            continue
        column = rows[name]
        columns[name] = column.min() if name in _EARLIEST else column.argmax(rows[SEQUENCE], where=column.notnull())
    return rows.group_by(list(schema.key)).aggregate(**columns).select(*schema.names)


def aliases_of(patents: ibis.Table) -> ibis.Table:
    """Return which patents are the same application, as columns `alias_id` and `keeper_id`.

    Parameters
    ----------
    patents : ibis.Table
        Merged table `patents`.

    Returns
    -------
    ibis.Table
        One row for each patent that gives way. The keeper is the granted one; of two of a kind, the later published,
        then the larger identifier. Applications without number are never joined.
    """
    known = patents.filter(patents.application_number.notnull())
    keys = ["office", "application_number"]
    order = [
        ibis.desc(known.grant_date.notnull().cast("int64"), nulls_first=False),
        ibis.desc(known.publication_date, nulls_first=False),
        ibis.desc(known.patent_id, nulls_first=False),
    ]
    ranked = known.mutate(_rank=ibis.row_number().over(group_by=keys, order_by=order))
    keepers = ranked.filter(lambda t: t._rank == 0).select(*keys, keeper_id="patent_id")
    rest = ranked.filter(lambda t: t._rank > 0).select(*keys, alias_id="patent_id")
    return rest.inner_join(keepers, keys).select("alias_id", "keeper_id")


def repoint(table: ibis.Table, schema: TableSchema, aliases: ibis.Table) -> ibis.Table:
    """Return a table in which alias identifiers are replaced by their keeper's.

    `patents` rows of an alias are folded into the keeper's row (its own values first, then the alias's), and the alias is
    remembered in `earlier_publication_id`. Claims and texts of an application give way to those of the grant. Of other rows
    that now share a key the keeper's own stays.
    """
    if schema.name == "patents":
        return _fold(table, schema, aliases)
    ours = table.mutate(_moved=ibis.literal(0, "int64"))
    for column in ALIASED[schema.name]:
        lookup = aliases.select(**{column: "alias_id", "_keeper": "keeper_id"})
        joined = ours.left_join(lookup, column)
        ours = joined.select(
            *[name for name in schema.names if name != column],
            **{
                column: ibis.coalesce(joined._keeper, joined[column]),
                "_moved": joined._moved + joined._keeper.notnull().cast("int64"),
            },
        )
    if schema.name in {"claims", "texts"}:
        own = ours.filter(ours._moved == 0).select("patent_id").distinct()
        ours = ours.filter(ours._moved == 0).union(ours.filter(ours._moved > 0).anti_join(own, "patent_id"))
    rank = ibis.row_number().over(
        group_by=list(schema.key),
        order_by=[ibis.asc(ours._moved, nulls_first=False), ibis.asc(ours.source_id, nulls_first=False)],
    )
    unique = ours.mutate(_rank=rank).filter(lambda t: t._rank == 0).select(*schema.names)
    return unique.order_by([ibis.asc(unique[name], nulls_first=True) for name in schema.key])


def _fold(patents: ibis.Table, schema: TableSchema, aliases: ibis.Table) -> ibis.Table:
    joined = patents.left_join(aliases, patents.patent_id == aliases.alias_id)
    rows = joined.select(
        *[name for name in schema.names if name not in {"patent_id", "earlier_publication_id"}],
        patent_id=ibis.coalesce(joined.keeper_id, joined.patent_id),
        earlier_publication_id=ibis.coalesce(joined.earlier_publication_id, joined.alias_id),
        **{SEQUENCE: joined.keeper_id.isnull().cast("int64")},
    )
    folded = _gather(rows, schema)
    return folded.order_by(ibis.asc(folded.patent_id, nulls_first=True))
