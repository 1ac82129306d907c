"""The data dictionary: the contents of every kind of file, read from the files of a run.

The page omits details that depend on the scale of the run, such as lengths of axes.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sgd_valleys.errors import UserError
from sgd_valleys.markdown import table
from sgd_valleys.storage import hdf5

# attributes of every file, with their descriptions
COMMON = {
    "parameters": "the settings that it was computed with, all of them and no others, as JSON",
    "git_revision": 'last commit of the code, "-dirty" with edits on top, "unknown" outside its own checkout',
    "versions": "of the code, Python and the libraries, as JSON",
    "data_sha256": "checksum of the images and labels of the experiment; not in `results/two_valley/`",
    "file_sha256": "checksum of the file's bytes, with zeros for its own 64 digits; compared at every reading",
}
LAYER = re.compile(r"(layer[ -]?)\d+")


@dataclass(frozen=True)
class Kind:
    """The files that one rule writes: pattern of the paths, name of the rule, purpose in a sentence, existing files."""

    pattern: str
    rule: str
    purpose: str
    files: Sequence[Path]


def without_number(text: str) -> str:
    """Replace the number of a layer in a name or a description by "{k}"."""
    return LAYER.sub(r"\1{k}", text)


def page(kinds: Iterable[Kind]) -> str:
    """Return the data dictionary as Markdown.

    Raises:
        UserError: a kind has no file.
    """
    head = [
        "# Data dictionary",
        "",
        "`snakemake --cores 1 dictionary` generates this page from the files of a whole run: do not edit the page.",
        "The page is the same at every scale: axes are named, not measured, and `{k}` is the number of a layer.",
        "An axis that is no variable has no coordinate.",
        "A variable *where recorded* is only in some files of its kind: the settings determine which.",
        '`xarray.open_dataset(path, engine="h5netcdf")` shows the same of one file, with the numbers.',
        "[Panels](panels.md) has the files of every panel.",
        "",
        "Every file has these attributes; the section of a file names its own attributes.",
        "",
        *table(("attribute", "what"), [(f"`{name}`", what) for name, what in COMMON.items()]),
    ]
    return "\n".join([*head, *(line for kind in kinds for line in _section(kind))]) + "\n"


def _section(kind: Kind) -> list[str]:
    if not kind.files:
        raise UserError(f"{kind.pattern}: no file; allowed is a complete run; run the workflow first.")
    contents = [hdf5.describe(path) for path in kind.files]
    attributes = [hdf5.read_attributes(path) for path in kind.files]
    names = sorted({without_number(name) for content in contents for name in content})
    own = sorted({name for each in attributes for name in each.keys() - COMMON.keys()})
    settings = sorted({name for each in attributes for name in each["parameters"]})
    notes = [f"Rule `{kind.rule}`: {kind.purpose}"]
    for title, names_of in (("settings", settings), ("own attributes", own)):
        notes += [f"Its {title}: {', '.join(f'`{name}`' for name in names_of)}."] if names_of else []
    rows = [_row(name, contents) for name in names]
    return ["", f"## `{kind.pattern}`", "", *notes, "", *table(("variable", "axes", "type", "unit", "what"), rows)]


def _row(name: str, contents: Sequence[dict[str, hdf5.Description]]) -> tuple[str, ...]:
    """Return the table row of a variable: its description in all files of a kind, with every variant."""
    found = [one for content in contents for own, one in content.items() if without_number(own) == name]
    everywhere = all(name in map(without_number, content) for content in contents)
    axes = _each(", ".join(map(without_number, one.dims)) or "none" for one in found)
    what = _each(without_number(one.long_name) for one in found) + ("" if everywhere else "; *where recorded*")
    return f"`{name}`", axes, _each(one.dtype for one in found), _each(one.units for one in found), what


def _each(texts: Iterable[str]) -> str:
    return "; or ".join(sorted(set(texts)))
