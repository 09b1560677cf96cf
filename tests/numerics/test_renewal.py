"""The renewal model against closed forms, simulated truth and its limits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from zhirong.kernel.errors import DomainError
from zhirong.numerics.renewal import (
    PeriodicSchedule,
    RenewalFit,
    fee_schedule,
    fit_periodic_renewal,
    fit_renewal,
    periodic_thresholds,
    renewal_value,
    share_alive,
    value_given_paid,
    value_given_renewed,
)

FEES = fee_schedule([[1, 3, 900], [4, 6, 1200], [7, 9, 2000], [10, 12, 4000], [13, 15, 6000], [16, 20, 8000]], 20)


@pytest.mark.golden
def test_share_alive_equals_the_reference() -> None:
    # Schankerman-Pakes share alive, mu = ln 2000, s = 2, d = 0.1: valuation reference 3.4, recomputed; tolerance 1e-6.
    alive = share_alive(np.log(2000), 2, 0.1, np.array([3.5, 7.5, 11.5]), np.array([2150.0, 4040.0, 8280.0]))
    assert alive == pytest.approx([0.412724832, 0.227637221, 0.094058351], abs=1e-6)


@pytest.mark.golden
def test_stopping_time_and_value_equal_the_reference() -> None:
    renewals, value = renewal_value(2000, 0.1, 0.95, np.array([900, 900, 900, 1200, 1200, 1200, 2000, 2000.0]))
    assert renewals == 5
    assert value == pytest.approx(2917.39035125, abs=1e-6)


def test_who_dropped_out_does_not_return() -> None:
    fees = np.array([100.0, 5000.0, 100.0])
    alive = share_alive(np.log(1000), 1.0, 0.05, np.array([1.0, 2.0, 3.0]), fees)
    assert alive[2] <= alive[1] < alive[0]


def simulate(seed: int, count: int, mu: float, sigma: float, decay: float) -> np.ndarray:
    start = np.exp(mu + sigma * np.random.default_rng(seed).standard_normal(count))
    return np.cumprod(start[:, None] * (1 - decay) ** np.arange(1, 21) >= FEES, axis=1).sum(axis=1)


def test_known_parameters_are_recovered() -> None:
    kept = simulate(1, 30_000, np.log(9000), 1.3, 0.1)
    fit = fit_renewal(kept, kept < 20, FEES, first_age=3)
    for value, truth, error in zip(
        (fit.mu, fit.sigma, fit.decay), (np.log(9000), 1.3, 0.1), fit.standard_errors, strict=True
    ):
        assert abs(value - truth) < 4 * error


def test_censored_patents_do_not_bias_the_fit() -> None:
    kept = simulate(2, 30_000, np.log(9000), 1.3, 0.1)
    seen_to = np.random.default_rng(3).integers(5, 21, len(kept))
    fit = fit_renewal(np.minimum(kept, seen_to), kept < seen_to, FEES, first_age=3)
    assert fit.mu == pytest.approx(np.log(9000), abs=0.12)
    assert fit.decay == pytest.approx(0.1, abs=0.012)


def test_value_given_renewed_equals_simulation() -> None:
    mu, sigma, decay, beta, age = np.log(9000), 1.3, 0.1, 0.9, 6
    start = np.exp(mu + sigma * np.random.default_rng(4).standard_normal(400_000))
    returns = start[:, None] * (1 - decay) ** np.arange(1, 21)
    covered = np.cumprod(returns >= FEES, axis=1).astype(bool)
    alive = covered[:, age - 1]
    gain = np.where(covered[:, age:], returns[:, age:] - FEES[age:], 0) @ beta ** np.arange(1, 21 - age)
    levels = np.array([0.25, 0.5, 0.75, 0.9])
    assert value_given_renewed(mu, sigma, decay, beta, FEES, age, levels) == pytest.approx(
        np.quantile(gain[alive], levels), rel=0.02
    )


def test_nothing_is_left_at_the_end_of_the_term() -> None:
    assert value_given_renewed(9.0, 1.0, 0.1, 0.9, FEES, 20, np.array([0.5, 0.9])).tolist() == [0.0, 0.0]


def test_bad_input_is_refused() -> None:
    with pytest.raises(DomainError, match="ten lapses"):
        fit_renewal(np.array([5, 6]), np.array([True, True]), FEES)
    with pytest.raises(DomainError, match="sigma"):
        share_alive(1.0, 0.0, 0.1, np.array([1.0]), np.array([1.0]))


US_DUE, US_FEES = np.array([3.5, 7.5, 11.5]), np.array([2150.0, 4040.0, 8280.0])


def best_by_search(first_return: float, decay: float, beta: float, steps: int = 4_000) -> int:
    """Fees paid by the owner who tries every number of them, flows summed numerically."""
    edges = np.append(US_DUE, 20.0)
    values = [0.0]
    for last in range(len(US_DUE)):
        t = np.linspace(edges[last], edges[last + 1], steps)
        flow = np.trapezoid(first_return * ((1 - decay) * beta) ** t, t)
        values.append(values[-1] + flow - beta ** US_DUE[last] * US_FEES[last])
    return int(np.argmax(values))


def test_the_forward_rule_is_the_best_of_all_choices() -> None:
    for decay, beta in ((0.1, 0.95), (0.3, 0.9), (0.0, 1.0)):
        thresholds = periodic_thresholds(US_DUE, US_FEES, decay, beta, last_year=20)
        for first_return in np.geomspace(300, 300_000, 60):
            assert (first_return >= thresholds).sum() == best_by_search(first_return, decay, beta)


def test_four_years_of_flows_make_the_forward_rule_laxer_than_the_myopic() -> None:
    forward = periodic_thresholds(US_DUE, US_FEES, 0.1, 0.95, last_year=20)
    myopic = periodic_thresholds(US_DUE, US_FEES, 0.1, 0.95, last_year=20, rule="myopic")
    assert (forward < myopic).all()
    # The myopic thresholds are those of `share_alive`.
    shares = share_alive(np.log(2000), 2, 0.1, US_DUE, US_FEES)
    assert stats.norm.sf((np.log(myopic) - np.log(2000)) / 2) == pytest.approx(shares)


def test_impossible_fee_calendars_are_refused() -> None:
    for due, fees, more in (
        ([7.5, 3.5], [1.0, 1.0], {}), ([3.5], [1.0, 2.0], {}), ([3.5], [-1.0], {}), ([3.5], [1.0], {"rule": "clairvoyant"}),
        ([21.0], [1.0], {}),
    ):  # fmt: skip
        with pytest.raises(DomainError):
            periodic_thresholds(np.array(due), np.array(fees), 0.1, 0.9, last_year=20, **more)


SCHEDULE = PeriodicSchedule(US_DUE, US_FEES, 17.5)


def simulate_periodic(seed: int, count: int, mu: float, sigma: float, decay: float, beta: float) -> np.ndarray:
    """Return fees paid by owners who each look for their best number of fees."""
    first = np.exp(mu + sigma * np.random.default_rng(seed).standard_normal(count))
    edges = np.append(US_DUE, SCHEDULE.term_years)
    a_b = (1 - decay) * beta
    flows = np.diff(a_b**edges) / np.log(a_b)
    worth = np.cumsum(first[:, None] * flows - beta**US_DUE * US_FEES, axis=1)
    return np.argmax(np.column_stack([np.zeros(count), worth]), axis=1)


def test_periodic_parameters_are_recovered() -> None:
    paid = simulate_periodic(5, 30_000, np.log(4000), 1.6, 0.15, 0.9)
    fit = fit_periodic_renewal(paid, paid < 3, SCHEDULE, decay=0.15, beta=0.9)
    assert abs(fit.mu - np.log(4000)) < 4 * fit.standard_errors[0]
    assert abs(fit.sigma - 1.6) < 4 * fit.standard_errors[1]
    assert fit.standard_errors[2] == 0.0


def test_patents_seen_for_a_while_only_do_not_bias_the_periodic_fit() -> None:
    paid = simulate_periodic(6, 30_000, np.log(4000), 1.6, 0.15, 0.9)
    due_by_now = np.random.default_rng(7).integers(0, 4, len(paid))
    fit = fit_periodic_renewal(np.minimum(paid, due_by_now), paid < due_by_now, SCHEDULE, decay=0.15, beta=0.9)
    assert abs(fit.mu - np.log(4000)) < 4 * fit.standard_errors[0]
    assert abs(fit.sigma - 1.6) < 4 * fit.standard_errors[1]


@pytest.mark.parametrize(("paid", "age"), [(0, 1.0), (1, 5.0), (2, 9.0), (3, 12.0)])
def test_value_given_paid_equals_simulation(paid: int, age: float) -> None:
    mu, sigma, decay, beta = np.log(4000), 1.4, 0.15, 0.9
    fit = RenewalFit(mu, sigma, decay, np.zeros(3), 0.0, 1)
    first = np.exp(mu + sigma * np.random.default_rng(8).standard_normal(400_000))
    edges = np.append(US_DUE, SCHEDULE.term_years)
    a_b = (1 - decay) * beta
    flow = first * (a_b**age - a_b ** edges[paid]) / -np.log(a_b)
    worth = first[:, None] * np.diff(a_b**edges) / np.log(a_b) - beta**US_DUE * US_FEES
    paying = first >= (
        0.0 if paid == 0 else periodic_thresholds(US_DUE, US_FEES, decay, beta, last_year=17.5)[paid - 1]
    )
    options = np.column_stack([np.zeros(len(first)), np.cumsum(worth[:, paid:], axis=1)])
    value = (flow + options.max(axis=1)) * beta**-age
    levels = np.array([0.1, 0.5, 0.9])
    assert value_given_paid(fit, SCHEDULE, beta, paid=paid, age_years=age, levels=levels) == pytest.approx(
        np.quantile(value[paying], levels), rel=0.02
    )


def test_nothing_is_left_at_the_end_of_a_periodic_term() -> None:
    fit = RenewalFit(8.0, 1.0, 0.15, np.zeros(3), 0.0, 1)
    assert value_given_paid(fit, SCHEDULE, 0.9, paid=3, age_years=17.5, levels=np.array([0.5])).tolist() == [0.0]


def test_impossible_periodic_histories_are_refused() -> None:
    with pytest.raises(DomainError, match="0 to 3"):
        fit_periodic_renewal(np.array([4]), np.array([False]), SCHEDULE, decay=0.1, beta=0.9)
    with pytest.raises(DomainError, match="two fees"):
        fit_periodic_renewal(np.zeros(50, np.int64), np.ones(50, bool), SCHEDULE, decay=0.1, beta=0.9)
