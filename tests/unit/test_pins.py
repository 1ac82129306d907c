"""Versions, licence and citation are the same wherever they are written."""

import re
import tomllib

import yaml
from helpers.settings import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_conda_environment_has_the_pinned_versions() -> None:
    listed = yaml.safe_load((ROOT / "envs" / "sgd-valleys.yaml").read_text(encoding="utf-8"))["dependencies"]
    conda = {entry.replace("matplotlib-base", "matplotlib") for entry in listed if isinstance(entry, str)}
    (pip,) = (entry["pip"] for entry in listed if isinstance(entry, dict))
    pins = {re.sub("=+", "==", entry) for entry in conda | set(pip) if "=" in entry and not entry.startswith("python=")}
    # Snakemake starts the jobs; the environment of a job does without Snakemake.
    assert pins == {pin for pin in PROJECT["dependencies"] if not pin.startswith("snakemake")}


def test_the_readme_installs_the_pinned_pytorch_for_cpus() -> None:
    shown = re.search(r"^python3 -m pip .* install (.*) --index-url", README, re.M)[1].split()
    assert {pin.split("==")[0] for pin in shown} == {"torch", "torchvision"}
    assert set(shown) <= set(PROJECT["dependencies"])


def test_the_citation_has_what_the_format_requires() -> None:
    assert CITATION["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= CITATION.keys()
    paper = CITATION["preferred-citation"]
    assert {"type", "title", "authors"} <= paper.keys()
    for work in (CITATION, paper):
        assert "doi" not in work or re.fullmatch(r"10\.\d{4,9}/\S+", work["doi"])  # the number alone, no address
    assert [author["family-names"] for author in paper["authors"]] == ["Yang", "Zhang", "Ouyang", "Tang", "Tu"]
    assert paper["title"] in " ".join(README.split())


def test_the_citation_is_of_this_version() -> None:
    assert CITATION["version"] == PROJECT["version"]
    assert CITATION["license"] in (ROOT / "LICENSE").read_text(encoding="utf-8").split()
