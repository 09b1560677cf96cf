"""The value inside a grant-day return: published figures, quadrature, limits, simulated truth, bad input."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from zhirong.kernel.errors import DomainError
from zhirong.numerics.event_study import (
    NoiseModel,
    expected_value_share,
    grant_value,
    signal_share,
    value_share_quantiles,
    window_noise,
    window_return,
)

GAMMA = 0.0146289  # KPSS 2017, replication files
DELTA = 1 - np.exp(-GAMMA)
SD = float(window_noise(0.02))


@pytest.mark.golden
@pytest.mark.parametrize(
    ("model", "scale", "returned", "expected", "tolerance"),
    [
        # KPSS 2017 replication formula, checked by quadrature in the valuation reference, section 3.6.
        ("half_normal", SD, -0.05, 0.003080301775, 1e-9),
        ("half_normal", SD, 0.0, 0.003330812177, 1e-9),
        ("half_normal", SD, 0.05, 0.003608856481, 1e-9),
        ("exponential", SD, -0.05, 0.00348474431, 1e-9),
        ("exponential", SD, 0.0, 0.004061275397, 1e-9),
        ("exponential", SD, 0.05, 0.004858344645, 1e-9),
        ("cauchy", 0.03, -0.05, 0.001170759, 1e-8),
        ("cauchy", 0.03, 0.05, 0.0024608336, 1e-8),
    ],
)
def test_the_reference_is_met(model: str, scale: float, returned: float, expected: float, tolerance: float) -> None:
    found = expected_value_share(returned, scale, DELTA, model=NoiseModel(model))
    assert float(found) == pytest.approx(expected, abs=tolerance)


@pytest.mark.golden
@pytest.mark.parametrize(("pi", "expected"), [(0.55, 8019681.068166159), (0.56, 8201946.5469881175)])
def test_the_value_in_dollars_meets_the_reference(pi: float, expected: float) -> None:
    share = expected_value_share(0.05, SD, DELTA)
    assert float(grant_value(share, 1e9, 1, expected_grant_share=pi)) == pytest.approx(expected, rel=1e-8)


def prior(model: NoiseModel, scale: float, delta: float) -> stats.rv_continuous:
    if model is NoiseModel.HALF_NORMAL:
        return stats.halfnorm(scale=scale * np.sqrt(delta / (1 - delta)))
    if model is NoiseModel.EXPONENTIAL:
        return stats.expon(scale=np.sqrt(delta) * scale)
    return stats.halfcauchy(scale=scale * delta / (1 - delta))


@pytest.mark.parametrize("model", list(NoiseModel))
@pytest.mark.parametrize("delta", [0.005, DELTA, 0.2])
@pytest.mark.parametrize("returned", [-0.12, -0.01, 0.0, 0.03, 0.15])
def test_the_closed_forms_equal_quadrature(model: NoiseModel, delta: float, returned: float) -> None:
    scale = 0.03
    value = prior(model, scale, delta)
    noise = stats.cauchy(scale=scale) if model is NoiseModel.CAUCHY else stats.norm(scale=scale)
    points = (
        [0.0, 1e-4, 1e-3, 0.01, 0.1, 1.0, 10.0, 1e3, 1e6]
        if model is NoiseModel.CAUCHY
        else [0.0, 0.005, 0.02, 0.1, 1.0]
    )

    def whole(power: int) -> float:
        pieces = pairwise(points)
        return sum(
            integrate.quad(lambda v: v**power * value.pdf(v) * noise.pdf(returned - v), a, b, epsabs=0, epsrel=1e-11)[0]
            for a, b in pieces
        )

    found = float(expected_value_share(returned, scale, delta, model=model))
    assert found == pytest.approx(whole(1) / whole(0), rel=2e-6)


@pytest.mark.parametrize("model", [NoiseModel.HALF_NORMAL, NoiseModel.EXPONENTIAL])
@pytest.mark.parametrize("returned", [-0.06, 0.0, 0.08])
def test_two_groups_equal_quadrature_and_end_in_one_group(model: NoiseModel, returned: float) -> None:
    delta, scale, share = 0.1, 0.03, 0.3
    value, noise = prior(model, scale, delta), stats.norm(scale=scale)
    top, bottom = (
        integrate.quad(lambda v, p=power: v**p * value.pdf(v) * noise.pdf(returned - v), 0, 0.5, epsrel=1e-11)[0]
        for power in (1, 0)
    )
    right = share * top / (share * bottom + (1 - share) * noise.pdf(returned))
    found = float(expected_value_share(returned, scale, delta, model=model, informative_share=share))
    assert found == pytest.approx(right, rel=1e-7)
    near = float(expected_value_share(returned, scale, delta, model=model, informative_share=1 - 1e-12))
    assert near == pytest.approx(float(expected_value_share(returned, scale, delta, model=model)), rel=1e-9)


@given(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5), st.floats(0.005, 0.2), st.floats(0.002, 0.4))
def test_a_higher_return_never_says_less_and_the_value_is_positive(
    a: float, b: float, scale: float, delta: float
) -> None:
    low, high = sorted((a, b))
    for model in (NoiseModel.HALF_NORMAL, NoiseModel.EXPONENTIAL):
        pair = expected_value_share([low, high], scale, delta, model=model)
        assert 0 < pair[0] <= pair[1] * (1 + 1e-9)


def test_the_mean_of_simulated_values_is_met() -> None:
    rng = np.random.default_rng(1)
    delta, scale = 0.2, 0.03
    value = stats.halfnorm(scale=scale * np.sqrt(delta / (1 - delta))).rvs(1_000_000, random_state=rng)
    returned = value + rng.normal(0, scale, len(value))
    expected = expected_value_share(returned, scale, delta)
    assert expected.mean() == pytest.approx(value.mean(), rel=3e-3)
    high = returned > 0.05
    assert expected[high].mean() == pytest.approx(value[high].mean(), rel=1e-2)


def test_the_signal_share_is_recovered_and_calm_days_say_nothing() -> None:
    rng = np.random.default_rng(2)
    gamma = 0.05
    other = rng.normal(0, 0.03, 400_000) ** 2
    grant = rng.normal(0, 0.03 * np.exp(gamma / 2), 400_000) ** 2
    found = signal_share(grant, other)
    assert abs(found.gamma - gamma) < 4 * found.standard_error
    assert found.delta == pytest.approx(1 - np.exp(-found.gamma))
    assert signal_share(other, grant).delta == 0.0


def test_the_window_compounds_and_missing_days_count_as_nothing() -> None:
    assert float(window_return([0.01, np.nan, -0.02])) == pytest.approx(1.01 * 0.98 - 1)
    assert window_return(np.zeros((4, 3))).tolist() == [0.0] * 4


def test_patents_of_one_day_share_the_value() -> None:
    one, four = grant_value(0.004, 1e9, [1, 4])
    assert one == pytest.approx(4 * four)


def test_impossible_input_is_refused() -> None:
    for call in (
        lambda: window_return([0.1, 0.2]),
        lambda: window_return([0.1, -1.0, 0.2]),
        lambda: window_noise(0.0),
        lambda: expected_value_share(0.0, -1.0, DELTA),
        lambda: expected_value_share(0.0, 0.03, 0.5),
        lambda: expected_value_share(0.0, 0.03, DELTA, informative_share=0.0),
        lambda: expected_value_share(0.0, 0.03, DELTA, model=NoiseModel.CAUCHY, informative_share=0.5),
        lambda: grant_value(0.01, 0.0, 1),
        lambda: grant_value(0.01, 1.0, 0),
        lambda: signal_share([1.0], [1.0, 2.0]),
        lambda: signal_share([-1.0, 1.0], [1.0, 2.0]),
    ):
        with pytest.raises(DomainError):
            call()


@pytest.mark.parametrize("model", [NoiseModel.HALF_NORMAL, NoiseModel.EXPONENTIAL])
def test_quantiles_of_the_value_average_to_its_mean_and_rise(model: NoiseModel) -> None:
    levels = (np.arange(200_000) + 0.5) / 200_000
    for returned in (-0.08, 0.0, 0.06):
        found = value_share_quantiles(levels, returned, SD, DELTA, model=model)
        assert (found > 0).all()
        assert (np.diff(found) >= 0).all()
        assert found.mean() == pytest.approx(float(expected_value_share(returned, SD, DELTA, model=model)), rel=1e-4)


def test_quantiles_refuse_what_they_cannot_answer() -> None:
    with pytest.raises(DomainError, match="normal noise"):
        value_share_quantiles(0.5, 0.0, SD, DELTA, model=NoiseModel.CAUCHY)
    with pytest.raises(DomainError, match="levels"):
        value_share_quantiles(1.0, 0.0, SD, DELTA)
