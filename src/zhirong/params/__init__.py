"""Dated, sourced legal and market values by jurisdiction, asked for at a date; and shipped facts."""

from zhirong.params.book import Parameter, ParameterBook, load
from zhirong.params.documentation import parameters_page
from zhirong.params.facts import WIPO35_SOURCE, field_of, gbt42748, wipo35, wipo35_fields

__all__ = [
    "WIPO35_SOURCE",
    "Parameter",
    "ParameterBook",
    "field_of",
    "gbt42748",
    "load",
    "parameters_page",
    "wipo35",
    "wipo35_fields",
]
