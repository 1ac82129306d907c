"""The report has captions, settings and run times, and is refused where a run is not finished."""

import importlib.metadata
import json
import re
import tomllib
from html import escape
from pathlib import Path

import pytest
import yaml
from docutils.core import publish_parts
from helpers.checkout import Checkout
from jinja2 import Environment, StrictUndefined
from snakemake.utils import update_config
from test_panels import LETTERS

from sgd_valleys import run_times
from sgd_valleys.claims import tables
from sgd_valleys.config import validation
from sgd_valleys.errors import UserError

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "workflow" / "report"
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())
ELSEWHERE = ("figS4", "fig6X")  # their claims are those of other figures
FIGURES = [name for name in CONFIG["figures"] if name != "style"]


def config_of(*overlays: str) -> dict:
    """The settings with some files on top."""
    found = yaml.safe_load((ROOT / "config.yaml").read_text())
    for overlay in overlays:
        update_config(found, yaml.safe_load((ROOT / overlay).read_text()))
    return found | {"experiments": validation.alike(found["experiments"])}


def caption(name: str, config: dict, claims: str = "", number: str = "") -> str:
    """A caption as reStructuredText, as it comes out with these settings and one number for every claim."""
    environment = Environment(trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    job = {"params": {"settings": {"figure": config["figures"].get(name)}}, "config": config}
    known = {
        "judged": lambda figure, about="": claims,
        "number": lambda key: number,
        "title_of": lambda experiment: experiment,
    }
    files = [{"job": {"rule": {"module_globals": known}}}]
    return environment.from_string((REPORT / f"{name}.rst").read_text()).render(snakemake=job, files=files)


def test_every_figure_has_a_caption_and_every_caption_a_figure() -> None:
    others = {"workflow", "config", "versions", "explorer"}
    assert {path.stem for path in REPORT.glob("*.rst")} == {*FIGURES, *others}
    rules = (ROOT / "workflow" / "rules" / "figures.smk").read_text()
    assert re.findall(r'figure_file\("(\w+)"', rules) == FIGURES


@pytest.mark.parametrize("overlay", [(), ("config/preview.yaml",), ("tests/tiny.yaml",), ("config/cifar10-full.yaml",)])
@pytest.mark.parametrize("name", FIGURES)
def test_a_caption_tells_of_every_panel_at_any_scale(name: str, overlay: tuple[str, ...]) -> None:
    config = config_of(*overlay)
    text = caption(name, config, "- *agrees*: a claim (Fig. 1)")
    page = publish_parts(text, writer="html", settings_overrides={"halt_level": 2})["body"]
    assert "system-message" not in page and "{" not in page
    assert page.index("<strong>") < 60  # what to see comes first
    assert ("<em>agrees</em>: a claim" in page) == (name not in ELSEWHERE)
    panels = re.findall(r"\*\*([A-J])\*\*", " ".join(text.split()))
    letters = LETTERS[name.removeprefix("fig")]
    if name == "figS3":  # one map at each threshold, told all at once
        assert not panels
    elif name == "figS5":  # the maps at once
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


def test_settings_that_are_written_down_come_back() -> None:
    overlay = {
        "seed": 3,
        "experiments": {
            "cifar10": None,
            "mnist": {"branches": None, "sweep": {"B": [100, 1000]}, "curvature": {"tolerance": 1e-8}},
            "fashion": {"like": "mnist", "dataset": {"name": "fashion_mnist"}},
        },
    }
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    update_config(config, overlay)
    config["experiments"] = validation.alike(config["experiments"])
    written = yaml.safe_load(yaml.safe_dump(validation.on_top_of(CONFIG, config), sort_keys=False))
    again = yaml.safe_load((ROOT / "config.yaml").read_text())
    update_config(again, written)
    again["experiments"] = validation.alike(again["experiments"])
    assert again == config
    assert list(written["experiments"]["mnist"]) == [*config["experiments"]["mnist"], "branches"]
    changed = {name: (there, here) for name, there, here in validation.changes(CONFIG, written)}
    assert changed["seed"] == (CONFIG["seed"], 3)
    assert changed["experiments.mnist.sweep.B"] == ([10, 20, 50, 100, 200, 500, 1000], [100, 1000])
    assert changed["experiments.cifar10"][1] is None and changed["experiments.mnist.branches"][1] is None
    assert changed["experiments.fashion"][1]["dataset"]["name"] == "fashion_mnist"
    assert len(changed) == 6


def test_run_times_are_by_rule_the_longest_first(tmp_path: Path) -> None:
    jobs = [("train", 2.0), ("data", 3.0), ("train", 10.0), ("train", 4.0)]
    train, data = run_times.by_rule(jobs)
    assert (train.rule, train.jobs, train.total, train.median, train.longest) == ("train", 3, 16.0, 4.0, 10.0)
    assert (data.rule, data.jobs, data.total) == ("data", 1, 3.0)
    path = tmp_path / "train.tsv"
    path.write_text("s\th:m:s\tcpu_time\n12.5\t0:00:12\t11.0\n")
    assert (run_times.seconds(path), run_times.seconds(path, "cpu_time")) == (12.5, 11.0)
    path.write_text("s\th:m:s\tcpu_time\n0.1\t0:00:00\tNA\n")
    assert run_times.seconds(path, "cpu_time") == 0


@pytest.mark.parametrize(
    "content", ["", "s\th:m:s\n", "s\th:m:s\n\n", "h:m:s\ts\n0:00:12\n", "s\th:m:s\n-\t-\n", "h:m:s\n0\n"]
)
def test_a_run_time_that_is_cut_off_or_damaged_is_refused_by_name(content: str, tmp_path: Path) -> None:
    path = tmp_path / "train.tsv"
    path.write_text(content)
    with pytest.raises(UserError, match=r"train\.tsv says no time: delete it"):
        run_times.seconds(path)


def test_the_settings_of_a_run_plan_the_same_run(finished: Checkout) -> None:
    shown = finished.run("--dry-run", "--configfile", "results/config.yaml", tiny=False)
    assert "Nothing to be done" in shown


def test_a_change_of_a_setting_is_written_down(finished: Checkout) -> None:
    finished.set({"figures": {"fig1": {"point_color": "#D55E00"}}})
    finished.run("results/config.yaml")
    written = yaml.safe_load((finished.root / "results/config.yaml").read_text())
    assert written["figures"]["fig1"]["point_color"] == "#D55E00"


def test_versions_are_those_of_every_pinned_package(complete: Checkout) -> None:
    versions = yaml.safe_load((complete.root / "results/versions.yaml").read_text())
    pins = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert list(versions) == ["sgd-valleys", "commit", "python", *(pin.split("==")[0] for pin in pins)]
    assert versions["commit"] == "unknown"  # outside a checkout
    assert versions["numpy"] == importlib.metadata.version("numpy")


def test_the_report_of_what_is_not_finished_says_what_is_missing(finished: Checkout) -> None:
    def told(*arguments: str) -> str:
        ended = finished.snakemake("--report", "results/report.html", *arguments)
        assert ended.returncode != 0 and not (finished.root / "results/report.html").exists()
        return ended.stdout

    finished.set({"figures": {"fig1": {"point_color": "#D55E00"}}})
    assert "with these settings 3 jobs are to be run, as that of results/config.yaml" in told()
    (finished.root / "results/figures/fig3.png").unlink()
    assert "File results/figures/fig3.png marked for report but does not exist." in told()


def test_claims_are_told_at_the_figures_they_are_about(finished: Checkout) -> None:
    path = finished.root / "results/claims.json"
    content = json.loads(path.read_text())
    own = [claim for claim in content["claims"] if not claim["where"].startswith("Fig. S5")]
    about = [claim for claim in own if re.search(r"Figs?\. 2", claim["where"])]
    for claim, verdict in zip(about, ("agrees", "agrees in direction", "undecided", "disagrees"), strict=False):
        claim["verdict"] = verdict
    about[1]["beyond_paper"] = True
    path.write_text(json.dumps(content))
    finished.run("--touch")
    finished.run("--report", "results/report.html")
    page = (finished.root / "results/report.html").read_text()
    results = json.loads(re.search(r"var results = (\{.*\});", page)[1])

    def told(name: str) -> list[str]:
        return re.findall(r"<li><b>\S+ (.*?)</b>: (.*?) Here", results[f"results/figures/{name}.png"]["caption"])

    verdicts = [verdict for verdict, _ in told("fig2")]
    assert len(verdicts) == len(about)
    assert verdicts == sorted(verdicts, key=("disagrees", "undecided", "agrees in direction", "agrees").index)
    whole = results["results/figures/fig2.png"]["caption"]
    open_, _, folded = whole.partition("<details>")
    assert "agrees</b>" not in open_.replace("disagrees</b>", "") and "✓ agrees</b>" in folded
    assert whole.count("(ours)</li>") == sum(claim["beyond_paper"] for claim in about)
    assert tables.format_measurement(about[3]) in whole
    assert {said for _, said in told("fig2X")} == {
        escape(claim["statement"]) for claim in about if "test_file" in claim["key"]
    }
    assert told("fig4X") == told("fig4") and told("figS4") == []
