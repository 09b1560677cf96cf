"""Revenue still to come under a patent: the owner's years, the growth of its industry, and an S-curve of adoption, as draws.

What the years do not tell stays unknown: the curve's age, its steepness and its end are drawn from all curves that pass through the
known years about as well as their noise allows, and the industry's growth from its years and a prior.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from zhirong.kernel.errors import DomainError, NotAdmissibleError
from zhirong.kernel.provenance import Grade, Source
from zhirong.kernel.text import Bilingual
from zhirong.numerics.adoption import AdoptionPrior, adoption_draws
from zhirong.numerics.levels import probability_levels
from zhirong.numerics.streams import stream_key
from zhirong.valuation.accounts import Accounts
from zhirong.valuation.assumptions import levels_of
from zhirong.valuation.background import Background
from zhirong.valuation.subject import Subject
from zhirong.valuation.types import Assumption
from zhirong.valuation.used import Used

__all__ = ["RevenuePaths", "revenue_paths"]

Floats = NDArray[np.float64]
_CANDIDATES = 8_000
_AGE_MAX_YEARS = 15.0
_INDUSTRY_YEARS = 10


@dataclass(frozen=True, slots=True)
class RevenuePaths:
    """Draws of yearly revenue attributable to a patent.

    Parameters
    ----------
    paths : ndarray, shape (count, periods)
        CNY at the yearly rate of each period; the first period is the rest of the year of the date.
    penetration : (float, float, float)
        5 %, 50 % and 95 % quantile of the share of its market that the product had reached in the last known year.
    industry_growth : (float, float)
        Mean and standard deviation of the industry's growth as drawn, fraction a year.
    known_years : int
        Years of the owner's patent revenue behind the curve.
    effective_curves : float
        How many different curves carry the draws.
    source : Source
        What they rest on.
    """

    paths: Floats
    penetration: tuple[float, float, float]
    industry_growth: tuple[float, float]
    known_years: int
    effective_curves: float
    source: Source


def revenue_paths(
    background: Background, accounts: Accounts, subject: Subject, assumptions: Mapping[str, Assumption], used: Used,
    *, seed: int, count: int, periods: int,
) -> RevenuePaths:  # fmt: skip
    """Draw revenue from the owner's years, its industry's growth and an adoption curve.

    Parameters
    ----------
    background : Background
        What the store shares at the date.
    accounts : Accounts
        The owner's (`accounts_of`).
    subject : Subject
        Facts of the patent.
    assumptions : Mapping of str to Assumption
        ``attributable_revenue``, ``long_run_growth`` and ``growth_fade``.
    used : Used
        Parameters at the date.
    seed, count, periods : int
        Seed, draws, and periods from the date on.

    Returns
    -------
    RevenuePaths

    Raises
    ------
    NotAdmissibleError
        Naming the assumption that is missing.

    Notes
    -----
    ``Rev_i = R F(a + h_i)/F(a) prod (1 + g_j)``: R the attributable revenue of the last known year, F a Bass curve at age a, h_i years
    from that year, g_j the industry's growth fading to the long run. Adoption is of the industry's growing market, so that growth
    of the one is not counted as growth of the other.
    """
    wanted = ("attributable_revenue", "long_run_growth", "growth_fade")
    if missing := [name for name in wanted if name not in assumptions]:
        raise NotAdmissibleError(", ".join(missing))
    if count < 1 or not 1 <= periods <= 64:
        raise DomainError("count is at least 1 and periods 1 to 64")
    u = probability_levels(stream_key(seed, f"revenue/{subject.patent_id}"), count, columns=3)
    base = levels_of(assumptions["attributable_revenue"], u[:, 0])
    mean, sd, industry = _industry(accounts, used)
    growth = np.clip(mean + sd * stats.norm.ppf(u[:, 1]), -0.3, 0.5)
    series = {year: value for year, value in accounts.series("patent_product_revenue").items() if value > 0}
    last = max(series) if series else background.as_of.year - 1
    curves = adoption_draws(
        sorted(series), [series[year] for year in sorted(series)], _prior(used), u[:, 2],
        probability_levels(stream_key(seed, f"adoption/{subject.patent_id}"), _CANDIDATES, columns=3),
        market=_market(sorted(series), industry, mean),
    )  # fmt: skip
    first = background.as_of.year - last
    ahead = np.arange(first, first + periods, dtype=np.float64)
    long_run = assumptions["long_run_growth"].parameters["value"]
    fade = assumptions["growth_fade"].parameters["value"]
    # The industry's growth as drawn up to the date, and fading from then on, as in relief from royalty.
    steps = 1 + long_run + (growth - long_run)[:, None] * fade ** np.arange(periods - 1)
    scale = np.ones((count, periods))
    np.cumprod(steps, axis=1, out=scale[:, 1:])
    scale *= ((1 + growth) ** max(first, 0))[:, None]
    low, middle, high = np.quantile(curves.penetration, [0.05, 0.5, 0.95]).tolist()
    return RevenuePaths(
        base[:, None] * scale * curves.growth(ahead), (low, middle, high), (mean, sd), len(series), curves.effective,
        _source(background, len(series), len(industry), background.as_of),
    )  # fmt: skip


def _prior(used: Used) -> AdoptionPrior:
    p = used.at("adoption.bass").value
    noise = float(used.at("adoption.noise").value)
    return AdoptionPrior(
        float(p["p"]) * float(np.exp(-(float(p["p_sigma"]) ** 2) / 2)),
        float(p["q"]) * float(np.exp(-(float(p["q_sigma"]) ** 2) / 2)),
        float(p["p_sigma"]), float(p["q_sigma"]), _AGE_MAX_YEARS, noise,
    )  # fmt: skip


def _industry(accounts: Accounts, used: Used) -> tuple[float, float, dict[int, float]]:
    """Return mean and spread of the industry's growth, its years drawn towards the prior, and growth by year."""
    prior = used.at("adoption.sector_growth").value
    centre, spread = float(prior["mean"]), float(prior["sd"])
    known = {item.year: item.growth for item in accounts.sector if item.growth is not None}
    years = sorted(known)[-_INDUSTRY_YEARS:]
    if len(years) < 2:
        return centre, spread, known
    rates = np.array([known[year] for year in years])
    error = float(rates.var(ddof=1)) / len(years)
    weight = spread**2 / (spread**2 + error)
    return weight * float(rates.mean()) + (1 - weight) * centre, float(np.sqrt(weight * error)), known


def _market(years: list[int], growth: Mapping[int, float], mean: float) -> Floats:
    """Return the size of the industry in the owner's years, the first as 1; a year without growth grows as the mean."""
    size = [1.0]
    for before, year in itertools.pairwise(years):
        step = 1.0
        for between in range(before + 1, year + 1):
            step *= 1 + growth.get(between, mean)
        size.append(size[-1] * step)
    return np.array(size[: len(years)], np.float64)


def _source(background: Background, own: int, industry: int, as_of: date) -> Source:
    title = Bilingual(
        f"权利人 {own} 年专利产品收入、行业 {industry} 年增长与 Bass 扩散先验",
        f"Owner's patent revenue of {own} years, growth of its industry of {industry} years, and a prior of Bass curves",
    )
    grade = Grade.SYNTHETIC if background.store.manifest.is_synthetic else Grade.COMPUTED
    return Source(title.en, grade if own else Grade.ASSUMED, dated=as_of, title_zh=title.zh)
