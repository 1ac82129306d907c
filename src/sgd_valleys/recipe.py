"""The recipe of a training: loss, noise, momentum and their schedule.

The attributes have the names of the settings in the section ``training`` of an experiment.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from sgd_valleys.errors import out_of_range, refuse_all, unknown_value

LOSSES = ("cross_entropy", "mse", "mse_softmax")
SAMPLINGS = ("epoch", "fresh")
ISOTROPIC = ("isotropic", "isotropic_by_layer")  # their total variance is that of minibatch noise at every step
NOISES = ("minibatch", "none", "covariance", *ISOTROPIC, "constant")
SCALED = ("covariance", *ISOTROPIC)  # kinds of noise that use ``noise_scale``


@dataclass(frozen=True, kw_only=True)
class Dynamics:
    """The settings of one step of a training.

    Attributes:
        eta: learning rate.
        B: batch size in samples, which sets the strength of every noise except ``constant``.
        loss: one of ``LOSSES``.
        noise: one of ``NOISES``.
        sampling: one of ``SAMPLINGS``; minibatches visit all samples in random order ("epoch"), or each is a new random
            subset ("fresh").
        noise_layers: layers in which the noise acts, counted from 1; None for all.
        noise_scale: factor on the standard deviation of a noise in ``SCALED``.
        noise_strength: standard deviation of constant noise in each component of the gradient, in units of the loss.
        momentum: factor on the velocity of the last step, as in ``torch.optim.SGD``.
        weight_decay: coefficient of the penalty |theta|^2 / 2, with all parameters theta.
    """

    eta: float
    B: int
    loss: str = "cross_entropy"
    noise: str = "minibatch"
    sampling: str = "epoch"
    noise_layers: tuple[int, ...] | None = None
    noise_scale: float = 1.0
    noise_strength: float | None = None
    momentum: float = 0.0
    weight_decay: float = 0.0

    def is_deterministic(self, M: int) -> bool:
        """Whether a step on M training samples has no noise: by the setting ``noise``, or because B = M."""
        return self.noise == "none" or (self.noise != "constant" and self.B == M)

    def has_minibatches(self, M: int) -> bool:
        """Whether a step visits a minibatch of the M training samples."""
        return self.noise == "minibatch" and self.B < M

    def draws(self, M: int) -> str | None:
        """Return the kind of random numbers that a step needs.

        Args:
            M: number of training samples.

        Returns:
            "minibatch", "weights" of the samples, or "normals" for the parameters; None for a step without noise.
        """
        if self.is_deterministic(M):
            return None
        if self.noise == "minibatch" and self.noise_layers is None:
            return "minibatch"
        return "weights" if self.noise in ("minibatch", "covariance") else "normals"

    def samples_per_step(self, M: int) -> int:
        """Return the number of samples that a step passes through the network: B for the draw "minibatch", else M."""
        return self.B if self.draws(M) == "minibatch" else M


@dataclass(frozen=True)
class Phase:
    """A part of a training with its own settings; None stands for the setting of the training.

    Attributes:
        until: share of the iterations at which the phase ends.
        until_loss: threshold of the training loss. The phase ends at the first recorded iteration with a lower loss;
            None uses ``until``.
        eta: factor on the learning rate of the training.
        B: batch size in samples.
        noise: one of ``NOISES``.
        momentum: see :class:`Dynamics`.
    """

    until: float = 1.0
    until_loss: float | None = None
    eta: float = 1.0
    B: int | None = None
    noise: str | None = None
    momentum: float | None = None

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "Phase":
        """Build a phase from an entry of ``training.schedule``, in which ``until`` may be {loss: number}."""
        until = settings["until"]
        ends = {"until_loss": until["loss"]} if isinstance(until, Mapping) else {"until": until}
        return cls(**{**settings, **ends})


@dataclass(frozen=True, kw_only=True)
class Recipe(Dynamics):
    """The settings of the training of a run; the defaults are those of the paper (Eqs. 2, 3).

    Attributes:
        iterations: number of steps T.
        schedule: phases in order, the last of which ends at T; empty for a training with constant settings.

    >>> recipe = Recipe(eta=0.05, B=50, iterations=2000, schedule=(Phase(0.25), Phase(1.0, noise="none")))
    >>> " ".join(phase.noise for phase in recipe.phases)
    'minibatch none'
    """

    iterations: int
    schedule: tuple[Phase, ...] = ()

    @classmethod
    def from_settings(cls, eta: float, B: int, iterations: int, settings: Mapping[str, Any]) -> "Recipe":
        """Build a recipe from the section ``training`` of an experiment.

        Args:
            eta: learning rate.
            B: batch size in samples.
            iterations: number of steps T.
            settings: the section; the settings ``OF_DATA_AND_STARTS`` are ignored.
        """
        layers = settings.get("noise_layers", "all")
        own = {
            **{name: value for name, value in settings.items() if name not in OF_DATA_AND_STARTS},
            "noise_layers": None if layers == "all" else tuple(layers),
            "schedule": tuple(map(Phase.from_settings, settings.get("schedule", ()))),
        }
        return cls(eta=eta, B=B, iterations=iterations, **own)

    @property
    def phases(self) -> tuple[Dynamics, ...]:
        """The settings of a step in each phase; one phase without a schedule."""
        constant = Dynamics(**{field.name: getattr(self, field.name) for field in fields(Dynamics)})
        return tuple(
            replace(
                constant,
                eta=self.eta * phase.eta,
                **{name: value for name in ("B", "noise", "momentum") if (value := getattr(phase, name)) is not None},
            )
            for phase in self.schedule or (Phase(),)
        )

    def most_samples_per_step(self, M: int) -> int:
        """Return the largest number of samples that a step of any phase passes through the network."""
        return max(phase.samples_per_step(M) for phase in self.phases)

    def is_deterministic(self, M: int) -> bool:
        """Whether no phase on M training samples has noise."""
        return all(phase.is_deterministic(M) for phase in self.phases)

    def has_ended(self, phase: int, share: float, loss: float) -> bool:
        """Whether a phase has ended for a run.

        Args:
            phase: position in ``phases``.
            share: share of the iterations that the run has taken.
            loss: training loss of the run; a non-finite loss is not below any ``until_loss``.
        """
        end = self.schedule[phase] if self.schedule else Phase()
        return loss < end.until_loss if end.until_loss is not None else share >= end.until - SAME_SHARE

    def check(self, M: int, depth: int, points: int, dense: bool = True) -> None:
        """Refuse an invalid recipe.

        Args:
            M: number of training samples.
            depth: number of layers of the network.
            points: number of recorded points.
            dense: whether all layers are fully connected.

        Raises:
            UserError: settings are invalid; the message has a sentence for each of them.
        """
        refuse_all(recipe_errors(self, M, depth, points, dense))


OF_DATA_AND_STARTS = ("label_noise", "initializations")  # settings of ``training`` that do not belong to a recipe
SAME_SHARE = 1e-9  # shares of the iterations that differ by less count as equal


def recipe_errors(recipe: Recipe, M: int, depth: int, points: int, dense: bool) -> Iterator[str]:
    """Yield a sentence for every invalid setting of a recipe; see :meth:`Recipe.check`."""
    for name, value, allowed in (
        ("loss", recipe.loss, LOSSES),
        ("sampling", recipe.sampling, SAMPLINGS),
        ("noise", recipe.noise, NOISES),
    ):
        if value not in allowed:
            yield unknown_value(name, value, allowed)
    if not 0 <= recipe.momentum < 1:
        yield out_of_range("momentum", recipe.momentum, "values from 0 to below 1")
    if not recipe.weight_decay >= 0:
        yield out_of_range("weight_decay", recipe.weight_decay, "values of at least 0")
    if not recipe.noise_scale > 0:
        yield out_of_range("noise_scale", recipe.noise_scale, "values greater than 0")
    layers = recipe.noise_layers
    if layers is not None and (
        not layers or len(set(layers)) < len(layers) or not set(layers) <= {*range(1, depth + 1)}
    ):
        yield (
            f"noise_layers = {list(layers)}: not a list of distinct layers of the network; allowed are all, and lists "
            f"of distinct layers from 1 to {depth}; change the list."
        )
    yield from _schedule_errors(recipe, M, points)
    yield from _unused_errors(recipe, dense)


def _schedule_errors(recipe: Recipe, M: int, points: int) -> Iterator[str]:
    last = 0.0
    for k, phase in enumerate(recipe.schedule):
        where = f"schedule[{k}]"
        if phase.noise is not None and phase.noise not in NOISES:
            yield unknown_value(f"{where}.noise", phase.noise, NOISES)
        if phase.momentum is not None and not 0 <= phase.momentum < 1:
            yield out_of_range(f"{where}.momentum", phase.momentum, "values from 0 to below 1")
        if not phase.eta > 0:
            yield out_of_range(f"{where}.eta", phase.eta, "factors greater than 0")
        if phase.B is not None and (phase.B < 1 or M % phase.B):
            wrong = f"{where}.B = {phase.B}: not a divisor of the {M} training samples"
            yield f"{wrong}; allowed are divisors of {M}; change B."
        if phase.until_loss is not None:
            if not phase.until_loss > 0:
                yield out_of_range(f"{where}.until.loss", phase.until_loss, "values greater than 0")
        elif not last < phase.until <= 1:
            yield out_of_range(f"{where}.until", phase.until, f"ascending shares, here above {last:g} and up to 1")
        else:
            last, recorded = phase.until, phase.until * (points - 1)
            if abs(recorded - round(recorded)) > SAME_SHARE * points:
                yield (
                    f"{where}.until = {phase.until}: not at a recorded iteration; allowed are multiples of "
                    f"1/{points - 1}, for {points} recorded points; change until, or the number of points."
                )
    if recipe.schedule and (recipe.schedule[-1].until_loss is not None or recipe.schedule[-1].until != 1):
        where = f"schedule[{len(recipe.schedule) - 1}].until"
        yield f"{where}: the last phase does not end with the run; allowed is 1.0; change the value."


def _unused_errors(recipe: Recipe, dense: bool) -> Iterator[str]:
    """Yield a sentence for every setting that the kind of noise needs and lacks, or does not use."""
    noises = [phase.noise for phase in recipe.phases]
    constant, strength = "constant" in noises, recipe.noise_strength
    if constant and strength is None:
        yield (
            "noise_strength: missing with noise = constant; allowed are values greater than 0, the standard deviation "
            "of each component of the gradient; add noise_strength."
        )
    elif strength is not None and not constant:
        yield _no_effect("noise_strength", strength, "null", "constant")
    elif strength is not None and not strength > 0:
        yield out_of_range("noise_strength", strength, "values greater than 0")
    if recipe.noise_scale != 1 and not _any_of(noises, SCALED):
        yield _no_effect("noise_scale", recipe.noise_scale, "1", " or ".join(SCALED))
    if recipe.sampling != "epoch" and "minibatch" not in noises:
        yield _no_effect("sampling", recipe.sampling, "epoch", "minibatch")
    if recipe.noise_layers is not None and set(noises) == {"none"}:
        yield _no_effect("noise_layers", list(recipe.noise_layers), "all", "another kind")
    if not dense and (found := [noise for noise in noises if noise in ISOTROPIC]):
        yield (
            f"noise = {found[0]}: the variance has a closed form for fully connected layers only; allowed for a cnn "
            f"are {', '.join(noise for noise in NOISES if noise not in ISOTROPIC)}; choose one of these."
        )


def _no_effect(setting: str, value: object, default: str, noise: str) -> str:
    """Return the message for a setting that only another kind of noise uses."""
    return (
        f"{setting} = {value}: no effect with this kind of noise; allowed is {default}; delete {setting}, or set noise "
        f"to {noise}."
    )


def _any_of(values: Sequence[str], wanted: Sequence[str]) -> bool:
    return any(value in wanted for value in values)
