"""Patent family: countries, triadic and IP5 families, market coverage and competitive impact.

References
----------
Ernst, H., Omland, N. (2011), The Patent Asset Index, *World Patent Information* 33, 34-41.
Dernis, H., Khan, M. (2004), *Triadic Patent Families Methodology*, OECD STI Working Paper 2004/02.
Dernis, H. et al. (2015), *World Corporate Top R&D Investors*, JRC and OECD (IP5 families).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import date
from importlib import resources

import ibis
import pyarrow as pa

from zhirong.indicators.catalogue import Context, Evidence
from zhirong.indicators.frames import attach, component, derived, frame, register
from zhirong.indicators.status import DEAD_STATUSES
from zhirong.kernel.dates import add_years

__all__ = ["family", "gni_ratios", "members"]

_NOT_A_COUNTRY = ("WO", "EP", "EA", "AP", "OA", "GC")
_IP5 = ("EP", "JP", "KR", "CN", "US")
_EP_STATES = ("DE", "FR", "GB")
"""States that an EP member stands for in market coverage; parameter ``family.ep_states``."""
_PENDING_WEIGHT = 0.7
"""Parameter ``family.pending_weight``; from one open implementation of the index."""


def gni_ratios(context: Context) -> pa.Table:
    """Return the weight of each office's market: gross national income over that of the US.

    Returns
    -------
    pyarrow.Table
        ``office``, ``country``, ``ratio``; an EP office has one row for each state of ``family.ep_states``.

    Notes
    -----
    The shipped incomes are rounded and recalled (see the file); parameter ``family.gni`` (country to income, any
    unit, with US) replaces them.
    """
    given: Mapping[str, float] | None = context.params.get("family.gni")
    if given is None:
        text = resources.files("zhirong.indicators").joinpath("facts/gni.csv").read_text("utf-8")
        given = {row["country"]: float(row["gni_usd_bn"]) for row in csv.DictReader(text.splitlines())}
    pairs = [(country, country) for country in sorted(given)]
    pairs += [("EP", state) for state in context.params.get("family.ep_states", _EP_STATES) if state in given]
    return pa.table(
        {
            "office": [office for office, _ in pairs],
            "country": [country for _, country in pairs],
            "ratio": [given[country] / given["US"] for _, country in pairs],
        }
    )


def members(evidence: Evidence, context: Context) -> ibis.Table:
    """Return the family members of each known patent, itself included.

    Returns
    -------
    ibis.Table
        ``patent_id``, ``member_id``, ``office``, ``is_granted``, ``is_dead``, ``filed_on``; patents without any
        family information have no row.
    """
    patents = evidence["patents"]
    families = evidence["families"]
    by_member = families.group_by("member_id").aggregate(_family=families.family_id.min())
    own = attach(
        patents.select("patent_id", "office", "family_id", "filing_date"),
        by_member.rename(patent_id="member_id"),
        derived(evidence, context, "status").select("patent_id", "status", "was_granted"),
    )
    own = own.mutate(family_id=ibis.coalesce(own.family_id, own._family))
    own = own.filter(own.family_id.notnull())
    listed = families.select(
        "family_id",
        "member_id",
        "office",
        is_granted=(families.grant_date.notnull() | families.kind_code.startswith("B").fill_null(False)),
        is_dead=families.end_date.notnull(),
        filed_on="application_date",
    )
    known = own.select(
        "family_id",
        "office",
        member_id="patent_id",
        is_granted=own.was_granted,
        is_dead=own.status.isin(list(DEAD_STATUSES)).fill_null(False),
        filed_on="filing_date",
    ).select(listed.columns)
    union = ibis.union(listed, known)
    stock = union.group_by(["family_id", "member_id", "office"]).aggregate(
        is_granted=union.is_granted.cast("int64").max() > 0,
        is_dead=union.is_dead.cast("int64").max() > 0,
        filed_on=union.filed_on.min(),
    )
    return own.select("patent_id", "family_id").inner_join(stock, "family_id").drop("family_id")


@frame("family", needs=("status",), uses=("pai.technology_relevance",))
def family(evidence: Evidence, context: Context) -> ibis.Table:
    """Family measures; one row a patent."""
    t = members(evidence, context)
    is_country = ~t.office.isin(list(_NOT_A_COUNTRY))
    in_ip5 = t.office.isin(list(_IP5))

    def any_(condition: ibis.Value) -> ibis.Value:
        return condition.cast("int64").max() > 0

    measures = t.group_by("patent_id").aggregate(
        member_count=t.member_id.nunique(),
        country_count=t.office.nunique(where=is_country),
        ip5_offices=t.office.nunique(where=in_ip5),
        family_size=t.office.nunique(where=t.office != "WO").nullif(0),
        _ep=any_(t.office == "EP"),
        _jp=any_(t.office == "JP"),
        _us=any_((t.office == "US") & t.is_granted),
    )
    relevance = component(evidence, context, "pai.technology_relevance")
    t = attach(
        evidence["patents"].select("patent_id"),
        measures,
        _coverage(t, evidence, context),
        relevance.select("patent_id", _relevance="value", _relevance_flag="flag"),
    )
    return t.select(
        "patent_id",
        "family_size",
        "member_count",
        "country_count",
        "ip5_offices",
        "market_coverage",
        "market_flag",
        is_triadic=t._ep & t._jp & t._us,
        is_ip5=(t.ip5_offices > 0) & (t.family_size > 1),
        competitive_impact=ibis.ifelse(t.market_coverage == 0.0, 0.0, t.market_coverage * t._relevance),
        impact_flag=ibis.coalesce(t.market_flag, t._relevance_flag),
    )


def _coverage(stock: ibis.Table, evidence: Evidence, context: Context) -> ibis.Table:
    """Sum over countries of status weight times income ratio; a patent without family counts its own office."""
    patents = evidence["patents"].select("patent_id", "office", "filing_date")
    alone = attach(patents, derived(evidence, context, "status").select("patent_id", "status", "was_granted", "basis"))
    alone_rows = alone.filter(alone.status.notnull()).select(
        "patent_id",
        "office",
        is_granted="was_granted",
        is_dead=alone.status.isin(list(DEAD_STATUSES)),
        filed_on="filing_date",
    )
    rows = ibis.union(stock.select(alone_rows.columns), alone_rows)
    oldest: date = add_years(context.as_of, -20)
    is_over = rows.is_dead | (rows.filed_on <= oldest).fill_null(False)
    weight = ibis.cases(
        (is_over, 0.0),
        (rows.is_granted, 1.0),
        else_=float(context.params.get("family.pending_weight", _PENDING_WEIGHT)),
    )
    ratios = context.engine.facts(gni_ratios(context)).rename(_office="office")
    rows = rows.mutate(_weight=weight)
    placed = rows.left_join(ratios, rows.office == ratios._office)
    by_country = (
        placed.filter(placed.office != "WO")
        .group_by(["patent_id", "country"])
        .aggregate(_weight=placed._weight.max(), _ratio=placed.ratio.max())
    )
    total = by_country.group_by("patent_id").aggregate(
        _covered=(by_country._weight * by_country._ratio).sum(),
        _unknown=(by_country._ratio.isnull() & (by_country._weight > 0.0)).cast("int64").sum(),
        _known=by_country._ratio.notnull().cast("int64").sum(),
    )
    t = attach(alone.select("patent_id", "basis"), total)
    is_known = (t._known > 0) | (t._unknown == 0)
    return t.select(
        "patent_id",
        market_coverage=ibis.ifelse(is_known, t._covered.fill_null(0.0), ibis.null("float64")),
        market_flag=ibis.cases(
            (t._unknown > 0, "office_without_income"),
            (t.basis == "presumed", "presumed_alive"),
        ),
    )


register("family")
