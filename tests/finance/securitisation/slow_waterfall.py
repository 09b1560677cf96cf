"""The waterfall once more: one path, plain Python, read straight from the deal, with none of the arrays of the kernel.

Exact fractions may be passed in instead of floats; then the conservation of cash is exact.
"""

from __future__ import annotations

from zhirong.finance.securitisation.schedule import payment_dates
from zhirong.finance.securitisation.spec import Deal
from zhirong.kernel.dates import year_fraction

TINY = 1e-4
"""A hundredth of a fen: what is not above it is rounding."""


class SlowDeal:
    """State and steps of one path."""

    def __init__(self, deal: Deal, number=float, with_support: bool = True) -> None:
        self.deal, self.number = deal, number
        n = number
        self.balance = {t.id: n(t.balance) for t in deal.tranches}
        self.unpaid = {t.id: n(0) for t in deal.tranches}
        self.fees = {f.id: n(0) for f in deal.fees}
        self.cash, self.reserve = n(0), n(deal.reserve.initial)
        self.owed, self.used = n(0), n(0)
        self.pool = n(deal.pool.balance)
        self.defaulted, self.recovered, self.bought_back = n(0), n(0), n(0)
        self.called = self.revolving_over = False
        self.breached: dict[str, bool] = {}
        self.with_support = with_support
        self.bought: list[tuple[int, object]] = []
        self.back_share: list[object] = []
        self.replaced_default: list[object] = []
        self.lines: list[dict] = []

    def run(self, flows, fails=None, hazard=None) -> list[dict]:
        dates = payment_dates(self.deal)
        start = self.deal.closing
        self.alive_until = len(dates) if fails is None else int(fails)
        self.hazard = [self.number(0)] * len(dates) if hazard is None else [self.number(h) for h in hazard]
        for t, day in enumerate(dates):
            self.t, self.start, self.day, self.is_last = t, start, day, t == len(dates) - 1
            self.years = self.number(year_fraction(start, day, self.deal.day_count))
            self.period(flows[t])
            start = day
        return self.lines

    def period(self, flow) -> None:
        n = self.number
        self.line = {
            "support": n(0),
            "fees": n(0),
            "reimbursed": n(0),
            "purchases": n(0),
            "residual": n(0),
            "call": n(0),
        }
        self.paid = {t.id: [n(0), n(0)] for t in self.deal.tranches}
        opening = self.reserve + self.cash
        if self.deal.guarantor:
            self.owed += self.owed * n(self.deal.guarantor.interest_rate) * self.years
        self.collect(flow)
        self.dues()
        self.clean_up()
        self.tests()
        for step in self.deal.steps:
            if step.condition and self.breached[step.condition] is not step.wanted:
                continue
            getattr(self, step.action)(step)
        line = self.line
        out = (
            line["fees"]
            + line["reimbursed"]
            + line["purchases"]
            + line["residual"]
            + sum(a + b for a, b in self.paid.values())
        )
        line["error"] = opening + self.inflow + line["call"] + line["support"] - out - self.reserve - self.cash
        line |= {"reserve": self.reserve, "cash": self.cash, "pool": self.pool, "owed": self.owed}
        line["tranches"] = {k: (*self.paid[k], self.balance[k], self.unpaid[k]) for k in self.balance}
        line["breached"] = {k: v for k, v in self.breached.items() if k != "revolving"}
        self.lines.append(line)

    def replacement(self):
        """What each purchase pays now: (interest, principal, default, balance)."""
        spec, total = self.deal.revolving, [self.number(0)] * 4
        months, c = spec.asset.interval_months, spec.asset.rate * spec.asset.interval_months / 12
        step = self.deal.payment_interval_months
        for when, amount in self.bought:
            left, alive, before = 1.0, 1, self.t - when
            for h in self.hazard[when + 1 : self.t]:
                alive = alive * (1 - h)
            opening = closing = 1.0
            interest = principal = 0.0
            for k in range(spec.asset.payments):
                age = -(-(months * (k + 1)) // step)
                pays = self.pay_of(spec.asset, left, c, k)
                if age < before:
                    opening -= pays
                if age == before:
                    interest += left * c
                    principal += pays
                if age <= before:
                    closing -= pays
                left -= pays
            dies = self.hazard[self.t]
            n = self.number
            total[0] += amount * alive * (1 - dies) * n(interest)
            total[1] += amount * alive * (1 - dies) * n(principal)
            total[2] += amount * alive * dies * n(opening)
            total[3] += amount * alive * (1 - dies) * n(max(closing, 0.0) if abs(closing) > 1e-12 else 0.0)
        return total

    @staticmethod
    def pay_of(asset, left, c, k):
        if k == asset.payments - 1:
            return left
        if k < asset.grace_payments or asset.amortisation == "bullet":
            return 0.0
        if asset.amortisation == "equal_principal":
            return 1.0 / (asset.payments - asset.grace_payments)
        n = asset.payments - k
        return left / sum((1 + c) ** -m for m in range(1, n + 1)) - left * c

    def collect(self, flow) -> None:
        n, deal = self.number, self.deal
        lag = -(-deal.pool.recovery.lag_months // deal.payment_interval_months)
        interest, principal, prepaid, recovery, default, balance = (n(0) if self.called else n(x) for x in flow)
        if deal.revolving:
            more = [n(0)] * 4 if self.called else self.replacement()
            interest, principal, default, balance = (
                interest + more[0],
                principal + more[1],
                default + more[2],
                balance + more[3],
            )
            self.replaced_default.append(more[2])
            if self.t >= lag and not self.called:
                recovery += n(deal.pool.recovery.mean) * self.replaced_default[self.t - lag]
        back = n(0)
        if deal.buy_back:
            back = n(deal.buy_back.share) * default
            if deal.buy_back.cap is not None:
                back = max(min(back, n(deal.buy_back.cap) - self.bought_back), n(0))
            self.bought_back += back
        self.back_share.append(back / default if back > 0 else n(0))
        if self.t >= lag:
            recovery *= 1 - self.back_share[self.t - lag]
        earned = (self.cash + self.reserve) * n(deal.reserve.interest_rate) * self.years
        self.interest_in = interest + earned
        self.budget = principal + prepaid + recovery + back
        self.collected = interest + principal + prepaid + recovery
        self.decline = max(self.pool - balance, n(0))
        self.opening_pool, self.carried = self.pool, self.cash
        self.inflow = self.interest_in + self.budget
        self.cash += self.inflow
        self.pool = balance
        self.defaulted += default
        self.recovered += recovery + back
        self.line |= {"recovery": recovery, "buy_back": back, "default": default}

    def dues(self) -> None:
        n, deal = self.number, self.deal
        self.before = dict(self.unpaid)
        opened = {t.id: self.balance[t.id] for t in deal.tranches}
        for tranche in deal.tranches:
            index = n(0)
            if tranche.is_floating:
                index = n([v for d, v in deal.index.items() if d <= self.start][-1])
            rate = (n(tranche.coupon) + index) * self.years
            owed = self.unpaid[tranche.id]
            self.unpaid[tranche.id] = opened[tranche.id] * rate + owed + (owed * rate if tranche.compounds else n(0))
        self.notes = sum((opened[t.id] for t in deal.tranches if not t.is_residual), n(0))
        if self.notes > TINY or self.opening_pool > TINY:
            for fee in deal.fees:
                if fee.once and self.t > 0:
                    continue
                years = n(1) if fee.once else self.years
                basis = {"pool": self.opening_pool, "collections": self.collected, "notes": sum(opened.values(), n(0))}
                if fee.basis == "fixed":
                    self.fees[fee.id] += n(fee.amount) * years
                else:
                    self.fees[fee.id] += (
                        n(fee.rate) * (n(1) if fee.basis == "collections" else years) * basis[fee.basis]
                    )
        account, due = deal.reserve, sum(self.fees.values(), n(0)) + sum(self.unpaid.values(), n(0))
        bases = {
            "amount": n(0),
            "original_pool": n(deal.pool.balance),
            "pool": self.pool,
            "notes": self.notes,
            "payment": due,
        }
        self.target = max(n(account.floor), n(account.share) * bases[account.basis])
        if self.is_last or self.notes < TINY:
            self.target = n(0)

    def clean_up(self) -> None:
        call, revolving = self.deal.clean_up_call, self.deal.revolving
        if not call or self.called or self.pool <= TINY or (revolving and self.day <= revolving.until):
            return
        if self.pool > self.number(call.share) * self.number(self.deal.pool.balance):
            return
        price = self.number(call.price) * self.pool
        due = self.notes + sum(self.unpaid.values(), self.number(0)) + sum(self.fees.values(), self.number(0))
        if self.cash + self.reserve + price >= due:
            self.called = True
            self.cash += price
            self.budget += price
            self.decline += self.pool
            self.pool = self.number(0)
            self.line["call"] = price

    def tests(self) -> None:
        old, self.breached = self.breached, {}
        for trigger in self.deal.triggers:
            self.test(trigger, old)
        if self.deal.revolving:
            stop = self.deal.revolving.stop
            if self.day > self.deal.revolving.until or (stop and self.breached[stop]):
                self.revolving_over = True
            self.breached["revolving"] = not self.revolving_over

    def test(self, trigger, old) -> bool:
        if trigger.id in self.breached:
            return self.breached[trigger.id]
        n = self.number
        level = n(trigger.level)
        for day, value in trigger.levels.items():
            level = n(value) if day <= self.day else level
        original = n(self.deal.pool.balance)
        kind = trigger.test
        if kind == "oc":
            total = sum((self.balance[k] for k in trigger.tranches), n(0))
            found = total > TINY and self.pool + self.budget + self.carried < level * total - n(TINY)
        elif kind == "ic":
            total = sum(self.fees.values(), n(0)) + sum((self.unpaid[k] for k in trigger.tranches), n(0))
            found = total > TINY and self.interest_in < level * total - n(TINY)
        elif kind == "cumulative_default":
            found = self.defaulted > level * original + n(TINY)
        elif kind == "cumulative_loss":
            found = self.defaulted - self.recovered > level * original + n(TINY)
        elif kind == "reserve":
            found = self.reserve < level * self.target - n(TINY)
        elif kind == "interest_shortfall":
            found = any(self.before[k] > TINY for k in trigger.tranches)
        elif kind == "guarantor_default":
            found = self.t >= self.alive_until
        elif kind == "from_date":
            found = self.day >= trigger.day
        else:
            by_id = {item.id: item for item in self.deal.triggers}
            parts = [self.test(by_id[name], old) for name in trigger.parts]
            found = any(parts) if kind == "any_of" else all(parts)
        self.breached[trigger.id] = bool(found) or (not trigger.is_curable and old.get(trigger.id, False))
        return self.breached[trigger.id]

    def pay(self, wanted, sources):
        paid = min(wanted, self.cash)
        self.cash -= paid
        if "reserve" in sources:
            more = min(wanted - paid, self.reserve)
            self.reserve -= more
            paid += more
        if "guarantor" in sources and self.with_support and self.t < self.alive_until:
            more = wanted - paid
            if self.deal.guarantor.cap is not None:
                more = max(min(more, self.number(self.deal.guarantor.cap) - self.used), self.number(0))
            self.used += more
            self.owed += more
            self.line["support"] += more
            paid += more
        return paid

    def pay_fees(self, step) -> None:
        for name in step.targets:
            paid = self.pay(self.fees[name], step.sources)
            self.fees[name] -= paid
            self.line["fees"] += paid

    def pay_interest(self, step) -> None:
        due = sum((self.unpaid[k] for k in step.targets), self.number(0))
        if due > 0:
            paid = self.pay(due, step.sources)
            for k in step.targets:
                part = self.unpaid[k] * paid / due
                self.unpaid[k] -= part
                self.paid[k][0] += part

    def pay_principal(self, step) -> None:
        n, by_id = self.number, {t.id: t for t in self.deal.tranches}
        due = {}
        for k in step.targets:
            least, tranche = n(0), by_id[k]
            if step.amount == "scheduled":
                least = n(([tranche.balance] + [v for d, v in tranche.schedule.items() if d <= self.day])[-1])
            due[k] = max(self.balance[k] - least, n(0))
            if step.amount == "at_maturity":
                final = tranche.legal_final or self.deal.legal_final
                is_due = self.is_last or self.day >= final
                due[k] = self.balance[k] if is_due else n(0)
        total = sum(due.values(), n(0))
        limits = {"collections": self.budget, "pool_decline": self.decline}
        wanted = min(total, limits.get(step.amount, total))
        if step.amount == "to_oc":
            wanted = min(total, max(total - self.pool / n(step.ratio), n(0)))
        if wanted <= 0:
            return
        paid = self.pay(wanted, step.sources)
        self.budget, self.decline = max(self.budget - paid, n(0)), max(self.decline - paid, n(0))
        left = paid
        for k in step.targets:
            part = due[k] * paid / total if step.is_pro_rata else min(left, due[k])
            left -= part
            self.balance[k] -= part
            self.paid[k][1] += part

    def fund_reserve(self, step) -> None:
        amount = min(self.cash, max(self.target - self.reserve, self.number(0)))
        self.cash -= amount
        self.reserve += amount

    def release_reserve(self, step) -> None:
        amount = max(self.reserve - self.target, self.number(0))
        self.reserve -= amount
        self.cash += amount

    def reimburse_guarantor(self, step) -> None:
        amount = min(self.cash, self.owed)
        self.cash -= amount
        self.owed -= amount
        self.line["reimbursed"] += amount

    def buy_assets(self, step) -> None:
        if self.revolving_over:
            return
        amount = min(self.cash, self.budget)
        self.cash -= amount
        self.budget -= amount
        bought = amount / self.number(self.deal.revolving.price)
        self.bought.append((self.t, bought))
        self.pool += bought
        self.line["purchases"] += amount

    def pay_residual(self, step) -> None:
        self.line["residual"] += self.cash
        self.cash = self.number(0)
