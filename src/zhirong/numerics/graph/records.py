"""What a pass needs to know about the patent at the other end of a citation, in one cache line.

A pass over 100 million citations waits for memory, not for arithmetic. The day, the year and the classes of a patent
lie therefore in 32 consecutive bytes, and each citation costs one access instead of five. Patents with more than four
subclasses continue in ordinary compressed rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from zhirong.numerics.graph.compiled import kernel, require

__all__ = ["INLINE_CLASSES", "NO_CLASS", "ClassRows", "VertexRecords", "build_records", "count_classes"]

Array = np.ndarray[Any, Any]

INLINE_CLASSES = 4
"""Subclasses kept inside a record."""

NO_CLASS = np.uint16(65_535)
"""Primary class of a vertex that has none."""

YEAR, PRIMARY, SYMBOLS, CLASSES, ROOM, COUNT, ACTING, FOCAL = 0, 1, 2, 3, 4, 8, 12, 14
"""Places in a record: acting year, primary class, symbols, subclasses, the inline subclasses, their symbols, two days."""

_MAX = 65_534


@dataclass(frozen=True, slots=True)
class ClassRows:
    """Class symbols of each vertex, counted by subclass.

    Parameters
    ----------
    class_count : int
        Distinct subclasses, at most 65,534.
    start : int64, shape (n + 1,)
        Subclasses of v are ``code[start[v]:start[v + 1]]``.
    code : uint16, shape (k,)
        Subclass, 0 to ``class_count - 1``, distinct within a vertex.
    symbols : uint16, shape (k,)
        Symbols of the vertex in that subclass, at least 1.
    primary : uint16, shape (n,)
        Subclass of the first symbol; `NO_CLASS` where unknown.
    """

    class_count: int
    start: Array
    code: Array
    symbols: Array
    primary: Array


@dataclass(frozen=True, slots=True)
class VertexRecords:
    """Records of all vertices and the class rows they were made from.

    Parameters
    ----------
    record : uint16, shape (n, 16)
        One record a vertex.
    classes : ClassRows
        Where records with more than `INLINE_CLASSES` subclasses continue.
    """

    record: Array
    classes: ClassRows


@kernel
def _place(vertex: Array, code: Array, cursor: Array, placed: Array) -> None:
    for e in range(vertex.size):
        placed[cursor[vertex[e]]] = code[e]
        cursor[vertex[e]] += 1


@kernel
def _count_runs(start: Array, placed: Array, symbols: Array, kept: Array) -> None:
    """Sort the codes of each vertex and keep each once with its count, packed to the front."""
    out = 0
    for v in range(start.size - 1):
        first, last = start[v], start[v + 1]
        for k in range(first + 1, last):
            x = placed[k]
            j = k - 1
            while j >= first and placed[j] > x:
                placed[j + 1] = placed[j]
                j -= 1
            placed[j + 1] = x
        k = first
        while k < last:
            end = k
            while end < last and placed[end] == placed[k]:
                end += 1
            placed[out] = placed[k]
            symbols[out] = end - k
            out += 1
            k = end
        kept[v + 1] = out


def count_classes(vertex: Array, code: Array, vertex_count: int, class_count: int, primary: Array) -> ClassRows:
    """Count the class symbols of each vertex by subclass.

    Parameters
    ----------
    vertex : int32, shape (k,)
        Vertex of each symbol, in any order.
    code : integer, shape (k,)
        Subclass of each symbol, 0 to ``class_count - 1``.
    vertex_count, class_count : int
        Vertices; subclasses, at most 65,534.
    primary : uint16, shape (n,)
        Subclass of the first symbol; `NO_CLASS` where unknown.

    Returns
    -------
    ClassRows

    Raises
    ------
    DomainError
        For arrays of unequal length, or too many subclasses.
    """
    require(vertex.shape == code.shape, "vertex and code are of equal length")
    require(class_count <= _MAX, f"{class_count} subclasses; at most {_MAX} are possible")
    start = np.zeros(vertex_count + 1, np.int64)
    np.cumsum(np.bincount(vertex, minlength=vertex_count), out=start[1:])
    placed, symbols = np.empty(vertex.size, np.uint16), np.empty(vertex.size, np.uint16)
    kept = np.zeros(vertex_count + 1, np.int64)
    _place(vertex, code.astype(np.uint16), start[:-1].copy(), placed)
    _count_runs(start, placed, symbols, kept)
    size = int(kept[-1])
    return ClassRows(class_count, kept, placed[:size].copy(), symbols[:size].copy(), primary)


@kernel
def _fill(record: Array, start: Array, code: Array, symbols: Array, primary: Array) -> int:
    for v in range(record.shape[0]):
        total = 0
        n = start[v + 1] - start[v]
        for j in range(n):
            total += symbols[start[v] + j]
            if j < INLINE_CLASSES:
                record[v, ROOM + j] = code[start[v] + j]
                record[v, COUNT + j] = symbols[start[v] + j]
        if total > _MAX:
            return v
        record[v, SYMBOLS] = total
        record[v, CLASSES] = n
        record[v, PRIMARY] = primary[v]
    return -1


def build_records(classes: ClassRows, acting_year: Array, acting_day: Array, focal_day: Array) -> VertexRecords:
    """Pack what the passes read of each vertex.

    Parameters
    ----------
    classes : ClassRows
        Class symbols.
    acting_year : int32, shape (n,)
        Year from which the vertex cites, 1 to 9999; 0 where unknown.
    acting_day, focal_day : int32, shape (n,)
        Day from which the vertex cites, and day of its own publication; `NO_DAY` where unknown.

    Returns
    -------
    VertexRecords

    Raises
    ------
    DomainError
        For more than 65,534 subclasses, or more symbols than that on one vertex.
    """
    n = acting_year.shape[0]
    require(classes.start.shape == (n + 1,) and classes.primary.shape == (n,), "class rows have one row a vertex")
    require(classes.class_count <= _MAX, f"{classes.class_count} subclasses; at most {_MAX} are possible")
    record = np.zeros((n, 16), np.uint16)
    bad = _fill(record, classes.start, classes.code, classes.symbols, classes.primary)
    require(bad < 0, f"vertex {bad} has more than {_MAX} class symbols")
    record[:, YEAR] = acting_year
    for place, day in ((ACTING, acting_day), (FOCAL, focal_day)):
        record[:, place] = day & 0xFFFF
        record[:, place + 1] = (day >> 16) & 0xFFFF
    return VertexRecords(record, classes)
