"""Curves of the theory on the grids of Figs. 5, 6, 6X and C9."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.two_valley import theory
from sgd_valleys.two_valley.diffusion import CONVENTIONS, steady_state
from sgd_valleys.two_valley.landscape import Landscape


def tabulate(
    landscape: Landscape,
    cut: float,
    course_delta_S: np.ndarray,
    delta_S: np.ndarray,
    gamma: np.ndarray,
    epsilon: float,
    plane: Mapping[str, Any],
) -> dict[str, Variable]:
    """Return the variables of ``theory.h5``.

    Args:
        landscape: the loss.
        cut: y of the cut of Fig. 6A.
        course_delta_S: (course) Delta_S of the runs of Fig. 6B.
        delta_S: (delta_S) values at which the final P_flat and the freezing point are tabulated.
        gamma: (gamma) ratios of flatness at which the final P_flat and the bound of Delta_S for freezing are tabulated.
        epsilon: small parameter of the freezing criterion.
        plane: the setting ``two_valley.theory.plane``, with the values of Delta_S as a list.
    """
    reach = 2 * landscape.x1
    x, y = np.linspace(-reach, reach, 401), np.linspace(0, 2 * landscape.y_b, 121)
    flat, sharp = landscape.floor(y)
    height = np.geomspace(0.05, 5, 101)
    along, course = np.geomspace(0.1, 200, 301), course_delta_S[:, None]  # P_flat at fixed y has the shape of both
    stationary = theory.p_flat_stationary(landscape, along, course)
    asymptotic = theory.p_flat_stationary_asymptotic(landscape, along, course)
    steady = {c: np.stack([steady_state(landscape, along, one, c) for one in course_delta_S]) for c in CONVENTIONS}
    transient = theory.p_flat_transient(landscape, delta_S, epsilon, gamma[:, None])
    transient_here = theory.p_flat_transient(landscape, delta_S, epsilon)
    y_freeze = theory.y_freeze(landscape, delta_S, epsilon)
    y_freeze_numerical = theory.y_freeze_numerical(landscape, delta_S, epsilon)
    kramers = kramers_ratio(landscape, height)
    table = {  # dimensions, values and long name
        "x": (("x",), x, "x of the surface"),
        "y": (("y",), y, "y of the surface"),
        "loss": (("x", "y"), landscape.loss(x[:, None], y), "loss, Eq. 8"),
        "flat_floor": (("y",), flat, "x of the flat valley's floor"),
        "sharp_floor": (("y",), sharp, "x of the sharp valley's floor"),
        "cut_x": (("cut_x",), x, "x of the cut"),
        "cut_y": ((), cut, "y of the cut"),
        "cut_loss": (("cut_x",), landscape.loss(x, cut), "loss on the cut"),
        "cut_L_eff": (("cut_x",), theory.L_eff(landscape, x, cut), "effective loss on the cut, Eq. 19"),
        "cut_L_SGD": (("cut_x",), theory.L_SGD(landscape, x, cut), "its part from the noise, Eq. 20"),
        "along": (("along",), along, "y at which P_flat is taken"),
        "course_delta_S": (("course",), course_delta_S, "Delta_S of the runs of Fig. 6B"),
        "p_flat_stationary": (("course", "along"), stationary, "P_flat at fixed y, Eq. 22 exact"),
        "p_flat_asymptotic": (("course", "along"), asymptotic, "P_flat at fixed y, Eq. 22, high barrier"),
        **{
            f"p_flat_{c.replace('-', '_')}": (("course", "along"), p, f"P_flat of the steady density at fixed y, {c}")
            for c, p in steady.items()
        },
        "p_flat_equilibrium": ((), theory.p_flat_equilibrium(landscape), "P_flat in equilibrium, Eq. A28"),
        "p_flat_boltzmann": ((), theory.p_flat_boltzmann(landscape), "Boltzmann's share of the flat valley"),
        "delta_S": (("delta_S",), delta_S, "effective noise Delta_S = eta sigma"),
        "gamma": (("gamma",), gamma, "ratio of flatness"),
        "p_flat_transient": (("gamma", "delta_S"), transient, "final P_flat, Eq. 26, over gamma at the landscape's x2"),
        "p_flat_transient_here": (("delta_S",), transient_here, "final P_flat, Eq. 26"),
        "y_freeze": (("delta_S",), y_freeze, "freezing point, Eq. 25"),
        "y_freeze_numerical": (("delta_S",), y_freeze_numerical, "freezing point from the criterion A30"),
        "height": (("height",), height, "root of the barrier over the noise"),
        "kramers": (("height",), kramers, "mean first-passage time by quadrature times the rate of Eq. 21"),
        "tau_x_max": ((), theory.tau_x_max(landscape), "longest relaxation time across, Eq. A7"),
        "tau_y_min": ((), theory.tau_y_min(landscape), "shortest time to drift by 1 along y, Eq. A8"),
    }
    table |= {
        "model_gamma": ((), landscape.gamma, "ratio of flatness of the landscape"),
        "y_freeze_end": (
            ("gamma",), theory.freezing_noise_bound(landscape, epsilon, gamma),
            "Delta_S from which on Eq. 25 has no freezing point, at the landscape's x2",
        ),
    }  # fmt: skip
    return {name: Variable(*entry) for name, entry in (table | _tabulate_plane(landscape, plane)).items()}


def _tabulate_plane(landscape: Landscape, plane: Mapping[str, Any]) -> dict[str, tuple]:
    """Return dimensions, values and long names of P_flat over Delta_S and y, and of the freezing point on this plane.

    Only the product of epsilon and Phi enters Eq. 25. A factor of Phi is therefore applied to epsilon.
    """
    delta_S, y = np.array(plane["delta_S"]), np.linspace(0, plane["y_max"], plane["points"])
    factors = [each["epsilon"] * each["Phi_factor"] for each in plane["constants"]]
    y_freeze = np.stack([theory.y_freeze(landscape, delta_S, each) for each in factors])
    return {
        "plane_delta_S": (("plane_delta_S",), delta_S, "Delta_S of the plane"),
        "plane_y": (("plane_y",), y, "y of the plane"),
        "plane_p_flat": (
            ("plane_delta_S", "plane_y"), theory.p_flat_stationary(landscape, y, delta_S[:, None]),
            "P_flat at fixed y, Eq. 22 exact",
        ),
        "plane_epsilon": (("plane_epsilon",), [each["epsilon"] for each in plane["constants"]], "epsilon of Eq. 25"),
        "plane_Phi_factor": (("plane_epsilon",), [each["Phi_factor"] for each in plane["constants"]], "factor of Phi"),
        "plane_y_freeze": (
            ("plane_epsilon", "plane_delta_S"), y_freeze,
            "freezing point, Eq. 25, for these constants",
        ),
    }  # fmt: skip


def kramers_ratio(landscape: Landscape, height: np.ndarray) -> np.ndarray:
    """Return (height) mean first-passage time by quadrature, Eq. A20, times the rate of Eq. 21.

    The ratio depends on ``height``, `theory.barrier_over_noise`, alone, and is the same for both valleys of every
    landscape.
    """
    far = 1e9  # y beyond which the barrier and the flatness are constant
    height_at_unit_noise, _ = theory.barrier_over_noise(landscape, far, 1.0)
    delta_S = (height_at_unit_noise / height) ** 2
    log_time, _ = theory.log_first_passage_times(landscape, far, delta_S)
    rate, _ = theory.escape_rates(landscape, far, delta_S)
    return np.exp(log_time) * rate
