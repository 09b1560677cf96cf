"""Places of the rows, columns and settings of the compiled waterfall: one number each, read as constants by the kernels."""

from __future__ import annotations

__all__ = [
    "ALIVE", "BACK", "BACK_CAP", "BACK_SHARE", "BALANCE", "BASE", "BASIS", "BEFORE", "BOUGHT", "BOUGHT_BACK",
    "BUDGET", "CALLED", "CALL_PRICE", "CALL_SHARE", "CAP", "CARRIED", "CASH", "COLLECTED", "C_ACCOUNT", "C_BACK",
    "C_CALL", "C_CASH", "C_DEFAULT", "C_FEES", "C_INTEREST", "C_OWED", "C_POOL", "C_PRINCIPAL", "C_PURCHASES",
    "C_RECOVERY", "C_REIMBURSED", "C_RESERVE", "C_RESIDUAL", "C_SUPPORT", "C_TRIGGERS", "C_UNPAID", "DECLINE",
    "DEFAULTED", "DUE", "EACH", "ENDED", "FEES_DUE", "FLOOR", "HOLDER", "INITIAL", "INTEREST", "INTEREST_DUE", "LAG",
    "LANES", "NOTES", "ON", "OPENING", "ORIGINAL", "OWED", "PAID", "POOL", "PRICE", "PRINCIPAL_DUE", "RECOVERED",
    "REPLACED", "REPLACED_RECOVERY", "RESERVE", "REVOLVING_LAST", "REVOLVING_STOP", "ROWS", "SHARE", "SURVIVE",
    "TARGET", "TINY", "TOTAL", "USED", "WANTED",
]  # fmt: skip

LANES = 256
"""Paths of a block."""
# Rows of the state of a block.
CASH, RESERVE, OWED, USED, BUDGET, DECLINE, INTEREST, POOL = 0, 1, 2, 3, 4, 5, 6, 7
DEFAULTED, RECOVERED, BOUGHT_BACK, CALLED, COLLECTED, NOTES, FEES_DUE, INTEREST_DUE = (
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
)
TARGET, ALIVE, CARRIED, ENDED, WANTED, PAID, ON, TOTAL, OPENING = 16, 17, 18, 19, 20, 21, 22, 23, 24
ROWS = 25
# Rows of each tranche.
BALANCE, DUE, PRINCIPAL_DUE, BEFORE = 0, 1, 2, 3
# Rows over time.
BOUGHT, SURVIVE, REPLACED, BACK = 0, 1, 2, 3
# Settings.
ORIGINAL, INITIAL, SHARE, FLOOR, BASIS, CAP, CALL_SHARE, CALL_PRICE, BACK_SHARE, BACK_CAP, LAG = range(11)
REVOLVING_LAST, REVOLVING_STOP, PRICE, REPLACED_RECOVERY, HOLDER = 11, 12, 13, 14, 15
# Columns.
C_INTEREST, C_PRINCIPAL, C_RECOVERY, C_BACK, C_CALL, C_ACCOUNT, C_SUPPORT, C_FEES, C_REIMBURSED = range(9)
C_PURCHASES, C_RESIDUAL, C_RESERVE, C_CASH, C_POOL, C_DEFAULT, C_TRIGGERS, C_UNPAID, C_OWED = range(9, 18)
BASE, EACH = 18, 4
TINY = 1e-4
"""A hundredth of a fen: amounts at most this large are rounding, and no test turns on them."""
