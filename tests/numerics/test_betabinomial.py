"""Beta-binomial rates: recovery, an independent likelihood, limits of much and of little knowledge, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.special import beta

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


def test_equal_groups_share_what_they_know() -> None:
    found = shrunk_rates({str(k): (6.0, 4.0) for k in range(30)})
    assert found["0"].mean == pytest.approx(0.6, abs=0.01)
    alone = stats.beta.interval(0.9, 7, 5)
    assert found["0"].high - found["0"].low < 0.5 * (alone[1] - alone[0])


def test_few_cases_in_all_are_wide_for_every_group() -> None:
    found = shrunk_rates({"a": (2.0, 1.0), "b": (1.0, 1.0), "c": (1.0, 0.0)})
    assert all(r.high - r.low > 0.4 for r in found.values())


@pytest.mark.parametrize(("a", "b", "least", "most", "groups"), [(5.0, 3.0, 2, 25, 40), (2_000.0, 1_500.0, 1, 5, 12)])
def test_intervals_cover_the_rates_that_made_the_groups(a, b, least, most, groups) -> None:
    """Groups that differ and groups that do not; in the second case the whole holds about three dozen cases."""
    rng = np.random.default_rng(11)
    inside = []
    for _ in range(60):
        rates = rng.beta(a, b, groups)
        n = rng.integers(least, most, groups)
        x = rng.binomial(n, rates)
        found = shrunk_rates({str(k): (float(x[k]), float(n[k] - x[k])) for k in range(groups)})
        inside += [found[str(k)].low <= rates[k] <= found[str(k)].high for k in range(groups)]
    assert 0.86 <= np.mean(inside) <= 1.0


def test_the_posterior_is_that_of_integration_by_hand() -> None:
    """Two groups, the same grid written out without vectors."""
    counts = {"p": (3.0, 1.0), "q": (0.5, 2.5)}
    whole, moment = 0.0, 0.0
    for mean in (np.arange(100) + 0.5) / 100:
        for strength in np.geomspace(1, 1_000, 40):
            a, b = mean * strength, (1 - mean) * strength
            weight = np.prod([beta(a + w, b + lost) / beta(a, b) for w, lost in counts.values()])
            whole += weight
            moment += weight * (a + 3) / (a + b + 4)
    assert shrunk_rates(counts)["p"].mean == pytest.approx(moment / whole, rel=1e-9)


def test_nothing_and_one_group_have_wide_answers() -> None:
    assert shrunk_rates({}) == {}
    (one,) = shrunk_rates({"a": (1.0, 1.0)}).values()
    assert one.low < 0.15
    assert one.high > 0.85


@pytest.mark.parametrize(("x", "n"), [([-1.0], [2.0]), ([3.0], [2.0]), ([1.0], [1.0, 2.0]), ([np.nan], [1.0])])
def test_bad_input_is_refused(x, n) -> None:
    with pytest.raises(DomainError):
        fit_beta_binomial(np.array(x), np.array(n))
    if len(x) == len(n):
        with pytest.raises(DomainError):
            shrunk_rates({"a": (x[0], n[0] - x[0])})
