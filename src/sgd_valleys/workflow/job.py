"""What every job of the workflow shares: its log, one thread, and errors told in a sentence."""

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
    """Run a script's body with a log of its own; what the user can mend ends it with one sentence, no traceback."""
    log = logging.getLogger("sgd_valleys")
    log.setLevel(logging.INFO)
    handler: logging.Handler = logging.FileHandler(snakemake.log[0], mode="w")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    log.addHandler(handler)
    threadpool_limits(1)  # sums would be split differently on several: a result must not depend on their number
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
