"""The catalogue as a page: what every indicator means, in one language, generated from the entries."""

from __future__ import annotations

from collections.abc import Mapping

from zhirong.indicators.catalogue import CATALOGUE, Dimension, Indicator
from zhirong.indicators.flags import FLAGS
from zhirong.kernel.text import Bilingual, Language
from zhirong.params.facts import gbt42748

__all__ = ["catalogue_page", "entry_lines"]

_TITLE = Bilingual("指标目录", "What the indicators mean")
_INTRO = Bilingual(
    "本页由目录自动生成。每项指标只用基准日及以前已知的事实；不知道的保持空值，不以零代替。",
    "This page is generated from the catalogue. Every indicator uses only facts known by its date; what is not known "
    "stays NULL and never becomes zero.",
)
_DIMENSIONS: Mapping[Dimension, Bilingual] = {
    Dimension.LEGAL: Bilingual("法律", "Legal"),
    Dimension.TECHNICAL: Bilingual("技术", "Technical"),
    Dimension.ECONOMIC: Bilingual("经济", "Economic"),
}
_LABELS: Mapping[str, Bilingual] = {
    "definition": Bilingual("定义", "Definition"),
    "null": Bilingual("空值含义", "NULL means"),
    "unit": Bilingual("单位", "Unit"),
    "range": Bilingual("取值范围", "Range"),
    "direction": Bilingual("方向", "Direction"),
    "lookback": Bilingual("观察窗口", "Look-back"),
    "cohort": Bilingual("比较组", "Cohort"),
    "gbt": Bilingual("对应国标项目（GB/T 42748）", "Item of GB/T 42748"),
    "source": Bilingual("来源", "Source"),
}
_DIRECTIONS: Mapping[int, Bilingual] = {
    1: Bilingual("越大越好", "larger is better"),
    -1: Bilingual("越小越好", "smaller is better"),
    0: Bilingual("中性", "neither"),
}
_FLAGS_TITLE = Bilingual("标注", "Flags")


def catalogue_page(lang: Language) -> str:
    """Return the catalogue as a Markdown page, by dimension, with the flags at its end.

    Parameters
    ----------
    lang : {"zh", "en"}
        Language of the page.
    """
    lines = [f"# {_TITLE.in_(lang)}", "", _INTRO.in_(lang), ""]
    for dimension, title in _DIMENSIONS.items():
        entries = [item for item in CATALOGUE.values() if item.dimension is dimension]
        lines += [f"## {title.in_(lang)} ({len(entries)})", ""]
        for item in entries:
            lines += [f"### {item.name.in_(lang)} — `{item.id}`", "", *entry_lines(item, lang), ""]
    lines += [f"## {_FLAGS_TITLE.in_(lang)}", ""]
    lines += [f"- `{code}`: {meaning.in_(lang)}" for code, meaning in sorted(FLAGS.items())]
    return "\n".join(lines) + "\n"


def entry_lines(item: Indicator, lang: Language) -> list[str]:
    """Return one entry as Markdown list items."""
    low = "-∞" if item.low is None else f"{item.low:g}"
    high = "+∞" if item.high is None else f"{item.high:g}"
    rows = {
        "definition": item.definition.in_(lang),
        "null": item.null_meaning.in_(lang),
        "unit": item.unit,
        "range": f"{low} – {high}",
        "direction": _DIRECTIONS[item.direction].in_(lang),
        "lookback": item.lookback,
        "cohort": item.cohort,
        "gbt": _gbt_name(item.gbt_item, lang),
        "source": item.source,
    }
    return [f"- **{_LABELS[key].in_(lang)}**: {text}" for key, text in rows.items() if text]


def _gbt_name(item: str | None, lang: Language) -> str | None:
    names = {row["item"]: row[f"name_{lang}"] for row in gbt42748()}
    return None if item is None else names[item]
