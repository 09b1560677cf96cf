"""The firm's file: what it is and what it asks for; what is not stated stays unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from zhirong.finance.schedules.checks import within
from zhirong.kernel.errors import DomainError, EvidenceError, suggest

__all__ = ["Firm", "read_firm"]


@dataclass(frozen=True, slots=True)
class Firm:
    """What a firm states of itself; None is unknown, and never taken as no or as 0.

    Parameters
    ----------
    name : str
        As it should be printed.
    asked_cny : float or None
        Loan asked for.
    months : int
        Term.
    sales_cny, assets_cny : float or None
        Of the last year.
    employees : int or None
        Of the last year.
    sales_growth : tuple of float
        Of the last years, latest last.
    cash_for_debt_service_cny : tuple of float
        Of each year of the term.
    equity_raised_cny : float or None
        Equity and grants of the last two years.
    region : str or None
        City or province, plain text.
    is_high_tech, is_small : bool or None
        Certified high-technology enterprise; small or medium enterprise.
    pd, pd_low, pd_high : float or None
        Default probability of a year by the bank's rating, and its range.
    most_cash_cost : float or None
        Highest cash cost it can bear, fraction of the loan a year.
    pool_loans : int or None
        Loans with which this one could be securitised, itself included.
    pool_size_cny : float or None
        Money in the local risk pool.
    is_synthetic : bool
        The firm is made up.
    """

    name: str
    asked_cny: float | None = None
    months: int = 12
    sales_cny: float | None = None
    assets_cny: float | None = None
    employees: int | None = None
    sales_growth: tuple[float, ...] = ()
    cash_for_debt_service_cny: tuple[float, ...] = ()
    equity_raised_cny: float | None = None
    region: str | None = None
    is_high_tech: bool | None = None
    is_small: bool | None = None
    pd: float | None = None
    pd_low: float | None = None
    pd_high: float | None = None
    most_cash_cost: float | None = None
    pool_loans: int | None = None
    pool_size_cny: float | None = None
    is_synthetic: bool = False

    def __post_init__(self) -> None:
        wrong = []
        for name, low, high, is_whole in _RANGES:
            value = getattr(self, name)
            for one in value if isinstance(value, tuple) else (value,):
                if one is None:
                    continue
                try:
                    within(name, one, low, high, is_whole=is_whole)
                except DomainError as err:
                    wrong.append(str(err))
        if not wrong and self.pd is not None:
            low_, high_ = self.pd_low or self.pd, self.pd_high or self.pd
            if not low_ <= self.pd <= high_:
                wrong.append(f"field pd: {self.pd}; allowed: between pd_low {low_} and pd_high {high_}")
        if wrong:
            raise DomainError("; ".join(wrong))


_RANGES: tuple[tuple[str, float, float, bool], ...] = (
    ("asked_cny", 1, 1e12, False), ("months", 1, 120, True), ("sales_cny", 0, 1e13, False), ("assets_cny", 0, 1e13, False),
    ("employees", 0, 10**7, True), ("sales_growth", -1, 100, False), ("cash_for_debt_service_cny", -1e13, 1e13, False),
    ("equity_raised_cny", 0, 1e13, False), ("pd", 1e-6, 0.9, False), ("pd_low", 1e-6, 0.9, False), ("pd_high", 1e-6, 0.9, False),
    ("most_cash_cost", 0.001, 1, False), ("pool_loans", 0, 10**6, True), ("pool_size_cny", 0, 1e13, False),
)  # fmt: skip


def read_firm(path: Path) -> Firm:
    """Read a firm's file (YAML).

    Raises
    ------
    EvidenceError
        Naming the file and every field that is not allowed, with the value and what is.
    """
    try:
        plain: Any = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as err:
        raise EvidenceError(f"{path.name}: cannot be read as YAML: {' '.join(str(err).split())}") from err
    if not isinstance(plain, Mapping):
        raise EvidenceError(f"{path.name}: holds {type(plain).__name__}; allowed: fields with values, e.g. name: ...")
    known = [f.name for f in fields(Firm)]
    unknown = [f"field {name}: not known{suggest(str(name), known)}" for name in plain if name not in known]
    values: dict[str, Any] = {
        str(name): tuple(value) if isinstance(value, list) else value for name, value in plain.items() if name in known
    }
    unknown += _wrong_kinds(values)
    if unknown and any(": not known" not in line for line in unknown):
        raise EvidenceError(f"{path.name}: {'; '.join(unknown)}")
    try:
        if "name" not in values:
            unknown.append("field name: missing; allowed: a text")
            values["name"] = "?"
        firm = Firm(**values)
    except DomainError as err:
        raise EvidenceError(f"{path.name}: {'; '.join([*unknown, str(err)])}") from err
    if unknown:
        raise EvidenceError(f"{path.name}: {'; '.join(unknown)}")
    return firm


def _wrong_kinds(values: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with texts and yes-or-no fields; numbers are checked by the firm itself."""
    wrong = []
    for name, value in values.items():
        if name.startswith("is_") and not isinstance(value, bool | None):
            wrong.append(f"field {name}: {value!r}; allowed: true or false, or left out where not known")
        if name in {"name", "region"} and not (isinstance(value, str) and value.strip()):
            wrong.append(f"field {name}: {value!r}; allowed: a text")
        if name in {"sales_growth", "cash_for_debt_service_cny"} and not isinstance(value, tuple):
            wrong.append(f"field {name}: {value!r}; allowed: a list of numbers, latest last")
    return wrong
