"""Gaps of a portfolio against the leaders: offices, categories of claims, and what can still be filed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import ibis
import numpy as np
from scipy import stats

from zhirong.indicators.catalogue import Context, Evidence
from zhirong.indicators.frames import derived
from zhirong.kernel.dates import add_months
from zhirong.numerics.cooccurrence import false_discovery
from zhirong.valuation.navigation.expressions import claim_categories, family_offices
from zhirong.valuation.navigation.survey import share
from zhirong.valuation.navigation.types import CategoryGap, OfficeGap, OpenFiling

__all__ = ["category_gaps", "groups_of", "office_gaps", "open_filings"]

GAP_RATE = 0.1
"""False-discovery rate below which a smaller share is called a gap."""
LEADERS, PORTFOLIO = "leaders", "portfolio"


def groups_of(
    evidence: Evidence, context: Context, land: ibis.Table, leaders: Sequence[str], portfolio: Sequence[str]
) -> ibis.Table:
    """Return ``patent_id``, ``group``: living patents of the leaders in the landscape, and those of the portfolio."""
    held = derived(evidence, context, "owners").select("patent_id", "owner_id")
    alive = land.filter(land.status.isin(["in_force", "pending"])).select("patent_id")
    theirs = (
        alive.inner_join(held.filter(held.owner_id.isin(list(leaders))), "patent_id").select("patent_id").distinct()
    )
    theirs = theirs.filter(~theirs.patent_id.isin(list(portfolio)))
    mine = evidence["patents"].filter(lambda t: t.patent_id.isin(list(portfolio))).select("patent_id")
    return ibis.union(theirs.mutate(group=ibis.literal(LEADERS)), mine.mutate(group=ibis.literal(PORTFOLIO)))


def office_gaps(evidence: Evidence, context: Context, groups: ibis.Table, *, shown: int = 12) -> tuple[OfficeGap, ...]:
    """Compare where families of both groups live; offices by the leaders' share, largest first."""
    rows = context.engine.to_arrow(family_offices(evidence, context, groups)).to_pylist()
    counts = {(r["group"], r["office"]): int(r["families"]) for r in rows}
    theirs, mine = counts.get((LEADERS, None), 0), counts.get((PORTFOLIO, None), 0)
    offices = sorted({office for _, office in counts if office is not None})
    tested = _compare([(counts.get((LEADERS, o), 0), counts.get((PORTFOLIO, o), 0)) for o in offices], theirs, mine)
    gaps = [
        OfficeGap(office, share(a, theirs), share(b, mine), p, q, _is_gap(a, theirs, b, mine, q))
        for office, (a, b, p, q) in zip(offices, tested, strict=True)
    ]
    return tuple(sorted(gaps, key=lambda g: (-(g.leaders.value or 0.0), g.office))[:shown])


def category_gaps(evidence: Evidence, context: Context, groups: ibis.Table) -> tuple[CategoryGap, ...]:
    """Compare categories of independent claims; only patents whose claims the store knows count."""
    rows = context.engine.to_arrow(claim_categories(evidence, groups)).to_pylist()
    patents: dict[str, set[str]] = {LEADERS: set(), PORTFOLIO: set()}
    having: dict[tuple[str, str], set[str]] = {}
    for r in rows:
        patents[r["group"]].add(r["patent_id"])
        having.setdefault((r["group"], r["category"]), set()).add(r["patent_id"])
    categories = sorted({category for _, category in having})
    theirs, mine = len(patents[LEADERS]), len(patents[PORTFOLIO])
    pairs = [(len(having.get((LEADERS, c), ())), len(having.get((PORTFOLIO, c), ()))) for c in categories]
    tested = _compare(pairs, theirs, mine)
    return tuple(
        CategoryGap(
            category, share(a, theirs), share(b, mine), p, q, _is_gap(a, theirs, b, mine, q),
            tuple(sorted(patents[PORTFOLIO] - having.get((PORTFOLIO, category), set()))),
        )
        for category, (a, b, p, q) in zip(categories, tested, strict=True)
    )  # fmt: skip


def _compare(pairs: Sequence[tuple[int, int]], theirs: int, mine: int) -> list[tuple[int, int, float, float]]:
    """Return counts, the one-sided exact probability (Fisher) that ours is as low by chance, and its discovery rate."""
    p = np.array([float(stats.hypergeom.cdf(b, theirs + mine, a + b, mine)) if mine else 1.0 for a, b in pairs])
    q = false_discovery(p) if p.size else p
    return [(a, b, float(x), float(y)) for (a, b), x, y in zip(pairs, p, q, strict=True)]


def _is_gap(a: int, theirs: int, b: int, mine: int, q: float) -> bool:
    return bool(theirs and mine and q < GAP_RATE and a / theirs > b / mine)


def open_filings(
    evidence: Evidence, context: Context, portfolio: Sequence[str], *, priority_months: int, national_phase_months: int
) -> tuple[OpenFiling, ...]:
    """Return the patents to which a country, or claims, can still be added at the date.

    The first day of the priority year is the earliest priority known, else the filing. Patents whose status is unknown are
    listed with None where their months are still open.
    """
    ids = list(portfolio)
    patents = evidence["patents"].filter(lambda t: t.patent_id.isin(ids))
    status = derived(evidence, context, "status").filter(lambda t: t.patent_id.isin(ids)).select("patent_id", "status")
    rows = context.engine.to_arrow(patents.select("patent_id", "priority_date", "filing_date", "family_id")).to_pylist()
    state = {r["patent_id"]: r["status"] for r in context.engine.to_arrow(status).to_pylist()}
    families = evidence["families"]
    international = (
        families.filter((families.office == "WO") & families.end_date.isnull()).select("family_id").distinct()
    )
    worldwide = {r["family_id"] for r in context.engine.to_arrow(
        international.semi_join(patents.filter(lambda t: t.family_id.notnull()).select("family_id"), "family_id")
    ).to_pylist()}  # fmt: skip
    found = [
        _open(r, state.get(r["patent_id"]), r["family_id"] in worldwide, context.as_of,
              priority_months, national_phase_months)
        for r in sorted(rows, key=lambda r: str(r["patent_id"]))
    ]  # fmt: skip
    return tuple(item for item in found if item is not None)


def _open(
    row: Mapping[str, Any], status: str | None, is_international: bool, as_of: date,
    priority_months: int, national_phase_months: int,
) -> OpenFiling | None:  # fmt: skip
    start = row["priority_date"] or row["filing_date"]
    until = add_months(start, priority_months) if start is not None else None
    national = add_months(start, national_phase_months) if start is not None and is_international else None
    until = until if until is not None and until >= as_of else None
    national = national if national is not None and national >= as_of else None
    pending = None if status is None else status == "pending"
    if until is None and national is None and not pending:
        return None
    return OpenFiling(row["patent_id"], until, national, pending)
