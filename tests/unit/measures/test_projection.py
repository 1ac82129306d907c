"""Principal components of points whose plane is known."""

import numpy as np
import pytest

from sgd_valleys.measures import projection
from sgd_valleys.measures.projection import coordinates, principal_axes, project


def test_projection_finds_the_plane_the_points_lie_in() -> None:
    rng = np.random.default_rng(4)
    plane = np.linalg.qr(rng.normal(size=(40, 2)))[0]
    inside = rng.normal(size=(3, 25, 2)) * [5, 1]
    points, explained = project(inside @ plane.T + rng.normal(size=40))
    assert explained.sum() == pytest.approx(1)
    flat, found = inside.reshape(-1, 2), points.reshape(-1, 2)
    distance = np.linalg.norm(flat[:, None] - flat[None], axis=2)
    assert np.linalg.norm(found[:, None] - found[None], axis=2) == pytest.approx(distance, abs=1e-9)


@pytest.mark.parametrize("shape", [(60, 30), (30, 60)])
@pytest.mark.parametrize("largest", [10, 100])
def test_components_are_eigenvectors_of_the_covariance(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int], largest: int
) -> None:
    """With few points through their Gram matrix, with many through its products."""
    monkeypatch.setattr(projection, "LARGEST_GRAM", largest)
    weights = np.random.default_rng(7).normal(size=shape) * np.arange(shape[1], 0, -1)
    value, vector = np.linalg.eigh(np.cov(weights.T))
    axes = principal_axes(weights)
    assert np.abs(axes.components @ vector[:, [-1, -2]]) == pytest.approx(np.eye(2), abs=1e-9)
    assert axes.explained == pytest.approx(value[[-1, -2]] / value.sum(), rel=1e-12)
    assert (axes.components.max(axis=1) == np.abs(axes.components).max(axis=1)).all()


def test_points_on_a_line_have_a_second_axis_without_variance() -> None:
    axes = principal_axes(np.outer(np.arange(5.0), [3.0, 4.0, 0.0]))
    assert axes.components @ axes.components.T == pytest.approx(np.eye(2), abs=1e-12)
    assert axes.explained == pytest.approx([1, 0], abs=1e-12)


def test_another_trajectory_is_seen_in_the_same_axes() -> None:
    rng = np.random.default_rng(6)
    weights, other = rng.normal(size=(50, 7)) * np.arange(7, 0, -1), rng.normal(size=(3, 7))
    centred = weights - weights.mean(axis=0)
    directions = np.linalg.svd(centred)[2][:2]
    found = coordinates(principal_axes(weights), other)
    assert np.abs(found) == pytest.approx(np.abs((other - weights.mean(axis=0)) @ directions.T))


def test_projection_leaves_out_what_is_not_finite() -> None:
    weights = np.random.default_rng(5).normal(size=(2, 10, 6))
    weights[1, 4:] = np.nan
    points, _ = project(weights)
    assert np.isfinite(points[0]).all() and np.isnan(points[1, 4:]).all()
