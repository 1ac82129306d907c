"""Measure the time of a step of every arm, beside the step that it is built on.

    python benchmarks/arms.py [--seconds 1] [--device cpu|cuda]

The benchmark uses one CPU thread or one GPU, the paper's network (784 - 50 - 50 - 10), M = 1,000 samples, B = 50 and
R = 20 realizations. Each row has the microseconds of a step of one realization, and their ratios to those of

- a step of minibatches through the Gram matrix, the default;
- a step of minibatches of the plain stack, on which momentum and weight decay are built;
- a step of gradient descent, on which all noise in the full gradient is built.

Ratios are medians of repetitions; each repetition measures an arm and these three one after the other.
"""

import argparse
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from machine import seconds

from sgd_valleys.networks.mlp import MLP
from sgd_valleys.recipe import Phase, Recipe
from sgd_valleys.training import sgd
from sgd_valleys.training.device import choose_device
from sgd_valleys.training.mlp_replicas import MLPReplicas
from sgd_valleys.training.recording import Recording
from sgd_valleys.training.streams import run_streams

NETWORK = MLP((784, 50, 50, 10))
M, B, ETA, REPLICAS = 1000, 50, 0.01, 20
ARMS: dict[str, tuple[dict[str, Any], MLP]] = {
    "minibatch": ({}, NETWORK),
    "minibatch, fresh": ({"sampling": "fresh"}, NETWORK),
    "minibatch, then none": ({"schedule": (Phase(0.5), Phase(1.0, noise="none"))}, NETWORK),
    "minibatch, mse": ({"loss": "mse"}, NETWORK),
    "minibatch, mse_softmax": ({"loss": "mse_softmax"}, NETWORK),
    "minibatch, tanh": ({}, MLP(NETWORK.sizes, "tanh")),
    "minibatch, gelu": ({}, MLP(NETWORK.sizes, "gelu")),
    "minibatch, weight decay": ({"weight_decay": 1e-4}, NETWORK),
    "minibatch, momentum": ({"momentum": 0.5}, NETWORK),
    "none": ({"noise": "none"}, NETWORK),
    "none, momentum": ({"noise": "none", "momentum": 0.5}, NETWORK),
    "minibatch in layer 2": ({"noise_layers": (2,)}, NETWORK),
    "covariance": ({"noise": "covariance"}, NETWORK),
    "isotropic": ({"noise": "isotropic"}, NETWORK),
    "isotropic by layer": ({"noise": "isotropic_by_layer"}, NETWORK),
    "constant": ({"noise": "constant", "noise_strength": 0.001}, NETWORK),
}


@contextmanager
def plain_stack() -> Iterator[None]:
    """Train without the Gram matrix."""
    chosen, sgd.replicas_class = sgd.replicas_class, lambda *_: MLPReplicas
    try:
        yield
    finally:
        sgd.replicas_class = chosen


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.0, help="approximate time of each measurement")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    device = choose_device(options.device)
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    pixels = np.where(rng.random((M, 784)) < 0.8, -1, rng.uniform(-1, 1, (M, 784))).astype(np.float32)
    data = pixels, rng.integers(0, 10, M)
    starts = {network: network.initialize(np.random.default_rng(0)) for _, network in ARMS.values()}

    def run(settings: dict[str, Any], network: MLP, steps: int) -> None:
        recipe = Recipe(**{"eta": ETA, "B": B, "iterations": steps, **settings})
        streams = run_streams(0, ETA, B, range(REPLICAS))
        test_set = pixels[:100], data[1][:100]
        sgd.train(network, starts[network], data, test_set, recipe, Recording(points=3), streams=streams, device=device)

    def microseconds(settings: dict[str, Any], network: MLP = NETWORK) -> float:
        recipe = Recipe(**{"eta": ETA, "B": B, "iterations": 2, **settings})
        samples = max(phase.samples_per_step(M) for phase in recipe.phases)
        steps = 2 * max(10, round(options.seconds / (2.5e-6 * samples * REPLICAS) / 2))
        return seconds(lambda: run(settings, network, steps)) / steps / REPLICAS * 1e6

    for settings, network in ARMS.values():
        run(settings, network, 20)
    print(f"{'arm':<24} {'us/step':>8} {'of minibatch':>13} {'of plain':>9} {'of none':>8}")
    for name, (settings, network) in ARMS.items():
        times, ratios = [], []
        for _ in range(5):
            with plain_stack():
                plain = microseconds({})
            gram, full, own = microseconds({}), microseconds({"noise": "none"}), microseconds(settings, network)
            times.append(own)
            ratios.append((own / gram, own / plain, own / full))
        gram, plain, full = (statistics.median(column) for column in zip(*ratios, strict=True))
        print(f"{name:<24} {statistics.median(times):>8.1f} {gram:>13.2f} {plain:>9.2f} {full:>8.2f}", flush=True)


if __name__ == "__main__":
    main()
