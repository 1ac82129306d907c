"""Training of many runs of one network by SGD or full-batch gradient descent."""

import math
import operator
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from sgd_valleys.errors import UserError
from sgd_valleys.networks.cnn import CNN
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.networks.network import Network, Parameters, check_parameters
from sgd_valleys.training.cnn_replicas import CNNReplicas
from sgd_valleys.training.device import choose_device, single_thread
from sgd_valleys.training.mlp_replicas import GramReplicas, MLPReplicas
from sgd_valleys.training.recording import Recorder, Recording, Trajectory
from sgd_valleys.training.replicas import Replicas
from sgd_valleys.training.resume import Resume
from sgd_valleys.training.schedule import full_batch_schedule, minibatch_schedule

Samples = tuple[np.ndarray, np.ndarray]  # inputs (sample, ...) and labels (sample)


def train(
    network: Network,
    starts: Parameters,
    train_set: Samples,
    test_set: Samples,
    *,
    eta: float,
    B: int,
    iterations: int,
    recording: Recording,
    orders: Sequence[Iterator[np.ndarray]] = (),
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
    progress: Callable[[int], None] = lambda iterations: None,
    resume: Resume | None = None,
) -> Trajectory:
    """Train runs that differ in their minibatches, their starts, or both (Eqs. 2, 3; Sec. II D).

    Two shapes of ``starts`` are allowed:

    - the shapes of the network (``layer1_bias`` is (out)): all runs share one initialization, one run per order, or a
      single run without orders;
    - the same shapes with a leading run axis (``layer1_bias`` is (run, out)): one run per start.

    A run is bit for bit the same whatever other runs train beside it.

    Args:
        network: architecture, an ``MLP`` or a ``CNN``: gradients are written by hand for these two.
        starts: parameters at iteration 0 by name, of one of the two shapes.
        train_set: inputs (M, ...) and labels (M).
        test_set: likewise.
        eta: learning rate.
        B: batch size, a divisor of M; B = M is full-batch gradient descent.
        iterations: number of steps T of every run, a multiple of ``recording.points`` - 1.
        recording: what to record.
        orders: for each run the permutations of its epochs (:func:`~sgd_valleys.training.schedule.minibatch_order`);
            not read if B = M.
        dtype: floating-point type of the computation, ``torch.float32`` or ``torch.float64``.
        device: device of the computation, or its name (:func:`~sgd_valleys.training.device.choose_device`).
        progress: called every few steps with the number of iterations just done, added up over runs.
        resume: state from which to resume bit for bit, saved at recorded points; None starts at iteration 0.

    Raises:
        UserError: an argument is not supported, or does not fit the others.
        ValueError: the recorded points do not divide the iterations.
    """
    M = len(train_set[1])
    replicas_type = replicas_class(network, M)
    for name, samples in (("train_set", train_set), ("test_set", test_set)):
        _check_samples(name, samples, network.weight_shape(network.depth)[0])
    _check_numbers(eta, B, iterations, M, dtype)
    interval = recording.interval(iterations)
    starts = _one_start_per_run(network, starts, len(orders))
    runs = len(starts["layer1_bias"])
    _check_checkpoints(recording, runs)
    if B < M and len(orders) != runs:
        raise UserError(f"orders: {len(orders)} minibatch orders for {runs} runs; give one for each run.")
    orders = [_whole_epochs(order, M) for order in orders]
    device = choose_device(device) if isinstance(device, str) else device
    x_train, x_test = (torch.as_tensor(samples[0]).to(device, dtype) for samples in (train_set, test_set))
    y_train, y_test = (torch.as_tensor(samples[1]).to(device, torch.int64) for samples in (train_set, test_set))
    size = replicas_type.stack_size(runs, B, device)
    recorder = Recorder(recording, runs)
    saved = resume.load() if resume else {}
    saved_first, saved_point = recorder.restore(saved)
    with single_thread():
        for first in range(0, runs, size):
            stack = slice(first, min(first + size, runs))
            if first < saved_first:
                progress(iterations * (stack.stop - first))
                continue
            resumed = first == saved_first
            initial = {name: saved[f"stack_{name}"] if resumed else array[stack] for name, array in starts.items()}
            done = saved_point * interval if resumed else 0
            replicas = replicas_type(network, initial, x_train, y_train, eta, B)
            advance = full_batch_schedule(replicas) if B == M else minibatch_schedule(replicas, orders[stack], done)
            if done:
                progress(done * replicas.R)
            for point in range(saved_point + 1 if resumed else 0, recording.points):
                left = interval if point else 0
                while left:
                    taken = advance(left)
                    left -= taken
                    progress(taken * replicas.R)
                replicas.synchronize()
                recorder.record(replicas, stack, point, (x_test, y_test))
                if resume is not None:
                    resume.save(lambda replicas=replicas, at=(first, point): recorder.state(replicas, *at))
    return recorder.trajectory(iterations)


def replicas_class(network: Network, M: int) -> type[Replicas]:
    """Choose the class that trains a network on M samples; for an MLP, the class with fewer operations.

    The first layer takes 2 M operations per sample and hidden unit through the Gram matrix, else 4 times the input.

    Raises:
        UserError: the network is of another class, or of a subclass, whose mathematics would be ignored.
    """
    if type(network) is CNN:
        return CNNReplicas
    if type(network) is MLP:
        return GramReplicas if 2 * network.sizes[0] >= M else MLPReplicas
    raise UserError(
        f"network = {type(network).__name__}: training has gradients written by hand, for exactly the classes "
        "networks.mlp.MLP and networks.cnn.CNN; use one of them, or train with a code of your own."
    )


def _one_start_per_run(network: Network, starts: Parameters, orders: int) -> Parameters:
    """Give every run a start of its own: repeat a shared initialization for each order, at least once."""
    bias = starts.get("layer1_bias")
    if np.ndim(bias) == 2:
        check_parameters(network, starts, "starts", (len(bias),))
        return starts
    check_parameters(network, starts, "starts")
    return {name: np.repeat(array[None], max(1, orders), axis=0) for name, array in starts.items()}


def _whole_epochs(order: Iterator[np.ndarray], M: int) -> Iterator[np.ndarray]:
    """Yield the epochs of an order; each has to visit M samples, or later steps would have empty minibatches."""
    for epoch in order:
        if np.shape(epoch) != (M,):
            raise UserError(f"orders: an epoch of shape {np.shape(epoch)}; it has to be a permutation of range({M}).")
        yield epoch


def _check_numbers(eta: float, B: int, iterations: int, M: int, dtype: torch.dtype) -> None:
    if not (np.isscalar(eta) and math.isfinite(eta) and eta > 0):
        raise UserError(f"eta = {eta!r}: invalid learning rate; it has to be a positive, finite number.")
    for name, value in (("B", B), ("iterations", iterations)):
        if not hasattr(value, "__index__") or operator.index(value) < 1:
            raise UserError(f"{name} = {value!r}: invalid number; it has to be an integer of at least 1.")
    if M % B:
        raise UserError(f"B = {B}: does not divide the {M} training samples; it has to be one of their divisors.")
    if dtype not in (torch.float32, torch.float64):
        raise UserError(f"dtype = {dtype}: not supported; it has to be torch.float32 or torch.float64.")


def _check_samples(name: str, samples: Samples, classes: int) -> None:
    """Check labels, which a loss would read modulo the classes, ignore, or cut to integers."""
    inputs, labels = samples[0], torch.as_tensor(samples[1])
    valid = labels.shape == (len(inputs),) and len(inputs) > 0 and not labels.is_floating_point()
    if not valid or labels.min() < 0 or labels.max() >= classes:
        raise UserError(
            f"{name}: invalid labels; there has to be one integer from 0 to {classes - 1} for each of the "
            f"{len(inputs)} inputs."
        )


def _check_checkpoints(recording: Recording, runs: int) -> None:
    for run, points in recording.checkpoints.items():
        if not 0 <= run < runs or not all(0 <= point < recording.points for point in points):
            raise UserError(
                f"recording.checkpoints = {dict(recording.checkpoints)}: no such run or point; runs are from 0 to "
                f"{runs - 1}, points from 0 to {recording.points - 1}."
            )
