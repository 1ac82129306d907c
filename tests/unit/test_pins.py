"""Versions, licence and citation are the same wherever they are written."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import distribution, version
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from helpers.settings import ROOT
from packaging.requirements import Requirement

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
README = (ROOT / "README.md").read_text(encoding="utf-8")


LINES = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
EXTRAS = PROJECT["optional-dependencies"]


def name_of(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


# pins below this line are not of `make .venv/.ready`
DOCS = LINES.index("# of the documentation alone, the extra docs:")


def pins(lines: list[str]) -> dict[str, str]:
    return dict(line.split("==") for line in lines if not line.startswith("#"))


PINS = pins(LINES)


def needed_by(requirements: list[str]) -> dict[str, Requirement]:
    """Find what requirements need here, directly or not, except for this project itself."""
    found, waiting = {}, [Requirement(each) for each in requirements]
    while waiting:
        requirement = waiting.pop()
        key = name_of(requirement.name), frozenset(requirement.extras)
        if key in found:
            continue
        found[key] = requirement
        for text in distribution(requirement.name).requires or []:
            each = Requirement(text)
            if not each.marker or any(each.marker.evaluate({"extra": extra}) for extra in ("", *requirement.extras)):
                waiting.append(each)
    return {name: requirement for (name, _), requirement in found.items() if name != PROJECT["name"]}


def assert_pinned(extras: Iterable[str], pinned: dict[str, str]) -> None:
    requirements = [*PROJECT["dependencies"], *(each for extra in extras for each in EXTRAS[extra])]
    needed = needed_by([each for each in requirements if not each.startswith(PROJECT["name"])])
    assert needed.keys() == pinned.keys()
    installed = {name: version(name).partition("+")[0] for name in pinned}
    assert installed == pinned, "the environment is not that of constraints.txt: make .venv/.ready"


def test_every_package_that_the_project_needs_is_pinned_to_one_version() -> None:
    assert_pinned(EXTRAS.keys() - {"docs"}, pins(LINES[:DOCS]))


def test_every_package_that_the_documentation_needs_is_pinned_to_one_version() -> None:
    if not find_spec("mkdocs"):
        pytest.skip("the environment lacks the extra docs: make docs installs it")
    assert_pinned(EXTRAS, PINS)


def test_pinned_versions_are_within_the_ranges_of_the_project() -> None:
    for text in [*PROJECT["dependencies"], *EXTRAS["workflow"], *EXTRAS["explorer"], *EXTRAS["docs"]]:
        requirement = Requirement(text)
        assert PINS[requirement.name] in requirement.specifier
        assert {each.operator for each in requirement.specifier} == {">=", "<"}


def test_the_conda_environment_has_the_pinned_versions() -> None:
    listed = yaml.safe_load((ROOT / "envs" / "sgd-valleys.yaml").read_text(encoding="utf-8"))["dependencies"]
    conda = {entry.replace("matplotlib-base", "matplotlib") for entry in listed if isinstance(entry, str)}
    (pip,) = (entry["pip"] for entry in listed if isinstance(entry, dict))
    pins = dict(re.split("=+", entry) for entry in conda | set(pip) if "=" in entry and not entry.startswith("python="))
    # Snakemake starts the jobs; the environment of a job does without Snakemake.
    names = {Requirement(each).name for each in [*PROJECT["dependencies"], *EXTRAS["explorer"]]}
    assert pins == {name: PINS[name] for name in names}


def make(*arguments: str) -> subprocess.CompletedProcess:
    """Show what `make` would run."""
    command = ["make", "--dry-run", f"PYTHON={sys.executable}", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")


def test_make_takes_the_pinned_pytorch_for_cpus_from_its_own_index_before_the_rest(tmp_path: Path) -> None:
    venv = f"VENV={tmp_path}/venv"
    first, second = re.findall(r"^.* install (.*)$", make("TORCH=cpu", venv, f"{tmp_path}/venv/.ready").stdout, re.M)
    builds = [f"{name}=={PINS[name]}" for name in ("torch", "torchvision")]
    assert first.split() == ["--quiet", "--no-deps", *builds, "--index-url", "https://download.pytorch.org/whl/cpu"]
    assert "--editable '.[dev]' --constraint constraints.txt" in second
    (other,) = re.findall(r"^.* install (.*)$", make(venv, f"{tmp_path}/venv/.ready").stdout, re.M)
    assert other == second  # a later command without TORCH keeps the build


def test_make_refuses_an_unknown_build_of_pytorch() -> None:
    ended = make("TORCH=gpu", "preview")
    assert (
        ended.returncode != 0 and "TORCH = gpu: unknown build of PyTorch; allowed are cpu and default" in ended.stderr
    )


BLOCKED = """
import importlib, pkgutil, sys
from importlib.abc import MetaPathFinder

class Block(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0].startswith(("snakemake", "plotly")):
            raise ImportError(f"{name} is in an extra")

sys.meta_path.insert(0, Block())
import sgd_valleys
for module in pkgutil.walk_packages(sgd_valleys.__path__, "sgd_valleys."):
    if not module.name.startswith(("sgd_valleys.workflow", "sgd_valleys.explorer")):
        importlib.import_module(module.name)
"""


def test_the_library_needs_neither_snakemake_nor_plotly() -> None:
    done = subprocess.run([sys.executable, "-c", BLOCKED], cwd=ROOT / "src", capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr


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


def test_pre_commit_has_the_pinned_versions() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert {each["rev"] for each in hooks} == {f"v{PINS['ruff']}", f"v{PINS['snakefmt']}"}


def test_hosted_tests_run_targets_that_the_makefile_has() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))["jobs"]
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    targets = {command.split("make ")[1] for command in commands}
    assert {"lint", "test"} <= targets
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^({re.escape(name)}|\$\(VENV\){name[5:]}):", makefile, re.M) for name in targets)
