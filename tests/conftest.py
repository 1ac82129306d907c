"""Fixtures of several test modules."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.checkout import LONG_CELL, LONG_TARGET, ROOT, WORKFLOW, Checkout

from sgd_valleys.data import download


@pytest.fixture(scope="session")
def mnist_root() -> Path:
    """The folder under which MNIST's verified files lie."""
    root = ROOT / "data"
    download.fetch("mnist", root)
    return root


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory, mnist_root: Path) -> Checkout:
    """The workflow without results. Not to be changed: see ``checkout``."""
    root = tmp_path_factory.mktemp("bare")
    for part in WORKFLOW:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
        (root / part).parent.mkdir(exist_ok=True)
        copy(ROOT / part, root / part)
    return Checkout(root, {"data": {"root": str(mnist_root.absolute())}})


@pytest.fixture(scope="session")
def copy_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Checkout], Checkout]:
    """Copies a checkout with the time stamps of its files and with Snakemake's records."""

    def copy(source: Checkout) -> Checkout:
        root = tmp_path_factory.mktemp("checkout")
        shutil.copytree(source.root, root, symlinks=True, dirs_exist_ok=True)
        return Checkout(root, source.settings)

    return copy


@pytest.fixture(scope="session")
def complete(bare: Checkout, copy_of: Callable[[Checkout], Checkout]) -> Checkout:
    """The workflow after a whole run on two cores. Not to be changed: see ``finished``."""
    checkout = copy_of(bare)
    checkout.run()
    return checkout


@pytest.fixture(scope="session")
def long_bare(bare: Checkout, copy_of: Callable[[Checkout], Checkout]) -> Checkout:
    """The workflow with the long cell and the data, before any run. Not to be changed: see ``long_checkout``."""
    checkout = copy_of(bare)
    checkout.set(LONG_CELL)
    checkout.run("results/mnist/data.h5")
    return checkout


@pytest.fixture(scope="session")
def undisturbed(long_bare: Checkout, copy_of: Callable[[Checkout], Checkout]) -> dict[str, bytes]:
    """The HDF5 files after ``LONG_TARGET`` was made and nothing happened."""
    checkout = copy_of(long_bare)
    checkout.run(LONG_TARGET)
    return checkout.results(".h5")


@pytest.fixture
def long_checkout(long_bare: Checkout, copy_of: Callable[[Checkout], Checkout]) -> Checkout:
    """The workflow with the long cell, for a test of its own."""
    return copy_of(long_bare)


@pytest.fixture
def checkout(bare: Checkout, copy_of: Callable[[Checkout], Checkout]) -> Checkout:
    """The workflow without results, for a test of its own."""
    return copy_of(bare)


@pytest.fixture
def finished(complete: Checkout, copy_of: Callable[[Checkout], Checkout]) -> Checkout:
    """The workflow after a whole run, for a test of its own."""
    return copy_of(complete)


@pytest.fixture
def disk(checkout: Checkout) -> Iterator[Callable[[int], None]]:
    """Puts results/ of ``checkout`` on a disk of its own, as large as it is told (KiB)."""
    folder = checkout.root / "results"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "tmpfs", str(folder), "-o"]
    try:
        subprocess.run([*mount, "size=64k"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no small disk can be mounted here: {error}")
    yield lambda size: subprocess.run([*mount, f"remount,size={size}k"], check=True)
    subprocess.run(["umount", str(folder)], check=True)
