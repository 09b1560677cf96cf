"""The value of several patents together: what they share, what spreading them spares, and where the risk of the sum sits.

Patents move with the market, their field, the doctrine of their office, the business of their owner and, within a family, the same
invention. Each of these is a common factor of a Gaussian copula over the patents' own distributions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from zhirong.kernel.text import Bilingual
from zhirong.numerics.distributions import SCORE_MAX
from zhirong.numerics.factor_sum import FactorModel, contributions, factor_sums, score_tables
from zhirong.numerics.streams import stream_key
from zhirong.params import Parameter
from zhirong.valuation.reconcile import quantiles_of
from zhirong.valuation.types import Quantiles, Valuation

__all__ = ["FACTORS", "Dependence", "PatentRisk", "SharedRisk", "depend"]

Floats = NDArray[np.float64]
FACTORS: Mapping[str, tuple[Bilingual, Callable[[Mapping[str, Any]], object]]] = {
    "market": (Bilingual("技术市场整体", "The market for technology"), lambda facts: "all"),
    "office": (Bilingual("同一局的审查与司法尺度", "Doctrine of the same office"), lambda facts: facts.get("office")),
    "field": (Bilingual("同一技术领域", "The same technology field"), lambda facts: facts.get("wipo_field")),
    "owner": (Bilingual("同一权利人的业务", "The business of the same owner"), lambda facts: facts.get("owner_name")),
    "family": (Bilingual("同族（同一发明）", "The same invention (family)"), lambda facts: facts.get("family_id")),
}
"""What patents may share, and how the facts of a valuation tell it; an unknown one is shared with nobody."""
TAIL = 0.05
"""Share of the lowest sums whose mean is the expected shortfall's end."""


@dataclass(frozen=True, slots=True)
class PatentRisk:
    """One patent in the sum.

    Attributes
    ----------
    patent_id : str
        Patent.
    mean : float
        Mean value, the share owned applied, CNY.
    mean_share : float
        Part of the mean of the sum.
    shortfall, shortfall_error : float
        By how much it is below its mean, on average over the lowest sums, CNY, and the standard error of that.
    shortfall_share : float
        Part of the shortfall of the sum; shares of all patents add to 1.
    """

    patent_id: str
    mean: float
    mean_share: float
    shortfall: float
    shortfall_error: float
    shortfall_share: float


@dataclass(frozen=True, slots=True)
class SharedRisk:
    """The largest group of patents that share one factor.

    Attributes
    ----------
    factor : str
        Key of `FACTORS`.
    label : Bilingual
        What it is.
    variance_share : float
        Part of the variance of the normal score of each patent that it carries (a declared parameter).
    groups, unknown : int
        Groups of two patents or more; patents of which it is not known.
    largest : str
        Name of the group with the largest mean value.
    mean_share, shortfall_share : float
        What that group holds of the mean and of the shortfall of the sum.
    """

    factor: str
    label: Bilingual
    variance_share: float
    groups: int
    unknown: int
    largest: str
    mean_share: float
    shortfall_share: float


@dataclass(frozen=True, slots=True)
class Dependence:
    """Value of a portfolio under its common factors.

    Attributes
    ----------
    quantiles : Mapping of float to float
        Of the sum, CNY.
    mean, low_mean : float
        Mean of the sum, and of its lowest twentieth.
    quantiles_low, quantiles_high : Mapping of float to float
        The same with every common part at the low and at the high end of its declared range.
    diversification : float
        Part of the shortfall spared against values that move together wholly, 0 to 1.
    effective_number : float
        Equal patents that would be as concentrated by mean value: one over the sum of squared shares.
    patents : tuple of PatentRisk
        Largest shortfall first.
    shared : tuple of SharedRisk
        One for each factor that two patents share.
    parameter : Parameter
        Variance shares, with source and range.
    """

    quantiles: Quantiles
    mean: float
    low_mean: float
    quantiles_low: Quantiles
    quantiles_high: Quantiles
    diversification: float
    effective_number: float
    patents: tuple[PatentRisk, ...]
    shared: tuple[SharedRisk, ...]
    parameter: Parameter


def depend(
    valuations: Sequence[Valuation], owned: Mapping[str, float], shares: Parameter, *, draws: int, seed: int
) -> Dependence:
    """Return the sum of values that depend on each other through what they share.

    Parameters
    ----------
    valuations : sequence of Valuation
        With draws; one a patent.
    owned : Mapping of str to float
        Share owned, where not the whole.
    shares : Parameter
        ``portfolio.common_shares``: by factor, ``[low, value, high]`` of the variance of the normal score.
    draws, seed : int
        Of the sum.

    Notes
    -----
    ``z_i = sum_k sqrt(s_k) F_k(i) + sqrt(1 - sum_k s_k) e_i`` over the factors known of patent i, its value ``Q_i(Phi(z_i))``
    (`numerics.factor_sum`). Contributions are Euler's: the mean of each patent over the lowest sums, so that they add up.
    """
    tables = score_tables(valuation.draws for valuation in valuations if valuation.draws is not None)
    assert len(tables) == len(valuations), "every valuation has draws"
    groups = {name: [key(v.facts) for v in valuations] for name, (_, key) in FACTORS.items()}
    parts = np.array([owned.get(v.subject_id, 1.0) for v in valuations])
    keys = np.array([stream_key(seed, f"dependence/{v.subject_id}") for v in valuations], np.uint64)

    def model(end: int) -> FactorModel:
        loadings, of = _loadings(groups, {name: float(shares.value[name][end]) for name in FACTORS})
        return FactorModel(tables, loadings, keys, stream_key(seed, "dependence"), factor_of=of, shares=parts)

    low, middle, high = (model(end) for end in range(3))
    sums = factor_sums(middle, draws)
    worst = np.argsort(sums, kind="stable")[: max(1, int(TAIL * draws))]
    means, bad = contributions(middle, np.arange(draws)), contributions(middle, worst)
    lost = means.mean - bad.mean
    errors = np.hypot(means.error, bad.error)
    total, whole = float(means.mean.sum()), float(lost.sum())
    together = _together(tables, parts, draws)
    return Dependence(
        quantiles=quantiles_of(sums), mean=total, low_mean=float(sums[worst].mean()),
        quantiles_low=quantiles_of(factor_sums(low, draws)), quantiles_high=quantiles_of(factor_sums(high, draws)),
        diversification=float(np.clip(1 - whole / together, 0.0, 1.0)) if together > 0 else 0.0,
        effective_number=float(total**2 / (means.mean**2).sum()) if total > 0 else 0.0,
        patents=_patents(valuations, means.mean, lost, errors),
        shared=tuple(_shared(groups, means.mean, lost, shares)), parameter=shares,
    )  # fmt: skip


def _loadings(groups: Mapping[str, list[object]], shares: Mapping[str, float]) -> tuple[Floats, NDArray[np.int64]]:
    """Return loadings and numbers of factors, shape (patents, factors); an unknown one loads on nothing."""
    count = len(next(iter(groups.values())))
    loadings, of = np.zeros((count, len(groups))), np.zeros((count, len(groups)), np.int64)
    first = 0
    for column, (name, found) in enumerate(groups.items()):
        number = {key: i for i, key in enumerate(sorted({str(k) for k in found if k is not None}))}
        for row, key in enumerate(found):
            if key is not None:
                loadings[row, column], of[row, column] = np.sqrt(shares[name]), first + number[str(key)]
        first += len(number)
    return loadings, of


def _together(tables: Floats, parts: Floats, draws: int) -> float:
    """Return the shortfall of the sum if every value stood at the same level in each draw."""
    scores = np.linspace(-SCORE_MAX, SCORE_MAX, tables.shape[1])
    levels = (np.arange(draws) + 0.5) / draws
    sums = np.interp(ndtri(levels), scores, (parts[:, None] * tables).sum(axis=0))
    return float(sums.mean() - sums[: max(1, int(TAIL * draws))].mean())


def _patents(valuations: Sequence[Valuation], means: Floats, lost: Floats, errors: Floats) -> tuple[PatentRisk, ...]:
    total, whole = float(means.sum()), float(lost.sum())
    found = [
        PatentRisk(
            v.subject_id, float(m), float(m) / total if total > 0 else 0.0, float(x), float(e),
            float(x) / whole if whole > 0 else 0.0,
        )
        for v, m, x, e in zip(valuations, means, lost, errors, strict=True)
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda risk: (-risk.shortfall, risk.patent_id)))


def _shared(groups: Mapping[str, list[object]], means: Floats, lost: Floats, shares: Parameter) -> list[SharedRisk]:
    total, whole = float(means.sum()), float(lost.sum())
    rows = []
    for name, found in groups.items():
        names = np.array(["" if key is None else str(key) for key in found], object)
        sizes = {key: int((names == key).sum()) for key in dict.fromkeys(names.tolist()) if key}
        several = [key for key, size in sizes.items() if size > 1]
        if not several:
            continue
        largest = max(several, key=lambda key: (float(means[names == key].sum()), key))
        mine = names == largest
        rows.append(
            SharedRisk(
                name, FACTORS[name][0], float(shares.value[name][1]), len(several), int((names == "").sum()), largest,
                float(means[mine].sum()) / total if total > 0 else 0.0, float(lost[mine].sum()) / whole if whole > 0 else 0.0,
            )
        )  # fmt: skip
    return rows
