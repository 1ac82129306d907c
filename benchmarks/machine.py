"""Common parts of the benchmarks: the clock, the matrix-product peak of the machine, and the table."""

import statistics
import time
from collections.abc import Callable

import torch

Clock = Callable[[], float]
CPU_TIME = time.process_time  # other work on the machine affects it least


def seconds(function: Callable[[], object], repetitions: int = 1, clock: Clock = time.perf_counter) -> float:
    """Measure the time of one call, wall time by default, the median of repetitions."""
    times = []
    for _ in range(repetitions):
        start = clock()
        function()
        times.append(clock() - start)
    return statistics.median(times)


def peak(device: str = "cpu", dtype: torch.dtype = torch.float32, clock: Clock = time.perf_counter) -> float:
    """Measure the best GFLOP/s of a matrix product over sizes, each the median of 5, on one thread or GPU."""
    best = 0.0
    for n in (512, 1024, 2048) if device == "cpu" else (4096, 8192):
        a, b, c = (torch.randn(n, n, device=device, dtype=dtype) for _ in range(3))
        torch.mm(a, b, out=c)
        repeats = max(1, 2048**3 // n**3)

        def product(a: torch.Tensor = a, b: torch.Tensor = b, c: torch.Tensor = c, repeats: int = repeats) -> None:
            for _ in range(repeats):
                torch.mm(a, b, out=c)
            if a.is_cuda:
                torch.cuda.synchronize()

        best = max(best, 2 * n**3 * repeats / seconds(product, 5, clock) / 1e9)
    return best


class Table:
    """Measured times beside their limit on this machine and beside a peer, all of the same run and in one unit.

    Args:
        what: what the rows are about.
        unit: of all times.
        limit: what no implementation can beat.
        peer: another implementation, or the step on which this one is built.
    """

    def __init__(self, what: str, unit: str, limit: str, peer: str) -> None:
        print(f"\n{what}; limit: {limit}; peer: {peer}")
        print(f"{'':<34} {unit:>9} {'limit':>9} {'of limit':>8} {'peer':>10} {'speed-up':>8}", flush=True)

    def row(self, name: str, here: float, limit: float, peer: float | None = None, note: str = "") -> None:
        """Print a row: *of limit* is limit over time, *speed-up* is peer over time."""
        beside = "" if peer is None else f"{peer:>10.4g} {peer / here:>7.4g}x"
        print(f"{name:<34} {here:>9.4g} {limit:>9.4g} {limit / here:>8.2f} {beside:<19} {note}".rstrip(), flush=True)
