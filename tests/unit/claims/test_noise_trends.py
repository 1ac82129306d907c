"""Claims about trends with the noise, of made-up maps."""

import numpy as np
import pytest
from helpers.claims import BATCH, ETA, sampling, sweep_of, trends_of, verdicts

from sgd_valleys.claims import noise_trends
from sgd_valleys.claims.collect import relabel_for_experiment
from sgd_valleys.claims.verdict import AGREES, DISAGREES, UNDECIDED, to_json
from sgd_valleys.measures.cell_maps import count_runs


def trend_claims(values, permutations=400, endings=None, **how):
    made, _, freezing = sweep_of(0)
    return noise_trends.collect(endings or made, freezing, trends_of(values), lambda: sampling(permutations), **how)


def test_trends_with_noise_agree_or_disagree():
    rising = ETA[:, None] / BATCH
    falls = {"similarity_with_noise", "similarity_along_axes", "convergence_probability_with_noise"}
    up, down = (verdicts(trend_claims(sign * rising)) for sign in (1, -1))
    for key in set(up) - {"test_file_accuracy_gain"}:
        assert (up[key], down[key]) == ((DISAGREES, AGREES) if key in falls else (AGREES, DISAGREES)), key
    first, second, *_ = trend_claims(-rising)
    assert first.measured.samples == "16 cells, 128 runs" and first.measured.p_value < 0.01
    assert second.key == "similarity_along_axes" and second.value == pytest.approx(-1)


def test_a_quantity_that_depends_on_one_axis_alone_does_not_agree():
    only_eta = verdicts(trend_claims(ETA[:, None] * (1 + 1e-6 * np.random.default_rng(0).normal(size=(4, 4)))))
    assert only_eta["max_flatness_with_noise"] == UNDECIDED  # four rows could be in that order by chance
    against = trend_claims(np.log(ETA)[:, None] + 0.1 * np.log(BATCH))  # rises with B, and more with eta
    (along,) = (one for one in against if one.key == "max_flatness_along_axes")
    assert along.value == pytest.approx(-1) and along.verdict == DISAGREES and "1 / B" in along.measured.method


def test_runs_are_counted_that_a_quantity_is_of():
    endings, _, freezing = sweep_of(0)
    endings["converged"][0, 0] = endings["converged"][1, 1, 0] = False
    endings["diverged"][0, 0, 0] = True
    freezing["freezing_time"][0, 0, 0, :2] = np.nan
    count = count_runs(endings, freezing["freezing_time"][0])
    assert (count["max_flatness"], count["similarity"], count["eta_t_freeze"]) == (128 - 9, 127, 126)
    assert count["convergence_probability"] == 128


def test_three_cells_in_perfect_order_decide_nothing():
    few = np.full((4, 4), np.nan)
    few[1, :3] = 3, 2, 1
    for one in trend_claims(few, axes=False):
        if one.key != "test_file_accuracy_gain":
            assert one.value == pytest.approx(1) and one.interval == pytest.approx((1, 1))
            assert one.verdict == UNDECIDED and one.measured.samples.startswith("3 cells")


@pytest.mark.parametrize(("effect", "verdict"), [(1, AGREES), (-1, DISAGREES)])
def test_the_gain_is_that_of_the_noisiest_quarter_over_the_quietest(effect, verdict):
    endings, _, _ = sweep_of(effect, scatter=0.001)
    noise = ETA[:, None] / BATCH
    quiet, loud = noise <= np.quantile(noise, 0.25), noise >= np.quantile(noise, 0.75)
    means = endings["test_file_accuracy"].mean(axis=2)
    gain = trend_claims(noise, endings=endings)[-1]
    assert gain.key == "test_file_accuracy_gain" and gain.beyond_paper
    assert gain.value == pytest.approx(means[loud].mean() - means[quiet].mean())
    assert gain.verdict == verdict
    lost = endings | {"converged": np.zeros_like(endings["converged"])}
    assert trend_claims(noise, 50, lost)[-1].verdict == UNDECIDED


def test_another_experiment_has_its_own_keys():
    value = trend_claims(ETA[:, None] / BATCH, 50)
    others = relabel_for_experiment(value, "cifar10", "Fig. S5")
    assert others[0].key == "cifar10_similarity_with_noise"
    assert others[0].where.startswith("Fig. S5") and others[0].statement.startswith("cifar10: More noise")
    assert [one.verdict for one in value] == [one.verdict for one in others]
    to_json({"value": value, "others": others}, {})
