"""The workflow plans the paper, repeats itself bit for bit, and computes again only what has changed."""

import ast
import logging
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import xarray
import yaml
from helpers.checkout import Checkout, edited
from snakemake.utils import update_config

from sgd_valleys import progress
from sgd_valleys.data import download, images
from sgd_valleys.data.stored import load_network_and_samples
from sgd_valleys.errors import UserError
from sgd_valleys.measures.curvature import LayerHessian
from sgd_valleys.networks.loss import cross_entropy
from sgd_valleys.storage import hdf5

ROOT = Path(__file__).parents[2]
MAP_FIGURES = {"fig2", "fig2X", "fig3", "figS1", "figS2", "figS3", "figS5"}  # read cell_maps.h5
BRANCH_FIGURES = {"fig4", "fig4X", "figS4"}
MODEL_FIGURES = {"fig5", "fig6", "fig6X", "figS6"}
MNIST_FIGURES = {"fig1", "fig2", "fig2X", "fig3", "figS1", "figS2", "figS3"} | BRANCH_FIGURES
TRAINED_FIGURES = MNIST_FIGURES | {"figS5"}
FIGURES = TRAINED_FIGURES | MODEL_FIGURES
SWEEP_ANALYSES = {"endpoints", "jaccard", "barriers", "freezing", "cell_maps"}
BRANCHES = {"branch", "branch_curvature", "branch_endpoints", "branch_projection", "branch_statistics"}
COMPUTED = (".h5", ".png", ".pdf", ".yaml", ".json", ".html", ".md")
MODEL = {"phase_row", "phase_diagram", "occupancy", "small_eta_limit", "fokker_planck", "theory"}
CLAIMS = {"claims", "claims_table"}


def test_the_paper_is_49_cells_20_branched_runs_two_phase_diagrams_15_figures_and_a_page(checkout: Checkout) -> None:
    plan = checkout.plan(tiny=False, cores=8)
    runs = defaultdict(list)
    for name in (name for name in plan["train"] if "/" not in name):
        eta, B, first, last = re.fullmatch(r"eta([0-9.]+)_B(\d+)_r(\d+)-(\d+)\.h5", name).groups()
        runs[eta, int(B)] += range(int(first), int(last) + 1)
    assert len(runs) == 49
    for (_, B), realizations in runs.items():
        assert sorted(realizations) == ([0] if B == 1000 else list(range(20)))
    assert sorted(plan["curvature"]) == sorted(plan["train"])
    branched = [f"eta0.05_B50_r{r}.h5" for r in range(20)]
    assert sorted(plan["branch"]) == sorted(plan["branch_endpoints"]) == sorted(branched)
    assert plan["branch_projection"] == branched[:1]
    assert len(plan["phase_row"]) == 20
    trained = SWEEP_ANALYSES | BRANCHES | {"data", "test_file", "train", "curvature", "projection"}
    assert set(plan) == FIGURES | trained | MODEL | CLAIMS | {"explorer"}
    assert len(FIGURES) == 15
    convolutional = re.findall(r"cifar10/eta([0-9.]+)_B(\d+)_", " ".join(plan["train"]))
    assert len(set(convolutional)) == 9


def test_the_paper_on_a_cluster_is_as_many_jobs_and_submissions_as_its_page_says(checkout: Checkout) -> None:
    page = (ROOT / "docs" / "cluster.md").read_text()
    jobs, submissions = map(int, re.search(r"The paper is (\d+) jobs in (\d+) submissions", page).groups())
    shown = checkout.run("--dry-run", "--workflow-profile", "profiles/slurm", tiny=False, cores=None)
    alone, grouped = (re.findall(rf"^{indent}rule (\w+):$", shown, re.M) for indent in ("", " {4}"))
    submitted = [rule for rule in alone if rule not in ("all", "crate")]
    assert len(submitted) + len(grouped) == jobs
    assert len(submitted) + len(re.findall(r"Group job \w+ ", shown)) == submissions


def differing(one: Checkout, other: Checkout) -> list[str]:
    """Names of the computed files that only one has, or whose bytes differ (HDF5 attributes included)."""
    a, b = one.results(*COMPUTED), other.results(*COMPUTED)
    return sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name))


def test_the_number_of_cores_changes_no_bit(complete: Checkout, checkout: Checkout) -> None:
    checkout.run(cores=1)
    assert len(checkout.results(".png")) == len(FIGURES)
    assert differing(complete, checkout) == []


def test_half_of_the_results_deleted_come_back_bit_for_bit(complete: Checkout, finished: Checkout) -> None:
    for name in list(finished.results(*COMPUTED))[::2]:
        (finished.root / "results" / name).unlink()
    finished.run()
    # a row of a phase diagram is not needed again where the diagram is there, and the crate names the files there are
    unneeded = ("two_valley/phase_diagram/", "ro-crate-metadata.json")
    missing = [name for name in differing(complete, finished) if not name.startswith(unneeded)]
    assert missing == []


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


@pytest.mark.parametrize(
    ("source", "run"),
    [
        ("src/sgd_valleys/figures/fig2.py", {"fig2", "fig2X"}),
        ("src/sgd_valleys/claims/tables.py", {"claims_table"}),
        ("src/sgd_valleys/claims/rules.py", CLAIMS),
        ("src/sgd_valleys/figures/style.py", FIGURES | {"explorer"}),
        ("src/sgd_valleys/explorer/page.js", {"explorer"}),
        (
            "workflow/scripts/freezing.py",
            {"freezing", "cell_maps", "explorer"} | MAP_FIGURES | CLAIMS,
        ),
        (
            "src/sgd_valleys/freezing.py",
            {
                "freezing",
                "cell_maps",
                "branch_endpoints",
                "branch_statistics",
                "explorer",
            }
            | MAP_FIGURES
            | BRANCH_FIGURES
            | CLAIMS,
        ),
        ("workflow/scripts/branch_statistics.py", {"branch_statistics", "fig4X"} | CLAIMS),
        ("workflow/scripts/branch.py", BRANCHES | BRANCH_FIGURES | CLAIMS | {"explorer"}),
        (
            "src/sgd_valleys/curvature.py",
            {
                "curvature",
                "endpoints",
                "cell_maps",
                "branch_curvature",
                "branch_endpoints",
                "branch_statistics",
                "explorer",
            }
            | TRAINED_FIGURES - {"fig1"}
            | CLAIMS,
        ),
        (
            "src/sgd_valleys/training.py",
            TRAINED_FIGURES | SWEEP_ANALYSES | BRANCHES | CLAIMS | {"train", "curvature", "projection", "explorer"},
        ),
        ("src/sgd_valleys/two_valley/theory.py", {"theory", "fig5", "fig6", "fig6X"} | CLAIMS),
        ("src/sgd_valleys/two_valley/diffusion.py", {"fokker_planck", "theory", "fig5", "fig6", "fig6X"} | CLAIMS),
        (
            "src/sgd_valleys/two_valley/langevin.py",
            {"phase_row", "phase_diagram", "occupancy", "small_eta_limit", "explorer"} | MODEL_FIGURES | CLAIMS,
        ),
    ],
)
def test_an_edit_runs_what_depends_on_it_and_nothing_else(finished: Checkout, source: str, run: set[str]) -> None:
    with (finished.root / source).open("a") as file:
        file.write("\n# edited\n")
    plan = finished.plan()
    assert set(plan) == run
    assert len(plan.get("train", [])) in (0, 6 + 4)  # all of both experiments


@pytest.mark.parametrize(
    ("sweep", "cells", "also"),
    [
        ({"B": [10, 20, 50, 100]}, {"eta0.01_B20_r0-1", "eta0.02_B20_r0-1"}, MNIST_FIGURES - BRANCH_FIGURES),
        (
            {"realizations": 3},
            {f"eta{eta}_B{B}_r2-2" for eta in (0.01, 0.02) for B in (10, 50)},
            MNIST_FIGURES - {"fig4", "figS4"} | BRANCHES - {"branch_projection"} | {"projection"},
        ),
    ],
)
def test_more_cells_and_runs_leave_the_old_ones_alone(
    finished: Checkout, sweep: dict, cells: set[str], also: set[str]
) -> None:
    finished.set({"experiments": {"mnist": {"sweep": sweep}}})
    plan = finished.plan()
    assert set(plan) == SWEEP_ANALYSES | CLAIMS | {"train", "curvature", "explorer"} | also
    assert plan.get("branch", ["eta0.02_B10_r2.h5"]) == ["eta0.02_B10_r2.h5"]
    assert set(plan["train"]) == set(plan["curvature"]) == {f"{cell}.h5" for cell in cells}

    old = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in finished.root.glob("results/mnist/train/*")}
    finished.run("--until", "train")
    assert len(list(finished.root.glob("results/mnist/train/*"))) == len(old) + len(cells)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in old} == old


def test_another_learning_rate_is_another_row_of_a_phase_diagram(finished: Checkout) -> None:
    finished.set({"two_valley": {"phase_diagrams": {"H": {"eta": {"last": 1.0, "points": 3}}}}})
    plan = finished.plan()
    assert plan["phase_row"] == ["eta1.h5"]
    # continuous time is followed for as long as the longest runs of the diagram
    assert set(plan) == {"phase_row", "phase_diagram", "fokker_planck", "fig5", "fig6X", "explorer"} | CLAIMS
    shown = finished.run("results/figures/fig5.png")
    assert "two_valley.phase_diagrams.H.eta: at eta = 1 the sharp valley is unstable: it needs eta < f_2(y)" in shown
    diagram = hdf5.read(finished.root / "results/two_valley/phase_diagram_H.h5")
    assert diagram["stable"].tolist() == [True, True, False]
    assert diagram["p_flat"].shape == diagram["p_flat_error"].shape == (3, 3)


def test_one_rate_more_in_a_list_is_one_row_more(finished: Checkout) -> None:
    finished.set({"two_valley": {"phase_diagrams": {"H2": {"eta": [0.001, 0.1, 0.05]}}}})
    assert finished.plan()["phase_row"] == ["eta0.05.h5"]


def test_what_the_settings_ask_for_is_computed_though_no_figure_shows_it(finished: Checkout) -> None:
    tiny = yaml.safe_load((ROOT / "tests" / "tiny.yaml").read_text())
    (first,) = tiny["experiments"]["mnist"]["branches"]["runs"]
    second = first | {"B": [50], "realizations": [0], "t_c": {"first": 0, "last": 100, "step": 50}}
    finished.set({"experiments": {"mnist": {"branches": {"runs": [first, second]}}}})
    white = tiny["two_valley"]["phase_diagrams"]["H"] | {"noise": "isotropic", "start": {"x": 0.01, "y": 5.0}}
    white |= {"eta": [0.01], "sigma": [0.1]}
    finished.set({"two_valley": {"phase_diagrams": {"white": white}}})
    plan = finished.plan()
    assert plan["branch"] == ["eta0.02_B50_r0.h5"]
    assert plan["branch_statistics"] == ["eta0.02_B50.h5"]
    assert plan["phase_diagram"] == ["phase_diagram_white.h5"]
    finished.run("results/mnist/branches/statistics/eta0.02_B50.h5", "results/two_valley/phase_diagram_white.h5")
    alone = hdf5.read(finished.root / "results/mnist/branches/statistics/eta0.02_B50.h5")
    assert alone["t_c"].tolist() == [0, 50, 100] and np.isnan(alone["flatness_interval"]).all()


RULE = re.compile(r"^(?:rule (\w+)|use rule (\w+) as (\w+) with):\n((?:    .*\n|\n)*)", re.MULTILINE)
INFRASTRUCTURE = {
    "errors": "an exception's name",
    "progress": "what a job says while it runs",
    "resume": "where a job that was killed goes on, to the same end",
    "storage": "how files are written: the arrays in them come from elsewhere",
}


def rules() -> dict[str, dict[str, str]]:
    """The text of every directive of every rule under workflow/rules; a rule made from another has its too."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")):
        for name, base, derived, body in RULE.findall(path.read_text()):
            directives = dict(re.findall(r"^    (\w+):((?:.*\n)(?:        .*\n|\n)*)", body, re.MULTILINE))
            found[name or derived] = found.get(base, {}) | directives
    return found


def imported(path: Path) -> set[str]:
    """Modules of the library that a file imports, anywhere in it, as paths without .py."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    modules = {name.removeprefix("sgd_valleys.").replace(".", "/") for name in names if name.startswith("sgd_valleys.")}
    return {name for name in modules if (ROOT / "src" / "sgd_valleys" / f"{name}.py").is_file()}


def needed(start: set[str]) -> set[str]:
    """``start`` and whatever its modules import, in turn."""
    found, new = set(), set(start)
    while new:
        found |= new
        new = {name for module in new for name in imported(ROOT / "src" / "sgd_valleys" / f"{module}.py")} - found
    return found


@pytest.mark.parametrize("rule", sorted(rules()))
def test_every_rule_says_what_it_logs_and_needs(rule: str) -> None:
    text = rules()[rule]
    assert {"input", "output", "log", "benchmark", "conda", "resources", "script"} <= set(text)
    assert re.search(r"\bmem_mb=(\d+|lambda)", text["resources"])
    assert re.search(r"\bruntime=(\d+|\w+_minutes)", text["resources"])


@pytest.mark.parametrize("rule", sorted(rules()))
def test_every_rule_names_the_modules_its_result_depends_on(rule: str) -> None:
    text = rules()[rule]
    script = ROOT / "workflow" / "rules" / re.search(r'"(.+)"', text["script"])[1]
    start = imported(script)
    if script.name == "figure.py":  # imports the figure's module by name
        start.add(f"figures/{rule}")
    modules = re.search(r"modules\((.*?)\)", text["input"], re.DOTALL)
    named = set(re.findall(r'"(.+?)"', modules[1])) if modules else set()
    assert named == needed(start) - INFRASTRUCTURE.keys()


def test_snakefmt_and_the_linter_find_nothing(checkout: Checkout) -> None:
    snakefmt = [sys.executable, "-m", "snakefmt.snakefmt", "--check", "--config", ROOT / "pyproject.toml"]
    formatted = subprocess.run(
        [*snakefmt, "Snakefile", "workflow"], cwd=checkout.root, capture_output=True, text=True, timeout=60
    )
    assert formatted.returncode == 0, formatted.stderr
    assert "Congratulations, your workflow is in a good condition!" in checkout.run("--lint", tiny=False)


def test_every_training_log_says_its_iterations(complete: Checkout) -> None:
    logs = sorted(complete.root.glob("results/logs/mnist/train/*.log"))
    assert len(logs) == 6
    for log in logs:
        eta = re.match(r"eta([0-9.]+)_", log.name)[1]
        assert f" {round(10 / float(eta))} iterations" in log.read_text()


@pytest.mark.parametrize("seconds", [0.003, 1.0, 4.9])
def test_a_job_is_heard_of_at_least_every_10_seconds(
    seconds: float, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock, heard = 0.0, [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock)
    caplog.set_level(logging.INFO)
    steps = int(60 / seconds)
    tell = progress.Progress(steps, "samples", logging.getLogger("sgd_valleys.test"))
    for _ in range(steps):
        clock += seconds
        tell()
        heard += [clock] * len(caplog.records)
        caplog.clear()
    gaps = [later - earlier for earlier, later in zip(heard, [*heard[1:], clock], strict=True)]
    assert max(gaps) <= 10
    assert len(heard) < 15


def test_every_file_opens_in_xarray_with_named_axes(complete: Checkout) -> None:
    paths = sorted((complete.root / "results").rglob("*.h5"))
    assert len(paths) == 28 + 15 + 11
    for path in paths:
        with xarray.open_dataset(path, engine="h5netcdf") as found:
            for name, array in found.variables.items():
                assert not [dim for dim in array.dims if dim.startswith("phony")], (path.name, name)
                assert array.attrs["long_name"], (path.name, name)
                assert array.attrs["units"], (path.name, name)


def test_the_conda_environment_has_the_pinned_versions() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    listed = yaml.safe_load((ROOT / "envs" / "sgd-valleys.yaml").read_text())["dependencies"]
    conda = {entry.replace("matplotlib-base", "matplotlib") for entry in listed if isinstance(entry, str)}
    (pip,) = (entry["pip"] for entry in listed if isinstance(entry, dict))
    pins = {re.sub("=+", "==", entry) for entry in conda | set(pip) if "=" in entry and not entry.startswith("python=")}
    # Snakemake starts the jobs; inside a job's own environment it is not needed.
    assert pins == {pin for pin in wanted if not pin.startswith("snakemake")}


def test_a_diverged_run_and_a_cell_in_several_stacks_go_through_to_the_figures(finished: Checkout) -> None:
    finished.set({"experiments": {"mnist": {"sweep": {"realizations": 3}}}})
    finished.run("--until", "train")
    with edited(finished.root / "results/mnist/train/eta0.02_B10_r0-1.h5") as file:
        for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy", "layer_weight"):
            file[name][0, 3:] = np.nan  # realization 0: in the block of Fig. 1, of Fig. 2B and C, and all of Fig. 3A
        for name in file:
            if name.startswith("final_"):
                file[name][0] = np.nan
            if name.startswith("checkpoint_"):
                file[name][0, 3:] = np.nan
        file["test_error"][0, 3:] = 1
        file["diverged"][0] = 1
    finished.run()

    endpoints = hdf5.read(finished.root / "results/mnist/endpoints.h5")
    cell = list(endpoints["eta"]).index(0.02), list(endpoints["B"]).index(10)
    assert endpoints["diverged"][cell].tolist() == [True, False, False]
    assert endpoints["runs"][cell] == 3
    assert endpoints["convergence_probability"][cell] == pytest.approx(2 / 3)
    assert np.isnan(endpoints["flatness"][cell]).tolist() == [True, False, False]
    assert endpoints["similarity"][cell] < 1
    block = hdf5.read(finished.root / "results/mnist/jaccard.h5")
    lost = (block["block_eta"] == 0.02) & (block["block_B"] == 10)
    assert np.array_equal(np.isnan(block["block_jaccard"]), lost | lost[:, None])
    paths = hdf5.read(finished.root / "results/mnist/barriers.h5")
    assert np.isfinite(paths["path_loss"]).all() and np.isfinite(paths["pair_barrier"]).all()
    assert np.isfinite(paths["block_r_squared"]).tolist() == [True, True, True]  # the first over one run fewer
    branches = hdf5.read(finished.root / "results/mnist/branches/endpoints/eta0.02_B10_r0.h5")
    lost = branches["t_c"] >= 150  # they leave the run after it was lost
    for name in ("flatness", "test_loss", "test_file_loss"):
        assert (np.isnan(branches[name]) == lost).all()
    assert np.isnan(branches["similarity_to_last"]).all() and np.isnan(branches["basin_freezing_time"])
    statistics = hdf5.read(finished.root / "results/mnist/branches/statistics/eta0.02_B10.h5")
    assert np.isfinite(statistics["basin_freezing_time"]).tolist() == [False, True, True]
    assert np.isfinite(statistics["flatness_mean"]).all()
    log = (finished.root / "results/logs/mnist/curvature/eta0.02_B10_r0-1.log").read_text()
    assert "no top 10: the network's output is not finite" in log
    assert "8 without a positive, converged top 10" in log
    assert len(finished.results(".png")) == len(FIGURES)


def test_another_experiment_is_another_entry_of_the_config(checkout: Checkout) -> None:
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    update_config(config, yaml.safe_load((ROOT / "tests" / "tiny.yaml").read_text()))
    wide = config["experiments"]["mnist"] | {"network": {"name": "mlp", "hidden": [24, 30, 24]}}
    checkout.set({"experiments": {"wide": wide}, "figures": {"figS2": {"experiment": "wide"}}})
    checkout.run("results/figures/figS2.png")
    assert not (checkout.root / "results" / "mnist").exists()
    path = checkout.root / "results/wide/train/eta0.02_B10_r0-1.h5"
    assert hdf5.read(path, ["layer_weight"])["layer_weight"].shape == (2, 11, 30, 24)


def test_fashion_mnist_is_settings_alone(checkout: Checkout, mnist_root: Path) -> None:
    try:
        download.fetch("fashion_mnist", mnist_root)
    except UserError as error:
        pytest.skip(str(error))
    (shown,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "experiments.md").read_text(), re.DOTALL)
    before = checkout.plan()
    checkout.set(yaml.safe_load(shown))
    plan = checkout.plan()
    assert set(plan) <= set(before)  # no other rules
    assert {name for name in plan["train"] if name.startswith("fashion/")} == {
        f"fashion/{name}" for name in before["train"] if "/" not in name
    }
    checkout.run(*(f"results/figures/{name}.png" for name in ("fig2", "fig2X", "fig3")))
    assert not (checkout.root / "results" / "mnist").exists()
    found = hdf5.read(checkout.root / "results/fashion/data.h5")
    raw = images.load("fashion_mnist", mnist_root, 10, 20)
    assert np.array_equal(found["train_image"], raw.train_image)
    assert not np.array_equal(found["train_image"], images.load("mnist", mnist_root, 10, 20).train_image)
    run = hdf5.read(checkout.root / "results/fashion/train/eta0.02_B10_r0-1.h5")
    assert (run["train_loss"][:, -1] < run["train_loss"][:, 0] / 2).all()


def test_the_convolutional_network_goes_through_the_same_rules(complete: Checkout) -> None:
    folder = complete.root / "results/cifar10"
    run = hdf5.read(folder / "train/eta0.05_B10_r0-1.h5")
    assert run["layer_weight"].shape == (2, 3, 10, 8) and run["final_layer1_weight"].shape == (2, 4, 3, 3, 3)
    assert run["checkpoint"].tolist() == [0]
    # what is stored is the network's: its loss, and the curvature of its last layer on the first two images a class
    settings = {"network": {"name": "cnn", "channels": [4, 4, 4], "hidden": [8]}, "classes": 10}
    network, samples = load_network_and_samples(folder / "data.h5", settings, ["train"])
    images, labels = samples["train"]
    parameters = {name: run[f"final_{name}"][1].astype(np.float64) for name in network.names()}
    loss = cross_entropy(network.forward(parameters, images.astype(np.float64)), labels)
    assert run["train_loss"][1, -1] == pytest.approx(loss, rel=1e-5)
    few = np.concatenate([np.flatnonzero(labels == c)[:2] for c in range(10)])
    hessian = LayerHessian(network.linearize(parameters, images[few].astype(np.float64), 5))
    bent = hdf5.read(folder / "curvature/eta0.05_B10_r0-1.h5")
    assert bent["eigenvalue"][1, -1] == pytest.approx(hessian.spectrum()[:10], rel=1e-9)
    assert np.isfinite(bent["flatness"][0]).all()


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_trends_are_of_what_the_figures_show(complete: Checkout, name: str) -> None:
    folder = complete.root / "results" / name
    found, ends = hdf5.read(folder / "cell_maps.h5"), hdf5.read(folder / "endpoints.h5")
    for shared in ("similarity", "convergence_probability"):
        assert found[shared] == pytest.approx(ends[shared], nan_ok=True)
    times = hdf5.read(folder / "freezing.h5", ["freezing_time"])["freezing_time"][0]
    mean = np.nansum(times, axis=-1) / np.isfinite(times).sum(axis=-1)  # every cell has runs that freeze
    assert found["eta_t_freeze"] == pytest.approx(ends["eta"][:, None] * mean)
    rates, sizes = np.meshgrid(found["eta"], found["B"], indexing="ij")
    noise = np.where((name == "mnist") & (sizes == 100), 0, rates / sizes)  # 100 images: gradient descent
    assert found["noise"] == pytest.approx(noise)
    low, high = found["similarity_interval"]
    assert np.isnan(found["similarity_correlation"]) or low <= high
