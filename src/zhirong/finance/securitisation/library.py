"""Deals that ship: structures modelled on the published terms of real deals, each value with its source or marked assumed."""

from __future__ import annotations

from importlib import resources

from zhirong.finance.securitisation.parse import parse_deal
from zhirong.finance.securitisation.spec import Deal
from zhirong.kernel.errors import UnknownNameError

__all__ = ["deal_names", "load_deal"]


def deal_names() -> tuple[str, ...]:
    """Return the names of the deals that ship."""
    folder = resources.files("zhirong.finance.securitisation") / "deals"
    return tuple(sorted(item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml")))


def load_deal(name: str) -> Deal:
    """Return a deal that ships.

    Raises
    ------
    UnknownNameError
        With the names that exist.
    """
    if name not in deal_names():
        raise UnknownNameError("deal", name, deal_names())
    file = resources.files("zhirong.finance.securitisation") / "deals" / f"{name}.yaml"
    return parse_deal(file.read_text("utf-8"), name=file.name)
