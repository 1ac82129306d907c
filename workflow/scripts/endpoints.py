"""Collect losses, accuracies, flatness and displacement at the end of every run, and average them over each cell."""

from sgd_valleys.workflow.job import job

import numpy as np

from sgd_valleys.data.stored import load_network_and_samples
from sgd_valleys.measures.endpoints import SERIES, cell_endpoints
from sgd_valleys.measures.evaluation import score
from sgd_valleys.measures.grid import on_grid
from sgd_valleys.measures.units import in_units_of
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.cells import files_by_cell, grid, read_cells
from sgd_valleys.storage.hdf5 import Variable, coordinates
from sgd_valleys.storage.parameters import read_parameters

BY_RUN = {
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
    "converged": ("whether the training accuracy is exactly 1 at T", "1"),
    "diverged": ("whether the run diverged (non-finite loss)", "1"),
}
BY_IMAGE = {  # axis of images and description
    "test_error": ("test_sample", "whether the image of the test set is misclassified at T"),
    "test_file_error": ("test_file_sample", "whether the image of the whole test file is misclassified at T"),
}
BY_CELL = {
    "similarity": ("mean Jaccard similarity of pairs of the cell's runs, Eq. 4", "1"),
    "displacement_cosine": ("mean cosine similarity of pairs of the cell's displacements", "1"),
    "runs": ("runs of the cell", "1"),
    "convergence_probability": ("fraction of the cell's runs that converge", "1"),
}

with job(snakemake) as log:
    settings = snakemake.params.settings
    loss = settings.get("loss", "cross_entropy")
    layer = settings["layer"]
    weight = f"layer{layer}_weight"
    M = len(hdf5.read(snakemake.input.data, ["train_label"])["train_label"])
    deterministic = settings.get("deterministic", [M])  # batch sizes without noise
    network, test_file = load_network_and_samples(snakemake.input.test_file, settings, ["test"])
    curvature = read_cells(snakemake.input.curvature, ["flatness", "trace", "eigenvalue"])
    cells = {}
    for (eta, B), paths in files_by_cell(snakemake.input.train).items():
        paths.sort(key=lambda path: hdf5.read(path, ["realization"])["realization"][0])  # in the order of read_cells
        (run,) = read_cells(
            paths, [*SERIES, "diverged", "test_error", f"final_{weight}"], [f"initial_{weight}"]
        ).values()
        scores = [score(network, read_parameters(path, "final"), *test_file["test"], loss) for path in paths]
        file_score = tuple(map(np.concatenate, zip(*scores, strict=True)))
        cell = cell_endpoints(run, curvature[eta, B], file_score, layer, B in deterministic)
        log.info(
            f"eta {eta}, B {B}: {cell['converged'].sum()} of {cell['runs']} converged, "
            f"mean similarity {cell['similarity']:.3f}"
        )
        cells[eta, B] = cell

    names = *BY_RUN, *BY_IMAGE, *BY_CELL
    arrays = {name: on_grid({key: cell[name] for key, cell in cells.items()}) for name in names}
    etas, Bs = grid(cells)
    axes, gradient_descent = ("eta", "B", "realization"), np.isin(Bs, deterministic)
    what = "training at this B has no noise" if "deterministic" in settings else "B = M, full-batch gradient descent"
    variables = {
        **coordinates(eta=etas, B=Bs, realization=np.arange(arrays["converged"].shape[-1])),
        "gradient_descent": Variable(("B",), gradient_descent, f"whether {what}"),
        **{name: Variable(axes, arrays[name], *BY_RUN[name]) for name in BY_RUN},
        **{name: Variable((*axes, image), arrays[name], text) for name, (image, text) in BY_IMAGE.items()},
        **{name: Variable(axes[:2], arrays[name], *BY_CELL[name]) for name in BY_CELL},
    }
    hdf5.write(snakemake.output[0], in_units_of(loss, variables), provenance.attributes(settings, snakemake.input.data))
