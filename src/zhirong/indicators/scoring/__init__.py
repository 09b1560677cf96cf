"""Scores: profiles of scenes, weights, cohort percentiles, grades, intervals and sensitivity."""

from zhirong.indicators.scoring.profiles import Profile, load_profile, parse_profile, shipped_profiles
from zhirong.indicators.scoring.record import read_score, read_scores
from zhirong.indicators.scoring.score import ScoreRun, score
from zhirong.indicators.scoring.types import DimensionScore, IndicatorReading, PatentScore, WeightMargin, grade_of

__all__ = [
    "DimensionScore",
    "IndicatorReading",
    "PatentScore",
    "Profile",
    "ScoreRun",
    "WeightMargin",
    "grade_of",
    "load_profile",
    "parse_profile",
    "read_score",
    "read_scores",
    "score",
    "shipped_profiles",
]
