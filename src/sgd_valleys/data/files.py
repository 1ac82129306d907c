"""Checksums and decompression of data files."""

import gzip
import hashlib
import os
import re
import shutil
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from sgd_valleys.errors import UserError, refuse_all

GZIP_ERRORS = (EOFError, gzip.BadGzipFile, zlib.error)


def expand_path(path: str | os.PathLike, setting: str = "data.root") -> Path:
    """Return a path with ``~``, ``$NAME`` and ``${NAME}`` replaced, as in a shell.

    Args:
        path: path of the configuration.
        setting: name of the setting, for the error message.

    Raises:
        UserError: an environment variable is not defined, or a home folder does not exist.
    """
    for name in re.findall(r"\$\{?(\w+)", str(path)):
        if name not in os.environ:
            raise UserError(
                f"{setting} = {path}: the environment variable {name} is not defined; allowed are defined variables; "
                f"define {name}, or write the path."
            )
    expanded = os.path.expanduser(os.path.expandvars(path))
    if expanded.startswith("~"):
        raise UserError(
            f"{setting} = {path}: no such home folder; allowed are ~ and ~name of a user on this machine; write the "
            "path, or ./~ for a name with ~."
        )
    return Path(expanded)


def compute_md5(path: Path) -> str:
    """Return the MD5 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def check_md5(expected: Mapping[Path, str]) -> None:
    """Check the MD5 of every existing file.

    Args:
        expected: MD5 (hexadecimal) by path.

    Raises:
        UserError: files have an unexpected MD5; the message names each of them.
    """
    found = {path: compute_md5(path) for path in expected if path.is_file()}
    refuse_all(mismatch_message(path, expected[path], md5) for path, md5 in found.items() if md5 != expected[path])


def mismatch_message(path: Path, expected: str, found: str) -> str:
    """Format the error message for a file with an unexpected MD5."""
    checksum = "uncompressed MD5" if path.suffix == ".gz" else "MD5"
    return (
        f"{path}: altered or truncated, with {checksum} {found}; allowed is {expected}; delete the file, and run again."
    )


def inaccessible(dataset: str, root: Path, error: OSError) -> UserError:
    """Return the error of a data set whose files cannot be read or written."""
    return UserError(
        f"data.root = {root}: the files of {dataset} cannot be read or written ({error}); allowed is a folder with "
        "these permissions; correct the permissions, or data.root."
    )


def gzip_path(path: Path) -> Path:
    """Return the path of the compressed form of a file."""
    return path.with_name(f"{path.name}.gz")


def copy_uncompressed(source: Path, target: Path) -> None:
    """Copy a file; decompress the copy if the name of ``source`` ends in .gz."""
    with gzip.open(source) if source.suffix == ".gz" else source.open("rb") as stream:
        write_stream(stream, target)


def write_stream(stream: IO[bytes] | gzip.GzipFile, target: Path) -> None:
    """Write the rest of a stream to a file."""
    with target.open("wb") as file:
        shutil.copyfileobj(stream, file, 2**20)
