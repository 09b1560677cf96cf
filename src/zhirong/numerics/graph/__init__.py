"""Citation graphs: one compressed-sparse-row graph a run, and compiled passes over it."""

from zhirong.numerics.graph.coding import KeyCodes, text_keys
from zhirong.numerics.graph.cohorts import CohortRank, cohort_rank
from zhirong.numerics.graph.csr import NO_DAY, CitationGraph, DayOrder, build_graph, earliest_day, order_by_day
from zhirong.numerics.graph.disruption import Disruption, disruption
from zhirong.numerics.graph.owners import FamilyCitations, OwnerPass, family_citations, owner_pass
from zhirong.numerics.graph.passes import BackwardPass, ForwardPass, backward_pass, forward_pass
from zhirong.numerics.graph.records import NO_CLASS, ClassRows, VertexRecords, build_records, count_classes

__all__ = [
    "NO_CLASS",
    "NO_DAY",
    "BackwardPass",
    "CitationGraph",
    "ClassRows",
    "CohortRank",
    "DayOrder",
    "Disruption",
    "FamilyCitations",
    "ForwardPass",
    "KeyCodes",
    "OwnerPass",
    "VertexRecords",
    "backward_pass",
    "build_graph",
    "build_records",
    "cohort_rank",
    "count_classes",
    "disruption",
    "earliest_day",
    "family_citations",
    "forward_pass",
    "order_by_day",
    "owner_pass",
    "text_keys",
]
