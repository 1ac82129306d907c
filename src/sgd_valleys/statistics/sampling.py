"""Covariance of means of samples drawn without replacement."""


def variance_of_mean(B: int, M: int) -> float:
    """Return (1/B - 1/M) M / (M - 1), the variance of a mean of B out of M values over the variance of the values.

    The covariance of a minibatch gradient is this factor times C = mean_n (g_n - g)(g_n - g)^T, the covariance of the
    gradients of all M samples.
    """
    return (1 / B - 1 / M) * M / (M - 1)
