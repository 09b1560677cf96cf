"""From evidence at a date to a value: a distribution with its reasons, its assumptions and its sources."""

from zhirong.valuation.assumptions import load_overrides
from zhirong.valuation.background import Background, prepare
from zhirong.valuation.engine import Batch, PortfolioValuation, value_patent, value_patents, value_portfolio
from zhirong.valuation.serialise import portfolio_to_dict, to_dict, to_json
from zhirong.valuation.types import (
    QUANTILE_LEVELS,
    Admissibility,
    Assumption,
    Contribution,
    MethodResult,
    Purpose,
    StandardOfValue,
    Valuation,
)

__all__ = [
    "QUANTILE_LEVELS",
    "Admissibility",
    "Assumption",
    "Background",
    "Batch",
    "Contribution",
    "MethodResult",
    "PortfolioValuation",
    "Purpose",
    "StandardOfValue",
    "Valuation",
    "load_overrides",
    "portfolio_to_dict",
    "prepare",
    "to_dict",
    "to_json",
    "value_patent",
    "value_patents",
    "value_portfolio",
]
