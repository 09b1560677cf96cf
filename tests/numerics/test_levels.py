"""Probability levels: even, independent, and a function of key, draw and column alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from zhirong.kernel.errors import DomainError
from zhirong.numerics.levels import probability_levels
from zhirong.numerics.streams import stream_key


def test_levels_are_even_and_independent() -> None:
    u = probability_levels(stream_key(1, "a"), 100_000, columns=4)
    assert u.shape == (100_000, 4)
    assert 0 < u.min() < u.max() < 1
    for j in range(4):
        assert stats.kstest(u[:, j], "uniform").pvalue > 1e-3
    off = np.corrcoef(u.T)[~np.eye(4, dtype=bool)]
    assert np.abs(off).max() < 0.015
    other = probability_levels(stream_key(1, "b"), 100_000)[:, 0]
    assert abs(np.corrcoef(u[:, 0], other)[0, 1]) < 0.015


def test_blocks_and_columns_do_not_matter() -> None:
    key = stream_key(2, "x")
    whole = probability_levels(key, 50, columns=3)
    np.testing.assert_array_equal(whole[20:], probability_levels(key, 30, columns=3, first_draw=20))
    np.testing.assert_array_equal(whole[:, :1], probability_levels(key, 50))
    with pytest.raises(DomainError, match="columns"):
        probability_levels(key, 5, columns=17)
    with pytest.raises(DomainError, match="draws"):
        probability_levels(key, 0)
