"""What a cover promises: event, deductible, limits, layers, waiting time, exclusion; read from YAML, every bad field named at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from zhirong.finance.schedules.checks import within
from zhirong.kernel.errors import DomainError, EvidenceError, UnknownNameError, suggest
from zhirong.kernel.text import Bilingual

__all__ = [
    "COVERS",
    "CoverKind",
    "CoverLayer",
    "CoverSpec",
    "Loan",
    "OwnBook",
    "Treaties",
    "parse_cover",
    "read_cover",
    "shipped_cover",
]


class CoverKind(StrEnum):
    """What is insured."""

    INFRINGEMENT = "infringement"
    ENFORCEMENT = "enforcement"
    GUARANTEE = "guarantee"
    VALIDITY = "validity"
    APPRAISAL = "appraisal"


COVERS: Mapping[CoverKind, Bilingual] = {
    CoverKind.INFRINGEMENT: Bilingual("专利被侵权损失保险", "infringement-loss cover"),
    CoverKind.ENFORCEMENT: Bilingual("专利执行（维权费用）保险", "enforcement-cost cover"),
    CoverKind.GUARANTEE: Bilingual("专利质押贷款保证保险", "pledge-loan guarantee insurance"),
    CoverKind.VALIDITY: Bilingual("专利无效损失保险", "validity cover"),
    CoverKind.APPRAISAL: Bilingual("知识产权评估职业责任保险", "appraisal-liability cover"),
}


@dataclass(frozen=True, slots=True)
class CoverLayer:
    """A slice of the payment for one event: from `attachment_cny` (counted above the deductible), `width_cny` wide, a `share` of it."""

    name: str
    attachment_cny: float
    width_cny: float
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Loan:
    """The loan behind a guarantee or an appraisal: amount, yearly default probability with its range, draws of the loss given default."""

    amount_cny: float
    pd: float
    pd_low: float
    pd_high: float
    lgd: tuple[float, ...]
    appraised_cny: float | None = None


@dataclass(frozen=True, slots=True)
class OwnBook:
    """The insurer's own experience and portfolio: claims seen in patent-years, like policies, and how they cluster."""

    claims: float = 0.0
    patent_years: float = 0.0
    policies: int = 100
    field_share: float = 0.4
    court_share: float = 0.4


@dataclass(frozen=True, slots=True)
class Treaties:
    """Reinsurance of the portfolio, in this order: share ceded of everything, cover of each event, stop loss of the year.

    The last two are (attachment, width) in CNY of what the treaty before left.
    """

    quota_share: float = 0.0
    event: tuple[float, float] | None = None
    stop_loss: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class CoverSpec:
    """A cover.

    Parameters
    ----------
    cover : CoverKind
        Insured event.
    limit_cny, aggregate_limit_cny : float
        For one event, and for the term.
    deductible_cny : float
        Of one event, borne by the insured.
    aggregate_deductible_cny : float
        Of the term, after that of each event.
    coinsurance : float
        Share of each payment that the insured bears, 0 to below 1.
    expense_limit_cny : float or None
        Legal expense paid beside the limit, up to this; None: within the limit.
    term_months, waiting_months : int
        Term; events in the first months are not covered.
    excludes_prior : bool
        Infringements that began before the cover are not covered.
    layers : tuple of CoverLayer
        How the payment is sliced; empty for one slice.
    structural_zero : float
        Chance that a risk can make no claim at all (zero inflation), 0 to below 1.
    loan : Loan or None
        Of a guarantee or an appraisal.
    book : OwnBook
        Experience and portfolio.
    reinsurance : Treaties
        Of the portfolio.
    is_synthetic : bool
        The figures are made up.
    """

    cover: CoverKind
    limit_cny: float
    aggregate_limit_cny: float
    deductible_cny: float = 0.0
    aggregate_deductible_cny: float = 0.0
    coinsurance: float = 0.0
    expense_limit_cny: float | None = None
    term_months: int = 12
    waiting_months: int = 0
    excludes_prior: bool = True
    layers: tuple[CoverLayer, ...] = ()
    structural_zero: float = 0.0
    loan: Loan | None = None
    book: OwnBook = field(default_factory=OwnBook)
    reinsurance: Treaties = field(default_factory=Treaties)
    is_synthetic: bool = False

    def __post_init__(self) -> None:
        if self.cover not in COVERS:
            raise UnknownNameError("cover", str(self.cover), [str(k) for k in COVERS])
        wrong = [*_ranges(self), *_together(self)]
        if wrong:
            raise DomainError("; ".join(wrong))

    @property
    def is_credit(self) -> bool:
        """The event is a default, not a dispute."""
        return self.cover in (CoverKind.GUARANTEE, CoverKind.APPRAISAL)

    @property
    def most_per_event_cny(self) -> float:
        """Largest payment for one event after coinsurance."""
        return (1 - self.coinsurance) * (self.limit_cny + (self.expense_limit_cny or 0.0))


_MOST = 1e12
_RANGES: tuple[tuple[str, float, float, bool, bool], ...] = (
    ("limit_cny", 0, _MOST, True, False), ("aggregate_limit_cny", 0, _MOST, True, False), ("deductible_cny", 0, _MOST, False, False),
    ("aggregate_deductible_cny", 0, _MOST, False, False), ("coinsurance", 0, 0.99, False, False), ("term_months", 1, 120, False, True),
    ("expense_limit_cny", 0, _MOST, True, False), ("waiting_months", 0, 119, False, True), ("structural_zero", 0, 0.99, False, False),
    ("loan.amount_cny", 0, _MOST, True, False), ("loan.pd", 1e-6, 0.9, False, False), ("loan.pd_low", 1e-6, 0.9, False, False),
    ("loan.pd_high", 1e-6, 0.9, False, False), ("loan.appraised_cny", 0, _MOST, True, False),
    ("book.claims", 0, 1e9, False, False), ("book.patent_years", 0, 1e9, False, False), ("book.policies", 1, 5000, False, True),
    ("book.field_share", 0, 1, False, False), ("book.court_share", 0, 1, False, False),
    ("reinsurance.quota_share", 0, 0.99, False, False),
)  # fmt: skip

_OPTIONAL = ("expense_limit_cny", "loan.appraised_cny")


def _ranges(spec: CoverSpec) -> list[str]:
    wrong = []
    checks = [(name, _reach(spec, name), *rest) for name, *rest in _RANGES]
    for i, layer in enumerate(spec.layers):
        checks.append((f"layers[{i}].attachment_cny", layer.attachment_cny, 0, _MOST, False, False))
        checks.append((f"layers[{i}].width_cny", layer.width_cny, 0, _MOST, True, False))
        checks.append((f"layers[{i}].share", layer.share, 0, 1, True, False))
    for name in ("event", "stop_loss"):
        treaty = getattr(spec.reinsurance, name)
        if treaty is not None:
            checks.append((f"reinsurance.{name}[0]", treaty[0], 0, _MOST, False, False))
            checks.append((f"reinsurance.{name}[1]", treaty[1], 0, _MOST, True, False))
    for name, value, low, high, open_low, is_whole in checks:
        if value is None and (name in _OPTIONAL or (name.startswith("loan.") and spec.loan is None)):
            continue
        try:
            within(name, value, low, high, open_low=open_low, is_whole=is_whole)
        except DomainError as err:
            wrong.append(str(err))
    for i, share in enumerate(spec.loan.lgd if spec.loan else ()):
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            wrong.append(f"field loan.lgd[{i}]: {share!r}; allowed: a number from 0 to 1")
    return wrong


def _reach(spec: CoverSpec, name: str) -> Any:
    at: Any = spec
    for part in name.split("."):
        at = getattr(at, part) if at is not None else None
    return at


def _together(spec: CoverSpec) -> list[str]:
    """Return what contradicts; only of fields that are numbers."""
    wrong: list[str] = []
    if _all_numbers(spec.aggregate_limit_cny, spec.limit_cny) and spec.aggregate_limit_cny < spec.limit_cny:
        wrong.append(
            f"field aggregate_limit_cny: {spec.aggregate_limit_cny}; allowed: not below limit_cny {spec.limit_cny}"
        )
    if _all_numbers(spec.waiting_months, spec.term_months) and spec.waiting_months >= spec.term_months:
        wrong.append(f"field waiting_months: {spec.waiting_months}; allowed: below term_months {spec.term_months}")
    if (
        _all_numbers(spec.aggregate_deductible_cny, spec.aggregate_limit_cny)
        and spec.aggregate_deductible_cny >= spec.aggregate_limit_cny
    ):
        wrong.append(
            f"field aggregate_deductible_cny: {spec.aggregate_deductible_cny}; allowed: below aggregate_limit_cny"
        )
    loan = spec.loan
    if spec.is_credit and loan is None:
        wrong.append(f"field loan: missing; allowed: amount_cny, pd and lgd, which a {spec.cover} cover needs")
    if loan is not None:
        if _all_numbers(loan.pd, loan.pd_low, loan.pd_high) and not loan.pd_low <= loan.pd <= loan.pd_high:
            wrong.append(f"field loan.pd: {loan.pd}; allowed: between pd_low {loan.pd_low} and pd_high {loan.pd_high}")
        if not loan.lgd:
            wrong.append("field loan.lgd: empty; allowed: one draw of the loss given default, 0 to 1, or more")
        if spec.cover is CoverKind.APPRAISAL and loan.appraised_cny is None:
            wrong.append("field loan.appraised_cny: missing; allowed: the appraised value, above 0")
    return [*wrong, *_layers(spec)]


def _layers(spec: CoverSpec) -> list[str]:
    if not spec.layers or not all(_all_numbers(x.attachment_cny, x.width_cny) for x in spec.layers):
        return []
    wrong, end = [], 0.0
    top = (
        spec.limit_cny + (spec.expense_limit_cny or 0.0)
        if _all_numbers(spec.limit_cny, spec.expense_limit_cny or 0)
        else float("inf")
    )
    for i, layer in enumerate(spec.layers):
        if layer.attachment_cny < end - 1e-6:
            wrong.append(
                f"field layers[{i}].attachment_cny: {layer.attachment_cny}; allowed: from the end of the layer below, {end}"
            )
        end = layer.attachment_cny + layer.width_cny
    if end > top * (1 + 1e-12):
        wrong.append(f"field layers: they reach {end}; allowed: to the limit of an event, {top}")
    return wrong


def _all_numbers(*values: Any) -> bool:
    return all(isinstance(v, int | float) and not isinstance(v, bool) and v == v for v in values)


def parse_cover(text: str, *, name: str) -> CoverSpec:
    """Read a cover from YAML text.

    Raises
    ------
    EvidenceError
        Naming the file and every field that is not allowed, with its value and what is.
    """
    try:
        plain: Any = yaml.safe_load(text)
    except yaml.YAMLError as err:
        raise EvidenceError(f"{name}: cannot be read as YAML: {' '.join(str(err).split())}") from err
    if not isinstance(plain, Mapping):
        raise EvidenceError(
            f"{name}: holds {type(plain).__name__}; allowed: fields with values, e.g. cover: enforcement"
        )
    wrong: list[str] = []
    values = _values(plain, wrong)
    cover, limits = values.get("cover"), ("limit_cny", "aggregate_limit_cny")
    if cover not in list(CoverKind):
        wrong.append(f"field cover: {cover!r}; allowed: {', '.join(CoverKind)}")
    wrong.extend(f"field {n}: missing; allowed: an amount above 0" for n in limits if n not in values)
    spec = None
    try:
        if cover in list(CoverKind) and all(n in values for n in limits):
            spec = CoverSpec(**{**values, "cover": CoverKind(cover)})
    except DomainError as err:
        wrong.append(str(err))
    if wrong or spec is None:
        raise EvidenceError(f"{name}: {'; '.join(dict.fromkeys(wrong))}")
    return spec


def _values(plain: Mapping[Any, Any], wrong: list[str]) -> dict[str, Any]:
    """Return the known fields, nested ones read; what is wrong is added to `wrong`."""
    values = _known(plain, CoverSpec, "", wrong)
    for part, kind in (("loan", Loan), ("book", OwnBook), ("reinsurance", Treaties)):
        if part in values:
            values[part] = _nested(values[part], kind, part, wrong)
    values["layers"] = _read_layers(values.get("layers", ()), wrong)
    flags = [f for f in ("excludes_prior", "is_synthetic") if not isinstance(values.get(f, False), bool)]
    wrong.extend(f"field {flag}: {values[flag]!r}; allowed: true or false" for flag in flags)
    return values


def _known(plain: Mapping[Any, Any], kind: type, path: str, wrong: list[str]) -> dict[str, Any]:
    names = [f.name for f in fields(kind)]
    wrong.extend(f"field {path}{n}: not known{suggest(str(n), names)}" for n in plain if n not in names)
    return {n: v for n, v in plain.items() if n in names}


def _nested(plain: Any, kind: Any, path: str, wrong: list[str]) -> Any:
    if not isinstance(plain, Mapping):
        wrong.append(f"field {path}: {plain!r}; allowed: fields with values")
        return None if kind is Loan else kind()
    values = _known(plain, kind, f"{path}.", wrong)
    if kind is Loan:
        missing = [n for n in ("amount_cny", "pd", "lgd") if n not in values]
        wrong.extend(f"field loan.{n}: missing; allowed: a value" for n in missing)
        if missing:
            return None
        draws = values["lgd"]
        values["lgd"] = tuple(draws) if isinstance(draws, Sequence) and not isinstance(draws, str) else (draws,)
        values = {"pd_low": values["pd"], "pd_high": values["pd"], **values}
    for treaty in ("event", "stop_loss") if kind is Treaties else ():
        given = values.get(treaty)
        if given is not None and not (isinstance(given, list) and len(given) == 2):
            wrong.append(f"field {path}.{treaty}: {given!r}; allowed: [attachment, width] in CNY")
            values[treaty] = None
        elif given is not None:
            values[treaty] = tuple(given)
    return kind(**values)


def _read_layers(plain: Any, wrong: list[str]) -> tuple[CoverLayer, ...]:
    if not isinstance(plain, list | tuple):
        wrong.append(f"field layers: {plain!r}; allowed: a list")
        return ()
    found = []
    for i, one in enumerate(plain):
        if not isinstance(one, Mapping) or not {"name", "attachment_cny", "width_cny"} <= set(one):
            wrong.append(f"field layers[{i}]: {one!r}; allowed: name, attachment_cny, width_cny, share")
            continue
        found.append(CoverLayer(**_known(one, CoverLayer, f"layers[{i}].", wrong)))
    return tuple(found)


def read_cover(path: Path) -> CoverSpec:
    """Read a cover's file; see `parse_cover`."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise EvidenceError(f"{path.name}: cannot be read: {err}") from err
    return parse_cover(text, name=path.name)


def shipped_cover(kind: str) -> CoverSpec:
    """Return the example of a cover that ships with the package.

    Raises
    ------
    UnknownNameError
        With the covers that exist.
    """
    if kind not in list(CoverKind):
        raise UnknownNameError("cover", kind, list(CoverKind))
    file = resources.files("zhirong.finance.insurance") / "covers" / f"{kind}.yaml"
    return parse_cover(file.read_text("utf-8"), name=file.name)
