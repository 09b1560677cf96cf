"""Insurance of patents: what a cover promises, how often and how much it pays, its premium, portfolio and reinsurance."""

from zhirong.finance.insurance.losses import EventModel, covered_years, paid_for_event, slices_of_event
from zhirong.finance.insurance.portfolio import Accumulation, Reinsured, Treaty, accumulate, common_shocks, reinsure
from zhirong.finance.insurance.quote import (
    Driver,
    InsuredPatent,
    LayerPremium,
    MarketPrice,
    PolicyQuote,
    quote,
)
from zhirong.finance.insurance.rates import (
    Cell,
    PatentRate,
    declared_rate,
    known_matters,
    rates_from,
    rates_of_patents,
)
from zhirong.finance.insurance.spec import (
    COVERS,
    CoverKind,
    CoverLayer,
    CoverSpec,
    Loan,
    OwnBook,
    Treaties,
    parse_cover,
    read_cover,
    shipped_cover,
)

__all__ = [
    "COVERS",
    "Accumulation",
    "Cell",
    "CoverKind",
    "CoverLayer",
    "CoverSpec",
    "Driver",
    "EventModel",
    "InsuredPatent",
    "LayerPremium",
    "Loan",
    "MarketPrice",
    "OwnBook",
    "PatentRate",
    "PolicyQuote",
    "Reinsured",
    "Treaties",
    "Treaty",
    "accumulate",
    "common_shocks",
    "covered_years",
    "declared_rate",
    "known_matters",
    "paid_for_event",
    "parse_cover",
    "quote",
    "rates_from",
    "rates_of_patents",
    "read_cover",
    "reinsure",
    "shipped_cover",
    "slices_of_event",
]
