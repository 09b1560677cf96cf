"""What may befall a right over its life, and what that leaves of the flow: challenge, infringement, design-around.

The chances of winning come from decided cases of the store, by court, field and kind of claim, each drawn towards the larger group
as far as it is thin. How often such things happen and what they leave are parameters with ranges. Every node names its counts and sources.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from zhirong.kernel.errors import DomainError
from zhirong.kernel.provenance import Grade, Source
from zhirong.kernel.text import Bilingual
from zhirong.numerics.nested_rates import LevelCount, NestedRates
from zhirong.params import Parameter
from zhirong.valuation.assumptions import levels_of, spread
from zhirong.valuation.background import Background
from zhirong.valuation.case_evidence import CaseEvidence, node_levels
from zhirong.valuation.subject import Subject
from zhirong.valuation.types import Assumption, Distribution
from zhirong.valuation.used import Used

__all__ = [
    "ScenarioLeaf",
    "ScenarioNode",
    "ScenarioTree",
    "scenario_tree",
    "validity_assumption",
]

Floats = NDArray[np.float64]
_NODE_DRAWS = 4_000
_TABLE_DRAWS = 8_192
_TABLE_LEVELS = (np.arange(_TABLE_DRAWS) + 0.5) / _TABLE_DRAWS
_LABELS: Mapping[str, Bilingual] = {
    "challenge": Bilingual("每年被请求无效的概率", "Yearly chance of a challenge to validity"),
    "survives": Bilingual("经检验未被全部无效的概率", "Chance that a challenged right is not wholly invalidated"),
    "partial": Bilingual("存续者中被部分无效的比例", "Share of the survivors that lose a part"),
    "infringement": Bilingual("每年出现需诉讼的侵权的概率", "Yearly chance of an infringement that must be litigated"),
    "wins": Bilingual("侵权诉讼胜诉概率", "Chance of winning the suit"),
    "design_around": Bilingual("每年出现规避设计的概率", "Yearly chance of a design-around"),
    "left_partial": Bilingual("部分无效后保留的现金流", "Flow left after partial invalidation"),
    "left_not_infringed": Bilingual("侵权诉讼败诉后保留的现金流", "Flow left after a suit is lost"),
    "left_designed_around": Bilingual("被规避后保留的现金流", "Flow left after a design-around"),
}


@dataclass(frozen=True, slots=True)
class ScenarioNode:
    """One uncertain number of the tree.

    Parameters
    ----------
    name : str
        ``challenge``, ``survives``, ``partial``, ``infringement``, ``wins``, ``design_around``, ``left_...``.
    label : Bilingual
        What a reader sees.
    mean, low, high : float
        Mean, 5 % and 95 % quantile; fraction, or fraction a year.
    levels : tuple of LevelCount
        Cases behind it on the way from the whole to this cell; empty where none are.
    source : Source
        The store at the date, or the parameter.
    """

    name: str
    label: Bilingual
    mean: float
    low: float
    high: float
    levels: tuple[LevelCount, ...]
    source: Source

    @property
    def cases(self) -> float:
        """Cases of the smallest group that has a rate of its own."""
        return self.levels[-1].tested if self.levels else 0.0


@dataclass(frozen=True, slots=True)
class ScenarioLeaf:
    """One way things may have gone by a horizon: what happened, how likely, and what share of the flow is then left."""

    events: tuple[str, ...]
    probability: float
    factor: float


@dataclass(frozen=True, slots=True)
class ScenarioTree:
    """Challenge, infringement and design-around of one right.

    Parameters
    ----------
    patent_id : str
        The right.
    as_of : date
        Nothing known later is in it.
    nodes : Mapping of str to ScenarioNode
        By name.
    cell : tuple
        Court, field, kind of claim; None where not known.
    """

    patent_id: str
    as_of: date
    nodes: Mapping[str, ScenarioNode]
    cell: tuple[str | None, int | None, str | None]
    _tables: Mapping[str, Floats]
    _spread: Mapping[str, tuple[float, float, float]]

    def draws(self, *, seed: int, count: int) -> dict[str, Floats]:
        """Return draws of every uncertain number, each shape (count,); the same seed gives the same numbers."""
        found = {}
        for name in _LABELS:
            u = node_levels(seed, f"scenario/{self.patent_id}/{name}", count, 1)[:, 0]
            found[name] = (
                np.interp(u, _TABLE_LEVELS, self._tables[name])
                if name in self._tables
                else _triangle(self._spread[name], u)
            )
        return found

    def factors(self, *, seed: int, count: int, periods: int, first_period_years: float = 1.0) -> Floats:
        """Return what is left of the flow in the middle of each period, by draw.

        Parameters
        ----------
        seed, count : int
            Seed and number of draws.
        periods : int
            Periods from the date: a first, perhaps partial, year and whole years after it.
        first_period_years : float
            Length of the first.

        Returns
        -------
        ndarray, shape (count, periods)
            0 to 1, falling along a row.

        Notes
        -----
        The first challenge, the first suit and the first design-around come at exponential times of the drawn yearly chances
        ``-ln(1 - p)``; after each the flow is multiplied by what its outcome leaves. A challenge that is withstood leaves all.
        """
        x = self.draws(seed=seed, count=count)
        u = node_levels(seed, f"scenario/{self.patent_id}/events", count, 6)
        middle = np.r_[first_period_years / 2, first_period_years + 0.5 + np.arange(periods - 1)]
        survives, partly = u[:, 1] < x["survives"], u[:, 2] < x["partial"]
        kept = np.where(survives, np.where(partly, x["left_partial"], 1.0), 0.0)
        won = np.where(u[:, 4] < x["wins"], 1.0, x["left_not_infringed"])
        found = np.ones((count, periods))
        for name, level, left in (
            ("challenge", u[:, 0], kept), ("infringement", u[:, 3], won), ("design_around", u[:, 5], x["left_designed_around"]),
        ):  # fmt: skip
            hazard = -np.log1p(-np.clip(x[name], 0.0, 1 - 1e-12))
            at = -np.log(level) / np.maximum(hazard, 1e-300)
            found *= np.where(at[:, None] <= middle, left[:, None], 1.0)
        return found

    def expected(self, years: Floats) -> Floats:
        """Return the expected factor at times from the date, at the mean of every node: the closed form of the tree."""
        m = {name: node.mean for name, node in self.nodes.items()}
        left = {
            "challenge": m["survives"] * (1 - m["partial"] * (1 - m["left_partial"])),
            "infringement": m["wins"] + (1 - m["wins"]) * m["left_not_infringed"],
            "design_around": m["left_designed_around"],
        }
        t = np.asarray(years, np.float64)
        parts = [1 - (1 - (1 - m[name]) ** t) * (1 - share) for name, share in left.items()]
        return np.asarray(np.prod(parts, axis=0), np.float64)

    def leaves(self, years: float) -> tuple[ScenarioLeaf, ...]:
        """Return every way things may have gone by a horizon, likeliest first; the probabilities sum to 1.

        Notes
        -----
        At the mean of each node, so the mean over leaves is `expected` at the horizon.
        """
        if years < 0:
            raise DomainError(f"years is 0 or more, not {years}")
        m = {name: node.mean for name, node in self.nodes.items()}
        happened = {name: 1 - (1 - m[name]) ** years for name in ("challenge", "infringement", "design_around")}
        branches = (
            (
                ("unchallenged", 1 - happened["challenge"], 1.0),
                ("maintained", happened["challenge"] * m["survives"] * (1 - m["partial"]), 1.0),
                ("partially_invalidated", happened["challenge"] * m["survives"] * m["partial"], m["left_partial"]),
                ("invalidated", happened["challenge"] * (1 - m["survives"]), 0.0),
            ),
            (
                ("no_suit", 1 - happened["infringement"], 1.0),
                ("infringed", happened["infringement"] * m["wins"], 1.0),
                ("not_infringed", happened["infringement"] * (1 - m["wins"]), m["left_not_infringed"]),
            ),
            (
                ("not_designed_around", 1 - happened["design_around"], 1.0),
                ("designed_around", happened["design_around"], m["left_designed_around"]),
            ),
        )
        found = [
            ScenarioLeaf(
                tuple(b[0] for b in path), float(np.prod([b[1] for b in path])), float(np.prod([b[2] for b in path]))
            )
            for path in product(*branches)
        ]
        return tuple(sorted(found, key=lambda leaf: (-leaf.probability, leaf.events)))


def _triangle(shape: tuple[float, float, float], levels: Floats) -> Floats:
    low, mode, high = shape
    return np.asarray(stats.triang.ppf(levels, (mode - low) / (high - low), low, high - low), np.float64)


def scenario_tree(
    background: Background, subject: Subject, used: Used, *, courts: Mapping[str, str] | None = None
) -> ScenarioTree:
    """Return the tree of one right.

    Parameters
    ----------
    background : Background
        The store at the date, with its decided cases.
    subject : Subject
        Facts of the patent.
    used : Used
        Parameters at the date.
    courts : Mapping of str to str, optional
        Where ``validity`` and ``infringement`` would be decided; without it courts are not told apart.
    """
    evidence, claim_type = background.cases, subject.claim_type
    where = dict(courts or {})
    rates: dict[str, tuple[NestedRates, tuple[Any, ...]]] = {}
    for name, cause, chain, anywhere in (
        ("survives", "validity", evidence.survives, evidence.survives_anywhere),
        ("wins", "infringement", evidence.wins, evidence.wins_anywhere),
    ):
        inner = (subject.field, claim_type)
        rates[name] = (chain, (where[cause], *inner)) if cause in where else (anywhere, inner)
    shapes, sources = {}, {}
    for name, path in (
        ("challenge", "scenario.hazard.challenge"), ("infringement", "scenario.hazard.infringement"),
        ("design_around", "scenario.hazard.design_around"), ("left_partial", "scenario.left.partial"),
        ("left_not_infringed", "scenario.left.not_infringed"), ("left_designed_around", "scenario.left.designed_around"),
    ):  # fmt: skip
        p = used.at(path)
        shapes[name], sources[name] = _shape(p), p.source
    for path in ("valuation.validity_survival_prior", "scenario.prior.infringement"):
        used.at(path)
    partial, alive = evidence.partial
    tables = {name: evidence.table(name, chain, cell) for name, (chain, cell) in rates.items()}
    tables["partial"] = np.asarray(stats.beta.ppf(_TABLE_LEVELS, partial + 1.0, alive - partial + 2.0), np.float64)
    cell = (where.get("infringement"), subject.field, claim_type)
    tree = ScenarioTree(subject.patent_id, evidence.as_of, {}, cell, tables, shapes)
    drawn = {n: tables[n] if n in tables else _triangle(shapes[n], _TABLE_LEVELS) for n in _LABELS}
    nodes = {}
    for name, values in drawn.items():
        levels = rates[name][0].path(rates[name][1]) if name in rates else ()
        if name == "partial":
            levels = (LevelCount("all", "", partial, alive, 1, None),)
        low, high = np.quantile(values, [0.05, 0.95])
        source = sources.get(name) or _source(evidence, levels)
        nodes[name] = ScenarioNode(name, _LABELS[name], float(values.mean()), float(low), float(high), levels, source)
    return replace(tree, nodes=nodes)


def _shape(p: Parameter) -> tuple[float, float, float]:
    assert p.low is not None, f"{p.path} needs a range"
    assert p.high is not None, f"{p.path} needs a range"
    return p.low, float(p.value), p.high


def _source(evidence: CaseEvidence, levels: Sequence[LevelCount]) -> Source:
    whole, last = levels[0], levels[-1]
    title = (
        f"{whole.tested:.0f} decided cases in the store at {evidence.as_of}, {last.tested:.0f} of them in this group"
    )
    title_zh = f"库内截至 {evidence.as_of} 的 {whole.tested:.0f} 件已决案件，其中本组 {last.tested:.0f} 件"
    note = "; ".join(f"{x.level} {x.group}: {x.won:.0f} of {x.tested:.0f}".replace("  ", " ") for x in levels)
    grade = Grade.SYNTHETIC if evidence.is_synthetic else Grade.COMPUTED
    if whole.tested == 0:
        title, title_zh, grade = (
            "Prior alone: no decided case in the store at the date",
            "仅先验：该日库内无已决案件",
            Grade.ASSUMED,
        )
    return Source(title, grade, dated=evidence.as_of, note=note, title_zh=title_zh)


def validity_assumption(
    tree: ScenarioTree, *, rate: float, life: Assumption, legal_life_years: float, seed: int
) -> Assumption:
    """Return the tree as one chance for methods that take one factor on the whole flow.

    Parameters
    ----------
    rate : float
        Discount rate by which later years count less.
    life : Assumption
        Remaining economic life.
    legal_life_years : float
        Legal term left.
    seed : int
        Seed.

    Returns
    -------
    Assumption
        ``validity``: a beta with mean and variance of the factor averaged over the discounted life. The spread is that of what is
        not known plus that of what may happen, as in each draw of the tree.
    """
    count = _NODE_DRAWS
    years = levels_of(life, node_levels(seed, f"scenario/{tree.patent_id}/life", count, 1)[:, 0])
    periods = max(1, int(np.ceil(legal_life_years)))
    paths = tree.factors(seed=seed, count=count, periods=periods)
    starts = np.arange(periods)
    within = np.clip(np.minimum(years, legal_life_years)[:, None] - starts, 0.0, 1.0)
    weights = within * (1 + rate) ** -(starts + 0.5)
    lasting = weights.sum(axis=1) > 0
    mean_factor = (paths * weights)[lasting].sum(axis=1) / weights[lasting].sum(axis=1) if lasting.any() else np.ones(1)
    mean = float(np.clip(mean_factor.mean(), 1e-3, 1 - 1e-3))
    variance = float(np.clip(mean_factor.var(), 1e-6, 0.98 * mean * (1 - mean)))
    total = mean * (1 - mean) / variance - 1
    cases = tree.nodes["survives"].levels[0].tested + tree.nodes["wins"].levels[0].tested
    source = Source(
        f"Scenario tree of challenge, infringement and design-around on {cases:.0f} decided cases, averaged over the discounted life",
        tree.nodes["challenge"].source.grade, dated=tree.as_of,
        title_zh=f"无效、侵权与规避情景树（{cases:.0f} 件已决案件），按折现寿命平均",
    )  # fmt: skip
    return spread("validity", Distribution.BETA, {"a": mean * total, "b": (1 - mean) * total}, source)
