"""The pledge register: one patent cannot be pledged twice, because no register that says so can be made.

`PledgeRegister` is a value. Every change gives a new one, and the constructor refuses any state in which a patent is held by two
pledges at once, so a double pledge cannot be stored, read back or merged in.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from zhirong.kernel.errors import DomainError, UnknownNameError
from zhirong.kernel.money import Money

__all__ = ["DoublePledgeError", "Pledge", "PledgeRegister", "PledgeState"]


class PledgeState(StrEnum):
    """Where a pledge stands."""

    DRAFTED = "drafted"
    SIGNED = "signed"
    FILED = "filed"
    CORRECTED = "corrected"
    REGISTERED = "registered"
    CHANGED = "changed"
    RELEASED = "released"
    ENFORCED = "enforced"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"


_S = PledgeState
_NEXT: dict[PledgeState, frozenset[PledgeState]] = {
    _S.DRAFTED: frozenset({_S.SIGNED, _S.WITHDRAWN}),
    _S.SIGNED: frozenset({_S.FILED, _S.WITHDRAWN}),
    _S.FILED: frozenset({_S.CORRECTED, _S.REGISTERED, _S.WITHDRAWN}),
    _S.CORRECTED: frozenset({_S.CORRECTED, _S.REGISTERED, _S.WITHDRAWN}),
    _S.REGISTERED: frozenset({_S.CHANGED, _S.RELEASED, _S.ENFORCED, _S.LAPSED}),
    _S.CHANGED: frozenset({_S.CHANGED, _S.RELEASED, _S.ENFORCED, _S.LAPSED}),
}
_HOLDING = frozenset({_S.FILED, _S.CORRECTED, _S.REGISTERED, _S.CHANGED})
"""States in which the patent is taken: a filing holds its place, so a second one cannot slip in while it is examined."""
_PERFECTED = frozenset({_S.REGISTERED, _S.CHANGED})


class DoublePledgeError(DomainError):
    """A patent is held by another pledge."""

    code = "double_pledge"


@dataclass(frozen=True, slots=True)
class Pledge:
    """One pledge of one or more patents for one debt.

    Parameters
    ----------
    pledge_id : str
        Not empty.
    patent_ids : tuple of str
        One or more, no two the same.
    pledgor, pledgee : str
        Owner and creditor; not the same.
    ceiling : Money or None
        Secured amount as registered, None where it is not known. Not the amount lent, and not what is owed.
    state : PledgeState
        Where it stands.
    history : tuple of (PledgeState, date)
        Every state with its day, oldest first; the last is `state`.
    """

    pledge_id: str
    patent_ids: tuple[str, ...]
    pledgor: str
    pledgee: str
    ceiling: Money | None
    state: PledgeState = PledgeState.DRAFTED
    history: tuple[tuple[PledgeState, date], ...] = ()

    def __post_init__(self) -> None:
        for name in ("pledge_id", "pledgor", "pledgee"):
            if not str(getattr(self, name)).strip():
                raise DomainError(f"field {name}: empty; allowed: a name")
        if not self.patent_ids or len(set(self.patent_ids)) != len(self.patent_ids):
            raise DomainError(f"field patent_ids: {self.patent_ids}; allowed: one or more, no two the same")
        if self.pledgor == self.pledgee:
            raise DomainError(f"field pledgee: {self.pledgee!r} is the pledgor too; allowed: another party")
        if self.ceiling is not None and self.ceiling.minor <= 0:
            raise DomainError(f"field ceiling: {self.ceiling}; allowed: above 0")
        self._check_history()

    def _check_history(self) -> None:
        states = [PledgeState.DRAFTED, *(state for state, _ in self.history)]
        for before, after in itertools.pairwise(states):
            if after not in _NEXT.get(before, frozenset()):
                allowed = ", ".join(sorted(_NEXT.get(before, frozenset()))) or "none, it has ended"
                raise DomainError(f"field state: {before} cannot become {after}; allowed: {allowed}")
        if states[-1] is not self.state:
            raise DomainError(f"field state: {self.state}; allowed: {states[-1]}, the last of its history")
        days = [day for _, day in self.history]
        if days != sorted(days):
            raise DomainError("field history: dates reversed; allowed: not falling")

    @classmethod
    def read(cls, pledge_id: str, patent_id: str, pledgor: str, pledgee: str, day: date) -> Pledge:
        """Return a pledge known only from the published register, which dates the registration and states no ceiling."""
        states = (PledgeState.SIGNED, PledgeState.FILED, PledgeState.REGISTERED)
        history = tuple((state, day) for state in states)
        return cls(pledge_id, (patent_id,), pledgor, pledgee, None, PledgeState.REGISTERED, history)

    @property
    def holds(self) -> bool:
        """Whether its patents are taken."""
        return self.state in _HOLDING

    @property
    def priority_date(self) -> date | None:
        """Day of registration, from which the right exists against others; None before."""
        return next((day for state, day in self.history if state is PledgeState.REGISTERED), None)

    @property
    def is_perfected(self) -> bool:
        """Whether it is registered and has not ended."""
        return self.state in _PERFECTED

    def moved(self, state: PledgeState, day: date) -> Pledge:
        """Return the pledge in its next state."""
        return replace(self, state=state, history=(*self.history, (state, day)))


@dataclass(frozen=True, slots=True)
class PledgeRegister:
    """All pledges, by id; frozen.

    Parameters
    ----------
    pledges : tuple of Pledge
        Any order.

    Raises
    ------
    DoublePledgeError
        Where two pledges hold one patent.

    Examples
    --------
    >>> from zhirong.kernel.money import Money
    >>> one = Pledge("p1", ("CN1",), "Owner", "Bank A", Money.of(100, "CNY"))
    >>> register = PledgeRegister((one,))
    >>> register.is_free("CN1")
    True
    """

    pledges: tuple[Pledge, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "pledges", tuple(sorted(self.pledges, key=lambda p: p.pledge_id)))
        ids = [p.pledge_id for p in self.pledges]
        if len(set(ids)) != len(ids):
            raise DomainError("field pledges: two have one pledge_id; allowed: each once")
        holder: dict[str, Pledge] = {}
        for pledge in self.pledges:
            for patent in pledge.patent_ids if pledge.holds else ():
                if (other := holder.get(patent)) is not None:
                    raise DoublePledgeError(
                        f"{patent} is held by pledge {other.pledge_id} ({other.state}, {other.pledgee}); "
                        f"pledge {pledge.pledge_id} cannot take it"
                    )
                holder[patent] = pledge

    def get(self, pledge_id: str) -> Pledge:
        """Return a pledge by id."""
        for pledge in self.pledges:
            if pledge.pledge_id == pledge_id:
                return pledge
        raise UnknownNameError("pledge", pledge_id, [p.pledge_id for p in self.pledges])

    def add(self, pledge: Pledge) -> PledgeRegister:
        """Return the register with one pledge more."""
        return PledgeRegister((*self.pledges, pledge))

    def move(self, pledge_id: str, state: PledgeState, day: date) -> PledgeRegister:
        """Return the register with one pledge in its next state; refuse a filing for a patent that is held."""
        changed = self.get(pledge_id).moved(state, day)
        return PledgeRegister(tuple(changed if p.pledge_id == pledge_id else p for p in self.pledges))

    def holder(self, patent_id: str) -> Pledge | None:
        """Return the pledge that holds a patent, or None."""
        return next((p for p in self.pledges if p.holds and patent_id in p.patent_ids), None)

    def is_free(self, patent_id: str) -> bool:
        """Return whether no pledge holds a patent."""
        return self.holder(patent_id) is None

    def refuse_taken(self, patent_ids: Iterable[str]) -> None:
        """Raise `DoublePledgeError` where a patent is held."""
        for patent in patent_ids:
            if (other := self.holder(patent)) is not None:
                raise DoublePledgeError(
                    f"{patent} is held by pledge {other.pledge_id} ({other.state}, {other.pledgee})"
                )

    def in_priority_order(self) -> tuple[Pledge, ...]:
        """Return perfected pledges, earliest registration first."""
        perfected = [p for p in self.pledges if p.is_perfected]
        return tuple(sorted(perfected, key=lambda p: (p.priority_date or date.max, p.pledge_id)))
