"""The library keeps its structure: the order of its subpackages, no import cycles, modules of a readable size."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from helpers.settings import ROOT

from sgd_valleys.workflow.dependencies import closure, imports

PACKAGE = ROOT / "src" / "sgd_valleys"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")
TOP = ("errors", "randomness", "progress", "markdown")  # modules beside the subpackages
ORDER = (  # a row imports from rows above it; the subpackages of a row do not import each other
    TOP,
    ("recipe", "storage"),
    ("networks", "statistics"),
    ("data", "two_valley"),
    ("config",),
    ("training", "measures"),
    ("results", "controls"),
    ("claims",),
    ("figures",),
    ("explorer",),
    ("workflow",),
)
RANK = {name: rank for rank, row in enumerate(ORDER) for name in row}
MAX_LINES = 350
FIGURES = [path for path in MODULES if path.parent.name == "figures"]
HEAVY = {"torch", "torchvision", "numba", "sklearn"}  # packages that take seconds to import


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").as_posix()


def part_of(path: Path) -> str:
    """The subpackage of a module, or the module itself where it stands beside the subpackages."""
    return name_of(path).split("/")[0]


@cache
def packages_of(path: Path) -> frozenset[str]:
    """The names of the packages that a file imports, anywhere in it."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    return frozenset(name.split(".")[0] for name in names)


def test_every_module_has_a_place_in_the_order() -> None:
    assert {part_of(path) for path in MODULES} == RANK.keys()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_only_from_its_subpackage_and_those_before_it(path: Path) -> None:
    part = part_of(path)
    wrong = [name_of(each) for each in imports(path) if part_of(each) != part and RANK[part_of(each)] >= RANK[part]]
    assert wrong == []


def test_no_module_imports_itself_through_others() -> None:
    assert [name_of(path) for path in MODULES if path in closure(path)] == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_has_a_readable_size(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", FIGURES, ids=name_of)
def test_a_figure_reaches_no_heavy_package(path: Path) -> None:
    reached = {package for each in (path, *closure(path)) for package in packages_of(each)}
    assert reached & HEAVY == set()


def test_no_heavy_package_is_loaded_when_all_figures_are_imported() -> None:
    names = [f"sgd_valleys.{name_of(path).replace('/', '.')}" for path in FIGURES]
    program = f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r}); import {', '.join(names)}; "
    program += f"print(sys.modules.keys() & {HEAVY!r})"
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True, timeout=120
    )
    assert ended.stdout.strip() == "set()"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("__init__.py")), ids=lambda path: path.parent.name)
def test_a_package_file_holds_a_docstring_only(path: Path) -> None:
    (statement,) = ast.parse(path.read_text(encoding="utf-8")).body
    assert isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    assert isinstance(statement.value.value, str)
