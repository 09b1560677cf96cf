"""Whether the engine draws what its assumptions say: relief from royalty as a sampler.

The truth comes from code that shares nothing with the engine's compiled kernels but the statement of the assumptions: NumPy's
generator, its multivariate normal, and a present value written out period by period.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from zhirong.kernel.errors import DomainError, NotAdmissibleError
from zhirong.numerics.calibration import fractional_ranks
from zhirong.numerics.montecarlo import INPUTS
from zhirong.numerics.streams import stream_key
from zhirong.valuation.assumptions import CORRELATED, levels_of
from zhirong.valuation.background import Background
from zhirong.valuation.calibration.pieces import piece_check
from zhirong.valuation.calibration.types import PieceCheck
from zhirong.valuation.inputs import Used, default_assumptions
from zhirong.valuation.methods import IncomeModel, income_model
from zhirong.valuation.subject import Subject, describe
from zhirong.valuation.types import Assumption

__all__ = ["check_sampling", "present_value"]

Floats = NDArray[np.float64]
_DRAWS = 999
_NAMES = {name: "attributable_revenue" if name == "revenue" else name for name in INPUTS}


def check_sampling(
    background: Background,
    patent_ids: Sequence[str],
    *,
    seed: int,
    replicates: int = 1_200,
    progress: Callable[[int, int, int], None] = lambda done, total, records: None,
) -> tuple[PieceCheck, ...]:
    """Rank truths drawn from the assumptions of real subjects among the engine's draws.

    Parameters
    ----------
    background : Background
        Evidence at a date.
    patent_ids : sequence of str
        Patents whose assumptions are used, in turn; those without an income model are passed over.
    seed : int
        Seed.
    replicates : int
        Truths.
    progress : callable
        Told truths done, truths in all, and truths done.

    Raises
    ------
    DomainError
        Where not one patent has an income model.
    """
    subjects = [s for s in describe(background, list(patent_ids)) if s.is_alive is not False]
    models = _models(background, subjects, seed)
    if not models:
        raise DomainError("none of the patents has an income model to check")
    rng = np.random.default_rng(stream_key(seed, "calibration/royalty"))
    levels = np.empty(replicates)
    for i in range(replicates):
        model, assumptions = models[i % len(models)]
        # Each round has a stream of its own: one stream would rank all truths of a patent among the same draws.
        fresh = replace(model, key=stream_key(seed, f"calibration/royalty/{i}"))
        truth = _income_truth(rng, fresh, assumptions)
        levels[i] = fractional_ranks(fresh.draws(_DRAWS)[None, :], [truth])[0]
        progress(i + 1, replicates, i + 1)
    return (piece_check("royalty.value", levels),)


def _models(
    background: Background, subjects: Sequence[Subject], seed: int
) -> list[tuple[IncomeModel, Mapping[str, Assumption]]]:
    found: list[tuple[IncomeModel, Mapping[str, Assumption]]] = []
    for subject in subjects:
        assumptions = default_assumptions(background, subject, Used(background.book, background.as_of))
        try:
            model = income_model(subject, assumptions, as_of=background.as_of, seed=seed)
        except NotAdmissibleError:
            continue
        if model.plan.legal_life_years > 0:
            found.append((model, assumptions))
    return found


def _income_truth(rng: np.random.Generator, model: IncomeModel, assumptions: Mapping[str, Assumption]) -> float:
    matrix = np.eye(len(INPUTS))
    for name, (a, b) in CORRELATED.items():
        i, j = INPUTS.index(a), INPUTS.index(b)
        matrix[i, j] = matrix[j, i] = assumptions[name].parameters["value"]
    levels = stats.norm.cdf(rng.multivariate_normal(np.zeros(len(INPUTS)), matrix, method="eigh"))
    drawn = {
        name: float(levels_of(assumptions[_NAMES[name]], np.array([level]))[0])
        for name, level in zip(INPUTS, levels, strict=True)
    }
    plan = model.plan
    return present_value(
        drawn, legal_life_years=plan.legal_life_years, first_period_years=plan.first_period_years,
        tax_rate=plan.tax_rate, tax_life_years=plan.tax_life_years, long_run_growth=plan.long_run_growth,
        growth_fade=plan.growth_fade,
    )  # fmt: skip


def present_value(
    drawn: Mapping[str, float], *, legal_life_years: float, first_period_years: float, tax_rate: float,
    tax_life_years: float, long_run_growth: float, growth_fade: float,
) -> float:  # fmt: skip
    """Return relief from royalty for one set of inputs, written out period by period; mid-period flows.

    Parameters
    ----------
    drawn : Mapping of str to float
        A value for each of `numerics.montecarlo.INPUTS`.
    legal_life_years, first_period_years, tax_rate, tax_life_years, long_run_growth, growth_fade
        As in `numerics.montecarlo.RoyaltyPlan`.

    Notes
    -----
    Periods end at the first year's end and each year after it, and at the end of the shorter of legal and economic life; revenue
    of period p is ``R (1 + g_1) ... (1 + g_p)``, ``g_p = l + (g - l) f^(p-1)``.
    """
    term = min(legal_life_years, drawn["economic_life"])
    ends = [min(end, term) for end in np.arange(first_period_years, legal_life_years + 1.0, 1.0) if end - 1.0 < term]
    total, start = 0.0, 0.0
    for period, end in enumerate(ends):
        rates = [long_run_growth + (drawn["growth"] - long_run_growth) * growth_fade**j for j in range(period)]
        revenue = drawn["revenue"] * float(np.prod([1 + rate for rate in rates]))
        total += revenue * max(end - start, 0.0) / (1 + drawn["discount_rate"]) ** ((start + end) / 2)
        start = end
    value = total * drawn["royalty_rate"] * (1 - tax_rate) * drawn["validity"]
    if tax_rate <= 0 or tax_life_years <= 0:
        return value
    rate = drawn["discount_rate"]
    annuity = sum((1 + rate) ** -(k + 1) for k in range(int(tax_life_years)))
    part = tax_life_years - int(tax_life_years)
    if part > 0:  # a broken last year, as the closed form of the annuity has it
        annuity = (1 - (1 + rate) ** -tax_life_years) / rate
    return float(value / (1 - tax_rate / tax_life_years * annuity * (1 + rate) ** 0.5))
