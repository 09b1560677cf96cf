"""Text in one normal form that remembers where each character came from.

Judgments come from scanners and web pages: full-width letters, blanks between characters, broken lines. Patterns are
matched on the normal form; every span that is reported is a span of the original text.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

__all__ = ["NormalText", "normalise"]

_HAN = re.compile(r"[一-鿿㐀-䶿〇。、《》“”‘’()（）:：,，;；]")
_INVISIBLE = frozenset("\u200b\u200c\u200d\u200e\u200f\ufeff\u2060\u00ad\r")
_SENTENCE_END = frozenset("。;:!?；：！？”》)号")
_LINE_MIN = 26
"""A line of so many characters that ends without punctuation was broken by the page."""


@dataclass(frozen=True, slots=True)
class NormalText:
    """Normal form and the original offset of each of its characters."""

    text: str
    offsets: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the original span of a non-empty span of the normal form."""
        assert 0 <= start < end <= len(self.text)
        return self.offsets[start], self.offsets[end - 1] + 1


def normalise(text: str, *, is_chinese: bool) -> NormalText:
    """Return NFKC text; for Chinese without the blanks and line breaks that a scanner put between characters.

    Parameters
    ----------
    text : str
        Original.
    is_chinese : bool
        Drop blanks beside Han characters and join broken lines; else runs of blanks become one, lines are joined
        unless a blank line stands between them.
    """
    chars: list[str] = []
    offsets: list[int] = []
    for i, original in enumerate(text):
        if original in _INVISIBLE:
            continue
        for char in unicodedata.normalize("NFKC", original):
            chars.append(char)
            offsets.append(i)
    keep = _keep_chinese(chars) if is_chinese else _keep_english(chars)
    return NormalText("".join(chars[i] for i in keep), tuple(offsets[i] for i in keep))


def _keep_chinese(chars: list[str]) -> list[int]:
    keep: list[int] = []
    line_start = 0
    for i, char in enumerate(chars):
        if char == "\n":
            if len(keep) == line_start or _is_broken(chars, keep[line_start:]):
                continue
            keep.append(i)
            line_start = len(keep)
        elif char.isspace():
            before = chars[keep[-1]] if keep else "\n"
            after = next((c for c in chars[i + 1 : i + 40] if not c.isspace() or c == "\n"), "\n")
            if before == "\n" or after == "\n" or _HAN.match(before) or _HAN.match(after):
                continue
            if before.isdigit() and after.isdigit():
                continue
            keep.append(i)
        else:
            keep.append(i)
    return keep


def _is_broken(chars: list[str], line: list[int]) -> bool:
    return len(line) >= _LINE_MIN and chars[line[-1]] not in _SENTENCE_END


def _keep_english(chars: list[str]) -> list[int]:
    """Keep one blank for a run; a run with two line breaks keeps a line break."""
    keep: list[int] = []
    i = 0
    while i < len(chars):
        if not chars[i].isspace():
            keep.append(i)
            i += 1
            continue
        end = i
        while end < len(chars) and chars[end].isspace():
            end += 1
        breaks = [k for k in range(i, end) if chars[k] == "\n"]
        if breaks:
            keep.append(breaks[0])
        else:
            chars[i] = " "
            keep.append(i)
        i = end
    return keep
