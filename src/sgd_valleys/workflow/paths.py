"""Patterns of the workflow's output files, with wildcards in braces."""

from dataclasses import dataclass
from functools import cached_property

from sgd_valleys.config.experiment import Configuration

CHUNK = "eta{eta}_B{B}_r{first}-{last}"  # one training job: realizations first to last of a cell
CELL = "eta{eta}_B{B}"
RUN = "eta{eta}_B{B}_r{realization}"

WILDCARDS = {
    "experiment": "[a-z][a-z0-9_]*",
    "eta": r"[0-9.]+",
    "B": r"\d+",
    "first": r"\d+",
    "last": r"\d+",
    "realization": r"\d+",
    "diagram": "[A-Za-z][A-Za-z0-9]*",
    "delta_S": r"[0-9.]+",
    "control": "[a-z]+",
    "convention": "ito|hanggi-klimontovich",
    "layers": r"all|\d+",
}


class Paths:
    """Patterns of the files in a folder of results.

    Args:
        folder: path relative to the working directory.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        experiment = f"{folder}/{{experiment}}"

        self.DATA = f"{experiment}/data.h5"
        self.TEST_FILE = f"{experiment}/test_file.h5"
        self.TRAIN = f"{experiment}/train/{CHUNK}.h5"
        self.CURVATURE = f"{experiment}/curvature/{CHUNK}.h5"
        self.LAYER_CURVATURE = f"{experiment}/layer_curvature/{{layers}}/{CHUNK}.h5"
        self.EDGE_OF_STABILITY = f"{experiment}/edge_of_stability/{CHUNK}.h5"
        self.FLATNESS = f"{experiment}/flatness/{CHUNK}.h5"
        self.GRADIENT_NOISE = f"{experiment}/gradient_noise/{CHUNK}.h5"
        self.CONTINUATIONS = f"{experiment}/continuations/{CHUNK}.h5"
        self.ENDPOINTS = f"{experiment}/endpoints.h5"
        self.JACCARD = f"{experiment}/jaccard.h5"
        self.BARRIERS = f"{experiment}/barriers.h5"
        self.PATHS = f"{experiment}/paths.h5"
        self.FREEZING = f"{experiment}/freezing.h5"
        self.CELL_MAPS = f"{experiment}/cell_maps.h5"
        self.PROJECTION = f"{experiment}/projection.h5"
        self.BRANCH_TRAIN = f"{experiment}/branches/train/{RUN}.h5"
        self.BRANCH_CURVATURE = f"{experiment}/branches/curvature/{RUN}.h5"
        self.BRANCH_ENDPOINTS = f"{experiment}/branches/endpoints/{RUN}.h5"
        self.BRANCH_BASINS = f"{experiment}/branches/basins/{RUN}.h5"
        self.BRANCH_PROJECTION = f"{experiment}/branches/projection/{RUN}.h5"
        self.BRANCH_STATISTICS = f"{experiment}/branches/statistics/{CELL}.h5"

        self.PHASE_ROW = f"{folder}/two_valley/phase_diagram/{{diagram}}/eta{{eta}}.h5"
        self.PHASE_DIAGRAM = f"{folder}/two_valley/phase_diagram_{{diagram}}.h5"
        self.OCCUPANCY = f"{folder}/two_valley/occupancy.h5"
        self.SMALL_ETA_LIMIT = f"{folder}/two_valley/small_eta_limit/deltaS{{delta_S}}.h5"
        self.MODEL_CONTROL = f"{folder}/two_valley/controls/{{control}}.h5"
        self.FOKKER_PLANCK = f"{folder}/two_valley/fokker_planck/{{convention}}.h5"
        self.THEORY = f"{folder}/two_valley/theory.h5"

        self.CONTROL = f"{folder}/controls/{{figure}}.h5"
        self.FIGURE = f"{folder}/figures/{{figure}}.{{format}}"
        self.CLAIMS = f"{folder}/claims.json"
        self.CLAIMS_TABLES = {"html": f"{folder}/claims.html", "md": f"{folder}/claims.md"}
        self.EXPLORER = f"{folder}/explorer.html"
        self.CONFIGURATION = f"{folder}/config.yaml"
        self.VERSIONS = f"{folder}/versions.yaml"
        self.CRATE = {"metadata": f"{folder}/ro-crate-metadata.json", "workflow": f"{folder}/workflow.zip"}

    def log(self, output: str) -> str:
        """Return the log file of the job that writes ``output``, a path or a pattern."""
        return self._beside(output, "logs", ".log")

    def benchmark(self, output: str) -> str:
        """Return the benchmark file of the job that writes ``output``, a path or a pattern."""
        return self._beside(output, "benchmarks", ".tsv")

    def _beside(self, output: str, folder: str, suffix: str) -> str:
        stem = output.removeprefix(f"{self.folder}/").rsplit(".", 1)[0]
        return f"{self.folder}/{folder}/{stem}{suffix}"


@dataclass(frozen=True)
class LocatedConfiguration(Configuration):
    """A checked configuration with the paths of its results."""

    @cached_property
    def paths(self) -> Paths:
        """Patterns of the files in the folder ``results`` of the configuration."""
        return Paths(self.config["results"])
