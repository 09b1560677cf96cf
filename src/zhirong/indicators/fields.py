"""Technology field and cohort of each patent: WIPO's 35 fields with ties counted."""

from __future__ import annotations

import ibis
import pyarrow as pa

from zhirong.indicators.catalogue import Context, Evidence
from zhirong.indicators.frames import attach, derived, frame, register
from zhirong.params.facts import wipo35, wipo35_fields
from zhirong.tables import safe

__all__ = ["classes", "concordance", "fields", "with_cohort"]


def concordance() -> pa.Table:
    """Return the shipped concordance with the sector of each field.

    Returns
    -------
    pyarrow.Table
        ``subclass``, ``main_group`` (null: the rest of the subclass), ``field`` (1-35), ``sector``.
    """
    table, fields_ = wipo35(), wipo35_fields()
    sector = dict(zip(fields_["field"].to_pylist(), fields_["sector_en"].to_pylist(), strict=True))
    sectors = [sector[field] for field in table["field"].to_pylist()]
    return table.select(["subclass", "main_group", "field"]).append_column("sector", pa.array(sectors))


@frame("classes")
def classes(evidence: Evidence, context: Context) -> ibis.Table:
    """Distinct class symbols of each known patent: IPC where it has any, else CPC without section Y.

    Returns
    -------
    ibis.Table
        ``patent_id``, ``symbol``, ``subclass``, ``main_group``.
    """
    t = evidence["classifications"]
    t = t.filter(t.subclass.notnull() & t.scheme.isin(["ipc", "cpc"]) & ~t.subclass.startswith("Y"))
    t = t.semi_join(evidence["patents"], "patent_id")
    best = t.group_by("patent_id").aggregate(_best=t.scheme.max())  # "ipc" sorts after "cpc"
    t = t.inner_join(best, "patent_id").filter(lambda x: x.scheme == x._best)
    return t.select("patent_id", "symbol", "subclass", "main_group").distinct()


@frame("fields", needs=("classes",))
def fields(evidence: Evidence, context: Context) -> ibis.Table:
    """Field, sector and breadth of each patent that has a class in the concordance.

    Returns
    -------
    ibis.Table
        ``patent_id``, ``technology_field`` (most symbols; smallest number on a tie), ``many_field`` (tie),
        ``field_share`` (share of the symbols in that field), ``fields_reached``, ``scope``, ``sector`` (of
        WIPO). Patents without class have no row.
    """
    symbols = derived(evidence, context, "classes")
    facts = context.engine.facts(concordance())
    exact = facts.filter(facts.main_group.notnull()).select(
        _sub="subclass", _group="main_group", _exact="field", _exact_sector="sector"
    )
    rest = facts.filter(facts.main_group.isnull()).select(_sub2="subclass", _rest="field", _rest_sector="sector")
    t = symbols.left_join(exact, [symbols.subclass == exact._sub, symbols.main_group == exact._group])
    t = t.select("patent_id", "symbol", "subclass", "_exact", "_exact_sector")
    t = t.left_join(rest, [t.subclass == rest._sub2])
    t = t.select(
        "patent_id",
        "subclass",
        _field=ibis.coalesce(t._exact, rest._rest),
        _sector=ibis.coalesce(t._exact_sector, rest._rest_sector),
    )
    counts = t.filter(t._field.notnull()).group_by(["patent_id", "_field", "_sector"]).aggregate(_n=lambda x: x.count())
    order = [ibis.desc(counts._n), ibis.asc(counts._field)]
    ranked = counts.mutate(
        _rank=ibis.row_number().over(group_by="patent_id", order_by=order),
        _top=counts._n.max().over(group_by="patent_id"),
    )
    field = ranked.group_by("patent_id").aggregate(
        technology_field=ranked._field.max(where=ranked._rank == 0),
        sector=ranked._sector.max(where=ranked._rank == 0),
        many_field=(ranked._n == ranked._top).cast("int64").sum() > 1,
        fields_reached=ranked._field.count(),
        _top=ranked._n.max(),
        _all=ranked._n.sum(),
    )
    field = field.mutate(field_share=safe.divide(field._top, field._all)).drop("_top", "_all")
    scope = t.group_by("patent_id").aggregate(scope=t.subclass.nunique())
    return (
        attach(scope, field)
        .select("patent_id", "technology_field", "many_field", "field_share", "fields_reached", "scope", "sector")
        .mutate(flag=lambda x: ibis.ifelse(x.many_field, "many_field", ibis.null("string")))
    )


def with_cohort(evidence: Evidence, context: Context) -> ibis.Table:
    """Return the cohort keys of each patent.

    Returns
    -------
    ibis.Table
        ``patent_id``, ``filing_year``, ``technology_field``, ``sector``; NULL where unknown.
    """
    patents = evidence["patents"]
    keys = derived(evidence, context, "fields").select("patent_id", "technology_field", "sector")
    years = patents.select("patent_id", filing_year=patents.filing_date.year().cast("int64"))
    return attach(years, keys)


register("fields")
