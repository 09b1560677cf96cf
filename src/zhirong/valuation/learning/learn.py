"""From a store to a model in one call, and from a model to the patents of a store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from zhirong.indicators import evidence_at
from zhirong.kernel.errors import MissingExtraError, NotAdmissibleError
from zhirong.params import ParameterBook
from zhirong.tables import Engine, Store
from zhirong.valuation.learning.features import INDICATORS, Bucket, FeatureTable, Progress, features_at, features_of
from zhirong.valuation.learning.fitting import Options, fit_model
from zhirong.valuation.learning.labels import LabelKind, Labels, collect_labels, require
from zhirong.valuation.learning.leaks import check_dates, check_repetition
from zhirong.valuation.learning.model import Context, LearnedModel, Prediction
from zhirong.valuation.learning.textual import Encoder, semantic_encoder

__all__ = ["audit", "learn", "predict_patents", "subset"]

_AUDIT_ROWS = 200
_AUTO_TEXTS_MAX = 5_000
"""Labels up to which ``auto`` reads texts with the sentence encoder: it takes a few tenths of a second for each text."""


def learn(
    store: Store,
    engine: Engine,
    kind: LabelKind,
    *,
    as_of: date,
    book: ParameterBook,
    out: Path | None = None,
    labels: Labels | None = None,
    features: FeatureTable | None = None,
    indicators: Sequence[str] = INDICATORS,
    bucket: Bucket = "year",
    options: Options | None = None,
    rows_max: int = 200_000,
    progress: Progress | None = None,
) -> LearnedModel:
    """Collect labels, compute features at their dates, look for leaks, fit, and save.

    Parameters
    ----------
    store, engine : Store, Engine
        Evidence.
    kind : LabelKind
        What to learn.
    as_of : date
        Nothing later enters: labels public by then, features of before each label.
    book : ParameterBook
        Parameters.
    out : Path, optional
        Folder for the model; not saved where not given.
    labels : Labels, optional
        Labels of one's own (`labels_from_values`); those of the store where not given.
    features : FeatureTable, optional
        Features of one's own, row by row with `labels`. A sample of them is computed again from the evidence cut at the day
        they claim, and any difference refuses the fit.
    indicators : sequence of str
        Indicators to learn from.
    bucket : {"year", "quarter"}
        How fine the days of features are.
    options : Options, optional
        How to fit. Where it names no encoder and the extra `semantic` is installed, ``semantic`` texts use it, and ``auto``
        tries it with up to 5,000 labels.
    rows_max : int
        Of renewals and transfers at most so many rows.
    progress : callable, optional
        Told of each step.

    Returns
    -------
    LearnedModel

    Raises
    ------
    NotAdmissibleError
        With too few labels.
    LeakageError
        When features know the future, or seem to.
    """
    options = options or Options()
    tables = evidence_at(store.read_all(engine), as_of)
    found = (
        labels
        if labels is not None
        else collect_labels(tables, engine, kind, as_of=as_of, book=book, rows_max=rows_max)
    )
    require(found, int(book.value("learning.labels_min", as_of)))
    options, lost = _with_encoder(options, len(found)), 0
    if features is None:
        features, rows = features_of(
            store, engine, found.patent_id, found.day, indicators=indicators, bucket=bucket,
            with_texts=options.texts != "none", progress=progress,
        )  # fmt: skip
        lost = len(found) - len(rows)
        found = subset(found, rows)
    else:
        check_dates(features, found)
        audit(features, store, engine)
    model = fit_model(
        found, features, as_of=as_of, book=book, options=options, is_synthetic=store.manifest.is_synthetic,
        left_out={"not public before its label": lost} if lost else {},
    )  # fmt: skip
    if out is not None:
        model.save(out)
    return model


def audit(table: FeatureTable, store: Store, engine: Engine, *, rows_max: int = _AUDIT_ROWS) -> None:
    """Compute features again at the busiest day that a table claims; raise `LeakageError` where they differ.

    Features that are not indicators of the catalogue cannot be computed again and are left to the other checks.
    """
    days, counts = np.unique(table.known_by, return_counts=True)
    if not len(days):
        return
    at = days[np.argmax(counts)]
    mine = np.flatnonzero(table.known_by == at)[:rows_max]
    known = [n for n in table.names if n in INDICATORS or n in _catalogue()]
    again = features_at(store, engine, at.astype(object), ids=set(table.patent_id[mine]), indicators=known)
    place = {p: i for i, p in enumerate(again.patent_id)}
    early = [r for r in mine if table.patent_id[r] not in place]
    if early:
        raise NotAdmissibleError(f"{table.patent_id[early[0]]} has features of {at}, when it was not public")
    check_repetition(table, again.take(np.array([place[table.patent_id[r]] for r in mine])), mine)


def _catalogue() -> Collection[str]:
    from zhirong.indicators import CATALOGUE

    return CATALOGUE.keys()


def subset(labels: Labels, rows: np.ndarray) -> Labels:
    """Return some labels."""
    return replace(
        labels, patent_id=labels.patent_id[rows], day=labels.day[rows], target=labels.target[rows],
        weight=labels.weight[rows], group=labels.group[rows],
        context={name: values[rows] for name, values in labels.context.items()},
    )  # fmt: skip


def predict_patents(
    model: LearnedModel,
    store: Store,
    engine: Engine,
    patent_ids: Collection[str],
    *,
    as_of: date,
    context: Context | None = None,
    encoder: Encoder | None = None,
) -> list[Prediction]:
    """Return predictions of patents of a store as known at a date; patents that were not public then are left out.

    Raises
    ------
    NotAdmissibleError
        For a date before the model's.
    """
    if as_of < model.as_of:
        raise NotAdmissibleError(f"the model knows facts up to {model.as_of} and cannot value {as_of}")
    text = model.design.text
    if text is not None and text.kind == "semantic" and encoder is None:
        encoder = semantic_encoder()
    indicators = [n for n in model.design.features if n in _catalogue()]
    table = features_at(store, engine, as_of, ids=set(patent_ids), indicators=indicators, with_texts=text is not None)
    return model.predict(table, context=context, encoder=encoder)


def _with_encoder(options: Options, count: int) -> Options:
    if options.encoder is not None or options.texts not in ("semantic", "auto"):
        return options
    if options.texts == "auto" and count > _AUTO_TEXTS_MAX:
        return options
    try:
        return replace(options, encoder=semantic_encoder())
    except MissingExtraError:
        if options.texts == "semantic":
            raise
        return options
