"""Print all rows of the tables of docs/performance.md, each with its limit on this machine and with a peer.

    python benchmarks/all.py [training arms convolution curvature whole_network flatness langevin] [--device cpu|cuda]

Without names, all benchmarks run one after another, each in a separate process with one thread, in about 15 minutes.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from sgd_valleys.errors import unknown_value

BENCHMARKS = ("training", "arms", "convolution", "curvature", "whole_network", "flatness", "langevin")
ON_A_GPU = ("training", "arms", "convolution")


def main() -> None:
    """Run benchmarks; the exit status is 1 if one of them fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"benchmarks: {', '.join(BENCHMARKS)}; all by default")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help=f"device of {', '.join(ON_A_GPU)}")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in BENCHMARKS]:
        parser.error(unknown_value("names", unknown[0], BENCHMARKS))
    folder, failed = Path(__file__).parent, []
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    for name in options.names or BENCHMARKS:
        start = time.perf_counter()
        device = ["--device", options.device] if name in ON_A_GPU else []
        print(f"\n== {name}", flush=True)
        ended = subprocess.run([sys.executable, folder / f"{name}.py", *device], env=os.environ | threads, check=False)
        print(f"({time.perf_counter() - start:.0f} s)", flush=True)
        failed += [name] if ended.returncode else []
    if failed:
        sys.exit(f"Failed benchmarks: {', '.join(failed)}.")


if __name__ == "__main__":
    main()
