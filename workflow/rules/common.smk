"""The checked configuration, and the functions of the rules. A script receives only its own settings."""

import sys
from copy import deepcopy
from pathlib import Path

import psutil
import yaml
from snakemake.iocontainers import Wildcards
from snakemake.logging import logger
from snakemake.settings.enums import Quietness
from snakemake.utils import update_config
from snakemake_interface_logger_plugins.common import LogEvent

sys.path.insert(0, str(ROOT / "src"))

from sgd_valleys.config.model import model_warnings  # noqa: E402
from sgd_valleys.config.resolution import resolve  # noqa: E402
from sgd_valleys.config.validation import check  # noqa: E402
from sgd_valleys.errors import UserError  # noqa: E402
from sgd_valleys.figures.appearance import check_appearance  # noqa: E402
from sgd_valleys.measures.flatness_measures import measure_errors  # noqa: E402
from sgd_valleys.workflow import catalog, plan  # noqa: E402
from sgd_valleys.workflow.config_files import (
    read_defaults,
    refuse_future_stamps,
    refuse_repeated_settings,
    typed,
)  # noqa: E402
from sgd_valleys.workflow.control_inputs import CONTROLS  # noqa: E402
from sgd_valleys.workflow.dependencies import code, first_line, module_path  # noqa: E402
from sgd_valleys.workflow.inputs import Inputs  # noqa: E402
from sgd_valleys.workflow.jobs import Jobs  # noqa: E402
from sgd_valleys.workflow.paths import WILDCARDS  # noqa: E402
from sgd_valleys.workflow.places import check_checkout, check_environment, tell_jobs  # noqa: E402
from sgd_valleys.workflow.report import Report  # noqa: E402
from sgd_valleys.workflow.stage_costs import STAGES, Costs  # noqa: E402
from sgd_valleys.workflow.titles import FIGURES  # noqa: E402

tell_jobs(ROOT)
ENVIRONMENT = ROOT / "envs/sgd-valleys.yaml"
PAPER = read_defaults(ROOT)

if workflow.modifier.is_main_snakefile():
    settings = deepcopy(config)
    update_config(settings, typed(workflow.config_settings.config))
else:  # a workflow that uses this one as a module may set only some values
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
costs, paths = Costs(jobs), inputs.paths
modifier = workflow.modifier  # changes names and paths if another workflow uses this one as a module


def placed(found):
    """Return a path, or a list of paths, with the ``prefix`` of a workflow that uses this one as a module."""
    return str(modifier.modify_path(found)) if isinstance(found, str) else list(map(placed, found))


reporting = Report(config, experiments, resolve(PAPER, PAPER), written, placed)


wildcard_constraints:
    **WILDCARDS,


def own_rules():
    """Return the rules of this workflow, without those of a workflow that uses this one as a module."""
    return [rule for rule in workflow.rules if rule.module_globals is globals()]


def describe_rule(name, purpose):
    """Give a rule its docstring, unless a workflow that uses this one as a module leaves the rule out."""
    if modifier.avail_rulename(name) is not None:
        workflow.get_rule(modifier.modify_rulename(name)).docstring = purpose


def waiting_jobs():
    """Return the jobs of this workflow that have not run yet."""
    return [job for job in workflow.dag.needrun_jobs() if job.rule.module_globals is globals()]


def unfinished_outputs():
    """Return the first output of every job that has not run yet."""
    return [str(job.output[0]) for job in waiting_jobs() if job.output]


def compose_plan():
    """Return the estimated costs of the jobs that have not run yet, as messages for the log."""
    names = {modifier.modify_rulename(rule): rule for rules in STAGES.values() for rule in rules}
    planned = []
    for job in filter(lambda job: job.output, [] if workflow.touch else waiting_jobs()):
        name, limits = names.get(job.rule.name, job.rule.name), map(job.resources.get, ("runtime", "mem_mb"))
        planned.append(plan.PlannedJob(name, str(job.output[0]), costs.cost(name, job.wildcards), *limits))
    machine_mb = psutil.virtual_memory().total / 1e6 if workflow.local_exec else None
    return plan.messages(planned, placed(paths.folder), machine_mb)


def report_figure(name):
    """Mark a figure for the report, with its caption."""
    drawn = config["figures"][name]["draw"]
    title = f"Fig. {name.removeprefix('fig')}" if name == drawn else f"{name}, as Fig. {drawn.removeprefix('fig')}"
    path = paths.FIGURE.format(figure=name, format="png")
    labels = {"figure": title, "shows": FIGURES[drawn]}
    return report(path, caption=f"../report/{drawn}.rst", category="Figures", labels=labels)


def report_file(path, what):
    """Mark a file on the configuration or the versions for the report.

    The file has a single label, since Snakemake turns another label with two values into a switch, which hides half
    of the files.
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
    plan.PlanPrinter(
        lambda record: getattr(record, "event", None) == LogEvent.RUN_INFO,
        compose_plan,
        owner=workflow,
        extra={"quietness": Quietness.PROGRESS},
    ).install(logger)
