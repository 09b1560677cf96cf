"""Claims cut out of running text, their kind and dependence; class symbols; plain text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhirong.evidence.rows import claim_row, class_row, plain_text, split_claims, word_count
from zhirong.kernel.errors import IdentifierError


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1. A pan. 2. The pan of claim 1. 3. A lid.", [1, 2, 3]),
        ("What is claimed is: 1. A pan having 2. layers and 3 rivets. 2. The pan of claim 1.", [1, 2]),
        ("1-6. (canceled) 7. A pan. 8. The pan of claim 7.", [7, 8]),
        ("1. A pan. 2.-4. (cancelled) 5. A lid. 6. (withdrawn) 7. A rim.", [1, 5, 7]),
        ("1) A pan. 2) The pan of 1.", [1, 2]),
        ("1.一种水壶，包括壶体。2.根据权利要求1所述的水壶。", [1, 2]),
        ("The ornamental design for a chair, as shown.", [1]),
        ("  ", []),
    ],
)
def test_only_the_next_number_in_order_starts_a_claim(text: str, numbers: list[int]) -> None:
    assert [number for number, _ in split_claims(text)] == numbers


@given(st.lists(st.from_regex(r"[A-Z][a-z ]{0,30}", fullmatch=True), min_size=1, max_size=40))
def test_numbered_claims_come_back(bodies: list[str]) -> None:
    text = " ".join(f"{i}. {body}." for i, body in enumerate(bodies, start=1))
    assert split_claims(text) == [(i, f"{body}.".strip()) for i, body in enumerate(bodies, start=1)]


@pytest.mark.parametrize(
    ("text", "independent", "parent", "category"),
    [
        ("5. A method of frying, comprising heating.", True, None, "method"),
        ("5. The improved frying method according to claim 2, wherein.", False, 2, "method"),
        ("5. A pan for the method.", True, None, "product"),
        ("5. Use of oil for frying.", True, None, "use"),
        ("5. An aqueous cleaning composition comprising soap.", True, None, "composition"),
        ("5. The device of any preceding claim.", False, None, "product"),
        ("5. 一种油炸方法，其特征在于加热。", True, None, "method"),
        ("5. 根据权利要求3所述的水壶，其特征在于。", False, 3, "product"),
        ("5. 如权利要求1所述化合物在制药中的用途，", False, 1, "use"),
        ("5. Pfanne nach Anspruch 4, dadurch gekennzeichnet.", False, 4, "product"),
    ],
)
def test_dependence_and_kind_are_read(text: str, independent: bool, parent: int | None, category: str) -> None:
    row = claim_row("US1", 5, text)
    assert (row["is_independent"], row["parent_number"], row["category"]) == (independent, parent, category)
    assert not row["text"].startswith("5")


def test_a_parent_that_comes_later_is_unknown_but_the_claim_stays_dependent() -> None:
    row = claim_row("US1", 2, "The pan of claim 9.")
    assert (row["is_independent"], row["parent_number"]) == (False, None)


def test_words_and_markup() -> None:
    assert word_count("水壶 has a well-made lid") == 6
    assert plain_text("CO<sub>2</sub>&nbsp;and<br />more &lt; 3") == "CO2 and more < 3"


def test_class_rows() -> None:
    row = class_row("US1", "cpc", "H04L 9/32", 1, is_inventive=True)
    assert (row["symbol"], row["subclass"], row["main_group"]) == ("H04L9/32", "H04L", "9")
    with pytest.raises(IdentifierError):
        class_row("US1", "ipc", "nonsense", 1)
    with pytest.raises(IdentifierError):
        class_row("US1", "uspc", " ", 1)
