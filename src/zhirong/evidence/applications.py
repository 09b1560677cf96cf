"""Application numbers in one comparable form, so that a priority claim meets the application that it names.

Offices and hosts write the number of one application in many ways: ``2013101234567``, ``CN 201310123456 A``,
``PCT/US98/12345``, ``US-201213400000-A``, ``EP19990203729``. The comparable form has no blanks, strokes and kind letter.
What cannot be told apart without a register (US numbers of before 2012 in DOCDB form, whose series is missing) stays as it
is written, so two forms of it do not meet; no two applications are taken for one.
"""

from __future__ import annotations

import re
from functools import lru_cache

from zhirong.kernel.errors import IdentifierError
from zhirong.kernel.identifiers import cn_application_number

__all__ = ["application_key"]

_PCT = re.compile(r"^(?:WO)?PCT(?P<office>[A-Z]{2})(?P<digits>\d{7}|\d{9,10})W?$")
_DOCDB_PCT = re.compile(r"^(?:WO)?(?P<office>[A-Z]{2})(?P<digits>(?:19|20)\d{8})(?P<kind>W)?$")
_OFFICE = re.compile(r"^[A-Z]{2}(?=[A-Z]{0,2}\d)")
_KIND = re.compile(r"(?<=\d)[A-Z]\d?$")
_LONG_YEAR = 12
"""Digits of a US number in DOCDB form since 2012: year, series, serial."""
_EPODOC = 11
"""Digits of a European number in EPODOC form: year and seven digits."""
_YEAR_78 = 78


@lru_cache(maxsize=65_536)
def application_key(text: str | None, *, office: str | None = None) -> str | None:
    """Return an application number in comparable form.

    Parameters
    ----------
    text : str or None
        The number in any spelling, with or without office and kind letter.
    office : str, optional
        WIPO ST.3 code of the office where the text names none; ``WO`` marks an international application.

    Returns
    -------
    str or None
        Office and number: ``CN201310123456.7`` (with check digit), ``US13400000``, ``PCTUS1998012345``; None for a text
        without digits, or one that names no office where none is given.

    References
    ----------
    EPO, *DOCDB and EPODOC number formats*; ZC 0006-2003 for Chinese numbers.

    Examples
    --------
    >>> application_key("PCT/US98/12345"), application_key("US-201213400000-A"), application_key("EP19990203729")
    ('PCTUS1998012345', 'US13400000', 'EP99203729')
    """
    compact = re.sub(r"[^0-9A-Z]", "", (text or "").upper())
    if not any(c.isdigit() for c in compact):
        return None
    if match := _PCT.match(compact):
        return _international(match["office"], match["digits"])
    if (match := _DOCDB_PCT.match(compact)) and (match["kind"] or office == "WO"):
        return _international(match["office"], match["digits"])
    named = _OFFICE.match(compact)
    of = named[0] if named else office
    if of is None:
        return None
    number = compact[len(named[0]) :] if named else compact
    return _chinese(number) if of == "CN" else of + _national(of, number)


def _international(office: str, digits: str) -> str:
    if len(digits) == 7:
        century = "19" if int(digits[:2]) >= _YEAR_78 else "20"
        digits = century + digits
    return f"PCT{office}{digits[:4]}{digits[4:].zfill(6)}"


def _chinese(number: str) -> str:
    """Complete the check digit; a number of another form, or whose check digit does not fit, stays as it is."""
    plain = re.sub(r"(?<=\d)[A-WYZ]\d?$", "", number)
    try:
        return cn_application_number(plain)
    except IdentifierError:
        return f"CN{plain}"


def _national(office: str, number: str) -> str:
    number = _KIND.sub("", number)
    if office == "US" and len(number) == _LONG_YEAR and number[:2] in {"19", "20"}:
        return number[4:]
    if office == "EP" and len(number) == _EPODOC and number[:2] in {"19", "20"}:
        return number[2:4] + number[5:]
    return number
