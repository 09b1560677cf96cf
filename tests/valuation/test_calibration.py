"""The calibration checks themselves: they pass what is right, catch what is wrong, and use nothing later."""

from __future__ import annotations

import csv
import re
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from zhirong.evidence.importing import import_files
from zhirong.kernel.errors import DomainError, EvidenceError
from zhirong.params import load
from zhirong.sample import write_world
from zhirong.sample.world import latent_values
from zhirong.tables import Store
from zhirong.valuation import prepare
from zhirong.valuation.calibration import check_firms, check_lives, check_pieces, check_sampling, check_values
from zhirong.valuation.calibration import pieces as module
from zhirong.valuation.calibration import values as calibration_values
from zhirong.valuation.calibration.firms import COST_SIGMA
from zhirong.valuation.calibration.sampling import present_value
from zhirong.valuation.inputs import Used, default_assumptions
from zhirong.valuation.subject import describe

COUNT, SEED = 3_000, 4


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return write_world(tmp_path_factory.mktemp("calibration") / "world", patent_count=COUNT, seed=SEED)


def test_fitted_models_keep_their_word() -> None:
    found = {piece.name: piece for piece in check_pieces(seed=3, replicates=45)}
    models = {"survival", "field_survival", "renewal", "courts", "selection", "appraisers"}
    assert {name.split(".")[0] for name in found} == models
    for piece in found.values():
        assert piece.ranks.p_value > 1e-4, piece.name
        for row in piece.coverage:
            assert abs(row.coverage - row.nominal) < 0.05 + 3.5 * np.sqrt(
                row.nominal * (1 - row.nominal) / row.count
            ), piece.name


def test_a_fit_with_errors_too_small_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = module.fit_weibull

    def boastful(*args, **kwargs):
        fit = honest(*args, **kwargs)
        object.__setattr__(fit, "covariance", fit.covariance / 9)
        return fit

    monkeypatch.setattr(module, "fit_weibull", boastful)
    found = {piece.name: piece for piece in check_pieces(seed=3, replicates=45)}
    assert found["survival.shape"].ranks.p_value < 1e-3
    assert found["survival.shape"].coverage[1].coverage < 0.6


def test_values_are_compared_with_latent_ones(world: Store, duckdb_engine) -> None:
    background = prepare(world, duckdb_engine, as_of=date(2022, 6, 30), book=load())
    latent = latent_values(COUNT, SEED)
    ids = sorted(latent)[:COUNT:30]
    known = [patent for patent in ids if patent.startswith("CN")]
    rows = {row.name: row for row in check_values(background, latent, known, draws=400)}
    assert {"pooled", "survey_prior", "relief_from_royalty", "lognormal"} <= set(rows)
    for row in rows.values():
        assert [c.nominal for c in row.coverage] == [0.5, 0.8, 0.95]
        assert [c.coverage for c in row.coverage] == sorted(c.coverage for c in row.coverage)
        assert row.ranks.counts.sum() == row.count
        assert row.crps > 0
    assert rows["lognormal"].coverage[1].coverage > 0.6


def test_lives_of_the_world_are_predicted_and_later_ends_do_not_move_the_fit(world: Store, duckdb_engine) -> None:
    checks = check_lives(
        world, duckdb_engine, book=load(), cuts=[date(2016, 6, 30), date(2023, 6, 30)], years=(1.0, 3.0)
    )
    assert [(c.cut.year, c.years) for c in checks] == [(2016, 1.0), (2016, 3.0), (2023, 1.0)]  # 2026 is not recorded
    three = checks[1]
    assert three.mean_predicted == pytest.approx(three.ended / three.count, abs=0.08)
    assert three.brier["weibull"] < 0.25
    assert sum(b.count for b in three.bins) == three.count
    again = check_lives(
        world, duckdb_engine, book=load(), cuts=[date(2016, 6, 30)], years=(1.0,), last=date(2018, 1, 1)
    )
    assert again[0].mean_predicted == checks[0].mean_predicted


@pytest.mark.realdata
def test_real_lapses_are_counted_as_the_file_says(shared_data: Path, tmp_path: Path, duckdb_engine) -> None:
    source = shared_data / "cn_patent_survival" / "sample_cleaned_sample.csv"
    import_files("sheet", [source], tmp_path / "store", consolidate=False)
    cut, end = date(2011, 6, 30), date(2014, 6, 30)
    (check,) = check_lives(Store.open(tmp_path / "store"), duckdb_engine, book=load(), cuts=[cut], years=(3.0,))
    with source.open(encoding="utf-8", errors="replace", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if re.match(r"CN\d", row["app_num"] or "")]
    alive = ended = 0
    for row in rows:
        grant, stop = _day(row["grant"]), _day(row["terminate"]) or _day(row["waive"])
        if grant and grant <= cut and not (stop and stop <= cut):
            alive += 1
            ended += bool(stop and stop <= end)
    assert check.count == pytest.approx(alive, abs=5)
    assert check.ended == pytest.approx(ended, abs=5)
    assert 0 < check.brier["weibull"] < 0.25


def test_the_sampler_of_the_engine_draws_what_its_assumptions_say(world: Store, duckdb_engine) -> None:
    background = prepare(world, duckdb_engine, as_of=date(2022, 6, 30), book=load())
    ids = _granted(world)[::30]
    (found,) = check_sampling(background, ids, seed=5, replicates=400)
    assert found.name == "royalty.value"
    assert found.ranks.p_value > 1e-3
    for row in found.coverage:
        assert abs(row.coverage - row.nominal) < 4 * row.error


def test_a_present_value_written_out_is_the_annuity() -> None:
    drawn = {
        "revenue": 100.0,
        "growth": 0.0,
        "royalty_rate": 0.05,
        "discount_rate": 0.1,
        "economic_life": 4.0,
        "validity": 1.0,
    }
    value = present_value(
        drawn,
        legal_life_years=10.0,
        first_period_years=1.0,
        tax_rate=0.0,
        tax_life_years=0.0,
        long_run_growth=0.0,
        growth_fade=1.0,
    )
    assert value == pytest.approx(5.0 * sum(1.1 ** -(k + 0.5) for k in range(4)), rel=1e-12)


def test_prices_of_a_patent_are_not_compared_with_the_value_behind_them(world: Store, duckdb_engine) -> None:
    background = prepare(world, duckdb_engine, as_of=date(2022, 6, 30), book=load())
    sold = calibration_values.sold_patents(background)
    assert sold
    latent = latent_values(COUNT, SEED)
    with pytest.raises(DomainError, match="none of the patents"):
        check_values(background, latent, sorted(sold), draws=200)


@pytest.mark.realdata
def test_firms_are_checked_against_published_regressions(shared_data: Path) -> None:
    found = check_firms(shared_data / "firm_patents_rd")
    assert found is not None
    slopes = {slope.name: slope for slope in found.slopes}
    # Wooldridge, Introductory Econometrics, answer to computer exercise on RDCHEM: log(rd) = -4.105 + 1.076 log(sales), n = 32.
    assert slopes["chemicals.elasticity"].slope == pytest.approx(1.076, abs=0.0005)
    assert slopes["chemicals.elasticity"].observations == 32
    assert all(check.claimed == COST_SIGMA for check in found.costs)
    assert all(0 <= row.coverage <= 1 for check in found.costs for row in check.coverage)


def test_without_files_of_firms_there_is_no_check(tmp_path: Path) -> None:
    assert check_firms(tmp_path) is None
    (tmp_path / "rdchem.csv").write_text("lrd,sales\n1,2\n3,4\n5,6\n")
    with pytest.raises(EvidenceError, match=r"rdchem.csv.*lsales"):
        check_firms(tmp_path)


def test_the_spread_of_cost_is_the_one_the_engine_states(world: Store, duckdb_engine) -> None:
    background = prepare(world, duckdb_engine, as_of=date(2022, 6, 30), book=load())
    ids = _granted(world)[::5]
    stated = [
        default_assumptions(background, subject, Used(background.book, background.as_of)).get("development_cost")
        for subject in describe(background, ids)
    ]
    sigmas = {a.parameters["sigma"] for a in stated if a is not None}
    assert sigmas == {COST_SIGMA}


def _granted(world: Store) -> list[str]:
    rows = pq.read_table(world.file("patents"), columns=["patent_id", "grant_date"]).to_pylist()
    return sorted(r["patent_id"] for r in rows if r["grant_date"] and r["grant_date"] <= date(2022, 6, 30))


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text and re.fullmatch(r"\d{4}-\d\d-\d\d", text) else None
