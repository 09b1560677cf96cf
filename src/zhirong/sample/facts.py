"""What the synthetic world is made to resemble, each number with the publication it follows.

The tests compare a generated world with these facts. Everything else about the world is an arbitrary choice and says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from zhirong.kernel.provenance import Grade, Source

__all__ = ["FACTS", "SOURCE_ID", "Fact"]

SOURCE_ID = "synthetic"
"""`source_id` of every row of the world."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One published fact that the generator follows.

    Parameters
    ----------
    name : str
        What is measured, unit at its end.
    value : float
        Published value.
    tolerance : float
        How near a generated world of 20,000 patents must come.
    source : Source
        Where it is published.
    """

    name: str
    value: float
    tolerance: float
    source: Source


_PATVAL = Source("Gambardella, Harhoff, Verspagen (2008), European Management Review 5, 69-84", Grade.PUBLISHED)
_HJT = Source("Hall, Jaffe, Trajtenberg (2001), NBER Working Paper 8498", Grade.RECALLED)
_CN = Source("CNIPA invention applications filed 1993-2002, public sample of 4,001 (MIT)", Grade.PUBLISHED)
_AUCTION = Source("Six patent auctions, spring 2006 to autumn 2008, secondary sources", Grade.PUBLISHED)

FACTS: dict[str, Fact] = {
    fact.name: fact
    for fact in (
        Fact("log_value_sigma", 2.146, 0.05, _PATVAL),
        Fact(
            "backward_citation_mean_count", 10.4, 0.4, Source("US patents, mean of the benchmark graph", Grade.COMPUTED)
        ),
        Fact(
            "citation_in_degree_tail_exponent",
            3.0,
            0.8,
            Source("Valverde et al. (2007), Phys. Rev. E 76, 056118", Grade.RECALLED),
        ),
        Fact("citation_lag_median_years", 8.0, 3.0, _HJT),
        Fact("lapse_age_lower_quartile_years", 7.16, 1.5, _CN),
        Fact("lapse_age_median_years", 9.16, 1.5, _CN),
        Fact("lapse_age_upper_quartile_years", 12.17, 1.5, _CN),
        Fact("auction_unsold_share", 0.545, 0.1, _AUCTION),
        Fact("indicator_r2_on_log_value_max", 0.15, 0.0, _PATVAL),
    )
}
"""Published facts by name."""
