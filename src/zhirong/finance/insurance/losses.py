"""What one event costs the insurer: loss from the patent's value, legal expense dependent on it, deductible, limit, slices, share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from zhirong.finance.insurance.spec import CoverKind, CoverSpec
from zhirong.kernel.errors import DomainError
from zhirong.numerics.copulas import Copula, pseudo_observations
from zhirong.numerics.levels import probability_levels
from zhirong.numerics.spliced import SplicedSeverity
from zhirong.numerics.streams import stream_key

__all__ = ["EventModel", "covered_years", "paid_for_event", "slices_of_event"]

Floats = NDArray[np.float64]
_GRID = 9


def covered_years(spec: CoverSpec, lag_years: float) -> float:
    """Return the years of the term in which an event makes a claim.

    The waiting time is out. Where prior infringements are excluded, a claim t years after the waiting time is of an infringement that
    began since then with probability ``1 - exp(-t/lag)`` (exponential lag): of the rest T there remain
    ``T - lag (1 - exp(-T/lag))``.
    """
    rest = (spec.term_months - spec.waiting_months) / 12
    if not spec.excludes_prior or lag_years == 0:
        return rest
    return rest + lag_years * math.expm1(-rest / lag_years)


def paid_for_event(spec: CoverSpec, loss: Floats, expense: Floats) -> Floats:
    """Return what is paid for events before coinsurance, all slices unlimited by their shares."""
    if spec.expense_limit_cny is None:
        return np.asarray(np.clip(loss + expense - spec.deductible_cny, 0, spec.limit_cny), np.float64)
    own = np.clip(loss - spec.deductible_cny, 0, spec.limit_cny)
    return np.asarray(own + np.minimum(expense, spec.expense_limit_cny), np.float64)


def slices_of_event(spec: CoverSpec, paid: Floats) -> list[Floats]:
    """Return the insurer's payment in each slice (one for all where none is named), after share and coinsurance."""
    kept = 1 - spec.coinsurance
    if not spec.layers:
        return [kept * paid]
    return [kept * x.share * np.clip(paid - x.attachment_cny, 0, x.width_cny) for x in spec.layers]


@dataclass(frozen=True, slots=True)
class _Levels:
    which: Floats
    value: Floats
    outcome: Floats
    expense: Floats


class EventModel:
    """Events of a cover on the same random numbers, whatever the inputs: answers move smoothly with them.

    Parameters
    ----------
    spec : CoverSpec
        The cover.
    values : sequence of ndarray
        Draws of the value of each patent, CNY.
    weights : sequence of float
        How often each is hit, any scale, one above 0.
    seed, draws : int
        Stream, and events drawn.
    """

    def __init__(
        self, spec: CoverSpec, values: Sequence[Floats], weights: Sequence[float], *, seed: int, draws: int = 8192
    ) -> None:
        if not len(values) == len(weights) >= 1 or min(weights) < 0 or sum(weights) <= 0:
            raise DomainError("weights: one for each patent, 0 or more, some above 0, allowed")
        u = probability_levels(stream_key(seed, f"insurance/{spec.cover}"), draws, columns=4)
        self.spec, self._u = spec, _Levels(*(np.ascontiguousarray(u[:, k]) for k in range(4)))
        chosen = np.searchsorted(np.cumsum(np.asarray(weights, np.float64)) / sum(weights), self._u.which)
        self._stake = np.empty(draws)
        for i, given in enumerate(values):
            sorted_ = np.sort(np.asarray(given, np.float64))
            if not sorted_.size or not np.isfinite(sorted_).all() or sorted_[0] < 0:
                raise DomainError(f"values[{i}]: draws, finite, 0 or more, allowed")
            mine = np.minimum(chosen, len(values) - 1) == i
            self._stake[mine] = sorted_[(self._u.value[mine] * sorted_.size).astype(np.int64)]
        self._kept: dict[float, Floats] = {}

    def ground_up(self, x: Mapping[str, float]) -> tuple[Floats, Floats]:
        """Return loss and legal expense of each event under some inputs, CNY."""
        cover, stake, u = self.spec.cover, self._stake, self._u
        if self.spec.is_credit:
            return self._credit(x), np.zeros(stake.size)
        score = special.ndtri(u.outcome)
        if cover is CoverKind.VALIDITY:
            part = np.where(u.outcome > 1 - x["invalidated"], 1.0, 0.0)
            is_partial = (u.outcome <= 1 - x["invalidated"]) & (
                u.outcome > 1 - x["invalidated"] - x["partly_invalidated"]
            )
            loss = stake * np.where(is_partial, x["partial_loss"], part)
        else:
            loss = stake * np.minimum(x["infringement_share"] * np.exp(x["infringement_spread"] * score), 1.0)
        severity = SplicedSeverity(
            "lognormal", x["expense_median"], x["expense_spread"], x["tail_from"], x["tail_shape"]
        )
        expense = severity.quantile(self._expense_level(x["dependence"]))
        return (np.zeros(stake.size) if cover is CoverKind.ENFORCEMENT else loss), expense

    def _credit(self, x: Mapping[str, float]) -> Floats:
        loan = self.spec.loan
        assert loan is not None
        lgd = np.sort(np.asarray(loan.lgd, np.float64))
        lost = loan.amount_cny * lgd[(self._u.value * lgd.size).astype(np.int64)]
        if self.spec.cover is CoverKind.GUARANTEE:
            return lost
        assert loan.appraised_cny is not None
        over = np.maximum(loan.appraised_cny * (1 - x["appraisal_tolerance"]) - self._stake, 0.0)
        return np.minimum(over, lost)  # the lender cannot lose more by the error than it loses

    def _expense_level(self, dependence: float) -> Floats:
        """Levels of the expense given the size of the dispute; on a grid of dependences, for speed."""
        rung = round(dependence * 32) / 32
        if rung not in self._kept:
            if len(self._kept) > _GRID:
                self._kept.clear()
            size = pseudo_observations(self._stake * np.exp(special.ndtri(self._u.outcome)))
            self._kept[rung] = np.minimum(Copula("gumbel", max(rung, 1.0)).given(size, self._u.expense), 1 - 1e-9)
        return self._kept[rung]

    def payments(self, x: Mapping[str, float]) -> list[Floats]:
        """Return the insurer's payments in each slice for each event."""
        return slices_of_event(self.spec, paid_for_event(self.spec, *self.ground_up(x)))
