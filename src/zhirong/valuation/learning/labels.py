"""What a store knows of value, as labels to learn from: prices, appraisals, renewals, transfers, event-study values.

Each label has the day it speaks of. Features are taken from before that day, and a label enters only when it was public
by the date of the fit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

import ibis
import numpy as np
from numpy.typing import NDArray

from zhirong.kernel.errors import DomainError, NotAdmissibleError, ParameterError
from zhirong.kernel.text import Bilingual
from zhirong.params import ParameterBook
from zhirong.tables import Engine, safe

__all__ = ["LabelKind", "Labels", "Target", "collect_labels", "labels_from_values", "require"]

_ENDS = ("lapsed", "expired", "surrendered", "invalidated", "restored")
_PRICED = ("sale", "auction_lot", "equity_contribution")
_NEWS_DAYS = 270
"""A lapse is public when the grace period of six months and the notice are over."""


class Target(StrEnum):
    """What the model predicts."""

    LOG_CNY = "log_cny"
    """Natural logarithm of an amount in CNY."""
    PROBABILITY = "probability"
    """Probability of an event."""


class LabelKind(StrEnum):
    """Kinds of label."""

    DEALS = "deals"
    APPRAISALS = "appraisals"
    RENEWALS = "renewals"
    TRANSFERS = "transfers"
    KPSS = "kpss"

    @property
    def target(self) -> Target:
        """What a model of this kind predicts."""
        return Target.PROBABILITY if self in (LabelKind.RENEWALS, LabelKind.TRANSFERS) else Target.LOG_CNY

    @property
    def label(self) -> Bilingual:
        """Name for a reader."""
        return _NAMES[self]


_NAMES: Mapping[LabelKind, Bilingual] = {
    LabelKind.DEALS: Bilingual("成交价（每件专利，元）", "Deal price for each patent, CNY"),
    LabelKind.APPRAISALS: Bilingual("评估值（元）", "Appraised value, CNY"),
    LabelKind.RENEWALS: Bilingual("下一年度维持有效的概率", "Probability of being kept in force over the next year"),
    LabelKind.TRANSFERS: Bilingual("下一年度发生转让的概率", "Probability of a transfer within the next year"),
    LabelKind.KPSS: Bilingual("事件研究法价值（元）", "Event-study value, CNY"),
}


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of one kind, in order of date and then of patent.

    Attributes
    ----------
    kind : LabelKind
        What they are.
    patent_id : ndarray of str, shape (n,)
        Patents; one may come more than once.
    day : ndarray of datetime64[D], shape (n,)
        Day that the label speaks of; features must be older.
    target : ndarray of float64, shape (n,)
        Logarithm of CNY, or 0 and 1.
    weight : ndarray of float64, shape (n,)
        1, or the share of a patent in a deal of several.
    group : ndarray of str, shape (n,)
        Labels of one group (a deal) are never parted between training and test.
    context : Mapping of str to ndarray
        Facts of the label that price depends on and that a user states when predicting, such as `is_auction`.
    left_out : Mapping of str to int
        Rows that were not usable, by reason.
    """

    kind: LabelKind
    patent_id: NDArray[Any]
    day: NDArray[np.datetime64]
    target: NDArray[np.float64]
    weight: NDArray[np.float64]
    group: NDArray[Any]
    context: Mapping[str, NDArray[np.float64]]
    left_out: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.patent_id)


def collect_labels(
    tables: Mapping[str, ibis.Table],
    engine: Engine,
    kind: LabelKind,
    *,
    as_of: date,
    book: ParameterBook,
    rows_max: int = 200_000,
) -> Labels:
    """Return the labels of a kind that were public by a date.

    Parameters
    ----------
    tables : Mapping of str to ibis.Table
        Canonical tables cut at `as_of` (`zhirong.indicators.evidence_at`).
    engine : Engine
        Engine that holds them.
    kind : LabelKind
        Deals (sales, sold auction lots, equity contributions, with a price; related parties are left out), appraisals
        (opinions on a value of one patent), renewals (in force at a year's end: still in force a year later?), transfers
        (in force at a year's end: transferred within a year?).
    as_of : date
        Date of the fit.
    book : ParameterBook
        Exchange rates, by the year of the label.
    rows_max : int
        Of renewals and transfers at most so many rows are kept, chosen by hash of patent and year.

    Returns
    -------
    Labels
        Empty where the store holds none.

    Raises
    ------
    DomainError
        For `LabelKind.KPSS`, which no table holds: see `labels_from_values`.
    """
    if kind is LabelKind.DEALS:
        return _deals(tables, engine, book)
    if kind is LabelKind.APPRAISALS:
        return _appraisals(tables, engine, book)
    if kind is LabelKind.KPSS:
        raise DomainError("a store holds no event-study values; give them to labels_from_values")
    return _person_years(tables, engine, kind, as_of, rows_max)


def labels_from_values(kind: LabelKind, rows: Iterable[tuple[str, date, float]], *, as_of: date) -> Labels:
    """Return labels from amounts computed elsewhere, such as event-study values.

    Parameters
    ----------
    kind : LabelKind
        A kind whose target is the logarithm of CNY.
    rows : iterable of (str, date, float)
        Patent, day, value in CNY (finite).
    as_of : date
        Rows after it are left out, and counted.
    """
    if kind.target is not Target.LOG_CNY:
        raise DomainError(f"{kind} is not an amount")
    found = list(rows)
    if any(not np.isfinite(value) for _, _, value in found):
        raise DomainError("values are finite amounts in CNY")
    left = {"after the date of the fit": sum(day > as_of for _, day, _ in found),
            "not positive": sum(value <= 0 and day <= as_of for _, day, value in found)}  # fmt: skip
    kept = [(p, day, value) for p, day, value in found if day <= as_of and value > 0]
    return _labels(
        kind,
        [p for p, _, _ in kept],
        [day for _, day, _ in kept],
        np.log([v for _, _, v in kept]) if kept else np.zeros(0),
        left_out=left,
    )


def _labels(
    kind: LabelKind,
    patents: list[str],
    days: list[date],
    target: NDArray[np.float64],
    *,
    weight: NDArray[np.float64] | None = None,
    group: list[str] | None = None,
    context: Mapping[str, NDArray[np.float64]] | None = None,
    left_out: Mapping[str, int] | None = None,
) -> Labels:
    n = len(patents)
    ids, day = np.array(patents, dtype=object), np.array(days, dtype="datetime64[D]")
    groups = np.array(group if group is not None else [f"{p}@{d}" for p, d in zip(patents, days, strict=True)], object)
    order = np.lexsort((groups.astype(str), ids.astype(str), day)) if n else np.zeros(0, np.int64)
    weights = np.ones(n) if weight is None else weight
    return Labels(
        kind, ids[order], day[order], np.asarray(target, np.float64)[order], weights[order], groups[order],
        {name: np.asarray(values, np.float64)[order] for name, values in (context or {}).items()},
        {reason: count for reason, count in (left_out or {}).items() if count},
    )  # fmt: skip


def _rate(book: ParameterBook, currency: str | None, day: date) -> float | None:
    """CNY for one unit of a currency on a day, None where no rate is declared."""
    if currency is None:
        return None
    if currency == "CNY":
        return 1.0
    path = f"fx.{currency.lower()}_cny"
    try:
        return float(book.value(path, day)) if path in book else None
    except ParameterError:
        return None


def _deals(tables: Mapping[str, ibis.Table], engine: Engine, book: ParameterBook) -> Labels:
    deals = tables["deals"]
    rows = engine.to_arrow(
        deals.filter(deals.deal_type.isin(_PRICED)).select(
            "deal_id", "patent_id", "deal_type", "deal_date", "patent_count", "price", "currency", "is_related_party",
            "is_sold",
        )
    ).to_pylist()  # fmt: skip
    in_store = Counter(row["deal_id"] for row in rows)
    left = {"without a price": 0, "unsold": 0, "between related parties": 0, "no exchange rate": 0}
    kept: list[dict[str, Any]] = []
    for row in rows:
        rate = _rate(book, row["currency"], row["deal_date"])
        if row["is_sold"] is False:
            left["unsold"] += 1
        elif row["price"] is None or row["price"] <= 0:
            left["without a price"] += 1
        elif row["is_related_party"]:
            left["between related parties"] += 1
        elif rate is None:
            left["no exchange rate"] += 1
        else:
            count = max(row["patent_count"] or 0, in_store[row["deal_id"]])
            kept.append(row | {"cny": row["price"] * rate / count})
    used = Counter(row["deal_id"] for row in kept)
    return _labels(
        LabelKind.DEALS, [r["patent_id"] for r in kept], [r["deal_date"] for r in kept],
        np.log([r["cny"] for r in kept]) if kept else np.zeros(0),
        weight=np.array([1.0 / used[r["deal_id"]] for r in kept]), group=[r["deal_id"] for r in kept],
        context={"is_auction": np.array([float(r["deal_type"] == "auction_lot") for r in kept])}, left_out=left,
    )  # fmt: skip


def _appraisals(tables: Mapping[str, ibis.Table], engine: Engine, book: ParameterBook) -> Labels:
    opinions = tables["opinions"]
    rows = engine.to_arrow(
        opinions.filter(opinions.value.notnull()).select(
            "opinion_id", "patent_id", "appraiser_kind", "opinion_date", "valuation_date", "value", "currency"
        )
    ).to_pylist()
    left = {"opinion on a portfolio": 0, "not positive": 0, "no exchange rate": 0, "opinion of a model": 0}
    kept: list[dict[str, Any]] = []
    for row in rows:
        # An opinion for a past day may rest on what became known since: the label speaks of the earlier of the two days.
        day = min(row["opinion_date"], row["valuation_date"] or row["opinion_date"])
        rate = _rate(book, row["currency"], day)
        if row["patent_id"] is None:
            left["opinion on a portfolio"] += 1
        elif row["appraiser_kind"] == "model":
            left["opinion of a model"] += 1
        elif row["value"] <= 0:
            left["not positive"] += 1
        elif rate is None:
            left["no exchange rate"] += 1
        else:
            kept.append(row | {"day": day, "cny": row["value"] * rate})
    return _labels(
        LabelKind.APPRAISALS, [r["patent_id"] for r in kept], [r["day"] for r in kept],
        np.log([r["cny"] for r in kept]) if kept else np.zeros(0), group=[r["opinion_id"] for r in kept],
        context={
            "is_private_appraiser": np.array([float(r["appraiser_kind"] == "private") for r in kept]),
            "is_foreign_appraiser": np.array([float(r["appraiser_kind"] == "foreign") for r in kept]),
        },
        left_out=left,
    )  # fmt: skip


def _person_years(
    tables: Mapping[str, ibis.Table], engine: Engine, kind: LabelKind, as_of: date, rows_max: int
) -> Labels:
    """One row a patent and year's end at which it was in force; the next year has passed, and its news is out."""
    events = tables["legal_events"]
    wanted = _ENDS if kind is LabelKind.RENEWALS else (*_ENDS, "transferred")
    rows = engine.to_arrow(
        events.filter(events.event_kind.isin(wanted)).select("patent_id", "event_kind", "event_date")
    ).to_pylist()
    restored = {r["patent_id"] for r in rows if r["event_kind"] == "restored"}
    ends: dict[str, tuple[date, str]] = {}
    moves: dict[str, set[int]] = {}
    for row in rows:
        if row["event_kind"] == "transferred":
            moves.setdefault(row["patent_id"], set()).add(row["event_date"].year)
        elif row["event_kind"] != "restored" and row["patent_id"] not in restored:
            entry = (row["event_date"], row["event_kind"])
            ends[row["patent_id"]] = min(ends.get(row["patent_id"], entry), entry)
    covered = events.filter(events.event_kind.isin([*wanted, "annuity_paid"])).select("source_id").distinct()
    patents = tables["patents"].filter(lambda t: t.grant_date.notnull()).semi_join(covered, "source_id")
    granted = engine.to_arrow(
        patents.select("patent_id", "grant_date", "filing_date", hash=safe.stable_hash(patents.patent_id))
    ).to_pylist()
    last = (as_of - timedelta(days=_NEWS_DAYS)).year - 2  # the year after it has ended, and its news is out
    found = list(_years(granted, ends, moves, restored, kind, last))
    if len(found) > rows_max:
        found = sorted(found, key=lambda r: ((r[3] * 2654435761 + r[1] * 40503) % 4294967296, r[0], r[1]))[:rows_max]
    return _labels(
        kind, [r[0] for r in found], [date(r[1] + 1, 1, 1) for r in found], np.array([r[2] for r in found], np.float64),
        left_out={"restored after a lapse": len(restored)},
    )  # fmt: skip


def _years(
    granted: list[dict[str, Any]],
    ends: Mapping[str, tuple[date, str]],
    moves: Mapping[str, set[int]],
    restored: set[str],
    kind: LabelKind,
    last: int,
) -> Iterable[tuple[str, int, float, int]]:
    """Yield patent, year at whose end it was in force, what followed in the next year, hash."""
    for row in granted:
        patent = row["patent_id"]
        if patent in restored:
            continue
        end, how = ends.get(patent, (date.max, ""))
        stop, hashed = min(last, end.year - 1), int(row["hash"][:8], 16)
        for year in range(row["grant_date"].year, stop + 1):
            ended = end.year == year + 1
            if kind is LabelKind.TRANSFERS:
                yield patent, year, float(year + 1 in moves.get(patent, ())), hashed
            elif not ended or how in ("lapsed", "surrendered"):  # the end of the term is no decision
                yield patent, year, float(not ended), hashed


def require(labels: Labels, count_min: int) -> None:
    """Raise `NotAdmissibleError` where there are too few labels to learn from, or only one outcome."""
    if len(labels) < count_min:
        why = "; ".join(f"{n} {reason}" for reason, n in labels.left_out.items())
        tail = f" (left out: {why})" if why else ""
        raise NotAdmissibleError(f"{len(labels)} labels of kind {labels.kind}, at least {count_min} are needed{tail}")
    if labels.kind.target is Target.PROBABILITY and len(np.unique(labels.target)) < 2:
        raise NotAdmissibleError(f"all labels of kind {labels.kind} have the same outcome")
