"""Loss and accuracy of trained networks, against PyTorch."""

from pathlib import Path

import numpy as np
import pytest

from sgd_valleys.data.stored import load_network_and_samples
from sgd_valleys.measures.evaluation import score
from sgd_valleys.networks.cnn import CNN
from sgd_valleys.networks.mlp import MLP
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.hdf5 import Variable

SHAPE = (1, 8, 8)
KINDS = [{"name": "mlp", "hidden": [6, 5]}, {"name": "cnn", "channels": [3, 4], "hidden": [5]}]


@pytest.mark.parametrize("settings", KINDS, ids=["mlp", "cnn"])
def test_loss_and_accuracy_are_those_of_torch_and_a_diverged_run_has_none(settings: dict, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    image, label = rng.normal(size=(120, *SHAPE)), rng.integers(0, 4, 120)
    axes = ("sample", "channel", "row", "column")
    path = tmp_path / "test_file.h5"
    images = {"test_image": Variable(axes, image, "images"), "test_label": Variable(axes[:1], label, "labels")}
    hdf5.write(path, images)
    network, samples = load_network_and_samples(path, {"network": settings, "classes": 4}, ["test"])
    inputs, labels = samples["test"]
    runs = [network.initialize(np.random.default_rng(r)) for r in range(3)]
    runs[1]["layer1_bias"][0] = np.nan
    loss, accuracy, error = score(
        network, {name: np.stack([run[name] for run in runs]) for name in network.names()}, inputs, labels
    )
    assert np.isnan([loss[1], accuracy[1]]).all() and error[1].all()
    for r in (0, 2):
        logits = torch.from_numpy(network.forward(runs[r], inputs))
        expected = torch.nn.functional.cross_entropy(logits, torch.from_numpy(label))
        assert loss[r] == pytest.approx(float(expected), rel=1e-12)
        right = logits.argmax(dim=1).numpy() == label
        assert accuracy[r] == np.mean(right) and (error[r] == ~right).all()
    assert isinstance(network, MLP if settings["name"] == "mlp" else CNN)
