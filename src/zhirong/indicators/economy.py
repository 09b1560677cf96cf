"""Economy: what accounts and industry statistics tell of the owner's market; nothing is filled in."""

from __future__ import annotations

import ibis

from zhirong.indicators.catalogue import Context, Evidence
from zhirong.indicators.frames import attach, derived, frame, register
from zhirong.indicators.high_value import matches_policy
from zhirong.tables import safe

__all__ = ["economy"]


def _firm_of_owner(evidence: Evidence) -> ibis.Table:
    """Firms by owner (cluster, else party): ``owner_id``, ``firm_id``, ``sector_code``; one firm an owner."""
    firms = evidence["firms"]
    parties = evidence["parties"]
    known = parties.select("party_id", owner_id=ibis.coalesce(parties.cluster_id, parties.party_id))
    t = attach(firms.select("firm_id", "party_id", "sector_code"), known, on="party_id")
    t = t.filter(t.party_id.notnull()).mutate(owner_id=ibis.coalesce(t.owner_id, t.party_id))
    return safe.first(t, by=["owner_id"], order_by=[ibis.asc(t.firm_id)]).select("owner_id", "firm_id", "sector_code")


@frame("economy", needs=("owners", "classes"))
def economy(evidence: Evidence, context: Context) -> ibis.Table:
    """Sales, market share, growth of the owner's industry, policy match; one row a patent.

    The owner with the largest sales stands for several; accounts are those of its last published year.
    """
    years = evidence["firm_years"]
    last = safe.first(years, by=["firm_id"], order_by=[ibis.desc(years.year)]).select(
        "firm_id", "year", "currency", "revenue", "patent_product_revenue"
    )
    t = derived(evidence, context, "owners").select("patent_id", "owner_id")
    t = t.inner_join(_firm_of_owner(evidence), "owner_id")
    t = attach(t, last, on="firm_id")
    sectors = evidence["sector_years"]
    country = sectors.filter(sectors.region_code == "00")
    same_year = country.select("sector_code", "year", _sector_revenue="revenue", _sector_currency="currency")
    t = attach(t, same_year, on=["sector_code", "year"])
    newest = safe.first(country, by=["sector_code"], order_by=[ibis.desc(country.year)])
    t = attach(t, newest.select("sector_code", sector_growth="growth"), on="sector_code")
    same_money = t.currency.fill_null("CNY") == t._sector_currency.fill_null("CNY")
    share = ibis.ifelse(same_money, safe.divide(t.revenue, t._sector_revenue), ibis.null("float64"))
    t = t.mutate(market_share=ibis.ifelse(share <= 1.0, share, ibis.null("float64")))
    best = safe.first(
        t,
        by=["patent_id"],
        order_by=[ibis.desc(t.patent_product_revenue, nulls_first=False), ibis.asc(t.owner_id)],
    )
    best = best.select(
        "patent_id",
        "market_share",
        "sector_growth",
        product_revenue="patent_product_revenue",
        revenue_flag=best.currency.fill_null("CNY") + ibis.literal(":") + best.year.cast("string"),
    )
    out = attach(evidence["patents"].select("patent_id"), best)
    policy = matches_policy(evidence, context)
    out = attach(out, policy) if policy is not None else out.mutate(matches=ibis.null("boolean"))
    flag = "no_table" if policy is None else None
    return out.rename(policy_match="matches").mutate(policy_flag=ibis.literal(flag, type="string"))


register("economy")
