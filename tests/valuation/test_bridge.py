"""The value bridge: exact sums, the engine's own medians at both ends, one cause at a time, Shapley by enumeration, words."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from zhirong.kernel.errors import DomainError, UnknownNameError
from zhirong.kernel.provenance import Grade, Source, canonical_json
from zhirong.params import load
from zhirong.reports.bridge import WaterfallStep, bridge_section, waterfall
from zhirong.reports.formats import money_scale
from zhirong.sample import write_world
from zhirong.tables import Store
from zhirong.valuation import Purpose, prepare, value_patent
from zhirong.valuation.assumptions import spread
from zhirong.valuation.bridge import GROUPS, shapley, value_bridge
from zhirong.valuation.types import Distribution

OLD, NEW = date(2020, 6, 30), date(2021, 6, 30)
DRAWS = 600


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return write_world(tmp_path_factory.mktemp("bridge") / "world", patent_count=2_000, seed=6)


@pytest.fixture(scope="module")
def backgrounds(world: Store, duckdb_engine):
    return tuple(prepare(world, duckdb_engine, as_of=day, book=load()) for day in (OLD, NEW))


def patents(world: Store) -> list[dict]:
    rows = pq.read_table(world.file("patents")).to_pylist()
    return [
        r for r in rows if r["office"] == "CN" and r["right_type"] == "invention" and r["grant_date"]
        and r["grant_date"] < OLD and r["filing_date"] > date(2009, 1, 1)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def alive(world: Store) -> str:
    return next(r["patent_id"] for r in patents(world) if r["legal_status"] == "in_force")


@pytest.fixture(scope="module")
def bridge(world: Store, duckdb_engine, backgrounds, alive: str):
    return value_bridge(
        world, duckdb_engine, alive, OLD, NEW, load(), Purpose.PLEDGE, DRAWS, 4, backgrounds=backgrounds
    )


def test_both_ends_are_the_values_that_the_engine_gives(backgrounds, alive: str, bridge) -> None:
    for background, found in zip(backgrounds, (bridge.old, bridge.new), strict=True):
        value = value_patent(background, alive, purpose=Purpose.PLEDGE, draws=DRAWS, seed=4)
        assert found == value.quantiles


def test_steps_sum_exactly_and_stand_in_order(bridge) -> None:
    assert math.fsum(s.amount for s in bridge.steps) == bridge.change
    assert [s.group for s in bridge.steps] == [*GROUPS, "residual"]
    assert abs(bridge.steps[-1].amount) < 1e-6
    steps = {s.group: s for s in bridge.steps}
    assert steps["time"].amount < 0  # a year of the term is gone
    assert steps["deals"].amount != 0.0  # a year more of sales and licences
    assert all(s.error > 0 for s in bridge.steps if s.amount and s.group != "residual")


def test_the_same_inputs_give_the_same_bridge(world: Store, duckdb_engine, backgrounds, alive: str, bridge) -> None:
    again = value_bridge(
        world, duckdb_engine, alive, OLD, NEW, load(), Purpose.PLEDGE, DRAWS, 4, backgrounds=backgrounds
    )
    assert canonical_json(again) == canonical_json(bridge)


def test_a_new_parameter_is_the_only_cause_of_what_it_changes(
    world: Store, duckdb_engine, backgrounds, alive: str, tmp_path: Path
) -> None:
    """Two backgrounds that differ by one parameter and one day: the rest of the change is a day of time."""
    file = tmp_path / "mine.yaml"
    file.write_text(
        "tax.cn.corporate:\n  label: {zh: 税, en: tax}\n  unit: fraction\n  jurisdiction: CN\n  values:\n"
        "    - {from: 1990-01-01, value: 0.6, source: {title: test, grade: stated}}\n"
    )
    moved = replace(backgrounds[0], book=load(file), as_of=date(2020, 7, 1))
    pair = (backgrounds[0], moved)
    found = value_bridge(
        world, duckdb_engine, alive, OLD, moved.as_of, moved.book, Purpose.PLEDGE, DRAWS, 4, backgrounds=pair
    )
    steps = {s.group: s for s in found.steps}
    assert steps["parameters"].amount < 20 * steps["time"].amount < 0
    # Licences are a day older and the tree is averaged over a day less: a trace of the day is in their groups.
    rest = {g: s.amount for g, s in steps.items() if g not in {"parameters", "time"}}
    assert all(abs(amount) < 0.02 * abs(steps["parameters"].amount) for amount in rest.values()), rest
    assert not any(rest[g] for g in ("events", "revenue", "technology"))
    assert "tax.cn.corporate" in steps["parameters"].reason.en


def test_what_the_user_states_does_not_move(world: Store, duckdb_engine, backgrounds, alive: str) -> None:
    source = Source("stated", Grade.STATED)
    mine = {
        "validity": replace(
            spread("validity", Distribution.TRIANGULAR, {"low": 0.7, "mode": 0.8, "high": 0.9}, source),
            is_overridden=True,
        )
    }
    found = value_bridge(
        world, duckdb_engine, alive, OLD, NEW, load(), Purpose.PLEDGE, DRAWS, 4, mine=mine, backgrounds=backgrounds
    )
    steps = {s.group: s for s in found.steps}
    assert steps["validity"].alone == steps["validity"].amount == 0.0
    assert found.new != found.old


def test_a_right_that_ended_between_ends_by_its_event(world: Store, duckdb_engine, backgrounds) -> None:
    lapsed = next(
        r["patent_id"] for r in patents(world)
        if r["legal_status"] == "lapsed" and OLD < r["legal_status_date"] < NEW
    )  # fmt: skip
    found = value_bridge(
        world, duckdb_engine, lapsed, OLD, NEW, load(), Purpose.TRADE, DRAWS, 4, backgrounds=backgrounds
    )
    steps = {s.group: s for s in found.steps}
    assert found.new[0.5] == 0.0 < found.old[0.5]
    assert math.fsum(s.amount for s in found.steps) == -found.old[0.5]
    assert min(steps.values(), key=lambda s: s.amount).group == "events"
    assert "has ended" in steps["events"].reason.en
    assert "已终止" in steps["events"].reason.zh


def test_the_sentence_names_the_causes_in_both_languages(bridge) -> None:
    assert re.match(r"since 2020-06-30: [+−]\d+\.\d %, because ", bridge.headline.en)
    assert re.match(r"自 2020-06-30 以来：[+−]\d+\.\d %，因为", bridge.headline.zh)
    biggest = max(bridge.steps, key=lambda s: abs(s.amount))
    assert biggest.reason.en in bridge.headline.en
    assert not re.search(r"[a-z]{4,} [a-z]{3,}", bridge.headline.zh)


def test_bad_requests_are_refused(world: Store, duckdb_engine, backgrounds, alive: str) -> None:
    def run(patent: str, a: date, b: date):
        return value_bridge(
            world, duckdb_engine, patent, a, b, load(), Purpose.PLEDGE, DRAWS, 4, backgrounds=backgrounds
        )

    with pytest.raises(DomainError, match="earlier date"):
        run(alive, NEW, OLD)
    with pytest.raises(DomainError, match="backgrounds"):
        run(alive, OLD, date(2022, 1, 1))
    rows = pq.read_table(world.file("patents")).to_pylist()
    later = next(r["patent_id"] for r in rows if OLD < r["publication_date"] < NEW)
    with pytest.raises(UnknownNameError):
        run(later, OLD, NEW)


def test_shapley_is_the_average_over_all_orders() -> None:
    rng = np.random.default_rng(3)
    table = {frozenset(c): rng.normal(size=2) for n in range(5) for c in itertools.combinations("abcd", n)}
    found = shapley("abcd", table.__getitem__)
    for player in "abcd":
        gains = []
        for order in itertools.permutations("abcd"):
            before = frozenset(order[: order.index(player)])
            gains.append(table[before | {player}] - table[before])
        assert found[player] == pytest.approx(np.mean(gains, axis=0))
    assert sum(found.values()) == pytest.approx(table[frozenset("abcd")] - table[frozenset()])


def test_shapley_of_a_sum_is_each_part_and_of_twins_is_equal() -> None:
    parts = {"a": 1.0, "b": -2.0, "c": 0.0}
    found = shapley(list(parts), lambda s: np.array([sum(parts[p] for p in s)]))
    assert {p: float(v[0]) for p, v in found.items()} == pytest.approx(parts)
    twins = shapley(["x", "y"], lambda s: np.array([float(len(s) == 2)]))
    assert float(twins["x"][0]) == float(twins["y"][0]) == 0.5
    assert shapley([], lambda s: np.array([0.0])) == {}


def test_the_section_says_the_same_in_both_languages(bridge) -> None:
    sections = [bridge_section(bridge, lang) for lang in ("zh", "en")]
    assert [b.kind for b in sections[0].blocks] == [b.kind for b in sections[1].blocks]
    for section, lang in zip(sections, ("zh", "en"), strict=True):
        table = next(b for b in section.blocks if b.kind == "table")
        assert len(table.rows) == len(GROUPS) + 1
        assert table.rows[0][0].text == GROUPS["time"].in_(lang)
        chart = next(b for b in section.blocks if b.kind == "chart")
        assert chart.svg.startswith("<svg")
        assert chart.svg != chart.svg_narrow


def test_the_waterfall_is_the_same_bytes_and_escapes_its_words() -> None:
    steps = [
        WaterfallStep("old", 100.0, "100", is_total=True), WaterfallStep("<b>down & out</b>", -160.0, "−160%", error=5.0),
        WaterfallStep("up", 10.0, "+10%"), WaterfallStep("new", -50.0, "−50", is_total=True),
    ]  # fmt: skip
    scale = money_scale([100.0, -50.0], "CNY", "en")
    a, b = (waterfall("w", steps, scale=scale, axis_label="CNY", alt="a <bridge>") for _ in range(2))
    assert a == b
    assert "<b>" not in a
    assert "&lt;b&gt;down" in a
