"""Catalogue entries of the citation graph: each projects one column of a measure of `citation_expressions`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import ibis
import yaml

from zhirong.indicators import citation_expressions as measures
from zhirong.indicators.catalogue import CATALOGUE, Context, Dimension, Evidence, Indicator
from zhirong.indicators.fields import with_cohort
from zhirong.indicators.frames import attach
from zhirong.kernel.text import Bilingual
from zhirong.tables import Type, safe

__all__ = ["CITATION_IDS", "SMALL_COHORT", "TOP_SHARE", "breakthrough"]

TOP_SHARE = 0.01
SMALL_COHORT = 100
"""Members below which the top one percent is not resolved; the value carries a flag."""

Measure = Callable[[Evidence, Context], ibis.Table]


@dataclass(frozen=True, slots=True)
class _Column:
    """The compute function of an entry: one column of a measure, and the column that qualifies it."""

    measure: Measure
    value: str
    flag: str | None = None

    def __call__(self, evidence: Evidence, context: Context) -> ibis.Table:
        table = self.measure(evidence, context)
        columns = {"value": table[self.value]}
        if self.flag is not None:
            columns["flag"] = table[self.flag]
        return table.select("patent_id", **columns)


def _f5(evidence: Evidence, context: Context) -> ibis.Table:
    return measures.forward_counts(evidence, context, 5)


def _f7(evidence: Evidence, context: Context) -> ibis.Table:
    return measures.forward_counts(evidence, context, 7)


def _received(evidence: Evidence, context: Context) -> ibis.Table:
    return measures.relation_measures(evidence, context, "forward")


def _cited(evidence: Evidence, context: Context) -> ibis.Table:
    return measures.relation_measures(evidence, context, "backward")


def breakthrough(evidence: Evidence, context: Context, *, xy: bool) -> ibis.Table:
    """Return 1 for patents in the top share of five-year citations within filing year x WIPO field, else 0.

    A patent is in the top when fewer than one percent of its cohort (parameter ``oecd.breakthrough_share``) have more
    citations and it has some. NULL where the count or the cohort is unknown; flag ``small_cohort`` below 100 members.
    """
    share = float(context.params.get("oecd.breakthrough_share", TOP_SHARE))
    counts = measures.forward_counts(evidence, context, 5)
    value, flag = (counts.value_xy, counts.flag_xy) if xy else (counts.value, counts.flag)
    counts = counts.select("patent_id", n=value, _flag=flag)
    cohort = with_cohort(evidence, context).select("patent_id", "filing_year", "technology_field")
    t = attach(counts, cohort)
    ranked = t.filter(t.n.notnull() & t.filing_year.notnull() & t.technology_field.notnull())
    keys = ["filing_year", "technology_field"]
    above = ibis.rank().over(group_by=keys, order_by=[ibis.desc(ranked.n)])
    ranked = ranked.mutate(_above=above, _members=ranked.n.count().over(group_by=keys))
    is_top = (safe.divide(ranked._above, ranked._members) < share) & (ranked.n > 0)
    ranked = ranked.select(
        "patent_id",
        value=is_top.cast("int64"),
        _small=ibis.ifelse(ranked._members < SMALL_COHORT, "small_cohort", ibis.null("string")),
    )
    t = attach(t, ranked)
    flag = ibis.coalesce(t._flag, t._small, ibis.ifelse(t.value.isnull(), "no_cohort", ibis.null("string")))
    return t.select("patent_id", "value", flag=flag)


def _breakthrough(evidence: Evidence, context: Context) -> ibis.Table:
    return breakthrough(evidence, context, xy=False)


def _breakthrough_xy(evidence: Evidence, context: Context) -> ibis.Table:
    return breakthrough(evidence, context, xy=True)


_COLUMNS: Mapping[str, _Column] = {
    "oecd.forward_citations_5": _Column(_f5, "value", "flag"),
    "oecd.forward_citations_5_xy": _Column(_f5, "value_xy", "flag_xy"),
    "oecd.forward_citations_7": _Column(_f7, "value", "flag"),
    "oecd.forward_citations_7_xy": _Column(_f7, "value_xy", "flag_xy"),
    "oecd.breakthrough": _Column(_breakthrough, "value", "flag"),
    "oecd.breakthrough_xy": _Column(_breakthrough_xy, "value", "flag"),
    "oecd.backward_citations": _Column(measures.backward_measures, "references", "references_flag"),
    "oecd.generality": _Column(measures.forward_measures, "generality"),
    "oecd.originality": _Column(measures.backward_measures, "originality"),
    "oecd.radicalness": _Column(measures.backward_measures, "radicalness"),
    "hjt.generality_pooled": _Column(measures.forward_measures, "generality_pooled"),
    "hjt.generality_corrected": _Column(measures.forward_measures, "generality_corrected"),
    "hjt.originality_corrected": _Column(measures.backward_measures, "originality_corrected"),
    "cd.cd5": _Column(measures.disruption_measures, "cd", "flag"),
    "cd.mcd5": _Column(measures.disruption_measures, "mcd", "flag"),
    "citation.in_degree_all": _Column(measures.forward_measures, "in_degree", "in_degree_flag"),
    "citation.technology_cycle_time": _Column(measures.backward_measures, "cycle_time"),
    "citation.lag_mean": _Column(measures.forward_measures, "lag_mean"),
    "citation.lag_median": _Column(measures.forward_measures, "lag_median"),
    "citation.reference_coverage": _Column(measures.backward_measures, "coverage"),
    "citation.self_share_forward": _Column(_received, "self_share"),
    "citation.self_share_backward": _Column(_cited, "self_share"),
    "citation.x_received": _Column(_received, "third_party", "flag"),
    "citation.dependence": _Column(_cited, "third_party", "flag"),
    "citation.family_forward": _Column(measures.family_measures, "citing_families", "citing_flag"),
    "pai.technology_relevance": _Column(measures.family_measures, "relevance", "relevance_flag"),
}

CITATION_IDS = tuple(_COLUMNS)
"""Entries of the citation graph."""


def _register() -> None:
    text = resources.files("zhirong.indicators").joinpath("entries/citations.yaml").read_text("utf-8")
    described: dict[str, dict[str, Any]] = yaml.safe_load(text)
    assert set(described) == set(_COLUMNS), "citations.yaml and the columns name different entries"
    for id_, column in _COLUMNS.items():
        fields = dict(described[id_])
        assert id_ not in CATALOGUE, f"indicator {id_} is registered twice"
        CATALOGUE[id_] = Indicator(
            id=id_,
            dimension=Dimension(fields.pop("dimension")),
            name=Bilingual(fields.pop("name_zh"), fields.pop("name_en")),
            definition=Bilingual(fields.pop("definition_zh"), fields.pop("definition_en")),
            null_meaning=Bilingual(fields.pop("null_zh"), fields.pop("null_en")),
            type=Type(fields.pop("type")),
            compute=column,
            family="citations",
            **fields,
        )


_register()
