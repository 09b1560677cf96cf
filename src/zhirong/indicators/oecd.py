"""OECD patent quality: counts that need no citation graph, and grant lag within its cohort.

References
----------
Squicciarini, M., Dernis, H., Criscuolo, C. (2013), *Measuring Patent Quality*, OECD STI Working Paper
2013/03, doi 10.1787/5k4522wkw1r8-en.
"""

from __future__ import annotations

import ibis

from zhirong.indicators.catalogue import Context, Evidence
from zhirong.indicators.fields import with_cohort
from zhirong.indicators.frames import attach, count_of, frame, register
from zhirong.tables import safe

__all__ = ["counts"]


@frame("oecd_counts", needs=("fields",))
def counts(evidence: Evidence, context: Context) -> ibis.Table:
    """Grant lag, claims, non-patent references, renewal; one row a patent."""
    patents = evidence["patents"]
    base = patents.select(
        "patent_id",
        "filing_date",
        "claim_count",
        grant_lag=safe.days_between(patents.filing_date, patents.grant_date),
    )
    claims = evidence["claims"]
    claim_rows = claims.group_by("patent_id").aggregate(n=claims.count())
    citations = evidence["citations"]
    backward = citations.group_by("citing_id").aggregate(n=citations.cited_id.nunique()).rename(patent_id="citing_id")
    npl = evidence["nonpatent_citations"]
    npl_rows = npl.group_by("patent_id").aggregate(n=npl.count())
    parts = [
        claim_rows.select("patent_id", _claim_rows="n"),
        count_of(evidence, backward, "citations", "nonpatent_citations", name="_backward"),
        count_of(evidence, npl_rows, "citations", "nonpatent_citations", name="npl_citations"),
        _renewal(evidence),
        _grant_lag_index(evidence, context),
    ]
    t = attach(base, *parts)
    claim_count = ibis.coalesce(t.claim_count, t._claim_rows)
    return t.select(
        "patent_id",
        "grant_lag",
        "grant_lag_index",
        "grant_lag_flag",
        "npl_citations",
        "renewal",
        npl_share=safe.divide(t.npl_citations, t.npl_citations + t._backward),
        claims=claim_count,
        claims_bwd=safe.divide(claim_count, t._backward),
    )


def _renewal(evidence: Evidence) -> ibis.Table:
    """Whole years from filing to the last renewal payment."""
    events = evidence["legal_events"]
    paid = events.filter(events.event_kind == "annuity_paid")
    last = paid.group_by("patent_id").aggregate(_last=paid.event_date.max())
    patents = evidence["patents"]
    t = attach(patents.select("patent_id", "filing_date"), last)
    years = safe.whole_years(t.filing_date, t._last)
    return t.select("patent_id", renewal=ibis.ifelse(t._last.notnull(), years, ibis.null("int64")))


def _grant_lag_index(evidence: Evidence, context: Context) -> ibis.Table:
    """1 - lag / longest lag of the cohort."""
    patents = evidence["patents"]
    lag = patents.select("patent_id", _lag=safe.days_between(patents.filing_date, patents.grant_date))
    t = lag.inner_join(with_cohort(evidence, context), "patent_id")
    t = t.filter(t.filing_year.notnull() & t.technology_field.notnull() & t._lag.notnull())
    window = {"group_by": ["filing_year", "technology_field"]}
    t = t.mutate(_longest=t._lag.max().over(**window), _members=t._lag.count().over(**window))
    small = ibis.ifelse(t._members < 30, "small_cohort", ibis.null("string"))
    return t.select("patent_id", grant_lag_index=1.0 - safe.divide(t._lag, t._longest), grant_lag_flag=small)


register("oecd_counts")
