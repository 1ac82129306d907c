"""A finished run as an RO-Crate (https://w3id.org/ro/crate): its files, the workflow, the data, the paper.

The metadata do not depend on the time or the machine, so that the same run has the same metadata.
"""

import hashlib
import os
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rocrate.model import ContextEntity, SoftwareApplication
from rocrate.rocrate import ROCrate

from sgd_valleys.storage import hdf5, provenance

FORMATS = {
    ".h5": "application/x-hdf5",
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/markdown",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".yaml": "application/yaml",
    ".zip": "application/zip",
}
EPOCH = (1980, 1, 1, 0, 0, 0)  # earliest time that a zip archive can store
DESCRIPTION = (
    "A finished run of the workflow, every file with its size and a checksum: sha256 where there is one; an HDF5 file "
    "carries its own in its attribute file_sha256, which is its identifier here and which `snakemake --cores 1 verify` "
    "compares. The date is that of the workflow's version: a run has none, so that the same run has the same bytes."
)


def pack(files: Iterable[Path], root: Path, archive: Path) -> None:
    """Store files under their paths relative to ``root`` in a zip archive, whose bytes depend only on the files."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:  # compressed bytes depend on zlib's version
        for path in files:
            entry = zipfile.ZipInfo(Path(os.path.relpath(path, root)).as_posix(), EPOCH)
            entry.external_attr = (0o100755 if os.access(path, os.X_OK) else 0o100644) << 16
            packed.writestr(entry, path.read_bytes())


def describe(
    files: Mapping[Path, str], workflow: Path, citation: Mapping[str, Any], versions: Mapping[str, str]
) -> dict[str, Any]:
    """Return the crate's metadata as JSON-LD.

    Args:
        files: purpose of each file of the run, by path. Of HDF5 files, only the attributes are read.
        workflow: archive of the workflow, in the folder of the crate.
        citation: content of the workflow's CITATION.cff.
        versions: versions of Snakemake, Python and the libraries, by name.

    Raises:
        UserError: an HDF5 file cannot be read.
    """
    root, paper = workflow.parent, citation["preferred-citation"]
    crate = ROCrate()
    authors = [_author(crate, each) for each in citation["authors"]]
    license_ = _add(crate, f"https://spdx.org/licenses/{citation['license']}", "CreativeWork", name=citation["license"])
    paper_authors = [_author(crate, each) for each in paper["authors"]]
    article = _add(crate, "#paper", "ScholarlyArticle", name=paper["title"], author=paper_authors)
    crate.name = f"{citation['title']}: results"
    crate.description = DESCRIPTION
    crate.root_dataset["datePublished"] = citation["date-released"]  # rocrate would set the current time
    crate.license = license_
    crate.root_dataset["author"] = authors
    crate.root_dataset["citation"] = article
    crate.keywords = citation["keywords"]

    software = [
        crate.add(SoftwareApplication(crate, f"#{name}", {"name": name, "version": versions[name]}))
        for name in sorted(versions)
    ]
    program = crate.add_workflow(
        dest_path=workflow.name,
        main=True,
        lang="snakemake",
        lang_version=versions["snakemake"],
        properties={
            "name": f"{citation['title']} {citation['version']}",
            "description": f"{citation['abstract']} Its Snakefile is at the top of the archive.",
            "version": citation["version"],
            "author": authors,
            "license": license_,
            "citation": article,
            "softwareRequirements": software,
            **_content(workflow),
        },
    )
    results, sources = [], []
    for path, purpose in files.items():
        content = {"description": purpose, **_content(path)}
        if path.suffix == ".h5":
            attributes = hdf5.read_attributes(path, checked=False)
            content["identifier"] = attributes[hdf5.CHECKSUM]
            if "source" in attributes:
                sources.append(_data_set(crate, path.relative_to(root), attributes))
        results.append(crate.add_file(dest_path=path.relative_to(root).as_posix(), properties=content))
    revision = f"Git revision of the code: {provenance.git_revision()}"
    links = {"instrument": program, "object": sources, "result": results}
    crate.root_dataset["mentions"] = [
        _add(crate, "#run", "CreateAction", name="The run", description=revision, **links)
    ]
    return crate.metadata.generate()


def _add(crate: ROCrate, identifier: str, type_: str, /, **properties: Any) -> ContextEntity:
    return crate.add(ContextEntity(crate, identifier, {"@type": type_, **properties}))


def _author(crate: ROCrate, author: Mapping[str, str]) -> ContextEntity:
    """Add a person or, for an entry with a single ``name``, an organization."""
    name = author.get("name") or f"{author['given-names']} {author['family-names']}"
    person = {} if "name" in author else {"givenName": author["given-names"], "familyName": author["family-names"]}
    identifier = f"#{name.replace(' ', '-')}"
    return _add(crate, identifier, "Person" if person else "Organization", name=name, **person)


def _content(path: Path) -> dict[str, str]:
    """Return name, size (bytes) and format of a file, and its SHA-256 unless the file is HDF5."""
    found = {"name": path.name, "contentSize": str(path.stat().st_size)}
    if path.suffix in FORMATS:
        found["encodingFormat"] = FORMATS[path.suffix]
    if path.suffix != ".h5":
        found["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _data_set(crate: ROCrate, path: Path, attributes: Mapping[str, Any]) -> ContextEntity:
    """Add the source of an experiment's images, from the attributes of its ``data.h5`` at ``path``."""
    files = ", ".join(f"{name} (MD5 {md5})" for name, md5 in attributes["file_md5"].items())
    content = {
        "name": attributes["parameters"]["name"],
        "description": f"The images in {path.as_posix()} come from {attributes['source']}: {files}.",
        "identifier": f"sha256 of the images used: {attributes['data_sha256']}",
    }
    return _add(crate, f"#data-{path.parent.name}", "Dataset", **content)
