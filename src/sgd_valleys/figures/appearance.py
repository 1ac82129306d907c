"""The colours of the figures in the configuration, checked before a job starts."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from matplotlib import colormaps, colors

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
            yield (
                f"figures.style.palette.{name} = {value!r}: neither a colour nor a colour map of Matplotlib; allowed: "
                f"{ALLOWED_COLORS}, or for a colour map {ALLOWED_COLORMAPS}{_suggest(value, known)}"
            )


def _errors(setting: str, key: str, value: Any) -> Iterator[str]:
    """Yield the errors of a setting's value; only keys that end in color, colors or colormap are checked."""
    if key.endswith("colormap") and not (isinstance(value, str) and value in colormaps):
        yield f"{setting} = {value!r}: not a colour map of Matplotlib; {ALLOWED_COLORMAPS}{_suggest(value, colormaps)}"
    elif key.endswith("colors") and isinstance(value, list | tuple):
        for k, color in enumerate(value):
            yield from _errors(f"{setting}[{k}]", "color", color)
    elif key.endswith(("color", "colors")) and not colors.is_color_like(value):
        names = colors.get_named_colors_mapping()
        yield f"{setting} = {value!r}: not a colour of Matplotlib; {ALLOWED_COLORS}{_suggest(value, names)}"


def _suggest(value: Any, names: Iterable[str]) -> str:
    """Return the end of an error message, with the known name nearest to ``value`` if one is near."""
    known = {name.lower(): name for name in reversed(list(names))}
    nearest = get_close_matches(value.lower(), known, n=1) if isinstance(value, str) else []
    return f"; did you mean {known[nearest[0]]!r}?" if nearest else "."
