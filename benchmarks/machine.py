"""The clock of the benchmarks and the matrix-product peak of the machine."""

import statistics
import time
from collections.abc import Callable

import torch


def seconds(function: Callable[[], None]) -> float:
    """Measure the wall time of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def peak(device: str = "cpu") -> float:
    """Measure the best GFLOP/s of a float32 matrix product over sizes, each the median of 5, on one thread or GPU."""
    best = 0.0
    for n in (512, 1024, 2048) if device == "cpu" else (4096, 8192):
        a, b, c = (torch.randn(n, n, device=device) for _ in range(3))
        torch.mm(a, b, out=c)
        repeats = max(1, 2048**3 // n**3)

        def product(a: torch.Tensor = a, b: torch.Tensor = b, c: torch.Tensor = c, repeats: int = repeats) -> None:
            for _ in range(repeats):
                torch.mm(a, b, out=c)
            if a.is_cuda:
                torch.cuda.synchronize()

        best = max(best, 2 * n**3 * repeats / statistics.median(seconds(product) for _ in range(5)) / 1e9)
    return best
