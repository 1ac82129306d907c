"""Replicas of a fully connected network whose steps move all weights at once: momentum, weight decay, isotropic noise.

Such steps leave the span of the training inputs, so the first layer is trained without the Gram matrix. The update is
that of ``torch.optim.SGD`` with the gradient g, momentum mu and weight decay lambda,

    v <- mu v - (g + lambda theta),      theta <- theta + eta v.
"""

from functools import reduce
from math import prod, sqrt

import numpy as np
import torch

from sgd_valleys.networks.network import Parameters
from sgd_valleys.statistics.sampling import variance_of_mean
from sgd_valleys.training.mlp_replicas import MLPReplicas
from sgd_valleys.training.replicas import VELOCITY


class MovingReplicas(MLPReplicas):
    """Replicas of one MLP with momentum or weight decay, or with noise of constant strength."""

    def _allocate(self, state: Parameters) -> None:
        super()._allocate(state)
        known = f"{VELOCITY}layer1_weight" in state
        self.velocity = [
            self._weight_and_bias(state, k, VELOCITY) if known else torch.zeros_like(self.weight[k - 1])
            for k in range(1, self.network.depth + 1)
        ]
        self.noisy = [k - 1 for k in self.noisy_layers()]

    def _first_rate(self) -> float:
        return 1.0  # `finish` multiplies by the learning rate

    def state(self) -> dict[str, np.ndarray]:
        """Return the parameters, and the velocity v of each parameter if there is momentum."""
        velocity = self._by_name(self.velocity, VELOCITY) if self.dynamics.momentum else {}
        return self.parameters() | velocity

    def move(self, k: int, d: torch.Tensor, inputs: torch.Tensor) -> None:
        """Multiply the velocity of layer k + 1 by the momentum, and add sum_n d_n h_n^T."""
        self.velocity[k].baddbmm_(self.weigh[k](d), inputs.transpose(1, 2), beta=self.dynamics.momentum)

    def move_first(self, d: torch.Tensor) -> None:
        """Update the velocity of the first layer by the ``d`` (replica, hidden, M) of the whole training set."""
        self.move(0, d, self.inputs.T.expand(self.R, -1, -1))

    def finish(self) -> None:
        """Add the weight decay to the velocity v, and move all weights by eta v."""
        for weight, velocity in zip(self.weight, self.velocity, strict=True):
            if self.dynamics.weight_decay:
                velocity.add_(weight, alpha=-self.dynamics.weight_decay)
            weight.add_(velocity, alpha=self.eta)

    def isotropic_step(self, normals: torch.Tensor) -> None:
        """Take one step along the full gradient with isotropic noise."""
        self.launch(self._isotropic_step, normals)

    def _isotropic_step(self, normals: torch.Tensor) -> None:
        self.move_first(self.step(self.train_preactivation(), self.target.expand(self.R, -1, -1)))
        strengths = self.noise_strengths()
        sizes = [prod(self.weight[k].shape[1:]) for k in self.noisy]
        for k, strength, drawn in zip(self.noisy, strengths, normals.split(sizes, dim=1), strict=True):
            self.velocity[k].add_(strength * drawn.view_as(self.velocity[k]))
        self.finish()

    def noise_strengths(self) -> list[torch.Tensor | float]:
        """Return the standard deviation of the noise in a component of the gradient, for each layer with noise."""
        assert self.dynamics.noise_strength is not None  # a recipe of constant noise is refused without it
        return [self.dynamics.noise_strength] * len(self.noisy)


class IsotropicReplicas(MovingReplicas):
    """Replicas of one MLP with isotropic noise that has the total variance of minibatch noise at every step.

    The total variance follows from the trace of the gradient covariance,

        Tr C = mean_n |g_n|^2 - |g|^2.

    The gradient of sample n in a layer is g_n = d_n h_n^T, with the gradient d_n in the preactivations and the inputs
    h_n. Since |g_n|^2 = |d_n|^2 |h_n|^2, the trace needs no per-sample gradients of the weights.
    """

    def _allocate(self, state: Parameters) -> None:
        super()._allocate(state)
        self.gradient = [torch.zeros_like(weight) for weight in self.weight]
        self.trace = [self.inputs.new_zeros(self.R) for _ in self.weight]  # Tr C (replica) of each layer
        self.input_squares = self.inputs.square().sum(dim=1)

    def move(self, k: int, d: torch.Tensor, inputs: torch.Tensor) -> None:
        """Update the velocity of layer k + 1, and compute Tr C of the layer."""
        self._move(k, d, inputs, inputs.square().sum(dim=1))

    def move_first(self, d: torch.Tensor) -> None:
        """Do the same for the first layer, whose inputs are the same at every step."""
        self._move(0, d, self.inputs.T.expand(self.R, -1, -1), self.input_squares)

    def _move(self, k: int, d: torch.Tensor, inputs: torch.Tensor, input_squares: torch.Tensor) -> None:
        torch.bmm(d, inputs.transpose(1, 2), out=self.gradient[k])
        self.velocity[k].mul_(self.dynamics.momentum).add_(self.gradient[k])
        squares = d.square().sum(dim=1) * input_squares  # (replica, M); d has the factor 1 / M
        length = self.gradient[k].square().sum(dim=(1, 2))
        self.trace[k] = (self.M * squares.sum(dim=1) - length).clamp_min(0)

    def noise_strengths(self) -> list[torch.Tensor | float]:
        """Divide the total variance equally among the parameters of all layers with noise, or of each such layer.

        Returns:
            standard deviations (replica, 1, 1), for each layer with noise.
        """
        factor = self.dynamics.noise_scale * sqrt(variance_of_mean(self.B, self.M))
        sizes = [prod(self.weight[k].shape[1:]) for k in self.noisy]
        if self.dynamics.noise == "isotropic_by_layer":
            variances = [self.trace[k] / size for k, size in zip(self.noisy, sizes, strict=True)]
        else:
            variances = [reduce(torch.add, (self.trace[k] for k in self.noisy)) / sum(sizes)] * len(sizes)
        return [factor * variance.sqrt()[:, None, None] for variance in variances]
