"""`zhirong value --all`: what is printed, and how a mistake of use is told."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from zhirong.cli.main import cli
from zhirong.cli.value_all import progress_line
from zhirong.kernel.errors import DomainError
from zhirong.sample import write_world


def test_values_of_a_store(tmp_path: Path) -> None:
    write_world(tmp_path / "world", patent_count=100, seed=3)
    command = ["value", str(tmp_path / "world"), "--all", "--as-of", "2024-06-30", "--purpose", "pledge", "--processes", "1",
               "--draws", "100", "--out", str(tmp_path / "run"), "--format", "json"]  # fmt: skip
    first = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert first.exit_code == 0
    counts = {row["status"]: row["count"] for row in json.loads(first.stdout)}
    assert counts["patents"] == counts["valued"] + counts["refused"] + counts["ended"]
    assert pq.read_table(tmp_path / "run" / "values").num_rows == counts["valued"] + counts["refused"]
    assert f"of {counts['patents']} patents (100%)" in first.stderr and "a second" in first.stderr
    second = CliRunner().invoke(cli, [*command, "--lang", "zh"], catch_exceptions=False)
    assert json.loads(second.stdout) == json.loads(first.stdout)
    assert "1 个为先前所留" in second.stderr
    with pytest.raises(DomainError, match="--all"):
        CliRunner().invoke(cli, [*command, "--patent", "CN1"], catch_exceptions=False)


def test_progress_is_told_in_both_languages() -> None:
    assert progress_line(0, 10, 0, 1.0, "en") == "0 of 10 patents (0%)"
    assert progress_line(0, 0, 0, 1.0, "en") == "0 of 0 patents (100%)"
    assert progress_line(500, 4100, 500, 1000.0, "en").endswith("0.5 a second, 2:00:00 left")
    assert (
        progress_line(500, 4100, 500, 1000.0, "zh") == "4,100 件专利中已完成 500 件（12%），每秒 0.5 件，剩余 2:00:00"
    )
