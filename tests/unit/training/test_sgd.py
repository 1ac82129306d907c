"""Stacked SGD with a hand-written gradient is plain SGD."""

import numpy as np
import pytest
import torch
from helpers.training import epochs, run_training, streams

from sgd_valleys.errors import UserError
from sgd_valleys.networks.cnn import CNN
from sgd_valleys.networks.loss import cross_entropy
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.networks.network import check_parameters
from sgd_valleys.recipe import Dynamics
from sgd_valleys.training import sgd
from sgd_valleys.training.device import choose_device
from sgd_valleys.training.mlp_replicas import GramReplicas, MLPReplicas
from sgd_valleys.training.recording import Recording
from sgd_valleys.training.replicas import Replicas, TrainingSet
from sgd_valleys.training.sgd import replicas_class

M = 40
NETWORKS = [MLP((30, 7, 3)), MLP((30, 8, 7, 4)), MLP((30, 8, 7, 6, 4)), MLP((30, 4))]  # the last: softmax regression


@pytest.fixture
def problem():
    rng = np.random.default_rng(5)
    x = np.where(rng.random((M, 30)) < 0.7, -1.0, rng.uniform(-1, 1, (M, 30)))  # much background, like MNIST
    y = rng.integers(0, 3, M)
    return (x, y), (x[:11] + 0.1, y[:11])


def training_set(x, y):
    return TrainingSet(torch.from_numpy(x), torch.from_numpy(y))


def repeated(parameters, replicas):
    return {name: np.repeat(array[None], replicas, axis=0) for name, array in parameters.items()}


def autograd_loss(network, parameters, x, y):
    h = x
    for k in range(1, network.depth + 1):
        h = h @ parameters[f"layer{k}_weight"].T + parameters[f"layer{k}_bias"]
        if k < network.depth:
            h = torch.relu(h)
    return torch.nn.functional.cross_entropy(h, y)


def plain_sgd(network, initial, data, eta, batches, optimizer=torch.optim.SGD):
    """One network, autograd and torch's own optimizer, on the given minibatches."""
    parameters = {name: torch.tensor(array, requires_grad=True) for name, array in initial.items()}
    x, y = map(torch.from_numpy, data)
    sgd = optimizer(parameters.values(), lr=eta)
    for batch in batches:
        sgd.zero_grad()
        autograd_loss(network, parameters, x[batch], y[batch]).backward()
        sgd.step()
    return {name: value.detach().numpy() for name, value in parameters.items()}


def batches_of(order, B, steps):
    epochs = [next(order) for _ in range(steps * B // M + 1)]
    return np.concatenate(epochs)[: steps * B].reshape(steps, B)


def largest_difference(a, b):
    return max(np.abs(a[name] - b[name]).max() for name in b)


@pytest.mark.parametrize("network", NETWORKS, ids=lambda n: "-".join(map(str, n.sizes)))
@pytest.mark.parametrize("kind", [GramReplicas, MLPReplicas])
@pytest.mark.parametrize("B", [5, M])
def test_one_step_moves_by_autograds_gradient(problem, network, kind, B):
    (x, y), _ = problem
    initial = network.initialize(np.random.default_rng(1))
    stack = kind(network, repeated(initial, 1), training_set(x, y), Dynamics(eta=0.1, B=B))
    batch = np.arange(M) if B == M else np.array([3, 1, 20, 8, 39])
    stack.synchronize()
    if B == M:
        stack.full_batch_steps(1)
    else:
        stack.minibatch_steps(torch.from_numpy(batch[None]))
    stack.synchronize()
    moved = stack.parameters()
    parameters = {name: torch.tensor(array, requires_grad=True) for name, array in initial.items()}
    autograd_loss(network, parameters, torch.from_numpy(x[batch]), torch.from_numpy(y[batch])).backward()
    gradient = {name: (initial[name] - moved[name][0]) / 0.1 for name in initial}
    assert largest_difference(gradient, {n: p.grad.numpy() for n, p in parameters.items()}) < 1e-10


@pytest.mark.parametrize("kind", [GramReplicas, MLPReplicas])
@pytest.mark.parametrize(("network", "B"), [*((NETWORKS[1], B) for B in (1, 4, 10, 20)), (NETWORKS[3], 4)])
def test_a_trajectory_is_plain_sgd_on_the_same_minibatches(problem, monkeypatch, kind, network, B):
    monkeypatch.setattr(sgd, "replicas_class", lambda *_: kind)
    monkeypatch.setattr(Replicas, "BLOCK_SAMPLES", 16)  # blocks shorter than an epoch, and cut by records
    initial = network.initialize(np.random.default_rng(2))
    run = run_training(
        network, initial, *problem, eta=0.2, B=B, iterations=60, recording=Recording(points=13),
        streams=streams(0, 1, 2), dtype=torch.float64,
    )  # fmt: skip
    for r in range(3):
        expected = plain_sgd(network, initial, problem[0], 0.2, batches_of(epochs(r, M), B, 60))
        assert largest_difference({name: array[r] for name, array in run.final.items()}, expected) < 1e-10


@pytest.mark.parametrize("network", [NETWORKS[1], NETWORKS[3]])
def test_gradient_descent_is_torchs_sgd_on_the_full_batch(problem, network):
    initial = network.initialize(np.random.default_rng(3))
    run = run_training(
        network, initial, *problem, eta=0.1, B=M, iterations=200, recording=Recording(points=11),
        dtype=torch.float64,
    )  # fmt: skip
    expected = plain_sgd(network, initial, problem[0], 0.1, [np.arange(M)] * 200)
    assert largest_difference({name: array[0] for name, array in run.final.items()}, expected) < 1e-10


def test_gradient_descent_from_many_starts_is_torchs_sgd_from_each(problem):
    network = NETWORKS[1]
    points = [network.initialize(np.random.default_rng(r)) for r in range(6)]
    starts = {name: np.stack([point[name] for point in points]) for name in points[0]}
    run = run_training(
        network, starts, *problem, eta=0.1, B=M, iterations=60, recording=Recording(4, {r: [0] for r in range(6)}),
        dtype=torch.float64,
    )  # fmt: skip
    assert run.iteration.tolist() == [0, 20, 40, 60]
    for r, point in enumerate(points):
        assert all(np.array_equal(run.checkpoint[name][r, 0], array) for name, array in point.items())
        expected = plain_sgd(network, point, problem[0], 0.1, [np.arange(M)] * 60)
        assert largest_difference({name: array[r] for name, array in run.final.items()}, expected) < 1e-10


def test_branches_keep_their_parameters_at_times_of_their_own(problem):
    network = NETWORKS[0]
    initial = network.initialize(np.random.default_rng(0))
    starts = {name: np.stack([array, 1.1 * array, 0.9 * array]) for name, array in initial.items()}
    whole, some = (
        run_training(
            network, starts, *problem, eta=0.1, B=M, iterations=50, recording=Recording(6, checkpoints),
            dtype=torch.float64,
        )
        for checkpoints in (dict.fromkeys(range(3), range(6)), {0: [5], 1: [3], 2: [0]})
    )  # fmt: skip
    for name in network.names():
        expected = np.stack([whole.checkpoint[name][b, k] for b, k in ((0, 5), (1, 3), (2, 0))])
        assert np.array_equal(some.checkpoint[name][:, 0], expected)


@pytest.mark.parametrize("B", [8, M])
def test_runs_that_end_early_leave_the_others_as_they_are(problem, monkeypatch, B):
    monkeypatch.setattr(MLPReplicas, "stack_size", lambda *_: 3)  # the second stack ends early as a whole
    network, last = NETWORKS[1], {0: 2, 1: 0, 3: 1, 4: 1}
    starts = repeated(network.initialize(np.random.default_rng(0)), 5)
    starts["layer2_bias"] += 0.01 * np.arange(5)[:, None]
    checkpoints = {run: [last.get(run, 4)] for run in range(5)}
    done = {"whole": 0, "some": 0}

    def run(name, **recording):
        def progress(iterations):
            done[name] += iterations

        return run_training(
            network, starts, *problem, eta=0.1, B=B, iterations=40, recording=Recording(5, checkpoints, **recording),
            streams=streams(*range(5)), progress=progress,
        )  # fmt: skip

    whole, some = run("whole"), run("some", last=last)
    assert done == {"whole": 5 * 40, "some": 10 * (2 + 0 + 4 + 1 + 1)}
    trained = np.arange(5) <= np.array([last.get(run, 4) for run in range(5)])[:, None]
    for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy", "test_error"):
        ours, expected = getattr(some, name), getattr(whole, name)
        assert np.array_equal(ours[trained], expected[trained]), name
        assert not np.nan_to_num(ours[~trained]).any() and (name == "test_error" or np.isnan(ours[~trained]).all())
    for name, array in some.checkpoint.items():
        assert np.array_equal(array, whole.checkpoint[name])
        assert np.array_equal(array[:, 0], some.final[name])
    assert not some.diverged.any()


@pytest.mark.parametrize(
    ("recording", "message"),
    [
        (Recording(5, last={3: 2}), "recording.last = {3: 2}: no such run or point; allowed are runs 0 to 2"),
        (Recording(5, last={0: 5}), "recording.last = {0: 5}: no such run or point"),
        (Recording(5, {1: [3, 4]}, last={1: 3}), "run 1 ends before point 4; allowed are points up to 3"),
    ],
)
def test_points_after_the_end_of_a_run_are_refused(problem, recording, message):
    network = NETWORKS[0]
    with pytest.raises(UserError) as refused:
        run_training(
            network, network.initialize(np.random.default_rng(0)), *problem, eta=0.1, B=8, iterations=20,
            recording=recording, streams=streams(0, 1, 2),
        )  # fmt: skip
    assert message in str(refused.value)


def test_gradient_descent_started_at_any_of_its_recorded_points_is_bit_for_bit_the_same():
    rng = np.random.default_rng(0)
    network = MLP((784, 50, 50, 10))
    initial = network.initialize(rng)
    data = rng.normal(size=(1000, 784)).astype(np.float32), rng.integers(0, 10, 1000)
    sets = data, (data[0][:50], data[1][:50])
    options = {"eta": 0.05, "B": 1000, "iterations": 60, "recording": Recording(7, {0: range(7)})}
    run = run_training(network, initial, *sets, **options)
    starts = {name: array[0, :6] for name, array in run.checkpoint.items()}
    options["recording"] = Recording(7, dict.fromkeys(range(6), range(7)))
    branches = run_training(network, starts, *sets, **options)
    for b in range(6):
        for name, array in run.final.items():
            assert np.array_equal(branches.checkpoint[name][b, 6 - b], array[0])
        assert np.array_equal(branches.train_loss[b, : 7 - b], run.train_loss[0, b:])
        assert np.array_equal(branches.test_error[b, : 7 - b], run.test_error[0, b:])


@pytest.mark.parametrize(("B", "iterations"), [(1, 40), (5, 40), (10, 40), (25, 40), (50, 40), (200, 12), (500, 6)])
def test_a_realization_is_bit_for_bit_the_same_in_any_company(B, iterations):
    rng = np.random.default_rng(0)
    network = MLP((784, 50, 50, 10))
    initial = network.initialize(rng)
    data = rng.normal(size=(1000, 784)).astype(np.float32), rng.integers(0, 10, 1000)

    def run(*realizations):
        return run_training(network, initial, data, (data[0][:11], data[1][:11]), eta=0.05, B=B, iterations=iterations,
                     recording=Recording(points=3), streams=streams(*realizations))  # fmt: skip

    crowd = run(*range(12))
    for company in ([5], [5, 1], [0, 2, 5, 7, 9]):
        few = run(*company)
        assert all(np.array_equal(few.final[name][company.index(5)], crowd.final[name][5]) for name in crowd.final)
        assert np.array_equal(few.test_loss[company.index(5)], crowd.test_loss[5])


@pytest.mark.parametrize("kind", [GramReplicas, MLPReplicas])
@pytest.mark.parametrize("B", [2, 5, 20])
def test_a_run_is_bit_for_bit_the_same_however_many_steps_a_call_takes(problem, monkeypatch, kind, B):
    monkeypatch.setattr(sgd, "replicas_class", lambda *_: kind)
    monkeypatch.setattr(Replicas, "BLOCK_SAMPLES", 10)
    network, runs = NETWORKS[1], []
    for steps in (1, 20):
        monkeypatch.setattr(Replicas, "CALL_STEPS", steps)
        runs.append(
            run_training(network, network.initialize(np.random.default_rng(2)), *problem, eta=0.2, B=B, iterations=60,
                         recording=Recording(points=5), streams=streams(0, 1))
        )  # fmt: skip
    assert all(np.array_equal(runs[0].final[name], array) for name, array in runs[1].final.items())


def test_a_stacked_realization_is_the_run_alone_in_float64(problem):
    network = NETWORKS[2]
    initial = network.initialize(np.random.default_rng(4))

    def run(*realizations):
        return run_training(network, initial, *problem, eta=0.2, B=8, iterations=100, streams=streams(*realizations),
                     recording=Recording(points=5), dtype=torch.float64)  # fmt: skip

    together, alone = run(0, 1, 2, 3).final, run(2).final
    assert max(np.abs(together[name][2] - alone[name][0]).max() for name in alone) < 1e-12


def test_records_are_what_the_recorded_parameters_give(problem):
    network = NETWORKS[1]
    run = run_training(
        network, network.initialize(np.random.default_rng(6)), *problem, eta=0.1, B=8, iterations=50,
        recording=Recording(6, dict.fromkeys([2, 0], range(6))), streams=streams(0, 1, 2), dtype=torch.float64,
    )  # fmt: skip
    assert run.iteration.tolist() == [0, 10, 20, 30, 40, 50]
    for position, r in enumerate([2, 0]):
        for t in range(6):
            whole = {name: array[position, t] for name, array in run.checkpoint.items()}
            for (x, y), loss, accuracy in (
                (problem[0], run.train_loss, run.train_accuracy),
                (problem[1], run.test_loss, run.test_accuracy),
            ):
                logits = network.forward(whole, x)
                assert loss[r, t] == pytest.approx(cross_entropy(logits, y), abs=1e-12)
                assert accuracy[r, t] == (logits.argmax(axis=1) == y).mean()
            assert np.array_equal(run.test_error[r, t], logits.argmax(axis=1) != y)  # the test set came last
    assert all(np.array_equal(run.checkpoint[name][0, -1], run.final[name][2]) for name in run.final)


def test_divergence_is_recorded_and_stays_with_its_run(problem):
    network = NETWORKS[1]
    initial = network.initialize(np.random.default_rng(7))
    settings = {"B": 8, "iterations": 100, "recording": Recording(points=3)}
    wild = run_training(network, initial, *problem, eta=1e30, streams=streams(0, 1), **settings)
    lost = wild.diverged
    assert lost.any() and np.isfinite(wild.train_loss[:, 0]).all()
    assert np.isnan(wild.train_loss[lost, -1]).all()
    assert (wild.train_accuracy[lost, -1] != 1).all() and wild.test_error[lost, -1].all()
    assert not run_training(network, initial, *problem, eta=0.01, streams=streams(0, 1), **settings).diverged.any()


def test_one_diverging_replica_leaves_its_neighbours_alone(problem):
    (x, y), _ = problem
    network = NETWORKS[1]
    initial = network.initialize(np.random.default_rng(7))

    def after_steps(poison):
        dynamics = Dynamics(eta=0.1, B=8)
        kind = replicas_class(network, M, dynamics)
        stack = kind(network, repeated(initial, 2), training_set(x, y), dynamics)
        if poison:
            stack.weight[1][0] = torch.nan
        stack.synchronize()
        stack.minibatch_steps(torch.from_numpy(np.stack([np.arange(M), np.arange(M)[::-1].copy()])))
        stack.synchronize()
        return {name: array[1] for name, array in stack.parameters().items()}

    assert all(np.array_equal(after_steps(True)[name], array) for name, array in after_steps(False).items())


def test_a_large_training_set_does_without_its_gram_matrix():
    sgd = Dynamics(eta=0.1, B=10)
    assert replicas_class(NETWORKS[0], 60, sgd) is GramReplicas and replicas_class(NETWORKS[0], 70, sgd) is MLPReplicas


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"B": 7}, "B = 7: not a divisor of the 40 training samples"),
        ({"B": -8}, "B = -8: out of range; allowed are integers of at least 1"),
        ({"iterations": -10}, "iterations = -10: out of range"),
        ({"eta": -0.1}, "eta = -0.1: out of range; allowed are positive, finite numbers"),
        ({"dtype": torch.float16}, "dtype = torch.float16: unsupported"),
        ({"device": "gpu"}, "device = 'gpu': unknown; allowed are cpu, cuda, auto"),
        ({"recording": Recording(points=8)}, "iterations = 10: not divisible into .* points - 1 = 7"),
        ({"recording": Recording(3, {1: [0]})}, r"recording.checkpoints = {1: \[0\]}: .* allowed are runs 0 to 0"),
        ({"streams": ()}, "streams: 0 streams for 1 runs with noise"),
    ],
)
def test_impossible_arguments_are_refused(problem, wrong, message):
    network = NETWORKS[0]
    settings = {"eta": 0.1, "B": 8, "iterations": 10, "recording": Recording(3), "streams": streams(0)} | wrong
    with pytest.raises((UserError, ValueError), match=message):
        run_training(network, network.initialize(np.random.default_rng(0)), *problem, **settings)


@pytest.mark.parametrize("labels", [np.full(M, 3), np.full(M, -100), np.full(M, 0.5), np.zeros(M - 1, int), np.eye(M)])
@pytest.mark.parametrize("part", [0, 1])
def test_labels_that_a_loss_would_misread_are_refused(problem, labels, part):
    sets = [problem[0], problem[0]]
    sets[part] = (problem[0][0], labels)
    name = ("train_set", "test_set")[part]
    with pytest.raises(UserError, match=f"{name}: invalid labels; allowed is one integer from 0 to 2 for each"):
        run_training(NETWORKS[0], NETWORKS[0].initialize(np.random.default_rng(0)), *sets, eta=0.1, B=M, iterations=2,
              recording=Recording(3))  # fmt: skip


class Tanh(MLP):
    """A network whose mathematics the hand-written gradients do not know."""

    def forward_from_first(self, parameters, preactivation):
        return np.tanh(preactivation) @ parameters["layer2_weight"].T + parameters["layer2_bias"]


class Pooled(CNN):
    """Likewise of a CNN."""


class LooksLikeAnMLP:
    """A class of its own with the attributes that training reads."""

    sizes = (30, 7, 3)


@pytest.mark.parametrize(
    "network", [Tanh((30, 7, 3)), Pooled((1, 6, 5), (2,), (4,), 3), LooksLikeAnMLP()], ids=lambda n: type(n).__name__
)
def test_a_network_of_another_class_is_not_trained_as_one_of_ours(problem, network):
    starts = NETWORKS[0].initialize(np.random.default_rng(0))
    message = f"network = {type(network).__name__}: .* allowed are sgd_valleys.networks.mlp.MLP and"
    with pytest.raises(UserError, match=message):
        run_training(network, starts, *problem, eta=0.1, B=M, iterations=2, recording=Recording(3))


def test_parameters_of_another_network_are_refused():
    network, deeper = MLP((30, 7, 7)), MLP((30, 7, 7, 7))
    with pytest.raises(
        UserError, match=r"layer3_weight is unknown \(and 1 more\); allowed are the parameters of MLP\("
    ):
        check_parameters(network, deeper.initialize(np.random.default_rng(0)))
    with pytest.raises(UserError, match=r"layer2_weight is missing \(and 1 more\)"):
        check_parameters(network, {"layer1_weight": np.zeros((7, 30)), "layer1_bias": np.zeros(7)})


def test_a_device_is_not_taken_for_the_cpu():
    assert choose_device("cpu").type == "cpu"
    with pytest.raises(UserError, match="device = 'cuda:1': unknown"):
        choose_device("cuda:1")


def test_starts_are_shared_by_all_runs_or_one_for_each(problem):
    network = NETWORKS[1]
    initial = network.initialize(np.random.default_rng(1))
    options = {"eta": 0.2, "B": 8, "iterations": 10, "recording": Recording(points=3)}
    shared = run_training(network, initial, *problem, streams=streams(0, 1), **options)
    repeated_starts = run_training(network, repeated(initial, 2), *problem, streams=streams(0, 1), **options)
    assert all(np.array_equal(shared.final[name], repeated_starts.final[name]) for name in initial)
    with pytest.raises(UserError, match=r"starts: layer1_weight has the shape \(2, 2, 8, 30\), not \(8, 30\)"):
        run_training(network, repeated(repeated(initial, 2), 2), *problem, streams=streams(0, 1), **options)
