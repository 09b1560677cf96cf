"""The documents and registers of the synthetic world: patents, classes, claims, texts, citations, parties, events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zhirong.kernel.identifiers import cn_check_digit
from zhirong.params import wipo35, wipo35_fields
from zhirong.sample.draw import FIRST_DAY, LAST_DAY, MAINTENANCE_ENDS, OFFICES, Patents
from zhirong.sample.facts import SOURCE_ID
from zhirong.sample.words import Vocabulary
from zhirong.tables import schema_of

__all__ = ["Ints", "build", "dates", "firm_count", "makers", "party_id", "patent_ids"]

Ints = NDArray[np.int64]
_SERIAL = 90_000_000
"""Serials start here, beyond what any office has used, so that no identifier is that of a real patent."""
_KIND = {"CN": ("A", "B"), "US": ("A1", "B2"), "EP": ("A1", "B1"), "JP": ("A", "B2")}


def build(table: str, columns: Mapping[str, Any], count: int) -> pa.Table:
    """Return an Arrow table of a canonical schema; absent columns are NULL, `source_id` is filled in."""
    schema = schema_of(table)
    assert columns.keys() <= set(schema.names), f"{table}: {columns.keys() - set(schema.names)}"
    arrays = []
    for field in schema.arrow:
        if field.name == "source_id":
            arrays.append(pa.array([SOURCE_ID] * count, pa.string()))
        elif field.name in columns:
            values = columns[field.name]
            array = values if isinstance(values, pa.Array) else pa.array(values)
            arrays.append(array.cast(field.type))
        else:
            arrays.append(pa.nulls(count, field.type))
    return pa.Table.from_arrays(arrays, schema=pa.schema([f.with_nullable(True) for f in schema.arrow]))


def dates(days: Ints, *, known: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return days from 1970-01-01 as dates; negative days, and those not `known`, are NULL."""
    mask = days < 0 if known is None else (days < 0) | ~known
    return pa.array(days.astype(np.int32), pa.int32(), mask=mask).cast(pa.date32())


def firm_count(patent_count: int) -> int:
    """Return how many firms a world has."""
    return max(patent_count // 25, 20)


def patent_ids(patents: Patents) -> NDArray[np.str_]:
    """Return the identifier of each patent."""
    serial = (_SERIAL + np.arange(len(patents))).astype(str)
    return np.char.add(OFFICES[patents.office], serial)


def party_id(firm: Ints) -> list[str]:
    """Return the party of each firm index."""
    return [f"synthetic-party-{index:05d}" for index in firm]


def years_of(days: Ints) -> Ints:
    """Return the calendar year of each day."""
    return days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970


def makers(
    rng: np.random.Generator, patents: Patents, citations: tuple[Ints, Ints]
) -> dict[str, Callable[[], pa.Table]]:
    """Return, for each register, the function that makes its table."""
    ids = patent_ids(patents)
    vocabulary = Vocabulary(rng)
    return {
        "patents": lambda: _patents(patents, ids, vocabulary),
        "priorities": lambda: _priorities(patents, ids),
        "families": lambda: _families(rng, patents, ids),
        "classifications": lambda: _classifications(rng, patents, ids),
        "class_titles": _class_titles,
        "claims": lambda: _claims(patents, ids, vocabulary),
        "texts": lambda: _texts(patents, ids, vocabulary),
        "citations": lambda: _citations(rng, patents, ids, citations),
        "nonpatent_citations": lambda: _nonpatent(rng, patents, ids),
        "parties": lambda: _parties(patents),
        "patent_parties": lambda: _patent_parties(rng, patents, ids),
        "legal_events": lambda: _legal_events(rng, patents, ids),
    }


def _patents(patents: Patents, ids: NDArray[np.str_], vocabulary: Vocabulary) -> pa.Table:
    count = len(patents)
    granted = patents.grant >= 0
    office = OFFICES[patents.office]
    filed = years_of(patents.filing)
    kinds = [("U" if kind else _KIND[o][int(g)]) for o, g, kind in zip(office, granted, patents.kind, strict=True)]
    is_dead = patents.lapse >= 0
    status = np.where(is_dead, "lapsed", np.where(granted, "in_force", "pending"))
    titles = [vocabulary.title(f, y, chinese=o == "CN") for f, y, o in zip(patents.field, filed, office, strict=True)]
    columns = {
        "patent_id": ids,
        "office": office,
        "publication_number": np.char.add(ids, np.array(kinds)),
        "kind_code": kinds,
        "application_number": _application_numbers(office, filed, patents.kind),
        "right_type": np.where(patents.kind == 1, "utility_model", "invention"),
        "title": titles,
        "title_language": np.where(office == "CN", "zh", "en"),
        "priority_date": dates(patents.filing),
        "filing_date": dates(patents.filing),
        "publication_date": dates(patents.publication),
        "grant_date": dates(patents.grant),
        "family_id": [f"SYNF{index:07d}" for index in range(count)],
        "claim_count": patents.claims,
        "page_count": 4 + patents.claims // 2,
        "legal_status": status,
        "legal_status_date": dates(np.where(is_dead, patents.lapse, LAST_DAY)),
    }
    return build("patents", columns, count)


def _application_numbers(office: NDArray[np.str_], filed: Ints, kind: Ints) -> list[str]:
    numbers = []
    for index, (o, year, k) in enumerate(zip(office, filed, kind, strict=True)):
        if o == "CN":
            digits = f"{year}{2 if k else 1}{9_000_000 + index % 1_000_000:07d}"
            numbers.append(f"CN{digits}.{cn_check_digit(digits)}")
        else:
            numbers.append(f"{o}{year}9{index:07d}")
    return numbers


def _priorities(patents: Patents, ids: NDArray[np.str_]) -> pa.Table:
    """Every third patent is a first filing that its own priority list names."""
    some = np.arange(0, len(patents), 3)
    office = OFFICES[patents.office]
    numbers = _application_numbers(office, years_of(patents.filing), patents.kind)
    columns = {
        "patent_id": ids[some],
        "application_number": [numbers[index] for index in some],
        "priority_date": dates(patents.filing[some]),
        "office": office[some],
        "kind": ["paris"] * len(some),
    }
    return build("priorities", columns, len(some))


def _families(rng: np.random.Generator, patents: Patents, ids: NDArray[np.str_]) -> pa.Table:
    owner = np.repeat(np.arange(len(patents)), patents.family)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(patents.family) - patents.family, patents.family)
    offices = np.array(["US", "EP", "JP", "CN", "KR", "DE", "GB", "FR", "CA", "AU"])
    other = offices[(patents.office[owner] + place * 3 + 1) % len(offices)]
    is_self = place == 0
    member = np.where(
        is_self, ids[owner], np.char.add(other, (_SERIAL + 5_000_000 + np.arange(len(owner))).astype(str))
    )
    published = np.where(
        is_self, patents.publication[owner], patents.publication[owner] + rng.integers(30, 700, len(owner))
    )
    published = np.minimum(published, LAST_DAY)
    granted = np.where(is_self, patents.grant[owner], np.where(rng.random(len(owner)) < 0.6, published + 600, -1))
    granted = np.where(granted > LAST_DAY, -1, granted)
    columns = {
        "family_id": [f"SYNF{index:07d}" for index in owner],
        "member_id": member,
        "family_kind": ["simple"] * len(owner),
        "office": np.where(is_self, OFFICES[patents.office[owner]], other),
        "application_date": dates(patents.filing[owner]),
        "publication_date": dates(published),
        "grant_date": dates(granted),
        "end_date": dates(np.where(is_self, patents.lapse[owner], -1)),
    }
    return build("families", columns, len(owner))


def _classifications(rng: np.random.Generator, patents: Patents, ids: NDArray[np.str_]) -> pa.Table:
    table = wipo35()
    fields = np.array(table["field"].to_pylist())
    pairs = list(zip(table["subclass"].to_pylist(), table["main_group"].to_pylist(), strict=True))
    by_field = [np.flatnonzero(fields == f) for f in range(36)]
    number = 1 + rng.poisson(1.8, len(patents))
    owner = np.repeat(np.arange(len(patents)), number)
    is_home = rng.random(len(owner)) < 0.7
    is_home[np.cumsum(number) - number] = True
    field = np.where(is_home, patents.field[owner], rng.integers(1, 36, len(owner)))
    pick = rng.random(len(owner))
    skew = rng.random(len(owner)) ** 2
    chosen = [by_field[f][int(p * s * len(by_field[f]))] for f, p, s in zip(field, pick, skew, strict=True)]
    group = rng.integers(1, 40, len(owner))
    sub = rng.integers(0, 30, len(owner)) * 2
    seen: set[tuple[int, str]] = set()
    rows: list[tuple[int, str, str, str]] = []
    for who, row, g, s in zip(owner.tolist(), chosen, group.tolist(), sub.tolist(), strict=True):
        subclass, main = pairs[row]
        main = main or str(g)
        symbol = f"{subclass}{main}/{s:02d}"
        if (who, symbol) not in seen:
            seen.add((who, symbol))
            rows.append((who, symbol, subclass, main))
    who_of = np.array([row[0] for row in rows])
    first = np.r_[True, who_of[1:] != who_of[:-1]]
    start = np.maximum.accumulate(np.where(first, np.arange(len(rows)), 0))
    columns = {
        "patent_id": ids[who_of],
        "scheme": ["ipc"] * len(rows),
        "symbol": [row[1] for row in rows],
        "subclass": [row[2] for row in rows],
        "main_group": [row[3] for row in rows],
        "sequence": np.arange(len(rows)) - start + 1,
        "is_inventive": first,
    }
    return build("classifications", columns, len(rows))


def _class_titles() -> pa.Table:
    """Titles of subclasses: the field that the WIPO concordance puts them in."""
    names = {row["field"]: row["name_en"] for row in wipo35_fields().to_pylist()}
    rows = [row for row in wipo35().to_pylist() if row["main_group"] is None]
    columns = {
        "scheme": ["ipc"] * len(rows),
        "symbol": [row["subclass"] for row in rows],
        "title": [f"Subclass of the field {names[row['field']]!r} (synthetic title)" for row in rows],
    }
    return build("class_titles", columns, len(rows))


def _claims(patents: Patents, ids: NDArray[np.str_], vocabulary: Vocabulary) -> pa.Table:
    columns: dict[str, list[Any]] = {
        name: []
        for name in (
            "patent_id",
            "claim_number",
            "text",
            "is_independent",
            "parent_number",
            "category",
            "word_count",
            "language",
        )
    }
    filed = years_of(patents.filing)
    for index, patent in enumerate(ids.tolist()):
        chinese = patents.office[index] == 0
        shown = min(int(patents.claims[index]), 12)
        made = vocabulary.claims(int(patents.field[index]), int(filed[index]), shown, chinese=chinese)
        for number, (text, parent, category) in enumerate(made, 1):
            _append(columns, (patent, number, text, parent is None, parent, category,
                              _word_count(text, chinese), "zh" if chinese else "en"))  # fmt: skip
    columns["parent_number"] = pa.array(columns["parent_number"], pa.int64())
    return build("claims", columns, len(columns["text"]))


def _append(columns: dict[str, list[Any]], values: Sequence[Any]) -> None:
    for column, value in zip(columns.values(), values, strict=True):
        column.append(value)


def _word_count(text: str, chinese: bool) -> int:
    return sum(c.isalnum() for c in text) if chinese else len(text.split())


def _texts(patents: Patents, ids: NDArray[np.str_], vocabulary: Vocabulary) -> pa.Table:
    filed = years_of(patents.filing)
    chinese = patents.office == 0
    texts = [
        vocabulary.abstract(int(f), int(y), chinese=bool(c))
        for f, y, c in zip(patents.field, filed, chinese, strict=True)
    ]
    columns = {
        "patent_id": ids,
        "part": ["abstract"] * len(ids),
        "language": np.where(chinese, "zh", "en"),
        "text": texts,
    }
    return build("texts", columns, len(ids))


def _citations(rng: np.random.Generator, patents: Patents, ids: NDArray[np.str_], pairs: tuple[Ints, Ints]) -> pa.Table:
    citing, cited = pairs
    count = len(citing)
    category = rng.choice(np.array(["X", "Y", "A", ""]), count, p=(0.12, 0.13, 0.45, 0.3))
    has_category = np.isin(patents.office[citing], (0, 2)) & (category != "")
    columns = {
        "citing_id": ids[citing],
        "cited_id": ids[cited],
        "citing_date": dates(patents.publication[citing]),
        "cited_date": dates(patents.publication[cited]),
        "category": pa.array(category, pa.string(), mask=~has_category),
        "origin": rng.choice(np.array(["examiner", "applicant"]), count, p=(0.6, 0.4)),
    }
    return build("citations", columns, count)


def _nonpatent(rng: np.random.Generator, patents: Patents, ids: NDArray[np.str_]) -> pa.Table:
    number = rng.negative_binomial(0.5, 0.5 / (0.5 + 1.8), len(patents))
    owner = np.repeat(np.arange(len(patents)), number)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(number) - number, number) + 1
    columns = {
        "patent_id": ids[owner],
        "sequence": place,
        "text": [f"Synthetic reference {index}" for index in range(len(owner))],
    }
    return build("nonpatent_citations", columns, len(owner))


def _parties(patents: Patents) -> pa.Table:
    firms = np.arange(int(patents.firm.max()) + 1)
    is_university = firms % 11 == 5
    names = [
        f"合成大学{f:05d}" if u else (f"合成科技有限公司{f:05d}" if f % 3 else f"Synthetic Technologies {f:05d} Ltd")
        for f, u in zip(firms, is_university, strict=True)
    ]
    columns = {
        "party_id": party_id(firms),
        "name": names,
        "normalised_name": [name.casefold() for name in names],
        "party_type": np.where(is_university, "university", "organisation"),
        "language": np.where((firms % 3 == 0) & ~is_university, "en", "zh"),
        "country": np.where((firms % 3 == 0) & ~is_university, "US", "CN"),
        "region_code": pa.array(
            [
                None if (f % 3 == 0 and not u) else str(_PROVINCES[f % len(_PROVINCES)])
                for f, u in zip(firms, is_university, strict=True)
            ],
            pa.string(),
        ),
        "cluster_id": party_id(firms),
        "link_probability": np.ones(len(firms)),
    }
    return build("parties", columns, len(firms))


_PROVINCES = (44, 32, 33, 11, 31, 37, 42, 51, 43, 35, 34, 61, 41, 12, 21, 50)


def _patent_parties(rng: np.random.Generator, patents: Patents, ids: NDArray[np.str_]) -> pa.Table:
    second = np.flatnonzero(rng.random(len(patents)) < 0.08)
    partner = (patents.firm[second] + 1 + rng.integers(0, 10, len(second))) % (patents.firm.max() + 1)
    who = np.r_[np.arange(len(patents)), second]
    firm = np.r_[patents.firm, partner]
    columns = {
        "patent_id": ids[who],
        "party_id": party_id(firm),
        "role": ["applicant"] * len(who),
        "sequence": np.r_[np.ones(len(patents), np.int64), np.full(len(second), 2)],
    }
    return build("patent_parties", columns, len(who))


def _legal_events(rng: np.random.Generator, patents: Patents, ids: NDArray[np.str_]) -> pa.Table:
    """Filed, published, granted, annuities, lapse, transfers, licences, pledges, validity challenges, suits."""
    who: list[Ints] = []
    kind: list[NDArray[np.str_]] = []
    day: list[Ints] = []
    year: list[Ints] = []

    def put(index: Ints, name: str, days: Ints, fee_year: Ints | None = None) -> None:
        keep = (days >= FIRST_DAY) & (days <= LAST_DAY)
        who.append(index[keep])
        kind.append(np.full(int(keep.sum()), name))
        day.append(days[keep])
        year.append((fee_year if fee_year is not None else np.full(len(index), -1))[keep])

    everyone = np.arange(len(patents))
    put(everyone, "filed", patents.filing)
    put(everyone, "published", patents.publication)
    granted = np.flatnonzero(patents.grant >= 0)
    put(granted, "granted", patents.grant[granted])
    end = np.where(patents.lapse >= 0, patents.lapse, LAST_DAY + 1)
    is_us = OFFICES[patents.office[granted]] == "US"
    yearly, periodic = granted[~is_us], granted[is_us]
    for age in range(2, 21):
        due = patents.filing[yearly] + round((age - 1) * 365.25)
        paid = (due >= patents.grant[yearly]) & (due + 300 < end[yearly])
        put(yearly[paid], "annuity_paid", due[paid], np.full(int(paid.sum()), age))
    for age in MAINTENANCE_ENDS:
        due = patents.grant[periodic] + round((age - 0.5) * 365.25)
        paid = due + 300 < end[periodic]
        put(periodic[paid], "annuity_paid", due[paid], np.full(int(paid.sum()), age))
    gone = np.flatnonzero(patents.lapse >= 0)
    full_term = np.where(patents.kind == 1, 10, 20)[gone] * 365.25
    is_full = patents.lapse[gone] - patents.filing[gone] >= full_term
    put(gone[~is_full], "lapsed", patents.lapse[gone[~is_full]])
    put(gone[is_full], "expired", patents.lapse[gone[is_full]])
    z = (patents.log_value - patents.log_value.mean()) / patents.log_value.std()
    life = np.maximum(end - patents.grant, 1)
    for name, share, tilt in (
        ("transferred", 0.07, 0.25), ("licensed", 0.025, 0.3), ("pledged", 0.03, 0.3),
        ("invalidation_requested", 0.012, 0.3), ("litigated", 0.01, 0.35),
    ):  # fmt: skip
        chosen = granted[rng.random(len(granted)) < share * np.exp(tilt * z[granted] - tilt**2 / 2)]
        at = patents.grant[chosen] + (rng.random(len(chosen)) * life[chosen]).astype(np.int64)
        put(chosen, name, at)
        if name == "pledged":
            released = rng.random(len(chosen)) < 0.6
            put(chosen[released], "pledge_released", at[released] + rng.integers(300, 1100, int(released.sum())))
        if name == "invalidation_requested":
            survived = rng.random(len(chosen)) < 0.6
            put(chosen[survived], "maintained", at[survived] + 240)
            put(chosen[~survived], "partially_invalidated", at[~survived] + 240)
    index, days, fee_years = np.concatenate(who), np.concatenate(day), np.concatenate(year)
    names = np.concatenate(kind)
    order = np.lexsort((names, days, index))
    index, names, days, fee_years = index[order], names[order], days[order], fee_years[order]
    columns = {
        "event_id": [f"SYNE{i:08d}" for i in range(len(index))],
        "patent_id": ids[index],
        "event_kind": names,
        "event_date": dates(days),
        "description": ["synthetic"] * len(index),
        "fee_year": pa.array(fee_years, pa.int64(), mask=fee_years < 0),
    }
    return build("legal_events", columns, len(index))
