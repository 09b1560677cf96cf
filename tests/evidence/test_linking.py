"""A store's parties get their clusters, atomically and the same each time."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_lens import GRANT, text

from zhirong.evidence.importing import import_files
from zhirong.evidence.linking import link_store
from zhirong.kernel.errors import StoreError
from zhirong.tables import Store, connect


def test_clusters_are_written_into_the_store(tmp_path: Path) -> None:
    path = tmp_path / "lens.csv"
    second = GRANT | {"Display Key": "US 7 A", "Applicants": "EXAMPLE INCORPORATED;;Other Works", "Owners": ""}
    path.write_text(text(GRANT, second), encoding="utf-8-sig")
    import_files("lens", [path], tmp_path / "store")
    report = link_store(tmp_path / "store")
    assert (report.party_count, report.cluster_count, report.is_learned) == (6, 5, False)
    with connect("duckdb") as engine:
        rows = engine.to_arrow(Store.open(tmp_path / "store").read(engine, "parties")).to_pylist()
    of = {row["name"]: row for row in rows}
    assert of["EXAMPLE INC"]["cluster_id"] == of["EXAMPLE INCORPORATED"]["cluster_id"]
    assert of["EXAMPLE INC"]["link_probability"] > 0.65
    assert of["Other Works"]["link_probability"] is None
    assert len({row["cluster_id"] for row in rows}) == 5
    assert link_store(tmp_path / "store") == report
    Store.open(tmp_path / "store").verify()


def test_a_store_without_parties_says_so(tmp_path: Path) -> None:
    path = tmp_path / "us_citations.csv"
    path.write_text("citing,cited\n1,2\n")
    import_files("uspto-ppubs", [path], tmp_path / "store")
    with pytest.raises(StoreError, match="no table of parties"):
        link_store(tmp_path / "store")
