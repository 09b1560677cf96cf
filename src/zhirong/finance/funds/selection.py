"""Selection for a reserve fund: expected gain and policy weight against tail loss, by mixed-integer programme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from zhirong.finance.schedules.checks import within
from zhirong.kernel.errors import DomainError, NotAdmissibleError
from zhirong.kernel.provenance import Source
from zhirong.kernel.text import Bilingual
from zhirong.numerics.programs import Answer, Row, solve
from zhirong.numerics.streams import stream_key
from zhirong.params import ParameterBook

__all__ = [
    "Candidate",
    "FrontierPoint",
    "FundSpec",
    "Reason",
    "Selection",
    "frontier",
    "joint_values",
    "select",
    "shipped_fund",
]

Floats = NDArray[np.float64]
_TIE = 1e-6


@dataclass(frozen=True, slots=True)
class Candidate:
    """A patent on offer.

    Parameters
    ----------
    patent_id : str
        Unique.
    price_cny : float
        To pay, above 0.
    values : ndarray, shape (n,)
        Draws of its value, CNY.
    group : str
        Field, for quotas.
    region : str
        For quotas; empty where not known.
    policy : float
        Worth of its acquisition beyond money, as a share of its price, -1 to 10.
    """

    patent_id: str
    price_cny: float
    values: Floats
    group: str = ""
    region: str = ""
    policy: float = 0.0

    def __post_init__(self) -> None:
        within(f"price_cny of {self.patent_id}", self.price_cny, 0, 1e13, open_low=True)
        within(f"policy of {self.patent_id}", self.policy, -1, 10)
        x = np.asarray(self.values, np.float64)
        if x.ndim != 1 or x.size < 100 or not (np.isfinite(x).all() and (x >= 0).all()):
            raise DomainError(f"field values of {self.patent_id}: allowed: 100 draws or more, finite, 0 or more")


@dataclass(frozen=True, slots=True)
class FundSpec:
    """Policy of the fund.

    Parameters
    ----------
    budget_cny : float
        Above 0.
    risk_weight : float
        Return given up for one yuan of tail loss, 0 or more.
    tail : float
        Probability of the tail, above 0 to 0.5.
    common_share : float
        Part of the variance of normal scores that patents share, 0 to below 1.
    most_of_group, most_of_region : Mapping of str to float
        Largest share of the budget, 0 to 1, by group and region.
    least_of_group : Mapping of str to float
        Least share of the budget by group.
    most_patents : int or None
        Largest number.
    scenarios : int
        Joint scenarios, 20 to 1000.
    sources : tuple of Source
        Of the defaults.
    """

    budget_cny: float
    risk_weight: float = 0.5
    tail: float = 0.1
    common_share: float = 0.3
    most_of_group: Mapping[str, float] = field(default_factory=dict)
    most_of_region: Mapping[str, float] = field(default_factory=dict)
    least_of_group: Mapping[str, float] = field(default_factory=dict)
    most_patents: int | None = None
    scenarios: int = 100
    sources: tuple[Source, ...] = ()

    def __post_init__(self) -> None:
        within("budget_cny", self.budget_cny, 0, 1e13, open_low=True)
        within("risk_weight", self.risk_weight, 0, 1e3)
        within("tail", self.tail, 0, 0.5, open_low=True)
        within("common_share", self.common_share, 0, 0.99)
        within("scenarios", self.scenarios, 20, 1000, is_whole=True)
        if self.most_patents is not None:
            within("most_patents", self.most_patents, 1, 10**6, is_whole=True)
        for name in ("most_of_group", "most_of_region", "least_of_group"):
            for key, value in getattr(self, name).items():
                within(f"{name}.{key}", value, 0, 1)


def shipped_fund(book: ParameterBook, as_of: date, budget_cny: float, **changes: Any) -> FundSpec:
    """Return the policy with the shipped parameters of a day; any field may be changed by name."""
    used = {name: book.at(f"finance.fund.{name}", as_of) for name in ("risk_weight", "tail", "common_share")}
    defaults: dict[str, Any] = {name: float(p.value) for name, p in used.items()}
    sources = tuple(dict.fromkeys(p.source for p in used.values()))
    return FundSpec(**{**defaults, **changes, "budget_cny": budget_cny, "sources": sources})


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a patent is in or out.

    Attributes
    ----------
    patent_id : str
        Which.
    is_in : bool
        Selected.
    regret_cny : float or None
        What the objective loses when it is forced the other way; None where that is impossible.
    text : Bilingual
        In words.
    """

    patent_id: str
    is_in: bool
    regret_cny: float | None
    text: Bilingual


@dataclass(frozen=True, slots=True)
class Selection:
    """The best selection.

    Attributes
    ----------
    chosen : tuple of str
        Patents, in the order of the candidates.
    spent_cny, gain_cny, policy_cny, tail_loss_cny, objective_cny : float
        Price paid; expected value less price over the scenarios; policy worth; mean loss of the worst part of scenarios (negative: a
        gain even there); gain + policy - risk weight x tail loss.
    gain_interval_cny : tuple of float
        5 and 95 % of value less price over the scenarios.
    reasons : tuple of Reason
        One a candidate.
    gap : float
        Of the certificate, with the choice held.
    """

    chosen: tuple[str, ...]
    spent_cny: float
    gain_cny: float
    policy_cny: float
    tail_loss_cny: float
    objective_cny: float
    gain_interval_cny: tuple[float, float]
    reasons: tuple[Reason, ...]
    gap: float


@dataclass(frozen=True, slots=True)
class FrontierPoint:
    """One point of gain against tail loss."""

    risk_weight: float
    gain_cny: float
    tail_loss_cny: float
    count: int


def joint_values(candidates: Sequence[Candidate], spec: FundSpec, *, seed: int = 1) -> Floats:
    """Return joint scenarios of value, shape (scenarios, candidates), CNY: one common normal factor, each patent's own law.

    Each patent's levels are spread evenly over its law, so that every column has its mean whatever the seed.
    """
    s = spec.scenarios
    rng = np.random.default_rng(stream_key(seed, "fund/common"))
    common = rng.permutation(special.ndtri((np.arange(s) + 0.5) / s))
    found = np.empty((s, len(candidates)))
    for k, c in enumerate(candidates):
        own = np.random.default_rng(stream_key(seed, f"fund/{c.patent_id}")).standard_normal(s)
        order = np.argsort(np.argsort(np.sqrt(spec.common_share) * common + np.sqrt(1 - spec.common_share) * own))
        parts = np.array_split(np.sort(np.asarray(c.values, np.float64)), s)
        found[:, k] = np.array([part.mean() for part in parts])[order]
    return found


def select(candidates: Sequence[Candidate], spec: FundSpec, *, seed: int = 1, explain: bool = True) -> Selection:
    """Return the best selection, exactly.

    Parameters
    ----------
    candidates : sequence of Candidate
        On offer, each once.
    spec : FundSpec
        Policy.
    seed : int
        Of the scenarios.
    explain : bool
        Solve again with each patent forced the other way.

    Raises
    ------
    DomainError
        For no candidates, or one named twice.
    NotAdmissibleError
        Where quotas cannot be kept.

    Notes
    -----
    ``max sum x (E V - c + policy c) - w CVaR``, ``CVaR = t + sum u / (tail S)``, ``u_s >= -sum x (V_s - c) - t`` (Rockafellar and
    Uryasev 2000, *Journal of Risk* 2, 21-41).
    """
    names = [c.patent_id for c in candidates]
    if not names or len(set(names)) != len(names):
        raise DomainError("field candidates: allowed: one or more, each once")
    values = joint_values(candidates, spec, seed=seed)
    found = _solve(candidates, spec, values, {})
    if found is None:
        raise NotAdmissibleError(
            "no selection keeps all quotas: the least shares of groups cannot be filled within the budget and caps"
        )
    reasons = tuple(_reason(c, found, candidates, spec, values) for c in candidates) if explain else ()
    x = np.array([found.values[f"x:{n}"] > 0.5 for n in names])
    price = np.array([c.price_cny for c in candidates])
    net = values[:, x].sum(axis=1) - price[x].sum()
    policy = float(sum(c.policy * c.price_cny for c, taken in zip(candidates, x, strict=True) if taken))
    tail = tail_loss(net, spec.tail)
    low, high = np.quantile(net, [0.05, 0.95])
    return Selection(
        tuple(n for n, taken in zip(names, x, strict=True) if taken), float(price[x].sum()), float(net.mean()), policy, tail,
        float(net.mean()) + policy - spec.risk_weight * tail, (float(low), float(high)), reasons, found.gap,
    )  # fmt: skip


def tail_loss(net: Floats, tail: float) -> float:
    """Return the mean loss of the worst part of equally likely outcomes."""
    losses = np.sort(-np.asarray(net, np.float64))[::-1]
    weight = np.clip(tail * losses.size - np.arange(losses.size), 0.0, 1.0)
    return float(losses @ weight / (tail * losses.size))


def _solve(
    candidates: Sequence[Candidate], spec: FundSpec, values: Floats, forced: Mapping[str, float]
) -> Answer | None:
    scale = spec.budget_cny
    costs, bounds = {}, {}
    for k, c in enumerate(candidates):
        name = f"x:{c.patent_id}"
        costs[name] = -(values[:, k].mean() - c.price_cny + c.policy * c.price_cny) / scale
        bounds[name] = (forced[c.patent_id],) * 2 if c.patent_id in forced else (0.0, 1.0)
    rows = [Row("budget", {f"x:{c.patent_id}": c.price_cny / scale for c in candidates}, high=1.0)]
    rows += _quotas(candidates, spec, scale)
    if spec.risk_weight > 0:
        s = values.shape[0]
        bounds["t"] = (-np.inf, np.inf)
        costs["t"] = spec.risk_weight
        for j in range(s):
            bounds[f"u:{j}"] = (0.0, np.inf)
            costs[f"u:{j}"] = spec.risk_weight / (spec.tail * s)
            gain = {f"x:{c.patent_id}": (values[j, k] - c.price_cny) / scale for k, c in enumerate(candidates)}
            rows.append(Row(f"tail:{j}", {**gain, f"u:{j}": 1.0, "t": 1.0}, low=0.0))
    return solve(costs, rows, bounds, whole=[f"x:{c.patent_id}" for c in candidates])


def _quotas(candidates: Sequence[Candidate], spec: FundSpec, scale: float) -> list[Row]:
    rows = []
    for what, attribute, most in (("group", "group", spec.most_of_group), ("region", "region", spec.most_of_region)):
        for key, share in most.items():
            mine = {f"x:{c.patent_id}": c.price_cny / scale for c in candidates if getattr(c, attribute) == key}
            if mine:
                rows.append(Row(f"most of {what} {key}", mine, high=share))
    for key, share in spec.least_of_group.items():
        mine = {f"x:{c.patent_id}": c.price_cny / scale for c in candidates if c.group == key}
        rows.append(Row(f"least of group {key}", mine or {f"x:{candidates[0].patent_id}": 0.0}, low=share))
    if spec.most_patents is not None:
        rows.append(Row("most patents", {f"x:{c.patent_id}": 1.0 for c in candidates}, high=float(spec.most_patents)))
    return rows


def _reason(c: Candidate, found: Answer, candidates: Sequence[Candidate], spec: FundSpec, values: Floats) -> Reason:
    is_in = found.values[f"x:{c.patent_id}"] > 0.5
    other = _solve(candidates, spec, values, {c.patent_id: 0.0 if is_in else 1.0})
    if other is None:
        text = (
            Bilingual("不选它则无法满足各类最低份额", "Without it the least shares cannot be kept")
            if is_in
            else Bilingual("选它则超出预算或配额", "With it the budget or a quota cannot be kept")
        )
        return Reason(c.patent_id, is_in, None, text)
    regret = max(other.objective - found.objective, 0.0) * spec.budget_cny
    if regret < _TIE * spec.budget_cny:
        return Reason(
            c.patent_id,
            is_in,
            regret,
            Bilingual("与另一组合等价", "As good as another selection without the difference"),
        )
    text = (
        Bilingual(f"剔除后目标减少 {regret:,.0f} 元", f"Leaving it out would lose CNY {regret:,.0f} of the objective")
        if is_in
        else Bilingual(
            f"强行纳入后目标减少 {regret:,.0f} 元", f"Taking it in would lose CNY {regret:,.0f} of the objective"
        )
    )
    return Reason(c.patent_id, is_in, regret, text)


def frontier(candidates: Sequence[Candidate], spec: FundSpec, *, weights: Sequence[float] = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0),
             seed: int = 1) -> tuple[FrontierPoint, ...]:  # fmt: skip
    """Return gain against tail loss for rising risk weights."""
    points = []
    for weight in weights:
        found = select(candidates, replace(spec, risk_weight=weight), seed=seed, explain=False)
        points.append(FrontierPoint(weight, found.gain_cny, found.tail_loss_cny, len(found.chosen)))
    return tuple(points)
