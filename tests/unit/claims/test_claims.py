"""Claims: the rule, and every number from made-up data of which the answer is known."""

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from sgd_valleys.claims import branches, estimates, landscape, tables, two_valley
from sgd_valleys.claims import noise as noise_claims
from sgd_valleys.claims.verdict import (
    AGREES,
    DIRECTION,
    DISAGREES,
    UNDECIDED,
    Claim,
    Direction,
    Equal,
    Estimate,
    Value,
    at_least,
    at_most,
    falls,
    rises,
    to_json,
)
from sgd_valleys.statistics.rank import axis_correlation, rank_correlation
from sgd_valleys.statistics.reduce import MIN_RUNS_FOR_INTERVAL

ROOT = Path(__file__).parents[3]
RESAMPLES = 120


def drawing():
    return np.random.default_rng(1)


def claim(expected, ours, low, high, p_value=None, key="made_up", paper="so", method="made up", **how):
    measured = Estimate(ours, (low, high), "10 runs", method, p_value, **how)
    return Claim(key, "II A", "Something | happens.", paper, expected, measured)


def content_of(sections):
    """What stands in results/claims.json."""
    return json.loads(to_json(sections, {}))


def verdicts(claims):
    return {one.key: one.verdict for one in claims}


# ---------------------------------------------------------------------------------------------------- the rule


@pytest.mark.parametrize(
    ("expected", "ours", "low", "high", "verdict"),
    [
        (Value(0.64), 0.5, 0.4, 0.64, AGREES),  # at the interval's end
        (Value(0.64), 0.5, 0.4, 0.63, DISAGREES),
        (Value(0.625, 0.125), 0.5, 0.4, 0.55, AGREES),  # at the tolerance's end
        (Value(0.625, 0.12), 0.5, 0.4, 0.55, DISAGREES),
        (Value(0.895, 0.005), 0.89, 0.89, 0.89, AGREES),  # but for rounding
        (Equal(1.0, 0.05), 0.98, 0.96, 1.0, AGREES),
        (Equal(1.0, 0.05), 0.98, 0.9, 1.0, UNDECIDED),  # few runs do not make it so
        (Equal(0.0, 0.02), -0.06, -0.08, -0.05, DISAGREES),
        (Equal(0.0, 0.02), 0.0, np.nan, np.nan, UNDECIDED),
        (Value(0.64, no_effect=0.0), 0.5, 0.4, 0.6, DIRECTION),
        (Value(0.64, no_effect=0.0), 0.5, 0.0, 0.7, UNDECIDED),  # even where it includes the paper's value
        (Value(0.64, no_effect=0.0), -0.5, -0.6, -0.4, DISAGREES),
        (Value(-0.64, no_effect=0.0), -0.5, -0.6, -0.4, DIRECTION),
        (Value(1.0), 1.0, np.nan, np.nan, UNDECIDED),
        (rises(0.5), 0.7, 0.5, 0.9, AGREES),  # just as strong as claimed
        (rises(0.5), 0.7, 0.49, 0.9, DIRECTION),
        (rises(0.5), 0.6, 0.0, 0.9, UNDECIDED),
        (rises(0.5), -0.6, -0.9, 0.0, UNDECIDED),
        (rises(0.5), -0.6, -0.9, -0.1, DISAGREES),
        (rises(0), 0.01, 0.001, 0.02, AGREES),
        (falls(0.5), -0.7, -0.9, -0.5, AGREES),
        (falls(0.5), 0.6, 0.1, 0.9, DISAGREES),
        (at_most(1.0), 0.5, 0.3, 0.9, AGREES),
        (at_most(1.0), 0.5, 0.3, 1.0, UNDECIDED),
        (at_most(1.0), 1.5, 1.1, 1.9, DISAGREES),
        (at_least(1.0), 1.5, 1.1, 1.9, AGREES),
        (Direction(+1, 0.5, no_effect=1.0), 1.4, 1.3, 1.6, DIRECTION),
        (rises(0.5), np.nan, np.nan, np.nan, UNDECIDED),
        (at_most(0.5), 0.1, np.nan, np.nan, UNDECIDED),  # one measurement decides nothing
    ],
)
def test_the_verdict_follows_from_the_numbers(expected, ours, low, high, verdict):
    assert claim(expected, ours, low, high).verdict == verdict


@pytest.mark.parametrize(("p_value", "verdict"), [(0.049, AGREES), (0.05, UNDECIDED), (np.nan, UNDECIDED)])
def test_a_trend_that_chance_explains_is_undecided(p_value, verdict):
    assert claim(rises(0.5), 0.9, 0.8, 1.0, p_value).verdict == verdict


def test_a_chance_trend_against_the_claim_is_undecided_too():
    assert claim(rises(0.5), -0.9, -1.0, -0.8, 0.2).verdict == UNDECIDED
    assert claim(rises(0.5), -0.9, -1.0, -0.8, 0.01).verdict == DISAGREES


def test_the_json_says_everything_that_the_verdict_follows_from():
    first = claim(Value(0.64, 0.05, 0.0), 0.123456, 0.1, np.nan)
    content = content_of({"a": [first], "b": [claim(falls(0.5), -0.9, -1, -0.8, 0.01, "b")]})
    first, second = content["claims"]
    assert content["verdicts"] == {AGREES: 1, DIRECTION: 0, UNDECIDED: 1, DISAGREES: 0}
    assert "tolerance" in content["rule"]
    assert (first["paper_value"], first["tolerance"], first["ours"], first["interval"]) == (
        0.64,
        0.05,
        0.1235,
        [0.1, None],
    )
    assert (second["side"], second["strength"], second["no_effect"], second["p_value"]) == ("below", 0.5, 0.0, 0.01)
    assert second["paper_value"] is None and second["verdict"] == AGREES and second["samples"] == "10 runs"


def test_a_key_stands_for_one_claim():
    with pytest.raises(ValueError, match="made_up"):
        to_json({"one": [claim(rises(0.5), 1, 1, 1)], "another": [claim(rises(0.5), 1, 1, 1)]}, {})


TWO_SECTIONS = {
    "First <section>": [claim(rises(0.5), 0.9, 0.8, 1.0), claim(falls(0.5), 0.9, 0.8, 1.0, key="false")],
    "Second section": [claim(rises(0.5), 0.9, -0.8, 1.0, key="open")],
}


def test_the_markdown_has_a_row_for_each_claim_and_no_stray_columns():
    text = tables.markdown(content_of(TWO_SECTIONS))
    assert text.startswith("3 checks of what the paper says, 0 of them (+) by") and "1 ✓ agrees, 0 ↗" in text
    rows = [line for line in text[text.index("## First") :].splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 2 + 2 + 1
    assert {line.replace("\\|", "").count("|") for line in rows} == {7}
    assert rows[2].startswith("| ✓ agrees |") and rows[3].startswith("| ✗ disagrees |")
    assert text.index("## First <section>") < text.index(rows[2]) < text.index("## Second section")


def test_the_html_is_well_formed_counts_by_section_and_says_why():
    page = ElementTree.fromstring(tables.html(content_of(TWO_SECTIONS)))
    short, differing, counts, first, second = page.findall("table")
    assert short.findall("tbody/tr") == []  # none of these claims answers a question
    assert [["".join(cell.itertext()) for cell in row.findall("td")] for row in differing.findall("tbody/tr")] == [
        ["✗ disagrees", "Something | happens.", "so (≤\u00a0-0.5)", "0.90 [0.80, 1.00]", "the other way round"],
        ["? undecided", "Something | happens.", "so (≥\u00a00.5)", "0.9 [-0.8, 1.0]", "the interval includes 0"],
    ]
    told = [[cell.text or "".join(cell.itertext()) for cell in row.findall("td")] for row in counts.findall("tr")[1:]]
    assert told == [["First <section>", "1", "0", "0", "1"], ["Second section", "0", "0", "1", "0"], ["all 3", *"1011"]]
    assert [row.get("id") for table in (first, second) for row in table.findall("tbody/tr")] == [
        "made_up",
        "false",
        "open",
    ]
    assert {link.get("href")[1:] for link in page.iter("a")} <= {each.get("id") for each in page.iter()}
    (steps,) = page.findall("ol")
    assert [item.text.partition('"')[2].partition('"')[0] for item in steps.findall("li")] == [
        UNDECIDED,
        AGREES,
        DIRECTION,
        UNDECIDED,
        DISAGREES,
    ]


@pytest.mark.parametrize(
    ("verdicts", "answer"),
    [
        ((AGREES, AGREES), "yes"),
        ((AGREES, DIRECTION), "yes, if not all as clearly"),
        ((AGREES, UNDECIDED), "in part, the rest undecided"),
        ((AGREES, DISAGREES), "in part"),
        ((DISAGREES, DISAGREES), "no"),
        ((UNDECIDED, UNDECIDED), "undecided"),
    ],
)
def test_what_a_reader_asks_first_is_answered_by_verdicts(verdicts, answer):
    made = {
        AGREES: (0.9, 0.8, 1.0),
        DIRECTION: (0.6, 0.2, 1.0),
        UNDECIDED: (0.9, -0.8, 1.0),
        DISAGREES: (-0.9, -1.0, -0.8),
    }
    keys = ("flatness_grows", "flatness_falls_first")
    content = content_of({"": [claim(rises(0.5), *made[v], key=key) for v, key in zip(verdicts, keys, strict=True)]})
    ((question, found, used),) = tables.answers(content)
    assert question.startswith("Does flatness grow") and found == answer
    assert [one["verdict"] for one in used] == list(verdicts)


def test_another_experiment_is_asked_about_by_its_name():
    content = content_of({"": [claim(rises(0.5), 0.9, 0.8, 1.0, key="cifar10_similarity_with_noise")]})
    assert [question for question, *_ in tables.answers(content)] == [
        "Does another network on another data set, cifar10, show the same trends?"
    ]


@pytest.mark.parametrize(
    ("ours", "low", "high", "p_value", "how", "text"),
    [
        (0.38123, 0.3123, 0.4523, None, {}, "0.38 [0.31, 0.45]"),
        (426.13, 401.2, 459.8, None, {}, "426 [401, 460]"),
        (426.13, 401.2, 459.8, None, {"spread": True}, "426 [401, 460 of single runs]"),
        (0.97931, 0.9765, 0.9823, None, {}, "0.979 [0.977, 0.982]"),
        (0.000423, 0.000401, 0.000454, None, {}, "0.00042 [0.0004, 0.00045]"),
        (41.8373, 41.8373, 41.8373, None, {"method": "exact"}, "41.8"),
        (0.9412, 0.9412, 0.9412, 0.0169, {}, "0.941 [0.941, 0.941], p = 0.017"),
        (0.9, 0.8, 1.0, 0.000999, {}, "0.90 [0.80, 1.00], p ≤ 0.001"),
        (-0.61, -0.69, -0.32, None, {"paper": "R^2 = 0.76, falling"}, "0.61 [0.32, 0.69], falling"),
        (-0.6, -0.9, 0.1, None, {"paper": "R^2 = 0.8, falling"}, "0.6 falling [0.9 falling, 0.1 rising]"),
        (0.25, np.nan, np.nan, None, {}, "0.25"),
        (np.nan, np.nan, np.nan, None, {}, "not measured"),
    ],
)
def test_numbers_are_told_to_the_digits_that_mean_something(ours, low, high, p_value, how, text):
    (entry,) = content_of({"": [claim(rises(0.5), ours, low, high, p_value, **how)]})["claims"]
    assert tables.told(entry) == text


@pytest.mark.parametrize(
    ("expected", "ours", "low", "high", "p_value", "asked", "reason"),
    [
        (rises(0.0), 0.9, 0.8, 1.0, None, "so (> 0)", ""),
        (at_most(1.0), 0.9, 0.8, 1.1, None, "so (< 1)", "the interval includes 1"),
        (Value(0.64, 0.05, 0.0), 0.4, 0.3, 0.5, None, "so (± 0.05)", "below the paper's 0.64"),
        (Value(-0.76, 0.05, 0.0), -0.9, -0.95, -0.88, None, "so (± 0.05)", "below the paper's -0.76"),
        (Value(0.0, 0.02), -0.1, -0.2, -0.05, None, "so (± 0.02)", "below the paper's"),
        (Equal(1.0, 0.05), 0.98, 0.9, 1.0, None, "so (± 0.05)", "only in part within the tolerance"),
        (rises(0.5), 0.9, 0.8, 1.0, 0.2, "so (≥ 0.5)", "chance gives as much"),
        (rises(0.5), 0.9, 0.4, 1.0, None, "so (≥ 0.5)", "the interval includes less than that"),
        (falls(0.5), -0.3, -0.4, -0.1, None, "so (≤ -0.5)", "less than that"),
        (rises(0.5), 0.9, np.nan, np.nan, None, "so (≥ 0.5)", "no interval"),
        (rises(0.5), np.nan, np.nan, np.nan, None, "so (≥ 0.5)", "not measured"),
    ],
)
def test_a_row_says_what_was_asked_and_why_it_does_not_agree(expected, ours, low, high, p_value, asked, reason):
    (entry,) = content_of({"": [claim(expected, ours, low, high, p_value)]})["claims"]
    assert (tables.asked(entry), tables.reason(entry)) == (asked, reason)


def test_an_r_squared_is_more_or_less_whatever_its_slope():
    for ours, reason in ((-0.9, "more than the paper's 0.76"), (-0.4, "less than the paper's 0.76")):
        found = claim(Value(-0.76, 0.05, 0.0), ours, ours - 0.02, ours + 0.02, paper="R^2 = 0.76, falling")
        (entry,) = content_of({"": [found]})["claims"]
        assert tables.reason(entry) == reason


def test_symbols_are_those_of_the_paper():
    text = tables.symbols("Sim_J, eta <t_freeze>, R^2 < 1, P_flat, Delta_S at eta/B, theta_x, H^2, L_c")
    assert text == (
        "Sim<sub>J</sub>, η ⟨t<sub>freeze</sub>⟩, R² &lt;\u00a01, P<sub>flat</sub>, Δ<sub>S</sub> at η/B, theta_x, H², "
        "L<sub>c</sub>"
    )


# ------------------------------------------------------------------------------------------------- statistics


def test_a_share_has_the_exact_binomial_interval():
    none = estimates.proportion(0, 20, "runs")
    assert none.value == 0 and none.interval == pytest.approx((0, 1 - 0.025 ** (1 / 20)))
    assert np.isnan(estimates.proportion(0, 0, "runs").value)


def test_a_permutation_test_tells_order_from_chance():
    rng = np.random.default_rng(0)
    x = np.arange(12.0)
    assert estimates.permutation_p(x, np.exp(-x), rng, 400) == pytest.approx(1 / 401)
    chance = [estimates.permutation_p(x, rng.normal(size=12), rng, 100) for _ in range(200)]
    assert np.mean(chance) == pytest.approx(0.25, abs=0.04)  # uniform up to a half, on the side that was measured
    assert estimates.permutation_p(np.arange(3.0), np.arange(3.0), rng, 400) > 0.1  # three cells show nothing
    assert np.isnan(estimates.permutation_p(x, np.ones(12), rng, 100))


def test_a_map_whose_rows_have_something_in_common_is_not_a_trend():
    rng = np.random.default_rng(0)
    noise = ETA[:, None] / BATCH
    assert estimates.grid_permutation_p(noise, np.log(noise), rng, 400) == pytest.approx(1 / 401, abs=2 / 401)
    rows = [rng.normal(size=(4, 1)) + 0.01 * rng.normal(size=(4, 4)) for _ in range(60)]
    single = [estimates.permutation_p(noise.ravel(), one.ravel(), rng, 200) for one in rows]
    whole = [estimates.grid_permutation_p(noise, one, rng, 200) for one in rows]
    assert np.mean(np.array(single) < 0.05) > 0.3  # what chance does to single cells does not judge these
    assert np.mean(np.array(whole) < 0.05) < 0.2  # a twelfth on either side, as four rows have 24 orders


def test_all_orders_of_a_small_grid_are_gone_through():
    rng = np.random.default_rng(0)
    x = np.array([[1.0, 2.0, 4.0], [10.0, 20.0, 40.0], [100.0, 200.0, 400.0]])
    assert estimates.grid_permutation_p(x, x, rng, 100) == pytest.approx(1 / 36)
    x[0, 0] = np.nan
    assert 1 / 36 <= estimates.grid_permutation_p(x, x**2, rng, 100) < 0.1
    assert np.isnan(estimates.grid_permutation_p(x, np.ones((3, 3)), rng, 100))


def test_a_cell_of_which_few_runs_are_left_has_no_say():
    values = np.array([[3.0] * 8, [2.0] * 8, [1.0] * 8]) + 0.01 * np.random.default_rng(0).normal(size=(3, 8))
    values[0, :5] = np.nan
    values[2, 1:] = np.nan
    found = estimates.run_trend(np.array([10, 20, 1000]), values, np.array([8, 8, 1]), drawing(), RESAMPLES, 100)
    assert found.samples == "9 runs at 2 batch sizes; without B = 10, where fewer than 5 runs converge"


def test_runs_are_drawn_from_their_own_cell_alone():
    values = np.arange(12.0).reshape(3, 4)
    runs = np.array([4, 2, 1])
    drawn = estimates.taken(values, estimates.draw_runs(values, runs, np.random.default_rng(0)))
    assert np.isfinite(drawn).sum(axis=1).tolist() == [4, 2, 1]
    assert drawn[2, 0] == 8 and set(drawn[1, :2]) <= {4.0, 5.0}


def test_a_handful_of_runs_has_no_interval_however_alike_they_are():
    few, enough = np.ones(MIN_RUNS_FOR_INTERVAL - 1), np.ones(MIN_RUNS_FOR_INTERVAL)
    assert np.isnan(estimates.over_runs(few, drawing(), 50).interval).all()
    assert estimates.over_runs(enough, drawing(), 50).interval == (1, 1)
    assert np.isnan(estimates.one_run(few).interval).all()
    once = estimates.over_cells([np.ones((3, 1))], np.ones(3), np.mean, drawing(), 50, "mean")
    assert once.value == 1 and np.isnan(once.interval).all()


def test_the_interval_of_resampled_correlations_holds_the_one_found():
    drawn = np.linspace(0.4, 0.8, 101)
    assert estimates.around(drawn, 0.9) == pytest.approx((0.41, 0.9))
    assert estimates.around(drawn, 0.6) == estimates.bounds(drawn)
    assert np.isnan(estimates.around(np.full(3, np.nan), np.nan)).all()


def test_what_one_run_may_show_is_wider_than_what_all_show():
    values = np.random.default_rng(0).normal(0.6, 0.2, 40)
    typical = estimates.over_runs(values, drawing(), RESAMPLES, np.nanmedian, "median")
    single = estimates.one_run(values)
    assert single.value == typical.value == np.median(values)
    assert np.ptp(single.interval) > 3 * np.ptp(typical.interval)
    assert np.isnan(estimates.one_run(values[:1]).interval).all()


# ------------------------------------------------------------------------------------- the landscape, Sec. II A


def barriers_of(height, solutions=40, noise=0.0):
    """Barriers that are a function of the similarity, of all pairs of some solutions on a line."""
    rng = np.random.default_rng(3)
    place = rng.uniform(0, 0.5, solutions)
    pairs = np.stack(np.triu_indices(solutions, k=1), axis=1)
    x = 1 - np.abs(place[pairs[:, 0]] - place[pairs[:, 1]])
    y = height(x) + noise * rng.normal(size=len(x))
    time = np.linspace(0, 1, 11)
    return {
        "pair_similarity": x,
        "pair_barrier": y,
        "pair_solution": pairs,
        "block_slope": np.full(20, -0.2),
        "block_r_squared": np.linspace(0.3, 0.8, 20),
        "path_similarity": np.array([0.95] + [0.62] * 6),
        "path_barrier": np.stack([np.zeros(11), *[np.minimum(time / 0.2, 1)] * 6]),
        "path_solution": np.concatenate([[[0, 1]], np.stack(np.triu_indices(4, k=1), axis=1)]),
        "time_fraction": time,
    }


def test_the_line_of_barrier_against_similarity_has_a_sign():
    right = landscape.barrier_r_squared(barriers_of(lambda x: 1 - x), drawing(), RESAMPLES)
    assert right.value == pytest.approx(-1) and right.samples == "780 pairs of 40 solutions"
    wrong = landscape.barrier_r_squared(barriers_of(lambda x: x), drawing(), RESAMPLES)
    assert wrong.value == pytest.approx(1)
    chance = landscape.barrier_r_squared(barriers_of(np.zeros_like, noise=1.0), drawing(), RESAMPLES)
    assert chance.interval[0] < 0 < chance.interval[1]


def test_the_line_over_one_realization_is_its_spread_over_them():
    found = landscape.barrier_r_squared_block(barriers_of(lambda x: 1 - x))
    assert found.value == pytest.approx(-0.55)
    assert found.interval == pytest.approx((-0.8 + 0.0125, -0.3 - 0.0125))


def test_ranks_do_not_ask_for_a_straight_line():
    found = landscape.barrier_rank(barriers_of(lambda x: np.exp(-30 * x)), drawing(), RESAMPLES)
    assert found.value == pytest.approx(-1) and found.interval == pytest.approx((-1, -1))
    none = landscape.barrier_rank(barriers_of(np.zeros_like, noise=1.0), drawing(), RESAMPLES)
    assert none.interval[0] < 0 < none.interval[1]


def test_a_barrier_near_a_similarity_is_that_of_pairs_there_over_the_solutions_loss():
    step = barriers_of(lambda x: np.where(x > 0.8, 0.001, 0.1))
    assert landscape.barrier_near(step, 0.95, 0.004, drawing(), RESAMPLES).value == pytest.approx(0.25)
    assert landscape.barrier_near(step, 0.625, 0.004, drawing(), RESAMPLES).value == pytest.approx(25)
    assert np.isnan(landscape.barrier_near(step, 0.2, 0.004, drawing(), RESAMPLES).value)


def test_a_barrier_emerges_where_it_stays_above_half_of_its_end():
    found = barriers_of(lambda x: 1 - x)
    early = landscape.barrier_emergence(found, 0.625, drawing(), RESAMPLES)
    assert [early.value, *early.interval] == pytest.approx([0.1] * 3)
    assert early.samples == "6 pairs of 4 solutions"
    found["path_barrier"][1, 7] = 0  # it is gone once more
    assert landscape.barrier_emergence(found, 0.625, drawing(), RESAMPLES).value == pytest.approx(0.1)
    found["path_barrier"][1:, 7] = 0
    late = landscape.barrier_emergence(found, 0.625, drawing(), RESAMPLES)
    assert [late.value, *late.interval] == pytest.approx([0.8] * 3)
    found["path_barrier"][1:, :-1] = 0
    assert landscape.barrier_emergence(found, 0.625, drawing(), RESAMPLES).value == pytest.approx(1)
    found["path_barrier"][1, -1] = np.nan  # one that is not known
    assert landscape.barrier_emergence(found, 0.625, drawing(), RESAMPLES).samples == "5 pairs of 4 solutions"
    found["path_barrier"][1:] = 1  # there from the start
    assert landscape.barrier_emergence(found, 0.625, drawing(), RESAMPLES).value == 0
    assert np.isnan(landscape.barrier_emergence(found, 0.5, drawing(), RESAMPLES).value)


def test_the_shown_cells_converge_or_not():
    endings = endings_of()
    assert landscape.block_converges(BLOCK, endings).value == 1
    endings["converged"][1, 0, :5] = False
    endings["converged"][0, 0] = False  # a cell that is not shown
    found = landscape.block_converges(BLOCK, endings)
    assert found.value == 15 / 20 and found.samples == "20 runs of the 2 cells"


def test_spectra_of_few_large_eigenvalues_and_many_near_zero():
    few = 5000 * np.concatenate([np.ones(10), np.full(90, 1e-6)])
    endings = {
        "converged": np.array([[[True, True, False]]]),
        "runs": np.array([[3]]),
        "trace": np.array([[[10.0, 10.0, 10.0]]]),
        "top_sum": np.array([[[9.0, 8.0, 1.0]]]),
    }
    claims = landscape.collect_spectra(endings, [few] * 6, drawing, RESAMPLES, 10)
    assert [one.ours for one in claims] == pytest.approx([0.85, 0.9, 0.9])
    assert verdicts(claims) == {
        "spectrum_few_large": AGREES,
        "spectrum_many_near_zero": AGREES,
        "spectrum_as_printed": DISAGREES,
    }
    flat = landscape.collect_spectra(endings | {"top_sum": endings["top_sum"] / 9}, [np.ones(100)] * 6, drawing, 50, 10)
    assert list(verdicts(flat).values()) == [DISAGREES, DISAGREES, AGREES]
    nothing = landscape.collect_spectra(endings, [], drawing, 50, 10)
    assert nothing[1].verdict == UNDECIDED


BLOCK = {"block_eta": np.array([0.01, 0.05]), "block_B": np.array([20, 10])}


def endings_of(loss=0.003):
    return {
        "eta": np.array([0.01, 0.05]),
        "B": np.array([10, 20]),
        "runs": np.full((2, 2), 10),
        "converged": np.ones((2, 2, 10), dtype=bool),
        "train_loss": np.full((2, 2, 10), loss),
    }


def landscape_of(height, loss=0.003, **how):
    made, endings = barriers_of(height, **how), endings_of(loss)
    return landscape.collect(made, BLOCK, endings, drawing, RESAMPLES, (0.95, 0.625))


@pytest.mark.parametrize(
    ("height", "noise", "verdict"),
    [(lambda x: (1 - x) ** 3, 0.0, AGREES), (lambda x: x, 0.0, DISAGREES), (np.zeros_like, 1.0, UNDECIDED)],
)
def test_a_landscape_as_the_paper_has_it_and_one_of_another_kind(height, noise, verdict):
    found = verdicts(landscape_of(height, noise=noise))
    assert found["barrier_falls"] == verdict
    assert found["barrier_r_squared"] in ((DIRECTION, AGREES) if verdict == AGREES else (verdict,))


# ----------------------------------------------------------------------------------- the sweep, Sec. II B and C

ETA, BATCH = np.array([0.005, 0.01, 0.02, 0.05]), np.array([20, 50, 100, 200])


def sweep_of(effect, scatter=0.05, runs=8):
    """Endings, freezing times and similarities that go with log(eta / B) by ``effect``, and otherwise scatter."""
    rng = np.random.default_rng(5)
    level = np.log(ETA[:, None] / BATCH)[..., None] + np.zeros(runs)
    level = effect * (level - level.min()) / np.ptp(level)

    def scattered():
        return level + scatter * rng.normal(size=level.shape)

    endings = {
        "eta": ETA,
        "B": BATCH,
        "runs": np.full((4, 4), runs),
        "converged": np.ones(level.shape, dtype=bool),
        "flatness": 3 + 2 * scattered(),
        "test_accuracy": 0.9 + 0.01 * scattered(),
        "train_loss": 0.003 + 0.0001 * scattered(),
        "diverged": np.zeros(level.shape, dtype=bool),
    }
    endings["test_file_accuracy"] = 0.9 + 0.01 * scattered()
    time = 40 + 20 * scattered()
    freezing = {
        "eta": ETA,
        "B": BATCH,
        "threshold": np.array([0.1, 0.2]),
        "freezing_time": np.stack([time, 0.7 * time]) / ETA[:, None, None],
    }
    cells = [(i, j, r) for i in range(4) for j in range(4) for r in range(runs)]
    alike = np.array([1 - 0.2 * max(effect, 0) * level[i, j, r] + 0.2 * min(effect, 0) for i, j, r in cells])
    jaccard = (alike[:, None] + alike) / 2 + scatter * 0.1 * rng.normal(size=(len(cells),) * 2)
    similarity = {
        "solution_eta": np.array([ETA[i] for i, _, _ in cells]),
        "solution_B": np.array([BATCH[j] for _, j, _ in cells]),
        "jaccard": np.where(np.eye(len(cells), dtype=bool), 1.0, (jaccard + jaccard.T) / 2),
    }
    return endings, similarity, freezing


CELLS = {"violin_eta": 0.05, "quiet": (0.01, 50), "noisy": (0.05, 50), "images": 200}
FREEZING = {"eta": 0.02, "reference": (0.05, 50)}


def collected(effect, **how):
    endings, similarity, freezing = sweep_of(effect, **how)
    return verdicts(
        [
            *noise_claims.collect(endings, similarity, drawing, RESAMPLES, **CELLS),
            *noise_claims.collect_freezing(endings, freezing, drawing, RESAMPLES, **FREEZING),
        ]
    )


BY_NOISE = ("accuracy_with_B", "test_file_accuracy_with_B", "flatness_with_B", "freezing_with_B")


def test_a_sweep_in_which_noise_does_what_the_paper_says():
    found = collected(1)
    assert {found[key] for key in (*BY_NOISE, "flat_is_accurate", "longer_is_flatter", "examples_diverge")} == {AGREES}
    assert found["final_losses_comparable"] == AGREES


def test_a_sweep_in_which_noise_does_the_opposite():
    found = collected(-1)
    assert {found[key] for key in BY_NOISE} == {DISAGREES}
    assert found["longer_is_flatter"] == AGREES  # both fall, together


def test_a_sweep_in_which_noise_does_nothing():
    found = collected(0, scatter=0.3)
    assert {found[key] for key in (*BY_NOISE, "flat_is_accurate", "longer_is_flatter", "examples_diverge")} == {
        UNDECIDED
    }


def trends_of(values, rows=ETA, columns=BATCH):
    """What cell_maps.h5 holds of a quantity that every cell has exactly."""
    noise = rows[:, None] / columns
    correlation = rank_correlation(noise.ravel(), values.ravel())
    axes = np.array([axis_correlation(values, at, k) for k, at in enumerate((rows, 1 / columns))])
    known = {"noise": noise}
    for name in noise_claims.TRENDS:
        known |= {name: values, f"{name}_correlation": np.float64(correlation), f"{name}_axes": axes}
        known |= {f"{name}_interval": np.full(2, correlation), f"{name}_axes_interval": np.stack([axes, axes], axis=1)}
    return known


def trend_claims(values, permutations=400, endings=None, **how):
    made, _, freezing = sweep_of(0)
    return noise_claims.collect_trends(endings or made, freezing, trends_of(values), drawing, permutations, **how)


def test_trends_with_noise_agree_or_disagree():
    rising = ETA[:, None] / BATCH
    falls = {"similarity_with_noise", "similarity_along_axes", "convergence_probability_with_noise"}
    up, down = (verdicts(trend_claims(sign * rising)) for sign in (1, -1))
    for key in set(up) - {"test_file_accuracy_gain"}:
        assert (up[key], down[key]) == ((DISAGREES, AGREES) if key in falls else (AGREES, DISAGREES)), key
    first, second, *_ = trend_claims(-rising)
    assert first.measured.samples == "16 cells, 128 runs" and first.measured.p_value < 0.01
    assert second.key == "similarity_along_axes" and second.ours == pytest.approx(-1)


def test_a_quantity_that_goes_with_one_axis_alone_is_found_out():
    only_eta = verdicts(trend_claims(ETA[:, None] * (1 + 1e-6 * np.random.default_rng(0).normal(size=(4, 4)))))
    assert only_eta["max_flatness_with_noise"] == UNDECIDED  # four rows could be in that order by chance
    against = trend_claims(np.log(ETA)[:, None] + 0.1 * np.log(BATCH))  # rises with B, and more with eta
    (along,) = (one for one in against if one.key == "max_flatness_along_axes")
    assert along.ours == pytest.approx(-1) and along.verdict == DISAGREES and "1 / B" in along.measured.method


def test_runs_are_counted_that_a_quantity_is_of():
    endings, _, freezing = sweep_of(0)
    endings["converged"][0, 0] = endings["converged"][1, 1, 0] = False
    endings["diverged"][0, 0, 0] = True
    freezing["freezing_time"][0, 0, 0, :2] = np.nan
    count = noise_claims.counted(endings, freezing)
    assert (count["max_flatness"], count["similarity"], count["eta_t_freeze"]) == (128 - 9, 127, 126)
    assert count["convergence_probability"] == 128


def test_three_cells_in_perfect_order_decide_nothing():
    few = np.full((4, 4), np.nan)
    few[1, :3] = 3, 2, 1
    for one in trend_claims(few, axes=False):
        if one.key != "test_file_accuracy_gain":
            assert one.ours == pytest.approx(1) and one.interval == pytest.approx((1, 1))
            assert one.verdict == UNDECIDED and one.measured.samples.startswith("3 cells")


@pytest.mark.parametrize(("effect", "verdict"), [(1, AGREES), (-1, DISAGREES)])
def test_the_gain_is_that_of_the_noisiest_quarter_over_the_quietest(effect, verdict):
    endings, _, _ = sweep_of(effect, scatter=0.001)
    noise = ETA[:, None] / BATCH
    quiet, loud = noise <= np.quantile(noise, 0.25), noise >= np.quantile(noise, 0.75)
    means = endings["test_file_accuracy"].mean(axis=2)
    gain = trend_claims(noise, RESAMPLES, endings)[-1]
    assert gain.key == "test_file_accuracy_gain" and gain.more
    assert gain.ours == pytest.approx(means[loud].mean() - means[quiet].mean())
    assert gain.verdict == verdict
    lost = endings | {"converged": np.zeros_like(endings["converged"])}
    assert trend_claims(noise, 50, lost)[-1].verdict == UNDECIDED


def test_a_threshold_at_which_noise_still_prolongs_the_transient_and_others():
    endings, _, freezing = sweep_of(1)
    noise = ETA[:, None] / BATCH

    def judged():
        (found,) = noise_claims.collect_thresholds(endings, freezing, noise, drawing, 400)
        return found

    same = judged()
    assert same.key == "freezing_at_L_c_0.2" and same.ours > 0.9 and same.verdict == AGREES
    assert "1.00 with the map at L_c = 0.1" in same.measured.method
    # of eta t_freeze, which it turns around; t_freeze itself goes with 1 / eta at both
    freezing["freezing_time"][1] = 100 / ETA[:, None, None] - freezing["freezing_time"][0]
    assert judged().verdict == DISAGREES
    freezing["freezing_time"][1] = np.random.default_rng(0).normal(size=(4, 4, 8))
    assert judged().verdict == UNDECIDED


def test_the_ends_of_a_colour_scale_are_of_converged_runs():
    endings, _, _ = sweep_of(0, scatter=0)
    endings["flatness"][0, 0, 3], endings["flatness"][1, 1] = 9.0, 1.0
    endings["flatness"][2, 2, 0], endings["converged"][2, 2, 0] = 50.0, False
    assert noise_claims.extreme_cell(endings, "flatness", True, drawing(), RESAMPLES).value == 9
    assert noise_claims.extreme_cell(endings, "flatness", False, drawing(), RESAMPLES).value == 1
    assert np.isnan(
        noise_claims.extreme_cell(endings, "flatness", False, drawing(), 50).interval
    ).all()  # of 8 runs a cell
    assert np.isfinite(noise_claims.extreme_cell(scaled_sweep()[0], "flatness", True, drawing(), 50).interval).all()


def test_grey_cells_are_named():
    endings, _, _ = sweep_of(0)
    assert noise_claims.noisiest_converges(endings).value == 1  # the claim is false
    endings["converged"][3, 0] = endings["converged"][3, 1] = False
    found = noise_claims.noisiest_converges(endings)
    assert found.value == 0 and found.interval[1] < 0.5
    assert found.samples.endswith("(eta, B) = (0.05, 20); cells without a converged run: (0.05, 20), (0.05, 50)")


def test_the_examples_differ_by_their_similarities():
    _, similarity, _ = sweep_of(1, scatter=0)
    found = noise_claims.similarity_difference(similarity, (0.01, 50), (0.05, 50), drawing(), RESAMPLES)
    assert found.value == pytest.approx(-0.2 * np.log(5) / np.log(100))
    assert found.interval == pytest.approx((found.value, found.value))
    missing = noise_claims.similarity_difference(similarity, (0.01, 50), (0.3, 50), drawing(), RESAMPLES)
    assert np.isnan(missing.value)


def test_the_reference_run_freezes_within_the_spread_of_its_cell():
    _, _, freezing = sweep_of(0)
    freezing["freezing_time"][0, 3, 1] = np.linspace(400, 460, 8)
    found = noise_claims.reference_freezing(freezing, 0.05, 50)
    assert found.value == 430 and found.interval == pytest.approx((401.5, 458.5))
    assert np.isnan(noise_claims.reference_freezing(freezing, 0.3, 50).value)


def test_final_losses_are_comparable_or_not():
    endings, _, _ = sweep_of(0)
    loss = np.ones((4, 4, 8)) * np.array([1.0, 1.5, 1.2, 1.1])[:, None]
    assert noise_claims.loss_ratio(endings, loss, 0.02, drawing(), RESAMPLES).value == pytest.approx(1.5)
    assert np.isnan(noise_claims.loss_ratio(endings, loss, 0.3, drawing(), RESAMPLES).value)


def course(flatness, loss=None, accuracy=None, runs=6):
    time = np.arange(0, 2001, 20)
    scatter = 1 + 0.01 * np.random.default_rng(0).normal(size=(runs, 1))
    loss = np.exp(-time / 100) if loss is None else loss
    accuracy = np.minimum(1, 0.99 + time / 1e5) if accuracy is None else accuracy
    return {
        "iteration": time,
        "flatness": flatness(time) * scatter,
        "train_loss": np.tile(loss, (runs, 1)),
        "train_accuracy": np.tile(accuracy, (runs, 1)),
    }


def growing(end):
    """Flatness that drops at once and then grows to ``end``."""
    return lambda time: np.where(time == 0, 2.0, 0.1 + (end - 0.1) * time / 2000)


def test_flatness_along_training_as_the_paper_says():
    claims = noise_claims.collect_along({10: course(growing(6)), 1000: course(growing(2))}, drawing, RESAMPLES, 0.1)
    assert set(verdicts(claims).values()) == {AGREES}
    ours = {one.key: one.ours for one in claims}
    assert ours["flatness_grows"] == pytest.approx(1)
    assert ours["flatness_falls_first"] == pytest.approx(np.log([0.159 / 2, 0.119 / 2]).mean())
    assert ours["flatness_ends_higher"] == pytest.approx(3)
    assert ours["accuracy_after_freezing"] == pytest.approx(np.minimum(1, 0.99 + np.arange(240, 2001, 20) / 1e5).mean())


def test_flatness_that_falls_along_training_and_with_noise():
    falling = {
        10: course(lambda time: 1 + 1 / (1 + time), accuracy=np.full(101, 0.9)),
        1000: course(lambda time: 3 + time / 2000),
    }
    found = verdicts(noise_claims.collect_along(falling, drawing, RESAMPLES, 0.1))
    assert found["flatness_grows"] == DISAGREES  # one noise level is enough
    assert found["flatness_ends_higher"] == DISAGREES
    assert found["accuracy_after_freezing"] == DISAGREES
    values = 1 + np.random.default_rng(0).random((6, 101))
    chance = {10: course(lambda time: values), 1000: course(lambda time: values[::-1])}
    found = verdicts(noise_claims.collect_along(chance, drawing, RESAMPLES, 0.1))
    assert found["flatness_falls_first"] == found["flatness_ends_higher"] == UNDECIDED


def test_runs_that_were_not_followed_have_no_say_along_training():
    cell = course(growing(6))
    cell["flatness"][2:, :-1] = np.nan
    claims = noise_claims.collect_along({10: cell, 1000: course(growing(2))}, drawing, RESAMPLES, 0.1)
    assert claims[0].measured.samples == "8 runs of 2 batch sizes"
    assert all(one.verdict == UNDECIDED for one in noise_claims.collect_along({}, drawing, 10, 0.1))


def test_a_loss_that_rises_again_does_not_unfreeze_a_run():
    frozen, accuracy = np.full(101, 0.05), np.ones(101)
    frozen[:50], accuracy[:50] = 1.0, 0.2
    frozen[60:70], accuracy[60:70] = 0.5, 0.49
    cell = course(growing(6), frozen, accuracy)
    assert noise_claims.accuracy_after({10: cell}, 0.1, drawing(), RESAMPLES).value == pytest.approx(1 - 10 * 0.51 / 51)
    cell["train_loss"][2] = 1.0  # a run that never freezes
    assert noise_claims.accuracy_after({10: cell}, 0.1, drawing(), RESAMPLES).samples == "5 runs of 1 batch sizes"


def test_another_experiment_has_its_own_keys():
    ours = trend_claims(ETA[:, None] / BATCH, 50)
    others = noise_claims.elsewhere(ours, "cifar10", "Fig. S5")
    assert others[0].key == "cifar10_similarity_with_noise"
    assert others[0].where.startswith("Fig. S5") and others[0].statement.startswith("cifar10: More noise")
    assert [one.verdict for one in ours] == [one.verdict for one in others]
    to_json({"ours": ours, "others": others}, {})


# ----------------------------------------------------------------------------------------- branches, Sec. II D


def branches_of(effect, scatter=0.02, runs=20, seed=0):
    """Branches that get flatter, better and more alike by ``effect`` until the run freezes at 400.

    Every run's scatter is that of another one turned around, so that without an effect nothing is left on the mean.
    """
    rng = np.random.default_rng(seed)
    t_c = np.arange(0, 1001, 20)
    way = effect * np.minimum(t_c / 400, 1)

    def scattered():
        half = rng.normal(size=(runs // 2, len(t_c)))
        return way + scatter * np.concatenate([half, -half])

    gap = rng.normal(size=runs // 2)
    freezing = np.full(runs, 400.0)
    return {
        "t_c": t_c,
        "flatness": 2 + scattered(),
        "test_loss": 0.5 - 0.1 * scattered(),
        "test_file_loss": 0.5 - 0.1 * scattered(),
        "similarity_to_last": np.clip(0.6 + 0.4 * scattered(), 0, 1),
        "freezing_time": freezing,
        "basin_freezing_time": freezing - 100 * effect,
        "similarity_before": np.full(runs, 0.8),
        "similarity_after": 0.8 + 0.19 * effect + scatter * np.concatenate([gap, -gap]),
    }


def test_branches_as_the_paper_has_them():
    found = branches.collect(branches_of(1), drawing, RESAMPLES, 0.9)
    ours = {one.key: one.ours for one in found}
    del ours["branch_r_squared"]
    by_key = verdicts(found)
    assert by_key.pop("branch_r_squared") == DIRECTION  # tighter than the paper's 0.76
    assert by_key.pop("branch_r_squared_one_run") == by_key.pop("branch_r_squared_test_file") == DIRECTION
    assert set(by_key.values()) == {AGREES}
    assert ours["early_is_sharp"] == pytest.approx(2.05 / 3, abs=0.01)
    assert ours["early_is_worse"] == pytest.approx(0.495 / 0.4, abs=0.01)
    assert ours["similarity_at_freezing"] == pytest.approx(1, abs=0.01)
    assert ours["similarity_gap"] == pytest.approx(-0.19, abs=0.02)
    assert ours["one_valley_after"] == pytest.approx(0.99, abs=0.02)
    assert ours["jumps_before_freezing"] == pytest.approx(1, abs=0.02)
    assert ours["one_basin_after"] == 1


def loosely_tied_branches():
    """Branches whose flatness and test losses go together about as tightly as the paper's do."""
    made, rng = branches_of(1), np.random.default_rng(1)
    flat = made["flatness"]
    for name in ("test_loss", "test_file_loss"):
        made[name] = -flat + np.sqrt(0.24 / 0.76) * flat.std() * rng.normal(size=flat.shape)
    return made


def test_branches_that_get_worse():
    found = verdicts(branches.collect(branches_of(-1), drawing, RESAMPLES, 0.9))
    wrong = ("later_is_flatter", "later_generalizes", "early_is_sharp", "early_is_worse", "similarity_rises")
    assert {found[key] for key in (*wrong, "similarity_at_freezing", "similarity_gap", "one_basin_after")} == {
        DISAGREES
    }
    assert found["one_valley_after"] == DISAGREES


def test_branches_without_any_order():
    found = verdicts(branches.collect(branches_of(0), drawing, RESAMPLES, 0.9))
    keys = ("later_is_flatter", "later_generalizes", "early_is_sharp", "early_is_worse", "similarity_gap")
    assert {found[key] for key in keys} == {UNDECIDED}
    # each run's R^2 is next to nothing, of either sign
    assert {found[key] for key in ("branch_r_squared", "branch_r_squared_one_run")} == {UNDECIDED}


def test_each_runs_line_is_its_own():
    made = branches_of(1, scatter=0, runs=4)
    made["test_loss"][1] = made["flatness"][1]  # rises where the others fall
    made["test_loss"][2:] = np.nan
    fits = branches.own_fits(made, "test_loss")
    assert fits[:2] == pytest.approx([-1, 1]) and np.isnan(fits[2:]).all()
    assert branches.typical_fit(made, "test_loss", drawing(), RESAMPLES).value == pytest.approx(0)
    assert branches.single_fit(made, "test_loss").samples == "2 runs"


def test_ranks_before_freezing_do_not_see_what_comes_after():
    made = branches_of(1, scatter=0, runs=4)
    made["similarity_to_last"][:, made["t_c"] >= 400] = 0
    found = branches.with_time(made, "similarity_to_last", drawing(), RESAMPLES, before_freezing=True)
    assert found.value == pytest.approx(1)


def test_a_run_that_never_freezes_has_no_similarity_at_freezing():
    made = branches_of(1, scatter=0, runs=4)
    made["freezing_time"][0] = np.nan
    assert branches.similarity_at_freezing(made, drawing(), RESAMPLES).samples == "3 runs"
    assert branches.settled(made).samples == "3 runs"


def test_a_run_is_settled_if_its_first_branch_after_freezing_ends_where_the_last_does():
    made = branches_of(1, scatter=0, runs=4)
    made["freezing_time"] = np.array([400.0, 400.0, 410.0, 410.0])
    made["basin_freezing_time"] = np.array([400.0, 420.0, 420.0, 440.0])
    assert branches.settled(made).value == 0.5  # the first and the third


# ----------------------------------------------------------------------------- the two-valley model, Sec. II E-G

RATES = np.geomspace(0.01, 0.1, 6)


def diagram_of(effect, runs=2000, seed=0):
    """A phase diagram in which everything goes with log(eta sigma) by ``effect``, as so many runs show it."""
    rng = np.random.default_rng(seed)
    level = effect * np.log(RATES[:, None] * RATES / 1e-4) / np.log(100)
    share = rng.binomial(runs, 0.7 + 0.25 * level) / runs
    return {
        "eta": RATES,
        "sigma": RATES,
        "stable": np.ones(6, dtype=bool),
        "p_flat": share,
        "diverged": np.zeros((6, 6)),
        "freezing_time": (100 + 90 * level + rng.normal(size=(6, 6))) / RATES[:, None],
        "freezing_time_error": np.ones((6, 6)) / RATES[:, None],
        "freezing_y": 10 + 5 * level + 0.1 * rng.normal(size=(6, 6)),
        "freezing_y_error": np.full((6, 6), 0.1),
    }


@pytest.mark.parametrize(("effect", "verdict"), [(1, AGREES), (-1, DISAGREES), (0, UNDECIDED)])
def test_a_phase_diagram_that_rises_falls_or_does_neither(effect, verdict):
    made = diagram_of(effect)
    found = two_valley.collect_diagram(made, 2000, 20_000, "H2", drawing, RESAMPLES)
    by_key = verdicts(found)
    transition = by_key.pop("p_flat_transition_H2")
    assert transition == {1: DIRECTION, -1: DISAGREES, 0: UNDECIDED}[effect]  # by 0.25, and not by 0.4
    biased = by_key.pop("stable_bias_H2")
    assert biased == (DISAGREES if effect < 0 else AGREES)  # 0.7 of the runs are in the flat valley whatever the noise
    assert set(by_key.values()) == {verdict}
    assert "H^2" in found[0].statement and "S6" in found[0].where


def test_rates_at_which_a_valley_is_unstable_have_no_say():
    made = diagram_of(1)
    made["stable"][3:] = False
    made["p_flat"][3:] = 0
    found = {one.key: one for one in two_valley.collect_diagram(made, 2000, 20_000, "H", drawing, RESAMPLES)}
    assert found["p_flat_with_eta_H"].verdict == AGREES
    assert found["p_flat_with_eta_H"].measured.samples == "18 cells of 2000 runs"
    made["stable"][:] = False
    assert not two_valley.collect_diagram(made, 2000, 20_000, "H", drawing, RESAMPLES)


def test_runs_that_never_change_valley_have_no_freezing_point():
    made = diagram_of(1)
    made["freezing_y"][:] = np.nan
    assert np.isnan(two_valley.y_freeze_simulated(made, 2000, drawing(), RESAMPLES).value)


def test_a_difference_of_corners_is_as_sure_as_its_runs_are_many():
    few, many = (
        two_valley.corner_difference(diagram_of(1, runs), runs, drawing(), 400).interval for runs in (100, 10_000)
    )
    assert np.ptp(few) == pytest.approx(10 * np.ptp(many), rel=0.3)
    assert many[0] < 0.25 < many[1]
    lost = diagram_of(1, 100)
    lost["diverged"][-1, -1] = 60
    assert two_valley.corner_difference(lost, 100, drawing(), 50).samples == "40 and 100 runs"


def model(sign=1, final=(0.93, 0.94, 0.95)):
    """Closed forms and a course of simulation; ``sign`` -1 turns all that the paper says around."""
    along, delta_S = np.geomspace(0.1, 200, 300), np.geomspace(1e-6, 1, 13)
    course_S = np.array([1e-4, 5e-4, 1e-3])
    stationary = 0.6 + sign * (0.05 + 0.3 * (1 - np.exp(-along / (1e4 * course_S[:, None]))))
    x, gamma = np.linspace(-1, 1, 41), np.linspace(1, 1.2, 5)
    transient = 0.6 + sign * 0.01 * np.outer(gamma - 1, 14 + np.log(delta_S))
    y_freeze = (0 if sign > 0 else 300) + sign * 200 * delta_S**0.5
    y_freeze[-2:] = np.nan
    y, surface = np.linspace(0, 50, 26), np.linspace(-1, 1, 81)
    depth = sign * y / (y + 20) + (1 if sign < 0 else 0)
    loss = depth * np.minimum((np.abs(surface[:, None]) - 0.5) ** 2 * 4 - 1, 0)
    loss[surface > 0] *= 1 if sign > 0 else 0.8  # a valley less deep than the other
    theory = {
        "tau_x_max": np.float64(0.32 if sign > 0 else 0.5),
        "tau_y_min": np.float64(41.84 if sign > 0 else 20.0),
        "p_flat_equilibrium": np.float64(0.6),
        "p_flat_boltzmann": np.float64(0.6 if sign > 0 else 0.55),
        "cut_x": x,
        "cut_loss": (np.abs(x) - 0.5) ** 2,
        "cut_L_SGD": -sign * 0.1 * np.sign(x),
        "along": along,
        "course_delta_S": course_S,
        "p_flat_stationary": stationary,
        "delta_S": delta_S,
        "gamma": gamma,
        "p_flat_transient": transient,
        "p_flat_transient_here": np.full(13, 0.94 if sign > 0 else 0.5),
        "y_freeze": y_freeze,
        "x": surface,
        "y": y,
        "loss": loss,
    }
    mean_y = np.tile(np.linspace(1, 30, 200), (3, 1))
    followed = np.stack([np.interp(mean_y[0], along, line) for line in stationary])
    share = np.where(followed < np.array(final)[:, None], followed, np.array(final)[:, None])
    share += 0 if sign > 0 else 0.2  # off the theory
    share[:, -1] = final
    occupancy = {
        "delta_S": course_S,
        "p_flat": share,
        "p_flat_error": np.full(share.shape, 0.007),
        "mean_y": mean_y,
    }
    return theory, occupancy


def test_a_model_as_the_paper_has_it():
    found = two_valley.collect(*model(), 20_000, drawing, RESAMPLES)
    by_key = verdicts(found)
    assert by_key.pop("rate_ratio_as_printed") == DISAGREES  # it says the opposite of stationary_falls
    assert by_key == dict.fromkeys(by_key, AGREES)
    ours = {one.key: one.ours for one in found}
    assert ours["above_equilibrium"] == pytest.approx(0.05, abs=0.01)
    assert ours["effective_loss_flat"] == -0.1 and ours["effective_loss_sharp"] == 0.1
    assert ours["simulated_above_equilibrium"] == 0.93
    assert ours["final_p_flat_rises"] == pytest.approx(0.02)
    assert ours["theory_until_freezing"] == pytest.approx(0, abs=1e-3)  # but for the last time
    assert abs(ours["transient_theory"]) == pytest.approx(0.01)
    assert ours["y_freeze"] == ours["transient_with_noise"] == pytest.approx(1)


def test_a_model_of_which_nothing_holds():
    theory, occupancy = model(-1, final=(0.5, 0.4, 0.3))
    found = verdicts(two_valley.collect(theory, occupancy, 1000, drawing, RESAMPLES))
    assert found.pop("rate_ratio_as_printed") == AGREES
    assert found == dict.fromkeys(found, DISAGREES)


def until_freezing(theory, occupancy):
    return two_valley.until_freezing(theory, occupancy, drawing(), RESAMPLES)


def test_a_simulation_that_does_not_follow_the_theory():
    theory, occupancy = model()
    occupancy["p_flat_error"][:] = 0.01
    occupancy["p_flat"][:, :-1] -= 0.1
    found = until_freezing(theory, occupancy)
    assert found.value == pytest.approx(np.sqrt(0.1**2 - 0.01**2)) and 0.05 < found.interval[0] < found.value
    theory, occupancy = model()
    occupancy["p_flat"][:, 1:-1] += 0.1 * (-1) ** np.arange(198)  # deviations that would cancel
    assert until_freezing(theory, occupancy).value == pytest.approx(0.1, abs=0.001)
    theory, occupancy = model()
    occupancy["p_flat"][:, 0] = 0.1  # where runs are put is no result
    occupancy["p_flat"][occupancy["mean_y"] > 10] = 0.3  # nor is what comes after freezing
    assert until_freezing(theory, occupancy).value == pytest.approx(0, abs=1e-3)
    few = verdicts(two_valley.collect(*model(final=(0.92, 0.92, 0.92)), 30, drawing, RESAMPLES))
    assert few["final_p_flat_rises"] == UNDECIDED


def test_cells_that_have_not_frozen_are_judged_apart():
    made = diagram_of(1)
    every = {one.key: one.measured for one in two_valley.collect_diagram(made, 2000, 20_000, "H", drawing, RESAMPLES)}
    assert every["p_flat_with_sigma_H_frozen"] == every["p_flat_with_sigma_H"]
    made["p_flat"][:, 4:] = 0.5  # it falls again where runs are still on the move
    made["freezing_time"][:, 4:] = 19_000
    found = {one.key: one for one in two_valley.collect_diagram(made, 2000, 20_000, "H", drawing, RESAMPLES)}
    assert found["p_flat_with_sigma_H"].verdict != AGREES
    frozen = found["p_flat_with_sigma_H_frozen"]
    assert frozen.verdict == AGREES and frozen.more and frozen.measured.samples == "24 cells of 2000 runs"
    made["p_flat"][:, :4] = made["p_flat"][:, :4][:, ::-1]
    again = verdicts(two_valley.collect_diagram(made, 2000, 20_000, "H", drawing, RESAMPLES))
    assert again["p_flat_with_sigma_H_frozen"] == DISAGREES


def test_what_does_not_vary_has_no_say_in_what_rises():
    lines = np.array([[1.0, 1.0, 1.0], [1.0, 2.0, 3.0], [1.0, 3.0, 2.0]])
    assert two_valley.rising(lines, np.arange(3.0)).value == pytest.approx(0.5)  # the least
    assert np.isnan(two_valley.rising(lines[:1], np.arange(3.0)).value)
    assert two_valley.rising(lines[1:2], -np.arange(3.0)).value == pytest.approx(-1)


# ---------------------------------------------------------------------------------------- every claim, both ways


def scaled_sweep():
    """A sweep that has the ends of the paper's colour scales, and the paper's freezing time."""
    endings, similarity, freezing = sweep_of(1, scatter=0.001, runs=20)
    level = (endings["flatness"] - 3) / 2
    endings["flatness"], endings["test_accuracy"] = 1.66 + 4.31 * level, 0.895 + 0.035 * level
    freezing["freezing_time"][0, 3, 1] = 440
    return endings, similarity, freezing


def strange_sweep():
    """A sweep in which flat cells are the inaccurate ones, a long transient is a sharp end, and losses differ."""
    endings, similarity, freezing = sweep_of(1, runs=20)
    endings["test_accuracy"] = 0.5 - 0.01 * endings["flatness"]
    freezing["freezing_time"] = np.stack([5000 - 100 * endings["flatness"]] * 2) / ETA[:, None, None]
    endings["flatness"] = 20 + endings["flatness"]
    endings["train_loss"] = 0.003 * (1 + np.arange(4.0))[:, None] * np.ones((4, 4, 20))
    endings["converged"][3, 0] = False
    similarity["jaccard"] = 1.5 - similarity["jaccard"]  # the noisy are alike
    return endings, similarity, freezing


def made_up_worlds():
    """Lists of claims from made-up data: of worlds in which the paper is right, and of others."""
    rising = (ETA[:, None] / BATCH) ** 0.5
    yield landscape_of(lambda x: (1 - x) ** 3)
    yield landscape_of(lambda x: 1 - x, noise=0.09)
    wrong, endings = barriers_of(lambda x: 0.1 * x**20), endings_of()
    wrong["block_slope"] = -wrong["block_slope"]
    wrong["path_barrier"][1:, 7] = 0
    endings["converged"][:, :, 1:] = False
    yield landscape.collect(wrong, BLOCK, endings, drawing, RESAMPLES, (0.95, 0.625))
    for share, spectrum in ((0.9, np.r_[np.ones(10), np.full(90, 1e-6)]), (0.1, np.ones(100))):
        top = {"converged": np.ones((1, 1, 6), dtype=bool), "runs": np.array([[6]]), "trace": np.ones((1, 1, 6))}
        top["top_sum"] = share * top["trace"] * np.linspace(0.99, 1.01, 6)
        yield landscape.collect_spectra(top, [spectrum * k for k in range(1, 7)], drawing, RESAMPLES, 10)
    for sign in (1, -1):
        endings, _, freezing = sweep_of(sign)
        yield noise_claims.collect_trends(endings, freezing, trends_of(sign * rising), drawing, 400)
        yield noise_claims.collect_thresholds(*sweep_of(1)[::2], sign * rising, drawing, 400)
    for endings, similarity, freezing in (scaled_sweep(), sweep_of(1), sweep_of(-1), strange_sweep()):
        yield noise_claims.collect(endings, similarity, drawing, RESAMPLES, **CELLS)
        yield noise_claims.collect_freezing(endings, freezing, drawing, RESAMPLES, **FREEZING)
    yield noise_claims.collect_along({10: course(growing(6)), 1000: course(growing(2))}, drawing, RESAMPLES, 0.1)
    falling = {10: course(lambda time: 3 - time / 2000, accuracy=np.full(101, 0.9)), 1000: course(growing(9))}
    falling[10]["flatness"][:, 1] *= 100
    yield noise_claims.collect_along(falling, drawing, RESAMPLES, 0.1)
    made = branches_of(-1)
    for effect in (1, -1):
        yield branches.collect(branches_of(effect), drawing, RESAMPLES, 0.9)
    yield branches.collect(
        made | {"test_loss": made["flatness"], "test_file_loss": made["flatness"]}, drawing, RESAMPLES, 0.9
    )
    yield branches.collect(loosely_tied_branches(), drawing, RESAMPLES, 0.9)
    for effect in (1, -1):
        for covariance in two_valley.DIAGRAMS:
            made = diagram_of(effect)
            made["p_flat"] = 0.5 + 1.9 * (made["p_flat"] - 0.7)
            yield two_valley.collect_diagram(made, 2000, 20_000, covariance, drawing, RESAMPLES)
    yield two_valley.collect(*model(), 20_000, drawing, RESAMPLES)
    yield two_valley.collect(*model(-1, final=(0.5, 0.4, 0.3)), 1000, drawing, RESAMPLES)


def test_every_claim_is_true_of_one_made_up_world_and_false_of_another():
    seen = {}
    for claims in made_up_worlds():
        for key, verdict in verdicts(claims).items():
            seen.setdefault(key, set()).add(verdict)
    assert len(seen) > 70
    assert {key: found for key, found in seen.items() if not found >= {AGREES, DISAGREES}} == {}


# ------------------------------------------------------------------------------------------------ documentation


def test_the_documentation_tells_the_published_claims():
    root = ROOT
    content = json.loads((root / "docs" / "claims.json").read_text())
    assert len(content["claims"]) > 25
    assert (root / "docs" / "claims.md").read_text() == tables.page(content)
    assert tables.brief(content) in (root / "README.md").read_text()
    changed = content | {"claims": [one | {"verdict": DISAGREES} for one in content["claims"]]}
    assert tables.brief(changed) not in (root / "README.md").read_text()


def test_published_verdicts_follow_from_their_numbers():
    """By the rule as it stands now, whatever it was when they were published."""
    content = json.loads((ROOT / "docs" / "claims.json").read_text())
    for one in content["claims"]:
        number, low, high = (np.nan if each is None else each for each in (one["ours"], *one["interval"]))
        if one["expected"] == "value":
            expected = Value(one["paper_value"], one["tolerance"], one["no_effect"])
        elif one["expected"] == "equal":
            expected = Equal(one["paper_value"], one["tolerance"])
        else:
            expected = Direction(+1 if one["side"] == "above" else -1, one["strength"], one["no_effect"])
        assert claim(expected, number, low, high, one["p_value"]).verdict == one["verdict"], one["key"]
