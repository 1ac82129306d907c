"""Measure the processor time of every measure of flatness at a trained endpoint of the paper's network.

    python benchmarks/flatness.py

The benchmark uses one thread, float64 and the network 784 - 50 - 50 - 10 on 1,000 samples. The 10 eigenvalues of the
middle layer are known. The benchmark prints a row of docs/measures.md for each measure. The table has the time of all
measures of config.yaml together. The limit is the arithmetic of the passes with displaced parameters. The peer computes
one measure after another, each with separate passes.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import yaml
from machine import CPU_TIME, Table, peak, seconds

from curvature import separable_images, train
from sgd_valleys.markdown import table
from sgd_valleys.measures.flatness_measures import Measure, evaluate, find_measures
from sgd_valleys.measures.perturbation import Perturbation
from sgd_valleys.measures.point import Point
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.storage.provenance import processor

SETTINGS = yaml.safe_load((Path(__file__).parents[1] / "config.yaml").read_text(encoding="utf-8"))


def milliseconds(point: Point, measures: Sequence[Measure]) -> float:
    """The median processor time of some measures at a point of which nothing but eigenvalues is computed yet."""
    names = [each.name for each in measures]
    return 1e3 * seconds(lambda: evaluate(replace(point), names), 7, CPU_TIME)


def main() -> None:
    """Print times."""
    torch.set_num_threads(1)
    settings = SETTINGS["experiments"]["mnist"]["flatness"]
    rng = np.random.default_rng(0)
    network = MLP((784, 50, 50, 10))
    inputs, labels = separable_images(rng)
    parameters = train(network.initialize(rng), torch.from_numpy(inputs), torch.from_numpy(labels), rng)
    point = Point(network, parameters, inputs, labels, 2, perturbation=Perturbation.from_settings(settings))
    point = replace(point, eigenvalue=point.top(10))
    alone = {each.name: milliseconds(point, [each]) for each in find_measures("all")}
    rows = [
        (f"`{each.name}`", f"`{each.formula}`", each.units, each.source, each.invariances, f"{alone[each.name]:.1f}")
        for each in find_measures("all")
    ]
    print(*table(("measure", "formula", "unit", "source", "invariant under rescaling of", "ms"), rows), sep="\n")
    chosen, top = find_measures(settings["measures"]), peak(dtype=torch.float64, clock=CPU_TIME)
    weights = sum(a * b for a, b in pairwise(network.sizes))
    # per weight and sample: 2 of each forward pass of three averages over pairs, 6 of each step of ascent
    arithmetic = (3 * 2 * settings["pairs"] * 2 + settings["steps"] * 6) * weights * len(labels)
    shown = Table(
        f"Flatness of one endpoint on {processor()}, {top:.0f} GFLOP/s in float64",
        *("ms", "arithmetic of displaced passes", "one measure after another"),
    )
    one_by_one = sum(alone[each.name] for each in chosen)
    shown.row(f"{len(chosen)} measures together", milliseconds(point, chosen), arithmetic / top / 1e6, one_by_one)


if __name__ == "__main__":
    main()
