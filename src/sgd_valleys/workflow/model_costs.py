"""Estimate the cost of the jobs of the two-valley model."""

from collections.abc import Mapping
from typing import Any

from sgd_valleys.workflow.costs import MEMORY, START, Cost
from sgd_valleys.workflow.jobs import Jobs

NANOSECONDS = {"H": 9.0, "H2": 8.0, "isotropic": 6.7}  # per step of one run, by noise
OTHER_NOISE = 12.0  # ns per step of one run with another noise
FOKKER_PLANCK_STEP = 9e-3  # s per step of one time course


class ModelCosts:
    """Cost estimates; the method with the name of a rule takes the wildcards ``w`` of a job.

    Args:
        jobs: settings of the jobs.
    """

    def __init__(self, jobs: Jobs) -> None:
        self.jobs, self.experiments = jobs, jobs.experiments

    def _model(self, steps: Mapping[str, float], disk: float = 1e5) -> Cost:
        """Return the cost of simulations of the two-valley model.

        Args:
            steps: total number of steps of all runs, by noise.
            disk: size of the results, in bytes.
        """
        seconds = sum(count * NANOSECONDS.get(noise, OTHER_NOISE) * 1e-9 for noise, count in steps.items())
        return Cost(START + 0.7 + seconds, 300, disk)

    def phase_row(self, w: Any) -> Cost:
        settings = self.jobs.phase_row(w)
        return self._model({settings["noise"]: len(settings["sigma"]) * settings["runs"] * settings["iterations"]})

    def occupancy(self, w: Any = None) -> Cost:
        settings = self.jobs.occupancy(w)
        return self._model({"H": len(settings["sigma"]) * settings["runs"] * settings["iterations"]})

    def small_eta_limit(self, w: Any) -> Cost:
        settings = self.jobs.small_eta_limit(w)
        return self._model({"H": settings["runs"] * sum(settings["time"] / eta for eta in settings["eta"])})

    def model_control(self, w: Any) -> Cost:
        settings = self.jobs.model_control(w)
        runs = settings["runs"] * len(settings["delta_S"]) * settings["time"]
        steps: dict[str, float] = {}
        for value in settings["arms"]:
            noise = {"noise": value, "decay": {"loss": "H-loss"}.get(value, "H")}.get(w.control, "H")
            steps[noise] = steps.get(noise, 0) + runs / (value if w.control == "eta" else settings["eta"])
        return self._model(steps)

    def phase_diagram(self, w: Any) -> Cost:
        return Cost(START, MEMORY, 1e5)

    def theory(self, w: Any = None) -> Cost:
        return Cost(START + 0.5, MEMORY, 1e5)

    def fokker_planck(self, w: Any) -> Cost:
        settings = self.jobs.fokker_planck(w)
        seconds = len(settings["sigma"]) * settings["steps"] * FOKKER_PLANCK_STEP + 0.02 * len(settings["delta_S"])
        return Cost(START + seconds, MEMORY, 1e6)
