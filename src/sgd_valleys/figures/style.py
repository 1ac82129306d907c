"""One look for every figure: sizes, letters, heatmaps, colour bars, and files with the same bytes for the same data."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import QuadMesh
from matplotlib.colorbar import Colorbar
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.ticker import LogLocator, MaxNLocator

from sgd_valleys.errors import UserError
from sgd_valleys.figures import panels
from sgd_valleys.storage.atomic import atomic_write

COLUMN, DOUBLE = 3.4, 7.0  # inches: one and two columns of the journal
SMALLEST = 6  # points: nothing but a subscript is set smaller
GREY = "0.72"  # cells without a converged run
INK = "0.25"  # guide lines and boxes

SIMILARITY = r"$\mathrm{Sim}_J$"
BARRIER = r"$\Delta\mathcal{L}_{\mathrm{barrier}}$"
TRAIN_LOSS = r"$\mathcal{L}_{\mathrm{train}}$"
TEST_LOSS = r"$\mathcal{L}_{\mathrm{test}}$"
TRAIN_ACCURACY = r"$\mathrm{Acc}_{\mathrm{train}}$"
TEST_ACCURACY = r"$\mathrm{Acc}_{\mathrm{test}}$"
FREEZING = r"$\eta\,\langle t_{\mathrm{freeze}}\rangle$"
P_FLAT = r"$P_{\mathrm{flat}}$"
DELTA_S = r"$\Delta_S$"
NOTHING = "no converged run"


def rc(style: Mapping[str, Any]) -> dict[str, Any]:
    """Matplotlib parameters of every figure, from ``figures.style`` of the config."""
    size, thin = style["font_size"], 0.6
    small = max(SMALLEST, size - 1)
    return {
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],  # comes with Matplotlib: the same letters on every machine
        "mathtext.fontset": "dejavusans",
        "font.size": size,
        "axes.titlesize": size,
        "axes.labelsize": size,
        "xtick.labelsize": small,
        "ytick.labelsize": small,
        "legend.fontsize": small,
        "legend.title_fontsize": small,
        "legend.frameon": False,
        "legend.handlelength": 1.4,
        "legend.labelspacing": 0.3,
        "axes.titlepad": 4.0,
        "axes.labelpad": 2.0,
        "axes.linewidth": thin,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.formatter.useoffset": False,
        "xtick.major.width": thin,
        "ytick.major.width": thin,
        "xtick.minor.width": thin / 2,
        "ytick.minor.width": thin / 2,
        "xtick.major.size": 2.5,
        "ytick.major.size": 2.5,
        "xtick.minor.size": 1.5,
        "ytick.minor.size": 1.5,
        "lines.linewidth": style["line_width"],
        "lines.markersize": 3.0,
        "figure.dpi": style["dpi"],
        "savefig.dpi": "figure",
        "figure.constrained_layout.h_pad": 0.05,
        "figure.constrained_layout.w_pad": 0.05,
        "pdf.fonttype": 42,  # TrueType: text stays text in an editor
    }


class StyledFigure(Figure):
    """A figure saved under the parameters it was made with: Matplotlib makes some ticks only on saving."""

    def __init__(self, parameters: Mapping[str, Any], **options: Any) -> None:
        """Take Matplotlib's parameters, and the options of ``Figure``."""
        super().__init__(**options)
        self.parameters = dict(parameters)
        self.letters: list[tuple[Axes, Text]] = []
        self.has_grey = False

    def savefig(self, *args: Any, **options: Any) -> None:
        """Save as ``Figure`` does, under the figure's own parameters."""
        with mpl.style.context(["default", self.parameters]):
            super().savefig(*args, **options)


@contextmanager
def styled_figure(style: Mapping[str, Any], width: float, height: float, note: str = NOTHING) -> Iterator[StyledFigure]:
    """Give a figure of ``width`` x ``height`` inches to draw on under the common parameters.

    On leaving, the legend says what grey means where a heatmap has grey cells, and the letters are aligned.
    """
    parameters = rc(style)
    with mpl.style.context(["default", parameters]):
        figure = StyledFigure(parameters, figsize=(width, height), layout="constrained")
        yield figure
        if figure.has_grey:
            figure.legend(handles=[Patch(color=GREY, label=note)], loc="outside lower right", borderaxespad=0.2)
        _align_letters(figure)


def panel(axes: Axes, letter: str, title: str = "") -> None:
    """Give ``axes`` its letter, and a title centred above."""
    # A newline for each further line of the title keeps the letter beside the first of them.
    text = axes.set_title(letter + "\n" * title.count("\n"), loc="left", fontweight="bold", fontsize="large")
    axes.figure.letters.append((axes, text))
    axes.set_title(title)


def _align_letters(figure: StyledFigure) -> None:
    """Move every letter to the left edge of its panel's labels, in line with the panels above and below."""
    figure.draw_without_rendering()
    places = {axes: axes.get_position() for axes, _ in figure.letters}

    def column(axes: Axes) -> float:
        here = places[axes]
        beside = any(one.x1 <= here.x0 and one.y0 < here.y1 and here.y0 < one.y1 for one in places.values())
        return round(here.x0, 2) if beside else 0.0  # the first panels of all rows share their edge

    edges: dict[float, float] = {}
    for axes in places:
        edges[column(axes)] = min(edges.get(column(axes), np.inf), axes.get_tightbbox().x0)
    for axes, text in figure.letters:
        text.set_x(axes.transAxes.inverted().transform((edges[column(axes)], 0))[0])
    figure.set_layout_engine("none")  # the places found stay, and saving need not find them again


def empty(axes: Axes, text: str = NOTHING, ticks: bool = False) -> None:
    """Say in the panel that there is nothing to draw; numbers along its axes stay only where ``ticks``."""
    axes.annotate(text, (0.5, 0.5), xycoords="axes fraction", ha="center", va="center", color=INK)
    if not ticks:
        axes.tick_params(which="both", length=0, labelbottom=False, labelleft=False)


def spatial(axes: Axes, explained: np.ndarray, height: str) -> None:
    """Set up axes in space: two principal components and the shares of the variance they explain, and a height."""
    axes.set_xlabel(f"PC1 ({explained[0]:.0%})", labelpad=-8)
    axes.set_ylabel(f"PC2 ({explained[1]:.0%})", labelpad=-8)
    axes.set_zlabel(height, labelpad=-8)
    quiet(axes)
    axes.zaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.view_init(elev=24, azim=-60)
    axes.set_box_aspect((4, 4, 3.4), zoom=1.12)


def quiet(axes: Axes) -> None:
    """Keep the walls, grid and numbers of axes in space in the background."""
    axes.tick_params(pad=-3)
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.set_major_locator(MaxNLocator(4))
        axis.pane.set_facecolor("0.97")
        axis._axinfo["grid"].update(color="0.88", linewidth=0.4)


def colorbar(axes: Axes, mappable: ScalarMappable, label: str) -> Colorbar:
    """Draw a colour bar as tall as ``axes`` at its right."""
    place = axes.inset_axes((1.03, 0.0, 0.05, 1.0))
    options: dict[str, Any] = {}
    norm = mappable.norm
    plain = False
    if isinstance(norm, LogNorm):
        decades = np.log10(norm.vmax / norm.vmin)
        plain = decades < 2
        if plain:  # powers of ten alone would leave the bar with one number or none
            options["ticks"] = LogLocator(subs=(1, 2, 5)) if decades > 0.7 else MaxNLocator(4)
            options["format"] = "%g"
    bar = axes.figure.colorbar(mappable, cax=place, **options)
    if plain:
        bar.minorticks_off()
    bar.set_label(label)
    bar.outline.set_visible(False)
    return bar


def color_norm(values: np.ndarray, log: bool = False) -> Normalize | None:
    """Span the finite (positive, where ``log``) values; None where there are none."""
    shown = values[np.isfinite(values) & ((values > 0) | (not log))]
    if shown.size == 0:
        return None
    low, high = float(shown.min()), float(shown.max())
    if low == high:  # one value: a span around it, which a colour bar needs
        low, high = (low * 0.9, high * 1.1) if log else (low - 0.1 * (abs(low) or 1), high + 0.1 * (abs(high) or 1))
    return LogNorm(low, high) if log else Normalize(low, high)


def matrix(
    axes: Axes,
    values: np.ndarray,
    x: Sequence[str],
    y: Sequence[str],
    label: str,
    colormap: str,
    log: bool = False,
    limits: tuple[float, float] | None = None,
) -> QuadMesh | None:
    """Draw ``values`` (x, y) as coloured cells with their colour bar; what is not finite stays grey.

    Cell (i, j) is centred on the point (i, j). Returns None where no cell has a colour.
    """
    axes.set_facecolor(GREY)
    axes.set_xlim(-0.5, len(x) - 0.5)
    axes.set_ylim(-0.5, len(y) - 0.5)
    axes.set_xticks(range(len(x)), x)
    axes.set_yticks(range(len(y)), y)
    axes.tick_params(length=0)
    norm = color_norm(values, log)
    if norm is None:
        empty(axes, ticks=True)
        return None
    hidden = ~np.isfinite(values) | ((values <= 0) & log)
    if limits is not None:
        norm.vmin, norm.vmax = limits
    if hidden.any():
        axes.figure.has_grey = True
    mesh = axes.pcolormesh(
        np.arange(len(x) + 1) - 0.5,
        np.arange(len(y) + 1) - 0.5,
        np.ma.array(values, mask=hidden).T,
        norm=norm,
        cmap=colormap,
        edgecolors="white",
        linewidth=0.4,
    )
    colorbar(axes, mesh, label)
    return mesh


def heatmap(
    axes: Axes,
    data: Mapping[str, Any],
    values: np.ndarray,
    label: str,
    colormap: str,
    log: bool = False,
    limits: tuple[float, float] | None = None,
) -> QuadMesh | None:
    """Draw ``values`` (eta, B) over the grid of ``data``, grey in the cells where no realization converges."""
    shown = np.where(panels.converging(data["converged"]), values, np.nan)
    rates = [f"{rate:g}" for rate in data["eta"]]
    mesh = matrix(axes, shown, rates, batch_labels(data["B"], data["runs"]), label, colormap, log, limits)
    axes.tick_params(axis="x", labelrotation=90)
    axes.set_xlabel(r"$\eta$")
    axes.set_ylabel(r"$B$")
    return mesh


def batch_labels(B: np.ndarray, runs: np.ndarray, separator: str = "\n") -> list[str]:
    """Label batch sizes, and the full batch as gradient descent."""
    full = panels.full_batch(B, runs)
    return [f"{size}{separator}(GD)" if size == full else str(size) for size in B]


def batch_curves(data: Mapping[str, Any], colormap: str) -> dict[int, dict[str, Any]]:
    """Give the colour and label of the curve of every B: a sequential map, short of its palest end."""
    sizes, labels = data["B"], batch_labels(data["B"], data["runs"], separator=" ")
    colors = mpl.colormaps[colormap](np.linspace(0, 0.9, len(sizes)))
    return {int(B): {"color": color, "label": label} for B, color, label in zip(sizes, colors, labels, strict=True)}


def batch_legend(axes: Axes) -> None:
    """Name the curves of every B beside the panel, where no curve can run through the names."""
    axes.legend(title="$B$", loc="upper left", bbox_to_anchor=(1.0, 1.02), borderaxespad=0.2)


def check_colors(settings: Mapping[str, Any], name: str) -> None:
    """Refuse colours and colour maps that Matplotlib does not know.

    Raises:
        UserError: names the setting of figure ``name``.
    """
    for key, value in settings.items():
        where = f"config: figures.{name}.{key} is {value!r}"
        if key.endswith("colormap") and value not in mpl.colormaps:
            raise UserError(f"{where}: it has to be a colour map of Matplotlib, such as viridis.")
        if key.endswith(("color", "colors")):
            for color in [value] if isinstance(value, str) else value:
                if not mpl.colors.is_color_like(color):
                    raise UserError(f"{where}: a colour is a name or #rrggbb.")


def save(figure: Figure, png_path: str | os.PathLike, pdf_path: str | os.PathLike) -> None:
    """Write a figure as PNG and PDF, each whole or not at all and free of time stamps."""
    with atomic_write(png_path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})
    with atomic_write(pdf_path) as temporary:
        figure.savefig(temporary, format="pdf", metadata={"CreationDate": None})
