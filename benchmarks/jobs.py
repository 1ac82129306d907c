"""What the jobs of a finished run took, and how long they would take together on more cores.

    python benchmarks/jobs.py [--results results] [--cores 8]

First a table by rule, from the benchmark files that every rule writes. Then the makespan on the given number of
one-core slots, planned from those times, beside its lower bound total/cores: jobs start as they become ready, in an
order drawn at random (100 times; the median and the worst), since Snakemake promises none. Which jobs there are, and
which waits for which, is what Snakemake plans with the run's own settings, results/config.yaml.
"""

import argparse
import heapq
import random
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from sgd_valleys import run_times

ROOT = Path(__file__).parents[1]
JOB = re.compile(r"^(?:local)?rule (\w+):\n((?:    .+\n)+)", re.MULTILINE)


@dataclass(frozen=True)
class Job:
    """A job of the plan, its files as Snakemake names them."""

    rule: str
    input: frozenset[str]
    output: frozenset[str]
    benchmark: str


def plan(settings: Path) -> list[Job]:
    """All jobs of a run with these settings; `all` itself makes nothing and is left out."""
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--forceall", "--configfile", str(settings.resolve())]
    shown = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    jobs = []
    for rule, text in JOB.findall(shown):
        told = dict(re.findall(r"^    (input|output|benchmark): (.+)$", text, re.MULTILINE))
        if "benchmark" in told:
            files = (frozenset(told[key].split(", ")) for key in ("input", "output"))
            jobs.append(Job(rule, *files, told["benchmark"]))
    return jobs


def waiting_for(jobs: list[Job]) -> dict[Job, set[Job]]:
    """The jobs that each has to wait for: those that make its input."""
    maker = {path: job for job in jobs for path in job.output}
    return {job: {maker[path] for path in job.input if path in maker} for job in jobs}


def makespan(needs: dict[Job, set[Job]], seconds: dict[Job, float], cores: int, rng: random.Random) -> float:
    """Seconds until the last job ends when ready jobs start in random order on free slots."""
    waiting = {job: set(before) for job, before in needs.items()}
    ready = [job for job, before in waiting.items() if not before]
    running: list[tuple[float, int, Job]] = []
    now, started = 0.0, 0
    while ready or running:
        while ready and len(running) < cores:
            job = ready.pop(rng.randrange(len(ready)))
            started += 1
            heapq.heappush(running, (now + seconds[job], started, job))
        now, _, finished = heapq.heappop(running)
        for job, before in waiting.items():
            if finished in before:
                before.discard(finished)
                if not before:
                    ready.append(job)
    return now


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--cores", type=int, default=8)
    options = parser.parse_args()
    settings = options.results / "config.yaml"
    if not settings.is_file():
        parser.error(f"there is no {settings}: run the workflow first")
    needs = waiting_for(plan(settings))
    found = {job: options.results / Path(job.benchmark).relative_to("results") for job in needs}
    missing = [str(path) for path in found.values() if not path.is_file()]
    if missing:
        parser.error(f"{len(missing)} jobs have no benchmark file, as {min(missing)}: finish the run first")
    seconds = {job: run_times.seconds(path) for job, path in found.items()}
    print(f"{'rule':<17} {'jobs':>5} {'total s':>9} {'median s':>9} {'longest s':>10}")
    for row in run_times.by_rule((job.rule, time) for job, time in seconds.items()):
        print(f"{row.rule:<17} {row.jobs:>5} {row.total:>9.0f} {row.median:>9.1f} {row.longest:>10.1f}")
    total = sum(seconds.values())
    bound = total / options.cores
    spans = sorted(makespan(needs, seconds, options.cores, random.Random(k)) for k in range(100))
    print(f"all: {len(seconds)} jobs, {total:.0f} s of one core; on {options.cores} cores at least {bound:.0f} s")
    print(
        f"planned makespan on {options.cores} cores: median {spans[50]:.0f} s, {spans[50] / bound:.2f} of that; "
        f"worst order {spans[-1]:.0f} s, {spans[-1] / bound:.2f}"
    )


if __name__ == "__main__":
    main()
