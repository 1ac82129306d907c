"""Measure how fast a stack trains, against the machine's matrix-product peak and against a plain PyTorch loop.

    python benchmarks/training.py [--seconds 2] [--device cpu|cuda]

The benchmark uses one CPU thread or one GPU, the paper's network (784 - 50 - 50 - 10) and R = 20 realizations. The
table has one row per batch size:

- useful GFLOP/s: the forward pass, the weight gradients and the hidden gradients of the whole network, 174,800
  floating-point operations per sample, however many the code executes;
- the fraction of the best float32 matrix product, measured just before;
- the speed-up over a loop that trains one network at a time on tensors in memory.

All numbers are medians of repetitions, taken in turn. The last line estimates the training time of the paper's sweep.
"""

import argparse
import statistics
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import yaml
from machine import peak, seconds

from sgd_valleys.config.sweep import Sweep
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.recipe import Recipe
from sgd_valleys.training.device import choose_device
from sgd_valleys.training.recording import Recording
from sgd_valleys.training.sgd import train
from sgd_valleys.training.streams import run_streams

SIZES = (784, 50, 50, 10)
M = 1000
WEIGHTS = [a * b for a, b in pairwise(SIZES)]
# per sample: forward pass and weight gradients take 2 each per weight, hidden gradients 2 per weight above layer 1
FLOP = 4 * sum(WEIGHTS) + 2 * sum(WEIGHTS[1:])
ETA = 0.01
REPLICAS = 20


def plain(inputs: torch.Tensor, labels: torch.Tensor, B: int, steps: int) -> None:
    """Train one network with torch.nn and torch.optim.SGD on minibatches indexed from tensors in memory."""
    layers = [torch.nn.Linear(a, b, device=inputs.device) for a, b in pairwise(SIZES)]
    model = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1], torch.nn.ReLU(), layers[2])
    optimizer = torch.optim.SGD(model.parameters(), lr=ETA)
    loss = torch.nn.CrossEntropyLoss()
    done = 0
    while True:
        for batch in torch.randperm(M, device=inputs.device).split(B):
            optimizer.zero_grad()
            loss(model(inputs[batch]), labels[batch]).backward()
            optimizer.step()
            done += 1
            if done == steps:
                if inputs.is_cuda:
                    torch.cuda.synchronize()
                return


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="approximate time of each measurement of a stack")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    target, device = options.seconds, choose_device(options.device)
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    network = MLP(SIZES)
    initial = network.initialize(rng)
    # as in MNIST, most pixels are background (-1)
    pixels = np.where(rng.random((M, 784)) < 0.8, -1, rng.uniform(-1, 1, (M, 784))).astype(np.float32)
    labels = rng.integers(0, 10, M)
    data, x, y = (pixels, labels), torch.from_numpy(pixels).to(device), torch.from_numpy(labels).to(device)

    def stacked(B: int, steps: int) -> None:
        replicas = 1 if B == M else REPLICAS
        recipe, streams = Recipe(eta=ETA, B=B, iterations=steps), run_streams(0, ETA, B, range(replicas))
        test_set = pixels[:200], labels[:200]
        train(network, initial, data, test_set, recipe, Recording(points=2), streams=streams, device=device)

    per_step = {}
    print(f"{'B':>5} {'peak':>7} {'GFLOP/s':>8} {'of peak':>8} {'us/step':>8} {'plain us':>9} {'speed-up':>9}")
    for B in (10, 20, 50, 100, 200, 500, 1000):
        replicas = 1 if B == M else REPLICAS
        # a run includes its set-up and two recorded points; this many steps make them negligible, as in the paper
        steps = max(20, round(target / (1.7e-6 * B * replicas)))
        plain_steps = max(10, round(target / 4 / (3e-6 * B + 150e-6)))
        stacked(B, 20)
        plain(x, y, B, 10)
        peaks, stack_times, plain_times = [], [], []
        for _ in range(5):
            peaks.append(peak(device.type) if len(peaks) < 3 else peaks[-1])
            stack_times.append(seconds(lambda B=B, steps=steps: stacked(B, steps)) / steps / replicas)
            plain_times.append(seconds(lambda B=B, steps=plain_steps: plain(x, y, B, steps)) / plain_steps)
        top, step, slow = map(statistics.median, (peaks, stack_times, plain_times))
        per_step[B] = replicas * step
        rate = FLOP * B / step / 1e9
        row = f"{B:>5} {top:>7.0f} {rate:>8.1f} {rate / top:>8.2f}"
        print(f"{row} {step * 1e6:>8.1f} {slow * 1e6:>9.1f} {slow / step:>8.1f}x", flush=True)

    experiment = yaml.safe_load(Path("config.yaml").read_text(encoding="utf-8"))["experiments"]["mnist"]
    sweep = Sweep.from_settings(experiment["sweep"], M)
    total = sum(sweep.iterations(eta) * per_step[B] for eta, B in sweep.cells)
    print(f"config.yaml: {len(sweep.cells)} cells of up to {REPLICAS} runs: {total:,.0f} s of training")


if __name__ == "__main__":
    main()
