"""The methods: relief from royalty, renewal, cost, and the survey prior; each returns draws of a value.

Draws come from streams named after the patent and the method, so they do not depend on what else is computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy import special

from zhirong.kernel.dates import year_fraction
from zhirong.kernel.errors import NotAdmissibleError
from zhirong.kernel.text import Bilingual
from zhirong.numerics.montecarlo import (
    INPUTS,
    RoyaltyPlan,
    correlation_root,
    normal_scores,
    royalty_flows,
    royalty_inputs,
    royalty_values,
)
from zhirong.numerics.renewal import RenewalFit, value_given_paid, value_given_renewed
from zhirong.numerics.streams import stream_key
from zhirong.valuation.assumptions import CORRELATED, levels_of, table_of
from zhirong.valuation.background import Background
from zhirong.valuation.income_names import LABELS_INCOME
from zhirong.valuation.renewals import (
    annuity_fees,
    fees_paid,
    has_periodic_fees,
    periodic_schedule,
    schedule_path,
)
from zhirong.valuation.subject import Subject, age_in_patent_years
from zhirong.valuation.types import QUANTILE_LEVELS, Assumption, CashFlowFan
from zhirong.valuation.used import Used

__all__ = ["LABELS", "IncomeModel", "cost_draws", "income_model", "renewal_draws", "survey_draws"]

Floats = NDArray[np.float64]
FAN_DRAWS = 4_000

LABELS: Mapping[str, Bilingual] = {
    "relief_from_royalty": Bilingual("收益法：许可费节省", "Income: relief from royalty"),
    **LABELS_INCOME,
    "renewal": Bilingual("续展行为法", "Renewal behaviour"),
    "cost": Bilingual("成本法：重置成本", "Cost: replacement"),
    "survey_prior": Bilingual("发明人调查先验", "Survey prior"),
    "appraisals": Bilingual("评估意见合成（按评估人历史修正）", "Appraisers' opinions, corrected by their records"),
    "market": Bilingual("市场法：可比交易", "Market: comparable deals"),
    "option": Bilingual("实物期权法", "Real options"),
    "event_study": Bilingual("事件研究法", "Event study"),
}
"""Name of each method."""

_INPUT_OF = dict(zip(INPUTS, ("attributable_revenue", *INPUTS[1:]), strict=True))


@dataclass(frozen=True, slots=True)
class IncomeModel:
    """A relief-from-royalty model ready to be drawn from."""

    key: int
    tables: Floats
    root: Floats
    plan: RoyaltyPlan
    assumptions: Mapping[str, Assumption]

    def draws(self, count: int, *, held: Mapping[str, float] | None = None) -> Floats:
        """Return values; `held` fixes inputs (by assumption name) and leaves the random numbers of the others as they are."""
        tables = self.tables
        if held:
            tables = tables.copy()
            for row, name in enumerate(_INPUT_OF.values()):
                if name in held:
                    tables[row] = held[name]
        return royalty_values(self.key, tables, self.root, self.plan, draws=count)

    def inputs(self, count: int) -> Floats:
        """Return the drawn inputs, shape (count, 6)."""
        return royalty_inputs(self.key, self.tables, self.root, draws=count)

    def fan(self) -> CashFlowFan:
        """Return quantiles of the yearly flows after tax and risk, not discounted."""
        flows = royalty_flows(self.key, self.tables, self.root, self.plan, draws=FAN_DRAWS)
        ends = self.plan.first_period_years + np.arange(flows.shape[1])
        ends = np.minimum(ends, self.plan.legal_life_years)
        bands = {level: tuple(np.quantile(flows, level, axis=0).tolist()) for level in QUANTILE_LEVELS}
        return CashFlowFan(
            tuple(ends.tolist()), bands, Bilingual("税后、风险调整后的许可费节省", "Royalty saved, after tax and risk")
        )


def income_model(subject: Subject, assumptions: Mapping[str, Assumption], *, as_of: date, seed: int) -> IncomeModel:
    """Set up relief from royalty, or raise `NotAdmissibleError` naming what is missing."""
    missing = [name for name in _INPUT_OF.values() if name not in assumptions]
    if missing:
        raise NotAdmissibleError(", ".join(missing))
    if subject.legal_life_years is None:
        raise NotAdmissibleError("legal_life_years")
    year_end = date(as_of.year, 12, 31)
    plan = RoyaltyPlan(
        legal_life_years=subject.legal_life_years,
        first_period_years=((year_end - as_of).days + 1) / 365.25 if as_of != date(as_of.year, 1, 1) else 1.0,
        tax_rate=assumptions["tax_rate"].parameters["value"],
        tax_life_years=assumptions["tax_life"].parameters["value"],
        long_run_growth=assumptions["long_run_growth"].parameters["value"],
        growth_fade=assumptions["growth_fade"].parameters["value"],
    )
    matrix = np.eye(len(INPUTS))
    for name, (a, b) in CORRELATED.items():
        i, j = INPUTS.index(a), INPUTS.index(b)
        matrix[i, j] = matrix[j, i] = assumptions[name].parameters["value"]
    tables = np.stack([table_of(assumptions[name]) for name in _INPUT_OF.values()])
    key = stream_key(seed, f"relief_from_royalty/{subject.patent_id}")
    return IncomeModel(key, tables, correlation_root(matrix), plan, assumptions)


def _levels(seed: int, name: str, count: int, columns: int) -> Floats:
    return np.asarray(special.ndtr(normal_scores(stream_key(seed, name), count)[:, :columns]), np.float64)


def renewal_draws(background: Background, subject: Subject, assumptions: Mapping[str, Assumption], used: Used,
                  *, seed: int, count: int) -> Floats:  # fmt: skip
    """Return values, in CNY, that the owner's renewals speak for, or raise `NotAdmissibleError`."""
    office, right = str(subject.row["office"]), str(subject.row["right_type"] or "invention")
    name = f"{office}:{right}"
    fit = background.renewal.get(name)
    if fit is None:
        raise NotAdmissibleError(
            background.reasons.get(f"renewal.{name}", "no renewals of this office and right in the store")
        )
    rate = _to_cny(office, used)
    used.at(schedule_path(background.book, office, right))
    levels = _levels(seed, f"renewal/{subject.patent_id}", count, 2)
    if has_periodic_fees(background.book, office, right):
        base = _value_periodic(background, subject, used, fit, levels[:, 0])
    else:
        fees = annuity_fees(background.book, office, right, background.as_of)
        age = min(max(age_in_patent_years(subject, background.as_of), subject.paid_to_year or 0), len(fees))
        discount = float(levels_of(assumptions["discount_rate"], np.array([0.5]))[0])
        base = value_given_renewed(fit.mu, fit.sigma, fit.decay, 1 / (1 + discount), fees, age, levels[:, 0])
    # Parameter uncertainty: the location moves with its standard error from draw to draw.
    shift = fit.standard_errors[0] * special.ndtri(levels[:, 1])
    return np.asarray(base * np.exp(shift) * rate, np.float64)


def _value_periodic(background: Background, subject: Subject, used: Used, fit: RenewalFit, levels: Floats) -> Floats:
    """Return what is left of a right kept by a few fees; those due by now count as paid only where a payment is known."""
    grant = subject.row["grant_date"]
    if grant is None or subject.legal_life_years is None:
        raise NotAdmissibleError("grant_date")
    age = year_fraction(grant, background.as_of)
    schedule = periodic_schedule(
        background.book, str(subject.row["office"]), str(subject.row["right_type"] or "invention"), background.as_of,
        term_years=age + subject.legal_life_years,
    )  # fmt: skip
    used.at("valuation.renewal_decay")
    beta = 1 / (1 + float(used.at("valuation.renewal_discount_rate").value))
    paid = int(fees_paid(schedule, float(subject.paid_to_year or 0)))
    return value_given_paid(fit, schedule, beta, paid=paid, age_years=age, levels=levels)


def _to_cny(office: str, used: Used) -> float:
    if office == "CN":
        return 1.0
    currency = {"US": "usd", "EP": "eur", "DE": "eur", "JP": "jpy", "KR": "krw"}.get(office)
    p = used.first(f"fx.{currency}_cny") if currency else None
    if p is None:
        raise NotAdmissibleError(f"no exchange rate for the fees of {office}")
    return float(p.value)


def cost_draws(subject: Subject, assumptions: Mapping[str, Assumption], *, seed: int, count: int) -> Floats:
    """Return replacement cost less functional and economic obsolescence, or raise `NotAdmissibleError`."""
    needed = ("development_cost", "functional_obsolescence")
    if missing := [name for name in needed if name not in assumptions]:
        raise NotAdmissibleError(", ".join(missing))
    if subject.age_years is None or subject.legal_life_years is None:
        raise NotAdmissibleError("filing_date")
    levels = _levels(seed, f"cost/{subject.patent_id}", count, 3)
    cost = levels_of(assumptions["development_cost"], levels[:, 0])
    functional = levels_of(assumptions["functional_obsolescence"], levels[:, 1])
    left = np.full(count, subject.legal_life_years)
    if "economic_life" in assumptions:
        left = np.minimum(left, levels_of(assumptions["economic_life"], levels[:, 2]))
    economic = 1 - left / (subject.age_years + left) if subject.age_years > 0 else np.zeros(count)
    return np.asarray(cost * (1 - functional) * (1 - economic), np.float64)


def survey_draws(subject: Subject, used: Used, *, seed: int, count: int) -> Floats:
    """Return the survey's distribution of values at grant, scaled to the life that is left.

    The weakest evidence there is: it knows only that this is a patent, and how long it still runs.
    """
    if subject.legal_life_years is None or subject.age_years is None:
        raise NotAdmissibleError("filing_date")
    p, rate = used.at("value.prior.patval"), used.at("fx.eur_cny")
    whole = subject.age_years + subject.legal_life_years
    share = subject.legal_life_years / whole if whole > 0 else 0.0
    levels = _levels(seed, f"survey_prior/{subject.patent_id}", count, 1)[:, 0]
    return np.asarray(
        float(p.value["median"]) * float(rate.value) * share * np.exp(float(p.value["sigma"]) * special.ndtri(levels)),
        np.float64,
    )
