"""The Fokker-Planck equation keeps its promises on the grid, and the simulation tends to it, read as Ito's."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erfi, ndtr

from sgd_valleys.errors import UserError
from sgd_valleys.two_valley.fokker_planck import (
    CONVENTIONS,
    _Grid,
    default_times,
    default_x_edges,
    default_y_edges,
    diffusion,
    solve,
    steady_density,
    steady_state,
)
from sgd_valleys.two_valley.landscape import Landscape

landscape = Landscape()
conventions = pytest.mark.parametrize("convention", CONVENTIONS)
adiabatic = np.array([-0.1, 0.1])  # one cell: y is its mean


def p_flat_at(edges, density):
    return (density * np.diff(edges))[edges[1:] > 0].sum()


def stationary_p_flat(y, delta_S, eta):
    """P_flat of the update itself, Eq. 13, at fixed y: the invariant density of its transition kernel."""
    reach = 7 * np.sqrt(delta_S)
    step = np.sqrt(4 * eta * delta_S / landscape.f1(y))
    edges = np.arange(np.floor((landscape.floor(y)[1] - reach) / step * 5), (landscape.floor(y)[0] + reach) / step * 5)
    edges = edges * step / 5  # five cells a step, with an edge at 0
    x = (edges[1:] + edges[:-1]) / 2
    deviation = np.sqrt(2 * eta * diffusion(landscape, x, y, delta_S, "H11")[0])
    kernel = np.diff(ndtr((edges - (x - eta * landscape.gradient(x, y)[..., 0])[:, None]) / deviation[:, None]), axis=1)
    balance = (kernel / kernel.sum(axis=1, keepdims=True)).T - np.eye(len(x))
    balance[0] = 1
    mass = np.linalg.solve(balance, np.eye(len(x))[0])
    return mass[x > 0].sum()


@pytest.mark.parametrize("noise", ["H11", "H2", "isotropic"])
@conventions
def test_the_closed_steady_state_is_the_integral_of_its_density(convention, noise):
    y, delta_S, p = 7.0, 2e-3, CONVENTIONS[convention]

    def density(x):
        D = diffusion(landscape, x, y, delta_S, "H11" if noise == "H2" else noise)[0]
        D = D**2 / delta_S if noise == "H2" else D  # D_11 = Delta_S H_11^2, the small H_12 left out
        return D**-p * np.exp(-(landscape.loss(x, y) - landscape.L_0(y)) / D)

    flat, sharp = (quad(density, *range_, epsabs=0, limit=200)[0] for range_ in ((0, 1.5), (-1.5, -1e-12)))
    expected = flat / (flat + sharp)
    assert steady_state(landscape, y, delta_S, convention, noise) == pytest.approx(expected, rel=1e-8)


@conventions
@pytest.mark.parametrize(("y", "delta_S"), [(1.0, 1e-3), (5.0, 1e-3), (2.0, 1e-4)])
def test_the_grids_steady_state_is_the_closed_form_to_second_order(convention, y, delta_S):
    exact = steady_state(landscape, y, delta_S, convention)
    errors = []
    for refine in (1, 2, 4):
        edges, density = steady_density(landscape, y, delta_S, default_x_edges(landscape, delta_S, refine), convention)
        errors.append(abs(p_flat_at(edges, density) - exact))
    assert errors[0] < 1e-4
    assert errors[2] < errors[0] / 7  # 16 for second order, less rounding and cells that do not halve exactly


@conventions
def test_the_density_jumps_at_the_ridge_by_gamma_to_the_conventions_power(convention):
    edges, density = steady_density(landscape, 5.0, 1e-3, default_x_edges(landscape, 1e-3, 20), convention)
    ridge = np.searchsorted(edges, 0)
    assert density[ridge] / density[ridge - 1] == pytest.approx(landscape.gamma ** CONVENTIONS[convention], rel=0.01)


def test_with_weak_noise_eq_22_lies_between_the_conventions():
    y, delta_S, gamma = 2.0, 5e-5, landscape.gamma
    u1, u2 = (landscape.barrier(y) * f / (2 * delta_S) for f in (landscape.f1(y), landscape.f2(y)))

    def power(P):
        return (np.log(P / (1 - P)) - (u1 - u2)) / np.log(gamma)

    for convention, p in CONVENTIONS.items():
        assert power(steady_state(landscape, y, delta_S, convention)) == pytest.approx(p, abs=1e-6)
    eq_22 = 1 / (1 + erfi(np.sqrt(u2)) / erfi(np.sqrt(u1)) / gamma)
    assert power(eq_22) == pytest.approx(0.5, abs=0.03)


def test_as_the_learning_rate_falls_the_update_comes_to_itos_steady_state_as_its_root():
    y, delta_S = 5.0, 1e-2
    rates = np.array([4e-3, 1e-3, 2.5e-4])
    P = np.array([stationary_p_flat(y, delta_S, eta) for eta in rates])
    target = {convention: steady_state(landscape, y, delta_S, convention) for convention in CONVENTIONS}
    distance = target["ito"] - P
    assert (distance > 0).all()
    assert distance[:-1] / distance[1:] == pytest.approx(2, rel=0.15)  # eta falls by four
    limit = 2 * P[2] - P[1]
    assert abs(limit - target["ito"]) < 1e-3
    assert abs(limit - target["stratonovich"]) > 0.03 and abs(limit - target["hanggi-klimontovich"]) > 0.06


def test_isotropic_noise_equilibrates_to_the_ratio_of_the_widths_and_not_of_the_flatness():
    gamma = landscape.gamma
    for convention in CONVENTIONS:
        assert steady_state(landscape, [1.0, 30.0], 1e-2, convention, "isotropic") == pytest.approx(0.8 / 1.45)
    end = solve(landscape, 1e-2, default_times(20.0, 100), noise="isotropic", y_edges=adiabatic).p_flat[-1]
    assert end == pytest.approx(gamma**0.5 / (1 + gamma**0.5), abs=2e-4)
    assert abs(end - gamma / (1 + gamma)) > 0.05


@pytest.mark.parametrize("noise", ["H", "H2", "isotropic"])
@conventions
def test_mass_is_kept_and_no_density_is_negative_even_in_huge_steps(convention, noise):
    result = solve(landscape, 1e-3, np.array([0, 1e-3, 0.1, 1, 10, 100, 1000]), convention=convention, noise=noise)
    assert np.abs(result.mass - 1).max() < 1e-10
    assert (result.smallest >= 0).all() and (result.density >= 0).all()
    assert result.marginal_y @ np.diff(result.y_edges) == pytest.approx(
        1, abs=0.1
    )  # the bins are straight, rows are not


def test_the_start_is_where_it_was_asked_for():
    result = solve(landscape, 1e-3, np.array([0, 1e-9]), start=(0.013, 3.0))
    assert result.p_flat[0] == pytest.approx(0.5, abs=1e-12)
    assert result.mean_y[0] == pytest.approx(3.0, abs=1e-5)
    centre = (result.x_edges[1:] + result.x_edges[:-1]) / 2
    across = (result.density * np.diff(default_y_edges(1e-3))).sum(axis=1) * np.diff(result.x_edges)
    assert (across * np.abs(centre)).sum() == pytest.approx(0.013, rel=1e-4)


def test_the_final_p_flat_converges_with_step_and_grid():
    delta_S = 1e-3

    def final(steps=200, across=1.0, **options):
        edges = default_x_edges(landscape, delta_S, across)
        return solve(
            landscape, delta_S, default_times(60.0, steps), x_edges=edges, y_edges=adiabatic, **options
        ).p_flat[-1]

    step = [final(100), final(200), final(400)]
    assert (step[1] - step[0]) / (step[2] - step[1]) == pytest.approx(2, rel=0.15)  # first order
    assert final(100, substeps=2) == pytest.approx(step[1], abs=abs(step[2] - step[1]))
    grid = [final(across=0.5), final(across=1.0), final(across=2.0)]
    assert (grid[1] - grid[0]) / (grid[2] - grid[1]) == pytest.approx(4, rel=0.3)  # second order
    assert abs(grid[2] - grid[1]) < 2e-4


def test_along_y_neither_the_window_nor_the_cross_terms_matter_to_p_flat():
    delta_S, times = 1e-3, default_times(60.0, 150)
    full, fine, across, mean = (
        solve(landscape, delta_S, times, **options)
        for options in ({}, {"y_edges": default_y_edges(delta_S, refine=2)}, {"noise": "H11"}, {"y_edges": adiabatic})
    )
    assert full.rim.max() < 1e-3
    assert np.abs(full.p_flat - fine.p_flat).max() < 2e-4
    assert np.abs(full.p_flat - mean.p_flat).max() < 1e-3
    assert np.abs(full.p_flat - across.p_flat)[-1] < 1e-3
    # noise along the valley that is not tied to the noise across, as in Eq. A9, spreads y far too much
    assert full.std_y[-1] < across.std_y[-1] / 3


def test_what_lies_further_along_goes_at_its_own_speed_whatever_the_window_does():
    delta_S, dt, steps = 1e-3, 0.5, 10
    x_edges, zeta_edges = default_x_edges(landscape, delta_S, 0.4), np.arange(-10.0, 61.0)
    grid = _Grid(landscape, delta_S, "H", 1.0, x_edges, zeta_edges)
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


def test_the_diffusion_is_the_hessian_without_its_negative_eigenvalues():
    x, y = np.meshgrid(np.linspace(-1, 1, 40), [0.5, 5.0, 50.0])
    value, vector = np.linalg.eigh(landscape.hessian(x, y))
    assert (value < 0).any() and (value[..., 0] > 0).any()
    expected = 1e-3 * np.einsum("...ik,...k,...jk->...ij", vector, np.maximum(value, 0), vector)
    D11, D12, D22 = diffusion(landscape, x, y, 1e-3)
    for D, wanted in ((D11, expected[..., 0, 0]), (D12, expected[..., 0, 1]), (D22, expected[..., 1, 1])):
        assert np.abs(D - wanted).max() < 1e-16


def test_where_steps_are_short_beside_the_ridge_the_simulation_follows_itos_equation():
    from sgd_valleys.two_valley import langevin

    delta_S, eta, end = 1e-2, 1e-3, 10.0
    runs = langevin.simulate(
        landscape, eta, delta_S / eta, runs=12000, iterations=round(end / eta), start=(0.01, 5.0), seed=1
    )
    P, error = langevin.p_flat(runs)
    ito, stratonovich, printed = (
        solve(landscape, delta_S, default_times(end, 200), convention=convention) for convention in CONVENTIONS
    )
    assert abs(P - ito.p_flat[-1]) < 0.01 + 3 * error  # the rest of the root of eta
    assert P - stratonovich.p_flat[-1] > 3 * error
    assert P - printed.p_flat[-1] > 10 * error
    assert runs.y.mean() == pytest.approx(ito.mean_y[-1], abs=0.003)


@pytest.mark.parametrize(("delta_S", "y_start", "end"), [(1e-3, 5.0, 100.0), (5e-4, 5.0, 60.0), (1e-4, 1.0, 50.0)])
def test_at_the_papers_learning_rate_p_flat_is_that_of_the_simulation_within_2_percent(delta_S, y_start, end):
    from sgd_valleys.two_valley import langevin

    start, eta = (0.01, y_start), 0.01
    options = {"runs": 16_000, "iterations": round(end / eta), "start": start, "seed": 2}
    runs = langevin.simulate(landscape, eta, delta_S / eta, **options)
    P, error = langevin.p_flat(runs)
    result = solve(landscape, delta_S, default_times(end, 200), start, y_edges=adiabatic)
    assert abs(P - result.p_flat[-1]) < 0.02 + error
    assert runs.y.mean() == pytest.approx(result.mean_y[-1], abs=0.01)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"delta_S": -1.0}, "Delta_S"),
        ({"delta_S": np.nan}, "Delta_S"),
        ({"times": [0.0]}, "times"),
        ({"times": [0.0, 1.0, 1.0]}, "times"),
        ({"substeps": 0}, "substeps"),
        ({"convention": "Ito"}, "convention"),
        ({"noise": "white"}, "noise"),
        ({"start": (0.0, 5.0)}, "start"),
        ({"start": (9.0, 5.0)}, "start"),
        ({"x_edges": [-1.0, 0.5, 1.0]}, "across"),
        ({"x_edges": [0.0, 0.5, 1.0]}, "across"),
        ({"y_edges": [0.1, 0.2]}, "window"),
        ({"y_edges": [-50.0, 1.0]}, "no landscape"),
    ],
)
def test_a_wrong_argument_is_named(options, sentence):
    with pytest.raises(UserError, match=sentence):
        solve(**{"landscape": landscape, "delta_S": 1e-3, "times": [0.0, 1.0]} | options)
