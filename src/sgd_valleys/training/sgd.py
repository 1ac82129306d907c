"""Training of many runs of one network by SGD or full-batch gradient descent."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from sgd_valleys.networks.cnn import CNN
from sgd_valleys.networks.network import Network, Parameters
from sgd_valleys.training.cnn_replicas import CNNReplicas
from sgd_valleys.training.device import single_thread
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
        network: architecture.
        starts: parameters at iteration 0 by name, of one of the two shapes.
        train_set: inputs (M, ...) and labels (M).
        test_set: likewise.
        eta: learning rate.
        B: batch size, a divisor of M; B = M is full-batch gradient descent.
        iterations: number of steps T of every run, a multiple of ``recording.points`` - 1.
        recording: what to record.
        orders: for each run the permutations of its epochs (:func:`~sgd_valleys.training.schedule.minibatch_order`);
            not read if B = M.
        dtype: floating-point type of the computation.
        device: device of the computation.
        progress: called every few steps with the number of iterations just done, added up over runs.
        resume: state from which to resume bit for bit, saved at recorded points; None starts at iteration 0.

    Raises:
        ValueError: B does not divide M; the recorded points do not divide the iterations; ``starts`` has neither shape;
            or B < M and the number of orders is not the number of runs.
    """
    M = len(train_set[1])
    if M % B:
        raise ValueError(f"batch size {B} does not divide the training set of {M}")
    interval = recording.interval(iterations)
    starts = _one_start_per_run(network, starts, len(orders))
    runs = len(starts["layer1_bias"])
    if B < M and len(orders) != runs:
        raise ValueError(f"{runs} runs need {runs} minibatch orders, not {len(orders)}")
    device = torch.device(device)
    x_train, x_test = (torch.as_tensor(samples[0]).to(device, dtype) for samples in (train_set, test_set))
    y_train, y_test = (torch.as_tensor(samples[1]).to(device, torch.int64) for samples in (train_set, test_set))
    replicas_type = replicas_class(network, M)
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
    """
    if isinstance(network, CNN):
        return CNNReplicas
    return GramReplicas if 2 * network.sizes[0] >= M else MLPReplicas


def _one_start_per_run(network: Network, starts: Parameters, orders: int) -> Parameters:
    """Give every run a start of its own: repeat a shared initialization for each order, at least once."""
    weight, shape = starts["layer1_weight"], network.weight_shape(1)
    if weight.shape == shape:
        return {name: np.repeat(array[None], max(1, orders), axis=0) for name, array in starts.items()}
    if weight.shape[1:] == shape:
        return starts
    raise ValueError(f"layer1_weight of the starts has shape {weight.shape}; allowed are {shape} and (run, *{shape})")
