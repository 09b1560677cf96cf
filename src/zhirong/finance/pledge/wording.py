"""What blocks a pledge, what is not known of it, and the covenants, in words."""

from __future__ import annotations

from collections.abc import Sequence

from zhirong.finance.pledge.register import PledgeRegister
from zhirong.finance.pledge.spec import PledgedRight, PledgeSpec
from zhirong.kernel.money import Money
from zhirong.kernel.text import Bilingual

__all__ = ["blocking_of", "covenants_of"]

_FACTS: tuple[tuple[str, bool, Bilingual, Bilingual], ...] = (
    ("is_annuity_paid", True, Bilingual("年费未缴", "annuity not paid"), Bilingual("年费状态", "whether the annuity is paid")),
    (
        "has_invalidation_petition", False, Bilingual("无效宣告请求审理中", "invalidation pending"),
        Bilingual("是否被请求宣告无效", "whether an invalidation is pending"),
    ),
    (
        "has_preservation_order", False, Bilingual("被财产保全", "under a preservation order"),
        Bilingual("是否被财产保全", "whether under a preservation order"),
    ),
    (
        "has_co_owner_consent", True, Bilingual("共有人未同意出质", "co-owners have not consented"),
        Bilingual("共有人是否同意", "whether co-owners consent"),
    ),
)  # fmt: skip


def blocking_of(
    rights: Sequence[PledgedRight], spec: PledgeSpec, register: PledgeRegister, *, has_borrower: bool
) -> tuple[tuple[Bilingual, ...], tuple[Bilingual, ...]]:
    """Return what forbids the loan, and what is not known."""
    blocks: list[Bilingual] = []
    unknown: list[Bilingual] = []
    if spec.months > spec.most_years * 12:
        blocks.append(
            Bilingual(
                f"期限 {spec.months} 个月超过产品上限 {spec.most_years:g} 年",
                f"A term of {spec.months} months is above the programme's {spec.most_years:g} years",
            )
        )
    offered = {r.right_id for r in rights}
    for right in rights:
        blocks += _of_right(right, spec, register, offered)
        for name, good, bad, question in _FACTS:
            told = getattr(right, name)
            if told is None:
                unknown.append(
                    Bilingual(
                        f"{right.right_id}：{question.zh}未知，须核实", f"{right.right_id}: not known {question.en}"
                    )
                )
            elif told is not good:
                blocks.append(Bilingual(f"{right.right_id}：{bad.zh}", f"{right.right_id}: {bad.en}"))
    if not has_borrower:
        unknown.append(
            Bilingual(
                "未提供借款人现金流，偿债能力未检验",
                "No cash flow of the borrower was given; its capacity to pay is not tested",
            )
        )
    return tuple(blocks), tuple(unknown)


def _of_right(right: PledgedRight, spec: PledgeSpec, register: PledgeRegister, offered: set[str]) -> list[Bilingual]:
    found: list[Bilingual] = []
    name = right.right_id
    if (other := register.holder(name)) is not None:
        found.append(
            Bilingual(
                f"{name}：已由 {other.pledgee} 的质押 {other.pledge_id} 占用，不得重复出质",
                f"{name}: held by pledge {other.pledge_id} of {other.pledgee}; it cannot be pledged twice",
            )
        )
    if right.kind not in spec.ltv_caps:
        found.append(Bilingual(f"{name}：该类权利未设质押率", f"{name}: no loan-to-value cap for its kind"))
    least = spec.least_life_years.get(right.kind, 0.0)
    life = right.remaining_life_years
    if life is None:
        found.append(Bilingual(f"{name}：剩余保护期未知", f"{name}: remaining life not known"))
    elif life < least:
        found.append(
            Bilingual(
                f"{name}：剩余保护期 {life:.1f} 年，低于 {least:g} 年",
                f"{name}: {life:.1f} years left, below {least:g}",
            )
        )
    if absent := sorted(set(right.family_members) - offered):
        listed = ", ".join(absent)
        found.append(
            Bilingual(f"{name}：同族 {listed} 未一并出质", f"{name}: family members {listed} are not pledged with it")
        )
    return found


def covenants_of(spec: PledgeSpec, amount: Money) -> tuple[Bilingual, ...]:
    """Return the covenants of a loan."""
    floor = amount.to_float() / spec.floor_ltv
    return (
        Bilingual(
            f"价值下限：重估价值不得低于贷款余额的 {1 / spec.floor_ltv:.2f} 倍（放款时为 {floor:,.0f} 元）",
            f"Value floor: the revalued rights stay at {1 / spec.floor_ltv:.2f} times the balance "
            f"(CNY {floor:,.0f} at disbursement)",
        ),
        Bilingual(
            f"补足：贷款余额与价值之比超过 {spec.floor_ltv:.0%} 后 30 日内追加质物或提前还款",
            f"Top-up: within 30 days of a loan to value above {spec.floor_ltv:.0%}, more security or prepayment",
        ),
        Bilingual(
            "保险：投保专利执行险与质押融资保证保险，以质权人为受益人",
            "Insurance: enforcement and loan-guarantee cover, the pledgee as beneficiary",
        ),
        Bilingual(
            "年费：按期缴纳，缴费凭证于期限届满前 30 日提交",
            "Annuities: paid in time, the receipt shown 30 days before they fall due",
        ),
        Bilingual(
            "未经质权人书面同意，不得许可或转让质押专利",
            "No licence and no transfer without the pledgee's written consent",
        ),
        Bilingual(
            "发生无效宣告请求或诉讼，5 个工作日内通知质权人",
            "Notice to the pledgee within 5 working days of an invalidation petition or suit",
        ),
        Bilingual(
            "质权自国家知识产权局登记时设立；放款以登记为前提",
            "The pledge arises on registration at CNIPA; no disbursement before it",
        ),
    )
