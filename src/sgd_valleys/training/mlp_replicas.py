"""Replicas of a fully connected network, trained by SGD as batched matrix products with a hand-written gradient.

The leading axis of every tensor is the replica. Activations are (replica, unit, sample), since matrix products are
fastest with the long axis last.

The first layer has nearly all of the weights, and :class:`GramReplicas` avoids most of its work. A gradient step moves
the first layer's weights only in the span of the training inputs, W1 = W1' + sum_n alpha_n x_n^T. The preactivations
of all M samples are A = W1 X^T + b1. A step therefore updates them without the weights, through the Gram matrix
K = X X^T + 1, in which the 1 is the bias:

    A[:, n] <- A[:, n] + sum_{m in minibatch} d_m K[m, n],     d = -(eta / B) dl/dz1.

This update is one matrix product per step; forward pass and weight gradient would take two. The next steps need only
the samples of the next minibatches, so several minibatches form a *block*. Inside a block, each step updates only the
columns of A that later minibatches of the block need. One large product at the end of the block updates all columns.
Both rearrangements of the sum are exact up to rounding.

At every recorded iteration, W1 and b1 are computed from alpha, and A from W1 and b1. Rounding errors therefore do not
accumulate, and the record is that of an ordinary network with these weights.

The structure holds for any loss and for weighted samples, since both change only d. Momentum, weight decay and
isotropic noise break the structure (:mod:`~sgd_valleys.training.moving_replicas`).
"""

from collections.abc import Callable
from typing import ClassVar

import numpy as np
import torch

from sgd_valleys.networks.mlp import MLP
from sgd_valleys.networks.network import Parameters
from sgd_valleys.networks.tensor_functions import ACTIVATIONS
from sgd_valleys.training.replicas import Replicas

FEW = 16  # a product of at least as many rows and columns has the same bits at every address


def _unchanged(d: torch.Tensor) -> torch.Tensor:
    return d


def _bmm(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Compute ``left[r] @ right[r]`` for every replica r, with bits that do not depend on the position in the stack.

    The CPU's products with few columns round differently if a matrix does not start at a multiple of 16 bytes. Zeros
    then complete the columns to ``FEW``.
    """
    columns, aligned = right.shape[2], 16 // left.element_size()
    if columns >= FEW or (columns > 1 and left.shape[1] * columns % aligned == 0):
        return torch.bmm(left, right)
    return torch.bmm(left, torch.nn.functional.pad(right, (0, FEW - columns)))[:, :, :columns]


def _bmm_shared(stack: torch.Tensor, shared: torch.Tensor) -> torch.Tensor:
    """Compute ``stack[r] @ shared`` for every replica r as a separate product.

    PyTorch would compute a broadcast ``stack @ shared`` as one wide product, whose rounding depends on the number of
    replicas. The bits of a run must not depend on its stack.
    """
    return _bmm(stack, shared.expand(len(stack), -1, -1))


class CudaGraphs:
    """Call functions on a GPU as one launch each, because their many small kernels take longer to launch than to run.

    A function changes the same tensors in place at every call, and returns nothing. The first call with inputs of a
    shape is an ordinary call, in which libraries initialize. The second call records the kernels in a CUDA graph,
    which later calls replay.

    Graphs are stored by the name of the function, since a stored bound method would form a reference cycle. The
    garbage collector could then free the cycle while another graph is recorded, which CUDA forbids.
    """

    def __init__(self) -> None:
        self.graphs: dict[tuple, tuple[torch.cuda.CUDAGraph, list[torch.Tensor]] | None] = {}

    def __call__(self, function: Callable[..., None], *inputs: torch.Tensor) -> None:
        """Call ``function(*inputs)``."""
        key = (function.__name__, *(tensor.shape for tensor in inputs))
        if key not in self.graphs:
            self.graphs[key] = None
            function(*inputs)
            return
        captured = self.graphs[key]
        if captured is None:
            static_inputs, graph = [tensor.clone() for tensor in inputs], torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                function(*static_inputs)
            captured = self.graphs[key] = graph, static_inputs
        graph, static_inputs = captured
        for static, given in zip(static_inputs, inputs, strict=True):
            static.copy_(given)
        graph.replay()


class MLPReplicas(Replicas):
    """Replicas of one MLP with inputs (sample, in); see :class:`~sgd_valleys.training.replicas.Replicas`."""

    network: MLP
    CACHE_SAMPLES: ClassVar[int] = 1000  # replicas times samples of a block that fit the CPU's cache
    LAUNCH_STEPS: ClassVar[int] = 10  # steps of gradient descent in one launch on a GPU

    def _allocate(self, state: Parameters) -> None:
        self.inputs = self.training_set.with_ones
        classes, samples = self.network.sizes[-1], self.dynamics.samples_per_step(self.M)
        self.rate = self._first_rate()
        self.scale = self.loss.factor(classes) * (self.rate / samples)
        one_hot = torch.nn.functional.one_hot(self.labels, classes).to(self.inputs.dtype).T
        self.target = one_hot * self.scale  # (class, M)
        # (replica, out, in + 1), the bias last
        self.weight = [self._weight_and_bias(state, k) for k in range(1, self.network.depth + 1)]
        # inputs of layers 2, 3, ... for the samples of a step; the last row is 1, for the bias
        self.activation = [self.inputs.new_ones(self.R, units + 1, samples) for units in self.network.sizes[1:-1]]
        # views, made once: a step on a small minibatch would spend much of its time on making them
        self.hidden = [activation[:, :-1] for activation in self.activation]
        self.transposed = [weight[:, :, :-1].transpose(1, 2) for weight in self.weight]
        self.function = ACTIVATIONS[self.network.activation]
        weighted = self.noisy_layers() if self.dynamics.draws(self.M) == "weights" else ()
        self.weigh = [self._by_weight if k in weighted else _unchanged for k in range(1, self.network.depth + 1)]
        self.launch = CudaGraphs() if self.inputs.is_cuda else lambda function, *given: function(*given)

    def _first_rate(self) -> float:
        """Return the rate by which :meth:`step` multiplies the gradient."""
        return self.eta

    @classmethod
    def stack_size(cls, runs: int, samples: int, device: torch.device) -> int:
        """Return the number of replicas that fit the cache of a CPU, at least two; all runs on a GPU."""
        return max(2, cls.CACHE_SAMPLES // max(samples, cls.BLOCK_SAMPLES)) if device.type == "cpu" else runs

    def _weight_and_bias(self, state: Parameters, k: int, prefix: str = "") -> torch.Tensor:
        names = (f"{prefix}layer{k}_{kind}" for kind in ("weight", "bias"))
        weight, bias = (torch.as_tensor(state[name]).to(self.inputs) for name in names)
        return torch.cat([weight, bias[:, :, None]], dim=2)

    def parameters(self) -> dict[str, np.ndarray]:
        """Return every parameter by name with a leading replica axis, as of the last :meth:`synchronize`."""
        return self._by_name(self.weight)

    @staticmethod
    def _by_name(layers: list[torch.Tensor], prefix: str = "") -> dict[str, np.ndarray]:
        """Convert tensors (replica, out, in + 1), one for each layer, to arrays of weights and biases by name."""
        by_name = {}
        for k, weight in enumerate(layers, start=1):
            by_name[f"{prefix}layer{k}_weight"] = weight[:, :, :-1].cpu().numpy().copy()
            by_name[f"{prefix}layer{k}_bias"] = weight[:, :, -1].cpu().numpy().copy()
        return by_name

    def step(self, z: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Take one step of the layers above the first.

        Args:
            z: (replica, hidden, sample) preactivations of the first layer on the S samples of the step.
            target: (replica, class, sample), see :class:`~sgd_valleys.networks.tensor_functions.TensorLoss`.

        Returns:
            d = -(rate / S) dl/dz1, (replica, hidden, sample), for the step of the first layer. The rate is eta, except
            in :mod:`~sgd_valleys.training.moving_replicas`, where the rate is 1.
        """
        preactivations, upper = [], self.weight[1:]
        for activation, hidden, weight in zip(self.activation, self.hidden, upper, strict=True):
            preactivations.append(z)
            self.function.write(z, hidden)
            z = _bmm(weight, activation)
        d = self.loss.descend(z, target, self.scale)  # the factor -rate / S enters here, once
        for k in range(len(upper), 0, -1):
            below = _bmm(self.transposed[k], d)
            self.function.backward(below, preactivations[k - 1], self.hidden[k - 1])
            self.move(k, d, self.activation[k - 1])
            d = below
        return d

    def move(self, k: int, d: torch.Tensor, inputs: torch.Tensor) -> None:
        """Move the weights and biases of layer k + 1 by sum_n d_n h_n^T.

        Args:
            k: position of the layer, from 0.
            d: (replica, out, sample) scaled gradient in the preactivations of the layer.
            inputs: (replica, in + 1, sample) inputs h of the layer, the last of which is 1.
        """
        self.weight[k].baddbmm_(self.weigh[k](d), inputs.transpose(1, 2))

    def move_first(self, d: torch.Tensor) -> None:
        """Move the weights of the first layer by the ``d`` (replica, hidden, M) of the whole training set."""
        self.weight[0] += _bmm_shared(self.weigh[0](d), self.inputs)

    def _by_weight(self, d: torch.Tensor) -> torch.Tensor:
        return d * self.sample_weights

    def finish(self) -> None:
        """Complete a step after the moves of all layers; a subclass that moves all weights at once overrides this."""

    def train_preactivation(self) -> torch.Tensor:
        """Compute the preactivations (replica, hidden, M) of the first layer on the training set."""
        return _bmm_shared(self.weight[0], self.inputs.T)

    @torch.inference_mode()
    def full_batch_steps(self, steps: int) -> None:
        """Take steps of full-batch gradient descent."""
        launches, rest = divmod(steps, self.LAUNCH_STEPS)
        for _ in range(launches):
            self.launch(self._full_batch_launch)
        for _ in range(rest):
            self.launch(self._full_batch_step)

    @torch.inference_mode()
    def minibatch_steps(self, index: torch.Tensor) -> None:
        """Take SGD steps on the minibatches of ``index`` (replica, steps * B)."""
        self.launch(self._minibatch_steps, index)

    def weighted_step(self, weights: torch.Tensor) -> None:
        """Take one step along the weighted gradient, see :class:`~sgd_valleys.training.replicas.Replicas`."""
        self.launch(self._weighted_step, weights)

    def isotropic_step(self, normals: torch.Tensor) -> None:
        """Refuse isotropic noise, which moves all weights at once (``moving_replicas``)."""
        raise NotImplementedError

    def _full_batch_launch(self) -> None:
        """Take the ``LAUNCH_STEPS`` steps of one launch."""
        for _ in range(self.LAUNCH_STEPS):
            self._full_batch_step()

    def _full_batch_step(self) -> None:
        self.move_first(self.step(self.train_preactivation(), self.target.expand(self.R, -1, -1)))
        self.finish()

    def _weighted_step(self, weights: torch.Tensor) -> None:
        self.sample_weights = weights[:, None]
        self._full_batch_step()

    def _minibatch_steps(self, index: torch.Tensor) -> None:
        for samples in index.split(self.B, dim=1):
            x = self.inputs[samples].transpose(1, 2)
            if min(self.B, self.weight[0].shape[1]) < FEW:  # a product with a transposed matrix, see `_bmm`
                x = x.contiguous()
            d = self.step(_bmm(self.weight[0], x), self.target[:, samples].transpose(0, 1))
            self.move(0, d, x)
            self.finish()

    def train_logits(self) -> torch.Tensor:
        """Return the logits (replica, class, M) of the training set."""
        return self._logits_from_first(self.train_preactivation())

    def logits(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the logits (replica, class, sample) of inputs (sample, in)."""
        first = self.weight[0]
        return self._logits_from_first(_bmm_shared(first[:, :, :-1], inputs.T) + first[:, :, -1:])

    def _logits_from_first(self, z: torch.Tensor) -> torch.Tensor:
        for weight in self.weight[1:]:
            z = _bmm(weight[:, :, :-1], self.function.apply(z)).add_(weight[:, :, -1:])
        return z


class GramReplicas(MLPReplicas):
    """Replicas of one MLP whose first layer moves through the Gram matrix of the training inputs (module docstring).

    The Gram matrix needs fewer operations if M is at most twice the number of inputs
    (:func:`~sgd_valleys.training.sgd.replicas_class`).
    """

    def _allocate(self, state: Parameters) -> None:
        super()._allocate(state)
        self.gram = self.training_set.gram
        self.alpha = self.inputs.new_zeros(self.R, self.weight[0].shape[1], self.M)
        self.A = super().train_preactivation()
        block = max(self.B, self.BLOCK_SAMPLES) if self.dynamics.draws(self.M) == "minibatch" else 0
        self.group = self.R if self.inputs.is_cuda else 1  # replicas of one product; a CPU's cache has space for one
        self.rows = self.inputs.new_empty(self.group * block, self.M)  # of the Gram matrix, for one block

    def synchronize(self) -> None:
        """Compute the first layer's weights from alpha, and A from the weights."""
        self.weight[0] += _bmm_shared(self.alpha, self.inputs)
        self.alpha.zero_()
        self.A.copy_(super().train_preactivation())

    def train_preactivation(self) -> torch.Tensor:
        """Return the preactivations A (replica, hidden, M), which every step updates."""
        return self.A

    def move_first(self, d: torch.Tensor) -> None:
        """Move the preactivations of all samples instead of the weights."""
        d = self.weigh[0](d)
        self.A.baddbmm_(d, self.gram.expand(self.R, -1, -1))
        self.alpha += d

    def _minibatch_steps(self, index: torch.Tensor) -> None:
        for block in index.split(self.block_steps * self.B, dim=1):
            self._block_of_steps(block)

    def _block_of_steps(self, index: torch.Tensor) -> None:
        """Take the steps of one block ``index`` (replica, q), then move the preactivations of all samples at once."""
        R, q = index.shape
        hidden, B = self.A.shape[1], self.B
        columns = index[:, None, :].expand(R, hidden, q)
        z = torch.gather(self.A, 2, columns)
        target = z.new_zeros(R, self.target.shape[0], q).scatter_(1, self.labels[index][:, None], self.scale)
        row, column = (index * self.M).int()[:, :, None], index.int()[:, None, :]
        moves = []
        # within the block, each step updates only the preactivations z of the later samples
        for start in range(0, q, B):
            now, later = slice(start, start + B), slice(start + B, q)
            moves.append(self.step(z[:, :, now], target[:, :, now]))
            if later.start < q:
                entry = (row[:, now] + column[:, :, later]).flatten()
                local = self.gram.view(-1).index_select(0, entry).view(R, B, -1)
                z[:, :, later].baddbmm_(moves[-1], local)
        d = torch.cat(moves, dim=2) if len(moves) > 1 else moves[0]
        for A, own, samples in zip(*(x.split(self.group) for x in (self.A, d, index)), strict=True):
            rows = torch.index_select(self.gram, 0, samples.flatten(), out=self.rows[: samples.numel()])
            A.baddbmm_(own, rows.view(-1, q, self.M))
        self.alpha.scatter_add_(2, columns, d)
