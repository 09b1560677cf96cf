"""Credit risk: oracles, brute force, recovery, real data."""

from __future__ import annotations

import csv
import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from zhirong.finance.credit import (
    CreditSigns,
    Scale,
    Scenario,
    Stage,
    Tier,
    collateral_lgd,
    expected_credit_loss,
    fit_scorecard,
    provision_matrix,
    stage_of,
    standardised_capital,
    survival,
    tier_of,
)  # fmt: skip
from zhirong.kernel.errors import DomainError, UnknownNameError
from zhirong.numerics.credit_loss import (
    irb_capital,
    point_in_time,
    simulate_losses,
    tranche_expected_loss,
    vasicek_quantile,
    vasicek_sd,
)  # fmt: skip
from zhirong.numerics.scoring import (
    area_under_curve,
    fit_logistic,
    kolmogorov_smirnov,
    optimal_cuts,
    stability_index,
    validate_probabilities,
)  # fmt: skip


@pytest.mark.golden
def test_oracles_of_probability_and_loss() -> None:
    scale = Scale(20, 600, 50)
    assert (scale.factor, scale.offset) == pytest.approx((28.8539008177793, 487.122876204505), abs=1e-9)
    assert scale.score(0.03) == pytest.approx(587.421883033825, abs=1e-9)
    found = point_in_time(0.02, 0.12, np.array([-2.0, 0, 2]))
    assert found == pytest.approx([0.0734240821116464, 0.014287386997523, 0.00170655883410529], abs=1e-12)
    lgd = collateral_lgd(
        np.array([12e6]), 5e6, haircut=0.5, sale_probability=0.4, discount_rate=0.08, years_to_sale=1.5
    )
    assert lgd.mean == pytest.approx(0.574278190375764, abs=1e-12)


def flat(hazard: float, name: str = "one", weight: float = 1.0) -> Scenario:
    return Scenario(name, weight, np.full(3, hazard), np.full(3, 0.7), np.full(3, 1e6))


@pytest.mark.golden
def test_oracles_of_expected_credit_loss() -> None:
    years = np.arange(1.0, 4.0)
    answer = expected_credit_loss([flat(0.02)], years, 0.05, Stage.ONE)
    assert (answer.twelve_month, answer.lifetime) == pytest.approx((13200.8844621632, 37028.3078515679), abs=1e-6)
    assert answer.allowance == answer.twelve_month
    many = [flat(h, str(h), w) for h, w in ((0.01, 0.3), (0.02, 0.5), (0.05, 0.2))]
    answer = expected_credit_loss(many, years, 0.05, Stage.TWO)
    assert answer.allowance == pytest.approx(41880.5615035123, abs=1e-6)
    assert expected_credit_loss(many, years, 0.05, Stage.THREE).allowance == pytest.approx(7e5)
    hazard = -np.log1p(-0.005)
    ie8 = Scenario("ie8", 1.0, np.array([hazard]), np.array([0.25]), np.array([1e6]))
    assert expected_credit_loss([ie8], np.array([1.0]), 0.0, Stage.ONE).allowance == pytest.approx(1250, abs=1e-9)
    gross, rates = np.array([15e6, 7.5e6, 4e6, 2.5e6, 1e6]), np.array([0.003, 0.016, 0.036, 0.066, 0.106])
    assert provision_matrix(gross, rates) == pytest.approx(580000, abs=1e-6)


@pytest.mark.golden
def test_oracles_of_one_factor_formulas() -> None:
    assert vasicek_quantile(0.02, 0.1, 0.999) == pytest.approx(0.128237107299423, abs=1e-12)
    assert 100 * 0.4 * vasicek_quantile(0.02, 0.1, 0.999) == pytest.approx(5.13, abs=0.005)
    assert vasicek_quantile(0.01, 0.2, 0.999) == pytest.approx(0.145525266131071, abs=1e-10)
    table = {
        (0.01, 0.1): [1.19, 3.8, 7.0, 10.7], (0.01, 0.4): [0.55, 4.5, 11.0, 18.2],
        (0.001, 0.1): [0.98, 4.1, 8.8, 15.4], (0.001, 0.4): [0.12, 3.2, 13.2, 31.8],
    }  # fmt: skip
    for (p, rho), expected in table.items():
        quantiles = vasicek_quantile(p, rho, np.array([0.9, 0.99, 0.999, 0.9999]))
        assert (quantiles - p) / vasicek_sd(p, rho) == pytest.approx(expected, abs=0.06)
    pieces = [(0, 0.05), (0.05, 0.15), (0.15, 1)]
    losses = [tranche_expected_loss(0.05, 0.15, 0.6, a, d) for a, d in pieces]
    assert losses == pytest.approx([0.509860411716116, 0.0439688879866249, 0.000129518332091627], abs=1e-6)
    assert sum(x * (d - a) for x, (a, d) in zip(losses, pieces, strict=True)) == pytest.approx(0.03, abs=1e-8)


@pytest.mark.golden
def test_basel_annex_5() -> None:
    rows = [
        (0.03, 14.44, 11.3), (0.05, 19.65, 15.39), (0.1, 29.65, 23.3), (0.25, 49.47, 39.01), (0.4, 62.72, 49.49), (0.5, 69.61, 54.91),
        (0.75, 82.78, 65.14), (1, 92.32, 72.4), (1.3, 100.95, 78.77), (1.5, 105.59, 82.11), (2, 114.86, 88.55), (2.5, 122.16, 93.43),
        (3, 128.44, 97.58),
    ]  # fmt: skip
    for percent, large, small in rows:
        assert 1250 * irb_capital(percent / 100, 0.45, turnover_eur_m=50) == pytest.approx(large, abs=0.011)
        assert 1250 * irb_capital(percent / 100, 0.45, turnover_eur_m=5) == pytest.approx(small, abs=0.011)
    high = [
        (4, 139.578023525323, 105.041618827052),
        (10, 193.086905546539, 146.512944155852),
        (20, 238.231596410642, 188.415758409894),
    ]
    for percent, large, small in high:
        assert 1250 * irb_capital(percent / 100, 0.45) == pytest.approx(large, abs=1e-6)
        assert 1250 * irb_capital(percent / 100, 0.45, turnover_eur_m=5) == pytest.approx(small, abs=1e-6)
    assert standardised_capital(1e6) == 80_000


def test_a_fine_pool_loses_what_the_formula_says() -> None:
    m = 400
    book = simulate_losses(np.ones(m), np.full(m, 0.03), np.zeros(m), rho=0.15, paths=20_000, level=0.99, seed=3)
    assert book.expected == pytest.approx(0.03 * m, abs=4 * book.expected_error)
    exact = float(vasicek_quantile(0.03, 0.15, 0.99)) * m
    assert book.value_at_risk() == pytest.approx(exact, rel=0.06)
    assert book.expected_shortfall == pytest.approx(book.losses[-200:].mean(), rel=1e-9)
    heavy = simulate_losses(
        np.ones(m), np.full(m, 0.03), np.zeros(m), rho=0.15, freedom=4, paths=20_000, level=0.99, seed=3
    )
    assert heavy.expected == pytest.approx(0.03 * m, abs=4 * heavy.expected_error)
    assert heavy.value_at_risk() > book.value_at_risk(), "tails that move together"


def test_wrong_way_risk_raises_loss_at_equal_marginals() -> None:
    m = 200
    runs = [
        simulate_losses(
            np.ones(m), np.full(m, 0.05), np.full(m, 1.2), rho=0.2, wrong_way=w, paths=20_000, level=0.99, seed=3
        )
        for w in (0.0, 0.4, 0.8)
    ]
    assert runs[0].expected < runs[1].expected < runs[2].expected
    assert runs[0].value_at_risk() < runs[1].value_at_risk() < runs[2].value_at_risk()
    lost = 1 - stats.lognorm.cdf(1, 0.5, scale=1.2)
    mean_gap = stats.norm.cdf(-np.log(1.2) / 0.5) - 1.2 * np.exp(0.125) * stats.norm.cdf(-np.log(1.2) / 0.5 - 0.5)
    assert 0 < lost < 1 and runs[0].expected == pytest.approx(m * 0.05 * mean_gap, abs=4 * runs[0].expected_error)


def test_independent_loans_are_binomial() -> None:
    book = simulate_losses(np.ones(50), np.full(50, 0.1), np.zeros(50), rho=0.0, paths=40_000, level=0.99, seed=1)
    assert book.value_at_risk() == stats.binom(50, 0.1).ppf(0.99)
    assert book.losses.var() == pytest.approx(50 * 0.1 * 0.9, rel=0.05)


def test_lgd_integrates_over_values_and_keeps_bounds() -> None:
    values = np.random.default_rng(0).lognormal(np.log(1e6), 1.0, 50_000)
    common = {"haircut": 0.5, "sale_probability": 1.0, "discount_rate": 0.0, "years_to_sale": 1.0}
    spread = collateral_lgd(values, 5e5, **common)
    point = collateral_lgd(np.array([values.mean()]), 5e5, **common)
    assert spread.mean > point.mean == 0.0, "the mean plugged in says there is no loss"
    assert 0 <= spread.low <= spread.median <= spread.high <= 1 and spread.error < 0.002
    assert collateral_lgd(np.zeros(3), 1.0, **common).mean == 1.0


def test_stages_and_tiers() -> None:
    assert stage_of(CreditSigns(0, 0.02, 0.02)) == (Stage.ONE, ())
    assert stage_of(CreditSigns(31, 0.02, 0.02))[0] is Stage.TWO
    stage, reasons = stage_of(CreditSigns(0, 0.06, 0.02))
    assert stage is Stage.TWO and "6.00%" in reasons[0].en
    assert stage_of(CreditSigns(91, 0.02, 0.02))[0] is Stage.THREE
    days = {0: Tier.NORMAL, 90: Tier.SPECIAL_MENTION, 91: Tier.SUBSTANDARD, 271: Tier.DOUBTFUL, 361: Tier.LOSS}
    assert {d: tier_of(d) for d in days} == days
    assert tier_of(0, is_impaired=True, ecl_share=0.5) is Tier.DOUBTFUL


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 60)), min_size=2, max_size=7), st.integers(1, 4))
@settings(max_examples=100, deadline=None)
def test_optimal_cuts_against_every_grouping(counts, most: int) -> None:
    bad, good = np.array(counts, np.float64).T
    bad[0] += 1
    good[-1] += 1
    total, best = bad.sum() + good.sum(), 0.0
    for n in range(most):
        for inner in itertools.combinations(range(1, len(bad)), n):
            starts = np.array([0, *inner])
            b, g = np.add.reduceat(bad, starts), np.add.reduceat(good, starts)
            if (b + g < 0.05 * total).any() or (b + g == 0).any():
                continue
            steps = np.diff(b / (b + g))
            if (steps >= 0).all() or (steps <= 0).all():
                x, y = (g + 0.5) / (good.sum() + 0.5), (b + 0.5) / (bad.sum() + 0.5)
                best = max(best, float(((x - y) * np.log(x / y)).sum()))
    assert optimal_cuts(bad, good, most_bins=most)[1] == pytest.approx(best, abs=1e-12)


def test_logistic_recovers_coefficients() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((20_000, 3))
    beta = np.array([0.8, -0.5, 0.0])
    fit = fit_logistic(x, rng.random(20_000) < 1 / (1 + np.exp(2 - x @ beta)))
    assert (np.abs(fit.coefficients - beta) < 4 * fit.standard_errors).all() and fit.intercept == pytest.approx(
        -2, abs=0.1
    )


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_measures_against_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    score, bad = rng.integers(0, 8, 40).astype(float), np.r_[True, False, rng.random(38) < 0.4]
    pairs = [(a > b) + 0.5 * (a == b) for a in score[bad] for b in score[~bad]]
    assert area_under_curve(score, bad)[0] == pytest.approx(np.mean(pairs))
    assert kolmogorov_smirnov(score, bad) == pytest.approx(stats.ks_2samp(score[bad], score[~bad]).statistic)
    assert (
        stability_index(np.array([5.0, 5]), np.array([5.0, 5]))
        == 0
        < stability_index(np.array([9.0, 1]), np.array([1.0, 9]))
    )


def test_validation_tells_right_from_overconfident() -> None:
    rng = np.random.default_rng(0)
    p = rng.beta(1, 9, 20_000)
    bad = rng.random(20_000) < p
    right, wrong = validate_probabilities(p, bad), validate_probabilities(p**2 / (p**2 + (1 - p) ** 2), bad)
    assert right.calibration_slope == pytest.approx(1, abs=0.06) and right.hosmer_lemeshow_p > 0.001
    assert wrong.calibration_slope == pytest.approx(0.5, abs=0.05) and wrong.hosmer_lemeshow_p < 1e-6
    assert right.brier < wrong.brier and right.auc == pytest.approx(wrong.auc)


def split(n: int) -> np.ndarray:
    return np.random.default_rng(7).permutation(n) < 0.7 * n


@pytest.mark.realdata
def test_german_credit(shared_data) -> None:
    with (shared_data / "credit" / "germancredit.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    protected = {"personal_status_and_sex", "foreign_worker", "age_in_years", "creditability"}
    numbers = {"duration_in_month", "credit_amount"}
    columns = {
        re.sub(r"[^a-z_]", "_", n): np.array(
            [float(r[n]) if n in numbers else r[n] for r in rows], float if n in numbers else object
        )
        for n in rows[0]
        if n.replace(".", "_") not in protected
    }
    bad = np.array([r["creditability"] == "bad" for r in rows])
    assert bad.sum() == 300 and not protected & set(columns)
    train = split(len(bad))
    card = fit_scorecard({n: c[train] for n, c in columns.items()}, bad[train])
    test = {n: c[~train] for n, c in columns.items()}
    report = validate_probabilities(card.probability(test), bad[~train])
    assert 0.70 < report.auc < 0.86 and report.brier < 0.2
    assert 0.6 < report.calibration_slope < 1.6
    for grouping in card.groupings:
        steps = np.diff(grouping.bad_rates)
        assert (steps >= 0).all() or (steps <= 0).all()
    score, pd = card.score(test), card.probability(test)
    assert score == pytest.approx(card.scale.score(pd)), "points and probability agree"
    assert all(1 <= len(r) <= 4 for r in card.reasons(test)[:50])


@pytest.mark.realdata
def test_polish_bankruptcy(shared_data) -> None:
    text = (shared_data / "credit" / "polish_bankruptcy_1year.arff").read_text("utf-8").lower().split("@data")[1]
    table = np.array([[float("nan") if v == "?" else float(v) for v in line.split(",")] for line in text.split()])
    bad = table[:, -1] == 1
    assert table.shape == (7027, 65) and bad.sum() == 271
    train = split(len(bad))
    columns = {f"attr{k + 1}": table[:, k] for k in range(64)}
    card = fit_scorecard({n: c[train] for n, c in columns.items()}, bad[train], most_variables=12)
    report = validate_probabilities(card.probability({n: c[~train] for n, c in columns.items()}), bad[~train])
    assert report.auc > 0.75 and report.ks > 0.35 and len(card.groupings) <= 12
    assert report.brier < bad.mean() * (1 - bad.mean())


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: irb_capital(0.0, 0.45), "pd"), (lambda: irb_capital(0.1, 1.2), "lgd"), (lambda: irb_capital(0.1, 0.4, maturity_years=9), "maturity"),
        (lambda: vasicek_quantile(0.1, 1.0, 0.9), "rho"), (lambda: tranche_expected_loss(0.1, 0.1, 0.5, 0.5, 0.4), "attach"),
        (lambda: survival(np.array([-0.1]), np.array([1.0])), "hazards"), (lambda: Scale(pdo=0), "pdo"),
        (lambda: expected_credit_loss([flat(0.1, weight=0.4)], np.arange(1.0, 4), 0.1, Stage.ONE), "weight"),
        (lambda: CreditSigns(-1, 0, 0), "days_past_due"), (lambda: standardised_capital(-1.0), "exposure"),
        (lambda: simulate_losses(np.array([-1.0]), np.array([0.1]), np.array([0.0]), rho=0.1), "exposures"),
        (lambda: fit_scorecard({"a": np.zeros(10)}, np.zeros(10, bool)), "bad"),
    ],
)  # fmt: skip
def test_bad_input_names_the_field(call, word: str) -> None:
    with pytest.raises(DomainError, match=f"field {word}"):
        call()


def test_a_missing_column_is_named() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal(2000)
    card = fit_scorecard({"x": x}, rng.random(2000) < 1 / (1 + np.exp(-x)))
    with pytest.raises(UnknownNameError, match="column"):
        card.score({"y": x})
