"""Text is UTF-8 in every locale: each call that opens a text file or a program's output names the encoding."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.claims import claim, content_of
from helpers.settings import ROOT

from sgd_valleys.claims.verdict import Side

FOLDERS = ("benchmarks", "src", "tests", "workflow")
PYTHON = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
OTHERS = [ROOT / "Snakefile", *sorted((ROOT / "workflow").rglob("*.smk")), *sorted((ROOT / "workflow").rglob("*.rst"))]
TEXT_METHODS = {"read_text", "write_text"}
MODE_POSITION = {
    "open": 1,
    "fdopen": 1,
    "TemporaryFile": 0,
    "NamedTemporaryFile": 0,
}  # functions whose mode may be text
BINARY_DEFAULT = {"TemporaryFile", "NamedTemporaryFile"}
C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
PROGRAM = """
import json, runpy, sys
from types import SimpleNamespace
class Files(dict):
    __getattr__ = dict.__getitem__
    __getitem__ = lambda self, key: list(self.values())[key] if isinstance(key, int) else dict.__getitem__(self, key)
parts = {name: Files(part) for name, part in json.loads(sys.argv[2]).items()}
runpy.run_path(sys.argv[1], {"snakemake": SimpleNamespace(rule="rule", **parts)})
"""


def mode_of(call: ast.Call, position: int) -> str | None:
    """Return the mode in which a call opens a file; "" by default, None if no literal mode stands in its place."""
    found = [word.value for word in call.keywords if word.arg == "mode"] or call.args[position : position + 1]
    if not found:
        return ""
    value = found[0].value if isinstance(found[0], ast.Constant) else None
    return value if isinstance(value, str) and re.fullmatch("[rwaxbt+]+", value) else None


def lacks_encoding(call: ast.Call) -> bool:
    """Whether a call opens text in the encoding of the locale."""
    words = {word.arg: word.value for word in call.keywords}
    if "encoding" in words:
        return False
    if any(getattr(words.get(name), "value", False) is True for name in ("text", "universal_newlines")):
        return True
    method = isinstance(call.func, ast.Attribute)
    name = call.func.attr if method else getattr(call.func, "id", "")
    if name in TEXT_METHODS or name == "FileHandler":
        return True
    if name not in MODE_POSITION:
        return False
    path_method = name == "open" and method and getattr(call.func.value, "id", "") not in ("io", "gzip", "codecs")
    mode = mode_of(call, 0 if path_method else MODE_POSITION[name])
    if name in BINARY_DEFAULT:
        return bool(mode) and "b" not in mode
    return mode is not None and "b" not in mode and (ast.unparse(call.func) != "gzip.open" or "t" in mode)


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("open('a')", True),
        ("open('a', 'rb')", False),
        ("open('a', encoding='utf-8')", False),
        ("path.open()", True),
        ("path.open('w')", True),
        ("path.open(mode='wb')", False),
        ("tarfile.open(archive)", False),
        ("gzip.open(path)", False),
        ("gzip.open(path, 'rt')", True),
        ("os.fdopen(handle, 'w')", True),
        ("path.read_text()", True),
        ("subprocess.run(command, text=True)", True),
        ("subprocess.run(command, encoding='utf-8')", False),
        ("tempfile.NamedTemporaryFile()", False),
        ("tempfile.NamedTemporaryFile('w')", True),
        ("logging.FileHandler(path)", True),
    ],
)
def test_calls_without_an_encoding_are_found(source: str, wrong: bool) -> None:
    assert lacks_encoding(ast.parse(source, mode="eval").body) == wrong


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_names_the_encoding_of_its_text(path: Path) -> None:
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    assert [f"{path}:{call.lineno}" for call in calls if lacks_encoding(call)] == []


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.name)
def test_a_rule_or_caption_names_the_encoding_of_its_text(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"\bopen\([^)]*\)|text=True|(?:read|write)_text\((?![^)]*encoding=)[^)]*\)", text) == []


def run_script(name: str, folder: Path, environment: dict[str, str], **parts: dict) -> None:
    """Run a script of the workflow in a Python of its own, with the given parts of ``snakemake``."""
    folder.mkdir()
    arguments = [sys.executable, "-c", PROGRAM, str(ROOT / "workflow" / "scripts" / f"{name}.py"), json.dumps(parts)]
    variables = os.environ | environment | {"PYTHONPATH": str(ROOT / "src")}
    ended = subprocess.run(arguments, cwd=folder, env=variables, capture_output=True, encoding="utf-8", timeout=120)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        (
            "claims_table",
            {"input": {"claims": "../claims.json"}, "output": {"html": "a.html", "md": "a.md"}},
        ),
        (
            "explorer",
            {
                "input": {},
                "output": {"page": "a.html"},
                "params": {"settings": {"experiments": {}, "diagrams": {}, "arms": [], "landscape": {}}},
            },
        ),
    ],
)
def test_a_page_is_the_same_in_the_locale_c(name: str, parts: dict, tmp_path: Path) -> None:
    content = content_of([claim(Side(+1), 0.9, 0.8, 1.0)])
    (tmp_path / "claims.json").write_text(json.dumps(content), encoding="utf-8")
    for place, environment in (("c", C_LOCALE), ("utf8", {"PYTHONUTF8": "1"})):
        run_script(name, tmp_path / place, environment, log={"log": "a.log"}, **parts)
    for output in parts["output"].values():
        content = (tmp_path / "c" / output).read_bytes()
        assert content == (tmp_path / "utf8" / output).read_bytes()
        assert not content.isascii()
        content.decode()
