"""The discount rate of a patent, built up or by CAPM and WACC, each component with its range and source, on one declared basis.

The components are drawn, not only summed, so that what is not known of the rate is known to be so. Flows are nominal yuan after tax;
a rate of another currency is brought over by the difference in expected inflation before anything is discounted with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.errors import DomainError, NotAdmissibleError, ParameterError
from zhirong.kernel.provenance import Grade, Source
from zhirong.kernel.text import Bilingual
from zhirong.numerics import discount as rates
from zhirong.numerics.basis import Basis, one_basis
from zhirong.numerics.levels import probability_levels
from zhirong.numerics.streams import stream_key
from zhirong.params import Parameter
from zhirong.valuation.accounts import Accounts
from zhirong.valuation.assumptions import levels_of, spread
from zhirong.valuation.types import Assumption, Distribution
from zhirong.valuation.used import Used

__all__ = [
    "AssetReturns",
    "DiscountRate",
    "asset_returns",
    "built_up_rate",
    "capital_cost_rate",
    "in_currency",
    "in_real_terms",
]

Floats = NDArray[np.float64]
GUIDELINE_PARTS = ("market", "technology", "capital", "management")
"""Premia of the appraisal guideline."""
_SUMMARY_DRAWS = 20_000
_CURRENCY_OF: Mapping[str, str] = {
    "CN": "CNY",
    "US": "USD",
    "EP": "EUR",
    "DE": "EUR",
    "FR": "EUR",
    "JP": "JPY",
    "KR": "KRW",
}
_RISK_FREE: Mapping[str, str] = {"CNY": "discount.cn.risk_free", "USD": "discount.us.risk_free"}
_BOUNDS = (0.03, 0.4)


@dataclass(frozen=True, slots=True)
class DiscountRate:
    """A discount rate and what it is made of.

    Parameters
    ----------
    method : str
        ``build_up`` or ``capital_cost``.
    components : tuple of Assumption
        Each with range and source, in the order they enter.
    basis : Basis
        Of the rate.
    assumption : Assumption
        ``discount_rate`` with the mean and spread of the draws, for methods that take one distribution.
    """

    method: str
    components: tuple[Assumption, ...]
    basis: Basis
    assumption: Assumption

    def drawn(self, name: str, *, seed: int, count: int) -> Floats:
        """Return draws of one component by name."""
        item = next((c for c in self.components if c.name == name), None)
        if item is None:
            raise DomainError(
                f"the rate has no component {name!r}; it has {', '.join(c.name for c in self.components)}"
            )
        return _drawn(item, name, seed=seed, count=count)

    def draws(self, *, seed: int, count: int) -> Floats:
        """Return draws of the rate; a component has the same draws in every rate that uses it."""
        x = {c.name: self.drawn(c.name, seed=seed, count=count) for c in self.components}
        home = _combined(self.method, x)
        if "inflation_from" in x:
            home = rates.rate_in_currency(home, inflation_from=x["inflation_from"], inflation_to=x["inflation_to"])
        return np.asarray(np.clip(home, *_BOUNDS), np.float64)


def _drawn(item: Assumption, stream: str, *, seed: int, count: int) -> Floats:
    return levels_of(item, probability_levels(stream_key(seed, f"discount/{stream}"), count)[:, 0])


def _combined(method: str, x: Mapping[str, Floats]) -> Floats:
    skip = {"inflation_from", "inflation_to"}
    if method == "build_up":
        return rates.built_up(*(value for name, value in x.items() if name not in skip))
    ratio = x["debt_to_equity"]
    beta = rates.relevered_beta(x["unlevered_beta"], ratio, x["tax_rate"])
    equity = rates.cost_of_equity(x["risk_free"], beta, x["equity_premium"], size=x["size_premium"])
    debt = x["risk_free"] + x["debt_spread"]
    cost = rates.weighted_cost(equity, debt, debt_share=ratio / (1 + ratio), tax_rate=x["tax_rate"])
    return np.asarray(cost + x["patent_premium"], np.float64)


def _component(name: str, p: Parameter) -> Assumption:
    low, high = (p.low if p.low is not None else float(p.value)), (p.high if p.high is not None else float(p.value))
    mode = float(p.value)
    if low == high:
        return Assumption(name, p.label, Distribution.FIXED, {"value": mode}, low, high, p.unit, p.source)
    shape = {"low": low, "mode": mode, "high": high}
    return Assumption(name, p.label, Distribution.TRIANGULAR, shape, low, high, p.unit, p.source)


def _currency(jurisdiction: str) -> str:
    return _CURRENCY_OF.get(jurisdiction.upper(), "USD")


def _risk_free(used: Used, currency: str) -> tuple[Assumption, str]:
    """Return the risk-free rate of a currency, or of the dollar where none is declared, and whose it is."""
    mine = currency if currency in _RISK_FREE else "USD"
    return _component("risk_free", used.at(_RISK_FREE[mine])), mine


def _across(used: Used, mine: str, target: str) -> list[Assumption]:
    if mine == target:
        return []
    try:
        pair = [
            ("inflation_from", used.at(f"discount.inflation.{mine.lower()}")),
            ("inflation_to", used.at(f"discount.inflation.{target.lower()}")),
        ]
    except ParameterError as err:
        raise NotAdmissibleError(f"no expected inflation to bring a rate from {mine} to {target}: {err}") from err
    return [_component(name, p) for name, p in pair]


def built_up_rate(
    used: Used,
    jurisdiction: str,
    *,
    currency: str = "CNY",
    parts: tuple[str, ...] = GUIDELINE_PARTS,
    mine: Mapping[str, Assumption] | None = None,
) -> DiscountRate:
    """Return the risk-free rate of the market plus premia.

    Parameters
    ----------
    used : Used
        Parameters at the date.
    jurisdiction : str
        Market whose flows are valued, WIPO ST.3.
    currency : str
        Currency of the flows, ISO 4217.
    parts : tuple of str
        Premia: those of the guideline, ``size``, or ``equity`` in place of ``market``.
    mine : Mapping of str to Assumption, optional
        Components that replace the shipped ones, by name.

    Raises
    ------
    DomainError
        For a premium counted twice.
    """
    if {"equity", "market"} <= set(parts) or len(set(parts)) < len(parts):
        raise DomainError("market and equity premium are one risk: name one of them, and each part once")
    free, whose = _risk_free(used, _currency(jurisdiction))
    path = {"equity": "discount.capm.equity_premium"}
    premia = [_component(f"{part}_premium", used.at(path.get(part, f"discount.premium.{part}"))) for part in parts]
    components = _replaced([free, *premia, *_across(used, whose, currency)], mine)
    return _rate(
        "build_up",
        components,
        currency,
        "Build-up of the risk-free rate and premia",
        "累加法：无风险利率加各项风险报酬",
    )


def capital_cost_rate(
    used: Used,
    jurisdiction: str,
    *,
    accounts: Accounts | None = None,
    currency: str = "CNY",
    mine: Mapping[str, Assumption] | None = None,
) -> DiscountRate:
    """Return the weighted cost of capital by CAPM, relevered, plus the premium of a patent over the business.

    Parameters
    ----------
    accounts : Accounts, optional
        The owner's: its book debt over book equity takes the place of the shipped structure where both are known.

    Notes
    -----
    ``(1 - w) (rf + beta_u (1 + (1 - tax) D/E) ERP + size) + w (rf + spread)(1 - tax) + patent``, ``w = D/E / (1 + D/E)``. Book values
    stand for market values, which overstates the debt of a firm worth more than its books.
    """
    free, whose = _risk_free(used, _currency(jurisdiction))
    tax = used.first(f"tax.{jurisdiction.lower()}.corporate", "tax.cn.corporate")
    assert tax is not None, "a tax rate is shipped"
    named = {
        "unlevered_beta": "discount.capm.unlevered_beta", "equity_premium": "discount.capm.equity_premium",
        "size_premium": "discount.premium.size", "debt_spread": "discount.capm.debt_spread",
        "patent_premium": "discount.premium.patent",
    }  # fmt: skip
    components = [free, *(_component(name, used.at(path)) for name, path in named.items())]
    components += [_fixed("tax_rate", float(tax.value), tax), _structure(used, accounts)]
    components = _replaced([*components, *_across(used, whose, currency)], mine)
    return _rate(
        "capital_cost", components, currency, "WACC by CAPM, relevered (Hamada), plus the premium of a patent",
        "加权平均资本成本（CAPM、Hamada 杠杆调整）加专利资产溢价",
    )  # fmt: skip


def _fixed(name: str, value: float, p: Parameter) -> Assumption:
    return Assumption(name, p.label, Distribution.FIXED, {"value": value}, value, value, p.unit, p.source)


def _structure(used: Used, accounts: Accounts | None) -> Assumption:
    p = used.at("discount.capm.debt_to_equity")
    debt, total = (accounts.series(name) if accounts is not None else {} for name in ("total_debt", "total_assets"))
    years = [y for y in debt if y in total and total[y] > debt[y] >= 0]
    if not years:
        return _component("debt_to_equity", p)
    year = max(years)
    ratio = debt[year] / (total[year] - debt[year])
    source = Source(
        f"Owner's interest-bearing debt over book equity of {year}, {ratio:.2f}", Grade.COMPUTED,
        title_zh=f"权利人 {year} 年有息负债与账面权益之比 {ratio:.2f}",
        note="assets less interest-bearing debt stand for equity", note_zh="以总资产减有息负债代权益",
    )  # fmt: skip
    # A book ratio is a poor witness of the market's, so it is spread by a third either way.
    shape = {"low": ratio * 2 / 3, "mode": ratio, "high": ratio * 4 / 3}
    if ratio == 0:
        return Assumption("debt_to_equity", p.label, Distribution.FIXED, {"value": 0.0}, 0.0, 0.0, p.unit, source)
    return Assumption(
        "debt_to_equity", p.label, Distribution.TRIANGULAR, shape, shape["low"], shape["high"], p.unit, source
    )


def _replaced(components: list[Assumption], mine: Mapping[str, Assumption] | None) -> list[Assumption]:
    names = {item.name for item in components}
    if unknown := sorted(set(mine or {}) - names):
        raise DomainError(f"the rate has no component {unknown[0]!r}; it has {', '.join(sorted(names))}")
    return [replace((mine or {}).get(item.name, item), name=item.name) for item in components]


def _rate(method: str, components: list[Assumption], currency: str, title: str, title_zh: str) -> DiscountRate:
    blank = spread(
        "discount_rate",
        Distribution.NORMAL,
        {"mean": 0.1, "sd": 0.01},
        Source(title, Grade.ASSUMED),
        low=_BOUNDS[0],
        high=_BOUNDS[1],
    )
    bare = DiscountRate(method, tuple(components), Basis(currency), blank)
    drawn = bare.draws(seed=0, count=_SUMMARY_DRAWS)
    weakest = max((c.source.grade for c in components), key=list(Grade).index)
    source = Source(
        f"{title}; after tax, nominal, {currency}", weakest,
        note=", ".join(f"{c.name} {_middle(c):.3f}" for c in components),
        title_zh=f"{title_zh}；税后、名义、{currency}",
        note_zh="，".join(f"{c.label.zh} {_middle(c):.3f}" for c in components),
    )  # fmt: skip
    sd = max(float(drawn.std()), 1e-6)
    summary = spread(
        "discount_rate",
        Distribution.NORMAL,
        {"mean": float(drawn.mean()), "sd": sd},
        source,
        low=_BOUNDS[0],
        high=_BOUNDS[1],
    )
    return replace(bare, assumption=summary)


def _middle(item: Assumption) -> float:
    return float(levels_of(item, np.array([0.5]))[0])


def in_currency(rate: DiscountRate, used: Used, currency: str, *, seed: int, count: int) -> tuple[Floats, Basis]:
    """Return draws of a rate in another currency by the inflation differential, and their basis."""
    drawn = rate.draws(seed=seed, count=count)
    if currency == rate.basis.currency:
        return drawn, rate.basis
    here, there = _across(used, rate.basis.currency, currency)
    levels = {item.name: _drawn(item, f"{item.name}/{currency}", seed=seed, count=count) for item in (here, there)}
    found = rates.rate_in_currency(drawn, inflation_from=levels["inflation_from"], inflation_to=levels["inflation_to"])
    return found, replace(rate.basis, currency=currency)


def in_real_terms(rate: DiscountRate, used: Used, *, seed: int, count: int) -> tuple[Floats, Basis]:
    """Return draws of a rate net of expected inflation (Fisher), and their basis."""
    one_basis([("rate", rate.basis), ("a rate to be made real", Basis(rate.basis.currency))])
    p = _component("inflation", used.at(f"discount.inflation.{rate.basis.currency.lower()}"))
    inflation = _drawn(p, "inflation", seed=seed, count=count)
    return rates.real_rate(rate.draws(seed=seed, count=count), inflation), replace(rate.basis, prices="real")


@dataclass(frozen=True, slots=True)
class AssetReturns:
    """Whether the returns asked of the assets of a business add up to its cost of capital.

    Parameters
    ----------
    values, returns : Mapping of str to float
        Fair value and return after tax of each asset, the residual (goodwill) last.
    asset_return, capital_cost : float
        WARA and WACC.
    implied_return : float
        What the residual must earn for the two to be equal.
    is_reconciled : bool
        WARA is within a percentage point of WACC.
    verdict : Bilingual
        In words.
    """

    values: Mapping[str, float]
    returns: Mapping[str, float]
    asset_return: float
    capital_cost: float
    implied_return: float
    is_reconciled: bool
    verdict: Bilingual


def asset_returns(
    values: Mapping[str, float], returns: Mapping[str, float], *, business_value: float, residual_return: float, capital_cost: float,
    tolerance: float = 0.01,
) -> AssetReturns:  # fmt: skip
    """Check a valuation by the weighted average return on assets.

    Parameters
    ----------
    values, returns : Mapping of str to float
        Every asset but the residual, by the same names; one currency.
    business_value : float
        Value of the whole, in the same currency.
    residual_return : float
        Return asked of what is left, goodwill; above the patents' by custom.
    capital_cost : float
        WACC.

    Raises
    ------
    NotAdmissibleError
        When the assets are worth more than the business: one of them is valued too high, or one is counted twice.
    """
    if values.keys() != returns.keys():
        raise DomainError(f"values and returns name different assets: {sorted(values.keys() ^ returns.keys())}")
    left = business_value - sum(values.values())
    if left <= 0:
        raise NotAdmissibleError(
            f"the assets ({sum(values.values()):,.0f}) are worth more than the business ({business_value:,.0f}): "
            "nothing is left for goodwill"
        )
    names = sorted(values)
    v, r = np.array([values[n] for n in names]), np.array([returns[n] for n in names])
    implied = rates.residual_return(v, r, capital_cost, left)
    found = rates.reconcile_assets(np.r_[v, left], np.r_[r, residual_return], capital_cost, tolerance=tolerance)
    word = ("reconciles", "一致") if found.is_reconciled else ("does not reconcile", "不一致")
    verdict = Bilingual(
        f"资产加权回报率 {found.asset_return:.1%} 与资本成本 {capital_cost:.1%} {word[1]}；商誉隐含回报率 {implied:.1%}",
        f"WARA {found.asset_return:.1%} {word[0]} with WACC {capital_cost:.1%}; goodwill would have to earn {implied:.1%}",
    )
    return AssetReturns(
        {**{n: values[n] for n in names}, "residual": left}, {**{n: returns[n] for n in names}, "residual": residual_return},
        found.asset_return, capital_cost, implied, found.is_reconciled, verdict,
    )  # fmt: skip
