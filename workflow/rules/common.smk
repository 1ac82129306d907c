"""The checked configuration, and what the rules ask of the library. Scripts see nothing but their own settings."""

import os
import sys
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError

sys.path.insert(0, str(ROOT / "src"))
os.environ.update(PYTHONPATH=str(ROOT / "src"))  # jobs import the library from here, in any environment

from sgd_valleys.config.model import model_warnings  # noqa: E402
from sgd_valleys.config.resolution import resolve  # noqa: E402
from sgd_valleys.config.validation import check  # noqa: E402
from sgd_valleys.errors import UserError  # noqa: E402
from sgd_valleys.figures.appearance import check_appearance  # noqa: E402
from sgd_valleys.storage import provenance  # noqa: E402
from sgd_valleys.workflow import catalog  # noqa: E402
from sgd_valleys.workflow.dependencies import code, first_line, module_path  # noqa: E402
from sgd_valleys.workflow.inputs import FIGURES, Inputs  # noqa: E402
from sgd_valleys.workflow.jobs import Jobs  # noqa: E402
from sgd_valleys.workflow.paths import WILDCARDS  # noqa: E402
from sgd_valleys.workflow.report import Report  # noqa: E402

ENVIRONMENT = ROOT / "envs/sgd-valleys.yaml"
PAPER = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))

try:
    written = resolve(config, PAPER)
    configuration = check(written, ROOT / "workflow" / "schemas" / "config.schema.yaml", check_appearance)
except UserError as error:
    raise WorkflowError(str(error)) from None

config.clear()
config.update(configuration.config)
experiments = configuration.experiments
jobs, inputs = Jobs(config, experiments), Inputs(config, experiments)
reporting = Report(config, experiments, resolve(PAPER, PAPER), written)
paths = inputs.paths


wildcard_constraints:
    **WILDCARDS,


def unfinished_outputs():
    """Return the outputs of the jobs that are still to be run."""
    return [str(job.output[0]) for job in workflow.dag.needrun_jobs() if job.output]


def report_figure(name):
    """Return a figure that the report shows with its caption."""
    drawn = config["figures"][name]["draw"]
    title = f"Fig. {name.removeprefix('fig')}" if name == drawn else f"{name}, as Fig. {drawn.removeprefix('fig')}"
    path = paths.FIGURE.format(figure=name, format="png")
    labels = {"figure": title, "shows": FIGURES[drawn]}
    return report(path, caption=f"../report/{drawn}.rst", category="Figures", labels=labels)


def report_file(path, what):
    """Return a file on the configuration or the versions, which the report offers.

    One label alone: Snakemake makes any other label with two values a switch, which hides half of the files.
    """
    labels = {"file": f"{Path(path).name}: {what}"}
    return report(path, caption=f"../report/{Path(path).stem}.rst", category="Settings and versions", labels=labels)


if workflow.is_main_process:
    print(*map(reporting.plan, experiments), *model_warnings(config.get("two_valley")), sep="\n", file=sys.stderr)
