"""The polynomials approximate the library's functions."""

import numpy as np

from sgd_valleys.two_valley.vector_math import (
    COUNTER_STEP,
    TWO_COUNTER_STEPS,
    bits_to_float,
    box_muller,
    exp,
    float_to_bits,
)


def test_the_polynomials_are_the_functions():
    v = np.linspace(-300, 30, 20_001)
    assert np.abs([exp(a) / np.exp(a) - 1 for a in v]).max() < 3e-14 + 1e-16 * 300
    bits = np.random.default_rng(0).integers(0, 2**64, (3000, 2), dtype=np.uint64)
    square, cos, sin = np.array([box_muller(*b) for b in bits]).T
    u = 1 - (bits[:, 0] >> np.uint64(12)) / 2.0**52
    np.testing.assert_allclose(square, -2 * np.log(u), rtol=1e-12)
    angle = ((bits[:, 1] >> np.uint64(12)) / 2.0**52 - 0.5) * np.pi
    np.testing.assert_allclose(sin, np.sin(angle), rtol=0, atol=2e-13)
    np.testing.assert_allclose(cos, np.where(bits[:, 1] & np.uint64(1), -1, 1) * np.cos(angle), rtol=0, atol=1e-12)


def test_bits_and_floats_convert_into_each_other():
    assert float_to_bits(1.0) == 0x3FF0000000000000 and bits_to_float(np.uint64(0x4000000000000000)) == 2.0


def test_a_pair_of_deviates_takes_two_counter_steps():
    assert (2 * int(COUNTER_STEP)) % 2**64 == int(TWO_COUNTER_STEPS)
