"""What several test modules share."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import psutil
import pytest
import yaml
from snakemake.utils import update_config

from sgd_valleys import data, storage


@pytest.fixture(scope="session")
def mnist_root() -> Path:
    """The folder under which MNIST's verified files lie."""
    root = Path(__file__).parents[1] / "data"
    data.fetch("mnist", root)
    return root


ROOT = Path(__file__).parents[1]
WORKFLOW = (
    "CITATION.cff",
    "LICENSE",
    "Snakefile",
    "config.yaml",
    "config",
    "envs",
    "profiles",
    "src",
    "workflow",
    "tests/tiny.yaml",
    "pyproject.toml",
)
PLANNED = re.compile(r"^(?:local)?rule (\w+):\n((?:    .+\n)+)", re.MULTILINE)


class Checkout:
    """A copy of the workflow with settings of its own on top of tests/tiny.yaml, in which Snakemake really runs."""

    def __init__(self, root: Path, settings: dict[str, Any]) -> None:
        self.root, self.settings = root, {}
        self.set(settings)

    def set(self, settings: dict[str, Any]) -> None:
        """Change some settings; the files of the copy stay as they are."""
        update_config(self.settings, settings)
        (self.root / "overlay.yaml").write_text(yaml.safe_dump(self.settings))

    def start(self, *arguments: str, tiny: bool = True, cores: int | None = 2) -> subprocess.Popen:
        """Start Snakemake as a user would, in a session of its own; ``cores=None`` leaves them to a profile."""
        command = [sys.executable, "-m", "snakemake", *arguments]
        if cores is not None:
            command += ["--cores", str(cores)]
        if tiny:
            command += ["--configfile", "tests/tiny.yaml", "overlay.yaml"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SNAKEMAKE_")}
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(command, cwd=self.root, env=environment, start_new_session=True, **options)

    def snakemake(self, *arguments: str, timeout: float = 900, **options: Any) -> subprocess.CompletedProcess:
        """Run Snakemake to its end; ``stdout`` is all that it showed."""
        return end_of(self.start(*arguments, **options), timeout)

    def run(self, *arguments: str, **options: Any) -> str:
        """Run Snakemake, which has to succeed, and give what it showed."""
        ended = self.snakemake(*arguments, **options)
        assert ended.returncode == 0, ended.stdout
        return ended.stdout

    def plan(self, *arguments: str, **options: Any) -> dict[str, list[str]]:
        """The jobs that Snakemake would run now, but for those that write down what the run is: they depend on all.

        By rule, the name of each job's first output.

        The names of experiments other than mnist stand before theirs, as in "cifar10/data.h5".
        """
        jobs: dict[str, list[str]] = {}
        for rule, text in PLANNED.findall(self.run("--dry-run", *arguments, **options)):
            if rule not in ("all", "summary", "crate"):
                path = Path(re.search(r"output: ([^\s,]+)", text)[1])
                folder = path.parts[1]
                other = "" if folder in ("mnist", "two_valley", "figures", path.name) else f"{folder}/"
                jobs.setdefault(rule, []).append(other + path.name)
        return jobs

    def results(self, *suffixes: str) -> dict[str, bytes]:
        """Content of every computed file: what lies under results/ but for logs and benchmarks."""
        folder = self.root / "results"
        files = (path for path in folder.rglob("*") if path.is_file())
        found = {str(path.relative_to(folder)): path for path in files if path.suffix in (suffixes or path.suffix)}
        return {
            name: path.read_bytes()
            for name, path in sorted(found.items())
            if not name.startswith(("logs/", "benchmarks/"))
        }


def end_of(process: subprocess.Popen, timeout: float = 900) -> subprocess.CompletedProcess:
    """Wait for a started Snakemake; what runs for too long is killed with its jobs."""
    try:
        shown, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, shown)


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 300) -> Any:
    """Ask again and again, and give the first answer that is not nothing."""
    end = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < end, f"after {seconds:g} s still not: {what}"
        time.sleep(0.02)
    return answer


# A run of seconds that can be met midway, and what is made of it: a cell more than tests/tiny.yaml has.
LONG_CELL = {"experiments": {"mnist": {"sweep": {"eta": [0.0001, 0.01, 0.02]}}}}
LONG_RUN = "results/mnist/train/eta0.0001_B10_r0-1.h5"
LONG_TARGET = "results/mnist/curvature/eta0.0001_B10_r0-1.h5"


def midway(checkout: Checkout, *, besides: tuple[int, ...] = (), seconds: float = 300) -> psutil.Process:
    """The process that trains ``LONG_RUN``, stopped (SIGSTOP) where it has begun and not ended.

    Args:
        checkout: in which it runs.
        besides: processes that are known and not meant.
        seconds: to wait for it.
    """
    log = checkout.root / LONG_RUN.replace("results/", "results/logs/").replace(".h5", ".log")

    def training() -> psutil.Process | None:
        for process in psutil.process_iter():
            try:
                script = process.cmdline()[-1:] if process.pid not in besides else []
                ours = script and script[0].endswith(".train.py") and Path(process.cwd()) == checkout.root
                if ours and process.create_time() <= log.stat().st_mtime and " iterations" in log.read_text():
                    process.suspend()
                    return process
            except (psutil.Error, FileNotFoundError):
                continue
        return None

    process = wait_until(training, f"training of {LONG_RUN} begun", seconds)
    assert not (checkout.root / LONG_RUN).exists()
    return process


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


@contextmanager
def edited(path: Path) -> Iterator[h5py.File]:
    """A file of results to be changed, that passes for written so."""
    with h5py.File(path, "r+") as file:
        yield file
        file.attrs[storage.CHECKSUM] = storage.NO_CHECKSUM
    content = bytearray(path.read_bytes())
    storage.stamp(memoryview(content))
    path.write_bytes(content)


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
