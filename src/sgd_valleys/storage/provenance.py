"""Where a result comes from: settings, revision of the code, versions of the libraries, checksum of the data."""

import os
import platform
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sgd_valleys.storage import hdf5

LIBRARIES = ("numpy", "scipy", "h5py", "numba", "torch", "torchvision", "scikit-learn")


def attributes(parameters: Mapping[str, Any], data: str | os.PathLike | None = None) -> dict[str, Any]:
    """Collect the attributes that record the origin of a result.

    Args:
        parameters: the resolved settings of the computation, with its seeds.
        data: the experiment's ``data.h5``, whose checksum is added.
    """
    found = {"parameters": parameters, "git_revision": git_revision(), "versions": library_versions()}
    if data is not None:
        found["data_sha256"] = hdf5.read_attributes(data)["data_sha256"]
    return found


@cache
def git_revision() -> str:
    """Return the last commit of the code, "-dirty" with edits on top; "unknown" outside a checkout.

    Only the library and the workflow count: a commit to the documentation changes no result's bytes.
    """
    code = ["--", "src", "workflow"]
    try:
        top = _git(Path(__file__).parent, "rev-parse", "--show-toplevel")
        commit = _git(top, "log", "-1", "--format=%H", *code)
        return f"{commit}-dirty" if _git(top, "status", "--porcelain", *code) else commit
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(folder: str | os.PathLike, *command: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *command], capture_output=True, encoding="utf-8", check=True)
    return done.stdout.strip()


@cache
def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries on which results depend."""
    return {"python": platform.python_version()} | {library: version(library) for library in LIBRARIES}
