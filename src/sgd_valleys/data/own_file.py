"""A data set in a user's file: one NumPy file (.npz) with images and labels.

The file has the arrays ``train_image``, ``train_label``, ``test_image`` and ``test_label``. Images are
(sample, row, column) or (sample, channel, row, column). Bytes are scaled like those of other data sets; floating-point
numbers are not scaled. Labels are integers from 0, (sample,).
"""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from sgd_valleys.data.dataset import DataSet, Files, Format
from sgd_valleys.data.files import compute_md5, expand_path
from sgd_valleys.errors import UserError

NAME = "file"  # value of ``dataset.name``
PARTS = ("train", "test")
ARRAYS = tuple(f"{part}_{kind}" for part in PARTS for kind in ("image", "label"))


def describe_file(path: str | Path, checksum: bool = False) -> DataSet:
    """Describe the data set in a file, without reading the images.

    Args:
        path: path of the .npz file; ``~`` and environment variables are replaced.
        checksum: whether to compute the MD5 of the file, which takes seconds for a large file.

    Raises:
        UserError: the file cannot be read, or its arrays are not valid images and labels.
    """
    path = expand_path(path, "dataset.path")
    shapes, labels = {}, {}
    try:
        with zipfile.ZipFile(path) as archive:
            if missing := [name for name in ARRAYS if f"{name}.npy" not in archive.namelist()]:
                raise _refusal(path, f"no array {missing[0]}", f"files with {', '.join(ARRAYS)}", "add the array")
            for part in PARTS:
                with archive.open(f"{part}_image.npy") as file:
                    shapes[part], dtype = _read_header(file)
                with archive.open(f"{part}_label.npy") as file:
                    labels[part] = np.lib.format.read_array(file, allow_pickle=False)
                _check_part(path, part, shapes[part], dtype, labels[part])
        md5 = {path.name: compute_md5(path) if checksum else ""}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        wrong = f"not readable as a .npz file ({error})"
        raise _refusal(path, wrong, "files of numpy.savez", "correct the path or the file") from error
    if shapes["train"][1:] != shapes["test"][1:]:
        wrong = f"training images have the shape {shapes['train'][1:]}, test images {shapes['test'][1:]}"
        raise _refusal(path, wrong, "images of one shape", "change the images")
    classes = int(labels["train"].max()) + 1
    if absent := sorted(set(range(classes)) - set(labels["train"].tolist())):
        wrong = f"no training image has the label {absent[0]}"
        raise _refusal(path, wrong, f"labels from 0 to {classes - 1} that all occur", "change train_label")
    if labels["test"].max() >= classes:
        wrong = f"test_label has {labels['test'].max()}, which train_label lacks"
        raise _refusal(path, wrong, f"labels from 0 to {classes - 1}", "change test_label")
    channels, rows, columns = (1, *shapes["train"][1:])[-3:]
    return DataSet(
        name=path.name,
        torchvision_class="",
        classes=classes,
        shape=(channels, rows, columns),
        samples={part: shapes[part][0] for part in PARTS},
        folder=str(path.absolute().parent),
        files=md5,
        format=Format(_keep, _read),
        sources=(),
    )


def _refusal(path: Path, wrong: str, allowed: str, remedy: str) -> UserError:
    return UserError(f"dataset.path = {path}: {wrong}; allowed are {allowed}; {remedy}.")


def _read_header(file: Any) -> tuple[tuple[int, ...], np.dtype]:
    """Read the shape and the type of an array in NumPy's format."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype


def _check_part(path: Path, part: str, shape: tuple[int, ...], dtype: np.dtype, labels: np.ndarray) -> None:
    """Refuse arrays that are not valid images with their labels."""
    if len(shape) not in (3, 4) or 0 in shape:
        allowed = "(sample, row, column) and (sample, channel, row, column), not empty"
        raise _refusal(path, f"{part}_image has the shape {shape}", allowed, "change the shape")
    if dtype != np.uint8 and dtype.kind != "f":
        wrong = f"{part}_image has the type {dtype}"
        raise _refusal(path, wrong, "uint8 and floating-point numbers", "convert the images")
    if labels.shape != shape[:1]:
        wrong = f"{part}_label has the shape {labels.shape}"
        raise _refusal(path, wrong, f"shapes ({shape[0]},), one label for each image", "change the labels")
    if labels.dtype.kind not in "iu" or labels.min() < 0:
        wrong = f"{part}_label has numbers that are negative or not integers"
        raise _refusal(path, wrong, "integers from 0", "change the labels")


def _keep(dataset: DataSet, torchvision_root: Path, folder: Path) -> Files:
    """Convert nothing, since torchvision does not have the data set."""
    return {}


def _read(dataset: DataSet, root: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Read images (sample, channel, row, column) and labels (sample,) of one part."""
    (name,) = dataset.files
    path = Path(dataset.folder) / name
    with np.load(path, allow_pickle=False) as arrays:
        image, label = arrays[f"{part}_image"], arrays[f"{part}_label"]
    if not np.isfinite(image).all():
        raise _refusal(path, f"{part}_image has values that are not finite", "finite values", "change the images")
    return image.reshape(len(image), *dataset.shape), label
