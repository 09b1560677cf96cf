"""A Python function over chunks of rows: in processes on this machine, or by the workers of Spark; the answers are the same.

For work that no query can say, such as the simulation of a patent's value. A chunk is answered whole or not at all.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import numba
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from zhirong.kernel.errors import EngineError, SchemaError
from zhirong.tables.engine import Engine

__all__ = ["ChunkFunction", "map_chunks"]

ChunkFunction = Callable[[pa.Table], pa.Table]
_CHUNK = "_chunk"
_WAVE = 4
"""Chunks a worker gets in one job of Spark: what a kill costs at most, against the start of a job."""
_given: list[ChunkFunction] = []
"""The function of this process, where it is a worker."""


def map_chunks(
    engine: Engine, chunks: Mapping[int, pa.Table], function: ChunkFunction, schema: pa.Schema, *, processes: int | None = None
) -> Iterator[tuple[int, pa.Table]]:  # fmt: skip
    """Apply a function to chunks of rows and yield each answer, in the order in which they are ready.

    Parameters
    ----------
    engine : Engine
        DuckDB: processes of this machine. Spark: its workers, which must see the same files and have this package.
    chunks : Mapping of int to pyarrow.Table
        Rows of each chunk, all of one schema, by a number of its own.
    function : callable
        Takes the rows of one chunk and returns its answer; can be pickled. One process calls it again and again, so it may keep
        what it opened.
    schema : pyarrow.Schema
        Of every answer.
    processes : int, optional
        Processes on this machine, started afresh, one thread each; one a core where not given. 1 stays in this process.

    Yields
    ------
    tuple of int and pyarrow.Table
        Number of the chunk, and its answer.

    Raises
    ------
    EngineError
        When the function fails, with the number of the chunk and where it failed; or when a worker ended.
    """
    if not chunks:
        return
    if engine.name == "spark":
        yield from _by_spark(engine, chunks, function, schema)
        return
    count = processes if processes is not None else os.cpu_count() or 1
    if count < 1:
        raise EngineError(f"processes must be at least 1, not {count}")
    if count == 1:
        for number, rows in chunks.items():
            yield number, _checked(number, function(rows), schema)
        return
    yield from _by_processes(chunks, function, schema, count)


def _checked(number: int, answer: pa.Table, schema: pa.Schema) -> pa.Table:
    if answer.schema.names != schema.names:
        raise SchemaError(f"chunk {number}: columns are {answer.schema.names}, should be {schema.names}")
    return answer.cast(schema)


def _by_processes(
    chunks: Mapping[int, pa.Table], function: ChunkFunction, schema: pa.Schema, count: int
) -> Iterator[tuple[int, pa.Table]]:
    queue = iter(chunks.items())
    running: dict[Future[tuple[pa.Table | None, str]], int] = {}
    # Started afresh: a fork would copy threads and connections that are in use.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, context, initializer=_begin, initargs=(function,)) as pool:
        try:
            while True:
                while len(running) < 2 * count and (item := next(queue, None)) is not None:
                    running[pool.submit(_one, item[1])] = item[0]
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    number = running.pop(future)
                    answer, failure = future.result()
                    if answer is None:
                        raise EngineError(f"chunk {number} failed:\n{failure}")
                    yield number, _checked(number, answer, schema)
        except BrokenProcessPool:
            raise EngineError("a worker process ended before its time (was memory short?)") from None
        finally:
            pool.shutdown(cancel_futures=True)


def _begin(function: ChunkFunction) -> None:
    """Set up a worker process: one thread, and an end as soon as its parent has ended, however that ended."""
    numba.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _given[:] = [function]


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _one(rows: pa.Table) -> tuple[pa.Table | None, str]:
    try:
        return _given[0](rows), ""
    except Exception:  # noqa: BLE001 - crosses a process: any exception, even one that cannot be pickled, is told as text
        return None, traceback.format_exc()


def _by_spark(
    engine: Engine, chunks: Mapping[int, pa.Table], function: ChunkFunction, schema: pa.Schema
) -> Iterator[tuple[int, pa.Table]]:
    """Give Spark a few chunks for each of its cores at a time, so that what is done is done when a kill comes."""
    from pyspark.errors import PySparkException

    session = engine.session()
    cores = max(1, session.sparkContext.defaultParallelism)
    numbers = list(chunks)
    for start in range(0, len(numbers), cores * _WAVE):
        wave = numbers[start : start + cores * _WAVE]
        try:
            answers = _spark_wave(engine, session, {n: chunks[n] for n in wave}, function, schema)
        except PySparkException as err:
            raise EngineError(f"chunks {wave[0]} to {wave[-1]} failed on Spark: {err}") from err
        for number in wave:
            mine = answers.filter(pc.equal(answers[_CHUNK], number)).drop_columns([_CHUNK])
            yield number, _checked(number, mine, schema)


def _spark_wave(
    engine: Engine, session: Any, chunks: Mapping[int, pa.Table], function: ChunkFunction, schema: pa.Schema
) -> pa.Table:
    from pyspark.sql.pandas.types import from_arrow_schema

    source, target = engine.scratch_folder("chunks"), engine.scratch_folder("answers")
    source.mkdir()
    for number, rows in chunks.items():
        column = pa.array([number] * rows.num_rows, pa.int64())
        pq.write_table(rows.append_column(_CHUNK, column), source / f"{number:08d}.parquet")
    marked = schema.append(pa.field(_CHUNK, pa.int64()))
    frame = session.read.parquet(str(source)).repartition(len(chunks), _CHUNK)
    done = frame.mapInArrow(_SparkCall(function, marked), from_arrow_schema(marked))
    done.write.parquet(str(target))
    parts = sorted(target.glob("*.parquet"))
    return pa.concat_tables([pq.read_table(part).select(marked.names).cast(marked) for part in parts])


class _SparkCall:
    """What a worker of Spark runs over its partition: the function on each chunk in it."""

    def __init__(self, function: ChunkFunction, schema: pa.Schema) -> None:
        self.function, self.schema = function, schema

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        held: Sequence[pa.RecordBatch] = list(batches)
        if not held:
            return
        rows = pa.Table.from_batches(held)
        for number in sorted(pc.unique(rows[_CHUNK]).to_pylist()):
            mine = rows.filter(pc.equal(rows[_CHUNK], number)).drop_columns([_CHUNK])
            answer = self.function(mine)
            column = pa.array([number] * answer.num_rows, pa.int64())
            yield from answer.append_column(_CHUNK, column).cast(self.schema).combine_chunks().to_batches()
