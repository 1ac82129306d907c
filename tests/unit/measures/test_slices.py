"""Slices of the loss around a trajectory, against the network's loss at the same parameters."""

import numpy as np
import pytest

from sgd_valleys.measures.slices import MARGIN, loss_slice
from sgd_valleys.networks.cnn import CNN
from sgd_valleys.networks.loss import LOSSES
from sgd_valleys.networks.mlp import MLP


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    ("network", "shape", "layer"),
    [
        (MLP((6, 5, 4, 3)), (20, 6), 1),
        (MLP((6, 5, 4, 3)), (20, 6), 2),
        (CNN((1, 4, 4), (2,), (5,), 3), (20, 1, 4, 4), 2),
    ],
)
def test_values_are_the_networks_loss_at_these_parameters(network, shape, layer, loss) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=shape), rng.integers(0, 3, 20)
    final, name = network.initialize(rng), f"layer{layer}_weight"
    steps = 0.1 * rng.normal(size=(8, *final[name].shape))
    trajectory = final[name] + np.cumsum(steps[::-1], axis=0)[::-1]
    trajectory[-1] = final[name]
    calls = []
    found = loss_slice(network, trajectory, final, layer, (x, y), 4, loss, lambda: calls.append(1))
    assert found.loss.shape == (4, 4) and found.coordinate.shape == (2, 4) and len(calls) == 4

    def at(a: float, b: float) -> float:
        weight = (found.origin + a * found.axes[0] + b * found.axes[1]).reshape(final[name].shape)
        return LOSSES[loss].evaluate(network.forward({**final, name: weight}, x), y)

    expected = [[at(a, b) for b in found.coordinate[1]] for a in found.coordinate[0]]
    assert found.loss == pytest.approx(np.array(expected), rel=1e-10)
    ends = LOSSES[loss].evaluate(network.forward(final, x), y)
    assert at(*found.trajectory[-1]) == pytest.approx(ends, rel=1e-10)  # the plane contains the end of the run
    assert found.axes @ found.axes.T == pytest.approx(np.eye(2), abs=1e-10)
    flat = trajectory.reshape(8, -1)
    for axis in range(2):
        assert np.diff(found.trajectory[:, axis]) == pytest.approx(np.diff(flat @ found.axes[axis]))
        low, high = found.trajectory[:, axis].min(), found.trajectory[:, axis].max()
        assert found.coordinate[axis, 0] == pytest.approx(low - MARGIN * (high - low))
        assert found.coordinate[axis, -1] == pytest.approx(high + MARGIN * (high - low))
    assert 0 < found.explained[1] < found.explained[0]
