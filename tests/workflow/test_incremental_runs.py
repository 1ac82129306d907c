"""A change runs the jobs that depend on it and no others."""

import pytest
from helpers.checkout import RECORDS, ROOT, Checkout
from helpers.paper import (
    BRANCH_FIGURES,
    BRANCHES,
    CLAIMS,
    CONTROLS,
    FIGURES,
    MAP_FIGURES,
    MEASURES,
    MNIST_FIGURES,
    MODEL_FIGURES,
    SWEEP_ANALYSES,
    TRAINED_FIGURES,
)

from sgd_valleys.storage import hdf5

FREEZING = {"freezing", "cell_maps", "explorer"} | MAP_FIGURES | CLAIMS


def test_a_second_run_has_nothing_to_do(finished: Checkout) -> None:
    assert "Nothing to be done" in finished.run()


def test_time_stamps_alone_cause_nothing(finished: Checkout) -> None:
    for path in finished.root.rglob("*"):
        if path.is_file() and not {"results", ".snakemake"} & set(path.relative_to(finished.root).parts):
            path.touch()
    assert "Nothing to be done" in finished.run("--dry-run")


@pytest.mark.parametrize(
    ("changed", "drawn"),
    [
        ({"fig1": {"point_color": "#D55E00"}}, {"fig1"}),
        ({"figS2": {"colormap": "plasma"}}, {"figS2"}),
        ({"fig4": {"t_c_colormap": "viridis"}}, {"fig4", "explorer"}),
        ({"style": {"font_size": 8}}, FIGURES),
    ],
)
def test_a_change_of_looks_draws_the_figures_it_is_of(finished: Checkout, changed: dict, drawn: set[str]) -> None:
    finished.set({"figures": changed})
    assert set(finished.plan()) == drawn


# By file of code that is edited: the rules that run again, be it for the edit or for what they read.
EDITS = {
    "src/sgd_valleys/figures/fig2.py": {"fig2", "fig2X"},
    "src/sgd_valleys/claims/tables.py": {"claims_table"},
    "src/sgd_valleys/claims/verdict.py": CLAIMS,
    "src/sgd_valleys/figures/style.py": FIGURES,
    "src/sgd_valleys/explorer/page.js": {"explorer"},
    "workflow/scripts/freezing.py": FREEZING,
    "src/sgd_valleys/measures/freezing.py": FREEZING
    | {"endpoints", "branch_endpoints", "branch_statistics"}
    | BRANCH_FIGURES,
    "workflow/scripts/branch_statistics.py": {"branch_statistics", "fig4", "fig4X"} | CLAIMS,
    "workflow/scripts/branch.py": BRANCHES | BRANCH_FIGURES | CLAIMS | {"explorer"},
    "src/sgd_valleys/measures/curvature.py": {"curvature", "endpoints", "cell_maps", "explorer"}
    | {"branch_curvature", "branch_endpoints", "branch_statistics"}
    | MEASURES - {"edge_of_stability", "continuations"}
    | TRAINED_FIGURES - {"fig1"}
    | CLAIMS,
    "src/sgd_valleys/training/sgd.py": TRAINED_FIGURES
    | SWEEP_ANALYSES
    | MEASURES
    | BRANCHES
    | CLAIMS
    | {"train", "curvature", "projection", "explorer"},
    "src/sgd_valleys/two_valley/theory.py": {"theory", "phase_row", "phase_diagram", "model_control", "explorer"}
    | MODEL_FIGURES
    | CLAIMS,
    "src/sgd_valleys/two_valley/fokker_planck.py": {"fokker_planck", "fig6X"},
    "src/sgd_valleys/two_valley/diffusion.py": {"fokker_planck", "theory", "fig5", "fig6", "fig6X", "figC9"} | CLAIMS,
    "src/sgd_valleys/two_valley/langevin.py": {"phase_row", "phase_diagram", "occupancy", "small_eta_limit", "explorer"}
    | MODEL_FIGURES
    | {"model_control"}
    | CLAIMS,
}


GROUPS = {  # rules that docs/reruns.md names together
    "all figures": FIGURES - CONTROLS,
    "figures of networks": TRAINED_FIGURES,
    "figures of maps": MAP_FIGURES,
    "figures of branches": BRANCH_FIGURES,
    "figures of the model": MODEL_FIGURES,
    "analyses": SWEEP_ANALYSES,
    "measures": MEASURES,
    "branches": BRANCHES,
    "claims": CLAIMS,
}


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def quoted(rules: set[str]) -> list[str]:
    return [f"`{name}`" for name in sorted(rules)]


def in_words(rules: set[str]) -> str:
    """Name rules by groups as far as possible."""
    words, left = [], rules - CONTROLS
    for name, group in GROUPS.items():
        if group <= left:
            words.append(f"*{name}*")
            left = left - group
    return ", ".join([*quoted(left), *words])


def test_the_page_on_reruns_has_the_rules_of_every_edit_and_of_every_group() -> None:
    page = (ROOT / "docs/reruns.md").read_text(encoding="utf-8").splitlines()
    rows = [row(f"`{source}`", in_words(rules)) for source, rules in EDITS.items()]
    rows += [row(f"*{name}*", ", ".join(quoted(rules))) for name, rules in GROUPS.items()]
    assert [line for line in page if line.startswith(("| *", "| `src/", "| `workflow/"))] == rows, "\n".join(rows)


# five modules and a file that is not Python; `make test-all` tries the others too
TRIED = ("claims/tables.py", "figures/style.py", "measures/curvature.py", "training/sgd.py", "langevin.py", "page.js")


@pytest.mark.parametrize(
    "source", [pytest.param(name, marks=() if name.endswith(TRIED) else pytest.mark.slow) for name in EDITS]
)
def test_an_edit_runs_the_rules_that_import_it_and_what_depends_on_them(finished: Checkout, source: str) -> None:
    finished.edit_code(source)
    jobs = finished.jobs()
    again = {job["rule"] for job in jobs}
    assert again - CONTROLS == EDITS[source] - CONTROLS
    importing = {name for name, rule in finished.rules().items() if source in rule["code"]} - {*RECORDS}
    # Snakemake looks at the inputs of a job only where no input is made anew
    assert {job["rule"] for job in jobs if source in job["changed"]} <= importing <= again
    assert {tuple(job["changed"]) for job in jobs} <= {(source,), ()}  # the others run for outputs of these
    assert sum(job["rule"] == "train" for job in jobs) in (0, 22)  # all of all experiments


def test_a_new_import_is_followed_without_a_change_of_the_rule(finished: Checkout) -> None:
    module, target = "src/sgd_valleys/measures/freezing.py", "results/two_valley/phase_diagram_H.h5"
    script = finished.root / "workflow/scripts/phase_diagram.py"
    script.write_text(
        script.read_text(encoding="utf-8") + "\nfrom sgd_valleys.measures import freezing  # noqa\n", encoding="utf-8"
    )
    assert set(finished.plan(target)) == {"phase_diagram"}
    finished.run(target)
    assert finished.plan(target) == {}
    finished.edit_code(module)
    jobs = finished.jobs(target)
    assert [job["rule"] for job in jobs] == ["phase_diagram"] * len(jobs) and len(jobs) == 1
    assert jobs[0]["changed"] == [module]


@pytest.mark.parametrize(("changed", "projections"), [({"layer": 3}, 2), ({"curvature": {"N": 5}}, 0)])
def test_training_depends_neither_on_the_studied_layer_nor_on_the_number_of_eigenvalues(
    finished: Checkout, changed: dict, projections: int
) -> None:
    finished.set({"experiments": {"mnist": changed}})
    plan = set(finished.plan())
    assert {"curvature", "endpoints", "branch_curvature", "branch_endpoints", "fig4"} <= plan
    assert plan & {"data", "train", "branch", "jaccard", "freezing", "barriers"} == set()
    assert len(plan & {"projection", "branch_projection"}) == projections


@pytest.mark.parametrize(
    ("sweep", "cells", "also"),
    [
        ({"B": [10, 20, 50, 100]}, {"eta0.01_B20_r0-1", "eta0.02_B20_r0-1"}, MNIST_FIGURES - BRANCH_FIGURES),
        (
            {"realizations": 3},
            {f"eta{eta}_B{B}_r2-2" for eta in (0.01, 0.02) for B in (10, 50)},
            MNIST_FIGURES - {"figS4"} | BRANCHES - {"branch_projection"} | {"projection"},
        ),
    ],
)
def test_more_cells_and_runs_leave_the_old_ones_alone(
    finished: Checkout, sweep: dict, cells: set[str], also: set[str]
) -> None:
    finished.set({"experiments": {"mnist": {"sweep": sweep}}})
    plan = finished.plan()
    measured = {"curvature", "flatness", "layer_curvature"}  # of every stack
    assert set(plan) - CONTROLS == (SWEEP_ANALYSES | CLAIMS | {"train", "explorer"} | measured | also) - CONTROLS
    assert plan.get("branch", ["eta0.02_B10_r2.h5"]) == ["eta0.02_B10_r2.h5"]
    for rule in ("train", "curvature"):
        assert {name for name in plan[rule] if "/" not in name} == {f"{cell}.h5" for cell in cells}


@pytest.mark.slow
@pytest.mark.parametrize(("sweep", "new"), [({"B": [10, 20, 50, 100]}, 2), ({"realizations": 3}, 4)])
def test_old_runs_stay_as_they_are_when_new_ones_are_trained(finished: Checkout, sweep: dict, new: int) -> None:
    finished.set({"experiments": {"mnist": {"sweep": sweep}}})
    old = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in finished.root.glob("results/mnist/train/*")}
    finished.run("--until", "train")
    assert len(list(finished.root.glob("results/mnist/train/*"))) == len(old) + new
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in old} == old


def test_another_learning_rate_is_another_row_of_a_phase_diagram(finished: Checkout) -> None:
    finished.set({"two_valley": {"phase_diagrams": {"H": {"eta": {"last": 1.0, "points": 3}}}}})
    plan = finished.plan()
    assert plan["phase_row"] == ["eta1.h5"]
    # the longest runs of the diagram set the time of the Fokker-Planck solution
    assert set(plan) == {"phase_row", "phase_diagram", "fokker_planck", "fig5", "fig6X", "explorer"} | CLAIMS


@pytest.mark.slow
def test_a_learning_rate_beyond_stability_is_a_row_with_a_warning(finished: Checkout) -> None:
    finished.set({"two_valley": {"phase_diagrams": {"H": {"eta": {"last": 1.0, "points": 3}}}}})
    shown = finished.run("results/figures/fig5.png")
    assert "two_valley.phase_diagrams.H.eta = 1: the sharp valley is unstable; stable are eta < " in shown
    diagram = hdf5.read(finished.root / "results/two_valley/phase_diagram_H.h5")
    assert diagram["stable"].tolist() == [True, True, False]
    assert diagram["p_flat"].shape == diagram["p_flat_error"].shape == (3, 3)


def test_one_rate_more_in_a_list_is_one_row_more(finished: Checkout) -> None:
    finished.set({"two_valley": {"phase_diagrams": {"H2": {"eta": [0.001, 0.1, 0.05]}}}})
    assert finished.plan()["phase_row"] == ["eta0.05.h5"]
