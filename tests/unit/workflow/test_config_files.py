"""Settings that are given twice, types on the command line, and time stamps from the future."""

import os
import re
import time
from pathlib import Path

import pytest

from sgd_valleys.errors import UserError
from sgd_valleys.workflow.config_files import refuse_future_stamps, refuse_repeated_settings, typed


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("seed: 1\nseed: 2\n", "seed: set in line 1 and again in line 2"),
        ("a: {b: 1, c: 2, b: 3}\n", "a.b: set in line 1 and again in line 1"),
        ("a:\n  b: 1\nd: 1\na:\n  c: 2\n", "a: set in line 1 and again in line 4"),
        ("a:\n  - {x: 1, x: 1}\n", "a[0].x: set in line 2 and again in line 2"),
        ('{"seed": 1,\n "seed": 1}', "seed: set in line 1 and again in line 2"),
    ],
)
def test_a_setting_given_twice_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=re.escape(f"config: {path}, {sentence}; allowed is one; delete the other.")):
        refuse_repeated_settings([path])


def test_all_repeated_settings_are_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text("a: 1\na: 1\nb: {c: 1, c: 1}\n", encoding="utf-8")
    with pytest.raises(UserError) as refused:
        refuse_repeated_settings([tmp_path / "my.yaml"])
    assert len(str(refused.value).splitlines()) == 2


def test_equal_names_in_different_sections_are_no_repetition(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text("a: &x {b: 1}\nc: {b: 1, d: *x}\ne: [{b: 1}, {b: 1}]\n", encoding="utf-8")
    (tmp_path / "empty.yaml").write_text("# nothing\n", encoding="utf-8")
    refuse_repeated_settings([tmp_path / "my.yaml", tmp_path / "empty.yaml"])


def test_nested_settings_of_the_command_line_have_their_types() -> None:
    given = {"seed": 1, "results": "2024", "experiments": {"mnist": {"sweep": {"eta": ["0.1", "1"], "x": "null"}}}}
    expected = {"mnist": {"sweep": {"eta": [0.1, 1], "x": None}}}
    assert typed(given) == {"seed": 1, "results": "2024", "experiments": expected}


def test_a_file_from_the_future_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.h5"
    path.touch()
    refuse_future_stamps([path])
    os.utime(path, (time.time() + 3600,) * 2)
    with pytest.raises(UserError, match=r"data\.h5: the time stamp is 3\d\d\d s ahead of the clock"):
        refuse_future_stamps([path])
