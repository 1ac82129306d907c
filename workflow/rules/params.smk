"""From settings to jobs: the files each takes, and its parameters as one dict of plain types."""

FIGURES = [f"results/figures/{name}.{kind}" for name in config["figures"] if name != "style" for kind in ("png", "pdf")]


def network_params(experiment):
    """What is needed to build an experiment's network, and the layer under study."""
    e = EXPERIMENTS[experiment]
    return {"network": e["network"], "classes": DATA_SETS[e["dataset"]["name"]].classes, "layer": e["layer"]}


def stack_files(pattern, experiment, cells=None):
    """The files of all stacks of the named cells, or of the whole sweep."""
    e = EXPERIMENTS[experiment]
    M = settings.training_samples(e["dataset"])
    return [
        pattern.format(experiment=experiment, eta=eta, B=B, first=first, last=last)
        for eta, B in cells or sweep.cells(e["sweep"])
        for first, last in sweep.stacks(e["sweep"], eta, B, M)
    ]


def realizations_of(selections, wildcards):
    """The realizations of a stack that the selections name, in order."""
    stack = range(int(wildcards.first), int(wildcards.last) + 1)
    return sweep.selected_by_any(selections, wildcards.eta, int(wildcards.B), stack)


def block_runs(experiment):
    """The runs of Fig. 1 as plain lists."""
    return [list(run) for run in settings.block_runs(EXPERIMENTS[experiment])]


def train_params(wildcards):
    e = EXPERIMENTS[wildcards.experiment]
    kept_whole = [*e["recording"]["checkpoints"], *e["curvature"]["along"]]
    return {
        **network_params(wildcards.experiment),
        "seed": config["seed"],
        "device": config["device"],
        "eta": wildcards.eta,
        "B": int(wildcards.B),
        "first": int(wildcards.first),
        "last": int(wildcards.last),
        "iterations": int(sweep.iterations(e["sweep"], wildcards.eta)),
        "points": e["recording"]["points"],
        "checkpoints": realizations_of(kept_whole, wildcards),
    }


def curvature_params(wildcards):
    e = EXPERIMENTS[wildcards.experiment]
    return {
        **network_params(wildcards.experiment),
        "seed": config["seed"],
        "N": e["curvature"]["N"],
        "tolerance": e["curvature"]["tolerance"],
        "along": realizations_of(e["curvature"]["along"], wildcards),
        "spectrum": realizations_of(e["curvature"]["spectrum"], wildcards),
    }


def barrier_params(wildcards):
    return {
        **network_params(wildcards.experiment),
        **EXPERIMENTS[wildcards.experiment]["barriers"],
        "seed": config["seed"],
        "block": block_runs(wildcards.experiment),
    }


def projection_params(wildcards):
    cells = EXPERIMENTS[wildcards.experiment]["projection"]["cells"]
    return {
        "block": block_runs(wildcards.experiment),
        "cells": [[sweep.canonical(cell["eta"]), cell["B"]] for cell in cells],
    }


def projected_cells(wildcards):
    p = projection_params(wildcards)
    return dict.fromkeys((eta, B) for eta, B, *_ in p["block"] + p["cells"])


def figure_params(name):
    """The settings that one figure depends on: its own, and the style that all share."""
    return {"name": name, "figure": config["figures"][name], "style": config["figures"]["style"]}


def analysis(name, figure):
    """The path of an analysis of the experiment that a figure shows."""
    return f"results/{config['figures'][figure]['experiment']}/{name}.h5"


def rate_files(pattern, figure, *, also=()):
    """The stacks of a figure's one rate, all batch sizes, and of some cells more."""
    e = config["figures"][figure]["experiment"]
    eta = sweep.canonical(config["figures"][figure]["eta"])
    cells = [(eta, B) for B in EXPERIMENTS[e]["sweep"]["B"]]
    return stack_files(pattern, e, dict.fromkeys([*cells, *also]))


def fig3_run():
    run = config["figures"]["fig3"]["run"]
    return sweep.canonical(run["eta"]), run["B"]


def plan_of(experiment):
    """An experiment in a line: how many cells, runs and jobs."""
    e = EXPERIMENTS[experiment]
    M, cells = settings.training_samples(e["dataset"]), sweep.cells(e["sweep"])
    descents = sum(B == M for _, B in cells)
    return (
        f"{experiment}: {len(cells)} cells: {len(cells) - descents} with {e['sweep']['realizations']} realizations, "
        f"{descents} of gradient descent with one; in {len(stack_files(TRAIN, experiment))} training jobs"
    )


if workflow.is_main_process:
    print(*map(plan_of, EXPERIMENTS), sep="\n", file=sys.stderr)
