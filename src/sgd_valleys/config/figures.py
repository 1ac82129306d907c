"""The figures of a run: by free names, without those of experiments and models that are not run."""

from collections.abc import Collection, Mapping
from typing import Any

from sgd_valleys.config.inheritance import merge

Settings = Mapping[str, Any]
STYLE = "style"  # the entry of ``figures`` that is not a figure
MODEL_FIGURES = ("fig5", "fig6", "fig6X", "figS6")  # of the two-valley model


def resolve_figures(
    figures: Mapping[str, Any], paper: Settings, absent: Collection[str], model: Settings | None
) -> dict[str, Any]:
    """Return the settings of the figures to draw.

    A figure with ``draw`` draws that figure of the paper, and takes over the settings that it lacks. Null removes a
    figure. A figure of an absent experiment or phase diagram is not drawn.

    Args:
        figures: as they are written.
        paper: the figures of config.yaml.
        absent: names of experiments that the configuration removes.
        model: settings of the two-valley model; None if it is not run.
    """
    found = {}
    for name, own in figures.items():
        if name == STYLE or not isinstance(own, Mapping):
            found |= {} if own is None else {name: own}
            continue
        drawn = drawn_figure(name, own)
        below = (figures.get(drawn) or paper.get(drawn, {})) if drawn != name and isinstance(drawn, str) else {}
        figure = merge(below, own)
        if figure.get("experiment") not in absent and not _lacks_model(drawn, figure, model):
            found[name] = figure
    return found


def drawn_figure(name: str, settings: Settings) -> Any:
    """Return the name of the figure of the paper that a figure draws: by default its own."""
    return settings.get("draw", name)


def _lacks_model(drawn: Any, figure: Settings, model: Settings | None) -> bool:
    """Whether a figure shows the two-valley model, and the configuration removes the model or the diagram."""
    if drawn not in MODEL_FIGURES:
        return False
    diagrams = {} if model is None else model.get("phase_diagrams")
    return model is None or (isinstance(diagrams, Mapping) and diagrams.get(figure.get("diagram"), "") is None)
