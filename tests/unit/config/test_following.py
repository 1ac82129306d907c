"""One change is one edit: other settings follow the sweep, and a plain number never does."""

import pytest
from helpers.settings import SCHEMA, checked, read_settings

from sgd_valleys.config import validation
from sgd_valleys.config.following import choose, choose_several, choose_times
from sgd_valleys.config.resolution import resolve
from sgd_valleys.config.sweep import Cell, Run
from sgd_valleys.errors import UserError

ETA = [0.001, 0.01, 0.1]


def sweep(**changed: object) -> dict:
    return {"experiments": {"mnist": {"sweep": changed}}}


@pytest.mark.parametrize(
    ("choice", "chosen"),
    [("first", 0.001), ("last", 0.1), ({"nearest": 0.02}, 0.01), ({"nearest": 9}, 0.1), (0.3, 0.3)],
)
def test_one_value(choice: object, chosen: float) -> None:
    assert choose(choice, ETA) == chosen


@pytest.mark.parametrize(
    ("choice", "chosen"),
    [
        ("all", ETA),
        ("last", [0.1]),
        ({"nearest": [0.2, 0.3, 0.011]}, [0.1, 0.01]),
        ({"nearest": 0.2}, [0.1]),
        (["last", 0.01], [0.1, 0.01]),
    ],
)
def test_several_values(choice: object, chosen: list[float]) -> None:
    assert choose_several(choice, ETA) == chosen


def test_a_tie_is_the_smaller_value() -> None:
    assert choose({"nearest": 20}, [10, 40]) == 10
    assert choose_times({"nearest": [15, 90]}, [0, 10, 20]) == [10, 20]


def test_times_of_branches() -> None:
    assert choose_times("all", [0, 10]) == [0, 10]
    assert choose_times([0, 3], [0, 10]) == [0, 3]  # the check refuses 3


@pytest.mark.parametrize(
    "changed",
    [
        {"eta": [0.01, 0.02]},
        {"eta": [0.02]},
        {"B": [100]},
        {"B": [1000]},
        {"eta": [0.005], "B": [20]},
        {"realizations": 1},
        {"eta_T": 50},
    ],
)
@pytest.mark.parametrize("scale", [(), ("config/preview.yaml",)])
def test_a_changed_sweep_is_one_edit(changed: dict, scale: tuple[str, ...]) -> None:
    config, experiments = checked(*scale, sweep(**changed))
    mnist = experiments["mnist"]
    cells = set(mnist.sweep.cells)
    assert {run.cell for run in mnist.block_runs} <= cells and set(mnist.projected_cells) <= cells
    assert mnist.reference_run.cell in mnist.branchings
    assert config["figures"]["fig3"]["eta"] in mnist["sweep"]["eta"]
    assert set(config["figures"]["fig4"]["t_c"]) <= set(mnist.branchings[mnist.reference_run.cell].t_c)


def test_what_figures_show_is_recorded() -> None:
    figures = {"fig3": {"eta": 0.01, "realizations": [2]}, "figS1": {"eta": 0.05, "realization": 3}}
    mnist = checked({"figures": figures})[1]["mnist"]
    assert any(Run("0.01", 20, 2) in each for each in mnist.curvature_selections)
    assert not any(Run("0.01", 20, 1) in each for each in mnist.curvature_selections)
    spectra = mnist.spectrum_selections
    assert any(Run("0.05", 20, 3) in each for each in spectra)
    assert any(Run("0.05", 1000, 0) in each for each in spectra)  # gradient descent has realization 0 alone
    assert not any(Run("0.05", 20, 0) in each for each in spectra)
    without = checked({"figures": {"fig3": None, "figC4": None, "figS1": None}})[1]["mnist"]
    assert not without.spectrum_selections
    assert not any(Run("0.02", 20, 0) in each for each in without.curvature_selections)


def test_a_number_that_the_sweep_lacks_is_refused() -> None:
    for overlay in (
        {"figures": {"fig2": {"violin_eta": 0.03}}},
        {"experiments": {"mnist": {"branches": {"reference": {"eta": 0.03}}}}},
    ):
        with pytest.raises(UserError, match=r"eta = 0\.03: not in sweep\.eta"):
            checked(overlay)


@pytest.mark.parametrize(
    ("t_c", "found"),
    [
        ("all", range(0, 2001, 20)),
        ({"last": {"fraction": 0.25}, "step": {"recorded": 5}}, range(0, 501, 100)),
        ({"first": 0, "last": 200, "step": 100}, range(0, 201, 100)),
    ],
)
def test_branches_leave_at_recorded_times(t_c: object, found: range) -> None:
    (branching,) = checked({"experiments": {"mnist": {"branches": {"t_c": t_c}}}})[1]["mnist"].branchings.values()
    assert branching.t_c == found and branching.iterations == 2000


def test_a_figure_has_any_name_and_draws_one_of_the_paper() -> None:
    overlay = {
        "experiments": {
            "mnist": {"template": True},
            "fashion": {"like": "mnist", "dataset": {"name": "fashion_mnist"}},
        },
        "figures": {"fashion2": {"draw": "fig2", "experiment": "fashion", "violin_eta": 0.01}},
    }
    config, experiments = checked(overlay)
    assert list(experiments) == ["cifar10", "fashion"]
    drawn = {name: figure.get("draw") for name, figure in config["figures"].items()}
    assert drawn["fashion2"] == "fig2" and not {"fig1", "fig2", "fig4"} & drawn.keys()
    assert config["figures"]["fashion2"]["colormap"] == checked()[0]["figures"]["fig2"]["colormap"]
    assert config["figures"]["fashion2"]["violin_eta"] == 0.01


@pytest.mark.parametrize(
    ("overlay", "figures"),
    [
        ({"experiments": None}, {"fig5", "fig6", "fig6X", "figC9", "figS6"}),
        ({"two_valley": None, "experiments": {"mnist": None}}, {"figS5"}),
        (
            {"two_valley": {"phase_diagrams": {"H2": None}}, "experiments": {"mnist": None, "cifar10": None}},
            {"fig5", "fig6", "fig6X", "figC9"},
        ),
        ({"experiments": None, "two_valley": None}, set()),
        (
            {
                "two_valley": None,
                "experiments": {
                    "cifar10": None,
                    "mnist": {"branches": None, "barriers": None, "projection": {"cells": None}},
                },
            },
            {"fig2X", "fig3", *(f"figC{k}" for k in range(1, 9)), "figS1", "figS2", "figS3"},
        ),
    ],
)
def test_null_removes_what_it_names_and_the_figures_of_it(overlay: dict, figures: set[str]) -> None:
    config, _ = checked(overlay)
    assert config["figures"].keys() - {"style"} == figures


@pytest.mark.parametrize(
    ("overlay", "sentence"),
    [
        ({"figures": {"fgi2": {"colormap": "jet"}}}, r"figures\.fgi2 without draw: .* allowed are fig1, .*mean fig2\?"),
        ({"figures": {"a": {"draw": "fig22"}}}, r"figures\.a\.draw = 'fig22': .* allowed are fig1, .*mean fig2"),
        ({"figures": {"a-b": {"draw": "fig2"}}}, r"figures\.a-b: invalid name; allowed are letters, digits and _"),
        (
            {"figures": {"fig2": {"colour": "jet"}}},
            r"figures\.fig2: unknown setting colour; allowed are colormap, draw, ",
        ),
        (
            {"figures": {"fig2": {"experiment": "mnits"}}},
            r"figures\.fig2\.experiment = 'mnits': unknown; allowed are mnist",
        ),
        ({"figures": 3}, r"figures = 3: not a section; allowed are settings by name, or null"),
        (
            {"experiments": {"mnist": {"template": "yes"}}},
            r"mnist\.template = 'yes': not a boolean; allowed are true and false",
        ),
        (
            {"experiments": {"mnist": None, "a": {"like": "mnist"}}},
            r"a\.like = mnist: removed experiment; .* cifar10, a; .* replace the null of mnist by template: true",
        ),
    ],
)
def test_a_wrong_name_is_named(overlay: dict, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        validation.check(resolve(read_settings(overlay), read_settings()), SCHEMA)


def test_the_cells_with_runs_of_their_own_follow_the_sweep() -> None:
    counts = [
        {"eta": "all", "B": {"nearest": [55, 1000]}, "realizations": 40},
        {"eta": "last", "B": [50], "realizations": 30},
    ]
    _, experiments = checked(sweep(counts=counts))
    found = experiments["mnist"].sweep
    assert [found.count(Cell(eta, 50)) for eta in found.eta] == [40] * (len(found.eta) - 1) + [30]
    assert {found.count(cell) for cell in found.cells if cell.B == 1000} == {1}
    assert {found.count(cell) for cell in found.cells if cell.B == 20} == {20}


@pytest.mark.parametrize("removed", [None, {"template": True}])
def test_with_an_experiment_go_those_of_the_paper_that_are_like_it(removed: dict | None) -> None:
    own = {"like": "cifar10", "sweep": {"B": [20]}, "projection": {"block": {"B": "all"}}}
    _, experiments = checked({"experiments": {"mnist": removed, "own": own}})
    assert list(experiments) == ["cifar10", "own"]
    assert "fresh" not in checked({"experiments": {"minibatch": None}})[1]
