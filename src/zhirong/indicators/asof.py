"""The evidence as it was known on a date.

Every indicator sees only what `evidence_at` lets through: rows that were known by the date, and inside those
rows no later fact. The rules are those of the canonical schemas (`known_from`, `via`), with the defaults that
the schemas state for missing dates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

import ibis

from zhirong.tables import CANONICAL, TableSchema

__all__ = ["evidence_at", "known_date"]

_YEAR_DEFAULTS: Mapping[str, tuple[int, int]] = {
    "firm_years": (4, 30),
    "sector_years": (6, 30),
    "region_years": (10, 31),
}
"""Month and day of the next year at which yearly figures are known where the source gives no date."""

_RESTATED: Mapping[str, tuple[str, ...]] = {
    "firm_years": ("firm_id", "year"),
    "sector_years": ("sector_code", "region_code", "year"),
    "region_years": ("region_code", "year", "variable"),
}
"""What names a yearly figure, whatever version of it."""

_TIMELESS_WITHOUT_DATE = ("firms",)
"""Registers whose rows without a date are facts, not events."""


def known_date(table: ibis.Table, schema: TableSchema) -> ibis.Value | None:
    """Return the date at which each row became known by its own columns, None for a table that has none.

    A patent or family member without publication or grant date counts from 18 months after filing, the time
    at which applications are laid open (Paris Convention offices; Patent Law of China, Article 34).
    """
    if not schema.known_from:
        return None
    dates = [table[name] for name in schema.known_from]
    if schema.name == "patents":
        dates.append(table.filing_date + ibis.interval(months=18))
    elif schema.name == "families":
        dates.append(table.application_date + ibis.interval(months=18))
    elif schema.name in _YEAR_DEFAULTS:
        month, day = _YEAR_DEFAULTS[schema.name]
        dates.append(ibis.date(table.year + 1, month, day))
    return ibis.coalesce(*(d.cast("date") for d in dates))


def evidence_at(tables: Mapping[str, ibis.Table], as_of: date, *, allow_undated: bool = False) -> dict[str, ibis.Table]:
    """Cut every canonical table at a date.

    Parameters
    ----------
    tables : Mapping of str to ibis.Table
        Canonical tables by name; absent ones stay absent.
    as_of : date
        Last day of knowledge, inclusive.
    allow_undated : bool
        Let stated facts without a date through (legal status, stated counts, family members without any
        date). False treats them as unknown, because they may be later than `as_of`.

    Returns
    -------
    dict of str to ibis.Table
        The same columns, fewer rows, later facts inside rows replaced by NULL.

    Notes
    -----
    A row is known from the first non-null of its dates; a row known through a patent from that patent's
    publication. Rows that cannot be dated are dropped. Claims, claim count and kind of a document are those
    of its last publication, so they are unknown while the grant that followed an earlier publication is still
    ahead.
    """
    known_patents = _known_patents(tables, as_of)
    return {
        name: _mask(
            name, _last_version(name, _cut(name, table, as_of, known_patents, allow_undated)), as_of, allow_undated
        )
        for name, table in tables.items()
        if name in CANONICAL
    }


def _known_patents(tables: Mapping[str, ibis.Table], as_of: date) -> ibis.Table | None:
    """Patents known by the date, and whether their last publication (the grant) is still ahead."""
    patents = tables.get("patents")
    if patents is None:
        return None
    known = known_date(patents, CANONICAL["patents"])
    assert known is not None
    rows = patents.filter(known <= as_of)
    return rows.select(_via="patent_id", _is_ahead=_grant_is_ahead(rows, as_of))


def _grant_is_ahead(patents: ibis.Table, as_of: date) -> ibis.Value:
    return (patents.grant_date.notnull() & (patents.grant_date > as_of)).fill_null(False)


def _cut(
    name: str, table: ibis.Table, as_of: date, known_patents: ibis.Table | None, allow_undated: bool
) -> ibis.Table:
    schema = CANONICAL[name]
    own = known_date(table, schema)
    if schema.via is None:
        if own is None:
            return table
        is_known = own <= as_of
        if name in _TIMELESS_WITHOUT_DATE or (name == "families" and allow_undated):
            is_known = is_known | own.isnull()
        return table.filter(is_known)
    if known_patents is None:
        return table.filter(own <= as_of) if own is not None else table.limit(0)
    if own is None:
        kept = known_patents.filter(~known_patents._is_ahead) if name == "claims" else known_patents
        return table.semi_join(
            kept, [table[schema.via] == kept._via]
        ).view()  # ends the join chain, see `frames.attach`
    joined = table.left_join(known_patents, [table[schema.via] == known_patents._via])
    by_patent = joined[schema.known_from[0]].isnull() & joined._via.notnull()
    return joined.filter((joined[schema.known_from[0]] <= as_of) | by_patent).select(*table.columns)


def _last_version(name: str, table: ibis.Table) -> ibis.Table:
    """Return of yearly figures that were published again the version known last; earlier answers keep the earlier one."""
    identity = _RESTATED.get(name)
    if identity is None:
        return table
    known = known_date(table, CANONICAL[name])
    assert known is not None
    order = [ibis.desc(known), ibis.asc(table.source_id)]
    ranked = table.mutate(_version=ibis.row_number().over(group_by=list(identity), order_by=order))
    return ranked.filter(ranked._version == 0).drop("_version")


def _mask(name: str, table: ibis.Table, as_of: date, allow_undated: bool) -> ibis.Table:
    mask = _MASKS.get(name)
    return table if mask is None else mask(table, as_of, allow_undated)


def _unless(condition: ibis.Value, value: ibis.Value) -> ibis.Value:
    """Return the value where the condition holds, else NULL (also where the condition is unknown)."""
    return ibis.ifelse(condition.fill_null(False), value, ibis.null(value.type()))


def _mask_patents(t: ibis.Table, as_of: date, allow_undated: bool) -> ibis.Table:
    granted = (t.grant_date <= as_of).fill_null(False)
    last_is_known = ~_grant_is_ahead(t, as_of)
    status = (t.legal_status_date <= as_of).fill_null(allow_undated)
    stated = (t.stated_at <= as_of).fill_null(allow_undated)
    changes = {
        "grant_date": _unless(granted, t.grant_date),
        "term_extension_days": _unless((t.grant_date <= as_of).fill_null(allow_undated), t.term_extension_days),
        "legal_status": _unless(status, t.legal_status),
        "legal_status_date": _unless(status, t.legal_status_date),
        "stated_forward_citation_count": _unless(stated, t.stated_forward_citation_count),
        "stated_family_size": _unless(stated, t.stated_family_size),
        "stated_at": _unless(stated, t.stated_at),
    }
    for name in ("publication_number", "kind_code", "claim_count", "page_count"):
        changes[name] = _unless(last_is_known, t[name])
    return t.mutate(**changes)


def _mask_families(t: ibis.Table, as_of: date, allow_undated: bool) -> ibis.Table:
    ahead = (t.grant_date > as_of).fill_null(False)
    return t.mutate(
        grant_date=_unless(t.grant_date <= as_of, t.grant_date),
        end_date=_unless(t.end_date <= as_of, t.end_date),
        kind_code=_unless(~ahead, t.kind_code),
    )


def _mask_patent_parties(t: ibis.Table, as_of: date, allow_undated: bool) -> ibis.Table:
    return t.mutate(to_date=_unless(t.to_date <= as_of, t.to_date))


def _mask_cases(t: ibis.Table, as_of: date, allow_undated: bool) -> ibis.Table:
    decided = ibis.coalesce(t.published_date, t.decided_date) <= as_of
    names = ("outcome", "damages_awarded", "costs_awarded", "damages_basis", "decided_date")
    keep = decided.fill_null(allow_undated)
    return t.mutate(**{name: _unless(keep, t[name]) for name in names})


_MASKS: Mapping[str, Callable[[ibis.Table, date, bool], ibis.Table]] = {
    "patents": _mask_patents,
    "families": _mask_families,
    "patent_parties": _mask_patent_parties,
    "cases": _mask_cases,
}
