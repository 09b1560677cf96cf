"""`navigate`: the landscape of a scope at a date, and what it says to a portfolio."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import ibis

from zhirong.indicators import Context, evidence_at
from zhirong.indicators.catalogue import Evidence
from zhirong.kernel.errors import DomainError
from zhirong.kernel.provenance import Provenance, fingerprint
from zhirong.kernel.text import Bilingual
from zhirong.params import ParameterBook, wipo35_fields
from zhirong.tables import Engine, Store
from zhirong.valuation.background import prepare
from zhirong.valuation.engine import CODE_VERSION
from zhirong.valuation.flows import last_whole_year, with_frames
from zhirong.valuation.movement import movement_at
from zhirong.valuation.navigation import expressions
from zhirong.valuation.navigation.cultivation import Cultivation, cultivate
from zhirong.valuation.navigation.freedom import freedom_of
from zhirong.valuation.navigation.gaps import category_gaps, groups_of, office_gaps, open_filings
from zhirong.valuation.navigation.scope import Scope, ScopeKind, landscape
from zhirong.valuation.navigation.survey import (
    concentration_of,
    dependence_of,
    entrants_of,
    growth_of,
    holders_of,
    white_spots_of,
)
from zhirong.valuation.navigation.types import Navigation, OfficeGap, OpenFiling, WhiteSpots

__all__ = ["navigate"]

WINDOW_YEARS = 5
HOLDERS_SHOWN = 12
LEADERS = 5
ENTRANTS_SHOWN = 12
CLASSES_SHOWN = 16
FILING_OFFICES = 4
MOVEMENT_CLASSES = 10
Step = Callable[[str, int, int], None]


def _silent(step: str, done: int, total: int) -> None:
    """Say nothing."""


def navigate(
    store: Store, engine: Engine, scope: Scope, *, as_of: date, book: ParameterBook, portfolio: Sequence[str] = (),
    home: str = "CN", draws: int = 4_000, seed: int = 1, step: Step = _silent,
) -> Navigation:  # fmt: skip
    """Survey a field, class, region or the classes of a portfolio.

    Parameters
    ----------
    store : Store
        Evidence.
    engine : Engine
        Any engine; values of a portfolio are computed locally whatever it is.
    scope : Scope
        What to survey.
    as_of : date
        Nothing known later enters.
    book : ParameterBook
        Parameters.
    portfolio : sequence of str
        Patents of the reader; those of the scope where that is a portfolio.
    home : str
        Country (and office) whose dependence on foreign holders is asked for.
    draws, seed : int
        Of values and resampling.
    step : callable
        Told of each step.

    Returns
    -------
    Navigation

    Raises
    ------
    DomainError
        When the scope holds no patent at the date.
    """
    steps = 6 if portfolio or scope.kind is ScopeKind.PORTFOLIO else 3
    step("cutting the evidence at the date", 1, steps)
    context = Context(as_of, engine)
    evidence = with_frames(evidence_at(store.read_all(engine), as_of), context)
    asked = list(dict.fromkeys(portfolio or (scope.values if scope.kind is ScopeKind.PORTFOLIO else ())))
    mine = _known(evidence, engine, asked)
    land = engine.stage(landscape(evidence, context, scope), "landscape")
    status = _counts(engine, land)
    if not sum(status.values()):
        raise DomainError(f"no patent known at {as_of} belongs to {scope.label().en}")
    step("growth, leaders, white spots", 2, steps)
    last = last_whole_year(as_of)
    window = (last - WINDOW_YEARS + 1, last)
    before = (window[0] - WINDOW_YEARS, window[0] - 1)
    held = expressions.holdings(evidence, context, land, recent=window, before=before)
    rows = engine.to_arrow(held).to_pylist()
    names = _names(evidence, engine)
    spots = _white_spots(evidence, context, land)
    every = {int(r["published_year"]): int(r["n"]) for r in _all_years(evidence, engine)}
    growth = growth_of(engine.to_arrow(expressions.publications(land)).to_pylist(), every, as_of)
    unknown = status.get(None, 0)
    step("dependence on foreign holders", 3, steps)
    dependence = dependence_of(
        home,
        engine.to_arrow(expressions.rights_by_country(evidence, context, land, office=home)).to_pylist(),
        engine.to_arrow(expressions.adverse_citations(evidence, context, land, home=home)).to_pylist(),
    )
    holders = holders_of(rows, names, shown=HOLDERS_SHOWN)
    new = entrants_of(rows, names, recent_from=window[0])
    concentration = concentration_of(
        rows,
        unowned=round(status.get("in_force", 0) - sum(r["in_force"] for r in rows)),
        status_unknown=unknown,
        seed=seed,
    )
    parts, versions = (
        _for_portfolio(store, engine, evidence, context, land, rows, names, mine, book, draws, seed, step, steps)
        if mine
        else ({}, {})
    )
    return Navigation(
        scope=scope,
        title=_title(scope, evidence, engine),
        as_of=as_of,
        patents=sum(status.values()),
        in_force=status.get("in_force", 0),
        pending=status.get("pending", 0),
        dead=sum(n for s, n in status.items() if s not in (None, "in_force", "pending")),
        status_unknown=unknown,
        window_years=WINDOW_YEARS,
        window=window,
        entrants_known_from=growth.years[0] if growth.years else None,
        growth=growth,
        holders=holders,
        concentration=concentration,
        entrants=new[:ENTRANTS_SHOWN],
        entrant_count=len(new),
        white_spots=spots,
        dependence=dependence,
        movement=movement_at(evidence, context, book, classes=spots.classes[:MOVEMENT_CLASSES]),
        provenance=Provenance(
            code_version=CODE_VERSION,
            as_of=as_of,
            data=store.fingerprints(),
            parameters=versions,
            seed=seed,
            settings={
                "scope": str(scope.kind), "values": _listed(scope.values), "home": home, "draws": str(draws),
                "portfolio": _listed(mine),
            },
        ),
        portfolio=tuple(mine),
        portfolio_unknown=tuple(p for p in asked if p not in set(mine)),
        notes=tuple(_notes(growth.years, window, unknown, growth.undated, asked, mine)),
        is_synthetic=store.manifest.is_synthetic,
        **parts,
    )  # fmt: skip


def _for_portfolio(
    store: Store, engine: Engine, evidence: Evidence, context: Context, land: ibis.Table, rows: Sequence[Mapping[str, Any]],
    names: Mapping[str, str], mine: Sequence[str], book: ParameterBook, draws: int, seed: int, step: Step, steps: int,
) -> tuple[dict[str, Any], dict[str, str]]:  # fmt: skip
    """Return the parts of the navigation that need a portfolio, and the parameters they used."""
    step("freedom to operate", 4, steps)
    own = evidence["@owners"].filter(lambda t: t.patent_id.isin(list(mine)))
    ours = set(engine.to_arrow(own.select("owner_id").distinct())["owner_id"].to_pylist())
    leaders = [h.owner_id for h in holders_of([r for r in rows if r["owner_id"] not in ours], names, shown=LEADERS)]
    freedom = freedom_of(evidence, context, land, mine, names)
    step("gaps", 5, steps)
    groups = engine.stage(groups_of(evidence, context, land, leaders, mine), "groups")
    offices = office_gaps(evidence, context, groups)
    openings = open_filings(
        evidence, context, mine,
        priority_months=int(book.value("navigation.priority_months", context.as_of)),
        national_phase_months=int(book.value("navigation.national_phase_months", context.as_of)),
    )  # fmt: skip
    step("value against fees", 6, steps)
    found = _cultivation(store, engine, evidence, context, mine, openings, offices, book, draws, seed)
    parts = {
        "leaders_compared": tuple(names.get(owner, owner) for owner in leaders),
        "freedom": freedom,
        "offices": offices,
        "categories": category_gaps(evidence, context, groups),
        "open_filings": openings,
        "advice": found.advice,
        "limits": found.limits,
        "filings": found.filings,
    }
    return parts, dict(found.parameters)


def _cultivation(
    store: Store, engine: Engine, evidence: Evidence, context: Context, mine: Sequence[str],
    openings: Sequence[OpenFiling], offices: Sequence[OfficeGap], book: ParameterBook, draws: int, seed: int,
) -> Cultivation:  # fmt: skip
    background = prepare(store, engine, as_of=context.as_of, book=book)
    members = evidence["families"].filter(lambda t: t.end_date.isnull()).select("family_id", "office")
    known = (
        evidence["patents"].filter(lambda t: t.patent_id.isin(list(mine))).select("patent_id", "family_id", "office")
    )
    protected: dict[str, set[str]] = {}
    joined = known.select("patent_id", "family_id").inner_join(members, "family_id").select("patent_id", "office")
    for row in engine.to_arrow(ibis.union(joined, known.select("patent_id", "office"), distinct=True)).to_pylist():
        protected.setdefault(row["patent_id"], set()).add(row["office"])
    wanted = [g.office for g in offices if g.office != "WO" and (g.leaders.value or 0.0) > 0][:FILING_OFFICES]
    return cultivate(
        background, mine, openings, wanted, {p: frozenset(o) for p, o in protected.items()}, draws=draws, seed=seed
    )


def _listed(names: Sequence[str]) -> str:
    """Return few names as they are, many by their number and fingerprint."""
    return ",".join(names) if len(names) <= 5 else f"{len(names)}, sha256 {fingerprint(list(names))[:16]}"


def _known(evidence: Evidence, engine: Engine, asked: Sequence[str]) -> list[str]:
    if not asked:
        return []
    patents = evidence["patents"]
    found = set(
        engine.to_arrow(patents.filter(patents.patent_id.isin(list(asked))).select("patent_id"))[
            "patent_id"
        ].to_pylist()
    )
    return [p for p in asked if p in found]


def _counts(engine: Engine, land: ibis.Table) -> dict[str | None, int]:
    rows = engine.to_arrow(land.group_by("status").aggregate(n=lambda t: t.count())).to_pylist()
    return {r["status"]: int(r["n"]) for r in rows}


def _all_years(evidence: Evidence, engine: Engine) -> list[dict[str, Any]]:
    main = evidence["@main_class"].filter(lambda t: t.published_on.notnull())
    yearly = main.select(published_year=main.published_on.year().cast("int64"))
    return list(engine.to_arrow(yearly.group_by("published_year").aggregate(n=lambda t: t.count())).to_pylist())


def _white_spots(evidence: Evidence, context: Context, land: ibis.Table) -> WhiteSpots:
    """Test the largest classes of the landscape on all patents of the store that combine classes."""
    engine = context.engine
    sizes = engine.to_arrow(expressions.class_sizes(evidence, context, land)).to_pylist()
    kept = [r["subclass"] for r in sorted(sizes, key=lambda r: (-r["patents"], r["subclass"]))[:CLASSES_SHOWN]]
    both = engine.stage(expressions.combined(evidence, context), "combined")
    pairs = engine.to_arrow(expressions.pair_counts(both, kept)).to_pylist() if kept else []
    return white_spots_of(kept, pairs, int(engine.scalar(both.patent_id.nunique())))


def _names(evidence: Evidence, engine: Engine) -> dict[str, str]:
    """Return a name of each owner: the first in the alphabet of the names of a cluster."""
    t = evidence["parties"]
    named = t.select("name", owner_id=ibis.coalesce(t.cluster_id, t.party_id))
    rows = engine.to_arrow(named.group_by("owner_id").aggregate(name=named.name.min())).to_pylist()
    return {r["owner_id"]: r["name"] for r in rows}


def _title(scope: Scope, evidence: Evidence, engine: Engine) -> Bilingual:
    if scope.kind is ScopeKind.FIELD:
        fields = {r["field"]: Bilingual(r["name_zh"], r["name_en"]) for r in wipo35_fields().to_pylist()}
        return scope.label([fields[int(v)] for v in scope.values])
    if scope.kind is ScopeKind.REGION:
        t = evidence["regions"]
        rows = engine.to_arrow(t.filter(t.region_code.isin(list(scope.values)))).to_pylist()
        named = {r["region_code"]: Bilingual(r["name_zh"], r["name_en"]) for r in rows}
        return scope.label([named.get(v, Bilingual(v, v)) for v in scope.values])
    return scope.label()


def _notes(
    years: Sequence[int], window: tuple[int, int], unknown: int, undated: int, asked: Sequence[str], mine: Sequence[str]
) -> list[Bilingual]:
    found = [
        Bilingual(
            "所有数字描述的是证据库；证据库若只是某领域的样本，结论只适用于该样本",
            "All figures describe the evidence store; where it is a sample of a field, they describe that sample",
        )
    ]
    if years and years[0] > window[0] - WINDOW_YEARS:
        found.append(
            Bilingual(
                f"本库该范围最早的公布年为 {years[0]} 年：更早即已在场的权利人可能被误作新进入者",
                f"The first publication of this scope in the store is of {years[0]}: owners that were there before may look new",
            )
        )
    if unknown:
        found.append(
            Bilingual(
                f"{unknown:,} 件专利法律状态未知，未计入有效权利",
                f"The status of {unknown:,} patents is unknown; they are not counted as rights in force",
            )
        )
    if undated:
        found.append(Bilingual(f"{undated:,} 件专利无公布日期", f"{undated:,} patents have no date of publication"))
    if missing := [p for p in asked if p not in set(mine)]:
        listed = ", ".join(missing[:5]) + (" …" if len(missing) > 5 else "")
        found.append(
            Bilingual(
                f"组合中 {len(missing)} 件在该日尚不为库所知：{listed}",
                f"{len(missing)} patents of the portfolio were not known to the store at the date: {listed}",
            )
        )
    if mine:
        found.append(
            Bilingual(
                "自有而未公布的申请在该日不在库中，可增申请的清单因此可能不全",
                "Your own unpublished filings are not in the store at the date, so that the list of open filings may be short",
            )
        )
    return found
