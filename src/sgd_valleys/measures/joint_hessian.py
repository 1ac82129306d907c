"""The true Hessian of the training loss in the weights of several fully connected layers, by automatic differentiation.

Its products with vectors V are derivatives of the gradient along V. The layers below the first chosen one do not move:
only the layers from there on are evaluated. All arrays are float64.
"""

from collections.abc import Sequence

import numpy as np
from scipy.sparse.linalg import LinearOperator

from sgd_valleys.networks.network import Linearization

VECTORS = 20  # differentiated at once
SAMPLES = 1_000  # differentiated at once, which bounds the memory


class JointHessian(LinearOperator):
    """The Hessian (parameter, parameter) of the mean loss in the weights of several layers.

    The vectors are those of ``sample_gradients``: layer after layer, each layer's matrix row by row.

    Args:
        linear: of each layer, ascending, at the same parameters and inputs.
        loss: one of ``sgd_valleys.recipe.LOSSES``.
        labels: (sample) classes.
    """

    def __init__(self, linear: Sequence[Linearization], loss: str, labels: np.ndarray) -> None:
        self.linear, self.loss, self.labels = linear, loss, labels
        self.shapes = [(each.out, each.inputs.shape[1]) for each in linear]
        size = sum(out * width for out, width in self.shapes)
        super().__init__(np.dtype(np.float64), (size, size))

    @property
    def is_finite(self) -> bool:
        """Whether the network's outputs are finite, so that the matrix is."""
        return bool(np.isfinite(self.linear[0].logits).all())

    def _matvec(self, v: np.ndarray) -> np.ndarray:
        return self._matmat(v.reshape(-1, 1))

    def _matmat(self, V: np.ndarray) -> np.ndarray:
        import torch  # here, since a Gauss-Newton matrix does without
        from torch.func import grad, jvp, vmap

        from sgd_valleys.networks.tensor_functions import ACTIVATIONS, LOSSES

        first = self.linear[0]
        activate = ACTIVATIONS[first.activation].apply
        upper = [(torch.from_numpy(weight), torch.from_numpy(bias)) for weight, bias in first.upper_layers]
        # a layer's place above the first chosen one, from the number of layers that are still above it
        places = [len(upper) - len(each.upper_layers) for each in self.linear]

        def total(moves, h, z, labels):
            moved = dict(zip(places, moves, strict=True))
            z = z + h @ moved[0].T
            for place, (weight, bias) in enumerate(upper, start=1):
                a = activate(z)
                z = a @ weight.T + bias
                if place in moved:
                    move = moved[place]
                    z = z + a @ move[:, : a.shape[1]].T + (move[:, -1] if move.shape[1] > a.shape[1] else 0)
            return LOSSES[self.loss].total(z, labels)

        M, found = len(self.labels), np.zeros((V.shape[1], V.shape[0]))
        tensors = [torch.from_numpy(np.ascontiguousarray(a)) for a in (first.inputs, first.preactivation, self.labels)]
        still = tuple(torch.zeros(shape, dtype=torch.float64) for shape in self.shapes)
        parts = np.cumsum([out * width for out, width in self.shapes])[:-1]
        for start in range(0, V.shape[1], VECTORS):
            rows = np.split(np.ascontiguousarray(V[:, start : start + VECTORS].T), parts, axis=1)
            along = tuple(
                torch.from_numpy(row.reshape(-1, *shape)) for row, shape in zip(rows, self.shapes, strict=True)
            )
            for h, z, y in zip(*(tensor.split(SAMPLES) for tensor in tensors), strict=True):
                gradient = grad(lambda moves, h=h, z=z, y=y: total(moves, h, z, y))
                moved = vmap(lambda *v, gradient=gradient: jvp(gradient, (still,), (v,))[1])(*along)
                found[start : start + VECTORS] += np.hstack([each.flatten(1).numpy() for each in moved])
        return found.T / M
