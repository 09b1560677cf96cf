"""What every loan-like product shares: day counts, calendars, rates by date, repayment, cost of finance."""

from zhirong.finance.schedules.calendars import Calendar, Roll, add_months, adjust, is_business_day, is_provisional
from zhirong.finance.schedules.cost import (
    CostOfFinance,
    Flow,
    SubsidyRule,
    cost_of_finance,
    interest_subsidy,
    xirr,
)
from zhirong.finance.schedules.curves import Curve, RateSeries
from zhirong.finance.schedules.daycount import DayCount, year_fraction
from zhirong.finance.schedules.loans import (
    Draw,
    FloatingRate,
    LoanSchedule,
    LoanSpec,
    Repayment,
    revolving_schedule,
    schedule,
)

__all__ = [
    "Calendar",
    "CostOfFinance",
    "Curve",
    "DayCount",
    "Draw",
    "FloatingRate",
    "Flow",
    "LoanSchedule",
    "LoanSpec",
    "RateSeries",
    "Repayment",
    "Roll",
    "SubsidyRule",
    "add_months",
    "adjust",
    "cost_of_finance",
    "interest_subsidy",
    "is_business_day",
    "is_provisional",
    "revolving_schedule",
    "schedule",
    "xirr",
    "year_fraction",
]
