"""What the templates of the report are given."""

import json

import pytest
from helpers.settings import checked, read_settings
from snakemake.exceptions import WorkflowError

from sgd_valleys.config.resolution import resolve
from sgd_valleys.storage import hdf5
from sgd_valleys.workflow.report import Report

PAPER = read_settings()
CLAIM = {
    "statement": "It rises.",
    "paper": "rises",
    "effect": "rank correlation",
    "unit": "1",
    "value": 0.5,
    "ours": False,
    "interval": [0.4, 0.6],
    "interval_of": "the number",
    "corrected_p": None,
}


def report(*overlays):
    return Report(*checked(*overlays), resolve(PAPER, PAPER), resolve(read_settings(*overlays), PAPER))


@pytest.fixture
def claims(tmp_path, monkeypatch):
    """Write claims.json of a run in the working directory."""

    def write(*claims):
        (tmp_path / "results").mkdir(exist_ok=True)
        (tmp_path / "results" / "claims.json").write_text(
            json.dumps({"claims": [CLAIM | claim for claim in claims], "numbers": [CLAIM | {"key": "number"}]}),
            encoding="utf-8",
        )
        monkeypatch.chdir(tmp_path)

    return write


def test_the_experiments_in_a_line_each():
    line = report().plan("mnist")
    assert line.startswith("mnist: 49 cells: 42 with 20 realizations, 7 of gradient descent with one; in ")
    assert line.endswith("; 20 runs of eta = 0.05, B = 50 branched 51 times each")
    assert "gradient descent" not in report().plan("cifar10")


def test_arms_in_a_line_each():
    found = report()
    assert found.plan("minibatch").startswith("minibatch: 1 cells: 1 with 20 realizations; in ")
    assert found.plan("no_noise") == "no_noise: 1 cells: 1 of gradient descent with one; in 1 training jobs"


def test_an_experiment_is_described_by_its_settings():
    found = report()
    assert found.title("cifar10") == "CNN on CIFAR-10"
    text = found.description("mnist")
    assert text.startswith("MLP on MNIST, layers of 50, 50 hidden units; 1,000 training images (100 of each class)")
    assert text.endswith("η from 0.001 to 0.1, B from 10 to 1000, every run for η T = 100")


def test_changed_settings_are_those_of_an_overlay():
    assert report().changed_settings == []
    assert report({"seed": 3}).changed_settings == [("seed", PAPER["seed"], 3)]


def test_an_unfinished_run_is_refused_by_its_first_file():
    report().refuse_unfinished([])
    with pytest.raises(
        WorkflowError, match=r"2 jobs are unfinished, for example the job of results/a; .* run the workflow first"
    ):
        report().refuse_unfinished(["results/b", "results/a"])


def test_claims_that_do_not_exist_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WorkflowError, match=r"results/claims\.json: missing; allowed are .*; run the workflow"):
        report().measurement("any")


def test_a_measurement_is_empty_without_its_claim(claims):
    claims({"key": "rises", "where": "Fig. 2A", "verdict": "agrees"})
    assert report().measurement("rises") == "0.50 [0.40, 0.60]"
    assert report().measurement("number") == "0.50 [0.40, 0.60]"  # one that is not judged
    assert report().measurement("falls") == ""


def test_claims_about_a_figure_stand_in_the_order_of_their_verdicts(claims):
    verdicts = ("agrees", "undecided", "disagrees")
    claims(
        *({"key": verdict, "where": "II B, Fig. 2D", "verdict": verdict} for verdict in verdicts),
        {"key": "other", "where": "Eq. 2, Fig. S2", "verdict": "disagrees", "statement": "Elsewhere."},
    )
    text = report().claims_about("2")
    assert "Elsewhere" not in text and text.count("It rises. rank correlation: 0.50") == 3
    order = [text.index(f" {verdict}</b>") for verdict in ("disagrees", "undecided")]
    assert order == sorted(order) and text.index("<details>") > order[-1]
    assert "and 1 that agrees" in text
    assert report().claims_about("2", "undecided").count("It rises.") == 1
    assert report().claims_about("3") == ""


def test_the_headline_numbers_of_a_control_are_escaped_and_in_order(tmp_path):
    path = tmp_path / "control.h5"
    hdf5.write(path, {}, {"headlines": ["share 0.81 [0.74, 0.90]", "loss < 0.1 & frozen"]})
    text = report().headlines([str(path)])
    assert "2 numbers of this run" in text
    assert text.index("<li>share 0.81 [0.74, 0.90]</li>") < text.index("<li>loss &lt; 0.1 &amp; frozen</li>")
