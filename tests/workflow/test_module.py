"""Another workflow uses this one as a module, as docs/python.md shows."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml
from helpers.checkout import ROOT, Checkout
from snakemake.utils import update_config

from sgd_valleys.storage import hdf5

PAGE = (ROOT / "docs/python.md").read_text(encoding="utf-8").partition("## A part of another workflow")[2]


def run(host: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.run(command, cwd=host, env=os.environ | environment, **options)


@pytest.fixture
def host(bare: Checkout, tmp_path: Path) -> Path:
    """The workflow of the page, beside a copy of this one without git; settings are those of tests/tiny.yaml."""
    (snakefile,), (settings,) = (re.findall(rf"```{kind}\n(.*?)```", PAGE, re.S) for kind in ("python", "yaml"))
    bare.copy(tmp_path / "sgd-valleys")
    folder = tmp_path / "host"
    folder.mkdir()
    (folder / "Snakefile").write_text(snakefile, encoding="utf-8")
    content, tiny = yaml.safe_load(settings), yaml.safe_load((ROOT / "tests/tiny.yaml").read_text(encoding="utf-8"))
    for module in content.values():
        update_config(module, {**tiny, **bare.settings})
    (folder / "settings.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return folder


def test_the_example_of_the_page_runs(host: Path) -> None:
    (host / "own").mkdir()
    (host / "own/of_the_host.py").write_text("", encoding="utf-8")
    snakefile = (host / "Snakefile").read_text(encoding="utf-8")
    (host / "Snakefile").write_text(
        snakefile.replace('"sha256sum', "\"python -c 'import of_the_host' && sha256sum"), encoding="utf-8"
    )
    ended = run(host, PYTHONPATH=str(host / "own"))  # the host's own modules stay within reach of its jobs
    assert ended.returncode == 0, ended.stdout
    assert len({*(host / "compared.txt").read_text(encoding="utf-8").split()[::2]}) == 2
    files = [host / folder / "results/two_valley/occupancy.h5" for folder in (".", "again")]
    assert [hdf5.read_attributes(path)["parameters"]["seed"] for path in files] == [20260217, 7]
    assert "Nothing to be done" in run(host).stdout
    checked = run(host, "again_verify").stdout
    assert re.search(r"1 files checked: 0 faults; 1 of \d+ planned files exist", checked), checked


def test_both_modules_plan_a_whole_run_each(host: Path) -> None:
    shown = run(host, "--dry-run", "valleys_all", "again_all").stdout
    counts = dict(re.findall(r"^(\w+) +(\d+)$", shown, re.M))
    by_module = {
        prefix: Counter({name.removeprefix(prefix): n for name, n in counts.items() if name.startswith(prefix)})
        for prefix in ("valleys_", "again_")
    }
    assert by_module["valleys_"] == by_module["again_"] and len(by_module["again_"]) > 30, shown


def test_some_rules_of_the_workflow_may_be_used_alone(host: Path) -> None:
    text = (host / "Snakefile").read_text(encoding="utf-8")
    (host / "Snakefile").write_text(
        text.replace("use rule * from", "use rule occupancy, theory from"), encoding="utf-8"
    )
    assert run(host, "--dry-run").returncode == 0


def test_a_snakefile_without_its_repository_is_refused(host: Path) -> None:
    (host / "alone").mkdir()
    shutil.copy(host.parent / "sgd-valleys/Snakefile", host / "alone/Snakefile")
    ended = run(host, "--snakefile", "alone/Snakefile", "--dry-run")
    assert ended.returncode != 0 and "allowed is the Snakefile of a whole repository" in ended.stdout
