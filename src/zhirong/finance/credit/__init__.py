"""Credit risk of borrowers and of loan books."""

from zhirong.finance.credit.provisions import (
    CreditSigns,
    ExpectedLoss,
    LossGivenDefault,
    Scenario,
    Stage,
    Tier,
    collateral_lgd,
    expected_credit_loss,
    provision_matrix,
    stage_of,
    standardised_capital,
    survival,
    tier_of,
)
from zhirong.finance.credit.scorecard import Grouping, Scale, Scorecard, fit_scorecard

__all__ = [
    "CreditSigns",
    "ExpectedLoss",
    "Grouping",
    "LossGivenDefault",
    "Scale",
    "Scenario",
    "Scorecard",
    "Stage",
    "Tier",
    "collateral_lgd",
    "expected_credit_loss",
    "fit_scorecard",
    "provision_matrix",
    "stage_of",
    "standardised_capital",
    "survival",
    "tier_of",
]
