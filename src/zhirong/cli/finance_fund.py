"""`zhirong finance fund`: which patents a reserve fund should acquire."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import click
import numpy as np

from zhirong.cli.finance_rights import write_record
from zhirong.cli.output import as_of_option, emit, format_option, language_option, note, step_bar
from zhirong.cli.words import said
from zhirong.finance.funds import Candidate, Reason, frontier, select, shipped_fund
from zhirong.kernel.errors import DomainError, EvidenceError, NotAdmissibleError
from zhirong.kernel.text import Language
from zhirong.params import load
from zhirong.reports.fund_report import render_fund
from zhirong.tables import Store, connect
from zhirong.valuation import Purpose, prepare, value_patents

__all__ = ["fund"]

PathType = click.Path(path_type=Path)
FileType = click.Path(path_type=Path, exists=True, dir_okay=False)
Offers = dict[str, tuple[float | None, float]]


@click.command()
@click.argument("store", type=PathType)
@click.option(
    "--offers", type=FileType, required=True, help="CSV with patent_id and, where known, price_cny and policy."
)
@click.option("--budget", type=click.FloatRange(min=0, min_open=True), required=True, help="Budget, CNY.")
@click.option(
    "--most-of-field", type=click.FloatRange(0, 1), help="Largest share of the budget in one technology field."
)
@click.option("--most-patents", type=click.IntRange(min=1), help="Largest number of patents.")
@click.option("--risk-weight", type=click.FloatRange(min=0), help="Return given up for one yuan of tail loss.")
@as_of_option
@click.option("--parameters", type=FileType, help="YAML file that replaces dated parameters.")
@click.option("--draws", default=4_000, show_default=True, help="Draws of each value.")
@click.option("--seed", default=1, show_default=True, help="Seed; the same inputs give the same bytes.")
@click.option("--out", type=PathType, help="Folder for fund.html, .pdf, .xlsx and .json.")
@format_option
@language_option
def fund(
    store: Path, offers: Path, budget: float, most_of_field: float | None, most_patents: int | None, risk_weight: float | None,
    as_of: date, parameters: Path | None, draws: int, seed: int, out: Path | None, form: str, lang: Language,
) -> None:  # fmt: skip
    """Choose patents under a budget, quotas and a tail risk, exactly, and say why each is in or out.

    Rows of the file that cannot be used are told and left out.

    Example: zhirong finance fund mystore --offers offers.csv --budget 5000000 --as-of 2024-06-30 --lang zh --out fund
    """
    asked, book = _read(offers), load(parameters)
    with connect("duckdb") as engine, step_bar("choosing") as step:
        step("values", 1, 2)
        background = prepare(Store.open(store), engine, as_of=as_of, book=book)
        batch = value_patents(background, list(asked), purpose=Purpose.TRADE, draws=draws, seed=seed)
        step("selection", 2, 2)
    for finding in batch.refused:
        note(f"{offers.name}: {finding.message}")
    quantile = float(book.value("finance.fund.price_quantile", as_of))
    offered, labels = [], {"": ""}
    for v in batch.valuations:
        assert v.draws is not None, "a fresh valuation holds its draws"
        price, policy = asked[v.subject_id]
        price = price if price is not None else float(np.quantile(v.draws, quantile))
        if price <= 0:
            note(f"{offers.name}: {v.subject_id} is worth nothing at {as_of}: left out")
            continue
        name = v.facts.get("technology_field")
        group = str(v.facts.get("wipo_field") or "")
        labels[group] = name[lang] if name else ""
        offered.append(Candidate(v.subject_id, price, v.draws, group, policy=policy))
    if not offered:
        raise NotAdmissibleError(f"{offers.name}: none of {len(asked)} patents can be valued at {as_of}")
    more: dict[str, Any] = {"most_patents": most_patents}
    if most_of_field is not None:
        more["most_of_group"] = {c.group: most_of_field for c in offered}
    if risk_weight is not None:
        more["risk_weight"] = risk_weight
    spec = shipped_fund(book, as_of, budget, **more)
    found, points = select(offered, spec, seed=seed), frontier(offered, spec, seed=seed)
    emit([_row(r, lang) if form == "table" else _plain(r) for r in found.reasons], form, lang=lang)
    low, high = found.gain_interval_cny
    note(
        said(
            lang, f"支出 {found.spent_cny:,.0f} 元，期望收益 {found.gain_cny:,.0f} 元（90% 区间 {low:,.0f} – {high:,.0f}）",
            f"spent CNY {found.spent_cny:,.0f}, expected gain {found.gain_cny:,.0f} (90% interval {low:,.0f} – {high:,.0f})",
        )
    )  # fmt: skip
    if out is not None:
        synthetic = any(v.is_synthetic for v in batch.valuations)
        files = render_fund(
            found, spec, offered, points, labels, as_of=as_of, lang=lang, out=out, is_synthetic=synthetic
        )
        plain = {
            "as_of": as_of.isoformat(), "is_synthetic": synthetic, "seed": seed, "budget_cny": budget,
            "selection": asdict(found), "frontier": [asdict(p) for p in points],
            "sources": [{"title": s.title, "grade": str(s.grade)} for s in spec.sources],
        }  # fmt: skip
        write_record(out / "fund.json", plain, files, lang)


def _plain(r: Reason) -> dict[str, Any]:
    return {"patent_id": r.patent_id, "selected": r.is_in, "regret_cny": r.regret_cny, "reason": r.text.en}


def _row(r: Reason, lang: Language) -> dict[str, str]:
    return {
        said(lang, "专利", "patent"): r.patent_id,
        said(lang, "结论", "verdict"): said(lang, "入选", "in") if r.is_in else said(lang, "落选", "out"),
        said(lang, "理由", "reason"): r.text.in_(lang),
    }


def _read(path: Path) -> Offers:
    """Read offers; a row that cannot be used is told with what is allowed, the rest is kept."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        if "patent_id" not in (reader.fieldnames or []):
            raise EvidenceError(
                f"{path.name}: column patent_id is missing; columns: {', '.join(reader.fieldnames or []) or 'none'}"
            )
        found: Offers = {}
        for number, row in enumerate(reader, 2):
            patent = (row.get("patent_id") or "").strip()
            if not patent or patent in found:
                note(
                    f"{path.name}, row {number}: patent_id {patent!r} is {'empty' if not patent else 'there already'}: left out"
                )
                continue
            try:
                price, policy = _number(row, "price_cny", 0.01, 1e13), _number(row, "policy", -1, 10)
            except DomainError as err:
                note(f"{path.name}, row {number}: {err}: row left out")
                continue
            found[patent] = (price, policy or 0.0)
    if not found:
        raise EvidenceError(f"{path.name}: no row can be used")
    return found


def _number(row: Mapping[str, str], name: str, low: float, high: float) -> float | None:
    text = (row.get(name) or "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and low <= value <= high):
        raise DomainError(f"field {name}: {text!r}; allowed: a number from {low:g} to {high:g}")
    return value
