"""Print the estimated core time, memory and disk, with warnings, before Snakemake runs jobs."""

import logging
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sgd_valleys.workflow.costs import REFERENCE, Cost
from sgd_valleys.workflow.stage_costs import SETTINGS, stage_of


@dataclass(frozen=True)
class PlannedJob:
    """A job that Snakemake is about to run.

    Attributes:
        rule: name of the rule.
        output: first output file; empty if the job has none.
        cost: estimated cost.
        minutes: time limit, in min; None without a limit.
        mb: memory limit, in MB; None without a limit.
    """

    rule: str
    output: str
    cost: Cost
    minutes: float | None = None
    mb: float | None = None

    @property
    def where(self) -> str:
        """Rule and output of the job, for a message."""
        return f"rule {self.rule}, {self.output}" if self.output else f"rule {self.rule}"

    @property
    def remedy(self) -> str:
        """Advice on how to make the job shorter or smaller, for a message."""
        return f"change {SETTINGS[self.rule]}" if self.rule in SETTINGS else "make the sweep smaller"


def describe(jobs: Sequence[PlannedJob], free: int) -> str:
    """Describe the cost of jobs in several lines.

    Args:
        jobs: jobs to run, at least one.
        free: free space on the disk of the results, in bytes.
    """
    hours: dict[str, float] = defaultdict(float)
    for job in jobs:
        hours[stage_of(job.rule)] += job.cost.seconds / 3600
    stages = sorted(hours.items(), key=lambda item: -item[1])
    shown = [f"{stage} {format_hours(time)}" for stage, time in stages if time >= 0.01 * sum(hours.values())]
    largest = max(jobs, key=lambda job: job.cost.mb)
    longest = max(jobs, key=lambda job: job.cost.seconds)
    count = f"{len(jobs)} job{'s' * (len(jobs) > 1)}"
    return "\n".join(
        [
            f"Estimate for {count}, on CPU cores of {REFERENCE / 1e9:.0f} GFLOP/s in float32:",
            f"    core time: {format_hours(sum(hours.values()))}",
            f"        {', '.join(shown)}",
            f"    longest job: {longest.cost.minutes:.1f} min ({longest.where})",
            f"    largest memory of a job: {largest.cost.mb / 1000:.1f} GB ({largest.where})",
            f"    disk: {sum(job.cost.disk for job in jobs) / 1e9:.1f} GB of results; {free / 1e9:.1f} GB are free",
        ]
    )


def format_hours(hours: float) -> str:
    """Format a time given in h: in h from 1 h on, else in min."""
    return f"{hours:.1f} h" if hours >= 1 else f"{60 * hours:.0f} min" if hours >= 1 / 6 else f"{60 * hours:.1f} min"


def warnings(jobs: Sequence[PlannedJob], free: int, folder: str, machine_mb: float | None) -> Iterator[str]:
    """Yield a sentence for each kind of limit that the estimates exceed, with the setting to change.

    The limits are free disk space, memory of this machine, and the jobs' limits of time and memory.

    Args:
        jobs: jobs to run, at least one.
        free: free space on the disk of the results, in bytes.
        folder: folder of the results.
        machine_mb: memory of this machine, in MB; None if other machines run the jobs.
    """
    needed = sum(job.cost.disk for job in jobs)
    if needed > free:
        yield (
            f"results = {folder}: the results need {needed / 1e9:.1f} GB by estimate; {free / 1e9:.1f} GB are free; "
            "choose a folder on another disk, or keep fewer checkpoints (recording.points, recording.checkpoints)."
        )
    largest = max(jobs, key=lambda job: job.cost.mb)
    if machine_mb is not None and largest.cost.mb > machine_mb:
        yield (
            f"{largest.where}: the job needs {largest.cost.mb / 1000:.1f} GB of memory by estimate; this machine has "
            f"{machine_mb / 1000:.1f} GB; {largest.remedy}."
        )
    kinds: Sequence[tuple[str, str, Callable[[PlannedJob], float], Callable[[PlannedJob], float | None]]] = (
        ("runtime", "min", lambda job: job.cost.minutes, lambda job: job.minutes),
        ("mem_mb", "MB", lambda job: job.cost.mb, lambda job: job.mb),
    )
    for resource, unit, cost, limit in kinds:
        limits = [(job, most) for job in jobs if (most := limit(job)) is not None]
        worst, most = max(limits, key=lambda pair: cost(pair[0]) / max(pair[1], 1e-9), default=(None, 0.0))
        if worst is not None and cost(worst) > most:
            yield (
                f"{resource} = {most:.0f}: {worst.where} needs {cost(worst):.0f} {unit} by estimate; "
                f"allow more with --set-resources {worst.rule}:{resource}={3 * cost(worst):.0f}, or {worst.remedy}."
            )


def free_bytes(folder: str | Path) -> int:
    """Return the free space on the disk of a folder, in bytes; the folder need not exist."""
    path = Path(folder).resolve()
    return shutil.disk_usage(next(each for each in (path, *path.parents) if each.exists())).free


def messages(jobs: Sequence[PlannedJob], folder: str, machine_mb: float | None) -> list[tuple[int, str]]:
    """Return (logging level, text) of the plan and its warnings; empty without jobs. See :func:`warnings`."""
    if not jobs:
        return []
    free = free_bytes(folder)
    found = warnings(jobs, free, folder, machine_mb)
    return [(logging.INFO, describe(jobs, free)), *((logging.WARNING, sentence) for sentence in found)]


class PlanPrinter(logging.Filter):
    """Print the plan before each of Snakemake's tables of jobs: before a run, and at both ends of a dry run.

    The class is a log filter, because Snakemake does not call the hook ``onstart`` in a dry run.

    Args:
        is_table: whether a log record is a table of jobs.
        compose: returns (logging level, text) of every message; called once, at the first table.
        owner: the Snakemake workflow; see :meth:`install`.
        extra: additional attributes of the log records at level INFO.
    """

    def __init__(
        self,
        is_table: Callable[[logging.LogRecord], bool],
        compose: Callable[[], list[tuple[int, str]]],
        owner: object,
        extra: Mapping[str, object],
    ) -> None:
        super().__init__()
        self.is_table, self.owner, self.extra = is_table, owner, dict(extra)
        self.messages = cache(compose)

    def install(self, logger: logging.Logger) -> None:
        """Attach the filter to a logger, and remove the filters of other workflows in this process."""
        for other in [each for each in logger.filters if isinstance(each, PlanPrinter)]:
            if other.owner is not self.owner:
                logger.removeFilter(other)
        self.logger = logger
        logger.addFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Log the plan before a table of jobs; every record passes the filter."""
        if self.is_table(record):
            for level, text in self.messages():
                self.logger.log(level, text, extra=self.extra if level == logging.INFO else None)
        return True
