"""The specification of a securitisation: frozen records that a deal file is read into.

Amounts are CNY unless the deal says otherwise, rates are fractions a year, dates are calendar days.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from zhirong.kernel.dates import DayCount
from zhirong.kernel.provenance import Source
from zhirong.kernel.text import Bilingual

__all__ = [
    "Account", "Amortisation", "Asset", "AssetKind", "BuyBack", "CleanUpCall", "Credit", "Deal", "Dependence", "Fact", "Fee",
    "Guarantor", "PoolSpec", "Recovery", "Revolving", "Step", "Tranche", "Trigger",
]  # fmt: skip

AssetKind = Literal["licence_back", "loan", "lease", "receivable"]
Amortisation = Literal["level", "equal_principal", "bullet", "discount"]


@dataclass(frozen=True, slots=True)
class Credit:
    """Default risk of an asset or of the guarantor.

    Parameters
    ----------
    annual_pd : float
        Constant probability of default a year, 0 to below 1; the cumulative probability is ``1 - (1 - pd)^years``.
    correlation : float
        Share of the common factor in the variance of the latent variable, 0 to below 1.
    """

    annual_pd: float
    correlation: float


@dataclass(frozen=True, slots=True)
class Recovery:
    """What is recovered of a defaulted balance.

    Parameters
    ----------
    mean : float
        Mean share, 0 to 1.
    spread : float
        Standard deviation of the probit of the share; 0 makes the share certain.
    factor_share : float
        Share of that variance that moves with the common factor, 0 to 1: defaults and values fall together.
    lag_months : int
        Months from default to cash.
    """

    mean: float
    spread: float = 0.0
    factor_share: float = 0.0
    lag_months: int = 12


@dataclass(frozen=True, slots=True)
class Asset:
    """One receivable of the pool.

    Parameters
    ----------
    id, kind : str
        Name, and one of the four types: licence-back, loan, lease, receivable.
    balance : float
        Principal at the cut-off date.
    rate : float
        Rate a year implied by its payments.
    first_due, interval_months, payments
        Dates of the payments: first day, months between, number.
    amortisation : str
        ``level`` total payments, ``equal_principal``, ``bullet``, or ``discount`` (one payment of principal and interest).
    grace_payments : int
        First payments that are interest only.
    in_advance : bool
        Lease rents due at the start of each interval: `rate` applies between payments, the first bears no interest.
    deposit : float
        Cash deposit of the lessee, set against the balance at default.
    revenue_share : float
        Part of each payment that moves with the revenue of the licensee (royalty), 0 to 1.
    revenue_volatility : float
        Volatility a year of that revenue.
    revenue_correlation : float
        Share of the variance of revenue common to the pool, 0 to 1.
    revenue_floor : float
        Least royalty as a share of the expected one (minimum guarantee), 0 to 1.
    dilution : float
        Share of a receivable lost to returns and set-off.
    may_prepay : bool
        Prepayment of the pool applies.
    credit : Credit
        Its default risk.
    """

    id: str
    kind: AssetKind
    balance: float
    rate: float
    first_due: date
    interval_months: int
    payments: int
    credit: Credit
    amortisation: Amortisation = "level"
    grace_payments: int = 0
    in_advance: bool = False
    deposit: float = 0.0
    revenue_share: float = 0.0
    revenue_volatility: float = 0.0
    revenue_correlation: float = 0.0
    revenue_floor: float = 0.0
    dilution: float = 0.0
    may_prepay: bool = False


@dataclass(frozen=True, slots=True)
class Dependence:
    """How defaults hang together: a Gaussian copula, or a t copula with so many degrees of freedom."""

    copula: Literal["gaussian", "t"] = "gaussian"
    degrees_of_freedom: float = 0.0


@dataclass(frozen=True, slots=True)
class PoolSpec:
    """The pool: its assets, recovery, prepayment and dependence.

    Parameters
    ----------
    assets : tuple of Asset
        At least one.
    recovery : Recovery
        Of every asset.
    dependence : Dependence
        Copula.
    prepayment_rate : float
        Share of the balance prepaid a year (CPR) of assets that may prepay; ``1 - (1 - CPR)^(1/12)`` a month.
    prepayment_volatility : float
        Standard deviation of the logarithm of a factor common to a path that scales it.
    """

    assets: tuple[Asset, ...]
    recovery: Recovery
    dependence: Dependence = Dependence()
    prepayment_rate: float = 0.0
    prepayment_volatility: float = 0.0

    @property
    def balance(self) -> float:
        """Principal at the cut-off date."""
        return sum(asset.balance for asset in self.assets)


@dataclass(frozen=True, slots=True)
class Tranche:
    """A class of notes; they stand in order of seniority.

    Parameters
    ----------
    id : str
        Short name, e.g. ``A1``.
    balance : float
        Face at closing.
    coupon : float
        Fixed rate a year, or the margin over the index of the deal where `is_floating`.
    is_floating : bool
        Coupon is index plus margin.
    legal_final : date or None
        Day by which it must be repaid; that of the deal where None.
    schedule : Mapping of date to float
        Balance at most after each named payment date, for scheduled principal.
    compounds : bool
        Unpaid interest bears interest.
    is_residual : bool
        Holds the residual: the equity piece. At most one.
    rating : str
        As published, empty where there is none.
    """

    id: str
    label: Bilingual
    balance: float
    coupon: float
    is_floating: bool = False
    legal_final: date | None = None
    schedule: Mapping[date, float] = field(default_factory=dict)
    compounds: bool = False
    is_residual: bool = False
    rating: str = ""


@dataclass(frozen=True, slots=True)
class Fee:
    """A fee: an amount a year, or a rate on a basis (a year on balances, of the cash on collections)."""

    id: str
    label: Bilingual
    basis: Literal["fixed", "pool", "collections", "notes"]
    amount: float = 0.0
    rate: float = 0.0
    once: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """The reserve account: what it holds at closing and what it should hold.

    Parameters
    ----------
    initial : float
        Paid in at closing.
    basis : str
        ``amount``, ``original_pool``, ``pool``, ``notes`` or ``payment`` (fees and interest of the period).
    share, floor : float
        Target is the greater of ``share`` of the basis and ``floor``; nothing once the notes are paid.
    interest_rate : float
        Rate a year that accounts earn.
    """

    initial: float = 0.0
    basis: Literal["amount", "original_pool", "pool", "notes", "payment"] = "amount"
    share: float = 0.0
    floor: float = 0.0
    interest_rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Guarantor:
    """The party that undertakes to make up shortfalls (差额支付承诺人).

    Parameters
    ----------
    cap : float or None
        Most it pays in all, None for no cap.
    credit : Credit
        Its own default risk, driven by the same factor as the pool.
    interest_rate : float
        Rate a year on what it has paid and not got back.
    """

    label: Bilingual
    credit: Credit
    cap: float | None = None
    interest_rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Revolving:
    """Revolving period: until a day, principal buys new assets of one kind.

    Parameters
    ----------
    until : date
        Last payment date on which assets are bought.
    stop : str
        Trigger that ends the period for good, empty for none.
    asset : Asset
        Pattern of the new assets; its balance is ignored.
    price : float
        Price for one unit of balance.
    """

    until: date
    asset: Asset
    stop: str = ""
    price: float = 1.0


@dataclass(frozen=True, slots=True)
class CleanUpCall:
    """The originator may buy the rest once the pool is at most `share` of the original, where that redeems the notes."""

    share: float
    price: float = 1.0


@dataclass(frozen=True, slots=True)
class BuyBack:
    """The originator buys back a share of defaulted assets at their balance, up to a cap in all."""

    share: float
    cap: float | None = None


@dataclass(frozen=True, slots=True)
class Trigger:
    """A test of each period.

    Parameters
    ----------
    test : str
        ``oc``, ``ic``, ``cumulative_default``, ``cumulative_loss``, ``reserve``, ``interest_shortfall``,
        ``guarantor_default``, ``from_date``, ``any_of`` or ``all_of``.
    level : float
        Level of the test.
    levels : Mapping of date to float
        Level from each day on, where it changes.
    tranches, parts : tuple of str
        Tranches tested, or triggers combined.
    is_curable : bool
        A breach ends when the test passes again.
    day : date or None
        Of ``from_date``.
    """

    id: str
    label: Bilingual
    test: str
    level: float = 0.0
    levels: Mapping[date, float] = field(default_factory=dict)
    tranches: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    is_curable: bool = True
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the waterfall.

    Parameters
    ----------
    action : str
        ``pay_fees``, ``pay_interest``, ``pay_principal``, ``fund_reserve``, ``release_reserve``, ``reimburse_guarantor``,
        ``buy_assets`` or ``pay_residual``.
    targets : tuple of str
        Fees or tranches.
    amount : str
        Of principal: ``available``, ``collections``, ``pool_decline``, ``scheduled``, ``at_maturity`` or ``to_oc``.
    ratio : float
        Of ``to_oc``.
    is_pro_rata : bool
        By what is due, else in the order named.
    sources : tuple of str
        ``reserve``, ``guarantor``: drawn on when collections are short, in this order.
    condition : str
        Trigger, or ``revolving``; empty for always.
    wanted : bool
        The step is taken when the condition is true, or when it is false.
    """

    action: str
    targets: tuple[str, ...] = ()
    amount: str = "available"
    ratio: float = 0.0
    is_pro_rata: bool = True
    sources: tuple[str, ...] = ()
    condition: str = ""
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class Fact:
    """Where a value of the deal comes from."""

    path: str
    source: Source


@dataclass(frozen=True, slots=True)
class Deal:
    """A securitisation; see the fields of its parts.

    `index` gives the floating index by the day from which it holds, `collateral_value` what pledged patents are worth.
    """

    id: str
    name: Bilingual
    currency: str
    closing: date
    first_payment: date
    payment_interval_months: int
    legal_final: date
    day_count: DayCount
    pool: PoolSpec
    tranches: tuple[Tranche, ...]
    steps: tuple[Step, ...]
    fees: tuple[Fee, ...] = ()
    reserve: Account = Account()
    guarantor: Guarantor | None = None
    triggers: tuple[Trigger, ...] = ()
    revolving: Revolving | None = None
    clean_up_call: CleanUpCall | None = None
    buy_back: BuyBack | None = None
    index: Mapping[date, float] = field(default_factory=dict)
    collection_lag_days: int = 0
    collateral_value: float | None = None
    facts: tuple[Fact, ...] = ()
    is_synthetic: bool = False

    @property
    def loan_to_value(self) -> float | None:
        """Face of the notes over the value of the pledged patents, None where that is not known."""
        return None if self.collateral_value is None else self.notes / self.collateral_value

    @property
    def notes(self) -> float:
        """Face of all classes, the residual piece included."""
        return sum(tranche.balance for tranche in self.tranches)
