"""Weighting: worked examples of the literature, closed forms, brute force, limits, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhirong.kernel.errors import ConvergenceError, DomainError
from zhirong.numerics.weighting import (
    RANDOM_INDEX,
    ahp_weights,
    critic_weights,
    entropy_weights,
    topsis_closeness,
)

positive = st.floats(0.2, 9.0, allow_nan=False)


def _reciprocal(upper: list[float], n: int) -> np.ndarray:
    matrix = np.ones((n, n))
    matrix[np.triu_indices(n, 1)] = upper
    return np.where(np.tri(n, k=-1) > 0, 1 / matrix.T, matrix)


@given(st.lists(positive, min_size=3, max_size=3))
def test_order_three_has_a_closed_form(upper: list[float]) -> None:
    matrix = _reciprocal(upper, 3)
    c = matrix[0, 1] * matrix[1, 2] / matrix[0, 2]
    got = ahp_weights(matrix, allow_inconsistent=True)
    assert got.lambda_max == pytest.approx(1 + c ** (1 / 3) + c ** (-1 / 3), abs=1e-9)
    # The eigenvector of order 3 is the vector of geometric row means (Crawford and Williams 1985).
    means = np.prod(matrix, axis=1) ** (1 / 3)
    np.testing.assert_allclose(got.weights, means / means.sum(), atol=1e-9)
    assert got.consistency_ratio == pytest.approx((got.lambda_max - 3) / 2 / 0.58, abs=1e-9)


@given(st.lists(positive, min_size=6, max_size=6))
def test_order_four_equals_the_eigenvector_of_lapack(upper: list[float]) -> None:
    matrix = _reciprocal(upper, 4)
    got = ahp_weights(matrix, allow_inconsistent=True)
    values, vectors = np.linalg.eig(matrix)
    k = int(np.argmax(values.real))
    vector = np.abs(vectors[:, k].real)
    np.testing.assert_allclose(got.weights, vector / vector.sum(), atol=1e-8)
    assert got.lambda_max == pytest.approx(values[k].real, abs=1e-8)


@given(st.lists(positive, min_size=2, max_size=8))
def test_consistent_judgements_give_back_the_weights(raw: list[float]) -> None:
    weights = np.array(raw) / sum(raw)
    got = ahp_weights(weights[:, None] / weights[None, :])
    np.testing.assert_allclose(got.weights, weights, atol=1e-10)
    assert got.consistency_ratio == pytest.approx(0, abs=1e-9)


def test_contradicting_judgements_are_refused_unless_told() -> None:
    circle = _reciprocal([9.0, 1 / 9, 9.0], 3)
    with pytest.raises(DomainError, match="consistency ratio"):
        ahp_weights(circle)
    assert ahp_weights(circle, allow_inconsistent=True).consistency_ratio > 1


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[1.0, 2.0]], "square"),
        ([[1.0, -2.0], [-0.5, 1.0]], "positive"),
        ([[1.0, 2.0], [2.0, 1.0]], "reciprocal"),
        (np.ones((11, 11)), "order 1 to 10"),
    ],
)
def test_bad_judgements_are_named(matrix: object, message: str) -> None:
    with pytest.raises(DomainError, match=message):
        ahp_weights(np.array(matrix))


def test_no_convergence_is_an_error() -> None:
    with pytest.raises(ConvergenceError):
        ahp_weights(_reciprocal([3.0, 5.0, 2.0], 3), iterations_max=1)


def test_random_index_is_that_of_random_matrices() -> None:
    """Brute force: Saaty's table is the mean index of matrices filled from 1/9..9."""
    rng = np.random.default_rng(5)
    scale = np.array([1 / k for k in range(9, 1, -1)] + list(range(1, 10)), dtype=float)
    for n in (3, 5):
        sample = [_reciprocal(list(rng.choice(scale, n * (n - 1) // 2)), n) for _ in range(1500)]
        mean = np.mean([(np.max(np.linalg.eigvals(m).real) - n) / (n - 1) for m in sample])
        assert mean == pytest.approx(RANDOM_INDEX[n - 1], rel=0.08)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        # Xu, X. (2004), European Journal of Operational Research 156(2), 530-532; four printed digits.
        ([[30, 30, 38, 29], [19, 54, 86, 29], [19, 15, 85, 28.9], [68, 70, 60, 29]], [0.4630, 0.3992, 0.1378, 0.0000]),
        # Zavadskas, E. K., Podvezko, V. (2016), Int. J. of Information Technology & Decision Making 15(2), 267-283.
        ([[3.0, 100, 10, 7], [2.5, 80, 8, 5], [1.8, 50, 20, 11], [2.2, 70, 12, 9]], [0.1146, 0.1981, 0.4185, 0.2689]),
    ],
)
def test_entropy_weights_of_published_examples(matrix: list[list[float]], expected: list[float]) -> None:
    np.testing.assert_allclose(entropy_weights(np.array(matrix)), expected, atol=5e-5)


def test_entropy_of_equal_columns_is_equal_and_of_a_constant_column_is_zero() -> None:
    column = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(entropy_weights(np.column_stack([column, 5 * column])), [0.5, 0.5])
    np.testing.assert_allclose(entropy_weights(np.column_stack([column, np.ones(3)])), [1.0, 0.0])
    np.testing.assert_allclose(entropy_weights(np.ones((3, 4))), 0.25)


@pytest.mark.golden
def test_critic_weights_of_a_published_example() -> None:
    """Tuş, A., Aytaç Adalı, E. (2019), OPSEARCH 56(2), 528-538; three printed digits."""
    matrix = np.array(
        [
            [5000, 3, 3, 4, 3, 2],
            [680, 5, 3, 2, 2, 1],
            [2000, 3, 2, 3, 4, 3],
            [600, 4, 3, 1, 2, 2],
            [800, 2, 4, 3, 3, 4],
        ],
        dtype=float,
    )
    np.testing.assert_allclose(critic_weights(matrix), [0.157, 0.249, 0.168, 0.121, 0.154, 0.151], atol=6e-4)


def test_critic_weights_equal_brute_force_with_directions() -> None:
    rng = np.random.default_rng(1)
    matrix, signs = rng.gamma(2.0, size=(40, 4)), np.array([1, -1, 1, -1])
    scaled = np.empty_like(matrix)
    for j, sign in enumerate(signs):
        low, high = matrix[:, j].min(), matrix[:, j].max()
        scaled[:, j] = (matrix[:, j] - low) / (high - low) if sign > 0 else (high - matrix[:, j]) / (high - low)
    r = np.corrcoef(scaled.T)
    c = [scaled[:, j].std() * sum(1 - r[j, k] for k in range(4)) for j in range(4)]
    np.testing.assert_allclose(critic_weights(matrix, directions=signs), np.array(c) / sum(c), rtol=1e-10)


def test_critic_gives_a_constant_column_nothing_and_identical_columns_their_spread() -> None:
    column = np.array([1.0, 4.0, 2.0])
    assert critic_weights(np.column_stack([column, np.ones(3), column[::-1]]))[1] == 0
    np.testing.assert_allclose(critic_weights(np.column_stack([column, column])), [0.5, 0.5])
    np.testing.assert_allclose(critic_weights(np.ones((2, 3))), 1 / 3)


@pytest.mark.golden
def test_topsis_of_a_published_example() -> None:
    """Papathanasiou, J., Ploskas, N. (2018), Multiple Criteria Decision Aid, Springer, pp. 1-30; three printed digits."""
    matrix = np.array(
        [[8, 7, 2, 1], [5, 3, 7, 5], [7, 5, 6, 4], [9, 9, 7, 3], [11, 10, 3, 7], [6, 9, 5, 4]], dtype=float
    )
    got = topsis_closeness(matrix, np.array([0.4, 0.3, 0.1, 0.2]))
    np.testing.assert_allclose(got, [0.387, 0.327, 0.391, 0.615, 0.868, 0.493], atol=5.1e-4)


@given(st.integers(0, 2**32 - 1))
def test_topsis_keeps_its_order_under_rescaling_and_its_ends(seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix, weights = rng.gamma(2.0, size=(6, 3)), rng.dirichlet(np.ones(3))
    signs = np.array([1, -1, 1])
    got = topsis_closeness(matrix, weights, directions=signs)
    np.testing.assert_allclose(
        topsis_closeness(matrix * [10.0, 0.1, 3.0], weights * 7, directions=signs), got, rtol=1e-9
    )
    best, worst = np.where(signs > 0, matrix.max(0), matrix.min(0)), np.where(signs > 0, matrix.min(0), matrix.max(0))
    ends = topsis_closeness(np.vstack([matrix, best, worst]), weights, directions=signs)
    assert ends[-2] == pytest.approx(1)
    assert ends[-1] == pytest.approx(0)


def test_topsis_of_alternatives_that_do_not_differ_is_the_middle() -> None:
    np.testing.assert_allclose(topsis_closeness(np.full((3, 2), 4.0), np.array([1.0, 1.0])), 0.5)


@pytest.mark.parametrize("function", [entropy_weights, critic_weights])
@pytest.mark.parametrize("bad", [np.ones((1, 3)), np.array([[1.0, np.nan], [2.0, 1.0]]), np.ones(3)])
def test_values_that_are_missing_or_too_few_are_refused(function: object, bad: np.ndarray) -> None:
    with pytest.raises(DomainError):
        function(bad)  # type: ignore[operator]


def test_bad_weights_and_negative_values_are_refused() -> None:
    with pytest.raises(DomainError, match="non-negative"):
        topsis_closeness(np.ones((2, 2)), np.array([1.0, -1.0]))
    with pytest.raises(DomainError, match="non-negative"):
        entropy_weights(np.array([[1.0, -1.0], [1.0, 2.0]]))
