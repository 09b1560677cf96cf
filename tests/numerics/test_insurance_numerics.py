"""Numerics of insurance: published figures, peers' figures, brute force, limits, recovery, bad input."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from zhirong.kernel.errors import ConvergenceError, DomainError
from zhirong.numerics.aggregate import aggregate_fft, aggregate_panjer, lattice_severity
from zhirong.numerics.chain_ladder import chain_ladder
from zhirong.numerics.claim_counts import poisson_count
from zhirong.numerics.claim_frequency import fit_frequency
from zhirong.numerics.copulas import Copula, fit_copula
from zhirong.numerics.credibility import buehlmann_straub, gamma_rate, rates_of_cells
from zhirong.numerics.layers import Exposure, Shock, event_law, lattice_of_draws, layer_severity, layer_total

TAYLOR_ASHE = [
    [357848, 1124788, 1735330, 2218270, 2745596, 3319994, 3466336, 3606286, 3833515, 3901463],
    [352118, 1236139, 2170033, 3353322, 3799067, 4120063, 4647867, 4914039, 5339085],
    [290507, 1292306, 2218525, 3235179, 3985995, 4132918, 4628910, 4909315],
    [310608, 1418858, 2195047, 3757447, 4029929, 4381982, 4588268],
    [443160, 1136350, 2128333, 2897821, 3402672, 3873311],
    [396132, 1333217, 2180715, 2985752, 3691712],
    [440832, 1288463, 2419861, 3483130],
    [359480, 1421128, 2864498],
    [376686, 1363294],
    [344014],
]
HACHEMEISTER = (
    [1738, 1642, 1794, 2051, 2079, 2234, 2032, 2035, 2115, 2262, 2267, 2517],
    [1364, 1408, 1597, 1444, 1342, 1675, 1470, 1448, 1464, 1831, 1612, 1471],
    [1759, 1685, 1479, 1763, 1674, 2103, 1502, 1622, 1828, 2155, 2233, 2059],
    [1223, 1146, 1010, 1257, 1426, 1532, 1953, 1123, 1343, 1243, 1762, 1306],
    [1456, 1499, 1609, 1741, 1482, 1572, 1606, 1735, 1607, 1573, 1613, 1690],
)
HACHEMEISTER_CLAIMS = (
    [7861, 9251, 8706, 8575, 7917, 8263, 9456, 8003, 7365, 7832, 7849, 9077],
    [1622, 1742, 1523, 1515, 1622, 1602, 1964, 1515, 1527, 1748, 1654, 1861],
    [1147, 1357, 1329, 1204, 998, 1077, 1277, 1218, 896, 1003, 1108, 1121],
    [407, 396, 348, 341, 315, 328, 352, 331, 287, 384, 321, 342],
    [2902, 3172, 3046, 3068, 2693, 2910, 3275, 2697, 2663, 3017, 3242, 3425],
)
PEER = json.loads((Path(__file__).parent / "golden" / "claim_frequency_statsmodels.json").read_text("utf-8"))


def _triangle() -> np.ndarray:
    full = np.full((10, 10), np.nan)
    for i, row in enumerate(TAYLOR_ASHE):
        full[i, : len(row)] = row
    return full


def test_mack_on_taylor_ashe_as_published() -> None:
    """Mack (1993): reserve 18,680,856 and standard error 2,447,095."""
    found = chain_ladder(_triangle())
    assert round(found.total) == 18680856
    assert round(found.total_error) == 2447095
    assert round(found.reserves[1]) == 94634  # the paper's table prints 95 thousand for the second year
    assert found.total_error > math.sqrt((found.errors**2).sum())


def test_chain_ladder_of_exact_development_has_no_error() -> None:
    full = np.outer([100.0, 50.0, 80.0, 120.0], [1.0, 1.5, 1.8, 1.9])
    seen = np.where(np.add.outer(np.arange(4), np.arange(4)) < 4, full, np.nan)
    found = chain_ladder(seen)
    assert found.full == pytest.approx(full)
    assert found.total_error == pytest.approx(0, abs=1e-5)


def test_chain_ladder_refuses_holes() -> None:
    for change in (np.nan, -1.0, 0.0):
        bad = _triangle()
        bad[2, 3] = change
        with pytest.raises(DomainError, match="triangle"):
            chain_ladder(bad)
    with pytest.raises(DomainError, match="triangle"):
        chain_ladder(np.ones((3, 3)))


def test_buehlmann_straub_on_hachemeister_as_published() -> None:
    """Figures of the manual of R's actuar, function cm, data of Hachemeister (1975); tolerance is the printed digits."""
    found = buehlmann_straub(HACHEMEISTER, HACHEMEISTER_CLAIMS)
    assert found.collective == pytest.approx(1683.713, abs=5e-4)
    assert found.between == pytest.approx(89639, abs=0.5)
    assert found.within == pytest.approx(139120026, abs=0.5)
    assert np.round(found.factors, 4).tolist() == [0.9847, 0.9276, 0.8985, 0.7279, 0.9588]
    assert np.round(found.premiums).tolist() == [2055, 1524, 1793, 1443, 1603]


def test_credibility_limits() -> None:
    alike = rates_of_cells([10, 20, 30], [100, 200, 300])
    assert alike.between == 0
    assert alike.premiums == pytest.approx([0.1] * 3)
    apart = rates_of_cells([1000, 9000, 0], [1e4, 1e4, 0.5])
    assert apart.factors[0] > 0.99
    assert apart.factors[2] < 0.5  # a thin cell without claims is not believed to be free of risk
    assert apart.premiums[2] > 0


def test_rates_of_cells_recover_the_spread() -> None:
    rng = np.random.default_rng(3)
    exposure = rng.uniform(50, 2000, 4000)
    true = rng.gamma(4, 0.05 / 4, 4000)
    found = rates_of_cells(rng.poisson(true * exposure), exposure)
    assert found.collective == pytest.approx(0.05, rel=0.02)
    assert found.between == pytest.approx(0.05**2 / 4, rel=0.08)
    assert ((found.premiums - true) ** 2).sum() < ((found.means - true) ** 2).sum()


@given(st.floats(1e-4, 2), st.floats(1.1, 20), st.integers(0, 50), st.floats(0.1, 1e4))
def test_gamma_rate_after_claims_is_a_credibility_mix(mean: float, wide: float, claims: int, exposure: float) -> None:
    rate = gamma_rate(mean, mean / wide, mean * wide)
    assert math.log(rate.quantile(0.95) / rate.quantile(0.05)) == pytest.approx(2 * math.log(wide), rel=1e-5)
    later, z = rate.after(claims, exposure), rate.weight(exposure)
    seen = claims / exposure if exposure else 0.0
    assert later.mean == pytest.approx(
        z * seen + (1 - z) * rate.mean if exposure else rate.mean + claims / rate.exposure
    )


def _claims() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The data of which the peer's figures are kept."""
    rng = np.random.default_rng(20)
    n = 2000
    x = np.column_stack([np.ones(n), rng.normal(size=n), rng.integers(0, 2, n)])
    exposure = rng.uniform(0.2, 3, n)
    mean = exposure * np.exp(x @ np.array([-0.5, 0.4, -0.6])) * rng.gamma(2.0, 0.5, n)
    return np.where(rng.random(n) < 0.25, 0, rng.poisson(mean)).astype(float), x, exposure


@pytest.mark.parametrize(
    "name", ["poisson", "negative_binomial", "zero_inflated_poisson", "zero_inflated_negative_binomial"]
)
def test_frequency_equals_statsmodels(name: str) -> None:
    y, x, exposure = _claims()
    inflated = name.startswith("zero_inflated_")
    found = fit_frequency(
        y, x, exposure, family=name.removeprefix("zero_inflated_"), inflation=np.ones((y.size, 1)) if inflated else None
    )  # fmt: skip
    peer = PEER["models"][name]
    assert found.coefficients == pytest.approx(peer["coefficients"], abs=2e-5)
    assert found.dispersion == pytest.approx(peer["dispersion"], abs=2e-5)
    assert found.log_likelihood == pytest.approx(peer["log_likelihood"], abs=1e-5)
    assert found.standard_errors[:3] == pytest.approx(peer["standard_errors"], rel=2e-3)
    if inflated:
        assert found.inflation == pytest.approx(peer["inflation"], abs=2e-4)


def test_frequency_recovers_what_made_the_counts() -> None:
    rng = np.random.default_rng(8)
    n = 40_000
    x, exposure = np.column_stack([np.ones(n), rng.normal(size=n)]), rng.uniform(0.5, 2, n)
    mean = exposure * np.exp(x @ np.array([-0.3, 0.5])) * rng.gamma(1.25, 0.8, n)
    y = np.where(rng.random(n) < 0.3, 0, rng.poisson(mean))
    found = fit_frequency(y, x, exposure, family="negative_binomial", inflation=np.ones((n, 1)))
    true = np.array([-0.3, 0.5, math.log(0.8), math.log(0.3 / 0.7)])
    fitted = np.concatenate([found.coefficients, [math.log(found.dispersion)], found.inflation])
    assert (np.abs(fitted - true) < 3.5 * found.standard_errors).all()
    assert found.rate(x).dot(exposure) == pytest.approx(y.sum(), rel=0.02)


def test_frequency_refuses_what_cannot_be_fitted() -> None:
    y, x, exposure = _claims()
    bad = [
        ({"counts": y - 0.5}, "counts"), ({"counts": y * 0}, "counts"), ({"exposure": exposure * 0}, "exposure"),
        ({"x": np.column_stack([x, x[:, 0]])}, "x"), ({"x": x[:-1]}, "x"), ({"family": "normal"}, "family"),
    ]  # fmt: skip
    for change, name in bad:
        with pytest.raises(DomainError, match=f"^{name}"):
            fit_frequency(**{"counts": y, "x": x, "exposure": exposure, **change})
    with pytest.raises(ConvergenceError):  # fewer spread than Poisson: the dispersion goes to zero
        fit_frequency(np.tile([1.0, 1.0, 1.0, 2.0], 50), np.ones((200, 1)), np.ones(200), family="negative_binomial")


@pytest.mark.realdata
def test_copula_of_loss_and_legal_expense_near_the_published_fit(shared_data: Path) -> None:
    """Frees and Valdez (1998): Gumbel 1.453 (standard error 0.034), with a flag of 34 censored losses that the file lacks."""
    with (shared_data / "insurance_losses" / "general_liability_claims_001.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    loss, expense = (np.array([float(r[name]) for r in rows]) for name in ("Loss", "ALAE"))
    gumbel, gaussian = fit_copula("gumbel", loss, expense), fit_copula("gaussian", loss, expense)
    assert abs(gumbel.copula.parameter - 1.453) < 0.034
    assert gumbel.standard_error == pytest.approx(0.034, abs=0.006)
    assert gumbel.log_likelihood > gaussian.log_likelihood  # large losses and large expenses come together
    assert gumbel.copula.kendall_tau == pytest.approx(gumbel.observed_tau, abs=0.02)
    assert stats.spearmanr(loss, expense)[0] == pytest.approx(0.452, abs=5e-4)


@pytest.mark.parametrize(
    "copula", [Copula("gaussian", 0.5), Copula("gaussian", -0.7), Copula("gumbel", 1.45), Copula("gumbel", 3.0)]
)
def test_copula_density_is_the_slope_of_the_conditional_and_draws_have_its_tau(copula: Copula) -> None:
    u, v = np.meshgrid([0.05, 0.4, 0.9], [0.1, 0.5, 0.97])
    slope = (copula.conditional(u, v + 1e-6) - copula.conditional(u, v - 1e-6)) / 2e-6
    assert np.exp(copula.log_density(u, v)) == pytest.approx(slope, rel=1e-5)
    rng = np.random.default_rng(1)
    a, w = rng.random((2, 4000))
    b = copula.given(a, w)
    assert copula.conditional(a, b) == pytest.approx(w, abs=1e-9)
    assert stats.kendalltau(a, b)[0] == pytest.approx(copula.kendall_tau, abs=0.03)
    fit = fit_copula(copula.family, a, b)
    assert abs(fit.copula.parameter - copula.parameter) < 4 * fit.standard_error


def test_copula_limits_and_bad_input() -> None:
    u = np.linspace(0.01, 0.99, 9)
    for free in (Copula("gumbel", 1.0), Copula("gaussian", 0.0)):
        assert free.given(u, u[::-1]) == pytest.approx(u[::-1])
        assert free.log_density(u, u) == pytest.approx(0, abs=1e-9)
    for family, value in (("gumbel", 0.9), ("gaussian", 1.0), ("clayton", 2.0), ("gumbel", math.nan)):
        with pytest.raises(DomainError):
            Copula(family, value)
    with pytest.raises(DomainError, match="pairs"):
        fit_copula("gumbel", np.arange(5), np.arange(5))


@given(
    st.lists(st.floats(0, 1), min_size=2, max_size=40).filter(lambda m: sum(m) > 0.01),
    st.floats(0, 30), st.floats(0.1, 50), st.floats(0, 1),
)  # fmt: skip
def test_layers_are_the_function_of_the_loss(masses: list[float], low: float, width: float, share: float) -> None:
    law = np.array(masses) / sum(masses)
    padded = np.concatenate([law, np.zeros(60)])
    made = layer_severity(lattice_severity(padded), attachment=low, width=width, share=share)
    paid = share * np.clip(np.arange(padded.size) - low, 0, width)
    assert made.mean == pytest.approx(float(padded @ paid), abs=1e-9)
    assert made.pmf.sum() == pytest.approx(1)
    assert float(made.pmf @ np.arange(made.pmf.size)) == pytest.approx(made.mean, abs=1e-9)


def test_layers_add_up_to_the_whole_and_respect_what_lies_beyond() -> None:
    severity = lattice_severity(np.array([0.1, 0.3, 0.2, 0.2, 0.1, 0.1]), 10.0)
    total = aggregate_fft(poisson_count(2.0), severity, points=400)
    parts = [layer_total(total, attachment=a, width=w) for a, w in ((0, 30.0), (30, 50.0), (80, math.inf))]
    assert sum(p.mean for p in parts) == pytest.approx(total.mean)
    assert parts[2].mean == pytest.approx(total.stop_loss(80.0))
    short = aggregate_fft(poisson_count(2.0), severity, points=6)  # much lies beyond 50
    assert layer_total(short, width=40.0).pmf.sum() == pytest.approx(1)
    assert layer_total(short, width=40.0).mean == pytest.approx(layer_total(total, width=40.0).mean)


def test_common_shock_against_simulation_and_panjer() -> None:
    severity = lattice_severity(np.array([0, 0.5, 0.3, 0.2]), 1.0)
    policies = [Exposure(0.3, severity)] * 12
    shocks = [Shock(0.25, tuple(range(8)), 0.6), Shock(0.1, tuple(range(4, 12)), 0.4)]
    rate, event = event_law(policies, shocks, points=512)
    total = aggregate_fft(poisson_count(rate), event)
    assert total.pmf == pytest.approx(aggregate_panjer(poisson_count(rate), event).pmf, abs=1e-12)
    assert total.mean == pytest.approx(12 * 0.3 * severity.mean)
    rng, runs = np.random.default_rng(2), 40_000
    own = np.array([0.3 - 0.15 * (i < 8) - 0.04 * (i >= 4) for i in range(12)])
    counts = rng.poisson(own.sum(), runs)
    for shock in shocks:
        counts = counts + rng.binomial(rng.poisson(shock.rate, runs) * len(shock.members), 0.0)
        hits = rng.poisson(shock.rate, runs)
        counts = counts + rng.binomial(hits * len(shock.members), shock.chance)
    losses = np.array([rng.choice(4, k, p=severity.pmf).sum() for k in counts])
    assert losses.std() == pytest.approx(math.sqrt(total.pmf @ np.arange(512) ** 2 - total.mean**2), rel=0.02)
    assert np.quantile(losses, 0.99) == pytest.approx(total.quantile(0.99), abs=1)
    free_rate, free = event_law(policies, [], points=512)
    assert total.quantile(0.995) > aggregate_fft(poisson_count(free_rate), free).quantile(0.995)


def test_shocks_cannot_bring_more_claims_than_there_are() -> None:
    policies = [Exposure(0.1, lattice_severity(np.array([0, 1.0])))]
    with pytest.raises(DomainError, match="more claims"):
        event_law(policies, [Shock(1.0, (0,), 0.5)], points=16)
    with pytest.raises(DomainError, match="members"):
        event_law(policies, [Shock(0.1, (1,), 0.5)], points=16)
    with pytest.raises(DomainError, match="attachment"):
        layer_severity(policies[0].severity, attachment=-1)
    with pytest.raises(DomainError, match="draws"):
        lattice_of_draws([1.0, -2.0], step=1.0, points=4)
