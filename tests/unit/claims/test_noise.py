"""Effects of the noise on the cells of made-up sweeps."""

import numpy as np
import pytest
from helpers.claims import BATCH, CELLS, ETA, IMAGES, M, maps_of, sampling, sweep_of, trends_of, verdicts

from sgd_valleys.claims import noise
from sgd_valleys.claims.estimates import Cube
from sgd_valleys.claims.verdict import AGREES, DISAGREES, UNDECIDED
from sgd_valleys.measures.cell_maps import count_runs
from sgd_valleys.measures.cell_maps import noise as noise_scale

strength = noise_scale(ETA, BATCH, M)


def trends(values, permutations=400):
    endings, _, freezing = sweep_of(0)
    return noise.measure_trends(endings, freezing, trends_of(values), lambda: sampling(permutations))


def test_trends_at_fixed_eta_agree_or_disagree():
    up, down = (verdicts(trends(sign * strength)) for sign in (1, -1))
    assert {key for key, verdict in up.items() if verdict == DISAGREES} == {"similarity_at_fixed_eta"}
    assert {up[key] for key in up.keys() - {"similarity_at_fixed_eta"}} == {AGREES}
    opposite = {AGREES: DISAGREES, DISAGREES: AGREES}
    assert down == {key: opposite[verdict] for key, verdict in up.items()}


def test_a_trend_names_its_runs_and_has_gradient_descent_beside_it():
    found = trends(-strength)["similarity_at_fixed_eta"]
    assert found.value == pytest.approx(-1) and found.samples == "16 cells, 128 runs"
    assert found.p_value == pytest.approx(1 / 24)
    (beside,) = found.controls
    assert (beside.text, beside.value, beside.interval) == ("gradient descent, with eta", 0.25, (0.1, 0.4))


def test_a_trend_over_all_cells_is_a_number_without_verdict():
    found = trends(-strength)
    assert found["similarity_with_noise"].value == -1 and "similarity_with_noise" not in verdicts(found)


def test_gradient_descent_without_a_trend_shows_its_value():
    maps = trends_of(-strength)
    maps["similarity_descent"] = np.float64(np.nan)
    maps["similarity"][:, 3] = 1.0
    endings, _, freezing = sweep_of(0)
    found = noise.measure_trends(endings, freezing, maps, sampling)["similarity_at_fixed_eta"]
    assert [(each.text, each.value) for each in found.controls] == [("gradient descent, the same at every eta", 1.0)]


def test_a_quantity_of_eta_alone_has_no_effect_of_the_noise():
    scatter = 1e-6 * np.random.default_rng(0).normal(size=(4, 4))
    assert verdicts(trends(ETA[:, None] * (1 + scatter)))["expected_max_flatness_at_fixed_eta"] == UNDECIDED
    against = trends(np.log(ETA)[:, None] + 0.1 * np.log(BATCH))  # rises with eta / B, and with B at fixed eta
    assert verdicts(against)["expected_max_flatness_at_fixed_eta"] == DISAGREES


def test_three_cells_in_perfect_order_decide_nothing():
    few = np.full((4, 4), np.nan)
    few[1, :3] = 3, 2, 1
    found = {key: each for key, each in trends(few).items() if key.endswith("_at_fixed_eta")}
    assert [each.value for each in found.values()] == pytest.approx([1] * len(found))
    assert set(verdicts(found).values()) == {UNDECIDED}


def test_runs_are_counted_that_a_quantity_is_of():
    endings, _, freezing = sweep_of(0)
    endings["converged"][0, 0] = endings["converged"][1, 1, 0] = False
    endings["diverged"][0, 0, 0] = True
    freezing["freezing_time"][0, 0, 0, :2] = np.nan
    count = count_runs(endings, freezing["freezing_time"][0])
    assert (count["expected_max_flatness"], count["similarity"], count["eta_t_freeze"]) == (128 - 9, 127, 126)
    assert count["convergence_probability"] == 128


def cells(effect, **how):
    endings, similarity, freezing = sweep_of(effect, **how)
    return noise.measure_cells(endings, similarity, maps_of(endings, similarity, freezing), sampling, **CELLS)


@pytest.mark.parametrize(("effect", "verdict"), [(1, AGREES), (0, UNDECIDED)])
def test_flat_cells_are_accurate_if_both_go_with_the_noise(effect, verdict):
    assert verdicts(cells(effect, scatter=0.05 if effect else 0.3))["flat_is_accurate"] == verdict


def test_flat_cells_may_be_the_inaccurate_ones():
    endings, similarity, freezing = sweep_of(1)
    endings["flatness"] = 10 - endings["flatness"]
    maps = maps_of(endings, similarity, freezing)
    found = noise.flat_is_accurate(endings, maps, sampling)
    assert verdicts({"flat_is_accurate": found}) == {"flat_is_accurate": DISAGREES}


def test_the_relation_within_cells_stands_beside_that_over_cells():
    """Over cells the noise moves both; in a cell the flatter runs are the less accurate ones."""
    endings, similarity, freezing = sweep_of(1, scatter=0)
    step = np.linspace(-0.1, 0.1, 8)
    endings["flatness"] = endings["flatness"] + step
    endings["test_accuracy"] = endings["test_accuracy"] - 0.001 * step
    found = noise.flat_is_accurate(endings, maps_of(endings, similarity, freezing), sampling)
    (within,) = found.controls
    assert found.value > 0.9 and within.value == pytest.approx(-1) and within.text == "within cells, 128 runs"
    assert within.interval == pytest.approx((-1, -1))


def test_the_examples_differ_by_their_similarities():
    _, similarity, _ = sweep_of(1, scatter=0)
    found = noise.similarity_difference(similarity, (0.01, 50), (0.05, 50), sampling())
    assert found.value == pytest.approx(-0.2 * np.log(5) / np.log(100))
    assert found.interval == pytest.approx((found.value, found.value))
    missing = noise.similarity_difference(similarity, (0.01, 50), (0.3, 50), sampling())
    assert np.isnan(missing.value)


def gain(endings, resamples=120):
    return noise.accuracy_gain(endings, trends_of(strength), lambda: sampling(resamples))


def test_the_gain_is_that_of_the_noisiest_quarter_over_the_quietest():
    endings, _, _ = sweep_of(1, scatter=0.001)
    quiet, loud = strength <= np.quantile(strength, 0.25), strength >= np.quantile(strength, 0.75)
    means = endings["test_file_accuracy"].mean(axis=2)
    assert gain(endings).value == pytest.approx(means[loud].mean() - means[quiet].mean())
    assert np.isnan(gain(endings | {"converged": np.zeros_like(endings["converged"])}).value)


def test_the_interval_of_a_gain_includes_the_test_images():
    """All runs of a cell agree, so that the images alone scatter; the cells share them."""
    endings, _, _ = sweep_of(1, scatter=0)
    found = gain(endings, 400)
    paired = np.sqrt(found.value * (1 - found.value) / IMAGES)  # of the images that one cell alone misclassifies
    unpaired = np.sqrt(2 * 0.9 * 0.1 / IMAGES)
    assert 0.5 * paired < np.ptp(found.interval) / 2 / 1.96 < 1.2 * paired < 0.3 * unpaired
    assert found.method.endswith("bootstrap over realizations and test images")


@pytest.mark.parametrize(("effect", "verdict"), [(1, AGREES), (-1, DISAGREES), (0, UNDECIDED)])
def test_another_experiment_is_judged_at_fixed_eta(effect, verdict):
    endings, _, freezing = sweep_of(effect)
    found = noise.measure_elsewhere(endings, freezing, sampling)
    assert verdicts(found) == dict.fromkeys(("other_flatness", "other_accuracy", "other_freezing"), verdict)


def test_a_contrast_is_between_the_extreme_batch_sizes_of_each_eta():
    values = np.array([[[8.0] * 6, [5.0] * 6, [2.0] * 6], [[27.0] * 6, [9.0] * 6, [3.0] * 6]])
    cells = {"runs": np.full((2, 3), 6), "gradient_descent": np.zeros(3, dtype=bool)}
    ratio = noise.contrast(Cube(values), cells, sampling(), ratio=True)
    assert ratio.value == pytest.approx(6) and ratio.interval == pytest.approx((6, 6))  # of 4 and 9
    assert noise.contrast(Cube(values), cells, sampling(), ratio=False).value == pytest.approx(15)  # of 6 and 24
    assert noise.contrast(Cube(values), cells, sampling(), ratio=True, of_eta=True).value == pytest.approx(1.5)
    values[0, 0, :4] = np.nan  # most runs of this cell are lost, and the others are selected
    assert noise.contrast(Cube(values), cells, sampling(), ratio=False).value == pytest.approx((3 + 24) / 2)
    nothing = noise.contrast(Cube(np.full((2, 3, 6), np.nan)), cells, sampling(), ratio=True)
    assert np.isnan(nothing.value)
