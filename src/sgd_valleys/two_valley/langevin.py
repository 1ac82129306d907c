"""The discrete Langevin dynamics of the two-valley model, Eqs. 13-15, for many runs at once.

    theta_t = theta_{t-1} - eta (grad L(theta_{t-1}) + xi),    xi ~ N(0, Sigma(theta_{t-1})),    t = 1, 2, ...

``LANES`` runs take a step together, in an inner loop without branches, which the compiler vectorizes. All arithmetic
has a fixed order (`vector_math`). The bits of a run therefore do not depend on other runs, the number of threads, or
the machine.

The noise is a function of (key, run, step): every run of every cell has its own random stream.
"""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from sgd_valleys.errors import UserError, out_of_range, unknown_value
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.two_valley.landscape import Landscape, check_landscape
from sgd_valleys.two_valley.run_statistics import Occupancy, Runs
from sgd_valleys.two_valley.vector_math import (
    COUNTER_STEP,
    SOURCE_HASH,
    TWO_COUNTER_STEPS,
    box_muller,
    compiled,
    exp,
    inlined,
    random_word,
    run_key,
)

# The index of a noise is part of the random key of its results: append only.
NOISES = ("H", "H2", "isotropic", "H1.5", "H-loss")
DIAGONAL = 1e-8  # added to the diagonal of Sigma

LANES = 16  # runs of one vectorized step; even, so that a lane always starts on the same side
RUNS_PER_TASK = 16 * LANES  # runs of one task of a thread; fixed, so that sums over runs have a fixed order


@inlined
def _derivatives(x, y, shape):
    """Return gradient and Hessian (L_x, L_y, L_xx, L_xy, L_yy) as in `Landscape`, with a single division."""
    k, slope1, slope2, y_f, d, rate, drift, bend = shape
    slope = slope2 if x < 0 else slope1
    u = x * slope
    z = 1.0 / (y + y_f)
    dz = d * z
    fz = y_f * z
    z2 = z * z
    z3 = 2.0 * z2 * z
    w = 1.0 + dz
    e = d - y_f
    R, R_y, R_yy = w * w, -2.0 * d * z2 * w, d * z3 * (2.0 + 3.0 * dz)
    S, S_y, S_yy = (1.0 - fz) * w, -z2 * (e - 2.0 * d * fz), z3 * (e - 3.0 * d * fz)
    decay = exp(-rate * y)
    across = 2.0 * k * slope
    along = k * u
    L_x = across * (R * u - S)
    L_y = along * (R_y * u - 2.0 * S_y) - drift * decay
    L_xx = across * slope * R
    L_xy = across * (R_y * u - S_y)
    L_yy = along * (R_yy * u - 2.0 * S_yy) + bend * decay
    return L_x, L_y, L_xx, L_xy, L_yy


# Each covariance function returns (s11, s12/s11, det/s11) of Sigma = [[s11, s12], [s12, s22]]. These give
# the Cholesky factor without its two roots, which `_update` combines with the root of Box and Muller.


@inlined
def _covariance_H(a, b, c, sigma):
    """Return Sigma = 2 sigma H of Eq. 15 plus the diagonal, H = [[a, b], [b, c]] with negative eigenvalues set to 0.

    As a > 0, at most the lower eigenvalue is negative. If it is, the remaining part of H is
    top (H - bottom)/(top - bottom). Numerator and denominator stay separate until the single division.
    """
    det = a * c - b * b
    trace = a + c
    difference = a - c
    gap = math.sqrt(difference * difference + 4.0 * b * b)  # top - bottom
    top = 0.5 * (trace + gap)
    clipped = det < 0
    denominator = gap if clipped else 1.0
    scale = 2.0 * sigma * (top if clipped else 1.0)
    n11 = scale * (0.5 * (difference + gap) if clipped else a) + DIAGONAL * denominator
    inverse = 1.0 / (n11 * denominator)
    # det(A + e) = det A + e tr A + e^2 keeps the small diagonal e, which s22 - s12^2/s11 would lose to rounding
    det = 4.0 * sigma * sigma * (0.0 if clipped else det)
    det = det + DIAGONAL * (2.0 * sigma * (top if clipped else trace) + DIAGONAL)
    per_n11 = denominator * inverse
    return n11 * n11 * inverse, scale * b * per_n11, det * denominator * per_n11


@inlined
def _covariance_H2(a, b, c, sigma):
    """Return Sigma = 2 sigma H^2 plus the diagonal."""
    det = a * c - b * b
    s11 = 2.0 * sigma * (a * a + b * b) + DIAGONAL
    s12 = 2.0 * sigma * b * (a + c)
    s22 = 2.0 * sigma * (b * b + c * c) + DIAGONAL
    inverse = 1.0 / s11
    det = 4.0 * sigma * sigma * det * det + DIAGONAL * (s11 + s22 - DIAGONAL)
    return s11, s12 * inverse, det * inverse


@inlined
def _covariance_H1_5(a, b, c, sigma):
    """Return Sigma = 2 sigma H^1.5 plus the diagonal, negative eigenvalues of H set to 0.

    For positive eigenvalues, sqrt(H) = (H + r)/s with r = sqrt(det H) and s = sqrt(tr H + 2 r). Therefore
    H^1.5 = ((tr H + r) H - det H)/s. Otherwise the remaining part of H is that of `_covariance_H`.
    """
    det = a * c - b * b
    trace = a + c
    difference = a - c
    gap = math.sqrt(difference * difference + 4.0 * b * b)
    top = 0.5 * (trace + gap)
    clipped = det < 0
    root = math.sqrt(0.0 if clipped else det)
    factor = top * math.sqrt(top) if clipped else trace + root
    scale = 2.0 * sigma * factor / (gap if clipped else math.sqrt(trace + 2.0 * root))
    shift = 0.5 * (trace - gap) if clipped else det / factor
    s11 = scale * (a - shift) + DIAGONAL
    s22 = scale * (c - shift) + DIAGONAL
    inverse = 1.0 / s11
    det = 4.0 * sigma * sigma * root * root * root + DIAGONAL * (s11 + s22 - DIAGONAL)
    return s11, scale * b * inverse, det * inverse


@inlined
def _loss(x, y, shape):
    """Return the loss of `Landscape.loss`; L_d is ``drift`` / ``rate``."""
    k, slope1, slope2, y_f, d, rate, drift, _ = shape
    u = x * (slope2 if x < 0 else slope1)
    z = 1.0 / (y + y_f)
    w = 1.0 + d * z
    return drift / rate * exp(-rate * y) + k * (1.0 + u * w * (w * u - 2.0 * (1.0 - y_f * z)))


@inlined
def _update(noise, x, y, counter, key, eta, sigma, shape):
    """Return theta_t of one run from theta_{t-1}, Eq. 13; for a literal ``noise`` the compiler keeps one branch."""
    L_x, L_y, L_xx, L_xy, L_yy = _derivatives(x, y, shape)
    if noise == 0:
        s11, slope, rest = _covariance_H(L_xx, L_xy, L_yy, sigma)
    elif noise == 1:
        s11, slope, rest = _covariance_H2(L_xx, L_xy, L_yy, sigma)
    elif noise == 3:
        s11, slope, rest = _covariance_H1_5(L_xx, L_xy, L_yy, sigma)
    elif noise == 4:
        s11, slope, rest = _covariance_H(L_xx, L_xy, L_yy, sigma * _loss(x, y, shape))
    else:  # the geometric mean of the curvatures 2/f1 and 2/f2 follows from the curvature on this side
        to_mean = -shape[1] / shape[2] if x < 0 else -shape[2] / shape[1]
        s11, slope = 2.0 * sigma * L_xx * to_mean + DIAGONAL, 0.0
        rest = s11
    square, cos, sin = box_muller(random_word(counter, key), random_word(counter + COUNTER_STEP, key))
    xi_x = math.sqrt(square * s11) * cos
    xi_y = slope * xi_x + math.sqrt(square * rest) * sin
    return x - eta * (L_x + xi_x), y - eta * (L_y + xi_y)


# `_update` takes numbers, and the loop over lanes is here. With array arguments, the inlined function would count
# references to the arrays at every call.
@inlined
def _update_lanes(noise, state, counter, key, t, eta, sigma, shape):
    """Update LANES runs in place; ``state`` holds x, y, the iteration of the last change of valley and y after it."""
    time, ahead = t + 1.0, np.uint64(t) * TWO_COUNTER_STEPS
    for i in range(LANES):
        x, y = _update(noise, state[i], state[LANES + i], counter[i] + ahead, key[i], eta, sigma, shape)
        crossed = (x < 0) != (state[i] < 0)
        state[2 * LANES + i] = time if crossed else state[2 * LANES + i]
        state[3 * LANES + i] = y if crossed else state[3 * LANES + i]
        state[i], state[LANES + i] = x, y


@compiled
def _advance(state, counter, key, start, stop, eta, sigma, noise, shape, source=SOURCE_HASH):
    """Take LANES runs from theta_start to theta_stop."""
    for t in range(start, stop):
        if noise == 0:
            _update_lanes(0, state, counter, key, t, eta, sigma, shape)
        elif noise == 1:
            _update_lanes(1, state, counter, key, t, eta, sigma, shape)
        elif noise == 3:
            _update_lanes(3, state, counter, key, t, eta, sigma, shape)
        elif noise == 4:
            _update_lanes(4, state, counter, key, t, eta, sigma, shape)
        else:
            _update_lanes(2, state, counter, key, t, eta, sigma, shape)


@compiled
def _simulate_task(first, last, start, iterations, model, cell_key, end, recorded, source=SOURCE_HASH):
    """Simulate the runs ``first`` to ``last - 1`` of a cell, LANES at a time.

    ``model`` holds eta, sigma, the index of the noise and the coefficients of the landscape. ``recorded`` holds the
    recorded iterations and four outputs: ``flat``, ``finite`` and ``sum_y`` (time), sums over the runs of this task,
    and ``path`` (kept run, time, 2). The output ``end`` (run, 4) has x, y, freezing time and freezing y.
    """
    x_start, y_start = start
    eta, sigma, noise, shape = model
    times, flat, finite, sum_y, path = recorded
    state = np.empty(4 * LANES)
    counter, key = np.empty(LANES, np.uint64), np.empty(LANES, np.uint64)
    for group in range(first, last, LANES):
        for lane in range(LANES):
            counter[lane], key[lane] = run_key(cell_key, group + lane)
            state[lane] = x_start if (group + lane) % 2 else -x_start
            state[LANES + lane] = y_start
            state[2 * LANES + lane] = 1.0
            state[3 * LANES + lane] = y_start
        lanes = min(LANES, last - group)  # the surplus lanes of the last group are simulated and dropped
        t = np.int64(0)  # a literal 0 would compile `_advance` a second time
        for i in range(len(times)):
            _advance(state, counter, key, t, times[i], eta, sigma, noise, shape)
            t = times[i]
            for lane in range(lanes):
                x, y = state[lane], state[LANES + lane]
                if math.isfinite(x) and math.isfinite(y):
                    finite[i] += 1
                    flat[i] += x > 0
                    sum_y[i] += y
                if group + lane < len(path):
                    path[group + lane, i, 0] = x
                    path[group + lane, i, 1] = y
        _advance(state, counter, key, t, iterations, eta, sigma, noise, shape)
        for lane in range(lanes):
            is_finite = math.isfinite(state[lane]) and math.isfinite(state[LANES + lane])
            for i in range(4):
                end[group + lane, i] = state[i * LANES + lane] if is_finite else np.nan


def simulate(
    landscape: Landscape,
    eta: float,
    sigma: float,
    *,
    noise: str = "H",
    runs: int,
    iterations: int,
    start: tuple[float, float] = (0.01, 5.0),
    seed: int,
    record: Sequence[int] | None = None,
    trajectories: int = 0,
    threads: int = 1,
) -> Runs:
    """Simulate the runs of a cell, Eqs. 13-15.

    Run r does not depend on ``runs``, ``threads``, ``record`` and ``trajectories``. The runs of a longer simulation
    start with the same updates. A run that diverges, as above `landscape.stability_bound`, is NaN.

    Args:
        landscape: the loss.
        eta: learning rate.
        sigma: strength of the noise.
        noise: covariance Sigma, to whose diagonal 1e-8 is added. "H" is 2 sigma H, Eq. 15, with the full Hessian at
            theta_{t-1} and negative eigenvalues set to 0. "H1.5" is 2 sigma H^1.5 with the same H. "H2" is 2 sigma H^2,
            which keeps negative eigenvalues. "H-loss" is 2 sigma L H with the H of "H" and the loss L at theta_{t-1}.
            "isotropic" is 2 sigma times 2/sqrt(f1 f2), the geometric mean of the valleys' curvatures at this y. For
            this noise eta/2 Sigma is T_eff, Eq. A15.
        runs: number of runs. Even runs start on the sharp side, at (-x, y) of ``start``, odd runs at (x, y).
        iterations: updates of each run.
        start: (x, y), x > 0.
        seed: master seed. Noise, eta, sigma and start are the key of the cell's stream.
        record: (time) ascending iterations at which to record the occupancy; 0 is the start.
        trajectories: number of runs whose x and y are kept at these iterations.
        threads: number of threads.

    Raises:
        UserError: an argument is out of range.

    >>> runs = simulate(Landscape(), 0.05, 0.05, runs=32, iterations=100, seed=1)
    >>> runs.x.shape, bool(np.isfinite(runs.x).all())
    ((32,), True)
    """
    check_landscape(landscape)
    _check(eta, sigma, noise, start, seed, runs=runs, iterations=iterations, threads=threads)
    times = np.asarray([] if record is None else record)
    integers = times.ndim == 1 and (times.dtype.kind in "iu" or not len(times))
    if not integers or (np.diff(times) <= 0).any() or (times < 0).any() or (times > iterations).any():
        raise UserError(out_of_range("record", record, f"ascending integers from 0 to {iterations}"))
    times = times.astype(np.int64)
    if not 0 <= trajectories <= runs:
        raise UserError(out_of_range("trajectories", trajectories, f"numbers from 0 to runs = {runs}"))
    if trajectories and record is None:
        raise UserError(
            f"trajectories = {trajectories}: no iteration is recorded; allowed is 0 without record; pass record."
        )
    p, begin, key = landscape, tuple(map(float, start)), cell_key(seed, noise, eta, sigma, start)
    shape = (p.L_0_star, 1 / p.x1, -1 / p.x2, p.y_f, p.y_b - p.y_f, 1 / p.y_d, p.L_d / p.y_d, p.L_d / p.y_d**2)
    model = (float(eta), float(sigma), NOISES.index(noise), tuple(map(float, shape)))
    end, path = np.empty((runs, 4)), np.empty((trajectories, len(times), 2))

    def simulate_task(first: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        finite, flat = np.zeros((2, len(times)), dtype=np.int64)
        sum_y = np.zeros(len(times))
        last = min(first + RUNS_PER_TASK, runs)
        _simulate_task(first, last, begin, iterations, model, key, end, (times, flat, finite, sum_y, path))
        return finite, flat, sum_y

    with ThreadPoolExecutor(threads) as pool:
        parts = pool.map(simulate_task, range(0, runs, RUNS_PER_TASK))
        finite, flat, sum_y = (sum(part, np.zeros(len(times), np.int64)) for part in zip(*parts, strict=True))
    occupancy = None
    if record is not None:
        mean_y = np.divide(sum_y, finite, out=np.full(len(times), np.nan), where=finite > 0)
        occupancy = Occupancy(times, finite, flat, mean_y, path)
    x, y, freezing_time, freezing_y = end.T.copy()
    return Runs(x, y, freezing_time, freezing_y, occupancy)


def cell_key(seed: int, noise: str, eta: float, sigma: float, start: tuple[float, float]) -> np.ndarray:
    """Return two random words (2), the key of the random stream of a cell."""
    words = (NOISES.index(noise), *map(float, (eta, sigma, *start)))
    return stream(seed, Stage.LANGEVIN, *words).integers(0, 2**64, size=2, dtype=np.uint64)


def _check(eta: float, sigma: float, noise: str, start: tuple[float, float], seed: int, **counts: int) -> None:
    """Raise UserError for an argument out of range."""
    if not (math.isfinite(eta) and eta > 0):
        raise UserError(out_of_range("eta", eta, "positive, finite numbers"))
    if not (math.isfinite(sigma) and sigma >= 0):
        raise UserError(out_of_range("sigma", sigma, "finite numbers of at least 0"))
    if noise not in NOISES:
        raise UserError(unknown_value("noise", noise, NOISES))
    if not (len(start) == 2 and all(map(math.isfinite, start)) and start[0] > 0 and start[1] >= 0):
        raise UserError(out_of_range("start", start, "finite points with x > 0 and y >= 0"))
    for name, value in (("seed", seed), *counts.items()):
        least = 0 if name == "seed" else 1
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise UserError(out_of_range(name, value, f"integers of at least {least}"))
