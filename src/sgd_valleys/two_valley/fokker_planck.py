"""The Fokker-Planck equation of the two-valley model, solved on a grid: P_flat(t) without sampling noise.

**Which equation.** A step of Eq. 13 draws its noise with the Hessian of the point that it leaves, so as eta -> 0
at fixed Delta_S = eta sigma the runs follow an Ito equation with D = Delta_S H, and their density obeys

    dP/dt = div[P grad L + div(D P)]     "ito",
    dP/dt = div[P grad L + D grad P]     "hanggi-klimontovich", Eqs. 16 and A6 as printed.

Across the valleys both have the flux -P L_x - D^(1-p) d(D^p P)/dx, with p = 1 and 0; p = 1/2 is "stratonovich".
It matters, for D_11 = 2 Delta_S/f_{1,2} jumps at the ridge x = 0. A finite flux keeps D^p P continuous there, so P
jumps by (f1/f2)^p = gamma^p. In the steady state at fixed y the flux is 0 and P = C D^(-p) exp(-(L - L_0)/D) on
either side, a Gaussian of variance Delta_S cut off at the ridge (as f D = 2 Delta_S), whose integral gives

    P_flat/P_sharp = gamma^p exp(u1 - u2) [1 + erf(sqrt u1)]/[1 + erf(sqrt u2)],    u_i = Delta L f_i/(2 Delta_S).

For weak noise this is gamma^p exp(u1 - u2). Eqs. 18 and A11-A14, with their continuous P, are p = 0. Eqs. 22, 24 and
26 have gamma^(1/2), the p of neither: the rates of Eq. 21 are of coming to the ridge, as if a run then went on
to either side alike; in fact it goes to the flat side gamma^(p - 1/2) times as often as to the sharp one.
For the same reason the steady state of isotropic noise is not that of Eq. A28: with one D on both sides,
Boltzmann's P_flat/P_sharp is gamma^(1/2) = x1/x2, the ratio of the valleys' widths.

At finite eta a step, sqrt(2 eta D), is not short beside the layer D/|L_x| ~ Delta_S/x* at the ridge where P falls off.
So the simulation comes to the Ito equation as sqrt(eta), and is still some way off at eta = 0.01.

**How it is solved.** Noise and drift that move x move y along with it, on fibres y = chi(x) + constant with
d chi/dx = D_12/D_11 (H has rank 1 where its negative eigenvalue is set to 0). In the coordinates x and
zeta = y - Y(t) - chi(x, Y(t)), where Y follows the mean, D has no cross term but a residue that vanishes at zeta = 0.
It is neglected: the density is narrower in zeta, by orders of magnitude, than the scales of the landscape, and a
small moving window in zeta holds it. On it: finite volumes; across, Scharfetter-Gummel fluxes, exact for a steady
state; along, upwind; backward Euler in time. The matrix is an M-matrix whose columns sum to one, so that mass is
conserved and no density becomes negative, whatever the step. First order in time and along y, second order across.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.linalg import solve_banded
from scipy.special import erf, expit

from sgd_valleys.errors import UserError
from sgd_valleys.two_valley.landscape import Landscape

# the power p of D under the derivative
CONVENTIONS = {"ito": 1.0, "stratonovich": 0.5, "hanggi-klimontovich": 0.0}
NOISES = ("H", "H11", "H2", "isotropic")


@dataclass(frozen=True)
class Solution:
    """The density's course, and where it ends.

    Attributes:
        time: (time) as asked for.
        p_flat: (time) mass at x > 0.
        mean_y: (time) mean of y.
        std_y: (time) standard deviation of y, too large rather than too small: upwind differences spread what moves.
        mass: (time) total, 1 up to rounding.
        smallest: (time) the least mass of a cell, for positivity.
        rim: (time) mass in the two outermost rows of the window along y, which nothing leaves. Where it is not small,
            ``std_y`` is the window's; P_flat hardly depends on it.
        x_edges: (x + 1) edges of the cells across.
        y: (x, y) y at the cells' centres at the end; a row of cells follows a fibre, and x alone does not give it.
        density: (x, y) at the end.
        y_edges: (y + 1) edges of bins along y at the end.
        marginal_y: (y) density of y in them, the first and last taking what lies beyond.
    """

    time: np.ndarray
    p_flat: np.ndarray
    mean_y: np.ndarray
    std_y: np.ndarray
    mass: np.ndarray
    smallest: np.ndarray
    rim: np.ndarray
    x_edges: np.ndarray
    y: np.ndarray
    density: np.ndarray
    y_edges: np.ndarray
    marginal_y: np.ndarray


def diffusion(
    landscape: Landscape, x: np.ndarray, y: np.ndarray, delta_S: float, noise: str = "H"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """D_11, D_12 and D_22, each of the broadcast shape of x and y.

    Args:
        landscape: the loss.
        x: points.
        y: points.
        delta_S: Delta_S = eta sigma.
        noise: "H", Delta_S H with negative eigenvalues set to 0 (Eq. 17); "H11", its entry across alone (Eq. A9);
            "H2", Delta_S H^2; "isotropic", T_eff = 2 Delta_S/sqrt(f1 f2) on the diagonal (Eq. A15).
    """
    H = landscape.hessian(x, y)
    a, b, c = H[..., 0, 0], H[..., 0, 1], H[..., 1, 1]
    zero = np.zeros_like(a)
    if noise == "H11":
        return delta_S * a, zero, zero
    if noise == "H2":
        return delta_S * (a * a + b * b), delta_S * b * (a + c), delta_S * (b * b + c * c)
    if noise == "isotropic":
        T_eff = 2 * delta_S / np.sqrt(landscape.f1(y) * landscape.f2(y)) + zero
        return T_eff, zero, T_eff
    radius = np.hypot((a - c) / 2, b)
    top, bottom = (a + c) / 2 + radius, (a + c) / 2 - radius
    lift = np.maximum(-bottom, 0) / (2 * radius)  # H - min(bottom, 0) (top - H)/(top - bottom), its projector
    return delta_S * (a + lift * (top - a)), delta_S * (b - lift * b), delta_S * (c + lift * (top - c))


def steady_state(
    landscape: Landscape, y: np.ndarray, delta_S: float, convention: str = "ito", noise: str = "H"
) -> np.ndarray:
    """(...) P_flat of the steady state across the valleys at fixed y, in closed form (derived above).

    Args:
        landscape: the loss.
        y: (...) where.
        delta_S: Delta_S = eta sigma.
        convention: how D enters, a key of ``CONVENTIONS``.
        noise: as in ``diffusion``; only the diffusion across counts. With "isotropic" all conventions agree.

    Raises:
        UserError: an argument is not one of these.

    >>> landscape = Landscape()
    >>> [round(float(steady_state(landscape, 5.0, 1e-3, convention)), 3) for convention in CONVENTIONS]
    [0.933, 0.919, 0.902]
    """
    _check(delta_S, convention, noise)
    f1, f2 = landscape.f1(y), landscape.f2(y)
    if noise == "isotropic":
        D1 = D2 = 2 * delta_S / np.sqrt(f1 * f2)
    else:
        D1, D2 = (delta_S * (2 / f) ** (2 if noise == "H2" else 1) for f in (f1, f2))
    u1, u2 = landscape.barrier(y) / D1, landscape.barrier(y) / D2
    log_ratio = CONVENTIONS[convention] * np.log(D2 / D1) + 0.5 * np.log(f1 * D1 / (f2 * D2)) + u1 - u2
    return expit(log_ratio + np.log1p(erf(np.sqrt(u1))) - np.log1p(erf(np.sqrt(u2))))


def steady_density(
    landscape: Landscape,
    y: float,
    delta_S: float,
    x_edges: np.ndarray | None = None,
    convention: str = "ito",
    noise: str = "H11",
) -> tuple[np.ndarray, np.ndarray]:
    """(x + 1) edges and (x) density of the discrete equation's steady state across the valleys at fixed y.

    The very fluxes that ``solve`` uses, at rest.

    Args:
        landscape: the loss.
        y: where.
        delta_S: Delta_S = eta sigma.
        x_edges: (x + 1) edges, one of them 0; by default ``default_x_edges``.
        convention: how D enters, a key of ``CONVENTIONS``.
        noise: as in ``diffusion``.

    Raises:
        UserError: an argument is not one of these.
    """
    _check(delta_S, convention, noise)
    x_edges = default_x_edges(landscape, delta_S) if x_edges is None else _checked_x_edges(x_edges)
    D11 = diffusion(landscape, _mid(x_edges), y, delta_S, noise)[0]
    right, left = _across(
        landscape, x_edges, np.full((len(x_edges), 1), float(y)), D11[:, None], CONVENTIONS[convention]
    )
    with np.errstate(divide="ignore"):
        log_mass = np.concatenate([[0], np.cumsum(np.log(right[:, 0]) - np.log(left[:, 0]))])
    mass = np.exp(log_mass - log_mass.max())
    return x_edges, mass / mass.sum() / np.diff(x_edges)


def default_times(end: float, steps: int = 600) -> np.ndarray:
    """(steps + 1) times from 0 to ``end``, the steps growing in proportion to 0.5 + t.

    Fine at first, while the blobs spread across (tau_x ~ 0.1); later all goes the slower the further y has come.
    """
    return 0.5 * np.expm1(np.linspace(0, np.log1p(2 * end), steps + 1))


def default_x_edges(landscape: Landscape, delta_S: float, refine: float = 1.0) -> np.ndarray:
    """Edges across, one at the ridge, in proportion to the width sqrt(Delta_S) of the density in a valley.

    Cells are 0.07 of it at the ridge, grow by a tenth each to 0.35, and reach 8 widths beyond where the floors end up.

    Args:
        landscape: the loss.
        delta_S: Delta_S = eta sigma.
        refine: divides all cells, for tests of convergence.
    """
    width = np.sqrt(delta_S)

    def side(floor: float) -> np.ndarray:
        count = int(np.ceil((floor + 8 * width) * refine / (0.07 * width)))
        cells = np.minimum(0.07 * np.exp(np.arange(count) * np.log(1.1) / refine), 0.35) * width / refine
        edges = np.cumsum(cells)
        return edges[: np.searchsorted(edges, floor + 8 * width) + 1]

    return np.concatenate([-side(landscape.x2)[::-1], [0], side(landscape.x1)])


def default_y_edges(delta_S: float, noise: str = "H", refine: int = 1) -> np.ndarray:
    """Edges along the moving window in zeta, fine in its middle.

    Args:
        delta_S: Delta_S = eta sigma.
        noise: as in ``diffusion``; isotropic noise moves y as much as x, and needs a window 40 times as wide.
        refine: divides all cells, for tests of convergence.
    """
    place = np.arange(-12 * refine, 12 * refine + 1) / refine
    return (8 if noise == "isotropic" else 0.2) * np.sqrt(delta_S) * np.sinh(0.3 * place)


def solve(
    landscape: Landscape,
    delta_S: float,
    times: np.ndarray,
    start: tuple[float, float] = (0.01, 5.0),
    x_edges: np.ndarray | None = None,
    y_edges: np.ndarray | None = None,
    convention: str = "ito",
    noise: str = "H",
    substeps: int = 1,
) -> Solution:
    """The density that starts as two equal points at (-x, y) and (x, y).

    Args:
        landscape: the loss.
        delta_S: Delta_S = eta sigma.
        times: (time) when to record, the first being the start; also the steps in time. See ``default_times``.
        start: (x, y) of the start, x > 0.
        x_edges: (x + 1) edges across, one of them 0; by default ``default_x_edges``.
        y_edges: (y + 1) edges of the window in zeta, around 0; by default ``default_y_edges``. With a single cell, y
            follows its mean, the adiabatic approximation.
        convention: how D enters, a key of ``CONVENTIONS``.
        noise: as in ``diffusion``.
        substeps: steps of backward Euler from one time to the next.

    Raises:
        UserError: an argument is not one of these, or the start lies outside of the grid.
    """
    _check(delta_S, convention, noise)
    times = np.asarray(times, dtype=float)
    if times.ndim != 1 or len(times) < 2 or not (np.isfinite(times).all() and (np.diff(times) > 0).all()):
        raise UserError("The times of a Fokker-Planck solution have to be two or more, finite and increasing.")
    if not (isinstance(substeps, int | np.integer) and substeps >= 1):
        raise UserError(f"The number of substeps is {substeps!r}; it has to be a whole number from 1 on.")
    x_edges = default_x_edges(landscape, delta_S) if x_edges is None else _checked_x_edges(x_edges)
    y_edges = default_y_edges(delta_S, noise) if y_edges is None else np.asarray(y_edges, dtype=float)
    if not _increasing(y_edges) or not y_edges[0] < 0 < y_edges[-1]:
        raise UserError("The edges of the window along y have to increase and to have 0 between them.")
    x_start, y_start = start
    if not (0 < x_start < min(-x_edges[0], x_edges[-1]) and 0 < y_start < np.inf):
        raise UserError(f"The start is x = {x_start}, y = {y_start}; both have to be positive, and x inside the grid.")
    if y_start + y_edges[0] <= -min(landscape.y_f, landscape.y_b):
        raise UserError(f"The window along y reaches down to {y_start + y_edges[0]:.3g}, where there is no landscape.")

    grid = _Grid(landscape, delta_S, noise, CONVENTIONS[convention], x_edges, y_edges)
    Y, mass = y_start, grid.points(x_start, y_start)
    record = [grid.observe(mass, Y)]
    for before, after in pairwise(times):
        for _ in range(substeps):
            mass, Y = grid.step(mass, Y, (after - before) / substeps)
        record.append(grid.observe(mass, Y))

    chi = grid.fibres(Y)[1]
    bins = Y + y_edges
    columns = zip(_mid(chi), mass, strict=True)
    below = sum(np.interp(bins, bins + offset, np.append(0, np.cumsum(column))) for offset, column in columns)
    below[0], below[-1] = 0, mass.sum()  # what a fibre takes beyond the bins is counted in the last of them
    return Solution(
        times, *np.array(record).T, x_edges,
        y=Y + _mid(chi)[:, None] + grid.zeta, density=mass / grid.area,
        y_edges=bins, marginal_y=np.diff(below) / np.diff(bins),
    )  # fmt: skip


@dataclass
class _Grid:
    """The moving grid; masses (x, y) of its cells are the unknowns."""

    landscape: Landscape
    delta_S: float
    noise: str
    p: float
    x_edges: np.ndarray
    zeta_edges: np.ndarray

    def __post_init__(self) -> None:
        self.x = _mid(self.x_edges)[:, None]
        self.zeta = _mid(self.zeta_edges)
        self.area = np.diff(self.x_edges)[:, None] * np.diff(self.zeta_edges)

    def fibres(self, Y: float) -> tuple[np.ndarray, np.ndarray]:
        """(x) slope d chi/dx = D_12/D_11 at the centres and (x + 1) chi at the edges, 0 at the ridge."""
        D11, D12, _ = diffusion(self.landscape, self.x[:, 0], Y, self.delta_S, self.noise)
        chi = np.append(0, np.cumsum(D12 / D11 * np.diff(self.x_edges)))
        return D12 / D11, chi - chi[np.searchsorted(self.x_edges, 0)]

    def points(self, x: float, y: float) -> np.ndarray:
        """Half of the mass at (x, y), half at (-x, y), shared by neighbouring cells so that the means are kept."""
        mass = np.zeros(self.area.shape)
        chi = self.fibres(y)[1]
        for place in (-x, x):
            own = self.x[:, 0] * place > 0
            across = own * _share(np.where(own, self.x[:, 0], np.nan), place)
            mass += 0.5 * across[:, None] * _share(self.zeta, -np.interp(place, self.x_edges, chi))
        return mass

    def velocity(self, zeta: np.ndarray, Y: float, fibres: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """(x, zeta) drift of y - chi(x): that of y, less what x drags along, less the fibres' bend (Ito's term)."""
        slope, chi = fibres
        y = Y + _mid(chi)[:, None] + zeta
        gradient = self.landscape.gradient(self.x, y)
        D11 = diffusion(self.landscape, self.x, y, self.delta_S, self.noise)[0]
        at_edges = np.concatenate([slope[:1], _mid(slope), slope[-1:]])
        bend = np.diff(at_edges) / np.diff(self.x_edges)
        return slope[:, None] * gradient[..., 0] - gradient[..., 1] - self.p * D11 * bend[:, None]

    def step(self, mass: np.ndarray, Y: float, dt: float) -> tuple[np.ndarray, float]:
        """One step of backward Euler, on the grid where it ends."""
        fibres = self.fibres(Y)
        halfway = Y + 0.5 * dt * np.sum(mass * self.velocity(self.zeta, Y, fibres))
        Y_new = Y + dt * np.sum(mass * self.velocity(self.zeta, halfway, self.fibres(halfway)))
        slope, chi = self.fibres(Y_new)
        shift = Y_new - Y + _mid(chi - fibres[1])  # of a column of cells during the step

        y = Y_new + _mid(chi)[:, None] + self.zeta
        D11, D12, D22 = diffusion(self.landscape, self.x, y, self.delta_S, self.noise)
        right, left = _across(self.landscape, self.x_edges, Y_new + chi[:, None] + self.zeta, D11, self.p)

        wind = self.velocity(self.zeta_edges[1:-1], Y_new, (slope, chi)) - shift[:, None] / dt
        s = slope[:, None]
        D = np.maximum(D22 - 2 * s * D12 + s**2 * D11, 0)  # along zeta
        spread = _mid(D.T).T ** (1 - self.p) / np.diff(self.zeta)
        cells = np.diff(self.zeta_edges)
        up = (np.maximum(wind, 0) + spread * D[:, :-1] ** self.p) / cells[:-1]
        down = (np.maximum(-wind, 0) + spread * D[:, 1:] ** self.p) / cells[1:]

        # I - dt G by diagonals, with y the fast index; the column of a cell holds the rates out of it
        n = mass.shape[1]
        band = np.zeros((2 * n + 1, *mass.shape))
        band[2 * n, :-1], band[0, 1:] = -right, -left
        band[n + 1, :, :-1] -= up
        band[n - 1, :, 1:] -= down
        band *= dt
        band[n] = 1 - band.sum(axis=0)
        solution = solve_banded(
            (n, n), band.reshape(2 * n + 1, -1), mass.ravel(), overwrite_ab=True, check_finite=False
        )
        return solution.reshape(mass.shape), Y_new

    def observe(self, mass: np.ndarray, Y: float) -> tuple[float, ...]:
        """P_flat, mean and standard deviation of y, total, smallest, and mass at the window's rim."""
        total = mass.sum()
        offset = _mid(self.fibres(Y)[1])[:, None] + self.zeta
        mean = np.sum(mass * offset) / total
        std = np.sqrt(np.sum(mass * (offset - mean) ** 2) / total)
        rim = mass[:, [0, -1]].sum() if mass.shape[1] > 2 else 0.0
        return mass[self.x[:, 0] > 0].sum(), Y + mean, std, total, mass.min(), rim


def _across(
    landscape: Landscape, x_edges: np.ndarray, y: np.ndarray, D: np.ndarray, p: float
) -> tuple[np.ndarray, np.ndarray]:
    """Rates (x - 1, y) at which cells lose mass to their right and left neighbours.

    With phi the integral of L_x/D, the flux -P L_x - D^(1-p) d(D^p P)/dx times D^(p-1) exp(phi) is the derivative of
    -D^p P exp(phi): it is constant between two centres if it is D^p P exp(phi) there, differenced, over the integral of
    D^(p-1) exp(phi). phi is taken as linear on the way from a centre to the edge, D as the cell's.

    Args:
        landscape: the loss.
        x_edges: (x + 1) edges.
        y: (x + 1, y) at them.
        D: (x, y) D_11 in the cells.
        p: the convention's power.
    """
    x, cells = _mid(x_edges)[:, None], np.diff(x_edges)[:, None]
    y = y[1:-1]
    edge = landscape.loss(x_edges[1:-1, None], y)
    # bounded: e^300 is as good as infinite, and two of them still multiply without overflow
    first = np.clip((edge - landscape.loss(x[:-1], y)) / D[:-1], -300, 300)
    second = np.clip((landscape.loss(x[1:], y) - edge) / D[1:], -300, 300)
    weight = cells / 2 * D ** (p - 1)
    integral = weight[:-1] * _mean_exp(first) + weight[1:] * np.exp(first) * _mean_exp(second)
    right = D[:-1] ** p / integral / cells[:-1]
    left = D[1:] ** p * np.exp(first + second) / integral / cells[1:]
    return right, left


def _mean_exp(a: np.ndarray) -> np.ndarray:
    """The mean of exp between 0 and a."""
    small = np.abs(a) < 1e-7
    return np.where(small, 1 + a / 2, np.expm1(a) / np.where(small, 1, a))


def _mid(edges: np.ndarray) -> np.ndarray:
    """Means of neighbours along the first axis."""
    return (edges[1:] + edges[:-1]) / 2


def _share(centres: np.ndarray, place: float) -> np.ndarray:
    """Weights, 1 in sum, of the one or two centres next to a place; centres that are NaN get none."""
    index = np.flatnonzero(np.isfinite(centres))
    position = np.interp(place, centres[index], index)
    return np.maximum(0, 1 - np.abs(np.arange(len(centres)) - position))


def _increasing(edges: np.ndarray) -> bool:
    return edges.ndim == 1 and len(edges) >= 2 and bool(np.isfinite(edges).all() and (np.diff(edges) > 0).all())


def _checked_x_edges(x_edges: np.ndarray) -> np.ndarray:
    x_edges = np.asarray(x_edges, dtype=float)
    if not _increasing(x_edges) or 0 not in x_edges[1:-1]:
        raise UserError(
            "The edges across the valleys have to increase, and one of them, not the first or last, to be 0."
        )
    return x_edges


def _check(delta_S: float, convention: str, noise: str) -> None:
    if not (np.isscalar(delta_S) and np.isfinite(delta_S) and delta_S > 0):
        raise UserError(f"Delta_S is {delta_S!r}; it has to be a positive, finite number.")
    if convention not in CONVENTIONS:
        raise UserError(f"The convention is {convention!r}; it has to be one of {', '.join(CONVENTIONS)}.")
    if noise not in NOISES:
        raise UserError(f"The noise is {noise!r}; it has to be one of {', '.join(NOISES)}.")
