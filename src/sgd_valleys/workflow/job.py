"""Run the script of a job with a log file, one thread, and short error messages.

A script imports this module first. Later imports that fail then appear in the log file of the rule.
"""

import logging
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any


def log_failed_import(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Log an error before ``job`` starts; this function is installed as ``sys.excepthook``.

    For a package that cannot be imported, the log has one sentence and no traceback.
    """
    snakemake = sys.modules["__main__"].snakemake
    text = "".join(traceback.format_exception(kind, error, trace))
    if issubclass(kind, ImportError | OSError):  # loading a damaged library raises an OSError
        text = (
            f"environment = {sys.prefix}: a package is missing or damaged ({error}); allowed is the complete "
            "environment; install the environment again.\n"
        )
    Path(snakemake.log[0]).write_text(text, encoding="utf-8")
    print(f"{snakemake.rule}: {text}", end="", file=sys.stderr)


if hasattr(sys.modules["__main__"], "snakemake"):  # Snakemake defines this object before a script starts
    sys.excepthook = log_failed_import

from threadpoolctl import threadpool_limits  # noqa: E402

from sgd_valleys.errors import UserError  # noqa: E402


@contextmanager
def job(snakemake: Any) -> Iterator[logging.Logger]:
    """Run the body of a script with a log file.

    A ``UserError`` ends the job with exit status 1 and its message, without a traceback.

    Args:
        snakemake: the object ``snakemake`` of the script.

    Yields:
        The logger of the library, which writes to the rule's log file.
    """
    sys.excepthook = sys.__excepthook__
    log = logging.getLogger("sgd_valleys")
    log.setLevel(logging.INFO)
    handler: logging.Handler = logging.FileHandler(snakemake.log[0], mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    log.addHandler(handler)
    threadpool_limits(1)  # the number of threads changes the order of sums, and thus the results
    start = time.monotonic()
    try:
        yield log
    except UserError as error:
        log.error(str(error))
        print(f"{snakemake.rule}: {error}", file=sys.stderr)
        sys.exit(1)
    except Exception:
        log.error(traceback.format_exc())
        raise
    log.info(f"done in {time.monotonic() - start:.1f} s")
