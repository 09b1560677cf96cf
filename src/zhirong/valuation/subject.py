"""What the store says of one patent at a date: the facts a valuation starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import date, timedelta
from typing import Any

import ibis

from zhirong.indicators.status import DEAD_STATUSES
from zhirong.kernel.dates import add_years, whole_years, year_fraction
from zhirong.kernel.errors import ParameterError, UnknownNameError
from zhirong.kernel.identifiers import ClassSymbol
from zhirong.params import ParameterBook, field_of
from zhirong.valuation.background import Background
from zhirong.valuation.case_evidence import claim_types
from zhirong.valuation.similarity import Features, features_of

__all__ = ["Subject", "describe", "known_patents"]

_DEAD = ("lapsed", "expired", "surrendered", "invalidated", "withdrawn", "refused", "deemed_withdrawn")
_COUNTED = ("transferred", "licensed", "pledged", "litigated", "invalidation_requested", "maintained")


@dataclass(frozen=True, slots=True)
class Subject:
    """Facts of one patent as known at `as_of`; None is unknown.

    Attributes
    ----------
    row : dict
        Row of `patents`, later facts masked.
    field : int or None
        WIPO field of the first class.
    class_symbol, class_title : str or None
        First class, and what it means where the store holds a scheme (the title of its subclass where it lacks its own).
    legal_end : date or None
        End of the legal term.
    legal_life_years : float or None
        Term left, 0 when it is over or the right has ended.
    is_alive : bool or None
        In force or pending; None when neither events nor status tell.
    ended_by : str or None
        Event that ended the right.
    undated_end : str or None
        An end that a source states without its date: whether it lies before the day cannot be told.
    owner_revenue_cny, owner_patents : float or None, int or None
        Patent revenue of the owner in its last known year, and its patents in force then.
    revenue_year : int or None
        Year of that revenue.
    paid_to_year : int or None
        Last patent year whose annuity is known to be paid.
    development_cost_cny : float or None
        Research expense of the owner for each of its filings around the filing year.
    claim_type : str or None
        Kind of its first independent claim.
    features : Features
        What is compared with the patents of deals.
    event_counts : dict
        Events by kind; a kind that no source of the patent ever reports is left out, because its silence says nothing.
    """

    patent_id: str
    row: dict[str, Any]
    field: int | None
    class_symbol: str | None
    class_title: str | None
    legal_end: date | None
    legal_life_years: float | None
    is_alive: bool | None
    ended_by: str | None
    undated_end: str | None
    age_years: float | None
    owner_name: str | None
    owner_revenue_cny: float | None
    owner_patents: int | None
    revenue_year: int | None
    sector_royalty: tuple[float, float, float] | None
    paid_to_year: int | None
    development_cost_cny: float | None
    claim_type: str | None
    features: Features
    event_counts: dict[str, int] = dataclass_field(default_factory=dict)


def known_patents(background: Background, patent_ids: Sequence[str]) -> list[str]:
    """Return those of the patents that the store knows at the date, in any order."""
    patents = background.tables["patents"]
    found = background.engine.among(patents, "patent_id", patent_ids).select("patent_id")
    return [str(name) for name in background.engine.to_arrow(found)["patent_id"].to_pylist()]


def describe(background: Background, patent_ids: Sequence[str]) -> list[Subject]:
    """Collect the facts of patents.

    Raises
    ------
    UnknownNameError
        For a patent that is not in the store, or was not yet known at the date.
    """
    tables, engine = background.tables, background.engine
    wanted = sorted(set(patent_ids))
    rows = {
        r["patent_id"]: r for r in engine.to_arrow(engine.among(tables["patents"], "patent_id", wanted)).to_pylist()
    }
    for patent in patent_ids:
        if patent not in rows:
            known = engine.to_arrow(tables["patents"].select("patent_id").limit(2000))["patent_id"].to_pylist()
            raise UnknownNameError(f"patent known at {background.as_of}", patent, known)
    events = _by_patent(background, "legal_events", wanted, ["event_kind", "event_date", "fee_year"])
    classes = _by_patent(
        background, "classifications", wanted, ["sequence", "symbol", "subclass", "main_group", "scheme"]
    )
    titles = _titles(
        background, {c[name] for rows_ in classes.values() for c in rows_ for name in ("symbol", "subclass")}
    )
    owners = _owners(background, wanted)
    undated = _undated_ends(background, wanted)
    reported = _reported_kinds(background, wanted)
    kinds, features = claim_types(background, wanted), features_of(background, wanted)
    return [
        _subject(
            background,
            rows[p],
            events.get(p, []),
            classes.get(p, []),
            owners.get(p),
            titles,
            undated.get(p),
            reported.get(p, set()),
            kinds.get(p),
            features[p],
        )
        for p in patent_ids
    ]


def _reported_kinds(background: Background, wanted: list[str]) -> dict[str, set[str]]:
    """Return, for each patent, the kinds of events that its sources report of any patent."""
    events, patents = background.tables["legal_events"], background.tables["patents"]
    among = background.engine.among
    own = among(patents, "patent_id", wanted).select("patent_id", "source_id")
    told = among(events, "patent_id", wanted).select("patent_id", "source_id")
    kinds = events.select("source_id", "event_kind").distinct()
    pairs = ibis.union(own, told, distinct=True).inner_join(kinds, "source_id").select("patent_id", "event_kind")
    found: dict[str, set[str]] = {}
    for row in background.engine.to_arrow(pairs.distinct()).to_pylist():
        found.setdefault(row["patent_id"], set()).add(row["event_kind"])
    return found


def _undated_ends(background: Background, wanted: list[str]) -> dict[str, str]:
    """Return ends that sources state without a date; they are read off the store, for the cut at the date hides them."""
    rows = background.store.read(background.engine, "patents")
    found = background.engine.among(rows, "patent_id", wanted).filter(
        lambda t: t.legal_status_date.isnull() & t.legal_status.isin(DEAD_STATUSES)
    )
    return {
        row["patent_id"]: row["legal_status"]
        for row in background.engine.to_arrow(found.select("patent_id", "legal_status")).to_pylist()
    }


def _titles(background: Background, symbols: set[str | None]) -> dict[tuple[str, str], str]:
    """Return what symbols mean, by scheme and symbol."""
    wanted = sorted(symbol for symbol in symbols if symbol)
    if not wanted:
        return {}
    found = background.engine.among(background.tables["class_titles"], "symbol", wanted)
    rows = background.engine.to_arrow(found.select("scheme", "symbol", "title")).to_pylist()
    return {(row["scheme"], row["symbol"]): row["title"] for row in rows}


def _by_patent(
    background: Background, table: str, wanted: list[str], columns: list[str]
) -> dict[str, list[dict[str, Any]]]:
    chosen = background.engine.among(background.tables[table], "patent_id", wanted).select("patent_id", *columns)
    found: dict[str, list[dict[str, Any]]] = {}
    for row in background.engine.to_arrow(chosen).to_pylist():
        found.setdefault(row["patent_id"], []).append(row)
    return found


def _owners(background: Background, wanted: list[str]) -> dict[str, dict[str, Any]]:
    """Return, for each patent, its first owner's name, accounts and stock, as far as they are known."""
    tables, engine = background.tables, background.engine
    roles = tables["patent_parties"].filter(lambda t: t.role.isin(["applicant", "assignee", "owner"]))
    first = (
        engine.among(roles.filter(roles.sequence == 1), "patent_id", wanted).select("patent_id", "party_id").distinct()
    )
    parties = tables["parties"].select("party_id", "name")
    granted = tables["patents"].filter(lambda t: t.grant_date.notnull()).select("patent_id", "filing_date")
    mine = roles.semi_join(first, "party_id")
    stock = (
        mine.inner_join(granted, "patent_id")
        .group_by("party_id")
        .aggregate(owner_patents=lambda t: t.patent_id.nunique())
    )
    firms = tables["firms"].filter(lambda t: t.party_id.notnull()).select("firm_id", "party_id", "sector_code")
    joined = (
        first.left_join(parties, "party_id").drop("party_id_right").left_join(stock, "party_id").drop("party_id_right")
    )
    joined = joined.left_join(firms, "party_id").drop("party_id_right")
    found = {row["patent_id"]: row for row in engine.to_arrow(joined).to_pylist()}
    firm_ids = sorted({row["firm_id"] for row in found.values() if row["firm_id"]})
    years = engine.among(tables["firm_years"], "firm_id", firm_ids) if firm_ids else None
    accounts = engine.to_arrow(years).to_pylist() if years is not None else []
    filings = _filings(background, sorted({row["party_id"] for row in found.values()}))
    sectors = _sector_royalties(background)
    for row in found.values():
        mine_years = [a for a in accounts if a["firm_id"] == row["firm_id"] and a["currency"] in (None, "CNY")]
        row["accounts"] = {a["year"]: a for a in mine_years}
        row["filings"] = filings.get(row["party_id"], {})
        row["royalty"] = sectors.get(row["sector_code"])
    return found


def _filings(background: Background, parties: list[str]) -> dict[str, dict[int, int]]:
    roles = background.tables["patent_parties"].filter(lambda t: t.sequence == 1)
    roles = background.engine.among(roles, "party_id", parties)
    patents = background.tables["patents"].select("patent_id", year=background.tables["patents"].filing_date.year())
    counted = (
        roles.inner_join(patents, "patent_id")
        .group_by(["party_id", "year"])
        .aggregate(n=lambda t: t.patent_id.nunique())
    )
    found: dict[str, dict[int, int]] = {}
    for row in background.engine.to_arrow(counted).to_pylist():
        if row["year"] is not None:
            found.setdefault(row["party_id"], {})[int(row["year"])] = int(row["n"])
    return found


def _sector_royalties(background: Background) -> dict[str, tuple[float, float, float]]:
    years = background.tables["sector_years"].filter(
        lambda t: t.royalty_rate_median.notnull() & (t.region_code == "00")
    )
    rows = background.engine.to_arrow(
        years.select("sector_code", "year", "royalty_rate_low", "royalty_rate_median", "royalty_rate_high")
    ).to_pylist()
    latest: dict[str, tuple[float, float, float]] = {}
    for row in sorted(rows, key=lambda r: r["year"]):
        spread = (row["royalty_rate_low"], row["royalty_rate_median"], row["royalty_rate_high"])
        if None not in spread:
            latest[row["sector_code"]] = spread
    return latest


def _subject(
    background: Background, row: dict[str, Any], events: list[dict[str, Any]], classes: list[dict[str, Any]],
    owner: dict[str, Any] | None, titles: Mapping[tuple[str, str], str], undated_end: str | None, reported: set[str],
    claim_type: str | None, features: Features,
) -> Subject:  # fmt: skip
    as_of = background.as_of
    legal_end = _legal_end(background.book, row)
    alive, ended_by = _alive(row, events, legal_end, as_of)
    left = None
    if alive is False:
        left = 0.0
    elif legal_end is not None:
        left = year_fraction(as_of, legal_end) if legal_end > as_of else 0.0
    paid = [e["fee_year"] for e in events if e["event_kind"] == "annuity_paid" and e["fee_year"] is not None]
    revenue, year = _revenue(owner)
    filing = row["filing_date"]
    first = next(iter(_in_order(classes)), {"scheme": "", "symbol": None, "subclass": None})
    own, broader = (titles.get((str(first["scheme"]), str(first[name]))) for name in ("symbol", "subclass"))
    return Subject(
        patent_id=row["patent_id"],
        row=row,
        field=_field(classes),
        class_symbol=first["symbol"],
        class_title=own or broader,
        legal_end=legal_end,
        legal_life_years=left,
        is_alive=alive,
        ended_by=ended_by,
        undated_end=None if alive is False else undated_end,
        age_years=year_fraction(filing, as_of) if filing and filing <= as_of else None,
        owner_name=owner["name"] if owner else None,
        owner_revenue_cny=revenue,
        owner_patents=owner["owner_patents"] if owner else None,
        revenue_year=year,
        sector_royalty=owner["royalty"] if owner else None,
        paid_to_year=max(paid) if paid else None,
        development_cost_cny=_development_cost(owner, filing),
        claim_type=claim_type,
        features=features,
        event_counts={k: n for k in _COUNTED if (n := sum(e["event_kind"] == k for e in events)) or k in reported},
    )


def _in_order(classes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return classes in the order of the document, IPC before the others."""
    return sorted(
        classes,
        key=lambda c: (c["scheme"] != "ipc", c["sequence"] if c["sequence"] is not None else 99, c["symbol"]),
    )


def _field(classes: list[dict[str, Any]]) -> int | None:
    for item in _in_order(classes):
        if item["subclass"] and (found := field_of(ClassSymbol(item["subclass"], item["main_group"]))):
            return found
    return None


def _legal_end(book: ParameterBook, row: dict[str, Any]) -> date | None:
    """Return the end of the legal term: stated by the source, else by the law in force on the day of filing.

    A stated adjustment or extension lengthens the term of the law; without one the ordinary term stands.
    """
    if row["expiry_date"] is not None:
        stated: date = row["expiry_date"]
        return stated
    end, days = _ordinary_end(book, row), row["term_extension_days"]
    return end + timedelta(days=days) if end is not None and days is not None else end


def _ordinary_end(book: ParameterBook, row: dict[str, Any]) -> date | None:
    filing, grant, office = row["filing_date"], row["grant_date"], str(row["office"]).lower()
    right = row["right_type"] or "invention"
    right = "invention" if right == "reissue" else right
    if filing is None:
        return None
    for path, start in ((f"terms.{office}.{right}_from_grant", grant), (f"terms.{office}.{right}", filing)):
        if path in book and start is not None:
            try:
                parameter = book.at(path, filing)
            except ParameterError:
                continue
            first = grant if "from grant" in parameter.unit else filing
            return add_years(first, int(parameter.value)) if first is not None else None
    if right == "invention":
        return add_years(filing, int(book.value("terms.default.invention", max(filing, date(1995, 1, 1)))))
    return None


def _alive(
    row: dict[str, Any], events: list[dict[str, Any]], legal_end: date | None, as_of: date
) -> tuple[bool | None, str | None]:
    ends = [e for e in events if e["event_kind"] in _DEAD]
    if ends:
        last = max(ends, key=lambda e: e["event_date"])
        restored = [e for e in events if e["event_kind"] == "restored" and e["event_date"] >= last["event_date"]]
        if not restored:
            return False, str(last["event_kind"])
    if legal_end is not None and legal_end <= as_of:
        return False, "expired"
    if row["legal_status"] is not None:
        return row["legal_status"] in {"in_force", "pending"}, None if row["legal_status"] in {
            "in_force",
            "pending",
        } else str(row["legal_status"])
    if any(e["event_kind"] in {"annuity_paid", "granted"} for e in events) and len(events) > 1:
        return True, None
    return None, None


def _revenue(owner: dict[str, Any] | None) -> tuple[float | None, int | None]:
    known = {
        y: a["patent_product_revenue"]
        for y, a in (owner or {}).get("accounts", {}).items()
        if a["patent_product_revenue"]
    }
    if not known:
        return None, None
    year = max(known)
    return float(known[year]), int(year)


def _development_cost(owner: dict[str, Any] | None, filing: date | None) -> float | None:
    """Return research expense over filings, in the three years to the filing year; None where either is unknown."""
    if owner is None or filing is None:
        return None
    years = range(filing.year - 2, filing.year + 1)
    spent = [
        owner["accounts"][y]["rd_expense"]
        for y in years
        if y in owner["accounts"] and owner["accounts"][y]["rd_expense"]
    ]
    made = [owner["filings"].get(y, 0) for y in years if y in owner["accounts"]]
    return float(sum(spent) / sum(made)) if spent and sum(made) > 0 else None


def age_in_patent_years(subject: Subject, as_of: date) -> int:
    """Return the patent years completed since filing; 0 when the filing date is unknown."""
    filing = subject.row["filing_date"]
    return max(whole_years(filing, as_of), 0) if filing else 0
