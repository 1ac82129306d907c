"""A file of the user's own is a data set, or is refused in a sentence."""

from pathlib import Path

import numpy as np
import pytest

from sgd_valleys.data import download, images
from sgd_valleys.data.own_file import describe_file
from sgd_valleys.data.registry import data_set_of
from sgd_valleys.errors import UserError

RNG = np.random.default_rng(0)
GOOD = {
    "train_image": RNG.integers(0, 256, (12, 4, 4), dtype=np.uint8),
    "train_label": np.tile([0, 1, 2], 4),
    "test_image": RNG.integers(0, 256, (6, 4, 4), dtype=np.uint8),
    "test_label": np.tile([0, 1, 2], 2),
}


@pytest.fixture
def own(tmp_path: Path):
    def write(**changed: object) -> Path:
        arrays = {name: array for name, array in (GOOD | changed).items() if array is not None}
        np.savez(tmp_path / "own.npz", **arrays)
        return tmp_path / "own.npz"

    return write


def test_a_file_is_described_by_its_arrays(own) -> None:
    found = describe_file(own())
    assert (found.classes, found.shape, dict(found.samples)) == (3, (1, 4, 4), {"train": 12, "test": 6})
    colour = {f"{part}_image": RNG.random((count, 3, 5, 4)) for part, count in (("train", 12), ("test", 6))}
    assert describe_file(own(**colour)).shape == (3, 5, 4)


def test_the_path_may_begin_with_the_home_folder_or_a_variable(
    own, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PLACE", str(tmp_path))
    assert describe_file("~/own.npz").folder == describe_file("$PLACE/own.npz").folder == str(tmp_path)
    with pytest.raises(UserError, match=r"dataset\.path = \$UNDEFINED/own\.npz: the environment variable UNDEFINED is"):
        describe_file("$UNDEFINED/own.npz")


def test_bytes_are_scaled_and_numbers_are_taken_as_they_are(own, tmp_path: Path) -> None:
    data_set = data_set_of({"name": "file", "path": str(own())}, checksum=True)
    assert download.fetch(data_set, tmp_path, print) == "files at hand"
    loaded = images.load(data_set, tmp_path, 2, "all")
    assert loaded.train_image.shape == (6, 1, 4, 4) and loaded.train_label.tolist() == [0, 0, 1, 1, 2, 2]
    assert loaded.train_image[0, 0] == pytest.approx(GOOD["train_image"][0] / 127.5 - 1, abs=1e-6)
    assert np.array_equal(images.load_test_file(data_set, tmp_path)[1], GOOD["test_label"])
    numbers = RNG.normal(size=(12, 4, 4))
    data_set = describe_file(own(train_image=numbers), checksum=True)
    assert np.array_equal(images.load(data_set, tmp_path).train_image[:, 0], numbers.astype(np.float32))


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"test_label": None}, r"no array test_label; allowed are files with train_image, train_label"),
        ({"train_image": GOOD["train_image"][:, 0]}, r"train_image has the shape \(12, 4\); allowed are \(sample, row"),
        (
            {"train_image": GOOD["train_image"].astype(int)},
            r"train_image has the type int64; allowed are uint8 and floating-point",
        ),
        ({"train_label": np.arange(5)}, r"train_label has the shape \(5,\); allowed are shapes \(12,\)"),
        ({"train_label": np.tile([0, 2, 3], 4)}, r"no training image has the label 1; allowed are labels from 0 to 3"),
        ({"test_label": np.full(6, 3)}, r"test_label has 3, which train_label lacks; allowed are labels from 0 to 2"),
        ({"train_label": np.full(12, -1)}, r"train_label has numbers that are negative or not integers"),
        (
            {"test_image": np.zeros((6, 5, 4), np.uint8)},
            r"training images have the shape \(4, 4\), test images \(5, 4\)",
        ),
        ({"train_label": np.full(12, object())}, r"not readable as a \.npz file"),
    ],
)
def test_what_is_no_data_set_is_refused(own, changed: dict, sentence: str) -> None:
    with pytest.raises(UserError, match=rf"dataset\.path = .*own\.npz: .*{sentence}"):
        describe_file(own(**changed))


def test_a_damaged_or_absent_file_is_refused(own, tmp_path: Path) -> None:
    path = own()
    path.write_bytes(path.read_bytes()[:100])
    for wrong in (path, tmp_path / "absent.npz"):
        with pytest.raises(UserError, match=r"dataset\.path = .*: not readable as a \.npz file \("):
            describe_file(wrong)


def test_values_that_are_not_finite_are_refused(own, tmp_path: Path) -> None:
    data_set = describe_file(own(test_image=np.full((6, 4, 4), np.nan)), checksum=True)
    with pytest.raises(UserError, match="test_image has values that are not finite"):
        images.load(data_set, tmp_path)
