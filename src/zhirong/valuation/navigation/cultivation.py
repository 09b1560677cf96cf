"""Keep, prune or file: the value of a right against the fees that keeping or adding it costs.

Values are draws of the engine; fees are the schedule in force at the date, each weighed by the chance that the right is
still kept when it falls due. The answer is the probability that value exceeds fees, not a comparison of two medians.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.dates import year_fraction
from zhirong.kernel.errors import NotAdmissibleError, ParameterError
from zhirong.kernel.text import Bilingual
from zhirong.numerics.streams import stream_key
from zhirong.valuation.assumptions import levels_of
from zhirong.valuation.background import Background
from zhirong.valuation.engine import value_patents
from zhirong.valuation.navigation.types import Advice, Estimate, FilingOption, OpenFiling
from zhirong.valuation.renewals import annuity_fees, has_periodic_fees, periodic_schedule
from zhirong.valuation.subject import Subject, age_in_patent_years, describe
from zhirong.valuation.types import Purpose, Valuation
from zhirong.valuation.used import Used

__all__ = ["Cultivation", "cultivate", "fees_ahead"]

Floats = NDArray[np.float64]
_CURRENCY = {"US": "usd", "EP": "eur", "DE": "eur"}
_LIFE_LEVELS = (np.arange(2_000) + 0.5) / 2_000
_SAFE_FEES = 0.5
"""Half a year: a fee whose due day has just passed may still be paid in the months of grace."""


@dataclass(frozen=True, slots=True)
class Cultivation:
    """Advice on every patent and on further filings, the limits of prune and keep, and the parameters asked for."""

    advice: tuple[Advice, ...]
    filings: tuple[FilingOption, ...]
    limits: tuple[float, float]
    parameters: Mapping[str, str]


def cultivate(
    background: Background, portfolio: Sequence[str], openings: Sequence[OpenFiling], offices: Sequence[str],
    protected: Mapping[str, frozenset[str]], *, draws: int, seed: int,
) -> Cultivation:  # fmt: skip
    """Value each patent and set it against its fees.

    Parameters
    ----------
    background : Background
        What the store knows at the date (`prepare`).
    portfolio : sequence of str
        Patents known to the store.
    openings : sequence of OpenFiling
        Patents to which offices can still be added.
    offices : sequence of str
        Offices to be looked at for them.
    protected : Mapping of str to frozenset of str
        Offices where the family of a patent lives already.
    draws, seed : int
        Of the engine.

    Returns
    -------
    Cultivation
        Every patent has one advice; one that cannot be valued has the action ``unknown`` and the reason.
    """
    used = Used(background.book, background.as_of)
    limits: Mapping[str, float] = used.at("navigation.advice_thresholds").value
    batch = value_patents(background, portfolio, purpose=Purpose.MANAGEMENT, draws=draws, seed=seed)
    values = {v.subject_id: v for v in batch.valuations}
    refusals = {f.record_id: f.message for f in batch.refused}
    subjects = {s.patent_id: s for s in describe(background, list(values))}
    advice = [
        _advise(background, subjects[p], values[p], used, limits) if p in values else _unvalued(p, refusals.get(p, ""))
        for p in portfolio
    ]
    filings = [
        option
        for opening in openings
        if opening.patent_id in values and (opening.priority_until or opening.national_phase_until)
        for office in offices
        if office not in protected.get(opening.patent_id, frozenset())
        and (option := _filing(background, subjects[opening.patent_id], values[opening.patent_id], opening, office,
                               used, seed)) is not None
    ]  # fmt: skip
    filings.sort(key=lambda f: (-f.probability, f.patent_id, f.office))
    return Cultivation(
        tuple(advice), tuple(filings), (float(limits["prune"]), float(limits["keep"])), dict(used.versions)
    )


def _unvalued(patent_id: str, message: str) -> Advice:
    nothing = Estimate(None, None, None, 0)
    reason = Bilingual(f"无法估值：{message}", f"cannot be valued: {message}")
    return Advice(patent_id, "unknown", nothing, None, None, None, None, None, None, reason)


def _advise(
    background: Background, subject: Subject, value: Valuation, used: Used, limits: Mapping[str, float]
) -> Advice:
    assert value.draws is not None
    worth = _worth(value.draws)
    if subject.is_alive is False:
        reason = Bilingual("权利已终止，无费用可付", "the right has ended; there is nothing to pay for")
        return Advice(subject.patent_id, "ended", worth, 0.0, 0.0, 0.0, None, None, None, reason)
    try:
        ahead = fees_ahead(background, subject, used, office=str(subject.row["office"]))
    except NotAdmissibleError as err:
        reason = Bilingual(f"费用未知：{err}", f"fees are unknown: {err}")
        return Advice(subject.patent_id, "unknown", worth, None, None, None, None, None, None, reason)
    rate = _rate(value)
    kept = _kept(value, ahead[0])
    discounted = ahead[1] * (1 + rate) ** -ahead[0]
    likely, whole = float((discounted * kept).sum()), float(discounted.sum())
    following = float(ahead[1][0]) if ahead[1].size else 0.0
    first = float(discounted[0] * kept[0]) if ahead[1].size else 0.0
    chance, low, high = (float((value.draws > cost).mean()) for cost in (likely, whole, first))
    action = "keep" if chance >= limits["keep"] else "prune" if chance <= limits["prune"] else "review"
    reason = _reason(action, chance, low, high, ahead[1].size)
    return Advice(subject.patent_id, action, worth, following, likely, whole, chance, low, high, reason)


def _worth(draws: Floats) -> Estimate:
    low, middle, high = np.quantile(draws, [0.05, 0.5, 0.95]).tolist()
    return Estimate(middle, low, high, draws.size)


def _reason(action: str, chance: float, low: float, high: float, fees: int) -> Bilingual:
    if not fees:
        return Bilingual("至期满再无应缴费用", "no further fee falls due before the end of the term")
    zh = {"keep": "建议保留", "prune": "建议评估放弃或许可、转让", "review": "建议复核"}[action]
    en = {"keep": "keep", "prune": "consider giving up, licensing or selling", "review": "review"}[action]
    spread_zh = f"若缴至期满为 {low:.0%}，仅就下一次费用为 {high:.0%}"
    spread_en = f"{low:.0%} against all fees to the end of the term, {high:.0%} against the next one alone"
    return Bilingual(
        f"{zh}：价值超过预期费用的概率为 {chance:.0%}（{spread_zh}）",
        f"{en}: the value exceeds the fees to be expected with probability {chance:.0%} ({spread_en})",
    )


def _rate(value: Valuation) -> float:
    discount = next(a for a in value.assumptions if a.name == "discount_rate")
    return float(levels_of(discount, np.array([0.5]))[0])


def _kept(value: Valuation, times: Floats) -> Floats:
    """Return the chance that the right is still kept at each time; 1 where the store tells nothing of lives."""
    life = next((a for a in value.assumptions if a.name == "economic_life"), None)
    if life is None:
        return np.ones_like(times)
    years = levels_of(life, _LIFE_LEVELS)
    return np.asarray((years[None, :] >= times[:, None]).mean(axis=1), np.float64)


def fees_ahead(background: Background, subject: Subject, used: Used, *, office: str) -> tuple[Floats, Floats]:
    """Return when fees fall due (years from the date) and how much they are in CNY, at the schedule in force.

    Parameters
    ----------
    office : str
        The office of the patent, or another at which it might be filed (then no fee is paid yet).

    Raises
    ------
    NotAdmissibleError
        When the schedule, the rate of exchange or a date that is needed is unknown.
    """
    right = str(subject.row["right_type"] or "invention")
    if subject.age_years is None or subject.legal_life_years is None:
        raise NotAdmissibleError("the filing date or the legal term is unknown")
    rate = _to_cny(office, used)
    is_own = office == subject.row["office"]
    age, end = subject.age_years, subject.legal_life_years
    if has_periodic_fees(background.book, office, right):
        grant = subject.row["grant_date"] if is_own else None
        since = year_fraction(grant, background.as_of) if grant is not None else -_years_to_grant(subject)
        schedule = periodic_schedule(background.book, office, right, background.as_of, term_years=since + end)
        used.at(f"fees.{office.lower()}.maintenance")
        due, fees = schedule.due_years - since, schedule.fees
    else:
        fees = annuity_fees(background.book, office, right, background.as_of)
        used.at(f"fees.{office.lower()}.{right}.annuity")
        paid = max(age_in_patent_years(subject, background.as_of), (subject.paid_to_year or 0) if is_own else 0)
        due = np.arange(len(fees), dtype=np.float64) - age
        due, fees = due[paid:], fees[paid:]
    is_ahead = (due >= -_SAFE_FEES) & (due < end)
    return np.maximum(due[is_ahead], 0.0), np.asarray(fees[is_ahead] * rate, np.float64)


def _years_to_grant(subject: Subject) -> float:
    """Return years until a grant that is not there yet: three from filing, at least a half."""
    return max(3.0 - (subject.age_years or 0.0), 0.5)


def _to_cny(office: str, used: Used) -> float:
    if office == "CN":
        return 1.0
    currency = _CURRENCY.get(office)
    p = used.first(f"fx.{currency}_cny") if currency else None
    if p is None:
        raise NotAdmissibleError(f"no exchange rate for the fees of {office}")
    return float(p.value)


def _filing(
    background: Background, subject: Subject, value: Valuation, opening: OpenFiling, office: str, used: Used, seed: int
) -> FilingOption | None:
    """Return the option to file at one more office; None where the size of either market, or the fees, are unknown."""
    incomes: Mapping[str, float] = used.at("income.national").value
    home = str(subject.row["office"])
    if office not in incomes or home not in incomes or value.draws is None or subject.is_alive is False:
        return None
    try:
        due, fees = fees_ahead(background, subject, used, office=office)
    except (NotAdmissibleError, ParameterError):
        return None
    costs: Mapping[str, float] = used.at("navigation.filing_cost").value
    rng = np.random.default_rng(stream_key(seed, f"navigation/filing/{subject.patent_id}/{office}"))
    spread = float(used.at("navigation.market_ratio_sigma").value)
    worth = value.draws * (incomes[office] / incomes[home]) * np.exp(spread * rng.standard_normal(value.draws.size))
    annuities = float((fees * (1 + _rate(value)) ** -due * _kept(value, due)).sum())
    filing = float(costs.get(office, costs["default"]))
    sigma = float(used.at("navigation.filing_cost_sigma").value)
    cost = filing * np.exp(sigma * rng.standard_normal(value.draws.size)) + annuities
    last = max(d for d in (opening.priority_until, opening.national_phase_until) if d is not None)
    return FilingOption(
        subject.patent_id, office, _worth(worth), filing + annuities, float((worth > cost).mean()), last
    )
