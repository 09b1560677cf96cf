"""Small evidence for tests of the citation graph: tables from rows, and random worlds full of awkward cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from zhirong.indicators.catalogue import CATALOGUE, Context, Evidence
from zhirong.indicators.citation_entries import CITATION_IDS
from zhirong.indicators.citation_expressions import with_staged
from zhirong.tables import CANONICAL, Engine
from zhirong.tables.parquet import conform, write_parquet

Rows = Mapping[str, Sequence[Mapping[str, Any]]]

SYMBOLS = ("H04L9/32", "H04L9/08", "G06F21/60", "G06Q20/38", "G06Q40/04", "G06F16/27", "A61K31/00", "H01L21/02")


def write_rows(folder: Path, rows: Rows) -> Path:
    """Write every canonical table; those without rows are empty."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in CANONICAL.items():
        filled = [{"source_id": "s", **row} for row in rows.get(name, [])]
        write_parquet(folder / f"{name}.parquet", conform(filled, schema), schema)
    return folder


def evidence_of(engine: Engine, folder: Path) -> Evidence:
    return {name: engine.read(folder / f"{name}.parquet") for name in CANONICAL}


def random_rows(rng: np.random.Generator, patents: int, citations: int) -> dict[str, list[dict[str, Any]]]:
    """A world with unknown dates, patents outside the corpus, loops, repeats, and missing classes and owners."""
    ids = [f"{'US' if i % 3 else 'EP'}{1000 + i}" for i in range(patents)]
    day = [date(1998, 1, 1) + timedelta(days=int(d)) for d in np.sort(rng.integers(0, 6000, patents))]
    world: dict[str, list[dict[str, Any]]] = {
        "patents": [],
        "citations": [],
        "classifications": [],
        "parties": [{"party_id": f"p{i}", "name": f"P{i}", "normalised_name": f"p{i}"} for i in range(12)],
        "patent_parties": [],
        "families": [],
    }
    for i, id_ in enumerate(ids):
        symbols = [SYMBOLS[j] for j in rng.choice(len(SYMBOLS), int(rng.integers(0, 7)), replace=False)]
        dated = rng.random() > 0.05
        world["patents"].append(
            {
                "patent_id": id_,
                "office": id_[:2],
                "source_id": "s" if i % 4 else "silent",
                "right_type": "invention",
                "filing_date": day[i] - timedelta(days=500) if rng.random() > 0.1 else None,
                "publication_date": day[i] if dated and i % 5 else None,
                "grant_date": day[i] if dated and not i % 5 else None,
                "family_id": f"F{i // 3}" if rng.random() > 0.4 else None,
                "primary_ipc": symbols[0] if symbols else None,
                "legal_status": rng.choice(["in_force", "lapsed", "pending"]) if rng.random() > 0.3 else None,
                "legal_status_date": date(2015, 1, 1),
            }
        )
        for order, symbol in enumerate(symbols):
            group = symbol[4:].split("/")[0]
            world["classifications"].append(
                {
                    "patent_id": id_, "scheme": "ipc", "symbol": symbol, "subclass": symbol[:4], "main_group": group,
                    "sequence": order + 1,
                }
            )  # fmt: skip
        for party in rng.choice(12, int(rng.integers(0, 3)), replace=False):
            world["patent_parties"].append(
                {"patent_id": id_, "party_id": f"p{party}", "role": "assignee", "sequence": int(party) + 1}
            )
    for party in world["parties"][:6]:
        party["cluster_id"] = f"c{int(party['party_id'][1:]) // 2}"
    world["families"] = [
        {"family_id": "F0", "member_id": "JP7", "office": "JP"},
        {"family_id": "F9", "member_id": "OUT3", "office": "US"},
    ]
    outside = [f"OUT{i}" for i in range(max(3, patents // 10))]
    seen = set()
    for _ in range(citations):
        a, b = int(rng.integers(0, patents)), int(patents * rng.beta(1, 3))
        citing = ids[a] if rng.random() > 0.1 else outside[int(rng.integers(0, len(outside)))]
        cited = ids[b] if rng.random() > 0.1 else outside[int(rng.integers(0, len(outside)))]
        if (citing, cited) in seen:
            continue
        seen.add((citing, cited))
        world["citations"].append(
            {
                "citing_id": citing,
                "cited_id": cited,
                "citing_date": day[a] + timedelta(days=30) if rng.random() > 0.4 else None,
                "cited_date": day[b] - timedelta(days=5) if rng.random() > 0.7 else None,
                "category": str(rng.choice(["X", "Y", "A", "XP"])) if rng.random() > 0.5 else None,
                "source_id": "s",
            }
        )
    return world


def values(engine: Engine, table: Any) -> dict[str, tuple[Any, Any]]:
    """Value and flag by patent."""
    arrow = engine.to_arrow(table) if not hasattr(table, "to_pydict") else table
    rows = arrow.to_pydict()
    qualifiers = rows.get("flag", [None] * len(rows["value"]))
    return dict(zip(rows["patent_id"], zip(rows["value"], qualifiers, strict=True), strict=True))


def expression_values(evidence: Evidence, context: Context) -> dict[str, dict[str, tuple[Any, Any]]]:
    """Every citation entry by its expression; each measure runs once."""
    staged = with_staged(evidence, context)
    tables: dict[Any, Any] = {}
    answers = {}
    for id_ in CITATION_IDS:
        column = CATALOGUE[id_].compute
        if column.measure not in tables:
            tables[column.measure] = context.engine.to_arrow(column.measure(staged, context))
        rows = tables[column.measure].to_pydict()
        flag = rows[column.flag] if column.flag else [None] * len(rows["patent_id"])
        pairs = zip(rows[column.value], flag, strict=True)
        answers[id_] = dict(zip(rows["patent_id"], pairs, strict=True))
    return answers


def compare(expected: Mapping[str, Any], found: Mapping[str, Any], name: str) -> None:
    assert expected.keys() == found.keys()
    for patent, (value, flag) in expected.items():
        other, other_flag = found[patent]
        assert flag == other_flag, f"{name} {patent}: {value} {flag} against {other} {other_flag}"
        if value is None or other is None:
            assert value is other, f"{name} {patent}: {value} against {other}"
        else:
            assert abs(value - other) <= 1e-9 * max(1.0, abs(value)), f"{name} {patent}: {value} against {other}"
