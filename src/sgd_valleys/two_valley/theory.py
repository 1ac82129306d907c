"""Closed forms of the two-valley model as the paper prints them, Sec. II F-G and Appendix A.

Pairs have the order (flat, sharp). Arguments broadcast. ``delta_S`` is Delta_S = eta sigma, the only combination of
eta and sigma that enters in continuous time. A function returns NaN, without a warning, where its formula has no value.

Three results go beyond the printed forms: first-passage times by quadrature, the freezing point from its criterion
(`y_freeze_numerical`), and P_flat from the density itself (`diffusion.steady_state`).

erfi(s) overflows for s > 26. The functions use erfi(s) = 2/sqrt(pi) exp(s^2) D(s) with Dawson's function D.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import dawsn, erf, expit, lambertw, xlogy

from sgd_valleys.two_valley.landscape import Landscape

_quiet = np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore")
Pair = tuple[np.ndarray, np.ndarray]


def drift(landscape: Landscape, y: ArrayLike) -> np.ndarray:
    """Return the speed dy/dt along a floor, Eq. A8, which is minus the slope of L_0 - Delta L."""
    p, y = landscape, np.asarray(y, dtype=float)
    return p.L_d / p.y_d * np.exp(-y / p.y_d) + 2 * p.L_0_star * p.y_f * y / (y + p.y_f) ** 3


def tau_x_max(landscape: Landscape) -> float:
    """Return the longest relaxation time across, Eq. A7: the largest f1/2, at large y if y_f < y_b, else at 0."""
    p = landscape
    return p.f0 * (p.x1 / p.x0) ** 2 / 2 * max(1.0, (p.y_f / p.y_b) ** 2)


def tau_y_min(landscape: Landscape) -> float:
    """Return the shortest time to drift by 1 along y, Eq. A8; both terms of `drift` decay beyond y = y_f/2."""
    return float(1 / drift(landscape, np.linspace(0, landscape.y_f / 2, 100_001)).max())


def L_eff(landscape: Landscape, x: ArrayLike, y: ArrayLike) -> np.ndarray:
    """Return the effective loss, Eq. 19."""
    return landscape.loss(x, y) + L_SGD(landscape, x, y)


def L_SGD(landscape: Landscape, x: ArrayLike, y: ArrayLike) -> np.ndarray:
    """Return the part of the effective loss from the noise, Eq. 20: negative in the flat valley, else positive."""
    root = np.sqrt(landscape.gamma)
    return np.where(np.asarray(x) >= 0, root - 1, 1 / root - 1) * (landscape.loss(x, y) - landscape.L_0(y))


@_quiet
def barrier_over_noise(landscape: Landscape, y: ArrayLike, delta_S: ArrayLike) -> Pair:
    """Return sqrt(Delta L f/(2 Delta_S)) = x_i y/(y + y_b)/sqrt(2 Delta_S), the root of the barrier over the noise.

    Kramers' regime, Eq. A21, is where both are large. NaN for y < 0, where no barrier exists.
    """
    y = np.where(np.asarray(y) >= 0, y, np.nan)
    root = y / (y + landscape.y_b) / np.sqrt(2 * np.asarray(delta_S))
    return landscape.x1 * root, landscape.x2 * root


@_quiet
def escape_rates(landscape: Landscape, y: ArrayLike, delta_S: ArrayLike) -> Pair:
    """Return (k+, k-), the rates of leaving the flat and the sharp valley, Eq. 21; infinite at y = 0.

    A rate is one over the mean time to the ridge. The rate of changing valley is lower, because a run on the ridge may
    return. For an Ito equation the factor is x1/(x1 + x2) into the flat valley and x2/(x1 + x2) into the sharp one.
    """
    f = landscape.f1(y), landscape.f2(y)
    z = barrier_over_noise(landscape, y, delta_S)
    return tuple(np.exp(-(s**2)) / (np.sqrt(np.pi) * f * dawsn(s)) for f, s in zip(f, z, strict=True))


@_quiet
def log_first_passage_times(landscape: Landscape, y: ArrayLike, delta_S: ArrayLike) -> Pair:
    """Return the logarithms of the mean times from the (flat, sharp) floor to the ridge, Eqs. A20 and A19.

    With the distance s from the floor in units of sqrt(f D), the inner integral is sqrt(pi)/2 (1 + erf s). Quadrature
    gives the outer one, tau = f sqrt(pi)/2 int_0^z exp(s^2) (1 + erf s) ds, where z^2 is the barrier over the noise.
    Eq. A24 replaces 1 + erf s by 2.
    """
    node, weight = np.polynomial.legendre.leggauss(96)

    def logarithm(f: np.ndarray, z: np.ndarray) -> np.ndarray:
        z = np.asarray(z)[..., None]
        reach = np.minimum(z, 40 / z)  # the integrand decays like exp(-2 z (z - s)) from the ridge
        s = z - reach * (node + 1) / 2
        integral = (weight * np.exp((s - z) * (s + z)) * (1 + erf(s))).sum(-1) * reach[..., 0] / 2
        return np.log(f * np.sqrt(np.pi) / 2 * integral) + z[..., 0] ** 2

    flat, sharp = barrier_over_noise(landscape, y, delta_S)
    return logarithm(landscape.f1(y), flat), logarithm(landscape.f2(y), sharp)


@_quiet
def p_flat_stationary(landscape: Landscape, y: ArrayLike, delta_S: ArrayLike) -> np.ndarray:
    """Return P_flat at fixed y from the rates of Eq. 21, by the exact form of Eq. 22; at y = 0 the limit."""
    flat, sharp = barrier_over_noise(landscape, y, delta_S)
    ratio = np.where(flat > 0, dawsn(sharp) / dawsn(flat), sharp / flat)
    ratio = np.where(flat == 0, landscape.x2 / landscape.x1, ratio)
    return expit(np.log(landscape.gamma) - np.log(ratio) + (flat - sharp) * (flat + sharp))


@_quiet
def p_flat_stationary_asymptotic(landscape: Landscape, y: ArrayLike, delta_S: ArrayLike) -> np.ndarray:
    """Return P_flat at fixed y for a barrier far above the noise, Eq. 22, last line; Eq. 24 at y = y_freeze."""
    flat, sharp = barrier_over_noise(landscape, y, delta_S)
    return expit(np.log(landscape.gamma) / 2 + (flat - sharp) * (flat + sharp))


def p_flat_equilibrium(landscape: Landscape) -> float:
    """Return P_flat for noise of equal strength in both valleys, Eq. A28, which ignores returns from the ridge."""
    return landscape.gamma / (1 + landscape.gamma)


def p_flat_boltzmann(landscape: Landscape) -> float:
    """Return Boltzmann's share of x > 0 under exp(-L/T), which is x1/(x1 + x2) at every y and T.

    Both valleys have equal depth, and the ratio of their widths is x1/x2.
    """
    return landscape.x1 / (landscape.x1 + landscape.x2)


@_quiet
def Phi_bound(landscape: Landscape, gamma: np.ndarray | None = None) -> float | np.ndarray:
    """Return the constant that replaces Phi, Eq. A33, last line: the product of the maxima of its three factors.

    The factors have their maxima at y = 0, y_f/2 and y_b/2. The product is therefore an upper bound and not a maximum.
    ``gamma`` replaces the landscape's ratio of flatness at the same x2, as in Fig. 6C.
    """
    p = landscape
    ratio = p.gamma if gamma is None else np.asarray(gamma, dtype=float)
    return 2 * p.x2**2 * (ratio - 1) / (27 * p.y_b) * (p.L_d / p.y_d + 8 * p.L_0_star / (27 * p.y_f))


@_quiet
def y_freeze(landscape: Landscape, delta_S: ArrayLike, epsilon: float = 0.1) -> np.ndarray:
    """Return the freezing point in closed form, Eq. 25.

    NaN where Delta_S < (epsilon Phi)^2, and where the noise is too strong for freezing at any y.
    """
    delta_S = np.asarray(delta_S, dtype=float)
    root = np.sqrt(delta_S * np.log(delta_S / (epsilon * Phi_bound(landscape)) ** 2))
    return np.where(root < landscape.x2, landscape.y_b * root / (landscape.x2 - root), np.nan)


@_quiet
def freezing_noise_bound(landscape: Landscape, epsilon: float = 0.1, gamma: np.ndarray | None = None) -> np.ndarray:
    """Return the Delta_S from which on Eq. 25 has no freezing point; NaN at gamma = 1, where Phi is 0.

    At this Delta_S the root of `y_freeze` is x2. With v = Delta_S/(epsilon Phi)^2 this condition is
    v log v = (x2/(epsilon Phi))^2, which Lambert's function solves. ``gamma`` is as in `Phi_bound`.
    """
    unit = (epsilon * Phi_bound(landscape, gamma)) ** 2
    return np.where(unit > 0, landscape.x2**2 / lambertw(landscape.x2**2 / unit).real, np.nan)


@_quiet
def p_flat_transient(
    landscape: Landscape, delta_S: ArrayLike, epsilon: float = 0.1, gamma: np.ndarray | None = None
) -> np.ndarray:
    """Return the final P_flat, Eq. 26; NaN where sqrt(Delta_S) < epsilon Phi, and 1/2 at gamma = 1.

    Where `y_freeze` exists, the result is Eq. 24 at this y. Eq. 26 also has values at larger noise, where Eq. 25 has no
    freezing point. ``epsilon`` is the small parameter of the freezing criterion. ``gamma`` is as in `Phi_bound`.
    """
    scale = np.sqrt(np.asarray(delta_S, dtype=float)) / epsilon
    phi = Phi_bound(landscape, gamma)
    gamma = np.asarray(landscape.gamma if gamma is None else gamma, dtype=float)
    # (scale/Phi)^(gamma - 1); xlogy makes Phi^0 = 1 at gamma = 1, where Phi is 0
    p = expit(np.log(gamma) / 2 + xlogy(gamma - 1, scale) - xlogy(gamma - 1, phi))
    return np.where((gamma >= 1) & (scale >= phi), p, np.nan)


@_quiet
def freezing_balance(landscape: Landscape, y: ArrayLike, delta_S: ArrayLike, epsilon: float = 0.1) -> np.ndarray:
    """Return log k- - log(epsilon dP/dt / P), left minus right side of the criterion A30, with the rates of Eq. 21.

    With rho = k+/k-, dP/dt / P = -rho/(1 + rho) d(log rho)/dy dy/dt, and d(log erfi s)/ds = 1/D(s).
    """
    y = np.asarray(y, dtype=float)
    flat, sharp = barrier_over_noise(landscape, y, delta_S)
    decay = landscape.y_b / (y * (y + landscape.y_b)) * (flat / dawsn(flat) - sharp / dawsn(sharp))  # -d(log rho)/dy
    change = (1 - p_flat_stationary(landscape, y, delta_S)) * decay * drift(landscape, y)
    log_rate = -(sharp**2) - np.log(np.sqrt(np.pi) * landscape.f2(y) * dawsn(sharp))
    return log_rate - np.log(epsilon * change)


def y_freeze_numerical(landscape: Landscape, delta_S: ArrayLike, epsilon: float = 0.1) -> np.ndarray:
    """Return the freezing point from the criterion A30: the smallest y at which k- is epsilon dP/dt / P.

    NaN where no such y exists. At large y the rate tends to a constant while the drift decays. The criterion then
    fails again, which Eq. 25 does not predict.
    """
    from scipy.optimize import brentq  # imported here, because the import is slow and phase diagrams do not need it

    grid = np.geomspace(1e-4, 1e3, 2001) * landscape.y_b

    def first(noise: float) -> float:
        below = np.flatnonzero(freezing_balance(landscape, grid, noise, epsilon) <= 0)
        if not len(below) or below[0] == 0:
            return np.nan
        low, high = grid[below[0] - 1], grid[below[0]]
        return brentq(lambda y: float(freezing_balance(landscape, y, noise, epsilon)), low, high, rtol=1e-12)

    return np.vectorize(first, otypes=[float])(delta_S)
