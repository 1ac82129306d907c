"""Invalid settings, damaged data and damaged results are named in one sentence, and leave no partial file."""

import os
import re
import shutil
import time
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
            r"experiments\.mnist\.sweep: unknown setting batch_sizes; allowed are B, counts, eta, .*stack",
        ),
        ("sweep: {B: [10, 30, 100]}", r"experiments\.mnist\.sweep\.B = 30: not a divisor of the 100 training samples"),
        (
            "sweep: {eta: [1e-3]}",
            r"sweep\.eta\[0\] = '1e-3': text instead of a number; .*; write the plain decimal 0\.001",
        ),
    ],
)
def test_invalid_settings_stop_snakemake_before_anything_runs(settings: str, sentence: str, checkout: Checkout) -> None:
    checkout.set({"experiments": {"mnist": yaml.safe_load(settings)}})
    assert re.search(sentence, failure_of(checkout))
    assert not (checkout.root / "results").exists()


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
    assert f"damaged/MNIST/raw/{path.name}: altered or truncated" in shown
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
        assert f"{name}: altered or damaged, since the checksum differs; " in failure_of(finished, target)
        assert not (finished.root / target).exists()
    path.unlink()
    finished.run(target)
    assert finished.results(".h5") == whole


def test_a_setting_given_twice_is_refused(checkout: Checkout) -> None:
    (checkout.root / "overlay.yaml").write_text("seed: 1\nseed: 2\n", encoding="utf-8")
    ended = checkout.snakemake("--dry-run")
    assert ended.returncode != 0
    assert re.search(r"config: .*overlay\.yaml, seed: set in line 1 and again in line 2", ended.stdout)


def test_nested_settings_on_the_command_line_are_understood(checkout: Checkout) -> None:
    plan = checkout.plan("--config", "experiments={mnist: {sweep: {realizations: 3}}}", "--dry-run")
    assert any(name.endswith(("r0-2.h5", "r2-2.h5")) for name in plan["train"])


def test_results_from_the_future_are_refused_before_anything_is_deleted(finished: Checkout) -> None:
    path = finished.root / "results/mnist/data.h5"
    finished.detach("results/mnist/data.h5")
    os.utime(path, (time.time() + 3600,) * 2)
    before = finished.results()
    ended = finished.snakemake()
    assert ended.returncode != 0 and "data.h5: the time stamp is" in ended.stdout
    assert finished.results() == before
    path.touch()
    assert finished.plan() == {}
