"""`snakemake verify` names every damaged, unknown or stale file."""

import shutil

import pytest
from helpers.checkout import ROOT, Checkout

TRAIN = "results/mnist/train/eta0.02_B10_r0-1.h5"


def flip_a_bit(checkout: Checkout, name: str) -> None:
    checkout.detach(name)
    path = checkout.root / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def findings(checkout: Checkout) -> list[str]:
    """Run ``snakemake verify``, which has to fail, and return its sentences."""
    ended = checkout.snakemake("verify")
    assert ended.returncode != 0, ended.stdout
    assert "Traceback" not in ended.stdout, ended.stdout
    lines = (checkout.root / "results" / "logs" / "verify.log").read_text(encoding="utf-8").splitlines()
    sentences = [line.split(maxsplit=1)[1] for line in lines]
    assert all(sentence in ended.stdout for sentence in sentences)
    return sentences[:-1]  # the last is the count


def test_a_finished_run_is_whole(finished: Checkout) -> None:
    count = len(finished.results(".h5", ".png", ".pdf", ".json", ".html", ".md", ".yaml", ".zip"))
    shutil.copy(ROOT / "results/README.md", finished.root / "results")  # is in every checkout
    assert f"{count} files checked: 0 faults; {count} of {count} planned files exist" in finished.run("verify")


def test_damaged_unknown_and_incomplete_files_are_named(finished: Checkout) -> None:
    results = finished.root / "results"
    flip_a_bit(finished, TRAIN)
    finished.detach("results/mnist/freezing.h5", "results/figures/fig1.png")
    cut = results / "mnist/freezing.h5"
    cut.write_bytes(cut.read_bytes()[:5000])
    shutil.copy(results / "mnist/endpoints.h5", results / "mnist/endpoints_old.h5")
    (results / "mnist/train/.eta0.01_B10_r0-1.h5.x.part").write_bytes(b"")
    picture = results / "figures/fig1.png"
    picture.write_bytes(picture.read_bytes()[:-1])
    sentences = "\n".join(findings(finished))
    assert len(sentences.splitlines()) == 5
    assert f"{TRAIN}: altered or damaged, since the checksum differs; " in sentences
    assert "results/mnist/freezing.h5: altered or damaged" in sentences
    assert "results/mnist/endpoints_old.h5: unknown file; " in sentences
    assert "results/mnist/train/.eta0.01_B10_r0-1.h5.x.part: remains of a killed job; " in sentences
    assert "results/figures/fig1.png: damaged, since the end is missing; " in sentences


def test_damaged_data_are_no_fault_of_what_was_made_from_them(finished: Checkout) -> None:
    flip_a_bit(finished, "results/mnist/data.h5")
    (sentence,) = findings(finished)
    assert sentence.startswith("results/mnist/data.h5: altered or damaged")


def test_a_damaged_file_in_a_linked_folder_is_found(finished: Checkout) -> None:
    flip_a_bit(finished, TRAIN)
    disk = finished.root / "other_disk"
    (finished.root / "results/mnist").rename(disk)
    (finished.root / "results/mnist").symlink_to(disk)
    (sentence,) = findings(finished)
    assert sentence.startswith(f"{TRAIN}: altered or damaged")


def test_a_command_with_the_settings_of_another_run_is_refused(finished: Checkout) -> None:
    for option, name in ((True, "seed"), (False, "experiments.")):  # False: without --configfile, config.yaml alone
        finished.set({"seed": 1})
        ended = finished.snakemake("verify", tiny=option)
        assert ended.returncode != 0 and "Traceback" not in ended.stdout and "stale" not in ended.stdout
        assert f"verify: results = results: the run in this folder has other settings, in {name}" in ended.stdout
        assert "allowed are the settings of that run; use --configfile results/config.yaml." in ended.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "name", "sentence"),
    [
        ({"experiments": {"mnist": {"freezing": {"L_c": 0.2}}}}, "mnist/freezing.h5", "L_c = 0.2 (not 0.1)"),
        ({"two_valley": {"occupancy": {"runs": 9}}}, "two_valley/occupancy.h5", "runs = 9 (not 8)"),
        (
            {"experiments": {"mnist": {"dataset": {"test_per_class": 10}}}},
            "mnist/data.h5",
            "test_per_class = 10 (not 20)",
        ),
        ({"seed": 1}, "mnist/train/eta0.01_B10_r0-1.h5", "seed = 1 (not 20260217)"),
    ],
)
def test_files_of_other_settings_are_stale(finished: Checkout, settings: dict, name: str, sentence: str) -> None:
    finished.set(settings)
    finished.run("results/config.yaml")  # as of a run that goes on
    assert any(line.startswith(f"results/{name}: stale, ") and sentence in line for line in findings(finished))


@pytest.mark.slow
def test_a_file_of_a_removed_cell_is_unknown(finished: Checkout) -> None:
    settings = finished.settings | {"experiments": {"mnist": {"sweep": {"realizations": 2, "stack": 1}}}}
    finished.set(settings)
    finished.run("results/config.yaml")
    assert any(sentence.startswith(f"{TRAIN}: unknown file; ") for sentence in findings(finished))
