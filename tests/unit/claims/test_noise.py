"""Claims about the cells and rows of made-up sweeps."""

import numpy as np
import pytest
from helpers.claims import CELLS, FREEZING, maps_of, sampling, scaled_sweep, sweep_of, verdicts

from sgd_valleys.claims import freezing as freezing_claims
from sgd_valleys.claims import noise
from sgd_valleys.claims.verdict import AGREES, DISAGREES, UNDECIDED


def collected(effect, **how):
    endings, similarity, freezing = sweep_of(effect, **how)
    maps = maps_of(endings, similarity, freezing)
    return verdicts(
        [
            *noise.collect(endings, similarity, maps, sampling, **CELLS),
            *freezing_claims.collect(endings, freezing, maps, sampling, **FREEZING),
        ]
    )


BY_NOISE = ("accuracy_with_B", "test_file_accuracy_with_B", "flatness_with_B", "freezing_with_B")


def test_a_sweep_in_which_noise_has_the_claimed_effect():
    found = collected(1)
    assert {found[key] for key in (*BY_NOISE, "flat_is_accurate", "longer_is_flatter", "examples_diverge")} == {AGREES}
    assert found["final_losses_comparable"] == AGREES


def test_a_sweep_in_which_noise_has_the_opposite_effect():
    found = collected(-1)
    assert {found[key] for key in BY_NOISE} == {DISAGREES}
    assert found["longer_is_flatter"] == AGREES  # both fall, together


def test_a_sweep_in_which_noise_has_no_effect():
    found = collected(0, scatter=0.3)
    assert {found[key] for key in (*BY_NOISE, "flat_is_accurate", "longer_is_flatter", "examples_diverge")} == {
        UNDECIDED
    }


def test_the_ends_of_a_colour_scale_are_of_converged_runs():
    endings, _, _ = sweep_of(0, scatter=0)
    endings["flatness"][0, 0, 3], endings["flatness"][1, 1] = 9.0, 1.0
    endings["flatness"][2, 2, 0], endings["converged"][2, 2, 0] = 50.0, False
    assert noise.extreme_cell(endings, "flatness", True, sampling()).value == 9
    assert noise.extreme_cell(endings, "flatness", False, sampling()).value == 1
    assert np.isnan(noise.extreme_cell(endings, "flatness", False, sampling(50)).interval).all()  # of 8 runs a cell
    assert np.isfinite(noise.extreme_cell(scaled_sweep()[0], "flatness", True, sampling(50)).interval).all()


def test_grey_cells_are_named():
    endings, similarity, freezing = sweep_of(0)
    maps = maps_of(endings, similarity, freezing)
    assert noise.noisiest_converges(endings, maps).value == 1  # the claim is false
    endings["converged"][3, 0] = endings["converged"][3, 1] = False
    found = noise.noisiest_converges(endings, maps_of(endings, similarity, freezing))
    assert found.value == 0 and found.interval[1] < 0.5
    assert found.samples.endswith("(eta, B) = (0.05, 20); cells without a converged run: (0.05, 20), (0.05, 50)")


def test_the_examples_differ_by_their_similarities():
    _, similarity, _ = sweep_of(1, scatter=0)
    found = noise.similarity_difference(similarity, (0.01, 50), (0.05, 50), sampling())
    assert found.value == pytest.approx(-0.2 * np.log(5) / np.log(100))
    assert found.interval == pytest.approx((found.value, found.value))
    missing = noise.similarity_difference(similarity, (0.01, 50), (0.3, 50), sampling())
    assert np.isnan(missing.value)
