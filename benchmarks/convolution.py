"""Measure the training speed of the convolutional network, and compare it with the peak and two implementations.

    python benchmarks/convolution.py [--seconds 2] [--device cpu|cuda] [--config config/cifar10-full.yaml]

The benchmark uses one CPU thread or one GPU and the network of Fig. S5 (3 x 32 x 32 images, convolutions to 32, 64 and
64 channels, 1024 - 128 - 10). The table has one row per batch size:

- images per second of an SGD step;
- useful GFLOP/s, which count the forward pass, the weight gradients and the hidden gradients but no other operations;
- the fraction of the best float32 matrix product, measured in between;
- the speed of two other implementations relative to the library: the default layout and order of torch.nn, and four
  replicas stacked as one grouped convolution.

All numbers are medians of interleaved repetitions. The last line estimates the training time of a configuration's
CIFAR-10 sweep from the speed at each of its batch sizes.
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

from sgd_valleys.config.experiment import Experiment
from sgd_valleys.networks.cnn import CNN
from sgd_valleys.recipe import Dynamics
from sgd_valleys.training.cnn_replicas import CNNReplicas
from sgd_valleys.training.device import choose_device
from sgd_valleys.training.replicas import TrainingSet

NETWORK = CNN((3, 32, 32), (32, 64, 64), (128,), 10)
# multiplications per weight of a layer: one per output pixel of a convolution
USES = (32 * 32, 16 * 16, 8 * 8, 1, 1)
PRODUCTS = [np.prod(NETWORK.weight_shape(k)) * uses for k, uses in enumerate(USES, start=1)]
# per sample: forward pass and weight gradients take 2 each per product, hidden gradients 2 per product above layer 1
FLOP = int(4 * sum(PRODUCTS) + 2 * sum(PRODUCTS[1:]))
ETA, M, REPLICAS = 0.01, 2000, 4


def default_layout(stack: CNNReplicas) -> Callable[[torch.Tensor], None]:
    """Return a step of torch.nn's default network: channels first, ReLU before max-pooling, the minibatch at once."""
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


def grouped_replicas(stack: CNNReplicas) -> Callable[[torch.Tensor], None]:
    """Return a step of several replicas at once, each with a minibatch of its own, as grouped convolutions."""
    R = REPLICAS
    weights = [torch.stack([w.detach()] * R).requires_grad_() for w in stack.replicas[0]]

    def step(index: torch.Tensor) -> None:
        minibatches = [index.roll(r) for r in range(R)]
        z = torch.cat([stack.images[samples].permute(0, 3, 1, 2) for samples in minibatches], dim=1)
        for k in range(0, 6, 2):
            weight, bias = weights[k].flatten(0, 1), weights[k + 1].flatten()
            z = F.max_pool2d(F.conv2d(z, weight, bias, padding=1, groups=R), 2).relu()
        z = z.reshape(len(index), R, -1).transpose(0, 1)
        z = torch.baddbmm(weights[7][:, None], z, weights[6].transpose(1, 2)).relu()
        z = torch.baddbmm(weights[9][:, None], z, weights[8].transpose(1, 2))
        labels = torch.cat([stack.labels[samples] for samples in minibatches])
        (F.cross_entropy(z.flatten(0, 1), labels) * R).backward()
        update(weights)

    return step


@torch.no_grad()
def update(weights: list[torch.Tensor]) -> None:
    """Take a step of plain SGD."""
    for w in weights:
        w.add_(w.grad, alpha=-ETA)
        w.grad = None


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="approximate time of each measurement, in s")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--config", default="config/cifar10-full.yaml", help="configuration whose sweep is estimated")
    options = parser.parse_args()
    torch.set_num_threads(1)
    choose_device(options.device)  # switches TF32 off
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.uniform(-1, 1, (M, *NETWORK.shape)).astype(np.float32)).to(options.device)
    labels = torch.from_numpy(rng.integers(0, 10, M)).to(options.device)
    initial = {name: array[None] for name, array in NETWORK.initialize(rng).items()}
    speed = {}
    print(f"{'B':>4} {'peak':>7} {'GFLOP/s':>8} {'of peak':>8} {'images/s':>9} {'default':>8} {'grouped':>8}")
    for B in (20, 50, 100, 200, 500):
        stack = CNNReplicas(NETWORK, initial, TrainingSet(images, labels), Dynamics(eta=ETA, B=B))
        implementations = {
            "library": (1, lambda index, stack=stack: stack.step(0, index)),
            "default": (1, default_layout(stack)),
            "grouped": (REPLICAS, grouped_replicas(stack)),
        }
        index = torch.from_numpy(rng.permutation(M)[:B]).to(options.device)

        def steps(step: Callable[[torch.Tensor], None], count: int, index: torch.Tensor = index) -> None:
            for _ in range(count):
                step(index)
            if options.device == "cuda":
                torch.cuda.synchronize()

        count = {}
        for name, (_, step) in implementations.items():
            steps(step, 3)
            count[name] = max(2, round(options.seconds / 5 / (seconds(lambda step=step: steps(step, 3)) / 3)))
        peaks, rates = [], {name: [] for name in implementations}
        for _ in range(5):
            peaks.append(peak(options.device) if len(peaks) < 3 else peaks[-1])
            for name, (replicas, step) in implementations.items():
                time = seconds(lambda step=step, n=count[name]: steps(step, n)) / count[name]
                rates[name].append(B * replicas / time)
        top, (library, default, grouped) = statistics.median(peaks), map(statistics.median, rates.values())
        speed[B] = library
        useful = FLOP * library / 1e9
        row = f"{B:>4} {top:>7.0f} {useful:>8.1f} {useful / top:>8.2f} {library:>9.0f}"
        print(f"{row} {default / library:>7.2f}x {grouped / library:>7.2f}x", flush=True)

    base = yaml.safe_load(Path("config.yaml").read_text(encoding="utf-8"))["experiments"]["cifar10"]
    overlay = yaml.safe_load(Path(options.config).read_text(encoding="utf-8"))["experiments"]["cifar10"]
    parts = ("sweep", "dataset", "recording")
    experiment = Experiment("cifar10", {part: base[part] | overlay.get(part, {}) for part in parts})
    sweep = experiment.sweep
    runs = {cell: sweep.iterations(cell.eta) * cell.B for cell in sweep.cells}
    hours = {(eta, B): samples / speed[B] / 3600 for (eta, B), samples in runs.items()}
    points = experiment["recording"]["points"]
    total = sum(hours.values()) * sweep.realizations
    print(
        f"{options.config}: {len(runs)} cells of {sweep.realizations} runs on {sweep.M:,} images, "
        f"{sum(runs.values()) * sweep.realizations:.2g} images in all: {total:,.0f} hours of this {options.device}, "
        f"the longest run {max(hours.values()):.1f}; not counted: {points} evaluations of all images per run"
    )


if __name__ == "__main__":
    main()
