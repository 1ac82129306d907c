"""Invalid settings, damaged data and damaged results are named in one sentence, and leave no partial file."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from helpers.checkout import Checkout

from sgd_valleys.data.registry import DATA_SETS


def failure_of(checkout: Checkout, *arguments: str, **options: Any) -> str:
    """Run Snakemake, which has to fail without a traceback or a partial file, and return what it showed."""
    ended = checkout.snakemake(*arguments, **options)
    assert ended.returncode != 0, ended.stdout
    assert "Traceback" not in ended.stdout, ended.stdout
    assert not list((checkout.root / "results").rglob("*.part"))
    return ended.stdout


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            "sweep: {batch_sizes: [10]}",
            r"experiments\.mnist\.sweep has no setting batch_sizes: there are B, counts, eta, .*stack",
        ),
        ("sweep: {B: [10, 30, 100]}", r"experiments\.mnist\.sweep\.B: 30 does not divide .* of 100 samples"),
        ("sweep: {eta: [1e-3]}", r"sweep\.eta\[0\] is the text '1e-3': write it as a plain decimal, 0\.001"),
    ],
)
def test_invalid_settings_stop_snakemake_before_anything_runs(settings: str, sentence: str, checkout: Checkout) -> None:
    checkout.set({"experiments": {"mnist": yaml.safe_load(settings)}})
    assert re.search(sentence, failure_of(checkout))
    assert not (checkout.root / "results").exists()


def test_a_threshold_that_no_run_reaches_is_named_with_the_lowest_loss(finished: Checkout) -> None:
    finished.set({"experiments": {"mnist": {"freezing": {"L_c": 0.0001}}}})
    target = "results/mnist/freezing.h5"
    sentence = (
        r"experiments\.mnist\.freezing: no run reaches a training loss below 0\.0001; the lowest is 0\.0\d+: .*\."
    )
    assert re.search(sentence, failure_of(finished, target))
    assert not (finished.root / target).exists()


@pytest.mark.parametrize("damage", ["truncated", "altered"])
def test_a_damaged_mnist_file_is_named(damage: str, checkout: Checkout, mnist_root: Path) -> None:
    folder = checkout.root / "damaged" / DATA_SETS["mnist"].folder
    shutil.copytree(mnist_root / DATA_SETS["mnist"].folder, folder)
    path = folder / "t10k-images-idx3-ubyte"
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content if damage == "altered" else content[: len(content) // 2])
    damaged = path.read_bytes()
    checkout.set({"data": {"root": "damaged"}})
    shown = failure_of(checkout, "results/mnist/data.h5")
    assert f"damaged/MNIST/raw/{path.name} is altered or truncated" in shown
    assert not [name for name in checkout.results() if not name.startswith(("two_valley/", "figures/"))]
    assert path.read_bytes() == damaged


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "noise": lambda whole: Random(0).randbytes(len(whole)),
    "half-written": lambda whole: whole[: len(whole) // 2],
    "noise inside": lambda whole: whole[: len(whole) // 2] + Random(0).randbytes(512) + whole[len(whole) // 2 + 512 :],
    "emptied": lambda whole: b"",
}


@pytest.mark.slow
def test_a_damaged_result_is_named_and_comes_back_once_deleted(finished: Checkout) -> None:
    name, target = "results/mnist/train/eta0.02_B10_r0-1.h5", "results/mnist/freezing.h5"
    path, whole = finished.root / name, finished.results(".h5")
    content = path.read_bytes()
    finished.detach(name)
    for damage in DAMAGES.values():
        path.write_bytes(damage(content))
        sentence = f"{name} is not what was written (its checksum differs): delete it and run again."
        assert sentence in failure_of(finished, target)
        assert not (finished.root / target).exists()
    path.unlink()
    finished.run(target)
    assert finished.results(".h5") == whole
