"""The term sheet in both languages, from a store by the command line."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from zhirong.cli.finance import finance
from zhirong.finance.pledge import Borrower, PledgedRight, PledgeState, shipped_spec, term_sheet
from zhirong.finance.pledge.evidence import _annuity, _open, register_from
from zhirong.finance.pledge.register import Pledge
from zhirong.finance.pledge.serialise import term_sheet_to_dict
from zhirong.params import load
from zhirong.reports.term_sheet import render_term_sheet
from zhirong.sample import write_world
from zhirong.tables import Store, connect
from zhirong.valuation import prepare

DAY = date(2024, 6, 28)


def offer(**changes):
    draws = 6e6 * np.exp(0.4 * np.random.default_rng(0).standard_normal(2_000))
    item = PledgedRight("CN1", "invention", draws, 12.0, is_annuity_paid=True)
    return term_sheet([item], shipped_spec(load(), DAY, **changes), borrower=Borrower((2e6,) * 4))


def test_json_is_plain_and_adds_up() -> None:
    sheet = offer()
    plain = json.loads(json.dumps(term_sheet_to_dict(sheet), allow_nan=False))
    assert sum(p["principal_fen"] for p in plain["payments"]) == sheet.amount.minor
    assert [x["name"] for x in plain["limits"] if x["binds"]] == [sheet.binding.name]
    assert {s["grade"] for s in plain["sources"]} >= {"assumed", "published", "recalled"}


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_pages_show_every_limit_and_covenant(tmp_path: Path, lang) -> None:
    sheet = offer()
    files = render_term_sheet(sheet, lang=lang, out=tmp_path, is_synthetic=True)
    page = files.html.read_text("utf-8")
    for text in (*(x.label for x in sheet.limits), *sheet.covenants, *sheet.warnings):
        assert text.in_(lang).replace("'", "&#39;") in page or text.in_(lang) in page
    assert f"{sheet.amount.to_float():,.0f}" in page
    assert files.pdf.read_bytes().startswith(b"%PDF") and files.xlsx.stat().st_size > 4_000


def test_a_refused_loan_says_why(tmp_path: Path) -> None:
    sheet = offer(months=48)
    page = render_term_sheet(sheet, lang="en", out=tmp_path, forms=("html",)).html.read_text("utf-8")
    assert sheet.amount.minor == 0 and "A term of 48 months" in page


def test_what_records_say() -> None:
    def event(kind: str, day: int) -> dict:
        return {"event_kind": kind, "event_date": date(2020, 1, day)}

    assert _open([], "preserved", ("preservation_released",)) is None
    assert _open([event("preserved", 1)], "preserved", ("preservation_released",)) is True
    assert (
        _open([event("preserved", 1), event("preservation_released", 2)], "preserved", ("preservation_released",))
        is False
    )
    assert (_annuity(5, 4.2), _annuity(4, 4.2), _annuity(2, 4.2), _annuity(None, 4.2)) == (True, None, False, None)
    read = Pledge.read("r", "CN1", "owner", "Bank", DAY)
    assert read.state is PledgeState.REGISTERED and read.priority_date == DAY and read.ceiling is None


@pytest.mark.slow
def test_from_a_store_by_the_command(tmp_path: Path) -> None:
    world = tmp_path / "world"
    write_world(world, patent_count=300, seed=1)
    rows = pq.read_table(world / "patents.parquet").to_pylist()
    name = next(
        r["patent_id"] for r in rows if r["office"] == "CN" and r["right_type"] == "invention" and r["grant_date"]
    )
    arguments = [
        "pledge",
        str(world),
        "--patent",
        name,
        "--as-of",
        "2024-06-30",
        "--draws",
        "2000",
        "--out",
        str(tmp_path / "o"),
    ]
    done = CliRunner().invoke(finance, arguments)
    assert done.exit_code == 0, done.output
    plain = json.loads((tmp_path / "o" / "term_sheet.json").read_text("utf-8"))
    assert plain["is_synthetic"] is True and plain["rights"] == [name] and len(plain["limits"]) == 5
    events = pq.read_table(world / "legal_events.parquet").to_pylist()
    day = date(2024, 6, 30)
    last = {
        e["patent_id"]: e
        for e in sorted(events, key=lambda e: e["event_date"])
        if e["event_kind"].startswith("pledge") and e["event_date"] <= day
    }
    running = {
        p for p, e in last.items() if e["event_kind"] == "pledged" and (e["end_date"] is None or e["end_date"] >= day)
    }
    store = Store.open(world)
    with connect("duckdb") as engine:
        background = prepare(store, engine, as_of=day, book=load())
        register = register_from(background, [r["patent_id"] for r in rows])
    assert {patent for pledge in register.pledges for patent in pledge.patent_ids} == running
    assert len(last) >= 2, "the world has pledges to find"
