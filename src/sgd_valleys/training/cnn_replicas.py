"""Replicas of a convolutional network that differ only in their minibatches, and the steps of SGD that move them.

One convolution keeps a core busy as it is, so replicas move one after another, which also makes a run independent of
its company. What counts is the layout: channels last, so that a product runs over contiguous channels; slices of a
minibatch whose activations fit the cache, their gradients added up; and the maximum taken before the ReLU, which is
the same for a quarter of the work (`benchmarks/convolution.py` measures these choices).
"""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import torch
from torch.nn import functional as F

from sgd_valleys.networks.cnn import CNN, SLICE
from sgd_valleys.training.mlp_replicas import scores

GPU_SLICE = 4096  # a GPU wants much to do at once


class ConvolutionalStack:
    """Replicas of one CNN at one point of their training, and the steps that move them.

    Args:
        network: its shapes.
        initial: parameters by name with a leading replica axis.
        inputs: (M, channel, row, column) training images; their type and device are those of all tensors.
        labels: (M) classes.
        eta: learning rate.
        B: batch size.
    """

    def __init__(
        self,
        network: CNN,
        initial: Mapping[str, np.ndarray],
        inputs: torch.Tensor,
        labels: torch.Tensor,
        eta: float,
        B: int,
    ) -> None:
        self.network, self.eta, self.B, self.M = network, eta, B, len(labels)
        self.R = len(initial["layer1_bias"])
        self.images, self.labels = inputs.permute(0, 2, 3, 1).contiguous(), labels
        self.slice = GPU_SLICE if inputs.is_cuda else SLICE
        names = network.names()
        self.replicas = [[self._parameter(initial[name][r]) for name in names] for r in range(self.R)]

    def _parameter(self, array: np.ndarray) -> torch.Tensor:
        tensor = torch.tensor(array).to(self.images)
        return (tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor).requires_grad_()

    def parameters(self) -> dict[str, np.ndarray]:
        """Every parameter by name, with a leading replica axis."""
        return {
            name: torch.stack([replica[k].detach().contiguous() for replica in self.replicas]).cpu().numpy()
            for k, name in enumerate(self.network.names())
        }

    def logits(self, replica: list[torch.Tensor], images: torch.Tensor) -> torch.Tensor:
        """(sample, class) of images (sample, row, column, channel)."""
        z = images.permute(0, 3, 1, 2)
        layers = list(zip(replica[::2], replica[1::2], strict=True))
        convolutions = len(self.network.channels)
        for weight, bias in layers[:convolutions]:
            z = F.max_pool2d(F.conv2d(z, weight, bias, padding=1), 2).relu()
        # features in the order of channel, row, column, as a reader of the weights expects them
        z = z.flatten(1)
        for (weight, bias), _ in pairwise(layers[convolutions:]):
            z = F.linear(z, weight, bias).relu()
        return F.linear(z, *layers[-1])

    def step(self, replica: list[torch.Tensor], samples: torch.Tensor) -> None:
        """One SGD step of one replica on a minibatch of so many of the training ``samples``."""
        for part in samples.split(self.slice):
            F.cross_entropy(self.logits(replica, self.images[part]), self.labels[part], reduction="sum").backward()
        with torch.no_grad():
            for tensor in replica:
                tensor.add_(tensor.grad, alpha=-self.eta / len(samples))
                tensor.grad = None

    def synchronize(self) -> None:
        """Bring all weights up to date: they always are."""

    def descend(self, steps: int) -> None:
        """Full-batch gradient descent: the minibatch is the training set, in its own order."""
        everything = torch.arange(self.M, device=self.labels.device)
        for replica in self.replicas:
            for _ in range(steps):
                self.step(replica, everything)

    def block(self, index: torch.Tensor) -> None:
        """SGD steps on consecutive minibatches of each replica.

        Args:
            index: (replica, steps * B) samples in the order they are visited.
        """
        for replica, own in zip(self.replicas, index, strict=True):
            for samples in own.split(self.B):
                self.step(replica, samples)

    def evaluate_train(self) -> tuple[np.ndarray, ...]:
        """As :meth:`evaluate`, on the training set."""
        return self._evaluate(self.images, self.labels)

    def evaluate(self, inputs: torch.Tensor, labels: torch.Tensor) -> tuple[np.ndarray, ...]:
        """Mean loss (replica), accuracy (replica) and misclassified (replica, sample) of images and their labels."""
        return self._evaluate(inputs.permute(0, 2, 3, 1).contiguous(), labels)

    @torch.no_grad()
    def _evaluate(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[np.ndarray, ...]:
        logits = [torch.cat([self.logits(r, part) for part in images.split(self.slice)]).T for r in self.replicas]
        return scores(torch.stack(logits), labels)
