"""Claims about the two-valley model (Sec. II E-G, Appendix A, Figs. 5, 6 and S6)."""

from collections.abc import Callable, Mapping

import numpy as np

from sgd_valleys.claims import estimates
from sgd_valleys.claims.estimates import NONE, around, bounds, exact
from sgd_valleys.claims.verdict import MARKED, SOME, Claim, Equal, Estimate, Value, at_least, at_most, falls, rises
from sgd_valleys.statistics.rank import axis_correlation, rank_correlation

Arrays = Mapping[str, np.ndarray]
Drawing = Callable[[], np.random.Generator]

FORM = "closed form"
BINOMIAL = "binomial resampling of runs, too wide where none changes valley"
# covariance, P_flat, freezing time
DIAGRAMS = {"H": ("H", "II E, Fig. 5C", "II E, Fig. 5D"), "H2": ("H^2", "II E, Fig. S6", "II E, Fig. S6")}
FROZEN = 0.9  # of the iterations, by which the last changes of valley are over on the mean
FOLLOWS = 0.05  # a tenth of the range of P_flat that Fig. 6B shows
MONOTONE = 0.999  # rank correlation of what rises at every point, but for rounding


def redrawn(share: np.ndarray, runs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shares as another set of as many runs would show them, NaN where there is none."""
    known = np.isfinite(share) & (np.asarray(runs) > 0)
    count = np.where(known, runs, 1).astype(int)
    drawn = rng.binomial(count, np.clip(np.where(known, share, 0), 0, 1)) / count
    return np.where(known, drawn, np.nan)


def p_flat_trend(
    diagram: Arrays,
    axis: str,
    runs: int,
    rng: np.random.Generator,
    resamples: int,
    frozen: np.ndarray | None = None,
) -> Estimate:
    """How P_flat goes with eta, or with sigma, at fixed value of the other.

    Args:
        diagram: of a phase diagram's file, with stable learning rates alone.
        axis: ``eta`` or ``sigma``.
        runs: of each cell.
        rng: of the resampling.
        resamples: how many.
        frozen: (eta, sigma) the cells to leave it at; all by default.
    """
    finished = runs - diagram["diverged"]
    along = ("eta", "sigma").index(axis)
    share = diagram["p_flat"] if frozen is None else np.where(frozen, diagram["p_flat"], np.nan)
    again = np.array([redrawn(share, finished, rng) for _ in range(resamples)])
    drawn = axis_correlation(again, diagram[axis], along)
    found = axis_correlation(share, diagram[axis], along)
    samples = f"{np.isfinite(share).sum()} cells of {runs} runs"
    return Estimate(found, around(drawn, found), samples, f"mean rank correlation at fixed other axis, {BINOMIAL}")


def freezing_trend(diagram: Arrays, axis: str, runs: int, rng: np.random.Generator, resamples: int) -> Estimate:
    """How eta <t_freeze> goes with eta, or with sigma: as ``p_flat_trend``, resampled by its standard errors."""
    time, error = (diagram["eta"][:, None] * diagram[name] for name in ("freezing_time", "freezing_time_error"))
    along = ("eta", "sigma").index(axis)
    error = np.where(np.isfinite(error), error, 0)
    again = time + error * rng.standard_normal((resamples, *time.shape))
    drawn = axis_correlation(again, diagram[axis], along)
    method = "mean rank correlation at fixed other axis, resampled by standard errors"
    found = axis_correlation(time, diagram[axis], along)
    return Estimate(found, around(drawn, found), f"{time.size} cells of {runs} runs", method)


def corner_difference(diagram: Arrays, runs: int, rng: np.random.Generator, resamples: int) -> Estimate:
    """P_flat at the largest eta and sigma less that at the smallest."""
    share, finished = diagram["p_flat"], runs - diagram["diverged"]
    ends = np.array([share[-1, -1], share[0, 0]])
    count = np.array([finished[-1, -1], finished[0, 0]])
    return _difference(ends, count, rng, resamples)


def _difference(share: np.ndarray, runs: np.ndarray, rng: np.random.Generator, resamples: int) -> Estimate:
    """First less second of two shares of independent runs."""
    drawn = np.array([redrawn(share, runs, rng) for _ in range(resamples)])
    samples = f"{int(runs[0])} and {int(runs[1])} runs"
    return Estimate(float(share[0] - share[1]), bounds(drawn[:, 0] - drawn[:, 1]), samples, f"difference, {BINOMIAL}")


def y_freeze_simulated(diagram: Arrays, runs: int, rng: np.random.Generator, resamples: int) -> Estimate:
    """Rank correlation of the mean y at the last change of valley with Delta_S = eta sigma, over cells with one."""
    delta_S = (diagram["eta"][:, None] * diagram["sigma"]).ravel()
    y, error = diagram["freezing_y"].ravel(), diagram["freezing_y_error"].ravel()
    known = np.isfinite(y) & np.isfinite(error)
    method = "rank correlation with Delta_S, resampled by standard errors"
    if known.sum() < 2:
        return Estimate(np.nan, NONE, "no cell where runs change valley", method)
    x, y, error = delta_S[known], y[known], error[known]
    drawn = rank_correlation(x, y + error * rng.standard_normal((resamples, len(y))))
    samples = f"{known.sum()} cells of {runs} runs"
    found = rank_correlation(x, y)
    return Estimate(found, around(drawn, found), samples, method)


def lowest_final(occupancy: Arrays, runs: int) -> Estimate:
    """The lowest of the noise levels' final shares of runs in the flat valley."""
    share = float(occupancy["p_flat"][:, -1].min())
    return estimates.proportion(round(share * runs), runs, "runs")


def final_rise(occupancy: Arrays, runs: int, rng: np.random.Generator, resamples: int) -> Estimate:
    """Final share in the flat valley at the strongest noise less that at the weakest."""
    order = np.argsort(occupancy["delta_S"])
    ends = occupancy["p_flat"][order[[-1, 0]], -1]
    return _difference(ends, np.array([runs, runs]), rng, resamples)


def above_equilibrium(theory: Arrays) -> Estimate:
    """The least that Eq. 22 lies above Eq. A28, over y and Delta_S."""
    least = (theory["p_flat_stationary"] - theory["p_flat_equilibrium"]).min()
    return exact(least, f"{FORM} at {theory['p_flat_stationary'].size} points")


def stationary_with_noise(theory: Arrays) -> Estimate:
    """P_flat of Eq. 22 at the strongest noise less that at the weakest, mean over y: at fixed y noise blurs."""
    order = np.argsort(theory["course_delta_S"])
    share = theory["p_flat_stationary"][order]
    return exact((share[-1] - share[0]).mean(), f"{FORM}, mean over {share.shape[1]} y")


def rate_ratio_with_noise(theory: Arrays) -> Estimate:
    """ln(k+ / k-) of Eq. 21 at the strongest noise less that at the weakest, mean over y; by Eq. 22 from P_flat."""
    order = np.argsort(theory["course_delta_S"])
    share = theory["p_flat_stationary"][order[[0, -1]]]
    known = ((share > 0) & (share < 1)).all(axis=0)
    weak, strong = np.log((1 - share[:, known]) / share[:, known])
    return exact((strong - weak).mean(), f"{FORM}, mean over {known.sum()} y")


def floors(theory: Arrays) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Loss (y) on the floor of the sharp valley, on the ridge x = 0 and on the floor of the flat valley, y above 0."""
    x, later = theory["x"], theory["y"] > 0
    loss = theory["loss"][:, later]
    return loss[x < 0].min(axis=0), loss[np.abs(x).argmin()], loss[x > 0].min(axis=0)


def depth_difference(theory: Arrays) -> Estimate:
    """Largest difference in loss of the two floors at one y, over the height of the barrier there."""
    sharp, ridge, flat = floors(theory)
    height = ridge - flat
    seen = height > 0.01 * height.max()  # above what a grid resolves
    return exact(np.abs(sharp - flat)[seen].max() / height[seen].max(), f"{FORM} at {seen.sum()} y")


def barrier_with_y(theory: Arrays) -> Estimate:
    """Rank correlation of the barrier's height with y."""
    _, ridge, flat = floors(theory)
    return rising(ridge - flat, theory["y"][theory["y"] > 0])


def until_freezing(theory: Arrays, occupancy: Arrays, rng: np.random.Generator, resamples: int) -> Estimate:
    """Root mean square over time of simulated P_flat less Eq. 22, until y_freeze; the largest of the noise levels.

    What the runs' number leaves open is taken off, and the interval takes it to be the same all along, as they are the
    same runs.

    Args:
        theory: of theory.h5.
        occupancy: of occupancy.h5.
        rng: of the resampling.
        resamples: how many.
    """
    method = "largest root mean square difference up to y_freeze of Eq. 25, binomial error"
    levels = []
    for k, delta_S in enumerate(occupancy["delta_S"]):
        course = np.abs(theory["course_delta_S"] - delta_S).argmin()
        y_freeze = np.interp(np.log(delta_S), np.log(theory["delta_S"]), theory["y_freeze"])
        y, share = occupancy["mean_y"][k], occupancy["p_flat"][k]
        inside = (y >= theory["along"][0]) & (y <= min(theory["along"][-1], y_freeze))
        inside[0] = False  # half of the runs are put on either side there
        if inside.any():
            printed = np.interp(y[inside], theory["along"], theory["p_flat_stationary"][course])
            levels.append((share[inside] - printed, occupancy["p_flat_error"][k][inside]))
    if not levels:
        return Estimate(np.nan, NONE, "no recorded time", method)

    def size(shift: float) -> float:
        return max(np.sqrt(max(0.0, ((off + shift * error) ** 2 - error**2).mean())) for off, error in levels)

    drawn = np.array([size(shift) for shift in rng.standard_normal(resamples)])
    return Estimate(float(size(0.0)), around(drawn, size(0.0)), f"{len(levels)} noise levels", method)


def transient_theory(theory: Arrays, occupancy: Arrays, runs: int) -> Estimate:
    """Simulated final P_flat less Eq. 26; the largest in size of all noise levels."""
    printed = np.interp(np.log(occupancy["delta_S"]), np.log(theory["delta_S"]), theory["p_flat_transient_here"])
    share = occupancy["p_flat"][:, -1]
    k = int(np.abs(share - printed).argmax())
    found = estimates.proportion(round(float(share[k]) * runs), runs, "runs")
    low, high = (float(bound - printed[k]) for bound in found.interval)
    return Estimate(float(share[k] - printed[k]), (low, high), found.samples, "largest difference, exact binomial")


def floor_correction(theory: Arrays, side: int) -> Estimate:
    """L_SGD of Eq. 20 on the floor of the flat (side +1) or the sharp valley (-1) of the cut of Fig. 6A."""
    here = np.flatnonzero(np.sign(theory["cut_x"]) == side)
    floor = here[theory["cut_loss"][here].argmin()]
    return exact(theory["cut_L_SGD"][floor], FORM)


def rising(values: np.ndarray, at: np.ndarray) -> Estimate:
    """Rank correlation of a closed form with what it depends on; of several lines (line, at) the least.

    Where it has no value, or does not vary, it has no say.
    """
    lines = rank_correlation(at, np.atleast_2d(values))
    lines = lines[np.isfinite(lines)]
    used = int(np.isfinite(values).sum())
    return exact(lines.min() if lines.size else np.nan, f"{FORM} at {used} points")


def collect_diagram(
    diagram: Arrays, runs: int, iterations: int, noise: str, drawing: Drawing, resamples: int
) -> list[Claim]:
    """What Fig. 5C and D say, or Fig. S6.

    Args:
        diagram: of phase_diagram_*.h5, ``eta``, ``sigma``, ``stable``, ``p_flat``, ``diverged``, ``freezing_time``,
            ``freezing_time_error``, ``freezing_y``, ``freezing_y_error``.
        runs: of each cell, from the file's settings.
        iterations: of each run, from the same.
        noise: what its covariance goes with, ``H`` or ``H2``.
        drawing: gives the random stream, the same for every number.
        resamples: of the resampling.

    Returns:
        none where no learning rate is stable.
    """
    if not diagram["stable"].any():
        return []
    diagram = {name: array if name == "sigma" else array[diagram["stable"]] for name, array in diagram.items()}
    frozen = diagram["freezing_time"] <= FROZEN * iterations
    name, shares, times = DIAGRAMS[noise]
    claims = []
    for axis, symbol in (("eta", "the learning rate"), ("sigma", "the noise strength")):
        claims += [
            Claim(
                f"p_flat_with_{axis}_{noise}",
                shares,
                f"P_flat rises with {symbol} (noise as {name}).",
                "rises systematically",
                rises(MARKED),
                p_flat_trend(diagram, axis, runs, drawing(), resamples),
            ),
            Claim(
                f"p_flat_with_{axis}_{noise}_frozen",
                shares,
                f"P_flat rises with {symbol} (noise as {name}), over the cells whose runs have frozen when they end.",
                "rises systematically",
                rises(MARKED),
                p_flat_trend(diagram, axis, runs, drawing(), resamples, frozen),
                more=True,
            ),
            Claim(
                f"freezing_with_{axis}_{noise}",
                times,
                f"eta <t_freeze> rises with {symbol} (noise as {name}).",
                "rises systematically",
                rises(MARKED),
                freezing_trend(diagram, axis, runs, drawing(), resamples),
            ),
        ]
    finished = int(runs - diagram["diverged"][-1, -1])
    return [
        *claims,
        Claim(
            f"p_flat_transition_{noise}",
            shares,
            f"From the weakest noise to the strongest P_flat rises dramatically (noise as {name}).",
            "by 0.4 or more",
            rises(0.4),
            corner_difference(diagram, runs, drawing(), resamples),
        ),
        Claim(
            f"stable_bias_{noise}",
            f"III; {shares.partition(', ')[2]}",
            f"The bias to the flat valley is there although both valleys are stable (noise as {name}).",
            "P_flat above 1/2 at the strongest noise",
            at_least(0.5),
            estimates.proportion(round(float(diagram["p_flat"][-1, -1]) * finished), finished, "runs"),
        ),
        Claim(
            f"y_freeze_simulated_{noise}",
            f"II G, Eq. 25; {shares.partition(', ')[2]}",
            f"More noise freezes runs farther out along y (noise as {name}).",
            "rises",
            rises(SOME),
            y_freeze_simulated(diagram, runs, drawing(), resamples),
        ),
    ]


def collect(theory: Arrays, occupancy: Arrays, runs: int, drawing: Drawing, resamples: int) -> list[Claim]:
    """What the theory says, and Fig. 6.

    Args:
        theory: of theory.h5, ``tau_x_max``, ``tau_y_min``, ``p_flat_equilibrium``, ``p_flat_boltzmann``, ``cut_x``,
            ``cut_loss``, ``cut_L_SGD``, ``along``, ``course_delta_S``, ``p_flat_stationary``, ``delta_S``, ``gamma``,
            ``p_flat_transient``, ``p_flat_transient_here``, ``y_freeze``, ``x``, ``y``, ``loss``.
        occupancy: of occupancy.h5, ``delta_S``, ``p_flat``, ``p_flat_error``, ``mean_y``.
        runs: of occupancy.h5, from the file's settings.
        drawing: gives the random stream, the same for every number.
        resamples: of the resampling.
    """
    tau_x, tau_y = float(theory["tau_x_max"]), float(theory["tau_y_min"])
    equilibrium = float(theory["p_flat_equilibrium"])
    parted = theory["gamma"] > 1  # at gamma = 1 the valleys are alike, and noise decides nothing
    transient = theory["p_flat_transient"][parted]
    return [
        Claim(
            "equal_depth",
            "II E, Eq. 11",
            "The two valleys are equally deep at every y.",
            "no difference",
            Equal(0.0, tolerance=0.01),
            depth_difference(theory),
        ),
        Claim(
            "barrier_with_y",
            "II E, Eq. 11",
            "The barrier between the valleys grows along y.",
            "rises at every y",
            rises(MONOTONE),
            barrier_with_y(theory),
        ),
        Claim(
            "tau_x",
            "App. A 2, Eq. A7",
            "Longest relaxation time across a valley.",
            "0.32",
            Value(0.32, tolerance=0.005),
            exact(tau_x, FORM),
        ),
        Claim(
            "tau_y",
            "App. A 2, Eq. A8",
            "Shortest drift time along the valleys.",
            "41.8",
            Value(41.8, tolerance=0.05),
            exact(tau_y, FORM),
        ),
        Claim(
            "tau_ratio",
            "App. A 2",
            "Their ratio is small enough for the adiabatic approximation.",
            "7.6e-3",
            Value(7.6e-3, tolerance=1e-4),
            exact(tau_x / tau_y, FORM),
        ),
        Claim(
            "effective_loss_flat",
            "II F, Eq. 20, Fig. 6A",
            "The noise lowers the effective loss of the flat valley.",
            "below 0",
            falls(SOME),
            floor_correction(theory, +1),
        ),
        Claim(
            "effective_loss_sharp",
            "II F, Eq. 20, Fig. 6A",
            "The noise raises the effective loss of the sharp valley.",
            "above 0",
            rises(SOME),
            floor_correction(theory, -1),
        ),
        Claim(
            "above_equilibrium",
            "II F, Eq. 23",
            "The quasi-steady P_flat always exceeds its equilibrium value.",
            "above",
            rises(SOME),
            above_equilibrium(theory),
        ),
        Claim(
            "equilibrium_share",
            "App. A 3, Eq. A28; Fig. 6B",
            "In equilibrium, that is in Boltzmann's distribution, the flat valley's share is gamma / (1 + gamma).",
            f"{equilibrium:.3f}",
            Value(equilibrium, tolerance=0.005),
            exact(float(theory["p_flat_boltzmann"]), FORM),
        ),
        Claim(
            "simulated_above_equilibrium",
            "II F, Fig. 6B",
            "Simulated runs end in the flat valley more often than in equilibrium, at every noise level.",
            f"above {equilibrium:.3f}",
            at_least(equilibrium),
            lowest_final(occupancy, runs),
        ),
        Claim(
            "theory_until_freezing",
            "II G, Fig. 6B",
            "Until it freezes the simulated P_flat follows Eq. 22.",
            f"to within {FOLLOWS:g}",
            at_most(FOLLOWS),
            until_freezing(theory, occupancy, drawing(), resamples),
        ),
        Claim(
            "stationary_falls",
            "II G, Eq. 22",
            "At fixed y more noise weakens the preference for the flat valley.",
            "falls",
            falls(SOME),
            stationary_with_noise(theory),
        ),
        Claim(
            "rate_ratio_as_printed",
            "II G, Eq. 21; Fig. 6, as printed",
            "As the sentence is printed, at fixed y more noise reduces k+ / k-, flat over sharp: change of the log.",
            "falls",
            falls(SOME),
            rate_ratio_with_noise(theory),
        ),
        Claim(
            "final_p_flat_rises",
            "II G, Fig. 6B",
            "Yet the share of runs that end in the flat valley rises with the noise.",
            "rises",
            rises(SOME),
            final_rise(occupancy, runs, drawing(), resamples),
        ),
        Claim(
            "y_freeze",
            "II G, Eq. 25",
            "The freezing point y_freeze rises with Delta_S.",
            "rises throughout",
            rises(MONOTONE),
            rising(theory["y_freeze"], theory["delta_S"]),
        ),
        Claim(
            "transient_with_noise",
            "II G, Eq. 26, Fig. 6C",
            "The transient P_flat rises with Delta_S, at every gamma above 1.",
            "rises throughout",
            rises(MONOTONE),
            rising(transient, theory["delta_S"]),
        ),
        Claim(
            "transient_with_gamma",
            "II G, Eq. 26, Fig. 6C",
            "The transient P_flat rises with the flatness ratio gamma, at every Delta_S.",
            "rises throughout",
            rises(MONOTONE),
            rising(theory["p_flat_transient"].T, theory["gamma"]),
        ),
        Claim(
            "transient_theory",
            "II G, Eq. 26; Fig. 6C",
            "Eq. 26 gives the share of runs that end in the flat valley.",
            "no difference",
            Equal(0.0, tolerance=0.02),
            transient_theory(theory, occupancy, runs),
        ),
    ]
