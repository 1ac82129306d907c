"""Images and labels in memory: read from verified files, scaled, and reduced to a subset."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sgd_valleys.data.dataset import DataSet
from sgd_valleys.data.files import expand_path, inaccessible
from sgd_valleys.data.registry import find_data_set
from sgd_valleys.data.subset import PerClass, first_of_each_class
from sgd_valleys.errors import UserError, out_of_range
from sgd_valleys.storage.hdf5 import Variable


@dataclass(frozen=True, eq=False)
class Images:
    """A training and a test set in memory.

    Images are float32 (sample, channel, row, column), and labels are int64 (sample,), from 0. Pixels are in [-1, 1],
    except for floating-point images of a user's file, which are not scaled.
    """

    train_image: np.ndarray
    train_label: np.ndarray
    test_image: np.ndarray
    test_label: np.ndarray

    def data_sha256(self) -> str:
        """Return one SHA-256 (hexadecimal) of the four arrays, their names, types and shapes."""
        digest = hashlib.sha256()
        for name in ("train_image", "train_label", "test_image", "test_label"):
            array = np.ascontiguousarray(getattr(self, name))
            digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
            digest.update(array.data)
        return digest.hexdigest()


def load(
    name: str | DataSet,
    root: str | os.PathLike,
    train_per_class: PerClass = None,
    test_per_class: PerClass = None,
    train_subset: int = 0,
) -> Images:
    """Read a data set that ``download.fetch`` has stored under ``root``, or the first images of each class.

    Pixels of bytes are scaled to (uint8 / 255 - 0.5) / 0.5, so that black is -1 and white is 1. The images of a subset
    are in the order of the classes.

    Args:
        name: name of the data set, or its description.
        root: folder of all data sets; ``~`` and environment variables are replaced.
        train_per_class: number of training images of each class, from the start of the file. "all" and None select the
            whole file in its own order.
        test_per_class: number of test images of each class, likewise.
        train_subset: number k of the training subset, which has the images of each class after those of subsets
            0 to k - 1.

    Raises:
        UserError: the number of images or of the subset is out of range, or files are missing or altered.
    """
    root = expand_path(root)
    dataset = _find_verified(name, root)
    train = _read(dataset, root, "train", train_per_class, train_subset)
    test = _read(dataset, root, "test", test_per_class)
    return Images(*train, *test)


def load_test_file(name: str | DataSet, root: str | os.PathLike) -> tuple[np.ndarray, np.ndarray]:
    """Read the whole test file of a data set: images and labels, in the form of the test set of :func:`load`.

    Raises:
        UserError: files are missing or altered.
    """
    root = expand_path(root)
    return _read(_find_verified(name, root), root, "test", "all")


def _find_verified(name: str | DataSet, root: Path) -> DataSet:
    """Return a data set after checking that its files are verified and that torchvision will read no others.

    Raises:
        UserError: files are missing, altered or unreadable, or torchvision would read other files.
    """
    dataset = find_data_set(name)
    try:
        missing = dataset.missing_files(root)
    except OSError as error:
        raise inaccessible(dataset.name, root, error) from error
    if missing:
        raise UserError(
            f"data.root = {root}: {', '.join(missing)} missing in {root / dataset.folder}; allowed is the complete "
            f"data set; fetch {dataset.name} first."
        )
    if dataset.legacy_files and all((root / file).exists() for file in dataset.legacy_files):
        raise UserError(
            f"data.root = {root}: torchvision would read the old files {', '.join(dataset.legacy_files)} instead of "
            f"the verified files of {dataset.name}; allowed is a folder without them; move them elsewhere, and run "
            "again."
        )
    return dataset


def _read(
    dataset: DataSet, root: Path, part: str, per_class: PerClass, subset: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    pixels, label = dataset.format.read(dataset, root, part)
    if per_class is not None and per_class != "all":
        counts = np.bincount(label, minlength=dataset.classes)
        integer = isinstance(per_class, int | np.integer) and not isinstance(per_class, bool)
        if not (integer and 1 <= per_class <= counts.min()):
            allowed = f"all, and 1 to {counts.min()}, the number of images of class {counts.argmin()} of {dataset.name}"
            raise UserError(out_of_range(f"dataset.{part}_per_class", per_class, allowed))
        if subset and (subset + 1) * per_class > counts.min():
            last, few = counts.min() // per_class - 1, f"class {counts.argmin()} has {counts.min()}"
            allowed = f"0 to {last} for {per_class} images of each class, since {few}"
            raise UserError(out_of_range(f"dataset.{part}_subset", subset, allowed))
        index = first_of_each_class(label, per_class, subset)
        pixels, label = pixels[index], label[index]
    image = pixels.astype(np.float32, order="C")
    if pixels.dtype.kind != "f":  # floating-point images of a user's file are not scaled
        image /= 255  # in place: CIFAR-10 takes 0.6 GB
        image -= 0.5
        image /= 0.5
    return image, label.astype(np.int64)


def variables(images: Images) -> dict[str, Variable]:
    """Return the arrays in the form in which ``data.h5`` stores them.

    The axes are (train_sample, channel, row, column) for ``train_image`` and (train_sample) for ``train_label``. The
    test set has the axis test_sample.
    """
    return {
        f"{part}_{kind}": Variable(
            (f"{part}_sample", *axes), getattr(images, f"{part}_{kind}"), f"{kind} of the {part} set", compress=True
        )
        for part in ("train", "test")
        for kind, axes in (("image", ("channel", "row", "column")), ("label", ()))
    }
