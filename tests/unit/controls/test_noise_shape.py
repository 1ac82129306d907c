"""The headline numbers of control C2 tell C ~ H from C ~ H^2, and noise that lasts from noise that dies out."""

import logging

import numpy as np
import pytest

from sgd_valleys.controls.noise_shape import (
    analyze,
    curvature_exponents,
    exponent_along_runs,
    isotropic_overlap,
    noise_left,
    over_prediction,
)
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.hdf5 import Variable

RUNS, TIMES, RANKS, RESAMPLES = 6, 21, 10, 200
ITERATION = np.linspace(0, 2000, TIMES)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def jitter(values, rng):
    """Multiply every number by a factor that scatters by 2%."""
    return values * np.exp(0.02 * rng.standard_normal(values.shape))


@pytest.mark.parametrize("p", [1.0, 2.0])
def test_exponent_of_noise_along_eigenvectors(rng, p):
    curvature = np.exp(rng.uniform(-3, 3, (RUNS, TIMES, RANKS)))
    factor = np.exp(rng.standard_normal((RUNS, TIMES, 1)))  # of each time, which the exponent leaves out
    found = curvature_exponents(curvature, jitter(factor * curvature**p, rng))
    assert found.shape == (RUNS, TIMES) and found == pytest.approx(p, abs=0.05)


def test_exponent_needs_two_positive_eigenvalues():
    assert np.isnan(curvature_exponents(np.array([[[1.0, -1.0, np.nan]]]), np.ones((1, 1, 3)))).all()


@pytest.mark.parametrize("p", [0.0, 1.0, 2.0])
def test_exponent_of_the_trace_with_the_loss(rng, p):
    loss = np.exp(rng.uniform(-5, 0, (RUNS, TIMES)))
    found = exponent_along_runs(loss, jitter(loss**p, rng), rng, RESAMPLES)
    assert found.value == pytest.approx(p, abs=0.02) and found.low < found.high
    assert found.low - 0.01 < p < found.high + 0.01


def test_too_few_runs_have_an_exponent_without_an_interval(rng):
    loss = np.exp(rng.uniform(-5, 0, (2, TIMES)))
    found = exponent_along_runs(loss, loss, rng, RESAMPLES)
    assert found.value == pytest.approx(1) and np.isnan([found.low, found.high]).all()
    empty = exponent_along_runs(np.full_like(loss, np.nan), loss, rng, RESAMPLES)
    assert np.isnan(empty.value)


@pytest.mark.parametrize("rate", [0.0, 3.0])
def test_noise_that_lasts_and_noise_that_dies_out(rng, rate):
    trace = jitter(np.exp(-rate * ITERATION / 1000) * np.ones((RUNS, 1)), rng)
    t_freeze = np.array([950.0, 1000, 1000, 1000, 1050, np.nan])  # the last run never freezes
    found = noise_left(ITERATION, trace, t_freeze, rng, RESAMPLES)
    assert found.value == pytest.approx(np.exp(-rate), rel=0.1)
    assert (found.high < 0.1) == (rate > 0) and found.low < np.exp(-rate) * 1.02


def test_runs_that_never_freeze_have_no_noise_left(rng):
    found = noise_left(ITERATION, np.ones((RUNS, TIMES)), np.full(RUNS, np.nan), rng, RESAMPLES)
    assert np.isnan(found.value)


@pytest.mark.parametrize("factor", [1.0, 0.5])
def test_measured_covariance_over_the_predicted_one(rng, factor):
    predicted = np.exp(rng.uniform(-3, 0, (RUNS, TIMES)))
    found = over_prediction(jitter(factor * predicted, rng), predicted, rng, RESAMPLES)
    assert found.value == pytest.approx(factor, rel=0.02) and found.low < found.value < found.high


def test_overlap_of_isotropic_noise():
    H = np.diag([3.0, 1.0, 0.0, 0.0])
    cosine = np.trace(H) / (np.linalg.norm(H) * np.linalg.norm(np.eye(4)))
    assert isotropic_overlap(np.trace(H), np.linalg.norm(H), 4) == pytest.approx(cosine)


def write_run(folder, rng, p, runs=RUNS):
    """Write made-up measures of runs whose noise is C = L H^p, and their freezing times."""
    loss = np.exp(-ITERATION / 400) * np.ones((runs, 1))
    eigenvalue = np.sqrt(loss)[..., None] * np.linspace(3, 0.1, RANKS)
    noise = jitter(loss[..., None] * eigenvalue**p, rng)
    trace, hessian_trace = noise.sum(axis=-1), eigenvalue.sum(axis=-1)
    power, norms = (noise * eigenvalue).sum(axis=-1), [np.linalg.norm(each, axis=-1) for each in (noise, eigenvalue)]
    along = {
        "loss": loss, "covariance_trace": trace, "hessian_trace": hessian_trace, "power": power,
        "hessian_norm": norms[1], "hessian_overlap": power / (norms[0] * norms[1]),
        "relative_power": 40 * power / (trace * hessian_trace), "predicted_trace": trace, "measured_trace": trace,
    }  # fmt: skip
    ranked = {"eigenvalue": eigenvalue, "eigenvector_noise": noise, "predicted_eigenvalue": noise}
    axes, path = ("realization", "time"), folder / "gradient_noise.h5"
    variables = {name: Variable(axes, each, name) for name, each in along.items()}
    variables |= {name: Variable((*axes, "rank"), each, name) for name, each in ranked.items()}
    variables |= {"measured_eigenvalue": Variable((*axes, "rank"), noise, "measured")}
    variables |= {"iteration": Variable(("time",), ITERATION, "t")} | hdf5.coordinates(realization=np.arange(runs))
    hdf5.write(path, variables, {"eta": 0.05, "B": 50})
    t_freeze = np.full((1, 1, 2, runs), np.nan)
    t_freeze[0, 0, 1] = 900.0  # of B = 50
    frozen = {"freezing_time": Variable(("threshold", "eta", "B", "realization"), t_freeze, "t_freeze")}
    hdf5.write(folder / "freezing.h5", frozen | hdf5.coordinates(eta=[0.05], B=[20, 50], threshold=[0.1]))
    return {"gradient_noise": [path], "freezing": folder / "freezing.h5"}


@pytest.mark.parametrize("p", [1.0, 2.0])
def test_the_analysis_finds_the_law_of_the_noise(tmp_path, rng, p):
    found = analyze(write_run(tmp_path, rng, p), {"seed": 1, "resamples": RESAMPLES}, logging.getLogger())
    assert found["eigenvector_exponent"].data[:, 0] == pytest.approx(p, abs=0.05)
    assert found["loss_exponent"].data[:, 0] == pytest.approx(1 + p / 2, abs=0.05)  # since H falls as L^(1/2)
    assert found["noise_left"].data[0] == pytest.approx(np.exp(-1100 / 400) ** (1 + p / 2), rel=0.1)
    assert found["isotropic_overlap"].data[0, 0] < found["overlap"].data[0, 0] and found["trace_ratio"].data[0] == 1
    assert (found["overlap"].data.min() > 0.99) == (p == 1)


def test_the_analysis_takes_a_single_run(tmp_path, rng):
    found = analyze(write_run(tmp_path, rng, 1.0, runs=1), {"seed": 1, "resamples": 9}, logging.getLogger())
    assert np.isfinite(found["noise_left"].data[0]) and np.isnan(found["noise_left"].data[1:]).all()
