"""Where the workflow and its environment are: paths that Snakemake cannot handle are refused before anything else.

The Makefile runs this module with a bare Python: it imports nothing but the standard library and ``errors``.
"""

import os
import sys
from pathlib import Path

from sgd_valleys.errors import UserError

# Snakemake starts a job's Python through a shell without quotes, and formats the paths of environments
MEANT_FOR_THE_SHELL = " \t\n\"'$&();<>|\\`{}"
MEANT_FOR_SNAKEMAKE = "{}"


def tell_jobs(root: Path) -> None:
    """Let jobs import the library of a checkout, in any environment, and profiles/slurm find its scripts.

    Modules that the user's PYTHONPATH names stay within reach.
    """
    before = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys([str(root / "src"), *filter(None, before)]))
    os.environ["SGD_VALLEYS"] = str(root)


def check_environment(python: str | os.PathLike) -> None:
    """Refuse a Python environment, by the path of its Python or of its folder, from which jobs cannot start.

    Raises:
        UserError: the path has a character with a meaning for the shell.
    """
    _refuse(
        f"VENV = {python}",
        MEANT_FOR_THE_SHELL,
        "Snakemake cannot start jobs from there: choose another folder for the environment, as in "
        "`make preview VENV=/tmp/sgd-valleys`; the checkout may stay where it is.",
    )


def check_checkout(root: Path) -> None:
    """Refuse a folder of the workflow that Snakemake takes for a pattern.

    Raises:
        UserError: the path has a brace.
    """
    _refuse(f"checkout = {root}", MEANT_FOR_SNAKEMAKE, "Snakemake reads braces as wildcards: rename the folder.")


def _refuse(setting: str, characters: str, consequence: str) -> None:
    path = setting.partition(" = ")[2]
    if found := next((each for each in path if each in characters), None):
        raise UserError(f"{setting}: the path contains {found!r}; {consequence}")


if __name__ == "__main__":
    try:
        check_checkout(Path.cwd())
        check_environment(os.path.abspath(sys.argv[1]))
    except UserError as error:
        sys.exit(str(error))
