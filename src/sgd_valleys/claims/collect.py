"""Measure and judge all claims, from the results files and the settings of rule `claims`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from sgd_valleys.claims import branches, controls, freezing, landscape, noise, phase_diagram, two_valley
from sgd_valleys.claims.controls import Measured
from sgd_valleys.claims.estimates import NewSampling, Sampling
from sgd_valleys.claims.statements import OTHER, pair
from sgd_valleys.claims.verdict import Claim, Estimate, correct_p_values
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.cells import read_cells

Files = Mapping[str, Any]  # paths by the names of a part's inputs, or lists of them
Settings = Mapping[str, Any]


def collect(files: Files, settings: Settings) -> list[Claim]:
    """Judge the claims of every part that was run, from the files of the figures that support them.

    Args:
        files: paths, or lists of paths, by the names of the part and of the input, such as ``noise/endpoints``.
        settings: ``seed`` and ``resamples``; ``parts``, the settings of each part that was run, by its name in
            ``PARTS``.

    Returns:
        claims and other numbers, in the order of statements.yaml.
    """

    def new_sampling() -> Sampling:
        """Return the same stream for every number, which therefore does not depend on the other claims."""
        return Sampling(stream(settings["seed"], Stage.CLAIM_BOOTSTRAP), settings["resamples"])

    measured: dict[str, Estimate] = {}
    words: dict[str, Any] = {}
    for part in (name for name in PARTS if name in settings["parts"]):
        own = {name.removeprefix(f"{part}/"): path for name, path in files.items() if name.startswith(f"{part}/")}
        found, filled = PARTS[part](own, settings["parts"][part], new_sampling)
        measured |= found
        words |= filled
    return correct_p_values(pair(measured, words))


def read_spectra(paths: Sequence[str]) -> list[np.ndarray]:
    """Read all spectra (index) of files under curvature/; files without spectra are skipped."""
    return [row for path in paths for row in hdf5.read(path).get("spectrum", ())]


def read_along_training(train: Sequence[str], curvature: Sequence[str]) -> dict[int, dict[str, np.ndarray]]:
    """Read training loss, accuracy and flatness (run, time) along the runs of one learning rate, by batch size.

    ``iteration`` (time) is read as well.
    """
    runs = read_cells(train, ["train_loss", "train_accuracy"], shared=["iteration"])
    flatness = read_cells(curvature, ["flatness"])
    return {B: run | {"flatness": flatness[eta, B]["flatness"]} for (eta, B), run in runs.items()}


def _barriers(files: Files, settings: Settings, new_sampling: NewSampling) -> Measured:
    barriers, block, endpoints = _read(files, "barriers", "jaccard", "endpoints")
    similar, dissimilar = max(settings["similarity"]), min(settings["similarity"])
    found = landscape.measure(barriers, block, endpoints, new_sampling, (similar, dissimilar))
    return found, {"similar": similar, "dissimilar": dissimilar}


def _spectra(files: Files, settings: Settings, new_sampling: NewSampling) -> Measured:
    (endpoints,) = _read(files, "endpoints")
    found = landscape.measure_spectra(endpoints, read_spectra(files["spectra"]), new_sampling)
    return found, {"N": settings["N"]}


def _valleys(files: Files, settings: Settings, new_sampling: NewSampling) -> Measured:
    names = ("pair_similarity", "curve_pair", "curve_excess")
    stored = hdf5.describe(files["paths"])
    paths = hdf5.read(files["paths"], [name for name in names if name in stored])
    return landscape.measure_valleys(hdf5.read(files["control"]), paths), {}


def _noise(files: Files, settings: Settings, new_sampling: NewSampling) -> Measured:
    endpoints, times, cell_maps, similarity = _read(files, "endpoints", "freezing", "cell_maps", "jaccard")
    shown = {"violin_eta": settings["eta"], "quiet": tuple(settings["quiet"]), "noisy": tuple(settings["noisy"])}
    return {
        **noise.measure_trends(endpoints, times, cell_maps, new_sampling),
        **noise.measure_cells(endpoints, similarity, cell_maps, new_sampling, **shown),
    }, shown


def _learning_rate(files: Files, settings: Settings, new_sampling: NewSampling) -> Measured:
    return controls.measure_learning_rate(hdf5.read(files["control"])), {}


def _noise_shape(files: Files, settings: Settings, new_sampling: NewSampling) -> Measured:
    return controls.measure_noise_shape(hdf5.read(files["control"])), {}


def _arms(files: Files, settings: Settings, new_sampling: NewSampling) -> Measured:
    return controls.measure_arms(hdf5.read(files["control"]), settings["training"]), {}


def _senses(files: Files, settings: Settings, new_sampling: NewSampling) -> Measured:
    return controls.measure_senses(hdf5.read(files["control"]))


def _freezing(files: Files, settings: Settings, new_sampling: NewSampling) -> Measured:
    endpoints, times, cell_maps = _read(files, "endpoints", "freezing", "cell_maps")
    reference = tuple(settings["reference"])
    descent = next(iter(endpoints["B"][endpoints["gradient_descent"]].tolist()), None)
    along = read_along_training(files["train"], files["curvature"])
    found = {
        **freezing.measure(endpoints, times, cell_maps, new_sampling, settings["eta"], reference),
        **freezing.measure_along_training(along, descent, new_sampling, settings["L_c"]),
    }
    return found, {"reference": reference, "freezing_eta": settings["eta"], "start": freezing.START}


def _basin_times(files: Files, settings: Settings, new_sampling: NewSampling) -> Measured:
    return freezing.measure_basin_times(hdf5.read(files["control"])), {}


def _branches(files: Files, settings: Settings, new_sampling: NewSampling) -> Measured:
    statistics, jaccard = _read(files, "statistics", "jaccard")
    same_basin, (eta, B) = settings["same_basin"], settings["cell"]
    similarity = np.stack([hdf5.read(path, ["jaccard"])["jaccard"] for path in files["endpoints"]])
    found, words = branches.measure(statistics, similarity, new_sampling, same_basin)
    if "starts" in files:
        rates = [float(hdf5.read_attributes(path)["eta"]) for path in files["starts"]]
        alike = [hdf5.read(path, ["similarity_to_run"])["similarity_to_run"] for path in files["start_endpoints"]]
        own = np.flatnonzero((jaccard["solution_eta"] == eta) & (jaccard["solution_B"] == B))
        pairs = jaccard["jaccard"][np.ix_(own, own)][np.triu_indices(len(own), k=1)]
        displaced = dict(zip(rates, alike, strict=True))
        found["descent_identifies_valley"] = branches.measure_descents(displaced, eta, same_basin, pairs)
    return found, words | {"branch_eta": eta}


def _diagrams(files: Files, settings: Settings, new_sampling: NewSampling) -> Measured:
    diagrams = []
    for path in files["diagrams"]:
        p = hdf5.read_attributes(path)["parameters"]
        diagrams.append((hdf5.read(path), p["runs"], p["noise"]))
    return phase_diagram.measure(diagrams, new_sampling), {}


def _theory(files: Files, settings: Settings, new_sampling: NewSampling) -> Measured:
    theory, occupancy = _read(files, "theory", "occupancy")
    runs = hdf5.read_attributes(files["occupancy"])["parameters"]["runs"]
    isotropic = None
    if "noise" in files:
        isotropic = phase_diagram.isotropic_share(hdf5.read(files["noise"]), _arms_of(files["noise"]))
    found, words = two_valley.measure(theory, occupancy, runs, new_sampling, isotropic)
    if "gamma" in files:
        gamma = _arms_of(files["gamma"])
        found["p_flat_with_gamma"] = phase_diagram.gamma_trend(hdf5.read(files["gamma"]), gamma, new_sampling())
    return found, words


def _other_experiment(files: Files, settings: Settings, new_sampling: NewSampling) -> Measured:
    endpoints, times, cell_maps = _read(files, "endpoints", "freezing", "cell_maps")
    same = {
        **noise.measure_trends(endpoints, times, cell_maps, new_sampling),
        **landscape.measure_spectra(endpoints, read_spectra(files["spectra"]), new_sampling),
    }
    found = noise.measure_elsewhere(endpoints, times, new_sampling)
    numbers = {f"{OTHER}{key}": each for key, each in same.items()}
    return found | numbers, {"other": settings["experiment"], "N": settings["N"]}


def _starts(files: Files, settings: Settings, new_sampling: NewSampling) -> Measured:
    return controls.measure_starts(hdf5.read(files["control"]), new_sampling)


def _read(files: Files, *names: str) -> list[dict[str, np.ndarray]]:
    return [hdf5.read(files[name]) for name in names]


def _arms_of(path: str) -> list[Any]:
    """Read the values of the property that a control of the two-valley model changes, in the order of its arms."""
    return list(hdf5.read_attributes(path)["parameters"]["arms"])


# functions that measure a part of the paper whose figures are drawn, from the files and the settings of the part
PARTS: dict[str, Callable[[Files, Settings, NewSampling], Measured]] = {
    "barriers": _barriers,
    "spectra": _spectra,
    "valleys": _valleys,
    "noise": _noise,
    "learning_rate": _learning_rate,
    "noise_shape": _noise_shape,
    "arms": _arms,
    "senses": _senses,
    "freezing": _freezing,
    "basin_times": _basin_times,
    "branches": _branches,
    "diagrams": _diagrams,
    "theory": _theory,
    "other": _other_experiment,
    "starts": _starts,
}
