"""The data dictionary contains no number of a scale, and needs the files of a run."""

import pytest

from sgd_valleys.errors import UserError
from sgd_valleys.results.dictionary import Kind, page, without_number


def test_a_dictionary_contains_no_number_of_a_scale() -> None:
    assert without_number("layer3_weight at the recorded iterations") == "layer{k}_weight at the recorded iterations"


def test_a_dictionary_of_no_files_is_refused() -> None:
    with pytest.raises(UserError, match=r"results/x\.h5: no file; allowed is a complete run"):
        page([Kind("results/x.h5", "x", "Nothing.", [])])
