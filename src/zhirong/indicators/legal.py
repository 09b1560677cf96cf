"""Legal events: validity, fees, remaining life, transfers, licences, pledges, suits, challenges, awards."""

from __future__ import annotations

from collections.abc import Mapping

import ibis

from zhirong.indicators.catalogue import Context, Evidence
from zhirong.indicators.frames import attach, derived, frame, register
from zhirong.indicators.status import DEAD_STATUSES, years_between
from zhirong.tables import safe

__all__ = ["acts", "coverage", "legal"]

_CONVEYANCES: Mapping[str, str] = {
    "assignment": "transferred",
    "merger": "transferred",
    "security_interest": "pledged",
    "release": "pledge_released",
    "licence": "licensed",
}
_DEALS: Mapping[str, str] = {"sale": "transferred", "licence": "licensed", "pledge_loan": "pledged"}


def _mapped(value: ibis.Value, mapping: Mapping[str, str]) -> ibis.Value:
    return ibis.cases(*((value == old, new) for old, new in mapping.items()))


def acts(evidence: Evidence) -> ibis.Table:
    """Return acts on a patent from events, recorded conveyances and deals, one a kind and day.

    Returns
    -------
    ibis.Table
        ``patent_id``, ``kind`` (our event kinds), ``day`` (effective; recordation where that alone is known),
        ``end_date``, distinct.

    Notes
    -----
    A conveyance of title counts only from the day after publication: the first one, from inventor to employer, is
    no transfer. Two sources that tell of one act give it the same day; then it counts once.
    """
    events = evidence["legal_events"]
    own = events.select("patent_id", kind="event_kind", day="event_date", end_date="end_date")
    assigned = evidence["assignments"]
    assigned = assigned.filter(assigned.conveyance_kind.isin(list(_CONVEYANCES)))
    assigned = assigned.inner_join(evidence["patents"].select("patent_id", _published="publication_date"), "patent_id")
    kind = _mapped(assigned.conveyance_kind, _CONVEYANCES)
    day = ibis.coalesce(assigned.executed_date, assigned.recorded_date)
    is_first = (kind == "transferred") & (day <= assigned._published).fill_null(False)
    conveyed = assigned.filter(~is_first).select("patent_id", kind=kind, day=day, end_date=ibis.null("date"))
    deals = evidence["deals"]
    deals = deals.filter(deals.deal_type.isin(list(_DEALS)) & deals.is_sold.fill_null(True))
    dealt = deals.select(
        "patent_id", kind=_mapped(deals.deal_type, _DEALS), day=deals.deal_date, end_date=ibis.null("date")
    )
    union = ibis.union(own, conveyed, dealt)
    return union.group_by(["patent_id", "kind", "day"]).aggregate(end_date=union.end_date.max())


_REPORTED: Mapping[str, tuple[str, ...]] = {
    "transfers": ("transferred", "name_changed", "@assignments"),
    "licences": ("licensed", "licence_ended", "@assignments"),
    "pledges": ("pledged", "pledge_released", "@assignments"),
    "preservations": ("preserved", "preservation_released"),
    "awards": ("awarded",),
    "insurance": ("insured",),
    "suits": ("litigated",),
    "challenges": (
        "invalidation_requested", "reexamination_requested", "maintained", "invalidated", "partially_invalidated",
    ),
    "oppositions": ("opposition_filed", "opposition_rejected"),
}  # fmt: skip
"""What a source must report of some patent, so that its silence about another means that there is nothing."""


def coverage(evidence: Evidence) -> ibis.Table:
    """Return, for each patent and kind of act, whether the absence of a row means that there is none.

    Returns
    -------
    ibis.Table
        ``patent_id`` and ``covers_<kind>`` for each kind of `_REPORTED`: True when the patent's own source, or a source that
        tells anything of the patent, reports acts of this kind of some patent; NULL else. A list of annuities says nothing
        about pledges.
    """
    events, deals, cases = evidence["legal_events"], evidence["deals"], evidence["cases"]
    assignments = evidence["assignments"]
    challenged = (cases.cause == "validity").fill_null(False)
    rows = ibis.union(
        events.select("patent_id", "source_id", kind="event_kind"),
        assignments.select("patent_id", "source_id", kind=ibis.literal("@assignments")),
        deals.select("patent_id", "source_id", kind=_mapped(deals.deal_type, _DEALS)),
        cases.select("patent_id", "source_id", kind=ibis.ifelse(challenged, "invalidation_requested", "litigated")),
    )
    reported = rows.group_by("source_id").aggregate(
        **{f"_{name}": rows.kind.isin(list(kinds)).cast("int64").max() for name, kinds in _REPORTED.items()}
    )
    told = attach(rows.select("patent_id", "source_id").distinct(), reported, on="source_id")
    by_row = told.group_by("patent_id").aggregate(**{f"_row_{name}": told[f"_{name}"].max() for name in _REPORTED})
    own = attach(evidence["patents"].select("patent_id", "source_id"), reported, on="source_id")
    t = attach(own, by_row)
    return t.select(
        "patent_id",
        **{
            f"covers_{name}": ibis.ifelse(
                (t[f"_{name}"].fill_null(0) + t[f"_row_{name}"].fill_null(0)) > 0, True, ibis.null("boolean")
            )
            for name in _REPORTED
        },
    )


def _counts(evidence: Evidence, context: Context) -> ibis.Table:
    """Return counts and last days by kind, one row a patent that has any act."""
    t = acts(evidence)
    t = t.filter(t.day <= context.as_of)

    def n(*kinds: str) -> ibis.Value:
        return t.kind.isin(list(kinds)).cast("int64").sum()

    def last(*kinds: str) -> ibis.Value:
        return t.day.max(where=t.kind.isin(list(kinds)))

    is_open_ended = t.end_date.isnull() | (t.end_date >= context.as_of)
    return t.group_by("patent_id").aggregate(
        _transfers=n("transferred"),
        _licences=n("licensed"),
        _pledges=n("pledged"),
        _last_pledge=t.day.max(where=(t.kind == "pledged") & is_open_ended),
        _last_release=last("pledge_released"),
        _litigated=n("litigated"),
        _challenged=n("invalidation_requested", "reexamination_requested"),
        _maintained=n("maintained"),
        _cut=n("partially_invalidated"),
        _invalidated=n("invalidated"),
        _opposed=n("opposition_filed"),
        _last_opposed=last("opposition_filed"),
        _opposition_rejected=last("opposition_rejected"),
        _opposition_lost=last("invalidated", "partially_invalidated"),
        _awards=n("awarded"),
        _insured=n("insured"),
        _last_preserved=last("preserved"),
        _last_preservation_released=last("preservation_released"),
    )


def _case_counts(evidence: Evidence) -> ibis.Table:
    cases = evidence["cases"]
    number = ibis.coalesce(cases.case_number, cases.case_id)

    def n(cause: str, *outcomes: str) -> ibis.Value:
        picked = cases.cause == cause
        if outcomes:
            picked = picked & cases.outcome.isin(list(outcomes))
        return number.nunique(where=picked.fill_null(False))

    return cases.group_by("patent_id").aggregate(
        _suits=n("infringement"),
        _won=n("infringement", "infringed"),
        _survived=n("validity", "maintained", "dismissed", "withdrawn"),
        _lost=n("validity", "invalidated", "partially_invalidated"),
    )


@frame("legal", needs=("status",))
def legal(evidence: Evidence, context: Context) -> ibis.Table:
    """Legal measures; one row a patent."""
    patents = evidence["patents"].select("patent_id", "filing_date")
    t = attach(
        patents,
        derived(evidence, context, "status"),
        coverage(evidence),
        _counts(evidence, context),
        _case_counts(evidence),
    )
    return t.select("patent_id", **_validity(t, context), **_acts(t), **_disputes(t))


def _validity(t: ibis.Table, context: Context) -> dict[str, ibis.Value]:
    as_of = ibis.literal(context.as_of)
    is_dead = t.status.isin(list(DEAD_STATUSES)).fill_null(False)
    alive = (t.status == "in_force").fill_null(False)
    presumed = (t.basis == "presumed").fill_null(False)
    in_force = ibis.cases((alive & ~presumed, True), (is_dead, False), (t.status == "pending", False))
    end = ibis.ifelse(is_dead & t.ended_on.notnull(), ibis.least(t.ended_on, as_of), as_of)
    lived = ibis.ifelse(t.granted_on.notnull() & ~(alive & presumed), safe.whole_years(t.granted_on, end), None)
    remaining = ibis.ifelse(is_dead, 0.0, ibis.greatest(years_between(as_of, t.expiry_date), 0.0))
    return {
        "in_force": in_force,
        "status_flag": ibis.cases(
            (t.status.isnull(), "status_unknown"),
            (alive & presumed, "presumed_alive"),
            (t.basis == "register", "no_end_recorded"),
            ((t.status == "pending") & presumed, "presumed_pending"),
        ),
        "years_in_force": lived.cast("int64"),
        "age": years_between(t.filing_date, as_of),
        "annuity_paid_year": t.fee_year,
        "remaining_life": remaining,
        "remaining_flag": ibis.cases(
            (is_dead, ibis.null("string")),
            (t.status.isnull() | presumed, "presumed_alive"),
            (t.expiry_basis == "law", "term_by_law"),
        ),
        "is_lapsed": ibis.cases((t.status == "lapsed", True), (t.status.notnull() & ~(alive & presumed), False)),
    }


def _filled(count: ibis.Value, covered: ibis.Value) -> ibis.Value:
    """Return the count; 0 where there is none and the source would have told, NULL where it would not."""
    positive = ibis.ifelse(count > 0, count, ibis.null("int64"))
    return ibis.coalesce(positive, ibis.ifelse(covered, ibis.literal(0, "int64"), ibis.null("int64")))


def _ever(count: ibis.Value, covered: ibis.Value) -> ibis.Value:
    return _filled(count, covered) > 0


def _acts(t: ibis.Table) -> dict[str, ibis.Value]:
    is_open = t._last_pledge.notnull() & (t._last_release.isnull() | (t._last_pledge > t._last_release))
    seized = t._last_preserved.notnull() & (
        t._last_preservation_released.isnull() | (t._last_preserved > t._last_preservation_released)
    )
    return {
        "transfer_count": _filled(t._transfers, t.covers_transfers),
        "licence_count": _filled(t._licences, t.covers_licences),
        "pledge_count": _filled(t._pledges, t.covers_pledges),
        "is_pledged": ibis.cases((is_open, True), (t.covers_pledges, False)),
        "is_preserved": ibis.cases((seized, True), (t.covers_preservations, False)),
        "award_count": _filled(t._awards, t.covers_awards),
        "is_insured": _ever(t._insured, t.covers_insurance),
    }


def _disputes(t: ibis.Table) -> dict[str, ibis.Value]:
    survived = ibis.greatest(t._maintained.fill_null(0), t._survived.fill_null(0))
    lost = ibis.greatest(t._invalidated.fill_null(0) + t._cut.fill_null(0), t._lost.fill_null(0))
    suits = ibis.greatest(t._litigated.fill_null(0), t._suits.fill_null(0))
    beaten = (t._opposition_lost >= t._last_opposed).fill_null(False)
    upheld = (t._opposition_rejected >= t._last_opposed).fill_null(False)
    opposed = (t._opposed > 0).fill_null(False)
    return {
        "suit_count": _filled(suits, t.covers_suits),
        "suits_won": _filled(t._won.fill_null(0), t.covers_suits),
        "challenges_survived": _filled(survived, t.covers_challenges),
        "challenges_lost": _filled(lost, t.covers_challenges),
        "opposition_survived": ibis.cases((opposed & upheld, True), (opposed & beaten, False)),
        "opposition_flag": ibis.cases(
            (opposed & ~upheld & ~beaten, "opposition_open"),
            (~opposed & t.covers_oppositions.fill_null(False), "not_opposed"),
        ),
    }


register("legal")
