"""Claim structure: independent claims, shortest independent claim, categories, depth of the claim tree."""

from __future__ import annotations

import ibis

from zhirong.indicators.catalogue import Context, Evidence
from zhirong.indicators.frames import attach, frame, register
from zhirong.tables import safe

__all__ = ["claim_depths", "claims"]

_DEPTH_DOUBLINGS = 4
"""Chains of up to 2^4 claims are followed; longer ones count as 16."""


def claim_depths(table: ibis.Table) -> ibis.Table:
    """Return the longest chain of references among the claims of each patent.

    Parameters
    ----------
    table : ibis.Table
        Canonical `claims`.

    Returns
    -------
    ibis.Table
        ``patent_id``, ``tree_depth``: 0 where all claims are independent, at most 16.

    Notes
    -----
    Pointer doubling: after k rounds each claim knows its ancestor 2^k steps up, or its root and the distance.
    """
    t = table.select(
        "patent_id",
        "claim_number",
        _up="parent_number",
        _steps=table.parent_number.notnull().cast("int64"),
    )
    for _ in range(_DEPTH_DOUBLINGS):
        above = t.select("patent_id", _up="claim_number", _next="_up", _more="_steps")
        joined = attach(t, above, on=["patent_id", "_up"])
        t = joined.select(
            "patent_id",
            "claim_number",
            _up="_next",
            _steps=joined._steps + joined._more.fill_null(0),
        )
    return t.group_by("patent_id").aggregate(tree_depth=ibis.least(t._steps.max(), 2**_DEPTH_DOUBLINGS))


@frame("claims")
def claims(evidence: Evidence, context: Context) -> ibis.Table:
    """Measures of the claims as last published; one row a patent."""
    t = evidence["claims"]
    lead = t.is_independent.fill_null(False)

    def share(category: str) -> ibis.Value:
        typed = (lead & t.category.notnull()).cast("int64").sum()
        return safe.divide((lead & (t.category == category)).fill_null(False).cast("int64").sum(), typed)

    unknown = t.is_independent.isnull().cast("int64").sum()
    leads = lead.cast("int64").sum()
    counts = t.group_by("patent_id").aggregate(
        _rows=t.count(),
        _unknown=unknown,
        _leads=leads,
        _untyped=(lead & t.category.isnull()).cast("int64").sum(),
        _words=t.word_count.min(where=lead),
        _kinds=t.category.nunique(where=lead),
        product_share=share("product"),
        method_share=share("method"),
        use_share=share("use"),
        composition_share=share("composition"),
    )
    out = attach(evidence["patents"].select("patent_id"), counts, claim_depths(t))
    is_read = (out._unknown == 0) & (out._leads > 0)
    flag = ibis.cases((out._unknown > 0, "dependency_unknown"), (out._untyped > 0, "some_untyped"))

    def read(value: ibis.Value) -> ibis.Value:
        return ibis.ifelse(is_read.fill_null(False), value, ibis.null(value.type()))

    return out.select(
        "patent_id",
        "product_share",
        "method_share",
        "use_share",
        "composition_share",
        claim_flag=flag,
        independent_count=read(out._leads),
        shortest_independent_words=read(out._words),
        dependent_share=read(1.0 - safe.divide(out._leads, out._rows)),
        tree_depth=read(out.tree_depth),
        category_count=ibis.ifelse(out._untyped == 0, read(out._kinds), ibis.null("int64")),
    )


register("claims")
