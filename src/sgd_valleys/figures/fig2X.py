"""Fig. 2X: test accuracy as Fig. 2D and E have it, and on the whole test file, which can tell cells apart.

Reads ``endpoints`` and ``cell_maps``.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgd_valleys.figures import fig2, panels
from sgd_valleys.figures.style import DOUBLE, TEST_ACCURACY, empty, heatmap, panel, styled_figure
from sgd_valleys.storage import hdf5

SETS = {"test_accuracy": "test set", "test_file_accuracy": "whole test file"}
DESCENT = "GD"  # has no noise, and so no place on a logarithmic axis


def load(paths: dict[str, Any]) -> dict[str, np.ndarray]:
    """Read what the panels show."""
    found = [f"mean_{name}_{kind}" for name in SETS for kind in ("correlation", "interval")]
    return panels.load_grid(paths["endpoints"], list(SETS)) | hdf5.read(paths["cell_maps"], ["noise", *found])


def draw(data: dict[str, np.ndarray], settings: dict, style: dict) -> Figure:
    """Draw panels A-F: the test set above, the test file below; on the right the means against the noise."""
    with styled_figure(style, DOUBLE, 4.0) as figure:
        rows = figure.subplots(2, 3, width_ratios=[1, 1.6, 1.2])
        for row, letters, (name, where) in zip(rows, ("ABC", "DEF"), SETS.items(), strict=True):
            panel(row[0], letters[0], where)
            best = panels.reduce_cells(data[name], np.max, among=data["converged"])
            heatmap(row[0], data, best, f"max({TEST_ACCURACY})", settings["colormap"])
            fig2.box_rate(row[0], data, settings["violin_eta"])
            panel(row[1], letters[1], rf"$\eta = {settings['violin_eta']:g}$")
            fig2.draw_violins(row[1], data, name, TEST_ACCURACY, settings, separator="\n")
            _draw_means(row[2], letters[2], data, name, settings["color"])
    return figure


def _draw_means(axes: Axes, letter: str, data: dict[str, np.ndarray], name: str, color: str) -> None:
    """Draw the mean of every cell's converged runs against eta / B, with its standard error; rho is Spearman's."""
    correlation, (low, high) = data[f"mean_{name}_correlation"], data[f"mean_{name}_interval"]
    panel(axes, letter, rf"$\rho$ = {correlation:.2f} [{low:.2f}, {high:.2f}]")
    axes.set_xlabel(r"$\eta / B$")
    axes.set_ylabel(rf"$\langle${TEST_ACCURACY}$\rangle$")
    values = np.where(data["converged"], data[name], np.nan)
    count = np.isfinite(values).sum(axis=2)
    if not count.any():
        empty(axes)
        return
    mean = panels.reduce_cells(values, np.mean)
    error = np.array(panels.reduce_cells(values, np.std)) / np.sqrt(np.maximum(count - 1, 1))
    noise = data["noise"]
    noisy, descent = (count > 0) & (noise > 0), (count > 0) & (noise == 0)
    if noisy.any():
        axes.set_xscale("log")
        axes.errorbar(noise[noisy], mean[noisy], error[noisy], fmt="o", color=color, elinewidth=0.6, alpha=0.85)
    if descent.any() and noisy.any():
        at = noise[noise > 0].min() / 3
        axes.plot(np.full(descent.sum(), at), mean[descent], "s", color=color, fillstyle="none")
        axes.annotate(DESCENT, (at, mean[descent].max()), (0, 5), textcoords="offset points", ha="center")
        axes.set_xlim(left=at / 2)
