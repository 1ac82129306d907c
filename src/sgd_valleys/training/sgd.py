"""Stochastic gradient descent on the runs of a cell, which differ only in their minibatches, and its record.

How a network's replicas move is the matter of a *stack* of them: :mod:`sgd_valleys.stacks` for fully connected
networks, :mod:`sgd_valleys.convolution` for convolutional ones.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch

from sgd_valleys.errors import UserError
from sgd_valleys.networks.cnn import CNN
from sgd_valleys.networks.network import Network
from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.training import mlp_replicas
from sgd_valleys.training.cnn_replicas import ConvolutionalStack
from sgd_valleys.training.mlp_replicas import GramStack, Stack
from sgd_valleys.training.resume import Resume

AnyStack = Stack | ConvolutionalStack
STACK_SAMPLES = 4000  # replicas times minibatch at which a stack of fully connected networks outgrows the cache


@dataclass
class Trajectory:
    """What was recorded of a stack of runs.

    ``iteration`` is (time); losses and accuracies are (realization, time), float64; ``test_error``
    (realization, time, test_sample) says which test samples are misclassified; ``layer_weight``
    (realization, time, out, in) is the weight matrix of the layer under study; ``final`` holds every
    parameter with a leading realization axis; ``checkpoint`` the same with axes (checkpoint, time, ...)
    for the realizations and the recorded times asked for. A run that leaves the finite numbers is
    ``diverged``: its values are NaN from then on and its test samples count as misclassified.
    """

    iteration: np.ndarray
    train_loss: np.ndarray
    test_loss: np.ndarray
    train_accuracy: np.ndarray
    test_accuracy: np.ndarray
    test_error: np.ndarray
    layer_weight: np.ndarray
    final: dict[str, np.ndarray]
    checkpoint: dict[str, np.ndarray]
    diverged: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.diverged = ~np.isfinite(self.train_loss).all(axis=1)


def variables(run: Trajectory, axis: str, layer: int) -> dict[str, Variable]:
    """What is recorded of every run along the way, as it is stored: axes (``axis``, time), and what each value has."""
    series = (axis, "time")
    return {
        "iteration": Variable(("time",), run.iteration, "iteration t", "iterations"),
        "train_loss": Variable(series, run.train_loss, "training loss, mean cross-entropy", "nat"),
        "test_loss": Variable(series, run.test_loss, "test loss, mean cross-entropy", "nat"),
        "train_accuracy": Variable(series, run.train_accuracy, "training accuracy"),
        "test_accuracy": Variable(series, run.test_accuracy, "test accuracy"),
        "test_error": Variable((*series, "test_sample"), run.test_error, "whether the test sample is misclassified"),
        "diverged": Variable((axis,), run.diverged, "whether the run left the finite numbers"),
        "layer_weight": Variable((*series, "out", "in"), run.layer_weight, f"weights of layer {layer}"),
    }


def parameter_variables(
    parameters: Mapping[str, np.ndarray], prefix: str, axes: tuple[str, ...], when: str
) -> dict[str, Variable]:
    """Whole parameters as they are stored: each has ``axes``, and then (layer1_out, layer1_in, ...) or (layer1_out)."""
    found = {}
    for name, array in parameters.items():
        layer = name.split("_")[0]
        own = [f"{layer}_{axis}" for axis in ("out", "in", "row", "column")][: array.ndim - len(axes)]
        found[f"{prefix}_{name}"] = Variable((*axes, *own), array, f"{name} {when}")
    return found


def choose_device(name: str) -> torch.device:
    """The device that a setting names: "cpu", "cuda", or "auto" for a GPU where there is one.

    Raises:
        UserError: a GPU is asked for and there is none.
    """
    # TF32 keeps 10 bits of the mantissa: too few for a gradient that has to agree with the CPU's
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True  # the same seed, the same run
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("device is cuda, but PyTorch finds no GPU here: set it to cpu or auto.")
    return torch.device("cuda" if name == "cuda" or (name == "auto" and torch.cuda.is_available()) else "cpu")


def minibatch_order(rng: np.random.Generator, samples: int) -> Iterator[np.ndarray]:
    """The training set reshuffled every epoch: one permutation of ``range(samples)`` after the other."""
    while True:
        yield rng.permutation(samples)


def stack_kind(network: Network, M: int) -> type[AnyStack]:
    """The kind of stack for a network and M training samples: of the fully connected ones that which costs less.

    Through the Gram matrix the first layer takes 2 M operations a sample and hidden unit, else 4 times the input.
    """
    if isinstance(network, CNN):
        return ConvolutionalStack
    return GramStack if 2 * network.sizes[0] >= M else Stack


def train(
    network: Network,
    initial: Mapping[str, np.ndarray],
    train_set: tuple[np.ndarray, np.ndarray],
    test_set: tuple[np.ndarray, np.ndarray],
    *,
    eta: float,
    B: int,
    iterations: int,
    points: int,
    orders: Sequence[Iterator[np.ndarray]],
    layer: int,
    checkpoints: Sequence[int] = (),
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
    progress: Callable[[int], None] = lambda iterations: None,
    resume: Resume | None = None,
) -> Trajectory:
    """Train one run for each minibatch order, all from the same initialization (Eqs. 2, 3).

    Args:
        network: its architecture.
        initial: its parameters at the start, by name.
        train_set: inputs (M, in) and labels (M).
        test_set: likewise.
        eta: learning rate.
        B: batch size, a divisor of M; B = M is full-batch gradient descent.
        iterations: T, a multiple of ``points - 1``.
        points: recorded iterations 0, T/(points - 1), ..., T.
        orders: for each realization the permutations of the training set, an epoch each
            (see :func:`minibatch_order`); not read where B = M.
        layer: whose weights are recorded, counted from 1.
        checkpoints: positions in ``orders`` whose whole parameters are recorded at every point.
        dtype: of the computation.
        device: of the computation.
        progress: called with the number of iterations just done, those of all runs added up, after every few.
        resume: where to go on from, bit for bit, and where to save at recorded times; None begins at the beginning.

    Raises:
        ValueError: B does not divide M, or the points do not divide the iterations.
    """
    M = len(train_set[1])
    if M % B:
        raise ValueError(f"batch size {B} does not divide the training set of {M}")

    def schedule(stack: AnyStack, runs: slice, done: int) -> Callable[[int], int]:
        return _full_batch(stack) if B == M else _minibatches(stack, orders[runs], done)

    starts = {name: np.repeat(array[None], len(orders), axis=0) for name, array in initial.items()}
    kept = {c: range(points) for c in checkpoints}
    return _run(
        network,
        starts,
        train_set,
        test_set,
        eta,
        B,
        iterations,
        points,
        schedule,
        layer,
        kept,
        dtype,
        device,
        progress,
        resume,
    )


def descend(
    network: Network,
    starts: Mapping[str, np.ndarray],
    train_set: tuple[np.ndarray, np.ndarray],
    test_set: tuple[np.ndarray, np.ndarray],
    *,
    eta: float,
    iterations: int,
    points: int,
    layer: int,
    checkpoints: Mapping[int, Sequence[int]] | None = None,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
    progress: Callable[[int], None] = lambda iterations: None,
) -> Trajectory:
    """Full-batch gradient descent from many points of parameter space: the continuations of Sec. II D.

    Args:
        network: its architecture.
        starts: its parameters by name with a leading axis, one run for each entry.
        train_set: inputs (M, in) and labels (M), which all runs share in memory.
        test_set: likewise.
        eta: learning rate.
        iterations: steps of every run, a multiple of ``points - 1``.
        points: recorded iterations 0 (the start itself), ..., ``iterations``.
        layer: whose weights are recorded, counted from 1.
        checkpoints: runs whose whole parameters are recorded, and the positions among the recorded times
            at which they are: as many for each run.
        dtype: of the computation.
        device: of the computation.
        progress: called with the number of iterations just done, those of all runs added up, after every few.

    Raises:
        ValueError: the points do not divide the iterations.
    """
    return _run(
        network,
        starts,
        train_set,
        test_set,
        eta,
        len(train_set[1]),
        iterations,
        points,
        lambda stack, runs, done: _full_batch(stack),
        layer,
        checkpoints or {},
        dtype,
        device,
        progress,
    )


def _run(
    network: Network,
    starts: Mapping[str, np.ndarray],
    train_set: tuple[np.ndarray, np.ndarray],
    test_set: tuple[np.ndarray, np.ndarray],
    eta: float,
    B: int,
    iterations: int,
    points: int,
    schedule: Callable[[AnyStack, slice, int], Callable[[int], int]],
    layer: int,
    kept: Mapping[int, Sequence[int]],
    dtype: torch.dtype,
    device: str | torch.device,
    progress: Callable[[int], None],
    resume: Resume | None = None,
) -> Trajectory:
    """Work through the runs in stacks that fit the cache.

    ``schedule`` gives what advances a stack of these runs that has done so many iterations.
    """
    if iterations % (points - 1):
        raise ValueError(f"{iterations} iterations cannot be recorded at {points} equally spaced points")
    device = torch.device(device)
    x_train, x_test = (torch.as_tensor(s[0]).to(device, dtype) for s in (train_set, test_set))
    y_train, y_test = (torch.as_tensor(s[1]).to(device, torch.int64) for s in (train_set, test_set))
    interval, runs = iterations // (points - 1), len(starts["layer1_bias"])
    kind = stack_kind(network, len(y_train))
    most = runs
    if kind is ConvolutionalStack:
        most = 1
    elif device.type == "cpu":
        most = max(1, STACK_SAMPLES // B)
    record = _Record(runs, points, kept, layer)
    saved = resume.load() if resume else {}
    saved_first, saved_point = record.restore(saved)
    with _one_thread():
        for first in range(0, runs, most):
            chosen = slice(first, min(first + most, runs))
            mine = {name: array[chosen] for name, array in starts.items()}
            begin = 0
            if first <= saved_first:
                begin = saved_point + 1 if first == saved_first else points
                mine = {name: saved[f"stack_{name}"] for name in mine} if first == saved_first else mine
                progress((begin - 1) * interval * (chosen.stop - chosen.start))
            if begin == points:
                continue
            stack = kind(network, mine, x_train, y_train, eta, B)
            advance = schedule(stack, chosen, max(0, begin - 1) * interval)
            if begin:
                stack.synchronize()
            for point in range(begin, points):
                left = interval if point else 0
                while left:
                    done = advance(left)
                    left -= done
                    progress(done * stack.R)
                stack.synchronize()
                record.take(stack, chosen, point, (x_test, y_test))
                if resume is not None:
                    resume.save(lambda stack=stack, place=(first, point): record.state(stack, place))
    return Trajectory(interval * np.arange(points), **record.series, final=record.final, checkpoint=record.whole)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep PyTorch to one thread of the CPU: several would share a product's sum in a way that changes its rounding."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _full_batch(stack: AnyStack) -> Callable[[int], int]:
    def advance(steps: int) -> int:
        done = min(steps, 50)  # so that progress is heard of
        stack.descend(done)
        return done

    return advance


def _minibatches(stack: AnyStack, orders: Sequence[Iterator[np.ndarray]], before: int) -> Callable[[int], int]:
    """A function that does at most so many steps and says how many it did: up to a block or an epoch's end.

    The orders are new, and ``before`` steps have been done in an earlier life.
    """
    B, M = stack.B, stack.M
    longest = max(1, mlp_replicas.BLOCK // B)

    def next_epoch() -> torch.Tensor:
        return torch.from_numpy(np.stack([next(order) for order in orders])).to(stack.labels.device)

    epochs, position = divmod(before * B, M)
    for _ in range(epochs):
        next_epoch()
    epoch = next_epoch() if position else torch.empty(0)
    position = position or M

    def advance(steps: int) -> int:
        nonlocal position, epoch
        if position == M:
            epoch, position = next_epoch(), 0
        done = min(steps, longest, (M - position) // B)
        stack.block(epoch[:, position : position + done * B])
        position += done * B
        return done

    return advance


class _Record:
    """The arrays of a :class:`Trajectory`, each allocated once and filled stack by stack, time by time.

    Args:
        runs: of all stacks.
        points: recorded times.
        kept: runs whose whole parameters are recorded, and at which points: as many for each.
        layer: whose weights are recorded.
    """

    def __init__(self, runs: int, points: int, kept: Mapping[int, Sequence[int]], layer: int) -> None:
        self.runs, self.points, self.layer = runs, points, layer
        self.shape = len(kept), len(next(iter(kept.values()), ()))
        self.place = {(run, point): (c, k) for c, run in enumerate(kept) for k, point in enumerate(kept[run])}
        self.series: dict[str, np.ndarray] = {}
        self.final: dict[str, np.ndarray] = {}
        self.whole: dict[str, np.ndarray] = {}

    def take(self, stack: AnyStack, runs: slice, point: int, test_set: tuple[torch.Tensor, torch.Tensor]) -> None:
        """Record a stack, which holds these of the runs and is synchronized."""
        train_loss, train_accuracy, _ = stack.evaluate_train()
        test_loss, test_accuracy, test_error = stack.evaluate(*test_set)
        parameters = stack.parameters()
        now = {
            "train_loss": train_loss,
            "test_loss": test_loss,
            "train_accuracy": train_accuracy,
            "test_accuracy": test_accuracy,
            "test_error": test_error,
            "layer_weight": parameters[f"layer{self.layer}_weight"],
        }
        for name, array in now.items():
            _room(self.series, name, (self.runs, self.points), array)[runs, point] = array
        for name, array in parameters.items():
            if point == self.points - 1:
                _room(self.final, name, (self.runs,), array)[runs] = array
            for position, run in enumerate(range(runs.start, runs.stop)):
                if (run, point) in self.place:
                    _room(self.whole, name, self.shape, array)[self.place[run, point]] = array[position]

    def state(self, stack: AnyStack, place: tuple[int, int]) -> dict[str, np.ndarray]:
        """All that it takes to go on: the record, the stack that was recorded last, its first run and the point."""
        arrays = {f"stack_{name}": array for name, array in stack.parameters().items()} | {"place": np.array(place)}
        for kind in ("series", "final", "whole"):
            arrays |= {f"{kind}_{name}": array for name, array in getattr(self, kind).items()}
        return arrays

    def restore(self, state: Mapping[str, np.ndarray]) -> tuple[int, int]:
        """Take a state's record over, and give its place: the stack's first run and the point; (-1, -1) for none."""
        for name, array in state.items():
            kind, _, rest = name.partition("_")
            if kind in ("series", "final", "whole"):
                getattr(self, kind)[rest] = array
        return tuple(state["place"].tolist()) if state else (-1, -1)


def _room(arrays: dict[str, np.ndarray], name: str, shape: tuple[int, ...], example: np.ndarray) -> np.ndarray:
    """The array of that name, made at its first use, with the axes of ``shape`` before those of one run."""
    if name not in arrays:
        arrays[name] = np.empty((*shape, *example.shape[1:]), example.dtype)
    return arrays[name]
