"""Claims about quantities of cells that rise or fall with the noise (Sec. II B and C, Figs. 2, 3 and S5)."""

import numpy as np

from sgd_valleys.claims import estimates
from sgd_valleys.claims.estimates import BY_RUNS, NO_INTERVAL, Arrays, RngFactory, converged_only
from sgd_valleys.claims.verdict import ANY, MODERATE, Claim, Direction, Estimate, falls, rises
from sgd_valleys.statistics.reduce import finite_mean

# quantity of cell_maps.h5: place in the paper, statement, the paper's words, expected direction
TRENDS: dict[str, tuple[str, str, str, Direction]] = {
    "similarity": (
        "II B, Fig. 2A",
        "More noise makes the solutions of a cell more diverse: their mean Sim_J falls.",
        "falls systematically",
        falls(MODERATE),
    ),
    "max_test_accuracy": (
        "II B, Fig. 2D",
        "More noise gives a higher maximum test accuracy.",
        "rises systematically",
        rises(MODERATE),
    ),
    "mean_test_accuracy": (
        "II B, Fig. 2D, E",
        "More noise favours solutions that generalize better: the mean test accuracy rises as well.",
        "rises",
        rises(ANY),
    ),
    "max_flatness": (
        "II B, Fig. 2F",
        "More noise gives a higher maximum flatness.",
        "rises consistently",
        rises(MODERATE),
    ),
    "mean_flatness": (
        "II B, Fig. 2F, G",
        "More noise gives flatter solutions on the mean.",
        "rises consistently",
        rises(MODERATE),
    ),
    "eta_t_freeze": (
        "II C, Fig. 3C",
        "More noise prolongs the transient phase: eta <t_freeze> grows.",
        "grows consistently",
        rises(MODERATE),
    ),
    "convergence_probability": (
        "Figs. 2 and 3, grey; S2",
        "The share of runs that converge falls with the noise.",
        "falls",
        falls(ANY),
    ),
    "max_test_file_accuracy": (
        "II B, Fig. 2D",
        "More noise gives a higher maximum test accuracy, on the whole test file.",
        "rises systematically",
        rises(MODERATE),
    ),
    "mean_test_file_accuracy": (
        "II B, Fig. 2D, E",
        "More noise gives a higher mean test accuracy, on the whole test file.",
        "rises",
        rises(ANY),
    ),
}
BOTH_AXES = "with larger eta at fixed B, and smaller B at fixed eta; the weaker of the two."
BEYOND_PAPER = ("max_test_file_accuracy", "mean_test_file_accuracy")


def noise_trend(cell_maps: Arrays, name: str, runs: int, rng: np.random.Generator, permutations: int) -> Estimate:
    """Estimate the rank correlation of a quantity with the noise eta / B, with a permutation test over the map.

    The interval in cell_maps.h5 is about more runs of the same cells. The test asks whether chance could order the few
    rows and columns in the same way.
    """
    low, high = cell_maps[f"{name}_interval"]
    return Estimate(
        float(cell_maps[f"{name}_correlation"]),
        (float(low), float(high)),
        f"{np.isfinite(cell_maps[name]).sum()} cells, {runs} runs",
        f"rank correlation with eta / B, {BY_RUNS}, permutation test of rows and columns",
        estimates.grid_permutation_p(cell_maps["noise"], cell_maps[name], rng, permutations),
    )


def weaker_axis_trend(cell_maps: Arrays, name: str, side: int, runs: int) -> Estimate:
    """Estimate the weaker of the rank correlations with eta at fixed B, and with 1 / B at fixed eta.

    A quantity that depends on eta or B alone is correlated with eta / B too; the weaker correlation shows that case.

    Args:
        cell_maps: arrays of cell_maps.h5.
        name: the quantity.
        side: +1 where the paper expects a rise, -1 where it expects a fall.
        runs: number of runs behind the quantity.
    """
    weaker = int((side * cell_maps[f"{name}_axes"]).argmin())
    low, high = cell_maps[f"{name}_axes_interval"][weaker]
    fixed = ("eta, at fixed B", "1 / B, at fixed eta")[weaker]
    return Estimate(
        float(cell_maps[f"{name}_axes"][weaker]),
        (float(low), float(high)),
        f"{np.isfinite(cell_maps[name]).sum()} cells, {runs} runs",
        f"mean rank correlation with {fixed}, {BY_RUNS}",
    )


def count_runs(endpoints: Arrays, freezing: Arrays) -> dict[str, int]:
    """Return the number of runs behind each quantity of cell_maps.h5."""
    return {
        **dict.fromkeys(TRENDS, int(endpoints["converged"].sum())),
        "similarity": int(endpoints["runs"].sum() - endpoints["diverged"].sum()),
        "eta_t_freeze": int(np.isfinite(freezing["freezing_time"][0]).sum()),
        "convergence_probability": int(endpoints["runs"].sum()),
    }


def collect(
    endpoints: Arrays,
    freezing: Arrays,
    cell_maps: Arrays,
    new_rng: RngFactory,
    permutations: int,
    axes: bool = True,
) -> list[Claim]:
    """Collect the claims about quantities that rise or fall with the noise, of any experiment.

    Args:
        endpoints: ``runs``, ``converged``, ``diverged``, ``test_file_accuracy`` of endpoints.h5.
        freezing: ``freezing_time`` of freezing.h5.
        cell_maps: ``noise`` of cell_maps.h5, and each quantity with its ``_correlation``, ``_interval``, ``_axes`` and
            ``_axes_interval``.
        new_rng: gives a new random stream, the same for every number.
        permutations: number of permutations of each test.
        axes: whether to judge the trends along eta and along B too.
    """
    runs = count_runs(endpoints, freezing)
    claims = []
    for name, (where, statement, paper, expected) in TRENDS.items():
        beyond = name in BEYOND_PAPER
        found = noise_trend(cell_maps, name, runs[name], new_rng(), permutations)
        claims.append(Claim(f"{name}_with_noise", where, statement, paper, expected, found, beyond))
        if axes and name != "convergence_probability":  # which is 1 along most lines
            paper = "rises" if expected.side > 0 else "falls"
            statement = f"{statement.rstrip('.')}: {BOTH_AXES}"
            found = weaker_axis_trend(cell_maps, name, expected.side, runs[name])
            direction = Direction(expected.side, ANY)
            claims.append(Claim(f"{name}_along_axes", where, statement, paper, direction, found, beyond))
    return [
        *claims,
        Claim(
            "test_file_accuracy_gain",
            "II B, Fig. 2D, E",
            "By so much the noisiest quarter of the converging cells beats the quietest, on the whole test file.",
            "above 0",
            rises(ANY),
            accuracy_gain(endpoints, cell_maps, new_rng(), permutations),
            beyond_paper=True,
        ),
    ]


def accuracy_gain(endpoints: Arrays, cell_maps: Arrays, rng: np.random.Generator, resamples: int) -> Estimate:
    """Estimate how much more accurate the noisiest quarter of the cells is than the quietest, on the whole test file.

    Args:
        endpoints: ``converged``, ``runs``, ``test_file_accuracy`` of endpoints.h5.
        cell_maps: ``noise``, ``mean_test_file_accuracy`` of cell_maps.h5. A quarter includes all cells whose noise
            equals that of its last cell.
        rng: stream of the resampling.
        resamples: number of resamples.
    """
    noise, method = cell_maps["noise"], "difference of means over cells"
    known = np.isfinite(cell_maps["mean_test_file_accuracy"])
    if not known.any():
        return Estimate(np.nan, NO_INTERVAL, "no converged run", method)
    low, high = np.quantile(noise[known], [0.25, 0.75])
    quiet, noisy = known & (noise <= low), known & (noise >= high)

    def gain(values: np.ndarray) -> np.ndarray:
        means = finite_mean(values)
        return finite_mean(means[..., noisy]) - finite_mean(means[..., quiet])

    accuracy = converged_only(endpoints, "test_file_accuracy")
    return estimates.over_cells([accuracy], endpoints["runs"], gain, rng, resamples, method)
