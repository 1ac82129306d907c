"""docs/panels.md has a place for every panel, and every rule, function, file and variable that it names exists."""

import re
from fnmatch import fnmatch
from functools import reduce
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from helpers.checkout import ROOT, Checkout
from helpers.paper import LETTERS
from helpers.settings import read_settings
from helpers.tiny_run import load_figure

from sgd_valleys.storage import hdf5

PAGE = (ROOT / "docs" / "panels.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## Fig\. (\w+)$(.*?)(?=^## |\Z)", PAGE, re.M | re.S))


def named(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def files(text: str = PAGE) -> list[tuple[str, list[str]]]:
    """The patterns of files that a text names, each with its variables."""
    return [(pattern, named(names)) for pattern, names in re.findall(r"^- `([^`]+\.h5)`: (.*)$", text, re.M)]


def test_every_figure_and_every_panel_has_its_place() -> None:
    figures = read_settings()["figures"].keys() - {"style"}
    assert {f"fig{name}" for name in SECTIONS} == figures
    for name, text in SECTIONS.items():
        bold = " ".join(re.findall(r"\*\*(.*?)\*\*", text))
        assert sorted(re.findall(r"\b([A-L])\b(?=[., ]|$)", bold)) == list(LETTERS[name]), name


def test_every_rule_has_its_script_and_every_function_can_be_imported(bare: Checkout) -> None:
    scripts = {name: rule["script"] for name, rule in bare.rules().items()}
    lines = re.findall(r"^- rules? (.*?): (.*)$", PAGE, re.M)
    assert len(lines) > 40
    for rules, functions in lines:
        for rule in named(rules):
            assert scripts[rule] == f"workflow/scripts/{rule.partition('_fig')[0]}.py"
        assert named(functions)
        for function in named(functions):
            module, name = f"sgd_valleys.{function}".rsplit(".", 1)
            assert callable(getattr(import_module(module), name)), function


def test_every_variable_is_in_a_file_of_the_run(complete: Checkout) -> None:
    assert len(files()) > 60
    for pattern, variables in files():
        paths = list((complete.root / "results").glob(re.sub(r"{\w+}", "*", pattern)))
        assert paths, pattern
        there = set().union(*(hdf5.read(path).keys() for path in paths))
        assert set(variables) <= there, pattern


def test_every_setting_that_it_names_is_there() -> None:
    config = read_settings()
    parts = ("projection", "barriers", "recording", "curvature", "freezing", "branches", "figures", "two_valley")
    prose = "\n".join(line for line in PAGE.splitlines() if not line.startswith("- ") and "<" not in line)
    found = [name for name in named(prose) if name.split(".")[0] in parts and "." in name]
    assert len(found) > 20
    for name in found:
        top = config if name.split(".")[0] in config else config["experiments"]["mnist"]
        if name == "curvature.per_class":
            top = config["experiments"]["cifar10"]
        reduce(lambda settings, key: settings[key], name.split("."), top)


@pytest.mark.parametrize("name", sorted(LETTERS.keys() - {"4X"}))  # 4X reads all of one file
def test_a_figure_reads_no_variable_that_its_section_does_not_name(
    complete: Checkout, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    results, reading = complete.root / "results", hdf5.read
    grid = files(PAGE.split("## Fig. 1")[0])
    known = [*grid, *files(SECTIONS[name])]
    unknown = []

    def read(path: Any, names: Any = None, at: Any = None) -> Any:
        kind = str(Path(path).relative_to(results))
        named_there = {
            each for pattern, all_ in known if fnmatch(kind, re.sub(r"{\w+}", "*", pattern)) for each in all_
        }
        unknown.extend((kind, each) for each in names or () if each not in named_there and each != "realization")
        return reading(path, names, at)

    monkeypatch.setattr(hdf5, "read", read)
    load_figure(results, f"fig{name}")
    assert unknown == []
