"""`zhirong finance securitise`: run a deal file, size its classes, write the investor report."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import click

from zhirong.cli.output import as_of_option, emit, format_option, language_option, note
from zhirong.cli.words import said
from zhirong.finance.securitisation import Deal, DealError, DealResult, read_deal
from zhirong.finance.securitisation.investor_report import investor_report
from zhirong.finance.securitisation.library import deal_names, load_deal
from zhirong.finance.securitisation.sizing import Target, named_target, size_tranches
from zhirong.kernel.errors import DomainError
from zhirong.kernel.text import Language
from zhirong.params import ParameterBook, load
from zhirong.reports.deal_report import render_deal

__all__ = ["securitise"]


@click.command()
@click.argument("deal", required=False)
@click.option("--list", "names", is_flag=True, help="Name the deals that ship, and stop.")
@click.option("--rate", type=float, default=0.025, show_default=True, help="Flat discount rate a year.")
@click.option(
    "--paths", type=click.IntRange(min=100), default=10_000, show_default=True, help="Paths of the simulation."
)
@click.option("--seed", default=1, show_default=True, help="Seed of the simulation.")
@click.option(
    "--size",
    "sizes",
    multiple=True,
    metavar="CLASS=TARGET",
    help="Size a class on the structure alone: A=AAA or A=0.002.",
)
@click.option("--least-equity", type=float, default=0.05, show_default=True, help="With --size: least share kept.")
@click.option(
    "--equity-cost", type=float, help="With --size: cost of equity a year; sizes are then those of the least cost."
)
@click.option(
    "--parameters", type=click.Path(path_type=Path, exists=True), help="Your parameters on top of those shipped."
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for deal.html, deal.pdf and deal.xlsx.")
@as_of_option
@format_option
@language_option
def securitise(
    deal: str | None,
    names: bool,
    rate: float,
    paths: int,
    seed: int,
    sizes: tuple[str, ...],
    least_equity: float,
    equity_cost: float | None,
    parameters: Path | None,
    out: Path | None,
    as_of: date,
    form: str,
    lang: Language,
) -> None:
    """Price the classes of a securitisation, with and without the party that makes up shortfalls.

    DEAL is a deal file (YAML) or the name of a deal that ships.

    Example: zhirong finance securitise licence_back_2019 --as-of 2024-06-30 --lang zh --out report
    """
    if names:
        emit([{"deal": name, "name": load_deal(name).name.in_(lang)} for name in deal_names()], form, lang=lang)
        return
    if deal is None:
        raise DomainError(f"name a deal file, or one of: {', '.join(deal_names())}")
    book = load(parameters)
    found = _deal(deal)
    if sizes:
        targets = dict(_target(text, book, as_of) for text in sizes)
        sizing = size_tranches(
            found, targets, rate=rate, paths=paths, seed=seed, least_equity=least_equity, equity_cost=equity_cost
        )
        found = sizing.deal
        for name in targets:
            word = (
                said(lang, "已分辨", "resolved")
                if sizing.is_resolved[name]
                else said(lang, "模拟误差大于目标一半", "not resolved")
            )
            note(f"{name}: {sizing.shares[name]:.2%} ({sizing.binding[name]}; {word})")
    report = investor_report(found, rate=rate, book=book, as_of=as_of, paths=paths, seed=seed)
    rows = [row for result in (report.with_support, report.alone) for row in _rows(result, lang)]
    emit([_short(row, lang) for row in rows] if form == "table" else rows, form, lang=lang)
    if out is not None:
        files = render_deal(report, lang=lang, out=out).paths
        note(said(lang, f"已在 {out} 写出 {len(files)} 个文件", f"wrote {len(files)} files under {out}"))


def _deal(name: str) -> Deal:
    """Return a deal from a file where there is one, else from those that ship."""
    file = Path(name)
    if file.suffix in {".yaml", ".yml"} or file.is_file():
        try:
            return read_deal(file)
        except OSError as err:
            raise DomainError(f"{name}: {err.strerror}") from err
        except DealError as err:
            raise DomainError(f"{name}:\n{err}") from err
    return load_deal(name)


def _target(text: str, book: ParameterBook, as_of: date) -> tuple[str, Target]:
    name, _, target = text.partition("=")
    if not target:
        raise DomainError(f"--size {text!r} is not allowed; allowed: CLASS=TARGET, e.g. A=AAA or A=0.002")
    try:
        return name, Target(target, float(target))
    except ValueError as err:
        if isinstance(err, DomainError):
            raise
        return name, named_target(target, book, as_of)


def _rows(result: DealResult, lang: Language) -> list[dict[str, Any]]:
    return [
        {
            "class": item.id,
            "label": item.label.in_(lang),
            "support": result.with_support,
            "balance": round(item.balance, 2),
            "price": round(item.price.value, 4),
            "price_low": round(item.price.low, 4),
            "price_high": round(item.price.high, 4),
            "average_life_years": None
            if item.weighted_life_years is None
            else round(item.weighted_life_years.value, 4),
            "discount_margin_bp": None if item.discount_margin is None else round(1e4 * item.discount_margin.value, 2),
            "expected_loss": item.expected_loss.value,
            "expected_loss_high": item.expected_loss.high,
            "loss_probability": item.loss_probability.value,
            "loss_probability_low": item.loss_probability.low,
            "loss_probability_high": item.loss_probability.high,
        }
        for item in result.tranches
    ]


def _short(row: dict[str, Any], lang: Language) -> dict[str, str]:
    """Return a row for people: intervals beside their numbers, few columns."""
    margin, life = row["discount_margin_bp"], row["average_life_years"]
    return {
        said(lang, "档次", "class"): f"{row['class']} {row['label']}",
        said(lang, "差额支付", "support"): said(lang, "有", "with") if row["support"] else said(lang, "无", "without"),
        said(
            lang, "价格（面值 100）", "price of 100"
        ): f"{row['price']:.2f} ({row['price_low']:.2f} – {row['price_high']:.2f})",
        said(lang, "平均期限", "life, years"): "" if life is None else f"{life:.2f}",
        said(lang, "利差 bp", "margin, bp"): "" if margin is None else f"{margin:.0f}",
        said(lang, "期望损失", "expected loss"): f"{row['expected_loss']:.3%}",
        said(lang, "受损概率", "chance of loss"): f"{row['loss_probability']:.2%} "
        f"({row['loss_probability_low']:.2%} – {row['loss_probability_high']:.2%})",
    }
