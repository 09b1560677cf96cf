"""Titles of IPC symbols, from WIPO's list in 14-character form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from zhirong.evidence.reading import Output, ReadOptions
from zhirong.kernel.errors import IdentifierError
from zhirong.kernel.findings import Severity
from zhirong.kernel.identifiers import parse_class_symbol
from zhirong.kernel.text import Bilingual

__all__ = ["IpcTitleReader"]

_LENGTHS = (1, 3, 4, 14)
_HEAD_LINES = 5
_PROGRESS_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class IpcTitleReader:
    """Symbol and title, tab separated, without heads; symbols of 1, 3, 4 or 14 characters."""

    name: str = "ipc-titles"
    version: str = "1"

    @property
    def description(self) -> Bilingual:
        """One line for the list of formats."""
        return Bilingual(
            "IPC 分类号及名称（制表符分隔，14 位格式）", "IPC symbols and titles (tab separated, 14-character form)"
        )

    def accepts(self, path: Path, head: bytes) -> bool:
        """Say whether every whole line of the head is a symbol and a title."""
        lines = [line for line in head.decode("utf-8", "replace").split("\n")[:_HEAD_LINES] if line.strip()]
        parts = [line.rstrip("\r").split("\t") for line in lines]
        return len(parts) > 1 and all(len(part) == 2 and _symbol(part[0]) and part[1] for part in parts)

    def read(self, path: Path, out: Output, options: ReadOptions) -> None:
        """Read one row a symbol; the first title of a repeated symbol is kept."""
        seen: set[str] = set()
        total, done = path.stat().st_size, 0
        with path.open("rb") as stream:
            for number, raw_line in enumerate(stream, start=1):
                done += len(raw_line)
                out.read()
                if number % _PROGRESS_ROWS == 0:
                    options.progress(done, total, number)
                raw, _, title = raw_line.decode("utf-8", "replace").strip("\r\n").partition("\t")
                symbol = _symbol(raw)
                if symbol is None or not title.strip():
                    out.refuse()
                    out.finding(
                        "ipc.symbol", Severity.ERROR, "not a symbol with a title; allowed: A, A01, A01B, A01B0001020000",
                        row=number, field="symbol", value=raw,
                    )  # fmt: skip
                elif symbol in seen:
                    out.finding(
                        "ipc.repeated", Severity.INFO, "symbol again; the first title is kept",
                        row=number, field="symbol", value=raw,
                    )  # fmt: skip
                else:
                    seen.add(symbol)
                    row = {"scheme": "ipc", "symbol": symbol, "title": title.strip(), "parent_symbol": _parent(symbol)}
                    out.add("class_titles", row)
        options.progress(total, total, len(seen))


def _symbol(raw: str) -> str | None:
    """Return the normalised symbol, None where the text is none."""
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


def _parent(symbol: str) -> str | None:
    """Return the symbol one level up, for levels down to the main group; the depth of a subgroup is not in the list."""
    if len(symbol) in (1, 3, 4):
        return {1: None, 3: symbol[:1], 4: symbol[:3]}[len(symbol)]
    return symbol[:4] if symbol.endswith("/00") else None
