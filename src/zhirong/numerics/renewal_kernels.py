"""Kernels of the renewal option: backward solution, values, shares kept, simulated owners.

Rows of a solution are years, columns nodes of the grid of returns; see `numerics.renewal_option`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from zhirong.numerics.graph.compiled import kernel
from zhirong.numerics.streams import score, uniform

__all__ = ["share_of_years", "simulate_range", "solve_years", "values_range"]


@kernel
def _inside(b: float, threshold: float, x0: float, x1: float, v0: float, v1: float) -> float:
    """Value at b between two nodes: linear, with the kink at the threshold where it lies between them."""
    if v1 <= 0.0 or b <= threshold:
        return 0.0
    if v0 <= 0.0:
        return v1 * (b - threshold) / (x1 - threshold)
    return v0 + (v1 - v0) * (b - x0) / (x1 - x0)


@kernel
def _rise(b: float, threshold: float, x0: float, x1: float, v0: float, v1: float, gamma: float, s: float) -> float:
    """Integral from b to the upper node of the slope of the value times the survival function of a finding."""
    if v1 <= 0.0:
        return 0.0
    start, slope = max(b, x0), (v1 - v0) / (x1 - x0)
    if v0 <= 0.0:
        start, slope = max(b, threshold), v1 / (x1 - threshold)
    return slope * s * (math.exp(-(start + gamma) / s) - math.exp(-(x1 + gamma) / s))


@kernel
def _expected(
    r: float, law: Any, sigma_a: float, threshold: float, grid: Any, later: Any, found: Any, step: float
) -> Any:
    """Return the expected value of the next year, given the return of this one; `later` and `found` are rows of the solution."""
    theta, delta, gamma, stay = law[0], law[1], law[2], law[6]
    b = delta * r
    q = -stay * math.expm1(-theta * r)
    n = grid.shape[0]
    if b < grid[0]:
        value = max(later[0], 0.0) * b / grid[0] if threshold <= 0.0 else 0.0
        return q * (value + found[0] + (max(later[0], 0.0) - value) * math.exp(-gamma / sigma_a))
    j = min(int(math.log(b / grid[0]) / step), n - 2)
    if b >= grid[n - 1]:
        slope = (later[n - 1] - later[n - 2]) / (grid[n - 1] - grid[n - 2])
        value = later[n - 1] + slope * (b - grid[n - 1])
        return q * (value + slope * sigma_a * math.exp(-(b + gamma) / sigma_a))
    if grid[j + 1] <= b:
        j += 1
    elif grid[j] > b:
        j -= 1
    value = _inside(b, threshold, grid[j], grid[j + 1], later[j], later[j + 1])
    above = _rise(b, threshold, grid[j], grid[j + 1], later[j], later[j + 1], gamma, sigma_a)
    return q * (value + above + found[j + 1])


@kernel
def solve_years(law: Any, fees: Any, grid: Any, shift: int) -> Any:
    """Return thresholds, the value of paying at each node, and the expected gain from findings, year by year."""
    theta, delta, gamma, sigma, phi, beta, stay = law
    years, n = fees.shape[0], grid.shape[0]
    step = -math.log(delta) / shift
    thresholds = np.zeros(years)
    continuing, findings = np.empty((years, n)), np.zeros((years, n))
    for k in range(n):
        continuing[years - 1, k] = grid[k] - fees[years - 1]
    thresholds[years - 1] = fees[years - 1]
    keep = np.empty(n)
    for k in range(n):
        keep[k] = -stay * math.expm1(-theta * grid[k])
    for year in range(years - 2, -1, -1):
        s = sigma * phi**year
        later, found, bound = continuing[year + 1], findings[year], thresholds[year + 1]
        slope = (later[n - 1] - later[n - 2]) / (grid[n - 1] - grid[n - 2])
        found[n - 1] = slope * s * math.exp(-(grid[n - 1] + gamma) / s)
        for k in range(n - 2, -1, -1):
            found[k] = found[k + 1] + _rise(grid[k], bound, grid[k], grid[k + 1], later[k], later[k + 1], gamma, s)
        row = continuing[year]
        for k in range(n):
            if k >= shift:
                ahead = keep[k] * (max(later[k - shift], 0.0) + found[k - shift])
            else:
                ahead = _expected(grid[k], law, s, bound, grid, later, found, step)
            row[k] = grid[k] - fees[year] + beta * ahead
        if fees[year] > 0.0:
            low, high = 0.0, fees[year]
            for _ in range(100):
                middle = 0.5 * (low + high)
                if middle - fees[year] + beta * _expected(middle, law, s, bound, grid, later, found, step) > 0.0:
                    high = middle
                else:
                    low = middle
            thresholds[year] = high
    return thresholds, continuing, findings


@kernel
def values_range(
    law: Any, fees: Any, thresholds: Any, grid: Any, continuing: Any, findings: Any, ages: Any, returns: Any, out: Any,
    first: int, last: int,
) -> None:  # fmt: skip
    """Write the values of patents `first` to `last`."""
    step = math.log(grid[1] / grid[0])
    years = fees.shape[0]
    for i in range(first, last):
        year, r = ages[i] - 1, returns[i]
        ahead = 0.0
        if year < years - 1:
            s = law[3] * law[4] ** year
            ahead = law[5] * _expected(
                r, law, s, thresholds[year + 1], grid, continuing[year + 1], findings[year], step
            )
        out[i] = max(r - fees[year] + ahead, 0.0)


@kernel
def share_of_years(law: Any, fees: Any, thresholds: Any, grid: Any, shift: int, first: Any, worthless: float) -> Any:
    """Carry the distribution of returns forward over the cells of the grid; the last cell is open."""
    theta, _, gamma, sigma, phi, _, stay = law
    years, n = fees.shape[0], grid.shape[0]
    step = math.log(grid[1] / grid[0])
    mass, moved, tail = first.copy(), np.empty(n), np.empty(n + 1)
    tail[n] = 0.0
    share = np.empty(years)
    for year in range(years):
        if fees[year] > 0.0:
            worthless = 0.0
            for k in range(n):
                if k == n - 1 or grid[k] >= thresholds[year]:
                    break
                part = math.log(grid[k + 1] / thresholds[year]) / step
                mass[k] *= max(part, 0.0)
        total = worthless
        for k in range(n):
            total += mass[k]
        share[year] = total
        s = sigma * phi**year
        for k in range(n):
            tail[k] = math.exp(-(grid[k] + gamma) / s)
        below = 0.0
        for k in range(n):
            alive = -stay * mass[k] * math.expm1(-theta * grid[k] * math.exp(0.5 * step))
            worthless += mass[k] - alive
            if k < shift:
                below += alive
                continue
            moved[k - shift] = alive
        for k in range(n - shift, n):
            moved[k] = 0.0
        worthless += below * (1.0 - tail[0])
        carried = below
        for k in range(n):
            mass[k] = moved[k] * (1.0 - tail[k + 1]) + carried * (tail[k] - tail[k + 1])
            carried += moved[k]
    return share


@kernel
def simulate_range(
    key: Any, law: Any, start: Any, fees: Any, thresholds: Any, last: int, kept: Any, returns: Any, first: int,
    end: int,
) -> None:  # fmt: skip
    """Simulate owners `first` to `last`, each with random numbers of its own counters."""
    theta, delta, gamma, sigma, phi, _, stay = law
    width = 2 * fees.shape[0] + 1
    for i in range(first, end):
        at = i * width
        r = math.exp(start[0] + start[1] * score(uniform(key, at)))
        paid = 0
        for year in range(last):
            if fees[year] > 0.0 and r < thresholds[year]:
                break
            paid = year + 1
            if paid == last:
                break
            if uniform(key, at + 2 * year + 1) < 1.0 + stay * math.expm1(-theta * r):
                r = 0.0
            else:
                finding = -gamma - sigma * phi**year * math.log(uniform(key, at + 2 * year + 2))
                r = max(delta * r, finding)
        kept[i] = paid
        returns[i] = r
