"""The page of the explorer is one HTML file that needs no network."""

import pytest
from helpers.explorer_page import page_data

from sgd_valleys.explorer import page


def test_no_text_in_the_data_can_end_their_element() -> None:
    shown = page.html({"name": "</script>{{style}}"})
    assert page_data(shown) == {"name": "</script>{{style}}"}


def test_the_page_refuses_a_number_that_is_not_finite() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        page.html({"value": float("nan")})


def test_every_script_of_the_folder_is_part_of_the_page() -> None:
    assert {path.name for path in page.FOLDER.glob("*.js")} == set(page.SCRIPTS)


@pytest.mark.parametrize("part", ["page.html", "page.css", *page.SCRIPTS])
def test_no_part_of_the_page_names_an_address_on_a_network(part: str) -> None:
    assert "http" not in (page.FOLDER / part).read_text(encoding="utf-8").replace("http-equiv", "")


def test_colours_and_colour_maps_become_those_of_css() -> None:
    css = page.to_css({"run_color": "red", "eta_colors": ["C0", "#00ff00"], "colormap": "gray"})
    assert css["run_color"] == "#ff0000" and css["eta_colors"] == ["#1f77b4", "#00ff00"]
    assert len(css["colormap"]) == page.COLORMAP_STEPS
    assert css["colormap"][0] == "#000000" and css["colormap"][-1] == "#ffffff"
