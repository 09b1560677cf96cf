"""Premiums: printed tariff, rate on line, break-even, the TVaR principle by brute force, bad input."""

from __future__ import annotations

import numpy as np
import pytest

from zhirong.finance.insurance import premium as pr
from zhirong.kernel.errors import DomainError
from zhirong.numerics.aggregate import aggregate_panjer, lattice_severity
from zhirong.numerics.claim_counts import poisson_count


def test_printed_numbers():
    assert pr.break_even_loss(0.02, expense=0.25, share=0.6) == pytest.approx(0.025, abs=1e-12)
    assert pr.rate_on_line(365000, 2190000) == pytest.approx(0.166666666666667, abs=1e-12)
    assert pr.per_patent_tariff(1, base_cny=2000, per_patent_cny=200, multiple=15) == (2200, 33000)
    assert pr.per_patent_tariff(1, base_cny=4000, per_patent_cny=400, multiple=30) == (4400, 132000)


def test_tvar_premium_by_brute_force():
    total = aggregate_panjer(poisson_count(2.0), lattice_severity(np.array([0, 0.6, 0.4]), 1000.0), points=80)
    made = pr.tvar_premium(total, level=0.9, cost_of_capital=0.1, loading=1.0, expense=0.25)
    loss = np.sort(np.random.default_rng(1).choice(np.arange(80) * 1000.0, 400_000, p=total.pmf / total.pmf.sum()))
    capital = loss[-40_000:].mean() - loss.mean()
    assert made.gross_cny == pytest.approx((loss.mean() + 0.1 * capital) / 0.75, rel=5e-3)
    parts = made.expected_loss_cny + made.capital_cost_cny + made.expense_cny
    assert parts == pytest.approx(made.gross_cny)


@pytest.mark.parametrize("field", ["cost_of_capital", "expense", "loading", "level"])
def test_bad_input_names_the_field(field):
    total = aggregate_panjer(poisson_count(2.0), lattice_severity(np.array([0, 1.0])), points=40)
    good = {"level": 0.9, "cost_of_capital": 0.1, "loading": 1.0, "expense": 0.25}
    with pytest.raises(DomainError, match=f"^{field}:"):
        pr.tvar_premium(total, **{**good, field: -1.0})
