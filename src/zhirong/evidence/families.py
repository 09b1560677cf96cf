"""Simple families where the source names none: patents that share all, or any, of their earliest applications.

A family of kind ``own`` joins publications of one application, and applications tied by a priority or a parent
application. Only ties that the sources state are used; a patent without any stands alone and gets no family.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from zhirong.kernel.errors import DomainError

__all__ = ["build_families"]


def build_families(
    patents: Iterable[Mapping[str, Any]], ties: Iterable[tuple[str, str]], *, complete: bool = True
) -> list[dict[str, Any]]:
    """Build families from stated priorities and continuity.

    Parameters
    ----------
    patents : iterable of mapping
        Rows of `patents`: `patent_id`, `office`, and where known `application_number`, `kind_code`, `filing_date`,
        `publication_date`, `grant_date`.
    ties : iterable of (str, str)
        `patent_id` and the canonical number of an application it claims priority of, or continues.
    complete : bool
        True: simple families, whose members share exactly the same set of earliest applications (the DOCDB rule).
        False: extended ones, whose members are tied directly or through others (the INPADOC rule).

    Returns
    -------
    list of dict
        Rows of `families` of kind ``own``, for families of two or more members, ordered by family and member.

    Raises
    ------
    DomainError
        When a tie names a patent that is not among the patents.

    Notes
    -----
    The earliest applications of a patent are those reached by following ties to applications that claim none
    themselves; a patent without ties is its own earliest application. A ring of ties counts as one application.

    Examples
    --------
    >>> rows = [{"patent_id": "US1", "office": "US"}, {"patent_id": "EP2", "office": "EP"}]
    >>> [row["member_id"] for row in build_families(rows, [("US1", "DE9"), ("EP2", "DE9")])]
    ['EP2', 'US1']
    """
    known = {str(row["patent_id"]): row for row in sorted(patents, key=lambda row: str(row["patent_id"]))}
    own = {patent: str(row.get("application_number") or f"publication {patent}") for patent, row in known.items()}
    claims: dict[str, set[str]] = defaultdict(set)
    for patent, application in ties:
        if patent not in known:
            raise DomainError(f"a tie names {patent!r}, which is not among the patents")
        if application != own[patent]:
            claims[own[patent]].add(application)
    roots = {application: _earliest(application, claims) for application in set(own.values())}
    groups = _simple(own, roots) if complete else _extended(own, roots)
    return [
        row
        for members in sorted(groups, key=min)
        if len(members) > 1
        for row in _rows(sorted(members), known)
    ]  # fmt: skip


def _earliest(application: str, claims: Mapping[str, set[str]]) -> frozenset[str]:
    """Return the applications without ties of their own that are reached from one; a ring is named by its least."""
    seen, todo, ends = {application}, [application], set()
    while todo:
        current = todo.pop()
        more = claims.get(current, set())
        if not more:
            ends.add(current)
        todo += sorted(more - seen)
        seen |= more
    return frozenset(ends or {min(seen)})


def _simple(own: Mapping[str, str], roots: Mapping[str, frozenset[str]]) -> list[set[str]]:
    groups: dict[frozenset[str], set[str]] = defaultdict(set)
    for patent, application in own.items():
        groups[roots[application]].add(patent)
    return list(groups.values())


def _extended(own: Mapping[str, str], roots: Mapping[str, frozenset[str]]) -> list[set[str]]:
    """Join patents that share an earliest application, directly or through others."""
    above: dict[str, str] = {}

    def top(root: str) -> str:
        while (parent := above.setdefault(root, root)) != root:
            above[root] = root = above.setdefault(parent, parent)
        return root

    for ends in roots.values():
        first, *rest = sorted(ends)
        for end in rest:
            above[top(end)] = top(first)
    groups: dict[str, set[str]] = defaultdict(set)
    for patent, application in own.items():
        groups[top(next(iter(roots[application])))].add(patent)
    return list(groups.values())


def _rows(members: list[str], known: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "family_id": f"own:{members[0]}", "member_id": member, "family_kind": "own",
            "office": known[member]["office"], "kind_code": known[member].get("kind_code"),
            "application_date": known[member].get("filing_date"),
            "publication_date": known[member].get("publication_date"), "grant_date": known[member].get("grant_date"),
        }
        for member in members
    ]  # fmt: skip
