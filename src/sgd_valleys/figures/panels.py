"""Functions shared by the figures of a sweep: maps over (eta, B), curves of batch sizes, mean curves."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from sgd_valleys.figures.style import Arrays, Quantity, draw_matrix, label_panel
from sgd_valleys.figures.symbols import (
    FLATNESS,
    FREEZING,
    SIMILARITY,
    TEST_ACCURACY,
    TEST_LOSS,
    TRAIN_ACCURACY,
    TRAIN_LOSS,
    with_loss_units,
)
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.cells import read_cells

Cells = dict[tuple[float, int], Arrays]
NO_PAIR = "no pair of runs"
UNCONVERGED_RUNS = "value of runs that did not converge"

CELL_MAPS = {  # by their names in cell_maps.h5
    "similarity": Quantity(rf"$\langle${SIMILARITY}$\rangle$", missing=NO_PAIR, unconverged=UNCONVERGED_RUNS),
    "displacement_cosine": Quantity(r"$\langle\cos(\Delta\theta^{(i)}, \Delta\theta^{(j)})\rangle$", missing=NO_PAIR),
    "convergence_probability": Quantity(r"$P_{\mathrm{converge}}$", limits=(0.0, 1.0)),
    "max_test_accuracy": Quantity(f"max({TEST_ACCURACY})", levels=True),
    "max_test_file_accuracy": Quantity(f"max({TEST_ACCURACY})"),
    "max_flatness": Quantity(f"max({FLATNESS})", log=True, loss_power=-1),
    "eta_t_freeze": Quantity(FREEZING, log=True, missing=r"no run below $\mathcal{L}_c$"),
    "mean_displacement": Quantity(r"$\langle\|\Delta\theta\|\rangle$"),
    "mean_train_accuracy": Quantity(rf"$\langle${TRAIN_ACCURACY}$\rangle$"),
    "mean_train_loss": Quantity(rf"$\langle${TRAIN_LOSS}$\rangle$", log=True, loss_power=1),
    "mean_test_loss": Quantity(rf"$\langle${TEST_LOSS}$\rangle$", log=True, loss_power=1),
}


def load_grid(path: str, names: Sequence[str] = ()) -> Arrays:
    """Read the axes, the convergence, the arrays ``names`` and the loss unit of a sweep from ``cell_maps.h5``."""
    grid = hdf5.read(path, ["eta", "B", "gradient_descent", "convergence_probability", *names])
    return grid | read_loss_units(path, "mean_train_loss")


def read_loss_units(path: str, loss: str) -> Arrays:
    """Read ``loss_units``, the units of the variable ``loss`` in a file."""
    return {"loss_units": np.array(hdf5.describe(path)[loss].units)}


def load_cells(paths: Sequence[str], names: Sequence[str]) -> Cells:
    """Read ``iteration``, ``realization`` and ``names`` (realization, time) of every cell (eta, B)."""
    return read_cells(paths, names, shared=["iteration"])


def cells_at(cells: Cells, eta: float) -> dict[int, Arrays]:
    """Return the cells of one learning rate, by batch size in ascending order."""
    return {B: cells[rate, B] for rate, B in sorted(cells) if rate == eta}


def draw_map(axes: Axes, letter: str, data: Mapping[str, Any], name: str, colormap: str, title: str = "") -> None:
    """Draw a map of ``CELL_MAPS`` over (eta, B) as a panel.

    Cells without a converged run are grey, or coloured and hatched if the quantity is one of all runs. Cells without a
    value for another reason are hatched. A gap separates gradient descent, the control without noise, from SGD.
    """
    label_panel(axes, letter, title)
    converged, quantity = data["convergence_probability"] > 0, CELL_MAPS[name]
    values = data[name] if quantity.unconverged else np.where(converged, data[name], np.nan)
    x, y = (r"$\eta$", [f"{eta:g}" for eta in data["eta"]]), (r"$B$", batch_labels(data, control=True))
    quantity = replace(quantity, symbol=with_loss_units(quantity.symbol, data["loss_units"], quantity.loss_power))
    if draw_matrix(axes, values, x, y, quantity, colormap, converged) is None:
        return
    rows = np.flatnonzero(np.diff(data["gradient_descent"].astype(int)))
    for row in rows:  # between a row of gradient descent and one of SGD
        axes.axhline(row + 0.5, color="white", linewidth=4)


def batch_labels(data: Mapping[str, Any], separator: str = "\n", control: bool = False) -> list[str]:
    """Label batch sizes, and mark that of gradient descent, as the control without noise if ``control``."""
    mark = "GD:\ncontrol" if control else "(GD)"
    sizes = zip(data["B"], data["gradient_descent"], strict=True)
    return [f"{B}{separator}{mark}" if descent else str(B) for B, descent in sizes]


def batch_styles(data: Mapping[str, Any], colormap: str) -> dict[int, dict[str, Any]]:
    """Return the colour and label of the curve of every B, without the lightest colours of the map."""
    colors = mpl.colormaps[colormap](np.linspace(0, 0.9, len(data["B"])))
    named = zip(data["B"], colors, batch_labels(data, separator=" "), strict=True)
    return {int(B): {"color": color, "label": label} for B, color, label in named}


def batch_legend(axes: Axes) -> None:
    """Draw the legend of every B beside the panel, where no curve crosses the legend."""
    axes.legend(title="$B$", loc="upper left", bbox_to_anchor=(1.0, 1.02), borderaxespad=0.2)


def mean_curve(values: np.ndarray) -> np.ndarray:
    """Average (realization, time) over the same runs at all times.

    The average is over the runs with a finite final value. If some of these runs were measured along training, runs
    measured only at their end are left out. The last point is then an average over the same runs.

    Returns:
        the mean (time), NaN at times without a measurement.
    """
    finite = values[np.isfinite(values[:, -1])]
    has_curve = np.isfinite(finite).sum(axis=1) > 1
    used = finite[has_curve] if has_curve.any() else finite
    mean = np.full(values.shape[1], np.nan)
    measured = np.isfinite(used).any(axis=0)
    mean[measured] = np.nanmean(used[:, measured], axis=0)
    return mean


def log10_positive(loss: np.ndarray) -> np.ndarray:
    """Take log10 of the loss; NaN where the loss is 0 or not finite."""
    usable = np.isfinite(loss) & (loss > 0)
    return np.log10(np.where(usable, loss, np.nan))
