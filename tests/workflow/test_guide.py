"""Every example in Python of README and docs/guide.md runs as printed, on the results of a finished run."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from helpers.checkout import ROOT, Checkout

from sgd_valleys.errors import UserError
from sgd_valleys.results.cell import Cell
from sgd_valleys.storage import hdf5

README = "Without Snakemake"
EXAMPLES = [
    example
    for page in ("README.md", "docs/guide.md")
    for example in re.findall(
        r"^## ([^\n]*)\n(?:(?!^## ).)*?```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.M | re.S
    )
]


@pytest.fixture
def run(finished: Checkout, mnist_root, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict]:
    """Runs the named examples one after the other in the folder of a finished run, and returns what they define."""
    (finished.root / "data").symlink_to(mnist_root.absolute())
    monkeypatch.chdir(finished.root)
    monkeypatch.setenv("MPLBACKEND", "agg")

    def run_examples(*titles: str) -> dict:
        defined: dict = {}
        for title in titles:
            (code,) = (code for name, code in EXAMPLES if name.startswith(title))
            exec(code, defined)
        return defined

    return run_examples


def test_the_readmes_example_has_ten_lines_and_the_workflows_flatness(run, capsys) -> None:
    (code,) = (code for title, code in EXAMPLES if title == README)
    assert len([line for line in code.splitlines() if line]) <= 10
    cell = run(README)["cell"]
    stored = hdf5.read("results/mnist/curvature/eta0.02_B50_r0-1.h5", ["flatness"])["flatness"][0, -1]
    assert float(capsys.readouterr().out) == pytest.approx(stored, rel=1e-12)
    assert cell.trajectory().shape == (2, 11, 2)
    with open("trajectories.png", "rb") as picture:
        assert picture.read(4) == b"\x89PNG"


def test_one_cell(run, capsys) -> None:
    run("One cell")
    realizations, loss, trace = capsys.readouterr().out.splitlines()
    assert realizations == "[0, 1] (2, 11)"
    stored = hdf5.read("results/mnist/train/eta0.02_B50_r0-1.h5", ["train_loss"])["train_loss"][0, -1]
    assert float(loss) == pytest.approx(stored, rel=1e-5)
    stored = hdf5.read("results/mnist/curvature/eta0.02_B50_r0-1.h5", ["trace"])["trace"][0, -1]
    assert float(trace) == pytest.approx(stored, rel=1e-12)


def test_all_cells_at_once_and_the_barrier(run, capsys) -> None:
    found = run("All cells")["flatness"]
    assert found.dims == ("eta", "B") and np.isfinite(found).all()
    loss = run("A barrier")["loss"]
    ends = [
        Cell("results/mnist", eta, B).read("train_loss")["train_loss"][0, -1] for eta, B in ((0.02, 10), (0.01, 50))
    ]
    assert loss[[0, -1]] == pytest.approx(ends, rel=1e-5)  # alpha = 0 is the second solution


@pytest.mark.slow
def test_a_network_a_schedule_and_a_file_of_ones_own(run) -> None:
    found = run("A network", "A noise schedule", "A file")
    assert (found["run"].train_loss[:, -1] < 0.05).all()
    assert (found["run"].test_accuracy[:, -1] > 0.85).all()
    assert np.isfinite(found["top"].eigenvalue).all()
    schedule = np.concatenate(found["steps"])
    assert schedule[-1] < 0.1 < schedule[0]
    assert schedule[11] == schedule[10]  # a part begins where the one before it ended
    assert hdf5.read("mine.h5")["train_loss"].shape == (5, 101)


@pytest.mark.slow
def test_the_two_valley_model(run) -> None:
    share, error = run("The two-valley")["run_statistics"].p_flat(run("The two-valley")["runs"])
    assert share - 3 * error > 0.5


def test_every_example_is_run_here() -> None:
    tested = (README, "One cell", "All cells", "A barrier", "A network", "A noise", "The two-valley", "A file")
    assert all(title.startswith(tested) for title, _ in EXAMPLES)
    assert len(EXAMPLES) == len(tested)


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_a_cell_has_what_the_workflow_stored_of_its_runs(complete: Checkout, name: str) -> None:
    folder = complete.root / "results" / name
    cell = Cell(folder, eta=0.02, B=10)
    assert cell.realizations == [0, 1]
    stored = hdf5.read(folder / "curvature/eta0.02_B10_r0-1.h5", ["flatness", "trace"])
    run = cell.read("train_loss")
    for r in cell.realizations:
        theta = cell.parameters(r)
        assert cell.loss(theta) == pytest.approx(run["train_loss"][r, -1], rel=1e-5)
        assert cell.hessian(theta).trace() == pytest.approx(stored["trace"][r, -1], rel=1e-12)
        assert cell.flatness(r) == pytest.approx(stored["flatness"][r, -1], rel=1e-12, nan_ok=True)


def test_a_cell_or_a_run_that_there_is_not_is_named(complete: Checkout) -> None:
    folder = complete.root / "results/mnist"
    with pytest.raises(UserError, match=r"no cell of eta = 0\.05, B = 50: there are eta0\.01_B10, "):
        Cell(folder, 0.05, 50)
    with pytest.raises(UserError, match=r"eta = 0\.01, B = 100 has no realization 1"):
        Cell(folder, 0.01, 100).parameters(1)
