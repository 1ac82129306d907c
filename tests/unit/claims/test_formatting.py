"""Numbers, expectations and symbols as text."""

import numpy as np
import pytest
from helpers.claims import claim, content_of

from sgd_valleys.claims.formatting import explain_verdict, format_expectation, format_measurement, symbols
from sgd_valleys.claims.verdict import Equal, Value, at_most, falls, rises


@pytest.mark.parametrize(
    ("value", "low", "high", "p_value", "how", "text"),
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
def test_numbers_have_the_digits_that_their_interval_supports(value, low, high, p_value, how, text):
    (entry,) = content_of({"": [claim(rises(0.5), value, low, high, p_value, **how)]})["claims"]
    assert format_measurement(entry) == text


@pytest.mark.parametrize(
    ("expected", "value", "low", "high", "p_value", "expectation", "reason"),
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
def test_a_claim_shows_its_expectation_and_why_it_does_not_agree(
    expected, value, low, high, p_value, expectation, reason
):
    (entry,) = content_of({"": [claim(expected, value, low, high, p_value)]})["claims"]
    assert (format_expectation(entry), explain_verdict(entry)) == (expectation, reason)


def test_an_r_squared_is_compared_by_its_absolute_value():
    for value, reason in ((-0.9, "more than the paper's 0.76"), (-0.4, "less than the paper's 0.76")):
        found = claim(Value(-0.76, 0.05, 0.0), value, value - 0.02, value + 0.02, paper="R^2 = 0.76, falling")
        (entry,) = content_of({"": [found]})["claims"]
        assert explain_verdict(entry) == reason


def test_symbols_are_those_of_the_paper():
    text = symbols("Sim_J, eta <t_freeze>, R^2 < 1, P_flat, Delta_S at eta/B, theta_x, H^2, L_c")
    assert text == (
        "Sim<sub>J</sub>, η ⟨t<sub>freeze</sub>⟩, R² &lt;\u00a01, P<sub>flat</sub>, Δ<sub>S</sub> at η/B, theta_x, H², "
        "L<sub>c</sub>"
    )
