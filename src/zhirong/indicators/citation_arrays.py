"""Tables to arrays: vertices, edges, classes and owners of the citation graph as numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zhirong.indicators.catalogue import Context, Evidence
from zhirong.indicators.citation_expressions import liveness, owners, publication_columns, publications
from zhirong.indicators.frames import derived, sources_with
from zhirong.numerics.graph import (
    NO_CLASS,
    NO_DAY,
    CitationGraph,
    ClassRows,
    KeyCodes,
    build_graph,
    count_classes,
    earliest_day,
    order_by_day,
    text_keys,
)
from zhirong.numerics.graph.csr import CATEGORY_OTHER, CATEGORY_UNKNOWN, CATEGORY_XY

__all__ = [
    "CitationArrays",
    "class_rows",
    "flags",
    "keys_of",
    "liveness_codes",
    "load",
    "owner_rows",
    "primary_order",
    "rows_of",
]

Array = np.ndarray[Any, Any]

_BATCH_ROWS = 1_000_000
_MEMORY_EDGES = 400_000_000


@dataclass(frozen=True, slots=True)
class CitationArrays:
    """A citation graph with what its vertices are.

    Parameters
    ----------
    graph : CitationGraph
        n vertices numbered by acting day; patents with and without a row of their own.
    acting_day, focal_day, acting_year : int32, shape (n,)
        Day from which a vertex cites; its publication; year of the first (0 unknown).
    is_inside : bool, shape (n,)
        The vertex has a row in `patents`.
    vertex : int32, shape (k,)
        Vertices of the known patents, ascending: the rows of every result.
    patent_id : pyarrow.Array, length k
        Identifiers of the rows.
    day, year : int32, shape (k,)
        Publication of the rows; `NO_DAY` and 0 where unknown.
    is_covered : bool, shape (k,)
        The patent's source delivers citations.
    primary_class, office : pyarrow.Array, length k
        Subclass of the first symbol; office.
    codes : KeyCodes
        Codes of identifiers in order of reading.
    rank : int32, shape (n,)
        Vertex number of each code.
    """

    graph: CitationGraph
    acting_day: Array
    focal_day: Array
    acting_year: Array
    is_inside: Array
    vertex: Array
    patent_id: pa.Array
    day: Array
    year: Array
    is_covered: Array
    primary_class: pa.Array
    office: pa.Array
    codes: KeyCodes
    rank: Array

    def number(self, texts: pa.Array | pa.ChunkedArray) -> Array:
        """Return the vertex of each known identifier; every text must have been read before."""
        known = self.codes.count
        numbers = self.codes.add(keys_of(texts))
        assert self.codes.count == known, "an identifier appears that no table of the graph holds"
        result: Array = self.rank[numbers]
        return result

    def find(self, texts: pa.Array | pa.ChunkedArray) -> Array:
        """Return the vertex of each identifier, -1 where the graph has none."""
        numbers = self.codes.find(keys_of(texts))
        result: Array = np.where(numbers >= 0, self.rank[np.maximum(numbers, 0)], -1)
        return result


def keys_of(texts: pa.Array | pa.ChunkedArray) -> Array:
    """Return the 64-bit keys of texts without nulls."""
    if isinstance(texts, pa.ChunkedArray):
        parts = [keys_of(chunk) for chunk in texts.chunks]
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else np.zeros(0, np.uint64)
    if len(texts) == 0:
        return np.zeros(0, np.uint64)
    assert texts.null_count == 0, "an identifier is NULL"
    wide = pa.types.is_large_string(texts.type)
    if not wide and not pa.types.is_string(texts.type):
        texts = texts.cast(pa.string())
    _, offsets, data = texts.buffers()
    kind = np.int64 if wide else np.int32
    bounds = np.frombuffer(offsets, kind)[texts.offset : texts.offset + len(texts) + 1]
    body = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    return text_keys(bounds, body)


def flags(reasons: Sequence[tuple[Array, str | Array]], *, prefix: str = "") -> pa.Array:
    """Return the first reason that holds for each row, NULL where none does.

    Parameters
    ----------
    reasons : sequence of (bool array, str or int array)
        Condition and text; for an integer array the text is `prefix` and the row's number.
    prefix : str
        Before numbers.

    Returns
    -------
    pyarrow.Array
        Strings.
    """
    size = reasons[0][0].size
    code = np.full(size, -1, np.int64)
    names: list[str] = []
    for condition, text in reasons:
        rows = np.flatnonzero(condition & (code < 0))
        if isinstance(text, str):
            code[rows] = len(names)
            names.append(text)
        else:
            distinct, place = np.unique(text[rows], return_inverse=True)
            code[rows] = len(names) + place
            names += [f"{prefix}{number}" for number in distinct]
    index = pa.array(code.astype(np.int32), mask=code < 0)
    return pa.DictionaryArray.from_arrays(index, pa.array(names, pa.string())).cast(pa.string())


def _column(table: pa.Table, name: str) -> Any:
    return table.column(name).combine_chunks()


def _days(values: pa.Array) -> Array:
    if values.null_count == 0 and pa.types.is_date32(values.type):
        whole: Array = values.view(pa.int32()).to_numpy()
        return whole
    days = values.cast(pa.int32()).fill_null(int(NO_DAY)).to_numpy(zero_copy_only=False)
    return np.ascontiguousarray(days, np.int32)


def _years(day: Array) -> Array:
    known = day != NO_DAY
    whole = np.where(known, day, 0).astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    return np.where(known, whole, 0).astype(np.int32)


def load(evidence: Evidence, context: Context, folder: Path, *, with_categories: bool = True) -> CitationArrays:
    """Read patents and citations once and build the graph.

    Parameters
    ----------
    evidence : Mapping
        Tables cut at the date.
    context : Context
        Date, engine, parameters.
    folder : Path
        For memory-mapped arrays, used where the graph has more edges than ``citations.memory_edges``.
    with_categories : bool
        Read the search-report categories, which only the X and Y variants need.

    Returns
    -------
    CitationArrays
    """
    table = _publications(evidence, context)
    ids = _column(table, "patent_id")
    codes = KeyCodes(max(1024, len(ids) + len(ids) // 4))
    own = codes.add(keys_of(ids))
    assert codes.count == len(ids), "patents holds a patent_id twice"
    assert len(ids) == 0 or bool((own[1:] > own[:-1]).all()), "codes follow the rows"
    published = _days(_column(table, "published_on"))
    edges = _read_edges(evidence, context, codes, with_categories=with_categories)
    n = codes.count
    own_day = np.full(n, NO_DAY, np.int32)
    own_day[: len(ids)] = published
    acting = np.full(n, NO_DAY, np.int32)
    earliest_day(edges.citing, edges.citing_day, acting)
    acting = np.where(acting == NO_DAY, own_day, acting)
    printed = np.full(n, NO_DAY, np.int32)
    earliest_day(edges.cited, edges.cited_day, printed)
    order = order_by_day(acting)
    threads = int(context.params.get("citations.threads", 2))
    is_large = edges.citing.size > int(context.params.get("citations.memory_edges", _MEMORY_EDGES))
    graph = build_graph(
        edges.citing,
        edges.cited,
        n,
        category=edges.category,
        rank=order.rank,
        threads=threads,
        scratch=folder if is_large else None,
    )
    focal = np.where(own_day == NO_DAY, printed, own_day)[order.order]
    inside = order.order < len(ids)
    vertex = np.flatnonzero(inside).astype(np.int32)
    rows = pa.array(order.order[vertex])
    day = own_day[order.order[vertex]]
    return CitationArrays(
        graph=graph,
        acting_day=order.day,
        focal_day=focal,
        acting_year=_years(order.day),
        is_inside=inside,
        vertex=vertex,
        patent_id=ids.take(rows),
        day=day,
        year=_years(day),
        is_covered=_column(table, "is_covered").take(rows).to_numpy(zero_copy_only=False),
        primary_class=_column(table, "primary_class").take(rows),
        office=_column(table, "office").take(rows),
        codes=codes,
        rank=order.rank,
    )


def _publications(evidence: Evidence, context: Context) -> pa.Table:
    """Return the table of `citation_expressions.publications`; the few sources are told apart here and not by a join."""
    if "@publications" in evidence:
        return context.engine.to_arrow(publications(evidence, context))
    known = context.engine.to_arrow(sources_with(evidence, "citations", "nonpatent_citations")).column("source_id")
    table = context.engine.to_arrow(publication_columns(evidence["patents"]))
    is_covered = pc.is_in(table.column("source_id"), value_set=known.combine_chunks())
    return table.drop_columns("source_id").append_column("is_covered", is_covered)


@dataclass(frozen=True, slots=True)
class _Edges:
    citing: Array
    cited: Array
    citing_day: Array
    cited_day: Array
    category: Array | None = None


def _read_edges(evidence: Evidence, context: Context, codes: KeyCodes, *, with_categories: bool) -> _Edges:
    rows = evidence["citations"]
    # The scan passes the letters on: Arrow codes a batch of them at once.
    letters = {"category": rows.category} if with_categories else {}
    expr = rows.select("citing_id", "cited_id", "citing_date", "cited_date", **letters)
    parts: list[tuple[Array, ...]] = []
    for batch in _ahead(context.engine.batches(expr, rows=_BATCH_ROWS)):
        citing, cited = (codes.add(keys_of(batch.column(name))) for name in ("citing_id", "cited_id"))
        days = [_days(_column(batch, name)) for name in ("citing_date", "cited_date")]
        parts.append((citing, cited, *days, *(_categories(_column(batch, name)) for name in letters)))
    kinds = (np.int32, np.int32, np.int32, np.int32, *(np.int8 for _ in letters))
    columns: list[Array] = []
    for place, kind in enumerate(kinds):
        whole: Array = np.empty(sum(part[0].size for part in parts), kind)
        at = 0
        for part in parts:
            whole[at : at + part[place].size] = part[place]
            at += part[place].size
        columns.append(whole)
    return _Edges(*columns)


def _ahead(batches: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Yield batches, fetching the next one while the caller works on this one."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, batches, None)
            yield batch


def _categories(letters: Any) -> Array:
    """Return the code of each category, as `citation_expressions.category_code` defines it."""
    if letters.null_count == len(letters):
        return np.full(len(letters), CATEGORY_UNKNOWN, np.int8)
    coded = letters.dictionary_encode()
    names = [name.upper() for name in coded.dictionary.to_pylist()]
    codes = [CATEGORY_XY if "X" in name or "Y" in name else CATEGORY_OTHER for name in names]
    place = coded.indices.fill_null(len(names)).to_numpy(zero_copy_only=False)
    found: Array = np.array([*codes, CATEGORY_UNKNOWN], np.int8)[place]
    return found


def rows_of(vertex: Array, vertex_count: int) -> Array:
    """Return where the rows of each vertex start in an array sorted by vertex, shape (n + 1,)."""
    start = np.zeros(vertex_count + 1, np.int64)
    np.cumsum(np.bincount(vertex, minlength=vertex_count), out=start[1:])
    return start


def _text_codes(texts: Any) -> tuple[Array, pa.Array]:
    """Codes of texts that may be NULL (-1), and the distinct texts."""
    coded = texts.dictionary_encode()
    return coded.indices.fill_null(-1).to_numpy(zero_copy_only=False), coded.dictionary


def class_rows(evidence: Evidence, context: Context, arrays: CitationArrays) -> ClassRows:
    """Return class symbols of every vertex, counted by subclass; codes ascend with the subclass's name."""
    symbols = derived(evidence, context, "classes").select("patent_id", "subclass")
    code_of: dict[str, int] = {}
    vertices: list[Array] = []
    codes: list[Array] = []
    for batch in _ahead(context.engine.batches(symbols, rows=_BATCH_ROWS)):
        vertices.append(arrays.number(batch.column("patent_id")).astype(np.int32))
        codes.append(_place_texts(_column(batch, "subclass"), code_of))
    own = _place_texts(arrays.primary_class, code_of)
    by_name = np.empty(len(code_of) + 1, np.int64)
    by_name[[code_of[name] for name in sorted(code_of)]] = np.arange(len(code_of))
    by_name[-1] = int(NO_CLASS)
    primary = np.full(arrays.graph.vertex_count, NO_CLASS, np.uint16)
    primary[arrays.vertex] = by_name[own]
    vertex = np.concatenate(vertices) if vertices else np.zeros(0, np.int32)
    code = by_name[np.concatenate(codes)].astype(np.uint16) if codes else np.zeros(0, np.uint16)
    return count_classes(vertex, code, arrays.graph.vertex_count, len(code_of), primary)


def _place_texts(texts: Any, code_of: dict[str, int]) -> Array:
    """Codes of texts, new texts getting the next codes; -1 for NULL."""
    index, names = _text_codes(texts)
    place = np.array([code_of.setdefault(name, len(code_of)) for name in names.to_pylist()] + [-1], np.int64)
    codes: Array = place[index]
    return codes


def owner_rows(evidence: Evidence, context: Context, arrays: CitationArrays) -> tuple[Array, Array]:
    """Return starts and owner codes of every vertex, ascending within a vertex."""
    table = context.engine.to_arrow(owners(evidence))
    vertex = arrays.number(table.column("patent_id"))
    owner, _ = _text_codes(_column(table, "owner"))
    order = np.lexsort((owner, vertex))
    return rows_of(vertex, arrays.graph.vertex_count), owner[order].astype(np.int32)


def liveness_codes(evidence: Evidence, context: Context, arrays: CitationArrays) -> Array:
    """Return 1 in force, 0 not, -1 unknown, for every vertex."""
    table = context.engine.to_arrow(liveness(evidence, context))
    live = np.full(arrays.graph.vertex_count, -1, np.int8)
    live[arrays.number(table.column("patent_id"))] = table.column("is_live").to_numpy()
    return live


def primary_order(day: Array, patent_id: pa.Array) -> Array:
    """Return positions by day and identifier, the order in which the first member of a family is chosen."""
    position = np.empty(day.size, np.int64)
    position[pc.sort_indices(patent_id).to_numpy()] = np.arange(day.size)
    order: Array = np.lexsort((position, day))
    return order
