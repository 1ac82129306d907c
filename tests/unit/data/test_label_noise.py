"""Label noise replaces an exact share of the labels, and nothing else."""

import logging
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.checkout import ROOT

from sgd_valleys.data.label_noise import replace_labels
from sgd_valleys.storage import hdf5

LABEL = np.repeat(np.arange(10), 100)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.4996, 0.99])
def test_an_exact_share_of_labels_becomes_another_class(share: float) -> None:
    replaced = replace_labels(LABEL, 10, share, seed=3)
    assert (replaced != LABEL).sum() == round(1000 * share)
    assert set(replaced.tolist()) <= set(range(10)) and replaced.dtype == LABEL.dtype


def test_every_other_class_is_equally_likely() -> None:
    zeros = np.zeros(90_000, dtype=int)
    count = np.bincount(replace_labels(zeros, 10, 0.999, seed=0))[1:]
    expected = count.sum() / 9
    assert np.abs(count - expected).max() < 5 * np.sqrt(expected)


def test_labels_depend_on_the_seed_and_the_share_alone() -> None:
    assert np.array_equal(replace_labels(LABEL, 10, 0.2, seed=3), replace_labels(LABEL, 10, 0.2, seed=3))
    for share, seed in ((0.2, 4), (0.3, 3)):
        assert not np.array_equal(replace_labels(LABEL, 10, 0.2, seed=3), replace_labels(LABEL, 10, share, seed))


def test_rule_data_keeps_images_and_test_set(mnist_root: Path, tmp_path: Path) -> None:
    dataset = {"name": "mnist", "train_per_class": 10, "test_per_class": 2}
    clean, *noisy = (
        stored(tmp_path / f"{k}.h5", mnist_root, {"dataset": dataset, **own})
        for k, own in enumerate(({}, {"label_noise": 0.2, "seed": 1}, {"label_noise": 0.5, "seed": 1}))
    )
    assert "clean_train_label" not in clean
    for share, found in zip((0.2, 0.5), noisy, strict=True):
        assert (found["train_label"] != clean["train_label"]).sum() == round(100 * share)
        for name, other in (("clean_train_label", "train_label"), *((n, n) for n in clean if n != "train_label")):
            assert np.array_equal(found[name], clean[other]), name
    checksums = {hdf5.read_attributes(tmp_path / f"{k}.h5")["data_sha256"] for k in range(3)}
    assert len(checksums) == 3
    recorded = hdf5.read_attributes(tmp_path / "1.h5")["parameters"]
    assert recorded == dataset | {"label_noise": 0.2, "seed": 1}


def stored(path: Path, root: Path, settings: dict) -> dict[str, np.ndarray]:
    """Run the script of rule data."""
    snakemake = SimpleNamespace(
        input=SimpleNamespace(same=[]),
        params=SimpleNamespace(settings=settings),
        resources=SimpleNamespace(data_root=str(root)),
        output=[str(path)],
        log=[str(path.with_suffix(".log"))],
        rule="data",
        wildcards=SimpleNamespace(),
    )
    runpy.run_path(str(ROOT / "workflow/scripts/data.py"), {"snakemake": snakemake})
    logging.getLogger().handlers.clear()
    return hdf5.read(path)
