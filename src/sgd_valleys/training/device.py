"""The device and the number of threads of a training, chosen so that the same seed gives the same bits."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from sgd_valleys.errors import UserError, unknown_value


def choose_device(name: str) -> torch.device:
    """Choose the device that the setting ``device`` names, and disable inexact arithmetic on GPUs.

    Args:
        name: "cpu", "cuda", or "auto" for a GPU if PyTorch finds one.

    Raises:
        UserError: ``name`` is another one, or ``name`` is "cuda" and PyTorch finds no GPU.
    """
    if name not in ("cpu", "cuda", "auto"):
        raise UserError(unknown_value("device", name, ("cpu", "cuda", "auto")))
    # TF32 has a mantissa of 10 bits: a gradient would differ from the CPU's in the third or fourth digit
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("device = cuda: PyTorch finds no GPU; allowed on this machine are cpu and auto; change device.")
    return torch.device("cuda" if name == "cuda" or (name == "auto" and torch.cuda.is_available()) else "cpu")


@contextmanager
def single_thread() -> Iterator[None]:
    """Let PyTorch use one CPU thread, since the rounding of a product depends on the number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
