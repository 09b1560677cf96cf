"""The 27 level-3 items of GB/T 42748-2023 on one scale of 0-100: an expert's score, else a computable proxy.

The standard's own scale was not read; 0-100 is public practice. A proxy is the percentile of an indicator among its
peers (filing year x WIPO field, coarser where small), or a direct reading of a fact. Nothing is filled in: without
proxy and without expert the item is NULL and says what it waits for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import ibis

from zhirong.indicators.catalogue import Context, Evidence
from zhirong.indicators.cohort import cohort_percentile
from zhirong.indicators.fields import with_cohort
from zhirong.indicators.frames import attach, component, derived, frame, register
from zhirong.params.facts import gbt42748
from zhirong.tables import safe

__all__ = ["EXPERT_ITEMS", "ITEMS", "PREFIX", "expert_scores", "items"]

PREFIX = "gbt42748."
ITEMS: tuple[str, ...] = tuple(row["item"] for row in gbt42748())
EXPERT_ITEMS = ("technical_effect", "complement_dependence", "development_stage")
"""Items without any proxy: only an expert's score answers."""


@dataclass(frozen=True, slots=True)
class _Peer:
    """A column ranked among peers: where it is, and which way is better."""

    source: str
    column: str
    direction: int = 1


_PEERS: Mapping[str, tuple[_Peer, ...]] = {
    "family": (_Peer("family", "family_size"),),
    "non_circumventability": (_Peer("claims", "shortest_independent_words", -1),),
    "claim_reasonableness": (
        _Peer("claims", "independent_count"),
        _Peer("claims", "dependent_share"),
        _Peer("support", "term_support"),
    ),
    "dependence": (_Peer("citations", "citation.dependence", -1),),
    "problem_importance": (_Peer("growth", "field_growth"),),
    "originality": (_Peer("citations", "oecd.originality"), _Peer("text", "novelty")),
    "citations": (_Peer("citations", "oecd.forward_citations_5"),),
    "substitutes": (_Peer("text", "near_count", -1),),
    "field_count": (_Peer("fields", "scope"),),
    "field_range": (_Peer("citations", "oecd.generality"), _Peer("fields", "fields_reached")),
    "defensiveness": (_Peer("citations", "citation.x_received"),),
    "control": (_Peer("competition", "control"),),
    "competitors": (_Peer("competition", "competitor_count", -1),),
    "sales_revenue": (_Peer("economy", "product_revenue"),),
    "transfer_licence": (_Peer("legal", "transfer_count"), _Peer("legal", "licence_count")),
    "finance_insurance": (_Peer("legal", "pledge_count"), _Peer("legal", "is_insured")),
    "litigation_arbitration": (_Peer("legal", "suit_count"),),
}
"""Items that are percentiles; several are averaged over those known."""

_DIRECT: Mapping[str, Callable[[ibis.Table], ibis.Value]] = {
    "validity": lambda t: _yes_no(t.in_force),
    "reexamination_invalidation": lambda t: (
        100.0 * safe.divide(t.challenges_survived, t.challenges_survived + t.challenges_lost)
    ),
    "claim_type": lambda t: 100.0 * (t.product_share + t.composition_share) + 50.0 * (t.method_share + t.use_share),
    "technology_life_cycle": lambda t: 100.0 * (1.0 - t.s_curve_maturity),
    "remaining_economic_life": lambda t: ibis.least(100.0, 5.0 * t.remaining_life),
    "market_share": lambda t: 100.0 * t.market_share,
    "policy_fit": lambda t: _yes_no(t.policy_match),
}
"""Items that are read from a fact directly."""

_USES = (
    "citation.dependence",
    "citation.x_received",
    "oecd.forward_citations_5",
    "oecd.generality",
    "oecd.originality",
)


def _yes_no(fact: ibis.Value) -> ibis.Value:
    return ibis.cases((fact, 100.0), (~fact, 0.0))


def expert_scores(evidence: Evidence) -> ibis.Table:
    """Return the last expert score of each patent and item known at the date.

    Returns
    -------
    ibis.Table
        ``patent_id``, ``item``, ``score`` (0-100; the mean where several experts scored on the last day), ``on``
        (the day), ``expert_count``. Scores outside 0-100 are left out.
    """
    t = evidence["opinions"]
    t = t.filter(
        t.patent_id.notnull() & t.indicator_id.startswith(PREFIX).fill_null(False) & t.score.between(0.0, 100.0)
    )
    t = t.select("patent_id", "score", "opinion_date", "appraiser_id", item=t.indicator_id.substr(len(PREFIX)))
    last = t.group_by(["patent_id", "item"]).aggregate(_last=t.opinion_date.max())
    t = t.inner_join(last, ["patent_id", "item"]).filter(lambda x: x.opinion_date == x._last)
    return t.group_by(["patent_id", "item"]).aggregate(
        score=t.score.mean(), on=t.opinion_date.max(), expert_count=t.appraiser_id.nunique()
    )


@frame(
    "gbt42748",
    needs=(
        "claims", "competition", "economy", "family", "fields", "growth", "legal", "s_curve", "support", "text",
    ),
    uses=_USES,
)  # fmt: skip
def items(evidence: Evidence, context: Context) -> ibis.Table:
    """Score of each item and ``<item>_flag``: ``proxy``, ``proxy:small_cohort``, ``expert:<date>``, what is missing."""
    t = attach(evidence["patents"].select("patent_id"), _proxies(evidence, context), _experts(evidence))
    out: dict[str, ibis.Value] = {"patent_id": t.patent_id}
    for item in ITEMS:
        score, on = t[f"{item}_expert"], t[f"{item}_on"]
        if item in EXPERT_ITEMS:
            out[item] = score
            waiting = "expert_input_needed"
            out[f"{item}_flag"] = ibis.cases((score.notnull(), _expert_flag(on)), else_=waiting)
            continue
        proxy = t[f"{item}_proxy"]
        out[item] = ibis.coalesce(score, proxy)
        out[f"{item}_flag"] = ibis.cases(
            (score.notnull(), _expert_flag(on)),
            (proxy.isnull(), "no_evidence:expert_input_needed"),
            (t[f"{item}_small"] > 0, "proxy:small_cohort"),
            else_="proxy",
        )
    return t.select(**out)


def _expert_flag(on: ibis.Value) -> ibis.Value:
    return ibis.literal("expert:") + on.cast("string").substr(0, 10)


def _experts(evidence: Evidence) -> ibis.Table:
    t = expert_scores(evidence)
    columns: dict[str, ibis.Value] = {}
    for item in ITEMS:
        columns[f"{item}_expert"] = t.score.max(where=t.item == item)
        columns[f"{item}_on"] = t.on.max(where=t.item == item)
    return t.group_by("patent_id").aggregate(**columns)


def _proxies(evidence: Evidence, context: Context) -> ibis.Table:
    """`<item>_proxy` in 0-100 and `<item>_small` (1 where a coarser cohort was used)."""
    peers = [peer for group in _PEERS.values() for peer in group]
    t = attach(with_cohort(evidence, context), *(_column(evidence, context, peer) for peer in peers))
    ranked = context.engine.stage(
        cohort_percentile(t, {_name(peer): peer.direction for peer in peers}), "peer_percentiles"
    )
    facts = attach(
        evidence["patents"].select("patent_id"),
        derived(evidence, context, "legal").select(
            "patent_id", "in_force", "challenges_survived", "challenges_lost", "remaining_life"
        ),
        derived(evidence, context, "claims").select(
            "patent_id", "product_share", "composition_share", "method_share", "use_share"
        ),
        derived(evidence, context, "s_curve").select("patent_id", "s_curve_maturity"),
        derived(evidence, context, "economy").select("patent_id", "market_share", "policy_match"),
        ranked,
    )
    out: dict[str, ibis.Value] = {"patent_id": facts.patent_id}
    for item, group in _PEERS.items():
        names = [_name(peer) for peer in group]
        total = sum((facts[n].fill_null(0.0) for n in names[1:]), facts[names[0]].fill_null(0.0))
        known = sum((facts[n].notnull().cast("int64") for n in names[1:]), facts[names[0]].notnull().cast("int64"))
        out[f"{item}_proxy"] = safe.divide(total, known)
        levels = [facts[f"{n}_cohort"].fill_null(0) for n in names]
        out[f"{item}_small"] = ibis.greatest(*levels) if len(levels) > 1 else levels[0]
    for item, read in _DIRECT.items():
        out[f"{item}_proxy"] = read(facts)
        out[f"{item}_small"] = ibis.literal(0, "int64")
    return facts.select(**out)


def _name(peer: _Peer) -> str:
    return f"{peer.source}_{peer.column}".replace(".", "_")


def _column(evidence: Evidence, context: Context, peer: _Peer) -> ibis.Table:
    if peer.source == "citations":
        return component(evidence, context, peer.column).select("patent_id", **{_name(peer): "value"})
    table = derived(evidence, context, peer.source)
    return table.select("patent_id", **{_name(peer): table[peer.column].cast("float64")})


register("gbt42748")
