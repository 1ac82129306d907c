"""What the jobs of the workflow share: a log file, one thread, and errors in one sentence."""

import logging
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from threadpoolctl import threadpool_limits

from sgd_valleys.errors import UserError


@contextmanager
def job(snakemake: Any) -> Iterator[logging.Logger]:
    """Run the body of a script with a log file.

    A ``UserError`` ends the job with its sentence, and without a traceback.

    Args:
        snakemake: the object of that name in a script.

    Yields:
        The logger of the library, which writes to the rule's log file.
    """
    log = logging.getLogger("sgd_valleys")
    log.setLevel(logging.INFO)
    handler: logging.Handler = logging.FileHandler(snakemake.log[0], mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    log.addHandler(handler)
    threadpool_limits(1)  # several threads would divide sums in another order: results must not depend on their number
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
