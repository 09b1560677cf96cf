"""`zhirong value STORE --all`: the value of every patent of a store, with progress, to be taken up after a stop."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path

import click

from zhirong.cli.output import emit, note
from zhirong.cli.words import said
from zhirong.kernel.text import Language
from zhirong.params import ParameterBook
from zhirong.tables import Engine, Store, connect
from zhirong.valuation import Assumption, Purpose
from zhirong.valuation.corpus import CorpusRun, value_corpus

__all__ = ["value_all"]

_EVERY_SECONDS = 5.0
"""Between two lines of progress where the error stream is not a terminal."""


def value_all(
    store: Store, out: Path, *, as_of: date, purpose: Purpose, book: ParameterBook, mine: Mapping[str, Assumption],
    draws: int, seed: int, processes: int | None, engine_name: str, master: str, form: str, lang: Language,
) -> CorpusRun:  # fmt: skip
    """Value every patent of a store into a folder, and print what was done."""
    with _engine(engine_name, master, out) as engine, _progress(lang) as told:
        run = value_corpus(
            store, out, as_of=as_of, purpose=purpose, book=book, mine=mine, draws=draws, seed=seed,
            processes=processes, engine=engine, progress=told,
        )  # fmt: skip
    counts = {"patents": run.patents, "valued": run.valued, "refused": run.refused, "ended": run.ended}
    emit([{"status": name, "count": count} for name, count in counts.items()], form, lang=lang)
    for name, count in sorted(run.methods.items(), key=lambda item: -item[1]):
        note(said(lang, f"方法 {name}：{count:,} 件", f"method {name}: {count:,} patents"))
    if run.refused:
        file = run.out / "findings.parquet"
        note(said(lang, f"未估值 {run.refused:,} 件，原因见 {file}", f"{run.refused:,} refused; reasons in {file}"))
    note(
        said(
            lang,
            f"已在 {run.out / 'values'} 写出 {run.chunks} 个分块，其中 {run.resumed} 个为先前所留",
            f"{run.chunks} parts under {run.out / 'values'}, {run.resumed} of them from an earlier call",
        )
    )
    return run


@contextlib.contextmanager
def _engine(name: str, master: str, out: Path) -> Iterator[Engine | None]:
    """Yield the Spark engine where it is asked for; its scratch lies beside the folder of the run, where workers see it."""
    if name != "spark":
        yield None
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    with connect("spark", master=master, scratch=out.parent) as engine:
        yield engine


@contextlib.contextmanager
def _progress(lang: Language) -> Iterator[Callable[[int, int, int], None]]:
    """Yield the callback that tells how far the work is: done of all, patents a second, and the time left."""
    start, last = time.monotonic(), -_EVERY_SECONDS
    first = -1
    is_terminal = sys.stderr.isatty()

    def tell(done: int, total: int, resumed: int) -> None:
        nonlocal last, first
        now = time.monotonic()
        if first < 0:
            first = done
        if now - last < (0.2 if is_terminal else _EVERY_SECONDS) and done < total:
            return
        last = now
        click.echo(("\r\x1b[K" if is_terminal else "") + progress_line(done, total, done - first, now - start, lang),
                   err=True, nl=not is_terminal)  # fmt: skip

    yield tell
    if is_terminal:
        click.echo("", err=True)


def progress_line(done: int, total: int, new: int, seconds: float, lang: Language) -> str:
    """Return how far the work is.

    Parameters
    ----------
    done, total : int
        Patents done, and all.
    new : int
        Patents done since the call.
    seconds : float
        Time since the call.
    lang : {"zh", "en"}
        Language.

    Examples
    --------
    >>> progress_line(500, 2000, 250, 10.0, "en")
    '500 of 2,000 patents (25%), 25.0 a second, 0:01:00 left'
    """
    share = f"{done / total:.0%}" if total else "100%"
    if new <= 0 or seconds <= 0:
        return said(
            lang, f"{total:,} 件专利中已完成 {done:,} 件（{share}）", f"{done:,} of {total:,} patents ({share})"
        )
    rate = new / seconds
    left = round((total - done) / rate)
    clock = f"{left // 3600}:{left % 3600 // 60:02d}:{left % 60:02d}"
    return said(
        lang,
        f"{total:,} 件专利中已完成 {done:,} 件（{share}），每秒 {rate:.1f} 件，剩余 {clock}",
        f"{done:,} of {total:,} patents ({share}), {rate:.1f} a second, {clock} left",
    )
