"""Bilingual text and the normal form of names."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

__all__ = ["LANGUAGES", "Bilingual", "Language", "casefold_nfkc", "detect_language"]

Language = Literal["zh", "en"]
_HAN = re.compile("[㐀-鿿]+")
LANGUAGES: tuple[Language, ...] = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Bilingual:
    """A text a user reads, in Chinese and English; both are required."""

    zh: str
    en: str

    def __post_init__(self) -> None:
        assert self.zh and self.en, "a text that a user reads exists in both languages"

    def in_(self, lang: Language) -> str:
        """Return the text in one language."""
        return self.zh if lang == "zh" else self.en


def casefold_nfkc(text: str) -> str:
    """Return NFKC, case-folded text with single blanks: the form in which text is compared."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).strip().casefold()


def detect_language(text: str) -> Language:
    """Return zh when at least a tenth of the letters are Han characters, else en."""
    if text.isascii():
        return "en"
    han = sum(map(len, _HAN.findall(text)))
    if han == 0:
        return "en"
    return "zh" if han * 10 >= sum(map(str.isalpha, text)) else "en"
