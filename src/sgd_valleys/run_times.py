"""What the jobs of a run took, from the benchmark files that every rule of the workflow writes."""

import csv
import os
import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sgd_valleys.errors import UserError


@dataclass(frozen=True)
class RunTime:
    """What the jobs of one rule took.

    Attributes:
        rule: its name.
        jobs: how many.
        total: of all of them, in seconds as the clock on the wall measures them, as all that follow.
        median: of one.
        longest: of one.
    """

    rule: str
    jobs: int
    total: float
    median: float
    longest: float


def seconds(benchmark: str | os.PathLike, column: str = "s") -> float:
    """What a job took, in seconds, by its benchmark file.

    Args:
        benchmark: the file.
        column: of it: "s" by the clock on the wall, "cpu_time" of the processor, which is 0 where the job was too
            short for it to be measured.

    Raises:
        UserError: the file is cut off or damaged.
    """
    try:
        with open(benchmark) as file:
            text = next(csv.DictReader(file, delimiter="\t"))[column]
        return 0.0 if column != "s" and text in ("NA", "-") else float(text)
    except (StopIteration, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{benchmark} says no time: delete it, and the report leaves its job out.") from error


def by_rule(jobs: Iterable[tuple[str, float]]) -> list[RunTime]:
    """What each rule took, the longest in total first.

    Args:
        jobs: rule and seconds of each.
    """
    found = defaultdict(list)
    for rule, time in jobs:
        found[rule].append(time)
    rows = [RunTime(rule, len(t), sum(t), statistics.median(t), max(t)) for rule, t in found.items()]
    return sorted(rows, key=lambda row: -row.total)
