"""Covers, rates, quotes, portfolio and reinsurance: brute force, limits, order, recovery, bad input, the report in both languages."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from zhirong.finance.insurance import (
    Cell,
    CoverKind,
    CoverLayer,
    CoverSpec,
    EventModel,
    InsuredPatent,
    Loan,
    OwnBook,
    PatentRate,
    PolicyQuote,
    Treaties,
    accumulate,
    common_shocks,
    covered_years,
    declared_rate,
    paid_for_event,
    parse_cover,
    quote,
    rates_of_patents,
    reinsure,
    shipped_cover,
    slices_of_event,
)
from zhirong.finance.insurance.serialise import quote_to_dict
from zhirong.kernel.errors import DomainError, EvidenceError, UnknownNameError
from zhirong.numerics.aggregate import lattice_severity
from zhirong.numerics.spliced import SplicedSeverity
from zhirong.params import load
from zhirong.reports.policy_quote import quote_document, render_quote

DAY, BOOK = date(2025, 6, 30), load()
VALUES = np.random.default_rng(1).lognormal(math.log(4e6), 0.9, 4000)
X = {
    "infringement_share": 0.12, "infringement_spread": 1.0, "expense_median": 2e5, "expense_spread": 0.9, "tail_from": 0.95,
    "tail_shape": 0.5, "dependence": 1.453, "lag_years": 1.5, "invalidated": 0.35, "partly_invalidated": 0.2, "partial_loss": 0.3,
}  # fmt: skip
PRICES = {"level": 0.99, "cost_of_capital": 0.1, "loading": 1.0, "expense": 0.25}


def patent(spec: CoverSpec, name: str = "CN1", values: np.ndarray = VALUES) -> InsuredPatent:
    if spec.is_credit:
        return InsuredPatent(name, values)
    rate, source = declared_rate(spec, BOOK, DAY)
    return InsuredPatent(name, values, PatentRate(name, rate, 3, 0.0, 0.0, 0.0, source))


def quoted(kind: str = "infringement", **changes: object) -> PolicyQuote:
    spec = replace(shipped_cover(kind), **changes)  # type: ignore[arg-type]
    return quote(spec, [patent(spec)], BOOK, DAY, draws=20)


@pytest.mark.parametrize("kind", list(CoverKind))
def test_every_cover_is_quoted_and_its_parts_add_up(kind: CoverKind) -> None:
    found = quoted(str(kind))
    p = found.premium
    assert p.expected_loss_cny + p.capital_cost_cny + p.expense_cny == pytest.approx(p.gross_cny)
    assert 0 < found.low_cny <= p.gross_cny <= found.high_cny < found.spec.aggregate_limit_cny
    assert (
        found.principles["alone"] > found.principles["tail"]
    )  # a portfolio needs less capital than its policies apart
    assert found.total.pmf.sum() == pytest.approx(1, abs=1e-9)
    assert found.total.quantile(0.99999) <= found.spec.aggregate_limit_cny * (1 + 1e-9)
    assert found.events[1] <= found.events[0] <= found.events[2]
    assert {str(q.source.grade) for q in found.parameters} <= {"assumed", "recalled", "published"}
    plain = quote_to_dict(found)
    assert plain["premium"]["gross_cny"] == p.gross_cny
    assert all(i["grade"] for i in plain["inputs"])


def test_guarantee_by_hand() -> None:
    """One loan, one default at most: the expected payment is PD times the insurer's share of the mean loss."""
    found = quoted("guarantee")
    loan = found.spec.loan
    assert loan is not None
    expected = 0.03 * 0.6 * 3e6 * np.mean(loan.lgd)
    assert found.total.mean == pytest.approx(expected, rel=0.005)  # 8192 draws of the loss
    assert found.total.pmf[0] == pytest.approx(0.97, abs=1e-9)
    two = quoted("guarantee", term_months=24)
    assert two.events[0] == pytest.approx(1 - 0.97**2)


def test_expected_payment_of_a_dispute_cover_by_brute_force() -> None:
    found = quoted()
    spec, rng, n = found.spec, np.random.default_rng(5), 300_000
    share = np.minimum(0.12 * np.exp(rng.normal(size=n)), 1)
    loss = rng.choice(VALUES, n) * share
    expense = SplicedSeverity("lognormal", 2e5, 0.9, 0.95, 0.5).quantile(
        rng.random(n)
    )  # the mean under dependence differs a little
    apart = 0.8 * np.clip(loss + expense - spec.deductible_cny, 0, spec.limit_cny).mean()
    model = EventModel(spec, [VALUES], [1.0], seed=1)
    alone = np.sum(model.payments({**X, "dependence": 1.0}), axis=0).mean()
    assert alone == pytest.approx(apart, rel=0.03)
    together = np.sum(model.payments(X), axis=0).mean()
    assert together == pytest.approx(found.event_mean_cny)
    assert together < alone  # large losses and expenses together hit the limit more often
    rate, _ = declared_rate(spec, BOOK, DAY)
    assert found.events[0] == pytest.approx(rate.mean * covered_years(spec, 1.5))
    assert found.total.mean == pytest.approx(
        found.events[0] * found.event_mean_cny, rel=0.02
    )  # the yearly limit takes a little


@given(st.integers(2, 60), st.integers(0, 24), st.floats(0.01, 20))
def test_covered_years_by_integration(term: int, waiting: int, lag: float) -> None:
    spec = CoverSpec(CoverKind.ENFORCEMENT, 1.0, 1.0, term_months=term, waiting_months=min(waiting, term - 1))
    rest = (spec.term_months - spec.waiting_months) / 12
    whole, _ = integrate.quad(lambda t: -math.expm1(-t / lag), 0, rest, points=[min(lag, rest)])
    assert covered_years(spec, lag) == pytest.approx(whole, rel=1e-6, abs=1e-9)
    assert covered_years(replace(spec, excludes_prior=False), lag) == rest
    assert covered_years(spec, lag) <= rest


@given(
    st.floats(0, 1e6), st.floats(1, 1e6), st.floats(0, 0.9), st.one_of(st.none(), st.floats(1, 1e6)),
    st.lists(st.tuples(st.floats(0, 3e6), st.floats(0, 3e6)), min_size=1, max_size=5),
)  # fmt: skip
def test_payments_never_leave_their_bounds(
    d: float, limit: float, share: float, beside: float | None, events: list[tuple[float, float]]
) -> None:
    spec = CoverSpec(
        CoverKind.INFRINGEMENT, limit, limit, deductible_cny=d, coinsurance=share, expense_limit_cny=beside
    )
    loss, expense = np.array(events).T
    paid = paid_for_event(spec, loss, expense)
    assert (paid >= 0).all()
    assert (paid <= np.minimum(loss + expense, limit + (beside or 0)) + 1e-6).all()
    (kept,) = slices_of_event(spec, paid)
    assert (kept <= spec.most_per_event_cny + 1e-6).all()
    assert (paid_for_event(replace(spec, deductible_cny=d + 1000), loss, expense) <= paid + 1e-9).all()


def test_layers_that_fill_the_limit_pay_what_one_layer_pays() -> None:
    whole, sliced = quoted(layers=()), quoted()
    assert sliced.total.mean == pytest.approx(whole.total.mean)
    assert sum(x.premium_cny for x in sliced.layers) == pytest.approx(sliced.premium.gross_cny, rel=0.02)
    primary, excess = sliced.layers
    assert (
        primary.premium_cny / primary.width_cny > excess.premium_cny / excess.width_cny
    )  # rate on line falls with height
    half = quoted(layers=(CoverLayer("half", 0.0, 2e6, 0.5),))
    assert half.total.mean == pytest.approx(whole.total.mean / 2, rel=0.01)


@pytest.mark.parametrize(
    "change", [{"deductible_cny": 2e5}, {"coinsurance": 0.5}, {"waiting_months": 6}, {"limit_cny": 5e5, "layers": ()}, {"structural_zero": 0.4}]
)  # fmt: skip
def test_less_cover_costs_less(change: dict[str, object]) -> None:
    assert quoted(**change).premium.gross_cny < quoted().premium.gross_cny


def test_two_patents_cost_about_twice_and_the_same_inputs_give_the_same_quote() -> None:
    spec = shipped_cover("enforcement")
    one = quote(spec, [patent(spec)], BOOK, DAY, draws=20)
    two = quote(spec, [patent(spec), patent(spec, "CN2")], BOOK, DAY, draws=20)
    assert two.total.mean == pytest.approx(2 * one.total.mean, rel=0.03)
    assert quote_to_dict(one) == quote_to_dict(quote(spec, [patent(spec)], BOOK, DAY, draws=20))


def test_legal_expense_depends_on_the_size_of_the_dispute() -> None:
    model = EventModel(shipped_cover("infringement"), [VALUES], [1.0], seed=3)
    loss, expense = model.ground_up(X)
    assert stats.kendalltau(loss, expense)[0] == pytest.approx(1 - 1 / 1.453, abs=0.03)
    free = model.ground_up({**X, "dependence": 1.0})[1]
    assert np.sort(free) == pytest.approx(np.sort(expense), rel=0.5)  # the margin is the same law
    assert abs(stats.kendalltau(loss, free)[0]) < 0.03
    with pytest.raises(DomainError, match="weights"):
        EventModel(shipped_cover("infringement"), [VALUES], [0.0], seed=3)


@given(st.sampled_from(["lognormal", "gamma"]), st.floats(0.2, 1.5), st.floats(0.6, 1.0), st.floats(0, 0.8))
@settings(max_examples=40)
def test_spliced_severity_is_one_law(body: str, spread: float, start: float, shape: float) -> None:
    law = SplicedSeverity(body, 100.0, spread, start, shape)  # type: ignore[arg-type]
    u = np.array([0.05, 0.5, 0.59, 0.9, 0.99, 0.9999])
    assert law.cdf(law.quantile(u)) == pytest.approx(u, abs=1e-9)
    top = float(law.quantile(np.array(0.97)))
    edges = np.unique(
        np.concatenate([[0.0], np.geomspace(1e-9 * top, top, 8001), np.linspace(min(law.threshold, top), top, 2001)])
    )
    area = float(np.trapezoid(1 - law.cdf(edges), edges))
    assert law.limited_mean(np.array(top)) == pytest.approx(area, rel=1e-5)
    assert law.mean >= float(law.limited_mean(np.array(top)))


def test_a_tail_of_its_own_raises_the_mean_and_bad_laws_are_refused() -> None:
    assert SplicedSeverity("lognormal", 1.0, 0.9, 0.95, 0.5).mean > SplicedSeverity("lognormal", 1.0, 0.9).mean
    assert SplicedSeverity("lognormal", 1.0, 0.9).mean == pytest.approx(math.exp(0.405))
    assert SplicedSeverity("gamma", 5.0, 1.0).mean == pytest.approx(5 / math.log(2))  # exponential
    for bad in ({"median": -1.0}, {"spread": 0.0}, {"tail_from": 0.4}, {"tail_shape": 1.0}, {"body": "normal"}):
        with pytest.raises(DomainError, match=next(iter(bad))):
            SplicedSeverity(**{"body": "lognormal", "median": 1.0, "spread": 1.0, **bad})  # type: ignore[arg-type]


def _cells(rng: np.random.Generator, scale: float = 1.0) -> list[Cell]:
    made = []
    for field in range(1, 21):
        level = 0.01 * rng.gamma(4, 0.25)
        for kind in ("invention", "utility_model"):
            for young in (True, False):
                years = scale * float(rng.uniform(100, 4000))
                rate = level * (2.0 if kind == "invention" else 1.0) * (0.7 if young else 1.0)
                made.append(Cell(field, kind, young, years, float(rng.poisson(rate * years))))
    return [*made, Cell(33, "invention", False, 3.0, 0.0)]


def test_rates_recover_kind_age_and_field_and_thin_fields_are_drawn_to_all() -> None:
    cells = _cells(np.random.default_rng(4), 20.0)
    spec = shipped_cover("enforcement")
    wanted = {
        "a": (5, "invention", False),
        "b": (5, "utility_model", False),
        "c": (5, "invention", True),
        "thin": (33, "invention", False),
    }
    a, b, c, thin = rates_of_patents(wanted, cells, spec, BOOK, DAY)
    assert a.rate.mean / b.rate.mean == pytest.approx(2.0, rel=0.06)
    assert c.rate.mean / a.rate.mean == pytest.approx(0.7, rel=0.06)
    mine = [x for x in cells if x.field == 5 and x.right_type == "invention" and not x.is_young]
    assert a.rate.mean == pytest.approx(mine[0].claims / mine[0].patent_years, rel=0.1)
    assert a.credibility > 0.95
    assert thin.credibility < 0.05
    assert 0.01 < thin.rate.mean < 0.04  # the level of all inventions, not the zero of its own three patent-years
    assert thin.rate.quantile(0.95) / thin.rate.mean > a.rate.quantile(0.95) / a.rate.mean  # and less is known of it


def test_few_cases_update_what_is_declared_and_none_is_silence() -> None:
    spec = shipped_cover("enforcement")
    declared, _ = declared_rate(spec, BOOK, DAY)
    wanted = {"a": (1, "invention", False)}
    (few,) = rates_of_patents(wanted, [Cell(1, "invention", False, 200.0, 6.0)], spec, BOOK, DAY)
    assert few.rate.mean == pytest.approx(declared.after(6, 200).mean)
    assert declared.mean < few.rate.mean < 0.03
    (none,) = rates_of_patents(wanted, [Cell(1, "invention", False, 1e5, 0.0)], spec, BOOK, DAY)
    assert none.rate == declared
    own = replace(spec, book=OwnBook(claims=0.0, patent_years=5000.0))
    (seen,) = rates_of_patents(wanted, [], own, BOOK, DAY)
    assert seen.rate.mean < declared.mean / 10  # years without a claim of the insurer's own are evidence


SEVERITY = lattice_severity(np.array([0.0, 0.4, 0.3, 0.2, 0.1]), 1e5)


def _pool(share: float):
    shocks = common_shocks(120, 0.02, share=share, chance=0.3, field_share=0.5, court_share=0.5)
    return accumulate(120, 0.02, SEVERITY, shocks, level=0.99, points=2048)


def test_common_rulings_keep_the_mean_and_thicken_the_tail() -> None:
    alone, some, many = (_pool(s) for s in (0.0, 0.2, 0.5))
    assert alone.tail_ratio == pytest.approx(1)
    assert 1.1 < some.tail_ratio < many.tail_ratio
    for pool in (alone, some, many):
        assert pool.shocked.mean == pytest.approx(120 * 0.02 * 2e5)
        points = np.arange(2048) * 1e5
        assert float(pool.shocked.pmf @ points) == pytest.approx(pool.shocked.mean, rel=1e-6)


def test_reinsurance_takes_what_it_pays_and_nothing_else() -> None:
    pool = _pool(0.3)
    treaties = Treaties(0.25, (3e5, 2e6), (8e5, 3e6))
    found = reinsure(pool, treaties, loading=0.4, prices=PRICES)
    assert [t.name for t in found.treaties] == ["quota_share", "event", "stop_loss"]
    assert sum(t.expected_cny for t in found.treaties) + found.net.mean == pytest.approx(pool.shocked.mean, rel=1e-6)
    assert found.net.tvar(0.99) < pool.shocked.tvar(0.99)
    assert found.treaties[0].expected_cny == pytest.approx(0.25 * pool.shocked.mean)
    assert all(t.price_cny == pytest.approx(1.4 * t.expected_cny) for t in found.treaties)
    none = reinsure(pool, Treaties(), loading=0.4, prices=PRICES)
    assert none.treaties == ()
    assert none.capital_saved_cny == pytest.approx(0, abs=1e-3)
    whole = reinsure(pool, Treaties(stop_loss=(1e6, 1e9)), loading=0.4, prices=PRICES)
    assert whole.net.quantile(0.9999) <= 1e6


def test_excess_of_loss_applies_to_the_whole_event_by_simulation() -> None:
    pool = _pool(0.5)
    found = reinsure(pool, Treaties(event=(3e5, 2e6)), loading=0.0, prices=PRICES)
    rng, years = np.random.default_rng(6), 30_000
    shock = pool.shocks[0]
    paid = 0.0
    for shock in pool.shocks:
        hits = rng.binomial(len(shock.members), shock.chance, rng.poisson(shock.rate * years))
        event = np.array([rng.choice(5, k, p=SEVERITY.pmf).sum() * 1e5 for k in hits])
        paid += np.clip(event - 3e5, 0, 2e6).sum()
    own = 120 * 0.02 - sum(s.rate * len(s.members) * s.chance for s in pool.shocks)
    paid += np.clip(rng.choice(5, rng.poisson(own * years), p=SEVERITY.pmf) * 1e5 - 3e5, 0, 2e6).sum()
    assert found.treaties[0].expected_cny == pytest.approx(paid / years, rel=0.03)


def test_a_file_with_several_faults_names_each() -> None:
    text = "cover: theft\nlimit_cny: -5\naggregate_limit_cny: 10\ncoinsuranse: 0.2\nlayers: 3\nloan: {amount_cny: 5}\n"
    with pytest.raises(EvidenceError) as error:
        parse_cover(text, name="mine.yaml")
    told = str(error.value)
    for part in (
        "mine.yaml",
        "field cover: 'theft'",
        "coinsuranse: not known",
        "did you mean: coinsurance",
        "field layers: 3",
        "field loan.pd",
        "field loan.lgd",
    ):
        assert part in told
    with pytest.raises(EvidenceError) as error:
        parse_cover(
            "cover: guarantee\nlimit_cny: -5\naggregate_limit_cny: 10\nwaiting_months: 12\nterm_months: 6\n",
            name="b.yaml",
        )
    assert all(part in str(error.value) for part in ("limit_cny: -5", "waiting_months: 12", "field loan: missing"))
    for text in ("- 1", "cover: [", ""):
        with pytest.raises(EvidenceError):
            parse_cover(text, name="c.yaml")
    with pytest.raises(UnknownNameError):
        shipped_cover("theft")


ANY = st.one_of(
    st.floats(allow_nan=True),
    st.integers(-5, 10**13),
    st.text(max_size=4),
    st.booleans(),
    st.none(),
    st.lists(st.integers(), max_size=3),
)


@given(st.dictionaries(st.sampled_from(["limit_cny", "aggregate_limit_cny", "deductible_cny", "coinsurance", "term_months", "waiting_months",
    "layers", "loan", "book", "reinsurance", "structural_zero", "expense_limit_cny", "excludes_prior", "aggregate_deductible_cny"]), ANY))  # fmt: skip
@settings(max_examples=150)
def test_any_file_is_read_or_refused_by_name(change: dict[str, object]) -> None:
    import yaml

    plain = {"cover": "enforcement", "limit_cny": 1e5, "aggregate_limit_cny": 2e5, **change}
    told, spec = "", None
    try:
        spec = parse_cover(yaml.safe_dump(plain), name="x.yaml")
    except EvidenceError as err:
        told = str(err)
    assert "field " in told if spec is None else spec.limit_cny > 0 and 0 <= spec.coinsurance < 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"aggregate_limit_cny": 1.0}, "aggregate_limit_cny"),
        ({"layers": (CoverLayer("a", 0, 1e6), CoverLayer("b", 5e5, 1e6))}, r"layers\[1\]"),
        ({"layers": (CoverLayer("a", 0, 1e9),)}, "layers"),
        ({"aggregate_deductible_cny": 9e9}, "aggregate_deductible_cny"),
        ({"loan": Loan(1e6, 0.03, 0.05, 0.06, (0.5,))}, "loan.pd"),
        ({"loan": Loan(1e6, 0.03, 0.01, 0.06, (1.5,))}, r"loan.lgd\[0\]"),
        ({"reinsurance": Treaties(event=(-1.0, 0.0))}, r"reinsurance.event\[0\].*reinsurance.event\[1\]"),
        ({"coinsurance": math.nan}, "coinsurance"),
    ],
)
def test_covers_that_contradict_themselves_are_refused(change: dict[str, object], told: str) -> None:
    with pytest.raises(DomainError, match=told):
        replace(shipped_cover("infringement"), **change)


def test_a_quote_refuses_what_it_cannot_price() -> None:
    spec = shipped_cover("enforcement")
    for patents, draws, told in (
        ([], 20, "patents"),
        ([InsuredPatent("CN1", VALUES)], 20, "rate"),
        ([patent(spec)], 5, "draws"),
    ):
        with pytest.raises(DomainError, match=told):
            quote(spec, patents, BOOK, DAY, draws=draws)


def test_the_report_shows_the_quote_in_both_languages(tmp_path: Path) -> None:
    found = quoted()
    for lang, word in (("zh", "专利被侵权损失保险"), ("en", "infringement-loss cover")):
        files = render_quote(found, lang=lang, out=tmp_path / lang, is_synthetic=True)
        page = (tmp_path / lang / "quote.html").read_text("utf-8")
        assert word in page
        assert f"{found.premium.gross_cny:,.0f}" in page
        assert files.pdf is not None
        assert files.pdf.read_bytes().startswith(b"%PDF")
        assert files.xlsx is not None
    anchors = [s.anchor for s in quote_document(found, lang="zh").sections]
    assert anchors == ["premium", "losses", "portfolio", "inputs"]
