"""`zhirong finance dispose`: how to sell pledged patents after a default, what it brings, when, and to whom."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import click
import numpy as np

from zhirong.cli.finance_rights import valued_rights, write_record
from zhirong.cli.output import DateType, as_of_option, emit, format_option, language_option, note
from zhirong.cli.words import said
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
from zhirong.finance.pledge import PledgedRight
from zhirong.kernel.errors import NotAdmissibleError
from zhirong.kernel.text import Language
from zhirong.params import load
from zhirong.reports.disposal_report import render_disposal

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
    book = load(parameters)
    with valued_rights(store, patents, as_of=as_of, book=book, draws=draws, seed=seed, label="disposing") as valued:
        lots = [_lot(right) for right in valued.rights]
        spec = shipped_disposal(book, as_of, buy_back_cny=buy_back, prearranged_cny=acquirer)
        claims = rank_claims([("pledgee", registered, debt)]) if debt else ()
        found = dispose(lots, spec, claims, seed=seed)
        buyers = likely_buyers(valued.background, valued.ids)
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
        files = render_disposal(found, buyers, as_of=as_of, lang=lang, out=out, is_synthetic=valued.is_synthetic)
        plain = _plain(found, buyers) | {
            "as_of": as_of.isoformat(),
            "is_synthetic": valued.is_synthetic,
            "seed": seed,
            "draws": draws,
        }
        write_record(out / "disposal.json", plain, files, lang)


def _lot(right: PledgedRight) -> Lot:
    if right.remaining_life_years is None:
        raise NotAdmissibleError(
            f"{right.right_id}: the legal term is not known, so that what waiting costs cannot be computed"
        )
    return Lot(right.right_id, right.values, max(right.remaining_life_years, 0.0))


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
