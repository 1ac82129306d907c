"""The places of the documentation that rule `publish` fills."""

from pathlib import Path

import pytest

from sgd_valleys.errors import UserError
from sgd_valleys.results.published import fill_pages, read_headlines
from sgd_valleys.storage import hdf5

NUMBERS = {"slope": "0.2 [0.1, 0.3]"}
BLOCKS = {"run times": ["", "| a |", ""]}
PAGES = {
    "one.md": "The slope is <!-- slope -->?<!-- / -->, or <!-- slope -->0.7<!-- / --> again.\n",
    "two.md": "Before.\n<!-- run times -->\nold\nlines\n<!-- / -->\nAfter.\n",
}


def test_numbers_and_blocks_stand_between_their_marks_and_all_else_stays() -> None:
    filled = fill_pages(PAGES, NUMBERS, BLOCKS)
    slope = "<!-- slope -->0.2 [0.1, 0.3]<!-- / -->"
    assert filled == {
        "one.md": f"The slope is {slope}, or {slope} again.\n",
        "two.md": "Before.\n<!-- run times -->\n\n| a |\n\n<!-- / -->\nAfter.\n",
    }
    assert fill_pages(filled, NUMBERS, BLOCKS) == filled


@pytest.mark.parametrize(
    ("pages", "sentence"),
    [
        (
            {"one.md": "<!-- slop -->?<!-- / -->"},
            r"one\.md: unknown mark <!-- slop -->; allowed are .*, and run times; correct",
        ),
        (
            {"one.md": "<!-- slope -->?\n"},
            r"one\.md: unpaired mark <!-- slope -->; allowed are pairs <!-- name --> \.\.\.",
        ),
        ({"one.md": "?<!-- / -->"}, r"one\.md: unpaired mark <!-- / -->"),
        ({"two.md": ""}, "<!-- run times -->: 0 places in one.md, two.md; allowed is one"),
        ({"two.md": 2 * PAGES["two.md"]}, "<!-- run times -->: 2 places in"),
    ],
)
def test_a_place_that_cannot_be_filled_is_refused(pages: dict[str, str], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        fill_pages(PAGES | pages, NUMBERS, BLOCKS)


def test_headlines_are_those_of_the_files_that_have_any(tmp_path: Path) -> None:
    for name, attributes in (("a", {"headlines": ["one", "two"]}), ("b", {}), ("c", {"headlines": ["three"]})):
        hdf5.write(tmp_path / f"{name}.h5", {}, attributes)
    assert read_headlines(str(tmp_path / f"{name}.h5") for name in "abc") == ["one", "two", "three"]
