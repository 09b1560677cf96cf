"""Securitisation: a waterfall language, pools of the four types of Chinese deals, and what each class of notes is worth.

A deal file is YAML. `parse_deal` reads it into a frozen `Deal` or names every fault; `simulate_deal` runs it on many paths;
the same deal runs with and without the party that makes up shortfalls.
"""

from __future__ import annotations

from zhirong.finance.securitisation.capital import retention_of, sec_erba, sec_sa, tranche_capital
from zhirong.finance.securitisation.investor_report import InvestorReport, investor_report
from zhirong.finance.securitisation.library import deal_names, load_deal
from zhirong.finance.securitisation.parse import parse_deal, read_deal
from zhirong.finance.securitisation.reading import DealError, Fault
from zhirong.finance.securitisation.recovery import recovery_of_values
from zhirong.finance.securitisation.simulation import DealResult, Estimate, TrancheResult, simulate_deal
from zhirong.finance.securitisation.sizing import Sizing, Target, named_target, size_tranches
from zhirong.finance.securitisation.spec import Deal
from zhirong.finance.securitisation.vectors import VectorRun, break_even_default_rate, run_vectors

__all__ = [
    "Deal", "DealError", "DealResult", "Estimate", "Fault", "InvestorReport", "Sizing", "Target", "TrancheResult", "VectorRun",
    "break_even_default_rate", "deal_names", "investor_report", "load_deal", "named_target", "parse_deal", "read_deal",
    "recovery_of_values", "retention_of", "run_vectors", "sec_erba", "sec_sa", "simulate_deal", "size_tranches",
    "tranche_capital",
]  # fmt: skip
