"""Every claim is true of one made-up world and false of another; the published ones follow the rule."""

import json
from pathlib import Path

import numpy as np
from helpers.claims import (
    BATCH,
    BLOCK,
    CELLS,
    ETA,
    FREEZING,
    barriers_of,
    branches_of,
    claim,
    course,
    diagram_of,
    endings_of,
    growing,
    landscape_claims,
    loosely_tied_branches,
    maps_of,
    model,
    sampling,
    scaled_sweep,
    strange_sweep,
    sweep_of,
    trends_of,
    verdicts,
)

from sgd_valleys.claims import branches, landscape, noise, noise_trends, phase_diagram, tables, two_valley
from sgd_valleys.claims import freezing as freezing_claims
from sgd_valleys.claims.verdict import AGREES, DISAGREES, Direction, Equal, Value

ROOT = Path(__file__).parents[3]


def made_up_worlds():
    """Lists of claims from made-up data: of worlds in which the paper is right, and of others."""
    rising = (ETA[:, None] / BATCH) ** 0.5
    yield landscape_claims(lambda x: (1 - x) ** 3)
    yield landscape_claims(lambda x: 1 - x, noise=0.09)
    wrong, endings = barriers_of(lambda x: 0.1 * x**20), endings_of()
    wrong["block_slope"] = -wrong["block_slope"]
    wrong["path_barrier"][1:, 7] = 0
    endings["converged"][:, :, 1:] = False
    yield landscape.collect(wrong, BLOCK, endings, sampling, (0.95, 0.625))
    for share, spectrum in ((0.9, np.r_[np.ones(10), np.full(90, 1e-6)]), (0.1, np.ones(100))):
        top = {"converged": np.ones((1, 1, 6), dtype=bool), "runs": np.array([[6]]), "trace": np.ones((1, 1, 6))}
        top["gradient_descent"] = np.array([False])
        top["top_sum"] = share * top["trace"] * np.linspace(0.99, 1.01, 6)
        yield landscape.collect_spectra(top, [spectrum * k for k in range(1, 7)], sampling, 10)
    for sign in (1, -1):
        endings, _, freezing = sweep_of(sign)
        yield noise_trends.collect(endings, freezing, trends_of(sign * rising), lambda: sampling(400))
        endings, similarity, freezing = sweep_of(1)
        maps = maps_of(endings, similarity, freezing) | {"noise": sign * rising}
        yield freezing_claims.collect_thresholds(endings, freezing, maps, lambda: sampling(400))
    for endings, similarity, freezing in (scaled_sweep(), sweep_of(1), sweep_of(-1), strange_sweep()):
        maps = maps_of(endings, similarity, freezing)
        yield noise.collect(endings, similarity, maps, sampling, **CELLS)
        yield freezing_claims.collect(endings, freezing, maps, sampling, **FREEZING)
    yield freezing_claims.collect_along_training(
        {10: course(growing(6)), 1000: course(growing(2))}, None, sampling, 0.1
    )
    falling = {10: course(lambda time: 3 - time / 2000, accuracy=np.full(101, 0.9)), 1000: course(growing(9))}
    falling[10]["flatness"][:, 1] *= 100
    yield freezing_claims.collect_along_training(falling, None, sampling, 0.1)
    made = branches_of(-1)
    for effect in (1, -1):
        yield branches.collect(branches_of(effect), sampling, 0.9)
    yield branches.collect(made | {"test_loss": made["flatness"], "test_file_loss": made["flatness"]}, sampling, 0.9)
    yield branches.collect(loosely_tied_branches(), sampling, 0.9)
    for effect in (1, -1):
        for covariance in phase_diagram.DIAGRAMS:
            made = diagram_of(effect)
            made["p_flat"] = 0.5 + 1.9 * (made["p_flat"] - 0.7)
            yield phase_diagram.collect(made, 2000, 20_000, covariance, sampling)
    yield two_valley.collect(*model(), 20_000, sampling)
    yield two_valley.collect(*model(-1, final=(0.5, 0.4, 0.3)), 1000, sampling)


def test_every_claim_is_true_of_one_made_up_world_and_false_of_another():
    seen = {}
    for claims in made_up_worlds():
        for key, verdict in verdicts(claims).items():
            seen.setdefault(key, set()).add(verdict)
    assert len(seen) > 70
    assert {key: found for key, found in seen.items() if not found >= {AGREES, DISAGREES}} == {}


def test_the_documentation_shows_the_published_claims():
    root = ROOT
    content = json.loads((root / "docs" / "claims.json").read_text(encoding="utf-8"))
    assert len(content["claims"]) > 25
    assert (root / "docs" / "claims.md").read_text(encoding="utf-8") == tables.page(content)
    assert tables.readme_section(content) in (root / "README.md").read_text(encoding="utf-8")
    changed = content | {"claims": [one | {"verdict": DISAGREES} for one in content["claims"]]}
    assert tables.readme_section(changed) not in (root / "README.md").read_text(encoding="utf-8")


def test_published_verdicts_follow_from_their_numbers():
    """By the rule as it stands now, whatever it was when they were published."""
    content = json.loads((ROOT / "docs" / "claims.json").read_text(encoding="utf-8"))
    for one in content["claims"]:
        number, low, high = (np.nan if each is None else each for each in (one["value"], *one["interval"]))
        if one["expected"] == "value":
            expected = Value(one["paper_value"], one["tolerance"], one["no_effect"])
        elif one["expected"] == "equal":
            expected = Equal(one["paper_value"], one["tolerance"])
        else:
            expected = Direction(+1 if one["side"] == "above" else -1, one["strength"], one["no_effect"])
        assert claim(expected, number, low, high, one["p_value"]).verdict == one["verdict"], one["key"]
