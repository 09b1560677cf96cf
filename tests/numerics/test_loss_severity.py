"""Severity fits: recovery under deductible and limit, closed form, Danish fire tail, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from zhirong.kernel.errors import DomainError
from zhirong.numerics import loss_severity as ls

LAWS = {
    "lognormal": (stats.lognorm(0.9, scale=np.exp(1.0)), [1.0, 0.9]),
    "gamma": (stats.gamma(1.6, scale=3.0), [1.6, 3.0]),
    "burr": (stats.burr12(1.8, 1.4, scale=4.0), [1.4, 1.8, 4.0]),
    "generalised_pareto": (stats.genpareto(0.4, scale=3.0), [0.4, 3.0]),
}


@pytest.mark.parametrize("family", list(LAWS))
def test_recovers_under_deductible_and_limit(family):
    law, truth = LAWS[family]
    x = law.rvs(6000, random_state=np.random.default_rng(7))
    x = x[x > 1.0]
    limit = 15.0
    fit = ls.fit_severity(family, np.minimum(x, limit), deductible=1.0, censored=x >= limit)
    assert (np.abs(fit.parameters - truth) < 4 * fit.standard_errors).all()


def test_lognormal_meets_its_closed_form():
    x = np.exp(np.random.default_rng(3).normal(2.0, 0.5, 400))
    fit = ls.fit_severity("lognormal", x)
    assert fit.parameters == pytest.approx([np.log(x).mean(), np.log(x).std()], rel=1e-6)
    assert fit.standard_errors[0] == pytest.approx(np.log(x).std() / 20, rel=1e-3)


@pytest.mark.realdata
def test_danish_fire_tail(shared_data):
    x = np.genfromtxt(shared_data / "insurance_losses" / "evir_danish.csv", delimiter=",", skip_header=1)[:, -1]
    fit = ls.fit_severity("generalised_pareto", x[x > 10] - 10)
    assert fit.count == 109
    assert fit.parameters[0] == pytest.approx(0.5, abs=0.05)
    peer = stats.genpareto.fit(x[x > 10] - 10, floc=0)
    assert fit.parameters == pytest.approx([peer[0], peer[2]], rel=1e-3)


def test_hill_and_mean_excess():
    x = stats.pareto(2.0).rvs(20000, random_state=np.random.default_rng(5))
    shape, error = ls.hill(x, 2000)
    assert abs(shape - 0.5) < 4 * error
    assert ls.mean_excess(np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0])) == pytest.approx([2.0, 1.0])


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"family": "weibull"}, "family"),
        ({"loss": np.ones(5)}, "loss"),
        ({"deductible": 5.0}, "loss"),
        ({"deductible": -1.0}, "deductible"),
        ({"censored": np.zeros(3, bool)}, "censored"),
    ],
)
def test_bad_input_names_the_field(options, field):
    with pytest.raises(DomainError, match=f"^{field}:"):
        ls.fit_severity(**{"family": "gamma", "loss": np.linspace(1, 3, 20), **options})
