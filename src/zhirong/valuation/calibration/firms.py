"""Checks on firms: whether what the engine, or its synthetic world, supposes of research, patents and size holds in panels.

Three files of the folder `firm_patents_rd`: US firms 1975-1979 (Hall, Griliches and Hausman 1986), international manufacturers
1983-1991 (Cincera 1997), and US chemical firms (Wooldridge). None of them holds a market value or a price, so that the value of
a patent itself cannot be asked of them; what can be asked is how cost, filings and size go together.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from zhirong.kernel.errors import EvidenceError
from zhirong.kernel.text import Bilingual
from zhirong.numerics.calibration import coverage
from zhirong.numerics.count_regression import RegressionFit, least_squares, poisson, poisson_fixed_effects
from zhirong.valuation.calibration.types import LEVELS, FirmCheck, FirmChecks, FirmSlope

__all__ = ["COST_SIGMA", "FIRM_FILES", "check_firms", "read_columns"]

Floats = NDArray[np.float64]
Columns = Mapping[str, Floats]
FIRM_FILES = ("PatentsHGH.csv", "PatentsRD.csv", "rdchem.csv")
COST_SIGMA = 0.4
"""Log standard deviation that the engine states for development cost (`inputs.default_assumptions`); a test holds them together."""
_LAGS = 6
_CLASSES: tuple[tuple[str, float, float, Bilingual], ...] = (
    ("all", 0.0, np.inf, Bilingual("全部企业", "All firms")),
    ("under_5", 0.0, 5.0, Bilingual("年均申请不足 5 件", "Under 5 filings a year")),
    ("5_to_20", 5.0, 20.0, Bilingual("年均申请 5–20 件", "5 to 20 filings a year")),
    ("20_to_100", 20.0, 100.0, Bilingual("年均申请 20–100 件", "20 to 100 filings a year")),
    ("over_100", 100.0, np.inf, Bilingual("年均申请 100 件以上", "Over 100 filings a year")),
)
_COST_WHY = Bilingual(
    "成本法以研发费用除以申请量的平均成本作为重置一件的成本；再增一件的成本等于平均成本除以弹性，仅弹性为 1 时二者相同",
    "The cost method takes the average, research over filings, for the cost of replacing one; the cost of one more is the average over "
    "the elasticity, and the two are the same only at 1",
)
_SIZE_WHY = Bilingual(
    "权利人收入未知时，收益法取其他企业每件专利的收入，假定它不随企业规模变化（件数与规模同比例）",
    "Where the owner's revenue is not known, the income method takes that of other firms for each patent, as if it did not change with "
    "the size of the firm",
)
_INTENSITY_WHY = Bilingual(
    "合成世界按收入的一定比例抽取研发费用，与规模无关",
    "The synthetic world draws research as a share of revenue that does not depend on size",
)


def check_firms(folder: Path) -> FirmChecks | None:
    """Check what the engine supposes of firms.

    Parameters
    ----------
    folder : Path
        Holds files named in `FIRM_FILES`; a file that is missing is named in the notes.

    Returns
    -------
    FirmChecks or None
        None where not one of the files is there.

    Raises
    ------
    EvidenceError
        For a file without the columns it should have.
    """
    slopes: list[FirmSlope] = []
    costs: tuple[FirmCheck, ...] = ()
    missing = [name for name in FIRM_FILES if not (folder / name).is_file()]
    if len(missing) == len(FIRM_FILES):
        return None
    notes = [
        Bilingual(f"缺少文件 {name}，相应检验未做", f"{name} is not there: its checks were not made")
        for name in missing
    ]
    if "PatentsHGH.csv" not in missing:
        panel, repaired = _heads_of_hgh(read_columns(folder / "PatentsHGH.csv"))
        if repaired:
            notes.append(
                Bilingual(
                    "PatentsHGH.csv 的列名与内容错位（logr…logr4 实为专利件数，logr5…pat4 实为研发对数），已按内容更正",
                    "Heads of PatentsHGH.csv stand over the wrong columns (logr to logr4 hold counts of patents, logr5 to pat4 logs of "
                    "research): read by content",
                )
            )
        slopes += _us_slopes(panel)
        costs = _costs(panel)
    if "PatentsRD.csv" not in missing:
        slopes += _world_slopes(read_columns(folder / "PatentsRD.csv"))
    if "rdchem.csv" not in missing:
        slopes += _chemical_slopes(read_columns(folder / "rdchem.csv"))
    notes.append(
        Bilingual(
            "这些数据没有市值或成交价，单件专利价值与企业价值的关系无法在此检验",
            "No file holds a market value or a price: how the value of a patent goes with that of its firm cannot be asked here",
        )
    )
    return FirmChecks(tuple(slopes), costs, tuple(notes))


def read_columns(path: Path) -> dict[str, Floats]:
    """Read the numeric columns of a CSV file; a column with any text is left out.

    Raises
    ------
    EvidenceError
        For a file without rows, or with rows of different lengths.
    """
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.reader(stream))
    if len(rows) < 2:
        raise EvidenceError(f"{path.name}: has no rows")
    if any(len(row) != len(rows[0]) for row in rows):
        raise EvidenceError(f"{path.name}: rows differ in length from the head")
    found: dict[str, Floats] = {}
    for name, *cells in zip(*rows, strict=True):
        try:
            column = np.array([float(cell) for cell in cells])
        except ValueError:
            continue
        if np.isfinite(column).all():
            found[name] = column
    return found


def _need(columns: Columns, file: str, *names: str) -> None:
    for name in names:
        if name not in columns:
            raise EvidenceError(f"{file}: needs a numeric column {name}; columns: {', '.join(columns)}")


def _heads_of_hgh(columns: Columns) -> tuple[dict[str, Floats], bool]:
    """Return the panel with heads that fit: the published file writes the heads of logs over counts, and the reverse."""
    counts = ["pat", *(f"pat{i}" for i in range(1, 5))]
    logs = ["logr", *(f"logr{i}" for i in range(1, _LAGS))]
    _need(columns, "PatentsHGH.csv", "obsno", "year", "logk", "sumpat", *counts, *logs)

    def are_counts(names: list[str]) -> bool:
        return all((columns[n] >= 0).all() and (columns[n] == np.round(columns[n])).all() for n in names)

    if are_counts(counts):
        return dict(columns), False
    written = [name for name in columns if name in {*counts, *logs}]  # in the order of the file
    if not are_counts(written[: len(counts)]):
        raise EvidenceError("PatentsHGH.csv: neither pat to pat4 nor the columns in their place hold counts")
    fixed = {name: column for name, column in columns.items() if name not in {*counts, *logs}}
    return {**fixed, **dict(zip([*counts, *logs], (columns[name] for name in written), strict=True))}, True


def _slope(
    name: str, label: Bilingual, fit: RegressionFit, place: int, supposed: float, why: Bilingual, firms: int
) -> FirmSlope:
    return FirmSlope(
        name, label, float(fit.coefficients[place]), float(fit.standard_errors[place]), supposed, why,
        fit.observations, firms,
    )  # fmt: skip


def _dummies(values: Floats) -> Floats:
    """Return a column for each value but the first."""
    return np.asarray(values[:, None] == np.unique(values)[None, 1:], np.float64)


def _us_slopes(c: Columns) -> list[FirmSlope]:
    firm, years = c["obsno"], _dummies(c["year"])
    count = int(np.unique(firm).size)
    pooled = poisson(c["pat"], np.column_stack([np.ones(firm.size), c["logr"], years]), firm)
    lags = np.column_stack([c["logr"], *(c[f"logr{i}"] for i in range(1, _LAGS)), years])
    within = poisson_fixed_effects(c["pat"], lags, firm)
    total, error = within.sum_of(range(_LAGS))
    _, first = np.unique(firm, return_index=True)
    size = poisson(c["sumpat"][first], np.column_stack([np.ones(first.size), c["logk"][first]]))
    return [
        _slope(
            "us.elasticity", Bilingual("美国企业：申请量对研发（混合）", "US firms: filings on research, pooled"), pooled, 1, 1.0,
            _COST_WHY, count,
        ),
        FirmSlope(
            "us.elasticity_within",
            Bilingual(
                "美国企业：申请量对研发及五期滞后之和（企业固定效应）",
                "US firms: filings on research and five lags, summed, within firms",
            ),
            total, error, 1.0, _COST_WHY, within.observations, within.groups,
        ),
        _slope(
            "us.size", Bilingual("美国企业：专利件数对资本规模", "US firms: patents on book value of capital"), size, 1, 1.0, _SIZE_WHY,
            count,
        ),
    ]  # fmt: skip


def _world_slopes(c: Columns) -> list[FirmSlope]:
    _need(c, "PatentsRD.csv", "fi", "year", "patent", "rdexp")
    firm, years = c["fi"], _dummies(c["year"])
    pooled = poisson(c["patent"], np.column_stack([np.ones(firm.size), c["rdexp"], years]), firm)
    within = poisson_fixed_effects(c["patent"], np.column_stack([c["rdexp"], years]), firm)
    count = int(np.unique(firm).size)
    return [
        _slope(
            "world.elasticity", Bilingual("国际制造企业：申请量对研发（混合）", "International firms: filings on research, pooled"),
            pooled, 1, 1.0, _COST_WHY, count,
        ),
        _slope(
            "world.elasticity_within",
            Bilingual("国际制造企业：申请量对研发（企业固定效应）", "International firms: filings on research, within firms"), within, 0,
            1.0, _COST_WHY, within.groups,
        ),
    ]  # fmt: skip


def _chemical_slopes(c: Columns) -> list[FirmSlope]:
    _need(c, "rdchem.csv", "lrd", "lsales")
    fit = least_squares(c["lrd"], np.column_stack([np.ones(c["lrd"].size), c["lsales"]]))
    label = Bilingual("美国化工企业：研发对销售", "US chemical firms: research on sales")
    return [_slope("chemicals.elasticity", label, fit, 1, 1.0, _INTENSITY_WHY, fit.observations)]


def _costs(c: Columns) -> tuple[FirmCheck, ...]:
    """Compare the cost of a filing over three years with that of the firm's filings of the next year.

    The claim is for one patent, and a year's mean over a firm's filings scatters less than one patent does: where the claim is too
    narrow for the mean, it is too narrow for the patent all the more.
    """
    filings = c["pat1"] + c["pat2"] + c["pat3"]
    known = (filings > 0) & (c["pat"] > 0)
    spent = np.exp(c["logr1"]) + np.exp(c["logr2"]) + np.exp(c["logr3"])
    claimed = np.log(spent[known] / filings[known])
    found = np.log(np.exp(c["logr"][known]) / c["pat"][known])
    a_year, firm = filings[known] / 3, c["obsno"][known]
    checks = []
    for name, least, most, label in _CLASSES:
        mine = (a_year >= least) & (a_year < most)
        if mine.sum() < 2:
            continue
        rows = tuple(
            coverage(
                claimed[mine] - half, claimed[mine] + half, found[mine], level
            )
            for level in LEVELS
            for half in [float(stats.norm.ppf((1 + level) / 2)) * COST_SIGMA]
        )  # fmt: skip
        gap = found[mine] - claimed[mine]
        checks.append(
            FirmCheck(
                name,
                label,
                rows,
                float(gap.mean()),
                float(gap.std(ddof=1)),
                COST_SIGMA,
                int(np.unique(firm[mine]).size),
            )
        )
    return tuple(checks)
