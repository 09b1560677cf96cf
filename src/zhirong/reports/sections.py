"""The body of a report: charts and tables, section by section, from the record alone."""

from __future__ import annotations

from collections.abc import Sequence

from zhirong.indicators.catalogue import CATALOGUE
from zhirong.indicators.scoring.types import IndicatorReading, PatentScore
from zhirong.kernel.findings import Finding
from zhirong.kernel.text import Language
from zhirong.reports import charts
from zhirong.reports.blocks import Block, Cell, Chart, Column, Facts, Paragraph, Section, Table
from zhirong.reports.canvas import both
from zhirong.reports.comparables import comparables_section
from zhirong.reports.formats import Scale, format_date, format_percent, money_scale
from zhirong.reports.quantities import fact_label, fact_value, indicator_name, quantity, reading_value
from zhirong.reports.summary import UNVERIFIED, value_scale
from zhirong.reports.texts import RULES_ZH, TEXTS, say, word
from zhirong.valuation.methods import LABELS
from zhirong.valuation.types import Assumption, CashFlowFan, Contribution, MethodResult, Quantiles, Valuation

__all__ = ["body", "cohort_section", "message_cell", "radar_section"]

FIVE = (0.05, 0.25, 0.5, 0.75, 0.95)
FINDINGS_SHOWN = 40
STRIPS_SHOWN = 24


def body(
    valuation: Valuation, *, lang: Language, score: PatentScore | None, readings: Sequence[IndicatorReading]
) -> tuple[Section, ...]:
    """Return every section after the first page, in reading order."""
    return (
        radar_section(score, lang),
        cohort_section(readings, lang),
        _methods(valuation, lang),
        comparables_section(valuation, lang),
        _fan(valuation, lang),
        _tornado(valuation, lang),
        _assumptions(valuation, lang),
        _facts(valuation, lang),
        _indicators(readings, lang),
        _findings(valuation.findings, lang),
        _provenance(valuation, lang),
    )


def radar_section(score: PatentScore | None, lang: Language) -> Section:
    """Return the section of the three dimensions; without a score it says that they are unknown."""
    title = say("radar.title", lang)
    if score is None:
        return Section("dimensions", title, (Paragraph(say("radar.none", lang), "muted"),))
    unknown = say("word.unknown", lang)
    axes = [charts.RadarAxis(say(f"dimension.{d.dimension}", lang), d.score, d.low, d.high) for d in score.dimensions]
    alt = title + ": " + "; ".join(f"{a.label} {unknown if a.score is None else f'{a.score:.0f}'}" for a in axes)
    chart = both(
        "radar",
        lambda width, name: charts.radar(name, axes, unknown=unknown, width=width, alt=alt),
        alt,
        say("radar.caption", lang),
    )
    columns = tuple(
        Column(say(f"col.{key}", lang), key != "dimension")
        for key in ("dimension", "score", "low", "high", "weight", "coverage")
    )
    rows = tuple(
        (
            Cell(say(f"dimension.{d.dimension}", lang)),
            *(_number_or_unknown(x, lang) for x in (d.score, d.low, d.high)),
            Cell(f"{d.weight:.0%}"),
            Cell(f"{d.coverage:.0%}", "warning" if d.coverage < 0.5 else "normal"),
        )
        for d in score.dimensions
    )
    note = say("radar.weights", lang, profile=score.profile_title.in_(lang), basis=score.weight_basis.in_(lang))
    return Section("dimensions", title, (chart, Table(title, columns, rows), Paragraph(note, "muted")))


def _number_or_unknown(value: float | None, lang: Language) -> Cell:
    return Cell(f"{value:.0f}") if value is not None else Cell(say("word.unknown", lang), "muted")


def cohort_section(readings: Sequence[IndicatorReading], lang: Language) -> Section:
    """Return the strip of percentiles; readings without a direction are left to the table."""
    title = say("cohort.title", lang)
    shown = [r for r in readings if r.direction != 0][:STRIPS_SHOWN]
    if not shown:
        return Section("cohort", title, (Paragraph(say("cohort.none", lang), "muted"),))
    rows = [
        charts.Strip(indicator_name(r.id, lang), r.percentile, reading_value(r, lang), r.direction > 0) for r in shown
    ]
    unknown = say("word.unknown", lang)
    ends = (say("cohort.low", lang), say("cohort.high", lang))
    alt = (
        title
        + ": "
        + "; ".join(f"{r.label} {unknown if r.percentile is None else f'{r.percentile:.0f}'}" for r in rows)
    )
    chart = both(
        "cohort",
        lambda width, name: charts.strips(name, rows, unknown=unknown, ends=ends, width=width, alt=alt),
        alt,
        say("cohort.caption", lang),
    )
    return Section("cohort", title, (chart,))


def _five(quantiles: Quantiles) -> tuple[float, float, float, float, float]:
    p5, p25, p50, p75, p95 = (quantiles[level] for level in FIVE)
    return p5, p25, p50, p75, p95


def _methods(valuation: Valuation, lang: Language) -> Section:
    scale, title = value_scale(valuation, lang), say("methods.title", lang)
    refused = [a for a in valuation.admissibility if not a.is_admissible]
    rows = [charts.Interval(say("methods.total", lang), _five(valuation.quantiles), "", is_total=True)]
    rows += [
        charts.Interval(
            m.label.in_(lang), _five(m.quantiles), say("methods.weight", lang, weight=format_percent(m.weight))
        )
        for m in valuation.methods
    ]
    rows += [charts.Interval(_method_name(a.method, lang), None, say("methods.not_admissible", lang)) for a in refused]
    alt = (
        title
        + ": "
        + "; ".join(f"{r.label} {scale.interval(r.amounts[0], r.amounts[-1]) if r.amounts else r.note}" for r in rows)
    )
    chart = both(
        "methods",
        lambda width, name: charts.intervals(name, rows, scale=scale, axis_label=scale.label, width=width, alt=alt),
        alt,
        say("methods.caption", lang),
    )
    blocks: tuple[Block, ...] = (chart, _methods_table(valuation, scale, lang))
    if valuation.other_standards:
        blocks = (*blocks, _standards(valuation, lang))
    if "logarithmic" in valuation.other_pools:
        q = valuation.other_pools["logarithmic"]
        mine = money_scale([q[0.05], q[0.95]], valuation.currency, lang, typical=q[0.5])
        told = say("methods.agreement", lang, median=mine.money(q[0.5]), interval=mine.interval(q[0.1], q[0.9]))
        blocks = (*blocks, Paragraph(told))
    return Section("methods", title, blocks)


def _standards(valuation: Valuation, lang: Language) -> Table:
    columns = (
        Column(say("summary.standard", lang), share=1.2),
        Column(say("col.median", lang), True),
        Column(say("col.interval80", lang), True, 1.2),
        Column(say("methods.standards.way", lang), share=3.0),
    )
    decisive = str(valuation.standard_of_value)
    rows = []
    for name, q in {decisive: valuation.quantiles, **valuation.other_standards}.items():
        scale = money_scale([q[0.05], q[0.95]], valuation.currency, lang, typical=q[0.5])
        label = word("standard", name, lang)
        if name == decisive:
            label += ("（{}）" if lang == "zh" else " ({})").format(say("methods.standards.decisive", lang))
        steps = [
            f"{step.reason.in_(lang)} (×{step.share[1]:.2f})"
            for step in valuation.standard_steps
            if str(step.standard) == name
        ]
        way = ("；" if lang == "zh" else "; ").join(steps) or "—"
        rows.append((Cell(label), Cell(scale.money(q[0.5])), Cell(scale.interval(q[0.1], q[0.9])), Cell(way)))
    return Table(say("methods.standards", lang), columns, tuple(rows))


def _method_name(method: str, lang: Language) -> str:
    return LABELS[method].in_(lang)


def _methods_table(valuation: Valuation, scale: Scale, lang: Language) -> Table:
    reasons = {a.method: a for a in valuation.admissibility}
    joiner = "；" if lang == "zh" else "; "
    columns = (
        Column(say("col.method", lang), share=1.5),
        Column(say("col.median", lang), True, 1.5),
        Column(say("col.interval80", lang), True, 2.2),
        Column(say("col.weight", lang), True, 0.9),
        Column(say("col.reason", lang), share=3.2),
    )
    rows = [
        (
            Cell(say("methods.total", lang)),
            Cell(scale.money(valuation.quantiles[0.5])),
            Cell(scale.interval(valuation.quantiles[0.1], valuation.quantiles[0.9])),
            Cell("100%"),
            Cell(""),
        )
    ]
    for m in valuation.methods:
        found = reasons.get(m.method)
        words = [m.weight_reason.in_(lang), *(r.in_(lang) for r in (found.reasons if found else ()))]
        error = say("methods.mc", lang, error=quantity(m.monte_carlo_error, valuation.currency, lang))
        own = _method_scale(m, valuation.currency, lang)
        rows.append(
            (
                Cell(m.label.in_(lang)),
                Cell(own.money(m.quantiles[0.5])),
                Cell(own.interval(m.quantiles[0.1], m.quantiles[0.9])),
                Cell(format_percent(m.weight)),
                Cell(joiner.join(dict.fromkeys(words)), note=error if m.monte_carlo_error else ""),
            )
        )
    rows += [
        (
            Cell(_method_name(a.method, lang)),
            Cell("—", "muted"),
            Cell("—", "muted"),
            Cell(say("methods.not_admissible", lang), "warning"),
            Cell(joiner.join(r.in_(lang) for r in a.reasons)),
        )
        for a in valuation.admissibility
        if not a.is_admissible
    ]
    return Table(say("methods.table", lang), columns, tuple(rows))


def _method_scale(method: MethodResult, currency: str, lang: Language) -> Scale:
    q = method.quantiles
    return money_scale([q[0.05], q[0.95]], currency, lang, typical=q[0.5])


def _fan(valuation: Valuation, lang: Language) -> Section:
    title = say("fan.title", lang)
    fans = [(m, m.fan) for m in valuation.methods if m.fan is not None and m.fan.years]
    if not fans:
        return Section("cash-flows", title, (Paragraph(say("fan.none", lang), "muted"),))
    return Section("cash-flows", title, tuple(_fan_chart(m, fan, valuation.currency, lang) for m, fan in fans))


def _fan_chart(method: MethodResult, fan: CashFlowFan, currency: str, lang: Language) -> Chart:
    amounts = [a for path in fan.quantiles.values() for a in path]
    scale = money_scale([0.0, *amounts], currency, lang)
    caption = say("fan.caption", lang, label=f"{method.label.in_(lang)} · {fan.label.in_(lang)}")
    labels = (say("fan.years", lang), scale.label, {"0.5": say("fan.median", lang)})
    middle = fan.quantiles.get(0.5, ())
    alt = (
        caption
        + ": "
        + "; ".join(f"{year:g}: {scale.money(amount)}" for year, amount in zip(fan.years, middle, strict=False))
    )
    return both(
        f"fan-{method.method.replace('_', '-')}",
        lambda width, name: charts.fan(
            name, fan.years, fan.quantiles, scale=scale, labels=labels, width=width, alt=alt
        ),
        alt,
        caption,
    )


def _tornado(valuation: Valuation, lang: Language) -> Section:
    title = say("tornado.title", lang)
    if not valuation.contributions:
        return Section("drivers", title, (Paragraph(say("tornado.none", lang), "muted"),))
    scale = value_scale(valuation, lang)
    ordered = sorted(valuation.contributions, key=lambda c: (-abs(c.value_high - c.value_low), c.name))[:10]
    bars = [
        charts.TornadoBar(
            c.label.in_(lang),
            c.value_low,
            c.value_high,
            quantity(c.input_low, c.unit, lang),
            quantity(c.input_high, c.unit, lang),
        )
        for c in ordered
    ]
    alt = title + ": " + "; ".join(f"{b.label} {scale.money(b.value_low)} → {scale.money(b.value_high)}" for b in bars)
    middle = valuation.quantiles[0.5]
    chart = both(
        "tornado",
        lambda width, name: charts.tornado(
            name, bars, middle=middle, scale=scale, axis_label=scale.label, width=width, alt=alt
        ),
        alt,
        say("tornado.caption", lang),
    )
    return Section("drivers", title, (chart, _contribution_table(ordered, scale, lang)))


def _contribution_table(contributions: Sequence[Contribution], scale: Scale, lang: Language) -> Table:
    columns = (
        Column(say("col.input", lang), share=2),
        Column(say("col.input_range", lang), True, 2),
        Column(say("col.value_range", lang), True, 2),
        Column(say("col.share", lang), True, 1),
    )
    unknown = say("word.unknown", lang)
    rows = tuple(
        (
            Cell(c.label.in_(lang)),
            Cell(f"{quantity(c.input_low, c.unit, lang)} – {quantity(c.input_high, c.unit, lang)}"),
            Cell(f"{scale.money(c.value_low)} → {scale.money(c.value_high)}"),
            Cell(format_percent(c.variance_share) if c.variance_share is not None else unknown),
        )
        for c in contributions
    )
    return Table(say("tornado.table", lang), columns, rows)


def _assumptions(valuation: Valuation, lang: Language) -> Section:
    title = say("assumptions.title", lang)
    if not valuation.assumptions:
        return Section("assumptions", title, (Paragraph(say("assumptions.none", lang), "muted"),))
    columns = (
        Column(say("col.input", lang), share=1.4),
        Column(say("col.distribution", lang), share=2),
        Column(say("col.bounds", lang), True, 1.5),
        Column(say("col.source", lang), share=2.6),
        Column(say("col.grade", lang), share=1),
    )
    rows = tuple(_assumption_row(a, lang) for a in valuation.assumptions)
    blocks: list[Block] = [Table(say("assumptions.caption", lang), columns, rows)]
    if any(a.source.grade in UNVERIFIED for a in valuation.assumptions):
        blocks.insert(0, Paragraph(say("assumptions.note", lang), "warning"))
    return Section("assumptions", title, tuple(blocks))


def describe(assumption: Assumption, lang: Language) -> str:
    """Return the distribution of an assumption in words."""
    parameters = {
        name: f"{value:.3g}" if name in {"sigma", "a", "b"} else quantity(value, assumption.unit, lang)
        for name, value in assumption.parameters.items()
    }
    template = TEXTS.get(f"distribution.{assumption.distribution}")
    try:
        return template.in_(lang).format(**parameters) if template else str(assumption.distribution)
    except KeyError:
        listed = ", ".join(f"{k} {v}" for k, v in parameters.items())
        return f"{assumption.distribution} {listed}".strip()


def _assumption_row(a: Assumption, lang: Language) -> tuple[Cell, ...]:
    dated = format_date(a.source.dated, lang) if a.source.dated else ""
    details = " · ".join(part for part in (a.source.page, dated, a.source.note_in(lang), a.source.link) if part)
    return (
        Cell(a.label.in_(lang), note=say("assumptions.overridden", lang) if a.is_overridden else ""),
        Cell(describe(a, lang)),
        Cell(f"{quantity(a.low, a.unit, lang)} – {quantity(a.high, a.unit, lang)}"),
        Cell(a.source.title_in(lang), note=details),
        Cell(word("grade", str(a.source.grade), lang), "warning" if a.source.grade in UNVERIFIED else "normal"),
    )


def _facts(valuation: Valuation, lang: Language) -> Section:
    title = say("facts.title", lang)
    items = tuple((fact_label(name, lang), fact_value(value, lang)) for name, value in valuation.facts.items())
    block: Block = Facts(items) if items else Paragraph(say("word.unknown", lang), "muted")
    return Section("facts", title, (block,))


def _indicators(readings: Sequence[IndicatorReading], lang: Language) -> Section:
    title = say("indicators.title", lang)
    if not readings:
        return Section("indicators", title, (Paragraph(say("cohort.none", lang), "muted"),))
    columns = (
        Column(say("col.indicator", lang), share=2.4),
        Column(say("col.dimension", lang), share=0.9),
        Column(say("col.value", lang), True, 1.2),
        Column(say("col.percentile", lang), True, 0.9),
        Column(say("col.score", lang), True, 0.8),
        Column(say("col.weight", lang), True, 0.8),
        Column(say("col.flag", lang), share=1.4),
    )
    return Section(
        "indicators", title, (Table(say("indicators.caption", lang), columns, _indicator_rows(readings, lang)),)
    )


def _indicator_rows(readings: Sequence[IndicatorReading], lang: Language) -> tuple[tuple[Cell, ...], ...]:
    rows = []
    for r in readings:
        entry = CATALOGUE.get(r.id)
        dimension = say(f"dimension.{entry.dimension}", lang) if entry else ""
        missing = entry.null_meaning.in_(lang) if entry and r.value is None else ""
        rows.append(
            (
                Cell(indicator_name(r.id, lang), note=r.id),
                Cell(dimension),
                Cell(reading_value(r, lang), "muted" if r.value is None else "normal"),
                _number_or_unknown(r.percentile, lang),
                _number_or_unknown(r.score, lang) if r.direction else Cell("—", "muted"),
                Cell(format_percent(r.weight)) if r.weight is not None else Cell("—", "muted"),
                Cell(r.flag or missing),
            )
        )
    return tuple(rows)


def _findings(findings: Sequence[Finding], lang: Language) -> Section:
    title = say("findings.title", lang)
    if not findings:
        return Section("findings", title, (Paragraph(say("findings.none", lang), "good"),))
    columns = (
        Column(say("col.severity", lang), share=0.8),
        Column(say("col.place", lang), share=2),
        Column(say("col.value", lang), share=1.4),
        Column(say("col.message", lang), share=3),
    )
    rows = tuple(
        (
            Cell(word("severity", str(f.severity), lang), "warning" if str(f.severity) != "info" else "normal"),
            Cell(_place_of(f, lang)),
            Cell(f.value if f.value is not None else "—"),
            message_cell(f, lang),
        )
        for f in findings[:FINDINGS_SHOWN]
    )
    blocks: list[Block] = [Table(say("findings.caption", lang), columns, rows)]
    if len(findings) > FINDINGS_SHOWN:
        blocks.append(Paragraph(say("findings.more", lang, count=len(findings) - FINDINGS_SHOWN), "muted"))
    return Section("findings", title, tuple(blocks))


def message_cell(finding: Finding, lang: Language) -> Cell:
    """Return what a finding says: in Chinese the meaning of its rule, with the message of the log beneath."""
    meaning = RULES_ZH.get(finding.rule) if lang == "zh" else None
    if meaning is None:
        return Cell(finding.message, note=finding.rule)
    return Cell(meaning, note=f"{finding.rule}: {finding.message}")


def _place_of(finding: Finding, lang: Language) -> str:
    row = ("第 {} 行" if lang == "zh" else "row {}").format(finding.row) if finding.row is not None else None
    return " · ".join(part for part in (finding.source, row, finding.field) if part)


def _provenance(valuation: Valuation, lang: Language) -> Section:
    columns = (Column(say("col.name", lang), share=1.2), Column(say("col.content", lang), share=3))
    rows = tuple((Cell(name), Cell(content)) for name, content in provenance_items(valuation, lang))
    return Section(
        "provenance", say("provenance.title", lang), (Table(say("provenance.caption", lang), columns, rows),)
    )


def provenance_items(valuation: Valuation, lang: Language) -> list[tuple[str, str]]:
    """Return name and content of everything needed to compute the record again."""
    record = valuation.provenance
    seed = str(record.seed) if record.seed is not None else say("provenance.none", lang)
    items = [
        (say("provenance.version", lang), record.code_version),
        (say("summary.as_of", lang), record.as_of.isoformat()),
        (say("provenance.seed", lang), seed),
        (say("provenance.fingerprint", lang), record.fingerprint()),
    ]
    for key, group in (("data", record.data), ("parameter", record.parameters), ("setting", record.settings)):
        items += [(say(f"provenance.{key}", lang, name=name), value) for name, value in sorted(group.items())]
    return items
