"""Why a value changed between two dates: the same patent valued again with one group of evidence moved at a time.

All states between the old and the new valuation are drawn with the same random numbers. The amount of a group is its
Shapley value: its effect averaged over all orders in which groups can be moved. The amounts sum to the whole change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.dates import year_fraction
from zhirong.kernel.errors import DomainError
from zhirong.kernel.provenance import Provenance
from zhirong.kernel.text import Bilingual
from zhirong.params import Parameter, ParameterBook
from zhirong.tables import Engine, Store
from zhirong.valuation import engine as valuing
from zhirong.valuation.accounts import accounts_of
from zhirong.valuation.assumptions import override
from zhirong.valuation.background import Background, prepare
from zhirong.valuation.bridge_reasons import GROUPS, State, reason_of
from zhirong.valuation.inputs import fitted_life
from zhirong.valuation.moving import life_factor
from zhirong.valuation.reconcile import quantiles_of
from zhirong.valuation.subject import Subject, describe
from zhirong.valuation.types import Assumption, Distribution, Purpose, Quantiles
from zhirong.valuation.used import Used

__all__ = ["GROUPS", "BridgeStep", "ValueBridge", "bridge_to_dict", "shapley", "value_bridge"]

Floats = NDArray[np.float64]
BATCHES = 10

RESIDUAL = Bilingual("交互余项", "Interaction residual")

_OF_ASSUMPTION: Mapping[str, str] = {
    "attributable_revenue": "revenue",
    "development_cost": "revenue",
    "operating_margin": "revenue",
    "working_capital": "revenue",
    "fixed_assets": "revenue",
    "workforce": "revenue",
    "growth": "technology",
    "validity": "validity",
    "royalty_rate": "deals",
    "economic_life": "events",
}
_OF_SUBJECT: Mapping[str, str] = {
    "age_years": "time",
    "legal_life_years": "time",
    "legal_end": "time",
    "field": "technology",
    "class_symbol": "technology",
    "class_title": "technology",
    "owner_name": "revenue",
    "owner_revenue_cny": "revenue",
    "owner_patents": "revenue",
    "revenue_year": "revenue",
    "development_cost_cny": "revenue",
    "sector_royalty": "deals",
    "features": "technology",
}
_OF_BACKGROUND: Mapping[str, str] = {
    "as_of": "time",
    "book": "parameters",
    "survival": "events",
    "renewal": "events",
    "reasons": "events",
    "cases": "validity",
    "movement": "technology",
    "revenue_prior": "revenue",
    "revenue_firms": "revenue",
    "panel": "deals",
    "market": "deals",
    "pool": "deals",
}
_OF_TABLE: Mapping[str, str] = {
    "deals": "deals",
    "assignments": "deals",
    "sector_years": "deals",
    "opinions": "deals",
    "cases": "validity",
    "firms": "revenue",
    "firm_years": "revenue",
    "citations": "technology",
    "nonpatent_citations": "technology",
    "classifications": "technology",
    "texts": "technology",
}


@dataclass(frozen=True, slots=True)
class BridgeStep:
    """One step.

    Parameters
    ----------
    group : str
        Key of `GROUPS`, or ``residual``.
    label : Bilingual
        What a reader sees.
    amount : float
        Change of the median value that is due to the group, major units.
    share : float or None
        The same as a fraction of the old median; None when that is 0.
    error : float
        Standard error from the finite number of draws.
    alone : float
        Effect when only this group moves: the difference to `amount` is its part of the interactions.
    reason : Bilingual
        Why, in words.
    """

    group: str
    label: Bilingual
    amount: float
    share: float | None
    error: float
    alone: float
    reason: Bilingual


@dataclass(frozen=True, slots=True)
class ValueBridge:
    """The change of one value between two dates.

    Parameters
    ----------
    patent_id : str
        Patent.
    from_date, to_date : date
        Old and new date of valuation.
    currency : str
        ISO 4217.
    purpose : Purpose
        Scene.
    old, new : Mapping of float to float
        Quantiles at the two dates.
    steps : tuple of BridgeStep
        In the order of `GROUPS`, the residual last; their amounts sum to the new median less the old one.
    interaction : float
        Sum over groups of the absolute difference between `amount` and `alone`.
    headline : Bilingual
        ``since ...: -8 %, because ...``.
    draws : int
        Of each state.
    provenance : Provenance
        Of the new valuation, with the old date among its settings.
    is_synthetic : bool
        Any evidence came from the sample generator.
    """

    patent_id: str
    from_date: date
    to_date: date
    currency: str
    purpose: Purpose
    old: Quantiles
    new: Quantiles
    steps: tuple[BridgeStep, ...]
    interaction: float
    headline: Bilingual
    draws: int
    provenance: Provenance
    is_synthetic: bool

    @property
    def change(self) -> float:
        """New median less old median."""
        return self.new[0.5] - self.old[0.5]


class _PinnedBook(ParameterBook):
    """A book that answers for one day whenever it is asked for either date of a bridge."""

    def __init__(self, book: ParameterBook, day: date, days: Sequence[date]) -> None:
        super().__init__({path: book.series(path) for path in book})
        self._day, self._days = day, frozenset(days)

    def at(self, path: str, day: date) -> Parameter:
        """Return the parameter in force on the pinned day; other days are asked for as they are."""
        return super().at(path, self._day if day in self._days else day)


def value_bridge(
    store: Store, engine: Engine, patent_id: str, from_date: date, to_date: date, book: ParameterBook, purpose: Purpose,
    draws: int = 4_000, seed: int = 1, *, old_book: ParameterBook | None = None,
    mine: Mapping[str, Assumption] | None = None,
    backgrounds: tuple[Background, Background] | None = None,
) -> ValueBridge:  # fmt: skip
    """Explain the change of a value between two dates.

    Parameters
    ----------
    store : Store
        Evidence; cut at each date.
    engine : Engine
        Local engine.
    patent_id : str
        Patent of the store, known at both dates.
    from_date, to_date : date
        Old and new date, the old one earlier.
    book : ParameterBook
        Parameters at the new date; asked for at each date.
    purpose : Purpose
        Scene.
    draws, seed : int
        Of every state; the same random numbers in all.
    old_book : ParameterBook, optional
        Parameters of the old valuation where they were others.
    mine : Mapping of str to Assumption, optional
        The user's assumptions, at both dates: what they replace does not move.
    backgrounds : tuple of Background, Background, optional
        Old and new, prepared before, for bridges of many patents; they are prepared here where not given.

    Returns
    -------
    ValueBridge

    Raises
    ------
    DomainError
        When the dates are not in order.
    UnknownNameError
        When the patent was not known at one of the dates.
    NotAdmissibleError
        When no method is admissible at one of them.
    """
    if not from_date < to_date:
        raise DomainError(f"a bridge leads from an earlier date to a later one, not from {from_date} to {to_date}")
    days = (from_date, to_date)
    if backgrounds is None:
        backgrounds = (
            prepare(store, engine, as_of=from_date, book=old_book or book),
            prepare(store, engine, as_of=to_date, book=book),
        )
    if tuple(b.as_of for b in backgrounds) != days:
        raise DomainError(f"the backgrounds given are of {backgrounds[0].as_of} and {backgrounds[1].as_of}")
    old, new = (_state(background, patent_id, mine or {}) for background in backgrounds)
    books = tuple(_PinnedBook(s.background.book, day, days) for s, day in ((old, from_date), (new, to_date)))
    cache: dict[frozenset[str], Floats] = {}

    def drawn(moved: frozenset[str]) -> Floats:
        if moved not in cache:
            cache[moved] = _draws(_mixed(old, new, moved, books), purpose, draws, seed)
        return cache[moved]

    changed = tuple(g for g in GROUPS if _is_changed(g, drawn))
    worth = shapley(changed, lambda moved: _medians(drawn(moved)))
    start, end = drawn(frozenset()), drawn(frozenset(GROUPS))
    assert np.array_equal(end, drawn(frozenset(changed))), "groups that change nothing alone change nothing together"
    first, last = quantiles_of(start), quantiles_of(end)
    used = Used(book, to_date)
    steps = _steps(changed, worth, drawn, old, new, first[0.5], last[0.5])
    provenance = valuing.provenance_of(new.background, purpose, used, draws, seed, mine or {})
    settings = {**provenance.settings, "since": from_date.isoformat()}
    return ValueBridge(
        patent_id=patent_id,
        from_date=from_date,
        to_date=to_date,
        currency="CNY",
        purpose=purpose,
        old=first,
        new=last,
        steps=steps,
        interaction=math.fsum(abs(s.amount - s.alone) for s in steps[:-1]),
        headline=_headline(steps, from_date, first[0.5], last[0.5]),
        draws=draws,
        provenance=replace(provenance, settings=settings),
        is_synthetic=store.manifest.is_synthetic,
    )


def shapley(groups: Sequence[str], worth: Callable[[frozenset[str]], Floats]) -> dict[str, Floats]:
    """Return the Shapley value of each group.

    Parameters
    ----------
    groups : sequence of str
        At most a dozen: every subset is valued once.
    worth : callable
        Value (an array, or a number as one) of a set of groups that have moved.

    Returns
    -------
    dict of str to ndarray
        They sum to ``worth(all) - worth(none)``.

    References
    ----------
    Shapley (1953), in *Contributions to the Theory of Games II*, 307-317. Shorrocks (2013), *J. Econ. Inequality* 11,
    99-126 (decompositions).
    """
    n = len(groups)
    found = {}
    for group in groups:
        rest = [g for g in groups if g != group]
        total = 0.0 * worth(frozenset())
        for size in range(n):
            weight = math.factorial(size) * math.factorial(n - size - 1) / math.factorial(n)
            for chosen in combinations(rest, size):
                before = frozenset(chosen)
                total = total + weight * (worth(before | {group}) - worth(before))
        found[group] = total
    return found


def _state(background: Background, patent_id: str, mine: Mapping[str, Assumption]) -> State:
    subject = describe(background, [patent_id])[0]
    used = Used(background.book, background.as_of)
    found = valuing.assumptions_of(background, subject, accounts_of(background, [patent_id])[patent_id], used)
    factor = 1.0
    fitted, moved = fitted_life(background, subject), life_factor(background.movement, subject, used)
    if fitted is not None and moved is not None:
        factor = moved.factor
        found["economic_life"] = fitted  # the factor belongs to technology, the fit to events
    return State(background, subject, override(found, mine), 1.0 if "economic_life" in mine else factor)


def _mixed(old: State, new: State, moved: frozenset[str], books: tuple[ParameterBook, ...]) -> State:
    """Return the state in which some groups are new and the others old."""

    def side(group: str) -> State:
        return new if group in moved else old

    backgrounds = {
        f.name: getattr(side(_OF_BACKGROUND.get(f.name, "deals")).background, f.name)
        for f in fields(Background)
        if f.name not in ("store", "engine", "tables", "book")
    }
    tables = {n: side(_OF_TABLE.get(n, "events")).background.tables[n] for n in new.background.tables}
    book = books["parameters" in moved]
    background = replace(new.background, **backgrounds, tables=tables, book=book)
    subject = _mixed_subject(old, new, side)
    names = list(dict.fromkeys((*old.assumptions, *new.assumptions)))
    assumptions = {
        n: s.assumptions[n] for n in names if n in (s := side(_OF_ASSUMPTION.get(n, "parameters"))).assumptions
    }
    factor = side("technology").life_factor
    life = assumptions.get("economic_life")
    if life is not None and life.distribution is Distribution.WEIBULL_RESIDUAL and not life.is_overridden:
        parameters = {**life.parameters, "scale": life.parameters["scale"] * factor}
        if subject.age_years is not None:
            parameters["age"] = subject.age_years
        assumptions["economic_life"] = replace(life, parameters=parameters)
    return State(background, subject, assumptions, factor)


def _mixed_subject(old: State, new: State, side: Callable[[str], State]) -> Subject:
    """Return the facts; a right that ended by an event ends with events, one whose term is over ends with time."""
    parts = {f.name: getattr(side(_OF_SUBJECT.get(f.name, "events")).subject, f.name) for f in fields(Subject)}
    ends = {name: side("events").subject for name in ("is_alive", "ended_by")}
    if new.subject.ended_by == "expired" and old.subject.is_alive is not False:
        ends = {name: side("time").subject for name in ends}
    parts |= {name: getattr(subject, name) for name, subject in ends.items()}
    day, end = side("time").background.as_of, parts["legal_end"]
    if parts["is_alive"] is False:
        parts["legal_life_years"] = 0.0
    elif end is not None:
        parts["legal_life_years"] = year_fraction(day, end) if end > day else 0.0
    return Subject(**parts)


def _draws(state: State, purpose: Purpose, draws: int, seed: int) -> Floats:
    """Return the pooled draws of a state, as `value_patent` pools them."""
    return valuing.pooled_draws(
        state.background, state.subject, state.assumptions, purpose=purpose, draws=draws, seed=seed
    )  # fmt: skip


def _medians(draws: Floats) -> Floats:
    """Return the median of all draws, then those of batches of them."""
    batches = [np.median(draws[k::BATCHES]) for k in range(BATCHES)]
    return np.array([np.median(draws), *batches])


def _is_changed(group: str, drawn: Callable[[frozenset[str]], Floats]) -> bool:
    """Tell whether moving a group first, or last, changes any draw."""
    everything = frozenset(GROUPS)
    pairs = ((frozenset[str](), frozenset({group})), (everything - {group}, everything))
    return any(not np.array_equal(drawn(a), drawn(b)) for a, b in pairs)


def _steps(
    changed: Sequence[str], worth: Mapping[str, Floats], drawn: Callable[[frozenset[str]], Floats], old: State,
    new: State, first: float, last: float,
) -> tuple[BridgeStep, ...]:  # fmt: skip
    steps = []
    for group, label in GROUPS.items():
        values = worth.get(group)
        amount = float(values[0]) if values is not None else 0.0
        error = float(values[1:].std(ddof=1) / math.sqrt(BATCHES)) if values is not None else 0.0
        alone = float(np.median(drawn(frozenset({group})))) - first if values is not None else 0.0
        reason = reason_of(group, old, new) if values is not None else Bilingual("无变化", "nothing changed")
        steps.append(BridgeStep(group, label, amount, amount / first if first else None, error, alone, reason))
    rest = _exact_rest([s.amount for s in steps], last - first)
    reason = Bilingual(
        "沙普利值已将交互影响分摊到各步，此处仅为舍入余数",
        "Shapley values spread interactions over the steps; what is left is rounding",
    )
    return (*steps, BridgeStep("residual", RESIDUAL, rest, rest / first if first else None, 0.0, 0.0, reason))


def _exact_rest(amounts: Sequence[float], whole: float) -> float:
    """Return what must be added so that the exactly rounded sum of all amounts is the whole."""
    rest = whole - math.fsum(amounts)
    for _ in range(4):
        rest += whole - math.fsum((*amounts, rest))
    return rest


def _headline(steps: Sequence[BridgeStep], since: date, first: float, last: float) -> Bilingual:
    """Return the change and the steps that make most of it, largest first."""
    order = sorted(steps[:-1], key=lambda s: -abs(s.amount))
    main = [s for s in order if s.amount and abs(s.amount) >= 0.2 * abs(order[0].amount)][:3]
    if not main:
        return Bilingual(f"自 {since} 以来价值未变", f"since {since}: no change")
    whole = (f"{100 * (last - first) / first:+.1f} %" if first else f"{last - first:+,.0f}").replace("-", "−")

    def part(step: BridgeStep) -> str:
        text = f"{100 * step.share:+.1f} %" if step.share is not None else f"{step.amount:+,.0f}"
        return text.replace("-", "−")

    zh = "；".join(f"{s.label.zh} {part(s)}（{s.reason.zh}）" for s in main)
    en = "; ".join(f"{s.label.en.lower()} {part(s)} ({s.reason.en})" for s in main)
    return Bilingual(f"自 {since} 以来：{whole}，因为{zh}", f"since {since}: {whole}, because {en}")


def bridge_to_dict(bridge: ValueBridge) -> dict[str, object]:
    """Return a bridge as plain JSON types; amounts are rounded to the minor unit."""
    return {
        "from_date": bridge.from_date.isoformat(),
        "to_date": bridge.to_date.isoformat(),
        "currency": bridge.currency,
        "old": {f"{level:g}": round(value, 2) for level, value in bridge.old.items()},
        "new": {f"{level:g}": round(value, 2) for level, value in bridge.new.items()},
        "headline": {"zh": bridge.headline.zh, "en": bridge.headline.en},
        "steps": [
            {
                "group": s.group, "label": {"zh": s.label.zh, "en": s.label.en}, "amount": round(s.amount, 2), "share": s.share,
                "error": round(s.error, 2), "alone": round(s.alone, 2), "reason": {"zh": s.reason.zh, "en": s.reason.en},
            }
            for s in bridge.steps
        ],
        "draws": bridge.draws,
    }  # fmt: skip
