"""Means of samples that are drawn without replacement."""


def variance_of_mean(B: int, M: int) -> float:
    """Return the factor (1/B - 1/M) M / (M - 1) from the covariance of M values to that of the mean of B of them.

    With C = mean_n (g_n - g)(g_n - g)^T of the samples' gradients, it gives the covariance of a minibatch gradient.
    """
    return (1 / B - 1 / M) * M / (M - 1)
