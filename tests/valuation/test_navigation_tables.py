"""The tables of a landscape on both engines: toy evidence computed by hand, unknowns kept, co-owners shared."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import pyarrow as pa
import pytest

from indicator_worlds import tables
from zhirong.indicators.catalogue import Context
from zhirong.kernel.errors import DomainError
from zhirong.valuation.flows import class_citations, class_years
from zhirong.valuation.navigation import Scope, ScopeKind, expressions
from zhirong.valuation.navigation.freedom import documents, freedom_of
from zhirong.valuation.navigation.gaps import category_gaps, groups_of, office_gaps, open_filings
from zhirong.valuation.navigation.scope import landscape

AS_OF = date(2020, 6, 30)
TODAY = date(2019, 1, 10)
# patent, office, class, field, status, published, owners
PATENTS = [
    ("CN1", "CN", "G06N", 4, "in_force", 2019, ["a"]),
    ("CN2", "CN", "G06N", 4, "in_force", 2018, ["a", "b"]),
    ("CN3", "CN", "G06F", 6, "in_force", 2014, ["us"]),
    ("CN4", "CN", "G06F", 6, "lapsed", 2013, ["us"]),
    ("CN5", "CN", "G06N", 4, None, 2019, ["nowhere"]),
    ("US6", "US", "G06N", 4, "pending", None, []),
    ("CN7", "CN", "H04L", 3, "in_force", 2017, []),
    ("CN8", "CN", "G06N", 4, "in_force", 2020, ["us"]),
]
COUNTRY = {"a": "CN", "b": "CN", "us": "US", "nowhere": None}
SYMBOLS = [
    ("CN1", "G06N3/08"), ("CN1", "G06F17/10"), ("CN2", "G06N3/08"), ("CN2", "G06N5/04"), ("CN3", "G06F17/10"),
    ("CN3", "H04L9/32"), ("CN4", "G06F9/50"), ("CN5", "G06N3/08"), ("CN5", "G06F9/50"), ("CN8", "G06N3/08"),
]  # fmt: skip
CITES = [
    ("CN1", "CN3", "X"), ("CN1", "CN8", "Y"), ("CN1", "CN4", "X"), ("CN1", "US6", None), ("CN2", "CN3", "A"),
    ("CN2", "CN1", "X"), ("CN2", "CN5", "XY"), ("CN1", "EP9", "x"), ("CN3", "CN1", "X"),
]  # fmt: skip
CLAIM = "a neural network trained on a graph of sensors with attention layers"


def rows():
    patents = [
        {
            "patent_id": p, "office": office, "filing_date": date(2019, 9, 1) if p == "CN8" else date(2012, 1, 1),
            "priority_date": date(2019, 7, 1) if p == "CN8" else None, "publication_date": TODAY, "family_id": f"F{p}",
            "source_id": "s",
        }
        for p, office, *_ in PATENTS
    ]  # fmt: skip
    families = [
        {"family_id": f, "member_id": f"{o}{f}", "family_kind": "docdb", "office": o, "publication_date": TODAY,
         "end_date": end, "source_id": "s"}
        for f, o, end in [
            ("FCN1", "CN", None), ("FCN3", "CN", None), ("FCN3", "US", None), ("FCN8", "US", None), ("FCN8", "WO", None),
            ("FCN1", "EP", TODAY),
        ]
    ]  # fmt: skip
    claims = [
        {"patent_id": p, "claim_number": n, "text": text, "is_independent": own, "category": c, "language": "en",
         "source_id": "s"}
        for p, n, text, own, c in [
            ("CN1", 1, CLAIM, True, "method"), ("CN1", 2, "the method of claim 1", False, "product"),
            ("CN3", 1, "a cipher for packets", True, "product"), ("CN8", 1, CLAIM + " and a lens", True, "method"),
            ("CN8", 3, "a device for it", True, "product"), ("CN2", 1, "a thing", True, None),
        ]
    ]  # fmt: skip
    cites = [
        {"citing_id": a, "cited_id": b, "category": c, "citing_date": TODAY, "source_id": "s"} for a, b, c in CITES
    ]
    return {"patents": patents, "families": families, "claims": claims, "citations": cites}


_MADE: dict[str, SimpleNamespace] = {}


@pytest.fixture
def toy(engine):
    """The toy evidence, laid down once an engine: writing it is most of the cost on Spark."""
    if engine.name not in _MADE:
        _MADE[engine.name] = _lay_down(engine)
    return _MADE[engine.name]


def _lay_down(engine):
    facts = engine.facts
    stock = dict(tables(engine, rows()))
    main = [
        {"patent_id": p, "main_class": c, "published_on": date(y, 5, 1) if y else None, "is_dead": s == "lapsed"}
        for p, _, c, _, s, y, _ in PATENTS
    ]
    stock["@main_class"] = facts(pa.Table.from_pylist(main))
    stock["@fields"] = facts(
        pa.table({"patent_id": [r[0] for r in PATENTS], "technology_field": [r[3] for r in PATENTS]})
    )
    stock["@status"] = facts(pa.table({"patent_id": [r[0] for r in PATENTS], "status": [r[4] for r in PATENTS]}))
    held = [
        {"patent_id": r[0], "owner_id": o, "country": COUNTRY[o], "region_code": "440000" if o == "a" else None}
        for r in PATENTS
        for o in r[6]
    ]
    stock["@owners"] = facts(pa.Table.from_pylist(held))
    classes = [{"patent_id": p, "symbol": s, "subclass": s[:4], "main_group": s[4:].split("/")[0]} for p, s in SYMBOLS]
    stock["@classes"] = facts(pa.Table.from_pylist(classes))
    context = Context(AS_OF, engine)
    return SimpleNamespace(evidence=stock, context=context, engine=engine)


def got(toy, table, *columns):
    names = columns or table.columns
    found = [tuple(r[c] for c in names) for r in toy.engine.to_arrow(table).to_pylist()]
    return sorted(found, key=str)


def everything(toy):
    return landscape(toy.evidence, toy.context, Scope(ScopeKind.FIELD, ("3", "4", "6")))


def test_scopes(toy) -> None:
    def patents(kind, *values):
        return [p for (p,) in got(toy, landscape(toy.evidence, toy.context, Scope(kind, values)), "patent_id")]

    if toy.engine.name == "duckdb":
        assert patents(ScopeKind.CLASS, "H04L9/32") == ["CN3"]
        assert patents(ScopeKind.PORTFOLIO, "CN99") == []
    assert patents(ScopeKind.FIELD, "4") == ["CN1", "CN2", "CN5", "CN8", "US6"]
    assert patents(ScopeKind.CLASS, "G06F17") == ["CN1", "CN3"]
    assert patents(ScopeKind.CLASS, "g06n 3/08") == ["CN1", "CN2", "CN5", "CN8"]
    assert patents(ScopeKind.REGION, "44") == ["CN1", "CN2"]
    assert patents(ScopeKind.REGION, "US") == ["CN3", "CN4", "CN8"]
    assert patents(ScopeKind.PORTFOLIO, "CN7", "CN3") == ["CN3", "CN4", "CN7"]
    alive = dict(got(toy, everything(toy), "patent_id", "is_in_force"))
    assert alive == {
        "CN1": True,
        "CN2": True,
        "CN3": True,
        "CN4": False,
        "CN5": None,
        "US6": False,
        "CN7": True,
        "CN8": True,
    }


def test_counts_holdings_and_rights(toy) -> None:
    land = everything(toy)
    assert got(toy, expressions.publications(land)) == [
        (2013, 1), (2014, 1), (2017, 1), (2018, 1), (2019, 2), (2020, 1), (None, 1),
    ]  # fmt: skip
    held = expressions.holdings(toy.evidence, toy.context, land, recent=(2015, 2019), before=(2010, 2014))
    columns = ("owner_id", "country", "patents", "in_force", "recent", "before", "first_year")
    assert got(toy, held, *columns) == [
        ("a", "CN", 2, 1.5, 1.5, 0.0, 2018), ("b", "CN", 1, 0.5, 0.5, 0.0, 2018),
        ("nowhere", None, 1, 0.0, 1.0, 0.0, 2019), ("us", "US", 3, 2.0, 0.0, 2.0, 2013),
    ]  # fmt: skip
    rights = expressions.rights_by_country(toy.evidence, toy.context, land, office="CN")
    assert got(toy, rights, "country", "rights") == [("CN", 2.0), ("US", 2.0), (None, 1.0)]


def test_pairs_and_classes(toy) -> None:
    land = everything(toy)
    assert got(toy, expressions.class_sizes(toy.evidence, toy.context, land)) == [("G06F", 4), ("G06N", 4), ("H04L", 1)]
    both = expressions.combined(toy.evidence, toy.context)  # CN2 and others have one subclass only
    assert {p for (p,) in got(toy, both, "patent_id")} == {"CN1", "CN3", "CN5"}
    pairs = expressions.pair_counts(both, ["G06F", "G06N", "H04L"])
    assert got(toy, pairs, "first", "second", "patents") == [
        ("G06F", "G06F", 3), ("G06F", "G06N", 2), ("G06F", "H04L", 1), ("G06N", "G06N", 2), ("H04L", "H04L", 1),
    ]  # fmt: skip
    years = class_years(toy.evidence, toy.context)
    assert ("G06N", 2019, 2) in got(toy, years, "main_class", "published_year", "patents")
    cites = class_citations(toy.evidence, toy.context, from_year=2019)
    columns = ("cited_class", "citing_class", "year", "citations")
    assert got(toy, cites, *columns) == [
        ("G06F", "G06N", 2019, 3),
        ("G06N", "G06F", 2019, 1),
        ("G06N", "G06N", 2019, 4),
    ]


def test_adverse_citations_know_what_they_do_not_know(toy) -> None:
    found = expressions.adverse_citations(toy.evidence, toy.context, everything(toy), home="CN")
    assert got(toy, found, "cited_country", "is_adverse", "citations") == [
        ("CN", True, 1), ("US", False, 1), ("US", True, 3), (None, None, 1), (None, True, 2),
    ]  # fmt: skip


def test_flags_name_living_rights_of_others_that_are_near(toy) -> None:
    cited = expressions.cited_against(toy.evidence, toy.context, ["CN1", "CN2"])
    assert got(toy, cited, "patent_id", "cited_id", "is_adverse", "status", "is_in_store") == [
        ("CN1", "CN3", True, "in_force", True), ("CN1", "CN4", True, "lapsed", True),
        ("CN1", "CN8", True, "in_force", True), ("CN1", "EP9", True, None, False),
        ("CN1", "US6", None, "pending", True), ("CN2", "CN3", False, "in_force", True), ("CN2", "CN5", True, None, True),
    ]  # fmt: skip
    found = freedom_of(toy.evidence, toy.context, everything(toy), ["CN1", "CN2"], {"us": "Firm"})
    assert [(f.patent_id, f.cited_id, f.strength, f.owner) for f in found.flags] == [
        ("CN1", "CN3", "amber", "Firm"), ("CN1", "CN8", "amber", "Firm"),
    ]  # fmt: skip
    near = {f.cited_id: f for f in found.flags}
    assert near["CN8"].similarity > 0.5 > near["CN3"].similarity
    assert near["CN8"].percentile is None  # too few to compare with: unknown, not near
    assert near["CN3"].shared_classes == ("G06F17",)
    counts = (found.adverse, found.dead, found.outside, found.status_unknown, found.uncategorised)
    assert counts == (5, 1, 1, 1, 1)
    assert found.without_citations == 0
    assert set(documents(toy.evidence, toy.context, ["CN1"])) == {("claims", "en")}


def test_gaps_count_families_and_claims_that_are_known(toy) -> None:
    groups = groups_of(toy.evidence, toy.context, everything(toy), ["us"], ["CN1", "CN2"])
    assert got(toy, groups) == [("CN1", "portfolio"), ("CN2", "portfolio"), ("CN3", "leaders"), ("CN8", "leaders")]
    offices = {g.office: g for g in office_gaps(toy.evidence, toy.context, groups)}
    assert (offices["US"].leaders.value, offices["US"].leaders.count) == (1.0, 2)
    assert (offices["US"].portfolio.value, offices["US"].portfolio.count) == (
        0.0,
        1,
    )  # CN2 has no family row: not counted
    assert offices["US"].p == pytest.approx(1 / 3)
    assert not offices["US"].is_gap  # three families prove nothing
    assert "EP" not in offices  # that member has ended
    categories = {g.category: g for g in category_gaps(toy.evidence, toy.context, groups)}
    assert categories["product"].missing == ("CN1",)  # its product claim is dependent; CN2 is unknown
    assert categories["method"].portfolio.count == 1


def test_open_filings(toy) -> None:
    found = open_filings(toy.evidence, toy.context, ["CN1", "US6", "CN8"], priority_months=12, national_phase_months=30)
    assert [(f.patent_id, f.priority_until, f.national_phase_until, f.is_pending) for f in found] == [
        ("CN8", date(2020, 7, 1), date(2022, 1, 1), False), ("US6", None, None, True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "values"), [("field", ("36",)), ("field", ("x",)), ("class", ("G06",)), ("region", ()), ("portfolio", ())]
)
def test_a_scope_that_cannot_be_is_refused(kind, values) -> None:
    with pytest.raises(DomainError):
        Scope(ScopeKind(kind), values)
