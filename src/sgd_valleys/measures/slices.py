"""Two-dimensional slices of the loss around a trajectory, in its principal plane."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sgd_valleys.measures.projection import coordinates, principal_axes
from sgd_valleys.networks.loss import LOSSES
from sgd_valleys.networks.network import Network, Parameters

MARGIN = 0.15  # on each side of the slice, relative to the extent of the trajectory


@dataclass(frozen=True)
class LossSlice:
    """The loss on a plane of one layer's weights.

    Attributes:
        coordinate: (axis, point) along the first and the second principal component.
        loss: (point of axis 0, point of axis 1) in units of the loss.
        trajectory: (time, axis) coordinates of the trajectory; NaN where its weights are not finite.
        explained: (axis) fraction of the trajectory's variance.
        axes: (axis, weight) the principal components.
        origin: (weight) the weights at coordinates 0, 0.
    """

    coordinate: np.ndarray
    loss: np.ndarray
    trajectory: np.ndarray
    explained: np.ndarray
    axes: np.ndarray
    origin: np.ndarray


def loss_slice(
    network: Network,
    trajectory: np.ndarray,
    final: Parameters,
    layer: int,
    samples: tuple[np.ndarray, np.ndarray],
    points: int,
    loss: str = "cross_entropy",
    progress: Callable[[], object] = lambda: None,
) -> LossSlice:
    """Compute the loss around a trajectory of one layer's weights, with all other parameters from ``final``.

    The first two principal components of the trajectory span the plane, which contains the final weights. Therefore the
    loss at the final coordinates is that of ``final``. Earlier points of the trajectory are projected onto the plane.
    At these points the slice shows the loss with the other final parameters, not the loss of the run.

    Args:
        network: the architecture.
        trajectory: (time, ...) the layer's weights.
        final: parameters by name, finite.
        layer: number of the layer, counted from 1.
        samples: inputs (sample, ...) in the network's form, and labels (sample).
        points: number of points of each axis, evenly spaced over the trajectory and a margin on each side.
        loss: one of ``sgd_valleys.recipe.LOSSES``.
        progress: called after each row of points.
    """
    inputs, labels = samples
    name = f"layer{layer}_weight"
    flat = trajectory.reshape(len(trajectory), -1)
    fit = principal_axes(flat)
    projected, axes = coordinates(fit, flat), fit.components
    end = final[name].ravel()
    origin = end - coordinates(fit, end[None])[0] @ axes
    low, high = np.nanmin(projected, axis=0), np.nanmax(projected, axis=0)
    margin = MARGIN * (high - low)
    coordinate = np.linspace(low - margin, high + margin, points, axis=1)
    # the weights of a layer above the first do not change the first layer's preactivations
    fixed = network.first_preactivation(final, inputs) if layer > 1 else None

    def at(a: float, b: float) -> float:
        weight = (origin + a * axes[0] + b * axes[1]).astype(end.dtype).reshape(final[name].shape)
        parameters = {**final, name: weight}
        first = network.first_preactivation(parameters, inputs) if fixed is None else fixed
        return float(LOSSES[loss].evaluate(network.forward_from_first(parameters, first), labels))

    surface = np.empty((points, points))
    for k, a in enumerate(coordinate[0]):
        surface[k] = [at(a, b) for b in coordinate[1]]
        progress()
    return LossSlice(coordinate, surface, projected, fit.explained, axes, origin)
