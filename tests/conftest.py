"""Fixtures of several test modules."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.checkout import LONG_CELL, LONG_TARGET, ROOT, WORKFLOW, Checkout, end_of
from helpers.shared_run import shared_checkout, stamps

from sgd_valleys.data import download


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of the workflow first: while one process makes the tiny run, others go on with unit tests."""
    items.sort(key=lambda item: item.path.parent.name != "workflow")


@pytest.fixture(scope="session")
def mnist_root() -> Path:
    """The folder with MNIST's verified files."""
    root = ROOT / "data"
    download.fetch("mnist", root)
    return root


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory, mnist_root: Path) -> Checkout:
    """The workflow without results. Not to be changed: see ``checkout``."""

    def build(root: Path) -> Checkout:
        for part in WORKFLOW:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
            (root / part).parent.mkdir(exist_ok=True)
            copy(ROOT / part, root / part)
        return Checkout(root, {"data": {"root": str(mnist_root.absolute())}})

    return shared_checkout(tmp_path_factory, "bare", build)[0]


@pytest.fixture(scope="session")
def copy_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Checkout], Checkout]:
    """Copies a checkout with the time stamps of its files and with Snakemake's records."""
    return lambda source: source.copy(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="session")
def complete(bare: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """The workflow after a whole run on two cores. Not to be changed: see ``finished``."""

    def build(root: Path) -> Checkout:
        checkout = bare.copy(root)
        ended = end_of(checkout.start())
        assert ended.returncode == 0, ended.stdout
        return checkout

    checkout, built = shared_checkout(tmp_path_factory, "complete", build)
    yield checkout
    now = stamps(checkout)
    assert {name for name in built if built[name] != now.get(name)} == set(), "a test has written into a shared file"


@pytest.fixture(scope="session")
def long_bare(bare: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The workflow with the long cell and the data, before any run. Not to be changed: see ``long_checkout``."""

    def build(root: Path) -> Checkout:
        checkout = bare.copy(root)
        checkout.set(LONG_CELL)
        checkout.run("results/mnist/data.h5")
        return checkout

    return shared_checkout(tmp_path_factory, "long_bare", build)[0]


@pytest.fixture(scope="session")
def undisturbed(long_bare: Checkout, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The HDF5 files after a run to ``LONG_TARGET`` without an incident."""

    def build(root: Path) -> Checkout:
        checkout = long_bare.copy(root)
        checkout.run(LONG_TARGET)
        return checkout

    return shared_checkout(tmp_path_factory, "undisturbed", build)[0].results(".h5")


@pytest.fixture
def long_checkout(long_bare: Checkout, copy_of: Callable[[Checkout], Checkout]) -> Checkout:
    """The workflow with the long cell, for one test."""
    return copy_of(long_bare)


@pytest.fixture
def checkout(bare: Checkout, copy_of: Callable[[Checkout], Checkout]) -> Checkout:
    """The workflow without results, for one test."""
    return copy_of(bare)


@pytest.fixture
def finished(complete: Checkout, copy_of: Callable[[Checkout], Checkout]) -> Checkout:
    """The workflow after a whole run, for one test."""
    return copy_of(complete)


@pytest.fixture
def disk(checkout: Checkout) -> Iterator[Callable[[int], None]]:
    """Puts results/ of ``checkout`` on a disk of its own; the function sets the size of the disk (KiB)."""
    folder = checkout.root / "results"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "tmpfs", str(folder), "-o"]
    try:
        subprocess.run([*mount, "size=64k"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no small disk can be mounted here: {error}")
    yield lambda size: subprocess.run([*mount, f"remount,size={size}k"], check=True)
    subprocess.run(["umount", str(folder)], check=True)
