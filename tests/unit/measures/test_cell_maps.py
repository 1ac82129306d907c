"""Quantities of a cell, from runs of which the answer is known."""

import numpy as np
import pytest

from sgd_valleys.measures import cell_maps

M, NAN = 100, np.nan
ETA, B = np.array([0.01, 0.1]), np.array([10, M])
ALL = np.arange(3)
NOISY = 2  # the cell of eta = 0.1, B = 10
ENDS = {
    "eta": ETA,
    "B": B,
    "converged": np.array([[[1, 1, 1], [1, 0, 0]], [[1, 1, 0], [0, 0, 0]]], dtype=bool),
    "diverged": np.array([[[0, 0, 0], [0, 0, 0]], [[0, 0, 1], [1, 0, 0]]], dtype=bool),
    "test_accuracy": np.array([[[0.5, 0.6, 0.7], [0.4, NAN, NAN]], [[0.8, 0.6, 0.9], [NAN, NAN, NAN]]]),
}
ENDS |= {"gradient_descent": B == M}
ENDS |= {"test_file_accuracy": ENDS["test_accuracy"] / 2, "flatness": ENDS["test_accuracy"] * 10}
FREEZING = np.array([[[100, 200, 300], [50, NAN, NAN]], [[40, NAN, 20], [NAN, NAN, NAN]]])
# solutions: three runs at B = 10 and one of gradient descent, at both rates
SOLUTION_ETA, SOLUTION_B = np.repeat(ETA, 4), np.tile([10, 10, 10, M], 2)
JACCARD = np.eye(8)  # 0 for pairs of runs of different cells, which must not count
JACCARD[:3, :3] = [[1, 0.2, 0.4], [0.2, 1, 0.9], [0.4, 0.9, 1]]
JACCARD[4:7, 4:7] = [[1, 0.3, 0.7], [0.3, 1, 0.7], [0.7, 0.7, 1]]
PAIRS = {"solution_eta": SOLUTION_ETA, "solution_B": SOLUTION_B, "jaccard": JACCARD}


def of_cells(name: str, chosen: np.ndarray = ALL) -> list[float]:
    """A quantity of the four cells, rates first; gradient descent is one run."""
    measure = cell_maps.measures(ENDS, FREEZING, PAIRS)[name]
    return [measure(cell, chosen if B[cell % 2] != M else np.zeros(1, dtype=int)) for cell in range(4)]


def test_gradient_descent_has_no_noise() -> None:
    """At B = M/2 the noise is half of eta / B, and as large as at B = M/3 with half the rate."""
    found = cell_maps.noise(ETA, np.array([10, 50, M]), M)
    assert found == pytest.approx(np.array([[0.0009, 0.0001, 0], [0.009, 0.001, 0]])) and (found[:, -1] == 0).all()
    assert cell_maps.noise(np.array([0.2]), np.array([50]), M) == pytest.approx(0.1 * (1 / (M / 3) - 1 / M))


def test_the_fewest_runs_are_those_of_a_cell_with_noise() -> None:
    assert cell_maps.fewest_runs(np.array([[20, 1], [8, 1]]), B == M) == 8
    assert cell_maps.fewest_runs(np.array([20, 1]), B == M) == 20
    assert cell_maps.fewest_runs(np.array([[20, 1]]), np.zeros(2, bool)) == 1  # no gradient descent, but one run
    assert cell_maps.fewest_runs(np.array([[1]]), np.ones(1, bool)) == 1
    assert cell_maps.fewest_runs(np.array([[20, 5]]), B == M) == 5  # with five initializations


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mean_test_accuracy", [0.6, 0.4, 0.7, NAN]),
        # five draws of 0.6 and 0.8; the 0.9 is that of a run that did not converge
        ("expected_max_test_accuracy", [(0.5 + 31 * 0.6 + 211 * 0.7) / 243, 0.4, (0.6 + 31 * 0.8) / 32, NAN]),
        ("mean_test_file_accuracy", [0.3, 0.2, 0.35, NAN]),
        ("eta_t_freeze", [2, 0.5, 3, NAN]),  # over the runs that freeze, whether they converge or not
        ("convergence_probability", [1, 1, 2 / 3, 0]),
        ("similarity", [0.5, 1, 0.3, NAN]),  # without the diverged run; gradient descent is identical to itself
    ],
)
def test_a_quantity_is_over_the_runs_that_have_it(name: str, expected: list[float]) -> None:
    assert of_cells(name) == pytest.approx(expected, nan_ok=True)


def test_a_quantity_is_that_of_the_runs_drawn() -> None:
    twice = np.array([0, 0, 1])
    assert of_cells("mean_test_accuracy", twice)[NOISY] == pytest.approx((0.8 + 0.8 + 0.6) / 3)
    assert of_cells("expected_max_test_accuracy", np.array([1, 1, 2]))[NOISY] == pytest.approx(0.6)
    assert np.isnan(of_cells("mean_flatness", np.array([2, 2, 2]))[NOISY])


def test_test_images_are_resampled_for_all_runs_together() -> None:
    """Two runs that misclassify the same images have the same accuracy on any images."""
    rng, shape = np.random.default_rng(0), (2, 2, 3, 400)
    error = np.broadcast_to(rng.random(400) < 0.1, shape).copy()
    error[1, 0, 1] = rng.random(400) < 0.1
    accuracy = 1 - error.mean(axis=-1)
    ends = ENDS | {"test_error": error, "test_accuracy": accuracy}
    resampled = cell_maps.resample_accuracy(ends, "test_accuracy", rng, 2000)
    assert np.isnan(resampled[:, ~ENDS["converged"]]).all()
    binomial = np.sqrt(accuracy * (1 - accuracy) / 400)
    assert resampled[:, 0, 0, 0].std() == pytest.approx(binomial[0, 0, 0], rel=0.1)
    assert (resampled[:, 0, 0, 0] == resampled[:, 1, 0, 0]).all()  # a difference without a sampling error
    measure = cell_maps.measures(ends, FREEZING, PAIRS, {"test_accuracy": resampled})["mean_test_accuracy"]
    assert measure(0, ALL) == accuracy[0, 0].mean()
    same = np.zeros((2000, 3), dtype=int)  # every resample has run 0 alone, on images of its own
    assert measure(0, same) == pytest.approx(resampled[:, 0, 0, 0])


def test_a_run_drawn_twice_is_no_pair() -> None:
    assert of_cells("similarity", np.array([0, 0, 1]))[0] == pytest.approx(0.2)
    assert np.isnan(of_cells("similarity", np.array([1, 1, 1]))[0])


def test_runs_without_noise_from_several_initializations_are_pairs() -> None:
    found = cell_maps.measures(ENDS | {"gradient_descent": np.ones(2, dtype=bool)}, FREEZING, PAIRS)["similarity"]
    assert found(0, ALL) == pytest.approx(0.5) and found(1, np.zeros(1, dtype=int)) == 1


def test_maps_over_the_finite_runs_of_a_cell() -> None:
    loss = np.array([[[0.1, NAN, 0.3], [0.5, NAN, NAN]], [[NAN, NAN, NAN], [0.2, 0.4, 0.6]]])
    ends = {name: loss * k for k, name in enumerate(cell_maps.OVER_FINITE, start=1)}
    found = cell_maps.reduce_runs(ends | ENDS | {"displacement_cosine": np.eye(2)})
    assert found.keys() == cell_maps.MAPS.keys()
    for k, name in enumerate(cell_maps.OVER_FINITE, start=1):
        assert found[f"mean_{name}"].ravel() == pytest.approx([0.2 * k, 0.5 * k, NAN, 0.4 * k], nan_ok=True)
    assert np.array_equal(found["displacement_cosine"], np.eye(2))
    for name, unit in (("test_accuracy", 1), ("test_file_accuracy", 0.5), ("flatness", 10)):
        assert found[f"max_{name}"].ravel() == pytest.approx(unit * np.array([0.7, 0.4, 0.8, NAN]), nan_ok=True)


def test_eta_t_freeze_is_over_the_runs_that_freeze_at_each_threshold() -> None:
    found = cell_maps.eta_t_freeze(ETA, np.stack([FREEZING, np.full_like(FREEZING, NAN)]))
    assert found[0].ravel() == pytest.approx([2, 0.5, 3, NAN], nan_ok=True)
    assert np.isnan(found[1]).all()


def test_every_quantity_has_a_long_name() -> None:
    assert cell_maps.measures(ENDS, FREEZING, PAIRS).keys() == cell_maps.TRENDS.keys()
