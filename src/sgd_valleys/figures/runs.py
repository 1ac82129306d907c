"""Shared panels of the figures of a sweep: trajectories in 3D, similarities of endpoints, spectra, mean curves."""

from collections.abc import Sequence
from itertools import cycle, groupby, pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from sgd_valleys.figures import panels
from sgd_valleys.figures.style import (
    INK,
    Arrays,
    Quantity,
    draw_matrix,
    label_component_axes,
    label_panel,
    mark_empty,
    mark_value,
)
from sgd_valleys.figures.symbols import ITERATION, SIMILARITY, TRAIN_LOSS, log10_loss, with_loss_units
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.cells import index_of

BLOCK = ("block_pc", "block_loss", "block_eta", "block_B", "block_explained")
MARKERS = "os^DvPX<"  # markers of endpoints by batch size; the start has a star
MAX_FULL_LABELS, MAX_B_LABELS = 16, 36  # largest blocks whose runs are labelled with eta and B, or with B
EIGENVALUE_FLOOR = 1e-10  # relative to the largest eigenvalue; smaller ones are rounding errors of float64


def load_block(projection: str, jaccard: str) -> Arrays:
    """Read the trajectories of a block of runs, the similarities of their endpoints, and the unit of their loss."""
    block = hdf5.read(projection, BLOCK) | panels.read_loss_units(projection, "block_loss")
    return block | hdf5.read(jaccard, ["block_jaccard"])


def load_spectra(paths: Sequence[str]) -> dict[str, Any]:
    """Read ``spectrum``, spectra by (eta, B, realization), and ``N``, the number of eigenvalues in F."""
    data: dict[str, Any] = {"spectrum": {}}
    for path in paths:
        attributes, content = hdf5.read_attributes(path), hdf5.read(path)
        data["N"] = content["eigenvalue"].shape[-1]
        runs, spectra = content.get("spectrum_realization", ()), content.get("spectrum", ())
        for realization, spectrum in zip(runs, spectra, strict=True):
            data["spectrum"][float(attributes["eta"]), int(attributes["B"]), int(realization)] = spectrum
    return data


def draw_trajectories(axes: Axes, letter: str, data: Arrays, colors: list[str]) -> None:
    """Draw the block's runs over the plane of their principal components; diverged runs are left out."""
    label_panel(axes, letter)
    color = dict(zip(dict.fromkeys(data["block_eta"].tolist()), cycle(colors)))
    marker = dict(zip(dict.fromkeys(data["block_B"].tolist()), cycle(MARKERS)))
    # A diverged run has no coordinates, but its finite losses before divergence would stretch the height.
    finite = np.isfinite(data["block_pc"]).all(axis=-1)
    height = np.where(finite, panels.log10_positive(data["block_loss"]), np.nan)
    for run in range(len(data["block_eta"])):
        eta, B = data["block_eta"][run].item(), data["block_B"][run].item()
        x, y, z = data["block_pc"][run, :, 0], data["block_pc"][run, :, 1], height[run]
        axes.plot(x, y, z, color=color[eta], linewidth=0.7, alpha=0.8)
        axes.plot(x[-1:], y[-1:], z[-1:], marker[B], color=color[eta], markeredgecolor="black", markeredgewidth=0.4)
    started = np.flatnonzero(np.isfinite(height[:, 0]))
    if started.size:  # all runs start from one point
        start = data["block_pc"][started[0], 0]
        axes.plot(start[:1], start[1:2], height[started[0], :1], "*", color="black", markersize=7, zorder=10)
    else:
        mark_empty(axes)
    label_component_axes(axes, data["block_explained"], log10_loss(TRAIN_LOSS, data["loss_units"]))
    rates = [Line2D([], [], color=shade, label=f"{eta:g}") for eta, shade in color.items()]
    sizes = [
        Line2D([], [], marker=shape, color="0.6", markeredgecolor="black", markeredgewidth=0.4, linestyle="", label=B)
        for B, shape in marker.items()
    ]
    star = [Line2D([], [], marker="*", color="black", markersize=6, linestyle="", label="start")]
    axes.add_artist(axes.legend(handles=rates, title=r"$\eta$", loc="upper left", bbox_to_anchor=(1.25, 1.0)))
    axes.legend(handles=sizes + star, title=r"$B$", loc="upper left", bbox_to_anchor=(1.25, 0.6))


def draw_plane(axes: Axes, data: Arrays, colors: list[str]) -> None:
    """Draw the block's runs in the plane of their principal components, where no endpoint hides another."""
    color = dict(zip(dict.fromkeys(data["block_eta"].tolist()), cycle(colors)))
    marker = dict(zip(dict.fromkeys(data["block_B"].tolist()), cycle(MARKERS)))
    axes.set_title("A from above")
    axes.set(xlabel=f"PC1 ({data['block_explained'][0]:.0%})", ylabel=f"PC2 ({data['block_explained'][1]:.0%})")
    axes.set_box_aspect(1)
    finite = np.isfinite(data["block_pc"]).all(axis=(1, 2))
    if not finite.any():
        mark_empty(axes)
        return
    for eta, B, plane in zip(data["block_eta"][finite], data["block_B"][finite], data["block_pc"][finite], strict=True):
        shade = color[eta.item()]
        axes.plot(*plane.T, color=shade, linewidth=0.5, alpha=0.6)
        axes.plot(*plane[-1], marker[B.item()], color=shade, fillstyle="none", markersize=3.5, markeredgewidth=0.7)
    axes.plot(*data["block_pc"][finite][0, 0], "*", color="black", markersize=6)


def draw_similarity(axes: Axes, letter: str, data: Arrays, colormap: str) -> None:
    """Draw the Jaccard similarity of the endpoints of the block's converged runs.

    Lines separate the learning rates of a large block. The title gives the number of runs if some have not converged.
    """
    converged = np.isfinite(np.diagonal(data["block_jaccard"]))
    count, runs = converged.sum(), converged.size
    label_panel(axes, letter, "" if count == runs else f"{count} of {runs} runs converged")
    if count == 0:
        mark_empty(axes)
        return
    eta, B, jaccard = data["block_eta"][converged], data["block_B"][converged], data["block_jaccard"]
    names, groups = run_labels(eta, B)
    label = r"$\eta,\ B$"
    if len(names) > MAX_B_LABELS:
        sizes = ", ".join(map(str, dict.fromkeys(data["block_B"].tolist())))
        label = rf"$\eta$ (each: converged of $B$ = {sizes})"
    matrix = jaccard[np.ix_(converged, converged)]
    mesh = draw_matrix(axes, matrix, (label, names), (label, names), Quantity(SIMILARITY), colormap)
    axes.invert_yaxis()
    axes.set_box_aspect(1)
    if mesh is not None and len(names) > MAX_FULL_LABELS:
        for group in groups[1:]:
            axes.axhline(group.start - 0.5, color=INK, linewidth=0.8)
            axes.axvline(group.start - 0.5, color=INK, linewidth=0.8)


def run_labels(eta: np.ndarray, B: np.ndarray) -> tuple[list[str], list[slice]]:
    """Label the runs of a block, sorted by eta.

    Above ``MAX_FULL_LABELS`` runs, only the middle label of a group has eta; above ``MAX_B_LABELS``, none has B.

    Returns:
        the label of every run, and a slice with the runs of every learning rate.
    """
    ends = np.cumsum([0, *(len(list(group)) for _, group in groupby(eta))]).tolist()
    groups = [slice(*bounds) for bounds in pairwise(ends)]
    if len(eta) <= MAX_FULL_LABELS:
        return [f"{rate:g}, {size}" for rate, size in zip(eta, B, strict=True)], groups
    names = ["" if len(eta) > MAX_B_LABELS else str(size) for size in B]
    for group in groups:
        middle = (group.start + group.stop) // 2
        names[middle] = f"{eta[middle]:g}, {names[middle]}".removesuffix(", ")
    return names, groups


def spectra_at(data: dict[str, Any], eta: float, realization: int) -> dict[int, np.ndarray]:
    """Return the finite spectra of one learning rate and realization by ascending B; gradient descent: 0."""
    descent = set(data["B"][data["gradient_descent"]].tolist())
    return {
        B: spectrum
        for (rate, B, run), spectrum in sorted(data["spectrum"].items(), key=lambda item: item[0])
        if rate == eta and run == (0 if B in descent else realization) and np.isfinite(spectrum).all()
    }


def draw_spectra(axes: Axes, letter: str, data: dict[str, Any], eta: float, realization: int, colormap: str) -> None:
    """Draw the eigenvalues at one learning rate and realization against their index, one curve for each B."""
    label_panel(axes, letter, rf"$\eta = {eta:g}$")
    axes.set(xlabel="index $i$", ylabel=with_loss_units(r"eigenvalue $\lambda_i$", data["loss_units"]))
    spectra = spectra_at(data, eta, realization)
    if not spectra:
        mark_empty(axes)
        return
    floor = EIGENVALUE_FLOOR * max(spectrum.max() for spectrum in spectra.values())
    styles = panels.batch_styles(data, colormap)
    for B, spectrum in spectra.items():
        index = np.arange(1, spectrum.size + 1)
        axes.plot(index, np.maximum(spectrum, floor), **styles.get(B, {"color": INK, "label": B}))
    axes.set(xscale="log", yscale="log")
    mark_value(axes, data["N"], f"$N = {data['N']}$", 0.94, (3, 0), vertical=True)
    clipped = rf"clipped at $10^{{{round(np.log10(EIGENVALUE_FLOOR))}}}\,\max\lambda_1$"
    mark_value(axes, floor, clipped, 0.02, (0, 3), bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5})
    panels.batch_legend(axes)


def draw_mean_loss(axes: Axes, letter: str, data: dict[str, Any], eta: float, colormap: str) -> None:
    """Draw the mean training loss of every B at one learning rate against iteration, and the threshold L_c."""
    _draw_means(axes, letter, data, data["train"], "train_loss", TRAIN_LOSS, eta, colormap, power=1)
    if axes.lines:
        axes.set_yscale("log")
        axes.axhline(data["threshold"][0], color=INK, linestyle=":", linewidth=0.8)


def draw_mean_flatness(axes: Axes, letter: str, data: dict[str, Any], eta: float, colormap: str) -> None:
    """Draw the mean flatness of every B at one learning rate against iteration; a point if measured only at the end.

    A triangle on a curve marks the mean freezing time over the runs of the cell whose loss falls below L_c.
    """
    _draw_means(axes, letter, data, data["curvature"], "flatness", "$F$", eta, colormap, power=-1)
    row = index_of(data["eta"], eta)
    if row is None:
        return
    times = dict(zip(data["B"].tolist(), data["eta_t_freeze"][row] / eta, strict=True))
    curves = [line for line in axes.lines if len(line.get_xdata()) > 1]
    styles = {style["label"]: B for B, style in panels.batch_styles(data, colormap).items()}
    for line in curves:
        time = times[styles[line.get_label()]]
        if np.isfinite(time):
            height = np.interp(time, *line.get_data())
            axes.plot(time, height, "v", color=line.get_color(), markersize=4, markeredgecolor="black",
                      markeredgewidth=0.5, zorder=4, label="_freezing")  # fmt: skip
    if any(line.get_marker() == "v" for line in axes.lines):
        label = r"$\langle t_{\mathrm{freeze}}\rangle$"
        axes.plot([], [], "v", color="0.8", markersize=4, markeredgecolor="black", markeredgewidth=0.5, label=label)
        panels.batch_legend(axes)


def _draw_means(
    axes: Axes, letter: str, data: dict[str, Any], cells: panels.Cells, name: str, symbol: str, eta: float,
    colormap: str, power: int,
) -> None:  # fmt: skip
    """Draw the mean of ``name`` over a cell's runs against iteration, one curve for each B.

    ``power`` is the power of the loss in the quantity.
    """
    label_panel(axes, letter, rf"$\eta = {eta:g}$")
    axes.set(xlabel=ITERATION, ylabel=with_loss_units(rf"$\langle${symbol}$\rangle$", data["loss_units"], power))
    styles = panels.batch_styles(data, colormap)
    for B, cell in panels.cells_at(cells, eta).items():
        mean = panels.mean_curve(cell[name])
        measured = np.isfinite(mean)
        if measured.any() and B in styles:
            marker = "o" if measured.sum() == 1 else None
            axes.plot(cell["iteration"][measured], mean[measured], marker=marker, **styles[B])
    if axes.lines:
        axes.set_xlim(left=0)
        panels.batch_legend(axes)
    else:
        mark_empty(axes)
