"""On one machine: whatever is killed, the same command again gives the same files, bit for bit."""

import os
import signal

from helpers.checkout import LONG_TARGET, Checkout, end_of, midway


def test_a_training_job_killed_midway_is_run_again(long_checkout: Checkout, undisturbed: dict[str, bytes]) -> None:
    running = long_checkout.start(LONG_TARGET)
    midway(long_checkout).kill()
    ended = end_of(running)
    assert ended.returncode != 0
    assert "Error in rule train" in ended.stdout
    long_checkout.run(LONG_TARGET)
    assert long_checkout.results() == undisturbed  # nothing else lies there


def test_snakemake_killed_with_its_jobs_goes_on_once_unlocked(
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
