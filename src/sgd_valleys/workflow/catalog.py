"""What a complete run consists of: every file, the rule that makes it, its settings, and the code of the workflow."""

import hashlib
import re
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from snakemake.iocontainers import Wildcards

PARTS = ("Snakefile", "config.yaml", "CITATION.cff", "LICENSE", "constraints.txt", "pyproject.toml")
FOLDERS = ("config", "envs", "profiles", "src", "workflow")


def producers(rules: Iterable[Any], targets: Iterable[str]) -> dict[str, tuple[Any, Wildcards]]:
    """Return the rule and the wildcards of every file that some targets need, the targets among them.

    Args:
        rules: all rules of the workflow.
        targets: paths of files that rules make.
    """
    rules, found, waiting = list(rules), {}, list(targets)
    while waiting:
        path = str(waiting.pop())
        if path in found:
            continue
        rule = next((rule for rule in rules if rule.is_producer(path)), None)
        if rule is None:  # a file of the user's
            continue
        found[path] = rule, Wildcards(fromdict=rule.get_wildcards(path))
        waiting += rule.expand_input(found[path][1])[0]
    return found


def planned_settings(rules: Iterable[Any], targets: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the settings with which every file of a complete run is computed."""
    found = {}
    for path, (rule, wildcards) in producers(rules, targets).items():
        settings = rule.params.get("settings", {})
        found[path] = settings(wildcards) if callable(settings) else settings
    return found


def purpose(rule: Any) -> str:
    """Return the first line of a rule's docstring."""
    return (rule.docstring or f"Rule {rule.name}.").strip().splitlines()[0]


def purposes(rules: Iterable[Any], targets: Iterable[str]) -> dict[str, str]:
    """Return what every file of a complete run is."""
    return {path: purpose(rule) for path, (rule, _) in sorted(producers(rules, targets).items())}


def snakemake_version() -> str:
    """Return the version of Snakemake, which the environment of a job may lack."""
    return version("snakemake")


def file_kinds(rules: Iterable[Any], targets: Iterable[str]) -> dict[str, list[Any]]:
    """Return, by rule, the pattern of its HDF5 files, its purpose, and the files of a complete run."""
    rules, files = list(rules), {}
    for path, (rule, _) in producers(rules, targets).items():
        if path.endswith(".h5"):
            files.setdefault(rule.name, []).append(path)
    return {
        rule.name: [re.sub(r"{(\w+),[^{}]*}", r"{\1}", str(rule.output[0])), purpose(rule), sorted(files[rule.name])]
        for rule in rules
        if rule.name in files
    }


def code_checksums(root: Path) -> dict[str, str]:
    """Return the SHA-256 of every file that the workflow consists of, by path relative to ``root``."""
    files = [root / name for name in PARTS]
    for folder in FOLDERS:
        found = (path for path in (root / folder).rglob("*") if path.is_file() and path.parent.name != "__pycache__")
        files += [path for path in found if path.parent.suffix != ".egg-info"]
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)}
