"""Which patent of a store a number names, in any of the spellings in which people write numbers.

Accepted are the identifier of the store, the publication number (with or without kind code, also that of the application
before grant), and the application number with or without office, ``ZL``, point and check digit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import ibis

from zhirong.evidence.applications import application_key
from zhirong.kernel.errors import DomainError, IdentifierError, UnknownNameError
from zhirong.kernel.identifiers import parse_patent_number
from zhirong.tables import Engine, Store, connect

__all__ = ["patents_named", "resolve_patent", "resolve_patents"]

_NUMBERS = ("patent_id", "publication_number", "earlier_publication_id", "application_number")
_NEAR = 500
"""Identifiers fetched to look for close ones."""


def resolve_patent(store: Store, text: str) -> str:
    """Return the `patent_id` that a number names.

    Parameters
    ----------
    store : Store
        Evidence.
    text : str
        ``CN101234567B``, ``ZL201310123456.2``, ``2013101234562``, ``US 7,272,630 B2``, or an identifier of the store.

    Returns
    -------
    str

    Raises
    ------
    UnknownNameError
        When the store holds no such patent; close identifiers are named.
    DomainError
        When the number names several patents; they are listed.
    """
    return resolve_patents(store, [text])[text]


def resolve_patents(store: Store, texts: Sequence[str], *, unknown_pass: bool = False) -> dict[str, str]:
    """Return the `patent_id` of each number, in order.

    Parameters
    ----------
    store : Store
        Evidence.
    texts : sequence of str
        Numbers in any spelling of `resolve_patent`.
    unknown_pass : bool
        Return an unknown number as it is written instead of raising, for callers that refuse patents one by one.

    Raises
    ------
    UnknownNameError
        For an unknown number, unless `unknown_pass`.
    DomainError
        For a number that names several patents.
    """
    with connect("duckdb") as engine:
        patents = store.read(engine, "patents").select(*_NUMBERS)
        found = patents_named(engine, patents, texts)
        resolved: dict[str, str] = {}
        for text in texts:
            named = found[text]
            if len(named) > 1:
                shown = ", ".join(named[:10]) + (f" and {len(named) - 10} more" if len(named) > 10 else "")
                raise DomainError(f"{text!r} names {len(named)} patents: {shown}; write one of these")
            if not named and not unknown_pass:
                raise UnknownNameError("patent", text, _near(engine, patents, text))
            resolved[text] = named[0] if named else text
    return resolved


def patents_named(engine: Engine, patents: ibis.Table, texts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return, for each number, the patents that it may name, in order of identifier; one scan for all of them.

    Notes
    -----
    An identifier that is written as the store has it names that patent alone. Else a number counts for every patent whose
    identifier, publication or application has it; without an office it counts for every office.
    """
    forms = {text: _forms(text) for text in texts}
    wanted = sorted({form for several in forms.values() for form in several})
    bare = sorted({form for form in wanted if form[0].isdigit()})
    compact = {f"_{name}": _compact(patents[name]) for name in _NUMBERS}
    t = patents.mutate(**compact, _plain=_compact(patents.application_number.re_replace(r"\.[0-9X]$", "")))
    columns = [t[name] for name in (*compact, "_plain")]
    hit = ibis.or_(*(column.isin(wanted) for column in columns))
    if bare:
        hit = ibis.or_(hit, *(column.substr(2).isin(bare) for column in columns))
    rows = engine.to_arrow(t.filter(hit).drop(*[n for n in _NUMBERS if n != "patent_id"])).to_pylist()
    by_form: dict[str, set[str]] = {}
    for row in rows:
        for name in (*compact, "_plain"):
            if (value := row[name]) is not None:
                for form in (value, value[2:]):
                    by_form.setdefault(form, set()).add(row["patent_id"])
    known = {row["patent_id"] for row in rows}
    return {
        text: (text.strip(),)
        if text.strip() in known
        else tuple(sorted({patent for form in several for patent in by_form.get(form, ())}))
        for text, several in forms.items()
    }


def _compact(column: ibis.Value) -> ibis.Value:
    return column.upper().re_replace("[^0-9A-Z]", "")


def _forms(text: str) -> set[str]:
    """Return the compact spellings under which the store may hold a number."""
    compact = re.sub(r"[^0-9A-Z]", "", text.upper())
    plain = re.sub(r"^(?:CN)?ZL(?=\d)", "CN", compact)
    forms = {compact, plain}
    readings = [plain, f"CN{plain}"] if plain[:1].isdigit() else [plain]
    for reading in readings:
        if key := application_key(reading):
            forms.add(re.sub(r"[^0-9A-Z]", "", key))
    try:
        number = parse_patent_number(plain)
    except IdentifierError:
        pass
    else:
        forms |= {number.patent_id, number.publication_number}
    return {form for form in forms if form}


def _near(engine: Engine, patents: ibis.Table, text: str) -> list[str]:
    """Return identifiers that begin like the number, the longest common beginning first."""
    compact = re.sub(r"[^0-9A-Z]", "", re.sub(r"^(?:CN)?ZL(?=\d)", "CN", text.strip().upper()))
    for start in (compact[:-2], compact[:-4], compact[:4], ""):
        close = patents.filter(_compact(patents.patent_id).startswith(start)) if start else patents
        found = engine.to_arrow(close.select("patent_id").order_by("patent_id").limit(_NEAR))["patent_id"].to_pylist()
        if found:
            return [str(name) for name in found]
    return []
