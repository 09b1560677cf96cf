"""Families built from stated ties: by hand, against a brute force, and limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhirong.evidence.families import build_families
from zhirong.kernel.errors import DomainError


def families(ties: list[tuple[str, str]], *ids: str, complete: bool = True, **applications: str) -> set[frozenset[str]]:
    rows = [{"patent_id": i, "office": i[:2], "application_number": applications.get(i)} for i in ids]
    found: dict[str, set[str]] = {}
    for row in build_families(rows, ties, complete=complete):
        found.setdefault(row["family_id"], set()).add(row["member_id"])
        assert row["family_kind"] == "own"
    return {frozenset(members) for members in found.values()}


def test_simple_family_shares_exactly_the_same_priorities() -> None:
    ties = [("US1", "DE9"), ("EP1", "DE9"), ("CN1", "DE9"), ("CN1", "DE8")]
    assert families(ties, "US1", "EP1", "CN1", "JP1") == {frozenset({"US1", "EP1"})}
    assert families(ties, "US1", "EP1", "CN1", "JP1", complete=False) == {frozenset({"US1", "EP1", "CN1"})}


def test_publications_of_one_application_and_its_followers_are_one_family() -> None:
    ties = [("US3", "A1"), ("US4", "A3"), ("EP5", "A1")]
    got = families(
        ties, "US1", "US2", "US3", "US4", "EP5", "US6", US1="A1", US2="A1", US3="A3", US4="A4", EP5="B5", US6="A6"
    )
    assert got == {frozenset({"US1", "US2", "US3", "US4", "EP5"})}


def test_a_ring_ends_and_a_stranger_is_misuse() -> None:
    assert families([("US1", "A2"), ("US2", "A1")], "US1", "US2", US1="A1", US2="A2") == {frozenset({"US1", "US2"})}
    assert families([("US1", "A1")], "US1", US1="A1") == set()
    assert families([]) == set()
    with pytest.raises(DomainError, match="US9"):
        families([("US9", "A1")], "US1")


IDS = [f"US{i}" for i in range(8)]


@given(st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from("abcd")), max_size=12))
def test_extended_families_are_components_and_refine_into_simple_ones(ties: list[tuple[str, str]]) -> None:
    extended = families(ties, *IDS, complete=False)
    reached = {i: {i} for i in IDS}
    for _ in IDS:
        for a, x in ties:
            for b, y in ties:
                if x == y:
                    reached[a] |= reached[b]
                    reached[b] |= reached[a]
    assert extended == {frozenset(group) for group in reached.values() if len(group) > 1}
    for simple in families(ties, *IDS):
        assert any(simple <= group for group in extended)
        assert len({frozenset(x for a, x in ties if a == member) for member in simple}) == 1
