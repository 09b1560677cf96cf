"""Run the commands of the product over the real data beside the project and write the outcome as a page of the documentation.

Needs the folder of real data (``--data``); nothing of it is copied: the page holds counts and quantiles, and links to sources.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "replications" / "real-data-run.md"
ZHIRONG = str(Path(sys.executable).parent / "zhirong")


def run(*arguments: str) -> list[dict]:
    """Run a command; exit code 1 means that findings were made, and is no failure."""
    done = subprocess.run([ZHIRONG, *arguments, "--format", "json"], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"zhirong {' '.join(arguments)}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def table(head: list[str], rows: list[list[object]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join("" if c is None else str(c) for c in row) + " |" for row in rows] + [""]


def imports(data: Path, work: Path) -> list[str]:
    plan = [
        ("USPTO full text, every bulk format", "uspto_xml_samples", ["auto", str(data / "uspto_xml_samples")]),
        ("USPTO public search records", "uspto_ppubs", ["auto", str(data / "uspto_ppubs")]),
        (
            "USPTO assignments and pledges",
            "uspto_assignments",
            ["auto", str(data / "uspto_assignments" / "assignments.csv")],
        ),
        (
            "Chinese applications with legal dates",
            "cn_patent_survival",
            ["sheet", str(data / "cn_patent_survival" / "sample_cleaned_sample.csv")],
        ),
        ("Chinese titles and abstracts", "cn_patent_text", ["auto", str(data / "cn_patent_text")]),
        ("IPC titles", "ipc_titles", ["auto", str(data / "ipc_titles")]),
    ]
    lines = ["## Imported", ""]
    rows: list[list[object]] = []
    for label, folder, arguments in plan:
        rows += [
            [label, f"`{s['file']}`", s["format"], s["rows_read"], s["rows_refused"], s["row_counts"]]
            for s in run("import", *arguments, "--store", str(work / folder))
        ]
    return lines + table(["set", "file", "reader", "records", "refused", "rows written"], rows)


def indicated(work: Path) -> list[str]:
    lines = ["## Indicated and scored", ""]
    rows: list[list[object]] = []
    for folder, as_of in (
        ("uspto_ppubs", "2020-06-30"),
        ("cn_patent_survival", "2017-08-25"),
        ("uspto_xml_samples", "2016-12-31"),
    ):
        out = work / f"{folder}.parquet"
        found = run("indicators", str(work / folder), "--as-of", as_of, "--out", str(out))
        known = sum(1 for row in found if row["known"])
        scored = run(
            "score",
            str(work / folder),
            "--as-of",
            as_of,
            "--profile",
            "pledge",
            "--indicators",
            str(out),
            "--out",
            str(work / "s.parquet"),
        )
        best = scored[0] if scored else {}
        rows.append([f"`{folder}`", as_of, found[0]["patents"], len(found), known, best.get("patent_id"), best.get("score"),
                     f"{best['score_low']:.0f}–{best['score_high']:.0f}" if best else None, best.get("coverage")])  # fmt: skip
    head = [
        "set",
        "as of",
        "patents",
        "indicators",
        "with a value for some patent",
        "best patent",
        "score",
        "interval",
        "coverage",
    ]
    lines += table(head, [[f"{c:.3g}" if isinstance(c, float) else c for c in row] for row in rows])
    return lines


def valued(work: Path) -> list[str]:
    lines = ["## Valued", ""]
    rows: list[list[object]] = []
    for folder, patents, as_of in (
        ("uspto_ppubs", ["US6103599"], "2010-06-30"),
        ("uspto_xml_samples", ["US8930553", "US7272630"], "2016-12-31"),
        ("cn_patent_survival", _granted(work / "cn_patent_survival"), "2012-06-30"),
    ):
        for patent in patents:
            out = work / "value" / patent
            run(
                "value",
                str(work / folder),
                "--patent",
                patent,
                "--as-of",
                as_of,
                "--purpose",
                "pledge",
                "--out",
                str(out),
            )
            value = json.loads((out / "valuation.json").read_text("utf-8"))
            q = value["quantiles"]
            used = ", ".join(f"{m['method']} {m['weight']:.2f}" for m in value["methods"])
            refused = "; ".join(
                f"{a['method']}: {a['reasons'][0]['en']}" for a in value["admissibility"] if not a["is_admissible"]
            )
            rows.append(
                [
                    f"`{folder}`",
                    patent,
                    as_of,
                    f"{q['0.05']:,.0f}",
                    f"{q['0.5']:,.0f}",
                    f"{q['0.95']:,.0f}",
                    used,
                    refused,
                ]
            )
    lines += table(
        ["set", "patent", "as of", "5 %, CNY", "median, CNY", "95 %, CNY", "methods and weights", "refused, and why"],
        rows,
    )
    return lines


def _granted(store: Path) -> list[str]:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    patents = pq.read_table(store / "patents.parquet", columns=["patent_id", "grant_date", "filing_date"])
    granted = patents.filter(
        pc.and_(pc.is_valid(patents["grant_date"]), pc.greater(pc.year(patents["filing_date"]), 2000))
    )
    return granted.sort_by("patent_id")["patent_id"].slice(5, 1).to_pylist()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    data = parser.parse_args().data
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        lines = [
            "# Replications: one run over real data",
            "",
            "Written by `tools/replicate.py` from real, published records: imported, indicated, scored and valued by the same",
            "commands that a user runs. Where the records hold no revenue of the owner, relief from royalty is refused, and the",
            "value rests on the survey prior (and on renewals where fees and lapses are known): the interval is as wide as that",
            "evidence, and the report says so.",
            "",
            *imports(data, work),
            *indicated(work),
            *valued(work),
        ]
    PAGE.write_text("\n".join(lines), "utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
