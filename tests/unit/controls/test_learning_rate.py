"""The headline numbers of control C1 tell an effect of the noise from one of the learning rate."""

import logging

import numpy as np
import pytest

from sgd_valleys.controls.learning_rate import analyze
from sgd_valleys.controls.noise_effect import (
    effect_of_noise,
    effect_where_stable,
    exponents,
    spread_of_starts,
)
from sgd_valleys.measures import cell_maps
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.hdf5 import Variable

ETA, B, M, RUNS, RESAMPLES = np.array([0.01, 0.02, 0.05]), np.array([10, 50, 1000]), 1000, 8, 200
NOISE = cell_maps.noise(ETA, B, M)
IS_STABLE = np.array([True, True, False])


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def scatter(mean, rng, runs=RUNS):
    """Return runs (..., run) that scatter by 2% around a mean (...)."""
    return np.asarray(mean)[..., None] * np.exp(0.02 * rng.standard_normal((*np.shape(mean), runs)))


def sgd(mean, rng):
    """Return runs of a cell map, without those of gradient descent."""
    return np.where((B == M)[None, :, None], np.nan, scatter(mean, rng))


def fit(mean, rng):
    predictors = np.stack([np.repeat(ETA, len(B)), np.where(NOISE > 0, NOISE, np.nan).ravel()])
    return exponents(sgd(mean, rng).reshape(-1, RUNS), predictors, np.zeros(ETA.size * B.size, bool), rng, RESAMPLES)


def test_gradient_descent_has_no_noise():
    assert (NOISE[:, -1] == 0).all() and NOISE[0, 0] == pytest.approx(0.01 * (0.1 - 0.001))


def test_exponents_of_a_quantity_that_follows_the_noise(rng):
    found = fit(np.sqrt(NOISE), rng)
    assert found.low[1] < 0.5 < found.high[1] and found.low[1] > 0.4
    assert found.low[0] < 0 < found.high[0] and found.cells == 6 and found.r_squared > 0.99


def test_exponents_of_a_quantity_that_follows_the_learning_rate_alone(rng):
    found = fit(np.broadcast_to(ETA[:, None] ** 0.7, NOISE.shape), rng)
    assert found.low[1] < 0 < found.high[1]
    assert found.low[0] < 0.7 < found.high[0] and found.low[0] > 0.6


def test_exponent_along_gradient_descent_takes_one_run_where_it_is_exact(rng):
    descent = np.full((3, RUNS), np.nan)
    descent[:, 0] = ETA**0.3
    exact = exponents(descent, ETA[None], np.ones(3, bool), rng, RESAMPLES)
    assert exact.value == pytest.approx([0.3]) and exact.low == pytest.approx([0.3])
    chaotic = exponents(descent, ETA[None], IS_STABLE, rng, RESAMPLES)
    assert chaotic.value == pytest.approx([0.3]) and np.isnan(chaotic.low).all()


def test_cells_that_do_not_determine_the_exponents_have_none(rng):
    one_rate = exponents(
        np.ones((4, RUNS)), np.stack([np.full(4, 0.1), NOISE.ravel()[[0, 1, 3, 4]]]), np.zeros(4, bool), rng, 9
    )
    assert np.isnan(one_rate.value).all() and np.isnan(one_rate.low).all()


@pytest.mark.parametrize("effect", [1.0, 2.0])
def test_effect_of_noise_where_training_is_stable(rng, effect):
    values = sgd(np.where(IS_STABLE, effect, 5.0)[:, None] * np.ones(NOISE.shape), rng)
    found = effect_of_noise(values, scatter(np.ones(3), rng), IS_STABLE, rng, RESAMPLES)
    value, low, high, cells = effect_where_stable(found, np.broadcast_to(IS_STABLE[:, None], NOISE.shape))
    assert cells == 4 and value == pytest.approx(effect, rel=0.03)
    assert low < effect < high and (low > 1.5) == (effect == 2)


def test_no_stable_cell_has_no_effect(rng):
    found = effect_of_noise(sgd(np.ones(NOISE.shape), rng), scatter(np.ones(3), rng), IS_STABLE, rng, 9)
    assert np.isnan(effect_where_stable(found, np.zeros(NOISE.shape, bool))[:3]).all()


def test_one_run_of_gradient_descent_is_a_reference_below_the_edge_alone(rng):
    descent = np.full((3, RUNS), np.nan)
    descent[:, 0] = 1.0
    found = effect_of_noise(sgd(np.ones(NOISE.shape), rng), descent, IS_STABLE, rng, RESAMPLES)
    assert np.isfinite(found.ratio[:, :2]).all()
    assert np.isfinite(found.low[:, 0]).tolist() == IS_STABLE.tolist() == np.isfinite(found.high[:, 1]).tolist()


def test_spread_of_starts_widens_the_interval_of_the_ratio(rng):
    values = sgd(np.ones(NOISE.shape), rng)
    widths = []
    for spread in (0.0, 0.5):
        descent = np.exp(spread * rng.standard_normal((3, RUNS)))
        found = effect_of_noise(values, descent, np.zeros(3, bool), rng, RESAMPLES)
        widths.append((np.log(found.high / found.low))[0, 0])
    assert widths[1] > 5 * widths[0]


def test_spread_of_chaotic_and_of_stable_gradient_descent(rng):
    stable, chaotic = np.ones(RUNS), np.exp(0.3 * rng.standard_normal(RUNS))
    single = np.append(1.0, np.full(RUNS - 1, np.nan))
    found, low, high = spread_of_starts(np.stack([stable, chaotic, single]), rng, RESAMPLES)
    assert found[0] == 0 and high[0] == 0
    assert 0.05 < low[1] < found[1] < high[1]
    assert np.isnan([found[2], low[2], high[2]]).all()


def write_sweep(folder, rates, sizes, runs=RUNS, starts=6, noise_exponent=0.4, measured=(50,)):
    """Write made-up files of a sweep in which F follows the noise, and is chaotic for gradient descent of large eta."""
    rng, eta, B = np.random.default_rng(1), np.asarray(rates), np.asarray(sizes)
    descent, cells, time = B == M, ("eta", "B", "realization"), np.arange(11)
    grid = hdf5.coordinates(eta=eta, B=B, realization=np.arange(runs))
    exists = ~descent[:, None] | (np.arange(runs) == 0)
    mean = (cell_maps.noise(eta, B, M) + 1e-5) ** noise_exponent
    values = np.where(exists, np.where(descent[:, None], mean[..., None], scatter(mean, rng, runs)), np.nan)
    ends = {"flatness": 50 * values, "test_file_loss": 0.5 - 0.1 * values, "converged": np.isfinite(values)}
    ends = {name: Variable(cells, each, name) for name, each in ends.items()}
    ends["gradient_descent"] = Variable(("B",), descent, "B = M")
    ends["runs"] = Variable(("eta", "B"), np.broadcast_to(exists.sum(axis=1), mean.shape), "runs")
    t_freeze = np.where(exists, scatter(20 / eta[:, None] * np.ones(len(B)), rng, runs), np.nan)[None]
    frozen = {
        "threshold": Variable(("threshold",), [0.1], "L_c"),
        "freezing_time": Variable(("threshold", *cells), t_freeze, "t"),
    }
    files = {"data": folder / "data.h5", "endpoints": folder / "endpoints.h5", "freezing": folder / "freezing.h5"}
    hdf5.write(files["data"], {"train_label": Variable(("train_sample",), np.zeros(M, int), "label")})
    hdf5.write(files["endpoints"], grid | ends)
    hdf5.write(files["freezing"], grid | frozen)
    files |= {"edge_of_stability": [], "starts": [], "start_endpoints": []}
    for rate in rates:
        iteration = Variable(("time",), time * round(10 / rate), "t")
        for size in (*measured, M):
            peak = 30 * rate * np.exp(-((time - 2.0) ** 2) / 9) + 0.05
            batch = np.full_like(peak, np.nan) if size == M else 1.3 * peak
            along = {"sharpness": peak[None] * 2 / rate, "batch_sharpness": batch[None] * 2 / rate}
            along = {name: Variable(("realization", "time"), each, name) for name, each in along.items()}
            path = folder / f"edge{rate}_{size}.h5"
            hdf5.write(
                path,
                along | {"iteration": iteration, "edge": Variable((), 2 / rate, "2/eta")},
                {"eta": rate, "B": size},
            )
            files["edge_of_stability"].append(path)
        if rate < rates[0] * 2:
            continue  # no displaced starts
        spread = 0.2 if rate > 0.03 else 1e-6
        run, end = folder / f"start{rate}.h5", folder / f"end{rate}.h5"
        loss = np.exp(-time / 2) * np.ones((starts, 1))
        hdf5.write(run, {"iteration": iteration, "train_loss": Variable(("t_c", "time"), loss, "L")}, {"eta": rate})
        flat = 50 * 1e-5**noise_exponent * np.exp(spread * rng.standard_normal(starts))
        found = {"flatness": flat, "test_file_loss": 0.5 + 0 * flat, "train_accuracy": 1 + 0 * flat}
        hdf5.write(end, {name: Variable(("t_c",), each, name) for name, each in found.items()})
        files["starts"].append(run)
        files["start_endpoints"].append(end)
    return files


def analyzed(files):
    found = analyze(files, {"seed": 1, "resamples": 100}, logging.getLogger())
    return {name: np.asarray(variable.data) for name, variable in found.items()}


def test_the_analysis_separates_noise_instability_and_chaos(tmp_path):
    found = analyzed(write_sweep(tmp_path, [0.01, 0.02, 0.05], [10, 50, 1000]))
    assert found["exponent"][0] == pytest.approx([0, 0.4], abs=0.06)
    assert (found["exponent_interval"][0, 0] < found["exponent"][0]).all()
    assert found["stable_cells"].tolist() == [2, 2, 2] and (found["stable_effect_interval"][:, 0] > 1).all()
    assert found["descent_stable"].tolist() == [True, True, False]
    assert found["start_spread"][2] > 1e3 * found["start_spread"][1] and np.isnan(found["start_spread"][0])
    assert np.isfinite(found["flatness_ratio_interval"][:, :, :2]).all()


def test_the_analysis_takes_a_sweep_without_measured_runs_and_displaced_starts(tmp_path):
    files = write_sweep(tmp_path, [0.01, 0.02], [10, 50, 1000], runs=3)
    found = analyzed({name: files[name] for name in ("data", "endpoints", "freezing")})
    assert np.isfinite(found["exponent"]).all() and np.isnan(found["exponent_interval"]).all()
    assert np.isnan(found["stable_effect"]).all() and "sharpness" not in found
