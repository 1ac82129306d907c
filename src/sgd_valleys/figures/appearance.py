"""The colours of the figures in the configuration, checked before a job starts."""

from collections.abc import Iterator, Mapping
from typing import Any

from matplotlib import colormaps, colors

from sgd_valleys.errors import suggest

ALLOWED_COLORS = 'a name such as blue or tab:blue, or "#rrggbb" in quotes'
ALLOWED_COLORMAPS = "a name such as viridis or cividis"


def check_appearance(figures: Mapping[str, Any]) -> list[str]:
    """List the colours and colour maps that Matplotlib does not know.

    Args:
        figures: the section ``figures`` of the configuration, settings by figure.

    Returns:
        an error message for every invalid setting, with the nearest name that Matplotlib knows.
    """
    palette = list(_palette_errors(figures.get("style", {}).get("palette", {})))
    return palette or [
        error
        for figure, settings in figures.items()
        for key, value in settings.items()
        for error in _errors(f"figures.{figure}.{key}", key, value)
    ]


def _palette_errors(palette: Mapping[str, Any]) -> Iterator[str]:
    """Yield the errors of the palette; the figures that use an invalid entry are not listed."""
    known = [*colors.get_named_colors_mapping(), *colormaps]
    for name, value in palette.items():
        if not (isinstance(value, str) and (value in colormaps or colors.is_color_like(value))):
            allowed = f'allowed are their names, and "#rrggbb" in quotes{suggest([value], known)}'
            setting = f"figures.style.palette.{name} = {value!r}"
            yield f"{setting}: neither a colour nor a colour map of Matplotlib; {allowed}; change the value."


def _errors(setting: str, key: str, value: Any) -> Iterator[str]:
    """Yield the errors of a setting's value; only keys that end in color, colors or colormap are checked."""
    if key.endswith("colormap") and not (isinstance(value, str) and value in colormaps):
        allowed = f"allowed is {ALLOWED_COLORMAPS}{suggest([value], colormaps)}"
        yield f"{setting} = {value!r}: not a colour map of Matplotlib; {allowed}; change the value."
    elif key.endswith("colors") and isinstance(value, list | tuple):
        for k, color in enumerate(value):
            yield from _errors(f"{setting}[{k}]", "color", color)
    elif key.endswith(("color", "colors")) and not colors.is_color_like(value):
        allowed = f"allowed is {ALLOWED_COLORS}{suggest([value], colors.get_named_colors_mapping())}"
        yield f"{setting} = {value!r}: not a colour of Matplotlib; {allowed}; change the value."
