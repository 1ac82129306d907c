"""The settings of jobs that take measures of a network; see :mod:`sgd_valleys.workflow.jobs`."""

from typing import Any

from sgd_valleys.config.experiment import Configuration
from sgd_valleys.config.training import changed_settings

Settings = dict[str, Any]


class MeasureJobs(Configuration):
    """The settings of these jobs: a method with the name of a rule returns them."""

    def network(self, w: Any) -> Settings:
        """Return the network and its loss; not the studied layer, of which training is independent."""
        experiment = self.experiments[w.experiment]
        return {"network": experiment["network"], "classes": experiment.classes, **self._loss(w)}

    def _loss(self, w: Any) -> Settings:
        """Return the loss, unless it is the cross-entropy."""
        changed = changed_settings(self.experiments[w.experiment].training)
        return {key: changed[key] for key in ("loss",) if key in changed}

    def _layer(self, w: Any) -> Settings:
        """Return the layer that is studied."""
        return {"layer": self.experiments[w.experiment].layer}

    def paths(self, w: Any) -> Settings:
        """Return the settings of paths between solutions; the studied layer where the loss is sliced."""
        settings = self.experiments[w.experiment].path_settings
        layer = self._layer(w) if "slice" in settings else {}
        return {**self.network(w), **settings, **layer, "seed": self.config["seed"]}

    def branch_basins(self, w: Any) -> Settings:
        """Return the thresholds of each criterion for a basin."""
        branches = self.experiments[w.experiment]["branches"]
        basins = branches["basins"]
        return {
            **self.network(w),
            "realization": int(w.realization),
            "points": basins["points"],
            "thresholds": {
                "similarity": branches["same_basin"],
                "agreement": basins["agreement"],
                "barrier": basins["barrier"],
                "chord_height": basins["barrier"],
            },
        }
