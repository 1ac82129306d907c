"""Atomic writing of files: a file appears complete or not at all."""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sgd_valleys.errors import UserError


@contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, and rename the file to ``path`` only if the block succeeds.

    Every call has a different temporary path. If two copies of a job run at the same time, the file of the later one
    stays. The file has the permissions of any new file: they follow the umask, or the default ACL of the folder.

    Raises:
        UserError: the file cannot be written, for example for lack of space or permission.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # not from ``tempfile``, whose files are private, since not every file system permits a later chmod
        name = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        name.touch(exist_ok=False)
        temporary = name
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(
            f"{path}: cannot be written ({reason}), and no part of the file remains; allowed is a writable folder with "
            "free space; free space or correct the permissions, and run again."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def copy_or_store(
    same: Sequence[str], path: str | os.PathLike, store: Callable[[], None], log: Callable[[str], None]
) -> None:
    """Copy an identical file atomically, or make the file if there is no identical file.

    Args:
        same: the identical file, or an empty sequence.
        path: the file to be written.
        store: writes ``path``.
        log: receives a line about the copy.

    Raises:
        UserError: the copy cannot be written.
    """
    if not same:
        store()
        return
    with atomic_write(path) as temporary:
        shutil.copyfile(same[0], temporary)
    log(f"the same as {same[0]}")
