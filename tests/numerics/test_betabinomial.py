"""Beta-binomial rates: recovery, an independent likelihood, limits of much and of little knowledge, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from zhirong.kernel.errors import DomainError
from zhirong.numerics.betabinomial import fit_beta_binomial, shrunk_rates


def test_the_prior_is_recovered_from_many_groups() -> None:
    rng = np.random.default_rng(4)
    n = rng.integers(20, 60, 800)
    x = rng.binomial(n, rng.beta(6.0, 4.0, 800))
    a, b = fit_beta_binomial(x.astype(float), n.astype(float))
    assert a / (a + b) == pytest.approx(0.6, abs=0.02)
    assert a + b == pytest.approx(10.0, rel=0.15)


def test_the_maximum_is_that_of_scipys_distribution() -> None:
    rng = np.random.default_rng(9)
    n = rng.integers(3, 30, 40)
    x = rng.binomial(n, rng.beta(3.0, 5.0, 40))
    best = optimize.minimize(
        lambda t: -stats.betabinom.logpmf(x, n, *np.exp(t)).sum(), [1.0, 1.0], method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-10},
    )  # fmt: skip
    assert fit_beta_binomial(x.astype(float), n.astype(float)) == pytest.approx(tuple(np.exp(best.x)), rel=1e-3)


def test_a_group_with_little_goes_to_the_rate_of_all_and_one_with_much_stays() -> None:
    counts = {f"g{k}": (30.0 if k % 2 else 10.0, 10.0 if k % 2 else 30.0) for k in range(20)}
    found = shrunk_rates({**counts, "tiny": (1.0, 0.0), "huge": (9_000.0, 1_000.0)})
    assert found["huge"].mean == pytest.approx(0.9, abs=0.002)
    assert 0.5 < found["tiny"].mean < 0.75
    assert found["tiny"].high - found["tiny"].low > 0.5
    assert found["tiny"].cases == 1.0
    assert all(r.low < r.mean < r.high for r in found.values())


def test_equal_groups_are_pooled() -> None:
    found = shrunk_rates({str(k): (6.0, 4.0) for k in range(30)})
    assert found["0"].a + found["0"].b > 200
    assert found["0"].high - found["0"].low < 0.1


def test_intervals_cover_the_rate_that_made_the_group() -> None:
    rng = np.random.default_rng(11)
    rates = rng.beta(5.0, 3.0, 400)
    n = rng.integers(2, 25, 400)
    x = rng.binomial(n, rates)
    found = shrunk_rates({str(k): (float(x[k]), float(n[k] - x[k])) for k in range(400)})
    inside = np.mean([found[str(k)].low <= rates[k] <= found[str(k)].high for k in range(400)])
    assert 0.86 <= inside <= 0.94


def test_nothing_and_one_group_have_wide_answers() -> None:
    assert shrunk_rates({}) == {}
    (one,) = shrunk_rates({"a": (1.0, 1.0)}).values()
    assert one.low < 0.15
    assert one.high > 0.85


@pytest.mark.parametrize(("x", "n"), [([-1.0], [2.0]), ([3.0], [2.0]), ([1.0], [1.0, 2.0]), ([np.nan], [1.0])])
def test_bad_input_is_refused(x, n) -> None:
    with pytest.raises(DomainError):
        fit_beta_binomial(np.array(x), np.array(n))
