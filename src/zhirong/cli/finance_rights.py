"""Patents of a store as valued rights: what every product of finance starts from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from zhirong.cli.output import note, step_bar
from zhirong.cli.words import said
from zhirong.evidence.resolving import resolve_patents
from zhirong.finance.pledge import PledgedRight, PledgeRegister
from zhirong.finance.pledge.evidence import register_from, rights_from
from zhirong.kernel.errors import NotAdmissibleError
from zhirong.kernel.text import Language
from zhirong.params import ParameterBook
from zhirong.reports.render import ReportFiles
from zhirong.tables import Store, connect
from zhirong.valuation import Background, Purpose, prepare, value_patents

__all__ = ["ValuedRights", "valued_rights", "write_record"]


@dataclass(frozen=True, slots=True)
class ValuedRights:
    """Rights with their values, the pledges on them, and the store at its date."""

    ids: tuple[str, ...]
    rights: tuple[PledgedRight, ...]
    register: PledgeRegister
    background: Background
    is_synthetic: bool


@contextmanager
def valued_rights(
    store: Path, patents: tuple[str, ...], *, as_of: date, book: ParameterBook, draws: int, seed: int, label: str
) -> Iterator[ValuedRights]:
    """Value patents for a pledge and yield them while the engine is open.

    Raises
    ------
    NotAdmissibleError
        With the reason of each patent that has no value.
    """
    opened = Store.open(store)
    ids = tuple(dict.fromkeys(resolve_patents(opened, list(patents)).values()))
    with connect("duckdb") as engine, step_bar(label) as step:
        step("values", 1, 2)
        background = prepare(opened, engine, as_of=as_of, book=book)
        batch = value_patents(background, ids, purpose=Purpose.PLEDGE, draws=draws, seed=seed)
        if batch.refused:
            raise NotAdmissibleError("; ".join(finding.message for finding in batch.refused))
        step(label, 2, 2)
        yield ValuedRights(
            ids, tuple(rights_from(background, batch.valuations)), register_from(background, list(ids)), background,
            any(v.is_synthetic for v in batch.valuations),
        )  # fmt: skip


def write_record(path: Path, plain: Mapping[str, Any], files: ReportFiles, lang: Language) -> None:
    """Write the JSON record beside a report, and say how many files there are."""
    path.write_text(json.dumps(plain, ensure_ascii=False, indent=1) + "\n", "utf-8", newline="\n")
    count = len(files.paths) + 1
    note(said(lang, f"已在 {path.parent} 写出 {count} 个文件", f"wrote {count} files under {path.parent}"))
