"""Combine the branches of all realizations of a cell, to show the variation between trajectories."""

from sgd_valleys.workflow.job import job

import numpy as np

from sgd_valleys.measures.units import in_units_of
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.statistics.bootstrap import add_image_error, interval
from sgd_valleys.statistics.fits import fit_groups
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable, coordinates

BRANCH = {
    "flatness": ("final flatness F, Eq. 6", "1/nat"),
    "test_loss": ("final test loss", "nat"),
    "test_file_loss": ("final loss on the whole test file", "nat"),
    "test_accuracy": ("final test accuracy", "1"),
    "test_file_accuracy": ("final accuracy on the whole test file", "1"),
    "train_accuracy": ("final training accuracy", "1"),
    "similarity_to_last": ("Sim_J to the last branch's final solution", "1"),
    "similarity_to_run": ("Sim_J to the SGD run's own end", "1"),
}
RUN = {
    "freezing_time": ("freezing time t_freeze of the SGD run, Eq. 7", "iterations"),
    "basin_freezing_time": ("earliest t_c from which on all branches end in the basin of the last", "iterations"),
    "similarity_before": ("mean Sim_J among the branches before t_freeze", "1"),
    "similarity_after": ("mean Sim_J among the branches from t_freeze on", "1"),
}
LINE = {"slope": ("slope of flatness against loss", "1/nat^2"), "r_squared": ("R^2 of the line", "1")}
IMAGES = {"test_accuracy": "data", "test_file_accuracy": "test_file"}  # inputs with the test images of an accuracy
INTERVAL = "95% bootstrap interval over realizations"

with job(snakemake) as log:
    settings = snakemake.params.settings
    loss = settings.get("loss", "cross_entropy")
    resamples = settings["resamples"]
    files = [hdf5.read(path, ["t_c", *BRANCH, *RUN]) for path in snakemake.input.endpoints]
    realization = [hdf5.read_attributes(path)["realization"] for path in snakemake.input.endpoints]
    values = {name: np.stack([file[name] for file in files]) for name in (*BRANCH, *RUN)}

    def rng() -> np.random.Generator:
        """Return a generator with the same stream at every call, so that a new quantity does not change the others."""
        return stream(settings["seed"], Stage.BRANCH_BOOTSTRAP)

    per_run, per_branch = ("realization",), ("realization", "t_c")
    variables = {
        **coordinates(realization=realization, t_c=files[0]["t_c"]),
        **{name: Variable(per_branch, values[name], *BRANCH[name]) for name in BRANCH},
        **{name: Variable(per_run, values[name], *RUN[name]) for name in RUN},
    }
    for name, (text, units) in BRANCH.items():
        mean, *bounds = interval(values[name], rng(), resamples)
        of_mean = f"of the mean: {INTERVAL}"
        if name in IMAGES:
            source = getattr(snakemake.input, IMAGES[name])
            images = len(hdf5.read(source, ["test_label"])["test_label"])
            bounds, of_mean = add_image_error(np.array(bounds), mean, images), f"{of_mean} and test images"
        variables[f"{name}_mean"] = Variable(("t_c",), mean, f"{text}, mean over realizations", units)
        variables[f"{name}_interval"] = Variable(("bound", "t_c"), bounds, of_mean, units)
    for name in RUN:
        mean, low, high = interval(values[name], rng(), resamples)
        log.info(f"{name}: {np.round(values[name], 3).tolist()}, mean {mean:.4g} [{low:.4g}, {high:.4g}]")

    for series in ("test_loss", "test_file_loss"):
        fit = fit_groups(values[series], values["flatness"], rng(), resamples)
        for kind, (text, units) in LINE.items():
            own = getattr(fit, kind)
            median, *bounds = interval(own, rng(), resamples, np.nanmedian)
            found = {
                kind: (per_run, own, f"{text}, of each realization"),
                f"{kind}_median": ((), median, f"{text}, median over realizations"),
                f"{kind}_median_interval": (("bound",), bounds, INTERVAL),
            }
            for name, line in (("pooled", fit.pooled), ("within", fit.within)):
                value, bounds = getattr(line, kind), getattr(line, f"{kind}_interval")
                found[f"{name}_{kind}"] = (), value, f"{text}, {name}"
                found[f"{name}_{kind}_interval"] = ("bound",), bounds, INTERVAL
                log.info(f"flatness against {series}: {text}, {name}: {value:.3g} [{bounds[0]:.3g}, {bounds[1]:.3g}]")
            log.info(f"flatness against {series}: {text}, of each realization: {np.round(own, 2).tolist()}")
            variables |= {f"{series}_{name}": Variable(*each, units) for name, each in found.items()}
        intercept = Variable((), fit.pooled.intercept, "intercept of the pooled line", "1/nat")
        variables[f"{series}_pooled_intercept"] = intercept
    hdf5.write(snakemake.output[0], in_units_of(loss, variables), provenance.attributes(settings, snakemake.input.data))
