"""Options: least-squares Monte Carlo against `longstaff-schwartz` and QuantLib, and renewal options of 100,000 patents.

The peers run in the environment `benchmarks/.env` (``pip install longstaff-schwartz QuantLib``), which is not a dependency.
The contract is the put of Longstaff and Schwartz (2001), Table 1: spot 36, strike 40, rate 6 %, volatility 20 %, one year, 50
exercise dates, finite-difference value 4.478. Each value takes 100,000 paths, path generation in the time; accuracy is the root
mean square of the error against that value over seeds. `longstaff-schwartz` regresses and values on the same paths; QuantLib
calibrates on its default number of others and gets mirrored paths, its best setting here. Ours regresses on an eighth as many other paths with a control variate, so
equality of accuracy is asserted and not assumed: a run in which ours is less accurate than either peer fails.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path
from typing import Any

import numpy as np

from common import HERE, exponent, machine, peer_versions, report, run_job, save, versions

SPOT, STRIKE, RATE, VOLATILITY, DATES = 36.0, 40.0, 0.06, 0.2, 50
FINITE_DIFFERENCE = 4.478
PATHS, SEEDS, ROUNDS = 100_000, 5, 3
PATENTS, CLAIMS = 100_000, 60
SIZES = (25_000, 100_000, 400_000)
FEES = [900] * 3 + [1200] * 3 + [2000] * 3 + [4000] * 3 + [6000] * 3 + [8000] * 5


def _timed(price: Any, seeds: range) -> None:
    """Price once to warm up, then once a seed; report the seconds of each."""
    price(10_000)
    start, values, seconds = time.perf_counter(), [], []
    for seed in seeds:
        begin = time.perf_counter()
        values.append(float(price(seed)))
        seconds.append(time.perf_counter() - begin)
    report(start, values=values, each=[round(s, 4) for s in seconds])


def job_ours(arguments: argparse.Namespace) -> None:
    from zhirong.numerics.options import Contract, least_squares

    put = Contract(SPOT, STRIKE, RATE, VOLATILITY, 1.0, kind="put")
    _timed(lambda seed: least_squares(put, dates=DATES, paths=arguments.paths, seed=seed).value, arguments.seeds)


def job_longstaff_schwartz(arguments: argparse.Namespace) -> None:
    from longstaff_schwartz.algorithm import longstaff_schwartz_american_option_quadratic
    from longstaff_schwartz.stochastic_process import GeometricBrownianMotion

    t = np.linspace(0.0, 1.0, DATES + 1)
    process = GeometricBrownianMotion(RATE, VOLATILITY)

    def price(seed: int) -> float:
        paths = SPOT * process.simulate(t, arguments.paths, np.random.RandomState(seed))
        return float(longstaff_schwartz_american_option_quadratic(paths, t, RATE, STRIKE))

    _timed(price, arguments.seeds)


def job_quantlib(arguments: argparse.Namespace) -> None:
    import QuantLib as ql  # noqa: N813

    today, calendar = ql.Date(2, 1, 2023), ql.Actual365Fixed()
    ql.Settings.instance().evaluationDate = today
    process = ql.BlackScholesMertonProcess(
        ql.QuoteHandle(ql.SimpleQuote(SPOT)),
        ql.YieldTermStructureHandle(ql.FlatForward(today, 0.0, calendar)),
        ql.YieldTermStructureHandle(ql.FlatForward(today, RATE, calendar)),
        ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), VOLATILITY, calendar)),
    )

    def price(seed: int) -> float:
        exercise = ql.AmericanExercise(today, today + 365)
        option = ql.VanillaOption(ql.PlainVanillaPayoff(ql.Option.Put, STRIKE), exercise)
        # A sample is a pair of mirrored paths: so it is both faster and more accurate; its own control variate is not.
        engine = ql.MCAmericanEngine(
            process, "pseudorandom", timeSteps=DATES, requiredSamples=arguments.paths // 2, antitheticVariate=True,
            seed=seed, polynomOrder=3,
        )  # fmt: skip
        option.setPricingEngine(engine)
        return float(option.NPV())

    _timed(price, arguments.seeds)


def job_renewal(arguments: argparse.Namespace) -> None:
    """Value patents of all ages and returns, whose fees differ by their claims as they do in Japan and Korea."""
    from zhirong.numerics.renewal_option import RenewalOption, option_values

    model = RenewalOption(8, 1.5, 0.0005, 0.85, 300, 4000, 0.8, 0.95)
    rng = np.random.default_rng(7)
    ages, returns = rng.integers(1, 21, arguments.paths), np.exp(rng.normal(8, 1.5, arguments.paths))
    fees = np.array(FEES, float) * (1 + 0.08 * rng.integers(1, CLAIMS + 1, arguments.paths))[:, None]
    option_values(model, fees[:100], ages[:100], returns[:100])
    start = time.perf_counter()
    values = option_values(model, fees, ages, returns)
    report(start, mean=float(values.mean()), schedules=CLAIMS)


JOBS = {
    "ours": job_ours, "longstaff_schwartz": job_longstaff_schwartz, "quantlib": job_quantlib, "renewal": job_renewal,
}  # fmt: skip


def _error(values: list[float]) -> float:
    return math.sqrt(float(np.mean((np.array(values) - FINITE_DIFFERENCE) ** 2)))


def _ratio(name: str, each: list[float], aim: float, *, larger_is_better: bool) -> dict[str, Any]:
    return {
        "name": name, "value": round(float(np.median(each)), 3), "low": round(min(each), 3), "high": round(max(each), 3),
        "aim": aim, "larger_is_better": larger_is_better,
    }  # fmt: skip


def main() -> None:
    names = ("ours", "longstaff_schwartz", "quantlib")
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    # In turn, several rounds, so that what else the machine does falls on all alike; each round has seeds of its own.
    for number in range(ROUNDS):
        seeds = ("--first-seed", str(1 + number * SEEDS), "--paths", str(PATHS))
        for name in names:
            runs[name].append(run_job("options.py", name, HERE, *seeds, peer=name != "ours"))
    seconds = {name: [float(np.median(run["each"])) for run in runs[name]] for name in names}
    error = {name: _error([v for run in runs[name] for v in run["values"]]) for name in names}
    if error["ours"] > min(error["longstaff_schwartz"], error["quantlib"]):
        raise SystemExit(f"accuracy is not equal: {error}")
    fastest = [min(a, b) for a, b in zip(seconds["longstaff_schwartz"], seconds["quantlib"], strict=True)]
    renewal = [min((run_job("options.py", "renewal", HERE, "--paths", str(n)) for _ in range(ROUNDS)),
                   key=lambda r: float(r["seconds"])) for n in SIZES]  # fmt: skip
    hundred = float(renewal[SIZES.index(PATENTS)]["seconds"])
    save(
        "options",
        {
            "machine": machine(),
            "versions": versions("numba", "numpy") | peer_versions("longstaff-schwartz", "QuantLib", "numpy"),
            "ratios": [
                _ratio(
                    "LSM 100k x 50: faster peer / ours", [p / o for p, o in zip(fastest, seconds["ours"], strict=True)],
                    2, larger_is_better=True,
                ),
                _ratio(
                    "LSM price error: ours / more accurate peer",
                    [error["ours"] / min(error["longstaff_schwartz"], error["quantlib"])], 1, larger_is_better=False,
                ),
                _ratio("renewal option of 100k patents, seconds", [hundred], 1, larger_is_better=False),
            ],
            "sizes": {f"{n:,} renewal options": run for n, run in zip(SIZES, renewal, strict=True)},
            "scaling_exponent": exponent(list(SIZES), [float(r["seconds"]) for r in renewal]),
            "lsm_seconds": {name: round(float(np.median(s)), 4) for name, s in seconds.items()},
            "lsm_rms_error": {name: round(e, 5) for name, e in error.items()},
            "lsm_mean": {n: round(float(np.mean([v for r in runs[n] for v in r["values"]])), 5) for n in names},
            "finite_difference": FINITE_DIFFERENCE,
            "runs": runs,
        },
    )  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--job", choices=sorted(JOBS))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--paths", type=int, default=PATHS)
    parser.add_argument("--first-seed", type=int, default=1)
    chosen = parser.parse_args()
    chosen.seeds = range(chosen.first_seed, chosen.first_seed + SEEDS)
    if chosen.job:
        JOBS[chosen.job](chosen)
    else:
        main()
