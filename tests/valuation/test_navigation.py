"""Navigation on the synthetic world: figures recomputed another way, honest dates, advice that follows its own draws."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from zhirong.cli.main import cli
from zhirong.kernel.errors import DomainError, NotAdmissibleError
from zhirong.kernel.provenance import canonical_json
from zhirong.kernel.text import LANGUAGES
from zhirong.params import load
from zhirong.reports.landscape import build_landscape, render_landscape
from zhirong.reports.landscape_texts import LANDSCAPE_TEXTS, tell
from zhirong.sample import write_world
from zhirong.tables import Store
from zhirong.valuation.flows import last_whole_year
from zhirong.valuation.navigation import Navigation, Scope, ScopeKind, navigate
from zhirong.valuation.navigation.cultivation import fees_ahead
from zhirong.valuation.navigation.survey import (
    concentration_of,
    dependence_of,
    growth_of,
    holders_of,
    share,
)
from zhirong.valuation.used import Used

AS_OF = date(2021, 6, 30)
FIELD = "16"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return write_world(tmp_path_factory.mktemp("navigation") / "world", patent_count=1_500, seed=8)


@pytest.fixture(scope="module")
def mine(world: Store) -> list[str]:
    """Patents of one firm at two offices that are known at the date, and one that is published later."""
    held = [
        r for r in pq.read_table(world.file("patent_parties")).to_pylist() if r["party_id"] == "synthetic-party-00001"
    ]
    patents = {r["patent_id"]: r for r in pq.read_table(world.file("patents")).to_pylist()}
    ids = sorted({r["patent_id"] for r in held if r["role"] != "inventor"})
    known = [p for p in ids if patents[p]["publication_date"] <= AS_OF]
    alive = [p for p in known if patents[p]["legal_status"] != "lapsed" and patents[p]["grant_date"]]
    later = [p for p in ids if patents[p]["publication_date"] > AS_OF]
    chosen = [p for office in ("CN", "US") for p in [a for a in alive if a.startswith(office)][:3]]
    return list(dict.fromkeys([*chosen, *known[:2], later[0]]))


@pytest.fixture(scope="module")
def nav(world: Store, mine: list[str], duckdb_engine) -> Navigation:
    scope = Scope(ScopeKind.PORTFOLIO, tuple(mine))
    return navigate(world, duckdb_engine, scope, as_of=AS_OF, book=load(), draws=400, seed=3)


def test_the_counts_are_those_of_the_store_at_the_date(world: Store, nav: Navigation) -> None:
    assert nav.patents == nav.in_force + nav.pending + nav.dead + nav.status_unknown
    assert sum(nav.growth.counts) + nav.growth.partial[1] + nav.growth.undated == nav.patents
    assert nav.growth.years[-1] == 2020
    assert nav.growth.partial[0] == 2021
    symbols: dict[str, Counter[str]] = {}
    for r in pq.read_table(world.file("classifications")).to_pylist():
        symbols.setdefault(r["patent_id"], Counter())[r["subclass"]] += 1
    main = {p: min(c, key=lambda s, c=c: (-c[s], s)) for p, c in symbols.items()}
    patents = pq.read_table(world.file("patents")).to_pylist()
    published = {r["patent_id"]: r["publication_date"] for r in patents if r["publication_date"] <= AS_OF}
    wanted = {main[p] for p in nav.portfolio}
    years = Counter(day.year for p, day in published.items() if main[p] in wanted)
    assert dict(zip(nav.growth.years, nav.growth.counts, strict=True)) == {y: years[y] for y in nav.growth.years}


def test_white_spots_count_what_the_store_combines(world: Store, nav: Navigation) -> None:
    published = {
        r["patent_id"] for r in pq.read_table(world.file("patents")).to_pylist() if r["publication_date"] <= AS_OF
    }
    held: dict[str, set[str]] = {}
    for r in pq.read_table(world.file("classifications")).to_pylist():
        if r["patent_id"] in published and not r["subclass"].startswith("Y"):
            held.setdefault(r["patent_id"], set()).add(r["subclass"])
    several = [s for s in held.values() if len(s) > 1]
    w = nav.white_spots
    assert w.documents == len(several)
    for i, first in enumerate(w.classes):
        for j, second in enumerate(w.classes):
            assert w.observed[i][j] == sum({first, second} <= s for s in several)
    assert all(s.q <= w.threshold and s.observed < s.expected for s in w.spots)


def test_a_patent_of_the_future_is_named_and_not_valued(nav: Navigation, mine: list[str]) -> None:
    assert nav.portfolio_unknown == (mine[-1],)
    assert {a.patent_id for a in nav.advice} == set(nav.portfolio) == set(mine[:-1])
    assert any(mine[-1] in n.en and mine[-1] in n.zh for n in nav.notes)


def test_advice_follows_its_probability_and_brackets_it(nav: Navigation) -> None:
    low, high = nav.limits
    for a in nav.advice:
        if a.probability is None:
            assert a.action in {"ended", "unknown"}
            continue
        assert a.probability_low <= a.probability <= a.probability_high
        assert 0 <= a.fees_cny <= a.fees_term_cny
        assert a.action == ("keep" if a.probability >= high else "prune" if a.probability <= low else "review")
    assert {"keep"} <= {a.action for a in nav.advice}
    assert {a.patent_id[:2] for a in nav.advice if a.probability is not None} >= {"CN", "US"}


@pytest.mark.slow
def test_the_same_inputs_give_the_same_record(world: Store, nav: Navigation, mine: list[str], duckdb_engine) -> None:
    scope = Scope(ScopeKind.PORTFOLIO, tuple(mine))
    again = navigate(world, duckdb_engine, scope, as_of=AS_OF, book=load(), draws=400, seed=3)
    assert canonical_json(again) == canonical_json(nav)


def test_a_scope_without_patents_is_refused(world: Store, duckdb_engine) -> None:
    with pytest.raises(DomainError, match="no patent known"):
        navigate(world, duckdb_engine, Scope(ScopeKind.CLASS, ("Z99Z",)), as_of=AS_OF, book=load())


def test_reports_exist_in_both_languages_and_say_the_same(nav: Navigation, tmp_path: Path) -> None:
    for lang in LANGUAGES:
        forms = ("html", "pdf", "xlsx") if lang == "zh" else ("html", "xlsx")
        files = render_landscape(nav, lang=lang, out=tmp_path, name=lang, forms=forms)
        assert [p.suffix[1:] for p in files.paths] == list(forms)
        page = files.html.read_text("utf-8")
        assert "{" not in page.split("<body>")[1].split("<svg")[0]
        assert f"{nav.patents:,}" in page
    shapes = [
        [
            (s.anchor, [(b.kind, len(getattr(b, "rows", ()))) for b in s.blocks])
            for s in build_landscape(nav, lang=lang).sections
        ]
        for lang in LANGUAGES
    ]
    assert shapes[0] == shapes[1]
    assert {"growth", "holders", "white", "dependence", "freedom", "gaps", "cultivation"} <= {a for a, _ in shapes[0]}


def test_fixed_texts_name_the_same_fields_in_both_languages() -> None:
    def fields(text: str) -> set[str]:
        return {part.split("}")[0] for part in text.split("{")[1:]}

    for key, text in LANDSCAPE_TEXTS.items():
        assert fields(text.zh) == fields(text.en), key
    assert tell("unknown", "zh") == "未知"


def test_the_command_writes_the_report(world: Store, mine: list[str], tmp_path: Path) -> None:
    listed = tmp_path / "mine.csv"
    with listed.open("w", newline="") as stream:
        csv.writer(stream).writerows([["patent_id"], *[[p] for p in mine[:1]]])
    shared = ["--as-of", str(AS_OF), "--out", str(tmp_path / "out"), "--draws", "200"]
    done = CliRunner().invoke(
        cli, ["navigate", str(world.path), "--field", "4", "--portfolio", str(listed), "--format", "json", *shared]
    )
    assert done.exit_code == 0, done.output
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["landscape.html", "landscape.pdf", "landscape.xlsx"]
    for wrong in ([], ["--field", "4", "--class", "G06N"]):
        refused = CliRunner().invoke(cli, ["navigate", str(world.path), *wrong, *shared])
        assert isinstance(refused.exception, DomainError)


def test_growth_has_an_interval_and_no_stage_where_the_data_do_not_tell() -> None:
    rows = [{"published_year": 2000 + k, "patents": n} for k, n in enumerate([1, 2, 4, 8, 16, 32, 64, 128, 256])]
    early = growth_of(rows, {}, date(2008, 12, 31))
    assert early.stage is None
    assert early.trend.value == pytest.approx(448 / 56)
    assert early.trend.low < 8 < early.trend.high
    full = [1, 3, 8, 20, 45, 90, 130, 150, 130, 90, 45, 20, 8, 3, 1]
    late = growth_of([{"published_year": 2000 + k, "patents": n} for k, n in enumerate(full)], {}, date(2014, 12, 31))
    assert late.stage == "saturation"
    few = growth_of(
        [{"published_year": None, "patents": 3}, {"published_year": 2010, "patents": 2}], {}, date(2012, 5, 5)
    )
    assert (few.undated, few.curve, few.trend.value) == (3, None, None)


def test_a_year_counts_when_it_is_over() -> None:
    assert last_whole_year(date(2020, 12, 31)) == 2020
    assert last_whole_year(date(2020, 12, 30)) == 2019


def owner(name: str, rights: float, recent: float = 0.0, before: float = 0.0) -> dict[str, object]:
    return {
        "owner_id": name, "country": "CN", "patents": round(rights), "in_force": rights, "recent": recent, "before": before,
        "first_year": 2010,
    }  # fmt: skip


def test_concentration_of_equals_and_of_one() -> None:
    equal = concentration_of([owner(str(k), 10.0) for k in range(10)], unowned=2, status_unknown=1, seed=1)
    assert equal.hhi.value == pytest.approx(0.1)
    assert equal.cr4.value == pytest.approx(0.4)
    assert equal.hhi.low <= 0.1 <= equal.hhi.high < 0.2
    alone = concentration_of([owner("a", 7.0)], unowned=0, status_unknown=0, seed=1)
    assert (alone.hhi.value, alone.cr4.value) == (1.0, 1.0)
    few = concentration_of([owner("a", 2.0)], unowned=0, status_unknown=0, seed=1)
    assert few.hhi.low < 0.5 < alone.hhi.low < 1.0 == few.hhi.high  # two rights of one owner say little
    none = concentration_of([owner("a", 0.0)], unowned=5, status_unknown=0, seed=1)
    assert none.hhi.value is None


def test_movement_is_newcombes_difference() -> None:
    (first, _) = holders_of([owner("a", 5.0, 56, 48), owner("b", 4.0, 14, 32)], {"a": "A"}, shown=2)
    assert first.movement.value == pytest.approx(0.2)
    # Newcombe (1998), table II, column (a): 0.0524 to 0.3339 at 95 %; the interval here is that of 90 %.
    assert 0.0524 < first.movement.low < 0.2 < first.movement.high < 0.3339
    assert first.name == "A"


def test_dependence_brackets_what_is_unknown() -> None:
    rights = [{"country": "CN", "rights": 6.0}, {"country": "US", "rights": 2.0}, {"country": None, "rights": 2.0}]
    cites = [
        {"cited_country": "US", "is_adverse": True, "citations": 3}, {"cited_country": "CN", "is_adverse": True, "citations": 1},
        {"cited_country": None, "is_adverse": True, "citations": 5}, {"cited_country": "US", "is_adverse": None, "citations": 9},
    ]  # fmt: skip
    d = dependence_of("CN", rights, cites)
    assert d.rights.value == pytest.approx(0.25)
    assert (d.rights_low, d.rights_high) == pytest.approx((0.2, 0.4))
    assert (d.citations.value, d.citations.count, d.adverse_unknown, d.uncategorised) == (0.75, 4, 5, 9)
    nothing = dependence_of("CN", [], [])
    assert nothing.rights.value is None
    assert share(0, 0).value is None
    assert np.isfinite(share(3, 10).low)


def holding(office: str, **changes) -> SimpleNamespace:
    row = {
        "office": office,
        "right_type": "invention",
        "grant_date": date(2018, 6, 30),
        "filing_date": date(2014, 12, 30),
    }
    base = {"row": row, "age_years": 5.5, "legal_life_years": 14.5, "paid_to_year": 6}
    return SimpleNamespace(**{**base, **changes})


def test_fees_ahead_are_those_of_the_schedule_from_the_next_one_on() -> None:
    background = SimpleNamespace(book=load(), as_of=date(2020, 6, 30))
    used = Used(load(), background.as_of)
    due, fees = fees_ahead(background, holding("CN"), used, office="CN")  # type: ignore[arg-type]
    assert due == pytest.approx(np.arange(0.5, 14.5))
    assert fees.tolist() == [2000.0] * 3 + [4000.0] * 3 + [6000.0] * 3 + [8000.0] * 5
    ahead, _ = fees_ahead(background, holding("CN", paid_to_year=9), used, office="CN")  # type: ignore[arg-type]
    assert ahead[0] == pytest.approx(3.5)
    due, fees = fees_ahead(background, holding("US"), used, office="US")  # type: ignore[arg-type]
    assert due == pytest.approx([1.5, 5.5, 9.5], abs=0.02)
    assert fees == pytest.approx([1600 * 6.8, 3600 * 6.8, 7400 * 6.8])
    abroad, more = fees_ahead(background, holding("CN"), used, office="US")  # type: ignore[arg-type]
    assert abroad[0] == pytest.approx(4.0)  # granted in half a year at the earliest, then three and a half years
    assert more.size == 3


@pytest.mark.parametrize("changes", [{"age_years": None}, {"legal_life_years": None}])
def test_fees_of_an_unknown_life_are_unknown(changes) -> None:
    background = SimpleNamespace(book=load(), as_of=date(2020, 6, 30))
    with pytest.raises(NotAdmissibleError):
        fees_ahead(background, holding("CN", **changes), Used(load(), background.as_of), office="CN")  # type: ignore[arg-type]
    with pytest.raises(NotAdmissibleError):
        fees_ahead(background, holding("JP"), Used(load(), background.as_of), office="JP")  # type: ignore[arg-type]
