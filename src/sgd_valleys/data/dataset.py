"""The description of a data set: its files, their format and their sources."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from sgd_valleys.data.files import check_md5

Files = Mapping[str, Path]  # the path of each file of a data set, by file name


class SourceUnavailable(Exception):
    """A source cannot provide the files of a data set; the message states the reason."""

    @classmethod
    def because(cls, error: Exception, prefix: str = "") -> "SourceUnavailable":
        """State an error of another library on one line, by its type if it has no message."""
        return cls(prefix + (" ".join(str(error).split()) or type(error).__name__))


@dataclass(frozen=True)
class Format:
    """A file format of images and labels.

    Attributes:
        convert: (data set, folder of torchvision's class, output folder) -> the files of the data set. Files that
            torchvision's class does not keep are written to the output folder.
        read: (data set, root, "train" or "test") -> pixels uint8 (sample, channel, row, column), labels (sample,)
            of the whole file.
    """

    convert: Callable[["DataSet", Path, Path], Files]
    read: Callable[["DataSet", Path, str], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Source:
    """A source of the files of a data set.

    Attributes:
        name: the name in logs and results.
        fetch: (data set, root, empty folder with an absolute path) -> the files, written to that folder.
            Raises ``SourceUnavailable`` if the source cannot provide the files, and ``UserError`` if a file under
            ``root`` is altered.
    """

    name: str
    fetch: Callable[["DataSet", Path, Path], Files]


@dataclass(frozen=True)
class DataSet:
    """The properties of a data set that the workflow needs to download, verify and read its files.

    Attributes:
        name: the value of ``dataset.name`` in the configuration.
        torchvision_class: the name of its class in ``torchvision.datasets``.
        classes: number of classes, labelled from 0.
        shape: (channel, row, column) of one image.
        samples: number of images in the "train" and in the "test" file.
        folder: the folder of its files, relative to the root.
        files: MD5 of every uncompressed file, by file name.
        format: the format of these files.
        sources: the sources of the files, in the order of trial.
        local_folders: other folders of this machine that may hold the files, plain or as .gz.
        originals: the folder and the archive that torchvision downloads to the root, if ``files`` are converted
            from them.
        legacy_files: files that torchvision's class reads instead of ``files`` if all of them exist.
    """

    name: str
    torchvision_class: str
    classes: int
    shape: tuple[int, int, int]
    samples: Mapping[str, int]
    folder: str
    files: Mapping[str, str]
    format: Format
    sources: tuple[Source, ...]
    local_folders: tuple[Path, ...] = ()
    originals: tuple[str, ...] = ()
    legacy_files: tuple[str, ...] = ()

    @property
    def pixels(self) -> int:
        """Number of values in one image, over all channels."""
        return prod(self.shape)

    def import_class(self) -> Any:
        """Import the class of this data set from ``torchvision.datasets``."""
        return getattr(import_torchvision().datasets, self.torchvision_class)

    def missing_files(self, root: Path) -> list[str]:
        """List the names of the files that are not in the folder of the data set.

        Raises:
            UserError: a file in that folder has another MD5 than expected.
        """
        paths = {root / self.folder / file: md5 for file, md5 in self.files.items()}
        check_md5(paths)
        return [path.name for path in paths if not path.is_file()]


def import_torchvision() -> ModuleType:
    """Import torchvision, even if its compiled operators do not fit the installed torch.

    The Linux wheels of torchvision are built for CUDA. Beside a CPU-only torch their operators do not load, and the
    import fails where torchvision registers kernels for two of them. Data sets and transforms use no operator.
    Once the schemas of the two operators are declared, the import succeeds. A declaration is an error where the
    operators load, hence it follows a failed import only.
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
