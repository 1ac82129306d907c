"""The saved state of a long computation, in a hidden file beside its result, from which a killed job resumes."""

import json
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sgd_valleys.errors import UserError
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.hdf5 import FilePath, Variable

SECONDS = 300.0  # between two saves; a job that is killed before its first save restarts from the beginning


class Resume:
    """The saved state of a computation.

    A computation loads a state only if its settings, data, versions and code are those that saved the state.

    Args:
        result: file that the computation writes at its end.
        attributes: settings, data, versions and code.
        log: receives the message that the computation resumes.
    """

    def __init__(
        self,
        result: FilePath,
        attributes: Mapping[str, Any],
        log: logging.Logger,
    ) -> None:
        result = Path(result)
        self.path = result.with_name(f".{result.name}.resume")
        self.attributes = dict(attributes)
        self.log = log
        self.last_save = time.monotonic()

    def load(self) -> dict[str, np.ndarray]:
        """Load the arrays of the last save by name; none if the file is missing, damaged, or of another computation."""
        try:
            attributes = hdf5.read_attributes(self.path)
            attributes.pop(hdf5.CHECKSUM)
            names = attributes.pop("arrays")
            if attributes != json.loads(json.dumps(self.attributes)):
                return {}
            state = hdf5.read(self.path, names)
        except (UserError, KeyError):
            return {}
        self.log.info(f"resuming from {self.path}, the saved state of a killed job")
        return state

    def is_due(self) -> bool:
        """Whether at least ``SECONDS`` have passed since the last save or, before the first one, since the start."""
        return time.monotonic() - self.last_save >= SECONDS

    def save(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Save a state: arrays by name.

        Raises:
            UserError: the file cannot be written.
        """
        state = {
            name: Variable(tuple(f"{name}_{axis}" for axis in range(np.ndim(array))), array, "state of a computation")
            for name, array in arrays.items()
        }
        hdf5.write(self.path, state, self.attributes | {"arrays": list(state)})
        self.last_save = time.monotonic()

    def remove(self) -> None:
        """Delete the saved state, after the result is written."""
        self.path.unlink(missing_ok=True)
