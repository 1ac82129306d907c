"""A script that cannot begin says why in its log file."""

import subprocess
import sys
from pathlib import Path

import pytest
from helpers.settings import ROOT

from sgd_valleys.workflow.dependencies import PACKAGE, SCRIPTS, closure

PREAMBLE = """\
import types
snakemake = types.SimpleNamespace(log=[{log!r}], rule="train", params={{}})
from sgd_valleys.workflow.job import job
"""


def run(folder: Path, body: str, **environment: str) -> tuple[subprocess.CompletedProcess, str]:
    """Run a script as Snakemake does; return how it ended, and its log."""
    log, script = folder / "train.log", folder / "script.py"
    script.write_text(PREAMBLE.format(log=str(log)) + body, encoding="utf-8")
    environment = {"PYTHONPATH": f"{folder}:{ROOT / 'src'}", "PATH": "/usr/bin:/bin", **environment}
    ended = subprocess.run([sys.executable, script], env=environment, capture_output=True, encoding="utf-8")
    return ended, log.read_text(encoding="utf-8") if log.exists() else ""


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ("raise ImportError('no module of that name')", "no module"),
        ("raise OSError('libx.so: too short')", "too short"),
    ],
)
def test_a_failed_import_is_one_sentence_in_the_log(tmp_path: Path, module: str, reason: str) -> None:
    (tmp_path / "h5py.py").write_text(module, encoding="utf-8")  # in place of the package
    ended, log = run(tmp_path, "from sgd_valleys.storage import hdf5\n")
    assert ended.returncode == 1
    assert log.count("\n") == 1 and reason in log and "install the environment again" in log
    assert ended.stderr == f"train: {log}"


def test_another_error_before_the_job_is_in_the_log_with_its_traceback(tmp_path: Path) -> None:
    ended, log = run(tmp_path, "1 / 0\n")
    assert ended.returncode == 1 and "Traceback" in log and "ZeroDivisionError" in log


def test_an_error_of_the_job_is_in_the_log_once(tmp_path: Path) -> None:
    ended, log = run(tmp_path, "with job(snakemake):\n    1 / 0\n")
    assert ended.returncode == 1 and log.count("ZeroDivisionError: ") == 1


@pytest.mark.parametrize("cache", [{}, {"NUMBA_CACHE_DIR": "/dev/null/cache"}])
def test_compiled_functions_work_without_a_folder_for_their_machine_code(tmp_path: Path, cache: dict) -> None:
    package = tmp_path / "sgd_valleys"
    package.mkdir()
    for source in PACKAGE.iterdir():
        if source.name != "two_valley":
            (package / source.name).symlink_to(source)
    (package / "two_valley").mkdir()
    for source in (PACKAGE / "two_valley").glob("*.py"):
        (package / "two_valley" / source.name).write_bytes(source.read_bytes())
    (package / "two_valley/__pycache__").touch()  # a file where Numba's folder would be
    body = "import numpy as np\nfrom sgd_valleys.two_valley.vector_math import run_key\n"
    body += "print(run_key(np.array([1, 2], np.uint64), 3))\n"
    ended, log = run(tmp_path, body, HOME="/dev/null", **cache)
    assert ended.returncode == 0, log
    assert ended.stdout


def test_figures_do_not_compile() -> None:
    drawn = [SCRIPTS / "figure.py", *sorted((PACKAGE / "figures").glob("*.py"))]
    compiled = PACKAGE / "two_valley/vector_math.py"
    assert [path.name for path in drawn if compiled in closure(path)] == []


def test_every_script_imports_the_log_first() -> None:
    first = {
        next(line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith(("import", "from")))
        for path in SCRIPTS.glob("*.py")
    }
    assert first == {"from sgd_valleys.workflow.job import job"}
