"""Compare the effects of the noise between initializations, and between sets of training images (control C7).

A group is one initialization of the first experiment, or one of the other experiments, which have other training
images. The noise is that of the smallest batch size of the first experiment. The effect of the noise is relative to
gradient descent at the same learning rate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from scipy.stats import f_oneway

from sgd_valleys.controls.arms import run_values
from sgd_valleys.controls.text import format_known
from sgd_valleys.measures import cell_maps
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.statistics.bootstrap import interval
from sgd_valleys.statistics.reduce import finite_mean
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.cells import Cell, locate_cell
from sgd_valleys.storage.hdf5 import Variable

KEY = 7  # of the random stream of this control
MEASURED = {  # long name, unit, and whether the effect is a ratio to gradient descent, else a difference from it
    "flatness": ("flatness F of the converged runs, Eq. 6", "1/nat", True),
    "eta_t_freeze": ("eta times the freezing time, Eq. 7", "1", True),
    "test_file_loss": ("loss on the whole test file", "nat", False),
    "test_file_accuracy": ("accuracy of the converged runs on the whole test file", "1", False),
    "similarity": ("Jaccard similarity of pairs of runs, Eq. 4", "1", False),
}
OF_INITIALIZATIONS, OF_IMAGES = "initializations", "images"


@dataclass(frozen=True)
class Spread:
    """Spread of runs between and within groups, by a one-way analysis of variance.

    Attributes:
        between: standard deviation between groups, without the part that the runs within groups explain; at least 0.
        within: standard deviation of runs within a group.
        p: p-value of the F test; its null is that all groups have the same mean.
    """

    between: float
    within: float
    p: float


def spread(groups: Sequence[np.ndarray]) -> Spread:
    """Compare the spread between groups with that within, from the values (run) of each group; NaN is left out.

    Returns:
        the spread; NaN for fewer than two groups that have two runs.
    """
    finite = [own for each in groups if len(own := np.asarray(each)[np.isfinite(each)]) > 1]
    if len(finite) < 2:
        return Spread(np.nan, np.nan, np.nan)
    size = np.array([len(each) for each in finite])
    within = sum(((each - each.mean()) ** 2).sum() for each in finite) / (size.sum() - len(size))
    grand = np.concatenate(finite).mean()
    between = sum(n * (each.mean() - grand) ** 2 for n, each in zip(size, finite, strict=True)) / (len(size) - 1)
    typical = (size.sum() - (size**2).sum() / size.sum()) / (len(size) - 1)
    p = float(f_oneway(*finite).pvalue) if within > 0 else float(between == 0)
    return Spread(float(np.sqrt(max(0.0, between - within) / typical)), float(np.sqrt(within)), p)


def effect(noisy: Sequence[np.ndarray], quiet: Sequence[np.ndarray], ratio: bool) -> np.ndarray:
    """Return the effect of the noise (group): the mean with noise over the mean without, or their difference.

    Args:
        noisy: values (run) of each group, with noise.
        quiet: values (run) of each group, by gradient descent.
        ratio: whether to return the ratio; otherwise the difference.
    """
    with_noise, without = (np.array([finite_mean(np.asarray(each)) for each in groups]) for groups in (noisy, quiet))
    return with_noise / without if ratio else with_noise - without


def read_groups(
    files: Mapping[str, str], name: str, starts: int, cells: Sequence[Cell]
) -> list[dict[Cell, dict[str, np.ndarray]]]:
    """Read the values (run) of ``MEASURED`` in cells (eta, B) of an experiment, for each of its initializations.

    The similarity is one value, the mean over pairs of the runs of one initialization. ``starts`` is the number of
    initializations.
    """
    endpoints = hdf5.read(files[f"{name}/endpoints"])
    freezing_time = hdf5.read(files[f"{name}/freezing"], ["freezing_time"])["freezing_time"][0]
    solutions = hdf5.read(files[f"{name}/jaccard"], ["solution_eta", "solution_B", "jaccard"])
    similarity = cell_maps.measures(endpoints, freezing_time, solutions)["similarity"]

    def read_group(k: int, cell: Cell) -> dict[str, np.ndarray]:
        at = locate_cell(endpoints["eta"], endpoints["B"], *cell)
        values, runs = run_values(endpoints, freezing_time, at), np.arange(int(endpoints["runs"][at]))
        position = int(np.ravel_multi_index(at, freezing_time.shape[:2]))
        quiet = bool(endpoints["gradient_descent"][at[1]])  # its single run is exact: all pairs agree
        alike = np.ones(1) if quiet else np.atleast_1d(similarity(position, runs[k::starts]))
        return {key: own[k::starts] for key, own in values.items()} | {"similarity": alike}

    return [{cell: read_group(k, cell) for cell in cells} for k in range(starts)]


def analyze(files: Mapping[str, Any], settings: Mapping[str, Any], log: Any) -> dict[str, Variable]:
    """Compute the numbers of Fig. C7: the effect of the noise for each group, and the spread between groups.

    Args:
        files: ``NAME/endpoints``, ``NAME/freezing`` and ``NAME/jaccard`` of every experiment.
        settings: ``experiments``; ``training``, the changed settings of each; ``seed`` and ``resamples``.
        log: receives one line for each headline number.
    """
    experiments, training = settings["experiments"], settings["training"]
    axes = hdf5.read(files[f"{experiments[0]}/endpoints"], ["eta", "B", "gradient_descent"])
    descent = axes["gradient_descent"] == 1
    B, M = int(axes["B"][~descent].min()), int(axes["B"][descent].max())
    starts = [training[name].get("initializations", 1) for name in experiments]
    kinds = [kind for kind, count in zip(_kinds(experiments), starts, strict=True) for _ in range(count)]
    variables = {
        "eta": Variable(("eta",), axes["eta"], "learning rate"),
        "group_of_initializations": Variable(
            ("group",), [kind == OF_INITIALIZATIONS for kind in kinds], "whether the group is an initialization"
        ),
        "B": Variable((), B, "batch size of the noise", "samples"),
    }
    chosen = {kind: np.array([each == kind for each in kinds]) for kind in (OF_INITIALIZATIONS, OF_IMAGES)}
    cells = [[(float(eta), size) for eta in axes["eta"]] for size in (B, M)]
    by_experiment = [read_groups(files, *each, [*chain(*cells)]) for each in zip(experiments, starts, strict=True)]
    for name, (text, units, ratio) in MEASURED.items():
        noisy, quiet = (
            [[group[cell][name] for groups in by_experiment for group in groups] for cell in row] for row in cells
        )
        found: dict[str, tuple[tuple[str, ...], Any, str, str]] = {}
        means = [np.array([[finite_mean(group) for group in row] for row in rows]) for rows in (noisy, quiet)]
        effects = np.array([effect(*each, ratio) for each in zip(noisy, quiet, strict=True)])
        effect_text = f"{text}: with the noise {'over' if ratio else 'minus'} gradient descent"
        found[f"{name}_noisy"] = ("eta", "group"), means[0], f"mean {text}, with the noise", units
        found[f"{name}_quiet"] = ("eta", "group"), means[1], f"mean {text}, gradient descent", units
        own_units = "1" if ratio else units
        found[f"{name}_effect"] = ("eta", "group"), effects, effect_text, own_units
        for kind, members in chosen.items():
            rng = stream(settings["seed"], Stage.CONTROLS, KEY)
            mean, low, high = interval(effects[:, members].T, rng, settings["resamples"])
            bounds = f"central 95% of the bootstrap over {kind}"
            found[f"{name}_effect_{kind}"] = ("eta",), mean, f"{effect_text}, mean over {kind}", own_units
            found[f"{name}_effect_{kind}_interval"] = ("bound", "eta"), [low, high], f"of this: {bounds}", own_units
            spreads = [spread([row[k] for k in np.flatnonzero(members)]) for row in noisy]
            for part, what in (
                ("between", "standard deviation between {} beyond that of runs"),
                ("within", "standard deviation of the runs of one of the {}"),
            ):
                own = [getattr(each, part) for each in spreads]
                found[f"{name}_{part}_{kind}"] = ("eta",), own, f"{text}: {what.format(kind)}, with the noise", units
            p = [each.p for each in spreads]
            found[f"{name}_p_{kind}"] = ("eta",), p, f"{text}: p-value, all {kind} have one mean", "1"
            for k, eta in enumerate(axes["eta"]):
                here = spreads[k]
                known = f"; spread between {here.between:.3g}, within {here.within:.3g}, p = {here.p:.2g}"
                found_effect = format_known(np.array([mean[k], low[k], high[k]]))
                log.info(
                    f"eta = {eta:g}, {members.sum()} {kind}: {effect_text}: {found_effect}"
                    f"{known if np.isfinite(here.p) else ''}"
                )
        variables |= {key: Variable(*each) for key, each in found.items()}
    return variables


def _kinds(experiments: Sequence[str]) -> list[str]:
    """Return the kind of the groups of each experiment: initializations for the first, images for the others."""
    return [OF_INITIALIZATIONS, *[OF_IMAGES] * (len(experiments) - 1)]
