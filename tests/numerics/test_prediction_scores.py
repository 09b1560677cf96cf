"""Scores of predictions: published and closed-form values, brute force, calibrated and miscalibrated cases, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from zhirong.kernel.errors import ConvergenceError, DomainError
from zhirong.numerics.calibration import (
    brier_score,
    calibration_line,
    coverage,
    crps_of_draws,
    ecdf_test,
    fractional_ranks,
    interval_score,
    paired_difference,
    rank_test,
    reliability,
    wilson_interval,
)


def test_crps_of_a_normal_equals_its_closed_form() -> None:
    """Gneiting and Raftery (2007), equation 21: CRPS(N(mu, s), x) = s (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi))."""
    draws = stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000) * 2.0 + 1.0
    for x in (-3.0, 1.0, 2.5):
        z = (x - 1.0) / 2.0
        exact = 2.0 * (z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi))
        assert crps_of_draws(draws[None, :], [x])[0] == pytest.approx(exact, abs=1e-3)


def test_crps_equals_brute_force() -> None:
    rng = np.random.default_rng(1)
    draws, truth = rng.normal(size=(3, 40)), rng.normal(size=3)
    for row, t, found in zip(draws, truth, crps_of_draws(draws, truth), strict=True):
        slow = np.abs(row - t).mean() - np.abs(row[:, None] - row[None, :]).mean() / 2
        assert found == pytest.approx(slow, abs=1e-12)


def test_wilson_interval_as_published() -> None:
    """Newcombe, R. (1998), Statistics in Medicine 17, 857-872, table I, method 3: 81 of 263, and 0 of 20."""
    assert np.round(wilson_interval(81, 263), 4).tolist() == [0.2553, 0.3662]
    assert np.round(wilson_interval(0, 20), 4).tolist() == [0.0, 0.1611]


def test_interval_score_by_hand() -> None:
    # Inside: the width, 2. Below by 1 at 80 %: 2 + 2 / 0.2 * 1 = 12.
    assert interval_score([0.0, 0.0], [2.0, 2.0], [1.0, -1.0], 0.8) == pytest.approx((2 + 12) / 2)


def test_coverage_counts_ends_and_gives_its_error() -> None:
    found = coverage([0, 0, 0, 0], [1, 1, 1, 1], [0.0, 1.0, 2.0, 0.5], 0.8)
    assert (found.coverage, found.count) == (0.75, 4)
    assert found.error == pytest.approx(np.sqrt(0.8 * 0.2 / 4))
    assert (found.low, found.high) == wilson_interval(3, 4)


def test_coverage_says_within_outside_or_undecided() -> None:
    def of(held: int, count: int) -> str:
        truth = np.r_[np.zeros(held), np.full(count - held, 9.0)]
        return coverage(np.full(count, -1.0), np.full(count, 1.0), truth, 0.8).verdict()

    assert of(800, 1000) == of(785, 1000) == "within"
    assert of(45, 60) == "undecided"  # 75 %, but of 60
    assert of(700, 1000) == of(900, 1000) == "outside"
    assert coverage([0.0], [1.0], [0.5], 0.8).error > 0


def test_the_band_of_ranks_holds_95_of_100_uniform_samples() -> None:
    """The exact chance of leaving the band, against simulation, and p-values that are uniform or a little late."""
    rng = np.random.default_rng(7)
    for count in (30, 300):
        found = [ecdf_test(rng.random(count)) for _ in range(1_500)]
        inside = np.mean([np.all((f.low <= f.share + 1e-12) & (f.share <= f.high + 1e-12)) for f in found])
        assert 0.938 < inside < 0.975
        p = np.array([f.p_value for f in found])
        for level in (0.05, 0.2, 0.5):
            assert np.mean(p <= level) < level + 3.5 * np.sqrt(level * (1 - level) / 1_500)
        assert np.mean(p <= 0.2) > 0.12


def test_the_band_of_one_point_is_the_binomial_one_and_its_p_is_exact() -> None:
    found = ecdf_test(np.r_[np.full(9, 0.2), 0.8], points=1)
    assert found.p_value == pytest.approx(stats.binomtest(9, 10, 0.5).pvalue, abs=1e-9)
    assert (found.low[0], found.high[0]) == (0.2, 0.8)  # 2 to 8 of 10 have 97.9 %; 3 to 7 have 89.1 %


def test_a_slow_drift_of_ranks_is_seen() -> None:
    tilted = np.random.default_rng(8).random(400) ** 1.25
    assert ecdf_test(tilted).p_value < 0.01
    assert rank_test(tilted, bins=20).ecdf.p_value == ecdf_test(tilted).p_value


def test_fractional_ranks_stay_inside_and_are_centred() -> None:
    ranks = fractional_ranks([[1.0, 2.0, 3.0]] * 3, [0.0, 2.5, 9.0])
    assert ranks.tolist() == [0.125, 0.625, 0.875]


def test_paired_scores_are_compared_case_by_case() -> None:
    mean, error = paired_difference([1.0, 2.0, 3.0], [0.0, 1.5, 1.5])
    assert mean == pytest.approx(1.0)
    assert error == pytest.approx(np.std([1.0, 0.5, 1.5], ddof=1) / np.sqrt(3))


def test_ranks_of_calibrated_draws_are_uniform_and_of_narrow_ones_not() -> None:
    rng = np.random.default_rng(2)
    truth = rng.normal(size=2_000)
    level = stats.norm.cdf(truth)
    assert rank_test(level).p_value > 0.001
    narrow = rank_test(stats.norm.cdf(truth * 1.5))
    assert narrow.p_value < 1e-6
    assert narrow.counts[0] > narrow.high
    assert rank_test([0.0, 1.0], bins=4).counts.tolist() == [1, 0, 0, 1]


def test_the_calibration_line_is_recovered() -> None:
    rng = np.random.default_rng(3)
    logit = rng.normal(-1.0, 1.2, 20_000)
    happened = (rng.random(20_000) < 1 / (1 + np.exp(-(0.3 + 0.6 * logit)))).astype(float)
    line = calibration_line(1 / (1 + np.exp(-logit)), happened)
    assert abs(line.slope - 0.6) < 4 * line.slope_error < 0.1
    assert abs(line.intercept - 0.3) < 4 * line.intercept_error


def test_the_calibration_line_is_where_a_general_optimiser_ends() -> None:
    rng = np.random.default_rng(4)
    p = rng.uniform(0.05, 0.95, 500)
    y = (rng.random(500) < p**1.4).astype(float)
    x = np.log(p / (1 - p))
    line = calibration_line(p, y)
    peer = optimize.minimize(
        lambda t: np.sum(np.logaddexp(0, t[0] + t[1] * x) - y * (t[0] + t[1] * x)), [0.0, 0.0], method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 5_000},
    )  # fmt: skip
    assert line.slope == pytest.approx(peer.x[1], abs=1e-5)
    assert line.intercept == pytest.approx(peer.x[0], abs=1e-5)


def test_reliability_groups_hold_all_and_keep_equal_predictions_together() -> None:
    bins = reliability([0.1] * 50 + [0.6] * 50, [0] * 45 + [1] * 5 + [1] * 30 + [0] * 20)
    assert [(b.predicted, b.observed, b.count) for b in bins] == [
        (pytest.approx(0.1), 0.1, 50),
        (pytest.approx(0.6), 0.6, 50),
    ]
    assert all(b.low < b.observed < b.high for b in bins)


def test_brier_limits() -> None:
    assert brier_score([1.0, 0.0], [1, 0]) == 0.0
    assert brier_score([0.5, 0.5], [1, 0]) == 0.25


@pytest.mark.parametrize(
    "call",
    [
        lambda: brier_score([0.5], [0.5]), lambda: brier_score([1.2], [1]), lambda: brier_score([], []),
        lambda: coverage([0.0], [1.0, 2.0], [0.5], 0.8), lambda: rank_test([np.nan]), lambda: rank_test([1.5]),
        lambda: calibration_line([0.2, 0.4], [1, 1]), lambda: ecdf_test([2.0]), lambda: wilson_interval(3, 0),
    ],
)  # fmt: skip
def test_impossible_input_is_refused(call) -> None:
    with pytest.raises(DomainError):
        call()


def test_separated_outcomes_have_no_line() -> None:
    with pytest.raises((ConvergenceError, np.linalg.LinAlgError)):
        calibration_line([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1])
