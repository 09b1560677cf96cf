"""Every fixed text of a report, in Chinese and English, by key.

The texts are in ``data/texts.yaml``. A text may hold ``{name}`` fields; `say` fills them. A test asserts that both languages
name the same fields.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

import yaml

from zhirong.kernel.errors import UnknownNameError
from zhirong.kernel.text import Bilingual, Language

__all__ = ["RULES_ZH", "TEXTS", "say", "word"]


def _read(name: str) -> dict[str, Any]:
    plain: dict[str, Any] = yaml.safe_load((resources.files("zhirong.reports") / "data" / name).read_text("utf-8"))
    return plain


TEXTS: dict[str, Bilingual] = {key: Bilingual(**both) for key, both in _read("texts.yaml").items()}
"""Key to text."""

RULES_ZH: dict[str, str] = _read("findings.yaml")
"""What each rule of a finding means, in Chinese."""


def say(key: str, lang: Language, **fields: object) -> str:
    """Return a text in one language with its fields filled.

    Raises
    ------
    UnknownNameError
        For a key that does not exist.
    """
    try:
        pair = TEXTS[key]
    except KeyError:
        raise UnknownNameError("text", key, TEXTS) from None
    return pair.in_(lang).format(**fields)


def word(prefix: str, code: str, lang: Language) -> str:
    """Return the text of a code (``grade``, ``recalled``), or the code itself where it has none."""
    pair = TEXTS.get(f"{prefix}.{code}")
    return pair.in_(lang) if pair else code
