"""Stacks of fully connected networks that differ only in their minibatches, and the steps of SGD that move them.

The replicas of a cell (eta, B) are trained together as batched matrix products with a leading
replica axis, with the gradient written out by hand. Activations are (replica, unit, sample): the
long axis last is what the matrix products like best.

The first layer costs nearly everything, and most of that can be saved. A gradient step moves its
weights only in the span of the training inputs, W1 = W1' + sum_n alpha_n x_n^T, so its
preactivations on all M samples, A = W1 X^T + b1, follow from the Gram matrix K = X X^T + 1 (the 1 is
the bias) without ever touching the weights:

    A[:, n] <- A[:, n] + sum_{m in minibatch} d_m K[m, n],     d = -(eta / B) dl/dz1.

That is one matrix product a step where the forward pass and the weight gradient took two. And since
only the samples of the next minibatches are needed soon, several minibatches are done as a *block*:
inside it only the block's own columns of A are kept current, and the rest catches up in one large
product at its end. Both are plain rearrangements of the sum: exact up to rounding. At every recorded
iteration W1 and b1 are brought up to date and A is computed from them anew, so that rounding does
not build up and what is recorded is what an ordinary network with these weights would give.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from sgd_valleys.networks.mlp import MLP

BLOCK = 100  # samples after which the first layer's preactivations of all samples catch up

_masked = torch.ops.aten.threshold_backward  # gradient where the activation is above 0, else 0


def _each(stack: torch.Tensor, shared: torch.Tensor) -> torch.Tensor:
    """``stack[r] @ shared`` for every replica r, each a product of its own.

    A broadcast ``stack @ shared`` would become one wide product, whose rounding depends on how many
    replicas share the stack; a realization has to be the same run in any company.
    """
    return torch.bmm(stack, shared.expand(len(stack), -1, -1))


def scores(z: torch.Tensor, labels: torch.Tensor) -> tuple[np.ndarray, ...]:
    """Mean loss (replica), accuracy (replica) and misclassified (replica, sample) of logits (replica, class, sample).

    Where a replica's loss is not finite, its loss and accuracy are NaN and all of its samples misclassified.
    """
    z = z.double()
    loss = torch.logsumexp(z, dim=1).sub(z.gather(1, labels.expand(len(z), 1, -1))[:, 0]).mean(dim=1)
    finite = torch.isfinite(loss)
    correct = z.argmax(dim=1).eq(labels) & finite[:, None]
    accuracy = correct.double().mean(dim=1)
    loss, accuracy = (torch.where(finite, x, torch.nan) for x in (loss, accuracy))
    return loss.cpu().numpy(), accuracy.cpu().numpy(), (~correct).cpu().numpy()


class Replay:
    """Calls functions on a GPU as one launch each: their many small kernels take longer to launch than to run.

    A function changes tensors in place, always the same ones, and gives nothing back. Its first call on inputs of a
    shape is an ordinary one, in which libraries set themselves up; the second records its kernels in a CUDA graph.
    Functions are told apart by name and not kept: a cycle with the stack that they belong to would be broken up by the
    garbage collector, and that might be while another graph is recorded, which CUDA does not allow.
    """

    def __init__(self) -> None:
        self.graphs: dict[tuple, tuple[torch.cuda.CUDAGraph, list[torch.Tensor]] | None] = {}

    def __call__(self, function: Callable[..., None], *inputs: torch.Tensor) -> None:
        """``function(*inputs)``."""
        call = (function.__name__, *(tensor.shape for tensor in inputs))
        if call not in self.graphs:
            self.graphs[call] = None
            function(*inputs)
            return
        if self.graphs[call] is None:
            own, graph = [tensor.clone() for tensor in inputs], torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                function(*own)
            self.graphs[call] = graph, own
        graph, own = self.graphs[call]
        for mine, given in zip(own, inputs, strict=True):
            mine.copy_(given)
        graph.replay()


def _directly(function: Callable[..., None], *inputs: torch.Tensor) -> None:
    function(*inputs)


class Stack:
    """Replicas of one MLP at one point of their training, and the steps that move them.

    Args:
        network: its sizes.
        initial: parameters by name, (replica, out, in) and (replica, out).
        inputs: (M, in) training inputs; their type and device are those of all tensors.
        labels: (M) classes.
        eta: learning rate.
        B: batch size.
    """

    def __init__(
        self,
        network: MLP,
        initial: Mapping[str, np.ndarray],
        inputs: torch.Tensor,
        labels: torch.Tensor,
        eta: float,
        B: int,
    ) -> None:
        self.eta, self.B, self.R, self.M = eta, B, len(initial["layer1_bias"]), len(labels)
        self.inputs = torch.cat([inputs, inputs.new_ones(self.M, 1)], dim=1)  # the bias is a last input of 1
        self.labels = labels
        one_hot = torch.nn.functional.one_hot(labels, network.sizes[-1]).to(inputs.dtype).T
        self.target = one_hot * (eta / B)  # (class, M)
        # (replica, out, in + 1), the bias last
        self.weight = [self._joined(initial, k) for k in range(1, network.depth + 1)]
        # inputs of layers 2, 3, ... for one minibatch, with the row of ones that carries the bias
        self.activation = [inputs.new_ones(self.R, units + 1, B) for units in network.sizes[1:-1]]
        self.launch = Replay() if inputs.is_cuda else _directly

    def _joined(self, parameters: Mapping[str, np.ndarray], k: int) -> torch.Tensor:
        weight, bias = (torch.as_tensor(parameters[f"layer{k}_{kind}"]).to(self.inputs) for kind in ("weight", "bias"))
        return torch.cat([weight, bias[:, :, None]], dim=2)

    def parameters(self) -> dict[str, np.ndarray]:
        """Every parameter by name, with a leading replica axis, as of the last :meth:`synchronize`."""
        found = {}
        for k, weight in enumerate(self.weight, start=1):
            found[f"layer{k}_weight"] = weight[:, :, :-1].cpu().numpy().copy()
            found[f"layer{k}_bias"] = weight[:, :, -1].cpu().numpy().copy()
        return found

    def step(self, z: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """One SGD step of the layers above the first, given its preactivations on the minibatch.

        Args:
            z: (replica, hidden, B) preactivations of the first layer.
            target: (replica, class, B) eta / B at the label, else 0.

        Returns:
            (replica, hidden, B): d = -(eta / B) dl/dz1, by which the first layer has to move.
        """
        upper = self.weight[1:]
        for activation, weight in zip(self.activation, upper, strict=True):
            torch.clamp_min(z, 0, out=activation[:, :-1])
            z = torch.bmm(weight, activation)
        # the gradient of softmax cross-entropy is p - onehot; the factor -eta / B goes in here, once
        d = torch.add(target, torch.softmax(z, dim=1), alpha=-self.eta / self.B)
        for activation, weight in zip(reversed(self.activation), reversed(upper), strict=True):
            below = _masked(torch.bmm(weight[:, :, :-1].transpose(1, 2), d), activation[:, :-1], 0)
            weight.baddbmm_(d, activation.transpose(1, 2))
            d = below
        return d

    def synchronize(self) -> None:
        """Bring all weights up to date."""

    def train_preactivation(self) -> torch.Tensor:
        """(replica, hidden, M) preactivations of the first layer on the whole training set."""
        return _each(self.weight[0], self.inputs.T)

    def descend(self, steps: int) -> None:
        """Full-batch gradient descent: the minibatch is the training set, in its own order."""
        for _ in range(steps):
            self.launch(self._full_batch)

    def block(self, index: torch.Tensor) -> None:
        """SGD steps on consecutive minibatches of each replica.

        Args:
            index: (replica, steps * B) samples in the order they are visited, none twice.
        """
        self.launch(self._block, index)

    def _full_batch(self) -> None:
        target = self.target.expand(self.R, -1, -1)
        self.weight[0] += _each(self.step(self.train_preactivation(), target), self.inputs)

    def _block(self, index: torch.Tensor) -> None:
        for now in index.split(self.B, dim=1):
            x = self.inputs[now]
            d = self.step(self.weight[0] @ x.transpose(1, 2), self.target[:, now].transpose(0, 1))
            self.weight[0].baddbmm_(d, x)

    def evaluate_train(self) -> tuple[np.ndarray, ...]:
        """As :meth:`evaluate`, on the training set."""
        return self._evaluate(self.train_preactivation(), self.labels)

    def evaluate(self, inputs: torch.Tensor, labels: torch.Tensor) -> tuple[np.ndarray, ...]:
        """Mean loss (replica), accuracy (replica) and misclassified (replica, sample) of inputs (sample, in)."""
        first = self.weight[0]
        return self._evaluate(_each(first[:, :, :-1], inputs.T) + first[:, :, -1:], labels)

    def _evaluate(self, z: torch.Tensor, labels: torch.Tensor) -> tuple[np.ndarray, ...]:
        for weight in self.weight[1:]:
            z = torch.baddbmm(weight[:, :, -1:], weight[:, :, :-1], z.clamp_min(0))
        return scores(z, labels)


class GramStack(Stack):
    """A stack whose first layer moves through the Gram matrix of the training inputs; see the module's text.

    Worth it while the training set is not much larger than twice the input: see :func:`training.stack_kind`.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.gram = self.inputs @ self.inputs.T
        hidden = self.weight[0].shape[1]
        self.alpha = self.inputs.new_zeros(self.R, hidden, self.M)
        self.A = torch.empty_like(self.alpha)

    def synchronize(self) -> None:
        """Bring the first layer's weights up to date, and its preactivations in line with them."""
        self.weight[0] += _each(self.alpha, self.inputs)
        self.alpha.zero_()
        self.A.copy_(_each(self.weight[0], self.inputs.T))

    def train_preactivation(self) -> torch.Tensor:
        """(replica, hidden, M), always up to date."""
        return self.A

    def _full_batch(self) -> None:
        # no sample has to be gathered
        gram, target = (x.expand(self.R, -1, -1) for x in (self.gram, self.target))
        d = self.step(self.A, target)
        self.A.baddbmm_(d, gram)
        self.alpha += d

    def _block(self, index: torch.Tensor) -> None:
        # all samples' preactivations catch up at the end
        R, q = index.shape
        hidden, B = self.A.shape[1], self.B
        columns = index[:, None, :].expand(R, hidden, q)
        z = torch.gather(self.A, 2, columns)
        target = self.target[:, index].transpose(0, 1)
        row, column = (index * self.M).int()[:, :, None], index.int()[:, None, :]
        d = torch.empty_like(z)
        for start in range(0, q, B):
            now, later = slice(start, start + B), slice(start + B, q)
            d[:, :, now] = self.step(z[:, :, now], target[:, :, now])
            if later.start < q:
                entry = (row[:, now] + column[:, :, later]).flatten()
                local = self.gram.view(-1).index_select(0, entry).view(R, B, -1)
                z[:, :, later].baddbmm_(d[:, :, now], local)
        if index.is_cuda:
            self.A.baddbmm_(d, self.gram[index])
        else:  # a few rows of K at a time, so that what is gathered stays in the cache
            for r in range(R):
                for rows, moved in zip(index[r].split(BLOCK), d[r].split(BLOCK, dim=1), strict=True):
                    self.A[r].addmm_(moved, self.gram.index_select(0, rows))
        self.alpha.scatter_add_(2, columns, d)
