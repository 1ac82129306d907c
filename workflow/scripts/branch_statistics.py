"""The branches of all realizations of a cell together: how much one trajectory decides."""

import numpy as np

from sgd_valleys.randomness import Stage, stream
from sgd_valleys.statistics.bootstrap import interval
from sgd_valleys.statistics.fits import fit_groups
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.hdf5 import Variable
from sgd_valleys.workflow.job import job

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
INTERVAL = "95% bootstrap interval over realizations"

with job(snakemake) as log:
    p = snakemake.params.settings
    files = [hdf5.read(path, ["t_c", *BRANCH, *RUN]) for path in snakemake.input.endpoints]
    realization = np.array([hdf5.read_attributes(path)["realization"] for path in snakemake.input.endpoints])
    values = {name: np.stack([file[name] for file in files]) for name in (*BRANCH, *RUN)}

    def drawing() -> np.random.Generator:
        """The same resamples for every quantity, so that adding one changes no other."""
        return stream(p["seed"], Stage.BRANCH_BOOTSTRAP)

    axes = ("realization", "t_c")
    variables = {
        "realization": Variable(("realization",), realization, "realization (order of the minibatches)"),
        "t_c": Variable(
            ("t_c",), files[0]["t_c"], "iteration of the SGD run at which the branch leaves it", "iterations"
        ),
        **{name: Variable(axes, values[name], *BRANCH[name]) for name in BRANCH},
        **{name: Variable(axes[:1], values[name], *RUN[name]) for name in RUN},
    }
    for name, (text, units) in BRANCH.items():
        mean, *bounds = interval(values[name], drawing(), p["resamples"])
        variables[f"{name}_mean"] = Variable(("t_c",), mean, f"{text}, mean over realizations", units)
        variables[f"{name}_interval"] = Variable(("bound", "t_c"), np.stack(bounds), f"of the mean: {INTERVAL}", units)
    for name in RUN:
        mean, low, high = interval(values[name], drawing(), p["resamples"])
        log.info(f"{name}: {np.round(values[name], 3).tolist()}, mean {mean:.4g} [{low:.4g}, {high:.4g}]")

    for loss in ("test_loss", "test_file_loss"):
        fit = fit_groups(values[loss], values["flatness"], drawing(), p["resamples"])
        kinds = {"slope": ("slope of flatness against loss", "1/nat^2"), "r_squared": ("R^2 of the line", "1")}
        for kind, (text, units) in kinds.items():
            own = getattr(fit, kind)
            median, *bounds = interval(own, drawing(), p["resamples"], np.nanmedian)
            variables[f"{loss}_{kind}"] = Variable(("realization",), own, f"{text}, one realization each", units)
            variables[f"{loss}_{kind}_median"] = Variable((), median, f"{text}, median over realizations", units)
            variables[f"{loss}_{kind}_median_interval"] = Variable(("bound",), np.stack(bounds), INTERVAL, units)
            for name, line in (("pooled", fit.pooled), ("within", fit.within)):
                variables[f"{loss}_{name}_{kind}"] = Variable((), getattr(line, kind), f"{text}, {name}", units)
                variables[f"{loss}_{name}_{kind}_interval"] = Variable(
                    ("bound",), np.array(getattr(line, f"{kind}_interval")), INTERVAL, units
                )
        variables[f"{loss}_pooled_intercept"] = Variable(
            (), fit.pooled.intercept, "intercept of the pooled line", "1/nat"
        )
        log.info(
            f"flatness against {loss}: R^2 of each realization {np.round(fit.r_squared, 2).tolist()}, "
            f"slopes {np.round(fit.slope, 2).tolist()}"
        )
        for name, line in (("pooled", fit.pooled), ("within realizations", fit.within)):
            log.info(
                f"{name}: slope {line.slope:.3g} [{line.slope_interval[0]:.3g}, {line.slope_interval[1]:.3g}], "
                f"R^2 {line.r_squared:.3f} [{line.r_squared_interval[0]:.3f}, {line.r_squared_interval[1]:.3f}]"
            )
    hdf5.write(snakemake.output[0], variables, provenance.attributes(p, snakemake.input.data))
