"""Over how many years a buyer may write the price of a patent off for tax, by jurisdiction and by how it is bought."""

from __future__ import annotations

from enum import StrEnum

from zhirong.kernel.provenance import Grade, Source
from zhirong.numerics.income import equivalent_life
from zhirong.valuation.assumptions import fixed
from zhirong.valuation.types import Assumption
from zhirong.valuation.used import Used

__all__ = ["Acquisition", "tax_life"]


class Acquisition(StrEnum):
    """How the right changes hands."""

    BUSINESS = "business"
    """With the assets of a business."""
    SEPARATE = "separate"
    """On its own."""
    SHARES = "shares"
    """Inside a company whose shares are bought: the company keeps its own book value, and nothing new is written off."""


def tax_life(
    used: Used,
    jurisdiction: str,
    *,
    rate: float,
    legal_life_years: float | None,
    useful_life_years: float | None = None,
    acquisition: Acquisition = Acquisition.BUSINESS,
) -> Assumption:
    """Return the straight-line life for the benefit of tax amortisation; 0 where the law gives none or none is declared.

    Parameters
    ----------
    used : Used
        Parameters at the date.
    jurisdiction : str
        WIPO ST.3 code of the state whose income tax is paid.
    rate : float
        Discount rate after tax, at which a declining balance is turned into the life of equal worth.
    legal_life_years : float or None
        Legal term left, for laws that write a patent off over it.
    useful_life_years : float or None
        Years it will be used, for laws that write a patent off over those; the legal term counts where it is shorter, or alone.
    acquisition : Acquisition
        How it is bought.

    Returns
    -------
    Assumption
        ``tax_life``, with the statute and its grade.
    """
    if acquisition is Acquisition.SHARES:
        return _none(
            "Shares are bought: the tax value inside the company does not change", "收购股权：公司内的计税基础不变"
        )
    name = f"tax_amortisation.{jurisdiction.lower()}"
    apart = used.first(f"{name}.separate") if acquisition is Acquisition.SEPARATE else None
    if apart is not None and legal_life_years is not None and legal_life_years > 0:
        return fixed("tax_life", min(legal_life_years, 60.0), apart.source)
    rule = used.first(f"{name}.rule")
    left = [v for v in (legal_life_years, useful_life_years) if v is not None]
    if rule is not None and rule.value == "remaining_useful_life" and left and min(left) > 0:
        return fixed("tax_life", min(*left, 60.0), rule.source)
    straight = used.first(f"{name}.life")
    if straight is not None:
        return fixed("tax_life", float(straight.value), straight.source)
    declining = used.first(f"{name}.decline")
    if declining is not None:
        source = Source(
            declining.source.title, declining.source.grade, declining.source.link, declining.source.page, declining.source.dated,
            note=f"declining balance of {float(declining.value):.0%} a year, as the straight line of equal worth at {rate:.1%}",
            title_zh=declining.source.title_zh,
            note_zh=f"每年 {float(declining.value):.0%} 余额递减，折算为折现率 {rate:.1%} 下等值的直线年限",
        )  # fmt: skip
        return fixed("tax_life", equivalent_life(float(declining.value), rate), source)
    return _none(
        "No tax amortisation declared for this jurisdiction: left out", "该法域未声明税法摊销年限：不计摊销税盾"
    )


def _none(title: str, title_zh: str) -> Assumption:
    return fixed("tax_life", 0.0, Source(title, Grade.ASSUMED, title_zh=title_zh))
