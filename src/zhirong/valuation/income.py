"""The income methods beside relief from royalty: excess earnings, with-and-without, profit split, and stacked royalties.

They share revenue, growth, rate, life and validity with relief from royalty, and add what each needs: the owner's margin and assets,
what the right keeps away, the share of profit. What evidence does not give is missing by name, or an assumption that says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from zhirong.kernel.errors import DomainError, NotAdmissibleError
from zhirong.kernel.provenance import Grade, Source
from zhirong.kernel.text import Bilingual
from zhirong.numerics.basis import Basis, one_basis
from zhirong.numerics.distributions import SCORE_MAX, TABLE_SIZE
from zhirong.numerics.income import (
    ContributoryAsset,
    IncomeValue,
    charge_share,
    excess_earnings_values,
    grown,
    period_lengths,
    profit_split_values,
    with_and_without_values,
)
from zhirong.numerics.levels import probability_levels
from zhirong.numerics.montecarlo import INPUTS
from zhirong.numerics.stacking import Stack, stacked_rates
from zhirong.numerics.streams import stream_key
from zhirong.valuation.accounts import Accounts
from zhirong.valuation.assumptions import levels_of, table_of
from zhirong.valuation.background import Background
from zhirong.valuation.income_names import as_spread, as_triangle, needed
from zhirong.valuation.methods import IncomeModel, income_model
from zhirong.valuation.subject import Subject
from zhirong.valuation.types import Assumption, Distribution
from zhirong.valuation.used import Used

__all__ = [
    "SanityBand",
    "excess_earnings_draws",
    "excess_earnings_value",
    "income_assumptions",
    "profit_split_draws",
    "profit_split_value",
    "sanity_band",
    "stacked_royalty_table",
    "with_and_without_draws",
    "with_and_without_value",
]

Floats = NDArray[np.float64]

_ASSETS = ("working_capital", "fixed_assets", "workforce")
_MARGIN_YEARS = 5
_BELOW_ZERO_MAX = 0.9


@dataclass(frozen=True, slots=True)
class SanityBand:
    """Royalty rates that a rule of thumb would give: a mark on the scale, never a value.

    Parameters
    ----------
    low, high : float
        Rule applied to the 10 % and the 90 % quantile of the operating margin; fraction of revenue.
    label, warning : Bilingual
        What it is, and why it decides nothing.
    source : Source
        The judgment that rejects it.
    """

    low: float
    high: float
    label: Bilingual
    warning: Bilingual
    source: Source


def income_assumptions(background: Background, accounts: Accounts, used: Used) -> dict[str, Assumption]:
    """Return the assumptions of the income methods for which evidence or a parameter exists; what is missing stays missing.

    Parameters
    ----------
    background : Background
        What the patents of the store share.
    accounts : Accounts
        The owner's (`accounts_of`).
    used : Used
        Parameters at the date.
    """
    found = [_margin(background, accounts, used), *_assets(background, accounts, used)]
    found += [as_triangle(f"{name}_return", used.at(f"income.return.{name}")) for name in _ASSETS]
    found += [
        as_triangle(name, used.at(f"income.{name}"))
        for name in ("profit_share", "lost_share", "margin_loss", "erosion_years", "substitute_years")
    ]
    return {item.name: item for item in found if item is not None}


def _grade(background: Background) -> Grade:
    return Grade.SYNTHETIC if background.store.manifest.is_synthetic else Grade.COMPUTED


def _margin(background: Background, accounts: Accounts, used: Used) -> Assumption | None:
    """Return the long-run operating margin: the firm's own years, drawn towards its industry as far as they are few or restless."""
    p = used.at("income.margin_spread")
    between, within = float(p.value["firms"]), float(p.value["years"])
    sales, profit = accounts.series("revenue"), accounts.series("operating_profit")
    years = sorted(y for y in profit if sales.get(y, 0.0) > 0)[-_MARGIN_YEARS:]
    own = np.array([profit[y] / sales[y] for y in years])
    industry = [s.operating_margin for s in accounts.sector if s.operating_margin is not None][-_MARGIN_YEARS:]
    if not len(own) and not industry:
        return None
    centre = float(np.mean(industry)) if industry else None
    noise = within**2 / max(len(own), 1)
    if centre is None:
        mean, variance = float(own.mean()), noise
    elif not len(own):
        mean, variance = centre, between**2 + within**2 / _MARGIN_YEARS
    else:
        weight = between**2 / (between**2 + noise)
        mean, variance = weight * float(own.mean()) + (1 - weight) * centre, weight * noise
    title = Bilingual(
        f"权利人 {len(own)} 年营业利润率，向行业 {len(industry)} 年均值收缩",
        f"Owner's operating margin of {len(own)} years, drawn towards {len(industry)} years of its industry",
    )
    source = Source(title.en, _grade(background), dated=background.as_of, title_zh=title.zh, note=f"spreads: {p.path}")
    return as_spread("operating_margin", Distribution.NORMAL, {"mean": mean, "sd": float(np.sqrt(variance))}, source)


def _assets(background: Background, accounts: Accounts, used: Used) -> list[Assumption | None]:
    sales = accounts.series("revenue")
    found: list[Assumption | None] = []
    total = accounts.series("total_assets")
    both = [y for y in total if sales.get(y, 0.0) > 0]
    if both:
        year = max(both)
        ratio = total[year] / sales[year]
        for name in ("working_capital", "fixed_assets"):
            p = used.at(f"income.asset_share.{name}")
            assert p.low is not None
            assert p.high is not None
            source = Source(
                f"Total assets over revenue of {year} ({ratio:.2f}) times an assumed share of {name.replace('_', ' ')}",
                Grade.ASSUMED, dated=background.as_of,
                title_zh=f"{year} 年总资产与收入之比（{ratio:.2f}）乘以假设的{p.label.zh}",
            )  # fmt: skip
            shape = {"low": ratio * p.low, "mode": ratio * float(p.value), "high": ratio * p.high}
            found.append(as_spread(name, Distribution.TRIANGULAR, shape, source))
    people = accounts.series("employee_count")
    both = [y for y in people if sales.get(y, 0.0) > 0]
    if both:
        year = max(both)
        p = used.at("income.workforce_cost_cny")
        assert p.low is not None
        assert p.high is not None
        each = people[year] / sales[year]
        source = Source(
            f"{people[year]:,.0f} employees of {year} times an assumed cost of replacing one, over revenue",
            Grade.ASSUMED, dated=background.as_of,
            title_zh=f"{year} 年 {people[year]:,.0f} 名员工乘以假设的人均重置成本，除以收入",
        )  # fmt: skip
        shape = {"low": each * p.low, "mode": each * float(p.value), "high": each * p.high}
        found.append(as_spread("workforce", Distribution.TRIANGULAR, shape, source))
    return found


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What the income methods share, drawn: revenue by period, rate, calendar, chance that the right stands."""

    revenue: Floats
    rate: Floats
    lengths: Floats
    probability: Floats
    tax_rate: float
    tax_life_years: float


def _shared(
    method: str, subject: Subject, assumptions: Mapping[str, Assumption], *, as_of: date, seed: int, count: int,
    model: IncomeModel | None, revenue: Floats | None, factors: Floats | None,
) -> _Drawn:  # fmt: skip
    # Flows and rate of these methods are nominal CNY after tax; a rate of another unit is refused, not mixed.
    needed(assumptions, ("attributable_revenue",))
    one_basis([("revenue", Basis("CNY")), ("discount_rate", _basis_of(assumptions["discount_rate"]))])
    model = model or income_model(subject, assumptions, as_of=as_of, seed=seed)
    x = dict(
        zip(INPUTS, replace(model, key=stream_key(seed, f"{method}/{subject.patent_id}")).inputs(count).T, strict=True)
    )
    plan = model.plan
    term = np.minimum(x["economic_life"], plan.legal_life_years)
    lengths = period_lengths(term, first_period_years=plan.first_period_years)
    periods = lengths.shape[1]
    if revenue is None:
        path = grown(x["revenue"], x["growth"], periods, long_run=plan.long_run_growth, fade=plan.growth_fade)
    else:
        path = _fitted("revenue", revenue, count, periods)
    chance = x["validity"][:, None] if factors is None else _fitted("factors", factors, count, periods)
    return _Drawn(path, x["discount_rate"], lengths, chance, plan.tax_rate, plan.tax_life_years)


def _fitted(name: str, paths: Floats, count: int, periods: int) -> Floats:
    if paths.ndim != 2 or paths.shape[0] != count or paths.shape[1] < periods:
        raise DomainError(f"{name} needs shape ({count}, at least {periods}), not {paths.shape}")
    return paths[:, :periods]


def _basis_of(rate: Assumption) -> Basis:
    unit = rate.unit
    return Basis(
        currency=next((word for word in unit.replace(",", " ").split() if len(word) == 3 and word.isupper()), "CNY"),
        prices="real" if "real" in unit.split() else "nominal",
        tax="before_tax" if "before tax" in unit else "after_tax",
    )


def _draw(
    name: str, method: str, subject: Subject, assumptions: Mapping[str, Assumption], *, seed: int, count: int
) -> Floats:
    """Return draws of one input from a stream of its own, so that no other input changes them."""
    levels = probability_levels(stream_key(seed, f"{method}/{subject.patent_id}/{name}"), count)[:, 0]
    return levels_of(assumptions[name], levels)


def excess_earnings_value(
    subject: Subject, assumptions: Mapping[str, Assumption], *, as_of: date, seed: int, count: int,
    model: IncomeModel | None = None, revenue: Floats | None = None, factors: Floats | None = None,
) -> IncomeValue:  # fmt: skip
    """Return flows, present value, tax factor and value by excess earnings; see `excess_earnings_draws`."""
    names = ("operating_margin", *_ASSETS, *(f"{name}_return" for name in _ASSETS))
    needed(assumptions, names)
    method = "excess_earnings"
    shared = _shared(
        method, subject, assumptions, as_of=as_of, seed=seed, count=count, model=model, revenue=revenue, factors=factors
    )
    x = {name: _draw(name, method, subject, assumptions, seed=seed, count=count) for name in names}
    # Depreciation, pay and training are above the operating margin already: a return of these assets would count twice.
    charges, _ = charge_share(
        tuple(ContributoryAsset(name, x[name], x[f"{name}_return"], is_wear_in_margin=True) for name in _ASSETS)
    )
    found = excess_earnings_values(
        shared.revenue, x["operating_margin"], charges, shared.rate, shared.lengths, tax_rate=shared.tax_rate,
        tax_life_years=shared.tax_life_years, probability=shared.probability,
    )  # fmt: skip
    lasting = shared.lengths.sum(axis=1) > 0
    below = float(np.mean(found.present_value[lasting] <= 0)) if lasting.any() else 0.0
    if below > _BELOW_ZERO_MAX:
        raise NotAdmissibleError(
            f"in {below:.0%} of draws the operating margin does not pay the contributory assets, so there is no excess"
        )
    return found


def excess_earnings_draws(
    subject: Subject, assumptions: Mapping[str, Assumption], used: Used, *, as_of: date, seed: int, count: int,
    model: IncomeModel | None = None, revenue: Floats | None = None, factors: Floats | None = None,
) -> Floats:  # fmt: skip
    """Return values, in CNY, by multi-period excess earnings.

    Parameters
    ----------
    subject : Subject
        Facts of the patent.
    assumptions : Mapping of str to Assumption
        Those of relief from royalty and of `income_assumptions`.
    used : Used
        Parameters at the date.
    as_of : date
        Day of the valuation.
    seed, count : int
        Seed and number of draws.
    model : IncomeModel, optional
        That of relief from royalty on the same patent and assumptions, where it is at hand; saves setting it up again.
    revenue : ndarray, shape (count, periods), optional
        Paths instead of the growth assumption (`zhirong.valuation.revenue.revenue_paths`).
    factors : ndarray, shape (count, periods), optional
        Factors on the flow instead of one chance of validity (`zhirong.valuation.scenarios`). Never both on one flow.

    Returns
    -------
    ndarray, shape (count,)
        0 where the excess is not positive: a right may be given up, so it is worth no less.

    Raises
    ------
    NotAdmissibleError
        Naming what is missing, or saying that there is no excess.
    DomainError
        For a mixture of bases.
    """
    found = excess_earnings_value(
        subject, assumptions, as_of=as_of, seed=seed, count=count, model=model, revenue=revenue, factors=factors
    )
    return np.maximum(found.value, 0.0)


def with_and_without_value(
    subject: Subject, assumptions: Mapping[str, Assumption], *, as_of: date, seed: int, count: int,
    model: IncomeModel | None = None, revenue: Floats | None = None, factors: Floats | None = None,
) -> IncomeValue:  # fmt: skip
    """Return flows, present value, tax factor and value by with-and-without; see `with_and_without_draws`."""
    names = ("operating_margin", "lost_share", "margin_loss", "erosion_years", "substitute_years")
    needed(assumptions, names)
    method = "with_and_without"
    shared = _shared(
        method, subject, assumptions, as_of=as_of, seed=seed, count=count, model=model, revenue=revenue, factors=factors
    )
    x = {name: _draw(name, method, subject, assumptions, seed=seed, count=count) for name in names}
    return with_and_without_values(
        shared.revenue, x["operating_margin"], shared.rate, shared.lengths, tax_rate=shared.tax_rate,
        lost_share=x["lost_share"], erosion_years=x["erosion_years"], margin_loss=x["margin_loss"],
        substitute_years=x["substitute_years"], tax_life_years=shared.tax_life_years, probability=shared.probability,
    )  # fmt: skip


def with_and_without_draws(
    subject: Subject, assumptions: Mapping[str, Assumption], used: Used, *, as_of: date, seed: int, count: int,
    model: IncomeModel | None = None, revenue: Floats | None = None, factors: Floats | None = None,
) -> Floats:  # fmt: skip
    """Return values, in CNY, by the difference that the right makes; parameters as in `excess_earnings_draws`."""
    found = with_and_without_value(
        subject, assumptions, as_of=as_of, seed=seed, count=count, model=model, revenue=revenue, factors=factors
    )
    return np.maximum(found.value, 0.0)


def profit_split_value(
    subject: Subject, assumptions: Mapping[str, Assumption], *, as_of: date, seed: int, count: int,
    model: IncomeModel | None = None, revenue: Floats | None = None, factors: Floats | None = None,
) -> IncomeValue:  # fmt: skip
    """Return flows, present value, tax factor and value by profit split; see `profit_split_draws`."""
    needed(assumptions, ("operating_margin", "profit_share"))
    method = "profit_split"
    shared = _shared(
        method, subject, assumptions, as_of=as_of, seed=seed, count=count, model=model, revenue=revenue, factors=factors
    )
    margin = _draw("operating_margin", method, subject, assumptions, seed=seed, count=count)
    share = _draw("profit_share", method, subject, assumptions, seed=seed, count=count)
    found = profit_split_values(
        shared.revenue, margin, share, shared.rate, shared.lengths, tax_rate=shared.tax_rate,
        tax_life_years=shared.tax_life_years, probability=shared.probability,
    )  # fmt: skip
    if not (margin > 0).any():
        raise NotAdmissibleError("the operating margin leaves no profit to share")
    return found


def profit_split_draws(
    subject: Subject, assumptions: Mapping[str, Assumption], used: Used, *, as_of: date, seed: int, count: int,
    model: IncomeModel | None = None, revenue: Floats | None = None, factors: Floats | None = None,
) -> Floats:  # fmt: skip
    """Return values, in CNY, by a share of operating profit; parameters as in `excess_earnings_draws`."""
    return profit_split_value(
        subject, assumptions, as_of=as_of, seed=seed, count=count, model=model, revenue=revenue, factors=factors
    ).value


def sanity_band(assumptions: Mapping[str, Assumption], used: Used) -> SanityBand:
    """Return what the 25 per cent rule would make of the margin: to be shown beside a royalty rate, never to set one."""
    needed(assumptions, ("operating_margin",))
    p = used.at("income.rule_of_thumb")
    low, high = np.maximum(levels_of(assumptions["operating_margin"], np.array([0.1, 0.9])), 0.0) * float(p.value)
    return SanityBand(
        float(low), float(high), p.label,
        Bilingual(
            "仅作合理性对照：该经验法则已被 Uniloc 诉 Microsoft 案（2011）否定，不得据以定值",
            "A sanity band only: the rule was rejected in Uniloc v. Microsoft (2011) and sets no value",
        ),
        p.source,
    )  # fmt: skip


def stacked_royalty_table(
    subject: Subject, assumptions: Mapping[str, Assumption], used: Used, *, seed: int, known_rate: float = 0.0
) -> Floats:
    """Return quantiles, over normal scores, of the royalty rate that the product's other licences leave to the right.

    Parameters
    ----------
    known_rate : float
        Sum of the rates on the product that are known, fraction.

    Returns
    -------
    ndarray, shape (TABLE_SIZE,)
        In place of the row of the royalty rate in the tables of `IncomeModel`.
    """
    needed(assumptions, ("royalty_rate",))
    means = used.at("income.other_licences").value
    industry = used.at("royalty.industry_of_field").value.get(subject.field, "default")
    stack = Stack(
        float(means.get(industry, means["default"])), float(used.at("income.stack_dispersion").value), known_rate,
        float(used.at("income.stack_cap").value),
    )  # fmt: skip
    count = 16 * TABLE_SIZE
    levels = (np.arange(count) + 0.5) / count
    table = table_of(assumptions["royalty_rate"])
    own = levels_of(assumptions["royalty_rate"], levels)
    left, _, _ = stacked_rates(stream_key(seed, f"stack/{subject.patent_id}"), own, table, stack)
    wanted = np.asarray(stats.norm.cdf(np.linspace(-SCORE_MAX, SCORE_MAX, TABLE_SIZE)), np.float64)
    return np.asarray(np.quantile(left, wanted), np.float64)
