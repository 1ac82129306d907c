"""How far a computation is: lines in a job's log, or a bar in the terminal of whoever runs it by hand."""

import logging
import sys
import time

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 5.0


class Progress:
    """Counts what is done of a total; call it with each amount as it is finished.

    Args:
        total: amount of the whole computation.
        unit: what is counted, in the plural.
        log: where a line is written every few seconds, with the amount, the speed and the time left;
            without one there is a bar on standard error, if that is a terminal.
    """

    def __init__(self, total: float, unit: str, log: logging.Logger | None = None) -> None:
        self.total, self.unit, self.log = total, unit, log
        self.done = 0.0
        self.start = self.last = time.monotonic()
        self.bar = None if log else tqdm(total=total, unit=f" {unit}", unit_scale=True, disable=not sys.stderr.isatty())

    def __call__(self, amount: float = 1) -> None:
        """Count ``amount`` more as done."""
        self.done += amount
        if self.bar is not None:
            self.bar.update(amount)
            return
        now = time.monotonic()
        if now - self.last >= SECONDS_BETWEEN_LINES:
            self.last = now
            speed = self.done / (now - self.start)
            left = (self.total - self.done) / speed
            share = self.done / self.total
            self.log.info(
                f"{self.unit} {self.done:,.0f} of {self.total:,.0f} ({share:.0%}), {speed:,.0f}/s, {left:.0f} s left"
            )
