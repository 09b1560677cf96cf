"""Values with their units, in words: percentages, years, money, dates, yes and no; None is always `unknown`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from zhirong.indicators.catalogue import CATALOGUE
from zhirong.indicators.scoring.types import IndicatorReading
from zhirong.kernel.money import CURRENCIES
from zhirong.kernel.text import Bilingual, Language
from zhirong.reports.formats import format_date, format_number, format_percent, money_scale
from zhirong.reports.texts import TEXTS, say, word

__all__ = ["fact_label", "fact_value", "indicator_name", "pair", "quantity", "reading_value"]

_UNIT_WORDS = {
    "years": Bilingual("{} 年", "{} years"),
    "days": Bilingual("{} 天", "{} days"),
    "months": Bilingual("{} 个月", "{} months"),
    "words": Bilingual("{} 个词", "{} words"),
    "index": Bilingual("{}", "{}"),
    "count": Bilingual("{}", "{}"),
    "ratio": Bilingual("{}", "{}"),
}


def pair(text: Bilingual, lang: Language) -> str:
    """Return one language of a text."""
    return text.in_(lang)


def quantity(value: float | None, unit: str, lang: Language) -> str:
    """Return a value with its unit as a reader expects it.

    Parameters
    ----------
    value : float or None
        None is unknown.
    unit : str
        ``fraction``, ``fraction a year``, ``years``, ``boolean``, ``CNY``, ``CNY a year``...
    lang : str
        zh or en.

    Returns
    -------
    str
        ``4%``, ``每年 15%``, ``CNY 52 million``...

    Examples
    --------
    >>> quantity(0.15, "fraction a year", "en"), quantity(0.04, "fraction of revenue", "zh"), quantity(None, "years", "zh")
    ('15% a year', '4%', '未知')
    """
    if value is None:
        return say("word.unknown", lang)
    base, _, per = unit.partition(" of ")[0].partition(" a ")
    if base == "boolean":
        return say("word.yes" if value else "word.no", lang)
    if base in {"fraction", "probability", "share"}:
        text = format_percent(value, significant=3)
    elif base in CURRENCIES:
        text = money_scale([value], base, lang).money(value)
    elif base in _UNIT_WORDS:
        text = _UNIT_WORDS[base].in_(lang).format(format_number(value))
    else:
        text = f"{format_number(value)} {base}".strip()
    if per:
        return f"每年 {text}" if lang == "zh" and per == "year" else f"{text} a {per}"
    return text


def indicator_name(id_: str, lang: Language) -> str:
    """Return the catalogue's name of an indicator, or its id where the catalogue has none."""
    entry = CATALOGUE.get(id_)
    return entry.name.in_(lang) if entry else id_


def reading_value(reading: IndicatorReading, lang: Language) -> str:
    """Return the value of a reading with the unit of its indicator."""
    entry = CATALOGUE.get(reading.id)
    unit = entry.unit if entry else "count"
    return quantity(reading.value, "index" if unit.startswith("score") else unit, lang)


def fact_label(name: str, lang: Language) -> str:
    """Return the label of a fact; an unlisted name in readable form."""
    text = TEXTS.get(f"fact.{name}")
    return text.in_(lang) if text else name.replace("_", " ").replace(".", " · ")


def fact_value(value: Any, lang: Language) -> str:
    """Return a plain JSON value as a reader expects it; None is unknown, a list is joined."""
    if value is None or value == "":
        return say("word.unknown", lang)
    if isinstance(value, bool):
        return say("word.yes" if value else "word.no", lang)
    if isinstance(value, Mapping):
        if set(value) == {"zh", "en"}:
            return str(value[lang])
        shown = (f"{word('status', str(key), lang)} {fact_value(item, lang)}" for key, item in value.items())
        return ("；" if lang == "zh" else "; ").join(shown)
    if isinstance(value, list | tuple):
        return ("、" if lang == "zh" else ", ").join(fact_value(item, lang) for item in value)
    if isinstance(value, int | float):
        return format_number(value)
    return _text_fact(str(value), lang)


def _text_fact(text: str, lang: Language) -> str:
    try:
        return format_date(date.fromisoformat(text), lang)
    except ValueError:
        return word("status", text, lang)
