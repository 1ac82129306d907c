"""Every item of docs/errata.md is derived: the printed form and the correct one, each from its definition."""

from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad

from sgd_valleys.two_valley import theory
from sgd_valleys.two_valley.diffusion import effective_temperature, steady_state
from sgd_valleys.two_valley.landscape import Landscape

PAPER = Landscape()
OTHER = Landscape(x0=1.3, f0=0.7, L_d=2.0, x1=1.1, x2=0.4, y_b=12.0, y_f=25.0, y_d=40.0)
PAGE = (Path(__file__).parents[3] / "docs" / "errata.md").read_text(encoding="utf-8")


def slope(function, x, step=1e-5):
    """The derivative by a central difference."""
    return (function(x + step) - function(x - step)) / (2 * step)


def test_more_noise_at_fixed_y_raises_the_rate_out_of_the_flat_valley_over_the_other():
    k_plus, k_minus = theory.escape_rates(PAPER, 10.0, np.geomspace(5e-3, 5e-2, 9))
    assert (np.diff(k_plus / k_minus) > 0).all()


# a loss, a diffusion and a density in one dimension, for the conventions
def gradient(x):
    return 0.5 * x + 0.3 * np.cos(x)


def D(x):
    return 0.4 + 0.2 * np.tanh(x)


def density(x):
    return np.exp(-((x - 0.3) ** 2) / 2) / np.sqrt(2 * np.pi)


def growth_of_mean(equation, f=np.sin):
    """d<f>/dt of an equation dP/dt = (``equation``), by integration."""
    return quad(lambda x: f(x) * equation(x), -9, 9, limit=200)[0]


def test_the_update_of_eq_13_follows_itos_form_and_not_eq_16():
    eta, (node, weight) = 1e-4, np.polynomial.hermite_e.hermegauss(24)

    def change(x):
        """The mean of f after one step of Eq. 13 from x, minus f(x), over eta; the covariance is 2 D/eta."""
        after = x - eta * gradient(x) - eta * np.sqrt(2 * D(x) / eta) * node
        return (weight @ np.sin(after) / weight.sum() - np.sin(x)) / eta

    stepped = quad(lambda x: density(x) * change(x), -9, 9, limit=200)[0]
    ito = growth_of_mean(
        lambda x: slope(lambda z: density(z) * gradient(z) + slope(lambda w: D(w) * density(w), z), x, 1e-3)
    )
    printed = growth_of_mean(lambda x: slope(lambda z: density(z) * gradient(z) + D(z) * slope(density, z), x, 1e-3))
    extra = quad(lambda x: density(x) * slope(D, x) * np.cos(x), -9, 9)[0]
    assert stepped == pytest.approx(ito, abs=1e-3)
    assert printed - ito == pytest.approx(extra, abs=1e-3) and abs(extra) > 0.05


def test_a13_has_the_steady_state_of_ito_and_a11_that_of_eq_16():
    def along(x, power):
        """The logarithmic slope of D^(-power) exp(-integral of L'/D)."""
        return -gradient(x) / D(x) - power * slope(D, x) / D(x)

    for x in (-1.0, 0.2, 1.5):
        flux_of_a13 = gradient(x) + slope(D, x) + D(x) * along(x, 1)
        flux_of_a10 = gradient(x) + D(x) * along(x, 0)
        assert flux_of_a13 == pytest.approx(0, abs=1e-9) and flux_of_a10 == pytest.approx(0, abs=1e-9)
        assert abs(gradient(x) + slope(D, x) + D(x) * along(x, 0)) > 1e-3  # they do not mix


def test_the_density_of_a14_has_no_bias_without_a_barrier():
    y, delta_S = 1e-6, 0.01
    assert steady_state(PAPER, y, delta_S, "hanggi-klimontovich") == pytest.approx(0.5, abs=1e-3)
    assert theory.p_flat_stationary(PAPER, y, delta_S) > theory.p_flat_equilibrium(PAPER)
    assert steady_state(PAPER, y, delta_S, "ito") > theory.p_flat_equilibrium(PAPER) - 1e-3


@pytest.mark.parametrize("landscape", [PAPER, OTHER], ids=["paper", "other"])
@pytest.mark.parametrize("T", [0.01, 0.3])
def test_boltzmanns_share_is_that_of_the_widths(landscape, T):
    y = 40.0

    def weight(x):
        return np.exp((landscape.L_0(y) - landscape.loss(x, y)) / T)

    flat, sharp = quad(weight, 0, 9, limit=200)[0], quad(weight, -9, 0, limit=200)[0]
    assert flat / (flat + sharp) == pytest.approx(theory.p_flat_boltzmann(landscape), rel=1e-6)
    assert abs(theory.p_flat_equilibrium(landscape) - theory.p_flat_boltzmann(landscape)) > 0.04


def test_a16_has_one_L_0_too_many():
    y, delta_S = 40.0, 0.01
    T, (flat, _) = effective_temperature(PAPER, y, delta_S), PAPER.floor(y)
    log_Z = -3.0  # any normalization
    for x in (flat, 0.5 * flat):
        D_11 = 2 * delta_S / PAPER.f1(y)
        log_density = -(PAPER.loss(x, y) - PAPER.L_0(y)) / D_11 - log_Z  # Eq. A14
        printed = T / D_11 * (PAPER.loss(x, y) - PAPER.L_0(y)) + PAPER.L_0(y) + T * log_Z  # Eq. A16, last lines
        assert printed + T * log_density == pytest.approx(PAPER.L_0(y))


def test_the_last_line_of_a33_lacks_f0_and_is_a_bound():
    p = OTHER
    printed = 2 * (p.x1**2 - p.x2**2) / (27 * p.y_b) * (p.L_d / p.y_d + 8 * p.x0**2 / (27 * p.y_f))
    second = quad(
        lambda y: -slope(lambda z: 2 * p.x0**2 / p.f0 * p.y_f * z / (z + p.y_f) ** 3, y, 1e-3),
        p.y_f / 2,
        1e6,
        limit=500,
    )[0]
    assert second == pytest.approx(8 * p.x0**2 / (27 * p.f0 * p.y_f), rel=1e-3)  # its maximum, at y_f/2
    assert theory.Phi_bound(p) != pytest.approx(printed, rel=0.05)
    y = np.linspace(0, 99, 99_001)
    Phi = 0.5 * theory.drift(PAPER, y) * (PAPER.x1**2 - PAPER.x2**2) * PAPER.y_b * y / (y + PAPER.y_b) ** 3
    assert f"{theory.Phi_bound(PAPER) / Phi.max() - 1:.0%} above the maximum" in PAGE


def test_the_rates_are_not_of_one_order_at_the_freezing_point():
    delta_S = np.geomspace(1e-6, 5e-3, 12)
    y = theory.y_freeze_numerical(PAPER, delta_S)
    p_flat = theory.p_flat_stationary(PAPER, y[np.isfinite(y)], delta_S[np.isfinite(y)])
    assert len(p_flat) > 8 and p_flat.min() > 0.998
    k_plus, k_minus = theory.escape_rates(PAPER, y[np.isfinite(y)], delta_S[np.isfinite(y)])
    assert (k_minus / k_plus).min() > 500


def test_eq_25_ends_where_eq_26_goes_on():
    end = float(theory.freezing_noise_bound(PAPER))
    assert f"above Delta_S = {end:.3f}" in PAGE
    assert np.isfinite(theory.y_freeze(PAPER, 0.99 * end)) and np.isnan(theory.y_freeze(PAPER, 1.01 * end))
    assert np.isfinite(theory.p_flat_transient(PAPER, 1.0))


def test_the_hessian_has_a_negative_eigenvalue_on_both_floors_where_the_valley_is_chosen():
    y = np.arange(1.0, 20.0, 0.01)
    least = [np.linalg.eigvalsh(PAPER.hessian(x, y))[:, 0] for x in PAPER.floor(y)]
    for values in least:
        negative = y[values < 0]
        assert f"below y = {negative.max():.1f}," in PAGE and negative.min() == y[0]


def test_the_page_states_both_equilibria():
    assert f"gamma/(1 + gamma) = {theory.p_flat_equilibrium(PAPER):.3f}" in PAGE
    assert f"x_1/(x_1 + x_2) = {theory.p_flat_boltzmann(PAPER):.3f}" in PAGE
