"""A checkout in a path with odd characters works, or is refused before anything is installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.checkout import ROOT, Checkout

from sgd_valleys.errors import UserError
from sgd_valleys.workflow.places import check_checkout, check_environment


def test_a_checkout_with_odd_characters_works_with_an_environment_elsewhere(bare: Checkout, tmp_path: Path) -> None:
    checkout = bare.copy(tmp_path / "My Documents (b) & 'c' $x")
    target = "results/two_valley/theory.h5"
    checkout.run(target)
    assert (checkout.root / target).exists()


@pytest.mark.parametrize("folder", ["My Documents", "a{b}"])
def test_make_refuses_before_anything_is_installed(tmp_path: Path, folder: str) -> None:
    checkout = tmp_path / folder
    checkout.mkdir()
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "src"):
        if (ROOT / name).exists():
            (checkout / name).symlink_to(ROOT / name)
    command = ["make", "preview", f"PYTHON={sys.executable}"]
    ended = subprocess.run(command, cwd=checkout, capture_output=True, encoding="utf-8", env=os.environ)
    character = "' '" if " " in folder else "'{'"
    assert ended.returncode != 0 and f"{checkout}" in ended.stderr and f"contains {character}" in ended.stderr
    assert "Traceback" not in ended.stderr and not (checkout / ".venv").exists()


def test_the_workflow_refuses_an_environment_from_which_no_job_starts(checkout: Checkout, tmp_path: Path) -> None:
    python = tmp_path / "a b" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(os.path.realpath(sys.executable))
    (python.parents[1] / "pyvenv.cfg").write_text(
        (Path(sys.prefix) / "pyvenv.cfg").read_text(encoding="utf-8"), encoding="utf-8"
    )
    (python.parents[1] / "lib").symlink_to(Path(sys.prefix) / "lib")
    command = [python, "-m", "snakemake", *checkout.arguments("--dry-run")]
    ended = subprocess.run(command, cwd=checkout.root, capture_output=True, encoding="utf-8")
    assert ended.returncode != 0 and f"VENV = {python}: the path contains ' '" in ended.stdout


@pytest.mark.parametrize("character", list("\"'$&();|\\`{"))
def test_characters_of_the_shell_are_refused_in_the_path_of_an_environment(character: str) -> None:
    with pytest.raises(UserError, match="the path contains"):
        check_environment(f"/home/a{character}b/.venv")


def test_other_characters_are_not_refused() -> None:
    check_environment("/home/ünï-1_2.3+4=5,6@7:8%9/.venv")
    check_checkout(Path("/home/My Documents (b) & 'c' $x"))
