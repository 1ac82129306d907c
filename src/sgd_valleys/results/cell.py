"""A finished sweep in Python: the runs of one cell, with their network and data."""

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from sgd_valleys.config.sweep import canonical
from sgd_valleys.data.stored import load_network_and_samples
from sgd_valleys.errors import UserError
from sgd_valleys.measures import projection
from sgd_valleys.measures.curvature import LayerHessian, load_hessian, top_eigenvalues
from sgd_valleys.measures.flatness import flatness
from sgd_valleys.networks.loss import cross_entropy
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.cells import read_cells
from sgd_valleys.storage.parameters import read_parameters


class Cell:
    """The runs of one learning rate and batch size of an experiment.

    Arrays are read on demand, those of all realizations of the cell together.

    Args:
        folder: of the experiment, such as ``results/mnist``.
        eta: learning rate.
        B: batch size in samples.

    Raises:
        UserError: the sweep has no such cell, or the cell has not been trained.
    """

    def __init__(self, folder: str | os.PathLike, eta: float, B: int) -> None:
        self.folder = Path(folder)
        self.eta, self.B = eta, B
        stacks = (self.folder / "train").glob(f"eta{canonical(eta)}_B{B}_r*.h5")
        self.paths = sorted(stacks, key=lambda path: int(path.stem.split("_r")[1].split("-")[0]))
        if not self.paths:
            cells = sorted({path.stem.split("_r")[0] for path in (self.folder / "train").glob("*.h5")})
            raise UserError(
                f"{self.folder / 'train'} has no cell of eta = {eta:g}, B = {B}: "
                f"there are {', '.join(cells) or 'none: run the workflow first'}."
            )
        self.settings: dict[str, Any] = hdf5.read_attributes(self.paths[0])["parameters"]
        self.network, samples = load_network_and_samples(self.folder / "data.h5", self.settings, ["train"])
        self.inputs, self.labels = samples["train"]

    def read(self, *names: str) -> dict[str, np.ndarray]:
        """Read arrays (realization, ...) of the training files by name, with ``realization`` and ``iteration`` (time).

        docs/data.md lists the arrays with their units.

        Raises:
            UserError: a file cannot be read, or has no such array.
        """
        (arrays,) = read_cells(self.paths, names, shared=["iteration"]).values()
        return arrays

    @cached_property
    def realizations(self) -> Sequence[int]:
        """The realizations of this cell; gradient descent has one."""
        return self.read()["realization"].tolist()

    def parameters(self, realization: int) -> dict[str, np.ndarray]:
        """Read all parameters of a run at its end, by name, float64.

        Raises:
            UserError: the cell has no such realization.
        """
        for path in self.paths:
            if realization in hdf5.read(path, ["realization"])["realization"]:
                final = read_parameters(path, "final", hdf5.position(path, "realization", realization))
                return {name: array.astype(np.float64) for name, array in final.items()}
        raise UserError(f"eta = {self.eta:g}, B = {self.B} has no realization {realization}.")

    def loss(self, parameters: dict[str, np.ndarray]) -> float:
        """Compute the mean cross-entropy of ``parameters`` by name over all training images, in nat."""
        return float(cross_entropy(self.network.forward(parameters, self.inputs.astype(np.float64)), self.labels))

    def hessian(self, parameters: dict[str, np.ndarray]) -> LayerHessian:
        """Return the Hessian (nat) in the weights of the layer under study, as an operator (parameter, parameter).

        The loss is over the same images as in the workflow: all training images, or the first
        ``curvature.per_class`` of each class.

        Raises:
            UserError: the cell's curvature file cannot be read.
        """
        return load_hessian(self.folder / "data.h5", self._curvature_settings)(parameters)

    def flatness(self, realization: int) -> float:
        """Compute F of a run at its end (1/nat), Eq. 6, as the workflow does; NaN where an eigenvalue is not positive.

        Raises:
            UserError: the cell has no such realization, or its curvature file cannot be read.
        """
        settings = self._curvature_settings
        hessian = self.hessian(self.parameters(realization))
        rng = stream(settings["seed"], Stage.LANCZOS)
        return float(flatness(top_eigenvalues(hessian, settings["N"], rng, settings["tolerance"]).eigenvalue))

    def trajectory(self) -> np.ndarray:
        """Project the layer's weights of all runs with checkpoints on principal components: (run, time, component).

        Raises:
            UserError: no whole parameters of the cell are recorded along training.
        """
        name = f"checkpoint_layer{self._curvature_settings['layer']}_weight"
        weights = self.read(name)[name]
        return projection.project(weights.reshape(*weights.shape[:2], -1))[0]

    @cached_property
    def _curvature_settings(self) -> dict[str, Any]:
        return hdf5.read_attributes(self.folder / "curvature" / self.paths[0].name)["parameters"]
