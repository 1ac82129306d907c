"""Separate the effects of the learning rate and of the noise of SGD (control C1).

Gradient descent (B = M) has no noise, but its flatness changes with eta. Three comparisons separate the causes:

- the ratio of SGD to gradient descent at the same eta;
- a power law in eta and in the noise eta (1/B - 1/M) together;
- the same ratio in stable cells, whose largest Hessian eigenvalue stays below 2/eta. The rival explanation by dynamic
  instability (Wu et al. 2018; Cohen et al. 2021, arXiv 2103.00065) predicts no effect in these cells.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sgd_valleys.controls.noise_effect import (
    Exponents,
    NoiseEffect,
    deviation,
    effect_of_noise,
    effect_where_stable,
    exponents,
    log_positive,
    spread_of_starts,
)
from sgd_valleys.controls.text import format_interval
from sgd_valleys.measures import cell_maps
from sgd_valleys.measures.freezing import freezing_time
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.statistics.reduce import finite_mean
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.cells import index_of
from sgd_valleys.storage.hdf5 import Variable

CONTROL = 1
QUANTITIES = {  # long name and unit, in the order of the axis "quantity"
    "flatness": ("flatness F of the converged runs, Eq. 6", "1/nat"),
    "eta_t_freeze": ("eta t_freeze of the runs that freeze, Eq. 7", "1"),
    "test_file_loss": ("loss of the converged runs on the whole test file", "nat"),
}
PREDICTORS = ("eta", "noise")  # in the order of the axis "predictor"
STABLE = {  # conditions of a stable cell, in the order of the axis "condition"
    "sharpness": "largest Hessian eigenvalue below 2/eta at all measured times",
    "batch_sharpness": "largest Hessian eigenvalue and batch sharpness below 2/eta",
    "both": "largest Hessian eigenvalue below 2/eta, of gradient descent of the same eta too",
}


def analyze(
    files: Mapping[str, str | list[str]], settings: Mapping[str, Any], log: logging.Logger
) -> dict[str, Variable]:
    """Compute the numbers of Fig. C1.

    Args:
        files: ``data``, ``endpoints`` and ``freezing`` of a sweep; the lists ``edge_of_stability``, ``starts`` and
            ``start_endpoints``. The last two have the training and endpoint files of gradient descent from displaced
            starts, in the same order. The lists may be absent or empty.
        settings: ``seed`` and ``resamples``.
        log: receives the headline numbers.
    """
    rng, resamples = stream(settings["seed"], Stage.CONTROLS, CONTROL), settings["resamples"]
    sweep = hdf5.read(str(files["endpoints"]))
    eta, B, is_descent = sweep["eta"], sweep["B"], sweep["gradient_descent"]
    M = len(hdf5.read(str(files["data"]), ["train_label"])["train_label"])
    noise = cell_maps.noise(eta, B, M)
    times, L_c = _freezing(str(files["freezing"]))
    values = {
        "flatness": np.where(sweep["converged"], sweep["flatness"], np.nan),
        "eta_t_freeze": eta[:, None, None] * times,
        "test_file_loss": np.where(sweep["converged"], sweep["test_file_loss"], np.nan),
    }
    paths = zip(files.get("starts", []), files.get("start_endpoints", []), strict=True)
    descent = _descents(values, eta, is_descent, [_read_starts(*pair, L_c) for pair in paths])
    values = {name: np.where(is_descent[None, :, None], np.nan, each) for name, each in values.items()}

    edge = _read_edges(files.get("edge_of_stability", []))
    stable = _stable_cells(edge, eta, B, is_descent)
    exact = np.any(stable["sharpness"][:, is_descent], axis=1)

    effects = {name: effect_of_noise(values[name], descent[name], exact, rng, resamples) for name in QUANTITIES}
    cells = (len(eta) * len(B), -1)
    predictors = np.stack([np.repeat(eta, len(B)), np.where(noise > 0, noise, np.nan).ravel()])
    no_cell = np.zeros(cells[0], bool)
    fitted = [_mask_minority(values[name], sweep["runs"]).reshape(cells) for name in QUANTITIES]
    both = [exponents(each, predictors, no_cell, rng, resamples) for each in fitted]
    alone = [exponents(descent[name], eta[None], exact, rng, resamples) for name in QUANTITIES]
    spread = spread_of_starts(descent["flatness"], rng, resamples)
    where = [effect_where_stable(effects["flatness"], stable[name]) for name in STABLE]
    _report(log, both, alone, where, spread, eta, exact)
    return {
        **hdf5.coordinates(eta=eta, B=B),
        "gradient_descent": Variable(("B",), is_descent, "whether B = M, full-batch gradient descent"),
        "noise": Variable(("eta", "B"), noise, "noise eta (1/B - 1/M); 0 for gradient descent", "1/samples"),
        **_effect_variables(effects, values, descent),
        **_exponent_variables(both, "", ("quantity", "predictor"), "in eta and noise, over SGD cells"),
        **_exponent_variables(alone, "descent_", ("quantity", "descent_predictor"), "in eta, gradient descent"),
        **_edge_variables(edge),
        "stable": Variable(("condition", "eta", "B"), np.stack(list(stable.values())), "; ".join(STABLE.values())),
        "descent_stable": Variable(("eta",), exact, "whether gradient descent was measured and is stable"),
        "stable_effect": Variable(("condition",), [each[0] for each in where], "mean ratio of F, stable cells"),
        "stable_effect_interval": Variable(
            ("condition", "bound"), [each[1:3] for each in where], "its 95% bootstrap interval over runs"
        ),
        "stable_cells": Variable(("condition",), [each[3] for each in where], "number of stable cells"),
        "start_spread": Variable(("eta",), spread[0], "standard deviation of ln F over starts, gradient descent"),
        "start_spread_interval": Variable(
            ("bound", "eta"), np.stack(spread[1:]), "its 95% bootstrap interval over starts"
        ),
        "run_spread": Variable(
            ("eta", "B"),
            deviation(log_positive(values["flatness"]), axis=-1),
            "standard deviation of ln F over SGD runs",
        ),
    }


def _mask_minority(values: np.ndarray, runs: np.ndarray) -> np.ndarray:
    """Replace values (eta, B, run) by NaN in cells (eta, B) in which fewer than half of the ``runs`` have a value.

    The runs with a value would be a biased sample of such a cell.
    """
    has_most = 2 * np.isfinite(values).sum(axis=-1) >= runs
    return np.where(has_most[..., None], values, np.nan)


def _freezing(path: str) -> tuple[np.ndarray, float]:
    """Read the freezing times (eta, B, realization) at the threshold of Eq. 7, and that threshold in nat."""
    found = hdf5.read(path, ["threshold", "freezing_time"])
    return found["freezing_time"][0], float(found["threshold"][0])  # the other thresholds test the robustness


def _read_starts(run: str, ends: str, L_c: float) -> tuple[float, dict[str, np.ndarray]]:
    """Read eta, and the quantities (start) of gradient descent from displaced starts, by name.

    ``L_c`` is the threshold of Eq. 7 in nat.
    """
    eta = float(hdf5.read_attributes(run)["eta"])
    along = hdf5.read(run, ["iteration", "train_loss"])
    end = hdf5.read(ends, ["train_accuracy", "flatness", "test_file_loss"])
    converged = end.pop("train_accuracy") == 1
    found = {name: np.where(converged, each, np.nan) for name, each in end.items()}
    return eta, found | {"eta_t_freeze": eta * freezing_time(along["iteration"], along["train_loss"], L_c)}


def _descents(
    values: Mapping[str, np.ndarray],
    eta: np.ndarray,
    is_descent: np.ndarray,
    starts: Sequence[tuple[float, Mapping[str, np.ndarray]]],
) -> dict[str, np.ndarray]:
    """Return the quantities (eta, start) of the sweep's gradient descent and of that from displaced starts, by name.

    The sweep's gradient descent comes first. Missing starts are NaN.
    """
    copies = max((len(found["flatness"]) for _, found in starts), default=0)
    joined = {}
    for name, each in values.items():
        own = each[:, is_descent][..., :1].reshape(len(eta), -1)  # (eta, 1), or (eta, 0) for a sweep without B = M
        displaced = np.full((len(eta), copies), np.nan)
        for rate, found in starts:
            row = index_of(eta, rate)
            if row is not None:
                displaced[row, : len(found[name])] = found[name]
        joined[name] = np.hstack([own, displaced])
    return joined


def _read_edges(paths: Sequence[str]) -> dict[str, np.ndarray]:
    """Read the sharpness over 2/eta along the measured runs, by name.

    ``eta`` and ``B`` have the axis (measured), the other arrays have (measured, time). The sharpness is the largest
    Hessian eigenvalue of all parameters.
    """
    rows: dict[str, list] = {name: [] for name in ("eta", "B", "eta_t", "sharpness", "batch_sharpness")}
    for path in paths:
        attributes = hdf5.read_attributes(path)
        found = hdf5.read(path, ["iteration", "edge", "sharpness", "batch_sharpness"])
        for largest, batch in zip(found["sharpness"], found["batch_sharpness"], strict=True):
            rows["eta"].append(float(attributes["eta"]))
            rows["B"].append(int(attributes["B"]))
            rows["eta_t"].append(attributes["eta"] * found["iteration"])
            rows["sharpness"].append(largest / found["edge"])
            rows["batch_sharpness"].append(batch / found["edge"])
    return {name: np.array(each) for name, each in rows.items()}


def _stable_cells(
    edge: Mapping[str, np.ndarray], eta: np.ndarray, B: np.ndarray, is_descent: np.ndarray
) -> dict[str, np.ndarray]:
    """Return, for each condition of ``STABLE``, the cells (eta, B) whose measured runs all fulfil the condition.

    A cell without a measured run, or with a diverged one, is not stable.
    """
    largest = {name: np.full((len(eta), len(B)), -np.inf) for name in ("sharpness", "batch_sharpness")}
    for k in range(len(edge["eta"])):
        i, j = index_of(eta, edge["eta"][k]), index_of(B, edge["B"][k])
        if i is not None and j is not None:
            for name, each in largest.items():
                each[i, j] = np.maximum(each[i, j], edge[name][k].max())  # keeps the NaN of a diverged run
    measured = np.isfinite(largest["sharpness"])
    below = {name: measured & (each < 1) for name, each in largest.items()}
    sharpness = below["sharpness"]
    return {
        "sharpness": sharpness,
        "batch_sharpness": sharpness & below["batch_sharpness"],
        "both": sharpness & sharpness[:, is_descent].any(axis=1)[:, None],
    }


def _report(
    log: logging.Logger, both: list, alone: list, where: list, spread: tuple, eta: np.ndarray, exact: np.ndarray
) -> None:
    """Log the headline numbers, each with its interval."""
    for name, joint, descent in zip(QUANTITIES, both, alone, strict=True):
        of_eta, of_noise = (format_interval(joint.value[k], joint.low[k], joint.high[k]) for k in range(2))
        own = format_interval(descent.value[0], descent.low[0], descent.high[0])
        log.info(
            f"{name} ~ noise^p: p = {of_noise}; ~ eta^q in the same fit: q = {of_eta}; R^2 = {joint.r_squared:.3f} of "
            f"{joint.cells} SGD cells; along gradient descent: q = {own}, {descent.cells} learning rates"
        )
    for (value, low, high, cells), text in zip(where, STABLE.values(), strict=True):
        log.info(f"F(eta, B) / F(eta, GD) = {format_interval(value, low, high)} over {cells} cells with {text}")
    for k, rate in enumerate(eta):
        side = "below the edge" if exact[k] else "not known to stay below the edge"
        value = format_interval(*(each[k] for each in spread))
        log.info(f"standard deviation of ln F over starts of gradient descent, eta = {rate:g}, {side}: {value}")


def _effect_variables(
    effects: Mapping[str, NoiseEffect], values: Mapping[str, np.ndarray], descent: Mapping[str, np.ndarray]
) -> dict[str, Variable]:
    """Return each quantity, and its ratio to gradient descent, as variables."""
    found: dict[str, Variable] = {}
    for name, (text, units) in QUANTITIES.items():
        effect, cells = effects[name], ("eta", "B")
        mean = np.exp(finite_mean(log_positive(values[name])))
        bounds = np.stack([effect.low, effect.high])
        found |= {
            name: Variable(cells, mean, f"geometric mean of the {text}; NaN for gradient descent", units),
            f"descent_{name}": Variable(("eta", "start"), descent[name], f"{text}, gradient descent", units),
            f"{name}_ratio": Variable(cells, effect.ratio, f"{text}: ratio to gradient descent of the same eta"),
            f"{name}_ratio_interval": Variable(("bound", *cells), bounds, "its 95% bootstrap interval over runs"),
        }
    return found


def _exponent_variables(
    found: Sequence[Exponents], prefix: str, dims: tuple[str, str], text: str
) -> dict[str, Variable]:
    bounds = np.stack([[each.low, each.high] for each in found])
    interval_dims = (dims[0], "bound", dims[1])
    return {
        f"{prefix}exponent": Variable(
            dims, [each.value for each in found], f"exponents {text}; {'; '.join(QUANTITIES)}"
        ),
        f"{prefix}exponent_interval": Variable(interval_dims, bounds, "their 95% bootstrap intervals over runs"),
        f"{prefix}r_squared": Variable(dims[:1], [each.r_squared for each in found], f"R^2 of the fit {text}"),
    }


def _edge_variables(edge: Mapping[str, np.ndarray]) -> dict[str, Variable]:
    """Return the sharpness along the measured runs as variables; none without a measured run."""
    if not len(edge["eta"]):
        return {}
    run, along = ("measured",), ("measured", "time")
    return {
        "measured_eta": Variable(run, edge["eta"], "learning rate of the measured run"),
        "measured_B": Variable(run, edge["B"], "batch size of the measured run", "samples"),
        "eta_t": Variable(along, edge["eta_t"], "eta times the iteration"),
        "sharpness": Variable(along, edge["sharpness"], "largest Hessian eigenvalue of all parameters over 2/eta"),
        "batch_sharpness": Variable(along, edge["batch_sharpness"], "batch sharpness over 2/eta; NaN where B = M"),
    }
