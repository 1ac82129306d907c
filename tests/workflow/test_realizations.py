"""One realization more trains itself alone, and cells may have numbers of realizations of their own."""

import numpy as np
import pytest
from helpers.checkout import Checkout

from sgd_valleys.storage import hdf5

TRAIN = "results/mnist/train/eta0.01_B10_r0-2.h5"


@pytest.mark.slow
def test_a_stack_with_one_run_more_takes_over_the_others_and_is_the_same_file(finished: Checkout) -> None:
    finished.set({"experiments": {"mnist": {"sweep": {"stack": 3, "realizations": 3}}}})
    before = finished.root / TRAIN.replace("r0-2", "r0-1")
    log = finished.root / "results/logs/mnist/train/eta0.01_B10_r0-2.log"
    finished.run(TRAIN)
    assert f"realizations 0, 1 are reused from {before.relative_to(finished.root)}" in log.read_text(encoding="utf-8")
    reused = (finished.root / TRAIN).read_bytes()
    for path in (before, finished.root / TRAIN):
        path.unlink()
    finished.run(TRAIN)
    assert "reused" not in log.read_text(encoding="utf-8")
    assert (finished.root / TRAIN).read_bytes() == reused


@pytest.mark.slow
def test_cells_of_unequal_counts_go_through_to_maps_claims_and_explorer(finished: Checkout) -> None:
    old = hdf5.read(finished.root / "results/mnist/cell_maps.h5", ["mean_flatness"])["mean_flatness"]
    counts = [{"eta": "all", "B": "first", "realizations": 3}, {"eta": [0.01], "B": [50], "realizations": 1}]
    finished.set({"experiments": {"mnist": {"sweep": {"counts": counts}}}})
    finished.run("results/mnist/cell_maps.h5", "results/claims.json", "results/explorer.html")
    ends = hdf5.read(finished.root / "results/mnist/endpoints.h5")
    assert ends["runs"].tolist() == [[3, 1, 1], [3, 2, 1]]
    beyond = np.arange(3) >= ends["runs"][..., None]
    assert (np.isnan(ends["flatness"]) == beyond).all()
    maps = hdf5.read(finished.root / "results/mnist/cell_maps.h5")
    assert (maps["convergence_probability"] == 1).all() and np.isnan(maps["similarity"][0, 1])
    assert maps["mean_flatness"][0, 1] == ends["flatness"][0, 1, 0]
    assert maps["mean_flatness"][1, 1:].tolist() == old[1, 1:].tolist()  # cells with as many runs as before
