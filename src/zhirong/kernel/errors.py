"""The one exception tree.

Bad *data* is a `Finding` (see `zhirong.kernel.findings`); bad *use* is one of these exceptions; a broken
*invariant* is an assertion. Each leaf also inherits the builtin it refines, so that a caller who knows nothing
of Zhirong still catches the right thing, and each has a stable `code` which the platform maps to an HTTP status.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "ConvergenceError",
    "DomainError",
    "EngineError",
    "EvidenceError",
    "HostileInputError",
    "IdentifierError",
    "MissingExtraError",
    "NotAdmissibleError",
    "ParameterError",
    "SchemaError",
    "StoreError",
    "UnknownNameError",
    "ZhirongError",
    "suggest",
]


class ZhirongError(Exception):
    """Root of every exception that Zhirong raises on purpose."""

    code = "zhirong"


class DomainError(ZhirongError, ValueError):
    """An argument is outside the range its function declares."""

    code = "domain"


class UnknownNameError(ZhirongError, KeyError):
    """A name (indicator, profile, format, table, parameter) does not exist; close names are suggested."""

    code = "unknown_name"

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, sorted(known)
        super().__init__(f"no {kind} named {name!r}{suggest(name, self.known)}")

    def __str__(self) -> str:
        return str(self.args[0])


class IdentifierError(DomainError):
    """A patent number, class symbol or code cannot be read."""

    code = "identifier"


class ParameterError(ZhirongError, LookupError):
    """A dated parameter is missing, malformed, or asked for outside its dates."""

    code = "parameter"


class SchemaError(ZhirongError, TypeError):
    """A table does not have the columns or types its schema declares."""

    code = "schema"


class StoreError(ZhirongError, OSError):
    """An evidence store is missing, damaged, or cannot be written."""

    code = "store"


class EngineError(ZhirongError, RuntimeError):
    """A table engine is unknown, not installed, or refused an expression."""

    code = "engine"


class EvidenceError(ZhirongError, ValueError):
    """An input as a whole cannot be read: wrong format, empty, or not there."""

    code = "evidence"


class HostileInputError(EvidenceError):
    """An input was refused because reading on could harm: entity bomb, zip bomb, path traversal."""

    code = "hostile_input"


class ConvergenceError(ZhirongError, ArithmeticError):
    """An iteration met its limit before its tolerance."""

    code = "convergence"


class NotAdmissibleError(ZhirongError, ValueError):
    """A valuation method cannot be used with the evidence at hand; the message says what is missing."""

    code = "not_admissible"


class MissingExtraError(ZhirongError, ImportError):
    """An optional package is needed; the message names the extra to install."""

    code = "missing_extra"

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; install it with: pip install 'zhirong[{extra}]'")


def suggest(name: str, known: Iterable[str], *, at_most: int = 3) -> str:
    """Return a tail for an error message: close names, or all names when they are few.

    Parameters
    ----------
    name : str
        What the user wrote.
    known : iterable of str
        What would have been accepted.
    at_most : int
        How many close names to show.

    Returns
    -------
    str
        Empty when nothing is known.

    Examples
    --------
    >>> suggest("pledg", ["pledge", "trade"])
    '; did you mean: pledge?'
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=at_most)
    if close:
        return f"; did you mean: {', '.join(close)}?"
    if 0 < len(names) <= 12:
        return f"; known: {', '.join(names)}"
    return ""
