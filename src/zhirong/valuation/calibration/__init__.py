"""Calibration proof: simulated truths, a world whose values are known, lives that have since ended, firms of published panels.

Each check is shown as it comes out, failures included:

- `check_pieces`: parameters are drawn, data are drawn from them, the fit is asked where it sees the parameters; their
  ranks among its draws must be uniform (Talts et al. 2018).
- `check_sampling`: truths are drawn from the assumptions of subjects by other code than the engine's, and ranked among its draws.
- `check_values`: patents of a world whose latent values are known are valued from its evidence alone; how often intervals
  hold the latent value, and how sharp they are beside naive answers.
- `check_lives`: the engine fits survival at a date on real or synthetic lapses, and is compared with what happened afterwards.
- `check_firms`: what the engine supposes of research, patents and size, asked of panels of firms.
"""

from zhirong.valuation.calibration.firms import check_firms
from zhirong.valuation.calibration.lives import check_lives, hazards_by_group
from zhirong.valuation.calibration.pieces import check_pieces
from zhirong.valuation.calibration.sampling import check_sampling
from zhirong.valuation.calibration.types import (
    LEVELS,
    FirmCheck,
    FirmChecks,
    FirmSlope,
    GroupHazard,
    GroupShare,
    LifeCheck,
    PieceCheck,
    ValueCheck,
)
from zhirong.valuation.calibration.values import check_values

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
    "check_firms",
    "check_lives",
    "check_pieces",
    "check_sampling",
    "check_values",
    "hazards_by_group",
]
