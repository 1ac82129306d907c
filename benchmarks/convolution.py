"""How fast the convolutional network trains, against this machine's matrix-product peak and against other ways.

    python benchmarks/convolution.py [--seconds 2] [--device cpu|cuda] [--config config/cifar10-full.yaml]

The network of Fig. S5 (3 x 32 x 32 images, convolutions to 32, 64 and 64 channels, 1024 - 128 - 10), one thread of a
CPU or a GPU. For each batch size: images per second of an SGD step; useful GFLOP/s, that is the forward pass, the
weight gradients and the hidden gradients, whatever the code really computes; as a fraction of the best float32 matrix
product measured here beside it. Then the speed of other ways to do the same step, over ours: torch.nn's usual layout
and order, and four replicas stacked as one grouped convolution. Medians of several repetitions, taken in turn. Last,
what the sweep of a file of settings would cost at the speed measured for each of its batch sizes.
"""

import argparse
import statistics
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import yaml
from machine import peak, seconds
from torch.nn import functional as F

from sgd_valleys.config.sweep import cells, iterations
from sgd_valleys.config.validation import training_samples
from sgd_valleys.networks.cnn import CNN
from sgd_valleys.training.cnn_replicas import CNNReplicas
from sgd_valleys.training.device import choose_device

NETWORK = CNN((3, 32, 32), (32, 64, 64), (128,), 10)
# multiplications with each weight of a layer: of a convolution one for each pixel of its output
USES = (32 * 32, 16 * 16, 8 * 8, 1, 1)
PRODUCTS = [np.prod(NETWORK.weight_shape(k)) * uses for k, uses in enumerate(USES, start=1)]
# a sample's forward pass and weight gradients: 2 each of every product; its hidden gradients: 2 of all but the first's
FLOP = int(4 * sum(PRODUCTS) + 2 * sum(PRODUCTS[1:]))
ETA, M, REPLICAS = 0.01, 2000, 4


def usual(stack: CNNReplicas) -> Callable[[torch.Tensor], None]:
    """A step of torch.nn's usual network: channels first, the ReLU before the maximum, the minibatch at once."""
    images = stack.images.permute(0, 3, 1, 2).contiguous()
    weights = [w.detach().clone(memory_format=torch.contiguous_format).requires_grad_() for w in stack.replicas[0]]

    def step(index: torch.Tensor) -> None:
        z = images[index]
        for k in range(0, 6, 2):
            z = F.max_pool2d(F.conv2d(z, weights[k], weights[k + 1], padding=1).relu(), 2)
        z = F.linear(F.linear(z.flatten(1), *weights[6:8]).relu(), *weights[8:])
        F.cross_entropy(z, stack.labels[index]).backward()
        update(weights)

    return step


def stacked(stack: CNNReplicas) -> Callable[[torch.Tensor], None]:
    """A step of several replicas at once, each with a minibatch of its own, as grouped convolutions."""
    R = REPLICAS
    weights = [torch.stack([w.detach()] * R).requires_grad_() for w in stack.replicas[0]]

    def step(index: torch.Tensor) -> None:
        own = [index.roll(r) for r in range(R)]
        z = torch.cat([stack.images[samples].permute(0, 3, 1, 2) for samples in own], dim=1)
        for k in range(0, 6, 2):
            weight, bias = weights[k].flatten(0, 1), weights[k + 1].flatten()
            z = F.max_pool2d(F.conv2d(z, weight, bias, padding=1, groups=R), 2).relu()
        z = z.reshape(len(index), R, -1).transpose(0, 1)
        z = torch.baddbmm(weights[7][:, None], z, weights[6].transpose(1, 2)).relu()
        z = torch.baddbmm(weights[9][:, None], z, weights[8].transpose(1, 2))
        labels = torch.cat([stack.labels[samples] for samples in own])
        (F.cross_entropy(z.flatten(0, 1), labels) * R).backward()
        update(weights)

    return step


@torch.no_grad()
def update(weights: list[torch.Tensor]) -> None:
    """Plain SGD."""
    for w in weights:
        w.add_(w.grad, alpha=-ETA)
        w.grad = None


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="about so long for each measurement")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--config", default="config/cifar10-full.yaml", help="the sweep whose cost is estimated")
    options = parser.parse_args()
    torch.set_num_threads(1)
    choose_device(options.device)  # and its precision
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.uniform(-1, 1, (M, *NETWORK.shape)).astype(np.float32)).to(options.device)
    labels = torch.from_numpy(rng.integers(0, 10, M)).to(options.device)
    initial = {name: array[None] for name, array in NETWORK.initialize(rng).items()}
    speed = {}
    print(f"{'B':>4} {'peak':>7} {'GFLOP/s':>8} {'of peak':>8} {'images/s':>9} {'usual':>6} {'stacked':>8}")
    for B in (20, 50, 100, 200, 500):
        stack = CNNReplicas(NETWORK, initial, images, labels, ETA, B)
        ways = {
            "ours": (1, lambda index, stack=stack: stack.step(stack.replicas[0], index)),
            "usual": (1, usual(stack)),
            "stacked": (REPLICAS, stacked(stack)),
        }
        index = torch.from_numpy(rng.permutation(M)[:B]).to(options.device)

        def steps(step: Callable[[torch.Tensor], None], count: int, index: torch.Tensor = index) -> None:
            for _ in range(count):
                step(index)
            if options.device == "cuda":
                torch.cuda.synchronize()

        count = {}
        for name, (_, step) in ways.items():
            steps(step, 3)
            count[name] = max(2, round(options.seconds / 5 / (seconds(lambda step=step: steps(step, 3)) / 3)))
        limit, rates = [], {name: [] for name in ways}
        for _ in range(5):
            limit.append(peak(options.device) if len(limit) < 3 else limit[-1])
            for name, (replicas, step) in ways.items():
                time = seconds(lambda step=step, n=count[name]: steps(step, n)) / count[name]
                rates[name].append(B * replicas / time)
        top, (ours, theirs, grouped) = statistics.median(limit), (statistics.median(r) for r in rates.values())
        speed[B] = ours
        useful = FLOP * ours / 1e9
        row = f"{B:>4} {top:>7.0f} {useful:>8.1f} {useful / top:>8.2f} {ours:>9.0f}"
        print(f"{row} {theirs / ours:>5.2f}x {grouped / ours:>7.2f}x", flush=True)

    experiment = yaml.safe_load(Path("config.yaml").read_text())["experiments"]["cifar10"]
    asked = yaml.safe_load(Path(options.config).read_text())["experiments"]["cifar10"]
    grid, dataset = experiment["sweep"] | asked.get("sweep", {}), experiment["dataset"] | asked.get("dataset", {})
    runs = {(eta, B): float(iterations(grid, eta)) * B for eta, B in cells(grid)}
    hours = {(eta, B): samples / speed[B] / 3600 for (eta, B), samples in runs.items()}
    points = (experiment["recording"] | asked.get("recording", {}))["points"]
    total = sum(hours.values()) * grid["realizations"]
    print(
        f"{options.config}: {len(runs)} cells of {grid['realizations']} runs on {training_samples(dataset):,} images, "
        f"{sum(runs.values()) * grid['realizations']:.2g} images in all: {total:,.0f} hours of this {options.device}, "
        f"the longest run {max(hours.values()):.1f}; and {points} looks at the whole data a run"
    )


if __name__ == "__main__":
    main()
