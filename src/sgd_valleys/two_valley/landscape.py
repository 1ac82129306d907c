"""The loss of the two-valley model, Eqs. 8-12, with its gradient and its full Hessian.

Let u = |x|/x_i, with i = 1 on the flat side (x >= 0) and i = 2 on the sharp side. Eqs. 8-10 are then the same
function of u and y in both valleys,

    L(x, y) = L_0(y) + (x0^2/f0) (R(y) u^2 - 2 S(y) u),
    R = ((y + y_b)/(y + y_f))^2,    S = y (y + y_b)/(y + y_f)^2,

and R and S are polynomials of degree 2 in z = 1/(y + y_f).
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike

from sgd_valleys.errors import UserError, out_of_range

ONLY_LANDSCAPE = "allowed is Landscape, the loss of Eqs. 8-12; use Landscape with other parameters."


@dataclass(frozen=True)
class Landscape:
    """Loss of two valleys along y of equal depth and unequal flatness, in the paper's dimensionless units.

    With x1 = x2 both valleys are equally flat, which is the null of every preference.

    Methods take arrays that broadcast. The loss is defined for y > -min(y_f, y_b); the runs have y > 0.

    Landscapes with other formulas are not supported. The compiled loops and the theory implement Eqs. 8-12 alone and
    would ignore the methods of a subclass.

    Raises:
        UserError: a parameter is not positive and finite, x1 is smaller than x2, or the class has a subclass.

    >>> landscape = Landscape()
    >>> flat, sharp = landscape.floor(40.0)
    >>> np.round(landscape.loss(0.0, 40.0) - landscape.loss([flat, sharp], 40.0), 3)
    array([0.444, 0.444])
    """

    x0: float = 1.0  # normalization of the flatness, Eq. 10
    f0: float = 1.0  # scale of the flatness, Eq. 10
    L_d: float = 1.0  # initial height of the drift along y, Eq. 12
    x1: float = 0.8  # x of the flat valley's floor at large y, Eq. 9
    x2: float = 0.65  # -x2 is x of the sharp valley's floor at large y, Eq. 9
    y_b: float = 30.0  # scale of y of the bifurcation, Eq. 9
    y_f: float = 20.0  # scale of y on which both valleys flatten, Eq. 10
    y_d: float = 100.0  # scale of y on which the drift decays, Eq. 12

    def __init_subclass__(cls) -> None:
        """Refuse a subclass."""
        raise UserError(f"landscape = {cls.__name__}: subclasses are not supported; {ONLY_LANDSCAPE}")

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            real = np.isscalar(value) and np.isreal(value)
            if not (real and np.isfinite(value) and value > 0):
                raise UserError(out_of_range(field.name, value, "positive, finite numbers"))
        if not self.x1 >= self.x2:
            raise UserError(
                f"x1 = {self.x1}: the flat valley would be sharper than the other; allowed are values of at least "
                f"x2 = {self.x2}; raise x1, or lower x2."
            )

    @property
    def L_0_star(self) -> float:
        """Offset L_0* = x0^2/f0, for which the smallest loss is 0, Eq. 12."""
        return self.x0**2 / self.f0

    @property
    def gamma(self) -> float:
        """Ratio f1/f2 = (x1/x2)^2 of the valleys' flatness, independent of y."""
        return (self.x1 / self.x2) ** 2

    def L_0(self, y: ArrayLike) -> np.ndarray:
        """Return the loss on the ridge x = 0, Eq. 12."""
        return self.L_d * np.exp(-np.asarray(y) / self.y_d) + self.L_0_star

    def f1(self, y: ArrayLike) -> np.ndarray:
        """Return the flatness of the flat valley, Eq. 10; its curvature across is 2/f1."""
        return self.f0 * (self.x1 / self.x0) ** 2 * ((np.asarray(y) + self.y_f) / (np.asarray(y) + self.y_b)) ** 2

    def f2(self, y: ArrayLike) -> np.ndarray:
        """Return the flatness of the sharp valley, Eq. 10; its curvature across is 2/f2."""
        return self.f0 * (self.x2 / self.x0) ** 2 * ((np.asarray(y) + self.y_f) / (np.asarray(y) + self.y_b)) ** 2

    def floor(self, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Return x of the valleys' floors, x1* = g1/2 (flat) and x2* = -g2/2 (sharp), Eq. 9."""
        y = np.asarray(y)
        return self.x1 * y / (y + self.y_b), -self.x2 * y / (y + self.y_b)

    def barrier(self, y: ArrayLike) -> np.ndarray:
        """Return the height Delta L of the ridge over either floor, Eq. 11."""
        y = np.asarray(y)
        return self.L_0_star * (y / (y + self.y_f)) ** 2

    def loss(self, x: ArrayLike, y: ArrayLike) -> np.ndarray:
        """Return the loss, Eq. 8."""
        u, _, (R, _, _), (S, _, _) = self._scaled(x, y)
        return self.L_0(y) + self.L_0_star * u * (R * u - 2 * S)

    def gradient(self, x: ArrayLike, y: ArrayLike) -> np.ndarray:
        """Return (..., 2) the derivatives of the loss in x and y; on the ridge x = 0, those of the flat side."""
        u, slope, (R, R_y, _), (S, S_y, _) = self._scaled(x, y)
        L_x = 2 * self.L_0_star * slope * (R * u - S)
        L_y = self.L_0_star * u * (R_y * u - 2 * S_y) - self.L_d / self.y_d * np.exp(-np.asarray(y) / self.y_d)
        return np.stack(np.broadcast_arrays(L_x, L_y), axis=-1)

    def hessian(self, x: ArrayLike, y: ArrayLike) -> np.ndarray:
        """Return (..., 2, 2) the second derivatives of the loss, without the kink at the ridge."""
        u, slope, (R, R_y, R_yy), (_, S_y, S_yy) = self._scaled(x, y)
        L_xx = 2 * self.L_0_star * slope**2 * R
        L_xy = 2 * self.L_0_star * slope * (R_y * u - S_y)
        L_yy = self.L_0_star * u * (R_yy * u - 2 * S_yy) + self.L_d / self.y_d**2 * np.exp(-np.asarray(y) / self.y_d)
        rows = np.stack(np.broadcast_arrays(L_xx, L_xy, L_xy, L_yy), axis=-1)
        return rows.reshape(*rows.shape[:-1], 2, 2)

    def _scaled(self, x: ArrayLike, y: ArrayLike) -> tuple:
        """Return u = |x|/x_i, du/dx, and R and S with their first two derivatives in y."""
        x = np.asarray(x, dtype=float)
        slope = np.where(x >= 0, 1 / self.x1, -1 / self.x2)
        z = 1 / (np.asarray(y, dtype=float) + self.y_f)
        d = self.y_b - self.y_f  # (y + y_b) z = 1 + d z, y z = 1 - y_f z, dz/dy = -z^2
        R = ((1 + d * z) ** 2, -2 * d * z**2 * (1 + d * z), 2 * d * z**3 * (2 + 3 * d * z))
        e, f = d - self.y_f, self.y_f
        S = ((1 - f * z) * (1 + d * z), -(z**2) * (e - 2 * d * f * z), 2 * z**3 * (e - 3 * d * f * z))
        return x * slope, slope, R, S


def check_landscape(landscape: Landscape) -> None:
    """Raise UserError for an object of another class, because only its parameters would be used."""
    if not isinstance(landscape, Landscape):
        raise UserError(f"landscape = {type(landscape).__name__}: not a Landscape; {ONLY_LANDSCAPE}")


def stability_bound(landscape: Landscape, y: float) -> float:
    """Return the learning rate beyond which the sharp valley is unstable at some larger y: the minimum of f_2.

    An update multiplies the distance from the floor by 1 - 2 eta/f and adds noise of constant strength across a valley.
    For eta < f the distance shrinks and its variance stays finite. The bound of the flat valley is gamma times as high.
    """
    far = landscape.f0 * (landscape.x2 / landscape.x0) ** 2  # the limit of f_2, which is monotonic in y
    return float(np.minimum(landscape.f2(y), far))
