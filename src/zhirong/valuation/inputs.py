"""Default assumptions of one patent: what evidence and parameters say, each with its source."""

from __future__ import annotations

import numpy as np
from scipy import stats

from zhirong.kernel.provenance import Grade, Source
from zhirong.kernel.text import Bilingual
from zhirong.params import Parameter
from zhirong.valuation.assumptions import CORRELATED, fixed, levels_of, spread
from zhirong.valuation.background import Background
from zhirong.valuation.discount import built_up_rate
from zhirong.valuation.moving import with_movement
from zhirong.valuation.scenarios import ScenarioTree, scenario_tree, validity_assumption
from zhirong.valuation.standard_terms import KNOWN_STANDARDS
from zhirong.valuation.subject import Subject
from zhirong.valuation.tax_benefit import tax_life
from zhirong.valuation.types import Assumption, Distribution
from zhirong.valuation.used import Used

__all__ = ["Used", "default_assumptions", "fitted_life"]

_TREE_SEED = 1
"""Of the draws that turn a scenario tree into one chance: an assumption does not depend on the seed of a valuation."""


def default_assumptions(background: Background, subject: Subject, used: Used) -> dict[str, Assumption]:
    """Return every assumption for which evidence or a parameter exists; what is missing stays missing.

    Parameters
    ----------
    background : Background
        What the patents of the store share.
    subject : Subject
        Facts of the patent.
    used : Used
        Parameters at the date.

    Returns
    -------
    dict of str to Assumption
    """
    office = str(subject.row["office"])
    rate = built_up_rate(used, office).assumption
    life = fitted_life(background, subject)
    tree = scenario_tree(background, subject, used)
    found = [
        _revenue(background, subject, used),
        _growth(used),
        _royalty(subject, used),
        rate,
        life,
        _validity(subject, tree, rate, life),
        _tax(subject, used),
        tax_life(used, office, rate=rate.parameters["mean"], legal_life_years=subject.legal_life_years),
        fixed(
            "long_run_growth", used.at("valuation.long_run_growth").value, used.at("valuation.long_run_growth").source
        ),
        fixed("growth_fade", used.at("valuation.growth_fade").value, used.at("valuation.growth_fade").source),
        *(_triangle(name, used.at(f"valuation.{name}")) for name in ("forced_sale_discount", *KNOWN_STANDARDS)),
        _triangle("functional_obsolescence", used.at("valuation.functional_obsolescence")),
        _cost(background, subject),
    ]
    correlations = used.at("valuation.correlations")
    found += [
        fixed(name, correlations.value[name.removeprefix("correlation_")], correlations.source) for name in CORRELATED
    ]
    listed = {item.name: item for item in found if item is not None}
    years = subject.legal_life_years or 0.0
    tested = 1 - (1 - tree.nodes["challenge"].mean) ** years
    return with_movement(background.movement, subject, listed, used, tested=tested)


def _computed(title: Bilingual, background: Background) -> Source:
    grade = Grade.SYNTHETIC if background.store.manifest.is_synthetic else Grade.COMPUTED
    return Source(title.en, grade, dated=background.as_of, title_zh=title.zh)


def _triangle(name: str, p: Parameter) -> Assumption:
    assert p.low is not None, f"{p.path} needs a range"
    assert p.high is not None, f"{p.path} needs a range"
    return spread(name, Distribution.TRIANGULAR, {"low": p.low, "mode": float(p.value), "high": p.high}, p.source)


def _revenue(background: Background, subject: Subject, used: Used) -> Assumption | None:
    sigma = float(used.at("valuation.revenue_sigma").value)
    if subject.owner_revenue_cny is not None and subject.owner_patents:
        median = subject.owner_revenue_cny / subject.owner_patents
        title = Bilingual(
            f"权利人 {subject.revenue_year} 年专利产品收入 {subject.owner_revenue_cny:,.0f} 元，"
            f"由其 {subject.owner_patents} 件授权专利等份分摊",
            f"Owner's revenue under its patents in {subject.revenue_year}, CNY {subject.owner_revenue_cny:,.0f}, "
            f"over its {subject.owner_patents} granted patents in equal shares",
        )
        return spread(
            "attributable_revenue",
            Distribution.LOGNORMAL,
            {"median": median, "sigma": sigma},
            _computed(title, background),
        )
    if background.revenue_prior is not None:
        median, spread_log = background.revenue_prior
        title = Bilingual(
            f"库内 {background.revenue_firms} 家企业每件授权专利的专利产品收入；权利人自身收入未知",
            f"Patent revenue for each granted patent over the {background.revenue_firms} firms of the store; owner's own unknown",
        )
        total = float(np.hypot(spread_log, sigma))
        return spread(
            "attributable_revenue",
            Distribution.LOGNORMAL,
            {"median": median, "sigma": total},
            _computed(title, background),
        )
    return None


def _growth(used: Used) -> Assumption:
    p = used.at("valuation.growth")
    return spread("growth", Distribution.NORMAL, p.value, p.source, low=p.low, high=p.high)


def _royalty(subject: Subject, used: Used) -> Assumption:
    if subject.sector_royalty is not None:
        low, median, high = subject.sector_royalty
        sigma = float(np.log(high / low) / (2 * stats.norm.ppf(0.75)))
        source = Source(
            "Quartiles of royalty rates of the owner's sector in the store", Grade.COMPUTED,
            title_zh="库内权利人所在行业的许可费率四分位数",
        )  # fmt: skip
        return spread("royalty_rate", Distribution.LOGNORMAL, {"median": median, "sigma": sigma}, source, high=0.3)
    medians = used.at("royalty.prior.goldscheider")
    industry = used.at("royalty.industry_of_field").value.get(subject.field, "total")
    sigma = _parr_sigma(used)
    note = f"median of {industry}; spread of Parr's cumulative table"
    note_zh = f"{industry} 行业中位数；离散取自 Parr 的累积分布表"
    source = Source(medians.source.title, medians.source.grade, note=note, note_zh=note_zh)
    return spread(
        "royalty_rate",
        Distribution.LOGNORMAL,
        {"median": float(medians.value[industry]), "sigma": sigma},
        source,
        high=0.3,
    )


def _parr_sigma(used: Used) -> float:
    """Return the log standard deviation that fits the published cumulative shares best, by least squares of scores."""
    shares = used.at("royalty.prior.parr").value
    x = np.log(np.array([float(k) for k in shares]))
    z = stats.norm.ppf(np.array([float(v) for v in shares.values()]))
    return float(1.0 / np.polyfit(x, z, 1)[0])


def fitted_life(background: Background, subject: Subject) -> Assumption | None:
    """Return the life left by the survival of its kind and field, before movement; None without a fit or an age."""
    right = subject.row["right_type"] or "invention"
    names = [f"{right}:{subject.field}", right, "invention"]
    name = next((n for n in names if n in background.survival), None)
    if name is None or subject.age_years is None:
        return None
    fit = background.survival[name]
    title = Bilingual(
        f"威布尔生存模型（{name.replace(':', '，WIPO 领域 ')}）：形状 {fit.shape:.3f}，尺度 {fit.scale:.2f} 年，"
        f"{fit.observations:,} 件专利中 {fit.events:,} 件失效；以已存续 {subject.age_years:.1f} 年为条件",
        f"Weibull survival of {name.replace(':', ', WIPO field ')}: shape {fit.shape:.3f}, scale {fit.scale:.2f} years, "
        f"{fit.events:,} lapses among {fit.observations:,} patents; given an age of {subject.age_years:.1f} years",
    )
    parameters = {"shape": fit.shape, "scale": fit.scale, "age": subject.age_years}
    return spread("economic_life", Distribution.WEIBULL_RESIDUAL, parameters, _computed(title, background))


def _validity(subject: Subject, tree: ScenarioTree, rate: Assumption, life: Assumption | None) -> Assumption | None:
    """Return the scenario tree as one chance, over the legal term where no economic life is fitted; None without a term."""
    if subject.legal_life_years is None:
        return None
    span = life or fixed("economic_life", subject.legal_life_years, rate.source)
    middle = float(levels_of(rate, np.array([0.5]))[0])
    return validity_assumption(tree, rate=middle, life=span, legal_life_years=subject.legal_life_years, seed=_TREE_SEED)


def _tax(subject: Subject, used: Used) -> Assumption:
    p = used.first(f"tax.{str(subject.row['office']).lower()}.corporate", "tax.cn.corporate")
    assert p is not None, "a tax rate is shipped"
    return fixed("tax_rate", float(p.value), p.source)


def _cost(background: Background, subject: Subject) -> Assumption | None:
    if subject.development_cost_cny is None:
        return None
    title = Bilingual(
        "权利人截至申请年度三年的研发费用除以同期申请量",
        "Owner's research expense over its filings in the three years to the filing year",
    )
    parameters = {"median": subject.development_cost_cny, "sigma": 0.4}
    return spread("development_cost", Distribution.LOGNORMAL, parameters, _computed(title, background))
