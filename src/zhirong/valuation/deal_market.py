"""What all deals of a store say together: coefficients of price, trend, selection, how wide to look, how far predictions err."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.errors import NotAdmissibleError
from zhirong.kernel.text import Bilingual
from zhirong.numerics.hedonic import HedonicFit, Spread, fit_hedonic, fit_spread
from zhirong.numerics.robust import effective_number, huber_location
from zhirong.valuation.deals import Deal, DealBook, Excluded, collect_deals
from zhirong.valuation.knowledge import Knowledge
from zhirong.valuation.lots import SelectionEffect, fit_selection
from zhirong.valuation.similarity import Features, FeatureTable, TextSpace, features_of, right_group, total_distance

__all__ = ["COVARIATES", "DealMarket", "LicenceMarket", "Neighbourhood", "RightMarket", "prepare_market"]

Floats = NDArray[np.float64]
COVARIATES = ("intercept", "age_years", "log_claims", "log_family", "trend", "is_auction", "is_equity")
"""Columns of the hedonic regression; age, claims and family about their means over the deals, trend in years from the day."""
_LOT_COLUMNS = (0, 1, 2, 3, 4)
WIDTHS = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8)
"""Bandwidths that are tried, as multiples of the declared scales."""
_DECLARED = WIDTHS.index(1.0)
_GAIN_MIN = 0.01
_WANTED = 1.5
_WIDEN = tuple(1.1**i for i in range(8))
_TARGETS_MAX = 300
_YEAR_DAYS = 365.25
_HUBER = 2.5


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """The deals around one patent on one day.

    Attributes
    ----------
    parts : ndarray, shape (deals, 8)
        Parts of the distance, of the likest patent of each deal.
    nearest : ndarray of int, shape (deals,)
        Row of that patent.
    kernel : ndarray, shape (deals,)
        Likeness, 0 to 1.
    weights : ndarray, shape (deals,)
        Likeness times reliability, adding to 1.
    effective_number : float
        Equal deals that would tell as much.
    departure : float
        Log points by which prices here differ from the whole market's, shrunk.
    keep : float
        Share of the departure that is kept, 0 to 1.
    error : float
        Standard deviation of what is not known of the departure.
    """

    parts: Floats
    nearest: NDArray[np.int64]
    kernel: Floats
    weights: Floats
    effective_number: float
    departure: float
    keep: float
    error: float


class RightMarket:
    """Deals in one kind of right, fitted.

    Attributes
    ----------
    deals : tuple of Deal
        At arm's length, or kept with a lower weight.
    rows : tuple of Features
        Patents of the deals, one row each; `row_deal` names the deal.
    hedonic : HedonicFit
        Coefficients in the order of `COVARIATES`.
    selection : SelectionEffect or Bilingual
        Or why there is none.
    width : float
        Bandwidth chosen, a multiple of the declared scales.
    spread : Spread
        Errors of leave-one-out predictions.
    errors : ndarray
        Those errors, for the deals of `targets`.
    """

    def __init__(
        self, known: Knowledge, book: DealBook, right: str, features: Mapping[str, Features], day: date
    ) -> None:
        self._parameters, self._as_of = known.book, known.as_of
        self.day = day
        self.right = right
        keep_related = float(self._at("market.related_party_weight"))
        usable = [d for d in book.priced if _right_of(d, features) == right and (d.related is None or keep_related > 0)]
        self.deals = tuple(usable)
        least = self._at("market.least")
        if len(self.deals) < least["deals"]:
            raise NotAdmissibleError(
                f"{len(self.deals)} deals with prices at arm's length in rights of the kind {right}, fewer than {least['deals']:g}"
            )
        pairs = [(i, features[p]) for i, d in enumerate(self.deals) for p in d.patent_ids if p in features]
        self.rows = tuple(row for _, row in pairs)
        self.row_deal = np.array([i for i, _ in pairs])
        self._starts = np.flatnonzero(np.diff(self.row_deal, prepend=-1))
        self._features = features
        self._means = self._covariate_means()
        self._table = FeatureTable(self.rows, [self.deals[i].deal_date for i in self.row_deal])
        self._space = TextSpace([row.words for row in self.rows])
        weights = self._at("market.evidence_weights")
        self.reliability = np.array(
            [weights[d.evidence_grade or "unknown"] * (1.0 if d.related is None else keep_related) for d in self.deals]
        )
        self.extra_variance = np.array([d.split_variance for d in self.deals])
        lots = [lot for lot in book.lots if _right_of(lot, features) == right]
        self.selection = fit_selection(
            lots, lambda chosen: self.design(chosen)[:, _LOT_COLUMNS], least_sold=int(least["lots_sold"]),
            least_unsold=int(least["lots_unsold"]), prior_sd=float(self._at("market.selection_prior_sd")),
        )  # fmt: skip
        self.mills = self._mills()
        slope = self.selection.lambda_ if isinstance(self.selection, SelectionEffect) else 0.0
        self.log_prices = np.array([d.log_price for d in self.deals], np.float64) - slope * self.mills
        self.x = self.design(self.deals)
        self.hedonic = self._fit()
        self.width, self.spread, self.errors = self._calibrate()

    def _at(self, path: str) -> Any:
        return self._parameters.value(path, self._as_of)

    def _covariate_means(self) -> dict[str, float]:
        ages = [
            (self.deals[i].deal_date - row.filing_date).days / _YEAR_DAYS
            for i, row in zip(self.row_deal, self.rows, strict=True)
            if row.filing_date
        ]
        claims = [np.log1p(row.claims) for row in self.rows if row.claims is not None]
        family = [np.log1p(row.family) for row in self.rows if row.family is not None]
        named = {"age_years": ages, "log_claims": claims, "log_family": family}
        return {name: float(np.mean(values)) if values else 0.0 for name, values in named.items()}

    def covariates(self, features: Features, day: date) -> Floats:
        """Return a patent's covariates on a day as if it were sold privately, NaN where unknown, shape (7,)."""
        age = None if features.filing_date is None else (day - features.filing_date).days / _YEAR_DAYS
        claims = None if features.claims is None else np.log1p(features.claims)
        family = None if features.family is None else np.log1p(features.family)
        values = [
            np.nan if value is None else float(value) - self._means[name]
            for name, value in (("age_years", age), ("log_claims", claims), ("log_family", family))
        ]
        return np.array([1.0, *values, (day - self.day).days / _YEAR_DAYS, 0.0, 0.0])

    def design(self, deals: Sequence[Deal]) -> Floats:
        """Return covariates of deals, the mean over their patents; an unknown one stands at the mean of all deals."""
        found = np.zeros((len(deals), len(COVARIATES)))
        for i, deal in enumerate(deals):
            each = [self.covariates(self._features[p], deal.deal_date) for p in deal.patent_ids if p in self._features]
            known = np.array(each)
            found[i] = np.where(np.isfinite(known), known, 0.0).mean(axis=0)
            found[i, 5:] = deal.deal_type == "auction_lot", deal.deal_type == "equity_contribution"
        return found

    def _mills(self) -> Floats:
        if not isinstance(self.selection, SelectionEffect):
            return np.zeros(len(self.deals))
        return np.array([self.selection.mills.get(d.deal_id, 0.0) for d in self.deals])

    def _fit(self) -> HedonicFit:
        priors = self._at("market.coefficient_priors")
        mean = np.array([0.0, *(priors[name][0] for name in COVARIATES[1:])])
        sd = np.array([np.inf, *(priors[name][1] for name in COVARIATES[1:])])
        return fit_hedonic(
            self.log_prices, self.x, self.reliability, self.extra_variance, mean, sd, spread_prior=self._spread_prior()
        )

    def _spread_prior(self) -> tuple[float, float]:
        prior = self._at("market.price_spread_prior")
        return float(prior["sd"]), float(prior["deals"])

    def parts(self, features: Features, day: date) -> tuple[Floats, NDArray[np.int64], Floats]:
        """Return parts of the distance, row of the likest patent, and distance, for each deal."""
        parts = self._table.distances(
            features, day, self._space.cosines(features.words), self._at("market.technology_shares")
        )
        distance = total_distance(parts, self._at("market.similarity_scales"))
        order = np.lexsort((distance, self.row_deal))
        nearest = order[self._starts]  # rows are in order of deals, so each deal's rows keep their places
        return parts[nearest], nearest.astype(np.int64), distance[nearest]

    def around(self, features: Features, day: date, *, leave_out: int | None = None) -> Neighbourhood:
        """Return the deals around a patent on a day, and how prices there depart from the whole market's."""
        parts, nearest, distance = self.parts(features, day)
        return self._neighbourhood(parts, nearest, distance, self.width, self.spread.scale, leave_out)

    def _neighbourhood(
        self, parts: Floats, nearest: NDArray[np.int64], distance: Floats, width: float, scale: float, leave_out: int | None
    ) -> Neighbourhood:  # fmt: skip
        """Weigh the deals; a patent with few deals near it looks further, up to twice as far, until enough of them count."""
        closest = distance.min() if leave_out is None else np.delete(distance, leave_out).min()
        wanted = _WANTED * float(self._at("market.least")["effective_number"])
        for step in _WIDEN:
            wide = width * step
            # Relative to the closest, so that a patent unlike every deal still has the least unlike ones.
            relative = np.exp(-0.5 * (distance**2 - closest**2) / wide**2)
            raw = relative * self.reliability * scale**2 / (scale**2 + self.extra_variance)
            if leave_out is not None:
                raw[leave_out] = 0.0
            number = effective_number(raw)
            if number >= wanted:
                break
        kernel = np.exp(-0.5 * (distance / wide) ** 2)
        weights = raw / raw.sum()
        middle, _ = huber_location(self.hedonic.residuals, weights, scale=scale, tuning=_HUBER)
        variance, prior = scale**2 / number, float(self._at("market.neighbourhood_sd")) ** 2
        keep = prior / (prior + variance)
        return Neighbourhood(
            parts, nearest, kernel, weights, number, keep * middle, keep, float(np.sqrt(keep * variance))
        )

    def _calibrate(self) -> tuple[float, Spread, Floats]:
        """Choose the width by leaving one deal out at a time, and fit the spread of the errors of that.

        The declared scales stand unless another width that still leaves enough deals has a mean absolute error less by one per
        cent and by a standard error of the difference: with prices this noisy the least of several near-equal errors is chance.
        """
        count = len(self.deals)
        targets = np.unique(np.linspace(0, count - 1, min(count, _TARGETS_MAX)).round().astype(np.int64))
        errors, numbers = np.empty((len(WIDTHS), len(targets))), np.empty((len(WIDTHS), len(targets)))
        for j, i in enumerate(targets):
            deal = self.deals[i]
            own = self._features[next(p for p in deal.patent_ids if p in self._features)]
            parts, nearest, distance = self.parts(own, deal.deal_date)
            for w, width in enumerate(WIDTHS):
                found = self._neighbourhood(parts, nearest, distance, width, self.hedonic.sigma, int(i))
                errors[w, j] = self.hedonic.residuals[i] - found.departure
                numbers[w, j] = found.effective_number
        reliability = self.reliability[targets] / np.sqrt(1 + self.extra_variance[targets] / self.hedonic.sigma**2)
        gain = (np.abs(errors[_DECLARED]) - np.abs(errors)) * reliability
        mean, error = gain.mean(axis=1), gain.std(axis=1) / np.sqrt(len(targets))
        is_enough = np.median(numbers, axis=1) >= 2 * self._at("market.least")["effective_number"]
        is_better = (mean > error) & (mean > _GAIN_MIN * np.mean(np.abs(errors[_DECLARED]) * reliability)) & is_enough
        best = int(np.argmax(np.where(is_better, mean, -np.inf))) if is_better.any() else _DECLARED
        spread = fit_spread(
            errors[best], self.reliability[targets], self.extra_variance[targets], prior=self._spread_prior()
        )
        return float(WIDTHS[best]), spread, errors[best]

    def predict(self, features: Features, day: date) -> tuple[float, float]:
        """Return the mean of a patent's log price on a day and the standard deviation of that mean."""
        around = self.around(features, day)
        own = np.nan_to_num(self.covariates(features, day))
        lever = own - around.keep * (around.weights @ self.x)
        variance = lever @ self.hedonic.covariance @ lever + around.error**2
        return float(own @ self.hedonic.coefficients + around.departure), float(np.sqrt(variance))


def _right_of(deal: Deal, features: Mapping[str, Features]) -> str | None:
    """Return the kind of right of a deal, None where its patents are unknown or of several kinds."""
    kinds = {features[p].right for p in deal.patent_ids if p in features}
    return kinds.pop() if len(kinds) == 1 else None


@dataclass(frozen=True, slots=True)
class LicenceMarket:
    """Licences in one kind of right, ready to be compared.

    Attributes
    ----------
    deals : tuple of Deal
        Licences that are used.
    rows : tuple of Features
        Their patents, one row each; `row_deal` numbers the deal.
    row_deal : ndarray of int, shape (rows,)
        In order of deals.
    table, space : FeatureTable, TextSpace
        Of the rows.
    """

    deals: tuple[Deal, ...]
    rows: tuple[Features, ...]
    row_deal: NDArray[np.int64]
    table: FeatureTable
    space: TextSpace


def _licences(
    licences: Sequence[Deal], features: Mapping[str, Features], right: str, *, keep_related: bool
) -> LicenceMarket | None:
    deals = tuple(
        d for d in licences
        if (d.related is None or keep_related) and any(p in features and features[p].right == right for p in d.patent_ids)
    )  # fmt: skip
    if not deals:
        return None
    pairs = [(i, features[p]) for i, d in enumerate(deals) for p in d.patent_ids if p in features]
    rows, owner = tuple(row for _, row in pairs), np.array([i for i, _ in pairs], np.int64)
    table = FeatureTable(rows, [deals[i].deal_date for i in owner])
    return LicenceMarket(deals, rows, owner, table, TextSpace([row.words for row in rows]))


@dataclass(frozen=True, slots=True)
class DealMarket:
    """Deals of a store at a date.

    Attributes
    ----------
    book : DealBook
        All deals.
    features : Mapping of str to Features
        Of the patents of the deals, as known at the date.
    rights : Mapping of str to RightMarket
        Fitted markets by kind of right.
    licences : Mapping of str to LicenceMarket
        Licences by kind of right.
    reasons : Mapping of str to str
        Why a kind of right has no market.
    excluded : tuple of Excluded
        Deals left out of every market, with the reason.
    """

    book: DealBook
    features: Mapping[str, Features]
    rights: Mapping[str, RightMarket]
    licences: Mapping[str, LicenceMarket]
    reasons: Mapping[str, str]
    excluded: tuple[Excluded, ...]


def prepare_market(known: Knowledge, *, until: date | None = None) -> DealMarket:
    """Fit the markets of a store.

    Parameters
    ----------
    known : Knowledge
        Evidence at a date.
    until : date, optional
        Deals signed later are left out and the trend is counted from this day, for a back-test; by default the date of
        the evidence.

    Returns
    -------
    DealMarket
        Raises nothing for thin evidence: a kind of right without enough deals is in `reasons`.
    """
    day = known.as_of if until is None else until
    whole = collect_deals(known)
    book = DealBook(
        tuple(d for d in whole.priced if d.deal_date <= day), tuple(d for d in whole.lots if d.deal_date <= day),
        tuple(d for d in whole.licences if d.deal_date <= day), tuple(d for d in whole.excluded if d.deal_date <= day),
    )  # fmt: skip
    named = {p for part in (book.priced, book.lots, book.licences) for d in part for p in d.patent_ids}
    features = features_of(known, sorted(named))
    rights: dict[str, RightMarket] = {}
    licences: dict[str, LicenceMarket] = {}
    reasons: dict[str, str] = {}
    keep_related = float(known.book.value("market.related_party_weight", known.as_of)) > 0
    for right in sorted({right_group(f.right) for f in features.values()} | {"invention"}):
        try:
            rights[right] = RightMarket(known, book, right, features, day)
        except NotAdmissibleError as err:
            reasons[right] = str(err)
        found = _licences(book.licences, features, right, keep_related=keep_related)
        if found is not None:
            licences[right] = found
    return DealMarket(book, features, rights, licences, reasons, _left_out(known, book, features))


def _left_out(known: Knowledge, book: DealBook, features: Mapping[str, Features]) -> tuple[Excluded, ...]:
    """Return every deal that is not used: what cannot be read, related parties, patents that the store does not know."""
    found = list(book.excluded)
    drops_related = float(known.book.value("market.related_party_weight", known.as_of)) == 0
    for deal in (*book.priced, *book.licences):
        if deal.related is not None and drops_related:
            found.append(Excluded(deal.deal_id, deal.source_id, deal.deal_date, deal.related))
        elif not any(p in features for p in deal.patent_ids):
            reason = Bilingual("库内不掌握该交易的专利", "the store does not know the patents of the deal")
            found.append(Excluded(deal.deal_id, deal.source_id, deal.deal_date, reason))
        elif _right_of(deal, features) is None:
            reason = Bilingual(
                "打包交易含多种权利类型，价格无法拆分",
                "a package of several kinds of right, whose price cannot be split",
            )
            found.append(Excluded(deal.deal_id, deal.source_id, deal.deal_date, reason))
    return tuple(sorted(found, key=lambda e: e.deal_id))
