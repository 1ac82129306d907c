"""Measure the time of a step of every arm, and compare it with the step on which the arm is based.

    python benchmarks/arms.py [--seconds 1] [--device cpu|cuda]

The benchmark uses one CPU thread or one GPU. The network is that of the paper (784 - 50 - 50 - 10), with M = 1,000
samples, B = 50 and R = 20 realizations. Each row has

- the time of a step of one realization, in microseconds;
- as its limit, the time of the useful arithmetic of the step at the speed of the best float32 matrix product;
- as the peer, a default step of minibatches, or a step of gradient descent for noise in the full gradient.

A speed-up below 1 is the cost of the arm. Speed-ups are medians of repetitions, each of which measures an arm and its
peer one after the other.
"""

import argparse
import statistics
import time
from typing import Any

import numpy as np
import torch
from machine import CPU_TIME, Table, peak, seconds
from training import FLOP, SIZES

from sgd_valleys.networks.mlp import MLP
from sgd_valleys.recipe import Phase, Recipe
from sgd_valleys.training.device import choose_device
from sgd_valleys.training.recording import Recording
from sgd_valleys.training.sgd import train
from sgd_valleys.training.streams import run_streams

NETWORK = MLP(SIZES)
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


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.0, help="approximate time of each measurement, in s")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    device = choose_device(options.device)
    torch.set_num_threads(1)
    clock = CPU_TIME if device.type == "cpu" else time.perf_counter
    rng = np.random.default_rng(0)
    pixels = np.where(rng.random((M, 784)) < 0.8, -1, rng.uniform(-1, 1, (M, 784))).astype(np.float32)
    data = pixels, rng.integers(0, 10, M)
    starts = {network: network.initialize(np.random.default_rng(0)) for _, network in ARMS.values()}

    def run(settings: dict[str, Any], network: MLP, steps: int) -> None:
        recipe = Recipe(**{"eta": ETA, "B": B, "iterations": steps, **settings})
        streams = run_streams(0, ETA, B, range(REPLICAS))
        test_set = pixels[:100], data[1][:100]
        train(network, starts[network], data, test_set, recipe, Recording(points=3), streams=streams, device=device)

    def passed(settings: dict[str, Any]) -> int:
        recipe = Recipe(**{"eta": ETA, "B": B, "iterations": 2, **settings})
        return max(phase.samples_per_step(M) for phase in recipe.phases)

    def microseconds(settings: dict[str, Any], network: MLP = NETWORK) -> float:
        steps = 2 * max(10, round(options.seconds / (2.5e-6 * passed(settings) * REPLICAS) / 2))
        return seconds(lambda: run(settings, network, steps), clock=clock) / steps / REPLICAS * 1e6

    for settings, network in ARMS.values():
        run(settings, network, 20)
    top = peak(device.type, clock=clock)
    title = f"A step of each arm, M = {M}, B = {B}, {top:.0f} GFLOP/s"
    table = Table(title, "us", "useful arithmetic", "the step that the arm is built on")
    for name, (settings, network) in ARMS.items():
        samples, times, ratios = passed(settings), [], []
        for _ in range(5):
            times.append(microseconds(settings, network))
            ratios.append(microseconds({} if samples == B else {"noise": "none"}) / times[-1])
        own = statistics.median(times)
        table.row(name, own, samples * FLOP / top / 1e3, own * statistics.median(ratios))


if __name__ == "__main__":
    main()
