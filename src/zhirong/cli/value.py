"""`zhirong indicators`, `catalogue`, `score`, `value`: from a store to numbers and reports."""

from __future__ import annotations

import csv
import math
from datetime import date
from pathlib import Path
from typing import Any

import click
import pyarrow.compute as pc
import pyarrow.parquet as pq

from zhirong.cli.group import cli
from zhirong.cli.output import DateType, as_of_option, emit, format_option, language_option, note, step_bar
from zhirong.cli.value_all import value_all
from zhirong.cli.words import head, said
from zhirong.evidence.checking import newest_fact
from zhirong.indicators import CATALOGUE, compute, lookup
from zhirong.indicators.scoring import score as score_patents
from zhirong.indicators.scoring import shipped_profiles
from zhirong.kernel.errors import DomainError, EvidenceError
from zhirong.kernel.text import LANGUAGES, Language
from zhirong.params import load
from zhirong.reports.dossier import indicators_of, make_dossier
from zhirong.tables import ENGINES, Store, connect
from zhirong.valuation import Purpose, load_overrides

__all__ = ["catalogue", "indicators", "portfolio_shares", "score", "value"]

PathType = click.Path(path_type=Path)
FileType = click.Path(path_type=Path, exists=True, dir_okay=False)


@cli.command()
@click.argument("store", type=PathType)
@as_of_option
@click.option(
    "--engine", "engine_name", type=click.Choice(ENGINES), default="duckdb", show_default=True, help="Table engine."
)
@click.option("--master", default="local[2]", show_default=True, help="Spark master URL.")
@click.option("--scratch", type=PathType, help="Scratch folder; on a cluster one that every worker sees.")
@click.option("--memory", help="Memory limit of the engine, e.g. 6GB.")
@click.option("--only", help="Indicator ids, joined by commas.")
@click.option("--out", type=PathType, required=True, help="Parquet file to write.")
@format_option
@language_option
def indicators(
    store: Path, as_of: date, engine_name: str, master: str, scratch: Path | None, memory: str | None, only: str | None,
    out: Path, form: str, lang: Language,
) -> None:  # fmt: skip
    """Compute indicators of every patent known on a day; one wide Parquet file.

    Example: zhirong indicators mystore --as-of 2024-06-30 --out indicators.parquet
    """
    ids = [part.strip() for part in only.split(",")] if only else None
    opened = Store.open(store)
    with connect(engine_name, master=master, scratch=scratch, memory=memory) as engine, step_bar("indicators") as step:
        run = compute(opened, engine, as_of=as_of, out=out, only=ids, progress=step)
    rows = [
        {
            "indicator": name,
            "known": known,
            "patents": run.row_count,
            "share_known": known / run.row_count if run.row_count else None,
        }
        for name, known in run.known_counts.items()
    ]
    emit(rows, form, lang=lang)
    _of_the_day(opened, as_of, run.row_count, lang)
    note(
        said(
            lang,
            f"已写出 {out}：{run.row_count} 件专利，{len(run.indicator_ids)} 项指标",
            f"wrote {out}: {run.row_count} patents, {len(run.indicator_ids)} indicators",
        )
    )


@cli.command()
@click.argument("indicator_id", required=False)
@format_option
@language_option
def catalogue(indicator_id: str | None, form: str, lang: Language) -> None:
    """Show the indicators, or one of them: definition, unit, source, what null means.

    Example: zhirong catalogue oecd.generality --lang zh
    """
    if indicator_id is None:
        rows = [
            {"id": i.id, "name": i.name.in_(lang), "dimension": str(i.dimension), "unit": i.unit, "source": i.source}
            for i in CATALOGUE.values()
        ]
        emit(rows, form, lang=lang)
        return
    i = lookup(indicator_id)
    shown: dict[str, Any] = {
        "id": i.id, "name": i.name.in_(lang), "definition": i.definition.in_(lang), "dimension": str(i.dimension),
        "unit": i.unit, "low": i.low, "high": i.high, "direction": i.direction, "null_means": i.null_meaning.in_(lang),
        "lookback": i.lookback, "cohort": i.cohort, "gbt_42748": i.gbt_item, "source": i.source,
    }  # fmt: skip
    emit(
        [shown] if form != "table" else [{"field": head(k, lang), "value": v} for k, v in shown.items()],
        form,
        lang=lang,
    )


@cli.command()
@click.argument("store", type=PathType)
@as_of_option
@click.option("--profile", required=True, help="Name of a shipped profile, or a YAML file.")
@click.option(
    "--indicators", "indicator_file", type=FileType, help="Indicators computed before; else they are computed and kept."
)
@click.option("--top", type=click.IntRange(min=0), default=10, show_default=True, help="How many to print.")
@click.option("--out", type=PathType, required=True, help="Parquet file to write.")
@format_option
@language_option
def score(
    store: Path, as_of: date, profile: str, indicator_file: Path | None, top: int, out: Path, form: str, lang: Language
) -> None:
    """Score and grade every patent under the profile of a scene, with interval, coverage and confidence.

    Example: zhirong score mystore --as-of 2024-06-30 --profile pledge --out scores.parquet
    """
    opened = Store.open(store)
    with step_bar("scoring") as step:
        table = indicator_file or indicators_of(opened, as_of, step=step)
        chosen: str | Path = profile if profile in shipped_profiles() else Path(profile)
        run = score_patents(table, chosen, as_of=as_of, out=out, patents=opened.file("patents"))
    columns = ["patent_id", "score", "score_low", "score_high", "grade", "coverage", "confidence"]
    scored = pq.read_table(out, columns=[*columns, "rank"])
    best = scored.filter(pc.is_valid(scored["score"])).sort_by([("rank", "ascending"), ("patent_id", "ascending")])
    emit(best.select(columns).slice(0, top).to_pylist(), form, lang=lang)
    _of_the_day(opened, as_of, run.row_count, lang)
    note(
        said(
            lang,
            f"已写出 {out}：{run.row_count} 件专利中 {run.scored_count} 件按 {run.profile} 评分",
            f"wrote {out}: {run.scored_count} of {run.row_count} patents scored under {run.profile}",
        )
    )


def _of_the_day(store: Store, as_of: date, patent_count: int, lang: Language) -> None:
    """Say where a day lies outside what the store knows: before all of it, or after its newest fact."""
    if patent_count == 0:
        note(said(lang, f"{as_of} 时库内尚无任何专利公开", f"no patent of the store was known at {as_of}"))
        return
    newest = newest_fact(store)
    if newest is not None and newest < as_of:
        days = (as_of - newest).days
        note(
            said(
                lang,
                f"提示：库内最新事实为 {newest}，早于 {as_of} 共 {days} 天；其间发生的事未知",
                f"note: the newest fact of the store is of {newest}, {days} days before {as_of}; what happened since is unknown",
            )
        )


@cli.command()
@click.argument("store", type=PathType)
@click.option(
    "--patent",
    "patents",
    multiple=True,
    help="Patent to value: identifier, publication or application number; may be given several times.",
)
@click.option(
    "--portfolio",
    type=FileType,
    help="CSV with a column patent_id, and weight where a share is owned: value them as one.",
)
@as_of_option
@click.option("--purpose", type=click.Choice([str(p) for p in Purpose]), required=True, help="Scene of the valuation.")
@click.option("--assumptions", type=FileType, help="YAML file that replaces assumptions.")
@click.option("--parameters", type=FileType, help="YAML file that replaces dated parameters.")
@click.option("--since", type=DateType(), help="Explain what moved each value since this earlier day.")
@click.option(
    "--all", "everything", is_flag=True, help="Value every patent known and alive on the day; --out is then a run."
)
@click.option("--processes", type=click.IntRange(min=1), help="With --all: processes; one a core by default.")
@click.option(
    "--engine", "engine_name", type=click.Choice(ENGINES), default="duckdb", show_default=True,
    help="With --all: who values the chunks, processes of this machine or the workers of Spark.",
)  # fmt: skip
@click.option("--master", default="local[2]", show_default=True, help="Spark master URL.")
@click.option("--draws", type=int, help="Draws of each method; 20000, with --all 2000.")
@click.option("--seed", default=1, show_default=True, help="Seed; the same inputs give the same bytes.")
@click.option(
    "--out",
    type=PathType,
    required=True,
    help="Folder for report.html, report.pdf, report.xlsx, valuation.json; of a run.",
)
@format_option
@click.option(
    "--lang", type=click.Choice([*LANGUAGES, "both"]), default="en", show_default=True, help="Language of the report."
)
def value(
    store: Path, patents: tuple[str, ...], portfolio: Path | None, as_of: date, purpose: str, assumptions: Path | None,
    parameters: Path | None, since: date | None, everything: bool, processes: int | None, engine_name: str, master: str,
    draws: int | None, seed: int, out: Path, form: str, lang: str,
) -> None:  # fmt: skip
    """Value patents on a day for a purpose: an interval, the reasons, the sources, as report and JSON.

    With --all every patent of the store is valued into Parquet, on all cores; the same call takes up a run that was stopped.

    Example: zhirong value mystore --patent CN109000001 --as-of 2024-06-30 --purpose pledge --lang zh --out report
    """
    words: Language = "zh" if lang == "zh" else "en"
    if everything:
        if patents or portfolio or since:
            raise DomainError("--all values every patent; it goes without --patent, --portfolio and --since")
        value_all(
            Store.open(store), out, as_of=as_of, purpose=Purpose(purpose), book=load(parameters),
            mine=load_overrides(assumptions) if assumptions else {}, draws=draws or 2_000, seed=seed,
            processes=processes, engine_name=engine_name, master=master, form=form, lang=words,
        )  # fmt: skip
        return
    shares = portfolio_shares(portfolio) if portfolio else {}
    ids = [*patents, *shares]
    if not ids:
        raise DomainError("name patents with --patent, a file with --portfolio, or --all")
    opened = Store.open(store)
    with step_bar("valuing") as step:
        dossier = make_dossier(
            opened,
            ids,
            as_of=as_of,
            purpose=Purpose(purpose),
            out=out,
            languages=LANGUAGES if lang == "both" else (lang,),  # type: ignore[arg-type]
            portfolio=portfolio.stem if portfolio else None,
            weights={patent: share for patent, share in shares.items() if share < 1},
            mine=load_overrides(assumptions) if assumptions else None,
            book=load(parameters),
            draws=draws or 20_000,
            seed=seed,
            since=since,
            step=step,
        )
    emit([_row(v.subject_id, v.quantiles, v.currency) for v in dossier.valuations], form, lang=words)
    for bridge in dossier.bridges.values():
        note(f"{bridge.patent_id}: {bridge.headline.in_(words)}")
    for finding in dossier.refused:
        note(said(words, f"未估值：{finding.message}", f"not valued: {finding.message}"))
    if dossier.portfolio is not None:
        q = dossier.portfolio.dependence.quantiles
        low, middle, high = (f"{q[level]:,.0f}" for level in (0.05, 0.5, 0.95))
        note(
            said(
                words,
                f"组合合计（计入共同因素）：{low} 至 {high} 元（5%–95%），中位数 {middle} 元",
                f"sum, common factors counted: CNY {low} to {high} (5-95%), median {middle}",
            )
        )
    _of_the_day(opened, as_of, len(dossier.valuations), words)
    note(said(words, f"已在 {out} 写出 {len(dossier.files)} 个文件", f"wrote {len(dossier.files)} files under {out}"))


def _row(name: str, quantiles: Any, currency: str) -> dict[str, Any]:
    levels = {0.05: "p5", 0.25: "p25", 0.5: "p50", 0.75: "p75", 0.95: "p95"}
    return {
        "subject": name,
        "currency": currency,
        **{label: round(quantiles[level]) for level, label in levels.items()},
    }


def portfolio_shares(path: Path) -> dict[str, float]:
    """Read a CSV file: the column patent_id, and weight (above 0 to 1, blank for the whole); a repeated row counts once."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        if reader.fieldnames is None or "patent_id" not in reader.fieldnames:
            raise EvidenceError(f"{path.name}: needs a column patent_id; columns: {', '.join(reader.fieldnames or [])}")
        shares: dict[str, float] = {}
        for number, row in enumerate(reader, 2):
            patent = (row["patent_id"] or "").strip()
            if not patent:
                raise EvidenceError(f"{path.name}: row {number}, column patent_id is blank")
            share = _share(row.get("weight"), f"{path.name}: row {number}")
            if shares.setdefault(patent, share) != share:
                raise EvidenceError(f"{path.name}: row {number}: {patent} stands twice with different weights")
    return shares


def _share(text: str | None, where: str) -> float:
    """Return the share owned of a patent."""
    plain = (text or "").strip()
    if not plain:
        return 1.0
    try:
        share = float(plain.removesuffix("%")) / (100 if plain.endswith("%") else 1)
    except ValueError:
        share = math.nan
    if not 0 < share <= 1:
        raise EvidenceError(f"{where}, column weight: {plain!r} is not allowed; allowed: above 0 to 1, or a per cent")
    return share
