"""A file is whole or absent, also where the system cuts it off, and has the permissions of any new file."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.settings import ROOT

from sgd_valleys.storage.atomic import atomic_write

# What a full disk does, where no small disk can be mounted: the process may write no more than 64 KiB.
PROGRAM = """
import resource, sys
import numpy as np
from sgd_valleys.storage.hdf5 import Variable, write
resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, 2**16))
noise = np.random.default_rng(0).random(10**5)
write(sys.argv[1], {"x": Variable(("i",), noise, "noise")})
"""


def test_a_file_cut_off_by_the_system_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, path], env=environment, capture_output=True, encoding="utf-8", timeout=60
    )
    assert f"UserError: {path}: cannot be written (" in ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("umask", [0o002, 0o077])
def test_a_file_has_the_permissions_that_the_umask_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, umask: int
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    for name in ("chmod", "fchmod", "lchmod"):
        monkeypatch.setattr(os, name, refuse, raising=False)  # as on CIFS and exFAT
    before = os.umask(umask)
    try:
        with atomic_write(tmp_path / "folder" / "a.txt") as temporary:
            temporary.write_text("a", encoding="utf-8")
    finally:
        os.umask(before)
    (path,) = (tmp_path / "folder").iterdir()
    assert (path.name, path.stat().st_mode & 0o777) == ("a.txt", 0o666 & ~umask)
    assert path.parent.stat().st_mode & 0o777 == 0o777 & ~umask


def test_a_block_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(ZeroDivisionError), atomic_write(path) as temporary:
        temporary.write_text("new", encoding="utf-8")
        1 / 0  # noqa: B018
    assert [each.read_text(encoding="utf-8") for each in tmp_path.iterdir()] == ["old"]
