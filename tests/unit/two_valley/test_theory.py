"""Every closed form agrees with the printed one, and holds in the regime of its derivation."""

import numpy as np
import pytest
from scipy.integrate import dblquad, quad
from scipy.optimize import brentq
from scipy.special import erfi

from sgd_valleys.two_valley import theory
from sgd_valleys.two_valley.diffusion import effective_temperature, steady_state
from sgd_valleys.two_valley.landscape import Landscape
from sgd_valleys.two_valley.langevin import simulate

PAPER = Landscape()
OTHER = Landscape(x0=1.3, f0=0.7, L_d=2.0, x1=1.1, x2=0.4, y_b=12.0, y_f=25.0, y_d=40.0)
FROZEN = Landscape(y_b=30e6, y_f=20e6, y_d=1e9)  # y is constant on the scale of a run
Y = np.array([1.0, 5.0, 40.0, 200.0])

pytestmark = pytest.mark.filterwarnings("error")  # a form without an answer returns NaN without a warning


@pytest.fixture(params=[PAPER, OTHER], ids=["paper", "other"])
def landscape(request):
    return request.param


def argument(landscape, f, y, delta_S):
    return np.sqrt(landscape.barrier(y) * f(y) / (2 * delta_S))


def D_11(landscape, y, delta_S):
    """Diffusion across the (flat, sharp) valley, Eq. A9."""
    return 2 * delta_S / landscape.f1(y), 2 * delta_S / landscape.f2(y)


def asymptotic_rates(landscape, y, delta_S):
    """(k+, k-) for a barrier high over the noise, Eq. A25."""
    barrier = landscape.barrier(y)
    return [
        np.sqrt(2 * barrier / (np.pi * delta_S * f)) * np.exp(-barrier * f / (2 * delta_S))
        for f in (landscape.f1(y), landscape.f2(y))
    ]


def commitment(landscape):
    """Chance that a run on the ridge of a high barrier enters the (flat, sharp) valley, for an Ito equation.

    On either side the scale function rises by D/|L_x| = 2 Delta_S/g, so the chances are as x1 to x2.
    """
    flat = landscape.x1 / (landscape.x1 + landscape.x2)
    return flat, 1 - flat


def test_the_time_scales_are_those_of_the_text():
    assert theory.tau_x_max(PAPER) == pytest.approx(0.32)
    assert PAPER.f1(1e12) / 2 == pytest.approx(0.32)
    assert theory.tau_y_min(PAPER) == pytest.approx(41.8, abs=0.05)
    assert theory.tau_x_max(PAPER) / theory.tau_y_min(PAPER) == pytest.approx(7.6e-3, abs=0.1e-3)


def test_the_bounds_on_the_time_scales_are_bounds_that_are_reached(landscape):
    y = np.linspace(0, 500, 200_001)
    tau_y = 1 / theory.drift(landscape, y)
    assert tau_y.min() == pytest.approx(theory.tau_y_min(landscape), rel=1e-6)
    assert tau_y.min() >= theory.tau_y_min(landscape) * (1 - 1e-9)
    across = landscape.f1(np.r_[y, 1e9]) / 2
    assert across.max() == pytest.approx(theory.tau_x_max(landscape))


def test_the_drift_is_down_the_floors_slope(landscape):
    for x in landscape.floor(Y):
        np.testing.assert_allclose(-landscape.gradient(x, Y)[:, 1], theory.drift(landscape, Y), rtol=1e-11)


def test_the_effective_loss_is_eq_19_and_the_density_of_a14(landscape):
    y, delta_S = 40.0, 0.01
    root = np.sqrt(landscape.gamma)
    T = effective_temperature(landscape, y, delta_S)
    for x, power, D in zip((0.3, -0.3), (root, 1 / root), D_11(landscape, y, delta_S), strict=True):
        L, L_0 = landscape.loss(x, y), landscape.L_0(y)
        assert theory.L_eff(landscape, x, y) == pytest.approx(power * L + (1 - power) * L_0)
        assert (theory.L_eff(landscape, x, y) - L_0) / T == pytest.approx((L - L_0) / D)
    flat, sharp = landscape.floor(y)
    assert theory.L_SGD(landscape, flat, y) < 0 < theory.L_SGD(landscape, sharp, y)
    assert theory.L_eff(landscape, 0.0, y) == pytest.approx(landscape.L_0(y))


def test_the_escape_rates_are_eq_21(landscape):
    for delta_S in (0.005, 0.05):
        for f, rate in zip(
            (landscape.f1, landscape.f2), theory.escape_rates(landscape, Y, delta_S), strict=True
        ):  # fmt: skip
            expected = 1 / (np.pi / 2 * f(Y) * erfi(argument(landscape, f, Y, delta_S)))
            np.testing.assert_allclose(rate, expected, rtol=1e-11)


def test_the_rates_approach_a25_as_the_barrier_grows():
    y, delta_S = 40.0, np.array([3e-3, 1e-3, 3e-4])
    off = []
    for f, exact, rate in zip(
        (PAPER.f1, PAPER.f2), theory.escape_rates(PAPER, y, delta_S), asymptotic_rates(PAPER, y, delta_S), strict=True
    ):
        off.append((rate / exact - 1) * 2 * argument(PAPER, f, y, delta_S) ** 2)
    np.testing.assert_allclose(off, 1, atol=0.1)  # erfi z = exp(z^2)/(sqrt(pi) z) (1 + 1/(2 z^2) + ...)


def test_the_first_passage_times_are_a19_and_a20():
    y, delta_S = 20.0, 0.01
    D = D_11(PAPER, y, delta_S)
    flat, sharp = PAPER.floor(y)

    def time(low, high, inner_low, inner_high, d):
        integral, _ = dblquad(
            lambda inner, outer: np.exp((PAPER.loss(outer, y) - PAPER.loss(inner, y)) / d),
            low, high, inner_low, inner_high, epsrel=1e-9,
        )  # fmt: skip
        return integral / d

    found = np.exp(theory.log_first_passage_times(PAPER, y, delta_S))
    # x = 3 replaces infinity: the integrand is e^-100 there
    assert found[0] == pytest.approx(time(0, flat, lambda x: x, lambda x: 3, D[0]), rel=1e-7)
    assert found[1] == pytest.approx(time(sharp, 0, lambda x: -3, lambda x: x, D[1]), rel=1e-7)


def test_kramers_formula_holds_where_the_barrier_is_high_and_is_off_by_two_where_there_is_none():
    def ratio(y, delta_S):
        rates = theory.escape_rates(PAPER, y, delta_S)
        return [
            np.exp(log) * k for log, k in zip(theory.log_first_passage_times(PAPER, y, delta_S), rates, strict=True)
        ]

    assert ratio(40.0, 0.005) == pytest.approx([1, 1], rel=1e-4)
    assert ratio(0.01, 0.05) == pytest.approx([0.5, 0.5], rel=1e-3)
    assert 0.8 < min(ratio(10.0, 0.01)) < max(ratio(10.0, 0.01)) < 0.95


def test_the_rate_of_changing_valley_is_the_escape_rate_times_the_chance_not_to_return():
    # once both valleys have their local equilibrium, the memory of the start decays at the sum of the two rates
    y, delta_S, eta = 40e6, 0.015, 0.002
    k_plus, k_minus = theory.escape_rates(FROZEN, y, delta_S)
    to_flat, to_sharp = commitment(FROZEN)
    expected = k_minus * to_flat + k_plus * to_sharp
    times = (np.array([0.2, 0.8]) / expected / eta).astype(int)
    runs = 8000
    path = simulate(
        FROZEN, eta, delta_S / eta, runs=runs, iterations=times[1], start=(0.4, y), seed=2, record=times,
        trajectories=runs,
    ).occupancy.trajectory[:, :, 0]  # fmt: skip
    memory = (path[0::2] < 0).mean(0) - (path[1::2] < 0).mean(0)
    rate = np.log(memory[0] / memory[1]) / (eta * (times[1] - times[0]))
    assert rate == pytest.approx(expected, rel=0.12)  # 3% from sampling, the rest from the finite step
    assert rate < 0.65 * (k_plus + k_minus)


def test_the_stationary_p_flat_is_eq_22(landscape):
    delta_S = 0.02
    inside = [erfi(argument(landscape, f, Y, delta_S)) for f in (landscape.f2, landscape.f1)]
    exact = 1 / (1 + inside[0] / inside[1] / landscape.gamma)
    np.testing.assert_allclose(theory.p_flat_stationary(landscape, Y, delta_S), exact, rtol=1e-12)
    exponent = landscape.barrier(Y) * (landscape.f2(Y) - landscape.f1(Y)) / (2 * delta_S)
    asymptotic = 1 / (1 + landscape.gamma**-0.5 * np.exp(exponent))
    np.testing.assert_allclose(theory.p_flat_stationary_asymptotic(landscape, Y, delta_S), asymptotic, rtol=1e-12)


def test_the_stationary_p_flat_exceeds_equilibrium_and_falls_with_noise():
    delta_S = np.geomspace(1e-3, 10, 60)
    p_flat = theory.p_flat_stationary(PAPER, 20.0, delta_S)
    assert (p_flat > theory.p_flat_equilibrium(PAPER)).all() and (np.diff(p_flat) < 0).all()
    assert theory.p_flat_equilibrium(PAPER) == pytest.approx(0.64 / (0.64 + 0.4225))


def test_p_flat_has_limits_where_erfi_overflows_and_without_a_barrier():
    assert theory.p_flat_stationary(PAPER, 1e4, 1e-6) == 1.0
    assert theory.p_flat_stationary(PAPER, 0.0, 0.01) == pytest.approx(theory.p_flat_stationary(PAPER, 1e-9, 0.01))
    assert theory.p_flat_stationary(PAPER, 0.0, 0.01) == pytest.approx(1 / (1 + PAPER.gamma**-1.5))
    assert (np.array(theory.escape_rates(PAPER, 1e4, 1e-6)) == 0).all()
    assert np.isposinf(theory.escape_rates(PAPER, 0.0, 1e-2)).all()
    assert np.isfinite(theory.log_first_passage_times(PAPER, 1e4, 1e-6)).all()


@pytest.mark.parametrize(("y", "delta_S"), [(2.0, 0.05), (20.0, 0.02)])
def test_the_steady_p_flat_is_its_integral(y, delta_S):
    def weight(D, power):
        def density(x, d):
            return np.exp((PAPER.L_0(y) - PAPER.loss(x, y)) / d) / d**power

        flat, sharp = quad(density, 0, 4, args=D[0])[0], quad(density, -4, 0, args=D[1])[0]
        return flat / (flat + sharp)

    D = D_11(PAPER, y, delta_S)
    assert steady_state(PAPER, y, delta_S, "hanggi-klimontovich") == pytest.approx(weight(D, 0), rel=1e-7)
    assert steady_state(PAPER, y, delta_S, "ito") == pytest.approx(weight(D, 1), rel=1e-7)
    # the same temperature on both sides: sqrt(gamma), not the gamma of Eq. A28
    assert theory.p_flat_boltzmann(PAPER) == pytest.approx(weight((delta_S, delta_S), 0), rel=1e-7)


def test_eq_22_lacks_the_chance_to_return_from_the_ridge():
    # rates times commitment give the Ito density's P_flat, to the order of Kramers' formula
    y, delta_S = 60.0, 0.004
    k_plus, k_minus = asymptotic_rates(PAPER, y, delta_S)
    to_flat, to_sharp = commitment(PAPER)
    odds = k_minus * to_flat / (k_plus * to_sharp)
    density = steady_state(PAPER, y, delta_S)
    assert odds == pytest.approx(density / (1 - density), rel=1e-4)
    printed = theory.p_flat_stationary_asymptotic(PAPER, y, delta_S)
    anti = steady_state(PAPER, y, delta_S, "hanggi-klimontovich")
    logit = [np.log(p / (1 - p)) for p in (anti, printed, density)]
    np.testing.assert_allclose(np.diff(logit), np.log(PAPER.gamma) / 2, rtol=1e-3)


def Phi(p, y):
    """The slow factor of the freezing criterion at y, Eq. A33, first line as printed."""
    return 0.5 * theory.drift(p, y) * (p.x1**2 - p.x2**2) * p.y_b * y / (y + p.y_b) ** 3


def test_phi_is_bounded_by_its_constant(landscape):
    y = np.linspace(0, 300, 30_001)
    p = landscape
    assert 0.3 * theory.Phi_bound(p) < Phi(p, y).max() < theory.Phi_bound(p)
    assert theory.Phi_bound(PAPER) == pytest.approx(2 * 0.2175 / (27 * 30) * (0.01 + 8 / (27 * 20)))
    assert theory.Phi_bound(PAPER) / Phi(PAPER, np.linspace(0, 99, 9901)).max() == pytest.approx(1.07, abs=0.01)


def test_the_derivative_in_a31_is_printed_short_of_a_factor_two(landscape):
    step, delta_S = 1e-4, 0.3

    def log_rho(y):
        p_flat = theory.p_flat_stationary_asymptotic(landscape, y, delta_S)
        return np.log(1 / p_flat - 1)

    derivative = (log_rho(Y + step) - log_rho(Y - step)) / (2 * step) * theory.drift(landscape, Y)
    np.testing.assert_allclose(derivative, -2 * Phi(landscape, Y) / delta_S, rtol=1e-6)


def test_y_freeze_solves_a35_and_gives_eq_26_from_eq_24():
    delta_S, epsilon = np.geomspace(1e-6, 1e-2, 9), 0.1
    y = theory.y_freeze(PAPER, delta_S, epsilon)
    assert (np.diff(y) > 0).all()  # more noise freezes later
    exponent = PAPER.barrier(y) * PAPER.f2(y) / (2 * delta_S)
    np.testing.assert_allclose(exponent, np.log(np.sqrt(delta_S) / (epsilon * theory.Phi_bound(PAPER))), rtol=1e-12)
    np.testing.assert_allclose(
        theory.p_flat_stationary_asymptotic(PAPER, y, delta_S),
        theory.p_flat_transient(PAPER, delta_S, epsilon),
        rtol=1e-12,
    )


def test_the_transient_p_flat_is_eq_26_and_grows_with_noise_and_flatness():
    delta_S, gamma = np.geomspace(1e-6, 1, 7)[:, None], np.linspace(1, 1.2, 5)
    p_flat = theory.p_flat_transient(PAPER, delta_S, gamma=gamma)
    for g, column in zip(gamma[1:], p_flat.T[1:], strict=True):
        other = Landscape(x1=0.65 * np.sqrt(g))
        phi = theory.Phi_bound(other)
        printed = 1 / (1 + g**-0.5 * (np.sqrt(delta_S[:, 0]) / (0.1 * phi)) ** (1 - g))
        np.testing.assert_allclose(column, printed, rtol=1e-12)
        np.testing.assert_allclose(column, theory.p_flat_transient(other, delta_S[:, 0]), rtol=1e-12)
    assert (p_flat[:, 0] == 0.5).all()
    assert (np.diff(p_flat, axis=1) > 0).all() and (np.diff(p_flat[:, 1:], axis=0) > 0).all()


def test_the_numerical_freezing_point_meets_the_criterion_term_by_term():
    epsilon = 0.1
    for delta_S in (1e-5, 1e-3, 3e-3):
        y = theory.y_freeze_numerical(PAPER, delta_S, epsilon)[()]
        step = 1e-4 * y
        p_flat = [theory.p_flat_stationary(PAPER, y + h, delta_S) for h in (step, -step)]
        log_change = (np.log(p_flat[0]) - np.log(p_flat[1])) / (2 * step) * theory.drift(PAPER, y)
        k_minus = theory.escape_rates(PAPER, y, delta_S)[1]
        assert k_minus == pytest.approx(epsilon * log_change, rel=1e-4)
        earlier = theory.freezing_balance(PAPER, np.linspace(0.01, 0.99, 50) * y, delta_S, epsilon)
        assert (earlier > 0).all()


def test_the_closed_freezing_point_comes_from_the_criterion_by_the_approximations_of_a32_to_a35():
    # k- = epsilon Phi/Delta_S with the constant Phi, the rate of A25: then only its prefactor is dropped
    delta_S, epsilon = 1e-4, 0.1
    closed = theory.y_freeze(PAPER, delta_S, epsilon)

    def balance(y):
        rate = asymptotic_rates(PAPER, y, delta_S)[1]
        return np.log(rate) - np.log(epsilon * theory.Phi_bound(PAPER) / delta_S)

    solved = brentq(balance, 1, 10)
    prefactor = np.sqrt(2 * PAPER.barrier(solved) / (np.pi * PAPER.f2(solved)))
    exponent = theory.barrier_over_noise(PAPER, np.array([solved, closed]), delta_S)[1] ** 2
    assert exponent[0] - exponent[1] == pytest.approx(np.log(prefactor), rel=1e-9)


def test_a_form_without_an_answer_returns_nan():
    assert np.isnan(theory.y_freeze(PAPER, 1e-14))  # the logarithm is negative
    assert np.isnan(theory.y_freeze(PAPER, 0.05))  # the noise crosses every barrier
    assert np.isnan(theory.y_freeze(PAPER, np.array([-1.0, 0.0, np.nan]))).all()
    assert np.isnan(theory.p_flat_transient(PAPER, np.array([1e-14, -1.0, np.nan]))).all()
    assert np.isnan(theory.p_flat_transient(PAPER, 0.01, gamma=0.9))
    assert np.isnan(theory.y_freeze_numerical(PAPER, np.array([0.05, np.nan]))).all()
    for function in (theory.escape_rates, theory.log_first_passage_times):
        assert np.isnan(function(PAPER, -1.0, 0.01)).all() and np.isnan(function(PAPER, 5.0, -0.01)).all()
    for function in (theory.p_flat_stationary, theory.p_flat_stationary_asymptotic):
        assert np.isnan(function(PAPER, -1.0, 0.01)) and np.isnan(function(PAPER, 5.0, -0.01))
