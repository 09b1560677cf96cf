"""Market approach: a patent's value from deals in similar patents, every comparable shown with its weight and its reason."""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from zhirong.kernel.errors import NotAdmissibleError
from zhirong.kernel.text import Bilingual
from zhirong.numerics.streams import stream_key
from zhirong.valuation.background import Background
from zhirong.valuation.deal_market import COVARIATES, Neighbourhood, RightMarket
from zhirong.valuation.deals import Deal
from zhirong.valuation.lots import SelectionEffect
from zhirong.valuation.market_types import Comparable, MarketValue, PriceIndex
from zhirong.valuation.similarity import COMPONENTS, Features
from zhirong.valuation.subject import Subject
from zhirong.valuation.used import Used

__all__ = ["market_value"]

Floats = NDArray[np.float64]
_SHOWN_SHARE, _SHOWN_MIN = 0.99, 10
_PARAMETERS = (
    "market.similarity_scales", "market.technology_shares", "market.evidence_weights", "market.related_party_weight",
    "market.within_lot_sigma", "market.coefficient_priors", "market.price_spread_prior", "market.neighbourhood_sd",
    "market.selection_prior_sd", "market.least",
)  # fmt: skip
_BOUND = 2.5


def market_value(
    background: Background, subject: Subject, used: Used, *, seed: int, count: int, is_explained: bool = True
) -> MarketValue:
    """Value a patent by comparable deals.

    Parameters
    ----------
    background : Background
        Evidence at the date, with its market.
    subject : Subject
        Patent.
    used : Used
        Remembers the parameters.
    seed, count : int
        Seed; number of draws.
    is_explained : bool
        Name the comparables with their reasons, which costs more than the value; without, there are none in the answer.

    Returns
    -------
    MarketValue

    Raises
    ------
    NotAdmissibleError
        When the term left is unknown, there are too few deals in this kind of right, or too few that are alike: the message
        says how many.

    Notes
    -----
    ``ln P = x'b + d + e``: b hedonic coefficients over all deals (normal priors), d the departure of prices near the patent
    (kernel-weighted Huber mean of residuals, shrunk to 0), e Student's t fitted to leave-one-out errors. Draws end half a scale of e
    beyond the lowest and the highest price of the deals.
    """
    for path in _PARAMETERS:
        used.at(path)
    if subject.legal_life_years is None:  # deals are in rights known to be in force
        raise NotAdmissibleError("legal_life_years")
    market, features = background.market, subject.features
    if features.right not in market.rights:
        raise NotAdmissibleError(
            market.reasons.get(features.right, f"no deals in rights of the kind {features.right} in the store")
        )
    right = market.rights[features.right]
    around = right.around(features, background.as_of)
    least = float(used.at("market.least").value["effective_number"])
    if around.effective_number < least:
        raise NotAdmissibleError(
            f"deals alike to the patent weigh as much as {around.effective_number:.1f} equal ones, fewer than {least:g}"
        )
    rng = np.random.default_rng(stream_key(seed, f"market/{subject.patent_id}"))
    own = right.covariates(features, background.as_of)
    return MarketValue(
        subject.patent_id, _draws(right, around, own, rng, count),
        _comparables(right, around, features, own, background.as_of) if is_explained else (),
        len(right.deals), around.effective_number, _index(right), right.selection, _sale_probability(right, own, rng),
        tuple((name, float(b), float(np.sqrt(v))) for name, b, v in
              zip(COVARIATES, right.hedonic.coefficients, np.diag(right.hedonic.covariance), strict=True)),
        right.spread.scale, right.spread.freedom, market.excluded, _notes(right, own),
    )  # fmt: skip


def _draws(right: RightMarket, around: Neighbourhood, own: Floats, rng: np.random.Generator, count: int) -> Floats:
    """Return predictive draws of the price, CNY."""
    at = np.repeat(own[None, :], count, axis=0)
    for column in np.flatnonzero(~np.isfinite(own)):  # unknown of the patent: as it varies over the deals
        at[:, column] = right.x[rng.integers(0, len(right.x), count), column]
    fit = right.hedonic
    move = rng.standard_normal((count, len(COVARIATES))) @ np.linalg.cholesky(fit.covariance).T
    location = at @ fit.coefficients + around.departure
    location += np.einsum("ij,ij->i", at - around.keep * (around.weights @ right.x), move)
    location += around.error * rng.standard_normal(count)
    if isinstance(right.selection, SelectionEffect):
        mean_mills = around.keep * (around.weights @ right.mills) + (1 - around.keep) * right.mills.mean()
        location -= right.selection.lambda_error * mean_mills * rng.standard_normal(count)
    spread = right.spread.scale * np.sqrt(right.spread.observations / rng.chisquare(right.spread.observations, count))
    logs = location + spread * rng.standard_t(right.spread.freedom, count)
    # Student's tails have no mean in levels, and deals cannot tell of prices far beyond any of them.
    half = right.spread.scale / 2
    return np.asarray(np.exp(np.clip(logs, right.log_prices.min() - half, right.log_prices.max() + half)), np.float64)


def _sale_probability(right: RightMarket, own: Floats, rng: np.random.Generator) -> tuple[float, float, float] | None:
    """Return quantiles of the chance to sell: those of the estimated index, spread by a binomial error of the lots' size."""
    effect = right.selection
    if not isinstance(effect, SelectionEffect):
        return None
    z = np.append(np.nan_to_num(own[: len(effect.gamma) - 1]), effect.crowding)
    middle = float(stats.norm.cdf(z @ effect.gamma))
    lots = effect.sold + effect.unsold
    low, high = stats.beta.ppf([0.05, 0.95], middle * lots / len(z) + 0.5, (1 - middle) * lots / len(z) + 0.5)
    return float(min(low, middle)), middle, float(max(high, middle))


def _comparables(
    right: RightMarket, around: Neighbourhood, features: Features, own: Floats, day: date
) -> tuple[Comparable, ...]:
    fit = right.hedonic
    order = np.argsort(-around.weights, kind="stable")
    shown = max(int(np.searchsorted(np.cumsum(around.weights[order]), _SHOWN_SHARE)) + 1, _SHOWN_MIN)
    trend = COVARIATES.index("trend")
    level = float(np.nan_to_num(own) @ fit.coefficients)
    scale = np.sqrt(right.spread.scale**2 + right.extra_variance)
    found = []
    for i in order[:shown]:
        deal, row = right.deals[i], right.rows[around.nearest[i]]
        assert deal.price is not None, "a priced deal has a price"
        assert deal.price_cny is not None, "a priced deal has a price in CNY"
        assert deal.log_price is not None, "a priced deal has a log price"
        indexed = float(np.exp(deal.log_price - fit.coefficients[trend] * right.x[i, trend]))
        residual = float(fit.residuals[i])
        bounded = float(np.clip(residual, -_BOUND * scale[i], _BOUND * scale[i]))
        found.append(
            Comparable(
                deal.deal_id,
                deal.source_id,
                deal.deal_type,
                row.patent_id,
                row.title,
                deal.deal_date,
                deal.price,
                deal.currency,
                deal.patent_count,
                deal.price_cny,
                indexed,
                float(np.exp(level + bounded)),
                float(around.weights[i]),
                float(around.kernel[i]),
                bool(abs(residual) > _BOUND * scale[i]),
                deal.evidence_grade,
                _reason(deal, row, features, around.parts[i]),
            )
        )
    return tuple(found)


_KINDS = {
    "sale": Bilingual("转让", "sale"),
    "auction_lot": Bilingual("拍卖成交", "auction"),
    "equity_contribution": Bilingual("作价入股", "contribution of equity"),
}


def _reason(deal: Deal, row: Features, subject: Features, parts: Floats) -> Bilingual:
    part = dict(zip(COMPONENTS, parts.tolist(), strict=True))
    said = [_KINDS[deal.deal_type], *_technology_said(row, subject, part["text"])]
    if np.isfinite(part["age_years"]):
        said.append(Bilingual(f"年龄差 {part['age_years']:.1f} 年", f"ages {part['age_years']:.1f} years apart"))
    if row.claims is not None and subject.claims is not None:
        text = f"{row.claims} claims against {subject.claims}"
        said.append(Bilingual(f"权利要求 {row.claims} 对 {subject.claims} 项", text))
    if row.family is not None and subject.family is not None:
        said.append(
            Bilingual(f"同族 {row.family} 对 {subject.family} 件", f"family of {row.family} against {subject.family}")
        )
    if part["party"] == 1.0:
        said.append(Bilingual("权利人类型不同", "another kind of owner"))
    if row.office != subject.office:
        said.append(Bilingual(f"{row.office} 局权利", f"a right of {row.office}"))
    years = part["deal_age_years"]
    said.append(Bilingual(f"距今 {years:.1f} 年", f"{years:.1f} years ago"))
    if (count := deal.patent_count) > 1:
        said.append(Bilingual(f"{count} 件打包，价格分摊不确定", f"one of {count} patents, its share uncertain"))
    if deal.related is not None:
        said.append(
            Bilingual(f"关联交易，降权：{deal.related.zh}", f"related parties, weighed less: {deal.related.en}")
        )
    return Bilingual("；".join(item.zh for item in said), "; ".join(item.en for item in said))


def _technology_said(row: Features, subject: Features, text_distance: float) -> list[Bilingual]:
    said = []
    shared = sorted(row.subclasses & subject.subclasses)
    if row.patent_id == subject.patent_id:
        said.append(Bilingual("即本专利自身的交易", "a deal in this very patent"))
    if row.field is not None and row.field == subject.field:
        said.append(Bilingual(f"同属 WIPO 领域 {row.field}", f"same WIPO field {row.field}"))
    if shared:
        said.append(Bilingual(f"共同小类 {'、'.join(shared)}", f"shared subclasses {', '.join(shared)}"))
    if not row.subclasses or not subject.subclasses:
        said.append(Bilingual("分类未知", "class unknown"))
    elif row.field != subject.field and not shared:
        said.append(Bilingual("技术领域不同", "another field"))
    if np.isfinite(text_distance):
        said.append(Bilingual(f"文本余弦 {1 - text_distance:.2f}", f"text cosine {1 - text_distance:.2f}"))
    return said


def _index(right: RightMarket) -> PriceIndex:
    at = COVARIATES.index("trend")
    growth, error = float(right.hedonic.coefficients[at]), float(np.sqrt(right.hedonic.covariance[at, at]))
    first, last = min(d.deal_date for d in right.deals), max(d.deal_date for d in right.deals)
    moved = f"{growth:+.3f}"
    text = Bilingual(
        f"价格指数：库内 {len(right.deals)} 笔交易（{first} 至 {last}）特征价格回归的时间趋势，每年 {moved}（对数，标准误 {error:.3f}），"
        "已并入 market.coefficient_priors 的先验",
        f"Price index: trend of the hedonic regression of {len(right.deals)} deals of the store, {first} to {last}: {moved} "
        f"a year (logs, standard error {error:.3f}), with the prior of market.coefficient_priors",
    )
    return PriceIndex(growth, error, first, last, len(right.deals), text)


def _notes(right: RightMarket, own: Floats) -> tuple[Bilingual, ...]:
    notes = [
        Bilingual(
            "取值为一次交易可能成交的价格，含单笔议价差异，故区间宽于“平均价格”的区间",
            "values are prices at which one deal may close, bargaining included, so the interval is wider than that of a mean price",
        ),
        Bilingual(
            "私下转让中未成交的要约无记录：选择修正只及于拍卖",
            "offers of private sale that failed leave no record: selection is corrected for auctions only",
        ),
    ]
    if isinstance(right.selection, Bilingual):
        notes.append(right.selection)
    elif right.selection.quantile_shift is None:
        notes.append(Bilingual("拍品不足以拟合分位数选择模型", "too few lots for the quantile model of selection"))
    unknown = [name for name, value in zip(COVARIATES, own, strict=True) if not np.isfinite(value)]
    if unknown:
        listed = ", ".join(unknown)
        notes.append(
            Bilingual(
                f"本专利未知：{listed}，按库内交易的分布取值",
                f"unknown of the patent, drawn as over the deals: {listed}",
            )
        )
    return tuple(notes)
