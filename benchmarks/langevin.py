"""How fast the two-valley model steps, against the cost of its random numbers.

    python benchmarks/langevin.py [--threads 1] [--seconds 10]

For each noise: nanoseconds a step of one run on one thread, and that over the cost of drawing two normal deviates in
a loop of the same kind (same generator, same lanes, and nothing done with them but a sum); numpy's own generator
beside it. Medians of several repetitions, taken in turn, so that all meet the same machine, of the process's CPU time,
which other work on the machine stretches less. Then how long the paper's figures take by the clock on ``--threads``
threads, from whole cells of 2,000 (or 1,000) runs with fewer iterations.
"""

import argparse
import math
import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from numba import njit

from sgd_valleys.two_valley import langevin
from sgd_valleys.two_valley.landscape import Landscape
from sgd_valleys.two_valley.langevin import LANES, NOISES, simulate

word, polar = langevin._word, langevin._polar
GAMMA, TWO_GAMMA = langevin._GAMMA, langevin._TWO_GAMMA
ETA, SIGMA = 0.05, 0.05
RUNS, ITERATIONS = 256, 4000


@njit(nogil=True, error_model="numpy")
def two_normals(low: np.ndarray, high: np.ndarray, steps: int, total: np.ndarray) -> None:
    """Draw two deviates for each lane and step, and add them up."""
    for t in range(steps):
        ahead = np.uint64(t) * TWO_GAMMA
        for i in range(LANES):
            counter = low[i] + ahead
            square, cos, sin = polar(word(counter, high[i]), word(counter + GAMMA, high[i]))
            r = math.sqrt(square)
            total[i] += r * cos
            total[LANES + i] += r * sin


def seconds(function: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """What one call takes by the clock."""
    start = clock()
    function()
    return clock() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10, help="of the first table, about")
    options = parser.parse_args()
    landscape = Landscape()
    rng = np.random.default_rng(0)
    low, high = rng.integers(0, 2**64, (2, LANES), dtype=np.uint64)
    total = np.zeros(2 * LANES)

    def run(noise: str, runs: int, iterations: int, threads: int = 1, record: range | None = None) -> None:
        kind = {"noise": noise, "runs": runs, "iterations": iterations, "seed": 1}
        simulate(landscape, ETA, SIGMA, **kind, threads=threads, record=record)

    work: dict[str, Callable[[], object]] = {
        "two normal deviates": lambda: two_normals(low, high, RUNS * ITERATIONS // LANES, total),
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
