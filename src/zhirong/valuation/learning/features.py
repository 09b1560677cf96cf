"""Features of patents at the dates of their labels: indicators computed from what was known before each label's day.

Days are put into buckets (ends of years or of quarters), the catalogue is computed once for each bucket, and each label
takes the last bucket that ended before its day. A table of features carries the day it was computed for, as the file it
was read from says, not as the caller says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from zhirong.indicators import compute, evidence_at, lookup
from zhirong.indicators.catalogue import AS_OF_KEY
from zhirong.kernel.errors import DomainError
from zhirong.tables import Engine, Store, safe
from zhirong.tables.parquet import parquet_metadata

__all__ = [
    "CATEGORIES",
    "INDICATORS",
    "MONOTONE",
    "Bucket",
    "FeatureTable",
    "bucket_before",
    "features_at",
    "features_of",
    "recoded",
]

Bucket = Literal["year", "quarter"]
Progress = Callable[[str, int, int], None]

INDICATORS: tuple[str, ...] = (
    "oecd.technology_field", "oecd.scope", "oecd.backward_citations", "oecd.originality", "citation.in_degree_all",
    "citation.x_received", "oecd.claims", "claim.independent_count", "claim.shortest_independent_words",
    "claim.tree_depth", "claim.method_share", "oecd.family_size", "family.country_count", "family.is_triadic",
    "oecd.grant_lag", "oecd.npl_citations", "legal.age", "legal.remaining_life", "legal.transfer_count",
    "legal.licence_count", "legal.pledge_count", "legal.suit_count", "legal.suits_won", "legal.challenges_survived",
    "legal.challenges_lost", "party.inventor_count", "party.owner_count", "party.is_university_firm", "party.is_foreign",
    "economy.sector_growth", "economy.product_revenue",
)  # fmt: skip
"""Indicators used where the caller names none: those whose meaning does not change with the office or the year."""

CATEGORIES: tuple[str, ...] = ("oecd.technology_field", "patent.office", "patent.right_type")
"""Features without an order."""

MONOTONE: Mapping[str, int] = {
    "oecd.family_size": 1,
    "family.country_count": 1,
    "citation.in_degree_all": 1,
    "legal.remaining_life": 1,
    "legal.challenges_survived": 1,
    "legal.challenges_lost": -1,
    "legal.suits_won": 1,
}
"""Signs that economics gives, all else equal: who pays for protection in more places or defends it with success holds more;
a longer life left cannot lower a value, nor can a use by others; a lost challenge cannot raise it. Counts of claims and
their length are left free: broad and narrow drafting both have their price."""


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """Features of patents at days.

    Attributes
    ----------
    names : tuple of str
        Columns.
    values : ndarray of float64, shape (n, len(names))
        NaN where unknown. Categories hold codes: index in `levels`, NaN where unknown.
    levels : Mapping of str to tuple of str
        Categories in order of code, by feature.
    patent_id : ndarray of str, shape (n,)
        Rows.
    known_by : ndarray of datetime64[D], shape (n,)
        Day at which each row's features were computed: nothing later entered.
    texts : tuple of str
        Text of each row as published by that day; empty where unknown. Empty tuple where texts were not asked for.
    fingerprints : Mapping of str to str
        Fingerprints of the evidence.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    levels: Mapping[str, tuple[str, ...]]
    patent_id: NDArray[Any]
    known_by: NDArray[np.datetime64]
    texts: tuple[str, ...]
    fingerprints: Mapping[str, str]

    def __post_init__(self) -> None:
        n = len(self.patent_id)
        assert self.values.shape == (n, len(self.names)), "one column a name, one row a patent and day"
        assert self.known_by.shape == (n,), "one day a row"
        assert len(self.texts) in (0, n), "a text for each row, or none"

    def with_column(self, name: str, values: NDArray[np.float64]) -> FeatureTable:
        """Return the table with one more feature of the user's own; its `known_by` is the table's."""
        if name in self.names:
            raise DomainError(f"a feature {name} is there already")
        column = np.asarray(values, np.float64).reshape(-1, 1)
        return FeatureTable(
            (*self.names, name), np.hstack([self.values, column]), self.levels, self.patent_id, self.known_by,
            self.texts, self.fingerprints,
        )  # fmt: skip

    def take(self, rows: NDArray[Any]) -> FeatureTable:
        """Return some rows."""
        return FeatureTable(
            self.names, self.values[rows], self.levels, self.patent_id[rows], self.known_by[rows],
            tuple(np.array(self.texts, object)[rows]) if self.texts else (), self.fingerprints,
        )  # fmt: skip

    def column(self, name: str) -> NDArray[np.float64]:
        """Return one feature; NaN everywhere where the table does not have it."""
        if name not in self.names:
            return np.full(len(self.patent_id), np.nan)
        return self.values[:, self.names.index(name)]

    def category(self, name: str) -> list[str | None]:
        """Return the names of a category, row by row."""
        codes = self.column(name)
        levels = self.levels.get(name, ())
        return [None if np.isnan(c) else levels[int(c)] for c in codes]


def bucket_before(day: date, bucket: Bucket = "year") -> date:
    """Return the end of the last whole year or quarter before a day.

    Examples
    --------
    >>> bucket_before(date(2020, 12, 31))
    datetime.date(2019, 12, 31)
    >>> bucket_before(date(2020, 8, 3), "quarter")
    datetime.date(2020, 6, 30)
    """
    if bucket == "year":
        return date(day.year - 1, 12, 31)
    start = date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
    return start - timedelta(days=1)


def features_of(
    store: Store,
    engine: Engine,
    patent_id: NDArray[Any],
    day: NDArray[np.datetime64],
    *,
    indicators: Sequence[str] = INDICATORS,
    bucket: Bucket = "year",
    with_texts: bool = False,
    progress: Progress | None = None,
) -> tuple[FeatureTable, NDArray[np.int64]]:
    """Return features of labels, each from the last bucket before its day.

    Parameters
    ----------
    store, engine : Store, Engine
        Evidence.
    patent_id, day : ndarray, shape (n,)
        Labels.
    indicators : sequence of str
        Indicator ids; `patent.office`, `patent.right_type` and `owner.stock` are added.
    bucket : {"year", "quarter"}
        Years need a run of the catalogue a year, quarters four.
    with_texts : bool
        Take texts along.
    progress : callable, optional
        Told of each bucket.

    Returns
    -------
    tuple of (FeatureTable, ndarray)
        Features, and the labels they belong to: labels of patents that were not public in their bucket have none.
    """
    buckets = np.array([bucket_before(d, bucket) for d in day.astype(object)], dtype="datetime64[D]")
    parts: list[FeatureTable] = []
    rows: list[NDArray[np.int64]] = []
    days = np.unique(buckets)
    for number, at in enumerate(days, start=1):
        if progress is not None:
            progress(f"features {at}", number, len(days))
        mine = np.flatnonzero(buckets == at)
        table = features_at(
            store, engine, at.astype(object), ids=set(patent_id[mine]), indicators=indicators, with_texts=with_texts
        )
        place = {patent: i for i, patent in enumerate(table.patent_id)}
        found = np.array([r for r in mine if patent_id[r] in place], np.int64)
        parts.append(table.take(np.array([place[patent_id[r]] for r in found], np.int64)))
        rows.append(found)
    order = np.argsort(np.concatenate(rows), kind="stable") if rows else np.zeros(0, np.int64)
    joined = _joined(parts, indicators, store)
    return joined.take(order), np.concatenate(rows)[order] if rows else np.zeros(0, np.int64)


def features_at(
    store: Store,
    engine: Engine,
    at: date,
    *,
    ids: set[str] | None = None,
    indicators: Sequence[str] = INDICATORS,
    with_texts: bool = False,
) -> FeatureTable:
    """Return features of patents as known at the end of a day.

    Parameters
    ----------
    store, engine : Store, Engine
        Evidence.
    at : date
        Nothing later enters.
    ids : set of str, optional
        Patents; those not public by `at` are left out. All where not given.
    indicators : sequence of str
        Indicator ids.
    with_texts : bool
        Take texts along.
    """
    wanted = [lookup(i) for i in indicators]
    out = engine.scratch / f"features-{at.isoformat()}-{len(list(engine.scratch.iterdir())):05d}.parquet"
    compute(store, engine, as_of=at, out=out, only=[i.id for i in wanted])
    stamped = date.fromisoformat(parquet_metadata(out)[AS_OF_KEY])
    wide = pq.read_table(out)
    out.unlink()
    tables = evidence_at({name: store.read(engine, name) for name in ("patents", "patent_parties", "texts")}, stamped)
    facts = engine.to_arrow(_facts(tables)).to_pylist()
    by_patent = {row["patent_id"]: row for row in facts}
    patents = np.array(wide["patent_id"].to_pylist(), object)
    keep = np.array([i for i, p in enumerate(patents) if ids is None or p in ids], np.int64)
    patents = patents[keep]
    columns, levels = [], {}
    for item in wanted:
        column = wide[item.column].take(pa.array(keep))
        values = np.asarray(column.cast(pa.float64()).to_pandas().to_numpy(np.float64, na_value=np.nan), np.float64)
        if item.id in CATEGORIES:
            values, levels[item.id] = _coded([None if np.isnan(v) else str(int(v)) for v in values])
        columns.append(values)
    for name in ("office", "right_type"):
        values, levels[f"patent.{name}"] = _coded([by_patent[p][name] for p in patents])
        columns.append(values)
    stock = [by_patent[p]["stock"] for p in patents]
    columns.append(np.array([np.nan if s is None else float(s) for s in stock]))
    names = (*(i.id for i in wanted), "patent.office", "patent.right_type", "owner.stock")
    texts = _texts(tables, engine, patents) if with_texts else ()
    known = np.full(len(patents), np.datetime64(stamped, "D"))
    matrix = np.column_stack(columns) if len(patents) else np.zeros((0, len(names)))
    return FeatureTable(names, matrix, levels, patents, known, texts, store.fingerprints())


def _facts(tables: Mapping[str, ibis.Table]) -> ibis.Table:
    """Office, right and the granted and pending patents of the first owner, one row a patent."""
    holders = tables["patent_parties"].filter(lambda t: t.role.isin(["applicant", "assignee", "owner"]))
    stock = holders.group_by("party_id").aggregate(stock=lambda t: t.patent_id.nunique())
    first = safe.first(
        holders, by=["patent_id"],
        order_by=[ibis.asc(holders.sequence), ibis.asc(holders.role), ibis.asc(holders.party_id)],
    ).select("patent_id", "party_id")  # fmt: skip
    owned = first.inner_join(stock, "party_id").select("patent_id", "stock")
    patents = tables["patents"].select("patent_id", "office", "right_type")
    return patents.left_join(owned, "patent_id").select("patent_id", "office", "right_type", "stock")


def _texts(tables: Mapping[str, ibis.Table], engine: Engine, patents: NDArray[Any]) -> tuple[str, ...]:
    """Title and abstract as known, all languages in order."""
    titled = tables["patents"].select("patent_id", "title")
    abstracts = tables["texts"].filter(lambda t: t.part == "abstract").select("patent_id", "language", "text")
    found: dict[str, list[str]] = {}
    for row in engine.to_arrow(titled).to_pylist():
        found[row["patent_id"]] = [row["title"]] if row["title"] else []
    rows = engine.to_arrow(abstracts).to_pylist()
    for row in sorted(rows, key=lambda r: (r["patent_id"], r["language"])):
        found.setdefault(row["patent_id"], []).append(row["text"])
    return tuple("\n".join(found.get(p, [])) for p in patents)


def _coded(names: Sequence[str | None]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    levels = tuple(sorted({n for n in names if n is not None}))
    place = {name: float(i) for i, name in enumerate(levels)}
    return np.array([np.nan if n is None else place[n] for n in names], np.float64), levels


def recoded(
    values: NDArray[np.float64], levels: tuple[str, ...], wanted: tuple[str, ...]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return codes under another order of levels (NaN where it has none), and where a known level was not in it."""
    place = {name: float(i) for i, name in enumerate(wanted)}
    table = np.array([place.get(name, np.nan) for name in levels] + [np.nan])
    codes = table[np.where(np.isnan(values), len(levels), values).astype(np.int64)]
    return codes, ~np.isnan(values) & np.isnan(codes)


def _joined(parts: list[FeatureTable], indicators: Sequence[str], store: Store) -> FeatureTable:
    names = (*indicators, "patent.office", "patent.right_type", "owner.stock")
    if not parts:
        none = np.zeros(0, object)
        return FeatureTable(names, np.zeros((0, len(names))), {}, none, none.astype("datetime64[D]"), (), {})
    levels: dict[str, tuple[str, ...]] = {}
    for name in parts[0].levels:
        levels[name] = tuple(sorted({level for part in parts for level in part.levels[name]}))
    blocks = []
    for part in parts:
        block = part.values.copy()
        for name, wanted in levels.items():
            place = part.names.index(name)
            block[:, place], _ = recoded(block[:, place], part.levels[name], wanted)
        blocks.append(block)
    return FeatureTable(
        parts[0].names, np.vstack(blocks), levels, np.concatenate([p.patent_id for p in parts]),
        np.concatenate([p.known_by for p in parts]), tuple(t for p in parts for t in p.texts), store.fingerprints(),
    )  # fmt: skip
