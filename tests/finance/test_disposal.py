"""Disposal: recovery conserves, law of ranks, package or lots, loss given default, buyers from evidence."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhirong.finance.disposal import Claim, Lot, dispose, distribute, likely_buyers, rank_claims, shipped_disposal
from zhirong.kernel.errors import DomainError
from zhirong.kernel.text import Bilingual
from zhirong.params import load
from zhirong.reports.disposal_report import render_disposal
from zhirong.sample import write_world
from zhirong.valuation import prepare

DAY = date(2024, 6, 30)
BOOK = load()
NAME = Bilingual("债权", "claim")


def lots(count: int = 1, median: float = 2e6, sigma: float = 0.8, life: float = 10.0) -> list[Lot]:
    rng = np.random.default_rng(2)
    return [Lot(f"CN{k}", median * np.exp(sigma * rng.standard_normal(1_500)), life) for k in range(count)]


@given(
    st.lists(st.tuples(st.floats(0, 1e7), st.integers(1, 4)), max_size=6),
    st.lists(st.floats(0, 5e7), min_size=1, max_size=5),
)
def test_proceeds_are_neither_lost_nor_made(claims, money) -> None:
    ranked = [Claim(f"c{k}", NAME, amount, rank) for k, (amount, rank) in enumerate(claims)]
    paid = distribute(np.array(money), ranked)
    assert sum(paid.values()) == pytest.approx(np.array(money))
    for claim in ranked:
        assert (paid[claim.name] <= claim.amount_cny + 1e-6).all()
        for junior in ranked:
            if junior.rank > claim.rank:  # nothing reaches a lower rank before a higher one is whole
                assert (np.isclose(paid[claim.name], claim.amount_cny, atol=1e-6) | (paid[junior.name] <= 1e-6)).all()
    assert (
        (paid["owner"] <= 1e-6) | all(np.isclose(paid[c.name], c.amount_cny).all() for c in ranked) | (len(money) > 1)
    ).all()


def test_registered_pledges_rank_by_day_and_unregistered_share() -> None:
    claims = rank_claims(
        [("late", date(2024, 1, 1), 60.0), ("early", date(2023, 1, 1), 60.0), ("a", None, 30.0), ("b", None, 10.0)]
    )
    paid = distribute(np.array([100.0, 130.0]), claims)
    assert paid["early"].tolist() == [60.0, 60.0]
    assert paid["late"].tolist() == [40.0, 60.0]
    assert paid["a"].tolist() == [0.0, 7.5]
    assert paid["b"].tolist() == [0.0, 2.5]


def test_a_disposal_pays_the_pledgee_and_gives_a_loss() -> None:
    spec = shipped_disposal(BOOK, DAY)
    small, large = (dispose(lots(), spec, rank_claims([("Bank", date(2023, 1, 1), debt)])) for debt in (2e5, 4e6))
    assert small.lgd is not None
    assert large.lgd is not None
    assert 0 <= small.lgd.mean() < large.lgd.mean() <= 1
    total = sum(x for x in small.paid_cny.values())
    assert total == pytest.approx(small.proceeds_cny)
    assert sum(small.channels.values()) == pytest.approx(1)
    assert small.chosen[0].steps[0].from_month == 0
    assert dispose(lots(), spec).lgd is None


def test_a_promise_to_buy_back_is_a_floor() -> None:
    spec = shipped_disposal(BOOK, DAY)
    promised = shipped_disposal(BOOK, DAY, buy_back_cny=5e6)
    a, b = dispose(lots(), spec), dispose(lots(), promised)
    assert b.lots[0].expected_cny >= 5e6 * (1 - promised.fee) - 1
    assert set(b.channels) <= {"auction", "negotiated", "buy_back"}  # a round may be tried while the promise stands
    assert b.channels["buy_back"] > 0.8
    assert b.lots[0].expected_cny > a.lots[0].expected_cny


def test_a_package_is_taken_only_where_it_brings_more() -> None:
    costly = shipped_disposal(BOOK, DAY, auction_cost_cny=150_000.0)
    apart = shipped_disposal(BOOK, DAY, package_discount=0.6)
    together = dispose(lots(3), costly)
    assert together.package is not None
    assert together.is_package == (together.package.expected_cny > sum(p.expected_cny for p in together.lots))
    assert not dispose(lots(3), apart).is_package


def test_the_same_seed_gives_the_same_disposal_and_worthless_lots_nothing() -> None:
    spec = shipped_disposal(BOOK, DAY)
    assert (dispose(lots(), spec, seed=3).proceeds_cny == dispose(lots(), spec, seed=3).proceeds_cny).all()
    none = dispose([Lot("CN1", np.zeros(200), 5.0)], spec, rank_claims([("Bank", DAY, 10.0)]))
    assert none.proceeds_cny.sum() == 0
    assert none.lgd is not None
    assert none.lgd.mean() == 1
    assert none.channels == {"give_up": 1.0}


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Lot("x", np.array([1.0]), 5.0), "values of x"),
        (lambda: Lot("x", np.full(200, np.nan), 5.0), "values of x"),
        (lambda: Lot("x", np.ones(200), -1.0), "life_years of x"),
        (lambda: Claim("x", NAME, -1.0, 1), "amount_cny of x"),
        (lambda: Claim("x", NAME, 1.0, 0), "rank of x"),
        (lambda: shipped_disposal(BOOK, DAY, costs_first=2.0, bidders=-1.0), "costs_first.*bidders"),
        (lambda: dispose([], shipped_disposal(BOOK, DAY)), "lots"),
        (lambda: distribute(np.array([-1.0]), []), "proceeds"),
        (lambda: distribute(np.ones(1), [Claim("owner", NAME, 1.0, 1)]), "owner"),
    ],
)  # fmt: skip
def test_impossible_disposals_are_refused_by_name(make, field: str) -> None:
    with pytest.raises(DomainError, match=field):
        make()


def test_likely_buyers_build_on_the_lots_and_are_known_by_the_day(tmp_path, duckdb_engine) -> None:
    world = write_world(tmp_path / "world", patent_count=1_500, seed=4)
    background = prepare(world, duckdb_engine, as_of=DAY, book=BOOK)
    cited = duckdb_engine.to_arrow(
        background.tables["citations"]
        .group_by("cited_id")
        .aggregate(n=lambda t: t.citing_id.nunique())
        .order_by(lambda t: t.n.desc())
    ).to_pylist()
    known = set(duckdb_engine.to_arrow(background.tables["patents"].select("patent_id"))["patent_id"].to_pylist())
    target = next(row["cited_id"] for row in cited if row["cited_id"] in known)
    found = likely_buyers(background, [target], most=8)
    assert found
    assert [b.score for b in found] == sorted((b.score for b in found), reverse=True)
    assert all(b.reasons for b in found)
    assert max(b.citing for b in found) > 0
    earlier = prepare(world, duckdb_engine, as_of=date(2012, 6, 30), book=BOOK)
    before = {b.owner_id: b.citing for b in likely_buyers(earlier, [target], most=500)}
    after = {b.owner_id: b.citing for b in likely_buyers(background, [target], most=500)}
    assert sum(before.values()) <= sum(after.values())


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_memo_is_printed(tmp_path, lang: str) -> None:
    spec = shipped_disposal(BOOK, DAY, buy_back_cny=300_000.0)
    found = dispose(lots(2), spec, rank_claims([("Bank", date(2023, 1, 1), 1e6)]))
    files = render_disposal(found, (), as_of=DAY, lang=lang, out=tmp_path, is_synthetic=True)
    page = (tmp_path / "disposal.html").read_text("utf-8")
    assert ("违约损失率" if lang == "zh" else "Loss given default") in page
    assert f"{100 * found.lgd.mean():.1f}%" in page
    assert files.pdf is not None
    assert files.pdf.read_bytes().startswith(b"%PDF")
    bare = dispose(lots(1), spec)
    assert render_disposal(bare, (), as_of=DAY, lang=lang, out=tmp_path / "bare").html is not None
