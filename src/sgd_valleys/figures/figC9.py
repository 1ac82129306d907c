"""Fig. C9: controls of the two-valley model, and the freezing points of the paper's revision.

Reads ``theory``, and ``y``, ``noise``, ``gamma``, ``decay`` and ``eta``, the files of the controls.
"""

from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from sgd_valleys.figures.style import INK, Arrays, colorbar, label_panel, styled_figure
from sgd_valleys.figures.symbols import DELTA_S, P_FLAT
from sgd_valleys.storage import hdf5

CONTROLS = {"y": "start $y$", "noise": "noise law", "gamma": r"$\gamma$", "decay": r"noise $\sigma$", "eta": r"$\eta$"}
NAMES = {  # labels of noise laws and of decays
    "H": "$H$", "H1.5": "$H^{3/2}$", "H2": "$H^2$", "isotropic": "isotropic", "H-loss": r"$\mathcal{L}H$",
    "constant": "constant", "loss": r"$\propto\mathcal{L}$",
}  # fmt: skip
ARMS = ("delta_S", "p_flat", "p_flat_low", "p_flat_high", "enough_changes", "frozen")
PLANE = ("plane_delta_S", "plane_y", "plane_p_flat", "plane_epsilon", "plane_Phi_factor", "plane_y_freeze")
MARKERS = {  # markers of a point, by the state of its runs
    "frozen": "nearly all runs last change valley long before the end",
    "moving": "not frozen at the end",
    "few": "too few runs change valley",
}


def load(paths: dict[str, Any]) -> dict[str, Any]:
    """Read the plotted arrays, one dictionary for each control and one for the theory."""
    lines = ["delta_S", "p_flat_transient_here", "p_flat_boltzmann"]
    data: dict[str, Any] = {"theory": hdf5.read(paths["theory"], [*lines, *PLANE])}
    for name in CONTROLS:
        also = ["freezing_y"] if name == "y" else []
        data[name] = hdf5.read(paths[name], [*ARMS, *also])
        data[name]["arms"] = hdf5.read_attributes(paths[name])["arms"]
    return data


def draw(data: dict[str, Any], settings: dict, style: dict) -> Figure:
    """Draw panels A-F."""
    with styled_figure(style, 4.9) as figure:
        *panels, plane = figure.subplots(2, 3).ravel()
        for axes, letter, (name, title) in zip(panels, "ABCDE", CONTROLS.items(), strict=True):
            label_panel(axes, letter)
            _draw_theory(axes, data["theory"], name, data[name]["delta_S"])
            _draw_control(axes, data[name], title, settings["arm_colors"])
        _draw_plane(plane, data, settings)
        handles = [Line2D([], [], linestyle="", **_marker(kind, INK)) for kind in MARKERS]
        figure.legend(handles, MARKERS.values(), loc="outside lower center", ncols=len(handles), borderaxespad=0.2)
    return figure


def _draw_control(axes: Axes, data: Arrays, title: str, colors: list[str]) -> None:
    """Draw final P_flat against Delta_S, one line for each arm, with intervals over runs and the null, 0.5."""
    axes.axhline(0.5, color=INK, linewidth=0.6)
    for k, (value, color) in enumerate(zip(data["arms"], cycle(colors))):
        p_flat = data["p_flat"][k]
        axes.vlines(data["delta_S"], data["p_flat_low"][k], data["p_flat_high"][k], color=color, linewidth=0.8)
        axes.plot(data["delta_S"], p_flat, color=color, linewidth=0.8, label=_name(value))
        enough, frozen = data["enough_changes"][k], data["frozen"][k]
        for kind, chosen in (("frozen", frozen), ("moving", enough & ~frozen), ("few", ~enough)):
            axes.plot(data["delta_S"][chosen], p_flat[chosen], linestyle="", **_marker(kind, color))
    axes.set(xscale="log", ylim=(0.4, 1.03), xlabel=DELTA_S, ylabel=f"final {P_FLAT}")
    axes.legend(title=title, loc="upper left", bbox_to_anchor=(1.0, 1.02), borderaxespad=0.2)


def _name(value: str | float) -> str:
    """Return the label of an arm: its noise law, its decay or its value."""
    return NAMES[value] if isinstance(value, str) else f"{value:g}"


def _marker(kind: str, color: str) -> dict[str, Any]:
    """Return the options of Matplotlib for a point of a kind, a key of ``MARKERS``."""
    marker = {"marker": "x" if kind == "few" else "o", "markersize": 3, "color": color, "markeredgewidth": 0.8}
    return marker | {"markerfacecolor": "white" if kind == "moving" else color}


def _draw_theory(axes: Axes, theory: Arrays, control: str, delta_S: np.ndarray) -> None:
    """Draw the final P_flat of Eq. 26, which does not depend on the start, or the equilibrium of isotropic noise."""
    if control == "y":
        x, final = theory["delta_S"], theory["p_flat_transient_here"]
        inside = (x >= delta_S[0]) & (x <= delta_S[-1])
        axes.plot(x[inside], final[inside], ":", color="black", label="Eq. 26")
    elif control == "noise":
        axes.axhline(theory["p_flat_boltzmann"], color="0.55", linestyle="-.", linewidth=0.8, label="Boltzmann")


def _draw_plane(axes: Axes, data: dict[str, Any], settings: dict) -> None:
    """Draw P_flat of Eq. 22 over Delta_S and y, with the freezing points of Eq. 25 and of the simulation."""
    label_panel(axes, "F")
    theory, runs = data["theory"], data["y"]
    x, y = theory["plane_delta_S"], theory["plane_y"]
    options = {"cmap": settings["p_flat_colormap"], "shading": "gouraud", "rasterized": True}
    mesh = axes.pcolormesh(x, y, theory["plane_p_flat"].T, **options)
    constants = zip(theory["plane_epsilon"], theory["plane_Phi_factor"], theory["plane_y_freeze"], strict=True)
    for (epsilon, factor, freezing), line in zip(constants, cycle((":", "--"))):
        times = "" if factor == 1 else rf"{factor:g}$\,$"
        axes.plot(x, freezing, line, color="black", label=rf"Eq. 25, $\epsilon$ = {epsilon:g}, {times}$\Phi$")
    seen = runs["enough_changes"] & runs["frozen"]
    delta_S = np.broadcast_to(runs["delta_S"], seen.shape)[seen]
    style = {"color": settings["simulation_color"], "markersize": 3.5, "markeredgecolor": "white", "zorder": 3}
    axes.plot(delta_S, runs["freezing_y"][seen], "o", **style, markeredgewidth=0.5, label="runs of A")
    axes.set(xscale="log", xlim=(x[0], x[-1]), ylim=(y[0], y[-1]), xlabel=DELTA_S, ylabel="$y$")
    colorbar(axes, mesh, f"{P_FLAT} (Eq. 22)")
    axes.xaxis.set_minor_formatter(NullFormatter())
    box = {"frameon": True, "framealpha": 0.9, "edgecolor": "none", "borderpad": 0.3}
    axes.legend(loc="lower center", bbox_to_anchor=(0.6, 0.99), **box)
