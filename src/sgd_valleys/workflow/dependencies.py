"""Find the code that the result of a rule depends on: its script, and all imported modules of the library."""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
ROOT = PACKAGE.parents[1]  # folder of the workflow
SCRIPTS = ROOT / "workflow" / "scripts"


def code(script: str, *names: str) -> list[str]:
    """Return the checksums of the code that a rule executes, for the parameters of the rule.

    Snakemake compares parameters by value. A changed statement therefore makes the jobs run again. A copy of the code,
    a new time stamp or another working directory does not.

    Args:
        script: name of the rule's script under ``workflow/scripts``, without ``.py``.
        names: modules that the script imports by a name computed at run time, such as ``figures.fig1``. Paths of other
            files that the job reads are allowed too, relative to ``ROOT``.

    Returns:
        "path checksum" of each file, sorted by path relative to ``ROOT``. The files are the script, all modules of the
        library that the script imports directly or indirectly, and the other files.
    """
    files = {ROOT / name for name in names if (ROOT / name).is_file()}
    starts = {SCRIPTS / f"{script}.py"} | {module_path(name) for name in names if not (ROOT / name).is_file()}
    found = files | starts.union(*map(closure, starts))
    return [f"{path.relative_to(ROOT).as_posix()} {checksum(path)}" for path in sorted(found)]


@cache
def checksum(path: Path) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of a file.

    Comments, docstrings and layout of a Python file are ignored, because no result depends on them.
    """
    content = ast.unparse(_statements(path)).encode() if path.suffix == ".py" else path.read_bytes()
    return hashlib.sha256(content).hexdigest()[:16]


@cache
def _statements(path: Path) -> ast.Module:
    """Return the syntax tree of a Python file without docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        match node:
            case ast.Module() | ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                if ast.get_docstring(node, clean=False) is not None:
                    node.body = node.body[1:] or [ast.Pass()]
    return tree


def module_path(name: str) -> Path:
    """Return the file of a module of the library, such as ``figures.fig1``."""
    return PACKAGE / f"{name.replace('.', '/')}.py"


def first_line(path: Path) -> str:
    """Return the first line of the module docstring of a Python file."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring is not None  # ruff enforces module docstrings
    return docstring.splitlines()[0]


@cache
def closure(path: Path) -> frozenset[Path]:
    """Return the modules of the library that a Python file imports, directly or indirectly."""
    found: set[Path] = set()
    waiting = [path]
    while waiting:
        new = set(imports(waiting.pop())) - found
        found |= new
        waiting += new
    return frozenset(found)


@cache
def imports(path: Path) -> tuple[Path, ...]:
    """Return the modules of the library that a file imports directly, including imports inside functions.

    Packages are left out, because their ``__init__.py`` files define nothing, as a test asserts.
    """
    files = (PACKAGE.parent / f"{name.replace('.', '/')}.py" for name in _imported_names(path))
    return tuple(sorted({file for file in files if file.is_file()}))


def _imported_names(path: Path) -> Iterator[str]:
    """Yield the dotted names of modules and attributes that a file imports.

    Raises:
        ValueError: the file has a relative import.
    """
    for node in ast.walk(_statements(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level or node.module is None:
                raise ValueError(f"{path}, line {node.lineno}: relative imports are not followed; name the package.")
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
