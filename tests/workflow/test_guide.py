"""Every example in Python of README and docs/guide.md runs as printed, on the results of a finished run."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.checkout import ROOT, Checkout

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


def is_picture(path: str) -> bool:
    return Path(path).read_bytes()[:4] == b"\x89PNG"


def test_the_readmes_example_has_ten_lines_and_the_workflows_flatness(run, capsys) -> None:
    (code,) = (code for title, code in EXAMPLES if title == README)
    assert len([line for line in code.splitlines() if line]) <= 10
    cell = run(README)["cell"]
    stored = hdf5.read("results/mnist/curvature/eta0.02_B50_r0-1.h5", ["flatness"])["flatness"][0, -1]
    assert float(capsys.readouterr().out) == pytest.approx(stored, rel=1e-12)
    assert cell.trajectory().shape == (1, 11, 2)  # one run is kept
    assert is_picture("trajectories.png")


def test_one_cell(run, capsys) -> None:
    run("One cell")
    cells, realizations, converged, loss, trace, accuracy, early = capsys.readouterr().out.splitlines()
    assert cells.count("Cell('results/mnist', eta=0.0") == 6
    assert realizations == "[0, 1] (2, 11)"
    assert converged == "[ True  True]"
    train = hdf5.read("results/mnist/train/eta0.02_B50_r0-1.h5")
    assert float(accuracy) == pytest.approx(train["test_accuracy"][0, -1], abs=1e-12)
    assert float(early) == pytest.approx(train["train_loss"][0, 1], rel=1e-5)
    stored = hdf5.read("results/mnist/train/eta0.02_B50_r0-1.h5", ["train_loss"])["train_loss"][0, -1]
    assert float(loss) == pytest.approx(stored, rel=1e-5)
    stored = hdf5.read("results/mnist/curvature/eta0.02_B50_r0-1.h5", ["trace"])["trace"][0, -1]
    assert float(trace) == pytest.approx(stored, rel=1e-12)


def test_all_cells_at_once(run) -> None:
    found = run("All cells")["flatness"]
    assert found.dims == ("eta", "B") and np.isfinite(found).all()


def test_the_matrix_of_barriers(run) -> None:
    barriers = run("Barriers between cells")["barriers"]
    assert barriers.shape == (6, 6) and is_picture("barriers.png")
    assert np.diag(barriers) == pytest.approx(0, abs=1e-12)
    assert barriers == pytest.approx(barriers.T, abs=1e-12)
    assert barriers[~np.eye(6, dtype=bool)].max() > 1e-4


def test_flatness_against_loss(run) -> None:
    runs = run("Flatness against loss")["runs"]  # of the last cell
    stored = hdf5.read("results/mnist/curvature/eta0.02_B100_r0-0.h5", ["flatness"])["flatness"]
    assert np.array_equal(runs["flatness"], stored, equal_nan=True) and is_picture("flatness.png")


def test_loss_contours_in_the_plane_of_a_trajectory(run) -> None:
    found = run("Loss contours")
    x, y, path, loss = (found[name] for name in ("x", "y", "path", "loss"))
    assert loss.shape == (15, 15) and is_picture("contours.png")
    stored = hdf5.read("results/mnist/train/eta0.02_B50_r0-1.h5", ["train_loss"])["train_loss"][0]
    nearest = loss[np.abs(y - path[-1, 1]).argmin(), np.abs(x - path[-1, 0]).argmin()]
    assert nearest < 0.5 * stored[0]  # the end of the run lies in the valley that the contours show


@pytest.mark.slow
def test_a_network_a_schedule_and_a_file_of_ones_own(run) -> None:
    found = run("A network", "A noise schedule", "A file")
    assert (found["run"].train_loss[:, -1] < 0.05).all()
    assert (found["run"].test_accuracy[:, -1] > 0.85).all()
    assert np.isfinite(found["top"].eigenvalue).all()
    loss = found["scheduled"].train_loss
    assert (loss[:, -1] < 0.1).all() and (loss[:, 0] > 1).all()
    assert (np.diff(loss[:, 21:]) < 0).all()  # gradient descent, unlike the noisy phases before it
    assert (np.diff(loss[:, :21]) > 0).any()
    assert hdf5.read("mine.h5")["train_loss"].shape == (5, 101)


@pytest.mark.slow
def test_the_two_valley_model(run) -> None:
    share, error = run("The two-valley")["run_statistics"].p_flat(run("The two-valley")["runs"])
    assert share - 3 * error > 0.5


def test_every_example_is_run_here() -> None:
    analyses = ("Barriers between cells", "Flatness against loss", "Loss contours")
    tested = (README, "One cell", "All cells", *analyses, "A network", "A noise", "The two-valley", "A file")
    assert all(title.startswith(tested) for title, _ in EXAMPLES)
    assert len(EXAMPLES) == len(tested)


def test_the_analyses_are_short() -> None:
    lines = {title: len(code.splitlines()) for title, code in EXAMPLES}
    assert max(lines[title] for title in ("Barriers between cells", "Flatness against loss")) <= 15
    assert lines["Loss contours in the plane of a trajectory"] <= 17
