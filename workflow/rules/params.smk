"""From settings to jobs: the files each takes, and its parameters as one dict of plain types."""

import ast
import hashlib
import json
import math
import re
from datetime import date
from html import escape
from importlib.metadata import version
from types import SimpleNamespace

from snakemake.iocontainers import Wildcards

from sgd_valleys.claims import tables

CLAIMS = [f"results/claims.{kind}" for kind in ("json", "html", "md")]
FIGURES = [f"results/figures/{name}.{kind}" for name in config["figures"] if name != "style" for kind in ("png", "pdf")]


def network_params(experiment):
    """What is needed to build an experiment's network, and the layer under study."""
    e = EXPERIMENTS[experiment]
    return {"network": e["network"], "classes": DATA_SETS[e["dataset"]["name"]].classes, "layer": e["layer"]}


def data_mb(wildcards):
    """Size of an experiment's images in memory, in 100 MB."""
    dataset = EXPERIMENTS[wildcards.experiment]["dataset"]
    samples = sum(settings.samples(dataset, part) for part in ("train", "test"))
    return round(samples * DATA_SETS[dataset["name"]].pixels * 4 / 1e8) * 100


def train_minutes(wildcards):
    """For training a stack: several times what a core needs, which passes so many samples a minute; an hour at least."""
    e = EXPERIMENTS[wildcards.experiment]
    runs = int(wildcards.last) - int(wildcards.first) + 1
    samples = sweep.iterations(e["sweep"], wildcards.eta) * int(wildcards.B) * runs
    return max(60, math.ceil(samples / {"mlp": 10_000_000, "cnn": 60_000}[e["network"]["name"]]))


def stack_file(pattern, w):
    """The file of the stack that a run is in."""
    e = EXPERIMENTS[w.experiment]
    number = int(w.realization)
    for first, last in sweep.job_chunks(e["sweep"], w.eta, int(w.B), settings.training_samples(e["dataset"])):
        if first <= number <= last:
            return pattern.format(experiment=w.experiment, eta=w.eta, B=w.B, first=first, last=last)
    raise WorkflowError(f"The sweep of {w.experiment} has no run of eta = {w.eta}, B = {w.B}, realization {number}.")


def stack_files(pattern, experiment, cells=None):
    """The files of all stacks of the named cells, or of the whole sweep."""
    e = EXPERIMENTS[experiment]
    M = settings.training_samples(e["dataset"])
    return [
        pattern.format(experiment=experiment, eta=eta, B=B, first=first, last=last)
        for eta, B in cells or sweep.cells(e["sweep"])
        for first, last in sweep.job_chunks(e["sweep"], eta, B, M)
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
        "checkpoints": realizations_of(settings.kept_whole(e), wildcards),
    }


def curvature_params(wildcards):
    e = EXPERIMENTS[wildcards.experiment]
    return {
        **network_params(wildcards.experiment),
        "seed": config["seed"],
        "N": e["curvature"]["N"],
        "tolerance": e["curvature"]["tolerance"],
        "per_class": e["curvature"].get("per_class"),
        "along": realizations_of(settings.followed(e), wildcards),
        "spectrum": realizations_of(e["curvature"]["spectrum"], wildcards),
    }


def endpoint_params(wildcards):
    known = network_params(wildcards.experiment)
    return {name: known[name] for name in ("network", "classes")}


def barrier_params(wildcards):
    return {
        **network_params(wildcards.experiment),
        **EXPERIMENTS[wildcards.experiment]["barriers"],
        "seed": config["seed"],
        "block": block_runs(wildcards.experiment),
    }


def projection_params(wildcards):
    cells = EXPERIMENTS[wildcards.experiment]["projection"].get("cells", ())
    return {
        "block": block_runs(wildcards.experiment),
        "cells": [[sweep.canonical(cell["eta"]), cell["B"]] for cell in cells],
    }


def projected_cells(wildcards):
    p = projection_params(wildcards)
    return dict.fromkeys((eta, B) for eta, B, *_ in p["block"] + p["cells"])


def is_reference(wildcards):
    """Whether the run is the one whose branches Fig. 4 shows."""
    run = wildcards.eta, int(wildcards.B), int(wildcards.realization)
    return run == settings.reference_run(EXPERIMENTS[wildcards.experiment])


def branch_params(wildcards):
    e = EXPERIMENTS[wildcards.experiment]
    cell = settings.branchings(e)[wildcards.eta, int(wildcards.B)]
    points = e["branches"]["points"]
    return {
        **network_params(wildcards.experiment),
        "device": config["device"],
        "run": [wildcards.eta, int(wildcards.B), int(wildcards.realization)],
        "reference": is_reference(wildcards),
        "t_c": cell.t_c,
        "eta": cell.eta,
        "iterations": cell.iterations,
        "points": points,
        "final": cell.final(points),
    }


def branch_curvature_params(wildcards):
    curvature = EXPERIMENTS[wildcards.experiment]["curvature"]
    return {
        **network_params(wildcards.experiment),
        "seed": config["seed"],
        "N": curvature["N"],
        "tolerance": curvature["tolerance"],
        "per_class": curvature.get("per_class"),
        "along": is_reference(wildcards),
    }


def branch_endpoint_params(wildcards):
    e = EXPERIMENTS[wildcards.experiment]
    return {
        **network_params(wildcards.experiment),
        "realization": int(wildcards.realization),
        "L_c": e["freezing"]["L_c"],
        "same_basin": e["branches"]["same_basin"],
    }


def branched_files(wildcards):
    """The endpoints of all branched runs of a cell."""
    cell = settings.branchings(EXPERIMENTS[wildcards.experiment])[wildcards.eta, int(wildcards.B)]
    return [
        BRANCH_ENDPOINTS.format(experiment=wildcards.experiment, eta=wildcards.eta, B=wildcards.B, realization=r)
        for r in cell.realizations
    ]


def reference_files(figure, **patterns):
    """The files of the reference run of a figure's experiment, by the names of their patterns."""
    return files_of_reference(config["figures"][figure]["experiment"], **patterns)


def files_of_reference(name, **patterns):
    """The files of the reference run of an experiment, by the names of their patterns."""
    eta, B, realization = settings.reference_run(EXPERIMENTS[name])
    run = SimpleNamespace(experiment=name, eta=eta, B=B, realization=realization)
    return {
        key: stack_file(pattern, run) if "{first}" in pattern else pattern.format(**vars(run))
        for key, pattern in patterns.items()
    }


def phase_params(wildcards):
    diagram = MODEL["phase_diagrams"][wildcards.diagram]
    return {
        "seed": config["seed"],
        "landscape": MODEL["landscape"],
        **diagram,
        "eta": wildcards.eta,
        "sigma": sweep.log_grid(diagram["sigma"]),
    }


def phase_rows(wildcards):
    """One row of the diagram for each learning rate."""
    rates = sweep.log_grid(MODEL["phase_diagrams"][wildcards.diagram]["eta"])
    return [PHASE_ROW.format(diagram=wildcards.diagram, eta=sweep.canonical(eta)) for eta in rates]


def small_eta_limit_params(wildcards):
    return {
        "seed": config["seed"],
        "landscape": MODEL["landscape"],
        "start": settings.continuous_diagram(MODEL)["start"],
        **MODEL["continuous_time"]["small_eta_limit"],
        "delta_S": wildcards.delta_S,
    }


def small_eta_limit_files():
    rates = MODEL["continuous_time"]["small_eta_limit"]["delta_S"]
    return [SMALL_ETA_LIMIT.format(delta_S=sweep.canonical(delta_S)) for delta_S in rates]


def fokker_planck_params(wildcards):
    """Where the runs of Fig. 6B go in continuous time, and P_flat against Delta_S at two times.

    These are the end of the runs whose learning rate is made smaller, and that of the longest in the diagram.
    """
    occupancy, continuous = MODEL["occupancy"], MODEL["continuous_time"]
    diagram = settings.continuous_diagram(MODEL)
    small_eta_limit = continuous["small_eta_limit"]
    return {
        "landscape": MODEL["landscape"],
        "convention": wildcards.convention,
        "sigma": occupancy["sigma"],
        "eta": occupancy["eta"],
        "steps": continuous["steps"],
        "course_start": occupancy["start"],
        "course_time": occupancy["eta"] * occupancy["iterations"],
        "delta_S": sorted({*sweep.log_grid(continuous["delta_S"]), *small_eta_limit["delta_S"]}),
        "final_start": diagram["start"],
        "small_eta_limit_time": float(small_eta_limit["time"]),
        "longest_time": max(sweep.log_grid(diagram["eta"])) * diagram["iterations"],
    }


def theory_params():
    t = MODEL["theory"]
    return {
        "landscape": MODEL["landscape"],
        **t,
        "delta_S": sweep.log_grid(t["delta_S"]),
        "occupancy_delta_S": [MODEL["occupancy"]["eta"] * sigma for sigma in MODEL["occupancy"]["sigma"]],
    }


def diagram_file(figure):
    return PHASE_DIAGRAM.format(diagram=config["figures"][figure]["diagram"])


def beyond_figures():
    """What is asked for in the settings and no figure may show.

    That is what of every sweep rises and falls with noise, every branched cell, and every phase diagram.
    """
    ends = [f"results/{name}/cell_maps.h5" for name in EXPERIMENTS]
    cells = [
        BRANCH_STATISTICS.format(experiment=name, eta=eta, B=B)
        for name, e in EXPERIMENTS.items()
        for eta, B in settings.branchings(e)
    ]
    return ends + cells + [PHASE_DIAGRAM.format(diagram=name) for name in MODEL["phase_diagrams"]]


def targets():
    """What a complete run ends with: figures, what is asked for beyond them, claims, a page, and what all was made with."""
    return FIGURES + beyond_figures() + [*CLAIMS, EXPLORER, SETTINGS, VERSIONS]


def figure_params(name):
    """The settings that one figure depends on: its own, and the style that all share."""
    return {"name": name, "figure": config["figures"][name], "style": config["figures"]["style"]}


def figure_file(name, shows):
    """A figure, which the report shows with its caption."""
    labels = {"figure": f"Fig. {name.removeprefix('fig')}", "shows": shows}
    return report(f"results/figures/{name}.png", caption=f"../report/{name}.rst", category="Figures", labels=labels)


def run_file(path, what):
    """What all was made with, which the report gives as a file.

    One label alone: Snakemake makes a switch of any other that has two values, each on half of a category's files.
    """
    labels = {"file": f"{Path(path).name}: {what}"}
    return report(path, caption=f"../report/{Path(path).stem}.rst", category="Settings and versions", labels=labels)


def summary_params():
    """All settings, after every file of settings and every default, and the code that they are for."""
    return {"settings": settings.on_top_of(PAPER, config), "commit": provenance.git_revision()}


def check_finished():
    """For the report: refuse a run that is not what the settings ask for."""
    jobs = [str(job.output[0]) for job in workflow.dag.needrun_jobs() if job.output]
    if jobs:
        raise WorkflowError(
            f"The report is of a finished run, and with these settings {len(jobs)} jobs are to be run, as that of "
            f"{min(jobs)}: run the workflow first, or name the settings of the results, --configfile {SETTINGS}."
        )


def changed_settings():
    """For the report: the settings that are not those of config.yaml, as (name, there, here)."""
    return list(settings.changes(PAPER, settings.on_top_of(PAPER, config)))


def benchmarks():
    """The rule and the file of run times of every job of this run, whatever else has its times beside them."""
    jobs = [(job.rule.name, Path(str(job.benchmark))) for job in workflow.dag.jobs if job.benchmark]
    return [(rule, path) for rule, path in jobs if path.is_file()]


def rule_times():
    """For the report: what each rule's jobs took; those of rules with less than 1% of the whole as one, the last."""
    jobs = [(rule, run_times.seconds(path)) for rule, path in benchmarks()]
    least = 0.01 * sum(time for _, time in jobs)
    rows = run_times.by_rule(jobs)
    few = {row.rule for row in rows if row.total < least}
    others = run_times.by_rule((f"{len(few)} others", time) for rule, time in jobs if rule in few)
    return [row for row in rows if row.rule not in few] + others


def core_hours():
    """For the report: the processor time of all jobs together."""
    return sum(run_times.seconds(path, "cpu_time") for _, path in benchmarks()) / 3600


def last_day():
    """For the report: the day on which the last job ended, or None where no job left its times."""
    ends = [path.stat().st_mtime for _, path in benchmarks()]
    return date.fromtimestamp(max(ends)).strftime("%-d %B %Y") if ends else None


def judgements():
    """For the report: the claims, each a dict."""
    return json.loads(Path(shown("results/claims.json")).read_text())["claims"]


def number(key):
    """For the report: a claim's number here with its interval, for a caption; empty where there is no such claim."""
    return next((tables.told(claim) for claim in judgements() if claim["key"] == key), "")


def judged(figure, about=""):
    """For the report: what came of the claims about a figure, by its number, as a list for its caption.

    What does not simply agree comes first, and the rest is there to unfold. ``about`` has to be in a claim's key.
    """
    told = {verdict: [] for verdict in ("disagrees", "undecided", "agrees in direction", "agrees")}
    for claim in judgements():
        where = claim["where"].partition(", as ")[0]  # another experiment's names its own figure first
        figures = re.sub(r"Eqs?\. [A-Z]?\d+", "", where).partition("Fig")[2]
        if figure in re.findall(r"S?\d+", figures) and about in claim["key"]:
            verdict, ours = claim["verdict"], " (ours)" if claim.get("more") else ""
            said = escape(f"{claim['statement']} Here {tables.told(claim)} ({claim['where']}){ours}")
            told[verdict].append(f"<li><b>{tables.MARKS[verdict]} {verdict}</b>: {said}</li>")
    agreeing = told.pop("agrees")
    others = [line for lines in told.values() for line in lines]
    if not others and not agreeing:
        return ""
    count = f"{'and ' if others else ''}{len(agreeing)} that {'agrees' if len(agreeing) == 1 else 'agree'}"
    lines = [
        "<p>Its claims, with the numbers of this run [95% interval]; more on each is on the first page:</p>",
        *(["<ul>", *others, "</ul>"] if others else []),
        *([f"<details><summary>{count}</summary><ul>", *agreeing, "</ul></details>"] if agreeing else []),
    ]
    return "\n   ".join([".. raw:: html\n", '<div class="judged">', *lines, "</div>"])


def shown(path):
    """For the report: the path of a file of results that has to be there."""
    if not Path(path).is_file():
        raise WorkflowError(f"The report shows {path}, which is not there: run the workflow first.")
    return path


def analysis(name, figure):
    """The path of an analysis of the experiment that a figure shows."""
    return f"results/{config['figures'][figure]['experiment']}/{name}.h5"


def rate_files(pattern, figure, *, rates=("eta",), also=()):
    """The stacks of a figure's rates by their settings, all batch sizes, and of some cells more."""
    e = config["figures"][figure]["experiment"]
    etas = [sweep.canonical(config["figures"][figure][rate]) for rate in rates]
    cells = [(eta, B) for eta in etas for B in EXPERIMENTS[e]["sweep"]["B"]]
    return stack_files(pattern, e, dict.fromkeys([*cells, *also]))


def fig3_run():
    run = config["figures"]["fig3"]["run"]
    return sweep.canonical(run["eta"]), run["B"]


def spectrum_files(figure):
    """The stacks of a figure's experiment in which whole spectra are taken."""
    name = config["figures"][figure]["experiment"]
    e = EXPERIMENTS[name]
    M = settings.training_samples(e["dataset"])
    return [
        CURVATURE.format(experiment=name, eta=eta, B=B, first=first, last=last)
        for eta, B in sweep.cells(e["sweep"])
        for first, last in sweep.job_chunks(e["sweep"], eta, B, M)
        if sweep.selected_by_any(e["curvature"]["spectrum"], eta, B, range(first, last + 1))
    ]


def another_experiment():
    """The experiment of Fig. S5, where it is another than that of Fig. 2."""
    name = config["figures"]["figS5"]["experiment"]
    return None if name == config["figures"]["fig2"]["experiment"] else name


def claim_files():
    """What the claims are judged by: the files of the figures that the paper makes them with."""
    files = {
        "barriers": analysis("barriers", "fig1"),
        "block": analysis("jaccard", "fig1"),
        "block_endpoints": analysis("endpoints", "fig1"),
        "spectrum_endpoints": analysis("endpoints", "figS1"),
        "spectra": spectrum_files("figS1"),
        **{name: analysis(name, "fig2") for name in ("endpoints", "jaccard", "cell_maps")},
        "noise_freezing": analysis("freezing", "fig2"),
        "freezing": analysis("freezing", "fig3"),
        "freezing_endpoints": analysis("endpoints", "fig3"),
        "freezing_cell_maps": analysis("cell_maps", "fig3"),
        "train": rate_files(TRAIN, "fig3"),
        "curvature": rate_files(CURVATURE, "fig3"),
        "branches": reference_files("fig4X", statistics=BRANCH_STATISTICS)["statistics"],
        "diagrams": [diagram_file("fig5"), diagram_file("figS6")],
        "occupancy": "results/two_valley/occupancy.h5",
        "theory": "results/two_valley/theory.h5",
    }
    if another_experiment():
        files |= {f"other_{name}": analysis(name, "figS5") for name in ("endpoints", "freezing", "cell_maps")}
        files |= {"other_train": rate_files(TRAIN, "figS5"), "other_curvature": rate_files(CURVATURE, "figS5")}
        files["other_spectra"] = spectrum_files("figS5")
    return files


def claim_params():
    figures, other = config["figures"], another_experiment()
    shown = {name: figure["experiment"] for name, figure in figures.items() if "experiment" in figure}
    of = {name: EXPERIMENTS[experiment] for name, experiment in shown.items()}
    cells = of["fig2"]["projection"]["cells"]
    run = figures["fig3"]["run"]
    return {
        "seed": config["seed"],
        **config["claims"],
        "experiments": {
            "landscape": [shown["fig1"], shown["figS1"]],
            "noise": [shown["fig2"]],
            "freezing": [shown["fig3"]],
            "branches": [shown["fig4X"]],
        },
        "similarity": of["fig1"]["barriers"]["similarity"],
        "N": of["figS1"]["curvature"]["N"],
        "images": settings.samples(of["fig2"]["dataset"], "test"),
        "violin_eta": figures["fig2"]["violin_eta"],
        "freezing_eta": figures["fig3"]["eta"],
        "quiet": [cells[0]["eta"], cells[0]["B"]],
        "noisy": [cells[-1]["eta"], cells[-1]["B"]],
        "reference": [run["eta"], run["B"]],
        "L_c": of["fig3"]["freezing"]["L_c"],
        "same_basin": of["fig4X"]["branches"]["same_basin"],
        "other": other
        and {key: of["figS5"][part][key] for part, key in (("freezing", "L_c"), ("curvature", "N"))}
        | {"experiment": other},
    }


def look(*keys, **of):
    """Settings of figures by the figures' names: each key's in the first figure that has it and shows what is named.

    Where no figure shows it, the first that has the key says how it would look.
    """
    found = {}
    for key in keys:
        having = [name for name, figure in config["figures"].items() if key in figure]
        showing = [name for name in having if config["figures"][name].items() >= of.items()]
        figure = (showing or having)[0]
        found.setdefault(figure, {})[key] = config["figures"][figure][key]
    return found


def explorer_params():
    """What the page shows and how, as in the figures."""
    experiments = {
        name: {
            "reference": list(settings.reference_run(e)) if "branches" in e else None,
            "colors": look(
                "eta_colors", "time_colormap", "colormap", "t_c_colormap", "run_color", "loss_color", experiment=name
            ),
        }
        for name, e in EXPERIMENTS.items()
    }
    diagrams = {
        name: {
            **{key: diagram[key] for key in ("noise", "runs", "iterations")},
            "colors": look("p_flat_colormap", "freezing_colormap", diagram=name),
        }
        for name, diagram in MODEL["phase_diagrams"].items()
    }
    return {"experiments": experiments, "diagrams": diagrams}


def explorer_files():
    """All that the page is made from, by the names of what it belongs to and of what it is."""
    found = {f"two_valley/{name}": PHASE_DIAGRAM.format(diagram=name) for name in MODEL["phase_diagrams"]}
    for name, e in EXPERIMENTS.items():
        found |= {
            f"{name}/{part}": f"results/{name}/{part}.h5"
            for part in ("cell_maps", "endpoints", "freezing", "projection")
        }
        found[f"{name}/train"] = stack_files(TRAIN, name)
        found[f"{name}/curvature"] = stack_files(CURVATURE, name)
        if "branches" in e:
            found |= {
                f"{name}/branch_{part}": path
                for part, path in files_of_reference(
                    name, run=TRAIN, train=BRANCH_TRAIN, projection=BRANCH_PROJECTION, endpoints=BRANCH_ENDPOINTS
                ).items()
            }
    return found


def page_parts(*names):
    """The parts of the page that are not Python, as inputs for the same reason as the library's modules."""
    return [os.path.relpath(ROOT / "src" / "sgd_valleys" / "explorer" / name) for name in names]


def producers(ends):
    """Of every file that these ends need, and of themselves: the rule that makes it, and with which wildcards."""
    found, waiting = {}, list(ends)
    while waiting:
        path = str(waiting.pop())
        if path in found or not path.startswith("results/"):
            continue
        (rule,) = (rule for rule in workflow.rules if rule.is_producer(path))
        found[path] = rule, Wildcards(fromdict=rule.get_wildcards(path))
        waiting += rule.expand_input(found[path][1])[0]
    return found


def planned():
    """Every file of a complete run, with the settings that it is computed with."""
    found = {}
    for path, (rule, wildcards) in producers([*targets(), *CRATE]).items():
        settings_of = rule.params.get("settings", {})
        found[path] = settings_of(wildcards) if callable(settings_of) else settings_of
    return found


def purpose(rule):
    """What a rule's files are, as the first line of its script says; of a figure its module."""
    script = Path(rule.script or "").name
    path = f"src/sgd_valleys/figures/{rule.name}.py" if script == "figure.py" else f"workflow/scripts/{script}"
    return ast.get_docstring(ast.parse((ROOT / path).read_text())).splitlines()[0] if script else f"Rule {rule.name}"


def kinds():
    """The patterns of all HDF5 files, each with the purpose of its rule and the files of a complete run."""
    files = {}
    for path, (rule, _) in producers(targets()).items():
        if path.endswith(".h5"):
            files.setdefault(rule, []).append(path)
    made = [rule for rule in workflow.rules if rule in files]
    patterns = [re.sub(r"{(\w+),[^{}]*}", r"{\1}", str(rule.output[0])) for rule in made]
    return {rule.name: [path, purpose(rule), sorted(files[rule])] for rule, path in zip(made, patterns)}


def checksums():
    """The checksum of every file that the workflow is made of, by its path."""
    files = [ROOT / name for name in ("Snakefile", "config.yaml", "CITATION.cff", "LICENSE", "pyproject.toml")]
    for folder in ("config", "envs", "profiles", "src", "workflow"):
        own = (path for path in (ROOT / folder).rglob("*") if path.is_file() and path.parent.name != "__pycache__")
        files += [path for path in own if path.parent.suffix != ".egg-info"]
    return {os.path.relpath(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)}


def crate_params(wildcards):
    return {
        "files": {path: purpose(rule) for path, (rule, _) in sorted(producers(targets()).items())},
        "code": checksums(),
        "snakemake": version("snakemake"),
    }


def plan_of(experiment):
    """An experiment in a line: how many cells, runs and jobs."""
    e = EXPERIMENTS[experiment]
    M, cells = settings.training_samples(e["dataset"]), sweep.cells(e["sweep"])
    descents = sum(B == M for _, B in cells)
    return (
        f"{experiment}: {len(cells)} cells: {len(cells) - descents} with {e['sweep']['realizations']} realizations"
        + (f", {descents} of gradient descent with one" if descents else "")
        + f"; in {len(stack_files(TRAIN, experiment))} training jobs"
        + "".join(
            f"; {len(b.realizations)} runs of eta = {eta}, B = {B} branched {len(b.t_c)} times each"
            for (eta, B), b in settings.branchings(e).items()
        )
    )


def title_of(experiment):
    """For the report: the network and the data set of an experiment."""
    e = EXPERIMENTS[experiment]
    known = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST", "cifar10": "CIFAR-10"}
    return f"{e['network']['name'].upper()} on {known.get(e['dataset']['name'], e['dataset']['name'])}"


def setting_of(experiment):
    """For the report: what an experiment trains on what, for how long, and over which cells."""
    e = EXPERIMENTS[experiment]
    dataset, network, rates = e["dataset"], e["network"], e["sweep"]
    images = [
        f"{settings.samples(dataset, part):,} {name} images ({dataset[f'{part}_per_class']} of each class)"
        for part, name in (("train", "training"), ("test", "test"))
    ]
    layers = [f"{', '.join(map(str, network[kind]))} {kind}" for kind in ("channels", "hidden") if kind in network]
    return (
        f"{title_of(experiment)}, layers of {', then '.join(layers)} units; "
        f"{' and '.join(images)}, and the whole test file; η from {min(rates['eta'])} to {max(rates['eta'])}, "
        f"B from {min(rates['B'])} to {max(rates['B'])}, every run for η T = {rates['eta_T']}"
    )


if workflow.is_main_process:
    print(*map(plan_of, EXPERIMENTS), *settings.warnings(config), sep="\n", file=sys.stderr)
