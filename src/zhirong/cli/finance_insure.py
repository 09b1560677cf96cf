"""`zhirong finance insure`: a quote for a cover on patents."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Any

import click
import numpy as np

from zhirong.cli.output import as_of_option, emit, format_option, language_option, note, step_bar
from zhirong.cli.words import said
from zhirong.evidence.resolving import resolve_patents
from zhirong.finance.insurance import (
    COVERS,
    CoverKind,
    CoverSpec,
    InsuredPatent,
    PolicyQuote,
    known_matters,
    quote,
    rates_from,
    read_cover,
    shipped_cover,
)
from zhirong.finance.insurance.serialise import quote_to_dict
from zhirong.kernel.errors import EvidenceError, NotAdmissibleError
from zhirong.kernel.text import Language
from zhirong.numerics.chain_ladder import ChainLadder, chain_ladder
from zhirong.params import load
from zhirong.reports.policy_quote import render_quote
from zhirong.tables import Store, connect
from zhirong.valuation import Purpose, prepare, value_patents

__all__ = ["insure"]

PathType = click.Path(path_type=Path)
FileType = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("store", type=PathType)
@click.option(
    "--cover", type=click.Choice([str(k) for k in CoverKind]), required=True,
    help="Cover; its shipped example terms hold unless --terms is given.",
)  # fmt: skip
@click.option("--patent", "patents", multiple=True, required=True, help="Patent to insure; may be given several times.")
@as_of_option
@click.option("--terms", type=FileType, help="YAML file with the terms of the cover.")
@click.option("--triangle", type=FileType, help="CSV of cumulative payments, origin years by development: reserve.")
@click.option("--parameters", type=FileType, help="YAML file that replaces dated parameters.")
@click.option("--draws", default=20_000, show_default=True, help="Draws of each value.")
@click.option("--risk-draws", default=200, show_default=True, help="Draws of the inputs for the interval.")
@click.option("--seed", default=1, show_default=True, help="Seed; the same inputs give the same bytes.")
@click.option("--out", type=PathType, help="Folder for quote.html, .pdf, .xlsx and .json.")
@format_option
@language_option
def insure(
    store: Path, cover: str, patents: tuple[str, ...], as_of: date, terms: Path | None, triangle: Path | None,
    parameters: Path | None, draws: int, risk_draws: int, seed: int, out: Path | None, form: str, lang: Language,
) -> None:  # fmt: skip
    """Quote a cover: premium with its interval, what it is made of, the law of losses, accumulation, reinsurance.

    Example: zhirong finance insure mystore --cover enforcement --patent CN109000001 --as-of 2025-06-30 --out policy
    """
    spec = shipped_cover(cover) if terms is None else read_cover(terms)
    if str(spec.cover) != cover:
        raise EvidenceError(f"{terms}: field cover: {str(spec.cover)!r}; allowed: {cover}, as --cover says")
    reserve = None if triangle is None else chain_ladder(_read_triangle(triangle))
    opened, book = Store.open(store), load(parameters)
    ids = list(dict.fromkeys(resolve_patents(opened, list(patents)).values()))
    with connect("duckdb") as engine, step_bar("quoting") as step:
        step("values", 1, 2)
        background = prepare(opened, engine, as_of=as_of, book=book)
        batch = value_patents(background, ids, purpose=Purpose.TRADE, draws=draws, seed=seed)
        if batch.refused:
            raise NotAdmissibleError("; ".join(finding.message for finding in batch.refused))
        step("premium", 2, 2)
        rates = [None] * len(ids) if spec.is_credit else rates_from(background, ids, spec)
        insured = [
            InsuredPatent(v.subject_id, np.asarray(v.draws), rate)
            for v, rate in zip(batch.valuations, rates, strict=True)
        ]
        known = known_matters(background, ids, spec)
    synthetic = spec.is_synthetic or any(v.is_synthetic for v in batch.valuations)
    spec = replace(spec, is_synthetic=synthetic)
    found = quote(spec, insured, book, as_of, seed=seed, draws=risk_draws)
    emit(_rows(found, lang), form, lang=lang)
    _tell(found, spec, reserve, lang)
    for text in known:
        note(text.in_(lang))
    if out is not None:
        files = render_quote(found, lang=lang, out=out, is_synthetic=synthetic, known=known, reserve=reserve)
        plain = quote_to_dict(found) | {
            "is_synthetic": synthetic,
            "known_matters": [asdict(text) for text in known],
            "reserve": None if reserve is None else {"total": reserve.total, "standard_error": reserve.total_error},
        }
        (out / "quote.json").write_text(json.dumps(plain, ensure_ascii=False, indent=1) + "\n", "utf-8", newline="\n")
        count = len(files.paths) + 1
        note(said(lang, f"已在 {out} 写出 {count} 个文件", f"wrote {count} files under {out}"))


def _rows(found: PolicyQuote, lang: Language) -> list[dict[str, Any]]:
    p = found.premium
    parts = (
        ("gross_premium", "保费", p.gross_cny, found.low_cny, found.high_cny),
        ("expected_loss", "期望赔款", p.expected_loss_cny, None, None),
        ("capital_cost", "资本成本", p.capital_cost_cny, None, None),
        ("expense", "费用", p.expense_cny, None, None),
        ("premium_alone", "保费（无分散）", found.principles["alone"], None, None),
    )
    return [
        {
            "name": zh if lang == "zh" else name,
            "cny": round(value, 2),
            "low": None if low is None else round(low, 2),
            "high": None if high is None else round(high, 2),
        }
        for name, zh, value, low, high in parts
    ]


def _tell(found: PolicyQuote, spec: CoverSpec, reserve: ChainLadder | None, lang: Language) -> None:
    mean, low, high = found.events
    name, ratio = COVERS[spec.cover].in_(lang), found.accumulation.tail_ratio
    note(
        said(
            lang,
            f"{name}：保险期内事件 {mean:.4f}（{low:.4f} – {high:.4f}）；共同判例使组合尾部为独立时的 {ratio:.2f} 倍",
            f"{name}: {mean:.4f} events in the term ({low:.4f} - {high:.4f}); common rulings make the portfolio's tail {ratio:.2f} times",
        )
    )
    if reserve is not None:
        error = reserve.total_error
        note(
            said(
                lang,
                f"未决赔款准备金 {reserve.total:,.0f}，标准误 {error:,.0f}",
                f"reserve {reserve.total:,.0f}, s.e. {error:,.0f}",
            )
        )


def _read_triangle(path: Path) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Read cumulative payments: a row for each year of origin, cells left empty below the diagonal, no heads."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = [row for row in csv.reader(stream) if any(cell.strip() for cell in row)]
    n = len(rows)
    full = np.full((n, n), np.nan)
    for i, row in enumerate(rows):
        if len(row) > n:
            raise EvidenceError(f"{path.name}: row {i + 1} has {len(row)} cells; allowed: {n}, as many as rows")
        for k, cell in enumerate(row):
            if not cell.strip():
                continue
            try:
                full[i, k] = float(cell)
            except ValueError:
                raise EvidenceError(f"{path.name}: row {i + 1}, column {k + 1}: {cell!r}; allowed: a number") from None
    return full
