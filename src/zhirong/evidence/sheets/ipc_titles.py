"""Titles of IPC symbols, from WIPO's list in 14-character form."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

from zhirong.kernel.errors import EvidenceError, IdentifierError
from zhirong.kernel.findings import Finding as _Finding
from zhirong.kernel.findings import FindingLog, Severity
from zhirong.kernel.identifiers import parse_class_symbol

__all__ = ["ClassTitle", "read_ipc_titles"]

_LENGTHS = {1: "section", 3: "class", 4: "subclass", 14: "group"}


@dataclass(frozen=True, slots=True)
class ClassTitle:
    """The title of one symbol.

    Parameters
    ----------
    symbol : str
        Normalised symbol: ``A``, ``A01``, ``A01B``, ``A01B1/02``.
    level : str
        ``section``, ``class``, ``subclass`` or ``group``.
    title : str
        English title as published.
    """

    symbol: str
    level: str
    title: str


def read_ipc_titles(path: Path, *, log: FindingLog | None = None) -> dict[str, ClassTitle]:
    """Read symbol and title pairs, tab separated, plain or gzip.

    Parameters
    ----------
    path : Path
        File without heads: symbol of 1, 3, 4 or 14 characters, tab, title.
    log : FindingLog, optional
        Takes a finding for each row that is no symbol, and for each repeated symbol (the first is kept).

    Returns
    -------
    dict
        Normalised symbol to title, in file order.

    Raises
    ------
    EvidenceError
        When no row of the file is a symbol with a title.
    """
    log = log if log is not None else FindingLog()
    titles: dict[str, ClassTitle] = {}
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, start=1):
            raw, _, title = line.rstrip("\n").partition("\t")
            symbol = _symbol(raw)
            if symbol is None or not title.strip():
                log.add(_Finding("ipc.symbol", Severity.ERROR, path.name, "not a symbol with a title; allowed: "
                                 "A, A01, A01B, A01B0001020000", number, "symbol", raw))  # fmt: skip
            elif symbol in titles:
                log.add(_Finding("ipc.repeated", Severity.INFO, path.name, "symbol again; the first title is kept",
                                 number, "symbol", raw))  # fmt: skip
            else:
                titles[symbol] = ClassTitle(symbol, _LENGTHS[len(raw)], title.strip())
    if not titles:
        raise EvidenceError(f"{path.name} holds no IPC symbol with a title")
    return titles


def _symbol(raw: str) -> str | None:
    if len(raw) not in _LENGTHS or not raw.isascii():
        return None
    if len(raw) == 1:
        return raw if raw in "ABCDEFGH" else None
    if len(raw) == 3:
        return raw if raw[0] in "ABCDEFGH" and raw[1:].isdigit() else None
    try:
        return str(parse_class_symbol(raw))
    except IdentifierError:
        return None
