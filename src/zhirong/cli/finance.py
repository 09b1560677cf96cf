"""`zhirong finance`: from values to terms."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import click

from zhirong.cli.finance_bundle import bundle
from zhirong.cli.finance_dispose import dispose_patents
from zhirong.cli.finance_fund import fund
from zhirong.cli.finance_insure import insure
from zhirong.cli.finance_recommend import recommend_products
from zhirong.cli.finance_securitise import securitise
from zhirong.cli.group import cli
from zhirong.cli.output import as_of_option, emit, format_option, note, step_bar
from zhirong.cli.words import said
from zhirong.evidence.resolving import resolve_patents
from zhirong.finance.pledge import Borrower, shipped_spec, term_sheet
from zhirong.finance.pledge.evidence import register_from, rights_from
from zhirong.finance.pledge.serialise import term_sheet_to_dict
from zhirong.finance.schedules import Repayment
from zhirong.kernel.errors import NotAdmissibleError
from zhirong.kernel.text import LANGUAGES, Language
from zhirong.params import load
from zhirong.reports.term_sheet import render_term_sheet
from zhirong.tables import Store, connect
from zhirong.valuation import Purpose, prepare, value_patents

__all__ = ["finance", "pledge"]

PathType = click.Path(path_type=Path)
FileType = click.Path(path_type=Path, exists=True, dir_okay=False)


@cli.group()
def finance() -> None:
    """Turn values into terms: loans, insurance, bundles of linked products, disposal, and securities on pools of assets."""


finance.add_command(bundle)
finance.add_command(dispose_patents)
finance.add_command(fund)
finance.add_command(insure)
finance.add_command(recommend_products)
finance.add_command(securitise)


@finance.command()
@click.argument("store", type=PathType)
@click.option("--patent", "patents", multiple=True, required=True, help="Patent to pledge; may be given several times.")
@as_of_option
@click.option("--months", default=12, show_default=True, help="Term.")
@click.option("--repayment", type=click.Choice([str(r) for r in Repayment]), default="level", show_default=True)
@click.option("--asked", type=float, help="Amount asked for, CNY.")
@click.option(
    "--cash", type=float, multiple=True, help="Cash for debt service of a year, CNY; once for each year of the term."
)
@click.option("--epsilon", type=float, help="Largest probability that the realisable value is below the debt.")
@click.option("--parameters", type=FileType, help="YAML file that replaces dated parameters.")
@click.option("--draws", default=20_000, show_default=True, help="Draws of each value.")
@click.option("--seed", default=1, show_default=True, help="Seed; the same inputs give the same bytes.")
@click.option("--out", type=PathType, help="Folder for term_sheet.html, .pdf, .xlsx and .json.")
@format_option
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Language.")
def pledge(
    store: Path, patents: tuple[str, ...], as_of: date, months: int, repayment: str, asked: float | None, cash: tuple[float, ...],
    epsilon: float | None, parameters: Path | None, draws: int, seed: int, out: Path | None, form: str, lang: Language,
) -> None:  # fmt: skip
    """Offer a loan on a pledge of patents: the amount, what limits it, payments, covenants.

    Example: zhirong finance pledge mystore --patent CN109000001 --as-of 2024-06-30 --months 24 --out offer
    """
    opened, book = Store.open(store), load(parameters)
    given = {"repayment": Repayment(repayment), "asked_cny": asked, "epsilon": epsilon}
    changes = {name: value for name, value in given.items() if value is not None}
    spec = shipped_spec(book, as_of, months=months, **changes)
    ids = list(dict.fromkeys(resolve_patents(opened, list(patents)).values()))
    with connect("duckdb") as engine, step_bar("valuing"):
        background = prepare(opened, engine, as_of=as_of, book=book)
        batch = value_patents(background, ids, purpose=Purpose.PLEDGE, draws=draws, seed=seed)
        if batch.refused:
            raise NotAdmissibleError("; ".join(finding.message for finding in batch.refused))
        rights, register = rights_from(background, batch.valuations), register_from(background, ids)
    sheet = term_sheet(rights, spec, borrower=Borrower(cash) if cash else None, register=register, seed=seed)
    rows = [
        {"limit": x.name, "meaning": x.label.in_(lang), "amount_cny": x.amount_cny, "binds": x.binds}
        for x in sheet.limits
    ]
    emit(rows, form, lang=lang)
    note(
        said(
            lang,
            f"可贷金额：{sheet.amount}，质押率 {sheet.ltv:.1%}",
            f"loan amount: {sheet.amount}, loan to value {sheet.ltv:.1%}",
        )
    )
    for text in (*sheet.blocking, *sheet.warnings):
        note(text.in_(lang))
    if out is not None:
        synthetic = any(v.is_synthetic for v in batch.valuations)
        files = render_term_sheet(sheet, lang=lang, out=out, is_synthetic=synthetic)
        plain = {
            **term_sheet_to_dict(sheet),
            "is_synthetic": synthetic,
            "seed": seed,
            "draws": draws,
            "as_of": as_of.isoformat(),
        }
        (out / "term_sheet.json").write_text(json.dumps(plain, ensure_ascii=False, indent=1) + "\n", "utf-8")
        count = len(files.paths) + 1
        note(said(lang, f"已在 {out} 写出 {count} 个文件", f"wrote {count} files under {out}"))
