"""`zhirong learn`: a model of the labels that a store holds, with its card."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from zhirong.cli.group import cli
from zhirong.cli.output import as_of_option, emit, format_option, language_option, note
from zhirong.cli.words import said
from zhirong.kernel.text import LANGUAGES, Language
from zhirong.params import load
from zhirong.tables import Store, connect
from zhirong.valuation.learning import LabelKind
from zhirong.valuation.learning import learn as fit

__all__ = ["learn"]


@cli.command()
@click.argument("store", type=click.Path(path_type=Path))
@as_of_option
@click.option(
    "--label",
    type=click.Choice([str(kind) for kind in LabelKind]),
    default=str(LabelKind.DEALS),
    show_default=True,
    help="What to learn.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the model and its card.")
@format_option
@language_option
def learn(store: Path, as_of: date, label: str, out: Path, form: str, lang: Language) -> None:
    """Fit a model of prices, appraisals, renewals or transfers, prove it on later labels, and write its card.

    Features are those known before each label; a feature that knows the future is refused. The card says how little such models
    explain.

    Example: zhirong learn mystore --as-of 2024-06-30 --label renewals --out model
    """
    with connect("duckdb") as engine:
        model = fit(Store.open(store), engine, LabelKind(label), as_of=as_of, book=load(), out=out)
    for language in LANGUAGES:
        (out / f"card.{language}.md").write_text(model.card.to_markdown(language), "utf-8")
    emit([{"label": label, "count": model.card.label_count, "out": str(out)}], form, lang=lang)
    note(said(lang, f"已在 {out} 写出模型与模型卡", f"wrote the model and its card under {out}"))
