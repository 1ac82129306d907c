"""Settings and cost of the continuations of an experiment."""

from typing import Any

from sgd_valleys.config.experiment import Experiment


def continuation_settings(experiment: Experiment, eta: str) -> dict[str, Any]:
    """Return the job settings of the continuations of runs with one learning rate.

    Args:
        experiment: an experiment with the section ``continuations``.
        eta: learning rate of the runs as canonical text.
    """
    section = experiment["continuations"]
    rate = float(eta) if section["eta"] == "same" else section["eta"]
    return {
        **{key: section[key] for key in ("coarse", "agreement", "similarity")},
        "descent": {"eta": rate, **{key: section[key] for key in ("steps", "loss", "looks", "every")}},
    }


def continued_samples(experiment: Experiment, runs: int) -> int:
    """Return the largest number of samples that the continuations of ``runs`` runs pass through the network."""
    section, points = experiment["continuations"], experiment["recording"]["points"]
    coarse, criteria = section["coarse"], 1 + len(section["similarity"])
    compared = min(points, points // coarse + 1 + coarse * criteria)
    return runs * compared * section["steps"] * experiment.M
