"""Rights and earlier pledges as the evidence store knows them at the valuation date."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np

from zhirong.finance.pledge.register import Pledge, PledgeRegister
from zhirong.finance.pledge.spec import RIGHT_KINDS, PledgedRight
from zhirong.kernel.errors import NotAdmissibleError
from zhirong.valuation import Background, Valuation

__all__ = ["register_from", "rights_from"]

Rows = dict[str, list[dict[str, Any]]]
_EVENTS = ("pledged", "pledge_released", "preserved", "preservation_released", "invalidation_requested", "invalidated",
           "partially_invalidated", "maintained")  # fmt: skip


def rights_from(background: Background, valuations: Sequence[Valuation]) -> list[PledgedRight]:
    """Return valued patents as rights to pledge.

    Parameters
    ----------
    background : Background
        The store at its date; events after it are not seen.
    valuations : sequence of Valuation
        With draws.

    Returns
    -------
    list of PledgedRight
        Values are aligned by rank, so that they are high together and low together: patents of one owner share its revenue and its
        courts, and this is the cautious reading of what they carry together. What no record says is None.

    Raises
    ------
    NotAdmissibleError
        For a patent without draws, or of a type that has no policy.
    """
    events = _events(background, [v.subject_id for v in valuations])
    return [_right(v, events.get(v.subject_id, []), background.as_of) for v in valuations]


def _right(valuation: Valuation, events: list[dict[str, Any]], as_of: date) -> PledgedRight:
    facts, name = valuation.facts, valuation.subject_id
    kind = facts.get("right_type")
    if kind not in RIGHT_KINDS:
        raise NotAdmissibleError(
            f"{name}: type of right is {kind or 'not known'}; a pledge needs one of {', '.join(RIGHT_KINDS)}"
        )
    if valuation.draws is None:
        raise NotAdmissibleError(f"{name}: the valuation has no draws")
    end, alive = facts.get("legal_end_date"), facts.get("is_alive")
    life = (date.fromisoformat(end) - as_of).days / 365.25 if end else None
    return PledgedRight(
        name,
        str(kind),
        np.sort(valuation.draws),
        0.0 if alive is False else (None if life is None else max(life, 0.0)),
        is_annuity_paid=_annuity(facts.get("paid_to_year"), facts.get("age_years")),
        has_invalidation_petition=_open(
            events, "invalidation_requested", ("invalidated", "partially_invalidated", "maintained")
        ),
        has_preservation_order=_open(events, "preserved", ("preservation_released",)),
    )


def _annuity(paid_to_year: int | None, age_years: float | None) -> bool | None:
    """Paid for the current patent year; behind by a whole year is unpaid, between the two lies the period of grace: unknown."""
    if paid_to_year is None or age_years is None:
        return None
    current = int(age_years) + 1
    return True if paid_to_year >= current else (False if paid_to_year < current - 1 else None)


def _open(events: list[dict[str, Any]], starts: str, ends: tuple[str, ...]) -> bool | None:
    """Whether something that began has not ended; None where no record speaks of it, since silence is not an answer."""
    told = sorted((e["event_date"], e["event_kind"] == starts) for e in events if e["event_kind"] in (starts, *ends))
    return told[-1][1] if told else None


def register_from(background: Background, patent_ids: Sequence[str]) -> PledgeRegister:
    """Return the pledges that the store's events show as still running at its date.

    Notes
    -----
    A pledge runs from ``pledged`` until ``pledge_released``, or to the end the record states.
    """
    running = []
    for patent, events in sorted(_events(background, list(patent_ids)).items()):
        own = sorted((e for e in events if e["event_kind"] in ("pledged", "pledge_released")), key=_by_day)
        if not own or own[-1]["event_kind"] != "pledged":
            continue
        last = own[-1]
        if last["end_date"] is None or last["end_date"] >= background.as_of:
            pledgee = str(last["party_id"] or "pledgee not stated")
            name = f"store:{patent}:{last['event_date']}"
            running.append(Pledge.read(name, patent, "registered owner", pledgee, last["event_date"]))
    return PledgeRegister(tuple(running))


def _by_day(event: dict[str, Any]) -> tuple[date, bool]:
    return event["event_date"], event["event_kind"] == "pledged"


def _events(background: Background, wanted: list[str]) -> Rows:
    if "legal_events" not in background.tables:
        return {}
    chosen = (
        background.tables["legal_events"]
        .filter(lambda t: t.patent_id.isin(wanted) & t.event_kind.isin(_EVENTS))
        .select("patent_id", "event_kind", "event_date", "end_date", "party_id")
    )
    found: Rows = {}
    for row in background.engine.to_arrow(chosen).to_pylist():
        found.setdefault(row["patent_id"], []).append(row)
    return found
