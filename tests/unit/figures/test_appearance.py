"""Colours and colour maps of the configuration are checked, and the nearest name is suggested."""

from typing import Any

import pytest
import yaml
from helpers.checkout import ROOT

from sgd_valleys.figures.appearance import check_appearance


@pytest.mark.parametrize(
    ("wrong", "setting", "suggestion"),
    [
        ({"colormap": "sunset"}, "colormap = 'sunset': not a colour map", ""),
        ({"time_colormap": "Virids"}, "time_colormap = 'Virids': not a colour map", "did you mean 'viridis'?"),
        ({"point_color": "#12345"}, "point_color = '#12345': not a colour", ""),
        ({"point_color": "blu"}, "point_color = 'blu': not a colour", "did you mean 'blue'?"),
        ({"point_color": "Orang"}, "point_color = 'Orang': not a colour", "did you mean 'orange'?"),
        ({"point_color": 0.5}, "point_color = 0.5: not a colour", ""),
        ({"eta_colors": ["red", "reddish"]}, "eta_colors[1] = 'reddish': not a colour", ""),
    ],
)
def test_a_setting_that_matplotlib_does_not_know_is_named(wrong: dict[str, Any], setting: str, suggestion: str) -> None:
    (error,) = check_appearance({"style": {"dpi": 300}, "fig1": wrong})
    assert error.startswith(f"figures.fig1.{setting}") and suggestion in error


def test_all_wrong_settings_of_all_figures_are_listed() -> None:
    errors = check_appearance({"fig1": {"color": "blu", "colormap": "Virids"}, "figS2": {"colormap": "grya"}})
    assert [error.split(" = ")[0] for error in errors] == [
        "figures.fig1.color", "figures.fig1.colormap", "figures.figS2.colormap",
    ]  # fmt: skip


@pytest.mark.parametrize("color", ["#0072B2", "blue", "tab:orange", "C3", "0.5", "xkcd:sky blue", "#abc"])
def test_every_colour_of_matplotlib_is_accepted(color: str) -> None:
    assert check_appearance({"fig1": {"point_color": color, "eta_colors": [color], "colormap": "viridis_r"}}) == []


def test_the_configuration_of_the_paper_is_accepted() -> None:
    assert check_appearance(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))["figures"]) == []
