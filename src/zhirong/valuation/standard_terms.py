"""Names of what the ways between standards of value suppose."""

from __future__ import annotations

from collections.abc import Mapping

from zhirong.kernel.text import Bilingual

__all__ = ["KNOWN_STANDARDS"]

KNOWN_STANDARDS: Mapping[str, tuple[Bilingual, str, float, float]] = {
    "marketing_time": (Bilingual("有序出售所需时间", "Time an orderly sale takes"), "years", 0.0, 10.0),
    "selling_cost": (Bilingual("出售费用率", "Cost of selling"), "fraction", 0.0, 0.9),
    "owner_synergy": (Bilingual("特定权利人的协同增值", "Gain particular to the owner"), "fraction", -0.9, 5.0),
}
