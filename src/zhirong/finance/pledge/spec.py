"""What must be decided before a pledge loan can be offered; each field checked, each default sourced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from zhirong.finance.schedules import Calendar, DayCount, RateSeries, Repayment, Roll
from zhirong.finance.schedules.checks import within
from zhirong.kernel.errors import DomainError, UnknownNameError
from zhirong.kernel.provenance import Grade, Source
from zhirong.numerics.collateral import ValuePath
from zhirong.params import Parameter, ParameterBook

__all__ = ["RIGHT_KINDS", "Borrower", "PledgeSpec", "PledgedRight", "shipped_spec"]

RIGHT_KINDS: tuple[str, ...] = ("invention", "utility_model", "design", "trademark")


@dataclass(frozen=True, slots=True)
class PledgedRight:
    """One right offered as security.

    Parameters
    ----------
    right_id : str
        `patent_id`.
    kind : str
        Of `RIGHT_KINDS`.
    values : ndarray, shape (n,)
        Draws of its market value, CNY, 0 or more; draw by draw joint with those of the other rights.
    remaining_life_years : float or None
        None is unknown, which blocks the loan.
    family_id : str or None
        Rights of one family are pledged together or not at all.
    family_members : tuple of str
        All members of the family that are alive.
    is_annuity_paid, has_invalidation_petition, has_preservation_order, has_co_owner_consent : bool or None
        None is unknown.
    """

    right_id: str
    kind: str
    values: NDArray[np.float64]
    remaining_life_years: float | None
    family_id: str | None = None
    family_members: tuple[str, ...] = ()
    is_annuity_paid: bool | None = None
    has_invalidation_petition: bool | None = None
    has_preservation_order: bool | None = None
    has_co_owner_consent: bool | None = None

    def __post_init__(self) -> None:
        if not self.right_id:
            raise DomainError("field right_id: empty; allowed: a patent_id")
        if self.kind not in RIGHT_KINDS:
            raise UnknownNameError("kind of right", self.kind, RIGHT_KINDS)
        draws = np.asarray(self.values, np.float64)
        if draws.ndim != 1 or draws.size < 100 or not (np.isfinite(draws).all() and (draws >= 0).all()):
            raise DomainError("field values: allowed: 100 draws or more, finite, 0 or more")
        if self.remaining_life_years is not None:
            within("remaining_life_years", self.remaining_life_years, 0, 100)


@dataclass(frozen=True, slots=True)
class Borrower:
    """Cash with which the loan is served.

    Parameters
    ----------
    cash_for_debt_service_cny : tuple of float
        Of each year of the term, before this loan's service; negative where the firm burns cash.
    other_debt_service_cny : tuple of float
        Of each year, 0 or more; none where not given.
    source : Source
        Whose figures.
    """

    cash_for_debt_service_cny: tuple[float, ...]
    other_debt_service_cny: tuple[float, ...] = ()
    source: Source = field(default=Source("Stated by the borrower", Grade.STATED, title_zh="借款人提供"))

    def __post_init__(self) -> None:
        if not self.cash_for_debt_service_cny:
            raise DomainError("field cash_for_debt_service_cny: empty; allowed: one amount for each year of the term")
        for amount in self.cash_for_debt_service_cny:
            within("cash_for_debt_service_cny", amount, -1e13, 1e13)
        for amount in self.other_debt_service_cny:
            within("other_debt_service_cny", amount, 0, 1e13)
        if len(self.other_debt_service_cny) not in (0, len(self.cash_for_debt_service_cny)):
            raise DomainError("field other_debt_service_cny: allowed: none, or one for each year of cash")


@dataclass(frozen=True, slots=True)
class PledgeSpec:
    """Policy of the lender and terms of the loan.

    Parameters
    ----------
    start : date
        Disbursement.
    months, months_between, grace_periods : int
        As in `LoanSpec`.
    repayment : Repayment
        As in `LoanSpec`.
    annual_rate : float
        Rate of the loan, fraction a year, 0 to 1.
    ltv_caps : Mapping of str to float
        Highest loan to value of each kind of right, above 0 to 1.
    least_life_years : Mapping of str to float
        Least remaining life of each kind.
    epsilon : float
        Largest probability that the realisable value is below the debt at any date of the term.
    path : ValuePath
        How the value moves and what a forced sale leaves.
    least_dscr : float
        Least cash over debt service, 0.5 to 10.
    most_amount_cny, most_years : float
        Caps of the programme.
    asked_cny : float or None
        What the borrower asks for.
    round_to_cny : int
        The amount is rounded down to it.
    floor_ltv : float
        Covenant: loan to value above which the borrower tops up, above 0 to 1.
    appraisal_quantile : float
        Quantile of the value taken as the appraised value.
    sources : Mapping of str to Source
        Where each default comes from.
    """

    start: date
    months: int
    annual_rate: float
    ltv_caps: Mapping[str, float]
    least_life_years: Mapping[str, float]
    epsilon: float
    path: ValuePath
    least_dscr: float
    most_amount_cny: float
    most_years: float
    repayment: Repayment = Repayment.LEVEL
    months_between: int = 3
    grace_periods: int = 0
    asked_cny: float | None = None
    round_to_cny: int = 10_000
    floor_ltv: float = 0.6
    appraisal_quantile: float = 0.5
    day_count: DayCount = DayCount.ACT_360
    calendar: Calendar = Calendar.CN
    roll: Roll = Roll.FOLLOWING
    sources: Mapping[str, Source] = field(default_factory=dict)

    def __post_init__(self) -> None:
        within("months", self.months, 1, 480, is_whole=True)
        within("months_between", self.months_between, 1, 12, is_whole=True)
        if self.months % self.months_between:
            raise DomainError(
                f"field months: {self.months}; allowed: a multiple of months_between {self.months_between}"
            )
        within("grace_periods", self.grace_periods, 0, self.months // self.months_between - 1, is_whole=True)
        within("annual_rate", self.annual_rate, 0, 1)
        self._check_kinds()
        within("epsilon", self.epsilon, 0, 0.5, open_low=True)
        within("least_dscr", self.least_dscr, 0.5, 10)
        within("most_amount_cny", self.most_amount_cny, 0, 1e13, open_low=True)
        within("most_years", self.most_years, 0, 40, open_low=True)
        if self.asked_cny is not None:
            within("asked_cny", self.asked_cny, 0, 1e13, open_low=True)
        within("round_to_cny", self.round_to_cny, 1, 10_000_000, is_whole=True)
        within("floor_ltv", self.floor_ltv, 0, 1, open_low=True)
        within("appraisal_quantile", self.appraisal_quantile, 0.01, 0.99)
        _check_path(self.path)

    def _check_kinds(self) -> None:
        for name, table, high in (("ltv_caps", self.ltv_caps, 1.0), ("least_life_years", self.least_life_years, 40.0)):
            for kind, value in table.items():
                if kind not in RIGHT_KINDS:
                    raise UnknownNameError(f"kind of right in field {name}", kind, RIGHT_KINDS)
                within(f"{name}.{kind}", value, 0, high, open_low=name == "ltv_caps")


def _check_path(path: ValuePath) -> None:
    within("path.decay", path.decay, 0, 0.95)
    within("path.volatility", path.volatility, 0, 3)
    within("path.correlation", path.correlation, 0, 1)
    for part in path.haircut:
        within("path.haircut", part, 0, 1)
    if not path.haircut[0] <= path.haircut[1] <= path.haircut[2]:
        raise DomainError(f"field path.haircut: {path.haircut}; allowed: low, mode, high, not falling")
    within("path.months_to_sale[0]", path.months_to_sale[0], 0, 240)
    within("path.months_to_sale[1]", path.months_to_sale[1], 0, 3)
    within("path.sale_cost", path.sale_cost, 0, 0.99)
    within("path.discount_rate", path.discount_rate, 0, 1)


def shipped_spec(book: ParameterBook, as_of: date, *, months: int = 12, **changes: object) -> PledgeSpec:
    """Return a spec with the shipped parameters of a day; any field may be changed by name.

    Raises
    ------
    ParameterError
        When a parameter is not declared for the day.
    UnknownNameError
        For a field that does not exist.
    """
    used: dict[str, Parameter] = {}

    def at(name: str) -> Parameter:
        used[name] = book.at(f"finance.pledge.{name}", as_of)
        return used[name]

    haircut, sale, most = at("forced_sale_haircut"), at("months_to_sale").value, at("most").value
    assert haircut.low is not None and haircut.high is not None
    rate = max(RateSeries.from_book(book, "finance.lpr.1y", as_of).at(as_of) + float(at("spread").value), 0.0)
    used["annual_rate"] = book.at("finance.lpr.1y", as_of)
    path = ValuePath(
        at("value_decay").value, at("value_volatility").value, at("value_correlation").value,
        (haircut.low, haircut.value, haircut.high), (sale["median"], sale["sigma"]), at("sale_cost").value, rate,
    )  # fmt: skip
    defaults: dict[str, object] = {
        "start": as_of, "months": months, "annual_rate": rate, "path": path,
        "ltv_caps": {**at("ltv_cap").value, "design": at("ltv_cap_design").value},
        "least_life_years": {**at("least_life").value, "design": at("least_life_design").value},
        "epsilon": at("epsilon").value, "least_dscr": at("least_dscr").value,
        "most_amount_cny": float(most["amount_cny"]), "most_years": float(most["years"]),
        "sources": {name: p.source for name, p in used.items()},
    }  # fmt: skip
    known = set(PledgeSpec.__dataclass_fields__)
    for name in changes:
        if name not in known:
            raise UnknownNameError("field of PledgeSpec", name, known)
    return PledgeSpec(**{**defaults, **changes})  # type: ignore[arg-type]
