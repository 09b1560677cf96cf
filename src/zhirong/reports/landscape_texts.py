"""Fixed texts of the landscape report and of the value bridge, by key; they are in ``data/landscape.yaml``."""

from __future__ import annotations

from importlib import resources

import yaml

from zhirong.kernel.errors import UnknownNameError
from zhirong.kernel.text import Bilingual, Language

__all__ = ["LANDSCAPE_TEXTS", "tell"]

LANDSCAPE_TEXTS: dict[str, Bilingual] = {
    str(key): Bilingual(**both)
    for key, both in yaml.safe_load(
        (resources.files("zhirong.reports") / "data" / "landscape.yaml").read_text("utf-8")
    ).items()
}
"""Key to text."""


def tell(key: str, lang: Language, **fields: object) -> str:
    """Return a text in one language with its fields filled.

    Raises
    ------
    UnknownNameError
        For a key that does not exist.
    """
    try:
        pair = LANDSCAPE_TEXTS[key]
    except KeyError:
        raise UnknownNameError("text", key, LANDSCAPE_TEXTS) from None
    return pair.in_(lang).format(**fields)
