"""A copy of the workflow, in which the real Snakemake runs."""

import os
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
import yaml
from snakemake.utils import update_config

from helpers.snakemake_server import server
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.atomic import atomic_write

ROOT = Path(__file__).parents[2]
WORKFLOW = (
    "CITATION.cff",
    "LICENSE",
    "constraints.txt",
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
RECORDS = ("all", "record_configuration", "crate")  # rules that record the run: their inputs include all other files


class Checkout:
    """A copy of the workflow, in which Snakemake runs with tests/tiny.yaml and an overlay.

    Args:
        root: folder of the copy.
        settings: settings of the overlay.
    """

    def __init__(self, root: Path, settings: dict[str, Any]) -> None:
        self.root, self.settings = root, {}
        self.set(settings)

    def set(self, settings: dict[str, Any]) -> None:
        """Change settings of the overlay; results are not changed."""
        update_config(self.settings, settings)
        overlay, text = self.root / "overlay.yaml", yaml.safe_dump(self.settings)
        if not overlay.exists() or overlay.read_text(encoding="utf-8") != text:  # another test process may read it now
            overlay.write_text(text, encoding="utf-8")

    def edit_code(self, name: str) -> None:
        """Append a statement to a file of code, Python or JavaScript; a comment would change no checksum."""
        with (self.root / name).open("a", encoding="utf-8") as file:
            file.write("\nEDITED = 1;\n")

    def copy(self, root: Path) -> "Checkout":
        """Copy everything to an empty or absent folder, with time stamps and Snakemake's records.

        The copy shares the results by hard links, since the workflow replaces these files and never writes into them. A
        test calls ``detach`` before it writes into a result. Logs and benchmark files are copied, since jobs write them
        in place.
        """
        shared, written = self.root / "results", ("logs", "benchmarks")

        def place(source: str, target: str) -> None:
            path = Path(source)
            if path.is_relative_to(shared) and path.relative_to(shared).parts[0] not in written:
                os.link(source, target)
            else:
                shutil.copy2(source, target)

        shutil.copytree(self.root, root, symlinks=True, dirs_exist_ok=True, copy_function=place)
        return Checkout(root, self.settings)

    def detach(self, *names: str) -> None:
        """Replace hard links of results by copies, so that a test may write into the files.

        Args:
            names: paths relative to ``root``; by default all results.
        """
        for path in [self.root / name for name in names] or list((self.root / "results").rglob("*")):
            if path.is_file():
                own = path.with_name(f".{path.name}.own")
                shutil.copy2(path, own)
                own.replace(path)

    def arguments(self, *arguments: str, tiny: bool = True, cores: int | None = 2) -> list[str]:
        """Return the arguments of the command ``snakemake``.

        Args:
            arguments: further arguments, which come first.
            tiny: whether to use the settings of tests/tiny.yaml and of the overlay; else those of config.yaml.
            cores: number of cores; None for that of a profile.
        """
        number = [] if cores is None else ["--cores", str(cores)]
        return [*arguments, *number, *(["--configfile", "tests/tiny.yaml", "overlay.yaml"] if tiny else [])]

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen:
        """Start the command ``snakemake`` in a new session; ``options`` are those of :meth:`arguments`."""
        command = [sys.executable, "-m", "snakemake", *self.arguments(*arguments, **options)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SNAKEMAKE_")}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(command, cwd=self.root, env=environment, start_new_session=True, **pipes)

    def snakemake(self, *arguments: str, timeout: float = 900, **options: Any) -> subprocess.CompletedProcess:
        """Run Snakemake to its end, with the options of :meth:`arguments`; ``stdout`` of the result has all output."""
        return server().call(self.root, self.arguments(*arguments, **options), timeout)[0]

    def run(self, *arguments: str, **options: Any) -> str:
        """Run Snakemake, which has to succeed, and return its output."""
        ended = self.snakemake(*arguments, **options)
        assert ended.returncode == 0, ended.stdout
        return ended.stdout

    def jobs(self, *arguments: str, **options: Any) -> list[dict]:
        """Describe every job that Snakemake would run now, except those of ``RECORDS``.

        Returns:
            for each job its ``rule``, its ``output``, and as ``changed`` the changed files among its inputs and code.
        """
        quiet = ("--dry-run", "--quiet", "rules", "progress")
        return [job for job in self._described("plan", *arguments, *quiet, **options) if job["rule"] not in RECORDS]

    def plan(self, *arguments: str, **options: Any) -> dict[str, list[str]]:
        """Return the name of the first output of each job that Snakemake would run now, by rule.

        The names of experiments other than mnist precede the names of their files, as in "cifar10/data.h5".
        """
        plan: dict[str, list[str]] = {}
        for job in self.jobs(*arguments, **options):
            path = Path(job["output"][0])
            folder = path.parts[1]
            other = "" if folder in ("mnist", "two_valley", "figures", "controls", path.name) else f"{folder}/"
            plan.setdefault(job["rule"], []).append(other + path.name)
        return plan

    def rules(self, **options: Any) -> dict[str, dict]:
        """Describe every rule as Snakemake parsed it, by name, in the order of the declarations."""
        return {rule["name"]: rule for rule in self._described("rules", "--list-rules", **options)}

    def _described(self, what: str, *arguments: str, **options: Any) -> Any:
        ended, description = server().call(self.root, self.arguments(*arguments, **options), 300, what)
        assert ended.returncode == 0, ended.stdout
        return description

    def results(self, *suffixes: str) -> dict[str, bytes]:
        """Return the content of every file below results/ except logs and benchmarks, by relative path.

        Args:
            suffixes: suffixes of the files; by default all files.
        """
        folder = self.root / "results"
        files = (path for path in folder.rglob("*") if path.is_file())
        found = {str(path.relative_to(folder)): path for path in files if path.suffix in (suffixes or path.suffix)}
        return {
            name: path.read_bytes()
            for name, path in sorted(found.items())
            if not name.startswith(("logs/", "benchmarks/"))
        }


def end_of(process: subprocess.Popen, timeout: float = 900) -> subprocess.CompletedProcess:
    """Wait for the end of a started Snakemake; after ``timeout`` seconds, kill it with its jobs."""
    try:
        shown, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, shown)


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 300) -> Any:
    """Call ``condition`` until its value is true, and return that value."""
    end = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < end, f"after {seconds:g} s still not: {what}"
        time.sleep(0.02)
    return answer


# A training of some seconds, which a test can stop midway: the cell is not in tests/tiny.yaml.
LONG_CELL = {"experiments": {"mnist": {"sweep": {"eta": [0.0005, 0.01, 0.02]}}}}
LONG_RUN = "results/mnist/train/eta0.0005_B10_r0-1.h5"
LONG_TARGET = "results/mnist/curvature/eta0.0005_B10_r0-1.h5"


def midway(checkout: Checkout, *, besides: tuple[int, ...] = (), seconds: float = 300) -> psutil.Process:
    """Find the process that trains ``LONG_RUN``, and suspend the process (SIGSTOP) during the training.

    Args:
        checkout: copy in which the process runs.
        besides: ids of other processes that train ``LONG_RUN``, which are left alone.
        seconds: time limit for the search.
    """
    log = checkout.root / LONG_RUN.replace("results/", "results/logs/").replace(".h5", ".log")

    def training() -> psutil.Process | None:
        for process in psutil.process_iter():
            try:
                script = process.cmdline()[-1:] if process.pid not in besides else []
                ours = script and script[0].endswith(".train.py") and Path(process.cwd()) == checkout.root
                started = ours and process.create_time() <= log.stat().st_mtime
                if started and " iterations" in log.read_text(encoding="utf-8"):
                    process.suspend()
                    return process
            except (psutil.Error, FileNotFoundError):
                continue
        return None

    process = wait_until(training, f"training of {LONG_RUN} begun", seconds)
    assert not (checkout.root / LONG_RUN).exists()
    return process


@contextmanager
def edited(path: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file of results for changes, and update its checksum afterwards."""
    with atomic_write(path) as own:
        shutil.copyfile(path, own)
        with h5py.File(own, "r+") as file:
            yield file
            file.attrs[hdf5.CHECKSUM] = hdf5.NO_CHECKSUM
        content = bytearray(own.read_bytes())
        hdf5.stamp(memoryview(content))
        own.write_bytes(content)
