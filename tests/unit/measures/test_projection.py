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


def test_a_layer_of_many_weights_has_the_same_components(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = np.random.default_rng(7).normal(size=(60, 30)) * np.arange(30, 0, -1)
    expected, explained = project(weights)
    monkeypatch.setattr(projection, "LARGEST_COVARIANCE", 10)
    found, same = project(weights)
    assert np.abs(found) == pytest.approx(np.abs(expected), rel=1e-9) and same == pytest.approx(explained)


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
