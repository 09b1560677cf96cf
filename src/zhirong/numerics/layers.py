"""Deductibles, limits, layers and shares on a lattice, and many policies hit by one shock: exact laws by FFT.

A policy's payment is a function of the loss; on a lattice a payment between two points is split over them so that its mean is kept.
Common shocks: Lindskog and McNeil (2003), ASTIN Bulletin 33(2):209-238.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zhirong.kernel.errors import DomainError
from zhirong.numerics.aggregate import AggregateLoss, Lattice

__all__ = ["Exposure", "Shock", "event_law", "kept_severity", "lattice_of_draws", "layer_severity", "layer_total"]

Floats = NDArray[np.float64]
_TILT = 20.0


@dataclass(frozen=True, slots=True)
class Exposure:
    """One policy of a portfolio: yearly claim rate (0 or more) and payment law."""

    rate: float
    severity: Lattice


@dataclass(frozen=True, slots=True)
class Shock:
    """An event that hits several policies at once.

    Parameters
    ----------
    rate : float
        Events a year, 0 or more.
    members : tuple of int
        Places of the policies it can hit.
    chance : float
        Chance, 0 to 1, that it makes a claim on each, one independent of the other given the event.
    """

    rate: float
    members: tuple[int, ...]
    chance: float


def lattice_of_draws(draws: ArrayLike, *, step: float, points: int) -> Lattice:
    """Put draws of a payment on a lattice, each split over its two neighbours so that the mean is kept.

    Raises
    ------
    DomainError
        For draws that are negative or not finite, or a lattice that is none.
    """
    x = np.asarray(draws, np.float64)
    if x.ndim != 1 or not x.size or not np.isfinite(x).all() or (x < 0).any():
        raise DomainError("draws: finite numbers, 0 or more, allowed")
    if not (math.isfinite(step) and step > 0 and points >= 2):
        raise DomainError(f"step: {step} with {points} points given, a step above 0 and 2 points or more allowed")
    return Lattice(step, _split(x / step, np.full(x.size, 1 / x.size), points), float(x.mean()))


def layer_severity(law: Lattice, *, attachment: float = 0.0, width: float = math.inf, share: float = 1.0) -> Lattice:
    """Return the law of ``share * min(max(X - attachment, 0), width)``.

    `attachment` is 0 or more, `width` above 0 (inf for none), `share` 0 to 1. What lies beyond the lattice pays the whole width; without
    a width it stays beyond.
    """
    _layer(attachment, width, share)
    n = len(law.pmf)
    x = np.arange(n) * law.step
    beyond = max(0.0, 1 - float(law.pmf.sum()))
    paid, masses = share * np.minimum(np.maximum(x - attachment, 0.0), width), law.pmf
    mean = float(masses @ paid)
    if math.isfinite(width):
        paid, masses = np.append(paid, share * width), np.append(masses, beyond)
        mean += beyond * share * width
    else:
        rest = law.mean - float(law.pmf @ x)  # E[X; X beyond]
        mean += share * max(0.0, rest - beyond * attachment)
    return Lattice(law.step, _split(paid / law.step, masses, n), mean)


def kept_severity(law: Lattice, *, attachment: float, width: float = math.inf) -> Lattice:
    """Return the law of what remains of a loss when ``min(max(X - attachment, 0), width)`` is paid by another."""
    ceded = layer_severity(law, attachment=attachment, width=width)
    x = np.arange(len(law.pmf)) * law.step
    kept, masses = x - np.clip(x - attachment, 0.0, width), law.pmf
    if math.isinf(width):
        kept, masses = np.append(kept, attachment), np.append(masses, max(0.0, 1 - float(law.pmf.sum())))
    return Lattice(law.step, _split(kept / law.step, masses, len(law.pmf)), max(0.0, law.mean - ceded.mean))


def layer_total(
    total: AggregateLoss, *, attachment: float = 0.0, width: float = math.inf, share: float = 1.0
) -> AggregateLoss:
    """Return the law of ``share * min(max(S - attachment, 0), width)``: a yearly deductible and limit, or a stop loss."""
    law = layer_severity(Lattice(total.step, total.pmf, total.mean), attachment=attachment, width=width, share=share)
    return AggregateLoss(total.step, law.pmf, law.mean)


def event_law(policies: Sequence[Exposure], shocks: Sequence[Shock], *, points: int) -> tuple[float, Lattice]:
    """Return the yearly rate of events and the law of what one event costs all policies together.

    Each policy keeps its own rate: what shocks bring it is taken from its own claims. An event is a claim on one policy or a shock,
    whose cost is ``prod_(i in g) (1 - c + c f_i)`` in transforms. A Poisson number of such events is the portfolio's year; a cover
    for each event applies to this law.

    Raises
    ------
    DomainError
        For lattices of different steps, numbers out of range, or shocks that bring a policy more claims than it has.
    """
    own = _own_rates(policies, shocks)
    step = policies[0].severity.step
    if points < 2:
        raise DomainError(f"points: {points} given, 2 or more allowed")
    size = 1 << (2 * points - 1).bit_length()
    damp = np.exp(-_TILT / size * np.arange(points))
    law, products = np.zeros(points), [np.ones(size // 2 + 1, np.complex128) for _ in shocks]
    alike: dict[int, list[int]] = {}
    for i, policy in enumerate(policies):
        alike.setdefault(id(policy.severity), []).append(i)
    for places in alike.values():  # policies with one severity share one transform
        masses = policies[places[0]].severity.pmf[:points]
        law[: len(masses)] += own[places].sum() * masses
        spectrum = np.fft.rfft(masses * damp[: len(masses)], size)
        for shock, product in zip(shocks, products, strict=True):
            if times := len(set(places) & set(shock.members)):
                product *= (1 - shock.chance + shock.chance * spectrum) ** times
    for shock, product in zip(shocks, products, strict=True):
        law += shock.rate * np.maximum(np.fft.irfft(product, size)[:points] / damp, 0.0)
    rate = float(own.sum() + sum(shock.rate for shock in shocks))
    if rate == 0:
        raise DomainError("policies: a rate above 0 for one of them allowed")
    mean = sum(p.rate * p.severity.mean for p in policies) / rate
    return rate, Lattice(step, np.asarray(law / rate, np.float64), float(mean))


def _own_rates(policies: Sequence[Exposure], shocks: Sequence[Shock]) -> Floats:
    """Return each policy's rate of claims that no shock brings."""
    own = np.array([p.rate for p in policies], np.float64)
    if not own.size or not (np.isfinite(own).all() and (own >= 0).all()):
        raise DomainError("policies: one or more, rates 0 or more, allowed")
    if len({p.severity.step for p in policies}) > 1:
        raise DomainError("policies: severities on one lattice allowed")
    for g, shock in enumerate(shocks):
        if not (math.isfinite(shock.rate) and shock.rate >= 0 and 0 <= shock.chance <= 1):
            raise DomainError(
                f"shocks[{g}]: rate {shock.rate}, chance {shock.chance} given, 0 or more and 0 to 1 allowed"
            )
        if len(set(shock.members)) != len(shock.members) or not set(shock.members) <= set(range(len(own))):
            raise DomainError(f"shocks[{g}].members: each policy once allowed")
        own[list(shock.members)] -= shock.rate * shock.chance
    if (own < -1e-12).any():
        raise DomainError(f"shocks: they bring policy {int(np.argmin(own))} more claims than it has in all")
    return np.maximum(own, 0.0)


def _split(places: Floats, masses: Floats, points: int) -> Floats:
    low = np.floor(places * (1 + 1e-14) + 1e-12)
    part = np.clip(places - low, 0.0, 1.0)
    at = low.astype(np.int64)
    law = np.zeros(points + 1)
    inside = at < points
    np.add.at(law, at[inside], (masses * (1 - part))[inside])
    np.add.at(law, at[inside] + 1, (masses * part)[inside])
    return law[:points]


def _layer(attachment: float, width: float, share: float) -> None:
    if not (math.isfinite(attachment) and attachment >= 0):
        raise DomainError(f"attachment: {attachment} given, a finite number not below 0 allowed")
    if not width > 0:
        raise DomainError(f"width: {width} given, a number above 0 allowed")
    if not 0 <= share <= 1:
        raise DomainError(f"share: {share} given, 0 to 1 allowed")
