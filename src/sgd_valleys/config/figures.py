"""The figures of a run: by free names, without those of experiments and models that are not run."""

from collections.abc import Mapping
from typing import Any

from sgd_valleys.config.inheritance import merge

Settings = Mapping[str, Any]
STYLE = "style"  # the entry of ``figures`` that is not a figure
MODEL_FIGURES = ("fig5", "fig6", "fig6X", "figS6")  # of the two-valley model
# figures with flatness along training, and with whole spectra: the setting that is their learning rate
ALONG = {"fig3": "eta", "figS5": "eta"}
SPECTRA = {"figS1": "eta", "figS5": "spectrum_eta"}
SECTIONS = {  # settings of an experiment that a figure shows, and that an experiment may lack
    "fig1": ("barriers",),
    "fig2": ("projection", "cells"),
    **dict.fromkeys(("fig4", "fig4X", "figS4"), ("branches",)),
}


def resolve_figures(
    figures: Mapping[str, Any], paper: Settings, experiments: Settings, model: Settings | None
) -> dict[str, Any]:
    """Return the settings of the figures to draw.

    A figure with ``draw`` draws that figure of the paper, and takes over the settings that it lacks. Null removes a
    figure. A figure is not drawn if the configuration removes what it shows: an experiment or a section of it, the
    two-valley model or a phase diagram.

    Args:
        figures: as they are written.
        paper: config.yaml as it is written.
        experiments: settings by the names of all experiments, with inheritance resolved; None for a removed one.
        model: settings of the two-valley model; None if it is not run.
    """
    found = {}
    in_order = dict.fromkeys(name for name in paper["figures"] if name in figures) | figures
    for name, own in in_order.items():
        if name == STYLE or not isinstance(own, Mapping):
            found |= {} if own is None else {name: own}
            continue
        drawn = drawn_figure(name, own)
        taken_over = drawn != name and isinstance(drawn, str)
        figure = merge((figures.get(drawn) or paper["figures"].get(drawn, {})) if taken_over else {}, own)
        if not _lacks_experiment(drawn, figure, paper, experiments) and not _lacks_model(drawn, figure, model):
            found[name] = figure
    return found


def drawn_figure(name: str, settings: Settings) -> Any:
    """Return the name of the figure of the paper that a figure draws: by default its own."""
    return settings.get("draw", name)


def section(settings: Any, keys: tuple[str, ...]) -> Any:
    """Return a section of settings by the names that lead to it; None where it is absent."""
    for key in keys:
        settings = settings.get(key) if isinstance(settings, Mapping) else None
    return settings


def _lacks_experiment(drawn: Any, figure: Settings, paper: Settings, experiments: Settings) -> bool:
    """Whether a figure shows an experiment, or a section of one in config.yaml, that the configuration removes."""
    name = figure.get("experiment")
    if not isinstance(name, str) or name not in experiments:
        return False  # the check refuses an unknown name
    if experiments[name] is None:
        return True
    keys = SECTIONS.get(drawn, ()) if isinstance(drawn, str) else ()
    had = section(paper["experiments"].get(name), keys) is not None
    return had and section(experiments[name], keys) is None


def _lacks_model(drawn: Any, figure: Settings, model: Settings | None) -> bool:
    """Whether a figure shows the two-valley model, and the configuration removes the model or the diagram."""
    if drawn not in MODEL_FIGURES:
        return False
    diagrams = {} if model is None else model.get("phase_diagrams")
    return model is None or (isinstance(diagrams, Mapping) and diagrams.get(figure.get("diagram"), "") is None)
