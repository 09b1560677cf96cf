"""Who filed, invented and owns: counts of parties, co-application, foreign applicants, owners at the date."""

from __future__ import annotations

import ibis

from zhirong.indicators.catalogue import Context, Evidence
from zhirong.indicators.frames import attach, derived, frame, register

__all__ = ["owners", "parties"]

_REGIONAL = ("EP", "WO", "EA", "AP", "OA", "GC")
"""Offices that are no country: an applicant is neither domestic nor foreign there."""


def _clusters(evidence: Evidence) -> ibis.Table:
    t = evidence["parties"]
    return t.select(
        "party_id", "party_type", "country", "region_code", owner_id=ibis.coalesce(t.cluster_id, t.party_id)
    )


@frame("owners")
def owners(evidence: Evidence, context: Context) -> ibis.Table:
    """Owners of each patent at the date, linked names taken as one.

    Returns
    -------
    ibis.Table
        ``patent_id``, ``owner_id`` (cluster, else party), ``region_code``, ``country``, distinct; no row where the
        owner is unknown.

    Notes
    -----
    Owners are the parties in role owner, else assignee, else applicant, whose role is open at the date. A recorded
    transfer later than the start of those roles makes its acquirer the owner.
    """
    rows = evidence["patent_parties"]
    rows = rows.semi_join(evidence["patents"], "patent_id")
    rows = rows.filter(rows.role.isin(["owner", "assignee", "applicant"]))
    rows = rows.filter(rows.to_date.isnull() | (rows.to_date > context.as_of))
    rank = ibis.cases((rows.role == "owner", 0), (rows.role == "assignee", 1), else_=2)
    ranked = rows.select("patent_id", "party_id", "from_date", _rank=rank)
    best = ranked.group_by("patent_id").aggregate(_best=ranked._rank.min())
    held = ranked.inner_join(best, "patent_id").filter(lambda t: t._rank == t._best)
    since = held.group_by("patent_id").aggregate(_since=held.from_date.max())
    moved = _acquirers(evidence, context)
    moved = attach(moved, since)
    moved = moved.filter(moved._since.isnull() | (moved._since < moved.day))
    kept = held.anti_join(moved, "patent_id").select("patent_id", "party_id")
    all_ = ibis.union(kept, moved.select("patent_id", "party_id"))
    known = _clusters(evidence).select("party_id", "owner_id", "region_code", "country")
    t = attach(all_, known, on="party_id")
    t = t.mutate(owner_id=ibis.coalesce(t.owner_id, t.party_id))
    return t.group_by(["patent_id", "owner_id"]).aggregate(region_code=t.region_code.min(), country=t.country.min())


def _acquirers(evidence: Evidence, context: Context) -> ibis.Table:
    """Acquirers of the last transfer of each patent: ``patent_id``, ``party_id``, ``day``."""
    events = evidence["legal_events"]
    events = events.filter((events.event_kind == "transferred") & events.party_id.notnull())
    assigned = evidence["assignments"]
    assigned = assigned.filter(assigned.conveyance_kind.isin(["assignment", "merger"]) & assigned.assignee_id.notnull())
    day = ibis.coalesce(assigned.executed_date, assigned.recorded_date)
    union = ibis.union(
        events.select("patent_id", "party_id", day="event_date"),
        assigned.select("patent_id", party_id="assignee_id", day=day),
    )
    union = union.filter(union.day <= context.as_of).semi_join(evidence["patents"], "patent_id")
    last = union.group_by("patent_id").aggregate(_last=union.day.max())
    joined = union.inner_join(last, "patent_id").filter(lambda t: t.day == t._last)
    return joined.select("patent_id", "party_id", "day").distinct()


@frame("parties", needs=("owners",))
def parties(evidence: Evidence, context: Context) -> ibis.Table:
    """Count parties; one row a patent."""
    rows = evidence["patent_parties"].semi_join(evidence["patents"], "patent_id")
    rows = attach(rows.select("patent_id", "party_id", "role"), _clusters(evidence), on="party_id")
    who = ibis.coalesce(rows.owner_id, rows.party_id)
    rows = rows.mutate(_who=who)
    is_applicant = rows.role == "applicant"
    has = rows.group_by("patent_id").aggregate(_named=is_applicant.cast("int64").sum())
    rows = rows.inner_join(has, "patent_id")
    # A document that names no applicant was filed by its assignee.
    filed = (rows.role == "applicant") | ((rows.role == "assignee") & (rows._named == 0))
    counts = rows.group_by("patent_id").aggregate(
        inventor_count=rows._who.nunique(where=rows.role == "inventor").nullif(0),
        applicant_count=rows._who.nunique(where=filed).nullif(0),
        _universities=(filed & (rows.party_type == "university")).fill_null(False).cast("int64").sum(),
        _firms=(filed & (rows.party_type == "organisation")).fill_null(False).cast("int64").sum(),
        _untyped=(filed & rows.party_type.isnull()).cast("int64").sum(),
        _countries=rows.country.nunique(where=filed),
        _any_country=rows.country.max(where=filed),
        _placed=(filed & rows.country.notnull()).cast("int64").sum(),
        _filed=filed.cast("int64").sum(),
        _inventor_countries=rows.country.nunique(where=rows.role == "inventor"),
        _inventors_unplaced=((rows.role == "inventor") & rows.country.isnull()).cast("int64").sum(),
        _inventor_rows=(rows.role == "inventor").cast("int64").sum(),
    )
    held = derived(evidence, context, "owners")
    owned = held.group_by("patent_id").aggregate(owner_count=held.owner_id.nunique())
    t = attach(evidence["patents"].select("patent_id", "office"), counts, owned)
    joint = (t._universities > 0) & (t._firms > 0)
    foreign = (t._countries > 1) | (t._any_country != t.office)
    abroad_unknown = t._placed < t._filed
    return t.select(
        "patent_id",
        "inventor_count",
        "applicant_count",
        "owner_count",
        is_university_firm=ibis.cases((joint, True), ((t._untyped == 0) & t.applicant_count.notnull(), False)),
        is_foreign=ibis.cases(
            (t.office.isin(list(_REGIONAL)), ibis.null("boolean")),
            ((t._countries > 0) & foreign, True),
            ((t._placed > 0) & ~abroad_unknown, False),
        ),
        is_international_team=ibis.cases(
            (t._inventor_countries > 1, True),
            ((t._inventor_rows > 0) & (t._inventors_unplaced == 0), False),
        ),
    )


register("parties")
