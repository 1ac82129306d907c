"""The same settings give the same files bit for bit, whatever the number of cores and the order of the jobs."""

import pytest
from helpers.checkout import Checkout
from helpers.paper import FIGURES

pytestmark = pytest.mark.slow
COMPUTED = (".h5", ".yaml", ".json", ".html", ".md")  # test_figures.py draws every figure again


def differing(one: Checkout, other: Checkout) -> list[str]:
    """Names of the computed files that only one has, or whose bytes differ (HDF5 attributes included)."""
    a, b = one.results(*COMPUTED), other.results(*COMPUTED)
    return sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name))


def test_deleted_results_come_back_bit_for_bit_on_another_number_of_cores(
    complete: Checkout, finished: Checkout
) -> None:
    """Half of the results are deleted, so that every job runs again: among them are all that need no other file."""
    without = ("--omit-from", *sorted(FIGURES), "crate")  # the crate describes the figures too
    first = ("data", "phase_row", "phase_diagram", "occupancy", "model_control", "small_eta_limit", "fokker_planck")
    first += ("theory",)
    every = complete.jobs("--forceall", *without)
    names = ["config.yaml", *list(finished.results(*COMPUTED))[::2]]
    names += [name.removeprefix("results/") for job in every if job["rule"] in first for name in job["output"]]
    for name in set(names) - {"ro-crate-metadata.json"}:
        (finished.root / "results" / name).unlink()
    again = finished.jobs(*without)
    assert sorted(job["output"] for job in again) == sorted(job["output"] for job in every)
    finished.run(*without, cores=1)
    assert differing(complete, finished) == []
