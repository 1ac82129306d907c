"""Where a long computation has got to, in a file beside its result: a job that was killed goes on from there."""

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sgd_valleys.errors import UserError
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.hdf5 import Variable

SECONDS = 300.0  # between savings: shorter computations begin anew
SUFFIX = ".resume"


class Resume:
    """The saved state of a computation.

    Args:
        result: the file that the computation makes in the end.
        about: settings, data and versions: a state of any other is not taken up.
        log: told when a state is.
        code: files of the code that computes it, of which the same is true.
    """

    def __init__(
        self,
        result: str | os.PathLike,
        about: Mapping[str, Any],
        log: logging.Logger,
        code: Sequence[str | os.PathLike] = (),
    ) -> None:
        result = Path(result)
        self.path = result.with_name(f".{result.name}{SUFFIX}")
        self.about = dict(about) | {
            "code_sha256": [hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in code]
        }
        self.log = log
        self.last = time.monotonic()

    def load(self) -> dict[str, np.ndarray]:
        """The arrays saved last; none where there is no state, or a damaged one, or one of another computation."""
        try:
            about = hdf5.read_attributes(self.path)
            about.pop(hdf5.CHECKSUM)
            names = about.pop("arrays")
            if about != json.loads(json.dumps(self.about)):
                return {}
            state = hdf5.read(self.path, names)
        except (UserError, KeyError):
            return {}
        self.log.info(f"a job that was killed has left {self.path}: going on from there")
        return state

    def save(self, arrays: Callable[[], Mapping[str, np.ndarray]]) -> None:
        """Save the state that ``arrays`` gives, if it is time to."""
        if time.monotonic() - self.last < SECONDS:
            return
        state = {
            name: Variable(tuple(f"{name}_{axis}" for axis in range(np.ndim(array))), array, "state of a computation")
            for name, array in arrays().items()
        }
        hdf5.write(self.path, state, self.about | {"arrays": list(state)})
        self.last = time.monotonic()

    def remove(self) -> None:
        """Forget the state: the result is there."""
        self.path.unlink(missing_ok=True)
