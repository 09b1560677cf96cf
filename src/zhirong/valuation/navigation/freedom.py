"""Freedom-to-operate flags: rights of others that were cited against a portfolio and are near in text and class.

A flag is a reason to look. Whether a product falls under a claim is a question of its words and of the product, and is not
answered here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
from numpy.typing import NDArray

from zhirong.indicators.catalogue import Context, Evidence
from zhirong.indicators.frames import derived
from zhirong.numerics.textvec import count_matrix, terms
from zhirong.tables import safe
from zhirong.valuation.navigation.expressions import cited_against
from zhirong.valuation.navigation.types import Flag, Freedom

__all__ = ["documents", "freedom_of", "nearness"]

NEAR = 0.95
"""Percentile of the landscape from which a text counts as near."""
COMPARED_MIN = 20
SAMPLE = 1_500
"""Patents of the landscape against which nearness is judged, chosen by the digest of their numbers."""
_RIGHTS = ("in_force", "pending")
_DEAD = ("lapsed", "expired", "withdrawn", "refused", "surrendered", "invalidated", "ended")
_ORDER = {"red": 0, "amber": 1, "pending": 2}

Texts = Mapping[tuple[str, str], Mapping[str, str]]


def documents(evidence: Evidence, context: Context, patent_ids: Sequence[str]) -> Texts:
    """Return texts by kind (``claims``, ``abstract``) and language, each a mapping of patent to text.

    Claims are the independent ones; a patent with neither claims nor abstract has no text.
    """
    wanted = list(patent_ids)
    claims = evidence["claims"]
    claims = claims.filter(claims.patent_id.isin(wanted) & claims.is_independent.fill_null(False))
    abstracts = evidence["texts"]
    abstracts = abstracts.filter(abstracts.patent_id.isin(wanted) & (abstracts.part == "abstract"))
    found: dict[tuple[str, str], dict[str, str]] = {}
    parts = (
        ("claims", claims.select("patent_id", "language", "text", place="claim_number")),
        ("abstract", abstracts.select("patent_id", "language", "text", place=ibis.literal(0))),
    )
    for kind, table in parts:
        rows = context.engine.to_arrow(table).to_pylist()
        for r in sorted(rows, key=lambda r: (r["patent_id"], r["place"], r["text"])):
            texts = found.setdefault((kind, r["language"] or ""), {})
            texts[r["patent_id"]] = f"{texts.get(r['patent_id'], '')} {r['text']}".strip()
    return found


@dataclass(frozen=True, slots=True)
class _Corpus:
    """Unit vectors of the texts of one kind and language."""

    rows: Mapping[str, int]
    vectors: Any


def nearness(texts: Texts) -> Mapping[tuple[str, str], _Corpus]:
    """Return term vectors (term frequency times inverse document frequency, length 1) of each kind and language."""
    found = {}
    for key, mine in sorted(texts.items()):
        ids = sorted(mine)
        counts, _ = count_matrix([terms(mine[p]) for p in ids])
        frequency = np.asarray((counts > 0).sum(axis=0)).ravel()
        weighed = counts.multiply(np.log((1 + len(ids)) / (1 + frequency))[None, :]).tocsr()
        length = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
        scale = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
        found[key] = _Corpus({p: k for k, p in enumerate(ids)}, weighed.multiply(scale[:, None]).tocsr())
    return found


def freedom_of(evidence: Evidence, context: Context, land: ibis.Table, portfolio: Sequence[str],
               names: Mapping[str, str]) -> Freedom:  # fmt: skip
    """Return the flags of a portfolio.

    Parameters
    ----------
    evidence, context : Mapping, Context
        Evidence at the date.
    land : ibis.Table
        Patents of the landscape: the background against which texts are near or far.
    portfolio : sequence of str
        Patents that the store knows.
    names : Mapping of str to str
        Names of owners.
    """
    engine = context.engine
    rows = engine.to_arrow(cited_against(evidence, context, portfolio)).to_pylist()
    rows = _strongest_category(rows)
    cites = evidence["citations"]
    citing = set(engine.to_arrow(cites.filter(cites.citing_id.isin(list(portfolio))).select("citing_id").distinct())
                 ["citing_id"].to_pylist())  # fmt: skip
    adverse = [r for r in rows if r["is_adverse"]]
    alive = [r for r in adverse if r["status"] in _RIGHTS]
    flags, far = _flags(evidence, context, land, portfolio, alive, names) if alive else ([], 0)
    return Freedom(
        flags=tuple(flags),
        searched=len(portfolio),
        without_citations=len(set(portfolio) - citing),
        adverse=len(adverse),
        dead=sum(r["status"] in _DEAD for r in adverse),
        far=far,
        outside=sum(not r["is_in_store"] for r in adverse),
        status_unknown=sum(r["is_in_store"] and r["status"] is None for r in adverse),
        uncategorised=sum(r["is_adverse"] is None for r in rows),
        near=NEAR,
    )


def _strongest_category(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return one row a pair, adverse before others, categorised before none."""
    best: dict[tuple[str, str], Mapping[str, Any]] = {}
    for r in sorted(rows, key=lambda r: (r["is_adverse"] is None, not r["is_adverse"], str(r["category"]))):
        best.setdefault((r["patent_id"], r["cited_id"]), r)
    return [best[key] for key in sorted(best)]


def _flags(
    evidence: Evidence, context: Context, land: ibis.Table, portfolio: Sequence[str],
    alive: Sequence[Mapping[str, Any]], names: Mapping[str, str],
) -> tuple[list[Flag], int]:  # fmt: skip
    background = land.filter(~land.patent_id.isin(list(portfolio)))
    chosen = background.order_by([safe.stable_hash(background.patent_id), background.patent_id]).limit(SAMPLE)
    sampled = context.engine.to_arrow(chosen.select("patent_id"))["patent_id"].to_pylist()
    ids = sorted({*sampled, *(r["patent_id"] for r in alive), *(r["cited_id"] for r in alive)})
    corpora = nearness(documents(evidence, context, ids))
    groups = _main_groups(evidence, context, sorted({r[n] for r in alive for n in ("patent_id", "cited_id")}))
    others = set(sampled)
    flags, far = [], 0
    for r in alive:
        similarity, percentile, compared = _similar(corpora, r["patent_id"], r["cited_id"], others)
        mine, theirs = groups.get(r["patent_id"]), groups.get(r["cited_id"])
        shared = tuple(sorted(mine & theirs)) if mine and theirs else ()
        strength = _strength(r["status"], percentile, None if mine is None or theirs is None else bool(shared))
        if strength is None:
            far += 1
            continue
        flags.append(
            Flag(
                patent_id=r["patent_id"], cited_id=r["cited_id"], owner=names.get(r["owner_id"], r["owner_id"]),
                office=r["office"], category=r["category"], status=r["status"], similarity=similarity,
                percentile=percentile, compared=compared, shared_classes=shared, strength=strength,
            )
        )  # fmt: skip
    flags.sort(key=lambda f: (_ORDER[f.strength], -(f.percentile or 0.0), f.patent_id, f.cited_id))
    return flags, far


def _strength(status: str, percentile: float | None, in_class: bool | None) -> str | None:
    """Return the strength; None for a right that is known to be far in text and in class."""
    in_text = None if percentile is None else percentile >= NEAR
    if in_text is False and in_class is False:
        return None
    if status == "pending":
        return "pending"
    return "red" if in_text and in_class else "amber"


def _similar(
    corpora: Mapping[tuple[str, str], _Corpus], mine: str, theirs: str, others: set[str]
) -> tuple[float | None, float | None, int]:
    """Return cosine, percentile among the others, and how many those are; claims before abstracts."""
    for (_, _), corpus in sorted(corpora.items(), key=lambda item: (item[0][0] != "claims", item[0][1])):
        if mine not in corpus.rows or theirs not in corpus.rows:
            continue
        cosines: NDArray[np.float64] = np.asarray(
            (corpus.vectors @ corpus.vectors[corpus.rows[mine]].T).todense(), np.float64
        ).ravel()
        value = float(np.clip(cosines[corpus.rows[theirs]], 0, 1))
        rest = np.array([cosines[k] for p, k in corpus.rows.items() if p in others and p not in (mine, theirs)])
        if rest.size < COMPARED_MIN:
            return value, None, int(rest.size)
        return value, float((rest < value).mean()), int(rest.size)
    return None, None, 0


def _main_groups(evidence: Evidence, context: Context, ids: Sequence[str]) -> dict[str, set[str]]:
    symbols = derived(evidence, context, "classes")
    rows = context.engine.to_arrow(
        symbols.filter(symbols.patent_id.isin(list(ids))).select("patent_id", "subclass", "main_group").distinct()
    ).to_pylist()
    found: dict[str, set[str]] = {}
    for r in rows:
        found.setdefault(r["patent_id"], set()).add(f"{r['subclass']}{r['main_group'] or ''}")
    return found
