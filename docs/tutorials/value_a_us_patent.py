# %% [markdown]
# # Value one real US patent, step by step
#
# US 6,103,599, "Planarizing technique for multilayered substrates", was filed by Silicon Genesis Corporation in June 1998 and granted in
# August 2000. It belongs to the technique by which thin layers of silicon are cleaved from a wafer. We stand on **30 June 2010** and ask
# what it is worth as collateral. The records are real; the revenue of step 5 is *not*: no public source gives it, so it is a labelled
# assumption of the kind that a loan officer would ask the firm for.
#
# This page is a notebook in text form: cells begin with `# %%`, most editors run it cell by cell, and
# `python docs/tutorials/value_a_us_patent.py` runs all of it from the root of the project. It reads the public search records of the
# US office from the folder of shared data beside the project, or from `ZHIRONG_SHARED_DATA`.

# %%
import os
import tempfile
from datetime import date
from pathlib import Path

from zhirong.evidence.importing import import_files
from zhirong.indicators import compute, lookup
from zhirong.params import load
from zhirong.reports import render
from zhirong.tables import Store, connect
from zhirong.valuation import Purpose, load_overrides, prepare, value_patent

RECORDS = Path(os.environ.get("ZHIRONG_SHARED_DATA", "../shared/data")) / "uspto_ppubs"
WORK = Path(tempfile.mkdtemp(prefix="us-patent-"))
PATENT, AS_OF = "US6103599", date(2010, 6, 30)

# %% [markdown]
# ## 1. Read the records
#
# Three files of one service: a list of patents, the full texts of a few, and who cites whom. What cannot be read is a finding with file,
# row and field, and the rest is imported.

# %%
FILES = ("patents.csv", "fulltext_claims.json", "us_citations.csv.gz")
import_files("uspto-ppubs", [RECORDS / name for name in FILES], WORK / "store")
store = Store.open(WORK / "store")
for source in store.manifest.sources:
    print(f"{source.file:24} {source.format:12} {source.rows_read:>7,} read, {source.rows_refused} refused")
assert sum(source.rows_refused for source in store.manifest.sources) == 0

# %% [markdown]
# ## 2. What was known on the day
#
# The store knows who cited the patent until 2020. An answer for 2010 must not: every table is cut at the day before anything is computed,
# so the two columns below differ, and only the left one may be used.

# %%
engine = connect("duckdb")
NAMES = ["oecd.claims", "oecd.backward_citations", "oecd.forward_citations_5", "oecd.generality", "oecd.renewal"]
then, later = (
    engine.to_arrow(
        engine.read(compute(store, engine, as_of=day, out=WORK / f"{day}.parquet", only=NAMES).path).filter(
            lambda t: t.patent_id == PATENT
        )
    ).to_pylist()[0]
    for day in (AS_OF, date(2020, 6, 30))
)
for name in NAMES:
    print(f"{lookup(name).name.en:48} {then[lookup(name).column]!s:>8.6} {later[lookup(name).column]!s:>8.6}")

# %% [markdown]
# Who cites it later came from fewer fields, so its generality fell: an answer for 2010 that used the later figure would be wrong. Whether
# its fees were paid is not in these records; that stays unknown (`None`) and is not counted as zero.
#
# ## 3. Ask for a value, and read the refusals
#
# Public records of an office tell what a patent claims and who builds on it. They do not tell what it earns. So nearly every method is
# refused, each with what it lacks, and the value rests on the weakest evidence there is: how inventors, asked in a survey, valued their
# patents.

# %%
background = prepare(store, engine, as_of=AS_OF, book=load())
bare = value_patent(background, PATENT, purpose=Purpose.PLEDGE)
for verdict in bare.admissibility:
    print("used   " if verdict.is_admissible else "refused", verdict.method, "-", verdict.reasons[0].en[:100])


def told(value) -> str:
    """Return the 80 % interval and the median in millions."""
    low, middle, high = (value.quantiles[q] / 1e6 for q in (0.1, 0.5, 0.9))
    return f"CNY {low:.2f} - {high:.2f} million, median {middle:.2f}"


print(told(bare))
assert [m.method for m in bare.methods] == ["survey_prior"]
assert bare.quantiles[0.9] > 100 * bare.quantiles[0.1]

# %% [markdown]
# An interval that spans a factor of more than a hundred is the honest answer to a question without evidence. A bank cannot lend on it,
# and should not.
#
# ## 4. What would narrow it?
#
# The refusals say: revenue under the patent and the years it will go on earning. A lender asks the firm. We write the answers as a file of
# assumptions: each is bounded, has a source and a grade, and will be printed in the report as the reader's own.
#
# ## 5. Put in what the firm says
#
# **Invented for this tutorial**: yearly revenue of about CNY 20 million under the patent, within a factor of 1.5 either way, and an
# economic life of three to seven more years. The term itself needs no assumption: filed in June 1998, it ends in June 2018.

# %%
assumptions = WORK / "assumptions.yaml"
assumptions.write_text(
    """
attributable_revenue:
  distribution: lognormal
  parameters: {median: 20000000, sigma: 0.4}
  source: {title: "Invented for the tutorial: what a borrower would state", grade: stated}
economic_life:
  distribution: triangular
  parameters: {low: 3, mode: 5, high: 7}
  source: {title: "Invented for the tutorial: life of the process generation", grade: stated}
"""
)
stated = value_patent(background, PATENT, purpose=Purpose.PLEDGE, mine=load_overrides(assumptions))
for method in stated.methods:
    print(f"{method.label.en:48} weight {method.weight:4.0%}  median {method.quantiles[0.5] / 1e6:6.2f} million")
print(told(stated))
assert stated.quantiles[0.9] / stated.quantiles[0.1] < bare.quantiles[0.9] / bare.quantiles[0.1]

# %% [markdown]
# ## 6. What moves it
#
# Each input goes from its 10 % to its 90 % quantile, all else as drawn: the width of the bar is what a better answer would be worth.

# %%
for bar in stated.contributions[:5]:
    print(f"{bar.label.en:44} {bar.value_low / 1e6:7.2f} to {bar.value_high / 1e6:7.2f} million")

# %% [markdown]
# ## 7. What a forced sale would leave
#
# A pledge is not sold at leisure. Beside the market value stands the liquidation value, by a declared and replaceable discount.

# %%
forced = stated.other_standards["liquidation"]
print(f"liquidation: median CNY {forced[0.5] / 1e6:.2f} million; one in ten draws below {forced[0.1] / 1e6:.2f}")
assert forced[0.5] < stated.quantiles[0.5]

# %% [markdown]
# ## 8. The report
#
# The same record as HTML, PDF and Excel, in Chinese and English; every number with its source, and what is unknown said first.

# %%
for lang in ("zh", "en"):
    files = render(stated, lang=lang, out=WORK / "report", name=f"report.{lang}")
    print(*(path.name for path in files.paths))
engine.close()
