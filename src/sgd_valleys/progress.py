"""Progress of a computation: lines in the log of a job, or a progress bar in a terminal."""

import logging
import sys
import time

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 5.0


class Progress:
    """Count the finished part of a computation.

    Args:
        total: amount of the whole computation, in ``unit``.
        unit: name of the counted unit, in the plural.
        log: receives a line every few seconds with the finished amount, the speed and the remaining time. None draws a
            progress bar on standard error, if standard error is a terminal.
    """

    def __init__(self, total: float, unit: str, log: logging.Logger | None = None) -> None:
        self.total, self.unit, self.log = total, unit, log
        self.done = 0.0
        self.start = self.last = time.monotonic()
        self.bar = None if log else tqdm(total=total, unit=f" {unit}", unit_scale=True, disable=not sys.stderr.isatty())

    def __call__(self, amount: float = 1) -> None:
        """Count ``amount`` as finished."""
        self.done += amount
        if self.bar is not None:
            self.bar.update(amount)
            return
        now = time.monotonic()
        if self.log is not None and now - self.last >= SECONDS_BETWEEN_LINES:
            self.last = now
            speed = self.done / (now - self.start)
            left = (self.total - self.done) / speed
            share = self.done / self.total
            self.log.info(
                f"{self.unit} {self.done:,.0f} of {self.total:,.0f} ({share:.0%}), {speed:,.0f}/s, {left:.0f} s left"
            )
