"""Measure the time of the top 10 eigenvalues of a layer, and compare it with the limit and with a dense solver.

    python benchmarks/curvature.py

The benchmark uses one thread, float64 and the middle layer (2,500 weights) of the paper's network on 1,000 samples,
untrained and trained. The limit is the arithmetic of the products with the Hessian. The peer is torch.func.hessian with
a dense solver. The benchmark prints processor times and the largest relative difference of the eigenvalues.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import numpy as np
import torch
from machine import CPU_TIME, Table, peak, seconds
from scipy.linalg import eigvalsh

from sgd_valleys.measures.curvature import LayerHessian, top_eigenvalues
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.networks.network import Parameters


def torch_loss(p: dict[str, torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The cross-entropy of the paper's network in PyTorch."""
    h = torch.relu(x @ p["layer1_weight"].T + p["layer1_bias"])
    h = torch.relu(h @ p["layer2_weight"].T + p["layer2_bias"])
    return torch.nn.functional.cross_entropy(h @ p["layer3_weight"].T + p["layer3_bias"], y)


def train(initial: Parameters, x: torch.Tensor, y: torch.Tensor, rng: np.random.Generator) -> Parameters:
    """The parameters after 50 epochs of SGD with batches of 50."""
    p = {name: torch.tensor(array, requires_grad=True) for name, array in initial.items()}
    optimizer = torch.optim.SGD(p.values(), lr=0.05)
    for batch in (batch for _ in range(50) for batch in np.split(rng.permutation(len(y)), len(y) // 50)):
        optimizer.zero_grad()
        torch_loss(p, x[batch], y[batch]).backward()
        optimizer.step()
    return {name: tensor.detach().numpy() for name, tensor in p.items()}


def reference(parameters: Parameters, x: torch.Tensor, y: torch.Tensor) -> np.ndarray:
    """Top 10 of all eigenvalues of the Hessian by automatic differentiation."""
    p = {name: torch.from_numpy(array) for name, array in parameters.items()}
    shape = p["layer2_weight"].shape

    def loss(weight: torch.Tensor) -> torch.Tensor:
        return torch_loss(p | {"layer2_weight": weight.reshape(shape)}, x, y)

    hessian = torch.func.hessian(loss)(p["layer2_weight"].flatten())
    return eigvalsh(hessian.numpy())[::-1][:10]


def separable_images(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw 1,000 inputs (sample, 784) of 10 classes, and their labels."""
    centres, labels = rng.normal(size=(10, 784)), rng.integers(0, 10, 1000)
    return np.tanh(centres[labels] + 2 * rng.normal(size=(1000, 784))), labels


class Counted(LayerHessian):
    """Counts its products."""

    products = 0

    def _matvec(self, v: np.ndarray) -> np.ndarray:
        Counted.products += 1
        return super()._matvec(v)


def main() -> None:
    """Print times and agreement."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    network = MLP((784, 50, 50, 10))
    initial = network.initialize(rng)
    inputs, labels = separable_images(rng)
    x, y = torch.from_numpy(inputs), torch.from_numpy(labels)
    top = peak(dtype=torch.float64, clock=CPU_TIME)
    title = f"Top 10 of the middle layer's Hessian, {top:.0f} GFLOP/s in float64"
    table = Table(title, "ms", "arithmetic of the products", "torch.func.hessian and a dense eigensolver")
    for state, parameters in (("untrained", initial), ("trained", train(initial, x, y, rng))):

        def lanczos(kind: type[LayerHessian] = LayerHessian, parameters: Parameters = parameters) -> np.ndarray:
            hessian = kind(network.linearize(parameters, inputs, 2))
            return top_eigenvalues(hessian, 10, np.random.default_rng(1)).eigenvalue

        Counted.products = 0
        found = lanczos(Counted)
        # of each product: 4 per weight of layers 2 and 3, and sample
        limit = Counted.products * len(labels) * 4 * (2500 + 500) / top / 1e6
        own, start = 1e3 * seconds(lanczos, 15, CPU_TIME), CPU_TIME()
        difference = np.abs(found / reference(parameters, x, y) - 1).max()
        plain = 1e3 * (CPU_TIME() - start)
        table.row(state, own, limit, plain, f"largest relative difference {difference:.1e}")


if __name__ == "__main__":
    main()
