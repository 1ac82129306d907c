"""Settings, names of files, and what every rule needs. The scripts see none of the settings but their own params."""

import os
import sys
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError

ROOT = Path(workflow.basedir)
sys.path.insert(0, str(ROOT / "src"))
os.environ.update(PYTHONPATH=str(ROOT / "src"))  # jobs import the library from here, in whichever environment

from sgd_valleys import run_times  # noqa: E402
from sgd_valleys.config import sweep, validation as settings  # noqa: E402
from sgd_valleys.data.registry import DATA_SETS  # noqa: E402
from sgd_valleys.errors import UserError  # noqa: E402
from sgd_valleys.storage import provenance  # noqa: E402
from sgd_valleys.workflow.dependencies import code  # noqa: E402

try:
    config["experiments"] = settings.alike(config["experiments"])
    settings.check(config, ROOT / "workflow" / "schemas" / "config.schema.yaml")
except UserError as error:
    raise WorkflowError(str(error)) from None

PAPER = yaml.safe_load((ROOT / "config.yaml").read_text())  # the settings that any others are on top of
EXPERIMENTS = config["experiments"]
MODEL = config["two_valley"]
ENVIRONMENT = "../../envs/sgd-valleys.yaml"
DATA = "results/{experiment}/data.h5"
STACK = "eta{eta}_B{B}_r{first}-{last}"
TRAIN = f"results/{{experiment}}/train/{STACK}.h5"
CURVATURE = f"results/{{experiment}}/curvature/{STACK}.h5"
TEST_FILE = "results/{experiment}/test_file.h5"
CELL = "eta{eta}_B{B}"
RUN = f"{CELL}_r{{realization}}"
BRANCH_TRAIN = f"results/{{experiment}}/branches/train/{RUN}.h5"
BRANCH_CURVATURE = f"results/{{experiment}}/branches/curvature/{RUN}.h5"
BRANCH_ENDPOINTS = f"results/{{experiment}}/branches/endpoints/{RUN}.h5"
BRANCH_PROJECTION = f"results/{{experiment}}/branches/projection/{RUN}.h5"
BRANCH_STATISTICS = f"results/{{experiment}}/branches/statistics/{CELL}.h5"
PHASE_ROW = "results/two_valley/phase_diagram/{diagram}/eta{eta}.h5"
PHASE_DIAGRAM = "results/two_valley/phase_diagram_{diagram}.h5"
SMALL_ETA_LIMIT = "results/two_valley/small_eta_limit/deltaS{delta_S}.h5"
FOKKER_PLANCK = "results/two_valley/fokker_planck/{convention}.h5"
SETTINGS = "results/config.yaml"
VERSIONS = "results/versions.yaml"
EXPLORER = "results/explorer.html"
CRATE = ["results/ro-crate-metadata.json", "results/workflow.zip"]


wildcard_constraints:
    experiment="[a-z][a-z0-9_]*",
    eta=r"[0-9.]+",
    B=r"\d+",
    first=r"\d+",
    last=r"\d+",
    realization=r"\d+",
    diagram="[A-Za-z][A-Za-z0-9]*",
    delta_S=r"[0-9.]+",
    convention="ito|hanggi-klimontovich",
