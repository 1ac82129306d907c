"""How long one top-10 spectrum takes, against torch.func.hessian and a dense eigensolver.

    python benchmarks/curvature.py

One thread, float64, the middle layer (2,500 weights) of the paper's network on 1,000 samples, untrained
and trained. The two are also compared number by number.
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
from sgd_valleys.training.recording import Recording
from sgd_valleys.training.schedule import minibatch_order
from sgd_valleys.training.sgd import train


def reference(parameters: Parameters, inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Top 10 of the Hessian by automatic differentiation twice, and all its eigenvalues."""
    p = {name: torch.from_numpy(array) for name, array in parameters.items()}
    x, y = torch.from_numpy(inputs), torch.from_numpy(labels)

    def loss(weight: torch.Tensor) -> torch.Tensor:
        h = torch.relu(x @ p["layer1_weight"].T + p["layer1_bias"])
        h = torch.relu(h @ weight.reshape(p["layer2_weight"].shape).T + p["layer2_bias"])
        return torch.nn.functional.cross_entropy(h @ p["layer3_weight"].T + p["layer3_bias"], y)

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
    run = train(
        network,
        initial,
        (inputs, labels),
        (inputs[:10], labels[:10]),
        eta=0.05,
        B=50,
        iterations=1000,
        recording=Recording(points=2, layer=2),
        orders=[minibatch_order(rng, 1000)],
        dtype=torch.float64,
    )
    trained = {name: array[0] for name, array in run.final.items()}
    for state, parameters in (("untrained", initial), ("trained", trained)):

        def ours(parameters: Parameters = parameters) -> np.ndarray:
            hessian = LayerHessian(network.linearize(parameters, inputs, 2))
            return top_eigenvalues(hessian, 10, np.random.default_rng(1)).eigenvalue

        ours()
        fast = []
        for _ in range(15):
            start = time.perf_counter()
            top = ours()
            fast.append(time.perf_counter() - start)
        start = time.perf_counter()
        dense = reference(parameters, inputs, labels)
        slow = time.perf_counter() - start
        quick = statistics.median(fast)
        print(
            f"{state:>9}: top 10 in {quick * 1e3:.1f} ms, torch.func.hessian + dense {slow:.1f} s: "
            f"{slow / quick:.0f}x; largest relative difference {np.abs(top / dense - 1).max():.1e}"
        )


if __name__ == "__main__":
    main()
