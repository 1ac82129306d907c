"""The code that a rule's result depends on: its script, and every module of the library that the script imports."""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
ROOT = PACKAGE.parents[1]  # of the workflow
SCRIPTS = ROOT / "workflow" / "scripts"


def code(script: str, *names: str) -> list[str]:
    """Describe the code that a job of a rule executes, as parameters of the rule.

    Snakemake compares parameters by their values. So a changed file makes the job run again, and a copy of the code, a
    new time stamp or another working directory does not.

    Args:
        script: name of the rule's script under ``workflow/scripts``, without ``.py``.
        names: modules that the script imports by a name computed at run time, such as ``figures.fig1``; and other files
            that the job reads, relative to ``ROOT``.

    Returns:
        "path checksum" of the script, of every module of the library that the script or one of its modules imports,
        directly or not, and of the other files; sorted by path, relative to ``ROOT``.
    """
    files = {ROOT / name for name in names if (ROOT / name).is_file()}
    starts = {SCRIPTS / f"{script}.py"} | {module_path(name) for name in names if not (ROOT / name).is_file()}
    found = files | starts.union(*map(closure, starts))
    return [f"{path.relative_to(ROOT).as_posix()} {checksum(path)}" for path in sorted(found)]


@cache
def checksum(path: Path) -> str:
    """Return the SHA-256 of a file of code, to 16 hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def module_path(name: str) -> Path:
    """Return the file of a module of the library, such as ``figures.fig1``."""
    return PACKAGE / f"{name.replace('.', '/')}.py"


def first_line(path: Path) -> str:
    """Return the first line of the docstring of a file of Python."""
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).splitlines()[0]


@cache
def closure(path: Path) -> frozenset[Path]:
    """Return every module of the library that a file of Python imports, directly or through other modules."""
    found: set[Path] = set()
    waiting = [path]
    while waiting:
        new = set(imports(waiting.pop())) - found
        found |= new
        waiting += new
    return frozenset(found)


@cache
def imports(path: Path) -> tuple[Path, ...]:
    """Return the modules of the library that a file imports, inside functions too.

    Packages are left out: their ``__init__.py`` files define nothing, which a test asserts.
    """
    files = (PACKAGE.parent / f"{name.replace('.', '/')}.py" for name in _imported_names(path))
    return tuple(sorted({file for file in files if file.is_file()}))


def _imported_names(path: Path) -> Iterator[str]:
    """Yield the dotted names that the import statements of a file may refer to; a relative import is an error."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{path}, line {node.lineno}: relative imports are not followed; name the package.")
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
