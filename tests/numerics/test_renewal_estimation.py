"""Renewal models recovered from simulated cohorts; errors against the bootstrap; bad input."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from zhirong.kernel.errors import ConvergenceError, DomainError
from zhirong.numerics.renewal import fit_renewal
from zhirong.numerics.renewal_estimation import Cohort, estimate_deterministic, estimate_option
from zhirong.numerics.renewal_option import RenewalOption, simulate_cohort
from zhirong.numerics.streams import stream_key

FEES = np.array([900] * 3 + [1200] * 3 + [2000] * 3 + [4000] * 3 + [6000] * 3 + [8000] * 5, float)
TRUE = RenewalOption(8, 1.5, 0.0005, 0.85, 300, 4000, 0.8, 0.95)


def option_cohorts(patents: int) -> list[Cohort]:
    cohorts = []
    for place, fees in enumerate((FEES, 3 * FEES, 0.3 * FEES, np.full(20, 2500.0))):
        found = simulate_cohort(TRUE, fees, patents=patents, key=stream_key(7, f"cohort {place}"))
        cohorts.append(Cohort(found.kept, found.kept < 20, fees))
    return cohorts


def deterministic_cohort(patents: int, seed: int) -> Cohort:
    rng = np.random.default_rng(seed)
    returns = np.exp(rng.normal(8, 1.5, patents))[:, None] * 0.85 ** np.arange(1, 21)
    kept = np.cumprod(returns >= FEES, axis=1).sum(axis=1).astype(np.int64)
    return Cohort(kept, kept < 20, FEES)


def test_the_option_model_is_recovered() -> None:
    found = estimate_option(option_cohorts(15_000), beta=0.95, fixed={"gamma": 300.0, "phi": 0.8})
    assert found.names == ("mu", "spread", "theta", "delta", "sigma")
    for name, error in zip(found.names, found.standard_errors, strict=True):
        truth = getattr(TRUE, name)
        assert abs(found[name] - truth) < 4 * error + 1e-3 * abs(truth), name
        assert error < 0.1 * abs(truth)
    assert found.option(0.95).gamma == 300.0


@pytest.mark.slow
def test_six_parameters_are_recovered_from_four_schedules() -> None:
    found = estimate_option(option_cohorts(40_000), beta=0.95, fixed={"gamma": 300.0})
    for name, error in zip(found.names, found.standard_errors, strict=True):
        assert abs(found[name] - getattr(TRUE, name)) < 4 * error + 2e-3 * abs(getattr(TRUE, name)), name


def test_the_deterministic_model_is_recovered_and_its_errors_agree_with_the_bootstrap() -> None:
    found = estimate_deterministic([deterministic_cohort(20_000, 2)], resamples=40, rng=np.random.default_rng(1))
    truth = {"mu": 8.0, "sigma": 1.5, "decay": 0.15}
    for place, name in enumerate(found.names):
        assert abs(found[name] - truth[name]) < 4 * found.standard_errors[place]
        low, high = found.interval(name, 0.9)
        assert low < found[name] < high
    assert found.bootstrap.shape == (40, 3)
    assert found.bootstrap.std(axis=0, ddof=1) == pytest.approx(found.standard_errors, rel=0.5)


def test_it_agrees_with_the_fit_of_one_cohort() -> None:
    cohort = deterministic_cohort(5_000, 5)
    one = fit_renewal(cohort.kept, cohort.ended, FEES)
    kept = cohort.kept >= 1
    found = estimate_deterministic([Cohort(cohort.kept[kept], cohort.ended[kept], FEES, first_year=2)])
    assert [found["mu"], found["sigma"], found["decay"]] == pytest.approx([one.mu, one.sigma, one.decay], rel=2e-3)
    assert found.standard_errors == pytest.approx(one.standard_errors, rel=0.1)


def test_censored_patents_count_up_to_what_is_known() -> None:
    whole = deterministic_cohort(30_000, 3)
    seen_to = np.random.default_rng(4).integers(5, 21, 30_000)
    cut = Cohort(np.minimum(whole.kept, seen_to), whole.ended & (whole.kept < seen_to), FEES)
    found = estimate_deterministic([cut])
    assert [found["mu"], found["sigma"], found["decay"]] == pytest.approx([8, 1.5, 0.15], rel=0.05)


def test_a_bootstrap_is_repeatable() -> None:
    cohort = deterministic_cohort(2_000, 6)
    first = estimate_deterministic([cohort], resamples=3, rng=np.random.default_rng(9))
    again = estimate_deterministic([cohort], resamples=3, rng=np.random.default_rng(9))
    assert (first.bootstrap == again.bootstrap).all()


def test_a_flat_direction_has_no_finite_error() -> None:
    # One flat schedule cannot tell location, spread and decay from one another by few lapses at few years.
    kept = np.repeat([0, 1, 2, 3], 5).astype(np.int64)
    found = estimate_deterministic([Cohort(kept, kept < 3, np.full(4, 100.0))], fixed={"sigma": 1.0})
    assert found.names == ("mu", "decay")
    low, high = found.interval("mu")
    assert low < found["mu"] < high


def test_the_deviance_tells_a_model_that_holds_from_one_that_does_not() -> None:
    found = estimate_deterministic([deterministic_cohort(20_000, 8)])
    assert 0 <= found.deviance < found.degrees_of_freedom + 6 * (2 * found.degrees_of_freedom) ** 0.5
    rng = np.random.default_rng(3)
    kept = np.minimum(rng.geometric(0.1, 20_000), 20)  # a tenth ends each year whatever the fee
    with pytest.raises(ConvergenceError, match="do not follow the fees"):
        estimate_deterministic([Cohort(kept, kept < 20, FEES)])
    # Where the spread is given, the search ends inside, and the deviance says what is wrong.
    wrong = estimate_deterministic([Cohort(kept, kept < 20, FEES)], fixed={"sigma": 1.5})
    assert wrong.deviance > 20 * wrong.degrees_of_freedom


def test_obsolescence_is_recovered_beside_the_rest() -> None:
    true = replace(TRUE, obsolescence=0.06)
    cohorts = []
    for place, fees in enumerate((FEES, 4 * FEES)):
        found = simulate_cohort(true, fees, patents=15_000, key=stream_key(8, f"cohort {place}"))
        cohorts.append(Cohort(found.kept, found.kept < 20, fees))
    known = {name: getattr(TRUE, name) for name in ("gamma", "phi", "theta", "sigma")}
    fit = estimate_option(cohorts, beta=0.95, fixed=known, with_obsolescence=True)
    assert fit["obsolescence"] == pytest.approx(0.06, abs=4 * fit.standard_errors[-1])
    assert fit["mu"] == pytest.approx(8, abs=4 * fit.standard_errors[0])
    assert fit.option(0.95).obsolescence == fit["obsolescence"]


@pytest.mark.realdata
def test_real_chinese_lapses_do_not_follow_the_fees(shared_data: Path) -> None:
    """Ends of the sample are dated a little over a year after the fee that was not paid; even so no fee model holds."""
    entry, age, ended = [], [], []
    with (shared_data / "cn_patent_survival" / "sample_cleaned_sample.csv").open(
        encoding="utf-8", errors="replace"
    ) as file:
        for row in csv.DictReader(file):
            if not (row["app_num"] or "").startswith("CN") or row["grant"] in ("NA", ""):
                continue
            filed, granted = date.fromisoformat(row["app_date"]), date.fromisoformat(row["grant"])
            has_ended = row["terminate"] not in ("NA", "")
            last = date.fromisoformat(row["terminate"]) if has_ended else date(2017, 8, 25)
            entry.append((granted - filed).days / 365.25)
            age.append((last - filed).days / 365.25)
            ended.append(has_ended)
    years, out = np.array(age), np.array(ended)
    kept = np.minimum(np.floor(np.where(out, years - 1, years)), 20).astype(np.int64)
    first = np.minimum(np.floor(np.array(entry)).astype(np.int64) + 1, kept + 1)
    use = (years > np.array(entry)) & (kept >= 1)
    cohorts = [
        Cohort(kept[use & (first == year)], out[use & (first == year)], FEES, first_year=int(year))
        for year in np.unique(first[use])
    ]
    assert sum(len(c.kept) for c in cohorts) > 2_400
    with pytest.raises(ConvergenceError, match="do not follow the fees"):
        estimate_deterministic(cohorts)


def test_bad_input_is_refused() -> None:
    with pytest.raises(DomainError, match="lapses"):
        estimate_deterministic([Cohort(np.full(50, 20), np.zeros(50, bool), FEES)])
    with pytest.raises(DomainError, match="no parameter 'sigmaa'"):
        estimate_deterministic([deterministic_cohort(200, 1)], fixed={"sigmaa": 1.0})
    with pytest.raises(DomainError, match="generator"):
        estimate_deterministic([deterministic_cohort(200, 1)], resamples=2)
    with pytest.raises(DomainError, match="years kept"):
        Cohort(np.array([21]), np.array([True]), FEES)
    with pytest.raises(DomainError, match="one entry"):
        Cohort(np.array([1, 2]), np.array([True]), FEES)
    with pytest.raises(DomainError, match="first year"):
        Cohort(np.array([1]), np.array([True]), FEES, first_year=0)
