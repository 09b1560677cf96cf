"""Reading a mapping field by field, keeping every fault with its path, its value and what is allowed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from zhirong.kernel.errors import DomainError, suggest
from zhirong.kernel.text import Bilingual

__all__ = ["DealError", "Fault", "Faults", "Reader"]

_BLANK = Bilingual("？", "?")


@dataclass(frozen=True, slots=True)
class Fault:
    """One bad field: its dotted path, its value, what is allowed."""

    path: str
    value: Any
    allowed: str

    def __str__(self) -> str:
        return f"{self.path}: {self.value!r} is not allowed; allowed: {self.allowed}"


class DealError(DomainError):
    """A deal that cannot be: every fault found, in `faults`."""

    code = "deal"

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, faults)))


class Faults:
    """Faults found so far."""

    def __init__(self) -> None:
        self.found: list[Fault] = []

    def add(self, path: str, value: object, allowed: str) -> None:
        """Remember a fault."""
        self.found.append(Fault(path, value, allowed))

    def settle(self) -> None:
        """Raise `DealError` where there is a fault."""
        if self.found:
            raise DealError(self.found)


class Reader:
    """One mapping of the file; each field is asked for by name, and `done` reports names nobody asked for.

    A fault gives a harmless stand-in, so that reading goes on and finds the others.
    """

    def __init__(self, plain: object, path: str, faults: Faults) -> None:
        self.path, self.faults = path, faults
        self._asked: set[str] = set()
        if not isinstance(plain, Mapping):
            faults.add(path or "deal", plain, "a mapping of names to values")
            plain = {}
        self._plain: Mapping[str, Any] = plain

    def __contains__(self, name: str) -> bool:
        return name in self._plain

    def at(self, name: str) -> str:
        """Return the path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def raw(self, name: str) -> Any:
        """Return a field as it stands, None where it is missing."""
        self._asked.add(name)
        return self._plain.get(name)

    def fault(self, name: str, allowed: str) -> None:
        """Remember a fault of a field."""
        self.faults.add(self.at(name), self._plain.get(name), allowed)

    def number(
        self, name: str, default: float | None = None, *, least: float = -math.inf, most: float = math.inf,
        open_least: bool = False, open_most: bool = False,
    ) -> float:  # fmt: skip
        """Return a number within bounds; no default means that the field must be there."""
        value = self.raw(name)
        if value is None and default is not None:
            return default
        fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if fits and (value < least or value > most or (open_least and value == least) or (open_most and value == most)):
            fits = False
        if not fits:
            self.fault(name, _range(least, most, open_least, open_most))
            return default if default is not None else (least if math.isfinite(least) else 1.0)
        return float(value)

    def whole(self, name: str, default: int | None = None, *, least: int, most: int) -> int:
        """Return a whole number within bounds."""
        value = self.raw(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self.fault(name, f"a whole number from {least} to {most}")
            return least
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """Return true or false."""
        value = self.raw(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.fault(name, "true or false")
            return default
        return value

    def day(self, name: str, default: date | None = None) -> date:
        """Return a date."""
        value = self.raw(name)
        if value is None and default is not None:
            return default
        if type(value) is not date:
            self.fault(name, "a date such as 2024-06-30")
            return default or date(1900, 1, 1)
        return value

    def choice(self, name: str, allowed: Sequence[str], default: str | None = None) -> str:
        """Return one of some words."""
        value = self.raw(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or value not in allowed:
            close = suggest(value, allowed) if isinstance(value, str) else ""
            self.fault(name, ", ".join(allowed) + close)
            return allowed[0]
        return value

    def choice_number(self, name: str, allowed: Sequence[int]) -> int:
        """Return one of some whole numbers."""
        value = self.raw(name)
        if isinstance(value, bool) or value not in allowed:
            self.fault(name, ", ".join(map(str, allowed)))
            return allowed[0]
        return int(value)

    def name(self, name: str, default: str | None = None) -> str:
        """Return a short text."""
        value = self.raw(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not value.strip():
            self.fault(name, "a text")
            return "?"
        return value

    def label(self, name: str = "label", default: str | None = None) -> Bilingual:
        """Return a text in both languages, or a plain one that serves for both."""
        value = self.raw(name)
        if value is None and default is not None:
            return Bilingual(default, default)
        if isinstance(value, str) and value.strip():
            return Bilingual(value, value)
        if (
            isinstance(value, Mapping)
            and set(value) == {"zh", "en"}
            and all(isinstance(v, str) and v for v in value.values())
        ):
            return Bilingual(value["zh"], value["en"])
        self.fault(name, "a text, or {zh: ..., en: ...}")
        return _BLANK

    def names(self, name: str, *, required: bool = False) -> tuple[str, ...]:
        """Return a list of names; a single name is a list of one."""
        value = self.raw(name)
        if value is None and not required:
            return ()
        if isinstance(value, str):
            return (value,)
        if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
            self.fault(name, "a name or a list of names")
            return ()
        if len(set(value)) < len(value):
            self.fault(name, "each name once")
        return tuple(value)

    def curve(self, name: str, *, least: float = -math.inf, most: float = math.inf) -> dict[date, float]:
        """Return numbers by date."""
        value = self.raw(name)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.fault(name, "a mapping of dates to numbers")
            return {}
        found = {}
        for day, number in value.items():
            fits = type(day) is date and isinstance(number, int | float) and not isinstance(number, bool)
            if not fits or not least <= number <= most:
                self.faults.add(f"{self.at(name)}.{day}", number, f"a date and {_range(least, most, False, False)}")
            else:
                found[day] = float(number)
        return dict(sorted(found.items()))

    def part(self, name: str) -> Reader:
        """Return a mapping within this one."""
        return Reader(self.raw(name), self.at(name), self.faults)

    def parts(self, name: str, *, required: bool = False) -> list[Reader]:
        """Return a list of mappings within this one."""
        value = self.raw(name)
        if value is None and not required:
            return []
        if not isinstance(value, list) or (required and not value):
            self.fault(name, "a list" + (" with at least one entry" if required else ""))
            return []
        return [Reader(item, f"{self.at(name)}[{index}]", self.faults) for index, item in enumerate(value)]

    def optional(self, name: str, read: Callable[[Reader], Any]) -> Any:
        """Return a part read by a function, None where it is missing."""
        if self.raw(name) is None:
            return None
        return read(self.part(name))

    def done(self) -> None:
        """Report names nobody asked for."""
        for name in self._plain:
            if name not in self._asked:
                self.faults.add(
                    self.at(str(name)), self._plain[name], "no such field" + suggest(str(name), self._asked)
                )


def _range(least: float, most: float, open_least: bool, open_most: bool) -> str:
    low = "" if least == -math.inf else f"{'above' if open_least else 'at least'} {least:g}"
    high = "" if most == math.inf else f"{'below' if open_most else 'at most'} {most:g}"
    return "a number" + (" " + " and ".join(filter(None, (low, high))) if low or high else "")
