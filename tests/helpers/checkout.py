"""A copy of the workflow in which Snakemake really runs."""

import os
import re
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

from sgd_valleys.storage import hdf5

ROOT = Path(__file__).parents[2]
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
            if rule not in ("all", "record_configuration", "crate"):
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


@contextmanager
def edited(path: Path) -> Iterator[h5py.File]:
    """A file of results to be changed, that passes for written so."""
    with h5py.File(path, "r+") as file:
        yield file
        file.attrs[hdf5.CHECKSUM] = hdf5.NO_CHECKSUM
    content = bytearray(path.read_bytes())
    hdf5.stamp(memoryview(content))
    path.write_bytes(content)
