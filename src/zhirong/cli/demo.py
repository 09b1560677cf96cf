"""`zhirong demo`: the whole way, from a synthetic world to the reports."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click
import pyarrow.compute as pc
import pyarrow.parquet as pq

from zhirong.cli.group import cli
from zhirong.cli.output import emit, format_option, language_option, note, step_bar
from zhirong.cli.words import said
from zhirong.kernel.text import LANGUAGES, Language
from zhirong.reports.dossier import make_dossier, scores_of
from zhirong.sample import write_world
from zhirong.tables import Store
from zhirong.valuation import Purpose

__all__ = ["demo"]

AS_OF = date(2024, 6, 30)
PORTFOLIO_SIZE = 5


@cli.command()
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("demo-report"), show_default=True, help="Folder to write."
)
@click.option("--seed", default=20_240_101, show_default=True, help="Seed of the world and of the simulation.")
@click.option(
    "--patents", type=click.IntRange(min=100), default=20_000, show_default=True, help="Patents of the world."
)
@format_option
@language_option
def demo(out: Path, seed: int, patents: int, form: str, lang: Language) -> None:
    """Make a synthetic world, compute its indicators, score it, value its best patents for a pledge, write the reports.

    Everything is labelled synthetic. The reports are in Chinese and English.
    """
    note(said(lang, f"1/4 合成世界：{patents:,} 件专利", f"1/4 a synthetic world of {patents:,} patents"))
    with step_bar("world") as step:
        world = write_world(
            out / "world", patent_count=patents, seed=seed, progress=lambda d, t, _: step("table", d, t)
        )
    note(said(lang, f"2/4 计算截至 {AS_OF} 的指标与评分", f"2/4 indicators and scores as of {AS_OF}"))
    with step_bar("indicators") as step:
        scores = scores_of(world, AS_OF, "pledge", step=step)
    best = _best(world, scores)
    note(
        said(
            lang,
            f"3/4 对评分最高的 {len(best)} 件发明作质押估值（逐件与组合）",
            f"3/4 the best {len(best)} inventions valued for a pledge, one by one and as a portfolio",
        )
    )
    with step_bar("values") as step:
        one = make_dossier(
            world, best[:1], as_of=AS_OF, purpose=Purpose.PLEDGE, out=out, languages=LANGUAGES, seed=seed, step=step
        )
        whole = make_dossier(
            world, best, as_of=AS_OF, purpose=Purpose.PLEDGE, out=out / "portfolio", languages=LANGUAGES,
            portfolio="synthetic portfolio", draws=10_000, seed=seed, step=step,
        )  # fmt: skip
    note(said(lang, "4/4 已写出：", "4/4 written:"))
    rows = [
        {
            "patent": v.subject_id,
            "p5_cny": round(v.quantiles[0.05]),
            "p50_cny": round(v.quantiles[0.5]),
            "p95_cny": round(v.quantiles[0.95]),
        }
        for v in whole.valuations
    ]
    emit(rows, form, title=said(lang, "合成数据：质押估值", "synthetic: values for a pledge"), lang=lang)
    for path in one.files:
        note(f"  {path}")
    note(
        said(
            lang,
            f"  {out / 'portfolio'} 下 {len(whole.files)} 个文件",
            f"  {len(whole.files)} files under {out / 'portfolio'}",
        )
    )


def _best(world: Store, scores: Path) -> list[str]:
    """Return the best-ranked inventions in force, the first of each field."""
    patents = pq.read_table(world.file("patents"), columns=["patent_id", "right_type"])
    scored = pq.read_table(scores, columns=["patent_id", "rank", "score"]).join(patents, "patent_id")
    kept = scored.filter(pc.and_(pc.equal(scored["right_type"], "invention"), pc.is_valid(scored["score"])))
    ranked = kept.sort_by([("rank", "ascending"), ("patent_id", "ascending")])
    return [str(patent) for patent in ranked["patent_id"].slice(0, PORTFOLIO_SIZE).to_pylist()]
