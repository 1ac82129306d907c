"""Compare arms of one cell that differ in their noise alone (control C3: which property of the noise matters?).

The first experiment is the reference arm, trained by minibatches. An arm without noise has one run, because its values
do not depend on the order of the minibatches.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sgd_valleys.controls.text import format_known
from sgd_valleys.measures import cell_maps
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.statistics.bootstrap import central_interval
from sgd_valleys.statistics.reduce import finite_mean
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.hdf5 import Variable

KEY = 3  # of the random streams of this control
QUANTITIES = {  # long name and unit of the mean over the runs of an arm
    "flatness": ("flatness F of the converged runs, Eq. 6", "1/nat"),
    "eta_t_freeze": ("eta times the freezing time, Eq. 7", "1"),
    "train_loss": ("training loss at the end", "nat"),
    "test_file_loss": ("loss on the whole test file", "nat"),
    "test_file_accuracy": ("accuracy of the converged runs on the whole test file", "1"),
    "similarity": ("Jaccard similarity of pairs of runs, Eq. 4", "1"),
    "converged": ("share of the runs that converge", "1"),
}
IMAGES = 0  # key of the random stream of the test images; no name of an arm gives this key
OVER_CONVERGED = ("flatness", "test_file_accuracy")
OVER_FINITE = ("train_loss", "test_file_loss")
BOUNDS = "central 95% of the bootstrap over runs"


@dataclass(frozen=True)
class Arm:
    """Mean values of the runs of one arm.

    Attributes:
        runs: number of runs that have a value, by name of the quantity.
        deterministic: whether the arm has no noise; its single run is then exact.
        mean: mean over these runs, by name of the quantity.
        resampled: (resample) means over resamples of the runs, by name of the quantity.
    """

    runs: Mapping[str, int]
    deterministic: bool
    mean: Mapping[str, float]
    resampled: Mapping[str, np.ndarray]


def run_values(
    endpoints: Mapping[str, np.ndarray], freezing_time: np.ndarray, cell: tuple[int, int]
) -> dict[str, np.ndarray]:
    """Return the value of every run (run), for each of ``QUANTITIES`` except the similarity.

    A run that does not converge has no F and no accuracy, a diverged run has no losses, and a run that does not freeze
    has no ``eta_t_freeze``; these values are NaN.

    Args:
        endpoints: arrays of ``endpoints.h5``.
        freezing_time: (eta, B, realization) in iterations, NaN for a run that does not freeze.
        cell: indices on the axes (eta, B).
    """
    count = int(endpoints["runs"][cell])
    converged, finite = endpoints["converged"][cell] == 1, endpoints["diverged"][cell] == 0
    values = {
        **{name: np.where(converged, endpoints[name][cell], np.nan) for name in OVER_CONVERGED},
        **{name: np.where(finite, endpoints[name][cell], np.nan) for name in OVER_FINITE},
        "eta_t_freeze": endpoints["eta"][cell[0]] * freezing_time[cell],
        "converged": converged.astype(float),
    }
    return {name: own[:count] for name, own in values.items()}


def summarize(
    values: Mapping[str, np.ndarray],
    similarity: Callable[[np.ndarray], np.ndarray],
    deterministic: bool,
    rng: np.random.Generator,
    resamples: int,
    accuracy: np.ndarray | None = None,
) -> Arm:
    """Average each quantity over the runs of an arm, and over resamples of these runs.

    Args:
        values: (run) by name; NaN for a run that does not count.
        similarity: function of positions (..., run); returns the mean Sim_J (...) over the pairs of these runs.
        deterministic: whether the arm has no noise.
        rng: generator that draws the resamples.
        resamples: number of resamples.
        accuracy: (resample, run) from ``on_resampled_images``. If given, the resamples of ``test_file_accuracy`` are
            means of these accuracies.
    """
    count = len(values["converged"])
    statistics: dict[str, Callable[..., np.ndarray]] = {
        name: lambda drawn, own=own: finite_mean(own[drawn]) for name, own in values.items()
    }
    statistics["similarity"] = similarity
    runs = {name: int(np.isfinite(own).sum()) for name, own in values.items()}
    runs["similarity"] = runs["train_loss"]
    everything, drawn = np.arange(count), rng.integers(0, count, (resamples, count))
    mean = {name: float(statistic(everything)) for name, statistic in statistics.items()}
    resampled = {name: statistic(drawn) for name, statistic in statistics.items()}
    if accuracy is not None:
        resampled["test_file_accuracy"] = finite_mean(np.take_along_axis(accuracy, drawn, axis=1))
    return Arm(runs, deterministic, mean, resampled)


def on_resampled_images(
    endpoints: Mapping[str, np.ndarray], cell: tuple[int, int], rng: np.random.Generator, resamples: int
) -> np.ndarray:
    """Return the accuracies (resample, run) of a cell on resampled images of the whole test file.

    A run that does not converge has NaN. All arms share the test file. Generators of equal state give all arms the same
    images, and the differences between arms are then paired.

    Args:
        endpoints: arrays of ``endpoints.h5``.
        cell: indices on the axes (eta, B).
        rng: generator that draws the images.
        resamples: number of resamples.
    """
    own = {name: endpoints[name][cell] for name in ("converged", "test_file_error")}
    return cell_maps.resample_accuracy(own, "test_file_accuracy", rng, resamples)[:, : int(endpoints["runs"][cell])]


def independent_runs(name: str, *arms: Arm) -> int:
    """Return the smallest number of runs with a value among the arms with noise; 0 if all arms are without noise.

    The single run of an arm without noise is exact and does not count.
    """
    return min((arm.runs[name] for arm in arms if not arm.deterministic), default=0)


def difference(arm: Arm, reference: Arm, name: str) -> tuple[float, np.ndarray]:
    """Return the mean of an arm minus that of the reference, and its central 95% interval (bound)."""
    resampled = arm.resampled[name] - reference.resampled[name]
    bounds = central_interval(resampled, independent_runs(name, arm, reference))
    return arm.mean[name] - reference.mean[name], bounds


def recovered_share(arm: Arm, reference: Arm, quiet: Arm, name: str = "flatness") -> tuple[float, np.ndarray]:
    """Return the share of the effect of the reference's noise that an arm has, and its central 95% interval (bound).

    The share is (arm - quiet) / (reference - quiet): 0 as without noise, 1 as with minibatches.

    Args:
        arm: arm with another noise.
        reference: arm trained by minibatches.
        quiet: arm without noise.
        name: name of the quantity.
    """

    def share(values: Sequence[Any]) -> Any:
        own, full, none = values
        effect = np.asarray(full - none, dtype=float)
        return np.divide(own - none, effect, out=np.full(effect.shape, np.nan), where=effect != 0)

    three = arm, reference, quiet
    bounds = central_interval(share([each.resampled[name] for each in three]), independent_runs(name, *three))
    return float(share([each.mean[name] for each in three])), bounds


def read_arm(files: Mapping[str, str], settings: Mapping[str, Any], name: str, key: int) -> Arm:
    """Read the runs of an arm, an experiment of one cell, and average over the runs.

    The runs of every arm are resampled from a stream of the arm, which does not depend on the other arms. All arms
    share the stream of the test images.

    Args:
        files: paths by ``NAME/endpoints``, ``NAME/freezing`` and ``NAME/jaccard``.
        settings: ``seed`` and ``resamples``.
        name: name of the experiment.
        key: key of the control's random streams.
    """
    runs, images = (stream(settings["seed"], Stage.CONTROLS, key, *own) for own in (name.encode(), [IMAGES]))
    endpoints = hdf5.read(files[f"{name}/endpoints"])
    freezing_time = hdf5.read(files[f"{name}/freezing"], ["freezing_time"])["freezing_time"][0]
    solutions = hdf5.read(files[f"{name}/jaccard"], ["solution_eta", "solution_B", "jaccard"])
    similarity = cell_maps.measures(endpoints, freezing_time, solutions)["similarity"]
    values, deterministic = run_values(endpoints, freezing_time, (0, 0)), bool(endpoints["gradient_descent"][0])
    resamples = settings["resamples"]
    accuracy = on_resampled_images(endpoints, (0, 0), images, resamples)
    return summarize(values, lambda drawn: similarity(0, drawn), deterministic, runs, resamples, accuracy)


def read_arms(files: Mapping[str, str], settings: Mapping[str, Any], key: int) -> list[Arm]:
    """Read the arms of a control, one for each of the ``experiments`` in its settings; see ``read_arm``."""
    return [read_arm(files, settings, name, key) for name in settings["experiments"]]


def tabulate(arms: Sequence[Arm], experiments: Sequence[str], log: Any) -> dict[str, Variable]:
    """Return the means of all arms (arm), the differences from the first arm, and the shares of its effect.

    All numbers have intervals. The shares need an arm without noise, and are left out otherwise.
    """
    variables = {
        "runs": Variable(("arm",), [arm.runs["converged"] for arm in arms], "runs of the arm"),
        "deterministic": Variable(("arm",), [arm.deterministic for arm in arms], "whether the arm has no noise"),
    }
    for name, (text, units) in QUANTITIES.items():
        mean = [arm.mean[name] for arm in arms]
        bounds = np.transpose([central_interval(arm.resampled[name], independent_runs(name, arm)) for arm in arms])
        shift, shift_bounds = zip(*(difference(arm, arms[0], name) for arm in arms), strict=True)
        for arm, value, change, (low, high) in zip(experiments, mean, shift, shift_bounds, strict=True):
            if np.isfinite(value):
                shifted = f"; minus {experiments[0]}: {format_known(np.array([change, low, high]))}"
                log.info(f"{arm}: mean {text}: {value:.4g}{shifted if arm != experiments[0] else ''}")
        variables |= {
            name: Variable(("arm",), mean, f"mean {text}", units),
            f"{name}_interval": Variable(("bound", "arm"), bounds, f"of {name}: {BOUNDS}", units),
            f"{name}_difference": Variable(("arm",), shift, f"{name} minus that of the first arm", units),
            f"{name}_difference_interval": Variable(
                ("bound", "arm"), np.transpose(shift_bounds), f"of {name}_difference: {BOUNDS}", units
            ),
        }
    quiet = next((arm for arm in arms if arm.deterministic), None)
    return variables if quiet is None else variables | _tabulate_shares(arms, quiet, experiments, log)


def _tabulate_shares(arms: Sequence[Arm], quiet: Arm, experiments: Sequence[str], log: Any) -> dict[str, Variable]:
    found = [recovered_share(arm, arms[0], quiet) for arm in arms]
    for name, (share, (low, high)) in zip(experiments, found, strict=True):
        if np.isfinite(share) and name != experiments[0]:
            found_share = format_known(np.array([share, low, high]))
            log.info(f"{name}: share of the effect of minibatch noise on F: {found_share}")
    shares, bounds = zip(*found, strict=True)
    text = "share of the effect of minibatch noise on the mean F: its rise over F without noise, relative to the first"
    return {
        "share": Variable(("arm",), shares, text),
        "share_interval": Variable(("bound", "arm"), np.transpose(bounds), f"of share: {BOUNDS}"),
    }


def analyze(files: Mapping[str, Any], settings: Mapping[str, Any], log: Any) -> dict[str, Variable]:
    """Compute the numbers of Fig. C3: the arms compared, and the noise power along the curvature.

    Args:
        files: the files of ``read_arm``; ``NAME/gradient_noise`` of the first arm, a list, which may be absent.
        settings: ``experiments``, the reference first; ``seed`` and ``resamples``.
        log: receives one line for each headline number.
    """
    experiments = settings["experiments"]
    arms = read_arms(files, settings, KEY)
    variables = tabulate(arms, experiments, log)
    for path in files.get(f"{experiments[0]}/gradient_noise", [])[:1]:
        power = hdf5.read(path, ["iteration", "relative_power"])
        text = "Tr(H C) over that of isotropic noise of equal trace, of the first run that is measured"
        variables |= {
            "iteration": Variable(("time",), power["iteration"], "iteration t", "iterations"),
            "relative_power": Variable(("time",), power["relative_power"][0], text),
        }
    return variables
