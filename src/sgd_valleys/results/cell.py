"""A finished sweep from Python: the runs of one cell, with the network and the data to go on from them."""

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from sgd_valleys.config.sweep import canonical
from sgd_valleys.data.stored import load_network_and_samples
from sgd_valleys.data.subset import first_of_each_class
from sgd_valleys.errors import UserError
from sgd_valleys.measures import curvature, projection
from sgd_valleys.measures.curvature import LayerHessian
from sgd_valleys.networks.loss import cross_entropy
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.cells import read_cells


class Cell:
    """The runs of one learning rate and batch size of an experiment.

    Arrays are read when they are asked for, those of all of the cell's realizations together.

    Args:
        folder: of the experiment, as ``results/mnist``.
        eta: learning rate.
        B: batch size.

    Raises:
        UserError: the sweep has no such cell, or it has not been run.
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
        """Arrays of the training files.

        Args:
            names: of arrays with a leading realization axis; docs/data.md has them, with their units.

        Returns:
            by name (realization, ...), with ``realization`` and ``iteration`` (time).

        Raises:
            UserError: a file cannot be read, or holds no such array.
        """
        (found,) = read_cells(self.paths, names, shared=["iteration"]).values()
        return found

    @cached_property
    def realizations(self) -> Sequence[int]:
        """The runs that there are; of gradient descent one."""
        return self.read()["realization"].tolist()

    def parameters(self, realization: int) -> dict[str, np.ndarray]:
        """Every parameter of a run at its end, by name, float64.

        Raises:
            UserError: there is no such run.
        """
        if realization not in self.realizations:
            raise UserError(f"eta = {self.eta:g}, B = {self.B} has no realization {realization}.")
        final = [f"final_{name}" for name in self.network.names()]
        for path in self.paths:
            if realization in hdf5.read(path, ["realization"])["realization"]:
                found = hdf5.read(path, final, hdf5.position(path, "realization", realization))
        return {name: found[f"final_{name}"].astype(np.float64) for name in self.network.names()}

    def loss(self, parameters: dict[str, np.ndarray]) -> float:
        """Mean cross-entropy over all training images, in nats.

        Args:
            parameters: by name, as ``parameters`` gives them.
        """
        return float(cross_entropy(self.network.forward(parameters, self.inputs.astype(np.float64)), self.labels))

    def hessian(self, parameters: dict[str, np.ndarray]) -> LayerHessian:
        """The Hessian (nat) in the weights of the layer under study, as an operator (parameter, parameter).

        It is that of the loss on the images on which the workflow takes it: all training images, or the first
        ``curvature.per_class`` of each class.

        Args:
            parameters: by name, as ``parameters`` gives them.

        Raises:
            UserError: the cell's file of curvature cannot be read.
        """
        some = first_of_each_class(self.labels, self._curvature["per_class"])
        inputs = self.inputs[some].astype(np.float64)
        return LayerHessian(self.network.linearize(parameters, inputs, self.settings["layer"]))

    def flatness(self, realization: int) -> float:
        """F of a run at its end (1/nat), Eq. 6, computed anew as the workflow does; NaN where it cannot be had.

        Raises:
            UserError: there is no such run, or the cell's file of curvature cannot be read.
        """
        p = self._curvature
        hessian = self.hessian(self.parameters(realization))
        top = curvature.top_eigenvalues(hessian, p["N"], stream(p["seed"], Stage.LANCZOS), p["tolerance"])
        return float(curvature.flatness(top.eigenvalue))

    def trajectory(self) -> np.ndarray:
        """The layer's weights in the principal components of all runs, (realization, time, component)."""
        weights = self.read("layer_weight")["layer_weight"]
        return projection.project(weights.reshape(*weights.shape[:2], -1))[0]

    @cached_property
    def _curvature(self) -> dict[str, Any]:
        """The settings with which the workflow takes the Hessian."""
        return hdf5.read_attributes(self.folder / "curvature" / self.paths[0].name)["parameters"]
