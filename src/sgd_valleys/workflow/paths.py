"""Patterns of the files that the workflow writes, with wildcards in braces."""

CHUNK = "eta{eta}_B{B}_r{first}-{last}"  # one training job: some realizations of a cell
CELL = "eta{eta}_B{B}"
RUN = "eta{eta}_B{B}_r{realization}"

DATA = "results/{experiment}/data.h5"
TEST_FILE = "results/{experiment}/test_file.h5"
TRAIN = f"results/{{experiment}}/train/{CHUNK}.h5"
CURVATURE = f"results/{{experiment}}/curvature/{CHUNK}.h5"
ENDPOINTS = "results/{experiment}/endpoints.h5"
JACCARD = "results/{experiment}/jaccard.h5"
BARRIERS = "results/{experiment}/barriers.h5"
FREEZING = "results/{experiment}/freezing.h5"
CELL_MAPS = "results/{experiment}/cell_maps.h5"
PROJECTION = "results/{experiment}/projection.h5"
BRANCH_TRAIN = f"results/{{experiment}}/branches/train/{RUN}.h5"
BRANCH_CURVATURE = f"results/{{experiment}}/branches/curvature/{RUN}.h5"
BRANCH_ENDPOINTS = f"results/{{experiment}}/branches/endpoints/{RUN}.h5"
BRANCH_PROJECTION = f"results/{{experiment}}/branches/projection/{RUN}.h5"
BRANCH_STATISTICS = f"results/{{experiment}}/branches/statistics/{CELL}.h5"

PHASE_ROW = "results/two_valley/phase_diagram/{diagram}/eta{eta}.h5"
PHASE_DIAGRAM = "results/two_valley/phase_diagram_{diagram}.h5"
OCCUPANCY = "results/two_valley/occupancy.h5"
SMALL_ETA_LIMIT = "results/two_valley/small_eta_limit/deltaS{delta_S}.h5"
FOKKER_PLANCK = "results/two_valley/fokker_planck/{convention}.h5"
THEORY = "results/two_valley/theory.h5"

FIGURE = "results/figures/{figure}.{format}"
CLAIMS = "results/claims.json"
CLAIMS_TABLES = {"html": "results/claims.html", "md": "results/claims.md"}
EXPLORER = "results/explorer.html"
CONFIGURATION = "results/config.yaml"
VERSIONS = "results/versions.yaml"
CRATE = {"metadata": "results/ro-crate-metadata.json", "workflow": "results/workflow.zip"}

WILDCARDS = {
    "experiment": "[a-z][a-z0-9_]*",
    "eta": r"[0-9.]+",
    "B": r"\d+",
    "first": r"\d+",
    "last": r"\d+",
    "realization": r"\d+",
    "diagram": "[A-Za-z][A-Za-z0-9]*",
    "delta_S": r"[0-9.]+",
    "convention": "ito|hanggi-klimontovich",
}


def log(output: str) -> str:
    """Return the log file of the job that writes a file, as a pattern where the file is one."""
    return _beside(output, "logs", ".log")


def benchmark(output: str) -> str:
    """Return the benchmark file of the job that writes a file, as a pattern where the file is one."""
    return _beside(output, "benchmarks", ".tsv")


def _beside(output: str, folder: str, suffix: str) -> str:
    stem = output.removeprefix("results/").rsplit(".", 1)[0]
    return f"results/{folder}/{stem}{suffix}"
