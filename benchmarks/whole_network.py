"""Time of the top 10 eigenvalues of all parameters, against power iteration, and against the products' arithmetic.

    python benchmarks/whole_network.py [--results results/mnist --eta 0.05 --B 50] [--limit 120]

One thread, float64, all 42,310 parameters of the paper's network on its 1,000 training images: of realization 0 of a
cell at its end, or by default of a network that the benchmark trains. The benchmark prints

- the time of the library: Lanczos iteration to a relative residual of 1e-6, with hand-written products;
- the time of the published way: power iteration with deflation, one eigenvalue after another, to the same residual,
  with products by automatic differentiation (PyHessian, Yao et al. 2020); it stops after ``--limit`` seconds, and the
  numbers are then lower bounds;
- the time of Lanczos iteration with these products;
- floating-point operations of the products, and their time at the best float64 matrix product of the same run.

Times are medians of repetitions; power iteration runs once.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import argparse
import statistics
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator

from sgd_valleys.data import download, images
from sgd_valleys.measures.operators import NetworkCurvature, flatten
from sgd_valleys.measures.spectra import top_eigenpairs
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.networks.network import Parameters
from sgd_valleys.recipe import Recipe
from sgd_valleys.results.cell import Cell
from sgd_valleys.training.recording import Recording
from sgd_valleys.training.sgd import train
from sgd_valleys.training.streams import run_streams

N, TOLERANCE = 10, 1e-6


class Autograd(LinearOperator):
    """Hessian-vector products as a gradient of the gradient."""

    is_finite = True

    def __init__(self, network: MLP, parameters: Parameters, samples: tuple[np.ndarray, np.ndarray]) -> None:
        self.theta = [torch.tensor(array, requires_grad=True) for array in parameters.values()]
        h, y = map(torch.from_numpy, samples)
        for k, (weight, bias) in enumerate(zip(self.theta[::2], self.theta[1::2], strict=True), start=1):
            h = torch.nn.functional.linear(h, weight, bias)
            h = torch.relu(h) if k < network.depth else h
        loss = torch.nn.functional.cross_entropy(h, y)
        self.gradient = torch.autograd.grad(loss, self.theta, create_graph=True)
        size = sum(tensor.numel() for tensor in self.theta)
        super().__init__(np.dtype(np.float64), (size, size))

    def _matvec(self, vector: np.ndarray) -> np.ndarray:
        parts = torch.from_numpy(vector.ravel().copy()).split([tensor.numel() for tensor in self.theta])
        along = [part.view(tensor.shape) for part, tensor in zip(parts, self.theta, strict=True)]
        product = torch.autograd.grad(self.gradient, self.theta, along, retain_graph=True)
        return torch.cat([part.flatten() for part in product]).numpy()


def power_iteration(operator: LinearOperator, rng: np.random.Generator, limit: float) -> tuple[np.ndarray, int]:
    """Compute the top eigenvalues one after another within a time; return those found and the number of products."""
    end = time.perf_counter() + limit
    found: list[np.ndarray] = []
    values, products = [], 0
    while len(values) < N:
        v = rng.standard_normal(operator.shape[0])
        while True:
            for other in found:
                v -= other * (other @ v)
            v /= np.linalg.norm(v)
            w = operator.matvec(v)
            products += 1
            value = v @ w
            if time.perf_counter() > end:
                return np.array(values), products
            if np.linalg.norm(w - value * v) <= TOLERANCE * (values[0] if values else value):
                break
            v = w
        found.append(v)
        values.append(value)
    return np.array(values), products


def seconds(function: Callable[[], object], repetitions: int) -> float:
    """Return the median time of a call."""
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def trained(eta: float, B: int) -> tuple[MLP, Parameters, tuple[np.ndarray, np.ndarray]]:
    """Train the paper's network on the paper's images; return it with its parameters and images."""
    download.fetch("mnist", "data")
    loaded = images.load("mnist", "data", train_per_class=100, test_per_class=1)
    rng, network = np.random.default_rng(0), MLP((784, 50, 50, 10))
    recipe, streams = Recipe(eta=eta, B=B, iterations=2000), run_streams(0, eta, B, [0])
    samples = network.inputs(loaded.train_image).astype(np.float64), loaded.train_label
    run = train(network, network.initialize(rng), samples, samples, recipe, Recording(points=2), streams=streams)
    return network, {name: array[0].astype(np.float64) for name, array in run.final.items()}, samples


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", help="folder of an experiment with an MLP, such as results/mnist")
    parser.add_argument("--eta", type=float, default=0.05)
    parser.add_argument("--B", type=int, default=50)
    parser.add_argument("--limit", type=float, default=120.0, help="most seconds of the power iteration")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.results:
        cell = Cell(options.results, options.eta, options.B)
        network, parameters, samples = cell.network, cell.parameters(0), (cell.inputs.astype(np.float64), cell.labels)
    else:
        network, parameters, samples = trained(options.eta, options.B)
    products = 0

    class Counted(NetworkCurvature):
        """Counts its products."""

        def _matmat(self, block: np.ndarray) -> np.ndarray:
            nonlocal products
            products += block.shape[1]
            return super()._matmat(block)

    def library() -> np.ndarray:
        hessian = NetworkCurvature(network, parameters, samples)
        return top_eigenpairs(hessian, N, np.random.default_rng(0), TOLERANCE).eigenvalue

    top_eigenpairs(Counted(network, parameters, samples), N, np.random.default_rng(0), TOLERANCE)
    matrix = np.random.default_rng(0).random((2000, 2000))
    peak = 2 * 2000**3 / seconds(lambda: matrix @ matrix, 5)
    own = seconds(library, 7)
    peak = max(peak, 2 * 2000**3 / seconds(lambda: matrix @ matrix, 5))
    M, weights = len(samples[1]), [a * b for a, b in pairwise(network.sizes)]
    # of each product: 4 per weight and sample in the first layer, 12 in the others
    arithmetic = products * M * (4 * weights[0] + 12 * sum(weights[1:])) / peak
    size = flatten(parameters, range(1, network.depth + 1)).size
    print(f"top {N} of {size:,} parameters, {M:,} samples; {peak / 1e9:.0f} GFLOP/s in float64")
    print(
        f"library            {own:8.2f} s {products:6} products, {own / arithmetic:.1f} times their arithmetic",
        flush=True,
    )
    autograd = Autograd(network, parameters, samples)
    lanczos = seconds(lambda: top_eigenpairs(autograd, N, np.random.default_rng(0), TOLERANCE), 3)
    print(f"Lanczos, autograd  {lanczos:8.2f} s {'':15} {lanczos / own:6.1f}x", flush=True)
    start = time.perf_counter()
    values, steps = power_iteration(autograd, np.random.default_rng(0), options.limit)
    published = time.perf_counter() - start
    bound = "" if len(values) == N else f", with {len(values)} of {N} eigenvalues"
    print(f"power iteration    {published:8.2f} s {steps:6} products {published / own:6.1f}x{bound}")
    difference = np.abs(library()[: len(values)] / values - 1).max(initial=0)
    print(f"largest relative difference of the eigenvalues {difference:.1e}")


if __name__ == "__main__":
    main()
