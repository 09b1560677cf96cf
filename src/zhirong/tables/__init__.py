"""The only door to engines: connect, canonical schemas, Parquet in and out, safe operators, the evidence store."""

from zhirong.tables.engine import ENGINES, Engine, EngineName, connect
from zhirong.tables.parquet import ParquetSink, check_table, conform, write_parquet
from zhirong.tables.schema import CANONICAL, Column, TableSchema, Type, schema_of
from zhirong.tables.store import Manifest, Rewrite, SourceRecord, Store, TableRecord, completed

__all__ = [
    "CANONICAL",
    "ENGINES",
    "Column",
    "Engine",
    "EngineName",
    "Manifest",
    "ParquetSink",
    "Rewrite",
    "SourceRecord",
    "Store",
    "TableRecord",
    "TableSchema",
    "Type",
    "check_table",
    "completed",
    "conform",
    "connect",
    "schema_of",
    "write_parquet",
]
