"""Claims about what the noise of SGD does over a sweep (Sec. II B and C, Figs. 2, 3, S3 and S5)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from sgd_valleys.claims import estimates
from sgd_valleys.claims.estimates import BY_RUNS, NONE, bounds, nanmean
from sgd_valleys.claims.verdict import (
    MARKED,
    SOME,
    STEADY,
    Claim,
    Direction,
    Estimate,
    Value,
    at_least,
    at_most,
    falls,
    rises,
)
from sgd_valleys.statistics.rank import rank_correlation
from sgd_valleys.statistics.reduce import MIN_RUNS_FOR_INTERVAL, finite_max, finite_mean

Arrays = Mapping[str, np.ndarray]
Drawing = Callable[[], np.random.Generator]

START = 0.05  # share of the training that counts as its very beginning
RUNS = 20  # of a cell in the paper
SCALE = 0.1  # by which an end of the flatness scale may differ from one initialization to another, of itself

# quantity of cell_maps.h5: place in the paper, statement, what the paper says of it, expected
TRENDS: dict[str, tuple[str, str, str, Direction]] = {
    "similarity": (
        "II B, Fig. 2A",
        "More noise makes the solutions of a cell more diverse: their mean Sim_J falls.",
        "falls systematically",
        falls(MARKED),
    ),
    "max_test_accuracy": (
        "II B, Fig. 2D",
        "More noise gives a higher maximum test accuracy.",
        "rises systematically",
        rises(MARKED),
    ),
    "mean_test_accuracy": (
        "II B, Fig. 2D, E",
        "More noise favours solutions that generalize better: the mean test accuracy rises as well.",
        "rises",
        rises(SOME),
    ),
    "max_flatness": (
        "II B, Fig. 2F",
        "More noise gives a higher maximum flatness.",
        "rises consistently",
        rises(MARKED),
    ),
    "mean_flatness": (
        "II B, Fig. 2F, G",
        "More noise gives flatter solutions on the mean.",
        "rises consistently",
        rises(MARKED),
    ),
    "eta_t_freeze": (
        "II C, Fig. 3C",
        "More noise prolongs the transient phase: eta <t_freeze> grows.",
        "grows consistently",
        rises(MARKED),
    ),
    "convergence_probability": (
        "Figs. 2 and 3, grey; S2",
        "The share of runs that converge falls with the noise.",
        "falls",
        falls(SOME),
    ),
    "max_test_file_accuracy": (
        "II B, Fig. 2D",
        "More noise gives a higher maximum test accuracy, on the whole test file.",
        "rises systematically",
        rises(MARKED),
    ),
    "mean_test_file_accuracy": (
        "II B, Fig. 2D, E",
        "More noise gives a higher mean test accuracy, on the whole test file.",
        "rises",
        rises(SOME),
    ),
}
OWN = ("max_test_file_accuracy", "mean_test_file_accuracy")  # not of the paper


def trend(trends: Arrays, name: str, runs: int, rng: np.random.Generator, permutations: int) -> Estimate:
    """Rank correlation of a quantity of cell_maps.h5 with the noise eta / B, with a permutation test over the map.

    The interval in the file is about more runs of the same cells; whether rows and columns of so few cells could be in
    order by chance is what the test says.
    """
    correlation, interval = float(trends[f"{name}_correlation"]), trends[f"{name}_interval"]
    return Estimate(
        correlation,
        (float(interval[0]), float(interval[1])),
        f"{np.isfinite(trends[name]).sum()} cells, {runs} runs",
        f"rank correlation with eta / B, {BY_RUNS}, permutation test of rows and columns",
        estimates.grid_permutation_p(trends["noise"], trends[name], rng, permutations),
    )


def along_axes(trends: Arrays, name: str, side: int, runs: int) -> Estimate:
    """Of the rank correlations with eta at fixed B, and with 1 / B at fixed eta, the one that says less for ``side``.

    A quantity that goes with one of the two alone goes with eta / B as well.
    """
    weaker = int((side * trends[f"{name}_axes"]).argmin())
    low, high = trends[f"{name}_axes_interval"][weaker]
    fixed = ("eta, at fixed B", "1 / B, at fixed eta")[weaker]
    return Estimate(
        float(trends[f"{name}_axes"][weaker]),
        (float(low), float(high)),
        f"{np.isfinite(trends[name]).sum()} cells, {runs} runs",
        f"mean rank correlation with {fixed}, {BY_RUNS}",
    )


def counted(endpoints: Arrays, freezing: Arrays) -> dict[str, int]:
    """How many runs are behind each quantity of cell_maps.h5."""
    return {
        **dict.fromkeys(TRENDS, int(endpoints["converged"].sum())),
        "similarity": int(endpoints["runs"].sum() - endpoints["diverged"].sum()),
        "eta_t_freeze": int(np.isfinite(freezing["freezing_time"][0]).sum()),
        "convergence_probability": int(endpoints["runs"].sum()),
    }


def collect_trends(
    endpoints: Arrays, freezing: Arrays, trends: Arrays, drawing: Drawing, permutations: int, axes: bool = True
) -> list[Claim]:
    """What rises and falls with the noise, of any experiment.

    Args:
        endpoints: of endpoints.h5, ``runs``, ``converged``, ``diverged``, ``test_file_accuracy``.
        freezing: of freezing.h5, ``freezing_time``.
        trends: of cell_maps.h5, all: ``noise``, each quantity with its ``_correlation``, ``_interval``, ``_axes`` and
            ``_axes_interval``.
        drawing: gives the random stream, the same for every number.
        permutations: of the tests.
        axes: also whether it is so along eta and along B.
    """
    runs = counted(endpoints, freezing)
    claims = []
    for name, (where, says, paper, expected) in TRENDS.items():
        found = trend(trends, name, runs[name], drawing(), permutations)
        claims.append(Claim(f"{name}_with_noise", where, says, paper, expected, found, more=name in OWN))
        if axes and name != "convergence_probability":  # which is 1 along most lines
            goes = "rises" if expected.side > 0 else "falls"
            says = f"{says.rstrip('.')}: with larger eta at fixed B, and smaller B at fixed eta; the weaker of the two."
            found = along_axes(trends, name, expected.side, runs[name])
            direction = Direction(expected.side, SOME)
            claims.append(Claim(f"{name}_along_axes", where, says, goes, direction, found, more=name in OWN))
    gain = accuracy_gain(endpoints, trends["noise"], drawing(), permutations)
    says = "By so much the noisiest quarter of the converging cells beats the quietest, on the whole test file."
    return [
        *claims,
        Claim("test_file_accuracy_gain", "II B, Fig. 2D, E", says, "above 0", rises(SOME), gain, more=True),
    ]


def accuracy_gain(endpoints: Arrays, noise: np.ndarray, rng: np.random.Generator, resamples: int) -> Estimate:
    """Mean accuracy on the whole test file over the noisiest quarter of the cells, less that over the quietest.

    Args:
        endpoints: of endpoints.h5, ``converged``, ``runs``, ``test_file_accuracy``.
        noise: (eta, B) eta / B, 0 for gradient descent. Cells with the same noise as the last of a quarter are of it.
        rng: of the resampling.
        resamples: how many.
    """
    accuracy = _converged(endpoints, "test_file_accuracy")
    shown = np.isfinite(accuracy).any(axis=2)
    method = "difference of means over cells"
    if not shown.any():
        return Estimate(np.nan, NONE, "no converged run", method)
    low, high = np.quantile(noise[shown], [0.25, 0.75])
    quiet, loud = shown & (noise <= low), shown & (noise >= high)

    def gain(values: np.ndarray) -> float:
        means = finite_mean(values)
        return nanmean(means[loud]) - nanmean(means[quiet])

    return estimates.over_cells([accuracy], endpoints["runs"], gain, rng, resamples, method)


def collect_thresholds(
    endpoints: Arrays, freezing: Arrays, noise: np.ndarray, drawing: Drawing, resamples: int
) -> list[Claim]:
    """Whether the conclusion from the freezing times hangs on the threshold L_c, one claim a threshold.

    Args:
        endpoints: ``runs`` of endpoints.h5.
        freezing: of freezing.h5, ``threshold`` (the first is the one that Fig. 3C has), ``eta``, ``freezing_time``.
        noise: (eta, B) eta / B, 0 for gradient descent.
        drawing: gives the random stream, the same for every number.
        resamples: of the bootstrap.
    """
    return [
        Claim(
            f"freezing_at_L_c_{threshold:g}",
            "II C, Fig. S3",
            f"The conclusion does not hang on L_c: at L_c = {threshold:g}, too, noise prolongs the transient phase.",
            "grows consistently",
            rises(MARKED),
            threshold_trend(endpoints, freezing, noise, k, drawing(), resamples),
        )
        for k, threshold in enumerate(freezing["threshold"][1:], start=1)
    ]


def threshold_trend(
    endpoints: Arrays, freezing: Arrays, noise: np.ndarray, k: int, rng: np.random.Generator, resamples: int
) -> Estimate:
    """Rank correlation over cells of eta <t_freeze> at the k-th threshold with the noise (eta, B).

    The method names the correlation with the map at the first threshold as well, which says how alike the maps are.
    """
    first, time = (freezing["eta"][:, None, None] * freezing["freezing_time"][place] for place in (0, k))

    def correlation(values: np.ndarray) -> float:
        return rank_correlation(noise.ravel(), finite_mean(values).ravel())

    alike = rank_correlation(finite_mean(first).ravel(), finite_mean(time).ravel())
    method = (
        f"rank correlation with eta / B ({alike:.2f} with the map at L_c = {freezing['threshold'][0]:g}), permutation "
        "test of rows and columns"
    )
    found = estimates.over_cells([time], endpoints["runs"], correlation, rng, resamples, method)
    return replace(found, p_value=estimates.grid_permutation_p(noise, finite_mean(time), rng, resamples))


def _converged(endpoints: Arrays, name: str) -> np.ndarray:
    """A quantity (eta, B, run) of converged runs, NaN elsewhere."""
    return np.where(endpoints["converged"], endpoints[name], np.nan)


def _cell(axes: Arrays, eta: float, B: int) -> tuple[int, int] | None:
    """Where a cell stands on the axes eta and B; None where it is not in the sweep."""
    i, j = np.flatnonzero(np.isclose(axes["eta"], eta)), np.flatnonzero(axes["B"] == B)
    return (int(i[0]), int(j[0])) if len(i) and len(j) else None


def extreme_cell(endpoints: Arrays, name: str, largest: bool, rng: np.random.Generator, resamples: int) -> Estimate:
    """The largest, or the smallest, of the cells' maxima over converged runs: an end of a heatmap's colour scale.

    A maximum over fewer runs than the paper's is lower of itself: it has no interval, and decides nothing.
    """

    def end(values: np.ndarray) -> float:
        maxima = finite_max(values)
        maxima = maxima[np.isfinite(maxima)]
        return float(maxima.max() if largest else maxima.min()) if maxima.size else np.nan

    kind = "largest" if largest else "smallest"
    found = estimates.over_cells(
        [_converged(endpoints, name)], endpoints["runs"], end, rng, resamples, f"{kind} cell maximum"
    )
    return found if endpoints["runs"].max() >= RUNS else replace(found, interval=NONE)


def maps(
    endpoints: Arrays,
    first: np.ndarray,
    second: np.ndarray,
    reduce: Callable[[np.ndarray], np.ndarray],
    rng: np.random.Generator,
    resamples: int,
    permutations: int,
) -> Estimate:
    """Rank correlation over the cells of two quantities (eta, B, run), each reduced over its cell's runs."""

    def correlation(one: np.ndarray, other: np.ndarray) -> float:
        return rank_correlation(reduce(one).ravel(), reduce(other).ravel())

    method = "rank correlation over cells, permutation test of rows and columns"
    found = estimates.over_cells([first, second], endpoints["runs"], correlation, rng, resamples, method)
    return replace(found, p_value=estimates.grid_permutation_p(reduce(first), reduce(second), rng, permutations))


def row_trend(
    axes: Arrays, values: np.ndarray, eta: float, rng: np.random.Generator, resamples: int, permutations: int
) -> Estimate:
    """Rank correlation with B of single runs' values (eta, B, run) at one rate."""
    rows = np.flatnonzero(np.isclose(axes["eta"], eta))
    if not len(rows):
        return Estimate(np.nan, NONE, f"no run at eta = {eta:g}", "rank correlation")
    row = rows[0]
    return estimates.run_trend(axes["B"], values[row], axes["runs"][row], rng, resamples, permutations)


def similarity_difference(
    similarity: Arrays, quiet: tuple[float, int], noisy: tuple[float, int], rng: np.random.Generator, resamples: int
) -> Estimate:
    """By how much the mean Sim_J of the noisy cell's runs is above that of the quiet cell's: below 0 where diverse.

    Args:
        similarity: of jaccard.h5.
        quiet: (eta, B) of the cell with little noise.
        noisy: (eta, B) of the one with much.
        rng: of the resampling, of either cell's runs.
        resamples: how many.
    """
    blocks = []
    for eta, B in (quiet, noisy):
        own = np.flatnonzero(np.isclose(similarity["solution_eta"], eta) & (similarity["solution_B"] == B))
        block = similarity["jaccard"][np.ix_(own, own)].astype(float)
        np.fill_diagonal(block, np.nan)  # a run drawn twice is no pair
        blocks.append(block)
    counts = [len(block) for block in blocks]
    method = f"difference of means over pairs, {BY_RUNS}"
    if min(counts) < 2:
        return Estimate(np.nan, NONE, "too few runs", method)
    drawn = np.empty(resamples)
    for k in range(resamples):
        chosen = [rng.integers(0, count, count) for count in counts]
        low, high = (nanmean(block[np.ix_(c, c)]) for block, c in zip(blocks, chosen, strict=True))
        drawn[k] = high - low
    difference = nanmean(blocks[1]) - nanmean(blocks[0])
    return Estimate(difference, bounds(drawn), f"{counts[0]} and {counts[1]} runs", method)


def noisiest_converges(endpoints: Arrays) -> Estimate:
    """Share of the runs of the cell with the largest eta / B that converge; the samples name the grey cells."""
    eta, B = endpoints["eta"], endpoints["B"]
    noise = np.where(endpoints["runs"] > 0, eta[:, None] / B, -np.inf)
    i, j = np.unravel_index(noise.argmax(), noise.shape)
    grey = (endpoints["runs"] > 0) & ~endpoints["converged"].any(axis=2)
    named = ", ".join(f"({eta[k]:g}, {B[m]})" for k, m in np.argwhere(grey)) or "none"
    what = f"runs of (eta, B) = ({eta[i]:g}, {B[j]}); cells without a converged run: {named}"
    return estimates.proportion(endpoints["converged"][i, j].sum(), endpoints["runs"][i, j], what)


def reference_freezing(freezing: Arrays, eta: float, B: int) -> Estimate:
    """Freezing time, in iterations, of single runs of one cell at the first threshold: their spread."""
    place = _cell(freezing, eta, B)
    times = freezing["freezing_time"][0][place] if place else np.array([])
    return estimates.one_run(times)


def collect(
    endpoints: Arrays,
    similarity: Arrays,
    drawing: Drawing,
    resamples: int,
    violin_eta: float,
    quiet: tuple[float, int],
    noisy: tuple[float, int],
    images: int,
) -> list[Claim]:
    """What Fig. 2 says of single cells and rows, and of one map against another.

    Args:
        endpoints: of endpoints.h5, ``eta``, ``B``, ``runs``, ``converged``, ``flatness``, ``test_accuracy``,
            ``test_file_accuracy``.
        similarity: of jaccard.h5, ``solution_eta``, ``solution_B``, ``jaccard``.
        drawing: gives the random stream, the same for every number.
        resamples: of the bootstrap, and permutations of the tests.
        violin_eta: rate of Fig. 2E and G.
        quiet: cell of Fig. 2B.
        noisy: cell of Fig. 2C.
        images: of the test set, of which test accuracy is a share.
    """
    flat, accurate, on_file = (
        _converged(endpoints, name) for name in ("flatness", "test_accuracy", "test_file_accuracy")
    )

    def row(values: np.ndarray) -> Estimate:
        return row_trend(endpoints, values, violin_eta, drawing(), resamples, resamples)

    def end(name: str, largest: bool) -> Estimate:
        return extreme_cell(endpoints, name, largest, drawing(), resamples)

    return [
        Claim(
            "examples_diverge",
            "II B, Fig. 2A-C",
            f"Runs of the noisy example (eta, B) = {noisy} end more diverse than those of the quiet one, {quiet}.",
            "Sim_J of the noisy one is lower",
            falls(SOME),
            similarity_difference(similarity, quiet, noisy, drawing(), resamples),
        ),
        Claim(
            "accuracy_with_B",
            "II B, Fig. 2E",
            f"At eta = {violin_eta:g} smaller batches give more accurate solutions.",
            "falls with B",
            falls(SOME),
            row(accurate),
        ),
        Claim(
            "test_file_accuracy_with_B",
            "II B, Fig. 2E",
            f"At eta = {violin_eta:g} smaller batches give more accurate solutions, on the whole test file.",
            "falls with B",
            falls(SOME),
            row(on_file),
            more=True,
        ),
        Claim(
            "flatness_with_B",
            "II B, Fig. 2G",
            f"At eta = {violin_eta:g} smaller batches give flatter solutions.",
            "falls with B",
            falls(SOME),
            row(flat),
        ),
        *collect_flat_is_accurate(endpoints, drawing, resamples),
        Claim(
            "accuracy_scale_low",
            "Fig. 2D, scale",
            "Lowest maximum test accuracy of a cell.",
            "0.895",
            Value(0.895, tolerance=1 / images),
            end("test_accuracy", False),
        ),
        Claim(
            "accuracy_scale_high",
            "Fig. 2D, scale",
            "Highest maximum test accuracy of a cell.",
            "0.93",
            Value(0.93, tolerance=1 / images),
            end("test_accuracy", True),
        ),
        Claim(
            "flatness_scale_low",
            "Fig. 2F, scale",
            "Lowest maximum flatness of a cell.",
            "1.66",
            Value(1.66, tolerance=1.66 * SCALE),
            end("flatness", False),
        ),
        Claim(
            "flatness_scale_high",
            "Fig. 2F, scale",
            "Highest maximum flatness of a cell.",
            "5.97",
            Value(5.97, tolerance=5.97 * SCALE),
            end("flatness", True),
        ),
        Claim(
            "noisiest_does_not_converge",
            "Figs. 2 and 3, grey",
            "In the cell of the strongest noise no run reaches a training accuracy of 100%.",
            "none",
            Value(0.0, no_effect=0.5),
            noisiest_converges(endpoints),
        ),
    ]


def collect_flat_is_accurate(endpoints: Arrays, drawing: Drawing, resamples: int) -> list[Claim]:
    """Whether the flat cells are the accurate ones, of any experiment.

    Args:
        endpoints: of endpoints.h5, ``runs``, ``converged``, ``flatness``, ``test_accuracy``.
        drawing: gives the random stream, the same for every number.
        resamples: of the bootstrap, and permutations of the test.
    """
    flat, accurate = (_converged(endpoints, name) for name in ("flatness", "test_accuracy"))
    return [
        Claim(
            "flat_is_accurate",
            "II B, Fig. 2D, F",
            "Cells with a higher maximum flatness have a higher maximum test accuracy.",
            "rises",
            rises(SOME),
            maps(endpoints, flat, accurate, finite_max, drawing(), resamples, resamples),
        )
    ]


def collect_longer_is_flatter(endpoints: Arrays, freezing: Arrays, drawing: Drawing, resamples: int) -> list[Claim]:
    """Whether a long transient phase and flat solutions go together, of any experiment.

    Args:
        endpoints: of endpoints.h5, ``runs``, ``converged``, ``flatness``.
        freezing: of freezing.h5, ``eta``, ``freezing_time``.
        drawing: gives the random stream, the same for every number.
        resamples: of the bootstrap, and permutations of the test.
    """
    time = freezing["eta"][:, None, None] * freezing["freezing_time"][0]
    return [
        Claim(
            "longer_is_flatter",
            "II C, end",
            "The longer the transient phase of a cell, the flatter its solutions.",
            "rises directly",
            rises(MARKED),
            maps(endpoints, time, _converged(endpoints, "flatness"), finite_mean, drawing(), resamples, resamples),
        )
    ]


def collect_freezing(
    endpoints: Arrays,
    freezing: Arrays,
    drawing: Drawing,
    resamples: int,
    eta: float,
    reference: tuple[float, int],
) -> list[Claim]:
    """What Fig. 3A to C say.

    Args:
        endpoints: of endpoints.h5, ``eta``, ``B``, ``runs``, ``converged``, ``flatness``, ``train_loss``.
        freezing: of freezing.h5, ``eta``, ``B``, ``freezing_time``.
        drawing: gives the random stream, the same for every number.
        resamples: of the bootstrap, and permutations of the tests.
        eta: rate of Fig. 3B.
        reference: cell of the run of Figs. 3A and 4.
    """
    time = freezing["eta"][:, None, None] * freezing["freezing_time"][0]
    loss = _converged(endpoints, "train_loss")
    return [
        Claim(
            "reference_freezing",
            "II C, Figs. 3A, 4",
            f"A run of (eta, B) = {reference}, such as the reference run, freezes at iteration 440.",
            "440",
            Value(440.0, tolerance=20.0),
            reference_freezing(freezing, *reference),
        ),
        Claim(
            "freezing_with_B",
            "II C, Fig. 3B",
            f"At eta = {eta:g} smaller batches freeze later.",
            "falls with B",
            falls(SOME),
            row_trend(endpoints, time, eta, drawing(), resamples, resamples),
        ),
        Claim(
            "final_losses_comparable",
            "II C, Fig. 3B",
            f"At eta = {eta:g} all batch sizes end at comparable training losses.",
            "largest cell mean at most twice the smallest",
            at_most(2.0),
            loss_ratio(endpoints, loss, eta, drawing(), resamples),
        ),
        *collect_longer_is_flatter(endpoints, freezing, drawing, resamples),
    ]


def loss_ratio(axes: Arrays, loss: np.ndarray, eta: float, rng: np.random.Generator, resamples: int) -> Estimate:
    """Largest over smallest mean final training loss (eta, B, run) of the batch sizes at one rate."""
    rows = np.flatnonzero(np.isclose(axes["eta"], eta))
    if not len(rows):
        return Estimate(np.nan, NONE, f"no run at eta = {eta:g}", "ratio")

    def ratio(values: np.ndarray) -> float:
        means = finite_mean(values)
        means = means[np.isfinite(means)]
        return float(means.max() / means.min()) if means.size > 1 else np.nan

    row = rows[0]
    return estimates.over_cells([loss[row]], axes["runs"][row], ratio, rng, resamples, "ratio of cell means")


def growth(along: Mapping[int, Arrays], rng: np.random.Generator, resamples: int) -> Estimate:
    """Rank correlation of flatness with time after the start, mean over a cell's runs; the least of all batch sizes."""
    rising = []
    for cell in along.values():
        late = cell["iteration"] >= START * cell["iteration"][-1]
        rising.append([rank_correlation(cell["iteration"][late], one[late]) for one in cell["flatness"]])
    return _over_batch_sizes(rising, np.nanmin, rng, resamples, "least mean rank correlation with time")


def first_step(along: Mapping[int, Arrays], rng: np.random.Generator, resamples: int) -> Estimate:
    """Logarithm of flatness at the first recorded time over that at the start; the mean of all batch sizes."""
    steps = [np.log(cell["flatness"][:, 1] / cell["flatness"][:, 0]) for cell in along.values()]
    return _over_batch_sizes(steps, np.nanmean, rng, resamples, "mean logarithm of F(first record)/F(0)")


def accuracy_after(along: Mapping[int, Arrays], L_c: float, rng: np.random.Generator, resamples: int) -> Estimate:
    """Mean training accuracy of a run from its t_freeze on; the least of all batch sizes."""
    found = []
    for cell in along.values():
        below = cell["train_loss"] < L_c
        after = np.logical_or.accumulate(below, axis=1)
        found.append(finite_mean(np.where(after, cell["train_accuracy"], np.nan)))
    return _over_batch_sizes(found, np.nanmin, rng, resamples, "least mean from t_freeze on")


def final_flatness_ratio(along: Mapping[int, Arrays], rng: np.random.Generator, resamples: int) -> Estimate:
    """Mean final flatness of the smallest batch size over that of the largest."""
    ends = [along[B]["flatness"][:, -1] for B in sorted(along)]

    def ratio(means: np.ndarray) -> float:
        return float(means[0] / means[-1])

    return _over_batch_sizes(ends, ratio, rng, resamples, "ratio of means")


def _over_batch_sizes(
    values: Sequence[Sequence[float]],
    reduce: Callable[[np.ndarray], float],
    rng: np.random.Generator,
    resamples: int,
    method: str,
) -> Estimate:
    """Reduce the batch sizes' means over runs to one number, resampling the runs of each.

    Where none has ``MIN_RUNS_FOR_INTERVAL`` runs there is no interval; gradient descent has one, and is exact.
    """
    used = [np.asarray(row, dtype=float) for row in values]
    used = [row[np.isfinite(row)] for row in used]
    method = f"{method}, {BY_RUNS}"
    if not used or not all(map(len, used)):
        return Estimate(np.nan, NONE, "a batch size without runs", method)
    drawn = np.empty(resamples)
    for k in range(resamples):
        drawn[k] = reduce(np.array([row[rng.integers(0, len(row), len(row))].mean() for row in used]))
    found = float(reduce(np.array([row.mean() for row in used])))
    interval = bounds(drawn) if max(map(len, used)) >= MIN_RUNS_FOR_INTERVAL else NONE
    return Estimate(found, interval, f"{sum(map(len, used))} runs of {len(used)} batch sizes", method)


def collect_along(along: Mapping[int, Arrays], drawing: Drawing, resamples: int, L_c: float) -> list[Claim]:
    """What Fig. 3B and D say of the course of training at one rate.

    Args:
        along: by batch size, ``iteration`` (time), ``train_loss`` and ``train_accuracy`` (run, time) of train/ and
            ``flatness`` (run, time) of curvature/, as ``sweep.read_cells`` joins them, of the runs that are
            followed (the others' flatness is NaN before the end).
        drawing: gives the random stream, the same for every number.
        resamples: of the bootstrap.
        L_c: threshold of Eq. 7.
    """
    followed = {}
    for B, cell in sorted(along.items()):
        kept = np.isfinite(cell["flatness"]).sum(axis=1) > 1
        if kept.any():
            names = ("flatness", "train_loss", "train_accuracy")
            followed[B] = {"iteration": cell["iteration"], **{name: cell[name][kept] for name in names}}
    return [
        Claim(
            "flatness_grows",
            "II C, Fig. 3D",
            f"After the first {START:.0%} of training flatness grows, at every noise level.",
            "grows continuously",
            rises(STEADY),
            growth(followed, drawing(), resamples),
        ),
        Claim(
            "flatness_falls_first",
            "II C, Fig. 3D",
            "At the very beginning flatness does not grow.",
            "exception at the start",
            falls(SOME),
            first_step(followed, drawing(), resamples),
        ),
        Claim(
            "flatness_ends_higher",
            "II C, Fig. 3D",
            "High-noise runs end substantially flatter than low-noise ones.",
            "smallest B 1.5 times as flat as the largest, or more",
            Direction(+1, strength=0.5, no_effect=1.0),
            final_flatness_ratio(followed, drawing(), resamples),
        ),
        Claim(
            "accuracy_after_freezing",
            "II C, Fig. 3A",
            "From t_freeze on the training accuracy approaches 100%.",
            "at least 0.98",
            at_least(0.98),
            accuracy_after(followed, L_c, drawing(), resamples),
        ),
    ]


def elsewhere(claims: Sequence[Claim], experiment: str, place: str) -> list[Claim]:
    """The same claims of another experiment: keys, places and statements say so.

    Args:
        claims: of its own numbers.
        experiment: its name in the settings.
        place: its figure.
    """
    return [
        replace(
            claim,
            key=f"{experiment}_{claim.key}",
            where=f"{place}, as {claim.where}",
            statement=f"{experiment}: {claim.statement}",
        )
        for claim in claims
    ]
