"""How classes grow and who cites them: the small tables behind landscapes and movements."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import ibis

from zhirong.indicators.catalogue import Context, Evidence
from zhirong.indicators.frames import FRAMES, attach, derived

__all__ = ["FRAMES_MOVED", "FRAMES_USED", "class_citations", "class_years", "last_whole_year", "with_frames"]

FRAMES_USED = ("classes", "fields", "status", "main_class", "owners")
"""Frames of the indicators that are read, each after those it needs."""
FRAMES_MOVED = ("classes", "fields", "main_class")
"""Those that growth of classes, citations between them and outcomes of cases need."""


def last_whole_year(as_of: date) -> int:
    """Return the last year that is over at a date."""
    return as_of.year if (as_of.month, as_of.day) == (12, 31) else as_of.year - 1


def with_frames(evidence: Evidence, context: Context, names: Sequence[str] = FRAMES_USED) -> Evidence:
    """Return the evidence with the frames named staged once under ``@<name>``."""
    stock = dict(evidence)
    for name in names:
        if f"@{name}" not in stock:
            stock[f"@{name}"] = context.engine.stage(FRAMES[name].build(stock, context), name)
    return stock


def class_years(evidence: Evidence, context: Context) -> ibis.Table:
    """Return ``main_class``, ``published_year``, ``patents`` over the whole store."""
    t = derived(evidence, context, "main_class")
    t = t.filter(t.main_class.notnull() & t.published_on.notnull())
    t = t.select("main_class", published_year=t.published_on.year().cast("int64"))
    return t.group_by(["main_class", "published_year"]).aggregate(patents=t.count())


def class_citations(evidence: Evidence, context: Context, *, from_year: int) -> ibis.Table:
    """Return who cites a class: ``cited_class``, ``citing_class``, ``year`` (of the citing document), ``citations``."""
    main = derived(evidence, context, "main_class").select("patent_id", "main_class", "published_on")
    cites = evidence["citations"].select("citing_id", "cited_id", "citing_date")
    t = attach(cites, main.rename(citing_id="patent_id", citing_class="main_class", _citing_on="published_on"),
               on="citing_id")  # fmt: skip
    t = attach(t, main.select(cited_id="patent_id", cited_class="main_class"), on="cited_id")
    t = t.mutate(year=ibis.coalesce(t.citing_date, t._citing_on).year().cast("int64"))
    t = t.filter(t.citing_class.notnull() & t.cited_class.notnull() & (t.year >= from_year))
    return t.group_by(["cited_class", "citing_class", "year"]).aggregate(citations=t.count())
