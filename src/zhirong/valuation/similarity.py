"""How alike a patent is to the patents of deals: technology, text, age, claims, family, owner, office, date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from zhirong.kernel.identifiers import ClassSymbol
from zhirong.numerics.textvec import count_matrix, terms
from zhirong.params import field_of
from zhirong.valuation.knowledge import Knowledge

__all__ = ["COMPONENTS", "FeatureTable", "Features", "TextSpace", "features_of", "right_group", "total_distance"]

Floats = NDArray[np.float64]
COMPONENTS = ("technology", "text", "age_years", "log_claims", "log_family", "party", "office", "deal_age_years")
"""Parts of the distance, in the order of the columns."""
_YEAR_DAYS = 365.25


@dataclass(frozen=True, slots=True)
class Features:
    """What is compared of a patent; None and empty are unknown.

    Attributes
    ----------
    patent_id, office : str
        Patent and its office.
    right : str
        ``invention`` (reissues too), ``utility_model``, ``design``...
    title : str or None
        Title.
    field : int or None
        WIPO field of its first class.
    subclasses, groups : frozenset of str
        IPC or CPC subclasses, and main groups.
    filing_date : date or None
        Filing.
    claims, family : int or None
        Claims; members of the family.
    owner_type : str or None
        Kind of its first owner.
    words : tuple of str
        Terms of title and abstract.
    """

    patent_id: str
    office: str
    right: str
    title: str | None
    field: int | None
    subclasses: frozenset[str]
    groups: frozenset[str]
    filing_date: date | None
    claims: int | None
    family: int | None
    owner_type: str | None
    words: tuple[str, ...]


def right_group(right_type: str | None) -> str:
    """Return the group within which rights are compared: prices of designs say nothing of inventions."""
    return "invention" if right_type in (None, "reissue") else str(right_type)


def features_of(known: Knowledge, patent_ids: Sequence[str]) -> dict[str, Features]:
    """Return the features of those patents that the store knows at the date."""
    wanted = sorted(set(patent_ids))
    if not wanted:
        return {}
    tables, engine = known.tables, known.engine
    patents = engine.among(tables["patents"], "patent_id", wanted)
    rows = engine.to_arrow(patents).to_pylist()
    classes = _grouped(known, "classifications", wanted, "scheme", "sequence", "symbol", "subclass", "main_group")
    texts = _grouped(known, "texts", wanted, "part", "language", "text")
    families = tables["families"].semi_join(patents, "family_id").group_by("family_id")
    sizes = {
        row["family_id"]: int(row["n"])
        for row in engine.to_arrow(families.aggregate(n=lambda t: t.member_id.nunique())).to_pylist()
    }
    owners = _owner_types(known, wanted)
    return {
        row["patent_id"]: _features(
            row, classes.get(row["patent_id"], []), texts.get(row["patent_id"], []), sizes, owners.get(row["patent_id"])
        )
        for row in rows
    }


def _grouped(known: Knowledge, table: str, wanted: list[str], *columns: str) -> dict[str, list[dict[str, Any]]]:
    chosen = known.engine.among(known.tables[table], "patent_id", wanted).select("patent_id", *columns)
    found: dict[str, list[dict[str, Any]]] = {}
    for row in known.engine.to_arrow(chosen).to_pylist():
        found.setdefault(row["patent_id"], []).append(row)
    return found


def _owner_types(known: Knowledge, wanted: list[str]) -> dict[str, str]:
    roles = known.tables["patent_parties"]
    roles = roles.filter(lambda t: t.role.isin(["owner", "assignee", "applicant"]) & (t.sequence == 1))
    roles = known.engine.among(roles, "patent_id", wanted)
    joined = roles.inner_join(known.tables["parties"].select("party_id", "party_type"), "party_id")
    rows = known.engine.to_arrow(joined.select("patent_id", "role", "party_type")).to_pylist()
    order = {"owner": 2, "assignee": 1, "applicant": 0}
    found: dict[str, str] = {}
    for row in sorted(rows, key=lambda r: (order[r["role"]], r["party_type"] or "")):
        if row["party_type"]:
            found[row["patent_id"]] = row["party_type"]
    return found


def _features(
    row: dict[str, Any], classes: list[dict[str, Any]], texts: list[dict[str, Any]], sizes: Mapping[str, int], owner: str | None
) -> Features:  # fmt: skip
    known = [c for c in classes if c["subclass"] and c["scheme"] in ("ipc", "cpc")]
    known.sort(key=lambda c: (c["scheme"] != "ipc", c["sequence"] if c["sequence"] is not None else 99, c["symbol"]))
    fields = (field_of(ClassSymbol(c["subclass"], c["main_group"])) for c in known)
    abstracts = sorted((t for t in texts if t["part"] == "abstract"), key=lambda t: str(t["language"]))
    words = terms(" ".join(filter(None, [row["title"], *(t["text"] for t in abstracts)])))
    family = sizes.get(row["family_id"] or "") or row["stated_family_size"]
    return Features(
        row["patent_id"], row["office"], right_group(row["right_type"]), row["title"], next((f for f in fields if f), None),
        frozenset(c["subclass"] for c in known),
        frozenset(f"{c['subclass']}{c['main_group']}" for c in known if c["main_group"]), row["filing_date"],
        row["claim_count"], family, owner, tuple(words),
    )  # fmt: skip


class TextSpace:
    """Terms of the patents of deals, weighed by how few of them use a term; other texts are projected into it.

    Parameters
    ----------
    documents : sequence of sequences of str
        Terms of each patent.
    """

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        counts, self._columns = count_matrix(documents)
        used = np.asarray((counts > 0).sum(axis=0)).ravel()
        self._weights = np.log((1.0 + counts.shape[0]) / (1.0 + used)) + 1e-9
        self._by_term = sparse.csc_matrix(self._unit(counts))
        self._is_han = np.array([_is_han(words) for words in documents], dtype=object)

    def _unit(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        weighed = sparse.csr_matrix(counts.multiply(self._weights[None, :]))
        length = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
        return sparse.diags(np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)) @ weighed

    def cosines(self, words: Sequence[str]) -> Floats:
        """Return the cosine of a text to each document, 0-1; NaN where one has no words or they are in different scripts."""
        script = _is_han(words)
        comparable = np.array([script is not None and other == script for other in self._is_han], dtype=bool)
        found: dict[int, float] = {}
        for word in words:
            if (column := self._columns.get(word)) is not None:
                found[column] = found.get(column, 0.0) + 1.0
        cosine = np.zeros(self._by_term.shape[0])
        if found:
            at = np.sort(np.array(list(found), np.int64))
            weighed = np.array([found[column] for column in at.tolist()]) * self._weights[at]
            cosine = self._by_term[:, at] @ (weighed / np.sqrt((weighed**2).sum()))
        return np.where(comparable, np.clip(cosine, 0.0, 1.0), np.nan)


def _is_han(words: Sequence[str]) -> bool | None:
    """Return whether most terms are Chinese; None without terms."""
    return sum(word[0] > "㐀" for word in words) * 2 > len(words) if words else None


class FeatureTable:
    """Features of the patents of deals as arrays, so that one patent is compared with all of them at once.

    Parameters
    ----------
    others : sequence of Features, length n
        Patents of deals.
    days : sequence of date, length n
        Dates of the deals.
    """

    def __init__(self, others: Sequence[Features], days: Sequence[date]) -> None:
        self._field = np.array([other.field or 0 for other in others])
        self._subclasses = _Sets([other.subclasses for other in others])
        self._groups = _Sets([other.groups for other in others])
        self._days = np.array([day.toordinal() for day in days], np.float64)
        self._ages = np.array([_known(_age(o, d)) for o, d in zip(others, days, strict=True)])
        self._claims = np.array([_log_count(other.claims) for other in others])
        self._family = np.array([_log_count(other.family) for other in others])
        self._owner = np.array([other.owner_type or "" for other in others])
        self._office = np.array([other.office for other in others])

    def distances(self, subject: Features, day: date, cosines: Floats, shares: Mapping[str, float]) -> Floats:
        """Return the parts of the distance from a patent on a day to each patent of a deal.

        Parameters
        ----------
        subject : Features
            Patent.
        day : date
            Day of its valuation.
        cosines : ndarray, shape (n,)
            Likeness of texts, NaN where unknown.
        shares : Mapping of str to float
            Parts of technological likeness: ``field``, ``subclass``, ``group``.

        Returns
        -------
        ndarray, shape (n, 8)
            In the order and units of `COMPONENTS`, before division by their scales; NaN where either side is unknown.
        """
        same_field = (self._field == subject.field) & (self._field > 0)
        alike = shares["field"] * same_field + shares["subclass"] * self._subclasses.overlap(subject.subclasses)
        alike = alike + shares["group"] * self._groups.overlap(subject.groups)
        is_classed = (self._subclasses.sizes > 0) & bool(subject.subclasses)
        has_owner = (self._owner != "") & (subject.owner_type is not None)
        return np.column_stack(
            [
                np.where(is_classed, 1.0 - alike, np.nan),
                1.0 - cosines,
                np.abs(self._ages - _known(_age(subject, day))),
                np.abs(self._claims - _log_count(subject.claims)),
                np.abs(self._family - _log_count(subject.family)),
                np.where(has_owner, self._owner != subject.owner_type, np.nan),
                self._office != subject.office,
                np.abs(day.toordinal() - self._days) / _YEAR_DAYS,
            ]
        ).astype(np.float64)


class _Sets:
    """Sets of symbols as rows of an incidence matrix, each of length 1."""

    def __init__(self, sets: Sequence[frozenset[str]]) -> None:
        self._columns = {symbol: i for i, symbol in enumerate(sorted(frozenset().union(*sets)))}
        self.sizes = np.array([len(members) for members in sets])
        rows = np.repeat(np.arange(len(sets)), self.sizes)
        columns = [self._columns[symbol] for members in sets for symbol in sorted(members)]
        value = 1.0 / np.sqrt(np.repeat(self.sizes, self.sizes))
        self._matrix = sparse.csr_matrix((value, (rows, columns)), shape=(len(sets), len(self._columns)))

    def overlap(self, members: frozenset[str]) -> Floats:
        """Return shared symbols over the geometric mean of the sizes, 0-1."""
        row = np.zeros(len(self._columns))
        at = [self._columns[symbol] for symbol in members if symbol in self._columns]
        row[at] = 1.0 / np.sqrt(max(len(members), 1))
        return np.asarray(self._matrix @ row, np.float64)


def total_distance(parts: Floats, scales: Mapping[str, float]) -> Floats:
    """Return the distance, square root of the sum of squared parts over their scales.

    An unknown part counts as the root mean square of that part over the rows where it is known, and as one scale where
    it is known nowhere: unknown is neither alike nor as unlike as can be.
    """
    scaled = parts / np.array([float(scales[name]) for name in COMPONENTS])
    known = np.isfinite(scaled)
    square = np.where(known, scaled, 0.0) ** 2
    count = known.sum(axis=0)
    typical = np.divide(square.sum(axis=0), count, out=np.ones(len(COMPONENTS)), where=count > 0)
    return np.asarray(np.sqrt(np.where(known, square, typical).sum(axis=1)), np.float64)


def _log_count(count: int | None) -> float:
    return float("nan") if count is None else float(np.log1p(count))


def _known(value: float | None) -> float:
    return float("nan") if value is None else value


def _age(features: Features, day: date) -> float | None:
    filing = features.filing_date
    return (day - filing).days / _YEAR_DAYS if filing is not None else None
