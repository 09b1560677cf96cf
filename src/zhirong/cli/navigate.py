"""`zhirong navigate`: the landscape of a field, class or region, and how to cultivate a portfolio in it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import click

from zhirong.cli.group import cli
from zhirong.cli.output import as_of_option, emit, format_option, note, step_bar
from zhirong.cli.value import portfolio_shares
from zhirong.evidence.resolving import resolve_patents
from zhirong.kernel.errors import DomainError
from zhirong.kernel.text import LANGUAGES, Language
from zhirong.params import load
from zhirong.reports.landscape import render_landscape
from zhirong.tables import Store, connect
from zhirong.valuation.navigation import Estimate, Navigation, Scope, ScopeKind
from zhirong.valuation.navigation import navigate as survey

__all__ = ["navigate"]

PathType = click.Path(path_type=Path)
FileType = click.Path(path_type=Path, exists=True, dir_okay=False)


@cli.command()
@click.argument("store", type=PathType)
@as_of_option
@click.option("--field", "field_", type=click.IntRange(1, 35), help="WIPO technology field, 1 to 35.")
@click.option(
    "--class", "class_", help="Class of IPC or CPC, four characters or more, e.g. G06N; several joined by commas."
)
@click.option("--region", help="Region code of owners (prefix of GB/T 2260, e.g. 44), or a country code.")
@click.option(
    "--portfolio", type=FileType,
    help="CSV with a column patent_id: your patents. Alone, their classes are surveyed; with another scope, that is.",
)  # fmt: skip
@click.option(
    "--home", default="CN", show_default=True, help="Country and office whose dependence on others is asked for."
)
@click.option("--parameters", type=FileType, help="YAML file that replaces dated parameters.")
@click.option("--draws", default=4_000, show_default=True, help="Draws of each value.")
@click.option("--seed", default=1, show_default=True, help="Seed; the same inputs give the same bytes.")
@click.option("--out", type=PathType, required=True, help="Folder for landscape.html, landscape.pdf, landscape.xlsx.")
@format_option
@click.option(
    "--lang", type=click.Choice([*LANGUAGES, "both"]), default="en", show_default=True, help="Language of the report."
)
def navigate(
    store: Path, as_of: date, field_: int | None, class_: str | None, region: str | None, portfolio: Path | None,
    home: str, parameters: Path | None, draws: int, seed: int, out: Path, form: str, lang: str,
) -> None:  # fmt: skip
    """Survey a field, class, region or the classes of a portfolio: growth, leaders, white spots, flags, gaps, advice.

    Example: zhirong navigate mystore --as-of 2024-06-30 --class G06N --portfolio mine.csv --lang zh --out landscape
    """
    opened = Store.open(store)
    mine = tuple(dict.fromkeys(resolve_patents(opened, list(portfolio_shares(portfolio)), unknown_pass=True).values())
                 if portfolio else ())  # fmt: skip
    scope = _scope(field_, class_, region, mine)
    with connect("duckdb") as engine, step_bar("navigating") as step:
        found = survey(
            opened, engine, scope, as_of=as_of, book=load(parameters), portfolio=mine, home=home.upper(), draws=draws,
            seed=seed, step=step,
        )  # fmt: skip
    languages: tuple[Language, ...] = LANGUAGES if lang == "both" else (lang,)  # type: ignore[assignment]
    files = [
        path
        for language in languages
        for path in render_landscape(
            found, lang=language, out=out, name="landscape" if len(languages) == 1 else f"landscape.{language}"
        ).paths
    ]
    emit(_rows(found), form)
    for text in found.notes:
        note(text.in_("zh" if lang == "zh" else "en"))
    note(f"wrote {len(files)} files under {out}")


def _scope(field_: int | None, class_: str | None, region: str | None, mine: tuple[str, ...]) -> Scope:
    """Return the scope; one of field, class and region, or a portfolio alone."""
    given: Mapping[ScopeKind, tuple[str, ...]] = {
        kind: tuple(part.strip() for part in str(text).split(",") if part.strip())
        for kind, text in ((ScopeKind.FIELD, field_), (ScopeKind.CLASS, class_), (ScopeKind.REGION, region))
        if text is not None
    }
    if len(given) > 1:
        raise DomainError("survey one of --field, --class and --region at a time")
    if given:
        kind, values = next(iter(given.items()))
        return Scope(kind, values)
    if not mine:
        raise DomainError("name what to survey: --field, --class, --region or --portfolio")
    return Scope(ScopeKind.PORTFOLIO, mine)


def _rows(nav: Navigation) -> list[dict[str, Any]]:
    """Return the main figures, each with its interval and count."""
    d, c, w = nav.dependence, nav.concentration, nav.white_spots
    curve = nav.growth.curve
    maturity = Estimate(None, None, None, 0.0)
    if curve is not None:
        maturity = Estimate(
            curve.maturity if curve.is_identified else None, curve.maturity_low, curve.maturity_high,
            float(sum(nav.growth.counts)),
        )  # fmt: skip
    rows = [
        _count("patents", nav.patents),
        _count("rights in force", nav.in_force),
        _count("status unknown", nav.status_unknown),
        _row("growth, last 3 years over 3 before", nav.growth.trend),
        _row("maturity on the growth curve", maturity),
        _row("share of the four largest", c.cr4),
        _row("HHI", c.hhi),
        _count("entrants", nav.entrant_count),
        _count(f"white spots of {w.testable_pairs} testable pairs", w.gaps),
        _row(f"foreign share of rights in force, {d.home}", d.rights),
        _row(f"foreign share of X/Y citations against {d.home}", d.citations),
    ]
    if nav.freedom is not None:
        rows += [
            _count(f"freedom-to-operate flags, {s}", sum(f.strength == s for f in nav.freedom.flags))
            for s in ("red", "amber", "pending")
        ]
        rows.append(_count("offices with a gap", sum(g.is_gap for g in nav.offices)))
        rows += [
            _count(f"advice: {a}", sum(x.action == a for x in nav.advice))
            for a in ("keep", "review", "prune", "ended", "unknown")
        ]
    return rows


def _count(name: str, n: int) -> dict[str, Any]:
    return {"figure": name, "value": n, "low": None, "high": None, "count": n}


def _row(name: str, e: Estimate) -> dict[str, Any]:
    return {"figure": name, "value": e.value, "low": e.low, "high": e.high, "count": e.count}
