"""When, how and at what reserve to sell an asset that wastes while one waits: dynamic programming and simulation.

Amounts are in units of the asset's estimated value at the start. Buyers' valuations are ``V e``, V the asset's true worth over the
estimate and log e normal with mean of e 1; their number in a round is Poisson; the price is the second highest bid or the reserve.

Sources: Riley and Samuelson (1981), *American Economic Review* 71, 381-392 (optimal reserve); Myerson (1981), *Mathematics of
Operations Research* 6, 58-73; Lippman and McCall (1976), *Economic Inquiry* 14, 155-189 (search with recall excluded).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import special

from zhirong.kernel.errors import DomainError

__all__ = ["AUCTION", "BUY_BACK", "CHANNELS", "GIVE_UP", "LICENCE", "NEGOTIATED", "PREARRANGED", "WAIT", "Programme", "Sale", "Terms",
           "auction_outcome", "best_reserve", "programme", "simulate"]  # fmt: skip

Floats = NDArray[np.float64]
WAIT, AUCTION, LICENCE, BUY_BACK, PREARRANGED, NEGOTIATED, GIVE_UP = range(7)
CHANNELS = ("wait", "auction", "licence", "buy_back", "prearranged", "negotiated", "give_up")
"""Names of actions and of how a sale ended; a negotiated sale is an offer taken while waiting."""
_RESERVES = 64
_PRICES = 400
_ROUNDS_MAX = 6
_LEARNING_MAX = 12


@dataclass(frozen=True, slots=True)
class Terms:
    """What selling one lot is like.

    Attributes
    ----------
    months : int
        Longest programme, 1 to 360.
    life_months : float
        Protection left at the start; value wastes with it.
    decay : float
        Fall of value a month besides, 0 to below 1.
    discount : float
        Of money, a month, 0 to below 1.
    carrying : float
        Cost of a month of waiting, in units of value, 0 or more.
    bidders : float
        Mean number in an auction round, 0 or more; 0: no auctions.
    dispersion : float
        Standard deviation of log valuations of bidders, above 0.
    auction_months : int
        From notice to money, 1 or more.
    auction_cost : float
        Of a round, in units of value; paid whether it sells or not.
    fee : float
        Fraction of the price of any sale.
    stigma : float
        Share of value that a failed round takes, 0 to below 1.
    offer_chance : float
        Of a negotiated offer in a month, 0 to 1.
    offer_level, offer_dispersion : float
        Median offer over value, and standard deviation of its logarithm.
    licence_share : float
        Worth of licensing out for the rest of the term over value then; 0: none.
    buy_back, buy_back_months : float, int
        Price in units of value of the start, and the last month at which it can be claimed; 0: none.
    prearranged, prearranged_chance, prearranged_months : float, float, int
        Price in units of value of the start, chance that the acquirer keeps its word, last month; asked once.
    most_reserve : float
        Highest reserve allowed, in units of the estimate at the start.
    """

    months: int
    life_months: float
    decay: float = 0.0
    discount: float = 0.0
    carrying: float = 0.0
    bidders: float = 0.0
    dispersion: float = 0.5
    auction_months: int = 3
    auction_cost: float = 0.0
    fee: float = 0.0
    stigma: float = 0.0
    offer_chance: float = 0.0
    offer_level: float = 1.0
    offer_dispersion: float = 0.5
    licence_share: float = 0.0
    buy_back: float = 0.0
    buy_back_months: int = 0
    prearranged: float = 0.0
    prearranged_chance: float = 1.0
    prearranged_months: int = 0
    most_reserve: float = 1e6

    def __post_init__(self) -> None:
        wrong = [
            f"field {name}: {value!r}; allowed: {low:g} to {high:g}"
            for name, low, high in _RANGES
            for value in [getattr(self, name)]
            if not (isinstance(value, int | float) and math.isfinite(value) and low <= value <= high)
        ]
        if wrong:
            raise DomainError("; ".join(wrong))


_RANGES: tuple[tuple[str, float, float], ...] = (
    ("months", 1, 360), ("life_months", 0, 600), ("decay", 0, 0.5), ("discount", 0, 0.5), ("carrying", 0, 100), ("bidders", 0, 200),
    ("dispersion", 0.01, 5), ("auction_months", 1, 36), ("auction_cost", 0, 10), ("fee", 0, 0.95), ("stigma", 0, 0.95),
    ("offer_chance", 0, 1), ("offer_level", 0, 100), ("offer_dispersion", 0.01, 5), ("licence_share", 0, 10), ("buy_back", 0, 1e6),
    ("buy_back_months", 0, 360), ("prearranged", 0, 1e6), ("prearranged_chance", 0, 1),
        ("prearranged_months", 0, 360), ("most_reserve", 0, 1e9),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Programme:
    """The best course of action.

    Attributes
    ----------
    value : float
        Expected discounted proceeds after costs at the start, in units of estimated value.
    action : ndarray of int, shape (2, rounds + 1, months + 1)
        Of each state: pre-arranged acquirer not yet asked or asked, failed rounds, month. See `CHANNELS`.
    reserve : ndarray, shape as action
        Reserve where the action is an auction, in units of the estimate at the start.
    least_offer : ndarray, shape as action
        Least negotiated offer to take while waiting, in the same units.
    """

    value: float
    action: NDArray[np.int64]
    reserve: Floats
    least_offer: Floats


@dataclass(frozen=True, slots=True)
class Sale:
    """Simulated ends of a programme; arrays of shape (paths,).

    Attributes
    ----------
    proceeds : ndarray
        Net of fees and auction costs, not discounted, in units of the estimate.
    carried : ndarray
        Costs of waiting, not discounted.
    present : ndarray
        Proceeds less costs, each discounted to the start.
    months : ndarray
        To money; NaN where the right was given up.
    channel : ndarray of int
        How it ended, see `CHANNELS`.
    """

    proceeds: Floats
    carried: Floats
    present: Floats
    months: Floats
    channel: NDArray[np.int64]


@njit(cache=True)
def _normal_tail(x: float) -> float:
    return 0.5 * math.erfc(x / math.sqrt(2.0))


@njit(cache=True)
def _outcomes(bidders: float, sigma: float, worth: Floats, weight: Floats, reserves: Floats) -> tuple[Floats, Floats]:
    """Return the chance of a sale and the expected price (0 where unsold) at each reserve, over the law of V."""
    top = 0.0
    for v in worth:
        top = max(top, v)
    top *= math.exp(4.5 * sigma - 0.5 * sigma * sigma)
    step = top / _PRICES
    two = np.zeros(_PRICES + 2)  # chance that two bid above a price
    for i in range(_PRICES + 1):
        price = i * step
        for v, w in zip(worth, weight):  # noqa: B905 - compiled
            if v > 0.0:
                tail = 1.0 if price <= 0.0 else _normal_tail((math.log(price / v) + 0.5 * sigma * sigma) / sigma)
                m = bidders * tail
                two[i] += w * (1.0 - math.exp(-m) * (1.0 + m))
    above = np.zeros(_PRICES + 2)
    for i in range(_PRICES - 1, -1, -1):
        above[i] = above[i + 1] + 0.5 * (two[i] + two[i + 1]) * step
    sold, paid = np.zeros(reserves.size), np.zeros(reserves.size)
    for k in range(reserves.size):
        r = reserves[k]
        for v, w in zip(worth, weight):  # noqa: B905 - compiled
            if v > 0.0:
                tail = 1.0 if r <= 0.0 else _normal_tail((math.log(r / v) + 0.5 * sigma * sigma) / sigma)
                sold[k] += w * (1.0 - math.exp(-bidders * tail))
        place = r / step
        i = int(place)
        rest = 0.0
        if i < _PRICES:
            part = place - i
            rest = above[i + 1] + (1.0 - part) * step * 0.5 * (two[i] + part * (two[i + 1] - two[i]) + two[i + 1])
        paid[k] = r * sold[k] + rest
    return sold, paid


def auction_outcome(
    bidders: float, dispersion: float, reserve: Floats, *, worth: Floats | None = None
) -> tuple[Floats, Floats]:
    """Return the chance of a sale and the expected price (0 where unsold) of one round, by reserve.

    Parameters
    ----------
    bidders : float
        Mean number, Poisson.
    dispersion : float
        Standard deviation of log valuations.
    reserve : ndarray, shape (k,)
        In units of value.
    worth : ndarray, optional
        Equally likely values of V; 1 where not given.
    """
    v = np.ones(1) if worth is None else np.asarray(worth, np.float64)
    sold, paid = _outcomes(
        float(bidders),
        float(dispersion),
        v,
        np.full(v.size, 1 / v.size),
        np.atleast_1d(np.asarray(reserve, np.float64)),
    )
    return np.asarray(sold, np.float64), np.asarray(paid, np.float64)


def best_reserve(bidders: float, dispersion: float, kept: float) -> float:
    """Return the reserve of one round that maximises the price, an unsold lot being worth `kept` to the seller, V = 1.

    Notes
    -----
    It solves ``r = kept + (1 - F(r)) / f(r)`` and does not depend on how many bid (Riley and Samuelson 1981).
    """
    sold = np.linspace(0.0, 6.0 * math.exp(dispersion), 6_001)
    chance, price = auction_outcome(bidders, dispersion, sold)
    return float(sold[int(np.argmax(price + (1 - chance) * kept))])


@njit(cache=True)
def _left(month: float, life: float, decay: float, discount: float) -> float:
    """Return value at a month over that at the start: decay, and the annuity of the protection left."""
    if month >= life:
        return 0.0
    rate = max(discount, 1e-9)
    whole = 1.0 - (1.0 + rate) ** (-life)
    rest = 1.0 - (1.0 + rate) ** (-(life - month))
    return float((1.0 - decay) ** month * rest / whole)


@njit(cache=True)
def _offer_gain(least: float, level: float, sigma: float) -> tuple[float, float]:
    """Return chance and mean (0 below) of a log-normal offer at or above a least one."""
    if level <= 0.0:
        return 0.0, 0.0
    if least <= 0.0:
        return 1.0, level * math.exp(0.5 * sigma * sigma)
    z = (math.log(least / level)) / sigma
    return _normal_tail(z), level * math.exp(0.5 * sigma * sigma) * _normal_tail(z - sigma)


@njit(cache=True)
def _solve(  # noqa: C901, PLR0912  (one loop over states)
months: int, rounds: int, p: Floats, worth: Floats, weight: Floats, reserves: Floats,
    sold_at: Floats, paid_at: Floats, action: NDArray[np.int64],
           reserve: Floats, least: Floats) -> float:  # fmt: skip
    (life, decay, discount, carrying, bidders, _sigma, length, round_cost, fee, stigma, chance, level, offer_sigma, licence, buy_back,
     buy_until, ready, ready_chance, ready_until, most_reserve) = p  # fmt: skip
    sold, paid = np.zeros((months + 1, reserves.size)), np.zeros((months + 1, reserves.size))
    mean = np.zeros(months + 1)
    for day in range(months + 1):
        same = day > 0
        for j in range(worth.size):
            mean[day] += worth[j] * weight[day, j]
            same = same and weight[day, j] == weight[day - 1, j]
        if same:
            sold[day, :] = sold[day - 1, :]
            paid[day, :] = paid[day - 1, :]
        elif bidders > 0.0 and rounds > 0:
            for j in range(worth.size):
                for i in range(reserves.size):
                    sold[day, i] += weight[day, j] * sold_at[j, i]
                    paid[day, i] += weight[day, j] * paid_at[j, i]
    beta = 1.0 / (1.0 + discount)
    value = np.zeros((2, rounds + 1, months + 1))
    span = int(length)
    for t in range(months, -1, -1):
        now = _left(float(t), life, decay, discount)
        for k in range(rounds, -1, -1):
            at = now * (1.0 - stigma) ** k
            for asked in range(1, -1, -1):
                best, what, price, take = 0.0, GIVE_UP, 0.0, 0.0
                if licence > 0.0 and at > 0.0 and licence * at * mean[t] * (1 - fee) > best:
                    best, what = licence * at * mean[t] * (1 - fee), LICENCE
                if buy_back > 0.0 and t <= buy_until and now > 0.0 and buy_back * (1 - fee) > best:
                    best, what = buy_back * (1 - fee), BUY_BACK
                if t < months and at > 0.0:
                    ahead = beta * value[asked, k, t + 1]
                    least_now = ahead / (1 - fee)
                    # An offer is a share of V, over whose law it is averaged.
                    got_chance, got = 0.0, 0.0
                    for v, w in zip(worth, weight[t]):  # noqa: B905 - compiled
                        c, m = _offer_gain(least_now, level * at * v, offer_sigma)
                        got_chance += w * c
                        got += w * m
                    waited = chance * (got * (1 - fee) + (1 - got_chance) * ahead) + (1 - chance) * ahead - carrying
                    if waited > best:
                        best, what, take = waited, WAIT, least_now
                if bidders > 0.0 and at > 0.0 and k < rounds and t + span <= months:
                    later = _left(float(t + span), life, decay, discount) * (1.0 - stigma) ** k
                    wait_cost = carrying * ((1.0 - beta**span) / (1.0 - beta) if beta < 1.0 else float(span))
                    ahead = value[asked, k + 1, t + span]
                    for i in range(reserves.size):
                        if reserves[i] * later > most_reserve:
                            break
                        gain = (
                            beta**span * (paid[t, i] * later * (1 - fee) + (1 - sold[t, i]) * ahead)
                            - wait_cost
                            - round_cost
                        )
                        if gain > best:
                            best, what, price = gain, AUCTION, reserves[i] * later
                if asked == 0 and ready > 0.0 and t <= ready_until and now > 0.0:
                    ahead = beta * value[1, k, t + 1] - carrying if t < months else 0.0
                    gain = ready_chance * ready * (1 - fee) + (1 - ready_chance) * max(ahead, 0.0)
                    if gain > best:
                        best, what = gain, PREARRANGED
                value[asked, k, t] = best
                action[asked, k, t] = what
                reserve[asked, k, t] = price if what == AUCTION else 0.0
                least[asked, k, t] = take if what == WAIT else 0.0
    return float(value[0, 0, 0])


def _parameters(t: Terms) -> Floats:
    return np.array([
        t.life_months, t.decay, t.discount, t.carrying, t.bidders, t.dispersion, t.auction_months, t.auction_cost, t.fee, t.stigma,
        t.offer_chance, t.offer_level, t.offer_dispersion, t.licence_share, t.buy_back, t.buy_back_months, t.prearranged,
        t.prearranged_chance, t.prearranged_months, t.most_reserve,
    ])  # fmt: skip


def _worth(draws: Floats | None, nodes: int = 9) -> tuple[Floats, Floats]:
    if draws is None:
        return np.ones(1), np.ones(1)
    x = np.asarray(draws, np.float64)
    if x.ndim != 1 or not x.size or not (np.isfinite(x).all() and (x >= 0).all()):
        raise DomainError("field worth: allowed: one draw or more, finite, 0 or more")
    parts = np.array_split(np.sort(x), min(nodes, x.size))
    return np.array([part.mean() for part in parts]), np.array([part.size / x.size for part in parts])


def _while_unsold(
    terms: Terms, worth: Floats, weight: Floats, action: NDArray[np.int64], reserve: Floats, least: Floats
) -> Floats:
    """Return the law of true worth at each month, given that nothing has sold: Bayes along the path on which nothing does."""
    found = np.tile(weight, (terms.months + 1, 1))
    sigma, known = terms.dispersion, np.maximum(worth, 1e-300)
    month, failed, asked = 0, 0, 0
    while month < terms.months:
        what = int(action[asked, failed, month])
        now = found[month]
        if what == AUCTION:
            until = month + terms.auction_months
            at = _left(float(until), terms.life_months, terms.decay, terms.discount) * (1 - terms.stigma) ** failed
            floor = max(reserve[asked, failed, month] / at, 1e-300) if at > 0 else np.inf
            tail = special.ndtr(-(np.log(floor / known) + 0.5 * sigma**2) / sigma)
            after, failed = now * np.exp(-terms.bidders * tail), failed + 1
        elif what in {WAIT, PREARRANGED}:
            until, after = month + 1, now
            if what == WAIT:
                at = _left(float(month), terms.life_months, terms.decay, terms.discount) * (1 - terms.stigma) ** failed
                floor = max(least[asked, failed, month], 1e-300) / max(at * terms.offer_level, 1e-300)
                after = now * (1 - terms.offer_chance * special.ndtr(-np.log(floor / known) / terms.offer_dispersion))
            asked = 1 if what == PREARRANGED else asked
        else:
            break
        after = np.where(worth > 0, after, now)
        if after.sum() > 0:  # else a sale is certain, and what would be thought without one does not matter
            found[min(until, terms.months) :] = after / after.sum()
        month = until
    return found


def programme(terms: Terms, worth: Floats | None = None, *, rounds: int = _ROUNDS_MAX) -> Programme:
    """Return the best course of action for a lot.

    Parameters
    ----------
    terms : Terms
        What selling it is like.
    worth : ndarray, shape (n,), optional
        Draws of true worth over the estimate; 1 where not given.
    rounds : int
        Most auction rounds, 0 to 12.

    Returns
    -------
    Programme

    Raises
    ------
    DomainError
        For impossible draws or rounds.

    Notes
    -----
    What does not sell is bad news of the worth: its law at each month is Bayes' of reserves not met and offers not made along the path on
    which nothing sells, and programme and law are iterated until they agree. Months off that path take the law of the month on it.
    """
    if not 0 <= rounds <= 12:
        raise DomainError(f"field rounds: {rounds}; allowed: 0 to 12")
    v, w = _worth(worth)
    top = max(float(v.max()), 1e-12) * math.exp(3 * terms.dispersion - 0.5 * terms.dispersion**2)
    reserves = np.concatenate([[0.0], np.geomspace(top / 400, top, _RESERVES - 1)])
    shape = (2, rounds + 1, terms.months + 1)
    action, reserve, least = np.zeros(shape, np.int64), np.zeros(shape), np.zeros(shape)
    # A round's law is that of each worth, weighed: the laws of the worths are computed once.
    each = [_outcomes(terms.bidders, terms.dispersion, v[k : k + 1], np.ones(1), reserves) for k in range(v.size)]
    sold_at, paid_at = (np.array(part) for part in zip(*each, strict=True))
    weight = np.tile(w, (terms.months + 1, 1))
    value = 0.0
    for _ in range(_LEARNING_MAX):
        value = _solve(
            terms.months, rounds, _parameters(terms), v, weight, reserves, sold_at, paid_at, action, reserve, least
        )
        after = _while_unsold(terms, v, w, action, reserve, least)
        if np.abs(after - weight).max() < 1e-3:
            break
        weight = 0.5 * (weight + after)
    return Programme(float(value), action, reserve, least)


@njit(cache=True)
def _run(  # noqa: C901, PLR0912, PLR0915  (one loop over a path)
months: int, rounds: int, p: Floats, action: NDArray[np.int64], reserve: Floats, least: Floats, worth: Floats,
         normals: Floats, uniforms: Floats, out: Floats, how: NDArray[np.int64]) -> None:  # fmt: skip
    (life, decay, discount, carrying, bidders, sigma, length, round_cost, fee, stigma, chance, level, offer_sigma, licence, buy_back,
     _buy_until, ready, ready_chance, _ready_until, _most_reserve) = p  # fmt: skip
    beta, span = 1.0 / (1.0 + discount), int(length)
    for path in range(worth.size):
        v, t, k, asked = worth[path], 0, 0, 0
        proceeds, carried, present, place = 0.0, 0.0, 0.0, 0
        end = GIVE_UP
        while True:
            what = action[asked, k, t]
            at = _left(float(t), life, decay, discount) * (1.0 - stigma) ** k
            price = -1.0
            if what == GIVE_UP:
                break
            if what == LICENCE:
                price, end = licence * at * v * (1 - fee), LICENCE
            elif what == BUY_BACK:
                price, end = buy_back * (1 - fee), BUY_BACK
            elif what == PREARRANGED:
                asked = 1
                if uniforms[path, place] < ready_chance:
                    price, end = ready * (1 - fee), PREARRANGED
                elif t < months:
                    present -= carrying * beta**t
                    carried += carrying
                    t += 1
            elif what == WAIT:
                present -= carrying * beta**t
                carried += carrying
                if uniforms[path, place] < chance:
                    offer = level * at * v * math.exp(offer_sigma * normals[path, place])
                    if offer >= least[asked, k, t]:
                        price, end = offer * (1 - fee), NEGOTIATED
                if price < 0.0:
                    t += 1
            else:
                present -= round_cost * beta**t
                carried += round_cost
                for j in range(span):
                    present -= carrying * beta ** (t + j)
                    carried += carrying
                later = _left(float(t + span), life, decay, discount) * (1.0 - stigma) ** k
                floor = reserve[asked, k, t]
                first, second = 0.0, 0.0
                count = 0
                mass = math.exp(-bidders)
                total, u = mass, uniforms[path, place]
                while u > total and count < 1000:
                    count += 1
                    mass *= bidders / count
                    total += mass
                for j in range(count):
                    bid = (
                        v
                        * later
                        * math.exp(sigma * normals[path, (place + 1 + j) % normals.shape[1]] - 0.5 * sigma * sigma)
                    )
                    if bid > first:
                        first, second = bid, first
                    elif bid > second:
                        second = bid
                t += span
                if count > 0 and first >= floor:
                    price, end = max(floor, second) * (1 - fee), AUCTION
                else:
                    k += 1
                place += count
            place = (place + 1) % uniforms.shape[1]
            if price >= 0.0:
                proceeds = price
                present += price * beta**t
                break
        out[path, 0], out[path, 1], out[path, 2] = proceeds, carried, present
        out[path, 3] = np.nan if end == GIVE_UP else float(t)
        how[path] = end


def simulate(terms: Terms, plan: Programme, worth: Floats, *, rng: np.random.Generator) -> Sale:
    """Play a programme on paths whose true worth is given.

    Parameters
    ----------
    terms, plan
        Of the lot.
    worth : ndarray, shape (paths,)
        True worth over the estimate, one a path; it stays the same over the path.
    rng : numpy.random.Generator
        Random numbers.
    """
    v = np.ascontiguousarray(worth, np.float64)
    steps = terms.months + _ROUNDS_MAX * (int(terms.bidders + 10 * math.sqrt(terms.bidders)) + 8) + 4
    normals, uniforms = rng.standard_normal((v.size, steps)), rng.random((v.size, steps))
    out, how = np.empty((v.size, 4)), np.empty(v.size, np.int64)
    rounds = plan.action.shape[1] - 1
    _run(
        terms.months,
        rounds,
        _parameters(terms),
        plan.action,
        plan.reserve,
        plan.least_offer,
        v,
        normals,
        uniforms,
        out,
        how,
    )
    return Sale(out[:, 0], out[:, 1], out[:, 2], out[:, 3], how)
