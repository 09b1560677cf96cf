"""What each party offers towards one loan, and what it asks for; each field checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache

from zhirong.finance.schedules.checks import within
from zhirong.kernel.errors import DomainError
from zhirong.kernel.provenance import Source
from zhirong.kernel.text import Bilingual
from zhirong.numerics.credit_loss import irb_capital

__all__ = ["Bank", "BundleSpec", "Kicker", "Need", "Pool", "Protector", "PublicMoney", "Risk", "TakeOut"]


def _all(*checks: Callable[[], None]) -> None:
    """Run every check, and name every field that failed."""
    wrong = []
    for check in checks:
        try:
            check()
        except DomainError as err:
            wrong.append(str(err))
    if wrong:
        raise DomainError("; ".join(wrong))


@dataclass(frozen=True, slots=True)
class Need:
    """What the firm asks for.

    Parameters
    ----------
    amount_cny : float
        Loan, above 0.
    months : int
        Term, 1 to 120.
    reference_rate : float
        LPR or another, fraction a year, on which subsidies are counted.
    appraisal_fee_cny : float
        Paid at the start by the firm, 0 or more.
    most_cash_cost : float
        Highest cash cost that the firm can bear, fraction of the loan a year; 1 for no bound.
    """

    amount_cny: float
    months: int
    reference_rate: float
    appraisal_fee_cny: float = 0.0
    most_cash_cost: float = 1.0

    def __post_init__(self) -> None:
        _all(
            lambda: within("amount_cny", self.amount_cny, 0, 1e13, open_low=True),
            lambda: within("months", self.months, 1, 120, is_whole=True),
            lambda: within("reference_rate", self.reference_rate, 0, 1),
            lambda: within("appraisal_fee_cny", self.appraisal_fee_cny, 0, 1e10),
            lambda: within("most_cash_cost", self.most_cash_cost, 0, 1, open_low=True),
        )

    @property
    def years(self) -> float:
        """Term in years."""
        return self.months / 12


@dataclass(frozen=True, slots=True)
class Risk:
    """Credit risk of the loan without protection.

    Parameters
    ----------
    pd : float
        Probability of default within a year, above 0, below 1.
    lgd : float
        Loss given default, 0 to 1.
    turnover_eur_m : float or None
        Of the firm, for the capital of small firms.
    """

    pd: float
    lgd: float
    turnover_eur_m: float | None = 5.0

    def __post_init__(self) -> None:
        _all(
            lambda: within("pd", self.pd, 0, 0.999, open_low=True),
            lambda: within("lgd", self.lgd, 0, 1),
        )
        if self.turnover_eur_m is not None:
            within("turnover_eur_m", self.turnover_eur_m, 0, 1e6)

    @property
    def expected_loss(self) -> float:
        """PD x LGD, fraction of the loan a year."""
        return self.pd * self.lgd

    @property
    def capital(self) -> float:
        """IRB capital at one year of maturity, fraction of the loan."""
        return _capital(self.pd, self.lgd, self.turnover_eur_m)


@lru_cache(maxsize=4096)
def _capital(pd: float, lgd: float, turnover_eur_m: float | None) -> float:
    return float(irb_capital(pd, lgd, maturity_years=1.0, turnover_eur_m=turnover_eur_m))


@dataclass(frozen=True, slots=True)
class Bank:
    """The lender.

    Parameters
    ----------
    cost_of_funds, opex : float
        Fraction of the loan a year.
    hurdle : float
        Return asked on capital, fraction a year.
    protected_weight : float
        Capital on a protected part over that on an unprotected one, 0 to 1.
    least_share : float
        Least share of a loss that stays with the bank, 0 to 1.
    rate_low, rate_high : float
        Ends of the rate of the loan, fraction a year.
    """

    cost_of_funds: float
    opex: float
    hurdle: float
    protected_weight: float
    least_share: float
    rate_low: float
    rate_high: float

    def __post_init__(self) -> None:
        names = ("cost_of_funds", "opex", "hurdle", "protected_weight", "least_share", "rate_low", "rate_high")
        _all(*(lambda n=name: within(f"bank.{n}", getattr(self, n), 0, 1) for name in names))
        if self.rate_low > self.rate_high:
            raise DomainError(f"field bank.rate_low: {self.rate_low}; allowed: up to rate_high {self.rate_high}")


@dataclass(frozen=True, slots=True)
class Protector:
    """A party that bears a share of a loss for a price: insurer, guarantor, appraiser.

    Parameters
    ----------
    name : str
        ``insurer``, ``guarantor``, ``valuer``...; unique in a bundle.
    label : Bilingual
        What a reader sees.
    most_share : float
        Cap of its share of a loss, 0 to 1.
    expense : float
        Part of the price that expenses eat, 0 to below 1.
    hurdle : float
        Return asked on capital.
    floor : float
        Least price for each unit of share beyond expected loss and capital, fraction of the loan a year.
    most_price : float
        Highest price, fraction of the loan a year.
    capital : float or None
        Capital for a unit of share; None takes that of the bank.
    fixed_cny : float
        Fee a year once it takes part, CNY.
    least_share : float
        Least share once it takes part.
    is_refunded : bool
        Its price is among those that the premium subsidy refunds in part.
    """

    name: str
    label: Bilingual
    most_share: float
    expense: float = 0.0
    hurdle: float = 0.0
    floor: float = 0.0
    most_price: float = 0.1
    capital: float | None = None
    fixed_cny: float = 0.0
    least_share: float = 0.0
    is_refunded: bool = False

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise DomainError(f"field protector.name: {self.name!r}; allowed: a plain name")
        at = self.name
        _all(
            lambda: within(f"{at}.most_share", self.most_share, 0, 1),
            lambda: within(f"{at}.expense", self.expense, 0, 0.95),
            lambda: within(f"{at}.hurdle", self.hurdle, 0, 1),
            lambda: within(f"{at}.floor", self.floor, 0, 1),
            lambda: within(f"{at}.most_price", self.most_price, 0, 1),
            lambda: within(f"{at}.capital", 0.0 if self.capital is None else self.capital, 0, 1),
            lambda: within(f"{at}.fixed_cny", self.fixed_cny, 0, 1e9),
            lambda: within(f"{at}.least_share", self.least_share, 0, self.most_share),
        )

    @property
    def is_optional_by_whole(self) -> bool:
        """Taking part is a yes or no of its own."""
        return self.fixed_cny > 0 or self.least_share > 0


@dataclass(frozen=True, slots=True)
class Pool:
    """A public risk-compensation pool, which bears a share of a loss for nothing.

    Parameters
    ----------
    most_share : float
        Cap, 0 to 1.
    most_expected : float
        Highest expected payout, fraction of the loan a year.
    size_cny : float or None
        Money in the pool; None for no bound by leverage.
    leverage : float
        Risk carried over money, above 0.
    carried_cny : float
        Risk carried already.
    """

    most_share: float
    most_expected: float = 1.0
    size_cny: float | None = None
    leverage: float = 10.0
    carried_cny: float = 0.0

    def __post_init__(self) -> None:
        _all(
            lambda: within("pool.most_share", self.most_share, 0, 1),
            lambda: within("pool.most_expected", self.most_expected, 0, 1),
            lambda: within("pool.size_cny", 0.0 if self.size_cny is None else self.size_cny, 0, 1e13),
            lambda: within("pool.leverage", self.leverage, 0, 100, open_low=True),
            lambda: within("pool.carried_cny", self.carried_cny, 0, 1e15),
        )


@dataclass(frozen=True, slots=True)
class PublicMoney:
    """Subsidies, and the purse that pays them and the pool.

    Parameters
    ----------
    interest_share, interest_share_covered : float
        Interest subsidy over the reference rate: without cover, and where a loss is insured or guaranteed.
    premium_share : float
        Share of prices of protectors that is refunded.
    most_premium : float
        Cap of that refund, fraction of the loan a year.
    most_firm_cny : float
        Cap of all subsidies of the firm a year, CNY.
    appraisal_share : float
        Share of the appraisal fee refunded.
    most_expected : float
        Expected public cost in all, fraction of the loan a year: subsidies and payouts of the pool.
    """

    interest_share: float = 0.0
    interest_share_covered: float = 0.0
    premium_share: float = 0.0
    most_premium: float = 1.0
    most_firm_cny: float = 1e12
    appraisal_share: float = 0.0
    most_expected: float = 1.0

    def __post_init__(self) -> None:
        shares = (
            "interest_share",
            "interest_share_covered",
            "premium_share",
            "most_premium",
            "appraisal_share",
            "most_expected",
        )
        _all(
            *(lambda n=name: within(f"public.{n}", getattr(self, n), 0, 1) for name in shares),
            lambda: within("public.most_firm_cny", self.most_firm_cny, 0, 1e13),
        )
        if self.interest_share_covered < self.interest_share:
            raise DomainError(
                f"field public.interest_share_covered: {self.interest_share_covered}; allowed: interest_share {self.interest_share} or more"
            )


@dataclass(frozen=True, slots=True)
class TakeOut:
    """Sale of the loan into a security, the bank keeping its first loss.

    Parameters
    ----------
    coupon : float
        Of the senior notes, fraction a year.
    fee : float
        Of the issue, fraction of the loan a year.
    kept : float
        Share kept as subordinated note, above 0 to 1; its capital is the whole of it, and never above that of the loan.
    pool_loans, least_loans : int
        Loans in the pool, and the least that can be issued on.
    """

    coupon: float
    fee: float
    kept: float
    pool_loans: int
    least_loans: int

    def __post_init__(self) -> None:
        _all(
            lambda: within("take_out.coupon", self.coupon, 0, 1),
            lambda: within("take_out.fee", self.fee, 0, 1),
            lambda: within("take_out.kept", self.kept, 0, 1, open_low=True),
            lambda: within("take_out.pool_loans", self.pool_loans, 0, 10**7, is_whole=True),
            lambda: within("take_out.least_loans", self.least_loans, 1, 10**6, is_whole=True),
        )


@dataclass(frozen=True, slots=True)
class Kicker:
    """Equity given to the lender's side in place of cash.

    Parameters
    ----------
    most : float
        Highest expected value, fraction of the loan a year.
    worth : float
        What one unit is worth to the lender, 0 to 1: it is risky and cannot be sold.
    """

    most: float
    worth: float

    def __post_init__(self) -> None:
        _all(
            lambda: within("kicker.most", self.most, 0, 1),
            lambda: within("kicker.worth", self.worth, 0, 1),
        )


@dataclass(frozen=True, slots=True)
class BundleSpec:
    """All offers on the table.

    Parameters
    ----------
    name : str
        Programme, or ``linked``.
    label : Bilingual
        What a reader sees.
    bank : Bank
        Lender.
    protectors : tuple of Protector
        Names differ.
    pool : Pool or None
        Public pool.
    public : PublicMoney
        Subsidies.
    take_out : TakeOut or None
        Securitisation.
    kicker : Kicker or None
        Equity.
    sources : tuple of Source
        Where the terms come from.
    """

    name: str
    label: Bilingual
    bank: Bank
    protectors: tuple[Protector, ...] = ()
    pool: Pool | None = None
    public: PublicMoney = field(default_factory=PublicMoney)
    take_out: TakeOut | None = None
    kicker: Kicker | None = None
    sources: tuple[Source, ...] = ()

    def __post_init__(self) -> None:
        names = [p.name for p in self.protectors]
        taken = {"bank", "pool", "take_out", "kicker", "public"}
        if len(set(names)) != len(names) or taken & set(names):
            raise DomainError(
                f"field protectors: {', '.join(names)}; allowed: names that differ and are none of {', '.join(sorted(taken))}"
            )

    @property
    def products(self) -> tuple[str, ...]:
        """Every offer besides the loan."""
        found = [p.name for p in self.protectors if p.most_share > 0]
        found += ["pool"] if self.pool is not None and self.pool.most_share > 0 else []
        found += ["take_out"] if self.take_out is not None else []
        return (*found, "kicker") if self.kicker is not None and self.kicker.most > 0 else tuple(found)

    def only(self, products: frozenset[str]) -> BundleSpec:
        """Return the bundle with no other products than these; subsidies stay."""
        return replace(
            self,
            protectors=tuple(p for p in self.protectors if p.name in products),
            pool=self.pool if "pool" in products else None,
            take_out=self.take_out if "take_out" in products else None,
            kicker=self.kicker if "kicker" in products else None,
        )
