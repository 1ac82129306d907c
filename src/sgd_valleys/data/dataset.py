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
    """A source cannot provide the files of a data set; the message states why."""

    @classmethod
    def because(cls, error: Exception, prefix: str = "") -> "SourceUnavailable":
        """Convert an error of another library to one line of text; an error without a message is named by its type."""
        return cls(prefix + (" ".join(str(error).split()) or type(error).__name__))


@dataclass(frozen=True)
class Format:
    """A file format of images and labels."""

    # (data set, root of torchvision's class, output folder for converted files) -> files
    convert: Callable[["DataSet", Path, Path], Files]
    # (data set, root, "train" or "test") -> all images (sample, channel, row, column), uint8 or floating-point,
    # and labels (sample,)
    read: Callable[["DataSet", Path, str], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Source:
    """A source of the files of a data set.

    ``fetch`` raises ``SourceUnavailable`` if the source cannot provide the files. It raises ``UserError`` if a file
    under the root is altered.
    """

    name: str  # in logs and results
    fetch: Callable[["DataSet", Path, Path], Files]  # (data set, root, absolute path of an empty folder) -> files


@dataclass(frozen=True)
class DataSet:
    """The properties of a data set that the workflow needs to download, verify and read its files."""

    name: str  # value of ``dataset.name`` in the configuration
    torchvision_class: str  # name of its class in ``torchvision.datasets``
    classes: int  # number of classes, labelled from 0
    shape: tuple[int, int, int]  # (channel, row, column) of one image
    samples: Mapping[str, int]  # number of images in the "train" and in the "test" file
    folder: str  # folder of the files, relative to the root
    files: Mapping[str, str]  # MD5 of every uncompressed file, by file name
    format: Format  # format of ``files``
    sources: tuple[Source, ...]  # in the order of trial
    local_folders: tuple[Path, ...] = ()  # other folders that may have the files, plain or as .gz
    originals: tuple[str, ...] = ()  # names under the root of what ``files`` can be converted from
    legacy_files: tuple[str, ...] = ()  # torchvision's class reads these instead of ``files`` if all of them exist

    @property
    def pixels(self) -> int:
        """Number of values of one image, over all channels."""
        return prod(self.shape)

    def import_class(self) -> Any:
        """Import the class of this data set from ``torchvision.datasets``."""
        return getattr(import_torchvision().datasets, self.torchvision_class)

    def missing_files(self, root: Path) -> list[str]:
        """List the names of the files that are not in the folder of the data set.

        Raises:
            UserError: a file in this folder has an unexpected MD5.
        """
        paths = {root / self.folder / file: md5 for file, md5 in self.files.items()}
        check_md5(paths)
        return [path.name for path in paths if not path.is_file()]


def import_torchvision() -> ModuleType:
    """Import torchvision, even if its compiled operators do not fit the installed torch.

    With a CPU-only torch, the operators of a torchvision built for CUDA do not load. The import then fails where
    torchvision registers kernels for two of the operators. Data sets do not use the operators. The import succeeds
    after the schemas of the two operators are declared. A declaration would be an error if the operators were loaded,
    so it follows only a failed import.
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
