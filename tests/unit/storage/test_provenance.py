"""A result names the version of the code, and a revision only of the code's own checkout."""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.settings import ROOT

from sgd_valleys.storage import provenance

MODULE = Path("src/sgd_valleys/storage/provenance.py")
ORIGIN = """
import json
from sgd_valleys.storage import provenance
print(json.dumps([provenance.git_revision(), provenance.code_version()]))
"""
Git = Callable[..., str]


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """Run git in a new repository."""

    def run(*command: str, folder: Path = tmp_path) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        ended = subprocess.run(
            ["git", "-C", folder, *identity, *command], check=True, capture_output=True, encoding="utf-8"
        )
        return ended.stdout.strip()

    run("init")
    return run


def copy_code(root: Path, package: str = "src") -> Path:
    """Copy the package to a folder below ``root``, with the project's file if that folder is ``src``."""
    shutil.copytree(ROOT / "src/sgd_valleys/storage", root / package / "sgd_valleys/storage")
    for name in ("__init__", "errors"):
        shutil.copy(ROOT / f"src/sgd_valleys/{name}.py", root / package / "sgd_valleys")
    if package == "src":
        shutil.copy(ROOT / "pyproject.toml", root)
    return root / package


def origin(package: Path, **environment: str) -> list[str]:
    """Return revision and version that a copy of the package records."""
    variables = os.environ | environment | {"PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", ORIGIN], env=variables, capture_output=True, encoding="utf-8", check=True
    )
    return json.loads(ended.stdout)


def test_the_revision_is_that_of_the_code_alone(tmp_path: Path, git: Git) -> None:
    package = copy_code(tmp_path)
    git("add", ".")
    git("commit", "-m", "code")
    first, version = origin(package)
    assert (first, version) == (git("rev-parse", "HEAD"), provenance.code_version())
    (tmp_path / "README.md").write_text("documentation", encoding="utf-8")
    git("add", ".")
    git("commit", "-m", "documentation")
    (tmp_path / "notes.txt").write_text("not of the code", encoding="utf-8")
    assert origin(package)[0] == first
    with (tmp_path / MODULE).open("a", encoding="utf-8") as file:
        file.write("# edited\n")
    assert origin(package)[0] == f"{first}-dirty"
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow/data.smk").write_text("rule data:", encoding="utf-8")
    git("add", ".")
    git("commit", "-m", "rules")
    assert origin(package)[0] == git("rev-parse", "HEAD") != first


def test_variables_of_git_do_not_lead_to_another_repository(tmp_path: Path, git: Git) -> None:
    package = copy_code(tmp_path / "ours")
    for folder, file in ((tmp_path / "ours", "."), (tmp_path / "other", "README.md")):
        folder.mkdir(exist_ok=True)
        (folder / "README.md").write_text(folder.name, encoding="utf-8")
        git("init", folder=folder)
        git("add", file, folder=folder)
        git("commit", "-m", folder.name, folder=folder)
    other = str(tmp_path / "other/.git")
    own = git("rev-parse", "HEAD", folder=tmp_path / "ours")
    assert origin(package, GIT_DIR=other)[0] == own
    index = {
        "GIT_INDEX_FILE": f"{other}/index",
        "GIT_WORK_TREE": str(tmp_path),
        "GIT_OBJECT_DIRECTORY": f"{other}/objects",
    }
    assert origin(package, **index)[0] == own


@pytest.mark.parametrize(
    ("place", "package", "tracked"),
    [
        (".", "src", False),  # copied into a repository that does not track it
        ("vendor/sgd-valleys", "src", True),  # a subfolder of another project
        (".venv/lib", "site-packages", False),  # an installed wheel in the folder of another project
        (".", "library", True),  # the package alone, in another project
    ],
)
def test_a_repository_around_the_code_is_not_its_own(
    tmp_path: Path, git: Git, place: str, package: str, tracked: bool
) -> None:
    folder = copy_code(tmp_path / place, package)
    (tmp_path / "src").mkdir(exist_ok=True)
    (tmp_path / "src/other.py").write_text("x = 1", encoding="utf-8")
    git("add", "." if tracked else "src/other.py")
    git("commit", "-m", "another project")
    version = provenance.code_version() if package == "src" else "unknown"
    assert origin(folder) == ["unknown", version]


def test_an_installed_package_has_its_version_without_git(tmp_path: Path) -> None:
    package = copy_code(tmp_path, "site-packages")
    metadata = package / "sgd_valleys-7.1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: sgd-valleys\nVersion: 7.1\n", encoding="utf-8")
    assert origin(package, PATH="") == ["unknown", "7.1"]


def test_attributes_have_the_version_of_the_code() -> None:
    versions = provenance.attributes({"eta": 0.05})["versions"]
    assert list(versions)[:3] == ["sgd-valleys", "python", "numpy"]
    assert versions["sgd-valleys"] == provenance.code_version() != "unknown"


def test_the_processor_and_the_kernels_of_linear_algebra_are_named() -> None:
    assert provenance.processor().endswith(platform.machine())
    program = "import numpy; from sgd_valleys.storage import provenance; print(*provenance.linear_algebra().values())"
    variables = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OPENBLAS_CORETYPE": "Haswell"}
    if platform.machine() == "x86_64":
        shown = subprocess.check_output([sys.executable, "-c", program], env=variables, encoding="utf-8")
        assert shown.strip() == "Haswell"
