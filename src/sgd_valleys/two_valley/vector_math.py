"""Elementary functions and random numbers that Numba inlines into a loop and the compiler vectorizes.

Every function uses IEEE additions, products, quotients and bit operations in a fixed order, and no fused operation.
Exponential, logarithm, sine and cosine are polynomials, because the library's versions differ between machines.
A result therefore has the same bits on every machine, whatever the width of its vectors.

The random words are a function of a key and a counter. A run therefore needs no generator state.
"""

import hashlib
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numba import njit

# Numba's disk cache hashes only the file of the compiled function. A compiled function of another module takes this
# hash as the default of its last argument: the default is part of the cache key.
SOURCE_HASH = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]

# A loop vectorizes only without calls and without checks for a division by zero. The compiler inlines typed functions:
# Numba's own inlining would infer the types of every copy again, which takes four times as long.
inlined = njit(forceinline=True, error_model="numpy")


def compiled(function: Callable) -> Callable:
    """Compile a function at its first call; cache its machine code on disk if a folder is writable."""
    try:
        return njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # Numba can write neither beside the source nor below the home directory
        return njit(nogil=True, error_model="numpy")(function)


_u = np.uint64
COUNTER_STEP = _u(0x9E3779B97F4A7C15)  # from one random word of a run to the next; odd, so that counters do not repeat
TWO_COUNTER_STEPS = _u(0x3C6EF372FE94F82A)  # from one pair of normal deviates to the next, modulo 2^64

_BITS_OF_ONE = _u(0x3FF0000000000000)
_BITS_OF_SQRT_HALF = _u(0x3FE6A09E667F3BCD)
_BITS_OF_2_52 = _u(0x4330000000000000)  # OR with an integer n < 2^52 gives the bits of the float 2^52 + n
_EXPONENT_OFFSET = 2000  # keeps an exponent positive while its type is unsigned
_SHIFTED_OFFSET = _u(_EXPONENT_OFFSET << 52)
_1, _12, _27, _30, _31, _52, _63 = (_u(n) for n in (1, 12, 27, 30, 31, 52, 63))


@inlined
def float_to_bits(number):
    """Return the bits of a float64 as uint64."""
    return np.float64(number).view(np.uint64)


@inlined
def bits_to_float(bits):
    """Return the float64 that has these bits."""
    return np.uint64(bits).view(np.float64)


@inlined
def random_word(counter, key):
    """Return 64 random bits: the finalizer of SplitMix64 with a second key between its rounds."""
    z = (counter ^ (counter >> _30)) * _u(0xBF58476D1CE4E5B9)
    z = (z ^ key ^ (z >> _27)) * _u(0x94D049BB133111EB)
    return z ^ (z >> _31)


@compiled
def run_key(key, run):
    """Return the first counter and the key of one run; ``key`` holds the 2 random words of its cell."""
    counter = random_word(key[0] + _u(run) * COUNTER_STEP, key[1])
    return counter, random_word(counter + COUNTER_STEP, key[0])


@inlined
def box_muller(first, second):
    """Return (r^2, cos, sin) of the normal deviates r cos and r sin, from 64 random bits for r and for the angle.

    The caller takes the root, together with other roots. The polynomials interpolate at Chebyshev nodes. The error of
    log is 3e-14 and that of sin is 8e-14 (relative); the error of cos is 8e-13 (absolute).
    """
    u = 2.0 - bits_to_float(_BITS_OF_ONE | (first >> _12))  # in (0, 1]
    # u = m 2^k with m in [sqrt(1/2), sqrt 2): log u = k log 2 + 2 artanh s
    bits = float_to_bits(u)
    exponent = (bits - _BITS_OF_SQRT_HALF + _SHIFTED_OFFSET) >> _52
    m = bits_to_float(bits + _SHIFTED_OFFSET - (exponent << _52))
    k = bits_to_float(exponent | _BITS_OF_2_52) - (2.0**52 + _EXPONENT_OFFSET)
    s = (m - 1.0) / (m + 1.0)
    q = s * s
    p = 0.221742499100774898 + q * 0.196080956397530527
    p = 0.666666666795792521 + q * (0.399999948918323827 + q * (0.285721661458757251 + q * p))
    log = k * 0.693147180559945309 + s * (1.99999999999994719 + q * p)
    # The angle lies in the right half circle. The lowest bit, which the angle does not use, mirrors it to the left.
    v = (bits_to_float(_BITS_OF_ONE | (second >> _12)) - 1.5) * math.pi
    q = v * v
    p = 2.75569529128580484e-6 + q * (-2.50302681888227913e-8 + q * 1.54112197466488985e-10)
    p = -0.166666666664666716 + q * (0.00833333332035834848 + q * (-0.000198412666831306727 + q * p))
    sin = v * (0.999999999999949651 + q * p)
    p = 0.0000248010399280082718 + q * (-2.75246704250816641e-7 + q * 1.99075061037602279e-9)
    p = -0.499999999970127497 + q * (0.0416666664728517938 + q * (-0.0013888884170789054 + q * p))
    cos = 0.999999999999247963 + q * p
    cos = bits_to_float(float_to_bits(cos) ^ ((second & _1) << _63))
    return -2.0 * log, cos, sin


@inlined
def exp(v):
    """Return e^v to a relative 2e-14, with v limited to [-700, 700]."""
    v = 700.0 if v > 700.0 else v
    v = -700.0 if v < -700.0 else v
    shifted = v * 1.4426950408889634 + 6755399441055744.0  # adding 1.5 2^52 rounds to the nearest integer n
    n = shifted - 6755399441055744.0
    r = (v - n * 0.693147180369123816) - n * 1.90821492927058770e-10  # v - n log 2; two parts of log 2 avoid rounding
    p = 0.0000248844597517511147 + r * 2.76326406754302357e-6
    p = 0.00833333336731160369 + r * (0.00138888017496565425 + r * (0.000198411906475442397 + r * p))
    p = 0.499999999994385892 + r * (0.16666666666615647 + r * (0.0416666670405519065 + r * p))
    p = 1.00000000000001349 + r * (1.00000000000000123 + r * p)
    return p * bits_to_float((float_to_bits(shifted) << _52) + _BITS_OF_ONE)  # times 2^n
