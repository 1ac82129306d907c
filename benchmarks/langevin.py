"""Measure the speed of the two-valley model against the cost of its random numbers.

    python benchmarks/langevin.py [--threads 1] [--seconds 10]

The first table lists nanoseconds per update of one run on one thread, for each noise. Its last column divides them by
the cost of two normal deviates. These are drawn in the same kind of loop (same generator, same lanes) and summed.
NumPy's generator is listed for comparison. The values are medians of CPU time over interleaved repetitions, which
other work on the machine affects least. The second table lists the wall time of the paper's figures on ``--threads``
threads, extrapolated from whole cells of 2,000 (or 1,000) runs with fewer iterations.
"""

import argparse
import math
import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from numba import njit

from sgd_valleys.two_valley.landscape import Landscape
from sgd_valleys.two_valley.langevin import LANES, NOISES, simulate
from sgd_valleys.two_valley.vector_math import COUNTER_STEP, TWO_COUNTER_STEPS, box_muller, random_word

ETA, SIGMA = 0.05, 0.05
RUNS, ITERATIONS = 256, 4000


@njit(nogil=True, error_model="numpy")
def add_normal_pairs(first: np.ndarray, key: np.ndarray, steps: int, total: np.ndarray) -> None:
    """Add two normal deviates of every step to each of the lanes in ``total``."""
    for t in range(steps):
        ahead = np.uint64(t) * TWO_COUNTER_STEPS
        for i in range(LANES):
            counter = first[i] + ahead
            square, cos, sin = box_muller(random_word(counter, key[i]), random_word(counter + COUNTER_STEP, key[i]))
            r = math.sqrt(square)
            total[i] += r * cos
            total[LANES + i] += r * sin


def seconds(function: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Return the seconds that one call takes."""
    start = clock()
    function()
    return clock() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10, help="approximate duration of the first table")
    options = parser.parse_args()
    landscape = Landscape()
    rng = np.random.default_rng(0)
    first, key = rng.integers(0, 2**64, (2, LANES), dtype=np.uint64)
    total = np.zeros(2 * LANES)

    def run(noise: str, runs: int, iterations: int, threads: int = 1, record: range | None = None) -> None:
        kind = {"noise": noise, "runs": runs, "iterations": iterations, "seed": 1}
        simulate(landscape, ETA, SIGMA, **kind, threads=threads, record=record)

    work: dict[str, Callable[[], object]] = {
        "two normal deviates": lambda: add_normal_pairs(first, key, RUNS * ITERATIONS // LANES, total),
        "two normal deviates, numpy": lambda: rng.standard_normal((RUNS * ITERATIONS, 2)),
    }
    for noise in NOISES:
        work[f"step, {noise}"] = lambda noise=noise: run(noise, RUNS, ITERATIONS)
    times: dict[str, list[float]] = {name: [] for name in work}
    for function in work.values():
        function()  # compile
    end = time.perf_counter() + options.seconds
    while time.perf_counter() < end or len(times["two normal deviates"]) < 5:
        for name, function in work.items():
            times[name].append(seconds(function, time.process_time) / (RUNS * ITERATIONS) * 1e9)
    middle = {name: statistics.median(some) for name, some in times.items()}
    print(f"{'one thread':30} {'ns':>6} {'least':>6} {'over two deviates':>18}")
    for name, ns in middle.items():
        print(f"{name:30} {ns:6.1f} {min(times[name]):6.1f} {ns / middle['two normal deviates']:18.2f}")

    print(f"\n{f'figures on {options.threads} thread(s)':30} {'steps':>8} {'seconds':>8}")
    part = 2000
    for figure, noise, cells, runs, iterations, record in (
        ("Fig. 5C/D", "H", 100, 2000, 20_000, None),
        ("Fig. S6", "H2", 100, 2000, 20_000, None),
        ("Fig. 6B, every iteration kept", "H", 3, 1000, 100_000, range(part + 1)),
    ):
        cell = partial(run, noise, runs, part, options.threads, record)
        took = statistics.median(seconds(cell) for _ in range(5))
        print(f"{figure:30} {cells * runs * iterations:8.1e} {took * cells * iterations / part:8.1f}")


if __name__ == "__main__":
    main()
