"""OECD composites: components capped and divided by the 99th percentile of their cohort, then averaged.

The normalisation is the one inferred from the OECD's released cohort summary (reference of this project, section
2.1): each component is capped at the cohort's 99th percentile, taken over all patents granted or not, divided by it,
and a missing component is left out of the mean. Other published readings are options.
"""

from __future__ import annotations

import ibis

from zhirong.indicators.catalogue import Context, Evidence
from zhirong.indicators.fields import with_cohort
from zhirong.indicators.frames import attach, component, derived, frame, register
from zhirong.kernel.errors import DomainError
from zhirong.tables import safe

__all__ = ["COMPONENTS", "LADDER", "composite", "normalise", "percentile"]

COMPONENTS = ("forward", "family", "claims", "generality", "backward")
"""Components that are normalised; the grant lag index is one already."""

LADDER: tuple[tuple[str, ...], ...] = (
    ("filing_year", "technology_field"),
    ("filing_year", "sector"),
    ("filing_year",),
    (),
)
"""Cohorts from fine to coarse; the first with enough members is used."""

SMALL_COHORT = 30


def percentile(value: ibis.Value, level: float) -> ibis.Value:
    """Return the interpolated percentile of a column, an aggregate; equal on every engine."""
    return value.cast("float64").quantile(level)


def normalise(
    table: ibis.Table,
    columns: tuple[str, ...],
    *,
    limits: str = "p99",
    rescale: str = "p99",
    small: int = SMALL_COHORT,
) -> ibis.Table:
    """Cap and rescale columns within cohorts.

    Parameters
    ----------
    table : ibis.Table
        ``patent_id``, the keys of `LADDER`, and `columns`.
    columns : tuple of str
        Non-negative measures.
    limits : {"p99", "p1_p99"}
        Cap above only, or at both ends ("98 % winsorising").
    rescale : {"p99", "minmax"}
        x / p99, or (x - p1)/(p99 - p1).
    small : int
        Members below which the next coarser cohort is taken.

    Returns
    -------
    ibis.Table
        ``patent_id``, each column in 0-1 (NULL where unknown, or where the 99th percentile is 0), and
        ``cohort_flag``: ``small_cohort`` with the keys of the coarser cohort that was used, NULL for the finest.

    Raises
    ------
    DomainError
        For another option.
    """
    if limits not in ("p99", "p1_p99") or rescale not in ("p99", "minmax"):
        raise DomainError(f"limits is p99 or p1_p99, rescale p99 or minmax; not {limits!r}, {rescale!r}")
    t = table
    for level, keys in enumerate(LADDER):
        t = _with_bounds(t, table, columns, keys, level)
    chosen = ibis.cases(*((t[f"_n{level}"] >= small, level) for level in range(len(LADDER) - 1)), else_=len(LADDER) - 1)
    t = t.mutate(_level=chosen)
    out: dict[str, ibis.Value] = {"patent_id": t.patent_id}
    for name in columns:
        top, bottom = _pick(t, f"_{name}_p99_"), _pick(t, f"_{name}_p1_")
        x = ibis.least(t[name].cast("float64"), top)
        if limits == "p1_p99" or rescale == "minmax":
            x = ibis.greatest(x, bottom)
        value = safe.divide(x, top) if rescale == "p99" else safe.divide(x - bottom, top - bottom)
        out[name] = ibis.ifelse(t[name].notnull(), value, ibis.null("float64"))
    names = ["small_cohort:" + ("+".join(keys) or "all") for keys in LADDER]
    out["cohort_flag"] = ibis.cases(*((t._level == i, names[i]) for i in range(1, len(LADDER))))
    return t.select(**out)


def _pick(t: ibis.Table, prefix: str) -> ibis.Value:
    return ibis.cases(*((t._level == level, t[f"{prefix}{level}"]) for level in range(len(LADDER))))


def _with_bounds(
    t: ibis.Table, table: ibis.Table, columns: tuple[str, ...], keys: tuple[str, ...], level: int
) -> ibis.Table:
    """Attach members, p1 and p99 of each column for the cohorts of one level."""
    rows = table
    for key in keys:
        rows = rows.filter(rows[key].notnull())
    measures = {f"_n{level}": rows.count()}
    for name in columns:
        measures[f"_{name}_p99_{level}"] = percentile(rows[name], 0.99)
        measures[f"_{name}_p1_{level}"] = percentile(rows[name], 0.01)
    if not keys:
        return t.cross_join(rows.aggregate(**measures))
    return attach(t, rows.group_by(list(keys)).aggregate(**measures), on=list(keys))


@frame(
    "composite",
    needs=("fields", "family", "oecd_counts", "status"),
    uses=("oecd.forward_citations_5", "oecd.generality", "oecd.backward_citations"),
)
def composite(evidence: Evidence, context: Context) -> ibis.Table:
    """Quality index of 4 and of 6 components; one row a patent, values for granted patents only."""
    t = attach(
        with_cohort(evidence, context),
        derived(evidence, context, "family").select("patent_id", family="family_size"),
        derived(evidence, context, "oecd_counts").select("patent_id", "claims", lag="grant_lag_index"),
        derived(evidence, context, "status").select("patent_id", "was_granted"),
        *(
            component(evidence, context, id_).select("patent_id", **{name: "value"})
            for name, id_ in (
                ("forward", "oecd.forward_citations_5"),
                ("generality", "oecd.generality"),
                ("backward", "oecd.backward_citations"),
            )
        ),
    )
    params = context.params
    scaled = normalise(
        t.drop("was_granted", "lag"),
        COMPONENTS,
        limits=params.get("composite.limits", "p99"),
        rescale=params.get("composite.rescale", "p99"),
        small=int(params.get("composite.small_cohort", SMALL_COHORT)),
    )
    t = attach(t.select("patent_id", "was_granted", "lag"), scaled)
    zero = params.get("composite.missing", "drop") == "zero"
    four, flag4 = _mean(t, ("forward", "family", "claims", "generality"), zero=zero)
    six, flag6 = _mean(t, ("forward", "family", "claims", "generality", "backward", "lag"), zero=zero)

    def granted(value: ibis.Value) -> ibis.Value:
        return ibis.ifelse(t.was_granted.fill_null(False), value, ibis.null("float64"))

    return t.select(
        "patent_id",
        quality_index_4=granted(four),
        quality_index_6=granted(six),
        flag_4=_join(t, flag4),
        flag_6=_join(t, flag6),
    )


def _mean(t: ibis.Table, names: tuple[str, ...], *, zero: bool) -> tuple[ibis.Value, ibis.Value]:
    """Mean over the available components (or with zeros for missing), and the flag that names the missing ones."""
    total = sum((t[name].fill_null(0.0) for name in names[1:]), t[names[0]].fill_null(0.0))
    known = sum((t[name].notnull().cast("int64") for name in names[1:]), t[names[0]].notnull().cast("int64"))
    mean = ibis.ifelse(known > 0, total / float(len(names)), None) if zero else safe.divide(total, known)
    gaps = ibis.literal("")
    for name in names:
        gaps = gaps + ibis.ifelse(t[name].isnull(), f"+{name}", "")
    flag = ibis.ifelse(gaps == "", ibis.null("string"), ibis.literal("without:") + gaps.substr(1))
    return mean, flag


def _join(t: ibis.Table, flag: ibis.Value) -> ibis.Value:
    small = t.cohort_flag
    both = small + ibis.literal(";") + flag
    text = ibis.cases((small.notnull() & flag.notnull(), both), else_=ibis.coalesce(small, flag))
    return ibis.ifelse(t.was_granted.fill_null(False), text, "not_granted")


register("composite")
