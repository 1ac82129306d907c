"""Settings, names of files, and what every rule needs. The scripts see none of the settings but their own params."""

import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

ROOT = Path(workflow.basedir)
sys.path.insert(0, str(ROOT / "src"))
# jobs import the library and workflow/scripts/job.py from here, whichever environment they run in
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(ROOT / "src"), str(ROOT / "workflow" / "scripts"), *filter(None, [os.environ.get("PYTHONPATH")])]
)

from sgd_valleys import settings, sweep  # noqa: E402
from sgd_valleys.data import DATA_SETS  # noqa: E402
from sgd_valleys.errors import UserError  # noqa: E402

try:
    settings.check(config, ROOT / "workflow" / "schemas" / "config.schema.yaml")
except UserError as error:
    raise WorkflowError(str(error)) from None

EXPERIMENTS = config["experiments"]
ENVIRONMENT = "../../envs/sgd-valleys.yaml"
DATA = "results/{experiment}/data.h5"
STACK = "eta{eta}_B{B}_r{first}-{last}"
TRAIN = f"results/{{experiment}}/train/{STACK}.h5"
CURVATURE = f"results/{{experiment}}/curvature/{STACK}.h5"


wildcard_constraints:
    experiment="[a-z][a-z0-9_]*",
    eta=r"[0-9.]+",
    B=r"\d+",
    first=r"\d+",
    last=r"\d+",


def modules(*names):
    """The library's modules that a result depends on: an edit of one makes it again, a touch does not."""
    return [os.path.relpath(ROOT / "src" / "sgd_valleys" / f"{name}.py") for name in names]


def network_params(experiment):
    """What is needed to build an experiment's network, and the layer under study."""
    e = EXPERIMENTS[experiment]
    return {"network": e["network"], "classes": DATA_SETS[e["dataset"]["name"]].classes, "layer": e["layer"]}


def stack_files(pattern, experiment, cells=None):
    """The files of all stacks of the named cells, or of the whole sweep."""
    e = EXPERIMENTS[experiment]
    M = settings.training_samples(e["dataset"])
    return [
        pattern.format(experiment=experiment, eta=eta, B=B, first=first, last=last)
        for eta, B in cells or sweep.cells(e["sweep"])
        for first, last in sweep.stacks(e["sweep"], eta, B, M)
    ]


def realizations_of(selections, wildcards):
    """The realizations of a stack that the selections name, in order."""
    stack = range(int(wildcards.first), int(wildcards.last) + 1)
    return sweep.selected_by_any(selections, wildcards.eta, int(wildcards.B), stack)


def block_runs(experiment):
    """(eta, B, realization) of the block of runs that Fig. 1 shows; a GD cell has realization 0 alone."""
    e = EXPERIMENTS[experiment]
    M, block = settings.training_samples(e["dataset"]), e["projection"]["block"]
    return [
        [sweep.canonical(eta), B, 0 if B == M else block["realization"]] for eta in block["eta"] for B in block["B"]
    ]
