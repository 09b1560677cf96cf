"""Two more methods: real options on the use of the patent, and what the stock market said on the days after its grant.

`option` takes the worth of using the patent from the income model and adds what its owner may do: begin later, enlarge, give
up. `event_study` reads share prices (table `share_days`). Both return draws in CNY as of the date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from zhirong.kernel.dates import year_fraction
from zhirong.kernel.errors import NotAdmissibleError
from zhirong.numerics.event_study import (
    WINDOW_DAYS,
    NoiseModel,
    grant_value,
    value_share_quantiles,
    window_noise,
    window_return,
)
from zhirong.numerics.flexible import FlexibleRight, FlexibleValue, flexible_value, flexible_values
from zhirong.numerics.montecarlo import normal_scores
from zhirong.numerics.streams import stream_key
from zhirong.valuation.assumptions import levels_of
from zhirong.valuation.background import Background
from zhirong.valuation.methods import IncomeModel
from zhirong.valuation.option_terms import option_assumptions
from zhirong.valuation.renewals import annuity_fees, has_periodic_fees, periodic_schedule, schedule_path
from zhirong.valuation.subject import Subject
from zhirong.valuation.types import Assumption
from zhirong.valuation.used import Used

__all__ = ["GrantWindow", "event_study_draws", "grant_window", "option_draws", "option_parts", "renewal_fees_ahead"]

Floats = NDArray[np.float64]
_COST_STRATA = 6
_VOLATILITY_DAYS, _VOLATILITY_DAYS_MIN = 252, 20
_WINDOW_STARTS_WITHIN_DAYS = 7
_CURRENCIES = {"US": "usd", "EP": "eur", "DE": "eur", "JP": "jpy", "KR": "krw"}
_FROM_REGISTRATION = ("JP", "KR")
"""Offices whose annuities count from registration, not from filing."""


def option_draws(
    background: Background, subject: Subject, assumptions: Mapping[str, Assumption], model: IncomeModel | None,
    used: Used, *, seed: int, count: int,
) -> Floats:  # fmt: skip
    """Return values of the right with its choices, in CNY, or raise `NotAdmissibleError`.

    Parameters
    ----------
    background : Background
        What the store knows at the date.
    subject : Subject
        Facts of the patent.
    assumptions : Mapping of str to Assumption
        Those of the income model, and `option_terms.KNOWN` where given.
    model : IncomeModel or None
        Relief from royalty, whose draws are the worth of use; None where it is not admissible.
    used : Used
        Parameters at the date.
    seed, count : int
        Seed and draws.

    Returns
    -------
    ndarray, shape (count,)

    Raises
    ------
    NotAdmissibleError
        Without income model, term or fees; and without cost of launch where use has not begun.

    Notes
    -----
    A draw of the income model is the worth of use as it is known today; from there it moves. Worth, volatility and cost of
    launch vary from draw to draw. Use counts as begun where the owner has revenue under its patents and no cost of launch is
    given.
    """
    terms = {**option_assumptions(used.at), **assumptions}
    worths = np.zeros(1) if model is None else np.maximum(model.draws(count), 0.0)
    right = _right(background, subject, terms, model, used, worth=float(worths.mean()))
    scores = normal_scores(stream_key(seed, f"option/{subject.patent_id}"), count)
    volatilities = np.maximum(levels_of(terms["volatility"], special.ndtr(scores[:, 0])), 1e-3)
    if right.is_launched:
        return flexible_values(right, worths, volatilities)
    costs = levels_of(terms["launch_cost"], special.ndtr(scores[:, 1]))
    return _by_cost(right, worths, volatilities, costs)


def option_parts(
    background: Background, subject: Subject, assumptions: Mapping[str, Assumption], model: IncomeModel | None,
    used: Used, *, draws: int = 4_000,
) -> FlexibleValue:  # fmt: skip
    """Return what each choice adds at the mean worth of use and the medians of the other terms; see `option_draws`."""
    terms = {**option_assumptions(used.at), **assumptions}
    worth = 0.0 if model is None else float(model.draws(draws).mean())
    return flexible_value(_right(background, subject, terms, model, used, worth=worth))


def _right(
    background: Background, subject: Subject, terms: Mapping[str, Assumption], model: IncomeModel | None, used: Used,
    *, worth: float,
) -> FlexibleRight:  # fmt: skip
    if model is None:
        raise NotAdmissibleError("the income approach is not admissible, and the option is on the income")
    if not subject.legal_life_years:
        raise NotAdmissibleError("legal_life_years")
    is_launched = bool(subject.owner_revenue_cny) and "launch_cost" not in terms
    if not is_launched and "launch_cost" not in terms:
        raise NotAdmissibleError("the owner has no known revenue under its patents, and no cost of launch is given")
    office = str(subject.row["office"]).lower()
    rate = used.first(f"discount.{office}.risk_free", "discount.us.risk_free")
    assert rate is not None, "a risk-free rate is shipped"

    def middle(name: str) -> float:
        return float(levels_of(terms[name], np.array([0.5]))[0]) if name in terms else 0.0

    return FlexibleRight(
        worth=max(worth, 1e-6),
        volatility=max(middle("volatility"), 1e-3),
        rate=float(np.log1p(float(rate.value))),
        years=subject.legal_life_years,
        launch_cost=middle("launch_cost"),
        is_launched=is_launched,
        fees=renewal_fees_ahead(background, subject, used),
        expansion=middle("expansion_share") if "expansion_cost" in terms else 0.0,
        expansion_cost=middle("expansion_cost"),
        salvage=middle("salvage"),
    )


def _by_cost(right: FlexibleRight, worths: Floats, volatilities: Floats, costs: Floats) -> Floats:
    """Value draws in strata of the cost of launch, each at its mean cost."""
    out = np.empty(len(worths))
    rank = np.argsort(np.argsort(costs, kind="stable"), kind="stable")
    stratum = rank * _COST_STRATA // max(len(costs), 1)
    for number in np.unique(stratum):
        mine = stratum == number
        here = FlexibleRight(
            right.worth, right.volatility, right.rate, right.years, float(costs[mine].mean()), False, right.fees,
            right.expansion, right.expansion_cost, right.salvage,
        )  # fmt: skip
        out[mine] = flexible_values(here, worths[mine], volatilities[mine])
    return out


def renewal_fees_ahead(background: Background, subject: Subject, used: Used) -> tuple[tuple[float, float], ...]:
    """Return the fees that must still be paid to keep a right: years from the date, and CNY.

    Parameters
    ----------
    background, subject, used
        As for `option_draws`.

    Returns
    -------
    tuple of (float, float)
        Due within the term left; a year known to be paid for is left out.

    Raises
    ------
    NotAdmissibleError
        Without schedule, exchange rate or the date from which the office counts.
    """
    office, right = str(subject.row["office"]), str(subject.row["right_type"] or "invention")
    as_of, left = background.as_of, subject.legal_life_years or 0.0
    rate = _to_cny(office, used)
    if has_periodic_fees(background.book, office, right):
        since = _since(subject, "grant_date", as_of)
        schedule = periodic_schedule(background.book, office, right, as_of, term_years=since + left)
        ahead = list(zip((schedule.due_years - since).tolist(), schedule.fees.tolist(), strict=True))
    else:
        since = _since(subject, "grant_date" if office in _FROM_REGISTRATION else "filing_date", as_of)
        if office in _FROM_REGISTRATION:
            used.at("fees.typical_claim_count")
        fees = annuity_fees(background.book, office, right, as_of, claims=subject.row["claim_count"])
        paid = subject.paid_to_year or 0
        ahead = [(year - since, float(fee)) for year, fee in enumerate(fees) if fee > 0 and year + 1 > paid]
    used.at(schedule_path(background.book, office, right))
    return tuple((due, fee * rate) for due, fee in ahead if 0 <= due < left)


def _since(subject: Subject, name: str, as_of: date) -> float:
    start = subject.row[name]
    if start is None:
        raise NotAdmissibleError(name)
    return float(year_fraction(start, as_of))


def _to_cny(office: str, used: Used) -> float:
    if office == "CN":
        return 1.0
    p = used.first(f"fx.{_CURRENCIES[office]}_cny") if office in _CURRENCIES else None
    if p is None:
        raise NotAdmissibleError(f"no exchange rate for the fees of {office}")
    return float(p.value)


@dataclass(frozen=True, slots=True)
class GrantWindow:
    """What the store holds of a firm's shares around a grant.

    Attributes
    ----------
    firm_id : str
        Firm of the first owner.
    window_return : float
        Market-adjusted return over the three trading days from the grant.
    daily_volatility : float
        Standard deviation of market-adjusted returns over up to 252 trading days before.
    market_value : float
        Market capitalisation before the day.
    currency : str
        Of the market value.
    grants_that_day : int
        Patents granted to the firm that day.
    """

    firm_id: str
    window_return: float
    daily_volatility: float
    market_value: float
    currency: str
    grants_that_day: int


def event_study_draws(
    background: Background, subject: Subject, used: Used, *, seed: int, count: int,
    model: NoiseModel = NoiseModel.HALF_NORMAL,
) -> Floats:  # fmt: skip
    """Return values that the stock market gave the patent at its grant, scaled to the life left, or refuse.

    Parameters
    ----------
    background, subject, used, seed, count
        As for `option_draws`.
    model : NoiseModel
        Prior and noise; the normal ones.

    Returns
    -------
    ndarray, shape (count,)
        CNY. Draws from the law of the value given the return, not its mean only.

    Raises
    ------
    NotAdmissibleError
        Without share prices, grant date, term or exchange rate; names which.

    Notes
    -----
    Kogan, Papanikolaou, Seru and Stoffman (2017). Its bias is stated in `option_terms.EVENT_STUDY_BIAS` and not removed: the
    mean is positive whatever the return, and large firms get large values.
    """
    window = grant_window(background, subject)
    if subject.legal_life_years is None:
        raise NotAdmissibleError("legal_life_years")
    gamma, expected = used.at("event_study.gamma"), used.at("event_study.expected_grant_share")
    assert gamma.low is not None, "gamma has a range"
    assert gamma.high is not None, "gamma has a range"
    rate = 1.0
    if window.currency != "CNY":
        p = used.first(f"fx.{window.currency.lower()}_cny")
        if p is None:
            raise NotAdmissibleError(f"no exchange rate for the market value in {window.currency}")
        rate = float(p.value)
    levels = special.ndtr(normal_scores(stream_key(seed, f"event_study/{subject.patent_id}"), count)[:, :2])
    levels = np.clip(levels, 1e-12, 1 - 1e-12)
    drawn_gamma = stats.triang.ppf(
        levels[:, 1], (float(gamma.value) - gamma.low) / (gamma.high - gamma.low), gamma.low, gamma.high - gamma.low
    )
    share = value_share_quantiles(
        levels[:, 0], window.window_return, window_noise(window.daily_volatility), -np.expm1(-drawn_gamma), model=model
    )
    value = grant_value(share, window.market_value, window.grants_that_day, expected_grant_share=float(expected.value))
    since = year_fraction(subject.row["grant_date"], background.as_of)
    whole = since + subject.legal_life_years
    return np.asarray(value * rate * (subject.legal_life_years / whole if whole > 0 else 0.0), np.float64)


def grant_window(background: Background, subject: Subject) -> GrantWindow:
    """Return the share prices around the grant of a patent, or raise `NotAdmissibleError` naming what is missing."""
    prices, granted = background.tables.get("share_days"), subject.row["grant_date"]
    if prices is None:
        raise NotAdmissibleError("no share prices around the day of grant")
    if granted is None:
        raise NotAdmissibleError("grant_date")
    firm, party = _firm(background, subject)
    last = min(background.as_of, granted + timedelta(days=2 * _WINDOW_STARTS_WITHIN_DAYS))
    first = granted - timedelta(days=int(1.6 * _VOLATILITY_DAYS))
    chosen = prices.filter(
        lambda t: (t.firm_id == firm) & (t.day >= first) & (t.day <= last) & t.return_fraction.notnull()
    )
    rows = background.engine.to_arrow(
        chosen.select("day", "return_fraction", "market_return_fraction", "market_value", "currency").order_by("day")
    ).to_pylist()
    before = [row for row in rows if row["day"] < granted]
    after = [row for row in rows if row["day"] >= granted][:WINDOW_DAYS]
    if len(after) < WINDOW_DAYS or after[0]["day"] > granted + timedelta(days=_WINDOW_STARTS_WITHIN_DAYS):
        raise NotAdmissibleError("no share prices around the day of grant")
    if len(before) < _VOLATILITY_DAYS_MIN:
        raise NotAdmissibleError(f"fewer than {_VOLATILITY_DAYS_MIN} days of share prices before the grant")
    adjusted = [_adjusted(row) for row in before[-_VOLATILITY_DAYS:]]
    capital = next((row for row in reversed(before) if row["market_value"]), None)
    if capital is None:
        raise NotAdmissibleError("no market value of the owner before the grant")
    volatility = float(np.std(adjusted, ddof=1))
    if not volatility > 0:
        raise NotAdmissibleError("the owner's shares do not move before the grant")
    return GrantWindow(
        firm, float(window_return([_adjusted(row) for row in after])), volatility, float(capital["market_value"]),
        str(capital["currency"] or "CNY"), _grants(background, party, granted),
    )  # fmt: skip


def _adjusted(row: Mapping[str, Any]) -> float:
    """Return less that of the market; a day without market return is taken as it is."""
    return float(row["return_fraction"]) - float(row["market_return_fraction"] or 0.0)


def _owners(background: Background) -> Any:
    return background.tables["patent_parties"].filter(
        lambda t: t.role.isin(["applicant", "assignee", "owner"]) & (t.sequence == 1)
    )


def _firm(background: Background, subject: Subject) -> tuple[str, str]:
    mine = _owners(background).filter(lambda t: t.patent_id == subject.patent_id).select("party_id").distinct()
    firms = background.tables["firms"].select("firm_id", "party_id")
    found = background.engine.to_arrow(mine.inner_join(firms, "party_id").select("firm_id", "party_id")).to_pylist()
    if not found:
        raise NotAdmissibleError("the first owner is no firm of the store")
    first = min(found, key=lambda row: (row["firm_id"], row["party_id"]))
    return str(first["firm_id"]), str(first["party_id"])


def _grants(background: Background, party: str, granted: date) -> int:
    """Return how many patents the owner was granted that day, at least 1."""
    same_day = background.tables["patents"].filter(lambda t: t.grant_date == granted).select("patent_id")
    mine = _owners(background).filter(lambda t: t.party_id == party).semi_join(same_day, "patent_id")
    return max(int(background.engine.scalar(mine.patent_id.nunique())), 1)
