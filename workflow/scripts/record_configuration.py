"""Record every setting of the run, the versions of its software, and the processor."""

from sgd_valleys.workflow.job import job

import platform
import re
import tomllib
from importlib.metadata import PackageNotFoundError, version

import scipy.linalg  # noqa: F401, loads its kernels
import torch
import yaml

from sgd_valleys.storage import provenance
from sgd_valleys.storage.atomic import atomic_write
from sgd_valleys.workflow.dependencies import ROOT


def installed(package: str) -> str:
    """Return the version of a package; a job with a separate environment has no Snakemake."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed where jobs run"


with job(snakemake) as log:
    settings = snakemake.params.settings
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    needed = [*project["dependencies"], *extras["workflow"], *extras["explorer"]]
    pinned = sorted(re.match(r"[\w.-]+", requirement)[0] for requirement in needed)
    versions = {provenance.NAME: provenance.code_version(), "commit": provenance.git_revision()}
    versions |= {"python": platform.python_version()}
    versions |= {package: installed(package) for package in pinned}
    versions |= {"processor": provenance.processor(), **provenance.linear_algebra()}
    versions["torch kernels"] = torch.backends.cpu.get_cpu_capability()
    for path, content, flow in (
        (snakemake.output.settings, settings["settings"], None),  # short lists and mappings in one line
        (snakemake.output.versions, versions, False),
    ):
        with atomic_write(path) as temporary:
            temporary.write_text(
                yaml.safe_dump(content, sort_keys=False, default_flow_style=flow, width=120), encoding="utf-8"
            )
        log.info(f"wrote {path}")
