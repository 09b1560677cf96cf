"""The project's own lint finds what it should, and lets a reasoned exception pass."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "lints"))

from safe_operators import check, main  # noqa: E402


def test_raw_operators_are_found_and_safe_ones_pass() -> None:
    source = "import ibis\nimport numpy as np\na = t.x.ln()\nb = safe.log(t.x)\nc = np.sqrt(2)\nd = t.y.mode()  # safe: one engine only\ne = t.z.sqrt()  # safe:\n"
    assert [m.split(": ")[0] for m in check(source, "f.py")] == ["f.py:3", "f.py:7"]
    assert check("t.x.ln()", "g.py") == [], "no table expressions without Ibis"


def test_the_package_keeps_the_rule(capsys) -> None:
    assert main([str(ROOT / "src" / "zhirong")]) == 0
    assert "nothing found" in capsys.readouterr().out
