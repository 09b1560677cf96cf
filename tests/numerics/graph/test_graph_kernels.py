"""Kernels of the citation graph against plain Python on random graphs, limit cases, and bad input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhirong.kernel.errors import DomainError
from zhirong.numerics.graph import (
    NO_CLASS,
    NO_DAY,
    ClassRows,
    KeyCodes,
    backward_pass,
    build_graph,
    build_records,
    cohort_rank,
    disruption,
    family_citations,
    forward_pass,
    order_by_day,
    owner_pass,
    text_keys,
)

N = 14
edge_lists = st.lists(st.tuples(st.integers(0, N - 1), st.integers(0, N - 1)), max_size=70)
day_lists = st.lists(st.one_of(st.integers(0, 40), st.just(int(NO_DAY))), min_size=N, max_size=N)


def arrays_of(edges: list[tuple[int, int]]) -> tuple[Any, Any]:
    pairs = np.array(edges, np.int32).reshape(-1, 2)
    return pairs[:, 0].copy(), pairs[:, 1].copy()


def sets_of(edges: list[tuple[int, int]]) -> tuple[list[set[int]], list[set[int]]]:
    references: list[set[int]] = [set() for _ in range(N)]
    citers: list[set[int]] = [set() for _ in range(N)]
    for a, b in edges:
        if a != b:
            references[a].add(b)
            citers[b].add(a)
    return references, citers


@given(edge_lists, st.integers(1, 4))
def test_graph_holds_each_pair_once_in_both_directions(edges: list[tuple[int, int]], threads: int) -> None:
    graph = build_graph(*arrays_of(edges), N, threads=threads)
    references, citers = sets_of(edges)
    for v in range(N):
        assert graph.reference[graph.reference_start[v] : graph.reference_start[v + 1]].tolist() == sorted(
            references[v]
        )
        assert graph.citing[graph.citation_start[v] : graph.citation_start[v + 1]].tolist() == sorted(citers[v])


@given(edge_lists, st.data())
def test_of_repeated_edges_the_highest_category_stays(edges: list[tuple[int, int]], data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.integers(0, 2), min_size=len(edges), max_size=len(edges)))
    graph = build_graph(*arrays_of(edges), N, category=np.array(kinds, np.int8))
    best: dict[tuple[int, int], int] = {}
    for (a, b), kind in zip(edges, kinds, strict=True):
        if a != b:
            best[a, b] = max(kind, best.get((a, b), 0))
    assert graph.has_categories == any(best.values())
    if graph.has_categories:
        rows = np.repeat(np.arange(N), graph.out_degree)
        found = zip(rows.tolist(), graph.reference.tolist(), graph.reference_category.tolist(), strict=True)
        assert {(a, b): kind for a, b, kind in found} == best
        rows = np.repeat(np.arange(N), graph.in_degree)
        found = zip(graph.citing.tolist(), rows.tolist(), graph.citation_category.tolist(), strict=True)
        assert {(a, b): kind for a, b, kind in found} == best


def test_memory_mapped_graph_is_the_same(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    citing, cited = rng.integers(0, 500, (2, 4000)).astype(np.int32)
    plain, mapped = build_graph(citing, cited, 500), build_graph(citing, cited, 500, scratch=tmp_path)
    assert np.array_equal(plain.reference, mapped.reference)
    assert np.array_equal(plain.citing, mapped.citing)


@given(edge_lists, day_lists, st.integers(1, 30), st.integers(0, 5), st.integers(1, 3))
@settings(max_examples=200)
def test_disruption_equals_the_definition(
    edges: list[tuple[int, int]], days: list[int], window: int, hub: int, threads: int
) -> None:
    """Also whatever counts as a hub: with 0 every cited vertex is one."""
    order = order_by_day(np.array(days, np.int32))
    graph = build_graph(*arrays_of(edges), N, rank=order.rank)
    found = disruption(graph, order.day, order.day, window_days=window, hub_citations=hub, threads=threads)
    references, citers = sets_of(edges)
    for old in range(N):
        new = int(order.rank[old])
        if days[old] == NO_DAY:
            assert np.isnan(found.cd[new])
            continue
        end = days[old] + window
        inside = {v for v in range(N) if days[v] != NO_DAY and days[old] < days[v] <= end}
        a = citers[old] & inside
        b = set().union(*(citers[r] for r in references[old])) & inside - {old}
        reach = sum(days[v] != NO_DAY and days[v] <= end for v in citers[old])
        terms = [-2 * (v in a) * (v in b) + (v in a) for v in a | b]
        assert found.union_count[new] == len(terms)
        assert found.reach_count[new] == reach
        if terms:
            assert found.cd[new] == pytest.approx(sum(terms) / len(terms), abs=1e-15)
            assert found.mcd[new] == pytest.approx(sum(terms) / len(terms) * reach, abs=1e-12)
        else:
            assert np.isnan(found.cd[new])


def test_stamps_survive_more_vertices_than_they_can_count() -> None:
    """65,536 stamps are used up twice; a chain has CD 1 for its first and NaN for its last vertex."""
    n = 150_000
    v = np.arange(n - 1, dtype=np.int32)
    graph = build_graph(v + 1, v, n)
    day = np.arange(n, dtype=np.int32)
    found = disruption(graph, day, day, window_days=3, threads=1)
    assert found.cd[0] == 1.0
    assert np.isnan(found.cd[-1])
    assert np.all(found.cd[1:-1] == 1.0)


@given(edge_lists, day_lists, st.integers(0, 1000), st.integers(1, 3))
@settings(max_examples=60)
def test_passes_equal_the_definitions(edges: list[tuple[int, int]], days: list[int], seed: int, threads: int) -> None:
    rng = np.random.default_rng(seed)
    scaled = [d if d == NO_DAY else d * 200 for d in days]
    order = order_by_day(np.array(scaled, np.int32))
    edges = [(int(order.rank[a]), int(order.rank[b])) for a, b in edges]
    graph = build_graph(*arrays_of(edges), N)
    day = order.day
    known = day != NO_DAY
    year = np.where(known, 1970 + day // 365, 0).astype(np.int32)
    symbols = [{int(c): int(rng.integers(1, 4)) for c in rng.choice(9, rng.integers(0, 8), replace=False)} for _ in day]
    primary = [next(iter(s)) if s else None for s in symbols]
    rows = ClassRows(
        9,
        np.cumsum([0, *(len(s) for s in symbols)]).astype(np.int64),
        np.array([c for s in symbols for c in sorted(s)], np.uint16),
        np.array([s[c] for s in symbols for c in sorted(s)], np.uint16),
        np.array([NO_CLASS if p is None else p for p in primary], np.uint16),
    )
    records = build_records(rows, year, day, day)
    vertex = np.arange(N, dtype=np.int32)
    forward = forward_pass(graph, records, vertex, year, day, threads=threads)
    backward = backward_pass(graph, records, vertex, day, threads=threads)
    references, citers = sets_of(edges)

    def same(found: float, expected: float | None) -> bool:
        return bool(np.isnan(found)) if expected is None else bool(abs(found - expected) < 1e-12)

    for v in range(N):
        spans = [year[i] - year[v] for i in citers[v] if year[i] and year[v]]
        assert forward.counts[v].tolist() == [sum(0 <= s <= t for s in spans) for t in (5, 7)]
        lags = [(int(day[i]) - int(day[v])) / 365.25 for i in citers[v] if known[i] and known[v]]
        assert same(forward.lag_mean_years[v], float(np.mean(lags)) if lags else None)
        assert same(forward.lag_median_years[v], float(np.median(lags)) if lags else None)
        ages = [(int(day[v]) - int(day[r])) / 365.25 for r in references[v] if known[r] and known[v]]
        assert same(backward.cycle_time_years[v], float(np.median(ages)) if ages else None)
        assert same(forward.generality[v], mean_share_spread([symbols[i] for i in citers[v]]))
        assert same(forward.generality_pooled[v], pooled_spread([symbols[i] for i in citers[v]]))
        assert same(backward.originality[v], pooled_spread([symbols[r] for r in references[v]]))
        assert same(forward.generality_corrected[v], corrected_spread([primary[i] for i in citers[v]]))
        assert same(backward.originality_corrected[v], corrected_spread([primary[r] for r in references[v]]))
        cited = [(c, n) for r in references[v] for c, n in symbols[r].items()]
        foreign = sum(n for c, n in cited if c not in symbols[v])
        known_classes = bool(cited) and bool(symbols[v])
        assert same(backward.radicalness[v], foreign / sum(n for _, n in cited) if known_classes else None)


def mean_share_spread(others: list[dict[int, int]]) -> float | None:
    others = [s for s in others if s]
    if not others:
        return None
    classes = set().union(*others)
    means = [sum(s.get(c, 0) / sum(s.values()) for s in others) / len(others) for c in classes]
    return 1 - sum(m * m for m in means)


def pooled_spread(others: list[dict[int, int]]) -> float | None:
    total = sum(sum(s.values()) for s in others)
    if not total:
        return None
    return 1 - sum((sum(s.get(c, 0) for s in others) / total) ** 2 for c in set().union(*others))


def corrected_spread(classes: list[int | None]) -> float | None:
    found = [c for c in classes if c is not None]
    n = len(found)
    if n < 2:
        return None
    return n / (n - 1) * (1 - sum((found.count(c) / n) ** 2 for c in set(found)))


def test_owner_pass_tells_own_from_third_party() -> None:
    """0 is cited as X by 1 (shares an owner), 2 (third party, dead), 3 (owner unknown), 4 (third party, status unknown)."""
    citing, cited = np.array([1, 2, 3, 4], np.int32), np.zeros(4, np.int32)
    graph = build_graph(citing, cited, 5, category=np.full(4, 2, np.int8))
    start, owner = np.array([0, 2, 4, 5, 5, 6]), np.array([1, 5, 2, 5, 7, 8], np.int32)
    live = np.array([1, 1, 0, 1, -1], np.int8)
    found = owner_pass(graph, np.array([0], np.int32), start, owner, live, direction="forward")
    assert (found.known_count[0], found.self_count[0], found.categorised_count[0]) == (3, 1, 4)
    assert (found.third_party_xy_count[0], found.third_party_xy_live_count[0]) == (2, 0)
    assert (found.unknown_owner_xy_count[0], found.unknown_live_xy_count[0]) == (1, 1)


def test_families_count_each_pair_once_by_its_heaviest_member() -> None:
    graph = build_graph(np.array([2, 3, 4, 1], np.int32), np.array([0, 1, 0, 0], np.int32), 5)
    family = np.array([0, 0, 1, 1, 2], np.int32)
    found = family_citations(graph, family, 3, np.array([1.0, 1.0, 2.0, 5.0, 1.0]))
    assert found.citing_count.tolist() == [2, 0, 0]
    assert found.weighted.tolist() == [6.0, 0.0, 0.0]


@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(-5, 5)), max_size=40))
def test_cohort_rank_counts_larger_values(rows: list[tuple[int, int]]) -> None:
    cohort, value = (np.array([r[i] for r in rows], np.int64) for i in (0, 1))
    found = cohort_rank(cohort, value)
    for i, (c, x) in enumerate(rows):
        mates = [y for d, y in rows if d == c]
        assert found.member_count[i] == (len(mates) if c >= 0 else 0)
        assert found.above_count[i] == (sum(y > x for y in mates) if c >= 0 else -1)


@given(st.lists(st.text("ABUS0123456789é/", max_size=18), max_size=60))
def test_codes_follow_texts(texts: list[str]) -> None:
    raw = [t.encode() for t in texts]
    offsets = np.cumsum([0, *(len(b) for b in raw)])
    keys = text_keys(offsets, np.frombuffer(b"".join(raw), np.uint8))
    codes = KeyCodes()
    expected = {t: i for i, t in enumerate(dict.fromkeys(texts))}
    assert codes.add(keys).tolist() == [expected[t] for t in texts]
    assert codes.find(keys).tolist() == [expected[t] for t in texts]


def test_leading_zeros_and_offices_keep_numbers_apart() -> None:
    texts = [b"US1", b"US01", b"US001", b"EP1", b"US10", b"U1", b"us1", b"USX1", b"US1234567890123456"]
    keys = text_keys(np.cumsum([0, *(len(t) for t in texts)]), np.frombuffer(b"".join(texts), np.uint8))
    assert len(set(keys.tolist())) == len(texts)


def test_codes_survive_growth() -> None:
    keys = np.random.default_rng(2).integers(0, 2**63, 200_000).astype(np.uint64)
    codes = KeyCodes(10)
    first = codes.add(keys[:1000])
    codes.add(keys)
    assert np.array_equal(codes.find(keys[:1000]), first)
    assert codes.count == len(np.unique(keys))
    assert codes.find(np.array([2**64 - 1], np.uint64)).tolist() == [-1]


def test_bad_input_is_refused() -> None:
    one = np.zeros(1, np.int32)
    with pytest.raises(DomainError, match=r"outside 0\.\.0"):
        build_graph(one + 1, one, 1)
    with pytest.raises(DomainError, match="equal length"):
        build_graph(one, np.zeros(2, np.int32), 1)
    graph = build_graph(np.array([1], np.int32), np.array([0], np.int32), 2)
    with pytest.raises(DomainError, match="numbered by acting day"):
        disruption(graph, np.array([2, 1], np.int32), np.array([2, 1], np.int32))
    with pytest.raises(DomainError, match="window_days"):
        disruption(graph, np.array([1, 2], np.int32), np.array([1, 2], np.int32), window_days=0)
    with pytest.raises(DomainError, match="above zero"):
        family_citations(graph, np.zeros(2, np.int32), 1, np.zeros(2))
