"""Compare the estimated cost of the jobs of a run, finished or not, with the cost in their benchmark files.

    python benchmarks/costs.py RESULTS [--gflops 190] [--by-rule]

RESULTS is a folder of results. The settings are those of RESULTS/config.yaml, or of config.yaml if that file is absent.
Every stage has one row: number of jobs, estimated and measured core time, their ratio, and the largest estimated and
measured memory of a job. ``--gflops`` is the float32 matrix-product peak (GFLOP/s) of a core of the machine that made
the results. The estimates are for a core of 190 GFLOP/s, and are scaled to this peak.
"""

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import yaml
from snakemake.utils import update_config

from sgd_valleys.config.resolution import resolve
from sgd_valleys.config.validation import check
from sgd_valleys.errors import UserError
from sgd_valleys.results.run_times import read_benchmark
from sgd_valleys.workflow.config_files import read_defaults
from sgd_valleys.workflow.costs import REFERENCE
from sgd_valleys.workflow.jobs import Jobs
from sgd_valleys.workflow.paths import WILDCARDS, Paths
from sgd_valleys.workflow.stage_costs import Costs, stage_of

ROOT = Path(__file__).parents[1]
RULES = {"branch_train": "branch"}  # rules of another name than that of their files' pattern


def costs_of(folder: Path) -> Costs:
    """Return the estimates for the settings of a run."""
    paper = read_defaults(ROOT)
    settings, own = read_defaults(ROOT), folder / "config.yaml"
    if own.is_file():
        update_config(settings, yaml.safe_load(own.read_text(encoding="utf-8")))
    try:
        configuration = check(resolve(settings, paper), ROOT / "workflow/schemas/config.schema.yaml")
    except UserError as error:
        sys.exit(
            f"results = {folder}: invalid settings; allowed are runs of this version; use the code of the run.\n{error}"
        )
    return Costs(Jobs(configuration.config, configuration.experiments))


def jobs_of(folder: Path) -> Iterator[tuple[str, SimpleNamespace, Path]]:
    """Yield rule, wildcards and benchmark file of every job of a run; of a rule without estimate an empty name."""
    paths = Paths(str(folder))
    patterns = {}
    for name, pattern in vars(paths).items():
        if isinstance(pattern, str) and name.isupper():
            # each wildcard is named once
            parts = re.split(r"\{(\w+)\}", paths.benchmark(pattern))
            named = (f"(?P<{part}>{WILDCARDS.get(part, '[^/]+')})" for part in parts[1::2])
            regex = "".join(re.escape(text) + next(named, "") for text in parts[::2])
            patterns[RULES.get(name.lower(), name.lower())] = re.compile(regex)
    for path in sorted((folder / "benchmarks").rglob("*.tsv")):
        found = ((rule, pattern.fullmatch(str(path))) for rule, pattern in patterns.items())
        rule, match = next(((rule, match) for rule, match in found if match), ("", None))
        yield rule, SimpleNamespace(**match.groupdict() if match else {}), path


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, help="folder of results")
    parser.add_argument(
        "--gflops",
        type=float,
        default=REFERENCE / 1e9,
        help="float32 peak of a core of the machine that made the results, in GFLOP/s",
    )
    parser.add_argument("--by-rule", action="store_true", help="print a row for each rule instead of each stage")
    options = parser.parse_args()
    costs, scale = costs_of(options.results), REFERENCE / 1e9 / options.gflops
    rows = defaultdict(lambda: [0, 0.0, 0.0, 0.0, 0.0])
    for rule, wildcards, path in jobs_of(options.results):
        try:
            cost = costs.cost(rule, wildcards)
        except (KeyError, AttributeError):  # of other settings than now
            continue
        seconds, _, memory = read_benchmark(path)
        for name in (rule or "other") if options.by_rule else stage_of(rule), "all":
            row = rows[name]
            row[0] += 1
            row[1] += scale * cost.seconds
            row[2] += seconds
            row[3], row[4] = max(row[3], cost.mb), max(row[4], memory)
    print(
        f"{'':<20} {'jobs':>5} {'estimate s':>11} {'measured s':>11} {'ratio':>6} {'estimate MB':>12} {'measured':>9}"
    )
    for name, (jobs, estimate, seconds, mb, memory) in sorted(rows.items(), key=lambda item: -item[1][2]):
        ratio = estimate / seconds if seconds else float("nan")
        print(f"{name:<20} {jobs:>5} {estimate:>11.0f} {seconds:>11.0f} {ratio:>6.2f} {mb:>12.0f} {memory:>8.0f}")


if __name__ == "__main__":
    main()
