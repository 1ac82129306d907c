"""Images are in the order and scale that the training of the paper uses."""

import logging
import runpy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.checkout import ROOT
from helpers.data_files import parse_idx, write_files
from PIL import Image

from sgd_valleys.data import images
from sgd_valleys.data.dataset import Format, import_torchvision
from sgd_valleys.data.download import fetch
from sgd_valleys.data.registry import DATA_SETS
from sgd_valleys.data.sources import LOCAL_FILES
from sgd_valleys.errors import UserError
from sgd_valleys.storage import hdf5


def test_subset_is_the_first_images_of_each_class_scaled_to_plus_minus_one(mnist_root: Path) -> None:
    loaded = images.load("mnist", mnist_root, 100, 20)
    for part, stem, per_class in (("train", "train", 100), ("test", "t10k", 20)):
        pixels = parse_idx(mnist_root / f"MNIST/raw/{stem}-images-idx3-ubyte")
        labels = parse_idx(mnist_root / f"MNIST/raw/{stem}-labels-idx1-ubyte")
        order = [i for c in range(10) for i in np.flatnonzero(labels == c)[:per_class]]
        image, label = getattr(loaded, f"{part}_image"), getattr(loaded, f"{part}_label")
        assert image.shape == (10 * per_class, 1, 28, 28)
        assert (image.dtype, label.dtype) == (np.float32, np.int64)
        assert label.tolist() == [c for c in range(10) for _ in range(per_class)]
        expected = (pixels[order].astype(np.float64) / 255 - 0.5) / 0.5
        np.testing.assert_allclose(image[:, 0], expected, rtol=0, atol=1.2e-7)  # two roundings to float32 near 1
        assert (image[:, 0][pixels[order] == 0] == -1).all()  # the background is -1 exactly


def test_pixels_are_stored_channel_by_channel_scaled_to_plus_minus_one(cifar_root: Path) -> None:
    loaded = images.load("cifar10", cifar_root, 30, 20)
    for part, per_class in (("train", 30), ("test", 20)):
        pixels, labels = (np.load(cifar_root / f"cifar10/{part}_{kind}.npy") for kind in ("image", "label"))
        order = [i for c in range(10) for i in np.flatnonzero(labels == c)[:per_class]]
        image, label = getattr(loaded, f"{part}_image"), getattr(loaded, f"{part}_label")
        assert image.shape == (10 * per_class, 3, 32, 32)
        assert (image.dtype, label.dtype) == (np.float32, np.int64)
        assert label.tolist() == [c for c in range(10) for _ in range(per_class)]
        for channel in range(3):
            expected = (pixels[order][..., channel].astype(np.float64) / 255 - 0.5) / 0.5
            np.testing.assert_allclose(image[:, channel], expected, rtol=0, atol=1.2e-7)
    (test_image, test_label), whole = images.load_test_file("cifar10", cifar_root), DATA_SETS["cifar10"]
    assert test_image.shape == (whole.samples["test"], *whole.shape)
    assert test_label.tolist() == labels.tolist()
    np.testing.assert_array_equal(test_image[order], image)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
def test_pixels_are_those_of_torchvisions_transforms_bit_for_bit(name: str) -> None:
    torchvision, known = import_torchvision(), DATA_SETS[name]
    channels, rows, columns = known.shape
    some = np.arange(rows * columns * channels).reshape(rows, columns, channels) % 256  # every value
    half = (0.5,) * channels
    transforms = torchvision.transforms
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(half, half)])
    expected = transform(Image.fromarray(some.astype(np.uint8).squeeze())).numpy()
    one = replace(known, format=Format(lambda *_: {}, lambda *_: (some.transpose(2, 0, 1)[None], np.zeros(1))))
    image, _ = images._read(one, Path(), "test", None)
    assert image[0].tobytes() == expected.tobytes()


def test_fashion_mnist_is_the_original(fashion_root: Path) -> None:
    known, scaled = DATA_SETS["fashion_mnist"], (np.arange(256, dtype=np.float32) / 255 - 0.5) / 0.5
    np.testing.assert_array_equal(np.rint((scaled + 1) * 127.5), np.arange(256))
    loaded = images.load("fashion_mnist", fashion_root)
    for part, stem, in_a_class in (("train", "train", 6000), ("test", "t10k", 1000)):
        image, label = getattr(loaded, f"{part}_image"), getattr(loaded, f"{part}_label")
        assert image.shape == (known.samples[part], *known.shape)
        assert np.bincount(label).tolist() == [in_a_class] * 10
        pixels = parse_idx(fashion_root / f"FashionMNIST/raw/{stem}-images-idx3-ubyte")
        assert np.array_equal(image[:, 0], scaled[pixels])  # faster than to scale 55 million pixels back
        assert label.tolist() == parse_idx(fashion_root / f"FashionMNIST/raw/{stem}-labels-idx1-ubyte").tolist()
    assert loaded.train_label[:5].tolist() == [9, 0, 0, 3, 0]  # ankle boot, T-shirt, T-shirt, dress, T-shirt


@pytest.mark.parametrize("whole", [None, "all"])
def test_whole_file_keeps_its_order(tiny_files: dict[str, bytes], tmp_path: Path, whole: str | None) -> None:
    write_files(tmp_path, tiny_files)
    fetch("tiny", tmp_path)
    loaded = images.load("tiny", tmp_path, whole, whole)
    assert loaded.train_label.tolist() == list(tiny_files["train-labels-idx1-ubyte"][8:])
    pixels = parse_idx(tmp_path / "t10k-images-idx3-ubyte")
    np.testing.assert_array_equal(np.rint((loaded.test_image[:, 0] + 1) * 127.5), pixels)


@pytest.mark.parametrize("wrong", [2.5, "ten", True])
def test_a_number_of_images_is_an_integer(tiny_files: dict[str, bytes], tmp_path: Path, wrong: object) -> None:
    write_files(tmp_path / "MNIST/raw", tiny_files)
    with pytest.raises(UserError, match=rf"dataset\.train_per_class = {wrong!r}: out of range; allowed are all, and 1"):
        images.load("tiny", tmp_path, wrong)


@pytest.mark.parametrize(("setting", "per_class"), [("train", (7, 1)), ("test", (1, 4)), ("train", (0, 1))])
def test_more_images_than_a_class_has_are_rejected(
    tiny_files: dict[str, bytes], tmp_path: Path, setting: str, per_class: tuple[int, int]
) -> None:
    write_files(tmp_path / "MNIST/raw", tiny_files)
    with pytest.raises(
        UserError, match=rf"dataset\.{setting}_per_class = \d: out of range; allowed are all, and 1 to [63],"
    ):
        images.load("tiny", tmp_path, *per_class)


def test_training_subsets_are_disjoint_and_in_the_order_of_the_file(
    tiny_files: dict[str, bytes], tmp_path: Path
) -> None:
    write_files(tmp_path / "MNIST/raw", tiny_files)
    whole = images.load("tiny", tmp_path, 6, 1)
    parts = [images.load("tiny", tmp_path, 2, 1, subset) for subset in range(3)]
    for c in np.unique(whole.train_label):
        joined = np.concatenate([part.train_image[part.train_label == c] for part in parts])
        assert np.array_equal(joined, whole.train_image[whole.train_label == c])
    assert np.array_equal(parts[1].test_image, whole.test_image)
    assert parts[0].data_sha256() == images.load("tiny", tmp_path, 2, 1).data_sha256()
    with pytest.raises(UserError, match=r"dataset\.train_subset = 3: out of range; allowed are 0 to 2 for 2 images"):
        images.load("tiny", tmp_path, 2, 1, 3)


def test_checksum_distinguishes_data(tiny_files: dict[str, bytes], tmp_path: Path) -> None:
    write_files(tmp_path / "MNIST/raw", tiny_files)
    first, again, other = (images.load("tiny", tmp_path, n, 2) for n in (3, 3, 4))
    assert first.data_sha256() == again.data_sha256() != other.data_sha256()
    again.train_image[0, 0, 5, 5] += 1e-6
    assert first.data_sha256() != again.data_sha256()


def test_variables_are_stored_with_named_axes(tiny_files: dict[str, bytes], tmp_path: Path) -> None:
    write_files(tmp_path / "MNIST/raw", tiny_files)
    loaded = images.load("tiny", tmp_path, 3, 2)
    hdf5.write(tmp_path / "data.h5", images.variables(loaded))
    with hdf5.open_file(tmp_path / "data.h5") as file:
        for part, size in (("train", 30), ("test", 20)):
            dims = [dim.label or next(iter(dim.keys())) for dim in file[f"{part}_image"].dims]
            assert dims == [f"{part}_sample", "channel", "row", "column"]
            assert file[f"{part}_label"].shape == (size,)
            np.testing.assert_array_equal(file[f"{part}_image"][()], getattr(loaded, f"{part}_image"))


def test_load_before_fetch_is_rejected(tiny_files: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"train-images-idx3-ubyte, .* missing in .*; fetch tiny first"):
        images.load("tiny", tmp_path, 1, 1)


def test_files_that_torchvision_would_read_instead_are_rejected(tiny_files: dict[str, bytes], tmp_path: Path) -> None:
    import torch

    write_files(tmp_path / "MNIST/raw", tiny_files)
    (tmp_path / "MNIST/processed").mkdir()
    for part in ("training", "test"):
        torch.save((torch.zeros(1, 28, 28), torch.zeros(1)), tmp_path / f"MNIST/processed/{part}.pt")
    assert len(import_torchvision().datasets.MNIST(tmp_path)) == 1  # torchvision reads them
    with pytest.raises(UserError, match=r"training\.pt"):
        images.load("tiny", tmp_path, 1, 1)


@pytest.mark.parametrize(("train", "test", "sizes"), [("all", "all", (60, 30)), (3, 2, (30, 20))])
@pytest.mark.filterwarnings("error")
def test_the_script_stores_the_selected_part_and_its_origin(
    tiny_files: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture,
    train: str | int,
    test: str | int,
    sizes: tuple[int, int],
) -> None:
    write_files(tmp_path / "MNIST/raw", tiny_files)
    dataset = {"name": "tiny", "train_per_class": train, "test_per_class": test}
    resources = SimpleNamespace(data_root=tmp_path)
    output = tmp_path / "data.h5"
    job = {"rule": "data", "log": [tmp_path / "log"], "output": [output], "resources": resources}
    job["params"] = SimpleNamespace(settings={"dataset": dataset})
    job["input"] = SimpleNamespace(same=[])
    monkeypatch.setattr("sgd_valleys.workflow.job.threadpool_limits", lambda threads: None)  # else for all later tests
    monkeypatch.setattr(logging.getLogger("sgd_valleys"), "handlers", handlers := [])
    runpy.run_path(str(ROOT / "workflow/scripts/data.py"), {"snakemake": SimpleNamespace(**job)})
    for handler in handlers:
        handler.close()
    assert capfd.readouterr().err == ""
    arrays = hdf5.read(output)
    assert (len(arrays["train_label"]), len(arrays["test_label"])) == sizes
    if train == "all":
        assert arrays["train_label"].tolist() == list(tiny_files["train-labels-idx1-ubyte"][8:])
    attributes = hdf5.read_attributes(output)
    assert attributes["source"] == LOCAL_FILES
    assert attributes["parameters"] == dataset
