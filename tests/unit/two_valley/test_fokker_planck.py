"""The solver converges and conserves mass, and the simulation approaches its Ito equation."""

import numpy as np
import pytest

from sgd_valleys.errors import UserError
from sgd_valleys.two_valley import langevin
from sgd_valleys.two_valley.diffusion import CONVENTIONS, steady_state
from sgd_valleys.two_valley.fokker_planck import (
    ADIABATIC,
    MovingGrid,
    adiabatic_p_flat,
    default_times,
    default_x_edges,
    default_y_edges,
    exchange_rates,
    solve,
)
from sgd_valleys.two_valley.landscape import Landscape
from sgd_valleys.two_valley.run_statistics import p_flat

landscape = Landscape()
conventions = pytest.mark.parametrize("convention", CONVENTIONS)


def refined(edges, parts):
    """Return edges with every cell divided into equal parts."""
    index = np.arange(len(edges))
    return np.interp(np.linspace(0, index[-1], index[-1] * parts + 1), index, edges)


def steady_mass(y, delta_S, x_edges, convention):
    """Return (x) masses at which the fluxes across vanish."""
    x = (x_edges[1:] + x_edges[:-1]) / 2
    D11 = delta_S * landscape.hessian(x, y)[:, 0, 0]
    at_edges = np.full((len(x_edges), 1), y)
    right, left = exchange_rates(landscape, x_edges, at_edges, D11[:, None], CONVENTIONS[convention])
    log_mass = np.append(0, np.cumsum(np.log(right[:, 0]) - np.log(left[:, 0])))
    mass = np.exp(log_mass - log_mass.max())
    return mass / mass.sum()


@conventions
@pytest.mark.parametrize(("y", "delta_S"), [(1.0, 1e-3), (5.0, 1e-3), (2.0, 1e-4)])
def test_the_grids_steady_state_is_the_closed_form_to_second_order(convention, y, delta_S):
    exact = steady_state(landscape, y, delta_S, convention)
    errors = []
    for parts in (1, 2, 4):
        edges = refined(default_x_edges(landscape, delta_S), parts)
        errors.append(abs(steady_mass(y, delta_S, edges, convention)[edges[1:] > 0].sum() - exact))
    assert errors[0] < 1e-4
    assert errors[2] < errors[0] / 7  # 16 for second order, less rounding


@conventions
def test_the_density_jumps_at_the_ridge_by_gamma_to_the_conventions_power(convention):
    edges = refined(default_x_edges(landscape, 1e-3), 20)
    density = steady_mass(5.0, 1e-3, edges, convention) / np.diff(edges)
    ridge = np.searchsorted(edges, 0)
    assert density[ridge] / density[ridge - 1] == pytest.approx(landscape.gamma ** CONVENTIONS[convention], rel=0.01)


def test_isotropic_noise_equilibrates_to_the_ratio_of_the_widths_and_not_of_the_flatness():
    gamma = landscape.gamma
    for convention in CONVENTIONS:
        assert steady_state(landscape, [1.0, 30.0], 1e-2, convention, "isotropic") == pytest.approx(0.8 / 1.45)
    end = solve(landscape, 1e-2, default_times(20.0, 100), noise="isotropic", y_edges=ADIABATIC).p_flat[-1]
    assert end == pytest.approx(gamma**0.5 / (1 + gamma**0.5), abs=2e-4)
    assert abs(end - gamma / (1 + gamma)) > 0.05


@pytest.mark.parametrize("noise", ["H", "H2", "isotropic"])
@conventions
def test_mass_is_kept_and_no_density_is_negative_even_in_huge_steps(convention, noise):
    result = solve(landscape, 1e-3, np.array([0, 1e-3, 0.1, 1, 10, 100, 1000]), convention=convention, noise=noise)
    assert np.abs(result.mass - 1).max() < 1e-10
    assert (result.min_cell_mass >= 0).all()


def test_the_start_has_the_requested_means():
    result = solve(landscape, 1e-3, np.array([0, 1e-9]), start=(0.013, 3.0))
    assert result.p_flat[0] == pytest.approx(0.5, abs=1e-12)
    assert result.mean_y[0] == pytest.approx(3.0, abs=1e-5)
    grid = MovingGrid(landscape, 1e-3, "H", 1.0, default_x_edges(landscape, 1e-3), default_y_edges(1e-3))
    assert (grid.two_points(0.013, 3.0) * np.abs(grid.x)).sum() == pytest.approx(0.013, rel=1e-4)


def test_the_final_p_flat_converges_with_step_and_grid():
    delta_S = 1e-3
    default = default_x_edges(landscape, delta_S)
    ridge = np.searchsorted(default, 0)

    def final(steps=100, x_edges=default):
        return solve(landscape, delta_S, default_times(60.0, steps), x_edges=x_edges, y_edges=ADIABATIC).p_flat[-1]

    step = [final(100), final(200), final(400)]
    assert (step[1] - step[0]) / (step[2] - step[1]) == pytest.approx(2, rel=0.15)  # first order
    grid = [final(x_edges=edges) for edges in (default[ridge % 2 :: 2], default, refined(default, 2))]
    assert (grid[1] - grid[0]) / (grid[2] - grid[1]) == pytest.approx(4, rel=0.3)  # second order
    assert abs(grid[2] - grid[1]) < 2e-4


def test_the_adiabatic_p_flat_is_that_of_the_full_window_at_the_same_times():
    ends, times = [30.0, 2.0], np.union1d(default_times(30.0, 60), 2.0)
    full = solve(landscape, 1e-3, times, (0.01, 5.0)).p_flat[[-1, np.searchsorted(times, 2.0)]]
    adiabatic = adiabatic_p_flat(landscape, 1e-3, ends, (0.01, 5.0), "ito", steps=60)
    assert adiabatic == pytest.approx(full, abs=3e-4)
    assert adiabatic[0] > adiabatic[1] + 0.1


def test_p_flat_depends_neither_on_the_window_along_y_nor_on_its_cells():
    delta_S, times = 1e-3, default_times(60.0, 40)
    full, fine, mean = (
        solve(landscape, delta_S, times, y_edges=edges).p_flat
        for edges in (None, refined(default_y_edges(delta_S), 2), ADIABATIC)
    )
    assert np.abs(full - fine).max() < 2e-4
    assert np.abs(full - mean).max() < 1e-3


def test_the_window_along_y_contains_the_density():
    delta_S = 1e-3
    grid = MovingGrid(landscape, delta_S, "H", 1.0, default_x_edges(landscape, delta_S), default_y_edges(delta_S))
    Y, mass = 5.0, grid.two_points(0.01, 5.0)
    for dt in np.diff(default_times(60.0, 40)):
        mass, Y = grid.step(mass, Y, dt)
        assert mass[:, [0, -1]].sum() < 1e-3


def test_mass_further_along_drifts_at_its_own_speed_and_not_at_that_of_the_window():
    delta_S, dt, steps = 1e-3, 0.5, 10
    x_edges = default_x_edges(landscape, delta_S)
    x_edges, zeta_edges = x_edges[np.searchsorted(x_edges, 0) % 3 :: 3], np.arange(-10.0, 61.0, 2.0)
    grid = MovingGrid(landscape, delta_S, "H", 1.0, x_edges, zeta_edges)
    places = np.array([15.0, 60.0])
    mass, Y = np.zeros(grid.area.shape), 15.0
    for y in places:
        mass[np.searchsorted(x_edges, landscape.floor(y)[0]) - 1, np.searchsorted(zeta_edges, y - Y) - 1] = 0.5

    def means(mass, Y):
        chi = np.interp(grid.x[:, 0], x_edges, grid.fibres(Y)[1])
        y = Y + chi[:, None] + grid.zeta
        halves = (grid.zeta < 25, grid.zeta >= 25)
        return np.array([(mass * y)[:, half].sum() / mass[:, half].sum() for half in halves])

    before = means(mass, Y)
    for _ in range(steps):
        mass, Y = grid.step(mass, Y, dt)
    speed = (means(mass, Y) - before) / (steps * dt)
    tau_y = 1 / (np.exp(-places / 100) / 100 + 40 * places / (places + 20) ** 3)  # Eq. A8
    assert speed * tau_y == pytest.approx(1, rel=0.1)
    assert tau_y[1] > 1.5 * tau_y[0]


def test_where_steps_are_short_beside_the_ridge_the_simulation_follows_itos_equation():
    delta_S, eta, end = 1e-2, 1e-3, 10.0
    runs = langevin.simulate(
        landscape, eta, delta_S / eta, runs=12000, iterations=round(end / eta), start=(0.01, 5.0), seed=1
    )
    P, error = p_flat(runs)
    ito, stratonovich, printed = (
        solve(landscape, delta_S, default_times(end, 200), y_edges=ADIABATIC, convention=convention)
        for convention in CONVENTIONS
    )
    assert abs(P - ito.p_flat[-1]) < 0.01 + 3 * error  # the remaining deviation of order sqrt(eta)
    assert P - stratonovich.p_flat[-1] > 3 * error
    assert P - printed.p_flat[-1] > 10 * error
    assert runs.y.mean() == pytest.approx(ito.mean_y[-1], abs=0.003)


@pytest.mark.parametrize(("delta_S", "y_start", "end"), [(1e-3, 5.0, 100.0), (5e-4, 5.0, 60.0), (1e-4, 1.0, 50.0)])
def test_at_the_papers_learning_rate_p_flat_is_that_of_the_simulation_within_2_percent(delta_S, y_start, end):
    start, eta = (0.01, y_start), 0.01
    options = {"runs": 8000, "iterations": round(end / eta), "start": start, "seed": 2}
    runs = langevin.simulate(landscape, eta, delta_S / eta, **options)
    P, error = p_flat(runs)
    result = solve(landscape, delta_S, default_times(end, 200), start, y_edges=ADIABATIC)
    assert abs(P - result.p_flat[-1]) < 0.02 + error
    assert runs.y.mean() == pytest.approx(result.mean_y[-1], abs=0.01)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"delta_S": -1.0}, "delta_S"),
        ({"delta_S": np.nan}, "delta_S"),
        ({"times": [0.0]}, "times"),
        ({"times": [0.0, 1.0, 1.0]}, "times"),
        ({"convention": "Ito"}, "convention"),
        ({"noise": "white"}, "noise"),
        ({"start": (0.0, 5.0)}, "start"),
        ({"start": (9.0, 5.0)}, "start"),
        ({"x_edges": [-1.0, 0.5, 1.0]}, "x_edges: not ascending through 0"),
        ({"x_edges": [0.0, 0.5, 1.0]}, "x_edges: not ascending through 0"),
        ({"y_edges": [0.1, 0.2]}, "y_edges: not ascending around 0"),
        ({"y_edges": [-50.0, 1.0]}, "outside the landscape"),
    ],
)
def test_a_wrong_argument_is_named(options, sentence):
    with pytest.raises(UserError, match=sentence):
        solve(**{"landscape": landscape, "delta_S": 1e-3, "times": [0.0, 1.0]} | options)
