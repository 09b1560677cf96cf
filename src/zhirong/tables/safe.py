"""Operators that mean the same on DuckDB and Spark.

The two engines differ where tables of patents hurt most: division by zero, logarithm of zero, whole years between
dates, ordered first and last, mode, as-of join and hash. Expressions use these and never the raw forms; a lint sees to
it and a parity test runs every one on both engines.
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis

__all__ = [
    "asof_join",
    "days_between",
    "divide",
    "first",
    "last",
    "log",
    "mode",
    "plus_days",
    "sqrt",
    "stable_hash",
    "whole_years",
]


def divide(numerator: ibis.Value, denominator: ibis.Value) -> ibis.Value:
    """Return the float quotient; NULL where the denominator is zero or either side is NULL."""
    return numerator.cast("float64") / denominator.cast("float64").nullif(0.0)


def log(x: ibis.Value) -> ibis.Value:
    """Return the natural logarithm; NULL where x is not positive."""
    value = x.cast("float64")
    return ibis.ifelse(value > 0.0, value, ibis.null("float64")).ln()


def sqrt(x: ibis.Value) -> ibis.Value:
    """Return the square root; NULL where x is negative."""
    value = x.cast("float64")
    return ibis.ifelse(value >= 0.0, value, ibis.null("float64")).sqrt()


def days_between(start: ibis.Value, end: ibis.Value) -> ibis.Value:
    """Return days from start to end as int64, negative when end is earlier."""
    return end.delta(start, unit="day").cast("int64")


def plus_days(day: ibis.Value, days: ibis.Value) -> ibis.Value:
    """Return the date that many days later (earlier for negative days); NULL where either is NULL."""
    return (day + days.as_interval("D")).cast("date")


def whole_years(start: ibis.Value, end: ibis.Value) -> ibis.Value:
    """Return complete years from start to end as int64; equals `zhirong.kernel.dates.whole_years`.

    Negative when end is earlier (the complete years between, with a minus sign). 29 February completes a year on 28
    February of a common year.
    """
    forward = _complete_years(start, end)
    backward = -_complete_years(end, start)
    return ibis.ifelse(end >= start, forward, backward).cast("int64")


def _complete_years(start: ibis.Value, end: ibis.Value) -> ibis.Value:
    y = end.year()
    is_leap = ((y % 4 == 0) & (y % 100 != 0)) | (y % 400 == 0)
    start_md = start.month() * 100 + start.day()
    anniversary = ibis.ifelse((start_md == 229) & ~is_leap, 228, start_md)
    return y - start.year() - (end.month() * 100 + end.day() < anniversary).cast("int64")


def first(table: ibis.Table, *, by: Sequence[str], order_by: Sequence[ibis.Value]) -> ibis.Table:
    """Return the first row of each group in a total order.

    Parameters
    ----------
    table : ibis.Table
        Any table.
    by : sequence of str
        Group columns.
    order_by : sequence of ibis.Value
        Order keys (``ibis.asc(t.day, nulls_first=False)``); together they must be unique in each group, and each
        states where nulls go.

    Returns
    -------
    ibis.Table
        The columns of `table`, one row a group.
    """
    rank = ibis.row_number().over(group_by=list(by), order_by=list(order_by))
    return table.mutate(_rank=rank).filter(lambda t: t._rank == 0).drop("_rank")


def last(table: ibis.Table, *, by: Sequence[str], order_by: Sequence[str]) -> ibis.Table:
    """Return the last row of each group by ascending columns, nulls counting as earliest."""
    keys = [ibis.desc(table[column], nulls_first=False) for column in order_by]
    return first(table, by=by, order_by=keys)


def mode(table: ibis.Table, *, by: Sequence[str], value: str) -> ibis.Table:
    """Return the most frequent non-null value of each group; ties go to the smallest value.

    Returns
    -------
    ibis.Table
        Columns `by`, `value`, and `<value>_tied` (boolean: another value is as frequent).
    """
    counts = table.filter(table[value].notnull()).group_by([*by, value]).aggregate(_n=lambda t: t.count())
    top = counts.group_by(list(by)).aggregate(_top=lambda t: t._n.max())
    best = counts.inner_join(top, list(by)).filter(lambda t: t._n == t._top)
    return best.group_by(list(by)).aggregate(
        **{value: lambda t: t[value].min(), f"{value}_tied": lambda t: t.count() > 1}
    )


def asof_join(
    left: ibis.Table, right: ibis.Table, *, by: Sequence[str], left_on: str, right_on: str, key: Sequence[str]
) -> ibis.Table:
    """Join to each left row the latest right row that is not later.

    Parameters
    ----------
    left, right : ibis.Table
        Tables; right columns other than `by` must not collide with left columns.
    by : sequence of str
        Equal columns, present on both sides.
    left_on, right_on : str
        Date columns; a right row qualifies when ``right_on <= left_on``.
    key : sequence of str
        Columns that identify a left row.

    Returns
    -------
    ibis.Table
        Every left row once, right columns NULL where nothing qualifies. Among right rows of one date the order is
        not defined: make `right` unique by `by` + `right_on` first.
    """
    kept = [name for name in right.columns if name not in by]
    pairs = left.select(*key, *by, _at=left[left_on]).inner_join(right, list(by))
    pairs = pairs.filter(lambda t: t[right_on] <= t._at)
    best = first(pairs, by=key, order_by=[ibis.desc(pairs[right_on], nulls_first=False)]).select(*key, *kept)
    joined = left.left_join(best, list(key))
    return joined.select(*left.columns, *kept)


def stable_hash(text: ibis.Value) -> ibis.Value:
    """Return 32 hexadecimal digits of a text, equal on every engine and every run."""
    return text.hexdigest("md5").lower()
