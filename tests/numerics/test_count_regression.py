"""Regressions of firms: published numbers, independent optimisation, equal forms, recovery, bad input."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize, special

from zhirong.kernel.errors import DomainError
from zhirong.numerics.count_regression import least_squares, poisson, poisson_fixed_effects


@pytest.mark.realdata
def test_research_intensity_of_chemical_firms_as_published(shared_data: Path) -> None:
    """Wooldridge, Introductory Econometrics, problem on RDCHEM: rdintens = .472 (1.369) + .321 (.216) log(sales)
    + .050 (.046) profmarg, n = 32, R2 = .099; tolerance is the printed digits.

    Two printed figures are not those of this file: the error of the intercept (1.676 here) and R2 (.0985 here). Least squares by
    QR gives the same as ours, so that these two are checked against it and not against the print.
    """
    with (shared_data / "firm_patents_rd" / "rdchem.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    y = np.array([float(r["rdintens"]) for r in rows])
    x = np.column_stack([np.ones(y.size), [float(r["lsales"]) for r in rows], [float(r["profmarg"]) for r in rows]])
    fit = least_squares(y, x)
    assert np.round(fit.coefficients, 3).tolist() == [0.472, 0.321, 0.050]
    assert np.round(fit.standard_errors[1:], 3).tolist() == [0.216, 0.046]
    assert fit.observations == 32
    q, r = np.linalg.qr(x)
    rest = y - q @ (q.T @ y)
    root = np.linalg.inv(r)
    assert fit.standard_errors == pytest.approx(np.sqrt(np.diag(root @ root.T) * (rest @ rest) / 29), rel=1e-9)
    assert fit.r_squared == pytest.approx(1 - (rest @ rest) / ((y - y.mean()) ** 2).sum(), rel=1e-9)


def _panel(seed: int, firms: int = 60, years: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(firms), years)
    effect = rng.normal(0, 1, firms)
    x = np.column_stack([rng.normal(size=group.size) + effect[group], rng.normal(size=group.size)])
    mean = np.exp(0.5 + effect[group] + 0.4 * x[:, 0] - 0.2 * x[:, 1])
    return rng.poisson(mean * rng.gamma(4, 0.25, group.size)).astype(float), x, group


def test_poisson_is_where_a_general_optimiser_ends() -> None:
    y, x, _ = _panel(1)
    design = np.column_stack([np.ones(y.size), x])
    peer = optimize.minimize(lambda b: np.sum(np.exp(design @ b) - y * (design @ b)), np.zeros(3), method="BFGS",
                             options={"gtol": 1e-8})  # fmt: skip
    assert poisson(y, design).coefficients == pytest.approx(peer.x, abs=1e-6)


def test_fixed_effects_equal_a_dummy_for_each_firm_and_the_conditional_likelihood() -> None:
    y, x, group = _panel(2, firms=30)
    kept = np.bincount(group, y)[group] > 0
    dummies = (group[kept, None] == np.unique(group[kept])[None, :]).astype(float)
    whole = poisson(y[kept], np.column_stack([x[kept], dummies]), group[kept])
    fit = poisson_fixed_effects(y, x, group)
    assert fit.coefficients == pytest.approx(whole.coefficients[:2], abs=1e-8)
    assert fit.standard_errors == pytest.approx(whole.standard_errors[:2], rel=1e-6)
    assert fit.groups == np.unique(group[kept]).size

    def loss(b: np.ndarray) -> float:
        return -sum(
            float(y[group == g] @ (x[group == g] @ b - special.logsumexp(x[group == g] @ b))) for g in np.unique(group)
        )

    peer = optimize.minimize(loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    assert fit.coefficients == pytest.approx(peer.x, abs=1e-5)


def test_a_constant_alone_gives_the_mean() -> None:
    y = np.array([0.0, 1.0, 5.0, 2.0])
    assert poisson(y, np.ones((4, 1))).coefficients[0] == pytest.approx(np.log(2.0))
    fit = least_squares(y, np.ones((4, 1)))
    assert fit.coefficients[0] == pytest.approx(2.0)
    assert fit.standard_errors[0] == pytest.approx(y.std(ddof=1) / 2)


def test_robust_errors_cover_the_truth_where_firms_differ() -> None:
    pooled = within = 0
    for seed in range(60):
        y, x, group = _panel(100 + seed, firms=80)
        fit = poisson_fixed_effects(y, x, group)
        within += abs(fit.coefficients[0] - 0.4) < 1.96 * fit.standard_errors[0]
        plain = poisson(y, np.column_stack([np.ones(y.size), x]), group)
        pooled += abs(plain.coefficients[1] - 0.4) < 1.96 * plain.standard_errors[1]
    assert within >= 50
    assert pooled <= 20  # the effects of firms go with x, so that the pooled slope is another number


def test_the_order_of_rows_and_the_names_of_groups_do_not_matter() -> None:
    y, x, group = _panel(3)
    order = np.random.default_rng(0).permutation(y.size)
    a, b = poisson_fixed_effects(y, x, group), poisson_fixed_effects(y[order], x[order], 900 - group[order])
    assert a.coefficients == pytest.approx(b.coefficients, abs=1e-9)
    assert a.sum_of([0, 1]) == pytest.approx(b.sum_of([0, 1]), abs=1e-9)
    assert a.sum_of([1])[1] == pytest.approx(a.standard_errors[1])


@pytest.mark.parametrize(
    "call",
    [
        lambda: least_squares([1.0, 2.0], [[1.0], [np.nan]]), lambda: least_squares([1.0], [[1.0]]),
        lambda: least_squares([1.0, 2.0, 3.0], [[1.0, 2.0]] * 3), lambda: poisson([-1.0, 2.0, 1.0], [[1.0]] * 3),
        lambda: poisson([0.0, 0.0], [[1.0]] * 2), lambda: poisson_fixed_effects([0.0, 0.0], [[1.0], [2.0]], [0, 1]),
        lambda: poisson([1.0, 2.0], [[1.0]] * 2, [1]), lambda: least_squares([1.0, 2.0, 3.0], [[1.0]] * 3, [1, 1, 1]),
    ],
)  # fmt: skip
def test_impossible_input_is_refused(call) -> None:
    with pytest.raises(DomainError):
        call()
