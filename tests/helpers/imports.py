"""The modules of the library that Python imports for a file, as a check of the dependencies read from its text.

Run as a program, this file imports large packages once, and forks for every request.
"""

import ast
import importlib
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "src"
LARGE = (
    "matplotlib.pyplot",
    "numba",
    "rocrate.rocrate",
    "scipy.optimize",
    "scipy.stats",
    "sklearn.decomposition",
    "torch",
)


def imported_modules(starts: Mapping[str, Iterable[Path]]) -> dict[str, set[str]]:
    """Execute the import statements of files and of every module of the library that they import.

    Import statements inside functions are executed too.

    Args:
        starts: files by an arbitrary name.

    Returns:
        imported modules of the library by the same names, as paths relative to the root, without packages.
    """
    request = {name: [str(path) for path in paths] for name, paths in starts.items()}
    environment = os.environ | {"PYTHONPATH": str(SOURCES), "MPLBACKEND": "agg"}
    program = [sys.executable, "-P", __file__]
    ended = subprocess.run(
        program,
        input=json.dumps(request),
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=300,
    )
    return {name: set(paths) for name, paths in map(json.loads, ended.stdout.splitlines())}


def _import_all(waiting: list[Path]) -> set[Path]:
    """Execute the imports from the library in files and, recursively, in the modules that are loaded.

    Returns:
        paths of the loaded modules of the library.
    """
    found: set[Path] = set()
    while waiting:
        for node in ast.walk(ast.parse(waiting.pop().read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom) and "sgd_valleys" in ast.unparse(node):
                exec(compile(ast.Module([node], []), "import", "exec"), {})
        loaded = {Path(m.__file__) for name, m in sys.modules.items() if name.startswith("sgd_valleys.") and m.__file__}
        new = {path for path in loaded if path.name != "__init__.py"} - found
        found |= new
        waiting += new
    return found


def _answer() -> None:
    request = json.load(sys.stdin)
    for name in LARGE:
        importlib.import_module(name)
    for name, paths in request.items():
        pid = os.fork()
        if not pid:
            code = 1
            try:
                files = [path for path in map(Path, paths) if path.is_relative_to(SOURCES)]
                found = {*files, *_import_all([Path(path) for path in paths])}
                print(json.dumps([name, sorted(os.path.relpath(path, ROOT) for path in found)]), flush=True)
                code = 0
            except BaseException:
                traceback.print_exc()
            os._exit(code)
        _, status = os.waitpid(pid, 0)
        if status:
            sys.exit(f"{name} cannot be imported")


if __name__ == "__main__":
    _answer()
