"""Mapping files: checked key by key, inherited, shipped; proposals are never imported unconfirmed."""

from __future__ import annotations

import pytest
import yaml

from zhirong.evidence.sheets import (
    load_mapping,
    parse_mapping,
    propose_mapping,
    shipped_mappings,
    write_mapping,
)
from zhirong.evidence.sheets.vocabulary import fold_head
from zhirong.kernel.errors import DomainError, EvidenceError, UnknownNameError
from zhirong.kernel.provenance import Grade

MINIMAL = {"columns": [{"to": "patents.application_number", "heads": ["申请号"]}]}


def test_every_shipped_mapping_is_valid_and_says_how_it_is_known():
    mappings = shipped_mappings()
    assert {"cn_common", "incopat_style", "patsnap_style", "cnipa_style", "innojoy_style", "himmpat_style",
            "cn_patent_survival", "cn_patent_text"} <= set(mappings)  # fmt: skip
    for name, mapping in mappings.items():
        assert mapping.name == name
        assert mapping.identifier_heads
        if name.endswith("_style") or name == "cn_common":
            assert mapping.grade is Grade.RECALLED


@pytest.mark.parametrize(
    "head",
    [
        "申请号", "公开(公告)号", "公开（公告）日", "申请日", "授权公告日", "申请(专利权)人", "当前权利人", "发明人",
        "主分类号", "IPC", "IPC分类号", "CPC", "权利要求数", "页数", "简单同族", "INPADOC同族", "被引用次数",
        "被引证次数", "引证专利", "法律状态", "当前法律状态", "法律状态公告日", "是否转让", "是否许可", "是否质押",
        "是否诉讼", "是否复审", "是否无效", "摘要", "名称", "标题", "专利类型", "省市代码",
    ],
)  # fmt: skip
def test_the_usual_heads_are_known(head):
    assert fold_head(head) in load_mapping("cn_common").heads


@pytest.mark.parametrize("head", ["独立权利要求数", "首权字数", "国民经济行业分类", "战略性新兴产业分类"])
def test_heads_without_a_canonical_field_are_left_out_on_purpose(head):
    assert fold_head(head) in load_mapping("cn_common").ignore


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"colums": []}, "colums: unknown key; did you mean: columns"),
        ({"columns": "x"}, "columns: expected a list"),
        ({"columns": [{"to": "patents.filing_dat", "heads": ["a"]}]}, "columns[1].to: 'filing_dat' is not allowed"),
        ({"columns": [{"to": "nowhere", "heads": ["a"]}]}, "columns[1].to: 'nowhere' is not allowed"),
        ({"columns": [{"to": "patent_parties", "heads": ["a"]}]}, "columns[1].role: missing"),
        ({"columns": [{"to": "legal_events", "kind": "born", "heads": ["a"]}]}, "columns[1].kind: 'born'"),
        ({"columns": [{"to": "patents.title", "heads": []}]}, "columns[1].heads: expected"),
        ({"columns": [{"to": "patents.title", "heads": ["a"], "as": "magic"}]}, "columns[1].as: 'magic'"),
        ({"columns": [{"to": "patents.title", "heads": ["a"], "unit": "斤"}]}, "columns[1].unit: '斤'"),
        ({"office": "China"}, "office: 'China' is not a WIPO ST.3 code"),
        ({"formulas": "run"}, "formulas: 'run' is not allowed; allowed: refuse, use_cached"),
        ({"row_filter": {"head": "a", "matches": "("}}, "row_filter.matches: not a regular expression"),
        ({"grade": "sure"}, "grade: 'sure'"),
        ({"encoding": "latin-1"}, "encoding: 'latin-1'"),
        ({"records": [{"to": "deals", "fields": {"price": {"heads": ["a"]}}}]}, "records[1].fields.deal_type: missing"),
        ({"records": [{"to": "deals", "fields": {"prise": {"heads": ["a"]}}}]}, "records[1].fields.prise: 'prise'"),
        ({"confirmed": False}, "confirmed: this proposal was not confirmed"),
        (
            {"columns": [{"to": "patents.legal_status", "heads": ["a"], "values": {"x": "alive"}}]},
            "columns[1].values.x: 'alive'",
        ),
    ],
)  # fmt: skip
def test_a_wrong_mapping_names_file_key_and_what_is_allowed(change, says):
    with pytest.raises(DomainError) as caught:
        parse_mapping(MINIMAL | change, file="mine.yaml")
    assert "mine.yaml: " + says.split(":")[0] in str(caught.value)
    assert says in str(caught.value)


def test_all_problems_are_told_at_once():
    with pytest.raises(DomainError) as caught:
        parse_mapping({"office": "X", "formulas": "run", "columns": [{"to": "x", "heads": ["a"]}]})
    assert len(str(caught.value).splitlines()) == 4


def test_a_mapping_without_an_identifier_is_refused():
    with pytest.raises(DomainError, match="no column goes to"):
        parse_mapping({"columns": [{"to": "patents.title", "heads": ["标题"]}]})


def test_something_that_is_no_mapping_is_refused(tmp_path):
    with pytest.raises(DomainError, match="expected keys"):
        parse_mapping(["a"])
    path = tmp_path / "broken.yaml"
    path.write_text("a: [", encoding="utf-8")
    with pytest.raises(DomainError, match=r"broken\.yaml is not YAML"):
        load_mapping(path)
    with pytest.raises(UnknownNameError, match="did you mean: cn_common"):
        load_mapping("cn_comon")


def test_a_child_takes_heads_from_its_parent(read_sheet):
    mine = {"extends": "cn_common", "columns": [{"to": "patents.page_count", "heads": ["权利要求数"]}]}
    kept = read_sheet("申请号,权利要求数,标题\nCN202019999006.7,7,泵\n", mapping=mine)
    row = kept.one("patents")
    assert (row["page_count"], row.get("claim_count"), row["title"]) == (7, None, "泵")


UNKNOWN_HEADS = (
    "专利申请编号,公开文献号码,申请的日期,权项数目,权利人(全部),国际分类,备忘\n"
    "202019999006.7,CN112345678A,2020-05-01,10,甲公司;乙大学,H04L 9/32;G06F 16/35,x1\n"
    "201519999001.3,CN105123456A,2015/3/2,8,丙有限公司,A01B 1/02,y2\n"
)


def test_a_proposal_names_confidence_reason_and_examples(tmp_path):
    path = tmp_path / "unknown.csv"
    path.write_text(UNKNOWN_HEADS, encoding="utf-8")
    proposal = propose_mapping(path)
    by_head = {column.head: column for column in proposal.columns}
    assert by_head["专利申请编号"].target["to"] == "patents.application_number"
    assert by_head["公开文献号码"].target["to"] == "patents.publication_number"
    assert by_head["申请的日期"].target["to"] == "patents.filing_date"
    assert by_head["国际分类"].target["to"] == "classifications"
    assert by_head["备忘"].target is None
    assert by_head["专利申请编号"].examples == ("202019999006.7", "201519999001.3")
    for column in proposal.columns:
        assert 0 <= column.confidence < 1
        assert column.reason


def test_a_proposal_is_imported_only_after_it_was_confirmed(tmp_path, read_sheet):
    path = tmp_path / "unknown.csv"
    path.write_text(UNKNOWN_HEADS, encoding="utf-8")
    written = tmp_path / "mapping.yaml"
    write_mapping(propose_mapping(path), written)
    with pytest.raises(DomainError, match="not confirmed"):
        load_mapping(written)
    confirmed = yaml.safe_load(written.read_text("utf-8")) | {"confirmed": True}
    kept = read_sheet(path, mapping=confirmed)
    assert [row["patent_id"] for row in kept.rows["patents"]] == ["CN112345678", "CN105123456"]
    assert kept.rows["patents"][0]["application_number"] == "CN202019999006.7"
    with pytest.raises(EvidenceError, match="exists"):
        write_mapping(propose_mapping(path), written)


def test_heads_with_yaml_inside_stay_text(tmp_path):
    path = tmp_path / "evil.csv"
    path.write_text('申请号,"x: {a: !!python/object:os.system id}\n# - b",""""\n202019999006.7,1,2\n', encoding="utf-8")
    content = yaml.safe_load(propose_mapping(path).to_yaml())
    assert content["columns"][0]["heads"] == ["申请号"]
    assert len(content["ignore"]) == 2


def test_a_proposal_for_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "blank.csv"
    path.write_text("\n\n", encoding="utf-8")
    with pytest.raises(EvidenceError, match="no table"):
        propose_mapping(path)
