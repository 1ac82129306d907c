"""Stochastic gradient descent on a stack of networks that differ only in their minibatches.

The replicas of a cell (eta, B) are trained together as batched matrix products with a leading
replica axis, with the gradient written out by hand. Activations are (replica, unit, sample): the
long axis last is what the matrix products like best.

The first layer costs nearly everything, and most of that can be saved. A gradient step moves its
weights only in the span of the training inputs, W1 = W1' + sum_n alpha_n x_n^T, so its
preactivations on all M samples, A = W1 X^T + b1, follow from the Gram matrix K = X X^T + 1 (the 1 is
the bias) without ever touching the weights:

    A[:, n] <- A[:, n] + sum_{m in minibatch} d_m K[m, n],     d = -(eta / B) dl/dz1.

That is one matrix product a step where the forward pass and the weight gradient took two. And since
only the samples of the next minibatches are needed soon, several minibatches are done as a *block*:
inside it only the block's own columns of A are kept current, and the rest catches up in one large
product at its end. Both are plain rearrangements of the sum: exact up to rounding. At every recorded
iteration W1 and b1 are brought up to date and A is computed from them anew, so that rounding does
not build up and what is recorded is what an ordinary network with these weights would give.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from sgd_valleys.errors import UserError
from sgd_valleys.networks import MLP
from sgd_valleys.storage import Variable

BLOCK = 100  # samples after which the first layer's preactivations of all samples catch up
STACK_SAMPLES = 4000  # replicas times minibatch at which a stack outgrows the cache

_masked = torch.ops.aten.threshold_backward  # gradient where the activation is above 0, else 0


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
    """Whole parameters as they are stored: each has ``axes``, and then (layer1_out, layer1_in) or (layer1_out)."""
    found = {}
    for name, array in parameters.items():
        layer, kind = name.split("_")
        own = (f"{layer}_out", f"{layer}_in") if kind == "weight" else (f"{layer}_out",)
        found[f"{prefix}_{name}"] = Variable((*axes, *own), array, f"{name} {when}")
    return found


def choose_device(name: str) -> torch.device:
    """The device that a setting names: "cpu", "cuda", or "auto" for a GPU where there is one.

    Raises:
        UserError: a GPU is asked for and there is none.
    """
    # TF32 keeps 10 bits of the mantissa: too few for a gradient that has to agree with the CPU's
    torch.backends.cuda.matmul.allow_tf32 = False
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("device is cuda, but PyTorch finds no GPU here: set it to cpu or auto.")
    return torch.device("cuda" if name == "cuda" or (name == "auto" and torch.cuda.is_available()) else "cpu")


def minibatch_order(rng: np.random.Generator, samples: int) -> Iterator[np.ndarray]:
    """The training set reshuffled every epoch: one permutation of ``range(samples)`` after the other."""
    while True:
        yield rng.permutation(samples)


def _each(stack: torch.Tensor, shared: torch.Tensor) -> torch.Tensor:
    """``stack[r] @ shared`` for every replica r, each a product of its own.

    A broadcast ``stack @ shared`` would become one wide product, whose rounding depends on how many
    replicas share the stack; a realization has to be the same run in any company.
    """
    return torch.bmm(stack, shared.expand(len(stack), -1, -1))


class Stack:
    """Replicas of one MLP at one point of their training, and the steps that move them.

    Args:
        network: its sizes.
        initial: parameters by name, (replica, out, in) and (replica, out).
        inputs: (M, in) training inputs; their type and device are those of all tensors.
        labels: (M) classes.
        eta: learning rate.
        B: batch size.
    """

    def __init__(
        self,
        network: MLP,
        initial: Mapping[str, np.ndarray],
        inputs: torch.Tensor,
        labels: torch.Tensor,
        eta: float,
        B: int,
    ) -> None:
        self.eta, self.B, self.R, self.M = eta, B, len(initial["layer1_bias"]), len(labels)
        self.inputs = torch.cat([inputs, inputs.new_ones(self.M, 1)], dim=1)  # the bias is a last input of 1
        self.labels = labels
        one_hot = torch.nn.functional.one_hot(labels, network.sizes[-1]).to(inputs.dtype).T
        self.target = one_hot * (eta / B)  # (class, M)
        # (replica, out, in + 1), the bias last
        self.weight = [self._joined(initial, k) for k in range(1, network.depth + 1)]
        # inputs of layers 2, 3, ... for one minibatch, with the row of ones that carries the bias
        self.activation = [inputs.new_ones(self.R, units + 1, B) for units in network.sizes[1:-1]]

    def _joined(self, parameters: Mapping[str, np.ndarray], k: int) -> torch.Tensor:
        weight, bias = (torch.as_tensor(parameters[f"layer{k}_{kind}"]).to(self.inputs) for kind in ("weight", "bias"))
        return torch.cat([weight, bias[:, :, None]], dim=2)

    def parameters(self) -> dict[str, np.ndarray]:
        """Every parameter by name, with a leading replica axis, as of the last :meth:`synchronize`."""
        found = {}
        for k, weight in enumerate(self.weight, start=1):
            found[f"layer{k}_weight"] = weight[:, :, :-1].cpu().numpy().copy()
            found[f"layer{k}_bias"] = weight[:, :, -1].cpu().numpy().copy()
        return found

    def step(self, z: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """One SGD step of the layers above the first, given its preactivations on the minibatch.

        Args:
            z: (replica, hidden, B) preactivations of the first layer.
            target: (replica, class, B) eta / B at the label, else 0.

        Returns:
            (replica, hidden, B): d = -(eta / B) dl/dz1, by which the first layer has to move.
        """
        upper = self.weight[1:]
        for activation, weight in zip(self.activation, upper, strict=True):
            torch.clamp_min(z, 0, out=activation[:, :-1])
            z = torch.bmm(weight, activation)
        # the gradient of softmax cross-entropy is p - onehot; the factor -eta / B goes in here, once
        d = torch.add(target, torch.softmax(z, dim=1), alpha=-self.eta / self.B)
        for activation, weight in zip(reversed(self.activation), reversed(upper), strict=True):
            below = _masked(torch.bmm(weight[:, :, :-1].transpose(1, 2), d), activation[:, :-1], 0)
            weight.baddbmm_(d, activation.transpose(1, 2))
            d = below
        return d

    def synchronize(self) -> None:
        """Bring all weights up to date."""

    def train_preactivation(self) -> torch.Tensor:
        """(replica, hidden, M) preactivations of the first layer on the whole training set."""
        return _each(self.weight[0], self.inputs.T)

    def descend(self, steps: int) -> None:
        """Full-batch gradient descent: the minibatch is the training set, in its own order."""
        target = self.target.expand(self.R, -1, -1)
        for _ in range(steps):
            self.weight[0] += _each(self.step(self.train_preactivation(), target), self.inputs)

    def block(self, index: torch.Tensor) -> None:
        """SGD steps on consecutive minibatches of each replica.

        Args:
            index: (replica, steps * B) samples in the order they are visited, none twice.
        """
        for now in index.split(self.B, dim=1):
            x = self.inputs[now]
            d = self.step(self.weight[0] @ x.transpose(1, 2), self.target[:, now].transpose(0, 1))
            self.weight[0].baddbmm_(d, x)

    def evaluate_train(self) -> tuple[np.ndarray, ...]:
        """As :meth:`evaluate`, on the training set."""
        return self._evaluate(self.train_preactivation(), self.labels)

    def evaluate(self, inputs: torch.Tensor, labels: torch.Tensor) -> tuple[np.ndarray, ...]:
        """Mean loss (replica), accuracy (replica) and misclassified (replica, sample) of inputs (sample, in)."""
        first = self.weight[0]
        return self._evaluate(_each(first[:, :, :-1], inputs.T) + first[:, :, -1:], labels)

    def _evaluate(self, z: torch.Tensor, labels: torch.Tensor) -> tuple[np.ndarray, ...]:
        for weight in self.weight[1:]:
            z = torch.baddbmm(weight[:, :, -1:], weight[:, :, :-1], z.clamp_min(0))
        z = z.double()
        loss = torch.logsumexp(z, dim=1).sub(z.gather(1, labels.expand(self.R, 1, -1))[:, 0]).mean(dim=1)
        finite = torch.isfinite(loss)
        correct = z.argmax(dim=1).eq(labels) & finite[:, None]
        accuracy = correct.double().mean(dim=1)
        loss, accuracy = (torch.where(finite, x, torch.nan) for x in (loss, accuracy))
        return loss.cpu().numpy(), accuracy.cpu().numpy(), (~correct).cpu().numpy()


class GramStack(Stack):
    """A stack whose first layer moves through the Gram matrix of the training inputs; see the module's text.

    Worth it while the training set is not much larger than twice the input: see :func:`stack_for`.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.gram = self.inputs @ self.inputs.T
        hidden = self.weight[0].shape[1]
        self.alpha = self.inputs.new_zeros(self.R, hidden, self.M)
        self.A = torch.empty_like(self.alpha)

    def synchronize(self) -> None:
        """Bring the first layer's weights up to date, and its preactivations in line with them."""
        self.weight[0] += _each(self.alpha, self.inputs)
        self.alpha.zero_()
        self.A = _each(self.weight[0], self.inputs.T)

    def train_preactivation(self) -> torch.Tensor:
        """(replica, hidden, M), always up to date."""
        return self.A

    def descend(self, steps: int) -> None:
        """Full-batch gradient descent: no sample has to be gathered."""
        gram, target = (x.expand(self.R, -1, -1) for x in (self.gram, self.target))
        for _ in range(steps):
            d = self.step(self.A, target)
            self.A.baddbmm_(d, gram)
            self.alpha += d

    def block(self, index: torch.Tensor) -> None:
        """SGD steps on consecutive minibatches; all samples' preactivations catch up at the end."""
        R, q = index.shape
        hidden, B = self.A.shape[1], self.B
        columns = index[:, None, :].expand(R, hidden, q)
        z = torch.gather(self.A, 2, columns)
        target = self.target[:, index].transpose(0, 1)
        row, column = (index * self.M).int()[:, :, None], index.int()[:, None, :]
        d = torch.empty_like(z)
        for start in range(0, q, B):
            now, later = slice(start, start + B), slice(start + B, q)
            d[:, :, now] = self.step(z[:, :, now], target[:, :, now])
            if later.start < q:
                entry = (row[:, now] + column[:, :, later]).flatten()
                local = self.gram.view(-1).index_select(0, entry).view(R, B, -1)
                z[:, :, later].baddbmm_(d[:, :, now], local)
        # a few rows of K at a time, so that what is gathered stays in the cache
        for r in range(R):
            for rows, moved in zip(index[r].split(BLOCK), d[r].split(BLOCK, dim=1), strict=True):
                self.A[r].addmm_(moved, self.gram.index_select(0, rows))
        self.alpha.scatter_add_(2, columns, d)


def stack_for(network: MLP, initial: Mapping[str, np.ndarray], inputs: torch.Tensor, *arguments: Any) -> Stack:
    """The kind of stack that costs less: 2 M operations a sample and hidden unit, or 4 times the input."""
    M, size = inputs.shape
    kind = GramStack if 2 * size >= M else Stack
    return kind(network, initial, inputs, *arguments)


def train(
    network: MLP,
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
) -> Trajectory:
    """Train one run for each minibatch order, all from the same initialization (Eqs. 2, 3).

    Args:
        network: the multilayer perceptron.
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

    Raises:
        ValueError: B does not divide M, or the points do not divide the iterations.
    """
    M = len(train_set[1])
    if M % B:
        raise ValueError(f"batch size {B} does not divide the training set of {M}")

    def schedule(stack: Stack, runs: slice) -> Callable[[int], int]:
        return _full_batch(stack) if B == M else _minibatches(stack, orders[runs])

    starts = {name: np.repeat(array[None], len(orders), axis=0) for name, array in initial.items()}
    kept = {c: range(points) for c in checkpoints}
    return _run(
        network, starts, train_set, test_set, eta, B, iterations, points, schedule, layer, kept, dtype, device, progress
    )


def descend(
    network: MLP,
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
        network: the multilayer perceptron.
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
        lambda stack, runs: _full_batch(stack),
        layer,
        checkpoints or {},
        dtype,
        device,
        progress,
    )


def _run(
    network: MLP,
    starts: Mapping[str, np.ndarray],
    train_set: tuple[np.ndarray, np.ndarray],
    test_set: tuple[np.ndarray, np.ndarray],
    eta: float,
    B: int,
    iterations: int,
    points: int,
    schedule: Callable[[Stack, slice], Callable[[int], int]],
    layer: int,
    kept: Mapping[int, Sequence[int]],
    dtype: torch.dtype,
    device: str | torch.device,
    progress: Callable[[int], None],
) -> Trajectory:
    """Work through the runs in stacks that fit the cache; ``schedule`` gives what advances a stack of these runs."""
    if iterations % (points - 1):
        raise ValueError(f"{iterations} iterations cannot be recorded at {points} equally spaced points")
    device = torch.device(device)
    x_train, x_test = (torch.as_tensor(s[0]).to(device, dtype) for s in (train_set, test_set))
    y_train, y_test = (torch.as_tensor(s[1]).to(device, torch.int64) for s in (train_set, test_set))
    interval, runs = iterations // (points - 1), len(starts["layer1_bias"])
    most = max(1, STACK_SAMPLES // B) if device.type == "cpu" else runs
    record = _Record(runs, points, kept, layer)
    with _one_thread():
        for first in range(0, runs, most):
            chosen = slice(first, min(first + most, runs))
            mine = {name: array[chosen] for name, array in starts.items()}
            stack = stack_for(network, mine, x_train, y_train, eta, B)
            advance = schedule(stack, chosen)
            for point in range(points):
                left = interval if point else 0
                while left:
                    done = advance(left)
                    left -= done
                    progress(done * stack.R)
                stack.synchronize()
                record.take(stack, chosen, point, (x_test, y_test))
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


def _full_batch(stack: Stack) -> Callable[[int], int]:
    def advance(steps: int) -> int:
        done = min(steps, 50)  # so that progress is heard of
        stack.descend(done)
        return done

    return advance


def _minibatches(stack: Stack, orders: Sequence[Iterator[np.ndarray]]) -> Callable[[int], int]:
    """A function that does at most so many steps and says how many it did: up to a block or an epoch's end."""
    B, M = stack.B, stack.M
    longest = max(1, BLOCK // B)
    position = M
    epoch = torch.empty(0)

    def advance(steps: int) -> int:
        nonlocal position, epoch
        if position == M:
            epoch = torch.from_numpy(np.stack([next(order) for order in orders])).to(stack.labels.device)
            position = 0
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

    def take(self, stack: Stack, runs: slice, point: int, test_set: tuple[torch.Tensor, torch.Tensor]) -> None:
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


def _room(arrays: dict[str, np.ndarray], name: str, shape: tuple[int, ...], example: np.ndarray) -> np.ndarray:
    """The array of that name, made at its first use, with the axes of ``shape`` before those of one run."""
    if name not in arrays:
        arrays[name] = np.empty((*shape, *example.shape[1:]), example.dtype)
    return arrays[name]
