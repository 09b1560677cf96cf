"""The catalogue is complete: every entry described in both languages, every item of the standard covered."""

from __future__ import annotations

import re

import pytest

from zhirong.indicators import CATALOGUE, catalogue_page, lookup
from zhirong.indicators.flags import FLAGS, explain_flag
from zhirong.indicators.frames import FRAMES, Projection
from zhirong.indicators.gbt42748 import EXPERT_ITEMS, ITEMS, PREFIX
from zhirong.kernel.errors import UnknownNameError

HAN = re.compile(r"[㐀-鿿]")


def test_there_are_more_than_sixty_entries() -> None:
    assert len(CATALOGUE) >= 60
    assert len({item.column for item in CATALOGUE.values()}) == len(CATALOGUE)


@pytest.mark.parametrize("id_", sorted(CATALOGUE))
def test_entry_is_described(id_: str) -> None:
    item = CATALOGUE[id_]
    for text in (item.name, item.definition, item.null_meaning):
        assert HAN.search(text.zh), f"{id_}: no Chinese in {text.zh!r}"
        assert not HAN.search(text.en), f"{id_}: Chinese in {text.en!r}"
    assert item.unit
    assert item.source
    assert item.lookback
    assert item.direction in (-1, 0, 1)
    if item.low is not None and item.high is not None:
        assert item.low < item.high
    if item.gbt_item is not None:
        assert item.gbt_item in ITEMS
    if isinstance(item.compute, Projection):
        assert item.compute.frame in FRAMES


def test_all_items_of_the_standard_are_entries() -> None:
    assert len(ITEMS) == 27
    assert set(EXPERT_ITEMS) < set(ITEMS)
    for item in ITEMS:
        assert lookup(PREFIX + item).gbt_item == item


def test_unknown_name_suggests_close_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"oecd\.scope"):
        lookup("oecd.scop")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_page_names_every_entry_and_flag(lang: str) -> None:
    page = catalogue_page(lang)  # type: ignore[arg-type]
    for id_ in CATALOGUE:
        assert f"`{id_}`" in page
    for code in FLAGS:
        assert f"`{code}`" in page


def test_flags_are_explained_in_words() -> None:
    assert explain_flag("proxy:small_cohort", "zh") == "替代指标 (比较组过小，改用更大的组)"
    assert explain_flag("observed=7", "en") == "window still open; count so far (7)"
    assert explain_flag("made_up", "en") == "made_up"
