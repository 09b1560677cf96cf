"""Small random worlds for the indicator tests, and rows that become known only later."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from zhirong.tables import CANONICAL, Engine, conform

Rows = dict[str, list[dict[str, Any]]]

AS_OF = date(2020, 6, 30)
_WORDS = [
    "battery", "anode", "cathode", "electrolyte", "separator", "network", "packet", "router", "key", "cipher", "engine",
    "piston", "valve", "polymer", "resin", "laser", "lens", "sensor", "固态电池", "电解质", "神经网络", "加密密钥",
]  # fmt: skip
_CLASSES = ["H01M10/05", "H01M4/02", "H04L9/32", "H04L12/28", "G06N3/08", "C08L1/00", "F02B3/06", "B64U10/00"]
_END = ["lapsed", "expired", "restored", "invalidated", "maintained", "surrendered"]
_EVENTS = [
    "granted", "annuity_paid", "transferred", "licensed", "pledged", "pledge_released", "litigated", "awarded", "insured",
    "preserved", "preservation_released", "opposition_filed", "opposition_rejected", "partially_invalidated", *_END,
]  # fmt: skip


def tables(engine: Engine, rows: Mapping[str, list[dict[str, Any]]]) -> dict[str, ibis.Table]:
    """Every canonical table on the engine."""
    return {name: engine.facts(conform(rows.get(name, []), schema)) for name, schema in CANONICAL.items()}


def merged(a: Rows, b: Rows) -> Rows:
    return {name: [*a.get(name, []), *b.get(name, [])] for name in {*a, *b}}


def values(path: Path) -> dict[str, dict[str, Any]]:
    """`patent_id` to column to value."""
    table: pa.Table = pq.read_table(path)
    return {row["patent_id"]: row for row in table.to_pylist()}


class Maker:
    """Random rows; `day` bounds decide whether they are early or late."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def day(self, first: date, last: date) -> date:
        return first + timedelta(days=int(self.rng.integers(0, (last - first).days + 1)))

    def maybe(self, value: Any, p: float = 0.7) -> Any:
        return value if self.rng.random() < p else None

    def pick(self, items: Any) -> Any:
        return items[int(self.rng.integers(0, len(items)))]

    def text(self, n: int = 8) -> str:
        return " ".join(self.pick(_WORDS) for _ in range(n))

    def patent(self, id_: str, published: date, until: date) -> dict[str, Any]:
        filed = published - timedelta(days=int(self.rng.integers(100, 900)))
        grant = self.maybe(self.day(published, max(published, until)), 0.6)
        ipc = self.pick(_CLASSES)
        return {
            "patent_id": id_, "office": self.pick(["CN", "US", "EP"]), "filing_date": self.maybe(filed, 0.9),
            "publication_date": self.maybe(published, 0.95), "grant_date": grant,
            "kind_code": self.maybe("B2" if grant else "A1"), "family_id": self.maybe(f"F{self.rng.integers(0, 6)}"),
            "right_type": self.pick(["invention", "invention", "utility_model", None]),
            "claim_count": self.maybe(int(self.rng.integers(1, 30))), "primary_ipc": self.maybe(ipc),
            "legal_status": self.maybe(self.pick(["pending", "in_force", "lapsed"]), 0.4),
            "legal_status_date": self.maybe(self.day(published, until), 0.8),
            "title": self.text(3), "title_language": "en", "source_id": self.pick(["s1", "s2"]),
        }  # fmt: skip

    def children(self, rows: Rows, id_: str, cited: list[str], date_: date | None) -> None:
        """Rows that are known through the patent `id_`; `date_` where they carry one."""
        source = self.pick(["s1", "s2"])
        for symbol in {self.pick(_CLASSES) for _ in range(3)}:
            rows.setdefault("classifications", []).append(
                {"patent_id": id_, "scheme": self.pick(["ipc", "cpc"]), "symbol": symbol, "subclass": symbol[:4],
                 "main_group": symbol[4:].split("/")[0], "source_id": source}
            )  # fmt: skip
        for other in {self.pick(cited) for _ in range(3)} if cited else set():
            if other != id_:
                rows.setdefault("citations", []).append(
                    {"citing_id": id_, "cited_id": other, "citing_date": date_,
                     "category": self.maybe(self.pick(["X", "A", "Y"])), "source_id": source}
                )  # fmt: skip
        for n in range(int(self.rng.integers(0, 3))):
            rows.setdefault("nonpatent_citations", []).append(
                {"patent_id": id_, "sequence": n + 1, "source_id": source}
            )
        for n in range(1, int(self.rng.integers(1, 6))):
            lead = n == 1 or self.rng.random() < 0.3
            rows.setdefault("claims", []).append(
                {"patent_id": id_, "claim_number": n, "text": self.text(), "is_independent": bool(lead),
                 "parent_number": None if lead else int(self.rng.integers(1, n)),
                 "category": self.maybe(self.pick(["product", "method", "use", "composition"])),
                 "word_count": int(self.rng.integers(5, 200)), "source_id": source}
            )  # fmt: skip
        for part in ("abstract", "description"):
            rows.setdefault("texts", []).append(
                {"patent_id": id_, "part": part, "language": "en", "text": self.text(20), "source_id": source}
            )
        for n, role in enumerate(("applicant", "inventor")):
            rows.setdefault("patent_parties", []).append(
                {"patent_id": id_, "party_id": f"P{self.rng.integers(0, 7)}", "role": role, "sequence": n + 1,
                 "from_date": date_, "source_id": source}
            )  # fmt: skip

    def dated(self, rows: Rows, ids: list[str], first: date, last: date, tag: str, n: int) -> None:
        """Rows with own dates between `first` and `last` on any of the patents."""
        for k in range(n):
            id_, day = self.pick(ids), self.day(first, last)
            key = f"{tag}{k}"
            rows.setdefault("legal_events", []).append(
                {"event_id": key, "patent_id": id_, "event_kind": self.pick(_EVENTS), "event_date": day,
                 "fee_year": self.maybe(int(self.rng.integers(1, 15))), "party_id": self.maybe("P6"),
                 "end_date": self.maybe(self.day(first, last), 0.3), "source_id": self.pick(["s1", "s2", "s3"])}
            )  # fmt: skip
            rows.setdefault("assignments", []).append(
                {"assignment_id": key, "patent_id": id_, "recorded_date": day,
                 "conveyance_kind": self.pick(["assignment", "security_interest", "release", "licence"]),
                 "assignee_id": self.maybe("P5"), "source_id": "s3"}
            )  # fmt: skip
            rows.setdefault("families", []).append(
                {"family_id": f"F{self.rng.integers(0, 6)}", "member_id": f"{tag}M{k}",
                 "office": self.pick(["US", "JP", "EP", "WO", "KR"]), "publication_date": day,
                 "grant_date": self.maybe(day), "end_date": self.maybe(self.day(day, last), 0.2), "source_id": "s1"}
            )  # fmt: skip
            rows.setdefault("deals", []).append(
                {"deal_id": key, "patent_id": id_, "deal_type": self.pick(["sale", "licence", "pledge_loan"]),
                 "deal_date": day, "price": 1e6, "currency": "CNY", "source_id": "s1"}
            )  # fmt: skip
            rows.setdefault("cases", []).append(
                {"case_id": key, "patent_id": id_, "decided_date": day, "cause": self.pick(["infringement", "validity"]),
                 "outcome": self.pick(["infringed", "maintained", "invalidated"]), "source_id": "s1"}
            )  # fmt: skip
            rows.setdefault("opinions", []).append(
                {"opinion_id": key, "patent_id": id_, "appraiser_id": "E1", "opinion_date": day,
                 "indicator_id": self.pick(["gbt42748.technical_effect", "gbt42748.citations"]),
                 "score": float(self.rng.integers(0, 101)), "source_id": "s1"}
            )  # fmt: skip
            rows.setdefault("classifications", []).append(
                {"patent_id": id_, "scheme": "cpc", "symbol": f"G06Q{k + 1}/{tag}", "subclass": "G06Q",
                 "main_group": str(k + 1), "assigned_date": day, "source_id": "s1"}
            )  # fmt: skip
            rows.setdefault("patent_parties", []).append(
                {"patent_id": id_, "party_id": f"P{self.rng.integers(0, 7)}", "role": "owner", "sequence": 50 + k,
                 "from_date": day, "to_date": self.maybe(self.day(day, last), 0.3), "source_id": "s1"}
            )  # fmt: skip

    def yearly(self, rows: Rows, years: range, day: date | None) -> None:
        for year in years:
            for n in range(3):
                rows.setdefault("firm_years", []).append(
                    {"firm_id": f"f{n}", "year": year, "known_date": day, "currency": "CNY",
                     "revenue": float(self.rng.integers(1, 90)), "source_id": "s1",
                     "patent_product_revenue": self.maybe(float(self.rng.integers(1, 90)))}
                )  # fmt: skip
            rows.setdefault("sector_years", []).append(
                {"sector_code": "C38", "region_code": "00", "year": year, "known_date": day, "currency": "CNY",
                 "revenue": 1000.0, "growth": float(self.rng.normal()), "source_id": "s1"}
            )  # fmt: skip


def early_world(seed: int, n: int = 24) -> Rows:
    """A world whose rows have dates on both sides of `AS_OF` but identifiers of its own."""
    maker = Maker(seed)
    rows: Rows = {}
    ids = [f"CN{k}" for k in range(n)]
    for k, id_ in enumerate(ids):
        published = maker.day(date(2004, 1, 1), date(2020, 3, 1))
        rows.setdefault("patents", []).append(maker.patent(id_, published, date(2022, 1, 1)))
        maker.children(rows, id_, ids[:k] or ["US0"], maker.maybe(published, 0.5))
    for k in range(7):
        rows.setdefault("parties", []).append(
            {"party_id": f"P{k}", "name": f"n{k}", "normalised_name": f"n{k}", "country": maker.maybe("CN"),
             "party_type": maker.maybe(maker.pick(["organisation", "university", "person"])),
             "region_code": maker.maybe("33"), "cluster_id": "C" if k < 2 else None, "source_id": "s1"}
        )  # fmt: skip
    for k in range(3):
        rows.setdefault("firms", []).append(
            {"firm_id": f"f{k}", "name": f"f{k}", "party_id": f"P{k + 2}", "sector_code": "C38", "source_id": "s1"}
        )
    maker.dated(rows, ids, date(2010, 1, 1), AS_OF, "e", 25)
    maker.yearly(rows, range(2015, 2019), None)
    return rows


def later_rows(seed: int, n: int = 10) -> Rows:
    """Rows that became known after `AS_OF`, some of them on patents of the early world."""
    maker = Maker(seed + 1)
    rows: Rows = {}
    first, last = AS_OF + timedelta(days=1), date(2024, 1, 1)
    old = [f"CN{k}" for k in range(24)]
    for k in range(n):
        id_, published = f"ZZ{k}", maker.day(first, last)
        patent = maker.patent(id_, published, date(2026, 1, 1)) | {"publication_date": published}
        rows.setdefault("patents", []).append(patent)
        maker.children(rows, id_, old, maker.maybe(published, 0.5))
    maker.dated(rows, old, first, last, "l", 12)
    maker.yearly(rows, range(2019, 2022), first)
    rows["firms"] = [
        {
            "firm_id": "f9",
            "name": "f9",
            "party_id": "P6",
            "founded_date": first,
            "sector_code": "C38",
            "source_id": "s1",
        }
    ]
    return rows
