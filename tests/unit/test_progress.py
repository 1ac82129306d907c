"""A job logs its progress often enough, and not too often."""

import logging

import pytest

from sgd_valleys import progress


@pytest.mark.parametrize("seconds", [0.003, 1.0, 4.9])
def test_a_job_logs_at_least_every_10_seconds(
    seconds: float, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock, heard = 0.0, [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock)
    caplog.set_level(logging.INFO)
    steps = int(60 / seconds)
    report = progress.Progress(steps, "samples", logging.getLogger("sgd_valleys.test"))
    for _ in range(steps):
        clock += seconds
        report()
        heard += [clock] * len(caplog.records)
        caplog.clear()
    gaps = [later - earlier for earlier, later in zip(heard, [*heard[1:], clock], strict=True)]
    assert max(gaps) <= 10
    assert len(heard) < 15
