"""Numbers written in Chinese characters, plain and financial."""

from __future__ import annotations

from zhirong.kernel.errors import DomainError

__all__ = ["CHINESE_NUMERALS", "chinese_number"]

_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {c: i for i, c in enumerate("〇壹贰叁肆伍陆柒捌玖")}
_DIGITS |= {"两": 2, "貳": 2, "陸": 6, "○": 0, "O": 0, "弍": 2, "參": 3}
_TENS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_MYRIADS = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
CHINESE_NUMERALS = "".join([*_DIGITS, *_TENS, *_MYRIADS])
"""Every character that may stand in a number."""


def chinese_number(text: str) -> int:
    """Read a whole number in Chinese numerals, plain or financial.

    Parameters
    ----------
    text : str
        ``五十万``, ``壹佰贰拾万零叁仟``, ``二〇二三`` (digits in a row), ``十六``.

    Raises
    ------
    DomainError
        When a character is not a numeral.

    Examples
    --------
    >>> chinese_number("壹佰贰拾万零叁仟")
    1203000
    """
    if not text or any(c not in CHINESE_NUMERALS for c in text):
        raise DomainError(f"{text!r} is not a number in Chinese numerals")
    if all(c in _DIGITS for c in text):
        return int("".join(str(_DIGITS[c]) for c in text))
    total = section = digit = 0
    for c in text:
        if c in _DIGITS:
            digit = _DIGITS[c]
        elif c in _TENS:
            section += (digit or 1) * _TENS[c]
            digit = 0
        elif _MYRIADS[c] == 10**8:
            total = (total + section + digit) * _MYRIADS[c]
            section = digit = 0
        else:
            total += (section + digit) * _MYRIADS[c]
            section = digit = 0
    return total + section + digit
