"""Many policies at once: what one ruling that hits many does to the tail, and what reinsurance takes off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from zhirong.finance.insurance.premium import tvar_premium
from zhirong.finance.insurance.spec import Treaties
from zhirong.kernel.errors import DomainError
from zhirong.numerics.aggregate import AggregateLoss, Lattice, aggregate_fft
from zhirong.numerics.claim_counts import poisson_count
from zhirong.numerics.layers import Exposure, Shock, event_law, kept_severity, layer_severity, layer_total

__all__ = ["Accumulation", "Reinsured", "Treaty", "accumulate", "common_shocks", "reinsure"]

LEVELS = (0.5, 0.9, 0.95, 0.99, 0.995)


@dataclass(frozen=True, slots=True)
class Accumulation:
    """A portfolio of like policies, with rulings that hit many and without.

    Attributes
    ----------
    policies : int
    shocked, free : AggregateLoss
        Yearly payments with common shocks, and were claims independent; the same mean.
    event_rate : float
        Events a year.
    event : Lattice
        What one event costs all policies.
    shocks : tuple of Shock
    level : float
        Of the tail.
    """

    policies: int
    shocked: AggregateLoss
    free: AggregateLoss
    event_rate: float
    event: Lattice
    shocks: tuple[Shock, ...]
    level: float

    @property
    def tail_ratio(self) -> float:
        """Tail value at risk with shocks over that without."""
        return self.shocked.tvar(self.level) / max(self.free.tvar(self.level), 1e-9)

    @property
    def capital_per_policy_cny(self) -> float:
        """Tail value at risk less the mean, shared by all policies."""
        return (self.shocked.tvar(self.level) - self.shocked.mean) / self.policies


@dataclass(frozen=True, slots=True)
class Treaty:
    """One treaty: what it is expected to pay a year, its price, its largest yearly payment at the level of the tail."""

    name: str
    expected_cny: float
    price_cny: float
    tail_cny: float


@dataclass(frozen=True, slots=True)
class Reinsured:
    """Portfolio before and after reinsurance; `net_benefit_cny` is the cost of capital saved less the loading paid."""

    treaties: tuple[Treaty, ...]
    gross: AggregateLoss
    net: AggregateLoss
    capital_saved_cny: float
    net_benefit_cny: float


def common_shocks(
    policies: int, rate: float, *, share: float, chance: float, field_share: float, court_share: float
) -> tuple[Shock, ...]:
    """Return a shock of a field (the first policies) and of a court (the last), which together bring `share` of a policy's claims."""
    if not (0 <= share <= 1 and 0 < chance <= 1):
        raise DomainError(f"share: {share}, chance: {chance} given, 0 to 1 and above 0 to 1 allowed")
    groups = [(round(policies * field_share), "field"), (round(policies * court_share), "court")]
    each = rate * share / 2 / chance
    return tuple(
        Shock(each, tuple(range(n)) if side == "field" else tuple(range(policies - n, policies)), chance)
        for n, side in groups
        if n > 1 and each > 0
    )


def accumulate(
    policies: int, rate: float, severity: Lattice, shocks: tuple[Shock, ...], *, level: float, points: int
) -> Accumulation:
    """Return the law of a year of a portfolio of like policies.

    Limits of single events are in `severity`; yearly limits of single policies are left out, which overstates the tail.
    """
    policy = [Exposure(rate, severity)] * policies
    event_rate, event = event_law(policy, shocks, points=points)
    shocked = aggregate_fft(poisson_count(event_rate), event, points=points)
    free = aggregate_fft(poisson_count(policies * rate), severity, points=points)
    return Accumulation(policies, shocked, free, event_rate, event, shocks, level)


def reinsure(found: Accumulation, treaties: Treaties, *, loading: float, prices: Mapping[str, float]) -> Reinsured:
    """Apply a quota share, then a cover of each event, then a stop loss of the year; price each at ``(1 + loading)`` its expected payment.

    `prices` holds level, cost_of_capital, loading and expense of the insurer.
    """
    points, made = len(found.shocked.pmf), []
    count, event, level = poisson_count(found.event_rate), found.event, found.level

    def treaty(name: str, law: AggregateLoss) -> None:
        made.append(Treaty(name, law.mean, (1 + loading) * law.mean, law.tvar(level)))

    if treaties.quota_share > 0:
        treaty("quota_share", layer_total(found.shocked, share=treaties.quota_share))
        event = layer_severity(event, share=1 - treaties.quota_share)
    if treaties.event is not None:
        low, width = treaties.event
        treaty("event", aggregate_fft(count, layer_severity(event, attachment=low, width=width), points=points))
        event = kept_severity(event, attachment=low, width=width)
    net = aggregate_fft(count, event, points=points)
    if treaties.stop_loss is not None:
        low, width = treaties.stop_loss
        treaty("stop_loss", layer_total(net, attachment=low, width=width))
        law = kept_severity(Lattice(net.step, net.pmf, net.mean), attachment=low, width=width)
        net = AggregateLoss(net.step, law.pmf, law.mean)
    own = {k: prices[k] for k in ("level", "cost_of_capital", "loading", "expense")}
    saved = tvar_premium(found.shocked, **own).capital_cny - tvar_premium(net, **own).capital_cny
    extra = sum(t.price_cny - t.expected_cny for t in made)
    return Reinsured(tuple(made), found.shocked, net, saved, prices["cost_of_capital"] * saved - extra)
