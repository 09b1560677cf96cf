"""What a process does with one chunk of a corpus: values of its patents, as rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from zhirong.indicators import evidence_at
from zhirong.kernel.errors import StoreError, ZhirongError
from zhirong.params import ParameterBook
from zhirong.tables import Store, connect
from zhirong.valuation.accounts import Accounts, accounts_of
from zhirong.valuation.assumptions import override
from zhirong.valuation.background import Background, Fits, background_of
from zhirong.valuation.engine import assumptions_of, reconciled
from zhirong.valuation.kept import read_kept
from zhirong.valuation.knowledge import Knowledge, Views
from zhirong.valuation.methods import LABELS
from zhirong.valuation.subject import Subject, describe
from zhirong.valuation.types import QUANTILE_LEVELS, Assumption, Purpose
from zhirong.valuation.used import Used

__all__ = ["VALUES", "ChunkValuer", "Plan"]

_QUANTILES = {level: f"p{level * 100:g}" for level in QUANTILE_LEVELS}
VALUES = pa.schema(
    [
        pa.field("patent_id", pa.string(), nullable=False),
        pa.field("as_of", pa.date32(), nullable=False),
        pa.field("purpose", pa.string(), nullable=False),
        pa.field("currency", pa.string(), nullable=False),
        pa.field("is_alive", pa.bool_()),
        pa.field("technology_field", pa.int64()),
        *(pa.field(name, pa.float64()) for name in _QUANTILES.values()),
        pa.field("mean", pa.float64()),
        pa.field("sd", pa.float64()),
        *(pa.field(f"{what}_{method}", pa.float64()) for method in LABELS for what in ("median", "weight")),
        pa.field("refusal", pa.string()),
    ]
)
"""Columns: quantiles and moments of the reconciled value; median and weight of each method, null where it is not admissible;
`is_alive` null where the store does not say; `refusal` null where there is a value."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What every process must know.

    Attributes
    ----------
    store, work : Path
        The store, and the folder with the staged tables and the fits.
    as_of, purpose, book, mine, draws, seed
        As for `zhirong.valuation.value_patent`.
    """

    store: Path
    work: Path
    as_of: date
    purpose: Purpose
    book: ParameterBook
    mine: Mapping[str, Assumption]
    draws: int
    seed: int


_opened: dict[Path, Background] = {}
"""What this process has opened, by the folder of the work."""


@dataclass(frozen=True, slots=True)
class ChunkValuer:
    """Values the patents of a chunk; a function that other processes can be given.

    Parameters
    ----------
    plan : Plan
        What is asked.
    """

    plan: Plan

    def __call__(self, rows: pa.Table) -> pa.Table:
        """Return a row for each patent whose right has not ended; `rows` has the column ``patent_id``."""
        background = _open(self.plan)
        subjects = [s for s in describe(background, rows["patent_id"].to_pylist()) if s.is_alive is not False]
        accounts = accounts_of(background, [subject.patent_id for subject in subjects])
        found = [_row(background, subject, accounts[subject.patent_id], self.plan) for subject in subjects]
        found.sort(key=lambda row: str(row["patent_id"]))
        return pa.Table.from_pylist(found, schema=VALUES)


def _open(plan: Plan) -> Background:
    """Return the background of a plan, opened once in a process, with one thread: the processes share the cores."""
    found = _opened.get(plan.work)
    if found is None:
        store, engine = Store.open(plan.store), connect("duckdb", threads=1)
        cut = evidence_at(store.read_all(engine), plan.as_of)
        tables = Views(engine, cut | {file.stem: engine.read(file) for file in sorted(plan.work.glob("*.parquet"))})
        fits = read_kept(plan.work / "fits.bin", Fits)
        if fits is None:
            raise StoreError(f"{plan.work}: the fits are missing or damaged")
        found = background_of(Knowledge(store, tables, engine, plan.as_of, plan.book), fits)
        _opened.clear()
        _opened[plan.work] = found
    return found


def _row(background: Background, subject: Subject, accounts: Accounts, plan: Plan) -> dict[str, Any]:
    row: dict[str, Any] = {
        "patent_id": subject.patent_id, "as_of": plan.as_of, "purpose": str(plan.purpose), "currency": "CNY",
        "is_alive": subject.is_alive, "technology_field": subject.field,
    }  # fmt: skip
    used = Used(background.book, background.as_of)
    try:
        assumptions = override(assumptions_of(background, subject, accounts, used), plan.mine)
        value = reconciled(
            background, subject, assumptions, used, purpose=plan.purpose, draws=plan.draws, seed=plan.seed
        )
    except ZhirongError as err:
        return {**row, "refusal": str(err)}
    pooled = value.pooled
    row |= dict(zip(_QUANTILES.values(), np.quantile(pooled, QUANTILE_LEVELS).tolist(), strict=True))
    row |= {"mean": float(pooled.mean()), "sd": float(pooled.std())}
    for name, draws in value.values.items():
        row |= {f"median_{name}": float(np.median(draws)), f"weight_{name}": float(value.weights[name])}
    return row
