"""Who is likely to buy: those that build on the patents, work next to them, and have bought before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import ibis

from zhirong.kernel.text import Bilingual
from zhirong.valuation import Background

__all__ = ["Buyer", "likely_buyers"]

_RECENT_DAYS = 5 * 365
_WEIGHTS = {"citing": 2.0, "near": 1.0, "bought": 1.0, "licensed": 1.5}
"""Of the logarithm of one more than each count: a declared order of evidence, not a fitted model."""


@dataclass(frozen=True, slots=True)
class Buyer:
    """A party that may want the patents.

    Attributes
    ----------
    owner_id : str
        Linked party.
    name : str
        One of its names.
    score : float
        Sum of ``weight log(1 + count)``; only its order means something.
    citing : int
        Its patents that cite the lots.
    near : int
        Its patents of the same main group, filed in the last five years.
    bought, licensed : int
        Patents it bought, and took a licence of, known by the day, in any field.
    reasons : tuple of Bilingual
        The counts in words.
    """

    owner_id: str
    name: str
    score: float
    citing: int
    near: int
    bought: int
    licensed: int
    reasons: tuple[Bilingual, ...]


def likely_buyers(background: Background, patent_ids: Sequence[str], *, most: int = 10) -> tuple[Buyer, ...]:
    """Return likely buyers, likeliest first; the owners of the lots and parties linked to them are left out.

    Parameters
    ----------
    background : Background
        The store at its date; nothing later is seen.
    patent_ids : sequence of str
        Lots.
    most : int
        How many to return.
    """
    tables, engine = background.tables, background.engine
    parties = tables["parties"].select("party_id", "name", owner_id=lambda t: ibis.coalesce(t.cluster_id, t.party_id))
    roles = tables["patent_parties"].filter(
        lambda t: t.role.isin(["owner", "assignee", "applicant"]) & t.to_date.isnull()
    )
    held = roles.inner_join(parties, "party_id").select("patent_id", "owner_id").distinct()
    ids = sorted(set(patent_ids))

    def counted(frame: Any) -> dict[str, int]:
        rows = engine.to_arrow(frame.group_by("owner_id").aggregate(count=lambda t: t.patent_id.nunique())).to_pylist()
        return {row["owner_id"]: int(row["count"]) for row in rows}

    mine = {row["owner_id"] for row in engine.to_arrow(engine.among(held, "patent_id", ids)).to_pylist()}
    citing = engine.among(tables["citations"], "cited_id", ids).select(patent_id="citing_id").distinct()
    counts = {"citing": counted(held.semi_join(citing, "patent_id"))}
    classes = (
        tables["classifications"]
        .filter(lambda t: t.main_group.notnull())
        .select("patent_id", "subclass", "main_group")
        .distinct()
    )
    ours = engine.among(classes, "patent_id", ids).select("subclass", "main_group").distinct()
    since = background.as_of - timedelta(days=_RECENT_DAYS)
    recent = tables["patents"].filter(lambda t: t.filing_date >= since).select("patent_id")
    near = (
        classes.semi_join(ours, ["subclass", "main_group"])
        .semi_join(recent, "patent_id")
        .select("patent_id")
        .distinct()
    )
    counts["near"] = counted(held.semi_join(near, "patent_id"))
    deals = tables["deals"].filter(lambda t: t.buyer_id.notnull() & (t.is_sold.isnull() | t.is_sold))
    for name, kinds in (("bought", ["sale", "auction_lot"]), ("licensed", ["licence"])):
        chosen = deals.filter(lambda t, kinds=kinds: t.deal_type.isin(kinds)).select("patent_id", party_id="buyer_id")
        counts[name] = counted(chosen.inner_join(parties, "party_id").select("patent_id", "owner_id"))
    known = set(counts["citing"]) | set(counts["near"])
    scored = sorted(
        ((_score(counts, owner), owner) for owner in known - mine), key=lambda pair: (-pair[0], pair[1])
    )[:most]  # fmt: skip
    names = _names(background, parties, [owner for _, owner in scored])
    return tuple(_buyer(owner, names.get(owner, owner), score, counts) for score, owner in scored)


def _score(counts: dict[str, dict[str, int]], owner: str) -> float:
    return sum(weight * math.log1p(counts[name].get(owner, 0)) for name, weight in _WEIGHTS.items())


def _names(background: Background, parties: Any, owners: list[str]) -> dict[str, str]:
    rows = (
        background.engine.to_arrow(background.engine.among(parties, "owner_id", owners)).to_pylist() if owners else []
    )
    found: dict[str, str] = {}
    for row in sorted(rows, key=lambda r: (r["owner_id"], r["name"])):
        found.setdefault(row["owner_id"], row["name"])
    return found


def _buyer(owner: str, name: str, score: float, counts: dict[str, dict[str, int]]) -> Buyer:
    n = {kind: counts[kind].get(owner, 0) for kind in _WEIGHTS}
    told = {
        "citing": Bilingual(f"其 {n['citing']} 件专利引用了标的", f"{n['citing']} of its patents cite the lots"),
        "near": Bilingual(
            f"近五年在同一主组申请 {n['near']} 件", f"{n['near']} filings in the same main group in five years"
        ),
        "bought": Bilingual(f"曾受让 {n['bought']} 件专利", f"has bought {n['bought']} patents"),
        "licensed": Bilingual(f"曾取得 {n['licensed']} 件专利的许可", f"has taken licences of {n['licensed']} patents"),
    }
    return Buyer(owner, name, score, **n, reasons=tuple(told[kind] for kind in _WEIGHTS if n[kind]))
