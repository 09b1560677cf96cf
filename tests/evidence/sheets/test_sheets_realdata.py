"""The real Chinese files beside the project, against the figures of their descriptions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from zhirong.evidence.importing import import_files
from zhirong.evidence.sheets import propose_mapping

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def survival_file(shared_data: Path) -> Path:
    return shared_data / "cn_patent_survival" / "sample_cleaned_sample.csv"


def test_survival_sample_gives_the_figures_of_its_description(read_sheet, survival_file):
    kept = read_sheet(survival_file, mapping={"extends": "cn_patent_survival"})
    assert (kept.records, kept.refused, len(kept.rows["patents"])) == (4001, 4, 3997)
    assert len(kept.of("sheet.row_filter")) == 4
    assert len(kept.of("sheet.encoding")) == 1
    kinds = kept.kinds
    assert kinds["granted"] == 2422
    assert kinds["lapsed"] + kinds["expired"] == 1751
    assert kinds["refused"] == 283
    assert kinds["surrendered"] == 115
    # 1,170 whose decision was the withdrawal, and 2 granted ones that also carry a withdrawal date.
    assert kinds["withdrawn"] == 1172
    assert kinds["restored"] == 3
    assert kinds["filed"] == 3997


def test_survival_sample_gives_the_ages_at_lapse_of_its_description(read_sheet, survival_file):
    kept = read_sheet(survival_file, mapping={"extends": "cn_patent_survival"})
    filed = {row["patent_id"]: row["filing_date"] for row in kept.rows["patents"]}
    ages = np.array([
        (row["event_date"] - filed[row["patent_id"]]).days / 365.25
        for row in kept.rows["legal_events"]
        if row["event_kind"] in {"lapsed", "expired"}
    ])  # fmt: skip
    assert ages.mean() == pytest.approx(9.571, abs=5e-4)
    assert ages.std(ddof=1) == pytest.approx(3.413, abs=5e-4)
    assert np.quantile(ages, [0.25, 0.5, 0.75]) == pytest.approx([7.16, 9.16, 12.17], abs=5e-3)
    assert (ages.min(), ages.max()) == pytest.approx((3.16, 20.18), abs=5e-3)


def test_granted_ones_still_in_force_are_stated_so(read_sheet, survival_file):
    kept = read_sheet(survival_file, mapping={"extends": "cn_patent_survival"})
    granted = {row["patent_id"] for row in kept.rows["legal_events"] if row["event_kind"] == "granted"}
    in_force = {row["patent_id"] for row in kept.rows["patents"] if row.get("legal_status") == "in_force"}
    ended = {row["patent_id"] for row in kept.rows["legal_events"] if row["event_kind"] in {"lapsed", "expired"}}
    # The description counts 666 in force, and 664 granted ones that are censored: two ended and were restored.
    assert len(in_force) == 666
    assert len((in_force & granted) - ended) == 664


def test_every_application_number_of_the_sample_has_its_check_digit(read_sheet, survival_file):
    kept = read_sheet(survival_file, mapping={"extends": "cn_patent_survival"})
    assert not kept.of("cn.check_digit")
    assert all(row["application_number"].startswith("CN") for row in kept.rows["patents"])


def test_labelled_abstracts_become_titles_texts_and_symbols(read_sheet, shared_data):
    kept = read_sheet(shared_data / "cn_patent_text" / "g06f_abstracts.csv")
    assert len(kept.rows["patents"]) == 57
    assert all(row["title"] for row in kept.rows["patents"])
    abstracts = [row for row in kept.rows["texts"] if row["part"] == "abstract"]
    assert len(abstracts) == 57
    assert {row["subclass"] for row in kept.rows["classifications"]} >= {"G06F"}
    assert not kept.of("sheet.class_symbol")


def test_ipc_titles_have_the_counts_of_their_description(shared_data, tmp_path):
    done = import_files(None, [shared_data / "ipc_titles" / "all_ipc.tsv.gz"], tmp_path / "store")
    titles = {r["symbol"]: r for r in pq.read_table(tmp_path / "store" / "class_titles.parquet").to_pylist()}
    assert [sum(len(symbol) == n for symbol in titles) for n in (1, 3, 4)] == [8, 131, 645]
    assert titles["A01B1/02"]["title"] == "Spades; Shovels"
    assert titles["A01B"]["title"].startswith("SOIL WORKING")
    assert titles["A01B"]["parent_symbol"] == "A01"
    assert titles["A01B1/02"]["parent_symbol"] is None, "the list does not tell the depth of a subgroup"
    # 75,830 rows less 3 malformed and 540 repeated ones.
    assert len(titles) == 75_830 - 3 - 540
    assert done.sources[0].format == "ipc-titles"
    assert done.sources[0].rows_refused == 3
    assert done.log.count(rule="ipc.repeated") == 540


def test_proposal_for_the_sample_finds_its_numbers_and_dates(survival_file):
    proposed = {c.head: c.target["to"] for c in propose_mapping(survival_file).columns if c.target}
    assert proposed["app_num"] == "patents.application_number"
    assert proposed["pub_num"] == "patents.publication_number"
    assert proposed["app_date"] == "patents.filing_date"
    assert proposed["IPC"] == "classifications"
