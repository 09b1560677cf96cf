"""What each PatentsView table holds and how it becomes canonical rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from zhirong.evidence.applications import application_key
from zhirong.evidence.blocks import Block
from zhirong.evidence.names import party_row
from zhirong.evidence.rows import claim_row, plain_text
from zhirong.kernel.errors import IdentifierError
from zhirong.kernel.findings import Severity
from zhirong.kernel.identifiers import parse_class_symbol

__all__ = ["TABLES", "UNUSED", "Locations", "TableSpec"]


@dataclass(frozen=True, slots=True)
class Locations:
    """Places of the table `g_location_disambiguated`: identifier to country, state, city."""

    places: Mapping[str, tuple[str | None, str | None, str | None]]

    def of(self, identifier: str | None) -> tuple[str | None, str | None, str | None]:
        """Return country, state and city; unknown where the identifier is."""
        return self.places.get(identifier or "", (None, None, None))


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One published table.

    Parameters
    ----------
    required, optional, ignored : tuple of str
        Published columns that must be there, are read when there, and are known but not used.
    convert : callable
        Turns one block into rows.
    wants_locations : bool
        The location table beside the file is loaded first.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...]
    ignored: tuple[str, ...]
    convert: Callable[[Block, Locations], None]
    wants_locations: bool = False


_TYPES = {
    "utility": "invention", "design": "design", "plant": "plant", "reissue": "reissue",
    "statutory invention registration": "other", "defensive publication": "other",
    "additional improvement": "other", "tvpp": "other",
}  # fmt: skip
_PARTY_TYPES = {"2": "organisation", "3": "organisation", "4": "person", "5": "person", "6": "government",
                "7": "government", "8": "government", "9": "government"}  # fmt: skip
"""Last digit of `assignee_type`; a leading 1 means part interest."""


def _mapped(values: pa.Array, table: Mapping[str, str]) -> pa.Array:
    lowered = pc.utf8_lower(values)
    return pa.array([table.get(value) if value else None for value in lowered.to_pylist()], pa.string())


def _joined(first: pa.Array, second: pa.Array) -> pa.Array:
    """Join identifiers and kind codes; without a kind code there is no publication number."""
    return pc.binary_join_element_wise(first, second, "")


def _application_numbers(values: pa.Array) -> pa.Array:
    digits = pc.replace_substring_regex(values, r"[^0-9A-Za-z]", "")
    return pc.binary_join_element_wise(pa.scalar("US"), digits, "")


def _patent(block: Block, _: Locations) -> None:
    ids, kind = block.us_ids("patent_id"), block.strings("wipo_kind")
    withdrawn = pc.fill_null(pc.equal(block.strings("withdrawn"), "1"), False)
    granted = block.dates("patent_date")
    block.emit("patents", {
        "patent_id": ids, "office": "US", "publication_number": _joined(ids, kind), "kind_code": kind,
        "right_type": _mapped(block.strings("patent_type"), _TYPES), "title": block.strings("patent_title"),
        "title_language": "en", "publication_date": granted,
        "grant_date": pc.if_else(withdrawn, pa.scalar(None, pa.date32()), granted),
        "claim_count": block.counts("num_claims"),
        "legal_status": pc.if_else(withdrawn, pa.scalar("withdrawn"), pa.scalar(None, pa.string())),
        "legal_status_date": pc.if_else(withdrawn, granted, pa.scalar(None, pa.date32())),
    })  # fmt: skip
    _text_part(block, ids, "patent_abstract", "abstract")


def _text_part(block: Block, ids: pa.Array, column: str, part: str) -> None:
    texts = block.strings(column, is_long=True)
    if texts.null_count == len(texts):
        return
    cleaned: list[str | None] = [plain_text(text) or None if text else None for text in texts.to_pylist()]
    rows = [i for i in block.kept() if cleaned[i] is not None]
    if rows:
        block.give("texts", {
            "patent_id": ids.take(pa.array(rows)), "part": [part] * len(rows), "language": ["en"] * len(rows),
            "text": [cleaned[i] for i in rows],
        }, rows)  # fmt: skip


def _texts(column: str, part: str, key: str = "patent_id") -> Callable[[Block, Locations], None]:
    def convert(block: Block, _: Locations) -> None:
        _text_part(block, block.us_ids(key), column, part)

    return convert


def _application(block: Block, _: Locations) -> None:
    ids = block.us_ids("patent_id")
    block.emit("patents", {
        "patent_id": ids, "office": "US", "filing_date": block.dates("filing_date"),
        "application_number": _application_numbers(block.strings("application_id")),
    })  # fmt: skip


def _priority(block: Block, _: Locations) -> None:
    """Give every priority; the store keeps the earliest of a patent."""
    ids, dates = block.us_ids("patent_id"), block.dates("filing_date")
    known = [i for i in block.kept() if dates[i].is_valid]
    if known:
        take = pa.array(known)
        block.give("patents", {
            "patent_id": ids.take(take), "office": ["US"] * len(known), "priority_date": dates.take(take),
        }, known)  # fmt: skip
    numbers, offices = block.strings("foreign_application_id").to_pylist(), _countries(block).to_pylist()
    keys = [application_key(number, office=office) for number, office in zip(numbers, offices, strict=True)]
    if rows := [i for i in block.kept() if keys[i] is not None]:
        take = pa.array(rows)
        block.give("priorities", {
            "patent_id": ids.take(take), "application_number": [keys[i] for i in rows], "priority_date": dates.take(take),
            "office": [offices[i] for i in rows], "kind": ["paris"] * len(rows),
        }, rows)  # fmt: skip


def _countries(block: Block) -> pa.Array:
    """Return the office of a priority where it is a two-letter code."""
    codes = pc.utf8_upper(pc.utf8_trim_whitespace(block.strings("foreign_country_filed")))
    good = pc.fill_null(pc.match_substring_regex(codes, "^[A-Z]{2}$"), False)
    return pc.if_else(good, codes, pa.scalar(None, pa.string()))


def _publication(block: Block, _: Locations) -> None:
    ids, kind = block.us_ids("pgpub_id"), block.strings("wipo_kind")
    types = block.strings("patent_type")
    if types.null_count == len(types):
        types = block.strings("patent_application_type")
    block.emit("patents", {
        "patent_id": ids, "office": "US", "publication_number": _joined(ids, kind), "kind_code": kind,
        "application_number": _application_numbers(block.strings("application_id")),
        "right_type": _mapped(types, _TYPES), "title": block.strings("application_title"), "title_language": "en",
        "filing_date": block.dates("filing_date"), "publication_date": block.dates("published_date"),
    })  # fmt: skip
    _text_part(block, ids, "application_abstract", "abstract")


def _crosswalk(block: Block, _: Locations) -> None:
    grants = block.strings("patent_id")
    if grants.null_count == len(grants):
        return
    ids = block.us_ids("patent_id", severity=Severity.INFO)
    publications = block.us_ids("pgpub_id")
    rows = [i for i in block.kept() if ids[i].is_valid]
    if rows:
        take = pa.array(rows)
        block.give("patents", {
            "patent_id": ids.take(take), "office": ["US"] * len(rows),
            "earlier_publication_id": publications.take(take),
        }, rows)  # fmt: skip


_ORIGINS = (
    ("examiner", "examiner"),
    ("applicant", "applicant"),
    ("third", "third_party"),
    ("other", "other"),
)


def _origin(values: pa.Array) -> pa.Array:
    known: dict[str | None, str | None] = {None: None}
    for value in pc.unique(values).to_pylist():
        if value is not None:
            known[value] = next((origin for word, origin in _ORIGINS if word in value.lower()), "other")
    return pa.array([known[value] for value in values.to_pylist()], pa.string())


def _us_citation(column: str) -> Callable[[Block, Locations], None]:
    def convert(block: Block, _: Locations) -> None:
        citing, cited = block.us_ids("patent_id"), block.us_ids(column)
        block.emit("citations", {
            "citing_id": citing, "cited_id": cited, "cited_date": block.dates("citation_date", default_day=1),
            "origin": _origin(block.strings("citation_category")),
        })  # fmt: skip

    return convert


def _foreign_citation(block: Block, _: Locations) -> None:
    citing = block.us_ids("patent_id")
    cited = block.foreign_ids("citation_country", "citation_application_id")
    block.emit("citations", {
        "citing_id": citing, "cited_id": cited, "cited_date": block.dates("citation_date", default_day=1),
        "origin": _origin(block.strings("citation_category")),
    })  # fmt: skip


def _reference(block: Block, _: Locations) -> None:
    block.emit("nonpatent_citations", {
        "patent_id": block.us_ids("patent_id"), "sequence": _from_one(block, "other_reference_sequence"),
        "text": block.strings("other_reference_text"),
    })  # fmt: skip


def _from_one(block: Block, name: str) -> pa.Array:
    """Return published sequences, which count from 0, counted from 1; a missing one refuses the row."""
    values = pc.add(block.counts(name), 1)
    block.report(pc.is_null(values), "field.sequence", Severity.ERROR, "a sequence from 0 is needed", name)
    return values


_SYMBOL = r"^([A-HY][0-9]{2}[A-Z])([0-9]{1,4})/([0-9]{2,6})$"


def _symbols(block: Block, symbols: pa.Array, field: str) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Return normalised symbols, subclasses and main groups; a bad symbol refuses the row."""
    compact = pc.replace_substring_regex(pc.utf8_upper(symbols), r"\s", "")
    good = pc.fill_null(pc.match_substring_regex(compact, _SYMBOL), False)
    found = pc.if_else(good, compact, pa.scalar(None, pa.string()))
    if not pc.all(good, min_count=0).as_py():
        texts = found.to_pylist()
        for index in pc.indices_nonzero(pc.invert(good)).to_pylist():
            try:
                texts[index] = str(parse_class_symbol(compact[index].as_py() or ""))
            except IdentifierError:
                continue
        found = pa.array(texts, pa.string())
        block.report(pc.is_null(found), "field.class_symbol", Severity.ERROR, "not an IPC or CPC symbol", field)
    groups = pc.replace_substring_regex(found, r"^[A-HY][0-9]{2}[A-Z]0*([0-9]*)(/.*)?$", r"\1")
    groups = pc.if_else(pc.equal(groups, ""), pa.scalar(None, pa.string()), groups)
    return found, pc.utf8_slice_codeunits(found, 0, 4), groups


def _cpc(key: str) -> Callable[[Block, Locations], None]:
    def convert(block: Block, _: Locations) -> None:
        ids = block.us_ids(key)
        symbols, subclasses, groups = _symbols(block, block.strings("cpc_group"), "cpc_group")
        types = block.strings("cpc_type")
        block.emit("classifications", {
            "patent_id": ids, "scheme": "cpc", "symbol": symbols, "subclass": subclasses, "main_group": groups,
            "sequence": _from_one(block, "cpc_sequence"), "is_inventive": pc.equal(types, "inventional"),
        })  # fmt: skip

    return convert


def _ipc(block: Block, _: Locations) -> None:
    ids = block.us_ids("patent_id")
    parts = [block.strings(name) for name in ("section", "ipc_class", "subclass", "main_group", "subgroup")]
    padded = pc.utf8_lpad(parts[1], width=2, padding="0")
    subgroup = pc.utf8_rpad(parts[4], width=2, padding="0")
    symbols = pc.binary_join_element_wise(
        pc.binary_join_element_wise(parts[0], padded, parts[2], parts[3], ""), subgroup, "/"
    )
    found, subclasses, groups = _symbols(block, symbols, "main_group")
    block.emit("classifications", {
        "patent_id": ids, "scheme": "ipc", "symbol": found, "subclass": subclasses, "main_group": groups,
        "sequence": _from_one(block, "ipc_sequence"),
        "is_inventive": pc.equal(block.strings("classification_value"), "I"),
        "assigned_date": block.dates("action_date"),
    })  # fmt: skip


def _uspc(block: Block, _: Locations) -> None:
    ids = block.us_ids("patent_id")
    classes, subclasses = block.strings("uspc_mainclass_id"), block.strings("uspc_subclass_id")
    whole = pc.if_else(
        pc.fill_null(pc.match_substring(subclasses, "/"), False),
        subclasses,
        pc.coalesce(pc.binary_join_element_wise(classes, subclasses, "/"), classes),
    )
    block.report(pc.is_null(whole), "field.class_symbol", Severity.ERROR, "no class", "uspc_mainclass_id")
    block.emit("classifications", {
        "patent_id": ids, "scheme": "uspc", "symbol": whole, "sequence": _from_one(block, "uspc_sequence"),
    })  # fmt: skip


def _claims(key: str) -> Callable[[Block, Locations], None]:
    def convert(block: Block, _: Locations) -> None:
        ids = block.us_ids(key)
        texts, parents = block.strings("claim_text", is_long=True), block.strings("dependent")
        numbers, sequences = block.strings("claim_number"), block.counts("claim_sequence")
        block.report(pc.is_null(texts), "field.missing", Severity.ERROR, "a claim without text", "claim_text")
        rows = [
            claim_row(
                ids[i].as_py(),
                _claim_number(numbers[i].as_py(), sequences[i].as_py(), i),
                plain_text(texts[i].as_py()),
                parent=_parent(parents[i].as_py()),
            )
            for i in block.kept()
        ]
        for row in rows:
            block.out.add("claims", row)

    return convert


def _claim_number(stated: str | None, sequence: int | None, index: int) -> int:
    if stated and stated.strip().isdigit() and int(stated) > 0:
        return int(stated)
    return (sequence if sequence is not None else index) + 1


def _parent(stated: str | None) -> int | None:
    match = re.search(r"(?<![-\d])\d+", stated or "")
    return int(match[0]) or None if match else None


def _government(block: Block, _: Locations) -> None:
    block.emit("patents", {"patent_id": block.us_ids("patent_id"), "office": "US", "is_government_interest": True})


def _term(block: Block, _: Locations) -> None:
    ids = block.us_ids("patent_id")
    dates, extensions = block.dates("disclaimer_date"), block.counts("term_extension")
    if known := [i for i in block.kept() if extensions[i].is_valid]:
        take = pa.array(known)
        block.give("patents", {
            "patent_id": ids.take(take), "office": ["US"] * len(known),
            "term_extension_days": extensions.take(take),
        }, known)  # fmt: skip
    for i in block.kept():
        if dates[i].is_valid:
            block.out.add("legal_events", {
                "event_id": f"pv-disclaimer-{ids[i].as_py()}", "patent_id": ids[i].as_py(), "event_kind": "other",
                "event_date": dates[i].as_py(), "code": "terminal_disclaimer", "code_system": "patentsview",
                "description": "terminal disclaimer",
            })  # fmt: skip


def _parties(key: str, kind: str, role: str) -> Callable[[Block, Locations], None]:
    def convert(block: Block, locations: Locations) -> None:
        ids = block.us_ids(key)
        identifiers, places = block.strings(f"{kind}_id"), block.strings("location_id")
        sequences = _from_one(block, f"{kind}_sequence")
        names, types = _party_names(block, kind)
        block.report(
            pa.array([name is None for name in names]), "field.missing", Severity.ERROR, "a party without a name",
            f"{kind}_id",
        )  # fmt: skip
        seen: dict[str, dict[str, Any]] = {}
        links: list[tuple[str, str, int]] = []
        first: dict[str, int] = {}
        lines: list[int] = []
        for i in block.kept():
            country, state, city = locations.of(places[i].as_py())
            stated = identifiers[i].as_py()
            row = party_row(
                str(names[i]), party_type=types[i], country=country, region_code=state, city=city,
                identifier=f"pv:{stated}" if stated else None,
            )  # fmt: skip
            if row["party_id"] not in seen:
                seen[row["party_id"]], first[row["party_id"]] = row, i
            links.append((ids[i].as_py(), row["party_id"], sequences[i].as_py()))
            lines.append(i)
        _add_parties(block, list(seen.values()), links, role, (list(first.values()), lines))

    return convert


def _add_parties(
    block: Block, rows: list[dict[str, Any]], links: list[tuple[str, str, int]], role: str,
    where: tuple[list[int], list[int]],
) -> None:  # fmt: skip
    if not rows:
        return
    block.give("parties", {
        name: pa.array([row[name] for row in rows], pa.string()) for name in rows[0]
    }, where[0])  # fmt: skip
    block.give("patent_parties", {
        "patent_id": [link[0] for link in links], "party_id": [link[1] for link in links],
        "role": [role] * len(links), "sequence": [link[2] for link in links],
    }, where[1])  # fmt: skip


def _party_names(block: Block, kind: str) -> tuple[list[str | None], list[str | None]]:
    if kind == "inventor":
        first, last = (block.strings(f"disambig_inventor_name_{part}").to_pylist() for part in ("first", "last"))
        return [_full_name(a, b) for a, b in zip(first, last, strict=True)], ["person"] * block.size
    organisations = block.strings("disambig_assignee_organization").to_pylist()
    first = block.strings("disambig_assignee_individual_name_first").to_pylist()
    last = block.strings("disambig_assignee_individual_name_last").to_pylist()
    stated = block.strings("assignee_type").to_pylist()
    names, types = [], []
    for organisation, a, b, code in zip(organisations, first, last, stated, strict=True):
        names.append((organisation or "").strip() or _full_name(a, b))
        kind_of = _PARTY_TYPES.get(str(code).split(".")[0][-1:]) if code else None
        types.append(None if kind_of == "organisation" else kind_of)
    return names, types


def _full_name(first: str | None, last: str | None) -> str | None:
    """Return ``Last, First``, the order that cannot be misread."""
    given, family = (first or "").strip(), (last or "").strip()
    return f"{family}, {given}" if given and family else family or given or None


def _nothing(_block: Block, _: Locations) -> None:
    """Take a table that only serves other tables."""


_CITED = ("citation_date", "citation_category")
_CPC = ("cpc_type",)
_CPC_REST = ("cpc_section", "cpc_class", "cpc_subclass", "cpc_symbol_position", "cpc_version_indicator",
             "cpc_action_date")  # fmt: skip
_CLAIM = ("claim_sequence", "dependent", "claim_number")
_ASSIGNEE = ("assignee_id", "disambig_assignee_individual_name_first", "disambig_assignee_individual_name_last",
             "disambig_assignee_organization", "assignee_type", "location_id")  # fmt: skip
_INVENTOR = ("inventor_id", "disambig_inventor_name_first", "location_id")
_INVENTOR_REST = ("gender_code", "male_flag", "attribution_status")

TABLES: Mapping[str, TableSpec] = {
    "g_patent": TableSpec(
        ("patent_id", "patent_date"),
        ("patent_type", "patent_title", "patent_abstract", "wipo_kind", "num_claims", "withdrawn"),
        ("filename",), _patent,
    ),
    "g_patent_abstract": TableSpec(("patent_id", "patent_abstract"), (), (), _texts("patent_abstract", "abstract")),
    "g_brf_sum_text": TableSpec(("patent_id", "summary_text"), (), (), _texts("summary_text", "brief")),
    "g_detail_desc_text": TableSpec(
        ("patent_id", "description_text"), (), ("description_length",), _texts("description_text", "description")
    ),
    "g_application": TableSpec(
        ("patent_id", "application_id"), ("filing_date",),
        ("patent_application_type", "series_code", "rule_47_flag"), _application,
    ),
    "g_us_patent_citation": TableSpec(
        ("patent_id", "citation_patent_id"), _CITED, ("citation_sequence", "record_name", "wipo_kind"),
        _us_citation("citation_patent_id"),
    ),
    "g_us_application_citation": TableSpec(
        ("patent_id", "citation_document_number"), _CITED, ("citation_sequence", "record_name", "wipo_kind"),
        _us_citation("citation_document_number"),
    ),
    "g_foreign_citation": TableSpec(
        ("patent_id", "citation_application_id", "citation_country"), _CITED, ("citation_sequence",),
        _foreign_citation,
    ),
    "g_other_reference": TableSpec(
        ("patent_id", "other_reference_sequence"), ("other_reference_text",), (), _reference
    ),
    "g_cpc_current": TableSpec(("patent_id", "cpc_sequence", "cpc_group"), _CPC, _CPC_REST, _cpc("patent_id")),
    "g_cpc_at_issue": TableSpec(("patent_id", "cpc_sequence", "cpc_group"), _CPC, _CPC_REST, _cpc("patent_id")),
    "g_ipc_at_issue": TableSpec(
        ("patent_id", "ipc_sequence", "section", "ipc_class", "subclass", "main_group", "subgroup"),
        ("classification_value", "action_date"),
        ("classification_level", "symbol_position", "classification_status", "classification_data_source",
         "ipc_version_indicator"), _ipc,
    ),
    "g_uspc_at_issue": TableSpec(
        ("patent_id", "uspc_sequence", "uspc_mainclass_id"), ("uspc_subclass_id",),
        ("uspc_mainclass_title", "uspc_subclass_title"), _uspc,
    ),
    "g_claims": TableSpec(("patent_id", "claim_text"), _CLAIM, ("exemplary",), _claims("patent_id")),
    "g_assignee_disambiguated": TableSpec(
        ("patent_id", "assignee_sequence"), _ASSIGNEE, (), _parties("patent_id", "assignee", "assignee"), True
    ),
    "g_inventor_disambiguated": TableSpec(
        ("patent_id", "inventor_sequence", "disambig_inventor_name_last"), _INVENTOR, _INVENTOR_REST,
        _parties("patent_id", "inventor", "inventor"), True,
    ),
    "g_location_disambiguated": TableSpec(
        ("location_id",), ("disambig_country", "disambig_state", "disambig_city"),
        ("latitude", "longitude", "county", "state_fips", "county_fips"), _nothing,
    ),
    "g_foreign_priority": TableSpec(
        ("patent_id", "filing_date"), ("foreign_application_id", "foreign_country_filed"),
        ("priority_claim_sequence", "priority_claim_kind"),
        _priority,
    ),
    "g_gov_interest": TableSpec(("patent_id",), (), ("gi_statement",), _government),
    "g_us_term_of_grant": TableSpec(
        ("patent_id",), ("disclaimer_date", "term_extension"), ("term_disclaimer", "term_grant"), _term
    ),
    "pg_published_application": TableSpec(
        ("pgpub_id", "application_id", "published_date"),
        ("filing_date", "patent_type", "patent_application_type", "wipo_kind", "application_title",
         "application_abstract"),
        ("filing_type", "series_code", "rule_47_flag", "filename"), _publication,
    ),
    "pg_published_application_abstract": TableSpec(
        ("pgpub_id", "application_abstract"), (), (), _texts("application_abstract", "abstract", "pgpub_id")
    ),
    "pg_granted_pgpubs_crosswalk": TableSpec(
        ("patent_id", "pgpub_id"), (), ("application_id", "current_pgpub_id_flag", "current_patent_id_flag"),
        _crosswalk,
    ),
    "pg_cpc_current": TableSpec(("pgpub_id", "cpc_sequence", "cpc_group"), _CPC, _CPC_REST, _cpc("pgpub_id")),
    "pg_cpc_at_issue": TableSpec(("pgpub_id", "cpc_sequence", "cpc_group"), _CPC, _CPC_REST, _cpc("pgpub_id")),
    "pg_claims": TableSpec(("pgpub_id", "claim_text"), _CLAIM, ("exemplary",), _claims("pgpub_id")),
    "pg_assignee_disambiguated": TableSpec(
        ("pgpub_id", "assignee_sequence"), _ASSIGNEE, (), _parties("pgpub_id", "assignee", "assignee"), True
    ),
    "pg_inventor_disambiguated": TableSpec(
        ("pgpub_id", "inventor_sequence", "disambig_inventor_name_last"), _INVENTOR, _INVENTOR_REST,
        _parties("pgpub_id", "inventor", "inventor"), True,
    ),
}  # fmt: skip
"""Published tables that are read, by file name without year."""

UNUSED = frozenset({
    "g_applicant_not_disambiguated", "g_assignee_not_disambiguated", "g_attorney_disambiguated",
    "g_attorney_not_disambiguated", "g_botanic", "g_cpc_title", "g_draw_desc_text", "g_examiner_not_disambiguated",
    "g_figures", "g_gov_interest_contracts", "g_gov_interest_org",
    "g_inventor_not_disambiguated", "g_location_not_disambiguated", "g_pct_data", "g_persistent_assignee",
    "g_persistent_inventor", "g_rel_app_text", "g_us_rel_doc", "g_wipo_technology",
})  # fmt: skip
"""Published tables that are known and hold nothing for the canonical tables."""
