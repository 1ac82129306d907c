"""Fig. S5: CIFAR-10 and a convolutional network.

Reads ``cell_maps``, ``jaccard``, ``projection``, ``train`` and ``curvature``. The files of ``train`` are those of every
B at ``figS5.eta``. The files of ``curvature`` are those of every B at ``figS5.eta`` and ``figS5.spectrum_eta``. The
first threshold is L_c.
"""

from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sgd_valleys.figures import panels, runs
from sgd_valleys.figures.style import styled_figure

MAPS = ("similarity", "max_test_accuracy", "max_flatness", "convergence_probability", "eta_t_freeze")


def load(paths: dict[str, Any]) -> dict[str, Any]:
    """Read the plotted arrays; ``train`` and ``curvature`` are dictionaries of cells by (eta, B)."""
    return (
        panels.load_grid(paths["cell_maps"], ["threshold", *MAPS])
        | runs.load_block(paths["projection"], paths["jaccard"])
        | runs.load_spectra(paths["curvature"])
        | {
            "train": panels.load_cells(paths["train"], ["train_loss"]),
            "curvature": panels.load_cells(paths["curvature"], ["flatness"]),
        }
    )


def draw(data: dict[str, Any], settings: dict, style: dict) -> Figure:
    """Draw panels A-J."""
    curves = settings["eta"], settings["B_colormap"]
    with styled_figure(style, 8.5, grey="no converged run, or not available") as figure:
        rows = figure.add_gridspec(4, 1, height_ratios=[1.9, 1, 1, 1])
        block = rows[0].subgridspec(1, 2, width_ratios=[1.1, 1])
        runs.draw_trajectories(figure.add_subplot(block[0], projection="3d"), "A", data, settings["eta_colors"])
        runs.draw_similarity(figure.add_subplot(block[1]), "B", data, settings["similarity_colormap"])
        spectra, *grids = rows[1:3].subgridspec(2, 3).subplots().flat
        runs.draw_spectra(spectra, "C", data, settings["spectrum_eta"], settings["realization"], settings["B_colormap"])
        for axes, letter, name in zip(grids, "DEFGH", MAPS, strict=True):
            panels.draw_map(axes, letter, data, name, settings["colormap"])
        loss, flatness = rows[3].subgridspec(1, 2).subplots()
        runs.draw_mean_loss(loss, "I", data, *curves)
        runs.draw_mean_flatness(flatness, "J", data, *curves)
        for axes in (loss, flatness):
            axes.xaxis.set_major_locator(MaxNLocator(5))  # fewer ticks, since iterations have many digits
    return figure
