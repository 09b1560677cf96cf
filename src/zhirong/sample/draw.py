"""The random part of the world: patents, their latent worth, their citations and their lives, as arrays.

The latent value is log-normal (`facts.FACTS["log_value_sigma"]`) and moves citations, renewals, deals and suits weakly: the
literature finds that indicators explain a few to a dozen per cent of the variance of log value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FIRST_YEAR", "LAST_DAY", "MAINTENANCE_ENDS", "OFFICES", "Patents", "draw_citations", "draw_patents"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Days = NDArray[np.int64]

FIRST_YEAR = 2000
FIRST_DAY = int(np.datetime64("2000-01-01", "D").astype(np.int64))
LAST_DAY = int(np.datetime64("2024-12-31", "D").astype(np.int64))
"""Days are counted from 1970-01-01; nothing in the world is later."""
OFFICES = np.array(["CN", "US", "EP", "JP"])
MAINTENANCE_ENDS = (4, 8, 12)
"""Years from grant at which a US patent ends unless the fee due half a year before is paid (35 U.S.C. 41(b))."""
_OFFICE_SHARE = (0.55, 0.25, 0.1, 0.1)
_YEAR_DAYS = 365.25
_VALUE_MEDIAN_CNY = 2_300_000.0
_VALUE_SIGMA = 2.146
_FEES = np.repeat([900, 1200, 2000, 4000, 6000, 8000], [3, 3, 3, 3, 3, 5]).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Patents:
    """Arrays of length n, one entry a patent, in order of publication.

    Attributes
    ----------
    office : ndarray of int
        Index into `OFFICES`.
    field : ndarray of int
        WIPO field, 1-35.
    filing, publication, grant, lapse : ndarray of int
        Days from 1970-01-01; -1 for never (not granted, not lapsed by `LAST_DAY`).
    firm : ndarray of int
        Owner, index into the firms.
    claims, family : ndarray of int
        Number of claims; number of family members.
    log_value : ndarray of float
        Logarithm of the latent value in CNY. Known to tests, never written.
    kind : ndarray of int
        0 invention, 1 utility model (CN only).
    """

    office: Ints
    field: Ints
    filing: Days
    publication: Days
    grant: Days
    lapse: Days
    firm: Ints
    claims: Ints
    family: Ints
    log_value: Floats
    kind: Ints

    def __len__(self) -> int:
        return len(self.office)


def draw_patents(rng: np.random.Generator, count: int, firm_count: int) -> Patents:
    """Draw patents in order of publication.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    count, firm_count : int
        How many patents and firms.

    Returns
    -------
    Patents
    """
    z = rng.standard_normal(count)
    span = LAST_DAY - FIRST_DAY - 400
    filing = FIRST_DAY + (span * np.log1p(rng.random(count) * (np.e**1.5 - 1)) / 1.5).astype(np.int64)
    office = rng.choice(len(OFFICES), count, p=_OFFICE_SHARE)
    kind = ((office == 0) & (rng.random(count) < 0.3)).astype(np.int64)
    field_share = 1.0 / (np.arange(35) + 6.0)
    field = 1 + rng.permutation(35)[rng.choice(35, count, p=field_share / field_share.sum())]
    lag = np.where(kind == 1, rng.gamma(9.0, 25.0, count), rng.gamma(6.0, 170.0, count)).astype(np.int64) + 60
    is_granted = rng.random(count) < np.where(kind == 1, 0.98, 0.68 + 0.05 * np.tanh(z))
    grant = np.where(is_granted, filing + lag, -1)
    publication = np.minimum(filing + 548, np.where(is_granted, grant, filing + 548))
    publication = np.minimum(publication, LAST_DAY)
    grant = np.where(grant > LAST_DAY, -1, grant)
    claims = 1 + rng.negative_binomial(3, 3 / (3 + 9 * np.exp(0.08 * z)))
    family = 1 + rng.poisson(0.9 * np.exp(0.25 * z), count)
    weight = 1.0 / np.arange(1, firm_count + 1) ** 0.75
    firm = rng.choice(firm_count, count, p=weight / weight.sum())
    lapse = _draw_lapses(rng, z, filing, grant, kind)
    lapse = np.where(OFFICES[office] == "US", _at_maintenance(lapse, filing, grant), lapse)
    order = np.lexsort((np.arange(count), publication))
    return Patents(
        office=office[order].astype(np.int64),
        field=field[order].astype(np.int64),
        filing=filing[order],
        publication=publication[order],
        grant=grant[order],
        lapse=lapse[order],
        firm=firm[order].astype(np.int64),
        claims=claims[order].astype(np.int64),
        family=family[order].astype(np.int64),
        log_value=(np.log(_VALUE_MEDIAN_CNY) + _VALUE_SIGMA * z)[order],
        kind=kind[order],
    )


def _draw_lapses(rng: np.random.Generator, z: Floats, filing: Days, grant: Days, kind: Ints) -> Days:
    """Owners pay while the yearly return covers the fee; the return starts log-normal and decays.

    Schankerman and Pakes (1986), with the return tied weakly to the latent value and an extra yearly hazard of forgetting.
    """
    count = len(z)
    start = np.exp(np.log(18_000) + 1.4 * (0.35 * z + np.sqrt(1 - 0.35**2) * rng.standard_normal(count)))
    decay = rng.uniform(0.05, 0.14, count)
    years = np.arange(1, 21)
    returns = start[:, None] * (1 - decay[:, None]) ** years
    covers = (returns >= _FEES) & (rng.random((count, 20)) > 0.012)
    first = np.where(covers.all(axis=1), 20, np.argmin(covers, axis=1))
    first = np.maximum(first, 3)
    limit = np.where(kind == 1, 10, 20)
    age = np.minimum(first, limit)
    lapse = filing + np.round(age * _YEAR_DAYS).astype(np.int64) + rng.integers(31, 300, count)
    lapse = np.maximum(lapse, grant + 200)
    return np.where((grant < 0) | (lapse > LAST_DAY), -1, lapse)


def _at_maintenance(lapse: Days, filing: Days, grant: Days) -> Days:
    """Move lapses to the anniversaries of grant at which an unpaid maintenance fee ends a US patent, or to full term."""
    years = (lapse - grant) / _YEAR_DAYS
    grid = np.array([*MAINTENANCE_ENDS, np.inf])
    ends = grid[np.searchsorted(MAINTENANCE_ENDS, years)]
    full_term = filing + round(20 * _YEAR_DAYS)
    at = np.where(np.isinf(ends), full_term, grant + np.where(np.isinf(ends), 0, ends) * _YEAR_DAYS).astype(np.int64)
    return np.where((lapse < 0) | (at > LAST_DAY), -1, at)


def draw_citations(rng: np.random.Generator, patents: Patents, *, mean_count: float = 10.4) -> tuple[Ints, Ints]:
    """Draw who cites whom: earlier patents only, aged, mostly of one's own field, with a heavy tail of in-degrees.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    patents : Patents
        In order of publication.
    mean_count : float
        Mean references of a patent that has enough predecessors.

    Returns
    -------
    citing, cited : ndarray of int
        Indices into `patents`, unique pairs ordered by (citing, cited).
    """
    count = len(patents)
    out = rng.negative_binomial(2.0, 2.0 / (2.0 + mean_count * 1.12), count)
    citing = np.repeat(np.arange(count), out)
    value = (patents.log_value - patents.log_value.mean()) / patents.log_value.std()
    pull = (1.0 - rng.random(count)) ** (-1 / 2.0) * np.exp(0.22 * value)
    lag = 200 + rng.gamma(1.6, 1_900.0, len(citing))
    until = patents.publication[citing] - lag.astype(np.int64)
    is_home = rng.random(len(citing)) < 0.75
    cited = np.full(len(citing), -1)
    for field in range(36):
        members = np.arange(count) if field == 0 else np.flatnonzero(patents.field == field)
        mine = np.flatnonzero(~is_home) if field == 0 else np.flatnonzero(is_home & (patents.field[citing] == field))
        if len(members) and len(mine):
            cited[mine] = _pull(rng, members, pull, patents.publication, until[mine])
    pairs = np.unique(np.stack([citing, cited], axis=1)[(cited >= 0) & (cited < citing)], axis=0)
    return pairs[:, 0], pairs[:, 1]


def _pull(rng: np.random.Generator, members: Ints, pull: Floats, days: Days, until: Days) -> Ints:
    """Choose, for each citation, a member published within three years before a day, in proportion to its pull."""
    mass = np.concatenate([[0.0], np.cumsum(pull[members])])
    published = days[members]
    low = np.searchsorted(published, until - 3 * 365)
    high = np.searchsorted(published, until)
    point = mass[low] + rng.random(len(until)) * (mass[high] - mass[low])
    chosen = np.clip(np.searchsorted(mass, point, side="right") - 1, 0, len(members) - 1)
    return np.where(high > low, members[chosen], -1)
