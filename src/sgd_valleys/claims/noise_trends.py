"""Claims about quantities of cells that rise or fall with the noise (Sec. II B and C, Figs. 2, 3 and S5)."""

import numpy as np

from sgd_valleys.claims import estimates
from sgd_valleys.claims.estimates import BY_RUNS, Arrays, NewSampling, Sampling, converged_only, not_measured
from sgd_valleys.claims.statements import make_claims
from sgd_valleys.claims.verdict import Claim, Estimate
from sgd_valleys.measures.cell_maps import count_runs, fewest_runs
from sgd_valleys.statistics.reduce import finite_mean

# quantities of cell_maps.h5, and the side of 0 on which the paper expects their correlation with the noise
TRENDS = {
    "similarity": -1,
    "max_test_accuracy": +1,
    "mean_test_accuracy": +1,
    "max_flatness": +1,
    "mean_flatness": +1,
    "eta_t_freeze": +1,
    "convergence_probability": -1,
    "max_test_file_accuracy": +1,
    "mean_test_file_accuracy": +1,
}
CONSTANT_ON_LINES = "convergence_probability"  # 1 along most rows and columns, which leaves no trend along an axis


def collect(
    endpoints: Arrays, freezing: Arrays, cell_maps: Arrays, new_sampling: NewSampling, axes: bool = True
) -> list[Claim]:
    """Collect the claims about quantities that rise or fall with the noise, of any experiment.

    The arrays are those of endpoints.h5, freezing.h5 and cell_maps.h5. Without ``axes`` the claims about trends along
    eta and along B are omitted.
    """
    fewest = fewest_runs(endpoints["runs"], endpoints["gradient_descent"])
    runs = {name: (fewest, count) for name, count in count_runs(endpoints, freezing["freezing_time"][0]).items()}
    measured = {"test_file_accuracy_gain": accuracy_gain(endpoints, cell_maps, new_sampling())}
    for name, side in TRENDS.items():
        measured[f"{name}_with_noise"] = noise_trend(cell_maps, name, runs[name], new_sampling())
        if name != CONSTANT_ON_LINES:
            measured[f"{name}_along_axes"] = weaker_axis_trend(cell_maps, name, side, runs[name]) if axes else None
    return make_claims("noise_trends", measured)


def noise_trend(cell_maps: Arrays, name: str, runs: tuple[int, int], sampling: Sampling) -> Estimate:
    """Estimate the rank correlation of a quantity with the noise eta / B, with a permutation test over the map.

    The interval in cell_maps.h5 is about more runs of the same cells. The test asks whether chance could order the few
    rows and columns in the same way. ``runs`` are the fewest of a cell with noise, and those of all cells.
    """
    p_value = estimates.grid_permutation_p(cell_maps["noise"], cell_maps[name], *sampling)
    correlation, interval = cell_maps[f"{name}_correlation"], cell_maps[f"{name}_interval"]
    method = f"rank correlation with eta / B, {BY_RUNS}, permutation test of rows and columns"
    return _stored_trend(cell_maps[name], runs, correlation, interval, method, p_value)


def weaker_axis_trend(cell_maps: Arrays, name: str, side: int, runs: tuple[int, int]) -> Estimate:
    """Estimate the weaker of the rank correlations with eta at fixed B, and with 1 / B at fixed eta.

    A quantity that depends on eta or B alone is correlated with eta / B too; the weaker correlation shows that case.
    ``side`` is +1 where the paper expects a rise, -1 where it expects a fall. ``runs`` is that of ``noise_trend``.
    """
    correlations, intervals = cell_maps[f"{name}_axes"], cell_maps[f"{name}_axes_interval"]
    weaker = int((side * correlations).argmin())
    method = f"mean rank correlation with {('eta, at fixed B', '1 / B, at fixed eta')[weaker]}, {BY_RUNS}"
    return _stored_trend(cell_maps[name], runs, correlations[weaker], intervals[weaker], method)


def _stored_trend(
    values: np.ndarray,
    runs: tuple[int, int],
    correlation: float,
    interval: np.ndarray,
    method: str,
    p_value: float | None = None,
) -> Estimate:
    low, high = map(float, interval)
    samples = f"{np.isfinite(values).sum()} cells, {runs[1]} runs"
    return Estimate(float(correlation), (low, high), samples, method, min(runs), p_value)


def accuracy_gain(endpoints: Arrays, cell_maps: Arrays, sampling: Sampling) -> Estimate:
    """Estimate how much more accurate the noisiest quarter of the cells is than the quietest, on the whole test file.

    A quarter includes all cells whose noise equals that of its last cell.
    """
    noise, method = cell_maps["noise"], "difference of means over cells"
    known = np.isfinite(cell_maps["mean_test_file_accuracy"])
    if not known.any():
        return not_measured("no converged run", method)
    low, high = np.quantile(noise[known], [0.25, 0.75])
    quiet, noisy = known & (noise <= low), known & (noise >= high)

    def gain(values: np.ndarray) -> np.ndarray:
        means = finite_mean(values)
        return finite_mean(means[..., noisy]) - finite_mean(means[..., quiet])

    accuracy = converged_only(endpoints, "test_file_accuracy")
    return estimates.over_cells([accuracy], endpoints, gain, sampling, method)
