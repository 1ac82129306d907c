"""The table has known values at known points, and Kramers' ratio depends on the height of the barrier alone."""

import numpy as np
import pytest

from sgd_valleys.two_valley import theory
from sgd_valleys.two_valley.landscape import Landscape
from sgd_valleys.two_valley.theory_curves import kramers_ratio, tabulate

PAPER = Landscape()
OTHER = Landscape(x0=1.3, f0=0.7, L_d=2.0, x1=1.1, x2=0.4, y_b=12.0, y_f=25.0, y_d=40.0)


@pytest.fixture(scope="module")
def table():
    return tabulate(
        PAPER,
        cut=40.0,
        course_delta_S=np.array([1e-4, 1e-3]),
        delta_S=np.array([1e-3, 1e-2, 5e-2]),
        gamma=np.array([1.0, PAPER.gamma]),
        epsilon=0.1,
        plane={
            "delta_S": [1e-4, 2e-3],
            "y_max": 15.0,
            "points": 4,
            "constants": [{"epsilon": 0.1, "Phi_factor": 1.0}, {"epsilon": 0.01, "Phi_factor": 3000.0}],
        },
    )


def test_kramers_ratio_is_a_half_without_a_barrier_and_1_for_a_high_one():
    height = np.array([1e-3, 0.5, 1.0, 5.0])
    ratio = kramers_ratio(PAPER, height)
    assert ratio[[0, -1]] == pytest.approx([0.5, 1], abs=1e-3)
    assert (np.diff(ratio) > 0).all()
    assert kramers_ratio(OTHER, height) == pytest.approx(ratio, rel=1e-6)


def test_every_variable_has_the_shape_of_its_dimensions(table):
    for name, variable in table.items():
        lengths = [2 if dim == "course" else len(table[dim].data) for dim in variable.dims]
        assert np.shape(variable.data) == tuple(lengths), name


def test_the_surface_and_the_cut_have_their_floors_and_the_ridge(table):
    x, y, loss = (table[name].data for name in ("x", "y", "loss"))
    assert x[200] == 0 and y[80] == 40.0
    assert loss[200, 80] == pytest.approx(np.exp(-0.4) + 1)  # L_0(40), Eq. 12
    assert table["flat_floor"].data[80] == pytest.approx(0.8 * 4 / 7)
    assert table["sharp_floor"].data[80] == pytest.approx(-0.65 * 4 / 7)
    assert table["cut_loss"].data == pytest.approx(loss[:, 80])
    assert table["cut_L_eff"].data - table["cut_L_SGD"].data == pytest.approx(table["cut_loss"].data)


def test_p_flat_at_fixed_y_has_its_limits_and_its_order(table):
    along = table["along"].data
    assert along[0] == pytest.approx(0.1) and along[-1] == pytest.approx(200)
    ito, half, printed, eq_22 = (
        table[f"p_flat_{name}"].data for name in ("ito", "stratonovich", "hanggi_klimontovich", "stationary")
    )
    assert ((ito >= half) & (half >= printed)).all() and (ito > printed)[:, 0].all()
    assert (eq_22[:, -1] > 0.99).all()
    assert table["p_flat_asymptotic"].data[:, -1] == pytest.approx(eq_22[:, -1])
    assert table["p_flat_equilibrium"].data == pytest.approx(0.64 / (0.64 + 0.4225))
    assert table["p_flat_boltzmann"].data == pytest.approx(0.8 / 1.45)


def test_the_final_p_flat_is_one_half_at_gamma_1_and_the_landscapes_own_at_its_gamma(table):
    assert table["p_flat_transient"].data[0].tolist() == [0.5, 0.5, 0.5]
    assert table["p_flat_transient"].data[1] == pytest.approx(table["p_flat_transient_here"].data)
    assert np.isfinite(table["y_freeze"].data).tolist() == [True, True, False]
    assert np.isfinite(table["y_freeze_numerical"].data).tolist() == [True, False, False]
    assert table["tau_x_max"].data == pytest.approx(0.32) and table["tau_y_min"].data == pytest.approx(41.8, abs=0.05)


def test_a_factor_of_phi_is_one_of_epsilon_and_brings_the_freezing_point_forward(table):
    delta_S, y_freeze = table["plane_delta_S"].data, table["plane_y_freeze"].data
    np.testing.assert_allclose(y_freeze[0], theory.y_freeze(PAPER, delta_S, 0.1))
    np.testing.assert_allclose(y_freeze[1], theory.y_freeze(PAPER, delta_S, 30.0))
    assert (y_freeze[1] < y_freeze[0]).all()


def test_the_freezing_point_moves_to_infinity_at_its_end(table):
    assert np.isnan(table["y_freeze_end"].data[0])  # gamma = 1
    end = table["y_freeze_end"].data[1]
    assert theory.y_freeze(PAPER, 0.999 * end, 0.1) > 1e4 and np.isnan(theory.y_freeze(PAPER, 1.001 * end, 0.1))
