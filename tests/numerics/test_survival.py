"""Survival estimates against published tables, simulated truth and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhirong.kernel.errors import DomainError
from zhirong.numerics.survival import cumulative_incidence, fit_weibull, kaplan_meier

# Remission of leukaemia under 6-mercaptopurine, weeks; True where the relapse was seen.
# Freireich et al. (1963), as in Cox and Oakes (1984), Analysis of Survival Data, table 1.1.
WEEKS = np.array([6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35], float)
RELAPSED = np.array([True] * 9 + [False] * 12)


@pytest.mark.golden
def test_kaplan_meier_equals_the_published_table() -> None:
    # Cox and Oakes (1984), section 4.2, table 4.1; printed to three digits.
    curve = kaplan_meier(WEEKS, RELAPSED)
    assert curve.times.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert curve.survival.round(3).tolist() == [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert curve.at_risk.tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert curve.quantile(0.5) == 23
    assert curve.at(5) == 1.0
    assert curve.quantile(0.9) is None


@pytest.mark.golden
def test_weibull_equals_the_published_fit() -> None:
    # The 6-MP arm alone: shape 1.354, scale 33.77, log likelihood -41.66 (R survreg: intercept 3.519, 1/scale 1.354).
    fit = fit_weibull(WEEKS, RELAPSED)
    assert fit.shape == pytest.approx(1.354, abs=0.0005)
    assert np.log(fit.scale) == pytest.approx(3.519, abs=0.0005)
    assert fit.log_likelihood == pytest.approx(-41.66, abs=0.005)


def test_without_censoring_the_curve_is_the_share_left() -> None:
    times = np.array([3.0, 1.0, 2.0, 2.0])
    assert kaplan_meier(times, np.ones(4, bool)).survival.tolist() == [0.75, 0.25, 0.0]


def test_known_parameters_are_recovered_from_truncated_censored_data() -> None:
    rng = np.random.default_rng(4)
    life, censor, entry = 12 * rng.weibull(1.7, 8_000), rng.uniform(2, 25, 8_000), rng.uniform(0, 3, 8_000)
    seen = np.minimum(life, censor) > entry
    fit = fit_weibull(np.minimum(life, censor)[seen], (life < censor)[seen], entry=entry[seen])
    shape_error, scale_error = fit.standard_errors
    assert abs(fit.shape - 1.7) < 4 * shape_error
    assert abs(fit.scale - 12) < 4 * scale_error
    assert 0.01 < shape_error < 0.06


def test_ignoring_truncation_would_be_wrong() -> None:
    rng = np.random.default_rng(5)
    life, entry = 8 * rng.weibull(1.0, 20_000), np.full(20_000, 4.0)
    seen = life > entry
    biased = fit_weibull(life[seen], np.ones(seen.sum(), bool))
    right = fit_weibull(life[seen], np.ones(seen.sum(), bool), entry=entry[seen])
    assert right.scale == pytest.approx(8, rel=0.06)
    assert biased.scale > 11


def test_residual_life_is_memoryless_at_shape_one() -> None:
    rng = np.random.default_rng(6)
    fit = fit_weibull(rng.exponential(5, 50_000), np.ones(50_000, bool))
    levels = np.array([0.1, 0.5, 0.9])
    assert fit.residual_quantile(levels, 10.0) == pytest.approx(fit.residual_quantile(levels, 0.0), rel=0.08)


@given(st.lists(st.tuples(st.floats(0.1, 30), st.integers(0, 2)), min_size=1, max_size=40))
def test_incidence_and_survival_sum_to_one(rows: list[tuple[float, int]]) -> None:
    answer = cumulative_incidence(np.array([r[0] for r in rows]), np.array([r[1] for r in rows]))
    assert answer.incidence.sum(axis=1) + answer.survival == pytest.approx(np.ones(len(answer.times)))
    assert (np.diff(answer.incidence, axis=0) >= -1e-12).all()


def test_one_cause_is_the_complement_of_kaplan_meier() -> None:
    incidence = cumulative_incidence(WEEKS, RELAPSED.astype(int))
    assert 1 - incidence.incidence[:, 0] == pytest.approx(kaplan_meier(WEEKS, RELAPSED).survival)


def test_bad_input_is_refused() -> None:
    for times, ended in (([], []), ([0.0], [True]), ([float("nan")], [True]), ([1.0, 2.0], [True])):
        with pytest.raises(DomainError):
            kaplan_meier(np.array(times), np.array(ended, bool))
    with pytest.raises(DomainError, match="two events"):
        fit_weibull(np.array([1.0, 1.0, 1.0]), np.array([True, True, True]))


@pytest.mark.realdata
def test_lapse_ages_of_real_chinese_patents(shared_data) -> None:
    # Check figures of the sample's README: 1,751 lapses; quartiles 7.16, 9.16, 12.17; mean 9.571, sd 3.413 (years of 365.25 days).
    import csv
    from datetime import date

    path = shared_data / "cn_patent_survival" / "sample_cleaned_sample.csv"
    with path.open(encoding="utf-8", errors="replace", newline="") as stream:
        rows = [r for r in csv.DictReader(stream) if r["app_num"][:2] == "CN" and r["app_num"][2:3].isdigit()]

    def day(text: str) -> date | None:
        return date.fromisoformat(text) if text not in ("", "NA") else None

    granted = [(day(r["app_date"]), day(r["terminate"])) for r in rows if day(r["grant"])]
    ages = np.array([(end - start).days / 365.25 for start, end in granted if end])
    assert len(ages) == 1751
    assert np.quantile(ages, [0.25, 0.5, 0.75]).round(2).tolist() == [7.16, 9.16, 12.17]
    last = date(2017, 8, 25)
    durations = np.array([((end or last) - start).days / 365.25 for start, end in granted])
    ended = np.array([end is not None for _, end in granted])
    fit, curve = fit_weibull(durations, ended), kaplan_meier(durations, ended)
    for age in (6.0, 10.0, 14.0):
        assert fit.survival(np.array([age]))[0] == pytest.approx(curve.at(age), abs=0.08), (
            "a Weibull follows the real curve"
        )
