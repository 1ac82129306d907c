"""The two-valley loss agrees with Eqs. 8-12 term by term, and its derivatives with finite differences."""

import numpy as np
import pytest

from sgd_valleys.errors import UserError
from sgd_valleys.two_valley.diffusion import diffusion_tensor, steady_state
from sgd_valleys.two_valley.fokker_planck import default_y_edges, solve
from sgd_valleys.two_valley.landscape import Landscape
from sgd_valleys.two_valley.langevin import simulate

OTHER = Landscape(x0=1.3, f0=0.7, L_d=2.0, x1=1.1, x2=0.4, y_b=12.0, y_f=25.0, y_d=40.0)
Y = np.array([0.5, 5.0, 9.0, 40.0, 300.0])


@pytest.fixture(params=[Landscape(), OTHER], ids=["paper", "other"])
def landscape(request):
    return request.param


def printed(p, x, y):
    """Eqs. 8-12 as they are printed."""
    g = [2 * p.x1 * y / (y + p.y_b), 2 * p.x2 * y / (y + p.y_b)]
    f = [p.f0 * q**2 * (y + p.y_f) ** 2 / (p.x0**2 * (y + p.y_b) ** 2) for q in (p.x1, p.x2)]
    valley = x * (x - g[0]) / f[0] if x >= 0 else x * (x + g[1]) / f[1]
    return p.L_d * np.exp(-y / p.y_d) + p.x0**2 / p.f0 + valley


def test_the_loss_is_eq_8(landscape):
    x = np.linspace(-1.5, 1.5, 13)[:, None]
    expected = [[printed(landscape, a, b) for b in Y] for a in x[:, 0]]
    np.testing.assert_allclose(landscape.loss(x, Y), expected, rtol=1e-13)


def test_the_papers_numbers_at_y_40():
    landscape = Landscape()
    assert landscape.gamma == pytest.approx(1.514792899)
    assert landscape.f1(40.0) == pytest.approx(0.64 * 36 / 49) and landscape.f2(40.0) == pytest.approx(0.4225 * 36 / 49)
    assert landscape.floor(40.0) == pytest.approx((0.8 * 4 / 7, -0.65 * 4 / 7))  # g1/2 and -g2/2
    assert landscape.barrier(40.0) == pytest.approx(4 / 9)
    assert landscape.L_0(0.0) == pytest.approx(2.0) and landscape.L_0_star == 1.0


def test_the_floors_are_where_the_loss_is_least_across_and_as_deep_as_eq_11(landscape):
    for floor in landscape.floor(Y):
        np.testing.assert_allclose(landscape.gradient(floor, Y)[:, 0], 0, atol=1e-13)
        np.testing.assert_allclose(landscape.loss(0, Y) - landscape.loss(floor, Y), landscape.barrier(Y), rtol=1e-12)


def test_the_curvature_across_is_2_over_f_and_its_ratio_is_gamma(landscape):
    flat, sharp = (landscape.hessian(side, Y)[:, 0, 0] for side in (0.3, -0.3))
    np.testing.assert_allclose(flat, 2 / landscape.f1(Y), rtol=1e-13)
    np.testing.assert_allclose(sharp, 2 / landscape.f2(Y), rtol=1e-13)
    np.testing.assert_allclose(sharp / flat, landscape.gamma, rtol=1e-13)


def test_the_loss_never_goes_below_0(landscape):
    x = np.linspace(-2, 2, 81)[:, None]
    y = np.geomspace(1e-3, 1e5, 60)
    assert landscape.loss(x, y).min() >= 0
    assert landscape.loss(landscape.floor(1e9)[0], 1e9) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("x", [-0.9, -0.2, -1e-3, 1e-3, 0.3, 1.2])
def test_the_gradient_is_the_finite_difference_of_the_loss(landscape, x):
    step = 1e-5  # the error is of order step^2 and eps / step
    loss = landscape.loss
    numeric = [loss(x + step, Y) - loss(x - step, Y), loss(x, Y + step) - loss(x, Y - step)]
    np.testing.assert_allclose(landscape.gradient(x, Y), np.transpose(numeric) / (2 * step), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("x", [-0.9, -0.2, -1e-3, 1e-3, 0.3, 1.2])
def test_the_hessian_is_the_finite_difference_of_the_gradient(landscape, x):
    step = 1e-5
    gradient = landscape.gradient
    numeric = [gradient(x + step, Y) - gradient(x - step, Y), gradient(x, Y + step) - gradient(x, Y - step)]
    expected = np.moveaxis(numeric, 0, -1) / (2 * step)
    np.testing.assert_allclose(landscape.hessian(x, Y), expected, rtol=1e-6, atol=1e-9)


def test_the_kink_at_the_ridge_is_the_flat_sides():
    landscape = Landscape()
    np.testing.assert_array_equal(landscape.gradient(0.0, 5.0), landscape.gradient(1e-300, 5.0))
    assert landscape.gradient(-1e-300, 5.0)[0] > 0 > landscape.gradient(0.0, 5.0)[0]  # downhill on either side


def test_arrays_broadcast(landscape):
    x = np.linspace(-1, 1, 4)[:, None]
    assert landscape.loss(x, Y).shape == (4, 5)
    assert landscape.gradient(x, Y).shape == (4, 5, 2) and landscape.hessian(x, Y).shape == (4, 5, 2, 2)
    assert landscape.hessian(x, Y)[2, 3].tolist() == landscape.hessian(x[2, 0], Y[3]).tolist()


@pytest.mark.parametrize("name", ["x0", "f0", "L_d", "x1", "x2", "y_b", "y_f", "y_d"])
@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
def test_a_parameter_that_is_not_positive_is_named(name, value):
    with pytest.raises(UserError, match=rf"{name} = .*positive, finite"):
        Landscape(**{name: value})


def test_the_first_valley_has_to_be_the_flatter():
    with pytest.raises(UserError, match=r"x1 = 0\.64: .* allowed are values of at least x2 = 0\.65"):
        Landscape(x1=0.64, x2=0.65)


def test_equal_valleys_are_the_null():
    equal, x, y = Landscape(x1=0.65, x2=0.65), np.linspace(0, 1, 5), 12.0
    assert equal.gamma == 1
    np.testing.assert_allclose(equal.loss(x, y), equal.loss(-x, y), rtol=1e-14)


def test_a_landscape_of_other_formulas_is_refused():
    with pytest.raises(UserError, match="landscape = Tilted: subclasses are not supported; allowed is Landscape"):

        class Tilted(Landscape):
            def loss(self, x, y):
                return super().loss(x, y) + x


class Copy:
    """An object with the parameters of a landscape, and a loss of its own."""

    def __getattr__(self, name):
        return getattr(Landscape(), name)


@pytest.mark.parametrize(
    "use",
    [
        lambda landscape: simulate(landscape, 0.05, 0.05, runs=2, iterations=2, seed=1),
        lambda landscape: solve(landscape, 1e-3, [0.0, 1.0]),
        lambda landscape: steady_state(landscape, 5.0, 1e-3),
    ],
    ids=["simulate", "solve", "steady_state"],
)
def test_an_object_of_another_class_is_refused(use):
    with pytest.raises(UserError, match="landscape = Copy: not a Landscape"):
        use(Copy())


def test_an_unknown_noise_is_not_taken_for_that_of_the_hessian():
    with pytest.raises(UserError, match="noise = 'h2': unknown; allowed are H, H2, isotropic"):
        diffusion_tensor(Landscape(), 0.1, 5.0, 1e-3, "h2")
    with pytest.raises(UserError, match="noise = 'Isotropic': unknown"):
        default_y_edges(1e-3, "Isotropic")
