"""The files that describe a run: the RO-Crate, its archive of the workflow, and the data dictionary."""

import hashlib
import zipfile
from difflib import ndiff
from pathlib import Path

import yaml
from helpers.checkout import ROOT, Checkout
from rocrate.rocrate import ROCrate

from sgd_valleys.storage import hdf5

METADATA = "ro-crate-metadata.json"
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def test_the_crate_of_a_finished_run_names_every_file_and_its_checksum(complete: Checkout) -> None:
    results = complete.root / "results"
    loaded = ROCrate(results)
    described = {entity.id: entity for entity in loaded.data_entities}
    assert set(described) == complete.results().keys() - {METADATA}
    for name, entity in described.items():
        content = (results / name).read_bytes()
        assert entity["contentSize"] == str(len(content))
        if name.endswith(".h5"):
            assert entity["identifier"] == hdf5.read_attributes(results / name)[hdf5.CHECKSUM]
        else:
            assert entity["sha256"] == hashlib.sha256(content).hexdigest(), name
    assert loaded.mainEntity.id == "workflow.zip"
    assert loaded.mainEntity["programmingLanguage"]["name"] == "Snakemake"
    run = loaded.get("#run")
    assert run["instrument"] is loaded.mainEntity
    assert {file.id for file in run["result"]} == set(described) - {"workflow.zip"}
    assert {data["name"] for data in run["object"]} == {"mnist", "cifar10"}
    assert loaded.get("#paper")["name"] == CITATION["preferred-citation"]["title"]


def test_the_archive_is_the_workflow_and_plans_the_same_run(complete: Checkout, tmp_path: Path) -> None:
    with zipfile.ZipFile(complete.root / "results/workflow.zip") as archive:
        archive.extractall(tmp_path)
    files = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert {path.name for path in files} >= {"Snakefile", "config.yaml", "CITATION.cff", "LICENSE", "job.py"}
    for path in files:
        assert path.read_bytes() == (complete.root / path.relative_to(tmp_path)).read_bytes()
    taken = Checkout(tmp_path, {})
    assert sorted(taken.plan(tiny=False)["train"]) == sorted(complete.plan("--forceall", tiny=False)["train"])


def test_the_same_run_has_the_same_crate(complete: Checkout, finished: Checkout) -> None:
    for name in (METADATA, "workflow.zip"):
        (finished.root / "results" / name).unlink()
    finished.run()
    for name in (METADATA, "workflow.zip"):
        assert (finished.root / "results" / name).read_bytes() == (complete.root / "results" / name).read_bytes()


def test_no_file_contains_the_path_of_the_data(complete: Checkout, mnist_root: Path) -> None:
    files = sorted((complete.root / "results").rglob("*.h5"))
    assert files
    for path in files:
        assert str(mnist_root.absolute()) not in str(hdf5.read_attributes(path)), path


def test_the_data_dictionary_is_that_of_a_run_at_any_scale(finished: Checkout) -> None:
    (finished.root / "docs").mkdir(exist_ok=True)
    finished.run("dictionary")
    written = (finished.root / "docs" / "data.md").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    changes = [line for line in ndiff(written.splitlines(), page.splitlines()) if line[:2] in ("+ ", "- ")]
    # the tiny run does not measure the noise of the cell of Fig. C3
    assert [line.split("`")[:2] for line in changes] == [["+ | ", "iteration"], ["+ | ", "relative_power"]], (
        "made anew by: snakemake --cores 1 dictionary, after a full run"
    )
