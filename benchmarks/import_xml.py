"""Import of USPTO XML v4.5 in bulk, against parsing the same documents with lxml alone, in the same run, in one process each.

The bulk file is made of synthetic documents of the published structure and density of tags, about 100 kB each. Three jobs: lxml parses every
document and does nothing else; our reader turns them into checked Parquet rows; the whole import also merges them into a store.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from common import HERE, exponent, machine, report, run_job, save, versions

sys.path.insert(0, str(HERE.parent / "tests" / "evidence" / "uspto"))
SIZES = (250, 500, 1_000)
REPEATS = 3


def make(folder: Path, count: int) -> Path:
    from uspto_documents import ice

    path = folder / f"bulk-{count}.xml"
    sentence = (
        "The synthetic sensor <b>{0}</b> of the embodiment is coupled to the synthetic module in the manner described, and the "
        "module <b>14</b> reports what the sensor finds to the controller, which decides whether the valve is to be opened. "
    )
    # Paragraphs, bold numerals and references to figures as dense as in the published documents, about one tag in 80 bytes.
    text = "".join(
        f'</p>\n<p id="p-{n:04d}" num="{n:04d}">As in <figref idref="DRAWINGS">FIG. 2</figref>: {sentence.format(n) * 3}'
        for n in range(1, 111)
    )
    with path.open("w", encoding="utf-8") as stream:
        for number in range(count):
            stream.write(ice(9_000_000 + number, citations=60, text=text))
    return path


def job_parse(arguments: argparse.Namespace) -> None:
    from lxml import etree

    from zhirong.evidence.reading import ReadOptions
    from zhirong.evidence.uspto.documents import documents

    path = arguments.data / f"bulk-{arguments.count}.xml"
    pieces = [piece for _, piece in documents(path, None, ReadOptions())]  # type: ignore[arg-type]
    start = time.perf_counter()
    for piece in pieces:
        etree.fromstring(piece, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    report(start, megabytes=path.stat().st_size / 1e6)


def job_read(arguments: argparse.Namespace) -> None:
    from zhirong.evidence.reading import Limits, ReadOptions
    from zhirong.evidence.staging import PartWriter, StagedOutput
    from zhirong.evidence.uspto import UsptoXmlReader
    from zhirong.kernel.findings import FindingLog

    path = arguments.data / f"bulk-{arguments.count}.xml"
    with tempfile.TemporaryDirectory() as folder:
        parts = PartWriter(Path(folder))
        start = time.perf_counter()
        out = StagedOutput("bench", path.name, parts, FindingLog(), Limits())
        UsptoXmlReader().read(path, out, ReadOptions())
        out.close()
        parts.close()
        report(start, records=out.records_read, megabytes=path.stat().st_size / 1e6)


def job_import(arguments: argparse.Namespace) -> None:
    from zhirong.evidence.importing import import_files

    path = arguments.data / f"bulk-{arguments.count}.xml"
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        done = import_files("uspto-xml", [path], Path(folder) / "store")
        report(start, records=done.sources[0].rows_read, megabytes=path.stat().st_size / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--job", choices=("parse", "read", "import"))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--count", type=int, default=SIZES[-1])
    arguments = parser.parse_args()
    if arguments.job:
        {"parse": job_parse, "read": job_read, "import": job_import}[arguments.job](arguments)
        return
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for count in SIZES:
            make(folder, count)
            for job in ("parse", "read", "import"):
                runs = [run_job("import_xml.py", job, folder, "--count", str(count)) for _ in range(REPEATS)]
                best = min(runs, key=lambda r: r["seconds"])
                rows.append({"job": job, "documents": count, **best})
                print(job, count, best, flush=True)

    def of(job: str, count: int = SIZES[-1]) -> dict[str, float]:
        return next(r for r in rows if r["job"] == job and r["documents"] == count)

    record = {
        "machine": machine(),
        "versions": versions("lxml", "pyarrow", "duckdb"),
        "sizes": rows,
        "scaling_exponent": exponent(list(SIZES), [of("read", n)["seconds"] for n in SIZES]),
        "megabytes_per_second": round(of("read")["megabytes"] / of("read")["seconds"], 1),
        "records_per_second": round(of("read")["records"] / of("read")["seconds"], 1),
        "ratios": [
            {"name": "USPTO XML: read into checked rows / lxml parsing alone", "value": round(of("read")["seconds"] / of("parse")["seconds"], 2),
             "aim": 2, "larger_is_better": False},
            {"name": "USPTO XML: whole import with merge / lxml parsing alone", "value": round(of("import")["seconds"] / of("parse")["seconds"], 2),
             "aim": 3, "larger_is_better": False},
        ],
    }  # fmt: skip
    save("import_xml", record)


if __name__ == "__main__":
    main()
