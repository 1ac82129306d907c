"""The simulation follows Eqs. 13-15: run by run, in distribution, and with the same bits for every way to run it."""

import numpy as np
import pytest
from numba import njit
from numba.core.dispatcher import Dispatcher
from scipy import stats

from sgd_valleys.errors import UserError
from sgd_valleys.two_valley import langevin
from sgd_valleys.two_valley.landscape import Landscape, stability_bound
from sgd_valleys.two_valley.langevin import NOISES, cell_key, simulate
from sgd_valleys.two_valley.run_statistics import Runs, mean_with_error, p_flat
from sgd_valleys.two_valley.vector_math import (
    COUNTER_STEP,
    SOURCE_HASH,
    TWO_COUNTER_STEPS,
    box_muller,
    random_word,
    run_key,
)

PAPER = Landscape()
# the scales of y are a million times the distances that a run covers: y is fixed, and only y/y_b matters
FROZEN = Landscape(y_b=30e6, y_f=20e6, y_d=1e9)


@njit(error_model="numpy")
def fill_deviates(cell, run, out):
    first, key = run_key(cell, run)
    for t in range(len(out)):
        counter = first + np.uint64(t) * TWO_COUNTER_STEPS
        square, cos, sin = box_muller(random_word(counter, key), random_word(counter + COUNTER_STEP, key))
        out[t, 0], out[t, 1] = np.sqrt(square) * cos, np.sqrt(square) * sin


def normal_deviates(eta, sigma, *, noise="H", run, iterations, start, seed):
    """Return (iterations, 2) the deviates n of one run: xi = A n, with the lower Cholesky factor A of Sigma."""
    out = np.empty((iterations, 2))
    fill_deviates(cell_key(seed, noise, eta, sigma, start), run, out)
    return out


def covariance(landscape, noise, x, y, sigma):
    """Return (..., 2, 2) Sigma as defined in the text, by an eigendecomposition."""
    H = landscape.hessian(x, y)
    if noise in ("H", "H1.5", "H-loss"):
        value, vector = np.linalg.eigh(H)
        power = 1.5 if noise == "H1.5" else 1
        strength = sigma * (np.asarray(landscape.loss(x, y))[..., None, None] if noise == "H-loss" else 1)
        Sigma = 2 * strength * ((vector * np.maximum(value, 0)[..., None, :] ** power) @ np.swapaxes(vector, -1, -2))
    elif noise == "H2":
        Sigma = 2 * sigma * H @ H
    else:
        f1, f2 = (np.asarray(f)[..., None, None] for f in (landscape.f1(y), landscape.f2(y)))
        Sigma = 2 * sigma * 2 / np.sqrt(f1 * f2) * np.eye(2)
    return Sigma + 1e-8 * np.eye(2)


def literal(landscape, eta, sigma, noise, start, deviates):
    """Eqs. 13-15 word for word, with the normal deviates (run, iteration, 2); returns the end and the freezing."""
    runs, iterations, _ = deviates.shape
    theta = np.stack([np.where(np.arange(runs) % 2, start[0], -start[0]), np.full(runs, start[1])], axis=1)
    frozen = np.stack([np.ones(runs), np.full(runs, start[1])], axis=1)
    for t in range(1, iterations + 1):
        root = np.linalg.cholesky(covariance(landscape, noise, *theta.T, sigma))
        xi = (root @ deviates[:, t - 1, :, None])[..., 0]
        new = theta - eta * (landscape.gradient(*theta.T) + xi)
        crossed = (new[:, 0] >= 0) != (theta[:, 0] >= 0)
        frozen[crossed] = np.stack([np.full(runs, t), new[:, 1]], axis=1)[crossed]
        theta = new
    return theta, frozen


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("start", [(0.01, 5.0), (0.4, 60.0)], ids=["the Hessian indefinite", "and positive"])
def test_a_run_is_the_one_that_plain_numpy_makes_of_the_same_deviates(noise, start):
    eta, sigma, runs, iterations = 0.05, 0.05, 4, 150
    given = {"noise": noise, "iterations": iterations, "start": start, "seed": 3}
    n = np.stack([normal_deviates(eta, sigma, run=run, **given) for run in range(runs)])
    end, frozen = literal(PAPER, eta, sigma, noise, start, n)
    simulated = simulate(PAPER, eta, sigma, runs=runs, **given)
    # besides rounding, the eigendecomposition leaves 1e-17 instead of 0: 1e-9 of the added diagonal
    np.testing.assert_allclose(np.stack([simulated.x, simulated.y], 1), end, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(simulated.freezing_time, frozen[:, 0])
    np.testing.assert_allclose(simulated.freezing_y, frozen[:, 1], rtol=0, atol=1e-9)


@pytest.mark.parametrize("noise", ["H", "H1.5"])
def test_the_clipped_covariance_is_that_of_an_eigendecomposition(noise):
    rng = np.random.default_rng(0)
    clipped = 0
    for x, y in zip(rng.uniform(-1, 1, 200), rng.uniform(0.5, 20, 200), strict=True):
        H = PAPER.hessian(x, y)
        clipped += np.linalg.det(H) < 0
        closed_form = {"H": langevin._covariance_H, "H1.5": langevin._covariance_H1_5}[noise]
        s11, slope, rest = closed_form(H[0, 0], H[0, 1], H[1, 1], 0.05)
        closed = s11 * np.array([[1, slope], [slope, slope**2 + rest / s11]])
        np.testing.assert_allclose(closed, covariance(PAPER, noise, x, y, 0.05), rtol=1e-9, atol=1e-16)
    assert 20 < clipped < 180


@pytest.mark.parametrize(("eta", "sigma", "noise"), [(0.1, 0.05, "H"), (0.1, 0.1, "H2"), (0.05, 0.2, "isotropic")])
def test_the_distribution_is_that_of_the_literal_update(eta, sigma, noise):
    start = (0.01, 5.0)
    n = np.random.default_rng(4).standard_normal((1000, 60, 2))
    end, frozen = literal(PAPER, eta, sigma, noise, start, n)
    reference = Runs(*end.T, *frozen.T)
    simulated = simulate(PAPER, eta, sigma, noise=noise, runs=20_000, iterations=60, start=start, seed=5)
    for name, measure in (("P_flat", p_flat), ("freezing time", lambda runs: mean_with_error(runs.freezing_time))):
        (a, error_a), (b, error_b) = measure(simulated), measure(reference)
        assert abs(a - b) < 4 * np.hypot(error_a, error_b), name
    assert stats.ks_2samp(simulated.x, reference.x).pvalue > 1e-4
    assert stats.ks_2samp(simulated.y, reference.y).pvalue > 1e-4


def harmonic(eta, delta_S, runs=20_000):
    """x - x* of runs that stay in the flat valley at y/y_b = 4/3, after 40 relaxation times, and f1 there."""
    y = 40e6
    floor, f = FROZEN.floor(y)[0], FROZEN.f1(y)
    iterations = int(20 * f / eta)
    done = simulate(FROZEN, eta, delta_S / eta, runs=2 * runs, iterations=iterations, start=(floor, y), seed=6)
    assert (done.freezing_time[1::2] == 1).all()  # a harmonic valley is one that is not left
    return done.x[1::2] - floor, f


@pytest.mark.parametrize("eta", [0.2, 0.1, 0.05])
def test_the_variance_in_a_harmonic_valley_is_the_discrete_updates(eta):
    # x' = (1 - 2 eta/f) x - eta xi, Var xi = 2 sigma (2/f), is an AR(1): Var x = eta sigma / (1 - eta/f)
    delta_S = 0.002
    x, f = harmonic(eta, delta_S)
    exact = delta_S / (1 - eta / f)
    assert abs(x.var() / exact - 1) < 4 * np.sqrt(2 / len(x))
    assert abs(x.mean()) < 4 * np.sqrt(exact / len(x))
    # and the continuous-time delta_S = D_11 f/2 is not it
    assert x.var() / delta_S - 1 > 4 * np.sqrt(2 / len(x))


def test_the_weak_error_in_eta_is_of_first_order():
    delta_S, etas = 0.002, np.array([0.08, 0.04, 0.02])
    error = [harmonic(eta, delta_S, runs=40_000)[0].var() / delta_S - 1 for eta in etas]
    order = np.polyfit(np.log(etas), np.log(error), 1)[0]
    smallest = etas[-1] / FROZEN.f1(40e6)
    scatter = np.sqrt(2 / 40_000) / smallest  # of the smallest error, relative
    assert abs(order - 1) < 0.1 + 4 * scatter / np.log(4)  # 0.1: contribution of the second order


@pytest.mark.parametrize("noise", NOISES)
def test_the_bits_of_a_run_depend_neither_on_other_runs_nor_on_threads_nor_on_the_record(noise):
    given = {"noise": noise, "seed": 7, "iterations": 90}
    whole = simulate(PAPER, 0.05, 0.05, runs=700, record=range(0, 91, 9), trajectories=3, **given)
    fields = ("x", "y", "freezing_time", "freezing_y")
    for other in (
        simulate(PAPER, 0.05, 0.05, runs=700, threads=3, record=range(0, 91, 9), trajectories=3, **given),
        simulate(PAPER, 0.05, 0.05, runs=700, **given),
        simulate(PAPER, 0.05, 0.05, runs=37, record=[0, 1, 2, 89], trajectories=37, **given),
        simulate(PAPER, 0.05, 0.05, runs=1, threads=2, **given),
    ):
        for field in fields:
            mine = getattr(other, field)
            assert np.array_equal(getattr(whole, field)[: len(mine)], mine), field
    threaded = simulate(PAPER, 0.05, 0.05, runs=700, threads=3, record=range(0, 91, 9), trajectories=3, **given)
    for field in ("finite", "flat", "mean_y", "trajectory"):
        assert np.array_equal(getattr(threaded.occupancy, field), getattr(whole.occupancy, field)), field


@pytest.mark.parametrize(
    ("noise", "x", "y"),
    [
        ("H", "0x1.a32a35e63b9e4p-4", "0x1.55b9c3885c403p+2"),
        ("H2", "-0x1.a9ed4a5e4f331p-2", "0x1.5fcd9f3440d26p+2"),
        ("isotropic", "-0x1.2350d25d7d32bp-3", "0x1.06ef51765bb67p+2"),
        ("H1.5", "0x1.759628f977db7p-4", "0x1.57be1ccccb59ep+2"),
        ("H-loss", "0x1.45a2798b65d2cp-3", "0x1.56cfd2ae35708p+2"),
    ],
)
def test_the_bits_are_the_same_on_every_machine(noise, x, y):
    # no fused or reordered operation, no library function: a compiler or an edit that changes a bit shows here
    done = simulate(PAPER, 0.05, 0.05, noise=noise, runs=1, iterations=300, seed=1)
    assert (done.x[0].hex(), done.y[0].hex()) == (x, y)


def test_the_key_of_the_disk_cache_contains_the_source_of_the_inlined_functions():
    # Numba itself hashes only the file of the compiled function
    compiled = [f for f in vars(langevin).values() if isinstance(f, Dispatcher) and f.__module__ == langevin.__name__]
    cached = [f for f in compiled if not f.targetoptions.get("forceinline")]
    assert len(cached) == 2
    for function in cached:
        assert function.py_func.__defaults__ == (SOURCE_HASH,), function.__name__
    simulate(PAPER, 0.05, 0.05, runs=1, iterations=1, seed=1)
    assert SOURCE_HASH in str(langevin._simulate_task.signatures)


def test_every_cell_and_seed_has_its_own_stream():
    def first(eta=0.05, sigma=0.05, noise="H", start=(0.01, 5.0), seed=1, run=0):
        return normal_deviates(eta, sigma, noise=noise, start=start, seed=seed, run=run, iterations=4000).ravel()

    plain = first()
    others = [first(eta=0.06), first(sigma=0.06), first(noise="H2"), first(start=(0.01, 1.0)), first(seed=2)]
    others += [first(run=r) for r in (1, 2, 16, 17)]
    for other in others:
        assert abs(np.corrcoef(plain, other)[0, 1]) < 5 / np.sqrt(len(plain))
        assert abs(np.corrcoef(plain**2, other**2)[0, 1]) < 5 / np.sqrt(len(plain))
    assert np.array_equal(plain, first(eta=0.050))


def test_the_deviates_are_standard_normal():
    n = normal_deviates(0.05, 0.05, run=0, iterations=1_000_000, start=(0.01, 5.0), seed=8)
    both = n.ravel()
    for k, moment in enumerate((0, 1, 0, 3, 0, 15), start=1):
        scatter = np.sqrt((stats.norm.moment(2 * k) - moment**2) / len(both))
        assert abs((both**k).mean() - moment) < 4.5 * scatter, k
    for column in n.T:
        assert stats.kstest(column, "norm").pvalue > 1e-4
    assert abs(np.corrcoef(n.T)[0, 1]) < 5e-3 and abs(np.corrcoef(n.T**2)[0, 1]) < 5e-3
    angle = np.arctan2(n[:, 1], n[:, 0]) / (2 * np.pi) % 1
    assert stats.kstest(angle, "uniform").pvalue > 1e-4


def test_the_tails_of_the_deviates_have_their_weight():
    n = normal_deviates(0.05, 0.05, run=1, iterations=5_000_000, start=(0.01, 5.0), seed=8).ravel()
    for z in (2.0, 3.0, 4.0, 5.0):
        expected = len(n) * stats.norm.sf(z)
        for count in ((n > z).sum(), (n < -z).sum()):
            assert abs(count - expected) < 5 * np.sqrt(expected) + 2, z


def test_the_deviates_are_independent_in_time_and_between_runs():
    n = np.stack([
        normal_deviates(0.05, 0.05, run=r, iterations=20_000, start=(0.01, 5.0), seed=9)[:, 0] for r in range(40)
    ])  # fmt: skip
    bound = 5 / np.sqrt(n.size)
    for lag in (1, 2, 3, 4, 8, 16, 64, 1000):
        assert abs((n[:, lag:] * n[:, :-lag]).mean()) < bound, lag
        assert abs(((n[:, lag:] ** 2 - 1) * (n[:, :-lag] ** 2 - 1)).mean()) < 2 * bound, lag
    between = np.corrcoef(n)[np.triu_indices(40, 1)] * np.sqrt(n.shape[1])
    assert np.abs(between).max() < 5 and abs(between.std() - 1) < 0.15
    # the sum over runs of the mean over time is as normal as one run's: no common drift
    assert abs(n.mean() * np.sqrt(n.size)) < 4.5


def test_what_is_recorded_is_what_happened():
    record = [0, 1, 5, 40, 80]
    done = simulate(PAPER, 0.05, 0.1, runs=21, iterations=80, seed=10, record=record, trajectories=21)
    occupancy = done.occupancy
    assert occupancy.trajectory.shape == (21, 5, 2) and occupancy.iteration.tolist() == record
    np.testing.assert_array_equal(occupancy.trajectory[:, 0, 0], [0.01 if r % 2 else -0.01 for r in range(21)])
    np.testing.assert_array_equal(occupancy.trajectory[:, -1], np.stack([done.x, done.y], 1))
    np.testing.assert_array_equal(occupancy.flat, (occupancy.trajectory[:, :, 0] > 0).sum(0))
    np.testing.assert_allclose(occupancy.mean_y, occupancy.trajectory[:, :, 1].mean(0), rtol=1e-14)
    assert (occupancy.finite == 21).all() and occupancy.flat[0] == 10


def test_the_freezing_time_is_that_of_the_last_sign_change():
    done = simulate(PAPER, 0.05, 0.1, runs=30, iterations=200, seed=11, record=range(201), trajectories=30)
    for path, t, y in zip(done.occupancy.trajectory, done.freezing_time, done.freezing_y, strict=True):
        changes = np.flatnonzero(np.diff(np.signbit(path[:, 0]))) + 1
        assert t == (changes[-1] if len(changes) else 1)
        assert y == (path[changes[-1], 1] if len(changes) else 5.0)
    still = simulate(PAPER, 0.01, 0.0, runs=4, iterations=50, start=(0.3, 30.0), seed=11)
    assert (still.freezing_time == 1).all() and (still.freezing_y == 30.0).all()


def test_without_noise_a_run_follows_the_gradient():
    landscape = PAPER
    theta = np.array([0.3, 30.0])
    for _ in range(300):
        theta = theta - 0.02 * landscape.gradient(*theta)
    done = simulate(landscape, 0.02, 0.0, runs=2, iterations=300, start=(0.3, 30.0), seed=1)
    # the remaining difference is the noise from 1e-8 on the diagonal
    np.testing.assert_allclose([done.x[1], done.y[1]], theta, atol=2e-4)
    assert done.x[0] < 0


def test_the_sharp_valley_is_unstable_beyond_f_2_and_the_flat_one_is_not_yet():
    y = 40e6
    bound = stability_bound(FROZEN, y)
    assert bound == pytest.approx(FROZEN.f2(y))
    assert stability_bound(PAPER, 5.0) == pytest.approx(0.65**2 * (25 / 35) ** 2)
    start = (0.9 * FROZEN.floor(y)[0], y)

    def sharp_side(eta):
        return simulate(FROZEN, eta, 0.0, runs=2, iterations=400, start=start, seed=1)

    stable, unstable = sharp_side(0.98 * bound), sharp_side(1.02 * bound)
    assert stable.x[0] == pytest.approx(FROZEN.floor(y)[1], rel=1e-2) and stable.freezing_time[0] == 1
    assert unstable.freezing_time[0] > 1 and unstable.x[0] > 0
    assert unstable.freezing_time[1] == 1


def test_a_run_beyond_every_valleys_stability_is_nan_and_not_an_error():
    done = simulate(PAPER, 50.0, 0.05, runs=20, iterations=3000, seed=1, record=[0, 3000])
    assert np.isnan([done.x, done.y, done.freezing_time, done.freezing_y]).all()
    assert done.occupancy.finite.tolist() == [20, 0] and done.occupancy.flat.tolist() == [10, 0]
    assert np.isnan(done.occupancy.mean_y[1])
    assert np.isnan(p_flat(done)).all() and np.isnan(mean_with_error(done.freezing_time)).all()


@pytest.mark.parametrize(
    ("noise", "ratio"), [("H", (0.8 / 0.65) ** 2), ("isotropic", 0.8 / 0.65), ("H2", None), ("H1.5", None)]
)
def test_at_fixed_y_on_a_low_barrier_p_flat_is_that_of_the_ito_steady_state(noise, ratio):
    # D P is proportional to exp(-(L - L_0)/D) on either side and continuous at the ridge; at y -> 0 there is no
    # barrier, and the weights are those of half Gaussians, sqrt(D f)/D
    y, delta_S = 0.02e6, 0.02
    eta = 0.002
    f1, f2 = FROZEN.f1(y), FROZEN.f2(y)
    if noise in ("H2", "H1.5"):
        ratio = (f1 / f2) ** (float(noise[1:]) - 0.5)  # D = delta_S (2/f)^p
    done = simulate(FROZEN, eta, delta_S / eta, noise=noise, runs=20_000, iterations=2000, start=(0.01, y), seed=12)
    p, error = p_flat(done)
    # an update of finite eta blurs the ridge, by a step's share of the valley's width
    assert abs(p - ratio / (1 + ratio)) < 4 * error + 0.008


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"eta": 0.0}, "eta = 0.0: out of range; allowed are positive"),
        ({"eta": np.nan}, "eta = nan"),
        ({"sigma": -0.1}, "sigma = -0.1: out of range; allowed are finite numbers of at least 0"),
        ({"noise": "white"}, "noise = 'white': unknown; allowed are H, H2, isotropic"),
        ({"runs": 0}, "runs = 0: .* at least 1"),
        ({"iterations": 2.5}, "iterations = 2.5"),
        ({"threads": 0}, "threads = 0"),
        ({"start": (0.0, 5.0)}, r"start = \(0\.0, 5\.0\): out of range"),
        ({"start": (0.01, -5.0)}, "finite points with x > 0 and y >= 0"),
        ({"seed": -1}, "seed = -1"),
        ({"record": [5, 5]}, "ascending integers from 0 to 10"),
        ({"record": [0, 11]}, r"record = \[0, 11\]: out of range"),
        ({"record": [0.5, 5]}, "ascending integers from 0 to 10"),
        ({"trajectories": 3}, "numbers from 0 to runs = 2"),
        ({"trajectories": 1}, "no iteration is recorded"),
    ],
)
def test_a_bad_argument_is_named(change, message):
    given = {"eta": 0.05, "sigma": 0.05, "runs": 2, "iterations": 10, "seed": 1} | change
    with pytest.raises(UserError, match=message):
        simulate(PAPER, given.pop("eta"), given.pop("sigma"), **given)
