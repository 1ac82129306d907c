"""Measure the time of the top 10 eigenvalues of all parameters, and compare it with the limit and with peers.

    python benchmarks/whole_network.py [--results results/mnist --eta 0.05 --B 50] [--limit 120]

The benchmark uses one thread, float64 and all 42,310 parameters of the paper's network on its 1,000 training images. By
default, the benchmark trains the network; the options select the endpoint of realization 0 of a cell. The table has

- the time of the library: Lanczos iteration to a relative residual of 1e-6, with hand-written products;
- as its limit, the floating-point operations of the products at the best float64 matrix product of the same run;
- as a peer, Lanczos iteration with products by automatic differentiation;
- as another peer, the published method (PyHessian, Yao et al. 2020) with the products of the first peer.

The published method is power iteration with deflation, one eigenvalue after another, to the same residual. The
iteration stops after ``--limit`` seconds, and the speed-up is then a lower bound.

Times are processor times, medians of repetitions; power iteration runs once.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import argparse
from itertools import pairwise

import numpy as np
import torch
from machine import CPU_TIME, Table, peak, seconds
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
    end = CPU_TIME() + limit
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
            if CPU_TIME() > end:
                return np.array(values), products
            if np.linalg.norm(w - value * v) <= TOLERANCE * (values[0] if values else value):
                break
            v = w
        found.append(v)
        values.append(value)
    return np.array(values), products


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
    parser.add_argument("--eta", type=float, default=0.05, help="learning rate of the cell in --results")
    parser.add_argument("--B", type=int, default=50, help="batch size of the cell in --results")
    parser.add_argument("--limit", type=float, default=120.0, help="time limit of the power iteration, in s")
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
    own, top = seconds(library, 7, CPU_TIME), peak(dtype=torch.float64, clock=CPU_TIME)
    M, (first, *upper) = len(samples[1]), [a * b for a, b in pairwise(network.sizes)]
    # of each product: 4 per weight and sample in the first layer, 12 in the others
    limit = products * M * (4 * first + 12 * sum(upper)) / top / 1e9
    size = flatten(parameters, range(1, network.depth + 1)).size
    title = f"Top {N} of all {size:,} parameters, {M:,} samples, {top:.0f} GFLOP/s in float64"
    table = Table(title, "s", f"arithmetic of the {products} products", "products by automatic differentiation")
    autograd = Autograd(network, parameters, samples)
    lanczos = seconds(lambda: top_eigenpairs(autograd, N, np.random.default_rng(0), TOLERANCE), 3, CPU_TIME)
    table.row("peer: Lanczos iteration", own, limit, lanczos)
    start = CPU_TIME()
    values, steps = power_iteration(autograd, np.random.default_rng(0), options.limit)
    published = CPU_TIME() - start
    difference = np.abs(library()[: len(values)] / values - 1).max(initial=0)
    note = f"{len(values)} of {N} eigenvalues in {steps} products, largest relative difference {difference:.1e}"
    table.row("peer: power iteration", own, limit, published, note)


if __name__ == "__main__":
    main()
