"""Every caption explains every panel of its figure at any scale, and contains the numbers of its run."""

import re

import pytest
from docutils.core import publish_parts
from helpers.paper import LETTERS
from helpers.settings import ROOT, checked, read_settings
from jinja2 import Environment, StrictUndefined

REPORT = ROOT / "workflow" / "report"
ELSEWHERE = ("figS4", "fig6X", *(name for name in read_settings()["figures"] if name.startswith("figC")))
# figures without claims, or whose claims stand at other figures
FIGURES = [name for name in read_settings()["figures"] if name != "style"]


def config_of(*overlays: str) -> dict:
    """The settings of the workflow with some files on top."""
    return checked(*overlays)[0]


def caption(name: str, config: dict, claims: str = "", number: str = "") -> str:
    """Render a caption with these settings, and with one number for every claim."""
    environment = Environment(trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    job = {"params": {"settings": {"figure": config["figures"].get(name)}}, "input": [name]}
    reporting = {
        "claims_about": lambda figure, part="": claims,
        "measurement": lambda key: number,
        "headlines": lambda files: f"Numbers of {', '.join(files)}",
        "title": lambda experiment: experiment,
    }
    files = [{"job": {"rule": {"module_globals": {"reporting": reporting, "config": config}}}}]
    return environment.from_string((REPORT / f"{name}.rst").read_text(encoding="utf-8")).render(
        snakemake=job, files=files
    )


@pytest.mark.parametrize("overlay", [(), ("config/preview.yaml",), ("tests/tiny.yaml",), ("config/cifar10-full.yaml",)])
@pytest.mark.parametrize("name", FIGURES)
def test_a_caption_explains_every_panel_at_any_scale(name: str, overlay: tuple[str, ...]) -> None:
    config = config_of(*overlay)
    text = caption(name, config, "- *agrees*: a claim (Fig. 1)")
    page = publish_parts(text, writer="html", settings_overrides={"halt_level": 2})["body"]
    assert "system-message" not in page and "{" not in page
    assert page.index("<strong>") < 60  # what to see comes first
    assert ("<em>agrees</em>: a claim" in page) == (name not in ELSEWHERE)
    assert (f"Numbers of {name}" in page) == name.startswith("figC")
    panels = re.findall(r"\*\*([A-L])\*\*", " ".join(text.split()))
    letters = LETTERS[name.removeprefix("fig")]
    if name == "figS3":  # one map at each threshold, all explained together
        assert not panels
    elif name == "figS5":  # the maps together
        assert set(panels) == set(letters) - set("EFG")
    else:
        assert set(panels) == set(letters)


@pytest.mark.parametrize("name", ["fig1", "fig2", "fig2X", "fig4", "fig4X", "fig6"])
def test_a_caption_has_the_numbers_of_its_run(name: str) -> None:
    text = caption(name, config_of(), number="0.64 [0.51, 0.72]")
    page = publish_parts(text, writer="html", settings_overrides={"halt_level": 2})["body"]
    assert "0.64 [0.51, 0.72]" in page and "{" not in page
    assert "0.64 [" not in caption(name, config_of())


def test_a_figure_of_an_experiment_without_barriers_keeps_its_caption() -> None:
    config = config_of()
    config["figures"]["fig1"]["experiment"] = "cifar10"
    text = caption("fig1", config)
    assert "**D**" in text and "**E**" not in text
