"""`value_patent` and `value_portfolio`: from evidence at a date to a distribution with its reasons."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.errors import DomainError, NotAdmissibleError
from zhirong.kernel.findings import Finding, Severity
from zhirong.kernel.provenance import Grade, Provenance
from zhirong.kernel.text import Bilingual
from zhirong.numerics.pooling import log_pool
from zhirong.params import wipo35_fields
from zhirong.valuation import income as more_income
from zhirong.valuation import methods
from zhirong.valuation.accounts import Accounts, accounts_of
from zhirong.valuation.appraisers import opinion_draws
from zhirong.valuation.assumptions import override
from zhirong.valuation.background import Background
from zhirong.valuation.comparables import market_value
from zhirong.valuation.dependence import Dependence, depend
from zhirong.valuation.explain import EXPLAIN_DRAWS, contributions
from zhirong.valuation.income_names import ADMITTED_INCOME
from zhirong.valuation.inputs import default_assumptions
from zhirong.valuation.licences import licence_royalty
from zhirong.valuation.market_types import MarketValue
from zhirong.valuation.option_terms import ADMITTED, option_assumptions
from zhirong.valuation.options import event_study_draws, option_draws
from zhirong.valuation.reconcile import PoolFit, conflict, median_error, pool, quantiles_of, weights_for
from zhirong.valuation.resolver import admitted, refused
from zhirong.valuation.standards import standard_for, standards_of
from zhirong.valuation.subject import Subject, describe, known_patents
from zhirong.valuation.types import (
    QUANTILE_LEVELS,
    Admissibility,
    Assumption,
    Contribution,
    MethodResult,
    Purpose,
    StandardOfValue,
    Valuation,
)
from zhirong.valuation.used import Used

__all__ = ["Batch", "PortfolioValuation", "value_patent", "value_patents", "value_portfolio"]

Floats = NDArray[np.float64]
CODE_VERSION = "0.1.0"
DRAWS_MIN = 100

_ADMITTED: Mapping[str, tuple[str, str]] = {  # pairs of Chinese and English
    **ADMITTED_INCOME,
    **ADMITTED,
    "relief_from_royalty": (
        "收入、许可费率、折现率、寿命和稳定性均有证据或先验",
        "revenue, royalty, rate, life and validity each have evidence or a prior",
    ),
    "renewal": (
        "该局有年费表，库内有续展记录可供拟合",
        "the office has a fee schedule and the store holds renewals to fit",
    ),
    "cost": ("权利人研发投入与申请量已知", "the owner's research expense and filings are known"),
    "appraisals": (
        "近年有评估意见，且评估人的偏差、漂移与噪声已由后续成交价学得",
        "recent opinions exist, and the bias, drift and noise of appraisers are learned from prices paid later",
    ),
    "market": (
        "库内有足够的同类权利独立成交可比，且已修正时点、差异与拍卖的选择性偏差",
        "enough deals at arm's length in like rights, moved to the date and corrected for what differs and for unsold lots",
    ),
    "survey_prior": (
        "任何有剩余期限的专利均可用，但证据最弱",
        "open to any patent with life left, and the weakest evidence of all",
    ),
}


_GRADE_ZH: Mapping[Grade, str] = {
    Grade.OFFICIAL: "官方",
    Grade.PUBLISHED: "已发表",
    Grade.COMPUTED: "计算所得",
    Grade.STATED: "用户陈述",
    Grade.RECALLED: "未经核对",
    Grade.ASSUMED: "假设",
    Grade.SYNTHETIC: "合成",
}


@dataclass(frozen=True, slots=True)
class Batch:
    """Values of several patents, each on its own.

    Attributes
    ----------
    valuations : tuple of Valuation
        In the order asked for.
    refused : tuple of Finding
        One for each patent that has no value: it is not in the store at the date, or no method is admissible.
    """

    valuations: tuple[Valuation, ...]
    refused: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class PortfolioValuation:
    """Values of several patents, and what is known of their sum.

    Attributes
    ----------
    name : str
        Portfolio.
    valuations : tuple of Valuation
        One a patent, in the order given.
    independent, comonotonic : Mapping of float to float
        Quantiles of the sum if the patents' values were independent, and if they moved together wholly. Patents of one firm
        share its revenue and its courts, so the second is the cautious reading of the lower quantiles. The two are cases,
        not bounds: with tails this heavy, an upper quantile of the independent sum can be the larger.
    dependence : Dependence
        The sum under what the patents share, with what spreading spares and where its risk sits.
    refused : tuple of Finding
        Patents that were asked for and have no value; the sums are without them.
    weights : Mapping of str to float
        Share owned of patents that are not owned wholly; the sums count that share, the values of the patents are whole.
    """

    name: str
    valuations: tuple[Valuation, ...]
    independent: Mapping[float, float]
    comonotonic: Mapping[float, float]
    dependence: Dependence
    refused: tuple[Finding, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)


def value_patent(
    background: Background,
    patent_id: str,
    *,
    purpose: Purpose,
    mine: Mapping[str, Assumption] | None = None,
    draws: int = 20_000,
    seed: int = 1,
) -> Valuation:
    """Value one patent.

    Parameters
    ----------
    background : Background
        What the store knows at the date (`prepare`).
    patent_id : str
        Patent of the store.
    purpose : Purpose
        Scene.
    mine : Mapping of str to Assumption, optional
        The user's assumptions (`load_overrides`).
    draws : int
        Draws of each method, at least 100.
    seed : int
        Seed; the same inputs give the same bytes on any number of threads.

    Returns
    -------
    Valuation
        A right that has ended has the value 0 and says why.

    Raises
    ------
    UnknownNameError
        For a patent that is not in the store at the date.
    NotAdmissibleError
        When no method is admissible.
    """
    _check_draws(draws)
    accounts = accounts_of(background, [patent_id])[patent_id]
    return _value(background, describe(background, [patent_id])[0], accounts, purpose, mine or {}, draws, seed)


def value_patents(
    background: Background,
    patent_ids: Sequence[str],
    *,
    purpose: Purpose,
    mine: Mapping[str, Assumption] | None = None,
    draws: int = 20_000,
    seed: int = 1,
    progress: Callable[[int, int, int], None] = lambda done, total, records: None,
) -> Batch:
    """Value several patents, each on its own; one that cannot be valued becomes a finding and stops nobody.

    See `value_patent` for the parameters.

    Returns
    -------
    Batch
        Every patent asked for is in it once, as a valuation or as a finding.
    """
    _check_draws(draws)
    known = set(known_patents(background, patent_ids))
    refused = [
        _refusal(patent, f"{patent} is not in the store, or was not yet known at {background.as_of}")
        for patent in patent_ids
        if patent not in known
    ]
    subjects = describe(background, [patent for patent in patent_ids if patent in known])
    accounts = accounts_of(background, [subject.patent_id for subject in subjects])
    valuations = []
    for done, subject in enumerate(subjects, 1):
        try:
            valuations.append(
                _value(background, subject, accounts[subject.patent_id], purpose, mine or {}, draws, seed)
            )
        except NotAdmissibleError as err:
            refused.append(_refusal(subject.patent_id, str(err)))
        progress(done, len(subjects), done)
    return Batch(tuple(valuations), tuple(refused))


def _check_draws(draws: int) -> None:
    if draws < DRAWS_MIN:
        raise DomainError(f"draws must be at least {DRAWS_MIN}, not {draws}")


def _refusal(patent_id: str, message: str) -> Finding:
    return Finding("valuation.refused", Severity.ERROR, patent_id, message, record_id=patent_id)


def value_portfolio(
    background: Background,
    name: str,
    patent_ids: Sequence[str],
    *,
    purpose: Purpose,
    weights: Mapping[str, float] | None = None,
    mine: Mapping[str, Assumption] | None = None,
    draws: int = 20_000,
    seed: int = 1,
    progress: Callable[[int, int, int], None] = lambda done, total, records: None,
) -> PortfolioValuation:
    """Value a portfolio: each patent, their sum under what they share, and were they independent or moved together wholly.

    `weights` holds the share owned of a patent, above 0 to 1, where that is not the whole; see `value_patents` for the rest.

    Raises
    ------
    DomainError
        For no patents, one named twice, or an impossible share.
    NotAdmissibleError
        When not one of them can be valued.
    """
    if not patent_ids:
        raise DomainError("a portfolio needs at least one patent")
    if len(set(patent_ids)) != len(patent_ids):
        raise DomainError("a portfolio names a patent twice")
    batch = value_patents(background, patent_ids, purpose=purpose, mine=mine, draws=draws, seed=seed, progress=progress)
    if not batch.valuations:
        raise NotAdmissibleError(f"{name}: none of {len(patent_ids)} patents can be valued; {batch.refused[0].message}")
    owned = dict(weights or {})
    if wrong := [f"{patent}: {share:g}" for patent, share in owned.items() if not 0 < share <= 1]:
        raise DomainError(f"the share owned of a patent is above 0 to 1, not {wrong[0]}")
    total, together = np.zeros(draws), np.zeros(draws)
    for valuation in batch.valuations:
        assert valuation.draws is not None
        mine_of_it = valuation.draws * owned.get(valuation.subject_id, 1.0)
        total += mine_of_it
        together += np.sort(mine_of_it)
    light = tuple(
        replace(v, draws=None, methods=tuple(replace(m, draws=None) for m in v.methods)) for v in batch.valuations
    )
    shares = background.book.at("portfolio.common_shares", background.as_of)
    dependence = depend(batch.valuations, owned, shares, draws=draws, seed=seed)
    return PortfolioValuation(
        name, light, quantiles_of(total), quantiles_of(together), dependence, batch.refused, owned
    )


def _value(
    background: Background,
    subject: Subject,
    accounts: Accounts,
    purpose: Purpose,
    mine: Mapping[str, Assumption],
    draws: int,
    seed: int,
) -> Valuation:
    used = Used(background.book, background.as_of)
    assumptions = override(assumptions_of(background, subject, accounts, used), mine)
    run = _run(background, subject, assumptions, used, draws, seed)
    model, values = run.model, run.values
    found = _pooled(background, subject, values, used, purpose, seed)
    weights, standard = found.weights, standard_for(purpose)
    standards = standards_of(found.pooled, assumptions, seed=seed, subject_id=subject.patent_id)
    pooled = standards.draws[standard]
    why = _weight_reason(background.pool, used)
    results = tuple(_result(name, values[name], weights[name], model, why(name)) for name in values)
    bars = _tornado(model, values, weights, assumptions, seed, subject.patent_id, background.pool)
    return Valuation(
        subject_id=subject.patent_id,
        patent_ids=(subject.patent_id,),
        as_of=background.as_of,
        currency="CNY",
        purpose=purpose,
        standard_of_value=standard,
        quantiles=quantiles_of(pooled),
        mean=float(pooled.mean()),
        sd=float(pooled.std()),
        methods=results,
        admissibility=tuple(run.verdicts),
        contributions=bars,
        assumptions=tuple(_relevant(assumptions, values)),
        provenance=provenance_of(background, purpose, used, draws, seed, mine),
        facts=_facts(background, subject),
        unknown=tuple(_unknown(background, subject, assumptions, values)),
        findings=_findings(background, subject),
        is_synthetic=background.store.manifest.is_synthetic,
        other_standards={str(name): quantiles_of(x) for name, x in standards.draws.items() if name is not standard},
        standard_steps=standards.steps,
        other_pools=_by_agreement(values, weights),
        market=run.market,
        licences=licence_royalty(background, subject, assumptions["royalty_rate"], used).comparables,
        draws=pooled,
    )


def assumptions_of(background: Background, subject: Subject, accounts: Accounts, used: Used) -> dict[str, Assumption]:
    """Return every assumption that evidence or a parameter gives, before the user's own."""
    found = default_assumptions(background, subject, used)
    found["royalty_rate"] = licence_royalty(background, subject, found["royalty_rate"], used).assumption
    return {
        **found,
        **more_income.income_assumptions(background, accounts, used),
        **option_assumptions(used.at),
    }


def pooled_draws(
    background: Background,
    subject: Subject,
    assumptions: Mapping[str, Assumption],
    *,
    purpose: Purpose,
    draws: int,
    seed: int,
) -> Floats:
    """Return the draws that `value_patent` gives under these assumptions, without explanation; for comparing states."""
    used = Used(background.book, background.as_of)
    return reconciled(background, subject, assumptions, used, purpose=purpose, draws=draws, seed=seed).pooled


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What `value_patent` computes before it explains.

    Attributes
    ----------
    pooled : ndarray, shape (draws,)
        Reconciled value under the standard of the purpose.
    values : Mapping of str to ndarray
        Draws of each admissible method.
    weights : Mapping of str to float
        Weight of each of them.
    """

    pooled: Floats
    values: Mapping[str, Floats]
    weights: Mapping[str, float]


def reconciled(
    background: Background, subject: Subject, assumptions: Mapping[str, Assumption], used: Used, *, purpose: Purpose,
    draws: int, seed: int,
) -> Reconciled:  # fmt: skip
    """Return the value of a patent without explanation: what a whole corpus is valued by.

    Raises
    ------
    NotAdmissibleError
        When no method is admissible.
    """
    values = _run(background, subject, assumptions, used, draws, seed, is_explained=False).values
    found = _pooled(background, subject, values, used, purpose, seed)
    if (standard := standard_for(purpose)) is StandardOfValue.MARKET:
        return found
    standards = standards_of(found.pooled, assumptions, seed=seed, subject_id=subject.patent_id)
    return replace(found, pooled=standards.draws[standard])


def _pooled(
    background: Background, subject: Subject, values: Mapping[str, Floats], used: Used, purpose: Purpose, seed: int
) -> Reconciled:
    weights = _weights(background, values, used, purpose)
    pooled = pool(values, weights, seed=seed, subject_id=subject.patent_id, learned=background.pool)
    return Reconciled(pooled, values, weights)


def draws_by_method(
    background: Background, patent_ids: Sequence[str], *, only: Collection[str], draws: int, seed: int
) -> dict[str, dict[str, Floats]]:
    """Return the draws of those methods that are admissible, of patents that the store knows and that are alive, before pooling."""
    subjects = describe(background, known_patents(background, patent_ids))
    accounts = accounts_of(background, [subject.patent_id for subject in subjects])
    found = {}
    for subject in sorted(subjects, key=lambda s: s.patent_id):
        if subject.is_alive is False:
            continue
        used = Used(background.book, background.as_of)
        assumptions = assumptions_of(background, subject, accounts[subject.patent_id], used)
        try:
            found[subject.patent_id] = _run(
                background, subject, assumptions, used, draws, seed, only=only, is_explained=False
            ).values
        except NotAdmissibleError:
            continue
    return found


def _weights(background: Background, values: Mapping[str, Floats], used: Used, purpose: Purpose) -> dict[str, float]:
    declared = used.at("valuation.weights").value
    if background.pool is not None:
        used.at("valuation.pool_strength")
        return weights_for(list(values), background.pool.weights, purpose)
    weights = weights_for(list(values), declared, purpose)
    return _without_income(weights) if len(values) > 1 and "relief_from_royalty" not in values else weights


def provenance_of(
    background: Background, purpose: Purpose, used: Used, draws: int, seed: int, mine: Mapping[str, Assumption]
) -> Provenance:
    """Return what is needed to compute a value again."""
    settings = {"purpose": str(purpose), "draws": str(draws), "overridden": ",".join(sorted(mine))}
    return Provenance(
        code_version=CODE_VERSION,
        as_of=background.as_of,
        data=background.store.fingerprints(),
        parameters=dict(used.versions),
        seed=seed,
        settings=settings,
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """What the methods gave: models that are explained and shown, draws by admissible method, and a verdict on each."""

    model: methods.IncomeModel | None
    market: MarketValue | None
    values: dict[str, Floats]
    verdicts: list[Admissibility]


def _run(
    background: Background, subject: Subject, assumptions: Mapping[str, Assumption], used: Used, draws: int, seed: int,
    *, only: Collection[str] | None = None, is_explained: bool = True,
) -> _Run:  # fmt: skip
    """Run every method that is admissible, or of those named, and say of each why or why not."""
    if subject.undated_end is not None:
        raise NotAdmissibleError(
            f"{subject.patent_id}: a source states the status {subject.undated_end!r} without its date, so that it cannot be told "
            f"whether the right was alive at {background.as_of}; give the date of the status (法律状态日期) or remove the statement"
        )
    model: methods.IncomeModel | None = None
    market: MarketValue | None = None
    values: dict[str, Floats] = {}
    verdicts: list[Admissibility] = []

    def attempt(name: str, run: Callable[[], Floats]) -> None:
        if only is not None and name not in only:
            return
        try:
            values[name] = run()
            verdicts.append(admitted(name, *_ADMITTED[name]))
        except NotAdmissibleError as err:
            verdicts.append(refused(name, str(err)))

    def income() -> Floats:
        nonlocal model
        model = methods.income_model(subject, assumptions, as_of=background.as_of, seed=seed)
        return model.draws(draws)

    def compared() -> Floats:
        nonlocal market
        market = market_value(background, subject, used, seed=seed, count=draws, is_explained=is_explained)
        return market.draws

    attempt("relief_from_royalty", income)
    more: dict[str, Any] = {"as_of": background.as_of, "seed": seed, "count": draws, "model": model}
    attempt("excess_earnings", lambda: more_income.excess_earnings_draws(subject, assumptions, used, **more))
    attempt("with_and_without", lambda: more_income.with_and_without_draws(subject, assumptions, used, **more))
    attempt("profit_split", lambda: more_income.profit_split_draws(subject, assumptions, used, **more))
    attempt("renewal", lambda: methods.renewal_draws(background, subject, assumptions, used, seed=seed, count=draws))
    attempt("cost", lambda: methods.cost_draws(subject, assumptions, seed=seed, count=draws))
    attempt("option", lambda: option_draws(background, subject, assumptions, model, used, seed=seed, count=draws))
    attempt("event_study", lambda: event_study_draws(background, subject, used, seed=seed, count=draws))
    attempt("appraisals", lambda: _appraisals(background, subject, used, seed=seed, count=draws))
    attempt("market", compared)
    attempt("survey_prior", lambda: methods.survey_draws(subject, used, seed=seed, count=draws))
    if subject.is_alive is False:
        values = {name: np.zeros(draws) for name in values} or {"survey_prior": np.zeros(draws)}
        market = None
    if not values:
        raise NotAdmissibleError(
            f"{subject.patent_id}: no method is admissible; every method needs a filing date "
            f"({subject.row['filing_date'] or 'unknown'}) and a legal term "
            f"({subject.legal_end or 'unknown'}; right type {subject.row['right_type'] or 'unknown'})"
        )
    return _Run(model, market, values, verdicts)


def _appraisals(background: Background, subject: Subject, used: Used, *, seed: int, count: int) -> Floats:
    """Return what recent opinions on the patent say together; a right that has ended needs none."""
    years, spread = used.at("valuation.opinion_years"), used.at("valuation.opinion_spread")
    return opinion_draws(
        background.panel, subject.patent_id, as_of=background.as_of, count=count,
        years_max=float(years.value), spread_a_year=float(spread.value), seed=seed,
    ).draws  # fmt: skip


def _without_income(weights: dict[str, float]) -> dict[str, float]:
    """Without income the survey prior carries what income would have carried: renewals see only the low end of values."""
    shares = {"survey_prior": 0.6, "renewal": 0.4} | {
        name: weights.get(name, 0.0) for name in ("cost", "appraisals", "market")
    }
    mine = {name: shares.get(name, 0.0) for name in weights}
    total = sum(mine.values())
    return {name: share / total for name, share in mine.items()}


def _weight_reason(learned: PoolFit | None, used: Used) -> Callable[[str], Bilingual]:
    """Return what to say of the weight of a method."""
    if learned is None:
        grade = used.at("valuation.weights").source.grade
        declared = Bilingual(
            f"参数权重，按可用方法归一化（{_GRADE_ZH[grade]}，可替换）",
            f"declared weight, normed over admissible methods ({grade}; replaceable)",
        )
        return lambda name: declared

    def told(name: str) -> Bilingual:
        share, error = learned.weights.get(name, 0.0), learned.errors.get(name, 0.0)
        return Bilingual(
            f"由 {learned.labels} 笔独立成交（{learned.from_date} 至 {learned.to_date}）按对数评分学得 {share:.0%} ± {error:.0%}，"
            "向参数权重收缩，按可用方法归一化",
            f"learned by the log score from {learned.labels} prices at arm's length, {learned.from_date} to {learned.to_date}: "
            f"{share:.0%} ± {error:.0%}, drawn to the declared weight, normed over admissible methods",
        )

    return told


def _result(name: str, draws: Floats, weight: float, model: methods.IncomeModel | None, why: Bilingual) -> MethodResult:
    is_income = name == "relief_from_royalty" and model is not None
    return MethodResult(
        method=name,
        label=methods.LABELS[name],
        quantiles=quantiles_of(draws),
        mean=float(draws.mean()),
        sd=float(draws.std()),
        monte_carlo_error=median_error(draws),
        weight=weight,
        weight_reason=why,
        draws=draws,
        fan=model.fan() if is_income and model is not None and model.plan.legal_life_years > 0 else None,
    )  # fmt: skip


def _tornado(
    model: methods.IncomeModel | None, values: Mapping[str, Floats], weights: Mapping[str, float],
    assumptions: Mapping[str, Assumption], seed: int, subject_id: str, learned: PoolFit | None,
) -> tuple[Contribution, ...]:  # fmt: skip
    if model is None or weights.get("relief_from_royalty", 0.0) == 0 or not values["relief_from_royalty"].any():
        return ()
    rest = {name: np.resize(draws, EXPLAIN_DRAWS) for name, draws in values.items()}

    def pooled_median(income: Floats) -> float:
        mixed = {**rest, "relief_from_royalty": income}
        return float(np.median(pool(mixed, weights, seed=seed, subject_id=subject_id, learned=learned)))

    return contributions(model, pooled_median, assumptions)


def _by_agreement(values: Mapping[str, Floats], weights: Mapping[str, float]) -> dict[str, dict[float, float]]:
    """Return the logarithmic pool beside the linear one, where two methods at least have a weight and a value."""
    spoken = {name: draws for name, draws in values.items() if weights.get(name, 0.0) > 0 and draws.max() > 0}
    if len(spoken) < 2:
        return {}
    return {"logarithmic": log_pool(spoken, weights, QUANTILE_LEVELS)}


def _relevant(assumptions: Mapping[str, Assumption], values: Mapping[str, Floats]) -> list[Assumption]:
    unused = set() if "cost" in values else {"development_cost", "functional_obsolescence"}
    return [a for name, a in sorted(assumptions.items()) if name not in unused]


def _facts(background: Background, subject: Subject) -> dict[str, Any]:
    row = subject.row
    kept = (
        "title",
        "office",
        "publication_number",
        "application_number",
        "right_type",
        "claim_count",
        "family_id",
        "legal_status",
    )
    facts: dict[str, Any] = {name: row[name] for name in kept}
    facts |= {
        name: row[name].isoformat() if row[name] else None for name in ("filing_date", "publication_date", "grant_date")
    }
    facts |= {
        "primary_class": " — ".join(filter(None, (subject.class_symbol, subject.class_title))) or None,
        "technology_field": _field_name(subject.field),
        "wipo_field": subject.field,
        "legal_end_date": subject.legal_end.isoformat() if subject.legal_end else None,
        "legal_life_years": round(subject.legal_life_years, 4) if subject.legal_life_years is not None else None,
        "age_years": round(subject.age_years, 4) if subject.age_years is not None else None,
        "is_alive": subject.is_alive,
        "ended_by": subject.ended_by,
        "paid_to_year": subject.paid_to_year,
        "owner_name": subject.owner_name,
        "owner_revenue_cny": subject.owner_revenue_cny,
        "owner_patent_count": subject.owner_patents,
        "event_counts": subject.event_counts or None,
        "source_id": row["source_id"],
    }
    return facts


@cache
def _field_names() -> dict[int, dict[str, str]]:
    return {row["field"]: {"zh": row["name_zh"], "en": row["name_en"]} for row in wipo35_fields().to_pylist()}


def _field_name(field: int | None) -> dict[str, str] | None:
    return None if field is None else _field_names()[field]


def _unknown(
    background: Background, subject: Subject, assumptions: Mapping[str, Assumption], values: Mapping[str, Floats]
) -> list[Bilingual]:
    found = []
    if subject.is_alive is None:
        found.append(
            Bilingual(
                "法律状态未知：估值以权利有效为前提，放款前须核实登记簿",
                "Legal status unknown: the value supposes that the right is in force; check the register before lending",
            )
        )
    if subject.owner_revenue_cny is None:
        found.append(Bilingual("权利人专利产品收入未知", "The owner's revenue under its patents is unknown"))
    if not subject.event_counts:
        found.append(
            Bilingual(
                "年费缴纳、质押、许可和诉讼记录未知（库内无事件来源）",
                "Annuities, pledges, licences and suits are unknown (no events in the store)",
            )
        )
    if "economic_life" not in assumptions:
        found.append(Bilingual("无失效日期可拟合经济寿命", "No lapse dates to fit an economic life"))
    if subject.row["family_id"] is None:
        found.append(Bilingual("同族情况未知", "The patent family is unknown"))
    if subject.field is None:
        found.append(Bilingual("技术领域未知（缺分类号）", "The technology field is unknown (no class)"))
    if "attributable_revenue" in assumptions and subject.owner_patents:
        found.append(
            Bilingual(
                "收入在权利人各专利间的真实分摊未知，按等份计",
                "How revenue really divides among the owner's patents is unknown; equal shares are used",
            )
        )
    medians = {name: float(np.median(draws)) for name, draws in values.items()}
    disagreement = conflict(medians, methods.LABELS)
    return [*found, disagreement] if disagreement else found


def _findings(background: Background, subject: Subject) -> tuple[Finding, ...]:
    """Return the findings of the manifest that name the patent, and that its right has ended."""
    row = subject.row
    names = {subject.patent_id, row["publication_number"], row["application_number"]} - {None}
    kept = [
        Finding(**{**plain, "severity": Severity(plain["severity"])})
        for source in background.store.manifest.sources
        for plain in source.findings
        if plain.get("record_id") in names
    ]
    if subject.is_alive is False:
        message = f"the right has ended ({subject.ended_by}): its forward value is 0; damages for the past are not valued here"
        kept.append(
            Finding("valuation.right_ended", Severity.WARNING, subject.patent_id, message, record_id=subject.patent_id)
        )
    return tuple(kept)
