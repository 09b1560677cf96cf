"""Assumptions: from parameters and evidence by default, from the user's file where one is given.

A file maps names to distributions; each entry replaces the default of that name and is marked in every output:

```yaml
royalty_rate:
  distribution: triangular
  parameters: {low: 0.02, mode: 0.04, high: 0.06}
  source: {title: Licence under negotiation, grade: stated}
```
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy import special

from zhirong.kernel.errors import DomainError, ParameterError, suggest
from zhirong.kernel.provenance import Grade, Source
from zhirong.kernel.text import Bilingual
from zhirong.numerics.distributions import FAMILIES, SCORE_MAX, TABLE_SIZE, quantile_table, quantiles
from zhirong.valuation.income_names import KNOWN_INCOME
from zhirong.valuation.option_terms import KNOWN as KNOWN_OPTIONS
from zhirong.valuation.standard_terms import KNOWN_STANDARDS
from zhirong.valuation.types import Assumption, Distribution

__all__ = ["CORRELATED", "KNOWN", "fixed", "levels_of", "load_overrides", "override", "table_of"]

KNOWN: Mapping[str, tuple[Bilingual, str, float, float]] = {
    "attributable_revenue": (
        Bilingual("可归属于该专利的年收入", "Revenue attributable to the patent"),
        "CNY a year",
        0.0,
        1e13,
    ),
    "growth": (Bilingual("收入增长率", "Growth of revenue"), "fraction a year", -0.9, 2.0),
    "royalty_rate": (Bilingual("许可费率", "Royalty rate"), "fraction of revenue", 0.0, 0.5),
    "discount_rate": (
        Bilingual("折现率（税后、名义）", "Discount rate (after tax, nominal)"),
        "fraction a year",
        0.0,
        1.0,
    ),
    "economic_life": (Bilingual("剩余经济寿命", "Remaining economic life"), "years", 0.0, 60.0),
    "validity": (Bilingual("权利稳定且可执行的概率", "Probability that the right stands"), "fraction", 0.0, 1.0),
    "tax_rate": (Bilingual("所得税税率", "Income tax rate"), "fraction", 0.0, 0.99),
    "tax_life": (Bilingual("税法摊销年限", "Tax amortisation life"), "years", 0.0, 60.0),
    "long_run_growth": (Bilingual("长期增长率", "Long-run growth"), "fraction a year", -0.5, 0.2),
    "growth_fade": (Bilingual("增长衰减", "Share of excess growth left each year"), "fraction", 0.0, 1.0),
    "forced_sale_discount": (Bilingual("强制处置折扣", "Discount of a forced sale"), "fraction", 0.0, 0.99),
    "development_cost": (Bilingual("重置成本", "Cost of development today"), "CNY", 0.0, 1e13),
    "functional_obsolescence": (Bilingual("功能性贬值率", "Functional obsolescence"), "fraction", 0.0, 1.0),
    "correlation_revenue_growth": (
        Bilingual("收入与增长的相关系数", "Correlation of revenue and growth"), "index", -0.99, 0.99,
    ),
    "correlation_revenue_royalty_rate": (
        Bilingual("收入与费率的相关系数", "Correlation of revenue and royalty rate"), "index", -0.99, 0.99,
    ),
    "correlation_growth_discount_rate": (
        Bilingual("增长与折现率的相关系数", "Correlation of growth and discount rate"), "index", -0.99, 0.99,
    ),
    "correlation_growth_economic_life": (
        Bilingual("增长与寿命的相关系数", "Correlation of growth and economic life"), "index", -0.99, 0.99,
    ),
    "correlation_royalty_rate_validity": (
        Bilingual("费率与稳定性的相关系数", "Correlation of royalty rate and validity"), "index", -0.99, 0.99,
    ),
    **KNOWN_INCOME,
    **KNOWN_STANDARDS,
    **KNOWN_OPTIONS,
}  # fmt: skip
"""Every assumption: label, unit, hard bounds."""

CORRELATED: Mapping[str, tuple[str, str]] = {
    "correlation_revenue_growth": ("revenue", "growth"),
    "correlation_revenue_royalty_rate": ("revenue", "royalty_rate"),
    "correlation_growth_discount_rate": ("growth", "discount_rate"),
    "correlation_growth_economic_life": ("growth", "economic_life"),
    "correlation_royalty_rate_validity": ("royalty_rate", "validity"),
}
"""Which two inputs of the simulation a correlation ties; pairs not named here are independent."""

_MUST_BE_FIXED = {"tax_rate", "tax_life", "long_run_growth", "growth_fade", *CORRELATED}
_ENTRY_KEYS = {"distribution", "parameters", "source", "basis"}
_BASES = {"discount_rate": "after_tax_nominal", "growth": "nominal"}
"""The only basis on which flows and rates may be stated here; another is refused rather than mixed."""


def fixed(name: str, value: float, source: Source) -> Assumption:
    """Return an assumption that does not vary."""
    label, unit, low, high = KNOWN[name]
    return Assumption(name, label, Distribution.FIXED, {"value": float(value)}, low, high, unit, source)


def spread(name: str, family: Distribution, parameters: Mapping[str, float], source: Source,
           *, low: float | None = None, high: float | None = None) -> Assumption:  # fmt: skip
    """Return an assumption with a distribution, within the given bounds or those of `KNOWN`."""
    label, unit, least, most = KNOWN[name]
    return Assumption(
        name,
        label,
        family,
        dict(parameters),
        least if low is None else low,
        most if high is None else high,
        unit,
        source,
    )


def table_of(assumption: Assumption) -> NDArray[np.float64]:
    """Return the quantile table of an assumption, shape (TABLE_SIZE,); see `numerics.distributions`."""
    if assumption.distribution is Distribution.WEIBULL_RESIDUAL:
        scores = np.linspace(-SCORE_MAX, SCORE_MAX, TABLE_SIZE)
        return levels_of(assumption, np.asarray(special.ndtr(scores), np.float64))
    return quantile_table(str(assumption.distribution), assumption.parameters, assumption.low, assumption.high)


def levels_of(assumption: Assumption, levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return quantiles of an assumption at probability levels."""
    if assumption.distribution is Distribution.WEIBULL_RESIDUAL:
        p = assumption.parameters
        u = np.clip(levels, 0.0, 1.0 - 1e-12)
        base = (p["age"] / p["scale"]) ** p["shape"]
        left = p["scale"] * (base - np.log1p(-u)) ** (1 / p["shape"]) - p["age"]
        return np.asarray(np.clip(left, assumption.low, assumption.high), np.float64)
    return quantiles(str(assumption.distribution), assumption.parameters, assumption.low, assumption.high, levels)


def override(defaults: Mapping[str, Assumption], mine: Mapping[str, Assumption]) -> dict[str, Assumption]:
    """Return the defaults with the user's on top."""
    return {**defaults, **mine}


def load_overrides(path: Path) -> dict[str, Assumption]:
    """Read a file of assumptions.

    Parameters
    ----------
    path : Path
        YAML or JSON: name to ``distribution``, ``parameters``, ``source`` and, for rates, ``basis``.

    Returns
    -------
    dict of str to Assumption
        Marked `is_overridden`.

    Raises
    ------
    ParameterError
        For a malformed file: names file, key, value and what is allowed.
    """
    try:
        plain = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as err:
        raise ParameterError(f"{path.name}: not readable as YAML: {err}") from err
    if not isinstance(plain, dict):
        raise ParameterError(f"{path.name}: should map names of assumptions to distributions")
    return {str(name): _entry(str(name), entry, path.name) for name, entry in plain.items()}


def _entry(name: str, plain: Any, file: str) -> Assumption:
    where = f"{file}: {name}"
    if name not in KNOWN:
        raise ParameterError(f"{where}: no assumption of this name{suggest(name, KNOWN)}")
    if not isinstance(plain, dict) or not {"distribution", "parameters"} <= plain.keys():
        raise ParameterError(f"{where}: needs the keys distribution and parameters")
    if unknown := plain.keys() - _ENTRY_KEYS:
        raise ParameterError(
            f"{where}: key {sorted(map(str, unknown))[0]!r} is not allowed{suggest(str(next(iter(unknown))), _ENTRY_KEYS)}"
        )
    family = str(plain["distribution"])
    if family not in FAMILIES:
        raise ParameterError(f"{where}.distribution: {family!r} is not allowed; allowed: {', '.join(FAMILIES)}")
    if name in _MUST_BE_FIXED and family != "fixed":
        raise ParameterError(f"{where}.distribution: must be fixed, because it is the same in every draw")
    basis = plain.get("basis")
    if basis is not None and basis != _BASES.get(name):
        allowed = _BASES.get(name, "none")
        raise ParameterError(
            f"{where}.basis: {basis!r} would mix bases; flows here are after tax and nominal; allowed: {allowed}"
        )
    parameters = _parameters(plain["parameters"], where)
    label, unit, low, high = KNOWN[name]
    for key, value in parameters.items():
        if key not in {"sigma", "sd", "a", "b"} and not low <= value <= high:
            raise ParameterError(f"{where}.parameters.{key}: {value} is outside {low:g} to {high:g} {unit}")
    try:
        quantiles(family, parameters, low, high, np.array([0.5]))
    except DomainError as err:
        raise ParameterError(f"{where}.parameters: {err}") from err
    return Assumption(
        name, label, Distribution(family), parameters, low, high, unit, _source(plain.get("source"), where), True
    )


def _parameters(plain: Any, where: str) -> dict[str, float]:
    if not isinstance(plain, dict):
        raise ParameterError(f"{where}.parameters: should map names to numbers")
    for key, value in plain.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ParameterError(f"{where}.parameters.{key}: {value!r} is not a finite number")
    return {str(key): float(value) for key, value in plain.items()}


def _source(plain: Any, where: str) -> Source:
    if plain is None:
        return Source("Given by the user", Grade.STATED, title_zh="由使用者给定")
    if not isinstance(plain, dict) or "title" not in plain or plain.keys() - {"title", "grade", "link", "page", "note"}:
        raise ParameterError(f"{where}.source: takes title, grade, link, page, note; title is needed")
    try:
        grade = Grade(plain.get("grade", "stated"))
    except ValueError:
        raise ParameterError(
            f"{where}.source.grade: {plain['grade']!r} is not allowed; allowed: {', '.join(Grade)}"
        ) from None
    return Source(str(plain["title"]), grade, plain.get("link"), plain.get("page"), None, plain.get("note"))
