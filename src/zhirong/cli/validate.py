"""`zhirong validate`: whether the intervals keep their word."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyarrow.parquet as pq

from zhirong.cli.group import cli
from zhirong.cli.output import emit, format_option, language_option, note, step_bar
from zhirong.cli.words import said
from zhirong.evidence.importing import import_files
from zhirong.kernel.text import LANGUAGES, Language
from zhirong.numerics.calibration import Coverage
from zhirong.params import load
from zhirong.reports.calibration import CalibrationResult, LifeSet, render_calibration
from zhirong.sample import write_world
from zhirong.sample.world import latent_values
from zhirong.tables import Store, connect
from zhirong.valuation import prepare
from zhirong.valuation.calibration import LifeCheck, PieceCheck, ValueCheck, check_lives, check_pieces, check_values
from zhirong.valuation.reliability import with_learned_pool

__all__ = ["validate"]

AS_OF = date(2022, 6, 30)
_WORLD_CUTS = (date(2012, 6, 30), date(2016, 6, 30), date(2020, 6, 30))
_REAL_CUTS = (date(2005, 6, 30), date(2008, 6, 30), date(2011, 6, 30), date(2014, 6, 30))
_SHOWN = ("part", "label", "nominal", "coverage", "error", "count")
_REAL = Path("cn_patent_survival") / "sample_cleaned_sample.csv"


@cli.command()
@click.option("--seed", default=1, show_default=True, help="Seed of the world and of every check.")
@click.option(
    "--patents", type=click.IntRange(min=1_000), default=20_000, show_default=True, help="Patents of the world."
)
@click.option(
    "--subjects", type=click.IntRange(min=30), default=400, show_default=True, help="Patents valued and checked."
)
@click.option(
    "--replicates", type=click.IntRange(min=20), default=200, show_default=True, help="Simulated data sets of a model."
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder with cn_patent_survival, for the back-test on real lapses.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for calibration.html, .pdf and calibration.json.")
@format_option
@language_option
def validate(
    seed: int,
    patents: int,
    subjects: int,
    replicates: int,
    data: Path | None,
    out: Path | None,
    form: str,
    lang: Language,
) -> None:
    """Prove the calibration: simulated truths, a world whose values are known, and lives that have since ended.

    Failures are shown as they are. JSON lists one object for each check with `nominal` and `coverage`.

    Example: zhirong validate --seed 1 --out calibration
    """
    with tempfile.TemporaryDirectory() as scratch, step_bar("validating") as step:
        step("simulated truths", 1, 4)
        pieces = check_pieces(seed=seed, replicates=replicates)
        step("a world whose values are known", 2, 4)
        world = write_world(Path(scratch) / "world", patent_count=patents, seed=seed)
        with connect("duckdb") as engine:
            background = with_learned_pool(prepare(world, engine, as_of=AS_OF, book=load()))
            values = check_values(background, latent_values(patents, seed), _subjects(world, subjects, seed), seed=seed)
            step("lives of the world", 3, 4)
            lives = [LifeSet("合成世界", "synthetic world", check_lives(world, engine, cuts=_WORLD_CUTS), True)]
            step("lives of real patents", 4, 4)
            lives.append(_real_lives(data, Path(scratch), engine))
    result = CalibrationResult(seed, patents, AS_OF.isoformat(), pieces, values, tuple(lives))
    rows = _rows(result, lang)
    emit(rows if form != "table" else [{name: row[name] for name in _SHOWN} for row in rows], form, lang=lang)
    if lives[1].note_en:
        note(said(lang, lives[1].note_zh, lives[1].note_en))
    if out is not None:
        for language in LANGUAGES:
            render_calibration(
                result, lang=language, out=out, name="calibration" if language == lang else f"calibration.{language}"
            )
        (out / "calibration.json").write_text(
            json.dumps(asdict(result), ensure_ascii=False, indent=1, default=_plain), "utf-8"
        )
        note(said(lang, f"已在 {out} 写出校准报告", f"wrote the calibration report under {out}"))


def _plain(value: object) -> object:
    return value.tolist() if isinstance(value, np.ndarray) else str(value)


def _subjects(world: Store, count: int, seed: int) -> list[str]:
    """Return inventions granted by the date, drawn at random; those that had ended are left out by their value of 0."""
    rows = pq.read_table(world.file("patents"), columns=["patent_id", "grant_date", "right_type"]).to_pylist()
    known = [
        r["patent_id"] for r in rows if r["right_type"] == "invention" and r["grant_date"] and r["grant_date"] <= AS_OF
    ]
    order = np.random.default_rng(seed).permutation(len(known))[:count]
    return sorted(known[i] for i in order)


def _real_lives(data: Path | None, scratch: Path, engine: Any) -> LifeSet:
    names = ("中国发明专利 1993–2002 年申请", "Chinese inventions filed 1993-2002")
    if data is None or not (data / _REAL).is_file():
        return LifeSet(
            *names, (), False, "未提供真实失效数据（--data 指向含 cn_patent_survival 的文件夹），该部分未运行。",
            "Real lapses were not given (--data names a folder with cn_patent_survival): this part was not run.",
        )  # fmt: skip
    import_files("sheet", [data / _REAL], scratch / "real", consolidate=False)
    return LifeSet(*names, check_lives(Store.open(scratch / "real"), engine, cuts=_REAL_CUTS), False)


def _rows(result: CalibrationResult, lang: Language) -> list[dict[str, Any]]:
    found = [
        _row("value", check, row, lang) | {"crps": round(check.crps, 4)}
        for check in result.values
        for row in check.coverage
    ]
    found += [_row("model", check, row, lang) for check in result.pieces for row in check.coverage]
    return found + [_life_row(sets, life, lang) for sets in result.lives for life in sets.checks]


def _row(part: str, check: ValueCheck | PieceCheck, row: Coverage, lang: Language) -> dict[str, Any]:
    return {
        "part": part, "name": check.name, "label": check.label.in_(lang), "nominal": row.nominal,
        "coverage": round(row.coverage, 4), "error": round(row.error, 4), "count": row.count,
        "p_uniform": round(check.ranks.p_value, 4),
    }  # fmt: skip


def _life_row(sets: LifeSet, life: LifeCheck, lang: Language) -> dict[str, Any]:
    """Return a back-test as claimed and realised share of rights that ended."""
    line = life.line
    return {
        "part": "life", "name": f"{sets.name_en} {life.cut} +{life.years:g}y",
        "label": said(lang, f"{sets.name_zh} {life.cut} 起 {life.years:g} 年", f"{sets.name_en} {life.cut} +{life.years:g}y"),
        "nominal": round(life.mean_predicted, 4), "coverage": round(life.ended / life.count, 4),
        "error": round(float(np.sqrt(life.ended * (life.count - life.ended) / life.count**3)), 4), "count": life.count,
        "brier": round(life.brier["weibull"], 4), "brier_kaplan_meier": round(life.brier["kaplan_meier"], 4),
        "brier_constant": round(life.brier["constant"], 4), "slope": None if line is None else round(line.slope, 3),
        "slope_error": None if line is None else round(line.slope_error, 3),
    }  # fmt: skip
