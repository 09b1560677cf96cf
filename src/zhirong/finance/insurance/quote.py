"""The quote of a cover: premium with its interval, what it is made of, the law of the year, slices, accumulation, reinsurance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy import special

from zhirong.finance.insurance.losses import EventModel, covered_years
from zhirong.finance.insurance.portfolio import Accumulation, Reinsured, accumulate, common_shocks, reinsure
from zhirong.finance.insurance.premium import Premium, capital_premium, per_patent_tariff, tvar_premium
from zhirong.finance.insurance.rates import PatentRate
from zhirong.finance.insurance.spec import CoverKind, CoverSpec
from zhirong.kernel.errors import DomainError
from zhirong.kernel.text import Bilingual
from zhirong.numerics.aggregate import AggregateLoss, aggregate_fft
from zhirong.numerics.claim_counts import CountLaw, binomial_count, negative_binomial_count, poisson_count
from zhirong.numerics.layers import lattice_of_draws, layer_total
from zhirong.numerics.levels import probability_levels
from zhirong.numerics.streams import stream_key
from zhirong.params import Parameter, ParameterBook

__all__ = ["Driver", "InsuredPatent", "LayerPremium", "MarketPrice", "PolicyQuote", "quote"]

Floats = NDArray[np.float64]
_DISPUTE = ("expense_median", "expense_spread", "tail_from", "tail_shape", "dependence", "lag_years")
_INPUTS: Mapping[CoverKind, tuple[str, ...]] = {
    CoverKind.INFRINGEMENT: ("infringement_share", "infringement_spread", *_DISPUTE),
    CoverKind.ENFORCEMENT: ("infringement_share", "infringement_spread", *_DISPUTE),
    CoverKind.VALIDITY: ("invalidated", "partly_invalidated", "partial_loss", *_DISPUTE),
    CoverKind.GUARANTEE: (),
    CoverKind.APPRAISAL: ("appraisal_liable", "appraisal_tolerance"),
}
_STEPS, _POINTS, _COARSE = 256, 4096, 32
_Z90 = 1.6448536269514722


@dataclass(frozen=True, slots=True)
class InsuredPatent:
    """A patent, draws of its value in CNY, and how often events happen to it (None for covers of a loan)."""

    patent_id: str
    values: Floats
    rate: PatentRate | None = None


@dataclass(frozen=True, slots=True)
class Driver:
    """Premium when one input is at the low and at the high end of its range."""

    name: str
    label: Bilingual
    low: float
    high: float
    premium_low_cny: float
    premium_high_cny: float


@dataclass(frozen=True, slots=True)
class LayerPremium:
    """A slice on its own: expected payment and premium of the term, before the limit of the term; rate on line where it has a width."""

    name: str
    attachment_cny: float
    width_cny: float
    share: float
    expected_cny: float
    premium_cny: float


@dataclass(frozen=True, slots=True)
class MarketPrice:
    """A published price for a like cover, CNY for the term."""

    label: Bilingual
    low_cny: float
    high_cny: float
    parameter: Parameter


@dataclass(frozen=True, slots=True)
class PolicyQuote:
    """A quote, with everything behind it.

    Attributes
    ----------
    spec : CoverSpec
    as_of : date
    patents : tuple of InsuredPatent
    premium : Premium
        For the term: expected payments, expenses, and the cost of the policy's share of the capital of its portfolio.
    low_cny, high_cny : float
        5 and 95 % of the premium over what is not known of the inputs.
    principles : Mapping of str to float
        Premium by the principles of mean, deviation, tail within the portfolio, and tail of the policy alone.
    events : tuple of float
        Expected events of the term, with 5 and 95 %.
    event_mean_cny : float
        Expected payment for one event.
    total : AggregateLoss
        Payments of the term after its deductible and limit.
    layers, drivers, market : tuples
    accumulation : Accumulation
    reinsured : Reinsured
    parameters : tuple of Parameter
        Every declared input with its source.
    seed : int
    """

    spec: CoverSpec
    as_of: date
    patents: tuple[InsuredPatent, ...]
    premium: Premium
    low_cny: float
    high_cny: float
    principles: Mapping[str, float]
    events: tuple[float, float, float]
    event_mean_cny: float
    total: AggregateLoss
    layers: tuple[LayerPremium, ...]
    drivers: tuple[Driver, ...]
    market: tuple[MarketPrice, ...]
    accumulation: Accumulation
    reinsured: Reinsured
    parameters: tuple[Parameter, ...]
    seed: int


class _Pricer:
    """Premium as a function of the inputs."""

    def __init__(
        self, spec: CoverSpec, patents: Sequence[InsuredPatent], book: ParameterBook, as_of: date, seed: int
    ) -> None:
        self.spec, self.patents = spec, patents
        self.used = {n: book.at(f"finance.insurance.{n}", as_of) for n in _INPUTS[spec.cover]}
        self.prices = book.at("finance.insurance.premium", as_of)
        self.shock = book.at("finance.insurance.shock", as_of)
        rates = [p.rate.rate.mean if p.rate else 1.0 for p in patents]
        self.model = EventModel(spec, [p.values for p in patents], rates, seed=seed)
        self.base = {name: float(p.value) for name, p in self.used.items()}

    def frequency(self, x: Mapping[str, float], level: float | None = None, pd: float | None = None) -> CountLaw:
        """Return the count of the term: its predictive law, or that of a known rate at a level of what is not known of it."""
        spec = self.spec
        if spec.loan is not None and spec.is_credit:
            chance = 1 - (1 - (spec.loan.pd if pd is None else pd)) ** ((spec.term_months - spec.waiting_months) / 12)
            if spec.cover is CoverKind.APPRAISAL:
                chance *= x["appraisal_liable"]
            return binomial_count(1, min(chance * (1 - spec.structural_zero), 0.999))
        years = covered_years(spec, x["lag_years"])
        rates = [p.rate.rate for p in self.patents if p.rate]
        if level is None:
            mean = years * sum(r.mean for r in rates)
            deviation = years * sum(r.mean / math.sqrt(r.shape) for r in rates)  # fields err together
            shape = (mean / deviation) ** 2
            law = negative_binomial_count(shape, mean / (shape + mean))
        else:
            law = poisson_count(years * sum(r.quantile(level) for r in rates))
        return _inflated(law, spec.structural_zero)

    def law(self, count: CountLaw, draws: Floats, *, is_capped: bool = True) -> AggregateLoss:
        """Return the law of the term for payments of an event."""
        spec = self.spec
        step = spec.most_per_event_cny / _STEPS
        spread = count.mean + 10 * math.sqrt(count.variance) + 6
        points = _POINTS * 2 ** max(0, math.ceil(math.log2(spread * _STEPS / _POINTS)))
        total = aggregate_fft(count, lattice_of_draws(draws, step=step, points=_STEPS + 2), points=points)
        if not is_capped:
            return total
        return layer_total(total, attachment=spec.aggregate_deductible_cny, width=spec.aggregate_limit_cny)

    def tail_prices(self) -> dict[str, float]:
        return {k: float(self.prices.value[k]) for k in ("level", "cost_of_capital", "loading", "expense")}

    def premium(self, x: Mapping[str, float], level: float | None = None, pd: float | None = None) -> float:
        """Return the gross premium under some inputs."""
        paid, count = np.sum(self.model.payments(x), axis=0), self.frequency(x, level, pd)
        return self.priced(self.law(count, paid), self.portfolio(count.mean, paid)).gross_cny

    def priced(self, total: AggregateLoss, pooled: Accumulation) -> Premium:
        """Return the premium with the policy's share of the capital of its portfolio."""
        prices = self.tail_prices()
        return capital_premium(total.mean, prices["loading"] * max(pooled.capital_per_policy_cny, 0.0), **prices)

    def portfolio(self, rate: float, paid: Floats) -> Accumulation:
        """Return a portfolio of like policies, on a coarser lattice so that many limits fit on it."""
        own = self.spec.book
        shocks = common_shocks(
            own.policies, rate, share=float(self.shock.value["share"]), chance=float(self.shock.value["chance"]),
            field_share=own.field_share, court_share=own.court_share,
        )  # fmt: skip
        step = self.spec.most_per_event_cny / _COARSE
        hit = max([len(s.members) * s.chance for s in shocks], default=1.0)
        spread = own.policies * rate * 3 + 12 * math.sqrt(own.policies * rate * hit) + 3 * hit + 12
        points = 2 ** math.ceil(math.log2(spread * _COARSE))
        severity = lattice_of_draws(paid, step=step, points=_COARSE + 2)
        return accumulate(own.policies, rate, severity, shocks, level=self.tail_prices()["level"], points=points)


def _inflated(law: CountLaw, zero: float) -> CountLaw:
    if zero == 0:
        return law
    none = float(np.exp(law.log_pgf(np.zeros(1, np.complex128))[0].real))
    return law.zero_modified(zero + (1 - zero) * none)


def quote(
    spec: CoverSpec,
    patents: Sequence[InsuredPatent],
    book: ParameterBook,
    as_of: date,
    *,
    seed: int = 1,
    draws: int = 200,
) -> PolicyQuote:
    """Price a cover.

    Parameters
    ----------
    spec : CoverSpec
        The cover.
    patents : sequence of InsuredPatent
        What is insured, with values and rates; the value enters the loss, or the liability of an appraiser.
    book, as_of : ParameterBook, date
        Declared inputs of the day.
    seed, draws : int
        Stream; draws of the inputs for the interval, 20 or more.

    Raises
    ------
    DomainError
        For no patent, a patent without a rate under a dispute cover, or too few draws.
    """
    if not patents:
        raise DomainError("patents: one or more allowed")
    if draws < 20:
        raise DomainError(f"draws: {draws} given, 20 or more allowed")
    if not spec.is_credit and any(p.rate is None for p in patents):
        raise DomainError(f"patents: each with a rate of events allowed, which a {spec.cover} cover needs")
    pricer = _Pricer(spec, patents, book, as_of, seed)
    x, prices = pricer.base, pricer.tail_prices()
    slices, count = pricer.model.payments(x), pricer.frequency(x)
    paid = np.sum(slices, axis=0)
    total = pricer.law(count, paid)
    pooled = pricer.portfolio(count.mean, paid)
    premium = pricer.priced(total, pooled)
    low, high = np.quantile(_sample(pricer, seed, draws), [0.05, 0.95])
    loading = book.at("finance.insurance.reinsurance_loading", as_of)
    return PolicyQuote(
        spec, as_of, tuple(patents), premium, float(min(low, premium.gross_cny)), float(max(high, premium.gross_cny)),
        _principles(total, premium, pricer), _events(pricer), float(paid.mean()), total, _layers(pricer, count, slices, premium),
        _drivers(pricer), _market(spec, len(patents), book, as_of), pooled,
        reinsure(pooled, spec.reinsurance, loading=float(loading.value), prices=prices),
        (*pricer.used.values(), pricer.prices, pricer.shock, loading), seed,
    )  # fmt: skip


def _sample(pricer: _Pricer, seed: int, draws: int) -> list[float]:
    """Premiums under draws of all inputs: a split normal of the log around the value, its range read as 5 to 95 %."""
    spec, names = pricer.spec, list(pricer.used)
    u = probability_levels(stream_key(seed, "insurance/inputs"), draws, columns=2 + len(names))
    found = []
    for row in u:
        x = {n: _moved(pricer.used[n], float(level)) for n, level in zip(names, row[2:], strict=True)}
        found.append(pricer.premium(x, float(row[0]), _pd(spec, float(row[1]))))
    return found


def _moved(given: Parameter, level: float) -> float:
    value, low, high = float(given.value), given.low, given.high
    if low is None or high is None or value <= 0 or low <= 0:
        return value
    return _split_normal(value, low, high, level)


def _split_normal(value: float, low: float, high: float, level: float) -> float:
    z = float(special.ndtri(level))
    moved = value * (high / value if z > 0 else value / low) ** (z / _Z90)
    return float(min(max(moved, low * low / value), high * high / value if high > 1 else (1 + high) / 2))


def _pd(spec: CoverSpec, level: float) -> float | None:
    loan = spec.loan
    return None if loan is None else min(_split_normal(loan.pd, loan.pd_low, loan.pd_high, level), 0.95)


def _events(pricer: _Pricer) -> tuple[float, float, float]:
    spec, x = pricer.spec, pricer.base
    if spec.is_credit and spec.loan is not None:
        return tuple(pricer.frequency(x, pd=p).mean for p in (spec.loan.pd, spec.loan.pd_low, spec.loan.pd_high))  # type: ignore[return-value]
    return pricer.frequency(x).mean, pricer.frequency(x, 0.05).mean, pricer.frequency(x, 0.95).mean


def _principles(total: AggregateLoss, premium: Premium, pricer: _Pricer) -> dict[str, float]:
    prices = pricer.prices.value
    points = np.arange(len(total.pmf)) * total.step
    deviation = math.sqrt(max(0.0, float(total.pmf @ points**2) - total.mean**2))
    kept = 1 - prices["expense"]
    return {
        "mean": (1 + prices["mean_loading"]) * total.mean / kept,
        "deviation": (total.mean + prices["deviation_loading"] * deviation) / kept,
        "tail": premium.gross_cny,
        "alone": tvar_premium(total, **pricer.tail_prices()).gross_cny,
    }


def _layers(pricer: _Pricer, count: CountLaw, slices: Sequence[Floats], whole: Premium) -> tuple[LayerPremium, ...]:
    """Slices share the capital of the policy as their own tails would."""
    layers = pricer.spec.layers
    made = [tvar_premium(pricer.law(count, d, is_capped=False), **pricer.tail_prices()) for d in slices[: len(layers)]]
    tails = sum(m.capital_cny for m in made) or 1.0
    found = []
    for layer, m in zip(layers, made, strict=True):
        own = capital_premium(m.expected_loss_cny, whole.capital_cny * m.capital_cny / tails, **pricer.tail_prices())
        row = (layer.attachment_cny, layer.width_cny, layer.share, m.expected_loss_cny, own.gross_cny)
        found.append(LayerPremium(layer.name, *row))
    return tuple(found)


def _drivers(pricer: _Pricer) -> tuple[Driver, ...]:
    spec, x, found = pricer.spec, pricer.base, []
    for name, given in pricer.used.items():
        if given.low is not None and given.high is not None:
            ends = [pricer.premium({**x, name: v}) for v in (given.low, given.high)]
            found.append(Driver(name, given.label, given.low, given.high, *ends))
    if spec.loan is not None and spec.is_credit:
        pds = (spec.loan.pd_low, spec.loan.pd_high)
        ends = [pricer.premium(x, pd=p) for p in pds]
        found.append(Driver("pd", Bilingual("借款人一年违约概率", "Default probability of a year"), *pds, *ends))
    else:
        rates = [sum(p.rate.rate.quantile(q) for p in pricer.patents if p.rate) for q in (0.05, 0.95)]
        ends = [pricer.premium(x, q) for q in (0.05, 0.95)]
        found.append(
            Driver("rate", Bilingual("每年事件数（全部专利）", "Events a year, all patents"), rates[0], rates[1], *ends)
        )
    return tuple(sorted(found, key=lambda d: -abs(d.premium_high_cny - d.premium_low_cny)))


def _market(spec: CoverSpec, patents: int, book: ParameterBook, as_of: date) -> tuple[MarketPrice, ...]:
    years = spec.term_months / 12
    if spec.cover is CoverKind.ENFORCEMENT:
        given = book.at("finance.insurance.tariff.enforcement", as_of)
        ends = []
        for k in (0, 1):
            price, limit = per_patent_tariff(
                patents, base_cny=given.value["base_cny"][k], per_patent_cny=given.value["per_patent_cny"][k],
                multiple=given.value["multiple"][k],
            )  # fmt: skip
            ends.append(years * price / limit * spec.aggregate_limit_cny)
        return (MarketPrice(given.label, min(ends), max(ends), given),)
    if spec.cover is CoverKind.GUARANTEE and spec.loan is not None:
        given = book.at("finance.insurance.tariff.guarantee", as_of)
        price = years * float(given.value) * spec.loan.amount_cny
        return (MarketPrice(given.label, price, price, given),)
    return ()
