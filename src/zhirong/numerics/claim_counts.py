"""Claim counts of the (a,b,0) and (a,b,1) classes: Poisson, negative binomial, binomial, logarithmic, zero-modified."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.errors import DomainError

__all__ = ["CountLaw", "binomial_count", "logarithmic_count", "negative_binomial_count", "poisson_count"]

Complexes = NDArray[np.complex128]
Kind = Literal["poisson", "negative_binomial", "binomial", "logarithmic"]


@dataclass(frozen=True, slots=True)
class CountLaw:
    """A count N with ``p_n = (a + b/n) p_{n-1}``, mixed with a point mass at zero.

    ``size`` and ``chance`` are the law's own parameters (see the functions that make one); N is the basic count
    with probability `weight` and otherwise zero. A weight above one thins the zeros (zero truncation).
    """

    kind: Kind
    size: float
    chance: float
    weight: float = 1.0

    @property
    def a(self) -> float:
        """The recursion's a."""
        return {
            "poisson": 0.0,
            "negative_binomial": self.chance,
            "logarithmic": self.chance,
            "binomial": -self.chance / (1 - self.chance),
        }[self.kind]

    @property
    def b(self) -> float:
        """The recursion's b."""
        return {
            "poisson": self.size,
            "negative_binomial": (self.size - 1) * self.chance,
            "logarithmic": -self.chance,
            "binomial": (self.size + 1) * self.chance / (1 - self.chance),
        }[self.kind]

    @property
    def first(self) -> float:
        """Probability of one claim in the basic law that the recursion of the (a,b,1) class starts from; else 0."""
        return -self.chance / math.log1p(-self.chance) if self.kind == "logarithmic" else 0.0

    @property
    def basic_mean(self) -> float:
        """Mean of the basic law."""
        if self.kind == "poisson":
            return self.size
        if self.kind == "binomial":
            return self.size * self.chance
        odds = self.chance / (1 - self.chance)
        return self.size * odds if self.kind == "negative_binomial" else -odds / math.log1p(-self.chance)

    @property
    def mean(self) -> float:
        """Expected number of claims."""
        return self.weight * self.basic_mean

    @property
    def variance(self) -> float:
        """Variance of the number of claims."""
        mean = self.basic_mean
        # E[N^2]: of the (a,b,0) class mean/(1-a) + mean^2, of the logarithmic mean/(1-a).
        second = mean / (1 - self.a) + (0.0 if self.kind == "logarithmic" else mean * mean)
        return self.weight * second - self.mean**2

    def log_pgf(self, z: Complexes) -> Complexes:
        """Return the log of the basic law's ``E[z^N]`` for ``|z| <= 1`` (complex, any shape)."""
        if self.kind == "poisson":
            return self.size * (z - 1)
        if self.kind == "negative_binomial":
            return np.asarray(self.size * (math.log1p(-self.chance) - np.log(1 - self.chance * z)), np.complex128)
        if self.kind == "binomial":
            return np.asarray(self.size * np.log(1 - self.chance + self.chance * z), np.complex128)
        return np.log(np.log(1 - self.chance * z) / math.log1p(-self.chance))

    def zero_modified(self, zero: float) -> CountLaw:
        """Return this law with P(N = 0) set to `zero` (0 truncates), the other probabilities in proportion.

        Raises
        ------
        DomainError
            If `zero` is not in [0, 1), or the law is already modified.
        """
        if not 0 <= zero < 1:
            raise DomainError(f"zero: {zero} given, 0 <= zero < 1 allowed")
        if self.weight != 1:
            raise DomainError("zero: the law is modified already, modify the basic law")
        none = 0.0 if self.kind == "logarithmic" else math.exp(self.log_pgf(np.zeros(1, np.complex128))[0].real)
        return CountLaw(self.kind, self.size, self.chance, (1 - zero) / (1 - none))


def _positive(name: str, value: float) -> float:
    if not (math.isfinite(value) and value > 0):
        raise DomainError(f"{name}: {value} given, a finite number above 0 allowed")
    return float(value)


def _fraction(name: str, value: float) -> float:
    if not 0 < value < 1:
        raise DomainError(f"{name}: {value} given, 0 < {name} < 1 allowed")
    return float(value)


def poisson_count(mean: float) -> CountLaw:
    """Return a Poisson count with the given mean (above 0); DomainError otherwise."""
    return CountLaw("poisson", _positive("mean", mean), 0.0)


def negative_binomial_count(alpha: float, q: float) -> CountLaw:
    """Return a negative binomial, ``P(0) = (1-q)^alpha``, mean ``alpha q/(1-q)``; DomainError out of range."""
    return CountLaw("negative_binomial", _positive("alpha", alpha), _fraction("q", q))


def binomial_count(trials: int, p: float) -> CountLaw:
    """Return a binomial count of `trials` (at least 1) with success probability `p`; DomainError out of range."""
    if trials != int(trials):
        raise DomainError(f"trials: {trials} given, a whole number allowed")
    return CountLaw("binomial", _positive("trials", trials), _fraction("p", p))


def logarithmic_count(q: float) -> CountLaw:
    """Return the logarithmic count ``p_n = -q^n / (n ln(1-q))``, n >= 1; DomainError out of range."""
    return CountLaw("logarithmic", 1.0, _fraction("q", q))
