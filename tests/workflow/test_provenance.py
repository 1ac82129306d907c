"""What says what a run is: its description as an RO-Crate, the data dictionary, and how to cite it all."""

import ast
import hashlib
import io
import re
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from helpers.checkout import ROOT, Checkout
from rocrate.rocrate import ROCrate

from sgd_valleys.errors import UserError
from sgd_valleys.results import crate
from sgd_valleys.results.dictionary import Kind, page, without_number
from sgd_valleys.storage import hdf5

METADATA = "ro-crate-metadata.json"
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())


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


def test_an_archive_depends_on_names_and_bytes_alone(tmp_path: Path) -> None:
    packed = []
    for folder in ("one", "other"):
        root = tmp_path / folder
        root.mkdir()
        (root / "a.txt").write_text("a")
        crate.pack([root / "a.txt"], root, tmp_path / "packed.zip")
        packed.append((tmp_path / "packed.zip").read_bytes())
    assert packed[0] == packed[1]
    assert zipfile.ZipFile(io.BytesIO(packed[0])).namelist() == ["a.txt"]


def test_no_file_says_where_on_the_machine_its_data_were(complete: Checkout, mnist_root: Path) -> None:
    files = sorted((complete.root / "results").rglob("*.h5"))
    assert files
    for path in files:
        assert str(mnist_root.absolute()) not in str(hdf5.read_attributes(path)), path


def test_the_data_dictionary_is_that_of_a_run_at_any_scale(finished: Checkout) -> None:
    (finished.root / "docs").mkdir(exist_ok=True)
    finished.run("dictionary")
    written = (finished.root / "docs" / "data.md").read_text()
    assert written == (ROOT / "docs" / "data.md").read_text(), "made anew by: snakemake --cores 1 dictionary"


def test_a_dictionary_knows_no_number_of_a_scale() -> None:
    assert without_number("layer3_weight at the recorded iterations") == "layer{k}_weight at the recorded iterations"


def test_a_dictionary_of_no_files_is_refused() -> None:
    with pytest.raises(UserError, match=r"no file results/x\.h5: a data dictionary needs a complete run"):
        page([Kind("results/x.h5", "x", "Nothing.", [])])


def test_the_citation_has_what_the_format_requires() -> None:
    assert CITATION["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= CITATION.keys()
    paper = CITATION["preferred-citation"]
    assert {"type", "title", "authors"} <= paper.keys()
    for work in (CITATION, paper):
        assert "doi" not in work or re.fullmatch(r"10\.\d{4,9}/\S+", work["doi"])  # the number alone, no address
    assert [author["family-names"] for author in paper["authors"]] == ["Yang", "Zhang", "Ouyang", "Tang", "Tu"]
    readme = " ".join((ROOT / "README.md").read_text().split())
    assert paper["title"] in readme


def test_the_citation_is_of_this_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert CITATION["version"] == project["version"]
    assert CITATION["license"] in (ROOT / "LICENSE").read_text().split()


@pytest.mark.parametrize("path", sorted((ROOT / "workflow" / "scripts").glob("*.py")), ids=lambda path: path.stem)
def test_every_script_says_in_its_first_line_what_it_makes(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))
