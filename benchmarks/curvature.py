"""Time of one top-10 spectrum, against torch.func.hessian and a dense eigensolver.

    python benchmarks/curvature.py

One thread, float64, the middle layer (2,500 weights) of the paper's network on 1,000 samples, untrained
and trained. The benchmark prints times and the largest relative difference of the eigenvalues.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import statistics
import time

import numpy as np
import torch
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


def main() -> None:
    """Print times and agreement."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    network = MLP((784, 50, 50, 10))
    initial = network.initialize(rng)
    centres = rng.normal(size=(10, 784))
    labels = rng.integers(0, 10, 1000)
    inputs = np.tanh(centres[labels] + 2 * rng.normal(size=(1000, 784)))
    x, y = torch.from_numpy(inputs), torch.from_numpy(labels)
    for state, parameters in (("untrained", initial), ("trained", train(initial, x, y, rng))):

        def lanczos(parameters: Parameters = parameters) -> np.ndarray:
            hessian = LayerHessian(network.linearize(parameters, inputs, 2))
            return top_eigenvalues(hessian, 10, np.random.default_rng(1)).eigenvalue

        lanczos()
        times = []
        for _ in range(15):
            start = time.perf_counter()
            top = lanczos()
            times.append(time.perf_counter() - start)
        start = time.perf_counter()
        dense = reference(parameters, x, y)
        dense_time = time.perf_counter() - start
        lanczos_time = statistics.median(times)
        print(
            f"{state:>9}: top 10 in {lanczos_time * 1e3:.1f} ms, torch.func.hessian + dense {dense_time:.1f} s: "
            f"{dense_time / lanczos_time:.0f}x; largest relative difference {np.abs(top / dense - 1).max():.1e}"
        )


if __name__ == "__main__":
    main()
