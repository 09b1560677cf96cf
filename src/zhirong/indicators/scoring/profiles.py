"""Profiles: for a scene, which indicators count and how much, and how the weights came about.

A profile is a YAML file that everyone may copy and change. The shipped weights are assumptions of this project and say so;
no national weight vector exists (GB/T 42748-2023 leaves the selection and the weights to each scene).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from zhirong.indicators.catalogue import Dimension, lookup
from zhirong.kernel.errors import DomainError, UnknownNameError
from zhirong.kernel.provenance import Grade, Source, fingerprint
from zhirong.kernel.text import Bilingual
from zhirong.numerics.weighting import ahp_weights

__all__ = ["Item", "Origin", "Profile", "Scale", "load_profile", "parse_profile", "shipped_profiles"]


class Origin(StrEnum):
    """How the weights came about."""

    FIXED = "fixed"
    AHP = "ahp"
    ENTROPY = "entropy"
    CRITIC = "critic"
    LEARNED = "learned"


class Scale(StrEnum):
    """How a value becomes 0-100."""

    PERCENTILE = "percentile"
    """Mid-rank percentile in the cohort."""
    RANGE = "range"
    """Place between the low and the high end of the catalogue's range; the choice for yes and no."""


@dataclass(frozen=True, slots=True)
class Item:
    """One indicator of a profile.

    Parameters
    ----------
    id : str
        Catalogue id.
    dimension : Dimension
        Dimension under which it is summed.
    direction : int
        +1 or -1.
    scale : Scale
        How the value becomes 0-100.
    weight : float or None
        Share in the total, 0-1; None where the data give the weights (entropy, CRITIC).
    """

    id: str
    dimension: Dimension
    direction: int
    scale: Scale
    weight: float | None

    @property
    def column(self) -> str:
        """Column of the indicator in a wide table."""
        return lookup(self.id).column


@dataclass(frozen=True, slots=True)
class Profile:
    """A scene's indicators and weights.

    Parameters
    ----------
    name : str
        File name without extension.
    scene : str
        One of the eight scenes, or ``any``.
    title, note : Bilingual
        What a reader sees.
    editable_by : str
        ``everyone``.
    origin : Origin
        How the weights came about.
    source : Source
        With its grade.
    concentration : float
        Dirichlet concentration of the weights: about 1/concentration is the relative spread of a weight near one half.
    items : tuple of Item
        In order.
    gate : str or None
        Indicator whose 0-100 score multiplies the total where it is known (a right that lapsed is worth nothing).
    consistency_ratio : float or None
        Of the AHP judgements.
    is_topsis_ranked : bool
        Rank by closeness to the ideal instead of the weighted sum.
    version : str
        Fingerprint of the file's content.
    """

    name: str
    scene: str
    title: Bilingual
    note: Bilingual
    editable_by: str
    origin: Origin
    source: Source
    concentration: float
    items: tuple[Item, ...]
    gate: str | None
    consistency_ratio: float | None
    is_topsis_ranked: bool
    version: str

    @property
    def weights(self) -> NDArray[np.float64] | None:
        """Weights in the order of the items, sum 1; None where the data give them."""
        if any(item.weight is None for item in self.items):
            return None
        return np.array([item.weight for item in self.items], dtype=np.float64)

    @property
    def weight_basis(self) -> Bilingual:
        """How the weights came about, for a reader."""
        words = {
            Origin.FIXED: Bilingual("固定权重", "fixed"),
            Origin.AHP: Bilingual("层次分析法", "analytic hierarchy process"),
            Origin.ENTROPY: Bilingual("熵权法", "entropy of the data"),
            Origin.CRITIC: Bilingual("CRITIC 法", "CRITIC on the data"),
            Origin.LEARNED: Bilingual("由数据学习", "learned from data"),
        }[self.origin]
        ratio = f", CR {self.consistency_ratio:.3f}" if self.consistency_ratio is not None else ""
        return Bilingual(f"{words.zh}{ratio}（{self.note.zh}）", f"{words.en}{ratio} ({self.note.en})")


def shipped_profiles() -> tuple[str, ...]:
    """Return the names of the profiles that come with the package, sorted."""
    folder = resources.files("zhirong.indicators.scoring") / "profiles"
    return tuple(sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml")))


def load_profile(name: str | Path, *, allow_inconsistent: bool = False) -> Profile:
    """Return a shipped profile by name, or one from a YAML file.

    Parameters
    ----------
    name : str or Path
        ``pledge``, or a path that ends in .yaml or .yml.
    allow_inconsistent : bool
        Accept AHP judgements with a consistency ratio above 0.1.

    Returns
    -------
    Profile

    Raises
    ------
    UnknownNameError
        For a shipped name or an indicator that does not exist.
    DomainError
        For a file that is not a profile; the message names file and key.
    """
    text = str(name)
    if text.endswith((".yaml", ".yml")):
        path = Path(text)
        if not path.is_file():
            raise DomainError(f"{path.name}: there is no such profile file")
        return parse_profile(path.read_text("utf-8"), name=path.stem, allow_inconsistent=allow_inconsistent)
    if text not in shipped_profiles():
        raise UnknownNameError("profile", text, shipped_profiles())
    file = resources.files("zhirong.indicators.scoring") / "profiles" / f"{text}.yaml"
    return parse_profile(file.read_text("utf-8"), name=text, allow_inconsistent=allow_inconsistent)


def parse_profile(text: str, *, name: str, allow_inconsistent: bool = False) -> Profile:
    """Return a profile from YAML text; see `load_profile` for what is raised."""
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as err:
        raise DomainError(f"profile {name}: not YAML: {err}") from err
    if not isinstance(raw, Mapping):
        raise DomainError(f"profile {name}: a profile is a mapping with scene, title, weights and items")
    try:
        return _profile(raw, name, allow_inconsistent)
    except KeyError as err:
        if isinstance(err, UnknownNameError):
            raise
        raise DomainError(f"profile {name}: key {err} is missing") from err
    except (TypeError, AttributeError) as err:
        raise DomainError(f"profile {name}: {err}") from err


def _profile(raw: Mapping[str, Any], name: str, allow_inconsistent: bool) -> Profile:
    weighting = raw["weights"]
    try:
        origin = Origin(weighting["origin"])
    except ValueError:
        raise UnknownNameError("weight origin", str(weighting["origin"]), [str(o) for o in Origin]) from None
    entries = [{"id": entry} if isinstance(entry, str) else dict(entry) for entry in raw["items"]]
    ids = [entry["id"] for entry in entries]
    if len(set(ids)) != len(ids) or not ids:
        raise DomainError(f"profile {name}: items must be there and each only once")
    weights, ratio = _weights(weighting, entries, origin, name, allow_inconsistent)
    gate = raw.get("gate")
    if gate is not None:
        lookup(gate)
    source = weighting["source"]
    return Profile(
        name=name,
        scene=str(raw["scene"]),
        title=Bilingual(raw["title"]["zh"], raw["title"]["en"]),
        note=Bilingual(raw["note"]["zh"], raw["note"]["en"]),
        editable_by=str(raw.get("editable_by", "everyone")),
        origin=origin,
        source=Source(source["title"], Grade(source["grade"]), link=source.get("link"), page=source.get("page")),
        concentration=float(weighting.get("concentration", 100.0)),
        items=tuple(_item(e, w, name) for e, w in zip(entries, weights, strict=True)),
        gate=gate,
        consistency_ratio=ratio,
        is_topsis_ranked=raw.get("ranking") == "topsis",
        version=fingerprint(raw),
    )


def _item(entry: Mapping[str, Any], weight: float | None, name: str) -> Item:
    known = lookup(entry["id"])
    direction = int(entry.get("direction", known.direction))
    if direction not in (-1, 1):
        raise DomainError(f"profile {name}: {entry['id']} has no direction in the catalogue; say direction: 1 or -1")
    scale = Scale(entry.get("scale", Scale.RANGE if known.unit == "boolean" else Scale.PERCENTILE))
    if scale is Scale.RANGE and known.unit != "boolean" and (known.low is None or known.high is None):
        raise DomainError(f"profile {name}: {entry['id']} has no range in the catalogue; use scale: percentile")
    return Item(entry["id"], Dimension(entry.get("dimension", known.dimension)), direction, scale, weight)


def _weights(
    weighting: Mapping[str, Any], entries: list[dict[str, Any]], origin: Origin, name: str, allow_inconsistent: bool
) -> tuple[list[float | None], float | None]:
    if origin in (Origin.ENTROPY, Origin.CRITIC):
        return [None] * len(entries), None
    ratio = None
    if "dimensions" in weighting:
        shares = dict(weighting["dimensions"])
        if origin is Origin.AHP:
            result = ahp_weights(_judgements(shares["matrix"]), allow_inconsistent=allow_inconsistent)
            ratio = result.consistency_ratio
            shares = dict(zip(shares["order"], result.weights.tolist(), strict=True))
        order = list(shares)
        dimension = [str(e.get("dimension", lookup(e["id"]).dimension)) for e in entries]
        inside = {
            d: sum(float(e["weight"]) for e, at in zip(entries, dimension, strict=True) if at == d) for d in order
        }
        raw = [shares[at] * float(e["weight"]) / inside[at] for e, at in zip(entries, dimension, strict=True)]
    elif origin is Origin.AHP:
        result = ahp_weights(_judgements(weighting["matrix"]), allow_inconsistent=allow_inconsistent)
        ratio, raw = result.consistency_ratio, result.weights.tolist()
    else:
        raw = [float(e["weight"]) for e in entries]
    if len(raw) != len(entries) or any(not w > 0 for w in raw):
        raise DomainError(f"profile {name}: each of {len(entries)} items needs a weight above zero")
    total = sum(raw)
    return [w / total for w in raw], ratio


def _judgements(rows: list[list[Any]]) -> NDArray[np.float64]:
    """Return a matrix whose entries may be written as fractions (``1/3``)."""

    def number(entry: Any) -> float:
        top, _, bottom = str(entry).partition("/")
        return float(top) / float(bottom or 1)

    return np.array([[number(entry) for entry in row] for row in rows], dtype=np.float64)
