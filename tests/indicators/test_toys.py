"""Hand-computed answers, one family after another; one run on DuckDB (Spark equals it by `test_asof`)."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from indicator_worlds import tables, values
from zhirong.indicators import compute, lookup
from zhirong.kernel.errors import UnknownNameError
from zhirong.tables import Engine

D = date
AS_OF = D(2022, 6, 30)
S = {"source_id": "s"}
Q = {"source_id": "quiet"}  # a source that tells of nothing but patents


def _p(id_: str, **more: Any) -> dict[str, Any]:
    base = {"patent_id": id_, "office": "CN", "right_type": "invention", "kind_code": "B", "filing_date": D(2010, 6, 30),
            "publication_date": D(2012, 1, 1), "grant_date": D(2013, 6, 30), "primary_ipc": "H01M10/05"}  # fmt: skip
    return base | S | more


def _event(n: int, id_: str, kind: str, day: date, **more: Any) -> dict[str, Any]:
    return {"event_id": f"e{n}", "patent_id": id_, "event_kind": kind, "event_date": day} | S | more


def _claim(id_: str, n: int, up: int | None, words: int, category: str | None) -> dict[str, Any]:
    return {"patent_id": id_, "claim_number": n, "text": "anode cathode laser", "is_independent": up is None,
            "parent_number": up, "word_count": words, "category": category} | S  # fmt: skip


def _class(id_: str, symbol: str) -> dict[str, Any]:
    sub, group = symbol[:4], symbol[4:].split("/")[0]
    return {"patent_id": id_, "scheme": "ipc", "symbol": symbol, "subclass": sub, "main_group": group} | S


WORLD: dict[str, list[dict[str, Any]]] = {
    "patents": [
        _p("A", family_id="FA"),  # paid to year 13: alive by annuity
        _p("B"),  # lapsed, restored
        _p("C"),  # lapsed
        _p("D", grant_date=None, kind_code="A", legal_status="pending", legal_status_date=D(2022, 1, 1)),
        _p("E", source_id="quiet"),  # granted, nothing known
        _p("F", right_type="utility_model", filing_date=D(2012, 6, 30)),  # term over on the date
        _p("G", office="US", grant_date=D(2018, 8, 1), source_id="quiet"),  # within the first four years
        _p("H", office="US", grant_date=D(2013, 6, 30), source_id="quiet"),  # eight years need a fee
    ],
    "legal_events": [
        _event(1, "A", "annuity_paid", D(2021, 6, 1), fee_year=12),
        _event(2, "A", "annuity_paid", D(2022, 6, 1), fee_year=13),
        _event(3, "B", "lapsed", D(2018, 1, 1)),
        _event(4, "B", "restored", D(2018, 9, 1)),
        _event(5, "C", "lapsed", D(2019, 6, 30)),
        _event(6, "A", "pledged", D(2015, 1, 1)),
        _event(7, "A", "pledge_released", D(2016, 1, 1)),
        _event(8, "A", "pledged", D(2021, 1, 1), end_date=D(2024, 1, 1)),
        _event(9, "B", "pledged", D(2015, 1, 1), end_date=D(2017, 1, 1)),
        _event(10, "A", "transferred", D(2014, 3, 1), party_id="P2"),
        _event(11, "A", "awarded", D(2017, 1, 1)),
        _event(12, "A", "preserved", D(2018, 1, 1)),
        _event(13, "A", "opposition_filed", D(2014, 1, 1)),
        _event(14, "A", "opposition_rejected", D(2014, 6, 1)),
        _event(15, "B", "opposition_filed", D(2014, 1, 1)),
    ],
    "assignments": [
        # From inventor to employer before publication: no transfer. The same transfer as event 10: counts once.
        {"assignment_id": "1", "patent_id": "A", "executed_date": D(2010, 7, 1), "conveyance_kind": "assignment"} | S,
        {"assignment_id": "2", "patent_id": "A", "executed_date": D(2014, 3, 1), "conveyance_kind": "assignment"} | S,
        {"assignment_id": "3", "patent_id": "A", "executed_date": D(2019, 3, 1), "conveyance_kind": "licence"} | S,
    ],
    "cases": [
        {"case_id": "k1", "patent_id": "A", "cause": "infringement", "outcome": "infringed", "decided_date": D(2018, 1, 1)} | S,
        {"case_id": "k2", "patent_id": "A", "cause": "infringement", "outcome": "not_infringed", "decided_date": D(2018, 2, 1)} | S,
        {"case_id": "k3", "patent_id": "A", "cause": "validity", "outcome": "maintained", "decided_date": D(2018, 3, 1)} | S,
    ],
    "families": [
        {"family_id": "FA", "member_id": "US1", "office": "US", "publication_date": D(2013, 1, 1), "grant_date": D(2015, 1, 1)} | S,
        {"family_id": "FA", "member_id": "JP1", "office": "JP", "publication_date": D(2013, 1, 1), "end_date": D(2020, 1, 1)} | S,
        {"family_id": "FA", "member_id": "EP1", "office": "EP", "publication_date": D(2013, 1, 1)} | S,
        {"family_id": "FA", "member_id": "WO1", "office": "WO", "publication_date": D(2012, 1, 1)} | S,
    ],
    "claims": [
        _claim("A", 1, None, 120, "product"), _claim("A", 2, 1, 20, None), _claim("A", 3, 2, 15, None),
        _claim("A", 4, None, 80, "method"), _claim("A", 5, 3, 10, None),
        _claim("B", 1, None, 50, None),
    ],
    "texts": [{"patent_id": "A", "part": "description", "language": "en", "text": "An anode and a laser."} | S],
    "classifications": [
        _class("A", "H01M10/05"), _class("A", "H01M4/02"), _class("A", "H04L9/32"),
        _class("B", "H01M10/05"), _class("B", "H04L9/32"),
    ],
    "citations": [{"citing_id": "A", "cited_id": x} | S for x in ("X", "Y")],
    "nonpatent_citations": [{"patent_id": "A", "sequence": 1} | S],
    "parties": [
        {"party_id": i, "name": i, "normalised_name": i, "party_type": t, "country": c, "region_code": r, "cluster_id": k} | S
        for i, t, c, r, k in (
            ("P1", "university", "CN", "33", None), ("P2", "organisation", "CN", "33", "K"),
            ("P3", "organisation", "DE", None, "K"), ("I1", "person", "CN", None, None), ("I2", "person", "DE", None, None),
        )
    ],
    "patent_parties": [
        {"patent_id": p, "party_id": q, "role": role, "sequence": n} | S
        for p, q, role, n in (
            ("A", "P1", "applicant", 1), ("A", "P2", "applicant", 2), ("A", "I1", "inventor", 1), ("A", "I2", "inventor", 2),
            ("B", "P3", "applicant", 1), ("D", "P1", "applicant", 1), ("E", "P1", "applicant", 1),
        )
    ],
    "firms": [{"firm_id": "f", "name": "f", "party_id": "P2", "sector_code": "C38"} | S],
    "firm_years": [
        {"firm_id": "f", "year": 2020, "currency": "CNY", "revenue": 50.0, "patent_product_revenue": 20.0} | S,
        {"firm_id": "f", "year": 2021, "currency": "CNY", "revenue": 60.0, "patent_product_revenue": 30.0} | S,
    ],
    "sector_years": [
        {"sector_code": "C38", "region_code": "00", "year": 2021, "known_date": D(2022, 3, 1), "currency": "CNY",
         "revenue": 600.0, "growth": 0.1} | S,
    ],
    "opinions": [
        {"opinion_id": "1", "patent_id": "A", "appraiser_id": "x", "opinion_date": D(2020, 1, 1),
         "indicator_id": "gbt42748.technical_effect", "score": 40.0} | S,
        {"opinion_id": "2", "patent_id": "A", "appraiser_id": "x", "opinion_date": D(2021, 1, 1),
         "indicator_id": "gbt42748.technical_effect", "score": 70.0} | S,
        {"opinion_id": "3", "patent_id": "A", "appraiser_id": "y", "opinion_date": D(2021, 1, 1),
         "indicator_id": "gbt42748.technical_effect", "score": 80.0} | S,
        {"opinion_id": "4", "patent_id": "A", "appraiser_id": "y", "opinion_date": D(2023, 1, 1),
         "indicator_id": "gbt42748.technical_effect", "score": 5.0} | S,
    ],
}  # fmt: skip
GNI = {"US": 100.0, "CN": 50.0, "JP": 20.0, "DE": 10.0, "FR": 8.0, "GB": 8.0}


@pytest.fixture(scope="module")
def got(duckdb_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    out = tmp_path_factory.mktemp("toys") / "out.parquet"
    params = {"family.gni": GNI, "policy.strategic_classes": ["H01M10"]}
    compute(tables(duckdb_engine, WORLD), duckdb_engine, as_of=AS_OF, out=out, params=params)
    return values(out)


EXPECTED: dict[str, dict[str, Any]] = {
    "legal.in_force": {"A": True, "B": True, "C": False, "D": False, "E": None, "F": False, "G": True, "H": None},
    "legal.is_lapsed": {"A": False, "C": True, "F": False, "E": None},
    "legal.years_in_force": {"A": 9, "C": 6, "D": None, "E": None, "F": 9},
    "legal.annuity_paid_year": {"A": 13, "B": None},
    "legal.remaining_life": {"A": 2922 / 365.25, "C": 0.0, "F": 0.0},
    "legal.transfer_count": {"A": 1, "B": 0, "E": None},
    "legal.licence_count": {"A": 1, "E": None},
    "legal.pledge_count": {"A": 2, "B": 1, "C": 0, "E": None},
    "legal.is_pledged": {"A": True, "B": False, "C": False, "E": None},
    "legal.is_preserved": {"A": True, "B": False},
    "legal.award_count": {"A": 1, "B": 0, "E": None},
    "legal.suit_count": {"A": 2, "B": 0, "E": None},
    "legal.suits_won": {"A": 1, "B": 0},
    "legal.challenges_survived": {"A": 1, "B": 0},
    "legal.opposition_survived": {"A": True, "B": None, "C": None},
    # CN, US, JP, EP; WO is no office of protection.
    "oecd.family_size": {"A": 4, "B": None},
    "family.member_count": {"A": 5},
    "family.country_count": {"A": 3},
    "family.is_triadic": {"A": True},
    "family.ip5_offices": {"A": 4},
    "family.is_ip5": {"A": True, "B": None},
    # CN .5 + US 1 + JP dead 0 + EP pending .7 x (.1 + .08 + .08); C dead; D pending at home only.
    "pai.market_coverage": {"A": 1.5 + 0.7 * 0.26, "C": 0.0, "D": 0.35, "G": 1.0},
    "pai.competitive_impact": {"C": 0.0},
    "oecd.grant_lag": {"A": 1096, "D": None},
    "oecd.npl_citations": {"A": 1, "B": 0, "E": None},
    "oecd.npl_share": {"A": 1 / 3, "B": None},
    "oecd.claims": {"A": 5, "B": 1, "C": None},
    "oecd.claims_bwd": {"A": 2.5, "B": None},
    # Filed 2010-06-30, last payment 2022-06-01.
    "oecd.renewal": {"A": 11, "B": None},
    # H01M is field 1 (two symbols of three), H04L 9 field 4; B ties.
    "oecd.technology_field": {"A": 1, "B": 1, "C": None},
    "oecd.many_field": {"A": False, "B": True},
    "oecd.field_share": {"A": 2 / 3, "B": 0.5},
    "oecd.scope": {"A": 2, "B": 2, "C": None},
    "technical.fields_reached": {"A": 2},
    "claim.independent_count": {"A": 2, "B": 1, "C": None},
    "claim.shortest_independent_words": {"A": 80, "B": 50},
    "claim.dependent_share": {"A": 0.6, "B": 0.0},
    "claim.tree_depth": {"A": 3, "B": 0},
    "claim.category_count": {"A": 2, "B": None},
    "claim.product_share": {"A": 0.5, "B": None},
    "claim.use_share": {"A": 0.0},
    # anode and laser of anode, cathode, laser, in two independent claims.
    "claim.term_support": {"A": 2 / 3, "B": None},
    "party.inventor_count": {"A": 2, "B": None},
    "party.applicant_count": {"A": 2, "B": 1},
    "party.owner_count": {"A": 1, "B": 1, "C": None},
    "party.is_university_firm": {"A": True, "B": False, "C": None},
    "party.is_foreign": {"A": False, "B": True, "C": None},
    "party.is_international_team": {"A": True, "B": None},
    # Living patents of H01M with an owner: A and B of K (P2 and P3 are one), D and E of P1.
    "field.hhi": {"A": 0.5, "C": 0.5},
    "field.cr4": {"A": 1.0},
    "field.stock": {"A": 4.0},
    "field.owner_share": {"A": 0.5, "D": 0.5, "C": None},
    # In region 33: cluster K holds A (its other name has no region), P1 holds D and E.
    "field.competitor_count": {"A": 0},
    "economy.product_revenue": {"A": 30.0, "D": None},
    "economy.market_share": {"A": 0.1},
    "economy.sector_growth": {"A": 0.1},
    "economy.policy_match": {"A": True, "B": True, "C": None},
    "gbt42748.technical_effect": {"A": 75.0, "B": None},
    "gbt42748.validity": {"A": 100.0, "C": 0.0, "E": None},
    "gbt42748.reexamination_invalidation": {"A": 100.0, "B": None},
    "gbt42748.claim_type": {"A": 75.0, "B": None},
    "gbt42748.market_share": {"A": 10.0},
    "gbt42748.policy_fit": {"A": 100.0},
    "gbt42748.development_stage": {"A": None},
    # A: strategic industry, living US grant abroad, over ten years, award; B: industry, over ten years.
    "cnipa.high_value_invention": {"A": True, "B": True, "C": False, "F": False, "E": None},
    "cnipa.high_value_conditions": {"A": 4, "B": 2, "C": None},
}


@pytest.mark.parametrize("id_", sorted(EXPECTED))
def test_toy(got: dict[str, dict[str, Any]], id_: str) -> None:
    column = lookup(id_).column
    for patent, expected in EXPECTED[id_].items():
        value = got[patent][column]
        if isinstance(expected, float):
            assert value == pytest.approx(expected, rel=1e-12), patent
        else:
            assert value == expected, patent
            assert (value is None) == (expected is None), patent


FLAGS = {
    ("legal.in_force", "E"): "presumed_alive",
    ("legal.in_force", "A"): None,
    ("legal.remaining_life", "A"): "term_by_law",
    ("legal.opposition_survived", "B"): "opposition_open",
    ("legal.opposition_survived", "C"): "not_opposed",
    ("oecd.technology_field", "B"): "many_field",
    ("economy.product_revenue", "A"): "CNY:2021",
    ("gbt42748.technical_effect", "A"): "expert:2021-01-01",
    ("gbt42748.technical_effect", "B"): "expert_input_needed",
    ("gbt42748.validity", "A"): "proxy",
    ("field.s_curve_maturity", "A"): "too_few_years",
    ("oecd.quality_index_4", "D"): "not_granted",
    (
        "cnipa.high_value_invention",
        "A",
    ): "met:strategic_industry+overseas_family+long_life+award;undecidable:pledge_amount",
    ("cnipa.high_value_invention", "B"): "met:strategic_industry+long_life;undecidable:overseas_family+pledge_amount",
}


@pytest.mark.parametrize(("id_", "patent"), sorted(FLAGS))
def test_flag(got: dict[str, dict[str, Any]], id_: str, patent: str) -> None:
    assert got[patent][f"{lookup(id_).column}__flag"] == FLAGS[id_, patent]


def test_an_entry_alone_equals_the_run(duckdb_engine: Engine, got: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    source = tables(duckdb_engine, WORLD)
    seen: list[str] = []
    run = compute(
        source, duckdb_engine, as_of=AS_OF, out=tmp_path / "one.parquet", only=["legal.pledge_count", "oecd.scope"],
        ids=["A", "C"], progress=lambda name, number, steps: seen.append(f"{name} {number}/{steps}"),
    )  # fmt: skip
    one = values(run.path)
    assert set(one) == {"A", "C"}
    for id_, row in one.items():
        assert row["legal__pledge_count"] == got[id_]["legal__pledge_count"]
        assert row["oecd__scope"] == got[id_]["oecd__scope"]
    assert run.known_counts == {"legal.pledge_count": 2, "oecd.scope": 1}
    assert seen[0].endswith(f"1/{len(seen)}")
    assert run.stage_rows["legal"] == 8


def test_unknown_patent_and_indicator_are_named(duckdb_engine: Engine, tmp_path: Path) -> None:
    source = tables(duckdb_engine, WORLD)
    with pytest.raises(UnknownNameError, match="nobody"):
        compute(source, duckdb_engine, as_of=AS_OF, out=tmp_path / "x", only=["oecd.scope"], ids=["nobody"])
    with pytest.raises(UnknownNameError, match=r"oecd\.scope"):
        compute(source, duckdb_engine, as_of=AS_OF, out=tmp_path / "x", only=["oecd.scop"])


def test_a_list_of_fees_says_nothing_about_pledges_or_suits(duckdb_engine: Engine, tmp_path: Path) -> None:
    """Silence means none only where the source reports such acts of some patent."""
    fees = [_event(1, "A", "annuity_paid", D(2015, 1, 1), fee_year=3), _event(2, "B", "lapsed", D(2016, 1, 1))]
    source = tables(duckdb_engine, {"patents": [_p("A"), _p("B")], "legal_events": fees})
    names = ["legal.pledge_count", "legal.is_pledged", "legal.transfer_count", "legal.suit_count"]
    compute(source, duckdb_engine, as_of=AS_OF, out=tmp_path / "f.parquet", only=names)
    for row in values(tmp_path / "f.parquet").values():
        assert [row[lookup(name).column] for name in names] == [None] * len(names)
    pledge = _event(3, "B", "pledged", D(2015, 6, 1))
    source = tables(duckdb_engine, {"patents": [_p("A"), _p("B")], "legal_events": [*fees, pledge]})
    compute(source, duckdb_engine, as_of=AS_OF, out=tmp_path / "p.parquet", only=names)
    found = values(tmp_path / "p.parquet")["A"]
    assert [found[lookup(name).column] for name in names] == [0, False, None, None]
