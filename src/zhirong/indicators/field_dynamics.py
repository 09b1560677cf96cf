"""The field around a patent: concentration, control, competitors, growth, stage on the growth curve.

All of it is measured on the patents of the evidence store; a store that holds a sample of a field describes that
sample. Competition is measured in the four-character class of the patent (`main_class`), growth curves in the WIPO
field, which has the counts that a curve needs.
"""

from __future__ import annotations

from datetime import date

import ibis
import numpy as np
import pyarrow as pa

from zhirong.indicators.catalogue import Context, Evidence
from zhirong.indicators.fields import with_cohort
from zhirong.indicators.frames import attach, derived, frame, register
from zhirong.indicators.status import DEAD_STATUSES
from zhirong.kernel.dates import add_months, add_years
from zhirong.numerics.scurve import CurveFit, fit_s_curve
from zhirong.tables import safe

__all__ = ["competition", "growth", "main_class", "s_curve"]

_FEW = 10
"""Patents in a window below which growth is flagged."""


@frame("main_class", needs=("classes", "status"))
def main_class(evidence: Evidence, context: Context) -> ibis.Table:
    """Return the four-character class of each patent.

    Returns
    -------
    ibis.Table
        ``patent_id``, ``main_class`` (of the first symbol where the source gives one, else the class with most
        symbols, ties to the first in the alphabet; NULL without class), ``published_on``, ``is_dead``.
    """
    symbols = derived(evidence, context, "classes")
    modal = safe.mode(symbols, by=["patent_id"], value="subclass").select("patent_id", "subclass")
    patents = evidence["patents"].select(
        "patent_id",
        "primary_ipc",
        published_on=ibis.coalesce(evidence["patents"].publication_date, evidence["patents"].grant_date),
    )
    t = attach(patents, modal, derived(evidence, context, "status").select("patent_id", "status"))
    first = ibis.ifelse(t.primary_ipc.length() >= 4, t.primary_ipc.substr(0, 4), ibis.null("string"))
    return t.select(
        "patent_id",
        "published_on",
        main_class=ibis.coalesce(first, t.subclass),
        is_dead=t.status.isin(list(DEAD_STATUSES)).fill_null(False),
    )


def _holdings(evidence: Evidence, context: Context) -> ibis.Table:
    """Living patents by class and owner; co-owners share a patent equally."""
    classes = derived(evidence, context, "main_class")
    classes = classes.filter(~classes.is_dead & classes.main_class.notnull())
    held = derived(evidence, context, "owners")
    t = held.inner_join(classes, "patent_id")
    share = 1.0 / t.owner_id.count().over(group_by="patent_id").cast("float64")
    return t.mutate(weight=share)


@frame("competition", needs=("main_class", "owners"))
def competition(evidence: Evidence, context: Context) -> ibis.Table:
    """Concentration of the class, the owner's share in it, and active competitors; one row a patent."""
    t = _holdings(evidence, context)
    by_owner = t.group_by(["main_class", "owner_id"]).aggregate(_weight=t.weight.sum(), _last=t.published_on.max())
    total = by_owner._weight.sum().over(group_by="main_class")
    rank = ibis.row_number().over(
        group_by="main_class", order_by=[ibis.desc(by_owner._weight), ibis.asc(by_owner.owner_id)]
    )
    ranked = by_owner.mutate(_share=safe.divide(by_owner._weight, total), _rank=rank, _total=total)
    since = add_years(context.as_of, -5)
    of_class = ranked.group_by("main_class").aggregate(
        hhi=(ranked._share * ranked._share).sum(),
        cr4=ranked._share.sum(where=ranked._rank < 4),
        _active=(ranked._last > since).cast("int64").sum(),
        _stock=ranked._total.max(),
    )
    own = derived(evidence, context, "owners").inner_join(
        derived(evidence, context, "main_class").select("patent_id", "main_class"), "patent_id"
    )
    own = attach(own, ranked.select("main_class", "owner_id", "_share", "_last"), on=["main_class", "owner_id"])
    mine = own.group_by("patent_id").aggregate(
        field_share=own._share.max(), _mine=(own._last > since).fill_null(False).cast("int64").sum()
    )
    classes = derived(evidence, context, "main_class").select("patent_id", "main_class")
    out = attach(attach(classes, of_class, on="main_class"), mine, _regional_share(t, own))
    has_owner = out._mine.notnull()
    return out.select(
        "patent_id",
        "hhi",
        "cr4",
        field_stock=out._stock,
        field_share=ibis.ifelse(has_owner, out.field_share.fill_null(0.0), ibis.null("float64")),
        control=ibis.coalesce(out._regional, ibis.ifelse(has_owner, out.field_share.fill_null(0.0), None)),
        control_flag=ibis.ifelse(out._regional.isnull() & has_owner, "region_unknown", ibis.null("string")),
        competitor_count=ibis.ifelse(has_owner, out._active - out._mine, ibis.null("int64")),
    )


def _regional_share(t: ibis.Table, own: ibis.Table) -> ibis.Table:
    """Return the owner's share of the class in the owner's region; the largest of several owners."""
    placed = t.filter(t.region_code.notnull())
    by_region = placed.group_by(["main_class", "region_code", "owner_id"]).aggregate(_w=placed.weight.sum())
    total = by_region._w.sum().over(group_by=["main_class", "region_code"])
    keys = ["main_class", "region_code", "owner_id"]
    shares = by_region.select(*keys, _share2=safe.divide(by_region._w, total))
    joined = attach(own.filter(own.region_code.notnull()).select("patent_id", *keys), shares, on=keys)
    return joined.group_by("patent_id").aggregate(_regional=joined._share2.fill_null(0.0).max())


@frame("growth", needs=("main_class", "fields"))
def growth(evidence: Evidence, context: Context) -> ibis.Table:
    """Growth of the class and of the patent's filing cohort; one row a patent."""
    classes = derived(evidence, context, "main_class")
    recent, middle = add_years(context.as_of, -3), add_years(context.as_of, -6)
    of_class = classes.group_by("main_class").aggregate(
        _now=(classes.published_on > recent).fill_null(False).cast("int64").sum(),
        _before=((classes.published_on > middle) & (classes.published_on <= recent))
        .fill_null(False)
        .cast("int64")
        .sum(),
    )
    of_class = of_class.filter(of_class.main_class.notnull())
    ratio = safe.divide(of_class._now, of_class._before)
    of_class = of_class.select(
        "main_class",
        field_growth=ratio ** (1.0 / 3.0) - 1.0,
        growth_flag=ibis.ifelse(of_class._now + of_class._before < _FEW, "few_patents", ibis.null("string")),
    )
    keys = with_cohort(evidence, context)
    filed = keys.filter(keys.filing_year.notnull() & keys.technology_field.notnull())
    counts = filed.group_by(["technology_field", "filing_year"]).aggregate(_n=filed.count())
    last_whole_year = add_months(context.as_of, -30).year
    previous = counts.select("technology_field", filing_year=counts.filing_year + 1, _previous="_n")
    pairs = counts.inner_join(previous, ["technology_field", "filing_year"])
    cohorts = pairs.filter(pairs.filing_year <= last_whole_year).select(
        "technology_field",
        "filing_year",
        cohort_growth=safe.divide(pairs._n, pairs._previous) - 1.0,
        cohort_flag=ibis.ifelse(pairs._previous < _FEW, "few_patents", ibis.null("string")),
    )
    t = attach(classes.select("patent_id", "main_class"), of_class, on="main_class")
    t = attach(t, keys.select("patent_id", "technology_field", "filing_year"))
    t = attach(t, cohorts, on=["technology_field", "filing_year"])
    return t.select("patent_id", "field_growth", "growth_flag", "cohort_growth", "cohort_flag")


@frame("s_curve", needs=("fields", "main_class"))
def s_curve(evidence: Evidence, context: Context) -> ibis.Table:
    """Maturity of each patent's WIPO field on its growth curve, with a 90 % interval; one row a patent.

    Yearly publications of a field, up to the last whole year before the date, are fitted locally
    (`zhirong.numerics.scurve`): 35 short series, whatever the number of patents.
    """
    fields = derived(evidence, context, "fields").select("patent_id", "technology_field")
    dated = derived(evidence, context, "main_class").select("patent_id", "published_on")
    t = fields.inner_join(dated, "patent_id")
    t = t.filter(t.technology_field.notnull() & t.published_on.notnull())
    yearly = t.mutate(_year=t.published_on.year().cast("int64")).group_by(["technology_field", "_year"])
    rows = context.engine.to_arrow(yearly.aggregate(n=lambda x: x.count()))
    fits = context.engine.facts(_fit_fields(rows, context.as_of))
    return attach(
        evidence["patents"].select("patent_id"), attach(fields, fits, on="technology_field").drop("technology_field")
    )


def _fit_fields(rows: pa.Table, as_of: date) -> pa.Table:
    """One row a field: maturity, bounds, inflection, flag."""
    series: dict[int, dict[int, int]] = {}
    for field, year, n in zip(*(rows.column(name).to_pylist() for name in rows.column_names), strict=True):
        series.setdefault(field, {})[year] = n
    last = as_of.year if (as_of.month, as_of.day) == (12, 31) else as_of.year - 1
    out = []
    for field in sorted(series):
        years = [year for year in series[field] if year <= last]
        fit = None
        if years:
            first = min(years)
            counts = np.array([series[field].get(y, 0) for y in range(first, last + 1)], dtype=np.float64)
            fit = fit_s_curve(counts, first_year=float(first))
        out.append({"technology_field": field} | _fit_row(fit))
    names = ["s_curve_maturity", "s_curve_low", "s_curve_high", "s_curve_inflection"]
    schema = pa.schema(
        [("technology_field", pa.int64()), *((name, pa.float64()) for name in names), ("s_curve_flag", pa.string())]
    )
    return pa.Table.from_pylist(out, schema=schema)


def _fit_row(fit: CurveFit | None) -> dict[str, float | str | None]:
    if fit is None or not fit.is_identified:
        return {"s_curve_flag": "too_few_years" if fit is None else "unidentified"}
    return {
        "s_curve_maturity": fit.maturity,
        "s_curve_low": fit.maturity_low,
        "s_curve_high": fit.maturity_high,
        "s_curve_inflection": fit.midpoint,
        "s_curve_flag": str(fit.model),
    }


for _name in ("competition", "growth", "s_curve"):
    register(_name)
