"""CreditRisk+: the published example, Panjer = FFT, simulation, limits, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhirong.kernel.errors import DomainError
from zhirong.numerics.credit_plus import credit_risk_plus

# Credit Suisse Financial Products (1997), CreditRisk+, appendix B, example 1A: 25 obligors, one sector, sd of a rate half of it.
EXPOSURE = np.array([
    358475, 1089819, 1799710, 1933116, 2317327, 2410929, 2652184, 2957685, 3137989, 3204044, 4727724, 4830517, 4912097,
    4928989, 5042312, 5320364, 5435457, 5517586, 5764596, 5847845, 6466533, 6480322, 7727651, 15410906, 20238895,
], float)  # fmt: skip
PD = np.array(
    [
        {"A": 0.015, "B": 0.016, "C": 0.03, "D": 0.05, "E": 0.075, "F": 0.1, "G": 0.15, "H": 0.3}[r]
        for r in "HHFGGGHGDDADDHFEDCECHHBFE"
    ]
)


@pytest.mark.golden
@pytest.mark.parametrize("method", ["fft", "panjer"])
def test_example_1a(method) -> None:
    book = credit_risk_plus(EXPOSURE, PD, PD / 2, method=method)
    assert EXPOSURE.sum() == 130_513_072
    assert book.law.step == 202_389
    assert book.expected == pytest.approx(14_221_863, abs=1)
    assert book.quantile(0.99) == pytest.approx(55_311_503, abs=1)
    assert book.sd == pytest.approx(12_668_742, abs=0.5)
    assert book.contributions.sum() == pytest.approx(book.sd)


def test_panjer_and_fft_give_one_law() -> None:
    a, b = (credit_risk_plus(EXPOSURE, PD, PD / 2, method=m).law.pmf for m in ("fft", "panjer"))
    assert np.abs(a - b).max() < 1e-11


def test_sectors_agree_with_simulation() -> None:
    rng = np.random.default_rng(5)
    n = 40
    exposure, p = np.round(rng.uniform(1, 9, n)), rng.uniform(0.01, 0.06, n)
    share = np.column_stack([rng.uniform(0, 0.5, n), rng.uniform(0, 0.4, n)])
    sd = 0.8 * p
    book = credit_risk_plus(exposure, p, sd, sectors=share, unit=1.0)
    rates = []
    for k in range(2):
        m = exposure * p / exposure  # intensities at a unit of 1
        relative = (sd * share[:, k]).sum() / (m * share[:, k]).sum()
        rates.append(rng.gamma(1 / relative**2, relative**2, 60_000))
    rest = 1 - share.sum(axis=1)
    intensity = p * (rest + share[:, 0] * rates[0][:, None] + share[:, 1] * rates[1][:, None])
    losses = rng.poisson(intensity) @ exposure
    assert book.expected == pytest.approx(losses.mean(), rel=0.02)
    assert book.sd == pytest.approx(losses.std(), rel=0.02)
    assert book.quantile(0.99) == pytest.approx(np.quantile(losses, 0.99), abs=2.0)
    assert book.law.beyond < 1e-9


def test_without_moving_rates_it_is_compound_poisson() -> None:
    book = credit_risk_plus(np.full(10, 5.0), np.full(10, 0.02), np.zeros(10), unit=5.0)
    assert book.law.pmf[0] == pytest.approx(np.exp(-0.2))
    assert book.sd == pytest.approx(5 * np.sqrt(0.2))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.integers(0, 2**31), st.floats(0, 2))
def test_the_mean_is_kept_and_mass_is_one(n: int, seed: int, relative: float) -> None:
    rng = np.random.default_rng(seed)
    exposure, p = rng.uniform(1, 50, n), rng.uniform(0.001, 0.3, n)
    book = credit_risk_plus(exposure, p, relative * p, points=4_000)
    assert book.law.pmf.sum() == pytest.approx(1, abs=1e-6)
    points = np.arange(4_000) * book.law.step
    assert float(book.law.pmf @ points) == pytest.approx(book.expected, rel=1e-3)
    assert book.quantile(0.5) <= book.quantile(0.9)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"exposure": np.array([0.0, 1.0])}, "exposure"), ({"pd": np.array([0.1, 1.0])}, "pd"), ({"pd": np.array([0.1])}, "pd"),
        ({"pd_sd": np.array([-0.1, 0.1])}, "pd_sd"), ({"sectors": np.array([[0.7, 0.6], [0.1, 0.1]])}, "row 0"),
        ({"unit": 0.0}, "unit"), ({"unit": 1e-9}, "lattice points"),
    ],
)  # fmt: skip
def test_impossible_books_are_refused(change, field: str) -> None:
    given_ = {"exposure": np.array([1.0, 2.0]), "pd": np.array([0.1, 0.2]), "pd_sd": np.array([0.1, 0.1])} | change
    with pytest.raises(DomainError, match=field):
        credit_risk_plus(given_.pop("exposure"), given_.pop("pd"), given_.pop("pd_sd"), **given_)
