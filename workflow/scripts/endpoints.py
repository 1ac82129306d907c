"""Where every run of a sweep ended: losses, accuracies, flatness, displacement, and each cell's averages."""

import numpy as np

from sgd_valleys.data.stored import load_network_and_samples
from sgd_valleys.measures import similarity
from sgd_valleys.measures.evaluation import score
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.cells import files_by_cell, grid, read_cells
from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.workflow.job import job

FINAL = {
    "train_loss": ("training loss at T", "nat"),
    "test_loss": ("test loss at T", "nat"),
    "train_accuracy": ("training accuracy at T", "1"),
    "test_accuracy": ("test accuracy at T", "1"),
    "test_file_loss": ("loss on the data set's whole test file at T", "nat"),
    "test_file_accuracy": ("accuracy on the data set's whole test file at T", "1"),
    "flatness": ("flatness F at T, Eq. 6", "1/nat"),
    "trace": ("trace of the Hessian at T", "nat"),
    "top_sum": ("sum of the top N eigenvalues at T", "nat"),
    "displacement": ("length of the layer's displacement from the start", "1"),
}

with job(snakemake) as log:
    p = snakemake.params.settings
    M = len(hdf5.read(snakemake.input.data, ["train_label"])["train_label"])
    network, test_file = load_network_and_samples(snakemake.input.test_file, p, ["test"])
    series = ["train_loss", "test_loss", "train_accuracy", "test_accuracy"]
    curvature = read_cells(snakemake.input.curvature, ["flatness", "trace", "eigenvalue"])
    etas, Bs = grid(curvature)
    runs = max(len(cell["realization"]) for cell in curvature.values())
    shape = (len(etas), len(Bs), runs)
    final = {name: np.full(shape, np.nan) for name in FINAL}
    flag = {name: np.zeros(shape, dtype=bool) for name in ("converged", "diverged")}
    cell_mean = {name: np.full(shape[:2], np.nan) for name in ("similarity", "displacement_cosine")}
    count = np.zeros(shape[:2], dtype=int)
    for (eta, B), paths in files_by_cell(snakemake.input.train).items():
        names = [*series, "diverged", "test_error", "layer_weight", *(f"final_{name}" for name in network.names())]
        (run,) = read_cells(paths, names).values()
        bent = curvature[eta, B]
        at = (etas.index(eta), Bs.index(B), run["realization"])
        for name in series:
            final[name][at] = run[name][:, -1]
        parameters = {name: run[f"final_{name}"] for name in network.names()}
        scores = score(network, parameters, *test_file["test"])
        final["test_file_loss"][at], final["test_file_accuracy"][at] = scores
        final["flatness"][at] = bent["flatness"][:, -1]
        final["trace"][at] = bent["trace"][:, -1]
        final["top_sum"][at] = bent["eigenvalue"][:, -1].sum(axis=1)
        flag["diverged"][at] = run["diverged"]
        flag["converged"][at] = run["train_accuracy"][:, -1] == 1
        moved = (run["layer_weight"][:, -1] - run["layer_weight"][:, 0]).reshape(len(run["realization"]), -1)
        final["displacement"][at] = np.linalg.norm(moved, axis=1)
        count[at[:2]] = len(run["realization"])
        sane = ~run["diverged"]
        if B == M:  # deterministic: its one run stands for all its realizations, which are the same
            alike = 1.0 if sane.all() else np.nan
            cell_mean["displacement_cosine"][at[:2]] = cell_mean["similarity"][at[:2]] = alike
        else:
            cell_mean["displacement_cosine"][at[:2]] = similarity.pair_mean(similarity.cosine(moved[sane]))
            cell_mean["similarity"][at[:2]] = similarity.pair_mean(similarity.jaccard(run["test_error"][sane, -1]))
        log.info(
            f"eta {eta}, B {B}: {flag['converged'][at].sum()} of {len(run['realization'])} converged, "
            f"mean similarity {cell_mean['similarity'][at[:2]]:.3f}"
        )

    cube, plane = ("eta", "B", "realization"), ("eta", "B")
    variables = {
        "eta": Variable(("eta",), np.array([float(e) for e in etas]), "learning rate"),
        "B": Variable(("B",), np.array(Bs), "batch size", "samples"),
        "realization": Variable(("realization",), np.arange(runs), "realization (order of the minibatches)"),
        **{name: Variable(cube, final[name], *FINAL[name]) for name in FINAL},
        "converged": Variable(cube, flag["converged"], "whether the training accuracy is exactly 1 at T"),
        "diverged": Variable(cube, flag["diverged"], "whether the run left the finite numbers"),
        "similarity": Variable(
            plane, cell_mean["similarity"], "mean Jaccard similarity of pairs of the cell's runs, Eq. 4"
        ),
        "displacement_cosine": Variable(
            plane, cell_mean["displacement_cosine"], "mean cosine similarity of pairs of the cell's displacements"
        ),
        "runs": Variable(plane, count, "runs of the cell"),
        "convergence_probability": Variable(
            plane, flag["converged"].sum(axis=2) / np.maximum(count, 1), "share of the cell's runs that converge"
        ),
    }
    hdf5.write(snakemake.output[0], variables, provenance.attributes(p, snakemake.input.data))
