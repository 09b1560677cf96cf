"""Knowledge of the future that slipped into features: found, named, and refused.

Four checks. Dates: features must have been computed for a day before the label's. Repetition: features computed again from
the evidence cut at the day they claim must come out the same. One feature alone: no indicator explains much of a value, so
one that does knows the label. Plausibility: an explained share far above what is published, or one that is there on a random
split and gone on a time split, says that time has leaked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.errors import DomainError
from zhirong.kernel.findings import Finding, Severity
from zhirong.params import ParameterBook
from zhirong.valuation.learning.boosting import weighted_quantile
from zhirong.valuation.learning.features import FeatureTable
from zhirong.valuation.learning.labels import Labels
from zhirong.valuation.learning.metrics import r_squared

__all__ = ["LeakLimits", "LeakageError", "check_dates", "check_repetition", "check_single_features", "check_splits"]

Floats = NDArray[np.float64]
_BINS = 10


class LeakageError(DomainError):
    """Features know what was not known at the label's date; no model is fitted."""

    code = "leakage"


@dataclass(frozen=True, slots=True)
class LeakLimits:
    """From when on a share of explained variance is not believed.

    Attributes
    ----------
    r2_suspect, r2_refuse : float
        Of the whole model out of sample, and of one feature alone.
    split_gap : float
        Of the random over the time split.
    """

    r2_suspect: float
    r2_refuse: float
    split_gap: float

    @classmethod
    def at(cls, book: ParameterBook, day: date) -> LeakLimits:
        """Return the limits that the parameters give."""
        return cls(*(float(book.value(f"learning.leak.{n}", day)) for n in ("r2_suspect", "r2_refuse", "split_gap")))


def check_dates(table: FeatureTable, labels: Labels) -> None:
    """Raise `LeakageError` where a row's features were computed for the label's day or later."""
    late = table.known_by >= labels.day
    if late.any():
        first = int(np.flatnonzero(late)[0])
        raise LeakageError(
            f"{int(late.sum())} of {len(labels)} rows have features of the label's day or later; first: "
            f"{labels.patent_id[first]}, label of {labels.day[first]}, features of {table.known_by[first]}"
        )


def check_repetition(table: FeatureTable, again: FeatureTable, rows: NDArray[np.int64]) -> None:
    """Raise `LeakageError` where features computed again differ from those of the same rows.

    Parameters
    ----------
    table : FeatureTable
        Features to be learned from.
    again : FeatureTable
        The same patents, computed from the evidence cut at the days that `table` claims.
    rows : ndarray of int64
        Rows of `table` that `again` holds, in its order.
    """
    wrong: dict[str, int] = {}
    part = table.take(rows)
    for name in table.names:
        if name not in again.names:
            continue
        if name in table.levels:
            mine, other = part.category(name), again.category(name)
            bad = sum(a != b for a, b in zip(mine, other, strict=True))
        else:
            a, b = part.column(name), again.column(name)
            bad = int((~(np.isclose(a, b, rtol=1e-9, atol=1e-12) | (np.isnan(a) & np.isnan(b)))).sum())
        if bad:
            wrong[name] = bad
    if wrong:
        named = ", ".join(
            f"{n} ({c} of {len(rows)})" for n, c in sorted(wrong.items(), key=lambda w: (-w[1], w[0]))[:5]
        )
        raise LeakageError(f"features differ from what the evidence said on the day they claim: {named}")


def check_single_features(
    x: Floats, y: Floats, names: Sequence[str], limits: LeakLimits, *, is_event: bool = False
) -> list[Finding]:
    """Refuse a feature that explains the target by itself; return findings of those that explain suspiciously much.

    Each is cut into ten bins of its rank (missing is a bin) on every other row; the bins' means predict the rows between.
    An event's variance is explained the same way.
    """
    findings = []
    even = np.arange(len(y)) % 2 == 0
    for j, name in enumerate(names):
        share = _share_alone(x[:, j], y, even)
        if share >= limits.r2_refuse:
            raise LeakageError(
                f"feature {name} alone explains {share:.0%} of the labels; indicators explain 3 to 11 % of log value in "
                "the literature, so it knows the label: leave it out"
            )
        if share >= limits.r2_suspect:
            findings.append(_suspicion(name, share, limits.r2_suspect))
    return findings


def _share_alone(column: Floats, y: Floats, even: NDArray[np.bool_]) -> float:
    known = ~np.isnan(column)
    if known.sum() < 40 or np.ptp(column[known]) == 0:
        return 0.0
    ones = np.ones(int(known.sum()))
    cuts = np.unique([weighted_quantile(column[known], a, ones) for a in np.linspace(0, 1, _BINS + 1)[1:-1]])
    bins = np.where(known, np.searchsorted(cuts, column, side="left"), len(cuts) + 1)
    both = []
    for fit, test in ((even, ~even), (~even, even)):
        count = np.bincount(bins[fit], minlength=len(cuts) + 2)
        total = np.bincount(bins[fit], weights=y[fit], minlength=len(cuts) + 2)
        mean = np.where(count > 0, total / np.maximum(count, 1), y[fit].mean())
        if np.ptp(y[test]) == 0:
            return 0.0
        both.append(r_squared(y[test], mean[bins[test]]))
    return max(float(np.mean(both)), 0.0)


def check_splits(time_r2: tuple[float, float], random_r2: float | None, limits: LeakLimits) -> list[Finding]:
    """Refuse an implausible explained share; return findings of suspicious ones.

    Parameters
    ----------
    time_r2 : tuple of float
        R-squared on the time split, and the lower end of its interval.
    random_r2 : float or None
        R-squared on a random split of the same rows; None where it was not measured.
    """
    value, low = time_r2
    if low >= limits.r2_refuse:
        raise LeakageError(
            f"the model explains {value:.0%} of newer labels (at least {low:.0%}), the limit is {limits.r2_refuse:.0%}: "
            "features know the labels until the contrary is shown"
        )
    if random_r2 is not None and random_r2 - max(value, 0.0) >= limits.split_gap:
        raise LeakageError(
            f"the model explains {random_r2:.0%} of labels drawn at random but {value:.0%} of newer ones: features or labels "
            "share what was known only later, or labels repeat each other"
        )
    if low >= limits.r2_suspect:
        return [_suspicion("(all features)", value, limits.r2_suspect)]
    return []


def _suspicion(name: str, share: float, limit: float) -> Finding:
    return Finding(
        rule="learning.suspicious_fit", severity=Severity.WARNING, source="labels", field=name,
        message=f"explains {share:.0%} of newer labels; from {limit:.0%} a leak is suspected",
    )  # fmt: skip
