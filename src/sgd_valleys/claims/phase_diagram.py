"""Claims about the phase diagrams of the two-valley model (Sec. II E and G, Figs. 5 and S6)."""

import numpy as np

from sgd_valleys.claims import estimates
from sgd_valleys.claims.estimates import BINOMIAL, NO_INTERVAL, Arrays, RngFactory, interval_including_estimate
from sgd_valleys.claims.verdict import ANY, MODERATE, Claim, Estimate, at_least, rises
from sgd_valleys.statistics.bootstrap import resample_fraction
from sgd_valleys.statistics.rank import axis_correlation, rank_correlation

AXES = ("eta", "sigma")
# noise covariance: its name in the paper, place of P_flat, place of the freezing time
DIAGRAMS = {"H": ("H", "II E, Fig. 5C", "II E, Fig. 5D"), "H2": ("H^2", "II E, Fig. S6", "II E, Fig. S6")}
FROZEN_BEFORE = 0.9  # fraction of the iterations; a cell has frozen if its mean last change of valley is earlier


def p_flat_trend(
    diagram: Arrays,
    axis: str,
    runs: int,
    rng: np.random.Generator,
    resamples: int,
    cells: np.ndarray | None = None,
) -> Estimate:
    """Estimate the rank correlation of P_flat with eta or sigma at fixed other axis.

    Args:
        diagram: arrays of a phase diagram's file, at stable learning rates.
        axis: ``eta`` or ``sigma``.
        runs: number of runs of each cell.
        rng: stream of the resampling.
        resamples: number of resamples.
        cells: (eta, sigma) whether to use a cell; all cells by default.
    """
    finished, along = runs - diagram["diverged"], AXES.index(axis)
    p_flat = diagram["p_flat"] if cells is None else np.where(cells, diagram["p_flat"], np.nan)
    resampled = np.array([resample_fraction(p_flat, finished, rng) for _ in range(resamples)])
    samples = f"{np.isfinite(p_flat).sum()} cells of {runs} runs"
    return _axis_trend(p_flat, resampled, diagram[axis], along, samples, BINOMIAL)


def freezing_trend(diagram: Arrays, axis: str, runs: int, rng: np.random.Generator, resamples: int) -> Estimate:
    """Estimate the rank correlation of eta <t_freeze> with eta or sigma, resampled by its standard errors.

    The arguments are those of ``p_flat_trend``.
    """
    time, error = (diagram["eta"][:, None] * diagram[name] for name in ("freezing_time", "freezing_time_error"))
    error = np.where(np.isfinite(error), error, 0)
    resampled = time + error * rng.standard_normal((resamples, *time.shape))
    samples = f"{time.size} cells of {runs} runs"
    return _axis_trend(time, resampled, diagram[axis], AXES.index(axis), samples, "resampled by standard errors")


def _axis_trend(
    values: np.ndarray, resampled: np.ndarray, at: np.ndarray, axis: int, samples: str, method: str
) -> Estimate:
    found = axis_correlation(values, at, axis)
    between = interval_including_estimate(axis_correlation(resampled, at, axis), found)
    return Estimate(found, between, samples, f"mean rank correlation at fixed other axis, {method}")


def corner_difference(diagram: Arrays, runs: int, rng: np.random.Generator, resamples: int) -> Estimate:
    """Estimate P_flat at the largest eta and sigma less P_flat at the smallest."""
    p_flat, finished = diagram["p_flat"], runs - diagram["diverged"]
    corners = (-1, -1), (0, 0)
    return estimates.fraction_difference(
        tuple(p_flat[corner] for corner in corners), tuple(finished[corner] for corner in corners), rng, resamples
    )


def y_freeze_trend(diagram: Arrays, runs: int, rng: np.random.Generator, resamples: int) -> Estimate:
    """Estimate the rank correlation of the mean y at the last change of valley with Delta_S = eta sigma."""
    delta_S = (diagram["eta"][:, None] * diagram["sigma"]).ravel()
    y, error = diagram["freezing_y"].ravel(), diagram["freezing_y_error"].ravel()
    known = np.isfinite(y) & np.isfinite(error)
    method = "rank correlation with Delta_S, resampled by standard errors"
    if known.sum() < 2:
        return Estimate(np.nan, NO_INTERVAL, "no cell where runs change valley", method)
    x, y, error = delta_S[known], y[known], error[known]
    resampled = rank_correlation(x, y + error * rng.standard_normal((resamples, len(y))))
    found = rank_correlation(x, y)
    between = interval_including_estimate(resampled, found)
    return Estimate(found, between, f"{known.sum()} cells of {runs} runs", method)


def collect(
    diagram: Arrays, runs: int, iterations: int, noise: str, new_rng: RngFactory, resamples: int
) -> list[Claim]:
    """Collect the claims about Fig. 5C and D, or about Fig. S6.

    Args:
        diagram: ``eta``, ``sigma``, ``stable``, ``p_flat``, ``diverged``, ``freezing_time``, ``freezing_time_error``,
            ``freezing_y``, ``freezing_y_error`` of phase_diagram_*.h5.
        runs: number of runs of each cell.
        iterations: length of each run.
        noise: covariance of the noise, ``H`` or ``H2``.
        new_rng: gives a new random stream, the same for every number.
        resamples: number of resamples.

    Returns:
        The claims; none where no learning rate is stable.
    """
    if not diagram["stable"].any():
        return []
    diagram = {name: array if name == "sigma" else array[diagram["stable"]] for name, array in diagram.items()}
    frozen = diagram["freezing_time"] <= FROZEN_BEFORE * iterations
    name, where_p_flat, where_freezing = DIAGRAMS[noise]
    claims = []
    for axis, symbol in (("eta", "the learning rate"), ("sigma", "the noise strength")):
        claims += [
            Claim(
                f"p_flat_with_{axis}_{noise}",
                where_p_flat,
                f"P_flat rises with {symbol} (noise as {name}).",
                "rises systematically",
                rises(MODERATE),
                p_flat_trend(diagram, axis, runs, new_rng(), resamples),
            ),
            Claim(
                f"p_flat_with_{axis}_{noise}_frozen",
                where_p_flat,
                f"P_flat rises with {symbol} (noise as {name}), over the cells whose runs have frozen when they end.",
                "rises systematically",
                rises(MODERATE),
                p_flat_trend(diagram, axis, runs, new_rng(), resamples, frozen),
                beyond_paper=True,
            ),
            Claim(
                f"freezing_with_{axis}_{noise}",
                where_freezing,
                f"eta <t_freeze> rises with {symbol} (noise as {name}).",
                "rises systematically",
                rises(MODERATE),
                freezing_trend(diagram, axis, runs, new_rng(), resamples),
            ),
        ]
    finished = int(runs - diagram["diverged"][-1, -1])
    return [
        *claims,
        Claim(
            f"p_flat_transition_{noise}",
            where_p_flat,
            f"From the weakest noise to the strongest P_flat rises dramatically (noise as {name}).",
            "by 0.4 or more",
            rises(0.4),
            corner_difference(diagram, runs, new_rng(), resamples),
        ),
        Claim(
            f"stable_bias_{noise}",
            f"III; {where_p_flat.partition(', ')[2]}",
            f"The bias to the flat valley is there although both valleys are stable (noise as {name}).",
            "P_flat above 1/2 at the strongest noise",
            at_least(0.5),
            estimates.proportion(round(float(diagram["p_flat"][-1, -1]) * finished), finished, "runs"),
        ),
        Claim(
            f"y_freeze_simulated_{noise}",
            f"II G, Eq. 25; {where_p_flat.partition(', ')[2]}",
            f"More noise freezes runs farther out along y (noise as {name}).",
            "rises",
            rises(ANY),
            y_freeze_trend(diagram, runs, new_rng(), resamples),
        ),
    ]
