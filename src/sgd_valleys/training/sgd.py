"""Training of many runs of one network, with the noise and the schedule of a recipe."""

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from sgd_valleys.data.subset import select_first
from sgd_valleys.errors import UserError, out_of_range
from sgd_valleys.networks.cnn import CNN
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.networks.network import Network, Parameters, check_parameters
from sgd_valleys.recipe import ISOTROPIC, Dynamics, Recipe
from sgd_valleys.training.cnn_replicas import CNNReplicas
from sgd_valleys.training.device import choose_device, single_thread
from sgd_valleys.training.mlp_replicas import GramReplicas, MLPReplicas
from sgd_valleys.training.moving_replicas import IsotropicReplicas, MovingReplicas
from sgd_valleys.training.recording import Recorder, Recording, Trajectory
from sgd_valleys.training.replicas import VELOCITY, Replicas, TrainingSet
from sgd_valleys.training.resume import Resume
from sgd_valleys.training.schedule import Begun, groups, next_phases
from sgd_valleys.training.stepping import Advance, stepping
from sgd_valleys.training.streams import Streams

Samples = tuple[np.ndarray, np.ndarray]  # inputs (sample, ...) and labels (sample)


def train(
    network: Network,
    starts: Parameters,
    train_set: Samples,
    test_set: Samples,
    recipe: Recipe,
    recording: Recording,
    *,
    streams: Sequence[Streams] = (),
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
    progress: Callable[[int], None] = lambda iterations: None,
    resume: Resume | None = None,
) -> Trajectory:
    """Train runs that differ in their random numbers, their starts, or both (Eqs. 2, 3; Sec. II D).

    Two shapes of ``starts`` are allowed:

    - the shapes of the network (``layer1_bias`` is (out)): all runs share one initialization, one run for each of
      ``streams``, or a single run without streams;
    - the same shapes with a leading run axis (``layer1_bias`` is (run, out)): one run per start.

    The bits of a run do not depend on the other runs.

    Args:
        network: architecture, an ``MLP`` or a ``CNN``.
        starts: parameters at iteration 0 by name, of one of the two shapes.
        train_set: inputs (M, ...) and labels (M).
        test_set: inputs (sample, ...) and labels (sample).
        recipe: learning rate, batch size, number of steps, noise and schedule. The batch size is a divisor of M, and
            B = M is full-batch gradient descent. The number of steps is a multiple of ``recording.points`` - 1.
        recording: settings of the recording.
        streams: random streams of each run (:func:`~sgd_valleys.training.streams.run_streams`); not read without noise.
        dtype: floating-point type of the computation, ``torch.float32`` or ``torch.float64``.
        device: device of the computation, or its name (:func:`~sgd_valleys.training.device.choose_device`).
        progress: called every few steps with the number of iterations just done, summed over runs.
        resume: saved state from which to resume with the same bits; None starts at iteration 0 and saves nothing.

    Returns:
        the record of all runs.

    Raises:
        UserError: an argument is not supported, or does not fit the others.
        ValueError: the recorded points do not divide the iterations.
    """
    M = len(train_set[1])
    replicas_class(network, M, recipe)  # refuses networks of other classes
    for name, samples in (("train_set", train_set), ("test_set", test_set)):
        _check_samples(name, samples, network.weight_shape(network.depth)[0])
    _check_numbers(recipe, M, dtype)
    recipe.check(M, network.depth, recording.points, dense=type(network) is MLP)
    interval = recording.interval(recipe.iterations)
    starts = _one_start_per_run(network, starts, len(streams))
    runs = len(starts["layer1_bias"])
    _check_checkpoints(recording, runs)
    if not recipe.is_deterministic(M) and len(streams) != runs:
        raise UserError(
            f"streams: {len(streams)} streams for {runs} runs with noise; allowed is one for each run; change streams."
        )
    device = choose_device(device) if isinstance(device, str) else device
    x_train, x_test = (torch.as_tensor(samples[0]).to(device, dtype) for samples in (train_set, test_set))
    y_train, y_test = (torch.as_tensor(samples[1]).to(device, torch.int64) for samples in (train_set, test_set))
    train_part = None
    if recording.train_samples:
        classes = network.weight_shape(network.depth)[0]
        per_class, rest = divmod(recording.train_samples, classes)
        if rest:
            allowed = f"multiples of the {classes} classes"
            raise UserError(out_of_range("recording.train_samples", recording.train_samples, allowed))
        x_part, y_part = select_first((train_set[0], train_set[1]), per_class, "recording.train_samples")
        train_part = torch.as_tensor(x_part).to(x_train), torch.as_tensor(y_part).to(y_train)
    training = _Training(network, TrainingSet(x_train, y_train), recipe, streams or [None] * runs)
    size = training.stack_size(runs, device)
    recorder = Recorder(recording, runs)
    saved = resume.load() if resume else {}
    saved_first, saved_point = recorder.restore(saved)
    with single_thread():
        for first in range(0, runs, size):
            active = np.arange(first, min(first + size, runs))
            if first < saved_first:
                progress(interval * int(recorder.last[active].sum()))
                continue
            if first == saved_first:
                point = saved_point
                progress(interval * int(np.minimum(recorder.last[active], point).sum()))
                active = active[recorder.last[active] > point]
                state, begun = recorder.stack_of(saved)
            else:
                point, begun = -1, [(0,)] * len(active)
                state = {name: array[active] for name, array in starts.items()}
            parts = training.parts(state, begun, active, max(point, 0) * interval)
            while parts:
                point += 1
                for part in parts:
                    part.advance(interval if point else 0, progress)
                for part in parts:
                    recorder.record(part.replicas, part.replica, part.runs, point, (x_test, y_test), train_part)
                step = point * interval
                loss, stays = recorder.losses(active, point), recorder.last[active] > point
                after = [next_phases(recipe, each, step, own) for each, own in zip(begun, loss, strict=True)]
                if not stays.all() or after != begun:
                    state = {name: array[stays] for name, array in _joined(parts).items()}
                    active, begun = active[stays], [each for each, stay in zip(after, stays, strict=True) if stay]
                    parts = training.parts(state, begun, active, step)
                if parts and resume is not None and resume.is_due():
                    resume.save(recorder.state(_joined(parts), begun, first, point))
    return recorder.trajectory(recipe.iterations)


@dataclass(frozen=True)
class _Part:
    """The runs of a stack that began their phases at the same iterations, and advance together.

    Attributes:
        runs: (run) numbers of the runs.
        replica: (run) position of the replica that trains each run; identical runs without noise share one replica.
        replicas: the replicas that train the runs.
        step: function that advances the replicas.
    """

    runs: np.ndarray
    replica: np.ndarray
    replicas: Replicas
    step: Advance

    def advance(self, steps: int, progress: Callable[[int], None]) -> None:
        while steps:
            taken = self.step(steps)
            steps -= taken
            progress(taken * len(self.runs))
        self.replicas.synchronize()

    def state(self) -> dict[str, np.ndarray]:
        """Return the state (run, ...) of the runs by name."""
        return {name: array[self.replica] for name, array in self.replicas.state().items()}


@dataclass(frozen=True)
class _Training:
    """The settings that all stacks of a training share."""

    network: Network
    training_set: TrainingSet
    recipe: Recipe
    streams: Sequence[Streams | None]

    def stack_size(self, runs: int, device: torch.device) -> int:
        """Return how many runs train together: the smallest number over the phases."""
        M = len(self.training_set.labels)
        return min(
            replicas_class(self.network, M, phase).stack_size(runs, phase.samples_per_step(M), device)
            for phase in self.recipe.phases
        )

    def parts(self, state: Parameters, begun: Sequence[Begun], runs: np.ndarray, step: int) -> list[_Part]:
        """Divide a stack into the runs that advance together.

        Args:
            state: state (run, ...) of the runs by name.
            begun: phases of each run.
            runs: (run) numbers of the runs.
            step: number of iterations that the runs have taken.
        """
        found = []
        offsets = [each.first_step if (each := self.streams[run]) else 0 for run in runs]
        for (phases, _), rows in groups(list(zip(begun, offsets, strict=True))).items():
            own = {name: array[rows] for name, array in state.items()} if len(rows) < len(begun) else state
            dynamics, M = self.recipe.phases[len(phases) - 1], len(self.training_set.labels)
            chosen = replica = np.arange(len(rows))
            if dynamics.draws(M) is None:  # identical runs stay identical without noise: one replica trains all of them
                chosen, replica = _distinct(own)
                own = {name: array[chosen] for name, array in own.items()}
            replicas = replicas_class(self.network, M, dynamics)(self.network, own, self.training_set, dynamics)
            streams = [self.streams[run] for run in runs[rows][chosen]]
            advance = stepping(replicas, streams, self.recipe, phases, step)
            found.append(_Part(runs[rows], replica, replicas, advance))
        return found


def _distinct(state: Parameters) -> tuple[np.ndarray, np.ndarray]:
    """Find the distinct states among ``state`` (run, ...).

    Returns:
        the first run of each distinct state, and (run) the position of each run's state among them.
    """
    rows = [b"".join(array[r].tobytes() for array in state.values()) for r in range(len(state["layer1_bias"]))]
    positions = groups(rows)
    chosen = [runs[0] for runs in positions.values()]
    replica = np.empty(len(rows), int)
    for k, runs in enumerate(positions.values()):
        replica[runs] = k
    return np.array(chosen), replica


def _joined(parts: Sequence[_Part]) -> dict[str, np.ndarray]:
    """Join the states of the parts of a stack, in the order of the runs.

    If only some parts have momentum, the velocities of the other parts are 0.
    """
    states = [part.state() for part in parts]
    if len(states) == 1:
        return states[0]
    order = np.argsort(np.concatenate([part.runs for part in parts]))
    names = dict.fromkeys(name for state in states for name in state)
    joined = {}
    for name in names:
        plain = name.removeprefix(VELOCITY)
        arrays = [state.get(name, np.zeros_like(state[plain])) for state in states]
        joined[name] = np.concatenate(arrays)[order]
    return joined


def replicas_class(network: Network, M: int, dynamics: Dynamics) -> type[Replicas]:
    """Choose the class that trains a network on M samples; for an MLP, the class with the fewest operations.

    Per sample and hidden unit, the first layer takes 2 M operations through the Gram matrix, else 4 times the number of
    inputs.

    Raises:
        UserError: the network is neither an ``MLP`` nor a ``CNN``. Subclasses, whose changes would have no effect, are
            refused too.
    """
    if type(network) is CNN:
        return CNNReplicas
    if type(network) is MLP:
        draws = dynamics.draws(M)
        if draws == "normals" and dynamics.noise in ISOTROPIC:
            return IsotropicReplicas
        if draws == "normals" or dynamics.momentum or dynamics.weight_decay:
            return MovingReplicas
        return GramReplicas if 2 * network.sizes[0] >= M else MLPReplicas
    raise UserError(
        f"network = {type(network).__name__}: the training has no gradients of this class; allowed are "
        "sgd_valleys.networks.mlp.MLP and sgd_valleys.networks.cnn.CNN, without subclasses; use one of these."
    )


def _one_start_per_run(network: Network, starts: Parameters, runs: int) -> Parameters:
    """Return one start per run (run, ...); a shared initialization is repeated for each run, at least once."""
    bias = starts.get("layer1_bias")
    if bias is not None and np.ndim(bias) == 2:
        check_parameters(network, starts, "starts", (len(bias),))
        return starts
    check_parameters(network, starts, "starts")
    return {name: np.repeat(array[None], max(1, runs), axis=0) for name, array in starts.items()}


def _check_numbers(recipe: Recipe, M: int, dtype: torch.dtype) -> None:
    eta, B = recipe.eta, recipe.B
    scalar = np.isscalar(eta)
    if not (scalar and math.isfinite(eta) and eta > 0):
        raise UserError(out_of_range("eta", eta, "positive, finite numbers"))
    for name, value in (("B", B), ("iterations", recipe.iterations)):
        if not hasattr(value, "__index__") or operator.index(value) < 1:
            raise UserError(out_of_range(name, value, "integers of at least 1"))
    if M % B:
        raise UserError(f"B = {B}: not a divisor of the {M} training samples; allowed are divisors of {M}; change B.")
    if dtype not in (torch.float32, torch.float64):
        raise UserError(f"dtype = {dtype}: unsupported; allowed are torch.float32 and torch.float64; change dtype.")


def _check_samples(name: str, samples: Samples, classes: int) -> None:
    """Check labels, since a loss may accept invalid labels without an error."""
    inputs, labels = samples[0], torch.as_tensor(samples[1])
    valid = labels.shape == (len(inputs),) and len(inputs) > 0 and not labels.is_floating_point()
    if not valid or labels.min() < 0 or labels.max() >= classes:
        raise UserError(
            f"{name}: invalid labels; allowed is one integer from 0 to {classes - 1} for each of the {len(inputs)} "
            "inputs; change the labels."
        )


def _check_checkpoints(recording: Recording, runs: int) -> None:
    named = {run: [*points] for run, points in recording.checkpoints.items()}
    for name, by_run in (("checkpoints", named), ("last", {run: [point] for run, point in recording.last.items()})):
        for run, points in by_run.items():
            if not 0 <= run < runs or not all(0 <= point < recording.points for point in points):
                raise UserError(
                    f"recording.{name} = {dict(getattr(recording, name))}: no such run or point; allowed are runs 0 to "
                    f"{runs - 1} and points 0 to {recording.points - 1}; change the numbers."
                )
    for run, last in recording.last.items():
        if beyond := [point for point in named.get(run, ()) if point > last]:
            raise UserError(
                f"recording.checkpoints = {dict(recording.checkpoints)}: run {run} ends before point {beyond[0]}; "
                f"allowed are points up to {last}; delete later points, or raise recording.last."
            )
