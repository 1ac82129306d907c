"""Every claim is true of one made-up world and false of another; the published ones follow the rule."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.claims import (
    ARMS,
    BATCH,
    BLOCK,
    CELLS,
    ETA,
    FREEZING,
    barriers_of,
    branches_of,
    claim,
    control_of_arms,
    control_of_basins,
    control_of_gamma,
    control_of_rates,
    control_of_senses,
    control_of_shape,
    control_of_starts,
    control_of_valleys,
    diagram_of,
    endings_of,
    jaccard_of,
    loosely_tied_branches,
    maps_of,
    model,
    paths_of,
    sampling,
    sweep_of,
    trends_of,
    verdicts,
)

from sgd_valleys.claims import branches, controls, freezing, landscape, noise, phase_diagram, tables, two_valley
from sgd_valleys.claims.statements import read_statements
from sgd_valleys.claims.verdict import AGREES, DISAGREES, Number, Side

ROOT = Path(__file__).parents[3]


def many():
    return sampling(400)


def landscapes(sign):
    right = barriers_of(lambda x: (1 - x) ** 3)
    wrong = barriers_of(lambda x: 0.1 * x**20) | {"block_slope": np.full(20, 0.2)}
    wrong["path_chord_height"][1:, 7] = 0
    yield landscape.measure(right if sign > 0 else wrong, BLOCK, endings_of(), sampling, (0.95, 0.625))
    yield landscape.measure_valleys(control_of_valleys(1 + 0.5 * sign), paths_of(0 if sign > 0 else 4))


def sweeps(sign):
    endings, similarity, times = sweep_of(sign)
    yield noise.measure_trends(endings, times, trends_of(sign * np.log(ETA[:, None] / BATCH)), many)
    falling = trends_of(-sign * np.log(ETA[:, None] / BATCH))
    diverse = noise.measure_trends(endings, times, falling, many)
    yield {"similarity_at_fixed_eta": diverse["similarity_at_fixed_eta"]}
    yield noise.measure_elsewhere(endings, times, sampling)
    endings, similarity, times = sweep_of(1, runs=20)
    if sign < 0:
        endings["flatness"] = 10 - endings["flatness"]  # flat cells are inaccurate, and freeze early
        times["freezing_time"][1] = 100 / ETA[:, None, None] - times["freezing_time"][1]
    else:
        times["freezing_time"][0, 3, 1] = 440
    maps = maps_of(endings, similarity, times)
    yield noise.measure_cells(endings, similarity, maps, sampling, **CELLS)
    yield freezing.measure(endings, times, maps, many, **FREEZING)
    yield freezing.measure_basin_times(control_of_basins(0.5 * sign, 0.5 * sign))


def noises(sign):
    right = sign > 0
    yield controls.measure_learning_rate(control_of_rates(1 + 0.2 * sign))
    yield controls.measure_noise_shape(control_of_shape(*((1.0, 1.0) if right else (2.0, 0.04))))
    shares = (0.0, 1.0, 0.0) if right else (1.2, 0.6, 0.4)
    arms = dict(zip(("isotropic", "until_freezing", "from_quarter"), shares, strict=True))
    yield controls.measure_arms(control_of_arms(**arms), ARMS)
    yield controls.measure_senses(control_of_senses(0.5 * sign, 1.0 if right else 0.2))[0]
    yield controls.measure_starts(control_of_starts(2.0**sign, -0.1 * sign), sampling)[0]


def branched(sign):
    made = branches_of(sign)
    basin = (made["t_c"][:, None] > np.array([100, 200, 300])).sum(axis=1)
    made["flatness"] = made["flatness"] + 3 * sign * basin
    if sign < 0:
        made["flatness"] = made["flatness"] - np.maximum(0, made["t_c"] - 400)
    found = branches.measure(made, jaccard_of((100, 200, 300), 20), sampling, 0.9)[0]
    yield found
    if sign > 0:  # lines as loose as the paper's; those of the other branches are tighter
        line = branches.measure(loosely_tied_branches(), jaccard_of((), 20), sampling, 0.9)[0]
        yield {"branch_r_squared_one_run": line["branch_r_squared_one_run"]}
    else:
        no_jump = branches.measure(made, jaccard_of((), 20), sampling, 0.9)[0]
        yield {"repeated_escapes": no_jump["repeated_escapes"]}
    alike = {0.05: np.full(10, 1.0 if sign > 0 else 0.4)}
    yield {"descent_identifies_valley": branches.measure_descents(alike, 0.05, 0.9, np.empty(0))}


def models(sign):
    yield phase_diagram.measure([(diagram_of(sign), 2000, "H")], sampling)
    yield {"p_flat_with_gamma": phase_diagram.gamma_trend(*control_of_gamma(sign), many())}
    made = model() if sign > 0 else model(-1, final=(0.5, 0.4, 0.3))
    yield two_valley.measure(*made, 1000, sampling)[0]


@pytest.mark.parametrize(("sign", "verdict"), [(1, AGREES), (-1, DISAGREES)])
def test_every_claim_is_true_of_one_made_up_world_and_false_of_another(sign, verdict):
    seen = {}
    for world in (landscapes, sweeps, noises, branched, models):
        for found in world(sign):
            seen |= verdicts(found)
    judged = {key for entries in read_statements()["sections"].values() for key in entries}
    assert seen == dict.fromkeys(judged, verdict)


def test_the_documentation_shows_the_published_claims():
    content = json.loads((ROOT / "docs" / "claims.json").read_text(encoding="utf-8"))
    assert len(content["claims"]) > 25
    assert (ROOT / "docs" / "claims.md").read_text(encoding="utf-8") == tables.page(content)
    assert "\n".join(tables.findings_block(content)) in (ROOT / "README.md").read_text(encoding="utf-8")


def test_published_verdicts_follow_from_their_numbers():
    """By the rule as it stands now, whatever it was when they were published."""
    content = json.loads((ROOT / "docs" / "claims.json").read_text(encoding="utf-8"))
    for one in content["claims"]:
        number, low, high = (np.nan if each is None else each for each in (one["value"], *one["interval"]))
        if one["side"] is None:
            expected = Number(one["paper_value"], one["no_effect"])
        else:
            expected = Side(+1 if one["side"] == "above" else -1, one["no_effect"])
        assert claim(expected, number, low, high, one["corrected_p"]).verdict == one["verdict"], one["key"]
