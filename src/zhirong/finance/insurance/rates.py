"""How often an event happens to a patent: cases of the store by field, a regression with exposure, credibility, own experience."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np

from zhirong.finance.insurance.spec import CoverKind, CoverSpec
from zhirong.kernel.errors import ConvergenceError, DomainError
from zhirong.kernel.identifiers import ClassSymbol
from zhirong.kernel.provenance import Grade, Source
from zhirong.kernel.text import Bilingual
from zhirong.numerics.claim_frequency import fit_frequency
from zhirong.numerics.credibility import GammaRate, gamma_rate, rates_of_cells
from zhirong.params import ParameterBook, field_of
from zhirong.valuation import Background
from zhirong.valuation.case_evidence import last_decisions

__all__ = ["LEAST_CLAIMS", "Cell", "PatentRate", "declared_rate", "known_matters", "rates_from", "rates_of_patents"]

LEAST_CLAIMS = 20
"""Claims from which a store is evidence of its own structure; below it, they only update the declared rate."""
_CAUSES = {
    CoverKind.INFRINGEMENT: "infringement",
    CoverKind.ENFORCEMENT: "infringement",
    CoverKind.VALIDITY: "validity",
}
_LIFE_AFTER_GRANT = {"invention": 17.0, "utility_model": 9.5, "design": 14.0}


@dataclass(frozen=True, slots=True)
class PatentRate:
    """Events a patent-year, with where the figure comes from.

    Parameters
    ----------
    patent_id : str
    rate : GammaRate
        With its uncertainty.
    field : int or None
        Technology field; None where not known.
    claims, patent_years : float
        Evidence of the field in the store.
    credibility : float
        Weight of the field's own evidence, 0 to 1.
    source : Source
    """

    patent_id: str
    rate: GammaRate
    field: int | None
    claims: float
    patent_years: float
    credibility: float
    source: Source


@dataclass(frozen=True, slots=True)
class Cell:
    """Patents alike: field, kind, years since grant, how many patent-years were watched, how many claims were seen."""

    field: int | None
    right_type: str
    is_young: bool
    patent_years: float
    claims: float


def declared_rate(spec: CoverSpec, book: ParameterBook, as_of: Any) -> tuple[GammaRate, Source]:
    """Return the declared yearly rate of a dispute cover, after the insurer's own claims."""
    given = book.at(f"finance.insurance.rate.{spec.cover}", as_of)
    assert given.low is not None and given.high is not None
    return gamma_rate(float(given.value), given.low, given.high), given.source


def rates_of_patents(
    patents: Mapping[str, tuple[int | None, str, bool]],
    cells: Sequence[Cell],
    spec: CoverSpec,
    book: ParameterBook,
    as_of: Any,
) -> list[PatentRate]:
    """Return the rate of each patent (its field, kind, and whether granted in the last five years).

    Notes
    -----
    With `LEAST_CLAIMS` claims or more in all: a Poisson regression on kind and age with exposure as offset, or a negative binomial
    where Akaike's criterion prefers it; then the ratio of claims to those expected in each field by credibility, so that a thin field
    is drawn to all. With fewer, the declared rate is updated by the field's own claims. The insurer's own claims come last.
    """
    declared, assumed = declared_rate(spec, book, as_of)
    claims = sum(c.claims for c in cells)
    enough = claims >= LEAST_CLAIMS and len({c.field for c in cells if c.patent_years > 0}) > 1
    found = (
        _fitted(patents, cells)
        if enough
        else [_updated(p, facts, cells, declared, assumed) for p, facts in patents.items()]
    )
    own = spec.book
    return [
        PatentRate(r.patent_id, r.rate.after(own.claims, own.patent_years), r.field, r.claims, r.patent_years, r.credibility, r.source)
        for r in found
    ]  # fmt: skip


def _updated(
    patent: str, facts: tuple[int | None, str, bool], cells: Sequence[Cell], declared: GammaRate, assumed: Source
) -> PatentRate:
    mine = [c for c in cells if c.field == facts[0]]
    seen, years = sum(c.claims for c in mine), sum(c.patent_years for c in mine)
    if sum(c.claims for c in cells) == 0:  # a store without cases is silent; silence is not an absence of suits
        return PatentRate(patent, declared, facts[0], 0.0, 0.0, 0.0, assumed)
    source = Source(
        f"Declared rate updated by the cases of the field: {seen:.0f} in {years:,.0f} patent-years",
        Grade.ASSUMED, title_zh=f"声明的频率，以本领域 {years:,.0f} 件·年中的 {seen:.0f} 件案件更新",
    )  # fmt: skip
    return PatentRate(patent, declared.after(seen, years), facts[0], seen, years, declared.weight(years), source)


def _row(kind: str, young: bool) -> list[float]:
    return [1.0, float(kind == "invention"), float(young)]


def _fitted(patents: Mapping[str, tuple[int | None, str, bool]], cells: Sequence[Cell]) -> list[PatentRate]:
    watched = [c for c in cells if c.patent_years > 0]
    y, years = (np.array([getattr(c, n) for c in watched], np.float64) for n in ("claims", "patent_years"))
    rate_of = _regression(y, np.array([_row(c.right_type, c.is_young) for c in watched]), years)
    expected = np.array([rate_of(_row(c.right_type, c.is_young)) for c in watched]) * years
    fields = sorted({c.field for c in watched}, key=lambda f: -1 if f is None else f)
    place = np.array([fields.index(c.field) for c in watched])
    seen, due = (np.bincount(place, v, len(fields)) for v in (y, expected))
    spread = rates_of_cells(seen, due)
    if spread.between > 0:
        prior = GammaRate(spread.collective**2 / spread.between, spread.collective / spread.between)
    else:
        prior = GammaRate(float(seen.sum()), float(due.sum()))
    watched_years = np.bincount(place, years, len(fields))
    out = []
    for patent, (field, kind, young) in patents.items():
        i = fields.index(field) if field in fields else None
        factor, base = prior, rate_of(_row(kind, young))
        if i is not None and spread.between > 0:
            factor = prior.after(float(seen[i]), float(due[i]))
        mine = 0.0 if i is None else float(seen[i])
        span = 0.0 if i is None else float(watched_years[i])
        source = Source(
            f"{y.sum():.0f} cases in {years.sum():,.0f} patent-years of the store, {mine:.0f} of them in the field; "
            "regression and credibility; cases the store lacks are not counted",
            Grade.COMPUTED, title_zh=f"证据库 {years.sum():,.0f} 件·年中的 {y.sum():.0f} 件案件（本领域 {mine:.0f} 件），"
            "回归与信度；库外案件未计",
        )  # fmt: skip
        weight = 0.0 if i is None else float(spread.factors[i])
        out.append(
            PatentRate(patent, GammaRate(factor.shape, factor.exposure / base), field, mine, span, weight, source)
        )
    return out


def _regression(y: Any, x: Any, years: Any) -> Any:
    """Return the rate as a function of a row; of less detail where the data do not carry it."""
    for columns in ([0, 1, 2], [0, 1], [0]):
        try:
            fits = [fit_frequency(y, x[:, columns], years)]
        except (DomainError, ConvergenceError):
            continue
        with contextlib.suppress(ConvergenceError):  # no more spread than Poisson
            fits.append(fit_frequency(y, x[:, columns], years, family="negative_binomial"))
        best = min(fits, key=lambda f: f.aic)
        return lambda row, c=columns, b=best: float(b.rate(np.array([row])[:, c])[0])
    raise AssertionError("a rate of its own always fits where there are claims")


def rates_from(background: Background, patent_ids: Sequence[str], spec: CoverSpec) -> list[PatentRate]:
    """Return the rate of events of patents from the cases a store knew at its date; see `rates_of_patents`.

    Patents without a grant date are not watched; a patent counts from its grant to the end of its usual life, lapses are not seen.
    """
    as_of, book = background.as_of, background.book
    rows = _rows(background, _CAUSES[spec.cover], float(book.value("finance.insurance.evidence_years", as_of)))
    facts: dict[str, tuple[int | None, str, bool]] = dict.fromkeys(patent_ids, (None, "unknown", False))
    today = as_of.year + (as_of.timetuple().tm_yday - 1) / 365.25
    start = today - float(book.value("finance.insurance.evidence_years", as_of))
    cells = [_cell(row, start, today) for row in rows]
    for row in _facts(background, patent_ids):
        year = row["grant_year"]
        facts[row["patent_id"]] = (_field(row), row["right_type"] or "unknown", year is not None and today - year < 5)
    return rates_of_patents(facts, cells, spec, book, as_of)


def _field(row: Mapping[str, Any]) -> int | None:
    return field_of(ClassSymbol(row["subclass"], row["main_group"])) if row["subclass"] else None


def _cell(row: Mapping[str, Any], start: float, today: float) -> Cell:
    kind, granted = row["right_type"] or "unknown", float(row["grant_year"]) + 0.5
    span = max(0.0, min(today, granted + _LIFE_AFTER_GRANT.get(kind, 17.0)) - max(start, granted))
    return Cell(
        _field(row), kind, today - granted < 5, span * int(row["n"]), float(row["claims"] or 0) if span > 0 else 0.0
    )


def _described(background: Background) -> ibis.Table:
    """Return patents with kind, year of grant and first class."""
    classes = background.tables["classifications"].filter(lambda t: t.sequence == 1).group_by("patent_id")
    first = classes.aggregate(subclass=lambda t: t.subclass.min(), main_group=lambda t: t.main_group.min())
    patents = background.tables["patents"].select("patent_id", "right_type", "grant_date")
    joined = patents.left_join(first, "patent_id").drop("patent_id_right")
    return joined.mutate(grant_year=joined.grant_date.year()).drop("grant_date")


def _facts(background: Background, patent_ids: Sequence[str]) -> list[dict[str, Any]]:
    chosen = _described(background).filter(lambda t: t.patent_id.isin(list(patent_ids)))
    rows: list[dict[str, Any]] = background.engine.to_arrow(chosen).to_pylist()
    return rows


def _rows(background: Background, cause: str, years: float) -> list[dict[str, Any]]:
    first_day = background.as_of.replace(year=background.as_of.year - int(years), day=min(background.as_of.day, 28))
    cases = background.tables["cases"].filter(
        lambda t: (t.cause == cause) & (t.filed_date >= first_day) & (t.filed_date <= background.as_of)
    )
    counted = last_decisions(cases).group_by("patent_id").aggregate(claims=lambda t: t.count())
    joined = _described(background).filter(lambda t: t.grant_year.notnull()).left_join(counted, "patent_id")
    grouped = joined.group_by(["subclass", "main_group", "right_type", "grant_year"]).aggregate(
        n=lambda t: t.count(), claims=lambda t: t.claims.sum()
    )
    rows: list[dict[str, Any]] = background.engine.to_arrow(grouped).to_pylist()
    return sorted(rows, key=lambda r: tuple(str(r[k]) for k in ("subclass", "main_group", "right_type", "grant_year")))


def known_matters(background: Background, patent_ids: Sequence[str], spec: CoverSpec) -> list[Bilingual]:
    """Return the disputes already known at the date, which a cover that excludes prior matters does not pay for."""
    cause = _CAUSES.get(spec.cover)
    if cause is None:
        return []
    cases = background.tables["cases"].filter(lambda t: (t.cause == cause) & t.patent_id.isin(list(patent_ids)))
    rows = background.engine.to_arrow(cases.select("case_id", "patent_id", "filed_date")).to_pylist()
    return [
        Bilingual(
            f"{row['patent_id']}：已知案件 {row['case_id']}（{row['filed_date'] or '日期不详'}），投保前事项，不在保障范围内",
            f"{row['patent_id']}: known case {row['case_id']} ({row['filed_date'] or 'no date'}), a matter before inception, not covered",
        )
        for row in sorted(rows, key=lambda r: (r["patent_id"], r["case_id"]))
    ]  # fmt: skip
