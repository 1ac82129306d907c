"""What several test modules share."""

from pathlib import Path

import pytest

from sgd_valleys import data


@pytest.fixture(scope="session")
def mnist_root() -> Path:
    """The folder under which MNIST's verified files lie."""
    root = Path(__file__).parents[1] / "data"
    data.fetch("mnist", root)
    return root
