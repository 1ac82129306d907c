"""Estimate the core time, memory and disk of a job from the sizes of network, data and runs.

Times refer to one core with ``REFERENCE`` floating-point operations a second (AVX-512 at 2.6 GHz). The estimate assumes
that times scale with the speed of matrix products. The constants were fitted to the tables of ``benchmarks`` and to
the run times of the paper. ``benchmarks/costs.py`` compares every stage with a finished run.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from sgd_valleys.config.experiment import Experiment
from sgd_valleys.recipe import Dynamics, Phase, Recipe

REFERENCE = 190e9  # FLOP/s of matrix products in float32 on the reference core
DOUBLE = REFERENCE / 2  # FLOP/s in float64
START, START_TORCH = 0.8, 2.5  # s, imports in a job without and with PyTorch
MEMORY, MEMORY_TORCH = 110.0, 330.0  # MB of a job without and with PyTorch, after the imports

TRAINING_EFFICIENCY, EVALUATION_EFFICIENCY = 0.9, 0.7  # fraction of REFERENCE that large matrix products reach
TRAINING_UNIT, EVALUATION_UNIT = 3.5e-9, 2.5e-9  # s per hidden unit and sample: activations, gathers, small products
STEP = 11e-6  # s per step of one run, independent of the samples
DOUBLE_EVALUATION = 2.5  # time of an evaluation in float64 over that in float32
# time of a step with noise on the full gradient over that of a step of gradient descent (benchmarks/arms.py)
FULL_NOISE = {"covariance": 1.1, "isotropic": 1.8, "isotropic_by_layer": 1.8, "constant": 1.6}
BYTE = 5e-9  # s to write one byte of a result, including its checksum


@dataclass(frozen=True)
class Cost:
    """The estimated cost of a job.

    Attributes:
        seconds: core time on the reference core, in s.
        mb: largest memory, in MB.
        disk: size of the results, in bytes.
    """

    seconds: float
    mb: float = MEMORY
    disk: float = 0.0

    @property
    def minutes(self) -> float:
        """Core time on the reference core, in min."""
        return self.seconds / 60


@dataclass(frozen=True)
class Arithmetic:
    """Sizes of an experiment's network, and times of its passes on the reference core.

    Attributes:
        products: (layer) multiplications per sample, first layer first.
        parameters: number of parameters.
        units: number of hidden units, including those of convolutions.
        layer_weights: (layer) number of weights, first layer first.
    """

    products: tuple[int, ...]
    parameters: int
    units: int
    layer_weights: tuple[int, ...]

    @classmethod
    def of(cls, experiment: Experiment) -> "Arithmetic":
        """Return the sizes of an experiment's network."""
        network, (_, rows, columns) = experiment.network, experiment.data_set.shape
        shapes = [network.weight_shape(k) for k in range(1, network.depth + 1)]
        weights = tuple(map(math.prod, shapes))
        convolutions = network.depth - len(network.dense_layers)
        pixels = [(rows >> k) * (columns >> k) if k < convolutions else 1 for k in range(len(shapes))]
        products = tuple(count * uses for count, uses in zip(weights, pixels, strict=True))
        return cls(products, sum(weights) + sum(shape[0] for shape in shapes), experiment.hidden_units, weights)

    @property
    def training_flop(self) -> int:
        """Floating-point operations per sample of a step: forward pass, and gradients of weights and hidden units."""
        return 6 * sum(self.products) - 2 * self.products[0]

    def step_seconds(self, samples: int, full: bool) -> float:
        """Return the time of a training step of one run, in s.

        Args:
            samples: number of samples per step.
            full: whether the samples are the whole training set in fixed order.
        """
        unit = 0.0 if full and self.products == self.layer_weights else TRAINING_UNIT  # GramReplicas has no such cost
        return STEP + samples * (self.training_flop / (TRAINING_EFFICIENCY * REFERENCE) + unit * self.units)

    def evaluation_seconds(self, samples: float, double: bool = False, upper: bool = False) -> float:
        """Return the time of a forward pass and the loss, in s.

        Args:
            samples: number of samples.
            double: whether the pass is in float64.
            upper: whether layer 1 is left out.
        """
        flop = 2 * sum(self.products[1 if upper else 0 :])
        seconds = samples * (flop / (EVALUATION_EFFICIENCY * REFERENCE) + EVALUATION_UNIT * self.units)
        return seconds * (DOUBLE_EVALUATION if double else 1.0)

    def above(self, layer: int) -> int:
        """Return the multiplications per sample of layer number ``layer`` (from 1) and of all layers above."""
        return sum(self.products[layer - 1 :])


def phase_shares(recipe: Recipe) -> Iterable[tuple[Dynamics, float]]:
    """Yield (settings of a step, share of the steps) for each phase.

    A phase that a loss ends is estimated to last until the end of the run.
    """
    start = 0.0
    for dynamics, phase in zip(recipe.phases, recipe.schedule or (Phase(),), strict=True):
        end = 1.0 if phase.until_loss is not None else phase.until
        yield dynamics, max(0.0, end - start)
        start = max(start, end)


def training_seconds(arithmetic: Arithmetic, recipe: Recipe, M: int) -> float:
    """Return the time of all steps of one run on M training samples, in s."""
    seconds = 0.0
    for dynamics, share in phase_shares(recipe):
        draws, samples = dynamics.draws(M), dynamics.samples_per_step(M)
        step = arithmetic.step_seconds(samples, full=draws != "minibatch")
        if draws in ("weights", "normals"):
            step *= FULL_NOISE.get(dynamics.noise, 2.0)  # 2: minibatch noise in some layers takes two passes
        seconds += share * recipe.iterations * step
    return seconds


def principal_components_seconds(points: int, weights: int) -> float:
    """Return the time of two principal components, in s.

    Up to 2000 points, the Gram matrix is diagonalized. Above, about 60 matrix-vector products are computed.

    Args:
        points: number of points.
        weights: number of weights of each point.
    """
    if points <= 2000:
        return (2 * points**2 * weights + 3 * points**3) / (0.5 * DOUBLE)
    return 60 * 2e-9 * points * weights
