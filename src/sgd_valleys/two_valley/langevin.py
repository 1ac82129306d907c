"""The discrete Langevin dynamics of the two-valley model, Eqs. 13-15, many runs at once.

    theta_t = theta_{t-1} - eta (grad L(theta_{t-1}) + xi),    xi ~ N(0, Sigma(theta_{t-1})),    t = 1, 2, ...

``LANES`` runs go through a step together, in an inner loop without a branch that the compiler turns into
vector instructions. Only IEEE additions, products, quotients and roots occur in it, in a fixed order and
without fused operations: exp, log, sin and cos are polynomials of our own. So a run's bits depend neither on
the runs beside it nor on the number of threads, nor on how wide the machine's vectors are.

The noise is a function of (key, run, step): there is no state to carry, and every run of every cell has a stream
of its own.
"""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numba import njit

from sgd_valleys.errors import UserError
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.two_valley.landscape import Landscape

NOISES = ("H", "H2", "isotropic")  # places in this list are part of every result's key: append only
DIAGONAL = 1e-8  # added to the diagonal of Sigma

LANES = 16  # even, so that a lane keeps its side of the start, and enough for the compiler to vectorize
GROUPS = 16  # groups of LANES runs in one thread's piece of work; fixed, so that sums have one order

_u = np.uint64
_GAMMA = _u(0x9E3779B97F4A7C15)
_TWO_GAMMA = _u(0x3C6EF372FE94F82A)
_MANTISSA_OF_ONE = _u(0x3FF0000000000000)
_HALF_SQRT2 = _u(0x3FE6A09E667F3BCD)  # the bits of sqrt(1/2)
_OFFSET = 2000  # keeps the exponent positive while it is an unsigned integer
_SHIFTED_OFFSET = _u(_OFFSET << 52)
_TWO_52 = _u(0x4330000000000000)  # the bits of 2^52: an integer below it, or-ed in, is a float's last digits
_1, _12, _27, _30, _31, _52, _63 = (_u(n) for n in (1, 12, 27, 30, 31, 52, 63))

_compiled = njit(cache=True, nogil=True, error_model="numpy")
# inlined into the loop over lanes, which vectorizes only without calls and without division checks
_inlined = njit(inline="always", error_model="numpy")


@_inlined
def _bits(number):
    return np.float64(number).view(np.uint64)


@_inlined
def _float(bits):
    return np.uint64(bits).view(np.float64)


@_inlined
def _word(counter, key):
    """64 random bits: SplitMix64's finalizer of the counter, with a second key between its rounds."""
    z = (counter ^ (counter >> _30)) * _u(0xBF58476D1CE4E5B9)
    z = (z ^ key ^ (z >> _27)) * _u(0x94D049BB133111EB)
    return z ^ (z >> _31)


@_inlined
def _polar(first, second):
    """(r^2, cos, sin) of two independent normal deviates r cos and r sin (Box and Muller), from 128 random bits.

    log, sin and cos interpolate at Chebyshev nodes, to a relative 3e-14, 8e-14 and an absolute 8e-13.
    """
    u = 2.0 - _float(_MANTISSA_OF_ONE | (first >> _12))  # in (0, 1]
    # u = m 2^k with m in [sqrt(1/2), sqrt 2): log u = k log 2 + 2 artanh s
    bits = _bits(u)
    exponent = (bits - _HALF_SQRT2 + _SHIFTED_OFFSET) >> _52
    m = _float(bits + _SHIFTED_OFFSET - (exponent << _52))
    k = _float(exponent | _TWO_52) - (2.0**52 + _OFFSET)
    s = (m - 1.0) / (m + 1.0)
    q = s * s
    p = 0.221742499100774898 + q * 0.196080956397530527
    p = 0.666666666795792521 + q * (0.399999948918323827 + q * (0.285721661458757251 + q * p))
    log = k * 0.693147180559945309 + s * (1.99999999999994719 + q * p)
    # the angle lies in the right half circle, and a bit of its own says whether it is mirrored into the left
    v = (_float(_MANTISSA_OF_ONE | (second >> _12)) - 1.5) * math.pi
    q = v * v
    p = 2.75569529128580484e-6 + q * (-2.50302681888227913e-8 + q * 1.54112197466488985e-10)
    p = -0.166666666664666716 + q * (0.00833333332035834848 + q * (-0.000198412666831306727 + q * p))
    sin = v * (0.999999999999949651 + q * p)
    p = 0.0000248010399280082718 + q * (-2.75246704250816641e-7 + q * 1.99075061037602279e-9)
    p = -0.499999999970127497 + q * (0.0416666664728517938 + q * (-0.0013888884170789054 + q * p))
    cos = 0.999999999999247963 + q * p
    cos = _float(_bits(cos) ^ ((second & _1) << _63))
    return -2.0 * log, cos, sin


@_inlined
def _exp(v):
    """e^v to a relative 2e-14, v kept within +-700."""
    v = 700.0 if v > 700.0 else v
    v = -700.0 if v < -700.0 else v
    shifted = v * 1.4426950408889634 + 6755399441055744.0  # 1.5 2^52: its last digits are the nearest integer n
    n = shifted - 6755399441055744.0
    r = (v - n * 0.693147180369123816) - n * 1.90821492927058770e-10  # v - n log 2, without loss
    p = 0.0000248844597517511147 + r * 2.76326406754302357e-6
    p = 0.00833333336731160369 + r * (0.00138888017496565425 + r * (0.000198411906475442397 + r * p))
    p = 0.499999999994385892 + r * (0.16666666666615647 + r * (0.0416666670405519065 + r * p))
    p = 1.00000000000001349 + r * (1.00000000000000123 + r * p)
    return p * _float((_bits(shifted) << _52) + _MANTISSA_OF_ONE)  # times 2^n


@_inlined
def _derivatives(x, y, shape):
    """Gradient and Hessian (L_x, L_y, L_xx, L_xy, L_yy) as in `Landscape`, with one division."""
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
    decay = _exp(-rate * y)
    across = 2.0 * k * slope
    along = k * u
    L_x = across * (R * u - S)
    L_y = along * (R_y * u - 2.0 * S_y) - drift * decay
    L_xx = across * slope * R
    L_xy = across * (R_y * u - S_y)
    L_yy = along * (R_yy * u - 2.0 * S_yy) + bend * decay
    return L_x, L_y, L_xx, L_xy, L_yy


# Each of the three gives (s11, s12/s11, det/s11) of the covariance [[s11, s12], [s12, s22]], the Cholesky factor but
# for two roots, which are taken together with that of Box and Muller.


@_inlined
def _covariance_H(a, b, c, sigma):
    """2 sigma H of Eq. 15, H = [[a, b], [b, c]] with its negative eigenvalue set to 0, plus the diagonal.

    a > 0, so at most the lower eigenvalue is negative, and then what is left of H is
    lambda (H - lambda_low)/(lambda - lambda_low). Numerator and denominator are kept apart to divide once.
    """
    det = a * c - b * b
    trace = a + c
    difference = a - c
    gap = math.sqrt(difference * difference + 4.0 * b * b)  # between the eigenvalues
    top = 0.5 * (trace + gap)
    clipped = det < 0
    denominator = gap if clipped else 1.0
    scale = 2.0 * sigma * (top if clipped else 1.0)
    n11 = scale * (0.5 * (difference + gap) if clipped else a) + DIAGONAL * denominator
    inverse = 1.0 / (n11 * denominator)
    # det(A + e) = det A + e tr A + e^2, where 0 is known to be 0: s22 - s12^2/s11 would lose the small diagonal
    det = 4.0 * sigma * sigma * (0.0 if clipped else det)
    det = det + DIAGONAL * (2.0 * sigma * (top if clipped else trace) + DIAGONAL)
    per_n11 = denominator * inverse
    return n11 * n11 * inverse, scale * b * per_n11, det * denominator * per_n11


@_inlined
def _covariance_H2(a, b, c, sigma):
    """2 sigma H^2, plus the diagonal."""
    det = a * c - b * b
    s11 = 2.0 * sigma * (a * a + b * b) + DIAGONAL
    s12 = 2.0 * sigma * b * (a + c)
    s22 = 2.0 * sigma * (b * b + c * c) + DIAGONAL
    inverse = 1.0 / s11
    det = 4.0 * sigma * sigma * det * det + DIAGONAL * (s11 + s22 - DIAGONAL)
    return s11, s12 * inverse, det * inverse


@_inlined
def _covariance_isotropic(s):
    """The same strength s in both directions, plus the diagonal."""
    return s + DIAGONAL, 0.0, s + DIAGONAL


@_inlined
def _step(noise, x, y, counter, key, eta, sigma, shape):
    """One update of one run, Eq. 13; ``noise`` is a constant wherever this is inlined, which leaves one branch."""
    L_x, L_y, L_xx, L_xy, L_yy = _derivatives(x, y, shape)
    if noise == 0:
        s11, slope, rest = _covariance_H(L_xx, L_xy, L_yy, sigma)
    elif noise == 1:
        s11, slope, rest = _covariance_H2(L_xx, L_xy, L_yy, sigma)
    else:  # the geometric mean of the valleys' curvatures, from the one at hand
        other = -shape[1] / shape[2] if x < 0 else -shape[2] / shape[1]
        s11, slope, rest = _covariance_isotropic(2.0 * sigma * L_xx * other)
    square, cos, sin = _polar(_word(counter, key), _word(counter + _GAMMA, key))
    xi_x = math.sqrt(square * s11) * cos
    xi_y = slope * xi_x + math.sqrt(square * rest) * sin
    return x - eta * (L_x + xi_x), y - eta * (L_y + xi_y)


# An inlined function that takes arrays counts references to them on every call: so the loop over lanes is in here, and
# what is inlined into that loop takes numbers.
@_inlined
def _sweep(noise, state, low, high, t, eta, sigma, shape):
    """One update of LANES runs; state is x, y, the last crossing and its y, one after another."""
    time, ahead = t + 1.0, _u(t) * _TWO_GAMMA
    for i in range(LANES):
        x, y = _step(noise, state[i], state[LANES + i], low[i] + ahead, high[i], eta, sigma, shape)
        crossed = (x < 0) != (state[i] < 0)
        state[2 * LANES + i] = time if crossed else state[2 * LANES + i]
        state[3 * LANES + i] = y if crossed else state[3 * LANES + i]
        state[i], state[LANES + i] = x, y


@_compiled
def _advance(state, low, high, start, stop, eta, sigma, noise, shape):
    """Take LANES runs from theta_start to theta_stop."""
    if noise == 0:
        for t in range(start, stop):
            _sweep(0, state, low, high, t, eta, sigma, shape)
    elif noise == 1:
        for t in range(start, stop):
            _sweep(1, state, low, high, t, eta, sigma, shape)
    else:
        for t in range(start, stop):
            _sweep(2, state, low, high, t, eta, sigma, shape)


@_compiled
def _run_key(key, run):
    """Two words (low, high) for one run of a cell: where its counter starts, and the key of its bits."""
    low = _word(key[0] + _u(run) * _GAMMA, key[1])
    return low, _word(low + _GAMMA, key[0])


@_compiled
def _block(first, last, start, iterations, eta, sigma, noise, shape, key, end, record, flat, finite, sum_y, path):
    """The runs ``first`` to ``last - 1`` of a cell, LANES at a time, and what they add to the occupancy."""
    x_start, y_start = start
    state = np.empty(4 * LANES)
    low, high = np.empty(LANES, np.uint64), np.empty(LANES, np.uint64)
    for group in range(first, last, LANES):
        for lane in range(LANES):
            low[lane], high[lane] = _run_key(key, group + lane)
            state[lane] = x_start if (group + lane) % 2 else -x_start
            state[LANES + lane] = y_start
            state[2 * LANES + lane] = 1.0
            state[3 * LANES + lane] = y_start
        lanes = min(LANES, last - group)  # a last group that is not full runs along, and what is over is dropped
        t = 0
        for i in range(len(record)):
            _advance(state, low, high, t, record[i], eta, sigma, noise, shape)
            t = record[i]
            for lane in range(lanes):
                x, y = state[lane], state[LANES + lane]
                if math.isfinite(x) and math.isfinite(y):
                    finite[i] += 1
                    flat[i] += x > 0
                    sum_y[i] += y
                if group + lane < len(path):
                    path[group + lane, i, 0] = x
                    path[group + lane, i, 1] = y
        _advance(state, low, high, t, iterations, eta, sigma, noise, shape)
        for lane in range(lanes):
            alive = math.isfinite(state[lane]) and math.isfinite(state[LANES + lane])
            for i in range(4):
                end[group + lane, i] = state[i * LANES + lane] if alive else np.nan


@_compiled
def _deviates(key, run, out):
    low, high = _run_key(key, run)
    for t in range(len(out)):
        counter = low + _u(t) * _TWO_GAMMA
        square, cos, sin = _polar(_word(counter, high), _word(counter + _GAMMA, high))
        r = math.sqrt(square)
        out[t, 0] = r * cos
        out[t, 1] = r * sin


@dataclass(frozen=True)
class Occupancy:
    """What the runs did at the recorded iterations.

    Attributes:
        iteration: (time) the recorded iterations; 0 is the start.
        finite: (time) how many runs had not left the finite numbers.
        flat: (time) how many of these had x > 0.
        mean_y: (time) their mean y, NaN where there are none.
        trajectory: (kept run, time, 2) x and y of the first runs.
    """

    iteration: np.ndarray
    finite: np.ndarray
    flat: np.ndarray
    mean_y: np.ndarray
    trajectory: np.ndarray


@dataclass(frozen=True)
class Runs:
    """Where the runs of one cell ended, and when each last changed valley. All NaN for a run that diverged.

    Attributes:
        x: (run) at the end.
        y: (run) at the end.
        freezing_time: (run) t of the last update that took theta_{t-1} to the other side of x = 0; 1 where none did.
        freezing_y: (run) y of that theta_t; the start's where there was none.
        occupancy: at the recorded iterations, where some were asked for.
    """

    x: np.ndarray
    y: np.ndarray
    freezing_time: np.ndarray
    freezing_y: np.ndarray
    occupancy: Occupancy | None = None


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
    """Run the model of Eqs. 13-15; run r is the same whatever ``runs``, ``threads``, ``record`` and later iterations.

    Args:
        landscape: the loss.
        eta: learning rate.
        sigma: strength of the noise.
        noise: its covariance Sigma, to whose diagonal 1e-8 is added. "H": 2 sigma H with the full Hessian at the
            point, a negative eigenvalue set to 0, Eq. 15; "H2": 2 sigma H^2; "isotropic": 2 sigma times the
            geometric mean 2/sqrt(f1 f2) of the two valleys' curvatures at this y, in both directions and on both
            sides, so that the diffusion coefficient eta/2 Sigma is the T_eff of Eq. A15.
        runs: how many; even ones start on the sharp side, at (-x, y) of ``start``, odd ones at (+x, y).
        iterations: updates of each.
        start: (x, y).
        seed: of everything random; the stream's key is the noise, eta, sigma and the start.
        record: ascending iterations at which to record the occupancy, 0 for the start.
        trajectories: of how many runs to keep x and y at those iterations.
        threads: how many to work with; the results are the same for any number.

    Returns:
        The runs. One that leaves the finite numbers, as beyond `landscape.stability_bound`, is NaN and no error.

    Raises:
        UserError: an argument is out of range.

    >>> runs = simulate(Landscape(), 0.05, 0.05, runs=32, iterations=100, seed=1)
    >>> runs.x.shape, bool(np.isfinite(runs.x).all())
    ((32,), True)
    """
    _check(eta, sigma, noise, start, seed, runs=runs, iterations=iterations, threads=threads)
    times = np.asarray([] if record is None else record, dtype=np.int64)
    if times.ndim != 1 or (np.diff(times) <= 0).any() or (times < 0).any() or (times > iterations).any():
        raise UserError(f"The recorded iterations have to ascend, from 0 at the least to {iterations} at the most.")
    if not 0 <= trajectories <= runs:
        raise UserError(f"{trajectories} trajectories are to be kept; it has to be between 0 and the {runs} runs.")
    key = _key(seed, noise, eta, sigma, start)
    end = np.empty((runs, 4))
    path = np.empty((trajectories, len(times), 2))
    size = LANES * GROUPS
    begin = (float(start[0]), float(start[1]))
    law = (float(eta), float(sigma), NOISES.index(noise), _shape(landscape))

    def block(first: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        finite, flat = np.zeros((2, len(times)), dtype=np.int64)
        sum_y = np.zeros(len(times))
        last = min(first + size, runs)
        _block(first, last, begin, iterations, *law, key, end, times, flat, finite, sum_y, path)
        return finite, flat, sum_y

    with ThreadPoolExecutor(threads) as pool:
        finite, flat, sum_y = (sum(part) for part in zip(*pool.map(block, range(0, runs, size)), strict=True))
    occupancy = None
    if record is not None:
        mean_y = np.divide(sum_y, finite, out=np.full(len(times), np.nan), where=finite > 0)
        occupancy = Occupancy(times, finite, flat, mean_y, path)
    return Runs(*end.T.copy(), occupancy)


def deviates(
    eta: float, sigma: float, *, noise: str = "H", run: int, iterations: int, start: tuple[float, float], seed: int
) -> np.ndarray:
    """(iterations, 2) the normal deviates that `simulate` gives one run, to follow it by other means.

    The noise is xi = A n with A the lower Cholesky factor of Sigma and n the two deviates.
    """
    _check(eta, sigma, noise, start, seed, iterations=iterations)
    out = np.empty((iterations, 2))
    _deviates(_key(seed, noise, eta, sigma, start), run, out)
    return out


def share(count: np.ndarray, of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The share count/of and its standard error, NaN where there is nothing to share.

    The error is the binomial one at (k + 1)/(n + 2), so that it does not vanish where all n agree.
    """
    k, n = np.asarray(count, dtype=float), np.asarray(of, dtype=float)
    n = np.where(n > 0, n, np.nan)
    p = (k + 1) / (n + 2)
    return k / n, np.sqrt(p * (1 - p) / n)


def p_flat(runs: Runs) -> tuple[float, float]:
    """P_flat, the share of runs that end with x > 0, and its standard error; of the runs that did not diverge."""
    x = runs.x[np.isfinite(runs.x)]
    found, error = share((x > 0).sum(), len(x))
    return float(found), float(error)


def mean_and_error(values: np.ndarray) -> tuple[float, float]:
    """The mean of the values that are finite, and its standard error."""
    used = values[np.isfinite(values)]
    if not len(used):
        return math.nan, math.nan
    return float(used.mean()), float(used.std(ddof=1) / math.sqrt(len(used))) if len(used) > 1 else math.nan


def mean_freezing_time(runs: Runs) -> tuple[float, float]:
    """The mean iteration of the last sign change, and its standard error; of the runs that did not diverge."""
    return mean_and_error(runs.freezing_time)


def _key(seed: int, noise: str, eta: float, sigma: float, start: tuple[float, float]) -> np.ndarray:
    words = (NOISES.index(noise), float(eta), float(sigma), float(start[0]), float(start[1]))
    return stream(seed, Stage.LANGEVIN, *words).integers(0, 2**64, size=2, dtype=np.uint64)


def _shape(p: Landscape) -> tuple[float, ...]:
    """What `_derivatives` needs of the landscape."""
    numbers = (p.L_0_star, 1 / p.x1, -1 / p.x2, p.y_f, p.y_b - p.y_f, 1 / p.y_d, p.L_d / p.y_d, p.L_d / p.y_d**2)
    return tuple(float(number) for number in numbers)


def _check(eta: float, sigma: float, noise: str, start: tuple[float, float], seed: int, **counts: int) -> None:
    if not (math.isfinite(eta) and eta > 0):
        raise UserError(f"The learning rate eta is {eta}; it has to be positive and finite.")
    if not (math.isfinite(sigma) and sigma >= 0):
        raise UserError(f"The noise strength sigma is {sigma}; it has to be finite and not negative.")
    if noise not in NOISES:
        raise UserError(f"There is no noise named {noise!r}; there are {', '.join(NOISES)}.")
    if not (len(start) == 2 and all(map(math.isfinite, start)) and start[0] > 0 and start[1] >= 0):
        raise UserError(f"The start is {start}; its x has to be positive and its y not negative.")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise UserError(f"The seed is {seed!r}; it has to be an integer, and not negative.")
    for name, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
            raise UserError(f"The number of {name} is {count!r}; it has to be an integer, and at least 1.")
