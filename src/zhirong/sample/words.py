"""Words of the synthetic documents: technical, empty, and different by field and time.

Each field has a vocabulary whose words come into use one after another, so that novelty and nearest neighbours mean something.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Vocabulary"]

_EN = [
    "sensor",
    "module",
    "array",
    "circuit",
    "housing",
    "valve",
    "rotor",
    "coating",
    "polymer",
    "catalyst",
    "signal",
    "buffer",
    "carrier",
    "electrode",
    "membrane",
    "lens",
    "channel",
    "bracket",
    "spindle",
    "filter",
    "antenna",
    "substrate",
    "chamber",
    "shaft",
    "controller",
    "compound",
    "layer",
    "pump",
    "grid",
    "joint",
]
_ZH = [
    "传感器",
    "模块",
    "阵列",
    "电路",
    "壳体",
    "阀门",
    "转子",
    "涂层",
    "聚合物",
    "催化剂",
    "信号",
    "缓冲器",
    "载体",
    "电极",
    "薄膜",
    "透镜",
    "通道",
    "支架",
    "主轴",
    "滤波器",
    "天线",
    "基板",
    "腔室",
    "轴承",
    "控制器",
    "化合物",
    "隔层",
    "水泵",
    "网格",
    "接头",
]
_PER_FIELD = 160
Ints = NDArray[np.int64]


class Vocabulary:
    """Words by field and year.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws texts.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        base = len(_EN)
        self._en = [[f"{_EN[(f + w) % base]}{chr(97 + f % 26)}{w}" for w in range(_PER_FIELD)] for f in range(36)]
        self._zh = [
            [f"{_ZH[(f + w) % base]}{'甲乙丙丁戊己庚辛'[f % 8]}{w}" for w in range(_PER_FIELD)] for f in range(36)
        ]

    def words(self, field: int, year: int, count: int, *, chinese: bool) -> list[str]:
        """Return words in use in a field in a year; newer words are more likely."""
        known = min(40 + 5 * max(year - 2000, 0), _PER_FIELD)
        ranks = known - 1 - np.minimum(self._rng.geometric(0.035, count) - 1, known - 1)
        book = (self._zh if chinese else self._en)[field]
        return [book[rank] for rank in ranks]

    def abstract(self, field: int, year: int, *, chinese: bool) -> str:
        """Return an abstract of about forty words."""
        words = self.words(field, year, 24, chinese=chinese)
        if chinese:
            return (
                f"合成文本。本发明公开了一种{words[0]}，包括{'、'.join(words[1:9])}，其中{words[9]}与{words[10]}相连，"
                f"用于改善{'和'.join(words[11:14])}，并通过{'、'.join(words[14:24])}降低损耗。"
            )
        return (
            f"Synthetic text. A {words[0]} comprises {', '.join(words[1:9])}, wherein the {words[9]} is coupled to the "
            f"{words[10]} to improve {' and '.join(words[11:14])}, and losses are reduced by {', '.join(words[14:24])}."
        )

    def title(self, field: int, year: int, *, chinese: bool) -> str:
        """Return a short title."""
        a, b = self.words(field, year, 2, chinese=chinese)
        return f"一种{a}及{b}（合成）" if chinese else f"{a.capitalize()} with {b} (synthetic)"

    def claims(self, field: int, year: int, count: int, *, chinese: bool) -> list[tuple[str, int | None, str]]:
        """Return claims as (text, number of the claim referred to or None, category)."""
        made: list[tuple[str, int | None, str]] = []
        for number in range(1, count + 1):
            is_independent = number == 1 or (number % 9 == 0)
            size = int(self._rng.integers(6, 22)) if is_independent else int(self._rng.integers(3, 9))
            words = self.words(field, year, size, chinese=chinese)
            kind = "product" if number == 1 or self._rng.random() < 0.5 else "method"
            made.append(_claim(words, number, is_independent, kind, chinese))
        return made


def _claim(
    words: list[str], number: int, is_independent: bool, kind: str, chinese: bool
) -> tuple[str, int | None, str]:
    parent = None if is_independent else max(1, (number - 1) // 9 * 9)
    if chinese:
        head = "装置" if kind == "product" else "方法"
        lead = (
            f"一种{head}，其特征在于，包括"
            if parent is None
            else f"根据权利要求{parent}所述的{head}，其特征在于，还包括"
        )
        return f"{lead}{'、'.join(words)}。", parent, kind
    head = "device" if kind == "product" else "method"
    lead = f"A {head} comprising " if parent is None else f"The {head} of claim {parent}, further comprising "
    return f"{lead}{', '.join(words)}.", parent, kind
