"""Fig. S5: CIFAR-10 and a convolutional network.

Reads ``endpoints``, ``jaccard``, ``freezing``, ``projection``, ``train`` (the files of every B at ``figS5.eta``)
and ``curvature`` (the files of every B at ``figS5.eta`` and ``figS5.spectrum_eta``). The first threshold of
``freezing`` is L_c.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sgd_valleys.figures import panels, runs
from sgd_valleys.figures.style import DOUBLE, FREEZING, SIMILARITY, TEST_ACCURACY, heatmap, panel, styled_figure
from sgd_valleys.storage import hdf5


def load(paths: dict[str, Any]) -> dict[str, Any]:
    """Read what the panels show; ``train`` and ``curvature`` come as cells by (eta, B)."""
    return (
        panels.load_grid(paths["endpoints"], ["similarity", "test_accuracy", "flatness", "convergence_probability"])
        | hdf5.read(paths["freezing"], ["threshold", "freezing_time"])
        | runs.load_block(paths["projection"], paths["jaccard"])
        | runs.load_spectra(paths["curvature"])
        | {
            "train": panels.load_cells(paths["train"], ["train_loss"]),
            "curvature": panels.load_cells(paths["curvature"], ["flatness"]),
        }
    )


def draw(data: dict[str, Any], settings: dict, style: dict) -> Figure:
    """Draw panels A-J."""
    best = {
        name: panels.reduce_cells(data[name], np.max, among=data["converged"]) for name in ("test_accuracy", "flatness")
    }
    maps = (
        (data["similarity"], rf"$\langle${SIMILARITY}$\rangle$", False),
        (best["test_accuracy"], f"max({TEST_ACCURACY})", False),
        (best["flatness"], "max($F$)", False),
        (data["convergence_probability"], r"$P_{\mathrm{converge}}$", False, (0.0, 1.0)),
        (panels.mean_freezing(data, 0), FREEZING, False),
    )
    curves = settings["eta"], settings["B_colormap"]
    with styled_figure(style, DOUBLE, 8.5, note="no converged run, or not available") as figure:
        rows = figure.add_gridspec(4, 1, height_ratios=[1.9, 1, 1, 1])
        block = rows[0].subgridspec(1, 2, width_ratios=[1, 1.1])
        runs.draw_trajectories(figure.add_subplot(block[0], projection="3d"), "A", data, settings["eta_colors"])
        runs.draw_similarity(figure.add_subplot(block[1]), "B", data, settings["similarity_colormap"])
        spectra, *grids = rows[1:3].subgridspec(2, 3).subplots().flat
        runs.draw_spectra(spectra, "C", data, settings["spectrum_eta"], settings["realization"], settings["B_colormap"])
        for axes, letter, (values, label, *scale) in zip(grids, "DEFGH", maps, strict=True):
            panel(axes, letter)
            heatmap(axes, data, values, label, settings["colormap"], *scale)
        loss, flatness = rows[3].subgridspec(1, 2).subplots()
        runs.draw_mean_loss(loss, "I", data, *curves)
        runs.draw_mean_flatness(flatness, "J", data, *curves)
        for axes in (loss, flatness):
            axes.xaxis.set_major_locator(MaxNLocator(5))  # runs are long, and so are the numbers
    return figure
