"""File formats of images and labels."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sgd_valleys.data.dataset import DataSet, Files, Format, SourceUnavailable

CIFAR10_PICTURES = {"train": [f"data_batch_{batch}.png" for batch in range(1, 6)], "test": ["test_batch.png"]}


def _torchvision_files(dataset: DataSet, torchvision_root: Path, folder: Path) -> Files:
    return {file: torchvision_root / dataset.folder / file for file in dataset.files}


def _read_idx(dataset: DataSet, root: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    samples = dataset.import_class()(root, train=part == "train")
    return samples.data.numpy()[:, None], samples.targets.numpy()


def _convert_to_arrays(dataset: DataSet, torchvision_root: Path, folder: Path) -> Files:
    arrays: dict[str, Any] = {}
    for part in ("train", "test"):
        samples = dataset.import_class()(torchvision_root, train=part == "train")
        arrays |= {f"{part}_image": samples.data, f"{part}_label": samples.targets}
    return _save_arrays(arrays, folder)


def _save_arrays(arrays: Mapping[str, Any], folder: Path) -> Files:
    """Write arrays as uint8 .npy files in C order, so that equal values give files with the same bytes."""
    files = {f"{name}.npy": folder / f"{name}.npy" for name in arrays}
    for path, array in zip(files.values(), arrays.values(), strict=True):
        np.save(path, np.ascontiguousarray(array, dtype=np.uint8))
    return files


def _read_arrays(dataset: DataSet, root: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    image, label = (np.load(root / dataset.folder / f"{part}_{kind}.npy") for kind in ("image", "label"))
    return image.transpose(0, 3, 1, 2), label


def decode_cifar10_pictures(files: Files, folder: Path) -> Files:
    """Decode the pictures of CIFAR-10: one picture per original batch, in which every image is a row of pixels.

    Args:
        files: the pictures of ``CIFAR10_PICTURES``, train_label.json and test_label.json, by name.
        folder: output folder.

    Returns:
        files of the format ``ARRAYS``, by name.

    Raises:
        SourceUnavailable: a picture or a list of labels cannot be decoded.
    """
    from PIL import Image

    arrays = {}
    try:
        for part, pictures in CIFAR10_PICTURES.items():
            pixels = [np.asarray(Image.open(files[picture])).reshape(-1, 32, 32, 3) for picture in pictures]
            arrays[f"{part}_image"] = np.concatenate(pixels)
            arrays[f"{part}_label"] = np.array(
                json.loads(files[f"{part}_label.json"].read_text(encoding="utf-8")), dtype=np.uint8
            )
    except Exception as error:  # Pillow does not document every error that an invalid picture raises
        raise SourceUnavailable.because(error, "the package cannot be decoded: ") from error
    return _save_arrays(arrays, folder)


# The format of MNIST, which torchvision downloads and reads without a conversion.
IDX = Format(_torchvision_files, _read_idx)
# NumPy's format: images uint8 (sample, row, column, channel) and labels uint8 (sample,) of each part.
ARRAYS = Format(_convert_to_arrays, _read_arrays)
