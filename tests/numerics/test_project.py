"""The research project: closed forms, a lattice, brute force in two dimensions, published moments, limits, bad input."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.interpolate import RegularGridInterpolator

from zhirong.kernel.errors import DomainError
from zhirong.numerics import project as module
from zhirong.numerics.project import Project, certain_value, completed_worth, total_cost_moments, value_project
from zhirong.numerics.streams import stream_key

# Terms of Schwartz's pharmaceutical project (2004) as an open implementation states them; its result is not printed there.
DRUG = Project(
    cost=100, spending=10, cost_volatility=0.5, cash_flow=20, drift=0.02 - 0.036, cash_volatility=0.35, correlation=-0.1,
    catastrophe=math.log(2) / 10, rate=0.05, years=20, terminal_multiple=5,
)  # fmt: skip


def test_the_worth_of_a_completed_project_is_the_integral_of_its_flows() -> None:
    t = np.linspace(0, 7, 20_001)
    flows = np.trapezoid(np.exp((DRUG.drift - DRUG.rate) * t), t) + 5 * math.exp((DRUG.drift - DRUG.rate) * 7)
    assert completed_worth(DRUG, 7) == pytest.approx(flows, rel=1e-8)
    assert completed_worth(replace(DRUG, drift=DRUG.rate, terminal_multiple=0), 7) == pytest.approx(7)
    assert completed_worth(DRUG, 0) == pytest.approx(5)


def test_without_volatility_it_is_the_closed_form() -> None:
    for cash_flow in (20.0, 40.0):
        certain = replace(DRUG, cost_volatility=0.0, cash_volatility=0.0, cash_flow=cash_flow)
        found = value_project(certain, dates=40, paths=1_000, learning_paths=1_000)
        assert found.committed_value == pytest.approx(certain_value(certain), rel=1e-9)
        assert found.value == pytest.approx(max(certain_value(certain), 0.0), rel=1e-9)
        assert found.mean_completion_years == pytest.approx(10)


def test_uncertain_cash_flow_alone_leaves_the_committed_value_as_it_is() -> None:
    risky = replace(DRUG, cost_volatility=0.0)
    found = value_project(risky, dates=40, paths=20_000, learning_paths=5_000)
    assert found.committed_value == pytest.approx(certain_value(risky), abs=4 * found.committed_error + 1e-9)
    assert found.value > found.committed_value


def test_a_catastrophe_is_an_extra_discount_before_completion() -> None:
    safe = replace(DRUG, cost_volatility=0.0, cash_volatility=0.0, catastrophe=0.0)
    # By hand: certain flows, each weighted by the chance that the project still lives.
    tau, hazard = 10.0, 0.07
    t = np.linspace(0, tau, 200_001)
    spent = np.trapezoid(10 * np.exp(-(0.05 + hazard) * t), t)
    earned = 20 * math.exp((DRUG.drift - 0.05 - hazard) * tau) * completed_worth(safe, 10)
    assert certain_value(replace(safe, catastrophe=hazard)) == pytest.approx(earned - spent, rel=1e-8)
    values = [value_project(replace(DRUG, catastrophe=h), dates=20, paths=4_000, learning_paths=4_000).value
              for h in (0.0, 0.05, 0.15)]  # fmt: skip
    assert values == sorted(values, reverse=True)


@pytest.mark.golden
def test_the_total_cost_has_the_published_moments() -> None:
    # Pindyck (1993): mean K, variance sigma^2 K^2 / (2 - sigma^2); steps of a twelfth of a year, no end of the patent in reach.
    p, dates, paths = replace(DRUG, years=60), 720, 20_000
    terms = module._terms(p, dates)
    cost, cash, part = np.empty((dates + 1, paths)), np.empty((dates + 1, paths)), np.empty((dates, paths))
    module._walk(np.uint64(stream_key(2, "cost")), terms, cost, cash, part, 0, paths)
    total = p.spending * p.years / dates * part.sum(axis=0)
    mean, sd = total_cost_moments(p)
    assert (mean, sd) == pytest.approx((100, 50 / math.sqrt(1.75)))
    assert total.mean() == pytest.approx(mean, abs=4 * sd / paths**0.5 + 0.3)
    assert total.std() == pytest.approx(sd, rel=0.03)
    assert (cost[-1] == 0).all()


def test_with_certain_cost_abandonment_meets_a_lattice_of_instalments() -> None:
    p = replace(DRUG, cost_volatility=0.0, cash_flow=26.0)
    dates, between = 40, 40
    dt = p.years / dates
    steps, h = (dates // 2) * between, dt / between
    up = math.exp(p.cash_volatility * math.sqrt(h))
    chance = (math.exp(p.drift * h) - 1 / up) / (up - 1 / up)
    worth = p.cash_flow * up ** (2.0 * np.arange(steps + 1) - steps) * completed_worth(p, p.years / 2)
    speed = p.rate + p.catastrophe
    instalment = p.spending * -math.expm1(-speed * dt) / speed
    for step in range(steps - 1, -1, -1):
        worth = math.exp(-speed * h) * (chance * worth[1:] + (1 - chance) * worth[:-1])
        if step % between == 0:
            worth = np.maximum(worth - instalment, 0.0)
    found = value_project(p, dates=dates, paths=60_000, learning_paths=20_000)
    assert found.value == pytest.approx(worth[0], abs=4 * found.standard_error + 0.01 * worth[0])


def brute_force(p: Project, dates: int) -> float:
    """Dynamic programming on a grid of cost and log cash flow, with Gauss-Hermite scores and linear interpolation."""
    dt = p.years / dates
    costs = np.concatenate([[0.0], np.geomspace(0.3, 6 * p.cost, 70)])
    logs = math.log(p.cash_flow) + np.linspace(-6, 5, 111)
    nodes, weights = np.polynomial.hermite_e.hermegauss(9)
    weights = weights / weights.sum()
    value = np.zeros((len(costs), len(logs)))
    speed = p.rate + p.catastrophe
    grid_cost, grid_log = np.meshgrid(costs[1:], logs, indexing="ij")
    for date in range(dates - 1, -1, -1):
        look, ahead = RegularGridInterpolator((costs, logs), value), np.zeros(grid_cost.shape)
        worth = completed_worth(p, p.years - (date + 1) * dt)
        for z, wz in zip(nodes, weights, strict=True):
            later = grid_cost - p.spending * dt + p.cost_volatility * np.sqrt(p.spending * grid_cost * dt) * z
            part = np.where(later > 0, 1.0, np.minimum(grid_cost / (grid_cost - later), 1.0))
            spent = p.spending * -np.expm1(-speed * part * dt) / speed
            for y, wy in zip(nodes, weights, strict=True):
                score = p.correlation * z + math.sqrt(1 - p.correlation**2) * y
                log = grid_log + (p.drift - p.cash_volatility**2 / 2) * dt + p.cash_volatility * math.sqrt(dt) * score
                inside = np.stack([np.clip(later, 0, costs[-1]), np.clip(log, logs[0], logs[-1])], axis=-1)
                done = np.exp(log) * (worth + (1 - part) * dt)
                ahead += wz * wy * (math.exp(-speed * dt) * np.where(later > 0, look(inside), done) - spent)
        value = np.zeros_like(value)
        value[1:] = np.maximum(ahead, 0.0)
    return float(RegularGridInterpolator((costs, logs), value)((p.cost, math.log(p.cash_flow))))


def test_it_meets_brute_force_in_two_dimensions() -> None:
    p = replace(DRUG, years=12, cost=60, cash_flow=24)
    expected = brute_force(p, 24)
    found = value_project(p, dates=24, paths=60_000, learning_paths=30_000)
    assert found.value == pytest.approx(expected, abs=4 * found.standard_error + 0.02 * expected)
    assert found.value < expected + 4 * found.standard_error + 0.005 * expected


def test_abandonment_is_a_large_part_of_a_marginal_project() -> None:
    # The abstract of the paper: very substantial where the project is marginal or uncertainty large.
    marginal = value_project(DRUG, dates=40, paths=20_000, learning_paths=10_000)
    rich = value_project(replace(DRUG, cash_flow=60), dates=40, paths=20_000, learning_paths=10_000)
    assert marginal.abandonment_value > 0.5 * marginal.value
    assert rich.abandonment_value < 0.1 * rich.value
    bold = value_project(replace(DRUG, cash_volatility=0.5), dates=40, paths=20_000, learning_paths=10_000)
    assert bold.abandonment_value > marginal.abandonment_value


def test_a_patent_too_short_to_finish_is_worth_nothing() -> None:
    found = value_project(replace(DRUG, years=3, cost_volatility=0.1), dates=12, paths=2_000, learning_paths=2_000)
    assert found.value == 0.0
    assert found.committed_value < 0
    assert found.mean_completion_years is None


def test_results_do_not_depend_on_threads() -> None:
    one = value_project(DRUG, dates=10, paths=6_000, learning_paths=6_000, threads=1)
    assert value_project(DRUG, dates=10, paths=6_000, learning_paths=6_000, threads=2) == one
    assert value_project(DRUG, dates=10, paths=6_000, learning_paths=6_000, seed=2) != one


@pytest.mark.parametrize(
    "change",
    [{"cost": 0.0}, {"cost_volatility": 1.5}, {"correlation": 2.0}, {"catastrophe": -0.1}, {"years": math.inf}],
)
def test_impossible_terms_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(DomainError):
        replace(DRUG, **change)


def test_too_little_work_is_refused() -> None:
    with pytest.raises(DomainError, match="paths"):
        value_project(DRUG, paths=10)
