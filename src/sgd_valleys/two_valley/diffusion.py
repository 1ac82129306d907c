"""Diffusion tensor, conventions of the Fokker-Planck equation, and the steady state across the valleys.

An update of Eq. 13 draws its noise with the Hessian at theta_{t-1}. As eta -> 0 at fixed Delta_S = eta sigma, the runs
therefore follow an Ito equation with D = Delta_S H. Their density obeys

    dP/dt = div[P grad L + div(D P)]     "ito",
    dP/dt = div[P grad L + D grad P]     "hanggi-klimontovich", Eqs. 16 and A6 as printed.

Across the valleys both have the flux -P L_x - D^(1-p) d(D^p P)/dx, with p = 1 and 0; p = 1/2 is "stratonovich".
The convention matters, because D_11 = 2 Delta_S/f_{1,2} jumps at the ridge x = 0. A finite flux keeps D^p P continuous
at the ridge, and P jumps by (f1/f2)^p = gamma^p. In the steady state at fixed y the flux is 0. On either side,
P = C D^(-p) exp(-(L - L_0)/D). P is a Gaussian of variance Delta_S (since f D = 2 Delta_S), cut off at the ridge. Its
integral gives

    P_flat/P_sharp = gamma^p exp(u1 - u2) [1 + erf(sqrt u1)]/[1 + erf(sqrt u2)],    u_i = Delta L f_i/(2 Delta_S).

For weak noise the ratio is gamma^p exp(u1 - u2). Eqs. 18 and A11-A14, with their continuous P, have p = 0. Eqs. 22, 24
and 26 have gamma^(1/2). Eq. 21 gives the rates of reaching the ridge, and Eq. 22 assumes that a run on the ridge leaves
to either side with equal chance. The chance of the flat side is however gamma^(p - 1/2) times that of the sharp side.
For the same reason the steady state of isotropic noise differs from Eq. A28. With one D on both sides, Boltzmann's
P_flat/P_sharp is gamma^(1/2) = x1/x2, the ratio of the valleys' widths.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import erf, expit

from sgd_valleys.errors import UserError, out_of_range, unknown_value
from sgd_valleys.two_valley.landscape import Landscape, check_landscape

CONVENTIONS = {"ito": 1.0, "stratonovich": 0.5, "hanggi-klimontovich": 0.0}  # the power p of D under the derivative
POWERS = {"H": 1.0, "H2": 2.0, "H1.5": 1.5}  # of H in the diffusion
NOISES = ("H", "H2", "isotropic", "H1.5")


def effective_temperature(landscape: Landscape, y: ArrayLike, delta_S: float) -> np.ndarray:
    """Return T_eff = 2 Delta_S/sqrt(f1 f2), the geometric mean of D_11 in the two valleys, Eq. A15."""
    return 2 * delta_S / np.sqrt(landscape.f1(y) * landscape.f2(y))


def diffusion_tensor(
    landscape: Landscape, x: ArrayLike, y: ArrayLike, delta_S: float, noise: str = "H"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return D_11, D_12 and D_22, each of the broadcast shape of x and y.

    The values of ``noise`` are:

    - "H": Delta_S H, Eq. 17, with negative eigenvalues set to 0;
    - "H1.5": Delta_S H^1.5, with negative eigenvalues of H set to 0;
    - "H2": Delta_S H^2;
    - "isotropic": `effective_temperature` on the diagonal.

    Raises:
        UserError: the noise is unknown.
    """
    check_noise(noise)
    H = landscape.hessian(x, y)
    a, b, c = H[..., 0, 0], H[..., 0, 1], H[..., 1, 1]
    if noise == "H2":
        return delta_S * (a * a + b * b), delta_S * b * (a + c), delta_S * (b * b + c * c)
    if noise == "isotropic":
        zero = np.zeros_like(a)
        T_eff = effective_temperature(landscape, y, delta_S) + zero
        return T_eff, zero, T_eff
    radius = np.hypot((a - c) / 2, b)
    top, bottom = (a + c) / 2 + radius, (a + c) / 2 - radius
    if noise == "H1.5":
        high, low = (np.maximum(each, 0) ** 1.5 for each in (top, bottom))
        slope = (high - low) / (2 * radius)  # H^1.5 = low + slope (H - bottom), by interpolation of the eigenvalues
        return delta_S * (low + slope * (a - bottom)), delta_S * slope * b, delta_S * (low + slope * (c - bottom))
    lift = np.maximum(-bottom, 0) / (2 * radius)  # adds -min(bottom, 0) times the projector (top - H)/(top - bottom)
    return delta_S * (a + lift * (top - a)), delta_S * (b - lift * b), delta_S * (c + lift * (top - c))


def steady_state(
    landscape: Landscape, y: ArrayLike, delta_S: float, convention: str = "ito", noise: str = "H"
) -> np.ndarray:
    """Return (...) P_flat of the steady state across the valleys at fixed y (...), in the closed form of this module.

    Only D_11 of `diffusion_tensor` enters. With "isotropic" noise all conventions agree.

    Raises:
        UserError: an argument is invalid.

    >>> landscape = Landscape()
    >>> [round(float(steady_state(landscape, 5.0, 1e-3, convention)), 3) for convention in CONVENTIONS]
    [0.933, 0.919, 0.902]
    """
    check(landscape, delta_S, convention, noise)
    f1, f2 = landscape.f1(y), landscape.f2(y)
    if noise == "isotropic":
        D1 = D2 = effective_temperature(landscape, y, delta_S)
    else:
        D1, D2 = (delta_S * (2 / f) ** POWERS[noise] for f in (f1, f2))
    u1, u2 = landscape.barrier(y) / D1, landscape.barrier(y) / D2
    log_ratio = CONVENTIONS[convention] * np.log(D2 / D1) + 0.5 * np.log(f1 * D1 / (f2 * D2)) + u1 - u2
    return expit(log_ratio + np.log1p(erf(np.sqrt(u1))) - np.log1p(erf(np.sqrt(u2))))


def check(landscape: Landscape, delta_S: float, convention: str, noise: str) -> None:
    """Raise UserError unless the landscape is supported, Delta_S is positive, and convention and noise are known."""
    check_landscape(landscape)
    scalar = np.isscalar(delta_S)
    if not (scalar and np.isfinite(delta_S) and delta_S > 0):
        raise UserError(out_of_range("delta_S", delta_S, "positive, finite numbers"))
    if convention not in CONVENTIONS:
        raise UserError(unknown_value("convention", convention, CONVENTIONS))
    check_noise(noise)


def check_noise(noise: str) -> None:
    """Raise UserError unless the noise is known."""
    if noise not in NOISES:
        raise UserError(unknown_value("noise", noise, NOISES))
