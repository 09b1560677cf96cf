"""The generated page of canonical tables: every column with its type, unit, meaning and what null means."""

from __future__ import annotations

from zhirong.tables.schema import CANONICAL

__all__ = ["schema_page"]


def schema_page() -> str:
    """Return Markdown: one section a table."""
    lines = [
        "# Canonical tables",
        "",
        "An evidence store is a folder with one Parquet file a table and `manifest.json` (sources, fingerprints, findings).",
        "Null means unknown unless the column says otherwise; NaN and infinity are refused. A row is *known from* the first",
        "non-null of the named dates, which is where `as_of` cuts; a row that is known *via* a patent is known when that",
        "patent is.",
        "",
    ]
    for schema in CANONICAL.values():
        known = ", ".join(f"`{name}`" for name in schema.known_from) or "timeless"
        via = f"; via `{schema.via}`" if schema.via else ""
        key = ", ".join(f"`{name}`" for name in schema.key)
        lines += [f"## {schema.name}", "", f"{schema.description} Key: {key}. Known from: {known}{via}.", ""]
        lines += ["| column | type | meaning | unit | allowed | null means |", "|---|---|---|---|---|---|"]
        for column in schema.columns:
            null = "never null" if column.required else column.null
            allowed = ", ".join(column.allowed)
            lines.append(
                f"| `{column.name}` | {column.type} | {column.description} | {column.unit or ''} | {allowed} | {null} |"
            )
        lines.append("")
    return "\n".join(lines)
