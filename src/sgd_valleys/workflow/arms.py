"""Find arms: experiments whose runs differ only in the section ``training``."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sgd_valleys.config.experiment import Experiment

COMPARED = {  # settings that are equal for arms: data, network, duration and measures of the endpoints
    **dict.fromkeys(("dataset", "network", "layer")),
    "sweep": ("eta_T",),
    "recording": ("points",),
    "curvature": ("N", "per_class"),
    "freezing": ("L_c",),
}


def arms_of(experiments: Mapping[str, Experiment]) -> list[list[str]]:
    """Group the experiments whose runs differ only in ``training``.

    Arms may have different cells, and different measures along training.

    Args:
        experiments: experiments by name.

    Returns:
        names of the arms of each group; a group has at least two.
    """
    groups: dict[str, list[str]] = {}
    for name, experiment in experiments.items():
        common = {
            key: experiment[key] if parts is None else {part: experiment[key].get(part) for part in parts}
            for key, parts in COMPARED.items()
        }
        groups.setdefault(json.dumps(common, sort_keys=True, default=str), []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def compared_cells(own: Experiment, arms: Sequence[Experiment]) -> list[list[Any]]:
    """Return the cells (eta, B) of an arm that other arms share, and its deterministic cells at their learning rates.

    Args:
        own: the arm.
        arms: all arms of the group; may include ``own``.
    """
    others = {cell for arm in arms if arm.name != own.name for cell in arm.sweep.cells}
    rates = {cell.eta for cell in others}
    return [
        list(cell) for cell in own.sweep.cells if cell in others or (cell.eta in rates and own.is_deterministic(cell))
    ]


def only_arms(experiments: Mapping[str, Experiment]) -> list[str]:
    """Return the names of single-cell experiments in groups that include an experiment with several cells.

    The explorer compares such an experiment with the other arms, and shows no map of its cells.
    """

    def single(name: str) -> bool:
        return len(experiments[name].sweep.cells) == 1

    groups = (group for group in arms_of(experiments) if not all(map(single, group)))
    return [name for group in groups for name in group if single(name)]
