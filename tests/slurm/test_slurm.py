"""The workflow through profiles/slurm on a real Slurm of four nodes: the same files, bit for bit, whatever happens."""

import os
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator

import psutil
import pytest
from helpers.checkout import LONG_RUN, LONG_TARGET, Checkout, end_of, midway, wait_until
from helpers.slurm import Slurm, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"no Slurm can be started: {missing()}")
PROFILE = ("--workflow-profile", "profiles/slurm", "--latency-wait", "5")


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    with Slurm(tmp_path_factory.mktemp("slurm")) as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def overdue(
    slurm: Slurm, long_bare: Checkout, copy_of: Callable[[Checkout], Checkout]
) -> Iterator[tuple[Checkout, subprocess.Popen]]:
    """A job with a minute to run that hangs: the other tests go on meanwhile, on the other nodes."""
    checkout = copy_of(long_bare)
    running = checkout.start(*PROFILE, LONG_RUN, "--set-resources", "train:runtime=1", cores=None)
    try:
        midway(checkout)
        yield checkout, running
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)


def job_of(process: psutil.Process) -> int:
    """The number of the Slurm job that a process belongs to."""
    return int(process.environ()["SLURM_JOB_ID"])


def node_of(process: psutil.Process) -> str:
    return process.environ()["SLURMD_NODENAME"]


def submissions(slurm: Slurm, checkout: Checkout) -> list[str]:
    """State, memory and time limit of what was submitted from a checkout, in order."""
    lines = slurm.jobs("-t", "all", "-S", "i", "-o", "%T %m %l %Z")
    return [line.rpartition(" ")[0] for line in lines if line.endswith(f" {checkout.root}")]


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
    process.kill()
    ended = end_of(running)
    assert ended.returncode == 0, ended.stdout
    assert long_checkout.results() == undisturbed
    # training for an hour and curvature for half of one, then both for twice as long
    assert submissions(slurm, long_checkout) == ["FAILED 2500M 1:30:00", "COMPLETED 5000M 3:00:00"]


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


def test_a_controller_that_is_silent_for_a_while_is_waited_for(
    slurm: Slurm, long_checkout: Checkout, undisturbed: dict[str, bytes]
) -> None:
    running = long_checkout.start(*PROFILE, LONG_TARGET, cores=None)
    process = midway(long_checkout)
    slurm.stop_controller()
    known = long_checkout.root / ".snakemake" / "slurm-jobs"
    stopped = known.stat().st_mtime
    wait_until(lambda: known.stat().st_mtime > stopped + 5, "Snakemake has asked in vain")
    slurm.start_controller()
    process.resume()
    ended = end_of(running)
    assert ended.returncode == 0, ended.stdout
    assert len(submissions(slurm, long_checkout)) == 1
    assert long_checkout.results() == undisturbed


def test_a_full_disk_is_named_and_a_larger_one_is_enough(
    slurm: Slurm, complete: Checkout, checkout: Checkout, disk: Callable[[int], None]
) -> None:
    name = "mnist/train/eta0.02_B10_r0-1.h5"
    expected = complete.results(".h5")
    disk(len(expected["mnist/data.h5"]) // 1024 + 200)
    ended = checkout.snakemake(*PROFILE, "--retries", "0", f"results/{name}", cores=None)
    assert ended.returncode != 0
    assert f"results/{name} could not be written: No space left on device; nothing was kept of it." in ended.stdout
    disk(2**16)
    checkout.run(*PROFILE, f"results/{name}", cores=None)
    assert checkout.results(".h5") == {each: expected[each] for each in ("mnist/data.h5", name)}


def test_a_damaged_file_is_named_and_comes_back_once_deleted(slurm: Slurm, finished: Checkout) -> None:
    name, target = "results/mnist/train/eta0.02_B10_r0-1.h5", "results/mnist/freezing.h5"
    finished.detach(name)
    path, whole = finished.root / name, finished.results(".h5")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    ended = finished.snakemake(*PROFILE, "--retries", "0", target, cores=None)
    assert ended.returncode != 0
    assert f"{name} is not what was written (its checksum differs): delete it and run again." in ended.stdout
    path.unlink()
    finished.run(*PROFILE, target, cores=None)
    assert finished.results(".h5") == whole


def test_a_job_over_its_time_limit_is_tried_again_with_more_time(
    slurm: Slurm, overdue: tuple[Checkout, subprocess.Popen], undisturbed: dict[str, bytes]
) -> None:
    checkout, running = overdue
    ended = end_of(running)
    assert ended.returncode == 0, ended.stdout
    assert submissions(slurm, checkout) == ["TIMEOUT 2500M 1:00", "COMPLETED 5000M 2:00"]
    made = checkout.results(".h5")
    assert made == {name: undisturbed[name] for name in made} and LONG_RUN.removeprefix("results/") in made
