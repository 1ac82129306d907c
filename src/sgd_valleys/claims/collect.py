"""All claims by section, from the results files and the settings of rule `claims`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sgd_valleys.claims import branches, freezing, landscape, noise, noise_trends, phase_diagram, two_valley
from sgd_valleys.claims.estimates import NewSampling, Sampling
from sgd_valleys.claims.verdict import Claim
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.cells import read_cells

Files = Mapping[str, Any]  # paths by the names of the rule's inputs, or lists of them
Settings = Mapping[str, Any]


def collect(files: Files, settings: Settings) -> dict[str, list[Claim]]:
    """Judge every claim, from the files of the figures that the paper supports it with.

    ``files`` are paths by name, as rule `claims` lists its inputs. Those that begin with ``other_`` belong to the
    experiment of Fig. S5, if that is not the experiment of Fig. 2. The result has the claims by the heading of their
    section, in the order of the paper.
    """
    names = {part: " and ".join(dict.fromkeys(used)) for part, used in settings["experiments"].items()}
    sections = {
        f"The loss landscape where training ends (Sec. II A, Figs. 1 and S1; {names['landscape']})": _landscape,
        f"What noise does: diversity, accuracy, flatness (Sec. II B, Fig. 2; {names['noise']})": _noise,
        f"How noise delays freezing (Sec. II C, Figs. 3 and S3; {names['freezing']})": _freezing,
        f"Gradient descent that leaves a run on its way (Sec. II D, Fig. 4; {names['branches']})": _branches,
        "The two-valley model (Secs. II E to G, Appendix A, Figs. 5, 6 and S6)": _two_valley,
    }
    if settings["other"]:
        name = settings["other"]["experiment"]
        sections[f"The same of another network and data set (Fig. S5; {name})"] = _other_experiment

    def new_sampling() -> Sampling:
        """Return the same stream for every number, so that a new claim changes no other."""
        return Sampling(stream(settings["seed"], Stage.CLAIM_BOOTSTRAP), settings["resamples"])

    return {heading: section(files, settings, new_sampling) for heading, section in sections.items()}


def relabel_for_experiment(claims: Sequence[Claim], experiment: str, figure: str) -> list[Claim]:
    """Return the claims of another experiment with its name in their keys and statements, and its figure in front."""

    def relabel(claim: Claim) -> Claim:
        key, where = f"{experiment}_{claim.key}", f"{figure}, as {claim.where}"
        return replace(claim, key=key, where=where, statement=f"{experiment}: {claim.statement}")

    return [relabel(claim) for claim in claims]


def read_spectra(paths: Sequence[str]) -> list[np.ndarray]:
    """Read all spectra (index) of files under curvature/; a diverged run has none."""
    return [row for path in paths for row in hdf5.read(path).get("spectrum", ())]


def read_along_training(train: Sequence[str], curvature: Sequence[str]) -> dict[int, dict[str, np.ndarray]]:
    """Read loss, accuracy and flatness (run, time) along the runs of one learning rate, by batch size."""
    runs = read_cells(train, ["train_loss", "train_accuracy"], shared=["iteration"])
    flatness = read_cells(curvature, ["flatness"])
    return {B: run | {"flatness": flatness[eta, B]["flatness"]} for (eta, B), run in runs.items()}


def _landscape(files: Files, settings: Settings, new_sampling: NewSampling) -> list[Claim]:
    names = "barriers", "block", "block_endpoints", "spectrum_endpoints"
    barriers, block, block_endpoints, endpoints = _read(files, *names)
    targets = max(settings["similarity"]), min(settings["similarity"])
    return [
        *landscape.collect(barriers, block, block_endpoints, new_sampling, targets),
        *landscape.collect_spectra(endpoints, read_spectra(files["spectra"]), new_sampling, settings["N"]),
    ]


def _noise(files: Files, settings: Settings, new_sampling: NewSampling) -> list[Claim]:
    endpoints, times, cell_maps, similarity = _read(files, "endpoints", "noise_freezing", "cell_maps", "jaccard")
    shown = settings["violin_eta"], tuple(settings["quiet"]), tuple(settings["noisy"]), settings["images"]
    return [
        *noise_trends.collect(endpoints, times, cell_maps, new_sampling),
        *noise.collect(endpoints, similarity, cell_maps, new_sampling, *shown),
    ]


def _freezing(files: Files, settings: Settings, new_sampling: NewSampling) -> list[Claim]:
    endpoints, times, cell_maps = _read(files, "freezing_endpoints", "freezing", "freezing_cell_maps")
    along = read_along_training(files["train"], files["curvature"])
    eta, reference = settings["freezing_eta"], tuple(settings["reference"])
    return [
        *freezing.collect(endpoints, times, cell_maps, new_sampling, eta, reference),
        *freezing.collect_along_training(along, _descent(endpoints), new_sampling, settings["L_c"]),
        *freezing.collect_thresholds(endpoints, times, cell_maps, new_sampling),
    ]


def _branches(files: Files, settings: Settings, new_sampling: NewSampling) -> list[Claim]:
    return branches.collect(*_read(files, "branches"), new_sampling, settings["same_basin"])


def _two_valley(files: Files, settings: Settings, new_sampling: NewSampling) -> list[Claim]:
    claims, judged = [], set()
    for path in files["diagrams"]:
        p = hdf5.read_attributes(path)["parameters"]
        if p["noise"] in phase_diagram.DIAGRAMS.keys() - judged:
            judged.add(p["noise"])
            claims += phase_diagram.collect(hdf5.read(path), p["runs"], p["iterations"], p["noise"], new_sampling)
    theory, occupancy = _read(files, "theory", "occupancy")
    runs = hdf5.read_attributes(files["occupancy"])["parameters"]["runs"]
    return claims + two_valley.collect(theory, occupancy, runs, new_sampling)


def _other_experiment(files: Files, settings: Settings, new_sampling: NewSampling) -> list[Claim]:
    other = settings["other"]
    endpoints, times, cell_maps = _read(files, "other_endpoints", "other_freezing", "other_cell_maps")
    along = read_along_training(files["other_train"], files["other_curvature"])
    claims = [
        *noise_trends.collect(endpoints, times, cell_maps, new_sampling, axes=False),
        *noise.collect_flat_is_accurate(endpoints, cell_maps, new_sampling),
        *freezing.collect_longer_is_flatter(endpoints, times, cell_maps, new_sampling),
        *freezing.collect_along_training(along, _descent(endpoints), new_sampling, other["L_c"]),
        *freezing.collect_thresholds(endpoints, times, cell_maps, new_sampling),
        *landscape.collect_spectra(endpoints, read_spectra(files["other_spectra"]), new_sampling, other["N"]),
    ]
    return relabel_for_experiment(claims, other["experiment"], "Fig. S5")


def _descent(endpoints: Mapping[str, np.ndarray]) -> int | None:
    """Return the batch size of gradient descent, if the sweep has one."""
    return next(iter(endpoints["B"][endpoints["gradient_descent"]].tolist()), None)


def _read(files: Files, *names: str) -> list[dict[str, np.ndarray]]:
    return [hdf5.read(files[name]) for name in names]
