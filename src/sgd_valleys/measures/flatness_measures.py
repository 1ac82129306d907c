"""Registry of the measures of flatness, one function per measure.

To add a measure, write a function of a :class:`~sgd_valleys.measures.point.Point` that returns a number, or an
:class:`Estimate`, and decorate the function with :func:`measure`. The configuration, the files, and
:class:`~sgd_valleys.results.cell.Cell` then accept the function's name.

Notation: theta are all parameters, and W (out, in) the weights of the studied layer with rows w_s. H is the Hessian of
the mean loss L in W, and lambda_i are its eigenvalues in descending order. L is the mean over the images of the
Hessian.

The rescaling of the layers of a ReLU network multiplies the weights of every layer by a positive factor. The biases of
a layer are multiplied by the product of the factors up to this layer. The network computes the same function if the
product of all factors is 1. The rescaling of a hidden unit multiplies the weights into the unit and its bias, and
divides the weights out of the unit.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sgd_valleys.errors import refuse_all, suggest
from sgd_valleys.measures.flatness import flatness
from sgd_valleys.measures.perturbation import Perturbation
from sgd_valleys.randomness import Stage, stream

if TYPE_CHECKING:  # the check of a configuration needs only names, and this import is slow
    from sgd_valleys.measures.point import Point
    from sgd_valleys.networks.network import Parameters


class Estimate(NamedTuple):
    """An estimate from random displacements, with its standard error."""

    value: float
    standard_error: float


ANY_FLATNESS = re.compile(r"flatness_[1-9]\d*")
Function = Callable[["Point"], "float | Estimate"]


@dataclass(frozen=True)
class Measure:
    """A measure of flatness.

    Attributes:
        name: name of the measure and of its array in the files.
        evaluate: returns the value at a point.
        formula: formula in the notation of this module.
        source: source of the definition.
        units: units for a loss in nat.
        invariant: whether the measure does not change when a ReLU network is rescaled layer by layer.
        unit_invariant: whether the measure does not change when a ReLU network is rescaled hidden unit by hidden unit.
        random: whether random displacements estimate the value, which then has a standard error.
    """

    name: str
    evaluate: Function
    formula: str
    source: str
    units: str
    invariant: bool = False
    unit_invariant: bool = False
    random: bool = False

    @property
    def name_of_error(self) -> str:
        """The name of the standard error."""
        return f"{self.name}_standard_error"

    @property
    def invariances(self) -> str:
        """The rescalings of a ReLU network under which the measure does not change."""
        found = [name for name, holds in (("layers", self.invariant), ("units", self.unit_invariant)) if holds]
        return " and ".join(found) or "none"


def measure(formula: str, source: str, *, units: str = "nat", **properties: bool) -> Callable[[Function], Function]:
    """Return a decorator that registers a function as a measure, and adds its properties to the docstring.

    Args:
        formula: formula in the notation of this module.
        source: source of the definition.
        units: units for a loss in nat.
        properties: ``invariant``, ``unit_invariant`` and ``random`` of :class:`Measure`, False by default.
    """

    def register(function: Function) -> Function:
        found = Measure(function.__name__, function, formula, source, units, **properties)
        lines = f"Formula: {formula}", f"Source: {source}", f"Invariant under rescaling of: {found.invariances}"
        docstring = (function.__doc__ or "").rstrip()
        function.__doc__ = "\n    ".join([f"{docstring}\n", *lines, ""])
        MEASURES[found.name] = found
        return function

    return register


def flatness_measure(N: int) -> Measure:
    """Return the flatness F of Eq. 6 with N eigenvalues; NaN where one of them is not positive."""
    formula = f"(lambda_1 ... lambda_{N})^(-1/{N})"
    return Measure(f"flatness_{N}", lambda point: float(flatness(point.top(N))), formula, "Eq. 6", "1/nat")


MEASURES: dict[str, Measure] = {f"flatness_{N}": flatness_measure(N) for N in (5, 9, 10, 20)}


@measure("lambda_1", "Hochreiter & Schmidhuber 1997; Keskar et al. 2017 (1609.04836)")
def largest_eigenvalue(point: "Point") -> float:
    """Compute the largest eigenvalue of the layer's Hessian."""
    return float(point.top(1)[0])


@measure("Tr H = sum_i lambda_i", "Dinh et al. 2017 (1703.04933)")
def hessian_trace(point: "Point") -> float:
    """Compute the trace of the layer's Hessian in closed form."""
    return point.trace


@measure(
    "sum_{s,s'} <w_s, w_s'> Tr H_ss'", "Petzka et al. 2021 (2001.00939), relative flatness of a layer", invariant=True
)
def relative_flatness(point: "Point") -> float:
    """Compute the relative flatness of the layer; H_ss' (in, in) is the block of H for the units s and s'."""
    return float(np.sum((point.weight @ point.weight.T) * point.hessian.block_traces()))


@measure("|W|^2 Tr H", "Petzka et al. 2019 (1912.00058)", invariant=True)
def trace_times_norm(point: "Point") -> float:
    """Compute the trace of the layer's Hessian times the squared Frobenius norm of its weights."""
    return point.trace * float(np.sum(point.weight**2))


@measure("|W|^2 lambda_1", "Petzka et al. 2019 (1912.00058)", invariant=True)
def eigenvalue_times_norm(point: "Point") -> float:
    """Compute the largest eigenvalue of the layer's Hessian times the squared Frobenius norm of its weights."""
    return float(point.top(1)[0]) * float(np.sum(point.weight**2))


@measure(
    "(mean_n (theta . grad l_n)^2)^(1/2)",
    "Liang et al. 2019 (1711.01530), with the labels of the data",
    invariant=True,
    unit_invariant=True,
)
def fisher_rao_norm(point: "Point") -> float:
    """Compute the empirical Fisher-Rao norm of all parameters.

    Without biases a ReLU network of d layers has theta . grad l_n = d <dl_n/df, f_n> with the logits f.
    """
    return float(np.sqrt(np.mean(point.radial_slope(point.labels) ** 2)))


@measure(
    "(mean_n sum_y p_ny (theta . grad l_n(y))^2)^(1/2)",
    "Liang et al. 2019 (1711.01530), with labels drawn from the softmax p",
    invariant=True,
    unit_invariant=True,
)
def fisher_rao_norm_of_model(point: "Point") -> float:
    """Compute the Fisher-Rao norm of all parameters.

    For the cross-entropy the Fisher matrix is the Gauss-Newton matrix.
    """
    p = point.probability
    square = sum(p[:, y] * point.radial_slope(np.full_like(point.labels, y)) ** 2 for y in range(p.shape[1]))
    return float(np.sqrt(np.mean(square)))


@measure(
    "max_{|delta|_2 <= radius} L(theta + |theta| delta) - L(theta)",
    "Kwon et al. 2021 (2102.11600), element-wise, biases included, without offset",
    invariant=True,
    unit_invariant=True,
)
def adaptive_sharpness(point: "Point") -> float:
    """Compute the adaptive sharpness of all parameters: the largest increase that projected ascent finds.

    The ascent is deterministic. Every step adds radius times the normalized gradient in delta, and projects delta onto
    the ball. The first step is that of ASAM. The maximum over all steps is a lower bound of the maximum over the ball.
    """
    radius, theta = point.perturbation.radius, point.parameters
    scale = {name: np.abs(array) for name, array in theta.items()}
    delta = {name: np.zeros_like(array) for name, array in theta.items()}
    start, slope = point.loss_and_gradient(theta)
    best = start
    for _ in range(point.perturbation.steps):
        ascent = {name: scale[name] * slope[name] for name in theta}
        length = _norm(ascent)
        if length == 0 or not np.isfinite(length):
            break
        delta = {name: delta[name] + radius / length * ascent[name] for name in theta}
        shrink = radius / max(radius, _norm(delta))
        delta = {name: shrink * array for name, array in delta.items()}
        reached, slope = point.loss_and_gradient({name: theta[name] + scale[name] * delta[name] for name in theta})
        best = max(best, reached)
    return best - start


@measure(
    "E L(theta + s |theta| xi) - L(theta), s = relative_sigma",
    "Andriushchenko et al. 2023 (2302.07011), element-wise average case",
    invariant=True,
    unit_invariant=True,
    random=True,
)
def average_adaptive_sharpness(point: "Point") -> Estimate:
    """Estimate the mean increase of the loss under a Gaussian displacement of every parameter relative to its size."""
    s = point.perturbation.relative_sigma
    return _mean_increase(point, lambda xi: {name: s * np.abs(point.parameters[name]) * xi[name] for name in xi})


@measure("E L(theta + s xi) - L(theta), s = sigma", "Neyshabur et al. 2017 (1706.08947)", random=True)
def perturbation_increase(point: "Point") -> Estimate:
    """Estimate the mean increase of the loss under an isotropic Gaussian displacement xi of all parameters."""
    s = point.perturbation.sigma
    return _mean_increase(point, lambda xi: {name: s * array for name, array in xi.items()})


@measure(
    "E L(theta + s d) - L(theta), d_f = xi_f |theta_f| / |xi_f| for every filter f, s = relative_sigma",
    "Li et al. 2018 (1712.09913), average over directions",
    invariant=True,
    random=True,
)
def filter_normalized_increase(point: "Point") -> Estimate:
    """Estimate the mean increase of the loss along random directions with the filter norms of the network.

    A filter holds the weights into one unit or output channel. The displacement does not change the biases.
    """
    s = point.perturbation.relative_sigma

    def displacement(xi: "Parameters") -> dict[str, np.ndarray]:
        found = {}
        for name, array in xi.items():
            axes = tuple(range(1, array.ndim))  # axes of a filter; a bias has none
            own, drawn = (np.sum(each**2, axis=axes, keepdims=True) for each in (point.parameters[name], array))
            found[name] = s * np.sqrt(own / drawn) * array if axes else np.zeros_like(array)
        return found

    return _mean_increase(point, displacement)


def _norm(parameters: "Parameters") -> float:
    return float(np.sqrt(sum(np.vdot(array, array) for array in parameters.values())))


def _mean_increase(point: "Point", displacement: "Callable[[Parameters], Parameters]") -> Estimate:
    """Average the increase over antithetic pairs; all points and measures draw from the same random stream."""
    rng, pairs = stream(point.seed, Stage.FLATNESS), point.perturbation.pairs
    increase = [point.mean_increase_of_pair(displacement(point.draw(rng))) for _ in range(pairs)]
    return Estimate(float(np.mean(increase)), float(np.std(increase, ddof=1) / np.sqrt(pairs)))


def measure_errors(names: str | Iterable[str]) -> Iterator[str]:
    """Yield an error message for every name that is not a measure."""
    for name in () if names == "all" else names:
        if name not in MEASURES and not ANY_FLATNESS.fullmatch(name):
            allowed = (
                f"allowed are all, {', '.join(MEASURES)}, and flatness_N for any N >= 1{suggest([name], MEASURES)}"
            )
            yield f"measures = {name}: not a measure of flatness; {allowed}; correct the name."


def find_measures(names: str | Iterable[str]) -> list[Measure]:
    """Return measures by their names; "all" returns every registered measure, and ``flatness_N`` allows any N >= 1.

    Raises:
        UserError: a name is not a measure.
    """
    names = MEASURES if names == "all" else list(names)
    refuse_all(measure_errors(names))
    return [MEASURES[name] if name in MEASURES else flatness_measure(int(name.split("_")[1])) for name in names]


def flatness_settings(section: Mapping[str, Any]) -> dict[str, Any]:
    """Return the section ``flatness`` of an experiment with defaults, and with all names in place of "all"."""
    names = [each.name for each in find_measures(section["measures"])]
    return {**asdict(Perturbation.from_settings(section)), "measures": names}


def evaluate(point: "Point", names: str | Sequence[str] = "all") -> dict[str, float]:
    """Compute measures of flatness at a point; random ones come with ``<name>_standard_error``.

    Args:
        point: point of parameter space.
        names: names of measures, or "all".

    Returns:
        values by name; all NaN if the network's outputs are not finite.

    Raises:
        UserError: a name is not a measure.
    """
    return dict(_values(point, find_measures(names)))


def _values(point: "Point", measures: Iterable[Measure]) -> "Iterator[tuple[str, float]]":
    with np.errstate(over="ignore", invalid="ignore"):  # the parameters of a diverged run are not finite
        finite = point.is_finite
    for each in measures:
        value = each.evaluate(point) if finite else Estimate(np.nan, np.nan) if each.random else np.nan
        if isinstance(value, Estimate):
            yield each.name_of_error, value.standard_error
            value = value.value
        yield each.name, value
