"""The files that jobs read, and those with which a complete run ends."""

from types import SimpleNamespace

import pytest
from helpers.settings import ROOT, checked
from snakemake.exceptions import WorkflowError

from sgd_valleys.claims.collect import PARTS
from sgd_valleys.config.sweep import Cell, Run
from sgd_valleys.workflow.inputs import CLAIMED, Inputs, judged_parts
from sgd_valleys.workflow.jobs import Jobs
from sgd_valleys.workflow.titles import FIGURES

INPUTS = Inputs(*checked())
W = SimpleNamespace(experiment="mnist", eta="0.05", B="50", realization="0", diagram="H")


def test_the_table_of_figures_is_that_of_the_configuration():
    assert list(FIGURES) == [name for name in INPUTS.config["figures"] if name != "style"]
    assert all((ROOT / "src/sgd_valleys/figures" / f"{name}.py").is_file() for name in FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_reads_files_of_results_alone(name):
    files = INPUTS.figure(name)
    paths_of_figure = [path for found in files.values() for path in ([found] if isinstance(found, str) else found)]
    assert paths_of_figure and all(path.startswith("results/") and "{" not in path for path in paths_of_figure)
    assert len(set(paths_of_figure)) == len(paths_of_figure)


def test_a_figure_that_is_unknown_is_an_error():
    with pytest.raises(KeyError):
        INPUTS.figure("fig9")


def test_the_chunks_of_a_sweep_are_all_of_its_runs():
    files = INPUTS.train(W)
    assert "results/mnist/train/eta0.05_B50_r0-19.h5" in files
    assert "results/mnist/train/eta0.1_B1000_r0-0.h5" in files
    curvature = INPUTS.paths.CURVATURE
    assert INPUTS.chunks(curvature, "mnist", [Cell("0.1", 10)]) == ["results/mnist/curvature/eta0.1_B10_r0-19.h5"]


def test_a_run_is_in_one_chunk_and_an_unknown_run_is_refused():
    assert INPUTS.run_train(W) == "results/mnist/train/eta0.05_B50_r0-19.h5"
    with pytest.raises(WorkflowError, match=r"mnist\.sweep: no run of eta = 0\.05, B = 50, realization 20; allowed"):
        INPUTS.chunk(INPUTS.paths.TRAIN, "mnist", Run("0.05", 50, 20))
    with pytest.raises(WorkflowError, match=r"no run of eta = 0\.3"):
        INPUTS.chunk(INPUTS.paths.TRAIN, "mnist", Run("0.3", 50, 0))


def test_one_row_and_one_limit_a_value():
    assert len(INPUTS.phase_rows(W)) == 10
    assert INPUTS.small_eta_limits() == [
        f"results/two_valley/small_eta_limit/deltaS{delta_S}.h5" for delta_S in ("0.0005", "0.001")
    ]


def test_branched_runs_of_a_cell():
    assert INPUTS.branched(W) == [f"results/mnist/branches/endpoints/eta0.05_B50_r{r}.h5" for r in range(20)]


def test_spectra_are_of_one_rate_and_one_realization():
    assert INPUTS.spectra("figS1") == [
        f"results/mnist/curvature/eta0.01_B{B}_r0-{last}.h5"
        for B, last in ((10, 19), (20, 19), (50, 19), (100, 19), (200, 19), (500, 19), (1000, 0))
        for B, last in [next((B, end) for first, end in INPUTS.experiments["mnist"].sweep.job_chunks(Cell("0.01", B)))]
    ]


def parts_of(files):
    return {name.partition("/")[0] for name in files}


def with_figures(*names):
    """The configuration with some of its figures alone."""
    figures = {name: INPUTS.config["figures"][name] for name in ("style", *names)}
    return INPUTS.config | {"figures": figures}, INPUTS.experiments


def test_claims_of_another_experiment_are_left_out_where_there_is_none():
    assert parts_of(INPUTS.claims()) == set(CLAIMED) == set(PARTS)
    settings = {"experiment": "mnist", "eta_colors": ["red"] * 4, "spectrum_eta": 0.01}
    alone = Inputs(*checked({"figures": {"figS5": settings}}))
    assert parts_of(alone.claims()) == set(CLAIMED) - {"other"}


@pytest.mark.parametrize(
    ("figures", "parts"),
    [
        ((), set()),
        (("fig4", "figS2"), set()),  # the paper's claims are stated with other figures
        (("figS1",), {"spectra"}),
        (("fig2", "fig4X"), {"noise", "branches"}),
        (("figS6",), {"diagrams"}),
        (("fig6",), {"theory"}),
        (("fig1", "figS5"), {"barriers", "other"}),
    ],
)
def test_claims_are_made_of_the_figures_that_are_drawn(figures, parts):
    configuration = with_figures(*figures)
    files, settings = Inputs(*configuration).claims(), Jobs(*configuration).claims()
    assert parts_of(files) == settings["parts"].keys() == set(judged_parts(configuration[0]["figures"])) == parts
    assert all(files.values())
    if figures == ("figS6",):
        assert files == {"diagrams/diagrams": ["results/two_valley/phase_diagram_H2.h5"]}


def test_a_complete_run_ends_with_every_figure_map_and_table():
    targets = INPUTS.targets()
    measures = [path for name in INPUTS.experiments for path in INPUTS.measures(name)]
    maps, branched = 2 + 2 + 5, 1 + 5  # mnist, cifar10, and the controls with several cells; cells with branches
    assert len(targets) == len(set(targets)) == 2 * len(INPUTS.drawn) + maps + branched + 2 + len(measures) + 3 + 3


def test_measures_are_of_every_stack_or_of_those_with_chosen_runs():
    found = INPUTS.measures("mnist")
    stacks = INPUTS.chunks(INPUTS.paths.TRAIN, "mnist")
    for kind in ("layer_curvature/all", "flatness"):
        assert [path for path in found if f"/{kind}/" in path] == [path.replace("train", kind, 1) for path in stacks]
    edge = [path for path in found if "/edge_of_stability/" in path]
    assert len(edge) == 7 + 8  # gradient descent at every rate, and eight cells
    assert all("_r0-" in path for path in edge)  # the stack with realization 0
    noise = [path for path in found if "/gradient_noise/" in path]
    assert noise == ["results/mnist/gradient_noise/eta0.05_B50_r0-19.h5"]
    assert len([path for path in found if "/continuations/" in path]) == 36
    assert not INPUTS.measures("cifar10")


def test_measures_are_files_where_the_settings_ask_for_them():
    branched = [f"results/mnist/branches/basins/eta0.05_B50_r{r}.h5" for r in range(20)]
    assert set(INPUTS.measures("mnist")) >= {"results/mnist/paths.h5", *branched}
    without = Inputs(*checked({"experiments": {"mnist": {"paths": None, "branches": {"basins": None}}}}))
    assert not {"results/mnist/paths.h5", *branched} & set(without.targets())


def test_paths_read_what_the_settings_ask_for():
    files = INPUTS.path_ends(W)
    assert files["train"] == INPUTS.train(W) and files["reference"] in files["train"]
    assert files["barriers"] == "results/mnist/barriers.h5"
    no_slice = Inputs(*checked({"experiments": {"mnist": {"paths": {"slice": None}}}}))
    assert no_slice.path_ends(W).keys() == {"train", "barriers"}
    unbranched = {
        "fashion": {"like": "mnist", "dataset": {"name": "fashion_mnist"}, "branches": None, "barriers": None}
    }
    other = Inputs(*checked({"experiments": unbranched}))
    assert other.path_ends(SimpleNamespace(experiment="fashion")).keys() == {"train"}


def test_the_control_of_the_learning_rate_reads_measured_runs_and_displaced_starts():
    files = INPUTS.control("figC1")
    assert len(files["edge_of_stability"]) == 7 + 8  # gradient descent of every eta, and eight SGD cells
    assert len(files["starts"]) == len(files["start_endpoints"]) == 5
    assert all("displaced_starts/branches" in path for path in files["starts"])


def test_the_control_of_the_noise_reads_the_runs_whose_noise_is_measured():
    files = INPUTS.control("figC2")
    assert files["gradient_noise"] == ["results/mnist/gradient_noise/eta0.05_B50_r0-19.h5"]
    assert files["freezing"] == "results/mnist/freezing.h5"


def test_experiments_with_the_same_images_copy_those_of_the_first():
    def same(name):
        w = SimpleNamespace(experiment=name)
        return INPUTS.same_data(w), INPUTS.same_test_file(w)

    assert same("mnist") == same("cifar10") == same("subset_1") == ([], [])
    assert same("fresh") == (["results/mnist/data.h5"], ["results/mnist/test_file.h5"])
    noisy = {"experiments": {"mnist": {"training": {"label_noise": 0.2}}, "fresh": {"training": {"label_noise": 0.1}}}}
    inputs = Inputs(*checked(noisy, {"figures": {"figC3": {"beside": ["no_noise"]}}}))
    assert inputs.same_data(SimpleNamespace(experiment="fresh")) == []
    assert inputs.same_data(SimpleNamespace(experiment="covariance")) == ["results/mnist/data.h5"]
