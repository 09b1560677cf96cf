"""`zhirong finance dispose`: how to sell pledged patents after a default, what it brings, when, and to whom."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import click
import numpy as np

from zhirong.cli.output import DateType, as_of_option, emit, format_option, language_option, note, step_bar
from zhirong.cli.words import said
from zhirong.evidence.resolving import resolve_patents
from zhirong.finance.disposal import (
    CHANNEL_LABELS,
    Buyer,
    Disposal,
    Lot,
    Step,
    dispose,
    likely_buyers,
    rank_claims,
    shipped_disposal,
)
from zhirong.finance.pledge.evidence import rights_from
from zhirong.kernel.errors import NotAdmissibleError
from zhirong.kernel.text import Language
from zhirong.params import load
from zhirong.reports.disposal_report import render_disposal
from zhirong.tables import Store, connect
from zhirong.valuation import Purpose, prepare, value_patents

__all__ = ["dispose_patents"]

PathType = click.Path(path_type=Path)
FileType = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command("dispose")
@click.argument("store", type=PathType)
@click.option("--patent", "patents", multiple=True, required=True, help="Pledged patent; may be given several times.")
@click.option("--debt", type=click.FloatRange(min=0), required=True, help="Secured debt outstanding, CNY.")
@click.option(
    "--registered", type=DateType(), help="Day the pledge was registered; without it the pledge has no priority."
)
@click.option(
    "--buy-back", type=click.FloatRange(min=0), default=0.0, help="Price promised by a guarantor or fund for all, CNY."
)
@click.option(
    "--acquirer", type=click.FloatRange(min=0), default=0.0, help="Price of a pre-arranged acquirer for all, CNY."
)
@as_of_option
@click.option("--parameters", type=FileType, help="YAML file that replaces dated parameters.")
@click.option("--draws", default=6_000, show_default=True, help="Draws of each value, and paths of the disposal.")
@click.option("--seed", default=1, show_default=True, help="Seed; the same inputs give the same bytes.")
@click.option("--out", type=PathType, help="Folder for disposal.html, .pdf, .xlsx and .json.")
@format_option
@language_option
def dispose_patents(
    store: Path, patents: tuple[str, ...], debt: float, registered: date | None, buy_back: float, acquirer: float, as_of: date,
    parameters: Path | None, draws: int, seed: int, out: Path | None, form: str, lang: Language,
) -> None:  # fmt: skip
    """Find channel, reserve and sequence of the best disposal, its proceeds and time, and who may buy.

    Example: zhirong finance dispose mystore --patent CN109000001 --debt 1500000 --as-of 2024-06-30 --lang zh --out memo
    """
    opened, book = Store.open(store), load(parameters)
    ids = list(dict.fromkeys(resolve_patents(opened, list(patents)).values()))
    with connect("duckdb") as engine, step_bar("disposing") as step:
        step("values", 1, 3)
        background = prepare(opened, engine, as_of=as_of, book=book)
        batch = value_patents(background, ids, purpose=Purpose.PLEDGE, draws=draws, seed=seed)
        if batch.refused:
            raise NotAdmissibleError("; ".join(finding.message for finding in batch.refused))
        lots = [
            Lot(r.right_id, r.values, r.remaining_life_years or 0.0) for r in rights_from(background, batch.valuations)
        ]
        step("programme", 2, 3)
        spec = shipped_disposal(book, as_of, buy_back_cny=buy_back, prearranged_cny=acquirer)
        claims = rank_claims([("pledgee", registered, debt)]) if debt else ()
        found = dispose(lots, spec, claims, seed=seed)
        step("buyers", 3, 3)
        buyers = likely_buyers(background, ids)
    emit([_row(s, lang) for plan in found.chosen for s in plan.steps], form, lang=lang)
    low, middle, high = np.quantile(found.proceeds_cny, [0.1, 0.5, 0.9])
    note(
        said(
            lang, f"折现净回收 {middle:,.0f} 元（80% 区间 {low:,.0f} – {high:,.0f}）",
            f"net proceeds, discounted: CNY {middle:,.0f} (80% interval {low:,.0f} – {high:,.0f})",
        )
    )  # fmt: skip
    if found.lgd is not None:
        a, b = np.quantile(found.lgd, [0.1, 0.9])
        text = f"{found.lgd.mean():.1%} ({a:.1%} – {b:.1%})"
        note(said(lang, f"违约损失率 {text}", f"loss given default {text}"))
    if out is not None:
        synthetic = any(v.is_synthetic for v in batch.valuations)
        files = render_disposal(found, buyers, as_of=as_of, lang=lang, out=out, is_synthetic=synthetic)
        plain = _plain(found, buyers) | {
            "as_of": as_of.isoformat(),
            "is_synthetic": synthetic,
            "seed": seed,
            "draws": draws,
        }
        (out / "disposal.json").write_text(
            json.dumps(plain, ensure_ascii=False, indent=1) + "\n", "utf-8", newline="\n"
        )
        note(
            said(
                lang,
                f"已在 {out} 写出 {len(files.paths) + 1} 个文件",
                f"wrote {len(files.paths) + 1} files under {out}",
            )
        )


def _row(s: Step, lang: Language) -> dict[str, Any]:
    return {
        said(lang, "自第几月", "from month"): s.from_month,
        said(lang, "至第几月", "to month"): s.to_month,
        said(lang, "渠道", "channel"): CHANNEL_LABELS[s.channel].in_(lang),
        said(lang, "保留价（元）", "reserve, CNY"): None if s.reserve_cny is None else round(s.reserve_cny),
        said(lang, "可接受的最低报价（元）", "least offer, CNY"): None
        if s.least_offer_cny is None
        else round(s.least_offer_cny),
    }


def _plain(found: Disposal, buyers: tuple[Buyer, ...]) -> dict[str, Any]:
    levels = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
    sold = found.months[~np.isnan(found.months)]

    def quantiles(x: Any) -> dict[str, float] | None:
        return (
            {str(q): round(float(v), 4) for q, v in zip(levels, np.quantile(x, levels), strict=True)}
            if len(x)
            else None
        )

    return {
        "is_package": found.is_package,
        "lots": [
            {
                "patents": list(p.lot_ids),
                "estimate_cny": round(p.estimate_cny, 2),
                "expected_cny": round(p.expected_cny, 2),
                "steps": [{"from_month": s.from_month, "to_month": s.to_month, "channel": s.channel, "reserve_cny": s.reserve_cny,
                           "least_offer_cny": s.least_offer_cny} for s in p.steps],
            }
            for p in (*found.lots, *((found.package,) if found.package else ()))
        ],
        "proceeds_cny": quantiles(found.proceeds_cny),
        "months_to_money": quantiles(sold),
        "share_sold": float(sold.size / found.months.size),
        "channels": dict(found.channels),
        "paid_cny_mean": {name: round(float(x.mean()), 2) for name, x in found.paid_cny.items()},
        "lgd": None if found.lgd is None else {"mean": float(found.lgd.mean()), "quantiles": quantiles(found.lgd)},
        "buyers": [{"owner": b.owner_id, "name": b.name, "score": round(b.score, 4), "citing": b.citing, "near": b.near,
                    "bought": b.bought, "licensed": b.licensed, "reasons": [r.en for r in b.reasons]} for b in buyers],
        "sources": [{"title": s.title, "grade": str(s.grade)} for s in found.spec.sources],
    }  # fmt: skip
