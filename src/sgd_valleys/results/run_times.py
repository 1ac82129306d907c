"""The run times of a finished run, as a table for the documentation."""

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from sgd_valleys.markdown import table

COLUMNS = ("rules", "jobs", "s of one core", "longest job, s", "largest memory, MB")
DENSE = 15.5  # s during which samples are dense
TOGETHER = {r"fig.*|figure_.*": "figures", r"control_.*": "controls"}  # patterns of rules that share a row


def read_benchmark(path: Path) -> tuple[float, float, float]:
    """Read the benchmark file of a job.

    Snakemake samples the processor time of a job every 0.5 s for 15 s, then every 30 s. The processor time is that of
    the last sample, extrapolated in proportion to the wall time.

    Returns:
        processor time (s), wall time (s) and largest memory (MB); without a sample, in a short job, no processor time
        and no memory.
    """
    with path.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file, delimiter="\t")
    cpu, memory = (0.0 if row[name] in ("NA", "-") else float(row[name]) for name in ("cpu_time", "max_rss"))
    wall = float(row["s"])
    sampled = wall - 0.25 if wall < DENSE else DENSE + 30 * ((wall - DENSE) // 30)
    return cpu * wall / max(sampled, 0.25), wall, memory


def run_times(benchmarks: Mapping[str, Sequence[Path]]) -> list[str]:
    """Return the lines of a table with a row for each rule, by descending cost, and a row for all rules.

    Args:
        benchmarks: paths of existing benchmark files, by rule.
    """
    found: dict[str, list[tuple[float, float, float]]] = {}
    for rule, paths in benchmarks.items():
        name = next((row for names, row in TOGETHER.items() if re.fullmatch(names, rule)), f"`{rule}`")
        found.setdefault(name, []).extend(map(read_benchmark, paths))
    found = {name: jobs for name, jobs in found.items() if jobs}
    order = sorted(found, key=lambda name: -sum(job[0] for job in found[name]))
    rows = [_row(name, found[name]) for name in order]
    return table(COLUMNS, [*rows, _row("all", [job for jobs in found.values() for job in jobs])])


def _row(name: str, jobs: Sequence[tuple[float, float, float]]) -> tuple[str, ...]:
    cpu, wall, memory = zip(*jobs, strict=True) if jobs else ((0.0,),) * 3
    return name, str(len(jobs)), f"{sum(cpu):,.0f}", f"{max(wall):,.0f}", f"{max(memory):,.0f}"
