"""Files that are written whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sgd_valleys.errors import UserError


@contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[Path]:
    """Give a temporary name beside ``path`` that takes its place only if the block succeeds.

    Two copies of a job that run at once write under names of their own; whichever ends last stays. The file gets the
    permissions that ``open`` gives a new file: those that the umask, or the folder's default ACL, leaves.

    Raises:
        UserError: the file cannot be written (no space left, no permission).
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # not from ``tempfile``, whose files are private: not every file system permits chmod afterwards
        name = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        name.touch(exist_ok=False)
        temporary = name
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"{path} could not be written: {reason}; nothing was kept of it.") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
