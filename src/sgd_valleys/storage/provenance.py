"""The provenance of a result: settings, version and revision of the code, libraries, data and machine."""

import os
import platform
import re
import subprocess
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

from sgd_valleys.storage import hdf5

NAME = "sgd-valleys"
LIBRARIES = ("numpy", "scipy", "h5py", "numba", "torch", "torchvision", "scikit-learn")


def attributes(parameters: Mapping[str, Any], data: str | os.PathLike | None = None) -> dict[str, Any]:
    """Collect the attributes that record the provenance of a result.

    Args:
        parameters: resolved settings of the computation, with its seeds.
        data: the file ``data.h5`` of the experiment, whose checksum is added; None adds none.
    """
    versions = {NAME: code_version()} | library_versions()
    found = {"parameters": parameters, "git_revision": git_revision(), "versions": versions}
    if data is not None:
        found["data_sha256"] = hdf5.read_attributes(data)["data_sha256"]
    return found


def _source_root() -> Path | None:
    """Return the root of the project if this module is in its ``src``; None for an installed package."""
    package = Path(__file__).resolve().parents[1]
    root = package.parents[1]
    return root if package.parent.name == "src" and (root / "pyproject.toml").is_file() else None


@cache
def code_version() -> str:
    """Return the version of the running code; "unknown" for a package without metadata."""
    root = _source_root()
    if root:  # another version may be installed at the same time
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        if project["name"] == NAME:
            return project["version"]
    place = str(Path(__file__).resolve().parents[2])
    return next((found.version for found in distributions(name=NAME, path=[place])), "unknown")


@cache
def git_revision() -> str:
    """Return the last commit of the code, with "-dirty" for uncommitted changes; "unknown" outside a checkout.

    A checkout of this project tracks this module under ``src``. An installed package inside the repository of another
    project is not a checkout. Environment variables that point git to another repository are ignored. Only commits to
    the library and the workflow count, so that a commit to the documentation does not change the bytes of results.
    """
    root, code = _source_root(), ["--", "src", "workflow"]
    if root is None:
        return "unknown"
    try:
        if Path(_git(root, "rev-parse", "--show-toplevel")).resolve() != root:
            return "unknown"
        _git(root, "ls-files", "--error-unmatch", "--", str(Path(__file__).resolve().relative_to(root)))
        commit = _git(root, "log", "-1", "--format=%H", *code)
        edited = _git(root, "status", "--porcelain", "--untracked-files=normal", *code)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{commit}-dirty" if commit and edited else commit or "unknown"


def _git(folder: Path, *command: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", "--no-optional-locks", "-C", str(folder), *command],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        check=True,
    )
    return done.stdout.strip()


@cache
def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries on which results depend."""
    return {"python": platform.python_version()} | {library: version(library) for library in LIBRARIES}


def processor() -> str:
    """Return the model and the architecture of the processor."""
    try:
        model = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:  # not Linux
        model = None
    names = [model[1].strip() if model else platform.processor(), platform.machine()]
    return ", ".join(dict.fromkeys(filter(None, names)))


def linear_algebra() -> dict[str, str]:
    """Return the kernels that the loaded linear-algebra libraries use on this processor.

    The kernels determine the rounding of sums. They depend on the processor and on environment variables such as
    ``OPENBLAS_CORETYPE``.

    Returns:
        kernels by name and version of the library, such as {"openblas 0.3.30": "SkylakeX"}.
    """
    found = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return {
        f"{library['internal_api']} {library['version']}": library.get("architecture") or "unknown"
        for library in sorted(found, key=lambda library: str(library["version"]))
    }
