"""English judgments written for tests, against labels made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from zhirong.evidence.judgments import FIELDS, field_values, measure, read_judgment, reread

CORPUS = yaml.safe_load((Path(__file__).parent / "corpus" / "en.yaml").read_text("utf-8"))


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
            assert reread(name, case["text"][item.start : item.end], language="en") == item.value, name
            assert 0 < item.confidence < 1


def test_precision_and_recall_of_the_corpus():
    scores = measure([(case["text"], case["gold"]) for case in CORPUS])
    for name, score in scores.items():
        assert score.precision is None or score.precision >= 0.95, (name, score)
        assert score.recall is None or score.recall >= 0.95, (name, score)
