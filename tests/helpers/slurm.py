"""A temporary Slurm cluster on this machine: munged, slurmctld and several slurmd.

All state is in one folder, except for a link to the configuration in /etc/slurm, where srun reads the configuration.
On a machine with an existing Slurm configuration, the cluster is therefore not started.
"""

import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
LINK = Path("/etc/slurm/slurm.conf")
CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort=17000
SlurmUser=root
AuthInfo=socket={folder}/munge.socket,cred_expire=5
# a node that is not heard of for this long is down; cred_expire is what its jobs then wait for before they run again
SlurmdTimeout=5
ReturnToService=2
KillWait=2
# squeue still knows jobs that have ended: there is no accounting to ask
MinJobAge=600
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=500
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=0,batch_sched_delay=0
# nodes are larger than the machine that plays them
SlurmdParameters=config_overrides
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
NodeName=n[1-{nodes}] NodeHostname={host} NodeAddr=127.0.0.1 Port=[17001-{last_port}] CPUs={cpus} RealMemory={memory}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str:
    """Return why no Slurm can be started on this machine; empty if one can."""
    if os.geteuid() != 0:
        return "only root can start a Slurm"
    lacking = [program for program in PROGRAMS if not shutil.which(program, path=PATH)]
    if lacking:
        return f"not installed: {', '.join(lacking)}"
    if LINK.exists() or (LINK.is_symlink() and not str(LINK.readlink()).endswith("/sgd-valleys.slurm.conf")):
        return f"{LINK} is there: this machine has a Slurm of its own"
    return ""


def wait_until(condition: Callable[[], object], what: str, seconds: float = 180) -> None:
    """Wait until a condition is true, with ten checks per second.

    Raises:
        TimeoutError: the condition is not true after ``seconds``.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"after {seconds:g} s still not: {what}")
        time.sleep(0.1)


class Slurm:
    """A Slurm cluster with nodes n1, n2, ..., for use in a ``with`` statement.

    Args:
        folder: folder of all state.
        nodes: number of nodes.
        cpus: CPUs of each node.
        memory: memory of each node, in MB.
    """

    def __init__(self, folder: Path, *, nodes: int = 4, cpus: int = 1, memory: int = 12000) -> None:
        self.folder, self.nodes, self.cpus, self.memory = folder, nodes, cpus, memory
        self.daemons: dict[str, subprocess.Popen] = {}

    def __enter__(self) -> "Slurm":
        self.lock = open("/tmp/sgd-valleys-slurm.lock", "w", encoding="utf-8")
        fcntl.flock(self.lock, fcntl.LOCK_EX)  # ports and link serve one cluster at a time
        adopt_orphans(True)
        self.others = {process.pid for process in psutil.Process().children(recursive=True)}
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self) -> None:
        host = os.uname().nodename.split(".")[0]
        values = vars(self) | {"host": host, "last_port": 17000 + self.nodes}
        configuration = self.folder / "sgd-valleys.slurm.conf"
        configuration.write_text(CONFIGURATION.format(**values), encoding="utf-8")
        LINK.parent.mkdir(exist_ok=True)
        LINK.unlink(missing_ok=True)
        LINK.symlink_to(configuration)
        (self.folder / "state").mkdir()
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(128))
        places = {"socket": "munge.socket", "key-file": "munge.key", "log-file": "munged.log", "pid-file": "munged.pid"}
        places["seed-file"] = "munged.seed"
        options = [f"--{option}={self.folder / name}" for option, name in places.items()]
        self._daemon("munged", ["munged", "--foreground", "--force", *options])
        wait_until((self.folder / "munge.socket").exists, "munged listens")
        self.start_controller()
        for name in self.names:
            self.start_node(name)
        wait_until(lambda: self.states() == ["idle"] * self.nodes, "all nodes are idle")

    def _daemon(self, name: str, command: list[str]) -> None:
        output = (self.folder / f"{name}.out").open("a", encoding="utf-8")
        self.daemons[name] = subprocess.Popen(
            command, stdout=output, stderr=output, env=os.environ | {"PATH": PATH}, start_new_session=True
        )

    def start_controller(self) -> None:
        """Start the controller of Slurm, which resumes from its saved state."""
        self._daemon("slurmctld", ["slurmctld", "-D"])

    def stop_controller(self) -> None:
        """Stop the controller of Slurm after it has saved its state; jobs continue to run.

        A killed controller would lose the jobs of its last seconds, and reuse their ids.
        """
        self.daemons["slurmctld"].terminate()
        self.daemons["slurmctld"].wait()

    def _kill(self, name: str) -> None:
        self.daemons[name].kill()
        self.daemons[name].wait()

    @property
    def names(self) -> list[str]:
        """The names of the nodes."""
        return [f"n{number + 1}" for number in range(self.nodes)]

    def start_node(self, name: str) -> None:
        """Start the daemon of a node, for the first time or after ``kill_node``."""
        (self.folder / name).mkdir(exist_ok=True)
        self._daemon(name, ["slurmd", "-D", "-N", name])

    def kill_node(self, name: str) -> None:
        """Kill the daemon of a node, so that Slurm marks the node as down; its jobs continue to run."""
        self._kill(name)

    def states(self) -> list[str]:
        """Return the states of the nodes, in order; empty while the controller does not respond."""
        shown = subprocess.run(["sinfo", "-hN", "-o", "%N %t"], capture_output=True, encoding="utf-8")
        return [line.split()[1] for line in sorted(shown.stdout.splitlines())]

    def jobs(self, *options: str) -> list[str]:
        """Return the lines of squeue, by default "id state node" of every job."""
        command = ["squeue", "-h", *(options or ("-t", "all", "-o", "%i %T %N"))]
        return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout.splitlines()

    def __exit__(self, *_: object) -> None:
        # Jobs are children of the daemons, or of this process after the death of a daemon: each is killed by its id.
        for _attempt in range(3):
            left = [p for p in psutil.Process().children(recursive=True) if p.pid not in self.others]
            for process in left:
                try:
                    process.send_signal(signal.SIGKILL)
                except psutil.NoSuchProcess:
                    continue
            psutil.wait_procs(left, timeout=10)
        for daemon in self.daemons.values():
            daemon.wait()
        adopt_orphans(False)
        LINK.unlink(missing_ok=True)
        self.lock.close()


def adopt_orphans(yes: bool) -> None:
    """Switch on or off that this process adopts descendants whose parent has died (PR_SET_CHILD_SUBREAPER)."""
    ctypes.CDLL(None).prctl(36, int(yes), 0, 0, 0)
