"""Fig. 2X: test accuracy as in Fig. 2D and E, and on the whole test file, which resolves smaller differences.

Reads ``cell_maps`` and ``endpoints``.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgd_valleys.figures import fig2, panels
from sgd_valleys.figures.style import Arrays, format_interval, label_panel, mark_empty, styled_figure
from sgd_valleys.figures.symbols import NOISE, TEST_ACCURACY
from sgd_valleys.measures.cell_maps import ON_IMAGES
from sgd_valleys.statistics.bootstrap import image_error
from sgd_valleys.storage import hdf5

SETS = {"test_accuracy": "test set", "test_file_accuracy": "whole test file"}


def load(paths: dict[str, Any]) -> Arrays:
    """Read the plotted arrays from the files ``paths``."""
    kinds = ("max_{}", "mean_{}", "mean_{}_correlation", "mean_{}_interval")
    names = [kind.format(name) for name in SETS for kind in kinds]
    runs = hdf5.read(paths["endpoints"], ["converged", *SETS, *ON_IMAGES.values()])
    return panels.load_grid(paths["cell_maps"], ["noise", *names]) | runs


def draw(data: Arrays, settings: dict, style: dict) -> Figure:
    """Draw panels A-F: the test set above, the whole test file below; on the right, means against the noise."""
    eta = settings["violin_eta"]
    with styled_figure(style, 4.0) as figure:
        rows = figure.subplots(2, 3, width_ratios=[1, 1.6, 1.2])
        for row, letters, (name, title) in zip(rows, ("ABC", "DEF"), SETS.items(), strict=True):
            panels.draw_map(row[0], letters[0], data, f"max_{name}", settings["colormap"], title)
            fig2.box_rate(row[0], data, eta)
            fig2.draw_violins(row[1], letters[1], data, name, TEST_ACCURACY, settings, separator="\n")
            _draw_means(row[2], letters[2], data, name, settings["color"])
    return figure


def _draw_means(axes: Axes, letter: str, data: Arrays, name: str, color: str) -> None:
    """Draw the mean of every cell's converged runs against the noise, with its standard error.

    A thick bar is the error over runs. A thin bar includes the sampling of the test images, which all cells share. The
    title is Spearman's rank correlation. Gradient descent has no noise and no position on a logarithmic axis, so its
    points are drawn apart on the left.
    """
    correlation, interval = data[f"mean_{name}_correlation"], format_interval(data[f"mean_{name}_interval"])
    label_panel(axes, letter, rf"$\rho$ = {correlation:.2f}{interval}" if np.isfinite(correlation) else "")
    axes.set(xlabel=NOISE, ylabel=rf"$\langle${TEST_ACCURACY}$\rangle$")
    noise, mean = data["noise"], data[f"mean_{name}"]
    shown = np.isfinite(mean)
    if not shown.any():
        mark_empty(axes)
        return
    noisy, descent = shown & (noise > 0), shown & (noise == 0)
    over_images = image_error(mean, data[ON_IMAGES[name]].shape[-1])
    thin = {"ecolor": color, "elinewidth": 0.5, "alpha": 0.5}
    if noisy.any():
        over_runs = standard_error(np.where(data["converged"], data[name], np.nan)[noisy])
        axes.set_xscale("log")
        axes.errorbar(noise[noisy], mean[noisy], over_runs, fmt="o", color=color, elinewidth=1.2, alpha=0.85)
        both = np.hypot(over_runs, over_images[noisy])
        axes.errorbar(noise[noisy], mean[noisy], both, fmt="none", **thin)
        low, high = noise[noisy].min(), noise[noisy].max()
        if high / low < 1.01:  # a logarithmic axis has no extent around a single value
            axes.set_xlim(low / 2, 2 * high)
    else:
        mark_empty(axes, "gradient descent alone")
    if descent.any() and noisy.any():
        x = noise[noise > 0].min() / 3
        axes.plot(np.full(descent.sum(), x), mean[descent], "s", color=color, fillstyle="none")
        axes.errorbar(np.full(descent.sum(), x), mean[descent], over_images[descent], fmt="none", **thin)
        axes.annotate("GD", (x, mean[descent].max()), (0, 5), textcoords="offset points", ha="center")
        axes.set_xlim(left=x / 2)


def standard_error(values: np.ndarray) -> np.ndarray:
    """Return the standard error of the mean over the finite values (..., realization); 0 for a single value."""
    count = np.isfinite(values).sum(axis=-1)
    return np.nanstd(values, axis=-1) / np.sqrt(np.maximum(count - 1, 1))
