"""Verification that the files of a run are intact and were computed with the settings of the configuration.

The verification compares checksums of HDF5 files. In pictures, pages and archives it detects only truncation, and
other texts need only be readable. `snakemake --dry-run` lists the files whose inputs changed.
"""

import io
import json
import os
import zipfile
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sgd_valleys.errors import UserError
from sgd_valleys.results.recorded import options_of_a_run, refuse_other_run
from sgd_valleys.storage import hdf5

Settings = Mapping[str, Any]
ENDINGS = {".png": (b"IEND\xaeB`\x82",), ".pdf": (b"%%EOF\n",), ".html": (b"</html>\n", b"</section>\n")}
NOT_CHECKED = ("logs", "benchmarks", "report.html", "README.md")  # names in the folder of results


def find_faults(folder: Path, planned: Mapping[str, Settings], settings: Settings) -> tuple[list[str], str]:
    """Check every file of a folder of results, including files behind links.

    Args:
        folder: folder of results, relative to the working directory.
        planned: settings of every file of a complete run, by path.
        settings: configuration, in the form in which a run records it in its ``config.yaml``.

    Returns:
        a sentence for every fault, and a summary.

    Raises:
        UserError: ``folder`` has no file of this configuration, or has the run of another configuration.
    """
    refuse_other_run(folder, settings)
    _refuse_absent_run(folder, planned)
    entries = list(_walk(folder))
    files = [path for path, fault in entries if not fault]
    faults = [fault or fault_of(path, folder, planned) for path, fault in sorted(entries)]
    faults = [fault for fault in faults if fault]
    present = sum(str(path) in planned for path in files)
    checked = f"{len(files)} files checked: {len(faults)} faults"
    return faults, f"{checked}; {present} of {len(planned)} planned files exist"


def _refuse_absent_run(folder: Path, planned: Iterable[str]) -> None:
    """Refuse a folder of results without any planned file, in which no fault could be found."""
    if any(map(os.path.lexists, planned)):
        return
    raise UserError(
        f"results = {folder}: no file of a run with these settings; allowed is a folder with a run; run the workflow "
        f"first, or use the settings of a run, such as {options_of_a_run(folder)}."
    )


def _walk(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield (path, fault) for every file and every faulty entry below a folder, each file once.

    The fault is "" for a file, and a sentence for an entry that is neither a file nor a folder or cannot be read.
    Folders are visited before links to folders, so that a linked folder inside the results keeps its own path.
    """
    waiting, seen = deque([folder]), dict[tuple[int, int], Path]()
    while waiting:
        path = waiting.popleft()
        try:
            state = path.stat()
            first = seen.setdefault((state.st_dev, state.st_ino), path)
            entries = sorted(os.scandir(path), key=lambda entry: entry.name) if first is path else []
        except OSError as error:
            yield path, str(hdf5.unreadable(path, error))
            continue
        if first is not path:
            yield path, f"{path}: a link to the folder {first}; allowed is one path for each file; delete the link."
        for entry in entries:
            inner = path / entry.name
            if path == folder and entry.name in NOT_CHECKED:
                continue
            kind = _kind(entry)
            if kind == "folder":
                (waiting.append if entry.is_symlink() else waiting.appendleft)(inner)
            elif kind == "file":
                yield inner, ""
            elif entry.is_symlink():
                target = os.readlink(inner)
                missing = f"a link to the missing target {target}"
                yield (
                    inner,
                    f"{inner}: {missing}; allowed are existing targets; restore the target, or delete the link.",
                )
            else:
                yield inner, f"{inner}: neither a file nor a folder; allowed are files and folders; delete the entry."


def _kind(entry: os.DirEntry) -> str:
    """Return "folder" or "file"; "" for any other kind and for a broken link."""
    try:
        return "folder" if entry.is_dir() else "file" if entry.is_file() else ""
    except OSError:  # circular links, or a target without permission
        return ""


def fault_of(path: Path, folder: Path, planned: Mapping[str, Settings]) -> str:
    """Return a sentence on the fault of a file; empty for an intact file with the planned settings.

    Args:
        path: path of the file, which starts with ``folder``.
        folder: folder of results.
        planned: settings of every file of a complete run, by path.
    """
    if path.name.endswith(".part"):
        return f"{path}: remains of a killed job; allowed are complete files; delete the file when no job runs."
    if path.name.endswith(".resume"):
        return f"{path}: saved state of a killed job; allowed are complete files; run again to resume, or delete it."
    if str(path) not in planned:
        return f"{path}: unknown file; allowed are the files of these settings; delete or move the file."
    try:
        if path.suffix != ".h5":
            return "" if _is_complete(path) else str(hdf5.damaged(path, "damaged, since the end is missing"))
        attributes = hdf5.read_attributes(path)  # reads the whole file and compares its checksum
    except UserError as error:
        return str(error)
    except OSError as error:
        return str(hdf5.unreadable(path, error))
    data = folder / path.relative_to(folder).parts[0] / "data.h5"
    checksum = _data_checksum(data)
    if checksum is not None and attributes.get("data_sha256", checksum) != checksum:
        return f"{path}: stale, computed from other data; allowed is the data of {data}; run the workflow again."
    differences = ", ".join(_differences(planned[str(path)], attributes.get("parameters", {})))
    stale = f"{path}: stale, computed with other settings; allowed are {differences}; run the workflow again."
    return stale if differences else ""


def _is_complete(path: Path) -> bool:
    """Whether a picture, a page or an archive has its end; any other readable file counts as complete."""
    content = path.read_bytes()
    if path.suffix == ".zip":
        return zipfile.is_zipfile(io.BytesIO(content))
    return content.endswith(ENDINGS.get(path.suffix, (b"",)))


def _data_checksum(path: Path) -> str | None:
    """Return the checksum of the images in a ``data.h5``; None if the file cannot be read, a fault that is listed."""
    try:
        return hdf5.read_attributes(path).get("data_sha256")
    except UserError:
        return None


def _differences(planned: Settings, found: Settings) -> list[str]:
    """Return the settings of a file that differ from the planned ones, as "name = ... (not ...)"."""
    if isinstance(planned.get("dataset"), dict):
        planned = {**planned, **planned["dataset"]}  # ``data.h5`` records the settings of its data set separately
        del planned["dataset"]
    ignored = {"device"}  # recorded, but not a setting of the computation
    planned = json.loads(json.dumps(planned))  # in the types of the stored settings
    return [
        f"{name} = {planned.get(name)} (not {found.get(name)})"
        for name in sorted((planned.keys() | found.keys()) - ignored)
        if found.get(name) != planned.get(name)
    ]
