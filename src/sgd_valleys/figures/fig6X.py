"""Fig. 6X: the deviation of the two-valley model's theory from its dynamics.

Reads ``theory``, ``occupancy``, ``diagram``, ``small_eta_limit``, and the Fokker-Planck solutions ``ito`` and
``printed``. The solution ``ito`` is the limit of the update of Eq. 13; ``printed`` is Eq. 16 as printed in the paper.
"""

from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sgd_valleys.figures.fig6 import color_noise_levels
from sgd_valleys.figures.style import INK, Arrays, color_norm, colorbar, label_panel, styled_figure
from sgd_valleys.figures.symbols import DELTA_S, P_FLAT
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.cells import index_of

STATIONARY = ("p_flat_stationary", "p_flat_ito", "p_flat_hanggi_klimontovich", "p_flat_equilibrium", "p_flat_boltzmann")
FREEZE = ("delta_S", "p_flat_transient_here", "y_freeze", "y_freeze_numerical", "height", "kramers")
Y_FREEZE = r"$y_{\mathrm{freeze}}$"


def load(paths: dict[str, Any]) -> dict[str, Any]:
    """Read the plotted arrays, one dictionary for each file."""
    return {
        "theory": hdf5.read(paths["theory"], ["along", *STATIONARY, *FREEZE]),
        "runs": hdf5.read(paths["occupancy"], ["delta_S", "p_flat", "mean_y"]),
        "diagram": hdf5.read(paths["diagram"], ["eta", "sigma", "p_flat", "freezing_y", "enough_changes", "frozen"]),
        "small_eta_limit": [
            hdf5.read(path) | {"delta_S": float(hdf5.read_attributes(path)["delta_S"])}
            for path in paths["small_eta_limit"]
        ],
        **{
            name: hdf5.read(paths[name], ["p_flat", "mean_y", "delta_S", "p_flat_halving", "p_flat_longest"])
            for name in ("ito", "printed")
        },
    }


def draw(data: dict[str, Any], settings: dict, style: dict) -> Figure:
    """Draw panels A-F."""
    with styled_figure(style, 4.6) as figure:
        (course, small_eta_limit, final), (freezing, fixed, kramers) = figure.subplots(2, 3)
        _draw_courses(course, data, settings)
        _draw_small_eta_limit(small_eta_limit, data, settings)
        _draw_final(final, data, settings)
        _draw_freezing_points(freezing, data, settings)
        _draw_fixed(fixed, data["theory"], settings)
        _draw_kramers(kramers, data["theory"])
    return figure


def _draw_courses(axes: Axes, data: dict[str, Any], settings: dict) -> None:
    """Draw P_flat against mean y, simulated and from both Fokker-Planck equations."""
    label_panel(axes, "A")
    runs = data["runs"]
    for k, color in enumerate(color_noise_levels(axes, runs["delta_S"], settings["sigma_colormap"])):
        axes.plot(runs["mean_y"][k], runs["p_flat"][k], color=color, linewidth=0.5, alpha=0.6)
        for name, line in (("ito", "-"), ("printed", "--")):
            axes.plot(data[name]["mean_y"][k], data[name]["p_flat"][k], line, color=color)
    axes.set(xscale="log", xlabel=r"$\langle y \rangle$", ylabel=P_FLAT)
    kinds = [Line2D([], [], color="0.3", linewidth=0.5, alpha=0.6, label="simulation")]
    equations = ("-", "Ito"), ("--", "Eq. 16")
    kinds += [Line2D([], [], color="0.3", linestyle=line, label=name) for line, name in equations]
    axes.legend(handles=kinds, loc="center right")


def _draw_small_eta_limit(axes: Axes, data: dict[str, Any], settings: dict) -> None:
    """Draw simulated minus Ito P_flat against sqrt(eta), and the difference of Eq. 16 to Ito at eta = 0."""
    label_panel(axes, "B")
    axes.axhline(0, color=settings["ito_color"])
    parts = sorted(data["small_eta_limit"], key=lambda part: part["delta_S"])
    for part, marker in zip(parts, cycle("osv^D")):
        ito, printed = (
            float(data[name]["p_flat_halving"][index_of(data[name]["delta_S"], part["delta_S"])])
            for name in ("ito", "printed")
        )
        axes.errorbar(
            np.sqrt(part["eta"]), part["p_flat"] - ito, part["p_flat_error"], fmt=f"{marker}:", color=INK,
            markersize=3, linewidth=0.8, label=f"{part['delta_S']:g}",
        )  # fmt: skip
        axes.plot(0, printed - ito, marker, color=settings["printed_color"], clip_on=False, zorder=3)
    axes.set_xlim(left=0)
    axes.set(xlabel=r"$\sqrt{\eta}$", ylabel=f"{P_FLAT} less Ito's")
    handles, _ = axes.get_legend_handles_labels()
    handles.append(Line2D([], [], color=settings["ito_color"], label="Ito"))
    handles.append(Line2D([], [], color=settings["printed_color"], marker="o", linestyle="", label="Eq. 16"))
    axes.legend(handles=handles, title=DELTA_S)


def _draw_final(axes: Axes, data: dict[str, Any], settings: dict) -> None:
    """Draw final P_flat against Delta_S: every cell of the diagram, both equations at two times, Eq. 26."""
    label_panel(axes, "C")
    diagram, theory = data["diagram"], data["theory"]
    delta_S = diagram["eta"][:, None] * diagram["sigma"]
    rate = np.broadcast_to(diagram["eta"][:, None], delta_S.shape)
    norm = color_norm(diagram["eta"], log=True)
    colors = {"c": rate, "cmap": settings["eta_colormap"], "norm": norm}
    points = axes.scatter(delta_S, diagram["p_flat"], **colors, s=6, linewidths=0, zorder=3)
    colorbar(axes, points, r"$\eta$")
    # thin lines: end time of the runs of the smallest eta; thick lines: end time of those of the largest eta
    for name, label in (("ito", "Ito"), ("printed", "Eq. 16")):
        for end, width in (("halving", 0.6), ("longest", 1.3)):
            axes.plot(
                data[name]["delta_S"], data[name][f"p_flat_{end}"], color=settings[f"{name}_color"], linewidth=width,
                label=label if end == "longest" else None,
            )  # fmt: skip
    axes.plot(theory["delta_S"], theory["p_flat_transient_here"], ":", color="black", label="Eq. 26")
    axes.set(xscale="log", xlim=(delta_S.min() * 0.8, delta_S.max() * 1.25), xlabel=DELTA_S)
    axes.set_ylabel(f"final {P_FLAT}")
    handles, _ = axes.get_legend_handles_labels()
    handles.append(Line2D([], [], color="0.3", marker="o", linestyle="", label="simulation"))
    ends = (1.3, r"largest $\eta\,t$"), (0.6, r"smallest $\eta\,t$")
    handles += [Line2D([], [], color="0.3", linewidth=width, label=label) for width, label in ends]
    axes.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.6, 1.0), ncols=2, borderaxespad=0.1)


def _draw_freezing_points(axes: Axes, data: dict[str, Any], settings: dict) -> None:
    """Draw y at freezing in closed form, from criterion A30, and as the mean y of the last change of valley."""
    label_panel(axes, "D")
    diagram, theory = data["diagram"], data["theory"]
    delta_S = diagram["eta"][:, None] * diagram["sigma"]
    enough, frozen = diagram["enough_changes"], diagram["frozen"]
    for cells, face, label in ((enough & frozen, "0.6", "simulation"), (enough & ~frozen, "white", "not frozen")):
        point = {"color": "0.6", "markerfacecolor": face, "markersize": 2.5, "markeredgewidth": 0.6}
        axes.plot(delta_S[cells], diagram["freezing_y"][cells], "o", **point, label=label)
    axes.plot(theory["delta_S"], theory["y_freeze"], ":", color="black", label="Eq. 25")
    axes.plot(theory["delta_S"], theory["y_freeze_numerical"], color=settings["ito_color"], label="A30")
    axes.set(xscale="log", yscale="log", xlim=(delta_S.min() * 0.8, delta_S.max() * 1.25))
    shown = diagram["freezing_y"][np.isfinite(diagram["freezing_y"])]
    if shown.size:
        axes.set_ylim(shown.min() / 3, shown.max() * 5)
    axes.set(xlabel=DELTA_S, ylabel=Y_FREEZE)
    axes.legend(loc="upper left")


def _draw_fixed(axes: Axes, theory: Arrays, settings: dict) -> None:
    """Draw the stationary P_flat at fixed y, for the weakest and the strongest noise of Fig. 6B."""
    label_panel(axes, "E")
    curves = (
        ("p_flat_ito", "Ito", settings["ito_color"], "-"),
        ("p_flat_stationary", "Eq. 22", "black", ":"),
        ("p_flat_hanggi_klimontovich", "Eqs. 16, 18", settings["printed_color"], "--"),
    )
    for name, label, color, line in curves:
        for k in dict.fromkeys((0, len(theory[name]) - 1)):
            axes.plot(theory["along"], theory[name][k], line, color=color, label=label if k == 0 else None)
    for name, label in (("p_flat_equilibrium", "A28"), ("p_flat_boltzmann", "Boltzmann")):
        axes.axhline(theory[name], color="0.5", linewidth=0.6)
        axes.annotate(
            label, (1, theory[name]), xycoords=axes.get_yaxis_transform(), xytext=(-2, 2),
            textcoords="offset points", ha="right", color="0.4",
        )  # fmt: skip
    axes.set(xscale="log", xlim=(theory["along"][0], 30), xlabel="$y$", ylabel=f"stationary {P_FLAT}")
    axes.legend(loc="lower center", bbox_to_anchor=(0.55, 1.0), ncols=2, borderaxespad=0.1)


def _draw_kramers(axes: Axes, theory: Arrays) -> None:
    """Draw the mean time to the ridge times the rate of Eq. 21; the product is 1 for barriers much above the noise."""
    label_panel(axes, "F")
    axes.plot(theory["height"], theory["kramers"], color="black")
    axes.axhline(1, color=INK, linewidth=0.6)
    axes.set(ylim=(0.4, 1.1), xlabel=r"$\sqrt{\Delta\mathcal{L}\,f/2\Delta_S}$")
    axes.set_ylabel(r"$\tau$ (A19) $\times$ $k$ (Eq. 21)")
