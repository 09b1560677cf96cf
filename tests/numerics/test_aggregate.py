"""Aggregate loss: printed masses and quantiles, Panjer against FFT and convolution, moments, bounds, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from zhirong.kernel.errors import DomainError
from zhirong.numerics import aggregate as ag
from zhirong.numerics import claim_counts as cc

SMALL = np.array([0.0, 0.6, 0.4])
LAWS = {
    "poisson": cc.poisson_count(2.0),
    "negbin": cc.negative_binomial_count(3.0, 0.25),
    "binomial": cc.binomial_count(6, 0.3),
    "logarithmic": cc.logarithmic_count(0.6),
    "zero inflated": cc.poisson_count(2.0).zero_modified(0.5),
    "zero truncated": cc.negative_binomial_count(2.0, 0.4).zero_modified(0.0),
}
PRINTED = {
    "poisson": [
        0.135335283236613,
        0.162402339883935,
        0.205709630519651,
        0.168898433479293,
        0.132953382251648,
        0.0859563104537692,
    ],
    "negbin": [0.421875, 0.18984375, 0.183515625, 0.09017578125, 0.05699267578125, 0.0282001025390625],
}


@pytest.mark.parametrize("name", list(PRINTED))
@pytest.mark.parametrize("engine", [ag.aggregate_panjer, ag.aggregate_fft])
def test_printed_masses(name, engine):
    law = engine(LAWS[name], ag.lattice_severity(SMALL), points=64)
    assert law.pmf[:6] == pytest.approx(PRINTED[name], abs=1e-14)


def _lognormal(mu=10.0, sigma=0.8, **options):
    law = stats.lognorm(sigma, scale=np.exp(mu))
    return ag.discretise(law.cdf, lambda x: ag.lognormal_limited_mean(x, mu, sigma), law.mean(), **options)


def test_compound_poisson_lognormal_oracle():
    law = ag.aggregate_fft(cc.poisson_count(5), _lognormal(step=30.517578125, points=65536))
    assert law.quantile(0.95) == pytest.approx(326019.287109375, abs=1e-3)
    assert law.quantile(0.99) == pytest.approx(441009.521484375, abs=1e-3)
    assert law.mean == pytest.approx(151666.287981123, abs=1e-3)
    points = np.arange(65536) * law.step
    sd = np.sqrt(law.pmf @ points**2 - (law.pmf @ points) ** 2)
    assert sd == pytest.approx(93406.7560531474, rel=1e-4)  # the lattice leaves out the tail
    severity = stats.lognorm(0.8, scale=np.exp(10))
    moments = ag.compound_moments(cc.poisson_count(5), severity.mean(), severity.var())
    assert moments == pytest.approx((151666.287981123, 93406.7560531474), abs=1e-3)


def test_limited_mean_oracle():
    low, high = ag.lognormal_limited_mean(np.array([10000.0, 50000.0]), 10.0, 0.8)
    assert (low, high) == pytest.approx((9503.16924496918, 25500.6823929173), abs=1e-6)
    assert high - low == pytest.approx(15997.5131479481, abs=1e-6)


def _count_pmf(name, n):
    base = {
        "poisson": stats.poisson(2).pmf(n),
        "negbin": stats.nbinom(3, 0.75).pmf(n),
        "binomial": stats.binom(6, 0.3).pmf(n),
        "logarithmic": stats.logser(0.6).pmf(n),
        "zero inflated": stats.poisson(2).pmf(n) * 0.5 / (1 - np.exp(-2)),
        "zero truncated": stats.nbinom(2, 0.6).pmf(n) / (1 - 0.36),
    }[name]
    fixed = {"zero inflated": 0.5, "zero truncated": 0.0}
    return np.where(n == 0, fixed[name], base) if name in fixed else base


@pytest.mark.parametrize("name", list(LAWS))
@pytest.mark.parametrize("severity", [SMALL, np.array([0.3, 0.1, 0.4, 0.2])])
def test_both_engines_meet_plain_convolution(name, severity):
    n = np.arange(200)
    chance = _count_pmf(name, n)
    power, total = np.zeros(1200), np.zeros(1200)
    power[0] = 1.0
    for p in chance:
        total += p * power
        power = np.convolve(power, severity)[:1200]
    for engine in (ag.aggregate_panjer, ag.aggregate_fft):
        law = engine(LAWS[name], ag.lattice_severity(severity), points=300)
        assert law.pmf == pytest.approx(total[:300], abs=1e-13)
    assert LAWS[name].mean == pytest.approx(chance @ n)
    assert LAWS[name].variance == pytest.approx(chance @ n**2 - (chance @ n) ** 2)


@pytest.mark.parametrize("count", [cc.poisson_count(3000), cc.negative_binomial_count(2000, 0.6)])
def test_large_mean_does_not_underflow(count):
    severity = ag.lattice_severity(SMALL)
    panjer = ag.aggregate_panjer(count, severity, points=8192)
    assert panjer.pmf.sum() == pytest.approx(1, abs=1e-9)
    assert panjer.pmf @ np.arange(8192) == pytest.approx(count.mean * 1.4, rel=1e-9)
    assert panjer.pmf == pytest.approx(ag.aggregate_fft(count, severity, points=8192).pmf, abs=1e-10)


@settings(deadline=None, max_examples=40)
@given(
    st.floats(0.01, 60),
    st.lists(st.floats(0.01, 1), min_size=2, max_size=12),
    st.floats(0.5, 0.99),
)
def test_engines_and_measures_agree(mean, masses, level):
    severity = ag.lattice_severity(np.array(masses) / np.sum(masses))
    one = ag.aggregate_panjer(cc.poisson_count(mean), severity, points=2048)
    two = ag.aggregate_fft(cc.poisson_count(mean), severity, points=2048)
    assert one.pmf == pytest.approx(two.pmf, abs=1e-11)
    assert one.pmf @ np.arange(2048) == pytest.approx(one.mean, rel=1e-8)
    assert one.tvar(level) >= one.quantile(level) - 1e-9
    assert one.stop_loss(0) == pytest.approx(one.mean)


def test_bounds_hold_the_quantile_and_close_in():
    law = stats.lognorm(0.8, scale=np.exp(10))
    widths = []
    for step, points in ((400.0, 4096), (100.0, 16384)):
        low, high = ag.aggregate_bounds(cc.poisson_count(5), law.cdf, law.mean(), step=step, points=points)
        assert low.quantile(0.99) <= 441009.52 + 16 <= high.quantile(0.99) + 32
        widths.append(high.quantile(0.99) - low.quantile(0.99))
    assert widths[1] < widths[0] / 3


def test_moment_matching_keeps_the_mean():
    lattice = _lognormal(step=500.0, points=8192, method="moment")
    assert lattice.pmf @ np.arange(8192) * 500.0 == pytest.approx(lattice.mean, rel=1e-6)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: cc.poisson_count(-1), "mean"),
        (lambda: cc.negative_binomial_count(1, 1), "q"),
        (lambda: cc.binomial_count(1.5, 0.5), "trials"),
        (lambda: cc.poisson_count(1).zero_modified(1), "zero"),
        (lambda: ag.lattice_severity(np.array([0.5, 0.6])), "pmf"),
        (lambda: ag.lattice_severity(SMALL, float("nan")), "step"),
        (lambda: _lognormal(step=1.0, points=1), "points"),
        (lambda: _lognormal(step=1.0, points=9, method="nearest"), "method"),
        (lambda: ag.aggregate_fft(LAWS["poisson"], ag.lattice_severity(SMALL), tilt=99), "tilt"),
        (lambda: ag.aggregate_fft(LAWS["poisson"], ag.lattice_severity(SMALL)).quantile(0.999), "level"),
        (lambda: ag.aggregate_fft(LAWS["poisson"], ag.lattice_severity(SMALL)).stop_loss(-1), "loss"),
    ],
)
def test_bad_input_names_the_field(call, field):
    with pytest.raises(DomainError, match=f"^{field}:"):
        call()
