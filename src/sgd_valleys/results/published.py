"""The numbers and tables that rule `publish` writes into the documentation."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial

from sgd_valleys.errors import UserError
from sgd_valleys.storage import hdf5

PLACE = re.compile(r"<!-- (?P<name>[\w ]+) -->(?P<old>.*?)<!-- / -->", re.DOTALL)
MARK = re.compile(r"<!-- .*? -->")


def read_headlines(files: Iterable[str]) -> list[str]:
    """Read the headline numbers of files, as sentences; files without headline numbers are allowed."""
    return [sentence for path in files for sentence in hdf5.read_attributes(path).get("headlines", ())]


def fill_pages(
    pages: Mapping[str, str], numbers: Mapping[str, str], blocks: Mapping[str, Iterable[str]]
) -> dict[str, str]:
    """Replace the text between each mark ``<!-- name -->`` and the next ``<!-- / -->``.

    Args:
        pages: text of each page, by path.
        numbers: text within a line, by name; a number may have any number of places.
        blocks: lines of each block, by name; a block has exactly one place.

    Returns:
        new text of each page, by path.

    Raises:
        UserError: a mark has an unknown name or no end, or a block has no place or several places.
    """
    new = {name: "\n".join(["", *lines, ""]) for name, lines in blocks.items()} | dict(numbers)
    places: Counter[str] = Counter()

    def filled(page: str, place: re.Match) -> str:
        name = place["name"]
        if name not in new:
            raise UserError(
                f"{page}: unknown mark <!-- {name} -->; allowed are the numbers of claims.json, and "
                f"{', '.join(blocks)}; correct the mark."
            )
        places[name] += 1
        return f"<!-- {name} -->{new[name]}<!-- / -->"

    texts = {}
    for page, text in pages.items():
        if single := MARK.search(PLACE.sub("", text)):
            raise UserError(
                f"{page}: unpaired mark {single[0]}; allowed are pairs <!-- name --> ... <!-- / -->; add the other."
            )
        texts[page] = PLACE.sub(partial(filled, page), text)
    for name in blocks:
        if places[name] != 1:
            raise UserError(
                f"<!-- {name} -->: {places[name]} places in {', '.join(pages)}; allowed is one, up to the next "
                "<!-- / -->; add or delete marks."
            )
    return texts
