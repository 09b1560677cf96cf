"""The joint design: least cost to the firm under which every party still signs.

Per unit of loan and year: rate r, shares of a loss a, prices p, subsidies s. See `docs/explanation` for the programme in full.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from zhirong.finance.bundle.spec import BundleSpec, Need, Protector, Risk
from zhirong.kernel.text import Bilingual
from zhirong.numerics.programs import Answer, Row, Shortfall, least_shortfall, solve

__all__ = ["Bundle", "Constraint", "NoBundle", "design"]


@dataclass(frozen=True, slots=True)
class Constraint:
    """A condition that binds, and what one more unit of it is worth.

    Attributes
    ----------
    name : str
        Row or bound.
    label : Bilingual
        What a reader sees.
    shadow : float
        Change of the objective for one unit more on the binding end.
    """

    name: str
    label: Bilingual
    shadow: float


@dataclass(frozen=True, slots=True)
class Bundle:
    """A design that every party signs.

    Attributes
    ----------
    spec, need, risk
        What it was designed from.
    rate : float
        Of the loan, fraction a year.
    shares : Mapping of str to float
        Of a loss, by party; they add to 1.
    prices : Mapping of str to float
        Of each protector, fraction of the loan a year.
    interest_subsidy, premium_subsidy, appraisal_subsidy : float
        Fraction of the loan a year.
    fixed : float
        Appraisal and fixed fees, fraction of the loan a year.
    kicker : float
        Expected value of equity given, fraction of the loan a year.
    is_taken_out : bool
        Sold into a security.
    cost : float
        Total cost of finance to the firm: rate, prices, fixed fees and equity less subsidies; fraction of the loan a year.
    public_cost : float
        Expected: subsidies and payouts of the pool.
    binding : tuple of Constraint
        Largest shadow price first.
    gap : float
        Of the certificate by duality.
    """

    spec: BundleSpec
    need: Need
    risk: Risk
    rate: float
    shares: Mapping[str, float]
    prices: Mapping[str, float]
    interest_subsidy: float
    premium_subsidy: float
    appraisal_subsidy: float
    fixed: float
    kicker: float
    is_taken_out: bool
    cost: float
    public_cost: float
    binding: tuple[Constraint, ...]
    gap: float

    @property
    def system_cost(self) -> float:
        """Cost to the firm and the public purse together."""
        return self.cost + self.public_cost


@dataclass(frozen=True, slots=True)
class NoBundle:
    """No design exists: the conditions that cannot be kept together, and by how little they fail."""

    spec: BundleSpec
    need: Need
    risk: Risk
    breaches: tuple[Constraint, ...]


_LABELS: Mapping[str, Bilingual] = {
    "shares": Bilingual("各方分担比例之和为 1", "shares of a loss add to 1"),
    "bank.participation": Bilingual(
        "银行收益覆盖资金、运营、预期损失与资本回报", "the bank covers funds, costs, expected loss and its return on capital"
    ),
    "bank.share": Bilingual("银行最低自留比例", "least share kept by the bank"),
    "bank.rate": Bilingual("贷款利率的上下限", "ends of the rate of the loan"),
    "pool.expected": Bilingual("风险池预期代偿上限", "highest expected payout of the pool"),
    "pool.leverage": Bilingual("风险池放大倍数", "leverage of the pool"),
    "pool.share": Bilingual("风险池分担比例上限", "cap of the pool's share"),
    "public.interest": Bilingual("贴息上限", "cap of the interest subsidy"),
    "public.premium": Bilingual("保费、担保费补贴比例", "refunded share of premiums and guarantee fees"),
    "public.premium_cap": Bilingual("保费补贴上限", "cap of the refund of premiums"),
    "public.firm": Bilingual("单户补贴上限", "cap of subsidies to one firm"),
    "public.covered": Bilingual("享受加成贴息所需的最低保险或担保比例", "least cover that earns the higher interest subsidy"),
    "public.interest_paid": Bilingual("贴息不超过利息", "the interest subsidy is no more than the interest"),
    "public.expected": Bilingual("财政成本上限（预期）", "highest expected public cost"),
    "firm.cash": Bilingual("企业可承受的现金成本", "cash cost the firm can bear"),
    "kicker.most": Bilingual("股权激励上限", "cap of the equity kicker"),
    "take_out.pool": Bilingual("证券化资产池的最低户数", "least number of loans of a securitisation"),
}  # fmt: skip


def design(
    spec: BundleSpec, need: Need, risk: Risk, *, public_budget: float | None = None, public_weight: float = 0.0
) -> Bundle | NoBundle:
    """Return the bundle of least cost.

    Parameters
    ----------
    spec : BundleSpec
        Offers.
    need : Need
        The loan.
    risk : Risk
        Of the loan; held fixed here, see `fixed_point` for a default probability that follows the cost.
    public_budget : float, optional
        Expected public cost may not exceed it, fraction of the loan a year; beside the spec's own cap.
    public_weight : float
        Weight of public cost in the objective: 0 for the firm's cost, 1 for the cost of the system.

    Returns
    -------
    Bundle or NoBundle
    """
    if public_budget is not None:
        spec = replace(spec, public=replace(spec.public, most_expected=min(public_budget, spec.public.most_expected)))
    rows, bounds, whole = _conditions(spec, need, risk)
    costs = _costs(spec, need, risk, public_weight)
    found = solve(costs, rows, bounds, whole=whole)
    if found is None:
        return NoBundle(spec, need, risk, _breaches(least_shortfall(rows, bounds, whole=whole), spec))
    return _bundle(found, spec, need, risk, bounds)


def _appraisal(spec: BundleSpec, need: Need) -> tuple[float, float]:
    """Return the appraisal fee and its refund, fraction of the loan a year."""
    fee = need.appraisal_fee_cny / need.amount_cny / need.years
    return fee, fee * spec.public.appraisal_share


def _costs(spec: BundleSpec, need: Need, risk: Risk, public_weight: float) -> dict[str, float]:
    costs = {"r": 1.0, "s_interest": public_weight - 1.0, "s_premium": public_weight - 1.0}
    for p in spec.protectors:
        costs[f"p_{p.name}"] = 1.0
        if p.is_optional_by_whole:
            costs[f"on_{p.name}"] = p.fixed_cny / need.amount_cny
    if spec.pool is not None:
        costs["a_pool"] = public_weight * risk.expected_loss
    if spec.kicker is not None:
        costs["k"] = 1.0
    return costs


def _conditions(
    spec: BundleSpec, need: Need, risk: Risk
) -> tuple[list[Row], dict[str, tuple[float, float]], list[str]]:
    bank, public = spec.bank, spec.public
    bounds: dict[str, tuple[float, float]] = {
        "r": (bank.rate_low, bank.rate_high), "a_bank": (bank.least_share, 1.0), "s_interest": (0.0, math.inf),
        "s_premium": (0.0, public.most_premium),
    }  # fmt: skip
    whole: list[str] = []
    rows: list[Row] = []
    for p in spec.protectors:
        bounds |= {f"a_{p.name}": (0.0, p.most_share), f"p_{p.name}": (0.0, p.most_price)}
        rows.append(_asks(p, risk))
        if p.is_optional_by_whole:
            bounds[f"on_{p.name}"] = (0.0, 1.0)
            whole.append(f"on_{p.name}")
            rows += [
                Row(f"{p.name}.on", {f"a_{p.name}": 1.0, f"on_{p.name}": -p.most_share}, high=0.0),
                Row(f"{p.name}.least", {f"a_{p.name}": 1.0, f"on_{p.name}": -p.least_share}, low=0.0),
            ]
    if spec.pool is not None:
        bounds["a_pool"] = (0.0, spec.pool.most_share)
        rows += _pool_rows(spec, need, risk)
    shares = {name: 1.0 for name in bounds if name.startswith("a_")}
    rows.append(Row("shares", shares, 1.0, 1.0))
    rows.append(_bank_row(spec, risk, bounds, whole, rows))
    rows += _public_rows(spec, need, risk, bounds, whole)
    return rows, bounds, whole


def _asks(p: Protector, risk: Risk) -> Row:
    capital = risk.capital if p.capital is None else p.capital
    asked = risk.expected_loss + p.hurdle * capital + p.floor
    return Row(f"{p.name}.participation", {f"p_{p.name}": 1 - p.expense, f"a_{p.name}": -asked}, low=0.0)


def _pool_rows(spec: BundleSpec, need: Need, risk: Risk) -> list[Row]:
    pool = spec.pool
    assert pool is not None
    found = [Row("pool.expected", {"a_pool": risk.expected_loss}, high=pool.most_expected)]
    if pool.size_cny is not None:
        room = max(pool.size_cny * pool.leverage - pool.carried_cny, 0.0) / need.amount_cny
        found.append(Row("pool.leverage", {"a_pool": 1.0}, high=room))
    return found


def _bank_row(
    spec: BundleSpec, risk: Risk, bounds: dict[str, tuple[float, float]], whole: list[str], rows: list[Row]
) -> Row:
    """Return the bank's condition; the take-out replaces funds and capital, `y` is its product with the bank's share."""
    bank, capital, kept_weight = spec.bank, risk.capital, spec.bank.protected_weight
    terms = {"r": 1.0, "a_bank": -(risk.expected_loss + bank.hurdle * capital * (1 - kept_weight))}
    need = bank.cost_of_funds + bank.opex + bank.hurdle * capital * kept_weight
    if spec.kicker is not None:
        bounds["k"] = (0.0, spec.kicker.most)
        terms["k"] = spec.kicker.worth
    if spec.take_out is not None:
        t = spec.take_out
        saved = bank.hurdle * (capital - min(t.kept, capital))
        dearer = (1 - t.kept) * (t.coupon - bank.cost_of_funds) + t.fee
        bounds |= {"z": (0.0, 1.0 if t.pool_loans >= t.least_loans else 0.0), "y": (0.0, 1.0)}
        whole.append("z")
        terms |= {"z": saved * kept_weight - dearer, "y": saved * (1 - kept_weight)}
        rows += [
            Row("take_out.y_z", {"y": 1.0, "z": -1.0}, high=0.0),
            Row("take_out.y_share", {"y": 1.0, "a_bank": -1.0}, high=0.0),
            Row("take_out.y_both", {"y": 1.0, "z": -1.0, "a_bank": -1.0}, low=-1.0),
        ]
    return Row("bank.participation", terms, low=need)


def _public_rows(
    spec: BundleSpec, need: Need, risk: Risk, bounds: dict[str, tuple[float, float]], whole: list[str]
) -> list[Row]:
    public, amount = spec.public, need.amount_cny
    prices = [f"p_{p.name}" for p in spec.protectors]
    refunded = [f"p_{p.name}" for p in spec.protectors if p.is_refunded]
    fee, refund = _appraisal(spec, need)
    base = public.interest_share * need.reference_rate
    extra = public.interest_share_covered * need.reference_rate - base
    interest = {"s_interest": 1.0}
    found: list[Row] = []
    if extra > 0 and spec.protectors:
        bounds["covered"] = (0.0, 1.0)
        whole.append("covered")
        interest["covered"] = -extra
        # Cover counts from a tenth of the loss on: a token share is not what the rule rewards.
        found.append(Row("public.covered", {**{f"a_{p.name}": 1.0 for p in spec.protectors}, "covered": -0.1}, low=0.0))
    found.append(Row("public.interest", interest, high=base))
    found.append(Row("public.interest_paid", {"s_interest": 1.0, "r": -1.0}, high=0.0))
    found.append(Row("public.premium", {"s_premium": 1.0, **dict.fromkeys(refunded, -public.premium_share)}, high=0.0))
    if public.most_firm_cny / amount < 1:
        found.append(
            Row(
                "public.firm",
                {"s_interest": 1.0, "s_premium": 1.0},
                high=max(public.most_firm_cny / amount - refund, 0.0),
            )
        )
    spent = {"s_interest": 1.0, "s_premium": 1.0} | ({"a_pool": risk.expected_loss} if spec.pool is not None else {})
    if public.most_expected < 1:
        found.append(Row("public.expected", spent, high=public.most_expected - refund))
    if need.most_cash_cost < 1:
        cash = {"r": 1.0, "s_interest": -1.0, "s_premium": -1.0, **dict.fromkeys(prices, 1.0)}
        cash |= {f"on_{p.name}": p.fixed_cny / amount for p in spec.protectors if p.is_optional_by_whole}
        found.append(Row("firm.cash", cash, high=need.most_cash_cost - fee + refund))
    return found


def _label(name: str, spec: BundleSpec) -> Bilingual:
    if name in _LABELS:
        return _LABELS[name]
    party, _, what = name.partition(".")
    label = next((p.label for p in spec.protectors if p.name == party), Bilingual(party, party))
    told = {
        "participation": Bilingual(
            f"{label.zh}收入覆盖费用、预期损失与资本回报", f"{label.en}: price covers expenses, expected loss and return on capital"
        ),
        "share": Bilingual(f"{label.zh}分担比例上限", f"cap of the share of the {label.en}"),
        "price": Bilingual(f"{label.zh}费率上限", f"highest price of the {label.en}"),
    }  # fmt: skip
    return told.get(what, Bilingual(f"{label.zh}：{what}", f"{label.en}: {what}"))


_BOUND_OF = {
    "r": "bank.rate",
    "a_bank": "bank.share",
    "a_pool": "pool.share",
    "s_premium": "public.premium_cap",
    "k": "kicker.most",
}


def _bundle(
    found: Answer, spec: BundleSpec, need: Need, risk: Risk, bounds: Mapping[str, tuple[float, float]]
) -> Bundle:
    x = found.values
    fee, refund = _appraisal(spec, need)
    names = ["bank", *(p.name for p in spec.protectors), *(["pool"] if spec.pool is not None else [])]
    shares = {name: max(x[f"a_{name}"], 0.0) + 0.0 for name in names}
    assert abs(sum(shares.values()) - 1) < 1e-7, "every part of a loss is borne by somebody"
    prices = {p.name: max(x[f"p_{p.name}"], 0.0) + 0.0 for p in spec.protectors}
    fixed = fee + sum(
        p.fixed_cny / need.amount_cny * x[f"on_{p.name}"] for p in spec.protectors if p.is_optional_by_whole
    )
    kicker = x.get("k", 0.0)
    subsidies = x["s_interest"] + x["s_premium"] + refund
    cost = x["r"] + sum(prices.values()) + fixed + kicker - subsidies
    return Bundle(
        spec, need, risk, x["r"], shares, prices, x["s_interest"], x["s_premium"], refund, fixed, kicker, x.get("z", 0.0) > 0.5,
        cost, subsidies + risk.expected_loss * shares.get("pool", 0.0), _binding(found, spec, bounds), found.gap,
    )  # fmt: skip


def _binding(found: Answer, spec: BundleSpec, bounds: Mapping[str, tuple[float, float]]) -> tuple[Constraint, ...]:
    rows = {
        name: shadow for name, shadow in found.shadow.items() if name != "shares" and not name.startswith("take_out.y")
    }
    for name, reduced in found.reduced.items():
        low, high = bounds[name]
        if low == high or abs(reduced) < 1e-12 or name.startswith(("on_", "z", "y", "covered")):
            continue
        if name in _BOUND_OF and (name in {"r", "a_bank"} or found.values[name] > low):
            rows[_BOUND_OF[name]] = reduced
        elif name not in _BOUND_OF and found.values[name] > low:
            rows[f"{name[2:]}.{'share' if name.startswith('a_') else 'price'}"] = reduced
    idle = {f"{p.name}.participation" for p in spec.protectors if found.values[f"a_{p.name}"] < 1e-9}
    ranked = sorted(((abs(s), n, s) for n, s in rows.items() if abs(s) > 1e-9 and n not in idle), reverse=True)
    return tuple(Constraint(name, _label(name, spec), shadow) for _, name, shadow in ranked)


def _breaches(shortfall: Shortfall, spec: BundleSpec) -> tuple[Constraint, ...]:
    ranked = sorted(shortfall.breaches.items(), key=lambda item: -item[1])
    return tuple(Constraint(name, _label(name, spec), amount) for name, amount in ranked)
