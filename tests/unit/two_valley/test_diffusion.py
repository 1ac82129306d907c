"""Diffusion tensor and steady state: closed forms against integrals and against the update at small eta."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erfi, ndtr

from sgd_valleys.two_valley.diffusion import CONVENTIONS, diffusion_tensor, effective_temperature, steady_state
from sgd_valleys.two_valley.landscape import Landscape

landscape = Landscape()
conventions = pytest.mark.parametrize("convention", CONVENTIONS)


def stationary_p_flat(y, delta_S, eta):
    """P_flat of the update itself, Eq. 13, at fixed y: the invariant density of its transition kernel."""
    reach = 7 * np.sqrt(delta_S)
    step = np.sqrt(4 * eta * delta_S / landscape.f1(y))
    edges = np.arange(np.floor((landscape.floor(y)[1] - reach) / step * 5), (landscape.floor(y)[0] + reach) / step * 5)
    edges = edges * step / 5  # five cells a step, with an edge at 0
    x = (edges[1:] + edges[:-1]) / 2
    deviation = np.sqrt(2 * eta * delta_S * landscape.hessian(x, y)[..., 0, 0])
    kernel = np.diff(ndtr((edges - (x - eta * landscape.gradient(x, y)[..., 0])[:, None]) / deviation[:, None]), axis=1)
    balance = (kernel / kernel.sum(axis=1, keepdims=True)).T - np.eye(len(x))
    balance[0] = 1
    mass = np.linalg.solve(balance, np.eye(len(x))[0])
    return mass[x > 0].sum()


@pytest.mark.parametrize("noise", ["H", "H1.5", "H2", "isotropic"])
@conventions
def test_the_closed_steady_state_is_the_integral_of_its_density(convention, noise):
    y, delta_S, p = 7.0, 2e-3, CONVENTIONS[convention]

    def density(x):
        H_11 = landscape.hessian(x, y)[..., 0, 0]  # without the small H_12
        T_eff = effective_temperature(landscape, y, delta_S)
        D = {"H": delta_S * H_11, "H1.5": delta_S * H_11**1.5, "H2": delta_S * H_11**2, "isotropic": T_eff}[noise]
        return D**-p * np.exp(-(landscape.loss(x, y) - landscape.L_0(y)) / D)

    flat, sharp = (quad(density, *range_, epsabs=0, limit=200)[0] for range_ in ((0, 1.5), (-1.5, -1e-12)))
    expected = flat / (flat + sharp)
    assert steady_state(landscape, y, delta_S, convention, noise) == pytest.approx(expected, rel=1e-8)


def test_with_weak_noise_eq_22_lies_between_the_conventions():
    y, delta_S, gamma = 2.0, 5e-5, landscape.gamma
    u1, u2 = (landscape.barrier(y) * f / (2 * delta_S) for f in (landscape.f1(y), landscape.f2(y)))

    def power(P):
        return (np.log(P / (1 - P)) - (u1 - u2)) / np.log(gamma)

    for convention, p in CONVENTIONS.items():
        assert power(steady_state(landscape, y, delta_S, convention)) == pytest.approx(p, abs=1e-6)
    eq_22 = 1 / (1 + erfi(np.sqrt(u2)) / erfi(np.sqrt(u1)) / gamma)
    assert power(eq_22) == pytest.approx(0.5, abs=0.03)


def test_the_update_approaches_itos_steady_state_as_the_root_of_eta():
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


def test_the_diffusion_is_the_hessian_without_its_negative_eigenvalues():
    x, y = np.meshgrid(np.linspace(-1, 1, 40), [0.5, 5.0, 50.0])
    value, vector = np.linalg.eigh(landscape.hessian(x, y))
    assert (value < 0).any() and (value[..., 0] > 0).any()
    expected = 1e-3 * np.einsum("...ik,...k,...jk->...ij", vector, np.maximum(value, 0), vector)
    D11, D12, D22 = diffusion_tensor(landscape, x, y, 1e-3)
    for D, exact in ((D11, expected[..., 0, 0]), (D12, expected[..., 0, 1]), (D22, expected[..., 1, 1])):
        assert np.abs(D - exact).max() < 1e-16
    D = diffusion_tensor(landscape, x, y, 1e-3, "H2")
    H2 = landscape.hessian(x, y) @ landscape.hessian(x, y)
    for entry, exact in zip(D, (H2[..., 0, 0], H2[..., 0, 1], H2[..., 1, 1]), strict=True):
        np.testing.assert_allclose(entry, 1e-3 * exact, rtol=1e-12, atol=1e-18)
    D11, D12, D22 = diffusion_tensor(landscape, x, y, 1e-3, "isotropic")
    np.testing.assert_allclose(D11, 2e-3 / np.sqrt(landscape.f1(y) * landscape.f2(y)), rtol=1e-12)
    assert (D12 == 0).all() and (D22 == D11).all()


def test_the_diffusion_of_h_to_the_power_3_2_is_that_of_an_eigendecomposition():
    x, y = np.array([-0.5, -0.05, 0.05, 0.5]), np.array([1.0, 5.0, 15.0, 60.0])
    value, vector = np.linalg.eigh(landscape.hessian(x, y))
    expected = (vector * np.maximum(value, 0)[..., None, :] ** 1.5) @ np.swapaxes(vector, -1, -2)
    D11, D12, D22 = diffusion_tensor(landscape, x, y, 1.0, "H1.5")
    np.testing.assert_allclose(np.stack([D11, D12, D22]), expected[:, [0, 0, 1], [0, 1, 1]].T, atol=1e-12)
