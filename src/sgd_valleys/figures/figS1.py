"""Fig. S1: Hessian spectra of the solutions.

Reads ``endpoints`` and ``curvature`` (the files of every B at ``figS1.eta``).
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgd_valleys import storage
from sgd_valleys.figures import panels
from sgd_valleys.figures.style import DOUBLE, INK, batch_curves, batch_legend, empty, panel, styled_figure

FLOOR = 1e-10  # of the largest eigenvalue: below it float64 leaves rounding alone


def load(paths: dict[str, Any]) -> dict[str, Any]:
    """Read what the panels show; ``spectrum`` has the runs' spectra by (eta, B, realization)."""
    data: dict[str, Any] = panels.load_grid(paths["endpoints"], ["top_sum", "trace"])
    files = [paths["curvature"]] if isinstance(paths["curvature"], str) else paths["curvature"]
    data["spectrum"] = {}
    for path in files:
        attributes = storage.read_attributes(path)
        content = storage.read(path)
        data["N"] = content["eigenvalue"].shape[-1]
        runs, spectra = content.get("spectrum_realization", ()), content.get("spectrum", ())
        for realization, spectrum in zip(runs, spectra, strict=True):
            data["spectrum"][float(attributes["eta"]), int(attributes["B"]), int(realization)] = spectrum
    return data


def draw(data: dict[str, Any], settings: dict, style: dict) -> Figure:
    """Draw the spectra (A) and the share of the trace in the top N eigenvalues (B)."""
    with styled_figure(style, DOUBLE, 2.6) as figure:
        spectra, share = figure.subplots(1, 2)
        _draw_spectra(spectra, data, settings)
        _draw_share(share, data, settings["histogram_color"])
    return figure


def spectra_at(data: dict[str, Any], eta: float, realization: int) -> dict[int, np.ndarray]:
    """Choose the finite spectra of one rate and realization, by B in ascending order; gradient descent has one run."""
    full = panels.full_batch(data["B"], data["runs"])
    return {
        B: spectrum
        for (rate, B, run), spectrum in sorted(data["spectrum"].items(), key=lambda item: item[0])
        if np.isclose(rate, eta, rtol=1e-9, atol=0)
        and run == (0 if full == B else realization)
        and np.isfinite(spectrum).all()
    }


def top_share(data: dict[str, Any]) -> np.ndarray:
    """Give (sum of the top N eigenvalues) / (sum of all) of every converged run, in one row."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = data["top_sum"] / data["trace"]
    return share[data["converged"] & np.isfinite(share)]


def _draw_spectra(axes: Axes, data: dict[str, Any], settings: dict) -> None:
    panel(axes, "A", rf"$\eta = {settings['eta']:g}$")
    axes.set_xlabel("index $i$")
    axes.set_ylabel(r"eigenvalue $\lambda_i$")
    spectra = spectra_at(data, settings["eta"], settings["realization"])
    if not spectra:
        empty(axes)
        return
    floor = FLOOR * max(spectrum.max() for spectrum in spectra.values())
    curves = batch_curves(data, settings["B_colormap"])
    for B, spectrum in spectra.items():
        index = np.arange(1, spectrum.size + 1)
        axes.plot(index, np.maximum(spectrum, floor), **curves.get(B, {"color": INK, "label": B}))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.axvline(data["N"], color=INK, linestyle=":", linewidth=0.8)
    axes.annotate(
        f"$N = {data['N']}$", (data["N"], 0.94), xycoords=axes.get_xaxis_transform(), xytext=(3, 0),
        textcoords="offset points", color=INK,
    )  # fmt: skip
    axes.axhline(floor, color=INK, linestyle=":", linewidth=0.8)
    exponent = round(np.log10(FLOOR))
    axes.annotate(
        rf"clipped at $10^{{{exponent}}}\,\max\lambda_1$", (0.02, floor), xycoords=axes.get_yaxis_transform(),
        xytext=(0, 3), textcoords="offset points", color=INK,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
    )  # fmt: skip
    batch_legend(axes)


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
