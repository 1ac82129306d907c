"""Replicas of a convolutional network, each trained by SGD on its own minibatches.

A single convolution keeps a CPU core busy, so replicas train one after another. A run therefore does not depend on the
other runs of its stack. Three choices make a step fast, and `benchmarks/convolution.py` measures their effect:

- Channels are the last axis in memory, so that a matrix product runs over contiguous channels.
- A minibatch is divided into slices whose activations fit the cache. The gradients of the slices are added.
- Max-pooling precedes a monotonic activation. The result is the same, and the activation does a quarter of the work.
"""

from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from torch.nn import functional as F

from sgd_valleys.networks.cnn import CNN, SLICE
from sgd_valleys.networks.network import Parameters
from sgd_valleys.networks.tensor_functions import ACTIVATIONS, gradient_of
from sgd_valleys.training.replicas import VELOCITY, Replicas

GPU_SLICE = 4096  # images per slice on a GPU, which only large kernels keep busy


class CNNReplicas(Replicas):
    """Replicas of one CNN with images (sample, channel, row, column); see :class:`Replicas`."""

    network: CNN

    def _allocate(self, state: Parameters) -> None:
        self.images = _channels_last(self.training_set.inputs)
        self.slice = GPU_SLICE if self.images.is_cuda else SLICE
        self.replicas = [[self._parameter(state[name][r]) for name in self.network.names()] for r in range(self.R)]
        self.activation = ACTIVATIONS[self.network.activation]
        noisy = self.noisy_layers()
        self.noisy = [k // 2 + 1 in noisy for k in range(len(self.network.names()))]
        moving = self.dynamics.momentum or self.dynamics.weight_decay
        self.update = self._move if moving else self._descend
        self.velocity = [self._velocities(state, r) for r in range(self.R if moving else 0)]

    @staticmethod
    def stack_size(runs: int, samples: int, device: torch.device) -> int:
        """Return 1, since a stack of convolutions would not be faster."""
        return 1

    def _parameter(self, array: np.ndarray) -> torch.Tensor:
        tensor = torch.tensor(array).to(self.images)
        return (tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor).requires_grad_()

    def _velocities(self, state: Parameters, r: int) -> list[torch.Tensor]:
        names = (f"{VELOCITY}{name}" for name in self.network.names())
        pairs = zip(names, self.replicas[r], strict=True)
        return [
            torch.tensor(state[name][r]).to(self.images) if name in state else torch.zeros_like(tensor)
            for name, tensor in pairs
        ]

    def parameters(self) -> dict[str, np.ndarray]:
        """Return every parameter by name with a leading replica axis."""
        return self._by_name(self.replicas)

    def state(self) -> dict[str, np.ndarray]:
        """Return the parameters, and the velocity of each parameter if there is momentum."""
        return self.parameters() | (self._by_name(self.velocity, VELOCITY) if self.dynamics.momentum else {})

    def _by_name(self, replicas: list[list[torch.Tensor]], prefix: str = "") -> dict[str, np.ndarray]:
        return {
            f"{prefix}{name}": torch.stack([each[k].detach().contiguous() for each in replicas]).cpu().numpy()
            for k, name in enumerate(self.network.names())
        }

    def forward(self, replica: list[torch.Tensor], images: torch.Tensor) -> torch.Tensor:
        """Compute the logits (sample, class) of one replica for images (sample, row, column, channel)."""
        z = images.permute(0, 3, 1, 2)
        layers = list(zip(replica[::2], replica[1::2], strict=True))
        convolutions = len(self.network.channels)
        for weight, bias in layers[:convolutions]:
            z = self.activation.pooled(F.conv2d(z, weight, bias, padding=1))
        # features in the order (channel, row, column), as in `CNN.forward` and torch.nn.Flatten
        z = z.flatten(1)
        for (weight, bias), _ in pairwise(layers[convolutions:]):
            z = self.activation.apply(F.linear(z, weight, bias))
        return F.linear(z, *layers[-1])

    def step(self, r: int, samples: torch.Tensor) -> None:
        """Take one step of replica ``r`` along the mean gradient of training ``samples`` (sample)."""
        self.add_gradients(self.replicas[r], samples)
        self.update(r, len(samples))

    def add_gradients(self, replica: list[torch.Tensor], samples: torch.Tensor) -> None:
        """Add the gradients of training ``samples``, summed over the samples, to ``grad`` of each parameter."""
        for part in samples.split(self.slice):
            self.loss.total(self.forward(replica, self.images[part]), self.labels[part]).backward()

    @torch.no_grad()
    def _descend(self, r: int, samples: int) -> None:
        """Move replica ``r`` against ``grad``, a sum over this number of samples, and clear ``grad``."""
        for tensor in self.replicas[r]:
            tensor.add_(gradient_of(tensor), alpha=-self.eta / samples)
            tensor.grad = None

    @torch.no_grad()
    def _move(self, r: int, samples: int) -> None:
        """Do the same as ``_descend`` with momentum and weight decay, as ``torch.optim.SGD`` does."""
        for tensor, velocity in zip(self.replicas[r], self.velocity[r], strict=True):
            velocity.mul_(self.dynamics.momentum).add_(gradient_of(tensor), alpha=1 / samples)
            velocity.add_(tensor, alpha=self.dynamics.weight_decay)
            tensor.add_(velocity, alpha=-self.eta)
            tensor.grad = None

    def full_batch_steps(self, steps: int) -> None:
        """Take steps along the full gradient."""
        for r in range(self.R):
            for _ in range(steps):
                self.step(r, self._training_samples)

    def minibatch_steps(self, index: torch.Tensor) -> None:
        """Take steps on the minibatches of ``index`` (replica, steps * B)."""
        for r, visited in enumerate(index):
            for samples in visited.split(self.B):
                self.step(r, samples)

    def weighted_step(self, weights: torch.Tensor) -> None:
        """Take one step along the weighted gradient, and along the full gradient in layers without noise."""
        for r, (replica, own) in enumerate(zip(self.replicas, weights, strict=True)):
            if not all(self.noisy):
                self.add_gradients(replica, self._training_samples)
                full = [tensor.grad for tensor in replica]
                for tensor in replica:
                    tensor.grad = None
            for part in torch.nonzero(own)[:, 0].split(self.slice):
                losses = self.loss.per_sample(self.forward(replica, self.images[part]), self.labels[part])
                (losses @ own[part]).backward()
            for k, tensor in enumerate(replica):
                if not self.noisy[k]:
                    tensor.grad = full[k]
            self.update(r, self.M)

    def isotropic_step(self, normals: torch.Tensor) -> None:
        """Take one step along the full gradient with isotropic noise of constant strength."""
        strength = self.dynamics.noise_strength
        assert strength is not None  # a recipe is refused without it
        for r, (replica, own) in enumerate(zip(self.replicas, normals, strict=True)):
            self.add_gradients(replica, self._training_samples)
            chosen = [tensor for tensor, noisy in zip(replica, self.noisy, strict=True) if noisy]
            for tensor, drawn in zip(chosen, own.split([tensor.numel() for tensor in chosen]), strict=True):
                gradient_of(tensor).add_(drawn.view(tensor.shape), alpha=strength * self.M)
            self.update(r, self.M)

    @cached_property
    def _training_samples(self) -> torch.Tensor:
        return torch.arange(self.M, device=self.labels.device)

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
