"""Selection for a reserve fund: brute force, quotas, tail loss, frontier, reasons, bad input."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhirong.finance.funds import Candidate, FundSpec, frontier, joint_values, select, shipped_fund
from zhirong.finance.funds.selection import tail_loss
from zhirong.kernel.errors import DomainError, NotAdmissibleError
from zhirong.params import load


def candidates(count: int, seed: int) -> list[Candidate]:
    rng = np.random.default_rng(seed)
    found = []
    for k in range(count):
        median = float(rng.uniform(1e5, 2e6))
        draws = median * np.exp(rng.uniform(0.3, 1.2) * rng.standard_normal(400))
        found.append(
            Candidate(
                f"P{k}",
                median * float(rng.uniform(0.6, 1.5)),
                draws,
                f"g{k % 3}",
                f"r{k % 2}",
                float(rng.uniform(0, 0.2)),
            )
        )
    return found


def brute(offered, spec: FundSpec, seed: int) -> float:
    values = joint_values(offered, spec, seed=seed)
    price = np.array([c.price_cny for c in offered])
    policy = np.array([c.policy * c.price_cny for c in offered])
    best = -np.inf
    for size in range(len(offered) + 1):
        for pick in combinations(range(len(offered)), size):
            p = list(pick)
            if price[p].sum() > spec.budget_cny or (spec.most_patents and size > spec.most_patents):
                continue
            if any(
                sum(price[i] for i in p if offered[i].group == g) > s * spec.budget_cny
                for g, s in spec.most_of_group.items()
            ):
                continue
            if any(
                sum(price[i] for i in p if offered[i].group == g) < s * spec.budget_cny
                for g, s in spec.least_of_group.items()
            ):
                continue
            net = values[:, p].sum(axis=1) - price[p].sum()
            best = max(best, net.mean() + policy[p].sum() - spec.risk_weight * tail_loss(net, spec.tail))
    return float(best)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 3), st.sampled_from([None, 3]))
def test_the_programme_equals_brute_force(seed: int, weight: float, most) -> None:
    offered = candidates(8, seed)
    spec = FundSpec(3e6, weight, 0.15, 0.3, {"g0": 0.4}, {}, {}, most, 30)
    found = select(offered, spec, seed=seed, explain=False)
    assert found.objective_cny == pytest.approx(brute(offered, spec, seed), rel=1e-6, abs=1.0)
    assert found.spent_cny <= spec.budget_cny + 1e-6
    assert found.gap <= 1e-7


def test_quotas_are_kept_or_refused() -> None:
    offered = candidates(9, 3)
    spec = FundSpec(3e6, 0.5, 0.1, 0.3, {}, {}, {"g1": 0.2}, None, 30)
    found = select(offered, spec, explain=False)
    assert sum(c.price_cny for c in offered if c.patent_id in found.chosen and c.group == "g1") >= 0.2 * 3e6 - 1
    assert found.objective_cny == pytest.approx(brute(offered, spec, 1), rel=1e-6, abs=1.0)
    with pytest.raises(NotAdmissibleError, match="quotas"):
        select(offered, replace(spec, least_of_group={"none": 0.5}), explain=False)


def test_reasons_say_what_the_other_way_costs() -> None:
    offered = candidates(7, 5)
    spec = FundSpec(2.5e6, 0.5, 0.1, 0.3, scenarios=30)
    found = select(offered, spec)
    assert {r.patent_id for r in found.reasons if r.is_in} == set(found.chosen)
    for reason in found.reasons:
        rest = [c for c in offered if c.patent_id != reason.patent_id]
        if reason.is_in:
            assert reason.regret_cny == pytest.approx(found.objective_cny - brute(rest, spec, 1), abs=5.0)


def test_scenarios_keep_each_mean_and_move_together() -> None:
    offered = candidates(4, 7)
    spec = FundSpec(1e6, common_share=0.8, scenarios=200)
    values = joint_values(offered, spec)
    assert values.mean(axis=0) == pytest.approx([c.values.mean() for c in offered])
    ranks = np.argsort(np.argsort(values, axis=0), axis=0)
    assert np.corrcoef(ranks.T)[0, 1] > 0.6
    alone = joint_values(offered, replace(spec, common_share=0.0))
    assert abs(np.corrcoef(np.argsort(np.argsort(alone, axis=0), axis=0).T)[0, 1]) < 0.25


def test_the_frontier_gives_up_gain_for_tail_loss() -> None:
    points = frontier(candidates(10, 9), FundSpec(4e6, scenarios=40))
    gains, losses = [p.gain_cny for p in points], [p.tail_loss_cny for p in points]
    assert all(b <= a + 1.0 for a, b in pairwise(losses))
    assert gains[0] >= gains[-1] - 1.0


def test_tail_loss_by_hand() -> None:
    assert tail_loss(np.array([-10.0, -4.0, 5.0, 9.0]), 0.25) == 10.0
    assert tail_loss(np.array([-10.0, -4.0, 5.0, 9.0]), 0.375) == pytest.approx((10 + 0.5 * 4) / 1.5)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: FundSpec(0.0), "budget_cny"), (lambda: FundSpec(1.0, tail=0.9), "tail"), (lambda: FundSpec(1.0, common_share=1.0), "common_share"),
        (lambda: FundSpec(1.0, most_of_group={"a": 1.5}), "most_of_group.a"), (lambda: Candidate("x", 0.0, np.ones(200)), "price_cny of x"),
        (lambda: Candidate("x", 1.0, np.ones(3)), "values of x"), (lambda: Candidate("x", 1.0, np.ones(200), policy=99), "policy of x"),
        (lambda: select([], FundSpec(1.0)), "candidates"), (lambda: select(candidates(2, 1) * 2, FundSpec(1.0)), "candidates"),
    ],
)  # fmt: skip
def test_impossible_funds_are_refused_by_name(make, field: str) -> None:
    with pytest.raises(DomainError, match=field):
        make()


def test_the_shipped_policy_is_dated_and_may_be_changed() -> None:
    spec = shipped_fund(load(), date(2024, 6, 30), 1e7, tail=0.05)
    assert (spec.budget_cny, spec.tail) == (1e7, 0.05)
    assert spec.sources
