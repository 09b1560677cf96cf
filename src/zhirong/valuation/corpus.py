"""The value of every patent of a store: in chunks, on all cores or on Spark, and to be taken up again after a kill.

A run is a folder: ``manifest.json`` says what was asked and of how many chunks it consists; ``values/part-*.parquet`` are the
chunks, each put in place whole; ``findings.parquet`` holds why patents were refused. A run that was stopped, however, is taken up
where it stood by the same call, and ends in the same bytes as one that was not stopped.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from zhirong.kernel.errors import DomainError, StoreError
from zhirong.kernel.findings import Severity
from zhirong.kernel.provenance import fingerprint, fingerprint_file
from zhirong.params import ParameterBook
from zhirong.tables import Engine, Store, connect, write_parquet
from zhirong.tables.mapping import map_chunks
from zhirong.tables.parquet import fsync_folder
from zhirong.valuation.background import Background, prepare
from zhirong.valuation.corpus_chunk import VALUES, ChunkValuer, Plan
from zhirong.valuation.engine import CODE_VERSION
from zhirong.valuation.kept import code_fingerprint, write_kept
from zhirong.valuation.reliability import with_learned_pool
from zhirong.valuation.types import Assumption, Purpose

__all__ = ["CHUNK_PATENTS", "CorpusRun", "value_corpus"]

CHUNK_PATENTS = 1_000
DRAWS_MIN = 100
FORMAT_VERSION = 1
MANIFEST, FINDINGS, WORK = "manifest.json", "findings.parquet", ".work"
Progress = Callable[[int, int, int], None]
_STAGED: Mapping[str, str] = {
    "patents": "patent_id", "legal_events": "patent_id", "classifications": "patent_id", "texts": "patent_id",
    "patent_parties": "patent_id", "parties": "party_id", "families": "family_id", "firm_years": "firm_id", "claims": "patent_id",
}  # fmt: skip
"""Tables that every chunk reads, cut at the date and sorted once, so that a chunk reads its own part of them only."""
_FINDINGS = pa.schema(
    [(name, pa.string()) for name in ("rule", "severity", "source", "message", "record_id")]
)  # columns of Finding that a refusal fills


@dataclass(frozen=True, slots=True)
class CorpusRun:
    """What was done.

    Attributes
    ----------
    out : Path
        Folder of the run.
    patents : int
        Patents that the store knew at the date.
    valued, refused, ended : int
        Those with a value, those without and why (``findings.parquet``), and those whose right had ended; they sum to `patents`.
    chunks, resumed : int
        Chunks of the run, and how many of them an earlier call had done.
    median_sum : float
        Sum of the medians, in CNY: for orientation only, the median of a sum is another thing.
    methods : Mapping of str to int
        Patents by method that was admissible.
    """

    out: Path
    patents: int
    valued: int
    refused: int
    ended: int
    chunks: int
    resumed: int
    median_sum: float
    methods: Mapping[str, int] = field(default_factory=dict)


def value_corpus(
    store: Store,
    out: Path,
    *,
    as_of: date,
    purpose: Purpose,
    book: ParameterBook,
    mine: Mapping[str, Assumption] | None = None,
    draws: int = 2_000,
    seed: int = 1,
    chunk_patents: int = CHUNK_PATENTS,
    processes: int | None = None,
    engine: Engine | None = None,
    progress: Progress = lambda done, total, resumed: None,
) -> CorpusRun:
    """Value every patent that was known and alive at a date; take up a run that was stopped.

    Parameters
    ----------
    store : Store
        Evidence.
    out : Path
        Folder of the run: new, empty, or that of the same run.
    as_of, purpose, book, mine, draws, seed
        As for `zhirong.valuation.value_patent`: with the same ones a patent has the same value.
    chunk_patents : int
        Patents of a chunk: what a kill costs at most, for each process.
    processes : int, optional
        Processes on this machine; one a core where not given.
    engine : Engine, optional
        A Spark engine, to have the chunks valued by its workers, which must see the store and `out`; the values are the same.
    progress : callable
        Told ``(done, total, resumed)`` in patents after every chunk; `resumed` of the done were there before.

    Returns
    -------
    CorpusRun

    Raises
    ------
    StoreError
        When `out` holds another run or other files, or another process is at work in it.
    DomainError
        For too few draws or an impossible chunk.
    EngineError
        When a worker failed; what was done is kept.
    """
    if draws < DRAWS_MIN:
        raise DomainError(f"draws must be at least {DRAWS_MIN}, not {draws}")
    if chunk_patents < 1:
        raise DomainError(f"chunk_patents must be at least 1, not {chunk_patents}")
    asked = _asked(store, as_of, purpose, book, mine or {}, draws, seed, chunk_patents)
    with _at_work(out):
        _take_up(out, asked)
        work = out / WORK
        with connect("duckdb") as local:
            background = with_learned_pool(prepare(store, local, as_of=as_of, book=book))
            ids = local.to_arrow(background.tables["patents"].select("patent_id").order_by("patent_id"))
            _stage(background, local, work)
            write_kept(work / "fits.bin", background.fits())
        chunks = {n: ids.slice(n * chunk_patents, chunk_patents) for n in range(-(-ids.num_rows // chunk_patents))}
        missing = {n: rows for n, rows in chunks.items() if not _part(out, n).is_file()}
        resumed = done = ids.num_rows - sum(rows.num_rows for rows in missing.values())
        progress(done, ids.num_rows, resumed)
        plan = Plan(store.path.resolve(), work.resolve(), as_of, purpose, book, dict(mine or {}), draws, seed)
        with contextlib.ExitStack() as stack:
            runner = engine if engine is not None else stack.enter_context(connect("duckdb"))
            for number, rows in map_chunks(runner, missing, ChunkValuer(plan), VALUES, processes=processes):
                write_parquet(_part(out, number), rows, VALUES)
                done += chunks[number].num_rows
                progress(done, ids.num_rows, resumed)
        return _finish(out, asked, chunks, len(chunks) - len(missing))


def _asked(
    store: Store, as_of: date, purpose: Purpose, book: ParameterBook, mine: Mapping[str, Assumption], draws: int, seed: int,
    chunk_patents: int,
) -> dict[str, Any]:  # fmt: skip
    """Return what a run is asked for: two calls with the same are the same run."""
    return {
        "as_of": as_of.isoformat(),
        "purpose": str(purpose),
        "draws": draws,
        "seed": seed,
        "chunk_patents": chunk_patents,
        "code_version": CODE_VERSION,
        "code": code_fingerprint(),
        "data": store.fingerprints(),
        "parameters": fingerprint({path: [p.version for p in book.series(path)] for path in book}),
        "assumptions": {name: fingerprint(repr(value)) for name, value in sorted(mine.items())},
        "is_synthetic": store.manifest.is_synthetic,
    }


@contextlib.contextmanager
def _at_work(out: Path) -> Iterator[None]:
    """Hold the folder: one process at a time."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / ".lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(f"{out}: another process is at work in this folder") from None
        yield


def _take_up(out: Path, asked: Mapping[str, Any]) -> None:
    """Make a new run, or see that the folder holds the same one; remove what a kill left half-written."""
    file = out / MANIFEST
    if file.is_file():
        try:
            before = json.loads(file.read_text("utf-8"))["asked"]
        except (json.JSONDecodeError, KeyError, TypeError) as err:
            raise StoreError(f"{file}: damaged manifest ({err})") from err
        if differing := sorted(name for name in asked if before.get(name) != asked[name]):
            raise StoreError(
                f"{out} holds a run with another {', '.join(differing)}; choose another folder, or remove this one"
            )
    elif any(entry.name != ".lock" for entry in out.iterdir()):
        raise StoreError(f"{out} is a folder with other files, not a run; it was left alone")
    else:
        _write_json(file, {"format_version": FORMAT_VERSION, "status": "running", "asked": asked})
    (out / "values").mkdir(exist_ok=True)
    for part in (out / "values").glob(".*.part"):
        part.unlink()


def _part(out: Path, number: int) -> Path:
    return out / "values" / f"part-{number:05d}.parquet"


def _stage(background: Background, engine: Engine, work: Path) -> None:
    """Write the tables that every chunk reads, cut at the date and sorted; anew in every call, so they are never half there."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    for name, key in _STAGED.items():
        table = background.tables[name]
        table = table.drop("text") if name == "claims" else table  # by far the largest column, and no value reads it
        engine.write(table.order_by(key), work / f"{name}.parquet")


def _finish(out: Path, asked: Mapping[str, Any], chunks: Mapping[int, pa.Table], resumed: int) -> CorpusRun:
    """Sum up, write the findings and the last manifest, and remove what was for the work only."""
    parts, methods = [], dict.fromkeys((n.removeprefix("weight_") for n in VALUES.names if n.startswith("weight_")), 0)
    valued, refused, medians = 0, [], 0.0
    for number, asked_for in chunks.items():
        file = _part(out, number)
        rows = pq.read_table(file)
        no = rows.filter(pc.is_valid(rows["refusal"]))
        refused.append(_findings(no))
        valued += rows.num_rows - no.num_rows
        medians += pc.sum(rows["p50"]).as_py() or 0.0
        for name in methods:
            methods[name] += rows.num_rows - rows[f"weight_{name}"].null_count
        parts.append(
            {"file": f"values/{file.name}", "patents": asked_for.num_rows, "rows": rows.num_rows, "sha256": fingerprint_file(file)}
        )  # fmt: skip
    findings = pa.concat_tables([_FINDINGS.empty_table(), *refused])
    write_parquet(out / FINDINGS, findings, _FINDINGS)
    patents = sum(rows.num_rows for rows in chunks.values())
    run = CorpusRun(
        out, patents, valued, findings.num_rows, patents - valued - findings.num_rows, len(chunks), resumed, medians,
        {name: count for name, count in methods.items() if count},
    )  # fmt: skip
    summary = {name: value for name, value in asdict(run).items() if name not in ("out", "resumed", "chunks")}
    plain = {"format_version": FORMAT_VERSION, "status": "complete", "asked": asked, "summary": summary, "parts": parts}
    _write_json(out / MANIFEST, plain)
    shutil.rmtree(out / WORK, ignore_errors=True)
    return run


def _findings(refused: pa.Table) -> pa.Table:
    count = refused.num_rows
    columns = [
        pa.array(["valuation.refused"] * count, pa.string()), pa.array([str(Severity.ERROR)] * count, pa.string()),
        refused["patent_id"], refused["refusal"], refused["patent_id"],
    ]  # fmt: skip
    return pa.table(columns, schema=_FINDINGS)


def _write_json(path: Path, plain: Mapping[str, Any]) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with part.open("w", encoding="utf-8") as stream:
        stream.write(json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)
    fsync_folder(path.parent)
