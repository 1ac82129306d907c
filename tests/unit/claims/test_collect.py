"""How results files become the arguments of the claims."""

import numpy as np
from helpers.claims import ETA, content_of, control_of_rates, diagram_of

from sgd_valleys.claims import tables
from sgd_valleys.claims.collect import collect, read_along_training, read_spectra
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.hdf5 import Variable


def test_courses_of_one_rate_are_joined_by_batch_size(tmp_path):
    course = np.arange(6.0).reshape(2, 3)
    for B in (50, 20):
        for kind, names in (("train", ("train_loss", "train_accuracy")), ("curvature", ("flatness",))):
            variables = {name: Variable(("realization", "time"), B * course, name) for name in names}
            variables["realization"] = Variable(("realization",), np.arange(2), "realization")
            if kind == "train":
                variables["iteration"] = Variable(("time",), np.arange(3), "iteration")
            hdf5.write(tmp_path / f"{kind}{B}.h5", variables, {"eta": ETA[0], "B": B})
    train, curvature = ([tmp_path / f"{kind}{B}.h5" for B in (50, 20)] for kind in ("train", "curvature"))
    along = read_along_training(train, curvature)
    assert list(along) == [20, 50]
    for B, cell in along.items():
        assert all(np.array_equal(cell[name], B * course) for name in ("train_loss", "train_accuracy", "flatness"))
        assert cell["iteration"].tolist() == [0, 1, 2]


def test_spectra_are_read_of_the_files_that_store_them(tmp_path):
    spectra = np.array([[3.0, 1.0], [2.0, 0.5]])
    realization = {"realization": Variable(("realization",), np.arange(2), "realization")}
    whole = realization | {"spectrum": Variable(("realization", "index"), spectra, "eigenvalues")}
    for name, variables in (("with", whole), ("without", realization)):
        hdf5.write(tmp_path / f"{name}.h5", variables, {})
    found = read_spectra([tmp_path / "without.h5", tmp_path / "with.h5"])
    assert np.array_equal(found, spectra)


def write_diagram(path, noise):
    axes = {"eta": ("eta",), "sigma": ("sigma",), "stable": ("eta",)}
    variables = {
        name: Variable(axes.get(name, ("eta", "sigma")), values, name) for name, values in diagram_of(1).items()
    }
    hdf5.write(path, variables, {"parameters": {"noise": noise, "runs": 2000}})
    return str(path)


def test_claims_are_made_of_the_parts_that_were_run(tmp_path):
    settings = {"seed": 1, "resamples": 20}
    spectrum = {"spectrum": Variable(("realization", "index"), np.ones((6, 4)), "eigenvalues")}
    hdf5.write(tmp_path / "curvature.h5", spectrum, {})
    shape = ("eta", "B", "realization")
    endpoints = {name: Variable(shape, np.ones((1, 1, 6)), name) for name in ("top_sum", "trace")}
    endpoints |= {
        "converged": Variable(shape, np.ones((1, 1, 6), bool), "converged"),
        "runs": Variable(shape[:2], [[6]], "runs"),
        "gradient_descent": Variable(("B",), [False], "descent"),
    }
    hdf5.write(tmp_path / "endpoints.h5", endpoints, {})
    control = {
        name: Variable(tuple(f"{name}{k}" for k in range(np.ndim(array))), array, name)
        for name, array in control_of_rates(1.2).items()
    }
    hdf5.write(tmp_path / "figC1.h5", control, {})
    files = {
        "diagrams/diagrams": [write_diagram(tmp_path / "H2.h5", "H2")],
        "spectra/endpoints": tmp_path / "endpoints.h5",
        "spectra/spectra": [tmp_path / "curvature.h5"],
        "learning_rate/control": tmp_path / "figC1.h5",
    }
    parts = {"diagrams": {}, "spectra": {"N": 10}, "learning_rate": {}}
    found = {each.key: each for each in collect(files, settings | {"parts": parts})}
    judged = {key for key, each in found.items() if each.verdict}
    assert judged == {"noise_without_instability", "p_flat_rises", "freezing_rises"}
    assert found["spectrum_few_large"].stated.effect == "median share of the trace in the top 10 eigenvalues"
    assert found["p_flat_rises"].corrected_p is not None and found["noise_without_instability"].corrected_p is None


def test_a_run_without_claims_has_empty_tables():
    nothing = collect({}, {"seed": 1, "resamples": 20, "parts": {}})
    content = content_of(nothing)
    assert nothing == [] and content["claims"] == [] and set(content["verdicts"].values()) == {0}
    assert all("No claim is judged" in render(content) for render in (tables.markdown, tables.html))
