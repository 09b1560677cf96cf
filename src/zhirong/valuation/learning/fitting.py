"""Fit, check and describe a model: time split, calibration, coverage, leaks, the gain of texts, the card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.errors import DomainError, NotAdmissibleError
from zhirong.kernel.findings import Finding, Severity
from zhirong.params import ParameterBook
from zhirong.valuation.learning.boosting import Settings, Trees, fit_event, fit_quantiles, lightgbm
from zhirong.valuation.learning.card import ModelCard, TextGain
from zhirong.valuation.learning.conformal import (
    Coverage,
    Shifts,
    VennAbers,
    coverage_table,
    fit_shifts,
    fit_venn_abers,
)
from zhirong.valuation.learning.design import Design, groups_of
from zhirong.valuation.learning.domain import fit_domain
from zhirong.valuation.learning.features import MONOTONE, FeatureTable
from zhirong.valuation.learning.labels import LabelKind, Labels, Target, require
from zhirong.valuation.learning.leaks import LeakLimits, check_dates, check_single_features, check_splits
from zhirong.valuation.learning.metrics import amount_metrics, event_metrics, r_squared
from zhirong.valuation.learning.model import LearnedModel
from zhirong.valuation.learning.textual import Encoder, Remembered, TextReduction, fit_text

__all__ = ["Options", "Split", "fit_model", "time_split"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Texts = Literal["none", "lexical", "semantic", "auto"]
_RANDOM_MAX = 30_000
_FOUR = ("citation.in_degree_all", "oecd.backward_citations", "oecd.family_size", "oecd.claims")


@dataclass(frozen=True, slots=True)
class Options:
    """How a model is fitted.

    Attributes
    ----------
    settings : Settings
        Trees.
    texts : {"none", "lexical", "semantic", "auto"}
        ``auto`` measures terms, and sentence vectors where an encoder is given, and uses the better one if its gain on the
        newest labels is above zero with 95 per cent confidence; a named kind is used in any case.
    encoder : Encoder or None
        Sentence encoder.
    group_by : str
        Dimension with shifts of its own (``age``, ``field``, ``owner_size``), empty for none.
    group_own_min : int
        Calibration labels from which a group gets its own shifts.
    monotone : Mapping of str to int
        Constraints; none for transfers, whose sign economics does not give.
    limits : LeakLimits or None
        The book's where None. A fit whose high explained share has a known cause may be let through here, by name.
    measure_random : bool
        Measure the random split too.
    """

    settings: Settings = field(default_factory=Settings)
    texts: Texts = "auto"
    encoder: Encoder | None = None
    group_by: str = "age"
    group_own_min: int = 150
    monotone: Mapping[str, int] = field(default_factory=lambda: dict(MONOTONE))
    limits: LeakLimits | None = None
    measure_random: bool = True


@dataclass(frozen=True, slots=True)
class Split:
    """Rows by use."""

    train: Ints
    calibration: Ints
    test: Ints


@dataclass(frozen=True, slots=True)
class _Data:
    """Labels, their features and groups, in order of time."""

    labels: Labels
    table: FeatureTable
    groups: Mapping[str, Sequence[str | None]]


@dataclass(frozen=True, slots=True)
class _Fit:
    """One fitted recipe."""

    design: Design
    trees: Trees
    calibration: Shifts | VennAbers
    x: Floats


def time_split(day: NDArray[np.datetime64], shares: tuple[float, float] = (0.6, 0.8), *, least: int = 39) -> Split:
    """Cut labels in order of time, never within a day.

    Parameters
    ----------
    day : ndarray of datetime64, shape (n,)
        In order.
    shares : tuple of float
        Where training and calibration end; calibration is cut from the newest labels where the second is 1.
    least : int
        Labels each part must have.

    Raises
    ------
    NotAdmissibleError
        When the days are too few to cut.
    """
    n = len(day)
    starts = np.flatnonzero(np.r_[True, day[1:] > day[:-1]][:n])[1:]
    inner = [share for share in shares if share < 1]
    cuts: list[int] = []
    for number, share in enumerate(inner, start=1):
        ahead = starts[starts > (cuts[-1] if cuts else 0)]
        ahead = ahead[: len(ahead) - (len(inner) - number)]  # leave a day for each cut to come
        cuts.append(int(ahead[np.argmin(np.abs(ahead - share * n))]) if len(ahead) else n)
    cuts += [n] * (len(shares) - len(inner))
    rows = np.arange(n)
    split = Split(rows[: cuts[0]], rows[cuts[0] : cuts[1]], rows[cuts[1] :])
    parts = {"training": split.train, "calibration": split.calibration} | (
        {"test": split.test} if shares[1] < 1 else {}
    )
    for name, part in parts.items():
        if len(part) < least:
            raise NotAdmissibleError(f"{len(part)} labels for {name} on a time split, at least {least} are needed")
    return split


def fit_model(
    labels: Labels,
    table: FeatureTable,
    *,
    as_of: date,
    book: ParameterBook,
    options: Options | None = None,
    is_synthetic: bool = False,
    left_out: Mapping[str, int] | None = None,
) -> LearnedModel:
    """Fit a model, or refuse.

    Parameters
    ----------
    labels : Labels
        In order of time.
    table : FeatureTable
        Features of each label, row by row.
    as_of : date
        Date of the fit.
    book : ParameterBook
        Limits and the published ceiling.
    options : Options, optional
        How.
    is_synthetic : bool
        Shown in the card.
    left_out : Mapping of str to int, optional
        Further labels not used, by reason.

    Returns
    -------
    LearnedModel
        Fitted on the older three quarters of all labels and calibrated on the rest; its card holds the metrics of the same
        recipe on the newest fifth, fitted without them.

    Raises
    ------
    NotAdmissibleError
        With too few labels.
    LeakageError
        When features know the future, or seem to.
    """
    options = options or Options()
    if options.encoder is not None:
        options = replace(options, encoder=Remembered(options.encoder))
    if len(labels) != len(table.patent_id) or (labels.patent_id != table.patent_id).any():
        raise DomainError("features and labels are not of the same patents in the same order")
    require(labels, int(book.value("learning.labels_min", as_of)))
    if (np.diff(labels.day.astype(np.int64)) < 0).any():
        raise DomainError("labels are given in order of time")
    if (labels.day > np.datetime64(as_of, "D")).any():
        raise DomainError(f"labels after {as_of}")
    check_dates(table, labels)
    limits = options.limits or LeakLimits.at(book, as_of)
    data = _Data(labels, table, groups_of(table))
    split = time_split(labels.day)
    plain = _design(data, split.train, None)
    x, _ = plain.matrix(table, labels.context, None)
    is_event = labels.kind.target is Target.PROBABILITY
    findings = check_single_features(x, labels.target, plain.names, limits, is_event=is_event)
    tested = _fit(data, split, plain, options)
    gains, texted = _try_texts(data, split, tested, options)
    chosen = texted or tested
    metrics = _all_metrics(data, split, chosen, options)
    if not is_event:
        time_r2 = (metrics["test"]["r2_log"], metrics["test"]["r2_log_low"])
        findings += check_splits(time_r2, metrics.get("random", {}).get("r2_log"), limits)
    shipped_split = time_split(labels.day, (0.75, 1.0))
    shipped = _fit(data, shipped_split, _design(data, shipped_split.train, chosen.design.text, options), options)
    names = shipped.design.names
    share = shipped.trees.gains(len(names))
    domain = fit_domain(
        shipped.x[shipped_split.train], shipped.x[shipped_split.calibration], names, shipped.design.ordered, share,
        widen_from=float(book.value("learning.domain.widen_from", as_of)),
        refuse_ratio=float(book.value("learning.domain.refuse_ratio", as_of)),
    )  # fmt: skip
    findings += _findings(labels, shipped)
    card = _card(data, split, shipped_split, chosen, shipped, metrics, gains, findings, as_of=as_of, book=book,
                 options=options, is_synthetic=is_synthetic, left_out=left_out or {}, share=share)  # fmt: skip
    return LearnedModel(
        labels.kind,
        as_of,
        shipped.design,
        shipped.trees,
        shipped.calibration,
        _group_by(options, is_event),
        domain,
        card,
    )


def _group_by(options: Options, is_event: bool) -> str:
    return "" if is_event else options.group_by


def _design(data: _Data, train: Ints, text: TextReduction | None, options: Options | None = None) -> Design:
    """Return the columns; categories are those of the training rows, text directions those of the training texts."""
    table = data.table.take(train)
    levels = {name: tuple(sorted({c for c in table.category(name) if c is not None})) for name in table.levels}
    if text is not None:
        encoder = options.encoder if options is not None and text.kind == "semantic" else None
        text = fit_text(table.texts, encoder=encoder)
    return Design(data.table.names, levels, tuple(data.labels.context), text)


def _fit(data: _Data, split: Split, design: Design, options: Options) -> _Fit:
    labels = data.labels
    x, _ = design.matrix(data.table, labels.context, options.encoder)
    is_event = labels.kind.target is Target.PROBABILITY
    signs = {} if labels.kind is LabelKind.TRANSFERS else options.monotone
    monotone = design.monotone(signs)
    y, w, train, held = labels.target, labels.weight, split.train, split.calibration
    calibration: Shifts | VennAbers
    if is_event:
        if len(np.unique(y[train])) < 2:
            raise NotAdmissibleError("all training labels have the same outcome")
        trees = fit_event(
            x[train], y[train], w[train], monotone=monotone, categorical=design.categorical, settings=options.settings
        )
        calibration = fit_venn_abers(trees.predict(x[held])[:, 0], y[held])
    else:
        trees = fit_quantiles(
            x[train], y[train], w[train], monotone=monotone, categorical=design.categorical, settings=options.settings
        )
        by = options.group_by
        groups = [data.groups[by][i] for i in held] if by else ()
        calibration = fit_shifts(
            y[held], trees.predict(x[held]), trees.levels, groups=groups, group_min=options.group_own_min
        )
    return _Fit(design, trees, calibration, x)


def _quantiles(data: _Data, fit: _Fit, rows: Ints, options: Options) -> Floats:
    assert isinstance(fit.calibration, Shifts), "amounts have shifts"
    groups = [data.groups[options.group_by][i] for i in rows] if options.group_by else [None] * len(rows)
    return fit.calibration.apply(fit.trees.predict(fit.x[rows]), groups)


def _probability(fit: _Fit, rows: Ints) -> Floats:
    assert isinstance(fit.calibration, VennAbers), "events have probabilities"
    return fit.calibration.probability(fit.trees.predict(fit.x[rows])[:, 0])


def _try_texts(data: _Data, split: Split, base: _Fit, options: Options) -> tuple[tuple[TextGain, ...], _Fit | None]:
    """Measure what each kind of text adds on the newest labels; return the fit with the kind that is to be used."""
    if options.texts == "none" or not data.table.texts:
        return (), None
    kinds: list[Encoder | None] = []
    if options.texts in ("lexical", "auto"):
        kinds.append(None)
    if options.texts == "semantic" or (options.texts == "auto" and options.encoder is not None):
        if options.encoder is None:
            raise DomainError("semantic texts need an encoder: see semantic_encoder")
        kinds.append(options.encoder)
    tried: list[tuple[TextGain, _Fit]] = []
    for encoder in kinds:
        try:
            text = fit_text(data.table.take(split.train).texts, encoder=encoder)
        except DomainError:
            if options.texts != "auto":
                raise
            continue
        design = Design(base.design.features, base.design.levels, base.design.context, text)
        fit = _fit(data, split, design, options)
        tried.append((_gain(data, split, base, fit, options), fit))
    if not tried:
        return (), None
    best = max(range(len(tried)), key=lambda i: tried[i][0].with_text)
    is_used = options.texts != "auto" or tried[best][0].low > 0
    marked = tuple(
        TextGain(g.kind, g.encoder, g.metric, g.without, g.with_text, g.low, g.high, is_used and i == best)
        for i, (g, _) in enumerate(tried)
    )
    return marked, tried[best][1] if is_used else None


def _gain(data: _Data, split: Split, base: _Fit, fit: _Fit, options: Options) -> TextGain:
    y = data.labels.target[split.test]
    assert fit.design.text is not None, "a fit with texts"
    if data.labels.kind.target is Target.PROBABILITY:
        metric = "brier_skill"
        naive = float(data.labels.target[split.train].mean())
        losses = [(_probability(f, split.test) - y) ** 2 for f in (base, fit)]
        total = (naive - y) ** 2
    else:
        metric = "r2_log"
        losses = [(_quantiles(data, f, split.test, options)[:, f.trees.centre] - y) ** 2 for f in (base, fit)]
        total = (y - y.mean()) ** 2
    rng = np.random.Generator(np.random.Philox(key=options.settings.seed))
    differences = []
    for _ in range(400):
        rows = rng.integers(0, len(y), len(y))
        if total[rows].sum() > 0:
            differences.append((losses[0][rows].sum() - losses[1][rows].sum()) / total[rows].sum())
    low, high = (float(q) for q in np.quantile(differences, [0.05, 0.95]))
    without, with_text = (float(1 - loss.sum() / total.sum()) for loss in losses)
    return TextGain(fit.design.text.kind, fit.design.text.encoder, metric, without, with_text, low, high, False)


def _all_metrics(data: _Data, split: Split, fit: _Fit, options: Options) -> dict[str, dict[str, float]]:
    y, w = data.labels.target, data.labels.weight
    if data.labels.kind.target is Target.PROBABILITY:
        share = float(np.average(y[split.train], weights=w[split.train]))
        return {
            name: event_metrics(y[rows], _probability(fit, rows), past_share=share)
            for name, rows in (("test", split.test), ("train", split.train))
        }
    past, past_weight = y[split.train], w[split.train]

    def measured(rows: Ints, key: int) -> dict[str, float]:
        rng = np.random.Generator(np.random.Philox(key=options.settings.seed + key))
        quantiles = _quantiles(data, fit, rows, options)
        return amount_metrics(y[rows], quantiles, fit.trees.levels, past=past, past_weight=past_weight, rng=rng)

    out = {"test": measured(split.test, 1), "train": measured(split.train, 2)}
    if options.measure_random:
        out["random"] = {"r2_log": _random_r2(data, fit, options)}
    out["four_indicators"] = {"r2_log": _four_indicators(data, split)}
    return out


def _random_r2(data: _Data, fit: _Fit, options: Options) -> float:
    """Return R-squared of the median on groups drawn at random, fitted on the others."""
    rng = np.random.Generator(np.random.Philox(key=options.settings.seed + 3))
    names, code = np.unique(data.labels.group.astype(str), return_inverse=True)
    rows = np.arange(len(code))
    if len(rows) > _RANDOM_MAX:
        rows = np.sort(rng.choice(rows, _RANDOM_MAX, replace=False))
    held = (rng.random(len(names)) < 0.2)[code[rows]]
    train, test = rows[~held], rows[held]
    design, y = fit.design, data.labels.target
    signs = design.monotone(options.monotone)
    train = train[rng.permutation(len(train))]  # else the newest would choose the number of trees
    trees = fit_quantiles(
        fit.x[train], y[train], data.labels.weight[train], monotone=signs, categorical=design.categorical,
        settings=options.settings, levels=(0.25, 0.5, 0.75),
    )  # fmt: skip
    return r_squared(y[test], trees.predict(fit.x[test])[:, 1])


def _four_indicators(data: _Data, split: Split) -> float:
    """Return R-squared on the newest labels of least squares on citations, references, family and claims (PatVal's four)."""
    columns = np.column_stack([np.log1p(np.maximum(data.table.column(name), 0.0)) for name in _FOUR])
    train = columns[split.train]
    known = ~np.isnan(train)
    count = known.sum(axis=0)
    mean = np.where(count > 0, np.where(known, train, 0.0).sum(axis=0) / np.maximum(count, 1), 0.0)
    filled = np.where(np.isnan(columns), mean, columns)
    design = np.column_stack([np.ones(len(filled)), filled])
    y = data.labels.target
    found, *_ = np.linalg.lstsq(design[split.train], y[split.train], rcond=None)
    return r_squared(y[split.test], design[split.test] @ found)


def _coverage(data: _Data, split: Split, fit: _Fit, options: Options, group_min: int) -> tuple[Coverage, ...]:
    if data.labels.kind.target is Target.PROBABILITY:
        return ()
    quantiles = _quantiles(data, fit, split.test, options)
    groups: dict[str, Sequence[str | None]] = {d: [v[i] for i in split.test] for d, v in data.groups.items()}
    median = quantiles[:, fit.trees.centre]
    if np.ptp(median) > 0:
        thirds = np.searchsorted(np.quantile(median, [1 / 3, 2 / 3]), median)
        groups["value_size"] = [("1", "2", "3")[t] for t in thirds]
    return coverage_table(data.labels.target[split.test], quantiles, fit.trees.levels, groups, group_min=group_min)


def _reliability(data: _Data, split: Split, fit: _Fit) -> tuple[tuple[float, float, int], ...]:
    if data.labels.kind.target is not Target.PROBABILITY:
        return ()
    p, y = _probability(fit, split.test), data.labels.target[split.test]
    bins = np.searchsorted(np.unique(np.quantile(p, [0.2, 0.4, 0.6, 0.8])), p, side="left")
    return tuple(
        (float(p[bins == b].mean()), float(y[bins == b].mean()), int((bins == b).sum())) for b in np.unique(bins)
    )


def _findings(labels: Labels, shipped: _Fit) -> list[Finding]:
    repeated = len(labels) - len(np.unique(labels.patent_id.astype(str)))
    out = []
    if labels.kind.target is Target.LOG_CNY and repeated > 0.2 * len(labels):
        text = f"{repeated} of {len(labels)} labels are of patents with an earlier label"
        out.append(Finding(rule="learning.repeated_labels", severity=Severity.WARNING, source="labels", message=text))
    if all(b.tree_count == 0 for b in shipped.trees.boosters):
        text = "no feature beats a constant on newer labels; the model gives the distribution of past labels"
        out.append(Finding(rule="learning.no_signal", severity=Severity.WARNING, source="labels", message=text))
    return out


def _span(day: NDArray[np.datetime64], rows: Ints) -> dict[str, Any]:
    return {"count": len(rows), "first": str(day[rows].min()), "last": str(day[rows].max())}


def _card(
    data: _Data,
    split: Split,
    shipped_split: Split,
    tested: _Fit,
    shipped: _Fit,
    metrics: Mapping[str, Mapping[str, float]],
    gains: tuple[TextGain, ...],
    findings: list[Finding],
    *,
    as_of: date,
    book: ParameterBook,
    options: Options,
    is_synthetic: bool,
    left_out: Mapping[str, int],
    share: Floats,
) -> ModelCard:
    labels, names = data.labels, shipped.design.names
    parts = {
        "train": split.train, "calibration": split.calibration, "test": split.test,
        "shipped": shipped_split.train, "shipped_calibration": shipped_split.calibration,
    }  # fmt: skip
    paths = book.paths("learning")
    signs = shipped.design.monotone({} if labels.kind is LabelKind.TRANSFERS else options.monotone)
    lgb = lightgbm()
    return ModelCard(
        kind=labels.kind, as_of=as_of, is_synthetic=is_synthetic, label_count=len(labels),
        left_out={**labels.left_out, **left_out}, first_day=labels.day[0].astype(object),
        last_day=labels.day[-1].astype(object), splits={name: _span(labels.day, rows) for name, rows in parts.items()},
        metrics=metrics,
        coverage=_coverage(data, split, tested, options, int(book.value("learning.group_min", as_of))),
        reliability=_reliability(data, split, tested),
        ceiling=(float(book.value("learning.ceiling.indicators", as_of)), float(book.value("learning.ceiling.fixed_effects", as_of))),
        features=dict(zip(names, share.tolist(), strict=True)),
        monotone={n: s for n, s in zip(names, signs, strict=True) if s},
        texts=gains, findings=tuple(str(f) for f in findings), data=dict(data.table.fingerprints),
        parameters={p: book.at(p, as_of).version for p in paths}, library=f"LightGBM {lgb.__version__}",
        seed=options.settings.seed,
    )  # fmt: skip
