"""Fig. S3: the freezing time at other thresholds.

Reads ``cell_maps``. The first threshold is L_c, shown in Fig. 3C.
"""

from string import ascii_uppercase

from matplotlib.figure import Figure

from sgd_valleys.figures import panels
from sgd_valleys.figures.style import Arrays, styled_figure


def load(paths: dict[str, str]) -> Arrays:
    """Read the plotted arrays from the files ``paths``."""
    return panels.load_grid(paths["cell_maps"], ["threshold", "eta_t_freeze_by_threshold"])


def draw(data: Arrays, settings: dict, style: dict) -> Figure:
    """Draw a panel for every threshold but the first."""
    others = list(zip(data["threshold"], data["eta_t_freeze_by_threshold"], strict=True))[1:]
    with styled_figure(style, 2.3) as figure:
        row = figure.subplots(1, len(others), squeeze=False)[0]
        for axes, letter, (threshold, values) in zip(row, ascii_uppercase, others, strict=False):
            title = rf"$\mathcal{{L}}_c = {threshold:g}$"
            panels.draw_map(axes, letter, data | {"eta_t_freeze": values}, "eta_t_freeze", settings["colormap"], title)
    return figure
