"""Copies of a finished run: equal content and equal settings cause no job, whatever the places and the time stamps."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.checkout import ROOT, Checkout

MINUTE = 60 * 10**9


def shuffle_stamps(checkout: Checkout) -> None:
    """Give the HDF5 files time stamps in a random order."""
    paths = sorted(checkout.root.rglob("*.h5"))
    random.Random(0).shuffle(paths)
    for number, path in enumerate(paths, 1):
        now = path.stat().st_mtime_ns
        os.utime(path, ns=(now, now - number * MINUTE))


def limit(checkout: Checkout, size: str) -> None:
    """Let the default profile compare files up to a size by content."""
    profile = checkout.root / "profiles/default/profile.yaml"
    text = profile.read_text(encoding="utf-8")
    profile.write_text(text.replace("file-size: 1TB", f"file-size: {size}"), encoding="utf-8")


def test_time_stamps_of_results_cause_nothing_up_to_the_size_limit(finished: Checkout) -> None:
    finished.detach()
    shuffle_stamps(finished)
    assert max(path.stat().st_size for path in finished.root.rglob("*.h5")) > 10**6  # Snakemake's own limit
    assert finished.plan() == {}
    limit(finished, "1kB")
    assert "curvature" in finished.plan()


def test_results_in_another_folder_are_up_to_date(finished: Checkout) -> None:
    deeper = finished.root / "one" / "folder deeper"
    deeper.mkdir(parents=True)
    for name in ("results", ".snakemake"):
        (finished.root / name).rename(deeper / name)
    assert finished.plan("--directory", str(deeper)) == {}
    page = deeper / "report.html"
    finished.run("--directory", str(deeper), "--report", str(page))
    style = (ROOT / "workflow/report/style.css").read_text(encoding="utf-8").splitlines()[0]
    shown = page.read_text(encoding="utf-8")
    assert style in shown or json.dumps(style)[1:-1] in shown


@pytest.mark.parametrize("linked", ["Snakefile", "."])
def test_a_workflow_through_a_link_is_the_same_workflow(finished: Checkout, tmp_path: Path, linked: str) -> None:
    (tmp_path / "link").symlink_to(finished.root / linked)
    snakefile = tmp_path / "link" / "Snakefile" if linked == "." else tmp_path / "link"
    assert finished.plan("--snakefile", str(snakefile)) == {}


def adopt(checkout: Checkout) -> subprocess.CompletedProcess:
    """Run `make adopt` with the environment of the tests."""
    command = ["make", "--file", str(ROOT / "Makefile"), "--assume-old", f"{sys.prefix}/.ready", "adopt"]
    command.append(f"VENV={sys.prefix}")
    return subprocess.run(
        command, cwd=checkout.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    )


def test_results_without_notes_are_adopted_and_later_edits_are_noticed(finished: Checkout) -> None:
    finished.detach()
    shutil.rmtree(finished.root / ".snakemake")
    shuffle_stamps(finished)
    assert finished.plan() != {}
    before = finished.results()
    ended = adopt(finished)
    assert ended.returncode == 0, ended.stdout
    assert finished.results() == before
    assert finished.plan() == {}
    shuffle_stamps(finished)
    assert finished.plan() == {}
    finished.set({"figures": {"fig1": {"point_color": "#D55E00"}}})
    finished.edit_code("src/sgd_valleys/figures/fig2.py")
    assert set(finished.plan()) == {"fig1", "fig2", "fig2X"}


def test_a_damaged_copy_is_not_adopted(finished: Checkout) -> None:
    name = "results/mnist/jaccard.h5"
    finished.detach(name)
    shutil.rmtree(finished.root / ".snakemake")
    content = bytearray((finished.root / name).read_bytes())
    content[len(content) // 2] ^= 1
    (finished.root / name).write_bytes(content)
    ended = adopt(finished)
    assert ended.returncode != 0 and name in ended.stdout
    assert "--touch" not in ended.stdout
