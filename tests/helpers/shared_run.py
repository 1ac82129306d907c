"""Runs of the workflow that all tests in all test processes share."""

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
    """Build a copy of the workflow in the first test process of pytest-xdist that asks for it; the others wait.

    Args:
        factory: pytest's factory of temporary folders.
        name: name of the copy.
        build: function that builds the copy in an empty folder.

    Returns:
        the copy, and its ``stamps`` directly after the build.
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
    """Return size (bytes) and time stamp (ns) of every file of results, which tests must not change if shared."""
    files = (path for path in (checkout.root / "results").rglob("*") if path.is_file())
    return {str(path.relative_to(checkout.root)): [(s := path.stat()).st_size, s.st_mtime_ns] for path in sorted(files)}
