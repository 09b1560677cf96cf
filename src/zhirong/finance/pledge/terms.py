"""From values to terms both sides would sign: the amount, what limits it, what must hold before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from zhirong.finance.pledge.register import PledgeRegister
from zhirong.finance.pledge.spec import Borrower, PledgedRight, PledgeSpec
from zhirong.finance.pledge.wording import blocking_of, covenants_of
from zhirong.finance.schedules import CostOfFinance, Flow, LoanSchedule, LoanSpec, cost_of_finance, schedule
from zhirong.kernel.errors import DomainError
from zhirong.kernel.money import Money, Rounding
from zhirong.kernel.provenance import Source
from zhirong.kernel.text import Bilingual
from zhirong.numerics.collateral import DebtCapacity, debt_capacity, realisable_paths

__all__ = ["Limit", "TermSheet", "term_sheet"]

Floats = NDArray[np.float64]
_UNIT = Money(100_000_000_00, "CNY")


@dataclass(frozen=True, slots=True)
class Limit:
    """One bound of the amount.

    Attributes
    ----------
    name : str
        ``ltv``, ``var``, ``dscr``, ``programme``, ``asked``.
    label : Bilingual
        What a reader sees.
    amount_cny : float or None
        The largest loan it allows; None where it is not known and so does not count.
    low_cny, high_cny : float or None
        95 % interval where the bound is estimated from draws.
    binds : bool
        Decides the amount.
    """

    name: str
    label: Bilingual
    amount_cny: float | None
    low_cny: float | None = None
    high_cny: float | None = None
    binds: bool = False


@dataclass(frozen=True, slots=True)
class TermSheet:
    """An offer of a pledge loan, or the reasons why there is none.

    Attributes
    ----------
    right_ids : tuple of str
        Pledged rights.
    spec : PledgeSpec
        Policy and terms.
    amount : Money
        0 where a limit or a blocking check leaves nothing.
    limits : tuple of Limit
        Every bound with its figure.
    blocking : tuple of Bilingual
        What forbids the loan as things stand.
    warnings : tuple of Bilingual
        What is not known and would matter.
    covenants : tuple of Bilingual
        What must hold over the term.
    appraised_cny : float
        Sum of the appraised values.
    value_interval_cny : tuple of float
        5 % and 95 % quantiles of the sum of values.
    ltv : float
        Amount over appraised value.
    shortfall_probability : float
        Share of paths on which the proceeds are below the debt at some date.
    loan : LoanSchedule or None
        Payments; None without a loan.
    cost : CostOfFinance or None
        Of the borrower.
    sources : tuple of (str, Source)
        Of the parameters.
    """

    right_ids: tuple[str, ...]
    spec: PledgeSpec
    amount: Money
    limits: tuple[Limit, ...]
    blocking: tuple[Bilingual, ...]
    warnings: tuple[Bilingual, ...]
    covenants: tuple[Bilingual, ...]
    appraised_cny: float
    value_interval_cny: tuple[float, float]
    ltv: float
    shortfall_probability: float
    loan: LoanSchedule | None
    cost: CostOfFinance | None
    sources: tuple[tuple[str, Source], ...]

    @property
    def binding(self) -> Limit | None:
        """The limit that decides the amount."""
        return next((limit for limit in self.limits if limit.binds), None)


def term_sheet(
    rights: Sequence[PledgedRight], spec: PledgeSpec, *, borrower: Borrower | None = None,
    register: PledgeRegister | None = None, fees: Sequence[Flow] = (), seed: int = 1,
) -> TermSheet:  # fmt: skip
    """Return the terms of a loan on one or more rights.

    Parameters
    ----------
    rights : sequence of PledgedRight
        One or more, with joint draws of equal number.
    spec : PledgeSpec
        Policy and terms.
    borrower : Borrower, optional
        Without it debt-service cover is unknown, and the sheet says so.
    register : PledgeRegister, optional
        Rights held by another pledge block the loan.
    fees : sequence of Flow
        Fees and subsidies for the cost of finance.
    seed : int
        Of the value paths.

    Returns
    -------
    TermSheet

    Notes
    -----
    The amount is the least of: the sum of appraised value times cap over the rights; the largest loan with
    ``P(min_t (R_t - debt_t) < 0) <= epsilon``; cash over ``least_dscr`` times the service of one unit, the worst year; the cap of
    the programme; what is asked.
    """
    ordered = _joint(rights)
    book = register or PledgeRegister()
    unit = schedule(_loan(spec, _UNIT))
    values = np.stack([r.values for r in ordered])
    appraised = np.quantile(values, spec.appraisal_quantile, axis=1)
    capacity = _capacity(ordered, values, unit, spec, seed)
    limits = _mark(_limits(ordered, appraised, capacity, unit, spec, borrower))
    blocking, warnings = blocking_of(ordered, spec, book, has_borrower=borrower is not None)
    least = min(limit.amount_cny for limit in limits if limit.amount_cny is not None)
    whole = 0.0 if blocking else max(np.floor(least / spec.round_to_cny + 1e-9) * spec.round_to_cny, 0.0)
    amount = Money.from_float(whole, "CNY", rounding=Rounding.DOWN)
    loan = schedule(_loan(spec, amount)) if amount.minor else None
    total = values.sum(axis=0)
    return TermSheet(
        right_ids=tuple(r.right_id for r in ordered),
        spec=spec,
        amount=amount,
        limits=limits,
        blocking=blocking,
        warnings=warnings,
        covenants=covenants_of(spec, amount),
        appraised_cny=float(appraised.sum()),
        value_interval_cny=(float(np.quantile(total, 0.05)), float(np.quantile(total, 0.95))),
        ltv=whole / float(appraised.sum()) if appraised.sum() > 0 else 0.0,
        shortfall_probability=capacity.shortfall_probability(whole) if whole else 0.0,
        loan=loan,
        cost=cost_of_finance(loan, fees) if loan is not None else None,
        sources=tuple(sorted(spec.sources.items())),
    )


def _joint(rights: Sequence[PledgedRight]) -> list[PledgedRight]:
    if not rights:
        raise DomainError("field rights: none; allowed: one or more")
    ordered = sorted(rights, key=lambda r: r.right_id)
    if any(a.right_id == b.right_id for a, b in pairwise(ordered)):
        raise DomainError("field rights: one right is named twice; allowed: each once")
    if len({len(r.values) for r in ordered}) > 1:
        raise DomainError("field rights: draws differ in number; allowed: joint draws, as many for each right")
    return ordered


def _loan(spec: PledgeSpec, amount: Money) -> LoanSpec:
    return LoanSpec(
        amount, spec.annual_rate, spec.start, spec.months, spec.repayment, spec.months_between, spec.grace_periods,
        day_count=spec.day_count, calendar=spec.calendar, roll=spec.roll,
    )  # fmt: skip


def _capacity(
    rights: Sequence[PledgedRight], values: Floats, unit: LoanSchedule, spec: PledgeSpec, seed: int
) -> DebtCapacity:
    """Owed just before each payment: the balance of the period and its interest."""
    opening = np.concatenate([[unit.principal_minor], unit.balance[:-1]]).astype(np.float64)
    accrued = opening * unit.rates * unit.year_fractions
    if not unit.interest[:-1].any():
        accrued = np.cumsum(accrued)
    years = np.array([(day - spec.start).days / 365.25 for day in unit.dates])
    lives = np.array([r.remaining_life_years or 0.0 for r in rights])
    names = tuple(r.right_id for r in rights)
    realisable = realisable_paths(values, names, lives, spec.path, years, seed=seed)
    return debt_capacity(realisable, (opening + accrued) / unit.principal_minor, spec.epsilon)


def _limits(
    rights: Sequence[PledgedRight], appraised: Floats, capacity: DebtCapacity, unit: LoanSchedule, spec: PledgeSpec,
    borrower: Borrower | None,
) -> list[Limit]:  # fmt: skip
    caps = np.array([spec.ltv_caps.get(r.kind, 0.0) for r in rights])
    percent = f"{spec.epsilon:.0%}"
    return [
        Limit("ltv", Bilingual("按权利类别的质押率上限", "Loan-to-value cap by kind of right"), float(caps @ appraised)),
        Limit(
            "var",
            Bilingual(
                f"全期内可变现价值低于债务的概率不超过 {percent}",
                f"Realisable value below the debt at any date with probability of at most {percent}",
            ),
            capacity.amount, capacity.low, capacity.high,
        ),
        Limit(
            "dscr",
            Bilingual(f"偿债备付率不低于 {spec.least_dscr:g}", f"Debt-service cover of at least {spec.least_dscr:g}"),
            None if borrower is None else _served(borrower, unit, spec),
        ),
        Limit("programme", Bilingual("产品单户上限", "Cap of the programme for a borrower"), spec.most_amount_cny),
        Limit("asked", Bilingual("申请金额", "Amount asked for"), spec.asked_cny),
    ]  # fmt: skip


def _served(borrower: Borrower, unit: LoanSchedule, spec: PledgeSpec) -> float:
    """Return the largest loan whose service is covered in every year of the term."""
    years = -(-spec.months // 12)
    cash = np.asarray(borrower.cash_for_debt_service_cny, np.float64)
    if len(cash) < years:
        raise DomainError(
            f"field cash_for_debt_service_cny: {len(cash)} years; allowed: {years}, the years of the term"
        )
    other = np.asarray(borrower.other_debt_service_cny or np.zeros(len(cash)), np.float64)
    due = np.zeros(years)
    for k, paid in enumerate(unit.payment):
        due[min(k * spec.months_between // 12, years - 1)] += paid / unit.principal_minor
    room = cash[:years] / spec.least_dscr - other[:years]
    held = due > 0
    return float(max(np.min(room[held] / due[held]), 0.0))


def _mark(limits: list[Limit]) -> tuple[Limit, ...]:
    known = [limit for limit in limits if limit.amount_cny is not None]
    least = min(known, key=lambda limit: float(limit.amount_cny or 0.0))
    return tuple(replace(limit, binds=limit is least) for limit in limits)
