"""What a check of calibration finds; plain records that the command prints and the report draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from zhirong.kernel.text import Bilingual
from zhirong.numerics.calibration import CalibrationLine, Coverage, RankTest, ReliabilityBin

__all__ = [
    "LEVELS",
    "FirmCheck",
    "FirmChecks",
    "FirmSlope",
    "GroupHazard",
    "GroupShare",
    "LifeCheck",
    "PieceCheck",
    "ValueCheck",
]

LEVELS = (0.5, 0.8, 0.95)
"""Probabilities of the central intervals that are checked."""


@dataclass(frozen=True, slots=True)
class PieceCheck:
    """Simulation-based calibration of one fitted or sampled quantity.

    Attributes
    ----------
    name : str
        Model and parameter.
    label : Bilingual
        What a reader sees.
    ranks : RankTest
        Of truths among the model's draws.
    coverage : tuple of Coverage
        At `LEVELS`.
    failed : int
        Simulated data sets that the fit refused.
    """

    name: str
    label: Bilingual
    ranks: RankTest
    coverage: tuple[Coverage, ...]
    failed: int


@dataclass(frozen=True, slots=True)
class ValueCheck:
    """One way of valuing against latent values.

    Attributes
    ----------
    name : str
        ``pooled``, a method, or a naive answer.
    label : Bilingual
        What a reader sees.
    coverage : tuple of Coverage
        At `LEVELS`, central intervals.
    ranks : RankTest
        Of latent values among draws.
    crps : float
        Mean score of the logarithm; less is better.
    crps_gain, crps_gain_error : float
        How much less than the best naive answer for the same patents scores, and its standard error; below 0 the naive is better.
    interval_score : float
        Mean score of the 80 % interval of the logarithm; less is better.
    log_error : float
        Median of log(median value / latent value): above 0 is too high.
    order : float or None
        Rank correlation of medians and latent values; None where all medians are the same.
    order_low, order_high : float or None
        Its 95 % interval (Fisher).
    count : int
        Patents.
    """

    name: str
    label: Bilingual
    coverage: tuple[Coverage, ...]
    ranks: RankTest
    crps: float
    crps_gain: float | None
    crps_gain_error: float | None
    interval_score: float
    log_error: float
    order: float | None
    order_low: float | None
    order_high: float | None
    count: int


@dataclass(frozen=True, slots=True)
class GroupShare:
    """Predicted and realised share of a group of rights that ended."""

    label: Bilingual
    count: int
    predicted: float
    ended: float


@dataclass(frozen=True, slots=True)
class GroupHazard:
    """Ends a year at risk by age, of a group of rights, as known at the end of the record.

    Attributes
    ----------
    label : Bilingual
        Group.
    ages : tuple of float
        Start of each year of age.
    hazard, low, high : tuple of float
        Ends over years at risk, with the exact 95 % Poisson interval; ages with fewer than 50 years at risk are left out.
    """

    label: Bilingual
    ages: tuple[float, ...]
    hazard: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class LifeCheck:
    """Predicted against realised ends of rights.

    Attributes
    ----------
    cut : date
        Fitted with what was known by then.
    years : float
        Horizon.
    count, ended : int
        Rights in force at the cut, and those that had ended by the horizon.
    brier : Mapping of str to float
        Score of the engine (``engine``: its fit for the right's field), of one Weibull for all (``weibull``), of Kaplan-Meier, and
        of a constant (the share that ended in a period of the same length before the cut), for the same rights. Where groups were
        given also ``by_group``: one Weibull for each group, which the engine does not use.
    gain : Mapping of str to (float, float)
        Score of each other answer less the engine's, with its standard error over rights: above 0 the engine is better.
    line, kaplan_meier_line : CalibrationLine or None
        Of the engine's and of Kaplan-Meier's predictions; None where outcomes or predictions do not vary.
    bins : tuple of ReliabilityBin
        Of the engine.
    mean_predicted : float
        The engine's mean probability of ending.
    beyond : float
        Share of the rights that by the horizon are older than any age at which 30 rights had been watched by the cut: there
        every prediction is an extrapolation.
    groups : tuple of GroupShare
        The engine's prediction in groups that it does not know of, where such groups were given.
    """

    cut: date
    years: float
    count: int
    ended: int
    brier: Mapping[str, float]
    gain: Mapping[str, tuple[float, float]]
    line: CalibrationLine | None
    kaplan_meier_line: CalibrationLine | None
    bins: tuple[ReliabilityBin, ...]
    mean_predicted: float
    beyond: float
    groups: tuple[GroupShare, ...] = ()


@dataclass(frozen=True, slots=True)
class FirmSlope:
    """One slope over firms beside what the engine supposes.

    Attributes
    ----------
    name : str
        Data set and relation.
    label : Bilingual
        What is regressed on what.
    slope, error : float
        Estimate and its standard error (by firm where firms are seen in several years).
    supposed : float
        What a part of the engine, or of the synthetic world, takes for granted.
    why : Bilingual
        Which part, and how.
    observations, firms : int
        Rows and firms.
    """

    name: str
    label: Bilingual
    slope: float
    error: float
    supposed: float
    why: Bilingual
    observations: int
    firms: int

    @property
    def holds(self) -> bool:
        """Whether the 95 % interval of the slope holds what is supposed."""
        return abs(self.slope - self.supposed) <= 1.96 * self.error


@dataclass(frozen=True, slots=True)
class FirmCheck:
    """Intervals of the cost of a filing against the cost of the firm's filings a year later.

    Attributes
    ----------
    name : str
        ``all``, or a class of firms by filings a year.
    label : Bilingual
        What a reader sees.
    coverage : tuple of Coverage
        At `LEVELS`.
    bias, spread : float
        Mean and standard deviation of log(cost a year later / cost claimed).
    claimed : float
        Log standard deviation that the engine states.
    firms : int
        Firms behind it.
    """

    name: str
    label: Bilingual
    coverage: tuple[Coverage, ...]
    bias: float
    spread: float
    claimed: float
    firms: int


@dataclass(frozen=True, slots=True)
class FirmChecks:
    """All checks on firms; `notes` says what was repaired, left out, or cannot be asked of these data."""

    slopes: tuple[FirmSlope, ...]
    costs: tuple[FirmCheck, ...]
    notes: tuple[Bilingual, ...]
