"""What a navigation holds: every figure with its interval, the count it rests on, and what is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from zhirong.kernel.provenance import Provenance
from zhirong.kernel.text import Bilingual
from zhirong.numerics.bursts import Burst
from zhirong.numerics.scurve import CurveFit
from zhirong.valuation.movement import Movement
from zhirong.valuation.navigation.scope import Scope

__all__ = [
    "Advice",
    "CategoryGap",
    "Concentration",
    "Dependence",
    "Entrant",
    "Estimate",
    "FilingOption",
    "Flag",
    "Freedom",
    "Growth",
    "Holder",
    "Navigation",
    "OfficeGap",
    "OpenFiling",
    "WhiteSpot",
    "WhiteSpots",
]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure.

    Parameters
    ----------
    value, low, high : float or None
        None is unknown; the interval is that of `level`.
    count : float
        Events or patents behind the figure: the denominator of a share.
    level : float
        Level of the interval.
    """

    value: float | None
    low: float | None
    high: float | None
    count: float
    level: float = 0.9


@dataclass(frozen=True, slots=True)
class Growth:
    """Publications by year.

    Parameters
    ----------
    years : tuple of int
        Whole years, consecutive.
    counts : tuple of int
        Publications of each.
    undated : int
        Patents of the landscape without a date of publication.
    partial : tuple of int, int or None
        Year that is not over at the date, and its publications so far; not fitted.
    curve : CurveFit or None
        None with fewer than 8 years or 30 patents.
    stage, stage_low, stage_high : str or None
        Stage at the estimate and at the ends of the interval of maturity; None where the curve does not tell.
    trend : Estimate
        Ratio of the last three whole years to the three before.
    bursts : tuple of Burst
        Against the whole store: years in which the landscape's share of all publications rose.
    """

    years: tuple[int, ...]
    counts: tuple[int, ...]
    undated: int
    partial: tuple[int, int] | None
    curve: CurveFit | None
    stage: str | None
    stage_low: str | None
    stage_high: str | None
    trend: Estimate
    bursts: tuple[Burst, ...]


@dataclass(frozen=True, slots=True)
class Holder:
    """One owner of the landscape.

    Parameters
    ----------
    owner_id, name : str
        Cluster or party, and its name (the identifier where no name is known).
    country : str or None
        None is unknown.
    patents : int
        Patents it owns or co-owns.
    in_force : float
        Rights in force; co-owners share.
    share : Estimate
        Of all rights in force with a known owner.
    movement : Estimate
        Share of publications of the recent window less that of the window before.
    recent, before : float
        Publications of the two windows.
    """

    owner_id: str
    name: str
    country: str | None
    patents: int
    in_force: float
    share: Estimate
    movement: Estimate
    recent: float
    before: float


@dataclass(frozen=True, slots=True)
class Concentration:
    """How few hold how much.

    Parameters
    ----------
    hhi, cr4 : Estimate
        Sum of squared shares (0-1) and share of the four largest, over rights in force.
    owners : int
        Owners with a right in force.
    rights : float
        Rights in force with a known owner.
    unowned : int
        Rights in force whose owner is unknown.
    status_unknown : int
        Patents whose status is unknown; they are in none of the figures.
    """

    hhi: Estimate
    cr4: Estimate
    owners: int
    rights: float
    unowned: int
    status_unknown: int


@dataclass(frozen=True, slots=True)
class Entrant:
    """An owner whose first publication in the landscape falls into the recent window."""

    owner_id: str
    name: str
    country: str | None
    first_year: int
    patents: int


@dataclass(frozen=True, slots=True)
class WhiteSpot:
    """A pair of classes that meets less often than chance.

    Parameters
    ----------
    first, second : str
        Subclasses.
    observed : int
        Patents in both.
    expected : float
        Under chance, given the size of the classes.
    ratio : Estimate
        Observed over expected.
    q : float
        False-discovery rate.
    bridges : int
        Third classes that meet both more often than chance: the more, the more the gap lies inside the field.
    """

    first: str
    second: str
    observed: int
    expected: float
    ratio: Estimate
    q: float
    bridges: int


@dataclass(frozen=True, slots=True)
class WhiteSpots:
    """The matrix and its significant gaps.

    Parameters
    ----------
    classes : tuple of str
        Subclasses in the matrix: those with most patents of the landscape, largest first.
    sizes : tuple of int
        Patents of the whole store that have the class and another.
    observed, expected : tuple of tuple of float
        Matrices; the diagonal of `observed` is the size.
    documents : int
        Patents of the whole store with at least two classes: a patent with one cannot combine any.
    spots : tuple of WhiteSpot
        Significant gaps, those with most bridges first.
    pairs, zero_pairs, testable_pairs : int
        All pairs, those never seen, and those large enough for a gap to be significant at all.
    gaps : int
        Significant gaps; `spots` shows the first of them.
    threshold : float
        False-discovery rate below which a pair is called a gap.
    """

    classes: tuple[str, ...]
    sizes: tuple[int, ...]
    observed: tuple[tuple[int, ...], ...]
    expected: tuple[tuple[float, ...], ...]
    documents: int
    spots: tuple[WhiteSpot, ...]
    pairs: int
    zero_pairs: int
    testable_pairs: int
    gaps: int
    threshold: float


@dataclass(frozen=True, slots=True)
class Dependence:
    """How far a market rests on rights of foreign holders.

    Parameters
    ----------
    home : str
        Country of the reader.
    by_country : Mapping of str to float
        Rights in force at the office of `home`, by country of owner.
    unknown : float
        Rights whose owner's country is unknown.
    rights : Estimate
        Share of foreign owners among those known.
    rights_low, rights_high : float
        The same if all unknown owners were at home, and if all were foreign.
    citations : Estimate
        Share of foreign owners among the X and Y citations against patents of owners at home, where the owner is known.
    adverse, adverse_unknown, uncategorised : int
        X and Y citations; those whose cited owner is unknown; citations without a category, which are in no figure.
    all_citations : Estimate
        Share of foreign owners among all citations whose cited owner is known, whatever the category: the base against
        which the share of X and Y citations is read.
    """

    home: str
    by_country: Mapping[str, float]
    unknown: float
    rights: Estimate
    rights_low: float | None
    rights_high: float | None
    citations: Estimate
    all_citations: Estimate
    adverse: int
    adverse_unknown: int
    uncategorised: int


@dataclass(frozen=True, slots=True)
class Flag:
    """A third party's right that was cited against the portfolio; a reason to look, not an opinion.

    Parameters
    ----------
    patent_id, cited_id : str
        Patent of the portfolio, and the right cited against it.
    owner : str or None
        Name of the owner of the cited right.
    office, category : str
        Where the cited right stands, and the category of the citation.
    status : str
        Of the cited right at the date.
    similarity : float or None
        Cosine of the claims (of the abstracts where a side has no claims); None where a text is missing or in another
        language.
    percentile : float or None
        Share of patents of other owners in the landscape that are less similar to the patent, 0-1; None where fewer than 20
        can be compared.
    compared : int
        Patents behind the percentile.
    shared_classes : tuple of str
        Main groups that both have.
    strength : str
        ``red``: in force, X or Y, near in text and in class; ``amber``: in force, X or Y, near in one of the two or with one
        of them unknown; ``pending``: like red or amber, but not granted yet.
    """

    patent_id: str
    cited_id: str
    owner: str | None
    office: str
    category: str
    status: str
    similarity: float | None
    percentile: float | None
    compared: int
    shared_classes: tuple[str, ...]
    strength: str


@dataclass(frozen=True, slots=True)
class Freedom:
    """Freedom-to-operate flags and what was not looked at.

    Parameters
    ----------
    flags : tuple of Flag
        Strongest first.
    searched : int
        Patents of the portfolio.
    without_citations : int
        Of these, patents without a single citation in the store: nothing can be said of them.
    adverse, dead, far, outside, status_unknown, uncategorised : int
        Citations X or Y in all; of dead rights; in force but near neither in text nor in class; to documents outside the
        store; of unknown status; and citations without a category.
    near : float
        Percentile from which a text is near.
    """

    flags: tuple[Flag, ...]
    searched: int
    without_citations: int
    adverse: int
    dead: int
    far: int
    outside: int
    status_unknown: int
    uncategorised: int
    near: float


@dataclass(frozen=True, slots=True)
class OfficeGap:
    """An office where leaders protect their families more often than the portfolio does.

    Parameters
    ----------
    office : str
        WIPO ST.3 code.
    leaders, portfolio : Estimate
        Share of families with a live member there.
    p : float
        One-sided exact probability of a portfolio share as low if both were alike.
    q : float
        False-discovery rate over the offices.
    is_gap : bool
        `q` is below 0.1 and the leaders' share is larger.
    """

    office: str
    leaders: Estimate
    portfolio: Estimate
    p: float
    q: float
    is_gap: bool


@dataclass(frozen=True, slots=True)
class CategoryGap:
    """A category of claims that leaders have more often; see `OfficeGap`. `missing` lists patents of the portfolio without it."""

    category: str
    leaders: Estimate
    portfolio: Estimate
    p: float
    q: float
    is_gap: bool
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpenFiling:
    """A patent of the portfolio to which something can still be added.

    Parameters
    ----------
    patent_id : str
        Patent.
    priority_until : date or None
        Last day of the twelve months of the Paris Convention; None when they are over or unknown.
    national_phase_until : date or None
        Last day for entering offices from an international application of the family; None when there is none known, or it
        is over.
    is_pending : bool or None
        Still pending: claims may be added by amendment or division within what was disclosed. None is unknown.
    """

    patent_id: str
    priority_until: date | None
    national_phase_until: date | None
    is_pending: bool | None


@dataclass(frozen=True, slots=True)
class FilingOption:
    """Filing one family at one more office.

    Parameters
    ----------
    patent_id, office : str
        What and where.
    value_cny : Estimate
        Value of a right there: the home value times the ratio of markets, with the spread declared for that ratio.
    cost_cny : float
        Present value of filing and of the fees that fall due while the right is likely kept.
    probability : float
        That the value exceeds the cost.
    until : date
        Last day.
    """

    patent_id: str
    office: str
    value_cny: Estimate
    cost_cny: float
    probability: float
    until: date


@dataclass(frozen=True, slots=True)
class Advice:
    """Keep, review or prune one right.

    Parameters
    ----------
    patent_id : str
        Patent.
    action : str
        ``keep``, ``review``, ``prune``, ``ended`` (nothing to pay for) or ``unknown``.
    value_cny : Estimate
        Value by the engine, 5-95 % (level 0.9); the count is the number of draws.
    next_fee_cny : float or None
        Next fee due, as the schedule has it; 0 when none is left.
    fees_cny : float or None
        Present value of the fees, each weighed by the chance that the right is still kept then.
    fees_term_cny : float or None
        Present value of all fees to the end of the term.
    probability, probability_low, probability_high : float or None
        That the value exceeds `fees_cny`; the same against `fees_term_cny`, and against the next fee alone (its part of
        `fees_cny`).
    reason : Bilingual
        In words.
    """

    patent_id: str
    action: str
    value_cny: Estimate
    next_fee_cny: float | None
    fees_cny: float | None
    fees_term_cny: float | None
    probability: float | None
    probability_low: float | None
    probability_high: float | None
    reason: Bilingual


@dataclass(frozen=True, slots=True)
class Navigation:
    """A landscape at a date, and what it says to a portfolio where one is given.

    Parameters
    ----------
    scope : Scope
        What was surveyed.
    title : Bilingual
        Its name.
    as_of : date
        Nothing known later is in it.
    patents, in_force, pending, dead, status_unknown : int
        Patents of the landscape, and their status.
    window_years : int
        Length of the recent window of leaders and entrants.
    window : tuple of int, int
        Its first and last year.
    entrants_known_from : int or None
        First year of publication of the landscape: an owner that was there before the store begins looks like an entrant.
    growth, holders, concentration, entrants, white_spots, dependence
        Parts; each may hold unknowns. `entrants` are those with most patents, `entrant_count` is of all.
    freedom, offices, categories, open_filings, advice, filings
        Parts that need a portfolio; None or empty without one.
    limits : tuple of float
        Probabilities at or below which to prune, and from which to keep.
    movement : Movement
        Technology movement of the largest classes, and court outcomes of the recent window.
    portfolio : tuple of str
        Its patents that the store knows at the date.
    portfolio_unknown : tuple of str
        Those it does not know.
    leaders_compared : tuple of str
        Names of the leaders that gaps are measured against.
    notes : tuple of Bilingual
        What is not known and would matter.
    provenance : Provenance
        Everything needed to compute it again.
    is_synthetic : bool
        Any evidence came from the sample generator.
    """

    scope: Scope
    title: Bilingual
    as_of: date
    patents: int
    in_force: int
    pending: int
    dead: int
    status_unknown: int
    window_years: int
    window: tuple[int, int]
    entrants_known_from: int | None
    growth: Growth
    holders: tuple[Holder, ...]
    concentration: Concentration
    entrants: tuple[Entrant, ...]
    entrant_count: int
    white_spots: WhiteSpots
    dependence: Dependence
    movement: Movement
    provenance: Provenance
    portfolio: tuple[str, ...] = ()
    portfolio_unknown: tuple[str, ...] = ()
    leaders_compared: tuple[str, ...] = ()
    freedom: Freedom | None = None
    offices: tuple[OfficeGap, ...] = ()
    categories: tuple[CategoryGap, ...] = ()
    open_filings: tuple[OpenFiling, ...] = ()
    advice: tuple[Advice, ...] = ()
    limits: tuple[float, ...] = ()
    filings: tuple[FilingOption, ...] = ()
    notes: tuple[Bilingual, ...] = ()
    is_synthetic: bool = False
