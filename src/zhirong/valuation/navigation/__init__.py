"""Patent navigation: the landscape of a field, class, region or portfolio, and how to cultivate a portfolio in it."""

from zhirong.valuation.navigation.build import navigate
from zhirong.valuation.navigation.scope import Scope, ScopeKind
from zhirong.valuation.navigation.types import (
    Advice,
    CategoryGap,
    Concentration,
    Dependence,
    Entrant,
    Estimate,
    FilingOption,
    Flag,
    Freedom,
    Growth,
    Holder,
    Navigation,
    OfficeGap,
    OpenFiling,
    WhiteSpot,
    WhiteSpots,
)

__all__ = [
    "Advice",
    "CategoryGap",
    "Concentration",
    "Dependence",
    "Entrant",
    "Estimate",
    "FilingOption",
    "Flag",
    "Freedom",
    "Growth",
    "Holder",
    "Navigation",
    "OfficeGap",
    "OpenFiling",
    "Scope",
    "ScopeKind",
    "WhiteSpot",
    "WhiteSpots",
    "navigate",
]
