"""Measure the speed of the two-valley model, and compare it with the cost of its random numbers.

    python benchmarks/langevin.py [--threads 1] [--seconds 10]

The first table lists the time of an update of one run on one thread, in nanoseconds, for each kind of noise. The limit
is the cost of drawing and adding two normal deviates in a loop with the same generator and lanes. The peer updates all
runs at once with NumPy. Values are medians of processor time over interleaved repetitions.

The second table lists the wall time of the paper's figures on ``--threads`` threads. The times are extrapolated from
whole cells of 2,000 (or 1,000) runs with fewer iterations.
"""

import argparse
import math
import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from machine import CPU_TIME, Table, seconds
from numba import njit

from sgd_valleys.two_valley.landscape import Landscape
from sgd_valleys.two_valley.langevin import LANES, simulate
from sgd_valleys.two_valley.vector_math import COUNTER_STEP, TWO_COUNTER_STEPS, box_muller, random_word

ETA, SIGMA = 0.05, 0.05
RUNS, ITERATIONS = 256, 4000
SHOWN = "H", "H2", "isotropic"  # noises


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


def numpy_steps(landscape: Landscape, noise: str, runs: int, iterations: int) -> None:
    """Update all runs at once with NumPy; the covariance of isotropic noise is constant."""
    rng = np.random.default_rng(0)
    theta = np.tile([0.01, 5.0], (runs, 1))
    root = np.full((runs, 2, 2), np.eye(2))
    for _ in range(iterations):
        if noise != "isotropic":
            value, vector = np.linalg.eigh(landscape.hessian(*theta.T))
            power = np.maximum(value, 0) if noise == "H2" else np.sqrt(np.maximum(value, 0))
            root = vector * power[:, None, :]
        kick = np.einsum("rij,rj->ri", root, rng.standard_normal((runs, 2)))
        theta -= ETA * (landscape.gradient(*theta.T) + math.sqrt(2 * SIGMA) * kick)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1, help="number of threads")
    parser.add_argument("--seconds", type=float, default=10, help="approximate time of the first table, in s")
    options = parser.parse_args()
    landscape = Landscape()
    rng = np.random.default_rng(0)
    first, key = rng.integers(0, 2**64, (2, LANES), dtype=np.uint64)
    total = np.zeros(2 * LANES)

    def run(noise: str, runs: int, iterations: int, threads: int = 1, record: range | None = None) -> None:
        kind = {"noise": noise, "runs": runs, "iterations": iterations, "seed": 1}
        simulate(landscape, ETA, SIGMA, **kind, threads=threads, record=record)

    work: dict[str, Callable[[], object]] = {
        "deviates": lambda: add_normal_pairs(first, key, RUNS * ITERATIONS // LANES, total),
        "numpy": lambda: rng.standard_normal((RUNS * ITERATIONS, 2)),
    }
    for noise in SHOWN:
        work[noise] = lambda noise=noise: run(noise, RUNS, ITERATIONS)
    times: dict[str, list[float]] = {name: [] for name in work}
    for function in work.values():
        function()  # compile
    end = time.perf_counter() + options.seconds
    while time.perf_counter() < end or len(times["deviates"]) < 5:
        for name, function in work.items():
            times[name].append(seconds(function, clock=CPU_TIME) / (RUNS * ITERATIONS) * 1e9)
    middle = {name: statistics.median(some) for name, some in times.items()}
    limit = middle.pop("deviates")
    table = Table("An update of one run, one thread", "ns", "two normal deviates", "NumPy")
    table.row("two normal deviates", limit, limit, middle.pop("numpy"))
    plain = {}
    for noise, ns in middle.items():
        plain[noise] = seconds(lambda noise=noise: numpy_steps(landscape, noise, 2000, 50), 3, CPU_TIME) / 1e-4
        table.row(f"step, {noise}", ns, limit, plain[noise])

    part, threads = 2000, options.threads
    title = f"The paper's figures on {threads} thread(s)"
    table = Table(title, "s", "two normal deviates of each step", "NumPy on one thread, by the first table")
    for figure, noise, cells, runs, iterations, record in (
        ("Fig. 5C/D", "H", 100, 2000, 20_000, None),
        ("Fig. S6", "H2", 100, 2000, 20_000, None),
        ("Fig. 6B, every iteration kept", "H", 3, 1000, 100_000, range(part + 1)),
    ):
        took = seconds(partial(run, noise, runs, part, threads, record), 5) * cells * iterations / part
        steps = cells * runs * iterations
        table.row(figure, took, limit * steps / threads / 1e9, plain[noise] * steps / 1e9, f"{steps:.1e} steps")


if __name__ == "__main__":
    main()
