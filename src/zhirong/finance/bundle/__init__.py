"""The bundle: loan, guarantee, insurance, risk pool, subsidy, securitisation and equity designed together (产品联动)."""

from zhirong.finance.bundle.compare import Comparison, FrontierPoint, Saving, compare, frontier, separate_cost
from zhirong.finance.bundle.cycle import FixedPoint, fixed_point
from zhirong.finance.bundle.design import Bundle, Constraint, NoBundle, design
from zhirong.finance.bundle.firm import Firm, read_firm
from zhirong.finance.bundle.flows import Transfer, dated_cost, transfers
from zhirong.finance.bundle.gains import Gains, share_gains
from zhirong.finance.bundle.programmes import LABELS, PROGRAMMES, linked_offers, programme, reference_rate
from zhirong.finance.bundle.proposal import Proposal, propose
from zhirong.finance.bundle.spec import Bank, BundleSpec, Kicker, Need, Pool, Protector, PublicMoney, Risk, TakeOut

__all__ = [
    "LABELS",
    "PROGRAMMES",
    "Bank",
    "Bundle",
    "BundleSpec",
    "Comparison",
    "Constraint",
    "Firm",
    "FixedPoint",
    "FrontierPoint",
    "Gains",
    "Kicker",
    "Need",
    "NoBundle",
    "Pool",
    "Proposal",
    "Protector",
    "PublicMoney",
    "Risk",
    "Saving",
    "TakeOut",
    "Transfer",
    "compare",
    "dated_cost",
    "design",
    "fixed_point",
    "frontier",
    "linked_offers",
    "programme",
    "propose",
    "read_firm",
    "reference_rate",
    "separate_cost",
    "share_gains",
    "transfers",
]
