"""Securitisation: a waterfall language, pools of the four types of Chinese deals, and what each class of notes is worth.

A deal file is YAML. `parse_deal` reads it into a frozen `Deal` or names every fault; `simulate_deal` runs it on many paths;
the same deal runs with and without the party that makes up shortfalls.
"""

from __future__ import annotations

from zhirong.finance.securitisation.parse import parse_deal, read_deal
from zhirong.finance.securitisation.reading import DealError, Fault
from zhirong.finance.securitisation.simulation import DealResult, Estimate, TrancheResult, simulate_deal
from zhirong.finance.securitisation.spec import Deal

__all__ = [
    "Deal", "DealError", "DealResult", "Estimate", "Fault", "TrancheResult", "parse_deal", "read_deal", "simulate_deal",
]  # fmt: skip
