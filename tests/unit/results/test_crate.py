"""The archive of the workflow depends on names and bytes alone."""

import io
import zipfile
from pathlib import Path

from sgd_valleys.results import crate


def test_an_archive_depends_on_names_and_bytes_alone(tmp_path: Path) -> None:
    packed = []
    for folder in ("one", "other"):
        root = tmp_path / folder
        root.mkdir()
        (root / "a.txt").write_text("a", encoding="utf-8")
        crate.pack([root / "a.txt"], root, tmp_path / "packed.zip")
        packed.append((tmp_path / "packed.zip").read_bytes())
    assert packed[0] == packed[1]
    assert zipfile.ZipFile(io.BytesIO(packed[0])).namelist() == ["a.txt"]
