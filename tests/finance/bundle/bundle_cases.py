"""The illustration of the bundle reference: offers, and the programmes that restrict them."""

from __future__ import annotations

from zhirong.finance.bundle.spec import Bank, BundleSpec, Need, Pool, Protector, PublicMoney, Risk
from zhirong.kernel.text import Bilingual

NEED = Need(amount_cny=1_000_000.0, months=12, reference_rate=0.031)


def risk(pd: float) -> Risk:
    return Risk(pd, 0.75, turnover_eur_m=5.0)


def offers(caps: tuple[float, float, float], *, bank_min: float = 0.2, pool: float = 0.0, premium_cap: float = 0.02,
           refund: float = 0.6) -> BundleSpec:  # fmt: skip
    insurer, guarantor, fund = caps
    return BundleSpec(
        "case", Bilingual("算例", "case"),
        Bank(0.02, 0.004, 0.12, 0.2, bank_min, 0.026, 0.08),
        (
            Protector("insurer", Bilingual("保险公司", "insurer"), insurer, expense=0.25, hurdle=0.1, most_price=0.1, is_refunded=True),
            Protector("guarantor", Bilingual("担保机构", "guarantor"), guarantor, hurdle=0.02, floor=0.005, most_price=0.03),
        ),
        Pool(fund, most_expected=pool),
        PublicMoney(premium_share=refund, most_premium=premium_cap),
    )  # fmt: skip


CASES: dict[str, BundleSpec] = {
    "bare": offers((0, 0, 0), bank_min=1.0, premium_cap=0.0),
    "qingdao": offers((0.6, 0.2, 0)),
    "zhuhai": offers((0, 0, 0.4), bank_min=0.6, pool=0.05, premium_cap=0.0),
    "zhongshan": offers((0.16, 0.04, 0.54), bank_min=0.26, pool=0.05),
    "free": offers((0.6, 0.2, 0.54), pool=0.006),
}
