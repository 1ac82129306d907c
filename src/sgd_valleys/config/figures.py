"""Resolve the settings of the figures: freely named ones, and those of removed experiments and models."""

from collections.abc import Mapping
from typing import Any

from sgd_valleys.config.inheritance import merge

Settings = Mapping[str, Any]
STYLE = "style"  # the entry of ``figures`` that is not a figure
PALETTE = "palette"  # the setting of ``figures.style`` that names colours and colour maps
APPEARANCE = ("color", "colors", "colormap")  # settings with these endings take names of the palette
MODEL_FIGURES = ("fig5", "fig6", "fig6X", "figC9", "figS6")  # figures of the two-valley model
# settings with the learning rate of figures: of those with flatness along training, and of those with whole spectra
ALONG = {"fig3": "eta", "figC4": "eta", "figS5": "eta"}
SPECTRA = {"figS1": "eta", "figS5": "spectrum_eta"}
SECTIONS = {  # the optional settings of an experiment that a figure needs
    "fig1": ("barriers",),
    "fig2": ("projection", "cells"),
    **dict.fromkeys(("fig4", "fig4X", "figS4"), ("branches",)),
    "figC1": ("edge_of_stability",),
    "figC2": ("gradient_noise",),
    "figC4": ("flatness",),
    "figC5": ("paths",),
    "figC6": ("continuations",),
}


def resolve_figures(
    figures: Mapping[str, Any], paper: Settings, experiments: Settings, model: Settings | None
) -> dict[str, Any]:
    """Return the settings of the figures to draw.

    A figure with ``draw`` draws that figure of the paper, and inherits its settings. Null removes a figure. A figure
    is left out if the configuration removes its experiment, a section of the experiment, the two-valley model, or its
    phase diagram.

    Args:
        figures: unresolved settings by name.
        paper: unresolved settings of config.yaml.
        experiments: resolved settings by the names of all experiments; None for a removed experiment.
        model: settings of the two-valley model; None if the model is removed.

    Returns:
        resolved settings by name, with colours in place of the names of the palette.
    """
    written = section(figures, (STYLE, PALETTE))
    palette = written if isinstance(written, Mapping) else {}
    found: dict[str, Any] = {}
    in_order = {**dict.fromkeys(name for name in paper["figures"] if name in figures), **figures}
    for name, own in in_order.items():
        if name == STYLE or not isinstance(own, Mapping):
            found |= {} if own is None else {name: own}
            continue
        drawn = drawn_figure(name, own)
        taken_over = drawn != name and isinstance(drawn, str)
        figure = merge((figures.get(drawn) or paper["figures"].get(drawn, {})) if taken_over else {}, own)
        if not _lacks_experiment(drawn, figure, paper, experiments) and not _lacks_model(drawn, figure, model):
            found[name] = with_palette(figure, palette) | _beside(figure, experiments)
    return found


def with_palette(figure: Settings, palette: Settings) -> dict[str, Any]:
    """Return the settings of a figure, with colours and colour maps in place of the names of the palette."""

    def look_up(value: Any) -> Any:
        if isinstance(value, list):
            return [look_up(each) for each in value]
        return palette.get(value, value) if isinstance(value, str) else value

    return {key: look_up(value) if key.endswith(APPEARANCE) else value for key, value in figure.items()}


def drawn_figure(name: str, settings: Settings) -> Any:
    """Return the name of the drawn figure of the paper: ``draw``, or by default the name of the figure itself."""
    return settings.get("draw", name)


def section(settings: Any, keys: tuple[str, ...]) -> Any:
    """Return the section or setting at nested ``keys``; None if a key is absent."""
    for key in keys:
        settings = settings.get(key) if isinstance(settings, Mapping) else None
    return settings


def _lacks_experiment(drawn: Any, figure: Settings, paper: Settings, experiments: Settings) -> bool:
    """Whether the configuration removes the experiment of a figure, or a needed section that config.yaml has."""
    name = figure.get("experiment")
    if not isinstance(name, str) or name not in experiments:
        return False  # ``validation.check`` refuses an unknown name
    if experiments[name] is None:
        return True
    keys = SECTIONS.get(drawn, ()) if isinstance(drawn, str) else ()
    had = section(paper["experiments"].get(name), keys) is not None
    return had and section(experiments[name], keys) is None


def _beside(figure: Settings, experiments: Settings) -> dict[str, Any]:
    """Return the setting ``beside`` of a figure without removed experiments; empty without the setting."""
    if not isinstance(figure.get("beside"), list):
        return {}
    return {"beside": [name for name in figure["beside"] if experiments.get(name, name) is not None]}


def _lacks_model(drawn: Any, figure: Settings, model: Settings | None) -> bool:
    """Whether the configuration removes the two-valley model, or the phase diagram, that a figure shows."""
    if drawn not in MODEL_FIGURES:
        return False
    diagrams = {} if model is None else model.get("phase_diagrams")
    return model is None or (isinstance(diagrams, Mapping) and diagrams.get(figure.get("diagram"), "") is None)
