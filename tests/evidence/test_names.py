"""Comparable names, legal forms and kinds of party; names of firms are made up, or forms of law."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhirong.evidence.names import classify_party, normalise_name, party_id, party_row, person_key, split_name


@pytest.mark.parametrize(
    ("name", "core", "form"),
    [
        ("ACME Corp.", "acme", "corp"),
        ("Acme Corporation", "acme", "corp"),
        ("ACME CO., LTD.", "acme", "co ltd"),
        ("The Acme Company", "acme", "co"),
        ("Acme GmbH & Co. KG", "acme", "gmbh co kg"),
        ("Beispiel Aktiengesellschaft", "beispiel", "ag"),
        ("Exemple S.A.R.L.", "exemple", "sarl"),
        ("Rei Kabushiki Kaisha", "rei", "kk"),
        ("Kabushiki Kaisha Rei", "rei", "kk"),
        ("Prøve A/S", "prove", "as"),
        ("Société Exemple", "exemple", "sa"),
        ("A.B.C. Widgets, L.L.C.", "abc widgets", "llc"),
        ("Müller & Söhne AG", "muller and sohne", "ag"),
        ("ＡＣＭＥ　Ｉｎｃ", "acme", "inc"),
        ("示例科技有限公司", "示例科技", "有限公司"),
        ("示例科技(深圳)有限责任公司", "示例科技深圳", "有限责任公司"),
        ("示例集团股份有限公司", "示例", "股份有限公司"),
        ("示例集团", "示例", "集团"),
        ("株式会社レイ", "レイ", "kk"),
        ("レイ株式会社", "レイ", "kk"),
        ("㈱レイ", "レイ", "kk"),
        ("Limited", "limited", None),
        ("Co", "co", None),
    ],
)
def test_legal_form_is_split_off_and_the_core_is_comparable(name: str, core: str, form: str | None) -> None:
    assert (split_name(name).core, split_name(name).legal_form) == (core, form)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("示例大学", "university"),
        ("示例学院", "university"),
        ("示例大学附属医院", "organisation"),
        ("示例省示例市人民政府", "government"),
        ("国家示例管理局", "government"),
        ("示例科技有限公司", "organisation"),
        ("示例机械厂", "organisation"),
        ("示例市第一研究所", "organisation"),
        ("王小明", "person"),
        ("欧阳明", "person"),
        ("阿不都·热合曼", "person"),
        ("某某", None),
        ("Example University", "university"),
        ("UNIV EXAMPLE", "university"),
        ("The Regents of the Example University", "university"),
        ("Example Institute of Technology", "university"),
        ("Example University Press, LLC", "organisation"),
        ("The United States of America as represented by the Secretary of the Navy", "government"),
        ("Example Holdings", "organisation"),
        ("Example Bank", "organisation"),
        ("Smith, John A.", "person"),
        ("Dr. Erika Mustermann", "person"),
        ("John Q. Public", "person"),
        ("Example Widget", None),
        ("3X", "organisation"),
    ],
)
def test_kind_is_told_from_the_name_or_left_unknown(name: str, kind: str | None) -> None:
    assert classify_party(name) == kind


def test_person_order_does_not_matter_but_initials_are_not_expanded() -> None:
    assert person_key("Mustermann, Erika") == person_key("Erika Mustermann") == "mustermann erika"
    assert person_key("Lee, J. H.") != person_key("Lee, Jin Ho")
    assert person_key("Dr. Erika Mustermann") == "mustermann erika"
    assert person_key("王 小明") == "王小明"


@given(st.text(max_size=60))
def test_normal_form_is_idempotent_in_case_and_width(text: str) -> None:
    core = normalise_name(text)
    assert normalise_name(text.upper().lower()) == normalise_name(text.lower().upper().lower())
    assert core == core.strip()
    if any(c.isascii() and c.isalnum() for c in text):
        assert core


def test_identifier_is_stable_and_separates_namesakes() -> None:
    assert party_id("ACME  Inc", country="us") == party_id("ACME Inc", country="US")
    assert party_id("ACME Inc", country="US") != party_id("ACME Inc", country="DE")
    one = party_id("Wang Wei", city="Beijing", party_type="person")
    assert one != party_id("Wang Wei", city="Shanghai", party_type="person")
    assert party_id("ACME Inc").startswith("o")


def test_row_has_every_required_field() -> None:
    row = party_row("示例科技有限公司", country="CN")
    assert row["normalised_name"] == "示例科技"
    assert row["party_type"] == "organisation"
    assert row["language"] == "zh"
    assert party_row("---", country="CN")["normalised_name"] == "---"
