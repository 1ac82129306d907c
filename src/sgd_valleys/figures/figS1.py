"""Fig. S1: Hessian spectra of the solutions.

Reads ``cell_maps``, ``endpoints`` and ``curvature`` (the files of every B at ``figS1.eta``).
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgd_valleys.figures import panels, runs
from sgd_valleys.figures.style import annotate_corner, label_panel, mark_empty, styled_figure
from sgd_valleys.storage import hdf5


def load(paths: dict[str, Any]) -> dict[str, Any]:
    """Read what the panels show; ``spectrum`` holds spectra by (eta, B, realization)."""
    ends = hdf5.read(paths["endpoints"], ["converged", "top_sum", "trace"])
    return panels.load_grid(paths["cell_maps"]) | ends | runs.load_spectra(paths["curvature"])


def draw(data: dict[str, Any], settings: dict, style: dict) -> Figure:
    """Draw the spectra (A) and the fraction of the trace in the largest N eigenvalues (B)."""
    with styled_figure(style, 2.6) as figure:
        spectra, histogram = figure.subplots(1, 2)
        runs.draw_spectra(spectra, "A", data, settings["eta"], settings["realization"], settings["B_colormap"])
        _draw_top_fraction(histogram, data, settings["histogram_color"])
    return figure


def top_fraction(data: dict[str, Any]) -> np.ndarray:
    """Return (sum of the largest N eigenvalues) / (sum of all) of every converged run, in one row."""
    with np.errstate(divide="ignore", invalid="ignore"):
        fraction = data["top_sum"] / data["trace"]
    return fraction[data["converged"] & np.isfinite(fraction)]


def _draw_top_fraction(axes: Axes, data: dict[str, Any], color: str) -> None:
    """Draw a histogram of the fraction of the trace in the largest N eigenvalues."""
    label_panel(axes, "B")
    axes.set_xlabel(rf"$\sum_{{i \leq {data.get('N', 'N')}}} \lambda_i \,/\, \sum_i \lambda_i$")
    axes.set_ylabel("converged runs")
    fraction = top_fraction(data)
    if fraction.size == 0:
        mark_empty(axes)
        return
    axes.hist(fraction, bins=20, color=color, edgecolor="white", linewidth=0.4)
    text = f"{fraction.size} runs\nmedian {np.median(fraction):.2f}"
    annotate_corner(axes, text, "left", color="black")
