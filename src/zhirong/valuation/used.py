"""Which parameters a valuation asked for: the log behind its provenance."""

from __future__ import annotations

from datetime import date

from zhirong.kernel.errors import ParameterError
from zhirong.params import Parameter, ParameterBook

__all__ = ["Used"]


class Used:
    """Parameters asked for, remembered for provenance."""

    def __init__(self, book: ParameterBook, as_of: date) -> None:
        self._book, self._as_of = book, as_of
        self.versions: dict[str, str] = {}

    def at(self, path: str) -> Parameter:
        """Return a parameter at the valuation date and remember its version."""
        parameter = self._book.at(path, self._as_of)
        self.versions[path] = parameter.version
        return parameter

    def first(self, *paths: str) -> Parameter | None:
        """Return the first of several paths that is declared for the date."""
        for path in paths:
            if path in self._book:
                try:
                    return self.at(path)
                except ParameterError:
                    continue
        return None
