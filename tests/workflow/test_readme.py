"""The README's commands are of this version; its example in Python is run by test_guide.py."""

import re
import subprocess
import sys
import tomllib

from helpers.checkout import ROOT, Checkout

README = (ROOT / "README.md").read_text()


def test_pytorch_for_cpus_is_the_one_that_is_pinned() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    shown = re.search(r"^python3 -m pip .* install (.*) --index-url", README, re.M)[1].split()
    assert {pin.split("==")[0] for pin in shown} == {"torch", "torchvision"}
    assert set(shown) <= set(wanted)


def test_the_makespan_of_a_finished_run_is_planned_from_all_of_its_jobs(complete: Checkout) -> None:
    results = complete.root / "results"
    command = [sys.executable, "benchmarks/jobs.py", "--results", str(results), "--cores", "1"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True).stdout
    jobs = len(list((results / "benchmarks").rglob("*.tsv")))
    assert f"all: {jobs} jobs" in shown
    assert "median" in shown and re.search(r"worst order \d+ s, 1\.00$", shown)  # one core is never idle
