"""Texts as sparse vectors: novelty, similarity to earlier and later documents, near neighbours, new words.

Documents meet only inside a group (one language, one technology field), and a pair is weighed by the inverse document
frequencies known when the *earlier* document appeared: a word that was rare then keeps its weight however common it
became. Similarities are computed in blocks of years and rows, so that memory stays bounded.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from zhirong.kernel.errors import DomainError
from zhirong.kernel.text import casefold_nfkc

__all__ = ["NewTerms", "SimilarityMeasures", "bigrams", "count_matrix", "new_terms", "similarities", "terms"]

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

_WORD = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*|[㐀-鿿]+")
_STOP = frozenset(
    [
        "a",
        "about",
        "above",
        "according",
        "after",
        "all",
        "also",
        "an",
        "and",
        "another",
        "any",
        "are",
        "as",
        "at",
        "be",
        "because",
        "been",
        "before",
        "being",
        "between",
        "both",
        "but",
        "by",
        "can",
        "comprise",
        "comprised",
        "comprises",
        "comprising",
        "could",
        "did",
        "do",
        "does",
        "each",
        "either",
        "embodiment",
        "first",
        "for",
        "from",
        "further",
        "had",
        "has",
        "have",
        "having",
        "herein",
        "if",
        "in",
        "include",
        "includes",
        "including",
        "into",
        "invention",
        "is",
        "it",
        "its",
        "least",
        "may",
        "method",
        "more",
        "most",
        "not",
        "of",
        "on",
        "one",
        "or",
        "other",
        "over",
        "plurality",
        "present",
        "provide",
        "provided",
        "provides",
        "said",
        "second",
        "such",
        "than",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "thereby",
        "therefore",
        "thereof",
        "these",
        "they",
        "third",
        "this",
        "those",
        "through",
        "to",
        "under",
        "upon",
        "use",
        "used",
        "using",
        "via",
        "was",
        "were",
        "when",
        "where",
        "wherein",
        "whereby",
        "which",
        "while",
        "who",
        "whose",
        "will",
        "with",
        "within",
        "without",
        "would",
        "you",
        "your",
    ]
)
_HAN_STOP = frozenset("的了和与及或其在是为有所将以中对于该本一种上下由从被且而等")
_BLOCK_CELLS = 4_000_000


def terms(text: str) -> list[str]:
    """Return the terms of a text in order: English words without stop words, Chinese as character bigrams.

    Parameters
    ----------
    text : str
        Plain text in any mixture of the two.

    Examples
    --------
    >>> terms("A lithium-ion battery comprising 固态电解质")
    ['lithium-ion', 'battery', '固态', '态电', '电解', '解质']
    """
    out: list[str] = []
    for word in _WORD.findall(casefold_nfkc(text)):
        if word[0] < "㐀":
            if len(word) > 1 and word not in _STOP:
                out.append(word)
        elif len(word) == 1:
            continue
        else:
            out.extend(word[i : i + 2] for i in range(len(word) - 1) if not _HAN_STOP.intersection(word[i : i + 2]))
    return out


def bigrams(words: Sequence[str]) -> list[str]:
    """Return pairs of neighbouring terms, joined by a blank."""
    return [f"{a} {b}" for a, b in itertools.pairwise(words)]


def count_matrix(documents: Sequence[Sequence[str]]) -> tuple[sparse.csr_matrix, dict[str, int]]:
    """Return term counts and the vocabulary.

    Returns
    -------
    tuple of (scipy.sparse.csr_matrix, dict)
        Counts, shape (n_documents, n_terms), float64; term to column, in order of first appearance.
    """
    vocabulary: dict[str, int] = {}
    indptr = np.zeros(len(documents) + 1, dtype=np.int64)
    parts: list[Ints] = []
    for row, words in enumerate(documents):
        ids = [vocabulary.setdefault(word, len(vocabulary)) for word in words]
        parts.append(np.asarray(ids, dtype=np.int64))
        indptr[row + 1] = indptr[row] + len(ids)
    columns = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
    shape = (len(documents), max(len(vocabulary), 1))
    matrix = sparse.csr_matrix((np.ones(columns.size), columns, indptr), shape=shape)
    matrix.sum_duplicates()
    return matrix, vocabulary


@dataclass(frozen=True, slots=True)
class SimilarityMeasures:
    """Measures of each document; NaN where undefined. All arrays have shape (n_documents,).

    Parameters
    ----------
    backward_mean, forward_mean : ndarray
        Mean cosine to the documents of the window before and after.
    backward_max : ndarray
        Largest cosine to a document of the window before.
    backward_sum, forward_sum : ndarray
        Sums of cosines at or above the threshold (Kelly et al.).
    near_count : ndarray
        Documents of other owners in the window, both sides and the same year, with cosine at or above `near`.
    nearest_other : ndarray
        Largest cosine to a document of another owner in the window.
    """

    backward_mean: Array
    forward_mean: Array
    backward_max: Array
    backward_sum: Array
    forward_sum: Array
    near_count: Array
    nearest_other: Array


def similarities(
    counts: sparse.csr_matrix,
    *,
    group: Ints,
    corpus: Ints,
    year: Ints,
    owner: Ints,
    window: int = 5,
    threshold: float = 0.05,
    near: float = 0.3,
) -> SimilarityMeasures:
    """Compare each document with those of its group within a window of years.

    Parameters
    ----------
    counts : scipy.sparse.csr_matrix
        Term counts, shape (n_documents, n_terms).
    group : ndarray of int64, shape (n_documents,)
        Documents are compared inside a group only.
    corpus : ndarray of int64, shape (n_documents,)
        Documents whose frequencies count together (a language); each group lies in one corpus.
    year : ndarray of int64, shape (n_documents,)
        Year of publication.
    owner : ndarray of int64, shape (n_documents,)
        Owner, -1 unknown.
    window : int
        Years before and after, at least 1.
    threshold : float
        Cosines below are set aside in the sums, 0-1.
    near : float
        Cosine from which a document is a near neighbour, 0-1.

    Returns
    -------
    SimilarityMeasures
        Forward measures use the documents that are there: the caller decides whether the window is complete.

    Raises
    ------
    DomainError
        When shapes differ or the window is below 1.

    Notes
    -----
    For a pair with the earlier document in year a, both vectors are tf x log((1 + N_a)/(1 + n_a(w))), N_a and n_a
    counted over documents of years before a in the corpus, then normalised (TF-BIDF). Documents in the first year of
    a corpus have no earlier frequencies; pairs that start there are left out. Terms without weight drop out, and a
    document whose terms all drop out has cosine 0.

    References
    ----------
    Kelly, Papanikolaou, Seru, Taddy (2021), *AER: Insights* 3, 303-320. Arts, Hou, Gomez (2021), *Research Policy*
    50, 104144.
    """
    n = counts.shape[0]
    if any(a.shape != (n,) for a in (group, corpus, year, owner)):
        raise DomainError("group, corpus, year and owner have one entry for each document")
    if window < 1:
        raise DomainError(f"window is at least one year, not {window}")
    tally = _Tally(n, owner, threshold, near)
    for which in np.unique(corpus):
        rows = np.flatnonzero(corpus == which)
        for first, weights in _weights_by_year(counts, rows, year):
            _compare_year(counts, rows, group, year, first, weights, window, tally)
    return tally.measures()


def _weights_by_year(counts: sparse.csr_matrix, rows: Ints, year: Ints) -> Iterator[tuple[int, Array]]:
    """Each year of a corpus after the first, with the inverse document frequencies of the years before."""
    frequency = np.zeros(counts.shape[1])
    seen = 0
    for y in np.unique(year[rows]):
        if seen:
            yield int(y), np.log((1.0 + seen) / (1.0 + frequency))
        block = counts[rows[year[rows] == y]]
        frequency += np.bincount(block.indices, minlength=counts.shape[1])
        seen += block.shape[0]


def _weighed(block: sparse.csr_matrix, weights: Array) -> sparse.csr_matrix:
    """Rows times weights, each of length 1 (or 0)."""
    out = block.multiply(weights[None, :]).tocsr()
    length = np.sqrt(np.asarray(out.multiply(out).sum(axis=1)).ravel())
    scale = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
    return sparse.diags(scale) @ out


def _compare_year(
    counts: sparse.csr_matrix,
    rows: Ints,
    group: Ints,
    year: Ints,
    first: int,
    weights: Array,
    window: int,
    tally: _Tally,
) -> None:
    """All pairs whose earlier document is of year `first`."""
    span = rows[(year[rows] >= first) & (year[rows] <= first + window)]
    span = span[np.argsort(group[span], kind="stable")]
    bounds = np.flatnonzero(np.diff(group[span], prepend=group[span][:1] - 1, append=group[span][-1:] + 1))
    vectors = _weighed(counts[span], weights)
    for start, end in itertools.pairwise(bounds):
        members, block = span[start:end], vectors[start:end]
        is_first = year[members] == first
        if not is_first.any():
            continue
        early, late = members[is_first], members[~is_first]
        left = block[is_first]
        tally.add(left, early, left, early, is_same_year=True)
        if late.size:
            tally.add(left, early, block[~is_first], late, is_same_year=False)


class _Tally:
    """Running sums over pairs."""

    def __init__(self, n: int, owner: Ints, threshold: float, near: float) -> None:
        self.owner, self.threshold, self.near = owner, threshold, near
        self.sums = {name: np.zeros(n) for name in ("b", "f", "bt", "ft", "near")}
        self.pairs = {name: np.zeros(n, dtype=np.int64) for name in ("b", "f", "other")}
        self.tops = {name: np.zeros(n) for name in ("b", "other")}

    def add(
        self, left: sparse.csr_matrix, early: Ints, right: sparse.csr_matrix, late: Ints, *, is_same_year: bool
    ) -> None:
        """Add all pairs of a block of earlier rows and a block of later ones."""
        transposed = right.T.tocsc()
        step = max(1, _BLOCK_CELLS // max(late.size, 1))
        for start in range(0, early.size, step):
            ids = early[start : start + step]
            cosine = np.clip((left[start : start + step] @ transposed).toarray(), 0.0, 1.0)
            if not is_same_year:
                self._windows(cosine, ids, late)
            self._others(cosine, ids, late, is_same_year=is_same_year)

    def _windows(self, cosine: Array, early: Ints, late: Ints) -> None:
        kept = np.where(cosine >= self.threshold, cosine, 0.0)
        self.sums["f"][early] += cosine.sum(axis=1)
        self.sums["ft"][early] += kept.sum(axis=1)
        self.pairs["f"][early] += late.size
        self.sums["b"][late] += cosine.sum(axis=0)
        self.sums["bt"][late] += kept.sum(axis=0)
        self.pairs["b"][late] += early.size
        self.tops["b"][late] = np.maximum(self.tops["b"][late], cosine.max(axis=0))

    def _others(self, cosine: Array, early: Ints, late: Ints, *, is_same_year: bool) -> None:
        a, b = self.owner[early][:, None], self.owner[late][None, :]
        is_other = (a != b) & (a >= 0) & (b >= 0)
        other = np.where(is_other, cosine, 0.0)
        close = is_other & (cosine >= self.near)
        self.sums["near"][early] += close.sum(axis=1)
        self.pairs["other"][early] += is_other.sum(axis=1)
        self.tops["other"][early] = np.maximum(self.tops["other"][early], other.max(axis=1, initial=0.0))
        if not is_same_year:  # within a year the block is symmetric: the rows have seen every pair
            self.sums["near"][late] += close.sum(axis=0)
            self.pairs["other"][late] += is_other.sum(axis=0)
            self.tops["other"][late] = np.maximum(self.tops["other"][late], other.max(axis=0, initial=0.0))

    def measures(self) -> SimilarityMeasures:
        """Return the finished measures."""

        def where(value: Array, pairs: Ints) -> Array:
            return np.where(pairs > 0, value, np.nan)

        b, f, other = self.pairs["b"], self.pairs["f"], self.pairs["other"]
        return SimilarityMeasures(
            backward_mean=where(self.sums["b"] / np.maximum(b, 1), b),
            forward_mean=where(self.sums["f"] / np.maximum(f, 1), f),
            backward_max=where(self.tops["b"], b),
            backward_sum=where(self.sums["bt"], b),
            forward_sum=where(self.sums["ft"], f),
            near_count=where(self.sums["near"], other),
            nearest_other=where(self.tops["other"], other),
        )


@dataclass(frozen=True, slots=True)
class NewTerms:
    """Terms that no earlier document had, shape (n_documents,) each.

    Parameters
    ----------
    count : ndarray of int64
        Terms that appear first in this document (several documents of one day share a first).
    reuse : ndarray of int64
        Later documents that use them, summed over the terms.
    """

    count: Ints
    reuse: Ints


def new_terms(documents: Sequence[Sequence[str]], day: Ints) -> NewTerms:
    """Count terms that appear for the first time, and how often later documents use them.

    Parameters
    ----------
    documents : sequence of sequences of str
        Terms of each document of one corpus.
    day : ndarray of int64, shape (n_documents,)
        Day of publication; a later day is larger.

    References
    ----------
    Arts, Hou, Gomez (2021), *Research Policy* 50, 104144: new_word, new_bigram and their reuse.

    Examples
    --------
    >>> new_terms([["a", "b"], ["a", "c"], ["c"]], np.array([1, 2, 3])).reuse.tolist()
    [1, 1, 0]
    """
    matrix, _ = count_matrix(documents)
    matrix = matrix.tocoo()
    n = len(documents)
    first = np.full(matrix.shape[1], np.iinfo(np.int64).max)
    np.minimum.at(first, matrix.col, day[matrix.row])
    is_first = day[matrix.row] == first[matrix.col]
    users = np.bincount(matrix.col, minlength=matrix.shape[1])
    at_first = np.bincount(matrix.col[is_first], minlength=matrix.shape[1])
    later = (users - at_first)[matrix.col]
    count = np.bincount(matrix.row[is_first], minlength=n)
    reuse = np.bincount(matrix.row[is_first], weights=later[is_first], minlength=n)
    return NewTerms(count=count.astype(np.int64), reuse=np.rint(reuse).astype(np.int64))
