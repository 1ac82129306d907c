"""The plan is printed before the first job and in a dry run, and its disk is that of the files."""

import re
import subprocess
import sys
from pathlib import Path

from helpers.checkout import ROOT, Checkout

PLAN = "Estimate for"


def test_the_plan_stands_before_each_table_of_a_dry_run(checkout: Checkout) -> None:
    shown = checkout.run("--dry-run")
    count = int(re.search(rf"{PLAN} (\d+) jobs", shown).group(1))
    assert count == int(re.search(r"^total +(\d+)$", shown, re.M).group(1)) - 1  # rule all makes no file
    assert shown.count(PLAN) == shown.count("Job stats:") == 2
    assert "core time" in shown and "GB are free" in shown
    assert "by estimate" not in shown  # no warning


def test_the_plan_is_printed_once_before_the_first_job_and_for_what_is_still_to_be_run(checkout: Checkout) -> None:
    target = "results/two_valley/phase_diagram/H/eta0.01.h5"
    shown = checkout.run(target)
    assert shown.count(PLAN) == 1 and f"{PLAN} 1 job," in shown
    assert shown.index(PLAN) < shown.index("rule phase_row:")
    assert PLAN not in checkout.run(target)  # nothing is to be done


def test_only_runs_have_a_plan(checkout: Checkout) -> None:
    for arguments in (["--summary"], ["--list-rules"], ["--dry-run", "--quiet"], ["--rulegraph"]):
        assert PLAN not in checkout.run(*arguments), arguments


def test_a_limit_below_the_estimate_is_named_with_its_setting(checkout: Checkout) -> None:
    shown = checkout.run("--dry-run", "--set-resources", "train:mem_mb=50", "branch:runtime=0")
    assert re.search(r"mem_mb = 50: rule train, results/\S+ needs \d+ MB by estimate; allow more", shown)
    assert re.search(r"runtime = 0: rule branch, .*or change branches\.t_c", shown)


def test_estimates_of_a_finished_run_are_compared_with_its_files_and_times(complete: Checkout) -> None:
    results = complete.root / "results"
    command = [sys.executable, ROOT / "benchmarks" / "costs.py", results, "--by-rule"]
    shown = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, cwd=ROOT).stdout
    rows = {line.split()[0]: line.split()[1:] for line in shown.splitlines()[1:]}
    assert int(rows["train"][0]) == len(list(results.glob("*/train/*.h5")))
    assert int(rows["all"][0]) == len(list((results / "benchmarks").rglob("*.tsv")))


def test_processor_time_between_samples_is_extrapolated(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks" / "mnist" / "train" / "eta0.05_B50_r0-19.tsv"
    path.parent.mkdir(parents=True)
    path.write_text("s\tmax_rss\tcpu_time\n100\t512\t40\n", encoding="utf-8")  # the last sample was after 75.5 s
    command = [sys.executable, ROOT / "benchmarks" / "costs.py", tmp_path, "--gflops", "95"]
    shown = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, cwd=ROOT).stdout
    (row,) = [line.split() for line in shown.splitlines() if line.startswith("training")]
    assert row[1] == "1" and row[3] == f"{40 * 100 / 75.5:.0f}" and row[-1] == "512"
    assert 10 < float(row[2]) < 40  # twice that of a core of 190 GFLOP/s
