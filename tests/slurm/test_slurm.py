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


def wait_for_end(process: psutil.Process) -> None:
    """Wait until the first copy of a job has ended."""
    wait_until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, "the first copy ended")


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
    # training and curvature have ten minutes each, then both twice as long
    assert submissions(slurm, long_checkout) == ["FAILED 800M 20:00", "COMPLETED 1600M 40:00"]


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
    wait_for_end(first)
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
    assert (
        f"results/{name}: cannot be written (No space left on device), and no part of the file remains; "
        in ended.stdout
    )
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
    assert f"{name}: altered or damaged, since the checksum differs; " in ended.stdout
    path.unlink()
    finished.run(*PROFILE, target, cores=None)
    assert finished.results(".h5") == whole


def test_a_job_over_its_time_limit_is_tried_again_with_more_time(
    slurm: Slurm, overdue: tuple[Checkout, subprocess.Popen], undisturbed: dict[str, bytes]
) -> None:
    checkout, running = overdue
    ended = end_of(running)
    assert ended.returncode == 0, ended.stdout
    attempts = submissions(slurm, checkout)  # two on an idle machine
    last = len(attempts)
    assert last >= 2 and attempts[0] == "TIMEOUT 800M 1:00"
    assert attempts[-1] == f"COMPLETED {800 * last}M {last}:00"
    made = checkout.results(".h5")
    assert made == {name: undisturbed[name] for name in made} and LONG_RUN.removeprefix("results/") in made


def test_a_job_requeued_by_hand_runs_again_in_the_same_attempt(
    slurm: Slurm, long_checkout: Checkout, undisturbed: dict[str, bytes]
) -> None:
    running = long_checkout.start(*PROFILE, LONG_TARGET, cores=None)
    first = midway(long_checkout)
    number = job_of(first)
    subprocess.run(["scontrol", "requeue", str(number)], check=True)
    wait_for_end(first)
    second = midway(long_checkout, besides=(first.pid,))
    assert job_of(second) == number
    second.resume()
    ended = end_of(running)
    assert ended.returncode == 0, ended.stdout
    assert submissions(slurm, long_checkout) == ["COMPLETED 800M 20:00"]
    assert long_checkout.results() == undisturbed


def insert(checkout: Checkout, script: str, after: str, line: str) -> None:
    """Insert a line below another one of a script, with its indentation."""
    path = checkout.root / "workflow/scripts" / script
    (found,) = (each for each in path.read_text(encoding="utf-8").splitlines() if each.strip() == after)
    indent = found[: len(found) - len(found.lstrip())]
    path.write_text(path.read_text(encoding="utf-8").replace(found, f"{found}\n{indent}{line}"), encoding="utf-8")


def test_the_second_job_of_a_group_out_of_memory_is_tried_again_with_more(
    slurm: Slurm, checkout: Checkout, complete: Checkout
) -> None:
    # Slurm kills a step that exceeds its memory; here the job does so itself, since this Slurm has no control groups
    kill = "import os, signal; os.path.exists('killed') or (open('killed', 'w'), os.kill(os.getpid(), signal.SIGKILL))"
    insert(checkout, "curvature.py", "with job(snakemake) as log:", f"    {kill}")
    name = "mnist/curvature/eta0.02_B10_r0-1.h5"
    checkout.run(*PROFILE, f"results/{name}", cores=None)
    assert (checkout.root / "killed").exists()
    assert checkout.results(".h5").items() <= complete.results(".h5").items()
    states = submissions(slurm, checkout)
    assert [state.split()[0] for state in states] == ["COMPLETED", "FAILED", "COMPLETED"]  # the data come first
    assert [state.split()[1] for state in states[1:]] == ["800M", "1600M"]
    assert "Nothing to be done" in checkout.run(*PROFILE, f"results/{name}", cores=None)


@pytest.mark.parametrize("between", [True, False])
def test_outputs_of_a_failed_job_are_kept(slurm: Slurm, checkout: Checkout, between: bool) -> None:
    script = checkout.root / "workflow/scripts/record_configuration.py"
    text = script.read_text(encoding="utf-8")
    failure = "if __import__('os').path.exists('fail'): raise OSError('on purpose')\n"
    script.write_text(text + "    " * (2 if between else 1) + failure, encoding="utf-8")
    (checkout.root / "fail").touch()
    targets = ("results/config.yaml", "results/versions.yaml")
    ended = checkout.snakemake(*PROFILE, "--retries", "0", *targets, cores=None)
    assert ended.returncode != 0 and "on purpose" in ended.stdout
    assert [(checkout.root / target).exists() for target in targets] == [True, not between]
    (checkout.root / "fail").unlink()
    assert ("Nothing to be done" in checkout.run(*PROFILE, *targets, "--dry-run", cores=None)) == (not between)
    checkout.run(*PROFILE, *targets, cores=None)
    assert "Nothing to be done" in checkout.run(*PROFILE, *targets, cores=None)
    checkout.set({"seed": 7})  # which is noticed: Snakemake has notes on the files that were kept
    assert "Nothing to be done" not in checkout.run(*PROFILE, *targets, "--dry-run", cores=None)


def test_resources_on_the_command_line_and_another_directory(
    slurm: Slurm, checkout: Checkout, complete: Checkout
) -> None:
    elsewhere = checkout.root / "elsewhere"
    elsewhere.mkdir()
    for name in ("tests", "overlay.yaml"):
        (elsewhere / name).symlink_to(checkout.root / name)
    target = "results/two_valley/theory.h5"
    options = ("--default-resources", "mem_mb=700", "--directory", str(elsewhere))
    checkout.run(*options, *PROFILE, target, cores=None)
    assert (elsewhere / target).read_bytes() == complete.results()["two_valley/theory.h5"]
    assert list((elsewhere / ".snakemake/slurm").glob("*.log"))
    lines = slurm.jobs("-t", "all", "-o", "%T %m %l %Z")
    assert [line for line in lines if line.endswith(str(elsewhere))] == [f"COMPLETED 1000M 10:00 {elsewhere}"]
