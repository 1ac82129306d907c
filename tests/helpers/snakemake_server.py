"""Snakemake without its start-up time: one process imports it once and forks for every call.

Each call runs in a process of its own, so that nothing a workflow sets (modules, environment, path) outlives it.
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

# What the workflow imports while Snakemake parses it, besides the library: that has to be the copy's own.
PRELOADED = ("h5py", "jsonschema", "matplotlib.colors", "numpy", "scipy.optimize", "scipy.stats", "yaml")
CODE = re.compile(r"(\S+) [0-9a-f]{16}")  # how the parameters of a rule name a file of code


class SnakemakeServer:
    """The client's side: starts the serving process, and sends it calls."""

    def __init__(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SNAKEMAKE_")}
        command = [sys.executable, "-P", __file__]  # -P: modules of this folder are not to be imported by a workflow
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "bufsize": 0}
        self.process = subprocess.Popen(command, env=environment, **pipes)
        atexit.register(self.close)

    def call(
        self, folder: Path, arguments: list[str], timeout: float, describe: str = ""
    ) -> tuple[subprocess.CompletedProcess, Any]:
        """Run Snakemake as its command would.

        Args:
            folder: working directory of the call.
            arguments: of the command ``snakemake``.
            timeout: seconds after which the call and its jobs are killed.
            describe: "plan", "rules" or nothing: see ``_describe``.

        Returns:
            What the command would have returned, its output in ``stdout``; and the description.

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
        """End the serving process."""
        self.process.stdin.close()
        self.process.wait()

    def _answer(self) -> int:
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("The process that serves Snakemake has ended.")
        return int(line)


_servers: list[SnakemakeServer] = []


def server() -> SnakemakeServer:
    """Start the server of this test process at the first call, and again after its end."""
    if not _servers or _servers[-1].process.poll() is not None:
        _servers.append(SnakemakeServer())
    return _servers[-1]


def serve() -> None:
    """Answer each request of the standard input with the number of its process, then with its exit status."""
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
    """Run one call in this process, a fork, and end it."""
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
    """Let Snakemake write what it knows about its jobs ("plan") or about its rules ("rules") as JSON."""
    from snakemake.workflow import Workflow

    method = {"plan": "execute", "rules": "list_rules"}[what]
    original = getattr(Workflow, method)

    def described(workflow: Any, *arguments: Any, **options: Any) -> Any:
        returned = original(workflow, *arguments, **options)
        path.write_text(json.dumps(_jobs(workflow) if what == "plan" else _rules(workflow)), encoding="utf-8")
        return returned

    setattr(Workflow, method, described)


def _jobs(workflow: Any) -> list[dict]:
    """Describe every job that is to be run: its rule, its outputs, and the changed files among its inputs and code."""
    return [
        {
            "rule": job.rule.name,
            "output": [str(path) for path in job.output],
            "changed": sorted({*map(str, workflow.dag.reason(job).updated_input or ()), *_changed_code(workflow, job)}),
        }
        for job in workflow.dag.needrun_jobs(exclude_finished=False)
    ]


def _changed_code(workflow: Any, job: Any) -> list[str]:
    """List the files of code of a job whose checksums differ from those of its last run."""
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
