"""Patterns of files: what is written with one can be read back from a name."""

import re

import pytest

from sgd_valleys.config.validation import OWN_FOLDERS
from sgd_valleys.workflow.paths import WILDCARDS, Paths

PATHS = Paths("results")
PATTERNS = {name: value for name, value in vars(PATHS).items() if name.isupper() and isinstance(value, str)}
VALUES = {
    "experiment": "mnist",
    "eta": "0.05",
    "B": 50,
    "first": 0,
    "last": 19,
    "realization": 7,
    "diagram": "H2",
    "delta_S": "0.0005",
    "control": "noise",
    "convention": "hanggi-klimontovich",
    "layers": "all",
    "figure": "figS1",
    "format": "png",
}


def test_the_name_that_the_documentation_shows():
    assert PATHS.TRAIN.format(**VALUES) == "results/mnist/train/eta0.05_B50_r0-19.h5"


@pytest.mark.parametrize("name", sorted(PATTERNS.keys() - {"FIGURE", "CONTROL"}))
def test_wildcards_are_read_back_from_a_name(name):
    pattern = PATTERNS[name]
    wildcards = re.findall(r"{(\w+)}", pattern)
    regex = re.sub(r"{(\w+)}", lambda found: f"(?P<{found[1]}>{WILDCARDS[found[1]]})", pattern)
    found = re.fullmatch(regex, pattern.format(**VALUES))
    assert found and found.groupdict() == {key: str(VALUES[key]) for key in wildcards}


def test_every_job_has_a_log_and_a_benchmark_of_its_own():
    patterns = [pattern for pattern in PATTERNS.values() if pattern.startswith("results/")]
    logs, benchmarks = ({function(pattern) for pattern in patterns} for function in (PATHS.log, PATHS.benchmark))
    # config.yaml and versions.yaml are of one job, as are the tables of claims; each name here is one file's
    assert len(logs) == len(benchmarks) == len(patterns)
    assert PATHS.log(PATHS.TRAIN) == "results/logs/{experiment}/train/eta{eta}_B{B}_r{first}-{last}.log"


def test_the_folders_beside_those_of_the_experiments_are_known():
    patterns = [pattern for pattern in PATTERNS.values() if pattern.startswith("results/")]
    files = [file for pattern in patterns for file in (pattern, PATHS.log(pattern), PATHS.benchmark(pattern))]
    folders = {file.split("/")[1] for file in files if file.count("/") > 1}
    assert folders == {"{experiment}", *OWN_FOLDERS}


def test_another_folder_of_results_has_the_same_files():
    other = Paths("results-preview/a")
    for name, pattern in PATTERNS.items():
        if name != "folder":
            assert getattr(other, name) == pattern.replace("results/", "results-preview/a/", 1)
    assert other.log(other.TRAIN) == PATHS.log(PATHS.TRAIN).replace("results/", "results-preview/a/", 1)
