"""Fig. S1: Hessian spectra of the solutions.

Reads ``cell_maps``, ``endpoints`` and ``curvature`` (the files of every B at ``figS1.eta``).
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgd_valleys.figures import panels, runs
from sgd_valleys.figures.style import INK, annotate_corner, label_few_decades, label_panel, mark_empty, styled_figure
from sgd_valleys.storage import hdf5


def load(paths: dict[str, Any]) -> dict[str, Any]:
    """Read the plotted arrays; ``spectrum`` holds spectra by (eta, B, realization)."""
    ends = hdf5.read(paths["endpoints"], ["converged", "top_sum", "trace"])
    return panels.load_grid(paths["cell_maps"]) | ends | runs.load_spectra(paths["curvature"])


def draw(data: dict[str, Any], settings: dict, style: dict) -> Figure:
    """Draw the spectra (A) and the fraction of the trace in the largest N eigenvalues (B)."""
    with styled_figure(style, 3.6) as figure:
        left, right = figure.add_gridspec(1, 2)
        spectra, ratio = left.subgridspec(2, 1, height_ratios=[1.3, 1]).subplots(sharex=True)
        histogram = figure.add_subplot(right)
        chosen = settings["eta"], settings["realization"], settings["B_colormap"]
        runs.draw_spectra(spectra, "A", data, *chosen)
        _draw_ratio(ratio, data, *chosen)
        if spectra.lines:
            spectra.set_xlabel("")
        _draw_top_fraction(histogram, data, settings["histogram_color"])
    return figure


def top_fraction(data: dict[str, Any]) -> np.ndarray:
    """Return (sum of the largest N eigenvalues) / (sum of all eigenvalues) of the converged runs (run)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        fraction = data["top_sum"] / data["trace"]
    return fraction[data["converged"] & np.isfinite(fraction)]


def _draw_ratio(axes: Axes, data: dict[str, Any], eta: float, realization: int, colormap: str) -> None:
    """Draw the ratio of eigenvalues of SGD to those of gradient descent by index, where both are positive."""
    axes.set(xlabel="index $i$", ylabel=r"$\lambda_i / \lambda_i^{\mathrm{GD}}$")
    spectra = runs.spectra_at(data, eta, realization)
    descent = next((spectra[B] for B in data["B"][data["gradient_descent"]].tolist() if B in spectra), None)
    if descent is None or len(spectra) < 2:
        mark_empty(axes, "no gradient descent to compare with")
        return
    styles = panels.batch_styles(data, colormap)
    for B, spectrum in spectra.items():
        ratio, shown = compare_spectra(spectrum, descent)
        axes.plot(np.flatnonzero(shown) + 1, ratio[shown], **styles.get(B, {"color": INK, "label": B}))
    axes.set(xscale="log", yscale="log")
    label_few_decades(axes.yaxis)
    axes.axvline(data["N"], color=INK, linestyle=":", linewidth=0.8)


def compare_spectra(spectrum: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Divide a spectrum by a reference, index by index.

    Returns:
        the ratios, and a mask (index) that ends at the first eigenvalue within rounding of 0 in either spectrum.
    """
    floors = [runs.EIGENVALUE_FLOOR * each.max() for each in (spectrum, reference)]
    above = (spectrum > floors[0]) & (reference > floors[1])
    shown = np.logical_and.accumulate(above)
    return np.divide(spectrum, reference, out=np.full(spectrum.shape, np.nan), where=shown), shown


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
