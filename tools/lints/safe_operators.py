"""Refuse, in table expressions, the operators on which engines differ; `tables.safe` has the ones that agree.

A line may keep a raw form with the comment ``# safe: <reason>``; without a reason it is refused too.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

BANNED = {
    "ln": "safe.log",
    "log": "safe.log",
    "log2": "safe.log",
    "log10": "safe.log",
    "sqrt": "safe.sqrt",
    "asof_join": "safe.asof_join",
    "hash": "safe.stable_hash",
    "mode": "safe.mode",
}
"""Method names of Ibis values and tables, and what to use."""
LAYERS = ("indicators", "evidence", "valuation")
NOT_TABLES = {"np", "numpy", "math", "special", "stats", "scipy"}


def _root(node: ast.expr) -> str | None:
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def check(source: str, name: str) -> list[str]:
    """Return one message for each banned call; a file that does not use Ibis passes."""
    if "import ibis" not in source:
        return []
    lines = source.splitlines()
    found = []
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in BANNED):
            continue
        root = _root(node.func.value)
        if root in NOT_TABLES or root == "safe":
            continue
        comment = lines[node.lineno - 1].partition("# safe:")
        if comment[1] and comment[2].strip():
            continue
        found.append(f"{name}:{node.lineno}: .{node.func.attr}() differs between engines; use {BANNED[node.func.attr]}")
    return found


def main(roots: list[str]) -> int:
    """Check every module of the layers that build table expressions."""
    found = []
    for root in roots:
        for layer in LAYERS:
            for path in sorted((Path(root) / layer).rglob("*.py")):
                found += check(path.read_text("utf-8"), str(path))
    print("\n".join(found) if found else "safe operators: nothing found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
