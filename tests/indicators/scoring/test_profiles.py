"""Profiles: every shipped one loads, names real indicators, and says where its weights come from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zhirong.indicators import CATALOGUE
from zhirong.indicators.scoring import load_profile, parse_profile, shipped_profiles
from zhirong.kernel.errors import DomainError, UnknownNameError
from zhirong.kernel.provenance import Grade

SCENES = ["pledge", "insurance", "licensing", "trade", "securitisation", "accounting", "litigation", "management"]

AHP = """
scene: management
title: {zh: 测试, en: Test}
note: {zh: 测试, en: test}
weights:
  origin: ahp
  source: {title: a test, grade: stated}
  matrix:
    - [1, %s, 5]
    - [1/3, 1, 3]
    - [1/5, 1/3, 1]
items: [oecd.claims, oecd.scope, oecd.family_size]
"""


def test_the_eight_scenes_and_pvd_are_shipped() -> None:
    assert set(shipped_profiles()) == {*SCENES, "pvd-2012"}


@pytest.mark.parametrize("name", shipped_profiles())
def test_a_shipped_profile_names_indicators_of_the_catalogue(name: str) -> None:
    profile = load_profile(name)
    assert all(item.id in CATALOGUE for item in profile.items)
    assert profile.gate is None or profile.gate in CATALOGUE
    assert profile.weights is not None
    assert profile.weights.sum() == pytest.approx(1)
    assert {str(item.dimension) for item in profile.items} == {"legal", "technical", "economic"}
    assert profile.editable_by == "everyone"
    assert profile.scene == name or name == "pvd-2012"
    assert len(profile.items) >= 8


@pytest.mark.parametrize("name", shipped_profiles())
def test_shipped_weights_are_labelled_as_what_they_are(name: str) -> None:
    profile = load_profile(name)
    expected = Grade.RECALLED if name == "pvd-2012" else Grade.ASSUMED
    assert profile.source.grade is expected
    assert ("未核" if name == "pvd-2012" else "假设") in profile.weight_basis.zh
    assert ("recalled" if name == "pvd-2012" else "assumed") in profile.weight_basis.en


def test_ahp_weights_are_those_of_the_matrix() -> None:
    profile = parse_profile(AHP % 3, name="ahp")
    np.testing.assert_allclose(profile.weights, [0.637, 0.258, 0.105], atol=5e-4)
    assert profile.consistency_ratio == pytest.approx(0.033, abs=1e-3)
    assert "CR 0.033" in profile.weight_basis.en


def test_contradicting_judgements_are_refused_unless_told() -> None:
    text = (
        AHP.replace("[1, %s, 5]", "[1, 1/9, 9]")
        .replace("[1/3, 1, 3]", "[9, 1, 1/9]")
        .replace("[1/5, 1/3, 1]", "[1/9, 9, 1]")
    )
    with pytest.raises(DomainError, match="consistency ratio"):
        parse_profile(text, name="x")
    ratio = parse_profile(text, name="x", allow_inconsistent=True).consistency_ratio
    assert ratio is not None
    assert ratio > 1


def test_a_profile_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(AHP % 3, "utf-8")
    assert load_profile(path).name == "mine"
    assert load_profile(path).version == load_profile(str(path)).version


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (("origin: ahp", "origin: guess"), UnknownNameError, "weight origin"),
        (("oecd.claims", "oecd.claim"), UnknownNameError, "oecd.claims"),
        (("oecd.scope", "oecd.claims"), DomainError, "only once"),
        (("oecd.scope", "oecd.technology_field"), DomainError, "direction"),
        (("scene: management", "place: here"), DomainError, "'scene' is missing"),
        (("items: [", "items: [{id: legal.age, direction: 1, scale: range}, "), DomainError, "weight above zero"),
        (("title: {zh: 测试, en: Test}", "title: 3"), DomainError, "profile x"),
        (("origin: ahp", "origin: [ahp"), DomainError, "not YAML"),
    ],
)
def test_a_bad_profile_is_named(change: tuple[str, str], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        parse_profile((AHP % 3).replace(*change), name="x")


def test_unknown_names_and_files_suggest() -> None:
    with pytest.raises(UnknownNameError, match="pledge"):
        load_profile("pledg")
    with pytest.raises(DomainError, match=r"none\.yaml"):
        load_profile("none.yaml")
    with pytest.raises(DomainError, match="mapping"):
        parse_profile("- 1", name="x")
