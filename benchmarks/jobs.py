"""What the jobs of a finished run took, and how long they would take together on more cores.

    python benchmarks/jobs.py [--results results] [--cores 8]

First a table by rule, from the benchmark files that every rule writes; of a run in a fresh checkout, since jobs
of settings that are no longer in use leave theirs behind. Then the makespan on the given
number of one-core slots, planned from those times with the workflow's dependencies, beside its lower
bound total/cores: jobs start as they become ready, in an order drawn at random (100 times; the median
and the worst), since Snakemake promises none; branches wait for all training here, where really they wait
for the run they leave alone.
"""

import argparse
import heapq
import random
from collections import defaultdict
from pathlib import Path

from sgd_valleys import run_times

# stages in the order of the workflow; a job waits for the whole stage before, a curvature job for its own training
ANALYSES = ("endpoints", "similarity", "barriers", "freezing", "projection")
MODEL = ("phase_row", "occupancy", "halving", "fokker_planck", "theory")
BRANCHES = {  # folder under branches/ -> rule, and the folders of the same run that it waits for
    "train": ("branch", ()),
    "curvature": ("branch_curvature", ("train",)),
    "endpoints": ("branch_endpoints", ("curvature",)),
    "projection": ("branch_projection", ("train",)),
    "statistics": ("branch_statistics", ()),
}


def read(results: Path) -> dict[tuple[str, str], float]:
    """Seconds of every job, by (rule, what it made)."""
    found = {}
    for path in sorted((results / "benchmarks").rglob("*.tsv")):
        name = str(path.relative_to(results / "benchmarks").with_suffix(""))
        folder = path.parent.name
        if path.parent.parent.name == "branches":
            rule = BRANCHES[folder][0]
        elif name.startswith("two_valley/"):
            parts = path.relative_to(results / "benchmarks" / "two_valley").parts
            rule = {"phase_diagram": "phase_row"}.get(parts[0], Path(parts[0]).stem)
            rule = "phase_diagram" if rule.startswith("phase_diagram") else rule
        else:
            rule = folder if folder in ("train", "curvature") else path.stem
        found[rule, name] = run_times.seconds(path)
    return found


def needs(job: tuple[str, str], jobs: dict[tuple[str, str], float]) -> set[tuple[str, str]]:
    """The jobs that one has to wait for."""
    rule, name = job
    of = defaultdict(set)
    for other in jobs:
        of[other[0]].add(other)
    if rule in ("data", *MODEL):
        return set()
    if rule == "phase_diagram":
        return of["phase_row"]
    if rule in ("train", "test_file"):
        return of["data"]
    if rule == "branch":
        return of["train"] | of["test_file"]
    if rule == "branch_statistics":
        return of["branch_endpoints"]
    for folder, (branch_rule, before) in BRANCHES.items():
        if rule == branch_rule:
            return {(BRANCHES[b][0], name.replace(f"/{folder}/", f"/{b}/")) for b in before}
    if rule == "curvature":
        return {("train", name.replace("/curvature/", "/train/"))}
    if rule in ANALYSES:
        return of["train"] | (of["curvature"] if rule == "endpoints" else set())
    analyses = (*ANALYSES, "branch_projection", "branch_statistics", *MODEL, "phase_diagram")
    return set().union(*(of[analysis] for analysis in analyses), of["curvature"])


def makespan(jobs: dict[tuple[str, str], float], cores: int, rng: random.Random) -> float:
    """Seconds until the last job ends when ready jobs start in random order on free slots."""
    waiting = {job: set(needs(job, jobs)) for job in jobs}
    ready = [job for job, before in waiting.items() if not before]
    running: list[tuple[float, tuple[str, str]]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < cores:
            job = ready.pop(rng.randrange(len(ready)))
            heapq.heappush(running, (now + jobs[job], job))
        now, finished = heapq.heappop(running)
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
    jobs = read(options.results)
    if not jobs:
        parser.error(f"no benchmark files under {options.results}/benchmarks: run the workflow first")
    print(f"{'rule':<12} {'jobs':>5} {'total s':>9} {'median s':>9} {'longest s':>10}")
    for row in run_times.by_rule((rule, seconds) for (rule, _), seconds in jobs.items()):
        print(f"{row.rule:<12} {row.jobs:>5} {row.total:>9.0f} {row.median:>9.1f} {row.longest:>10.1f}")
    total = sum(jobs.values())
    bound = total / options.cores
    spans = sorted(makespan(jobs, options.cores, random.Random(k)) for k in range(100))
    print(f"all: {len(jobs)} jobs, {total:.0f} s of one core; on {options.cores} cores at least {bound:.0f} s")
    print(
        f"planned makespan on {options.cores} cores: median {spans[50]:.0f} s, {spans[50] / bound:.2f} of that; "
        f"worst order {spans[-1]:.0f} s, {spans[-1] / bound:.2f}"
    )


if __name__ == "__main__":
    main()
