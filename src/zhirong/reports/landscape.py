"""The report of a navigation: landscape, flags, gaps and advice, as page, PDF and workbook in two languages."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path

from zhirong.kernel.errors import UnknownNameError
from zhirong.kernel.text import LANGUAGES, Language
from zhirong.reports.blocks import Block, Bullets, Cell, Column, Document, Facts, Paragraph, Section, Summary, Table
from zhirong.reports.formats import format_date, format_number, format_percent
from zhirong.reports.landscape_movement import movement_section
from zhirong.reports.landscape_portfolio import portfolio_sections
from zhirong.reports.landscape_sections import field_sections, share_text
from zhirong.reports.landscape_texts import tell
from zhirong.reports.render import FORMS, ReportFiles, write_forms
from zhirong.reports.texts import say
from zhirong.reports.workbook import MONEY, NUMBER, TEXT, Sheet
from zhirong.valuation.navigation import Navigation

__all__ = ["build_landscape", "render_landscape"]


def render_landscape(
    navigation: Navigation, *, lang: Language, out: Path, forms: Collection[str] = FORMS, name: str = "landscape"
) -> ReportFiles:
    """Write the report of a navigation.

    Parameters
    ----------
    navigation : Navigation
        The record.
    lang : str
        zh or en.
    out : Path
        Folder; made where it does not exist.
    forms : collection of str
        Of ``html``, ``pdf``, ``xlsx``.
    name : str
        File name without extension.

    Returns
    -------
    ReportFiles

    Raises
    ------
    UnknownNameError
        For a language or form that does not exist.
    """
    if lang not in LANGUAGES:
        raise UnknownNameError("language", lang, LANGUAGES)
    sheets = _sheets(navigation, lang) if "xlsx" in forms else []
    return write_forms(build_landscape(navigation, lang=lang), sheets, out=out, forms=forms, name=name)


def build_landscape(navigation: Navigation, *, lang: Language) -> Document:
    """Return the report of a navigation as plain blocks."""
    nav = navigation
    sections = [
        *field_sections(nav, lang), movement_section(nav.movement, lang), *portfolio_sections(nav, lang),
        _provenance(nav, lang),
    ]  # fmt: skip
    return Document(
        lang=lang,
        title=tell("title", lang),
        subject=nav.title.in_(lang),
        banner=say("banner.synthetic", lang) if nav.is_synthetic else "",
        summary=_summary(nav, lang),
        sections=tuple(sections),
        footer=say(
            "report.footer", lang, version=nav.provenance.code_version, as_of=nav.as_of.isoformat(),
            fingerprint=nav.provenance.fingerprint()[:12],
        ),
        contents_label=say("report.contents", lang),
    )  # fmt: skip


def _summary(nav: Navigation, lang: Language) -> Summary:
    curve, c = nav.growth.curve, nav.concentration
    stage = tell(f"stage.{nav.growth.stage}", lang) if nav.growth.stage else tell("stage_unknown", lang)
    note = tell("stage_none", lang)
    if curve is not None:
        note = tell(
            "stage_note", lang, low=format_percent(curve.maturity_low), high=format_percent(curve.maturity_high),
            level=format_percent(curve.level), model=tell(f"model.{curve.model}", lang),
            count=format_number(sum(nav.growth.counts)),
        )  # fmt: skip
    number = (format_number(n) for n in (nav.patents, nav.in_force, nav.pending, nav.dead, nav.status_unknown))
    names = ("patents", "in_force", "pending", "dead", "status_unknown")
    facts = [(say("summary.as_of", lang), format_date(nav.as_of, lang)), (tell("home", lang), nav.dependence.home)]
    facts += [(tell(name, lang), shown) for name, shown in zip(names, number, strict=True)]
    if nav.portfolio:
        facts.append((tell("portfolio", lang), tell("portfolio_count", lang, count=format_number(len(nav.portfolio)))))
    return Summary(
        value_label=tell("stage_label", lang),
        value=stage,
        value_note=note,
        grade_label=tell("concentration_label", lang),
        grade=format_percent(c.cr4.value) if c.cr4.value is not None else tell("unknown", lang),
        grade_note=tell(
            "concentration_note", lang, low=share_text(c.cr4.low, lang), high=share_text(c.cr4.high, lang),
            hhi=_index(c.hhi.value, lang), hhi_low=_index(c.hhi.low, lang), hhi_high=_index(c.hhi.high, lang),
            owners=format_number(c.owners), rights=format_number(round(c.rights)),
        ),
        facts=Facts(tuple(facts)),
        lists=(
            Bullets(tell("list.signals", lang), tuple(_signals(nav, lang)) or (tell("none", lang),), "good"),
            Bullets(tell("list.risks", lang), tuple(_risks(nav, lang)) or (tell("none", lang),), "warning"),
            Bullets(tell("list.unknown", lang), tuple(n.in_(lang) for n in nav.notes[:4]), "muted"),
        ),
    )  # fmt: skip


def _index(value: float | None, lang: Language) -> str:
    return tell("unknown", lang) if value is None else f"{value:.3f}"


def _signals(nav: Navigation, lang: Language) -> list[str]:
    found = []
    trend = nav.growth.trend
    if trend.value is not None and trend.low is not None and trend.high is not None:
        ends = {"low": f"{trend.low:.2f}", "high": f"{trend.high:.2f}"}
        found.append(tell("signal.trend", lang, ratio=f"{trend.value:.2f}", **ends))
    if nav.growth.bursts:
        best = max(nav.growth.bursts, key=lambda b: b.weight)
        years = nav.growth.years
        found.append(tell("signal.burst", lang, start=years[best.start], end=years[best.end]))
    if nav.white_spots.spots:
        s = nav.white_spots.spots[0]
        found.append(
            tell("signal.white", lang, pairs=nav.white_spots.gaps, first=s.first, second=s.second,
                 observed=s.observed, expected=format_number(s.expected))
        )  # fmt: skip
    if nav.entrants:
        found.append(tell("signal.entrants", lang, count=nav.entrant_count, first=nav.window[0], last=nav.as_of.year))
    return found


def _risks(nav: Navigation, lang: Language) -> list[str]:
    found = []
    if nav.freedom is not None and nav.freedom.flags:
        strengths = [f.strength for f in nav.freedom.flags]
        found.append(tell("risk.flags", lang, red=strengths.count("red"), amber=strengths.count("amber")))
    rights = nav.dependence.rights
    if rights.value:
        shown = {
            n: share_text(v, lang) for n, v in (("share", rights.value), ("low", rights.low), ("high", rights.high))
        }
        found.append(tell("risk.foreign", lang, home=nav.dependence.home, **shown))
    if prune := sum(a.action == "prune" for a in nav.advice):
        found.append(tell("risk.prune", lang, count=prune))
    if gaps := [g.office for g in nav.offices if g.is_gap]:
        found.append(tell("risk.offices", lang, offices=("、" if lang == "zh" else ", ").join(gaps)))
    return found


def _items(nav: Navigation, lang: Language) -> list[tuple[str, str]]:
    record = nav.provenance
    items = [
        (tell("prov.version", lang), record.code_version),
        (tell("prov.as_of", lang), record.as_of.isoformat()),
        (tell("prov.seed", lang), str(record.seed)),
        (tell("prov.fingerprint", lang), record.fingerprint()),
    ]
    for key, group in (("setting", record.settings), ("parameter", record.parameters), ("data", record.data)):
        items += [(tell(f"prov.{key}", lang, name=name), value) for name, value in sorted(group.items()) if value]
    return items


def _provenance(nav: Navigation, lang: Language) -> Section:
    columns = (Column(tell("col.name", lang), share=1.2), Column(tell("col.content", lang), share=3))
    notes: list[Block] = [Paragraph(n.in_(lang), "muted") for n in nav.notes]
    rows = tuple((Cell(name), Cell(value)) for name, value in _items(nav, lang))
    table = Table(tell("section.provenance", lang), columns, rows)
    return Section("provenance", tell("section.provenance", lang), (*notes, table))


def _sheets(nav: Navigation, lang: Language) -> list[Sheet]:
    def heads(*names: str) -> tuple[str, ...]:
        return tuple(tell(f"col.{name}", lang) for name in names)

    unknown = tell("unknown", lang)

    def known(value: object) -> object:
        return unknown if value is None else value.isoformat() if isinstance(value, date) else value

    years = [(y, n) for y, n in zip(nav.growth.years, nav.growth.counts, strict=True)]
    holders = [
        (h.name, known(h.country), h.patents, h.in_force, known(h.share.value), known(h.share.low), known(h.share.high),
         known(h.movement.value), known(h.movement.low), known(h.movement.high))
        for h in nav.holders
    ]  # fmt: skip
    spots = [
        (f"{s.first} x {s.second}", s.observed, s.expected, known(s.ratio.value), known(s.ratio.low), known(s.ratio.high),
         s.q, s.bridges)
        for s in nav.white_spots.spots
    ]  # fmt: skip
    ends = ("low", "high")
    sheets = [
        Sheet(tell("sheet.growth", lang), heads("year", "patents"), (NUMBER, NUMBER), years, (10, 12)),
        Sheet(
            tell("sheet.holders", lang),
            heads("holder", "country", "patents", "in_force", "share", *ends, "movement", *ends),
            (TEXT, TEXT, *(NUMBER,) * 8), holders, (36, 10, *(12,) * 8),
        ),
        Sheet(
            tell("sheet.white", lang), heads("pair", "observed", "expected", "ratio", *ends, "q", "bridges"),
            (TEXT, *(NUMBER,) * 7), spots, (20, *(12,) * 7),
        ),
    ]  # fmt: skip
    if nav.freedom is not None:
        flags = [
            (tell(f"flag.{f.strength}", lang), f.patent_id, f.cited_id, known(f.owner), f.category, f.office,
             known(f.similarity), known(f.percentile), ", ".join(f.shared_classes))
            for f in nav.freedom.flags
        ]  # fmt: skip
        names = heads("flag", "mine", "theirs", "holder", "observed", "office", "nearness", "share", "shared")
        kinds = (*(TEXT,) * 6, NUMBER, NUMBER, TEXT)
        sheets.append(Sheet(tell("sheet.flags", lang), names, kinds, flags, (10, 18, 18, 34, 8, 8, 12, 12, 30)))
    if nav.advice:
        advice = [
            (a.patent_id, tell(f"action.{a.action}", lang), known(a.value_cny.value), known(a.value_cny.low),
             known(a.value_cny.high), known(a.fees_cny), known(a.next_fee_cny), known(a.probability),
             known(a.probability_low), known(a.probability_high), a.reason.in_(lang))
            for a in nav.advice
        ]  # fmt: skip
        advice_heads = heads("patent", "action", "value", *ends, "fees", "next_fee", "probability", *ends, "content")
        advice_kinds = (TEXT, TEXT, *(MONEY,) * 5, *(NUMBER,) * 3, TEXT)
        sheets.append(Sheet(tell("sheet.advice", lang), advice_heads, advice_kinds, advice, (18, 12, *(14,) * 8, 60)))
    items = [(name, value) for name, value in _items(nav, lang)]
    sheets.append(Sheet(tell("sheet.provenance", lang), heads("name", "content"), (TEXT, TEXT), items, (34, 80)))
    return sheets
