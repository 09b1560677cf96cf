"""How numbers, money and dates look: the significant digits come from the interval, never from the machine.

A reader of a value between 0.4 and 3.1 million must not be shown 1,234,567.89. `Scale` takes the resolution of a set of
amounts from the width of their interval and one unit (万元, 亿元; thousand, million, billion) for all of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

from zhirong.kernel.text import Language

__all__ = ["Scale", "format_date", "format_number", "format_percent", "money_scale"]

NO_BREAK = "\u00a0"
_UNITS: dict[Language, tuple[tuple[float, str], ...]] = {
    "zh": ((1e8, "亿"), (1e4, "万"), (1.0, "")),
    "en": ((1e9, " billion"), (1e6, " million"), (1.0, "")),
}
_ZH_CURRENCY = {"CNY": "元", "USD": "美元", "EUR": "欧元", "JPY": "日元", "HKD": "港元", "GBP": "英镑", "KRW": "韩元"}
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_SMALLEST_SHARED = 0.1
"""Below this part of the common unit an amount takes a unit of its own."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Unit and resolution for a set of amounts of one currency.

    Parameters
    ----------
    currency : str
        ISO 4217.
    lang : str
        zh or en.
    divisor : float
        Amounts are shown divided by it.
    word : str
        Word of the unit, empty for ones.
    resolution : float
        Smallest step that is shown, in major units of the currency.
    """

    currency: str
    lang: Language
    divisor: float
    word: str
    resolution: float

    @property
    def label(self) -> str:
        """Unit for an axis or a column head: 万元; CNY million."""
        if self.lang == "zh":
            return f"{self.word}{_ZH_CURRENCY.get(self.currency, self.currency)}"
        return f"{self.currency}{self.word}"

    def number(self, amount: float) -> str:
        """Return the amount in units of the scale, rounded to its resolution, without the unit."""
        return _grouped(amount / self.divisor, self._step(amount) / self.divisor)

    def money(self, amount: float) -> str:
        """Return the amount with its unit; amounts far below the unit take a smaller one."""
        scale = self
        if amount and abs(amount) < _SMALLEST_SHARED * self.divisor:
            divisor, word = _unit(abs(amount), self.lang)
            scale = Scale(self.currency, self.lang, divisor, word, self.resolution)
        number = scale.number(amount)
        text = f"{number} {scale.label}" if self.lang == "zh" else f"{self.currency} {number}{scale.word}"
        return text.replace(" ", NO_BREAK)

    def interval(self, low: float, high: float) -> str:
        """Return both ends with one unit where they share it."""
        if abs(low) < _SMALLEST_SHARED * self.divisor and low:
            return f"{self.money(low)} – {self.money(high)}"
        ends = f"{self.number(low)} – {self.number(high)}"
        text = f"{ends} {self.label}" if self.lang == "zh" else f"{self.currency} {ends}{self.word}"
        return text.replace(" ", NO_BREAK)

    def _step(self, amount: float) -> float:
        """Return the step for one amount: the common one, finer where the amount would lose its second digit."""
        if not amount:
            return self.resolution
        return min(self.resolution, 10.0 ** (math.floor(math.log10(abs(amount))) - 1))


def money_scale(amounts: list[float], currency: str, lang: Language, *, typical: float | None = None) -> Scale:
    """Return the scale for amounts that are read together.

    Parameters
    ----------
    amounts : list of float
        Major units; their spread gives the resolution (two digits of the width).
    currency : str
        ISO 4217.
    lang : str
        zh or en.
    typical : float, optional
        Amount that chooses the unit; the largest where not given.

    Returns
    -------
    Scale

    Examples
    --------
    >>> scale = money_scale([412_345.0, 1_234_567.0, 3_098_765.0], "CNY", "en")
    >>> scale.interval(412_345.0, 3_098_765.0).replace(NO_BREAK, " ")
    'CNY 0.41 – 3.1 million'
    """
    finite = [a for a in amounts if math.isfinite(a)]
    top = max((abs(a) for a in finite), default=0.0)
    width = max(finite, default=0.0) - min(finite, default=0.0)
    base = width if width > 1e-9 * top else top / 10
    resolution = 10.0 ** (math.floor(math.log10(base)) - 1) if base > 0 else 1.0
    divisor, word = _unit(abs(typical) if typical else top, lang)
    return Scale(currency, lang, divisor, word, resolution)


def _unit(amount: float, lang: Language) -> tuple[float, str]:
    return next((unit for unit in _UNITS[lang] if amount >= unit[0]), _UNITS[lang][-1])


def _grouped(value: float, step: float) -> str:
    """Round to a power-of-ten step and group thousands; never a minus zero."""
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    rounded = round(value / step) * step
    text = f"{rounded:,.{digits}f}"
    return text.lstrip("-") if not rounded else text.replace("-", "−")


def format_number(value: float, *, significant: int = 3) -> str:
    """Return a number with so many significant digits, thousands grouped; whole numbers below a million whole."""
    if not value:
        return "0"
    if float(value).is_integer() and abs(value) < 1e6:
        return f"{value:,.0f}".replace("-", "−")
    step = 10.0 ** (math.floor(math.log10(abs(value))) - significant + 1)
    text = _grouped(value, step)
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_percent(fraction: float, *, significant: int = 2) -> str:
    """Return a fraction as a percentage: 0.0523 is 5.2 %."""
    return f"{format_number(100 * fraction, significant=significant)}%"


def format_date(day: date, lang: Language) -> str:
    """Return 2024年6月30日 or 30 June 2024."""
    if lang == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
