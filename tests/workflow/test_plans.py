"""The settings determine which jobs a run has."""

import re
from collections import defaultdict

import numpy as np
import pytest
from helpers.checkout import ROOT, Checkout
from helpers.paper import BRANCHES, CLAIMS, CONTROLS, FIGURES, MEASURES, MODEL, SWEEP_ANALYSES
from helpers.settings import read_settings

from sgd_valleys.storage import hdf5


def test_the_paper_is_49_cells_20_branched_runs_two_phase_diagrams_24_figures_and_a_page(checkout: Checkout) -> None:
    plan = checkout.plan(tiny=False, cores=8)
    runs = defaultdict(list)
    own = [name for name in plan["train"] if "/" not in name]
    for name in own:
        eta, B, first, last = re.fullmatch(r"eta([0-9.]+)_B(\d+)_r(\d+)-(\d+)\.h5", name).groups()
        runs[eta, int(B)] += range(int(first), int(last) + 1)
    assert len(runs) == 49
    for (_, B), realizations in runs.items():
        assert sorted(realizations) == ([0] if B == 1000 else list(range(20)))
    assert sorted(plan["curvature"]) == sorted(plan["train"])
    assert sorted(plan["flatness"]) == sorted(own)
    branched = [f"eta0.05_B50_r{r}.h5" for r in range(20)]
    assert sorted(plan["branch"]) == sorted(plan["branch_endpoints"])
    assert sorted(name for name in plan["branch"] if "/" not in name) == sorted(branched)
    assert plan["branch_projection"] == branched[:1]
    assert len(plan["phase_row"]) == 20
    trained = SWEEP_ANALYSES | BRANCHES | MEASURES | {"data", "test_file", "train", "curvature", "projection"}
    assert set(plan) == FIGURES | CONTROLS | trained | MODEL | CLAIMS | {"explorer"}
    assert len(FIGURES) == 24
    convolutional = re.findall(r"cifar10/eta([0-9.]+)_B(\d+)_", " ".join(plan["train"]))
    assert len(set(convolutional)) == 9


def test_the_paper_on_a_cluster_is_as_many_jobs_and_submissions_as_its_page_says(checkout: Checkout) -> None:
    page = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    jobs, submissions = map(int, re.search(r"The paper is (\d+) jobs in (\d+) submissions", page).groups())
    shown = checkout.run("--dry-run", "--workflow-profile", "profiles/slurm", tiny=False, cores=None)
    alone, grouped = (re.findall(rf"^{indent}rule (\w+):$", shown, re.M) for indent in ("", " {4}"))
    submitted = [rule for rule in alone if rule not in ("all", "crate")]
    assert len(submitted) + len(grouped) == jobs
    assert len(submitted) + len(re.findall(r"Group job \w+ ", shown)) == submissions


def without_figure() -> dict:
    """Settings of a branched cell and of a phase diagram that no figure shows."""
    tiny = read_settings("tests/tiny.yaml")
    (first,) = tiny["experiments"]["mnist"]["branches"]["runs"]
    second = first | {"B": [50], "realizations": [0], "t_c": {"first": 0, "last": 100, "step": 50}}
    white = tiny["two_valley"]["phase_diagrams"]["H"] | {"noise": "isotropic", "start": {"x": 0.01, "y": 5.0}}
    white |= {"eta": [0.01], "sigma": [0.1]}
    return {
        "experiments": {"mnist": {"branches": {"runs": [first, second]}}},
        "two_valley": {"phase_diagrams": {"white": white}},
    }


def test_the_settings_ask_for_results_that_no_figure_shows(finished: Checkout) -> None:
    finished.set(without_figure())
    plan = finished.plan()
    assert plan["branch"] == ["eta0.02_B50_r0.h5"]
    assert plan["branch_statistics"] == ["eta0.02_B50.h5"]
    assert plan["phase_diagram"] == ["phase_diagram_white.h5"]


@pytest.mark.slow
def test_results_that_no_figure_shows_are_computed(finished: Checkout) -> None:
    finished.set(without_figure())
    finished.run("results/mnist/branches/statistics/eta0.02_B50.h5", "results/two_valley/phase_diagram_white.h5")
    alone = hdf5.read(finished.root / "results/mnist/branches/statistics/eta0.02_B50.h5")
    assert alone["t_c"].tolist() == [0, 50, 100] and np.isnan(alone["flatness_interval"]).all()
