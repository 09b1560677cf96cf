"""Reserve funds: which patents to acquire under a budget, quotas and a tail risk, solved exactly."""

from zhirong.finance.funds.selection import (
    Candidate,
    FrontierPoint,
    FundSpec,
    Reason,
    Selection,
    frontier,
    joint_values,
    select,
    shipped_fund,
)

__all__ = [
    "Candidate",
    "FrontierPoint",
    "FundSpec",
    "Reason",
    "Selection",
    "frontier",
    "joint_values",
    "select",
    "shipped_fund",
]
