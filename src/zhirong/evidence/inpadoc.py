"""INPADOC legal-event codes and our event kinds: one table of facts, each row with its grade.

Codes are national: the same letters mean different things at different offices. Rows graded ``published`` were seen
with this meaning in published documents of the EPO or of data providers; rows graded ``recalled`` are standard knowledge
that was not checked against the EPO's code table. Per-state events of the EP bundle (`PG25`) are `other`, since they do
not end the European patent as a whole.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from zhirong.kernel.provenance import Grade
from zhirong.tables.schema import EVENT_KINDS

__all__ = ["LegalCode", "code_table", "event_of"]

_FILE = Path(__file__).parent / "data" / "inpadoc_codes.csv"


@dataclass(frozen=True, slots=True)
class LegalCode:
    """One meaning of one code.

    Parameters
    ----------
    office, code : str
        WIPO ST.3 code of the office, and its event code without padding.
    pattern : str
        Regular expression that the event's text must hold for this meaning; empty matches any text.
    event_kind : str
        Kind in our vocabulary.
    description : str
        Meaning in English.
    grade : Grade
        How well the meaning is known.
    """

    office: str
    code: str
    pattern: str
    event_kind: str
    description: str
    grade: Grade


@cache
def code_table() -> Mapping[tuple[str, str], tuple[LegalCode, ...]]:
    """Return all meanings by office and code, in the order in which they are tried."""
    table: dict[tuple[str, str], list[LegalCode]] = {}
    with _FILE.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            assert row["event_kind"] in EVENT_KINDS, f"{_FILE.name}: {row['event_kind']} is not an event kind"
            meaning = LegalCode(
                row["office"], row["code"], row["pattern"], row["event_kind"], row["description"], Grade(row["grade"])
            )
            table.setdefault((meaning.office, meaning.code), []).append(meaning)
    return {key: tuple(meanings) for key, meanings in table.items()}


def event_of(office: str, code: str, text: str = "") -> LegalCode | None:
    """Return what a code means at an office.

    Parameters
    ----------
    office : str
        WIPO ST.3 code.
    code : str
        Code as the source has it; padding is dropped.
    text : str
        Description and free text of the event, for codes whose meaning hangs on it.

    Returns
    -------
    LegalCode or None
        None for a code that the table does not hold: its event is `other`, with a finding.

    Examples
    --------
    >>> event_of("CN", "PE01").event_kind
    'pledged'
    """
    for meaning in code_table().get((office.strip().upper(), code.strip().upper()), ()):
        if not meaning.pattern or re.search(meaning.pattern, text, re.IGNORECASE):
            return meaning
    return None
