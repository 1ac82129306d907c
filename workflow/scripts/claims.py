"""What the paper states, what was measured of it, and the verdicts."""

from collections.abc import Sequence

import numpy as np

from sgd_valleys.claims import branches, landscape, noise, two_valley, verdict
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.storage import hdf5, provenance
from sgd_valleys.storage.atomic import atomic_write
from sgd_valleys.storage.cells import read_cells
from sgd_valleys.workflow.job import job


def spectra_of(paths: Sequence[str]) -> list[np.ndarray]:
    """All spectra (index) of some files of curvature/; a diverged run has none."""
    return [row for path in paths for row in hdf5.read(path).get("spectrum", ())]


def along_training(train: Sequence[str], curvature: Sequence[str]) -> dict[int, dict[str, np.ndarray]]:
    """By batch size, what is followed along the runs of one rate."""
    runs = read_cells(train, ["train_loss", "train_accuracy"], shared=["iteration"])
    bent = read_cells(curvature, ["flatness"])
    return {B: run | {"flatness": bent[eta, B]["flatness"]} for (eta, B), run in runs.items()}


with job(snakemake) as log:
    p = snakemake.params.settings
    files, resamples = snakemake.input, p["resamples"]

    def drawing() -> np.random.Generator:
        """The same resamples for every claim, so that adding one changes no other."""
        return stream(p["seed"], Stage.CLAIM_BOOTSTRAP)

    spectrum_ends, noise_ends, freezing_ends = (
        hdf5.read(path) for path in (files.spectrum_endpoints, files.endpoints, files.freezing_endpoints)
    )
    noise_freezing, freezing = hdf5.read(files.noise_freezing), hdf5.read(files.freezing)
    trends, freezing_trends = hdf5.read(files.cell_maps), hdf5.read(files.freezing_cell_maps)
    of = {part: " and ".join(dict.fromkeys(names)) for part, names in p["experiments"].items()}
    found = {
        f"The loss landscape where training ends (Sec. II A, Figs. 1 and S1; {of['landscape']})": [
            *landscape.collect(
                hdf5.read(files.barriers),
                hdf5.read(files.block),
                hdf5.read(files.block_endpoints),
                drawing,
                resamples,
                (max(p["similarity"]), min(p["similarity"])),
            ),
            *landscape.collect_spectra(spectrum_ends, spectra_of(files.spectra), drawing, resamples, p["N"]),
        ],
        f"What noise does: diversity, accuracy, flatness (Sec. II B, Fig. 2; {of['noise']})": [
            *noise.collect_trends(noise_ends, noise_freezing, trends, drawing, resamples),
            *noise.collect(
                noise_ends,
                hdf5.read(files.jaccard),
                drawing,
                resamples,
                violin_eta=p["violin_eta"],
                quiet=tuple(p["quiet"]),
                noisy=tuple(p["noisy"]),
                images=p["images"],
            ),
        ],
        f"How noise delays freezing (Sec. II C, Figs. 3 and S3; {of['freezing']})": [
            *noise.collect_freezing(
                freezing_ends,
                freezing,
                drawing,
                resamples,
                eta=p["freezing_eta"],
                reference=tuple(p["reference"]),
            ),
            *noise.collect_along(along_training(files.train, files.curvature), drawing, resamples, p["L_c"]),
            *noise.collect_thresholds(freezing_ends, freezing, freezing_trends["noise"], drawing, resamples),
        ],
        f"Gradient descent that leaves a run on its way (Sec. II D, Fig. 4; {of['branches']})": branches.collect(
            hdf5.read(files.branches), drawing, resamples, p["same_basin"]
        ),
    }

    model, seen = [], set()
    for path in files.diagrams:
        settings = hdf5.read_attributes(path)["parameters"]
        if settings["noise"] in two_valley.DIAGRAMS and settings["noise"] not in seen:
            seen.add(settings["noise"])
            model += two_valley.collect_diagram(
                hdf5.read(path), settings["runs"], settings["iterations"], settings["noise"], drawing, resamples
            )
    runs = hdf5.read_attributes(files.occupancy)["parameters"]["runs"]
    theory, occupancy = hdf5.read(files.theory), hdf5.read(files.occupancy)
    found["The two-valley model (Secs. II E to G, Appendix A, Figs. 5, 6 and S6)"] = model + two_valley.collect(
        theory, occupancy, runs, drawing, resamples
    )

    if p["other"]:
        name = p["other"]["experiment"]
        ends, freezing = hdf5.read(files.other_endpoints), hdf5.read(files.other_freezing)
        trends = hdf5.read(files.other_cell_maps)
        other = [
            *noise.collect_trends(ends, freezing, trends, drawing, resamples, axes=False),
            *noise.collect_flat_is_accurate(ends, drawing, resamples),
            *noise.collect_longer_is_flatter(ends, freezing, drawing, resamples),
            *noise.collect_along(
                along_training(files.other_train, files.other_curvature), drawing, resamples, p["other"]["L_c"]
            ),
            *noise.collect_thresholds(ends, freezing, trends["noise"], drawing, resamples),
            *landscape.collect_spectra(ends, spectra_of(files.other_spectra), drawing, resamples, p["other"]["N"]),
        ]
        found[f"The same of another network and data set (Fig. S5; {name})"] = noise.elsewhere(other, name, "Fig. S5")

    text = verdict.to_json(found, provenance.attributes(p))
    log.info(", ".join(f"{count} {verdict}" for verdict, count in verdict.count_verdicts(found).items()))
    with atomic_write(snakemake.output[0]) as path:
        path.write_text(text)
