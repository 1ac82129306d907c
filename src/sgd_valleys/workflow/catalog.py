"""List the files of a complete run with their rules and settings, and the files of the workflow's code."""

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
    """Find the rule and the wildcards of the targets and of every file that they need.

    Args:
        rules: all rules of the workflow.
        targets: paths of output files of rules.

    Returns:
        (rule, wildcards) by path; files without a rule are left out.
    """
    rules, found, waiting = list(rules), {}, list(targets)
    while waiting:
        path = str(waiting.pop())
        if path in found:
            continue
        rule = next((rule for rule in rules if rule.is_producer(path)), None)
        if rule is None:  # no rule makes a user's file
            continue
        found[path] = rule, Wildcards(fromdict=rule.get_wildcards(path))
        waiting += rule.expand_input(found[path][1])[0]
    return found


def planned_settings(rules: Iterable[Any], targets: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the job settings of every file of a complete run, by path."""
    found = {}
    for path, (rule, wildcards) in producers(rules, targets).items():
        settings = rule.params.get("settings", {})
        found[path] = settings(wildcards) if callable(settings) else settings
    return found


def purpose(rule: Any) -> str:
    """Return the first line of a rule's docstring."""
    return (rule.docstring or f"Rule {rule.name}.").strip().splitlines()[0]


def purposes(rules: Iterable[Any], targets: Iterable[str]) -> dict[str, str]:
    """Return the first docstring line of the rule of every file of a complete run, by path."""
    return {path: purpose(rule) for path, (rule, _) in sorted(producers(rules, targets).items())}


def snakemake_version() -> str:
    """Return the version of Snakemake, which the environment of a job may lack."""
    return version("snakemake")


def file_kinds(rules: Iterable[Any], targets: Iterable[str]) -> dict[str, list[Any]]:
    """Return [file pattern, purpose, paths of a complete run] by the names of rules that write HDF5 files."""
    rules, files = list(rules), dict[str, list[str]]()
    for path, (rule, _) in producers(rules, targets).items():
        if path.endswith(".h5"):
            files.setdefault(rule.name, []).append(path)
    return {
        rule.name: [re.sub(r"{(\w+),[^{}]*}", r"{\1}", str(rule.output[0])), purpose(rule), sorted(files[rule.name])]
        for rule in rules
        if rule.name in files
    }


def benchmark_files(rules: Iterable[Any], targets: Iterable[str]) -> dict[str, list[str]]:
    """Return the paths of the benchmark files of a complete run, by the names of rules."""
    found: dict[str, set[str]] = {}
    for rule, wildcards in producers(rules, targets).values():
        if rule.benchmark:
            found.setdefault(rule.name, set()).add(str(rule.expand_benchmark(wildcards)))
    return {name: sorted(paths) for name, paths in found.items()}


def code_checksums(root: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of the workflow's code, by path relative to ``root``."""
    files = [root / name for name in PARTS]
    for folder in FOLDERS:
        found = (path for path in (root / folder).rglob("*") if path.is_file() and path.parent.name != "__pycache__")
        files += [path for path in found if path.parent.suffix != ".egg-info"]
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)}
