"""The code that a rule depends on is the code that Python imports for its script."""

import ast
from pathlib import Path

import pytest
from helpers.imports import ROOT, imported_modules

from sgd_valleys.workflow import dependencies
from sgd_valleys.workflow.dependencies import code

SCRIPTS = sorted(path.stem for path in (ROOT / "workflow" / "scripts").glob("*.py"))
FIGURES = sorted(path.stem for path in (ROOT / "src" / "sgd_valleys" / "figures").glob("fig*.py"))


def listed(*names: str) -> list[str]:
    """The paths that ``code`` names."""
    return [each.split(" ")[0] for each in code(*names)]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small library and its scripts in place of the workflow's."""
    root = tmp_path / "src" / "sgd_valleys"
    files = {
        "src/sgd_valleys/one.py": "import sgd_valleys.part.two\n",
        "src/sgd_valleys/part/two.py": "def f():\n    from sgd_valleys.part import three\n    return three\n",
        "src/sgd_valleys/part/three.py": "import numpy\n",
        "src/sgd_valleys/other.py": "",
        "scripts/a.py": "from sgd_valleys.one import anything\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(dependencies, "PACKAGE", root)
    monkeypatch.setattr(dependencies, "ROOT", tmp_path)
    monkeypatch.setattr(dependencies, "SCRIPTS", tmp_path / "scripts")
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    """Forget the files that were read, as another process would."""
    for function in (dependencies.closure, dependencies.imports, dependencies.checksum, dependencies._statements):
        function.cache_clear()


@pytest.mark.slow
def test_the_code_of_every_script_is_what_python_imports_for_it() -> None:
    starts = {name: [ROOT / "workflow" / "scripts" / f"{name}.py"] for name in SCRIPTS}
    starts |= {name: [*starts["figure"], ROOT / "src" / "sgd_valleys" / "figures" / f"{name}.py"] for name in FIGURES}
    named = {name: listed("figure", f"figures.{name}") if name in FIGURES else listed(name) for name in starts}
    really = imported_modules(starts)
    for name, paths in named.items():
        script = f"workflow/scripts/{'figure' if name in FIGURES else name}.py"
        assert set(paths) == really[name] | {script}, name


def test_imports_are_followed_from_module_to_module_and_into_functions(package: Path) -> None:
    names = ("one.py", "part/three.py", "part/two.py")
    assert listed("a") == ["scripts/a.py", *(f"src/sgd_valleys/{name}" for name in names)]


def test_a_new_import_is_followed(package: Path) -> None:
    assert "src/sgd_valleys/other.py" not in listed("a")
    (package / "src/sgd_valleys/part/three.py").write_text("from sgd_valleys import other\n", encoding="utf-8")
    forget()
    assert "src/sgd_valleys/other.py" in listed("a")


def test_a_module_that_is_imported_by_a_computed_name_is_named_by_the_rule(package: Path) -> None:
    (package / "src/sgd_valleys/other.py").write_text("from sgd_valleys.fourth import x\n", encoding="utf-8")
    (package / "src/sgd_valleys/fourth.py").write_text("", encoding="utf-8")
    assert set(listed("a", "other")) - set(listed("a")) == {"src/sgd_valleys/other.py", "src/sgd_valleys/fourth.py"}


def test_a_relative_import_is_refused(package: Path) -> None:
    (package / "src/sgd_valleys/part/two.py").write_text("x = 1\nfrom . import three\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"two\.py, line 2: relative imports"):
        listed("a")


def test_a_file_is_described_by_its_content_alone(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (package / "page.html").write_text("one", encoding="utf-8")
    before = code("a", "page.html")
    assert {each.split(" ")[0] for each in before} - set(listed("a")) == {"page.html"}
    monkeypatch.chdir(package / "scripts")
    (package / "page.html").touch()
    forget()
    assert code("a", "page.html") == before
    (package / "page.html").write_text("two", encoding="utf-8")
    forget()
    assert len(set(code("a", "page.html")) - set(before)) == 1


MODULE = '''"""One."""


class Law:
    """Two."""

    def f(self, x):
        """Three."""
        return x + 1  # four
'''


@pytest.mark.parametrize(
    ("text", "by", "counts"),
    [
        ('"""One."""', '"""Another, longer."""', False),
        ('"""One."""\n', "", False),
        ('"""Two."""', '"""Another."""', False),
        ('"""Three."""', '"""Another."""', False),
        ("  # four", "", False),
        ("x + 1", "(x  +  1)", False),
        ("x + 1", "x + 2", True),
        ("f(self, x)", "f(self, x=1)", True),
        ("return x", '"Four."\n        return x', True),
    ],
)
def test_comments_docstrings_and_layout_of_a_module_do_not_count(
    package: Path, text: str, by: str, counts: bool
) -> None:
    module = package / "src/sgd_valleys/part/three.py"
    module.write_text(MODULE, encoding="utf-8")
    forget()
    before = code("a")
    assert MODULE.count(text) == 1
    module.write_text(MODULE.replace(text, by), encoding="utf-8")
    forget()
    assert (code("a") != before) == counts


def test_no_module_reads_its_own_docstring() -> None:
    for path in (ROOT / "src").rglob("*.py"):
        names = {
            node.id for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Name)
        }
        assert "__doc__" not in names, path
