"""Learning from what a user's evidence holds: prices, appraisals, renewals, transfers, event-study values.

The literature's indicators explain 3 to 11 per cent of log value, so the interval is the answer and the point is not.
"""

from zhirong.valuation.learning.boosting import LEVELS, Settings
from zhirong.valuation.learning.card import ModelCard, TextGain
from zhirong.valuation.learning.conformal import Coverage
from zhirong.valuation.learning.domain import Verdict
from zhirong.valuation.learning.features import FeatureTable, features_at, features_of
from zhirong.valuation.learning.fitting import Options, fit_model
from zhirong.valuation.learning.labels import LabelKind, Labels, Target, collect_labels, labels_from_values
from zhirong.valuation.learning.leaks import LeakageError, LeakLimits
from zhirong.valuation.learning.learn import audit, learn, predict_patents
from zhirong.valuation.learning.model import LearnedModel, Prediction, learned_draws
from zhirong.valuation.learning.textual import Encoder, semantic_encoder

__all__ = [
    "LEVELS",
    "Coverage",
    "Encoder",
    "FeatureTable",
    "LabelKind",
    "Labels",
    "LeakLimits",
    "LeakageError",
    "LearnedModel",
    "ModelCard",
    "Options",
    "Prediction",
    "Settings",
    "Target",
    "TextGain",
    "Verdict",
    "audit",
    "collect_labels",
    "features_at",
    "features_of",
    "fit_model",
    "labels_from_values",
    "learn",
    "learned_draws",
    "predict_patents",
    "semantic_encoder",
]
