"""How commands print: tables for people, JSON and CSV for programs, progress and errors on the other stream."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from zhirong.cli.words import head, said, shown
from zhirong.kernel.text import Language

__all__ = ["DateType", "as_of_option", "emit", "format_option", "language_option", "note", "progress_bar", "text_of"]

FORMATS = ("table", "json", "csv")

format_option = click.option(
    "--format", "form", type=click.Choice(FORMATS), default="table", show_default=True, help="How to print the result."
)
language_option = click.option(
    "--lang", type=click.Choice(("zh", "en")), default="en", show_default=True, help="Language of what people read."
)


class DateType(click.ParamType):  # type: ignore[type-arg]
    """An ISO date."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return a date, or fail with what is allowed."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a date; allowed: YYYY-MM-DD, e.g. 2024-06-30", param, ctx)


def as_of_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--as-of DATE` (required: the library never asks a clock)."""
    return click.option(
        "--as-of",
        "as_of",
        type=DateType(),
        required=True,
        help="Nothing known only after this day enters the answer.",
    )(command)


def emit(rows: Sequence[Mapping[str, Any]], form: str, *, title: str | None = None, lang: Language = "en") -> None:
    """Print rows in the chosen form; heads of a table for people are in `lang`, those of JSON and CSV never change."""
    if form == "json":
        click.echo(json.dumps(list(rows), ensure_ascii=False, indent=1, default=_plain))
        return
    columns = list(dict.fromkeys(name for row in rows for name in row))
    if form == "csv":
        stream = io.StringIO()
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _cell(row.get(name)) for name in columns} for row in rows)
        click.echo(stream.getvalue(), nl=False)
        return
    console = Console(file=sys.stdout, soft_wrap=False, highlight=False)
    if not rows:
        console.print(said(lang, "（无记录）", "(no rows)"))
        return
    table = Table(title=title, title_justify="left", header_style="bold", show_lines=False)
    numeric = {name for name in columns if all(isinstance(row.get(name), int | float | None) for row in rows)}
    for name in columns:
        table.add_column(head(name, lang), justify="right" if name in numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(shown(_cell(row.get(name)), lang) for name in columns))
    console.print(table)


def _plain(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return ", ".join(str(part) for part in value)
    return str(value)


def note(message: str) -> None:
    """Print a line for people on the error stream, so that output stays clean."""
    click.echo(message, err=True)


def text_of(pair: Any, lang: Language) -> str:
    """Return one language of a Bilingual, or the text itself."""
    return str(pair.in_(lang)) if hasattr(pair, "in_") else str(pair)


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int, int], None]]:
    """Show a bar on the error stream where that is a terminal; yield the callback `(done, total, records)`."""
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[records]:,} records"),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    ) as bar:
        task = bar.add_task(label, total=None, records=0)

        def update(done: int, total: int, records: int) -> None:
            bar.update(task, completed=done, total=total or None, records=records)

        yield update


@contextmanager
def step_bar(label: str) -> Iterator[Callable[[str, int, int], None]]:
    """Show named steps on the error stream where that is a terminal; yield the callback `(name, number, how many)`."""
    with progress_bar(label) as update:
        start: dict[str, int] = {"records": 0}

        def step(name: str, number: int, count: int) -> None:
            start["records"] = number
            update(number, count, number)

        yield step
