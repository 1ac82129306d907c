"""The closed forms of the two-valley model on the grids that Figs 5 and 6 draw."""

import numpy as np

from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.two_valley import fokker_planck, theory
from sgd_valleys.two_valley.landscape import Landscape
from sgd_valleys.workflow.job import job

with job(snakemake) as log:
    p = snakemake.params.settings
    landscape = Landscape(**p["landscape"])
    reach = 2 * landscape.x1
    x, y = np.linspace(-reach, reach, 401), np.linspace(0, 2 * landscape.y_b, 121)
    along = np.geomspace(0.1, 200, 301)
    gamma = np.linspace(p["gamma"]["first"], p["gamma"]["last"], p["gamma"]["points"])
    delta_S, course = np.array(p["delta_S"]), np.array(p["occupancy_delta_S"])
    flat, sharp = landscape.floor(y)
    height = np.geomspace(0.05, 5, 101)  # sqrt of the barrier over the noise
    # a landscape in which y does not matter: the first-passage time in units of f depends on this root alone
    z_flat, _ = theory.barrier_over_noise(landscape, 1e9, 1.0)
    log_time, _ = theory.log_first_passage_times(landscape, 1e9, (z_flat / height) ** 2)
    rate, _ = theory.escape_rates(landscape, 1e9, (z_flat / height) ** 2)
    log.info(
        f"tau_x at most {theory.tau_x_max(landscape):.3f}, tau_y at least {theory.tau_y_min(landscape):.2f}, "
        f"ratio {theory.tau_x_max(landscape) / theory.tau_y_min(landscape):.2e}"
    )
    log.info(f"gamma {landscape.gamma:.4f}, Phi at most {theory.Phi_bound(landscape):.4g}")

    of_course = ("course", "along")
    variables = {
        "x": Variable(("x",), x, "x of the surface"),
        "y": Variable(("y",), y, "y of the surface"),
        "loss": Variable(("x", "y"), landscape.loss(x[:, None], y), "loss, Eq. 8"),
        "flat_floor": Variable(("y",), flat, "x of the flat valley's floor"),
        "sharp_floor": Variable(("y",), sharp, "x of the sharp valley's floor"),
        "cut_x": Variable(("cut_x",), x, "x of the cut"),
        "cut_y": Variable((), p["y"], "y of the cut"),
        "cut_loss": Variable(("cut_x",), landscape.loss(x, p["y"]), "loss on the cut"),
        "cut_L_eff": Variable(("cut_x",), theory.L_eff(landscape, x, p["y"]), "effective loss on the cut, Eq. 19"),
        "cut_L_SGD": Variable(("cut_x",), theory.L_SGD(landscape, x, p["y"]), "its part from the noise, Eq. 20"),
        "along": Variable(("along",), along, "y at which the valleys' shares are taken"),
        "course_delta_S": Variable(("course",), course, "Delta_S of the runs of Fig. 6B"),
        "p_flat_stationary": Variable(
            of_course, theory.p_flat_stationary(landscape, along, course[:, None]), "P_flat at fixed y, Eq. 22 exact"
        ),
        "p_flat_asymptotic": Variable(
            of_course,
            theory.p_flat_stationary_asymptotic(landscape, along, course[:, None]),
            "P_flat at fixed y, Eq. 22, high barrier",
        ),
        "p_flat_equilibrium": Variable((), theory.p_flat_equilibrium(landscape), "P_flat in equilibrium, Eq. A28"),
        "p_flat_boltzmann": Variable((), theory.p_flat_boltzmann(landscape), "Boltzmann's share of the flat valley"),
        "delta_S": Variable(("delta_S",), delta_S, "effective noise Delta_S = eta sigma"),
        "gamma": Variable(("gamma",), gamma, "ratio of flatness"),
        "p_flat_transient": Variable(
            ("gamma", "delta_S"),
            theory.p_flat_transient(landscape, delta_S, p["epsilon"], gamma[:, None]),
            "final P_flat, Eq. 26, over gamma at the landscape's x2",
        ),
        "p_flat_transient_here": Variable(
            ("delta_S",), theory.p_flat_transient(landscape, delta_S, p["epsilon"]), "final P_flat, Eq. 26"
        ),
        "y_freeze": Variable(("delta_S",), theory.y_freeze(landscape, delta_S, p["epsilon"]), "freezing point, Eq. 25"),
        "y_freeze_numerical": Variable(
            ("delta_S",),
            theory.y_freeze_numerical(landscape, delta_S, p["epsilon"]),
            "freezing point from the criterion A30",
        ),
        "height": Variable(("height",), height, "root of the barrier over the noise"),
        "kramers": Variable(
            ("height",), np.exp(log_time) * rate, "mean first-passage time by quadrature times the rate of Eq. 21"
        ),
        "tau_x_max": Variable((), theory.tau_x_max(landscape), "longest relaxation time across, Eq. A7"),
        "tau_y_min": Variable((), theory.tau_y_min(landscape), "shortest time to drift by 1 along y, Eq. A8"),
    }
    for convention in fokker_planck.CONVENTIONS:
        share = np.stack([fokker_planck.steady_state(landscape, along, one, convention) for one in course])
        variables[f"p_flat_{convention.replace('-', '_')}"] = Variable(
            of_course, share, f"P_flat of the steady density at fixed y, {convention}"
        )
    hdf5.write(snakemake.output[0], variables, provenance.attributes(p))
