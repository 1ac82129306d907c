"""How fast a stack trains, against this machine's matrix-product peak and against the plain way.

    python benchmarks/training.py [--seconds 2] [--device cpu|cuda]

One thread of a CPU, or a GPU, and the paper's network (784 - 50 - 50 - 10), R = 20 realizations. For each batch
size: useful GFLOP/s, that is the forward pass, the weight gradients and the hidden gradients of the
whole network, 174,800 floating-point operations a sample, whatever the code really computes; as a fraction
of the best float32 matrix product measured here just before; and the speed-up over a plain
one-network-at-a-time PyTorch loop on tensors in memory. Medians of several repetitions, taken in turn. Last, what the
paper's whole sweep takes at these speeds.
"""

import argparse
import statistics
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import yaml
from machine import peak, seconds

from sgd_valleys.config.sweep import cells, iterations
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.training.device import choose_device
from sgd_valleys.training.recording import Recording
from sgd_valleys.training.schedule import minibatch_order
from sgd_valleys.training.sgd import train

SIZES = (784, 50, 50, 10)
M = 1000
WEIGHTS = [a * b for a, b in pairwise(SIZES)]
# a sample's forward pass and weight gradients: 2 each of every weight; its hidden gradients: 2 of all but the first's
FLOP = 4 * sum(WEIGHTS) + 2 * sum(WEIGHTS[1:])
ETA = 0.01
REPLICAS = 20


def plain(inputs: torch.Tensor, labels: torch.Tensor, B: int, steps: int) -> None:
    """One network with torch.nn and torch.optim.SGD, minibatches indexed from tensors in memory."""
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
    parser.add_argument("--seconds", type=float, default=2.0, help="about so long for each measurement of a stack")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    aim, device = options.seconds, choose_device(options.device)
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    network = MLP(SIZES)
    initial = network.initialize(rng)
    # like MNIST: mostly background at -1
    pixels = np.where(rng.random((M, 784)) < 0.8, -1, rng.uniform(-1, 1, (M, 784))).astype(np.float32)
    labels = rng.integers(0, 10, M)
    data, x, y = (pixels, labels), torch.from_numpy(pixels).to(device), torch.from_numpy(labels).to(device)

    def stacked(B: int, steps: int) -> None:
        replicas = 1 if B == M else REPLICAS
        orders = [minibatch_order(np.random.default_rng(r), M) for r in range(replicas)]
        train(network, initial, data, (pixels[:200], labels[:200]), eta=ETA, B=B, iterations=steps,
              recording=Recording(points=2, layer=2), orders=orders, device=device)  # fmt: skip

    per_step = {}
    print(f"{'B':>5} {'peak':>7} {'GFLOP/s':>8} {'of peak':>8} {'us/step':>8} {'plain us':>9} {'speed-up':>9}")
    for B in (10, 20, 50, 100, 200, 500, 1000):
        replicas = 1 if B == M else REPLICAS
        # two records and the set-up are part of a run; so many steps that they do not matter, as in the paper
        steps = max(20, round(aim / (1.7e-6 * B * replicas)))
        plain_steps = max(10, round(aim / 4 / (3e-6 * B + 150e-6)))
        stacked(B, 20)
        plain(x, y, B, 10)
        limit, ours, theirs = [], [], []
        for _ in range(5):
            limit.append(peak(device.type) if len(limit) < 3 else limit[-1])
            ours.append(seconds(lambda B=B, steps=steps: stacked(B, steps)) / steps / replicas)
            theirs.append(seconds(lambda B=B, steps=plain_steps: plain(x, y, B, steps)) / plain_steps)
        top, step, slow = statistics.median(limit), statistics.median(ours), statistics.median(theirs)
        per_step[B] = replicas * step
        rate = FLOP * B / step / 1e9
        row = f"{B:>5} {top:>7.0f} {rate:>8.1f} {rate / top:>8.2f}"
        print(f"{row} {step * 1e6:>8.1f} {slow * 1e6:>9.1f} {slow / step:>8.1f}x", flush=True)

    grid = yaml.safe_load(Path("config.yaml").read_text())["experiments"]["mnist"]["sweep"]
    total = sum(float(iterations(grid, eta)) * per_step[B] for eta, B in cells(grid))
    print(f"config.yaml: {len(cells(grid))} cells of up to {REPLICAS} runs: {total:,.0f} s of training")


if __name__ == "__main__":
    main()
