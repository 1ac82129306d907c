"""A threshold that no run reaches, or a sweep in which no run converges, gives NaN and a warning, not an error."""

import json
import re

import numpy as np
from helpers.checkout import Checkout, edited

from sgd_valleys.storage import hdf5


def warning_of(checkout: Checkout, rule: str) -> str:
    return (checkout.root / f"results/logs/mnist/{rule}.log").read_text(encoding="utf-8")


def test_a_threshold_that_no_run_reaches_is_named_with_the_lowest_loss(finished: Checkout) -> None:
    finished.set({"experiments": {"mnist": {"freezing": {"L_c": 0.0001}}}})
    finished.run("results/figures/fig3.png", "results/figures/fig4X.png", "results/claims.json")
    sentence = r"experiments\.mnist\.freezing: no run reaches a training loss below 0\.0001, .* lowest loss, 0\.0\d+; "
    assert re.search(sentence, warning_of(finished, "freezing"))
    times = hdf5.read(finished.root / "results/mnist/freezing.h5")["freezing_time"]
    assert np.isnan(times[0]).all() and np.isfinite(times[1]).any()
    claims = json.loads((finished.root / "results/claims.json").read_text(encoding="utf-8"))["claims"]
    (found,) = (claim for claim in claims if claim["key"] == "eta_t_freeze_at_fixed_eta")
    assert found["value"] is None and found["verdict"] == "undecided"


def test_a_sweep_without_a_converged_run_has_no_barriers(finished: Checkout) -> None:
    for path in sorted((finished.root / "results/mnist/train").glob("*.h5")):
        with edited(path) as file:
            file["train_accuracy"][:, -1] = 0.5
    finished.run("results/figures/fig1.png", "results/figures/fig2.png", "results/claims.json")
    assert "experiments.mnist.sweep: 0 runs reach training accuracy 1" in warning_of(finished, "barriers")
    barriers = hdf5.read(finished.root / "results/mnist/barriers.h5")
    assert barriers["pair_barrier"].size == barriers["path_loss"].size == 0 and np.isnan(barriers["r_squared"])
    claims = json.loads((finished.root / "results/claims.json").read_text(encoding="utf-8"))["claims"]
    verdicts = {claim["key"]: claim["verdict"] for claim in claims}
    assert verdicts["barrier_falls"] == verdicts["barrier_r_squared_block"] == verdicts["barrier_early"] == "undecided"
