"""The same settings give the same files bit for bit, whatever the number of cores and the order of the jobs."""

import pytest
from helpers.checkout import Checkout
from helpers.paper import FIGURES

pytestmark = pytest.mark.slow
COMPUTED = (".h5", ".png", ".pdf", ".yaml", ".json", ".html", ".md")


def differing(one: Checkout, other: Checkout) -> list[str]:
    """Names of the computed files that only one has, or whose bytes differ (HDF5 attributes included)."""
    a, b = one.results(*COMPUTED), other.results(*COMPUTED)
    return sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name))


def test_the_number_of_cores_changes_no_bit(complete: Checkout, checkout: Checkout) -> None:
    checkout.run(cores=1)
    assert len(checkout.results(".png")) == len(FIGURES)
    assert differing(complete, checkout) == []


def test_half_of_the_results_deleted_come_back_bit_for_bit(complete: Checkout, finished: Checkout) -> None:
    for name in list(finished.results(*COMPUTED))[::2]:
        (finished.root / "results" / name).unlink()
    finished.run()
    # a row of a phase diagram is not needed again where the diagram is there, and the crate names the files there are
    unneeded = ("two_valley/phase_diagram/", "ro-crate-metadata.json")
    missing = [name for name in differing(complete, finished) if not name.startswith(unneeded)]
    assert missing == []
