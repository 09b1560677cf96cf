"""Hard texts written for tests: quoted judgments, two sums, scanner blanks, missing parts, no judgment at all."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from zhirong.evidence.judgments import FIELDS, field_values, measure, read_judgment, reread

CORPUS = yaml.safe_load((Path(__file__).parent / "corpus" / "adversarial.yaml").read_text("utf-8"))


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case["id"])
def test_reading_equals_the_labels(case):
    reading = read_judgment(case["text"])
    found = field_values(reading)
    for name, value in case["gold"].items():
        assert found[name] == ([str(v) for v in value] if isinstance(value, list) else value), name


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case["id"])
def test_every_span_reads_to_its_value_again(case):
    reading = read_judgment(case["text"])
    for name in FIELDS:
        one = getattr(reading, name)
        for item in one if isinstance(one, tuple) else [one] if one is not None else []:
            assert reread(name, case["text"][item.start : item.end], language=reading.language) == item.value, name
            assert 0 < item.confidence < 1


def test_precision_and_recall_of_the_corpus():
    scores = measure([(case["text"], case["gold"]) for case in CORPUS])
    for name, score in scores.items():
        assert score.precision is None or score.precision >= 0.95, (name, score)
        assert score.recall is None or score.recall >= 0.95, (name, score)


def _rules(case_id: str) -> set[str]:
    text = next(case["text"] for case in CORPUS if case["id"].startswith(case_id))
    return {doubt.rule for doubt in read_judgment(text).doubts}


@pytest.mark.parametrize(
    ("case_id", "rule"),
    [
        ("adv-04", "judgment.not_a_judgment"),
        ("adv-05", "judgment.no_patent"),
        ("adv-06", "judgment.check_digit"),
        ("adv-10", "judgment.no_operative_part"),
        ("adv-11", "judgment.first_result_unknown"),
        ("adv-15", "judgment.remanded"),
    ],
)
def test_what_stays_unknown_says_why(case_id, rule):
    assert rule in _rules(case_id)


def test_what_is_claimed_is_never_what_is_awarded():
    """Raise every claimed sum a thousandfold: no award may move."""
    for case in CORPUS:
        reading = read_judgment(case["text"])
        claimed = reading.damages_claimed
        if reading.language != "zh" or claimed is None:
            continue
        span = case["text"][claimed.start : claimed.end]
        louder = case["text"].replace(span, span.replace("万元", "亿元").replace("万", "亿"), 1)
        assert field_values(read_judgment(louder))["damages_awarded"] == field_values(reading)["damages_awarded"]


@given(st.text(max_size=400))
def test_any_text_is_read_without_an_exception(text):
    for language in ("zh", "en"):
        reading = read_judgment(text, language=language)
        assert reading.is_judgment or reading.outcome is None


@given(st.sampled_from([case["text"] for case in CORPUS]), st.data())
def test_a_text_cut_or_torn_anywhere_is_read_without_an_exception(text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    torn = text[:start] + text[end:]
    reading = read_judgment(torn, language="zh" if "本院" in text else "en")
    for name in FIELDS:
        one = getattr(reading, name)
        for item in one if isinstance(one, tuple) else [one] if one is not None else []:
            assert 0 <= item.start < item.end <= len(torn)
            assert reread(name, torn[item.start : item.end], language=reading.language) == item.value, name
