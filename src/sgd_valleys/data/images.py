"""Images and labels in memory: read from verified files, scaled, and reduced to a subset."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sgd_valleys.data.dataset import DataSet
from sgd_valleys.data.files import expand_path
from sgd_valleys.data.registry import find_data_set
from sgd_valleys.data.subset import PerClass, first_of_each_class
from sgd_valleys.errors import UserError
from sgd_valleys.storage.hdf5 import Variable


@dataclass(frozen=True, eq=False)
class Images:
    """A training and a test set in memory.

    Images are float32 (sample, channel, row, column), pixels in [-1, 1]; labels are int64 (sample,), from 0.
    """

    train_image: np.ndarray
    train_label: np.ndarray
    test_image: np.ndarray
    test_label: np.ndarray

    def data_sha256(self) -> str:
        """Return the SHA-256 (hexadecimal) of the four arrays, with their names, types and shapes."""
        digest = hashlib.sha256()
        for name in ("train_image", "train_label", "test_image", "test_label"):
            array = np.ascontiguousarray(getattr(self, name))
            digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
            digest.update(array)
        return digest.hexdigest()


def load(
    name: str | DataSet, root: str | os.PathLike, train_per_class: PerClass = None, test_per_class: PerClass = None
) -> Images:
    """Read a data set that ``download.fetch`` has put under ``root``, or the first images of each of its classes.

    Pixels are (uint8 / 255 - 0.5) / 0.5: black is -1 and white is 1. The images of each class are taken from the start
    of the file, first those of class 0. "all" and None select the whole file in its own order.

    Raises:
        UserError: the number of images is not an integer, a class has fewer, or files are missing or altered.
    """
    root = expand_path(root)
    dataset = _find_verified(name, root)
    train = _read(dataset, root, "train", train_per_class)
    test = _read(dataset, root, "test", test_per_class)
    return Images(*train, *test)


def load_test_file(name: str | DataSet, root: str | os.PathLike) -> tuple[np.ndarray, np.ndarray]:
    """Read the whole test file of a data set: images and labels in the form of the test set of :func:`load`.

    Raises:
        UserError: files are missing or altered.
    """
    root = expand_path(root)
    return _read(_find_verified(name, root), root, "test", "all")


def _find_verified(name: str | DataSet, root: Path) -> DataSet:
    """Return a data set, once its files are verified and no other files would be read instead."""
    dataset = find_data_set(name)
    try:
        missing = dataset.missing_files(root)
    except OSError as error:
        raise UserError(f"The files of {name} cannot be read under {root}: {error}") from error
    if missing:
        raise UserError(f"{root / dataset.folder} lacks {', '.join(missing)}: fetch {name} first.")
    if dataset.legacy_files and all((root / file).exists() for file in dataset.legacy_files):
        raise UserError(
            f"torchvision would read {', '.join(str(root / file) for file in dataset.legacy_files)}, files of an old "
            f"version, instead of the verified files of {name}: move them away and run again."
        )
    return dataset


def _read(dataset: DataSet, root: Path, part: str, per_class: PerClass) -> tuple[np.ndarray, np.ndarray]:
    pixels, label = dataset.format.read(dataset, root, part)
    if per_class not in (None, "all"):
        counts = np.bincount(label, minlength=dataset.classes)
        integer = isinstance(per_class, int | np.integer) and not isinstance(per_class, bool)
        if not (integer and 1 <= per_class <= counts.min()):
            raise UserError(
                f"dataset.{part}_per_class = {per_class!r}: out of range; allowed: all, or 1 to {counts.min()}, "
                f"the number of images of class {counts.argmin()} in the {part} file of {dataset.name}."
            )
        index = first_of_each_class(label, per_class)
        pixels, label = pixels[index], label[index]
    image = pixels.astype(np.float32, order="C")
    if pixels.dtype.kind != "f":  # numbers of a file of the user's own are taken as they are
        image /= 255  # in place: CIFAR-10 takes 0.6 GB
        image -= 0.5
        image /= 0.5
    return image, label.astype(np.int64)


def variables(images: Images) -> dict[str, Variable]:
    """Return the arrays in the form in which ``data.h5`` stores them.

    Axes: ``train_image`` (train_sample, channel, row, column), ``train_label`` (train_sample); "test" likewise.
    """
    return {
        f"{part}_{kind}": Variable(
            (f"{part}_sample", *axes), getattr(images, f"{part}_{kind}"), f"{kind} of the {part} set", compress=True
        )
        for part in ("train", "test")
        for kind, axes in (("image", ("channel", "row", "column")), ("label", ()))
    }
