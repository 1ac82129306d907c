"""Functions that several figures share, on arrays of which the answer is known."""

import numpy as np
import pytest

from sgd_valleys.figures import fig2X, figS1, panels, runs, style
from sgd_valleys.figures.symbols import with_loss_units


def test_a_mean_curve_is_over_the_same_runs_at_all_times() -> None:
    diverged, end_alone = [9.0, 9.0, np.nan], [np.nan, np.nan, 9.0]
    values = np.array([[1.0, np.nan, 3.0], [3.0, np.nan, 5.0], diverged, end_alone])
    np.testing.assert_array_equal(panels.mean_curve(values), [2.0, np.nan, 4.0])
    assert np.isnan(panels.mean_curve(np.full((2, 3), np.nan))).all()


def test_the_batch_size_of_gradient_descent_is_marked() -> None:
    grid = {"B": np.array([10, 1000]), "gradient_descent": np.array([False, True])}
    assert panels.batch_labels(grid, " ") == ["10", "1000 (GD)"]
    assert panels.batch_labels(grid | {"gradient_descent": np.zeros(2, bool)}) == ["10", "1000"]
    assert panels.batch_styles(grid, "viridis")[1000]["label"] == "1000 (GD)"


def test_the_runs_of_a_large_block_are_labelled_by_B_and_once_by_eta() -> None:
    rates, sizes = np.repeat([0.01, 0.02], 3), np.tile([50, 100, 200], 2)
    names, groups = runs.run_labels(rates, sizes)
    assert names == ["0.01, 50", "0.01, 100", "0.01, 200", "0.02, 50", "0.02, 100", "0.02, 200"]
    for size in (5, 7):
        rates, sizes = np.repeat(np.arange(1, size + 1) / 1000, size), np.tile(np.arange(1, size + 1) * 10, size)
        names, groups = runs.run_labels(rates, sizes)
        assert [rates[group].tolist() for group in groups] == [[k / 1000] * size for k in range(1, size + 1)]
        middle = size // 2
        own = [str(10 * k) if size == 5 else "" for k in range(1, size + 1)]
        third = [*own[:middle], "0.003, 30" if size == 5 else "0.003", *own[middle + 1 :]]
        assert names[groups[2]] == third


def test_the_standard_error_is_over_the_finite_values() -> None:
    values = np.array([[0.5, 0.7, 0.9, np.nan], [0.5, np.nan, np.nan, np.nan]])
    assert fig2X.standard_error(values) == pytest.approx([0.2 / np.sqrt(3), 0])


def test_colours_span_the_finite_values_and_a_single_value_has_a_range_around_it() -> None:
    norm = style.color_norm(np.array([np.nan, -1.0, 0.0, 3.0, 30.0]), log=True)
    assert (norm.vmin, norm.vmax) == (3, 30)
    norm = style.color_norm(np.array([2.0, 2.0]))
    assert norm.vmin < 2 < norm.vmax
    assert style.color_norm(np.array([np.nan])) is None


def test_the_logarithm_of_a_loss_that_is_not_positive_is_missing() -> None:
    np.testing.assert_array_equal(panels.log10_positive(np.array([100.0, 0.0, np.inf, np.nan])), [2, *[np.nan] * 3])


def test_discrete_colours_have_one_level_for_each_number_of_images() -> None:
    norm = style.level_norm(np.array([0.9, 0.905, np.nan, 0.93]))
    np.testing.assert_allclose(norm.boundaries, (np.arange(180, 188) - 0.5) / 200)
    assert style.level_norm(np.array([0.9, 0.90513, 0.93])) is None  # of too many images
    assert style.level_norm(np.array([0.1, 0.905])) is None  # too many levels
    assert style.level_norm(np.array([0.9, 0.9])) is None


def test_spectra_are_compared_up_to_the_first_eigenvalue_that_is_rounding() -> None:
    ratio, shown = figS1.compare_spectra(np.array([2.0, 1.0, 1e-12, 1e-3]), np.array([1.0, 2.0, 1.0, 1.0]))
    np.testing.assert_array_equal(shown, [True, True, False, False])
    np.testing.assert_allclose(ratio, [2.0, 0.5, np.nan, np.nan])


@pytest.mark.parametrize(
    ("units", "power", "expected"),
    [("nat", 1, "L (nat)"), ("nat", -1, "L (1/nat)"), ("nat", -2, "L (1/nat$^{2}$)"), ("nat", 0, "L"), ("1", -1, "L")],
)
def test_a_label_has_the_unit_of_the_loss(units: str, power: int, expected: str) -> None:
    assert with_loss_units("L", np.array(units), power) == expected
