"""Indicators: table expressions, one module a family, and the catalogue that names them.

Importing the package fills `CATALOGUE`.
"""

from zhirong.indicators import (  # noqa: F401  (each registers its entries)
    citation_entries,
    claims,
    composite,
    economy,
    family,
    field_dynamics,
    fields,
    gbt42748,
    high_value,
    legal,
    oecd,
    parties,
    text,
)
from zhirong.indicators.asof import evidence_at
from zhirong.indicators.catalogue import CATALOGUE, Context, Dimension, Indicator, lookup
from zhirong.indicators.page import catalogue_page
from zhirong.indicators.run import IndicatorRun, compute

__all__ = [
    "CATALOGUE",
    "Context",
    "Dimension",
    "Indicator",
    "IndicatorRun",
    "catalogue_page",
    "compute",
    "evidence_at",
    "lookup",
]
