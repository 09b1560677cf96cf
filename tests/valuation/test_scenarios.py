"""Scenario trees: sums to one, the draws against the closed form, cases counted as known at the date."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from zhirong.kernel.errors import DomainError
from zhirong.kernel.provenance import Grade
from zhirong.params import load
from zhirong.sample import write_world
from zhirong.tables import Store
from zhirong.valuation import prepare
from zhirong.valuation.assumptions import levels_of
from zhirong.valuation.background import Background
from zhirong.valuation.case_evidence import CaseEvidence, case_evidence, last_decisions
from zhirong.valuation.inputs import default_assumptions
from zhirong.valuation.scenarios import (
    ScenarioTree,
    scenario_tree,
    validity_assumption,
)
from zhirong.valuation.subject import Subject, describe
from zhirong.valuation.used import Used

AS_OF = date(2020, 6, 30)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return write_world(tmp_path_factory.mktemp("scenario") / "world", patent_count=3_000, seed=5)


@pytest.fixture(scope="module")
def background(world: Store, duckdb_engine) -> Background:
    return prepare(world, duckdb_engine, as_of=AS_OF, book=load())


@pytest.fixture(scope="module")
def evidence(background: Background) -> CaseEvidence:
    return case_evidence(background)


@pytest.fixture(scope="module")
def subject(background: Background, world: Store) -> Subject:
    cases = pq.read_table(world.file("cases"))
    names = cases.filter(pc.less(cases["decided_date"], date(2018, 1, 1)))["patent_id"].to_pylist()
    return describe(background, names[:1])[0]


@pytest.fixture(scope="module")
def used(background: Background) -> Used:
    return Used(background.book, AS_OF)


@pytest.fixture(scope="module")
def tree(background: Background, evidence: CaseEvidence, subject: Subject, used: Used) -> ScenarioTree:
    return scenario_tree(replace(background, cases=evidence), subject, used)


def test_cases_are_those_decided_by_the_date(background: Background, evidence: CaseEvidence, world: Store) -> None:
    rows = pq.read_table(world.file("cases")).to_pylist()
    known = [r for r in rows if (r["published_date"] or r["decided_date"]) <= AS_OF]
    tests = [r for r in known if r["outcome"] in ("maintained", "partially_invalidated", "invalidated")]
    suits = [r for r in known if r["outcome"] in ("infringed", "not_infringed")]
    assert 0 < len(tests) < len([r for r in rows if r["cause"] == "validity"])
    won, tested = evidence.survives.counts[()]
    assert tested == len(tests)
    assert won == sum(r["outcome"] != "invalidated" for r in tests)
    assert evidence.wins.counts[()] == (sum(r["outcome"] == "infringed" for r in suits), len(suits))
    assert evidence.partial[0] == sum(r["outcome"] == "partially_invalidated" for r in tests)
    assert evidence.is_synthetic
    # By court too, summed over everything below.
    for court in {r["court"] for r in suits}:
        mine = [r for r in suits if r["court"] == court]
        assert evidence.wins.counts[(court,)] == (sum(r["outcome"] == "infringed" for r in mine), len(mine))


def test_every_node_has_an_interval_a_source_and_its_counts(tree: ScenarioTree) -> None:
    assert len(tree.nodes) == 9
    for node in tree.nodes.values():
        assert 0 <= node.low < node.mean < node.high <= 1
        assert node.source.title
        assert node.label.zh != node.label.en
    survives = tree.nodes["survives"]
    assert survives.levels[0].level == "all"
    assert survives.levels[0].tested > survives.cases
    assert survives.source.grade is Grade.SYNTHETIC
    assert survives.source.dated == AS_OF
    assert str(AS_OF) in str(survives.source.title_zh)
    assert tree.nodes["design_around"].source.grade is Grade.ASSUMED


@pytest.mark.parametrize("years", [0.0, 0.5, 3.0, 15.0])
def test_leaves_sum_to_one_and_their_mean_is_the_closed_form(tree: ScenarioTree, years: float) -> None:
    leaves = tree.leaves(years)
    assert len(leaves) == 24
    assert sum(leaf.probability for leaf in leaves) == pytest.approx(1.0, abs=1e-12)
    mean = sum(leaf.probability * leaf.factor for leaf in leaves)
    assert mean == pytest.approx(float(tree.expected(np.array([years]))[0]), rel=1e-12)
    if years == 0:
        assert mean == pytest.approx(1.0)


def test_the_draws_have_the_expectation_of_their_own_inputs(tree: ScenarioTree) -> None:
    count, periods = 60_000, 12
    factors = tree.factors(seed=3, count=count, periods=periods, first_period_years=0.5)
    assert (np.diff(factors, axis=1) <= 0).all()
    assert factors.max() <= 1
    assert factors.min() >= 0
    # The closed form in each draw's own numbers, averaged: an answer that the event times never entered.
    x = tree.draws(seed=3, count=count)
    t = np.r_[0.25, 1.0 + np.arange(periods - 1)]
    left = {
        "challenge": x["survives"] * (1 - x["partial"] * (1 - x["left_partial"])),
        "infringement": x["wins"] + (1 - x["wins"]) * x["left_not_infringed"],
        "design_around": x["left_designed_around"],
    }
    exact = np.prod([1 - (1 - (1 - x[n][:, None]) ** t) * (1 - share[:, None]) for n, share in left.items()], axis=0)
    se = factors.std(axis=0) / np.sqrt(count)
    assert (np.abs(factors.mean(axis=0) - exact.mean(axis=0)) < 4 * se).all()
    # And the closed form at the means is near: the tree is nearly linear in its uncertain numbers.
    np.testing.assert_allclose(tree.expected(t), exact.mean(axis=0), atol=0.02)


def test_a_tree_is_its_seed_and_blocks_do_not_matter(tree: ScenarioTree) -> None:
    whole = tree.factors(seed=1, count=400, periods=5)
    np.testing.assert_array_equal(whole[:100], tree.factors(seed=1, count=100, periods=5))
    assert (whole != tree.factors(seed=2, count=400, periods=5)).any()


def test_a_named_court_differs_from_courts_at_large(
    background: Background, evidence: CaseEvidence, subject: Subject, used: Used, tree: ScenarioTree
) -> None:
    courts = sorted(key[0] for key in evidence.wins.counts if len(key) == 1)
    assert len(courts) >= 2
    there = scenario_tree(replace(background, cases=evidence), subject, used, courts={"infringement": courts[0]})
    assert there.nodes["wins"].levels[1].level == "court"
    assert there.nodes["wins"].levels[1].group == courts[0]
    assert there.nodes["wins"].mean != tree.nodes["wins"].mean
    nowhere = scenario_tree(
        replace(background, cases=evidence), subject, used, courts={"infringement": "a court never seen"}
    )
    assert nowhere.nodes["wins"].cases == 0
    assert nowhere.nodes["wins"].high - nowhere.nodes["wins"].low > 0


def test_one_chance_for_the_whole_flow(
    background: Background, subject: Subject, used: Used, tree: ScenarioTree
) -> None:
    life = default_assumptions(background, subject, used)["economic_life"]
    short = validity_assumption(tree, rate=0.14, life=life, legal_life_years=2.0, seed=1)
    long = validity_assumption(tree, rate=0.14, life=life, legal_life_years=18.0, seed=1)

    def mean(item) -> float:
        return float(levels_of(item, (np.arange(2_000) + 0.5) / 2_000).mean())

    assert 0 < mean(long) < mean(short) < 1
    assert short.name == "validity"
    assert str(int(tree.nodes["survives"].levels[0].tested + tree.nodes["wins"].levels[0].tested)) in short.source.title


def test_no_horizon_before_the_date(tree: ScenarioTree) -> None:
    with pytest.raises(DomainError, match="0 or more"):
        tree.leaves(-1)


def test_an_appeal_takes_the_place_of_what_it_reviews(engine, tmp_path: Path) -> None:
    rows = [  # right, case, parties, decided, outcome
        ("P1", "a1", "A", "B", date(2018, 1, 1), "infringed"),
        ("P1", "a2", "B", "A", date(2019, 1, 1), "not_infringed"),
        ("P1", "b1", "A", "C", date(2018, 6, 1), "infringed"),
        ("P2", "c1", None, None, date(2018, 1, 1), "infringed"),
        ("P2", "c2", None, "B", date(2019, 1, 1), "infringed"),
    ]
    names = ("patent_id", "case_id", "plaintiff", "defendant", "decided_date", "outcome")
    table = pa.table({name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)})
    pq.write_table(table, tmp_path / "cases.parquet")
    kept = engine.to_arrow(last_decisions(engine.read(tmp_path / "cases.parquet")))
    assert sorted(kept["case_id"].to_pylist()) == ["a2", "b1", "c1", "c2"]
    assert set(kept.column_names) == set(names)
