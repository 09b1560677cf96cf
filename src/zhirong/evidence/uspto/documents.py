"""Cutting bulk files into documents, and parsing one document without trusting it.

Bulk files are documents written one after another, each with its own XML declaration. They are read in blocks, so memory holds
one document whatever the size of the file. A document type declaration is cut off before parsing: the office names DTDs that
are not there, entities that are not pictures are refused, and named characters come from a fixed table.
"""

from __future__ import annotations

import html.entities
import re
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from zhirong.evidence.reading import Output, ReadOptions
from zhirong.kernel.findings import Severity

__all__ = ["documents", "parse", "text_of"]

_BLOCK = 4 << 20
_DOCTYPE = re.compile(rb"<!DOCTYPE\s+[^\[>]*(?:\[(?P<subset>.*?)\]\s*)?>", re.DOTALL)
_COMMENT = re.compile(rb"(?<=>)\s*<!--(?:(?!-->).){0,4000}-->", re.DOTALL)
"""Comments in the head; one of them may hold a document type declaration of an older standard."""
_ENTITY = re.compile(rb"<!ENTITY\b[^>]*>", re.DOTALL)
_NAMED = re.compile(rb"&([A-Za-z][A-Za-z0-9._-]*);")
_XML_NAMES = {b"amp", b"lt", b"gt", b"quot", b"apos"}
_PUNCTUATION = {
    "lsqb": "[", "rsqb": "]", "lcub": "{", "rcub": "}", "num": "#", "percnt": "%", "dollar": "$", "ast": "*", "plus": "+",
    "equals": "=", "commat": "@", "lowbar": "_", "verbar": "|", "bsol": "\\", "sol": "/",
}  # fmt: skip
_GREEK = [
    "a",
    "b",
    "g",
    "d",
    "e",
    "z",
    "ee",
    "th",
    "i",
    "k",
    "l",
    "m",
    "n",
    "x",
    "o",
    "p",
    "r",
    "s",
    "t",
    "u",
    "ph",
    "kh",
    "ps",
    "oh",
]
_ISO_EXTRA = (
    _PUNCTUATION
    | {f"{name}gr": letter for name, letter in zip(_GREEK, "αβγδεζηθικλμνξοπρστυφχψω", strict=True)}
    | {
        f"{name.capitalize() if len(name) == 1 else name.upper()}gr": letter.upper()
        for name, letter in zip(_GREEK, "αβγδεζηθικλμνξοπρστυφχψω", strict=True)
    }
    | {"sfgr": "ς"}
)
"""ISO 8879 names that HTML lacks: punctuation, and ISOgrk1 for Greek letters."""
_DOCTYPE_WITHIN = 1 << 20
_COMMENTS_WITHIN = 16 << 10

_normal_text = etree.XPath("normalize-space()", smart_strings=False)
_ODD_BLANK = re.compile("[\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
"""Blanks beyond those of XML."""


def documents(path: Path, out: Output, options: ReadOptions) -> Iterator[tuple[int, bytes]]:
    """Yield the documents of a file with their number, from 1.

    Parameters
    ----------
    path : Path
        Single document, or documents written one after another.
    out : Output
        Takes a finding for a document beyond `limits.record_bytes`, which is skipped.
    options : ReadOptions
        Limits; progress is told after each document.
    """
    total, done, number = path.stat().st_size, 0, 0
    buffer = b""
    is_skipping = False
    with path.open("rb") as stream:
        while True:
            block = stream.read(_BLOCK)
            buffer += block
            starts = _starts(buffer)
            if not block:
                starts.append(len(buffer))
            at = 0
            for end in starts:
                piece, at = buffer[at:end], end
                done += len(piece)
                if is_skipping:
                    is_skipping = False
                elif piece.strip():
                    number += 1
                    yield number, piece
                    options.progress(done, total, number)
            buffer = buffer[at:]
            if len(buffer) > options.limits.record_bytes and not is_skipping:
                number += 1
                out.read()
                out.refuse()
                out.finding("document.too_large", Severity.ERROR,
                            f"a document of more than {options.limits.record_bytes:,} bytes was skipped", row=number)  # fmt: skip
                is_skipping = True
            if is_skipping:
                done += len(buffer)
                buffer = buffer[-16:]
                done -= len(buffer)
            if not block:
                return


def _starts(buffer: bytes) -> list[int]:
    """Return where documents after the first begin: an XML declaration at the start of a line."""
    found = []
    at = buffer.find(b"<?xml", 1)
    while at >= 0:
        if buffer[at - 1 : at] in b"\r\n\t >" and buffer[at + 5 : at + 6] in b" \t":
            found.append(at)
        at = buffer.find(b"<?xml", at + 5)
    return found


def parse(document: bytes, number: int, out: Output) -> etree._Element | None:
    """Parse one document, or file a finding and return None.

    Parameters
    ----------
    document : bytes
        The document, declaration included.
    number : int
        Its number in the file.
    out : Output
        Takes findings: entities that are not pictures, undefined names, malformed or cut-off markup.
    """
    body = document.lstrip()
    if b"<!--" in body[:_COMMENTS_WITHIN]:
        body = _COMMENT.sub(b"", body[:_COMMENTS_WITHIN], count=3) + body[_COMMENTS_WITHIN:]
    if match := _DOCTYPE.search(body, 0, _DOCTYPE_WITHIN):
        if any(b"NDATA" not in entity for entity in _ENTITY.findall(match["subset"] or b"")):
            out.refuse()
            out.finding("xml.entity_declared", Severity.ERROR,
                        "the document declares entities of its own, which are refused: they can blow up or read other files",
                        row=number, field="DOCTYPE", value=match[0][:80].decode("utf-8", "replace"))  # fmt: skip
            return None
        body = body[: match.start()] + body[match.end() :]
    # One parser a document: lxml keeps the names of attributes of a parser for ever.
    error: etree.XMLSyntaxError | None = None
    for attempt in (body, None):
        source = attempt if attempt is not None else _with_characters(body, number, out)
        try:
            return etree.fromstring(source, _parser())
        except etree.XMLSyntaxError as err:
            error = err
            if not _NAMED.search(body):
                break
    out.refuse()
    out.finding("xml.malformed", Severity.ERROR, f"not well-formed, cut off, or in another encoding than declared: {error}",
                row=number, value=body[:60].decode("utf-8", "replace"))  # fmt: skip
    return None


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip


def _with_characters(body: bytes, number: int, out: Output) -> bytes:
    """Replace named characters by themselves; an unknown name becomes U+FFFD with a finding."""

    def replace(match: re.Match[bytes]) -> bytes:
        if match[1] in _XML_NAMES:
            return match[0]
        name = match[1].decode("ascii")
        text = _ISO_EXTRA.get(name) or html.entities.html5.get(f"{name};")
        if text is None:
            out.finding("xml.unknown_character", Severity.WARNING, "no character has this name; shown as U+FFFD",
                        row=number, value=match[0].decode("ascii"))  # fmt: skip
            text = "\ufffd"
        return "".join(f"&#{ord(c)};" for c in text).encode("ascii")

    return _NAMED.sub(replace, body)


def text_of(element: etree._Element | None) -> str | None:
    """Return all text below an element with single blanks, None for no element or no text."""
    if element is None:
        return None
    text = str(_normal_text(element))
    if not text.isascii() and _ODD_BLANK.search(text):
        text = " ".join(text.split())
    return text or None
