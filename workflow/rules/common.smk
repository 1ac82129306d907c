"""The checked configuration, and what the rules ask of the library. Scripts see nothing but their own settings."""

import sys
from copy import deepcopy
from pathlib import Path

import yaml
from snakemake.iocontainers import Wildcards
from snakemake.utils import update_config

sys.path.insert(0, str(ROOT / "src"))

from sgd_valleys.config.model import model_warnings  # noqa: E402
from sgd_valleys.config.resolution import resolve  # noqa: E402
from sgd_valleys.config.validation import check  # noqa: E402
from sgd_valleys.errors import UserError  # noqa: E402
from sgd_valleys.figures.appearance import check_appearance  # noqa: E402
from sgd_valleys.measures.flatness_measures import measure_errors  # noqa: E402
from sgd_valleys.workflow import catalog  # noqa: E402
from sgd_valleys.workflow.config_files import refuse_future_stamps, refuse_repeated_settings, typed  # noqa: E402
from sgd_valleys.workflow.dependencies import code, first_line, module_path  # noqa: E402
from sgd_valleys.workflow.inputs import FIGURES, Inputs  # noqa: E402
from sgd_valleys.workflow.jobs import Jobs  # noqa: E402
from sgd_valleys.workflow.paths import WILDCARDS  # noqa: E402
from sgd_valleys.workflow.places import check_checkout, check_environment, tell_jobs  # noqa: E402
from sgd_valleys.workflow.report import Report  # noqa: E402

tell_jobs(ROOT)
ENVIRONMENT = ROOT / "envs/sgd-valleys.yaml"
PAPER = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))

if workflow.modifier.is_main_snakefile():
    settings = deepcopy(config)
    update_config(settings, typed(workflow.config_settings.config))
else:  # a workflow that uses this one as a module may give some settings only
    settings = deepcopy(PAPER)
    update_config(settings, config)

try:
    check_checkout(ROOT)
    check_environment(sys.executable)
    refuse_repeated_settings(workflow.configfiles)
    written = resolve(settings, PAPER)
    schema = ROOT / "workflow" / "schemas" / "config.schema.yaml"
    configuration = check(written, schema, check_appearance, measure_errors)
except UserError as error:
    raise WorkflowError(str(error)) from None

config, experiments = configuration.config, configuration.experiments
jobs, inputs = Jobs(config, experiments), Inputs(config, experiments)
paths = inputs.paths
modifier = workflow.modifier  # of names and paths, where another workflow uses this one as a module


def placed(found):
    """Return a path or paths as a workflow that uses this one as a module names them, by its ``prefix``."""
    return str(modifier.modify_path(found)) if isinstance(found, str) else list(map(placed, found))


reporting = Report(config, experiments, resolve(PAPER, PAPER), written, placed)


wildcard_constraints:
    **WILDCARDS,


def own_rules():
    """Return the rules of this workflow, without those of a workflow that uses it as a module."""
    return [rule for rule in workflow.rules if rule.module_globals is globals()]


def describe_rule(name, purpose):
    """Give a rule its docstring, unless a workflow that uses this one as a module leaves the rule out."""
    if modifier.avail_rulename(name) is not None:
        workflow.get_rule(modifier.modify_rulename(name)).docstring = purpose


def unfinished_outputs():
    """Return the outputs of the jobs of this workflow that are still to be run."""
    waiting = [job for job in workflow.dag.needrun_jobs() if job.rule.module_globals is globals()]
    return [str(job.output[0]) for job in waiting if job.output]


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
    own_files = [path for name in experiments for path in inputs.own_file(Wildcards(fromdict={"experiment": name}))]
    try:
        refuse_future_stamps([*Path(placed(paths.folder)).rglob("*.h5"), *filter(Path.is_file, map(Path, own_files))])
    except UserError as error:
        raise WorkflowError(str(error)) from None
    print(*map(reporting.plan, experiments), *model_warnings(config.get("two_valley")), sep="\n", file=sys.stderr)
