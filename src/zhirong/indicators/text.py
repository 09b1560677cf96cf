"""Text measures: novelty, importance, new words, near neighbours of others, support of claim terms.

Title and abstract are read through the engine; vectors and similarities are local (`zhirong.numerics.textvec`) on
every engine, because no join does them well.
"""

from __future__ import annotations

from datetime import date

import ibis
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zhirong.indicators.catalogue import Context, Evidence
from zhirong.indicators.frames import attach, derived, frame, register
from zhirong.numerics.textvec import bigrams, count_matrix, new_terms, similarities, terms

__all__ = ["support", "text"]

_WINDOW = 5
_NEAR = 0.3
"""Parameters ``text.window_years`` and ``text.near``."""

Array = NDArray[np.float64]


def _documents(evidence: Evidence, context: Context) -> ibis.Table:
    """One text a patent: the title and the abstract, in the language with most text."""
    texts = evidence["texts"]
    abstracts = texts.filter(texts.part == "abstract")
    size = abstracts.text.length()
    rank = ibis.row_number().over(
        group_by="patent_id", order_by=[ibis.desc(size), ibis.asc(abstracts.language), ibis.asc(abstracts.source_id)]
    )
    best = abstracts.mutate(_rank=rank).filter(lambda t: t._rank == 0).select("patent_id", "language", "text")
    owners = derived(evidence, context, "owners")
    held = owners.group_by("patent_id").aggregate(owner_id=owners.owner_id.min())
    patents = evidence["patents"]
    rows = patents.select(
        "patent_id",
        "title",
        "title_language",
        published_on=ibis.coalesce(patents.publication_date, patents.grant_date),
    ).inner_join(best, "patent_id")
    t = attach(rows, held, derived(evidence, context, "fields").select("patent_id", "technology_field"))
    same = (t.title_language.isnull() | (t.title_language == t.language)).fill_null(True)
    title = ibis.ifelse(same, t.title.fill_null(""), "")
    return t.filter(t.published_on.notnull()).select(
        "patent_id", "language", "published_on", "owner_id", "technology_field", text=title + " " + t.text
    )


def _codes(values: list[str | None], *, unknown: int = -1) -> NDArray[np.int64]:
    """Integer codes of texts in order of sorting; `unknown` for None."""
    index = {value: i for i, value in enumerate(sorted({v for v in values if v is not None}))}
    return np.array([unknown if v is None else index[v] for v in values], dtype=np.int64)


@frame("text", needs=("owners", "fields"))
def text(evidence: Evidence, context: Context) -> ibis.Table:
    """Text measures; one row a patent that has an abstract."""
    rows = _documents(evidence, context)
    ids: list[str] = []
    languages: list[str | None] = []
    days: list[date] = []
    owners: list[str | None] = []
    fields: list[int | None] = []
    words: list[list[str]] = []
    for batch in context.engine.batches(rows, rows=20_000):
        ids += batch.column("patent_id").to_pylist()
        languages += batch.column("language").to_pylist()
        days += batch.column("published_on").to_pylist()
        owners += batch.column("owner_id").to_pylist()
        fields += batch.column("technology_field").to_pylist()
        words += [terms(value) for value in batch.column("text").to_pylist()]
    table = _measures(context, ids, languages, days, owners, fields, words)
    return attach(evidence["patents"].select("patent_id"), context.engine.facts(table))


def _measures(
    context: Context,
    ids: list[str],
    languages: list[str | None],
    days: list[date],
    owners: list[str | None],
    fields: list[int | None],
    words: list[list[str]],
) -> pa.Table:
    order = sorted(range(len(ids)), key=lambda i: (days[i], ids[i]))
    ids, languages, days = ([x[i] for i in order] for x in (ids, languages, days))  # type: ignore[assignment]
    owners, fields, words = ([x[i] for i in order] for x in (owners, fields, words))  # type: ignore[assignment]
    corpus = _codes(languages, unknown=0)
    year = np.array([d.year for d in days], dtype=np.int64)
    window = int(context.params.get("text.window_years", _WINDOW))
    counts, _ = count_matrix(words)
    field = np.array([0 if f is None else f for f in fields], dtype=np.int64)
    found = similarities(
        counts,
        group=corpus * 100 + field,
        corpus=corpus,
        year=year,
        owner=_codes(owners),
        window=window,
        near=float(context.params.get("text.near", _NEAR)),
    )
    last = context.as_of.year if (context.as_of.month, context.as_of.day) == (12, 31) else context.as_of.year - 1
    is_over = year + window <= last
    forward = np.where(is_over, found.forward_mean, np.nan)
    is_young, new, pairs = _new(words, corpus, year, days, window)
    none = np.array(["no_terms" if not w else None for w in words], dtype=object)
    return pa.table(
        {
            "patent_id": pa.array(ids, pa.string()),
            "similarity_backward": _column(found.backward_mean),
            "similarity_forward": _column(forward),
            "novelty": _column(1.0 - found.backward_max),
            "importance": _column(_importance(found.backward_sum, found.forward_sum, is_over, year, corpus)),
            "near_count": _column(found.near_count),
            "nearest_other": _column(found.nearest_other),
            "new_words": _column(np.where(is_young, np.nan, new[0])),
            "new_word_reuse": _column(np.where(is_young, np.nan, new[1])),
            "new_bigrams": _column(np.where(is_young, np.nan, pairs)),
            "text_flag": pa.array(none, pa.string()),
            "forward_flag": pa.array(np.where(is_over, none, "window_open"), pa.string()),
            "corpus_flag": pa.array(np.where(is_young, "corpus_young", none), pa.string()),
        }
    )


def _column(values: Array) -> pa.Array:
    return pa.array(values, pa.float64(), from_pandas=True)


def _importance(
    before: Array, after: Array, is_over: NDArray[np.bool_], year: NDArray[np.int64], corpus: NDArray[np.int64]
) -> Array:
    """Kelly's q less its mean over the documents of one language and year."""
    usable = is_over & (np.nan_to_num(before) > 0) & (np.nan_to_num(after) > 0)
    out = np.full(before.size, np.nan)
    out[usable] = np.log(after[usable] / before[usable])
    key = corpus * 10_000 + year
    for k in np.unique(key[usable]):
        rows = usable & (key == k)
        out[rows] -= out[rows].mean()
    return out


def _new(
    words: list[list[str]], corpus: NDArray[np.int64], year: NDArray[np.int64], days: list[date], window: int
) -> tuple[NDArray[np.bool_], tuple[Array, Array], Array]:
    """Whether the corpus is too young, new words and their reuse, new pairs."""
    n = len(words)
    day = np.array([d.toordinal() for d in days], dtype=np.int64)
    is_young = np.ones(n, dtype=bool)
    count, reuse, pairs = np.zeros(n), np.zeros(n), np.zeros(n)
    for which in np.unique(corpus):
        rows = np.flatnonzero(corpus == which)
        is_young[rows] = year[rows] < year[rows].min() + window
        mine = [words[i] for i in rows]
        found = new_terms(mine, day[rows])
        count[rows], reuse[rows] = found.count, found.reuse
        pairs[rows] = new_terms([bigrams(w) for w in mine], day[rows]).count
    return is_young, (count, reuse), pairs


@frame("support")
def support(evidence: Evidence, context: Context) -> ibis.Table:
    """Share of the terms of independent claims that the description uses; one row a patent."""
    claims, texts = evidence["claims"], evidence["texts"]
    lead = claims.filter(claims.is_independent.fill_null(False)).select("patent_id", claim="text")
    bodies = texts.filter(texts.part == "description").select("patent_id", "language", body="text")
    used: dict[str, int] = {}
    held: dict[str, int] = {}
    last_body, body_terms = "", frozenset[str]()
    for batch in context.engine.batches(bodies.inner_join(lead, "patent_id"), rows=500):
        for id_, claim, body in zip(
            *(batch.column(name).to_pylist() for name in ("patent_id", "claim", "body")), strict=True
        ):
            if body != last_body:
                last_body, body_terms = body, frozenset(terms(body))
            wanted = set(terms(claim))
            used[id_] = used.get(id_, 0) + len(wanted)
            held[id_] = held.get(id_, 0) + len(wanted & body_terms)
    ids = sorted(id_ for id_, n in used.items() if n)
    shares = pa.array([held[id_] / used[id_] for id_ in ids], pa.float64())
    facts = context.engine.facts(pa.table({"patent_id": pa.array(ids, pa.string()), "term_support": shares}))
    return attach(evidence["patents"].select("patent_id"), facts)


for _name in ("text", "support"):
    register(_name)
