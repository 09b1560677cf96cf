"""Facts too long for a parameter: concordances and lists, shipped as CSV with their basis."""

from __future__ import annotations

import csv
import io
from importlib import resources

import pyarrow as pa

from zhirong.kernel.identifiers import ClassSymbol

__all__ = ["WIPO35_SOURCE", "field_of", "gbt42748", "wipo35", "wipo35_fields"]

WIPO35_SOURCE = (
    "WIPO IPC-Technology Concordance (Schmoch 2008), as in a public 2019-vintage copy; column `basis` says which rows are of "
    "that table, which are defaults of split subclasses and which were placed by judgement. Not verified against WIPO's "
    "current table."
)


def _rows(name: str) -> list[dict[str, str]]:
    text = (resources.files("zhirong.params") / "data" / "facts" / name).read_text("utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def wipo35() -> pa.Table:
    """Return the concordance of IPC to the 35 technology fields.

    Returns
    -------
    pyarrow.Table
        Columns subclass, main_group (NULL: whole subclass, or its unlisted groups), field (1-35), basis. An exact main
        group beats the row without one.
    """
    rows = _rows("wipo35.csv")
    return pa.table(
        {
            "subclass": pa.array([r["subclass"] for r in rows]),
            "main_group": pa.array([r["main_group"] or None for r in rows], pa.string()),
            "field": pa.array([int(r["field"]) for r in rows], pa.int64()),
            "basis": pa.array([r["basis"] for r in rows]),
        }
    )


def wipo35_fields() -> pa.Table:
    """Return the 35 fields: field, name_en, name_zh, sector_en, sector_zh."""
    rows = _rows("wipo35_fields.csv")
    columns = {name: pa.array([r[name] for r in rows]) for name in ("name_en", "name_zh", "sector_en", "sector_zh")}
    return pa.table({"field": pa.array([int(r["field"]) for r in rows], pa.int64()), **columns})


def field_of(symbol: ClassSymbol) -> int | None:
    """Return the technology field of a class symbol, None where the concordance has none.

    Examples
    --------
    >>> from zhirong.kernel.identifiers import parse_class_symbol
    >>> field_of(parse_class_symbol("H04N 1/00")), field_of(parse_class_symbol("H04N 21/00"))
    (3, 4)
    """
    table = _lookup()
    exact = table.get((symbol.subclass, symbol.main_group))
    return exact if exact is not None else table.get((symbol.subclass, None))


_cache: dict[tuple[str, str | None], int] = {}


def _lookup() -> dict[tuple[str, str | None], int]:
    if not _cache:
        table = wipo35()
        keys = zip(table["subclass"].to_pylist(), table["main_group"].to_pylist(), strict=True)
        _cache.update(zip(keys, table["field"].to_pylist(), strict=True))
    return _cache


def gbt42748() -> list[dict[str, str]]:
    """Return the 27 level-3 items of GB/T 42748-2023: item, level1, level2, name_zh, name_en.

    The grouping into level 2 is inferred, not read in the standard.
    """
    return _rows("gbt42748.csv")
