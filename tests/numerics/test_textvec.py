"""Text vectors: hand-made words, brute force over all pairs, limits, bounded blocks."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from zhirong.kernel.errors import DomainError
from zhirong.numerics import textvec
from zhirong.numerics.textvec import bigrams, count_matrix, new_terms, similarities, terms


def test_terms_of_both_languages() -> None:
    assert terms("The Anode-free cells of FIG. 2 and 电池的隔膜") == ["anode-free", "cells", "fig", "电池", "隔膜"]
    assert terms("") == []
    assert bigrams(["a", "b", "c"]) == ["a b", "b c"]


def test_count_matrix_counts() -> None:
    matrix, vocabulary = count_matrix([["x", "y", "x"], [], ["z"]])
    assert vocabulary == {"x": 0, "y": 1, "z": 2}
    assert matrix.toarray().tolist() == [[2, 1, 0], [0, 0, 0], [0, 0, 1]]


def _brute(docs: list[list[str]], group, year, owner, window, threshold, near):
    """Every pair, straight from the definition."""
    n = len(docs)

    def cosine(i: int, j: int) -> float | None:
        a = min(year[i], year[j])
        known = [docs[k] for k in range(n) if year[k] < a]
        if not known:
            return None
        vectors = []
        for k in (i, j):
            tf = Counter(docs[k])
            vectors.append(
                {w: c * math.log((1 + len(known)) / (1 + sum(w in d for d in known))) for w, c in tf.items()}
            )
        lengths = [math.sqrt(sum(v * v for v in vec.values())) for vec in vectors]
        if min(lengths) == 0:
            return 0.0
        return sum(v * vectors[1].get(w, 0.0) for w, v in vectors[0].items()) / lengths[0] / lengths[1]

    out = []
    for i in range(n):
        back, forward, other = [], [], []
        for j in range(n):
            if i == j or group[i] != group[j] or abs(year[i] - year[j]) > window:
                continue
            c = cosine(i, j)
            if c is None:
                continue
            if year[j] < year[i]:
                back.append(c)
            if year[j] > year[i]:
                forward.append(c)
            if owner[i] >= 0 and owner[j] >= 0 and owner[i] != owner[j]:
                other.append(c)
        out.append(
            (
                np.mean(back) if back else np.nan,
                np.mean(forward) if forward else np.nan,
                max(back) if back else np.nan,
                sum(c for c in back if c >= threshold) if back else np.nan,
                sum(c for c in forward if c >= threshold) if forward else np.nan,
                sum(c >= near for c in other) if other else np.nan,
                max(other) if other else np.nan,
            )
        )
    return np.array(out, dtype=float).T


@pytest.mark.parametrize("cells", [3, 4_000_000])
def test_similarities_equal_brute_force(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textvec, "_BLOCK_CELLS", cells)
    rng = np.random.default_rng(3)
    words = [f"w{i}" for i in range(15)]
    docs = [list(rng.choice(words, size=rng.integers(0, 9))) for _ in range(40)]
    year = rng.integers(2000, 2009, size=40)
    group = rng.integers(0, 2, size=40)
    owner = rng.integers(-1, 4, size=40)
    counts, _ = count_matrix(docs)
    got = similarities(
        counts, group=group, corpus=np.zeros(40, dtype=np.int64), year=year, owner=owner, window=3, near=0.4
    )
    expected = _brute(docs, group, year, owner, 3, 0.05, 0.4)
    names = (
        "backward_mean", "forward_mean", "backward_max", "backward_sum", "forward_sum", "near_count", "nearest_other",
    )  # fmt: skip
    for name, column in zip(names, expected, strict=True):
        np.testing.assert_allclose(getattr(got, name), column, atol=1e-12, err_msg=name)


def test_copies_have_cosine_one_and_later_documents_do_not_matter_backward() -> None:
    docs = [["old"], ["a", "b"], ["a", "b"], ["a", "c"]]
    year = np.array([2000, 2001, 2002, 2003])
    zero = np.zeros(4, dtype=np.int64)
    counts, _ = count_matrix(docs)
    all_ = similarities(counts, group=zero, corpus=zero, year=year, owner=np.arange(4))
    assert all_.backward_max[2] == pytest.approx(1.0)
    assert np.isnan(all_.backward_mean[0])
    three, _ = count_matrix(docs[:3])
    early = similarities(three, group=zero[:3], corpus=zero[:3], year=year[:3], owner=np.arange(3))
    np.testing.assert_allclose(early.backward_mean, all_.backward_mean[:3])


def test_new_terms_against_brute_force() -> None:
    rng = np.random.default_rng(5)
    docs = [list(rng.choice([f"w{i}" for i in range(30)], size=5)) for _ in range(25)]
    day = rng.integers(0, 12, size=25)
    got = new_terms(docs, day)
    for i in range(25):
        new = {w for w in docs[i] if not any(w in docs[j] for j in range(25) if day[j] < day[i])}
        assert got.count[i] == len(new)
        assert got.reuse[i] == sum(w in docs[j] for w in new for j in range(25) if day[j] > day[i])


def test_bad_shapes_are_refused() -> None:
    counts, _ = count_matrix([["a"], ["b"]])
    two = np.zeros(2, dtype=np.int64)
    with pytest.raises(DomainError):
        similarities(counts, group=two[:1], corpus=two, year=two, owner=two)
    with pytest.raises(DomainError):
        similarities(counts, group=two, corpus=two, year=two, owner=two, window=0)
