"""All claims by section, from the results files and the settings of rule `claims`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from sgd_valleys.claims import branches, freezing, landscape, noise, noise_trends, phase_diagram, two_valley
from sgd_valleys.claims.estimates import NewSampling, Sampling
from sgd_valleys.claims.verdict import Claim
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.cells import read_cells

Files = Mapping[str, Any]  # paths by the names of a part's inputs, or lists of them
Settings = Mapping[str, Any]


def collect(files: Files, settings: Settings) -> dict[str, list[Claim]]:
    """Judge the claims of every part of the paper that was run, from the files of the figures that support them.

    ``settings["parts"]`` has the settings of each part that was run, by its name in ``PARTS``. ``files`` are paths by
    the name of the part and the name of the input, as ``noise/endpoints``. The result has the claims by the heading of
    their section, in the order of the paper.
    """

    def new_sampling() -> Sampling:
        """Return the same stream for every number, so that a new claim changes no other."""
        return Sampling(stream(settings["seed"], Stage.CLAIM_BOOTSTRAP), settings["resamples"])

    def judge(part: str) -> list[Claim]:
        own = {name.removeprefix(f"{part}/"): path for name, path in files.items() if name.startswith(f"{part}/")}
        return PARTS[part].judge(own, settings["parts"][part], new_sampling)

    found = {}
    present = [part for part in PARTS if part in settings["parts"]]
    for heading, group in groupby(present, key=lambda part: PARTS[part].heading):
        parts = list(group)
        experiments = dict.fromkeys(settings["parts"][part].get("experiment", "") for part in parts)
        found[heading.format(" and ".join(experiments))] = [claim for part in parts for claim in judge(part)]
    return found


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


def _barriers(files: Files, settings: Settings, new_sampling: NewSampling) -> list[Claim]:
    barriers, block, endpoints = _read(files, "barriers", "jaccard", "endpoints")
    targets = max(settings["similarity"]), min(settings["similarity"])
    return landscape.collect(barriers, block, endpoints, new_sampling, targets)


def _spectra(files: Files, settings: Settings, new_sampling: NewSampling) -> list[Claim]:
    (endpoints,) = _read(files, "endpoints")
    return landscape.collect_spectra(endpoints, read_spectra(files["spectra"]), new_sampling, settings["N"])


def _noise(files: Files, settings: Settings, new_sampling: NewSampling) -> list[Claim]:
    endpoints, times, cell_maps, similarity = _read(files, "endpoints", "freezing", "cell_maps", "jaccard")
    shown = settings["eta"], tuple(settings["quiet"]), tuple(settings["noisy"]), settings["images"]
    return [
        *noise_trends.collect(endpoints, times, cell_maps, new_sampling),
        *noise.collect(endpoints, similarity, cell_maps, new_sampling, *shown),
    ]


def _freezing(files: Files, settings: Settings, new_sampling: NewSampling) -> list[Claim]:
    maps = _read(files, "endpoints", "freezing", "cell_maps")
    return [
        *freezing.collect(*maps, new_sampling, settings["eta"], tuple(settings["reference"])),
        *_along_training(files, settings, new_sampling),
        *freezing.collect_thresholds(*maps, new_sampling),
    ]


def _branches(files: Files, settings: Settings, new_sampling: NewSampling) -> list[Claim]:
    return branches.collect(*_read(files, "statistics"), new_sampling, settings["same_basin"])


def _diagrams(files: Files, settings: Settings, new_sampling: NewSampling) -> list[Claim]:
    claims, judged = [], set()
    for path in files["diagrams"]:
        p = hdf5.read_attributes(path)["parameters"]
        if p["noise"] in phase_diagram.DIAGRAMS.keys() - judged:
            judged.add(p["noise"])
            claims += phase_diagram.collect(hdf5.read(path), p["runs"], p["iterations"], p["noise"], new_sampling)
    return claims


def _theory(files: Files, settings: Settings, new_sampling: NewSampling) -> list[Claim]:
    theory, occupancy = _read(files, "theory", "occupancy")
    runs = hdf5.read_attributes(files["occupancy"])["parameters"]["runs"]
    return two_valley.collect(theory, occupancy, runs, new_sampling)


def _other_experiment(files: Files, settings: Settings, new_sampling: NewSampling) -> list[Claim]:
    endpoints, _, cell_maps = maps = _read(files, "endpoints", "freezing", "cell_maps")
    claims = [
        *noise_trends.collect(*maps, new_sampling, axes=False),
        *noise.collect_flat_is_accurate(endpoints, cell_maps, new_sampling),
        *freezing.collect_longer_is_flatter(*maps, new_sampling),
        *_along_training(files, settings, new_sampling),
        *freezing.collect_thresholds(*maps, new_sampling),
        *_spectra(files, settings, new_sampling),
    ]
    return relabel_for_experiment(claims, settings["experiment"], "Fig. S5")


def _along_training(files: Files, settings: Settings, new_sampling: NewSampling) -> list[Claim]:
    (endpoints,) = _read(files, "endpoints")
    descent = next(iter(endpoints["B"][endpoints["gradient_descent"]].tolist()), None)
    along = read_along_training(files["train"], files["curvature"])
    return freezing.collect_along_training(along, descent, new_sampling, settings["L_c"])


def _read(files: Files, *names: str) -> list[dict[str, np.ndarray]]:
    return [hdf5.read(files[name]) for name in names]


class Part(NamedTuple):
    """A part of the paper whose claims are judged together, if its figures are drawn."""

    heading: str  # of the section; parts with the same heading share one, and {} stands for their experiments
    judge: Callable[[Files, Settings, NewSampling], list[Claim]]  # takes the files and the settings of the part


LANDSCAPE = "The loss landscape where training ends (Sec. II A, Figs. 1 and S1; {})"
TWO_VALLEY = "The two-valley model (Secs. II E to G, Appendix A, Figs. 5, 6 and S6)"
PARTS = {
    "barriers": Part(LANDSCAPE, _barriers),
    "spectra": Part(LANDSCAPE, _spectra),
    "noise": Part("What noise does: diversity, accuracy, flatness (Sec. II B, Fig. 2; {})", _noise),
    "freezing": Part("How noise delays freezing (Sec. II C, Figs. 3 and S3; {})", _freezing),
    "branches": Part("Gradient descent that leaves a run on its way (Sec. II D, Fig. 4; {})", _branches),
    "diagrams": Part(TWO_VALLEY, _diagrams),
    "theory": Part(TWO_VALLEY, _theory),
    "other": Part("The same of another network and data set (Fig. S5; {})", _other_experiment),
}
