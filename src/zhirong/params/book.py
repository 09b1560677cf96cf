"""Dated, sourced values of law and market, asked for at a date.

A parameter is a YAML entry under ``params/data/``: a label in both languages, a unit, a jurisdiction, and values, each with
the day from which it holds and the source that says so. Code asks `ParameterBook.at(path, day)`; a day before the first or
after the last declared validity is an error, never the nearest value.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml

from zhirong.kernel.errors import ParameterError, suggest
from zhirong.kernel.provenance import Grade, Source
from zhirong.kernel.text import Bilingual

__all__ = ["Parameter", "ParameterBook", "load"]

_ENTRY_KEYS = {"label", "unit", "jurisdiction", "values", "note"}
_ENTRY_REQUIRED = {"label", "unit", "jurisdiction", "values"}
_SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_VALUE_KEYS = {"from", "to", "value", "low", "high", "source"}
_VALUE_REQUIRED = {"from", "value", "source"}
_SOURCE_KEYS = {"title", "title_zh", "note_zh", "grade", "link", "page", "dated", "note"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value at one date.

    Parameters
    ----------
    path : str
        Dotted, e.g. ``fees.cn.invention.annuity``.
    label : Bilingual
        What a reader sees.
    value : object
        Number, text, list or mapping, as declared.
    unit : str
        Unit of the value.
    jurisdiction : str
        WIPO ST.3 code, or ``WO`` for none.
    effective_from : date
        First day of validity.
    effective_to : date or None
        Last day of validity, None while in force.
    source : Source
        With its grade; `recalled` values are labelled in every output.
    low, high : float or None
        Range within which the value is uncertain or may be moved.
    is_overridden : bool
        Comes from a user's file.
    """

    path: str
    label: Bilingual
    value: Any
    unit: str
    jurisdiction: str
    effective_from: date
    source: Source
    effective_to: date | None = None
    low: float | None = None
    high: float | None = None
    is_overridden: bool = False

    @property
    def version(self) -> str:
        """Path and effective date, for provenance."""
        return f"{self.path}@{self.effective_from.isoformat()}" + ("*" if self.is_overridden else "")


class ParameterBook:
    """All parameters by path; frozen.

    Examples
    --------
    >>> from datetime import date
    >>> load().at("terms.cn.invention", date(2024, 6, 30)).value
    20
    """

    def __init__(self, series: Mapping[str, tuple[Parameter, ...]]) -> None:
        self._series = dict(sorted(series.items()))

    def at(self, path: str, day: date) -> Parameter:
        """Return the parameter in force on a day.

        Raises
        ------
        ParameterError
            For an unknown path (with close names), and for a day outside the declared validity.
        """
        for parameter in reversed(self.series(path)):
            if parameter.effective_from <= day and (parameter.effective_to is None or day <= parameter.effective_to):
                return parameter
        spans = ", ".join(f"{p.effective_from} to {p.effective_to or 'now'}" for p in self.series(path))
        raise ParameterError(f"{path} is not declared for {day}; declared: {spans}. Add a dated value, or override it")

    def value(self, path: str, day: date) -> Any:
        """Return the bare value in force on a day; see `at`."""
        return self.at(path, day).value

    def series(self, path: str) -> tuple[Parameter, ...]:
        """Return every dated value of a path, oldest first."""
        try:
            return self._series[path]
        except KeyError:
            raise ParameterError(f"no parameter {path!r}{suggest(path, self._series)}") from None

    def paths(self, prefix: str = "") -> list[str]:
        """Return paths that are `prefix` or lie under it."""
        return [p for p in self._series if not prefix or p == prefix or p.startswith(prefix + ".")]

    def __contains__(self, path: object) -> bool:
        return path in self._series

    def __iter__(self) -> Iterator[str]:
        return iter(self._series)

    def __len__(self) -> int:
        return len(self._series)

    def override(self, file: Path) -> ParameterBook:
        """Return a book in which a user's file replaces whole paths or adds new ones; each is flagged."""
        text = file.read_text("utf-8")
        mine = {
            path: tuple(replace(p, is_overridden=True) for p in series)
            for path, series in _parse(text, file.name).items()
        }
        return ParameterBook({**self._series, **mine})


def load(extra: Path | None = None) -> ParameterBook:
    """Return the shipped parameters, with a user's file on top where one is given.

    Raises
    ------
    ParameterError
        When a file is malformed: names file and key.
    """
    book = _shipped()
    return book.override(extra) if extra is not None else book


_cache: list[ParameterBook] = []


def _shipped() -> ParameterBook:
    if not _cache:
        series: dict[str, tuple[Parameter, ...]] = {}
        for file in _yaml_files(resources.files("zhirong.params") / "data"):
            for path, values in _parse(file.read_text("utf-8"), file.name).items():
                if path in series:
                    raise ParameterError(f"{file.name}: {path} is declared in another file too")
                series[path] = values
        _cache.append(ParameterBook(series))
    return _cache[0]


def _yaml_files(folder: Traversable) -> Iterator[Traversable]:
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.is_dir():
            yield from _yaml_files(entry)
        elif entry.name.endswith(".yaml"):
            yield entry


def _parse(text: str, file: str) -> dict[str, tuple[Parameter, ...]]:
    try:
        plain = yaml.load(text, _SafeLoader)  # noqa: S506 - a safe loader, in C where the library has it
    except yaml.YAMLError as err:
        raise ParameterError(f"{file}: not YAML: {err}") from err
    if not isinstance(plain, dict):
        raise ParameterError(f"{file}: should be a mapping of paths to entries")
    return {str(path): _entry(str(path), entry, file) for path, entry in plain.items()}


def _keys(plain: Any, where: str, allowed: set[str], required: set[str]) -> Mapping[str, Any]:
    if not isinstance(plain, dict):
        raise ParameterError(f"{where}: should be a mapping, is {plain!r}")
    if unknown := plain.keys() - allowed:
        name = sorted(map(str, unknown))[0]
        raise ParameterError(f"{where}: key {name!r} is not allowed{suggest(name, allowed)}")
    if missing := required - plain.keys():
        raise ParameterError(f"{where}: key {sorted(missing)[0]!r} is missing")
    return plain


def _entry(path: str, plain: Any, file: str) -> tuple[Parameter, ...]:
    where = f"{file}: {path}"
    entry = _keys(plain, where, _ENTRY_KEYS, _ENTRY_REQUIRED)
    label = _keys(entry["label"], f"{where}.label", {"zh", "en"}, {"zh", "en"})
    if not isinstance(entry["values"], list) or not entry["values"]:
        raise ParameterError(f"{where}.values: should be a list with at least one value")
    values = []
    for index, item in enumerate(entry["values"]):
        spot = f"{where}.values[{index}]"
        value = _keys(item, spot, _VALUE_KEYS, _VALUE_REQUIRED)
        values.append(
            Parameter(
                path=path,
                label=Bilingual(str(label["zh"]), str(label["en"])),
                value=value["value"],
                unit=str(entry["unit"]),
                jurisdiction=str(entry["jurisdiction"]),
                effective_from=_day(value["from"], f"{spot}.from"),
                effective_to=_day(value["to"], f"{spot}.to") if value.get("to") is not None else None,
                source=_source(value["source"], f"{spot}.source"),
                low=_number(value.get("low"), f"{spot}.low"),
                high=_number(value.get("high"), f"{spot}.high"),
            )
        )
    _check_order(values, where)
    return tuple(values)


def _check_order(values: list[Parameter], where: str) -> None:
    for earlier, later in itertools.pairwise(values):
        if later.effective_from <= earlier.effective_from:
            raise ParameterError(f"{where}.values: dates `from` must rise, {later.effective_from} does not")
    for value in values:
        if value.effective_to is not None and value.effective_to < value.effective_from:
            raise ParameterError(f"{where}.values: `to` {value.effective_to} is before `from` {value.effective_from}")
        if value.low is not None and value.high is not None and value.low > value.high:
            raise ParameterError(f"{where}.values: low {value.low} is above high {value.high}")


def _day(value: Any, where: str) -> date:
    if type(value) is date:
        return value
    raise ParameterError(f"{where}: {value!r} is not a date; allowed: 2024-06-30")


def _number(value: Any, where: str) -> float | None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise ParameterError(f"{where}: {value!r} is not a number")


def _source(plain: Any, where: str) -> Source:
    source = _keys(plain, where, _SOURCE_KEYS, {"title", "grade"})
    try:
        grade = Grade(source["grade"])
    except ValueError:
        allowed = ", ".join(Grade)
        raise ParameterError(f"{where}.grade: {source['grade']!r} is not allowed; allowed: {allowed}") from None
    dated = _day(source["dated"], f"{where}.dated") if source.get("dated") is not None else None
    return Source(
        str(source["title"]), grade, source.get("link"), source.get("page"), dated, source.get("note"),
        source.get("title_zh"), source.get("note_zh"),
    )  # fmt: skip
