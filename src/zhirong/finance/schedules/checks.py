"""Checks of a spec: the message names the field, its value, and what is allowed."""

from __future__ import annotations

import math
from collections.abc import Sequence

from zhirong.kernel.errors import DomainError

__all__ = ["within"]


def within(
    name: str, value: float | None, low: float, high: float, *, open_low: bool = False, is_whole: bool = False
) -> None:
    """Refuse a field outside its range; None passes where the caller allows it by not calling.

    Raises
    ------
    DomainError
        Naming field, value and range.
    """
    kinds: Sequence[type] = (int,) if is_whole else (int, float)
    is_number = isinstance(value, tuple(kinds)) and not isinstance(value, bool)
    if (
        is_number
        and value is not None
        and math.isfinite(value)
        and low <= value <= high
        and not (open_low and value == low)
    ):
        return
    kind = "a whole number" if is_whole else "a number"
    bound = "above" if open_low else "from"
    raise DomainError(f"field {name}: {value!r}; allowed: {kind} {bound} {low:g} to {high:g}")
