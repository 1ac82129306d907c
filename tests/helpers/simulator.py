"""Numbers of the two-valley model from the library, and the script that computes them in JavaScript."""

from dataclasses import asdict
from typing import Any

import numpy as np

from sgd_valleys.two_valley.landscape import Landscape
from sgd_valleys.two_valley.langevin import NOISES, cell_key, simulate
from sgd_valleys.two_valley.vector_math import COUNTER_STEP, TWO_COUNTER_STEPS, box_muller, random_word, run_key

LANDSCAPES = (Landscape(), Landscape(x0=1.1, f0=0.9, L_d=0.7, x1=0.9, x2=0.55, y_b=25.0, y_f=28.0, y_d=60.0))
X, Y = (0.7, 0.02, -0.01, -0.4), (0.5, 5.0, 40.0, 150.0)
ETA, START, RUNS, ITERATIONS, SEED = 0.05, (0.01, 2.0), 4, 60, 3
SIGMA = 0.05
TOLERANCE = 1e-10

# The body of a function of `numbers` (`javascript_input`), which covers every kind of noise of the page.
JAVASCRIPT = """
const found = { noises: Object.keys(NOISES), points: [], paths: [] };
for (const { landscape, x, y } of numbers.points) {
  const c = coefficients(landscape), out = new Float64Array(5);
  found.points.push(x.map((each, i) => {
    derivatives(each, y[i], c, out);
    return [modelLoss(each, y[i], c), ...out];
  }));
}
for (const { settings, normals } of numbers.paths) {
  let next = 0;
  const { x, y, last } = simulate(settings, (out) => { out[0] = normals[next++]; out[1] = normals[next++]; });
  found.paths.push({ x: x.map((each) => [...each]), y: y.map((each) => [...each]), last: [...last] });
}
return found;
"""


def _normals(noise: str) -> np.ndarray:
    """Return the normal numbers (run, iteration, 2) that the library draws for a kind of noise."""
    key, found = cell_key(SEED, noise, ETA, SIGMA, START), np.empty((RUNS, ITERATIONS, 2))
    with np.errstate(over="ignore"):  # counters are integers modulo 2^64
        for run in range(RUNS):
            counter, own = map(np.uint64, run_key(key, run))
            for t in range(ITERATIONS):
                word = counter + np.uint64(t) * TWO_COUNTER_STEPS
                first, second = (np.uint64(random_word(each, own)) for each in (word, word + COUNTER_STEP))
                square, cos, sin = box_muller(first, second)
                found[run, t] = np.sqrt(square) * np.array([cos, sin])
    return found


def javascript_input() -> dict[str, Any]:
    """Return the argument ``numbers`` of ``JAVASCRIPT``: points of two landscapes, and short runs with their noise."""
    x, y = (each.ravel().tolist() for each in np.meshgrid(X, Y))
    shared = {"eta": ETA, "sigma": SIGMA, "start": START, "runs": RUNS, "iterations": ITERATIONS}
    return {
        "points": [{"landscape": asdict(landscape), "x": x, "y": y} for landscape in LANDSCAPES],
        "paths": [
            {
                "settings": {**shared, "landscape": asdict(landscape), "noise": noise, "every": 1, "kept": RUNS},
                "normals": _normals(noise).ravel().tolist(),
            }
            for landscape in LANDSCAPES
            for noise in NOISES
        ],
    }


def assert_same_numbers(found: dict[str, Any]) -> None:
    """Compare the result of ``JAVASCRIPT`` with the library's loss, gradient, Hessian and trajectories."""
    assert set(found["noises"]) == set(NOISES)
    x, y = (each.ravel() for each in np.meshgrid(X, Y))
    for landscape, numbers in zip(LANDSCAPES, found["points"], strict=True):
        hessian = landscape.hessian(x, y)
        upper = hessian[:, [0, 0, 1], [0, 1, 1]]
        expected = np.column_stack([landscape.loss(x, y), landscape.gradient(x, y), upper])
        np.testing.assert_allclose(numbers, expected, rtol=0, atol=TOLERANCE)
    cells = [(landscape, noise) for landscape in LANDSCAPES for noise in NOISES]
    for (landscape, noise), path in zip(cells, found["paths"], strict=True):
        runs = simulate(
            landscape, ETA, SIGMA, noise=noise, runs=RUNS, iterations=ITERATIONS, start=START, seed=SEED,
            record=range(ITERATIONS + 1), trajectories=RUNS,
        )  # fmt: skip
        assert np.ptp(runs.occupancy.trajectory) > 0.1  # the runs move
        np.testing.assert_allclose(
            np.stack([path["x"], path["y"]], axis=-1), runs.occupancy.trajectory, rtol=0, atol=TOLERANCE
        )
        assert path["last"] == runs.freezing_time.tolist()
