"""Where a number comes from: sources, fingerprints, versions and seeds.

A result carries a `Provenance`; a value that is not in evidence carries a `Source` with a grade. The same inputs
give the same bytes, so a fingerprint of the inputs identifies the answer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path

from zhirong.kernel.text import Language

__all__ = ["Grade", "Provenance", "Source", "canonical_json", "fingerprint", "fingerprint_file"]


class Grade(StrEnum):
    """How strong the evidence behind a number is, strongest first."""

    OFFICIAL = "official"
    """Law, register or statistics of an office, read in the original."""
    PUBLISHED = "published"
    """A publication that can be cited to the page."""
    COMPUTED = "computed"
    """Computed here from the evidence store."""
    STATED = "stated"
    """Stated by the user or a party, not verified."""
    RECALLED = "recalled"
    """Standard knowledge that was not checked against a text; shown as such, editable."""
    ASSUMED = "assumed"
    """An assumption of the model."""
    SYNTHETIC = "synthetic"
    """Made by the sample generator; says nothing about the world."""


@dataclass(frozen=True, slots=True)
class Source:
    """A citation: what says so, where, when, and how strongly.

    Parameters
    ----------
    title : str
        The publication in its own language, or in English what was computed or assumed.
    grade : Grade
        How strong it is.
    link, page : str or None
        Where.
    dated : date or None
        When.
    note : str or None
        What else must be known.
    title_zh : str or None
        The title in Chinese; None where the title is that of a publication and needs no translation.
    note_zh : str or None
        The note in Chinese.
    """

    title: str
    grade: Grade
    link: str | None = None
    page: str | None = None
    dated: date | None = None
    note: str | None = None
    title_zh: str | None = None
    note_zh: str | None = None

    def note_in(self, lang: Language) -> str | None:
        """Return the note for a reader."""
        return self.note_zh if lang == "zh" and self.note_zh is not None else self.note

    def title_in(self, lang: Language) -> str:
        """Return the title for a reader."""
        return self.title_zh if lang == "zh" and self.title_zh is not None else self.title


@dataclass(frozen=True, slots=True)
class Provenance:
    """Everything needed to compute an answer again.

    Parameters
    ----------
    code_version : str
        Version of the package.
    as_of : date
        Nothing later than this date entered the answer.
    data : mapping of str to str
        Fingerprint of each input table or file.
    parameters : mapping of str to str
        Parameter path to the version (effective date and fingerprint) that was used.
    seed : int or None
        Seed of the random draws, None where there are none.
    settings : mapping of str to str
        Any other argument that changes the answer.
    """

    code_version: str
    as_of: date
    data: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    seed: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """Return plain JSON types, keys sorted."""
        return {
            "as_of": self.as_of.isoformat(),
            "code_version": self.code_version,
            "data": dict(sorted(self.data.items())),
            "parameters": dict(sorted(self.parameters.items())),
            "seed": self.seed,
            "settings": dict(sorted(self.settings.items())),
        }

    def fingerprint(self) -> str:
        """Return the fingerprint of the whole record."""
        return fingerprint(self.as_dict())


def canonical_json(value: object) -> str:
    """Return JSON with sorted keys, no blanks, dates as ISO text; equal values give equal text.

    Raises
    ------
    ValueError
        For NaN or infinity, which have no JSON form.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "__dataclass_fields__"):
        return asdict(value)  # type: ignore[call-overload]
    raise TypeError(f"no canonical JSON for {type(value).__name__}")


def fingerprint(value: object) -> str:
    """Return the SHA-256 of the canonical JSON of a value, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def fingerprint_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, read in blocks of one MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
