"""What a landscape is drawn of: a technology field, a class, a region, or the classes of a portfolio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import ibis

from zhirong.indicators.catalogue import Context, Evidence
from zhirong.indicators.frames import attach, derived
from zhirong.kernel.errors import DomainError
from zhirong.kernel.text import Bilingual

__all__ = ["Scope", "ScopeKind", "landscape"]


class ScopeKind(StrEnum):
    """What delimits a landscape."""

    FIELD = "field"
    CLASS = "class"
    REGION = "region"
    PORTFOLIO = "portfolio"


@dataclass(frozen=True, slots=True)
class Scope:
    """The set of patents that is surveyed.

    Parameters
    ----------
    kind : ScopeKind
        A WIPO field (1-35), a class of IPC or CPC (four characters or more), a region of owners, or the main classes of a
        portfolio.
    values : tuple of str
        The field's number, class symbols, region codes, or the portfolio's patents.
    """

    kind: ScopeKind
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise DomainError(f"a landscape of a {self.kind} names at least one")
        if self.kind is ScopeKind.FIELD and not all(v.isdigit() and 1 <= int(v) <= 35 for v in self.values):
            raise DomainError(f"a technology field is a number from 1 to 35, not {', '.join(self.values)}")
        if self.kind is ScopeKind.CLASS and not all(len(v) >= 4 for v in self.values):
            raise DomainError(f"a class has four characters or more, e.g. G06N, not {', '.join(self.values)}")

    def label(self, names: Sequence[Bilingual] = ()) -> Bilingual:
        """Return what a reader sees; `names` are those of the fields or regions, where they are known."""
        listed_zh = "、".join(n.zh for n in names) or "、".join(self.values)
        listed_en = ", ".join(n.en for n in names) or ", ".join(self.values)
        if self.kind is ScopeKind.PORTFOLIO:
            return Bilingual("组合所在的技术小类", "The classes of the portfolio")
        words = {
            ScopeKind.FIELD: ("技术领域", "Technology field"),
            ScopeKind.CLASS: ("分类号", "Class"),
            ScopeKind.REGION: ("地区", "Region"),
        }
        zh, en = words[self.kind]
        return Bilingual(f"{zh}：{listed_zh}", f"{en}: {listed_en}")


def landscape(evidence: Evidence, context: Context, scope: Scope) -> ibis.Table:
    """Return the patents of a scope.

    Returns
    -------
    ibis.Table
        One row a patent: ``patent_id``, ``office``, ``filing_year``, ``published_year`` (NULL unknown), ``main_class``,
        ``technology_field``, ``status`` (NULL unknown), ``is_in_force`` (NULL where the status is unknown), ``family_id``.
    """
    patents = evidence["patents"].select("patent_id", "office", "filing_date", "family_id")
    main = derived(evidence, context, "main_class").select("patent_id", "main_class", "published_on")
    fields = derived(evidence, context, "fields").select("patent_id", "technology_field")
    status = derived(evidence, context, "status").select("patent_id", "status")
    t = attach(patents, main, fields, status)
    t = t.select(
        "patent_id",
        "office",
        "main_class",
        "technology_field",
        "status",
        "family_id",
        filing_year=t.filing_date.year().cast("int64"),
        published_year=t.published_on.year().cast("int64"),
        is_in_force=ibis.ifelse(t.status.notnull(), t.status == "in_force", ibis.null("boolean")),
    )
    return _within(t, evidence, context, scope)


def _within(t: ibis.Table, evidence: Evidence, context: Context, scope: Scope) -> ibis.Table:
    if scope.kind is ScopeKind.FIELD:
        return t.filter(t.technology_field.isin([int(v) for v in scope.values]))
    if scope.kind is ScopeKind.CLASS:
        symbols = derived(evidence, context, "classes")
        hit = ibis.or_(*(symbols.symbol.startswith(v.upper().replace(" ", "")) for v in scope.values))
        return t.semi_join(symbols.filter(hit).select("patent_id"), "patent_id").view()
    if scope.kind is ScopeKind.REGION:
        held = derived(evidence, context, "owners")
        here = ibis.or_(
            *(held.region_code.startswith(v) for v in scope.values), *(held.country == v for v in scope.values)
        )
        return t.semi_join(held.filter(here.fill_null(False)).select("patent_id"), "patent_id").view()
    mine = t.filter(t.patent_id.isin(list(scope.values)) & t.main_class.notnull()).select("main_class").distinct()
    return t.semi_join(mine, "main_class").view()
