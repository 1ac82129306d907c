"""Every example in Python of README, docs/python.md and docs/analysis.ipynb runs as printed, on a finished run."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.checkout import ROOT, Checkout

from sgd_valleys.storage import hdf5

README = "From Python"
MODULE = "A part of another workflow"  # test_module.py runs this one
EXAMPLES = [
    example
    for page in ("README.md", "docs/python.md")
    for example in re.findall(
        r"^## ([^\n]*)\n(?:(?!^## ).)*?```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.M | re.S
    )
    if example[0] != MODULE
]
NOTEBOOK = json.loads((ROOT / "docs/analysis.ipynb").read_text(encoding="utf-8"))
CELLS = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


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
    shape, flatness = capsys.readouterr().out.rsplit(maxsplit=1)
    assert shape == str(cell.parameters(realization=0)["layer2_weight"].shape)
    assert float(flatness) == pytest.approx(stored, rel=1e-12)
    assert cell.trajectory().shape == (2, 11, 2)  # both runs are kept
    assert is_picture("trajectories.png")


@pytest.fixture
def notebook(finished: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> dict[str, Any]:
    """What the cells of the notebook define and, as ``printed``, the lines that each of them prints."""
    (finished.root / "results-preview").symlink_to("results")
    (finished.root / "docs").mkdir(exist_ok=True)
    monkeypatch.chdir(finished.root / "docs")
    monkeypatch.setenv("MPLBACKEND", "agg")
    defined: dict[str, Any] = {}
    printed = []
    for cell in CELLS:
        exec("".join(cell["source"]), defined)
        printed.append(capsys.readouterr().out.splitlines())
    return defined | {"printed": [lines for lines in printed if lines], "results": finished.root / "results/mnist"}


def test_the_notebook_shows_what_the_files_have(notebook: dict[str, Any]) -> None:
    cells, runs, (loss, flatness, trace), (accuracy, early), table = notebook["printed"]
    assert cells[0].startswith("6 cells, such as [Cell('../results-preview/mnist', eta=0.01, B=10)")
    assert runs == ["[0, 1] (2, 11)", "[ True  True]"]
    train = hdf5.read(notebook["results"] / "train/eta0.02_B50_r0-1.h5")
    curvature = hdf5.read(notebook["results"] / "curvature/eta0.02_B50_r0-1.h5")
    assert float(accuracy) == pytest.approx(train["test_accuracy"][0, -1], abs=1e-12)
    assert float(early) == pytest.approx(train["train_loss"][0, 1], rel=1e-5)
    assert float(loss) == pytest.approx(train["train_loss"][0, -1], rel=1e-5)
    assert float(flatness) == pytest.approx(curvature["flatness"][0, -1], rel=1e-12)
    assert float(trace) == pytest.approx(curvature["trace"][0, -1], rel=1e-12)
    assert len(table) == 2 + 2 + 1
    last = hdf5.read(notebook["results"] / "curvature/eta0.02_B100_r0-0.h5", ["flatness"])["flatness"]
    assert np.array_equal(notebook["runs"]["flatness"], last, equal_nan=True)  # of the last cell


def test_the_notebooks_barriers_and_contours(notebook: dict[str, Any]) -> None:
    barriers = notebook["barriers"]
    assert barriers.shape == (6, 6) and np.diag(barriers) == pytest.approx(0, abs=1e-12)
    assert barriers == pytest.approx(barriers.T, abs=1e-12)
    assert barriers[~np.eye(6, dtype=bool)].max() > 1e-4
    x, y, path, loss = (notebook[name] for name in ("x", "y", "path", "loss"))
    stored = hdf5.read(notebook["results"] / "train/eta0.02_B50_r0-1.h5", ["train_loss"])["train_loss"][0]
    nearest = loss[np.abs(y - path[-1, 1]).argmin(), np.abs(x - path[-1, 0]).argmin()]
    assert nearest < 0.5 * stored[0]  # the end of the run lies in the valley that the contours show


def test_the_notebook_was_executed_in_order_and_without_an_error() -> None:
    assert [cell["execution_count"] for cell in CELLS] == list(range(1, len(CELLS) + 1))
    kinds = {output["output_type"] for cell in CELLS for output in cell["outputs"]}
    assert all(cell["outputs"] for cell in CELLS) and kinds == {"stream", "display_data"}


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
    tested = (README, "A network", "A noise", "The two-valley", "A file")
    assert all(title.startswith(tested) for title, _ in EXAMPLES)
    assert len(EXAMPLES) == len(tested)
