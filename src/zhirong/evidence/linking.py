"""Linkage of a whole store: read what it takes, link, and write `parties` with its clusters in one atomic step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from zhirong.evidence.linkage import LinkOptions, link_parties
from zhirong.kernel.errors import StoreError
from zhirong.tables import Rewrite, Store, schema_of

__all__ = ["LinkReport", "link_store"]


@dataclass(frozen=True, slots=True)
class LinkReport:
    """What a linkage did.

    Parameters
    ----------
    party_count : int
        Names in the store.
    cluster_count : int
        Parties after linkage.
    link_count : int
        Pairs at or above the threshold.
    threshold : float
        Least probability of a link.
    is_learned : bool
        Weights came from the store's own names, not from the declared prior.
    """

    party_count: int
    cluster_count: int
    link_count: int
    threshold: float
    is_learned: bool


def link_store(path: Path, options: LinkOptions | None = None) -> LinkReport:
    """Link the parties of a store and write their clusters into it.

    Parameters
    ----------
    path : Path
        The store.
    options : LinkOptions, optional
        Threshold and seed.

    Returns
    -------
    LinkReport

    Raises
    ------
    StoreError
        When the store has no parties.
    """
    options = options or LinkOptions()
    store = Store.open(path)
    if not store.has("parties"):
        raise StoreError(f"{path} holds no table of parties; import patents first")
    parties = pq.read_table(store.file("parties"))
    result = link_parties(
        parties.select(["party_id", "name", "party_type", "country", "city"]).to_pylist(),
        patent_parties=_rows(store, "patent_parties", ["patent_id", "party_id", "role", "sequence"]),
        classifications=_rows(store, "classifications", ["patent_id", "subclass"]),
        families=_rows(store, "families", ["family_id", "member_id"]),
        options=options,
    )
    positions = pc.index_in(
        parties["party_id"].combine_chunks(), value_set=result.clusters["party_id"].combine_chunks()
    )
    schema = schema_of("parties")
    for name in ("cluster_id", "link_probability"):
        values = result.clusters[name].combine_chunks().take(positions)
        parties = parties.set_column(schema.names.index(name), name, values.cast(schema.arrow.field(name).type))
    with Rewrite.begin(path) as new, new.sink("parties") as sink:
        sink.write(parties)
    return LinkReport(
        parties.num_rows, pc.count_distinct(result.clusters["cluster_id"]).as_py(), result.links.num_rows,
        options.threshold, result.is_learned,
    )  # fmt: skip


def _rows(store: Store, table: str, columns: Sequence[str]) -> list[dict[str, Any]]:
    if not store.has(table):
        return []
    found: pa.Table = pq.read_table(store.file(table), columns=list(columns))
    return list(found.to_pylist())
