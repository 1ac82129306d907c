"""Colours and colour maps of the configuration are checked, and the nearest name is suggested."""

from typing import Any

import pytest
from helpers.settings import checked, read_settings

from sgd_valleys.config.figures import resolve_figures
from sgd_valleys.figures.appearance import check_appearance
from sgd_valleys.workflow.jobs import Jobs


@pytest.mark.parametrize(
    ("wrong", "setting", "suggestion"),
    [
        ({"colormap": "sunset"}, "colormap = 'sunset': not a colour map", ""),
        ({"time_colormap": "Virids"}, "time_colormap = 'Virids': not a colour map", "(did you mean viridis?)"),
        ({"point_color": "#12345"}, "point_color = '#12345': not a colour", ""),
        ({"point_color": "blu"}, "point_color = 'blu': not a colour", "(did you mean blue?)"),
        ({"point_color": "Orang"}, "point_color = 'Orang': not a colour", "(did you mean orange?)"),
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
    assert check_appearance(checked()[0]["figures"]) == []


def test_a_wrong_entry_of_the_palette_is_named_once() -> None:
    settings = {"experiment": "mnist"}
    figures = read_settings({"figures": {"style": {"palette": {"primary": "blu"}}}})["figures"]
    (error,) = check_appearance(resolve_figures(figures, read_settings(), {"mnist": settings}, {}))
    assert (
        error.startswith("figures.style.palette.primary = 'blu': neither a colour nor")
        and "(did you mean blue?)" in error
    )


def test_the_palette_gives_colours_and_colour_maps_to_the_figures_that_use_it() -> None:
    palette = {"primary": "black", "sequential": "magma"}
    (before, _), (after, _) = checked(), checked({"figures": {"style": {"palette": palette}}})
    assert before["figures"]["fig1"]["point_color"] == "#0072B2" and after["figures"]["fig1"]["point_color"] == "black"
    assert after["figures"]["fig1"]["eta_colors"] == ["black", *before["figures"]["fig1"]["eta_colors"][1:]]
    assert after["figures"]["figS2"]["colormap"] == "magma"
    jobs = Jobs(before, {}), Jobs(after, {})
    assert jobs[0].figure("fig6X") != jobs[1].figure("fig6X")
    redrawn = {name for name in before["figures"] if name != "style" and jobs[0].figure(name) != jobs[1].figure(name)}
    only_third = checked({"figures": {"style": {"palette": {"third": "black"}}}})[0]
    assert "fig6X" in redrawn and Jobs(only_third, {}).figure("fig6X") == jobs[0].figure("fig6X")
