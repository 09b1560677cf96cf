"""Accounts of the owners of patents and of their industries, as they were known at the date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zhirong.valuation.background import Background

__all__ = ["Accounts", "FirmYear", "SectorYear", "accounts_of"]

_OWNER_ROLES = ("applicant", "assignee", "owner")
_WHOLE_COUNTRY = "00"
_COLUMNS = ("revenue", "patent_product_revenue", "operating_profit", "total_assets", "total_debt", "employee_count")


@dataclass(frozen=True, slots=True)
class FirmYear:
    """One financial year of a firm, in CNY; None is unknown, never zero."""

    year: int
    revenue: float | None
    patent_product_revenue: float | None
    operating_profit: float | None
    total_assets: float | None
    total_debt: float | None
    employee_count: int | None


@dataclass(frozen=True, slots=True)
class SectorYear:
    """One year of an industry in the whole country; None is unknown."""

    year: int
    revenue: float | None
    operating_margin: float | None
    growth: float | None


@dataclass(frozen=True, slots=True)
class Accounts:
    """What is known of the money of a patent's first owner.

    Parameters
    ----------
    firm_id : str or None
        None when the owner is not among the firms of the store.
    sector_code : str or None
        Industry of the firm.
    years : tuple of FirmYear
        Oldest first.
    sector : tuple of SectorYear
        Of the industry, oldest first.
    """

    firm_id: str | None
    sector_code: str | None
    years: tuple[FirmYear, ...] = ()
    sector: tuple[SectorYear, ...] = ()

    def series(self, column: str) -> dict[int, float]:
        """Return a column by year, years without it left out."""
        found = {item.year: getattr(item, column) for item in self.years}
        return {year: float(value) for year, value in found.items() if value is not None}


def accounts_of(background: Background, patent_ids: Sequence[str]) -> dict[str, Accounts]:
    """Return the accounts behind patents; one pass for all of them.

    Parameters
    ----------
    background : Background
        The tables of it are cut at its date, so accounts published later are not seen.
    patent_ids : sequence of str
        Patents of the store.

    Returns
    -------
    dict of str to Accounts
        One for each patent asked for; years in another currency than CNY are left out.
    """
    tables, engine = background.tables, background.engine
    wanted = sorted(set(patent_ids))
    roles = tables["patent_parties"].filter(lambda t: t.role.isin(_OWNER_ROLES) & (t.sequence == 1))
    firms = tables["firms"].filter(lambda t: t.party_id.notnull()).select("firm_id", "party_id", "sector_code")
    joined = engine.among(roles, "patent_id", wanted).inner_join(firms, "party_id")
    rows = engine.to_arrow(joined.select("patent_id", "firm_id", "sector_code").distinct()).to_pylist()
    owner = {row["patent_id"]: row for row in sorted(rows, key=lambda r: (r["patent_id"], r["firm_id"]), reverse=True)}
    firm_years = _rows(background, "firm_years", "firm_id", {row["firm_id"] for row in owner.values()})
    sector_years = _rows(background, "sector_years", "sector_code", {row["sector_code"] for row in owner.values()})
    found = {}
    for patent in wanted:
        mine = owner.get(patent, {"firm_id": None, "sector_code": None})
        found[patent] = Accounts(
            mine["firm_id"],
            mine["sector_code"],
            tuple(_firm_year(row) for row in firm_years.get(mine["firm_id"], [])),
            tuple(
                SectorYear(int(row["year"]), row["revenue"], row["operating_margin"], row["growth"])
                for row in sector_years.get(mine["sector_code"], [])
                if row["region_code"] == _WHOLE_COUNTRY
            ),
        )
    return found


def _rows(
    background: Background, table: str, key: str, names: set[str | None]
) -> Mapping[str | None, list[dict[str, Any]]]:
    wanted = sorted(name for name in names if name is not None)
    if not wanted:
        return {}
    chosen = background.engine.among(background.tables[table], key, wanted)
    chosen = chosen.filter(lambda t: t.currency.isnull() | (t.currency == "CNY"))
    found: dict[str | None, list[dict[str, Any]]] = {}
    for row in sorted(background.engine.to_arrow(chosen).to_pylist(), key=lambda r: (r[key], r["year"])):
        found.setdefault(row[key], []).append(row)
    return found


def _firm_year(row: Mapping[str, Any]) -> FirmYear:
    return FirmYear(int(row["year"]), *(row[name] for name in _COLUMNS))
