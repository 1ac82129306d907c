"""The workflow through profiles/slurm on a real Slurm of four nodes: the same files, bit for bit, whatever happens."""

import os
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator

import psutil
import pytest
from cluster import Slurm, missing
from conftest import LONG_RUN, LONG_TARGET, Checkout, end_of, midway, wait_until

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"no Slurm can be started: {missing()}")
PROFILE = ("--workflow-profile", "profiles/slurm", "--latency-wait", "5")


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    with Slurm(tmp_path_factory.mktemp("slurm")) as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def overdue(
    slurm: Slurm, long_bare: Checkout, copy_of: Callable[[Checkout], Checkout]
) -> Iterator[tuple[Checkout, subprocess.Popen, int]]:
    """A job with a minute to run that hangs: the other tests go on meanwhile, on the other nodes."""
    checkout = copy_of(long_bare)
    running = checkout.start(*PROFILE, LONG_RUN, "--set-resources", "train:runtime=1", cores=None)
    try:
        yield checkout, running, job_of(midway(checkout))
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)


def job_of(process: psutil.Process) -> int:
    """The number of the Slurm job that a process belongs to."""
    return int(process.environ()["SLURM_JOB_ID"])


def node_of(process: psutil.Process) -> str:
    return process.environ()["SLURMD_NODENAME"]


def test_the_files_are_those_of_a_run_on_two_cores(
    slurm: Slurm, complete: Checkout, checkout: Checkout, capsys: pytest.CaptureFixture
) -> None:
    before = set(slurm.jobs())
    checkout.run(*PROFILE, cores=None)
    assert checkout.results() == complete.results()
    nodes = Counter(line.split()[2] for line in set(slurm.jobs()) - before)
    with capsys.disabled():
        print(f"\njobs on each node: {dict(sorted(nodes.items()))}", end=" ")
    assert len(nodes) >= 3
    assert "Nothing to be done" in checkout.run(*PROFILE, cores=None)


def test_a_job_killed_midway_is_tried_again_with_more(
    slurm: Slurm, long_checkout: Checkout, undisturbed: dict[str, bytes]
) -> None:
    running = long_checkout.start(*PROFILE, LONG_TARGET, cores=None)
    process = midway(long_checkout)
    first = job_of(process)
    process.kill()
    ended = end_of(running)
    assert ended.returncode == 0, ended.stdout
    assert long_checkout.results() == undisturbed
    asked = dict(line.split(maxsplit=1) for line in slurm.jobs("-t", "all", "-o", "%i %m %l"))
    assert asked[str(first)] == "2500M 1:30:00"  # training for an hour, curvature for half of one
    assert asked[max(asked, key=int)] == "5000M 3:00:00"


def test_a_job_of_a_dead_node_may_run_twice_at_once(
    slurm: Slurm, long_checkout: Checkout, undisturbed: dict[str, bytes]
) -> None:
    running = long_checkout.start(*PROFILE, LONG_TARGET, cores=None)
    first = midway(long_checkout)
    node = node_of(first)
    slurm.kill_node(node)
    second = midway(long_checkout, besides=(first.pid,))
    assert job_of(second) == job_of(first)  # Slurm itself has put it on another node
    assert node_of(second) != node
    assert first.is_running()
    first.resume()
    second.resume()
    ended = end_of(running)
    assert ended.returncode == 0, ended.stdout
    wait_until(lambda: not first.is_running() or first.status() == psutil.STATUS_ZOMBIE, "the first copy ended")
    assert long_checkout.results() == undisturbed  # no half file of either is left
    slurm.start_node(node)


def test_snakemake_killed_goes_on_once_unlocked_though_its_jobs_live(
    slurm: Slurm, long_checkout: Checkout, undisturbed: dict[str, bytes]
) -> None:
    running = long_checkout.start(*PROFILE, LONG_TARGET, cores=None)
    process = midway(long_checkout)
    second = long_checkout.snakemake(*PROFILE, LONG_TARGET, cores=None)
    assert second.returncode != 0
    assert "Directory cannot be locked" in second.stdout
    os.killpg(running.pid, signal.SIGKILL)
    process.resume()
    long_checkout.run(*PROFILE, "--unlock", cores=None)
    long_checkout.run(*PROFILE, LONG_TARGET, cores=None)
    assert long_checkout.results() == undisturbed


def test_a_cancelled_job_is_noticed(slurm: Slurm, long_checkout: Checkout, undisturbed: dict[str, bytes]) -> None:
    running = long_checkout.start(*PROFILE, LONG_TARGET, cores=None)
    subprocess.run(["scancel", str(job_of(midway(long_checkout)))], check=True)
    ended = end_of(running)
    assert ended.returncode == 0, ended.stdout
    assert long_checkout.results() == undisturbed


def test_a_job_over_its_time_limit_is_tried_again_with_more_time(
    slurm: Slurm, overdue: tuple[Checkout, subprocess.Popen, int], undisturbed: dict[str, bytes]
) -> None:
    checkout, running, first = overdue
    ended = end_of(running)
    assert ended.returncode == 0, ended.stdout
    (line,) = slurm.jobs("-t", "all", "-j", str(first), "-o", "%T %l")
    assert line == "TIMEOUT 1:00"
    assert f"{LONG_RUN}" in ended.stdout and "2:00" in slurm.jobs("-t", "all", "-o", "%l")
    made = checkout.results(".h5")
    assert made == {name: undisturbed[name] for name in made} and LONG_RUN.removeprefix("results/") in made
