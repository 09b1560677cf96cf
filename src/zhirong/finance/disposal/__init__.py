"""Disposal of pledged patents: the best channel, reserve and sequence, what it brings, when, and to whom."""

from zhirong.finance.disposal.buyers import Buyer, likely_buyers
from zhirong.finance.disposal.plan import (
    CHANNEL_LABELS,
    Disposal,
    DisposalSpec,
    Lot,
    LotPlan,
    Step,
    dispose,
    shipped_disposal,
)
from zhirong.finance.disposal.recovery import Claim, distribute, rank_claims

__all__ = [
    "CHANNEL_LABELS",
    "Buyer",
    "Claim",
    "Disposal",
    "DisposalSpec",
    "Lot",
    "LotPlan",
    "Step",
    "dispose",
    "distribute",
    "likely_buyers",
    "rank_claims",
    "shipped_disposal",
]
