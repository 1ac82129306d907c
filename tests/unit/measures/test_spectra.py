"""Largest eigenvalues, trace and spectral density, against the dense spectrum."""

import numpy as np
import pytest
from scipy.sparse.linalg import LinearOperator

from sgd_valleys.measures.spectra import eigenvalues_by_rank, hutch_plus_plus, spectral_density, top_eigenpairs

n = 60
rng = np.random.default_rng(0)
BASIS = np.linalg.qr(rng.normal(size=(n, n)))[0]
VALUES = np.concatenate([[5.0, 3.0, 2.0, 1.5], 0.3 * rng.random(46), -0.1 * rng.random(10)])
MATRIX = (BASIS * VALUES) @ BASIS.T


class Known(LinearOperator):
    """A dense matrix as an operator."""

    is_finite = True

    def __init__(self, matrix: np.ndarray) -> None:
        self.matrix = matrix
        super().__init__(matrix.dtype, matrix.shape)

    def _matvec(self, vector: np.ndarray) -> np.ndarray:
        return self.matrix @ vector


def test_the_largest_eigenvalues_and_their_vectors() -> None:
    found = top_eigenpairs(Known(MATRIX), 4, rng, 1e-10)
    assert found.failure is None and found.residual < 1e-10
    assert found.eigenvalue == pytest.approx(VALUES[:4], rel=1e-10)
    assert np.abs(np.abs((found.eigenvector * BASIS[:, :4]).sum(axis=0)) - 1).max() < 1e-10


def test_a_residual_above_the_tolerance_is_a_failure() -> None:
    class Wrong(Known):
        def _matmat(self, block: np.ndarray) -> np.ndarray:
            return self.matrix @ block + 1.0

    found = top_eigenpairs(Wrong(MATRIX), 4, rng, 1e-6)
    assert np.isnan(found.eigenvalue).all() and found.failure.startswith("the residual ")


def test_the_trace_lies_within_its_error() -> None:
    errors = []
    for seed in range(100):
        trace, error = hutch_plus_plus(Known(MATRIX), 60, np.random.default_rng(seed))
        errors.append((trace - MATRIX.trace()) / error)
    assert np.abs(np.mean(errors)) < 4 / np.sqrt(100) * np.std(errors)
    assert 0.8 < np.std(errors) < 1.3  # the error bar is the scatter
    low_rank = (BASIS[:, :3] * [3.0, 2.0, 1.0]) @ BASIS[:, :3].T
    assert hutch_plus_plus(Known(low_rank), 12, rng)[0] == pytest.approx(6, rel=1e-10)


def test_the_moments_of_the_density_are_those_of_the_spectrum() -> None:
    found = spectral_density(Known(MATRIX), 20, 400, np.random.default_rng(1))
    assert found.weight.sum(axis=1) == pytest.approx(1)
    samples = [(found.weight * found.node**power).sum(axis=1) for power in range(1, 6)]
    for power, each in enumerate(samples, start=1):
        expected = (VALUES**power).mean()
        assert found.moment(power) == pytest.approx(expected, abs=5 * each.std() / np.sqrt(400))


def test_all_steps_give_the_whole_spectrum() -> None:
    found = spectral_density(Known(MATRIX), n, 1, np.random.default_rng(1))
    assert np.sort(found.node[0]) == pytest.approx(np.sort(VALUES), abs=1e-10)
    grid = np.linspace(-1, 6, 5001)
    assert np.trapezoid(found.density(grid, 0.05), grid) == pytest.approx(1, rel=1e-6)


def test_an_invariant_subspace_ends_the_iteration() -> None:
    found = spectral_density(Known(np.eye(8)), 5, 3, np.random.default_rng(0))
    assert found.moment(1) == pytest.approx(1) and found.moment(2) == pytest.approx(1)


def test_estimated_eigenvalues_are_those_of_the_matrix_but_for_their_ranks() -> None:
    size = 400
    basis = np.linalg.qr(rng.normal(size=(size, size)))[0]
    values = 10.0 / np.arange(1, size + 1) ** 1.5
    found = eigenvalues_by_rank(Known((basis * values) @ basis.T), np.random.default_rng(2))
    assert found.shape == (size,) and (np.diff(found) <= 0).all()
    assert found[:20] == pytest.approx(values[:20], rel=1e-9)  # these are computed
    rank = np.array([(values > x).sum() for x in found[20:]]) - 20  # of the others, below the known ones
    assert (np.abs(rank - np.arange(size - 20)) < 5 * np.sqrt(2 * (np.arange(size - 20) + 1) / 10) + 3).all()
