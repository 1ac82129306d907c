"""Runs of the workflow that are made once and shared by all tests, in all test processes."""

import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers.checkout import Checkout


def shared_checkout(
    factory: pytest.TempPathFactory, name: str, build: Callable[[Path], Checkout]
) -> tuple[Checkout, dict[str, list[int]]]:
    """Build a copy of the workflow once for all test processes of pytest-xdist; the others wait.

    Args:
        factory: of the temporary folders of this process.
        name: of the copy.
        build: makes the copy in an empty folder.

    Returns:
        The copy, and ``stamps`` of the copy when it was built.
    """
    base = factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else factory.getbasetemp()
    root, record = base / name, base / f"{name}.json"
    with (base / f"{name}.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not record.exists():
            assert not root.exists(), f"{name} could not be built: see the first failure"
            root.mkdir()
            checkout = build(root)
            record.write_text(json.dumps([checkout.settings, stamps(checkout)]), encoding="utf-8")
        settings, built = json.loads(record.read_text(encoding="utf-8"))
        return Checkout(root, settings), built


def stamps(checkout: Checkout) -> dict[str, list[int]]:
    """Size and time stamp (ns) of every file of results, which no test may change in a shared copy."""
    files = (path for path in (checkout.root / "results").rglob("*") if path.is_file())
    return {str(path.relative_to(checkout.root)): [(s := path.stat()).st_size, s.st_mtime_ns] for path in sorted(files)}
