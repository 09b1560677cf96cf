"""China's rule of the high-value invention patent: which conditions are met, and which cannot be decided."""

from __future__ import annotations

import ibis

from zhirong.indicators.catalogue import Context, Evidence
from zhirong.indicators.family import members
from zhirong.indicators.frames import attach, derived, frame, register
from zhirong.params.book import load
from zhirong.tables import safe

__all__ = ["CONDITIONS", "high_value", "matches_policy"]

CONDITIONS = ("strategic_industry", "overseas_family", "long_life", "pledge_amount", "award")
"""Names of the five conditions, as they stand in the flag."""


def matches_policy(evidence: Evidence, context: Context) -> ibis.Table | None:
    """Return ``patent_id`` and ``matches``: a class symbol lies in a strategic industry.

    The table of classes is parameter ``policy.strategic_classes``: IPC prefixes as ``H01M10`` or ``G06N``. None is
    shipped, because none could be read in the original; without it the answer is None.
    """
    prefixes = context.params.get("policy.strategic_classes")
    if prefixes is None:
        return None
    t = derived(evidence, context, "classes")
    compact = t.symbol
    hit = ibis.literal(False)
    for prefix in sorted(prefixes):
        exact = (compact == prefix) | compact.startswith(f"{prefix}/")
        hit = hit | (compact.startswith(prefix) if len(prefix) <= 4 else exact)
    return t.group_by("patent_id").aggregate(matches=hit.cast("int64").max() > 0)


def _overseas(evidence: Evidence, context: Context) -> ibis.Table:
    """Whether a granted, living member exists at another office; NULL without family information."""
    t = members(evidence, context).inner_join(evidence["patents"].select("patent_id", _own="office"), "patent_id")
    abroad = (t.office != t._own) & t.is_granted & ~t.is_dead
    return t.group_by("patent_id").aggregate(overseas_family=abroad.cast("int64").max() > 0)


def _pledge(evidence: Evidence, context: Context) -> ibis.Table:
    """Whether a pledge loan reached parameter ``high_value.pledge_amount_cny``; NULL when that is not set."""
    least = context.params.get("high_value.pledge_amount_cny")
    legal = derived(evidence, context, "legal").select("patent_id", "pledge_count")
    deals = evidence["deals"]
    loans = deals.filter((deals.deal_type == "pledge_loan") & (deals.currency == "CNY").fill_null(False))
    top = loans.group_by("patent_id").aggregate(_amount=loans.price.max())
    t = attach(legal, top)
    reached = ibis.null("boolean") if least is None else t._amount >= float(least)
    return t.select("patent_id", pledge_amount=ibis.ifelse(t.pledge_count == 0, False, reached))


@frame("high_value", needs=("legal", "status", "classes"))
def high_value(evidence: Evidence, context: Context) -> ibis.Table:
    """Answer of the rule; one row a patent."""
    patents = evidence["patents"].select("patent_id", "right_type", "filing_date")
    legal = derived(evidence, context, "legal").select("patent_id", "in_force", "award_count")
    t = attach(patents, legal, _overseas(evidence, context), _pledge(evidence, context))
    policy = matches_policy(evidence, context)
    t = attach(t, policy) if policy is not None else t.mutate(matches=ibis.null("boolean"))
    years = int(load().value("high_value.years_in_force", context.as_of)) if _is_in_law(context) else None
    age = safe.whole_years(t.filing_date, ibis.literal(context.as_of))
    t = t.mutate(
        strategic_industry=t.matches,
        long_life=ibis.null("boolean") if years is None else ibis.ifelse(t.filing_date.notnull(), age > years, None),
        award=t.award_count > 0,
    )
    met = sum(
        (t[name].fill_null(False).cast("int64") for name in CONDITIONS[1:]),
        t[CONDITIONS[0]].fill_null(False).cast("int64"),
    )
    open_ = sum((t[name].isnull().cast("int64") for name in CONDITIONS[1:]), t[CONDITIONS[0]].isnull().cast("int64"))
    is_invention = t.right_type == "invention"
    is_valid = is_invention & t.in_force
    t = t.mutate(_met=met, _open=open_, _valid=is_valid)
    answer = ibis.cases(
        ((t.right_type != "invention") | ~t.in_force, False),
        (t._valid & (t._met > 0), True),
        (t._valid & (t._open == 0), False),
    )
    return t.select(
        "patent_id",
        is_high_value=answer,
        conditions_met=ibis.ifelse(t._valid.fill_null(False), t._met, ibis.null("int64")),
        flag=_flag(t),
    )


def _is_in_law(context: Context) -> bool:
    return any(p.effective_from <= context.as_of for p in load().series("high_value.years_in_force"))


def _flag(t: ibis.Table) -> ibis.Value:
    """Text ``met:a+b;undecidable:c``, and ``validity_unknown`` or ``not_valid_invention`` before them."""
    met, unknown = ibis.literal(""), ibis.literal("")
    for name in CONDITIONS:
        met = met + ibis.ifelse(t[name].fill_null(False), f"+{name}", "")
        unknown = unknown + ibis.ifelse(t[name].isnull(), f"+{name}", "")
    head = ibis.cases((t._valid.isnull(), "validity_unknown;"), (~t._valid, "not_valid_invention;"), else_="")
    return head + ibis.literal("met:") + met.substr(1) + ibis.literal(";undecidable:") + unknown.substr(1)


register("high_value")
