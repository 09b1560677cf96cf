"""The only door to engines: DuckDB by default, Apache Spark by extra.

Expressions are built with Ibis above this package; executing one, reading Parquet and materialising a named step
happen here. Engine libraries load on use.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import ibis
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq

from zhirong.kernel.errors import EngineError, MissingExtraError, UnknownNameError
from zhirong.tables.parquet import ParquetSink, write_parquet

__all__ = ["ENGINES", "Engine", "EngineName", "connect"]

EngineName = Literal["duckdb", "spark"]
ENGINES: tuple[EngineName, ...] = ("duckdb", "spark")

_SHORT_LIST = 64
_LISTS_KEPT = 8

_log = logging.getLogger(__name__)


class Engine:
    """A connected engine; use it as a context manager.

    Attributes
    ----------
    name : str
        ``duckdb`` or ``spark``.
    scratch : Path
        Folder for materialised steps and small fact tables; removed on close.
    """

    def __init__(self, name: EngineName, con: Any, scratch: Path) -> None:
        self.name: EngineName = name
        self.scratch = scratch
        self._con = con
        self._count = 0
        self._lists: dict[tuple[str, tuple[str, ...]], ibis.Table] = {}

    def read(self, path: Path) -> ibis.Table:
        """Return a Parquet file, or a folder of Parquet parts, as a table."""
        if not path.exists():
            raise EngineError(f"no Parquet file at {path}")
        pattern = str(path / "*.parquet") if path.is_dir() and self.name == "duckdb" else str(path)
        return self._con.read_parquet(pattern)

    def facts(self, table: pa.Table) -> ibis.Table:
        """Return a small Arrow table as an engine table, by way of a checked Parquet file in the scratch folder."""
        path = self._new_path("facts")
        write_parquet(path, table)
        return self.read(path)

    def among(self, table: ibis.Table, column: str, values: Iterable[str]) -> ibis.Table:
        """Return the rows whose column is one of the values, which may be many: a long list is joined, not written out.

        Parameters
        ----------
        table : ibis.Table
            Any table of this engine.
        column : str
            A column of text; it keeps its place.
        values : iterable of str
            In any order, repeated or not.
        """
        wanted = tuple(sorted(set(values)))
        if len(wanted) <= _SHORT_LIST:
            return table.filter(table[column].isin(wanted))
        key = (column, wanted)
        if key not in self._lists:
            while len(self._lists) >= _LISTS_KEPT:
                self._lists.pop(next(iter(self._lists)))
            self._lists[key] = self.facts(pa.table({column: pa.array(wanted, pa.string())}))
        return table.semi_join(self._lists[key], column)

    def stage(self, expr: ibis.Table, name: str) -> ibis.Table:
        """Materialise a named step as Parquet, log its row count, and return it as a table."""
        path = self._new_path(name)
        rows = self.write(expr, path)
        _log.info("stage %s: %d rows", name, rows)
        return self.read(path)

    def view(self, expr: ibis.Table, name: str) -> ibis.Table:
        """Name an expression as a temporary view and return that: what is built on it compiles without it, time and again."""
        self._count += 1
        return self._con.create_view(f"{name}_{self._count:05d}", expr)

    def write(self, expr: ibis.Table, path: Path, *, metadata: Mapping[str, str] | None = None) -> int:
        """Write an expression's rows to one Parquet file, atomically; return the number of rows.

        NaN and infinity raise `SchemaError`, as everywhere. `metadata` is kept in the file (`parquet_metadata`).
        """
        if self.name == "spark":
            return self._write_spark(expr, path, metadata)
        schema = expr.schema().to_pyarrow().with_metadata(dict(metadata or {}))
        with ParquetSink(path, schema) as sink:
            for batch in self.batches(expr):
                sink.write(batch)
        return sink.row_count

    def _write_spark(self, expr: ibis.Table, path: Path, metadata: Mapping[str, str] | None = None) -> int:
        parts = self._new_path("parts")
        expr.to_parquet(parts)
        data = pads.dataset(parts, format="parquet")
        with ParquetSink(path, data.schema.with_metadata(dict(metadata or {}))) as sink:
            for batch in data.to_batches():
                if batch.num_rows:
                    sink.write(pa.Table.from_batches([batch]))
        shutil.rmtree(parts)
        return sink.row_count

    def to_arrow(self, expr: ibis.Table) -> pa.Table:
        """Execute an expression and return all rows as an Arrow table in memory.

        On Spark the rows pass through Parquet, because the in-memory path loses nullable integers.
        """
        if self.name == "spark":
            path = self._new_path("collect")
            self._write_spark(expr, path)
            table = pq.read_table(path)
            path.unlink()
            return table
        return expr.to_pyarrow()

    def batches(self, expr: ibis.Table, *, rows: int = 131_072) -> Iterator[pa.Table]:
        """Execute an expression and yield Arrow tables of at most `rows` rows."""
        if self.name == "spark":
            path = self._new_path("batches")
            self._write_spark(expr, path)
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=rows):
                    yield pa.Table.from_batches([batch])
            path.unlink()
            return
        for batch in expr.to_pyarrow_batches(chunk_size=rows):
            yield pa.Table.from_batches([batch])

    def scalar(self, expr: ibis.Scalar) -> Any:
        """Execute a scalar expression and return a Python value, None for null."""
        return self.to_arrow(expr.as_table()).column(0)[0].as_py()

    def session(self) -> Any:
        """Return the Spark session, for functions mapped over rows (`zhirong.tables.mapping`).

        Raises
        ------
        EngineError
            On another engine.
        """
        if self.name != "spark":
            raise EngineError("only Spark has a session")
        return self._con._session

    def raw_connection(self) -> Any:
        """Return the DuckDB connection for a library that writes its own queries (record linkage).

        Raises
        ------
        EngineError
            On another engine.
        """
        if self.name != "duckdb":
            raise EngineError("only DuckDB lends its connection")
        return self._con.con

    def close(self) -> None:
        """Disconnect and remove the scratch folder."""
        self._con.disconnect()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def scratch_folder(self, name: str) -> Path:
        """Return the name of a new folder in the scratch folder; it is not made."""
        return self._new_path(name).with_suffix("")

    def _new_path(self, name: str) -> Path:
        self._count += 1
        return self.scratch / f"{self._count:05d}-{name}.parquet"


def connect(
    name: str = "duckdb",
    *,
    master: str = "local[2]",
    threads: int | None = None,
    memory: str | None = None,
    scratch: Path | None = None,
) -> Engine:
    """Connect to an engine.

    Parameters
    ----------
    name : {"duckdb", "spark"}
        Engine.
    master : str
        Spark master URL; ignored by DuckDB.
    threads : int, optional
        Threads of DuckDB, shuffle partitions of Spark; the engine's own choice where not given (Spark: 2).
    memory : str, optional
        Memory limit, e.g. ``"6GB"``; DuckDB spills to the scratch folder beyond it.
    scratch : Path, optional
        Parent of the scratch folder; must be visible to every worker of a cluster. The system's where not given.

    Returns
    -------
    Engine

    Raises
    ------
    UnknownNameError
        For another engine.
    MissingExtraError
        When Spark is asked for and PySpark is not installed.
    EngineError
        When Java is missing or the master cannot be reached.
    """
    if name not in ENGINES:
        raise UnknownNameError("engine", name, ENGINES)
    folder = Path(tempfile.mkdtemp(prefix="zhirong-", dir=scratch))
    try:
        con = _duckdb(folder, threads, memory) if name == "duckdb" else _spark(folder, master, threads, memory)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Engine(name, con, folder)


def _duckdb(folder: Path, threads: int | None, memory: str | None) -> Any:
    settings: dict[str, Any] = {"temp_directory": str(folder / "spill"), "preserve_insertion_order": False}
    if threads is not None:
        settings["threads"] = threads
    if memory is not None:
        if not re.fullmatch(r"\d+(?:\.\d+)?\s*[KMGT]i?B", memory, re.IGNORECASE):
            raise EngineError(f"memory {memory!r} is not allowed; allowed: a number and KB, MB, GB or TB, e.g. 6GB")
        settings["memory_limit"] = memory
    con = ibis.duckdb.connect(":memory:", **settings)
    con.raw_sql(
        "SET streaming_buffer_size = '64MB'"
    )  # else the scan waits for who reads its rows, a megabyte at a time
    return con


def _spark(folder: Path, master: str, threads: int | None, memory: str | None) -> Any:
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError as err:
        raise MissingExtraError("pyspark", "spark") from err
    if shutil.which("java") is None:
        raise EngineError("Spark needs Java 17 or later: no `java` on the path")
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": str(threads or 2),
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.local.dir": str(folder / "local"),
        "spark.sql.session.timeZone": "UTC",
        "spark.driver.memory": memory or "2g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.driver.extraJavaOptions": f"-Dderby.system.home={folder / 'derby'}",
    }
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # that of functions mapped over rows; read before the start
    builder = SparkSession.builder.master(master).appName("zhirong")
    for key, value in settings.items():
        builder = builder.config(key, value)
    try:
        session = builder.getOrCreate()
    except (PySparkException, RuntimeError, OSError) as err:
        raise EngineError(f"cannot start Spark on {master}: {err}") from err
    session.sparkContext.setLogLevel("ERROR")
    return ibis.pyspark.connect(session)
