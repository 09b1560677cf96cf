"""Families of indicators: one shared table a family, and entries that project one column of it.

A *frame* is a function `f(evidence, context) -> Table` that computes all columns of a family in few scans. An
entry of the catalogue names a frame and a column. Called alone, an entry builds its frame and projects; in a
run (`zhirong.indicators.run`) every frame is staged once and put into the evidence under ``@<frame>``, where
`derived` finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import ibis
import yaml

from zhirong.indicators.catalogue import CATALOGUE, Compute, Context, Dimension, Evidence, Indicator, lookup
from zhirong.kernel.errors import UnknownNameError
from zhirong.kernel.text import Bilingual
from zhirong.tables import Type

__all__ = [
    "FRAMES",
    "Frame",
    "Projection",
    "attach",
    "component",
    "count_of",
    "derived",
    "engine_type",
    "frame",
    "register",
    "sources_with",
]


@dataclass(frozen=True, slots=True)
class Frame:
    """A shared table.

    Parameters
    ----------
    name : str
        Its name in the evidence is ``@name``.
    build : callable
        Builds the table.
    needs : tuple of str
        Frames that it reads through `derived`.
    uses : tuple of str
        Entries of the citation graph that it reads through `component`.
    """

    name: str
    build: Compute
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()


FRAMES: dict[str, Frame] = {}
"""Every frame by name."""


def frame(name: str, *, needs: tuple[str, ...] = (), uses: tuple[str, ...] = ()) -> Callable[[Compute], Compute]:
    """Register a function as a frame."""

    def register(build: Compute) -> Compute:
        assert name not in FRAMES, f"frame {name} is registered twice"
        FRAMES[name] = Frame(name, build, needs, uses)
        return build

    return register


def derived(evidence: Evidence, context: Context, name: str) -> ibis.Table:
    """Return a frame: the staged table where the run has made it, else its expression.

    Raises
    ------
    UnknownNameError
        When no frame has the name.
    """
    staged = evidence.get(f"@{name}")
    if staged is not None:
        return staged
    if name not in FRAMES:
        raise UnknownNameError("frame", name, FRAMES)
    return FRAMES[name].build(evidence, context)


def component(evidence: Evidence, context: Context, indicator_id: str) -> ibis.Table:
    """Return ``patent_id``, ``value``, ``flag`` of a citation-graph entry, staged where the run has it."""
    item = lookup(indicator_id)
    staged = evidence.get("@citations")
    if staged is not None and item.column in staged.columns:
        flag = f"{item.column}__flag"
        qualifier = staged[flag] if flag in staged.columns else ibis.null("string")
        return staged.select(patent_id="patent_id", value=item.column, flag=qualifier)
    table = item.compute(evidence, context)
    qualifier = table.flag if "flag" in table.columns else ibis.null("string")
    return table.select(patent_id="patent_id", value="value", flag=qualifier)


@dataclass(frozen=True, slots=True)
class Projection:
    """The compute function of an entry: one column of a frame.

    Parameters
    ----------
    frame : str
        Frame.
    column : str
        Column that becomes ``value``.
    flag : str or None
        Column that becomes ``flag``.
    type : Type
        Type of the value.
    """

    frame: str
    column: str
    flag: str | None
    type: Type

    def __call__(self, evidence: Evidence, context: Context) -> ibis.Table:
        """Return ``patent_id``, ``value`` and, where the entry has one, ``flag``."""
        table = derived(evidence, context, self.frame)
        columns = {"patent_id": table.patent_id, "value": table[self.column].cast(engine_type(self.type))}
        if self.flag is not None:
            columns["flag"] = table[self.flag].cast("string")
        return table.select(**columns)


def engine_type(type_: Type) -> str:
    """Return the Ibis name of a canonical type."""
    return "string" if type_ is Type.TEXT else type_.value


def register(frame_name: str) -> None:
    """Register the entries of a frame, described in ``entries/<frame>.yaml``.

    Each key of the file is an identifier; its fields are those of `Indicator` with the texts as ``name_zh``,
    ``name_en``, ``definition_zh``, ``definition_en``, ``null_zh``, ``null_en``, plus ``column`` (the last
    part of the identifier where not given) and ``flag`` (column that qualifies the value).
    """
    assert frame_name in FRAMES, f"no frame {frame_name}"
    file = resources.files("zhirong.indicators").joinpath(f"entries/{frame_name}.yaml")
    for id_, described in yaml.safe_load(file.read_text("utf-8")).items():
        assert id_ not in CATALOGUE, f"indicator {id_} is registered twice"
        CATALOGUE[id_] = _described(frame_name, id_, dict(described))


def _described(frame_name: str, id_: str, fields: dict[str, Any]) -> Indicator:
    texts: dict[str, Any] = {
        attribute: Bilingual(str(fields.pop(f"{key}_zh")), str(fields.pop(f"{key}_en")))
        for attribute, key in (("name", "name"), ("definition", "definition"), ("null_meaning", "null"))
    }
    type_ = Type(fields.pop("type"))
    column = fields.pop("column", id_.rsplit(".", 1)[-1])
    projection = Projection(frame_name, column, fields.pop("flag", None), type_)
    dimension = Dimension(fields.pop("dimension"))
    return Indicator(id=id_, dimension=dimension, type=type_, compute=projection, family=frame_name, **texts, **fields)


def attach(left: ibis.Table, *rights: ibis.Table, on: str | Sequence[str] = "patent_id") -> ibis.Table:
    """Return the left rows with the columns of each right table, NULL where it has no row.

    Parameters
    ----------
    left : ibis.Table
        Has the columns `on`.
    *rights : ibis.Table
        Each has at most one row for a value of `on`, and no other column in common with `left`.
    on : str or sequence of str
        Key.
    """
    keys = [on] if isinstance(on, str) else list(on)
    kept = list(left.columns)
    # A join extends a join chain on its left, and there Ibis resolves a computed column to its twin on the right when
    # both come from one table (a self-join). A view ends the chain.
    joined = left.view()
    for number, right in enumerate(rights):
        names = {f"_attached{number}_{key}": key for key in keys}
        other = right.rename(names)
        joined = joined.left_join(other, [(key, new) for new, key in names.items()])
        kept += [name for name in right.columns if name not in keys]
    return joined.select(*kept)


def sources_with(evidence: Mapping[str, ibis.Table], *tables: str) -> ibis.Table:
    """Return ``source_id`` of the sources that delivered rows to any of the tables.

    A patent whose source delivers citations and that has none has a count of zero; a patent whose source
    delivers no citations at all has an unknown count. This is how the two are told apart.
    """
    parts = [evidence[name].select("source_id") for name in tables]
    return ibis.union(*parts, distinct=True) if len(parts) > 1 else parts[0].distinct()


def count_of(
    evidence: Mapping[str, ibis.Table], counts: ibis.Table, *tables: str, column: str = "n", name: str = "n"
) -> ibis.Table:
    """Return one row a patent: the count, 0 where the source would have told, NULL where it would not.

    Parameters
    ----------
    evidence : Mapping
        Tables cut at the date.
    counts : ibis.Table
        ``patent_id`` and `column`, patents with at least one.
    *tables : str
        Tables that a source fills when it knows such facts.
    column, name : str
        Column of `counts`, and its name in the result.

    Returns
    -------
    ibis.Table
        ``patent_id`` and `name` (int64).
    """
    patents = evidence["patents"].select("patent_id", "source_id")
    known = sources_with(evidence, *tables).mutate(_known=ibis.literal(True))
    t = attach(patents, known, on="source_id")
    t = attach(t, counts.select("patent_id", _n=counts[column].cast("int64")))
    value = ibis.coalesce(t._n, ibis.ifelse(t._known, ibis.literal(0, "int64"), ibis.null("int64")))
    return t.select("patent_id", **{name: value})
