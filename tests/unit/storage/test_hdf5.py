"""Files are whole or absent, self-describing, and the same bytes for the same inputs."""

import builtins
import errno
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray

from sgd_valleys.errors import UserError
from sgd_valleys.storage import hdf5
from sgd_valleys.storage.hdf5 import Variable

VARIABLES = {
    "eta": Variable(("eta",), np.array([0.1, 0.2]), "learning rate"),
    "loss": Variable(("eta", "time"), np.arange(6.0).reshape(2, 3), "training loss", "nat"),
    "error": Variable(("eta",), np.array([True, False]), "whether wrong"),
    "slope": Variable((), 1.5, "a number alone"),
}


def test_what_is_written_is_read_back(tmp_path):
    hdf5.write(tmp_path / "a.h5", VARIABLES, {"B": 5, "parameters": {"x": [1, 2]}})
    found = hdf5.read(tmp_path / "a.h5", list(VARIABLES))
    assert all(np.array_equal(found[name], variable.data) for name, variable in VARIABLES.items())
    assert found["error"].dtype == bool
    found = hdf5.read_attributes(tmp_path / "a.h5")
    assert re.fullmatch("sgd-valleys-sha256:[0-9a-f]{64}", found.pop("file_sha256"))
    assert found == {"B": 5, "parameters": {"x": [1, 2]}}


def test_any_flipped_bit_is_noticed(tmp_path):
    path = tmp_path / "a.h5"
    hdf5.write(path, VARIABLES, {"B": 5})
    hdf5.check(path)
    whole = path.read_bytes()
    near = whole.find(b"sgd-valleys-sha256")  # where HDF5 itself can be led astray for good
    for place in {*range(0, len(whole), 97), *range(near - 100, near + 100)}:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        with pytest.raises(UserError, match=r"a\.h5: altered or damaged, since the checksum differs"):
            hdf5.read(path)


def test_a_part_of_a_file_is_read_along_named_axes(tmp_path):
    hdf5.write(tmp_path / "a.h5", VARIABLES)
    loss = VARIABLES["loss"].data
    one = hdf5.read(tmp_path / "a.h5", ["loss", "eta", "error", "slope"], {"eta": 1})
    assert np.array_equal(one["loss"], loss[1]) and one["eta"] == 0.2 and one["slope"] == 1.5
    assert not one["error"] and one["error"].dtype == bool
    assert np.array_equal(hdf5.read(tmp_path / "a.h5", ["loss"], {"time": [0, 2]})["loss"], loss[:, [0, 2]])


def test_a_place_on_an_axis_is_found_by_its_coordinate(tmp_path):
    hdf5.write(tmp_path / "a.h5", VARIABLES)
    place = hdf5.position(tmp_path / "a.h5", "eta", 0.2)
    assert place == {"eta": 1}
    assert np.array_equal(hdf5.read(tmp_path / "a.h5", ["loss"], place)["loss"], VARIABLES["loss"].data[1])


def test_variables_come_back_with_all_that_was_said_of_them(tmp_path):
    hdf5.write(tmp_path / "a.h5", VARIABLES)
    for name, variable in hdf5.read_variables(tmp_path / "a.h5", list(VARIABLES)).items():
        assert np.array_equal(variable.data, VARIABLES[name].data)
        assert variable.dims == VARIABLES[name].dims
        assert (variable.long_name, variable.units) == (VARIABLES[name].long_name, VARIABLES[name].units)


def test_xarray_sees_named_axes_and_units(tmp_path):
    hdf5.write(tmp_path / "a.h5", VARIABLES)
    with xarray.open_dataset(tmp_path / "a.h5", engine="h5netcdf") as found:
        assert found["loss"].dims == ("eta", "time")
        assert found["loss"].attrs["units"] == "nat"
        assert found["eta"].values.tolist() == [0.1, 0.2]
        assert found["error"].dtype == bool


def test_the_same_arrays_are_the_same_bytes(tmp_path):
    for name in ("a.h5", "b.h5"):
        hdf5.write(tmp_path / name, VARIABLES, {"B": 5, "A": 1})
        time.sleep(1.1)  # HDF5's own time stamps count seconds
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(tmp_path):
    hdf5.write(tmp_path / "a.h5", VARIABLES)
    before = (tmp_path / "a.h5").read_bytes()
    with pytest.raises(TypeError):
        hdf5.write(tmp_path / "a.h5", VARIABLES | {"bad": Variable((), object(), "no array")})
    assert (tmp_path / "a.h5").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]


def test_axes_that_disagree_are_refused(tmp_path):
    with pytest.raises(ValueError, match="axis eta is 2 long, but 3"):
        hdf5.write(tmp_path / "a.h5", VARIABLES | {"other": Variable(("eta",), np.zeros(3), "too long")})
    with pytest.raises(ValueError, match="2 axes and 1 names"):
        hdf5.write(tmp_path / "a.h5", {"x": Variable(("eta",), np.zeros((2, 2)), "two axes")})
    with pytest.raises(ValueError, match="named like"):
        hdf5.write(tmp_path / "a.h5", {"x": Variable(("x", "y"), np.zeros((2, 2)), "axis and array in one")})
    with pytest.raises(ValueError, match="time is named like an axis"):
        hdf5.write(tmp_path / "a.h5", VARIABLES | {"time": Variable(("eta",), np.zeros(2), "along another axis")})


@pytest.mark.parametrize("damage", ["noise", "truncated", "absent", "empty"])
def test_a_damaged_file_is_named_with_what_to_do(tmp_path, damage):
    path = tmp_path / "a.h5"
    hdf5.write(path, {"x": Variable(("t",), np.random.default_rng(0).random(5000), "noise")})
    content = path.read_bytes()
    if damage == "absent":
        path.unlink()
    else:
        path.write_bytes(
            {"noise": b"\x07" * len(content), "truncated": content[: len(content) // 2], "empty": b""}[damage]
        )
    sentence = (
        "missing; .*; run the workflow again"
        if damage == "absent"
        else "altered or damaged.*; delete the file, and run"
    )
    with pytest.raises(UserError, match=rf"a\.h5: {sentence}"):
        hdf5.read(path)


def test_a_file_without_the_array_is_named(tmp_path):
    hdf5.write(tmp_path / "a.h5", VARIABLES)
    with pytest.raises(UserError, match=r"a\.h5: no array height; allowed are "):
        hdf5.read(tmp_path / "a.h5", ["height"])


REFUSED_LOCKS = """
#include <errno.h>
int flock(int file, int operation) { errno = ENOLCK; return -1; }
"""
READ = "import sys; from sgd_valleys.storage import hdf5; print(hdf5.read(sys.argv[1], ['loss'])['loss'].sum())"
LOCKING = {"HDF5_USE_FILE_LOCKING": "TRUE"}
HOLD = "import h5py, sys; file = h5py.File(sys.argv[1], 'r+'); print('open', flush=True); sys.stdin.read()"


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler")
def test_a_file_is_read_where_the_disk_refuses_locks(tmp_path):
    hdf5.write(tmp_path / "a.h5", VARIABLES)
    (tmp_path / "locks.c").write_text(REFUSED_LOCKS, encoding="utf-8")
    library = tmp_path / "locks.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, tmp_path / "locks.c"], check=True)

    def run(code: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-c", code, tmp_path / "a.h5"]
        source = str(Path(hdf5.__file__).parents[2])
        environment = os.environ | LOCKING | {"LD_PRELOAD": str(library), "PYTHONPATH": source}
        return subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", input="", check=False)

    assert "No locks available" in run(HOLD).stderr  # HDF5 itself cannot open the file
    ended = run(READ)
    assert ended.stdout == "15.0\n", ended.stderr


def test_a_file_is_read_while_another_program_holds_it_open_for_writing(tmp_path):
    path = tmp_path / "a.h5"
    hdf5.write(path, VARIABLES)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", HOLD, path], env=os.environ | LOCKING, **pipes) as holder:
        assert holder.stdout.readline() == "open\n"
        assert np.array_equal(hdf5.read(path, ["loss"])["loss"], VARIABLES["loss"].data)
        holder.stdin.close()
    with h5py.File(path, "r"):  # of this very process, as in a notebook
        assert np.array_equal(hdf5.read(path, ["loss"])["loss"], VARIABLES["loss"].data)


class FailingFile:
    """A file whose end cannot be read, as on a broken disk."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __enter__(self) -> "FailingFile":
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def readinto(self, buffer: memoryview) -> int:
        if not self.content:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        part, self.content = self.content[: len(buffer)], self.content[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.ENOLCK])
def test_an_error_of_the_disk_is_no_reason_to_delete_a_file(tmp_path, monkeypatch, code):
    path = tmp_path / "a.h5"
    hdf5.write(path, VARIABLES)
    content = path.read_bytes()

    def fail(name: str | os.PathLike, mode: str, buffering: int = -1) -> FailingFile:
        if code != errno.EIO:
            raise OSError(code, os.strerror(code))
        return FailingFile(content)

    monkeypatch.setattr(builtins, "open", fail)
    with pytest.raises(
        UserError, match=rf"a\.h5: cannot be read \({os.strerror(code)}\), and may be intact; "
    ) as error:
        hdf5.read(path)
    assert "delete" not in str(error.value)


def test_what_hdf5_cannot_read_with_its_checksum_intact_is_not_to_be_deleted(tmp_path):
    content = bytearray(f"no HDF5 {hdf5.NO_CHECKSUM}".encode())
    hdf5.stamp(memoryview(content))
    (tmp_path / "a.h5").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.h5: cannot be read \(.*signature not found.*\), and may be intact; "):
        hdf5.read(tmp_path / "a.h5")


@pytest.mark.parametrize("block", [1, 7, 64, 200])
def test_a_checksum_is_found_across_the_blocks_in_which_a_file_is_read(tmp_path, monkeypatch, block):
    path = tmp_path / "a.h5"
    monkeypatch.setattr(hdf5, "BLOCK", block)
    hdf5.write(path, {"slope": VARIABLES["slope"]})
    hdf5.check(path)
    path.write_bytes(path.read_bytes() + b"1")
    with pytest.raises(UserError, match="the checksum differs"):
        hdf5.check(path)
