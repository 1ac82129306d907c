"""A check finds the faults of every file of the run it is given, behind links and in any folder."""

import errno
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml

from sgd_valleys.errors import UserError
from sgd_valleys.results.verification import find_faults
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.hdf5 import Variable

SETTINGS = {"results": "results", "seed": 1, "data": {"root": "data"}, "experiments": {"mnist": {"layer": 2}}}
PLANNED = {
    "mnist/data.h5": {"images": 3},
    "mnist/train/a.h5": {"layer": 2},
    "mnist/freezing.h5": {"L_c": 0.1},
    "figures/fig1.png": {},
    "claims.json": {},
    "config.yaml": {},
    "workflow.zip": {},
}


class Run:
    """A small run in a folder of results, with the plan and the settings of it."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self.settings = SETTINGS | {"results": folder}
        self.planned = {f"{folder}/{name}": parameters for name, parameters in PLANNED.items()}
        for name, parameters in self.planned.items():
            path = Path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".h5":
                attributes = {"parameters": parameters, "data_sha256": "d"}
                hdf5.write(path, {"x": Variable(("t",), np.arange(3.0), "x")}, attributes)
        (self.folder / "figures/fig1.png").write_bytes(b"a picture IEND\xaeB`\x82")
        (self.folder / "claims.json").write_text("{}", encoding="utf-8")
        (self.folder / "config.yaml").write_text(yaml.safe_dump(self.settings), encoding="utf-8")
        zipfile.ZipFile(self.folder / "workflow.zip", "w").close()

    def faults(self) -> list[str]:
        return find_faults(self.folder, self.planned, self.settings)[0]


@pytest.fixture(params=["results", "runs/of-mine"])
def run(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """An intact run, in a folder of one component and in one of two."""
    monkeypatch.chdir(tmp_path)
    return Run(request.param)


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def test_a_whole_run_has_no_fault(run: Run) -> None:
    (run.folder / "README.md").write_text("what stands here", encoding="utf-8")
    (run.folder / "logs").mkdir()
    (run.folder / "logs/train.log").write_text("done", encoding="utf-8")
    assert find_faults(run.folder, run.planned, run.settings) == (
        [],
        "7 files checked: 0 faults; 7 of 7 planned files exist",
    )


def test_files_behind_links_are_checked(run: Run) -> None:
    os.rename(run.folder / "mnist", "elsewhere")
    (run.folder / "mnist").symlink_to(Path("elsewhere").absolute())
    os.rename("elsewhere/freezing.h5", "freezing.h5")
    Path("elsewhere/freezing.h5").symlink_to(Path("freezing.h5").absolute())
    assert run.faults() == []
    damage(Path("elsewhere/train/a.h5"))
    damage(Path("freezing.h5"))
    assert [fault.partition(";")[0] for fault in run.faults()] == [
        f"{run.folder}/mnist/freezing.h5: altered or damaged, since the checksum differs",
        f"{run.folder}/mnist/train/a.h5: altered or damaged, since the checksum differs",
    ]


def test_links_in_a_circle_end_and_every_file_is_checked_once(run: Run) -> None:
    (run.folder / "again").symlink_to("mnist")
    (run.folder / "mnist/up").symlink_to("..")
    (run.folder / "mnist/self.h5").symlink_to("self.h5")
    faults, summary = find_faults(run.folder, run.planned, run.settings)
    second = "allowed is one path for each file; delete the link."
    assert faults == [
        f"{run.folder}/again: a link to the folder {run.folder}/mnist; {second}",
        f"{run.folder}/mnist/self.h5: a link to the missing target self.h5; allowed are existing targets; restore the "
        "target, or delete the link.",
        f"{run.folder}/mnist/up: a link to the folder {run.folder}; {second}",
    ]
    assert summary.startswith("7 files checked: 3 faults")


def test_a_link_to_nothing_and_what_is_no_file_are_named(run: Run) -> None:
    (run.folder / "mnist/freezing.h5").unlink()
    (run.folder / "mnist/freezing.h5").symlink_to("/gone/freezing.h5")
    os.mkfifo(run.folder / "mnist/pipe")  # reading would wait for ever
    link, pipe = run.faults()
    assert link.startswith(f"{run.folder}/mnist/freezing.h5: a link to the missing target /gone/freezing.h5; ")
    assert pipe.startswith(f"{run.folder}/mnist/pipe: neither a file nor a folder; ")


def test_what_may_not_be_entered_or_read_is_named_and_not_to_be_deleted(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tests may run as root, whom no permission stops."""
    closed = {str(run.folder / name) for name in ("mnist/train", "figures/fig1.png", "workflow.zip")}
    enter, read = os.scandir, Path.read_bytes

    def refuse(path: Path) -> None:
        if str(path) in closed:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", lambda path: refuse(path) or enter(path))
    monkeypatch.setattr(Path, "read_bytes", lambda path: refuse(path) or read(path))
    faults = run.faults()
    assert [fault.partition(", and may be intact; ")[0] for fault in faults] == [
        f"{run.folder}/figures/fig1.png: cannot be read (Permission denied)",
        f"{run.folder}/mnist/train: cannot be read (Permission denied)",
        f"{run.folder}/workflow.zip: cannot be read (Permission denied)",
    ]
    assert not any("delete" in fault for fault in faults)


def test_a_file_of_other_data_or_other_settings_is_stale(run: Run) -> None:
    path = run.folder / "mnist/data.h5"
    hdf5.write(path, {}, {"parameters": {"images": 3}, "data_sha256": "other"})
    run.planned[f"{run.folder}/mnist/freezing.h5"] = {"L_c": 0.2}
    assert run.faults() == [
        f"{run.folder}/mnist/{name}: stale, computed from other data; allowed is the data of {path}; run the workflow "
        "again."
        for name in ("freezing.h5", "train/a.h5")
    ]
    hdf5.write(path, {}, {"parameters": {"images": 3}, "data_sha256": "d"})
    assert run.faults() == [
        f"{run.folder}/mnist/freezing.h5: stale, computed with other settings; allowed are L_c = 0.2 (not 0.1); run "
        "the workflow again."
    ]


def test_the_settings_of_another_run_are_refused_in_one_sentence(run: Run) -> None:
    run.settings |= {"seed": 2, "experiments": {"mnist": {"layer": 3}}}
    with pytest.raises(UserError) as error:
        run.faults()
    assert str(error.value) == (
        f"results = {run.folder}: the run in this folder has other settings, in experiments.mnist.layer and 1 more; "
        f"allowed are the settings of that run; use --configfile {run.folder}/config.yaml."
    )


def test_a_moved_run_is_checked_in_its_new_folder(run: Run) -> None:
    run.settings |= {"results": "old", "data": {"root": "/elsewhere"}, "device": "cpu"}
    assert run.faults() == []  # where files are is no other run
    (run.folder / "config.yaml").write_text(yaml.safe_dump(run.settings | {"seed": 2}), encoding="utf-8")
    with pytest.raises(UserError, match=rf"--configfile {run.folder}/config\.yaml --config results={run.folder}\."):
        run.faults()


@pytest.mark.parametrize("content", ["seed: [1", "seed", ""])
def test_damaged_settings_are_named(run: Run, content: str) -> None:
    (run.folder / "config.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=r"config\.yaml: damaged, since .*; delete the file, and run again"):
        run.faults()


@pytest.mark.parametrize(
    ("recorded", "options"),
    [
        (None, "--configfile FOLDER/config.yaml"),
        ("results-preview", "--configfile results-preview/config.yaml"),
        ("results", "--configfile results-preview/config.yaml --config results=results-preview"),
    ],
)
def test_a_folder_without_a_file_of_the_run_is_no_run_without_fault(
    recorded: str | None, options: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if recorded:
        Path("results-preview").mkdir()
        Path("results-preview/config.yaml").write_text(f"results: {recorded}", encoding="utf-8")
    with pytest.raises(UserError) as error:
        find_faults(Path("results"), {"results/mnist/data.h5": {}}, SETTINGS)
    assert str(error.value) == (
        "results = results: no file of a run with these settings; allowed is a folder with a run; run the workflow "
        f"first, or use the settings of a run, such as {options}."
    )
