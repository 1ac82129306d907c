"""The files of one cell: runs, network and data, read on demand."""

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from sgd_valleys.config.sweep import canonical
from sgd_valleys.data.stored import Samples, load_network_and_samples
from sgd_valleys.errors import UserError, unknown_value
from sgd_valleys.networks.network import Network
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.cells import check_stacks, join_stacks
from sgd_valleys.storage.parameters import read_parameters


class CellFiles:
    """The runs of one cell (eta, B) of an experiment.

    Arrays are read on demand, for all realizations of the cell at once.

    Args:
        folder: folder of the experiment, such as ``results/mnist``.
        eta: learning rate.
        B: batch size in samples.

    Raises:
        UserError: the sweep has no such cell, or the cell has not been trained.
    """

    def __init__(self, folder: str | os.PathLike, eta: float, B: int) -> None:
        self.folder = Path(folder)
        self.eta, self.B = eta, B
        if not self._stacks("train"):
            cells = sorted({path.stem.split("_r")[0] for path in (self.folder / "train").glob("eta*.h5")})
            known = f"{', '.join(cells)}; choose one of these" if cells else "trained cells; run the workflow first"
            raise UserError(f"eta = {eta:g}, B = {B}: no trained cell in {self.folder / 'train'}; allowed are {known}.")

    def __repr__(self) -> str:
        """Return the constructor call of this cell."""
        return f"{type(self).__name__}({str(self.folder)!r}, eta={self.eta:g}, B={self.B})"

    def _stacks(self, kind: str) -> list[Path]:
        stacks = (self.folder / kind).glob(f"eta{canonical(self.eta)}_B{self.B}_r*.h5")
        return sorted(stacks, key=lambda path: [int(number) for number in path.stem.split("_r")[1].split("-")])

    @cached_property
    def paths(self) -> list[Path]:
        """The training files.

        Raises:
            UserError: the files have different settings.
        """
        check_stacks(self._stacks("train"))
        return self._stacks("train")

    @cached_property
    def curvature_paths(self) -> list[Path]:
        """The curvature files.

        Raises:
            UserError: there is no such file, or the files have different settings.
        """
        stacks = self._checked_stacks("curvature")
        if not stacks:
            missing = f"{self.folder / 'curvature'}: no file of {self!r}"
            raise UserError(f"{missing}; allowed is a finished run; run the workflow first.")
        return stacks

    def _checked_stacks(self, kind: str) -> list[Path]:
        """Return the files of a kind, if there are any.

        Raises:
            UserError: the files have different settings.
        """
        stacks = self._stacks(kind)
        if stacks:
            check_stacks(stacks)
        return stacks

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The settings of the first training file."""
        return hdf5.read_attributes(self.paths[0])["parameters"]

    @cached_property
    def layer(self) -> int:
        """The studied layer, whose curvature the workflow computes, counted from 1."""
        return self._curvature_settings["layer"]

    @cached_property
    def _curvature_settings(self) -> dict[str, Any]:
        return hdf5.read_attributes(self.curvature_paths[0])["parameters"]

    @property
    def _loss(self) -> str:
        return self.settings.get("loss", "cross_entropy")

    @cached_property
    def _data(self) -> tuple[Network, dict[str, Samples]]:
        return load_network_and_samples(self.folder / "data.h5", self.settings)

    @property
    def network(self) -> Network:
        """The network of all runs."""
        return self._data[0]

    @property
    def inputs(self) -> np.ndarray:
        """The training images in the network's form, float32 (sample, ...)."""
        return self._data[1]["train"][0]

    @property
    def labels(self) -> np.ndarray:
        """The classes of the training images (sample)."""
        return self._data[1]["train"][1]

    @property
    def test(self) -> Samples:
        """The test set: images in the network's form, float32 (sample, ...), and classes (sample)."""
        return self._data[1]["test"]

    def read(self, *names: str) -> dict[str, np.ndarray]:
        """Read arrays of the cell by name, from its files of training, curvature or measures of flatness.

        docs/data.md lists the arrays with their units. ``realization`` and ``iteration`` (time) are always read. The
        other arrays have a leading realization axis, with two exceptions:

        - ``checkpoint_layer1_weight``, ... (checkpoint, time, ...) have only the kept runs. The result includes their
          realizations as ``checkpoint``.
        - ``spectrum`` (spectrum_realization, index) has some of the runs. The result includes their realizations as
          ``spectrum_realization``.

        Raises:
            UserError: a file cannot be read, the cell lacks an array, or training and other files have different runs.
        """
        trained = _array_names(self.paths)
        found = join_stacks(self.paths, ["realization", "iteration", *(name for name in names if name in trained)])
        others = [name for name in names if name not in trained]
        if not others:
            return found
        measured = {"curvature": self.curvature_paths, "flatness": self._checked_stacks("flatness")}
        arrays = {kind: _array_names(paths) - trained for kind, paths in measured.items()}
        for name in others:
            if not any(name in each for each in arrays.values()):
                known = sorted(trained.union(*arrays.values()))
                raise UserError(unknown_value(f"{self!r}, name of an array", name, known))
        for kind, paths in measured.items():
            own = [name for name in others if name in arrays[kind]]
            others = [name for name in others if name not in own]
            found |= self._read_measured(kind, paths, own, found["realization"]) if own else {}
        return found

    def _read_measured(
        self, kind: str, paths: Sequence[Path], names: list[str], realization: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Read arrays of files that have the same runs as the training files.

        Raises:
            UserError: the runs differ.
        """
        measured = join_stacks(paths, ["realization", *names])
        if not np.array_equal(measured["realization"], realization):
            raise UserError(
                f"{self.folder / kind}: realizations {measured['realization'].tolist()} of {self!r}; allowed are those "
                f"of {self.folder / 'train'}, {realization.tolist()}; run the workflow again."
            )
        return measured

    @cached_property
    def realizations(self) -> Sequence[int]:
        """The realizations of this cell; full-batch gradient descent has one."""
        return self.read()["realization"].tolist()

    @cached_property
    def kept(self) -> Sequence[int]:
        """The realizations whose parameters are kept at every recorded iteration."""
        return self.read("checkpoint")["checkpoint"].tolist() if "checkpoint" in _array_names(self.paths) else []

    @cached_property
    def converged(self) -> np.ndarray:
        """Whether each run (realization) converged: its final training accuracy is exactly 1."""
        return self.read("train_accuracy")["train_accuracy"][:, -1] == 1

    def parameters(self, realization: int, t: int | None = None) -> dict[str, np.ndarray]:
        """Read all parameters of a run by name, float64.

        Args:
            realization: realization of the run.
            t: iteration; None for the end. Only the runs of ``kept`` have other iterations than the end.

        Raises:
            UserError: the cell has no such realization, or its parameters are not stored at this iteration.
        """
        if realization not in self.realizations:
            raise UserError(f"{self!r}, realization = {realization}: unknown; allowed are {self.realizations}.")
        iteration = self.read()["iteration"].tolist()
        prefix, axis, at = "final", "realization", {}
        if t not in (None, iteration[-1]):
            wanted = f"{self!r}.parameters({realization}, t={t})"
            if t not in iteration:
                recorded = f"{iteration[0]}, {iteration[1]}, ..., {iteration[-1]}"
                raise UserError(f"{wanted}: iteration not recorded; allowed are {recorded}; choose one of these.")
            self._require_kept(realization, wanted)
            prefix, axis, at = "checkpoint", "checkpoint", {"time": iteration.index(t)}
        stacks = (path for path in self.paths if axis in hdf5.describe(path))
        path = next(path for path in stacks if realization in hdf5.read(path, [axis])[axis])
        stored = read_parameters(path, prefix, at | hdf5.position(path, axis, realization))
        return {name: array.astype(np.float64) for name, array in stored.items()}

    def _require_kept(self, realization: int | None, wanted: str) -> None:
        """Refuse a run that is not kept; None stands for any run of the cell.

        Raises:
            UserError: the run is not kept, or for None, no run is kept.
        """
        if realization in self.kept or (realization is None and self.kept):
            return
        raise UserError(
            f"{wanted}: parameters stored only at the end; allowed are the realizations in recording.checkpoints, here "
            f"{self.kept or 'none'}; add yours there, and run the workflow again."
        )


def _array_names(files: Sequence[Path]) -> set[str]:
    return {name for path in files for name in hdf5.describe(path)}
