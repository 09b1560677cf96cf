"""Legal status of each patent at the date, with what it rests on.

Status is read from the latest of events, stated status and the end of the term. A granted patent within its term
with no recorded end is in force when something says so: an annuity, a recent grant, a dated statement, or a source
that records ends of other patents and none of this one. Else it is *presumed* alive, and indicators that need the
fact leave it unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import ibis
import pyarrow as pa

from zhirong.indicators.catalogue import Context, Evidence
from zhirong.indicators.frames import attach, frame
from zhirong.params.book import load
from zhirong.tables import safe

__all__ = ["DEAD_STATUSES", "ENDING_KINDS", "expiry", "plus_years", "status", "terms", "years_between"]

DEAD_STATUSES = ("lapsed", "expired", "withdrawn", "refused", "surrendered", "invalidated", "ended")
"""Statuses from which no right remains."""

ENDING_KINDS = {
    "invalidated": "invalidated",
    "expired": "expired",
    "surrendered": "surrendered",
    "lapsed": "lapsed",
    "refused": "refused",
    "withdrawn": "withdrawn",
    "deemed_withdrawn": "withdrawn",
}
"""Event kind to the status it brings, strongest first where several fall on one day."""

_REVIVING = ("restored", "maintained")
_GRACE = timedelta(days=183)
"""Six months of grace for a late fee (Paris Convention, Article 5bis)."""


def terms() -> pa.Table:
    """Return the terms of protection of the parameter book as rows.

    Returns
    -------
    pyarrow.Table
        ``office`` (``*`` for the rest), ``right_type``, ``filed_from``, ``filed_to`` (inclusive), ``filing_years``,
        ``grant_years``; one of the two is NULL.
    """
    book = load()
    rows = []
    for path in book.paths("terms"):
        _, place, right_type = path.split(".")
        for term in book.series(path):
            by_grant = term.unit.endswith("grant")
            rows.append(
                {
                    "office": "*" if place == "default" else place.upper(),
                    "right_type": right_type.removesuffix("_from_grant"),
                    "filed_from": term.effective_from,
                    "filed_to": term.effective_to or date.max,
                    "filing_years": None if by_grant else int(term.value),
                    "grant_years": int(term.value) if by_grant else None,
                }
            )
    types = [pa.string(), pa.string(), pa.date32(), pa.date32(), pa.int64(), pa.int64()]
    return pa.Table.from_pylist(rows, schema=pa.schema(list(zip(rows[0], types, strict=True))))


def plus_years(day: ibis.Value, years: ibis.Value) -> ibis.Value:
    """Return the anniversary; 29 February falls on 28 February in common years. NULL for NULL."""
    year = (day.year().cast("int64") + years.cast("int64")).cast("int32")
    is_leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    leap_day = (day.month() == 2) & (day.day() == 29)
    last = ibis.ifelse(leap_day & ~is_leap, 28, day.day()).cast("int32")
    return ibis.date(year, day.month().cast("int32"), last)


def expiry(evidence: Evidence, context: Context) -> ibis.Table:
    """Return the end of the longest legal term of each patent, with the days by which the office adjusted it.

    Returns
    -------
    ibis.Table
        ``patent_id``, ``expiry_date`` (NULL where kind of right or filing date is unknown or no term is shipped),
        ``expiry_basis`` (``stated`` by the source or ``law``).
    """
    patents = evidence["patents"].select(
        "patent_id", "office", "right_type", "filing_date", "grant_date", "term_extension_days", _stated="expiry_date"
    )
    facts = context.engine.facts(terms())
    listed = facts.filter(facts.office != "*").select("office", "right_type").distinct()
    own = listed.select(_office="office", _right="right_type", _key="office")
    keyed = patents.left_join(own, [patents.office == own._office, patents.right_type == own._right])
    keyed = keyed.mutate(_key=ibis.coalesce(keyed._key, ibis.literal("*"))).drop("_office", "_right")
    rows = facts.rename(_fact_office="office", _fact_right="right_type")
    on = [
        keyed._key == rows._fact_office,
        keyed.right_type == rows._fact_right,
        keyed.filing_date >= rows.filed_from,
        keyed.filing_date <= rows.filed_to,
    ]
    t = keyed.left_join(rows, on)
    by_filing = ibis.ifelse(
        t.filing_years.notnull(), plus_years(t.filing_date, t.filing_years.fill_null(0)), ibis.null("date")
    )
    by_grant = ibis.ifelse(
        t.grant_years.notnull() & t.grant_date.notnull(),
        plus_years(t.grant_date, t.grant_years.fill_null(0)),
        ibis.null("date"),
    )
    ordinary = ibis.coalesce(ibis.greatest(by_filing, by_grant), by_filing, by_grant)
    by_law = ibis.coalesce(safe.plus_days(ordinary, t.term_extension_days), ordinary)
    return t.select(
        "patent_id",
        expiry_date=ibis.coalesce(t._stated, by_law),
        expiry_basis=ibis.cases((t._stated.notnull(), "stated"), (by_law.notnull(), "law")),
    )


def _last(events: ibis.Table, kinds: Sequence[str], as_of: date) -> ibis.Value:
    return events.event_date.max(where=events.event_kind.isin(list(kinds)) & (events.event_date <= as_of))


def _event_dates(evidence: Evidence, as_of: date) -> ibis.Table:
    """Last dates of the events that decide status; one scan."""
    events = evidence["legal_events"]
    return events.group_by("patent_id").aggregate(
        **{f"_{kind}": _last(events, [kind], as_of) for kind in ENDING_KINDS},
        _ending=_last(events, list(ENDING_KINDS), as_of),
        _revived=_last(events, _REVIVING, as_of),
        _granted=_last(events, ["granted"], as_of),
        _fee_year=events.fee_year.max(where=events.event_kind == "annuity_paid"),
        _fee_count=(events.event_kind == "annuity_paid").cast("int64").sum(),
    )


@frame("status")
def status(evidence: Evidence, context: Context) -> ibis.Table:
    """Legal status at the date.

    Returns
    -------
    ibis.Table
        One row a patent: ``patent_id``, ``status`` (as in `patents.legal_status`; NULL unknown), ``basis``
        (``event``, ``stated``, ``term``, ``annuity``, ``recent_grant``, ``register``, ``presumed``), ``was_granted``,
        ``granted_on``, ``ended_on``, ``expiry_date``, ``expiry_basis``, ``paid_until``, ``fee_year``.
    """
    as_of = context.as_of
    patents = evidence["patents"].select(
        "patent_id", "office", "right_type", "kind_code", "filing_date", "publication_date", "grant_date",
        "legal_status", "legal_status_date", "source_id",
    )  # fmt: skip
    t = attach(patents, expiry(evidence, context), _event_dates(evidence, as_of))
    t = attach(t, _registers(evidence), on="source_id")
    registered = t.right_type.isin(["utility_model", "design"]) & ~t.kind_code.startswith("A").fill_null(False)
    granted_on = ibis.coalesce(
        t.grant_date, t._granted, ibis.ifelse(registered.fill_null(False), t.publication_date, ibis.null("date"))
    )
    was_granted = granted_on.notnull() | t.legal_status.isin(
        ["in_force", "lapsed", "expired", "surrendered", "invalidated"]
    ).fill_null(False)
    t = t.mutate(granted_on=granted_on, was_granted=was_granted)
    t = t.mutate(paid_until=_paid_until(t))
    t = t.mutate(
        _ended_by_event=(t._ending.notnull() & (t._revived.isnull() | (t._ending > t._revived))),
        _ended_by_statement=(
            t.legal_status.isin(list(DEAD_STATUSES)) & ~(t._revived > t.legal_status_date).fill_null(False)
        ).fill_null(False),
        _stated_alive=((t.legal_status == "in_force") & ~(t._ending >= t.legal_status_date).fill_null(False)).fill_null(
            False
        ),
        _is_expired=(t.expiry_date <= as_of).fill_null(False),
    )
    return _decide(t, as_of)


def _registers(evidence: Evidence) -> ibis.Table:
    """Return the sources that record the end of rights."""
    events = evidence["legal_events"]
    ends = events.filter(events.event_kind.isin(list(ENDING_KINDS)))
    return ends.select("source_id").distinct().mutate(_register=ibis.literal(True))


def _paid_until(t: ibis.Table) -> ibis.Value:
    """Day to which fees are paid: patent years from filing; in the US four-year steps from grant."""
    us = ibis.ifelse(
        t.granted_on.notnull(), plus_years(t.granted_on, 4 * (t._fee_count.fill_null(0) + 1)), ibis.null("date")
    )
    by_year = ibis.ifelse(
        t._fee_year.notnull() & t.filing_date.notnull(),
        plus_years(t.filing_date, t._fee_year.fill_null(0)),
        ibis.null("date"),
    )
    first_year = ibis.ifelse(t.granted_on.notnull(), plus_years(t.granted_on, ibis.literal(1)), ibis.null("date"))
    others = ibis.coalesce(ibis.greatest(by_year, first_year), by_year, first_year)
    has_us_fees = (t.office == "US") & t.right_type.isin(["invention", "reissue"]).fill_null(True)
    return ibis.ifelse(has_us_fees, us, others)


def _decide(t: ibis.Table, as_of: date) -> ibis.Table:
    event_status = ibis.cases(
        *((t[f"_{kind}"] == t._ending, reached) for kind, reached in ENDING_KINDS.items()), else_="lapsed"
    )
    by_event = t._ended_by_event & ~(t._stated_alive & (t.legal_status_date > t._ending)).fill_null(False)
    is_paid = (t.paid_until >= as_of - _GRACE).fill_null(False)
    is_recent = is_paid & t._fee_year.isnull()
    fresh = (t.legal_status_date >= as_of - timedelta(days=365)).fill_null(False) & t._stated_alive
    is_silent = t._register.fill_null(False) & t._fee_year.isnull()
    is_application = (t.legal_status == "pending") | t.kind_code.startswith("A")
    alive_basis = ibis.cases(
        (fresh, "stated"), (is_recent, "recent_grant"), (is_paid, "annuity"), (is_silent, "register"), else_="presumed"
    )
    pending = ~t.was_granted & is_application.fill_null(False)
    status_ = ibis.cases(
        (by_event, event_status),
        (t._is_expired, "expired"),
        (t._ended_by_statement, t.legal_status),
        (t.was_granted, "in_force"),
        (pending, "pending"),
    )
    basis = ibis.cases(
        (by_event, "event"),
        (t._is_expired, "term"),
        (t._ended_by_statement, "stated"),
        (t.was_granted, alive_basis),
        (pending, ibis.ifelse((t.legal_status == "pending").fill_null(False), "stated", "presumed")),
    )
    ended_on = ibis.cases(
        (by_event, ibis.least(t._ending, ibis.coalesce(t.expiry_date, t._ending))),
        (t._is_expired, t.expiry_date),
        (t._ended_by_statement, t.legal_status_date),
    )
    return t.select(
        "patent_id", "was_granted", "granted_on", "expiry_date", "expiry_basis", "paid_until",
        status=status_, basis=basis, ended_on=ended_on, fee_year=t._fee_year.cast("int64"),
    )  # fmt: skip


def years_between(start: ibis.Value, end: ibis.Value) -> ibis.Value:
    """Return years of 365.25 days from start to end as float."""
    return safe.days_between(start, end).cast("float64") / 365.25
