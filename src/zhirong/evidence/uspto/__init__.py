"""Documents of the USPTO: full text since 1976 in every bulk format, classification lists, assignment records."""

from zhirong.evidence.uspto.assignments import AssignmentTableReader, AssignmentXmlReader
from zhirong.evidence.uspto.cpc import CpcMasterReader, CpcTitle, read_cpc_scheme
from zhirong.evidence.uspto.greenbook import GreenbookReader
from zhirong.evidence.uspto.xml import UsptoXmlReader

__all__ = [
    "AssignmentTableReader",
    "AssignmentXmlReader",
    "CpcMasterReader",
    "CpcTitle",
    "GreenbookReader",
    "UsptoXmlReader",
    "read_cpc_scheme",
]
