"""A check that the files of a run are intact, and computed with the settings of the configuration.

The check detects only truncation in pictures, pages and archives, and only absence of other texts.
`snakemake --dry-run` lists the files whose inputs changed.
"""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sgd_valleys.errors import UserError
from sgd_valleys.storage import hdf5

ENDINGS = {".png": b"IEND\xaeB`\x82", ".pdf": b"%%EOF\n", ".html": (b"</html>\n", b"</section>\n")}
TEXTS = (".json", ".md", ".yaml")
NO_RESULTS = ("logs", "benchmarks", "report.html")  # under results/


def find_faults(folder: Path, planned: Mapping[str, Mapping[str, Any]]) -> tuple[list[str], str]:
    """Check every file of results.

    Args:
        folder: ``results``, relative to the working directory.
        planned: the settings of every file of a complete run, by path.

    Returns:
        A sentence for every fault, and a summary.
    """
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.parts[1] not in NO_RESULTS]
    faults = [fault for path in paths if (fault := fault_of(path, planned))]
    present = sum(str(path) in planned for path in paths)
    checked = f"{len(paths)} files checked: {len(faults)} wrong"
    return faults, f"{checked}; {present} of the {len(planned)} planned ones are there"


def fault_of(path: Path, planned: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a sentence on what is wrong with a file; empty for an intact file with the planned settings."""
    if path.name.endswith(".part"):
        return f"{path} was left by a job that was killed: delete it when none is running."
    if path.name.endswith(".resume"):
        return f"{path} was left by a job that was killed, and goes on from there: run again, or delete it."
    if str(path) not in planned:
        return f"{path} is foreign: nothing in the settings makes it."
    if path.suffix in TEXTS:
        return ""
    if path.suffix == ".zip" or path.suffix in ENDINGS:
        intact = zipfile.is_zipfile(path) if path.suffix == ".zip" else path.read_bytes().endswith(ENDINGS[path.suffix])
        return "" if intact else f"{path} is damaged: delete it and run again."
    try:
        attributes = hdf5.read_attributes(path)  # reads the whole file and compares its checksum
    except UserError as error:
        return str(error)
    data = Path(*path.parts[:2]) / "data.h5"
    checksum = _data_checksum(data)
    if checksum is not None and attributes.get("data_sha256", checksum) != checksum:
        return f"{path} is stale: it was made from other data than {data}."
    differences = _differences(planned[str(path)], attributes.get("parameters", {}))
    return f"{path} is stale: {'; '.join(differences)}." if differences else ""


def _data_checksum(path: Path) -> str | None:
    """Return the checksum of the images in a data.h5; None where the file cannot be read, a fault of its own."""
    try:
        return hdf5.read_attributes(path).get("data_sha256")
    except UserError:
        return None


def _differences(planned: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Return the settings in which a file differs from its plan, as "name is ... and should be ..."."""
    if isinstance(planned.get("dataset"), dict):
        planned = planned["dataset"]  # data.h5 records its data set alone
    ignored = {"device"}  # recorded, but no setting of a result
    planned = json.loads(json.dumps(planned))  # as it is stored
    return [
        f"{name} is {found.get(name)} and should be {planned.get(name)}"
        for name in sorted((planned.keys() | found.keys()) - ignored)
        if found.get(name) != planned.get(name)
    ]
