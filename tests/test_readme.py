"""The README's example runs as it stands."""

import re
from pathlib import Path

import numpy as np

README = Path(__file__).parents[1] / "README.md"


def test_the_example_without_snakemake_trains_and_finds_a_flat_valley(mnist_root, monkeypatch):
    monkeypatch.chdir(mnist_root.parent)
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.S)
    found = {}
    exec(code, found)
    assert (found["run"].train_loss[:, -1] < 0.05).all()
    assert (found["run"].test_accuracy[:, -1] > 0.85).all()
    assert np.isfinite(found["top"].eigenvalue).all()
