"""The units of stored arrays for losses other than the cross-entropy."""

from collections.abc import Mapping
from dataclasses import replace

from sgd_valleys.networks.loss import LOSSES
from sgd_valleys.storage.hdf5 import Variable


def in_units_of(loss: str, variables: Mapping[str, Variable]) -> dict[str, Variable]:
    """Convert the units of variables, given for a loss in nat, to those of another loss.

    Args:
        loss: one of ``sgd_valleys.recipe.LOSSES``; for a loss in nat the units stay the same.
        variables: variables by name, such as a barrier in nat or a flatness in 1/nat.
    """
    if LOSSES[loss].units == "nat":
        return dict(variables)
    return {name: replace(each, units="1") if "nat" in each.units else each for name, each in variables.items()}
