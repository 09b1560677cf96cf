"""Growth curves: closed form, recovery from simulation, coverage, no answer where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhirong.kernel.errors import DomainError
from zhirong.numerics.scurve import CurveModel, curve, fit_s_curve, stage_of


def _counts(model: CurveModel, n: int, saturation: float, rate: float, midpoint: float) -> np.ndarray:
    return np.diff(curve(model, np.arange(n + 1.0), saturation=saturation, rate=rate, midpoint=midpoint))


@pytest.mark.parametrize("model", list(CurveModel))
@pytest.mark.parametrize("midpoint", [8.0, 12.0, 17.0])
def test_exact_curve_is_recovered(model: CurveModel, midpoint: float) -> None:
    counts = _counts(model, 20, 5000.0, 0.35, midpoint)
    fit = fit_s_curve(counts, first_year=1990.0, model=model)
    assert fit is not None
    assert fit.saturation == pytest.approx(5000.0, rel=1e-4)
    assert fit.rate == pytest.approx(0.35, rel=1e-4)
    assert fit.midpoint == pytest.approx(1990.0 + midpoint, abs=1e-3)
    end = curve(model, np.array([20.0]), saturation=1.0, rate=0.35, midpoint=midpoint)[0]
    assert fit.maturity == pytest.approx(end, rel=1e-4)
    assert fit.deviance == pytest.approx(0.0, abs=1e-4)


def test_family_of_smaller_deviance_is_chosen() -> None:
    for model in CurveModel:
        fit = fit_s_curve(_counts(model, 25, 20000.0, 0.3, 13.0))
        assert fit is not None
        assert fit.model is model


def test_interval_covers_the_truth_in_simulated_counts() -> None:
    rng = np.random.default_rng(7)
    mean = _counts(CurveModel.LOGISTIC, 20, 3000.0, 0.4, 12.0)
    truth = curve(CurveModel.LOGISTIC, np.array([20.0]), saturation=1.0, rate=0.4, midpoint=12.0)[0]
    hits = 0
    for _ in range(60):
        fit = fit_s_curve(rng.poisson(mean).astype(float), model=CurveModel.LOGISTIC, level=0.9)
        assert fit is not None
        assert fit.is_identified
        hits += fit.maturity_low <= truth <= fit.maturity_high
    assert 47 <= hits <= 60  # 54 expected; 47 is three standard errors below


def test_early_exponential_growth_does_not_identify_saturation() -> None:
    counts = np.round(2.0 * np.exp(0.3 * np.arange(12)))
    fit = fit_s_curve(counts, model=CurveModel.LOGISTIC)
    assert fit is not None
    assert not fit.is_identified


def test_too_little_data_gives_no_fit() -> None:
    assert fit_s_curve(np.full(7, 50.0)) is None
    assert fit_s_curve(np.full(10, 1.0)) is None


def test_bad_input_is_refused() -> None:
    with pytest.raises(DomainError):
        fit_s_curve(np.array([1.0, -1.0] * 5))
    with pytest.raises(DomainError):
        fit_s_curve(np.full(10, 9.0), level=1.0)
    with pytest.raises(DomainError):
        stage_of(1.5)


@settings(max_examples=10)
@given(st.integers(2, 50))
def test_scale_of_counts_moves_saturation_only(factor: int) -> None:
    counts = _counts(CurveModel.LOGISTIC, 15, 800.0, 0.5, 9.0)
    one, many = fit_s_curve(counts, model=CurveModel.LOGISTIC), fit_s_curve(counts * factor, model=CurveModel.LOGISTIC)
    assert one is not None
    assert many is not None
    assert many.saturation == pytest.approx(one.saturation * factor, rel=1e-3)
    assert many.maturity == pytest.approx(one.maturity, rel=1e-3)


def test_stages() -> None:
    assert [stage_of(m) for m in (0.0, 0.1, 0.5, 0.9, 1.0)] == [
        "emerging", "growth", "maturity", "saturation", "saturation",
    ]  # fmt: skip
