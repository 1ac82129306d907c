"""The tables of docs/theory.md, of made-up simulations and theories."""

import numpy as np
import pytest
from helpers.claims import model, sampling

from sgd_valleys.claims import theory_tables
from sgd_valleys.claims.two_valley import deviation_until_freezing

DELTA_S = np.array([1e-4, 5e-4, 1e-3])


def rows_of(lines):
    """The cells of a table, without its header."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def diagram():
    """Two learning rates and three strengths of noise; runs of the weakest noise and the smallest rate stay."""
    return {
        "eta": np.array([0.01, 0.1]),
        "sigma": np.array([0.01, 0.03, 0.1]),
        "p_flat": np.array([[0.5, 0.7, 0.9], [0.8, 0.9, 0.97]]),
        "p_flat_error": np.array([[0.011, 0.003, 0.004], [0.0065, 0.005, 0.004]]),
        "freezing_time": np.array([[np.nan, 500, 1803], [204, 300, 11573]]),
        "freezing_time_error": np.array([[np.nan, 5, 65], [6.7, 5, 70]]),
        "changed": np.array([[0, 0.1, 0.599], [0.625, 1, 1]]),
        "late": np.array([[np.nan, 0, 0.013], [0, 0, 0.6315]]),
    }


def test_corners_stand_beside_the_ito_equation_at_their_time():
    grid = np.geomspace(1e-4, 1e-2, 5)
    ito = {"delta_S": grid, "p_flat_halving": np.linspace(0.5, 0.9, 5), "p_flat_longest": np.linspace(0.55, 0.95, 5)}
    ends = {"p_flat_halving": 200.0, "p_flat_longest": 2000.0}
    expected = [
        ["0.01", "0.01", "0.500 ± 0.011", "0.500", "0.0%", "none", "none"],
        ["0.01", "0.1", "0.9000 ± 0.0040", "0.700", "59.9%", "18.03 ± 0.65", "1.3%"],
        ["0.1", "0.01", "0.8000 ± 0.0065", "0.750", "62.5%", "20.40 ± 0.67", "0.0%"],
        ["0.1", "0.1", "0.9700 ± 0.0040", "0.950", "100.0%", "1157.3 ± 7.0", "63.1%"],
    ]
    lines = theory_tables.corners(diagram(), 20_000, ito, ends)
    assert rows_of(lines) == expected and "eta &lt;t_freeze&gt;" in lines[0]
    other_time = rows_of(theory_tables.corners(diagram(), 10_000, ito, ends))
    assert [row[3] for row in other_time] == ["none"] * 4
    smaller = ito | {"delta_S": grid * 2}  # the weakest noise is outside of the grid
    assert rows_of(theory_tables.corners(diagram(), 20_000, smaller, ends))[0][3] == "none"


def test_the_transition_is_interpolated_in_the_logarithm():
    made = diagram()
    made["p_flat"][1] = [0.65, 0.85, 0.9]
    made["sigma"] = np.array([0.01, 0.04, 0.16])
    rows = rows_of(theory_tables.transition(made))
    quarter, half = 4e-4 * 4**0.25, 1e-3 * 4**0.5  # positions between the cells
    assert [row[0] for row in rows] == ["0.01", "0.1"]
    found = np.array([[float(number) for number in row[1].split(" ± ")] for row in rows])
    assert found[:, 0] == pytest.approx([1e4 * quarter, 1e4 * half], abs=0.05)
    error = np.hypot(0.0065, 0.005) / 2 / 0.2 * np.log(4) * half  # of the mean of two fractions, over the slope
    assert found[1, 1] == pytest.approx(1e4 * error, abs=0.05)


def test_a_learning_rate_without_a_transition_has_no_row():
    assert [row[0] for row in rows_of(theory_tables.transition(diagram()))] == ["0.01"]


def test_ends_of_courses_stand_beside_their_theories():
    theory, occupancy = model(final=(0.929, 0.944, 0.952))
    theory["p_flat_transient_here"] = 0.9 + 0.01 * np.log10(theory["delta_S"])
    ito, printed = ({"p_flat": np.array([[0.5, 0.6 + shift]] * 3)} for shift in (0, 0.1))
    first, _, last = rows_of(theory_tables.ends_of_courses(occupancy, theory, ito, printed))
    assert first == ["0.0001", "0.9290 ± 0.0070", "0.600", "0.700", "0.860"]
    assert last == ["0.001", "0.9520 ± 0.0070", "0.600", "0.700", "0.870"]


def test_small_learning_rates_stand_in_columns():
    rates = {"eta": np.array([0.02, 0.01]), "p_flat_error": np.full(2, 0.0035)}
    limits = {delta_S: rates | {"p_flat": np.array([0.51, 0.52]) + 100 * delta_S} for delta_S in (1e-3, 5e-4)}
    ito, printed = ({"delta_S": DELTA_S, "p_flat_halving": np.array([0.5, 0.6, end])} for end in (0.9, 0.8))
    lines = theory_tables.small_eta_limit(limits, ito, printed)
    assert lines[0] == "| Delta_S | eta = 0.02 | eta = 0.01 | Ito | Eq. 16 |"
    assert rows_of(lines) == [
        ["0.0005", "0.5600 ± 0.0035", "0.5700 ± 0.0035", "0.6000", "0.6000"],
        ["0.001", "0.6100 ± 0.0035", "0.6200 ± 0.0035", "0.9000", "0.8000"],
    ]


def test_courses_are_averaged_over_y_and_compared_until_freezing():
    y = np.linspace(1, 9, 801)
    theory = {
        "along": np.array([0.1, 200.0]),
        "course_delta_S": DELTA_S,
        "p_flat_stationary": np.array([[0.1, 200.0]] * 3) / 1000,  # 0.001 y
        "delta_S": DELTA_S,
        "y_freeze": np.array([2.0, 5.0, np.nan]),
    }
    p_flat = np.where(y <= 5, 0.001 * y + 0.05 * (-1) ** np.arange(801), 0.9)
    occupancy = {
        "delta_S": DELTA_S,
        "mean_y": np.array([y, y, 10 + y]),
        "p_flat": np.array([p_flat] * 3),
        "p_flat_error": np.full((3, 801), 0.03),
    }
    ito = {"mean_y": np.array([[0.0, 10.0]] * 3), "p_flat": np.array([[0.0, 1.0]] * 3)}
    first, second, never = rows_of(theory_tables.courses(occupancy, theory, ito))
    assert first == ["0.0001", "0.003", "0.003", "0.300", "2.0", "0.040"]  # 0.04^2 = 0.05^2 - 0.03^2
    assert second[4:] == ["5.0", "0.040"]
    assert never[:5] == ["0.001", "none", "none", "none", "none"]


def test_the_deviation_is_that_of_the_claim():
    theory, occupancy = model()
    occupancy["p_flat"][1, :-1] -= 0.1
    ito = {"mean_y": occupancy["mean_y"], "p_flat": occupancy["p_flat"]}
    shown = [float(row[-1]) for row in rows_of(theory_tables.courses(occupancy, theory, ito))]
    claimed = deviation_until_freezing(theory, occupancy, 1000, sampling()).value
    assert max(shown) == shown[1] == pytest.approx(claimed, abs=5e-4)


def test_a_run_without_fig_6x_has_no_table():
    assert theory_tables.tables({}) == {}
