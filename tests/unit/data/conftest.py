"""Data sets and sources for the tests of data."""

import hashlib
import pickle
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.data_files import batches, block_mirrors, encode_idx, encode_npy, fetch_or_skip, serve, write_files

from sgd_valleys.data.dataset import DataSet, import_torchvision
from sgd_valleys.data.formats import decode_cifar10_pictures
from sgd_valleys.data.registry import CIFAR10_PACKAGE, DATA_SETS
from sgd_valleys.data.sources import MIRRORS, debian_package, npm_package


@pytest.fixture
def no_mirrors(monkeypatch: pytest.MonkeyPatch) -> None:
    block_mirrors(monkeypatch)


@pytest.fixture
def no_npm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "no programs here"))


@pytest.fixture
def tiny_files(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """A data set "tiny" in MNIST's format, with 60 training and 30 test images in 10 classes."""
    rng = np.random.default_rng(0)
    files = {}
    for part, size in (("train", 60), ("t10k", 30)):
        files[f"{part}-images-idx3-ubyte"] = encode_idx(rng.integers(0, 256, (size, 28, 28), dtype=np.uint8))
        files[f"{part}-labels-idx1-ubyte"] = encode_idx(rng.permutation(np.arange(size) % 10).astype(np.uint8))
    mnist = DATA_SETS["mnist"]
    md5 = {name: hashlib.md5(content).hexdigest() for name, content in files.items()}
    package = npm_package("tiny@1.0.0", {name: f"package/data/{name}" for name in files})
    tiny = replace(mnist, name="tiny", files=md5, sources=(MIRRORS, package))
    monkeypatch.setitem(DATA_SETS, "tiny", tiny)
    return files


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_files: dict[str, bytes]) -> Iterator[Path]:
    """A mirror that serves the tiny data set."""
    folder = tmp_path / "mirror"
    write_files(folder, tiny_files, ".gz")
    mnist = import_torchvision().datasets.MNIST
    with serve(folder) as address:
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setattr(mnist, "mirrors", [address])
        resources = [(path.name, hashlib.md5(path.read_bytes()).hexdigest()) for path in sorted(folder.iterdir())]
        monkeypatch.setattr(mnist, "resources", resources)
        yield folder


@pytest.fixture
def tiny_debian(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_files: dict[str, bytes]) -> DataSet:
    """The tiny data set, in a package of Debian that installs its files in a folder of this machine."""
    place = tmp_path / "usr/share/datasets/tiny"
    sources = (MIRRORS, debian_package("dataset-tiny", place))
    tiny = replace(DATA_SETS["tiny"], sources=sources, local_folders=(place,))
    monkeypatch.setitem(DATA_SETS, "tiny", tiny)
    return tiny


@pytest.fixture(scope="session")
def cifar_root() -> Path:
    return fetch_or_skip("cifar10")


@pytest.fixture(scope="session")
def fashion_root() -> Path:
    return fetch_or_skip("fashion_mnist")


@pytest.fixture
def tiny_arrays(monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """A data set "tiny" in CIFAR-10's format, with 40 training images (8 in each of 5 batches) and 20 test images."""
    rng = np.random.default_rng(1)
    arrays = {}
    for part, size in (("train", 40), ("test", 20)):
        arrays[f"{part}_image"] = rng.integers(0, 256, (size, 32, 32, 3), dtype=np.uint8)
        arrays[f"{part}_label"] = rng.permutation(np.arange(size) % 10).astype(np.uint8)
    cifar = DATA_SETS["cifar10"]
    md5 = {f"{name}.npy": hashlib.md5(encode_npy(array)).hexdigest() for name, array in arrays.items()}
    package = npm_package("tiny@1.0.0", CIFAR10_PACKAGE, decode_cifar10_pictures)
    monkeypatch.setitem(
        DATA_SETS, "tiny", replace(cifar, name="tiny", files=md5, sources=(*cifar.sources[:2], package))
    )
    return arrays


@pytest.fixture
def originals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_arrays: dict[str, np.ndarray]) -> Path:
    """A folder with the tiny data set as torchvision downloads and unpacks it: one plane per colour."""
    folder = tmp_path / "originals/cifar-10-batches-py"
    folder.mkdir(parents=True)
    for name, (image, label) in batches(tiny_arrays).items():
        planes = np.ascontiguousarray(image.transpose(0, 3, 1, 2)).reshape(len(image), 3072)
        (folder / name).write_bytes(pickle.dumps({"data": planes, "labels": label.tolist()}, protocol=2))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": [str(c) for c in range(10)]}, protocol=2))
    archive = folder.parent / "cifar-10-python.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, folder.name)
    md5 = {path.name: hashlib.md5(path.read_bytes()).hexdigest() for path in (*folder.iterdir(), archive)}
    known = import_torchvision().datasets.CIFAR10
    monkeypatch.setattr(known, "train_list", [[name, md5[name]] for name, _ in known.train_list])
    monkeypatch.setattr(known, "test_list", [[name, md5[name]] for name, _ in known.test_list])
    monkeypatch.setattr(known, "meta", known.meta | {"md5": md5["batches.meta"]})
    monkeypatch.setattr(known, "tgz_md5", md5[archive.name])
    return folder.parent
