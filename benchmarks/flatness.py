"""Processor time of every measure of flatness at a trained endpoint of the paper's network.

    python benchmarks/flatness.py

One thread, float64, the network 784 - 50 - 50 - 10 on 1,000 samples, and the 10 eigenvalues of the middle layer known.
The benchmark prints a row of docs/measures.md for each measure, and the time of all measures of config.yaml together.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import yaml

from curvature import train
from sgd_valleys.markdown import table
from sgd_valleys.measures.flatness_measures import Measure, evaluate, find_measures
from sgd_valleys.measures.perturbation import Perturbation
from sgd_valleys.measures.point import Point
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.storage.provenance import processor

SETTINGS = yaml.safe_load((Path(__file__).parents[1] / "config.yaml").read_text(encoding="utf-8"))


def milliseconds(point: Point, measures: Sequence[Measure], repeats: int = 7) -> float:
    """The median processor time of some measures at a point of which nothing but eigenvalues is computed yet."""
    times, names = [], [each.name for each in measures]
    for _ in range(repeats):
        fresh = replace(point)
        start = time.process_time()
        evaluate(fresh, names)
        times.append(time.process_time() - start)
    return 1e3 * statistics.median(times)


def main() -> None:
    """Print times."""
    torch.set_num_threads(1)
    settings = SETTINGS["experiments"]["mnist"]["flatness"]
    rng = np.random.default_rng(0)
    network = MLP((784, 50, 50, 10))
    centres = rng.normal(size=(10, 784))
    labels = rng.integers(0, 10, 1000)
    inputs = np.tanh(centres[labels] + 2 * rng.normal(size=(1000, 784)))
    parameters = train(network.initialize(rng), torch.from_numpy(inputs), torch.from_numpy(labels), rng)
    point = Point(network, parameters, inputs, labels, 2, perturbation=Perturbation.from_settings(settings))
    point = replace(point, eigenvalue=point.top(10))
    rows = [
        (
            f"`{each.name}`",
            f"`{each.formula}`",
            each.units,
            each.source,
            each.invariances,
            f"{milliseconds(point, [each]):.1f}",
        )
        for each in find_measures("all")
    ]
    print(*table(("measure", "formula", "unit", "source", "invariant under rescaling of", "ms"), rows), sep="\n")
    chosen = find_measures(settings["measures"])
    print(f"The {len(chosen)} measures of config.yaml together: {milliseconds(point, chosen):.0f} ms on {processor()}")


if __name__ == "__main__":
    main()
