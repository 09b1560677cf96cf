"""Documents of the USPTO: full text since 1976 in every bulk format, classification lists, assignment records."""

from zhirong.evidence.uspto.assignments import AssignmentTableReader, AssignmentXmlReader
from zhirong.evidence.uspto.cpc import CpcReader
from zhirong.evidence.uspto.greenbook import GreenbookReader
from zhirong.evidence.uspto.xml import UsptoXmlReader

__all__ = [
    "AssignmentTableReader",
    "AssignmentXmlReader",
    "CpcReader",
    "GreenbookReader",
    "UsptoXmlReader",
]
