"""`zhirong validate`: whether the intervals keep their word."""

from __future__ import annotations

import csv
import json
import re
import tempfile
from collections.abc import Callable
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
from zhirong.kernel.text import LANGUAGES, Bilingual, Language
from zhirong.numerics.calibration import Coverage
from zhirong.params import ParameterBook, load
from zhirong.reports.calibration import CalibrationResult, LifeSet, render_calibration
from zhirong.reports.calibration_page import calibration_page
from zhirong.sample import write_world
from zhirong.sample.world import latent_values
from zhirong.tables import Store, connect
from zhirong.valuation import prepare
from zhirong.valuation.calibration import (
    FirmCheck,
    FirmChecks,
    LifeCheck,
    PieceCheck,
    ValueCheck,
    check_firms,
    check_lives,
    check_pieces,
    check_sampling,
    check_values,
    hazards_by_group,
)
from zhirong.valuation.reliability import with_learned_pool

__all__ = ["validate"]

AS_OF = date(2022, 6, 30)
_WORLD_CUTS = (date(2012, 6, 30), date(2016, 6, 30), date(2020, 6, 30))
_REAL_CUTS = (date(2005, 6, 30), date(2008, 6, 30), date(2011, 6, 30), date(2014, 6, 30))
_YEARS = (1.0, 3.0, 5.0)
_SHOWN = ("part", "label", "nominal", "coverage", "low", "high", "verdict", "count")
_REAL = Path("cn_patent_survival") / "sample_cleaned_sample.csv"
_FIRMS = Path("firm_patents_rd")
_STEPS = ("models", "sampling", "values", "lives", "real lives", "firms")
_ORIGINS = {
    "domestic": Bilingual("国内申请人", "domestic applicants"),
    "foreign": Bilingual("国外申请人", "foreign applicants"),
}
Step = Callable[[str, int, int], None]


@cli.command()
@click.option("--seed", default=1, show_default=True, help="Seed of the world and of every check.")
@click.option(
    "--patents", type=click.IntRange(min=1_000), default=20_000, show_default=True, help="Patents of the world."
)
@click.option(
    "--subjects", type=click.IntRange(min=30), default=600, show_default=True, help="Patents valued and checked."
)
@click.option(
    "--replicates", type=click.IntRange(min=20), default=300, show_default=True,
    help="Simulated data sets of a model; quick models get four times as many, slow ones half.",
)  # fmt: skip
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder with cn_patent_survival and firm_patents_rd, for the checks on real lapses and firms.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for calibration.html, .pdf, .md and .json.")
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
    """Prove the calibration: simulated truths, a world whose values are known, lives that have since ended, real firms.

    Failures are shown as they are. JSON lists one object for each check with `nominal` and `coverage`; slopes over firms, which
    claim no coverage, are notes here and tables in the report.

    Example: zhirong validate --seed 1 --data DIR --out calibration
    """
    with tempfile.TemporaryDirectory() as scratch, step_bar("validating") as step:
        result = _run(seed, patents, subjects, replicates, data, Path(scratch), step)
    rows = _rows(result, lang)
    emit(rows if form != "table" else [{name: row[name] for name in _SHOWN} for row in rows], form, lang=lang)
    _tell(result, lang)
    if out is not None:
        _write(result, out, lang)
        note(said(lang, f"已在 {out} 写出校准报告", f"wrote the calibration report under {out}"))


def _run(
    seed: int, patents: int, subjects: int, replicates: int, data: Path | None, scratch: Path, step: Step
) -> CalibrationResult:
    book = load()

    def told(name: str) -> Callable[[int, int, int], None]:
        place = _STEPS.index(name)

        def update(done: int, total: int, records: int) -> None:
            step(name, 1000 * place + 1000 * done // max(total, 1), 1000 * len(_STEPS))

        return update

    pieces = check_pieces(seed=seed, replicates=replicates, progress=told("models"))
    world = write_world(scratch / "world", patent_count=patents, seed=seed)
    chosen = _subjects(world, subjects, seed)
    with connect("duckdb") as engine:
        background = with_learned_pool(prepare(world, engine, as_of=AS_OF, book=book))
        pieces += check_sampling(
            background, chosen[:40], seed=seed, replicates=4 * replicates, progress=told("sampling")
        )
        values = check_values(background, latent_values(patents, seed), chosen, seed=seed, progress=told("values"))
        lived = check_lives(world, engine, book=book, cuts=_WORLD_CUTS, years=_YEARS, progress=told("lives"))
        lives = (
            LifeSet(Bilingual("合成世界", "Synthetic world"), lived, True),
            _real_lives(data, scratch, engine, book, told("real lives")),
        )
    firms = check_firms(data / _FIRMS) if data is not None else None
    told("firms")(1, 1, 1)
    return CalibrationResult(seed, patents, AS_OF.isoformat(), pieces, values, lives, firms)


def _tell(result: CalibrationResult, lang: Language) -> None:
    for sets in result.lives:
        if sets.note is not None:
            note(sets.note.in_(lang))
    if result.firms is None:
        note(
            said(
                lang, "未提供企业数据（--data 指向含 firm_patents_rd 的文件夹），该部分未运行。",
                "Firms were not given (--data names a folder with firm_patents_rd): this part was not run.",
            )
        )  # fmt: skip
        return
    for slope in result.firms.slopes:
        verdict = said(lang, "相符" if slope.holds else "不符", "holds" if slope.holds else "does not hold")
        supposed = said(lang, f"假定为 {slope.supposed:g}", f"supposed is {slope.supposed:g}")
        note(
            f"{slope.label.in_(lang)}: {slope.slope:.3f} ± {slope.error:.3f} (n = {slope.observations}); {supposed}: {verdict}"
        )
    for remark in result.firms.notes:
        note(remark.in_(lang))


def _write(result: CalibrationResult, out: Path, lang: Language) -> None:
    for language in LANGUAGES:
        render_calibration(
            result, lang=language, out=out, name="calibration" if language == lang else f"calibration.{language}"
        )
    (out / "calibration.md").write_text(calibration_page(result), "utf-8", newline="\n")
    (out / "calibration.json").write_text(
        json.dumps(asdict(result), ensure_ascii=False, indent=1, default=_plain) + "\n", "utf-8", newline="\n"
    )


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    return value.tolist() if isinstance(value, np.ndarray) else str(value)


def _subjects(world: Store, count: int, seed: int) -> list[str]:
    """Return inventions granted by the date, drawn at random; those that had ended are left out by their value of 0."""
    rows = pq.read_table(world.file("patents"), columns=["patent_id", "grant_date", "right_type"]).to_pylist()
    known = [
        r["patent_id"] for r in rows if r["right_type"] == "invention" and r["grant_date"] and r["grant_date"] <= AS_OF
    ]
    order = np.random.default_rng(seed).permutation(len(known))[:count]
    return sorted(known[i] for i in order)


def _real_lives(
    data: Path | None, scratch: Path, engine: Any, book: ParameterBook, progress: Callable[[int, int, int], None]
) -> LifeSet:
    name = Bilingual("中国发明专利（1993–2002 年申请）", "Chinese inventions filed 1993-2002")
    if data is None or not (data / _REAL).is_file():
        return LifeSet(
            name, (), False,
            Bilingual(
                "未提供真实失效数据（--data 指向含 cn_patent_survival 的文件夹），该部分未运行。",
                "Real lapses were not given (--data names a folder with cn_patent_survival): this part was not run.",
            ),
        )  # fmt: skip
    import_files("sheet", [data / _REAL], scratch / "real", consolidate=False)
    store, groups = Store.open(scratch / "real"), _origins(data / _REAL)
    checks = check_lives(
        store, engine, book=book, cuts=_REAL_CUTS, years=_YEARS, groups=groups, group_labels=_ORIGINS, progress=progress
    )
    return LifeSet(
        name, checks, False, hazards=hazards_by_group(store, engine, groups=groups, group_labels=_ORIGINS)
    )  # fmt: skip


def _origins(path: Path) -> dict[str, str]:
    """Return whether the applicant is domestic, by publication number, as the file's column `Chinese` says."""
    with path.open(encoding="utf-8", errors="replace", newline="") as stream:
        return {
            row["pub_num"]: "domestic" if row["Chinese"] == "1" else "foreign"
            for row in csv.DictReader(stream)
            if re.fullmatch(r"CN\d.*", row.get("app_num") or "") and row.get("Chinese") in {"0", "1"}
        }


def _rows(result: CalibrationResult, lang: Language) -> list[dict[str, Any]]:
    found = [
        _row("value", check, row, lang)
        | {
            "p_uniform": _round(check.ranks.p_value),
            "p_ecdf": _round(check.ranks.ecdf.p_value),
            "crps": _round(check.crps),
        }
        for check in result.values
        for row in check.coverage
    ]
    found += [
        _row("model", check, row, lang)
        | {"p_uniform": _round(check.ranks.p_value), "p_ecdf": _round(check.ranks.ecdf.p_value)}
        for check in result.pieces
        for row in check.coverage
    ]
    found += [_life_row(sets, life, lang) for sets in result.lives for life in sets.checks]
    return found + _firm_rows(result.firms, lang)


def _round(value: float | None, digits: int = 4) -> float | None:
    return None if value is None else round(value, digits)


def _row(part: str, check: ValueCheck | PieceCheck | FirmCheck, row: Coverage, lang: Language) -> dict[str, Any]:
    return {
        "part": part, "name": check.name, "label": check.label.in_(lang), "nominal": row.nominal,
        "coverage": _round(row.coverage), "error": _round(row.error), "low": _round(row.low), "high": _round(row.high),
        "verdict": row.verdict(), "count": row.count,
    }  # fmt: skip


def _firm_rows(firms: FirmChecks | None, lang: Language) -> list[dict[str, Any]]:
    found = []
    for check in firms.costs if firms is not None else ():
        label = said(lang, f"单件申请成本（{check.label.zh}）", f"Cost of a filing: {check.label.en}")
        found += [_row("firm", check, row, lang) | {"label": label} for row in check.coverage]
    return found


def _life_row(sets: LifeSet, life: LifeCheck, lang: Language) -> dict[str, Any]:
    """Return a back-test as claimed and realised share of rights that ended."""
    share = Coverage.of(life.ended, life.count, life.mean_predicted)
    line = life.line
    return {
        "part": "life", "name": f"{sets.name.en} {life.cut} +{life.years:g}y",
        "label": said(lang, f"{sets.name.zh} {life.cut} 起 {life.years:g} 年", f"{sets.name.en} {life.cut} +{life.years:g}y"),
        "nominal": _round(share.nominal), "coverage": _round(share.coverage), "error": _round(share.error),
        "low": _round(share.low), "high": _round(share.high), "verdict": share.verdict(), "count": life.count,
        **{f"brier_{name}": _round(score) for name, score in life.brier.items()},
        **{
            name: None if line is None else round(getattr(line, name), 3)
            for name in ("slope", "slope_error", "intercept", "intercept_error")
        },
        "beyond": _round(life.beyond, 3),
    }  # fmt: skip
