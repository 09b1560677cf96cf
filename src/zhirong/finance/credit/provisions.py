"""Loss given default from the value of the collateral, and expected credit loss under IFRS 9 and CAS 22."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from zhirong.finance.schedules.checks import within
from zhirong.kernel.errors import DomainError
from zhirong.kernel.text import Bilingual

__all__ = [
    "CreditSigns", "ExpectedLoss", "LossGivenDefault", "Scenario", "Stage", "Tier", "collateral_lgd", "expected_credit_loss",
    "provision_matrix", "stage_of", "standardised_capital", "survival", "tier_of",
]  # fmt: skip

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LossGivenDefault:
    """Distribution of the loss given default: mean with its Monte Carlo error, and quantiles at 5, 50 and 95 %."""

    mean: float
    error: float
    low: float
    median: float
    high: float


def collateral_lgd(
    values: Floats, exposure: float, *, haircut: Floats | float, sale_probability: Floats | float, discount_rate: float,
    years_to_sale: Floats | float,
) -> LossGivenDefault:  # fmt: skip
    """Return the loss given default that the value of the collateral leaves.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Draws of the market value at default; the mean is never plugged in.
    exposure : float
        Owed, above 0.
    haircut, sale_probability, years_to_sale : float or ndarray, shape (n,)
        Of a forced sale.
    discount_rate : float
        Continuous, fraction a year.

    Returns
    -------
    LossGivenDefault

    Notes
    -----
    ``1 - min(1, V (1-h) p exp(-d T) / EAD)``, averaged over draws.
    """
    within("exposure", exposure, 0, 1e15, open_low=True)
    worth, cut, sold, years = (np.asarray(x, np.float64) for x in (values, haircut, sale_probability, years_to_sale))
    for name, array in (("haircut", cut), ("sale_probability", sold)):
        if not ((array >= 0) & (array <= 1)).all():
            raise DomainError(f"field {name}: allowed: 0 to 1")
    if not worth.size or not (np.isfinite(worth).all() and (worth >= 0).all() and (years >= 0).all()):
        raise DomainError("field values: allowed: one draw or more, finite, 0 or more; years_to_sale 0 or more")
    loss = 1 - np.minimum(1.0, worth * (1 - cut) * sold * np.exp(-discount_rate * years) / exposure)
    error = float(loss.std(ddof=1) / np.sqrt(loss.size)) if loss.size > 1 else 0.0
    low, median, high = np.quantile(loss, [0.05, 0.5, 0.95])
    return LossGivenDefault(float(loss.mean()), error, float(low), float(median), float(high))


def survival(hazards: Floats, years: Floats) -> Floats:
    """Return the probability of no default to each period's end: ``exp(-sum h_k dt_k)``.

    Parameters
    ----------
    hazards : ndarray, shape (k,)
        Default intensity in each period, a year, 0 or more.
    years : ndarray, shape (k,)
        Ends of the periods, rising, above 0.
    """
    rate, ends = np.asarray(hazards, np.float64), np.asarray(years, np.float64)
    steps = np.diff(np.concatenate([[0.0], ends]))
    if (
        rate.shape != ends.shape
        or not len(ends)
        or (steps <= 0).any()
        or not (np.isfinite(rate).all() and (rate >= 0).all())
    ):
        raise DomainError("field hazards: 0 or more, one for each of years, which rise from above 0")
    return np.asarray(np.exp(-np.cumsum(rate * steps)), np.float64)


class Stage(IntEnum):
    """IFRS 9: performing, significant increase of risk, credit-impaired."""

    ONE = 1
    TWO = 2
    THREE = 3


@dataclass(frozen=True, slots=True)
class CreditSigns:
    """What decides the stage.

    Parameters
    ----------
    days_past_due : int
        0 or more.
    lifetime_pd_now, lifetime_pd_then : float
        Over the remaining life, now and as expected at the start; 0 to 1.
    is_on_watch, is_impaired : bool
        Set by a person, with the reason on record.
    """

    days_past_due: int
    lifetime_pd_now: float
    lifetime_pd_then: float
    is_on_watch: bool = False
    is_impaired: bool = False

    def __post_init__(self) -> None:
        within("days_past_due", self.days_past_due, 0, 36_500, is_whole=True)
        within("lifetime_pd_now", self.lifetime_pd_now, 0, 1)
        within("lifetime_pd_then", self.lifetime_pd_then, 0, 1)


def stage_of(
    signs: CreditSigns, *, ratio: float = 2.0, least_rise: float = 0.005
) -> tuple[Stage, tuple[Bilingual, ...]]:
    """Return the stage and the reasons for it.

    Parameters
    ----------
    signs : CreditSigns
        What is known.
    ratio, least_rise : float
        A rise of the lifetime PD by both is significant.

    Notes
    -----
    Backstops: more than 30 days past due is stage 2, more than 90 is stage 3 (IFRS 9 5.5.11 and B5.5.37).
    """
    reasons: list[Bilingual] = []
    if signs.days_past_due > 90:
        reasons.append(Bilingual("逾期超过 90 日", "More than 90 days past due"))
    if signs.is_impaired:
        reasons.append(Bilingual("认定已发生信用减值", "Found to be credit-impaired"))
    if reasons:
        return Stage.THREE, tuple(reasons)
    if signs.days_past_due > 30:
        reasons.append(Bilingual("逾期超过 30 日", "More than 30 days past due"))
    if signs.is_on_watch:
        reasons.append(Bilingual("列入关注名单", "On the watch list"))
    rise = signs.lifetime_pd_now - signs.lifetime_pd_then
    if rise >= least_rise and signs.lifetime_pd_now >= ratio * signs.lifetime_pd_then:
        reasons.append(
            Bilingual(
                f"存续期违约概率由 {signs.lifetime_pd_then:.2%} 升至 {signs.lifetime_pd_now:.2%}",
                f"Lifetime PD rose from {signs.lifetime_pd_then:.2%} to {signs.lifetime_pd_now:.2%}",
            )
        )
    return (Stage.TWO if reasons else Stage.ONE), tuple(reasons)


class Tier(IntEnum):
    """Five tiers of Chinese supervision."""

    NORMAL = 1
    SPECIAL_MENTION = 2
    SUBSTANDARD = 3
    DOUBTFUL = 4
    LOSS = 5


def tier_of(days_past_due: int, *, ecl_share: float = 0.0, is_impaired: bool = False) -> Tier:
    """Return the least tier by days past due and by share of expected loss.

    Notes
    -----
    Order 1 of 2023 of the CBIRC: more than 90, 270 and 360 days. The shares of expected loss (50 and 90 %) are recalled, not read.
    """
    within("days_past_due", days_past_due, 0, 36_500, is_whole=True)
    within("ecl_share", ecl_share, 0, 1)
    if days_past_due > 360 or (is_impaired and ecl_share >= 0.9):
        return Tier.LOSS
    if days_past_due > 270 or (is_impaired and ecl_share >= 0.5):
        return Tier.DOUBTFUL
    if days_past_due > 90 or is_impaired:
        return Tier.SUBSTANDARD
    return Tier.SPECIAL_MENTION if days_past_due > 0 else Tier.NORMAL


@dataclass(frozen=True, slots=True)
class Scenario:
    """A course of the economy.

    Parameters
    ----------
    name : str
        E.g. ``base``.
    weight : float
        Probability, 0 to 1.
    hazards, lgd, exposure : ndarray, shape (k,)
        Of each period: default intensity a year; loss given default, 0 to 1; owed at default.
    """

    name: str
    weight: float
    hazards: Floats
    lgd: Floats
    exposure: Floats


@dataclass(frozen=True, slots=True)
class ExpectedLoss:
    """Expected credit loss.

    Attributes
    ----------
    stage : Stage
        Decides which of the two counts.
    twelve_month, lifetime : float
        Discounted, unit of exposure.
    by_scenario : tuple of (str, float)
        Lifetime loss of each scenario, unweighted.
    """

    stage: Stage
    twelve_month: float
    lifetime: float
    by_scenario: tuple[tuple[str, float], ...]

    @property
    def allowance(self) -> float:
        """Twelve months in stage 1, lifetime else."""
        return self.twelve_month if self.stage is Stage.ONE else self.lifetime


def expected_credit_loss(scenarios: Sequence[Scenario], years: Floats, eir: float, stage: Stage) -> ExpectedLoss:
    """Return the expected credit loss over scenarios.

    Parameters
    ----------
    scenarios : sequence of Scenario
        Weights add up to 1.
    years : ndarray, shape (k,)
        Ends of the periods; a loss is discounted from its period's end.
    eir : float
        Effective interest rate, fraction a year, above -1.
    stage : Stage
        Of the loan. In stage 3 the default has happened: the loss is the weighted LGD of the first period on its exposure.

    Returns
    -------
    ExpectedLoss

    Notes
    -----
    ``sum_s w_s sum_t (S(t-1) - S(t)) LGD_t EAD_t (1+EIR)^-t``; twelve months counts the periods that end within a year and the part
    of the next that does.
    """
    ends = np.asarray(years, np.float64)
    within("eir", eir, -0.5, 2)
    weights = np.array([s.weight for s in scenarios])
    if not len(weights) or (weights < 0).any() or abs(weights.sum() - 1) > 1e-9:
        raise DomainError(f"field weight: {weights.tolist()}; allowed: 0 or more, adding up to 1")
    starts = np.concatenate([[0.0], ends[:-1]])
    part = np.clip((1 - starts) / (ends - starts), 0, 1)
    life, year = [], []
    for s in scenarios:
        lgd, owed = np.asarray(s.lgd, np.float64), np.asarray(s.exposure, np.float64)
        if lgd.shape != ends.shape or owed.shape != ends.shape or not ((lgd >= 0) & (lgd <= 1) & (owed >= 0)).all():
            raise DomainError(
                f"field lgd or exposure of scenario {s.name}: allowed: one a period, LGD 0 to 1, exposure 0 or more"
            )
        dying = -np.diff(np.concatenate([[1.0], survival(s.hazards, ends)]))
        loss = dying * lgd * owed * (1 + eir) ** -ends
        gone = float(lgd[0] * owed[0])
        life.append(gone if stage is Stage.THREE else float(loss.sum()))
        year.append(gone if stage is Stage.THREE else float(loss @ part))
    names = tuple((s.name, x) for s, x in zip(scenarios, life, strict=True))
    return ExpectedLoss(stage, float(weights @ year), float(weights @ life), names)


def provision_matrix(gross: Floats, rates: Floats) -> float:
    """Return the allowance of the simplified approach: gross amount times loss rate by age bucket."""
    amount, rate = np.asarray(gross, np.float64), np.asarray(rates, np.float64)
    if amount.shape != rate.shape or (amount < 0).any() or not ((rate >= 0) & (rate <= 1)).all():
        raise DomainError("field rates: allowed: 0 to 1, one for each gross amount, 0 or more")
    return float(amount @ rate)


_WEIGHTS = {"corporate": 1.0, "sme": 0.85, "micro": 0.75, "retail": 0.75}


def standardised_capital(exposure: float, kind: str = "corporate", *, ratio: float = 0.08) -> float:
    """Return the capital of the standardised approach for a firm without a rating.

    Parameters
    ----------
    exposure : float
        0 or more.
    kind : str
        ``corporate`` 100 %, ``sme`` 85 %, ``micro`` or ``retail`` 75 %.
    ratio : float
        Least capital over risk-weighted assets, 0 to 1.

    Notes
    -----
    Weights of Basel III CRE20, recalled. A pledge of patents is not eligible collateral, so it lowers nothing here.
    """
    within("exposure", exposure, 0, 1e15)
    within("ratio", ratio, 0, 1)
    if kind not in _WEIGHTS:
        raise DomainError(f"field kind: {kind!r}; allowed: {', '.join(_WEIGHTS)}")
    return exposure * _WEIGHTS[kind] * ratio
