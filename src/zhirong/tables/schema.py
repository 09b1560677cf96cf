"""Canonical tables of an evidence store: columns, types, units, what null means.

One declaration serves the Parquet writer, the importers' checks, the generated documentation page and both engines.
Every table ends with `source_id`; `known_from` names the column (or the first non-null of several) at which a row
became known, so that `as_of` can cut it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

from zhirong.kernel.errors import UnknownNameError

__all__ = ["CANONICAL", "Column", "TableSchema", "Type", "schema_of"]


class Type(StrEnum):
    """Column types: the five that mean the same on every engine."""

    TEXT = "text"
    INT = "int64"
    FLOAT = "float64"
    DATE = "date"
    BOOL = "boolean"


_ARROW: Mapping[Type, pa.DataType] = {
    Type.TEXT: pa.string(),
    Type.INT: pa.int64(),
    Type.FLOAT: pa.float64(),
    Type.DATE: pa.date32(),
    Type.BOOL: pa.bool_(),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column; null always means unknown unless `null` says otherwise."""

    name: str
    type: Type
    description: str
    required: bool = False
    allowed: tuple[str, ...] = ()
    unit: str | None = None
    null: str = "unknown"


@dataclass(frozen=True, slots=True)
class TableSchema:
    """A canonical table.

    Parameters
    ----------
    name : str
        Table name; the file is ``STORE/<name>.parquet``.
    description : str
        What one row is.
    columns : tuple of Column
        In file order; `source_id` last.
    key : tuple of str
        Columns that identify a row.
    known_from : tuple of str
        The row is known from the first non-null of these dates; empty where a row is known only through another
        table (`via`), or is a timeless fact.
    via : str or None
        Column holding the `patent_id` whose publication makes the row known.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    known_from: tuple[str, ...] = ()
    via: str | None = None

    def __post_init__(self) -> None:
        names = self.names
        assert len(set(names)) == len(names), f"{self.name}: repeated column"
        assert names[-1] == "source_id", f"{self.name}: source_id comes last"
        assert set(self.key) | set(self.known_from) <= set(names), f"{self.name}: key or date is not a column"

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in file order."""
        return tuple(column.name for column in self.columns)

    @property
    def arrow(self) -> pa.Schema:
        """The Arrow schema; required columns are not nullable."""
        return pa.schema([pa.field(c.name, _ARROW[c.type], nullable=not c.required) for c in self.columns])

    def column(self, name: str) -> Column:
        """Return a column by name, or raise `UnknownNameError`."""
        for column in self.columns:
            if column.name == name:
                return column
        raise UnknownNameError(f"column of {self.name}", name, self.names)


def _c(
    name: str,
    type_: Type,
    description: str,
    *allowed: str,
    required: bool = False,
    unit: str | None = None,
    null: str = "unknown",
) -> Column:
    return Column(name, type_, description, required, allowed, unit, null)


T, I, F, D, B = Type.TEXT, Type.INT, Type.FLOAT, Type.DATE, Type.BOOL  # noqa: E741
_SOURCE = _c("source_id", T, "Source in the manifest that the row came from", required=True)
_PATENT = _c("patent_id", T, "Office and serial without kind code, e.g. US7272630", required=True)
_CURRENCY = _c("currency", T, "ISO 4217 code of the amounts of the row", null="CNY amounts only, or no amount")
_LANGUAGE = _c("language", T, "ISO 639-1 code of the text", null="not detected")

RIGHT_TYPES = ("invention", "utility_model", "design", "plant", "reissue", "other")
LEGAL_STATUSES = (
    "pending", "in_force", "lapsed", "expired", "withdrawn", "refused", "surrendered", "invalidated", "ended",
)  # fmt: skip
"""Stated statuses; `ended` is the end of a right for a reason that the source does not give (失效)."""
EVENT_KINDS = (
    "filed", "published", "examination_requested", "granted", "refused", "withdrawn", "deemed_withdrawn", "annuity_paid",
    "lapsed", "restored", "expired", "surrendered", "term_extended", "opposition_filed", "opposition_rejected",
    "invalidation_requested", "invalidated", "partially_invalidated", "maintained", "transferred", "name_changed",
    "licensed", "licence_ended", "pledged", "pledge_released", "preserved", "preservation_released", "litigated",
    "reexamination_requested", "reexamined", "reissued", "insured", "awarded", "corrected", "other",
)  # fmt: skip
"""Our event kinds; `preserved` is 保全 (seizure by a court), `awarded` a national prize, `maintained` a validity
challenge survived."""

PATENTS = TableSchema(
    "patents",
    "One right or application at one office; an application and the patent granted on it are one row.",
    (
        _PATENT,
        _c("office", T, "WIPO ST.3 code", required=True),
        _c("publication_number", T, "Latest publication with kind code, e.g. US7272630B2"),
        _c("kind_code", T, "WIPO ST.16 kind code of the latest publication"),
        _c("earlier_publication_id", T, "Identifier under which the application was published before grant"),
        _c("application_number", T, "Canonical application number with office prefix"),
        _c("right_type", T, "Kind of right", *RIGHT_TYPES),
        _c("title", T, "Title in the language of the office or of the source"),
        _c("title_language", T, "ISO 639-1 code"),
        _c("priority_date", D, "Earliest claimed priority", null="unknown or none claimed"),
        _c("filing_date", D, "Filing at this office"),
        _c("publication_date", D, "First publication of application or grant"),
        _c("grant_date", D, "Grant", null="not granted or unknown; `legal_status` and events tell"),
        _c("expiry_date", D, "End of term as stated by the source", null="not stated; computed from law where needed"),
        _c(
            "term_extension_days", I, "Days by which the term was adjusted or extended for the office's delay",
            unit="days", null="not stated; zero only where the source says zero",
        ),
        _c("family_id", T, "Identifier of the patent family (simple family where the source has it)"),
        _c("claim_count", I, "Claims as published", unit="claims"),
        _c("page_count", I, "Pages as published", unit="pages"),
        _c("primary_ipc", T, "First IPC (or inventive CPC) symbol, normalised"),
        _c("legal_status", T, "Status stated by the source on `legal_status_date`", *LEGAL_STATUSES),
        _c("legal_status_date", D, "Date at which the stated status held"),
        _c("stated_forward_citation_count", I, "Citations received as stated by the source", unit="citations"),
        _c("stated_family_size", I, "Family members as stated by the source", unit="members"),
        _c("stated_at", D, "Date of the source's stated counts"),
        _c("is_government_interest", B, "The document declares rights of a government"),
        _SOURCE,
    ),
    key=("patent_id",),
    known_from=("publication_date", "grant_date"),
)  # fmt: skip

PRIORITY_KINDS = (
    "paris", "international", "provisional", "continuation", "continuation_in_part", "division", "reissue", "other",
)  # fmt: skip
"""How a patent rests on an earlier application; `paris` also covers domestic priority, `international` is PCT entry."""

PRIORITIES = TableSchema(
    "priorities",
    "One earlier application on which one patent rests: a priority claimed, or a parent continued.",
    (
        _PATENT,
        _c("application_number", T, "Earlier application, office and number in comparable form", required=True),
        _c("priority_date", D, "Filing of the earlier application"),
        _c("office", T, "WIPO ST.3 code of the office of the earlier application"),
        _c("kind", T, "How the patent rests on it", *PRIORITY_KINDS),
        _SOURCE,
    ),
    key=("patent_id", "application_number"),
    via="patent_id",
)

FAMILIES = TableSchema(
    "families",
    "One member of one family; members need not be in `patents`. Families of kind `own` with the source"
    " `zhirong:families` are computed from `priorities` for patents that no source gives a family.",
    (
        _c("family_id", T, "Family", required=True),
        _c("member_id", T, "Office and serial of the member", required=True),
        _c("family_kind", T, "Definition of the family", "docdb", "inpadoc", "simple", "own"),
        _c("office", T, "WIPO ST.3 code", required=True),
        _c("kind_code", T, "WIPO ST.16 kind code"),
        _c("application_date", D, "Filing of the member"),
        _c("publication_date", D, "First publication of the member"),
        _c("grant_date", D, "Grant of the member", null="not granted or unknown"),
        _c("end_date", D, "Lapse, expiry, refusal or withdrawal of the member", null="not ended or unknown"),
        _SOURCE,
    ),
    key=("family_id", "member_id"),
    known_from=("publication_date", "grant_date"),
)

CLASSIFICATIONS = TableSchema(
    "classifications",
    "One class symbol of one patent.",
    (
        _PATENT,
        _c("scheme", T, "Classification scheme", "ipc", "cpc", "uspc", "locarno", required=True),
        _c("symbol", T, "Normalised symbol, e.g. H04L9/32", required=True),
        _c("subclass", T, "Four-character subclass of IPC and CPC", null="scheme has none"),
        _c("main_group", T, "Main group number without padding", null="symbol has none"),
        _c("sequence", I, "Position in the document, from 1"),
        _c("is_inventive", B, "Invention information (CPC inventive, IPC value I)"),
        _c("assigned_date", D, "Date of the classification", null="assigned at publication"),
        _SOURCE,
    ),
    key=("patent_id", "scheme", "symbol"),
    known_from=("assigned_date",),
    via="patent_id",
)

CLASS_TITLES = TableSchema(
    "class_titles",
    "What one symbol of a classification scheme means.",
    (
        _c("scheme", T, "Classification scheme", "ipc", "cpc", required=True),
        _c("symbol", T, "Normalised symbol: A, A01, A01B, A01B1/02", required=True),
        _c("title", T, "Title as published", required=True),
        _c("parent_symbol", T, "Symbol one level up", null="top of the scheme, or the source does not say"),
        _c("level", I, "Depth as the scheme states it", unit="levels", null="the source does not say"),
        _SOURCE,
    ),
    key=("scheme", "symbol"),
)

CLAIMS = TableSchema(
    "claims",
    "One claim of one patent as last published.",
    (
        _PATENT,
        _c("claim_number", I, "Number in the document, from 1", required=True),
        _c("text", T, "Plain text, markup removed", required=True),
        _c("is_independent", B, "Refers to no other claim"),
        _c("parent_number", I, "First claim that this one refers to", null="independent or unknown"),
        _c("category", T, "Kind of claim", "product", "method", "use", "composition"),
        _c("word_count", I, "Words; Han characters count one each", unit="words"),
        _LANGUAGE,
        _SOURCE,
    ),
    key=("patent_id", "claim_number"),
    via="patent_id",
)

TEXTS = TableSchema(
    "texts",
    "One part of one document in one language.",
    (
        _PATENT,
        _c("part", T, "Part of the document", "abstract", "description", "brief", "keywords", required=True),
        _c("language", T, "ISO 639-1 code", required=True),
        _c("text", T, "Plain text", required=True),
        _SOURCE,
    ),
    key=("patent_id", "part", "language"),
    via="patent_id",
)

CITATIONS = TableSchema(
    "citations",
    "One patent cites another; either side may be missing from `patents`.",
    (
        _c("citing_id", T, "Citing patent", required=True),
        _c("cited_id", T, "Cited patent", required=True),
        _c("citing_date", D, "Publication of the citing document", null="look it up in `patents`"),
        _c("cited_date", D, "Date of the cited document as printed", null="look it up in `patents`"),
        _c("category", T, "Search-report category, e.g. X, Y, A; several letters joined", null="office gives none"),
        _c("origin", T, "Who cited", "examiner", "applicant", "third_party", "search_report", "other"),
        _SOURCE,
    ),
    key=("citing_id", "cited_id"),
    known_from=("citing_date",),
    via="citing_id",
)

NONPATENT_CITATIONS = TableSchema(
    "nonpatent_citations",
    "One cited document that is not a patent.",
    (
        _PATENT,
        _c("sequence", I, "Position in the document, from 1", required=True),
        _c("text", T, "Reference as printed", null="withheld by the source; the row still counts"),
        _c("category", T, "Search-report category"),
        _c("origin", T, "Who cited", "examiner", "applicant", "third_party", "search_report", "other"),
        _c("doi", T, "Digital object identifier"),
        _SOURCE,
    ),
    key=("patent_id", "sequence"),
    via="patent_id",
)

PARTIES = TableSchema(
    "parties",
    "One name of one person or organisation as the source wrote it.",
    (
        _c("party_id", T, "Identifier of the name", required=True),
        _c("name", T, "Name as written", required=True),
        _c("normalised_name", T, "Comparable form: NFKC, case-folded, legal form split off", required=True),
        _c("party_type", T, "Kind of party", "organisation", "person", "government", "university"),
        _c("language", T, "ISO 639-1 code of the name"),
        _c("country", T, "ISO 3166 or WIPO ST.3 code"),
        _c("region_code", T, "GB/T 2260 province code or state code"),
        _c("city", T, "City as written"),
        _c("cluster_id", T, "Linked party; equal for names of one party", null="not linked yet"),
        _c("link_probability", F, "Probability of the weakest link that holds the name in its cluster", unit="0-1"),
        _SOURCE,
    ),
    key=("party_id",),
)

PATENT_PARTIES = TableSchema(
    "patent_parties",
    "One party in one role on one patent.",
    (
        _PATENT,
        _c("party_id", T, "Party", required=True),
        _c("role", T, "Role", "applicant", "assignee", "owner", "inventor", "agent", required=True),
        _c("sequence", I, "Position in the document, from 1", required=True),
        _c("from_date", D, "Start of the role", null="from publication"),
        _c("to_date", D, "End of the role", null="open"),
        _SOURCE,
    ),
    key=("patent_id", "party_id", "role", "sequence"),
    known_from=("from_date",),
    via="patent_id",
)

LEGAL_EVENTS = TableSchema(
    "legal_events",
    "One dated event in the life of a patent.",
    (
        _c("event_id", T, "Identifier, stable over imports", required=True),
        _PATENT,
        _c("event_kind", T, "Kind in our vocabulary", *EVENT_KINDS, required=True),
        _c("event_date", D, "Date on which the event took effect", required=True),
        _c("recorded_date", D, "Date on which the event became public", null="known on `event_date`"),
        _c("code", T, "Code of the source, e.g. an INPADOC legal-event code"),
        _c("code_system", T, "Vocabulary of the code", null="no code"),
        _c("description", T, "Text of the source"),
        _c("fee_year", I, "Patent year an annuity pays for", unit="years", null="not an annuity"),
        _c("amount", F, "Amount stated in the record", unit="major units of `currency`"),
        _CURRENCY,
        _c("party_id", T, "Acting party (new owner, licensee, pledgee, petitioner, plaintiff)"),
        _c("counterparty_id", T, "Other party (former owner, licensor, pledgor)"),
        _c("end_date", D, "End stated in the record (licence, pledge)", null="open or not stated"),
        _SOURCE,
    ),
    key=("event_id",),
    known_from=("recorded_date", "event_date"),
)

ASSIGNMENTS = TableSchema(
    "assignments",
    "One property of one recorded conveyance.",
    (
        _c("assignment_id", T, "Reel-frame or record number", required=True),
        _PATENT,
        _c("recorded_date", D, "Recordation"),
        _c("executed_date", D, "Signature"),
        _c(
            "conveyance_kind", T, "Kind of conveyance",
            "assignment", "security_interest", "release", "merger", "correction", "licence", "name_change", "other",
        ),
        _c("conveyance_text", T, "Text of the source"),
        _c("assignor_id", T, "Party that gives, first named"),
        _c("assignee_id", T, "Party that receives, first named"),
        _c("assignor_names", T, "All names as written, joined by '; '"),
        _c("assignee_names", T, "All names as written, joined by '; '"),
        _c("property_count", I, "Properties in the recordation", unit="patents"),
        _SOURCE,
    ),
    key=("assignment_id", "patent_id"),
    known_from=("recorded_date", "executed_date"),
)  # fmt: skip

DEALS = TableSchema(
    "deals",
    "One patent in one deal or offered lot; amounts are those of the whole deal.",
    (
        _c("deal_id", T, "Deal", required=True),
        _PATENT,
        _c(
            "deal_type", T, "Kind of deal",
            "sale", "licence", "pledge_loan", "auction_lot", "equity_contribution", "securitisation", "other",
            required=True,
        ),
        _c("deal_date", D, "Signature, or close of the auction", required=True),
        _c("patent_count", I, "Patents in the deal", unit="patents"),
        _c("is_sold", B, "The lot found a buyer; false for an unsold lot"),
        _c("price", F, "Price of the whole deal (principal for a loan)", unit="major units of `currency`"),
        _c("asked_price", F, "Price asked, or reserve", unit="major units of `currency`"),
        _c("royalty_rate", F, "Running royalty on net sales", unit="fraction"),
        _c("upfront_fee", F, "Lump sum of a licence", unit="major units of `currency`"),
        _CURRENCY,
        _c("exclusivity", T, "Exclusivity of a licence", "exclusive", "sole", "non_exclusive"),
        _c("territory", T, "Territory of a licence"),
        _c("term_years", F, "Term of a licence or loan", unit="years"),
        _c("seller_id", T, "Seller, licensor or pledgor"),
        _c("buyer_id", T, "Buyer, licensee or pledgee"),
        _c("is_related_party", B, "Seller and buyer are related"),
        _c("sector_code", T, "GB/T 4754 code of the product sold"),
        _c("evidence_grade", T, "How the terms are known", "official", "published", "stated", "synthetic"),
        _c("published_date", D, "Date on which the terms became public", null="known on `deal_date`"),
        _SOURCE,
    ),
    key=("deal_id", "patent_id"),
    known_from=("published_date", "deal_date"),
)  # fmt: skip

CASES = TableSchema(
    "cases",
    "One patent in one judgment or decision.",
    (
        _c("case_id", T, "Identifier", required=True),
        _PATENT,
        _c("case_number", T, "Number of the court, e.g. （2023）最高法知民终1号"),
        _c("court", T, "Court or board"),
        _c("jurisdiction", T, "WIPO ST.3 code"),
        _c("instance", T, "Instance", "first", "second", "retrial", "administrative"),
        _c("filed_date", D, "Filing of the suit or petition"),
        _c("decided_date", D, "Decision"),
        _c(
            "cause", T, "Cause",
            "infringement", "validity", "ownership", "licence_contract", "declaratory", "remuneration", "other",
        ),
        _c(
            "outcome", T, "Outcome for the patent",
            "infringed", "not_infringed", "invalidated", "partially_invalidated", "maintained", "settled", "withdrawn",
            "dismissed",
        ),
        _c("damages_claimed", F, "Damages claimed", unit="major units of `currency`"),
        _c("damages_awarded", F, "Damages awarded, costs apart", unit="major units of `currency`"),
        _c(
            "costs_awarded", F, "Reasonable costs of enforcement (合理开支) awarded beside the damages",
            unit="major units of `currency`", null="not stated, or one sum with the damages",
        ),
        _c(
            "damages_basis", T, "Basis of the award",
            "plaintiff_loss", "defendant_profit", "licence_multiple", "statutory", "reasonable_royalty",
            "agreed_amount",
        ),
        _CURRENCY,
        _c("plaintiff", T, "Plaintiff or petitioner as written"),
        _c("defendant", T, "Defendant or patentee as written"),
        _c("claim_numbers", T, "Claims at issue, joined by ','"),
        _c("confidence", F, "Probability that outcome and patent were read rightly", unit="0-1"),
        _c("spans", T, "JSON: field to [start, end] in the text and confidence", null="not read from a text"),
        _c("published_date", D, "Publication of the decision", null="known on `decided_date`"),
        _SOURCE,
    ),
    key=("case_id", "patent_id"),
    known_from=("published_date", "decided_date", "filed_date"),
)  # fmt: skip

OPINIONS = TableSchema(
    "opinions",
    "One opinion of an appraiser on a value, or of an expert on one indicator.",
    (
        _c("opinion_id", T, "Identifier", required=True),
        _c("patent_id", T, "Patent", null="opinion on a portfolio"),
        _c("portfolio_id", T, "Portfolio", null="opinion on one patent"),
        _c("indicator_id", T, "Indicator scored, e.g. gbt42748.technical_effect", null="opinion on value"),
        _c("appraiser_id", T, "Appraiser or expert", required=True),
        _c("appraiser_kind", T, "Kind of appraiser", "public", "private", "foreign", "expert", "model"),
        _c("opinion_date", D, "Date of the opinion", required=True),
        _c("valuation_date", D, "Date the value is for", null="`opinion_date`"),
        _c("purpose", T, "Scene", "pledge", "insurance", "licensing", "trade", "securitisation", "accounting",
           "litigation", "management"),
        _c("standard_of_value", T, "Standard", "market", "liquidation", "investment", "fair"),
        _c("method", T, "Method of the opinion", "income", "market", "cost", "option", "mixed"),
        _c("value", F, "Value", unit="major units of `currency`", null="opinion is a score"),
        _c("value_low", F, "Lower bound stated", unit="major units of `currency`"),
        _c("value_high", F, "Upper bound stated", unit="major units of `currency`"),
        _CURRENCY,
        _c("score", F, "Score of the indicator", unit="0-100", null="opinion is a value"),
        _c("reason", T, "Reason given"),
        _SOURCE,
    ),
    key=("opinion_id",),
    known_from=("opinion_date",),
)  # fmt: skip

FIRMS = TableSchema(
    "firms",
    "One firm.",
    (
        _c("firm_id", T, "Identifier", required=True),
        _c("name", T, "Name", required=True),
        _c("party_id", T, "Its name in `parties`"),
        _c("country", T, "ISO 3166 code"),
        _c("region_code", T, "GB/T 2260 code"),
        _c("sector_code", T, "GB/T 4754 code"),
        _c("founded_date", D, "Registration"),
        _c("is_listed", B, "Shares are listed"),
        _c("is_high_tech", B, "Holds a 高新技术企业 certificate"),
        _SOURCE,
    ),
    key=("firm_id",),
    known_from=("founded_date",),
)

FIRM_YEARS = TableSchema(
    "firm_years",
    "Accounts of one firm for one year.",
    (
        _c("firm_id", T, "Firm", required=True),
        _c("year", I, "Financial year", required=True),
        _c("known_date", D, "Publication of the accounts", null="30 April of the next year"),
        _CURRENCY,
        _c("revenue", F, "Revenue", unit="major units of `currency`"),
        _c("patent_product_revenue", F, "Revenue of products under its patents", unit="major units of `currency`"),
        _c("operating_profit", F, "Operating profit", unit="major units of `currency`"),
        _c("net_income", F, "Net income", unit="major units of `currency`"),
        _c("rd_expense", F, "Research and development expense", unit="major units of `currency`"),
        _c("total_assets", F, "Total assets", unit="major units of `currency`"),
        _c("total_debt", F, "Interest-bearing debt", unit="major units of `currency`"),
        _c("cash_flow", F, "Operating cash flow", unit="major units of `currency`"),
        _c("employee_count", I, "Employees", unit="persons"),
        _SOURCE,
    ),
    key=("firm_id", "year", "known_date"),
    known_from=("known_date",),
)

SECTORS = TableSchema(
    "sectors",
    "One industry.",
    (
        _c("sector_code", T, "Code", required=True),
        _c("scheme", T, "Edition, e.g. GB/T 4754-2017", required=True),
        _c("title_zh", T, "Chinese title"),
        _c("title_en", T, "English title"),
        _c("parent_code", T, "Next level up", null="top level"),
        _SOURCE,
    ),
    key=("sector_code",),
)

SECTOR_YEARS = TableSchema(
    "sector_years",
    "One industry in one year, in one region or overall.",
    (
        _c("sector_code", T, "Industry", required=True),
        _c("region_code", T, "Region; 00 is the whole country", required=True),
        _c("year", I, "Year", required=True),
        _c("known_date", D, "Publication", null="30 June of the next year"),
        _CURRENCY,
        _c("revenue", F, "Revenue of the industry", unit="major units of `currency`"),
        _c("operating_margin", F, "Operating profit over revenue", unit="fraction"),
        _c("growth", F, "Growth of revenue over the year before", unit="fraction"),
        _c("royalty_rate_low", F, "Lower quartile of royalty rates", unit="fraction"),
        _c("royalty_rate_median", F, "Median royalty rate", unit="fraction"),
        _c("royalty_rate_high", F, "Upper quartile of royalty rates", unit="fraction"),
        _SOURCE,
    ),
    key=("sector_code", "region_code", "year", "known_date"),
    known_from=("known_date",),
)

REGIONS = TableSchema(
    "regions",
    "One region.",
    (
        _c("region_code", T, "GB/T 2260 code", required=True),
        _c("name_zh", T, "Chinese name", required=True),
        _c("name_en", T, "English name", required=True),
        _c("parent_code", T, "Next level up", null="country"),
        _SOURCE,
    ),
    key=("region_code",),
)

REGION_YEARS = TableSchema(
    "region_years",
    "One statistic of one region in one year.",
    (
        _c("region_code", T, "Region", required=True),
        _c("year", I, "Year", required=True),
        _c("variable", T, "Name of the statistic, unit at its end", required=True),
        _c("value", F, "Value"),
        _c("is_filled", B, "Interpolated or recovered, not published"),
        _c("known_date", D, "Publication", null="31 October of the next year"),
        _SOURCE,
    ),
    key=("region_code", "year", "variable", "known_date"),
    known_from=("known_date",),
)

DEMANDS = TableSchema(
    "demands",
    "One technology demand or challenge (揭榜挂帅).",
    (
        _c("demand_id", T, "Identifier", required=True),
        _c("party_id", T, "Who asks"),
        _c("title", T, "Title", required=True),
        _c("text", T, "Text of the demand"),
        _LANGUAGE,
        _c("region_code", T, "GB/T 2260 code"),
        _c("sector_code", T, "GB/T 4754 code"),
        _c("ipc_subclasses", T, "IPC subclasses asked for, joined by ';'"),
        _c("budget", F, "Budget", unit="major units of `currency`"),
        _CURRENCY,
        _c("posted_date", D, "Publication", required=True),
        _c("deadline_date", D, "Deadline"),
        _SOURCE,
    ),
    key=("demand_id",),
    known_from=("posted_date",),
)

CANONICAL: Mapping[str, TableSchema] = {
    schema.name: schema
    for schema in (
        PATENTS, PRIORITIES, FAMILIES, CLASSIFICATIONS, CLASS_TITLES, CLAIMS, TEXTS, CITATIONS, NONPATENT_CITATIONS,
        PARTIES, PATENT_PARTIES, LEGAL_EVENTS, ASSIGNMENTS, DEALS, CASES, OPINIONS, FIRMS, FIRM_YEARS, SECTORS,
        SECTOR_YEARS, REGIONS, REGION_YEARS, DEMANDS,
    )
}  # fmt: skip
"""Every canonical table by name, in the order of the documentation."""


def schema_of(name: str) -> TableSchema:
    """Return a canonical table's schema, or raise `UnknownNameError` with close names."""
    try:
        return CANONICAL[name]
    except KeyError:
        raise UnknownNameError("table", name, CANONICAL) from None
