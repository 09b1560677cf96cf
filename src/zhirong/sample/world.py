"""`write_world`: the synthetic world as an evidence store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from zhirong.kernel.provenance import fingerprint
from zhirong.sample import market, records
from zhirong.sample.draw import Patents, draw_citations, draw_patents
from zhirong.sample.facts import SOURCE_ID
from zhirong.tables import CANONICAL, Rewrite, SourceRecord, Store

__all__ = ["latent_values", "write_world"]

VERSION = "1"


def write_world(
    out: Path,
    *,
    patent_count: int = 20_000,
    seed: int = 20_240_101,
    progress: Callable[[int, int, int], None] = lambda done, total, records: None,
) -> Store:
    """Write the synthetic world as an evidence store.

    Parameters
    ----------
    out : Path
        The store; an older one there is replaced.
    patent_count : int
        At least 100.
    seed : int
        The same seed and count give the same bytes.
    progress : callable
        Called with (tables done, tables in all, rows so far).

    Returns
    -------
    Store
        Every row has the source `synthetic`, and the source record says so too.
    """
    assert patent_count >= 100, "a world needs at least 100 patents"
    rng = np.random.default_rng(seed)
    patents, citations = _draw(rng, patent_count)
    makers: dict[str, Callable[[], Any]] = {
        **records.makers(rng, patents, citations),
        **market.makers(rng, patents),
    }
    assert makers.keys() == CANONICAL.keys(), f"not made: {CANONICAL.keys() ^ makers.keys()}"
    rows = 0
    with Rewrite.begin(out, fresh=True) as new:
        for done, name in enumerate(CANONICAL):
            table = makers[name]()
            with new.sink(name) as sink:
                sink.write(table)
            rows += table.num_rows
            progress(done + 1, len(CANONICAL), rows)
        setting = {"generator": "zhirong.sample", "version": VERSION, "patent_count": patent_count, "seed": seed}
        new.add_source(
            SourceRecord(
                source_id=SOURCE_ID,
                file=f"synthetic world, {patent_count} patents, seed {seed}",
                sha256=fingerprint(setting),
                byte_count=0,
                format="sample",
                reader_version=VERSION,
                rows_read=rows,
                rows_refused=0,
                is_synthetic=True,
            )
        )
    return Store.open(out)


def latent_values(patent_count: int, seed: int) -> dict[str, float]:
    """Return the latent value in CNY of each patent of a world, for tests; it is never written into the store."""
    patents, _ = _draw(np.random.default_rng(seed), patent_count)
    return dict(zip(records.patent_ids(patents).tolist(), np.exp(patents.log_value).tolist(), strict=True))


def _draw(rng: np.random.Generator, patent_count: int) -> tuple[Patents, tuple[records.Ints, records.Ints]]:
    patents = draw_patents(rng, patent_count, records.firm_count(patent_count))
    return patents, draw_citations(rng, patents)
