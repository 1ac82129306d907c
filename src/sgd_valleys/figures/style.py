"""Common style of the figures: sizes, panel letters, colour bars, cells, and reproducible files."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import QuadMesh
from matplotlib.colorbar import Colorbar
from matplotlib.colors import BoundaryNorm, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.text import Text
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter
from mpl_toolkits.mplot3d import Axes3D

from sgd_valleys.storage.atomic import atomic_write

WIDTH = 7.0  # inches, two columns of the journal
MIN_FONT_SIZE = 6  # points; only subscripts are smaller
GREY = "0.72"  # cells without a converged run
INK = "0.25"  # guide lines and boxes
HATCHED = {"facecolor": "white", "edgecolor": GREY, "hatch": "////", "linewidth": 0}  # no value, though runs converge
UNCONVERGED = {
    "facecolor": "none",
    "edgecolor": "white",
    "hatch": "\\\\\\\\",
    "linewidth": 0,
    "zorder": 1.5,
}  # hatch over a colour
MAX_LEVELS = 24  # distinct colours that a colour bar can show
MAX_IMAGES = 1000  # largest number of images that ``level_norm`` tries
NO_CONVERGED_RUN = "no converged run"

Arrays = dict[str, np.ndarray]  # arrays of a figure, by name
MatrixAxis = tuple[str, Sequence[str]]  # label of an axis, and the name of every cell along it


@dataclass(frozen=True)
class Quantity:
    """How coloured cells show a quantity.

    Attributes:
        symbol: label of the colour bar.
        log: whether colours are logarithmic.
        limits: fixed limits of the colours.
        missing: why a cell whose runs converge may have no value.
        unconverged: why a cell without a converged run has a value, and is hatched; if empty, the cell is grey.
        loss_power: power of the loss in the quantity, which determines the unit.
        levels: whether values are multiples of 1 / (number of images); few levels have discrete colours.
    """

    symbol: str
    log: bool = False
    limits: tuple[float, float] | None = None
    missing: str = "no value"
    unconverged: str = ""
    loss_power: int = 0
    levels: bool = False


def rc_parameters(style: Mapping[str, Any]) -> dict[str, Any]:
    """Return the Matplotlib parameters of every figure, from ``figures.style`` of the configuration."""
    size, thin = style["font_size"], 0.6
    small = max(MIN_FONT_SIZE, size - 1)
    ticks = {"labelsize": small, "major.width": thin, "minor.width": thin / 2, "major.size": 2.5, "minor.size": 1.5}
    return {
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],  # part of Matplotlib, hence the same on every machine
        "mathtext.fontset": "dejavusans",
        "font.size": size,
        "axes.titlesize": size,
        "axes.labelsize": size,
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
        **{f"{axis}tick.{name}": value for axis in "xy" for name, value in ticks.items()},
        "lines.linewidth": style["line_width"],
        "lines.markersize": 3.0,
        "figure.dpi": style["dpi"],
        "savefig.dpi": "figure",
        "figure.constrained_layout.h_pad": 0.05,
        "figure.constrained_layout.w_pad": 0.05,
        "pdf.fonttype": 42,  # TrueType, so that editors keep text as text
    }


class StyledFigure(Figure):
    """A figure that is saved with its own parameters, since Matplotlib makes some ticks only on saving."""

    def __init__(self, parameters: Mapping[str, Any], **options: Any) -> None:
        """Take Matplotlib's parameters, and the options of ``Figure``."""
        super().__init__(**options)
        FigureCanvasAgg(self)  # one renderer for all measurements of text
        self.parameters = dict(parameters)
        self.letters: list[tuple[Axes, Text]] = []
        self.has_grey = False
        self.missing: list[str] = []  # meanings of the hatched cells
        self.unconverged: list[str] = []  # meanings of the cells with a colour and a hatch

    def savefig(self, *args: Any, **options: Any) -> None:
        """Save the figure with its own parameters; the arguments are those of ``Figure.savefig``."""
        with mpl.style.context(["default", self.parameters]):
            super().savefig(*args, **options)


@contextmanager
def styled_figure(style: Mapping[str, Any], height: float, grey: str = NO_CONVERGED_RUN) -> Iterator[StyledFigure]:
    """Yield a figure of two columns under the common parameters.

    On exit, the function aligns the panel letters. It adds a legend if there are grey or hatched cells.

    Args:
        style: ``figures.style`` of the configuration.
        height: height in inches.
        grey: meaning of grey cells.
    """
    parameters = rc_parameters(style)
    with mpl.style.context(["default", parameters]):
        figure = StyledFigure(parameters, figsize=(WIDTH, height), layout="constrained")
        yield figure
        handles = [Patch(color=GREY, label=grey)] if figure.has_grey else []
        handles += [Patch(**HATCHED, label=text) for text in dict.fromkeys(figure.missing)]
        over_grey = UNCONVERGED | {"facecolor": "0.45"}
        handles += [Patch(**over_grey, label=text) for text in dict.fromkeys(figure.unconverged)]
        if handles:
            figure.legend(handles=handles, loc="outside lower right", borderaxespad=0.2, ncols=len(handles))
        _align_letters(figure)


def label_panel(axes: Axes, letter: str, title: str = "") -> None:
    """Add the letter and a centred title above ``axes``."""
    # A newline for each further line of the title keeps the letter beside the first line.
    text = axes.set_title(letter + "\n" * title.count("\n"), loc="left", fontweight="bold", fontsize="large")
    axes.figure.letters.append((axes, text))
    axes.set_title(title)


def _align_letters(figure: StyledFigure) -> None:
    """Move every letter to the left edge of its panel's labels, aligned with the panels above and below."""
    figure.draw_without_rendering()
    boxes = {axes: axes.get_position() for axes, _ in figure.letters}

    def column(axes: Axes) -> float:
        own = boxes[axes]
        has_left_neighbour = any(box.x1 <= own.x0 and box.y0 < own.y1 and own.y0 < box.y1 for box in boxes.values())
        return round(own.x0, 2) if has_left_neighbour else 0.0  # the first panels of all rows have a common edge

    edges: dict[float, float] = {}
    for axes in boxes:
        edges[column(axes)] = min(edges.get(column(axes), np.inf), axes.get_tightbbox().x0)
    for axes, text in figure.letters:
        text.set_x(axes.transAxes.inverted().transform((edges[column(axes)], 0))[0])
    figure.set_layout_engine(None)  # fixes the layout; with an engine, each save draws the figure twice


def mark_empty(axes: Axes, text: str = NO_CONVERGED_RUN, ticks: bool = False) -> None:
    """Write the reason for an empty panel into it, and remove the ticks unless ``ticks``."""
    axes.annotate(text, (0.5, 0.5), xycoords="axes fraction", ha="center", va="center", color=INK)
    if not ticks:
        axes.tick_params(which="both", length=0, labelbottom=False, labelleft=False)


def mark_value(
    axes: Axes,
    value: float,
    text: str,
    position: float,
    offset: tuple[float, float],
    vertical: bool = False,
    linestyle: str = ":",
    **options: Any,
) -> None:
    """Draw a guide line at ``value``, with a label at a fraction of the line, ``offset`` from it in points."""
    if vertical:
        axes.axvline(value, color=INK, linestyle=linestyle, linewidth=0.8)
        at, transform = (value, position), axes.get_xaxis_transform()
    else:
        axes.axhline(value, color=INK, linestyle=linestyle, linewidth=0.8)
        at, transform = (position, value), axes.get_yaxis_transform()
    axes.annotate(text, at, offset, xycoords=transform, textcoords="offset points", color=INK, **options)


def annotate_corner(axes: Axes, text: str, side: str = "right", color: str = INK) -> None:
    """Write text into the upper left or upper right corner of a panel."""
    x = {"left": 0.03, "right": 0.97}[side]
    axes.annotate(text, (x, 0.97), xycoords="axes fraction", ha=side, va="top", color=color)


def label_component_axes(axes: Axes3D, explained: np.ndarray, height: str) -> None:
    """Label 3D axes as two principal components, with their fractions of variance, and the height."""
    axes.set_xlabel(f"PC1 ({explained[0]:.0%})", labelpad=-8)
    axes.set_ylabel(f"PC2 ({explained[1]:.0%})", labelpad=-8)
    axes.set_zlabel(height, labelpad=-8)
    fade_3d_background(axes)
    axes.zaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.view_init(elev=24, azim=-60)
    axes.set_box_aspect((4, 4, 3.4), zoom=1.12)


def fade_3d_background(axes: Axes3D) -> None:
    """Draw the walls and the grid of 3D axes in pale grey, with few ticks."""
    axes.tick_params(pad=-3)
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.set_major_locator(MaxNLocator(4))
        axis.pane.set_facecolor("0.97")
        axis._axinfo["grid"].update(color="0.88", linewidth=0.4)


def format_interval(bounds: Iterable[float]) -> str:
    """Return " [low, high]", or an empty string for non-finite bounds."""
    low, high = bounds
    return f" [{low:.2f}, {high:.2f}]" if np.isfinite(low) else ""


def colorbar(axes: Axes, mappable: ScalarMappable, label: str) -> Colorbar:
    """Draw a colour bar of the height of ``axes`` at its right."""
    inset = axes.inset_axes((1.03, 0.0, 0.05, 1.0))
    norm, options = mappable.norm, {}
    if isinstance(norm, BoundaryNorm):  # labels at the levels, which lie between the boundaries
        levels = (norm.boundaries[:-1] + norm.boundaries[1:]) / 2
        ticks = levels[:: -(-len(levels) // 6)]
        bar = axes.figure.colorbar(mappable, cax=inset, ticks=ticks, format="%.3g", spacing="proportional")
        bar.minorticks_off()
        bar.set_label(label)
        bar.outline.set_visible(False)
        return bar
    low, high = mappable.get_clim()
    decades = np.log10(high / low) if isinstance(norm, LogNorm) else np.inf
    if decades < 2:  # powers of ten alone would label at most one value
        options = {"ticks": LogLocator(subs=(1, 2, 5)) if decades > 0.7 else MaxNLocator(4), "format": "%g"}
    bar = axes.figure.colorbar(mappable, cax=inset, **options)
    if options:
        bar.minorticks_off()
    bar.set_label(label)
    bar.outline.set_visible(False)
    return bar


def color_norm(values: np.ndarray, log: bool = False) -> Normalize | None:
    """Return a norm over the range of finite values, of the positive ones if ``log``; None without such a value."""
    shown = values[np.isfinite(values) & ((values > 0) | (not log))]
    if shown.size == 0:
        return None
    low, high = float(shown.min()), float(shown.max())
    if low == high:  # a colour bar needs a range
        low, high = (low * 0.9, high * 1.1) if log else (low - 0.1 * (abs(low) or 1), high + 0.1 * (abs(high) or 1))
    return LogNorm(low, high) if log else Normalize(low, high)


def level_norm(values: np.ndarray) -> BoundaryNorm | None:
    """Return a norm with one colour for each attainable value k / n of a share of n images.

    The number n is the smallest for which all finite values are multiples of 1 / n.

    Returns:
        the norm; None without an n up to ``MAX_IMAGES``, for a single value, or for more than ``MAX_LEVELS`` levels.
    """
    shown = values[np.isfinite(values)]
    if shown.size == 0 or np.ptp(shown) == 0:
        return None
    for n in range(1, MAX_IMAGES + 1):
        counts = np.rint(shown * n)
        if np.allclose(shown * n, counts, rtol=0, atol=1e-6):
            edges = np.arange(counts.min(), counts.max() + 2) - 0.5
            return BoundaryNorm(edges / n, 256) if len(edges) - 1 <= MAX_LEVELS else None
    return None


def draw_matrix(
    axes: Axes,
    values: np.ndarray,
    x: MatrixAxis,
    y: MatrixAxis,
    quantity: Quantity,
    colormap: str,
    converged: np.ndarray | None = None,
) -> QuadMesh | None:
    """Draw ``values`` (x, y) of a quantity as coloured cells with a colour bar; None if no cell has a value.

    Cell (i, j) is centred on the point (i, j). Cells without a finite value are grey; if ``converged`` (x, y), hatched.
    With logarithmic colours, a value must be positive as well. Cells with a value that are not ``converged`` are
    coloured and hatched.
    """
    (x_label, x_names), (y_label, y_names) = x, y
    axes.set(facecolor=GREY, xlim=(-0.5, len(x_names) - 0.5), ylim=(-0.5, len(y_names) - 0.5))
    axes.set_xticks(range(len(x_names)), x_names)
    axes.set_yticks(range(len(y_names)), y_names)
    axes.tick_params(length=0)
    axes.tick_params(axis="x", labelrotation=90)
    axes.set(xlabel=x_label, ylabel=y_label)
    norm = (level_norm(values) if quantity.levels else None) or color_norm(values, quantity.log)
    if norm is None:
        mark_empty(axes, quantity.missing if np.any(converged) else NO_CONVERGED_RUN, ticks=True)
        return None
    hidden = ~np.isfinite(values) | ((values <= 0) & quantity.log)
    if quantity.limits is not None:
        norm.vmin, norm.vmax = quantity.limits
    missing = hidden & (False if converged is None else converged)
    if (hidden & ~missing).any():
        axes.figure.has_grey = True
    for i, j in np.argwhere(missing):
        axes.add_patch(Rectangle((i - 0.5, j - 0.5), 1, 1, **HATCHED))
        axes.figure.missing.append(quantity.missing)
    for i, j in np.argwhere(~hidden & (False if converged is None else ~converged)):
        axes.add_patch(Rectangle((i - 0.5, j - 0.5), 1, 1, **UNCONVERGED))
        axes.figure.unconverged.append(quantity.unconverged)
    edges = (np.arange(len(names) + 1) - 0.5 for names in (x_names, y_names))
    shown = np.ma.array(values, mask=hidden).T
    mesh = axes.pcolormesh(*edges, shown, norm=norm, cmap=colormap, edgecolors="white", linewidth=0.4)
    colorbar(axes, mesh, quantity.symbol)
    return mesh


def label_few_decades(axis: Axis) -> None:
    """Label 1, 2 and 5 of every decade of a logarithmic axis of one or two decades with plain numbers."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def save(figure: Figure, png_path: str | os.PathLike, pdf_path: str | os.PathLike) -> None:
    """Write a figure as PNG and PDF, atomically and without time stamps."""
    with atomic_write(png_path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})
    with atomic_write(pdf_path) as temporary:
        figure.savefig(temporary, format="pdf", metadata={"CreationDate": None})
