"""Where a result comes from: settings, version and revision of the code, libraries, checksum of the data, machine."""

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
    """Collect the attributes that record the origin of a result.

    Args:
        parameters: the resolved settings of the computation, with its seeds.
        data: the experiment's ``data.h5``, whose checksum is added.
    """
    versions = {NAME: code_version()} | library_versions()
    found = {"parameters": parameters, "git_revision": git_revision(), "versions": versions}
    if data is not None:
        found["data_sha256"] = hdf5.read_attributes(data)["data_sha256"]
    return found


def _source_root() -> Path | None:
    """Return the root of the project if this module lies in its ``src``, and None in an installed package."""
    package = Path(__file__).resolve().parents[1]
    root = package.parents[1]
    return root if package.parent.name == "src" and (root / "pyproject.toml").is_file() else None


@cache
def code_version() -> str:
    """Return the version of the code that runs, "unknown" for a copy of the package without its metadata."""
    root = _source_root()
    if root:  # another version may be installed beside
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        if project["name"] == NAME:
            return project["version"]
    place = str(Path(__file__).resolve().parents[2])
    return next((found.version for found in distributions(name=NAME, path=[place])), "unknown")


@cache
def git_revision() -> str:
    """Return the last commit of the code, "-dirty" with edits on top; "unknown" if the code is not its own checkout.

    The code's own checkout has this module under ``src`` and tracks it. An installed package inside the repository of
    another project is none, and the variables with which git is pointed at another repository are ignored. Only the
    library and the workflow count: a commit to the documentation changes no result's bytes.
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
    """Return the model of the processor and its architecture."""
    try:
        model = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:  # not Linux
        model = None
    names = [model[1].strip() if model else platform.processor(), platform.machine()]
    return ", ".join(dict.fromkeys(filter(None, names)))


def linear_algebra() -> dict[str, str]:
    """Return the kernels that each library of linear algebra loaded so far has chosen for this processor.

    The choice decides how sums are rounded. It follows the processor, and variables such as ``OPENBLAS_CORETYPE``.

    Returns:
        kernels by name and version of the library, such as {"openblas 0.3.30": "SkylakeX"}.
    """
    found = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return {
        f"{library['internal_api']} {library['version']}": library.get("architecture") or "unknown"
        for library in sorted(found, key=lambda library: str(library["version"]))
    }
