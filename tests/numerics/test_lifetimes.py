"""Other lifetimes: published figures, simulated truth, limits, and shrinkage that helps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhirong.kernel.errors import DomainError
from zhirong.numerics.lifetimes import fit_lifetime, fit_piecewise, shrink_weibulls
from zhirong.numerics.survival import WeibullFit, fit_weibull, kaplan_meier

# Remission under 6-mercaptopurine, weeks: Freireich et al. (1963), as in Cox and Oakes (1984), table 1.1.
WEEKS = np.array([6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35], float)
RELAPSED = np.array([True] * 9 + [False] * 12)


@pytest.mark.golden
def test_one_piece_is_the_published_exponential_rate() -> None:
    # Nine relapses in 359 weeks: rate 0.025 (Cox and Oakes 1984, section 3.3; printed to three digits).
    fit = fit_piecewise(WEEKS, RELAPSED, [0.0])
    assert fit.events.tolist() == [9]
    assert fit.exposure_years.tolist() == [359.0]
    assert fit.hazard[0] == pytest.approx(0.025, abs=0.0005)
    assert fit.low[0] < fit.hazard[0] < fit.high[0]


def test_fine_pieces_approach_kaplan_meier() -> None:
    rng = np.random.default_rng(1)
    life, censor = 9 * rng.weibull(1.6, 20_000), rng.uniform(1, 20, 20_000)
    time, ended = np.minimum(life, censor), life < censor
    fit, curve = fit_piecewise(time, ended, np.arange(0, 20, 0.25).tolist()), kaplan_meier(time[:4_000], ended[:4_000])
    for age in (2.0, 6.0, 12.0):
        assert fit.survival(np.array([age]))[0] == pytest.approx(curve.at(age), abs=0.02)


def test_a_piece_without_exposure_is_unknown_not_zero() -> None:
    fit = fit_piecewise(np.array([1.0, 2.0]), np.array([True, False]), [0.0, 5.0])
    assert np.isnan(fit.hazard[1])
    assert np.isnan(fit.survival(np.array([6.0]))[0])
    assert fit.survival(np.array([1.0]))[0] == pytest.approx(np.exp(-1 / 3))


@given(st.lists(st.tuples(st.floats(0.1, 20), st.booleans()), min_size=1, max_size=30), st.floats(0.5, 10))
def test_pieces_keep_every_event_and_every_year(rows: list[tuple[float, bool]], cut: float) -> None:
    time, ended = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    fit = fit_piecewise(time, ended, [0.0, cut])
    assert fit.events.sum() == ended.sum()
    assert fit.exposure_years.sum() == pytest.approx(time.sum())


def truncated(seed: int, life: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    censor, entry = rng.uniform(2, 25, len(life)), rng.uniform(0, 3, len(life))
    time = np.minimum(life, censor)
    seen = time > entry
    return time[seen], (life < censor)[seen], entry[seen]


def test_loglogistic_parameters_are_recovered() -> None:
    u = np.random.default_rng(2).random(8_000)
    time, ended, entry = truncated(3, 9 * (u / (1 - u)) ** (1 / 2.5))
    fit = fit_lifetime("loglogistic", time, ended, entry=entry)
    for name, truth in (("shape", 2.5), ("scale", 9.0)):
        assert abs(fit.parameters[name] - truth) < 4 * fit.standard_errors[name]
    assert fit.survival(np.array([fit.parameters["scale"]]))[0] == pytest.approx(0.5), "the scale is the median"


def test_gompertz_parameters_are_recovered() -> None:
    u = np.random.default_rng(4).random(8_000)
    time, ended, entry = truncated(5, np.log1p(-np.log(u) * 0.15 / 0.03) / 0.15)
    fit = fit_lifetime("gompertz", time, ended, entry=entry)
    for name, truth in (("growth", 0.15), ("level", 0.03)):
        assert abs(fit.parameters[name] - truth) < 4 * fit.standard_errors[name]


def test_gompertz_without_growth_is_exponential() -> None:
    life = np.random.default_rng(6).exponential(5, 20_000)
    fit = fit_lifetime("gompertz", life, np.ones(len(life), bool))
    assert abs(fit.parameters["growth"]) < 4 * fit.standard_errors["growth"]
    assert fit.parameters["level"] == pytest.approx(0.2, rel=0.05)


def test_the_criterion_finds_the_family_the_data_came_from() -> None:
    u = np.random.default_rng(7).random(5_000)
    life, all_ended = 9 * (u / (1 - u)) ** (1 / 2.5), np.ones(5_000, bool)
    assert fit_lifetime("loglogistic", life, all_ended).aic < fit_lifetime("gompertz", life, all_ended).aic


def test_shrinkage_comes_closer_to_the_truth_than_either_extreme() -> None:
    rng = np.random.default_rng(8)
    scales = np.exp(np.log(10) + 0.15 * rng.standard_normal(20))
    lives = {f"g{i}": scale * rng.weibull(1.5, 60) for i, scale in enumerate(scales)}
    fits = {name: fit_weibull(life, np.ones(60, bool)) for name, life in lives.items()}
    everyone = np.concatenate(list(lives.values()))
    pooled = fit_weibull(everyone, np.ones(len(everyone), bool))
    shrunk = shrink_weibulls(pooled, fits)

    def loss(found: list[float]) -> float:
        return float(np.mean((np.log(found) - np.log(scales)) ** 2))

    mine = loss([shrunk[n].scale for n in lives])
    assert mine < loss([fits[n].scale for n in lives])
    assert mine < loss([pooled.scale] * 20)
    assert all(shrunk[n].covariance[1, 1] <= fits[n].covariance[1, 1] + 1e-12 for n in lives)


@pytest.mark.parametrize("groups", [3, 12])
def test_shrunk_intervals_hold_what_they_claim(groups: int) -> None:
    rng = np.random.default_rng(groups)
    error = np.diag([0.1**2, 0.12**2])
    held = []
    for _ in range(300):
        truth = np.array([0.5, 2.3]) + rng.uniform(0.02, 0.4, 2) * rng.standard_normal((groups, 2))
        seen = truth + rng.standard_normal((groups, 2)) @ np.sqrt(error)
        fits = {str(g): WeibullFit(*np.exp(seen[g]), error, 0.0, 50, 50) for g in range(groups)}
        mine = shrink_weibulls(fits["0"], fits)["0"]
        half = 1.2816 * np.sqrt(np.diag(mine.covariance))
        held.append(np.abs(np.log([mine.shape, mine.scale]) - truth[0]) <= half)
    assert np.mean(held, axis=0) == pytest.approx([0.8, 0.8], abs=0.06)


def test_groups_that_agree_exactly_are_drawn_to_one_centre_and_far_ones_stay() -> None:
    error = 0.05**2 * np.eye(2)
    same = {str(g): WeibullFit(2.0, 10.0, error, 0.0, 50, 50) for g in range(8)}
    mine = shrink_weibulls(same["0"], same)["3"]
    assert (mine.shape, mine.scale) == (pytest.approx(2.0), pytest.approx(10.0))
    assert mine.covariance[0, 0] < 0.5 * error[0, 0]
    apart = {str(g): WeibullFit(2.0, 10.0 * np.exp(g - 3.5), error, 0.0, 50, 50) for g in range(8)}
    far = shrink_weibulls(apart["0"], apart)["7"]
    assert np.log(far.scale) == pytest.approx(np.log(10) + 3.5, abs=0.02)
    assert far.covariance[1, 1] == pytest.approx(error[1, 1], rel=0.02)


def test_a_single_group_is_the_pooled_fit() -> None:
    pooled = fit_weibull(WEEKS, RELAPSED)
    assert shrink_weibulls(pooled, {"only": pooled})["only"].scale == pytest.approx(pooled.scale)
    assert shrink_weibulls(pooled, {}) == {}


def test_bad_input_is_refused() -> None:
    with pytest.raises(DomainError, match="no family"):
        fit_lifetime("gamma", WEEKS, RELAPSED)
    with pytest.raises(DomainError, match="two events"):
        fit_lifetime("gompertz", np.array([1.0, 2.0]), np.array([True, False]))
    with pytest.raises(DomainError, match="later than entry"):
        fit_piecewise(np.array([1.0]), np.array([True]), [0.0], entry=np.array([1.0]))
    with pytest.raises(DomainError, match="cuts"):
        fit_piecewise(WEEKS, RELAPSED, [1.0, 2.0])
