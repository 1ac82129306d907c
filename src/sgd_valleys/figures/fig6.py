"""Fig. 6: noise reshapes the landscape, and P_flat freezes as the barrier grows.

Reads ``theory`` and ``occupancy``.
"""

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sgd_valleys.figures.style import INK, Arrays, colorbar, label_panel, styled_figure
from sgd_valleys.figures.symbols import DELTA_S, P_FLAT
from sgd_valleys.storage import hdf5

CUT = ("cut_x", "cut_y", "cut_loss", "cut_L_eff", "cut_L_SGD")
STATIONARY = ("along", "p_flat_stationary", "p_flat_equilibrium", "p_flat_boltzmann")

FINAL = ("gamma", "delta_S", "p_flat_transient", "y_freeze_end", "model_gamma")


def load(paths: dict[str, Any]) -> Arrays:
    """Read the plotted arrays from the files ``paths``."""
    runs = hdf5.read(paths["occupancy"], ["delta_S", "p_flat", "mean_y"])
    theory = hdf5.read(paths["theory"], [*CUT, *STATIONARY, *FINAL])
    return theory | {f"run_{name}": array for name, array in runs.items()}


def draw(data: Arrays, settings: dict, style: dict) -> Figure:
    """Draw panels A-C."""
    with styled_figure(style, 2.7, grey="no answer") as figure:
        cut, occupancy, final = figure.subplots(1, 3)
        _draw_cut(cut, data, settings)
        _draw_occupancy(occupancy, data, settings["sigma_colormap"])
        _draw_transient(final, data, settings["p_flat_colormap"])
    return figure


def _draw_cut(axes: Axes, data: Arrays, settings: dict) -> None:
    """Draw the loss and the effective losses against x at one y."""
    label_panel(axes, "A", f"$y$ = {data['cut_y']:g}")
    for name, label, color, style in (
        ("cut_loss", r"$\mathcal{L}$", settings["loss_color"], "-"),
        ("cut_L_eff", r"$\mathcal{L}_{\mathrm{eff}}$", settings["effective_color"], "-"),
        ("cut_L_SGD", r"$\mathcal{L}_{\mathrm{SGD}}$", settings["effective_color"], "--"),
    ):
        axes.plot(data["cut_x"], data[name], style, color=color, label=label)
    ridge = data["cut_loss"][len(data["cut_x"]) // 2]
    inside = data["cut_loss"] <= ridge + 0.4
    axes.set_xlim(*data["cut_x"][inside][[0, -1]])
    low = data["cut_L_SGD"][inside].min()
    axes.set_ylim(low - 0.1, ridge + 0.4)
    axes.axhline(0, color=INK, linewidth=0.4)
    axes.set(xlabel="$x$", ylabel="loss")
    axes.legend(loc="center left", bbox_to_anchor=(0.0, 0.42))


def _draw_occupancy(axes: Axes, data: Arrays, colormap: str) -> None:
    """Draw the simulated P_flat against mean y, and the stationary P_flat at fixed y."""
    label_panel(axes, "B")
    axes.set(xlabel=r"$\langle y \rangle$", ylabel=P_FLAT)
    outside = {"bbox_to_anchor": (1.0, 0.0), "loc": "lower left"}
    for k, color in enumerate(color_noise_levels(axes, data["run_delta_S"], colormap, **outside)):
        axes.plot(data["run_mean_y"][k], data["run_p_flat"][k], color=color, linewidth=0.9)
        axes.plot(data["along"], data["p_flat_stationary"][k], ":", color=color)
    axes.axhline(data["p_flat_equilibrium"], color="black", linestyle=":", linewidth=0.9)
    axes.axhline(data["p_flat_boltzmann"], color="0.55", linestyle="-.", linewidth=0.7)
    axes.set_xscale("log")
    reached = data["run_mean_y"][np.isfinite(data["run_mean_y"])]
    axes.set(xlim=(reached.min(initial=1.0), reached.max(initial=10.0)), ylim=(0.45, 1.02))
    kinds = ("-", "0.3", "simulation"), (":", "0.3", "Eq. 22"), (":", "black", "ESS, A28"), ("-.", "0.55", "Boltzmann")
    lines = [Line2D([], [], color=color, linestyle=style, label=label) for style, color, label in kinds]
    axes.legend(handles=lines, loc="upper left", bbox_to_anchor=(1.0, 1.02))


def color_noise_levels(axes: Axes, delta_S: np.ndarray, colormap: str, **place: Any) -> np.ndarray:
    """Return a colour (noise, rgba) of every noise level, and draw a legend of the levels at ``place``."""
    colors = colormaps[colormap](0.8 * np.arange(len(delta_S)) / max(1, len(delta_S) - 1))
    handles = [Line2D([], [], color=color, label=f"{level:g}") for color, level in zip(colors, delta_S, strict=True)]
    axes.add_artist(axes.legend(handles=handles, title=DELTA_S, **({"loc": "lower right"} | place)))
    return colors


def _draw_transient(axes: Axes, data: Arrays, colormap: str) -> None:
    """Draw the final P_flat of Eq. 26 over noise and flatness ratio, the end of Eq. 25, and the model's ratio."""
    label_panel(axes, "C")
    values = np.ma.masked_invalid(data["p_flat_transient"])
    x, y = data["delta_S"], data["gamma"]
    mesh = axes.pcolormesh(x, y, values, cmap=colormap, shading="nearest", rasterized=True)
    axes.plot(data["y_freeze_end"], y, "--", color="white", label="Eq. 25 ends")
    axes.set(xscale="log", xlim=(x[0], x[-1]), ylim=(y[0], y[-1]), xlabel=DELTA_S, ylabel=r"$\gamma$")
    own, handles = data["model_gamma"], [Line2D([], [], color="0.3", linestyle="--", label="Eq. 25 ends (right)")]
    if own <= y[-1]:
        axes.axhline(own, color="white", linestyle=":")
        mark = {"linestyle": ":"}
    else:
        axes.plot(0.06, 1.0, "^", color="0.3", transform=axes.transAxes, clip_on=False)
        mark = {"linestyle": "", "marker": "^"}
    handles.append(Line2D([], [], color="0.3", label=rf"model, $\gamma$ = {own:.3g}", **mark))
    axes.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.55, 1.0), borderaxespad=0.1)
    colorbar(axes, mesh, r"$P_{\mathrm{flat}}^{\mathrm{tr}}$")
