"""The proof of calibration as a page of the documentation, in English; every figure comes from the run."""

from __future__ import annotations

from collections.abc import Sequence

from zhirong.reports.calibration import CalibrationResult, LifeSet, gain_text, is_sound, order_text
from zhirong.reports.calibration_charts import points
from zhirong.valuation.calibration import FirmChecks, GroupHazard, LifeCheck, ValueCheck

__all__ = ["calibration_page"]

_WORDS = {True: "calibrated", False: "**not calibrated**", None: "too few to tell"}


def calibration_page(result: CalibrationResult) -> str:
    """Return the page as Markdown, failures first where there are any."""
    lines = [
        "<!-- written by `zhirong validate`; do not edit -->", "", "# Do the intervals keep their word?", "",
        "`zhirong validate` answers with four kinds of check and shows what fails as it shows what holds:", "", "```sh",
        f"zhirong validate --seed {result.seed} --data DIR --out calibration", "```", "",
        ("It writes `calibration.html` and `calibration.pdf` in Chinese and English with charts, `calibration.json`, and this page as "
        "`calibration.md`. DIR holds `cn_patent_survival` and `firm_patents_rd`; without it the parts on real data say that they were "
        f"not run. Figures below: seed {result.seed}, {result.patent_count:,} synthetic patents valued at {result.as_of}."), "",
        ("The aim is coverage within two points. A row *misses* it only where its 95 % interval does too; where the share is further off "
        "but chance may be why, the row is *undecided*."), "",
        *_values(result.values), *_pieces(result), *(line for sets in result.lives for line in _lives(sets)),
        *_firms(result.firms),
    ]  # fmt: skip
    return "\n".join(lines).rstrip() + "\n"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        "| " + " | ".join(heads) + " |",
        "|" + "---|" * len(heads),
        *("| " + " | ".join(row) + " |" for row in rows),
        "",
    ]


def _values(values: Sequence[ValueCheck]) -> list[str]:
    rows = [
        [
            v.label.en, str(v.count), points(v.coverage), " / ".join(r.verdict() for r in v.coverage), f"{v.crps:.3f}",
            gain_text(v),
            f"{v.log_error:+.2f}", order_text(v),
        ]
        for v in values
    ]  # fmt: skip
    pooled, learned = values[0], next((v for v in values if v.name == "learned"), None)
    within = [v.label.en.lower() for v in values if is_sound(v, len(values)) is not False]
    found = (
        "None of the rows keeps its word at all three levels."
        if not within
        else "Not shown to miss: " + "; ".join(within) + "."
    )
    return [
        "## Values: a world whose latent values are known", "",
        ("Each synthetic patent has a latent value that no table of its evidence holds. It is the mechanism behind prices, appraisals, "
        "renewals and citations of the world, each with noise of its own. Patents that have a sale of their own take no part, so that no "
        "price is compared with the value behind it. CRPS is of the logarithm, less is better; the gain is over the better naive answer "
        "for the same patents, below 0 where the naive answer is better."), "",
        *_table(
            ["way of valuing", "patents", "coverage of 50 / 80 / 95, %", "within two points", "CRPS", "gain on naive", "log bias",
             "rank correlation with truth"],
            rows,
        ),
        (f"**What fails, and why.** {found} Pooled by declared weights, the value holds {points(pooled.coverage)} % where it claims "
        f"50 / 80 / 95, and its median lies {pooled.log_error:+.2f} log points from the truth. In this world a firm's revenue says next to "
        f"nothing of the latent value of one of its patents: the rank correlation of pooled and latent values is {order_text(pooled)}. "
        "Methods built on revenue are therefore sure about the wrong thing; renewals see the low end only, because the return that pays "
        "fees follows the latent value weakly; cost knows nothing of use. Adding more income methods adds weight to the same revenue, "
        "not knowledge. Sold patents of this world are better than the others by half a log point, so that all price-based rows lie "
        "above the truth."), "",
        *(_learned_text(pooled, learned) if learned is not None else []),
    ]  # fmt: skip


def _learned_text(pooled: ValueCheck, learned: ValueCheck) -> list[str]:
    return [
        (f"Where a store holds sale prices, as here, `zhirong value` pools by weights and width learned from them, each sale valued with "
        f"what was known the day before it. This holds {points(learned.coverage)} % and scores {learned.crps:.3f} where the declared "
        f"weights score {pooled.crps:.3f}. Prices scatter about latent values, so that an interval honest for prices is wider than one "
        "for latent values need be; the middle shows it most."), "",
    ]  # fmt: skip


def _pieces(result: CalibrationResult) -> list[str]:
    rows = [
        [
            p.label.en, str(p.coverage[0].count), points(p.coverage), f"{p.ranks.p_value:.3f}", f"{p.ranks.ecdf.p_value:.3f}",
            str(p.failed), _WORDS[is_sound(p, len(result.pieces))],
        ]
        for p in result.pieces
    ]  # fmt: skip
    return [
        "## Models: simulated truths", "",
        ("Parameters are drawn, data are drawn from them, and the fit is asked where it sees the parameters (Talts et al. 2018). Ranks are "
        "tested by bins (χ²) and by their distribution function as a whole (Säilynoja et al. 2022). *Calibrated*: all three coverages "
        f"within two points and ranks uniform, at 1 % over all {len(rows)} rows together."), "",
        *_table(["model", "data sets", "coverage of 50 / 80 / 95, %", "p (χ²)", "p (ECDF)", "refused", "verdict"], rows),
        ("*Rate of a field within a court* takes the concentration below the first level at its most likely value and not as a "
        "distribution (empirical Bayes); the first level of courts, and the spread between fields of *survival of a field*, have their "
        "whole posterior. Maximum-likelihood fits answer with a normal distribution, which is an approximation."), "",
    ]  # fmt: skip


def _lives(sets: LifeSet) -> list[str]:
    title = [f"## Lives: {sets.name.en}", ""]
    if not sets.checks:
        return [*title, sets.note.en if sets.note is not None else "No date could be checked.", ""]
    rows = [
        [
            str(c.cut), f"{c.years:g}", f"{c.count:,}", f"{100 * c.mean_predicted:.1f} / {100 * c.ended / c.count:.1f}",
            " / ".join(f"{c.brier[name]:.4f}" for name in ("engine", "weibull", "kaplan_meier", "constant")), _gained(c),
            "—" if c.line is None else f"{c.line.slope:.2f} ± {1.96 * c.line.slope_error:.2f}",
            "—" if c.line is None else f"{c.line.intercept:+.2f} ± {1.96 * c.line.intercept_error:.2f}", f"{100 * c.beyond:.0f}",
        ]
        for c in sets.checks
    ]  # fmt: skip
    found = [
        *title,
        ("The engine fits survival with what was known at the date, as it does for a valuation. Brier scores, less is better; gain is over "
        "the constant (the share that ended in a period of the same length before), with its 95 % error; slope 1 and intercept 0 are "
        "perfect. *Beyond*: rights that by the horizon are older than any age at which 30 rights had been watched by the date."), "",
        *_table(
            ["fitted at", "years", "rights", "predicted / ended, %", "engine / one Weibull / KM / constant", "gain on constant", "slope",
             "intercept", "beyond, %"],
            rows,
        ),
    ]  # fmt: skip
    return [
        *found,
        *_lives_groups(sets.checks),
        *_hazards(sets.hazards),
        *(_real_reason(sets) if not sets.is_synthetic else []),
    ]


def _gained(check: LifeCheck) -> str:
    gain, error = check.gain["constant"]
    return f"{gain:+.4f} ± {1.96 * error:.4f}"


def _lives_groups(checks: Sequence[LifeCheck]) -> list[str]:
    rows = [
        [
            str(c.cut), f"{c.years:g}", " / ".join(f"{g.label.en} {g.count:,}" for g in c.groups),
            "; ".join(f"{100 * g.predicted:.1f} / {100 * g.ended:.1f}" for g in c.groups),
            f"{c.brier['engine']:.4f} / {c.brier['by_group']:.4f}",
        ]
        for c in checks
        if c.groups
    ]  # fmt: skip
    heads = ["fitted at", "years", "groups", "predicted / ended, %, of each", "Brier: engine / one Weibull a group"]
    return ["Groups that the engine does not know of:", "", *_table(heads, rows)] if rows else []


def _hazards(hazards: Sequence[GroupHazard]) -> list[str]:
    if not hazards:
        return []
    ages = sorted({age for h in hazards for age in h.ages})
    rows = [
        [h.label.en, *(f"{100 * dict(zip(h.ages, h.hazard, strict=True))[a]:.0f}" if a in h.ages else "" for a in ages)]
        for h in hazards
    ]
    return ["Ends a year at risk by age, %:", "", *_table(["age", *(f"{a:g}" for a in ages)], rows)]


def _real_reason(sets: LifeSet) -> list[str]:
    later = [c for c in sets.checks if c.years >= 3]
    beyond = min((c.beyond for c in later), default=0.0)
    helped = sum(c.brier.get("by_group", 1.0) < c.brier["engine"] for c in sets.checks)
    worse = sum(c.gain["constant"][0] < 0 for c in sets.checks)
    return [
        (f"**What fails, and why.** A constant scores better than the engine in {worse} of {len(sets.checks)} rows, and ends are predicted "
        "too often at three and five years. Two things can be seen. First, nearly all rights of this sample were filed within a few years, "
        "so that at any date they are of nearly one age and none had been watched at the age to be predicted: at three years and "
        f"more, {100 * beyond:.0f} % or more of the rights are beyond all ages watched, and the fitted law is carried beyond its data. "
        "Second, two populations are mixed that the engine does not tell apart, as the last table shows: rights of domestic applicants end "
        "early and then less and less, those of foreign applicants seldom at first and then more. A Weibull rises or falls all along; "
        f"fitted to the early ends it rises, and overshoots. Telling the two apart is no cure: one Weibull for each scores better in "
        f"{helped} of {len(sets.checks)} rows only. Age and calendar time cannot be told apart here, so that it stays open whether "
        "the peak belongs to an age or to the years about 2008. Lives of such a sample are to be read with that in mind."), "",
    ]  # fmt: skip


def _firms(firms: FirmChecks | None) -> list[str]:
    title = ["## Firms: what the engine supposes of them", ""]
    if firms is None:
        return [*title, "Firms were not given (`--data`): this part was not run.", ""]
    slopes = [
        [
            s.label.en, f"{s.slope:.3f} ± {s.error:.3f}", f"{s.supposed:g}", f"{s.observations:,} / {s.firms:,}",
            "holds" if s.holds else "**does not hold**", s.why.en,
        ]
        for s in firms.slopes
    ]  # fmt: skip
    costs = [
        [
            c.label.en, f"{c.coverage[0].count:,} / {c.firms}", points(c.coverage), " / ".join(r.verdict() for r in c.coverage),
            f"{c.bias:+.2f}", f"{c.spread:.2f} / {c.claimed:.2f}",
        ]
        for c in firms.costs
    ]  # fmt: skip
    return [
        *title,
        ("Slopes with standard errors by firm, from published panels: US firms 1975–1979 (Hall, Griliches and Hausman 1986), "
        "international manufacturers 1983–1991 (Cincera 1997), US chemical firms (Wooldridge)."), "",
        *_table(["relation", "slope ± standard error", "supposed", "rows / firms", "", "who supposes it"], slopes),
        ("The cost method claims a log standard deviation for the cost of a filing; here its interval from three years of research over "
        "filings meets the firm's cost a filing of the next year. A year's mean scatters less than a single patent does: an interval too "
        "narrow for the mean is too narrow for the patent all the more. Firms come in several years, so that the errors of these coverages "
        "are a little larger than stated."), "",
        *_table(["firms", "rows / firms", "coverage of 50 / 80 / 95, %", "within two points", "log bias", "spread found / claimed"], costs),
        *(f"- {remark.en}." for remark in firms.notes), "",
    ]  # fmt: skip
