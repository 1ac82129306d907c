"""Files that are written whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sgd_valleys.errors import UserError


@contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[Path]:
    """Give a temporary name beside ``path`` that takes its place only if the block succeeds.

    Two copies of a job that run at once write under names of their own; whichever ends last stays.

    Raises:
        UserError: the file cannot be written (no space left, no permission).
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        temporary.chmod(0o644)
        os.replace(temporary, path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"{path} could not be written: {reason}; nothing was kept of it.") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
