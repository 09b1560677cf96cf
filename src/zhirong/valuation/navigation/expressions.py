"""The tables behind a landscape, as expressions: counts by year, holdings, pairs of classes, foreign owners, offices, claims.

Each takes the evidence cut at the date (with the frames of `scope.with_frames` in it) and the patents of the landscape.
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis

from zhirong.indicators.catalogue import Context, Evidence
from zhirong.indicators.frames import attach, derived

__all__ = [
    "adverse_citations",
    "cited_against",
    "claim_categories",
    "class_sizes",
    "combined",
    "family_offices",
    "holdings",
    "pair_counts",
    "publications",
    "rights_by_country",
]


def publications(land: ibis.Table) -> ibis.Table:
    """Return ``published_year``, ``patents``; one row a year, the year NULL for patents without a date."""
    return land.group_by("published_year").aggregate(patents=land.count())


def holdings(
    evidence: Evidence, context: Context, land: ibis.Table, *, recent: tuple[int, int], before: tuple[int, int]
) -> ibis.Table:
    """Return what each owner holds and published; co-owners share a patent equally.

    Parameters
    ----------
    evidence, context : Mapping, Context
        Evidence at the date.
    land : ibis.Table
        Patents of the landscape.
    recent, before : tuple of int, int
        First and last year of the recent window, and of the window before it.

    Returns
    -------
    ibis.Table
        ``owner_id``, ``country`` (NULL unknown), ``patents`` (all, whole count), ``in_force`` (shares of rights in force),
        ``recent``, ``before`` (shares published in the windows), ``first_year`` (of publication, NULL unknown).
    """
    held = derived(evidence, context, "owners").select("patent_id", "owner_id", "country")
    t = held.inner_join(land, "patent_id")
    t = t.mutate(_share=1.0 / t.owner_id.count().over(group_by="patent_id").cast("float64"))
    year = t.published_year
    is_recent, is_before = (((year >= a) & (year <= b)).fill_null(False) for a, b in (recent, before))
    return t.group_by("owner_id").aggregate(
        country=t.country.min(),
        patents=t.patent_id.nunique(),
        in_force=t._share.sum(where=t.is_in_force.fill_null(False)).fill_null(0.0),
        recent=t._share.sum(where=is_recent).fill_null(0.0),
        before=t._share.sum(where=is_before).fill_null(0.0),
        first_year=t.published_year.min(),
    )


def class_sizes(evidence: Evidence, context: Context, land: ibis.Table) -> ibis.Table:
    """Return ``subclass``, ``patents``: patents of the landscape that have a symbol of the subclass."""
    t = _subclasses(evidence, context, land)
    return t.group_by("subclass").aggregate(patents=t.count())


def combined(evidence: Evidence, context: Context) -> ibis.Table:
    """Return ``patent_id``, ``subclass`` of the patents of the whole store that have at least two subclasses.

    Only these can combine classes at all (Teece, Rumelt, Dosi, Winter 1994, *J. Econ. Behav. Organ.* 23, 1-30); and a
    landscape that is chosen by class would make its classes avoid each other by the choice alone.
    """
    t = derived(evidence, context, "classes").select("patent_id", "subclass").distinct()
    several = t.group_by("patent_id").aggregate(_n=t.count()).filter(lambda x: x._n > 1)
    return t.semi_join(several, "patent_id").view()


def pair_counts(both: ibis.Table, subclasses: Sequence[str]) -> ibis.Table:
    """Return ``first``, ``second``, ``patents``: patents of `combined` in both of two subclasses, in the order of the alphabet.

    The rows with ``first = second`` are the sizes of the classes.
    """
    t = both.filter(both.subclass.isin(list(subclasses)))
    other = t.select(_patent="patent_id", second="subclass")
    pairs = t.view().inner_join(other.view(), [("patent_id", "_patent")])
    pairs = pairs.filter(pairs.subclass <= pairs.second)
    return pairs.group_by(first=pairs.subclass, second=pairs.second).aggregate(patents=pairs.count())


def _subclasses(evidence: Evidence, context: Context, land: ibis.Table) -> ibis.Table:
    symbols = derived(evidence, context, "classes").select("patent_id", "subclass").distinct()
    return symbols.semi_join(land.select("patent_id"), "patent_id").view()


def rights_by_country(evidence: Evidence, context: Context, land: ibis.Table, *, office: str | None) -> ibis.Table:
    """Return ``country``, ``rights``: rights in force at an office (at all where None) by country of owner.

    Shares of co-owners; the country is NULL where an owner's country, or the owner, is unknown.
    """
    alive = land.filter(land.is_in_force.fill_null(False))
    if office is not None:
        alive = alive.filter(alive.office == office)
    held = derived(evidence, context, "owners").select("patent_id", "owner_id", "country")
    t = alive.select("patent_id").left_join(held, "patent_id").drop("patent_id_right")
    t = t.mutate(_share=1.0 / t.patent_id.count().over(group_by="patent_id").cast("float64"))
    return t.group_by("country").aggregate(rights=t._share.sum())


def adverse_citations(evidence: Evidence, context: Context, land: ibis.Table, *, home: str) -> ibis.Table:
    """Return what is cited against the patents of owners at home, by country of the cited owner.

    Returns
    -------
    ibis.Table
        ``cited_country`` (NULL unknown), ``is_adverse`` (category X or Y; NULL where the citation has no category),
        ``citations``.
    """
    first = _first_owner(evidence, context)
    mine = land.select("patent_id").inner_join(first.filter(first.country == home), "patent_id")
    cites = evidence["citations"].select("citing_id", "cited_id", "category")
    t = cites.semi_join(mine, [("citing_id", "patent_id")]).view()
    cited = first.select(cited_id="patent_id", cited_country="country")
    t = attach(t, cited, on="cited_id").mutate(is_adverse=_is_adverse)
    return t.group_by(["cited_country", "is_adverse"]).aggregate(citations=t.count())


def _is_adverse(t: ibis.Table) -> ibis.Value:
    return t.category.upper().contains("X") | t.category.upper().contains("Y")


def _first_owner(evidence: Evidence, context: Context) -> ibis.Table:
    held = derived(evidence, context, "owners")
    return held.group_by("patent_id").aggregate(owner_id=held.owner_id.min(), country=held.country.min())


def cited_against(evidence: Evidence, context: Context, portfolio: Sequence[str]) -> ibis.Table:
    """Return the patents cited against a portfolio that others hold.

    Returns
    -------
    ibis.Table
        ``patent_id`` (of the portfolio), ``cited_id``, ``category`` (NULL: none given), ``is_adverse`` (X or Y; NULL: none
        given), ``status`` of the cited patent (NULL unknown, or it is not in the store), ``office``, ``owner_id``,
        ``is_in_store``. Patents that share an owner with the portfolio are left out.
    """
    mine = list(portfolio)
    cites = evidence["citations"]
    cites = cites.filter(cites.citing_id.isin(mine) & ~cites.cited_id.isin(mine))
    t = cites.select("cited_id", "category", patent_id="citing_id").mutate(is_adverse=_is_adverse)
    held = derived(evidence, context, "owners")
    own = held.filter(held.patent_id.isin(mine)).select("owner_id").distinct()
    ours = held.semi_join(own, "owner_id").select(cited_id="patent_id").distinct()
    t = t.anti_join(ours, "cited_id").view()
    status = derived(evidence, context, "status").select(cited_id="patent_id", status="status")
    office = evidence["patents"].select(cited_id="patent_id", office="office")
    owner = _first_owner(evidence, context).select(cited_id="patent_id", owner_id="owner_id")
    return attach(t, status, office, owner, on="cited_id").mutate(is_in_store=lambda x: x.office.notnull())


def family_offices(evidence: Evidence, context: Context, patents: ibis.Table) -> ibis.Table:
    """Return where the families of patents are protected or applied for.

    Parameters
    ----------
    patents : ibis.Table
        ``patent_id`` and ``group`` (whatever the families are counted by: an owner, or the portfolio).

    Returns
    -------
    ibis.Table
        ``group``, ``office`` (NULL: families of the group in all), ``families``. A family counts at an office where a member
        has not ended by the date; a patent without any family row counts nowhere.
    """
    known = evidence["patents"].select("patent_id", "family_id")
    groups = patents.inner_join(known, "patent_id").select("group", "family_id")
    groups = groups.filter(groups.family_id.notnull()).distinct()
    members = evidence["families"]
    members = members.filter(members.end_date.isnull()).select("family_id", "office").distinct()
    t = groups.inner_join(members, "family_id")
    by_office = t.group_by(["group", "office"]).aggregate(families=t.family_id.nunique())
    everywhere = t.group_by("group").aggregate(families=t.family_id.nunique())
    return ibis.union(by_office, everywhere.select("group", office=ibis.null("string"), families=everywhere.families))


def claim_categories(evidence: Evidence, patents: ibis.Table) -> ibis.Table:
    """Return the categories of independent claims.

    Parameters
    ----------
    patents : ibis.Table
        ``patent_id`` and ``group``.

    Returns
    -------
    ibis.Table
        ``patent_id``, ``group``, ``category``; one row for each category that an independent claim of the patent has.
        A patent without claims in the store, or whose claims have no category, has no row.
    """
    claims = evidence["claims"]
    claims = claims.filter(claims.is_independent.fill_null(False) & claims.category.notnull())
    return patents.inner_join(claims.select("patent_id", "category").distinct(), "patent_id").select(
        "patent_id", "group", "category"
    )
