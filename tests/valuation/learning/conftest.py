"""Learning needs LightGBM, and LightGBM the system's OpenMP library."""

from __future__ import annotations

import pytest
from _pytest.config import Config

from zhirong.kernel.errors import MissingExtraError
from zhirong.valuation.learning.boosting import lightgbm


@pytest.fixture(autouse=True)
def _lightgbm(pytestconfig: Config) -> None:
    try:
        lightgbm()
    except MissingExtraError as err:
        if pytestconfig.getoption("--all"):
            pytest.fail(f"{err}, and --all lets nothing be skipped", pytrace=False)
        pytest.skip(f"{err} (or the system has no OpenMP library: libgomp1)")
