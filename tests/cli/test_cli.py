"""The command line as a newcomer meets it: every command on one small world, formats, languages, exit codes, mistakes."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import click
import pyarrow.parquet as pq
import pytest

from zhirong.cli.main import cli

ZHIRONG = Path(sys.executable).parent / "zhirong"


def run(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([str(ZHIRONG), *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == code, f"{arguments}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli") / "world"
    run("sample", path, "--patents", 600, "--seed", 3)
    return path


@pytest.fixture(scope="module")
def indicators(world: Path) -> Path:
    out = world.parent / "indicators.parquet"
    run("indicators", world, "--as-of", "2023-06-30", "--out", out)
    return out


def best(world: Path, indicators: Path) -> str:
    done = run("score", world, "--as-of", "2023-06-30", "--profile", "pledge", "--indicators", indicators, "--top", 1,
               "--format", "json", "--out", world.parent / "scores.parquet")  # fmt: skip
    return json.loads(done.stdout)[0]["patent_id"]


def test_every_command_has_help_with_an_example() -> None:
    def walk(command: click.Command, path: list[str]) -> None:
        help_ = command.get_help(click.Context(command, info_name=" ".join(path)))
        if isinstance(command, click.Group):
            for name, sub in command.commands.items():
                walk(sub, [*path, name])
        elif path[-1] != "demo":
            assert "Example" in help_, path

    walk(cli, ["zhirong"])


def test_the_report_has_its_fixed_files_in_both_languages(world: Path, indicators: Path, tmp_path: Path) -> None:
    patent = best(world, indicators)
    out = tmp_path / "report"
    done = run(
        "value",
        world,
        "--patent",
        patent,
        "--as-of",
        "2023-06-30",
        "--purpose",
        "pledge",
        "--draws",
        2000,
        "--out",
        out,
        "--format",
        "csv",
    )
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert float(row["p5"]) <= float(row["p50"]) <= float(row["p95"])
    assert {p.name for p in out.iterdir()} == {"report.html", "report.pdf", "report.xlsx", "valuation.json"}
    value = json.loads((out / "valuation.json").read_text("utf-8"))
    assert {"quantiles", "as_of", "currency", "assumptions", "provenance"} <= value.keys()
    assert value["as_of"] == "2023-06-30"
    both = tmp_path / "both"
    run(
        "value",
        world,
        "--patent",
        patent,
        "--as-of",
        "2023-06-30",
        "--purpose",
        "trade",
        "--draws",
        500,
        "--out",
        both,
        "--lang",
        "both",
    )
    assert {"report.zh.html", "report.en.pdf"} <= {p.name for p in both.iterdir()}
    assert "合成" in (both / "report.zh.html").read_text("utf-8")


def test_the_same_command_gives_the_same_json(world: Path, indicators: Path, tmp_path: Path) -> None:
    patent = best(world, indicators)
    texts = []
    for name in ("a", "b"):
        run(
            "value",
            world,
            "--patent",
            patent,
            "--as-of",
            "2023-06-30",
            "--purpose",
            "pledge",
            "--draws",
            500,
            "--out",
            tmp_path / name,
        )
        texts.append((tmp_path / name / "valuation.json").read_bytes())
    assert texts[0] == texts[1]


def test_a_patent_in_another_spelling_gives_the_same_json(world: Path, indicators: Path, tmp_path: Path) -> None:
    patent = best(world, indicators)
    rows = pq.read_table(world / "patents.parquet").to_pylist()
    row = next(row for row in rows if row["patent_id"] == patent)
    texts = []
    for name, written in (("a", patent), ("b", f" {row['application_number'].replace('CN', 'ZL').lower()} ")):
        run(
            "value",
            world,
            "--patent",
            written,
            "--as-of",
            "2023-06-30",
            "--purpose",
            "pledge",
            "--draws",
            500,
            "--out",
            tmp_path / name,
        )
        texts.append((tmp_path / name / "valuation.json").read_bytes())
    assert texts[0] == texts[1]


def test_a_portfolio_file(world: Path, indicators: Path, tmp_path: Path) -> None:
    patent = best(world, indicators)
    file = tmp_path / "mine.csv"
    file.write_text(f"patent_id\n{patent}\n", "utf-8")
    run(
        "value",
        world,
        "--portfolio",
        file,
        "--as-of",
        "2023-06-30",
        "--purpose",
        "pledge",
        "--draws",
        500,
        "--out",
        tmp_path / "out",
    )
    assert (tmp_path / "out" / "report.pdf").exists()
    file.write_text("id\nx\n", "utf-8")
    done = run(
        "value",
        world,
        "--portfolio",
        file,
        "--as-of",
        "2023-06-30",
        "--purpose",
        "pledge",
        "--out",
        tmp_path / "o",
        code=2,
    )
    assert "needs a column patent_id; columns: id" in done.stderr
    file.write_text(f"patent_id\n{patent}\n  \n", "utf-8")
    assert (
        "row 3"
        in run(
            "value",
            world,
            "--portfolio",
            file,
            "--as-of",
            "2023-06-30",
            "--purpose",
            "pledge",
            "--out",
            tmp_path / "o",
            code=2,
        ).stderr
    )


def test_catalogue_and_formats_in_both_languages() -> None:
    rows = json.loads(run("catalogue", "--format", "json").stdout)
    assert len(rows) >= 60
    assert "通用性" in run("catalogue", "oecd.generality", "--lang", "zh").stdout
    assert {"uspto-xml", "patentsview", "google-patents", "lens", "epo-ops", "sheet", "judgment", "template"} <= {
        r["format"] for r in json.loads(run("import", "--list", "--format", "json").stdout)
    }
    assert "deals" in run("import", "template", "--list", "--lang", "zh").stdout


def test_importing_reports_bad_rows_and_exits_with_one(tmp_path: Path) -> None:
    file = tmp_path / "清单.csv"
    file.write_text(
        "公开(公告)号,申请号,名称,申请日,授权日,申请(专利权)人,IPC\n"
        "CN109000001B,CN201810000001.2,合成装置,2018-01-02,2020-05-05,合成示例有限公司,H04L9/32\n"
        ",,没有号码的一行,昨天,,,\n",
        "utf-8",
    )
    done = run("import", "sheet", file, "--store", tmp_path / "store", code=1)
    assert "row" in done.stderr
    checked = run("check", tmp_path / "store", "--format", "json", code=1)
    assert any(r["where"] == "patents.patent_id" for r in json.loads(checked.stdout))
    template = tmp_path / "deals.csv"
    run("import", "template", "deals", "--write", template)
    assert template.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "nowhere"], "no evidence store"),
        (["import", "usptoxml", "x.xml", "--store", "s"], "uspto-xml"),
        (["import", "sheet", "--store", "s"], "at least one PATH"),
        (["import", "sheet", "nothere.csv", "--store", "s"], "no file at"),
        (["catalogue", "oecd.generalty"], "did you mean: oecd.generality"),
        (["value", "s", "--as-of", "2024-06-30", "--purpose", "pledge", "--out", "o"], "--patent"),
        (["value", "s", "--patent", "X", "--as-of", "30.6.2024", "--purpose", "pledge", "--out", "o"], "allowed: YYYY-MM-DD"),
        (["score", "s", "--as-of", "2024-06-30", "--profile", "pledge", "--out", "o"], "no evidence store"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line_and_exit_code_two(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in run(*arguments, code=2).stderr


def test_an_unknown_patent_is_named(world: Path, tmp_path: Path) -> None:
    done = run(
        "value",
        world,
        "--patent",
        "CN1",
        "--as-of",
        "2023-06-30",
        "--purpose",
        "pledge",
        "--out",
        tmp_path / "o",
        code=2,
    )
    assert "CN1" in done.stderr


def test_names_are_linked(world: Path) -> None:
    (row,) = json.loads(run("link", world, "--format", "json").stdout)
    assert row["party_count"] >= row["cluster_count"] > 0


def test_a_share_of_a_patent_is_applied_and_a_wrong_one_refused(world: Path, indicators: Path, tmp_path: Path) -> None:
    patent = best(world, indicators)
    asked = ("--as-of", "2023-06-30", "--purpose", "pledge", "--draws", 200, "--format", "json")
    medians = []
    for name, weight in (("whole", ""), ("half", "0.5"), ("percent", "50%")):
        file = tmp_path / f"{name}.csv"
        file.write_text(f"patent_id,weight\n{patent},{weight}\n", "utf-8")
        run("value", world, "--portfolio", file, *asked, "--out", tmp_path / name)
        medians.append(json.loads((tmp_path / name / "valuation.json").read_text("utf-8"))["quantiles"]["0.5"])
    assert medians[1] == pytest.approx(medians[0] / 2, abs=0.02)
    assert medians[2] == medians[1]
    wrong = tmp_path / "wrong.csv"
    wrong.write_text(f"patent_id,weight\n{patent},-3\n", "utf-8")
    done = run("value", world, "--portfolio", wrong, *asked, "--out", tmp_path / "wrong", code=2)
    assert "row 2, column weight: '-3'" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("sample", "{tmp}/w", "--patents", "5"), "x>=100"),
        (("link", "{world}", "--threshold", "7"), "above 0 and below 1"),
        (("link", "{world}", "--threshold", "nan"), "above 0 and below 1"),
        (
            ("indicators", "{world}", "--as-of", "2023-06-30", "--memory", "lots", "--out", "{tmp}/i.parquet"),
            "e.g. 6GB",
        ),
        (("import", "template", "deals", "--write", "{tmp}/there.csv"), "is there already"),
        (("import", "template", "deals", "--write", "/proc/nothing/x.csv"), "error [io]"),
        (
            ("value", "{world}", "--patent", "CN1", "--as-of", "2023-06-30", "--purpose", "pledge", "--out", "{tmp}/o"),
            "CN1",
        ),
    ],
)
def test_mistakes_end_in_one_line_and_exit_code_2(
    world: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    (tmp_path / "there.csv").write_text("filled", "utf-8")
    done = run(*(a.format(tmp=tmp_path, world=world) for a in arguments), code=2)
    assert message in done.stderr
    assert (tmp_path / "there.csv").read_text("utf-8") == "filled"


def test_what_people_read_is_in_the_language_asked_for_and_what_programs_read_is_not(
    world: Path, indicators: Path, tmp_path: Path
) -> None:
    asked = ("score", world, "--as-of", "2023-06-30", "--profile", "pledge", "--indicators", indicators, "--top", 1)
    shown = run(*asked, "--lang", "zh", "--out", tmp_path / "a.parquet")
    assert "等级" in shown.stdout
    assert "已写出" in shown.stderr
    plain = run(*asked, "--lang", "zh", "--format", "json", "--out", tmp_path / "b.parquet")
    assert "grade" in json.loads(plain.stdout)[0]


def test_a_day_outside_what_the_store_knows_is_told(world: Path, tmp_path: Path) -> None:
    late = run("score", world, "--as-of", "2031-01-01", "--profile", "pledge", "--out", tmp_path / "late.parquet")
    assert "newest fact of the store" in late.stderr
    early = run("score", world, "--as-of", "1950-01-01", "--profile", "pledge", "--out", tmp_path / "early.parquet")
    assert "no patent of the store was known at 1950-01-01" in early.stderr
    assert "no patent" not in late.stderr


def test_calibration_lists_what_was_claimed_and_what_was_found(tmp_path: Path) -> None:
    done = run("validate", "--patents", 1500, "--subjects", 60, "--replicates", 20, "--seed", 2, "--format", "json",
               "--out", tmp_path / "c")  # fmt: skip
    rows = json.loads(done.stdout)
    assert {row["part"] for row in rows} == {"value", "model", "life"}
    assert all(0 < row["nominal"] < 1 and 0 <= row["coverage"] <= 1 and row["count"] > 0 for row in rows)
    assert "this part was not run" in done.stderr
    assert (tmp_path / "c" / "calibration.pdf").read_bytes().startswith(b"%PDF")
    assert "校准证明" in (tmp_path / "c" / "calibration.zh.html").read_text("utf-8")
    assert json.loads((tmp_path / "c" / "calibration.json").read_text("utf-8"))["seed"] == 2


def test_what_moved_a_value_is_told_drawn_and_adds_up(world: Path, indicators: Path, tmp_path: Path) -> None:
    patent = best(world, indicators)
    done = run("value", world, "--patent", patent, "--as-of", "2023-06-30", "--since", "2022-06-30", "--purpose", "trade",
               "--draws", 400, "--lang", "zh", "--out", tmp_path / "v")  # fmt: skip
    assert f"{patent}: 自 2022-06-30 以来" in done.stderr
    bridge = json.loads((tmp_path / "v" / "valuation.json").read_text("utf-8"))["bridge"]
    moved = sum(step["amount"] for step in bridge["steps"])
    assert moved == pytest.approx(bridge["new"]["0.5"] - bridge["old"]["0.5"], abs=0.1)
    assert bridge["steps"][0]["reason"]["zh"] in (tmp_path / "v" / "report.html").read_text("utf-8")


def test_labels_are_learned_and_the_card_says_how_little_that_explains(world: Path, tmp_path: Path) -> None:
    done = run(
        "learn", world, "--as-of", "2023-06-30", "--label", "renewals", "--out", tmp_path / "m", "--format", "json"
    )
    (row,) = json.loads(done.stdout)
    assert row["count"] > 100
    assert "PatVal" in (tmp_path / "m" / "card.en.md").read_text("utf-8")
    assert (tmp_path / "m" / "card.zh.md").is_file()
