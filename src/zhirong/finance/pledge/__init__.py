"""Loans secured by a pledge of patents."""

from zhirong.finance.pledge.register import DoublePledgeError, Pledge, PledgeRegister, PledgeState
from zhirong.finance.pledge.spec import RIGHT_KINDS, Borrower, PledgedRight, PledgeSpec, shipped_spec
from zhirong.finance.pledge.terms import Limit, TermSheet, term_sheet

__all__ = [
    "RIGHT_KINDS",
    "Borrower",
    "DoublePledgeError",
    "Limit",
    "Pledge",
    "PledgeRegister",
    "PledgeSpec",
    "PledgeState",
    "PledgedRight",
    "TermSheet",
    "shipped_spec",
    "term_sheet",
]
