"""After a kill or a full disk, the same command gives the same files, bit for bit."""

import io
import os
import signal
from collections.abc import Callable

import h5py
import pytest
from helpers.checkout import LONG_RUN, LONG_TARGET, Checkout, end_of, midway, wait_until

pytestmark = pytest.mark.slow


def test_a_training_job_killed_midway_is_run_again(long_checkout: Checkout, undisturbed: dict[str, bytes]) -> None:
    running = long_checkout.start(LONG_TARGET)
    midway(long_checkout).kill()
    ended = end_of(running)
    assert ended.returncode != 0
    assert "Error in rule train" in ended.stdout
    long_checkout.run(LONG_TARGET)
    assert long_checkout.results() == undisturbed  # nothing else lies there


def test_snakemake_killed_with_its_jobs_resumes_once_unlocked(
    long_checkout: Checkout, undisturbed: dict[str, bytes]
) -> None:
    running = long_checkout.start(LONG_TARGET)
    midway(long_checkout)
    os.killpg(running.pid, signal.SIGKILL)
    end_of(running)
    refused = long_checkout.snakemake(LONG_TARGET)
    assert refused.returncode != 0
    assert "--unlock" in refused.stdout
    long_checkout.run("--unlock")
    long_checkout.run(LONG_TARGET)
    assert long_checkout.results() == undisturbed


def test_a_second_snakemake_is_refused_and_the_first_goes_on(
    long_checkout: Checkout, undisturbed: dict[str, bytes]
) -> None:
    running = long_checkout.start(LONG_TARGET)
    process = midway(long_checkout)
    second = long_checkout.snakemake(LONG_TARGET)
    assert second.returncode != 0
    assert "Directory cannot be locked" in second.stdout
    process.resume()
    assert end_of(running).returncode == 0
    assert long_checkout.results() == undisturbed


def arrays(content: bytes) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    """Type, shape and bytes of every array of an HDF5 file."""
    with h5py.File(io.BytesIO(content)) as file:
        return {name: (array.dtype.str, array.shape, array[()].tobytes()) for name, array in file.items()}


def test_a_killed_job_resumes_from_its_saved_state(long_checkout: Checkout, undisturbed: dict[str, bytes]) -> None:
    module = long_checkout.root / "src/sgd_valleys/training/resume.py"
    text = module.read_text(encoding="utf-8")
    assert "SECONDS = 300.0" in text
    module.write_text(text.replace("SECONDS = 300.0", "SECONDS = 0.0"), encoding="utf-8")
    running = long_checkout.start(LONG_TARGET)
    process = midway(long_checkout)
    process.resume()
    wait_until(lambda: list(long_checkout.root.glob("results/mnist/train/.*.resume")), "a state is saved")
    process.kill()
    assert end_of(running).returncode != 0
    long_checkout.run(LONG_TARGET)
    log = long_checkout.root / LONG_RUN.replace("results/", "results/logs/").replace(".h5", ".log")
    assert "resuming from" in log.read_text(encoding="utf-8")
    found, train = long_checkout.results(), LONG_RUN.removeprefix("results/")
    # the training file names the edited code among its attributes
    assert arrays(found.pop(train)) == arrays(undisturbed[train])
    assert found == {name: content for name, content in undisturbed.items() if name != train}


def test_a_full_disk_is_named_and_a_larger_one_is_enough(
    complete: Checkout, checkout: Checkout, disk: Callable[[int], None]
) -> None:
    name = "mnist/train/eta0.02_B10_r0-1.h5"
    expected = complete.results(".h5")
    sentence = "results/{}: cannot be written (No space left on device), and no part of the file remains; "
    for size, failing in ((64, "mnist/data.h5"), (len(expected["mnist/data.h5"]) // 1024 + 200, name)):
        disk(size)
        ended = checkout.snakemake(f"results/{name}")
        assert ended.returncode != 0 and "Traceback" not in ended.stdout, ended.stdout
        assert not list((checkout.root / "results").rglob("*.part"))
        assert sentence.format(failing) in ended.stdout
        assert failing not in checkout.results()
    disk(2**16)
    checkout.run(f"results/{name}")
    assert checkout.results(".h5") == {each: expected[each] for each in ("mnist/data.h5", name)}
