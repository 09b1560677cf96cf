"""`zhirong finance recommend`: which products a firm qualifies for, what each costs, what is missing."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import click

from zhirong.cli.finance_rights import valued_rights, write_record
from zhirong.cli.output import as_of_option, emit, format_option, language_option
from zhirong.cli.words import said
from zhirong.finance.bundle import read_firm
from zhirong.finance.pledge import shipped_spec
from zhirong.finance.recommendation import Recommendation, recommend
from zhirong.kernel.text import Language
from zhirong.params import load
from zhirong.reports.recommendation_report import VERDICTS, condition_text, render_recommendations

__all__ = ["recommend_products"]

PathType = click.Path(path_type=Path)
FileType = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command("recommend")
@click.argument("store", type=PathType)
@click.option(
    "--patent", "patents", multiple=True, required=True, help="Patent of the firm; may be given several times."
)
@click.option("--firm", "firm_file", type=FileType, required=True, help="YAML file with what the firm states.")
@as_of_option
@click.option(
    "--parameters", type=FileType, help="YAML file that replaces dated parameters, e.g. conditions of a product."
)
@click.option("--draws", default=20_000, show_default=True, help="Draws of each value.")
@click.option("--seed", default=1, show_default=True, help="Seed; the same inputs give the same bytes.")
@click.option("--out", type=PathType, help="Folder for products.html, .pdf, .xlsx and .json.")
@format_option
@language_option
def recommend_products(
    store: Path, patents: tuple[str, ...], firm_file: Path, as_of: date, parameters: Path | None, draws: int, seed: int,
    out: Path | None, form: str, lang: Language,
) -> None:  # fmt: skip
    """Tell a firm which products it qualifies for, what each would cost, and what is missing.

    Example: zhirong finance recommend mystore --patent CN109000001 --firm firm.yaml --as-of 2025-06-30 --lang zh
    """
    firm, book = read_firm(firm_file), load(parameters)
    with valued_rights(store, patents, as_of=as_of, book=book, draws=draws, seed=seed, label="products") as valued:
        spec = shipped_spec(book, as_of, months=firm.months)
        found = recommend(firm, valued.rights, spec, book, as_of, register=valued.register, seed=seed)
    emit([_row(r, lang) if form == "table" else _plain(r) for r in found], form, lang=lang)
    if out is not None:
        synthetic = firm.is_synthetic or valued.is_synthetic
        files = render_recommendations(found, firm=firm.name, as_of=as_of, lang=lang, out=out, is_synthetic=synthetic)
        products = [_plain(r) for r in found]
        plain = {"as_of": as_of.isoformat(), "firm": asdict(firm), "is_synthetic": synthetic, "products": products}
        write_record(out / "products.json", plain, files, lang)


def _row(r: Recommendation, lang: Language) -> dict[str, str]:
    cost = "" if r.cost is None else f"{r.cost:.2%}"
    if r.cost_low is not None and r.cost_high is not None:
        cost += f" ({r.cost_low:.2%} – {r.cost_high:.2%})"
    return {
        said(lang, "产品", "product"): r.label.in_(lang),
        said(lang, "结论", "verdict"): VERDICTS[r.verdict].in_(lang),
        said(lang, "成本（年）", "cost a year"): cost,
        said(lang, "还差什么", "missing"): "; ".join(condition_text(c, lang) for c in r.missing),
    }


def _plain(r: Recommendation) -> dict[str, Any]:
    return {
        "product": r.product,
        "label": r.label.en,
        "label_zh": r.label.zh,
        "verdict": str(r.verdict),
        "amount_cny": r.amount_cny,
        "cost": r.cost,
        "cost_low": r.cost_low,
        "cost_high": r.cost_high,
        "note": r.note.en,
        "conditions": [
            {"field": c.field, "asks": c.label.en, "value": c.value, "is_met": c.is_met} for c in r.conditions
        ],
        "source": r.source.title,
        "grade": str(r.source.grade),
    }
