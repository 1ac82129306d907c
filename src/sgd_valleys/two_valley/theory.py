"""What the paper derives of the two-valley model, Sec. II F-G and Appendix A, every closed form as it is printed.

Pairs come in the order (flat, sharp). Arguments broadcast; ``delta_S`` is Delta_S = eta sigma, the only way in which
the two enter in continuous time. Where a form has no answer it gives NaN, and no warning. What the derivation leaves
out is beside it: first-passage times by quadrature, the freezing point from its criterion (`y_freeze_numerical`),
and, in `fokker_planck.steady_state`, the weights that the density itself gives to the valleys.

erfi overflows from 27 on, so it appears as erfi(s) = 2/sqrt(pi) exp(s^2) D(s) with Dawson's function D.
"""

import numpy as np
from scipy.optimize import brentq
from scipy.special import dawsn, erf, expit, xlogy

from sgd_valleys.two_valley.landscape import Landscape

_quiet = np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore")
Pair = tuple[np.ndarray, np.ndarray]


def tau_x(landscape: Landscape, y: np.ndarray) -> Pair:
    """Relaxation time across the flat and the sharp valley, Eq. A7: f/2, one over the curvature."""
    return landscape.f1(y) / 2, landscape.f2(y) / 2


def drift(landscape: Landscape, y: np.ndarray) -> np.ndarray:
    """Speed dy/dt along a floor, Eq. A8: what the loss on a floor, L_0 less the barrier, falls by with y."""
    p, y = landscape, np.asarray(y, dtype=float)
    return p.L_d / p.y_d * np.exp(-y / p.y_d) + 2 * p.L_0_star * p.y_f * y / (y + p.y_f) ** 3


def tau_y(landscape: Landscape, y: np.ndarray) -> np.ndarray:
    """Time to drift by 1 along y, Eq. A8."""
    return 1 / drift(landscape, y)


def tau_x_max(landscape: Landscape) -> float:
    """The longest relaxation time across a valley, the flat one's: at y to infinity for y_f < y_b, else at 0."""
    p = landscape
    return p.f0 * (p.x1 / p.x0) ** 2 / 2 * max(1.0, (p.y_f / p.y_b) ** 2)


def tau_y_min(landscape: Landscape) -> float:
    """The shortest drift time, where Eq. A8 is fastest: between 0 and y_f/2, from where on both its terms decay."""
    return float(1 / drift(landscape, np.linspace(0, landscape.y_f / 2, 100_001)).max())


def D_11(landscape: Landscape, y: np.ndarray, delta_S: np.ndarray) -> Pair:
    """Diffusion coefficients across the valleys, 2 Delta_S/f, Eq. A9."""
    return 2 * delta_S / landscape.f1(y), 2 * delta_S / landscape.f2(y)


def T_eff(landscape: Landscape, y: np.ndarray, delta_S: np.ndarray) -> np.ndarray:
    """Effective temperature, the geometric mean of the two, Eq. A15."""
    return 2 * delta_S / np.sqrt(landscape.f1(y) * landscape.f2(y))


def L_eff(landscape: Landscape, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Effective loss, Eq. 19."""
    return landscape.loss(x, y) + L_SGD(landscape, x, y)


def L_SGD(landscape: Landscape, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """What the noise adds to the loss, Eq. 20: it deepens the flat valley and raises the sharp one."""
    root = np.sqrt(landscape.gamma)
    return np.where(np.asarray(x) >= 0, root - 1, 1 / root - 1) * (landscape.loss(x, y) - landscape.L_0(y))


@_quiet
def barrier_over_noise(landscape: Landscape, y: np.ndarray, delta_S: np.ndarray) -> Pair:
    """Root of the barrier over the noise, sqrt(Delta L f/(2 Delta_S)) = x_i y/(y + y_b)/sqrt(2 Delta_S).

    Kramers' regime, Eq. A21, is where both are large. NaN for y < 0, where there is no barrier.
    """
    y = np.where(np.asarray(y) >= 0, y, np.nan)
    root = y / (y + landscape.y_b) / np.sqrt(2 * np.asarray(delta_S))
    return landscape.x1 * root, landscape.x2 * root


@_quiet
def escape_rates(landscape: Landscape, y: np.ndarray, delta_S: np.ndarray) -> Pair:
    """(k+, k-), rates of leaving the flat and the sharp valley, Eq. 21; infinite at y = 0.

    They are one over the mean time to the ridge. A run that is there may yet turn back, so that the rate of changing
    valley is lower, by `commitment`.
    """
    f = landscape.f1(y), landscape.f2(y)
    z = barrier_over_noise(landscape, y, delta_S)
    return tuple(np.exp(-(s**2)) / (np.sqrt(np.pi) * f * dawsn(s)) for f, s in zip(f, z, strict=True))


@_quiet
def escape_rates_asymptotic(landscape: Landscape, y: np.ndarray, delta_S: np.ndarray) -> Pair:
    """(k+, k-) for a barrier high over the noise, Eq. A25."""
    f = landscape.f1(y), landscape.f2(y)
    z = barrier_over_noise(landscape, y, delta_S)
    return tuple(2 * s / (np.sqrt(np.pi) * f) * np.exp(-(s**2)) for f, s in zip(f, z, strict=True))


def commitment(landscape: Landscape) -> tuple[float, float]:
    """Chance that a run on the ridge of a high barrier goes down into the (flat, sharp) valley.

    Of the discrete update, whose noise is taken at the start of a step (Ito): on either side the scale function rises
    by D/|L_x| = 2 Delta_S/g, so the chances are as x1 to x2. One valley's rate of changing to the other is Eq. 21 times
    the chance of going down there.
    """
    flat = landscape.x1 / (landscape.x1 + landscape.x2)
    return flat, 1 - flat


@_quiet
def log_first_passage_times(landscape: Landscape, y: np.ndarray, delta_S: np.ndarray) -> Pair:
    """Logarithms of the mean times from the (flat, sharp) floor to the ridge, Eqs. A20 and A19 by quadrature.

    In units of sqrt(f D) from the floor the inner integral is sqrt(pi)/2 (1 + erf s), which leaves
    tau = f sqrt(pi)/2 int_0^z exp(s^2) (1 + erf s) ds, z^2 the barrier over the noise; Eq. A24 has 2 for 1 + erf s.
    """
    node, weight = np.polynomial.legendre.leggauss(96)

    def logarithm(f: np.ndarray, z: np.ndarray) -> np.ndarray:
        z = np.asarray(z)[..., None]
        reach = np.minimum(z, 40 / z)  # the integrand falls like exp(-2 z (z - s)) from the ridge on
        s = z - reach * (node + 1) / 2
        integral = (weight * np.exp((s - z) * (s + z)) * (1 + erf(s))).sum(-1) * reach[..., 0] / 2
        return np.log(f * np.sqrt(np.pi) / 2 * integral) + z[..., 0] ** 2

    flat, sharp = barrier_over_noise(landscape, y, delta_S)
    return logarithm(landscape.f1(y), flat), logarithm(landscape.f2(y), sharp)


@_quiet
def p_flat_stationary(landscape: Landscape, y: np.ndarray, delta_S: np.ndarray) -> np.ndarray:
    """Share of the flat valley at fixed y, from the rates of Eq. 21: Eq. 22, exact form; at y = 0 its limit."""
    flat, sharp = barrier_over_noise(landscape, y, delta_S)
    ratio = np.where(flat > 0, dawsn(sharp) / dawsn(flat), sharp / flat)
    ratio = np.where(flat == 0, landscape.x2 / landscape.x1, ratio)
    return expit(np.log(landscape.gamma) - np.log(ratio) + (flat - sharp) * (flat + sharp))


@_quiet
def p_flat_stationary_asymptotic(landscape: Landscape, y: np.ndarray, delta_S: np.ndarray) -> np.ndarray:
    """The same for a barrier high over the noise: Eq. 22, last line, and with y = y_freeze Eq. 24."""
    flat, sharp = barrier_over_noise(landscape, y, delta_S)
    return expit(np.log(landscape.gamma) / 2 + (flat - sharp) * (flat + sharp))


def p_flat_equilibrium(landscape: Landscape) -> float:
    """Share of the flat valley under noise of the same strength in both, gamma/(1 + gamma), Eq. A28.

    The Boltzmann distribution itself gives the valleys weights as x1 to x2, sqrt(gamma)/(1 + sqrt(gamma)):
    `p_flat_boltzmann`. Eq. A28 is larger by what `escape_rates` leaves out.
    """
    return landscape.gamma / (1 + landscape.gamma)


def p_flat_boltzmann(landscape: Landscape) -> float:
    """Share of exp(-L/T) on the flat side, at every y and T: the valleys are as deep, and wide as x1 to x2."""
    return landscape.x1 / (landscape.x1 + landscape.x2)


@_quiet
def Phi(landscape: Landscape, y: np.ndarray) -> np.ndarray:
    """The slow factor of the freezing criterion at y, Eq. A33, first line as printed.

    The derivative of (y/(y + y_b))^2 is 2 y_b y/(y + y_b)^3, so Eq. A31 and with it this lack a factor 2.
    """
    p, y = landscape, np.asarray(y, dtype=float)
    return drift(p, y) * (p.x1**2 - p.x2**2) * p.y_b * y / (y + p.y_b) ** 3 / 2


@_quiet
def Phi_bound(landscape: Landscape, gamma: np.ndarray | None = None) -> np.ndarray:
    """The constant taken for Phi, Eq. A33, last line: the product of the largest values of its three factors.

    These are reached at y = 0, y_f/2 and y_b/2, so the product is an upper bound and not a maximum.

    Args:
        landscape: the loss.
        gamma: ratios of flatness to take instead of the landscape's, at the same x2; as in Fig. 6C.
    """
    p = landscape
    gamma = p.gamma if gamma is None else np.asarray(gamma, dtype=float)
    return 2 * p.x2**2 * (gamma - 1) / (27 * p.y_b) * (p.L_d / p.y_d + 8 * p.L_0_star / (27 * p.y_f))


@_quiet
def y_freeze(landscape: Landscape, delta_S: np.ndarray, epsilon: float = 0.1) -> np.ndarray:
    """The freezing point in closed form, Eq. 25.

    NaN where Delta_S < (epsilon Phi)^2, and where the noise is so strong that no y is far enough out to freeze.
    """
    delta_S = np.asarray(delta_S, dtype=float)
    root = np.sqrt(delta_S * np.log(delta_S / (epsilon * Phi_bound(landscape)) ** 2))
    return np.where(root < landscape.x2, landscape.y_b * root / (landscape.x2 - root), np.nan)


@_quiet
def p_flat_transient(
    landscape: Landscape, delta_S: np.ndarray, epsilon: float = 0.1, gamma: np.ndarray | None = None
) -> np.ndarray:
    """The final share of the flat valley, Eq. 26; NaN where sqrt(Delta_S) < epsilon Phi, and 1/2 at gamma = 1.

    It is Eq. 24 at `y_freeze` where that exists, and goes on to larger noise, where no freezing point is behind it.

    Args:
        landscape: the loss.
        delta_S: Delta_S.
        epsilon: the small quantity of the criterion.
        gamma: ratios of flatness to take instead of the landscape's, at the same x2; as in Fig. 6C.
    """
    scale = np.sqrt(np.asarray(delta_S, dtype=float)) / epsilon
    phi = Phi_bound(landscape, gamma)
    gamma = np.asarray(landscape.gamma if gamma is None else gamma, dtype=float)
    # (scale/Phi)^(gamma - 1), with Phi^0 = 1 at gamma = 1, where Phi is 0
    p = expit(np.log(gamma) / 2 + xlogy(gamma - 1, scale) - xlogy(gamma - 1, phi))
    return np.where((gamma >= 1) & (scale >= phi), p, np.nan)


@_quiet
def freezing_balance(landscape: Landscape, y: np.ndarray, delta_S: np.ndarray, epsilon: float = 0.1) -> np.ndarray:
    """log k- - log(epsilon dP/dt / P), the two sides of the criterion A30 with the rates of Eq. 21 and no more ado.

    With rho = k+/k-, dP/dt / P = -rho/(1 + rho) d(log rho)/dy dy/dt, and d(log erfi s)/ds = 1/D(s).
    """
    y = np.asarray(y, dtype=float)
    flat, sharp = barrier_over_noise(landscape, y, delta_S)
    fall = landscape.y_b / (y * (y + landscape.y_b)) * (flat / dawsn(flat) - sharp / dawsn(sharp))  # -d(log rho)/dy
    change = (1 - p_flat_stationary(landscape, y, delta_S)) * fall * drift(landscape, y)
    log_rate = -(sharp**2) - np.log(np.sqrt(np.pi) * landscape.f2(y) * dawsn(sharp))
    return log_rate - np.log(epsilon * change)


def y_freeze_numerical(landscape: Landscape, delta_S: np.ndarray, epsilon: float = 0.1) -> np.ndarray:
    """The freezing point from the criterion A30 itself: the least y where k- has come down to epsilon dP/dt / P.

    NaN where it never does. Far out the rate tends to a constant while the drift dies away, so strictly the valleys
    thaw again; Eq. 25 does not show it.
    """
    grid = np.geomspace(1e-4, 1e3, 2001) * landscape.y_b

    def first(noise: float) -> float:
        below = np.flatnonzero(freezing_balance(landscape, grid, noise, epsilon) <= 0)
        if not len(below) or below[0] == 0:
            return np.nan
        low, high = grid[below[0] - 1], grid[below[0]]
        return brentq(lambda y: float(freezing_balance(landscape, y, noise, epsilon)), low, high, rtol=1e-12)

    return np.vectorize(first, otypes=[float])(delta_S)
