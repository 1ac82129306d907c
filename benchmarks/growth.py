"""Measure how CPU time and memory of each stage grow with the numbers of images, hidden units and runs.

    python benchmarks/growth.py [--quick] [STAGE ...]

The benchmark takes about 5 minutes on one core, and a minute with ``--quick``. It uses synthetic images of 784 pixels
and a network 784 - width - width - 10, whose second layer is studied. One number changes at a time: training images M,
hidden units or runs.

The table has the time and the additional memory of every stage at its smallest and its largest size. It also has the
exponents of the time in M, in the weights of the layer (width^2) and in the number of runs, from fits of logarithms. A
dash means that the stage does not depend on the number, or takes one run after another.

Two stages are expected to grow faster: all eigenvalues of a dense matrix, and the similarity of all pairs of runs.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import multiprocessing
import re
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from sgd_valleys.measures import similarity
from sgd_valleys.measures.bezier import train_curve
from sgd_valleys.measures.curvature import LayerHessian, top_eigenvalues
from sgd_valleys.measures.edge_of_stability import sharpness
from sgd_valleys.measures.evaluation import score
from sgd_valleys.measures.flatness_measures import evaluate
from sgd_valleys.measures.gradient_noise import Draws, gradient_noise
from sgd_valleys.measures.operators import NetworkCurvature
from sgd_valleys.measures.paths import pair_lines
from sgd_valleys.measures.point import Point
from sgd_valleys.measures.projection import project
from sgd_valleys.measures.spectra import eigenvalues_by_rank
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.recipe import Recipe
from sgd_valleys.training.continuation import Descent, continue_runs
from sgd_valleys.training.recording import Recording
from sgd_valleys.training.sgd import train
from sgd_valleys.training.streams import run_streams

TEST_IMAGES, B, TIMES = 10_000, 50, 101
STATUS, CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Size:
    """The size of a problem: training images, hidden units of both layers, runs."""

    M: int = 1000
    width: int = 50
    runs: int = 5

    @property
    def weights(self) -> int:
        """Weights of the studied layer."""
        return self.width**2


class Problem:
    """Images, a network and solutions of one size, near a minimum of a loss that tells the classes apart."""

    def __init__(self, size: Size, dtype: type = np.float64) -> None:
        self.size, self.rng = size, np.random.default_rng(0)
        centres = self.rng.normal(size=(10, 784))
        self.train, self.test = (self._samples(n, centres, dtype) for n in (size.M, TEST_IMAGES))
        self.network = MLP((784, size.width, size.width, 10))
        self.starts = [
            {name: array.astype(dtype) for name, array in self.network.initialize(self.rng).items()}
            for _ in range(size.runs)
        ]
        self.theta = self.starts[0]

    def _samples(self, n: int, centres: np.ndarray, dtype: type) -> tuple[np.ndarray, np.ndarray]:
        y = np.arange(n) % 10
        return np.tanh(centres[y] + self.rng.normal(size=(n, 784))).astype(dtype), y

    @property
    def stacked(self) -> dict[str, np.ndarray]:
        """The parameters (run, ...) by name."""
        return {name: np.stack([start[name] for start in self.starts]) for name in self.theta}

    @property
    def hessian(self) -> LayerHessian:
        """The Hessian in the weights of the studied layer."""
        return LayerHessian(self.network.linearize(self.theta, self.train[0], 2))


Work = Callable[[], object]


def training(size: Size, train_samples: int | None = None) -> Work:
    """One epoch of all runs, recorded at its ends."""
    it = Problem(size, np.float32)
    recipe = Recipe.from_settings(0.05, B, size.M // B, {})
    recording, streams = Recording(2, {}, train_samples), run_streams(0, 0.05, B, range(size.runs))
    return lambda: train(it.network, it.theta, it.train, it.test, recipe, recording, streams=streams)


def descent(size: Size) -> Work:
    """20 steps of full-batch gradient descent of all runs, as of continuations and branches."""
    it = Problem(size, np.float32)
    return lambda: continue_runs(it.network, it.stacked, it.train, Descent(0.05, steps=20))


def evaluation(size: Size) -> Work:
    """The whole test file."""
    it = Problem(size, np.float32)
    return lambda: score(it.network, it.stacked, *it.test)


def top(size: Size) -> Work:
    """The top 10 eigenvalues and the trace of the layer's Hessian."""
    it = Problem(size)
    return lambda: (top_eigenvalues(it.hessian, 10, it.rng), it.hessian.trace())


def whole_network(size: Size) -> Work:
    """The top 10 eigenvalues of the Hessian in all parameters."""
    it = Problem(size)
    return lambda: top_eigenvalues(NetworkCurvature(it.network, it.theta, it.train), 10, it.rng)


def dense_spectrum(size: Size) -> Work:
    """All eigenvalues of the dense Hessian of the layer."""
    it = Problem(size)
    return lambda: it.hessian.spectrum()


def estimated_spectrum(size: Size) -> Work:
    """All eigenvalues by Lanczos quadrature."""
    it = Problem(size)
    return lambda: eigenvalues_by_rank(it.hessian, it.rng)


def flatness(size: Size) -> Work:
    """All measures of flatness at one end."""
    it = Problem(size)
    return lambda: evaluate(Point(it.network, it.theta, *it.train, layer=2), "all")


def noise(size: Size) -> Work:
    """The gradient noise at one checkpoint."""
    it = Problem(size)
    draws = Draws.of(0, size=size.weights, M=size.M, B=B, directions=200, minibatches=2000)
    return lambda: gradient_noise(it.network, it.theta, it.train, draws, layers=[2])


def edge(size: Size) -> Work:
    """The sharpness of all parameters and along 100 minibatches."""
    it = Problem(size)
    return lambda: sharpness(it.network, it.theta, it.train, B, 100, it.rng)


def lines(size: Size) -> Work:
    """The loss at 51 points of the lines between 10 pairs."""
    it = Problem(replace(size, runs=5), np.float32)
    pairs = similarity.all_pairs(np.arange(5))
    return lambda: pair_lines(it.network, it.starts, pairs, it.train, np.linspace(0, 1, 51))


def curve(size: Size) -> Work:
    """5 steps of a Bezier curve."""
    it = Problem(replace(size, runs=2))
    return lambda: train_curve(it.network, tuple(it.starts), it.train, np.linspace(0, 1, 25), 5)


def projection(size: Size) -> Work:
    """The principal components of the trajectories of all runs."""
    rng, time_fraction = np.random.default_rng(0), np.linspace(0, 1, TIMES)
    common = np.stack([1 - np.exp(-5 * time_fraction), time_fraction**2]).T @ rng.normal(size=(2, size.weights))
    own = rng.normal(size=(size.runs, 1, size.weights)) * time_fraction[:, None]
    weights = (common + 0.3 * own).astype(np.float32)  # of one initialization, hence with the first steps in common
    return lambda: project(weights)


def jaccard(size: Size) -> Work:
    """The similarity of all pairs of runs, one matrix product."""
    error = np.random.default_rng(0).random((size.runs, TEST_IMAGES)) < 0.1
    return lambda: similarity.jaccard(error)


def pairs(size: Size) -> Work:
    """2,000 of the pairs of runs, drawn without a list of all."""
    return lambda: similarity.sample_pairs(size.runs, 2000, np.random.default_rng(0))


@dataclass(frozen=True)
class Stage:
    """A stage, and on which numbers its cost depends."""

    work: Callable[[Size], Work]
    images: bool = True
    weights: bool = True
    runs: bool = False


STAGES = [
    Stage(training, runs=True),
    Stage(descent, runs=True),
    Stage(evaluation, images=False, runs=True),
    Stage(top),
    Stage(whole_network),
    Stage(dense_spectrum),
    Stage(estimated_spectrum),
    Stage(flatness),
    Stage(noise),
    Stage(edge),
    Stage(lines),
    Stage(curve),
    Stage(projection, images=False, runs=True),
    Stage(jaccard, images=False, weights=False, runs=True),
    Stage(pairs, images=False, weights=False, runs=True),
]
MANY_RUNS = (jaccard, pairs)  # of which one takes no time
DENSE_WIDTH = 71  # the largest of a dense spectrum here


def measure(stage: Stage, size: Size) -> tuple[float, float]:
    """Measure the CPU time (s) of a stage, the median of several, and its memory (MB) in a process of its own."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_measure, args=(stage, size, theirs))
    process.start()
    theirs.close()
    found = ours.recv()
    process.join()
    return found


def _measure(stage: Stage, size: Size, answer: "multiprocessing.connection.Connection") -> None:
    torch.set_num_threads(1)
    work = stage.work(size)
    before = _memory("VmRSS")
    CLEAR_REFS.write_text("5", encoding="ascii")  # resets the peak
    times = []
    while len(times) < 1 or (len(times) < 5 and sum(times) < 0.3):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    answer.send((statistics.median(times), _memory("VmHWM") - before))


def _memory(name: str) -> float:
    """Read the memory (MB) of this process, resident (VmRSS) or at its peak (VmHWM), as Linux has it."""
    return int(re.search(rf"{name}:\s+(\d+)", STATUS.read_text(encoding="ascii"))[1]) / 1024


def exponent(x: Sequence[float], seconds: Sequence[float]) -> float:
    """Return the exponent of seconds ~ x^p by least squares of the logarithms."""
    return float(np.polyfit(np.log(x), np.log(seconds), 1)[0])


def main() -> None:
    """Print the table."""
    quick, chosen = "--quick" in sys.argv[1:], [name for name in sys.argv[1:] if name != "--quick"]
    sweeps = {
        "M": [Size(M=M) for M in ((2000, 4000, 8000) if quick else (2000, 6000, 20_000))],
        "weights": [Size(width=width) for width in ((25, 50, 100) if quick else (50, 100, 200))],
        "runs": [Size(runs=runs) for runs in ((5, 10, 20) if quick else (5, 20, 80))],
    }
    print(f"{'stage':<20}{'M':>8}{'weights':>9}{'runs':>7}   {'smallest':>22}   {'largest':>22}")
    for stage in STAGES:
        if chosen and stage.work.__name__ not in chosen:
            continue
        cells, all_sizes = [], {}
        for name, sizes in sweeps.items():
            if not getattr(stage, "images" if name == "M" else name):
                cells.append("-")
                continue
            if stage.work in MANY_RUNS:
                sizes = [replace(size, runs=50 * size.runs) for size in sizes]
            if stage.work is dense_spectrum:
                sizes = [replace(size, width=min(size.width, DENSE_WIDTH)) for size in sizes]
                sizes = [Size(width=width) for width in (25, 50, DENSE_WIDTH)] if name == "weights" else sizes
            found = [measure(stage, size) for size in sizes]
            cells.append(f"{exponent([getattr(size, name) for size in sizes], [s for s, _ in found]):.2f}")
            all_sizes |= dict(zip(sizes, found, strict=True))
        ends = [f"{s:9.3f} s {mb:8.0f} MB" for s, mb in (min(all_sizes.values()), max(all_sizes.values()))]
        print(
            f"{stage.work.__name__:<20}{cells[0]:>8}{cells[1]:>9}{cells[2]:>7}   {ends[0]:>22}   {ends[1]:>22}",
            flush=True,
        )


if __name__ == "__main__":
    main()
