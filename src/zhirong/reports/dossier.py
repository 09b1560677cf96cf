"""From a store to finished reports: indicators, score, value, and the files people read, in one call.

Indicators of a whole store take a minute and depend only on the store and the day, so they are kept beside the store, in
``.<store>.cache/``, under the fingerprint of everything they depend on; removing the folder is always safe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from zhirong.evidence.resolving import resolve_patents
from zhirong.indicators import CATALOGUE, compute
from zhirong.indicators.scoring import PatentScore, load_profile, read_scores, score
from zhirong.kernel.errors import NotAdmissibleError, UnknownNameError
from zhirong.kernel.findings import Finding
from zhirong.kernel.provenance import fingerprint
from zhirong.kernel.text import Language
from zhirong.params import ParameterBook, load
from zhirong.reports.bridge import bridge_section
from zhirong.reports.portfolio import render_portfolio
from zhirong.reports.render import render
from zhirong.tables import Engine, Store, connect
from zhirong.valuation import (
    Assumption,
    Background,
    PortfolioValuation,
    Purpose,
    Valuation,
    portfolio_to_dict,
    prepare,
    to_dict,
    to_json,
    value_patent,
    value_patents,
    value_portfolio,
)
from zhirong.valuation.bridge import ValueBridge, bridge_to_dict, value_bridge
from zhirong.valuation.reliability import with_learned_pool

__all__ = ["Dossier", "indicators_of", "make_dossier", "scores_of"]

INDICATOR_VERSION = "2"
"""Raised when the computation of any indicator changes, so that kept files are not used again."""
Step = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Dossier:
    """What was written.

    Attributes
    ----------
    out : Path
        Folder.
    files : tuple of Path
        Reports and ``valuation.json``.
    valuations : tuple of Valuation
        Without draws.
    portfolio : PortfolioValuation or None
        Where a portfolio was asked for.
    refused : tuple of Finding
        Patents asked for that have no value, and why.
    bridges : Mapping of str to ValueBridge
        What moved each value since an earlier day, by patent, where that was asked for and both days have a value.
    """

    out: Path
    files: tuple[Path, ...]
    valuations: tuple[Valuation, ...]
    portfolio: PortfolioValuation | None
    refused: tuple[Finding, ...] = ()
    bridges: Mapping[str, ValueBridge] = field(default_factory=dict)


def _silent(step: str, done: int, total: int) -> None:
    """Say nothing."""


def indicators_of(
    store: Store, as_of: date, *, step: Step = _silent, threads: int | None = None, memory: str | None = None
) -> Path:
    """Return the indicators of every patent of a store at a day, computed once and kept beside the store.

    Parameters
    ----------
    store : Store
        Evidence.
    as_of : date
        Day.
    step : callable
        Told of each step: name, number, how many.
    threads, memory : optional
        Limits of the engine.
    """
    kept = _kept(store, {"as_of": as_of.isoformat(), "what": "indicators", "ids": sorted(CATALOGUE)})
    if not kept.is_file():
        with connect("duckdb", threads=threads, memory=memory) as engine:
            compute(store, engine, as_of=as_of, out=kept, progress=step)
    return kept


def scores_of(store: Store, as_of: date, profile: str | Path, *, step: Step = _silent) -> Path:
    """Return the scores of every patent under a profile at a day, computed once and kept beside the store."""
    loaded = load_profile(profile)
    plain = {"as_of": as_of.isoformat(), "what": "score", "profile": loaded.name, "content": repr(loaded)}
    kept = _kept(store, plain)
    if not kept.is_file():
        score(indicators_of(store, as_of, step=step), loaded, as_of=as_of, out=kept, patents=store.file("patents"))
    return kept


def _kept(store: Store, what: Mapping[str, Any]) -> Path:
    name = fingerprint({**what, "data": store.fingerprints(), "version": INDICATOR_VERSION})
    folder = store.path.parent / f".{store.path.name}.cache"
    folder.mkdir(exist_ok=True)
    return folder / f"{what['what']}-{name[:24]}.parquet"


def make_dossier(
    store: Store,
    patent_ids: Sequence[str],
    *,
    as_of: date,
    purpose: Purpose,
    out: Path,
    languages: Sequence[Language] = ("en",),
    portfolio: str | None = None,
    weights: Mapping[str, float] | None = None,
    mine: Mapping[str, Assumption] | None = None,
    book: ParameterBook | None = None,
    draws: int = 20_000,
    seed: int = 1,
    since: date | None = None,
    step: Step = _silent,
) -> Dossier:
    """Value patents, score them, and write the reports.

    Parameters
    ----------
    store : Store
        Evidence.
    patent_ids : sequence of str
        Patents to value, in any spelling that `zhirong.evidence.resolving.resolve_patent` reads.
    as_of : date
        Nothing known later enters.
    purpose : Purpose
        Scene; its shipped profile gives the score.
    out : Path
        Folder: ``report.{html,pdf,xlsx}`` and ``valuation.json`` for one patent or a portfolio; for several patents without a
        portfolio a folder each. With more than one language the language is part of the file name.
    languages : sequence of str
        ``zh``, ``en``.
    portfolio : str, optional
        Name: value the patents as one portfolio.
    weights : Mapping of str to float, optional
        Share owned of patents of the portfolio, by the names in `patent_ids`.
    mine : Mapping of str to Assumption, optional
        The user's assumptions.
    book : ParameterBook, optional
        Parameters; the shipped ones where not given.
    draws, seed : int
        Of the simulation.
    since : date, optional
        Explain what moved each value since this earlier day, in the report and under ``bridge`` in the JSON.
    step : callable
        Told of each step.

    Returns
    -------
    Dossier
    """
    resolved = resolve_patents(store, patent_ids, unknown_pass=len(patent_ids) > 1)
    patent_ids = list(dict.fromkeys(resolved.values()))
    owned = {resolved[text]: share for text, share in (weights or {}).items()}
    out.mkdir(parents=True, exist_ok=True)
    scores = read_scores(scores_of(store, as_of, str(purpose), step=step), list(patent_ids))
    with connect("duckdb") as engine:
        step("fitting life, renewal and validity", 1, 4)
        background = prepare(store, engine, as_of=as_of, book=book or load())
        step("learning from prices paid", 2, 4)
        background = with_learned_pool(background)
        step("simulating values", 3, 4)
        whole: PortfolioValuation | None = None
        refused: tuple[Finding, ...] = ()
        if portfolio is not None:
            whole = value_portfolio(
                background, portfolio, patent_ids, purpose=purpose, weights=owned, mine=mine, draws=draws, seed=seed
            )
            valued, refused = list(whole.valuations), whole.refused
        elif len(patent_ids) == 1:
            valued = [value_patent(background, patent_ids[0], purpose=purpose, mine=mine, draws=draws, seed=seed)]
        else:
            batch = value_patents(background, patent_ids, purpose=purpose, mine=mine, draws=draws, seed=seed)
            valued, refused = list(batch.valuations), batch.refused
        bridges = {} if since is None else _bridges(background, store, engine, valued, since, mine, seed)
    step("writing reports", 4, 4)
    files: list[Path] = []
    if whole is not None:
        files += _write_portfolio(whole, scores, out, languages)
    for valuation in valued:
        alone = whole is None and len(patent_ids) == 1
        files += _write_one(
            valuation, scores.get(valuation.subject_id), out if alone else out / valuation.subject_id, languages,
            bridges.get(valuation.subject_id),
        )  # fmt: skip
    return Dossier(out, tuple(files), tuple(valued), whole, refused, bridges)


def _bridges(
    background: Background, store: Store, engine: Engine, valued: Sequence[Valuation], since: date,
    mine: Mapping[str, Assumption] | None, seed: int,
) -> dict[str, ValueBridge]:  # fmt: skip
    """Return what moved each value since an earlier day; a patent that could not be valued then has none."""
    old = with_learned_pool(prepare(store, engine, as_of=since, book=background.book))
    found = {}
    for valuation in valued:
        try:
            found[valuation.subject_id] = value_bridge(
                store, engine, valuation.subject_id, since, background.as_of, background.book, valuation.purpose, seed=seed,
                mine=mine, backgrounds=(old, background),
            )  # fmt: skip
        except (UnknownNameError, NotAdmissibleError):
            continue
    return found


def _write_one(
    valuation: Valuation, scored: PatentScore | None, out: Path, languages: Sequence[Language],
    bridge: ValueBridge | None = None,
) -> list[Path]:  # fmt: skip
    files: list[Path] = []
    for lang in languages:
        name = "report" if len(languages) == 1 else f"report.{lang}"
        more = () if bridge is None else (bridge_section(bridge, lang),)
        files += render(valuation, lang=lang, out=out, score=scored, name=name, more=more).paths
    plain = to_dict(valuation) | ({} if bridge is None else {"bridge": bridge_to_dict(bridge)})
    return [*files, _write_json(plain, out)]


def _write_portfolio(
    whole: PortfolioValuation, scores: Mapping[str, PatentScore], out: Path, languages: Sequence[Language]
) -> list[Path]:
    files: list[Path] = []
    for lang in languages:
        name = "report" if len(languages) == 1 else f"report.{lang}"
        files += render_portfolio(whole, lang=lang, out=out, scores=scores, name=name).paths
    return [*files, _write_json(portfolio_to_dict(whole), out)]


def _write_json(plain: Mapping[str, Any], out: Path) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    path = out / "valuation.json"
    path.write_text(to_json(plain), "utf-8")
    return path
