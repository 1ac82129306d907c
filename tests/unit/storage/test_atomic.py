"""A file is whole or absent, also where the system cuts it off."""

import os
import subprocess
import sys
from pathlib import Path

from helpers.settings import ROOT

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
        [sys.executable, "-c", PROGRAM, path], env=environment, capture_output=True, text=True, timeout=60
    )
    assert f"UserError: {path} could not be written: " in ended.stderr
    assert list(tmp_path.iterdir()) == []
