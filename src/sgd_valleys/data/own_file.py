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
            for part in PARTS:
                with archive.open(f"{part}_image.npy") as file:
                    shapes[part], dtype = _read_header(file)
                with archive.open(f"{part}_label.npy") as file:
                    labels[part] = np.lib.format.read_array(file, allow_pickle=False)
                _check_part(path, part, shapes[part], dtype, labels[part])
        md5 = {path.name: compute_md5(path) if checksum else ""}
    except KeyError as error:
        raise _refusal(path, f"{error.args[0]}; it needs train_image, train_label, test_image and test_label") from None
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise _refusal(path, f"it cannot be read as a .npz file: {error}") from error
    if shapes["train"][1:] != shapes["test"][1:]:
        raise _refusal(path, f"training images are {shapes['train'][1:]}, test images {shapes['test'][1:]}")
    classes = int(labels["train"].max()) + 1
    if missing := sorted(set(range(classes)) - set(labels["train"].tolist())):
        raise _refusal(path, f"no training image has label {missing[0]}; labels have to be 0 to {classes - 1}")
    if labels["test"].max() >= classes:
        raise _refusal(path, f"test label {labels['test'].max()} does not occur in train_label")
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


def _refusal(path: Path, reason: str) -> UserError:
    return UserError(f"dataset.path = {path}: {reason}.")


def _read_header(file: Any) -> tuple[tuple[int, ...], np.dtype]:
    """Read the shape and the type of an array in NumPy's format."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype


def _check_part(path: Path, part: str, shape: tuple[int, ...], dtype: np.dtype, labels: np.ndarray) -> None:
    """Refuse arrays that are not valid images with their labels."""
    if len(shape) not in (3, 4) or 0 in shape:
        allowed = "(sample, row, column) or (sample, channel, row, column)"
        raise _refusal(path, f"{part}_image has the shape {shape}; allowed: {allowed}")
    if dtype != np.uint8 and dtype.kind != "f":
        raise _refusal(path, f"{part}_image is {dtype}; allowed: uint8, or floating-point numbers")
    if labels.shape != shape[:1]:
        raise _refusal(path, f"{part}_label has the shape {labels.shape}; there are {shape[0]} images")
    if labels.dtype.kind not in "iu" or labels.min() < 0:
        raise _refusal(path, f"{part}_label: labels have to be whole numbers from 0")


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
        raise _refusal(path, f"{part}_image has values that are not finite")
    return image.reshape(len(image), *dataset.shape), label
