"""Fig. S1: Hessian spectra of the solutions.

Reads ``endpoints`` and ``curvature`` (the files of every B at ``figS1.eta``).
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgd_valleys.figures import panels, runs
from sgd_valleys.figures.style import DOUBLE, empty, panel, styled_figure


def load(paths: dict[str, Any]) -> dict[str, Any]:
    """Read what the panels show; ``spectrum`` has the runs' spectra by (eta, B, realization)."""
    grid = panels.load_grid(paths["endpoints"], ["top_sum", "trace"])
    return grid | runs.load_spectra(paths["curvature"])


def draw(data: dict[str, Any], settings: dict, style: dict) -> Figure:
    """Draw the spectra (A) and the share of the trace in the top N eigenvalues (B)."""
    with styled_figure(style, DOUBLE, 2.6) as figure:
        spectra, share = figure.subplots(1, 2)
        runs.draw_spectra(spectra, "A", data, settings["eta"], settings["realization"], settings["B_colormap"])
        _draw_share(share, data, settings["histogram_color"])
    return figure


def top_share(data: dict[str, Any]) -> np.ndarray:
    """Give (sum of the top N eigenvalues) / (sum of all) of every converged run, in one row."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = data["top_sum"] / data["trace"]
    return share[data["converged"] & np.isfinite(share)]


def _draw_share(axes: Axes, data: dict[str, Any], color: str) -> None:
    panel(axes, "B")
    axes.set_xlabel(rf"$\sum_{{i \leq {data.get('N', 'N')}}} \lambda_i \,/\, \sum_i \lambda_i$")
    axes.set_ylabel("converged runs")
    share = top_share(data)
    if share.size == 0:
        empty(axes)
        return
    axes.hist(share, bins=20, color=color, edgecolor="white", linewidth=0.4)
    axes.annotate(f"{share.size} runs\nmedian {np.median(share):.2f}", (0.03, 0.97), xycoords="axes fraction", va="top")
