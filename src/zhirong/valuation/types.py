"""What a valuation is: a distribution with its reasons, never a scalar.

The records here are what methods return, what reports draw, and what `valuation.json` holds. All amounts are float64 in
major units of `currency`; all probabilities and rates are fractions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.findings import Finding
from zhirong.kernel.provenance import Provenance, Source
from zhirong.kernel.text import Bilingual
from zhirong.valuation.market_types import LicenceComparable, MarketValue

__all__ = [
    "QUANTILE_LEVELS",
    "Admissibility",
    "Assumption",
    "CashFlowFan",
    "Contribution",
    "Distribution",
    "MethodResult",
    "Purpose",
    "Quantiles",
    "StandardOfValue",
    "StandardStep",
    "Valuation",
]

Draws = NDArray[np.float64]
QUANTILE_LEVELS: tuple[float, ...] = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
Quantiles = Mapping[float, float]


class Purpose(StrEnum):
    """The eight scenes; each has a shipped profile."""

    PLEDGE = "pledge"
    INSURANCE = "insurance"
    LICENSING = "licensing"
    TRADE = "trade"
    SECURITISATION = "securitisation"
    ACCOUNTING = "accounting"
    LITIGATION = "litigation"
    MANAGEMENT = "management"


class StandardOfValue(StrEnum):
    """What kind of value is sought (IVS 104)."""

    MARKET = "market"
    ORDERLY_LIQUIDATION = "orderly_liquidation"
    LIQUIDATION = "liquidation"  # by forced sale
    INVESTMENT = "investment"
    FAIR = "fair"


class Distribution(StrEnum):
    """Families an assumption may have; the parameters of each are named in `Assumption.parameters`."""

    FIXED = "fixed"  # value
    UNIFORM = "uniform"  # low, high
    TRIANGULAR = "triangular"  # low, mode, high
    NORMAL = "normal"  # mean, sd (cut to low..high)
    LOGNORMAL = "lognormal"  # median, sigma (cut to low..high)
    BETA = "beta"  # a, b on low..high
    WEIBULL_RESIDUAL = "weibull_residual"  # shape, scale, age: years left of one that has reached an age


@dataclass(frozen=True, slots=True)
class Assumption:
    """Anything that is not in evidence: named, bounded, sourced, overridable.

    Parameters
    ----------
    name : str
        ``royalty_rate``, ``discount_rate``...; the key in an assumptions file.
    label : Bilingual
        What a reader sees.
    distribution : Distribution
        Family.
    parameters : Mapping of str to float
        Parameters of the family.
    low, high : float
        Hard bounds; draws never leave them.
    unit : str
        ``fraction``, ``fraction a year``, ``years``, ``CNY``...
    source : Source
        Where it comes from, with its grade.
    is_overridden : bool
        Given by the user's assumptions file.
    """

    name: str
    label: Bilingual
    distribution: Distribution
    parameters: Mapping[str, float]
    low: float
    high: float
    unit: str
    source: Source
    is_overridden: bool = False


@dataclass(frozen=True, slots=True)
class Admissibility:
    """Whether a method may be used here, and why, in words."""

    method: str
    is_admissible: bool
    reasons: tuple[Bilingual, ...]


@dataclass(frozen=True, slots=True)
class CashFlowFan:
    """Quantiles of a yearly path.

    Parameters
    ----------
    years : tuple of float
        End of each period, years from `as_of`.
    quantiles : Mapping of float to tuple of float
        Level to one amount a year.
    label : Bilingual
        What flows, e.g. royalty relief after tax and risk.
    """

    years: tuple[float, ...]
    quantiles: Mapping[float, tuple[float, ...]]
    label: Bilingual


@dataclass(frozen=True, slots=True)
class MethodResult:
    """Value by one method.

    Parameters
    ----------
    method : str
        ``relief_from_royalty``, ``cost``, ``renewal``...
    label : Bilingual
        What a reader sees.
    quantiles : Mapping of float to float
        At `QUANTILE_LEVELS`.
    mean, sd : float
        Moments.
    monte_carlo_error : float
        Standard error of the median from the finite number of draws; 0 for a closed form.
    weight : float
        Share in the reconciled value, 0-1.
    weight_reason : Bilingual
        Why.
    draws : ndarray or None
        shape (n_draws,), not part of JSON.
    fan : CashFlowFan or None
        Yearly path, where the method has one.
    """

    method: str
    label: Bilingual
    quantiles: Quantiles
    mean: float
    sd: float
    monte_carlo_error: float
    weight: float
    weight_reason: Bilingual
    draws: Draws | None = None
    fan: CashFlowFan | None = None


@dataclass(frozen=True, slots=True)
class Contribution:
    """One bar of the tornado: the median value when one input moves from its 10 % to its 90 % quantile."""

    name: str
    label: Bilingual
    input_low: float
    input_high: float
    value_low: float
    value_high: float
    unit: str
    variance_share: float | None = None


@dataclass(frozen=True, slots=True)
class StandardStep:
    """One adjustment on the way from market value to another standard.

    Parameters
    ----------
    standard : StandardOfValue
        Where the way leads.
    name : str
        The assumption that is applied, or ``no_costs`` where nothing is.
    reason : Bilingual
        Why.
    share : tuple of float
        Value after over value before: 10 %, 50 % and 90 % quantile.
    quantiles : Mapping of float to float
        Value after the step.
    """

    standard: StandardOfValue
    name: str
    reason: Bilingual
    share: tuple[float, float, float]
    quantiles: Quantiles


@dataclass(frozen=True, slots=True)
class Valuation:
    """The answer for one patent or one portfolio.

    Parameters
    ----------
    subject_id : str
        `patent_id` or portfolio name.
    patent_ids : tuple of str
        One or more.
    as_of : date
        Valuation date; nothing later entered.
    currency : str
        ISO 4217.
    purpose : Purpose
        Scene.
    standard_of_value : StandardOfValue
        Standard.
    quantiles : Mapping of float to float
        Reconciled value at `QUANTILE_LEVELS`.
    mean, sd : float
        Moments of the reconciled value.
    methods : tuple of MethodResult
        Admissible methods.
    admissibility : tuple of Admissibility
        All methods, used or not.
    contributions : tuple of Contribution
        Tornado, widest first.
    assumptions : tuple of Assumption
        Every input not in evidence.
    facts : Mapping of str to object
        Evidence used, by name (title, filing date, remaining life, family size...), plain JSON types.
    unknown : tuple of Bilingual
        What is not known and would matter.
    findings : tuple of Finding
        Data findings that touch the subject.
    provenance : Provenance
        Everything needed to compute it again.
    is_synthetic : bool
        Any evidence came from the sample generator.
    other_standards : Mapping of str to Quantiles
        Value under the other standards, by name.
    standard_steps : tuple of StandardStep
        The ways from market value to each standard.
    other_pools : Mapping of str to Quantiles
        ``logarithmic``: the pool by agreement, at market value; see `numerics.pooling.log_pool`.
    market : MarketValue or None
        Comparable deals behind the market approach, where it is admissible.
    licences : tuple of LicenceComparable
        Comparable licences behind the royalty rate, heaviest first.
    draws : ndarray or None
        shape (n_draws,), not part of JSON.
    """

    subject_id: str
    patent_ids: tuple[str, ...]
    as_of: date
    currency: str
    purpose: Purpose
    standard_of_value: StandardOfValue
    quantiles: Quantiles
    mean: float
    sd: float
    methods: tuple[MethodResult, ...]
    admissibility: tuple[Admissibility, ...]
    contributions: tuple[Contribution, ...]
    assumptions: tuple[Assumption, ...]
    provenance: Provenance
    facts: Mapping[str, Any] = field(default_factory=dict)
    unknown: tuple[Bilingual, ...] = ()
    findings: tuple[Finding, ...] = ()
    is_synthetic: bool = False
    other_standards: Mapping[str, Quantiles] = field(default_factory=dict)
    standard_steps: tuple[StandardStep, ...] = ()
    other_pools: Mapping[str, Quantiles] = field(default_factory=dict)
    market: MarketValue | None = None
    licences: tuple[LicenceComparable, ...] = ()
    draws: Draws | None = None
