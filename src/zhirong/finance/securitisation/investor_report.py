"""What investors are shown: the same deal with and without support, its capital, its cash, and where every value comes from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from zhirong import __version__
from zhirong.finance.securitisation.capital import Retention, TrancheCapital, retention_of, tranche_capital
from zhirong.finance.securitisation.schedule import payment_dates
from zhirong.finance.securitisation.simulation import DealResult, simulate_deal
from zhirong.finance.securitisation.spec import Asset, Deal
from zhirong.kernel.provenance import Grade, Provenance, Source, fingerprint
from zhirong.kernel.text import Bilingual
from zhirong.numerics.waterfall import Column
from zhirong.params import ParameterBook

__all__ = ["CashLine", "InvestorReport", "StatedValue", "investor_report", "stated_values"]

_ASSUMED = Source("Assumed for this run; not published", Grade.ASSUMED, title_zh="本次测算假设；未公开")
_SYNTHETIC = Source("Synthetic deal", Grade.SYNTHETIC, title_zh="合成交易")
_KINDS = {
    "licence_back": Bilingual("专利许可反授权", "licence-back"),
    "loan": Bilingual("质押贷款", "pledged loan"),
    "lease": Bilingual("售后回租", "sale and lease-back"),
    "receivable": Bilingual("应收账款", "receivable"),
}


@dataclass(frozen=True, slots=True)
class StatedValue:
    """A value of the deal file: where it stands, what it is, and who says so."""

    path: str
    label: Bilingual
    value: Bilingual
    source: Source


@dataclass(frozen=True, slots=True)
class CashLine:
    """Expected cash of one payment date, in money; `balances` of the classes after it."""

    day: date
    collections: float
    fees: float
    interest: tuple[float, ...]
    principal: tuple[float, ...]
    balances: tuple[float, ...]
    support: float
    residual: float
    pool: float


@dataclass(frozen=True, slots=True)
class InvestorReport:
    """A deal for its investors.

    Parameters
    ----------
    deal : Deal
        The deal.
    with_support, alone : DealResult
        With the party that makes up shortfalls, and the structure on its own; equal where there is none.
    capital : tuple of TrancheCapital
        Under the standardised approach.
    retention : tuple of Retention
        Rule for credit assets against what the originator keeps, taken to be the residual class.
    cash : tuple of CashLine
        Expected, with support.
    values : tuple of StatedValue
        Every value that drives the answer, with its source.
    provenance : Provenance
        To run it again.
    """

    deal: Deal
    with_support: DealResult
    alone: DealResult
    capital: tuple[TrancheCapital, ...]
    retention: tuple[Retention, ...]
    cash: tuple[CashLine, ...]
    values: tuple[StatedValue, ...]
    provenance: Provenance


def investor_report(
    deal: Deal, *, rate: float, book: ParameterBook, as_of: date, paths: int = 10_000, seed: int = 1, threads: int = 1
) -> InvestorReport:
    """Run a deal with and without support and gather what its investors are shown.

    Parameters
    ----------
    deal : Deal
        The deal.
    rate : float
        Flat rate of the discount curve.
    book, as_of
        Parameters of capital and retention, and the day at which they are read.
    paths, seed, threads
        As in `zhirong.finance.securitisation.simulate_deal`.
    """
    helped = simulate_deal(deal, rate=rate, paths=paths, seed=seed, threads=threads)
    alone = simulate_deal(deal, rate=rate, paths=paths, seed=seed, threads=threads, with_support=False)
    k_sa = book.at("securitisation.capital.pool_k_sa", as_of)
    capital = tranche_capital(deal, k_sa=float(k_sa.value), book=book, on=as_of)
    kept = {tranche.id: tranche.balance for tranche in deal.tranches if tranche.is_residual}
    retention = retention_of(deal, kept, book=book, on=as_of)
    versions = {k_sa.path: k_sa.version, **{item.rule.path: item.rule.version for item in retention}}
    return InvestorReport(
        deal=deal,
        with_support=helped,
        alone=alone,
        capital=capital,
        retention=retention,
        cash=_cash(helped),
        values=stated_values(deal),
        provenance=Provenance(
            code_version=__version__,
            as_of=as_of,
            data={"deal": fingerprint(repr(deal))},
            parameters=versions,
            seed=seed,
            settings={"paths": str(paths), "rate": f"{rate:g}"},
        ),
    )


def _cash(result: DealResult) -> tuple[CashLine, ...]:
    mean = result.mean_deal
    inflow = mean[:, [Column.INTEREST, Column.PRINCIPAL, Column.RECOVERY, Column.BUY_BACK, Column.CALL]].sum(axis=1)
    return tuple(
        CashLine(
            day=day,
            collections=float(inflow[t]),
            fees=float(mean[t, Column.FEES]),
            interest=tuple(map(float, result.mean_interest[t])),
            principal=tuple(map(float, result.mean_principal[t])),
            balances=tuple(map(float, result.mean_balance[t])),
            support=float(mean[t, Column.SUPPORT]),
            residual=float(mean[t, Column.RESIDUAL]),
            pool=float(mean[t, Column.POOL]),
        )
        for t, day in enumerate(payment_dates(result.deal))
    )


def _source(deal: Deal, path: str) -> Source:
    """Return the source of a path: that of the fact that names it or a part above it, else that it is assumed."""
    for fact in sorted(deal.facts, key=lambda item: -len(item.path)):
        if path == fact.path or path.startswith(fact.path + "."):
            return fact.source
    return _SYNTHETIC if deal.is_synthetic else _ASSUMED


def _rate(value: float) -> Bilingual:
    return Bilingual(*[f"{100 * value:.4g}%"] * 2)


def _money(deal: Deal, value: float) -> Bilingual:
    return Bilingual(
        f"{value / 1e4:,.6g} 万元" if deal.currency == "CNY" else f"{value:,.0f} {deal.currency}",
        f"{deal.currency} {value / 1e6:,.6g} million",
    )


def stated_values(deal: Deal) -> tuple[StatedValue, ...]:
    """Return the values that drive the answer, each with its source; what no fact names is assumed."""
    found: list[tuple[str, Bilingual, Bilingual]] = []
    for number, group in enumerate(_groups(deal)):
        found += _of_assets(deal, f"pool.assets[{number}]", group)
    recovery, dependence = deal.pool.recovery, deal.pool.dependence
    found += [
        ("pool.recovery.mean", Bilingual("违约回收率均值", "Mean recovery of a default"), _rate(recovery.mean)),
        (
            "pool.recovery.lag_months",
            Bilingual("回收时滞", "Months to recovery"),
            Bilingual(f"{recovery.lag_months} 个月", f"{recovery.lag_months} months"),
        ),
        (
            "pool.recovery.factor_share",
            Bilingual("回收率随共同因子变动的份额", "Share of recovery risk common with defaults"),
            _rate(recovery.factor_share),
        ),
        (
            "pool.dependence",
            Bilingual("违约相依结构", "Dependence of defaults"),
            Bilingual(
                f"t 分布连接函数，自由度 {dependence.degrees_of_freedom:g}",
                f"t copula, {dependence.degrees_of_freedom:g} degrees of freedom",
            )
            if dependence.copula == "t"
            else Bilingual("高斯连接函数", "Gaussian copula"),
        ),
    ]
    for tranche in deal.tranches:
        path, name = f"tranches.{tranche.id}", tranche.label
        found.append(
            (f"{path}.balance", Bilingual(f"{name.zh}规模", f"{name.en}: face"), _money(deal, tranche.balance))
        )
        if not tranche.is_residual:
            found.append(
                (f"{path}.coupon", Bilingual(f"{name.zh}票面利率", f"{name.en}: coupon"), _rate(tranche.coupon))
            )
    if deal.guarantor is not None:
        credit = deal.guarantor.credit
        found += [
            ("guarantor", Bilingual("差额支付承诺", "Support"), deal.guarantor.label),
            (
                "guarantor_default",
                Bilingual("承诺人年违约概率", "Default of the support party, a year"),
                _rate(credit.annual_pd),
            ),
        ]
    for fee in deal.fees:
        amount = _money(deal, fee.amount) if fee.basis == "fixed" else _rate(fee.rate)
        found.append((f"fees.{fee.id}", Bilingual(f"{fee.label.zh}（每年）", f"{fee.label.en}, a year"), amount))
    return tuple(StatedValue(path, label, value, _source(deal, path)) for path, label, value in found)


def _groups(deal: Deal) -> list[list[Asset]]:
    """Return the assets by the entry of the file they come from: alike in all but name and balance."""
    groups: dict[str, list[Asset]] = {}
    for asset in deal.pool.assets:
        groups.setdefault(asset.id.rpartition("-")[0] or asset.id, []).append(asset)
    return list(groups.values())


def _of_assets(deal: Deal, path: str, group: list[Asset]) -> list[tuple[str, Bilingual, Bilingual]]:
    asset, total = group[0], sum(item.balance for item in group)
    kind = _KINDS[asset.kind]
    return [
        (f"{path}.kind", Bilingual("基础资产", "Assets"), kind),
        (
            f"{path}.count",
            Bilingual(f"{kind.zh}笔数", f"Number of assets, {kind.en}"),
            Bilingual(str(len(group)), str(len(group))),
        ),
        (f"{path}.total", Bilingual(f"{kind.zh}余额", f"Balance, {kind.en}"), _money(deal, total)),
        (f"{path}.rate", Bilingual(f"{kind.zh}年利率", f"Rate a year, {kind.en}"), _rate(asset.rate)),
        (
            f"{path}.payments",
            Bilingual("期数与间隔", "Payments"),
            Bilingual(
                f"{asset.payments} 期，每 {asset.interval_months} 个月",
                f"{asset.payments}, every {asset.interval_months} months",
            ),
        ),
        (
            f"{path}.credit.annual_pd",
            Bilingual("企业年违约概率", "Default of a borrower, a year"),
            _rate(asset.credit.annual_pd),
        ),
        (
            f"{path}.credit.correlation",
            Bilingual("共同因子份额", "Share of the common factor"),
            _rate(asset.credit.correlation),
        ),
    ]
