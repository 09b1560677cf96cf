"""Movements at a date: court outcomes in a dated window, classes that overtake, and how far they move an assumption."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from indicator_worlds import tables
from zhirong.indicators import Context, evidence_at
from zhirong.kernel.provenance import Grade, Source
from zhirong.numerics.betabinomial import BetaRate, shrunk_rates
from zhirong.numerics.bursts import Burst
from zhirong.numerics.substitution import fit_fisher_pry
from zhirong.params import load
from zhirong.reports.landscape_movement import movement_section
from zhirong.valuation.assumptions import spread
from zhirong.valuation.movement import (
    ClassMovement,
    LawMovement,
    Movement,
    law_movement,
    movement_of,
    outcomes,
)
from zhirong.valuation.moving import with_movement
from zhirong.valuation.types import Distribution
from zhirong.valuation.used import Used

AS_OF = date(2020, 6, 30)
SOURCE = Source("base", Grade.ASSUMED, title_zh="基准")


def case(number: int, patent: str, court: str, outcome: str | None, decided: date, published: date | None = None):
    return {
        "case_id": f"c{number}", "patent_id": patent, "court": court, "outcome": outcome, "decided_date": decided,
        "filed_date": date(2015, 1, 1), "published_date": published, "source_id": "s",
    }  # fmt: skip


CASES = [
    case(1, "P1", "A", "maintained", date(2019, 5, 1)),
    case(2, "P1", "A", "partially_invalidated", date(2018, 5, 1)),
    case(3, "P2", "B", "invalidated", date(2017, 5, 1)),
    case(4, "P2", "B", "invalidated", date(2015, 6, 30)),  # the first day that is too old
    case(5, "P2", "B", "maintained", date(2019, 5, 1), date(2020, 7, 1)),  # published a day too late
    case(6, "P3", "A", "infringed", date(2020, 6, 30)),
    case(7, "P3", "A", "not_infringed", date(2016, 1, 1)),
    case(8, "P1", "A", "settled", date(2019, 1, 1)),
    case(9, "P1", "A", None, date(2019, 1, 1)),
]


def test_outcomes_count_in_the_window_and_when_they_were_known(engine) -> None:
    patents = [
        {"patent_id": p, "office": "CN", "publication_date": date(2012, 1, 1), "source_id": "s"}
        for p in ("P1", "P2", "P3")
    ]
    evidence = dict(evidence_at(tables(engine, {"patents": patents, "cases": CASES}), AS_OF))
    evidence["@fields"] = engine.facts(pa.table({"patent_id": ["P1", "P2"], "technology_field": [4, 6]}))
    law = law_movement(outcomes(evidence), Context(AS_OF, engine), window_years=5)
    assert law.from_date == date(2015, 6, 30)
    assert law.cases == 5
    assert {k: r.cases for k, r in law.validity_by_field.items()} == {"4": 2.0, "6": 1.0}
    assert {k: r.cases for k, r in law.validity_by_court.items()} == {"A": 2.0, "B": 1.0}
    assert {k: r.cases for k, r in law.infringement_by_field.items()} == {"unknown": 2.0}
    assert law.validity_by_field["4"].mean > law.validity_by_field["6"].mean
    assert all(r.low < r.mean < r.high for r in law.validity_by_field.values())


def moving(**changes) -> ClassMovement:
    base = ClassMovement(
        main_class="G06N", publications=400, excess_growth=0.2, excess_growth_se=0.04, curve=None, bursts=(),
        first_year=2000, last_year=2019, citations=950, newer_share=0.3, substitution=None,
    )  # fmt: skip
    return replace(base, **changes)


def laid(mine: ClassMovement, *, rates: tuple[BetaRate, BetaRate] | None = None, assumptions=None):
    now, ever = (
        LawMovement(date(2015, 6, 30), AS_OF, {"4": rate} if rate else {}, {}, {}, {}, 0)
        for rate in rates or (None, None)
    )
    movement = Movement(AS_OF, {"G06N": mine}, {}, 0.1, now, ever)
    subject = SimpleNamespace(class_symbol="G06N3/08", field=4)
    used = Used(load(), AS_OF)
    base = assumptions or {
        "growth": spread("growth", Distribution.NORMAL, {"mean": 0.05, "sd": 0.06}, SOURCE),
        "economic_life": spread(
            "economic_life", Distribution.WEIBULL_RESIDUAL, {"shape": 2.0, "scale": 12.0, "age": 3.0}, SOURCE
        ),
        "validity": spread("validity", Distribution.BETA, {"a": 9.0, "b": 1.0}, SOURCE),
    }
    found = with_movement(movement, subject, base, used, tested=0.3)  # type: ignore[arg-type]
    return base, found, used


def test_growth_is_weighed_by_precision_as_two_normals_are() -> None:
    _, found, used = laid(moving())
    seen, var = 0.05 + 0.25 * 0.2, (0.25 * 0.04) ** 2 + 0.08**2
    precision = 1 / 0.06**2 + 1 / var
    assert found["growth"].parameters["mean"] == pytest.approx((0.05 / 0.06**2 + seen / var) / precision)
    assert found["growth"].parameters["sd"] == pytest.approx(precision**-0.5)
    assert "G06N" in found["growth"].source.title
    assert "G06N" in found["growth"].source.title_in("zh")
    assert "movement.growth_pass_through" in used.versions


def test_life_shortens_with_citations_from_faster_classes_as_far_as_they_are_many() -> None:
    base, found, _ = laid(moving())
    share = (50 * 0.1 + 950 * 0.3) / 1000
    assert found["economic_life"].parameters["scale"] == pytest.approx(12.0 * np.exp(-0.5 * (share - 0.1)))
    _, few, _ = laid(moving(citations=1, newer_share=1.0))
    assert 11.7 < few["economic_life"].parameters["scale"] < 12.0
    _, same, _ = laid(moving(newer_share=0.1))
    assert same["economic_life"].parameters["scale"] == pytest.approx(12.0)
    assert base["economic_life"].parameters["scale"] == 12.0


def test_validity_follows_recent_tests_of_the_field_against_all_of_them() -> None:
    """A field that keeps what it always kept moves nothing; else by the chance of a test times the change, and no wider."""
    ever = BetaRate(50.0, 50.0, 100.0, 0.5, 0.05, 0.4, 0.6, 0.9)
    for won, lost in ((90.0, 10.0), (50.0, 50.0), (10.0, 90.0)):
        now = BetaRate(won, lost, won + lost, won / 100, 0.03, 0.0, 1.0, 0.9)
        base, found, _ = laid(moving(), rates=(now, ever))
        p = found["validity"].parameters
        mean = p["a"] / (p["a"] + p["b"])
        assert mean == pytest.approx(min(0.9 * (1 - 0.3 * lost / 100) / (1 - 0.3 * 0.5), 0.999))
        assert p["a"] + p["b"] == pytest.approx(10.0)
        if won == lost:
            assert p == pytest.approx(base["validity"].parameters)
        assert "field 4" in found["validity"].source.title


def test_what_is_unknown_moves_nothing() -> None:
    base, found, _ = laid(moving(excess_growth=None, excess_growth_se=None, newer_share=None))
    assert found == base
    stated = {"growth": spread("growth", Distribution.TRIANGULAR, {"low": 0.0, "mode": 0.1, "high": 0.2}, SOURCE)}
    base, found, _ = laid(moving(), assumptions=stated)
    assert found == base


def test_a_class_that_overtakes_takes_the_citations_of_the_older(duckdb_engine) -> None:
    """Two classes: one stands still, the other doubles; what cites the old one comes more and more from the new one."""
    rng = np.random.default_rng(5)
    rows: dict[str, list] = {"patents": [], "classifications": [], "citations": []}
    old_ids: list[str] = []
    for year in range(2008, 2020):
        for name, count in (("A01B", 40), ("G06N", int(4 * 1.5 ** (year - 2008)))):
            for k in range(count):
                p = f"CN{name}{year}{k}"
                rows["patents"].append(
                    {"patent_id": p, "office": "CN", "publication_date": date(year, 6, 1), "right_type": "invention",
                     "source_id": "s"}
                )  # fmt: skip
                rows["classifications"].append(
                    {"patent_id": p, "scheme": "ipc", "symbol": f"{name}1/00", "subclass": name, "main_group": "1",
                     "sequence": 1, "source_id": "s"}
                )  # fmt: skip
                if old_ids and (name == "A01B" or k % 4 == 0):
                    rows["citations"].append(
                        {
                            "citing_id": p,
                            "cited_id": str(rng.choice(old_ids)),
                            "citing_date": date(year, 6, 1),
                            "source_id": "s",
                        }
                    )
                if name == "A01B":
                    old_ids.append(p)
    evidence = evidence_at(tables(duckdb_engine, rows), AS_OF)
    background = SimpleNamespace(as_of=AS_OF, engine=duckdb_engine, tables=evidence, book=load())
    found = movement_of(background, classes=["A01B", "G06N"])  # type: ignore[arg-type]
    old, new = found.classes["A01B"], found.classes["G06N"]
    assert old.last_year == 2019
    assert old.excess_growth < 0 < new.excess_growth
    assert old.newer_share > 0.3
    assert old.substitution is not None
    assert old.substitution.is_rising
    assert new.citations == 0
    assert new.newer_share is None
    assert old.curve is not None
    only = movement_of(background, classes=["A01B", "Z99Z"])  # type: ignore[arg-type]
    assert list(only.classes) == ["A01B"]
    assert only.classes["A01B"] == old


def test_the_section_shows_what_moves_and_what_is_unknown() -> None:
    years = np.arange(2010.0, 2020.0)
    n = np.full(10, 50.0)
    rising = fit_fisher_pry(years, n / (1 + np.exp(-0.4 * (years - 2016))), n)
    falling = fit_fisher_pry(years, n / (1 + np.exp(0.4 * (years - 2016))), n)
    classes = {
        "G06N": moving(substitution=rising, bursts=(Burst(1, 3, 5, 2.0),)),
        "A01B": moving(main_class="A01B", substitution=falling, excess_growth=-0.3, citations=0, newer_share=None),
        "H04L": moving(main_class="H04L", excess_growth=None, excess_growth_se=None),
    }
    rates = shrunk_rates({"4": (6.0, 2.0), "unknown": (1.0, 3.0)})
    law = LawMovement(date(2015, 6, 30), AS_OF, rates, shrunk_rates({"X & Y": (7.0, 5.0)}), {}, {}, 12)
    for lang, unknown in (("zh", "未知"), ("en", "unknown")):
        section = movement_section(Movement(AS_OF, classes, classes, 0.1, law, law), lang)
        table = section.blocks[0]
        assert [row[0].text for row in table.rows] == ["G06N", "A01B", "H04L"]
        assert table.rows[0][4].text == "2003–2005"
        assert (table.rows[1][5].text, table.rows[2][2].text) == (unknown, unknown)
        assert table.rows[0][6].text != table.rows[1][6].text
        charts = [b for b in section.blocks if b.kind == "chart"]
        assert [c.name for c in charts] == ["validity"]
        assert "X &amp; Y" in charts[0].svg
    silent = LawMovement(AS_OF, AS_OF, {}, {}, {}, {}, 0)
    none = movement_section(Movement(AS_OF, {}, {}, None, silent, silent), "en")
    assert [b.kind for b in none.blocks] == ["paragraph"]
