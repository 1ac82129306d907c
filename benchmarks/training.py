"""Measure the training speed of a stack, and compare it with the machine's peak and with a plain PyTorch loop.

    python benchmarks/training.py [--seconds 2] [--device cpu|cuda]

The benchmark uses one CPU thread or one GPU, the paper's network (784 - 50 - 50 - 10) and R = 20 realizations. The
table has one row per batch size, and one row for branches. Branches are gradient descent from as many starts as in the
paper. Each row has

- useful GFLOP/s, which count the forward pass, the weight gradients and the hidden gradients of the whole network:
  174,800 floating-point operations per sample;
- the fraction of the best float32 matrix product, measured directly before;
- the speed-up over a loop that trains one network at a time on tensors in memory.

All numbers are medians of interleaved repetitions. The last lines estimate the time of the paper's sweep and of its
branches, with as many recorded points as in the paper.
"""

import argparse
import statistics
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import yaml
from machine import peak, seconds

from sgd_valleys.config.experiment import Experiment
from sgd_valleys.config.following import follow_experiment
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
    parser.add_argument("--seconds", type=float, default=2.0, help="approximate time of each measurement, in s")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    target, device = options.seconds, choose_device(options.device)
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    network = MLP(SIZES)
    # as in MNIST, most pixels are background (-1)
    pixels = np.where(rng.random((M, 784)) < 0.8, -1, rng.uniform(-1, 1, (M, 784))).astype(np.float32)
    labels = rng.integers(0, 10, M)
    data, x, y = (pixels, labels), torch.from_numpy(pixels).to(device), torch.from_numpy(labels).to(device)

    settings = yaml.safe_load(Path("config.yaml").read_text(encoding="utf-8"))["experiments"]["mnist"]
    experiment = Experiment("mnist", follow_experiment(settings))
    branchings, points = experiment.branchings.values(), experiment["branches"]["points"]
    branches = max(branching.count for branching in branchings)
    interval = max(branching.recipe.iterations for branching in branchings) // (points - 1)
    initial = [network.initialize(rng) for _ in range(max(REPLICAS, branches))]  # equal runs without noise train once
    starts = {name: np.stack([each[name] for each in initial]) for name in network.names()}

    def stacked(B: int, replicas: int, steps: int) -> None:
        recipe, streams = Recipe(eta=ETA, B=B, iterations=steps), run_streams(0, ETA, B, range(replicas))
        recording = Recording(points=2 if replicas != branches else steps // interval + 1)
        own = {name: array[:replicas] for name, array in starts.items()}
        test_set = pixels[:200], labels[:200]
        train(network, own, data, test_set, recipe, recording, streams=streams, device=device)

    per_step = {}
    print(f"{'B':>5} {'R':>3} {'peak':>7} {'GFLOP/s':>8} {'of peak':>8} {'us/step':>8} {'plain us':>9} {'speed-up':>9}")
    cells = [*((B, REPLICAS) for B in (10, 20, 50, 100, 200, 500)), (M, 1), (M, branches)]
    for B, replicas in cells:
        # a run includes its set-up and two recorded points; this many steps make them negligible, as in the paper
        steps = interval * max(5, round(target / (1.7e-6 * B * replicas) / interval))
        plain_steps = max(10, round(target / 4 / (3e-6 * B + 150e-6)))
        stacked(B, replicas, interval)
        plain(x, y, B, 10)
        peaks, stack_times, plain_times = [], [], []
        for _ in range(5):
            peaks.append(peak(device.type) if len(peaks) < 3 else peaks[-1])
            stack_times.append(seconds(partial(stacked, B, replicas, steps)) / steps / replicas)
            plain_times.append(seconds(lambda B=B, steps=plain_steps: plain(x, y, B, steps)) / plain_steps)
        top, step, slow = map(statistics.median, (peaks, stack_times, plain_times))
        per_step[B, replicas] = replicas * step
        rate = FLOP * B / step / 1e9
        row = f"{B:>5} {replicas:>3} {top:>7.0f} {rate:>8.1f} {rate / top:>8.2f}"
        print(f"{row} {step * 1e6:>8.1f} {slow * 1e6:>9.1f} {slow / step:>8.1f}x", flush=True)

    sweep = experiment.sweep
    total = sum(sweep.iterations(cell.eta) * per_step[cell.B, 1 if cell.B == M else REPLICAS] for cell in sweep.cells)
    print(f"config.yaml: {len(sweep.cells)} cells of up to {REPLICAS} runs: {total:,.0f} s of training")
    # branches end at iteration T of their run; those of the reference run go on, which is left out here
    steps = sum(sum(each.T - t for t in each.t_c) * each.copies * len(each.realizations) for each in branchings)
    total = steps * per_step[M, branches] / branches
    print(f"config.yaml: {steps:,} steps of gradient descent in branches: {total:,.0f} s")


if __name__ == "__main__":
    main()
