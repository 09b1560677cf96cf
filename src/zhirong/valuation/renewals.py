"""Renewal models of a store: the fees of an office at a date, and what its owners' renewals say of value.

Two kinds of schedule: a fee each year (China, Europe, Japan), and a few fees years apart from grant (United States).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.errors import ConvergenceError, DomainError, NotAdmissibleError, ParameterError
from zhirong.numerics.renewal import PeriodicSchedule, RenewalFit, fee_schedule, fit_periodic_renewal, fit_renewal
from zhirong.params import ParameterBook

__all__ = ["annuity_fees", "fees_paid", "fit_renewals", "has_periodic_fees", "periodic_schedule", "schedule_path"]

Floats = NDArray[np.float64]
_PERIODIC_RIGHTS = ("invention", "reissue")
_ANNIVERSARY_SLACK_YEARS = 0.02
"""A week: an anniversary counts as reached although years of 365.25 days miss it by days."""


def has_periodic_fees(book: ParameterBook, office: str, right: str) -> bool:
    """Tell whether a right is kept by a few fees years apart, and not by a fee each year."""
    return right in _PERIODIC_RIGHTS and f"fees.{office.lower()}.maintenance" in book


def schedule_path(book: ParameterBook, office: str, right: str) -> str:
    """Return the name of the parameter that holds the fees of a right."""
    if has_periodic_fees(book, office, right):
        return f"fees.{office.lower()}.maintenance"
    return f"fees.{office.lower()}.{right}.annuity"


def annuity_fees(
    book: ParameterBook, office: str, right: str, as_of: date, *, claims: int | None = None
) -> Floats:  # fmt: skip
    """Return the fee of each patent year in the office's currency, or raise `NotAdmissibleError` with the reason.

    Where an office charges by the claim, `claims` are counted, and the typical number where they are not known.
    """
    rows = _rows(book, f"fees.{office.lower()}.{right}.annuity", office, right, as_of)
    is_by_claim = any(len(row) > 3 for row in rows)
    count = (book.value("fees.typical_claim_count", as_of) if claims is None else claims) if is_by_claim else 0
    return fee_schedule(rows, int(rows[-1][1]), claims=float(count))


def periodic_schedule(
    book: ParameterBook, office: str, right: str, as_of: date, *, term_years: float
) -> PeriodicSchedule:
    """Return the periodic fees at a date, or raise `NotAdmissibleError` with the reason.

    Parameters
    ----------
    term_years : float
        Years from grant to the end of protection; fees due after it are left out.
    """
    rows = _rows(book, f"fees.{office.lower()}.maintenance", office, right, as_of)
    due = [(float(year), float(fee)) for year, fee, *_ in rows if year < term_years]
    if not due:
        raise NotAdmissibleError(f"no maintenance fee falls due within {term_years:.1f} years of grant")
    years, fees = np.array(due).T
    return PeriodicSchedule(years, fees, term_years)


def _rows(book: ParameterBook, path: str, office: str, right: str, as_of: date) -> Any:
    if path not in book:
        raise NotAdmissibleError(f"no fee schedule for {right} at {office} in the parameters")
    try:
        return book.value(path, as_of)
    except ParameterError as err:
        raise NotAdmissibleError(str(err)) from err


def fees_paid(schedule: PeriodicSchedule, paid_to_year: NDArray[Any] | float) -> NDArray[np.int64]:
    """Return how many periodic fees a last year paid for stands for: offices name a fee by the year it keeps alive from."""
    known = np.nan_to_num(np.asarray(paid_to_year, np.float64), nan=0.0)
    return np.asarray(np.searchsorted(np.ceil(schedule.due_years), known, side="right"), np.int64)


def fit_renewals(
    lives: Mapping[str, NDArray[Any]], book: ParameterBook, as_of: date, reasons: dict[str, str]
) -> dict[str, RenewalFit]:
    """Fit each office and right type that has renewals and fees.

    Parameters
    ----------
    lives : Mapping of str to ndarray
        One row a granted patent: `office`, `right`, `entry` and `age` (years from filing to grant, and to end or
        censoring), `ended`, `paid` (last patent year paid for; NaN where no payment is known).
    book : ParameterBook
        Parameters.
    as_of : date
        Day whose fees hold.
    reasons : dict
        Receives why a fit that is missing is missing.

    Returns
    -------
    dict of str to RenewalFit
        By ``office:right``.
    """
    fits: dict[str, RenewalFit] = {}
    for office, right in sorted({(str(o), str(r)) for o, r in zip(lives["office"], lives["right"], strict=True)}):
        mine = (lives["office"] == office) & (lives["right"] == right)
        fit = _fit_periodic if has_periodic_fees(book, office, right) else _fit_yearly
        try:
            found = fit({k: v[mine] for k, v in lives.items()}, book, office, right, as_of)
            fits[f"{office}:{right}"] = _plausible(found, book.value("valuation.renewal_plausible", as_of))
        except (DomainError, ConvergenceError, NotAdmissibleError) as err:
            reasons[f"renewal.{office}:{right}"] = str(err)
    return fits


def _plausible(fit: RenewalFit, limits: Mapping[str, float]) -> RenewalFit:
    """Return the fit, or raise `NotAdmissibleError` where it says that fees do not explain these lapses."""
    if fit.decay > limits["decay_max"] or fit.sigma > limits["sigma_max"]:
        raise NotAdmissibleError(
            f"the lapses of {fit.observations:,} rights do not follow the fees: the best fit has a decay of {fit.decay:.2f} a year "
            f"and a spread of {fit.sigma:.1f} log points, outside {limits['decay_max']:g} and {limits['sigma_max']:g}"
        )
    return fit


def _fit_yearly(
    lives: Mapping[str, NDArray[Any]], book: ParameterBook, office: str, right: str, as_of: date
) -> RenewalFit:
    """Fit a fee each year.

    Where no payment is recorded, a right alive at an age has paid for the years to that age: a yearly fee that stays unpaid
    ends the right from its due date, an anniversary of filing. Sources that date the end by its notice, months later, make
    rights look a year longer paid for than they were.
    """
    fees = annuity_fees(book, office, right, as_of)
    usable = (lives["entry"] >= 0) & (lives["age"] > lives["entry"])
    reached = np.floor(lives["age"] + _ANNIVERSARY_SLACK_YEARS)
    paid = np.where(np.isfinite(lives["paid"]), lives["paid"], reached)[usable]
    return fit_renewal(paid.astype(np.int64), lives["ended"][usable], fees, first_age=4)


def _fit_periodic(
    lives: Mapping[str, NDArray[Any]], book: ParameterBook, office: str, right: str, as_of: date
) -> RenewalFit:
    """Fit the fees that are due years from grant; all rights of the group get the term of its middle one."""
    usable = (lives["entry"] >= 0) & (lives["age"] > lives["entry"])
    if not usable.any():
        raise DomainError("no grants with dates in order")
    term = 20.0 - float(np.median(lives["entry"][usable]))
    schedule = periodic_schedule(book, office, right, as_of, term_years=term)
    paid = fees_paid(schedule, lives["paid"][usable])
    since_grant = (lives["age"] - lives["entry"])[usable]
    # An end before the first fee was due is no refusal to pay.
    ended = lives["ended"][usable] & (since_grant >= schedule.due_years[0])
    return fit_periodic_renewal(
        paid, ended, schedule, decay=float(book.value("valuation.renewal_decay", as_of)),
        beta=1 / (1 + float(book.value("valuation.renewal_discount_rate", as_of))),
    )  # fmt: skip
