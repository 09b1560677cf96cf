"""`zhirong finance bundle`: loan, cover, pool, subsidy, take-out and equity designed together for one firm."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import click

from zhirong.cli.finance_rights import valued_rights, write_record
from zhirong.cli.output import as_of_option, emit, format_option, language_option, note
from zhirong.cli.words import said
from zhirong.finance.bundle import PROGRAMMES, Bundle, Comparison, NoBundle, Proposal, propose, read_firm
from zhirong.finance.pledge import shipped_spec
from zhirong.kernel.text import Language
from zhirong.params import load
from zhirong.reports.bundle_report import render_bundle

__all__ = ["bundle", "plain_proposal"]

PathType = click.Path(path_type=Path)
FileType = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("store", type=PathType)
@click.option("--patent", "patents", multiple=True, required=True, help="Patent to pledge; may be given several times.")
@click.option("--firm", "firm_file", type=FileType, required=True, help="YAML file with what the firm states.")
@click.option(
    "--programme", "names", type=click.Choice((*PROGRAMMES, "all")), multiple=True, default=("all",), show_default=True,
    help="Programmes to compare with; may be given several times.",
)  # fmt: skip
@as_of_option
@click.option("--parameters", type=FileType, help="YAML file that replaces dated parameters, e.g. a programme's terms.")
@click.option("--draws", default=20_000, show_default=True, help="Draws of each value.")
@click.option("--risk-draws", default=60, show_default=True, help="Draws of default and loss for the intervals.")
@click.option("--seed", default=1, show_default=True, help="Seed; the same inputs give the same bytes.")
@click.option("--out", type=PathType, help="Folder for bundle.html, .pdf, .xlsx and .json.")
@format_option
@language_option
def bundle(
    store: Path, patents: tuple[str, ...], firm_file: Path, names: tuple[str, ...], as_of: date, parameters: Path | None,
    draws: int, risk_draws: int, seed: int, out: Path | None, form: str, lang: Language,
) -> None:  # fmt: skip
    """Design the cheapest bundle every party signs, and compare it with city programmes at equal public cost.

    Example: zhirong finance bundle mystore --patent CN109000001 --firm firm.yaml --as-of 2025-06-30 --out offer
    """
    firm, book = read_firm(firm_file), load(parameters)
    chosen = PROGRAMMES if "all" in names else tuple(dict.fromkeys(names))
    with valued_rights(store, patents, as_of=as_of, book=book, draws=draws, seed=seed, label="designing") as valued:
        spec = shipped_spec(book, as_of, months=firm.months)
        found = propose(firm, valued.rights, spec, book, as_of, programmes=chosen, draws=risk_draws, seed=seed)
    emit([_short(c, lang) if form == "table" else _row(c, lang) for c in found.comparisons], form, lang=lang)
    _tell(found, lang)
    if out is not None:
        synthetic = firm.is_synthetic or valued.is_synthetic
        files = render_bundle(found, lang=lang, out=out, is_synthetic=synthetic)
        plain = plain_proposal(found) | {"is_synthetic": synthetic, "seed": seed, "draws": draws}
        write_record(out / "bundle.json", plain, files, lang)


def _row(c: Comparison, lang: Language) -> dict[str, Any]:
    own, saved = c.programme, c.saving_on_programme
    return {
        "programme": own.spec.label.in_(lang),
        "cost": round(own.cost, 6) if isinstance(own, Bundle) else None,
        "public_cost": round(own.public_cost, 6) if isinstance(own, Bundle) else None,
        "linked_cost": round(c.linked.cost, 6) if isinstance(c.linked, Bundle) else None,
        "saved": round(saved.value, 6) if saved else None,
        "saved_low": round(saved.low, 6) if saved else None,
        "saved_high": round(saved.high, 6) if saved else None,
        "bought_apart": None if c.separate is None else round(c.separate, 6),
        "why_not": "; ".join(b.label.in_(lang) for b in own.breaches) if isinstance(own, NoBundle) else "",
    }


def _short(c: Comparison, lang: Language) -> dict[str, str]:
    """Return a row for people: percent, and intervals beside their numbers."""
    own, saved = c.programme, c.saving_on_programme
    if isinstance(own, NoBundle):
        cells = (said(lang, "不可行", "infeasible"), "", "", "", "")
    else:
        cells = (
            f"{own.cost:.3%}",
            f"{own.public_cost:.3%}",
            f"{c.linked.cost:.3%}" if isinstance(c.linked, Bundle) else "",
            f"{1e4 * saved.value:.0f} bp ({1e4 * saved.low:.0f} – {1e4 * saved.high:.0f})" if saved else "",
            "" if c.separate is None else f"{c.separate:.3%}",
        )
    heads = (
        said(lang, "企业成本", "cost to firm"),
        said(lang, "财政成本", "public cost"),
        said(lang, "联动（同等财政）", "linked, equal public cost"),
        said(lang, "节省", "saved"),
        said(lang, "单独购买", "bought apart"),
    )
    return {said(lang, "模式", "programme"): own.spec.label.in_(lang), **dict(zip(heads, cells, strict=True))}


def _tell(found: Proposal, lang: Language) -> None:
    best = found.bundle
    note(said(lang, f"贷款金额 {found.amount_cny:,.0f} 元", f"loan: CNY {found.amount_cny:,.0f}"))
    if best is None:
        note(said(lang, "联动方案不可行，原因见报告", "no linked design exists; the report says why"))
        return
    shares = ", ".join(f"{name} {share:.1%}" for name, share in best.shares.items() if share > 1e-6)
    note(
        said(
            lang, f"联动方案：企业成本 {best.cost:.3%}，财政成本 {best.public_cost:.3%}，分担 {shares}",
            f"linked design: cost to the firm {best.cost:.3%}, public cost {best.public_cost:.3%}, shares of a loss {shares}",
        )
    )  # fmt: skip


def plain_proposal(found: Proposal) -> dict[str, Any]:
    """Return a proposal as plain JSON types."""
    return {
        "as_of": found.as_of.isoformat(),
        "firm": asdict(found.firm),
        "patents": list(found.right_ids),
        "amount_cny": found.amount_cny,
        "lgd": asdict(found.lgd),
        "pd": {
            "stated": found.risk.pd,
            "low": found.pd_range[0],
            "high": found.pd_range[1],
            "settled": found.settled.pd,
        },
        "is_unique": found.settled.is_unique,
        "linked": _plain(found.settled.bundle),
        "internal_rate": None if found.dated is None else found.dated.borrower_rate,
        "programmes": [
            {
                "name": c.programme.spec.name,
                "design": _plain(c.programme),
                "linked_at_equal_public_cost": None if c.linked is None else _plain(c.linked),
                "bought_apart": c.separate,
                "saved_on_programme": None if c.saving_on_programme is None else asdict(c.saving_on_programme),
                "saved_on_apart": None if c.saving_on_separate is None else asdict(c.saving_on_separate),
            }
            for c in found.comparisons
        ],
        "gains": None
        if found.gains is None
        else {
            "total": found.gains.total,
            "shapley": dict(found.gains.shapley),
            "nucleolus": dict(found.gains.nucleolus),
            "worst_excess": found.gains.worst_excess,
        },
        "frontier": [asdict(point) for point in found.frontier],
        "flows": [{"payer": t.payer, "payee": t.payee, "what": t.label.en, "cny": t.amount_cny} for t in found.flows],
        "sources": [{"title": s.title, "grade": str(s.grade)} for s in found.linked.sources],
    }


def _plain(found: Bundle | NoBundle) -> dict[str, Any]:
    if isinstance(found, NoBundle):
        return {
            "is_feasible": False,
            "breaches": [{"name": b.name, "why": asdict(b.label), "by": b.shadow} for b in found.breaches],
        }
    return {
        "is_feasible": True,
        "cost": found.cost,
        "public_cost": found.public_cost,
        "rate": found.rate,
        "shares": dict(found.shares),
        "prices": dict(found.prices),
        "interest_subsidy": found.interest_subsidy,
        "premium_subsidy": found.premium_subsidy,
        "fixed": found.fixed,
        "kicker": found.kicker,
        "is_taken_out": found.is_taken_out,
        "gap": found.gap,
        "binding": [{"name": b.name, "what": asdict(b.label), "shadow": b.shadow} for b in found.binding],
    }
