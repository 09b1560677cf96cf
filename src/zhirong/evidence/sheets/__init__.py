"""Spreadsheets and CSV files of patent databases, read by a mapping of heads to canonical fields."""

from __future__ import annotations

from zhirong.evidence.sheets.ipc_titles import IpcTitleReader
from zhirong.evidence.sheets.mapping import load_mapping, parse_mapping, shipped_mappings
from zhirong.evidence.sheets.propose import ProposedColumn, ProposedMapping, propose_mapping, write_mapping
from zhirong.evidence.sheets.reader import SheetReader
from zhirong.evidence.sheets.rules import SheetMapping

__all__ = [
    "IpcTitleReader",
    "ProposedColumn",
    "ProposedMapping",
    "SheetMapping",
    "SheetReader",
    "load_mapping",
    "parse_mapping",
    "propose_mapping",
    "shipped_mappings",
    "write_mapping",
]
