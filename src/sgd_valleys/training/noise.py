"""The noise of a training: the random numbers of each step, for all runs of a stack.

With per-sample gradients g_n and their mean g, the gradient of a minibatch of B of M samples, drawn without
replacement, has the covariance

    (1/B - 1/M) M / (M - 1) C,      C = mean_n (g_n - g) (g_n - g)^T.

Every kind of noise needs one of two draws:

- Weights w_n of the samples, whose mean is 1: a step moves along mean_n w_n g_n. Minibatches have w_n = M / B or 0.
  Gaussian weights are w_n = 1 + s (xi_n - mean xi) with independent standard normal numbers xi_n. With
  s^2 = M^2 (1/B - 1/M) / (M - 1), the noise is Gaussian and has exactly the covariance above.
- Standard normal numbers, one for each parameter, for isotropic noise.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from math import sqrt

import numpy as np
import torch

from sgd_valleys.recipe import Dynamics
from sgd_valleys.statistics.sampling import variance_of_mean
from sgd_valleys.training.streams import Streams

Draw = Callable[[int], torch.Tensor]  # from the number of a step to its random numbers (replica, ...)


class Minibatches:
    """The minibatches of several runs that are at the same position of their epochs.

    Args:
        streams: random streams of each run.
        dynamics: batch size and sampling.
        M: number of training samples.
        epoch: number of the epoch of the next minibatch, from 0.
        offset: number of samples of that epoch that have been visited.
        device: device of the minibatches.
    """

    def __init__(
        self, streams: Sequence[Streams], dynamics: Dynamics, M: int, epoch: int, offset: int, device: torch.device
    ) -> None:
        self.B, self.M, self.offset, self.device = dynamics.B, M, offset, device
        orders = [each.epochs(M) if dynamics.sampling == "epoch" else each.subsets(M, dynamics.B) for each in streams]
        self.epochs: Iterator = islice(zip(*orders, strict=True), epoch, None)
        self.epoch = self._next_epoch() if offset else None

    def _next_epoch(self) -> torch.Tensor:
        return torch.from_numpy(np.stack(next(self.epochs))).to(self.device)

    def take(self, steps: int) -> torch.Tensor:
        """Return the samples (run, taken * B) of at most ``steps`` minibatches, up to the end of the epoch."""
        if self.offset == 0 or self.epoch is None:
            self.epoch = self._next_epoch()
        end = min(self.offset + steps * self.B, self.M)
        taken, self.offset = self.epoch[:, self.offset : end], end % self.M
        return taken


def minibatch_weights(minibatches: Minibatches, like: torch.Tensor) -> Draw:
    """Return the draw of the weights (replica, M) of minibatch noise: M / B in the next minibatch, else 0.

    Args:
        minibatches: minibatches of the runs; each step takes the next one.
        like: a tensor with the dtype and device of the weights.
    """
    M, B = minibatches.M, minibatches.B

    def draw(step: int) -> torch.Tensor:
        index = minibatches.take(1)
        return like.new_zeros(len(index), M).scatter_(1, index, M / B)

    return draw


def covariance_weights(streams: Sequence[Streams], dynamics: Dynamics, M: int, like: torch.Tensor) -> Draw:
    """Return the draw of Gaussian weights (replica, M), whose noise has the covariance of minibatch noise.

    ``dynamics.noise_scale`` multiplies the standard deviation. ``like`` is a tensor with the dtype and device of the
    weights.
    """
    scale = dynamics.noise_scale * sqrt(M * variance_of_mean(dynamics.B, M))

    def draw(step: int) -> torch.Tensor:
        xi = _normals(streams, step, M, like)
        return 1 + scale * (xi - xi.mean(dim=1, keepdim=True))

    return draw


def isotropic_normals(streams: Sequence[Streams], size: int, like: torch.Tensor) -> Draw:
    """Return the draw of standard normal numbers (replica, size), one for each parameter with noise."""
    return lambda step: _normals(streams, step, size, like)


def _normals(streams: Sequence[Streams], step: int, size: int, like: torch.Tensor) -> torch.Tensor:
    """Draw standard normal numbers (replica, size) on the CPU, so that the noise is the same on every device."""
    dtype = np.float64 if like.dtype == torch.float64 else np.float32
    drawn = np.empty((len(streams), size), dtype)
    for row, each in zip(drawn, streams, strict=True):
        each.at_step(step).standard_normal(dtype=dtype, out=row)
    return torch.from_numpy(drawn).to(like.device)
