"""Solve the Fokker-Planck equation of the two-valley model on a grid: P_flat(t) without sampling noise.

`diffusion` states the equation and its conventions.

Noise and drift that move x also move y, along fibres y = chi(x) + constant with d chi/dx = D_12/D_11. (H has rank 1
where its negative eigenvalue is set to 0.) The coordinates are x and zeta = y - Y(t) - chi(x, Y(t)). Y follows the mean
of y. In these coordinates, D has no cross term except a residue that vanishes at zeta = 0. The solver neglects this
residue, because the density is narrower in zeta by orders of magnitude than the scales of the landscape. A small window
that moves with Y therefore contains the density.

The solver is a finite-volume scheme. Across the valleys the fluxes are those of Scharfetter and Gummel, exact for a
steady state. Along the valleys the fluxes are upwind. Steps in time are backward Euler. The matrix is an M-matrix whose
columns sum to one. For every step size, mass is therefore conserved and no density becomes negative. The order of
accuracy is 1 in time and along y, and 2 across.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import solve_banded

from sgd_valleys.errors import UserError, out_of_range
from sgd_valleys.two_valley.diffusion import CONVENTIONS, check, check_noise, diffusion_tensor
from sgd_valleys.two_valley.landscape import Landscape

# Edges of a window of one cell along y, in which y follows its mean. P_flat changes by less than 3e-4, and the solver
# is 10 times as fast.
ADIABATIC = (-0.1, 0.1)


@dataclass(frozen=True)
class Solution:
    """Density along time."""

    time: np.ndarray  # (time) the requested times
    p_flat: np.ndarray  # (time) mass at x > 0
    mean_y: np.ndarray  # (time) mean of y
    mass: np.ndarray  # (time) total mass, 1 up to rounding
    min_cell_mass: np.ndarray  # (time) smallest mass of a cell, not negative


def default_times(end: float, steps: int) -> np.ndarray:
    """Return (steps + 1) times from 0 to ``end`` whose steps grow in proportion to 0.5 + t.

    The steps are short at first, while the two points spread across (tau_x ~ 0.1). Later changes become slower as y
    grows.
    """
    return 0.5 * np.expm1(np.linspace(0, np.log1p(2 * end), steps + 1))


def default_x_edges(landscape: Landscape, delta_S: float) -> np.ndarray:
    """Return (x + 1) ascending edges of the cells across, one of them at the ridge x = 0.

    The unit of the cell sizes is the width sqrt(Delta_S) of a valley's density. Cells grow by 10% each, from 0.07
    widths at the ridge to 0.35 widths. The cells reach 8 widths beyond the floors at large y.
    """
    width = np.sqrt(delta_S)

    def side(floor: float) -> np.ndarray:
        count = int(np.ceil((floor + 8 * width) / (0.07 * width)))
        cells = np.minimum(0.07 * np.exp(np.arange(count) * np.log(1.1)), 0.35) * width
        edges = np.cumsum(cells)
        return edges[: np.searchsorted(edges, floor + 8 * width) + 1]

    return np.concatenate([-side(landscape.x2)[::-1], [0], side(landscape.x1)])


def default_y_edges(delta_S: float, noise: str = "H") -> np.ndarray:
    """Return (y + 1) edges of the moving window in zeta, finest in its middle.

    Isotropic noise moves y as much as x and needs a window 40 times as wide.

    Raises:
        UserError: the noise is unknown.
    """
    check_noise(noise)
    return (8 if noise == "isotropic" else 0.2) * np.sqrt(delta_S) * np.sinh(0.3 * np.arange(-12, 13))


def solve(
    landscape: Landscape,
    delta_S: float,
    times: np.ndarray,
    start: tuple[float, float] = (0.01, 5.0),
    x_edges: ArrayLike | None = None,
    y_edges: ArrayLike | None = None,
    convention: str = "ito",
    noise: str = "H",
) -> Solution:
    """Solve for the density that starts as two equal points at (-x, y) and (x, y).

    Args:
        landscape: the loss.
        delta_S: effective noise Delta_S = eta sigma.
        times: (time) start and ends of the steps, at which the solution is recorded; see `default_times`.
        start: (x, y) of the start.
        x_edges: (x + 1) edges across, of which an inner one is 0; `default_x_edges` by default.
        y_edges: (zeta + 1) edges of the window in zeta, around 0; `default_y_edges` by default, ``ADIABATIC`` for one
            cell.
        convention: a key of `diffusion.CONVENTIONS`.
        noise: diffusion, one of `diffusion.NOISES`.

    Raises:
        UserError: an argument is invalid, or the start lies outside of the grid.
    """
    check(landscape, delta_S, convention, noise)
    times = np.asarray(times, dtype=float)
    if not _is_increasing(times):
        raise UserError("times: not ascending; allowed are at least two finite, ascending times; change times.")
    x_edges = default_x_edges(landscape, delta_S) if x_edges is None else np.asarray(x_edges, dtype=float)
    if not _is_increasing(x_edges) or 0 not in x_edges[1:-1]:
        raise UserError(
            "x_edges: not ascending through 0; allowed are ascending edges, 0 among the inner ones; change x_edges."
        )
    y_edges = default_y_edges(delta_S, noise) if y_edges is None else np.asarray(y_edges, dtype=float)
    if not _is_increasing(y_edges) or not y_edges[0] < 0 < y_edges[-1]:
        raise UserError(
            "y_edges: not ascending around 0; allowed are ascending edges below and above 0; change y_edges."
        )
    x_start, y_start = start
    if not (0 < x_start < min(-x_edges[0], x_edges[-1]) and 0 < y_start < np.inf):
        raise UserError(out_of_range("start", start, "y > 0, and x > 0 inside x_edges on both sides of 0"))
    lowest, limit = y_start + y_edges[0], -min(landscape.y_f, landscape.y_b)
    if lowest <= limit:
        raise UserError(
            f"y_edges: the window reaches y = {lowest:.3g}, outside the landscape; allowed is y > {limit}; narrow the "
            "window."
        )

    grid = MovingGrid(landscape, delta_S, noise, CONVENTIONS[convention], x_edges, y_edges)
    Y, mass = y_start, grid.two_points(x_start, y_start)
    record = [grid.observe(mass, Y)]
    for before, after in pairwise(times):
        mass, Y = grid.step(mass, Y, after - before)
        record.append(grid.observe(mass, Y))
    return Solution(times, *np.array(record).T)


def adiabatic_p_flat(
    landscape: Landscape, delta_S: float, ends: list[float], start: tuple[float, float], convention: str, steps: int
) -> np.ndarray:
    """Return (end) P_flat at the times ``ends``, in any order, from a window of one cell in which y follows its mean.

    ``steps`` is the number of steps of `default_times` up to the last end. Each end adds at most one step. The other
    arguments are those of `solve`.
    """
    times = np.union1d(default_times(max(ends), steps), ends)
    solution = solve(landscape, delta_S, times, start, y_edges=ADIABATIC, convention=convention)
    return solution.p_flat[np.searchsorted(times, ends)]


@dataclass
class MovingGrid:
    """Grid in (x, zeta) that moves with the mean Y of y; the unknowns are the masses (x, zeta) of its cells."""

    landscape: Landscape
    delta_S: float
    noise: str
    p: float  # power of the convention, a value of `diffusion.CONVENTIONS`
    x_edges: np.ndarray  # (x + 1) edges across, one of them 0
    zeta_edges: np.ndarray  # (zeta + 1) edges of the window

    def __post_init__(self) -> None:
        self.x = _mid(self.x_edges)[:, None]
        self.zeta = _mid(self.zeta_edges)
        self.area = np.diff(self.x_edges)[:, None] * np.diff(self.zeta_edges)

    def fibres(self, Y: float) -> tuple[np.ndarray, np.ndarray]:
        """Return (x) the slope d chi/dx = D_12/D_11 at the centres, and (x + 1) chi at the edges, 0 at the ridge."""
        D11, D12, _ = diffusion_tensor(self.landscape, self.x[:, 0], Y, self.delta_S, self.noise)
        chi = np.append(0, np.cumsum(D12 / D11 * np.diff(self.x_edges)))
        return D12 / D11, chi - chi[np.searchsorted(self.x_edges, 0)]

    def two_points(self, x: float, y: float) -> np.ndarray:
        """Return masses (x, zeta) of 1/2 at (x, y) and at (-x, y), each split between neighbours at equal mean."""
        mass = np.zeros(self.area.shape)
        chi = self.fibres(y)[1]
        for place in (-x, x):
            own = self.x[:, 0] * place > 0
            across = own * _weights(np.where(own, self.x[:, 0], np.nan), place)
            mass += 0.5 * across[:, None] * _weights(self.zeta, -np.interp(place, self.x_edges, chi))
        return mass

    def velocity(self, zeta: np.ndarray, Y: float, fibres: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """Return (x, zeta) the drift of y - chi(x): drift of y minus slope times drift of x minus Ito's term."""
        slope, chi = fibres
        y = Y + _mid(chi)[:, None] + zeta
        gradient = self.landscape.gradient(self.x, y)
        D11 = diffusion_tensor(self.landscape, self.x, y, self.delta_S, self.noise)[0]
        at_edges = np.concatenate([slope[:1], _mid(slope), slope[-1:]])
        chi_xx = np.diff(at_edges) / np.diff(self.x_edges)
        return slope[:, None] * gradient[..., 0] - gradient[..., 1] - self.p * D11 * chi_xx[:, None]

    def step(self, mass: np.ndarray, Y: float, dt: float) -> tuple[np.ndarray, float]:
        """Return the masses (x, zeta) and Y after a step of backward Euler, with the rates at the end of the step."""
        fibres = self.fibres(Y)
        halfway = Y + 0.5 * dt * np.sum(mass * self.velocity(self.zeta, Y, fibres))
        Y_new = Y + dt * np.sum(mass * self.velocity(self.zeta, halfway, self.fibres(halfway)))
        slope, chi = self.fibres(Y_new)
        shift = Y_new - Y + _mid(chi - fibres[1])  # displacement of a column of cells during the step

        y = Y_new + _mid(chi)[:, None] + self.zeta
        D11, D12, D22 = diffusion_tensor(self.landscape, self.x, y, self.delta_S, self.noise)
        right, left = exchange_rates(self.landscape, self.x_edges, Y_new + chi[:, None] + self.zeta, D11, self.p)

        drift = self.velocity(self.zeta_edges[1:-1], Y_new, (slope, chi)) - shift[:, None] / dt
        s = slope[:, None]
        D = np.maximum(D22 - 2 * s * D12 + s**2 * D11, 0)  # along zeta
        spread = _mid(D.T).T ** (1 - self.p) / np.diff(self.zeta)
        cells = np.diff(self.zeta_edges)
        up = (np.maximum(drift, 0) + spread * D[:, :-1] ** self.p) / cells[:-1]
        down = (np.maximum(-drift, 0) + spread * D[:, 1:] ** self.p) / cells[1:]

        # I - dt G by diagonals, with zeta the fast index; the column of a cell contains the rates out of the cell
        n = mass.shape[1]
        band = np.zeros((2 * n + 1, *mass.shape))
        band[2 * n, :-1], band[0, 1:] = -right, -left
        band[n + 1, :, :-1] -= up
        band[n - 1, :, 1:] -= down
        band *= dt
        band[n] = 1 - band.sum(axis=0)
        band = band.reshape(2 * n + 1, -1)
        mass = solve_banded((n, n), band, mass.ravel(), overwrite_ab=True, check_finite=False).reshape(mass.shape)
        return mass, Y_new

    def observe(self, mass: np.ndarray, Y: float) -> tuple[float, ...]:
        """Return P_flat, the mean of y, the total mass and the smallest mass of a cell."""
        total = mass.sum()
        offset = _mid(self.fibres(Y)[1])[:, None] + self.zeta
        return mass[self.x[:, 0] > 0].sum(), Y + np.sum(mass * offset) / total, total, mass.min()


def exchange_rates(
    landscape: Landscape, x_edges: np.ndarray, y: np.ndarray, D: np.ndarray, p: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return rates (x - 1, y) at which cells lose mass to their right and left neighbours across.

    ``x_edges`` are (x + 1), and ``y`` (x + 1, y) has the values of y at these edges. ``D`` (x, y) is D_11 in the cells.
    ``p`` is the power of the convention.

    With phi the integral of L_x/D, the flux -P L_x - D^(1-p) d(D^p P)/dx times D^(p-1) exp(phi) is the derivative of
    -D^p P exp(phi). A flux that is constant between two centres is therefore the difference of D^p P exp(phi) at the
    centres over the integral of D^(p-1) exp(phi). Here phi is linear from a centre to the edge, and D is constant in
    a cell.
    """
    x, cells = _mid(x_edges)[:, None], np.diff(x_edges)[:, None]
    y = y[1:-1]
    edge = landscape.loss(x_edges[1:-1, None], y)
    # e^300 acts as infinity, and the product of two such factors does not overflow
    first = np.clip((edge - landscape.loss(x[:-1], y)) / D[:-1], -300, 300)
    second = np.clip((landscape.loss(x[1:], y) - edge) / D[1:], -300, 300)
    weight = cells / 2 * D ** (p - 1)
    integral = weight[:-1] * _mean_exp(first) + weight[1:] * np.exp(first) * _mean_exp(second)
    right = D[:-1] ** p / integral / cells[:-1]
    left = D[1:] ** p * np.exp(first + second) / integral / cells[1:]
    return right, left


def _mean_exp(a: np.ndarray) -> np.ndarray:
    """Return the mean of exp between 0 and a."""
    small = np.abs(a) < 1e-7
    return np.where(small, 1 + a / 2, np.expm1(a) / np.where(small, 1, a))


def _mid(edges: np.ndarray) -> np.ndarray:
    """Return the means of neighbours along the first axis."""
    return (edges[1:] + edges[:-1]) / 2


def _weights(centres: np.ndarray, place: float) -> np.ndarray:
    """Return the weights of the one or two centres next to a place, with sum 1; a NaN centre has weight 0."""
    index = np.flatnonzero(np.isfinite(centres))
    position = np.interp(place, centres[index], index)
    return np.maximum(0, 1 - np.abs(np.arange(len(centres)) - position))


def _is_increasing(values: np.ndarray) -> bool:
    """Return whether there are two or more values, finite and strictly increasing."""
    return values.ndim == 1 and len(values) >= 2 and bool(np.isfinite(values).all() and (np.diff(values) > 0).all())
