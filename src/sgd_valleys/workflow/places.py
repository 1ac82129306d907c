"""Check that Snakemake can handle the paths of the checkout and of the Python environment.

The Makefile runs this module before packages are installed. The module therefore imports only the standard library
and ``errors``.
"""

import os
import sys
from pathlib import Path

from sgd_valleys.errors import UserError

# Snakemake passes the path of Python to a shell without quotes, and formats the paths of environments
MEANT_FOR_THE_SHELL = " \t\n\"'$&();<>|\\`{}"
MEANT_FOR_SNAKEMAKE = "{}"


def tell_jobs(root: Path) -> None:
    """Set PYTHONPATH and SGD_VALLEYS, which jobs and the scripts of profiles/slurm inherit.

    Jobs in any environment then import the library of the checkout. The entries of the user's PYTHONPATH follow.

    Args:
        root: folder of the checkout.
    """
    before = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys([str(root / "src"), *filter(None, before)]))
    os.environ["SGD_VALLEYS"] = str(root)


def check_environment(python: str | os.PathLike) -> None:
    """Refuse a Python environment from which Snakemake cannot start jobs.

    Args:
        python: path of the Python executable, or of the environment's folder.

    Raises:
        UserError: the path has white space or a special character of the shell or of Snakemake.
    """
    _refuse(
        f"VENV = {python}",
        MEANT_FOR_THE_SHELL,
        "without white space and special characters of the shell; choose another folder for the environment, for "
        "example `make preview VENV=/tmp/sgd-valleys`.",
    )


def check_checkout(root: Path) -> None:
    """Refuse a checkout whose path contains a wildcard of Snakemake.

    Raises:
        UserError: the path has a brace.
    """
    _refuse(
        f"checkout = {root}",
        MEANT_FOR_SNAKEMAKE,
        "without braces, which Snakemake reads as wildcards; rename the folder.",
    )


def _refuse(setting: str, characters: str, allowed: str) -> None:
    path = setting.partition(" = ")[2]
    if found := next((each for each in path if each in characters), None):
        raise UserError(f"{setting}: the path contains {found!r}; allowed are paths {allowed}")


if __name__ == "__main__":
    try:
        check_checkout(Path.cwd())
        check_environment(os.path.abspath(sys.argv[1]))
    except UserError as error:
        sys.exit(str(error))
