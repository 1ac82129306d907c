"""The explorer of a finished run holds the values of the results, and has reproducible bytes."""

import json
import re
from dataclasses import fields

import numpy as np
import pytest
from helpers.checkout import Checkout
from helpers.explorer_page import page_data, unpack

from sgd_valleys.storage import hdf5
from sgd_valleys.two_valley.landscape import Landscape


def test_the_page_holds_the_numbers_of_the_results(complete: Checkout) -> None:
    found = page_data(complete.root / "results/explorer.html")
    several = {"mnist", "cifar10", "initializations", "subset_0", "subset_1"}
    assert {name for name, experiment in found["experiments"].items() if "maps" in experiment} == several
    (group,) = found["arms"]
    assert group[0] == "mnist" and {"minibatch", "no_noise", "isotropic", "until_half"} <= set(group)
    assert all("summaries" in found["experiments"][name] for name in group if name not in several)
    assert set(found["landscape"]) == {field.name for field in fields(Landscape)}
    for name, experiment in ((name, found["experiments"][name]) for name in ("mnist", "cifar10")):
        folder = complete.root / "results" / name
        ends, times = hdf5.read(folder / "endpoints.h5"), hdf5.read(folder / "freezing.h5")
        assert [float(eta) for eta in experiment["eta"]] == ends["eta"].tolist()
        assert experiment["B"] == ends["B"].tolist()
        assert experiment["deterministic"] == {"mnist": [100], "cifar10": []}[name]
        assert experiment["units"] == {"train_loss": "nat", "flatness": "1/nat"}
        assert experiment["L_c"] == times["threshold"][0]
        maps = {each["name"]: each["values"] for each in experiment["maps"]}
        converged_flatness = np.where(ends["converged"], ends["flatness"], -np.inf).max(axis=-1)
        best = np.where(np.isfinite(converged_flatness), converged_flatness, np.nan)
        assert np.array(maps["max_flatness"], float) == pytest.approx(best, nan_ok=True)
        for i, j in np.ndindex(ends["runs"].shape):
            runs = experiment["cells"][i][j]
            assert len(runs["realization"]) == ends["runs"][i, j]
            for quantity in ("train_loss", "test_accuracy", "flatness"):
                assert runs["final"][quantity] == ends[quantity][i, j, runs["realization"]].tolist()
            frozen = times["freezing_time"][0, i, j, runs["realization"]]
            assert np.array(runs["final"]["freezing_time"], float) == pytest.approx(frozen, nan_ok=True)
            assert unpack(runs["loss"])[:, -1] == pytest.approx(runs["final"]["train_loss"])
        block = hdf5.read(folder / "projection.h5")
        assert unpack(experiment["block"]["pc"]) == pytest.approx(block["block_pc"], rel=1e-6, abs=1e-6)
    branches = found["experiments"]["mnist"]["branches"]
    projection = hdf5.read(complete.root / "results/mnist/branches/projection/eta0.02_B10_r1.h5")
    assert unpack(branches["run_pc"]) == pytest.approx(projection["run_pc"], rel=1e-6, abs=1e-6)
    assert found["experiments"]["cifar10"]["branches"] is None
    diagram = hdf5.read(complete.root / "results/two_valley/phase_diagram_H.h5")
    assert np.array(found["diagrams"]["H"]["p_flat"]["values"]) == pytest.approx(diagram["p_flat"])


def test_the_page_does_not_depend_on_the_folder_or_the_time(complete: Checkout, finished: Checkout) -> None:
    path = finished.root / "results/explorer.html"
    path.unlink()
    finished.run("results/explorer.html")  # later, and in another folder
    assert path.read_bytes() == (complete.root / "results/explorer.html").read_bytes()
    # Two pages of one day would hold the same date.
    assert not re.search(r"\d{4}-\d{2}-\d{2}", json.dumps(page_data(path)))
