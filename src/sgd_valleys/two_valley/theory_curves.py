"""Curves of the theory on the grids of Figs. 5, 6 and 6X."""

import numpy as np

from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.two_valley import theory
from sgd_valleys.two_valley.diffusion import CONVENTIONS, steady_state
from sgd_valleys.two_valley.landscape import Landscape


def tabulate(
    landscape: Landscape,
    *,
    y_cut: float,
    course_delta_S: np.ndarray,
    delta_S: np.ndarray,
    gamma: np.ndarray,
    epsilon: float,
) -> dict[str, Variable]:
    """Return the variables of ``theory.h5``.

    Args:
        landscape: the loss.
        y_cut: y of the cut through the effective loss, Fig. 6A.
        course_delta_S: (course) Delta_S of the runs of Fig. 6B.
        delta_S: (delta_S) Delta_S of the final P_flat and the freezing point.
        gamma: (gamma) ratios of flatness of Fig. 6C.
        epsilon: small parameter of the freezing criterion.
    """
    reach = 2 * landscape.x1
    x, y = np.linspace(-reach, reach, 401), np.linspace(0, 2 * landscape.y_b, 121)
    flat, sharp = landscape.floor(y)
    height = np.geomspace(0.05, 5, 101)
    return {
        "x": Variable(("x",), x, "x of the surface"),
        "y": Variable(("y",), y, "y of the surface"),
        "loss": Variable(("x", "y"), landscape.loss(x[:, None], y), "loss, Eq. 8"),
        "flat_floor": Variable(("y",), flat, "x of the flat valley's floor"),
        "sharp_floor": Variable(("y",), sharp, "x of the sharp valley's floor"),
        "cut_x": Variable(("cut_x",), x, "x of the cut"),
        "cut_y": Variable((), y_cut, "y of the cut"),
        "cut_loss": Variable(("cut_x",), landscape.loss(x, y_cut), "loss on the cut"),
        "cut_L_eff": Variable(("cut_x",), theory.L_eff(landscape, x, y_cut), "effective loss on the cut, Eq. 19"),
        "cut_L_SGD": Variable(("cut_x",), theory.L_SGD(landscape, x, y_cut), "its part from the noise, Eq. 20"),
        **_at_fixed_y(landscape, np.geomspace(0.1, 200, 301), course_delta_S),
        "p_flat_equilibrium": Variable((), theory.p_flat_equilibrium(landscape), "P_flat in equilibrium, Eq. A28"),
        "p_flat_boltzmann": Variable((), theory.p_flat_boltzmann(landscape), "Boltzmann weight of the flat valley"),
        "delta_S": Variable(("delta_S",), delta_S, "effective noise Delta_S = eta sigma"),
        "gamma": Variable(("gamma",), gamma, "ratio of flatness"),
        "p_flat_transient": Variable(
            ("gamma", "delta_S"),
            theory.p_flat_transient(landscape, delta_S, epsilon, gamma[:, None]),
            "final P_flat, Eq. 26, over gamma at the landscape's x2",
        ),
        "p_flat_transient_here": Variable(
            ("delta_S",), theory.p_flat_transient(landscape, delta_S, epsilon), "final P_flat, Eq. 26"
        ),
        "y_freeze": Variable(("delta_S",), theory.y_freeze(landscape, delta_S, epsilon), "freezing point, Eq. 25"),
        "y_freeze_numerical": Variable(
            ("delta_S",),
            theory.y_freeze_numerical(landscape, delta_S, epsilon),
            "freezing point from the criterion A30",
        ),
        "height": Variable(("height",), height, "root of the barrier over the noise"),
        "kramers": Variable(
            ("height",),
            kramers_ratio(landscape, height),
            "mean first-passage time by quadrature times the rate of Eq. 21",
        ),
        "tau_x_max": Variable((), theory.tau_x_max(landscape), "longest relaxation time across, Eq. A7"),
        "tau_y_min": Variable((), theory.tau_y_min(landscape), "shortest time to drift by 1 along y, Eq. A8"),
    }


def kramers_ratio(landscape: Landscape, height: np.ndarray) -> np.ndarray:
    """Return (height) mean first-passage time by quadrature, Eq. A20, times the rate of Eq. 21.

    The ratio is a function of `theory.barrier_over_noise` alone, the same in both valleys of every landscape.

    Args:
        landscape: the loss.
        height: (height) roots of the barrier over the noise, positive.
    """
    far = 1e9  # y at which the barrier and the flatness no longer change
    height_at_unit_noise, _ = theory.barrier_over_noise(landscape, far, 1.0)
    delta_S = (height_at_unit_noise / height) ** 2
    log_time, _ = theory.log_first_passage_times(landscape, far, delta_S)
    rate, _ = theory.escape_rates(landscape, far, delta_S)
    return np.exp(log_time) * rate


def _at_fixed_y(landscape: Landscape, along: np.ndarray, course_delta_S: np.ndarray) -> dict[str, Variable]:
    """Return P_flat (course, along) at fixed y, from Eq. 22 and from the steady density of every convention."""
    dims, delta_S = ("course", "along"), course_delta_S[:, None]
    exact = theory.p_flat_stationary(landscape, along, delta_S)
    asymptotic = theory.p_flat_stationary_asymptotic(landscape, along, delta_S)
    found = {
        "along": Variable(("along",), along, "y at which P_flat is taken"),
        "course_delta_S": Variable(("course",), course_delta_S, "Delta_S of the runs of Fig. 6B"),
        "p_flat_stationary": Variable(dims, exact, "P_flat at fixed y, Eq. 22 exact"),
        "p_flat_asymptotic": Variable(dims, asymptotic, "P_flat at fixed y, Eq. 22, high barrier"),
    }
    for convention in CONVENTIONS:
        steady = np.stack([steady_state(landscape, along, one, convention) for one in course_delta_S])
        found[f"p_flat_{convention.replace('-', '_')}"] = Variable(
            dims, steady, f"P_flat of the steady density at fixed y, {convention}"
        )
    return found
