"""The formats that can be imported: one explicit list, and detection by content."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from zhirong.evidence.google import GooglePatentsReader
from zhirong.evidence.judgments import JudgmentReader
from zhirong.evidence.lens import LensReader
from zhirong.evidence.ops import OpsReader
from zhirong.evidence.patentsview import PatentsViewReader
from zhirong.evidence.ppubs import PpubsReader
from zhirong.evidence.reading import Reader
from zhirong.evidence.sheets import IpcTitleReader, SheetReader
from zhirong.evidence.template_reader import TemplateReader
from zhirong.evidence.uspto import (
    AssignmentTableReader,
    AssignmentXmlReader,
    CpcReader,
    GreenbookReader,
    UsptoXmlReader,
)
from zhirong.kernel.errors import UnknownNameError

__all__ = ["READERS", "detect", "reader_named"]

_ALL: tuple[Reader, ...] = (
    UsptoXmlReader(),
    GreenbookReader(),
    CpcReader(),
    AssignmentXmlReader(),
    AssignmentTableReader(),
    PatentsViewReader(),
    OpsReader(),
    GooglePatentsReader(),
    LensReader(),
    PpubsReader(),
    TemplateReader(),
    JudgmentReader(),
    IpcTitleReader(),
    SheetReader(),
)

READERS: Mapping[str, Reader] = {reader.name: reader for reader in _ALL}
"""Readers by name, in the order in which detection asks them: the most particular first."""

_ALIASES = {"xlsx": "sheet", "xls": "sheet", "csv": "sheet"}


def reader_named(name: str) -> Reader:
    """Return a reader by name or alias, or raise `UnknownNameError` with close names."""
    try:
        return READERS[_ALIASES.get(name, name)]
    except KeyError:
        raise UnknownNameError("format", name, [*READERS, *_ALIASES]) from None


def detect(path: Path, head: bytes) -> Reader | None:
    """Return the first reader that accepts a file by its name and its first bytes, None where none does."""
    return next((reader for reader in READERS.values() if reader.accepts(path, head)), None)
