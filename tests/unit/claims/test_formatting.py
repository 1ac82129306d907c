"""Numbers, controls and symbols as text."""

import numpy as np
import pytest
from helpers.claims import claim, content_of

from sgd_valleys.claims.formatting import format_controls, format_measurement, format_with_error, symbols
from sgd_valleys.claims.verdict import Control, Side


@pytest.mark.parametrize(
    ("value", "low", "high", "p_value", "how", "text"),
    [
        (0.38123, 0.3123, 0.4523, None, {}, "0.38 [0.31, 0.45]"),
        (426.13, 401.2, 459.8, None, {}, "426 [401, 460]"),
        (426.13, 401.2, 459.8, None, {"spread": True}, "426 [401, 460 of single runs]"),
        (0.97931, 0.9765, 0.9823, None, {}, "0.979 [0.977, 0.982]"),
        (0.000423, 0.000401, 0.000454, None, {}, "0.00042 [0.0004, 0.00045]"),
        (426.13, 401.2, 459.8, None, {"unit": "iterations"}, "426 [401, 460] iterations"),
        (0.9412, 0.9412, 0.9412, 0.0169, {}, "0.941 [0.941, 0.941], p = 0.017 (Holm)"),
        (0.9, 0.8, 1.0, 0.000999, {}, "0.90 [0.80, 1.00], p < 0.001 (Holm)"),
        (-0.61, -0.69, -0.32, None, {"effect": "R^2 of a line"}, "0.61 [0.32, 0.69], falling"),
        (-0.6, -0.9, 0.1, None, {"effect": "R^2 of a line"}, "0.6 falling [0.9 falling, 0.1 rising]"),
        (0.25, np.nan, np.nan, None, {}, "0.25"),
        (np.nan, np.nan, np.nan, None, {}, "not measured"),
    ],
)
def test_numbers_have_the_digits_that_their_interval_supports(value, low, high, p_value, how, text):
    (entry,) = content_of([claim(Side(+1), value, low, high, p_value, **how)])["claims"]
    assert format_measurement(entry) == text


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.907, 0.0065, "0.9070 ± 0.0065"),
        (0.5, 0.0112, "0.500 ± 0.011"),
        (1157.34, 70.2, "1157 ± 70"),
        (0.9, np.nan, "0.9"),
        (0.9, 0.0, "0.9"),
        (np.nan, np.nan, "none"),
    ],
)
def test_a_standard_error_has_two_digits(value, error, text):
    assert format_with_error(value, error) == text


def test_controls_stand_in_a_line_without_those_that_are_not_known():
    beside = (Control("gradient descent", 0.8), Control("not run", np.nan), Control("null", 0.1234, (0.1, 0.2)))
    (entry,) = content_of([claim(Side(+1), 0.9, 0.8, 1.0, controls=beside)])["claims"]
    assert format_controls(entry) == "gradient descent: 0.8; null: 0.12 [0.10, 0.20]"
    signed = claim(Side(-1), -0.9, -1.0, -0.8, effect="R^2", controls=(Control("median", -0.61, (-0.69, -0.32)),))
    assert format_controls(content_of([signed])["claims"][0]) == "median: 0.61 [0.32, 0.69], falling"
    assert format_controls(content_of([claim(Side(+1), 1, 1, 1)])["claims"][0]) == ""


def test_symbols_are_those_of_the_paper():
    text = symbols("Sim_J, eta <t_freeze>, R^2 < 1, P_flat, Delta_S at eta/B, theta_x, H^2, L_c")
    assert text == (
        "Sim<sub>J</sub>, η ⟨t<sub>freeze</sub>⟩, R² &lt;\u00a01, P<sub>flat</sub>, Δ<sub>S</sub> at η/B, theta_x, H², "
        "L<sub>c</sub>"
    )
