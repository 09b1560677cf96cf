"""Everything a firm and its counterparties are shown: amount, risk, programmes, linked design, gain, flows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from zhirong.finance.bundle.compare import Comparison, FrontierPoint, compare, frontier
from zhirong.finance.bundle.cycle import FixedPoint, fixed_point
from zhirong.finance.bundle.design import Bundle, design
from zhirong.finance.bundle.firm import Firm
from zhirong.finance.bundle.flows import Transfer, dated_cost, transfers
from zhirong.finance.bundle.gains import Gains, share_gains
from zhirong.finance.bundle.programmes import PROGRAMMES, linked_offers, programme, reference_rate
from zhirong.finance.bundle.spec import BundleSpec, Need, Risk
from zhirong.finance.credit import LossGivenDefault, collateral_lgd
from zhirong.finance.pledge import PledgedRight, PledgeSpec, TermSheet, term_sheet
from zhirong.finance.schedules import CostOfFinance
from zhirong.kernel.errors import NotAdmissibleError
from zhirong.numerics.streams import stream_key
from zhirong.params import ParameterBook

__all__ = ["Proposal", "propose"]

Floats = NDArray[np.float64]
_LIMITS = ("ltv", "programme", "asked", "dscr")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal for one firm.

    Attributes
    ----------
    firm, as_of
        Whose, when.
    right_ids : tuple of str
        Pledged.
    sheet : TermSheet
        Of the pledge, with every limit; its shortfall probability is without the protection of the bundle.
    amount_cny : float
        Loan: least of what is asked, loan to value, debt service and programme cap.
    lgd : LossGivenDefault
        From the draws of value.
    risk : Risk
        Before protection.
    pd_range : tuple of float
        Low and high.
    linked : BundleSpec
        Offers.
    settled : FixedPoint
        The linked design under its own public caps, default probability agreeing with its cost.
    comparisons : tuple of Comparison
        Programmes at equal public cost.
    gains : Gains or None
        Of linking.
    frontier : tuple of FrontierPoint
        Cost to the firm against public cost.
    dated : CostOfFinance or None
        Internal rate of the signed flows of the linked design.
    flows : tuple of Transfer
        Expected payments of a year in the linked design.
    need : Need
        The loan as the designs took it.
    drawn : tuple of Risk
        Draws of default probability and loss behind the intervals.
    """

    firm: Firm
    as_of: date
    right_ids: tuple[str, ...]
    sheet: TermSheet
    amount_cny: float
    lgd: LossGivenDefault
    risk: Risk
    pd_range: tuple[float, float]
    linked: BundleSpec
    settled: FixedPoint
    comparisons: tuple[Comparison, ...]
    gains: Gains | None
    frontier: tuple[FrontierPoint, ...]
    dated: CostOfFinance | None
    flows: tuple[Transfer, ...]
    need: Need
    drawn: tuple[Risk, ...]

    @property
    def bundle(self) -> Bundle | None:
        """The linked design, None where there is none."""
        return self.settled.bundle if isinstance(self.settled.bundle, Bundle) else None


def propose(
    firm: Firm, rights: Sequence[PledgedRight], spec: PledgeSpec, book: ParameterBook, as_of: date, *,
    programmes: Sequence[str] = PROGRAMMES, draws: int = 60, seed: int = 1,
) -> Proposal:  # fmt: skip
    """Design the bundle of a firm.

    Parameters
    ----------
    firm : Firm
        What it states.
    rights : sequence of PledgedRight
        Valued rights, draws aligned.
    spec : PledgeSpec
        Policy of the lender.
    book, as_of
        Parameters and day.
    programmes : sequence of str
        Of `PROGRAMMES`.
    draws : int
        Draws of default probability and loss for the intervals.
    seed : int
        Seed.

    Raises
    ------
    NotAdmissibleError
        Where the rights allow no loan at all, with the reason.
    """
    sheet = term_sheet(rights, replace(spec, asked_cny=firm.asked_cny, months=firm.months), seed=seed)
    amount = _amount(sheet)
    need = Need(
        amount, firm.months, reference_rate(book, as_of), float(book.value("finance.bundle.appraisal_fee", as_of)),
        firm.most_cash_cost if firm.most_cash_cost is not None else 1.0,
    )  # fmt: skip
    losses = _losses(rights, spec, amount, seed)
    lgd = losses.at()
    stated = book.at("finance.bundle.pd", as_of)
    pd = firm.pd if firm.pd is not None else float(stated.value)
    low = firm.pd_low or (firm.pd if firm.pd is not None else stated.low) or pd
    high = firm.pd_high or (firm.pd if firm.pd is not None else stated.high) or pd
    turnover = (
        None if firm.sales_cny is None else firm.sales_cny / float(book.value("finance.bundle.eur_cny", as_of)) / 1e6
    )
    risk = Risk(pd, lgd.mean, turnover)
    offers = linked_offers(book, as_of, pool_loans=firm.pool_loans or 0, pool_size_cny=firm.pool_size_cny)
    cities = [programme(book, as_of, name, pool_size_cny=firm.pool_size_cny) for name in programmes]
    drawn = _drawn(risk, (low, high), losses, draws, seed)
    slope = float(book.value("finance.bundle.pd_slope", as_of))
    first = design(offers, need, risk)
    settled = (
        fixed_point(offers, need, risk, slope=slope, at_cost=first.cost)
        if isinstance(first, Bundle)
        else FixedPoint(first, pd, 1, False)
    )
    bundle = settled.bundle if isinstance(settled.bundle, Bundle) else None
    compared = compare(cities, offers, need, risk, draws=drawn)
    top = max((c.programme.public_cost for c in compared if isinstance(c.programme, Bundle)), default=0.01)
    return Proposal(
        firm, as_of, tuple(r.right_id for r in rights), sheet, amount, lgd, risk, (low, high), offers, settled, compared,
        share_gains(offers, need, risk), frontier(offers, need, risk, budgets=np.linspace(0.0, 1.3 * top, 27).tolist()),
        None if bundle is None else dated_cost(bundle, as_of), () if bundle is None else transfers(bundle), need, tuple(drawn),
    )  # fmt: skip


def _amount(sheet: TermSheet) -> float:
    if sheet.blocking:
        raise NotAdmissibleError("; ".join(reason.en for reason in sheet.blocking))
    known = [x.amount_cny for x in sheet.limits if x.name in _LIMITS and x.amount_cny is not None]
    amount = np.floor(min(known) / sheet.spec.round_to_cny) * sheet.spec.round_to_cny
    if amount <= 0:
        told = ", ".join(f"{x.name} {x.amount_cny:,.0f}" for x in sheet.limits if x.amount_cny is not None)
        raise NotAdmissibleError(f"the rights allow no loan: {told} CNY")
    return float(amount)


@dataclass(frozen=True, slots=True)
class _Losses:
    """Loss given default at one haircut, or with the haircut drawn from its range."""

    values: Floats
    cut: Floats
    years: Floats
    amount_cny: float
    spec: PledgeSpec

    def at(self, haircut: float | None = None) -> LossGivenDefault:
        path = self.spec.path
        taken = self.cut if haircut is None else np.full(self.values.size, haircut)
        return collateral_lgd(
            self.values, self.amount_cny, haircut=1 - (1 - taken) * (1 - path.sale_cost), sale_probability=1.0,
            discount_rate=path.discount_rate, years_to_sale=self.years,
        )  # fmt: skip


def _triangle(ends: tuple[float, float, float], levels: Floats) -> Floats:
    low, mode, high = ends
    if high <= low:
        return np.full(levels.size, low)
    return np.asarray(stats.triang.ppf(levels, (mode - low) / (high - low), low, high - low), np.float64)


def _losses(rights: Sequence[PledgedRight], spec: PledgeSpec, amount: float, seed: int) -> _Losses:
    values = np.sum([r.values for r in rights], axis=0)
    rng = np.random.default_rng(stream_key(seed, "bundle/loss"))
    cut = _triangle(spec.path.haircut, rng.random(values.size))
    median, sigma = spec.path.months_to_sale
    years = median / 12 * np.exp(sigma * rng.standard_normal(values.size))
    return _Losses(values, cut, years, amount, spec)


def _drawn(risk: Risk, ends: tuple[float, float], losses: _Losses, draws: int, seed: int) -> list[Risk]:
    """Return draws of what is not known: the default probability in its range, and the haircut of a forced sale in its own."""
    rng = np.random.default_rng(stream_key(seed, "bundle/risk"))
    haircut = losses.spec.path.haircut
    cuts = _triangle(haircut, rng.random(draws))
    pds = _triangle((ends[0], risk.pd, ends[1]), rng.random(draws))
    grid = np.linspace(haircut[0], haircut[2], 9)
    lgds = np.interp(cuts, grid, [losses.at(float(cut)).mean for cut in grid])
    return [Risk(float(pd), float(lgd), risk.turnover_eur_m) for pd, lgd in zip(pds, lgds, strict=True)]
