"""What the paper states, what was measured of it, and the verdicts."""

from collections.abc import Sequence

import numpy as np

from job import job
from sgd_valleys import storage, sweep
from sgd_valleys.claims import branches, landscape, rules, two_valley
from sgd_valleys.claims import sweep as noise
from sgd_valleys.randomness import Stage, stream
from sgd_valleys.storage import whole_or_absent


def spectra_of(paths: Sequence[str]) -> list[np.ndarray]:
    """All spectra (index) of some files of curvature/; a diverged run has none."""
    return [row for path in paths for row in storage.read(path).get("spectrum", ())]


def along_training(train: Sequence[str], curvature: Sequence[str]) -> dict[int, dict[str, np.ndarray]]:
    """By batch size, what is followed along the runs of one rate."""
    runs = sweep.read_cells(train, ["train_loss", "train_accuracy"], shared=["iteration"])
    bent = sweep.read_cells(curvature, ["flatness"])
    return {B: run | {"flatness": bent[eta, B]["flatness"]} for (eta, B), run in runs.items()}


with job(snakemake) as log:
    p = snakemake.params.settings
    files, resamples = snakemake.input, p["resamples"]

    def drawing() -> np.random.Generator:
        """The same resamples for every claim, so that adding one changes no other."""
        return stream(p["seed"], Stage.CLAIM_BOOTSTRAP)

    ends, freezing = storage.read(files.endpoints), storage.read(files.freezing)
    spectrum_ends = storage.read(files.spectrum_endpoints)
    found = {
        "The loss landscape where training ends (Sec. II A, Figs. 1 and S1)": [
            *landscape.collect(
                storage.read(files.barriers),
                storage.read(files.block),
                storage.read(files.block_endpoints),
                drawing,
                resamples,
                (max(p["similarity"]), min(p["similarity"])),
            ),
            *landscape.collect_spectra(spectrum_ends, spectra_of(files.spectra), drawing, resamples),
        ],
        "What noise does: diversity, accuracy, flatness, freezing (Secs. II B and C, Figs. 2, 3, S2 and S3)": [
            *noise.collect_trends(ends, storage.read(files.trends), drawing, resamples),
            *noise.collect(
                ends,
                storage.read(files.similarity),
                freezing,
                drawing,
                resamples,
                violin_eta=p["violin_eta"],
                freezing_eta=p["freezing_eta"],
                quiet=tuple(p["quiet"]),
                noisy=tuple(p["noisy"]),
                reference=tuple(p["reference"]),
            ),
            *noise.collect_along(along_training(files.train, files.curvature), drawing, resamples, p["L_c"]),
            *noise.collect_thresholds(ends, freezing, drawing, resamples),
        ],
        "Gradient descent from points of a run (Sec. II D, Fig. 4)": branches.collect(
            storage.read(files.branches), drawing, resamples
        ),
    }

    model, seen = [], set()
    for path in files.diagrams:
        settings = storage.read_attributes(path)["parameters"]
        if settings["noise"] in two_valley.DIAGRAMS and settings["noise"] not in seen:
            seen.add(settings["noise"])
            model += two_valley.collect_diagram(
                storage.read(path), settings["runs"], settings["noise"], drawing, resamples
            )
    runs = storage.read_attributes(files.occupancy)["parameters"]["runs"]
    theory, occupancy = storage.read(files.theory), storage.read(files.occupancy)
    found["The two-valley model (Secs. II E to G, Appendix A, Figs. 5, 6 and S6)"] = model + two_valley.collect(
        theory, occupancy, runs, drawing, resamples
    )

    if p["other"]:
        name = p["other"]["experiment"]
        ends, freezing = storage.read(files.other_endpoints), storage.read(files.other_freezing)
        other = [
            *noise.collect_trends(ends, storage.read(files.other_trends), drawing, resamples),
            *noise.collect_along(
                along_training(files.other_train, files.other_curvature), drawing, resamples, p["other"]["L_c"]
            ),
            *noise.collect_thresholds(ends, freezing, drawing, resamples),
            *landscape.collect_spectra(ends, spectra_of(files.other_spectra), drawing, resamples),
        ]
        found[f"The same of another network and data set, {name} (Fig. S5)"] = noise.elsewhere(
            other, name, "Fig. S5", name
        )

    text = rules.to_json(found, storage.provenance(p))
    log.info(", ".join(f"{count} {verdict}" for verdict, count in rules.count_verdicts(found).items()))
    with whole_or_absent(snakemake.output[0]) as path:
        path.write_text(text)
