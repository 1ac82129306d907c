"""Is every file under results/ whole, and what the settings ask for? What is not is named in a sentence.

Of pictures, pages and archives it is known only whether they have been cut off, of other texts only whether they are
there; what has to be made again since something that it is made from has changed is for `snakemake --dry-run` to say.
"""

import json
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sgd_valleys.errors import UserError
from sgd_valleys.storage import hdf5
from sgd_valleys.workflow.job import job

ENDS = {".png": b"IEND\xaeB`\x82", ".pdf": b"%%EOF\n", ".html": (b"</html>\n", b"</section>\n")}
TEXTS = (".json", ".md", ".yaml")
UNASKED = ("logs", "benchmarks", "report.html")  # under results/, and no results


def compared(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """The settings in which a file differs from what is wanted of it, as "name is ... and should be ..."."""
    if isinstance(wanted.get("dataset"), dict):
        wanted = wanted["dataset"]  # data.h5 says what data it holds, and nothing else
    left_out = {"device"} if wanted.get("device") == "auto" else set()  # a file says which one that was
    wanted = json.loads(json.dumps(wanted))  # as it is stored
    return [
        f"{name} is {found.get(name)} and should be {wanted.get(name)}"
        for name in sorted((wanted.keys() | found.keys()) - left_out)
        if found.get(name) != wanted.get(name)
    ]


def wrong(path: Path, planned: Mapping[str, Mapping[str, Any]]) -> str:
    """What is wrong with a file; nothing where it is whole and as planned."""
    if path.name.endswith(".part"):
        return f"{path} was left by a job that was killed: delete it when none is running."
    if path.name.endswith(".resume"):
        return f"{path} was left by a job that was killed, and goes on from there: run again, or delete it."
    if str(path) not in planned:
        return f"{path} is foreign: nothing in the settings makes it."
    if path.suffix in ENDS:
        return "" if path.read_bytes().endswith(ENDS[path.suffix]) else f"{path} is damaged: delete it and run again."
    if path.suffix == ".zip":
        return "" if zipfile.is_zipfile(path) else f"{path} is damaged: delete it and run again."
    if path.suffix in TEXTS:
        return ""
    try:
        attributes = hdf5.read_attributes(path)  # and its checksum with them
        data = Path(*path.parts[:2]) / "data.h5"  # results/, and the experiment
        now = data_checksum(data)
        if now is not None and attributes.get("data_sha256", now) != now:
            return f"{path} is stale: it was made from other data than {data}."
    except UserError as error:
        return str(error)
    differing = compared(planned[str(path)], attributes.get("parameters", {}))
    if differing:
        return f"{path} is stale: {'; '.join(differing)}."
    return ""


def data_checksum(path: Path) -> str | None:
    """Of the data in a data.h5; none where it cannot be read, which is told of that file itself."""
    try:
        return hdf5.read_attributes(path).get("data_sha256")
    except UserError:
        return None


with job(snakemake) as log:
    planned = snakemake.params.planned
    everything = (path for path in sorted(Path("results").rglob("*")) if path.is_file())
    paths = [path for path in everything if path.parts[1] not in UNASKED]
    faults = [fault for path in paths if (fault := wrong(path, planned))]
    there = sum(str(path) in planned for path in paths)
    summary = f"{len(paths)} files checked: {len(faults)} wrong; {there} of the {len(planned)} planned ones are there"
    for line in (*faults, summary):
        log.info(line)
        print(line)
    if faults:
        sys.exit(1)
