"""Replicas of a convolutional network, trained by SGD on minibatches of their own.

One convolution uses a whole CPU core, so replicas train one after another. A run therefore does not depend on the
other runs of its stack. Three choices make a step fast, and `benchmarks/convolution.py` measures them:

- Channels are the last axis in memory, so that a product runs over contiguous channels.
- A minibatch is divided into slices whose activations fit the cache; their gradients are added.
- Max-pooling comes before the ReLU: the result is the same and the ReLU has a quarter of the work.
"""

from itertools import pairwise

import numpy as np
import torch
from torch.nn import functional as F

from sgd_valleys.networks.cnn import CNN, SLICE
from sgd_valleys.networks.network import Parameters
from sgd_valleys.training.replicas import Replicas

GPU_SLICE = 4096  # images per slice on a GPU, which needs large kernels to be busy


class CNNReplicas(Replicas):
    """Replicas of one CNN with images (sample, channel, row, column); see :class:`Replicas`."""

    network: CNN

    def _allocate(self, initial: Parameters, inputs: torch.Tensor) -> None:
        self.images = _channels_last(inputs)
        self.slice = GPU_SLICE if inputs.is_cuda else SLICE
        self.replicas = [[self._parameter(initial[name][r]) for name in self.network.names()] for r in range(self.R)]

    @staticmethod
    def stack_size(runs: int, B: int, device: torch.device) -> int:
        """Return 1: a stack would save nothing."""
        return 1

    def _parameter(self, array: np.ndarray) -> torch.Tensor:
        tensor = torch.tensor(array).to(self.images)
        return (tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor).requires_grad_()

    def parameters(self) -> dict[str, np.ndarray]:
        """Return every parameter by name with a leading replica axis."""
        return {
            name: torch.stack([replica[k].detach().contiguous() for replica in self.replicas]).cpu().numpy()
            for k, name in enumerate(self.network.names())
        }

    def forward(self, replica: list[torch.Tensor], images: torch.Tensor) -> torch.Tensor:
        """Compute the logits (sample, class) of one replica for images (sample, row, column, channel)."""
        z = images.permute(0, 3, 1, 2)
        layers = list(zip(replica[::2], replica[1::2], strict=True))
        convolutions = len(self.network.channels)
        for weight, bias in layers[:convolutions]:
            z = F.max_pool2d(F.conv2d(z, weight, bias, padding=1), 2).relu()
        # features in the order channel, row, column, as `CNN.forward` and torch.nn.Flatten have them
        z = z.flatten(1)
        for (weight, bias), _ in pairwise(layers[convolutions:]):
            z = F.linear(z, weight, bias).relu()
        return F.linear(z, *layers[-1])

    def step(self, replica: list[torch.Tensor], samples: torch.Tensor) -> None:
        """Take one SGD step of one replica on the minibatch of these training ``samples``."""
        for part in samples.split(self.slice):
            F.cross_entropy(self.forward(replica, self.images[part]), self.labels[part], reduction="sum").backward()
        with torch.no_grad():
            for tensor in replica:
                tensor.add_(tensor.grad, alpha=-self.eta / len(samples))
                tensor.grad = None

    def full_batch_steps(self, steps: int) -> None:
        """Take steps of full-batch gradient descent."""
        training_set = torch.arange(self.M, device=self.labels.device)
        for replica in self.replicas:
            for _ in range(steps):
                self.step(replica, training_set)

    def minibatch_steps(self, index: torch.Tensor) -> None:
        """Take SGD steps on the minibatches of ``index`` (replica, steps * B)."""
        for replica, visited in zip(self.replicas, index, strict=True):
            for samples in visited.split(self.B):
                self.step(replica, samples)

    def train_logits(self) -> torch.Tensor:
        """Return the logits (replica, class, M) of the training set."""
        return self._logits(self.images)

    def logits(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the logits (replica, class, sample) of images (sample, channel, row, column)."""
        return self._logits(_channels_last(inputs))

    @torch.no_grad()
    def _logits(self, images: torch.Tensor) -> torch.Tensor:
        parts = images.split(self.slice)
        return torch.stack([torch.cat([self.forward(replica, part) for part in parts]).T for replica in self.replicas])


def _channels_last(images: torch.Tensor) -> torch.Tensor:
    return images.permute(0, 2, 3, 1).contiguous()
