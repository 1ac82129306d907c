"""Derivatives of the losses in the logits, against automatic differentiation."""

import numpy as np
import pytest
import torch
from torch.func import grad, hessian, jacrev, vmap
from torch.nn import functional as F

from sgd_valleys.networks.loss import LOSSES
from sgd_valleys.networks.loss_derivatives import gauss_newton_roots, gradient

K = 4
rng = np.random.default_rng(3)
Z, Y = 3 * rng.normal(size=(20, K)), rng.integers(0, K, 20)
ONE_HOT = F.one_hot(torch.arange(K), K).double()
TORCH = {
    "cross_entropy": lambda z, y: -(torch.log_softmax(z, 0) * y).sum(),
    "mse": lambda z, y: (z - y).square().mean(),
    "mse_softmax": lambda z, y: (z.softmax(0) - y).square().mean(),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_the_gradient_is_torchs(loss: str) -> None:
    expected = vmap(grad(TORCH[loss]))(torch.from_numpy(Z), ONE_HOT[Y]).numpy()
    assert np.abs(gradient(loss, Z, Y) - expected).max() < 1e-14


@pytest.mark.parametrize("loss", LOSSES)
def test_the_roots_are_those_of_the_gauss_newton_matrix(loss: str) -> None:
    L = gauss_newton_roots(loss, Z)
    found = np.einsum("cni,cnj->nij", L, L)
    if loss == "mse_softmax":
        jacobian = vmap(jacrev(lambda z: z.softmax(0)))(torch.from_numpy(Z)).numpy()
        expected = 2 / K * jacobian.transpose(0, 2, 1) @ jacobian
    else:
        expected = vmap(hessian(TORCH[loss]))(torch.from_numpy(Z), ONE_HOT[Y]).numpy()
    assert np.abs(found - expected).max() < 1e-14
