"""Snakemake without its start-up time: one process imports Snakemake once and forks for every call.

Each call runs in a separate process, so that its modules, environment and path do not affect later calls.
"""

import atexit
import importlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

# Packages that the workflow imports while Snakemake parses it. The library is not among them, since every copy of the
# workflow has its own.
PRELOADED = ("h5py", "jsonschema", "matplotlib.colors", "numpy", "scipy.optimize", "scipy.stats", "yaml")
CODE = re.compile(r"(\S+) [0-9a-f]{16}")  # parameter of a rule that names a file of code and its checksum


class SnakemakeServer:
    """The client, which starts the server process and sends calls to it."""

    def __init__(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SNAKEMAKE_")}
        command = [sys.executable, "-P", __file__]  # -P: a workflow must not import modules of this folder
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "bufsize": 0}
        self.process = subprocess.Popen(command, env=environment, **pipes)
        atexit.register(self.close)

    def call(
        self, folder: Path, arguments: list[str], timeout: float, describe: str = ""
    ) -> tuple[subprocess.CompletedProcess, Any]:
        """Run Snakemake with the behavior of its command.

        Args:
            folder: working directory of the call.
            arguments: arguments of the command ``snakemake``.
            timeout: seconds after which the call and its jobs are killed.
            describe: "plan" or "rules", see ``_describe``; empty for no description.

        Returns:
            exit status and output (``stdout``) of the command, and the description or None.

        Raises:
            subprocess.TimeoutExpired: the call took longer than ``timeout``.
        """
        with tempfile.TemporaryDirectory() as place:
            shown, described = Path(place) / "shown", Path(place) / "described"
            request = {"folder": str(folder), "arguments": arguments, "shown": str(shown)}
            request |= {"describe": describe, "described": str(described)}
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            pid = self._answer()
            in_time = bool(select.select([self.process.stdout], [], [], timeout)[0])
            if not in_time:
                os.killpg(pid, signal.SIGKILL)
            code = self._answer()
            if not in_time:
                raise subprocess.TimeoutExpired(arguments, timeout, shown.read_text(encoding="utf-8"))
            content = json.loads(described.read_text(encoding="utf-8")) if described.exists() else None
            return subprocess.CompletedProcess(arguments, code, shown.read_text(encoding="utf-8")), content

    def close(self) -> None:
        """End the server process."""
        self.process.stdin.close()
        self.process.wait()

    def _answer(self) -> int:
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("The process that serves Snakemake has ended.")
        return int(line)


_servers: list[SnakemakeServer] = []


def server() -> SnakemakeServer:
    """Return the server of this test process; start it at the first call, and again if it has ended."""
    if not _servers or _servers[-1].process.poll() is not None:
        _servers.append(SnakemakeServer())
    return _servers[-1]


def serve() -> None:
    """Answer each request on the standard input with the id of its process, then with its exit status."""
    import snakemake.cli

    for name in PRELOADED:
        importlib.import_module(name)
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if not pid:
            _run(request, snakemake.cli)
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(request: dict, cli: Any) -> None:
    """Run one call in this process, a fork, and end the process."""
    code = 1
    try:
        os.setsid()
        shown = os.open(request["shown"], os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        for stream in (1, 2):
            os.dup2(shown, stream)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdout.reconfigure(line_buffering=True)
        os.chdir(request["folder"])
        sys.argv = ["snakemake", *request["arguments"]]
        if request["describe"]:
            _describe(request["describe"], Path(request["described"]))
        cli.main(request["arguments"])
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _describe(what: str, path: Path) -> None:
    """Let Snakemake write a description of its jobs ("plan") or of its rules ("rules") to ``path``, as JSON."""
    from snakemake.workflow import Workflow

    method = {"plan": "execute", "rules": "list_rules"}[what]
    original = getattr(Workflow, method)

    def described(workflow: Any, *arguments: Any, **options: Any) -> Any:
        returned = original(workflow, *arguments, **options)
        path.write_text(json.dumps(_jobs(workflow) if what == "plan" else _rules(workflow)), encoding="utf-8")
        return returned

    setattr(Workflow, method, described)


def _jobs(workflow: Any) -> list[dict]:
    """Describe every job to be run: its rule, its outputs, and the changed files among its inputs and code."""
    return [
        {
            "rule": job.rule.name,
            "output": [str(path) for path in job.output],
            "changed": sorted({*map(str, workflow.dag.reason(job).updated_input or ()), *_changed_code(workflow, job)}),
        }
        for job in workflow.dag.needrun_jobs(exclude_finished=False)
    ]


def _changed_code(workflow: Any, job: Any) -> list[str]:
    """List the code files of a job whose checksums differ from those of its last run."""
    change = workflow.dag.reason(job).params_changed
    return [found[1] for each in getattr(change, "only_new", ()) if (found := CODE.fullmatch(each.strip("'")))]


def _rules(workflow: Any) -> list[dict]:
    """Describe every rule as the workflow declares it, in the order of declaration."""
    from snakemake.io import get_flag_value, is_flagged

    return [
        {
            "name": rule.name,
            "docstring": rule.docstring,
            "script": rule.script and os.path.relpath(Path(rule.basedir.get_path_or_uri(False)) / rule.script),
            "input": [str(path) for path in rule.input if not callable(path)],
            "code": [found[1] for each in rule.params if isinstance(each, str) and (found := CODE.fullmatch(each))],
            "output": [str(path) for path in rule.output],
            "reported": {
                str(path): str(get_flag_value(path, "report").caption)
                for path in rule.output
                if is_flagged(path, "report")
            },
            "log": [str(path) for path in rule.log],
            "group": getattr(rule, "_group", None),  # `group` is None without an executor
            "benchmark": rule.benchmark and str(rule.benchmark),
            "conda": rule.conda_env and str(rule.conda_env),
            "resources": {
                name: resource if isinstance(resource := getattr(entry, "raw", entry), int | str) else None
                for name, entry in rule.resources.items()
            },
        }
        for rule in workflow.rules
    ]


if __name__ == "__main__":
    serve()
