"""The report shows claims, settings and versions, and is refused where a run is not finished."""

import importlib.metadata
import json
import re
import tomllib
from html import escape
from pathlib import Path

import yaml
from helpers.checkout import ROOT, Checkout
from helpers.settings import read_settings

from sgd_valleys.claims.formatting import format_measurement

FIGURES = [name for name in read_settings()["figures"] if name != "style"]


def test_every_figure_has_a_caption_and_every_caption_a_figure(bare: Checkout) -> None:
    reported = {path: Path(caption) for rule in bare.rules().values() for path, caption in rule["reported"].items()}
    assert {path.stem for path in (ROOT / "workflow" / "report").glob("*.rst")} == {
        path.stem for path in reported.values()
    } | {"workflow"}
    figures = {path: caption.stem for path, caption in reported.items() if path.startswith("results/figures/")}
    assert figures == {f"results/figures/{name}.png": name for name in FIGURES}
    assert list(figures.values()) == FIGURES
    others = {caption.stem for path, caption in reported.items() if path not in figures}
    assert others == {"config", "versions", "explorer"}


def test_the_settings_of_a_run_plan_the_same_run(finished: Checkout) -> None:
    shown = finished.run("--dry-run", "--configfile", "results/config.yaml", tiny=False)
    assert "Nothing to be done" in shown


def test_a_change_of_a_setting_is_written_down(finished: Checkout) -> None:
    finished.set({"figures": {"fig1": {"point_color": "#D55E00"}}})
    finished.run("results/config.yaml")
    written = yaml.safe_load((finished.root / "results/config.yaml").read_text(encoding="utf-8"))
    assert written["figures"]["fig1"]["point_color"] == "#D55E00"


def test_versions_are_those_of_every_package_that_the_project_names(complete: Checkout) -> None:
    versions = yaml.safe_load((complete.root / "results/versions.yaml").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    needed = [*project["dependencies"], *extras["workflow"], *extras["explorer"]]
    names = sorted(requirement.partition(">")[0] for requirement in needed)
    names = ["sgd-valleys", "commit", "python", *names, "processor"]
    assert list(versions)[: len(names)] == names
    kernels = {name: choice for name, choice in versions.items() if name not in names}
    assert [name for name in kernels if name.startswith(("openblas ", "mkl "))] and "torch kernels" in kernels
    assert "" not in kernels.values() and versions["processor"]
    assert versions["commit"] == "unknown"  # outside a checkout
    assert versions["numpy"] == importlib.metadata.version("numpy")


def test_the_report_of_what_is_not_finished_says_what_is_missing(finished: Checkout) -> None:
    def refusal(*arguments: str) -> str:
        ended = finished.snakemake("--report", "results/report.html", *arguments)
        assert ended.returncode != 0 and not (finished.root / "results/report.html").exists()
        return ended.stdout

    finished.set({"figures": {"fig1": {"point_color": "#D55E00"}}})
    assert "with these settings 3 jobs are unfinished, for example the job of results/config.yaml" in refusal()
    (finished.root / "results/figures/fig3.png").unlink()
    assert "File results/figures/fig3.png marked for report but does not exist." in refusal()


def test_claims_stand_at_the_figures_they_are_about(finished: Checkout) -> None:
    path = finished.root / "results/claims.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    about = [claim for claim in content["claims"] if re.search(r"Figs?\. 2", claim["where"])]
    for claim, verdict in zip(about, ("agrees", "undecided", "disagrees"), strict=False):
        claim["verdict"] = verdict
    about[1]["ours"] = True
    finished.detach()
    path.write_text(json.dumps(content), encoding="utf-8")
    finished.run("--touch")
    finished.run("--report", "results/report.html")
    page = (finished.root / "results/report.html").read_text(encoding="utf-8")
    results = json.loads(re.search(r"var results = (\{.*\});", page)[1])

    def claims_of(name: str) -> list[str]:
        caption = results[f"results/figures/{name}.png"]["caption"]
        return re.findall(r"<li><b>\S+ (.*?)</b>: (.*?\.) ", caption)

    verdicts = [verdict for verdict, _ in claims_of("fig2")]
    assert len(verdicts) == len(about)
    assert verdicts == sorted(verdicts, key=("disagrees", "undecided", "agrees").index)
    whole = results["results/figures/fig2.png"]["caption"]
    open_, _, folded = whole.partition("<details>")
    assert "agrees</b>" not in open_.replace("disagrees</b>", "") and "✓ agrees</b>" in folded
    assert whole.count("(added)</li>") == sum(claim["ours"] for claim in about)
    assert format_measurement(about[3]) in whole
    assert {said for _, said in claims_of("fig2X")} == {
        escape(claim["statement"]) for claim in about if "test_file" in claim["key"]
    }
    assert claims_of("fig4X") == claims_of("fig4") and claims_of("figS4") == []
