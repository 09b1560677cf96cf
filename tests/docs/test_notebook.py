"""The notebook runs as it stands, cell by cell, on the real records, and every cell that prints says something."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "tutorials" / "value_a_us_patent.py"


def cells() -> list[tuple[bool, str]]:
    """Return each cell: whether it is text, and its source."""
    parts = re.split(r"^# %%(.*)\n", NOTEBOOK.read_text("utf-8"), flags=re.M)
    assert parts[0] == "", "the file begins with a cell"
    return [("[markdown]" in head, body) for head, body in zip(parts[1::2], parts[2::2], strict=True)]


def test_text_cells_hold_only_comments() -> None:
    texts = [body for is_text, body in cells() if is_text]
    assert len(texts) >= 8
    assert all(line.startswith("#") or not line.strip() for body in texts for line in body.splitlines())


@pytest.mark.realdata
def test_every_cell_runs(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ZHIRONG_SHARED_DATA", str(shared_data))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    space: dict[str, object] = {}
    for number, (is_text, body) in enumerate(cells()):
        if is_text:
            continue
        exec(compile(body, f"{NOTEBOOK.name}, cell {number}", "exec"), space)
        assert bool(capsys.readouterr().out.strip()) == ("print(" in body), f"cell {number}"
    written = sorted(path.name for path in tmp_path.glob("us-patent-*/report/*"))
    assert written == [f"report.{lang}.{form}" for lang in ("en", "zh") for form in ("html", "pdf", "xlsx")]
