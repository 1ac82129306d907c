"""What the figures of a sweep share: trajectories in space, similarities of end points, spectra, mean curves."""

from collections.abc import Iterable
from itertools import cycle, groupby, pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from sgd_valleys.figures import panels
from sgd_valleys.figures.style import (
    INK,
    SIMILARITY,
    TRAIN_LOSS,
    batch_curves,
    batch_legend,
    empty,
    matrix,
    panel,
    spatial,
)
from sgd_valleys.storage import hdf5

BLOCK = ("block_pc", "block_loss", "block_eta", "block_B", "block_explained")
MARKERS = "os^DvPX<"  # end points by batch size; the star is the start's
EACH, CROWDED = 16, 36  # runs up to which each is labelled by eta and B, and by B alone
FLOOR = 1e-10  # of the largest eigenvalue: below it float64 leaves rounding alone


def load_block(projection: str, similarity: str) -> dict[str, np.ndarray]:
    """Read the trajectories of a block of runs, and the similarities of their end points."""
    return hdf5.read(projection, BLOCK) | hdf5.read(similarity, ["block_jaccard"])


def load_spectra(paths: str | Iterable[str]) -> dict[str, Any]:
    """Read ``spectrum``, the runs' spectra by (eta, B, realization), and ``N``, how many eigenvalues make F."""
    data: dict[str, Any] = {"spectrum": {}}
    for path in [paths] if isinstance(paths, str) else paths:
        attributes = hdf5.read_attributes(path)
        content = hdf5.read(path)
        data["N"] = content["eigenvalue"].shape[-1]
        runs, spectra = content.get("spectrum_realization", ()), content.get("spectrum", ())
        for realization, spectrum in zip(runs, spectra, strict=True):
            data["spectrum"][float(attributes["eta"]), int(attributes["B"]), int(realization)] = spectrum
    return data


def draw_trajectories(axes: Axes, letter: str, data: dict[str, np.ndarray], colors: list[str]) -> None:
    """Draw the block's runs in space, over the plane of their principal components; a diverged run is left out."""
    panel(axes, letter)
    color = dict(zip(dict.fromkeys(data["block_eta"].tolist()), cycle(colors)))
    marker = dict(zip(dict.fromkeys(data["block_B"].tolist()), cycle(MARKERS)))
    # A diverged run has no place in the plane, but a loss up to its end, which would stretch the height.
    placed = np.isfinite(data["block_pc"]).all(axis=-1)
    height = np.where(placed, panels.log10_positive(data["block_loss"]), np.nan)
    for run in range(len(data["block_eta"])):
        eta, B = data["block_eta"][run].item(), data["block_B"][run].item()
        x, y, z = data["block_pc"][run, :, 0], data["block_pc"][run, :, 1], height[run]
        axes.plot(x, y, z, color=color[eta], linewidth=0.7, alpha=0.8)
        axes.plot(x[-1:], y[-1:], z[-1:], marker[B], color=color[eta], markeredgecolor="black", markeredgewidth=0.4)
    started = np.flatnonzero(np.isfinite(height[:, 0]))
    if started.size:  # from one point, all of them
        start = data["block_pc"][started[0], 0]
        axes.plot(start[:1], start[1:2], height[started[0], :1], "*", color="black", markersize=7, zorder=10)
    else:
        empty(axes)
    spatial(axes, data["block_explained"], rf"$\log_{{10}}${TRAIN_LOSS}")
    rates = [Line2D([], [], color=shade, label=f"{eta:g}") for eta, shade in color.items()]
    sizes = [
        Line2D([], [], marker=shape, color="0.6", markeredgecolor="black", markeredgewidth=0.4, linestyle="", label=B)
        for B, shape in marker.items()
    ]
    star = [Line2D([], [], marker="*", color="black", markersize=6, linestyle="", label="start")]
    axes.add_artist(axes.legend(handles=rates, title=r"$\eta$", loc="upper left", bbox_to_anchor=(1.17, 1.0)))
    axes.legend(handles=sizes + star, title=r"$B$", loc="upper left", bbox_to_anchor=(1.17, 0.6))


def draw_similarity(axes: Axes, letter: str, data: dict[str, np.ndarray], colormap: str) -> None:
    """Draw the Jaccard similarity of every pair of the block's end points; lines part the rates of a large block."""
    panel(axes, letter)
    names, groups = run_labels(data["block_eta"], data["block_B"])
    mesh = matrix(axes, data["block_jaccard"], names, names, SIMILARITY, colormap)
    axes.invert_yaxis()
    axes.set_box_aspect(1)
    axes.tick_params(axis="x", labelrotation=90)
    label = r"$\eta,\ B$"
    if len(names) > CROWDED:
        label = rf"$\eta$ ($B$ = {', '.join(map(str, data['block_B'][groups[0]]))} in each)"
    axes.set_xlabel(label)
    axes.set_ylabel(label)
    if mesh is not None and len(names) > EACH:
        for group in groups[1:]:
            axes.axhline(group.start - 0.5, color=INK, linewidth=0.8)
            axes.axvline(group.start - 0.5, color=INK, linewidth=0.8)


def run_labels(eta: np.ndarray, B: np.ndarray) -> tuple[list[str], list[slice]]:
    """Label runs by eta and B, and find the groups of one eta.

    Where the runs are many, eta stands in the middle of its group alone; where they are more, B nowhere.
    """
    ends = np.cumsum([0, *(len(list(group)) for _, group in groupby(eta))]).tolist()
    groups = [slice(*bounds) for bounds in pairwise(ends)]
    if len(eta) <= EACH:
        return [f"{rate:g}, {size}" for rate, size in zip(eta, B, strict=True)], groups
    names = ["" if len(eta) > CROWDED else str(size) for size in B]
    for group in groups:
        middle = (group.start + group.stop) // 2
        names[middle] = f"{eta[middle]:g}, {names[middle]}".removesuffix(", ")
    return names, groups


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


def draw_spectra(axes: Axes, letter: str, data: dict[str, Any], eta: float, realization: int, colormap: str) -> None:
    """Draw the eigenvalues of one rate and realization against their index, one curve a B."""
    panel(axes, letter, rf"$\eta = {eta:g}$")
    axes.set_xlabel("index $i$")
    axes.set_ylabel(r"eigenvalue $\lambda_i$")
    spectra = spectra_at(data, eta, realization)
    if not spectra:
        empty(axes)
        return
    floor = FLOOR * max(spectrum.max() for spectrum in spectra.values())
    curves = batch_curves(data, colormap)
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


def draw_mean_loss(axes: Axes, letter: str, data: dict[str, Any], eta: float, colormap: str) -> None:
    """Draw the mean training loss of every B at one rate against iteration, and the threshold L_c."""
    _draw_means(axes, letter, data, data["train"], "train_loss", TRAIN_LOSS, eta, colormap)
    if axes.lines:
        axes.set_yscale("log")
        axes.axhline(data["threshold"][0], color=INK, linestyle=":", linewidth=0.8)


def draw_mean_flatness(axes: Axes, letter: str, data: dict[str, Any], eta: float, colormap: str) -> None:
    """Draw the mean flatness of every B at one rate against iteration; a point where it was taken at the end alone."""
    _draw_means(axes, letter, data, data["curvature"], "flatness", "$F$", eta, colormap)


def _draw_means(
    axes: Axes, letter: str, data: dict[str, Any], cells: panels.Cells, name: str, symbol: str, eta: float,
    colormap: str,
) -> None:  # fmt: skip
    """Draw the mean of ``name`` over a cell's runs against iteration, one curve a B."""
    panel(axes, letter, rf"$\eta = {eta:g}$")
    axes.set_xlabel("iteration $t$")
    axes.set_ylabel(rf"$\langle${symbol}$\rangle$")
    curves = batch_curves(data, colormap)
    for B, cell in panels.cells_at(cells, eta).items():
        mean = panels.mean_curve(cell[name])
        taken = np.isfinite(mean)
        if taken.any() and B in curves:
            marker = "o" if taken.sum() == 1 else None
            axes.plot(cell["iteration"][taken], mean[taken], marker=marker, **curves[B])
    if axes.lines:
        axes.set_xlim(left=0)
        batch_legend(axes)
    else:
        empty(axes)
