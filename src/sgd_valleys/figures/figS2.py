"""Fig. S2: displacement, convergence, accuracy and losses over the grid.

Reads ``cell_maps``.
"""

from matplotlib.figure import Figure

from sgd_valleys.figures import panels
from sgd_valleys.figures.style import Arrays, styled_figure

MAPS = (
    "displacement_cosine",
    "mean_displacement",
    "convergence_probability",
    "mean_train_accuracy",
    "mean_train_loss",
    "mean_test_loss",
)


def load(paths: dict[str, str]) -> Arrays:
    """Read the plotted arrays from the files ``paths``."""
    return panels.load_grid(paths["cell_maps"], MAPS)


def draw(data: Arrays, settings: dict, style: dict) -> Figure:
    """Draw panels A-F."""
    with styled_figure(style, 4.2) as figure:
        for axes, letter, name in zip(figure.subplots(2, 3).flat, "ABCDEF", MAPS, strict=True):
            panels.draw_map(axes, letter, data, name, settings["colormap"])
    return figure
